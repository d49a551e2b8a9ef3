#include "config.h"

#include <stdio.h>

#include "lib/codec/hex.h"
#include "lib/io/file.h"
#include "lib/role/keys.h"
#include "lib/role/reading.h"
#include "lib/pki/gp_certificate.h"

const struct config_option smdp_options[] = {
    { "sm-dp", "oid", CONFIG_TEXT, NULL, true, "our own OID" },
    { "sm-dp", "url", CONFIG_TEXT, NULL, true, "how partners reach us: https://host:port" },
    { "sm-dp", "listen", CONFIG_ADDRESS, "127.0.0.1:8444", false, "where ES2, and answers over ES3, are served" },
    { "sm-dp", "database", CONFIG_PATH, "sm-dp.db", false, "the SQLite file, made when it does not exist; or postgresql://host/name" },
    { "sm-dp", "node", CONFIG_TEXT, "", false, "PostgreSQL: the name of this process among those on the database; nothing: host and listen" },
    { "sm-dp", "commit_interval_ms", CONFIG_NUMBER, "8", false,
      "pause between commits to the database when much comes in, so that each takes more along" },
    { "sm-dp", "ci", CONFIG_PATH, NULL, true, "the CI's root certificates, PEM" },
    { "sm-dp", "validity_s", CONFIG_NUMBER, "86400", false, "validity period of downloads that give none" },
    { "sm-dp", "resend_s", CONFIG_NUMBER, "60", false,
      "pause before a function without answer is sent to the SM-SR again" },
    { "sm-dp", "segments_per_call", CONFIG_NUMBER, "24", false,
      "segments of a profile in one message, of 1007 octets each" },
    { "sm-dp", "unsigned_eis", CONFIG_BOOL, "false", false,
      "take an EIS without the EUM's signature, from SM-SRs that leave it out; a wrong one is never taken" },
    { "sm-dp", "subscribers", CONFIG_PATH, NULL, false,
      "file that gets what the home network must know of all ordered profiles, as osprey-hlr reads it" },
    ROLE_KEY_OPTIONS("sm-dp", "CERT.DP.ECDSA for cards: 7F21, octets or hex; one or several for each curve"),
    { "lab", "trace_dir", CONFIG_PATH, NULL, false, "for labs only: every SOAP message is written to soap/ in it" },
    { "eum *", "certificate", CONFIG_PATH, NULL, true, "certificate of an EUM whose eUICCs may be served, PEM" },
    { "partner *", "oid", CONFIG_TEXT, NULL, true, "its OID: EntityId of its messages" },
    { "partner *", "kind", CONFIG_TEXT, NULL, true, "operator, sm-sr, or admin (sees all of the administration)" },
    { "partner *", "url", CONFIG_TEXT, "", false, "operator: where it takes ES2 answers; SM-SR: its ES3 service" },
    { "partner *", "common_name", CONFIG_TEXT, "", false, "CN of its TLS certificate, when that has no OID" },
    { "partner *", "reply_hosts", CONFIG_TEXT, "", false, "further scheme://host:port that its ReplyTo may name" },
    { "partner *", "ampersand", CONFIG_BOOL, "false", false, "it joins parameters with & (v3)" },
    GUARD_OPTIONS,
    { "partner *", "eis", CONFIG_TEXT, "complete", false,
      "operator: complete, as the schema has it; or reduced to what annex E lets it see" },
    { "profile *", "package", CONFIG_PATH, NULL, true, "an ordered profile: its package, DER" },
    { "profile *", "owner", CONFIG_TEXT, NULL, true, "OID of the operator that ordered it" },
    { "profile *", "type", CONFIG_TEXT, "", false, "profile type; none: what the package says" },
    { "profile *", "imsi", CONFIG_TEXT, "", false, "IMSI; none: what the package says" },
    { "profile *", "msisdn", CONFIG_TEXT, "", false, "number of the subscription, digits" },
    { "profile *", "pol2", CONFIG_TEXT, "none", false,
      "policy rules: disable:not-allowed, delete:not-allowed, disable:auto-delete" },
    { "profile *", "memory", CONFIG_NUMBER, "0", false, "octets it needs on the card; 0: estimated" },
    { "profile *", "token", CONFIG_BOOL, "no", false,
      "load a key for delete tokens into its ISD-P once it is installed, so that it can be deleted whatever its policy says" },
    { "profile *", "connectivity", CONFIG_HEX, "", false,
      "connectivity parameters to set over SCP03 once it is installed: A0, A1, A2 of DGI 3A07; none: the package's own" },
};
const size_t smdp_option_count = ARRAY_LEN(smdp_options);

/* ---- partners */

static enum err read_partner(const struct reading *r, struct smdp_partner *p)
{
    const char *kind = reading_of(r, "kind");
    *p = (struct smdp_partner){ .ampersand = config_bool(r->file, r->section, "ampersand") };
    snprintf(p->name, sizeof p->name, "%s", config_section_name(r->section));
    p->kinds = !strcmp(kind, "operator") ? SMDP_OPERATOR : !strcmp(kind, "sm-sr") ? SMDP_SMSR : 0;
    if (!strcmp(kind, "admin"))
        p->kinds = SMDP_ADMIN;
    if (!p->kinds)
        return reading_wrong(r, "kind", "operator, sm-sr or admin");
    enum err err = reading_oid(r, "oid", &p->oid);
    if (err == ERR_NONE)
        err = reading_text(r, "url", p->url, sizeof p->url);
    if (err == ERR_NONE && p->kinds == SMDP_SMSR && !*p->url)
        err = reading_wrong(r, "url", "an SM-SR needs one");
    if (err == ERR_NONE)
        err = reading_text(r, "common_name", p->common_name, sizeof p->common_name);
    if (err == ERR_NONE)
        err = guard_read(r->file, r->section, &p->guard, r->detail, r->cap);
    if (err == ERR_NONE)
        err = reading_words(r, "reply_hosts", p->hosts[0], sizeof p->hosts[0], SMDP_HOSTS_MAX, &p->host_count);
    return err == ERR_NONE ? reading_either(r, "eis", "complete", "reduced", &p->reduced_eis) : err;
}

static enum err read_partners(struct reading *r, struct smdp_config *c)
{
    for (const char *section = NULL; (section = config_next(r->file, "partner", section));) {
        r->section = section;
        if (c->partner_count == SMDP_PARTNERS_MAX)
            return reading_wrong(r, "oid", "too many partners");
        struct smdp_partner *p = &c->partners[c->partner_count++];
        enum err err = read_partner(r, p);
        if (err != ERR_NONE)
            return err;
        for (size_t i = 0; i + 1 < c->partner_count; i++)
            if (oid_eq(&c->partners[i].oid, &p->oid))
                return reading_wrong(r, "oid", "another partner has it");
    }
    return ERR_NONE;
}

/* ---- certificates */

static enum err need_cards(struct reading *r, struct smdp_config *c)
{
    enum err err = role_certificates_read(r->file, GP_ROLE_SM_DP, &c->certificates, r->detail, r->cap);
    r->section = "card NAME";
    return err != ERR_NONE || c->certificates.count ? err : reading_wrong(r, "certificate", "no certificate for cards is given");
}

static enum err read_eums(struct reading *r, struct smdp_config *c)
{
    for (const char *section = NULL; (section = config_next(r->file, "eum", section));) {
        r->section = section;
        if (c->eum_count == SMDP_EUMS_MAX)
            return reading_wrong(r, "certificate", "too many");
        if (x509_load(reading_of(r, "certificate"), &c->eums[c->eum_count]) != ERR_NONE)
            return reading_wrong(r, "certificate", "no readable certificate");
        c->eum_count++;
    }
    return ERR_NONE;
}

enum err smdp_config_read(const struct config *file, struct smdp_partner *partners, struct trust *trust,
                          struct smdp_config *ret, char *detail, size_t cap)
{
    struct reading r = { .file = file, .section = "sm-dp", .detail = detail, .cap = cap };
    *ret = (struct smdp_config){ .partners = partners, .trust = trust };
    ret->validity_s = (uint32_t)config_number(file, "sm-dp", "validity_s");
    ret->unsigned_eis = config_bool(file, "sm-dp", "unsigned_eis");
    ret->resend_s = (uint32_t)config_number(file, "sm-dp", "resend_s");
    ret->commit_interval_ms = (uint32_t)config_number(file, "sm-dp", "commit_interval_ms");
    ret->segments_per_call = (uint32_t)config_number(file, "sm-dp", "segments_per_call");
    if (ret->segments_per_call > SMDP_SEGMENTS_MAX)
        return reading_wrong(&r, "segments_per_call", "too many");
    enum err err = reading_oid(&r, "oid", &ret->oid);
    if (err == ERR_NONE)
        err = reading_text(&r, "url", ret->url, sizeof ret->url);
    if (err == ERR_NONE)
        err = role_trust_read(file, r.section, trust, detail, cap);
    if (err == ERR_NONE)
        err = need_cards(&r, ret);
    if (err == ERR_NONE)
        err = read_eums(&r, ret);
    if (err == ERR_NONE)
        err = read_partners(&r, ret);
    if (err != ERR_NONE)
        smdp_config_done(ret);
    return err;
}

void smdp_config_done(struct smdp_config *config)
{
    for (size_t i = 0; i < config->eum_count; i++)
        x509_free(config->eums[i]);
    for (size_t i = 0; i < config->partner_count; i++)
        guard_done(&config->partners[i].guard);
    config->eum_count = config->partner_count = config->certificates.count = 0;
    if (config->trust)
        trust_done(config->trust);
}

/* ---- orders */

static enum err read_order(const struct reading *r, struct arena *a, struct smdp_order *o)
{
    *o = (struct smdp_order){ .memory = (uint32_t)config_number(r->file, r->section, "memory"),
                              .token = config_bool(r->file, r->section, "token") };
    enum err err = reading_oid(r, "owner", &o->owner);
    if (err == ERR_NONE)
        err = reading_text(r, "type", o->type, sizeof o->type);
    if (err == ERR_NONE && *reading_of(r, "imsi") &&
        imsi_from_text(span_text(reading_of(r, "imsi")), &o->address) != ERR_NONE)
        err = reading_wrong(r, "imsi", "digits, at most 15");
    if (err == ERR_NONE && *reading_of(r, "msisdn") &&
        msisdn_from_text(span_text(reading_of(r, "msisdn")), &o->address) != ERR_NONE)
        err = reading_wrong(r, "msisdn", "3 to 15 digits");
    if (err == ERR_NONE &&
        (pol2_from_text(span_text(reading_of(r, "pol2")), &o->pol2) != ERR_NONE || !pol2_meaningful(o->pol2, true)))
        err = reading_wrong(r, "pol2", "no such rules, or rules that contradict");
    if (err == ERR_NONE)
        o->connectivity = hex_to_arena(a, span_text(reading_of(r, "connectivity")), &err);
    if (err == ERR_NONE && file_read(reading_of(r, "package"), SMDP_PACKAGE_MAX, a, &o->package) != ERR_NONE)
        err = reading_wrong(r, "package", "cannot be read, or is too big");
    return err;
}

enum err smdp_config_orders(const struct config *file, struct smdp *s, char *detail, size_t cap)
{
    for (const char *section = NULL; (section = config_next(file, "profile", section));) {
        struct reading r = { file, section, detail, cap };
        struct arena a;
        struct smdp_order order;
        char why[SMDP_DETAIL_MAX];
        arena_init(&a, SMDP_PACKAGE_MAX + 65536);
        enum err err = read_order(&r, &a, &order);
        if (err == ERR_NONE && s && (err = smdp_order(s, &order, why)) != ERR_NONE)
            (void)reading_wrong(&r, "package", *why ? why : err_text(err));
        arena_release(&a);
        if (err != ERR_NONE)
            return err;
    }
    return ERR_NONE;
}
