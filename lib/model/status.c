#include "status.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *name, *subject, *code, *text, *advice;
} table[REASON_COUNT] = {
    [REASON_NONE] = { "NONE", "", "", "done", "" },
#define REASON(name, subject, code, text, advice) [REASON_##name] = { #name, subject, code, text, advice },
#include "reason.def"
#undef REASON
    [REASON_FOREIGN] = { "FOREIGN", "", "", "an error of the partner", "see its message" },
};

static const char *const exec_names[EXEC_STATUS_COUNT] = { "EXECUTED_SUCCESS", "EXECUTED_WITHWARNING", "FAILED",
                                                           "EXPIRED" };

static void copy(char *out, size_t cap, struct span s)
{
    size_t len = s.len < cap - 1 ? s.len : cap - 1;
    if (len)
        memcpy(out, s.ptr, len);
    out[len] = '\0';
}

static struct status with_reason(enum exec_status exec, enum reason reason, const char *subject_id)
{
    struct status s = { .exec = exec, .reason = reason };
    copy(s.subject, sizeof s.subject, span_text(table[reason].subject));
    copy(s.code, sizeof s.code, span_text(table[reason].code));
    copy(s.subject_id, sizeof s.subject_id, span_text(subject_id));
    return s;
}

struct status status_success(void) { return (struct status){ .exec = EXECUTED_SUCCESS }; }

struct status status_failed(enum reason reason, const char *subject_id, const char *detail_format, ...)
{
    struct status s = with_reason(EXECUTED_FAILED, reason, subject_id);
    va_list args;
    va_start(args, detail_format);
    vsnprintf(s.detail, sizeof s.detail, detail_format, args);
    va_end(args);
    return s;
}

struct status status_warning(enum reason reason, const char *subject_id, const char *detail)
{
    struct status s = with_reason(EXECUTED_WITH_WARNING, reason, subject_id);
    copy(s.detail, sizeof s.detail, span_text(detail));
    return s;
}

struct status status_expired(void)
{
    struct status s = with_reason(EXECUTED_EXPIRED, REASON_CALL_EXPIRED, "");
    copy(s.detail, sizeof s.detail, span_text(table[REASON_CALL_EXPIRED].text));
    return s;
}

struct status status_from_codes(enum exec_status exec, struct span subject, struct span code, struct span subject_id,
                                struct span detail)
{
    struct status s = { .exec = exec, .reason = exec == EXECUTED_SUCCESS ? REASON_NONE : REASON_FOREIGN };
    copy(s.subject, sizeof s.subject, subject);
    copy(s.code, sizeof s.code, code);
    copy(s.subject_id, sizeof s.subject_id, subject_id);
    copy(s.detail, sizeof s.detail, detail);
    for (int r = REASON_NONE + 1; exec != EXECUTED_SUCCESS && r < REASON_FOREIGN; r++)
        if (!strcmp(table[r].subject, s.subject) && !strcmp(table[r].code, s.code)) {
            s.reason = (enum reason)r;
            break;
        }
    return s;
}

static enum reason known(enum reason reason) { return (unsigned)reason < REASON_COUNT ? reason : REASON_FOREIGN; }
const char *reason_name(enum reason reason) { return table[known(reason)].name; }
const char *reason_text(enum reason reason) { return table[known(reason)].text; }
const char *reason_advice(enum reason reason) { return table[known(reason)].advice; }

enum reason reason_twin(enum reason reason)
{
    for (int r = known(reason) + 1; reason != REASON_NONE && r < REASON_FOREIGN; r++)
        if (!strcmp(table[r].subject, table[reason].subject) && !strcmp(table[r].code, table[reason].code))
            return (enum reason)r;
    return REASON_NONE;
}

const char *exec_status_xml(enum exec_status exec)
{
    return (unsigned)exec < EXEC_STATUS_COUNT ? exec_names[exec] : "FAILED";
}

enum err exec_status_from_xml(struct span text, enum exec_status *ret)
{
    for (unsigned i = 0; i < EXEC_STATUS_COUNT; i++)
        if (span_eq(text, span_text(exec_names[i]))) {
            *ret = (enum exec_status)i;
            return ERR_NONE;
        }
    return ERR_BAD_VALUE;
}
