#include "ka_card.h"

static void the_card_refuses_it(void **state)
{
    const json_t *v = vector_of(state), *in = json_object_get(v, "inputs"), *steps = json_object_get(v, "steps");
    struct ka_card card = { .curve = EC_P256,
                            .pk_ci = vec_hex(json_object_get(in, "CI"), "public"),
                            .sk_ecasd = vec_hex(json_object_get(in, "ECASD"), "private"),
                            .rc = vec_hex(in, "RC"),
                            .dr = vec_has(in, "DR") ? vec_hex(in, "DR") : SPAN_NONE,
                            .role = strstr(vec_text(v, "target"), "ISD-R") ? 2 : 1 };
    bool foreign_curve = strstr(vec_text(v, "name"), "brainpoolP256r1"); /* "a card whose CI and ECASD are P-256" */
    static const uint8_t p256_generator[] = {
        /* any valid point: it verifies nothing */
        0x04, 0x6B, 0x17, 0xD1, 0xF2, 0xE1, 0x2C, 0x42, 0x47, 0xF8, 0xBC, 0xE6, 0xE5, 0x63, 0xA4, 0x40, 0xF2,
        0x77, 0x03, 0x7D, 0x81, 0x2D, 0xEB, 0x33, 0xA0, 0xF4, 0xA1, 0x39, 0x45, 0xD8, 0x98, 0xC2, 0x96, 0x4F,
        0xE3, 0x42, 0xE2, 0xFE, 0x1A, 0x7F, 0x9B, 0x8E, 0xE7, 0xEB, 0x4A, 0x7C, 0x0F, 0x9E, 0x16, 0x2B, 0xCE,
        0x33, 0x57, 0x6B, 0x31, 0x5E, 0xCE, 0xCB, 0xB6, 0x40, 0x68, 0x37, 0xBF, 0x51, 0xF5
    };
    if (foreign_curve)
        card.pk_ci = SPAN_OF(p256_generator);
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        WRITER_ON_STACK(out, 256);
        ka_card_apdu(&card, vec_hex(step, "c_apdu"), &out);
        assert_span_equal(wr_span(&out), vec_hex(step, "r_apdu"));
    }
}

int main(void)
{
    return run_vectors(shared_path("data/vectors/oncard-keyagreement.json"), "negative", the_card_refuses_it);
}
