/* osprey-eum revoke: a revocation list of a CI, or of an EUM. */
#include "commands.h"
#include "folder.h"
#include "lib/base/world.h"
#include "lib/io/file.h"

#define DAY_MS         86400000ull
#define DAYS_MAX       36500u
#define REVOKED_MAX    64u /* in one call */
#define LIST_MAX       (1u << 20)

static const struct command_option options[] = {
    { "ci", "DIR", NULL, false, "the CI's folder, for certificates of EUMs, SM-SRs, SM-DPs and TLS" },
    { "eum", "DIR", NULL, false, "the EUM's folder, for certificates of eUICCs" },
    { "out", "FILE", NULL, true, "the list, PEM; who is on it already stays on it" },
    { "from", "DATE", NULL, false, "the list's day; now when not given" },
    { "days", "N", "30", false, "how long it is valid: the next one is due then" },
};

struct revoking {
    const struct call *call;
    struct folder_authority issuer;
    struct arena arena;
    struct span serials[REVOKED_MAX];
    uint64_t from_ms, days;
    char detail[FOLDER_DETAIL_MAX];
};

/* Signed by this CI or EUM; what is expired may be revoked, too. */
static enum err is_ours(const struct revoking *r, const struct gp_certificate *gp, const struct x509 *x)
{
    enum err err = x ? x509_issued_by(x, r->issuer.certificate, r->from_ms) : gp_certificate_verify(gp, r->issuer.authority.key);
    return err == ERR_EXPIRED ? ERR_NONE : err;
}

static enum err serial_of_gp(struct revoking *r, struct span file, struct span *ret)
{
    struct gp_certificate gp;
    enum err err = gp_certificate_decode(file, &gp);
    if (err == ERR_NONE)
        err = is_ours(r, &gp, NULL);
    if (err == ERR_NONE)
        *ret = gp.serial;
    return err;
}

static enum err serial_of_x509(struct revoking *r, struct span file, struct span *ret)
{
    struct x509 *x = NULL;
    struct writer out = wr_arena(&r->arena, X509_SERIAL_MAX);
    enum err err = x509_read(file, &x);
    if (err == ERR_NONE)
        err = is_ours(r, NULL, x);
    if (err == ERR_NONE)
        x509_serial(x, &out);
    x509_free(x);
    *ret = wr_span(&out);
    return err == ERR_NONE ? out.err : err;
}

static enum err read_serials(struct revoking *r)
{
    for (size_t i = 0; i < r->call->argument_count; i++) {
        struct span file;
        enum err err = file_read(r->call->arguments[i], X509_PEM_MAX, &r->arena, &file);
        if (err == ERR_NONE)
            err = file.len && file.ptr[0] == 0x7F ? serial_of_gp(r, file, &r->serials[i]) : serial_of_x509(r, file, &r->serials[i]);
        if (err != ERR_NONE) {
            snprintf(r->detail, sizeof r->detail, "%s is no certificate of this issuer: %s", r->call->arguments[i], err_text(err));
            return err;
        }
    }
    return ERR_NONE;
}

static enum err write_list(struct revoking *r)
{
    struct writer pem = wr_arena(&r->arena, LIST_MAX);
    const char *out = call_text(r->call, "out");
    const struct revocation_request q = { .issuer = r->issuer.certificate,
                                          .issuer_key = r->issuer.authority.key,
                                          .serials = r->serials,
                                          .serial_count = r->call->argument_count,
                                          .former = out,
                                          .from_ms = r->from_ms,
                                          .to_ms = r->from_ms + r->days * DAY_MS };
    enum err err = revocation_issue(&q, &pem);
    return err == ERR_NONE ? file_write(out, wr_span(&pem)) : err;
}

static int run(const struct call *call)
{
    struct revoking r = { .call = call };
    const char *ci = call_text(call, "ci"), *eum = call_text(call, "eum");
    if (!ci == !eum)
        return call_misused(call, "one of --ci and --eum");
    if (!call_date(call, "from", world_clock()->now_ms(world_clock()), &r.from_ms) || !call_number(call, "days", DAYS_MAX, &r.days))
        return EXIT_USAGE;
    arena_init(&r.arena, 4u << 20);
    enum err err = folder_authority_open(ci ? ci : eum, ci ? "ci" : "eum", &r.issuer, r.detail);
    if (err == ERR_NONE)
        err = read_serials(&r);
    if (err == ERR_NONE)
        err = write_list(&r);
    folder_authority_done(&r.issuer);
    arena_release(&r.arena);
    if (err != ERR_NONE)
        return call_failed(call, "no list was written: %s", r.detail[0] ? r.detail : err_text(err));
    printf("%zu certificate%s revoked, list in %s\n", call->argument_count, call->argument_count == 1 ? "" : "s", call_text(call, "out"));
    return EXIT_GOOD;
}

const struct command command_revoke = {
    "revoke",
    "CERTIFICATE…",
    0,
    REVOKED_MAX,
    "writes a revocation list of a CI, or of an EUM",
    "  Each CERTIFICATE is a file: X.509 (PEM), or a card's certificate (7F21, octets). Without one the list is written anew, valid\n"
    "  for --days. SM-SR and SM-DP read such files from [tls] crl; lists of several issuers may stand in one file.\n\n"
    "  osprey-eum revoke --ci ci --out revoked.crl sm-dp-old/card.7f21 sm-dp-old/tls.pem\n",
    options,
    ARRAY_LEN(options),
    run
};
