#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/es/message.h"
#include "lib/io/file.h"

#define SOAP_TYPE "application/soap+xml; charset=utf-8"
#define NAME_MAX_ 96u

struct smsr_net {
    struct net seam;
    struct smsr_net_options options;
    struct smsr *smsr;
    struct http_server *server;
    struct http_client *client;
    struct tcp_server *admin;
    struct smsr_smsc *smsc;
    unsigned traced;
};

/* ---- the lab's traces: every message as it was on the wire */

/* Local name of the first element inside Body: "ES4-EnableProfileRequest", "Fault". */
static void soap_name(struct span soap, char out[NAME_MAX_])
{
    const uint8_t *body = soap.len ? memmem(soap.ptr, soap.len, "Body", 4) : NULL;
    const uint8_t *end = soap.ptr + soap.len, *at = body;
    size_t len = 0;
    while (at && at < end && *at != '<')
        at++;
    for (at = at && at < end ? at + 1 : end; at && at < end && len + 1 < NAME_MAX_; at++) {
        if (*at == ':')
            len = 0;
        else if (*at == '-' || (*at | 0x20) >= 'a' || (*at >= '0' && *at <= '9'))
            out[len++] = (char)*at;
        else
            break;
    }
    out[len] = '\0';
}

static void trace(struct smsr_net *n, const char *way, struct span soap)
{
    char name[NAME_MAX_], path[1024];
    if (!n->options.trace_dir || !soap.len)
        return;
    soap_name(soap, name);
    do /* numbers go on where an earlier run stopped */
        snprintf(path, sizeof path, "%s/soap/sm-sr-%05u-%s-%s.xml", n->options.trace_dir, ++n->traced, way, name);
    while (access(path, F_OK) == 0);
    FILE *f = fopen(path, "w");
    if (!f)
        return;
    fwrite(soap.ptr, 1, soap.len, f);
    fclose(f);
}

/* ---- SOAP in */

static const struct smsr_partner *partner_of(struct smsr_net *n, const struct peer *peer)
{
    const struct smsr_partner *p;
    if (!peer || !peer->authenticated)
        return NULL;
    p = smsr_partner_by_oid(n->smsr, peer->oid);
    return p ? p : smsr_partner_by_name(n->smsr, peer->common_name);
}

static void on_request(void *context, const struct http_request *request, struct reply_ref ref)
{
    struct smsr_net *n = context;
    if (!span_eq(request->method, SPAN_LIT("POST"))) {
        http_server_reply(n->server, ref, &(struct http_reply){ .status = 405 });
        return;
    }
    trace(n, "in", request->body);
    smsr_soap(n->smsr, partner_of(n, request->peer), request->body, ref);
}

static void on_refused(void *context, const char *address, const char *why)
{
    struct smsr_net *n = context;
    log_fact(n->options.log, LOG_WARN_, NULL, "TLS from %s refused: %s", address, why);
}

static void soap_reply(struct smsr_net *n, const struct effect *effect)
{
    trace(n, "out", effect->body);
    http_server_reply(n->server, effect->reply,
                      &(struct http_reply){ .status = effect->status,
                                            .content_type = effect->body.len ? SOAP_TYPE : NULL,
                                            .body = effect->body });
}

/* ---- SOAP out */

struct posted {
    struct smsr_net *net;
    int64_t effect_id;
    char ref[ENGINE_REF_MAX + 1], line[ENGINE_LINE_MAX + 1];
};

static void on_answer(void *context, const struct http_answer *answer)
{
    struct posted *p = context;
    enum effect_result result = EFFECT_FAILED;
    if (answer->err == ERR_NONE && answer->status >= 200 && answer->status < 300)
        result = EFFECT_SENT;
    else if (answer->err == ERR_NONE && answer->status >= 400 && answer->status < 500 && answer->status != 408 &&
             answer->status != 429)
        result = EFFECT_REFUSED_;
    if (result != EFFECT_SENT)
        log_fact(p->net->options.log, LOG_WARN_, p->line, "%s not taken: %s %d", p->ref, answer->detail,
                 answer->status);
    engine_result(smsr_engine(p->net->smsr), p->effect_id, result, answer->status, SPAN_NONE);
    free(p);
}

static const char *content_type(const char *ref, char *out, size_t cap)
{
    WRITER_ON_STACK(action, 160);
    enum es_function function;
    const char *end = strchr(ref, '/');
    bool response = end && !strncmp(end, "/response", 9);
    if (!end || es_function_by_name((struct span){ (const uint8_t *)ref, (size_t)(end - ref) }, &function) != ERR_NONE)
        return SOAP_TYPE;
    es_action(&action, function, response ? ES_RESPONSE : ES_NOTIFICATION);
    snprintf(out, cap, SOAP_TYPE "; action=\"%.*s\"", (int)action.len, (const char *)action.buf);
    return out;
}

static void soap_send(struct smsr_net *n, const struct effect *effect)
{
    char type[256];
    struct posted *p = calloc(1, sizeof *p);
    enum err err = p ? ERR_NONE : ERR_NO_MEMORY;
    trace(n, "out", effect->body);
    if (p) {
        p->net = n;
        p->effect_id = effect->id;
        memcpy(p->ref, effect->ref, sizeof p->ref);
        memcpy(p->line, effect->line, sizeof p->line);
        struct http_call call = { .url = effect->to,
                                  .content_type = content_type(effect->ref, type, sizeof type),
                                  .body = effect->body,
                                  .done = on_answer,
                                  .context = p };
        err = http_client_send(n->client, &call);
    }
    if (err != ERR_NONE) {
        log_fact(n->options.log, LOG_WARN_, effect->line, "%s cannot be sent: %s", effect->ref, err_text(err));
        free(p);
        engine_result(smsr_engine(n->smsr), effect->id, err == ERR_BAD_VALUE ? EFFECT_REFUSED_ : EFFECT_FAILED, 0,
                      SPAN_NONE);
    }
}

static void net_send(struct net *seam, const struct effect *effect)
{
    struct smsr_net *n = (struct smsr_net *)seam;
    if (effect->kind == SMSR_EFFECT_SOAP)
        soap_send(n, effect);
    else if (effect->kind == SMSR_EFFECT_SMS && n->smsc)
        smsr_smsc_send(n->smsc, effect);
    else if (effect->kind == EFFECT_REPLY && effect->reply.node == SMSR_NODE_SOAP)
        soap_reply(n, effect);
    else if (effect->kind == EFFECT_REPLY && effect->reply.node == SMSR_NODE_SMS && n->smsc)
        smsr_smsc_reply(n->smsc, effect);
    else if (effect->kind == EFFECT_REPLY && effect->reply.node == SMSR_NODE_ADMIN)
        smsr_admin_reply(n->smsr, effect);
    else if (effect->id)
        engine_result(smsr_engine(n->smsr), effect->id, EFFECT_FAILED, 0, SPAN_NONE);
}

/* ---- administration sessions */

static void admin_send(void *connection, struct span bytes) { (void)!tcp_send(connection, bytes); }
static void admin_close(void *connection) { tcp_conn_close(connection); }
static const struct smsr_admin_peer admin_peer = { admin_send, admin_close };

static void admin_opened(void *context, struct tcp_conn *conn)
{
    struct smsr_net *n = context;
    struct smsr_session *session = smsr_admin_open(n->smsr, &admin_peer, conn);
    if (session)
        tcp_conn_set_context(conn, session);
    else
        tcp_conn_close(conn);
}

static size_t admin_bytes(void *context, struct tcp_conn *conn, struct span in)
{
    (void)conn;
    smsr_admin_bytes(context, in);
    return in.len;
}

static void admin_closed(void *context, struct tcp_conn *conn, enum err err, const char *why)
{
    (void)conn;
    (void)err;
    (void)why;
    smsr_admin_lost(context);
}

static const struct tcp_handler admin_handler = { .on_open = admin_opened,
                                                  .on_bytes = admin_bytes,
                                                  .on_closed = admin_closed };

/* ---- life */

static bool on_batch(void *context)
{
    struct smsr_net *n = context;
    smsr_run(n->smsr);
    return false;
}

struct smsr_net *smsr_net_new(const struct smsr_net_options *options)
{
    struct smsr_net *n = calloc(1, sizeof *n);
    if (!n)
        return NULL;
    n->seam.send = net_send;
    n->options = *options;
    return n;
}

struct net *smsr_net_seam(struct smsr_net *n) { return &n->seam; }

static enum err open_trace(struct smsr_net *n)
{
    char path[1024];
    if (!n->options.trace_dir)
        return ERR_NONE;
    snprintf(path, sizeof path, "%s/soap", n->options.trace_dir);
    return file_make_folder(path);
}

enum err smsr_net_open(struct smsr_net *n, struct smsr *smsr, char *detail)
{
    const struct smsr_net_options *o = &n->options;
    n->smsr = smsr;
    enum err err = open_trace(n);
    n->client = http_client_new(o->loop, &(struct http_client_options){ .tls = o->client_tls });
    if (err == ERR_NONE && !n->client)
        err = ERR_NO_MEMORY;
    if (err == ERR_NONE)
        n->server = http_server_new(o->loop,
                                    &(struct http_server_options){ .address = o->address,
                                                                   .port = o->port,
                                                                   .tls = o->server_tls,
                                                                   .node = SMSR_NODE_SOAP,
                                                                   .handler = on_request,
                                                                   .context = n,
                                                                   .refused = on_refused },
                                    &err, detail);
    if (n->server && o->admin_address)
        n->admin = tcp_server_new(o->loop, o->admin_address, o->admin_port, &admin_handler, n, &err, detail);
    if (!n->server || (o->admin_address && !n->admin))
        return err != ERR_NONE ? err : ERR_NO_MEMORY;
    if (*o->smsc.host && !(n->smsc = smsr_smsc_new(o->loop, smsr, o->log, &o->smsc)))
        return ERR_NO_MEMORY;
    return loop_on_batch(o->loop, on_batch, n);
}

void smsr_net_free(struct smsr_net *n)
{
    if (!n)
        return;
    loop_off_batch(n->options.loop, on_batch, n);
    smsr_smsc_free(n->smsc);
    tcp_server_free(n->admin);
    http_server_free(n->server);
    http_client_free(n->client);
    free(n);
}
