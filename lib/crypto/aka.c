#include "aka.h"

enum err aka_init(struct aka *a, enum aka_algorithm algorithm, struct span k, struct span opc,
                  unsigned keccak_iterations)
{
    struct aka made = { .algorithm = algorithm };
    enum err err = ERR_UNSUPPORTED;
    switch (algorithm) {
    case AKA_MILENAGE:
        err = milenage_init(&made.milenage, k, opc);
        break;
    case AKA_TUAK:
        err = tuak_init(&made.tuak, k, opc, keccak_iterations ? keccak_iterations : 1);
        break;
    case AKA_XOR_TEST:
        err = k.len == 16 ? ERR_NONE : ERR_BAD_LENGTH;
        if (err == ERR_NONE)
            memcpy(made.xor_k, k.ptr, 16);
        break;
    }
    if (err == ERR_NONE)
        *a = made;
    wipe(&made, sizeof made);
    return err;
}

enum err aka_f1(const struct aka *a, const uint8_t rand[16], const uint8_t sqn[6], const uint8_t amf[2],
                uint8_t ret_mac_a[8], uint8_t ret_mac_s[8])
{
    switch (a->algorithm) {
    case AKA_MILENAGE:
        return milenage_f1(&a->milenage, rand, sqn, amf, ret_mac_a, ret_mac_s);
    case AKA_TUAK:
        return a->tuak.mac_len == 8 ? tuak_f1(&a->tuak, rand, sqn, amf, ret_mac_a, ret_mac_s) : ERR_UNSUPPORTED;
    case AKA_XOR_TEST:
        xor_test_f1(a->xor_k, rand, sqn, amf, ret_mac_a, ret_mac_s);
        return ERR_NONE;
    }
    return ERR_UNSUPPORTED;
}

enum err aka_f2345(const struct aka *a, const uint8_t rand[16], struct aka_keys *ret)
{
    struct aka_keys o = { .res_len = 8, .ck_len = 16, .ik_len = 16 };
    enum err err = ERR_NONE;
    switch (a->algorithm) {
    case AKA_MILENAGE:
        err = milenage_f2345(&a->milenage, rand, o.res, o.ck, o.ik, o.ak, o.ak_star);
        break;
    case AKA_TUAK:
        o.res_len = a->tuak.res_len;
        o.ck_len = a->tuak.ck_len;
        o.ik_len = a->tuak.ik_len;
        err = tuak_f2345(&a->tuak, rand, o.res, o.ck, o.ik, o.ak, o.ak_star);
        break;
    case AKA_XOR_TEST:
        o.res_len = 16;
        xor_test_f2345(a->xor_k, rand, o.res, o.ck, o.ik, o.ak, o.ak_star);
        break;
    default:
        err = ERR_UNSUPPORTED;
    }
    if (err == ERR_NONE)
        *ret = o;
    wipe(&o, sizeof o);
    return err;
}

/* Only the first 16 octets of CK and IK go in, as TS 33.102 has them. */
void aka_gsm(const struct aka_keys *keys, uint8_t ret_sres[4], uint8_t ret_kc[8])
{
    memset(ret_sres, 0, 4);
    for (size_t i = 0; i < keys->res_len && i < 16; i++)
        ret_sres[i % 4] ^= keys->res[i];
    for (size_t i = 0; i < 8; i++)
        ret_kc[i] = keys->ck[i] ^ keys->ck[i + 8] ^ keys->ik[i] ^ keys->ik[i + 8];
}
