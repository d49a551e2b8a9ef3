#include "tuak.h"

static uint64_t rotate(uint64_t lane, unsigned bits) { return bits ? lane << bits | lane >> (64 - bits) : lane; }

static void theta(uint64_t a[25])
{
    uint64_t column[5];
    for (size_t x = 0; x < 5; x++)
        column[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
    for (size_t i = 0; i < 25; i++)
        a[i] ^= column[(i + 4) % 5] ^ rotate(column[(i + 1) % 5], 1);
}

/* rho and pi in one: lane i goes, rotated, to place[i] */
static void rho_pi(uint64_t a[25])
{
    static const uint8_t turn[25] = { 0,  1,  62, 28, 27, 36, 44, 6,  55, 20, 3,  10, 43,
                                      25, 39, 41, 45, 15, 21, 8,  18, 2,  61, 56, 14 };
    uint64_t b[25];
    for (size_t i = 0; i < 25; i++) {
        size_t x = i % 5, y = i / 5;
        b[y + 5 * ((2 * x + 3 * y) % 5)] = rotate(a[i], turn[i]);
    }
    memcpy(a, b, sizeof b);
}

static void chi(uint64_t a[25])
{
    for (size_t row = 0; row < 25; row += 5) {
        uint64_t b[5];
        memcpy(b, a + row, sizeof b);
        for (size_t x = 0; x < 5; x++)
            a[row + x] = b[x] ^ (~b[(x + 1) % 5] & b[(x + 2) % 5]);
    }
}

static const uint64_t round_constant[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

void keccak_f1600(uint8_t state[KECCAK_STATE_LEN])
{
    uint64_t a[25] = { 0 };
    for (size_t i = 0; i < KECCAK_STATE_LEN; i++)
        a[i / 8] |= (uint64_t)state[i] << 8 * (i % 8);
    for (size_t round = 0; round < 24; round++) {
        theta(a);
        rho_pi(a);
        chi(a);
        a[0] ^= round_constant[round];
    }
    for (size_t i = 0; i < KECCAK_STATE_LEN; i++)
        state[i] = (uint8_t)(a[i / 8] >> 8 * (i % 8));
    wipe(a, sizeof a);
}

/* TS 35.231 places every field with its octets in reverse order. */
enum {
    AT_TOP = 0,
    AT_INSTANCE = 32,
    AT_NAME = 33,
    AT_RAND = 40,
    AT_AMF = 56,
    AT_SQN = 58,
    AT_KEY = 64,
    AT_PAD = 96,
    AT_PAD_END = 135,
    OUT_CK = 32,
    OUT_IK = 64,
    OUT_AK = 96
};

static void put(uint8_t *to, const uint8_t *from, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = from[len - 1 - i];
}

/* rand, amf, sqn may be NULL: zeroes */
static void run(struct span k, const uint8_t *top, uint8_t instance, unsigned iterations, const uint8_t *rand,
                const uint8_t *amf, const uint8_t *sqn, uint8_t state[KECCAK_STATE_LEN])
{
    memset(state, 0, KECCAK_STATE_LEN);
    put(state + AT_TOP, top, 32);
    state[AT_INSTANCE] = instance | (k.len == 32 ? 0x01 : 0x00);
    put(state + AT_NAME, (const uint8_t *)"TUAK1.0", 7);
    if (rand)
        put(state + AT_RAND, rand, 16);
    if (amf)
        put(state + AT_AMF, amf, 2);
    if (sqn)
        put(state + AT_SQN, sqn, 6);
    put(state + AT_KEY, k.ptr, k.len);
    state[AT_PAD] = 0x1f;
    state[AT_PAD_END] = 0x80;
    while (iterations--)
        keccak_f1600(state);
}

static bool key_fits(struct span k, unsigned iterations, enum err *err)
{
    if (k.len != 16 && k.len != 32)
        *err = ERR_BAD_LENGTH;
    else if (iterations == 0 || iterations > TUAK_ITERATIONS_MAX)
        *err = ERR_BAD_VALUE;
    else
        *err = ERR_NONE;
    return *err == ERR_NONE;
}

enum err tuak_init(struct tuak *t, struct span k, struct span topc, unsigned iterations)
{
    enum err err;
    if (topc.len != 32)
        return ERR_BAD_LENGTH;
    if (!key_fits(k, iterations, &err))
        return err;
    *t = (struct tuak){ .k_len = (uint8_t)k.len,
                        .iterations = (uint8_t)iterations,
                        .mac_len = 8,
                        .res_len = 8,
                        .ck_len = 16,
                        .ik_len = 16 };
    memcpy(t->k, k.ptr, k.len);
    memcpy(t->topc, topc.ptr, 32);
    return ERR_NONE;
}

enum err tuak_topc(struct span k, struct span top, unsigned iterations, uint8_t ret_topc[32])
{
    uint8_t state[KECCAK_STATE_LEN];
    enum err err;
    if (top.len != 32)
        return ERR_BAD_LENGTH;
    if (!key_fits(k, iterations, &err))
        return err;
    run(k, top.ptr, 0, iterations, NULL, NULL, NULL, state);
    put(ret_topc, state, 32);
    wipe(state, sizeof state);
    return ERR_NONE;
}

/* The length bits of INSTANCE: 4 -> 00 (RES only), 8 -> 08, 16 -> 10, 32 -> 20. */
static bool length_bits(uint8_t len, bool res, uint8_t *ret)
{
    if (len != 8 && len != 16 && len != 32 && !(res && len == 4))
        return false;
    *ret = len == 4 ? 0 : len;
    return true;
}

enum err tuak_f1(const struct tuak *t, const uint8_t rand[16], const uint8_t sqn[6], const uint8_t amf[2],
                 uint8_t *ret_mac_a, uint8_t *ret_mac_s)
{
    uint8_t state[KECCAK_STATE_LEN], bits;
    struct span k = { t->k, t->k_len };
    if (!length_bits(t->mac_len, false, &bits))
        return ERR_BAD_LENGTH;
    run(k, t->topc, bits, t->iterations, rand, amf, sqn, state);
    put(ret_mac_a, state, t->mac_len);
    run(k, t->topc, bits | 0x80, t->iterations, rand, amf, sqn, state);
    put(ret_mac_s, state, t->mac_len);
    wipe(state, sizeof state);
    return ERR_NONE;
}

static bool session_key_len(uint8_t len) { return len == 16 || len == 32; }

enum err tuak_f2345(const struct tuak *t, const uint8_t rand[16], uint8_t *ret_res, uint8_t *ret_ck, uint8_t *ret_ik,
                    uint8_t ret_ak[6], uint8_t ret_ak_star[6])
{
    uint8_t state[KECCAK_STATE_LEN], bits;
    struct span k = { t->k, t->k_len };
    if (!length_bits(t->res_len, true, &bits) || !session_key_len(t->ck_len) || !session_key_len(t->ik_len))
        return ERR_BAD_LENGTH;
    bits |= (uint8_t)(0x40 | (t->ck_len == 32 ? 0x04 : 0) | (t->ik_len == 32 ? 0x02 : 0));
    run(k, t->topc, bits, t->iterations, rand, NULL, NULL, state);
    put(ret_res, state, t->res_len);
    put(ret_ck, state + OUT_CK, t->ck_len);
    put(ret_ik, state + OUT_IK, t->ik_len);
    put(ret_ak, state + OUT_AK, 6);
    run(k, t->topc, 0xC0, t->iterations, rand, NULL, NULL, state);
    put(ret_ak_star, state + OUT_AK, 6);
    wipe(state, sizeof state);
    return ERR_NONE;
}
