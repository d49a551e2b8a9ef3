#include "session.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/world.h"
#include "lib/codec/hex.h"
#include "lib/crypto/openssl.h"
#include "lib/daemon/daemon.h"
#include "lib/io/file.h"

static enum err open_tls(struct op_session *s, bool server, struct ssl_ctx_st **ret)
{
    return daemon_tls(s->config.file, NULL, NULL, server, ret, s->detail, sizeof s->detail);
}

static enum err open_inbox(struct op_session *s)
{
    enum err err = ERR_NONE;
    if (s->config.inbox)
        s->inbox = inbox_open(s->config.inbox, &err, s->detail);
    return err;
}

bool op_session_listen(struct op_session *s)
{
    enum err err;
    char detail[IO_DETAIL_MAX] = "";
    struct http_server_options options = {
        .address = s->config.address,
        .port = s->config.port,
        .tls = s->server_tls,
        .body_max = SOAP_MESSAGE_MAX,
        .handler = op_on_request,
        .context = s,
    };
    if (!s->server)
        s->server = http_server_new(s->loop, &options, &err, detail);
    snprintf(s->detail, sizeof s->detail, "%s", s->server || s->inbox ? "" : detail);
    return s->server;
}

static void learn_url(struct op_session *s)
{
    if (s->config.url)
        snprintf(s->url, sizeof s->url, "%s", s->config.url);
    else
        snprintf(s->url, sizeof s->url, "https://%s:%u", s->config.address,
                 s->server ? http_server_port(s->server) : s->config.port);
}

enum err op_session_endpoint(struct op_session *s)
{
    enum err err = open_tls(s, true, &s->server_tls);
    /* with an inbox: `osprey listen`, or another command, has it, and the answer will be in the inbox */
    if (err == ERR_NONE && !op_session_listen(s))
        err = s->inbox && s->config.port ? ERR_NONE : ERR_IO;
    learn_url(s);
    return err;
}

static enum err open_all(struct op_session *s)
{
    s->loop = loop_new();
    s->rng = world_rng();
    enum err err = s->loop ? open_tls(s, false, &s->client_tls) : ERR_NO_MEMORY;
    if (err == ERR_NONE)
        err = open_inbox(s);
    if (err != ERR_NONE)
        return err;
    struct http_client_options options = { .tls = s->client_tls, .body_max = SOAP_MESSAGE_MAX };
    s->client = http_client_new(s->loop, &options);
    learn_url(s);
    return s->client ? ERR_NONE : ERR_NO_MEMORY;
}

enum err op_session_open(struct op_session *s, const char *config_path)
{
    arena_init(&s->arena, OP_ARENA_MAX);
    s->detail[0] = '\0';
    enum err err = op_config_read(config_path, &s->config, s->detail);
    if (err != ERR_NONE)
        return err;
    err = open_all(s);
    if (err != ERR_NONE) {
        if (!s->detail[0])
            snprintf(s->detail, sizeof s->detail, "%s", err_text(err));
        op_session_close(s);
    }
    return err;
}

void op_session_drain(struct op_session *s)
{
    for (int round = 0; round < 3; round++) /* written, closed, freed */
        loop_round(s->loop, 1);
}

void op_session_close(struct op_session *s)
{
    if (s->client)
        http_client_free(s->client);
    if (s->server)
        http_server_free(s->server);
    inbox_close(s->inbox);
    SSL_CTX_free(s->client_tls);
    SSL_CTX_free(s->server_tls);
    if (s->loop)
        loop_free(s->loop);
    op_config_done(&s->config);
    arena_release(&s->arena);
    s->client = NULL;
    s->server = NULL;
    s->inbox = NULL;
    s->client_tls = s->server_tls = NULL;
    s->loop = NULL;
}

struct span op_unique(struct op_session *s)
{
    uint8_t octets[16];
    s->rng->fill(s->rng, octets, sizeof octets);
    char *text = hex_arena(&s->arena, SPAN_OF(octets));
    return span_text(text);
}

struct span op_call_id(struct op_session *s, const char *campaign)
{
    struct span unique = op_unique(s);
    if (!campaign)
        return unique;
    return span_text(arena_printf(&s->arena, "%s.%.*s", campaign, (int)unique.len, (const char *)unique.ptr));
}

/* The local name of the element in the body, for the file's name. */
static void body_name(struct span soap, char name[96])
{
    struct xml_reader r;
    snprintf(name, 96, "unknown");
    xml_open(&r, soap);
    while (xml_child(&r)) {
        if (!span_eq(r.local, SPAN_LIT("Body"))) {
            xml_skip(&r);
            continue;
        }
        if (xml_child(&r) && r.local.len < 96)
            snprintf(name, 96, "%.*s", (int)r.local.len, (const char *)r.local.ptr);
        return;
    }
}

/* Several processes write here one after the other: numbers go on where the last one stopped. */
static unsigned last_traced(const char *folder)
{
    unsigned last = 0, number;
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));)
        if (sscanf(e->d_name, "operator-%5u-", &number) == 1 && number > last)
            last = number;
    if (d)
        closedir(d);
    return last;
}

void op_trace(struct op_session *s, const char *way, struct span soap)
{
    char name[96], path[1200];
    if (!s->config.trace_dir || !soap.len)
        return;
    body_name(soap, name);
    snprintf(path, sizeof path, "%s/soap", s->config.trace_dir);
    if (file_make_folder(path) != ERR_NONE)
        return;
    unsigned number = last_traced(path) + 1;
    snprintf(path, sizeof path, "%s/soap/operator-%05u-%s-%s.xml", s->config.trace_dir, number, way, name);
    FILE *f = fopen(path, "w");
    if (!f)
        return;
    fwrite(soap.ptr, 1, soap.len, f);
    fclose(f);
}
