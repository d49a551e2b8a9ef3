#include "reading.h"

#include <stdio.h>

enum err reading_wrong(const struct reading *r, const char *name, const char *why)
{
    snprintf(r->detail, r->cap, "[%s] %s: %s", r->section, name, why);
    return ERR_BAD_VALUE;
}

const char *reading_of(const struct reading *r, const char *name)
{
    const char *text = config_text(r->file, r->section, name);
    return text ? text : "";
}

enum err reading_text(const struct reading *r, const char *name, char *out, size_t cap)
{
    const char *text = reading_of(r, name);
    if (strlen(text) >= cap)
        return reading_wrong(r, name, "too long");
    memcpy(out, text, strlen(text) + 1);
    return ERR_NONE;
}

enum err reading_oid(const struct reading *r, const char *name, struct oid *ret)
{
    return oid_from_text(span_text(reading_of(r, name)), ret) == ERR_NONE ? ERR_NONE : reading_wrong(r, name, "not an OID");
}

enum err reading_number(const struct reading *r, const char *name, uint32_t most, uint32_t *ret)
{
    char why[40];
    uint64_t n = config_number(r->file, r->section, name);
    snprintf(why, sizeof why, "at most %u", most);
    if (n > most)
        return reading_wrong(r, name, why);
    *ret = (uint32_t)n;
    return ERR_NONE;
}

enum err reading_either(const struct reading *r, const char *name, const char *first, const char *second, bool *ret)
{
    char why[80];
    const char *text = reading_of(r, name);
    snprintf(why, sizeof why, "%s or %s", first, second);
    *ret = !strcmp(text, second);
    return *ret || !strcmp(text, first) ? ERR_NONE : reading_wrong(r, name, why);
}

bool reading_word(struct span *rest, struct span *ret)
{
    size_t at = 0, len = 0;
    while (at < rest->len && (rest->ptr[at] == ' ' || rest->ptr[at] == ','))
        at++;
    while (at + len < rest->len && rest->ptr[at + len] != ' ' && rest->ptr[at + len] != ',')
        len++;
    *ret = span_sub(*rest, at, len);
    *rest = span_from(*rest, at + len);
    return len > 0;
}

enum err reading_words(const struct reading *r, const char *name, char *out, size_t each, size_t most, size_t *ret_count)
{
    struct span rest = span_text(reading_of(r, name)), word;
    size_t count = 0;
    while (reading_word(&rest, &word)) {
        if (count == most || word.len >= each)
            return reading_wrong(r, name, "too many or too long");
        memcpy(out + count * each, word.ptr, word.len);
        out[count++ * each + word.len] = '\0';
    }
    *ret_count = count;
    return ERR_NONE;
}
