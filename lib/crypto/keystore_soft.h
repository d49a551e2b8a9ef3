/* lib/crypto/keystore_soft.h: struct keys of lib/base/env.h in software: the master key from a file, private keys by
 * name from PEM or wrapped files, all parsed once and kept in memory, wiped at the end. For one thread at a time. */
#ifndef OSPREY_CRYPTO_KEYSTORE_SOFT_H
#define OSPREY_CRYPTO_KEYSTORE_SOFT_H

#include "ec.h"

#define KEYSTORE_MASTER_LEN 32u
#define KEYSTORE_KEYS_MAX   64u
#define KEYSTORE_NAME_MAX   64u
#define KEYSTORE_FILE_MAX   16384u

struct keystore_soft;

/* master_path: a file of 64 hex digits (blanks and line ends around them are fine). It must not be readable by group or
 * others (ERR_DENIED). When it does not exist and `create` is set, a new one is made from rng with mode 0600.
 * rng NULL: OpenSSL's. Errors: ERR_IO, ERR_NOT_FOUND, ERR_BAD_VALUE, ERR_DENIED. */
MUST_USE enum err keystore_soft_open(const char *master_path, bool create, struct rng *rng, struct keystore_soft **ret);
/* The master key given as 32 octets: for tests and for keys that come another way. */
MUST_USE enum err keystore_soft_new(struct span master, struct rng *rng, struct keystore_soft **ret);
void keystore_soft_free(struct keystore_soft *ks);

/* The seam; lives as long as ks. */
struct keys *keystore_soft_keys(struct keystore_soft *ks);

/* Adds a private key; ks owns it afterwards, also on failure. ERR_EXISTS, ERR_TOO_LONG (name), ERR_NO_SPACE. */
MUST_USE enum err keystore_soft_add(struct keystore_soft *ks, const char *name, struct ec_key *key);
/* From a file: PEM, or what keystore_soft_save wrote (told apart by its first octets). */
MUST_USE enum err keystore_soft_load(struct keystore_soft *ks, const char *name, const char *path);
/* The same without keeping it: the key is the caller's to free. */
MUST_USE enum err keystore_soft_read(struct keystore_soft *ks, const char *path, struct ec_key **ret);
/* Writes a private key wrapped under the master key, its name as aad, mode 0600, over nothing that exists. A file is
 * "OSPREY-WRAPPED-KEY 1\n", the name and "\n", then hexadecimal text and "\n". */
MUST_USE enum err keystore_soft_save(struct keystore_soft *ks, const char *name, const char *path);
/* Is this file a wrapped key? false also when it cannot be read. */
bool keystore_soft_is_wrapped(const char *path);
/* The key of that name, borrowed; NULL when there is none. */
struct ec_key *keystore_soft_key(struct keystore_soft *ks, const char *name);

#endif
