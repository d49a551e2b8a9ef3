/* The factory: what it makes holds before every check a receiver makes, and what is made wrong on purpose does not. */
#include "eum/factory.h"
#include "eum/register.h"
#include "euicc/nvm/nvm_memory.h"
#include "lib/base/world.h"
#include "lib/crypto/aes.h"
#include "lib/crypto/keystore_soft.h"
#include "lib/es/eum_signature.h"
#include "lib/es/message.h"
#include "tests/support/test.h"

#define YEAR_MS  (365ull * 86400000)
#define NOW_MS   1800000000000ull
#define CI_OID   "2.999.1"
#define EUM_OID  "2.999.2"
#define SMSR_OID "2.999.3"
#define PACKAGE  "data/profiles/TS48v4_SAIP2.3_NoBERTLV.der"

static struct world {
    struct ec_key *ci_key, *eum_key, *stranger;
    struct x509 *ci, *eum;
    struct trust trust;
    uint8_t kek[16];
    struct span package;
} w;

struct made {
    struct nvm_memory nvm;
    struct env env;
    struct arena arena;
    struct eum_product product;
    char detail[EUM_DETAIL_MAX];
    enum err err;
};

static struct eum_order order_of_one(void)
{
    struct eum_order o = {
        .eum = { w.eum, w.eum_key },
        .eum_id = { EUM_OID },
        .cis = &w.trust,
        .curve = EC_P256,
        .validity = { NOW_MS, NOW_MS + 10 * YEAR_MS },
        .production_ms = NOW_MS,
        .smsr = { .oid = { SMSR_OID },
                  .sms_number = "491710000001",
                  .https_host = "sr.example",
                  .https_ipv4 = { 127, 0, 0, 1 },
                  .https_port = 8443,
                  .https_uri = "/gsma/adminagent" },
        .kek = SPAN_OF(w.kek),
        .bootstrap = { .package = w.package, .mno_id = { "2.999.9" }, .msisdn = "491720000001" },
    };
    assert_ok(eum_eid("890010120123412340", 123456789012, &o.eid));
    return o;
}

static struct made make(const struct eum_order *order, struct keys *keys)
{
    struct made m = { .env = { .clock = world_clock(), .rng = world_rng(), .keys = keys } };
    assert_ok(nvm_memory_init(&m.nvm, EUICC_NVM_DEFAULT));
    m.env.nvm = &m.nvm.nvm;
    arena_init(&m.arena, EUM_ARENA_MAX);
    m.err = eum_make(order, &m.env, &m.arena, &m.product, m.detail);
    m.env.nvm = NULL; /* made is copied: whoever needs the card sets it again */
    return m;
}

static void made_done(struct made *m)
{
    arena_release(&m->arena);
    nvm_memory_done(&m->nvm);
}

/* ---- numbers ---- */

static void eids_get_their_check_digits(void **state)
{
    (void)state;
    struct eid eid;
    char text[EID_TEXT_SIZE];
    assert_ok(eum_eid("890010120123412340", 123456789012, &eid));
    assert_string_equal(eid_text(&eid, text), "89001012012341234012345678901224"); /* on-card fact book 1.6 */
    assert_ok(eum_eid("89044045113010000000000000000", 0, &eid));
    assert_string_equal(eid_text(&eid, text), "89044045113010000000000000000002");
    assert_fails(eum_eid("890010120123412340", 1000000000000, &eid), ERR_TOO_LONG);
    assert_fails(eum_eid("", 1, &eid), ERR_BAD_VALUE);
    assert_fails(eum_eid("890010120123412340123456789012", 1, &eid), ERR_BAD_VALUE);
    assert_true(eum_eid("12", 1, &eid) != ERR_NONE); /* not telecom */
}

/* ---- the product ---- */

static void receivers_are_content(void **state)
{
    (void)state;
    struct eum_order o = order_of_one();
    struct made m = make(&o, NULL);
    WRITER_ON_STACK(der, X509_DER_MAX);
    struct ec_key *pk = NULL;
    struct eis again;
    struct es_fault fault;
    if (m.err != ERR_NONE)
        fail_msg("%s", m.detail);
    assert_ok(eis_decode(m.product.eis_xml, &m.arena, &again, &fault));
    assert_true(eid_eq(&again.eid, &o.eid));
    assert_string_equal(again.eum_id.text, EUM_OID);
    assert_string_equal(again.smsr_id.text, SMSR_OID);
    x509_der(w.eum, &der);
    assert_ok(eum_verify(&again, wr_span(&der)));
    assert_ok(chain_check_euicc(&w.trust, w.eum, sd_certificate(&again.ecasd), eid_span(&o.eid), NOW_MS, &pk));
    assert_int_equal(again.profile_count, 1);
    assert_true(again.profiles[0].fallback);
    assert_int_equal(again.profiles[0].state, PROFILE_ENABLED);
    assert_string_equal(again.profiles[0].iccid.digits, "89000123456789012341"); /* facts.json */
    assert_string_equal(again.profiles[0].address.imsi, "001010123456063");
    assert_string_equal(again.profiles[0].address.msisdn, "491720000001");
    assert_true(again.remaining_memory < again.available_memory);
    ec_key_free(pk);
    made_done(&m);
}

static void ota_keys_are_encrypted_with_check_values(void **state)
{
    (void)state;
    struct eum_order o = order_of_one();
    struct made m = make(&o, NULL);
    static const struct {
        uint8_t kvn, count;
        enum keyset_usage usage;
    } want[] = { { 0x01, 3, KEYSET_SCP80 }, { 0x40, 2, KEYSET_SCP81 } };
    assert_ok(m.err);
    assert_int_equal(m.product.eis.isdr.keyset_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct eis_keyset *set = &m.product.eis.isdr.keysets[i];
        assert_int_equal(set->version, want[i].kvn);
        assert_int_equal(set->usage, want[i].usage);
        assert_int_equal(set->key_count, want[i].count);
        for (size_t k = 0; k < set->key_count; k++) {
            uint8_t plain[16], kcv[KCV_LEN];
            assert_int_equal(set->keys[k].index, k + 1);
            assert_ok(aes_cbc_decrypt(SPAN_OF(w.kek), NULL, set->keys[k].components[0].value, plain));
            assert_ok(aes_kcv(SPAN_OF(plain), kcv));
            assert_span_equal(SPAN_OF(kcv), set->keys[k].kcv);
            /* and no key lies in the clear in the EIS */
            assert_null(memmem(m.product.eis_xml.ptr, m.product.eis_xml.len, hex_arena(&m.arena, SPAN_OF(plain)), 32));
        }
    }
    made_done(&m);
}

static void select_and_read_eid(struct euicc *card, const struct eid *eid)
{
    WRITER_ON_STACK(r, EUICC_RAPDU_MAX);
    WRITER_ON_STACK(want, EUICC_RAPDU_MAX);
    euicc_transmit(card, hex_lit("00A4040010A0000005591010FFFFFFFF8900000200"), &r);
    r.len = 0;
    euicc_transmit(card, hex_lit("80CA005A12"), &r);
    wr_bytes(&want, hex_lit("5A10"));
    wr_bytes(&want, eid_span(eid));
    wr_bytes(&want, hex_lit("9000"));
    assert_span_equal(wr_span(&r), wr_span(&want));
}

static void the_card_lives(void **state)
{
    (void)state;
    struct eum_order o = order_of_one();
    struct made m = make(&o, NULL);
    struct arena ram;
    struct euicc *card = NULL;
    struct euicc_profile_info infos[EUICC_PROFILES_MAX];
    WRITER_ON_STACK(atr, EUICC_ATR_MAX);
    assert_ok(m.err);
    m.env.nvm = &m.nvm.nvm;
    arena_init(&ram, 2 * EUICC_ARENA_SIZE);
    assert_ok(euicc_open(&ram, &m.env, &card));
    euicc_reset(card, &atr);
    assert_int_equal(atr.buf[0], 0x3B);
    assert_int_equal(euicc_profiles(card, infos), 1);
    assert_int_equal(infos[0].state, EUICC_PROFILE_ENABLED);
    select_and_read_eid(card, &o.eid);
    euicc_close(card);
    arena_release(&ram);
    made_done(&m);
}

/* With a key store the image does not give its secrets away: another one cannot open it, nor can none. */
static void wrapped_cards_need_their_master(void **state)
{
    (void)state;
    struct eum_order o = order_of_one();
    static const uint8_t one[KEYSTORE_MASTER_LEN] = { 1 }, two[KEYSTORE_MASTER_LEN] = { 2 };
    struct keystore_soft *first = NULL, *second = NULL;
    assert_ok(keystore_soft_new(SPAN_OF(one), NULL, &first));
    assert_ok(keystore_soft_new(SPAN_OF(two), NULL, &second));
    struct made m = make(&o, keystore_soft_keys(first));
    struct keys *keys[] = { keystore_soft_keys(first), keystore_soft_keys(second), NULL };
    assert_ok(m.err);
    m.env.nvm = &m.nvm.nvm;
    for (size_t i = 0; i < 3; i++) {
        struct arena ram;
        struct euicc *card = NULL;
        arena_init(&ram, 2 * EUICC_ARENA_SIZE);
        m.env.keys = keys[i];
        assert_true((euicc_open(&ram, &m.env, &card) == ERR_NONE) == (i == 0));
        euicc_close(card);
        arena_release(&ram);
    }
    keystore_soft_free(first);
    keystore_soft_free(second);
    made_done(&m);
}

/* ---- wrong on purpose ---- */

static void wrong_signers_are_found_out(void **state)
{
    (void)state;
    struct eum_order o = order_of_one();
    WRITER_ON_STACK(der, X509_DER_MAX);
    x509_der(w.eum, &der);
    o.eis_signer = w.stranger;
    struct made m = make(&o, NULL);
    assert_ok(m.err);
    assert_fails(eum_verify(&m.product.eis, wr_span(&der)), ERR_VERIFY);
    assert_ok(chain_check_euicc(&w.trust, w.eum, m.product.ecasd_certificate, eid_span(&o.eid), NOW_MS, NULL));
    made_done(&m);
    o.eis_signer = NULL;
    o.ecasd_signer = w.stranger;
    m = make(&o, NULL);
    assert_ok(m.err);
    assert_ok(eum_verify(&m.product.eis, wr_span(&der)));
    assert_fails(chain_check_euicc(&w.trust, w.eum, m.product.ecasd_certificate, eid_span(&o.eid), NOW_MS, NULL),
                 ERR_VERIFY);
    made_done(&m);
}

static void old_certificates_are_found_out(void **state)
{
    (void)state;
    struct eum_order o = order_of_one();
    o.validity = (struct eum_validity){ NOW_MS - 3 * YEAR_MS, NOW_MS - 2 * YEAR_MS };
    struct made m = make(&o, NULL);
    assert_ok(m.err);
    assert_fails(chain_check_euicc(&w.trust, w.eum, m.product.ecasd_certificate, eid_span(&o.eid), NOW_MS, NULL),
                 ERR_EXPIRED);
    made_done(&m);
}

static void card_certificates_have_their_role(void **state)
{
    (void)state;
    static const enum gp_role roles[] = { GP_ROLE_SM_DP, GP_ROLE_SM_SR };
    for (size_t i = 0; i < 2; i++) {
        WRITER_ON_STACK(out, GP_CERTIFICATE_MAX);
        const struct eum_card_request q = { { w.ci, w.ci_key },           { SMSR_OID }, roles[i], w.stranger,
                                            { NOW_MS, NOW_MS + YEAR_MS }, world_rng() };
        assert_ok(eum_card_certificate(&q, &out));
        assert_fails(chain_check_server(&w.trust, wr_span(&out), GP_ROLE_SM_SR, NOW_MS, NULL),
                     i ? ERR_NONE : ERR_BAD_VALUE);
        assert_fails(chain_check_server(&w.trust, wr_span(&out), roles[i], NOW_MS + 2 * YEAR_MS, NULL), ERR_EXPIRED);
    }
}

static void bad_orders_make_no_card(void **state)
{
    (void)state;
    struct trust nobody = { 0 };
    for (int i = 0; i < 5; i++) {
        struct eum_order o = order_of_one();
        enum err want = ERR_NONE;
        if (i == 0)
            o.cis = &nobody, want = ERR_MISSING;
        if (i == 1)
            o.kek = SPAN_LIT("seventeen octets!"), want = ERR_BAD_LENGTH;
        if (i == 2)
            o.smsr.sms_number = "+49", want = ERR_BAD_VALUE;
        if (i == 3)
            o.bootstrap.package.len /= 2;
        if (i == 4)
            o.bootstrap.msisdn = "12x", want = ERR_BAD_VALUE;
        struct made m = make(&o, NULL);
        assert_int_not_equal(m.err, ERR_NONE);
        if (want != ERR_NONE)
            assert_int_equal(m.err, want);
        assert_true(m.detail[0] != 0);
        assert_int_equal(m.product.eis_xml.len, 0);
        made_done(&m);
    }
}

/* ---- ES1 ---- */

static void registration_is_said_right(void **state)
{
    (void)state;
    struct eum_order o = order_of_one();
    struct made m = make(&o, NULL);
    struct es_message got;
    struct es_fault fault;
    struct span soap;
    struct eid eid;
    assert_ok(m.err);
    struct eum_register q = { { EUM_OID },       { SMSR_OID }, "https://127.0.0.1:9443/es1",
                              m.product.eis_xml, NOW_MS,       SPAN_LIT("00112233445566778899AABBCCDDEEFF") };
    assert_ok(eum_register_encode(&q, &m.arena, &soap, &eid));
    assert_true(eid_eq(&eid, &o.eid));
    assert_ok(es_decode(soap, &m.arena, &got, &fault));
    assert_int_equal(got.function, ES1_REGISTER_EIS);
    assert_int_equal(got.kind, ES_REQUEST);
    assert_string_equal(got.wsa.from.entity_id.text, EUM_OID);
    assert_string_equal(got.wsa.to.entity_id.text, SMSR_OID);
    const struct es1_register_eis *body = got.body;
    assert_span_equal(body->eis->signed_info, m.product.eis.signed_info); /* octet for octet, or the signature breaks */
    q.eis = SPAN_LIT("<nothing/>");
    assert_true(eum_register_encode(&q, &m.arena, &soap, NULL) != ERR_NONE);
    made_done(&m);
}

static struct span answer_with(struct arena *a, enum es_function function, const struct status *status)
{
    struct es_message m = { .function = function, .kind = ES_RESPONSE };
    struct span soap;
    struct oid smsr = { SMSR_OID };
    m.wsa.from = (struct wsa_endpoint){ .address = SPAN_LIT("https://127.0.0.1:9443/es1"), .entity_id = smsr };
    m.wsa.to = (struct wsa_endpoint){ .address = SPAN_LIT(WSA_ANONYMOUS), .entity_id = { EUM_OID } };
    m.wsa.relates_to = SPAN_LIT("//2.999.2/00");
    assert_ok(wsa_message_id_make(a, &smsr, SPAN_LIT("00112233445566778899AABBCCDDEEFF"), SPAN_NONE, SPAN_NONE, NOW_MS,
                                  '?', &m.wsa.message_id));
    m.body = es_response_new(a, function, status, NOW_MS, NOW_MS);
    assert_ok(es_encode(&m, a, &soap));
    return soap;
}

static void answers_are_understood(void **state)
{
    (void)state;
    struct arena a;
    struct status got;
    char detail[EUM_ANSWER_DETAIL_MAX];
    arena_init(&a, EUM_ARENA_MAX);
    struct status good = status_success(), bad = status_failed(REASON_EID_UNKNOWN, "", "no");
    assert_ok(eum_register_answer(answer_with(&a, ES1_REGISTER_EIS, &good), &a, &got, detail));
    assert_true(status_ok(&got));
    assert_ok(eum_register_answer(answer_with(&a, ES1_REGISTER_EIS, &bad), &a, &got, detail));
    assert_int_equal(got.exec, EXECUTED_FAILED);
    assert_string_equal(got.subject, bad.subject);
    assert_fails(eum_register_answer(answer_with(&a, ES1_UPDATE_EIS_ADDITIONAL_PROPERTIES, &good), &a, &got, detail),
                 ERR_BAD_VALUE);
    assert_fails(eum_register_answer(SPAN_LIT("<html>"), &a, &got, detail), ERR_BAD_VALUE);
    assert_true(strlen(detail) > 10);
    arena_release(&a);
}

static int world_make(void **state)
{
    (void)state;
    struct eum_validity long_time = { NOW_MS - YEAR_MS, NOW_MS + 20 * YEAR_MS };
    assert_ok(ec_generate(EC_P256, NULL, &w.ci_key));
    assert_ok(ec_generate(EC_P256, NULL, &w.eum_key));
    assert_ok(ec_generate(EC_P256, NULL, &w.stranger));
    assert_ok(eum_ci_certificate("CI", CI_OID, w.ci_key, long_time, NULL, &w.ci));
    const struct x509_request q = { .kind = X509_EUM,
                                    .common_name = "EUM",
                                    .oid = EUM_OID,
                                    .from_ms = long_time.from_ms,
                                    .to_ms = long_time.to_ms,
                                    .subject = w.eum_key,
                                    .issuer = w.ci,
                                    .issuer_key = w.ci_key };
    assert_ok(x509_issue(&q, &w.eum));
    assert_ok(trust_add(&w.trust, w.ci));
    memset(w.kek, 0x4B, sizeof w.kek);
    w.package = file_bytes(shared_path(PACKAGE));
    return 0;
}

static int world_end(void **state)
{
    (void)state;
    trust_done(&w.trust);
    x509_free(w.eum);
    ec_key_free(w.ci_key);
    ec_key_free(w.eum_key);
    ec_key_free(w.stranger);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eids_get_their_check_digits),
        cmocka_unit_test(receivers_are_content),
        cmocka_unit_test(ota_keys_are_encrypted_with_check_values),
        cmocka_unit_test(the_card_lives),
        cmocka_unit_test(wrapped_cards_need_their_master),
        cmocka_unit_test(wrong_signers_are_found_out),
        cmocka_unit_test(old_certificates_are_found_out),
        cmocka_unit_test(card_certificates_have_their_role),
        cmocka_unit_test(bad_orders_make_no_card),
        cmocka_unit_test(registration_is_said_right),
        cmocka_unit_test(answers_are_understood),
    };
    if (!shared_path(PACKAGE))
        return TEST_SKIPPED;
    return cmocka_run_group_tests(tests, world_make, world_end);
}
