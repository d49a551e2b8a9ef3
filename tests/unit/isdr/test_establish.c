/* ES8.EstablishISDPKeySet and ES5.EstablishISDRKeySet against recorded inputs: the vectors were made by another
 * program. */
#include "lab.h"

#include "euicc/isdr/keyset.h"
#include "lib/pki/gp_certificate.h"

static struct span input(const json_t *vector, const char *who, const char *what)
{
    return vec_hex(json_object_get(json_object_get(vector, "inputs"), who), what);
}

static bool foreign_ci(const json_t *vector)
{
    return strstr(vec_text(vector, "name"), "to a card whose CI and ECASD are P-256") != NULL;
}

static struct lab *card_for(const json_t *vector)
{
    struct lab *lab = malloc(sizeof *lab);
    uint8_t ski[GP_SKI_LEN];
    struct ec_key *ci;
    lab_init(lab);
    if (!foreign_ci(vector)) {
        bool brainpool = strcmp(vec_text(vector, "curve"), "P-256") != 0;
        lab->p.ecasd.curve = lab->p.ci[0].curve = brainpool ? EUICC_CURVE_BRAINPOOL256 : EUICC_CURVE_P256;
        lab->p.ecasd.sk = input(vector, "ECASD", "private");
        lab->p.ci[0].public_key = input(vector, "CI", "public");
    }
    assert_ok(ec_public_new((enum ec_curve)lab->p.ci[0].curve, lab->p.ci[0].public_key, &ci));
    assert_ok(gp_ski(ci, ski));
    ec_key_free(ci);
    lab->p.ci[0].ski = SPAN_OF(ski);
    lab_make(lab);
    return lab;
}

static void isdp_with_identity(struct lab *lab, const json_t *inputs)
{
    struct card *card = lab_card(lab);
    struct aid aid = aid_isdp(0x10);
    struct isdp *isdp;
    card_begin(card);
    assert_ok(registry_create(card, aid_span(&aid), 0, &isdp));
    if (vec_has(inputs, "SIN")) {
        struct span sin = vec_hex(inputs, "SIN"), sdin = vec_hex(inputs, "SDIN");
        memcpy(isdp->sin.bytes, sin.ptr, isdp->sin.len = (uint8_t)sin.len);
        memcpy(isdp->sdin.bytes, sdin.ptr, isdp->sdin.len = (uint8_t)sdin.len);
    }
    assert_ok(registry_store(card, isdp));
    assert_ok(card_commit(card));
}

static void run_steps(struct lab *lab, const json_t *vector)
{
    struct sd_session session = { .bearer = SD_BY_HTTP };
    const json_t *inputs = json_object_get(vector, "inputs"), *step;
    size_t i;
    if (vec_has(inputs, "RC"))
        lab_random(lab, vec_hex(inputs, "RC"));
    if (vec_has(inputs, "DR"))
        lab_random(lab, vec_hex(inputs, "DR"));
    sd_session_begin(&session, SD_BY_HTTP, 0x40, (struct sd_target){ SD_ISDR, 0 });
    json_array_foreach(json_object_get(vector, "steps"), i, step)
    {
        WRITER_ON_STACK(answer, SD_ANSWER_MAX);
        sd_apdu(lab_card(lab), &session, vec_hex(step, "c_apdu"), &answer);
        struct span want = vec_hex(step, "r_apdu");
        if (i == 1 && foreign_ci(vector))
            want = hex_lit("6A88"); /* C9 names a CI we do not know: the vector's note leaves that word open */
        assert_span_equal(wr_span(&answer), want);
    }
    sd_session_end(&session);
}

static void keys_are_established(void **state)
{
    const json_t *v = vector_of(state), *keys = json_object_get(json_object_get(v, "outputs"), "keys");
    const json_t *inputs = json_object_get(v, "inputs");
    struct lab *lab = card_for(v);
    isdp_with_identity(lab, inputs);
    run_steps(lab, v);
    uint8_t kvn = vec_hex(inputs, "key_version").ptr[0];
    struct keyset set;
    const char *name;
    json_t *value;
    size_t i = 0;
    const struct isdp *isdp = lab_isdp(lab, 0x10);
    bool to_isdp = strcmp(vec_text(v, "target"), "ISD-P") == 0;
    if (to_isdp)
        assert_int_equal(isdp->state, ISDP_PERSONALIZED);
    else
        assert_ok(keyset_read(lab_card(lab), kvn, &set));
    json_object_foreach((json_t *)keys, name, value)
    {
        const uint8_t *mine = to_isdp ? (i == 0   ? isdp->keys[0].enc
                                         : i == 1 ? isdp->keys[0].mac
                                                  : isdp->keys[0].dek)
                                      : keyset_key(&set, (uint8_t)(i + 1)).ptr;
        assert_span_equal(((struct span){ mine, 16 }), hex_lit(json_string_value(value)));
        i++;
    }
    assert_true(i > 0);
    lab_free(lab);
}

static void fault_is_refused(void **state)
{
    const json_t *v = vector_of(state);
    struct lab *lab = card_for(v);
    isdp_with_identity(lab, json_object_get(v, "inputs"));
    run_steps(lab, v);
    bool keys = strcmp(vec_text(v, "name"), "3A02 sent twice with one RC") == 0;
    assert_int_equal(lab_state(lab, 0x10), keys ? ISDP_PERSONALIZED : ISDP_SELECTABLE);
    lab_free(lab);
}

int main(void)
{
    const char *path = shared_path("data/vectors/oncard-keyagreement.json");
    int failed = run_vectors(path, "generated", keys_are_established);
    return failed ? failed : run_vectors(path, "negative", fault_is_refused);
}
