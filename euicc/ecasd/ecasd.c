#include "ecasd.h"

#include "euicc/card.h"
#include "euicc/isdr/session.h"
#include "lib/ota/es5.h"
#include "lib/base/mutant.h"

/* Numbers of OBJ_ECASD objects. */
enum {
    ECASD_SECRET_KEY = 1 /* curve, scalar */,
    ECASD_CERT = 2,
    ECASD_CI = 0x10 /* + n: curve, SKI length, SKI, point */
};
#define ECASD_KEY(number) OBJECT_KEY(0, OBJ_ECASD, (number))
#define CI_STORED_MAX     (2u + 32u + EC_POINT_LEN)

/* Card recognition data as in the fact book 1.7: GlobalPlatform 2.2.1.1, SCP80 i=00, SCP81 i=04. */
static const uint8_t recognition_data[] = { 0x66, 0x3E, 0x73, 0x3C, 0x06, 0x07, 0x2A, 0x86, 0x48, 0x86, 0xFC,
                                            0x6B, 0x01, 0x60, 0x0C, 0x06, 0x0A, 0x2A, 0x86, 0x48, 0x86, 0xFC,
                                            0x6B, 0x02, 0x02, 0x01, 0x01, 0x63, 0x09, 0x06, 0x07, 0x2A, 0x86,
                                            0x48, 0x86, 0xFC, 0x6B, 0x03, 0x64, 0x0B, 0x06, 0x09, 0x2A, 0x86,
                                            0x48, 0x86, 0xFC, 0x6B, 0x04, 0x80, 0x00, 0x64, 0x0B, 0x06, 0x09,
                                            0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x04, 0x81, 0x04 };
/* Key information template: PK.CI (KVN 70) and SK.ECASD (KVN 74), both KID 01 [?]. */
static const uint8_t key_information[] = { 0xE0, 0x0C, 0xC0, 0x04, 0x01, 0x70, 0xB0,
                                           0x20, 0xC0, 0x04, 0x01, 0x74, 0xB1, 0x20 };

/* ---- factory ---- */

static enum err ci_store(struct card *card, size_t n, const struct euicc_ci *ci)
{
    if (!ec_curve_known(ci->curve) || ci->public_key.len != EC_POINT_LEN || ci->ski.len > 32)
        return ERR_BAD_VALUE;
    struct ec_key *key;
    enum err err = ec_public_new((enum ec_curve)ci->curve, ci->public_key, &key);
    if (err != ERR_NONE)
        return err;
    ec_key_free(key);
    WRITER_ON_STACK(w, CI_STORED_MAX);
    wr_u8(&w, ci->curve);
    wr_u8(&w, (uint8_t)ci->ski.len);
    wr_bytes(&w, ci->ski);
    wr_bytes(&w, ci->public_key);
    return objects_put(card->objects, ECASD_KEY(ECASD_CI + n), wr_span(&w));
}

static enum err own_key_store(struct card *card, const struct euicc_personalisation *p)
{
    struct ec_key *key;
    if (!ec_curve_known(p->ecasd.curve))
        return ERR_BAD_VALUE;
    enum err err = ec_private_new((enum ec_curve)p->ecasd.curve, p->ecasd.sk, &key);
    if (err != ERR_NONE)
        return err;
    uint8_t stored[1 + EC_FIELD_LEN] = { p->ecasd.curve };
    err = ec_key_scalar(key, stored + 1);
    ec_key_free(key);
    if (err == ERR_NONE)
        err = objects_put_secret(card->objects, ECASD_KEY(ECASD_SECRET_KEY), SPAN_OF(stored));
    wipe(stored, sizeof stored);
    return err;
}

enum err ecasd_manufacture(struct card *card, const struct euicc_personalisation *p)
{
    if (p->ecasd.cert.len > ECASD_CERT_MAX || p->ci_count > EUICC_CI_MAX)
        return ERR_TOO_LONG;
    enum err err = own_key_store(card, p);
    if (err == ERR_NONE)
        err = objects_put(card->objects, ECASD_KEY(ECASD_CERT), p->ecasd.cert);
    for (size_t i = 0; err == ERR_NONE && i < p->ci_count; i++)
        err = ci_store(card, i, &p->ci[i]);
    return err;
}

/* ---- certificates ---- */

struct ci {
    uint8_t curve;
    uint8_t stored[CI_STORED_MAX];
    struct span ski, point;
};

static bool ci_read(struct card *card, size_t n, struct ci *ret)
{
    size_t len;
    if (objects_get(card->objects, ECASD_KEY(ECASD_CI + n), ret->stored, sizeof ret->stored, &len) != ERR_NONE)
        return false;
    struct reader r = rd_of((struct span){ ret->stored, len });
    ret->curve = rd_u8(&r);
    ret->ski = rd_span(&r, rd_u8(&r));
    ret->point = rd_rest(&r);
    return r.err == ERR_NONE;
}

static bool signed_by(const struct gp_certificate *c, const struct ci *ci)
{
    struct ec_key *key;
    if (ec_public_new((enum ec_curve)ci->curve, ci->point, &key) != ERR_NONE)
        return false;
    bool good = gp_certificate_verify(c, key) == ERR_NONE || MUTANT(trusts_any_certificate);
    ec_key_free(key);
    return good;
}

/* The CI that C9 names, or without C9 any. */
static uint16_t chain_verify(struct card *card, const struct gp_certificate *c)
{
    struct ci ci;
    bool known = false;
    for (size_t n = 0; n < EUICC_CI_MAX; n++) {
        if (!ci_read(card, n, &ci))
            continue;
        if (c->authority_key_id.len && !span_eq(c->authority_key_id, ci.ski) && !MUTANT(takes_any_ci))
            continue;
        known = true;
        if (signed_by(c, &ci))
            return SW_OK;
    }
    return known ? SW_SECURITY_STATUS : SW_NOT_FOUND; /* [?] 6A88 for an unknown CI */
}

uint16_t ecasd_verify_certificate(struct card *card, struct span certificate, enum gp_role role, uint8_t *ret_curve,
                                  uint8_t ret_point[65])
{
    struct gp_certificate c;
    if (gp_certificate_decode(certificate, &c) != ERR_NONE ||
        (gp_certificate_is_for(&c, role) != ERR_NONE && !MUTANT(takes_any_role)))
        return SW_WRONG_DATA;
    if (MUTANT(knows_the_date) && c.expiration[1] < 0x10)
        return SW_WRONG_DATA;
    uint16_t sw = chain_verify(card, &c);
    if (sw != SW_OK)
        return sw;
    struct ec_key *key;
    if (gp_certificate_key(&c, &key) != ERR_NONE)
        return SW_WRONG_DATA;
    *ret_curve = (uint8_t)ec_key_curve(key);
    ec_key_point(key, ret_point);
    ec_key_free(key);
    return SW_OK;
}

/* ---- key agreement ---- */

static bool signature_good(const struct ecasd_agreement *a, const struct ka_command *command)
{
    WRITER_ON_STACK(w, KA_COMMAND_MAX + KA_CHALLENGE_MAX);
    ka_to_be_signed_write(&w, command->crt, command->public_key, a->rc);
    struct ec_key *key;
    if (w.err != ERR_NONE ||
        ec_public_new((enum ec_curve)a->curve, (struct span){ a->point, EC_POINT_LEN }, &key) != ERR_NONE)
        return false;
    bool good = ec_verify(key, wr_span(&w), command->signature) == ERR_NONE || MUTANT(skips_the_signature_of_3a02);
    ec_key_free(key);
    return good;
}

static void id_default(struct ka_id *id, struct span value)
{
    if (id->len || value.len > KA_ID_MAX)
        return;
    id->len = (uint8_t)value.len;
    if (value.len)
        memcpy(id->value, value.ptr, value.len);
}

static uint16_t agree(struct card *card, const struct ka_command *command, const struct ka_parameters *p,
                      struct ka_keys *ret_keys, struct writer *answer)
{
    uint8_t stored[1 + EC_FIELD_LEN], dr[16];
    size_t len;
    if (objects_read_secret(card->objects, ECASD_KEY(ECASD_SECRET_KEY), stored, sizeof stored, &len) != ERR_NONE)
        return SW_MEMORY_FAILURE;
    struct span random = SPAN_NONE;
    if (p->parameters & KA_WITH_DR) {
        card_random(card, dr, sizeof dr);
        random = SPAN_OF(dr);
    }
    enum err err = command->curve >= 0 && command->curve != stored[0]
                       ? ERR_BAD_VALUE
                       : ka_card_finish(command, p, stored[0], (struct span){ stored + 1, EC_FIELD_LEN }, random,
                                        ret_keys, answer);
    wipe(stored, sizeof stored);
    if (MUTANT(answers_with_a_random_of_nothing) && !random.len && err == ERR_NONE)
        wr_tlv(answer, 0x85, SPAN_NONE);
    if (MUTANT(calls_a_bad_point_a_bad_signature) && err != ERR_NONE)
        return SW_SECURITY_STATUS;
    return err == ERR_NONE ? SW_OK : SW_WRONG_DATA;
}

uint16_t ecasd_agree(struct card *card, const struct ecasd_agreement *a, struct ka_parameters *ret_parameters,
                     struct ka_keys *ret_keys, struct writer *answer)
{
    struct ka_command command;
    struct ka_parameters p;
    if (ka_command_parse(a->dgis, &command) != ERR_NONE)
        return SW_WRONG_DATA;
    if (!signature_good(a, &command) || (!command.point_length_ok && !MUTANT(measures_no_point)))
        return SW_SECURITY_STATUS;
    if (ka_crt_parse(command.crt, &p) != ERR_NONE)
        return SW_WRONG_DATA;
    if (p.parameters & KA_WITH_HOST_ID) {
        id_default(&p.sin, a->sin);
        id_default(&p.sdin, a->sdin);
    }
    uint16_t sw = agree(card, &command, &p, ret_keys, answer);
    *ret_parameters = p;
    return sw;
}

/* ---- GET DATA ---- */

enum err ecasd_object(struct card *card, uint32_t tag, struct writer *data)
{
    switch (tag) {
    case 0x7F21: {
        uint8_t cert[ECASD_CERT_MAX];
        size_t len;
        enum err err = objects_get(card->objects, ECASD_KEY(ECASD_CERT), cert, sizeof cert, &len);
        if (MUTANT(spoils_its_certificate) && err == ERR_NONE)
            cert[len - 1] ^= 0x01;
        if (err == ERR_NONE)
            wr_bytes(data, (struct span){ cert, len });
        return err;
    }
    case 0x66:
        wr_bytes(data, SPAN_OF(recognition_data));
        if (MUTANT(hides_scp81) && data->err == ERR_NONE)
            data->buf[data->len - 2] = 0x02;
        return ERR_NONE;
    case 0x5A:
        wr_tlv(data, 0x5A, eid_span(&card->eid));
        return ERR_NONE;
    case 0xE0:
        wr_bytes(data, SPAN_OF(key_information));
        return ERR_NONE;
    default:
        return ERR_NOT_FOUND;
    }
}

static uint16_t ecasd_get_data(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data)
{
    (void)s;
    enum err err = ecasd_object(card, (uint32_t)c->p1 << 8 | c->p2, data);
    return err == ERR_NONE ? SW_OK : err == ERR_NOT_FOUND ? SW_NOT_FOUND : sw_of_err(err);
}

const struct sd_rule ecasd_rules[] = { { INS_GET_DATA, ecasd_get_data }, { 0, NULL } };
