/* lib/wire/cat_tp.h: CAT_TP (ETSI TS 102 127; oncard fact book 9): a reliable, ordered connection for service data units
 * over datagrams (UDP over BIP). PDU codec and one end of a connection as a machine: datagrams and time in, datagrams and
 * SDUs out, no I/O, no allocation. Both ends are the same machine: the card connects, the SM-SR listens.
 *
 * Sequence numbers count PDUs; a SYN takes one, each data PDU takes one, everything else takes none. */
#ifndef OSPREY_WIRE_CAT_TP_H
#define OSPREY_WIRE_CAT_TP_H

#include "lib/codec/reader.h"
#include "lib/codec/writer.h"

#define CAT_TP_HEADER_LEN  18u
#define CAT_TP_PDU_MAX     1472u /* octets of a datagram */
#define CAT_TP_PDU_DEFAULT 200u
#define CAT_TP_WINDOW_MAX  10u
#define CAT_TP_IDENT_MAX   64u

enum cat_tp_flags {
    CAT_TP_SYN = 0x80,
    CAT_TP_ACK = 0x40,
    CAT_TP_EAK = 0x20,
    CAT_TP_RST = 0x10,
    CAT_TP_NUL = 0x08,
    CAT_TP_SEG = 0x04 /* more PDUs of this SDU follow */
};
enum cat_tp_reason {
    CAT_TP_NORMAL = 0,
    CAT_TP_ILLEGAL = 1,
    CAT_TP_TEMPORARY = 2,
    CAT_TP_NO_PORT = 3,
    CAT_TP_UNEXPECTED = 4,
    CAT_TP_RETRIES = 5,
    CAT_TP_VERSION = 6
};

struct cat_tp_pdu {
    uint8_t flags;
    uint16_t source, destination, sequence, ack, window;
    uint16_t max_pdu, max_sdu; /* SYN */
    struct span ident;         /* SYN */
    struct span extended;      /* EAK: sequence numbers, two octets each */
    uint8_t reason;            /* RST */
    struct span data;
};
void cat_tp_pdu_write(struct writer *w, const struct cat_tp_pdu *p); /* with checksum */
/* Spans into bytes. ERR_VERIFY (checksum), ERR_UNSUPPORTED (version), ERR_BAD_LENGTH, ERR_TRUNCATED, ERR_BAD_VALUE. */
MUST_USE enum err cat_tp_pdu_read(struct span bytes, struct cat_tp_pdu *ret);

/* ---- one end ---- */

enum cat_tp_state { CAT_TP_CLOSED, CAT_TP_LISTENING, CAT_TP_SYN_SENT, CAT_TP_SYN_RECEIVED, CAT_TP_OPEN };

struct cat_tp_config {
    uint16_t source, destination; /* a listener takes its peer's port from the SYN */
    uint16_t max_pdu;             /* 0: CAT_TP_PDU_DEFAULT; at most CAT_TP_PDU_MAX */
    uint16_t first_sequence;
    uint8_t window;    /* PDUs in flight towards us, 1 … CAT_TP_WINDOW_MAX; 0: that */
    uint8_t retries;   /* of one PDU; 0: 10 */
    uint32_t rtt_ms;   /* assumed at first; 0: 2000 */
    struct span ident; /* of the SYN: the EID */
    uint8_t *tx, *rx;  /* room for an SDU each way, the caller's, as long as the connection */
    uint16_t tx_cap, rx_cap;
    void *context;
    void (*datagram)(void *context, struct span bytes); /* to be sent */
    void (*opened)(void *context, struct span ident);   /* the peer's identification, maybe empty; may be NULL */
    void (*sdu)(void *context, struct span sdu);        /* one arrived whole */
    void (*sent)(void *context);                        /* the peer has the SDU: the next may come; may be NULL */
    void (*closed)(void *context, uint8_t reason);      /* by the peer, or after too many retries; may be NULL */
};

struct cat_tp {
    struct cat_tp_config c;
    enum cat_tp_state state;
    uint8_t ident[CAT_TP_IDENT_MAX], ident_len;
    /* towards the peer */
    uint16_t send_next;    /* sequence of the next new PDU */
    uint16_t send_oldest;  /* the oldest that is not acknowledged */
    uint16_t peer_window, peer_pdu, peer_sdu;
    size_t tx_len, tx_sent; /* octets of the SDU in hand; 0: none */
    struct cat_tp_flight {
        bool used, acked;
        uint8_t tries;
        uint16_t sequence;
        size_t at, len;
        uint64_t sent_ms, due_ms;
    } flights[CAT_TP_WINDOW_MAX];
    uint32_t srtt_ms;
    uint8_t syn_tries;
    uint64_t syn_due_ms, syn_sent_ms;
    /* from the peer */
    uint16_t receive_next;
    size_t rx_len;
    struct cat_tp_early { /* came before its turn */
        bool used, more;
        uint16_t sequence, len;
        uint8_t data[CAT_TP_PDU_MAX];
    } early[CAT_TP_WINDOW_MAX];
};

/* Closed. ERR_BAD_VALUE: sizes. */
MUST_USE enum err cat_tp_init(struct cat_tp *t, const struct cat_tp_config *config);
void cat_tp_connect(struct cat_tp *t, uint64_t now_ms);
void cat_tp_listen(struct cat_tp *t);
/* A datagram from the peer; what is no good PDU of this connection is ignored. */
void cat_tp_receive(struct cat_tp *t, uint64_t now_ms, struct span datagram);
/* One SDU at a time, copied. ERR_STATE (not open), ERR_BUSY (the one before is not through), ERR_TOO_LONG. */
MUST_USE enum err cat_tp_send(struct cat_tp *t, uint64_t now_ms, struct span sdu);
/* Retransmissions. Returns when to call again, UINT64_MAX: never. */
uint64_t cat_tp_tick(struct cat_tp *t, uint64_t now_ms);
void cat_tp_probe(struct cat_tp *t); /* NUL: is the peer there? */
void cat_tp_close(struct cat_tp *t); /* RST, normal */

#endif
