/* The osprey program against a partner that plays SM-DP and SM-SR over real mutual TLS: what it sends, what it says,
 * what it ends with. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/crypto/openssl.h"
#include "lib/es/message.h"
#include "lib/io/http_client.h"
#include "lib/io/http_server.h"
#include "tests/support/test.h"

#define OPERATOR_OID "1.3.6.1.4.1.99999.3"
#define PARTNER_OID  "1.3.6.1.4.1.99999.2"
#define STRANGER_OID "1.3.6.1.4.1.99999.9"
#define ICCID        "8949000000000000018"

extern char **environ;
static char folder[] = "/tmp/osprey-operator-XXXXXX", program[512], eid[EID_TEXT_SIZE];

/* --- the partner ----------------------------------------------------------------------------------------------- */

static struct partner {
    struct loop *loop;
    struct ssl_ctx_st *server_tls, *client_tls;
    struct http_server *server;
    struct http_client *client;
    struct arena a;
    struct status status; /* of the answers */
    enum { ANSWER, SILENT, AT_ONCE, FAULT, FORBID, TWICE, UNRELATED, BUSY_ONCE, STORED } behaviour;
    struct span stored;     /* the answer sent last */
    struct es_message last; /* request seen last */
    unsigned requests, callback_status, callbacks;
    enum es_function function; /* of it */
    char call_id[64];
    char notify_url[300]; /* where the operator said it listens */
} partner;

static void post_again(const char *url, struct span soap, unsigned tries);

/* The endpoint of the program that has just ended may still be met in place of the next one's: tried again, as any partner
 * does. */
#define POSTINGS_MAX 5u
struct posting {
    char url[300];
    unsigned tries;
    struct span soap;
};

static void posted(void *context, const struct http_answer *answer)
{
    struct posting *p = context;
    bool lost = answer->err != ERR_NONE && p->tries < POSTINGS_MAX;
    if (answer->err != ERR_NONE)
        print_message("callback: %s\n", answer->detail);
    if (lost)
        post_again(p->url, p->soap, p->tries + 1);
    free((void *)(uintptr_t)p->soap.ptr);
    free(p);
    if (lost)
        return;
    partner.callback_status = (unsigned)answer->status;
    partner.callbacks++;
}

static void post_again(const char *url, struct span soap, unsigned tries)
{
    struct posting *p = calloc(1, sizeof *p);
    uint8_t *copy = malloc(soap.len + 1);
    assert_true(p && copy);
    memcpy(copy, soap.ptr, soap.len);
    snprintf(p->url, sizeof p->url, "%s", url);
    p->soap = (struct span){ copy, soap.len };
    p->tries = tries;
    struct http_call call = { .url = p->url, .content_type = "application/soap+xml", .body = p->soap, .done = posted, .context = p };
    assert_ok(http_client_send(partner.client, &call));
}

static void post(const char *url, struct span soap) { post_again(url, soap, 0); }

static struct span answer_soap(const struct es_message *m, const char *message_id, bool related)
{
    struct es_message answer;
    struct span soap;
    es_answer(m, &answer);
    answer.wsa.message_id.raw = span_text(arena_printf(&partner.a, "%s", message_id));
    if (!related) {
        answer.wsa.relates_to = SPAN_NONE;
        answer.wsa.message_id.raw =
            span_text(arena_printf(&partner.a, "//x/1?TransactionId=%.*s", (int)m->wsa.message_id.transaction_id.len,
                                   (const char *)m->wsa.message_id.transaction_id.ptr));
    }
    struct es_response *body =
        es_response_new(&partner.a, m->function, &partner.status, 1767323045000u, 1767323046000u);
    if (es_body_size(m->function, ES_RESPONSE) == sizeof(struct es_eis_response) && status_ok(&partner.status)) {
        struct eis *eis = ARENA_NEW(&partner.a, struct eis);
        struct profile_info *profile = ARENA_NEW(&partner.a, struct profile_info);
        assert_ok(eid_from_text(span_text(eid), &eis->eid));
        assert_ok(iccid_from_text(SPAN_LIT(ICCID), &profile->iccid));
        profile->state = PROFILE_ENABLED;
        profile->fallback = true;
        eis->profiles = profile;
        eis->profile_count = 1;
        eis->remaining_memory = 123456;
        eis->partial = true;
        ((struct es_eis_response *)body)->eis = eis;
    }
    if (m->function == ES4A_GET_PLMA || m->function == ES2_GET_PLMA) {
        static struct span operation[] = { { (const uint8_t *)"EnableProfile", 13 } };
        static struct es_plma entry = { .operations = operation, .operation_count = 1 };
        entry.profile_type = SPAN_LIT("Meters");
        assert_ok(oid_from_text(SPAN_LIT(OPERATOR_OID), &entry.mno_id));
        assert_ok(oid_from_text(SPAN_LIT("1.2.3"), &entry.m2m_sp_id));
        ((struct es_plma_response *)body)->plma = &entry;
        ((struct es_plma_response *)body)->plma_count = 1;
    }
    answer.body = body;
    assert_ok(es_encode(&answer, &partner.a, &soap));
    return soap;
}

static void reply(struct reply_ref ref, int status, struct span body)
{
    struct http_reply r = { .status = status, .content_type = body.len ? "application/soap+xml" : NULL, .body = body };
    http_server_reply(partner.server, ref, &r);
}

static void reply_with_fault(struct reply_ref ref, const struct es_message *m)
{
    struct es_fault fault = { .kind = ES_FAULT_HEADER_INVALID, .text = "we do not like your header" };
    struct es_message answer;
    struct span soap;
    int status;
    assert_ok(es_answer_fault(m, &fault, &partner.a, &answer, &status));
    assert_ok(es_encode(&answer, &partner.a, &soap));
    reply(ref, status, soap);
}

static void on_request(void *context, const struct http_request *request, struct reply_ref ref)
{
    (void)context;
    struct es_message *m = &partner.last;
    struct es_fault fault;
    struct span soap = arena_copy(&partner.a, request->body);
    partner.requests++;
    assert_ok(es_decode(soap, &partner.a, m, &fault));
    assert_string_equal(request->peer->oid, OPERATOR_OID);
    assert_string_equal(m->wsa.from.entity_id.text, OPERATOR_OID);
    partner.function = m->function;
    snprintf(partner.call_id, sizeof partner.call_id, "%.*s", (int)es_request_of(m)->call_id.len,
             (const char *)es_request_of(m)->call_id.ptr);
    snprintf(partner.notify_url, sizeof partner.notify_url, "%.*s", (int)m->wsa.from.address.len,
             (const char *)m->wsa.from.address.ptr);
    bool sync = es_function_info(m->function)->pattern == ES_SYNC;
    if (partner.behaviour == FORBID)
        reply(ref, 403, SPAN_NONE);
    else if (partner.behaviour == FAULT)
        reply_with_fault(ref, m);
    else if (partner.behaviour == BUSY_ONCE && partner.requests == 1)
        reply(ref, 503, SPAN_NONE);
    else if (sync || partner.behaviour == AT_ONCE)
        reply(ref, 200, answer_soap(m, "//sr/sync", true));
    else
        reply(ref, 202, SPAN_NONE);
    if (sync || partner.behaviour == SILENT || partner.behaviour == AT_ONCE || partner.behaviour == FAULT ||
        partner.behaviour == FORBID || (partner.behaviour == BUSY_ONCE && partner.requests == 1))
        return;
    const char *back = arena_text(&partner.a, m->wsa.reply_to.address);
    const char *id = arena_printf(&partner.a, "//sr/%u", partner.requests);
    if (partner.behaviour != STORED)
        partner.stored = answer_soap(m, id, partner.behaviour != UNRELATED);
    post(back, partner.stored);
    if (partner.behaviour == TWICE)
        post(back, answer_soap(m, id, true));
}

static struct ssl_ctx_st *tls_of(const char *who, bool server)
{
    char chain[128], key[128], ca[128], detail[200];
    snprintf(chain, sizeof chain, "%s/%s.crt", folder, who);
    snprintf(key, sizeof key, "%s/%s.key", folder, who);
    snprintf(ca, sizeof ca, "%s/ca.crt", folder);
    struct tls_mutual_options options = { .chain_file = chain, .key_file = key, .ca_file = ca, .server = server };
    struct ssl_ctx_st *ctx = NULL;
    if (tls_mutual_ctx(&options, &ctx, detail, sizeof detail) != ERR_NONE)
        fail_msg("%s", detail);
    return ctx;
}

static void start_partner(const char *who)
{
    enum err err;
    char detail[IO_DETAIL_MAX];
    partner = (struct partner){ .loop = loop_new(), .status = status_success() };
    arena_init(&partner.a, 64u << 20);
    partner.server_tls = tls_of(who, true);
    partner.client_tls = tls_of(who, false);
    struct http_server_options options = { .address = "127.0.0.1", .tls = partner.server_tls, .handler = on_request };
    partner.server = http_server_new(partner.loop, &options, &err, detail);
    assert_non_null(partner.server);
    struct http_client_options client = { .tls = partner.client_tls };
    partner.client = http_client_new(partner.loop, &client);
    assert_non_null(partner.client);
}

static void stop_partner(void)
{
    http_client_free(partner.client);
    if (partner.server)
        http_server_free(partner.server);
    SSL_CTX_free(partner.server_tls);
    SSL_CTX_free(partner.client_tls);
    loop_free(partner.loop);
    arena_release(&partner.a);
}

/* --- running osprey -------------------------------------------------------------------------------------------- */

static uint16_t free_port(void)
{
    enum err err;
    char detail[IO_DETAIL_MAX];
    struct http_server_options options = { .address = "127.0.0.1", .handler = on_request };
    struct http_server *server = http_server_new(partner.loop, &options, &err, detail);
    assert_non_null(server);
    uint16_t port = http_server_port(server);
    http_server_free(server);
    return port;
}

static uint16_t endpoint_port;

static void write_config(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/osprey.conf", folder);
    FILE *f = fopen(path, "w");
    endpoint_port = free_port();
    fprintf(f,
            "[operator]\noid = " OPERATOR_OID "\nname = Test & Sons\nvia = sr\nsm_sr = sr\nlisten = 127.0.0.1:%u\n"
            "inbox = inbox.db\n[tls]\ncertificate = operator.crt\nkey = operator.key\ntrust = ca.crt\n[lab]\n"
            "trace_dir = trace\n",
            endpoint_port);
    for (int i = 0; i < 2; i++)
        fprintf(f, "[partner %s]\nkind = %s\noid = " PARTNER_OID "\nurl = https://127.0.0.1:%u\n", i ? "dp" : "sr",
                i ? "sm-dp" : "sm-sr", http_server_port(partner.server));
    fclose(f);
}

struct child {
    pid_t pid;
    char name[128];
    int status;
    bool over;
};

static struct child spawn(const char *name, const char *const *words)
{
    struct child c = { 0 };
    char *argv[24] = { program }, config[128];
    int n = 1;
    snprintf(c.name, sizeof c.name, "%s/%s.out", folder, name);
    while (*words)
        argv[n++] = (char *)(uintptr_t)*words++;
    snprintf(config, sizeof config, "--config=%s/osprey.conf", folder);
    argv[n] = config;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, c.name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    assert_int_equal(posix_spawn(&c.pid, program, &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    return c;
}

static bool over(struct child *c)
{
    if (!c->over && waitpid(c->pid, &c->status, WNOHANG) == c->pid)
        c->over = true;
    return c->over;
}

static const char *said(const struct child *c) { return (const char *)file_bytes(c->name).ptr; }

static int until_over(struct child *c)
{
    struct clock *clock = loop_clock(partner.loop);
    uint64_t end_ms = clock->now_ms(clock) + 30000; /* the machine may be busy */
    while (clock->now_ms(clock) < end_ms && !over(c))
        loop_round(partner.loop, 10);
    if (!c->over)
        fail_msg("it does not end: %s", said(c));
    return WIFEXITED(c->status) ? WEXITSTATUS(c->status) : -1;
}

#define RUN(output, ...) run((output), (const char *const[]){ __VA_ARGS__, NULL })
static int run(const char **output, const char *const *words)
{
    struct child c = spawn("command", words);
    int code = until_over(&c);
    *output = said(&c);
    return code;
}

#define assert_said(output, text)                                                                                      \
    if (!strstr((output), (text)))                                                                                     \
    fail_msg("not said: %s\n%s", (text), (output))

/* --- the tests ------------------------------------------------------------------------------------------------- */

static int setup(void **state)
{
    (void)state;
    char path[128];
    start_partner("partner");
    write_config();
    snprintf(path, sizeof path, "%s/inbox.db", folder);
    unlink(path);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    stop_partner();
    return 0;
}

static void enable_waits_for_the_callback(void **state)
{
    (void)state;
    const char *out;
    assert_int_equal(RUN(&out, "profile", "enable", "--eid", eid, "--iccid", ICCID, "--validity", "60"), 0);
    assert_said(out, "done: ES4.EnableProfile at sr");
    assert_int_equal(partner.function, ES4_ENABLE_PROFILE);
    assert_int_equal(es_request_of(&partner.last)->validity_s, 60);
    assert_int_equal(partner.callback_status, 202);
    assert_span_equal(partner.last.wsa.from.entity_name, SPAN_LIT("Test & Sons"));
}

static void via_the_sm_dp_it_is_es2(void **state)
{
    (void)state;
    const char *out;
    assert_int_equal(RUN(&out, "profile", "enable", "--eid", eid, "--iccid", ICCID, "--via", "sm-dp"), 0);
    assert_int_equal(partner.function, ES2_ENABLE_PROFILE);
    const struct es_profile_request *body = partner.last.body;
    assert_string_equal(body->smsr_id.text, PARTNER_OID);
    assert_int_equal(RUN(&out, "profile", "download", "--eid", eid, "--type", "A", "--enable", "--json"), 0);
    assert_int_equal(partner.function, ES2_DOWNLOAD_PROFILE);
    assert_true(((const struct es2_download_profile *)partner.last.body)->enable);
    assert_said(out, "\"status\":\"EXECUTED_SUCCESS\"");
}

static void failures_are_explained(void **state)
{
    (void)state;
    const char *out;
    partner.status = status_failed(REASON_POL2_REFUSED, ICCID, "the present profile must stay");
    assert_int_equal(RUN(&out, "profile", "enable", "--eid", eid, "--iccid", ICCID), 4);
    assert_said(out, "FAILED: ES4.EnableProfile");
    assert_said(out, "a policy rule (POL2) forbids it");
    assert_said(out, "POL2 (8.2.3): Refused (3.8), " ICCID);
    assert_said(out, "the present profile must stay");
    assert_said(out, "the owner can change POL2");
    partner.status = status_expired();
    assert_int_equal(RUN(&out, "profile", "disable", "--eid", eid, "--iccid", ICCID, "--json"), 5);
    assert_said(out, "\"status\":\"EXPIRED\"");
    assert_said(out, "\"reason_words\":\"Time to Live Expired\"");
    partner.status = status_warning(REASON_POL2_REFUSED, ICCID, "installed, not enabled");
    assert_int_equal(RUN(&out, "profile", "download", "--eid", eid, "--iccid", ICCID, "--enable"), 3);
}

static void an_answer_at_once_is_taken_too(void **state)
{
    (void)state;
    const char *out;
    partner.behaviour = AT_ONCE;
    partner.status = status_failed(REASON_ICCID_UNKNOWN, ICCID, "no");
    assert_int_equal(RUN(&out, "profile", "delete", "--eid", eid, "--iccid", ICCID), 4);
}

static void an_answer_without_relation_is_found_by_transaction(void **state)
{
    (void)state;
    const char *out;
    partner.behaviour = UNRELATED;
    assert_int_equal(RUN(&out, "profile", "enable", "--eid", eid, "--iccid", ICCID), 0);
}

static void the_eis_is_shown(void **state)
{
    (void)state;
    const char *out;
    assert_int_equal(RUN(&out, "eis", "show", "--eid", eid), 0);
    assert_int_equal(partner.function, ES4_GET_EIS);
    assert_said(out, "123456 of 0 octets free");
    assert_said(out, ICCID "   Enabled   fall-back");
    assert_int_equal(RUN(&out, "audit", "--eid", eid, "--json"), 0);
    assert_said(out, "\"iccid\":\"" ICCID "\",\"state\":\"Enabled\",\"fallback\":true");
}

static void rules_and_addresses_are_sent(void **state)
{
    (void)state;
    const char *out;
    assert_int_equal(RUN(&out, "pol2", "set", "--eid", eid, "--iccid", ICCID, "--rules", "disable:not-allowed"), 0);
    const struct es_pol2_request *pol2 = partner.last.body;
    assert_int_equal(pol2->pol2.rules, POL2_RULE(POL2_DISABLE, POL2_NOT_ALLOWED));
    assert_int_equal(RUN(&out, "address", "set", "--eid", eid, "--iccid", ICCID, "--msisdn", "4917012345"), 0);
    const struct es_address_request *address = partner.last.body;
    assert_string_equal(address->address.msisdn, "4917012345");
    assert_int_equal(RUN(&out, "sm-sr", "change", "--eid", eid, "--target", "1.2.3"), 0);
    assert_string_equal(((const struct es_eid_request *)partner.last.body)->smsr_id.text, "1.2.3");
}

static void partners_that_misbehave(void **state)
{
    (void)state;
    const char *out;
    partner.behaviour = FAULT;
    assert_int_equal(RUN(&out, "eis", "show", "--eid", eid), 8);
    assert_said(out, "we do not like your header");
    partner.behaviour = FORBID;
    assert_int_equal(RUN(&out, "eis", "show", "--eid", eid), 7);
    assert_said(out, "HTTP 403");
    partner.behaviour = SILENT;
    assert_int_equal(RUN(&out, "profile", "enable", "--eid", eid, "--iccid", ICCID, "--timeout", "1"), 6);
    assert_said(out, "the outcome is not known");
    partner.behaviour = BUSY_ONCE;
    partner.requests = 0;
    assert_int_equal(RUN(&out, "profile", "enable", "--eid", eid, "--iccid", ICCID), 0);
    assert_int_equal(partner.requests, 2);
    http_server_close_listener(partner.server);
    assert_int_equal(RUN(&out, "eis", "show", "--eid", eid), 7);
}

static void a_stranger_is_not_believed(void **state)
{
    (void)state;
    const char *out;
    partner.behaviour = ANSWER; /* its callback says it is the partner, its certificate says another */
    SSL_CTX_free(partner.client_tls);
    partner.client_tls = tls_of("stranger", false);
    http_client_free(partner.client);
    struct http_client_options client = { .tls = partner.client_tls };
    partner.client = http_client_new(partner.loop, &client);
    assert_int_equal(RUN(&out, "profile", "enable", "--eid", eid, "--iccid", ICCID, "--timeout", "1"), 6);
    assert_int_equal(partner.callback_status, 403);
}

static struct span notification(const char *id)
{
    struct es_message m = { .function = ES4_PROFILE_ENABLED_NOTIFICATION, .kind = ES_NOTIFICATION };
    struct es_profile_notification body = { .completed_ms = 1767323045000u };
    struct span soap;
    assert_ok(eid_from_text(span_text(eid), &body.eid));
    assert_ok(iccid_from_text(SPAN_LIT(ICCID), &body.iccid));
    assert_ok(oid_from_text(SPAN_LIT(PARTNER_OID), &m.wsa.from.entity_id));
    assert_ok(oid_from_text(SPAN_LIT(OPERATOR_OID), &m.wsa.to.entity_id));
    m.wsa.message_id.raw = span_text(id);
    m.body = &body;
    assert_ok(es_encode(&m, &partner.a, &soap));
    return soap;
}

static size_t count_of(const char *text, const char *word)
{
    size_t n = 0;
    for (; (text = strstr(text, word)); text += strlen(word))
        n++;
    return n;
}

/* osprey listen keeps each message once; a command beside it finds its answer there. */
static void listen_and_commands_share_the_inbox(void **state)
{
    (void)state;
    const char *out;
    char url[200];
    struct child listener = spawn("listen", (const char *const[]){ "listen", NULL });
    for (int i = 0; i < 500 && !strstr(said(&listener), "ready"); i++)
        loop_round(partner.loop, 10);
    snprintf(url, sizeof url, "https://127.0.0.1:%u/esim-messaging/3/ES4/ES4MnoService", endpoint_port);
    for (int i = 0; i < 3; i++)
        post(url, notification("//sr/n1"));
    post(url, SPAN_LIT("<not-soap/>"));
    for (int i = 0; i < 500 && partner.callbacks < 4; i++)
        loop_round(partner.loop, 10);
    assert_int_equal(partner.callbacks, 4);
    partner.behaviour = TWICE;
    assert_int_equal(RUN(&out, "profile", "enable", "--eid", eid, "--iccid", ICCID), 0);
    assert_null(strstr(out, "osprey:")); /* no complaint */
    for (int i = 0; i < 500 && partner.callbacks < 6; i++)
        loop_round(partner.loop, 10);
    assert_int_equal(RUN(&out, "inbox", "--json"), 0);
    assert_int_equal(count_of(out, "\"message\":\"notification\""), 1);
    assert_int_equal(count_of(out, "\"message\":\"callback\""), 1);
    assert_int_equal(RUN(&out, "listen"), 1); /* only one at a time */
    kill(listener.pid, SIGTERM);
    assert_int_equal(until_over(&listener), 0);
    assert_int_equal(count_of(said(&listener), "ES4.HandleProfileEnabledNotification from " PARTNER_OID), 1);
}

static void explain_shows_the_messages(void **state)
{
    (void)state;
    const char *out;
    assert_int_equal(RUN(&out, "profile", "enable", "--eid", eid, "--iccid", ICCID, "--explain", "--call-id", "again"),
                     0);
    assert_said(out, "→ POST https://127.0.0.1:");
    assert_said(out, "<rps:ES4-EnableProfileRequest");
    assert_said(out, "<rps:ES4-EnableProfileResponse");
    assert_string_equal(partner.call_id, "again");
}

/* The partner sends the stored answer: it relates to the first message, and the inbox has it already. */
static void a_repeat_gets_the_answer_of_the_first_call(void **state)
{
    (void)state;
    const char *out;
    assert_int_equal(RUN(&out, "profile", "enable", "--eid", eid, "--iccid", ICCID, "--call-id", "order 7?&"), 0);
    partner.behaviour = STORED;
    assert_int_equal(RUN(&out, "profile", "enable", "--eid", eid, "--iccid", ICCID, "--call-id", "order 7?&", "--timeout", "5"), 0);
    assert_string_equal(partner.call_id, "order 7?&");
    assert_int_equal(partner.requests, 2);
    assert_int_equal(RUN(&out, "profile", "enable", "--eid", eid, "--iccid", ICCID, "--call-id", "order 8", "--timeout", "1"), 6);
}

static void wrong_words_are_explained(void **state)
{
    (void)state;
    const char *out;
    assert_int_equal(RUN(&out, "profile", "enable", "--eid", "89049032118123456789012300000100", "--iccid", ICCID), 2);
    assert_said(out, "check digits");
    assert_int_equal(RUN(&out, "profile", "enable", "--eid", eid), 2);
    assert_said(out, "--iccid: is needed");
    assert_int_equal(RUN(&out, "profile", "download", "--eid", eid), 2);
    assert_said(out, "--iccid or --type");
    assert_int_equal(RUN(&out, "profile", "download", "--eid", eid, "--type", "A", "--via", "sr"), 2);
    assert_said(out, "sr is an SM-SR and cannot do this");
    assert_int_equal(RUN(&out, "pol2", "set", "--eid", eid, "--iccid", ICCID, "--rules", "delete:auto-delete"), 2);
    assert_int_equal(RUN(&out, "eis", "show", "--eid", eid, "--via", "nobody"), 2);
    assert_int_equal(RUN(&out, "config", "check"), 0);
    assert_int_equal(partner.requests, 0);
}

static void authorisations_are_set_and_shown(void **state)
{
    (void)state;
    const char *out;
    assert_int_equal(RUN(&out, "plma", "set", "--sp", "1.2.3", "--type", "Meters", "--allow",
                         "EnableProfile,DisableProfile"), 0);
    assert_int_equal(partner.function, ES4A_SET_PLMA);
    const struct es_set_plma_request *plma = partner.last.body;
    assert_string_equal(plma->plma.mno_id.text, OPERATOR_OID);
    assert_string_equal(plma->plma.m2m_sp_id.text, "1.2.3");
    assert_int_equal(plma->plma.operation_count, 2);
    assert_span_equal(plma->plma.operations[1], SPAN_LIT("DisableProfile"));
    assert_int_equal(RUN(&out, "plma", "set", "--sp", "1.2.3", "--type", "Meters", "--allow", "none", "--via", "dp"), 0);
    assert_int_equal(partner.function, ES2_SET_PLMA);
    plma = partner.last.body;
    assert_int_equal(plma->plma.operation_count, 0);
    assert_string_equal(plma->smsr_id.text, PARTNER_OID);
    assert_int_equal(RUN(&out, "plma", "show"), 0);
    assert_said(out, "Meters: 1.2.3 may EnableProfile");
    assert_int_equal(RUN(&out, "plma", "show", "--json", "--via", "dp"), 0);
    assert_said(out, "\"operations\":[\"EnableProfile\"]");
    assert_int_equal(RUN(&out, "onc", "set", "--type", "Meters", "--discard", "HandleProfileEnabledNotification"), 0);
    assert_int_equal(partner.function, ES4A_SET_ONC);
    assert_int_equal(RUN(&out, "onc", "show"), 0);
    assert_said(out, "there is none");
    assert_int_equal(RUN(&out, "plma", "set", "--sp", "1.2.3", "--type", "Meters", "--allow", "A,,B"), 2);
    assert_said(out, "an empty name");
    assert_int_equal(RUN(&out, "profile", "emergency", "--eid", eid, "--iccid", ICCID), 0);
    assert_int_equal(partner.function, ES4_SET_EMERGENCY_PROFILE_ATTRIBUTE);
    assert_int_equal(RUN(&out, "profile", "fallback", "--eid", eid, "--iccid", ICCID, "--via", "dp"), 0);
    assert_int_equal(partner.function, ES2_SET_FALLBACK_ATTRIBUTE);
}

static void a_dry_run_sends_nothing(void **state)
{
    (void)state;
    const char *out;
    assert_int_equal(RUN(&out, "policy", "set", "--eid", eid, "--iccid", ICCID, "--rules", "none", "--dry-run"), 0);
    assert_said(out, "nothing is sent");
    assert_said(out, "ES4-UpdatePolicyRulesRequest");
    assert_int_equal(RUN(&out, "profile", "enable", "--eid", eid, "--iccid", ICCID, "--dry-run", "--json"), 0);
    assert_said(out, "\"result\":\"dry-run\"");
    assert_int_equal(partner.requests, 0);
}

static void codes_are_explained(void **state)
{
    (void)state;
    const char *out;
    char path[200], text[600];
    snprintf(path, sizeof path, "%s/status.out", folder);
    snprintf(text, sizeof text, "%s status 8.2.3/3.8 > %s 2>&1", program, path);
    assert_int_equal(system(text), 0);
    out = (const char *)file_bytes(path).ptr;
    assert_said(out, "POL2: Refused");
    assert_said(out, "the owner can change POL2");
    snprintf(text, sizeof text, "%s status 8.2.3/6.6 > %s 2>&1", program, path);
    assert_int_equal(system(text), 0);
    out = (const char *)file_bytes(path).ptr;
    assert_said(out, "certificate or signature");
    snprintf(text, sizeof text, "%s status nonsense > %s 2>&1", program, path);
    assert_int_not_equal(system(text), 0);
    snprintf(text, sizeof text, "%s completion bash > %s && bash -n %s", program, path, path);
    assert_int_equal(system(text), 0);
}

static void a_partner_is_tried(void **state)
{
    (void)state;
    const char *out;
    assert_int_equal(RUN(&out, "partner", "list"), 0);
    assert_said(out, PARTNER_OID);
    partner.status = status_failed(REASON_EID_UNKNOWN, "", "no such eUICC");
    assert_int_equal(RUN(&out, "partner", "test", "sr"), 0);
    assert_said(out, "ours is for " OPERATOR_OID);
    assert_said(out, "their certificate is for " PARTNER_OID);
    assert_said(out, "answered in kind: /3 /1 /4");
    assert_int_equal(partner.function, ES4_GET_EIS);
    assert_int_equal(RUN(&out, "partner", "test", "dp", "--json"), 0);
    assert_int_equal(partner.function, ES2_GET_EIS);
    assert_null(strstr(out, "theirs"));
    partner.status = status_failed(REASON_REQUESTER_UNKNOWN, "", "who?");
    assert_int_equal(RUN(&out, "partner", "test", "sr"), 4);
    assert_said(out, "they do not know our OID " OPERATOR_OID);
    assert_said(out, "(their side)");
    partner.behaviour = FORBID;
    assert_int_equal(RUN(&out, "partner", "test", "sr"), 4);
    assert_said(out, "do not let our certificate in");
    assert_int_equal(RUN(&out, "partner", "test", "nobody"), 2);
    assert_int_equal(RUN(&out, "partner", "test"), 2);
}

static void a_partner_with_another_certificate_is_found_out(void **state)
{
    (void)state;
    const char *out;
    stop_partner();
    start_partner("stranger");
    write_config();
    assert_int_equal(RUN(&out, "partner", "test", "sr"), 4);
    assert_said(out, "their certificate is for " STRANGER_OID ", but [partner sr] oid is " PARTNER_OID);
    http_server_free(partner.server);
    partner.server = NULL;
    assert_int_equal(RUN(&out, "partner", "test", "sr"), 7);
    assert_said(out, "WRONG endpoint");
}

/* What the webhook got. */
static struct {
    unsigned requests;
    char body[4096], signature[100];
} hook;

static void on_hook(void *context, const struct http_request *request, struct reply_ref ref)
{
    struct http_server *const *server = context;
    struct span signature = http_request_header(request, "X-Osprey-Signature");
    snprintf(hook.body, sizeof hook.body, "%.*s", (int)request->body.len, (const char *)request->body.ptr);
    snprintf(hook.signature, sizeof hook.signature, "%.*s", (int)signature.len, (const char *)signature.ptr);
    http_server_reply(*server, ref, &(struct http_reply){ .status = hook.requests++ ? 204 : 500 });
}

static void messages_are_handed_on(void **state)
{
    (void)state;
    enum err err;
    char url[200], hook_url[100], secret[200], file[200], exec[300], check[700], detail[IO_DETAIL_MAX];
    struct http_server *server = NULL;
    struct http_server_options options = { .address = "127.0.0.1", .handler = on_hook, .context = &server };
    memset(&hook, 0, sizeof hook);
    server = http_server_new(partner.loop, &options, &err, detail);
    assert_non_null(server);
    snprintf(hook_url, sizeof hook_url, "http://127.0.0.1:%u/esim", http_server_port(server));
    snprintf(secret, sizeof secret, "%s/hook.key", folder);
    snprintf(file, sizeof file, "%s/handed-on", folder);
    snprintf(exec, sizeof exec, "cat > %s.new && mv %s.new %s", file, file, file);
    unlink(file);
    FILE *f = fopen(secret, "w");
    fputs("a secret", f);
    fclose(f);
    struct child listener = spawn("hook", (const char *const[]){ "listen", "--count", "1", "--webhook", hook_url, "--secret",
                                                                 secret, "--exec", exec, NULL });
    for (int i = 0; i < 500 && !strstr(said(&listener), "ready"); i++)
        loop_round(partner.loop, 10);
    snprintf(url, sizeof url, "https://127.0.0.1:%u/esim-messaging/3/ES4/ES4MnoService", endpoint_port);
    post(url, notification("//sr/hook1"));
    assert_int_equal(until_over(&listener), 0);
    assert_int_equal(hook.requests, 2); /* the first try was refused */
    assert_said(hook.body, "\"function\":\"ES4.HandleProfileEnabledNotification\"");
    snprintf(check, sizeof check, "test \"sha256=$(openssl dgst -sha256 -hmac 'a secret' -r %s | cut -d' ' -f1)\" = \"%s\"", file, hook.signature);
    assert_int_equal(system(check), 0); /* the command got the same octets */
    http_server_free(server);
}

static void write_text(const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* The script is the one that the card's own test has; nothing leaves with keys or a counter that will not do. */
static void scripts_for_the_own_profile(void **state)
{
    (void)state;
    const char *out;
    char keys[200], bad[200];
    snprintf(keys, sizeof keys, "%s/meter.keys", folder);
    snprintf(bad, sizeof bad, "%s/bad.keys", folder);
    write_text("meter.keys", "[profile]\nkvn = 1\nkic = 000102030405060708090A0B0C0D0E0F\nkid = 000102030405060708090A0B0C0D0E0F\n");
    assert_int_equal(RUN(&out, "ota", "pol1", "--keys", keys, "--msisdn", "4917", "--rules", "disable:auto-delete", "--dry-run"), 0);
    assert_said(out, "AA2A221B80E6200016000010A0000005591010FFFFFFFF8900000F00000000220B80E28800063A0603810104");
    assert_int_equal(RUN(&out, "ota", "connectivity", "--keys", keys, "--msisdn", "4917", "--centre", "+33639680123", "--dry-run"), 0);
    assert_said(out, "80E288000E3A070BA0090607913336690821F3");
    assert_int_equal(RUN(&out, "ota", "connectivity", "--keys", keys, "--msisdn", "4917"), 2);
    assert_int_equal(RUN(&out, "ota", "script", "--keys", keys, "--msisdn", "4917", "--script", "80F"), 2);
    assert_int_equal(RUN(&out, "ota", "script", "--keys", keys, "--msisdn", "4917", "--script", "80F21000"), 1); /* no [ota] */
    assert_said(out, "smsc and from are needed");
    write_text("bad.keys", "[profile]\nkvn = 16\nkic = 00\nkid = 00\n");
    assert_int_equal(RUN(&out, "ota", "script", "--keys", bad, "--msisdn", "4917", "--script", "80F21000"), 1);
    assert_said(out, "kvn: 1 to 15");
    write_text("meter.keys.counter", "many\n");
    assert_int_equal(RUN(&out, "ota", "script", "--keys", keys, "--msisdn", "4917", "--script", "80F21000"), 1);
    assert_said(out, "no counter");
}

static int command(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int command(const char *format, ...)
{
    char text[1500];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return system(text);
}

static int make_certificates(void **state)
{
    (void)state;
    static const struct {
        const char *name, *oid;
    } who[] = { { "operator", OPERATOR_OID }, { "partner", PARTNER_OID }, { "stranger", STRANGER_OID } };
    struct eid number;
    snprintf(program, sizeof program, "%s/operator/osprey", getenv("OSPREY_BUILD") ? getenv("OSPREY_BUILD") : "build");
    assert_ok(eid_with_check_digits(SPAN_LIT("890490321181234567890123000001"), &number));
    eid_text(&number, eid);
    if (!mkdtemp(folder) ||
        command(
            "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out "
            "ca.crt -subj /CN=CI -days 30 >/dev/null 2>&1",
            folder))
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(who); i++)
        if (command(
                "cd %s && printf 'subjectAltName=RID:%s\\nextendedKeyUsage=serverAuth,clientAuth\\n' > ext && openssl "
                "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout %s.key -out %s.csr -subj /CN=%s "
                ">/dev/null 2>&1 && openssl x509 -req -in %s.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 "
                "-extfile ext -out %s.crt >/dev/null 2>&1",
                folder, who[i].oid, who[i].name, who[i].name, who[i].name, who[i].name, who[i].name))
            return -1;
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return command("rm -rf %s", folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(enable_waits_for_the_callback),
        TEST(via_the_sm_dp_it_is_es2),
        TEST(failures_are_explained),
        TEST(an_answer_at_once_is_taken_too),
        TEST(an_answer_without_relation_is_found_by_transaction),
        TEST(the_eis_is_shown),
        TEST(rules_and_addresses_are_sent),
        TEST(partners_that_misbehave),
        TEST(a_stranger_is_not_believed),
        TEST(listen_and_commands_share_the_inbox),
        TEST(explain_shows_the_messages),
        TEST(a_repeat_gets_the_answer_of_the_first_call),
        TEST(wrong_words_are_explained),
        TEST(authorisations_are_set_and_shown),
        TEST(a_dry_run_sends_nothing),
        TEST(codes_are_explained),
        TEST(a_partner_is_tried),
        TEST(a_partner_with_another_certificate_is_found_out),
        TEST(messages_are_handed_on),
        TEST(scripts_for_the_own_profile),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_folder);
}
