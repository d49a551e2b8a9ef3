/* device/modem_private.h: shared by modem.c (card and queue), modem_attach.c (the network) and modem_toolkit.c (proactive
 * commands). */
#ifndef OSPREY_DEVICE_MODEM_PRIVATE_H
#define OSPREY_DEVICE_MODEM_PRIVATE_H

#include "modem.h"
#include "modem_host.h"

#define MODEM_RAPDU_MAX      258u
#define MODEM_CHANNEL_TX_MAX 1500u

enum attach_state { ATTACH_OFF, ATTACH_AUTH_INFO, ATTACH_LOCATION, ATTACH_DONE, ATTACH_REFUSED };
enum location_status { LOCATION_NORMAL, LOCATION_LIMITED, LOCATION_NONE };
enum { EVENT_LOCATION_STATUS = 0x03, EVENT_DATA_AVAILABLE = 0x09, EVENT_CHANNEL_STATUS = 0x0A, EVENT_NETWORK_REJECTION = 0x12 };

struct modem_input {
    enum { INPUT_SMS, INPUT_EVENT } kind;
    uint64_t tag;
    uint8_t len;
    uint8_t bytes[SMS_TPDU_MAX]; /* a SMS-DELIVER, or a whole envelope */
};

struct modem_channel {
    bool open, opening, told; /* told: a data-available event is out for what is in rx */
    bool datagrams;           /* UDP: in rx each has its length, two octets, in front */
    uint8_t *rx, *tx;         /* MODEM_CHANNEL_RX_MAX and MODEM_CHANNEL_TX_MAX octets of one allocation, while open */
    size_t rx_len, tx_len;
    uint8_t bearer[16], bearer_len;
    uint16_t buffer_size, asked_size;
};

struct modem {
    struct modem_config config;
    struct modem_slot slot;
    struct modem_lines lines;
    struct modem_counts counts;
    uint64_t now_ms;
    bool on, coverage, radio_off, working, reset_wanted;
    bool moved; /* the host selected something on the basic channel */
    enum modem_card card;
    uint8_t usim[16], usim_len; /* the AID of the USIM in use */
    bool asleep, suspended; /* suspended: the card has no power and this token takes it up again */
    uint8_t suspend_token[8];
    uint64_t sleeps_at, wakes_at, slow_until; /* quirks */
    unsigned fetch_len; /* a proactive command of that many octets waits */
    /* the command being served, for its TERMINAL RESPONSE */
    struct {
        bool waiting; /* its answer comes from the network */
        uint8_t number, type, qualifier, destination;
        unsigned channel;
    } command;
    struct modem_input *queue; /* a ring of MODEM_QUEUE_MAX; NULL while nothing waits */
    size_t queue_head, queue_count;
    uint32_t events;          /* bit n: the card wants event n */
    uint64_t poll_ms, poll_at;
    struct {
        uint64_t due_ms;      /* 0: not running */
        uint8_t value[3];
    } timers[MODEM_TIMERS_MAX];
    struct modem_channel channels[MODEM_CHANNELS_MAX + 1]; /* 1 … 7 */
    /* attach */
    char imsi[GSUP_IMSI_MAX], msisdn[GSUP_IMSI_MAX];
    enum attach_state attach;
    enum location_status location;
    bool resynced;
    uint64_t attach_at;
    /* the host's messages; one is on its way to the network at a time, the card's or the host's */
    struct modem_host host;
    bool host_sends, card_waits;
    struct sms_submit held; /* the card's, while it waits for the host's */
    uint8_t held_ud[SMS_UD_MAX], reference;
};

/* One command with GET RESPONSE and 6Cxx done; data in ret (MODEM_RAPDU_MAX), the last status word returned (91xx as
 * 9000, remembered for the next FETCH). */
uint16_t modem_apdu(struct modem *m, struct span command, struct writer *ret);
void modem_fact(struct modem *m, enum log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* What waits for the card. Room: at the end of the queue, to be filled in at once; NULL: it is full. */
struct modem_input *modem_input_room(struct modem *m);
/* Events of the network that wait are of a subscription that is not read any more. */
void modem_forget_network(struct modem *m);
bool modem_input_take(struct modem *m, struct modem_input *ret); /* the first; false: none */
/* Serves the card until it has nothing to say and nothing waits for it. */
void modem_work(struct modem *m);
void modem_event(struct modem *m, uint8_t event, struct span body, uint8_t source);

/* modem_attach.c */
void attach_start(struct modem *m);
void attach_end(struct modem *m, enum location_status location);
void attach_tick(struct modem *m);
void tell_location(struct modem *m);
void write_location(const struct modem *m, struct writer *w); /* object 13 */
enum err card_read_subscription(struct modem *m);
/* SELECT; with fcp, the answer is appended to it. */
uint16_t card_select(struct modem *m, uint8_t p1, struct span id, struct writer *fcp);
uint16_t card_select_usim(struct modem *m, struct writer *fcp);

/* modem_toolkit.c */
void toolkit_serve(struct modem *m, struct span command);
void toolkit_respond(struct modem *m, uint8_t result, int additional, struct span more);
void toolkit_reset(struct modem *m);
void toolkit_tick(struct modem *m);
void toolkit_data_available(struct modem *m, unsigned channel);
void channel_drop(struct modem *m, unsigned channel);

/* modem_quirks.c */
void quirks_profile(const struct modem *m, struct writer *w);
bool quirks_slow(struct modem *m); /* it is too early for the next thing */
void quirks_pace(struct modem *m);
void quirks_stay_awake(struct modem *m);
uint64_t quirks_tick(struct modem *m); /* when it wants to be called again */
bool quirks_lose_sms(struct modem *m, uint64_t tag); /* asleep: the message never comes here */

/* modem.c: power down and up. false: no answer to reset. */
bool modem_slot_reset(struct modem *m);
/* modem_suspend.c. The first: true when the card may lose its power now. */
bool card_suspend(struct modem *m);
void card_resume(struct modem *m);

/* modem_host.c. The first: false when the message is for the card. */
bool host_takes_sms(struct modem *m, struct span tpdu, uint64_t tag);
void host_reset(struct modem *m);

#endif
