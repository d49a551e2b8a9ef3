/* lib/scp/scp80.h: SCP80 secured packets (TS 102 225, 3GPP TS 31.115), both ends: AES-CBC with zero IV and AES-CMAC,
 * and, only to talk of other people's packets, DES, triple DES and CRC32 (the ISD-R's policy refuses them).
 * Pure: no I/O, no clock, no state. Counters are decided by scp80_counter_check and kept by the caller.
 * Packets start at CPL / RPL; the UDH (02 70 00, 02 71 00) is the business of lib/wire/sms. Over CAT_TP they start at
 * the identifier (CPI 01, RPI 02) and their lengths are BER (TS 102 225 §5; oncard fact book 7.5, 9.1). */
#ifndef OSPREY_SCP_SCP80_H
#define OSPREY_SCP_SCP80_H

#include "lib/codec/reader.h"
#include "lib/codec/writer.h"

#define SCP80_KEY_MAX      32u
#define SCP80_COUNTER_MAX  0xFFFFFFFFFFull
#define SCP80_DATA_MAX     65000u
#define SCP80_OVERHEAD_MAX 48u /* what wrap adds to data, padding included */
#define SCP80_CC_MAX       8u

/* SPI1 */
enum {
    SPI1_RC = 0x01,
    SPI1_CC = 0x02,
    SPI1_CIPHER = 0x04,
    SPI1_INTEGRITY_MASK = 0x03,
    SPI1_COUNTER_MASK = 0x18,
    SPI1_COUNTER_NO_CHECK = 0x08,
    SPI1_COUNTER_HIGHER = 0x10,
    SPI1_COUNTER_NEXT = 0x18
};
/* SPI2 */
enum {
    SPI2_POR_MASK = 0x03,
    SPI2_POR_ALWAYS = 0x01,
    SPI2_POR_ON_ERROR = 0x02,
    SPI2_POR_RC = 0x04,
    SPI2_POR_CC = 0x08,
    SPI2_POR_INTEGRITY_MASK = 0x0C,
    SPI2_POR_CIPHER = 0x10,
    SPI2_POR_SUBMIT = 0x20
};

#define SCP80_SPI1_FULL     0x16u /* CC, ciphered, counter higher: what SGP.02 demands */
#define SCP80_SPI2_FULL     0x39u /* PoR always, with CC, ciphered, by SMS-SUBMIT */
#define SCP80_AES           0x02u /* low nibble of KIc and KID: AES-CBC, AES-CMAC */
#define SCP80_KEY_BYTE(kvn) ((uint8_t)((kvn) << 4 | SCP80_AES))
#define SCP80_KVN(key_byte) ((uint8_t)((key_byte) >> 4))

enum scp80_status { /* response status code */
                    SCP80_OK = 0x00,
                    SCP80_CC_FAILED = 0x01,
                    SCP80_COUNTER_LOW = 0x02,
                    SCP80_COUNTER_HIGH = 0x03,
                    SCP80_COUNTER_BLOCKED = 0x04,
                    SCP80_CIPHER_ERROR = 0x05,
                    SCP80_UNIDENTIFIED = 0x06,
                    SCP80_NO_MEMORY = 0x07,
                    SCP80_MORE_TIME = 0x08,
                    SCP80_TAR_UNKNOWN = 0x09,
                    SCP80_INSUFFICIENT_SECURITY = 0x0A,
                    SCP80_RESPONSE_BY_SUBMIT = 0x0B,
                    SCP80_RESPONSE_BY_USSD = 0x0C
};
const char *scp80_status_text(uint8_t status);

/* How a packet travels: what its lengths look like, and what the CC covers. [?] over CAT_TP it covers the packet from
 * the identifier on, of the command and of the response. */
enum scp80_form { SCP80_SMS, SCP80_CAT_TP };

struct scp80_header {
    uint8_t spi1, spi2, kic, kid;
    uint8_t tar[3];
    uint64_t counter; /* 40 bits; 0 and meaningless until unwrapped when the packet is ciphered */
    enum scp80_form form;
};

/* Values of the key set that the header names; borrowed. cc_len: 8, or 4 (0 means 8). A key may be empty when the
 * header does not need it. */
struct scp80_keys {
    struct span kic, kid;
    uint8_t cc_len;
};

/* ---- command packets: server to card, and card to server (notifications) */

/* CPL … end into w. ERR_TOO_LONG, ERR_NO_SPACE, ERR_UNSUPPORTED (algorithm, DS), ERR_BAD_LENGTH (key), ERR_CRYPTO. */
MUST_USE enum err scp80_command_wrap(const struct scp80_header *h, const struct scp80_keys *k, struct span data,
                                     struct writer *w);
/* The clear part, to find the keys. ERR_TRUNCATED, ERR_BAD_LENGTH, ERR_BAD_TAG (identifier). */
MUST_USE enum err scp80_command_peek(enum scp80_form form, struct span packet, struct scp80_header *ret);
/* Deciphers into `plain` (needs room for the packet), verifies, cuts the padding; *ret_data points into plain or, when
 * nothing is ciphered, into the packet. Octets beyond CPL are ignored (SGP.02 cards do, oncard §7.2).
 * ERR_VERIFY: RC or CC wrong. ERR_BAD_VALUE: padding longer than the data. Others as above. */
MUST_USE enum err scp80_command_unwrap(enum scp80_form form, struct span packet, const struct scp80_keys *k,
                                       struct writer *plain, struct scp80_header *ret, struct span *ret_data);

/* ---- response packets (PoR) */
struct scp80_response {
    uint8_t tar[3];
    uint64_t counter; /* of the command it answers */
    uint8_t status;
    struct span data;
};
/* RPL … end; security is what `h` (the command's header) asks for in SPI2. The CC covers 02 71 00 too. */
MUST_USE enum err scp80_response_wrap(const struct scp80_header *h, const struct scp80_keys *k,
                                      const struct scp80_response *r, struct writer *w);
/* Reads a PoR to a command with header `h`. A PoR with less security than SPI2 asked for gives ERR_DENIED, with two
 * exceptions that only say "failed": an unprotected status other than 00 without data. ERR_VERIFY, ERR_TRUNCATED … */
MUST_USE enum err scp80_response_unwrap(const struct scp80_header *h, struct span packet, const struct scp80_keys *k,
                                        struct writer *plain, struct scp80_response *ret);
/* Over CAT_TP both kinds arrive on one link. */
bool scp80_is_response(struct span cat_tp_packet);

/* ---- decisions */

/* `last`: highest counter accepted so far. SCP80_OK, SCP80_COUNTER_LOW, SCP80_COUNTER_HIGH, SCP80_COUNTER_BLOCKED. */
enum scp80_status scp80_counter_check(uint8_t spi1, uint64_t last, uint64_t counter);
/* What ISD-R demands of a packet (SGP.02 §2.5): CC, ciphering, counter higher, AES for both. ERR_DENIED otherwise: the
 * card stays silent, the server does not accept a notification. */
MUST_USE enum err scp80_policy_isdr(const struct scp80_header *h);

#endif
