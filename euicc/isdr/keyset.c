#include "keyset.h"

#include "isdr.h"

#define KEYSET_STORED_MAX (1u + KEYSET_KEYS_MAX * (3u + KEYSET_KEY_MAX))
#define COUNTERS_STORED   10u

static object_key keyset_object(uint8_t kvn) { return ISDR_KEY(ISDR_KEYSET + kvn); }
static object_key counters_object(uint8_t kvn) { return ISDR_KEY(ISDR_COUNTERS + kvn); }

static enum err keyset_decode(struct span stored, uint8_t kvn, struct keyset *ret)
{
    struct reader r = rd_of(stored);
    struct keyset set = { .kvn = kvn, .count = rd_u8(&r) };
    if (set.count > KEYSET_KEYS_MAX)
        return ERR_BAD_VALUE;
    for (size_t i = 0; i < set.count; i++) {
        struct keyset_key *k = &set.keys[i];
        k->kid = rd_u8(&r);
        k->type = rd_u8(&r);
        k->len = rd_u8(&r);
        if (k->len > KEYSET_KEY_MAX)
            return ERR_BAD_LENGTH;
        rd_copy(&r, k->value, k->len);
    }
    enum err err = rd_finish(&r);
    if (err == ERR_NONE)
        *ret = set;
    wipe(&set, sizeof set);
    return err;
}

enum err keyset_read(struct card *card, uint8_t kvn, struct keyset *ret)
{
    uint8_t stored[KEYSET_STORED_MAX];
    size_t len = 0;
    enum err err = objects_read_secret(card->objects, keyset_object(kvn), stored, sizeof stored, &len);
    if (err == ERR_NONE)
        err = keyset_decode((struct span){ stored, len }, kvn, ret);
    wipe(stored, sizeof stored);
    return err;
}

struct span keyset_key(const struct keyset *set, uint8_t kid)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->keys[i].kid == kid)
            return (struct span){ set->keys[i].value, set->keys[i].len };
    return SPAN_NONE;
}

bool keyset_exists(struct card *card, uint8_t kvn) { return objects_has(card->objects, keyset_object(kvn)); }

uint8_t keyset_next(struct card *card, uint8_t from, uint8_t last)
{
    for (unsigned kvn = from; kvn <= last; kvn++)
        if (keyset_exists(card, (uint8_t)kvn))
            return (uint8_t)kvn;
    return 0;
}

static enum err counters_put(struct card *card, uint8_t kvn, const struct keyset_counters *c)
{
    WRITER_ON_STACK(w, COUNTERS_STORED);
    wr_u40(&w, c->received);
    wr_u40(&w, c->sent);
    return objects_put(card->objects, counters_object(kvn), wr_span(&w));
}

enum err keyset_write(struct card *card, const struct keyset *set, uint64_t received)
{
    WRITER_ON_STACK(w, KEYSET_STORED_MAX);
    wr_u8(&w, set->count);
    for (size_t i = 0; i < set->count; i++) {
        const struct keyset_key *k = &set->keys[i];
        wr_u8(&w, k->kid);
        wr_u8(&w, k->type);
        wr_u8(&w, k->len);
        wr_bytes(&w, (struct span){ k->value, k->len });
    }
    enum err err = w.err;
    if (err == ERR_NONE)
        err = objects_put_secret(card->objects, keyset_object(set->kvn), wr_span(&w));
    wipe(w.buf, w.cap);
    struct keyset_counters fresh = { received, 0 };
    return err == ERR_NONE ? counters_put(card, set->kvn, &fresh) : err;
}

enum err keyset_delete(struct card *card, uint8_t kvn)
{
    enum err err = objects_delete(card->objects, keyset_object(kvn));
    return err == ERR_NONE ? objects_delete(card->objects, counters_object(kvn)) : err;
}

enum err keyset_counters_read(struct card *card, uint8_t kvn, struct keyset_counters *ret)
{
    uint8_t stored[COUNTERS_STORED];
    enum err err = objects_read(card->objects, counters_object(kvn), 0, stored, sizeof stored);
    if (err != ERR_NONE)
        return err;
    struct reader r = rd_of(SPAN_OF(stored));
    ret->received = rd_u40(&r);
    ret->sent = rd_u40(&r);
    return r.err;
}

enum err keyset_counters_write(struct card *card, uint8_t kvn, const struct keyset_counters *c)
{
    card_begin(card);
    enum err err = counters_put(card, kvn, c);
    if (err != ERR_NONE) {
        card_rollback(card);
        return err;
    }
    return card_commit(card);
}
