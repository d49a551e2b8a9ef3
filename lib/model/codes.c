#include "codes.h"

#include <stdio.h>

static enum reason reason_of(struct span name)
{
    for (int r = REASON_NONE + 1; r < REASON_FOREIGN; r++)
        if (span_eq(name, span_text(reason_name((enum reason)r))))
            return (enum reason)r;
    return REASON_FOREIGN;
}

/* Digits with single dots between. */
static bool is_code(struct span s)
{
    bool digit = false;
    for (size_t i = 0; i < s.len; i++) {
        bool dot = s.ptr[i] == '.';
        if (dot ? !digit : s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        digit = !dot;
    }
    return digit && s.len < STATUS_CODE_MAX;
}

static void copy(char out[STATUS_CODE_MAX], struct span s)
{
    snprintf(out, STATUS_CODE_MAX, "%.*s", (int)s.len, (const char *)s.ptr);
}

enum err codes_set(struct codes *c, struct span name, struct span pair)
{
    const uint8_t *slash = pair.len ? memchr(pair.ptr, '/', pair.len) : NULL;
    size_t at = slash ? (size_t)(slash - pair.ptr) : pair.len;
    struct span subject = span_sub(pair, 0, at), code = slash ? span_from(pair, at + 1) : SPAN_NONE;
    enum reason reason = reason_of(name);
    if (reason == REASON_FOREIGN)
        return ERR_NOT_FOUND;
    if (!is_code(subject) || !is_code(code))
        return ERR_BAD_VALUE;
    for (size_t i = 0; i < c->count; i++)
        if (c->rows[i].reason == reason)
            return ERR_EXISTS;
    if (c->count == CODES_MAX)
        return ERR_TOO_LONG;
    struct code_pair *row = &c->rows[c->count++];
    row->reason = reason;
    copy(row->subject, subject);
    copy(row->code, code);
    return ERR_NONE;
}

void codes_give(const struct codes *c, struct status *s)
{
    for (size_t i = 0; c && s->exec != EXECUTED_SUCCESS && i < c->count; i++)
        if (c->rows[i].reason == s->reason) {
            memcpy(s->subject, c->rows[i].subject, sizeof s->subject);
            memcpy(s->code, c->rows[i].code, sizeof s->code);
            return;
        }
}

void codes_take(const struct codes *c, struct status *s)
{
    for (size_t i = 0; c && s->exec != EXECUTED_SUCCESS && i < c->count; i++)
        if (!strcmp(c->rows[i].subject, s->subject) && !strcmp(c->rows[i].code, s->code)) {
            struct status ours = status_failed(c->rows[i].reason, s->subject_id, "%s", s->detail);
            ours.exec = s->exec;
            *s = ours;
            return;
        }
}
