#include "kept.h"

#include <stdlib.h>

#define ENTRIES (SMSR_KEPT_SETS * SMSR_KEPT_WAYS)
#define ALIGNMENT_MAX 16u /* what an allocation may lose to it */

enum state { EMPTY, PROMISED, KEPT };
struct entry {
    enum state state;
    uint64_t used;
    struct euicc *e; /* in memory */
    void *memory;
    size_t cap;
};
struct kept {
    struct entry entries[ENTRIES];
    struct entry *promised[ENGINE_BATCH_MAX];
    size_t promised_count;
    struct entry *news[ENGINE_BATCH_MAX]; /* more are not told */
    size_t news_count;
    uint64_t tick;
    bool barred;
};

struct kept *kept_new(void) { return calloc(1, sizeof(struct kept)); }

void kept_free(struct kept *k)
{
    for (size_t i = 0; k && i < ENTRIES; i++)
        free(k->entries[i].memory);
    free(k);
}

/* ---- copies, as the rows would be loaded */

struct copy {
    struct arena *arena;
    bool good; /* all found room */
};

static void *list(struct copy *c, size_t size, size_t room)
{
    void *memory = arena_array(c->arena, size, room ? room : 1);
    c->good = c->good && memory;
    return memory;
}

static void octets(struct copy *c, struct span *s)
{
    *s = s->len ? arena_copy(c->arena, *s) : SPAN_NONE;
    c->good = c->good && (s->ptr || !s->len);
}

/* Sorted by ISD-P, as euicc.c has them after a load. */
static void profile_put(struct euicc *to, struct profile p)
{
    size_t at = to->profile_count++;
    for (; at > 0 && memcmp(to->profiles[at - 1].info.isdp_aid.octets, p.info.isdp_aid.octets, AID_MAX) > 0; at--)
        to->profiles[at] = to->profiles[at - 1];
    to->profiles[at] = p;
}

static void copy_profiles(struct copy *c, struct euicc *to, const struct euicc *from)
{
    to->profile_count = 0;
    for (size_t i = 0; c->good && i < from->profile_count; i++) {
        struct profile p = from->profiles[i];
        if (p.change == ROW_GONE || !*p.info.iccid.digits)
            continue;
        p.change = ROW_KEPT;
        octets(c, &p.info.profile_type);
        profile_put(to, p);
    }
}

/* By number, as the statement orders them. */
static void copy_keysets(struct copy *c, struct euicc *to, const struct euicc *from)
{
    to->keyset_count = 0;
    for (size_t i = 0; i < from->keyset_count; i++) {
        struct keyset k = from->keysets[i];
        size_t at = to->keyset_count;
        if (k.change == ROW_GONE)
            continue;
        k.change = ROW_KEPT;
        octets(c, &k.wrapped);
        for (to->keyset_count++; at > 0 && to->keysets[at - 1].kvn > k.kvn; at--)
            to->keysets[at] = to->keysets[at - 1];
        to->keysets[at] = k;
    }
}

static void copy_operations(struct copy *c, struct euicc *to, const struct euicc *from)
{
    to->operation_count = 0;
    for (size_t i = 0; c->good && i < from->operation_count; i++) {
        struct operation op = from->operations[i];
        if (op.change == ROW_GONE || !op.n)
            continue;
        op.change = ROW_KEPT;
        op.data_changed = op.context_changed = false;
        op.status = (struct status){ 0 };
        octets(c, &op.data);
        octets(c, &op.result);
        octets(c, &op.context);
        octets(c, &op.secret);
        to->operations[to->operation_count++] = op;
    }
}

static void copy_exchanges(struct copy *c, struct euicc *to, const struct euicc *from)
{
    to->exchange_count = 0;
    for (size_t i = 0; c->good && i < from->exchange_count; i++) {
        struct exchange x = from->exchanges[i];
        if (x.change == ROW_GONE || !x.n)
            continue;
        x.change = ROW_KEPT;
        x.packet_new = x.script_new = false;
        octets(c, &x.script);
        octets(c, &x.packet);
        to->exchanges[to->exchange_count++] = x;
    }
}

static struct euicc *copy_of(const struct euicc *from, struct arena *arena, bool for_event)
{
    struct copy c = { arena, true };
    struct euicc *to = list(&c, sizeof *to, 1);
    if (!to)
        return NULL;
    *to = *from;
    smsr_euicc_room(to, for_event);
    to->profiles = list(&c, sizeof *to->profiles, to->profile_room);
    to->operations = list(&c, sizeof *to->operations, to->operation_room);
    to->exchanges = list(&c, sizeof *to->exchanges, to->exchange_room);
    copy_profiles(&c, to, from);
    copy_keysets(&c, to, from);
    copy_operations(&c, to, from);
    copy_exchanges(&c, to, from);
    octets(&c, &to->imei);
    octets(&c, &to->meid);
    octets(&c, &to->audit_hash);
    to->version += to->saved;
    to->saved = to->moved = to->changed = false;
    return c.good ? to : NULL;
}

static size_t room_of(struct span s) { return s.len + ALIGNMENT_MAX; }

/* What copy_of takes at most, for keeping. */
static size_t octets_of(const struct euicc *e)
{
    size_t sum = sizeof *e + (e->profile_count + 1) * sizeof *e->profiles + (e->operation_count + 1) * sizeof *e->operations +
                 (e->exchange_count + 1) * sizeof *e->exchanges + 8 * ALIGNMENT_MAX;
    sum += room_of(e->imei) + room_of(e->meid) + room_of(e->audit_hash);
    for (size_t i = 0; i < e->profile_count; i++)
        sum += room_of(e->profiles[i].info.profile_type);
    for (size_t i = 0; i < e->keyset_count; i++)
        sum += room_of(e->keysets[i].wrapped);
    for (size_t i = 0; i < e->operation_count; i++)
        sum += room_of(e->operations[i].data) + room_of(e->operations[i].result) + room_of(e->operations[i].context) +
               room_of(e->operations[i].secret);
    for (size_t i = 0; i < e->exchange_count; i++)
        sum += room_of(e->exchanges[i].script) + room_of(e->exchanges[i].packet);
    return sum;
}

/* ---- entries */

static struct entry *set_of(struct kept *k, const char *eid)
{
    uint64_t hash = 0;
    for (const char *at = eid; *at; at++)
        hash = (hash ^ (uint8_t)*at) * 0x100000001B3u;
    return &k->entries[(hash ^ hash >> 40) % SMSR_KEPT_SETS * SMSR_KEPT_WAYS];
}

static struct entry *entry_of(struct kept *k, const char *eid)
{
    struct entry *set = set_of(k, eid);
    for (size_t i = 0; i < SMSR_KEPT_WAYS; i++)
        if (set[i].state != EMPTY && !strcmp(set[i].e->eid_text, eid))
            return &set[i];
    return NULL;
}

/* The one that it has, one that is empty, or the one not asked for longest; NULL: all are promised. */
static struct entry *entry_for(struct kept *k, const char *eid)
{
    struct entry *set = set_of(k, eid), *found = entry_of(k, eid);
    for (size_t i = 0; !found && i < SMSR_KEPT_WAYS; i++)
        if (set[i].state == EMPTY)
            found = &set[i];
    if (found)
        return found;
    for (size_t i = 0; i < SMSR_KEPT_WAYS; i++)
        if (set[i].state == KEPT && (!found || set[i].used < found->used))
            found = &set[i];
    return found;
}

static bool entry_grow(struct entry *entry, size_t want)
{
    if (want <= entry->cap)
        return true;
    void *grown = realloc(entry->memory, want);
    if (!grown)
        return false;
    entry->memory = grown;
    entry->cap = want;
    return true;
}

struct euicc *kept_copy(struct kept *k, const char *eid, struct arena *arena)
{
    struct entry *entry = k && !k->barred ? entry_of(k, eid) : NULL;
    if (!entry || entry->state != KEPT)
        return NULL;
    entry->used = ++k->tick;
    return copy_of(entry->e, arena, true);
}

void kept_promise(struct kept *k, const struct euicc *e)
{
    if (!k || !e->saved) /* not saved: what is kept of it holds on */
        return;
    struct entry *entry = entry_for(k, e->eid_text);
    size_t want = octets_of(e);
    struct arena arena;
    if (!entry)
        return;
    entry->state = EMPTY;
    if (!e->present || e->gone || want > SMSR_KEPT_OCTETS_MAX || k->promised_count == ENGINE_BATCH_MAX || !entry_grow(entry, want))
        return;
    arena_init_fixed(&arena, entry->memory, entry->cap);
    entry->e = copy_of(e, &arena, false);
    if (!entry->e)
        return;
    entry->state = PROMISED;
    entry->used = ++k->tick;
    k->promised[k->promised_count++] = entry;
}

void kept_bar(struct kept *k)
{
    if (k)
        k->barred = true;
}

static void forget_all(struct kept *k)
{
    for (size_t i = 0; i < ENTRIES; i++)
        k->entries[i].state = EMPTY;
    k->barred = false;
}

void kept_settle(struct kept *k, bool committed)
{
    for (size_t i = 0; i < k->promised_count; i++) {
        k->promised[i]->state = committed ? KEPT : EMPTY;
        if (k->news_count < ENGINE_BATCH_MAX)
            k->news[k->news_count++] = k->promised[i];
    }
    k->promised_count = 0;
    if (k->barred)
        forget_all(k);
}

const char *kept_next_new(struct kept *k)
{
    while (k->news_count)
        if (k->news[--k->news_count]->state == KEPT)
            return k->news[k->news_count]->e->eid_text;
    return NULL;
}

const char *kept_next(const struct kept *k, size_t *at)
{
    while (*at < ENTRIES) {
        const struct entry *entry = &k->entries[(*at)++];
        if (entry->state == KEPT)
            return entry->e->eid_text;
    }
    return NULL;
}
