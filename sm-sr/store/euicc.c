#include "euicc.h"

#include <stdio.h>

#include "lib/base/mutant.h"
#include "sm-sr/procedures/procedure.h"
#include "schema.h"

/* The order of the columns is that of the statements in schema.c. */

static void column_oid(const struct row *row, size_t column, struct oid *ret)
{
    row_text(row, column, ret->text, sizeof ret->text);
}

/* "2.999.12 0A1B…": to whom, and the name of the request. */
static void column_offer(const struct row *row, size_t column, struct euicc *e)
{
    char text[sizeof e->left_to.text + sizeof e->left_asked];
    row_text(row, column, text, sizeof text);
    char *blank = strchr(text, ' ');
    if (blank) {
        *blank = '\0';
        snprintf(e->left_asked, sizeof e->left_asked, "%s", blank + 1);
    }
    snprintf(e->left_to.text, sizeof e->left_to.text, "%s", text);
}

static struct value value_optional(const char *text) { return *text ? value_text(text) : value_null(); }

static struct value value_offer(const struct euicc *e, struct arena *arena)
{
    const char *text = *e->left_to.text && *e->left_asked ? arena_printf(arena, "%s %s", e->left_to.text, e->left_asked) : NULL;
    return value_optional(text ? text : e->left_to.text);
}

static void column_aid(const struct row *row, size_t column, struct aid *ret)
{
    if (!aid_set(ret, row_bytes(row, column)))
        ret->len = 0;
}

static void column_iccid(const struct row *row, size_t column, struct iccid *ret)
{
    row_text(row, column, ret->digits, sizeof ret->digits);
}

static struct value value_aid(const struct aid *aid) { return aid->len ? value_blob(aid_span(aid)) : value_null(); }
static struct value value_octets(struct span s) { return s.len ? value_blob(s) : value_null(); }
static struct value value_time(uint64_t ms) { return value_int((int64_t)ms); }

static void load_euicc(const struct row *row, struct euicc *e)
{
    e->present = true;
    e->version = row_int(row, 0);
    column_oid(row, 1, &e->eum_id);
    e->remaining_memory = (uint64_t)row_int(row, 2);
    e->available_memory = (uint64_t)row_int(row, 3);
    e->last_audit_ms = (uint64_t)row_int(row, 4);
    e->http = row_int(row, 5) != 0;
    e->next_n = (uint32_t)row_int(row, 6);
    e->alarm_ms = (uint64_t)row_int(row, 7);
    e->seen_ms = (uint64_t)row_int(row, 8);
    row_text(row, 9, e->seen_from, sizeof e->seen_from);
    e->imei = row_bytes(row, 10);
    e->meid = row_bytes(row, 11);
    e->note_type = (uint8_t)row_int(row, 12);
    e->note_sequence = (uint16_t)row_int(row, 13);
    column_aid(row, 14, &e->note_isdp);
    column_aid(row, 15, &e->expired_isdp);
    e->heard_counter = (uint64_t)row_int(row, 16);
    column_aid(row, 17, &e->chain);
    e->coming = row_int(row, 18) != 0;
    e->known = !e->coming;
    column_offer(row, 19, e);
    e->audit_n = (uint64_t)row_int(row, 20);
    e->audit_hash = row_bytes(row, 21);
    e->cat_tp = row_int(row, 22) != 0;
}

static void load_profile(const struct row *row, struct profile *p)
{
    struct profile_info *i = &p->info;
    column_iccid(row, 0, &i->iccid);
    column_aid(row, 1, &i->isdp_aid);
    column_oid(row, 2, &i->mno_id);
    column_oid(row, 3, &i->smdp_id);
    i->profile_type = row_bytes(row, 4);
    i->state = (enum profile_state)row_int(row, 5);
    i->fallback = row_int(row, 6) != 0;
    row_text(row, 7, i->address.msisdn, sizeof i->address.msisdn);
    row_text(row, 8, i->address.imsi, sizeof i->address.imsi);
    i->allocated_memory = (uint64_t)row_int(row, 9);
    i->has_free_memory = row->columns[10].type == VALUE_INT;
    i->free_memory = (uint64_t)row_int(row, 10);
    i->pol2.rules = (uint8_t)row_int(row, 11);
    i->emergency = row_int(row, 12) != 0;
}

static void load_keyset(const struct row *row, struct keyset *k)
{
    k->kvn = (uint8_t)row_int(row, 0);
    k->usage = (enum keyset_usage)row_int(row, 1);
    k->kid = (uint8_t)row_int(row, 2);
    k->counter = (uint64_t)row_int(row, 3);
    k->wrapped = row_bytes(row, 4);
    k->retired = row_int(row, 5) != 0;
}

static void load_operation(const struct row *row, struct operation *op)
{
    char procedure[32], step[32];
    op->n = (uint32_t)row_int(row, 0);
    row_text(row, 1, procedure, sizeof procedure);
    row_text(row, 2, step, sizeof step);
    op->procedure = smsr_procedure_by_name(procedure);
    op->step = op->procedure ? smsr_step_by_name(op->procedure, step) : NULL;
    if (es_function_by_name(row_bytes(row, 3), &op->function) != ERR_NONE)
        op->function = ES_FUNCTION_NONE;
    column_oid(row, 4, &op->requester);
    row_text(row, 5, op->call_id, sizeof op->call_id);
    column_iccid(row, 6, &op->iccid);
    column_aid(row, 7, &op->isdp);
    column_aid(row, 8, &op->other);
    column_oid(row, 9, &op->mno);
    op->memory = (uint64_t)row_int(row, 10);
    op->flags = (unsigned)row_int(row, 11);
    op->data = row_bytes(row, 12);
    op->result = row_bytes(row, 13);
    op->context = row_bytes(row, 14);
    row_text(row, 15, op->warning, sizeof op->warning);
    op->started_ms = (uint64_t)row_int(row, 16);
    op->deadline_ms = (uint64_t)row_int(row, 17);
    column_oid(row, 18, &op->peer);
    row_text(row, 19, op->asked, sizeof op->asked);
    op->secret = row_bytes(row, 20);
}

enum { EXCHANGE_REPEATED = 1, EXCHANGE_RESERVED = 2 };

static void load_exchange(const struct row *row, struct exchange *x)
{
    x->n = (uint32_t)row_int(row, 0);
    x->operation = (uint32_t)row_int(row, 1);
    x->purpose = (enum exchange_purpose)row_int(row, 2);
    x->bearer = (enum bearer)row_int(row, 3);
    column_aid(row, 4, &x->target);
    x->state = (enum exchange_state)row_int(row, 5);
    x->repeated = row_int(row, 6) & EXCHANGE_REPEATED;
    x->reserved = row_int(row, 6) & EXCHANGE_RESERVED;
    x->kvn = (uint8_t)row_int(row, 7);
    x->counter = (uint64_t)row_int(row, 8);
    x->tries = (uint32_t)row_int(row, 9);
    x->next_ms = (uint64_t)row_int(row, 10);
    row_text(row, 11, x->to, sizeof x->to);
    x->script = row_bytes(row, 12);
    x->packet = row_bytes(row, 13);
    x->invited = (uint64_t)row_int(row, 14);
}

/* By ISD-P. They are few; a sort in the database costs more than the query. */
static void sort_profiles(struct euicc *e)
{
    for (size_t i = 1; i < e->profile_count; i++) {
        struct profile p = e->profiles[i];
        size_t at = i;
        for (; at > 0 && memcmp(e->profiles[at - 1].info.isdp_aid.octets, p.info.isdp_aid.octets, AID_MAX) > 0; at--)
            e->profiles[at] = e->profiles[at - 1];
        e->profiles[at] = p;
    }
}

static size_t at_most(size_t count, size_t max) { return count < max ? count : max; }

void smsr_euicc_room(struct euicc *e, bool for_event)
{
    size_t more = for_event ? SMSR_ADDED_MAX : 0;
    e->profile_room = at_most(e->profile_count + more, SMSR_PROFILES_MAX);
    e->operation_room = at_most(e->operation_count + more, SMSR_OPERATIONS_MAX);
    e->exchange_room = at_most(e->exchange_count + more, SMSR_EXCHANGES_MAX);
}

/* Lists as long as they may become in this event. */
static bool make_lists(struct arena *a, struct euicc *e)
{
    smsr_euicc_room(e, true);
    e->profiles = ARENA_ARRAY(a, struct profile, e->profile_room);
    e->operations = ARENA_ARRAY(a, struct operation, e->operation_room);
    e->exchanges = ARENA_ARRAY(a, struct exchange, e->exchange_room);
    return e->profiles && e->operations && e->exchanges;
}

static bool load_lists(struct arena *a, struct euicc *e, const struct query *profiles, const struct query *keysets,
                       const struct query *operations, const struct query *exchanges)
{
    e->profile_count = at_most(profiles->row_count, SMSR_PROFILES_MAX);
    e->keyset_count = at_most(keysets->row_count, SMSR_KEYSETS_MAX);
    e->operation_count = at_most(operations->row_count, SMSR_OPERATIONS_MAX);
    e->exchange_count = at_most(exchanges->row_count, SMSR_EXCHANGES_MAX);
    if (!make_lists(a, e))
        return false;
    for (size_t i = 0; i < e->profile_count; i++)
        load_profile(&profiles->rows[i], &e->profiles[i]);
    sort_profiles(e);
    for (size_t i = 0; i < e->keyset_count; i++)
        load_keyset(&keysets->rows[i], &e->keysets[i]);
    for (size_t i = 0; i < e->operation_count; i++)
        load_operation(&operations->rows[i], &e->operations[i]);
    for (size_t i = 0; i < e->exchange_count; i++)
        load_exchange(&exchanges->rows[i], &e->exchanges[i]);
    return true;
}

static struct euicc *euicc_of(struct arena *a, const char *eid, const struct query *const q[5])
{
    struct euicc *e = ARENA_NEW(a, struct euicc);
    if (!e)
        return NULL;
    e->next_n = 1;
    snprintf(e->eid_text, sizeof e->eid_text, "%s", eid);
    if (eid_from_text(span_text(eid), &e->eid) == ERR_NONE && q[0]->row_count)
        load_euicc(&q[0]->rows[0], e);
    return load_lists(a, e, q[1], q[2], q[3], q[4]) ? e : NULL;
}

bool smsr_euicc_load(struct rowset *rows, const char *eid, struct euicc **ret)
{
    const struct query *q[] = {
        ROWSET_WANT(rows, &SMSR_EUICC_LOAD, value_text(eid)),
        ROWSET_WANT(rows, &SMSR_PROFILE_LOAD, value_text(eid)),
        ROWSET_WANT(rows, &SMSR_KEYSET_LOAD, value_text(eid)),
        ROWSET_WANT(rows, &SMSR_OPERATION_LOAD, value_text(eid)),
        ROWSET_WANT(rows, &SMSR_EXCHANGE_LOAD, value_text(eid)),
    };
    for (size_t i = 0; i < ARRAY_LEN(q); i++)
        if (!q[i] || !q[i]->loaded)
            return false;
    *ret = euicc_of(rows->arena, eid, q);
    return true;
}

static void save_profile(const struct euicc *e, const struct profile *p, struct writes *w)
{
    const struct profile_info *i = &p->info;
    if (p->change == ROW_GONE) {
        WRITES_ADD(w, &SMSR_PROFILE_DROP, 1, value_text(e->eid_text), value_text(i->iccid.digits));
        return;
    }
    if (p->change == ROW_SWITCHED) {
        WRITES_ADD(w, &SMSR_PROFILE_SWITCH, 1, value_text(e->eid_text), value_text(i->iccid.digits), value_int(i->state),
                   value_int(i->fallback));
        return;
    }
    WRITES_ADD(w, p->change == ROW_NEW ? &SMSR_PROFILE_ADD : &SMSR_PROFILE_PUT, 1, value_text(e->eid_text),
               value_text(i->iccid.digits), value_aid(&i->isdp_aid), value_text(i->mno_id.text),
               value_optional(i->smdp_id.text), i->profile_type.len ? value_span_text(i->profile_type) : value_null(),
               value_int(i->state), value_int(i->fallback), value_optional(i->address.msisdn),
               value_optional(i->address.imsi), value_time(i->allocated_memory),
               i->has_free_memory ? value_time(i->free_memory) : value_null(), value_int(i->pol2.rules), value_int(i->emergency));
}

static const char *function_name(enum es_function function, char out[64])
{
    out[0] = '\0';
    if (function != ES_FUNCTION_NONE) {
        const struct es_function_info *info = es_function_info(function);
        snprintf(out, 64, "%s-%s", info->interface, info->name);
    }
    return out;
}

static void save_operation(const struct euicc *e, const struct operation *op, struct writes *w)
{
    char function[64];
    if (op->change == ROW_GONE) {
        WRITES_ADD(w, &SMSR_OPERATION_DROP, 1, value_text(e->eid_text), value_int(op->n));
    } else if (op->change == ROW_NEW) {
        WRITES_ADD(w, &SMSR_OPERATION_ADD, 1, value_text(e->eid_text), value_int(op->n),
                   value_text(op->procedure->name), value_text(op->step->name),
                   value_text(function_name(op->function, function)), value_text(op->requester.text),
                   value_text(op->call_id), value_optional(op->iccid.digits), value_aid(&op->isdp),
                   value_aid(&op->other), value_optional(op->mno.text), value_time(op->memory), value_int(op->flags),
                   value_octets(op->data), value_octets(op->result), value_octets(op->context),
                   value_optional(op->warning), value_time(op->started_ms), value_time(op->deadline_ms),
                   value_optional(op->peer.text), value_optional(op->asked), value_octets(op->secret));
    } else {
        WRITES_ADD(w, &SMSR_OPERATION_SAVE, 1, value_text(e->eid_text), value_int(op->n), value_text(op->step->name),
                   value_aid(&op->isdp), value_aid(&op->other), value_int(op->flags), value_octets(op->result),
                   value_optional(op->warning), value_int(op->data_changed),
                   op->data_changed ? value_octets(op->data) : value_null(), value_time(op->memory),
                   value_optional(op->iccid.digits), value_optional(op->asked), value_octets(op->secret));
        if (op->context_changed)
            WRITES_ADD(w, &SMSR_OPERATION_ASKED, 1, value_text(e->eid_text), value_int(op->n), value_octets(op->context));
    }
}

static int64_t exchange_flags(const struct exchange *x)
{
    return (x->repeated ? EXCHANGE_REPEATED : 0) | (x->reserved ? EXCHANGE_RESERVED : 0);
}

static void save_exchange(const struct euicc *e, const struct exchange *x, struct writes *w)
{
    if (x->change == ROW_GONE) {
        WRITES_ADD(w, &SMSR_EXCHANGE_DROP, 1, value_text(e->eid_text), value_int(x->n));
    } else if (x->change == ROW_NEW) {
        WRITES_ADD(w, &SMSR_EXCHANGE_ADD, 1, value_text(e->eid_text), value_int(x->n), value_int(x->operation),
                   value_int(x->purpose), value_int(x->bearer), value_aid(&x->target), value_int(x->state),
                   value_int(exchange_flags(x)), value_int(x->kvn), value_time(x->counter), value_int(x->tries),
                   value_time(x->next_ms), value_optional(x->to), value_blob(x->script), value_octets(x->packet),
                   value_time(x->invited));
    } else {
        WRITES_ADD(w, &SMSR_EXCHANGE_SAVE, 1, value_text(e->eid_text), value_int(x->n), value_int(x->bearer),
                   value_int(x->state), value_time(x->counter), value_int(x->tries), value_time(x->next_ms),
                   value_optional(x->to), value_int(x->packet_new),
                   x->packet_new ? value_octets(x->packet) : value_null(), value_int(x->kvn), value_int(exchange_flags(x)),
                   value_int(x->script_new), x->script_new ? value_blob(x->script) : value_null(),
                   value_time(x->invited));
    }
}

static void save_head(const struct euicc *e, struct writes *w)
{
    WRITES_ADD(w, &SMSR_EUICC_SAVE, 1, value_text(e->eid_text), value_int(e->version), value_time(e->remaining_memory),
               value_time(e->last_audit_ms), value_int(e->next_n), value_time(e->alarm_ms), value_time(e->seen_ms),
               value_octets(e->imei), value_octets(e->meid), value_int(e->note_type),
               value_int(e->note_sequence), value_aid(&e->note_isdp), value_aid(&e->expired_isdp),
               value_time(e->heard_counter), value_aid(&e->chain), value_int(e->coming),
               value_offer(e, w->arena), value_time(e->audit_n), value_octets(e->audit_hash));
    if (e->moved)
        WRITES_ADD(w, &SMSR_EUICC_MOVE, 1, value_text(e->eid_text), value_optional(e->seen_from));
}

static void save_keyset(const struct euicc *e, const struct keyset *k, struct writes *w)
{
    if (k->change == ROW_NEW)
        WRITES_ADD(w, &SMSR_KEYSET_ADD, 1, value_text(e->eid_text), value_int(k->kvn), value_int(k->usage),
                   value_int(k->kid), value_time(k->counter), value_blob(k->wrapped));
    else if (k->change == ROW_CHANGED && !MUTANT(counters_are_not_kept))
        WRITES_ADD(w, &SMSR_KEYSET_COUNT, 1, value_text(e->eid_text), value_int(k->kvn), value_time(k->counter),
                   value_int(k->retired));
    else if (k->change == ROW_GONE)
        WRITES_ADD(w, &SMSR_KEYSET_DROP, 1, value_text(e->eid_text), value_int(k->kvn));
}

void smsr_euicc_remove(struct euicc *e) { e->gone = true; }

static void save_gone(const struct euicc *e, struct writes *w)
{
    static const struct statement *const all[] = { &SMSR_PROFILE_CLEAR,  &SMSR_KEYSET_CLEAR,   &SMSR_OPERATION_CLEAR,
                                                   &SMSR_EXCHANGE_CLEAR, &SMSR_DOCUMENT_CLEAR, &SMSR_PROPERTY_CLEAR };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        WRITES_ADD(w, all[i], -1, value_text(e->eid_text));
    WRITES_ADD(w, &SMSR_EUICC_DROP, 1, value_text(e->eid_text), value_int(e->version));
}

/* Rows are dropped before others are added: an ICCID may leave and come back in one event. */
void smsr_euicc_save(struct euicc *e, struct writes *w)
{
    size_t before = w->count;
    if (e->gone) {
        if (e->present)
            save_gone(e, w);
        e->saved = true;
        return;
    }
    for (int gone = 1; gone >= 0; gone--)
        for (size_t i = 0; i < e->profile_count; i++)
            if (e->profiles[i].change != ROW_KEPT && (e->profiles[i].change == ROW_GONE) == gone)
                save_profile(e, &e->profiles[i], w);
    for (size_t i = 0; i < e->keyset_count; i++)
        save_keyset(e, &e->keysets[i], w);
    for (size_t i = 0; i < e->operation_count; i++)
        if (e->operations[i].change != ROW_KEPT && e->operations[i].n)
            save_operation(e, &e->operations[i], w);
    for (size_t i = 0; i < e->exchange_count; i++)
        if (e->exchanges[i].change != ROW_KEPT && e->exchanges[i].n)
            save_exchange(e, &e->exchanges[i], w);
    e->saved = e->present && (e->changed || w->count != before);
    if (e->saved)
        save_head(e, w);
}

struct profile *smsr_profile_by_iccid(struct euicc *e, const struct iccid *iccid)
{
    for (size_t i = 0; i < e->profile_count; i++)
        if (e->profiles[i].change != ROW_GONE && iccid_eq(&e->profiles[i].info.iccid, iccid))
            return &e->profiles[i];
    return NULL;
}

struct profile *smsr_profile_by_aid(struct euicc *e, const struct aid *isdp)
{
    for (size_t i = 0; isdp->len && i < e->profile_count; i++)
        if (e->profiles[i].change != ROW_GONE && aid_eq(&e->profiles[i].info.isdp_aid, isdp))
            return &e->profiles[i];
    return NULL;
}

struct profile *smsr_profile_enabled(struct euicc *e)
{
    for (size_t i = 0; i < e->profile_count; i++)
        if (e->profiles[i].change != ROW_GONE && e->profiles[i].info.state == PROFILE_ENABLED)
            return &e->profiles[i];
    return NULL;
}

struct profile *smsr_profile_fallback(struct euicc *e)
{
    for (size_t i = 0; i < e->profile_count; i++)
        if (e->profiles[i].change != ROW_GONE && e->profiles[i].info.fallback)
            return &e->profiles[i];
    return NULL;
}

bool smsr_profile_room(struct euicc *e, size_t more, struct arena *a)
{
    size_t room = e->profile_count + more;
    if (room <= e->profile_room)
        return true;
    struct profile *list = room <= SMSR_PROFILES_MAX ? ARENA_ARRAY(a, struct profile, room) : NULL;
    if (!list)
        return false;
    if (e->profile_count)
        memcpy(list, e->profiles, e->profile_count * sizeof *list);
    e->profiles = list;
    e->profile_room = room;
    return true;
}

struct profile *smsr_profile_add(struct euicc *e)
{
    if (e->profile_count == e->profile_room)
        return NULL;
    struct profile *p = &e->profiles[e->profile_count++];
    *p = (struct profile){ .change = ROW_NEW };
    return p;
}

void smsr_profile_changed(struct profile *p)
{
    if (p->change == ROW_KEPT || p->change == ROW_SWITCHED)
        p->change = ROW_CHANGED;
}

void smsr_profile_switched(struct profile *p)
{
    if (p->change == ROW_KEPT)
        p->change = ROW_SWITCHED;
}

void smsr_euicc_seen_from(struct euicc *e, const char *number)
{
    if (!strcmp(e->seen_from, number))
        return;
    snprintf(e->seen_from, sizeof e->seen_from, "%s", number);
    e->moved = e->changed = true;
}

/* A row that was never stored just vanishes: its ICCID is emptied so that nothing finds it. */
void smsr_profile_remove(struct profile *p)
{
    if (p->change == ROW_NEW)
        *p = (struct profile){ .change = ROW_KEPT };
    else
        p->change = ROW_GONE;
}

bool smsr_isdp_free(struct euicc *e, struct aid *ret)
{
    for (uint32_t tar = ISDP_TAR_FIRST; tar <= ISDP_TAR_LAST; tar++) {
        struct aid aid = aid_isdp(tar);
        bool taken = false;
        for (size_t i = 0; i < e->profile_count && !taken; i++) /* also those that leave in this event */
            taken = aid_eq(&e->profiles[i].info.isdp_aid, &aid);
        if (!taken) {
            *ret = aid;
            return true;
        }
    }
    return false;
}

struct keyset *smsr_keyset_of(struct euicc *e, enum keyset_usage usage)
{
    for (size_t i = 0; i < e->keyset_count; i++)
        if (e->keysets[i].usage == usage && !e->keysets[i].retired && e->keysets[i].change != ROW_GONE)
            return &e->keysets[i];
    return NULL;
}

struct keyset *smsr_keyset_by_kvn(struct euicc *e, uint8_t kvn)
{
    for (size_t i = 0; i < e->keyset_count; i++)
        if (e->keysets[i].kvn == kvn && e->keysets[i].change != ROW_GONE)
            return &e->keysets[i];
    return NULL;
}

struct keyset *smsr_keyset_add(struct euicc *e)
{
    if (e->keyset_count == SMSR_KEYSETS_MAX)
        return NULL;
    struct keyset *k = &e->keysets[e->keyset_count++];
    *k = (struct keyset){ .change = ROW_NEW };
    return k;
}

void smsr_keyset_changed(struct keyset *k)
{
    if (k->change == ROW_KEPT)
        k->change = ROW_CHANGED;
}

struct span smsr_keyset_aad(const char *eid, uint8_t kvn, char out[SMSR_AAD_SIZE])
{
    snprintf(out, SMSR_AAD_SIZE, "keyset/%s/%u", eid, kvn);
    return span_text(out);
}

bool smsr_operation_runs(const struct operation *op) { return op->step != &op->procedure->steps[0]; }

/* Of our own accord: nobody asked for it, neither over an interface nor of the administration. */
static bool is_own(const struct operation *op) { return op->function == ES_FUNCTION_NONE && !*op->requester.text; }

/* While the eUICC is being handed over, what the new SM-SR asks for runs, and the hand-over itself waits for it. */
static unsigned rank(const struct operation *op)
{
    if (op->procedure == &SMSR_CHANGE && smsr_operation_runs(op))
        return 2;
    if (op->procedure == &SMSR_AUTHENTICATE || op->procedure == &SMSR_CREATE_KEYSET)
        return smsr_operation_runs(op) ? 0 : 1;
    return smsr_operation_runs(op) ? 0 : is_own(op) ? 3 : 4;
}

struct operation *smsr_operation_head(struct euicc *e)
{
    struct operation *head = NULL;
    for (size_t i = 0; i < e->operation_count; i++) {
        struct operation *op = &e->operations[i];
        if (!op->n || op->change == ROW_GONE || (MUTANT(operations_at_once) && smsr_operation_runs(op)))
            continue;
        if (!head || rank(op) < rank(head) || (rank(op) == rank(head) && op->n < head->n))
            head = op;
    }
    return head;
}

struct operation *smsr_operation_change(struct euicc *e)
{
    for (size_t i = 0; i < e->operation_count; i++) {
        struct operation *op = &e->operations[i];
        if (op->n && op->change != ROW_GONE && op->procedure == &SMSR_CHANGE)
            return op;
    }
    return NULL;
}

struct operation *smsr_operation_by_n(struct euicc *e, uint32_t n)
{
    for (size_t i = 0; n && i < e->operation_count; i++)
        if (e->operations[i].n == n && e->operations[i].change != ROW_GONE)
            return &e->operations[i];
    return NULL;
}

struct operation *smsr_operation_add(struct euicc *e)
{
    if (e->operation_count == e->operation_room)
        return NULL;
    struct operation *op = &e->operations[e->operation_count++];
    *op = (struct operation){ .n = e->next_n++, .change = ROW_NEW };
    return op;
}

void smsr_operation_changed(struct operation *op)
{
    if (op->change == ROW_KEPT)
        op->change = ROW_CHANGED;
}

/* What was made in this event leaves no trace. */
void smsr_operation_remove(struct operation *op)
{
    if (op->change == ROW_NEW)
        op->n = 0;
    op->change = ROW_GONE;
}

struct exchange *smsr_exchange_add(struct euicc *e)
{
    if (e->exchange_count == e->exchange_room)
        return NULL;
    struct exchange *x = &e->exchanges[e->exchange_count++];
    *x = (struct exchange){ .n = e->next_n++, .change = ROW_NEW };
    return x;
}

struct exchange *smsr_exchange_by_n(struct euicc *e, uint32_t n)
{
    for (size_t i = 0; n && i < e->exchange_count; i++)
        if (e->exchanges[i].n == n && e->exchanges[i].change != ROW_GONE)
            return &e->exchanges[i];
    return NULL;
}

struct exchange *smsr_exchange_of(struct euicc *e, const struct operation *op, enum exchange_purpose purpose)
{
    for (size_t i = 0; i < e->exchange_count; i++) {
        struct exchange *x = &e->exchanges[i];
        if (x->n && x->change != ROW_GONE && x->operation == op->n && x->purpose == purpose)
            return x;
    }
    return NULL;
}

void smsr_exchange_changed(struct exchange *x)
{
    if (x->change == ROW_KEPT)
        x->change = ROW_CHANGED;
}

void smsr_exchange_remove(struct exchange *x)
{
    if (x->change == ROW_NEW)
        x->n = 0;
    x->change = ROW_GONE;
}
