/* The secrets of the database move to another master key while the SM-SR runs: all of them, in small steps, past a
 * crash at any of them; an older key may go when they have, and not before; what is written back meanwhile is found. */
#include "lib/role/rewrap.h"
#include "sm-sr/store/euicc.h"
#include "sm-sr/store/schema.h"
#include "world.h"

#define OTHERS 70u /* eUICCs beside the world's own: more than two pages */
#define SECRET SPAN_LIT("the keys of an eUICC")

static const struct statement ALL = { "test-all", "SELECT eid, kvn, wrapped FROM keyset ORDER BY eid", NULL };
static const struct statement PUT = { "test-put", "UPDATE keyset SET wrapped=?3 WHERE eid=?1 AND kvn=?2", NULL };

static struct world w;

static void note(void *context, enum err err) { *(enum err *)context = err; }

static void put(const struct statement *statement, const struct value *params, size_t count)
{
    enum err err = ERR_BUSY;
    struct store *store = sqlite_store_seam(w.sqlite);
    struct write write = { .statement = statement, .params = params, .param_count = count, .expect_rows = 1 };
    store->commit(store, &write, 1, note, &err);
    assert_ok(err);
}

static struct span wrapped_for(struct keystore_soft *ks, const char *eid, uint8_t kvn)
{
    char aad[SMSR_AAD_SIZE];
    struct keys *k = keystore_soft_keys(ks);
    size_t len = SECRET.len + KEYS_WRAP_OVERHEAD;
    uint8_t *out = arena_alloc(&w.arena, len);
    assert_ok(k->wrap(k, smsr_keyset_aad(eid, kvn, aad), SECRET, out, len));
    return (struct span){ out, len };
}

static const char *eid_of(unsigned n) { return arena_printf(&w.arena, "8900999%025u", n); }

static struct master_key master_of(uint8_t octet)
{
    uint8_t key[MASTER_KEY_LEN];
    struct master_key master;
    memset(key, octet, sizeof key);
    assert_ok(master_key_set(&master, key));
    return master;
}

/* A key store as a configuration may give it: its present key, and older ones. */
static struct keystore_soft *store_of(uint8_t present, uint8_t older)
{
    struct master_key master = master_of(present), other = master_of(older);
    struct keystore_soft *ks = NULL;
    assert_ok(keystore_soft_of(&master, w.rng, &ks));
    if (older)
        assert_ok(keystore_soft_add_master(ks, &other));
    return ks;
}

static void take(struct keystore_soft *next)
{
    keystore_soft_exchange(w.keys, next);
    keystore_soft_free(next);
    smsr_reload(w.smsr, &w.config);
}

static enum err may_take(uint8_t present, uint8_t older)
{
    char detail[REWRAP_DETAIL_MAX] = "";
    struct keystore_soft *ks = store_of(present, older);
    enum err err = rewrap_check(sqlite_store_seam(w.sqlite), keystore_soft_keys(ks), detail);
    keystore_soft_free(ks);
    assert_true((err == ERR_NONE) == !*detail);
    return err;
}

/* How many secrets that key store opens. */
static size_t opened_by(struct keystore_soft *ks)
{
    struct arena a;
    size_t count = 0;
    arena_init(&a, 1u << 20);
    const struct query *q = admin_load(sqlite_store_seam(w.sqlite), &a, &ALL, NULL, 0);
    struct keys *k = keystore_soft_keys(ks);
    assert_non_null(q);
    for (size_t i = 0; i < q->row_count; i++) {
        char eid[40], aad[SMSR_AAD_SIZE];
        uint8_t plain[256];
        row_text(&q->rows[i], 0, eid, sizeof eid);
        struct span id = smsr_keyset_aad(eid, (uint8_t)row_int(&q->rows[i], 1), aad);
        count += k->unwrap(k, id, row_bytes(&q->rows[i], 2), plain, sizeof plain) == ERR_NONE;
    }
    arena_release(&a);
    keystore_soft_free(ks);
    return count;
}

static size_t all_of_them(void) { return world_count(&w, "keyset"); }

static void open_world(void)
{
    world_make(&w);
    keystore_soft_free(w.keys);
    w.keys = store_of(1, 0);
    world_restart(&w);
    world_register(&w);
    for (unsigned n = 0; n < OTHERS; n++) {
        struct value row[] = { value_text(eid_of(n)), value_int(1), value_int(0),
                               value_int(1),          value_int(0), value_blob(wrapped_for(w.keys, eid_of(n), 1)) };
        put(&SMSR_KEYSET_ADD, row, ARRAY_LEN(row));
    }
    world_pass(&w, 60000);
    assert_true(all_of_them() > OTHERS);
}

static void all_move(void **state)
{
    (void)state;
    open_world();
    assert_int_equal(opened_by(store_of(1, 0)), all_of_them());
    assert_int_equal(may_take(2, 0), ERR_STATE); /* without the key that all is under */
    assert_ok(may_take(2, 1));
    take(store_of(2, 1));
    world_settle(&w);
    assert_int_equal(may_take(2, 0), ERR_STATE); /* it has only begun */
    world_pass(&w, 60000);
    assert_ok(may_take(2, 0));
    assert_int_equal(may_take(1, 0), ERR_STATE);
    assert_int_equal(opened_by(store_of(2, 0)), all_of_them());
    assert_int_equal(opened_by(store_of(1, 0)), 0);
    take(store_of(2, 0));
    world_pass(&w, 60000);
    struct es_profile_request r = { .base = world_call("after", 3600),
                                    .eid = world_eid(),
                                    .iccid = world_iccid(ICCID_B) };
    world_add_profile(&w, ICCID_B, OID_OP1, 0x11, "882000002", 0);
    world_ask(&w, OID_OP1, ES4_ENABLE_PROFILE, &r); /* which needs the keys of the card */
    world_settle(&w);
    assert_int_equal(world_state(&w, ICCID_B), PROFILE_ENABLED);
    world_free(&w);
}

/* Something that had read a secret before it moved writes it back, after the walk has passed. */
static void what_is_written_back_is_found(void **state)
{
    (void)state;
    open_world();
    struct span old = wrapped_for(w.keys, eid_of(0), 1);
    take(store_of(2, 1));
    while (opened_by(store_of(2, 0)) < all_of_them())
        world_pass(&w, 100);
    struct value row[] = { value_text(eid_of(0)), value_int(1), value_blob(old) };
    put(&PUT, row, ARRAY_LEN(row));
    assert_int_equal(may_take(2, 0), ERR_STATE);
    world_pass(&w, 60000);
    assert_ok(may_take(2, 0));
    assert_int_equal(opened_by(store_of(2, 0)), all_of_them());
    world_free(&w);
}

/* One that no key opens does not hold up the others. */
static void a_damaged_one_stays(void **state)
{
    (void)state;
    open_world();
    struct span bad = wrapped_for(w.keys, eid_of(1), 1);
    ((uint8_t *)(uintptr_t)bad.ptr)[bad.len - 1] ^= 1;
    struct value row[] = { value_text(eid_of(1)), value_int(1), value_blob(bad) };
    put(&PUT, row, ARRAY_LEN(row));
    take(store_of(2, 1));
    world_pass(&w, 60000);
    assert_ok(may_take(2, 0));
    assert_int_equal(opened_by(store_of(2, 0)), all_of_them() - 1);
    world_free(&w);
}

/* The power goes after the n-th commit of the move, for every n. */
static bool moved_past(unsigned after)
{
    open_world();
    w.crash_at = w.commits + after;
    take(store_of(2, 1));
    world_pass(&w, 60000);
    bool crashed = w.crashed;
    if (crashed) {
        world_restart(&w);
        world_pass(&w, 60000);
    }
    assert_ok(may_take(2, 0));
    assert_int_equal(opened_by(store_of(2, 0)), all_of_them());
    world_free(&w);
    return crashed;
}

static void a_crash_anywhere_is_survived(void **state)
{
    (void)state;
    unsigned after = 1;
    while (moved_past(after))
        after++;
    print_message("%u places to crash in\n", after - 1);
    assert_true(after > 6);
}

/* Back to the former key in the middle: what was moved comes back. */
static void a_move_can_turn_round(void **state)
{
    (void)state;
    open_world();
    take(store_of(2, 1));
    world_pass(&w, 15);
    assert_int_equal(may_take(1, 0), ERR_STATE);
    assert_ok(may_take(1, 2));
    take(store_of(1, 2));
    world_pass(&w, 60000);
    assert_int_equal(may_take(1, 0), ERR_STATE); /* a reload alone does not turn it: another server may be at it */
    struct event *again = engine_event(smsr_engine(w.smsr), EVENT_TIMER, "");
    snprintf(again->name, sizeof again->name, REWRAP_AGAIN);
    assert_ok(engine_post(smsr_engine(w.smsr), again));
    world_pass(&w, 60000);
    assert_ok(may_take(1, 0));
    assert_int_equal(opened_by(store_of(1, 0)), all_of_them());
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_move),
        cmocka_unit_test(what_is_written_back_is_found),
        cmocka_unit_test(a_damaged_one_stays),
        cmocka_unit_test(a_crash_anywhere_is_survived),
        cmocka_unit_test(a_move_can_turn_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
