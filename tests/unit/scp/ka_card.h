/* tests/unit/scp/ka_card.h: the key establishment end of a card, as a test needs it: executes C-APDUs of a vector.
 * Certificates are read by hand here, so that the oracle shares nothing with lib/pki. */
#ifndef OSPREY_TESTS_KA_CARD_H
#define OSPREY_TESTS_KA_CARD_H

#include "lib/gp/store_data.h"
#include "lib/scp/key_establishment.h"
#include "tests/support/test.h"

struct ka_card {
    enum ec_curve curve;
    struct span pk_ci, sk_ecasd, rc, dr;
    uint8_t role; /* C8 it expects */
    struct ka_id sin, sdin;
    uint8_t buffer[1024];
    size_t len;
    bool has_rc;
    uint8_t pk_server[KA_POINT_LEN];
    struct ka_keys keys;
};

static inline bool ka_verify(enum ec_curve curve, struct span point, struct span message, struct span signature)
{
    struct ec_key *key = NULL;
    if (ec_public_new(curve, point, &key) != ERR_NONE)
        return false;
    bool good = ec_verify(key, message, signature) == ERR_NONE;
    ec_key_free(key);
    return good;
}

static inline uint16_t ka_card_certificate(struct ka_card *c, struct span dgi_value, struct writer *answer)
{
    struct span cert, key, point, signature, usage, data, role;
    if (!tlv_find(dgi_value, 0x7F21, &cert) || !tlv_find(cert, 0x7F49, &key) || !tlv_find(cert, 0x5F37, &signature) ||
        !tlv_find(cert, 0x95, &usage) || !tlv_find(cert, 0x73, &data) || !tlv_find(data, 0xC8, &role) ||
        !tlv_find(key, 0xB0, &point))
        return SW_WRONG_DATA;
    if (usage.len != 1 || role.len != 1 || role.ptr[0] != c->role)
        return SW_WRONG_DATA;
    struct span body = { cert.ptr, (size_t)(key.ptr + key.len - cert.ptr) };
    if (!ka_verify(c->curve, c->pk_ci, body, signature))
        return SW_SECURITY_STATUS;
    memcpy(c->pk_server, point.ptr, KA_POINT_LEN);
    c->has_rc = true;
    ka_challenge_write(answer, c->rc);
    return SW_OK;
}

static inline uint16_t ka_card_keys(struct ka_card *c, struct span dgis, struct writer *answer)
{
    struct ka_command k;
    struct ka_parameters p;
    WRITER_ON_STACK(signed_data, 512);
    bool has_rc = c->has_rc;
    c->has_rc = false;
    if (!has_rc)
        return SW_CONDITIONS;
    if (ka_command_parse(dgis, &k) != ERR_NONE)
        return SW_WRONG_DATA;
    ka_to_be_signed_write(&signed_data, k.crt, k.public_key, c->rc);
    if (!ka_verify(c->curve, SPAN_OF(c->pk_server), wr_span(&signed_data), k.signature) || !k.point_length_ok)
        return SW_SECURITY_STATUS;
    if (ka_crt_parse(k.crt, &p) != ERR_NONE)
        return SW_WRONG_DATA;
    p.sin = c->sin;
    if (!p.sdin_in_crt)
        p.sdin = c->sdin;
    struct span dr = p.parameters & KA_WITH_DR ? c->dr : SPAN_NONE;
    return ka_card_finish(&k, &p, (uint8_t)c->curve, c->sk_ecasd, dr, &c->keys, answer) == ERR_NONE ? SW_OK
                                                                                                    : SW_WRONG_DATA;
}

static inline void ka_card_apdu(struct ka_card *c, struct span apdu, struct writer *out)
{
    struct capdu in;
    struct store_data s;
    WRITER_ON_STACK(answer, 128);
    struct rapdu r = { .sw = SW_OK };
    assert_ok(capdu_parse(apdu, &in));
    if (in.ins == INS_INSTALL) {
        c->len = 0;
        wr_u8(&answer, 0);
    } else {
        assert_ok(store_data_parse(&in, &s));
        memcpy(c->buffer + c->len, s.data.ptr, s.data.len);
        c->len += s.data.len;
        struct span all = { c->buffer, c->len };
        struct reader rd = rd_of(all);
        struct tlv t;
        if (dgi_next(&rd, &t)) { /* a whole DGI is there */
            r.sw = t.tag == KA_DGI_CERTIFICATE ? ka_card_certificate(c, t.val, &answer) : ka_card_keys(c, all, &answer);
            c->len = 0;
        }
    }
    if (r.sw == SW_OK)
        r.data = wr_span(&answer);
    rapdu_write(out, &r);
}

static inline struct ka_id ka_id_of(struct span v)
{
    struct ka_id id = { .len = (uint8_t)v.len };
    if (v.len)
        memcpy(id.value, v.ptr, v.len);
    return id;
}

#endif
