#include "mailbox.h"

#include <stdlib.h>

#define FETCHED_MAX 4096 /* letters under one URI */
#define GIVEN_SHIFT 16   /* in the attempts that are stored: how often it was given, above how often it was put here */

struct letter {
    struct letter *next;
    int64_t id;
    uint64_t give_up_ms;
    uint64_t given_to; /* the connection; 0: none yet */
    unsigned given;    /* to how many */
    uint32_t attempt;
    char line[ENGINE_LINE_MAX + 1], ref[ENGINE_REF_MAX + 1];
    char *to; /* owner and uri point into it */
    struct span owner, uri, body;
};

struct mailbox {
    struct mailbox_options options;
    struct letter *first; /* by id: the order in which they were said */
    size_t count, octets;
};

struct mailbox *mailbox_new(const struct mailbox_options *options)
{
    struct mailbox *m = calloc(1, sizeof *m);
    if (m)
        m->options = *options;
    return m;
}

static void letter_free(struct letter *l)
{
    free(l->to);
    free((void *)(uintptr_t)l->body.ptr);
    free(l);
}

void mailbox_free(struct mailbox *m)
{
    while (m && m->first) {
        struct letter *l = m->first;
        m->first = l->next;
        letter_free(l);
    }
    free(m);
}

size_t mailbox_count(const struct mailbox *m) { return m->count; }

static void result(struct mailbox *m, int64_t id, enum effect_result how, int status)
{
    engine_result(m->options.engine(m->options.context), id, how, status, SPAN_NONE);
}

/* ---- in */

static struct letter *letter_new(const struct effect *e)
{
    struct letter *l = calloc(1, sizeof *l);
    uint8_t *body = e->body.len ? malloc(e->body.len) : NULL;
    char *to = strdup(e->to);
    if (!l || !body || !to || !wsmc_destination_read(to, &l->owner, &l->uri)) {
        free(l);
        free(body);
        free(to);
        return NULL;
    }
    memcpy(body, e->body.ptr, e->body.len);
    l->id = e->id;
    l->give_up_ms = e->give_up_ms;
    l->given = e->attempt >> GIVEN_SHIFT; /* at other processes */
    l->attempt = e->attempt & ((1u << GIVEN_SHIFT) - 1);
    l->to = to;
    l->body = (struct span){ body, e->body.len };
    memcpy(l->line, e->line, sizeof l->line);
    memcpy(l->ref, e->ref, sizeof l->ref);
    return l;
}

static size_t count_of(const struct mailbox *m, struct span owner)
{
    size_t count = 0;
    for (const struct letter *l = m->first; l; l = l->next)
        count += span_eq(l->owner, owner);
    return count;
}

void mailbox_put(struct mailbox *m, const struct effect *e)
{
    struct letter *l = m->octets + e->body.len <= MAILBOX_OCTETS_MAX ? letter_new(e) : NULL;
    struct letter **at = &m->first;
    if (!l || count_of(m, l->owner) >= MAILBOX_OWNER_MAX) {
        log_fact(m->options.log, LOG_WARN_, e->line, "%s: the mailbox of who fetches it is full", e->ref);
        if (l)
            letter_free(l);
        result(m, e->id, EFFECT_FAILED, 0);
        return;
    }
    while (*at && (*at)->id < l->id)
        at = &(*at)->next;
    l->next = *at;
    *at = l;
    m->count++;
    m->octets += l->body.len;
}

/* ---- out */

static void take_out(struct mailbox *m, struct letter **at, enum effect_result how, int status)
{
    struct letter *l = *at;
    int64_t id = l->id;
    *at = l->next;
    m->count--;
    m->octets -= l->body.len;
    letter_free(l);
    result(m, id, how, status);
}

/* The first that the visitor may have, at or behind `at`. */
static struct letter **next_of(struct letter **at, const struct mailbox_visitor *v, struct span uri)
{
    while (*at && !(span_eq((*at)->uri, uri) && v->may(v->context, (*at)->owner)))
        at = &(*at)->next;
    return *at ? at : NULL;
}

static bool has_uri(const struct mailbox *m, struct span uri)
{
    for (const struct letter *l = m->first; l; l = l->next)
        if (span_eq(l->uri, uri))
            return true;
    return false;
}

static bool has_id(const struct letter *l, struct span message_id)
{
    WRITER_ON_STACK(w, 6 * WSA_MESSAGE_ID_MAX);
    if (!message_id.len || message_id.len > WSA_MESSAGE_ID_MAX)
        return false;
    wr_text(&w, "<wsa:MessageID>");
    wr_xml_text(&w, message_id);
    wr_text(&w, "</wsa:MessageID>");
    return w.err == ERR_NONE && memmem(l->body.ptr, l->body.len, w.buf, w.len);
}

static bool is_received(const struct letter *l, uint64_t connection, struct span received)
{
    return has_id(l, received) || (l->given && (l->given_to == connection || l->given >= MAILBOX_GIVEN_MAX));
}

/* ---- with other processes: where somebody fetches, there the letters are */

static bool is_among(const int64_t *ids, int count, int64_t id)
{
    for (int i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* What is in the hands of others comes here, and what went from here to others goes. */
static void gather(struct mailbox *m, struct span uri)
{
    int64_t ids[FETCHED_MAX];
    struct engine *engine = m->options.engine(m->options.context);
    int count = engine_home(engine) ? engine_fetch(engine, WSMC_DESTINATION, uri, ids, ARRAY_LEN(ids)) : -1;
    for (struct letter **at = &m->first; count >= 0 && *at;) {
        struct letter *l = *at;
        if (!span_eq(l->uri, uri) || is_among(ids, count, l->id)) {
            at = &l->next;
            continue;
        }
        *at = l->next;
        m->count--;
        m->octets -= l->body.len;
        engine_forget(engine, l->id);
        letter_free(l);
    }
}

static enum mailbox_answer poll_here(struct mailbox *m, const struct mailbox_visitor *v, const struct wsmc_poll *poll,
                                     struct arena *a, struct span *ret_soap)
{
    struct letter **at = next_of(&m->first, v, poll->address);
    if (!at)
        return has_uri(m, poll->address) ? MAILBOX_FOREIGN : MAILBOX_EMPTY;
    if (is_received(*at, v->connection, poll->received)) {
        take_out(m, at, EFFECT_SENT, 202);
        at = next_of(&m->first, v, poll->address);
    }
    if (!at)
        return MAILBOX_EMPTY;
    struct letter *l = *at;
    if (wsmc_deliver(l->body, next_of(&l->next, v, poll->address), a, ret_soap) != ERR_NONE) {
        take_out(m, at, EFFECT_REFUSED_, 0);
        return MAILBOX_EMPTY;
    }
    l->given_to = v->connection;
    l->given++;
    if (engine_home(m->options.engine(m->options.context)))
        engine_tried(m->options.engine(m->options.context), l->id, l->given << GIVEN_SHIFT | l->attempt);
    return MAILBOX_LETTER;
}

/* The next request may come to another process: what was given and received here is stored before the answer leaves. */
enum mailbox_answer mailbox_poll(struct mailbox *m, const struct mailbox_visitor *v, const struct wsmc_poll *poll,
                                 struct arena *a, struct span *ret_soap)
{
    gather(m, poll->address);
    enum mailbox_answer answer = poll_here(m, v, poll, a, ret_soap);
    if (engine_home(m->options.engine(m->options.context)))
        engine_flush(m->options.engine(m->options.context));
    return answer;
}

void mailbox_tick(struct mailbox *m)
{
    uint64_t now = m->options.clock->now_ms(m->options.clock);
    for (struct letter **at = &m->first; *at;) {
        if ((*at)->give_up_ms > now) {
            at = &(*at)->next;
            continue;
        }
        log_fact(m->options.log, LOG_WARN_, (*at)->line, "%s was not fetched in time", (*at)->ref);
        take_out(m, at, EFFECT_FAILED, 0);
    }
}
