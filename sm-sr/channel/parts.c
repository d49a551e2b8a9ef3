#include "parts.h"

#include "lib/wire/sms.h"

const char SMSR_PARTS_SCHEMA[] =
    "CREATE TABLE part (sender TEXT NOT NULL, reference INTEGER NOT NULL, total INTEGER NOT NULL, number INTEGER NOT NULL,"
    " octets BLOB NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (sender, reference, total, number)) WITHOUT ROWID;";

static const struct statement PUT = {
    "part-put",
    "INSERT INTO part (sender, reference, total, number, octets, at_ms) VALUES (?1,?2,?3,?4,?5,?6)"
    " ON CONFLICT (sender, reference, total, number) DO UPDATE SET octets=?5, at_ms=?6", NULL
};
static const struct statement LOAD = {
    "part-load", "SELECT octets FROM part WHERE sender=?1 AND reference=?2 AND total=?3 AND at_ms>?4", NULL
};
static const struct statement DROP = { "part-drop", "DELETE FROM part WHERE sender=?1 AND reference=?2 AND total=?3", NULL };
static const struct statement PRUNE = { "part-prune", "DELETE FROM part WHERE at_ms<?1", NULL };

static void note(void *context, enum err err) { *(enum err *)context = err; }

static enum err write_one(struct store *store, const struct statement *statement, const struct value *params, size_t count)
{
    const struct write write = { .statement = statement, .params = params, .param_count = count, .expect_rows = -1 };
    enum err err = ERR_BUSY;
    store->commit(store, &write, 1, note, &err);
    return err;
}

/* All that are there, put together. */
static enum err join(const struct query *q, struct arena *a, const char *from, uint64_t now_ms, bool *ret_complete,
                     struct span *ret_packet, uint8_t *ret_iei)
{
    struct sms_reassembly *r = ARENA_NEW(a, struct sms_reassembly);
    enum err err = r ? ERR_NONE : ERR_NO_MEMORY;
    if (r)
        memset(r, 0, sizeof *r);
    *ret_complete = false;
    for (size_t i = 0; err == ERR_NONE && i < q->row_count && !*ret_complete; i++)
        err = sms_reassemble(r, from, now_ms, row_bytes(&q->rows[i], 0), ret_complete, ret_packet, ret_iei);
    return err;
}

static enum err take_part(const struct env *env, struct arena *a, const char *from, const struct sms_header *h, struct span ud,
                          bool *ret_complete, struct span *ret_packet, uint8_t *ret_iei)
{
    uint64_t now = env->clock->now_ms(env->clock);
    const struct value put[] = { value_text(from), value_int(h->reference), value_int(h->total), value_int(h->number),
                                 value_blob(ud),   value_int((int64_t)now) };
    const struct value load[] = { put[0], put[1], put[2], value_int((int64_t)(now - SMS_REASSEMBLY_MS)) };
    struct rowset *rows = ARENA_NEW(a, struct rowset);
    enum err err = rows ? write_one(env->store, &PUT, put, ARRAY_LEN(put)) : ERR_NO_MEMORY;
    if (err != ERR_NONE)
        return err;
    *rows = (struct rowset){ .arena = a };
    const struct query *q = rowset_want(rows, &LOAD, load, ARRAY_LEN(load));
    err = ERR_NO_MEMORY;
    if (q)
        env->store->load(env->store, rows, note, &err);
    if (err == ERR_NONE)
        err = join(q, a, from, now, ret_complete, ret_packet, ret_iei);
    if (err == ERR_NONE && *ret_complete)
        (void)!write_one(env->store, &DROP, load, 3); /* else they are forgotten in time */
    return err;
}

enum err smsr_parts_take(const struct env *env, struct arena *a, const char *from, struct span ud, bool *ret_complete,
                         struct span *ret_packet, uint8_t *ret_iei)
{
    struct sms_header h;
    enum err err = sms_header_read(ud, &h);
    if (err != ERR_NONE)
        return err;
    if (h.total > SMS_PARTS_MAX || h.body.len > SMS_UD_MAX)
        return ERR_TOO_LONG;
    if (h.concatenated && h.total > 1)
        return take_part(env, a, from, &h, ud, ret_complete, ret_packet, ret_iei);
    *ret_complete = true;
    *ret_packet = h.body;
    *ret_iei = h.command ? SMS_IEI_COMMAND : h.response ? SMS_IEI_RESPONSE : 0;
    return ERR_NONE;
}

void smsr_parts_prune(struct writes *w, uint64_t now_ms)
{
    WRITES_ADD(w, &PRUNE, -1, value_int((int64_t)(now_ms - SMS_REASSEMBLY_MS)));
}
