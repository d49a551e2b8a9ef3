/* lib/crypto/xor_test.h: the USIM test algorithm of 3GPP TS 34.108 8.1.2. Not secure and not meant to be. */
#ifndef OSPREY_CRYPTO_XOR_TEST_H
#define OSPREY_CRYPTO_XOR_TEST_H

#include "lib/base/span.h"

void xor_test_f1(const uint8_t k[16], const uint8_t rand[16], const uint8_t sqn[6], const uint8_t amf[2],
                 uint8_t ret_mac_a[8], uint8_t ret_mac_s[8]);
/* RES has 16 octets; who wants 4 or 8 takes the first ones. */
void xor_test_f2345(const uint8_t k[16], const uint8_t rand[16], uint8_t ret_res[16], uint8_t ret_ck[16],
                    uint8_t ret_ik[16], uint8_t ret_ak[6], uint8_t ret_ak_star[6]);

#endif
