/* ES6: the operator reaches the MNO-SD and the files of its enabled profile with the profile's own keys. */
#include "lab.h"

#include "euicc/isdp/applications.h"

#define ALIAS   "A0000005591010FFFFFFFF8900000F00"
#define TAR_SD  0xB20100u
#define TAR_MF  0xB00120u
#define TAR_ADF 0xB00140u
static const uint8_t mno_key[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

static struct lab *world(void)
{
    struct lab *lab = lab_new_with("TS48v5_SAIP2.3_BERTLV_SUCI.der");
    lab->terminal.serviced = true;
    terminal_boot(lab);
    struct es5_notification n;
    assert_ok(es5_notification_parse(smsr_notification(lab), &n));
    assert_int_equal(smsr_confirm(lab, n.sequence), 0x9000);
    lab->key = mno_key;
    lab->sent_counter = 0;
    return lab;
}

/* The TS.48 profiles bring AES keys as KVN 02. */
static struct span mno_packet(struct lab *lab, uint8_t spi1, uint32_t tar, const char *script, uint8_t *ret_status)
{
    struct scp80_header h = { .spi1 = spi1,
                              .spi2 = spi1 & SPI1_CIPHER ? SCP80_SPI2_FULL : 0x09,
                              .kic = 0x22,
                              .kid = 0x22,
                              .tar = { (uint8_t)(tar >> 16), (uint8_t)(tar >> 8), (uint8_t)tar },
                              .counter = ++lab->sent_counter };
    return smsr_packet(lab, &h, hex_lit(script), ret_status);
}

static void expect_answer(struct lab *lab, uint32_t tar, const char *script, const char *answer)
{
    uint8_t status;
    struct span got = mno_packet(lab, SCP80_SPI1_FULL, tar, script, &status);
    assert_int_equal(status, SCP80_OK);
    assert_span_equal(got, hex_lit(answer));
}

static void pol1_and_connectivity_of_the_own_isdp(void **state)
{
    (void)state;
    struct lab *lab = world();
    expect_answer(lab, TAR_SD, "AA2A221B80E6200016000010" ALIAS "000000220B80E28800063A0603810104",
                  "AB0C80010223030090002302 9000");
    assert_int_equal(lab_isdp(lab, 0x10)->pol1, POL1_DELETE_ON_DISABLE);
    /* as the ISD of the profile, TAR 000000, too */
    expect_answer(lab, TAR_MNOSD, "AA32221B80E6200016000010" ALIAS "000000221380E288000E3A070BA0090607913336990821F3",
                  "AB0C80010223030090002302 9000");
    struct isdp *isdp = lab_isdp(lab, 0x10);
    struct span a0;
    assert_true(tlv_find((struct span){ isdp->connectivity, isdp->connectivity_len }, 0xA0, &a0));
    assert_span_equal(a0, hex_lit("0607913336990821F3"));
    lab_power_cycle(lab);
    assert_int_equal(lab_isdp(lab, 0x10)->pol1, POL1_DELETE_ON_DISABLE);
    lab_free(lab);
}

static void only_the_alias_is_known_there(void **state)
{
    (void)state;
    struct lab *lab = world();
    expect_answer(lab, TAR_SD, "AA1D221B80E6200016000010A0000005591010FFFFFFFF890000100000000000",
                  "AB0780010123026A88");
    expect_answer(lab, TAR_SD, "AA0D220B80E28800063A0603810104", "AB07800101230 26985");
    expect_answer(lab, TAR_SD, "AA1C221A80E28800153A03124F10A0000005591010FFFFFFFF8900001000", "AB0780010123026985");
    lab_free(lab);
}

static void files_are_managed_under_their_access_domain(void **state)
{
    (void)state;
    struct lab *lab = world();
    expect_answer(lab, TAR_MF, "AA10220700A4000C022FE2220500B000000A",
                  "AB1580010223029000230C980010325476981032149000");
    /* in the USIM: EF.IMSI of the profile */
    uint8_t status;
    struct span got = mno_packet(lab, SCP80_SPI1_FULL, TAR_ADF, "AA10220700A4000C026F07220500B0000009", &status);
    assert_int_equal(status, SCP80_OK);
    assert_span_equal(span_sub(got, 0, 9), hex_lit("AB148001022302 9000"));
    struct isdp *isdp = lab_isdp(lab, 0x10);
    assert_span_equal(span_sub(got, 11, 9), ((struct span){ isdp->imsi, 9 }));
    /* written over the air, read by the card */
    expect_answer(lab, TAR_ADF, "AA19220700A4000C026F07220E00D6000009082943000000000011", "AB0B8001022302900023029000");
    uint8_t imsi[9];
    size_t len;
    assert_ok(card_read_file(lab_card(lab), true, hex_lit("6F07"), imsi, sizeof imsi, &len));
    assert_span_equal(SPAN_OF(imsi), hex_lit("082943000000000011"));
    /* and the terminal is told which file to read again */
    assert_int_equal(lab->terminal.refreshes, 1);
    assert_int_equal(lab->terminal.refresh_mode, REFRESH_FILE_CHANGE);
    assert_span_equal(((struct span){ lab->terminal.refresh_files, lab->terminal.refresh_files_len }),
                      hex_lit("01 3F007FFF6F07"));
    lab_free(lab);
}

static void the_operator_is_told_what_is_wrong(void **state)
{
    (void)state;
    struct lab *lab = world();
    uint8_t status;
    (void)mno_packet(lab, SPI1_COUNTER_HIGHER, TAR_SD, "AA0722 0580CAFF2100", &status);
    assert_int_equal(status, SCP80_INSUFFICIENT_SECURITY);
    lab->key = LAB_KEY; /* the SM-SR's keys open nothing here */
    (void)mno_packet(lab, SCP80_SPI1_FULL, TAR_SD, "AA07220580CAFF2100", &status);
    assert_int_equal(status, SCP80_CC_FAILED);
    lab->key = mno_key;
    lab->sent_counter = 0;
    (void)mno_packet(lab, SCP80_SPI1_FULL, TAR_SD, "AA07220580CAFF2100", &status);
    assert_int_equal(status, SCP80_OK);
    lab->sent_counter = 0;
    (void)mno_packet(lab, SCP80_SPI1_FULL, TAR_SD, "AA07220580CAFF2100", &status);
    assert_int_equal(status, SCP80_COUNTER_LOW);
    lab_free(lab);
}

static void the_operators_keys_do_not_reach_the_isdr(void **state)
{
    (void)state;
    struct lab *lab = world();
    struct scp80_header h = {
        .spi1 = SCP80_SPI1_FULL, .spi2 = SCP80_SPI2_FULL, .kic = 0x12, .kid = 0x12, .tar = { 0, 0, 1 }, .counter = 1000
    };
    uint8_t status;
    (void)smsr_packet(lab, &h, hex_lit("AA07220580CAFF2100"), &status);
    assert_int_equal(status, 0xFF);
    lab_free(lab);
}

/* ---- SCP81 ---- */

#define MNO_PSK    "A0A1A2A3A4A5A6A7A8A9AAABACADAEAF"
#define TRIGGER    "811F831D 840F 350103 3C03021F9A 3E05210A08288F 890A 8A0368 6F73 8C032F61 64"

static struct span capdu_script(const char *capdu)
{
    uint8_t *memory = test_keep(malloc(300));
    struct writer w = wr_of(memory, 300);
    struct ram_script s;
    ram_script_open(&s, &w, RAM_INDEFINITE);
    ram_script_capdu(&s, hex_lit(capdu));
    ram_script_close(&s);
    return wr_span(&w);
}

static void step(struct lab *lab, const char *target, struct span script)
{
    lab->server.steps[lab->server.step_count++] = (struct lab_server_step){ target, script };
}

static void expect_body(const struct lab *lab, size_t request, const char *hex)
{
    const struct lab_request *r = &lab->server.requests[request];
    assert_span_equal(((struct span){ r->body, r->len }), hex_lit(hex));
}

/* A session of the MNO-SD with a PSK of its own: POL1, a file, and what it does not reach. */
static void the_operator_administers_by_https(void **state)
{
    (void)state;
    struct lab *lab = world();
    struct card *card = lab_card(lab);
    struct keyset set = { .kvn = 0x41, .count = 1, .keys = { { .kid = 1, .type = 0x85, .len = 16 } } };
    memcpy(set.keys[0].value, hex_lit(MNO_PSK).ptr, 16);
    memcpy(lab->server.psk, hex_lit(MNO_PSK).ptr, 16);
    uint16_t slot = lab_isdp(lab, 0x10)->slot;
    card_begin(card);
    assert_ok(application_keyset_put(card->objects, (uint8_t)slot, 0, &set, 0));
    assert_ok(card_commit(card));
    struct application_rfm rfm;
    unsigned at = 0;
    do
        assert_ok(application_rfm_get(card->objects, (uint8_t)slot, at++, &rfm));
    while (!rfm.adf.len);
    WRITER_ON_STACK(target, SCP81_TARGET_MAX + 1);
    scp81_target_write(&target, aid_span(&rfm.aid));
    wr_u8(&target, 0);
    step(lab, NULL, capdu_script("80E6200016000010" ALIAS "000000"));
    step(lab, NULL, capdu_script("80E28800063A0603810102"));
    step(lab, (const char *)target.buf, capdu_script("00A4000C026F07"));
    step(lab, "//aid/A000000559/1010FFFFFFFF8900000100", capdu_script("80CAFF2100"));
    uint8_t status;
    (void)mno_packet(lab, SCP80_SPI1_FULL, TAR_SD, TRIGGER, &status);
    assert_int_equal(status, SCP80_OK);
    assert_false(lab->server.failed);
    assert_int_equal(lab->terminal.opens, 1);
    assert_int_equal(lab->server.request_count, 5);
    expect_body(lab, 1, "AF80 2303009000 0000");
    expect_body(lab, 2, "AF80 23029000 0000");
    expect_body(lab, 3, "AF80 23029000 0000");
    assert_string_equal(lab->server.requests[4].status, "security-error");
    assert_int_equal(lab_isdp(lab, 0x10)->pol1, POL1_NO_DELETE);
    assert_int_equal(lab->terminal.closes, 1);
    lab_free(lab);
}

/* Without a key set for it the trigger opens nothing, and the SM-SR's address is not used. */
static void without_a_psk_there_is_no_session(void **state)
{
    (void)state;
    struct lab *lab = world();
    uint8_t status;
    (void)mno_packet(lab, SCP80_SPI1_FULL, TAR_SD, TRIGGER, &status);
    assert_int_equal(lab->terminal.opens, 0);
    lab_free(lab);
}

int main(void)
{
    if (!shared_path("data/profiles/README.md"))
        return TEST_SKIPPED;
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(pol1_and_connectivity_of_the_own_isdp),
        cmocka_unit_test(only_the_alias_is_known_there),
        cmocka_unit_test(files_are_managed_under_their_access_domain),
        cmocka_unit_test(the_operator_is_told_what_is_wrong),
        cmocka_unit_test(the_operators_keys_do_not_reach_the_isdr),
        cmocka_unit_test(the_operator_administers_by_https),
        cmocka_unit_test(without_a_psk_there_is_no_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
