#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/tcp.h"
#include "stage.h"

#define HEAD           16u
#define LINKS_MAX      8u
#define SUBMIT_SM      0x00000004u
#define DELIVER_SM     0x00000005u
#define RESPONSE       0x80000000u
#define OWN_SEQUENCE   0x70000000u

struct link { /* one session of an SM-SR and its twin at the SMSC */
    struct tap *tap;
    struct tcp_conn *inner, *outer; /* SM-SR, SMSC */
};
struct tap {
    struct stage *stage;
    struct tcp_server *server;
    struct link links[LINKS_MAX];
    size_t sent, heard, kept; /* kept: messages since the last tap_forget, of which the latest are there */
    bool lose_to, lose_from;
    char lose_of[24]; /* sender whose messages to cards are lost; "": nobody's */
    uint32_t sequence;
    struct tap_message messages[TAP_KEPT_MAX];
};

static uint32_t word(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

static void word_put(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* Where the source or destination address of a submit_sm or deliver_sm begins; 0: it is cut short. */
static size_t address_at(struct span pdu, bool destination)
{
    size_t at = HEAD;
    for (int field = 0; field <= destination; field++) {
        const uint8_t *end = at < pdu.len ? memchr(pdu.ptr + at, 0, pdu.len - at) : NULL;
        if (!end || (size_t)(end - pdu.ptr) + 3 >= pdu.len)
            return 0;
        at = (size_t)(end - pdu.ptr) + 3; /* behind the text: type and plan of the next address */
    }
    return at;
}

static void number_of(struct span pdu, bool destination, char out[24])
{
    size_t at = address_at(pdu, destination), n = 0;
    out[0] = '\0';
    while (at && at + n < pdu.len && pdu.ptr[at + n] && n < 23) {
        out[n] = (char)pdu.ptr[at + n];
        n++;
    }
    out[n] = '\0';
}

static void keep(struct tap *t, struct span pdu, bool to_card, bool lost)
{
    struct tap_message *m = &t->messages[t->kept++ % TAP_KEPT_MAX];
    *m = (struct tap_message){ .to_card = to_card, .ms = now_ms(), .lost = lost, .len = pdu.len };
    if (pdu.len > sizeof m->pdu)
        m->len = sizeof m->pdu;
    memcpy(m->pdu, pdu.ptr, m->len);
    number_of(pdu, to_card, m->number);
}

static void answer_for(struct tcp_conn *conn, struct span pdu)
{
    uint8_t answer[HEAD + 1] = { 0 };
    word_put(answer, sizeof answer);
    word_put(answer + 4, word(pdu.ptr + 4) | RESPONSE);
    memcpy(answer + 12, pdu.ptr + 12, 4);
    (void)tcp_send(conn, SPAN_OF(answer));
}

static bool is_lost(const struct tap *t, bool from_sr, struct span pdu)
{
    char sender[24];
    number_of(pdu, false, sender);
    return from_sr ? t->lose_to || (t->lose_of[0] && !strcmp(sender, t->lose_of)) : t->lose_from;
}

static void pass(struct link *l, bool from_sr, struct span pdu)
{
    struct tap *t = l->tap;
    struct tcp_conn *back = from_sr ? l->inner : l->outer, *on = from_sr ? l->outer : l->inner;
    uint32_t command = word(pdu.ptr + 4);
    bool message = command == (from_sr ? SUBMIT_SM : DELIVER_SM), lost = message && is_lost(t, from_sr, pdu);
    if (message) {
        t->sent += from_sr;
        t->heard += !from_sr;
        keep(t, pdu, from_sr, lost);
    }
    if (lost)
        answer_for(back, pdu);
    else if (!(from_sr && (command & RESPONSE) && word(pdu.ptr + 12) >= OWN_SEQUENCE) && on)
        (void)tcp_send(on, pdu);
}

static size_t take(struct link *l, bool from_sr, struct span in)
{
    size_t at = 0;
    while (in.len - at >= HEAD) {
        uint32_t len = word(in.ptr + at);
        if (len < HEAD || len > in.len - at)
            break;
        pass(l, from_sr, span_sub(in, at, len));
        at += len;
    }
    return at;
}

static size_t on_inner(void *context, struct tcp_conn *conn, struct span in)
{
    (void)conn;
    return take(context, true, in);
}

static size_t on_outer(void *context, struct tcp_conn *conn, struct span in)
{
    (void)conn;
    return take(context, false, in);
}

static void on_closed(void *context, struct tcp_conn *conn, enum err err, const char *why)
{
    struct link *l = context;
    (void)err, (void)why;
    struct tcp_conn *other = conn == l->inner ? l->outer : l->inner;
    l->inner = l->outer = NULL;
    if (other)
        tcp_conn_close(other);
}

static const struct tcp_handler outer_handler = { .on_bytes = on_outer, .on_closed = on_closed };

static void on_open(void *context, struct tcp_conn *conn)
{
    struct tap *t = context;
    struct link *l = NULL;
    for (size_t i = 0; i < LINKS_MAX && !l; i++)
        l = t->links[i].inner ? NULL : &t->links[i];
    if (!l) {
        tcp_conn_close(conn);
        return;
    }
    const struct target *target = &t->stage->target;
    *l = (struct link){ t, conn, NULL };
    tcp_conn_set_context(conn, l);
    l->outer = tcp_connect(t->stage->loop, target->smsc_host, target->smsc_port, 0, &outer_handler, l);
}

static const struct tcp_handler inner_handler = { .on_open = on_open, .on_bytes = on_inner, .on_closed = on_closed };

enum err tap_new(struct stage *s, struct tap **ret, char *detail)
{
    struct tap *t = calloc(1, sizeof *t);
    enum err err = ERR_NO_MEMORY;
    if (!t)
        return err;
    t->stage = s;
    t->sequence = OWN_SEQUENCE;
    t->server = tcp_server_new(s->loop, s->target.tap_host, s->target.tap_port, &inner_handler, t, &err, detail);
    if (!t->server) {
        free(t);
        return err;
    }
    *ret = t;
    return ERR_NONE;
}

void tap_free(struct tap *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < LINKS_MAX; i++) {
        if (t->links[i].inner)
            tcp_conn_close(t->links[i].inner);
        if (t->links[i].outer)
            tcp_conn_close(t->links[i].outer);
    }
    tcp_server_free(t->server);
    free(t);
}

struct tap *tap_of(struct stage *s)
{
    if (!s->tap)
        skip(s, "the target has no [sms] tap");
    return s->tap;
}

void tap_forget(struct tap *t)
{
    t->sent = t->heard = t->kept = 0;
    t->lose_to = t->lose_from = false;
    t->lose_of[0] = '\0';
}

size_t tap_sent(const struct tap *t) { return t->sent; }
size_t tap_heard(const struct tap *t) { return t->heard; }

const struct tap_message *tap_last(const struct tap *t, bool to_card)
{
    for (size_t i = 0; i < t->kept && i < TAP_KEPT_MAX; i++) {
        const struct tap_message *m = &t->messages[(t->kept - 1 - i) % TAP_KEPT_MAX];
        if (m->to_card == to_card)
            return m;
    }
    return NULL;
}

const struct tap_message *tap_from(const struct tap *t, const char *number, size_t nth)
{
    size_t first = t->kept > TAP_KEPT_MAX ? t->kept - TAP_KEPT_MAX : 0;
    for (size_t i = first; i < t->kept; i++) {
        const struct tap_message *m = &t->messages[i % TAP_KEPT_MAX];
        const char *its = m->number[0] == '+' ? m->number + 1 : m->number;
        if (!m->to_card && !strcmp(its, number) && nth-- == 0)
            return m;
    }
    return NULL;
}

void tap_lose_of(struct tap *t, const char *sender) { snprintf(t->lose_of, sizeof t->lose_of, "%s", sender); }

void tap_lose(struct tap *t, bool to_cards, bool from_cards)
{
    t->lose_to = to_cards;
    t->lose_from = from_cards;
}

/* To the first session: a lab's SM-SR comes first. */
static void inject(struct tap *t, struct span pdu)
{
    for (size_t i = 0; i < LINKS_MAX; i++)
        if (t->links[i].inner) {
            (void)tcp_send(t->links[i].inner, pdu);
            return;
        }
}

void tap_repeat(struct tap *t, const struct tap_message *m, size_t at, uint8_t flip)
{
    uint8_t pdu[TAP_PDU_MAX];
    memcpy(pdu, m->pdu, m->len);
    word_put(pdu + 12, ++t->sequence);
    if (flip && at < m->len)
        pdu[m->len - 1 - at] ^= flip;
    inject(t, (struct span){ pdu, m->len });
}

void tap_repeat_from(struct tap *t, const struct tap_message *m, const char *number)
{
    uint8_t pdu[TAP_PDU_MAX];
    size_t at = address_at((struct span){ m->pdu, m->len }, false), old = strlen(m->number), new = strlen(number);
    if (!at || m->len - old + new > sizeof pdu)
        return;
    memcpy(pdu, m->pdu, at);
    memcpy(pdu + at, number, new);
    memcpy(pdu + at + new, m->pdu + at + old, m->len - at - old);
    word_put(pdu, (uint32_t)(m->len - old + new));
    word_put(pdu + 12, ++t->sequence);
    inject(t, (struct span){ pdu, m->len - old + new });
}
