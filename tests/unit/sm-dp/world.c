#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/pki/gp_certificate.h"
#include "lib/pki/oid_octets.h"
#include "lib/pki/x509.h"

#define YEAR_MS    (365ull * 24 * 3600 * 1000)
#define URL_OP1    "https://op1.example/esim-messaging/3/ES2/ES2MnoService"
#define URL_OP2    "https://op2.example/esim-messaging/3/ES2/ES2MnoService"
#define URL_SMSR   "https://smsr.example/esim-messaging/3/ES3/ES3SmSrService"
#define URL_SMSR2  "https://smsr2.example/esim-messaging/3/ES3/ES3SmSrService"
#define STREAM_MAX 200000u

static struct span keep(struct span s)
{
    uint8_t *copy = test_keep(malloc(s.len + 1));
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = 0;
    return (struct span){ copy, s.len };
}

static struct oid oid_of(const char *text)
{
    struct oid oid;
    assert_ok(oid_from_text(span_text(text), &oid));
    return oid;
}

struct eid world_eid(void)
{
    struct eid eid;
    assert_ok(eid_from_text(SPAN_LIT(EID_TEST), &eid));
    return eid;
}

/* ---- seams */

static struct world *of_clock(struct clock *c) { return (struct world *)((char *)c - offsetof(struct world, clock)); }
static uint64_t now_ms(struct clock *c) { return of_clock(c)->now_ms; }
static void wake_at(struct clock *c, uint64_t at_ms)
{
    struct world *w = of_clock(c);
    if (at_ms < w->wake_ms)
        w->wake_ms = at_ms;
}

static void fill(struct rng *rng, uint8_t *out, size_t len)
{
    struct world *w = (struct world *)((char *)rng - offsetof(struct world, rng));
    for (size_t i = 0; i < len; i++) {
        w->drawn = w->drawn * 6364136223846793005u + 1442695040888963407u;
        out[i] = (uint8_t)(w->drawn >> 56);
    }
}

static void store_load(struct store *store, struct rowset *want, store_done *done, void *context)
{
    struct world *w = (struct world *)((char *)store - offsetof(struct world, store));
    struct store *real = sqlite_store_seam(w->sqlite);
    real->load(real, want, done, context);
}

static void store_commit(struct store *store, const struct write *writes, size_t count, store_done *done, void *context)
{
    struct world *w = (struct world *)((char *)store - offsetof(struct world, store));
    struct store *real = sqlite_store_seam(w->sqlite);
    bool now = ++w->commits == w->crash_at;
    if (w->crashed || (now && !w->crash_after)) {
        w->crashed = true;
        done(context, ERR_IO); /* nobody knows: on_fatal */
        return;
    }
    if (w->commits == w->full_at) {
        done(context, ERR_NO_SPACE);
        return;
    }
    real->commit(real, writes, count, done, context);
    w->crashed |= now;
}

static void net_send(struct net *net, const struct effect *effect)
{
    struct world *w = (struct world *)((char *)net - offsetof(struct world, net));
    if (w->crashed)
        return;
    if (effect->kind == EFFECT_REPLY) {
        if (effect->reply.slot != w->call_number)
            return; /* the exchange is gone */
        w->reply_status = effect->status;
        w->reply_body = keep(effect->body);
        w->replies++;
        return;
    }
    assert_true(w->posted_count < POSTED_MAX);
    w->posted[w->posted_count++] = (struct posted){ effect->id, strdup(effect->to), keep(effect->body) };
}

static void on_fatal(void *context) { ((struct world *)context)->crashed = true; }

/* ---- the fake SM-SR */

static struct span encode_answer(struct world *w, const char *oid, const struct es_message *request, const void *body)
{
    struct arena a;
    struct es_message m = { 0 };
    struct span soap;
    char unique[32];
    arena_init(&a, 4u << 20);
    es_answer(request, &m);
    m.body = body;
    m.wsa.from.address = span_text(URL_SMSR);
    m.wsa.from.entity_id = oid_of(oid);
    struct oid self = oid_of(oid);
    snprintf(unique, sizeof unique, "answer-%016llx", (unsigned long long)(w->drawn += 17));
    assert_ok(wsa_message_id_make(&a, &self, span_text(unique), request->wsa.message_id.transaction_id, SPAN_NONE,
                                  w->now_ms, '?', &m.wsa.message_id));
    assert_ok(es_encode(&m, &a, &soap));
    soap = keep(soap);
    arena_release(&a);
    return soap;
}

static void sign(struct world *w, struct eis *e, struct arena *a);
static struct profile_info info_of(const struct iccid *iccid, enum profile_state state)
{
    return (struct profile_info){ .iccid = *iccid,
                                  .isdp_aid = aid_isdp(0x11),
                                  .mno_id = oid_of(OID_OP1),
                                  .state = state,
                                  .smdp_id = oid_of(OID_SMDP),
                                  .allocated_memory = 1 };
}

static struct eis *make_eis(struct world *w, struct arena *a)
{
    struct fake_smsr *s = &w->smsr;
    struct eis *e = ARENA_NEW(a, struct eis);
    struct eis_keyset *ks = ARENA_NEW(a, struct eis_keyset);
    struct eis_certificate *c = ARENA_NEW(a, struct eis_certificate);
    *c = (struct eis_certificate){ .index = 1, .ca_id = oid_of(OID_EUM), .value = s->ecasd_certificate };
    *ks = (struct eis_keyset){ .version = 116, .usage = KEYSET_CA, .certificates = c, .certificate_count = 1 };
    e->eid = world_eid();
    if (s->wrong_eid)
        (void)!eid_with_check_digits(SPAN_LIT("890010120123412340123456789013"), &e->eid);
    e->eum_id = oid_of(OID_EUM);
    e->production_ms = WORLD_START_MS - YEAR_MS;
    e->platform_type = SPAN_LIT("test");
    (void)!eis_version_from_text(SPAN_LIT("1.0.0"), &e->platform_version);
    e->isdp_loadfile_aid = AID_ISDP_LOADFILE;
    e->isdp_module_aid = AID_ISDP_MODULE;
    e->ecasd = (struct security_domain){ .aid = AID_ECASD, .role = SD_ROLE_ECASD, .keysets = ks, .keyset_count = 1 };
    e->capabilities.http = true;
    (void)!eis_version_from_text(SPAN_LIT("1.1.0"), &e->capabilities.http_version);
    (void)!eis_version_from_text(SPAN_LIT("12.1.0"), &e->capabilities.secure_packet_version);
    (void)!eis_version_from_text(SPAN_LIT("3.2.0"), &e->capabilities.remote_provisioning_version);
    e->partial = true;
    e->remaining_memory = s->memory;
    e->available_memory = 600000;
    e->smsr_id = oid_of(OID_SMSR);
    e->isdr = (struct security_domain){ .aid = AID_ISDR, .role = SD_ROLE_ISDR };
    e->profiles = ARENA_ARRAY(a, struct profile_info, 3);
    if (s->left_over)
        e->profiles[e->profile_count++] = info_of(&s->left_over_iccid, PROFILE_CREATED);
    if (s->state != PROFILE_NONE)
        e->profiles[e->profile_count++] = info_of(&s->profile_iccid, s->state);
    e->profiles[e->profile_count] = info_of(&w->iccid, PROFILE_ENABLED);
    (void)!iccid_from_text(SPAN_LIT("8900000000000000018"), &e->profiles[e->profile_count].iccid);
    e->profiles[e->profile_count++].mno_id = oid_of(OID_OP2);
    sign(w, e, a);
    return e;
}

static void sign(struct world *w, struct eis *e, struct arena *a)
{
    char *pem;
    e->signature = SPAN_NONE;
    if (w->smsr.unsigned_eis)
        return;
    assert_ok(ec_private_pem(w->eum_key, &pem));
    assert_ok(eum_sign(e, span_text(pem), SPAN_NONE, a));
    ec_pem_free(pem);
    if (w->smsr.tampered_eis) {
        uint8_t *at = memmem(e->signed_info.ptr, e->signed_info.len, ">test<", 6);
        assert_non_null(at);
        at[4] = 's';
    }
}

static void agreed_keys(struct fake_smsr *s, struct scp03_keys *ret)
{
    *ret = (struct scp03_keys){ .kvn = 0x30, .key_len = 16 };
    memcpy(ret->enc, s->ka.keys.keys[0], 16);
    memcpy(ret->mac, s->ka.keys.keys[1], 16);
    memcpy(ret->dek, s->ka.keys.keys[2], 16);
}

static uint16_t channel_store(struct fake_smsr *s, const struct capdu *c, struct writer *rapdu)
{
    struct writer plain = wr_of(s->connectivity, sizeof s->connectivity);
    struct capdu inside;
    if (scp03_unwrap(&s->channel, c, &plain, &inside) != ERR_NONE)
        return SW_CONDITIONS;
    s->connectivity_len = inside.data.len;
    memmove(s->connectivity, inside.data.ptr, inside.data.len);
    if (s->store_sw)
        return s->store_sw;
    assert_ok(scp03_response_wrap(&s->channel, &(struct rapdu){ .sw = SW_OK }, rapdu));
    return SW_OK;
}

/* INITIALIZE UPDATE, EXTERNAL AUTHENTICATE, STORE DATA to the ISD-P; false: not one of them. */
static bool channel_apdu(struct fake_smsr *s, struct span capdu, struct writer *rapdu)
{
    struct capdu c;
    struct scp03_keys keys;
    uint16_t sw = SW_OK;
    assert_ok(capdu_parse(capdu, &c));
    if (c.cla == 0x80 && c.ins == 0x50) {
        agreed_keys(s, &keys);
        assert_ok(scp03_open_card(&keys, 2 + s->channels++, aid_span(&s->isdp), c.data, &s->channel, rapdu));
    } else if (c.cla == 0x84 && c.ins == 0x82) {
        if (s->lose_channels && s->lose_channels--)
            scp03_session_close(&s->channel);
        sw = scp03_external_authenticate_check(&s->channel, &c) == ERR_NONE ? SW_OK : SW_CONDITIONS;
    } else if (c.cla == 0x84) {
        sw = channel_store(s, &c, rapdu);
        if (sw == SW_OK)
            return true; /* the response has its status word */
    } else {
        return false;
    }
    wr_u16(rapdu, sw);
    return true;
}

/* The items of one SendData, executed; false: the card said that something failed. */
static bool execute(struct world *w, struct span data, struct writer *out)
{
    struct fake_smsr *s = &w->smsr;
    struct reader r = rd_of(data);
    struct tlv t;
    while (tlv_next(&r, &t)) {
        size_t at = out->len;
        if (t.tag == RAM_TAG_CAPDU) {
            WRITER_ON_STACK(rapdu, 300);
            if (!channel_apdu(s, t.val, &rapdu))
                ka_card_apdu(&s->ka, t.val, &rapdu);
            if (s->bad_receipt && rapdu.len > 20 && rapdu.buf[rapdu.len - 20] == 0x86)
                rapdu.buf[rapdu.len - 5] ^= 1;
            wr_tlv(out, RAM_TAG_RAPDU, wr_span(&rapdu));
            if (rapdu.buf[rapdu.len - 2] != 0x90)
                return false;
            continue;
        }
        struct ram_item item = { t.tag, t.val, t.raw };
        if (t.tag == SCP03T_INITIALIZE_UPDATE) { /* fresh keys: the agreement's */
            agreed_keys(s, &s->scp.keys);
            s->scp.has_keys = s->ka.keys.count == 3;
            s->scp.aid = aid_span(&s->isdp);
            s->stream.len = 0;
        }
        if (t.tag == SCP03T_DATA && ++s->segments == s->lose_session_at)
            scp03_session_close(&s->scp.session);
        bool last = t.tag == SCP03T_DATA && s->stream.len + SCP03T_PLAIN_MAX >= w->package.len;
        bool aborted = s->pe_status != 0;
        uint8_t response[] = { 0x30, aborted ? 0x09 : 0x07, 0xA0, 0x05, 0x30, 0x03, 0x80, 0x01, s->pe_status, 0x81, 0x00 };
        s->scp.last_answer = last && !s->no_final_answer ? (struct span){ response, response[1] + 2u } : SPAN_NONE;
        s->scp.data_left = last ? 1 : SIZE_MAX;
        enum err err = case_card_item(&s->scp, &item, out);
        if (err != ERR_NONE) {
            out->len = at;
            scp03t_error_write(out, (uint8_t)t.tag, err);
            return false;
        }
    }
    return true;
}

static struct status run_send(struct world *w, struct span data, struct arena *a, struct es_card_response *c)
{
    struct writer out = wr_arena(a, 65536);
    bool good = execute(w, data, &out);
    c->euicc_response = wr_span(&out);
    return good ? status_success() : status_failed(REASON_ISDP_FAILED, "", "the card answered with an error");
}

static void plma_of_two_operators(struct es_plma_response *r, struct arena *a)
{
    r->plma = ARENA_ARRAY(a, struct es_plma, 2);
    r->plma_count = 2;
    for (size_t i = 0; i < 2; i++)
        r->plma[i] = (struct es_plma){ .mno_id = oid_of(i ? OID_OP1 : OID_OP2),
                                       .profile_type = SPAN_LIT(TYPE_TEST),
                                       .m2m_sp_id = oid_of("1.3.6.1.4.1.99999.21") };
}

static struct status run_function(struct world *w, const struct es_message *m, struct arena *a,
                                  struct es_response *body)
{
    struct fake_smsr *s = &w->smsr;
    const struct es_profile_request *p = m->body;
    switch (m->function) {
    case ES3_GET_EIS:
    case ES3_AUDIT_EIS:
        ((struct es_eis_response *)body)->eis = make_eis(w, a);
        return status_success();
    case ES3_CREATE_ISDP: {
        const struct es3_create_isdp *c = m->body;
        if (s->state != PROFILE_NONE)
            return status_failed(REASON_ICCID_IN_USE, c->iccid.digits, "already");
        s->state = PROFILE_CREATED;
        s->profile_iccid = c->iccid;
        s->isdp = aid_isdp(0x10);
        ((struct es_card_response *)body)->isdp_aid = s->isdp;
        return status_success();
    }
    case ES3_SEND_DATA:
        return run_send(w, ((const struct es3_send_data *)m->body)->data, a, (struct es_card_response *)body);
    case ES3_UPDATE_CONNECTIVITY_PARAMETERS:
        return run_send(w, ((const struct es3_update_connectivity_parameters *)m->body)->parameters, a,
                        (struct es_card_response *)body);
    case ES3_PROFILE_DOWNLOAD_COMPLETED:
        s->state = PROFILE_DISABLED;
        return status_success();
    case ES3_ENABLE_PROFILE:
        s->state = PROFILE_ENABLED;
        return status_success();
    case ES3_DISABLE_PROFILE:
        s->state = PROFILE_DISABLED;
        return status_success();
    case ES3_DELETE_ISDP:
        if (s->left_over && iccid_eq(&p->iccid, &s->left_over_iccid)) {
            s->left_over = false;
            return status_success();
        }
        if (s->state == PROFILE_NONE)
            return status_failed(REASON_ICCID_UNKNOWN, p->iccid.digits, "no such profile");
        s->state = PROFILE_NONE;
        return status_success();
    case ES3_GET_PLMA:
        plma_of_two_operators((struct es_plma_response *)body, a);
        return status_success();
    default:
        return status_success();
    }
}

static struct span smsr_execute(struct world *w, const char *oid, const struct es_message *m, struct arena *a)
{
    struct fake_smsr *s = &w->smsr;
    const struct es_request *base = m->body;
    for (size_t i = 0; i < s->answer_count; i++)
        if (span_eq(span_text(s->answers[i].call_id), base->call_id)) {
            s->repeats++;
            return s->answers[i].soap;
        }
    struct status ok = status_success();
    struct es_response *body = es_response_new(a, m->function, &ok, w->now_ms, w->now_ms);
    s->calls[m->function]++;
    bool fail = s->fail == m->function && s->fail_times;
    s->fail_times -= fail;
    body->status = strcmp(oid, s->home) != 0 ? status_failed(REASON_EID_UNKNOWN, EID_TEST, "not registered at this SM-SR")
                   : fail                    ? s->fail_status
                                             : run_function(w, m, a, body);
    assert_true(s->answer_count < STORED_MAX);
    struct stored_answer *stored = &s->answers[s->answer_count++];
    snprintf(stored->call_id, sizeof stored->call_id, "%.*s", (int)base->call_id.len, (const char *)base->call_id.ptr);
    stored->soap = encode_answer(w, oid, m, body);
    return stored->soap;
}

static void deliver_to_smsr(struct world *w, const char *oid, const struct posted *p)
{
    struct arena a;
    struct es_message m;
    struct es_fault fault;
    arena_init(&a, 8u << 20);
    if (w->smsr.deaf) {
        engine_result(smdp_engine(w->smdp), p->id, EFFECT_FAILED, 0, SPAN_NONE);
        arena_release(&a);
        return;
    }
    assert_ok(es_decode(p->body, &a, &m, &fault));
    assert_int_equal(m.kind, ES_REQUEST);
    bool sync = es_function_info(m.function)->pattern == ES_SYNC;
    struct span soap = sync || !w->smsr.silent ? smsr_execute(w, oid, &m, &a) : SPAN_NONE;
    engine_result(smdp_engine(w->smdp), p->id, EFFECT_SENT, sync ? 200 : 202, sync ? soap : SPAN_NONE);
    if (!sync && soap.len && !w->crashed)
        smdp_soap(w->smdp, smdp_partner_by_oid(w->smdp, oid), soap, (struct reply_ref){ 0 });
    arena_release(&a);
}

static void deliver_to_operator(struct world *w, const struct posted *p)
{
    struct arena a;
    struct es_message m;
    struct es_fault fault;
    arena_init(&a, 8u << 20);
    assert_ok(es_decode(p->body, &a, &m, &fault));
    assert_true(w->told_count < TOLD_MAX);
    struct told *t = &w->told[w->told_count++];
    *t = (struct told){ .function = m.function, .kind = m.kind };
    snprintf(t->url, sizeof t->url, "%s", p->to);
    snprintf(t->message_id, sizeof t->message_id, "%.*s", (int)m.wsa.message_id.raw.len,
             (const char *)m.wsa.message_id.raw.ptr);
    if (m.kind == ES_RESPONSE)
        t->status = es_response_of(&m)->status;
    if (m.function == ES2_DOWNLOAD_PROFILE)
        t->iccid = ((const struct es_card_response *)m.body)->iccid;
    engine_result(smdp_engine(w->smdp), p->id, EFFECT_SENT, 202, SPAN_NONE);
    arena_release(&a);
}

static void deliver(struct world *w)
{
    struct posted p = w->posted[0];
    memmove(w->posted, w->posted + 1, --w->posted_count * sizeof p);
    if (!strcmp(p.to, URL_SMSR) || !strcmp(p.to, URL_SMSR2))
        deliver_to_smsr(w, strcmp(p.to, URL_SMSR) ? OID_SMSR2 : OID_SMSR, &p);
    else
        deliver_to_operator(w, &p);
    free(p.to);
}

/* ---- life */

static void line(struct log *log, enum log_level level, const char *text)
{
    (void)log;
    (void)level;
    if (getenv("VERBOSE"))
        print_message("    %s\n", text);
}

static void start(struct world *w)
{
    static struct log log = { line };
    struct env env = { .log = &log,
                       .clock = &w->clock,
                       .rng = &w->rng,
                       .net = &w->net,
                       .store = &w->store,
                       .keys = keystore_soft_keys(w->keys) };
    assert_ok(smdp_new(&w->config, &env, &w->smdp));
}

void world_restart(struct world *w)
{
    smdp_free(w->smdp);
    for (size_t i = 0; i < w->posted_count; i++)
        free(w->posted[i].to);
    w->posted_count = 0;
    w->crashed = false;
    w->crash_at = 0;
    w->now_ms += 120000; /* whatever had a lease is over */
    start(w);
    assert_ok(smdp_start(w->smdp));
}

void world_run(struct world *w, unsigned until_s)
{
    uint64_t end = w->now_ms + 1000ull * until_s;
    for (;;) {
        size_t delivered;
        do {
            smdp_run(w->smdp);
            if (w->crashed)
                return;
            delivered = w->posted_count;
            if (delivered)
                deliver(w);
        } while (delivered);
        if (w->wake_ms > end)
            break;
        w->now_ms = w->wake_ms > w->now_ms ? w->wake_ms : w->now_ms + 1;
        w->wake_ms = UINT64_MAX;
    }
    w->now_ms = end;
}

static void make_pki(struct world *w)
{
    struct x509 *ci, *eum;
    struct x509_request q = { .kind = X509_CI,
                              .common_name = "CI",
                              .oid = "1.3.6.1.4.1.99999.9",
                              .from_ms = WORLD_START_MS - YEAR_MS,
                              .to_ms = WORLD_START_MS + 9 * YEAR_MS,
                              .rng = &w->rng };
    assert_ok(ec_generate(w->curve, &w->rng, &w->ci_key));
    assert_ok(ec_generate(w->curve, &w->rng, &w->eum_key));
    assert_ok(ec_generate(w->curve, &w->rng, &w->ecasd_key));
    assert_ok(ec_generate(w->curve, &w->rng, &w->dp_key));
    q.subject = q.issuer_key = w->ci_key;
    assert_ok(x509_issue(&q, &ci));
    q.kind = X509_EUM;
    q.common_name = "EUM";
    q.oid = OID_EUM;
    q.subject = w->eum_key;
    q.issuer = ci;
    assert_ok(x509_issue(&q, &eum));
    assert_ok(trust_add(&w->trust, ci));
    w->config.eums[w->config.eum_count++] = eum;
}

static void make_card_certificates(struct world *w)
{
    static uint8_t dp_room[GP_CERTIFICATE_MAX], ecasd_room[GP_CERTIFICATE_MAX];
    uint8_t point[EC_POINT_LEN], ski[GP_SKI_LEN];
    struct writer dp = wr_of(dp_room, sizeof dp_room), ecasd = wr_of(ecasd_room, sizeof ecasd_room);
    struct eid eid = world_eid();
    struct gp_certificate c = { .serial = hex_lit("01"),
                                .ca_id = hex_lit("2B060104018D1F09"),
                                .subject_id = hex_lit("2B060104018D1F03"),
                                .key_usage = GP_USAGE_VERIFY,
                                .key_usage_len = 1,
                                .role = GP_ROLE_SM_DP,
                                .curve = w->curve };
    gp_date(WORLD_START_MS + YEAR_MS, c.expiration);
    ec_key_point(w->dp_key, point);
    c.point = SPAN_OF(point);
    assert_ok(gp_ski(w->ci_key, ski));
    c.authority_key_id = SPAN_OF(ski);
    assert_ok(gp_certificate_issue(&c, w->ci_key, &dp));
    w->config.certificates.count = 0;
    assert_ok(card_certificates_add(&w->config.certificates, wr_span(&dp), GP_ROLE_SM_DP, "card"));

    ec_key_point(w->ecasd_key, point);
    assert_ok(gp_ski(w->eum_key, ski));
    WRITER_ON_STACK(eum_oid, 32);
    struct oid eum = oid_of(OID_EUM);
    assert_ok(oid_to_octets(&eum, &eum_oid));
    c.ca_id = wr_span(&eum_oid);
    c.subject_id = eid_span(&eid);
    c.key_usage = GP_USAGE_AGREEMENT;
    c.key_usage_len = 2;
    c.role = GP_ROLE_NONE;
    c.image_number = hex_lit("00000001");
    assert_ok(gp_certificate_issue(&c, w->eum_key, &ecasd));
    w->smsr.ecasd_certificate = wr_span(&ecasd);
}

static void make_card(struct world *w)
{
    static uint8_t stream[STREAM_MAX], scalar[EC_FIELD_LEN], point[EC_POINT_LEN];
    struct fake_smsr *s = &w->smsr;
    s->memory = 500000;
    s->stream = wr_of(stream, sizeof stream);
    s->scp.stream = &s->stream;
    s->scp.counter = 1;
    assert_ok(ec_key_scalar(w->ecasd_key, scalar));
    ec_key_point(w->ci_key, point);
    s->ka.curve = w->curve;
    s->ka.role = 1;
    s->ka.pk_ci = SPAN_OF(point);
    s->ka.sk_ecasd = SPAN_OF(scalar);
    s->ka.rc = hex_lit("000102030405060708090A0B0C0D0E0F");
    s->ka.dr = hex_lit("A6B988796BD91C209657D13FC7C14B8A");
}

static void make_partners(struct world *w)
{
    static const struct {
        const char *name, *oid, *url;
        unsigned kinds;
    } rows[] = {
        { "op1", OID_OP1, URL_OP1, SMDP_OPERATOR },
        { "op2", OID_OP2, URL_OP2, SMDP_OPERATOR },
        { "smsr", OID_SMSR, URL_SMSR, SMDP_SMSR },
        { "smsr2", OID_SMSR2, URL_SMSR2, SMDP_SMSR },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct smdp_partner *p = &w->partners[i];
        p->oid = oid_of(rows[i].oid);
        p->kinds = rows[i].kinds;
        snprintf(p->name, sizeof p->name, "%s", rows[i].name);
        snprintf(p->url, sizeof p->url, "%s", rows[i].url);
    }
    w->config.partners = w->partners;
    w->config.partner_count = ARRAY_LEN(rows);
    w->config.oid = oid_of(OID_SMDP);
    w->config.trust = &w->trust;
    w->config.segments_per_call = 8;
    w->config.on_fatal = on_fatal;
    w->config.on_fatal_context = w;
    snprintf(w->config.url, sizeof w->config.url, "https://smdp.example");
}

struct world *world_new(void) { return world_new_on(EC_P256); }

struct world *world_new_on(enum ec_curve curve)
{
    const char *path = shared_path("data/profiles/TS48v1_A.der");
    struct world *w = path ? calloc(1, sizeof *w) : NULL;
    char detail[SMDP_DETAIL_MAX];
    uint8_t master[KEYSTORE_MASTER_LEN] = { 7 };
    enum err err;
    if (!w)
        return NULL;
    w->curve = curve;
    w->clock = (struct clock){ now_ms, wake_at };
    w->rng.fill = fill;
    w->net.send = net_send;
    w->store = (struct store){ store_load, store_commit };
    w->now_ms = WORLD_START_MS;
    w->wake_ms = UINT64_MAX;
    w->drawn = 42;
    make_partners(w);
    make_pki(w);
    make_card_certificates(w);
    make_card(w);
    w->smsr.home = OID_SMSR;
    assert_ok(keystore_soft_new(SPAN_OF(master), &w->rng, &w->keys));
    assert_ok(keystore_soft_add(w->keys, "card", w->dp_key));
    w->sqlite = sqlite_store_open(&(struct sqlite_options){ ":memory:", smdp_schema, smdp_schema_count }, &err, detail);
    assert_non_null(w->sqlite);
    start(w);
    w->package = file_bytes(path);
    struct smdp_order order = { .package = w->package, .owner = oid_of(OID_OP1), .address.msisdn = "33612345678" };
    assert_ok(smdp_order(w->smdp, &order, detail));
    assert_ok(smdp_start(w->smdp));
    assert_ok(iccid_from_text(SPAN_LIT("89000123456789012341"), &w->iccid));
    return w;
}

void world_free(struct world *w)
{
    smdp_free(w->smdp);
    sqlite_store_close(w->sqlite);
    keystore_soft_free(w->keys);
    for (size_t i = 0; i < w->config.eum_count; i++)
        x509_free(w->config.eums[i]);
    trust_done(&w->trust);
    ec_key_free(w->ci_key);
    ec_key_free(w->eum_key);
    ec_key_free(w->ecasd_key);
    for (size_t i = 0; i < w->posted_count; i++)
        free(w->posted[i].to);
    free(w);
}

/* ---- revocation */

struct span world_serial_of_eum(struct world *w)
{
    struct writer out = wr_of(test_keep(malloc(X509_SERIAL_MAX)), X509_SERIAL_MAX);
    x509_serial(w->config.eums[0], &out);
    return wr_span(&out);
}

struct span world_serial_of_gp(struct span certificate)
{
    struct gp_certificate gp;
    assert_ok(gp_certificate_decode(certificate, &gp));
    return gp.serial;
}

void world_revoke(struct world *w, bool by_eum, struct span serial)
{
    uint8_t text[4096];
    char path[] = "/tmp/osprey-list-XXXXXX";
    struct writer pem = wr_of(text, sizeof text);
    const struct revocation_request q = { .issuer = by_eum ? w->config.eums[0] : w->trust.roots[0],
                                          .issuer_key = by_eum ? w->eum_key : w->ci_key,
                                          .serials = &serial, .serial_count = 1,
                                          .from_ms = w->now_ms - 1000, .to_ms = w->now_ms + 86400000 };
    assert_ok(revocation_issue(&q, &pem));
    int file = mkstemp(path);
    assert_int_equal(write(file, text, pem.len), pem.len);
    close(file);
    assert_ok(trust_load_lists(&w->trust, path, false));
    unlink(path);
}

/* ---- partners speak */

static int say(struct world *w, const char *oid, struct es_message *m, const char *url)
{
    struct arena a;
    struct span soap;
    char unique[40];
    struct oid from = oid_of(oid);
    arena_init(&a, 4u << 20);
    w->call_number++;
    m->wsa.from = (struct wsa_endpoint){ .address = span_text(url), .entity_id = from };
    m->wsa.to = (struct wsa_endpoint){ .address = SPAN_LIT("https://smdp.example/x"), .entity_id = oid_of(OID_SMDP) };
    snprintf(unique, sizeof unique, "unique-%u-%llx", w->call_number, (unsigned long long)w->now_ms);
    if (!m->wsa.message_id.raw.len)
        assert_ok(wsa_message_id_make(&a, &from, span_text(unique), SPAN_LIT("transaction"), SPAN_NONE, w->now_ms, '?',
                                      &m->wsa.message_id));
    assert_ok(es_encode(m, &a, &soap));
    w->reply_status = 0;
    smdp_soap(w->smdp, smdp_partner_by_oid(w->smdp, oid), soap,
              (struct reply_ref){ SMDP_NODE_SOAP, w->call_number, 1 });
    smdp_run(w->smdp);
    arena_release(&a);
    return w->reply_status;
}

int world_call(struct world *w, const char *oid, enum es_function function, void *body, uint32_t validity_s,
               const char *call_id)
{
    char fresh[32];
    snprintf(fresh, sizeof fresh, "call-%u", w->call_number);
    *(struct es_request *)body = (struct es_request){ span_text(call_id ? call_id : fresh), validity_s };
    struct es_message m = { .function = function, .kind = ES_REQUEST, .body = body };
    return say(w, oid, &m, strcmp(oid, OID_OP1) ? URL_OP2 : URL_OP1);
}

int world_download(struct world *w, bool enable, uint32_t validity_s, const char *call_id)
{
    struct es2_download_profile body = {
        .eid = world_eid(), .smsr_id = oid_of(OID_SMSR), .iccid = w->iccid, .enable = enable
    };
    return world_call(w, OID_OP1, ES2_DOWNLOAD_PROFILE, &body, validity_s, call_id);
}

int world_notify(struct world *w, enum es_function function, const void *body, const char *message_id)
{
    struct es_message m = { .function = function, .kind = ES_NOTIFICATION, .body = body };
    m.wsa.message_id.raw = span_text(message_id);
    return say(w, OID_SMSR, &m, URL_SMSR);
}

int world_notify_change(struct world *w, const char *oid, const char *in_eis, const char *to, uint64_t since_ms)
{
    struct arena a;
    arena_init(&a, 1u << 20);
    struct es_smsr_notification n = { .eis = make_eis(w, &a), .mno_id = oid_of(to), .completed_ms = since_ms };
    n.eis->smsr_id = oid_of(in_eis);
    struct es_message m = { .function = ES3_SMSR_CHANGE_NOTIFICATION, .kind = ES_NOTIFICATION, .body = &n };
    int status = say(w, oid, &m, URL_SMSR2);
    arena_release(&a);
    return status;
}

size_t world_answers(const struct world *w, enum es_function function)
{
    size_t n = 0;
    for (size_t i = 0; i < w->told_count; i++) {
        bool seen = false;
        for (size_t k = 0; k < i; k++)
            seen |= !strcmp(w->told[k].message_id, w->told[i].message_id);
        n += w->told[i].function == function && !seen;
    }
    return n;
}

const struct told *world_answer(const struct world *w, enum es_function function)
{
    assert_int_equal(world_answers(w, function), 1);
    for (size_t i = 0; i < w->told_count; i++)
        if (w->told[i].function == function)
            return &w->told[i];
    return NULL;
}

static void note(void *context, enum err err) { *(enum err *)context = err; }

int64_t world_count(struct world *w, const char *query)
{
    struct statement *statement = test_keep(malloc(sizeof *statement)); /* the store keeps it by address */
    *statement = (struct statement){ "test", query, NULL };
    struct arena a;
    enum err err = ERR_BUSY;
    arena_init(&a, 1u << 20);
    struct rowset *rows = ARENA_NEW(&a, struct rowset);
    rows->arena = &a;
    const struct query *q = rowset_want(rows, statement, NULL, 0);
    struct store *real = sqlite_store_seam(w->sqlite);
    real->load(real, rows, note, &err);
    assert_ok(err);
    int64_t n = row_int(&q->rows[0], 0);
    arena_release(&a);
    return n;
}
