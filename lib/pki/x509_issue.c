#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/crypto/openssl.h"
#include "x509.h"

#define SERIAL_LEN   16u
#define SAN_TEXT_MAX 1024u

struct extension {
    int nid;
    const char *value;
};

/* oncard book 2.5. Certificate policies carry anyPolicy, so that a verifier that asks for one finds it. */
static const struct extension ci_extensions[] = {
    { NID_basic_constraints, "critical,CA:TRUE" },
    { NID_key_usage, "critical,keyCertSign,cRLSign" },
    { NID_subject_key_identifier, "hash" },
    { NID_certificate_policies, "2.5.29.32.0" },
};
static const struct extension eum_extensions[] = {
    { NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
    { NID_key_usage, "critical,keyCertSign,digitalSignature" },
    { NID_subject_key_identifier, "hash" },
    { NID_authority_key_identifier, "keyid:always" },
    { NID_certificate_policies, "2.5.29.32.0" },
};
static const struct extension tls_extensions[] = {
    { NID_basic_constraints, "critical,CA:FALSE" },   { NID_key_usage, "critical,digitalSignature" },
    { NID_ext_key_usage, "serverAuth,clientAuth" },   { NID_subject_key_identifier, "hash" },
    { NID_authority_key_identifier, "keyid:always" },
};
static const struct {
    const struct extension *rows;
    size_t count;
} kinds[] = {
    [X509_CI] = { ci_extensions, ARRAY_LEN(ci_extensions) },
    [X509_EUM] = { eum_extensions, ARRAY_LEN(eum_extensions) },
    [X509_TLS] = { tls_extensions, ARRAY_LEN(tls_extensions) },
};

static bool name_add(X509_NAME *name, const char *field, const char *value)
{
    return !value ||
           X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0) == 1;
}

static bool set_subject(X509 *cert, const struct x509_request *q)
{
    X509_NAME *name = X509_NAME_new();
    bool good = name && name_add(name, "O", q->organisation) && name_add(name, "CN", q->common_name) &&
                X509_set_subject_name(cert, name) == 1;
    X509_NAME_free(name);
    return good;
}

static bool set_serial(X509 *cert, struct rng *rng)
{
    uint8_t octets[SERIAL_LEN];
    if (rng)
        rng->fill(rng, octets, sizeof octets);
    else if (RAND_bytes(octets, sizeof octets) != 1)
        return false;
    octets[0] = (uint8_t)((octets[0] & 0x7F) | 0x40); /* positive, of one length */
    BIGNUM *n = BN_bin2bn(octets, sizeof octets, NULL);
    bool good = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) != NULL;
    BN_free(n);
    return good;
}

static bool set_validity(X509 *cert, const struct x509_request *q)
{
    return ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)(q->from_ms / 1000)) &&
           ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)(q->to_ms / 1000));
}

static bool extension_add(X509 *cert, X509V3_CTX *context, int nid, const char *value)
{
    CONF *empty = NCONF_new(NULL); /* policies are not read without a configuration */
    X509V3_set_nconf(context, empty);
    X509_EXTENSION *extension = empty ? X509V3_EXT_nconf_nid(empty, context, nid, value) : NULL;
    NCONF_free(empty);
    bool good = extension && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return good;
}

static bool is_ip(const char *name)
{
    uint8_t address[16];
    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

/* Names come from people: what would start another entry of the list is refused. */
static bool plain_name(const char *name) { return name[0] && !strpbrk(name, ",;: \t\r\n\\\""); }

static bool alternative_names(const struct x509_request *q, struct writer *w)
{
    if (q->oid)
        wr_printf(w, "RID:%s", q->oid);
    for (size_t i = 0; i < ARRAY_LEN(q->dns_names) && q->dns_names[i]; i++) {
        const char *name = q->dns_names[i];
        if (!is_ip(name) && !plain_name(name))
            return false;
        wr_printf(w, "%s%s:%s", w->len ? "," : "", is_ip(name) ? "IP" : "DNS", name);
    }
    wr_u8(w, 0);
    return w->err == ERR_NONE;
}

static bool set_extensions(X509 *cert, const struct x509_request *q)
{
    WRITER_ON_STACK(names, SAN_TEXT_MAX);
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, q->issuer ? x509_openssl(q->issuer) : cert, cert, NULL, NULL, 0);
    for (size_t i = 0; i < kinds[q->kind].count; i++)
        if (!extension_add(cert, &context, kinds[q->kind].rows[i].nid, kinds[q->kind].rows[i].value))
            return false;
    if (!alternative_names(q, &names))
        return false;
    return names.len <= 1 || extension_add(cert, &context, NID_subject_alt_name, (const char *)names.buf);
}

static bool fill(X509 *cert, const struct x509_request *q)
{
    const X509_NAME *issuer = q->issuer ? X509_get_subject_name(x509_openssl(q->issuer)) : NULL;
    return X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert, q->rng) && set_subject(cert, q) &&
           X509_set_issuer_name(cert, issuer ? issuer : X509_get_subject_name(cert)) == 1 && set_validity(cert, q) &&
           X509_set_pubkey(cert, ec_key_openssl(q->subject)) == 1 && set_extensions(cert, q);
}

static bool is_oid(const char *text)
{
    struct oid oid;
    return !text || oid_from_text(span_text(text), &oid) == ERR_NONE;
}

enum err x509_issue(const struct x509_request *q, struct x509 **ret)
{
    uint8_t der[X509_DER_MAX], *at = der;
    if (!ec_key_is_private(q->issuer_key))
        return ERR_MISSING;
    if (!q->common_name || q->to_ms <= q->from_ms || !is_oid(q->oid))
        return ERR_BAD_VALUE;
    X509 *cert = X509_new();
    bool good = cert && fill(cert, q);
    if (good && X509_sign(cert, ec_key_openssl(q->issuer_key), EVP_sha256()) == 0)
        good = false;
    int len = good ? i2d_X509(cert, NULL) : -1;
    if (len > 0 && len <= (int)sizeof der)
        len = i2d_X509(cert, &at);
    X509_free(cert);
    ERR_clear_error();
    if (len <= 0)
        return ERR_BAD_VALUE;
    return len <= (int)sizeof der ? x509_read((struct span){ der, (size_t)len }, ret) : ERR_TOO_LONG;
}
