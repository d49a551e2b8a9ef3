#include "stage_private.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"
#include "lib/base/world.h"
#include "lib/codec/hex.h"
#include "lib/crypto/tls_mutual.h"
#include "lib/io/loop.h"
#include "schema.h"
#include "tap.h"

#define SOAP_TYPE "application/soap+xml; charset=utf-8"
#define BODY_MAX  (64u * 1024u * 1024u)

uint64_t now_ms(void) { return world_clock()->now_ms(world_clock()); }

/* ---- verdicts ---- */

void stage_end(struct stage *s, enum case_verdict verdict, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(s->detail, sizeof s->detail, format, args);
    va_end(args);
    s->verdict = verdict;
    longjmp(s->leave, 1);
}

enum case_verdict stage_guard(struct stage *s, void (*run)(struct stage *))
{
    s->verdict = VERDICT_PASS;
    s->detail[0] = '\0';
    if (setjmp(s->leave) == 0) {
        run(s);
        if (s->invalid[0])
            fail(s, "%s", s->invalid);
    }
    return s->verdict;
}

void remark(struct stage *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(s->detail, sizeof s->detail, format, args);
    va_end(args);
}

char *textf(struct stage *s, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = len >= 0 ? arena_alloc(&s->arena, (size_t)len + 1) : NULL;
    if (!text)
        abort();
    vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}

/* ---- what comes to a role ---- */

struct message *stage_message(struct stage *s)
{
    struct message *m = ARENA_NEW(&s->arena, struct message);
    if (!m)
        abort();
    m->detail = m->name = m->ns = m->message_id = m->relates_to = m->action = m->from = m->to = "";
    m->status = m->status_id = m->status_text = m->peer = m->path = "";
    return m;
}

static void on_post(void *context, const struct http_request *request, struct reply_ref ref)
{
    struct actor *a = context;
    struct stage *s = a->stage;
    if (s->message_count == STAGE_MESSAGES_MAX)
        return;
    struct message *m = stage_message(s);
    m->at = a->role;
    m->octets = arena_copy(&s->arena, request->body);
    m->peer = arena_text(&s->arena, span_text(request->peer->oid));
    m->path = arena_text(&s->arena, request->path);
    m->came_ms = now_ms();
    m->reply = ref;
    soap_read(s, m);
    s->messages[s->message_count++] = m;
}

void stage_reply(struct stage *s, struct message *request, int http, const char *text)
{
    struct actor *a = s->actors[request->at];
    const struct http_reply reply = { .status = http,
                                      .content_type = text ? SOAP_TYPE : NULL,
                                      .body = text ? span_text(text) : SPAN_NONE };
    request->answered = true;
    if (a && a->server)
        http_server_reply(a->server, request->reply, &reply);
}

void stage_play(struct stage *s, enum role r, role_play *play) { s->play[r] = play; }

void stage_round(struct stage *s, uint64_t wait_ms)
{
    loop_round(s->loop, s->played < s->message_count ? 0 : wait_ms);
    while (s->played < s->message_count) {
        struct message *m = s->messages[s->played++];
        if (s->play[m->at])
            s->play[m->at](s, m);
        if (!m->answered)
            stage_reply(s, m, 202, NULL);
    }
}

bool stage_until(struct stage *s, uint64_t ms, bool (*done)(struct stage *, void *), void *context)
{
    uint64_t end = now_ms() + ms;
    for (;;) {
        if (done(s, context))
            return true;
        uint64_t now = now_ms();
        if (now >= end)
            return false;
        stage_round(s, end - now < 20 ? end - now : 20);
    }
}

static bool never(struct stage *s, void *context)
{
    (void)s, (void)context;
    return false;
}

void stage_wait(struct stage *s, uint64_t ms) { (void)stage_until(s, ms, never, NULL); }

/* ---- octets out ---- */

struct posting {
    struct stage *stage;
    uint32_t generation;
    struct message *m;
};

static void on_answer(void *context, const struct http_answer *answer)
{
    struct posting *p = context;
    struct stage *s = p->stage;
    if (p->generation == s->generation) {
        struct message *m = p->m;
        m->err = answer->err;
        m->http = answer->err == ERR_NONE ? answer->status : 0;
        m->detail = arena_text(&s->arena, span_text(answer->detail));
        m->octets = answer->err == ERR_NONE ? arena_copy(&s->arena, answer->body) : SPAN_NONE;
        m->peer = answer->peer ? arena_text(&s->arena, span_text(answer->peer->oid)) : "";
        m->came_ms = now_ms();
        soap_read(s, m);
        m->answered = true;
    }
    free(p);
}

struct message *post_url(struct stage *s, enum role by, const char *url, struct span octets)
{
    struct message *m = stage_message(s);
    struct posting *p = malloc(sizeof *p);
    if (!s->actors[by])
        skip(s, "the target has no [role %s]", role_text(by));
    if (!p)
        abort();
    *p = (struct posting){ s, s->generation, m };
    const struct http_call call = { .url = url, .content_type = SOAP_TYPE, .body = octets, .done = on_answer, .context = p };
    enum err err = http_client_send(s->actors[by]->client, &call);
    if (err != ERR_NONE) {
        free(p);
        fail(s, "%s: cannot be sent: %s", url, err_text(err));
    }
    return m;
}

struct message *post_begin(struct stage *s, enum role by, enum server to, const char *path, struct span octets)
{
    (void)server_oid(s, to);
    return post_url(s, by, textf(s, "%s%s", s->target.servers[to].url, path ? path : "/"), octets);
}

static bool is_answered(struct stage *s, void *context)
{
    (void)s;
    return ((const struct message *)context)->answered;
}

struct message *post_finish(struct stage *s, struct message *m)
{
    if (!stage_until(s, 70000, is_answered, m))
        fail(s, "no answer to a POST");
    return m;
}

struct message *post(struct stage *s, enum role by, enum server to, const char *path, struct span octets)
{
    return post_finish(s, post_begin(s, by, to, path, octets));
}

struct message *post_text(struct stage *s, enum role by, enum server to, const char *text)
{
    return post(s, by, to, NULL, span_text(text));
}

/* ---- roles ---- */

static enum err actor_listen(struct actor *a, char *detail)
{
    const struct target_role *r = &a->stage->target.roles[a->role];
    const struct http_server_options o = { .address = r->host,
                                           .port = r->port,
                                           .tls = a->server_tls,
                                           .node = a->role,
                                           .body_max = BODY_MAX,
                                           .handler = on_post,
                                           .context = a };
    enum err err = ERR_NONE;
    a->server = r->port ? http_server_new(a->stage->loop, &o, &err, detail) : NULL;
    return err;
}

void role_deaf(struct stage *s, enum role r, bool deaf)
{
    char detail[IO_DETAIL_MAX];
    struct actor *a = s->actors[r];
    if (deaf && a->server) {
        http_server_free(a->server);
        a->server = NULL;
    } else if (!deaf && !a->server && actor_listen(a, detail) != ERR_NONE) {
        fail(s, "%s cannot listen again: %s", role_text(r), detail);
    }
}

static enum err actor_tls(struct actor *a, bool server, struct ssl_ctx_st **ret, char *detail)
{
    const struct target_role *r = &a->stage->target.roles[a->role];
    const struct tls_mutual_options o = {
        .chain_file = r->certificate, .key_file = r->key, .ca_file = a->stage->target.ci, .server = server
    };
    return tls_mutual_ctx(&o, ret, detail, BED_DETAIL_MAX);
}

static enum err actor_new(struct stage *s, enum role role, char *detail)
{
    struct actor *a = calloc(1, sizeof *a);
    if (!a)
        return ERR_NO_MEMORY;
    s->actors[role] = a;
    a->stage = s;
    a->role = role;
    enum err err = actor_tls(a, false, &a->client_tls, detail);
    if (err == ERR_NONE)
        err = actor_tls(a, true, &a->server_tls, detail);
    if (err != ERR_NONE)
        return err;
    const struct http_client_options o = { .tls = a->client_tls, .body_max = BODY_MAX };
    a->client = http_client_new(s->loop, &o);
    return a->client ? actor_listen(a, detail) : ERR_NO_MEMORY;
}

static void actor_free(struct actor *a)
{
    if (!a)
        return;
    if (a->client)
        http_client_free(a->client);
    if (a->server)
        http_server_free(a->server);
    tls_mutual_ctx_free(a->client_tls);
    tls_mutual_ctx_free(a->server_tls);
    free(a);
}

/* ---- the whole ---- */

static enum err stage_open(struct stage *s, const char *target_file, char *detail)
{
    uint8_t random[4];
    world_rng()->fill(world_rng(), random, sizeof random);
    hex_text(SPAN_OF(random), s->run_id, sizeof s->run_id);
    arena_init(&s->arena, STAGE_ARENA_MAX);
    char why[CONFIG_DETAIL_MAX] = "";
    enum err err = target_load(target_file, &s->target, why);
    snprintf(detail, BED_DETAIL_MAX, "%.200s", why);
    s->loop = err == ERR_NONE ? loop_new() : NULL;
    if (err == ERR_NONE && !s->loop)
        err = ERR_NO_MEMORY;
    for (int r = 0; err == ERR_NONE && r < ROLE_COUNT; r++)
        if (s->target.roles[r].oid)
            err = actor_new(s, (enum role)r, detail);
    if (err == ERR_NONE)
        err = schema_new(s->target.schemas, &s->schema, detail);
    if (err == ERR_NONE && s->target.tap_port)
        err = tap_new(s, &s->tap, detail);
    return err;
}

enum err stage_new(const char *target_file, struct stage **ret, char *detail)
{
    struct stage *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NO_MEMORY;
    enum err err = stage_open(s, target_file, detail);
    if (err == ERR_NONE)
        *ret = s;
    else
        stage_free(s);
    return err;
}

void stage_clear(struct stage *s)
{
    for (size_t i = 0; i < s->message_count; i++)
        if (!s->messages[i]->answered)
            stage_reply(s, s->messages[i], 202, NULL);
    memset(s->play, 0, sizeof s->play);
    s->message_count = s->played = 0;
    s->generation++;
    s->schema_off = false;
    s->invalid[0] = '\0';
    soap_forget(s);
    arena_release(&s->arena);
}

void stage_free(struct stage *s)
{
    if (!s)
        return;
    soap_forget(s);
    for (int r = 0; r < ROLE_COUNT; r++)
        actor_free(s->actors[r]);
    tap_free(s->tap);
    schema_free(s->schema);
    if (s->loop)
        loop_free(s->loop);
    target_done(&s->target);
    arena_release(&s->arena);
    free(s);
}
