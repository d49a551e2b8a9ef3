#include "datagrams.h"

#include <stdlib.h>

#include "euicc/card.h"

void datagrams_reset(struct datagrams *d)
{
    if (d->buffers)
        wipe(d->buffers, sizeof *d->buffers);
    free(d->buffers);
    *d = (struct datagrams){ .opened = d->opened, .received = d->received, .closed = d->closed };
}

static void over(struct card *card, struct datagrams *d)
{
    datagrams_reset(d);
    d->closed(card);
}

static void channel_closed(struct card *card, void *context, const struct terminal_response *response)
{
    struct datagrams *d = context;
    if (response->end != PROACTIVE_RESET && d->state == DATAGRAMS_CLOSING)
        over(card, d);
}

static void close_now(struct card *card, struct datagrams *d)
{
    d->state = DATAGRAMS_CLOSING;
    if (d->close_asked)
        return;
    d->close_asked = true;
    if (!d->channel)
        over(card, d);
    else if (proactive_close_channel(card, d->channel, channel_closed, d) != ERR_NONE)
        log_fact(card->env.log, LOG_WARN_, NULL, "channel %u cannot be closed now", d->channel); /* the owner waits */
}

/* ---- out ---- */

static void send_next(struct card *card, struct datagrams *d);

static void piece_sent(struct card *card, void *context, const struct terminal_response *response)
{
    struct datagrams *d = context;
    if (response->end == PROACTIVE_RESET || !d->sending)
        return;
    d->sending = false;
    d->out_sent += d->piece;
    bool done = result_is_done(response->result), whole = d->out_sent == d->buffers->out[d->out_first].len;
    if (!done || whole) { /* a datagram that the terminal does not take is lost */
        d->out_first = (d->out_first + 1) % DATAGRAMS_WAITING_MAX;
        d->out_count--;
        d->out_sent = 0;
    }
    if (!done && response->result == RESULT_BIP_ERROR && d->state == DATAGRAMS_OPEN)
        close_now(card, d);
    else
        send_next(card, d);
}

/* The terminal stores the pieces of a datagram and sends it with the last one. */
static void send_next(struct card *card, struct datagrams *d)
{
    if (d->sending)
        return;
    if (d->out_count == 0) {
        if (d->state == DATAGRAMS_CLOSING)
            close_now(card, d);
        return;
    }
    const uint8_t *octets = d->buffers->out[d->out_first].octets;
    size_t left = d->buffers->out[d->out_first].len - d->out_sent;
    d->piece = left < d->piece_max ? left : d->piece_max;
    struct span piece = { octets + d->out_sent, d->piece };
    d->sending = proactive_send_data(card, d->channel, d->piece == left, piece, piece_sent, d) == ERR_NONE;
    if (!d->sending)
        close_now(card, d);
}

void datagrams_send(struct card *card, struct datagrams *d, struct span datagram)
{
    if (d->state != DATAGRAMS_OPEN || d->out_count == DATAGRAMS_WAITING_MAX || datagram.len > DATAGRAM_MAX)
        return;
    size_t place = (d->out_first + d->out_count++) % DATAGRAMS_WAITING_MAX;
    d->buffers->out[place].len = (uint16_t)datagram.len;
    memcpy(d->buffers->out[place].octets, datagram.ptr, datagram.len);
    send_next(card, d);
}

/* ---- in ---- */

static void receive_next(struct card *card, struct datagrams *d, size_t available);

static void datagram_whole(struct card *card, struct datagrams *d)
{
    uint8_t datagram[DATAGRAM_MAX];
    size_t len = d->in_len;
    bool lost = d->in_lost;
    memcpy(datagram, d->buffers->in, len);
    d->in_len = 0;
    d->in_lost = false;
    if (!lost && len)
        d->received(card, (struct span){ datagram, len });
}

static void piece_received(struct card *card, void *context, const struct terminal_response *response)
{
    struct datagrams *d = context;
    struct span data = SPAN_NONE, remaining;
    if (response->end == PROACTIVE_RESET || !d->receiving)
        return;
    d->receiving = false;
    if (d->state != DATAGRAMS_OPEN)
        return;
    if (!result_is_done(response->result)) {
        close_now(card, d);
        return;
    }
    (void)ctlv_find(response->body, 0x36, &data);
    d->in_lost |= data.len > DATAGRAM_MAX - d->in_len;
    if (!d->in_lost && data.len) {
        memcpy(d->buffers->in + d->in_len, data.ptr, data.len);
        d->in_len += data.len;
    }
    if (data.len && ctlv_find(response->body, 0x37, &remaining) && remaining.len == 1 && remaining.ptr[0])
        receive_next(card, d, remaining.ptr[0]);
    else
        datagram_whole(card, d);
}

static void receive_next(struct card *card, struct datagrams *d, size_t available)
{
    uint8_t len = (uint8_t)(available < PROACTIVE_RECEIVE_MAX ? available : PROACTIVE_RECEIVE_MAX);
    if (d->receiving || d->state != DATAGRAMS_OPEN)
        return;
    d->receiving = proactive_receive_data(card, d->channel, len, piece_received, d) == ERR_NONE;
    if (!d->receiving)
        close_now(card, d);
}

void datagrams_available(struct card *card, struct datagrams *d, struct span body)
{
    uint8_t status;
    if (d->state == DATAGRAMS_OPEN && proactive_event_is_of(body, d->channel, &status))
        receive_next(card, d, proactive_octets_waiting(body));
}

void datagrams_status(struct card *card, struct datagrams *d, struct span body)
{
    uint8_t status;
    if (d->state == DATAGRAMS_OPEN && proactive_event_is_of(body, d->channel, &status) && !(status & 0x80))
        close_now(card, d);
}

/* ---- opening, closing ---- */

static void channel_opened(struct card *card, void *context, const struct terminal_response *response)
{
    struct datagrams *d = context;
    if (response->end == PROACTIVE_RESET || !d->buffers || d->channel)
        return;
    d->channel = proactive_channel_of(response);
    size_t size = proactive_buffer_of(response);
    d->piece_max = proactive_piece_max(response);
    d->buffer_size = size && size < DATAGRAM_MAX ? size : DATAGRAM_MAX;
    if (!d->channel || d->state == DATAGRAMS_CLOSING) {
        close_now(card, d);
        return;
    }
    d->state = DATAGRAMS_OPEN;
    d->opened(card);
}

enum err datagrams_open(struct card *card, struct datagrams *d, const struct bip_open *open)
{
    if (d->state != DATAGRAMS_NONE)
        return ERR_STATE;
    d->buffers = malloc(sizeof *d->buffers);
    if (!d->buffers)
        return ERR_NO_MEMORY;
    d->state = DATAGRAMS_OPENING;
    enum err err = proactive_open_channel(card, open, channel_opened, d);
    if (err != ERR_NONE)
        datagrams_reset(d);
    return err;
}

void datagrams_close(struct card *card, struct datagrams *d)
{
    bool opening = d->state == DATAGRAMS_OPENING;
    if (!opening && d->state != DATAGRAMS_OPEN)
        return;
    d->state = DATAGRAMS_CLOSING;
    if (!opening) /* otherwise: when the terminal has answered */
        send_next(card, d);
}
