#include "lib/base/mutant.h"
#include "lib/gp/ram_script.h"
#include "sm-sr/answer.h"
#include "sm-sr/channel/exchange.h"
#include "sm-sr/channel/notification.h"
#include "sm-sr/rules.h"
#include "sm-sr/turn.h"
#include "switch.h"

/* eUICC capability audit: SGP.02 §4.1.1.6, ES3/ES4.AuditEIS (fact book 7.4, 8.18), and of our own accord when the
 * card's state is in doubt. The EIS follows the card. */

enum { WAITING, ASK, MORE, STEPS };

static void get_status(struct writer *items, bool next)
{
    WRITER_ON_STACK(capdu, 64);
    struct es5_get_status g = { .next = next, .tags = { 0x4F, 0x9F70, 0x53 }, .tag_count = 3, .le = true };
    es5_get_status_write(&capdu, &g);
    smsr_item(items, wr_span(&capdu));
}

static int send_items(struct turn *t, struct operation *op, const struct writer *items)
{
    enum err err = smsr_exchange_send(t, op, EXCHANGE_QUERY, &AID_ISDR, wr_span(items), NULL, false);
    return err == ERR_NONE ? NEXT_STAY : smsr_send_failed(op, err);
}

#define STATUS_ASKS_MAX 4u /* answers that struct card_answer keeps: 32 ISD-Ps at least, more than an EIS holds */

static int ask(struct turn *t, struct operation *op)
{
    WRITER_ON_STACK(items, 256);
    WRITER_ON_STACK(memory, 32);
    struct es5_get_data g = { .object = 0xFF21 };
    es5_get_data_write(&memory, &g);
    smsr_item(&items, wr_span(&memory));
    get_status(&items, false);
    return send_items(t, op, &items);
}

/* The list is longer than one answer. The card forgets where it stood with the end of a script: the whole list again, in one. */
static int more(struct turn *t, struct operation *op)
{
    WRITER_ON_STACK(items, 256);
    for (size_t i = 0; i < STATUS_ASKS_MAX; i++)
        get_status(&items, i > 0);
    return send_items(t, op, &items);
}

/* ---- the EIS follows the card */

static bool on_card(struct span list, const struct aid *isdp, struct es5_isdp_status *ret)
{
    struct reader r = rd_of(list);
    while (es5_isdp_status_next(&r, ret))
        if (aid_eq(&ret->aid, isdp))
            return true;
    return false;
}

/* A profile that is not completed yet (Created) stays so, whatever the card calls it. */
static void follow_state(struct profile *p, const struct es5_isdp_status *s)
{
    enum profile_state card = profile_state_from_life_cycle(s->state), now = p->info.state;
    bool loading = now == PROFILE_CREATED || now == PROFILE_IN_CREATION;
    if (loading && (card == PROFILE_CREATED || card == PROFILE_DISABLED))
        p->info.state = PROFILE_CREATED;
    if (s->has_attributes && p->info.fallback != !!(s->attributes & ISDP_ATTRIBUTE_FALLBACK)) {
        p->info.fallback = s->attributes & ISDP_ATTRIBUTE_FALLBACK;
        smsr_profile_changed(p);
    }
    if (p->info.state != now)
        smsr_profile_changed(p);
}

static void log_strangers(struct turn *t, struct span list)
{
    struct reader r = rd_of(list);
    struct es5_isdp_status s;
    char text[AID_TEXT_SIZE];
    while (es5_isdp_status_next(&r, &s))
        if (aid_is_isdp(&s.aid) && !smsr_profile_by_aid(t->e, &s.aid))
            turn_log(t, LOG_WARN_, "the card has an ISD-P %s that the EIS does not know", aid_text(&s.aid, text));
}

static void follow_card(struct turn *t, struct span list)
{
    struct profile *enabled = NULL;
    for (size_t i = 0; i < t->e->profile_count; i++) {
        struct profile *p = &t->e->profiles[i];
        struct es5_isdp_status s;
        if (p->change == ROW_GONE || !*p->info.iccid.digits)
            continue;
        if (!on_card(list, &p->info.isdp_aid, &s)) {
            turn_log(t, LOG_WARN_, "the card does not have profile %s", p->info.iccid.digits);
            smsr_profile_deleted(t, p, false);
            continue;
        }
        follow_state(p, &s);
        if (s.state == ISDP_ENABLED)
            enabled = p;
    }
    if (enabled)
        smsr_switched(t, enabled, NULL);
    log_strangers(t, list);
}

static int finish(struct turn *t, struct operation *op)
{
    if (!MUTANT(audit_changes_nothing))
        follow_card(t, op->result);
    if (op->memory)
        t->e->remaining_memory = op->memory - 1;
    t->e->last_audit_ms = t->now_ms;
    t->e->changed = true;
    op->result = SPAN_NONE;
    op->status = status_success();
    return NEXT_END;
}

/* The list is in the answers from that one on. */
static bool collect(struct turn *t, struct operation *op, const struct card_answer *a, size_t first)
{
    size_t len = 0;
    for (size_t i = first; i < a->count; i++)
        len += a->data[i].len;
    struct writer w = wr_arena(t->arena, len);
    for (size_t i = first; i < a->count; i++)
        wr_bytes(&w, a->data[i]);
    op->result = wr_span(&w);
    smsr_operation_changed(op);
    return w.err == ERR_NONE && a->last.sw == SW_OK;
}

static bool usable(const struct card_answer *a, size_t least)
{
    return a->outcome == CARD_SAID && !a->broken && a->count >= least && a->count <= ARRAY_LEN(a->data) &&
           (a->last.sw == SW_OK || a->last.sw == SW_MORE_DATA);
}

/* Free memory is kept in op->memory plus one, so that 0 means "the card did not say". */
static int asked(struct turn *t, struct operation *op, const struct card_answer *a)
{
    struct es5_memory memory;
    if (!usable(a, 2))
        return smsr_card_failed(t, op, a);
    if (es5_memory_parse(a->data[0], &memory) == ERR_NONE)
        op->memory = 1ull + memory.free_non_volatile;
    return collect(t, op, a, 1) ? finish(t, op) : MORE;
}

static int more_came(struct turn *t, struct operation *op, const struct card_answer *a)
{
    return usable(a, 1) && collect(t, op, a, 0) ? finish(t, op) : smsr_card_failed(t, op, a);
}

static const struct step steps[STEPS] = {
    [WAITING] = PROCEDURE_WAITS,
    [ASK] = { "ask", ask, asked, NULL, TO(MORE) },
    [MORE] = { "more", more, more_came, NULL, 0 },
};

static struct status check(struct turn *t, struct operation *op)
{
    if (op->function == ES_FUNCTION_NONE)
        return status_success();
    if (!smsr_may_see(t, op->function, &op->requester))
        return status_failed(REASON_EIS_NOT_ALLOWED, t->e->eid_text, "no profile of the caller is on it");
    for (size_t at = 0; at < op->data.len; at += ICCID_TEXT_SIZE) { /* ICCIDs, NUL-padded */
        struct iccid iccid;
        memcpy(iccid.digits, op->data.ptr + at, ICCID_TEXT_SIZE);
        const struct profile *p = smsr_profile_by_iccid(t->e, &iccid);
        if (!p || !smsr_may_manage(t, op->function, &op->requester, p))
            return status_failed(REASON_PROFILE_NOT_ALLOWED, iccid.digits, "not a profile of the caller on this eUICC");
    }
    return status_success();
}

const struct procedure SMSR_AUDIT = { "audit", steps, STEPS, check, AUDIT_CAPABILITY_AUDIT };
