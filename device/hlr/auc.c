#include "auc.h"

static void sqn_octets(uint64_t sqn, uint8_t out[6])
{
    for (int i = 0; i < 6; i++)
        out[i] = (uint8_t)(sqn >> 8 * (5 - i));
}

static void xor_octets(const uint8_t *a, const uint8_t *b, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = a[i] ^ b[i];
}

static enum err fill_vector(const struct auc_subscriber *s, const uint8_t sqn[6], struct gsup_vector *v)
{
    struct aka_keys keys;
    uint8_t mac[8], mac_s[8];
    enum err err = aka_f1(&s->aka, v->rand, sqn, s->amf, mac, mac_s);
    if (err == ERR_NONE)
        err = aka_f2345(&s->aka, v->rand, &keys);
    if (err == ERR_NONE && (keys.res_len > sizeof v->res || keys.ck_len != sizeof v->ck || keys.ik_len != sizeof v->ik))
        err = ERR_UNSUPPORTED;
    if (err == ERR_NONE) {
        xor_octets(sqn, keys.ak, v->autn, 6); /* AUTN = SQN xor AK, AMF, MAC */
        memcpy(v->autn + 6, s->amf, 2);
        memcpy(v->autn + 8, mac, 8);
        memcpy(v->res, keys.res, keys.res_len);
        v->res_len = keys.res_len;
        memcpy(v->ck, keys.ck, sizeof v->ck);
        memcpy(v->ik, keys.ik, sizeof v->ik);
        aka_gsm(&keys, v->sres, v->kc);
        v->has_2g = v->has_3g = true;
    }
    wipe(&keys, sizeof keys);
    return err;
}

enum err auc_vector(struct auc_subscriber *s, struct rng *rng, struct gsup_vector *ret)
{
    struct gsup_vector v = { 0 };
    uint8_t sqn[6];
    uint64_t next = (s->sqn + AUC_SQN_STEP) & AUC_SQN_MAX;
    sqn_octets(next, sqn);
    rng->fill(rng, v.rand, sizeof v.rand);
    enum err err = fill_vector(s, sqn, &v);
    if (err == ERR_NONE) {
        s->sqn = next;
        *ret = v;
    }
    wipe(&v, sizeof v);
    return err;
}

/* AUTS = SQN_MS xor AK*, MAC-S; f1* takes AMF 0000 (TS 33.102 §6.3.3). */
enum err auc_resynchronise(struct auc_subscriber *s, const uint8_t rand[16], const uint8_t auts[14])
{
    static const uint8_t amf[2];
    struct aka_keys keys;
    uint8_t sqn[6], mac[8], mac_s[8];
    enum err err = aka_f2345(&s->aka, rand, &keys);
    if (err == ERR_NONE) {
        xor_octets(auts, keys.ak_star, sqn, 6);
        err = aka_f1(&s->aka, rand, sqn, amf, mac, mac_s);
    }
    wipe(&keys, sizeof keys);
    if (err != ERR_NONE)
        return err;
    if (!span_eq_ct(SPAN_OF(mac_s), (struct span){ auts + 6, 8 }))
        return ERR_VERIFY;
    uint64_t value = 0;
    for (int i = 0; i < 6; i++)
        value = value << 8 | sqn[i];
    s->sqn = value;
    return ERR_NONE;
}
