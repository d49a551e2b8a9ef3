#include "index.h"

#include "log.h"

#include <stdlib.h>

#define STEP_MIN 32u /* entries of the smallest array */

static uint64_t entry_bytes(const struct index_entry *e) { return (uint64_t)e->len + OBJECT_OVERHEAD; }

static bool resize(struct index *ix, uint32_t cap)
{
    struct index_entry *entries = realloc(ix->entries, cap * sizeof *entries);
    if (!entries)
        return false;
    ix->entries = entries;
    ix->cap = cap;
    return true;
}

bool index_reserve(struct index *ix, uint32_t count)
{
    if (count <= ix->cap)
        return true;
    if (count > ix->limit)
        return false;
    uint32_t cap = ix->cap + ix->cap / 2;
    cap = cap < STEP_MIN ? STEP_MIN : cap;
    cap = cap < count ? count : cap;
    return resize(ix, cap < ix->limit ? cap : ix->limit);
}

void index_trim(struct index *ix)
{
    if (ix->count == 0) {
        free(ix->entries);
        ix->entries = NULL;
        ix->cap = 0;
    } else if (ix->count < ix->cap) {
        (void)resize(ix, ix->count);
    }
}

bool index_set(struct index *ix, const struct index_entry *entry)
{
    uint32_t i = index_lower(ix, entry->key);
    if (i < ix->count && ix->entries[i].key == entry->key) {
        ix->bytes -= entry_bytes(&ix->entries[i]);
    } else {
        if (!index_reserve(ix, ix->count + 1))
            return false;
        memmove(&ix->entries[i + 1], &ix->entries[i], (ix->count - i) * sizeof *ix->entries);
        ix->count++;
    }
    ix->entries[i] = *entry;
    ix->bytes += entry_bytes(entry);
    return true;
}

void index_remove(struct index *ix, object_key key)
{
    uint32_t i = index_lower(ix, key);
    if (i == ix->count || ix->entries[i].key != key)
        return;
    ix->bytes -= entry_bytes(&ix->entries[i]);
    ix->count--;
    memmove(&ix->entries[i], &ix->entries[i + 1], (ix->count - i) * sizeof *ix->entries);
}

void index_clear(struct index *ix)
{
    ix->count = 0;
    ix->bytes = 0;
}

void index_merge(struct index *ix, struct index *news)
{
    for (uint32_t i = 0; i < news->count; i++) {
        if (news->entries[i].kind == RECORD_DELETE)
            index_remove(ix, news->entries[i].key);
        else
            (void)index_set(ix, &news->entries[i]);
    }
    index_clear(news);
}
