#include "store.h"

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

void store_committed(struct objects *o)
{
    o->commit_end = o->log.end;
    o->commit_chain = o->log.chain;
}

enum err store_sync(struct objects *o)
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
    store_committed(o);
    if (err != ERR_NONE || (err = store_sync(o)) != ERR_NONE)
        return err;
    *ret = o;
    return ERR_NONE;
}

/* The live objects can take those of the transaction. */
bool store_merge_room(struct objects *o)
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
    if (!store_merge_room(o))
        return ERR_NO_MEMORY;
    index_merge(&o->live, &o->pending);
    store_committed(o);
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
        store_committed(o);
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
    o->after = o->live.bytes;
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
