#include "hex.h"

static const char digits[] = "0123456789ABCDEF";

char *hex_text(struct span s, char *out, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len && n + 2 < cap; i++) {
        out[n++] = digits[s.ptr[i] >> 4];
        out[n++] = digits[s.ptr[i] & 15];
    }
    out[n] = '\0';
    return out;
}

/* Profile packages travel as hex: eight digits at a time, in one register (octet 0 is the first digit). */
#define EACH(octet) (0x0101010101010101u * (uint64_t)(octet))

static uint64_t load8(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? v : __builtin_bswap64(v);
}

static void store8(uint8_t *p, uint64_t v)
{
    v = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? v : __builtin_bswap64(v);
    memcpy(p, &v, 8);
}

static uint64_t digits_of(const uint8_t four[4])
{
    uint32_t word;
    memcpy(&word, four, 4);
    uint64_t v = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? word : __builtin_bswap32(word);
    v = (v | v << 16) & 0x0000FFFF0000FFFFu;
    v = (v | v << 8) & 0x00FF00FF00FF00FFu;
    uint64_t nibbles = (v >> 4 & 0x000F000F000F000Fu) | (v & 0x000F000F000F000Fu) << 8;
    uint64_t letters = (nibbles + EACH(6)) >> 4 & EACH(1);
    return nibbles + EACH('0') + letters * ('A' - '0' - 10);
}

/* False when one of the eight is no digit; octets of v without carry into their neighbours throughout. */
static bool octets_of(uint64_t v, uint8_t four[4])
{
    uint64_t plain = v & EACH(0x7F), number = plain ^ EACH('0'), letter = (plain | EACH(0x20)) ^ EACH(0x60);
    uint64_t good = ~(number + EACH(0x76)) | ((letter + EACH(0x7F)) & ~(letter + EACH(0x79)));
    if ((good & ~v & EACH(0x80)) != EACH(0x80))
        return false;
    uint64_t nibbles = (v & EACH(0x0F)) + 9 * (v >> 6 & EACH(1));
    uint64_t pairs = (nibbles << 4 | nibbles >> 8) & 0x00FF00FF00FF00FFu;
    pairs = (pairs | pairs >> 8) & 0x0000FFFF0000FFFFu;
    uint32_t word = (uint32_t)(pairs | pairs >> 16);
    word = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? word : __builtin_bswap32(word);
    memcpy(four, &word, 4);
    return true;
}

void wr_hex(struct writer *w, struct span s)
{
    uint8_t *room = wr_room(w, 2 * s.len);
    size_t i = 0;
    for (; room && i + 4 <= s.len; i += 4)
        store8(room + 2 * i, digits_of(s.ptr + i));
    for (; room && i < s.len; i++) {
        room[2 * i] = (uint8_t)digits[s.ptr[i] >> 4];
        room[2 * i + 1] = (uint8_t)digits[s.ptr[i] & 15];
    }
}

char *hex_arena(struct arena *a, struct span s)
{
    char *out = arena_alloc(a, 2 * s.len + 1);
    return out ? hex_text(s, out, 2 * s.len + 1) : NULL;
}

static int nibble(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum err hex_read(struct span text, uint8_t *out, size_t cap, size_t *ret_len)
{
    if (text.len % 2)
        return ERR_BAD_LENGTH;
    if (text.len / 2 > cap)
        return ERR_TOO_LONG;
    size_t i = 0;
    for (; i + 8 <= text.len; i += 8)
        if (!octets_of(load8(text.ptr + i), out + i / 2))
            return ERR_BAD_VALUE;
    for (; i < text.len; i += 2) {
        int high = nibble(text.ptr[i]), low = nibble(text.ptr[i + 1]);
        if (high < 0 || low < 0)
            return ERR_BAD_VALUE;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    *ret_len = text.len / 2;
    return ERR_NONE;
}

enum err hex_read_exact(struct span text, uint8_t *out, size_t len)
{
    size_t got;
    return text.len == 2 * len ? hex_read(text, out, len, &got) : ERR_BAD_LENGTH;
}

struct span hex_to_arena(struct arena *a, struct span text, enum err *ret_err)
{
    size_t len = 0;
    uint8_t *out = arena_alloc(a, text.len / 2 + 1);
    *ret_err = out ? hex_read(text, out, text.len / 2, &len) : ERR_NO_SPACE;
    return *ret_err == ERR_NONE ? (struct span){ out, len } : SPAN_NONE;
}

enum err bcd_read(struct span text, bool swapped, uint8_t *out, size_t cap, size_t *ret_len)
{
    size_t len = (text.len + 1) / 2;
    if (len > cap)
        return ERR_TOO_LONG;
    for (size_t i = 0; i < text.len; i++)
        if ((text.ptr[i] < '0' || text.ptr[i] > '9') && (text.ptr[i] | 0x20) != 'f')
            return ERR_BAD_VALUE;
    for (size_t i = 0; i < len; i++) {
        int first = nibble(text.ptr[2 * i]);
        int second = 2 * i + 1 < text.len ? nibble(text.ptr[2 * i + 1]) : 15;
        out[i] = (uint8_t)(swapped ? second << 4 | first : first << 4 | second);
    }
    *ret_len = len;
    return ERR_NONE;
}

enum err bcd_text(struct span bcd, bool swapped, char *out, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < 2 * bcd.len; i++) {
        bool high = (i % 2 == 0) != swapped;
        int digit = high ? bcd.ptr[i / 2] >> 4 : bcd.ptr[i / 2] & 15;
        if (digit == 15)
            break;
        if (digit > 9)
            return ERR_BAD_VALUE;
        if (n + 1 >= cap)
            return ERR_TOO_LONG;
        out[n++] = (char)('0' + digit);
    }
    out[n] = '\0';
    return ERR_NONE;
}
