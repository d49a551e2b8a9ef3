/* euicc/nvm/objects.h: the card's memory as keyed objects in a log with atomic commits.
 *
 * The image: a header (magic, version, card id), two small marks, and two halves. One half holds the log: records
 * (object written, object deleted, commit), each checksummed and chained to the one before. When it is full, the live
 * objects are written to the other half as the start of its log ("compaction"). So an image of 2n octets holds up to
 * n octets of objects, less a sixteenth, which is for changing them.
 *
 * A transaction's records reach the memory as they are made, and count only once its commit record is there: a tear at
 * any octet leaves the state before or after. One sync per commit. One transaction at a time; begin and commit nest:
 * the outermost pair counts. While it is open all reads see its writes. Rolling back costs nothing.
 *
 * RAM: the index of the objects, 12 octets each, on the heap; it grows with them and is given back at close.
 *
 * Not thread-safe: one card, one thread at a time. */
#ifndef OSPREY_EUICC_NVM_OBJECTS_H
#define OSPREY_EUICC_NVM_OBJECTS_H

#include "lib/base/arena.h"
#include "lib/base/env.h"

/* Keys: profile slot (0 the card itself, 1 … 63), class, number. All objects of a profile are one range of keys. */
typedef uint32_t object_key;
#define OBJECT_KEY(profile, class, number)                                                                             \
    ((object_key)(((uint32_t)(profile)&0x3F) << 26 | ((uint32_t)(class) & 0x3F) << 20 | ((uint32_t)(number)&0xFFFFF)))
#define OBJECT_PROFILE(key) ((uint8_t)((key) >> 26))
#define OBJECT_CLASS(key)   ((uint8_t)((key) >> 20 & 0x3F))
#define OBJECT_NUMBER(key)  ((key)&0xFFFFFu)

enum object_class {
    OBJ_CARD = 1,      /* profile 0; numbers: enum card_object in euicc/card.h */
    OBJ_FILE = 2,      /* number: file number (uicc/fs.h) */
    OBJ_PIN = 3,       /* number: file number of the context DF << 8 | key reference */
    OBJ_PUK = 4,       /* likewise */
    OBJ_PIN_SHARE = 5, /* number: file number of a DF that uses another DF's PINs */
    OBJ_NAA = 6,       /* number: file number of the ADF: algorithm and keys */
    OBJ_NAA_SQN = 7,   /* number: file number of the ADF: sequence numbers, use counter */
    /* 8 … 15 reserved for euicc/uicc and euicc/nvm */
    OBJ_ISDP = 16, /* euicc/isdp: 16 … 31; numbers are the module's own */
    OBJ_ISDR = 32, /* euicc/isdr, ecasd, mnosd, notify, agent: 32 … 63 */
    OBJ_ECASD = 33,
    OBJ_MNOSD = 34,
    OBJ_NOTIFY = 35,
    OBJ_AGENT = 36,
    OBJ_IMSI = 37 /* euicc/imsi */
};

#define OBJECT_LEN_MAX      65535u /* octets of one object */
#define OBJECTS_MAX         4096u  /* live objects and pending writes together */
#define OBJECT_OVERHEAD     12u    /* octets a record takes beyond its content (and KEYS_WRAP_OVERHEAD for a secret) */
#define OBJECTS_VERSION     1u
#define OBJECTS_CARD_ID_LEN 16u

struct objects;

/* Makes an empty store (anything in the image is lost) and opens it.
 *   keys     NULL: secrets are stored plain; otherwise objects written with objects_put_secret are wrapped
 *   card_id  binds wrapped secrets to this image (the EID) */
MUST_USE enum err objects_format(struct arena *arena, struct nvm *nvm, struct keys *keys,
                                 const uint8_t card_id[OBJECTS_CARD_ID_LEN], struct objects **ret);
/* ERR_NOT_FOUND (no image), ERR_UNSUPPORTED (version, size), ERR_VERIFY (a committed record is damaged), ERR_DENIED
 * (made with keys and opened without, or the other way round), ERR_NO_MEMORY, ERR_IO. Cuts nothing, writes nothing. */
MUST_USE enum err objects_open(struct arena *arena, struct nvm *nvm, struct keys *keys, struct objects **ret);
void objects_close(struct objects *o); /* open transactions are rolled back; gives the index back */

/* Makes the image in `to`, a copy of another card's, hold the card that is in `from`: what is different is written behind
 * what is there, with one commit, and the card id follows. Cards of one make so share nearly all of their octets
 * (nvm_memory_init_on). Both are of one size, closed, and without keys; `from` stays as it is. What objects_open says;
 * ERR_UNSUPPORTED (sizes), ERR_NO_SPACE, ERR_IO: `to` is neither card then. */
MUST_USE enum err objects_transfer(struct nvm *from, struct nvm *to);

/* ---- transactions ---- */

void objects_begin(struct objects *o);
/* The outermost one: durable when it returns ERR_NONE; on ERR_IO or ERR_NO_SPACE everything is rolled back. An inner
 * one only counts down. A transaction without writes commits for nothing. After an inner rollback: ERR_STATE, and the
 * outermost commit has nothing left to do. */
MUST_USE enum err objects_commit(struct objects *o);
/* Undoes everything since the outermost begin, at any depth; the levels above still have to end theirs. */
void objects_rollback(struct objects *o);
bool objects_in_transaction(const struct objects *o);

/* ---- writing: inside a transaction (ERR_STATE otherwise); ERR_NO_SPACE leaves the transaction open and without this
 * write ---- */

MUST_USE enum err objects_put(struct objects *o, object_key key, struct span content);
/* Two parts as one object. */
MUST_USE enum err objects_put2(struct objects *o, object_key key, struct span head, struct span tail);
/* Content is wrapped when the store has keys: at most OBJECT_SECRET_MAX octets. Read with objects_read_secret. */
#define OBJECT_SECRET_MAX 1024u
MUST_USE enum err objects_put_secret(struct objects *o, object_key key, struct span content);
/* Writes the object anew with `bytes` at offset `at` (inside its present length). Not for secrets. ERR_NOT_FOUND,
 * ERR_BAD_LENGTH. */
MUST_USE enum err objects_patch(struct objects *o, object_key key, size_t at, struct span bytes);
MUST_USE enum err objects_delete(struct objects *o, object_key key); /* absent: ERR_NONE */
/* Deletes every object of first … last. */
MUST_USE enum err objects_delete_range(struct objects *o, object_key first, object_key last);
MUST_USE enum err objects_delete_profile(struct objects *o, uint8_t profile);

/* ---- reading: what is committed, and the writes of the open transaction ---- */

bool objects_has(const struct objects *o, object_key key);
MUST_USE enum err objects_len(const struct objects *o, object_key key, size_t *ret);
/* Exactly len octets from offset; ERR_NOT_FOUND, ERR_TRUNCATED (beyond its end). */
MUST_USE enum err objects_read(const struct objects *o, object_key key, size_t offset, uint8_t *out, size_t len);
/* As much of its beginning as there is, at most cap octets. */
MUST_USE enum err objects_read_front(const struct objects *o, object_key key, uint8_t *out, size_t cap, size_t *ret_len);
/* The whole object, at most cap octets (ERR_TOO_LONG). Unwraps a secret; ERR_VERIFY when that fails. */
MUST_USE enum err objects_get(const struct objects *o, object_key key, uint8_t *out, size_t cap, size_t *ret_len);
MUST_USE enum err objects_read_secret(const struct objects *o, object_key key, uint8_t *out, size_t cap,
                                      size_t *ret_len); /* the same; says what is read */
/* The smallest key >= from and <= last, false: none. Loop: for (k = first; objects_next(o, k, last, &k); k++). */
bool objects_next(const struct objects *o, object_key from, object_key last, object_key *ret);

/* ---- room ---- */

size_t objects_capacity(const struct objects *o); /* octets of objects and their overhead */
size_t objects_used(const struct objects *o);     /* committed, live */
/* Capacity less what is live, or will be when the open transaction is committed: to the octet what may still be put. */
size_t objects_free(const struct objects *o);
/* Another number after whatever may have changed an object, never 0: as long as it stays what was read stays true. */
uint32_t objects_changes(const struct objects *o);
bool objects_grow(const struct objects *o); /* the open transaction makes them take more */
/* Octets (with overhead) a profile's objects take: what a quota is compared with. */
size_t objects_used_by(const struct objects *o, uint8_t profile);

struct objects_counts {
    uint32_t commits, syncs, compactions, bytes_written; /* since open */
};
struct objects_counts objects_counts(const struct objects *o);

#endif
