/* euicc/isdr/keyset.h: SCP80 and SCP81 key sets of the ISD-R (SGP.02 §2.2.3; oncard fact book 1.5) and their counters.
 */
#ifndef OSPREY_EUICC_ISDR_KEYSET_H
#define OSPREY_EUICC_ISDR_KEYSET_H

#include "lib/base/err.h"
#include "lib/base/span.h"

#define KEYSET_KEYS_MAX 3u
#define KEYSET_KEY_MAX  32u
#define KVN_SCP80_FIRST 0x01u
#define KVN_SCP80_LAST  0x0Fu
#define KVN_SCP81_FIRST 0x40u
#define KVN_SCP81_LAST  0x4Fu
static inline bool kvn_is_scp80(uint8_t kvn) { return kvn >= KVN_SCP80_FIRST && kvn <= KVN_SCP80_LAST; }
static inline bool kvn_is_scp81(uint8_t kvn) { return kvn >= KVN_SCP81_FIRST && kvn <= KVN_SCP81_LAST; }

struct keyset_key {
    uint8_t kid, type, len;
    uint8_t value[KEYSET_KEY_MAX];
};
struct keyset {
    uint8_t kvn, count;
    struct keyset_key keys[KEYSET_KEYS_MAX];
};

struct card;
MUST_USE enum err keyset_read(struct card *card, uint8_t kvn, struct keyset *ret); /* ERR_NOT_FOUND; wipe after use */
struct span keyset_key(const struct keyset *set, uint8_t kid);                     /* empty when absent */
bool keyset_exists(struct card *card, uint8_t kvn);
/* First existing KVN >= from and <= last; 0: none. */
uint8_t keyset_next(struct card *card, uint8_t from, uint8_t last);
/* Inside the caller's transaction. A new set starts its counters: `received` as given, sent 0. */
MUST_USE enum err keyset_write(struct card *card, const struct keyset *set, uint64_t received);
MUST_USE enum err keyset_delete(struct card *card, uint8_t kvn);

/* Two one-way counters of an SCP80 set: highest received, and last sent. */
struct keyset_counters {
    uint64_t received, sent;
};
MUST_USE enum err keyset_counters_read(struct card *card, uint8_t kvn, struct keyset_counters *ret);
/* In a transaction of its own, durable at return. */
MUST_USE enum err keyset_counters_write(struct card *card, uint8_t kvn, const struct keyset_counters *c);

#endif
