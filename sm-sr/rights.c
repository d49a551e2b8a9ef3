#include "rights.h"

#include "lib/base/mutant.h"
#include "answer.h"
#include "rules.h"

#define LIST_MAX 2048u /* octets of a list of names */

/* ---- lists of names, with blanks between */

static bool names_have(struct span list, struct span name)
{
    while (list.len) {
        const uint8_t *end = memchr(list.ptr, ' ', list.len);
        size_t len = end ? (size_t)(end - list.ptr) : list.len;
        if (span_eq(span_sub(list, 0, len), name))
            return true;
        list = span_from(list, len + (end != NULL));
    }
    return false;
}

static struct span names_join(struct turn *t, const struct span *names, size_t count)
{
    struct writer w = wr_arena(t->arena, LIST_MAX);
    for (size_t i = 0; i < count; i++) {
        if (i)
            wr_u8(&w, ' ');
        wr_bytes(&w, names[i]);
    }
    return w.err == ERR_NONE ? wr_span(&w) : SPAN_NONE;
}

static struct span *names_split(struct turn *t, struct span list, size_t *ret_count)
{
    struct span *names = ARENA_ARRAY(t->arena, struct span, ES_OPERATIONS_MAX);
    *ret_count = 0;
    while (names && list.len && *ret_count < ES_OPERATIONS_MAX) {
        const uint8_t *end = memchr(list.ptr, ' ', list.len);
        size_t len = end ? (size_t)(end - list.ptr) : list.len;
        names[(*ret_count)++] = span_sub(list, 0, len);
        list = span_from(list, len + (end != NULL));
    }
    return names;
}

/* What can be authorised, beside notifications. POL2 never. */
static const char *const operations[] = { "GetEIS",
                                          "AuditEIS",
                                          "EnableProfile",
                                          "DisableProfile",
                                          "DeleteProfile",
                                          "SetFallBackAttribute",
                                          "UnsetFallBackAttribute",
                                          "SetEmergencyProfileAttribute",
                                          "UnsetEmergencyProfileAttribute" };

static bool is_operation(struct span name)
{
    for (size_t i = 0; i < ARRAY_LEN(operations); i++)
        if (span_eq(name, span_text(operations[i])))
            return true;
    return false;
}

static bool is_notification(struct span name)
{
    for (enum es_function f = 1; f < ES_FUNCTION_COUNT; f++) {
        const struct es_function_info *info = es_function_info(f);
        if (info->number == ES_IF_ES4 && info->pattern == ES_NOTIFY && f != ES4_SET_PLMA_NOTIFICATION &&
            span_eq(name, span_text(info->name)))
            return true;
    }
    return false;
}

/* ---- looking */

static bool row_is_for(const struct row *row, const struct profile_info *p)
{
    return span_eq(row_bytes(row, 0), oid_span(&p->mno_id)) && span_eq(row_bytes(row, 1), p->profile_type);
}

static const struct query *plma_of_euicc(struct turn *t)
{
    return SMSR_ASK(t, &SMSR_PLMA_OF_EUICC, value_text(t->event->line));
}

void smsr_plma_foresee(struct turn *t) { (void)plma_of_euicc(t); }

bool smsr_plma_allows(struct turn *t, const struct profile_info *p, const struct oid *sp, const char *operation)
{
    const struct query *q = plma_of_euicc(t);
    for (size_t i = 0; q && i < q->row_count; i++)
        if ((row_is_for(&q->rows[i], p) || MUTANT(one_plma_for_all)) && span_eq(row_bytes(&q->rows[i], 2), oid_span(sp)) &&
            names_have(row_bytes(&q->rows[i], 3), span_text(operation)))
            return true;
    return false;
}

static bool is_first(const struct query *q, size_t row)
{
    for (size_t i = 0; i < row; i++)
        if (span_eq(row_bytes(&q->rows[i], 0), row_bytes(&q->rows[row], 0)) &&
            span_eq(row_bytes(&q->rows[i], 1), row_bytes(&q->rows[row], 1)) &&
            span_eq(row_bytes(&q->rows[i], 2), row_bytes(&q->rows[row], 2)))
            return false;
    return true;
}

bool smsr_plma_listener(struct turn *t, const struct profile_info *p, const char *notification, size_t i,
                        struct oid *ret)
{
    const struct query *q = t->typed ? SMSR_ASK(t, &SMSR_PLMA_OF_PROFILE, value_text(p->mno_id.text), value_span_text(p->profile_type))
                                     : plma_of_euicc(t);
    for (size_t k = 0; q && k < q->row_count; k++)
        if (row_is_for(&q->rows[k], p) && names_have(row_bytes(&q->rows[k], 3), span_text(notification)) &&
            is_first(q, k) && !i--)
            return oid_from_text(row_bytes(&q->rows[k], 2), ret) == ERR_NONE;
    return false;
}

bool smsr_onc_discards(struct turn *t, const struct profile_info *p, const char *notification)
{
    const struct query *q = t->config->no_onc || MUTANT(forgets_the_onc) ? NULL : SMSR_ASK(t, &SMSR_ONC_OF_EUICC, value_text(t->e->eid_text));
    for (size_t i = 0; q && i < q->row_count; i++)
        if (row_is_for(&q->rows[i], p))
            return names_have(row_bytes(&q->rows[i], 2), span_text(notification));
    return false;
}

/* ---- who asks: the operator itself (ES4A), or an SM-DP for it (ES3) */

static bool speaks_for(const struct turn *t, const struct call_event *c, const struct oid *mno)
{
    if (es_function_info(c->message.function)->number == ES_IF_ES3)
        return smsr_acts_for(t, &c->partner->oid, mno);
    return oid_eq(&c->partner->oid, mno);
}

static struct status not_its_own(const struct oid *mno)
{
    return status_failed(REASON_REQUESTER_NOT_ALLOWED, mno->text, "the caller does not speak for that operator");
}

/* ---- PLMA */

static struct status check_plma(struct turn *t, const struct call_event *c, const struct es_plma *plma)
{
    if (!speaks_for(t, c, &plma->mno_id) && !MUTANT(plma_in_any_name))
        return not_its_own(&plma->mno_id);
    if (!smsr_partner_by_oid(t->smsr, plma->m2m_sp_id.text))
        return status_failed(REASON_PLMA_SP_UNKNOWN, plma->m2m_sp_id.text, "no partner of this SM-SR");
    for (size_t i = 0; i < plma->operation_count; i++)
        if (!MUTANT(authorises_anything) && !is_operation(plma->operations[i]) && !is_notification(plma->operations[i]))
            return status_failed(REASON_PLMA_INVALID, "", "\"%.*s\" cannot be authorised",
                                 (int)(plma->operations[i].len < 64 ? plma->operations[i].len : 64),
                                 (const char *)plma->operations[i].ptr);
    return status_success();
}

struct status smsr_set_plma(struct turn *t, const struct call_event *c, struct es_response **ret_body)
{
    const struct es_plma *plma = &((const struct es_set_plma_request *)c->message.body)->plma;
    struct value mno = value_text(plma->mno_id.text), type = value_span_text(plma->profile_type),
                 sp = value_text(plma->m2m_sp_id.text);
    (void)ret_body;
    struct status s = check_plma(t, c, plma);
    if (!status_ok(&s))
        return s;
    if (plma->operation_count)
        WRITES_ADD(t->w, &SMSR_PLMA_PUT, 1, mno, type, sp,
                   value_span_text(names_join(t, plma->operations, plma->operation_count)));
    else
        WRITES_ADD(t->w, &SMSR_PLMA_DROP, -1, mno, type, sp);
    turn_log(t, LOG_INFO_, "%s authorises %s: %zu operations for profiles \"%.*s\"", plma->mno_id.text,
             plma->m2m_sp_id.text, plma->operation_count, (int)plma->profile_type.len,
             (const char *)plma->profile_type.ptr);
    smsr_tell_plma(t, plma);
    return s;
}

struct filter {
    struct span type;
    struct oid sp;
    bool by_iccid, unknown;
    struct oid mno; /* by_iccid: of that profile */
};

static struct filter filter_of(struct turn *t, const struct es_get_plma_request *r)
{
    struct filter f = { .type = r->profile_type, .sp = r->m2m_sp_id, .by_iccid = r->iccid.digits[0] != 0 };
    if (!f.by_iccid)
        return f;
    const struct query *q = SMSR_ASK(t, &SMSR_TYPE_OF_ICCID, value_text(r->iccid.digits));
    f.unknown = !q || !q->row_count;
    if (!f.unknown) {
        row_text(&q->rows[0], 0, f.mno.text, sizeof f.mno.text);
        f.unknown = f.type.len && !span_eq(f.type, row_bytes(&q->rows[0], 1));
        f.type = row_bytes(&q->rows[0], 1);
    }
    return f;
}

static bool passes(const struct filter *f, const struct es_plma *p)
{
    return !f->unknown && ((!f->type.len && !f->by_iccid) || span_eq(f->type, p->profile_type)) &&
           (!*f->sp.text || oid_eq(&f->sp, &p->m2m_sp_id)) && (!f->by_iccid || oid_eq(&f->mno, &p->mno_id));
}

struct status smsr_get_plma(struct turn *t, const struct call_event *c, struct es_response **ret_body)
{
    const struct es_get_plma_request *r = c->message.body;
    bool es3 = es_function_info(c->message.function)->number == ES_IF_ES3;
    struct filter f = filter_of(t, r);
    const struct query *q =
        es3 ? rowset_ask(t->rows, &SMSR_PLMA_ALL, NULL, 0, &t->need_rows) : SMSR_ASK(t, &SMSR_PLMA_LIST, value_text(c->partner->oid.text));
    struct status ok = status_success();
    *ret_body = es_response_new(t->arena, c->message.function, &ok, t->now_ms, t->now_ms);
    struct es_plma_response *a = (struct es_plma_response *)*ret_body;
    struct es_plma *list = ARENA_ARRAY(t->arena, struct es_plma, ES_ENTRIES_MAX);
    if (!q || !a || !list)
        return status_failed(REASON_PROVIDER_ERROR, "", "no memory");
    a->plma = list;
    for (size_t i = 0; i < q->row_count && a->plma_count < ES_ENTRIES_MAX; i++) {
        struct es_plma p = { .profile_type = row_bytes(&q->rows[i], 1) };
        row_text(&q->rows[i], 0, p.mno_id.text, sizeof p.mno_id.text);
        row_text(&q->rows[i], 2, p.m2m_sp_id.text, sizeof p.m2m_sp_id.text);
        if ((es3 && !smsr_acts_for(t, &c->partner->oid, &p.mno_id)) || !passes(&f, &p))
            continue;
        p.operations = names_split(t, row_bytes(&q->rows[i], 3), &p.operation_count);
        list[a->plma_count++] = p;
    }
    return ok;
}

/* ---- ONC */

static struct status no_onc(void) { return status_failed(REASON_FUNCTION_UNSUPPORTED, "", "this SM-SR has no ONC"); }

struct status smsr_set_onc(struct turn *t, const struct call_event *c, struct es_response **ret_body)
{
    const struct es_onc *onc = &((const struct es_set_onc_request *)c->message.body)->onc;
    (void)ret_body;
    if (t->config->no_onc)
        return no_onc();
    if (!speaks_for(t, c, &onc->mno_id))
        return not_its_own(&onc->mno_id);
    for (size_t i = 0; i < onc->discarded_count; i++)
        if (!is_notification(onc->discarded[i]))
            return status_failed(REASON_ONC_INVALID, "", "\"%.*s\" is no notification",
                                 (int)(onc->discarded[i].len < 64 ? onc->discarded[i].len : 64),
                                 (const char *)onc->discarded[i].ptr);
    if (onc->discarded_count)
        WRITES_ADD(t->w, &SMSR_ONC_PUT, 1, value_text(onc->mno_id.text), value_span_text(onc->profile_type),
                   value_span_text(names_join(t, onc->discarded, onc->discarded_count)));
    else
        WRITES_ADD(t->w, &SMSR_ONC_DROP, -1, value_text(onc->mno_id.text), value_span_text(onc->profile_type));
    return status_success();
}

struct status smsr_get_onc(struct turn *t, const struct call_event *c, struct es_response **ret_body)
{
    const struct es_get_onc_request *r = c->message.body;
    const struct query *q = rowset_ask(t->rows, &SMSR_ONC_LIST, NULL, 0, &t->need_rows);
    struct status ok = status_success();
    if (t->config->no_onc)
        return no_onc();
    *ret_body = es_response_new(t->arena, c->message.function, &ok, t->now_ms, t->now_ms);
    struct es_onc_response *a = (struct es_onc_response *)*ret_body;
    struct es_onc *list = ARENA_ARRAY(t->arena, struct es_onc, ES_ENTRIES_MAX);
    if (!q || !a || !list)
        return status_failed(REASON_PROVIDER_ERROR, "", "no memory");
    a->onc = list;
    for (size_t i = 0; i < q->row_count && a->onc_count < ES_ENTRIES_MAX; i++) {
        struct es_onc o = { .profile_type = row_bytes(&q->rows[i], 1) };
        row_text(&q->rows[i], 0, o.mno_id.text, sizeof o.mno_id.text);
        if (!speaks_for(t, c, &o.mno_id) || (r->profile_type.len && !span_eq(r->profile_type, o.profile_type)))
            continue;
        o.discarded = names_split(t, row_bytes(&q->rows[i], 2), &o.discarded_count);
        list[a->onc_count++] = o;
    }
    return ok;
}
