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

void wr_hex(struct writer *w, struct span s)
{
    uint8_t *room = wr_room(w, 2 * s.len);
    for (size_t i = 0; room && i < s.len; i++) {
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
    for (size_t i = 0; i < text.len; i++)
        if (nibble(text.ptr[i]) < 0)
            return ERR_BAD_VALUE;
    for (size_t i = 0; i < text.len / 2; i++)
        out[i] = (uint8_t)(nibble(text.ptr[2 * i]) << 4 | nibble(text.ptr[2 * i + 1]));
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
