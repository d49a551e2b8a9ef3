#include "registry.h"

#include "euicc/card.h"
#include "lib/base/mutant.h"

#include <stdlib.h>

/* One secret object for each ISD-P (it holds the SCP03 keys): class OBJ_ISDP, number 0, under its slot. */
#define ISDP_NUMBER     0u
#define ISDP_RECORD     1u /* version of the record */
#define ISDP_STORED_MAX OBJECT_SECRET_MAX
#define SLOT_MAX        63u
#define TAR_AT          12u
#define ITEMS_STEP      2u

static object_key key_of(uint16_t slot) { return OBJECT_KEY(slot, OBJ_ISDP, ISDP_NUMBER); }

struct isdp_registry *card_registry(struct card *card) { return &card->registry; }

/* Ends a change: a part of it must not stay, so an error undoes the whole transaction, the caller's too. */
static enum err end(struct card *card, enum err err)
{
    if (err == ERR_NONE)
        err = card_commit(card);
    else
        card_rollback(card);
    enum err again = err == ERR_NONE ? ERR_NONE : registry_load(card);
    return again == ERR_NONE ? err : again;
}

/* ---- the record ---- */

static void wr_octets(struct writer *w, const uint8_t *octets, uint8_t len)
{
    wr_u8(w, len);
    wr_bytes(w, (struct span){ octets, len });
}

static uint8_t rd_octets(struct reader *r, uint8_t *out, size_t max)
{
    uint8_t len = rd_u8(r);
    if (len > max)
        rd_fail(r, ERR_BAD_LENGTH);
    rd_copy(r, out, r->err == ERR_NONE ? len : 0);
    return len;
}

static void encode_keys(struct writer *w, const struct isdp *i)
{
    for (size_t k = 0; k < ISDP_KEYSETS_MAX; k++) {
        const struct isdp_keyset *set = &i->keys[k];
        wr_u8(w, set->kvn);
        if (!set->kvn)
            continue;
        wr_bytes(w, SPAN_OF(set->enc));
        wr_bytes(w, SPAN_OF(set->mac));
        wr_bytes(w, SPAN_OF(set->dek));
        wr_u24(w, set->counter);
    }
    wr_u8(w, i->token_kvn);
    wr_bytes(w, SPAN_OF(i->token_key));
}

static void decode_keys(struct reader *r, struct isdp *i)
{
    for (size_t k = 0; k < ISDP_KEYSETS_MAX; k++) {
        struct isdp_keyset *set = &i->keys[k];
        set->kvn = rd_u8(r);
        if (!set->kvn)
            continue;
        rd_copy(r, set->enc, sizeof set->enc);
        rd_copy(r, set->mac, sizeof set->mac);
        rd_copy(r, set->dek, sizeof set->dek);
        set->counter = rd_u24(r);
    }
    i->token_kvn = rd_u8(r);
    rd_copy(r, i->token_key, sizeof i->token_key);
}

static void encode(struct writer *w, const struct isdp *i)
{
    wr_u8(w, ISDP_RECORD);
    wr_bytes(w, isdp_aid(i));
    wr_u8(w, (uint8_t)i->state);
    wr_u8(w, i->attributes);
    wr_u8(w, i->pol1);
    wr_u8(w, i->has_iccid);
    wr_bytes(w, SPAN_OF(i->iccid));
    wr_u32(w, i->granted);
    wr_u32(w, i->used);
    wr_bytes(w, SPAN_OF(i->imsi));
    encode_keys(w, i);
    wr_octets(w, i->sin.bytes, i->sin.len);
    wr_octets(w, i->sdin.bytes, i->sdin.len);
    wr_octets(w, i->provider.bytes, i->provider.len);
    wr_octets(w, i->connectivity, i->connectivity_len);
}

static enum err decode(struct span stored, uint16_t slot, struct isdp *ret)
{
    struct reader r = rd_of(stored);
    struct isdp i = { .slot = slot };
    if (rd_u8(&r) != ISDP_RECORD)
        return ERR_UNSUPPORTED;
    rd_copy(&r, i.aid, sizeof i.aid);
    i.state = (enum isdp_state)rd_u8(&r);
    i.attributes = rd_u8(&r);
    i.pol1 = rd_u8(&r);
    i.has_iccid = rd_u8(&r) != 0;
    rd_copy(&r, i.iccid, sizeof i.iccid);
    i.granted = rd_u32(&r);
    i.used = rd_u32(&r);
    rd_copy(&r, i.imsi, sizeof i.imsi);
    decode_keys(&r, &i);
    i.sin.len = rd_octets(&r, i.sin.bytes, sizeof i.sin.bytes);
    i.sdin.len = rd_octets(&r, i.sdin.bytes, sizeof i.sdin.bytes);
    i.provider.len = rd_octets(&r, i.provider.bytes, sizeof i.provider.bytes);
    i.connectivity_len = rd_octets(&r, i.connectivity, sizeof i.connectivity);
    enum err err = rd_finish(&r);
    if (err == ERR_NONE)
        *ret = i;
    wipe(&i, sizeof i);
    return err;
}

/* ---- loading and storing ---- */

static void registry_wipe(struct isdp_registry *reg)
{
    if (reg->items)
        wipe(reg->items, reg->cap * sizeof *reg->items);
    reg->count = 0;
}

void registry_drop(struct card *card)
{
    struct isdp_registry *reg = card_registry(card);
    registry_wipe(reg);
    free(reg->items);
    *reg = (struct isdp_registry){ 0 };
}

/* Room for one more; what moves leaves no keys behind. */
static enum err registry_room(struct isdp_registry *reg)
{
    if (reg->count == ISDP_MAX)
        return ERR_TOO_LONG;
    if (reg->count < reg->cap)
        return ERR_NONE;
    struct isdp *items = calloc(reg->cap + ITEMS_STEP, sizeof *items);
    if (!items)
        return ERR_NO_MEMORY;
    if (reg->items) {
        memcpy(items, reg->items, reg->count * sizeof *items);
        wipe(reg->items, reg->cap * sizeof *items);
        free(reg->items);
    }
    reg->items = items;
    reg->cap += ITEMS_STEP;
    return ERR_NONE;
}

enum err registry_load(struct card *card)
{
    struct isdp_registry *reg = card_registry(card);
    uint8_t stored[ISDP_STORED_MAX];
    enum err err = ERR_NONE;

    registry_wipe(reg);
    for (uint16_t slot = 1; err == ERR_NONE && slot <= SLOT_MAX; slot++) {
        size_t len = 0;
        if (!objects_has(card->objects, key_of(slot)))
            continue;
        err = registry_room(reg);
        if (err == ERR_NONE)
            err = objects_read_secret(card->objects, key_of(slot), stored, sizeof stored, &len);
        if (err == ERR_NONE)
            err = decode((struct span){ stored, len }, slot, &reg->items[reg->count]);
        if (err == ERR_NONE)
            reg->count++;
    }
    wipe(stored, sizeof stored);
    return err;
}

static enum err put(struct card *card, const struct isdp *isdp)
{
    WRITER_ON_STACK(w, ISDP_STORED_MAX);
    encode(&w, isdp);
    enum err err = w.err;
    if (err == ERR_NONE)
        err = objects_put_secret(card->objects, key_of(isdp->slot), wr_span(&w));
    wipe(w.buf, w.cap);
    return err;
}

enum err registry_store(struct card *card, struct isdp *isdp)
{
    card_begin(card);
    return end(card, put(card, isdp));
}

/* ---- finding ---- */

struct isdp *registry_find(struct card *card, struct span aid)
{
    struct isdp_registry *reg = card_registry(card);
    for (size_t i = 0; i < reg->count; i++)
        if (span_eq(isdp_aid(&reg->items[i]), aid))
            return &reg->items[i];
    return NULL;
}

struct isdp *registry_by_tar(struct card *card, struct span tar)
{
    struct isdp_registry *reg = card_registry(card);
    for (size_t i = 0; i < reg->count; i++)
        if (span_eq(span_sub(isdp_aid(&reg->items[i]), TAR_AT, TAR_LEN), tar))
            return &reg->items[i];
    return NULL;
}

struct isdp *registry_by_slot(struct card *card, uint16_t slot)
{
    struct isdp_registry *reg = card_registry(card);
    for (size_t i = 0; slot && i < reg->count; i++)
        if (reg->items[i].slot == slot)
            return &reg->items[i];
    return NULL;
}

struct isdp *registry_enabled(struct card *card)
{
    struct isdp_registry *reg = card_registry(card);
    for (size_t i = 0; i < reg->count; i++)
        if (reg->items[i].state == ISDP_ENABLED)
            return &reg->items[i];
    return NULL;
}

struct isdp *registry_with(struct card *card, uint8_t attribute)
{
    struct isdp_registry *reg = card_registry(card);
    for (size_t i = 0; i < reg->count; i++)
        if (reg->items[i].attributes & attribute)
            return &reg->items[i];
    return NULL;
}

struct isdp *registry_fallback(struct card *card) { return registry_with(card, ISDP_FALLBACK); }

/* ---- changing ---- */

static uint16_t free_slot(struct card *card)
{
    uint16_t slot = 1;
    while (slot <= SLOT_MAX && registry_by_slot(card, slot))
        slot++;
    return slot;
}

uint32_t isdp_used(struct card *card, const struct isdp *isdp)
{
    return (uint32_t)objects_used_by(card->objects, (uint8_t)isdp->slot);
}

static uint32_t granted_left(struct card *card, const struct isdp *isdp)
{
    uint32_t used = isdp->granted ? isdp_used(card, isdp) : 0; /* every FCP of a DF comes here */
    return isdp->granted > used ? isdp->granted - used : 0;
}

/* What the card's own objects may still take of their room: keys, addresses, a notification, a suspended session. */
static size_t own_left(struct card *card)
{
    size_t share = objects_capacity(card->objects) / 32, room = share < OWN_ROOM_MAX ? share : OWN_ROOM_MAX;
    size_t used = objects_used_by(card->objects, 0);
    return room > used && !MUTANT(leaks_memory) ? room - used : 0; /* what leaks would hide in it */
}

/* What is granted, or the card's own, and not used yet is not free. */
static size_t promised(struct card *card)
{
    struct isdp_registry *reg = card_registry(card);
    size_t sum = own_left(card);
    for (size_t i = 0; i < reg->count; i++)
        sum += granted_left(card, &reg->items[i]);
    return sum;
}

uint32_t registry_free(struct card *card)
{
    size_t room = objects_free(card->objects), reserved = promised(card);
    return room > reserved ? (uint32_t)(room - reserved) : 0;
}

uint32_t isdp_left(struct card *card, const struct isdp *isdp)
{
    return isdp->granted ? granted_left(card, isdp) : registry_free(card);
}

bool isdp_in_bounds(struct card *card, const struct isdp *isdp)
{
    if (isdp->granted)
        return isdp_used(card, isdp) <= isdp->granted || MUTANT(ignores_the_quota);
    return registry_keeps_promises(card);
}

bool registry_keeps_promises(struct card *card)
{
    return promised(card) <= objects_free(card->objects) || MUTANT(promises_any_memory);
}

enum err registry_create(struct card *card, struct span aid, uint32_t granted, struct isdp **ret)
{
    struct isdp_registry *reg = card_registry(card);
    if (aid.len != ISDP_AID_LEN)
        return ERR_BAD_LENGTH;
    if (registry_find(card, aid))
        return ERR_EXISTS;
    bool fits = granted <= registry_free(card) || MUTANT(promises_any_memory);
    if (reg->count == ISDP_MAX || !fits)
        return ERR_NO_SPACE;
    enum err err = registry_room(reg);
    if (err != ERR_NONE)
        return err;
    struct isdp *isdp = &reg->items[reg->count];
    *isdp = (struct isdp){ .slot = free_slot(card), .state = ISDP_SELECTABLE, .granted = granted };
    memcpy(isdp->aid, aid.ptr, ISDP_AID_LEN);
    err = registry_store(card, isdp);
    if (err != ERR_NONE)
        return err;
    reg->count++;
    *ret = isdp;
    return ERR_NONE;
}

/* A deliberate fault: room that is never given back. */
static enum err leak(struct card *card)
{
    static const uint8_t lost[600];
    return objects_put(card->objects,
                       OBJECT_KEY(0, OBJ_ISDP, 0xF0000u + (uint32_t)objects_free(card->objects) % 0xFFFFu),
                       SPAN_OF(lost));
}

enum err registry_delete(struct card *card, struct isdp *isdp)
{
    struct isdp_registry *reg = card_registry(card);
    size_t index = (size_t)(isdp - reg->items);
    if (MUTANT(deletes_nothing))
        return ERR_NONE;
    card_begin(card);
    enum err err = objects_delete_profile(card->objects, (uint8_t)isdp->slot);
    if (err == ERR_NONE && MUTANT(leaks_memory))
        err = leak(card);
    err = end(card, err);
    if (err != ERR_NONE)
        return err;
    wipe(isdp, sizeof *isdp);
    reg->count--;
    memmove(&reg->items[index], &reg->items[index + 1], (reg->count - index) * sizeof *isdp);
    wipe(&reg->items[reg->count], sizeof *isdp);
    return ERR_NONE;
}

enum err registry_switch(struct card *card, struct isdp *target)
{
    struct isdp *enabled = registry_enabled(card);
    if (!isdp_has_profile(target))
        return ERR_STATE;
    if (enabled == target)
        return ERR_NONE;
    card_begin(card);
    enum err err = ERR_NONE;
    if (enabled && !MUTANT(leaves_the_old_one_enabled)) {
        enabled->state = ISDP_DISABLED;
        err = put(card, enabled);
    }
    target->state = ISDP_ENABLED;
    if (err == ERR_NONE)
        err = put(card, target);
    return end(card, err);
}

enum err registry_set_fallback(struct card *card, struct isdp *target)
{
    struct isdp *holder = registry_fallback(card);
    if (!isdp_has_profile(target))
        return ERR_STATE;
    if (holder == target)
        return ERR_NONE;
    card_begin(card);
    enum err err = ERR_NONE;
    if (holder) {
        if (!MUTANT(two_fallback_holders))
            holder->attributes &= (uint8_t)~ISDP_FALLBACK;
        err = put(card, holder);
    }
    target->attributes |= ISDP_FALLBACK;
    if (err == ERR_NONE)
        err = put(card, target);
    return end(card, err);
}

/* ---- SCP03 keys ---- */

struct isdp_keyset *isdp_keyset(struct isdp *isdp, uint8_t kvn)
{
    for (size_t i = 0; i < ISDP_KEYSETS_MAX; i++)
        if (isdp->keys[i].kvn && (kvn == 0 || isdp->keys[i].kvn == kvn))
            return &isdp->keys[i];
    return NULL;
}

static struct isdp_keyset *free_keyset(struct isdp *isdp)
{
    for (size_t i = 0; i < ISDP_KEYSETS_MAX; i++)
        if (!isdp->keys[i].kvn)
            return &isdp->keys[i];
    return NULL;
}

enum err isdp_keyset_set(struct isdp *isdp, uint8_t kvn, const uint8_t enc[16], const uint8_t mac[16],
                         const uint8_t dek[16])
{
    if (kvn == 0)
        return ERR_BAD_VALUE;
    struct isdp_keyset *set = isdp_keyset(isdp, kvn);
    if (!set)
        set = free_keyset(isdp);
    if (!set)
        return ERR_NO_SPACE;
    *set = (struct isdp_keyset){ .kvn = kvn };
    memcpy(set->enc, enc, sizeof set->enc);
    memcpy(set->mac, mac, sizeof set->mac);
    memcpy(set->dek, dek, sizeof set->dek);
    if (isdp->state == ISDP_SELECTABLE)
        isdp->state = ISDP_PERSONALIZED;
    return ERR_NONE;
}
