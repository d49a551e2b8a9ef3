/* Orders: what is taken in, and what the home network is told. */
#include "world.h"

#include "lib/profile/facts.h"

#include <stdio.h>
struct seen {
    unsigned count;
    struct subscription last;
    uint8_t key[32], opc[32];
};

static void see(void *context, const struct subscription *u)
{
    struct seen *s = context;
    s->count++;
    s->last = *u;
    memcpy(s->key, u->key.ptr, u->key.len);
    memcpy(s->opc, u->opc.ptr, u->opc.len);
}

static void the_home_network_learns_keys_and_imsi(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct seen s = { 0 };
    assert_ok(smdp_subscribers(w->smdp, see, &s));
    assert_int_equal(s.count, 1);
    assert_string_equal(s.last.address.msisdn, "33612345678");
    /* what another decoder says of the package */
    json_t *facts = file_json(shared_path("data/profiles/facts.json"));
    for (size_t i = 0; i < json_array_size(facts); i++) {
        const json_t *f = json_array_get(facts, i), *aka = json_array_get(json_object_get(f, "aka"), 0);
        if (strcmp(vec_text(f, "file"), "TS48v1_A.der"))
            continue;
        assert_string_equal(s.last.address.imsi, json_string_value(json_array_get(json_object_get(f, "imsi"), 0)));
        assert_span_equal(((struct span){ s.key, s.last.key.len }), vec_hex(aka, "key"));
        assert_span_equal(((struct span){ s.opc, s.last.opc.len }), vec_hex(aka, "opc"));
        assert_int_equal(json_integer_value(json_object_get(aka, "algorithm")), 3);
        assert_string_equal(s.last.algorithm, "xor");
    }
    world_free(w);
}

static void an_order_twice_is_one_profile(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct smdp_order order = { .package = w->package };
    assert_ok(oid_from_text(SPAN_LIT(OID_OP2), &order.owner));
    assert_ok(smdp_order(w->smdp, &order, NULL));
    assert_int_equal(world_count(w, "SELECT count(*) FROM profile"), 1);
    assert_int_equal(world_count(w, "SELECT owner='" OID_OP1 "' FROM profile"), 1); /* the first stays */
    assert_int_equal(world_count(w, "SELECT count(*) FROM package"), 1);
    world_free(w);
}

static void broken_packages_are_refused(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct smdp_order order = { .package = w->package };
    char detail[SMDP_DETAIL_MAX];
    assert_fails(smdp_order(w->smdp, &order, detail), ERR_MISSING); /* nobody ordered it */
    assert_ok(oid_from_text(SPAN_LIT(OID_OP2), &order.owner));
    order.package = span_sub(w->package, 0, w->package.len / 2);
    assert_int_not_equal(smdp_order(w->smdp, &order, detail), ERR_NONE);
    assert_true(*detail);
    order.package = span_from(w->package, 100);
    assert_int_not_equal(smdp_order(w->smdp, &order, detail), ERR_NONE);
    order.package = SPAN_NONE;
    assert_fails(smdp_order(w->smdp, &order, detail), ERR_MISSING);
    assert_int_equal(world_count(w, "SELECT count(*) FROM profile"), 1);
    world_free(w);
}

/* Nothing of the package, nor a key of its subscription, stands in the clear in the database. */
static void secrets_are_wrapped(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct seen s = { 0 };
    char hex[2 * 16 + 1], query[200];
    assert_ok(smdp_subscribers(w->smdp, see, &s));
    hex_text((struct span){ s.key, 16 }, hex, sizeof hex);
    snprintf(query, sizeof query, "SELECT instr(package, x'%s') FROM package", hex);
    assert_int_equal(world_count(w, query), 0);
    assert_int_equal(world_count(w, "SELECT instr(package, CAST('GSMA Generic' AS BLOB)) FROM package"), 0);
    world_free(w);
}

int main(void)
{
    if (!shared_path("data/profiles/TS48v1_A.der"))
        return TEST_SKIPPED;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_home_network_learns_keys_and_imsi),
        cmocka_unit_test(an_order_twice_is_one_profile),
        cmocka_unit_test(broken_packages_are_refused),
        cmocka_unit_test(secrets_are_wrapped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
