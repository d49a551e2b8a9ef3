/* A long life of the object store beside a table that says what must be in it: transactions of any size, given up, committed, or
 * torn at a random octet of a random write; the image is opened again and again. The first argument is the number of
 * transactions (more in the soak), the second the seed. */
#include "tests/support/test.h"

#include <stdlib.h>

#include "euicc/nvm/nvm_memory.h"
#include "euicc/nvm/objects.h"

#define IMAGE       16384u
#define PROFILES    3u
#define KEYS        24u /* of each profile */
#define LEN_MAX     400u
#define STEPS_MAX   12u
#define OBJECT_NONE UINT32_MAX

static unsigned long transactions = 20000;
static uint32_t seed = 1;

/* Content is made of its seed; len OBJECT_NONE: there is no such object. */
struct content {
    uint32_t len, seed, patched_at, patched_with;
};
struct table {
    struct content at[PROFILES][KEYS];
};

struct life {
    struct nvm_memory memory;
    struct arena arena;
    struct objects *o;
    struct table now, next; /* committed; with what the open transaction writes */
    bool partly; /* a deletion of many was cut short by want of room: the transaction has to be given up */
    unsigned torn, refused;
};

static uint32_t draw(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(seed >> 4) * below >> 28);
}

static void fill(const struct content *c, uint8_t *out)
{
    for (uint32_t i = 0; i < c->len; i++)
        out[i] = (uint8_t)(c->seed + i * 7);
    if (c->patched_at < c->len)
        out[c->patched_at] = (uint8_t)c->patched_with;
}

static object_key key_of(unsigned profile, unsigned number) { return OBJECT_KEY(profile, 2, number); }

/* ---- one step of a transaction ---- */

static enum err put(struct life *l, unsigned profile, unsigned number)
{
    struct content c = { draw(LEN_MAX), draw(256), OBJECT_NONE, 0 };
    uint8_t octets[LEN_MAX];
    fill(&c, octets);
    uint32_t head = c.len ? draw(c.len) : 0;
    enum err err = objects_put2(l->o, key_of(profile, number), (struct span){ octets, head },
                                (struct span){ octets + head, c.len - head });
    if (err == ERR_NONE)
        l->next.at[profile][number] = c;
    return err;
}

static enum err patch(struct life *l, unsigned profile, unsigned number)
{
    struct content *c = &l->next.at[profile][number];
    if (c->len == OBJECT_NONE || c->len == 0 || c->patched_at != OBJECT_NONE)
        return ERR_NONE;
    uint32_t at = draw(c->len);
    uint8_t octet = (uint8_t)draw(256);
    enum err err = objects_patch(l->o, key_of(profile, number), at, (struct span){ &octet, 1 });
    if (err == ERR_NONE) {
        c->patched_at = at;
        c->patched_with = octet;
    }
    return err;
}

static enum err delete(struct life *l, unsigned profile, unsigned number)
{
    enum err err = objects_delete(l->o, key_of(profile, number));
    if (err == ERR_NONE)
        l->next.at[profile][number].len = OBJECT_NONE;
    return err;
}

static enum err step(struct life *l)
{
    unsigned what = draw(100), profile = draw(PROFILES), number = draw(KEYS);
    if (what < 60)
        return put(l, profile, number);
    if (what < 78)
        return patch(l, profile, number);
    if (what < 97)
        return delete(l, profile, number);
    enum err err = objects_delete_profile(l->o, (uint8_t)profile);
    l->partly = err == ERR_NO_SPACE;
    for (number = 0; err == ERR_NONE && number < KEYS; number++)
        l->next.at[profile][number].len = OBJECT_NONE;
    return err;
}

/* ---- what must be there ---- */

static size_t octets_of(const struct table *t, unsigned profile)
{
    size_t sum = 0;
    for (unsigned i = 0; i < KEYS; i++)
        sum += t->at[profile][i].len == OBJECT_NONE ? 0 : t->at[profile][i].len + OBJECT_OVERHEAD;
    return sum;
}

/* Room is told to the octet, in a transaction too. */
static void assert_room(struct life *l, const struct table *t)
{
    size_t sum = 0;
    for (unsigned profile = 0; profile < PROFILES; profile++) {
        assert_int_equal(objects_used_by(l->o, (uint8_t)profile), octets_of(t, profile));
        sum += octets_of(t, profile);
    }
    assert_int_equal(objects_free(l->o), objects_capacity(l->o) - sum);
}

static bool holds(struct objects *o, const struct table *t)
{
    uint8_t wanted[LEN_MAX], octets[LEN_MAX];
    size_t len;
    for (unsigned profile = 0; profile < PROFILES; profile++)
        for (unsigned number = 0; number < KEYS; number++) {
            const struct content *c = &t->at[profile][number];
            enum err err = objects_get(o, key_of(profile, number), octets, sizeof octets, &len);
            if (c->len == OBJECT_NONE && err == ERR_NOT_FOUND)
                continue;
            if (c->len == OBJECT_NONE || err != ERR_NONE || len != c->len)
                return false;
            fill(c, wanted);
            if (memcmp(wanted, octets, len) != 0)
                return false;
        }
    return true;
}

/* ---- a life ---- */

static void reopen(struct life *l)
{
    objects_close(l->o);
    arena_release(&l->arena);
    nvm_memory_power_on(&l->memory);
    arena_init(&l->arena, 1 << 20);
    assert_ok(objects_open(&l->arena, &l->memory.nvm, NULL, &l->o));
}

/* After a tear it is the state before or the one after; before only, unless the commit was begun. */
static void after_tear(struct life *l, bool commit_begun)
{
    reopen(l);
    l->torn++;
    if (commit_begun && holds(l->o, &l->next))
        l->now = l->next;
    assert_true(holds(l->o, &l->now));
}

static void transaction(struct life *l)
{
    enum err err = ERR_NONE;
    l->next = l->now;
    l->partly = false;
    if (draw(5) == 0)
        nvm_memory_cut_after(&l->memory, draw(draw(4) ? 300 : 12000));
    objects_begin(l->o);
    for (unsigned steps = 1 + draw(STEPS_MAX); steps && err == ERR_NONE; steps--) {
        err = step(l);
        if (err == ERR_NONE)
            assert_room(l, &l->next);
    }
    if (err == ERR_NO_SPACE) {
        l->refused++;
        if (!l->partly)
            assert_room(l, &l->next); /* the transaction is open and without that write */
        err = ERR_NONE;
    }
    bool commits = err == ERR_NONE && !l->partly && draw(8) != 0;
    if (commits)
        err = objects_commit(l->o);
    else
        objects_rollback(l->o);
    if (err == ERR_IO) {
        after_tear(l, commits);
        return;
    }
    assert_ok(err);
    if (commits)
        l->now = l->next;
    nvm_memory_power_on(&l->memory);
}

static void a_long_life_is_what_the_table_says(void **state)
{
    (void)state;
    static struct life l;
    static const uint8_t card_id[OBJECTS_CARD_ID_LEN] = { 0x89 };
    memset(&l.now, 0xFF, sizeof l.now);
    assert_ok(nvm_memory_init(&l.memory, IMAGE));
    arena_init(&l.arena, 1 << 20);
    assert_ok(objects_format(&l.arena, &l.memory.nvm, NULL, card_id, &l.o));
    for (unsigned long i = 0; i < transactions; i++) {
        transaction(&l);
        assert_room(&l, &l.now);
        if (draw(10) == 0)
            reopen(&l);
        if (i % 16 == 0)
            assert_true(holds(l.o, &l.now));
    }
    assert_true(holds(l.o, &l.now));
    assert_true(l.torn > transactions / 50 && l.refused > transactions / 50);
    print_message("%lu transactions, %u torn, %u without room, seed now %u\n", transactions, l.torn, l.refused, seed);
    objects_close(l.o);
    arena_release(&l.arena);
    nvm_memory_done(&l.memory);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        transactions = strtoul(argv[1], NULL, 10);
    if (argc > 2)
        seed = (uint32_t)strtoul(argv[2], NULL, 10);
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_long_life_is_what_the_table_says) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
