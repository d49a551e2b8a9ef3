#include "sm-sr/procedures/procedure.h"
#include "sm-sr/procedures/send_data.h"
#include "tests/support/test.h"

/* The tables of steps themselves, and the pure parts beside them. */

static void every_step_is_reached(void **state)
{
    (void)state;
    for (size_t p = 0; p < SMSR_PROCEDURES_MAX; p++) {
        const struct procedure *procedure = smsr_procedures[p];
        uint32_t reached = TO(0);
        for (size_t round = 0; round < procedure->step_count; round++)
            for (size_t i = 0; i < procedure->step_count; i++)
                if (reached & TO(i))
                    reached |= procedure->steps[i].may_go_to;
        if (reached != TO(procedure->step_count) - 1)
            fail_msg("%s: steps that nothing leads to, or that lead nowhere: %x", procedure->name, reached);
    }
}

static void names_find_their_steps(void **state)
{
    (void)state;
    for (size_t p = 0; p < SMSR_PROCEDURES_MAX; p++) {
        const struct procedure *procedure = smsr_procedures[p];
        assert_ptr_equal(smsr_procedure_by_name(procedure->name), procedure);
        for (size_t i = 0; i < procedure->step_count; i++) {
            assert_ptr_equal(smsr_step_by_name(procedure, procedure->steps[i].name), &procedure->steps[i]);
            assert_true(i == 0 || procedure->steps[i].enter != NULL);
        }
    }
    assert_null(smsr_procedure_by_name("no such thing"));
}

static struct span items_of(const char *hex, bool *apdus)
{
    static struct arena a;
    struct span items = SPAN_NONE;
    if (!a.ceiling)
        arena_init(&a, 1u << 20);
    if (smsr_items_of(hex_lit(hex), &a, &items, apdus) != ERR_NONE)
        return SPAN_NONE;
    return items;
}

static void data_are_items_or_apdus(void **state)
{
    bool apdus;
    (void)state;
    assert_span_equal(items_of("2205 8000000000 8603 010203", &apdus), hex_lit("2205 8000000000 8603 010203"));
    assert_false(apdus);
    assert_span_equal(items_of("80E6200002AABB00 80E2890001CC00", &apdus),
                      hex_lit("2208 80E6200002AABB00 2207 80E2890001CC00"));
    assert_true(apdus);
    assert_span_equal(items_of("80E6200002AABB 80E2890001CC", &apdus),
                      hex_lit("2207 80E6200002AABB 2206 80E2890001CC"));
    assert_span_equal(items_of("84E2880002AABB", &apdus), hex_lit("2207 84E2880002AABB")); /* not an SCP03t 84 */
    assert_int_equal(items_of("80E62000FFAABB", &apdus).len, 0);
    assert_int_equal(items_of("", &apdus).len, 0);
    assert_int_equal(items_of("80E6", &apdus).len, 0);
}

static void a_cut_leaves_items_whole(void **state)
{
    (void)state;
    struct span items = hex_lit("8603010203 8603040506 8603070809");
    assert_int_equal(smsr_items_cut(items, 10).len, 10);
    assert_int_equal(smsr_items_cut(items, 14).len, 10);
    assert_int_equal(smsr_items_cut(items, 3).len, 5); /* at least one */
    assert_int_equal(smsr_items_cut(items, 100).len, 15);
}

static void the_content_names_the_target(void **state)
{
    (void)state;
    struct aid isdp = aid_isdp(0x10), got;
    got = smsr_items_target(hex_lit("2207 80E6200002AABB"), &isdp);
    assert_true(aid_eq(&got, &AID_ISDR));
    got = smsr_items_target(hex_lit("2206 80E2890001CC"), &isdp);
    assert_true(aid_eq(&got, &AID_ISDR));
    got = smsr_items_target(hex_lit("220D 8050300008010203040506070800"), &isdp);
    assert_true(aid_eq(&got, &isdp));
    got = smsr_items_target(hex_lit("2207 84E2880002AABB"), &isdp);
    assert_true(aid_eq(&got, &isdp));
    got = smsr_items_target(hex_lit("8603010203"), &isdp);
    assert_true(aid_eq(&got, &isdp));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_is_reached),        cmocka_unit_test(names_find_their_steps),
        cmocka_unit_test(data_are_items_or_apdus),      cmocka_unit_test(a_cut_leaves_items_whole),
        cmocka_unit_test(the_content_names_the_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
