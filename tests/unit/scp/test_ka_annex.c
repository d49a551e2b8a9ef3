/* The variants of the fact book's annex: commands in our own form, byte for byte but for the signature. */
#include "ka_card.h"

static void variant_is_as_printed(void **state)
{
    const json_t *v = vector_of(state), *list = json_object_get(v, "keys");
    enum ec_curve curve = strstr(vec_text(v, "curve"), "brain") ? EC_BRAINPOOL_P256R1 : EC_P256;
    struct capdu c;
    struct store_data s;
    struct ka_command k;
    struct ka_parameters p;
    struct ka_host h;
    struct ka_keys keys;
    struct rapdu answer;
    WRITER_ON_STACK(w, KA_COMMAND_MAX);
    assert_ok(capdu_parse(vec_hex(v, "c_apdu_3A02"), &c));
    assert_ok(store_data_parse(&c, &s));
    assert_ok(ka_command_parse(s.data, &k));
    assert_int_equal(k.curve, curve);
    assert_ok(ka_crt_parse(k.crt, &p));
    if (p.parameters & KA_WITH_HOST_ID) { /* as in SharedInfo: LV Host ID, SIN, SDIN */
        struct span info = vec_hex(v, "SharedInfo");
        struct reader r = rd_of(span_from(info, 3 + (p.parameters & KA_WITH_DR ? 16 : 0)));
        rd_span(&r, rd_u8(&r));
        p.sin = ka_id_of(rd_span(&r, rd_u8(&r)));
        p.sdin = ka_id_of(rd_span(&r, rd_u8(&r)));
    }
    assert_ok(ka_host_init(&p, (uint8_t)curve, vec_hex(v, "eSK").ptr, k.point.ptr, &h));
    ka_host_to_be_signed(&w, &h, vec_hex(v, "RC"));
    assert_span_equal(wr_span(&w), vec_hex(v, "to_be_signed_3A02"));
    w.len = 0;
    ka_host_command(&w, &h, k.signature);
    assert_span_equal(wr_span(&w), s.data);

    assert_ok(rapdu_parse(vec_hex(v, "r_apdu_3A02"), &answer));
    struct span dr, receipt;
    uint8_t want[16];
    assert_ok(ka_answer_parse(answer.data, &dr, &receipt));
    w.len = 0;
    ka_shared_info_write(&w, &p, dr);
    assert_span_equal(wr_span(&w), vec_hex(v, "SharedInfo"));
    assert_ok(ka_derive(vec_hex(v, "ShS"), &p, dr, &keys));
    assert_ok(ka_receipt(&keys, k.crt, dr, want));
    assert_span_equal(SPAN_OF(want), receipt);
    assert_span_equal(SPAN_OF(keys.receipt_key), vec_hex(v, "receipt_key"));
    for (size_t i = 0; i < json_array_size(list); i++)
        assert_span_equal(SPAN_OF(keys.keys[i]), hex_lit(json_string_value(json_array_get(list, i))));
    assert_ok(ka_host_finish(&h, vec_hex(v, "PK_ECASD"), answer.data, &keys));
}

int main(void)
{
    return run_vectors(shared_path("data/vectors/oncard-keyagreement.json"), "annex", variant_is_as_printed);
}
