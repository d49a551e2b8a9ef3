#include "target.h"

#include <stdlib.h>
#include <string.h>

static const char *const server_names[SERVER_COUNT] = { "sm-sr", "sm-dp", "sm-sr2", "nobody" };
static const char *const role_names[ROLE_COUNT] = { "op1", "op2", "op3", "start", "m2m", "eum", "eum2", "dp", "sr" };
static const char *const card_names[CARD_COUNT] = { "first", "second", "sms-only", "wrong", "moves", "moves2" };
static const char *const order_names[ORDER_COUNT] = { "meter", "meter2",   "tracker", "relayed", "offline", "stays",
                                                      "vanishes", "kept", "huge",    "long",    "spare",   "spare2",
                                                      "by-sms", "moving",  "gone",    "gone2",   "gone3",
                                                      "gone4", "elsewhere", "urgent", "urgent2" };
static const char *const record_names[RECORD_COUNT] = { "fresh", "fresh2", "of-eum2", "of-nobody", "expired-ecasd" };

const char *server_text(enum server s) { return server_names[s]; }
const char *role_text(enum role r) { return role_names[r]; }
const char *card_text(enum card c) { return card_names[c]; }
const char *order_text(enum order o) { return order_names[o]; }
const char *record_text(enum record r) { return record_names[r]; }

static const struct config_option options[] = {
    { "server *", "oid", CONFIG_TEXT, NULL, true, "its OID; sections sm-sr, sm-dp and sm-sr2: the servers to be tested; nobody: an SM-SR that the SM-DP knows and does "
      "not reach" },
    { "server *", "url", CONFIG_TEXT, NULL, true, "https://host:port; the paths are those of esim-messaging/3" },
    { "role *", "oid", CONFIG_TEXT, NULL, true,
      "what the runner plays: op1, op2 (operators), op3 (an operator reached through the SM-DP only), start (owner of "
      "factory profiles), m2m (service provider), eum, eum2 (its EUM certificate is revoked), dp (an SM-DP), sr (an SM-SR): known to the servers" },
    { "role *", "certificate", CONFIG_PATH, NULL, true, "its TLS certificate and chain, PEM" },
    { "role *", "key", CONFIG_PATH, NULL, true, "its private key, PEM or as osprey-eum wrote it" },
    { "role *", "card", CONFIG_PATH, NULL, false, "sr, dp: CERT.SR.ECDSA, CERT.DP.ECDSA (7F21, octets)" },
    { "role *", "card_key", CONFIG_PATH, NULL, false, "dp: its private key; the master.key beside it unwraps it" },
    { "role *", "listen", CONFIG_ADDRESS, NULL, false, "where it takes callbacks and notifications" },
    { "role *", "url", CONFIG_TEXT, "", false, "how the servers reach it; none: https:// and listen" },
    { "euicc *", "eid", CONFIG_TEXT, NULL, true,
      "registered and switched on: first, second, sms-only, wrong (its EIS has too much memory and a profile that the "
      "card has not), moves, moves2 (for the SM-SR change)" },
    { "euicc *", "iccid", CONFIG_TEXT, NULL, true, "of its factory profile, whose owner is start" },
    { "euicc *", "imsi", CONFIG_TEXT, "", false, "of that profile" },
    { "euicc *", "msisdn", CONFIG_TEXT, "", false, "of that profile" },
    { "profile *", "iccid", CONFIG_TEXT, NULL, true,
      "ordered at the SM-DP: meter, meter2, spare, spare2, by-sms, moving, gone, gone2, gone3, gone4, elsewhere, urgent, urgent2 (of op1), tracker (op2), relayed (op3), offline (no network "
      "takes it), stays, vanishes, kept (POL1), huge, long" },
    { "profile *", "type", CONFIG_TEXT, "", false, "profile type" },
    { "profile *", "imsi", CONFIG_TEXT, "", false, "IMSI" },
    { "profile *", "msisdn", CONFIG_TEXT, "", false, "number" },
    { "eis *", "file", CONFIG_PATH, NULL, true,
      "an element Eis that the SM-SR does not know yet: fresh, fresh2, of-eum2, of-nobody, expired-ecasd" },
    { "trust", "ci", CONFIG_PATH, NULL, true, "the roots of the servers' certificates, PEM" },
    { "trust", "eum", CONFIG_PATH, NULL, false, "certificate of the EUM that signed the EIS, PEM" },
    { "trust", "strangers", CONFIG_PATH, NULL, false,
      "folder with identities (NAME/tls.pem, NAME/tls.key) that nobody may take: foreign, expired, unborn, unknown, "
      "revoked; sr-expired/card.7f21, sr-revoked/card.7f21: a CERT.SR.ECDSA that is expired, revoked" },
    { "schemas", "folder", CONFIG_PATH, NULL, false, "XSD set of esim-messaging/3 with validate.xsd; none: our own schema" },
    { "sms", "tap", CONFIG_ADDRESS, NULL, false, "here the SM-SR finds its SMSC (SMPP): the runner counts, holds, repeats" },
    { "sms", "smsc", CONFIG_ADDRESS, NULL, false, "the true SMSC behind it" },
};

void target_print_example(FILE *out) { config_print_example(out, options, ARRAY_LEN(options)); }

static const char *section_of(char out[64], const char *kind, const char *name)
{
    snprintf(out, 64, "%s %s", kind, name);
    return out;
}

static const char *text_or_null(const struct config *c, const char *section, const char *name)
{
    const char *text = config_has(c, section) ? config_text(c, section, name) : NULL;
    return text && *text ? text : NULL;
}

static void read_role(const struct config *c, const char *name, struct target_role *r)
{
    char section[64];
    section_of(section, "role", name);
    if (!config_has(c, section))
        return;
    r->oid = config_text(c, section, "oid");
    r->certificate = config_text(c, section, "certificate");
    r->key = config_text(c, section, "key");
    r->card = config_text(c, section, "card");
    r->card_key = config_text(c, section, "card_key");
    r->url = text_or_null(c, section, "url");
    if (config_address(c, section, "listen", r->host, sizeof r->host, &r->port) != ERR_NONE)
        r->port = 0;
}

static void read_things(const struct config *c, struct target *t)
{
    char section[64];
    for (int i = 0; i < CARD_COUNT; i++) {
        section_of(section, "euicc", card_names[i]);
        t->cards[i] = (struct target_card){ text_or_null(c, section, "eid"), text_or_null(c, section, "iccid"),
                                            text_or_null(c, section, "imsi"), text_or_null(c, section, "msisdn") };
    }
    for (int i = 0; i < ORDER_COUNT; i++) {
        section_of(section, "profile", order_names[i]);
        t->orders[i] = (struct target_order){ text_or_null(c, section, "iccid"), text_or_null(c, section, "type"),
                                              text_or_null(c, section, "imsi"), text_or_null(c, section, "msisdn") };
    }
    for (int i = 0; i < RECORD_COUNT; i++)
        t->records[i] = text_or_null(c, section_of(section, "eis", record_names[i]), "file");
}

enum err target_load(const char *path, struct target *ret, char *detail)
{
    char section[64];
    *ret = (struct target){ 0 };
    enum err err = config_load(path, options, ARRAY_LEN(options), &ret->config, detail);
    if (err != ERR_NONE)
        return err;
    const struct config *c = ret->config;
    for (int i = 0; i < SERVER_COUNT; i++) {
        section_of(section, "server", server_names[i]);
        ret->servers[i] = (struct target_server){ text_or_null(c, section, "oid"), text_or_null(c, section, "url") };
    }
    for (int i = 0; i < ROLE_COUNT; i++)
        read_role(c, role_names[i], &ret->roles[i]);
    read_things(c, ret);
    ret->ci = config_text(c, "trust", "ci");
    ret->eum = config_text(c, "trust", "eum");
    ret->strangers = config_text(c, "trust", "strangers");
    ret->schemas = config_text(c, "schemas", "folder");
    if (config_address(c, "sms", "tap", ret->tap_host, sizeof ret->tap_host, &ret->tap_port) != ERR_NONE ||
        config_address(c, "sms", "smsc", ret->smsc_host, sizeof ret->smsc_host, &ret->smsc_port) != ERR_NONE)
        ret->tap_port = ret->smsc_port = 0;
    return ERR_NONE;
}

void target_done(struct target *t)
{
    config_free(t->config);
    *t = (struct target){ 0 };
}
