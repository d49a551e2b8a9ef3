#include "xor_test.h"

static void xdout(const uint8_t k[16], const uint8_t rand[16], uint8_t out[16])
{
    for (size_t i = 0; i < 16; i++)
        out[i] = k[i] ^ rand[i];
}

void xor_test_f1(const uint8_t k[16], const uint8_t rand[16], const uint8_t sqn[6], const uint8_t amf[2],
                 uint8_t ret_mac_a[8], uint8_t ret_mac_s[8])
{
    uint8_t x[16];
    xdout(k, rand, x);
    for (size_t i = 0; i < 8; i++)
        x[i] ^= i < 6 ? sqn[i] : amf[i - 6];
    memcpy(ret_mac_a, x, 8);
    memcpy(ret_mac_s, x, 8);
    wipe(x, sizeof x);
}

void xor_test_f2345(const uint8_t k[16], const uint8_t rand[16], uint8_t ret_res[16], uint8_t ret_ck[16],
                    uint8_t ret_ik[16], uint8_t ret_ak[6], uint8_t ret_ak_star[6])
{
    uint8_t x[16];
    xdout(k, rand, x);
    memcpy(ret_res, x, 16);
    for (size_t i = 0; i < 16; i++) {
        ret_ck[i] = x[(i + 1) % 16];
        ret_ik[i] = x[(i + 2) % 16];
    }
    memcpy(ret_ak, x + 3, 6);
    memcpy(ret_ak_star, x + 3, 6);
    wipe(x, sizeof x);
}
