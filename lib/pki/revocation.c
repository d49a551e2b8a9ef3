#include "revocation.h"

#include <stdlib.h>

#include "lib/crypto/openssl.h"

/* Whose key signed a list is found out once for each issuer that asks. */
struct list {
    X509_CRL *crl;
    EVP_PKEY *signer; /* a reference; NULL: not known yet */
};
struct revocation {
    struct list lists[REVOCATION_LISTS_MAX];
    size_t count;
};

static enum err read_lists(struct revocation *r, BIO *in)
{
    X509_CRL *crl;
    while ((crl = PEM_read_bio_X509_CRL(in, NULL, NULL, NULL))) {
        if (r->count == REVOCATION_LISTS_MAX) {
            X509_CRL_free(crl);
            return ERR_NO_SPACE;
        }
        r->lists[r->count++].crl = crl;
    }
    bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return end && r->count ? ERR_NONE : ERR_BAD_VALUE;
}

/* Takes the BIO. */
static enum err revocation_from(BIO *in, struct revocation **ret)
{
    struct revocation *r = calloc(1, sizeof *r);
    enum err err = !in ? ERR_IO : !r ? ERR_NO_MEMORY : read_lists(r, in);
    BIO_free(in);
    if (err != ERR_NONE) {
        ERR_clear_error();
        revocation_free(r);
        return err;
    }
    *ret = r;
    return ERR_NONE;
}

enum err revocation_load(const char *path, struct revocation **ret) { return revocation_from(BIO_new_file(path, "r"), ret); }

enum err revocation_read(struct span pem, struct revocation **ret)
{
    return revocation_from(BIO_new_mem_buf(pem.ptr, (int)pem.len), ret);
}

void revocation_free(struct revocation *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->count; i++) {
        X509_CRL_free(r->lists[i].crl);
        EVP_PKEY_free(r->lists[i].signer);
    }
    free(r);
}

static bool is_of(struct list *l, const struct x509 *issuer)
{
    X509 *x = x509_openssl(issuer);
    EVP_PKEY *key = X509_get0_pubkey(x);
    if (!key || X509_NAME_cmp(X509_CRL_get_issuer(l->crl), X509_get_subject_name(x)) != 0)
        return false;
    if (l->signer && EVP_PKEY_eq(l->signer, key) == 1)
        return true;
    bool good = X509_CRL_verify(l->crl, key) == 1 && EVP_PKEY_up_ref(key) == 1;
    ERR_clear_error();
    if (!good)
        return false;
    EVP_PKEY_free(l->signer);
    l->signer = key;
    return true;
}

static bool is_valid_at(const X509_CRL *crl, uint64_t now_ms)
{
    time_t now = (time_t)(now_ms / 1000);
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
    return X509_cmp_time(X509_CRL_get0_lastUpdate(crl), &now) < 0 && (!next || X509_cmp_time(next, &now) > 0);
}

static ASN1_INTEGER *number_of(struct span serial)
{
    BIGNUM *n = serial.len && serial.len <= X509_SERIAL_MAX ? BN_bin2bn(serial.ptr, (int)serial.len, NULL) : NULL;
    ASN1_INTEGER *i = n ? BN_to_ASN1_INTEGER(n, NULL) : NULL;
    BN_free(n);
    return i;
}

static bool has(X509_CRL *crl, const ASN1_INTEGER *serial)
{
    X509_REVOKED *entry = NULL;
    return X509_CRL_get0_by_serial(crl, &entry, serial) == 1; /* 2: taken off again */
}

enum err revocation_check(struct revocation *r, const struct x509 *issuer, struct span serial, bool required, uint64_t now_ms)
{
    bool listed = !required;
    ASN1_INTEGER *number = r ? number_of(serial) : NULL;
    enum err err = r && !number ? ERR_BAD_VALUE : ERR_NONE;
    for (size_t i = 0; r && err == ERR_NONE && i < r->count; i++) {
        struct list *l = &r->lists[i];
        if (!is_of(l, issuer))
            continue;
        listed |= is_valid_at(l->crl, now_ms);
        err = has(l->crl, number) ? ERR_REVOKED : ERR_NONE;
    }
    ASN1_INTEGER_free(number);
    return err == ERR_NONE && !listed ? ERR_UNLISTED : err;
}
