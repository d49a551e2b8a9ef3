#include "lab_modem.h"

static void slot_reset(void *c, struct writer *atr) { euicc_reset(((struct lab *)c)->euicc, atr); }
static void slot_transmit(void *c, struct span capdu, struct writer *r) { euicc_transmit(((struct lab *)c)->euicc, capdu, r); }
static uint64_t slot_idle(void *c, uint64_t now_ms) { return euicc_idle(((struct lab *)c)->euicc, now_ms); }
static bool slot_has_proactive(void *c) { return euicc_has_proactive(((struct lab *)c)->euicc); }

struct modem_slot lab_slot(struct lab *lab)
{
    return (struct modem_slot){ lab, slot_reset, slot_transmit, slot_idle, slot_has_proactive };
}

struct gsup_vector lab_vector(const struct lab_subscription *s, uint64_t *sqn)
{
    struct gsup_vector v = { .res_len = 0 };
    struct aka aka;
    struct aka_keys keys;
    uint8_t octets[6], amf[2] = { 0x80, 0x00 }, mac_a[8], mac_s[8];
    *sqn += 0x20;
    for (int i = 0; i < 6; i++)
        octets[i] = (uint8_t)(*sqn >> (40 - 8 * i));
    memset(v.rand, 0x5A, 16);
    assert_ok(aka_init(&aka, s->algorithm, s->k, s->opc, 0));
    assert_ok(aka_f1(&aka, v.rand, octets, amf, mac_a, mac_s));
    assert_ok(aka_f2345(&aka, v.rand, &keys));
    for (int i = 0; i < 6; i++)
        v.autn[i] = octets[i] ^ keys.ak[i];
    memcpy(v.autn + 6, amf, 2);
    memcpy(v.autn + 8, mac_a, 8);
    memcpy(v.res, keys.res, keys.res_len);
    v.res_len = keys.res_len;
    return v;
}
