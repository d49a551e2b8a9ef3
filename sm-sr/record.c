#include "record.h"

static struct value optional(const char *text) { return *text ? value_text(text) : value_null(); }
static struct value octets(struct span s) { return s.len ? value_blob(s) : value_null(); }

void smsr_record_operation(struct turn *t, const struct operation *op)
{
    WRITES_ADD(t->w, &SMSR_AUDIT_ADD, 1, value_text(t->e->eid_text), value_int((int64_t)t->now_ms),
               value_int(op->procedure->audit), optional(op->requester.text), value_int(op->status.exec),
               optional(op->status.subject), optional(op->status.code), octets(aid_span(&op->isdp)),
               optional(op->iccid.digits), value_null(), value_null());
}

void smsr_record_notification(struct turn *t, const struct es5_notification *n)
{
    const struct profile *p = smsr_profile_by_aid(t->e, &n->isdp);
    WRITES_ADD(t->w, &SMSR_AUDIT_ADD, 1, value_text(t->e->eid_text), value_int((int64_t)t->now_ms), value_int(n->type),
               value_null(), value_null(), value_null(), value_null(), octets(aid_span(&n->isdp)),
               p ? value_text(p->info.iccid.digits) : value_null(), octets(t->e->imei), octets(t->e->meid));
}
