/* Messages by destination: in the order they came, one at a time per sender, again after a temporary refusal. */
#include "smsc_private.h"

#include <stdlib.h>

const char *digits_of(const struct smpp_address *a) { return a->text + (a->text[0] == '+'); }

struct message *message_new(const struct smpp_sm *sm)
{
    struct message *m = calloc(1, sizeof *m + sm->message.len);
    if (m == NULL)
        return NULL;
    m->sm = *sm;
    m->sm.message = (struct span){ (uint8_t *)(m + 1), sm->message.len };
    if (sm->message.len != 0)
        memcpy(m + 1, sm->message.ptr, sm->message.len);
    return m;
}

static size_t bucket_of(const char *digits) { return span_hash(span_text(digits)) % DESTINATIONS; }

struct destination *destination_get(struct smsc *s, const char *digits)
{
    struct destination **bucket = &s->buckets[bucket_of(digits)];
    for (struct destination *d = *bucket; d != NULL; d = d->next)
        if (strcmp(d->digits, digits) == 0)
            return d;
    struct destination *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    strncpy(d->digits, digits, sizeof d->digits - 1);
    d->last = &d->first;
    d->next = *bucket;
    *bucket = d;
    return d;
}

void queue_mark(struct smsc *s, struct destination *d)
{
    if (d->dirty)
        return;
    d->dirty = true;
    d->next_dirty = s->dirty;
    s->dirty = d;
}

enum err queue_add(struct smsc *s, struct message *m)
{
    struct destination *d = destination_get(s, digits_of(&m->sm.to));
    if (d == NULL)
        return ERR_NO_MEMORY;
    m->destination = d;
    *d->last = m;
    d->last = &m->next;
    s->counts.stored++;
    queue_mark(s, d);
    return ERR_NONE;
}

void queue_remove(struct smsc *s, struct message *m)
{
    struct destination *d = m->destination;
    for (struct message **at = &d->first; *at != NULL; at = &(*at)->next) {
        if (*at != m)
            continue;
        *at = m->next;
        if (*at == NULL)
            d->last = at;
        s->counts.stored--;
        break;
    }
    if (d->first == NULL)
        queue_mark(s, d); /* to be dropped */
    free(m);
}

static void destination_drop(struct smsc *s, struct destination *d)
{
    struct destination **at = &s->buckets[bucket_of(d->digits)];
    while (*at != d)
        at = &(*at)->next;
    *at = d->next;
    free(d);
}

void queue_free(struct smsc *s)
{
    for (size_t i = 0; i < DESTINATIONS; i++) {
        while (s->buckets[i] != NULL) {
            struct destination *d = s->buckets[i];
            s->buckets[i] = d->next;
            while (d->first != NULL)
                queue_remove(s, d->first);
            free(d);
        }
    }
}

/* ---- delivery ---- */

static bool same_sender(const struct message *a, const struct message *b)
{
    return strcmp(a->sm.from.text, b->sm.from.text) == 0;
}

/* Is an earlier message of the same sender not yet over? */
static bool must_wait(const struct destination *d, const struct message *m)
{
    for (const struct message *e = d->first; e != m; e = e->next)
        if (e->state != MESSAGE_OVER && same_sender(e, m))
            return true;
    return false;
}

static void look_again(struct smsc *s, uint64_t at_ms)
{
    if (at_ms < s->scan_ms)
        s->scan_ms = at_ms;
}

static bool message_try(struct smsc *s, struct smsc_esme *e, struct message *m, uint64_t now)
{
    struct smpp_sm sm = m->sm;
    sm.validity[0] = '\0'; /* between the sender and us */
    sm.registered_delivery = 0;
    enum err err = smpp_session_send(&e->session, now, &sm, (uint64_t)(uintptr_t)m);
    if (err == ERR_TOO_LONG)
        message_finish(s, m, "UNDELIV");
    s->stalled |= err == ERR_BUSY;
    if (err != ERR_NONE)
        return err == ERR_TOO_LONG;
    m->state = MESSAGE_FLYING;
    m->attempts++;
    return true;
}

static void destination_deliver(struct smsc *s, struct destination *d, uint64_t now)
{
    struct smsc_esme *e = esme_for(s, d->digits);
    for (struct message *m = d->first; m != NULL; m = m->next) {
        if (m->state != MESSAGE_WAITING)
            continue;
        if (now >= m->expires_ms) {
            s->counts.expired++;
            message_finish(s, m, "EXPIRED");
            continue;
        }
        look_again(s, m->expires_ms);
        if (m->next_ms > now)
            look_again(s, m->next_ms);
        else if (e != NULL && !must_wait(d, m) && !message_try(s, e, m, now))
            e = NULL; /* its window is full: an answer marks the destination again */
    }
}

void queue_deliver(struct smsc *s, uint64_t now)
{
    while (s->dirty != NULL) {
        struct destination *d = s->dirty;
        s->dirty = d->next_dirty;
        d->dirty = false;
        if (d->first == NULL)
            destination_drop(s, d);
        else
            destination_deliver(s, d, now);
    }
}

void queue_mark_due(struct smsc *s, uint64_t now)
{
    if (now < s->scan_ms)
        return;
    s->scan_ms = UINT64_MAX; /* those marked say anew when they are due */
    for (size_t i = 0; i < DESTINATIONS; i++)
        for (struct destination *d = s->buckets[i]; d != NULL; d = d->next)
            if (d->first != NULL)
                queue_mark(s, d);
}

static uint64_t pause_ms(uint32_t attempts)
{
    uint64_t pause = SMSC_RETRY_FIRST_MS;
    while (attempts-- > 1 && pause < SMSC_RETRY_LAST_MS)
        pause *= 2;
    return pause < SMSC_RETRY_LAST_MS ? pause : SMSC_RETRY_LAST_MS;
}

/* The receiver cannot ever take it. Everything else is tried again. */
static bool is_final(uint32_t status)
{
    return status == SMPP_PERMANENT_ERROR || status == SMPP_INVALID_DESTINATION || status == SMPP_INVALID_SOURCE;
}

void message_answered(struct smsc *s, struct message *m, uint32_t status)
{
    m->state = MESSAGE_WAITING;
    queue_mark(s, m->destination);
    if (s->stalled)
        s->scan_ms = 0; /* others may have waited for this place in the window */
    s->stalled = false;
    if (status == SMPP_OK && m->copies > 1) {
        m->copies--;
        m->attempts = 0;
        message_changed(s, m);
    } else if (status == SMPP_OK) {
        s->counts.delivered++;
        message_finish(s, m, "DELIVRD");
    } else if (is_final(status)) {
        s->counts.refused++;
        message_finish(s, m, "UNDELIV");
    } else {
        m->next_ms = smsc_now(s) + pause_ms(m->attempts);
    }
}
