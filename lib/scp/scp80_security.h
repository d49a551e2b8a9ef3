/* lib/scp/scp80_security.h: inside SCP80: the algorithms behind KIc and KID (TS 102 225 §5.1.2, §5.1.3). */
#ifndef OSPREY_SCP_SCP80_SECURITY_H
#define OSPREY_SCP_SCP80_SECURITY_H

#include "scp80.h"

enum scp80_cipher { SCP80_CIPHER_NONE, SCP80_CIPHER_AES, SCP80_CIPHER_DES3, SCP80_CIPHER_DES, SCP80_CIPHER_DES_ECB };

/* Of the low nibble of KIc (and of KID for a CC). ERR_UNSUPPORTED: implicit, proprietary, ECB. */
enum err scp80_cipher_of(uint8_t key_byte, enum scp80_cipher *ret);
size_t scp80_cipher_block(enum scp80_cipher cipher);

/* In place, zero IV, whole blocks. */
enum err scp80_encrypt(enum scp80_cipher cipher, struct span key, uint8_t *bytes, size_t len);
enum err scp80_decrypt(enum scp80_cipher cipher, struct span key, uint8_t *bytes, size_t len);

/* RC or CC over the parts one behind the other. integrity: SPI1_RC or SPI1_CC; len octets are written to ret. */
size_t scp80_check_len(uint8_t integrity, uint8_t key_byte, const struct scp80_keys *k);
enum err scp80_check(uint8_t integrity, uint8_t key_byte, const struct scp80_keys *k, const struct span *parts,
                     size_t count, uint8_t ret[SCP80_CC_MAX]);

#endif
