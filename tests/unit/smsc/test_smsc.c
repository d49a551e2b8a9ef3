/* The SMSC's core between ESMEs made of our SMPP session, on a clock that the test moves. */
#include "device/smsc/smsc.h"
#include "lib/io/sqlite.h"
#include "tests/support/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- a world ---- */

static struct test_clock {
    struct clock clock;
    uint64_t now_ms, wake_ms;
} world;

static uint64_t now_ms(struct clock *c) { return ((struct test_clock *)c)->now_ms; }
static void wake_at(struct clock *c, uint64_t at_ms)
{
    struct test_clock *t = (struct test_clock *)c;
    if (at_ms < t->wake_ms)
        t->wake_ms = at_ms;
}

static struct smsc *smsc;
static struct sqlite_store *store;
static char path[64];
static const struct migration migrations[] = { { "0001_message", SMSC_SCHEMA } };

static void begin(const struct smsc_options *options)
{
    enum err err;
    char detail[SQLITE_DETAIL_MAX] = "";
    store = sqlite_store_open(&(struct sqlite_options){ path, migrations, 1 }, &err, detail);
    if (store == NULL)
        fail_msg("%s", detail);
    world.clock = (struct clock){ now_ms, wake_at };
    struct env env = { .clock = &world.clock, .store = sqlite_store_seam(store) };
    assert_ok(smsc_new(options, &env, &smsc));
}

static void end(void)
{
    smsc_free(smsc);
    sqlite_store_close(store);
}

static int make_file(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/osprey-smsc-XXXXXX");
    world.now_ms = 1767322984000ull;
    return close(mkstemp(path));
}

static int drop_file(void **state)
{
    (void)state;
    static const char *const tails[] = { "", "-wal", "-shm" };
    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        char name[80];
        snprintf(name, sizeof name, "%s%s", path, tails[i]);
        unlink(name);
    }
    return 0;
}

/* ---- an ESME ---- */

struct esme {
    struct smpp_session session;
    struct smsc_esme *line;
    struct writer up, down;
    uint8_t up_bytes[65536], down_bytes[65536];
    uint32_t bind_status, answer_with, submit_status;
    size_t messages, answers;
    bool closed, mute;
    char from[SMPP_ADDRESS_MAX], alert[SMPP_ADDRESS_MAX], log[4096];
    struct smpp_sm last;
    uint8_t last_bytes[512];
};

static void up(void *context, struct span bytes) { wr_bytes(&((struct esme *)context)->up, bytes); }
static void down(void *context, struct span bytes) { wr_bytes(&((struct esme *)context)->down, bytes); }
static void closed(void *context) { ((struct esme *)context)->closed = true; }

static uint32_t on_bind(void *context, const struct smpp_pdu *p)
{
    ((struct esme *)context)->bind_status = p->status;
    return 0;
}
static void on_message(void *context, uint32_t sequence, const struct smpp_sm *sm)
{
    struct esme *e = context;
    e->messages++;
    e->last = *sm;
    memcpy(e->last_bytes, sm->message.ptr, sm->message.len);
    e->last.message.ptr = e->last_bytes;
    size_t used = strlen(e->log);
    snprintf(e->log + used, sizeof e->log - used, "%.*s ", sm->message.len ? 1 : 0, (const char *)sm->message.ptr);
    if (!e->mute)
        smpp_session_answer(&e->session, sequence, e->answer_with, "");
}
static void on_answer(void *context, uint64_t tag, uint32_t status, const char *id)
{
    struct esme *e = context;
    (void)tag, (void)id;
    e->answers++;
    e->submit_status = status;
}
static void on_alert(void *context, const struct smpp_address *source)
{
    struct esme *e = context;
    snprintf(e->alert, sizeof e->alert, "%s", source->text);
}
static void on_end(void *context, const char *why) { (void)context, (void)why; }
static const struct smpp_events events = { up, on_bind, on_message, on_answer, on_alert, on_end };

static struct esme sr, phone, other;

static void dial(struct esme *e, const char *system_id, const char *range)
{
    memset(e, 0, sizeof *e);
    e->up = wr_of(e->up_bytes, sizeof e->up_bytes);
    e->down = wr_of(e->down_bytes, sizeof e->down_bytes);
    e->line = smsc_connected(smsc, &(struct smsc_line){ down, closed, e, "test" });
    struct smpp_options o = { .bind_command = SMPP_BIND_TRANSCEIVER, .window = 64 };
    snprintf(o.bind.system_id, sizeof o.bind.system_id, "%s", system_id);
    snprintf(o.bind.password, sizeof o.bind.password, "secret");
    snprintf(o.bind.range.text, sizeof o.bind.range.text, "%s", range);
    snprintf(e->from, sizeof e->from, "%s", range);
    smpp_session_start(&e->session, &o, &events, e, world.now_ms);
}

static bool carry(struct esme *e)
{
    bool moved = e->up.len != 0 || e->down.len != 0;
    if (e->line == NULL)
        return false;
    struct span in = { e->up_bytes, e->up.len };
    e->up.len = 0;
    if (in.len != 0 && !e->closed)
        assert_int_equal(smsc_input(e->line, in), in.len);
    static uint8_t copy[65536];
    size_t len = e->down.len;
    memcpy(copy, e->down_bytes, len);
    e->down.len = 0;
    if (len != 0)
        assert_int_equal(smpp_session_input(&e->session, world.now_ms, (struct span){ copy, len }), len);
    return moved;
}

static void settle(void)
{
    bool moved = true;
    while (moved) {
        moved = carry(&sr);
        moved |= carry(&phone);
        moved |= carry(&other);
        world.wake_ms = UINT64_MAX;
        smsc_run(smsc);
        moved |= sr.down.len + phone.down.len + other.down.len != 0 || world.wake_ms <= world.now_ms;
    }
}

static void hang_up(struct esme *e)
{
    smsc_lost(e->line);
    e->line = NULL;
    settle();
}

static void pass(uint64_t ms)
{
    world.now_ms += ms;
    settle();
}

static enum err say(struct esme *e, const char *to, const char *text)
{
    struct smpp_sm sm = { .from = { 3, 1, "" },
                          .to = { 1, 1, "" },
                          .esm_class = SMPP_ESM_UDHI,
                          .pid = 0x7F,
                          .dcs = 0xF6,
                          .message = span_text(text) };
    snprintf(sm.from.text, sizeof sm.from.text, "%s", e->from);
    snprintf(sm.to.text, sizeof sm.to.text, "%s", to);
    return smpp_session_send(&e->session, world.now_ms, &sm, 1);
}

static void forget(void)
{
    memset(&sr, 0, sizeof sr);
    memset(&phone, 0, sizeof phone);
    memset(&other, 0, sizeof other);
}

static void begin_with_both(const struct smsc_options *o)
{
    forget();
    begin(o);
    dial(&sr, "sm-sr", "1234");
    dial(&phone, "device", "4917012345");
    settle();
    assert_int_equal(smsc_counts(smsc).bound, 2);
}

static const struct smsc_options plain = { .system_id = "lab" };

/* ---- tests ---- */

/* Who asked for it is told of each number that can be reached; nobody else, and nobody without being asked. */
static void who_is_back_is_told(void **state)
{
    (void)state;
    begin_with_both(&(struct smsc_options){ .system_id = "lab", .alert = "sm-sr" });
    assert_string_equal(sr.alert, "device"); /* its numbers: the range, and its name */
    hang_up(&phone);
    sr.alert[0] = '\0';
    dial(&other, "4917012399", "4917012399");
    settle();
    assert_string_equal(sr.alert, "4917012399");
    assert_string_equal(other.alert, "");
    end();
    begin_with_both(&plain);
    assert_string_equal(sr.alert, "");
    end();
}

static void messages_go_byte_exact_both_ways(void **state)
{
    (void)state;
    static const uint8_t binary[] = { 0x02, 0x70, 0x00, 0x00, 0x10, 0x15, 0xFF, 0x1A, 0x00 };
    begin_with_both(&plain);
    struct smpp_sm sm = { .from = { 3, 1, "1234" },
                          .to = { 1, 1, "+4917012345" },
                          .esm_class = 0x40,
                          .pid = 0x7F,
                          .dcs = 0xF6,
                          .message = SPAN_OF(binary) };
    assert_ok(smpp_session_send(&sr.session, world.now_ms, &sm, 9));
    settle();
    assert_int_equal(sr.submit_status, SMPP_OK);
    assert_int_equal(phone.messages, 1);
    assert_span_equal(phone.last.message, SPAN_OF(binary));
    assert_int_equal(phone.last.esm_class, 0x40);
    assert_int_equal(phone.last.pid, 0x7F);
    assert_int_equal(phone.last.dcs, 0xF6);
    assert_string_equal(phone.last.from.text, "1234");
    assert_int_equal(phone.last.from.ton, 3);
    assert_ok(say(&phone, "1234", "PoR"));
    settle();
    assert_int_equal(sr.messages, 1);
    assert_string_equal(sr.last.from.text, "4917012345");
    assert_int_equal(smsc_counts(smsc).stored, 0);
    end();
}

static void a_message_waits_for_its_phone(void **state)
{
    (void)state;
    begin_with_both(&plain);
    hang_up(&phone);
    assert_ok(say(&sr, "4917012345", "a"));
    assert_ok(say(&sr, "4917012345", "b"));
    settle();
    assert_int_equal(sr.answers, 2);
    assert_int_equal(smsc_counts(smsc).stored, 2);
    dial(&phone, "device", "4917012345");
    settle();
    assert_string_equal(phone.log, "a b ");
    assert_int_equal(smsc_counts(smsc).stored, 0);
    end();
}

static void nothing_stored_is_lost_with_the_process(void **state)
{
    (void)state;
    begin_with_both(&plain);
    hang_up(&phone);
    for (int i = 0; i < 3; i++)
        assert_ok(say(&sr, "4917012345", i == 0 ? "x" : i == 1 ? "y" : "z"));
    settle();
    end(); /* no goodbye */
    forget();
    begin(&plain);
    assert_int_equal(smsc_counts(smsc).stored, 3);
    dial(&phone, "device", "4917012345");
    settle();
    assert_string_equal(phone.log, "x y z ");
    end();
    forget();
    begin(&plain);
    assert_int_equal(smsc_counts(smsc).stored, 0); /* what was delivered stays delivered */
    end();
}

static void a_temporary_refusal_is_tried_again_in_order(void **state)
{
    (void)state;
    begin_with_both(&plain);
    phone.answer_with = SMPP_TEMPORARY_ERROR;
    assert_ok(say(&sr, "4917012345", "a"));
    assert_ok(say(&sr, "4917012345", "b"));
    settle();
    assert_string_equal(phone.log, "a ");
    pass(SMSC_RETRY_FIRST_MS - 1);
    assert_string_equal(phone.log, "a ");
    phone.answer_with = SMPP_OK;
    pass(1);
    assert_string_equal(phone.log, "a a b ");
    end();
}

static void an_answer_that_never_comes_is_a_refusal(void **state)
{
    (void)state;
    begin_with_both(&plain);
    phone.mute = true;
    assert_ok(say(&sr, "4917012345", "a"));
    settle();
    phone.mute = false;
    pass(30000);
    pass(SMSC_RETRY_FIRST_MS);
    assert_string_equal(phone.log, "a a ");
    hang_up(&sr);
    end();
}

static void a_session_that_dies_gives_its_messages_back(void **state)
{
    (void)state;
    begin_with_both(&plain);
    phone.mute = true;
    assert_ok(say(&sr, "4917012345", "a"));
    settle();
    hang_up(&phone);
    dial(&phone, "device", "4917012345");
    settle();
    assert_string_equal(phone.log, "a ");
    assert_int_equal(smsc_counts(smsc).stored, 0);
    end();
}

static void validity_ends(void **state)
{
    (void)state;
    begin_with_both(&plain);
    hang_up(&phone);
    struct smpp_sm sm = { .from = { 0, 0, "1234" }, .to = { 0, 0, "4917012345" }, .validity = "000000000010000R",
                          .registered_delivery = 1, .message = SPAN_LIT("short lived") };
    assert_ok(smpp_session_send(&sr.session, world.now_ms, &sm, 1));
    settle();
    pass(9999);
    assert_int_equal(smsc_counts(smsc).stored, 1);
    pass(1);
    assert_int_equal(smsc_counts(smsc).expired, 1);
    assert_int_equal(smsc_counts(smsc).stored, 0);
    assert_int_equal(sr.messages, 1);
    assert_int_equal(sr.last.esm_class, SMPP_ESM_RECEIPT);
    assert_non_null(memmem(sr.last.message.ptr, sr.last.message.len, "stat:EXPIRED", 12));
    end();
}

static void a_final_refusal_ends_it(void **state)
{
    (void)state;
    begin_with_both(&plain);
    phone.answer_with = SMPP_PERMANENT_ERROR;
    assert_ok(say(&sr, "4917012345", "a"));
    settle();
    pass(100000);
    assert_string_equal(phone.log, "a ");
    assert_int_equal(smsc_counts(smsc).refused, 1);
    end();
}

static void the_latest_bind_gets_it(void **state)
{
    (void)state;
    begin_with_both(&plain);
    dial(&other, "again", "4917012345");
    settle();
    assert_ok(say(&sr, "4917012345", "a"));
    settle();
    assert_int_equal(phone.messages, 0);
    assert_int_equal(other.messages, 1);
    hang_up(&other);
    assert_ok(say(&sr, "4917012345", "b"));
    settle();
    assert_int_equal(phone.messages, 1);
    end();
}

/* The machine of the latest is cut off: what is new goes to the one before, and so does what it left unanswered. */
static void a_silent_one_gets_no_more(void **state)
{
    (void)state;
    const struct smsc_options o = { .answer_ms = 10000 };
    begin_with_both(&o);
    dial(&other, "again", "4917012345");
    other.mute = true;
    settle();
    assert_ok(say(&sr, "4917012345", "a"));
    settle();
    pass(SMSC_SILENT_MS - 1000);
    assert_ok(say(&sr, "4917012345", "b"));
    settle();
    assert_int_equal(phone.messages, 0);
    pass(2000);
    assert_ok(smpp_session_send(&sr.session, world.now_ms,
                                &(struct smpp_sm){ .from = { 0, 0, "99" }, .to = { 0, 0, "4917012345" }, .message = SPAN_LIT("c") }, 1));
    settle();
    assert_string_equal(phone.log, "c ");
    pass(10000);
    pass(SMSC_RETRY_FIRST_MS);
    assert_string_equal(phone.log, "c a b ");
    assert_int_equal(smsc_counts(smsc).stored, 0);
    end();
}

static size_t delivered_of(const struct smsc_options *o, size_t count)
{
    begin_with_both(o);
    for (size_t i = 0; i < count; i++) {
        while (say(&sr, "4917012345", "m") == ERR_BUSY)
            settle();
        if (i % 32 == 0)
            settle();
    }
    settle();
    pass(60000);
    size_t delivered = phone.messages;
    end();
    drop_file(NULL);
    return delivered;
}

static void bad_weather_follows_its_seed(void **state)
{
    (void)state;
    struct smsc_options o = {
        .loss_permille = 200, .duplicate_permille = 100, .delay_permille = 500, .delay_max_ms = 3000, .seed = 7
    };
    size_t first = delivered_of(&o, 600), again = delivered_of(&o, 600);
    assert_int_equal(first, again);
    assert_in_range(first, 480, 580); /* 600 * 0.8 * 1.1 = 528 */
    o.seed = 8;
    assert_int_not_equal(delivered_of(&o, 600), first);
    assert_int_equal(delivered_of(&plain, 600), 600);
}

static uint32_t accounts(void *context, const char *system_id, const char *password, const char **ret_numbers)
{
    (void)context;
    if (strcmp(system_id, "sm-sr") != 0)
        return SMPP_BIND_FAILED;
    *ret_numbers = "777, 888*";
    return strcmp(password, "secret") == 0 ? SMPP_OK : SMPP_INVALID_PASSWORD;
}

static void accounts_are_checked_and_have_numbers(void **state)
{
    (void)state;
    struct smsc_options o = { .authorise = accounts };
    forget();
    begin(&o);
    dial(&phone, "nobody", "1");
    dial(&sr, "sm-sr", "1234");
    settle();
    assert_int_equal(phone.bind_status, SMPP_BIND_FAILED);
    assert_true(phone.closed);
    phone.line = NULL;
    assert_int_equal(sr.bind_status, SMPP_OK);
    assert_ok(say(&sr, "777", "a"));
    assert_ok(say(&sr, "88812", "b"));
    assert_ok(say(&sr, "1234", "c"));
    assert_ok(say(&sr, "sm-sr", "d"));
    assert_ok(say(&sr, "77", "e"));
    settle();
    assert_int_equal(sr.messages, 4);
    assert_int_equal(smsc_counts(smsc).stored, 1);
    end();
}

static void no_destination_is_refused(void **state)
{
    (void)state;
    begin_with_both(&plain);
    assert_ok(say(&sr, "", "a"));
    settle();
    assert_int_equal(sr.submit_status, SMPP_INVALID_DESTINATION);
    end();
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, make_file, drop_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILE(who_is_back_is_told),
        WITH_FILE(messages_go_byte_exact_both_ways),
        WITH_FILE(a_message_waits_for_its_phone),
        WITH_FILE(nothing_stored_is_lost_with_the_process),
        WITH_FILE(a_temporary_refusal_is_tried_again_in_order),
        WITH_FILE(an_answer_that_never_comes_is_a_refusal),
        WITH_FILE(a_session_that_dies_gives_its_messages_back),
        WITH_FILE(validity_ends),
        WITH_FILE(a_final_refusal_ends_it),
        WITH_FILE(the_latest_bind_gets_it),
        WITH_FILE(a_silent_one_gets_no_more),
        WITH_FILE(bad_weather_follows_its_seed),
        WITH_FILE(accounts_are_checked_and_have_numbers),
        WITH_FILE(no_destination_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
