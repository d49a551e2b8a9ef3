#include "soap_net.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/es/wsdl.h"
#include "admin.h"
#include "guard.h"
#include "mailbox.h"

#define ADMIN_RAM_MAX (8u << 20)
#define MAILBOX_TICK_MS 10000u
#define SOAP_TYPE "application/soap+xml; charset=utf-8"

struct soap_net {
    struct soap_net_options options;
    struct soap_trace trace;
    struct http_server *server;
    struct http_client *client;
    struct mailbox *mailbox;
    struct loop_timer *mailbox_timer;
};

/* ---- in */

static void reply_wsdl(struct soap_net *n, const struct http_request *request, struct reply_ref ref)
{
    struct arena a;
    struct span wsdl;
    struct http_reply reply = { .status = 404 };
    arena_init(&a, 2 * WSDL_MAX);
    if (n->options.url && es_wsdl(request->path, n->options.role, n->options.url, &a, &wsdl) == ERR_NONE)
        reply = (struct http_reply){ .status = 200, .content_type = "text/xml; charset=utf-8", .body = wsdl };
    http_server_reply(n->server, ref, &reply);
    arena_release(&a);
}

static struct intake_partner partner_of(const struct soap_net *n, const struct peer *peer)
{
    return peer && peer->authenticated ? n->options.who(n->options.context, peer->oid, peer->common_name)
                                       : (struct intake_partner){ 0 };
}

static bool is_admin(const struct soap_net *n, struct span path)
{
    size_t len = strlen(ADMIN_PREFIX);
    bool below = path.len >= len && !memcmp(path.ptr, ADMIN_PREFIX, len);
    return n->options.on_admin && (below || span_eq(path, SPAN_LIT(ADMIN_METRICS)));
}

static void reply_admin(struct soap_net *n, const struct http_request *request, struct reply_ref ref)
{
    struct arena a;
    struct span body = SPAN_NONE;
    const char *type = "application/json";
    arena_init(&a, ADMIN_RAM_MAX);
    int status = n->options.on_admin(n->options.context, partner_of(n, request->peer).partner, request, ref, &a, &body, &type);
    if (status != ADMIN_LATER)
        http_server_reply(n->server, ref, &(struct http_reply){ .status = status, .content_type = type, .body = body });
    arena_release(&a);
}

/* ---- a partner fetches what waits for it */

static void answer_poll(struct soap_net *n, struct reply_ref ref, int status, struct span soap)
{
    soap_net_reply(n, &(struct effect){ .kind = EFFECT_REPLY, .reply = ref, .status = status, .body = soap });
}

static void refuse_poll(struct soap_net *n, struct reply_ref ref, const struct es_fault *fault, struct arena *a)
{
    struct es_message none = { 0 }, answer;
    struct span soap = SPAN_NONE;
    int status = 500;
    log_fact(n->options.log, LOG_WARN_, NULL, "a request to fetch that cannot be taken: %s", fault->text);
    if (es_answer_fault(&none, fault, a, &answer, &status) != ERR_NONE || es_encode(&answer, a, &soap) != ERR_NONE)
        status = 500;
    answer_poll(n, ref, status, soap);
}

/* What waits for the partner with that OID. */
static bool may_fetch(void *context, struct span oid)
{
    const struct intake_partner *p = context;
    struct oid owner;
    return oid_from_text(oid, &owner) == ERR_NONE && (oid_eq(&owner, p->oid) || guard_speaks_for(p->guard, &owner));
}

static void on_poll(struct soap_net *n, const struct http_request *request, struct reply_ref ref, struct arena *a)
{
    struct wsmc_poll poll;
    struct es_fault fault;
    struct span soap = SPAN_NONE;
    enum mailbox_answer answer = MAILBOX_FOREIGN;
    if (wsmc_poll_decode(request->body, a, &poll, &fault) != ERR_NONE) {
        refuse_poll(n, ref, &fault, a);
        return;
    }
    struct intake_partner who = partner_of(n, request->peer);
    struct mailbox_visitor visitor = { may_fetch, &who, request->peer->connection };
    if (who.partner)
        answer = mailbox_poll(n->mailbox, &visitor, &poll, a, &soap);
    if (answer == MAILBOX_FOREIGN)
        log_fact(n->options.log, LOG_WARN_, NULL, "%s (%s) wants to fetch what is not for it", request->peer->address,
                 *request->peer->oid ? request->peer->oid : request->peer->common_name);
    answer_poll(n, ref, answer == MAILBOX_FOREIGN ? 403 : answer == MAILBOX_EMPTY ? 202 : 200, soap);
}

static bool is_poll(struct soap_net *n, const struct http_request *request, struct reply_ref ref)
{
    struct arena a;
    if (!wsmc_maybe_poll(request->body))
        return false;
    arena_init(&a, 4 * SOAP_MESSAGE_MAX);
    soap_trace_write(&n->trace, "in", request->body);
    on_poll(n, request, ref, &a);
    arena_release(&a);
    return true;
}

static void on_mailbox_timer(void *context)
{
    struct soap_net *n = context;
    mailbox_tick(n->mailbox);
    loop_timer_set(n->mailbox_timer, MAILBOX_TICK_MS);
}

/* ---- all requests */

static void on_request(void *context, const struct http_request *request, struct reply_ref ref)
{
    struct soap_net *n = context;
    if (is_admin(n, request->path)) {
        reply_admin(n, request, ref);
        return;
    }
    if (span_eq(request->method, SPAN_LIT("GET")) && span_eq(request->query, SPAN_LIT("wsdl"))) {
        reply_wsdl(n, request, ref);
        return;
    }
    if (!span_eq(request->method, SPAN_LIT("POST"))) {
        http_server_reply(n->server, ref, &(struct http_reply){ .status = 405 });
        return;
    }
    if (is_poll(n, request, ref))
        return;
    soap_trace_write(&n->trace, "in", request->body);
    n->options.on_soap(n->options.context, partner_of(n, request->peer).partner, request->body, ref);
}

static void on_refused(void *context, const char *address, const char *why)
{
    struct soap_net *n = context;
    log_fact(n->options.log, LOG_WARN_, NULL, "TLS from %s refused: %s", address, why);
}

void soap_net_reply(struct soap_net *n, const struct effect *effect)
{
    bool json = effect->body.len && effect->body.ptr[0] == '{'; /* of the administration */
    if (!json)
        soap_trace_write(&n->trace, "out", effect->body);
    http_server_reply(n->server, effect->reply,
                      &(struct http_reply){ .status = effect->status,
                                            .content_type = !effect->body.len ? NULL : json ? "application/json" : SOAP_TYPE,
                                            .body = effect->body });
}

/* ---- out */

struct posted {
    struct soap_net *net;
    int64_t effect_id;
    char ref[ENGINE_REF_MAX + 1], line[ENGINE_LINE_MAX + 1];
};

static void result(struct soap_net *n, int64_t id, enum effect_result how, int status, struct span body)
{
    engine_result(n->options.engine(n->options.context), id, how, status, body);
}

/* 4xx: never; but for "too slow" and "too many". A SOAP fault of the receiver (5xx) may be better next time. */
static enum effect_result judge(const struct http_answer *a)
{
    if (a->err == ERR_NONE && a->status >= 200 && a->status < 300)
        return EFFECT_SENT;
    bool final = a->err == ERR_NONE && a->status >= 400 && a->status < 500 && a->status != 408 && a->status != 429;
    return final ? EFFECT_REFUSED_ : EFFECT_FAILED;
}

static void on_answer(void *context, const struct http_answer *answer)
{
    const struct posted *p = context;
    enum effect_result how = judge(answer);
    soap_trace_write(&p->net->trace, "in", answer->body);
    if (how != EFFECT_SENT)
        log_fact(p->net->options.log, LOG_WARN_, p->line, "%s not taken: %s %d", p->ref, answer->detail,
                 answer->status);
    result(p->net, p->effect_id, how, answer->status, answer->body);
}

static const char *content_type(const char *ref, char *out, size_t cap)
{
    WRITER_ON_STACK(action, 160);
    enum es_function function;
    const char *end = strchr(ref, '/');
    if (!end || es_function_by_name((struct span){ (const uint8_t *)ref, (size_t)(end - ref) }, &function) != ERR_NONE)
        return SOAP_TYPE;
    es_action(&action, function, !strncmp(end, "/response", 9) ? ES_RESPONSE : ES_NOTIFICATION);
    snprintf(out, cap, SOAP_TYPE "; action=\"%.*s\"", (int)action.len, (const char *)action.buf);
    return out;
}

static enum err secure(struct soap_net *n, const struct effect *effect, struct arena *a, struct span *ret)
{
    char name[SOAP_NAME_MAX];
    const struct soap_net_options *o = &n->options;
    struct intake_partner to = o->at(o->context, effect->to);
    const struct wsse_sender *sender = to.partner ? &to.guard->send.token : NULL;
    struct clock *clock = loop_clock(o->loop);
    *ret = effect->body;
    if (!sender || sender->kind == WSSE_NONE)
        return ERR_NONE;
    soap_name(effect->body, name);
    size_t len = strlen(name);
    bool request = len > 7 && !strcmp(name + len - 7, "Request");
    return request ? guard_secure(sender, o->client_tls, effect->body, o->rng, clock->now_ms(clock), a, ret) : ERR_NONE;
}

static enum err post(struct soap_net *n, const struct effect *effect, struct span body)
{
    char type[256];
    struct posted p = { .net = n, .effect_id = effect->id };
    memcpy(p.ref, effect->ref, sizeof p.ref);
    memcpy(p.line, effect->line, sizeof p.line);
    struct http_call call = { .url = effect->to,
                              .content_type = content_type(effect->ref, type, sizeof type),
                              .body = body,
                              .done = on_answer,
                              .context = &p,
                              .context_size = sizeof p };
    return http_client_send(n->client, &call);
}

void soap_net_post(struct soap_net *n, const struct effect *effect)
{
    struct span owner, uri;
    if (wsmc_destination_read(effect->to, &owner, &uri)) {
        mailbox_put(n->mailbox, effect);
        return;
    }
    struct arena a;
    struct span body;
    soap_trace_write(&n->trace, "out", effect->body);
    arena_init(&a, 2 * SOAP_MESSAGE_MAX);
    enum err err = secure(n, effect, &a, &body);
    if (err == ERR_NONE)
        err = post(n, effect, body);
    arena_release(&a);
    if (err == ERR_NONE)
        return;
    log_fact(n->options.log, LOG_WARN_, effect->line, "%s cannot be sent: %s", effect->ref, err_text(err));
    result(n, effect->id, err == ERR_BAD_VALUE ? EFFECT_REFUSED_ : EFFECT_FAILED, 0, SPAN_NONE);
}

/* ---- life */

struct soap_net *soap_net_new(const struct soap_net_options *options)
{
    struct soap_net *n = calloc(1, sizeof *n);
    if (!n)
        return NULL;
    n->options = *options;
    n->trace = (struct soap_trace){ .folder = options->trace_dir, .role = options->name };
    n->mailbox = mailbox_new(&(struct mailbox_options){
        .clock = loop_clock(options->loop), .log = options->log, .engine = options->engine, .context = options->context });
    n->mailbox_timer = loop_timer_new(options->loop, on_mailbox_timer, n);
    if (!n->mailbox || !n->mailbox_timer) {
        soap_net_free(n);
        return NULL;
    }
    return n;
}

enum err soap_net_open(struct soap_net *n, char *detail)
{
    const struct soap_net_options *o = &n->options;
    enum err err = soap_trace_open(&n->trace);
    loop_timer_set(n->mailbox_timer, MAILBOX_TICK_MS);
    n->client = http_client_new(o->loop, &(struct http_client_options){ .tls = o->client_tls });
    if (err == ERR_NONE && !n->client)
        err = ERR_NO_MEMORY;
    if (err != ERR_NONE)
        return err;
    struct http_server_options server = { .address = o->address,
                                          .port = o->port,
                                          .tls = o->server_tls,
                                          .node = o->node,
                                          .handler = on_request,
                                          .context = n,
                                          .refused = on_refused };
    n->server = http_server_new(o->loop, &server, &err, detail);
    return n->server || err != ERR_NONE ? err : ERR_NO_MEMORY;
}

void soap_net_set_tls(struct soap_net *n, struct ssl_ctx_st *server, struct ssl_ctx_st *client)
{
    http_server_set_tls(n->server, server);
    http_client_set_tls(n->client, client);
    n->options.client_tls = client;
}

void soap_net_drain(struct soap_net *n)
{
    http_server_close_listener(n->server);
    http_server_end_idle(n->server);
}

void soap_net_free(struct soap_net *n)
{
    if (!n)
        return;
    http_server_free(n->server);
    http_client_free(n->client);
    loop_timer_free(n->mailbox_timer);
    mailbox_free(n->mailbox);
    free(n);
}
