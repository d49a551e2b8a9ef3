#include "world.h"

#include "sm-sr/store/kept.h"

#include "lib/base/world.h"
#include "lib/crypto/aes.h"
#include "lib/crypto/sha256.h"
#include "lib/es/eum_signature.h"
#include "lib/pki/oid_octets.h"
#include "lib/wire/sms.h"
#include "sm-sr/turn.h"

#define DAY_MS (24ull * 3600 * 1000)

struct eid world_eid(void)
{
    struct eid eid;
    assert_ok(eid_from_text(SPAN_LIT(EID_TEST), &eid));
    return eid;
}

struct iccid world_iccid(const char *digits)
{
    struct iccid iccid;
    assert_ok(iccid_from_text(span_text(digits), &iccid));
    return iccid;
}

static struct oid oid_of(const char *text)
{
    struct oid oid;
    assert_ok(oid_from_text(span_text(text), &oid));
    return oid;
}

struct es_request world_call(const char *call_id, uint32_t validity_s)
{
    return (struct es_request){ span_text(call_id), validity_s };
}

/* ---- seams */

static uint64_t clock_now(struct clock *clock) { return ((struct world *)clock)->now_ms; }
static void clock_wake(struct clock *clock, uint64_t at_ms)
{
    (void)clock;
    (void)at_ms; /* world_pass looks at everything every second */
}

static void log_line(struct log *log, enum log_level level, const char *text)
{
    (void)log;
    if (getenv("SMSR_TEST_LOG"))
        fprintf(stderr, "%d %s\n", level, text);
}

static struct world *world_of_store(struct store *store)
{
    return (struct world *)((char *)store - offsetof(struct world, store));
}

static void store_load(struct store *store, struct rowset *want, store_done *done, void *context)
{
    struct store *real = sqlite_store_seam(world_of_store(store)->sqlite);
    real->load(real, want, done, context);
}

static void note(void *context, enum err err) { *(enum err *)context = err; }

/* Whatever is stored, at most one operation of an eUICC runs: the others wait. */
static void check_one_runs(struct world *w)
{
    static const struct statement running = { "running",
                                              "SELECT COUNT(*) FROM operation WHERE step NOT IN ('waiting', 'offer')",
                                              NULL };
    struct store *real = sqlite_store_seam(w->sqlite);
    struct arena a;
    enum err err = ERR_BUSY;
    arena_init(&a, 1u << 16);
    struct rowset *rows = ARENA_NEW(&a, struct rowset);
    *rows = (struct rowset){ .arena = &a };
    const struct query *q = rowset_want(rows, &running, NULL, 0);
    real->load(real, rows, note, &err);
    assert_ok(err);
    assert_true(row_int(&q->rows[0], 0) <= 1);
    arena_release(&a);
}

/* The power goes right after the commit: it is there, but nobody learns of it. */
static void store_commit(struct store *store, const struct write *writes, size_t count, store_done *done, void *context)
{
    struct world *w = world_of_store(store);
    struct store *real = sqlite_store_seam(w->sqlite);
    enum err err = ERR_BUSY;
    if (w->crashed) {
        done(context, ERR_IO); /* a dead program's writes reach nothing, and it ends */
        return;
    }
    real->commit(real, writes, count, note, &err);
    if (err != ERR_NONE && err != ERR_CONFLICT)
        fail_msg("%s", sqlite_store_detail(w->sqlite));
    if (err == ERR_NONE)
        check_one_runs(w);
    if (++w->commits == w->crash_at)
        w->crashed = true;
    done(context, err);
}

static void on_fatal(void *context) { ((struct world *)context)->crashed = true; }

static void tell_body(struct told *t, const struct es_message *m)
{
    const struct es_profile_notification *n = m->body;
    const struct es_card_response *card = m->body;
    if (m->function == ES4_SMSR_CHANGE_NOTIFICATION || m->function == ES3_SMSR_CHANGE_NOTIFICATION) {
        const struct es_smsr_notification *s = m->body;
        snprintf(t->iccid, sizeof t->iccid, "%s", s->eis->profile_count ? s->eis->profiles[0].iccid.digits : "");
        snprintf(t->mno, sizeof t->mno, "%s", s->mno_id.text);
        return;
    }
    if (m->kind == ES_NOTIFICATION) {
        snprintf(t->iccid, sizeof t->iccid, "%s", n->iccid.digits);
        snprintf(t->mno, sizeof t->mno, "%s", n->mno_id.text);
        return;
    }
    t->status = es_response_of(m)->status;
    if (es_body_size(m->function, ES_RESPONSE) < sizeof *card || m->function == ES3_AUDIT_EIS ||
        m->function == ES4_AUDIT_EIS)
        return;
    t->isdp = card->isdp_aid;
    t->data_len = card->euicc_response.len < sizeof t->data ? card->euicc_response.len : sizeof t->data;
    if (t->data_len)
        memcpy(t->data, card->euicc_response.ptr, t->data_len);
}

static void soap_told(struct world *w, const struct effect *effect)
{
    struct es_message m;
    struct es_fault fault;
    assert_true(w->told_count < TOLD_MAX);
    struct told *t = &w->told[w->told_count++];
    struct span soap = arena_copy(&w->arena, effect->body);
    if (es_decode(soap, &w->arena, &m, &fault) != ERR_NONE)
        fail_msg("what the SM-SR says cannot be read: %s", fault.text);
    snprintf(t->url, sizeof t->url, "%s", effect->to);
    snprintf(t->message_id, sizeof t->message_id, "%.*s", (int)m.wsa.message_id.raw.len,
             (const char *)m.wsa.message_id.raw.ptr);
    snprintf(t->relates_to, sizeof t->relates_to, "%.*s", (int)m.wsa.relates_to.len, (const char *)m.wsa.relates_to.ptr);
    t->function = m.function;
    t->kind = m.kind;
    t->soap = soap;
    assert_ok(sha256(soap, t->digest));
    tell_body(t, &m);
}

static bool is_lost(struct world *w)
{
    if (!w->loss_permille)
        return false;
    w->loss_seed = w->loss_seed * 1103515245u + 12345u;
    return (w->loss_seed >> 16) % 1000 < w->loss_permille;
}

static void radio_out(struct world *w, const struct effect *effect)
{
    w->sms_out++;
    engine_result(smsr_engine(w->smsr), effect->id, EFFECT_SENT, 0, SPAN_NONE);
    if (w->sms_lost_to_card) {
        w->sms_lost_to_card--;
        return;
    }
    if (is_lost(w) || ++w->radio_carried == w->radio_lost_at)
        return;
    assert_true(w->radio_count < ARRAY_LEN(w->radio));
    w->radio[w->radio_count].to_card = true;
    w->radio[w->radio_count].len = effect->body.len;
    snprintf(w->radio[w->radio_count].number, sizeof w->radio[0].number, "%s", effect->to);
    memcpy(w->radio[w->radio_count++].packet, effect->body.ptr, effect->body.len);
}

static void net_send(struct net *net, const struct effect *effect)
{
    struct world *w = (struct world *)((char *)net - offsetof(struct world, net));
    if (w->crashed)
        return;
    if (effect->kind == EFFECT_REPLY) {
        if (effect->reply.node == SMSR_NODE_ADMIN) {
            smsr_admin_reply(w->smsr, effect);
        } else if (effect->reply.node == SMSR_NODE_LINK) {
            smsr_link_reply(w->smsr, effect);
        } else if (effect->reply.node == SMSR_NODE_SOAP) {
            w->reply_status = effect->status;
            w->reply = arena_copy(&w->arena, effect->body);
        }
        return;
    }
    assert_true(effect->id != 0);
    if (effect->kind == SMSR_EFFECT_SMS) {
        radio_out(w, effect);
        return;
    }
    assert_int_equal(effect->kind, SMSR_EFFECT_SOAP);
    if (w->other && !strncmp(effect->to, w->other->config.url, strlen(w->other->config.url))) {
        assert_true(w->mail_count < MAIL_MAX);
        w->mail[w->mail_count].id = effect->id;
        w->mail[w->mail_count++].body = arena_copy(&w->arena, effect->body);
        if (strstr(effect->ref, "HandoverEUICC/request"))
            w->handover = w->mail[w->mail_count - 1].body;
        return;
    }
    if (w->partners_down) {
        engine_result(smsr_engine(w->smsr), effect->id, EFFECT_FAILED, 503, SPAN_NONE);
        return;
    }
    soap_told(w, effect);
    engine_result(smsr_engine(w->smsr), effect->id, EFFECT_SENT, 202, SPAN_NONE);
}

/* ---- PKI */

static void issue(struct world *w, enum x509_kind kind, const char *oid, struct ec_key *key, const struct x509 *issuer,
                  struct ec_key *issuer_key, struct x509 **ret)
{
    struct x509_request r = { .kind = kind,
                              .organisation = "Test",
                              .common_name = oid,
                              .oid = oid,
                              .from_ms = w->now_ms - DAY_MS,
                              .to_ms = w->now_ms + 3650 * DAY_MS,
                              .subject = key,
                              .issuer = issuer,
                              .issuer_key = issuer_key };
    assert_ok(x509_issue(&r, ret));
}

static struct span issue_ecasd(struct world *w, uint64_t until_ms)
{
    static const uint8_t serial[] = { 1, 2, 3 };
    uint8_t point[EC_POINT_LEN];
    WRITER_ON_STACK(oid, 32);
    struct oid issuer = oid_of(OID_EUM);
    struct eid eid = world_eid();
    struct writer out = wr_arena(&w->arena, GP_CERTIFICATE_MAX);
    assert_ok(oid_to_octets(&issuer, &oid));
    ec_key_point(w->ecasd_key, point);
    struct gp_certificate c = { .serial = SPAN_OF(serial),
                                .ca_id = wr_span(&oid),
                                .subject_id = eid_span(&eid),
                                .key_usage = GP_USAGE_AGREEMENT,
                                .key_usage_len = 2,
                                .curve = EC_P256,
                                .point = SPAN_OF(point) };
    gp_date(until_ms, c.expiration);
    assert_ok(gp_certificate_issue(&c, w->eum_key, &out));
    return wr_span(&out);
}

static void make_pki(struct world *w)
{
    struct x509 *ci;
    assert_ok(ec_generate(EC_P256, NULL, &w->ci_key));
    assert_ok(ec_generate(EC_P256, NULL, &w->eum_key));
    assert_ok(ec_generate(EC_P256, NULL, &w->ecasd_key));
    issue(w, X509_CI, "1.3.6.1.4.1.99999.9", w->ci_key, NULL, w->ci_key, &ci);
    issue(w, X509_EUM, OID_EUM, w->eum_key, ci, w->ci_key, &w->eum);
    assert_ok(trust_add(&w->trust, ci));
    assert_ok(ec_private_pem(w->eum_key, &w->eum_pem));
    w->ecasd_certificate = issue_ecasd(w, w->now_ms + 3650 * DAY_MS);
}

/* ---- the eUICC's EIS */

struct span world_encrypted_key(struct world *w, const uint8_t key[16])
{
    uint8_t *out = arena_alloc(&w->arena, 16);
    const struct smsr_partner *eum = &w->partners[0];
    assert_ok(aes_cbc_encrypt((struct span){ eum->kek, eum->kek_len }, NULL, (struct span){ key, 16 }, out));
    return (struct span){ out, 16 };
}

static void put_key(struct world *w, struct eis_keyset *k, uint8_t type, const uint8_t value[16])
{
    struct eis_key *key = &k->keys[k->key_count];
    uint8_t *kcv = arena_alloc(&w->arena, KCV_LEN);
    assert_ok(aes_kcv((struct span){ value, 16 }, kcv));
    key->index = (uint8_t)++k->key_count;
    key->kcv = (struct span){ kcv, KCV_LEN };
    key->components = ARENA_NEW(&w->arena, struct eis_key_component);
    *key->components = (struct eis_key_component){ type, world_encrypted_key(w, value) };
    key->component_count = 1;
}

static struct security_domain isdr_of(struct world *w)
{
    static const uint8_t sin[] = { 0x42, 1 }, sdin[] = { 0x45, 1 };
    struct security_domain sd = { .aid = AID_ISDR, .role = SD_ROLE_ISDR, .sin = SPAN_OF(sin), .sdin = SPAN_OF(sdin) };
    sd.keysets = ARENA_ARRAY(&w->arena, struct eis_keyset, 2);
    sd.keyset_count = 2;
    for (int i = 0; i < 2; i++)
        sd.keysets[i].keys = ARENA_ARRAY(&w->arena, struct eis_key, 3);
    sd.keysets[0].version = 1;
    sd.keysets[0].usage = KEYSET_SCP80;
    put_key(w, &sd.keysets[0], 0x88, w->card.kic);
    put_key(w, &sd.keysets[0], 0x88, w->card.kid);
    put_key(w, &sd.keysets[0], 0x88, w->card.kid);
    sd.keysets[1].version = 0x40;
    sd.keysets[1].usage = KEYSET_SCP81;
    put_key(w, &sd.keysets[1], 0x85, w->card.psk);
    return sd;
}

static struct security_domain ecasd_of(struct world *w)
{
    static const uint8_t sin[] = { 0x42, 2 }, sdin[] = { 0x45, 2 };
    struct security_domain sd = { .aid = AID_ECASD, .role = SD_ROLE_ECASD, .sin = SPAN_OF(sin), .sdin = SPAN_OF(sdin) };
    sd.keysets = ARENA_NEW(&w->arena, struct eis_keyset);
    sd.keyset_count = 1;
    sd.keysets->version = 0x74;
    sd.keysets->usage = KEYSET_CA;
    sd.keysets->certificates = ARENA_NEW(&w->arena, struct eis_certificate);
    sd.keysets->certificate_count = 1;
    *sd.keysets->certificates =
        (struct eis_certificate){ .index = 1, .ca_id = oid_of(OID_EUM), .value = w->ecasd_certificate };
    return sd;
}

void world_sign(struct world *w, struct eis *eis)
{
    struct writer der = wr_arena(&w->arena, X509_DER_MAX);
    x509_der(w->eum, &der);
    assert_ok(eum_sign(eis, span_text(w->eum_pem), wr_span(&der), &w->arena));
}

struct eis world_eis(struct world *w)
{
    struct eis eis = { .eid = world_eid(),
                       .eum_id = oid_of(OID_EUM),
                       .production_ms = w->now_ms - DAY_MS,
                       .platform_type = SPAN_LIT("Osprey"),
                       .platform_version = { "1.0.0" },
                       .isdp_loadfile_aid = AID_ISDP_LOADFILE,
                       .isdp_module_aid = AID_ISDP_MODULE,
                       .remaining_memory = 400000,
                       .available_memory = 500000,
                       .smsr_id = oid_of(OID_SMSR) };
    eis.capabilities = (struct euicc_capabilities){ .cat_tp = w->cat_tp,
                                                    .http = true,
                                                    .http_version = { "1.1.0" },
                                                    .secure_packet_version = { "12.0.0" },
                                                    .remote_provisioning_version = { "3.2.0" } };
    eis.ecasd = ecasd_of(w);
    eis.isdr = isdr_of(w);
    eis.profiles = ARENA_NEW(&w->arena, struct profile_info);
    eis.profile_count = 1;
    *eis.profiles = (struct profile_info){ .iccid = world_iccid(ICCID_A),
                                           .isdp_aid = aid_isdp(0x10),
                                           .mno_id = oid_of(OID_OP1),
                                           .fallback = true,
                                           .state = PROFILE_ENABLED,
                                           .address = { "001010000000001", "882000001" },
                                           .allocated_memory = 100000 };
    world_sign(w, &eis);
    return eis;
}

void world_register(struct world *w)
{
    struct eis eis = world_eis(w);
    struct es1_register_eis r = { .base = world_call("register", 0), .eis = &eis };
    assert_int_equal(world_ask(w, OID_EUM, ES1_REGISTER_EIS, &r), 200);
    const struct es_response *answer = world_answer(w);
    if (!status_ok(&answer->status))
        fail_msg("%s/%s %s", answer->status.subject, answer->status.code, answer->status.detail);
}

/* ---- life */

static void partner(struct world *w, size_t i, const char *name, const char *oid, unsigned kinds)
{
    struct smsr_partner *p = &w->partners[i];
    snprintf(p->name, sizeof p->name, "%s", name);
    p->oid = oid_of(oid);
    p->kinds = kinds;
}

static void make_partners(struct world *w)
{
    partner(w, 0, "eum", OID_EUM, SMSR_EUM);
    partner(w, 1, "dp", OID_SMDP, SMSR_SMDP);
    partner(w, 2, "op1", OID_OP1, SMSR_OPERATOR);
    partner(w, 3, "op2", OID_OP2, SMSR_OPERATOR);
    partner(w, 4, "dp2", OID_OTHER_DP, SMSR_SMDP);
    w->partners[0].eum_certificate = w->eum;
    memcpy(w->partners[0].kek, hex_lit("0102030405060708090A0B0C0D0E0F10").ptr, 16);
    w->partners[0].kek_len = 16;
    snprintf(w->partners[1].es3_url, SMSR_URL_MAX, "https://dp.example/es3");
    w->partners[1].acts_for[0] = oid_of(OID_OP1);
    w->partners[1].acts_for[1] = oid_of(OID_OP2);
    w->partners[1].acts_for_count = 2;
    snprintf(w->partners[2].es4_url, SMSR_URL_MAX, "https://op1.example/es4");
    snprintf(w->partners[3].hosts[0], SMSR_URL_MAX, "https://op2.example");
    w->partners[3].host_count = 1;
    snprintf(w->partners[4].es3_url, SMSR_URL_MAX, "https://dp2.example/es3");
    w->config = (struct smsr_config){ .oid = oid_of(OID_SMSR),
                                      .partners = w->partners,
                                      .partner_count = 5,
                                      .trust = &w->trust,
                                      .bearer = SMSR_BEARER_SMS,
                                      .resend_s = 5,
                                      .resend_max_s = 20,
                                      .hold_ms = 2000,
                                      .admin_port = 4711,
                                      .admin_ipv4 = { 127, 0, 0, 1 } };
    snprintf(w->config.url, SMSR_URL_MAX, "https://smsr.example");
}

struct span world_sr_certificate(struct world *w, struct ec_key *key)
{
    static const uint8_t serial[] = { 9 };
    uint8_t point[EC_POINT_LEN];
    WRITER_ON_STACK(oid, 32);
    WRITER_ON_STACK(ca, 32);
    struct oid subject = oid_of(OID_SMSR2), issuer = oid_of("1.3.6.1.4.1.99999.9");
    struct writer out = wr_arena(&w->arena, GP_CERTIFICATE_MAX);
    assert_ok(oid_to_octets(&subject, &oid));
    assert_ok(oid_to_octets(&issuer, &ca));
    ec_key_point(key, point);
    struct gp_certificate c = { .serial = SPAN_OF(serial),
                                .ca_id = wr_span(&ca),
                                .subject_id = wr_span(&oid),
                                .key_usage = GP_USAGE_VERIFY,
                                .key_usage_len = 1,
                                .role = GP_ROLE_SM_SR,
                                .curve = EC_P256,
                                .point = SPAN_OF(point) };
    gp_date(w->now_ms + 365 * DAY_MS, c.expiration);
    assert_ok(gp_certificate_issue(&c, w->ci_key, &out));
    return wr_span(&out);
}

static void start(struct world *w);

static void peer(struct world *w, const char *oid, const char *url)
{
    partner(w, 5, "other", oid, SMSR_SMSR);
    snprintf(w->partners[5].es7_url, SMSR_URL_MAX, "%s/es7", url);
    w->config.partner_count = 6;
}

static void open_store(struct world *w)
{
    enum err err;
    struct sqlite_options o = { .path = ":memory:", .migrations = smsr_schema, .migration_count = smsr_schema_count };
    w->sqlite = sqlite_store_open(&o, &err, NULL);
    assert_non_null(w->sqlite);
}

static void open_seams(struct world *w)
{
    static const uint8_t master[32] = { 7 };
    memset(w, 0, sizeof *w);
    w->now_ms = WORLD_START_MS;
    w->clock = (struct clock){ clock_now, clock_wake };
    w->log.line = log_line;
    w->store = (struct store){ store_load, store_commit };
    w->net.send = net_send;
    w->rng = world_rng();
    arena_init(&w->arena, 256u << 20);
    assert_ok(keystore_soft_new(SPAN_OF(master), NULL, &w->keys));
    open_store(w);
}

void world_make_other(struct world *w, struct world *first)
{
    struct ec_key *key;
    open_seams(w);
    w->eum = first->eum; /* borrowed: world_free of the first one comes last */
    make_partners(w);
    w->config.trust = &first->trust;
    w->config.oid = oid_of(OID_SMSR2);
    snprintf(w->config.url, SMSR_URL_MAX, "https://smsr2.example");
    snprintf(w->config.number, sizeof w->config.number, "+882000777");
    assert_ok(ec_generate(EC_P256, NULL, &key));
    struct span gp = world_sr_certificate(first, key);
    assert_ok(card_certificates_add(&w->config.certificates, gp, GP_ROLE_SM_SR, "card"));
    assert_ok(keystore_soft_add(w->keys, "card", key));
    peer(w, OID_SMSR, first->config.url);
    peer(first, OID_SMSR2, w->config.url);
    w->other = first;
    first->other = w;
    w->card_at = first;
    world_restart(first);
    start(w);
}

static void start(struct world *w)
{
    w->config.on_fatal = on_fatal;
    w->config.on_fatal_context = w;
    struct env env = { .clock = &w->clock,
                       .rng = w->rng,
                       .net = &w->net,
                       .store = &w->store,
                       .keys = keystore_soft_keys(w->keys),
                       .log = &w->log };
    assert_ok(smsr_new(&w->config, &env, &w->smsr));
    assert_ok(smsr_start(w->smsr));
}

void world_make(struct world *w)
{
    open_seams(w);
    make_pki(w);
    make_partners(w);
    card_make(w);
    w->card.trusted = w->ci_key;
    w->card.own = w->ecasd_key;
    start(w);
}

void world_free(struct world *w)
{
    smsr_free(w->smsr);
    sqlite_store_close(w->sqlite);
    keystore_soft_free(w->keys);
    trust_done(&w->trust);
    card_done(w);
    if (!w->card_at)
        x509_free(w->eum);
    ec_pem_free(w->eum_pem);
    ec_key_free(w->ci_key);
    ec_key_free(w->eum_key);
    ec_key_free(w->ecasd_key);
    arena_release(&w->arena);
}

void world_restart(struct world *w)
{
    smsr_free(w->smsr);
    w->crashed = false;
    w->crash_at = 0;
    w->mail_count = 0;
    w->https = NULL;
    start(w);
    smsr_datagrams_use(w->smsr, &w->datagrams);
}

/* ---- calls */

int world_ask(struct world *w, const char *oid, enum es_function function, const void *body)
{
    char id[64];
    struct es_message m = { .function = function, .kind = ES_REQUEST, .body = body };
    struct span soap;
    snprintf(id, sizeof id, "%032x%08x", 0xABCDEF, ++w->next_slot);
    m.wsa.from = (struct wsa_endpoint){ .address = SPAN_LIT("https://partner.example/x"), .entity_id = oid_of(oid) };
    m.wsa.to = (struct wsa_endpoint){ .address = SPAN_LIT("https://smsr.example/x"), .entity_id = oid_of(OID_SMSR) };
    if (!strcmp(oid, OID_OP2))
        m.wsa.reply_to.address = SPAN_LIT("https://op2.example/es4");
    assert_ok(wsa_message_id_make(&w->arena, &m.wsa.from.entity_id, span_text(id), SPAN_LIT("tx"), SPAN_NONE, w->now_ms,
                                  '?', &m.wsa.message_id));
    assert_ok(es_encode(&m, &w->arena, &soap));
    w->reply_status = 0;
    w->reply = SPAN_NONE;
    smsr_soap(w->smsr, smsr_partner_by_oid(w->smsr, oid), soap, (struct reply_ref){ SMSR_NODE_SOAP, 1, w->next_slot });
    smsr_run(w->smsr);
    return w->reply_status;
}

const struct es_response *world_answer(struct world *w)
{
    struct es_message *m = ARENA_NEW(&w->arena, struct es_message);
    struct es_fault fault;
    if (es_decode(w->reply, &w->arena, m, &fault) != ERR_NONE)
        fail_msg("the answer cannot be read: %s", fault.text);
    assert_int_equal(m->kind, ES_RESPONSE);
    return es_response_of(m);
}

static void from_card(struct world *w, size_t i)
{
    uint8_t room[SMS_PARTS_MAX * SMS_UD_MAX];
    struct writer out = wr_of(room, sizeof room);
    struct span parts[SMS_PARTS_MAX];
    size_t count;
    if (w->sms_lost_from_card) {
        w->sms_lost_from_card--;
        return;
    }
    if (is_lost(w) || ++w->radio_carried == w->radio_lost_at)
        return;
    assert_ok(sms_split((struct span){ w->radio[i].packet, w->radio[i].len }, w->radio[i].iei, (uint8_t)w->sms_out,
                        &out, parts, &count));
    for (size_t k = 0; k < count; k++)
        smsr_short_message(w->smsr, w->radio[i].number, parts[k], (struct reply_ref){ SMSR_NODE_SMS, 1, 1 });
}

static void radio_next(struct world *w)
{
    static uint8_t packet[4096];
    struct world *home = w->card_at ? w->card_at : w;
    struct card_isdp *enabled = card_enabled(&home->card);
    bool to_card = w->radio[0].to_card;
    size_t len = w->radio[0].len;
    memcpy(packet, w->radio[0].packet, len);
    bool reachable = !strcmp(w->radio[0].number, enabled->msisdn);
    if (!to_card)
        from_card(w, 0);
    memmove(&w->radio[0], &w->radio[1], (w->radio_count - 1) * sizeof w->radio[0]);
    w->radio_count--;
    if (to_card && reachable) {
        home->por_to = w;
        card_packet(home, (struct span){ packet, len });
        home->por_to = NULL;
    }
}

/* One message of ours to the other SM-SR, and what it says to it in the same exchange. */
static void carry(struct world *w)
{
    struct world *to = w->other;
    int64_t id = w->mail[0].id;
    struct span body = w->mail[0].body;
    bool ours = strcmp(w->config.oid.text, OID_SMSR) == 0;
    memmove(&w->mail[0], &w->mail[1], --w->mail_count * sizeof w->mail[0]);
    unsigned n = ++w->mail_carried;
    to->reply_status = 0;
    to->reply = SPAN_NONE;
    if (n != w->mail_lost_at && !to->crashed && !w->mail_down) {
        smsr_soap(to->smsr, smsr_partner_by_oid(to->smsr, ours ? OID_SMSR : OID_SMSR2), body,
                  (struct reply_ref){ SMSR_NODE_SOAP, 2, ++to->next_slot });
        smsr_run(to->smsr);
    }
    if (w->crashed)
        return;
    bool good = to->reply_status >= 200 && to->reply_status < 300 && n != w->ack_lost_at;
    engine_result(smsr_engine(w->smsr), id, good ? EFFECT_SENT : EFFECT_FAILED, good ? to->reply_status : 0,
                  good ? to->reply : SPAN_NONE);
}

static bool settle_other(struct world *w)
{
    struct world *o = w->other;
    if (!o)
        return false;
    size_t before = o->mail_count + o->radio_count + w->mail_count;
    if (w->mail_count)
        carry(w);
    else if (o->mail_count && !o->crashed)
        carry(o);
    else if (o->radio_count && !o->crashed)
        radio_next(o);
    if (!o->crashed)
        smsr_run(o->smsr);
    return before > 0 && !(o->crashed && !w->mail_count);
}

void world_settle(struct world *w)
{
    if (w->other && w->card_at) { /* the card's side settles for both */
        world_settle(w->other);
        return;
    }
    smsr_run(w->smsr);
    for (;;) {
        if (w->crashed)
            return;
        if (w->radio_count)
            radio_next(w);
        else if (!settle_other(w) && (!w->pump || !w->pump(w))) {
            if (w->card.switch_to < 0)
                return;
            card_idle(w);
        }
        smsr_run(w->smsr);
    }
}

void world_pass(struct world *w, uint64_t ms)
{
    uint64_t end = w->now_ms + ms;
    while (w->now_ms < end && !w->crashed) {
        w->now_ms += w->now_ms + 1000 < end ? 1000 : end - w->now_ms;
        if (w->other)
            w->other->now_ms = w->now_ms;
        world_settle(w);
    }
}

/* ---- looking */

const struct told *world_told(struct world *w, enum es_function function)
{
    for (size_t i = w->told_count; i-- > 0;)
        if (w->told[i].function == function)
            return &w->told[i];
    return NULL;
}

size_t world_told_count(struct world *w, enum es_function function)
{
    size_t count = 0;
    for (size_t i = 0; i < w->told_count; i++)
        count += w->told[i].function == function;
    return count;
}

size_t world_told_whom(struct world *w, enum es_function function, const char *mno)
{
    size_t count = 0;
    for (size_t i = 0; i < w->told_count; i++)
        count += w->told[i].function == function && !strcmp(w->told[i].mno, mno);
    return count;
}

static struct euicc *load_euicc(struct world *w)
{
    struct store *real = sqlite_store_seam(w->sqlite);
    struct rowset *rows = ARENA_NEW(&w->arena, struct rowset);
    struct euicc *e;
    enum err err;
    *rows = (struct rowset){ .arena = &w->arena };
    while (!smsr_euicc_load(rows, EID_TEST, &e))
        real->load(real, rows, note, &err);
    assert_true(e && e->known);
    return e;
}

enum profile_state world_state(struct world *w, const char *iccid)
{
    struct euicc *e = load_euicc(w);
    struct iccid wanted = world_iccid(iccid);
    const struct profile *p = smsr_profile_by_iccid(e, &wanted);
    return p ? p->info.state : PROFILE_NONE;
}

void world_check_agreement(struct world *w)
{
    struct euicc *e = load_euicc(w);
    size_t on_card = 0;
    for (size_t i = 0; i < CARD_ISDPS_MAX; i++)
        on_card += w->card.isdp[i].state != 0;
    assert_int_equal(e->profile_count, on_card);
    for (size_t i = 0; i < e->profile_count; i++) {
        const struct profile_info *p = &e->profiles[i].info;
        const struct card_isdp *c = card_find(&w->card, &p->isdp_aid);
        assert_non_null(c);
        if (p->state == PROFILE_ENABLED || c->state == ISDP_ENABLED)
            assert_true(p->state == PROFILE_ENABLED && c->state == ISDP_ENABLED);
        assert_int_equal(p->fallback, c->fallback);
    }
    assert_int_equal(e->operation_count, 0);
    assert_int_equal(e->exchange_count, 0);
    assert_true(e->keysets[0].counter >= w->card.counter);
}

void world_forget(struct world *w)
{
    kept_bar(smsr_kept(w->smsr));
    kept_settle(smsr_kept(w->smsr), true);
}

void world_add_profile(struct world *w, const char *iccid, const char *mno, unsigned tar, const char *msisdn, int pol2)
{
    struct store *real = sqlite_store_seam(w->sqlite);
    struct aid aid = aid_isdp(tar);
    enum err err = ERR_BUSY;
    struct value params[] = { value_text(EID_TEST),
                              value_text(iccid),
                              value_blob(aid_span(&aid)),
                              value_text(mno),
                              value_text(OID_SMDP),
                              value_text("M2M"),
                              value_int(PROFILE_DISABLED),
                              value_int(0),
                              value_text(msisdn),
                              value_null(),
                              value_int(20000),
                              value_null(),
                              value_int(pol2),
                              value_int(0) };
    struct write write = {
        .statement = &SMSR_PROFILE_ADD, .params = params, .param_count = ARRAY_LEN(params), .expect_rows = 1
    };
    real->commit(real, &write, 1, note, &err);
    assert_ok(err);
    world_forget(w);
    for (size_t i = 0; i < CARD_ISDPS_MAX; i++)
        if (!w->card.isdp[i].state) {
            w->card.isdp[i] = (struct card_isdp){ .aid = aid, .state = ISDP_DISABLED };
            snprintf(w->card.isdp[i].msisdn, sizeof w->card.isdp[i].msisdn, "%s", msisdn);
            return;
        }
}

int64_t world_count(struct world *w, const char *table)
{
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM %s", table);
    struct statement *statement = ARENA_NEW(&w->arena, struct statement);
    *statement =
        (struct statement){ arena_text(&w->arena, span_text(table)), arena_text(&w->arena, span_text(sql)), NULL };
    struct rowset *rows = ARENA_NEW(&w->arena, struct rowset);
    *rows = (struct rowset){ .arena = &w->arena };
    const struct query *q = rowset_want(rows, statement, NULL, 0);
    struct store *real = sqlite_store_seam(w->sqlite);
    enum err err = ERR_BUSY;
    real->load(real, rows, note, &err);
    assert_ok(err);
    return row_int(&q->rows[0], 0);
}
