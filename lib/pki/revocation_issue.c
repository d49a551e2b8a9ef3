#include <stdio.h>
#include <time.h>

#include "lib/crypto/openssl.h"
#include "revocation.h"

static bool number_set(X509_REVOKED *entry, struct span serial)
{
    BIGNUM *n = BN_bin2bn(serial.ptr, (int)serial.len, NULL);
    ASN1_INTEGER *i = n ? BN_to_ASN1_INTEGER(n, NULL) : NULL;
    bool good = i && X509_REVOKED_set_serialNumber(entry, i) == 1;
    ASN1_INTEGER_free(i);
    BN_free(n);
    return good;
}

static bool entry_add(X509_CRL *crl, struct span serial, const ASN1_TIME *since)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    if (entry && number_set(entry, serial) && X509_REVOKED_set_revocationDate(entry, (ASN1_TIME *)(uintptr_t)since) == 1 &&
        X509_CRL_add0_revoked(crl, entry) == 1)
        return true;
    X509_REVOKED_free(entry);
    return false;
}

static bool entries_keep(X509_CRL *crl, const char *former)
{
    BIO *in = former ? BIO_new_file(former, "r") : NULL;
    X509_CRL *old = in ? PEM_read_bio_X509_CRL(in, NULL, NULL, NULL) : NULL;
    STACK_OF(X509_REVOKED) *entries = old ? X509_CRL_get_REVOKED(old) : NULL;
    bool good = !in || old;
    for (int i = 0; good && i < sk_X509_REVOKED_num(entries); i++) {
        X509_REVOKED *entry = X509_REVOKED_dup(sk_X509_REVOKED_value(entries, i));
        good = entry && X509_CRL_add0_revoked(crl, entry) == 1;
    }
    X509_CRL_free(old);
    BIO_free(in);
    return good;
}

static bool fill(X509_CRL *crl, const struct revocation_request *q)
{
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)(q->from_ms / 1000)), *to = ASN1_TIME_set(NULL, (time_t)(q->to_ms / 1000));
    bool good = from && to && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
                X509_CRL_set_issuer_name(crl, X509_get_subject_name(x509_openssl(q->issuer))) == 1 &&
                X509_CRL_set1_lastUpdate(crl, from) == 1 && X509_CRL_set1_nextUpdate(crl, to) == 1 && entries_keep(crl, q->former);
    for (size_t i = 0; good && i < q->serial_count; i++)
        good = entry_add(crl, q->serials[i], from);
    good = good && X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, ec_key_openssl(q->issuer_key), EVP_sha256()) > 0;
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    return good;
}

enum err revocation_issue(const struct revocation_request *q, struct writer *ret_pem)
{
    X509_CRL *crl = X509_CRL_new();
    BIO *bio = BIO_new(BIO_s_mem());
    uint8_t *text = NULL;
    bool good = crl && bio && fill(crl, q) && PEM_write_bio_X509_CRL(bio, crl) == 1;
    long len = good ? BIO_get_mem_data(bio, &text) : 0;
    if (len > 0)
        wr_bytes(ret_pem, (struct span){ text, (size_t)len });
    X509_CRL_free(crl);
    BIO_free(bio);
    ERR_clear_error();
    return len > 0 ? ret_pem->err : ERR_CRYPTO;
}
