#include "record.h"

#include "trail.h"

static struct value optional(const char *text) { return *text ? value_text(text) : value_null(); }
static struct value octets(struct span s) { return s.len ? value_blob(s) : value_null(); }

/* An eUICC that was here before, or was not taken over: its chain goes on. */
static bool find_end(struct turn *t)
{
    if (t->e->audit_n)
        return true;
    const struct query *q = SMSR_ASK(t, &SMSR_AUDIT_LAST, value_text(t->e->eid_text));
    if (q && q->row_count) {
        t->e->audit_n = (uint64_t)row_int(&q->rows[0], 0);
        t->e->audit_hash = row_bytes(&q->rows[0], 1);
    }
    return q;
}

static void add(struct turn *t, struct audit_record *r, struct span received)
{
    WRITER_ON_STACK(line, TRAIL_LINE_MAX);
    uint8_t *hash = arena_alloc(t->arena, SHA256_LEN);
    if (!find_end(t))
        return;
    const uint8_t *previous = t->e->audit_hash.len == SHA256_LEN ? t->e->audit_hash.ptr : NULL;
    r->eid = t->e->eid;
    r->smsr_id = t->config->oid;
    r->date_ms = t->now_ms;
    trail_line_write(&line, r);
    if (!hash || trail_hash(previous, t->e->audit_n + 1, wr_span(&line), received, hash) != ERR_NONE) {
        turn_log(t, LOG_ERROR_, "no memory for a record of the audit trail");
        return;
    }
    t->e->audit_n++;
    t->e->audit_hash = (struct span){ hash, SHA256_LEN };
    t->e->changed = true;
    WRITES_ADD(t->w, &SMSR_AUDIT_ADD, 1, value_text(t->e->eid_text), value_int((int64_t)r->date_ms),
               value_int(r->operation), optional(r->requester_id.text),
               r->has_status ? value_int(r->status.exec) : value_null(), optional(r->status.subject),
               optional(r->status.code), octets(aid_span(&r->isdp_aid)), optional(r->iccid.digits), octets(r->imei),
               octets(r->meid), value_text(r->smsr_id.text), value_int((int64_t)t->e->audit_n),
               value_blob(t->e->audit_hash), octets(received));
}

void smsr_record_operation(struct turn *t, const struct operation *op)
{
    struct audit_record r = { .operation = op->procedure->audit,
                              .requester_id = op->requester,
                              .has_status = true,
                              .status = op->status,
                              .isdp_aid = op->isdp,
                              .iccid = op->iccid };
    add(t, &r, SPAN_NONE);
}

void smsr_record_notification(struct turn *t, const struct es5_notification *n)
{
    const struct profile *p = smsr_profile_by_aid(t->e, &n->isdp);
    struct audit_record r = { .operation = n->type, .isdp_aid = n->isdp, .imei = t->e->imei, .meid = t->e->meid };
    if (p)
        r.iccid = p->info.iccid;
    add(t, &r, SPAN_NONE);
}

void smsr_record_taken_over(struct turn *t, const struct operation *op)
{
    const struct query *q = SMSR_ASK(t, &SMSR_DOCUMENT_LOAD, value_text(t->e->eid_text));
    struct span trail = q && q->row_count ? row_bytes(&q->rows[0], 6) : SPAN_NONE;
    struct audit_record r = { .operation = AUDIT_ESTABLISH_ISDR_KEYSET,
                              .requester_id = op->requester,
                              .has_status = true,
                              .status = status_success() };
    add(t, &r, trail);
    if (trail.len)
        WRITES_ADD(t->w, &SMSR_DOCUMENT_TRAIL_TAKEN, 1, value_text(t->e->eid_text));
}
