#include "strike.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[STRIKE_KINDS] = {
    "none",      "sm-sr-before", "sm-sr-after", "sm-sr-sending", "sm-sr-full", "sm-dp-before", "sm-dp-after", "sm-dp-sending", "sm-dp-full",
    "sms-lost",  "sms-twice",    "soap-lost",   "soap-twice",    "answer-lost", "tcp-cut",     "card-off",    "card-torn",
};

const char *strike_name(enum strike_kind kind) { return names[kind]; }

bool strike_read(const char *text, enum strike_kind *ret_kind, uint32_t *ret_at)
{
    size_t len = strcspn(text, ":");
    char *end = (char *)text + len;
    unsigned long at = *end ? strtoul(end + 1, &end, 10) : 0;
    for (int kind = STRIKE_NONE + 1; at <= UINT32_MAX && !*end && kind < STRIKE_KINDS; kind++)
        if (strlen(names[kind]) == len && !strncmp(text, names[kind], len)) {
            *ret_kind = (enum strike_kind)kind;
            *ret_at = (uint32_t)at;
            return true;
        }
    return false;
}

bool strike_now(struct strikes *s, enum strike_kind kind)
{
    if (!s->armed || s->struck)
        return false;
    s->struck = ++s->places[kind] == s->at && s->kind == kind;
    return s->struck;
}
