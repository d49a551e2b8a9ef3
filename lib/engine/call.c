#include "call.h"

#include "lib/base/mutant.h"
static const struct statement LOAD = {
    "call-load", "SELECT state, digest, context, answer, answer_status, deadline_ms FROM call WHERE requester=?1 AND call_id=?2", NULL
};
static const struct statement RUNNING = { "call-running", "SELECT COUNT(*) FROM call WHERE requester=?1 AND state=1", NULL };
static const struct statement OPEN = {
    "call-open",
    "INSERT INTO call (requester, call_id, line, state, digest, context, created_ms, deadline_ms) VALUES (?1,?2,?3,1,?4,?5,?6,?7)",
    NULL
};
static const struct statement ANSWER = {
    "call-answer", "UPDATE call SET state=2, answer_status=?3, answer=?4 WHERE requester=?1 AND call_id=?2", NULL
};
static const struct statement PRUNE = { "call-prune", "DELETE FROM call WHERE state=2 AND created_ms<?1", NULL };

bool call_load(struct rowset *rows, const char *requester, const char *call_id, struct call *ret)
{
    const struct query *q = ROWSET_WANT(rows, &LOAD, value_text(requester), value_text(call_id));
    if (!q || !q->loaded)
        return false;
    *ret = (struct call){ 0 };
    if (q->row_count) {
        const struct row *row = &q->rows[0];
        ret->state = row_int(row, 0) == 2 && !MUTANT(answered_calls_run_for_ever) ? CALL_ANSWERED : CALL_RUNNING;
        ret->digest = row_bytes(row, 1);
        ret->context = row_bytes(row, 2);
        ret->answer = row_bytes(row, 3);
        if (MUTANT(repeats_lack_an_octet) && ret->answer.len)
            ret->answer.len--;
        ret->answer_status = (int)row_int(row, 4);
        ret->deadline_ms = (uint64_t)row_int(row, 5);
    }
    return true;
}

bool call_running(struct rowset *rows, const char *requester, size_t *ret_count)
{
    const struct query *q = ROWSET_WANT(rows, &RUNNING, value_text(requester));
    if (!q || !q->loaded)
        return false;
    *ret_count = q->row_count ? (size_t)row_int(&q->rows[0], 0) : 0;
    return true;
}

void call_open(struct writes *w, const char *requester, const char *call_id, const char *line, struct span digest,
               struct span context, uint64_t now_ms, uint64_t deadline_ms)
{
    WRITES_ADD(w, &OPEN, 1, value_text(requester), value_text(call_id), value_text(line), value_blob(digest),
               value_blob(context), value_int((int64_t)now_ms), value_int((int64_t)deadline_ms));
}

void call_answer(struct writes *w, const char *requester, const char *call_id, int status, struct span answer)
{
    if (MUTANT(answers_are_not_kept))
        answer.len = 0;
    WRITES_ADD(w, &ANSWER, 1, value_text(requester), value_text(call_id), value_int(status), value_blob(answer));
}

void call_prune(struct writes *w, uint64_t before_ms) { WRITES_ADD(w, &PRUNE, -1, value_int((int64_t)before_ms)); }
