#include "smpp.h"

#include <stdio.h>

#define WINDOW_DEFAULT 10u
#define TIMEOUT_DEFAULT_MS 30000u
#define ENQUIRE_DEFAULT_MS 30000u

static void pdu_send(struct smpp_session *s, const struct smpp_pdu *p)
{
    WRITER_ON_STACK(w, SMPP_PDU_MAX);
    wr_smpp(&w, p);
    if (w.err == ERR_NONE)
        s->events->send(s->context, wr_span(&w));
}

static uint32_t sequence_next(struct smpp_session *s)
{
    s->sequence = s->sequence >= 0x7FFFFFFF ? 1 : s->sequence + 1;
    return s->sequence;
}

static void answer_header(struct smpp_session *s, const struct smpp_pdu *p, uint32_t status)
{
    struct smpp_pdu answer = { .command = p->command | SMPP_RESPONSE, .status = status, .sequence = p->sequence };
    snprintf(answer.system_id, sizeof answer.system_id, "%s", s->options.system_id);
    pdu_send(s, &answer);
}

static void nack(struct smpp_session *s, uint32_t sequence, uint32_t status)
{
    pdu_send(
        s, &(struct smpp_pdu){ .command = SMPP_GENERIC_NACK | SMPP_RESPONSE, .status = status, .sequence = sequence });
}

static void window_answer(struct smpp_session *s, size_t i, uint32_t status, const char *message_id)
{
    uint64_t tag = s->window[i].tag;
    s->window[i].sequence = 0;
    s->in_flight--;
    s->events->on_answer(s->context, tag, status, message_id);
}

static void window_fail(struct smpp_session *s)
{
    for (size_t i = 0; i < SMPP_WINDOW_MAX; i++)
        if (s->window[i].sequence != 0)
            window_answer(s, i, SMPP_UNKNOWN_ERROR, "");
}

static void session_end(struct smpp_session *s, const char *why)
{
    if (s->state == SMPP_S_ENDED)
        return;
    s->state = SMPP_S_ENDED;
    window_fail(s);
    s->events->on_end(s->context, why);
}

/* ---- binding ---- */

static void bound_as(struct smpp_session *s, uint32_t command)
{
    s->state = SMPP_S_BOUND;
    s->asked_ms = 0;
    s->may_send = command != SMPP_BIND_RECEIVER;
    s->may_receive = command != SMPP_BIND_TRANSMITTER;
}

static bool is_bind(uint32_t command)
{
    return command == SMPP_BIND_RECEIVER || command == SMPP_BIND_TRANSMITTER || command == SMPP_BIND_TRANSCEIVER;
}

/* SMSC */
static void bind_take(struct smpp_session *s, const struct smpp_pdu *p)
{
    if (!s->options.smsc || s->state != SMPP_S_OPEN) {
        answer_header(s, p, s->options.smsc ? SMPP_ALREADY_BOUND : SMPP_WRONG_BIND_STATE);
        return;
    }
    uint32_t status = s->events->on_bind(s->context, p);
    if (s->state == SMPP_S_ENDED)
        return;
    if (status == SMPP_OK)
        bound_as(s, p->command);
    answer_header(s, p, status);
    if (status != SMPP_OK)
        session_end(s, "bind refused");
}

/* ESME */
static void bind_answer_take(struct smpp_session *s, const struct smpp_pdu *p)
{
    if (s->state != SMPP_S_BINDING || p->sequence != s->asked_sequence)
        return;
    s->asked_ms = 0;
    if (p->status == SMPP_OK)
        bound_as(s, s->options.bind_command);
    s->events->on_bind(s->context, p);
    if (p->status != SMPP_OK)
        session_end(s, "the SMSC refused the bind");
}

/* ---- messages ---- */

static void message_take(struct smpp_session *s, const struct smpp_pdu *p)
{
    bool ours = s->options.smsc ? p->command == SMPP_SUBMIT_SM : p->command == SMPP_DELIVER_SM;
    bool allowed = s->state == SMPP_S_BOUND && (s->options.smsc ? s->may_send : s->may_receive);
    if (!ours || !allowed)
        answer_header(s, p, ours ? SMPP_WRONG_BIND_STATE : SMPP_INVALID_COMMAND);
    else
        s->events->on_message(s->context, p->sequence, &p->sm);
}

static void answer_take(struct smpp_session *s, const struct smpp_pdu *p, uint32_t status)
{
    for (size_t i = 0; i < SMPP_WINDOW_MAX; i++) {
        if (s->window[i].sequence != p->sequence || p->sequence == 0)
            continue;
        window_answer(s, i, status, p->message_id);
        return;
    }
}

static void nack_take(struct smpp_session *s, const struct smpp_pdu *p)
{
    if (s->state == SMPP_S_BINDING && p->sequence == s->asked_sequence)
        session_end(s, "the SMSC does not take the bind");
    else
        answer_take(s, p, p->status ? p->status : SMPP_UNKNOWN_ERROR);
}

static void alert_take(struct smpp_session *s, const struct smpp_pdu *p)
{
    if (s->events->on_alert != NULL)
        s->events->on_alert(s->context, &p->source);
}

static void pdu_take(struct smpp_session *s, const struct smpp_pdu *p)
{
    switch (p->command) {
    case SMPP_BIND_RECEIVER:
    case SMPP_BIND_TRANSMITTER:
    case SMPP_BIND_TRANSCEIVER:
        bind_take(s, p);
        break;
    case SMPP_BIND_RECEIVER | SMPP_RESPONSE:
    case SMPP_BIND_TRANSMITTER | SMPP_RESPONSE:
    case SMPP_BIND_TRANSCEIVER | SMPP_RESPONSE:
        bind_answer_take(s, p);
        break;
    case SMPP_SUBMIT_SM:
    case SMPP_DELIVER_SM:
        message_take(s, p);
        break;
    case SMPP_SUBMIT_SM | SMPP_RESPONSE:
    case SMPP_DELIVER_SM | SMPP_RESPONSE:
        answer_take(s, p, p->status);
        break;
    case SMPP_ENQUIRE_LINK:
        answer_header(s, p, SMPP_OK);
        break;
    case SMPP_ENQUIRE_LINK | SMPP_RESPONSE:
        if (s->state == SMPP_S_BOUND)
            s->asked_ms = 0;
        break;
    case SMPP_UNBIND:
        answer_header(s, p, SMPP_OK);
        session_end(s, "the peer unbinds");
        break;
    case SMPP_UNBIND | SMPP_RESPONSE:
        session_end(s, "unbound");
        break;
    case SMPP_GENERIC_NACK | SMPP_RESPONSE:
        nack_take(s, p);
        break;
    case SMPP_ALERT_NOTIFICATION:
        alert_take(s, p);
        break;
    default:
        break;
    }
}

/* A PDU that cannot be read is refused by itself; the stream goes on, its length was good. */
static void pdu_bytes_take(struct smpp_session *s, struct span bytes)
{
    struct smpp_pdu p = { 0 };
    enum err err = smpp_read(bytes, &p);
    if (err == ERR_NONE) {
        pdu_take(s, &p);
    } else if (p.command & SMPP_RESPONSE) {
        answer_take(s, &p, SMPP_UNKNOWN_ERROR);
    } else if (err == ERR_UNSUPPORTED) {
        nack(s, p.sequence, SMPP_INVALID_COMMAND);
    } else {
        answer_header(s, &p, SMPP_INVALID_LENGTH);
        if (is_bind(p.command))
            session_end(s, "a bind that cannot be read");
    }
}

size_t smpp_session_input(struct smpp_session *s, uint64_t now_ms, struct span in)
{
    size_t taken = 0, len = 0;
    while (s->state != SMPP_S_ENDED) {
        struct span rest = span_from(in, taken);
        if (smpp_frame(rest, &len) != ERR_NONE) {
            nack(s, 0, SMPP_INVALID_LENGTH);
            session_end(s, "not SMPP: an impossible length");
        }
        if (s->state == SMPP_S_ENDED || len == 0 || len > rest.len)
            break;
        s->heard_ms = now_ms;
        taken += len;
        pdu_bytes_take(s, span_sub(rest, 0, len));
    }
    return s->state == SMPP_S_ENDED ? in.len : taken;
}

/* ---- the owner's side ---- */

static uint32_t or_default(uint32_t value, uint32_t standard) { return value ? value : standard; }

void smpp_session_start(struct smpp_session *s, const struct smpp_options *options, const struct smpp_events *events,
                        void *context, uint64_t now_ms)
{
    *s = (struct smpp_session){ .options = *options, .events = events, .context = context, .heard_ms = now_ms };
    s->options.window = or_default(s->options.window, WINDOW_DEFAULT);
    if (s->options.window > SMPP_WINDOW_MAX)
        s->options.window = SMPP_WINDOW_MAX;
    s->options.answer_timeout_ms = or_default(s->options.answer_timeout_ms, TIMEOUT_DEFAULT_MS);
    s->options.enquire_ms = or_default(s->options.enquire_ms, ENQUIRE_DEFAULT_MS);
    s->asked_ms = now_ms;
    if (options->smsc)
        return;
    s->state = SMPP_S_BINDING;
    s->asked_sequence = sequence_next(s);
    pdu_send(s, &(struct smpp_pdu){
                    .command = options->bind_command, .sequence = s->asked_sequence, .bind = options->bind });
}

enum err smpp_session_send(struct smpp_session *s, uint64_t now_ms, const struct smpp_sm *sm, uint64_t tag)
{
    bool allowed = s->options.smsc ? s->may_receive : s->may_send;
    if (s->state != SMPP_S_BOUND || !allowed)
        return ERR_STATE;
    if (s->in_flight >= s->options.window)
        return ERR_BUSY;
    WRITER_ON_STACK(w, SMPP_PDU_MAX);
    struct smpp_pdu p = { .command = s->options.smsc ? SMPP_DELIVER_SM : SMPP_SUBMIT_SM, .sm = *sm };
    p.sequence = sequence_next(s);
    wr_smpp(&w, &p);
    if (w.err != ERR_NONE)
        return ERR_TOO_LONG;
    size_t i = 0;
    while (s->window[i].sequence != 0)
        i++;
    s->window[i].sequence = p.sequence, s->window[i].tag = tag, s->window[i].since_ms = now_ms;
    s->in_flight++;
    s->events->send(s->context, wr_span(&w));
    return ERR_NONE;
}

void smpp_session_answer(struct smpp_session *s, uint32_t sequence, uint32_t status, const char *message_id)
{
    uint32_t command = (s->options.smsc ? SMPP_SUBMIT_SM : SMPP_DELIVER_SM) | SMPP_RESPONSE;
    struct smpp_pdu p = { .command = command, .status = status, .sequence = sequence };
    if (s->state == SMPP_S_ENDED)
        return;
    snprintf(p.message_id, sizeof p.message_id, "%s", s->options.smsc && message_id ? message_id : "");
    pdu_send(s, &p);
}

void smpp_session_alert(struct smpp_session *s, const struct smpp_address *source, const struct smpp_address *esme)
{
    if (s->state == SMPP_S_BOUND && s->options.smsc)
        pdu_send(s, &(struct smpp_pdu){ .command = SMPP_ALERT_NOTIFICATION,
                                        .sequence = sequence_next(s),
                                        .source = *source,
                                        .esme = *esme });
}

void smpp_session_unbind(struct smpp_session *s, uint64_t now_ms)
{
    if (s->state != SMPP_S_BOUND) {
        session_end(s, "closed before it was bound");
        return;
    }
    s->state = SMPP_S_UNBINDING;
    s->asked_ms = now_ms;
    s->asked_sequence = sequence_next(s);
    pdu_send(s, &(struct smpp_pdu){ .command = SMPP_UNBIND, .sequence = s->asked_sequence });
}

static bool is_over(uint64_t since_ms, uint64_t limit_ms, uint64_t now_ms)
{
    return since_ms != 0 && now_ms >= since_ms + limit_ms;
}

void smpp_session_tick(struct smpp_session *s, uint64_t now_ms)
{
    if (s->state == SMPP_S_ENDED)
        return;
    for (size_t i = 0; i < SMPP_WINDOW_MAX; i++)
        if (s->window[i].sequence != 0 && is_over(s->window[i].since_ms, s->options.answer_timeout_ms, now_ms))
            window_answer(s, i, SMPP_UNKNOWN_ERROR, "");
    if (is_over(s->asked_ms, s->options.answer_timeout_ms, now_ms)) {
        session_end(s, s->state == SMPP_S_BOUND ? "the link check was not answered" : "no bind in time");
    } else if (s->state == SMPP_S_BOUND && s->asked_ms == 0 && is_over(s->heard_ms, s->options.enquire_ms, now_ms)) {
        s->asked_ms = now_ms;
        s->asked_sequence = sequence_next(s);
        pdu_send(s, &(struct smpp_pdu){ .command = SMPP_ENQUIRE_LINK, .sequence = s->asked_sequence });
    }
}

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

uint64_t smpp_session_due(const struct smpp_session *s)
{
    uint64_t due = UINT64_MAX;
    if (s->state == SMPP_S_ENDED)
        return due;
    for (size_t i = 0; i < SMPP_WINDOW_MAX; i++)
        if (s->window[i].sequence != 0)
            due = earlier(due, s->window[i].since_ms + s->options.answer_timeout_ms);
    if (s->asked_ms != 0)
        return earlier(due, s->asked_ms + s->options.answer_timeout_ms);
    return s->state == SMPP_S_BOUND ? earlier(due, s->heard_ms + s->options.enquire_ms) : due;
}

void smpp_session_lost(struct smpp_session *s)
{
    if (s->state == SMPP_S_ENDED)
        return;
    s->state = SMPP_S_ENDED;
    window_fail(s);
}
