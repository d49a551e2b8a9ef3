#include "cat_tp.h"
#include "lib/base/mutant.h"

#define RTT_INITIAL_MS  2000u
#define RTO_MIN_MS      2000u
#define RTO_MAX_MS      60000u
#define RETRIES_DEFAULT 10u
#define VERSION_MASK    0x03u
#define CHECKSUM_AT     16u

/* ---- PDUs ---- */

/* Ones' complement of the ones' complement sum (RFC 1071); 0 over a PDU with its checksum. */
static uint16_t checksum(struct span bytes)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < bytes.len; i++)
        sum += i % 2 ? bytes.ptr[i] : (uint32_t)bytes.ptr[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return (uint16_t)~sum;
}

void cat_tp_pdu_write(struct writer *w, const struct cat_tp_pdu *p)
{
    size_t start = w->len, variable = 0;
    if (p->flags & CAT_TP_SYN)
        variable = 4 + p->ident.len;
    else if (p->flags & CAT_TP_EAK)
        variable = p->extended.len;
    else if (p->flags & CAT_TP_RST)
        variable = 1;
    wr_u8(w, p->flags);
    wr_u16(w, 0);
    wr_u8(w, (uint8_t)(CAT_TP_HEADER_LEN + variable));
    wr_u16(w, p->source);
    wr_u16(w, p->destination);
    wr_u16(w, (uint16_t)p->data.len);
    wr_u16(w, p->sequence);
    wr_u16(w, p->ack);
    wr_u16(w, p->window);
    wr_u16(w, 0);
    if (p->flags & CAT_TP_SYN) {
        wr_u16(w, p->max_pdu);
        wr_u16(w, p->max_sdu);
        wr_bytes(w, p->ident);
    } else if (p->flags & CAT_TP_EAK) {
        wr_bytes(w, p->extended);
    } else if (p->flags & CAT_TP_RST) {
        wr_u8(w, p->reason);
    }
    wr_bytes(w, p->data);
    if (w->err != ERR_NONE)
        return;
    uint16_t sum = checksum((struct span){ w->buf + start, w->len - start });
    w->buf[start + CHECKSUM_AT] = (uint8_t)(sum >> 8);
    w->buf[start + CHECKSUM_AT + 1] = (uint8_t)sum;
}

static enum err variable_read(struct span variable, struct cat_tp_pdu *p)
{
    struct reader r = rd_of(variable);
    if (p->flags & CAT_TP_SYN) {
        p->max_pdu = rd_u16(&r);
        p->max_sdu = rd_u16(&r);
        p->ident = span_from(variable, 4);
        return r.err != ERR_NONE ? r.err : p->ident.len <= CAT_TP_IDENT_MAX ? ERR_NONE : ERR_BAD_LENGTH;
    }
    if (p->flags & CAT_TP_EAK)
        p->extended = variable;
    else if (p->flags & CAT_TP_RST)
        p->reason = rd_u8(&r);
    if (p->flags & CAT_TP_EAK)
        return variable.len % 2 ? ERR_BAD_LENGTH : ERR_NONE;
    return rd_finish(&r);
}

enum err cat_tp_pdu_read(struct span bytes, struct cat_tp_pdu *ret)
{
    struct reader r = rd_of(bytes);
    struct cat_tp_pdu p = { .flags = rd_u8(&r) };
    (void)rd_u16(&r);
    size_t header_len = rd_u8(&r);
    p.source = rd_u16(&r);
    p.destination = rd_u16(&r);
    size_t data_len = rd_u16(&r);
    p.sequence = rd_u16(&r);
    p.ack = rd_u16(&r);
    p.window = rd_u16(&r);
    (void)rd_u16(&r);
    if (r.err != ERR_NONE)
        return r.err;
    if (checksum(bytes) != 0 && !MUTANT(takes_any_checksum))
        return ERR_VERIFY;
    if (p.flags & VERSION_MASK)
        return ERR_UNSUPPORTED;
    if (header_len < CAT_TP_HEADER_LEN || header_len + data_len != bytes.len)
        return ERR_BAD_LENGTH;
    p.data = span_from(bytes, header_len);
    if (p.data.len > CAT_TP_PDU_MAX)
        return ERR_BAD_LENGTH;
    if (p.data.len && p.flags & (CAT_TP_SYN | CAT_TP_RST | CAT_TP_NUL))
        return ERR_BAD_VALUE;
    enum err err = variable_read(span_sub(bytes, CAT_TP_HEADER_LEN, header_len - CAT_TP_HEADER_LEN), &p);
    if (err == ERR_NONE)
        *ret = p;
    return err;
}

/* ---- sending ---- */

static int16_t after(uint16_t a, uint16_t b) { return (int16_t)(uint16_t)(a - b); }

static void emit(struct cat_tp *t, struct cat_tp_pdu *p)
{
    WRITER_ON_STACK(w, CAT_TP_PDU_MAX);
    p->source = t->c.source;
    p->destination = t->c.destination;
    p->window = t->c.window;
    if (t->state != CAT_TP_SYN_SENT) {
        p->flags |= CAT_TP_ACK;
        p->ack = (uint16_t)(t->receive_next - 1);
    }
    cat_tp_pdu_write(&w, p);
    if (w.err == ERR_NONE)
        t->c.datagram(t->c.context, wr_span(&w));
}

static void emit_bare(struct cat_tp *t, uint8_t flags, uint8_t reason)
{
    struct cat_tp_pdu p = { .flags = flags, .sequence = t->send_next, .reason = reason };
    emit(t, &p);
}

/* ACK, with the numbers that came before their turn. */
static void emit_ack(struct cat_tp *t)
{
    WRITER_ON_STACK(extended, 2 * CAT_TP_WINDOW_MAX);
    for (size_t i = 0; i < t->c.window; i++)
        if (t->early[i].used)
            wr_u16(&extended, t->early[i].sequence);
    struct cat_tp_pdu p = { .flags = extended.len ? CAT_TP_EAK : 0,
                            .sequence = t->send_next,
                            .extended = wr_span(&extended) };
    emit(t, &p);
}

static uint64_t timeout_ms(const struct cat_tp *t, unsigned tries)
{
    uint64_t rto = (uint64_t)t->srtt_ms * 13 / 10;
    rto = rto < RTO_MIN_MS ? RTO_MIN_MS : rto;
    for (; tries && rto < RTO_MAX_MS; tries--)
        rto *= 2;
    return rto < RTO_MAX_MS ? rto : RTO_MAX_MS;
}

static void emit_syn(struct cat_tp *t, uint64_t now_ms)
{
    struct cat_tp_pdu p = { .flags = CAT_TP_SYN,
                            .sequence = (uint16_t)(t->send_next - 1),
                            .max_pdu = t->c.max_pdu,
                            .max_sdu = t->c.rx_cap,
                            .ident = t->c.ident };
    emit(t, &p);
    if (t->syn_tries == 0)
        t->syn_sent_ms = now_ms;
    t->syn_due_ms = now_ms + timeout_ms(t, t->syn_tries++);
}

static void emit_flight(struct cat_tp *t, struct cat_tp_flight *f, uint64_t now_ms)
{
    struct cat_tp_pdu p = { .flags = f->at + f->len < t->tx_len ? CAT_TP_SEG : 0,
                            .sequence = f->sequence,
                            .data = { t->c.tx + f->at, f->len } };
    f->sent_ms = now_ms;
    f->due_ms = now_ms + timeout_ms(t, f->tries++);
    emit(t, &p);
}

static struct cat_tp_flight *flight_of(struct cat_tp *t, uint16_t sequence)
{
    for (size_t i = 0; i < CAT_TP_WINDOW_MAX; i++)
        if (t->flights[i].used && t->flights[i].sequence == sequence)
            return &t->flights[i];
    return NULL;
}

static struct cat_tp_flight *flight_free(struct cat_tp *t)
{
    for (size_t i = 0; i < CAT_TP_WINDOW_MAX; i++)
        if (!t->flights[i].used)
            return &t->flights[i];
    return NULL;
}

/* New PDUs as far as the peer's window and ours go. */
static void pump(struct cat_tp *t, uint64_t now_ms)
{
    size_t piece = t->peer_pdu - CAT_TP_HEADER_LEN;
    while (t->state == CAT_TP_OPEN && t->tx_sent < t->tx_len) {
        uint16_t in_flight = (uint16_t)(t->send_next - t->send_oldest);
        struct cat_tp_flight *f = in_flight < t->peer_window && in_flight < CAT_TP_WINDOW_MAX ? flight_free(t) : NULL;
        if (!f)
            return;
        size_t left = t->tx_len - t->tx_sent;
        *f = (struct cat_tp_flight){
            .used = true, .sequence = t->send_next++, .at = t->tx_sent, .len = left < piece ? left : piece
        };
        t->tx_sent += f->len;
        emit_flight(t, f, now_ms);
    }
}

enum err cat_tp_send(struct cat_tp *t, uint64_t now_ms, struct span sdu)
{
    if (t->state != CAT_TP_OPEN)
        return ERR_STATE;
    if (t->tx_len)
        return ERR_BUSY;
    if (sdu.len == 0 || sdu.len > t->c.tx_cap || (t->peer_sdu && sdu.len > t->peer_sdu))
        return ERR_TOO_LONG;
    memcpy(t->c.tx, sdu.ptr, sdu.len);
    t->tx_len = sdu.len;
    t->tx_sent = 0;
    pump(t, now_ms);
    return ERR_NONE;
}

/* ---- life ---- */

enum err cat_tp_init(struct cat_tp *t, const struct cat_tp_config *config)
{
    struct cat_tp_config c = *config;
    c.max_pdu = c.max_pdu ? c.max_pdu : CAT_TP_PDU_DEFAULT;
    c.window = c.window ? c.window : CAT_TP_WINDOW_MAX;
    c.retries = c.retries ? c.retries : RETRIES_DEFAULT;
    c.rtt_ms = c.rtt_ms ? c.rtt_ms : RTT_INITIAL_MS;
    if (c.max_pdu <= CAT_TP_HEADER_LEN + CAT_TP_IDENT_MAX || c.max_pdu > CAT_TP_PDU_MAX ||
        c.window > CAT_TP_WINDOW_MAX || c.ident.len > CAT_TP_IDENT_MAX)
        return ERR_BAD_VALUE;
    memset(t, 0, sizeof *t);
    t->c = c;
    t->ident_len = (uint8_t)c.ident.len;
    if (c.ident.len)
        memcpy(t->ident, c.ident.ptr, c.ident.len);
    t->c.ident = (struct span){ t->ident, t->ident_len };
    t->srtt_ms = c.rtt_ms;
    return ERR_NONE;
}

static void start(struct cat_tp *t, enum cat_tp_state state)
{
    t->state = state;
    t->send_next = t->send_oldest = (uint16_t)(t->c.first_sequence + 1);
    t->tx_len = t->tx_sent = t->rx_len = 0;
    t->syn_tries = 0;
    memset(t->flights, 0, sizeof t->flights);
    for (size_t i = 0; i < CAT_TP_WINDOW_MAX; i++)
        t->early[i].used = false;
}

void cat_tp_connect(struct cat_tp *t, uint64_t now_ms)
{
    start(t, CAT_TP_SYN_SENT);
    emit_syn(t, now_ms);
}

void cat_tp_listen(struct cat_tp *t) { start(t, CAT_TP_LISTENING); }

static void end(struct cat_tp *t, uint8_t reason)
{
    t->state = CAT_TP_CLOSED;
    t->tx_len = 0;
    if (t->c.closed)
        t->c.closed(t->c.context, reason);
}

static void abandon(struct cat_tp *t, uint8_t reason)
{
    emit_bare(t, CAT_TP_RST, reason);
    end(t, reason);
}

void cat_tp_close(struct cat_tp *t)
{
    if (t->state >= CAT_TP_SYN_SENT)
        emit_bare(t, CAT_TP_RST, CAT_TP_NORMAL);
    t->state = CAT_TP_CLOSED;
    t->tx_len = 0;
}

void cat_tp_probe(struct cat_tp *t)
{
    if (t->state == CAT_TP_OPEN)
        emit_bare(t, CAT_TP_NUL, 0);
}

uint64_t cat_tp_tick(struct cat_tp *t, uint64_t now_ms)
{
    uint64_t wake = UINT64_MAX;
    if (t->state == CAT_TP_SYN_SENT || t->state == CAT_TP_SYN_RECEIVED) {
        if (t->syn_due_ms <= now_ms && t->syn_tries > t->c.retries) {
            abandon(t, CAT_TP_RETRIES);
            return UINT64_MAX;
        }
        if (t->syn_due_ms <= now_ms)
            emit_syn(t, now_ms);
        return t->syn_due_ms;
    }
    for (size_t i = 0; t->state == CAT_TP_OPEN && i < CAT_TP_WINDOW_MAX; i++) {
        struct cat_tp_flight *f = &t->flights[i];
        if (!f->used || f->acked)
            continue;
        if (f->due_ms <= now_ms && f->tries > t->c.retries) {
            abandon(t, CAT_TP_RETRIES);
            return UINT64_MAX;
        }
        if (f->due_ms <= now_ms)
            emit_flight(t, f, now_ms);
        wake = f->due_ms < wake ? f->due_ms : wake;
    }
    return wake;
}

/* ---- receiving ---- */

/* Only PDUs that were sent once tell the time of a round trip. */
static void rtt_learn(struct cat_tp *t, unsigned tries, uint64_t sent_ms, uint64_t now_ms)
{
    if (tries == 1)
        t->srtt_ms = (t->srtt_ms + (uint32_t)(now_ms - sent_ms)) / 2;
}

static void take_ack(struct cat_tp *t, const struct cat_tp_pdu *p, uint64_t now_ms)
{
    if (after(p->ack, t->send_next) >= 0)
        return; /* of something that was never sent */
    for (; after(p->ack, t->send_oldest) >= 0; t->send_oldest++) {
        struct cat_tp_flight *f = flight_of(t, t->send_oldest);
        if (f && !f->acked)
            rtt_learn(t, f->tries, f->sent_ms, now_ms);
        if (f)
            f->used = false;
    }
    struct reader r = rd_of(p->extended);
    while (p->flags & CAT_TP_EAK && rd_left(&r) >= 2) {
        struct cat_tp_flight *f = flight_of(t, rd_u16(&r));
        if (f)
            f->acked = true;
    }
    t->peer_window = p->window ? p->window : 1; /* a closed window is tried with one PDU */
    bool through = t->tx_len && t->tx_sent == t->tx_len && t->send_oldest == t->send_next;
    if (through) {
        t->tx_len = t->tx_sent = 0;
        if (t->c.sent)
            t->c.sent(t->c.context);
    }
    pump(t, now_ms);
}

static struct cat_tp_early *early_of(struct cat_tp *t, uint16_t sequence)
{
    for (size_t i = 0; i < t->c.window; i++)
        if (t->early[i].used && t->early[i].sequence == sequence)
            return &t->early[i];
    return NULL;
}

static struct cat_tp_early *early_free(struct cat_tp *t)
{
    for (size_t i = 0; i < t->c.window; i++)
        if (!t->early[i].used)
            return &t->early[i];
    return NULL;
}

static bool append(struct cat_tp *t, const struct cat_tp_early *e)
{
    if (e->len > t->c.rx_cap - t->rx_len)
        return false;
    memcpy(t->c.rx + t->rx_len, e->data, e->len);
    t->rx_len += e->len;
    return true;
}

static void take_in_order(struct cat_tp *t)
{
    for (struct cat_tp_early *e; (e = early_of(t, t->receive_next)) != NULL;) {
        e->used = false;
        t->receive_next++;
        if (!append(t, e)) {
            abandon(t, CAT_TP_ILLEGAL);
            return;
        }
        if (e->more)
            continue;
        size_t len = t->rx_len;
        t->rx_len = 0;
        t->c.sdu(t->c.context, (struct span){ t->c.rx, len });
        if (t->state != CAT_TP_OPEN)
            return;
    }
}

static void take_data(struct cat_tp *t, const struct cat_tp_pdu *p)
{
    int16_t ahead = after(p->sequence, t->receive_next);
    struct cat_tp_early *e = early_of(t, p->sequence) ? NULL : early_free(t);
    if (ahead >= 0 && ahead < t->c.window && e) {
        e->used = true;
        e->more = (p->flags & CAT_TP_SEG) != 0;
        e->sequence = p->sequence;
        e->len = (uint16_t)p->data.len;
        memcpy(e->data, p->data.ptr, p->data.len);
        take_in_order(t);
    }
    if (t->state == CAT_TP_OPEN)
        emit_ack(t);
}

static void peer_take(struct cat_tp *t, const struct cat_tp_pdu *p)
{
    t->receive_next = (uint16_t)(p->sequence + 1);
    t->peer_window = p->window ? p->window : 1;
    t->peer_pdu = p->max_pdu < t->c.max_pdu ? p->max_pdu : t->c.max_pdu;
    t->peer_sdu = p->max_sdu;
}

static void opened(struct cat_tp *t, struct span ident)
{
    t->state = CAT_TP_OPEN;
    if (t->c.opened)
        t->c.opened(t->c.context, ident);
}

/* SYN, or SYN and ACK. */
static void take_syn(struct cat_tp *t, const struct cat_tp_pdu *p, uint64_t now_ms)
{
    if (p->max_pdu <= CAT_TP_HEADER_LEN)
        return;
    if (t->state == CAT_TP_LISTENING) {
        t->c.destination = p->source;
        peer_take(t, p);
        t->state = CAT_TP_SYN_RECEIVED;
        t->ident_len = (uint8_t)p->ident.len; /* kept for when it is open; ours was for connecting */
        if (p->ident.len)
            memcpy(t->ident, p->ident.ptr, p->ident.len);
        t->c.ident = SPAN_NONE;
        emit_syn(t, now_ms);
    } else if (t->state == CAT_TP_SYN_RECEIVED && p->sequence == (uint16_t)(t->receive_next - 1)) {
        emit_syn(t, now_ms);
    } else if (t->state == CAT_TP_SYN_SENT && p->flags & CAT_TP_ACK && p->ack == (uint16_t)(t->send_next - 1)) {
        peer_take(t, p);
        rtt_learn(t, t->syn_tries, t->syn_sent_ms, now_ms);
        t->state = CAT_TP_OPEN;
        emit_ack(t);
        opened(t, p->ident);
    } else if (t->state == CAT_TP_OPEN && p->flags & CAT_TP_ACK) {
        emit_ack(t); /* our ACK of it was lost */
    }
}

void cat_tp_receive(struct cat_tp *t, uint64_t now_ms, struct span datagram)
{
    struct cat_tp_pdu p;
    if (t->state == CAT_TP_CLOSED || cat_tp_pdu_read(datagram, &p) != ERR_NONE || p.destination != t->c.source)
        return;
    if (t->state != CAT_TP_LISTENING && p.source != t->c.destination)
        return;
    if (p.flags & CAT_TP_SYN) {
        take_syn(t, &p, now_ms);
        return;
    }
    if (p.flags & CAT_TP_RST) {
        if (t->state != CAT_TP_LISTENING)
            end(t, p.reason);
        return;
    }
    if (t->state == CAT_TP_SYN_RECEIVED && p.flags & CAT_TP_ACK && p.ack == (uint16_t)(t->send_next - 1)) {
        rtt_learn(t, t->syn_tries, t->syn_sent_ms, now_ms);
        opened(t, (struct span){ t->ident, t->ident_len });
    }
    if (t->state != CAT_TP_OPEN)
        return;
    if (p.flags & CAT_TP_ACK)
        take_ack(t, &p, now_ms);
    if (t->state == CAT_TP_OPEN && p.data.len)
        take_data(t, &p);
    else if (t->state == CAT_TP_OPEN && p.flags & CAT_TP_NUL)
        emit_ack(t);
}
