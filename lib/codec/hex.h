/* lib/codec/hex.h: hexadecimal text and BCD digits. */
#ifndef OSPREY_CODEC_HEX_H
#define OSPREY_CODEC_HEX_H

#include "writer.h"

/* Upper-case digits and, for hex_text, a NUL: out needs 2 * s.len (+ 1) octets. Returns out. */
char *hex_text(struct span s, char *out, size_t cap); /* cuts at cap */
void wr_hex(struct writer *w, struct span s);
char *hex_arena(struct arena *a, struct span s); /* NUL-terminated, NULL when full */

/* Digits of either case, nothing else, an even number; ERR_BAD_VALUE (out may hold a part then), ERR_BAD_LENGTH,
 * ERR_TOO_LONG. */
enum err hex_read(struct span text, uint8_t *out, size_t cap, size_t *ret_len);
enum err hex_read_exact(struct span text, uint8_t *out, size_t len);
struct span hex_to_arena(struct arena *a, struct span text, enum err *ret_err);

/* Decimal digits (and the filler F) to BCD octets. swapped: low nibble first, as on SIM cards. An odd number of digits
 * is filled with F. */
enum err bcd_read(struct span digits, bool swapped, uint8_t *out, size_t cap, size_t *ret_len);
/* BCD to digits up to the first F; cap counts the NUL. Nibbles A…E give ERR_BAD_VALUE. */
enum err bcd_text(struct span bcd, bool swapped, char *out, size_t cap);

#endif
