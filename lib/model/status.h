/* lib/model/status.h: the outcome of a function of ES1…ES7: made once where the cause is known, carried unchanged to
 * the answer. SGP.02 §5.1.5, §5.1.6. */
#ifndef OSPREY_MODEL_STATUS_H
#define OSPREY_MODEL_STATUS_H

#include "lib/base/err.h"
#include "lib/base/span.h"

enum exec_status { EXECUTED_SUCCESS, EXECUTED_WITH_WARNING, EXECUTED_FAILED, EXECUTED_EXPIRED, EXEC_STATUS_COUNT };

enum reason {
    REASON_NONE = 0,
#define REASON(name, subject, code, text, advice) REASON_##name,
#include "reason.def"
#undef REASON
    REASON_FOREIGN, /* a pair of a partner that is not in the table: see subject and code of the status */
    REASON_COUNT
};

#define STATUS_CODE_MAX    16u
#define STATUS_SUBJECT_MAX 64u
#define STATUS_DETAIL_MAX  160u

struct status {
    enum exec_status exec;
    enum reason reason;                      /* REASON_NONE on success */
    char subject[STATUS_CODE_MAX];           /* "8.2.1"; empty on success */
    char code[STATUS_CODE_MAX];              /* "3.9" */
    char subject_id[STATUS_SUBJECT_MAX + 1]; /* the EID, ICCID, AID or OID concerned, or empty */
    char detail[STATUS_DETAIL_MAX + 1];      /* for people; never parsed, never a secret */
};

struct status status_success(void);
struct status status_failed(enum reason reason, const char *subject_id, const char *detail_format, ...)
    __attribute__((format(printf, 3, 4)));
struct status status_warning(enum reason reason, const char *subject_id, const char *detail);
struct status status_expired(void);
/* From the numbers of a partner's message; REASON_FOREIGN when the pair is not in the table. */
struct status status_from_codes(enum exec_status exec, struct span subject, struct span code, struct span subject_id,
                                struct span detail);
static inline bool status_ok(const struct status *s) { return s->exec == EXECUTED_SUCCESS; }

const char *reason_name(enum reason reason);   /* "EID_UNKNOWN" */
const char *reason_text(enum reason reason);   /* what happened, in words */
const char *reason_advice(enum reason reason); /* what to do next */
/* The next reason with the same numbers, which a status that came over the wire may mean as well; REASON_NONE: no more. */
enum reason reason_twin(enum reason reason);
const char *exec_status_xml(enum exec_status exec); /* EXECUTED_SUCCESS, EXECUTED_WITHWARNING, FAILED, EXPIRED */
MUST_USE enum err exec_status_from_xml(struct span text, enum exec_status *ret);

#endif
