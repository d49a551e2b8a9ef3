/* osprey-eum register, update: ES1 for one eUICC or many, over one kept set of connections. */
#include "commands.h"
#include "folder.h"
#include "lib/base/world.h"
#include "lib/codec/hex.h"
#include "lib/io/file.h"
#include "lib/io/http_client.h"
#include "lib/io/loop.h"
#include "register.h"

#define REGISTER_ARENA_MAX ((size_t)8 * 1024 * 1024)
#define UNIQUE_LEN         16u
#define CONNECTIONS        32u /* what is on the way at once shares the SM-SR's commits */
#define CONTENT_TYPE       "application/soap+xml; charset=utf-8"

static const struct command_option options[] = {
    { "eum", "DIR", NULL, true, "folder of the EUM" },
    { "url", "URL", NULL, true, "ES1 of the SM-SR, https://…" },
    { "smsr-oid", "OID", NULL, true, "the SM-SR" },
};

static const struct command_option update_options[] = {
    { "eum", "DIR", NULL, true, "folder of the EUM" },
    { "url", "URL", NULL, true, "ES1 of the SM-SR, https://…" },
    { "smsr-oid", "OID", NULL, true, "the SM-SR" },
    { "set", "KEY=VALUE", NULL, true, "a property; several with ; between" },
};
#define PROPERTIES_MAX 32u

struct registration {
    const struct call *call;
    struct eis_property properties[PROPERTIES_MAX]; /* of an update */
    size_t property_count;
    struct folder_authority eum;
    struct oid smsr_id;
    struct loop *loop;
    struct ssl_ctx_st *tls;
    struct http_client *client;
    size_t under_way, failed;
    char detail[FOLDER_DETAIL_MAX];
};

/* One file on its way. */
struct passage {
    struct registration *registration;
    const char *file;
    char eid[EID_TEXT_SIZE];
};

static void passage_failed(struct passage *p, const char *what)
{
    p->registration->failed++;
    call_failed(p->registration->call, "%s: %s", p->eid[0] ? p->eid : p->file, what);
}

static void say_status(struct passage *p, const struct status *status)
{
    char text[EUM_ANSWER_DETAIL_MAX + STATUS_DETAIL_MAX];
    if (status_ok(status)) {
        printf("%s %s\n", p->registration->property_count ? "updated" : "registered", p->eid);
        return;
    }
    snprintf(text, sizeof text, "%s %s/%s: %s%s%s\n  next     %s", exec_status_xml(status->exec), status->subject, status->code,
             reason_text(status->reason), status->detail[0] ? ": " : "", status->detail, reason_advice(status->reason));
    passage_failed(p, text);
}

static void on_answer(void *context, const struct http_answer *answer)
{
    struct passage *p = context;
    struct arena arena;
    struct status status;
    char detail[EUM_ANSWER_DETAIL_MAX] = "";
    p->registration->under_way--;
    if (p->registration->under_way == 0)
        loop_stop(p->registration->loop);
    if (answer->err != ERR_NONE) {
        passage_failed(p, answer->detail);
        return;
    }
    if (answer->peer && strcmp(answer->peer->oid, p->registration->smsr_id.text) != 0) {
        snprintf(detail, sizeof detail, "the server at this address is %s", answer->peer->oid);
        passage_failed(p, detail);
        return;
    }
    arena_init(&arena, REGISTER_ARENA_MAX);
    bool update = p->registration->property_count;
    enum err err = update ? eum_update_answer(answer->body, &arena, &status, detail)
                          : eum_register_answer(answer->body, &arena, &status, detail);
    if (err == ERR_NONE)
        say_status(p, &status);
    else
        passage_failed(p, detail);
    arena_release(&arena);
}

static enum err encode(struct passage *p, struct arena *arena, struct span *ret)
{
    struct registration *r = p->registration;
    uint8_t random[UNIQUE_LEN];
    char unique[2 * UNIQUE_LEN + 1];
    struct rng *rng = world_rng();
    struct eid eid;
    rng->fill(rng, random, sizeof random);
    struct eum_register q = { .eum_id = r->eum.oid,
                              .smsr_id = r->smsr_id,
                              .url = call_text(r->call, "url"),
                              .properties = r->properties,
                              .property_count = r->property_count,
                              .now_ms = world_clock()->now_ms(world_clock()),
                              .unique = span_text(hex_text(SPAN_OF(random), unique, sizeof unique)) };
    enum err err = file_read(p->file, SOAP_MESSAGE_MAX, arena, &q.eis);
    if (err == ERR_NONE)
        err = eum_register_encode(&q, arena, ret, &eid);
    if (err == ERR_NONE)
        eid_text(&eid, p->eid);
    return err;
}

static void send_one(struct passage *p)
{
    struct registration *r = p->registration;
    struct arena arena;
    struct span soap = SPAN_NONE;
    arena_init(&arena, REGISTER_ARENA_MAX);
    enum err err = encode(p, &arena, &soap);
    const struct http_call post = {
        .url = call_text(r->call, "url"), .content_type = CONTENT_TYPE, .body = soap, .done = on_answer, .context = p
    };
    if (err == ERR_NONE)
        err = http_client_send(r->client, &post);
    arena_release(&arena);
    if (err == ERR_NONE)
        r->under_way++;
    else
        passage_failed(p, err_text(err));
}

static enum err open_connection(struct registration *r)
{
    const char *folder = call_text(r->call, "eum");
    char chain[FOLDER_PATH_MAX], key[FOLDER_PATH_MAX], ca[FOLDER_PATH_MAX];
    enum err err = folder_authority_open(folder, "eum", &r->eum, r->detail);
    if (err != ERR_NONE)
        return err;
    if (!folder_path(folder, "tls.pem", chain) || !folder_path(folder, "tls.key", key) ||
        !folder_path(folder, "ci.pem", ca))
        return ERR_TOO_LONG;
    err = keystore_soft_load(r->eum.ks, "tls", key, NULL);
    if (err != ERR_NONE) {
        snprintf(r->detail, sizeof r->detail, "key %s: %s", key, err_text(err));
        return err;
    }
    const struct tls_mutual_options tls = { .chain_file = chain,
                                            .key = keystore_soft_key(r->eum.ks, "tls"),
                                            .ca_file = ca };
    err = tls_mutual_ctx(&tls, &r->tls, r->detail, sizeof r->detail);
    r->loop = loop_new();
    const struct http_client_options http = { .tls = r->tls, .connections_per_host = CONNECTIONS };
    if (err == ERR_NONE)
        r->client = r->loop ? http_client_new(r->loop, &http) : NULL;
    return err == ERR_NONE && !r->client ? ERR_NO_MEMORY : err;
}

static void close_connection(struct registration *r)
{
    if (r->client)
        http_client_free(r->client);
    tls_mutual_ctx_free(r->tls);
    if (r->loop)
        loop_free(r->loop);
    folder_authority_done(&r->eum);
}

/* "KEY=VALUE;KEY=VALUE" */
static bool read_properties(struct registration *r)
{
    const char *at = r->call->command == &command_update ? call_text(r->call, "set") : "";
    while (*at) {
        size_t key = strcspn(at, "=;"), value = at[key] == '=' ? strcspn(at + key + 1, ";") : 0;
        if (!key || at[key] != '=' || r->property_count == PROPERTIES_MAX)
            return false;
        r->properties[r->property_count++] = (struct eis_property){ { (const uint8_t *)at, key }, { (const uint8_t *)at + key + 1, value } };
        at += key + 1 + value;
        at += *at == ';';
    }
    return true;
}

static int run(const struct call *call)
{
    static struct passage passages[COMMAND_ARGUMENTS_MAX];
    struct registration r = { .call = call };
    if (!read_properties(&r))
        return call_misused(call, "--set: KEY=VALUE, several with ; between");
    if (oid_from_text(span_text(call_text(call, "smsr-oid")), &r.smsr_id) != ERR_NONE)
        return call_misused(call, "--smsr-oid %s is not an object identifier", call_text(call, "smsr-oid"));
    enum err err = open_connection(&r);
    if (err != ERR_NONE) {
        close_connection(&r);
        return call_failed(call, "%s", r.detail[0] ? r.detail : err_text(err));
    }
    for (size_t i = 0; i < call->argument_count; i++) {
        passages[i] = (struct passage){ .registration = &r, .file = call->arguments[i] };
        send_one(&passages[i]);
    }
    if (r.under_way)
        loop_run(r.loop);
    close_connection(&r);
    return r.failed ? EXIT_FAILED : EXIT_GOOD;
}

const struct command command_register = {
    "register",
    "EIS…",
    1,
    COMMAND_ARGUMENTS_MAX,
    "ES1.RegisterEIS: hands the EIS of eUICCs to their SM-SR",
    "  EIS are files eis.xml of make-euicc. Sends each over mutual TLS with the EUM's tls.pem and says what the SM-SR\n"
    "  answered. Exit status 0: all are registered.\n\n"
    "  osprey-eum register --eum eum --url https://127.0.0.1:9443/es1 --smsr-oid 2.999.2 cards/*/eis.xml\n",
    options,
    ARRAY_LEN(options),
    run
};

const struct command command_update = {
    "update",
    "EIS…",
    1,
    COMMAND_ARGUMENTS_MAX,
    "ES1.UpdateEISAdditionalProperties: tells the SM-SR more about eUICCs",
    "  EIS are files eis.xml of make-euicc: they say which eUICCs are meant. A property that is there is replaced.\n\n"
    "  osprey-eum update --eum eum --url https://127.0.0.1:9443/es1 --smsr-oid 2.999.2 --set 'site=Hall 7;lot=42' cards/*/eis.xml\n",
    update_options,
    ARRAY_LEN(update_options),
    run
};
