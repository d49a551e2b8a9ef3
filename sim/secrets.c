#include "secrets.h"

#include <stdlib.h>

#define SECRET_MARK 8u /* octets of a value by which it is found: enough not to be chance */
#define SECRET_SLOTS 65536u
struct secrets {
    unsigned count;
    bool zero;
    uint64_t mark[SECRET_SLOTS]; /* 0: free */
};

struct secrets *secrets_new(void) { return calloc(1, sizeof(struct secrets)); }
void secrets_free(struct secrets *s) { free(s); }

static uint32_t slot_of(uint64_t mark) { return (uint32_t)(mark * 0x9E3779B97F4A7C15u >> 48) % SECRET_SLOTS; }

static bool is_secret(const struct secrets *s, uint64_t mark)
{
    if (!mark)
        return s->zero;
    for (uint32_t i = slot_of(mark); s->mark[i]; i = (i + 1) % SECRET_SLOTS)
        if (s->mark[i] == mark)
            return true;
    return false;
}

static uint64_t mark_of(const uint8_t *octets)
{
    uint64_t mark = 0;
    for (size_t i = 0; i < SECRET_MARK; i++)
        mark = mark << 8 | octets[i];
    return mark;
}

void secrets_add(struct secrets *s, struct span value)
{
    if (value.len < SECRET_MARK || s->count == SECRETS_MAX)
        abort(); /* a fault of the scenario */
    uint64_t mark = mark_of(value.ptr);
    if (is_secret(s, mark))
        return;
    uint32_t i = slot_of(mark);
    while (mark && s->mark[i])
        i = (i + 1) % SECRET_SLOTS;
    s->mark[i] = mark ? mark : s->mark[i];
    s->zero |= !mark;
    s->count++;
}

static int nibble(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In digits, with or without blanks, colons and hyphens between them. */
unsigned secrets_in_text(const struct secrets *s, struct span text)
{
    uint64_t mark = 0; /* the last digits */
    size_t count = 0;
    unsigned found = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = nibble(text.ptr[i]);
        if (digit >= 0) {
            mark = mark << 4 | (uint64_t)digit;
            if (++count >= 2 * SECRET_MARK)
                found += is_secret(s, mark);
        } else if (text.ptr[i] != ' ' && text.ptr[i] != ':' && text.ptr[i] != '-') {
            count = 0;
        }
    }
    return found;
}

bool secrets_in_octets(const struct secrets *s, struct span octets)
{
    uint64_t mark = 0;
    for (size_t i = 0; i < octets.len; i++) {
        mark = mark << 8 | octets.ptr[i];
        if (i + 1 >= SECRET_MARK && is_secret(s, mark))
            return true;
    }
    return secrets_in_text(s, octets) != 0;
}
