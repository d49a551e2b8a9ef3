/* ES6: the operator reaches the MNO-SD and the files of its enabled profile with the profile's own keys. */
#include "lab.h"

#include "euicc/isdp/applications.h"
#include "lib/crypto/aes.h"
#include "lib/gp/put_key.h"

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
    smsr_settles(lab, ES5_FIRST_ATTACH, 0x10);
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

/* What the terminal would not hand over is not taken: other codings than those of class 2. */
static void messages_of_another_class_are_not_for_the_card(void **state)
{
    (void)state;
    static const struct {
        uint8_t dcs, status;
    } codings[] = { { 0x04, 0xFF }, { 0xF5, 0xFF }, { 0x15, 0xFF }, { 0x16, SCP80_OK }, { 0xF6, SCP80_OK } };
    struct lab *lab = world();
    for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
        uint8_t status = 0;
        lab->terminal.sms_dcs = codings[i].dcs;
        (void)mno_packet(lab, SCP80_SPI1_FULL, TAR_SD, "AA07220580CAFF2100", &status);
        assert_int_equal(status, codings[i].status);
    }
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

/* ---- remote application management ---- */

static void expect_result(struct lab *lab, uint32_t tar, const char *capdu, const char *rapdu)
{
    WRITER_ON_STACK(script, 400);
    struct ram_script s;
    char hex[801];
    ram_script_open(&s, &script, RAM_DEFINITE);
    ram_script_capdu(&s, hex_lit(capdu));
    ram_script_close(&s);
    hex_text(wr_span(&script), hex, sizeof hex);
    uint8_t status;
    struct span got = mno_packet(lab, SCP80_SPI1_FULL, tar, hex, &status);
    assert_int_equal(status, SCP80_OK);
    struct ram_reader r;
    struct ram_item item;
    assert_ok(ram_results_open(&r, got));
    assert_true(ram_results_next(&r, &item) && item.tag == RAM_TAG_RAPDU);
    assert_span_equal(item.value, hex_lit(rapdu));
}

static void the_operator_reads_its_domain(void **state)
{
    (void)state;
    struct lab *lab = world();
    /* as the package says it: card management data, keys, security domains */
    expect_result(lab, TAR_SD, "80CA006600",
                  "66 30 732E 06072A864886FC6B01 600B06092A864886FC6B020202 630906072A864886FC6B03"
                  "640B06092A864886FC6B048000 9000");
    expect_result(lab, TAR_SD, "80CA00E000",
                  "E0 24 C00401018010 C00402018010 C00403018010 C00401028810 C00402028810 C00403028810 9000");
    expect_result(lab, TAR_SD, "80CA004200", "6A88");
    expect_result(lab, TAR_SD, "80F28002024F0000", "E313 4F08A000000151000000 9F70010F C50382DC00 9000");
    expect_result(lab, TAR_SD, "80F28002084F06A0000001510000", "E313 4F08A000000151000000 9F70010F C50382DC00 9000");
    expect_result(lab, TAR_SD, "80F280020A4F08A00000055910100000", "6A88");
    expect_result(lab, TAR_SD, "80F24002094F07A000000559101000",
                  "E3144F09A00000055910100001 9F700107 C503000000 E3144F09A00000055910100002 9F700107 C503000000"
                  "E3144F09A00000055910100003 9F700107 C503000000 E3144F09A00000055910100004 9F700107 C503000000 9000");
    expect_result(lab, TAR_SD, "80F22002024F0000", "6A88"); /* nothing was ever loaded */
    expect_result(lab, TAR_SD, "80F20002024F0000", "6A86");
    expect_result(lab, TAR_SD, "80F2400200", "6A80");
    lab_free(lab);
}

/* An AES key as PUT KEY carries it, under the KIK of the carrier. */
static const char *put_key_capdu(uint8_t replaces, uint8_t kvn, uint8_t type, const uint8_t new_key[16], unsigned count)
{
    static char hex[2 * (APDU_SHORT_DATA_MAX + 6) + 1];
    uint8_t sealed[16], kcv[KCV_LEN];
    WRITER_ON_STACK(w, (APDU_SHORT_DATA_MAX + 6));
    struct put_key p = { .replaces = replaces, .kid = 1, .kvn = kvn, .count = count };
    assert_ok(aes_cbc_encrypt((struct span){ mno_key, 16 }, NULL, (struct span){ new_key, 16 }, sealed));
    assert_ok(aes_kcv((struct span){ new_key, 16 }, kcv));
    for (unsigned i = 0; i < count; i++)
        p.keys[i] = (struct put_key_item){ type, SPAN_OF(sealed), type == KEY_TYPE_AES ? SPAN_OF(kcv) : SPAN_NONE };
    put_key_write(&w, &p, 256);
    return hex_text(wr_span(&w), hex, sizeof hex);
}

static void the_operator_changes_its_keys(void **state)
{
    (void)state;
    static const uint8_t fresh[16] = { 0xA5, 0x5A, 3 };
    char answer[40];
    uint8_t kcv[KCV_LEN], status;
    struct lab *lab = world();
    struct card *card = lab_card(lab);
    assert_ok(aes_kcv(SPAN_OF(fresh), kcv));
    snprintf(answer, sizeof answer, "02%02X%02X%02X%02X%02X%02X%02X%02X%02X9000", kcv[0], kcv[1], kcv[2], kcv[0],
             kcv[1], kcv[2], kcv[0], kcv[1], kcv[2]);
    expect_result(lab, TAR_SD, put_key_capdu(0, 2, KEY_TYPE_AES, fresh, 3), "6A80");    /* there already */
    expect_result(lab, TAR_SD, put_key_capdu(5, 5, KEY_TYPE_AES, fresh, 3), "6A88");    /* not there */
    expect_result(lab, TAR_SD, put_key_capdu(0, 0x30, KEY_TYPE_AES, fresh, 3), "6A80"); /* of no use here */
    expect_result(lab, TAR_SD, put_key_capdu(0, 0x41, KEY_TYPE_PSK_TLS, fresh, 1), "41 9000");
    struct keyset set;
    assert_ok(application_keyset_get(card->objects, (uint8_t)lab_isdp(lab, 0x10)->slot, 0, 0x41, &set));
    assert_span_equal(keyset_key(&set, 1), SPAN_OF(fresh));
    expect_result(lab, TAR_SD, "80E40000 03 D20141", "9000");
    expect_result(lab, TAR_SD, "80E40000 03 D20141", "6A88");
    expect_result(lab, TAR_SD, "80E40000 03 D20102", "6985"); /* the one that speaks */
    expect_result(lab, TAR_SD, put_key_capdu(2, 2, KEY_TYPE_AES, fresh, 3), answer);
    lab_power_cycle(lab);
    (void)mno_packet(lab, SCP80_SPI1_FULL, TAR_SD, "AA07220580CAFF2100", &status);
    assert_int_equal(status, SCP80_CC_FAILED); /* the old key opens nothing */
    lab->key = fresh;
    lab->sent_counter = 0; /* a new key counts anew */
    (void)mno_packet(lab, SCP80_SPI1_FULL, TAR_MF, "AA09220700A4000C022FE2", &status);
    assert_int_equal(status, SCP80_OK);
    lab_free(lab);
}

/* A check value that is another key's leaves the old one. */
static void a_wrong_check_value_changes_nothing(void **state)
{
    (void)state;
    static const uint8_t fresh[16] = { 0xA5, 0x5A, 3 };
    struct lab *lab = world();
    char capdu[2 * (APDU_SHORT_DATA_MAX + 6) + 1];
    strcpy(capdu, put_key_capdu(2, 2, KEY_TYPE_AES, fresh, 3));
    capdu[strlen(capdu) - 4] ^= 1; /* in the last check value, before Le */
    expect_result(lab, TAR_SD, capdu, "9485");
    expect_result(lab, TAR_SD, "80CA004200", "6A88");
    lab_free(lab);
}

/* ---- remote file management ---- */

static void answers_are_fetched_in_compact_scripts(void **state)
{
    (void)state;
    struct lab *lab = world();
    expect_answer(lab, TAR_MF, "00A40004022FE2", "01 611E");
    expect_answer(lab, TAR_MF, "00A40004022FE2 00C000001E",
                  "02 9000 621C82024121 83022FE2 A503C00140 8A0105 8B032F0603 8002000A 880110");
    expect_answer(lab, TAR_MF, "00A40004022FE2 00C0000020", "02 6C1E");
    expect_answer(lab, TAR_MF, "00A4000C022FE2 00C0000020", "02 6985");
    lab_free(lab);
}

static void access_domains_hold_where_they_are_for(void **state)
{
    (void)state;
    struct lab *lab = world();
    struct card *card = lab_card(lab);
    uint8_t slot = (uint8_t)lab_isdp(lab, 0x10)->slot;
    struct application_rfm rfm;
    assert_ok(application_rfm_by_tar(card->objects, slot, hex_lit("B00140"), &rfm));
    unsigned index = 0;
    for (struct application_rfm r; application_rfm_get(card->objects, slot, index, &r) == ERR_NONE; index++)
        if (aid_eq(&r.aid, &rfm.aid))
            break;
    rfm.access = (struct access_domain){ 1, { 0xFF } }; /* nothing at the MF, all in the ADF, but no administration */
    rfm.adf_admin = (struct access_domain){ 1, { 0xFF } };
    card_begin(card);
    assert_ok(application_rfm_put(card->objects, slot, index, &rfm));
    assert_ok(card_commit(card));
    expect_answer(lab, TAR_ADF, "00A4000C026F07 00D6000001 08", "02 9000");
    expect_answer(lab, TAR_ADF, "00A4000C023F00 00A4000C022F05 00D6000002 6465", "03 6982");
    expect_answer(lab, TAR_ADF, "00E0000016 6214 82024121 83026F77 8A0105 8B036F0601 80020004", "01 6982");
    expect_answer(lab, TAR_ADF, "00A4080C027FB0 00A4000C026F02 00B0000003", "03 6982"); /* another application */
    lab_free(lab);
}

/* An instance under another security domain of the profile listens to that one's keys. */
static void an_instance_has_the_keys_of_its_domain(void **state)
{
    (void)state;
    static const uint8_t other_key[16] = { 0xEE, 0xEE, 7 };
    struct lab *lab = world();
    struct card *card = lab_card(lab);
    uint8_t slot = (uint8_t)lab_isdp(lab, 0x10)->slot, status;
    struct application_sd sd = { .life_cycle = 0x0F, .tar_count = 1, .tars = { { 0x6C, 0x75, 0x65 } } };
    struct keyset set = { .kvn = 2,
                          .count = 2,
                          .keys = { { 1, KEY_TYPE_AES, 16, { 0 } }, { 2, KEY_TYPE_AES, 16, { 0 } } } };
    struct application_rfm rfm;
    assert_true(aid_set(&sd.aid, hex_lit("A000000151000001")));
    memcpy(set.keys[0].value, other_key, 16);
    memcpy(set.keys[1].value, other_key, 16);
    assert_ok(application_rfm_get(card->objects, slot, 0, &rfm)); /* that of the MF */
    rfm.sd = sd.aid;
    card_begin(card);
    assert_ok(application_sd_put(card->objects, slot, 1, &sd));
    assert_ok(application_keyset_put(card->objects, slot, 1, &set, 0));
    assert_ok(application_rfm_put(card->objects, slot, 0, &rfm));
    assert_ok(card_commit(card));
    (void)mno_packet(lab, SCP80_SPI1_FULL, TAR_MF, "00A4000C022FE2", &status);
    assert_int_equal(status, SCP80_CC_FAILED);
    lab->key = other_key;
    expect_answer(lab, TAR_MF, "00A4000C022FE2", "01 9000");
    /* the domain itself: its keys, its data, but nothing of the ISD-P's */
    expect_result(lab, 0x6C7565, "80CA00E000", "E00C C00401028810 C00402028810 9000");
    expect_result(lab, 0x6C7565, "80E6200016000010" ALIAS "000000", "6985");
    lab_free(lab);
}

/* ---- SCP81 ---- */

#define MNO_PSK "A0A1A2A3A4A5A6A7A8A9AAABACADAEAF"
#define TRIGGER "811F831D 840F 350103 3C03021F9A 3E05210A08288F 890A 8A0368 6F73 8C032F61 64"

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

/* Where to and with which key is in the profile: the trigger says nothing. */
static void the_profile_says_where_its_operator_listens(void **state)
{
    (void)state;
    struct lab *lab = world();
    struct card *card = lab_card(lab);
    struct keyset set = { .kvn = 0x42, .count = 1, .keys = { { .kid = 1, .type = 0x85, .len = 16 } } };
    memcpy(set.keys[0].value, hex_lit(MNO_PSK).ptr, 16);
    memcpy(lab->server.psk, hex_lit(MNO_PSK).ptr, 16);
    uint8_t slot = (uint8_t)lab_isdp(lab, 0x10)->slot, status;
    static const char *const data[] = { "840F 350103 3C03021F9A 3E05210A08288F", "8906 8C042F6D6E6F",
                                        "8504 00 02 4201" };
    card_begin(card);
    assert_ok(application_keyset_put(card->objects, slot, 0, &set, 0));
    for (unsigned i = 0; i < ARRAY_LEN(data); i++) /* behind the 66 of the package */
        assert_ok(objects_put(card->objects, OBJECT_KEY(slot, OBJ_MNOSD, APP_DATA(0, 1 + i)), hex_lit(data[i])));
    assert_ok(card_commit(card));
    step(lab, NULL, capdu_script("80CA004200"));
    (void)mno_packet(lab, SCP80_SPI1_FULL, TAR_SD, "8102 8300", &status);
    assert_int_equal(status, SCP80_OK);
    assert_false(lab->server.failed);
    assert_int_equal(lab->terminal.opens, 1);
    assert_int_equal(lab->server.request_count, 2);
    assert_string_equal(lab->server.requests[0].uri, "/mno");
    expect_body(lab, 1, "AF80 23026A88 0000");
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
        cmocka_unit_test(messages_of_another_class_are_not_for_the_card),
        cmocka_unit_test(the_operators_keys_do_not_reach_the_isdr),
        cmocka_unit_test(the_operator_reads_its_domain),
        cmocka_unit_test(the_operator_changes_its_keys),
        cmocka_unit_test(a_wrong_check_value_changes_nothing),
        cmocka_unit_test(answers_are_fetched_in_compact_scripts),
        cmocka_unit_test(access_domains_hold_where_they_are_for),
        cmocka_unit_test(an_instance_has_the_keys_of_its_domain),
        cmocka_unit_test(the_operator_administers_by_https),
        cmocka_unit_test(the_profile_says_where_its_operator_listens),
        cmocka_unit_test(without_a_psk_there_is_no_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
