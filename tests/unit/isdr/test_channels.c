/* How long a secure channel lives: over short messages, in chains of scripts, in an HTTP session; what the terminal
 * itself may read of the security domains. */
#include "lab.h"

#include "lib/scp/scp03t.h"

static const uint8_t challenge[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

struct world {
    struct lab *lab;
    struct scp03_keys keys;
    struct scp03_session host;
};

/* ISD-P 0011 with keys; the host knows the card's challenge beforehand. */
static struct world world(void)
{
    struct world w = { .lab = lab_new(false), .keys = { .kvn = 0x30, .key_len = 16 } };
    struct card *card = lab_card(w.lab);
    struct aid aid = aid_isdp(0x11);
    struct isdp *isdp;
    uint8_t card_challenge[8];
    memset(w.keys.enc, 0x51, 16);
    memset(w.keys.mac, 0x52, 16);
    memset(w.keys.dek, 0x53, 16);
    terminal_boot(w.lab);
    card_begin(card);
    assert_ok(registry_create(card, aid_span(&aid), 0, &isdp));
    assert_ok(isdp_keyset_set(isdp, 0x30, w.keys.enc, w.keys.mac, w.keys.dek));
    assert_ok(registry_store(card, isdp));
    assert_ok(card_commit(card));
    assert_ok(scp03_card_challenge(&w.keys, 1, aid_span(&aid), card_challenge));
    assert_ok(scp03_session_derive(&w.keys, challenge, card_challenge, &w.host));
    return w;
}

static struct span in_script(uint8_t chain, struct span one, struct span two)
{
    static uint8_t memory[3000];
    struct writer w = wr_of(memory, sizeof memory);
    struct ram_script s;
    ram_script_open(&s, &w, RAM_INDEFINITE);
    if (chain)
        ram_script_item(&s, RAM_TAG_CHAINING, (struct span){ &chain, 1 });
    ram_script_raw(&s, one);
    ram_script_raw(&s, two);
    ram_script_close(&s);
    assert_ok(w.err);
    return wr_span(&w);
}

static struct span as_item(struct span capdu)
{
    static uint8_t memory[3][400];
    static size_t turn;
    struct writer w = wr_of(memory[turn++ % 3], sizeof memory[0]);
    wr_tlv(&w, RAM_TAG_CAPDU, capdu);
    return wr_span(&w);
}

static void expect_sw(struct span answer, const char *sw)
{
    struct ram_reader r;
    struct ram_item item = { .tag = 0 };
    assert_ok(ram_results_open(&r, answer));
    while (ram_results_next(&r, &item))
        ;
    assert_int_equal(item.tag, RAM_TAG_RAPDU);
    assert_span_equal(span_from(item.value, item.value.len - 2), hex_lit(sw));
}

static void apdu_commands(struct world *w, struct span ret[3])
{
    static uint8_t memory[3][100];
    struct capdu plain = {
        .cla = 0x80, .ins = INS_STORE_DATA, .p1 = 0x88, .data = hex_lit("3A070BA0090607913336990821F3")
    };
    for (size_t i = 0; i < 3; i++) {
        struct writer out = wr_of(memory[i], sizeof memory[i]);
        if (i == 0)
            scp03_initialize_update_write(&out, 0x30, challenge);
        else if (i == 1)
            assert_ok(scp03_external_authenticate_write(&w->host, SCP03_LEVEL_FULL, &out));
        else
            assert_ok(scp03_wrap(&w->host, &plain, &out));
        assert_ok(out.err);
        ret[i] = as_item(wr_span(&out));
    }
}

static void three_short_messages_lose_the_channel(void **state)
{
    (void)state;
    struct world w = world();
    struct span c[3];
    apdu_commands(&w, c);
    expect_sw(smsr_script(w.lab, 0x11, in_script(0, c[0], SPAN_NONE)), "9000");
    expect_sw(smsr_script(w.lab, 0x11, in_script(0, c[1], SPAN_NONE)), "6A86");
    expect_sw(smsr_script(w.lab, 0x11, in_script(0, c[2], SPAN_NONE)), "6985");
    assert_int_equal(lab_isdp(w.lab, 0x11)->connectivity_len, 0);
    lab_free(w.lab);
}

static void a_chain_keeps_the_channel(void **state)
{
    (void)state;
    struct world w = world();
    struct span c[3];
    apdu_commands(&w, c);
    expect_sw(smsr_script(w.lab, 0x11, in_script(RAM_CHAIN_FIRST, c[0], SPAN_NONE)), "9000");
    expect_sw(smsr_script(w.lab, 0x11, in_script(RAM_CHAIN_NEXT, c[1], SPAN_NONE)), "9000");
    expect_sw(smsr_script(w.lab, 0x11, in_script(RAM_CHAIN_LAST, c[2], SPAN_NONE)), "9000");
    assert_span_equal(((struct span){ lab_isdp(w.lab, 0x11)->connectivity, 11 }), hex_lit("A0090607913336990821F3"));
    lab_free(w.lab);
}

static void an_http_session_keeps_the_channel(void **state)
{
    (void)state;
    struct world w = world();
    struct span c[3];
    apdu_commands(&w, c);
    struct sd_session s = { .bearer = SD_BY_HTTP };
    sd_session_begin(&s, SD_BY_HTTP, 0x40, (struct sd_target){ SD_ISDP, lab_isdp(w.lab, 0x11)->slot, 0 });
    WRITER_ON_STACK(answer, 300);
    sd_script(lab_card(w.lab), &s, in_script(0, c[0], c[1]), &answer);
    expect_sw(wr_span(&answer), "9000");
    sd_session_target(&s, (struct sd_target){ SD_ISDR, 0, 0 }); /* a script for the ISD-R in between */
    sd_session_target(&s, (struct sd_target){ SD_ISDP, lab_isdp(w.lab, 0x11)->slot, 0 });
    answer.len = 0;
    sd_script(lab_card(w.lab), &s, in_script(0, c[2], SPAN_NONE), &answer);
    expect_sw(wr_span(&answer), "9000");
    sd_session_end(&s);
    lab_free(w.lab);
}

static void scp03t_over_chained_short_messages_installs_a_profile(void **state)
{
    (void)state;
    struct world w = world();
    struct span package = lab_profile("simalliance_sample_milenage_cut.der");
    uint8_t iu_memory[40], ea_memory[40];
    struct writer iu = wr_of(iu_memory, sizeof iu_memory), ea = wr_of(ea_memory, sizeof ea_memory);
    scp03t_initialize_update_write(&iu, 0x30, challenge);
    assert_ok(scp03t_external_authenticate_write(&w.host, &ea));
    struct span answer = smsr_script(w.lab, 0x11, in_script(RAM_CHAIN_FIRST, wr_span(&iu), wr_span(&ea)));
    assert_span_equal(span_from(answer, answer.len - 4), hex_lit("85000000"));
    for (size_t at = 0; at < package.len; at += 900) {
        WRITER_ON_STACK(tlv, SCP03T_TLV_MAX);
        bool last = at + 900 >= package.len;
        assert_ok(scp03t_wrap(&w.host, span_sub(package, at, 900), &tlv));
        answer = smsr_script(w.lab, 0x11, in_script(last ? RAM_CHAIN_LAST : RAM_CHAIN_NEXT, wr_span(&tlv), SPAN_NONE));
        if (!last)
            assert_span_equal(answer, hex_lit("AF8086000000"));
    }
    assert_int_equal(lab_state(w.lab, 0x11), ISDP_DISABLED);
    lab_free(w.lab);
}

static void a_deleted_isdp_takes_its_channel_along(void **state)
{
    (void)state;
    struct world w = world();
    struct span c[3];
    apdu_commands(&w, c);
    struct sd_session s = { .bearer = SD_BY_HTTP };
    sd_session_begin(&s, SD_BY_HTTP, 0x40, (struct sd_target){ SD_ISDP, lab_isdp(w.lab, 0x11)->slot, 0 });
    WRITER_ON_STACK(answer, 300);
    sd_script(lab_card(w.lab), &s, in_script(0, c[0], c[1]), &answer);
    assert_int_equal(s.channel.state, SCP03_OPEN);
    sd_session_target(&s, (struct sd_target){ SD_ISDR, 0, 0 });
    answer.len = 0;
    sd_apdu(lab_card(w.lab), &s, hex_lit("80E40040124F10A0000005591010FFFFFFFF890000110000"), &answer);
    assert_span_equal(wr_span(&answer), hex_lit("009000"));
    assert_int_equal(s.channel.state, SCP03_CLOSED);
    sd_session_end(&s);
    lab_free(w.lab);
}

static void expect_local(struct lab *lab, const char *capdu, uint16_t sw, const char *data)
{
    WRITER_ON_STACK(ret, EUICC_RAPDU_MAX);
    assert_int_equal(terminal_apdu(lab, hex_lit(capdu), &ret), sw);
    if (data)
        assert_span_equal(wr_span(&ret), hex_lit(data));
}

static void the_terminal_reads_the_eid_and_changes_nothing(void **state)
{
    (void)state;
    struct world w = world();
    expect_local(w.lab, "00A4040010A0000005591010FFFFFFFF8900000200", 0x9000, NULL);
    expect_local(w.lab, "80CA005A00", 0x9000, "5A1089044045113010000000000000000002");
    expect_local(w.lab, "80E28800153A03124F10A0000005591010FFFFFFFF8900001100", 0x6982, NULL);
    expect_local(w.lab, "00A4040010A0000005591010FFFFFFFF8900000100", 0x9000, NULL);
    expect_local(w.lab, "80CABF30035C015A00", 0x9000, "BF30125A1089044045113010000000000000000002");
    expect_local(w.lab, "80E40040124F10A0000005591010FFFFFFFF890000110000", 0x6982, NULL);
    expect_local(
        w.lab,
        "80E60C003F10A0000005591010FFFFFFFF8900000D0010A0000005591010FFFFFFFF8900000E0010A0000005591010FFFFFFFF89"
        "000012000380C00006C904810203700000",
        0x6982, NULL);
    assert_int_equal(lab_state(w.lab, 0x11), ISDP_PERSONALIZED);
    expect_local(w.lab, "00A4040010A0000005591010FFFFFFFF8900001100", 0x6A82,
                 NULL); /* an ISD-P is not for the terminal */
    lab_free(w.lab);
}

int main(void)
{
    if (!shared_path("data/profiles/README.md"))
        return TEST_SKIPPED;
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_short_messages_lose_the_channel),
        cmocka_unit_test(a_chain_keeps_the_channel),
        cmocka_unit_test(an_http_session_keeps_the_channel),
        cmocka_unit_test(scp03t_over_chained_short_messages_installs_a_profile),
        cmocka_unit_test(a_deleted_isdp_takes_its_channel_along),
        cmocka_unit_test(the_terminal_reads_the_eid_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
