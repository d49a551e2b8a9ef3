/* lib/role/keys.h: the keys and certificates of a server, as its configuration names them; read at the start, and again
 * whenever it reads its configuration anew.
 *
 *   [ROLE] master_key      what the secrets in the database are wrapped under (lib/crypto/master_key.h)
 *   [old_master NAME] key  older ones, which still open (lib/role/rewrap.h)
 *   [tls] certificate, key, trust, …
 *   [card NAME] certificate, key      how it shows itself to cards */
#ifndef OSPREY_ROLE_KEYS_H
#define OSPREY_ROLE_KEYS_H

#include "card_certificate.h"
#include "lib/crypto/keystore_soft.h"
#include "lib/daemon/daemon.h"
#include "lib/pki/chain.h"

#define ROLE_KEY_OPTIONS(role, card_help)                                                                              \
    { role, "master_key", CONFIG_PATH, "master.key", false,                                                            \
      "protects the secrets in the database: a file of 64 hex digits, or sealed by a token; made at the first start" }, \
    { "old_master *", "key", CONFIG_PATH, NULL, true, "a former master_key, till nothing is wrapped under it any more" }, \
    { "tls", "certificate", CONFIG_PATH, NULL, true, "our TLS certificate and its chain, PEM" },                       \
    { "tls", "key", CONFIG_PATH, NULL, true, "its private key: PEM, wrapped, or pkcs11:… in a token" },                \
    { "tls", "trust", CONFIG_PATH, NULL, true, "the roots that partners' TLS certificates must chain to, PEM" },       \
    { "tls", "crl", CONFIG_PATH, NULL, false, "revocation lists of those roots, of the CI and of EUMs, PEM; read again on HUP" }, \
    { "tls", "crl_required", CONFIG_BOOL, "false", false,                                                              \
      "refuse whose issuer has no revocation list that is valid now; else only who is on one is refused" },            \
    { "tls", "warn_days", CONFIG_NUMBER, "30", false, "so long before one of our certificates expires the log says so" }, \
    { "card *", "certificate", CONFIG_PATH, NULL, true, card_help },                                                   \
    { "card *", "key", CONFIG_PATH, NULL, true, "its private key: PEM, wrapped, or pkcs11:… in a token" }

struct ssl_ctx_st;
struct role_keys {
    struct keystore_soft *store; /* NULL under --check when the first start is still to make the master key */
    struct ssl_ctx_st *server_tls, *client_tls;
};
/* first: the first start, which may make the master key. On failure d->detail says what is wrong. */
MUST_USE enum err role_keys_read(struct daemon *d, const char *role, bool first, struct role_keys *ret);
/* The CI's certificates ([ROLE] ci), and the lists of what it has revoked ([tls] crl, crl_required). detail: what will not do. */
MUST_USE enum err role_trust_read(const struct config *file, const char *role, struct trust *ret, char *detail, size_t cap);
void role_keys_done(struct role_keys *keys);
/* The master keys alone, all of which are there already. */
MUST_USE enum err role_keystore_read(struct daemon *d, const char *role, struct keystore_soft **ret);

/* All [card NAME] sections. detail: which one will not do. */
MUST_USE enum err role_certificates_read(const struct config *config, enum gp_role role, struct card_certificates *ret,
                                         char *detail, size_t cap);

/* ---- when our certificates expire */
#define ROLE_EXPIRIES_MAX (CARD_CERTIFICATES_MAX + 1)
struct role_expiries {
    struct role_expiry {
        char name[72]; /* "tls", "card NAME" */
        uint64_t at_ms;
    } list[ROLE_EXPIRIES_MAX];
    size_t count;
    uint32_t warn_days;
};
void role_expiries_read(const struct config *config, const struct role_keys *keys, const struct card_certificates *cards,
                        struct role_expiries *ret);
/* Now, and twice a day, a line of the log for each that is over, or will be soon; and the others from now on. */
struct role_watch;
struct role_watch *role_watch_new(struct daemon *d, const struct role_expiries *expiries); /* borrowed; NULL: no memory */
void role_watch_set(struct role_watch *watch, const struct role_expiries *expiries);
void role_watch_free(struct role_watch *watch); /* NULL is fine */
/* Seconds that each is still valid; negative when it is over. */
void role_expiries_metrics(const struct role_expiries *expiries, struct writer *w, const char *prefix, uint64_t now_ms);

#endif
