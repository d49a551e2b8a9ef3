#include "soap_net.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/es/wsdl.h"

#define ADMIN_RAM_MAX (8u << 20)
#define SOAP_TYPE "application/soap+xml; charset=utf-8"

struct soap_net {
    struct soap_net_options options;
    struct soap_trace trace;
    struct http_server *server;
    struct http_client *client;
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

static bool is_admin(const struct soap_net *n, struct span path)
{
    const char *prefix = n->options.admin_prefix;
    return n->options.on_admin && path.len > strlen(prefix) && !memcmp(path.ptr, prefix, strlen(prefix));
}

static void reply_admin(struct soap_net *n, const struct http_request *request, struct reply_ref ref)
{
    struct arena a;
    struct span json = SPAN_NONE;
    arena_init(&a, ADMIN_RAM_MAX);
    int status = n->options.on_admin(n->options.context, request, &a, &json);
    http_server_reply(n->server, ref,
                      &(struct http_reply){ .status = status, .content_type = "application/json", .body = json });
    arena_release(&a);
}

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
    soap_trace_write(&n->trace, "in", request->body);
    n->options.on_soap(n->options.context, request->peer, request->body, ref);
}

static void on_refused(void *context, const char *address, const char *why)
{
    struct soap_net *n = context;
    log_fact(n->options.log, LOG_WARN_, NULL, "TLS from %s refused: %s", address, why);
}

void soap_net_reply(struct soap_net *n, const struct effect *effect)
{
    soap_trace_write(&n->trace, "out", effect->body);
    http_server_reply(n->server, effect->reply,
                      &(struct http_reply){ .status = effect->status,
                                            .content_type = effect->body.len ? SOAP_TYPE : NULL,
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
    struct posted *p = context;
    enum effect_result how = judge(answer);
    soap_trace_write(&p->net->trace, "in", answer->body);
    if (how != EFFECT_SENT)
        log_fact(p->net->options.log, LOG_WARN_, p->line, "%s not taken: %s %d", p->ref, answer->detail,
                 answer->status);
    result(p->net, p->effect_id, how, answer->status, answer->body);
    free(p);
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

static enum err post(struct soap_net *n, const struct effect *effect)
{
    char type[256];
    struct posted *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NO_MEMORY;
    p->net = n;
    p->effect_id = effect->id;
    memcpy(p->ref, effect->ref, sizeof p->ref);
    memcpy(p->line, effect->line, sizeof p->line);
    struct http_call call = { .url = effect->to,
                              .content_type = content_type(effect->ref, type, sizeof type),
                              .body = effect->body,
                              .done = on_answer,
                              .context = p };
    enum err err = http_client_send(n->client, &call);
    if (err != ERR_NONE)
        free(p);
    return err;
}

void soap_net_post(struct soap_net *n, const struct effect *effect)
{
    soap_trace_write(&n->trace, "out", effect->body);
    enum err err = post(n, effect);
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
    return n;
}

enum err soap_net_open(struct soap_net *n, char *detail)
{
    const struct soap_net_options *o = &n->options;
    enum err err = soap_trace_open(&n->trace);
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

void soap_net_free(struct soap_net *n)
{
    if (!n)
        return;
    http_server_free(n->server);
    http_client_free(n->client);
    free(n);
}
