#include "job.h"

#include <stdio.h>

#include "schema.h"
#include "sm-dp/procedures/procedure.h"

enum {
    C_ID,
    C_VERSION,
    C_REQUESTER,
    C_CALL,
    C_FUNCTION,
    C_REQUEST,
    C_SMSR,
    C_STARTED,
    C_STEP,
    C_ICCID,
    C_DEADLINE,
    C_FLAGS,
    C_REPLY_SLOT,
    C_REPLY_GENERATION,
    C_OUT,
    C_OUT_CALL,
    C_OUT_MESSAGE,
    C_OUT_MS,
    C_OUT_TRIES,
    C_NEXT,
    C_ISDP,
    C_OTHER,
    C_SECRET,
    C_SENT_FROM,
    C_SENT_TO,
    C_ATTEMPT,
    C_EXEC,
    C_SUBJECT,
    C_CODE,
    C_SUBJECT_ID,
    C_DETAIL,
    C_RESPONSE,
    C_MOVED
};

#define REPLY_NODE 1u /* SMDP_NODE_SOAP */

static enum es_function function_of(const struct row *row, size_t column)
{
    enum es_function f;
    return es_function_by_name(row_bytes(row, column), &f) == ERR_NONE ? f : ES_FUNCTION_NONE;
}

static void read_out(const struct row *row, struct job *j)
{
    j->out = function_of(row, C_OUT);
    row_text(row, C_OUT_CALL, j->out_call, sizeof j->out_call);
    j->out_message = row_bytes(row, C_OUT_MESSAGE);
    j->out_ms = (uint64_t)row_int(row, C_OUT_MS);
    j->out_tries = (uint32_t)row_int(row, C_OUT_TRIES);
    j->next_ms = (uint64_t)row_int(row, C_NEXT);
}

static void read_status(const struct row *row, struct status *s)
{
    s->exec = (enum exec_status)row_int(row, C_EXEC);
    if (s->exec == EXECUTED_SUCCESS)
        return;
    *s = status_from_codes(s->exec, row_bytes(row, C_SUBJECT), row_bytes(row, C_CODE), row_bytes(row, C_SUBJECT_ID),
                           row_bytes(row, C_DETAIL));
}

static bool read_job(const struct row *row, struct job *j)
{
    char step[32];
    *j = (struct job){ .version = row_int(row, C_VERSION),
                       .function = function_of(row, C_FUNCTION),
                       .request = row_bytes(row, C_REQUEST),
                       .started_ms = (uint64_t)row_int(row, C_STARTED) };
    row_text(row, C_ID, j->id, sizeof j->id);
    row_text(row, C_REQUESTER, j->requester.text, sizeof j->requester.text);
    row_text(row, C_SMSR, j->smsr.text, sizeof j->smsr.text);
    row_text(row, C_CALL, j->call_id, sizeof j->call_id);
    row_text(row, C_STEP, step, sizeof step);
    j->flags = (unsigned)row_int(row, C_FLAGS);
    j->procedure = j->flags & JOB_REPEAT ? &SMDP_REPEAT : smdp_procedure_of(j->function);
    j->step = j->procedure && *step ? smdp_step_by_name(j->procedure, step) : NULL;
    row_text(row, C_ICCID, j->iccid.digits, sizeof j->iccid.digits);
    row_text(row, C_OTHER, j->other.digits, sizeof j->other.digits);
    j->deadline_ms = (uint64_t)row_int(row, C_DEADLINE);
    j->reply = (struct reply_ref){ REPLY_NODE, (uint32_t)row_int(row, C_REPLY_SLOT), (uint32_t)row_int(row, C_REPLY_GENERATION),
                                   (uint32_t)((uint64_t)row_int(row, C_REPLY_SLOT) >> 32) };
    read_out(row, j);
    if (!aid_set(&j->isdp, row_bytes(row, C_ISDP)))
        j->isdp.len = 0;
    j->secret = row_bytes(row, C_SECRET);
    j->sent_from = (uint32_t)row_int(row, C_SENT_FROM);
    j->sent_to = (uint32_t)row_int(row, C_SENT_TO);
    j->attempt = (uint32_t)row_int(row, C_ATTEMPT);
    read_status(row, &j->status);
    j->euicc_response = row_bytes(row, C_RESPONSE);
    j->moved_ms = (uint64_t)row_int(row, C_MOVED);
    return j->procedure != NULL && (!*step || j->step);
}

bool smdp_jobs_load(struct rowset *rows, const char *eid, struct job **ret, size_t *ret_count, size_t *ret_room)
{
    const struct query *q = ROWSET_WANT(rows, &SMDP_JOB_LOAD, value_text(eid));
    if (!q || !q->loaded)
        return false;
    size_t room = q->row_count + JOBS_ADDED_MAX;
    *ret_count = 0;
    *ret_room = room < JOBS_MAX ? room : JOBS_MAX;
    *ret = ARENA_ARRAY(rows->arena, struct job, *ret_room);
    for (size_t i = 0; *ret && i < q->row_count && *ret_count < *ret_room; i++)
        *ret_count += read_job(&q->rows[i], &(*ret)[*ret_count]);
    return true;
}

static struct value text_or_null(const char *text) { return *text ? value_text(text) : value_null(); }
static struct value blob_or_null(struct span s) { return s.len ? value_blob(s) : value_null(); }

/* With the process that has the exchange above it. */
static struct value reply_slot(const struct reply_ref *r) { return value_int((int64_t)((uint64_t)r->home << 32 | r->slot)); }

static const char *function_name(struct writes *w, enum es_function f)
{
    if (f == ES_FUNCTION_NONE)
        return "";
    const struct es_function_info *i = es_function_info(f);
    const char *name = arena_printf(w->arena, "%s-%s", i->interface, i->name);
    return name ? name : "";
}

static void add(struct job *j, const char *eid, struct writes *w)
{
    WRITES_ADD(w, &SMDP_JOB_ADD, 1, value_text(j->id), value_text(eid), value_text(j->requester.text),
               value_text(j->call_id), value_text(function_name(w, j->function)), value_blob(j->request),
               value_text(j->smsr.text), value_int((int64_t)j->started_ms));
    j->version = 1;
}

void smdp_job_save(struct job *j, const char *eid, struct writes *w)
{
    if (j->gone) {
        if (!j->fresh)
            WRITES_ADD(w, &SMDP_JOB_DROP, 1, value_text(j->id), value_int(j->version));
        return;
    }
    if (j->fresh)
        add(j, eid, w);
    else if (!j->changed)
        return;
    WRITES_ADD(w, &SMDP_JOB_SAVE, 1, value_text(j->id), value_int(j->version),
               text_or_null(j->step ? j->step->name : ""), text_or_null(j->iccid.digits),
               value_int((int64_t)j->deadline_ms), value_int(j->flags), reply_slot(&j->reply),
               value_int(j->reply.generation), text_or_null(function_name(w, j->out)), text_or_null(j->out_call),
               blob_or_null(j->out_message), value_int((int64_t)j->out_ms), value_int(j->out_tries),
               value_int((int64_t)j->next_ms), blob_or_null(aid_span(&j->isdp)), text_or_null(j->other.digits),
               blob_or_null(j->secret), value_int(j->sent_from), value_int(j->sent_to), value_int(j->attempt),
               value_int(j->status.exec), text_or_null(j->status.subject), text_or_null(j->status.code),
               text_or_null(j->status.subject_id), text_or_null(j->status.detail), blob_or_null(j->euicc_response),
               value_text(j->smsr.text), value_int((int64_t)j->moved_ms));
}
