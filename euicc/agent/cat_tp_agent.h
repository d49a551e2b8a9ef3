/* euicc/agent/cat_tp_agent.h: the card's end of CAT_TP (ETSI TS 102 127, TS 102 226 PUSH; oncard fact book 9): a link
 * over a UDP channel of the terminal, opened by PUSH or for a notification. Its service data units are SCP80 packets:
 * commands come, proofs of receipt go, and the notification is a packet of the card. A link that breaks is made again
 * as a session of SCP81 is; what the SM-SR has not got yet is then sent first, and a command that comes twice, to the
 * octet, gets the same answer twice. */
#ifndef OSPREY_EUICC_AGENT_CAT_TP_AGENT_H
#define OSPREY_EUICC_AGENT_CAT_TP_AGENT_H

#include "channel_params.h"
#include "datagrams.h"
#include "euicc/isdr/session.h"
#include "lib/wire/cat_tp.h"

#define CAT_TP_SDU_MAX     SD_PACKET_MAX
#define CAT_TP_AGENT_TRIES 2u /* after a failure [?] */
#define CAT_TP_WAKE_TIMER  1u /* of the terminal: brings the card to life for retransmissions */

struct cat_tp_params {
    struct channel_params channel;
    bool linked; /* the second PUSH came */
    uint16_t port;
    uint8_t ident_len, ident[CAT_TP_IDENT_MAX];
    unsigned retries;
};

enum cat_tp_phase {
    CAT_TP_IDLE,
    CAT_TP_OPENING, /* OPEN CHANNEL is with the terminal */
    CAT_TP_RUNNING, /* the channel is there, the link comes or is there */
    CAT_TP_CLOSING,
    CAT_TP_WAITING /* for the next try */
};

/* Of a link and its repeats; allocated while they last. */
struct cat_tp_session {
    struct cat_tp link;
    struct sd_session scripts;
    bool progress; /* a command came on this link */
    bool heard;    /* so its answer is known by this digest */
    bool owed;     /* out is not with the SM-SR yet */
    bool notifies; /* out is a notification */
    uint8_t digest[32];
    size_t out_len;
    uint8_t out[CAT_TP_SDU_MAX], tx[CAT_TP_SDU_MAX], rx[CAT_TP_SDU_MAX];
};

struct cat_tp_agent {
    enum cat_tp_phase phase;
    struct cat_tp_params params;
    struct datagrams channel;
    struct cat_tp_session *session;
    bool for_good; /* CLOSING: all is done, not only this connection */
    bool has_next; /* PUSH came during a session: forgotten when the link turns out to live */
    struct cat_tp_params next;
    bool wake_set;
    uint64_t deadline_ms, tick_ms; /* idle limit or next try; retransmission; UINT64_MAX: none */
};

/* PUSH, P2 = 01: the channel, objects as of OPEN CHANNEL; P2 = 02: the link, port 3C and identification 36. What is not
 * there comes from the profile's and the stored parameters (A1, A4), the identification from EF.ICCID. ERR_MISSING: no
 * address; ERR_UNSUPPORTED: the terminal has no UDP; ERR_STATE: a link without a channel; ERR_TOO_LONG, ERR_BAD_… */
MUST_USE enum err cat_tp_push_channel(struct card *card, struct span objects);
MUST_USE enum err cat_tp_push_link(struct card *card, struct span objects);
/* A packet of the card's own (a notification), with the EID for identification. ERR_BUSY: the link has to carry
 * something else; ERR_MISSING: the SM-SR has no CAT_TP address. switch_notification_failed tells when it is given up.
 */
MUST_USE enum err cat_tp_notify(struct card *card, struct span packet);
bool cat_tp_is_busy(const struct card *card);
MUST_USE enum err cat_tp_agent_open(struct card *card); /* its RAM */
void cat_tp_agent_reset(struct card *card);
uint64_t cat_tp_agent_idle(struct card *card, uint64_t now_ms);
void cat_tp_agent_event(struct card *card, enum cat_event event, struct span body);
void cat_tp_agent_timer(struct card *card, uint8_t id);

#endif
