#include "objects.h"

#include "index.h"
#include "lib/base/mutant.h"
#include "lib/codec/writer.h"
#include "log.h"

#define PENDING_MAX  1536u /* objects one transaction writes or deletes */
#define PENDING_KEPT 64u   /* an index of so many stays between transactions */

struct objects {
    struct keys *keys;
    uint8_t card_id[OBJECTS_CARD_ID_LEN];
    struct nvm_log log;
    struct index live, pending;
    unsigned depth;         /* of begin */
    bool undone;            /* an inner level rolled back: nothing more is written until the outermost ends */
    bool broken;            /* the memory failed: only reading */
    bool other_half_needed; /* the log was compacted and not synced since: the other half is the only durable one */
    uint32_t commit_end, commit_chain;        /* behind the last commit */
    struct log_mark mark;                     /* as written last */
    uint32_t durable_generation, durable_end; /* a commit we synced; generation 0: none since open */
    struct objects_counts counts;
};

/* ---- making and opening ---- */

static enum err objects_new(struct arena *arena, struct nvm *nvm, struct keys *keys, struct objects **ret)
{
    struct objects *o = ARENA_NEW(arena, struct objects);
    if (!o)
        return ERR_NO_MEMORY;
    o->live.limit = OBJECTS_MAX;
    o->pending.limit = PENDING_MAX;
    o->keys = keys;
    o->log = (struct nvm_log){ .nvm = nvm, .half_len = log_half_len(nvm->size) };
    *ret = o;
    return ERR_NONE;
}

static void committed_here(struct objects *o)
{
    o->commit_end = o->log.end;
    o->commit_chain = o->log.chain;
}

static enum err objects_sync(struct objects *o)
{
    o->counts.syncs++;
    enum err err = o->log.nvm->sync(o->log.nvm);
    if (err == ERR_NONE) {
        o->other_half_needed = false;
        o->durable_generation = o->log.generation;
        o->durable_end = o->commit_end;
    }
    return err;
}

enum err objects_format(struct arena *arena, struct nvm *nvm, struct keys *keys,
                        const uint8_t card_id[OBJECTS_CARD_ID_LEN], struct objects **ret)
{
    struct objects *o;
    if (nvm->size < LOG_IMAGE_MIN || nvm->size > UINT32_MAX)
        return ERR_BAD_LENGTH;
    enum err err = objects_new(arena, nvm, keys, &o);
    if (err != ERR_NONE)
        return err;
    struct image_header h = { OBJECTS_VERSION, keys ? LOG_FLAG_KEYS : 0, (uint32_t)nvm->size, { 0 } };
    memcpy(h.card_id, card_id, sizeof h.card_id);
    memcpy(o->card_id, card_id, sizeof o->card_id);
    static const uint8_t nothing[LOG_HALF_HEADER];
    o->mark = (struct log_mark){ 2, 1, LOG_HALF_HEADER + LOG_RECORD };
    /* first nothing is a card any more, then the empty one is there */
    if ((err = nvm->write(nvm, 0, SPAN_OF(nothing))) == ERR_NONE &&
        (err = nvm->write(nvm, LOG_MARK_AT + LOG_MARK_SLOT, SPAN_OF(nothing))) == ERR_NONE &&
        (err = nvm->write(nvm, LOG_HALVES_AT + o->log.half_len, SPAN_OF(nothing))) == ERR_NONE &&
        (err = log_start(&o->log, 0, 1)) == ERR_NONE &&
        (err = log_append(&o->log, 0, RECORD_SNAPSHOT, SPAN_NONE, SPAN_NONE)) == ERR_NONE &&
        (err = log_write_mark(&o->log, &o->mark)) == ERR_NONE && (err = nvm->sync(nvm)) == ERR_NONE)
        err = log_write_header(&o->log, &h);
    committed_here(o);
    if (err != ERR_NONE || (err = objects_sync(o)) != ERR_NONE)
        return err;
    *ret = o;
    return ERR_NONE;
}

/* The live objects can take those of the transaction. */
static bool merge_room(struct objects *o)
{
    uint32_t count = o->live.count + o->pending.count;
    return index_reserve(&o->live, count < OBJECTS_MAX ? count : OBJECTS_MAX);
}

/* Takes one record into the indexes. */
static enum err replay_record(struct objects *o, const struct record *rec)
{
    struct index_entry e = { rec->key, (uint32_t)(log_base(&o->log) + o->log.end - rec->len), rec->len, rec->kind };
    if (rec->kind != RECORD_COMMIT && rec->kind != RECORD_SNAPSHOT)
        return index_set(&o->pending, &e) ? ERR_NONE : ERR_VERIFY;
    if (!merge_room(o))
        return ERR_NO_MEMORY;
    index_merge(&o->live, &o->pending);
    committed_here(o);
    return ERR_NONE;
}

/* The snapshot a half starts with may have more objects than a transaction: it goes straight to the live ones. */
static enum err replay_snapshot(struct objects *o)
{
    struct record rec;
    enum err err;
    while ((err = log_next(&o->log, &rec)) == ERR_NONE && rec.kind != RECORD_SNAPSHOT) {
        struct index_entry e = { rec.key, (uint32_t)(log_base(&o->log) + o->log.end - rec.len), rec.len, rec.kind };
        if (rec.kind > RECORD_SECRET || !index_set(&o->live, &e))
            return ERR_VERIFY;
    }
    if (err == ERR_NONE)
        committed_here(o);
    return err;
}

/* Reads a half's log; ERR_NOT_FOUND: its snapshot is not complete, so it never counted. */
static enum err replay_half(struct objects *o, uint8_t half)
{
    struct record rec;
    index_clear(&o->live);
    index_clear(&o->pending);
    enum err err = log_rewind(&o->log, half);
    if (err == ERR_NONE)
        err = replay_snapshot(o);
    while (err == ERR_NONE && (err = log_next(&o->log, &rec)) == ERR_NONE)
        err = replay_record(o, &rec);
    if (err == ERR_NOT_FOUND && o->commit_end == 0)
        return ERR_NOT_FOUND;
    index_clear(&o->pending);
    o->log.end = o->commit_end;
    o->log.chain = o->commit_chain;
    return err == ERR_NOT_FOUND ? ERR_NONE : err;
}

/* The half with the higher generation if its snapshot is there, else the other. */
static enum err replay(struct objects *o)
{
    uint32_t generation[2] = { 0, 0 };
    for (uint8_t half = 0; half < 2; half++) {
        enum err err = log_half_generation(&o->log, half, &generation[half]);
        if (err != ERR_NONE && err != ERR_NOT_FOUND)
            return err;
    }
    uint8_t newer = generation[1] > generation[0];
    enum err err = ERR_NOT_FOUND;
    for (uint8_t turn = 0; turn < 2 && err == ERR_NOT_FOUND; turn++) {
        uint8_t half = newer ^ turn;
        o->commit_end = 0;
        if (generation[half] != 0)
            err = replay_half(o, half);
    }
    return err == ERR_NOT_FOUND ? ERR_VERIFY : err;
}

enum err objects_open(struct arena *arena, struct nvm *nvm, struct keys *keys, struct objects **ret)
{
    struct image_header h;
    struct objects *o;
    enum err err = log_read_header(nvm, &h);
    if (err != ERR_NONE)
        return err;
    if (h.version != OBJECTS_VERSION || h.size != nvm->size)
        return ERR_UNSUPPORTED;
    if (!(h.flags & LOG_FLAG_KEYS) != !keys)
        return ERR_DENIED;
    if ((err = objects_new(arena, nvm, keys, &o)) != ERR_NONE)
        return err;
    memcpy(o->card_id, h.card_id, sizeof o->card_id);
    if ((err = log_read_mark(nvm, &o->mark)) != ERR_NONE || (err = replay(o)) != ERR_NONE) {
        objects_close(o);
        return err;
    }
    index_trim(&o->live);
    index_trim(&o->pending);
    bool behind = o->log.generation < o->mark.generation ||
                  (o->log.generation == o->mark.generation && o->log.end < o->mark.floor);
    if (behind) { /* something that was durable once is not there */
        objects_close(o);
        return ERR_VERIFY;
    }
    *ret = o;
    return ERR_NONE;
}

void objects_close(struct objects *o)
{
    if (!o)
        return;
    while (o->depth != 0)
        objects_rollback(o);
    index_clear(&o->live);
    index_clear(&o->pending);
    index_trim(&o->live);
    index_trim(&o->pending);
}

/* ---- room ---- */

size_t objects_capacity(const struct objects *o) { return o->log.half_len - LOG_HALF_HEADER - 2 * LOG_RECORD; }
size_t objects_used(const struct objects *o) { return o->live.bytes; }

size_t objects_free(const struct objects *o)
{
    size_t used = o->live.bytes + o->pending.bytes;
    return used < objects_capacity(o) ? objects_capacity(o) - used : 0;
}

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
    enum err err = o->other_half_needed ? objects_sync(o) : ERR_NONE;
    if (err == ERR_NONE)
        err = log_start(&o->log, !o->log.half, o->log.generation + 1);
    if (err == ERR_NONE)
        err = copy_entries(o, &o->live);
    if (err == ERR_NONE)
        err = log_append(&o->log, 0, RECORD_SNAPSHOT, SPAN_NONE, SPAN_NONE);
    committed_here(o);
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
    enum err err = merge_room(o) ? write_mark(o) : ERR_NO_MEMORY;
    if (err == ERR_NONE && !MUTANT(commits_in_ram_alone))
        err = log_append(&o->log, 0, RECORD_COMMIT, SPAN_NONE, SPAN_NONE);
    if (err != ERR_NONE)
        return err;
    index_merge(&o->live, &o->pending);
    pending_forget(o);
    committed_here(o);
    o->counts.commits++;
    return objects_sync(o);
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

static enum err may_write(struct objects *o, object_key key, size_t len)
{
    if (o->broken)
        return ERR_IO;
    if (o->depth == 0 || o->undone)
        return ERR_STATE;
    if (len > OBJECT_LEN_MAX)
        return ERR_TOO_LONG;
    bool fresh = !index_find(&o->pending, key);
    if (fresh && (o->pending.count == PENDING_MAX || o->live.count + o->pending.count >= OBJECTS_MAX))
        return ERR_NO_SPACE;
    return make_room(o, len);
}

/* What was appended last becomes what the key means in this transaction. */
static enum err pending_add(struct objects *o, object_key key, uint8_t kind, size_t len, enum err err)
{
    if (err != ERR_NONE) {
        o->broken = true;
        return err;
    }
    struct index_entry e = { key, (uint32_t)(log_base(&o->log) + o->log.end - len), (uint32_t)len, kind };
    return index_set(&o->pending, &e) ? ERR_NONE : ERR_NO_SPACE;
}

static enum err put(struct objects *o, object_key key, uint8_t kind, struct span head, struct span tail)
{
    size_t len = head.len + tail.len;
    enum err err = may_write(o, key, len);
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

static const struct index_entry *find(const struct objects *o, object_key key)
{
    const struct index_entry *e = o->pending.count ? index_find(&o->pending, key) : NULL;
    if (!e)
        e = index_find(&o->live, key);
    return e && e->kind != RECORD_DELETE ? e : NULL;
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
    enum err err = may_write(o, key, e->len);
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
