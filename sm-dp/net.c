#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/es/message.h"
#include "lib/io/file.h"

#define SOAP_TYPE      "application/soap+xml; charset=utf-8"
#define TRACE_NAME_MAX 96u

struct smdp_net {
    struct net seam;
    struct smdp_net_options options;
    struct smdp *smdp;
    struct http_server *server;
    struct http_client *client;
    unsigned traced;
};

/* ---- the lab's traces: every message as it was on the wire */

/* Local name of the first element inside Body. */
static void soap_name(struct span soap, char out[TRACE_NAME_MAX])
{
    const uint8_t *at = memmem(soap.ptr, soap.len, "Body", 4), *end = soap.ptr + soap.len;
    size_t len = 0;
    while (at && at < end && *at != '<')
        at++;
    for (at = at && at < end ? at + 1 : end; at < end && len + 1 < TRACE_NAME_MAX; at++) {
        bool letter = *at == '-' || (*at >= '0' && *at <= '9') || ((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z');
        if (*at == ':')
            len = 0;
        else if (letter)
            out[len++] = (char)*at;
        else
            break;
    }
    out[len] = '\0';
}

static void trace(struct smdp_net *n, const char *way, struct span soap)
{
    char name[TRACE_NAME_MAX], path[1024];
    if (!n->options.trace_dir || !soap.len)
        return;
    soap_name(soap, name);
    do /* numbers go on where an earlier run stopped */
        snprintf(path, sizeof path, "%s/soap/sm-dp-%05u-%s-%s.xml", n->options.trace_dir, ++n->traced, way, name);
    while (access(path, F_OK) == 0);
    FILE *f = fopen(path, "w");
    if (!f)
        return;
    fwrite(soap.ptr, 1, soap.len, f);
    fclose(f);
}

/* ---- in */

static const struct smdp_partner *partner_of(struct smdp_net *n, const struct peer *peer)
{
    if (!peer || !peer->authenticated)
        return NULL;
    const struct smdp_partner *p = smdp_partner_by_oid(n->smdp, peer->oid);
    return p ? p : smdp_partner_by_name(n->smdp, peer->common_name);
}

static void on_request(void *context, const struct http_request *request, struct reply_ref ref)
{
    struct smdp_net *n = context;
    if (!span_eq(request->method, SPAN_LIT("POST"))) {
        http_server_reply(n->server, ref, &(struct http_reply){ .status = 405 });
        return;
    }
    trace(n, "in", request->body);
    smdp_soap(n->smdp, partner_of(n, request->peer), request->body, ref);
}

static void on_refused(void *context, const char *address, const char *why)
{
    struct smdp_net *n = context;
    log_fact(n->options.log, LOG_WARN_, NULL, "TLS from %s refused: %s", address, why);
}

static void soap_reply(struct smdp_net *n, const struct effect *effect)
{
    trace(n, "out", effect->body);
    http_server_reply(n->server, effect->reply,
                      &(struct http_reply){ .status = effect->status,
                                            .content_type = effect->body.len ? SOAP_TYPE : NULL,
                                            .body = effect->body });
}

/* ---- out */

struct posted {
    struct smdp_net *net;
    int64_t effect_id;
    char ref[ENGINE_REF_MAX + 1], line[ENGINE_LINE_MAX + 1];
};

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
    enum effect_result result = judge(answer);
    trace(p->net, "in", answer->body);
    if (result != EFFECT_SENT)
        log_fact(p->net->options.log, LOG_WARN_, p->line, "%s not taken: %s %d", p->ref, answer->detail,
                 answer->status);
    engine_result(smdp_engine(p->net->smdp), p->effect_id, result, answer->status, answer->body);
    free(p);
}

static void soap_send(struct smdp_net *n, const struct effect *effect)
{
    struct posted *p = calloc(1, sizeof *p);
    enum err err = p ? ERR_NONE : ERR_NO_MEMORY;
    trace(n, "out", effect->body);
    if (p) {
        p->net = n;
        p->effect_id = effect->id;
        memcpy(p->ref, effect->ref, sizeof p->ref);
        memcpy(p->line, effect->line, sizeof p->line);
        struct http_call call = {
            .url = effect->to, .content_type = SOAP_TYPE, .body = effect->body, .done = on_answer, .context = p
        };
        err = http_client_send(n->client, &call);
    }
    if (err == ERR_NONE)
        return;
    log_fact(n->options.log, LOG_WARN_, effect->line, "%s cannot be sent: %s", effect->ref, err_text(err));
    free(p);
    engine_result(smdp_engine(n->smdp), effect->id, err == ERR_BAD_VALUE ? EFFECT_REFUSED_ : EFFECT_FAILED, 0,
                  SPAN_NONE);
}

static void net_send(struct net *seam, const struct effect *effect)
{
    struct smdp_net *n = (struct smdp_net *)seam;
    if (effect->kind == SMDP_EFFECT_SOAP)
        soap_send(n, effect);
    else if (effect->kind == EFFECT_REPLY && effect->reply.node == SMDP_NODE_SOAP)
        soap_reply(n, effect);
    else if (effect->id)
        engine_result(smdp_engine(n->smdp), effect->id, EFFECT_FAILED, 0, SPAN_NONE);
}

/* ---- life */

static bool on_batch(void *context)
{
    struct smdp_net *n = context;
    smdp_run(n->smdp);
    return false;
}

struct smdp_net *smdp_net_new(const struct smdp_net_options *options)
{
    struct smdp_net *n = calloc(1, sizeof *n);
    if (!n)
        return NULL;
    n->seam.send = net_send;
    n->options = *options;
    return n;
}

struct net *smdp_net_seam(struct smdp_net *n) { return &n->seam; }

static enum err open_trace(struct smdp_net *n)
{
    char path[1024];
    if (!n->options.trace_dir)
        return ERR_NONE;
    snprintf(path, sizeof path, "%s/soap", n->options.trace_dir);
    return file_make_folder(path);
}

enum err smdp_net_open(struct smdp_net *n, struct smdp *smdp, char *detail)
{
    const struct smdp_net_options *o = &n->options;
    n->smdp = smdp;
    enum err err = open_trace(n);
    n->client = http_client_new(o->loop, &(struct http_client_options){ .tls = o->client_tls });
    if (err == ERR_NONE && !n->client)
        err = ERR_NO_MEMORY;
    if (err == ERR_NONE)
        n->server = http_server_new(o->loop,
                                    &(struct http_server_options){ .address = o->address,
                                                                   .port = o->port,
                                                                   .tls = o->server_tls,
                                                                   .node = SMDP_NODE_SOAP,
                                                                   .handler = on_request,
                                                                   .context = n,
                                                                   .refused = on_refused },
                                    &err, detail);
    if (!n->server)
        return err != ERR_NONE ? err : ERR_NO_MEMORY;
    return loop_on_batch(o->loop, on_batch, n);
}

void smdp_net_free(struct smdp_net *n)
{
    if (!n)
        return;
    loop_off_batch(n->options.loop, on_batch, n);
    http_server_free(n->server);
    http_client_free(n->client);
    free(n);
}
