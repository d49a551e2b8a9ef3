#include "chain.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/mutant.h"
#include "oid_octets.h"

#define TRUST_FILE_MAX 131072u

/* ---- the roots ---- */

enum err trust_add(struct trust *t, struct x509 *root)
{
    if (t->count == CHAIN_ROOTS_MAX) {
        x509_free(root);
        return ERR_NO_SPACE;
    }
    t->roots[t->count++] = root;
    return ERR_NONE;
}

void trust_done(struct trust *t)
{
    for (size_t i = 0; i < t->count; i++)
        x509_free(t->roots[i]);
    revocation_free(t->lists);
    *t = (struct trust){ 0 };
}

enum err trust_load_lists(struct trust *t, const char *path, bool required)
{
    t->lists_required = required;
    if (!path)
        return required ? ERR_MISSING : ERR_NONE;
    return revocation_load(path, &t->lists);
}

/* From one BEGIN line to the next. */
static struct span pem_block(struct span *text)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
    const uint8_t *from = text->ptr ? memmem(text->ptr, text->len, begin, sizeof begin - 1) : NULL;
    if (!from)
        return SPAN_NONE;
    struct span rest = span_from(*text, (size_t)(from - text->ptr));
    const uint8_t *to = memmem(rest.ptr, rest.len, end, sizeof end - 1);
    if (!to)
        return SPAN_NONE;
    size_t len = (size_t)(to - rest.ptr) + sizeof end - 1;
    *text = span_from(rest, len);
    return span_sub(rest, 0, len);
}

static enum err trust_read(struct trust *t, struct span text)
{
    struct span block;
    size_t before = t->count;
    while ((block = pem_block(&text)).len) {
        struct x509 *root = NULL;
        enum err err = x509_read(block, &root);
        if (err == ERR_NONE)
            err = trust_add(t, root);
        if (err != ERR_NONE)
            return err;
    }
    return t->count > before ? ERR_NONE : ERR_BAD_VALUE;
}

enum err trust_load(struct trust *t, const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *text = malloc(TRUST_FILE_MAX);
    enum err err = f && text ? ERR_NONE : f ? ERR_NO_MEMORY : ERR_IO;
    if (err == ERR_NONE) {
        size_t len = fread(text, 1, TRUST_FILE_MAX, f);
        err = ferror(f) || len == TRUST_FILE_MAX ? ERR_IO : trust_read(t, (struct span){ text, len });
    }
    if (f)
        fclose(f);
    free(text);
    return err;
}

/* ---- X.509: EUM by CI ---- */

static enum err eum_revoked(const struct trust *t, const struct x509 *eum, const struct x509 *root, uint64_t now_ms)
{
    WRITER_ON_STACK(serial, X509_SERIAL_MAX);
    if ((!t->lists && !t->lists_required) || MUTANT(takes_revoked_eums))
        return ERR_NONE;
    x509_serial(eum, &serial);
    return serial.err == ERR_NONE ? revocation_check(t->lists, root, wr_span(&serial), t->lists_required, now_ms) : serial.err;
}

enum err chain_check_eum(const struct trust *t, const struct x509 *eum, uint64_t now_ms, const struct x509 **ret_root)
{
    enum err err = ERR_VERIFY;
    for (size_t i = 0; i < t->count && err == ERR_VERIFY; i++) {
        err = x509_issued_by(eum, t->roots[i], now_ms);
        if (err == ERR_NONE && !x509_is_ca(eum))
            err = ERR_BAD_VALUE;
        if (err == ERR_NONE)
            err = eum_revoked(t, eum, t->roots[i], now_ms);
        if (err == ERR_NONE && ret_root)
            *ret_root = t->roots[i];
    }
    return err;
}

/* ---- GlobalPlatform certificates ---- */

static enum err give_key(const struct gp_certificate *c, struct ec_key **ret_key)
{
    struct ec_key *key = NULL;
    enum err err = gp_certificate_key(c, &key); /* the point is on its curve, asked for or not */
    if (err == ERR_NONE && ret_key)
        *ret_key = key;
    else
        ec_key_free(key);
    return err;
}

static enum err verify_by_x509(const struct gp_certificate *c, const struct x509 *issuer)
{
    struct ec_key *key = x509_public_key(issuer);
    return key ? gp_certificate_verify(c, key) : ERR_UNSUPPORTED;
}

/* The issuer's identifier in 42 is the OID of the X.509 certificate, when that has one. */
static enum err issuer_named(const struct gp_certificate *c, const struct x509 *issuer)
{
    struct oid oid;
    WRITER_ON_STACK(octets, OID_OCTETS_MAX);
    if (x509_oid(issuer, &oid) != ERR_NONE)
        return ERR_NONE;
    enum err err = oid_to_octets(&oid, &octets);
    if (err != ERR_NONE)
        return err;
    return span_eq(c->ca_id, wr_span(&octets)) ? ERR_NONE : ERR_BAD_VALUE;
}

enum err chain_check_euicc(const struct trust *t, const struct x509 *eum, struct span ecasd_certificate,
                           struct span eid, uint64_t now_ms, struct ec_key **ret_key)
{
    struct gp_certificate c;
    enum err err = gp_certificate_decode(ecasd_certificate, &c);
    if (err == ERR_NONE)
        err = verify_by_x509(&c, eum);
    if (err == ERR_NONE && (!span_eq(c.subject_id, eid) || c.role != GP_ROLE_NONE))
        err = ERR_BAD_VALUE;
    if (err == ERR_NONE)
        err = issuer_named(&c, eum);
    if (err == ERR_NONE)
        err = gp_certificate_valid_at(&c, now_ms);
    if (err == ERR_NONE)
        err = revocation_check(t->lists, eum, c.serial, false, now_ms);
    if (err == ERR_NONE)
        err = chain_check_eum(t, eum, now_ms, NULL);
    return err == ERR_NONE ? give_key(&c, ret_key) : err;
}

static bool key_id_fits(const struct gp_certificate *c, const struct x509 *root)
{
    uint8_t ski[X509_SKI_LEN];
    return c->authority_key_id.len == 0 ||
           (x509_ski(root, ski) == ERR_NONE && span_eq(c->authority_key_id, SPAN_OF(ski)));
}

enum err chain_check_server(const struct trust *t, struct span certificate, enum gp_role role, uint64_t now_ms,
                            struct ec_key **ret_key)
{
    struct gp_certificate c;
    enum err err = gp_certificate_decode(certificate, &c);
    if (err != ERR_NONE)
        return err;
    err = ERR_VERIFY;
    for (size_t i = 0; i < t->count && err == ERR_VERIFY; i++) {
        if (key_id_fits(&c, t->roots[i]))
            err = verify_by_x509(&c, t->roots[i]);
        if (err == ERR_NONE)
            err = x509_valid_at(t->roots[i], now_ms);
        if (err == ERR_NONE)
            err = revocation_check(t->lists, t->roots[i], c.serial, t->lists_required, now_ms);
    }
    if (err == ERR_NONE)
        err = gp_certificate_is_for(&c, role);
    if (err == ERR_NONE)
        err = gp_certificate_valid_at(&c, now_ms);
    return err == ERR_NONE ? give_key(&c, ret_key) : err;
}

enum err chain_check_own(const struct trust *t, struct span certificate, uint64_t now_ms)
{
    struct gp_certificate c;
    enum err err = gp_certificate_decode(certificate, &c);
    if (err == ERR_NONE)
        err = gp_certificate_valid_at(&c, now_ms);
    if (err != ERR_NONE)
        return err;
    err = ERR_VERIFY;
    for (size_t i = 0; i < t->count && err != ERR_NONE && err != ERR_REVOKED; i++)
        if (key_id_fits(&c, t->roots[i]))
            err = revocation_check(t->lists, t->roots[i], c.serial, t->lists_required, now_ms);
    return err;
}

enum reason chain_reason(enum chain_kind kind, enum err err)
{
    static const struct {
        enum reason invalid, expired, revoked;
    } rows[] = {
        [CHAIN_EUM] = { REASON_EUM_CERT_INVALID, REASON_EUM_CERT_EXPIRED, REASON_EUM_CERT_REVOKED },
        [CHAIN_ECASD] = { REASON_ECASD_CERT_INVALID, REASON_ECASD_CERT_EXPIRED, REASON_ECASD_CERT_REVOKED },
        [CHAIN_SR] = { REASON_SR_CERT_INVALID, REASON_SR_CERT_EXPIRED, REASON_SR_CERT_REVOKED },
        [CHAIN_DP] = { REASON_DP_CERT_INVALID, REASON_DP_CERT_EXPIRED, REASON_DP_CERT_REVOKED },
    };
    return err == ERR_EXPIRED ? rows[kind].expired : err == ERR_REVOKED ? rows[kind].revoked : rows[kind].invalid;
}
