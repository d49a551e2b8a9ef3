#include "poll.h"

#include <stdio.h>

#include "call.h"
#include "explain.h"
#include "lib/codec/hex.h"
#include "lib/es/wsmc.h"

#define POLL_ARENA_MAX (32u * 1024 * 1024)
#define LAST_MS        2000u /* for the last requests */

struct polled {
    struct poller *poller;
    const struct op_partner *partner;
    const char *url;
    struct span uri;
    uint64_t next_ms;
    bool under_way, complained;
    char received[WSA_MESSAGE_ID_MAX + 1]; /* MessageID of the last message; told with the next request */
};

struct poller {
    struct op_session *s;
    uint32_t every_ms;
    enum err err;
    size_t count;
    struct polled polled[];
};

static uint64_t now_ms(const struct poller *p)
{
    struct clock *clock = loop_clock(p->s->loop);
    return clock->now_ms(clock);
}

struct span poll_uri(struct op_session *s, const struct op_partner *partner)
{
    return span_text(arena_printf(&s->arena, WSMC_ANONYMOUS "%s", partner->poll));
}

struct poller *poller_new(struct op_session *s, const struct op_partner *partner, uint32_t every_ms)
{
    size_t room = s->config.partner_count;
    struct poller *p = arena_alloc(&s->arena, sizeof *p + room * sizeof p->polled[0]);
    if (!p)
        return NULL;
    p->s = s;
    p->every_ms = every_ms;
    for (size_t i = 0; i < room; i++) {
        const struct op_partner *one = &s->config.partners[i];
        bool dp = one->is_smdp;
        if (!one->poll || (partner && partner != one))
            continue;
        p->polled[p->count++] = (struct polled){
            .poller = p,
            .partner = one,
            .url = op_service_url(s, one->url, dp ? ES2_GET_EIS : ES4_GET_EIS, dp ? ES_ROLE_SMDP : ES_ROLE_SMSR),
            .uri = poll_uri(s, one),
        };
    }
    return p;
}

static bool is_under_way(const struct poller *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->polled[i].under_way)
            return true;
    return false;
}

static void wait_idle(struct poller *p)
{
    uint64_t end = now_ms(p) + LAST_MS;
    while (is_under_way(p) && now_ms(p) < end)
        loop_round(p->s->loop, 20);
}

size_t poller_count(const struct poller *p) { return p->count; }

/* ---- an answer */

static void received(struct polled *one, struct span message_id)
{
    snprintf(one->received, sizeof one->received, "%.*s", (int)message_id.len, (const char *)message_id.ptr);
}

static void take(struct polled *one, const struct http_answer *answer, struct arena *a)
{
    struct op_session *s = one->poller->s;
    struct es_message m;
    struct es_fault fault;
    op_trace(s, "in", answer->body);
    if (es_decode(answer->body, a, &m, &fault) != ERR_NONE) {
        fprintf(stderr, "osprey: %s: what was fetched cannot be read: %s\n", one->partner->name, fault.text);
        return;
    }
    if (!op_is_partner(s, answer->peer, &m) || (m.kind != ES_RESPONSE && m.kind != ES_NOTIFICATION)) {
        fprintf(stderr, "osprey: %s: what was fetched is not from it, or no answer: dropped\n", one->partner->name);
        return;
    }
    op_explain_in(s, "a message is fetched", answer->body);
    if (op_take(s, &m, answer->body) == ERR_IO)
        one->poller->err = ERR_IO;
    else
        received(one, m.wsa.message_id.raw);
}

static void complain(struct polled *one, const struct http_answer *answer)
{
    if (!one->complained)
        fprintf(stderr, "osprey: %s: nothing can be fetched: %s\n", one->partner->name,
                answer->err != ERR_NONE      ? answer->detail
                : answer->status == 403      ? "HTTP 403: they do not know our certificate, or the address is somebody else's"
                                             : http1_reason(answer->status));
    one->complained = true;
}

static void on_answer(void *context, const struct http_answer *answer)
{
    struct polled *one = context;
    struct poller *p = one->poller;
    struct arena a;
    bool good = answer->err == ERR_NONE && answer->status >= 200 && answer->status < 300;
    one->under_way = false;
    one->next_ms = now_ms(p) + (p->every_ms ? p->every_ms : 1000u * one->partner->poll_s);
    if (!good) {
        complain(one, answer);
        return;
    }
    one->complained = false;
    if (!answer->body.len) {
        one->received[0] = '\0';
        return;
    }
    arena_init(&a, POLL_ARENA_MAX);
    take(one, answer, &a);
    arena_release(&a);
    one->next_ms = now_ms(p); /* at once: it says that we have this one, and fetches the next */
}

/* ---- a request */

static enum err ask(struct polled *one, struct arena *a)
{
    struct op_session *s = one->poller->s;
    struct wsa_message_id id;
    struct span soap = SPAN_NONE;
    uint8_t unique[16];
    s->rng->fill(s->rng, unique, sizeof unique);
    enum err err = wsa_message_id_make(a, &s->config.oid, span_text(hex_arena(a, SPAN_OF(unique))), SPAN_NONE, SPAN_NONE,
                                       now_ms(one->poller), '?', &id);
    struct wsmc_poll poll = { .address = one->uri, .to = span_text(one->url), .received = span_text(one->received) };
    if (err == ERR_NONE) {
        poll.message_id = id.raw;
        err = wsmc_poll_encode(&poll, a, &soap);
    }
    struct http_call http = { .url = one->url,
                              .content_type = "application/soap+xml; charset=utf-8; action=\"" WSMC_ACTION "\"",
                              .body = soap,
                              .done = on_answer,
                              .context = one };
    return err == ERR_NONE ? http_client_send(s->client, &http) : err;
}

static void ask_now(struct polled *one)
{
    struct arena a;
    arena_init(&a, POLL_ARENA_MAX);
    one->under_way = ask(one, &a) == ERR_NONE;
    arena_release(&a);
    if (!one->under_way)
        one->next_ms = now_ms(one->poller) + 1000;
}

enum err poller_tick(struct poller *p)
{
    for (size_t i = 0; i < p->count && p->err == ERR_NONE; i++) {
        struct polled *one = &p->polled[i];
        if (!one->under_way && now_ms(p) >= one->next_ms)
            ask_now(one);
    }
    if (p->err != ERR_NONE)
        snprintf(p->s->detail, sizeof p->s->detail, "the inbox cannot be written: nothing more is fetched");
    return p->err;
}

void poller_last(struct poller *p)
{
    if (!p)
        return;
    wait_idle(p);
    for (size_t i = 0; i < p->count; i++)
        if (*p->polled[i].received && !p->polled[i].under_way)
            ask_now(&p->polled[i]);
    wait_idle(p);
}
