#include "ecosystem.h"

#include <stdio.h>
#include <stdlib.h>

#include "eum/factory.h"
#include "eum/register.h"
#include "lib/codec/hex.h"
#include "lib/es/eum_signature.h"
#include "lib/io/file.h"
#include "lib/profile/build.h"

#define OID_SMSR     "2.999.2"
#define OID_EUM      "2.999.3"
#define OID_SMDP     "2.999.4"
#define OID_START    "2.999.9"
#define OID_OPERATOR "2.999.10"
#define URL_SMSR     "https://sm-sr.sim"
#define URL_SMDP     "https://sm-dp.sim"
#define URL_OPERATOR "https://operator.sim"
#define SMSR_NUMBER  "999710000000"
#define YEAR_MS      (365ull * 24 * 3600 * 1000)

static const struct eum_validity validity = { WORLD_START_MS - YEAR_MS, WORLD_START_MS + 20 * YEAR_MS };

static struct rng *chance_of(struct ecosystem *e) { return &world_chance(e->world)->seam; }

static struct oid oid_of(const char *text)
{
    struct oid oid;
    sim_must(oid_from_text(span_text(text), &oid), "OID");
    return oid;
}

/* ---- authorities ---- */

static void make_authorities(struct ecosystem *e)
{
    struct x509 *ci;
    sim_must(ec_generate(EC_P256, chance_of(e), &e->ci_key), "CI key");
    sim_must(ec_generate(EC_P256, chance_of(e), &e->eum_key), "EUM key");
    sim_must(eum_ci_certificate("Simulated CI", "2.999.1", e->ci_key, validity, chance_of(e), &ci), "CI certificate");
    sim_must(trust_add(&e->trust, ci), "CI certificate");
    struct x509_request request = { .kind = X509_EUM, .common_name = "Simulated EUM", .oid = OID_EUM, .from_ms = validity.from_ms,
                                    .to_ms = validity.to_ms, .subject = e->eum_key, .issuer = e->trust.roots[0],
                                    .issuer_key = e->ci_key, .rng = chance_of(e) };
    sim_must(x509_issue(&request, &e->eum_certificate), "EUM certificate");
    chance_of(e)->fill(chance_of(e), e->kek, sizeof e->kek);
}

static struct span card_certificate(struct ecosystem *e, struct ec_key *key)
{
    struct writer out = wr_arena(&e->arena, GP_CERTIFICATE_MAX);
    struct eum_card_request request = { .issuer = { e->trust.roots[0], e->ci_key }, .subject = oid_of(OID_SMDP),
                                        .role = GP_ROLE_SM_DP, .subject_key = key, .validity = validity, .rng = chance_of(e) };
    sim_must(eum_card_certificate(&request, &out), "SM-DP card certificate");
    return wr_span(&out);
}

/* ---- servers ---- */

static struct smsr_partner smsr_partner(const char *name, const char *oid, unsigned kind)
{
    struct smsr_partner p = { .oid = oid_of(oid), .kinds = kind };
    snprintf(p.name, sizeof p.name, "%s", name);
    return p;
}

static struct x509 *copy_of(struct ecosystem *e, const struct x509 *x)
{
    struct x509 *copy;
    struct writer der = wr_arena(&e->arena, X509_DER_MAX);
    x509_der(x, &der);
    sim_must(x509_read(wr_span(&der), &copy), "certificate");
    return copy;
}

static void make_smsr(struct ecosystem *e)
{
    struct smsr_partner *p = e->smsr_partners;
    struct smsr_config config = { .oid = oid_of(OID_SMSR), .url = URL_SMSR, .partners = p, .partner_count = 3, .trust = &e->trust,
                                  .admin_uri = "/gsma/adminagent", .admin_ipv4 = { 192, 0, 2, 1 }, .admin_port = 8443 };
    p[0] = smsr_partner("eum", OID_EUM, SMSR_EUM);
    p[0].eum_certificate = copy_of(e, e->eum_certificate);
    memcpy(p[0].kek, e->kek, sizeof e->kek);
    p[0].kek_len = sizeof e->kek;
    p[1] = smsr_partner("sm-dp", OID_SMDP, SMSR_SMDP);
    snprintf(p[1].es3_url, sizeof p[1].es3_url, URL_SMDP "/esim-messaging/3/ES3/ES3SmDpService");
    p[1].acts_for[0] = oid_of(OID_OPERATOR);
    p[1].acts_for[1] = oid_of(OID_START);
    p[1].acts_for_count = 2;
    p[2] = smsr_partner("operator", OID_OPERATOR, SMSR_OPERATOR);
    snprintf(p[2].es4_url, sizeof p[2].es4_url, URL_OPERATOR "/esim-messaging/3/ES4/ES4MnoService");
    e->smsr = sim_smsr_new(e->world, &e->network, &config);
}

static void make_smdp(struct ecosystem *e)
{
    struct ec_key *key;
    struct smdp_partner *p = e->smdp_partners;
    struct smdp_config config = { .oid = oid_of(OID_SMDP), .url = URL_SMDP, .partners = p, .partner_count = 2, .trust = &e->trust,
                                  .eums = { e->eum_certificate }, .eum_count = 1, .certificate_count = 1 };
    sim_must(ec_generate(EC_P256, chance_of(e), &key), "SM-DP key");
    config.certificates[0] = (struct smdp_certificate){ .gp = card_certificate(e, key), .key_name = "card", .curve = EC_P256 };
    p[0] = (struct smdp_partner){ .name = "operator", .oid = oid_of(OID_OPERATOR), .kinds = SMDP_OPERATOR,
                                  .url = URL_OPERATOR "/esim-messaging/3/ES2/ES2MnoService" };
    p[1] = (struct smdp_partner){ .name = "sm-sr", .oid = oid_of(OID_SMSR), .kinds = SMDP_SMSR,
                                  .url = URL_SMSR "/esim-messaging/3/ES3/ES3SmSrService" };
    e->smdp = sim_smdp_new(e->world, &config, key);
}

/* ---- the operator: asks, and takes what comes back ---- */

static struct sim_card *card_of_message(struct ecosystem *e, struct span message_id)
{
    for (unsigned i = 0; i < e->options.card_count; i++) {
        char mark[32];
        int len = snprintf(mark, sizeof mark, "/download-%08u", i);
        if (message_id.len && memmem(message_id.ptr, message_id.len, mark, (size_t)len))
            return &e->cards[i];
    }
    return NULL;
}

static void operator_soap(void *role, const char *sender, struct span body, struct reply_ref reply)
{
    struct ecosystem *e = role;
    struct arena arena;
    struct es_message m;
    struct es_fault fault;
    (void)sender;
    arena_init(&arena, 1u << 20);
    enum err err = es_decode(body, &arena, &m, &fault);
    struct sim_card *card = err == ERR_NONE ? card_of_message(e, m.wsa.relates_to) : NULL;
    if (card && m.kind == ES_RESPONSE) {
        card->answers++;
        card->status = es_response_of(&m)->status;
        world_say(e->world, "operator: %s: %s", card->iccid.digits, exec_status_xml(card->status.exec));
    } else if (err == ERR_NONE && m.kind == ES_NOTIFICATION) {
        e->notifications++;
    }
    world_reply(e->world, &(struct effect){ .kind = EFFECT_REPLY, .reply = reply, .status = err == ERR_NONE ? 202 : 400 });
    arena_release(&arena);
}

static void ask_for_download(struct ecosystem *e, unsigned i, bool enable, uint32_t validity_s)
{
    struct arena arena;
    struct span soap;
    char unique[32], call[32];
    arena_init(&arena, 1u << 18);
    snprintf(unique, sizeof unique, "download-%08u", i);
    snprintf(call, sizeof call, "call-%08u", i);
    struct es2_download_profile body = { .base = { .call_id = span_text(call), .validity_s = validity_s }, .eid = e->cards[i].eid,
                                         .smsr_id = oid_of(OID_SMSR), .iccid = e->cards[i].iccid, .enable = enable };
    struct es_message m = { .function = ES2_DOWNLOAD_PROFILE, .kind = ES_REQUEST, .body = &body };
    m.wsa.from = (struct wsa_endpoint){ .address = span_text(URL_OPERATOR "/esim-messaging/3/ES2/ES2MnoService"),
                                        .entity_id = oid_of(OID_OPERATOR) };
    m.wsa.reply_to = m.wsa.from;
    m.wsa.to = (struct wsa_endpoint){ .address = span_text(URL_SMDP "/esim-messaging/3/ES2/ES2SmDpService"), .entity_id = oid_of(OID_SMDP) };
    sim_must(wsa_message_id_make(&arena, &m.wsa.from.entity_id, span_text(unique), SPAN_NONE, SPAN_NONE, world_now(e->world), '?',
                                 &m.wsa.message_id), "MessageID");
    sim_must(es_encode(&m, &arena, &soap), "ES2.DownloadProfile");
    world_post(e->world, "operator", &(struct effect){ .to = URL_SMDP, .body = soap });
    arena_release(&arena);
}

struct download_plan {
    struct ecosystem *e;
    bool enable;
    uint32_t validity_s;
};

static void download_now(void *context, uint64_t i)
{
    struct download_plan *plan = context;
    ask_for_download(plan->e, (unsigned)i, plan->enable, plan->validity_s);
}

void ecosystem_download_all(struct ecosystem *e, uint64_t spread_ms, bool enable, uint32_t validity_s)
{
    struct download_plan *plan = ARENA_NEW(&e->arena, struct download_plan);
    sim_must(plan ? ERR_NONE : ERR_NO_MEMORY, "plan");
    *plan = (struct download_plan){ e, enable, validity_s };
    for (unsigned i = 0; i < e->options.card_count; i++) {
        uint64_t at = world_now(e->world) + chance_below(world_chance(e->world), (uint32_t)spread_ms + 1);
        clockwork_plan(world_time(e->world), at, download_now, plan, i);
    }
}

/* ---- cards ---- */

struct profile_text {
    struct span source;
    char iccid[20], imsi[GSUP_IMSI_MAX];
};

static struct span read_source(struct ecosystem *e, const char *name)
{
    char path[1024];
    struct span source;
    snprintf(path, sizeof path, "%s/%s", e->options.profiles, name);
    sim_must(file_read(path, BUILD_TEXT_MAX, &e->arena, &source), path);
    return source;
}

static struct span build_package(const struct profile_text *p, struct arena *arena)
{
    struct build_setting settings[] = { { SPAN_LIT("iccid"), span_text(p->iccid) }, { SPAN_LIT("imsi"), span_text(p->imsi) } };
    struct build_fault fault;
    struct span package;
    enum err err = profile_build(p->source, settings, ARRAY_LEN(settings), arena, &package, &fault);
    if (err != ERR_NONE)
        fprintf(stderr, "line %u: %s\n", fault.line, fault.text);
    sim_must(err, "profile");
    return package;
}

static void subscribe(struct ecosystem *e, const struct profile_text *p, const char *msisdn)
{
    uint8_t k[16], opc[16];
    struct sim_subscriber *s = sim_network_add(&e->network, p->imsi, msisdn);
    sim_must(hex_read_exact(profile_build_variable(p->source, NULL, 0, "k"), k, sizeof k), "k");
    sim_must(hex_read_exact(profile_build_variable(p->source, NULL, 0, "opc"), opc, sizeof opc), "opc");
    sim_must(aka_init(&s->auc.aka, AKA_MILENAGE, SPAN_OF(k), SPAN_OF(opc), 0), "Milenage");
}

static struct eum_order order_of(struct ecosystem *e, struct sim_card *card, struct span package, const char *msisdn)
{
    struct eum_order o = { .eid = card->eid, .eum = { e->eum_certificate, e->eum_key }, .eum_id = oid_of(OID_EUM), .cis = &e->trust,
                           .curve = EC_P256, .validity = validity, .production_ms = WORLD_START_MS - YEAR_MS / 12,
                           .kek = SPAN_OF(e->kek) };
    o.smsr.oid = oid_of(OID_SMSR);
    o.smsr.sms_number = SMSR_NUMBER;
    o.smsr.https_host = "192.0.2.1";
    memcpy(o.smsr.https_ipv4, (const uint8_t[]){ 192, 0, 2, 1 }, 4);
    o.smsr.https_port = 8443;
    o.smsr.https_uri = "/gsma/adminagent";
    o.bootstrap.package = package;
    o.bootstrap.mno_id = oid_of(OID_START);
    o.bootstrap.msisdn = msisdn;
    o.bootstrap.profile_type = "bootstrap";
    return o;
}

static void make_card(struct ecosystem *e, struct sim_card *card, const struct profile_text *bootstrap, const char *msisdn,
                      struct nvm_memory *memory, struct arena *arena, struct span *ret_eis)
{
    struct eum_product product;
    char detail[EUM_DETAIL_MAX] = "";
    struct env env = { .clock = &world_time(e->world)->seam, .rng = chance_of(e) };
    sim_must(nvm_memory_init(memory, EUICC_NVM_DEFAULT), "card memory");
    env.nvm = &memory->nvm;
    struct eum_order order = order_of(e, card, build_package(bootstrap, arena), msisdn);
    enum err err = eum_make(&order, &env, arena, &product, detail);
    sim_must(err, detail);
    *ret_eis = product.eis_xml;
}

static void registered(void *role, int64_t id, int status, struct span body)
{
    struct ecosystem *e = role;
    struct arena arena;
    struct status answer;
    char detail[EUM_ANSWER_DETAIL_MAX];
    arena_init(&arena, 1u << 18);
    enum err err = eum_register_answer(body, &arena, &answer, detail);
    (void)status;
    e->cards[id - 1].registered = err == ERR_NONE && status_ok(&answer);
    if (!e->cards[id - 1].registered)
        fprintf(stderr, "RegisterEIS: %s\n", err == ERR_NONE ? answer.detail : detail);
    arena_release(&arena);
}

static void register_card(struct ecosystem *e, unsigned i, struct span eis, struct arena *arena)
{
    struct span soap;
    char unique[32];
    snprintf(unique, sizeof unique, "register-%08u", i);
    struct eum_register request = { .eum_id = oid_of(OID_EUM), .smsr_id = oid_of(OID_SMSR), .url = URL_SMSR, .eis = eis,
                                    .now_ms = world_now(e->world), .unique = span_text(unique) };
    sim_must(eum_register_encode(&request, arena, &soap, NULL), "ES1.RegisterEIS");
    world_post(e->world, "eum", &(struct effect){ .id = (int64_t)i + 1, .to = URL_SMSR, .body = soap });
}

static void order_profile(struct ecosystem *e, struct sim_card *card, const struct profile_text *p, const char *msisdn,
                          struct arena *arena)
{
    char detail[SMDP_DETAIL_MAX] = "";
    struct smdp_order order = { .package = build_package(p, arena), .owner = oid_of(OID_OPERATOR), .type = "demo" };
    snprintf(order.address.imsi, sizeof order.address.imsi, "%s", p->imsi);
    snprintf(order.address.msisdn, sizeof order.address.msisdn, "%s", msisdn);
    enum err err = smdp_order(e->smdp->smdp, &order, detail);
    sim_must(err, detail);
    char luhn_less[20];
    snprintf(luhn_less, sizeof luhn_less, "%s", p->iccid);
    unsigned sum = 0;
    for (size_t i = 0; i < 18; i++) { /* the builder adds the check digit */
        unsigned digit = (unsigned)(luhn_less[17 - i] - '0') * (i % 2 ? 1 : 2);
        sum += digit / 10 + digit % 10;
    }
    char whole[24];
    snprintf(whole, sizeof whole, "%s%u", luhn_less, (10 - sum % 10) % 10);
    sim_must(iccid_from_text(span_text(whole), &card->iccid), "ICCID");
}

static void add_card(struct ecosystem *e, unsigned i, struct span bootstrap_source, struct span operator_source)
{
    struct sim_card *card = &e->cards[i];
    struct profile_text bootstrap = { .source = bootstrap_source }, operational = { .source = operator_source };
    struct nvm_memory memory;
    struct arena arena;
    struct span eis;
    char msisdn[2][SIM_NUMBER_MAX], imei[16];
    arena_init(&arena, EUM_ARENA_MAX + 2 * BUILD_ARENA_MIN);
    sim_must(eum_eid("890010120123412340", i + 1, &card->eid), "EID");
    snprintf(bootstrap.iccid, sizeof bootstrap.iccid, "8999970000009%05u", i);
    snprintf(bootstrap.imsi, sizeof bootstrap.imsi, "9997100000%05u", i);
    snprintf(operational.iccid, sizeof operational.iccid, "8999970000000%05u", i);
    snprintf(operational.imsi, sizeof operational.imsi, "9997000000%05u", i);
    snprintf(msisdn[0], sizeof msisdn[0], "8820000%05u", i);
    snprintf(msisdn[1], sizeof msisdn[1], "8830000%05u", i);
    snprintf(imei, sizeof imei, "3500000000%05u", i);
    memcpy(card->imsi[0], bootstrap.imsi, sizeof bootstrap.imsi);
    memcpy(card->imsi[1], operational.imsi, sizeof operational.imsi);
    make_card(e, card, &bootstrap, msisdn[0], &memory, &arena, &eis);
    subscribe(e, &bootstrap, msisdn[0]);
    subscribe(e, &operational, msisdn[1]);
    register_card(e, i, eis, &arena);
    order_profile(e, card, &operational, msisdn[1], &arena);
    card->device = sim_device_new(&e->network, &memory, imei);
    sim_must(card->device ? ERR_NONE : ERR_BAD_VALUE, "card image");
    arena_release(&arena);
}

static void power_on_all(void *context, uint64_t argument)
{
    struct ecosystem *e = context;
    (void)argument;
    for (unsigned i = 0; i < e->options.card_count; i++)
        sim_device_power_on(e->cards[i].device);
}

struct ecosystem *ecosystem_new(struct world *w, const struct ecosystem_options *options)
{
    struct ecosystem *e = calloc(1, sizeof *e);
    sim_must(e && options->card_count <= ECOSYSTEM_CARDS_MAX ? eum_signature_start() : ERR_TOO_LONG, "ecosystem");
    e->world = w;
    e->options = *options;
    e->cards = calloc(options->card_count, sizeof *e->cards);
    sim_must(e->cards ? ERR_NONE : ERR_NO_MEMORY, "cards");
    arena_init(&e->arena, 64u << 20);
    e->network.world = w;
    e->network.air = (struct weather){ .delay_min_ms = 40, .delay_max_ms = 400 };
    e->network.sms = (struct weather){ .loss_permille = options->sms_loss_permille, .delay_min_ms = 500, .delay_max_ms = 5000 };
    snprintf(e->network.server_number, sizeof e->network.server_number, SMSR_NUMBER);
    make_authorities(e);
    make_smsr(e);
    make_smdp(e);
    world_add_node(w, &(struct soap_node){ .name = "operator", .url = URL_OPERATOR, .oid = OID_OPERATOR, .role = e, .soap = operator_soap });
    world_add_node(w, &(struct soap_node){ .name = "eum", .url = "https://eum.sim", .oid = OID_EUM, .role = e, .soap = operator_soap,
                                           .answered = registered });
    struct span bootstrap = read_source(e, "bootstrap.profile"), operational = read_source(e, "demo-operator.profile");
    for (unsigned i = 0; i < options->card_count; i++)
        add_card(e, i, bootstrap, operational);
    clockwork_plan(world_time(w), world_now(w) + 5000, power_on_all, e, 0);
    return e;
}

void ecosystem_free(struct ecosystem *e)
{
    if (!e)
        return;
    for (unsigned i = 0; i < e->options.card_count; i++)
        sim_device_free(e->cards[i].device);
    sim_smsr_free(e->smsr);
    sim_smdp_free(e->smdp);
    x509_free(e->smsr_partners[0].eum_certificate);
    x509_free(e->eum_certificate);
    ec_key_free(e->ci_key);
    ec_key_free(e->eum_key);
    trust_done(&e->trust);
    arena_release(&e->arena);
    free(e->network.subscribers);
    free(e->network.devices);
    free(e->cards);
    free(e);
}

/* ---- judging ---- */

bool ecosystem_all_answered(void *ecosystem)
{
    struct ecosystem *e = ecosystem;
    for (unsigned i = 0; i < e->options.card_count; i++)
        if (!e->cards[i].answers)
            return false;
    return true;
}

static unsigned check_card(struct ecosystem *e, struct sim_card *card)
{
    struct euicc_profile_info profiles[EUICC_PROFILES_MAX];
    size_t count = euicc_profiles(card->device->card, profiles), enabled = 0;
    bool expect_enabled = status_ok(&card->status);
    struct iccid iccid = { { 0 } };
    unsigned wrong = 0;
    for (size_t i = 0; i < count; i++)
        if (profiles[i].state == EUICC_PROFILE_ENABLED) {
            enabled++;
            wrong += iccid_from_ef(SPAN_OF(profiles[i].iccid_ef), &iccid) != ERR_NONE;
        }
    wrong += enabled != 1;
    wrong += card->answers != 1;
    wrong += iccid_eq(&iccid, &card->iccid) != expect_enabled;
    wrong += expect_enabled && strcmp(modem_imsi(card->device->modem), card->imsi[1]) != 0;
    if (wrong)
        printf("card %s: %u answers, %s %s/%s, %zu profiles, %zu enabled, ICCID %s, IMSI %s\n", card->iccid.digits, card->answers,
               exec_status_xml(card->status.exec), card->status.subject, card->status.code, count, enabled, iccid.digits,
               modem_imsi(card->device->modem));
    (void)e;
    return wrong;
}

unsigned ecosystem_check(struct ecosystem *e)
{
    unsigned wrong = 0;
    for (unsigned i = 0; i < e->options.card_count; i++)
        wrong += check_card(e, &e->cards[i]) != 0;
    return wrong;
}
