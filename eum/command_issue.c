/* osprey-eum issue: certificates and keys for an EUM, an SM-SR, an SM-DP, an operator. */
#include <stdlib.h>

#include "commands.h"
#include "folder.h"
#include "lib/base/world.h"
#include "lib/crypto/token.h"

#define DAY_MS        86400000ull
#define DAYS_MAX      36500u
#define DNS_TEXT_MAX  500u
#define DNS_NAMES_MAX 4u

static const struct command_option options[] = {
    { "ci", "DIR", NULL, true, "folder of the CI (osprey-eum ci init)" },
    { "out", "DIR", NULL, true, "folder of the new entity" },
    { "oid", "OID", NULL, true, "who it is" },
    { "name", "TEXT", NULL, true, "common name of its certificates" },
    { "dns", "NAMES", "localhost,127.0.0.1", false, "names and addresses of its server, at most four" },
    { "curve", "CURVE", NULL, false, "of its card or EUM key; the CI's when not given (TLS keys are P-256)" },
    { "from", "DATE", NULL, false, "valid from that day; now when not given" },
    { "days", "N", "3650", false, "how long the certificates are valid" },
    { "tls-key", "URI", NULL, false, "its TLS key is there already, in a token: pkcs11:… (P-256); no tls.key is written" },
    { "card-key", "URI", NULL, false, "the same of the key for cards; it gives the curve; no card.key is written" },
    { "plain-keys", NULL, NULL, false, "TLS key as plain PEM, for programs that cannot unwrap it" },
};

static const struct kind {
    const char *name;
    bool is_eum;
    enum gp_role role;
} kinds[] = {
    { "eum", true, GP_ROLE_NONE },
    { "sm-sr", false, GP_ROLE_SM_SR },
    { "sm-dp", false, GP_ROLE_SM_DP },
    { "operator", false, GP_ROLE_NONE },
};

struct issue {
    const struct call *call;
    const struct kind *kind;
    const char *out;
    struct oid oid;
    char dns[DNS_TEXT_MAX];
    const char *dns_names[DNS_NAMES_MAX];
    enum ec_curve curve;
    struct eum_validity validity;
    struct folder_authority ci;
    struct keystore_soft *ks;
    char detail[FOLDER_DETAIL_MAX];
};

static const struct kind *kind_named(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

/* A key that is in a token already; the store has it for as long as we run. */
static enum err token_key(struct issue *s, const char *name, const char *uri, struct ec_key **ret)
{
    char why[TOKEN_DETAIL_MAX] = "";
    enum err err = keystore_soft_load(s->ks, name, uri, why);
    *ret = keystore_soft_key(s->ks, name);
    if (err != ERR_NONE)
        snprintf(s->detail, sizeof s->detail, "--%s-key: %s", name, *why ? why : err_text(err));
    return err;
}

/* A fresh key that is in the store and on disk; or one in a token. */
static enum err new_key(struct issue *s, const char *name, enum ec_curve curve, bool plain, struct ec_key **ret)
{
    const char *uri = !strcmp(name, "tls") ? call_text(s->call, "tls-key") : !strcmp(name, "card") ? call_text(s->call, "card-key") : NULL;
    if (uri)
        return token_key(s, name, uri, ret);
    enum err err = ec_generate(curve, world_rng(), ret);
    return err == ERR_NONE ? folder_put_key(s->out, s->ks, name, *ret, plain, s->detail) : err;
}

static enum err x509_for(struct issue *s, enum x509_kind kind, struct ec_key *key, struct x509 **ret)
{
    struct x509_request q = { .kind = kind,
                              .organisation = "Osprey",
                              .common_name = call_text(s->call, "name"),
                              .oid = s->oid.text,
                              .from_ms = s->validity.from_ms,
                              .to_ms = s->validity.to_ms,
                              .subject = key,
                              .issuer = s->ci.certificate,
                              .issuer_key = s->ci.authority.key,
                              .rng = world_rng() };
    if (kind == X509_TLS)
        memcpy(q.dns_names, s->dns_names, sizeof q.dns_names);
    return x509_issue(&q, ret);
}

static enum err issue_x509(struct issue *s, enum x509_kind kind, const char *name, enum ec_curve curve, bool plain)
{
    char file[40];
    struct ec_key *key = NULL;
    struct x509 *x = NULL;
    snprintf(file, sizeof file, "%s.pem", name);
    enum err err = new_key(s, name, curve, plain, &key);
    if (err == ERR_NONE)
        err = x509_for(s, kind, key, &x);
    if (err == ERR_NONE)
        err = folder_put_pem(s->out, file, (const struct x509 *const[]){ x }, 1, s->detail);
    x509_free(x);
    return err;
}

static enum err issue_card(struct issue *s)
{
    WRITER_ON_STACK(certificate, GP_CERTIFICATE_MAX);
    struct ec_key *key = NULL;
    enum err err = new_key(s, "card", s->curve, false, &key);
    const struct eum_card_request q = { s->ci.authority, s->oid, s->kind->role, key, s->validity, world_rng() };
    if (err == ERR_NONE)
        err = eum_card_certificate(&q, &certificate);
    return err == ERR_NONE ? folder_put(s->out, "card.7f21", wr_span(&certificate), s->detail) : err;
}

static enum err issue_all(struct issue *s)
{
    enum err err =
        folder_put_pem(s->out, "ci.pem", (const struct x509 *const *)s->ci.trust.roots, s->ci.trust.count, s->detail);
    if (err == ERR_NONE)
        err = issue_x509(s, X509_TLS, "tls", EC_P256, call_has(s->call, "plain-keys"));
    if (err == ERR_NONE && s->kind->is_eum)
        err = issue_x509(s, X509_EUM, "eum", s->curve, false);
    if (err == ERR_NONE && s->kind->role != GP_ROLE_NONE)
        err = issue_card(s);
    return err;
}

/* ---- options ---- */

static bool split_names(struct issue *s)
{
    size_t count = 0;
    char *rest = s->dns;
    snprintf(s->dns, sizeof s->dns, "%s", call_text(s->call, "dns"));
    for (char *name; (name = strsep(&rest, ",")) != NULL;) {
        if (!*name)
            continue;
        if (count == DNS_NAMES_MAX) {
            call_misused(s->call, "--dns takes at most %u names", DNS_NAMES_MAX);
            return false;
        }
        s->dns_names[count++] = name;
    }
    return true;
}

static bool read_curve(struct issue *s)
{
    const char *name = call_text(s->call, "curve");
    s->curve = ec_key_curve(s->ci.authority.key);
    if (!name || ec_curve_read(name, &s->curve) == ERR_NONE)
        return true;
    call_misused(s->call, "--curve %s is not P-256 or brainpoolP256r1", name);
    return false;
}

static bool read_options(struct issue *s)
{
    uint64_t now_ms = world_clock()->now_ms(world_clock()), days = 0;
    s->kind = kind_named(s->call->arguments[0]);
    s->out = call_text(s->call, "out");
    if (!s->kind) {
        call_misused(s->call, "the kind is eum, sm-sr, sm-dp or operator, not %s", s->call->arguments[0]);
        return false;
    }
    if (oid_from_text(span_text(call_text(s->call, "oid")), &s->oid) != ERR_NONE) {
        call_misused(s->call, "--oid %s is not an object identifier", call_text(s->call, "oid"));
        return false;
    }
    if (!split_names(s) || !call_date(s->call, "from", now_ms, &s->validity.from_ms) ||
        !call_number(s->call, "days", DAYS_MAX, &days))
        return false;
    s->validity.to_ms = s->validity.from_ms + days * DAY_MS;
    return true;
}

static int run(const struct call *call)
{
    struct issue s = { .call = call };
    if (!read_options(&s))
        return EXIT_USAGE;
    enum err err = folder_authority_open(call_text(call, "ci"), "ci", &s.ci, s.detail);
    if (err == ERR_NONE && !read_curve(&s)) {
        folder_authority_done(&s.ci);
        return EXIT_USAGE;
    }
    if (err == ERR_NONE)
        err = folder_open(s.out, world_rng(), &s.ks, s.detail);
    if (err == ERR_NONE)
        err = issue_all(&s);
    keystore_soft_free(s.ks);
    folder_authority_done(&s.ci);
    if (err != ERR_NONE)
        return call_failed(call, "nothing was issued to %s: %s", s.oid.text, s.detail[0] ? s.detail : err_text(err));
    printf("%s %s in %s\n", s.kind->name, s.oid.text, s.out);
    return EXIT_GOOD;
}

const struct command command_issue = {
    "issue",
    "KIND",
    1,
    1,
    "certificates and keys for an EUM, SM-SR, SM-DP or operator",
    "  KIND is eum, sm-sr, sm-dp or operator. Writes into the folder of the new entity:\n"
    "    ci.pem, tls.pem, tls.key           for TLS between the servers\n"
    "    card.7f21, card.key                SM-SR and SM-DP: GlobalPlatform certificate for the card, and its key\n"
    "    eum.pem, eum.key                   EUM: signs eUICC certificates and EIS\n"
    "    master.key                         wraps the keys; made if there is none\n"
    "  Existing keys are never overwritten.\n\n"
    "  osprey-eum issue sm-sr --ci ci --out sm-sr --oid 2.999.2 --name \"Lab SM-SR\"\n",
    options,
    ARRAY_LEN(options),
    run
};
