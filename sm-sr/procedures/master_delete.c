#include "master_delete.h"

#include <stdio.h>

#include "lib/ota/es5.h"
#include "sm-sr/answer.h"
#include "sm-sr/turn.h"
#include "switch.h"

/* Master Delete: SGP.02 §3.10 (fact book 8.9): the SM-DP's token is the permission; POL1 and POL2 do not count. What
 * triggers it is not standardised: the administration. op->data is the command, token and all. */

enum { WAITING, DELETE, LOOK, STEPS };

static int send(struct turn *t, struct operation *op) { return smsr_send_capdu(t, op, EXCHANGE_COMMAND, op->data, false); }

/* The owner is told in any case: the answer goes to whoever had the token. */
static int gone(struct turn *t, struct operation *op)
{
    struct profile *p = smsr_profile_by_aid(t->e, &op->isdp);
    if (p)
        smsr_profile_deleted(t, p, false);
    op->status = status_success();
    return NEXT_END;
}

static int failed(struct turn *t, struct operation *op, const struct card_answer *a)
{
    bool token = a->outcome == CARD_SAID && !a->broken && a->count && a->last.sw == SW_WRONG_DATA;
    smsr_card_failed(t, op, a);
    if (token)
        op->status = status_failed(REASON_ISDP_FAILED, op->iccid.digits, "6A80: the card does not take the delete token");
    return NEXT_END;
}

static int deleted(struct turn *t, struct operation *op, const struct card_answer *a)
{
    bool said = a->outcome == CARD_SAID && !a->broken && a->count;
    bool none = said && (a->last.sw == SW_NOT_FOUND || a->last.sw == SW_FILE_NOT_FOUND);
    if (a->outcome == CARD_UNSURE)
        return LOOK;
    if (said && a->last.sw == SW_OK)
        return gone(t, op);
    return none && (a->repeated || (op->flags & OPERATION_UNSURE)) ? gone(t, op) : failed(t, op, a);
}

static int look(struct turn *t, struct operation *op) { return smsr_send_get_status(t, op, &op->isdp); }

static int looked(struct turn *t, struct operation *op, const struct card_answer *a)
{
    uint8_t state;
    if (!smsr_life_cycle_of(a, &op->isdp, &state))
        return failed(t, op, a);
    return state ? DELETE : gone(t, op);
}

static const struct step steps[STEPS] = {
    [WAITING] = PROCEDURE_WAITS,
    [DELETE] = { "delete", send, deleted, NULL, TO(LOOK) },
    [LOOK] = { "look", look, looked, NULL, TO(DELETE) },
};

static struct status check(struct turn *t, struct operation *op)
{
    const char *iccid = op->iccid.digits;
    const struct profile *p = smsr_profile_by_iccid(t->e, &op->iccid);
    if (!p)
        return status_failed(REASON_ICCID_UNKNOWN, iccid, "no such profile on this eUICC");
    if (p->info.state != PROFILE_DISABLED)
        return status_failed(REASON_PROFILE_STATE, iccid, "the profile is %s, not Disabled", profile_state_text(p->info.state));
    if (p == smsr_profile_fallback(t->e))
        return status_failed(REASON_DELETE_FALLBACK, iccid, "it has the fall-back attribute");
    if (!aid_eq(&op->isdp, &p->info.isdp_aid))
        return status_failed(REASON_SD_WRONG_EUICC, iccid, "the token is for another ISD-P");
    return status_success();
}

const struct procedure SMSR_MASTER_DELETE = { .name = "master-delete", .steps = steps, .step_count = STEPS, .check = check,
                                              .audit = AUDIT_MASTER_DELETE };

/* ---- how it begins */

static bool has_profile_here(const struct turn *t, const struct oid *who)
{
    for (size_t i = 0; i < t->e->profile_count; i++)
        if (t->e->profiles[i].change != ROW_GONE && oid_eq(&t->e->profiles[i].info.mno_id, who))
            return true;
    return false;
}

static struct span command_of(struct turn *t, const struct master_delete_event *m)
{
    struct writer w = wr_arena(t->arena, APDU_SHORT_DATA_MAX + 8);
    es5_delete_write(&w, &m->command);
    return wr_span(&w);
}

static void begin(struct turn *t, const struct master_delete_event *m, uint64_t deadline_ms)
{
    struct operation *op = smsr_operation_asked(t, &SMSR_MASTER_DELETE, &m->call, deadline_ms);
    if (!op)
        return;
    op->iccid = m->iccid;
    op->isdp = m->command.isdp;
    op->data = command_of(t, m);
    op->data_changed = true;
    if (smsr_operation_change(t->e))
        op->status = status_failed(REASON_EUICC_BUSY, t->e->eid_text, "an SM-SR change is under way");
    else if (!op->data.len)
        op->status = status_failed(REASON_FORMAT_INVALID, "", "the token's fields are too long for a command");
    if (!status_ok(&op->status))
        smsr_operation_end(t, op);
}

void smsr_master_delete(struct turn *t, const struct master_delete_event *m)
{
    uint64_t deadline_ms = t->now_ms + 1000ull * m->call.validity_s;
    if (!t->e->known) {
        admin_call_refuse(t->out, t->event, 404, "this eUICC is not managed here");
        return;
    }
    if (!m->call.all && !has_profile_here(t, &m->call.requester)) {
        admin_call_refuse(t->out, t->event, 403, "only operators with a profile on this eUICC may");
        return;
    }
    if (admin_call_begin(t->rows, t->w, t->out, t->event, &m->call, deadline_ms, &t->need_rows))
        begin(t, m, deadline_ms);
}
