/* euicc/isdp/registry.h: the ISD-Ps of the card: what GET STATUS tells, what ES5 changes. SGP.02 §2.2.1, §2.4, §4.1.1.
 * The registry is read from the object store at power-up and kept in RAM; every change is written in the transaction
 * the caller has open (nvm_begin … nvm_commit). When the caller gives the transaction up it calls registry_load again.
 */
#ifndef OSPREY_EUICC_ISDP_REGISTRY_H
#define OSPREY_EUICC_ISDP_REGISTRY_H

#include "lib/ota/es5.h"
#include "lib/ota/es6.h"

#define ISDP_MAX              16u /* ISD-Ps on one card */
#define ISDP_KVN_DEFAULT      0x30u
#define ISDP_AID_LEN          16u
#define ISDP_ICCID_LEN        10u
#define ISDP_CONNECTIVITY_MAX 255u /* octets of A0, A1, A2 together */
#define ISDP_KEYSETS_MAX      2u   /* SCP03 key sets of one ISD-P */
#define ISDP_IDENTITY_MAX     32u  /* SIN, SDIN, application provider */
#define ISDP_TOKEN_KEYS_MAX   1u

/* Attributes, as in tag 53 of GET STATUS. enum isdp_state is in lib/ota/es5.h, POL1's bits are in es6.h. */
#define ISDP_FALLBACK  ((uint8_t)ISDP_ATTRIBUTE_FALLBACK)
#define ISDP_EMERGENCY ((uint8_t)ISDP_ATTRIBUTE_EMERGENCY)
#define ISDP_TEST      ((uint8_t)0x80) /* a test profile, made in the factory; not told in tag 53 */
#define ISDP_LOCAL     (ISDP_EMERGENCY | ISDP_TEST) /* enabled and disabled by the device alone (ESx) */

struct isdp_octets {
    uint8_t len, bytes[ISDP_IDENTITY_MAX];
};

struct isdp_keyset {
    uint8_t kvn; /* 30 … 3F; 0: none */
    uint8_t enc[16], mac[16], dek[16];
    uint32_t counter; /* of the last INITIALIZE UPDATE answered, 24 bits; 0 for fresh keys */
};

struct isdp {
    uint16_t slot; /* 1 …: names its objects and files; never 0, never used again while in use */
    uint8_t aid[ISDP_AID_LEN];
    enum isdp_state state;
    uint8_t attributes; /* ISDP_FALLBACK | ISDP_EMERGENCY | ISDP_TEST */
    uint8_t pol1;
    bool has_iccid;
    uint8_t iccid[ISDP_ICCID_LEN]; /* reading order, as in the profile header */
    uint32_t granted, used;        /* octets of card memory: quota (0: no limit but the card's), after installation */
    uint8_t imsi[9];               /* EF_IMSI of the first USIM at installation; imsi[0] is 0 when there is none */
    struct isdp_keyset keys[ISDP_KEYSETS_MAX];
    uint8_t token_kvn, token_key[16]; /* key for MasterDelete tokens, KVN 70; token_kvn 0: none */
    struct isdp_octets sin, sdin, provider;
    uint8_t connectivity_len, connectivity[ISDP_CONNECTIVITY_MAX];
};

struct isdp_registry {
    struct isdp *items; /* at most ISDP_MAX, on the heap */
    size_t count, cap;
};

struct card; /* has a struct isdp_registry registry */

struct isdp_registry *card_registry(struct card *card);

/* Reads everything from the object store: at power-up, and to forget changes of a transaction that was given up. */
MUST_USE enum err registry_load(struct card *card);
void registry_drop(struct card *card); /* wipes the RAM and gives it back; the card's memory stays as it is */

/* NULL when there is none. The pointers hold until the next create or delete. */
struct isdp *registry_find(struct card *card, struct span aid);
struct isdp *registry_by_tar(struct card *card, struct span tar); /* octets 13 to 15 of the AID */
struct isdp *registry_by_slot(struct card *card, uint16_t slot);
struct isdp *registry_enabled(struct card *card);
struct isdp *registry_fallback(struct card *card);
struct isdp *registry_with(struct card *card, uint8_t attribute); /* the first that has it */
static inline bool isdp_has_profile(const struct isdp *isdp)
{
    return isdp->state == ISDP_DISABLED || isdp->state == ISDP_ENABLED;
}
static inline struct span isdp_aid(const struct isdp *isdp) { return (struct span){ isdp->aid, ISDP_AID_LEN }; }

/* A new ISD-P in SELECTABLE without keys. ERR_EXISTS; ERR_NO_SPACE when ISDP_MAX are there or granted octets are not
 * free; ERR_NO_MEMORY. */
MUST_USE enum err registry_create(struct card *card, struct span aid, uint32_t granted, struct isdp **ret);
/* Removes it with its profile, keys and everything else stored under its slot. */
MUST_USE enum err registry_delete(struct card *card, struct isdp *isdp);
/* Writes the fields of one ISD-P back after the caller changed them. */
MUST_USE enum err registry_store(struct card *card, struct isdp *isdp);
/* target becomes ENABLED, the enabled one (if any) DISABLED. The files change their looks only at the next reset. */
MUST_USE enum err registry_switch(struct card *card, struct isdp *target);
/* Moves the fall-back attribute. */
MUST_USE enum err registry_set_fallback(struct card *card, struct isdp *target);

/* Card memory in octets, with what a record takes beside its content. Free is what is neither used nor granted to somebody:
 * a new ISD-P may be granted that, and not an octet more. */
uint32_t registry_free(struct card *card);
/* What an ISD-P's profile takes now, and may still take of its quota (what is free, when it has none). */
uint32_t isdp_used(struct card *card, const struct isdp *isdp);
uint32_t isdp_left(struct card *card, const struct isdp *isdp);
/* With the writes of the open transaction it is within its quota; without one, it leaves the others what is granted. */
bool isdp_in_bounds(struct card *card, const struct isdp *isdp);
/* With the writes of the open transaction there is room for all that is granted, and for the card's own objects. */
#define OWN_ROOM_MAX (16u * 1024u) /* octets of the card's own objects; a thirty-second of a smaller memory */
bool registry_keeps_promises(struct card *card);

/* SCP03 keys. Setting a KVN anew starts its counter over and, from SELECTABLE, makes the ISD-P PERSONALIZED. */
struct isdp_keyset *isdp_keyset(struct isdp *isdp, uint8_t kvn); /* kvn 0: the first one; NULL when there is none */
MUST_USE enum err isdp_keyset_set(struct isdp *isdp, uint8_t kvn, const uint8_t enc[16], const uint8_t mac[16],
                                  const uint8_t dek[16]);

#endif
