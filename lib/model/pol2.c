#include "pol2.h"

#include <stdio.h>
#include <strings.h>

static const char *const actions[POL2_ACTION_COUNT] = { "ENABLE", "DISABLE", "DELETE" };
static const char *const qualifications[POL2_QUALIFICATION_COUNT] = { "Not-Allowed", "Auto-Delete" };

const char *pol2_action_xml(enum pol2_action action) { return actions[action]; }
const char *pol2_qualification_xml(enum pol2_qualification qualification) { return qualifications[qualification]; }

static enum err find(struct span text, const char *const *names, int count, bool any_case, int *ret)
{
    for (int i = 0; i < count; i++) {
        bool same = strlen(names[i]) == text.len &&
                    (any_case ? strncasecmp(names[i], (const char *)text.ptr, text.len)
                              : strncmp(names[i], (const char *)text.ptr, text.len)) == 0;
        if (same) {
            *ret = i;
            return ERR_NONE;
        }
    }
    return ERR_BAD_VALUE;
}

enum err pol2_action_from_xml(struct span text, enum pol2_action *ret)
{
    int i = 0;
    enum err err = find(text, actions, POL2_ACTION_COUNT, false, &i);
    if (err == ERR_NONE)
        *ret = (enum pol2_action)i;
    return err;
}

enum err pol2_qualification_from_xml(struct span text, enum pol2_qualification *ret)
{
    int i = 0;
    enum err err = find(text, qualifications, POL2_QUALIFICATION_COUNT, false, &i);
    if (err == ERR_NONE)
        *ret = (enum pol2_qualification)i;
    return err;
}

bool pol2_meaningful(struct pol2 p, bool strict)
{
    const uint8_t meaningless = POL2_RULE(POL2_ENABLE, POL2_AUTO_DELETE) | POL2_RULE(POL2_DELETE, POL2_AUTO_DELETE);
    const uint8_t contradiction = POL2_RULE(POL2_DELETE, POL2_NOT_ALLOWED) | POL2_RULE(POL2_DISABLE, POL2_AUTO_DELETE);
    if (p.rules & meaningless || (p.rules & contradiction) == contradiction)
        return false;
    return !strict || !pol2_has(p, POL2_ENABLE, POL2_NOT_ALLOWED);
}

char *pol2_text(struct pol2 p, char out[POL2_TEXT_SIZE])
{
    size_t n = 0;
    snprintf(out, POL2_TEXT_SIZE, "none");
    for (int q = 0; q < POL2_QUALIFICATION_COUNT; q++)
        for (int a = 0; a < POL2_ACTION_COUNT; a++)
            if (pol2_has(p, (enum pol2_action)a, (enum pol2_qualification)q))
                n += (size_t)snprintf(out + n, POL2_TEXT_SIZE - n, "%s%s:%s", n ? "," : "", actions[a],
                                      qualifications[q]);
    for (size_t i = 0; i < n; i++)
        if (out[i] >= 'A' && out[i] <= 'Z')
            out[i] = (char)(out[i] | 0x20);
    return out;
}

static enum err rule_from_text(struct span text, struct pol2 *p)
{
    const uint8_t *colon = memchr(text.ptr, ':', text.len);
    int action = 0, qualification = 0;
    if (!colon)
        return ERR_BAD_VALUE;
    size_t at = (size_t)(colon - text.ptr);
    if (find(span_sub(text, 0, at), actions, POL2_ACTION_COUNT, true, &action) != ERR_NONE ||
        find(span_from(text, at + 1), qualifications, POL2_QUALIFICATION_COUNT, true, &qualification) != ERR_NONE)
        return ERR_BAD_VALUE;
    p->rules |= POL2_RULE(action, qualification);
    return ERR_NONE;
}

enum err pol2_from_text(struct span text, struct pol2 *ret)
{
    struct pol2 p = { 0 };
    if (text.len == 0 || span_eq(text, SPAN_LIT("none"))) {
        *ret = p;
        return ERR_NONE;
    }
    for (size_t from = 0; from <= text.len;) {
        struct span rest = span_from(text, from);
        const uint8_t *comma = rest.len ? memchr(rest.ptr, ',', rest.len) : NULL;
        struct span rule = span_sub(rest, 0, comma ? (size_t)(comma - rest.ptr) : rest.len);
        enum err err = rule.len ? rule_from_text(rule, &p) : ERR_BAD_VALUE;
        if (err != ERR_NONE)
            return err;
        from += rule.len + 1;
    }
    *ret = p;
    return ERR_NONE;
}
