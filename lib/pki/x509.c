#include "x509.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/crypto/openssl.h"
#include "lib/crypto/tls_mutual.h"

/* What was found out once about a certificate holds for ever: its key, its OID, and who signed it. Times are asked anew. */
struct x509 {
    X509 *cert;
    struct ec_key *key;
    char oid[TLS_OID_MAX]; /* "": not asked for yet */
    X509 *signer; /* a reference; NULL: not known yet */
};

static enum err fault(enum err err)
{
    ERR_clear_error();
    return err;
}

/* Takes the reference. */
static enum err x509_wrap(X509 *cert, struct x509 **ret)
{
    struct x509 *x = calloc(1, sizeof *x);
    if (!x) {
        X509_free(cert);
        return ERR_NO_MEMORY;
    }
    x->cert = cert;
    *ret = x;
    return ERR_NONE;
}

static X509 *read_der(struct span der)
{
    const uint8_t *at = der.ptr;
    X509 *cert = d2i_X509(NULL, &at, (long)der.len);
    if (cert && at != der.ptr + der.len) {
        X509_free(cert);
        cert = NULL;
    }
    return cert;
}

static X509 *read_pem(struct span pem)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return cert;
}

enum err x509_read(struct span in, struct x509 **ret)
{
    if (in.len > 65536)
        return ERR_TOO_LONG;
    X509 *cert = in.len && in.ptr[0] == 0x30 ? read_der(in) : in.len ? read_pem(in) : NULL;
    return cert ? x509_wrap(cert, ret) : fault(ERR_BAD_VALUE);
}

enum err x509_load(const char *path, struct x509 **ret)
{
    uint8_t text[X509_PEM_MAX];
    FILE *f = fopen(path, "rb");
    if (!f)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    size_t len = fread(text, 1, sizeof text, f);
    bool good = !ferror(f) && len < sizeof text;
    fclose(f);
    return good ? x509_read((struct span){ text, len }, ret) : ERR_IO;
}

void x509_free(struct x509 *x)
{
    if (!x)
        return;
    ec_key_free(x->key);
    X509_free(x->signer);
    X509_free(x->cert);
    free(x);
}

X509 *x509_openssl(const struct x509 *x) { return x->cert; }

void x509_der(const struct x509 *x, struct writer *out)
{
    uint8_t *der = NULL;
    int len = i2d_X509(x->cert, &der);
    if (len < 0)
        wr_fail(out, fault(ERR_CRYPTO));
    else
        wr_bytes(out, (struct span){ der, (size_t)len });
    OPENSSL_free(der);
}

void x509_pem(const struct x509 *x, struct writer *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    uint8_t *text = NULL;
    long len = bio && PEM_write_bio_X509(bio, x->cert) == 1 ? BIO_get_mem_data(bio, &text) : 0;
    if (len > 0)
        wr_bytes(out, (struct span){ text, (size_t)len });
    else
        wr_fail(out, fault(ERR_CRYPTO));
    BIO_free(bio);
}

/* ---- looking into it ---- */

enum err x509_oid(const struct x509 *x, struct oid *ret)
{
    struct x509 *mine = (struct x509 *)(uintptr_t)x;
    char text[TLS_OID_MAX];
    enum err err = *x->oid ? ERR_NONE : tls_certificate_oid(x->cert, text);
    if (err != ERR_NONE)
        return err;
    if (!*x->oid)
        memcpy(mine->oid, text, sizeof text);
    return oid_from_text(span_text(x->oid), ret);
}

void x509_subject(const struct x509 *x, char *out, size_t cap)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long len = 0;
    if (bio && X509_NAME_print_ex(bio, X509_get_subject_name(x->cert), 0, XN_FLAG_RFC2253) >= 0)
        len = BIO_get_mem_data(bio, &text);
    snprintf(out, cap, "%.*s", (int)len, text ? text : "");
    BIO_free(bio);
}

enum err x509_ski(const struct x509 *x, uint8_t ret_ski[X509_SKI_LEN])
{
    const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(x->cert);
    if (!ski || ASN1_STRING_length(ski) != (int)X509_SKI_LEN)
        return fault(ERR_MISSING);
    memcpy(ret_ski, ASN1_STRING_get0_data(ski), X509_SKI_LEN);
    return ERR_NONE;
}

enum err x509_key(const struct x509 *x, struct ec_key **ret)
{
    EVP_PKEY *pkey = X509_get0_pubkey(x->cert);
    return pkey ? ec_key_from_openssl(pkey, ret) : fault(ERR_BAD_VALUE);
}

struct ec_key *x509_public_key(const struct x509 *x)
{
    struct x509 *mine = (struct x509 *)(uintptr_t)x;
    if (!x->key && x509_key(x, &mine->key) != ERR_NONE)
        return NULL;
    return x->key;
}

bool x509_is_ca(const struct x509 *x)
{
    return X509_check_ca(x->cert) == 1 && (X509_get_key_usage(x->cert) & KU_KEY_CERT_SIGN) != 0;
}

void x509_serial(const struct x509 *x, struct writer *out)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x->cert);
    wr_bytes(out, (struct span){ ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial) });
}

static uint64_t time_ms(const ASN1_TIME *t)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(t, &tm) != 1)
        return 0;
    time_t at = timegm(&tm);
    return at > 0 ? (uint64_t)at * 1000 : 0;
}

void x509_validity(const struct x509 *x, uint64_t *ret_from_ms, uint64_t *ret_to_ms)
{
    *ret_from_ms = time_ms(X509_get0_notBefore(x->cert));
    *ret_to_ms = time_ms(X509_get0_notAfter(x->cert));
}

enum err x509_valid_at(const struct x509 *x, uint64_t now_ms)
{
    uint64_t from, to;
    x509_validity(x, &from, &to);
    return now_ms >= from && now_ms <= to ? ERR_NONE : ERR_EXPIRED;
}

static void remember_signer(struct x509 *x, X509 *signer)
{
    if (x->signer || X509_up_ref(signer) != 1)
        return;
    x->signer = signer;
}

static enum err signed_by(const struct x509 *x, const struct x509 *issuer)
{
    if (x->signer == issuer->cert)
        return ERR_NONE;
    EVP_PKEY *key = X509_get0_pubkey(issuer->cert);
    if (!key || X509_check_issued(issuer->cert, x->cert) != X509_V_OK || X509_verify(x->cert, key) != 1)
        return fault(ERR_VERIFY);
    remember_signer((struct x509 *)(uintptr_t)x, issuer->cert);
    return ERR_NONE;
}

enum err x509_issued_by(const struct x509 *x, const struct x509 *issuer, uint64_t now_ms)
{
    if (!x509_is_ca(issuer))
        return ERR_BAD_VALUE;
    enum err err = signed_by(x, issuer);
    if (err == ERR_NONE)
        err = x509_valid_at(issuer, now_ms);
    return err == ERR_NONE ? x509_valid_at(x, now_ms) : err;
}
