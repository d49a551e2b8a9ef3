#include "objects.h"

#include "lib/base/mutant.h"
#include "lib/codec/writer.h"
#include "store.h"

#define PENDING_KEPT 64u /* an index of so many stays between transactions */

/* ---- room ---- */

/* A part of the half stays for what a transaction needs until it is committed: beside the objects it replaces, and for a
 * record of each it deletes. So a full card can still be changed and emptied. */
static size_t reserve(const struct objects *o) { return o->log.half_len / 16; }

size_t objects_capacity(const struct objects *o)
{
    return o->log.half_len - LOG_HALF_HEADER - 2 * LOG_RECORD - reserve(o);
}

size_t objects_used(const struct objects *o) { return o->live.bytes; }

size_t objects_free(const struct objects *o)
{
    return o->after < objects_capacity(o) ? objects_capacity(o) - o->after : 0;
}

uint32_t objects_changes(const struct objects *o) { return o->changes + 1; }
bool objects_grow(const struct objects *o) { return o->after > o->live.bytes; }

static size_t used_in(const struct index *ix, object_key first, object_key last)
{
    size_t sum = 0;
    for (uint32_t i = index_lower(ix, first); i < ix->count && ix->entries[i].key <= last; i++)
        sum += ix->entries[i].kind == RECORD_DELETE ? 0 : ix->entries[i].len + OBJECT_OVERHEAD;
    return sum;
}

size_t objects_used_by(const struct objects *o, uint8_t profile)
{
    object_key first = OBJECT_KEY(profile, 0, 0), last = OBJECT_KEY(profile, 0x3F, 0xFFFFF);
    size_t sum = used_in(&o->live, first, last) + used_in(&o->pending, first, last);
    for (uint32_t i = index_lower(&o->pending, first); i < o->pending.count && o->pending.entries[i].key <= last; i++) {
        const struct index_entry *old = index_find(&o->live, o->pending.entries[i].key);
        sum -= old ? old->len + OBJECT_OVERHEAD : 0;
    }
    return sum;
}

struct objects_counts objects_counts(const struct objects *o)
{
    struct objects_counts counts = o->counts;
    counts.bytes_written = (uint32_t)o->log.written;
    return counts;
}

/* ---- compaction ---- */

static enum err copy_entries(struct objects *o, struct index *ix)
{
    for (uint32_t i = 0; i < ix->count; i++) {
        struct index_entry *e = &ix->entries[i];
        enum err err = log_append_copy(&o->log, e->key, e->kind, e->at, e->len, 0, SPAN_NONE);
        if (err != ERR_NONE)
            return err;
        e->at = (uint32_t)(log_base(&o->log) + o->log.end - e->len);
    }
    return ERR_NONE;
}

/* The live objects, then what the open transaction has written, become the log of the other half. */
static enum err compact(struct objects *o)
{
    enum err err = o->other_half_needed ? store_sync(o) : ERR_NONE;
    if (err == ERR_NONE)
        err = log_start(&o->log, !o->log.half, o->log.generation + 1);
    if (err == ERR_NONE)
        err = copy_entries(o, &o->live);
    if (err == ERR_NONE)
        err = log_append(&o->log, 0, RECORD_SNAPSHOT, SPAN_NONE, SPAN_NONE);
    store_committed(o);
    if (err == ERR_NONE)
        err = copy_entries(o, &o->pending);
    o->other_half_needed = true;
    o->counts.compactions++;
    return err;
}

/* Room for a record of this content and the commit behind it. */
static enum err make_room(struct objects *o, size_t len)
{
    size_t need = len + 2 * LOG_RECORD;
    if (log_room(&o->log) >= need)
        return ERR_NONE;
    size_t kept = LOG_HALF_HEADER + LOG_RECORD + o->live.bytes + o->pending.bytes;
    if (kept + need > o->log.half_len)
        return ERR_NO_SPACE;
    enum err err = compact(o);
    o->broken = err != ERR_NONE;
    return err;
}

/* ---- transactions ---- */

void objects_begin(struct objects *o) { o->depth++; }

bool objects_in_transaction(const struct objects *o) { return o->depth != 0; }

static void pending_forget(struct objects *o)
{
    index_clear(&o->pending);
    o->after = o->live.bytes;
    o->changes = (o->changes + 1) % UINT32_MAX;
    if (o->pending.cap > PENDING_KEPT)
        index_trim(&o->pending);
}

static void undo(struct objects *o)
{
    pending_forget(o);
    o->log.end = o->commit_end;
    o->log.chain = o->commit_chain;
}

void objects_rollback(struct objects *o)
{
    if (o->depth == 0)
        return;
    undo(o);
    o->depth--;
    o->undone = o->depth != 0;
}

static enum err write_mark(struct objects *o)
{
    struct log_mark mark = { o->mark.counter + 1, o->durable_generation, o->durable_end };
    if (o->durable_generation == 0 || (mark.generation == o->mark.generation && mark.floor == o->mark.floor))
        return ERR_NONE;
    enum err err = log_write_mark(&o->log, &mark);
    if (err == ERR_NONE)
        o->mark = mark;
    return err;
}

static enum err commit(struct objects *o)
{
    enum err err = store_merge_room(o) ? write_mark(o) : ERR_NO_MEMORY;
    if (err == ERR_NONE && !MUTANT(commits_in_ram_alone))
        err = log_append(&o->log, 0, RECORD_COMMIT, SPAN_NONE, SPAN_NONE);
    if (err != ERR_NONE)
        return err;
    index_merge(&o->live, &o->pending);
    pending_forget(o);
    store_committed(o);
    o->counts.commits++;
    return store_sync(o);
}

enum err objects_commit(struct objects *o)
{
    if (o->depth == 0)
        return ERR_STATE;
    bool undone = o->undone;
    if (--o->depth != 0)
        return undone ? ERR_STATE : ERR_NONE;
    o->undone = false;
    if (undone || o->broken) {
        undo(o);
        return undone ? ERR_STATE : ERR_IO;
    }
    if (o->pending.count == 0)
        return ERR_NONE;
    enum err err = commit(o);
    if (err != ERR_NONE) { /* whether it counts shows when the image is opened again */
        undo(o);
        o->broken = true;
    }
    return err;
}

/* ---- writing ---- */

static const struct index_entry *find(const struct objects *o, object_key key)
{
    const struct index_entry *e = o->pending.count ? index_find(&o->pending, key) : NULL;
    if (!e)
        e = index_find(&o->live, key);
    return e && e->kind != RECORD_DELETE ? e : NULL;
}

/* What will be live when the object has this content. */
static uint64_t after_put(const struct objects *o, object_key key, size_t len)
{
    const struct index_entry *old = find(o, key);
    return o->after - (old ? old->len + OBJECT_OVERHEAD : 0) + len + OBJECT_OVERHEAD;
}

static uint64_t after_delete(const struct objects *o, object_key key) { return after_put(o, key, 0) - OBJECT_OVERHEAD; }

/* A record of this kind for the key, as far as objects and octets are counted. */
static bool has_place(const struct objects *o, object_key key, uint8_t kind, size_t len)
{
    bool fresh = !index_find(&o->pending, key);
    if (fresh && o->pending.count == PENDING_MAX)
        return false;
    if (kind == RECORD_DELETE)
        return true;
    uint64_t after = after_put(o, key, len);
    return (after <= objects_capacity(o) || after <= o->after) && (!fresh || o->live.count + o->pending.count < OBJECTS_MAX);
}

static enum err may_write(struct objects *o, object_key key, uint8_t kind, size_t len)
{
    if (o->broken)
        return ERR_IO;
    if (o->depth == 0 || o->undone)
        return ERR_STATE;
    if (len > OBJECT_LEN_MAX)
        return ERR_TOO_LONG;
    return has_place(o, key, kind, len) ? make_room(o, len) : ERR_NO_SPACE;
}

/* What was appended last becomes what the key means in this transaction. */
static enum err pending_add(struct objects *o, object_key key, uint8_t kind, size_t len, enum err err)
{
    if (err != ERR_NONE) {
        o->broken = true;
        return err;
    }
    struct index_entry e = { key, (uint32_t)(log_base(&o->log) + o->log.end - len), (uint32_t)len, kind };
    uint64_t after = kind == RECORD_DELETE ? after_delete(o, key) : after_put(o, key, len);
    if (!index_set(&o->pending, &e))
        return ERR_NO_SPACE;
    o->after = after;
    o->changes = (o->changes + 1) % UINT32_MAX;
    return ERR_NONE;
}

static enum err put(struct objects *o, object_key key, uint8_t kind, struct span head, struct span tail)
{
    size_t len = head.len + tail.len;
    enum err err = may_write(o, key, kind, len);
    return err == ERR_NONE ? pending_add(o, key, kind, len, log_append(&o->log, key, kind, head, tail)) : err;
}

enum err objects_put(struct objects *o, object_key key, struct span content)
{
    return put(o, key, RECORD_PUT, content, SPAN_NONE);
}

enum err objects_put2(struct objects *o, object_key key, struct span head, struct span tail)
{
    return put(o, key, RECORD_PUT, head, tail);
}

/* A wrapped secret is bound to the card and to the object it is. */
#define AAD_LEN (OBJECTS_CARD_ID_LEN + 4)
static struct span secret_aad(const struct objects *o, object_key key, uint8_t out[AAD_LEN])
{
    struct writer w = wr_of(out, AAD_LEN);
    wr_bytes(&w, SPAN_OF(o->card_id));
    wr_u32(&w, key);
    return wr_span(&w);
}

enum err objects_put_secret(struct objects *o, object_key key, struct span content)
{
    uint8_t wrapped[OBJECT_SECRET_MAX + KEYS_WRAP_OVERHEAD], aad[AAD_LEN];
    if (content.len > OBJECT_SECRET_MAX)
        return ERR_TOO_LONG;
    if (!o->keys)
        return put(o, key, RECORD_PUT, content, SPAN_NONE);
    enum err err = o->keys->wrap(o->keys, secret_aad(o, key, aad), content, wrapped, sizeof wrapped);
    if (err != ERR_NONE)
        return err;
    return put(o, key, RECORD_SECRET, (struct span){ wrapped, content.len + KEYS_WRAP_OVERHEAD }, SPAN_NONE);
}

enum err objects_patch(struct objects *o, object_key key, size_t at, struct span bytes)
{
    const struct index_entry *e = find(o, key);
    if (!e)
        return ERR_NOT_FOUND;
    if (e->kind != RECORD_PUT)
        return ERR_STATE;
    if (at > e->len || bytes.len > e->len - at)
        return ERR_BAD_LENGTH;
    enum err err = may_write(o, key, RECORD_PUT, e->len);
    if (err != ERR_NONE)
        return err;
    e = find(o, key); /* a compaction may have moved it */
    size_t len = e->len;
    return pending_add(o, key, RECORD_PUT, len,
                       log_append_copy(&o->log, key, RECORD_PUT, e->at, (uint32_t)len, at, bytes));
}

enum err objects_delete(struct objects *o, object_key key)
{
    if (!find(o, key))
        return o->depth == 0 ? ERR_STATE : ERR_NONE;
    return put(o, key, RECORD_DELETE, SPAN_NONE, SPAN_NONE);
}

enum err objects_delete_range(struct objects *o, object_key first, object_key last)
{
    enum err err = o->depth == 0 ? ERR_STATE : ERR_NONE;
    object_key key = 0;
    for (bool more = true; more && err == ERR_NONE && objects_next(o, first, last, &key); first = key + 1) {
        err = objects_delete(o, key);
        more = key < last;
    }
    return err;
}

enum err objects_delete_profile(struct objects *o, uint8_t profile)
{
    return objects_delete_range(o, OBJECT_KEY(profile, 0, 0), OBJECT_KEY(profile, 0x3F, 0xFFFFF));
}

/* ---- reading ---- */

bool objects_has(const struct objects *o, object_key key) { return find(o, key) != NULL; }

enum err objects_len(const struct objects *o, object_key key, size_t *ret)
{
    const struct index_entry *e = find(o, key);
    if (!e)
        return ERR_NOT_FOUND;
    *ret = e->kind == RECORD_SECRET ? e->len - KEYS_WRAP_OVERHEAD : e->len;
    return ERR_NONE;
}

enum err objects_read(const struct objects *o, object_key key, size_t offset, uint8_t *out, size_t len)
{
    const struct index_entry *e = find(o, key);
    if (!e)
        return ERR_NOT_FOUND;
    if (e->kind != RECORD_PUT)
        return ERR_STATE;
    if (offset > e->len || len > e->len - offset)
        return ERR_TRUNCATED;
    return len ? o->log.nvm->read(o->log.nvm, e->at + offset, out, len) : ERR_NONE;
}

enum err objects_read_front(const struct objects *o, object_key key, uint8_t *out, size_t cap, size_t *ret_len)
{
    const struct index_entry *e = find(o, key);
    if (!e)
        return ERR_NOT_FOUND;
    if (e->kind != RECORD_PUT)
        return ERR_STATE;
    size_t len = e->len < cap ? e->len : cap;
    enum err err = o->log.nvm->read(o->log.nvm, e->at, out, len);
    if (err == ERR_NONE)
        *ret_len = len;
    return err;
}

static enum err get_secret(const struct objects *o, const struct index_entry *e, uint8_t *out, size_t cap,
                           size_t *ret_len)
{
    uint8_t wrapped[OBJECT_SECRET_MAX + KEYS_WRAP_OVERHEAD], aad[AAD_LEN];
    if (!o->keys || e->len < KEYS_WRAP_OVERHEAD || e->len > sizeof wrapped)
        return ERR_VERIFY;
    if (e->len - KEYS_WRAP_OVERHEAD > cap)
        return ERR_TOO_LONG;
    enum err err = o->log.nvm->read(o->log.nvm, e->at, wrapped, e->len);
    if (err == ERR_NONE)
        err = o->keys->unwrap(o->keys, secret_aad(o, e->key, aad), (struct span){ wrapped, e->len }, out, cap);
    if (err == ERR_NONE)
        *ret_len = e->len - KEYS_WRAP_OVERHEAD;
    return err;
}

enum err objects_get(const struct objects *o, object_key key, uint8_t *out, size_t cap, size_t *ret_len)
{
    const struct index_entry *e = find(o, key);
    if (!e)
        return ERR_NOT_FOUND;
    if (e->kind == RECORD_SECRET)
        return get_secret(o, e, out, cap, ret_len);
    if (e->len > cap)
        return ERR_TOO_LONG;
    enum err err = e->len ? o->log.nvm->read(o->log.nvm, e->at, out, e->len) : ERR_NONE;
    if (err == ERR_NONE)
        *ret_len = e->len;
    return err;
}

enum err objects_read_secret(const struct objects *o, object_key key, uint8_t *out, size_t cap, size_t *ret_len)
{
    return objects_get(o, key, out, cap, ret_len);
}

/* The first entry from i on that the open transaction has not deleted or replaced. */
static uint32_t live_visible(const struct objects *o, uint32_t i)
{
    while (i < o->live.count && o->pending.count != 0 && index_find(&o->pending, o->live.entries[i].key))
        i++;
    return i;
}

bool objects_next(const struct objects *o, object_key from, object_key last, object_key *ret)
{
    uint32_t l = live_visible(o, index_lower(&o->live, from)), p = index_lower(&o->pending, from);
    while (p < o->pending.count && o->pending.entries[p].kind == RECORD_DELETE)
        p++;
    bool has_live = l < o->live.count, has_pending = p < o->pending.count;
    if (!has_live && !has_pending)
        return false;
    object_key key = has_live ? o->live.entries[l].key : o->pending.entries[p].key;
    if (has_pending && o->pending.entries[p].key < key)
        key = o->pending.entries[p].key;
    if (key > last)
        return false;
    *ret = key;
    return true;
}
