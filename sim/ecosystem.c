#include "ecosystem.h"

#include <stdio.h>
#include <stdlib.h>

#include "administrator.h"
#include "eum/factory.h"
#include "eum/register.h"
#include "lib/codec/hex.h"
#include "lib/es/eum_signature.h"
#include "lib/io/file.h"
#include "lib/profile/build.h"
#include "sm-sr/store/euicc.h"

static const char *const oids[] = { "2.999.2", "2.999.3", "2.999.4", "2.999.9", "2.999.10", "2.999.12" };
#define OID_SMSR     oids[ECOSYSTEM_SMSR]
#define OID_EUM      oids[ECOSYSTEM_EUM]
#define OID_SMDP     oids[ECOSYSTEM_SMDP]
#define OID_START    oids[ECOSYSTEM_START]
#define OID_OPERATOR oids[ECOSYSTEM_OPERATOR]
#define OID_SMSR_2   oids[ECOSYSTEM_SMSR_2]
#define URL_SMSR     ECOSYSTEM_SMSR_URL
#define URL_SMDP     ECOSYSTEM_SMDP_URL
#define URL_OPERATOR ECOSYSTEM_OPERATOR_URL
#define SMSR_NUMBER  "999710000000"
#define CONNECTIVITY "\xA0\x08\x06\x06\x91\x99\x79\x01\x00\x00" /* the number of an SMSC */
#define YEAR_MS      (365ull * 24 * 3600 * 1000)

static const struct eum_validity validity = { WORLD_START_MS - YEAR_MS, WORLD_START_MS + 20 * YEAR_MS };

static struct rng *chance_of(struct ecosystem *e) { return &world_chance(e->world)->seam; }

static struct oid oid_of(const char *text)
{
    struct oid oid;
    sim_must(oid_from_text(span_text(text), &oid), "OID");
    return oid;
}

const char *ecosystem_oid_text(enum ecosystem_entity entity) { return oids[entity]; }
struct oid ecosystem_oid(enum ecosystem_entity entity) { return oid_of(oids[entity]); }

/* ---- authorities ---- */

/* The same roots, with a list of the CI that has the EUM's certificate on it. */
static void make_list(struct ecosystem *e)
{
    WRITER_ON_STACK(serial_octets, X509_SERIAL_MAX);
    WRITER_ON_STACK(pem, 4096);
    x509_serial(e->eum_certificate, &serial_octets);
    struct span serial = wr_span(&serial_octets);
    const struct revocation_request q = { .issuer = e->trust.roots[0], .issuer_key = e->ci_key, .serials = &serial, .serial_count = 1,
                                          .from_ms = validity.from_ms, .to_ms = validity.to_ms };
    sim_must(revocation_issue(&q, &pem), "revocation list");
    e->informed = e->trust;
    sim_must(revocation_read(wr_span(&pem), &e->informed.lists), "revocation list");
}

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
    if (e->options.hostile && e->options.hostile->eum_revoked)
        make_list(e);
    chance_of(e)->fill(chance_of(e), e->kek, sizeof e->kek);
    world_secret(e->world, SPAN_OF(e->kek));
}

static struct span card_certificate(struct ecosystem *e, const char *oid, enum gp_role role, struct ec_key *key)
{
    struct writer out = wr_arena(&e->arena, GP_CERTIFICATE_MAX);
    struct eum_card_request request = { .issuer = { e->trust.roots[0], e->ci_key }, .subject = oid_of(oid),
                                        .role = role, .subject_key = key, .validity = validity, .rng = chance_of(e) };
    sim_must(eum_card_certificate(&request, &out), "card certificate");
    return wr_span(&out);
}

/* ---- servers ---- */

static struct smsr_partner smsr_partner(const char *name, const char *oid, unsigned kind)
{
    struct smsr_partner p = { .oid = oid_of(oid), .kinds = kind };
    snprintf(p.name, sizeof p.name, "%s", name);
    return p;
}

#define CAT_TP_PORT     9000u
#define CAT_TP_UDP_PORT 8444u

static struct x509 *copy_of(struct ecosystem *e, const struct x509 *x)
{
    struct x509 *copy;
    struct writer der = wr_arena(&e->arena, X509_DER_MAX);
    x509_der(x, &der);
    sim_must(x509_read(wr_span(&der), &copy), "certificate");
    return copy;
}

/* Two SM-SRs know each other, and all partners both. */
static const struct smsr_place {
    const char *oid, *url, *number;
    uint8_t ipv4[4];
} smsr_places[SIM_SERVERS_MAX] = { { "2.999.2", URL_SMSR, SMSR_NUMBER, { 192, 0, 2, 1 } },
                                   { "2.999.12", ECOSYSTEM_SMSR_2_URL, "999710000002", { 192, 0, 2, 2 } } };

static unsigned make_smsr_partners(struct ecosystem *e, unsigned which)
{
    struct smsr_partner *p = e->smsr_partners[which];
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
    unsigned count = 3;
    if (e->options.administration)
        p[count++] = smsr_partner("administrator", ADMINISTRATOR_OID, SMSR_ADMIN);
    if (!e->options.two_smsrs)
        return count;
    p[count] = smsr_partner("peer", smsr_places[1 - which].oid, SMSR_SMSR);
    snprintf(p[count].es7_url, sizeof p[count].es7_url, "%s/esim-messaging/3/ES7/ES7SmSrProvider", smsr_places[1 - which].url);
    return count + 1;
}

static struct sim_smsr *make_smsr(struct ecosystem *e, unsigned which)
{
    const struct smsr_place *place = &smsr_places[which];
    struct ec_key *key = NULL;
    bool informed = which && e->options.hostile && e->options.hostile->eum_revoked;
    struct smsr_config config = { .oid = oid_of(place->oid), .partners = e->smsr_partners[which], .trust = informed ? &e->informed : &e->trust,
                                  .admin_uri = "/gsma/adminagent", .bearer = e->options.bearer, .admin_port = 8443 };
    snprintf(config.url, sizeof config.url, "%s", place->url);
    snprintf(config.number, sizeof config.number, "%s", place->number);
    memcpy(config.admin_ipv4, place->ipv4, sizeof config.admin_ipv4);
    if (config.bearer == SMSR_BEARER_CAT_TP) {
        config.cat_tp_port = CAT_TP_PORT;
        config.cat_tp_udp_port = CAT_TP_UDP_PORT;
        memcpy(config.cat_tp_ipv4, config.admin_ipv4, sizeof config.cat_tp_ipv4);
    }
    config.partner_count = make_smsr_partners(e, which);
    if (e->options.two_smsrs || e->options.administration) {
        sim_must(ec_generate(EC_P256, chance_of(e), &key), "SM-SR key");
        sim_must(card_certificates_add(&config.certificates, card_certificate(e, place->oid, GP_ROLE_SM_SR, key), GP_ROLE_SM_SR, "card"),
                 "SM-SR certificate");
    }
    return sim_smsr_new(e->world, &e->network, &config, key, which ? 0 : e->options.processes);
}

static void make_smdp(struct ecosystem *e)
{
    struct ec_key *key;
    struct smdp_partner *p = e->smdp_partners;
    struct smdp_config config = { .oid = oid_of(OID_SMDP), .url = URL_SMDP, .partners = p, .partner_count = e->options.two_smsrs ? 3 : 2, .trust = &e->trust,
                                  .eums = { e->eum_certificate }, .eum_count = 1 };
    sim_must(ec_generate(EC_P256, chance_of(e), &key), "SM-DP key");
    sim_must(card_certificates_add(&config.certificates, card_certificate(e, OID_SMDP, GP_ROLE_SM_DP, key), GP_ROLE_SM_DP, "card"),
             "SM-DP certificate");
    p[0] = (struct smdp_partner){ .name = "operator", .oid = oid_of(OID_OPERATOR), .kinds = SMDP_OPERATOR,
                                  .url = URL_OPERATOR "/esim-messaging/3/ES2/ES2MnoService" };
    p[1] = (struct smdp_partner){ .name = "sm-sr", .oid = oid_of(OID_SMSR), .kinds = SMDP_SMSR,
                                  .url = URL_SMSR "/esim-messaging/3/ES3/ES3SmSrService" };
    p[2] = (struct smdp_partner){ .name = "sm-sr-2", .oid = oid_of(OID_SMSR_2), .kinds = SMDP_SMSR,
                                  .url = ECOSYSTEM_SMSR_2_URL "/esim-messaging/3/ES3/ES3SmSrService" };
    e->smdp = sim_smdp_new(e->world, &config, key);
}

/* ---- cards ---- */

struct profile_text {
    struct span source;
    char iccid[20], imsi[GSUP_IMSI_MAX];
    const char *more_imsis[2]; /* NULL: it has one */
    struct span connectivity;  /* for the SM-DP to set; or empty */
    struct pol2 pol2;
    bool token;                /* it gets a key for delete tokens */
    const char *pol1;          /* NULL: as the source has it */
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
    struct build_setting settings[] = { { SPAN_LIT("iccid"), span_text(p->iccid) }, { SPAN_LIT("imsi"), span_text(p->imsi) },
                                        { SPAN_LIT("imsi-2"), p->more_imsis[0] ? span_text(p->more_imsis[0]) : SPAN_NONE },
                                        { SPAN_LIT("imsi-3"), p->more_imsis[1] ? span_text(p->more_imsis[1]) : SPAN_NONE },
                                        { SPAN_NONE, SPAN_NONE } };
    struct build_fault fault;
    struct span package;
    size_t count = p->more_imsis[0] ? 4 : 2;
    if (p->pol1)
        settings[count++] = (struct build_setting){ SPAN_LIT("pol1"), span_text(p->pol1) };
    enum err err = profile_build(p->source, settings, count, arena, &package, &fault);
    if (err != ERR_NONE)
        fprintf(stderr, "line %u: %s\n", fault.line, fault.text);
    sim_must(err, "profile");
    return package;
}

/* k, opc: the variables of the source that hold its keys. */
static void subscribe(struct ecosystem *e, struct span source, const char *imsi, const char *msisdn, const char *k_name,
                      const char *opc_name)
{
    uint8_t k[16], opc[16];
    struct sim_subscriber *s = sim_network_add(&e->network, imsi, msisdn);
    sim_must(hex_read_exact(profile_build_variable(source, NULL, 0, k_name), k, sizeof k), k_name);
    sim_must(hex_read_exact(profile_build_variable(source, NULL, 0, opc_name), opc, sizeof opc), opc_name);
    world_secret(e->world, SPAN_OF(k));
    world_secret(e->world, SPAN_OF(opc));
    sim_must(aka_init(&s->auc.aka, AKA_MILENAGE, SPAN_OF(k), SPAN_OF(opc), 0), "Milenage");
}

static void subscribe_bootstrap(struct ecosystem *e, const struct profile_text *p, const char *msisdn)
{
    subscribe(e, p->source, p->imsi, msisdn, "k", "opc");
    if (!p->more_imsis[0])
        return;
    subscribe(e, p->source, p->more_imsis[0], msisdn, "k-2", "opc-2");
    subscribe(e, p->source, p->more_imsis[1], msisdn, "k-3", "opc-3");
}

static struct eum_order order_of(struct ecosystem *e, struct sim_card *card, struct span package, const char *msisdn)
{
    struct eum_order o = { .eid = card->eid, .eum = { e->eum_certificate, e->eum_key }, .eum_id = oid_of(OID_EUM), .cis = &e->trust,
                           .curve = EC_P256, .validity = validity, .production_ms = WORLD_START_MS - YEAR_MS / 12,
                           .kek = SPAN_OF(e->kek), .timing = e->options.timing };
    if (e->options.hostile && e->options.hostile->certificates_end_ms)
        o.validity.to_ms = WORLD_START_MS + e->options.hostile->certificates_end_ms;
    o.smsr.oid = oid_of(OID_SMSR);
    o.smsr.sms_number = SMSR_NUMBER;
    if (e->options.bearer == SMSR_BEARER_CAT_TP) {
        o.smsr.cat_tp_udp_port = CAT_TP_UDP_PORT;
        o.smsr.cat_tp_port = CAT_TP_PORT;
        memcpy(o.smsr.cat_tp_ipv4, (const uint8_t[]){ 192, 0, 2, 1 }, 4);
    }
    o.smsr.https_host = "192.0.2.1";
    memcpy(o.smsr.https_ipv4, (const uint8_t[]){ 192, 0, 2, 1 }, 4);
    o.smsr.https_port = 8443;
    o.smsr.https_uri = "/gsma/adminagent";
    o.bootstrap.package = package;
    o.bootstrap.mno_id = oid_of(e->options.odd_profiles ? OID_OPERATOR : OID_START);
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

/* With the check digit that the builder adds. */
static struct iccid whole_iccid(const char *digits)
{
    struct iccid iccid;
    char whole[24];
    unsigned sum = 0;
    for (size_t i = 0; i < 18; i++) {
        unsigned digit = (unsigned)(digits[17 - i] - '0') * (i % 2 ? 1 : 2);
        sum += digit / 10 + digit % 10;
    }
    snprintf(whole, sizeof whole, "%s%u", digits, (10 - sum % 10) % 10);
    sim_must(iccid_from_text(span_text(whole), &iccid), "ICCID");
    return iccid;
}

static uint32_t claimed_memory(const struct ecosystem *e)
{
    const struct hostile *h = e->options.hostile;
    return h && h->claimed_memory ? h->claimed_memory : e->options.profile_memory;
}

static void order_profile(struct ecosystem *e, const struct profile_text *p, const char *msisdn,
                          struct arena *arena, struct iccid *ret_iccid)
{
    char detail[SMDP_DETAIL_MAX] = "";
    struct smdp_order order = { .package = build_package(p, arena), .owner = oid_of(OID_OPERATOR), .type = "demo", .connectivity = p->connectivity,
                                .pol2 = p->pol2, .token = p->token, .memory = claimed_memory(e) };
    snprintf(order.address.imsi, sizeof order.address.imsi, "%s", p->imsi);
    snprintf(order.address.msisdn, sizeof order.address.msisdn, "%s", msisdn);
    enum err err = smdp_order(e->smdp->smdp, &order, detail);
    sim_must(err, detail);
    *ret_iccid = whole_iccid(p->iccid);
}

static void add_profile(struct ecosystem *e, unsigned i, unsigned n, struct span source, struct arena *arena)
{
    struct sim_card *card = &e->cards[i];
    struct profile_text p = { .source = source };
    char msisdn[SIM_NUMBER_MAX];
    snprintf(p.iccid, sizeof p.iccid, "89999700000%02u%05u", n < 9 ? n : n + 1, i); /* 09 is the factory profile */
    snprintf(p.imsi, sizeof p.imsi, "99970000%02u%05u", n, i);
    snprintf(msisdn, sizeof msisdn, "88300%02u%05u", n, i);
    if (e->options.odd_profiles && n == 0)
        p.token = true;
    if (e->options.odd_profiles && n == 1)
        p.connectivity = SPAN_LIT(CONNECTIVITY);
    if ((e->options.odd_profiles && n == 1) || (e->options.auto_delete && n % 2))
        p.pol2.rules = POL2_RULE(POL2_DISABLE, POL2_AUTO_DELETE);
    if (e->options.odd_profiles && n > 1 && n + 1 == e->options.profile_count)
        p.pol1 = "04";
    if (e->options.hostile && e->options.hostile->pol1)
        p.pol1 = e->options.hostile->pol1;
    memcpy(card->profiles[n].imsi, p.imsi, sizeof p.imsi);
    subscribe(e, source, p.imsi, msisdn, "k", "opc");
    order_profile(e, &p, msisdn, arena, &card->profiles[n].iccid);
}

static void add_card(struct ecosystem *e, unsigned i, struct span bootstrap_source, struct span operator_source)
{
    struct sim_card *card = &e->cards[i];
    struct profile_text bootstrap = { .source = bootstrap_source };
    struct nvm_memory memory;
    struct arena arena;
    struct span eis;
    char msisdn[SIM_NUMBER_MAX], imei[16];
    arena_init(&arena, EUM_ARENA_MAX + 2 * BUILD_ARENA_MIN);
    sim_must(eum_eid("890010120123412340", i + 1, &card->eid), "EID");
    e->eids[i] = card->eid;
    world_steps(e->world)->card_count = i + 1;
    snprintf(bootstrap.iccid, sizeof bootstrap.iccid, "8999970000009%05u", i);
    snprintf(card->imsis[0], sizeof card->imsis[0], "9997100000%05u", i);
    snprintf(card->imsis[1], sizeof card->imsis[1], "2620100000%05u", i);
    snprintf(card->imsis[2], sizeof card->imsis[2], "9012800000%05u", i);
    memcpy(bootstrap.imsi, card->imsis[0], sizeof bootstrap.imsi);
    if (e->options.multi_imsi) {
        bootstrap.more_imsis[0] = card->imsis[1];
        bootstrap.more_imsis[1] = card->imsis[2];
    }
    snprintf(msisdn, sizeof msisdn, "8820000%05u", i);
    snprintf(imei, sizeof imei, "3500000000%05u", i);
    card->bootstrap = whole_iccid(bootstrap.iccid);
    make_card(e, card, &bootstrap, msisdn, &memory, &arena, &eis);
    subscribe_bootstrap(e, &bootstrap, msisdn);
    register_card(e, i, eis, &arena);
    card->device = sim_device_new(&e->network, &memory, imei);
    sim_must(card->device ? ERR_NONE : ERR_BAD_VALUE, "card image");
    card->device->account = &e->usage[ES_FUNCTION_NONE];
    card->device->accounts = e->by_radio[ES_FUNCTION_NONE];
    card->device->country = e->options.countries ? &sim_countries[0] : NULL;
    card->device->bands = RADIO_BIT(i % RADIO_KINDS);
    arena_release(&arena);
    for (unsigned n = 0; n < e->options.profile_count; n++) {
        arena_init(&arena, EUM_ARENA_MAX + 2 * BUILD_ARENA_MIN);
        add_profile(e, i, n, operator_source, &arena);
        arena_release(&arena);
    }
}

static void power_on_all(void *context, uint64_t argument)
{
    struct ecosystem *e = context;
    (void)argument;
    for (unsigned i = 0; i < e->options.card_count; i++)
        sim_device_power_on(e->cards[i].device);
}

static void nothing_for_the_eum(void *role, const char *sender, struct span body, struct reply_ref reply)
{
    struct ecosystem *e = role;
    (void)sender;
    (void)body;
    world_reply(e->world, &(struct effect){ .kind = EFFECT_REPLY, .reply = reply, .status = 202 });
}

struct ecosystem *ecosystem_new(struct world *w, const struct ecosystem_options *options)
{
    struct ecosystem *e = calloc(1, sizeof *e);
    bool fits = options->card_count <= ECOSYSTEM_CARDS_MAX && options->profile_count <= SIM_PROFILES_MAX;
    sim_must(e && fits ? ERR_NONE : ERR_TOO_LONG, "ecosystem");
    e->world = w;
    e->options = *options;
    e->cards = calloc(options->card_count, sizeof *e->cards);
    sim_must(e->cards ? ERR_NONE : ERR_NO_MEMORY, "cards");
    arena_init(&e->arena, 64u << 20);
    e->eids = ARENA_ARRAY(&e->arena, struct eid, options->card_count);
    sim_must(e->eids ? ERR_NONE : ERR_NO_MEMORY, "cards");
    world_steps(w)->eids = e->eids;
    e->network.world = w;
    e->network.countries = options->countries;
    e->network.hostile = options->hostile;
    e->network.poll_s = options->poll_s;
    e->network.air = options->air.delay_max_ms ? options->air : (struct weather){ .delay_min_ms = 40, .delay_max_ms = 400 };
    e->network.sms_up = e->network.sms_down = ECOSYSTEM_SMS_WEATHER;
    e->network.datagrams = e->network.air;
    e->network.counts = &e->fault_counts;
    make_authorities(e);
    e->smsr = make_smsr(e, 0);
    if (options->two_smsrs)
        e->other = make_smsr(e, 1);
    make_smdp(e);
    e->smdp->hostile = options->hostile;
    operator_join(e);
    if (options->administration)
        administrator_join(e);
    judge_join(e);
    prompt_begin(e);
    world_add_node(w, &(struct soap_node){ .name = "eum", .url = "https://eum.sim", .oid = OID_EUM, .role = e, .soap = nothing_for_the_eum,
                                           .answered = registered });
    struct span bootstrap = read_source(e, options->multi_imsi ? "bootstrap-multi-imsi.profile" : "bootstrap.profile"), operational = read_source(e, "demo-operator.profile");
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
    operator_done(e);
    judge_done(&e->judge);
    sim_smsr_free(e->smsr);
    sim_smsr_free(e->other);
    sim_smdp_free(e->smdp);
    for (unsigned i = 0; i < SIM_SERVERS_MAX; i++)
        x509_free(e->smsr_partners[i][0].eum_certificate);
    x509_free(e->eum_certificate);
    ec_key_free(e->ci_key);
    ec_key_free(e->eum_key);
    revocation_free(e->informed.lists);
    trust_done(&e->trust);
    arena_release(&e->arena);
    free(e->network.subscribers);
    free(e->network.devices);
    free(e->cards);
    free(e);
}

/* ---- what nobody may read in a log ---- */

static void keyset_secrets(struct ecosystem *e, struct sim_smsr *smsr, const struct row *row)
{
    char eid[EID_TEXT_SIZE], aad[SMSR_AAD_SIZE];
    uint8_t plain[SMSR_SCP_KEYS_MAX];
    struct span wrapped = row_bytes(row, 2);
    struct keys *keys = keystore_soft_keys(smsr->role.keys);
    row_text(row, 0, eid, sizeof eid);
    sim_must(keys->unwrap(keys, smsr_keyset_aad(eid, (uint8_t)row_int(row, 1), aad), wrapped, plain, sizeof plain), "key set");
    size_t len = wrapped.len - KEYS_WRAP_OVERHEAD;
    for (size_t at = 0; at < len && plain[at] >= 8 && at + 1 + plain[at] <= len; at += 1u + plain[at])
        world_secret(e->world, (struct span){ plain + at + 1, plain[at] });
}

void ecosystem_secrets(struct ecosystem *e)
{
    static const struct statement all = { "sim-keysets", "SELECT eid, kvn, wrapped FROM keyset", NULL };
    struct arena arena;
    for (unsigned which = 0; which < e->network.server_count; which++) {
        struct sim_smsr *smsr = ecosystem_smsr(e, which);
        arena_init(&arena, 64u << 20);
        const struct query *q = sim_role_ask(&smsr->role, &all, NULL, 0, &arena);
        for (size_t i = 0; i < q->row_count; i++)
            keyset_secrets(e, smsr, &q->rows[i]);
        arena_release(&arena);
    }
}

struct sim_smsr *ecosystem_smsr(struct ecosystem *e, unsigned which) { return which ? e->other : e->smsr; }
