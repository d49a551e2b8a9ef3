#include "smsc.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/breaker.h"
#include "lib/wire/sms.h"

#define RECONNECT_MS       1000u
#define CONNECT_TIMEOUT_MS 5000u
#define QUEUE_MAX          4096u /* packets that wait for the window; more are tried later */

/* One packet on its way. */
struct outgoing {
    struct outgoing *next;
    int64_t effect_id;
    uint32_t ticket;
    size_t count, handed, answered;
    enum effect_result result;
    char to[SMPP_ADDRESS_MAX];
    size_t lens[SMS_PARTS_MAX];
    uint8_t parts[SMS_PARTS_MAX][SMS_UD_MAX];
};

struct smsr_smsc {
    struct loop *loop;
    struct smsr *smsr;
    struct log *log;
    struct smsr_smsc_options options;
    struct smsr_smsc *next;
    struct tcp_conn *conn;
    struct smpp_session session;
    bool open, bound;
    struct breaker breaker;
    uint32_t generation, next_ticket; /* generation: with our number in its upper octet */
    struct outgoing *head, *spare; /* spare: as many as were ever on their way at once */
    size_t count;
    struct loop_timer *reconnect, *tick;
};

static uint64_t now(const struct smsr_smsc *c) { return loop_clock(c->loop)->now_ms(loop_clock(c->loop)); }

static void tick_later(struct smsr_smsc *c)
{
    uint64_t due = smpp_session_due(&c->session), at = now(c);
    if (due != UINT64_MAX)
        loop_timer_set(c->tick, due > at ? due - at : 1);
}

/* ---- outgoing packets */

static void outgoing_add(struct smsr_smsc *c, struct outgoing *o);

static void outgoing_take(struct smsr_smsc *c, struct outgoing *o)
{
    for (struct outgoing **at = &c->head; *at; at = &(*at)->next)
        if (*at == o) {
            *at = o->next;
            break;
        }
    c->count--;
}

/* Another SMSC may do it at once. */
static bool hand_on(struct smsr_smsc *c, struct outgoing *o)
{
    struct smsr_smsc *next = o->result == EFFECT_FAILED ? c->next : NULL;
    while (next && !smsr_smsc_takes(next))
        next = next->next;
    if (!next)
        return false;
    o->result = EFFECT_SENT;
    o->handed = o->answered = 0;
    outgoing_add(next, o);
    return true;
}

static void outgoing_done(struct smsr_smsc *c, struct outgoing *o)
{
    outgoing_take(c, o);
    if (hand_on(c, o))
        return;
    engine_result(smsr_engine(c->smsr), o->effect_id, o->result, 0, SPAN_NONE);
    o->next = c->spare;
    c->spare = o;
}

static bool hand_over_part(struct smsr_smsc *c, struct outgoing *o)
{
    struct smpp_sm sm = { .from = { 1, 1, "" },
                          .to = { 1, 1, "" },
                          .esm_class = SMPP_ESM_UDHI,
                          .pid = SMS_PID_USIM_DOWNLOAD,
                          .dcs = SMS_DCS_CLASS2_8BIT,
                          .message = { o->parts[o->handed], o->lens[o->handed] } };
    snprintf(sm.from.text, sizeof sm.from.text, "%s", c->options.from);
    snprintf(sm.to.text, sizeof sm.to.text, "%s", o->to);
    uint64_t tag = (uint64_t)o->ticket;
    if (smpp_session_send(&c->session, now(c), &sm, tag) != ERR_NONE)
        return false;
    o->handed++;
    return true;
}

static void hand_over(struct smsr_smsc *c)
{
    for (struct outgoing *o = c->head; o && c->bound; o = o->next)
        while (o->handed < o->count)
            if (!hand_over_part(c, o))
                return;
}

/* The parts of a packet that is sent again complete those of it that arrived the first time. */
static uint8_t reference_of(struct span packet)
{
    uint32_t hash = span_hash(packet);
    return (uint8_t)(hash >> 24 ^ hash >> 8);
}

static struct outgoing *outgoing_new(struct smsr_smsc *c)
{
    struct outgoing *o = c->spare;
    if (!o)
        return calloc(1, sizeof *o);
    c->spare = o->next;
    memset(o, 0, offsetof(struct outgoing, lens)); /* the parts are written before they are counted */
    return o;
}

static struct outgoing *outgoing_of(struct smsr_smsc *c, const struct effect *effect)
{
    struct outgoing *o = outgoing_new(c);
    uint8_t room[SMS_PARTS_MAX * SMS_UD_MAX];
    struct writer w = wr_of(room, sizeof room);
    struct span parts[SMS_PARTS_MAX];
    if (!o)
        return NULL;
    if (sms_split(effect->body, SMS_IEI_COMMAND, reference_of(effect->body), &w, parts, &o->count) != ERR_NONE) {
        free(o);
        return NULL;
    }
    for (size_t i = 0; i < o->count; i++) {
        o->lens[i] = parts[i].len;
        memcpy(o->parts[i], parts[i].ptr, parts[i].len);
    }
    o->effect_id = effect->id;
    snprintf(o->to, sizeof o->to, "%s", effect->to);
    return o;
}

static void outgoing_add(struct smsr_smsc *c, struct outgoing *o)
{
    struct outgoing **at = &c->head;
    while (*at)
        at = &(*at)->next;
    *at = o;
    o->next = NULL;
    o->ticket = ++c->next_ticket;
    c->count++;
    hand_over(c);
    tick_later(c);
}

bool smsr_smsc_takes(struct smsr_smsc *c) { return c->bound && c->count < QUEUE_MAX && breaker_allows(&c->breaker, now(c)); }

void smsr_smsc_send(struct smsr_smsc *c, const struct effect *effect)
{
    struct outgoing *o = outgoing_of(c, effect);
    if (!o) {
        breaker_forget(&c->breaker);
        engine_result(smsr_engine(c->smsr), effect->id, EFFECT_FAILED, 0, SPAN_NONE);
        return;
    }
    outgoing_add(c, o);
}

void smsr_smsc_set_next(struct smsr_smsc *c, struct smsr_smsc *next) { c->next = next; }

void smsr_smsc_reply(struct smsr_smsc *c, const struct effect *effect)
{
    if (c->open && effect->reply.slot == c->generation)
        smpp_session_answer(&c->session, effect->reply.generation, (uint32_t)effect->status, "");
}

/* ---- the session's events */

static void on_send(void *context, struct span bytes)
{
    struct smsr_smsc *c = context;
    if (c->conn && tcp_send(c->conn, bytes) != ERR_NONE)
        log_fact(c->log, LOG_WARN_, NULL, "SMSC: the connection does not take more");
}

static uint32_t on_bind(void *context, const struct smpp_pdu *pdu)
{
    struct smsr_smsc *c = context;
    c->bound = pdu->status == SMPP_OK;
    if (c->bound)
        (void)breaker_good(&c->breaker);
    log_fact(c->log, c->bound ? LOG_INFO_ : LOG_ERROR_, NULL, "SMSC %s:%u: %s (status %u)", c->options.host,
             c->options.port, c->bound ? "bound" : "bind refused", pdu->status);
    return SMPP_OK;
}

static void on_message(void *context, uint32_t sequence, const struct smpp_sm *sm)
{
    struct smsr_smsc *c = context;
    if ((sm->esm_class & 0x3C) == SMPP_ESM_RECEIPT || !(sm->esm_class & SMPP_ESM_UDHI)) {
        smpp_session_answer(&c->session, sequence, SMPP_OK, "");
        return;
    }
    smsr_short_message(c->smsr, sm->from.text, sm->message,
                       (struct reply_ref){ SMSR_NODE_SMS, c->generation, sequence });
}

static void on_alert(void *context, const struct smpp_address *source)
{
    struct smsr_smsc *c = context;
    log_fact(c->log, LOG_DEBUG_, NULL, "SMSC: %s can be reached", source->text);
    smsr_reachable(c->smsr, source->text);
}

/* Says nothing of the SMSC: the message is for nobody, or not now. */
static bool is_of_message(uint32_t status)
{
    return status == SMPP_INVALID_DESTINATION || status == SMPP_QUEUE_FULL || status == SMPP_TEMPORARY_ERROR ||
           status == SMPP_PERMANENT_ERROR;
}

static void note_health(struct smsr_smsc *c, uint32_t status)
{
    const char *what = NULL;
    if (status == SMPP_OK || is_of_message(status))
        what = breaker_good(&c->breaker) ? "works again: it gets messages" : NULL;
    else if (breaker_bad(&c->breaker, now(c)))
        what = "fails again and again: it gets no messages for a while (circuit breaker)";
    if (what)
        log_fact(c->log, LOG_WARN_, NULL, "SMSC %s:%u %s", c->options.host, c->options.port, what);
}

static void on_answer(void *context, uint64_t tag, uint32_t status, const char *message_id)
{
    struct smsr_smsc *c = context;
    struct outgoing *o = c->head;
    (void)message_id;
    while (o && o->ticket != (uint32_t)tag)
        o = o->next;
    if (!o)
        return;
    o->answered++;
    note_health(c, status);
    if (status != SMPP_OK && o->result != EFFECT_REFUSED_)
        o->result = status == SMPP_INVALID_DESTINATION ? EFFECT_REFUSED_ : EFFECT_FAILED;
    if (status != SMPP_OK)
        log_fact(c->log, LOG_WARN_, NULL, "SMSC: a short message to %s is refused: status %u", o->to, status);
    if (o->answered == o->handed && (o->result != EFFECT_SENT || o->handed == o->count))
        outgoing_done(c, o);
}

static void session_over(struct smsr_smsc *c)
{
    if (!c->open)
        return;
    c->open = c->bound = false;
    smpp_session_lost(&c->session);
    breaker_forget(&c->breaker);
    while (c->head) {
        c->head->result = EFFECT_FAILED;
        outgoing_done(c, c->head);
    }
    loop_timer_cancel(c->tick);
    loop_timer_set(c->reconnect, RECONNECT_MS);
}

static void on_end(void *context, const char *why)
{
    struct smsr_smsc *c = context;
    struct tcp_conn *conn = c->conn;
    log_fact(c->log, LOG_WARN_, NULL, "SMSC: session over: %s", why);
    c->conn = NULL;
    session_over(c);
    if (conn)
        tcp_conn_close(conn);
}

static const struct smpp_events smpp_events = {
    .send = on_send, .on_bind = on_bind, .on_message = on_message, .on_answer = on_answer, .on_alert = on_alert,
    .on_end = on_end
};

/* ---- the connection */

static void on_open(void *context, struct tcp_conn *conn)
{
    struct smsr_smsc *c = context;
    struct smpp_options o = { .bind_command = SMPP_BIND_TRANSCEIVER,
                              .window = c->options.window,
                              .bind = { .version = 0x34 } };
    (void)conn;
    snprintf(o.bind.system_id, sizeof o.bind.system_id, "%s", c->options.system_id);
    snprintf(o.bind.password, sizeof o.bind.password, "%s", c->options.password);
    o.bind.range = (struct smpp_address){ .ton = 1, .npi = 1 }; /* what is sent to our number comes to us */
    snprintf(o.bind.range.text, sizeof o.bind.range.text, "%s", c->options.from);
    c->open = true;
    c->generation = c->options.number << 24 | ((c->generation + 1) & 0xFFFFFF);
    smpp_session_start(&c->session, &o, &smpp_events, c, now(c));
    tick_later(c);
}

static size_t on_bytes(void *context, struct tcp_conn *conn, struct span in)
{
    struct smsr_smsc *c = context;
    (void)conn;
    size_t taken = smpp_session_input(&c->session, now(c), in);
    if (c->open) {
        hand_over(c);
        tick_later(c);
    }
    return taken;
}

static void on_closed(void *context, struct tcp_conn *conn, enum err err, const char *why)
{
    struct smsr_smsc *c = context;
    (void)conn;
    log_fact(c->log, LOG_WARN_, NULL, "SMSC %s:%u: %s (%s)", c->options.host, c->options.port, why, err_text(err));
    c->conn = NULL;
    session_over(c);
    loop_timer_set(c->reconnect, RECONNECT_MS);
}

static const struct tcp_handler tcp_events = { .on_open = on_open, .on_bytes = on_bytes, .on_closed = on_closed };

static void connect_again(void *context)
{
    struct smsr_smsc *c = context;
    if (!c->conn)
        c->conn = tcp_connect(c->loop, c->options.host, c->options.port, CONNECT_TIMEOUT_MS, &tcp_events, c);
    if (!c->conn)
        loop_timer_set(c->reconnect, RECONNECT_MS);
}

static void tick(void *context)
{
    struct smsr_smsc *c = context;
    if (!c->open)
        return;
    smpp_session_tick(&c->session, now(c));
    if (c->open)
        tick_later(c);
}

struct smsr_smsc *smsr_smsc_new(struct loop *loop, struct smsr *smsr, struct log *log,
                                const struct smsr_smsc_options *options)
{
    struct smsr_smsc *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->loop = loop;
    c->smsr = smsr;
    c->log = log;
    c->options = *options;
    c->breaker.limit = options->breaker;
    c->reconnect = loop_timer_new(loop, connect_again, c);
    c->tick = loop_timer_new(loop, tick, c);
    if (!c->reconnect || !c->tick) {
        smsr_smsc_free(c);
        return NULL;
    }
    connect_again(c);
    return c;
}

static void outgoing_free(struct outgoing *list)
{
    for (struct outgoing *next; list; list = next) {
        next = list->next;
        free(list);
    }
}

void smsr_smsc_free(struct smsr_smsc *c)
{
    if (!c)
        return;
    if (c->conn)
        tcp_conn_close(c->conn);
    outgoing_free(c->head);
    outgoing_free(c->spare);
    loop_timer_free(c->reconnect);
    loop_timer_free(c->tick);
    free(c);
}
