/* The parts of a long message in the database, as several processes see it. */
#include "tests/support/test.h"
#include "lib/io/sqlite.h"
#include "lib/wire/sms.h"
#include "sm-sr/channel/parts.h"

#include <stdlib.h>

static uint64_t now = 10000000;
static uint64_t now_ms(struct clock *c) { return (void)c, now; }
static struct clock test_clock = { now_ms, NULL };
static struct sqlite_store *sqlite;
static struct env env;
static uint8_t octets[400], room[SMS_PARTS_MAX * SMS_UD_MAX];
static struct span parts[SMS_PARTS_MAX];
static size_t count;

static int setup(void **state)
{
    (void)state;
    static struct migration migrations[1];
    enum err err;
    migrations[0] = (struct migration){ "parts", SMSR_PARTS_SCHEMA, false };
    sqlite = sqlite_store_open(&(struct sqlite_options){ ":memory:", migrations, 1 }, &err, NULL);
    env = (struct env){ .clock = &test_clock, .store = sqlite_store_seam(sqlite) };
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (uint8_t)(i * 7);
    struct writer w = wr_of(room, sizeof room);
    assert_ok(sms_split(SPAN_OF(octets), SMS_IEI_RESPONSE, 9, &w, parts, &count));
    assert_int_equal(count, 3);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sqlite_store_close(sqlite);
    return 0;
}

static bool take(const char *from, struct span ud, enum err want)
{
    struct arena a;
    struct span packet = SPAN_NONE;
    uint8_t iei = 0;
    bool complete = false;
    arena_init(&a, 1u << 18);
    assert_int_equal(smsr_parts_take(&env, &a, from, ud, &complete, &packet, &iei), want);
    if (complete && packet.len != 5) {
        assert_span_equal(packet, SPAN_OF(octets));
        assert_int_equal(iei, SMS_IEI_RESPONSE);
    }
    arena_release(&a);
    return complete;
}

static void parts_join_in_any_order_and_doubles_do_no_harm(void **state)
{
    (void)state;
    assert_false(take("49170", parts[2], ERR_NONE));
    assert_false(take("49170", parts[0], ERR_NONE));
    assert_false(take("49170", parts[2], ERR_NONE));
    assert_false(take("49171", parts[1], ERR_NONE)); /* of somebody else */
    assert_true(take("49170", parts[1], ERR_NONE));
    assert_false(take("49170", parts[1], ERR_NONE)); /* they are gone: the next message may have the same reference */
}

static void what_waits_for_too_long_is_forgotten(void **state)
{
    (void)state;
    assert_false(take("49170", parts[0], ERR_NONE));
    assert_false(take("49170", parts[1], ERR_NONE));
    now += SMS_REASSEMBLY_MS + 1;
    assert_false(take("49170", parts[2], ERR_NONE));
    assert_false(take("49170", parts[0], ERR_NONE));
    assert_true(take("49170", parts[1], ERR_NONE));
}

static void a_message_of_one_part_and_a_broken_one(void **state)
{
    (void)state;
    const uint8_t one[] = { 2, 0x71, 0, 1, 2, 3, 4, 5 }, broken[] = { 9, 1 };
    assert_true(take("49170", SPAN_OF(one), ERR_NONE));
    assert_false(take("49170", SPAN_OF(broken), ERR_TRUNCATED));
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_STORE(parts_join_in_any_order_and_doubles_do_no_harm),
        WITH_STORE(what_waits_for_too_long_is_forgotten),
        WITH_STORE(a_message_of_one_part_and_a_broken_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
