/* euicc/nvm/store.h: the object store's inside, for objects.c and open.c. */
#ifndef OSPREY_EUICC_NVM_STORE_H
#define OSPREY_EUICC_NVM_STORE_H

#include "index.h"
#include "log.h"

#define PENDING_MAX 1536u /* objects one transaction writes or deletes */

struct objects {
    struct keys *keys;
    uint8_t card_id[OBJECTS_CARD_ID_LEN];
    struct nvm_log log;
    struct index live, pending;
    uint64_t after; /* octets that are live once the open transaction is committed */
    unsigned depth;         /* of begin */
    bool undone;            /* an inner level rolled back: nothing more is written until the outermost ends */
    bool broken;            /* the memory failed: only reading */
    bool other_half_needed; /* the log was compacted and not synced since: the other half is the only durable one */
    uint32_t commit_end, commit_chain;        /* behind the last commit */
    struct log_mark mark;                     /* as written last */
    uint32_t durable_generation, durable_end; /* a commit we synced; generation 0: none since open */
    struct objects_counts counts;
    uint32_t changes; /* objects_changes */
};

/* The log stands behind a commit. */
void store_committed(struct objects *o);
/* The live objects have room for those of the transaction; false: no memory. */
bool store_merge_room(struct objects *o);
enum err store_sync(struct objects *o);

#endif
