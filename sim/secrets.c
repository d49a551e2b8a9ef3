#include "secrets.h"

#include <stdlib.h>

#define SECRET_MARK 8u /* octets of a value by which it is found: enough not to be chance */
#define SECRET_SLOTS 65536u
struct secrets {
    unsigned count;
    uint8_t used[SECRET_SLOTS];
    char mark[SECRET_SLOTS][2 * SECRET_MARK];
};

struct secrets *secrets_new(void) { return calloc(1, sizeof(struct secrets)); }
void secrets_free(struct secrets *s) { free(s); }

static uint32_t slot_of(const char *mark)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < 2 * SECRET_MARK; i++)
        hash = (hash ^ (uint8_t)mark[i]) * 16777619u;
    return hash % SECRET_SLOTS;
}

static bool is_secret(const struct secrets *s, const char *mark)
{
    for (uint32_t i = slot_of(mark); s->used[i]; i = (i + 1) % SECRET_SLOTS)
        if (!memcmp(s->mark[i], mark, 2 * SECRET_MARK))
            return true;
    return false;
}

static void to_hex(const uint8_t *octets, char *out)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < SECRET_MARK; i++) {
        out[2 * i] = digits[octets[i] >> 4];
        out[2 * i + 1] = digits[octets[i] & 15];
    }
}

void secrets_add(struct secrets *s, struct span value)
{
    char mark[2 * SECRET_MARK];
    if (value.len < SECRET_MARK || s->count == SECRETS_MAX)
        abort(); /* a fault of the scenario */
    to_hex(value.ptr, mark);
    if (is_secret(s, mark))
        return;
    uint32_t i = slot_of(mark);
    while (s->used[i])
        i = (i + 1) % SECRET_SLOTS;
    s->used[i] = 1;
    memcpy(s->mark[i], mark, sizeof mark);
    s->count++;
}

/* In digits, with or without blanks, colons and hyphens between them. */
unsigned secrets_in_text(const struct secrets *s, struct span text)
{
    char digits[2 * SECRET_MARK]; /* the last ones */
    size_t count = 0;
    unsigned found = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.ptr[i];
        c = c >= 'a' && c <= 'f' ? (char)(c - 32) : c;
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F')) {
            memmove(digits, digits + 1, sizeof digits - 1);
            digits[sizeof digits - 1] = c;
            if (++count >= sizeof digits)
                found += is_secret(s, digits);
        } else if (c != ' ' && c != ':' && c != '-') {
            count = 0;
        }
    }
    return found;
}

bool secrets_in_octets(const struct secrets *s, struct span octets)
{
    char mark[2 * SECRET_MARK];
    for (size_t i = 0; i + SECRET_MARK <= octets.len; i++) {
        to_hex(octets.ptr + i, mark);
        if (is_secret(s, mark))
            return true;
    }
    return secrets_in_text(s, octets) != 0;
}
