/* euicc/agent/datagrams.h: a UDP channel of the terminal (BIP): whole datagrams out and in, moved piece by piece with
 * one SEND DATA and one RECEIVE DATA at a time. Datagrams that find no room are lost, as datagrams are. */
#ifndef OSPREY_EUICC_AGENT_DATAGRAMS_H
#define OSPREY_EUICC_AGENT_DATAGRAMS_H

#include "euicc/uicc/proactive.h"
#include "lib/base/err.h"

#define DATAGRAM_MAX          1472u
#define DATAGRAMS_WAITING_MAX 12u

struct datagram_buffers { /* on the heap while the channel is there */
    struct {
        uint16_t len;
        uint8_t octets[DATAGRAM_MAX];
    } out[DATAGRAMS_WAITING_MAX];
    uint8_t in[DATAGRAM_MAX];
};

/* Lives as long as the card: answers of the terminal find it. Zeroed at first; handlers are set by the owner. */
struct datagrams {
    enum datagrams_state { DATAGRAMS_NONE, DATAGRAMS_OPENING, DATAGRAMS_OPEN, DATAGRAMS_CLOSING } state;
    uint8_t channel;
    bool sending, receiving, close_asked;
    bool in_lost;                  /* the datagram under way is too long */
    size_t piece_max, buffer_size; /* what the terminal has: of one SEND DATA, of a datagram */
    size_t out_first, out_count, out_sent, piece, in_len;
    struct datagram_buffers *buffers;
    void (*opened)(struct card *card);
    void (*received)(struct card *card, struct span datagram);
    /* The channel is not there (any more): refused, lost, or closed as asked. */
    void (*closed)(struct card *card);
};

/* ERR_NO_MEMORY, ERR_STATE (there is one), and the errors of proactive_open_channel: closed is not called then. */
MUST_USE enum err datagrams_open(struct card *card, struct datagrams *d, const struct bip_open *open);
void datagrams_send(struct card *card, struct datagrams *d, struct span datagram);
/* What waits is sent before; closed is called later. A terminal that never answers: datagrams_reset. */
void datagrams_close(struct card *card, struct datagrams *d);
void datagrams_reset(struct datagrams *d); /* the card was reset: nothing is called */
/* Events of the terminal (values of ENVELOPE D6). */
void datagrams_available(struct card *card, struct datagrams *d, struct span body);
void datagrams_status(struct card *card, struct datagrams *d, struct span body);

#endif
