/* eum/folder.h: what an entity has on disk. Every entity has a folder of its own with its master key; private keys lie
 * there wrapped under it (lib/crypto/keystore_soft.h), certificates as PEM, card certificates as DER octets.
 *
 *   master.key   64 hex digits, 0600      ci.pem      the trusted roots
 *   NAME.key     a private key, wrapped   NAME.pem    its certificate, then those that signed it
 *   card.7f21    the GlobalPlatform certificate of an SM-DP or SM-SR; its key is card.key */
#ifndef OSPREY_EUM_FOLDER_H
#define OSPREY_EUM_FOLDER_H

#include "authority.h"
#include "lib/crypto/keystore_soft.h"

#define FOLDER_PATH_MAX   1024u
#define FOLDER_DETAIL_MAX 400u

/* "folder/name"; NULL when that is too long. */
const char *folder_path(const char *folder, const char *name, char out[FOLDER_PATH_MAX]);

/* Makes the folder (0700) and its key store when absent. detail says what went wrong, with the path. */
MUST_USE enum err folder_open(const char *folder, struct rng *rng, struct keystore_soft **ret,
                              char detail[FOLDER_DETAIL_MAX]);

MUST_USE enum err folder_put(const char *folder, const char *name, struct span bytes, char detail[FOLDER_DETAIL_MAX]);
/* Certificates as one PEM file. */
MUST_USE enum err folder_put_pem(const char *folder, const char *name, const struct x509 *const *chain, size_t count,
                                 char detail[FOLDER_DETAIL_MAX]);
/* Takes the key into the store as `name` and writes name.key: wrapped, or as PEM (0600). An existing file stays:
 * ERR_EXISTS. The store owns the key afterwards, also on failure. */
MUST_USE enum err folder_put_key(const char *folder, struct keystore_soft *ks, const char *name, struct ec_key *key,
                                 bool plain, char detail[FOLDER_DETAIL_MAX]);

/* A CI ("ci") or EUM ("eum") read from its folder: its key, certificate, OID and the roots it trusts. */
struct folder_authority {
    struct keystore_soft *ks;
    struct x509 *certificate;
    struct trust trust;
    struct oid oid;
    struct eum_authority authority; /* points to the above */
};
MUST_USE enum err folder_authority_open(const char *folder, const char *name, struct folder_authority *ret,
                                        char detail[FOLDER_DETAIL_MAX]);
void folder_authority_done(struct folder_authority *a);

#endif
