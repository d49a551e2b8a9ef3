/* euicc/nvm/index.h: where each object's content stands: a sorted array on the heap that
 * grows with what is in it. Private to the object store. */
#ifndef OSPREY_EUICC_NVM_INDEX_H
#define OSPREY_EUICC_NVM_INDEX_H

#include "objects.h"

struct index_entry {
    object_key key;
    uint32_t at; /* of the content in the image */
    uint32_t len : 24;
    uint32_t kind : 8; /* enum record_kind: PUT, SECRET; DELETE among pending ones */
};

struct index {
    struct index_entry *entries;
    uint32_t count, cap, limit; /* limit: entries it may ever hold */
    uint64_t bytes; /* content and overhead of all entries */
};

/* The position of the first entry with this key or a greater one. Inline, and halving without a branch on the key: every
 * command of the card comes through here several times. */
static inline uint32_t index_lower(const struct index *ix, object_key key)
{
    const struct index_entry *low = ix->entries;
    uint32_t count = ix->count;
    if (count == 0 || low[count - 1].key < key) /* the usual case of a builder: ascending keys */
        return count;
    while (count > 1) {
        uint32_t half = count / 2;
        low = low[half - 1].key < key ? low + half : low;
        count -= half;
    }
    return (uint32_t)(low - ix->entries);
}

/* NULL: not there. */
static inline struct index_entry *index_find(const struct index *ix, object_key key)
{
    uint32_t i = index_lower(ix, key);
    return i < ix->count && ix->entries[i].key == key ? &ix->entries[i] : NULL;
}

/* Room for so many entries in all; false: over the limit, or the machine has no memory. */
bool index_reserve(struct index *ix, uint32_t count);
/* Replaces an entry of the same key; false: full. */
bool index_set(struct index *ix, const struct index_entry *entry);
void index_remove(struct index *ix, object_key key);
void index_clear(struct index *ix);
/* Gives back what is not in use: all of it when it is empty. */
void index_trim(struct index *ix);
/* Takes every entry of `news` over, deletes those that news deletes, empties news. There is room: the caller has
 * checked. */
void index_merge(struct index *ix, struct index *news);

#endif
