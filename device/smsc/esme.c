/* The sessions: who is bound for which address. */
#include "smsc_private.h"

#include <stdio.h>
#include <stdlib.h>

static void on_send(void *context, struct span bytes)
{
    struct smsc_esme *e = context;
    if (!e->over)
        e->line.send(e->line.context, bytes);
}

static void number_add(struct smsc_esme *e, const char *text, size_t len)
{
    if (len != 0 && text[0] == '+')
        text++, len--;
    if (len == 0 || len >= SMPP_ADDRESS_MAX || e->number_count == SMSC_NUMBERS_MAX)
        return;
    memcpy(e->numbers[e->number_count], text, len);
    e->numbers[e->number_count++][len] = '\0';
}

/* "1234, 4917012*" */
static void numbers_add(struct smsc_esme *e, const char *list)
{
    while (list != NULL && *list != '\0') {
        list += strspn(list, ", ");
        size_t len = strcspn(list, ", ");
        number_add(e, list, len);
        list += len;
    }
}

/* Everything that waits for this ESME may go now, without the rest of its pause. */
static void wake_waiting(struct smsc *s)
{
    for (size_t i = 0; i < DESTINATIONS; i++) {
        for (struct destination *d = s->buckets[i]; d != NULL; d = d->next) {
            for (struct message *m = d->first; m != NULL; m = m->next)
                if (m->attempts != 0)
                    m->next_ms = 0;
            if (d->first != NULL)
                queue_mark(s, d);
        }
    }
}

/* Its numbers can be reached now: who wants to know that? */
static void tell_reachable(const struct smsc_esme *e)
{
    const struct smsc *s = e->smsc;
    for (struct smsc_esme *to = *s->options.alert ? s->esmes : NULL; to != NULL; to = to->next)
        for (size_t i = 0; i < e->number_count && to != e && to->bound_order != 0 && !strcmp(to->system_id, s->options.alert); i++) {
            struct smpp_address number = { .ton = 1, .npi = 1 }, esme = { .ton = 1, .npi = 1 };
            snprintf(number.text, sizeof number.text, "%s", e->numbers[i]);
            snprintf(esme.text, sizeof esme.text, "%s", to->numbers[0]);
            smpp_session_alert(&to->session, &number, &esme);
        }
}

static uint32_t on_bind(void *context, const struct smpp_pdu *p)
{
    struct smsc_esme *e = context;
    struct smsc *s = e->smsc;
    const struct smpp_bind *b = &p->bind;
    const char *more = NULL;
    uint32_t status = SMPP_OK;
    if (s->options.authorise != NULL)
        status = s->options.authorise(s->options.context, b->system_id, b->password, &more);
    log_fact(s->env.log, status == SMPP_OK ? LOG_INFO_ : LOG_WARN_, b->system_id, "%s from %s for \"%s\": %s",
             smpp_command_name(p->command), e->peer, b->range.text, status == SMPP_OK ? "bound" : "refused");
    if (status != SMPP_OK)
        return status;
    memcpy(e->system_id, b->system_id, sizeof e->system_id);
    numbers_add(e, b->range.text);
    numbers_add(e, more);
    number_add(e, b->system_id, strlen(b->system_id));
    e->bound_order = ++s->bound_order;
    s->counts.bound++;
    wake_waiting(s);
    tell_reachable(e);
    return SMPP_OK;
}

static void on_message(void *context, uint32_t sequence, const struct smpp_sm *sm)
{
    struct smsc_esme *e = context;
    uint32_t status = submit(e->smsc, e, sequence, sm);
    if (status != SMPP_OK)
        smpp_session_answer(&e->session, sequence, status, "");
}

static void on_answer(void *context, uint64_t tag, uint32_t status, const char *message_id)
{
    struct smsc_esme *e = context;
    (void)message_id;
    if (status == SMPP_UNKNOWN_ERROR)
        e->failed_ms = smsc_now(e->smsc);
    message_answered(e->smsc, (struct message *)(uintptr_t)tag, status);
}

static void esme_over(struct smsc_esme *e)
{
    struct smsc *s = e->smsc;
    if (e->bound_order != 0)
        s->counts.bound--;
    e->bound_order = 0;
    e->over = true;
    for (size_t i = 0; i < s->fresh_count; i++)
        if (s->fresh[i].esme == e)
            s->fresh[i].esme = NULL;
}

static void on_end(void *context, const char *why)
{
    struct smsc_esme *e = context;
    log_fact(e->smsc->env.log, LOG_INFO_, e->system_id, "%s: session over: %s", e->peer, why);
    esme_over(e);
    e->line.close(e->line.context);
}

static const struct smpp_events events = { on_send, on_bind, on_message, on_answer, NULL, on_end };

struct smsc_esme *smsc_connected(struct smsc *s, const struct smsc_line *line)
{
    struct smsc_esme *e = calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    *e = (struct smsc_esme){ .smsc = s, .next = s->esmes, .line = *line };
    snprintf(e->peer, sizeof e->peer, "%s", line->peer);
    s->esmes = e;
    struct smpp_options options = { .smsc = true, .window = s->options.window, .answer_timeout_ms = s->options.answer_ms,
                                    .enquire_ms = s->options.enquire_ms };
    memcpy(options.system_id, s->options.system_id, sizeof options.system_id);
    smpp_session_start(&e->session, &options, &events, e, smsc_now(s));
    return e;
}

size_t smsc_input(struct smsc_esme *e, struct span in)
{
    return e->over ? in.len : smpp_session_input(&e->session, smsc_now(e->smsc), in);
}

void smsc_lost(struct smsc_esme *e)
{
    if (e->over)
        return;
    log_fact(e->smsc->env.log, LOG_INFO_, e->system_id, "%s: connection lost", e->peer);
    esme_over(e);
    smpp_session_lost(&e->session);
}

/* Those over are freed here, where nobody up the stack still holds one. */
void esmes_sweep(struct smsc *s)
{
    for (struct smsc_esme **at = &s->esmes; *at != NULL;) {
        struct smsc_esme *e = *at;
        if (!e->over) {
            at = &e->next;
            continue;
        }
        *at = e->next;
        free(e);
    }
}

void esmes_tick(struct smsc *s, uint64_t now, uint64_t *due)
{
    for (struct smsc_esme *e = s->esmes; e != NULL; e = e->next) {
        if (e->over)
            continue;
        if (smpp_session_due(&e->session) <= now)
            smpp_session_tick(&e->session, now);
        uint64_t at = smpp_session_due(&e->session);
        *due = at < *due ? at : *due;
    }
}

static bool matches(const char *number, const char *digits)
{
    size_t len = strlen(number);
    if (number[len - 1] == '*')
        return strncmp(number, digits, len - 1) == 0;
    return strcmp(number, digits) == 0;
}

static bool is_bound_for(const struct smsc_esme *e, const char *digits)
{
    if (e->over || e->bound_order == 0 || !e->session.may_receive)
        return false;
    for (size_t i = 0; i < e->number_count; i++)
        if (matches(e->numbers[i], digits))
            return true;
    return false;
}

/* Its machine may be cut off: the link check tells later. */
static bool is_silent(const struct smsc_esme *e)
{
    uint64_t before = smsc_now(e->smsc) - SMSC_SILENT_MS;
    if (e->failed_ms > e->session.heard_ms || (e->session.asked_ms != 0 && e->session.asked_ms < before))
        return true;
    for (size_t i = 0; e->session.in_flight != 0 && i < ARRAY_LEN(e->session.window); i++)
        if (e->session.window[i].sequence != 0 && e->session.window[i].since_ms < before)
            return true;
    return false;
}

struct smsc_esme *esme_for(const struct smsc *s, const char *digits)
{
    struct smsc_esme *best = NULL;
    for (struct smsc_esme *e = s->esmes; e != NULL; e = e->next)
        if (is_bound_for(e, digits) && (best == NULL || e->bound_order > best->bound_order))
            best = e;
    struct smsc_esme *latest = best;
    for (struct smsc_esme *e = best != NULL && is_silent(best) ? s->esmes : NULL; e != NULL; e = e->next)
        if (is_bound_for(e, digits) && !is_silent(e) && (best == latest || e->bound_order > best->bound_order))
            best = e;
    return best;
}
