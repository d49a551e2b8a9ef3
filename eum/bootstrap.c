#include "bootstrap.h"

#include <stdio.h>

#include "lib/codec/hex.h"
#include "lib/profile/build.h"

#define KEY_LEN 16u

/* The variables of a source that are secrets of one subscription. */
static const char *const random_names[] = { "k", "opc", "ota-kic", "ota-kid", "ota-kik" };

struct settings {
    struct build_setting rows[BOOTSTRAP_SETTINGS_MAX];
    size_t count;
    struct arena *arena;
    enum err err;
    bool unknown; /* one of them; the detail tells it */
};

bool digits_add(char *digits, uint64_t n)
{
    for (size_t i = strlen(digits); i-- > 0 && n;) {
        n += (uint64_t)(digits[i] - '0');
        digits[i] = (char)('0' + n % 10);
        n /= 10;
    }
    return n == 0;
}

char luhn_digit(const char *digits)
{
    unsigned sum = 0;
    size_t len = strlen(digits);
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned)(digits[len - 1 - i] - '0');
        sum += i % 2 ? digit : digit < 5 ? 2 * digit : 2 * digit - 9;
    }
    return (char)('0' + (10 - sum % 10) % 10);
}

/* The last word on a name comes first in the list: what is counted or drawn, then what was set by hand. */
static void settings_add(struct settings *s, const char *name, struct span value)
{
    struct span copy = arena_copy(s->arena, value), name_copy = arena_copy(s->arena, span_text(name));
    if (s->count == BOOTSTRAP_SETTINGS_MAX)
        s->err = ERR_TOO_LONG;
    else if (!copy.ptr || !name_copy.ptr)
        s->err = ERR_NO_SPACE;
    else
        s->rows[s->count++] = (struct build_setting){ name_copy, copy };
}

static void settings_counted(struct settings *s, const char *name, const char *first, uint64_t index, bool luhn)
{
    char digits[BOOTSTRAP_DIGITS_MAX + 2];
    size_t len = first ? strlen(first) : 0;
    if (!first)
        return;
    if (len == 0 || len + luhn > BOOTSTRAP_DIGITS_MAX || strspn(first, "0123456789") != len) {
        s->err = ERR_BAD_VALUE;
        return;
    }
    memcpy(digits, first, len + 1);
    if (!digits_add(digits, index))
        s->err = ERR_TOO_LONG;
    if (luhn) {
        digits[len] = luhn_digit(digits);
        digits[len + 1] = 0;
    }
    settings_add(s, name, span_text(digits));
}

static void settings_random(struct settings *s, struct rng *rng)
{
    for (size_t i = 0; i < ARRAY_LEN(random_names); i++) {
        uint8_t key[KEY_LEN];
        char hex[2 * KEY_LEN + 1];
        rng->fill(rng, key, sizeof key);
        settings_add(s, random_names[i], span_text(hex_text(SPAN_OF(key), hex, sizeof hex)));
        wipe(key, sizeof key);
        wipe(hex, sizeof hex);
    }
}

static void settings_by_hand(struct settings *s, struct span source, const char *set, char *detail)
{
    char *rest = set ? arena_text(s->arena, span_text(set)) : NULL;
    for (char *each; rest && (each = strsep(&rest, ",")) != NULL;) {
        char *value = strchr(each, '=');
        if (!value) {
            s->err = ERR_BAD_VALUE;
            return;
        }
        *value++ = 0;
        settings_add(s, each, span_text(value));
        if (!profile_build_knows(source, each)) {
            snprintf(detail, BOOTSTRAP_DETAIL_MAX, "the source has no variable %.60s", each);
            s->unknown = true;
            return;
        }
    }
}

static enum err build(const struct bootstrap *b, const struct settings *s, struct arena *arena, struct span *ret, char *detail)
{
    struct build_fault fault = { 0 };
    enum err err = profile_build(b->content, s->rows, s->count, arena, ret, &fault);
    if (err != ERR_NONE)
        snprintf(detail, BOOTSTRAP_DETAIL_MAX, "line %u: %s", fault.line, fault.text);
    return err;
}

/* Every package begins with its ProfileHeader, tag A0; no source does. */
static bool is_finished(struct span content) { return content.len && content.ptr[0] == 0xA0; }

enum err bootstrap_package(const struct bootstrap *b, uint64_t index, struct rng *rng, struct arena *arena,
                           struct span *ret_package, char detail[BOOTSTRAP_DETAIL_MAX])
{
    struct settings s = { .arena = arena };
    if (is_finished(b->content)) {
        bool asked = b->set || b->iccid || b->imsi || b->random_keys;
        snprintf(detail, BOOTSTRAP_DETAIL_MAX, "a finished package cannot be personalised, only a source can");
        *ret_package = b->content;
        return asked ? ERR_UNSUPPORTED : ERR_NONE;
    }
    settings_counted(&s, "iccid", b->iccid, index, true);
    settings_counted(&s, "imsi", b->imsi, index, false);
    if (b->random_keys)
        settings_random(&s, rng);
    settings_by_hand(&s, b->content, b->set, detail);
    if (s.unknown)
        return ERR_NOT_FOUND;
    if (s.err != ERR_NONE) {
        snprintf(detail, BOOTSTRAP_DETAIL_MAX, "the settings of the profile: %s", err_text(s.err));
        return s.err;
    }
    return build(b, &s, arena, ret_package, detail);
}
