/* euicc/uicc/proactive.h: the card application toolkit from the card's side (ETSI TS 102 223, 3GPP TS 31.111): a queue
 * of proactive commands, each with a function that gets the TERMINAL RESPONSE; the events the terminal reports. One
 * command is out at a time: announced by 91xx, taken with FETCH, ended by TERMINAL RESPONSE. A reset drops them all:
 * their functions are called with PROACTIVE_RESET. */
#ifndef OSPREY_EUICC_UICC_PROACTIVE_H
#define OSPREY_EUICC_UICC_PROACTIVE_H

#include "lib/codec/comprehension_tlv.h"

struct card;

#define PROACTIVE_QUEUE_MAX 8u
#define PROACTIVE_LEN_MAX   256u /* D0, length and all */
#define PROACTIVE_SEND_MAX  230u /* octets of one SEND DATA */
#define PROACTIVE_RECEIVE_MAX 0xEDu /* octets of one RECEIVE DATA: its TERMINAL RESPONSE stays within 255 */

enum proactive_type {
    PROACTIVE_REFRESH = 0x01,
    PROACTIVE_MORE_TIME = 0x02,
    PROACTIVE_POLL_INTERVAL = 0x03,
    PROACTIVE_POLLING_OFF = 0x04,
    PROACTIVE_SET_UP_EVENT_LIST = 0x05,
    PROACTIVE_SEND_SMS = 0x13,
    PROACTIVE_DISPLAY_TEXT = 0x21,
    PROACTIVE_PROVIDE_LOCAL_INFO = 0x26,
    PROACTIVE_TIMER = 0x27,
    PROACTIVE_OPEN_CHANNEL = 0x40,
    PROACTIVE_CLOSE_CHANNEL = 0x41,
    PROACTIVE_RECEIVE_DATA = 0x42,
    PROACTIVE_SEND_DATA = 0x43,
    PROACTIVE_CHANNEL_STATUS = 0x44
};
enum proactive_device { DEVICE_UICC = 0x81, DEVICE_TERMINAL = 0x82, DEVICE_NETWORK = 0x83, DEVICE_CHANNEL_1 = 0x21 };

enum refresh_mode {
    REFRESH_INIT_FULL_FILE_CHANGE = 0x00,
    REFRESH_FILE_CHANGE = 0x01,
    REFRESH_INIT_FILE_CHANGE = 0x02,
    REFRESH_INIT = 0x03,
    REFRESH_UICC_RESET = 0x04,
    REFRESH_APPLICATION_RESET = 0x05,
    REFRESH_SESSION_RESET = 0x06,
    REFRESH_PROFILE_STATE = 0x09
};
enum cat_event {
    EVENT_MT_CALL = 0x00,
    EVENT_CALL_CONNECTED = 0x01,
    EVENT_CALL_DISCONNECTED = 0x02,
    EVENT_LOCATION_STATUS = 0x03,
    EVENT_USER_ACTIVITY = 0x04,
    EVENT_IDLE_SCREEN = 0x05,
    EVENT_DATA_AVAILABLE = 0x09,
    EVENT_CHANNEL_STATUS = 0x0A,
    EVENT_ACCESS_TECHNOLOGY = 0x0B,
    EVENT_NETWORK_REJECTION = 0x12
};

/* General results (tag 03). 0x and 1x: done; 2x: try again later; 3x: do not. */
#define RESULT_OK                0x00u
#define RESULT_TERMINAL_BUSY     0x20u
#define RESULT_NETWORK_BUSY      0x21u
#define RESULT_BEYOND_CAPABILITY 0x30u
#define RESULT_SMS_ERROR         0x35u
#define RESULT_BIP_ERROR         0x3Au
static inline bool result_is_done(uint8_t result) { return result < 0x20; }
static inline bool result_is_temporary(uint8_t result) { return result >= 0x20 && result < 0x30; }

enum proactive_end { PROACTIVE_ANSWERED, PROACTIVE_RESET /* the card was reset before an answer came */ };
struct terminal_response {
    enum proactive_end end;
    uint8_t type, qualifier; /* of the command */
    uint8_t result;          /* of an answered one */
    struct span additional;  /* what follows the general result in tag 03 */
    struct span body;        /* all COMPREHENSION-TLVs of the response, for ctlv_find; borrowed for the call */
};
typedef void proactive_done(struct card *card, void *context, const struct terminal_response *response);

/* ---- making; done may be NULL. ERR_BUSY: the queue is full. ERR_TOO_LONG. ERR_UNSUPPORTED: the TERMINAL PROFILE does
 * not have it (nothing is queued; without any TERMINAL PROFILE yet everything is thought to be there). ---- */

/* Any command: body are the COMPREHENSION-TLVs that follow the device identities. to: enum proactive_device. */
MUST_USE enum err proactive_push(struct card *card, enum proactive_type type, uint8_t qualifier, uint8_t to,
                                 struct span body, proactive_done *done, void *context);

/* service_centre: value of tag 06 (TON/NPI and digits), empty: the terminal's own, or EF.SMSP's. */
MUST_USE enum err proactive_send_sms(struct card *card, struct span service_centre, struct span tpdu,
                                     proactive_done *done, void *context);
MUST_USE enum err proactive_refresh(struct card *card, enum refresh_mode mode, proactive_done *done, void *context);
/* qualifier: 00 location, 01 IMEI, 06 access technology … */
MUST_USE enum err proactive_local_info(struct card *card, uint8_t qualifier, proactive_done *done, void *context);
MUST_USE enum err proactive_poll_interval(struct card *card, unsigned seconds, proactive_done *done, void *context);

enum timer_operation { TIMER_START = 0, TIMER_STOP = 1, TIMER_GET = 2 };
/* The terminal's timers 1 … 8. For what need not survive the terminal prefer card->env.clock and the idle hook. */
MUST_USE enum err proactive_timer(struct card *card, enum timer_operation op, uint8_t id, unsigned seconds,
                                  proactive_done *done, void *context);

struct bip_open {
    bool immediate;                                   /* establish the link now */
    struct span alpha;                                /* value of 05; ptr NULL: absent, empty: 05 00 */
    uint16_t buffer_size;                             /* 0: 1400 */
    struct span bearer;                               /* value of tag 35; empty: 03, the default bearer */
    struct span network_access_name, login, password; /* values of 47, 0D, 0D (with DCS); empty: absent */
    uint8_t transport;                                /* 01 UDP, 02 TCP, client */
    uint16_t port;
    struct span address; /* value of 3E: 21 + 4 octets, 57 + 16 */
};
MUST_USE enum err proactive_open_channel(struct card *card, const struct bip_open *open, proactive_done *done,
                                         void *context);
/* The channel number of a positive answer to OPEN CHANNEL (tag 38), 0 when there is none. */
uint8_t proactive_channel_of(const struct terminal_response *response);
/* Octets of one SEND DATA: what the terminal really has a buffer for (TS 102 223 §6.8: OPEN CHANNEL may be performed
 * with modification); proactive_buffer_of: that buffer whole, 0 when it was not told. */
size_t proactive_piece_max(const struct terminal_response *response);
size_t proactive_buffer_of(const struct terminal_response *response);
/* The channel events: is this one of channel 1 … 7, with the first octet of the channel status (link, number)? How many
 * octets wait: as told, else the most of one RECEIVE DATA. */
bool proactive_event_is_of(struct span body, uint8_t channel, uint8_t *ret_first);
size_t proactive_octets_waiting(struct span body);
MUST_USE enum err proactive_close_channel(struct card *card, uint8_t channel, proactive_done *done, void *context);
/* At most PROACTIVE_SEND_MAX octets. immediately: 01, otherwise the terminal stores. */
MUST_USE enum err proactive_send_data(struct card *card, uint8_t channel, bool immediately, struct span data,
                                      proactive_done *done, void *context);
MUST_USE enum err proactive_receive_data(struct card *card, uint8_t channel, uint8_t len, proactive_done *done,
                                         void *context);

/* The events the card wants to hear of: a bit (1u << enum cat_event) each, for events below 32, of all modules
 * together; SET UP EVENT LIST follows when the set changes, and anew after every TERMINAL PROFILE. */
void proactive_want_events(struct card *card, uint32_t events);

/* ---- the terminal ---- */

/* A bit of the TERMINAL PROFILE: octet 1 …, bit 1 … 8. false before the first TERMINAL PROFILE of the session. */
bool terminal_has(const struct card *card, unsigned octet, unsigned bit);
/* A TERMINAL PROFILE came in this session: proactive commands can be answered. */
bool terminal_is_ready(const struct card *card);
bool proactive_is_idle(const struct card *card); /* nothing queued, nothing out */

#endif
