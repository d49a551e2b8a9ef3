/* lib/base/env.h: the seams. What is not a function of its arguments (time, chance, memory, keys, the network, the
 * database, the log) is reached through these small structs of functions, so that the simulator can put its own in
 * their place and ten servers fit in one process. Nobody keeps global state. */
#ifndef OSPREY_BASE_ENV_H
#define OSPREY_BASE_ENV_H

#include "err.h"
#include "span.h"

/* Time. Milliseconds since 1970-01-01T00:00:00Z. */
struct clock {
    uint64_t (*now_ms)(struct clock *);
    /* Asks for a wake-up not later than at_ms; only the earliest one asked for counts. */
    void (*wake_at)(struct clock *, uint64_t at_ms);
};

/* Chance. Cryptographically strong outside the simulator. A failure to get any is fatal inside fill. */
struct rng {
    void (*fill)(struct rng *, uint8_t *out, size_t len);
};

/* The card's memory: `size` octets that keep their content. A write may tear at any octet when power fails;
 * after sync returned ERR_NONE all writes before it are there to stay. */
struct nvm {
    size_t size;
    enum err (*read)(struct nvm *, size_t at, uint8_t *out, size_t len);
    enum err (*write)(struct nvm *, size_t at, struct span bytes);
    enum err (*sync)(struct nvm *);
};

/* The log. One line per fact. Libraries do not log: who handles an error logs it, once. Never a secret. */
enum log_level { LOG_DEBUG_, LOG_INFO_, LOG_WARN_, LOG_ERROR_ };
struct log {
    void (*line)(struct log *, enum log_level, const char *text);
    enum log_level least; /* what is below is not written: it need not even be worded */
};
static inline bool log_wants(const struct log *log, enum log_level level) { return log && level >= log->least; }
/* `about` is the EID, ICCID or peer concerned, or NULL. log may be NULL: nothing is written. */
void log_fact(struct log *log, enum log_level level, const char *about, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Keys are handles; plain values leave only through what these do. See crypto/keystore_soft.h for the software one.
 * wrap/unwrap: AES-256-GCM under a key that comes from the master key and `aad`, the identity of the row or file that
 * holds the result; output = id of the master key(4) || nonce(8) || ciphertext || tag(16), so plain.len +
 * KEYS_WRAP_OVERHEAD octets. There may be older master keys beside the present one: they open, but wrap nothing. */
#define KEYS_WRAP_OVERHEAD 28u
struct keys {
    enum err (*wrap)(struct keys *, struct span aad, struct span plain, uint8_t *out, size_t out_cap);
    enum err (*unwrap)(struct keys *, struct span aad, struct span wrapped, uint8_t *out, size_t out_cap);
    /* ECDSA with SHA-256 over message, by the private key of that name; r || s, each curve-size octets left-padded. */
    enum err (*sign)(struct keys *, const char *name, struct span message, uint8_t *out, size_t out_cap,
                     size_t *ret_len);
    /* The same secret under the present master key: out is wrapped.len octets. *ret_changed false: it was so already, out
     * is not written. ERR_VERIFY: none of our master keys opens it. */
    enum err (*rewrap)(struct keys *, struct span aad, struct span wrapped, uint8_t *out, bool *ret_changed);
    /* The present master key's id; and is there one of that id, present or older? */
    uint32_t (*master_id)(struct keys *);
    bool (*master_known)(struct keys *, uint32_t id);
};

struct net;
struct store;

struct env {
    struct clock *clock;
    struct rng *rng;
    struct net *net;
    struct store *store;
    struct nvm *nvm;
    struct keys *keys;
    struct log *log;
};

#endif
