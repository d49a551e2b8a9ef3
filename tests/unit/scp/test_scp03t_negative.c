/* What a card must answer to broken, replayed and misplaced commands: SCP03t scripts and SCP03 APDUs. */
#include "scp03_case.h"

#include "lib/crypto/aes.h"
#include "lib/gp/put_key.h"

/* ---- the APDU card: what an ISD-P says around the channel */

static uint16_t put_key_sw(const struct scp03_session *s, const struct capdu *c)
{
    struct put_key p;
    uint8_t key[16], kcv[3];
    if (put_key_parse(c, &p) != ERR_NONE || p.keys[0].value.len < 16)
        return SW_WRONG_DATA;
    struct span wrapped = span_from(p.keys[0].value, p.keys[0].value.len - 16); /* 10 || 16 octets, or bare */
    assert_ok(scp03_dek_decrypt(s, wrapped, key));
    assert_ok(aes_kcv(SPAN_OF(key), kcv));
    return span_eq(SPAN_OF(kcv), p.keys[0].kcv) ? SW_OK : SW_WRONG_KCV;
}

static void apdu_card(struct case_card *card, const struct capdu *c, struct writer *out)
{
    WRITER_ON_STACK(plain, 512);
    struct rapdu r = { .sw = SW_OK };
    struct capdu in;
    enum err err = ERR_NONE;
    WRITER_ON_STACK(data, 64);
    if (c->ins == INS_INITIALIZE_UPDATE) {
        err = scp03_open_card(&card->keys, card->counter++, card->aid, c->data, &card->session, &data);
        r.data = wr_span(&data);
        rapdu_write(out, &r);
        return;
    }
    if (c->ins == INS_EXTERNAL_AUTHENTICATE) {
        err = scp03_external_authenticate_check(&card->session, c);
        r.sw = err == ERR_NONE ? SW_OK : err == ERR_STATE ? SW_WRONG_P1P2 : SW_SECURITY_STATUS;
        rapdu_write(out, &r);
        return;
    }
    err = scp03_unwrap(&card->session, c, &plain, &in);
    if (err != ERR_NONE) {
        r.sw = err == ERR_STATE ? SW_CONDITIONS : SW_SECURITY_STATUS;
        rapdu_write(out, &r);
        return;
    }
    if (in.ins == INS_PUT_KEY)
        r.sw = put_key_sw(&card->session, &in);
    assert_ok(scp03_response_wrap(&card->session, &r, out));
}

static void the_card_refuses_it(void **state)
{
    const json_t *v = vector_of(state), *scripts = json_object_get(v, "scripts"), *steps = json_object_get(v, "steps");
    struct case_card card = { .keys = case_keys(v),
                              .counter = case_counter(v),
                              .aid = vec_hex(v, "aid"),
                              .has_keys = !strstr(vec_text(v, "name"), "without keys"),
                              .data_left = SIZE_MAX };
    for (size_t i = 0; i < json_array_size(scripts); i++) {
        WRITER_ON_STACK(out, 256);
        case_card_script(&card, vec_hex(json_array_get(scripts, i), "command"), &out);
        assert_span_equal(wr_span(&out), vec_hex(json_array_get(scripts, i), "response"));
    }
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        WRITER_ON_STACK(out, 256);
        struct capdu c;
        assert_ok(capdu_parse(vec_hex(step, "c_apdu"), &c));
        apdu_card(&card, &c, &out);
        assert_span_equal(wr_span(&out), vec_hex(step, "r_apdu"));
    }
    assert_true(json_array_size(scripts) || json_array_size(steps));
}

int main(void) { return run_vectors(shared_path("data/vectors/oncard-scp03.json"), "negative", the_card_refuses_it); }
