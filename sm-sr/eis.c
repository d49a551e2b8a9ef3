#include "eis.h"

#include "lib/base/mutant.h"
#include "lib/es/eis_view.h"
#include "rights.h"
#include "rules.h"
#include "trail.h"

static bool is_listed(const struct iccid *iccid, struct span list)
{
    for (size_t at = 0; at < list.len; at += ICCID_TEXT_SIZE)
        if (!strncmp(iccid->digits, (const char *)list.ptr + at, ICCID_TEXT_SIZE))
            return true;
    return list.len == 0;
}

static bool add_profiles(struct turn *t, struct eis *eis, enum es_function function, const struct oid *caller,
                         struct span list)
{
    eis->profiles = ARENA_ARRAY(t->arena, struct profile_info, t->e->profile_count + 1);
    if (!eis->profiles)
        return false;
    for (size_t i = 0; i < t->e->profile_count; i++) {
        const struct profile *p = &t->e->profiles[i];
        if (p->change != ROW_GONE && *p->info.iccid.digits && (p->info.state != PROFILE_IN_CREATION || MUTANT(shows_what_is_in_creation)) &&
            (es_function_info(function)->number == ES_IF_ES7 || smsr_may_manage(t, function, caller, p)) &&
            is_listed(&p->info.iccid, list))
            eis->profiles[eis->profile_count++] = p->info;
    }
    return true;
}

static bool add_isdr(struct turn *t, struct eis *eis, const struct row *document, bool counters)
{
    struct security_domain *sd = &eis->isdr;
    sd->role = SD_ROLE_ISDR;
    if (!aid_set(&sd->aid, row_bytes(document, 2)))
        sd->aid = AID_ISDR;
    sd->sin = row_bytes(document, 3);
    sd->sdin = row_bytes(document, 4);
    sd->keysets = ARENA_ARRAY(t->arena, struct eis_keyset, t->e->keyset_count + 1);
    for (size_t i = 0; sd->keysets && i < t->e->keyset_count; i++) /* versions, never values */
        if (t->e->keysets[i].change != ROW_GONE)
            sd->keysets[sd->keyset_count++] = (struct eis_keyset){ .version = t->e->keysets[i].kvn,
                                                                   .usage = t->e->keysets[i].usage,
                                                                   .counter = counters ? t->e->keysets[i].counter : 0 };
    return sd->keysets != NULL;
}

static bool add_properties(struct turn *t, struct eis *eis, const struct query *q)
{
    eis->properties = ARENA_ARRAY(t->arena, struct eis_property, q->row_count + 1);
    for (size_t i = 0; eis->properties && i < q->row_count && i < EIS_PROPERTIES_MAX; i++)
        eis->properties[eis->property_count++] =
            (struct eis_property){ row_bytes(&q->rows[i], 0), row_bytes(&q->rows[i], 1) };
    return eis->properties != NULL;
}

/* What happened to it, here and before: for another SM-SR only. */
static bool add_audit_trail(struct turn *t, struct eis *eis, const struct query *q)
{
    eis->audit = trail_records(t->arena, q, &t->e->eid, &eis->audit_count);
    eis->has_audit_trail = eis->audit_count > 0;
    return eis->audit != NULL;
}

struct eis_rows {
    const struct query *document, *properties, *audit;
};

static bool rows_of(struct turn *t, enum es_function function, struct eis_rows *ret)
{
    const struct value eid = value_text(t->event->line);
    bool es7 = es_function_info(function)->number == ES_IF_ES7;
    *ret = (struct eis_rows){ SMSR_ASK(t, &SMSR_DOCUMENT_LOAD, eid), SMSR_ASK(t, &SMSR_PROPERTY_LOAD, eid),
                              es7 ? SMSR_ASK(t, &SMSR_AUDIT_LOAD, eid) : NULL };
    return ret->document && ret->properties && (!es7 || ret->audit);
}

void smsr_eis_foresee(struct turn *t, enum es_function function)
{
    struct eis_rows rows;
    (void)!rows_of(t, function, &rows);
    if (es_function_info(function)->number == ES_IF_ES4)
        smsr_plma_foresee(t);
}

static struct eis *view(struct turn *t, enum es_function function, const struct oid *caller, struct span list)
{
    struct eis_rows rows;
    bool es7 = es_function_info(function)->number == ES_IF_ES7;
    if (!rows_of(t, function, &rows) || !rows.document->row_count)
        return NULL;
    const struct row *document = &rows.document->rows[0];
    struct eis *eis = ARENA_NEW(t->arena, struct eis);
    if (!eis)
        return NULL;
    eis->signed_info = row_bytes(document, 0);
    eis->signature = row_bytes(document, 1);
    eis->eid = t->e->eid;
    eis->eum_id = t->e->eum_id;
    eis->remaining_memory = t->e->remaining_memory;
    eis->available_memory = t->e->available_memory;
    if (function != ES3_GET_EIS)
        eis->last_audit_ms = t->e->last_audit_ms;
    eis->smsr_id = t->config->oid;
    return add_profiles(t, eis, function, caller, list) && add_isdr(t, eis, document, es7) &&
                   add_properties(t, eis, rows.properties) && (!es7 || add_audit_trail(t, eis, rows.audit))
               ? eis
               : NULL;
}

static struct eis *view_of(struct turn *t, enum es_function function, const struct oid *caller, struct span list)
{
    struct eis *eis = view(t, function, caller, list);
    const struct smsr_partner *partner = smsr_partner_by_oid(t->smsr, caller->text);
    bool reduced = partner && partner->reduced_eis && es_function_info(function)->number == ES_IF_ES4;
    if (!eis || !reduced)
        return eis;
    return eis_reduce(eis, function == ES4_SMSR_CHANGE_NOTIFICATION ? EIS_VIEW_CHANGE : EIS_VIEW_OPERATOR, t->arena) == ERR_NONE
               ? eis
               : NULL;
}

struct eis *smsr_eis_for(struct turn *t, enum es_function function, const struct oid *caller)
{
    return view_of(t, function, caller, SPAN_NONE);
}

struct eis *smsr_eis_for_audit(struct turn *t, const struct operation *op)
{
    return view_of(t, op->function, &op->requester, op->data);
}
