/* Switching by the rules that a profile carries: the device's order, time without service, time; what they do not
 * override; whose turn it is after a try that failed; their octets. */
#include "lab.h"

#include "lib/profile/build.h"

#define ICCID_10  "8999970000000090010"
#define NUMBER_10 "899997000000009001"
#define NUMBER_11 "899997000000009002"
#define NUMBER_12 "899997000000009003"
#define ISDR      "A0000005591010FFFFFFFF8900000100"

static struct arena arena;

/* The bootstrap profile's source with another ICCID, and a rule in the end. */
static struct span package(const char *iccid, const char *rule)
{
    char path[500];
    struct build_fault fault;
    struct span p;
    struct build_setting set = { span_text("iccid"), span_text(iccid) };
    snprintf(path, sizeof path, "%s/profiles/bootstrap.profile", getenv("OSPREY_SOURCE"));
    struct span source = file_bytes(path);
    char *text = arena_printf(&arena, "%.*s%s%s\n", (int)source.len, (const char *)source.ptr,
                              rule ? "\n[nonStandard]\n" : "", rule ? rule : "");
    assert_non_null(text);
    if (profile_build(span_text(text), &set, 1, &arena, &p, &fault) != ERR_NONE)
        fail_msg("line %u: %s", fault.line, fault.text);
    return p;
}

/* 0010 enabled with that rule and fall-back, 0011 and 0012 beside it. */
static struct lab *world(const char *rule)
{
    struct lab *lab = malloc(sizeof *lab);
    arena_init(&arena, 16 * BUILD_ARENA_MIN);
    lab_init(lab);
    lab->p.bootstrap_package = package(NUMBER_10, rule);
    lab_make(lab);
    lab_install(lab, 0x11, package(NUMBER_11, NULL));
    lab_install(lab, 0x12, package(NUMBER_12, "local-switch no-service=30 to=" ICCID_10));
    lab->terminal.serviced = true;
    terminal_boot(lab);
    smsr_settles(lab, ES5_FIRST_ATTACH, 0x10);
    return lab;
}

static void done(struct lab *lab)
{
    lab_free(lab);
    arena_release(&arena);
}

/* STORE DATA with these data to the ISD-R, as host software does it through a modem. */
static uint16_t order(struct lab *lab, const char *data)
{
    WRITER_ON_STACK(ret, EUICC_RAPDU_MAX);
    WRITER_ON_STACK(command, 60);
    assert_int_equal(terminal_apdu(lab, hex_lit("0070000001"), &ret), 0x9000);
    assert_int_equal(terminal_apdu(lab, hex_lit("01A4040C10" ISDR), &ret), 0x9000);
    struct span d = hex_lit(data);
    wr_bytes(&command, hex_lit("81E28800"));
    wr_u8(&command, (uint8_t)d.len);
    wr_bytes(&command, d);
    uint16_t sw = terminal_apdu(lab, wr_span(&command), &ret);
    (void)terminal_apdu(lab, hex_lit("0070800100"), &ret);
    terminal_run(lab);
    return sw;
}

static uint16_t order_iccid(struct lab *lab, uint32_t tar)
{
    char hex[64] = "3A0E0C5A0A";
    hex_text(SPAN_OF(lab_isdp(lab, tar)->iccid), hex + strlen(hex), sizeof hex - strlen(hex));
    return order(lab, hex);
}

static void expect_enabled(struct lab *lab, uint32_t tar)
{
    for (uint32_t t = 0x10; t <= 0x12; t++)
        assert_int_equal(lab_state(lab, t), t == tar ? ISDP_ENABLED : ISDP_DISABLED);
}

static void the_device_orders(void **state)
{
    (void)state;
    struct lab *lab = world("local-switch device=yes to=*");
    assert_int_equal(order_iccid(lab, 0x12), 0x9000);
    expect_enabled(lab, 0x12);
    smsr_settles(lab, ES5_CHANGE_SUCCEEDED, 0x12);
    assert_int_equal(order(lab, "3A0E00"), 0x6985); /* that profile's rules know no device */
    done(lab);
    lab = world("local-switch device=yes to=*");
    assert_int_equal(order(lab, "3A0E00"), 0x9000); /* the next one */
    expect_enabled(lab, 0x11);
    done(lab);
}

static void what_an_order_may_not(void **state)
{
    (void)state;
    struct lab *lab = world("local-switch device=yes to=8999970000000090028");
    assert_int_equal(order_iccid(lab, 0x12), 0x6A88); /* not on the list */
    assert_int_equal(order(lab, "3A0E0C5A0A00000000000000000000"), 0x6A88);
    assert_int_equal(order(lab, "3A0E0C5B0A8999970000000090028F"), 0x6A80);
    assert_int_equal(order(lab, "3A0E0D5A0A8999970000000090028F00"), 0x6A80);
    assert_int_equal(order(lab, "3A0E025A0A"), 0x6A80);
    assert_int_equal(order(lab, "3A0E035A0A"), 0x6982); /* no DGI at all */
    assert_int_equal(order(lab, "3A0F00"), 0x6982);
    lab_isdp(lab, 0x10)->pol1 = POL1_NO_DISABLE;
    assert_int_equal(order_iccid(lab, 0x11), 0x69E1);
    lab_isdp(lab, 0x10)->pol1 = 0;
    lab->terminal.ignores_refresh = true;
    assert_int_equal(order_iccid(lab, 0x11), 0x9000);
    assert_int_equal(order_iccid(lab, 0x11), 0x6985); /* one is pending */
    lab_power_cycle(lab);
    expect_enabled(lab, 0x11);
    assert_int_equal(order(lab, "3A0E00"), 0x6985); /* no rules */
    done(lab);
}

static void without_service_the_next_one(void **state)
{
    (void)state;
    struct lab *lab = world("local-switch no-service=120 to=*");
    lab->terminal.serves_only = 0x12;
    terminal_location(lab, 0x02);
    lab_wait(lab, 118);
    expect_enabled(lab, 0x10);
    lab_wait(lab, 3); /* 0011: no network for it either */
    expect_enabled(lab, 0x11);
    lab_wait(lab, 305); /* the attach guard: rolled back */
    expect_enabled(lab, 0x10);
    /* without service the roll-back tells nobody; the rules wait for the network or for its end */
    assert_int_equal(lab_phase(lab), SWITCH_ATTACHING);
    lab->terminal.serves_only = 0;
    terminal_location(lab, 0x00);
    smsr_settles(lab, ES5_CHANGE_ROLLED_BACK, 0x10);
    lab->terminal.serves_only = 0x12;
    terminal_location(lab, 0x02);
    lab_wait(lab, 121); /* 0011 had its turn */
    expect_enabled(lab, 0x12);
    smsr_settles(lab, ES5_CHANGE_SUCCEEDED, 0x12);
    /* and that one leads back by its own rule */
    lab->terminal.serves_only = 0x10;
    terminal_location(lab, 0x02);
    lab_wait(lab, 31);
    expect_enabled(lab, 0x10);
    smsr_settles(lab, ES5_CHANGE_SUCCEEDED, 0x10);
    done(lab);
}

static void after_its_time_the_next_one(void **state)
{
    (void)state;
    struct lab *lab = world("local-switch after=600 to=*");
    lab_wait(lab, 595);
    expect_enabled(lab, 0x10);
    lab_wait(lab, 6);
    expect_enabled(lab, 0x11);
    smsr_settles(lab, ES5_CHANGE_SUCCEEDED, 0x11);
    lab_wait(lab, 1200); /* no rules there */
    expect_enabled(lab, 0x11);
    done(lab);
}

/* Whoever may not go stays, and does not ask every second. */
static void rules_that_lead_nowhere(void **state)
{
    (void)state;
    struct lab *lab = world("local-switch after=60 to=8999970000000999999");
    lab_wait(lab, 100);
    expect_enabled(lab, 0x10);
    assert_int_equal(lab_phase(lab), SWITCH_IDLE);
    uint64_t wake = euicc_idle(lab->euicc, lab->clock.now_ms);
    assert_true(wake > lab->clock.now_ms);
    done(lab);
}

static void the_octets_of_the_rules(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        enum err err;
    } rows[] = {
        { "800101", ERR_NONE },
        { "800100 81040000003C", ERR_NONE },
        { "800101 820400015180 830A89999700000000900190", ERR_NONE },
        { "800100", ERR_MISSING },
        { "", ERR_MISSING },
        { "800102", ERR_BAD_VALUE },
        { "80020101", ERR_BAD_LENGTH },
        { "800101 8102003C", ERR_BAD_LENGTH },
        { "800101 8104FFFFFFFF", ERR_BAD_VALUE },
        { "800101 8309899997000000009001", ERR_BAD_LENGTH },
        { "800101 8400", ERR_BAD_TAG },
        { "800101 81", ERR_TRUNCATED },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct local_switch s;
        WRITER_ON_STACK(again, LOCAL_SWITCH_CONTENT_MAX);
        assert_int_equal(local_switch_parse(hex_lit(rows[i].content), &s), rows[i].err);
        if (rows[i].err != ERR_NONE)
            continue;
        local_switch_write(&again, &s);
        assert_span_equal(wr_span(&again), hex_lit(rows[i].content));
    }
    WRITER_ON_STACK(nine, 300);
    struct local_switch s;
    wr_bytes(&nine, hex_lit("800101"));
    for (int i = 0; i < 9; i++)
        wr_tlv(&nine, 0x83, hex_lit("89999700000000900190"));
    assert_fails(local_switch_parse(wr_span(&nine), &s), ERR_TOO_LONG);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_device_orders),
        cmocka_unit_test(what_an_order_may_not),
        cmocka_unit_test(without_service_the_next_one),
        cmocka_unit_test(after_its_time_the_next_one),
        cmocka_unit_test(rules_that_lead_nowhere),
        cmocka_unit_test(the_octets_of_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
