/* device/modem.h: a modem with a card slot. It powers the card, serves its proactive commands (TS 102 223), attaches with
 * the card's AUTHENTICATE, hands short messages to it and moves the bytes of its BIP channels. Pure: the card, the
 * network and time come in through two small structs of functions, so a lab program and the simulator share it. */
#ifndef OSPREY_DEVICE_MODEM_H
#define OSPREY_DEVICE_MODEM_H

#include "lib/base/env.h"
#include "lib/codec/ber_tlv.h"
#include "lib/wire/gsup.h"
#include "lib/wire/sms.h"

#define MODEM_CHANNELS_MAX  7u
#define MODEM_TIMERS_MAX    8u
#define MODEM_QUEUE_MAX     64u     /* short messages and events waiting for the card */
#define MODEM_CHANNEL_RX_MAX 65536u /* octets of a channel the card has not fetched yet */
#define MODEM_FACT_MAX      200u
#define MODEM_PROFILE_MAX   32u     /* octets of a TERMINAL PROFILE */

struct modem;

/* The card slot: C-APDU in, R-APDU out, T=0 (see euicc/euicc.h). */
struct modem_slot {
    void *context;
    void (*reset)(void *context, struct writer *atr);
    void (*transmit)(void *context, struct span capdu, struct writer *rapdu);
    uint64_t (*idle)(void *context, uint64_t now_ms); /* next wake-up, UINT64_MAX: none */
    bool (*has_proactive)(void *context);
};

enum modem_transport { MODEM_UDP = 1, MODEM_TCP = 2 }; /* as object 3C has it */

/* What the modem asks of the network. Each answer comes back through the function named; it may come from inside. */
struct modem_lines {
    void *context;
    /* → modem_auth_info. resync: rand and auts of the vector the card refused; NULL at first. */
    void (*send_auth_info)(void *context, const char *imsi, const uint8_t *rand, const uint8_t *auts);
    /* → modem_location_updated */
    void (*update_location)(void *context, const char *imsi);
    /* The modem is on the network with this subscription (msisdn may be ""), or not any more (imsi NULL). */
    void (*registered)(void *context, const char *imsi, const char *msisdn);
    /* → modem_sms_sent. */
    void (*sms_submit)(void *context, const struct sms_submit *sms);
    /* → modem_sms_taken was called with what the card said. tag is the one given to modem_sms_deliver. */
    void (*sms_taken)(void *context, uint64_t tag, bool ok);
    /* → modem_channel_opened */
    void (*channel_open)(void *context, unsigned channel, enum modem_transport transport, const uint8_t ipv4[4],
                         uint16_t port);
    void (*channel_send)(void *context, unsigned channel, struct span bytes); /* UDP: one datagram */
    void (*channel_close)(void *context, unsigned channel);
    struct modem_watch {
        void *context;
        /* For traces and reports; each may be NULL. */
        void (*apdu)(void *context, struct span command, struct span response);
        void (*fact)(void *context, enum log_level level, const char *text);
        void (*attached)(void *context, const char *imsi, bool accepted, const char *why);
    } watch;
};

/* What is wrong with this modem. All zero: nothing. */
struct modem_quirks {
    bool no_bip;            /* neither offers nor serves channels */
    bool refresh_ignored;   /* answers REFRESH as done and does nothing */
    bool no_location_event; /* takes the event list and never reports a location status */
    bool no_rejection_event; /* … nor that the network refused it */
    bool loses_sms;         /* what arrives while it sleeps is gone though the network was told that it arrived; without,
                               the network is told to try later */
    bool suspends;          /* asleep it takes the card's power away, where the profile offers that (SUSPEND UICC) */
    uint16_t bip_buffer;    /* octets of a channel's buffers; 0: as the card asks, up to 1500 */
    uint32_t answer_ms;     /* before each FETCH, envelope or poll */
    uint32_t awake_s, asleep_s; /* it sleeps asleep_s long when nothing happened for awake_s (PSM, eDRX); 0: never */
    uint8_t profile[MODEM_PROFILE_MAX], profile_len; /* TERMINAL PROFILE in place of the true one; 0: the true one */
    uint8_t profile_clear[MODEM_PROFILE_MAX];        /* bits that are taken out of it */
};

struct modem_config {
    char imei[16];          /* 15 digits */
    uint32_t poll_s;        /* STATUS when the card did not say otherwise; 0: 30 */
    uint32_t attach_retry_s; /* after a refused attach; 0: 60 */
    uint8_t mcc_mnc[3], lac[2], cell[2]; /* what PROVIDE LOCAL INFORMATION says */
    struct modem_quirks quirks;
    const char *pin;        /* PIN1 when the card asks for it; NULL: none */
};

/* NULL without memory. Nothing happens before modem_power_on. */
struct modem *modem_new(const struct modem_config *config, const struct modem_slot *slot, const struct modem_lines *lines);
void modem_free(struct modem *m);

/* Resets the card, tells it the terminal profile, reads it and attaches when there is coverage. */
void modem_power_on(struct modem *m, uint64_t now_ms);
/* Timers, polling, the card's own timers. Returns when to call again. */
uint64_t modem_tick(struct modem *m, uint64_t now_ms);
/* Coverage lost or back. */
void modem_coverage(struct modem *m, uint64_t now_ms, bool coverage);

/* The cell it is in from now on, and how the network lets it sleep (PSM, eDRX). What the card hears of it comes with the next
 * attach. */
struct modem_place {
    uint8_t mcc_mnc[3], lac[2], cell[2]; /* TS 24.008 §10.5.1.3 */
    uint32_t awake_s, asleep_s;          /* as in modem_quirks */
};
void modem_move(struct modem *m, const struct modem_place *place);

/* vectors NULL: refused, cause of TS 24.008, or no answer (0). */
void modem_auth_info(struct modem *m, uint64_t now_ms, const struct gsup_vector *vector, uint8_t cause);
void modem_location_updated(struct modem *m, uint64_t now_ms, bool accepted, const char *msisdn, uint8_t cause);
/* A SMS-DELIVER for the card; lines->sms_taken says when the card has it. ERR_BUSY: the queue is full. */
MUST_USE enum err modem_sms_deliver(struct modem *m, uint64_t now_ms, struct span tpdu, uint64_t tag);
void modem_sms_sent(struct modem *m, uint64_t now_ms, bool ok);
void modem_channel_opened(struct modem *m, uint64_t now_ms, unsigned channel, bool ok);
/* Returns how many octets there is room for afterwards; what did not fit was not taken. UDP: one datagram, which is
 * lost when it does not fit. */
size_t modem_channel_data(struct modem *m, uint64_t now_ms, unsigned channel, struct span bytes, size_t *ret_taken);
void modem_channel_closed(struct modem *m, uint64_t now_ms, unsigned channel);

struct modem_counts {
    uint64_t apdus, sms_mt, sms_mo, channels, bytes_up, bytes_down, attaches, resets;
};
struct modem_counts modem_counts(const struct modem *m);
const char *modem_imsi(const struct modem *m); /* "" before the card was read */
bool modem_is_registered(const struct modem *m);
bool modem_is_asleep(const struct modem *m);

#endif
