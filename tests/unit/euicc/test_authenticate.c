/* AUTHENTICATE: the recorded answers, the window of sequence numbers (TS 33.102 annex C), and what happens when
 * something is wrong. Challenges for the windows are made with lib/crypto/aka; the recorded answers and osmo-auc-gen
 * (tests/e2e) judge that one. */
#include "rig.h"

#include "euicc/uicc/naa.h"
#include "euicc/uicc/uicc.h"

static struct rig rig;

static int with_card(void **state)
{
    (void)state;
    rig_make_own(&rig);
    rig_apdu(&rig, "0020000108" RIG_PIN1, "9000");
    rig_apdu(&rig, "00A4040C09" RIG_USIM1, "9000");
    return 0;
}
static int without_card(void **state)
{
    (void)state;
    rig_done(&rig);
    return 0;
}

static fs_number usim(void)
{
    struct card *card = rig_card(&rig);
    return fs_by_aid(&card->fs, hex_lit(RIG_USIM1), 0);
}

static struct naa naa_of(uint8_t algorithm, struct span k, struct span opc)
{
    struct naa naa = {
        .mapped_to = FS_NONE, .algorithm = algorithm, .k_len = (uint8_t)k.len, .opc_len = (uint8_t)opc.len
    };
    memcpy(naa.k, k.ptr, k.len);
    if (opc.len)
        memcpy(naa.opc, opc.ptr, opc.len);
    return naa;
}

static void put_naa(const struct naa *naa, const uint64_t *sqn)
{
    struct card *card = rig_card(&rig);
    card_begin(card);
    assert_ok(naa_put(card->objects, card->profile, usim(), naa, sqn));
    assert_ok(card_commit(card));
}

static const uint8_t rand_octets[16] = { 1, 2, 3 };

static void challenge(const struct naa *naa, const uint8_t rand[16], uint64_t seq, unsigned ind, uint8_t amf,
                      char *apdu)
{
    struct aka aka;
    struct aka_keys keys;
    uint8_t sqn[6], mac_a[8], mac_s[8], amf_octets[2] = { amf, amf };
    uint64_t number = seq << 5 | ind;
    for (unsigned i = 0; i < 6; i++)
        sqn[i] = (uint8_t)(number >> (40 - 8 * i));
    assert_ok(aka_init(&aka, naa->algorithm, (struct span){ naa->k, naa->k_len },
                       (struct span){ naa->opc, naa->opc_len }, 1));
    if (naa->algorithm == AKA_TUAK)
        aka.tuak.res_len = naa->res_len; /* goes into every output */
    assert_ok(aka_f2345(&aka, rand, &keys));
    assert_ok(aka_f1(&aka, rand, sqn, amf_octets, mac_a, mac_s));
    WRITER_ON_STACK(w, 64);
    wr_bytes(&w, hex_lit("0088008122 10"));
    wr_bytes(&w, (struct span){ rand, 16 });
    wr_u8(&w, 16);
    for (unsigned i = 0; i < 6; i++)
        wr_u8(&w, sqn[i] ^ keys.ak[i]);
    wr_bytes(&w, SPAN_OF(amf_octets));
    wr_bytes(&w, SPAN_OF(mac_a));
    hex_text(wr_span(&w), apdu, 2 * 39 + 1);
}

/* First octet of the answer: DB, DC. */
static uint8_t try_sqn(const struct naa *naa, uint64_t seq, unsigned ind)
{
    char apdu[2 * 39 + 1];
    challenge(naa, rand_octets, seq, ind, 0x80, apdu);
    return rig_get(&rig, apdu, 0x9000).ptr[0];
}

/* ---- recorded ---- */

static void recorded_answers(void **state)
{
    const json_t *v = vector_of(state);
    uint16_t sw;
    with_card(state);
    struct naa naa = naa_of(AKA_MILENAGE, vec_hex(v, "k"), vec_hex(v, "opc"));
    uint64_t sqn[NAA_SQN_COUNT] = { 0 };
    char stale[2 * 39 + 1];
    uint64_t ms = 0;
    if (vec_has(v, "sqn_ms")) { /* the highest accepted SQN of the card; it comes again */
        assert_ok(span_uint(vec_hex(v, "sqn_ms"), &ms));
        sqn[ms & 31] = ms >> 5;
        challenge(&naa, vec_hex(v, "rand").ptr, ms >> 5, ms & 31, 0x80, stale);
    }
    put_naa(&naa, sqn);
    struct span answer = rig_exchange(&rig, ms ? hex_lit(stale) : vec_hex(v, "apdu"), &sw);
    assert_int_equal(sw, 0x9000);
    const char *member = vec_has(v, "response_with_kc") ? "response_with_kc" : "response";
    assert_span_equal(answer, vec_hex(v, member));
    without_card(state);
}

/* ---- the window ---- */

static void sequence_numbers_have_a_window(void **state)
{
    (void)state;
    struct naa naa = naa_of(AKA_MILENAGE, hex_lit(RIG_K), hex_lit(RIG_OPC));
    naa.sqn_options = NAA_SQN_DELTA | NAA_SQN_AGE_LIMIT;
    naa.sqn_delta = 1000;
    naa.sqn_age_limit = 10;
    put_naa(&naa, NULL);
    assert_int_equal(try_sqn(&naa, 1, 0), 0xDB);
    assert_int_equal(try_sqn(&naa, 1, 0), 0xDC);    /* again */
    assert_int_equal(try_sqn(&naa, 1, 1), 0xDB);    /* another index, as old */
    assert_int_equal(try_sqn(&naa, 1001, 2), 0xDB); /* delta, just */
    assert_int_equal(try_sqn(&naa, 2002, 3), 0xDC); /* too far ahead */
    assert_int_equal(try_sqn(&naa, 991, 4), 0xDB);  /* as old as may be */
    assert_int_equal(try_sqn(&naa, 990, 5), 0xDC);  /* too old */
    assert_int_equal(try_sqn(&naa, 1001, 2), 0xDC);
    assert_int_equal(try_sqn(&naa, 1002, 2), 0xDB);
    rig_close(&rig); /* what was accepted stays accepted */
    rig_open(&rig);
    rig_apdu(&rig, "0020000108" RIG_PIN1, "9000");
    rig_apdu(&rig, "00A4040C09" RIG_USIM1, "9000");
    assert_int_equal(try_sqn(&naa, 1002, 2), 0xDC);
    assert_int_equal(try_sqn(&naa, 1003, 2), 0xDB);
}

static void a_refused_challenge_changes_nothing(void **state)
{
    (void)state;
    struct naa naa = naa_of(AKA_MILENAGE, hex_lit(RIG_K), hex_lit(RIG_OPC));
    char apdu[2 * 39 + 1];
    put_naa(&naa, NULL);
    uint32_t commits = objects_counts(rig_card(&rig)->objects).commits;
    challenge(&naa, rand_octets, 5, 0, 0x80, apdu);
    apdu[2 * 38] ^= 1; /* the MAC's last octet */
    rig_apdu(&rig, apdu, "9862");
    assert_int_equal(objects_counts(rig_card(&rig)->objects).commits, commits);
    assert_int_equal(try_sqn(&naa, 5, 0), 0xDB);
    rig_apdu(&rig, "0088008121 10 00000000000000000000000000000000 0F 000000000000000000000000000000", "6700");
    rig_apdu(&rig, "0088008211 10 00000000000000000000000000000000", "6A86");
    rig_apdu(&rig, "0088018111 10 00000000000000000000000000000000", "6A86");
    rig_apdu(&rig, "0088008411 10 00000000000000000000000000000000", "9864"); /* GBA */
    rig_apdu(&rig, "0088008611 10 00000000000000000000000000000000", "9864"); /* local keys */
    rig_apdu(&rig, "00A4000C023F00", "9000");
    rig_apdu(&rig, apdu, "6985"); /* no application is active here */
    euicc_reset(rig.card, NULL);
    rig_apdu(&rig, "00A4040C09" RIG_USIM1, "9000");
    rig_apdu(&rig, apdu, "6982"); /* PIN1 */
}

/* CDMA parameters are kept with the profile; nothing is computed with them. */
static void a_csim_authenticates_nobody(void **state)
{
    (void)state;
    rig_apdu(&rig, "0020000A08" RIG_ADM1, "9000");
    rig_apdu(&rig, "00A4000C023F00", "9000");
    rig_apdu(&rig, "00E000001B 6219 82027821 83027FC0 8409 A0000003431002F310 8A0105 8B0105", "9000");
    rig_apdu(&rig, "0088008105 0102030405", "6981");
}

static void uses_are_counted(void **state)
{
    (void)state;
    struct naa naa = naa_of(AKA_MILENAGE, hex_lit(RIG_K), hex_lit(RIG_OPC));
    char apdu[2 * 39 + 1];
    naa.uses_max = 2;
    put_naa(&naa, NULL);
    assert_int_equal(try_sqn(&naa, 1, 0), 0xDB);
    assert_int_equal(try_sqn(&naa, 1, 0), 0xDC);
    challenge(&naa, rand_octets, 9, 0, 0x80, apdu);
    rig_apdu(&rig, apdu, "6983");
}

static void one_application_can_use_anothers_keys(void **state)
{
    (void)state;
    struct card *card = rig_card(&rig);
    struct naa mapped = { .mapped_to = usim() }, naa = naa_of(AKA_MILENAGE, hex_lit(RIG_K), hex_lit(RIG_OPC));
    fs_number other = fs_by_aid(&card->fs, hex_lit(RIG_USIM2), 0);
    put_naa(&naa, NULL);
    card_begin(card);
    assert_ok(naa_put(card->objects, card->profile, other, &mapped, NULL));
    assert_ok(card_commit(card));
    assert_int_equal(try_sqn(&naa, 7, 0), 0xDB);
    rig_apdu(&rig, "00A4040C09" RIG_USIM2, "9000");
    assert_int_equal(try_sqn(&naa, 7, 0), 0xDC); /* the same numbers */
    assert_int_equal(try_sqn(&naa, 8, 0), 0xDB);
}

/* ---- the other algorithms ---- */

static void the_test_algorithm(void **state)
{
    const json_t *v = vector_of(state);
    uint16_t sw;
    with_card(state);
    struct naa naa = naa_of(AKA_XOR_TEST, vec_hex(v, "k"), SPAN_NONE);
    put_naa(&naa, NULL);
    WRITER_ON_STACK(apdu, 64);
    wr_bytes(&apdu, hex_lit("0088008122 10"));
    wr_bytes(&apdu, vec_hex(v, "rand"));
    wr_u8(&apdu, 16);
    wr_bytes(&apdu, vec_hex(v, "autn"));
    for (int turn = 0; turn < 2; turn++) { /* any number is good, again and again */
        struct span answer = rig_exchange(&rig, wr_span(&apdu), &sw);
        assert_int_equal(sw, 0x9000);
        assert_span_equal(span_sub(answer, 0, 2), hex_lit("DB10"));
        assert_span_equal(span_sub(answer, 2, 16), vec_hex(v, "res_16"));
        assert_span_equal(span_sub(answer, 19, 16), vec_hex(v, "ck"));
        assert_span_equal(span_sub(answer, 36, 16), vec_hex(v, "ik"));
    }
    naa.res_len = 8;
    put_naa(&naa, NULL);
    struct span answer = rig_exchange(&rig, wr_span(&apdu), &sw);
    assert_span_equal(span_sub(answer, 0, 2), hex_lit("DB08"));
    without_card(state);
}

static void the_test_algorithm_synchronises_on_request(void **state)
{
    (void)state;
    struct naa naa = naa_of(AKA_XOR_TEST, hex_lit("000102030405060708090A0B0C0D0E0F"), SPAN_NONE);
    char apdu[2 * 39 + 1];
    put_naa(&naa, NULL);
    challenge(&naa, rand_octets, 1, 0, 0xFF, apdu);
    assert_int_equal(rig_get(&rig, apdu, 0x9000).ptr[0], 0xDC);
}

static void tuak(void **state)
{
    (void)state;
    struct naa naa = naa_of(AKA_TUAK, hex_lit("abababababababababababababababab"),
                            hex_lit("bd04d9530e87513c5d837ac2ad954623a8e2330c115305a73eb45d1f40cccbff"));
    naa.res_len = 4;
    put_naa(&naa, NULL);
    assert_int_equal(try_sqn(&naa, 1, 0), 0xDB);
    char apdu[2 * 39 + 1];
    challenge(&naa, rand_octets, 2, 0, 0x80, apdu);
    assert_int_equal(rig_get(&rig, apdu, 0x9000).ptr[1], 4);
}

static void bad_keys_are_refused(void **state)
{
    (void)state;
    struct card *card = rig_card(&rig);
    struct naa naa = naa_of(AKA_MILENAGE, hex_lit("0011"), hex_lit(RIG_OPC));
    card_begin(card);
    assert_fails(naa_put(card->objects, card->profile, usim(), &naa, NULL), ERR_BAD_LENGTH);
    naa = naa_of(9, hex_lit(RIG_K), hex_lit(RIG_OPC));
    assert_fails(naa_put(card->objects, card->profile, usim(), &naa, NULL), ERR_UNSUPPORTED);
    naa = naa_of(AKA_MILENAGE, hex_lit(RIG_K), hex_lit(RIG_OPC));
    naa.sqn_delta = NAA_SEQ_MAX + 1;
    assert_fails(naa_put(card->objects, card->profile, usim(), &naa, NULL), ERR_BAD_VALUE);
    assert_ok(card_commit(card));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, with_card, without_card)
/* ---- GET IDENTITY ---- */

#define SUCI_PACKAGE "TS48_V7.0_eSIM_GTP_SAIP2.3_BERTLV_SUCI.der"

static void calc_info(const char *content)
{
    static const uint8_t path[] = { 0x5F, 0xD0, 0x4F, 0x01 };
    struct card *card = rig_card(&rig);
    fs_number adf = fs_by_aid(&card->fs, hex_lit("A0000000871002"), 0);
    fs_number number = fs_by_path(&card->fs, adf, adf, SPAN_OF(path));
    assert_int_not_equal(number, FS_NONE);
    assert_ok(fs_write(&card->fs, number, 0, hex_lit(content)));
}

static void a_suci_is_made_on_the_card(void **state)
{
    (void)state;
    if (!rig_has_package(SUCI_PACKAGE))
        skip();
    rig_make(&rig, SUCI_PACKAGE);
    rig_apdu(&rig, "8078000100", "6985"); /* no USIM selected */
    (void)rig_get(&rig, "00A4040C07A0000000871002", 0x9000);
    struct card *card = rig_card(&rig);
    card->verified[card->verified_count++] = (struct verified_pin){ FS_MF, 0x01 };
    /* IMSI 001010123456063, MNC of two digits, routing indicator 0 */
    struct span null_scheme = rig_get(&rig, "8078000100", 0x9000);
    assert_true(null_scheme.len > 9 && null_scheme.ptr[0] == 0xA1 && null_scheme.ptr[2] == 0x01);
    assert_int_equal(null_scheme.ptr[8], 0x00);
    size_t msin_len = null_scheme.len - 10;
    calc_info("A0 04 0102 0001  A1 4B 80011B 8120 5A8D38864820197C3394B92613B20B91633CBD897119273BF8E4A6F4EEC0A650"
              "80011E 8121 0272DA71976234CE833A6907425867B82E074D44EF907DFB4B3E21C1C2256EBCD1");
    /* scheme A would need the second key, which is no X25519 key; so an X25519 entry with the first */
    rig_apdu(&rig, "8078000100", "6985");
    calc_info("A0 04 0101 0000");
    struct span a = rig_get(&rig, "8078000100", 0x9000);
    assert_int_equal(a.len, 10 + 32 + msin_len + 8);
    assert_int_equal(a.ptr[8], 0x01);
    assert_int_equal(a.ptr[9], 0x1B);
    calc_info("A0 04 0302 0202");
    struct span b = rig_get(&rig, "8078000200", 0x9000);
    assert_int_equal(b.len, 10 + 33 + msin_len + 8);
    assert_int_equal(b.ptr[8], 0x02);
    assert_int_equal(b.ptr[9], 0x1E);
    assert_true(b.ptr[10] == 2 || b.ptr[10] == 3);
    calc_info("A0 04 0301 0505"); /* nothing we know */
    rig_apdu(&rig, "8078000100", "6A88");
    rig_apdu(&rig, "8078000300", "6A86");
    rig_done(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sequence_numbers_have_a_window),
        TEST(a_refused_challenge_changes_nothing),
        TEST(a_csim_authenticates_nobody),
        TEST(uses_are_counted),
        TEST(one_application_can_use_anothers_keys),
        TEST(the_test_algorithm_synchronises_on_request),
        TEST(tuak),
        TEST(bad_keys_are_refused),
        cmocka_unit_test(a_suci_is_made_on_the_card),
    };
    const char *recorded = shared_path("data/vectors/usim_authenticate.json");
    const char *test_algorithm = shared_path("data/vectors/usim_test_algorithm.json");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (recorded)
        failed += run_vectors(recorded, NULL, recorded_answers);
    if (test_algorithm)
        failed += run_vectors(test_algorithm, NULL, the_test_algorithm);
    return failed;
}
