/* lib/crypto/keystore_soft.h: struct keys of lib/base/env.h in software: master keys from files (master_key.h), private
 * keys by name from PEM files, wrapped files, or in a token (token.h); all parsed once and kept in memory that is neither
 * swapped nor dumped where the system allows that, wiped at the end. For one thread at a time. */
#ifndef OSPREY_CRYPTO_KEYSTORE_SOFT_H
#define OSPREY_CRYPTO_KEYSTORE_SOFT_H

#include "ec.h"
#include "master_key.h"

#define KEYSTORE_MASTER_LEN MASTER_KEY_LEN
#define KEYSTORE_MASTERS_MAX 8u /* the present one and older ones */
#define KEYSTORE_KEYS_MAX   64u
#define KEYSTORE_NAME_MAX   64u

struct keystore_soft;

/* master_path: a file of 64 hex digits (blanks and line ends around them are fine). It must not be readable by group or
 * others (ERR_DENIED). When it does not exist and `create` is set, a new one is made from rng with mode 0600.
 * rng NULL: OpenSSL's. Errors: ERR_IO, ERR_NOT_FOUND, ERR_BAD_VALUE, ERR_DENIED. */
MUST_USE enum err keystore_soft_open(const char *master_path, bool create, struct rng *rng, struct keystore_soft **ret);
/* The master key given as 32 octets: for tests and for keys that come another way. */
MUST_USE enum err keystore_soft_new(struct span master, struct rng *rng, struct keystore_soft **ret);
MUST_USE enum err keystore_soft_of(const struct master_key *master, struct rng *rng, struct keystore_soft **ret);
/* An older master key: what it has wrapped can be opened. The same one twice is one. ERR_NO_SPACE: KEYSTORE_MASTERS_MAX. */
MUST_USE enum err keystore_soft_add_master(struct keystore_soft *ks, const struct master_key *master);
/* The two change their keys: what holds the seam of one has the keys of the other from now on. */
void keystore_soft_exchange(struct keystore_soft *a, struct keystore_soft *b);
void keystore_soft_free(struct keystore_soft *ks);

/* The seam; lives as long as ks. */
struct keys *keystore_soft_keys(struct keystore_soft *ks);

/* Adds a private key; ks owns it afterwards, also on failure. ERR_EXISTS, ERR_TOO_LONG (name), ERR_NO_SPACE. */
MUST_USE enum err keystore_soft_add(struct keystore_soft *ks, const char *name, struct ec_key *key);
/* From a file: PEM, or what keystore_soft_save wrote (told apart by its first octets); or from a token, when path is a
 * URI of token.h. ret_detail (TOKEN_DETAIL_MAX octets, may be NULL): what was wrong, for people. */
MUST_USE enum err keystore_soft_load(struct keystore_soft *ks, const char *name, const char *path, char *ret_detail);
/* The same without keeping it: the key is the caller's to free. */
MUST_USE enum err keystore_soft_read(struct keystore_soft *ks, const char *path, struct ec_key **ret, char *ret_detail);
/* Writes a private key wrapped under the master key, its name as aad, mode 0600, over nothing that exists. A file is
 * "OSPREY-WRAPPED-KEY 1\n", the name and "\n", then hexadecimal text and "\n". */
MUST_USE enum err keystore_soft_save(struct keystore_soft *ks, const char *name, const char *path);
/* A file of keystore_soft_save under the present master key again; another one, or a token's URI, is left as it is. */
MUST_USE enum err keystore_soft_rewrap_file(struct keystore_soft *ks, const char *path, bool *ret_changed);
/* Is this file a wrapped key? false also when it cannot be read. */
bool keystore_soft_is_wrapped(const char *path);
/* The key of that name, borrowed; NULL when there is none. */
struct ec_key *keystore_soft_key(struct keystore_soft *ks, const char *name);

#endif
