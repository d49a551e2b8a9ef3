#include "milenage.h"

#include "aes.h"

static struct span key_of(const struct milenage *m) { return SPAN_OF(m->k); }

enum err milenage_init(struct milenage *m, struct span k, struct span opc)
{
    if (k.len != 16 || opc.len != 16)
        return ERR_BAD_LENGTH;
    *m = (struct milenage){ .r = { 64, 0, 32, 64, 96 } };
    for (size_t i = 1; i < 5; i++)
        m->c[i][15] = (uint8_t)(1u << (i - 1));
    memcpy(m->k, k.ptr, 16);
    memcpy(m->opc, opc.ptr, 16);
    return ERR_NONE;
}

enum err milenage_opc(struct span k, struct span op, uint8_t ret_opc[16])
{
    uint8_t block[16];
    if (k.len != 16 || op.len != 16)
        return ERR_BAD_LENGTH;
    enum err err = aes_ecb_encrypt(k, op, block);
    for (size_t i = 0; err == ERR_NONE && i < 16; i++)
        ret_opc[i] = block[i] ^ op.ptr[i];
    wipe(block, sizeof block);
    return err;
}

/* TEMP = E(RAND ^ OPc) */
static enum err temp_of(const struct milenage *m, const uint8_t rand[16], uint8_t temp[16])
{
    for (size_t i = 0; i < 16; i++)
        temp[i] = rand[i] ^ m->opc[i];
    return aes_ecb_encrypt(key_of(m), (struct span){ temp, 16 }, temp);
}

/* rot(in ^ OPc, r_i) ^ c_i: the input of every OUT_i but for what OUT1 adds */
static void mix(const struct milenage *m, size_t i, const uint8_t in[16], uint8_t out[16])
{
    size_t shift = m->r[i] / 8;
    for (size_t j = 0; j < 16; j++)
        out[j] = in[(j + shift) % 16] ^ m->opc[(j + shift) % 16] ^ m->c[i][j];
}

static void xor_opc(const struct milenage *m, uint8_t *blocks, size_t count)
{
    for (size_t i = 0; i < 16 * count; i++)
        blocks[i] ^= m->opc[i % 16];
}

enum err milenage_f1(const struct milenage *m, const uint8_t rand[16], const uint8_t sqn[6], const uint8_t amf[2],
                     uint8_t ret_mac_a[8], uint8_t ret_mac_s[8])
{
    uint8_t temp[16], in1[16], out1[16];
    enum err err = temp_of(m, rand, temp);
    if (err != ERR_NONE)
        return err;
    memcpy(in1, sqn, 6);
    memcpy(in1 + 6, amf, 2);
    memcpy(in1 + 8, in1, 8);
    mix(m, 0, in1, out1);
    for (size_t i = 0; i < 16; i++)
        out1[i] ^= temp[i];
    err = aes_ecb_encrypt(key_of(m), SPAN_OF(out1), out1);
    if (err == ERR_NONE) {
        xor_opc(m, out1, 1);
        memcpy(ret_mac_a, out1, 8);
        memcpy(ret_mac_s, out1 + 8, 8);
    }
    wipe(temp, sizeof temp);
    wipe(out1, sizeof out1);
    return err;
}

enum err milenage_f2345(const struct milenage *m, const uint8_t rand[16], uint8_t ret_res[8], uint8_t ret_ck[16],
                        uint8_t ret_ik[16], uint8_t ret_ak[6], uint8_t ret_ak_star[6])
{
    uint8_t temp[16], out[4][16]; /* OUT2 … OUT5 */
    enum err err = temp_of(m, rand, temp);
    if (err != ERR_NONE)
        return err;
    for (size_t i = 0; i < 4; i++)
        mix(m, i + 1, temp, out[i]);
    err = aes_ecb_encrypt(key_of(m), (struct span){ out[0], sizeof out }, out[0]);
    if (err == ERR_NONE) {
        xor_opc(m, out[0], 4);
        memcpy(ret_ak, out[0], 6);
        memcpy(ret_res, out[0] + 8, 8);
        memcpy(ret_ck, out[1], 16);
        memcpy(ret_ik, out[2], 16);
        memcpy(ret_ak_star, out[3], 6);
    }
    wipe(temp, sizeof temp);
    wipe(out, sizeof out);
    return err;
}
