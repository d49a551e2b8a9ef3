#include <stdio.h>

#include "lab_private.h"
#include "lib/base/world.h"
#include "lib/crypto/keystore_soft.h"
#include "lib/crypto/openssl.h"

/* A revocation list of the lab's CI with one certificate on it: what servers read, made without their code. */

static X509 *certificate_read(const char *path)
{
    FILE *f = fopen(path, "r");
    X509 *x = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
    if (f)
        fclose(f);
    return x;
}

static bool entry_add(X509_CRL *crl, X509 *revoked, ASN1_TIME *now)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    return entry && X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked)) == 1 &&
           X509_REVOKED_set_revocationDate(entry, now) == 1 && X509_CRL_add0_revoked(crl, entry) == 1;
}

static X509_CRL *crl_make(X509 *ci, X509 *revoked, EVP_PKEY *key)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *now = X509_gmtime_adj(NULL, -60), *next = X509_gmtime_adj(NULL, 24 * 3600);
    bool good = crl && now && next && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
                X509_CRL_set_issuer_name(crl, X509_get_subject_name(ci)) == 1 && X509_CRL_set1_lastUpdate(crl, now) == 1 &&
                X509_CRL_set1_nextUpdate(crl, next) == 1 && entry_add(crl, revoked, now) && X509_CRL_sort(crl) == 1 &&
                X509_CRL_sign(crl, key, EVP_sha256()) > 0;
    ASN1_TIME_free(now);
    ASN1_TIME_free(next);
    if (good)
        return crl;
    X509_CRL_free(crl);
    return NULL;
}

enum err lab_revoke(struct lab *lab, const char *certificate, const char *list)
{
    struct keystore_soft *ks = NULL;
    struct ec_key *key = NULL;
    const char *folder = lab->folder;
    X509 *ci = certificate_read(arena_printf(&lab->arena, "%s/ci/ci.pem", folder));
    X509 *revoked = certificate_read(arena_printf(&lab->arena, "%s/%s", folder, certificate));
    enum err err = keystore_soft_open(arena_printf(&lab->arena, "%s/ci/master.key", folder), false, world_rng(), &ks);
    if (err == ERR_NONE)
        err = keystore_soft_read(ks, arena_printf(&lab->arena, "%s/ci/ci.key", folder), &key, NULL);
    X509_CRL *crl = err == ERR_NONE && ci && revoked ? crl_make(ci, revoked, ec_key_openssl(key)) : NULL;
    FILE *out = crl ? fopen(arena_printf(&lab->arena, "%s/%s", folder, list), "w") : NULL;
    bool good = out && PEM_write_X509_CRL(out, crl) == 1;
    if (out)
        good = fclose(out) == 0 && good;
    X509_CRL_free(crl);
    X509_free(ci);
    X509_free(revoked);
    ec_key_free(key);
    keystore_soft_free(ks);
    if (!good)
        snprintf(lab->detail, LAB_DETAIL_MAX, "the revocation list: %s", err_text(err));
    return good ? ERR_NONE : ERR_IO;
}
