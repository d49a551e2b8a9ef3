#include "switch.h"

#include <stdio.h>

#include "lib/base/mutant.h"
#include "lib/gp/ram_script.h"
#include "sm-sr/answer.h"
#include "sm-sr/channel/exchange.h"
#include "sm-sr/channel/notification.h"

static bool enables(const struct operation *op) { return op->procedure == &SMSR_ENABLE_PROFILE; }

struct aid smsr_switch_target(const struct operation *op) { return enables(op) ? op->isdp : op->other; }
/* The profile that is disabled by it. */
static struct aid switch_victim(const struct operation *op) { return enables(op) ? op->other : op->isdp; }

bool smsr_operation_switches(const struct operation *op)
{
    const struct step *s = op->procedure->steps;
    if (op->procedure != &SMSR_ENABLE_PROFILE && op->procedure != &SMSR_DISABLE_PROFILE &&
        op->procedure != &SMSR_DELETE_PROFILE)
        return false;
    return op->step == &s[SWITCH_ASK] || op->step == &s[SWITCH_AWAIT] || op->step == &s[SWITCH_CONFIRM] ||
           op->step == &s[SWITCH_LOOK];
}

/* ---- for all procedures */

int smsr_send_failed(struct operation *op, enum err err)
{
    if (err == ERR_NOT_FOUND)
        return smsr_operation_fail(op, REASON_EUICC_UNREACHABLE, "", "no address or no keys to reach the eUICC");
    return smsr_operation_fail(op, REASON_PROVIDER_ERROR, "", err_text(err));
}

int smsr_send_capdu(struct turn *t, struct operation *op, enum exchange_purpose purpose, struct span capdu, bool bulk)
{
    WRITER_ON_STACK(items, SMSR_ITEMS_MAX);
    smsr_item(&items, capdu);
    enum err err = items.err;
    if (err == ERR_NONE)
        err = smsr_exchange_send(t, op, purpose, &AID_ISDR, wr_span(&items), NULL, bulk);
    return err == ERR_NONE ? NEXT_STAY : smsr_send_failed(op, err);
}

static enum reason reason_of(uint16_t sw)
{
    switch (sw) {
    case SW_POL1:
        return REASON_POL1_REFUSED;
    case SW_NO_MEMORY:
        return REASON_EUICC_MEMORY;
    case SW_NOT_FOUND:
    case SW_FILE_NOT_FOUND:
        return REASON_SD_UNKNOWN;
    default:
        return REASON_ISDR_FAILED;
    }
}

int smsr_card_failed(struct turn *t, struct operation *op, const struct card_answer *a)
{
    char detail[STATUS_DETAIL_MAX];
    if (a->outcome == CARD_UNSURE) {
        op->flags |= OPERATION_UNSURE;
        return smsr_operation_fail(op, REASON_NO_RESPONSE, op->iccid.digits, "executed, but the answer is lost");
    }
    if (a->outcome == CARD_REFUSED || a->broken || !a->count) {
        op->result = a->script;
        return smsr_operation_fail(op, REASON_ISDR_FAILED, op->iccid.digits,
                                   a->outcome == CARD_REFUSED ? a->why : "the answer of the card cannot be read");
    }
    struct writer w = wr_arena(t->arena, a->last.data.len + 2);
    rapdu_write(&w, &a->last);
    op->result = wr_span(&w);
    enum reason reason = reason_of(a->last.sw);
    if (reason == REASON_SD_UNKNOWN)
        op->flags |= OPERATION_UNSURE; /* the EIS and the card do not agree */
    snprintf(detail, sizeof detail, "%04X: %s", a->last.sw, sw_text(a->last.sw));
    return smsr_operation_fail(op, reason, op->iccid.digits, detail);
}

int smsr_send_get_status(struct turn *t, struct operation *op, const struct aid *isdp)
{
    WRITER_ON_STACK(capdu, 64);
    struct es5_get_status g = { .isdp = aid_span(isdp), .tags = { 0x4F, 0x9F70 }, .tag_count = 2, .le = true };
    es5_get_status_write(&capdu, &g);
    op->flags |= OPERATION_UNSURE;
    return smsr_send_capdu(t, op, EXCHANGE_QUERY, wr_span(&capdu), false);
}

bool smsr_life_cycle_of(const struct card_answer *a, const struct aid *isdp, uint8_t *ret)
{
    if (a->outcome != CARD_SAID || a->broken || !a->count)
        return false;
    if (a->last.sw == SW_NOT_FOUND || a->last.sw == SW_FILE_NOT_FOUND) {
        *ret = 0;
        return true;
    }
    struct reader r = rd_of(a->data[0]);
    struct es5_isdp_status s;
    while (es5_isdp_status_next(&r, &s))
        if (aid_eq(&s.aid, isdp)) {
            *ret = s.state;
            return true;
        }
    return false;
}

/* ---- ask */

int smsr_switch_ask(struct turn *t, struct operation *op)
{
    WRITER_ON_STACK(capdu, 64);
    t->e->expired_isdp.len = 0;
    es5_profile_command_write(&capdu, enables(op) ? ES5_ENABLE_PROFILE : ES5_DISABLE_PROFILE, &op->isdp);
    return smsr_send_capdu(t, op, EXCHANGE_COMMAND, wr_span(&capdu), false);
}

int smsr_switch_asked(struct turn *t, struct operation *op, const struct card_answer *a)
{
    if (a->outcome == CARD_UNSURE)
        return SWITCH_LOOK;
    if (a->outcome != CARD_SAID || a->broken || !a->count)
        return smsr_card_failed(t, op, a);
    if (a->last.sw == SW_OK)
        return SWITCH_AWAIT;
    if (a->last.sw == SW_CONDITIONS && (op->flags & OPERATION_UNSURE))
        return SWITCH_AWAIT; /* asked before, and the card is at it */
    if (a->last.sw == SW_CONDITIONS && a->repeated)
        return SWITCH_LOOK;
    return smsr_card_failed(t, op, a);
}

/* ---- the notification: the proof of the change, with or without an answer to the command */

int smsr_switch_await(struct turn *t, struct operation *op)
{
    (void)t;
    (void)op;
    return NEXT_STAY;
}

int smsr_switch_notified(struct turn *t, struct operation *op, const struct es5_notification *n)
{
    struct aid target = smsr_switch_target(op);
    (void)t;
    if (!aid_eq(&n->isdp, &target))
        return NEXT_STAY;
    if (n->type == ES5_CHANGE_SUCCEEDED || (n->type == ES5_FALLBACK && !enables(op)))
        return SWITCH_CONFIRM;
    return NEXT_STAY;
}

int smsr_switch_confirm(struct turn *t, struct operation *op)
{
    enum err err = smsr_notification_confirm(t, op);
    return err == ERR_NONE ? NEXT_STAY : smsr_send_failed(op, err);
}

/* What is left to do after the change: the profile asked to be deleted, or the one that POL2 deletes when disabled. */
static int after_switch(struct turn *t, struct operation *op)
{
    struct aid victim = switch_victim(op);
    const struct profile *p = smsr_profile_by_aid(t->e, &victim);
    if (p && (op->procedure == &SMSR_DELETE_PROFILE || pol2_has(p->info.pol2, POL2_DISABLE, POL2_AUTO_DELETE)))
        return SWITCH_DELETE;
    op->status = status_success();
    return NEXT_END;
}

/* "No notification pending" to a repeat, or to a confirmation the card had before, says that it is done. */
int smsr_switch_confirmed(struct turn *t, struct operation *op, const struct card_answer *a)
{
    struct aid target = smsr_switch_target(op);
    struct profile *enabled = smsr_profile_by_aid(t->e, &target);
    bool done = a->outcome == CARD_UNSURE ||
                (a->outcome == CARD_SAID && a->count && (a->last.sw == SW_OK || a->last.sw == SW_CONDITIONS));
    if (!done || !enabled)
        return smsr_card_failed(t, op, a);
    op->flags |= OPERATION_SWITCHED;
    smsr_switched(t, enabled, smsr_profile_by_aid(t->e, &op->isdp));
    if (a->outcome == CARD_SAID && a->last.sw == SW_OK)
        smsr_deleted_by_card(t, a->data[0]);
    else
        smsr_operation_doubt(t); /* which profiles POL1 deleted, only the card knows */
    return after_switch(t, op);
}

/* ---- delete */

int smsr_switch_delete(struct turn *t, struct operation *op)
{
    WRITER_ON_STACK(capdu, 64);
    struct es5_delete d = { .kind = ES5_DELETE_PROFILE, .isdp = switch_victim(op) };
    es5_delete_write(&capdu, &d);
    return smsr_send_capdu(t, op, EXCHANGE_COMMAND, wr_span(&capdu), false);
}

static int victim_gone(struct turn *t, struct operation *op)
{
    struct aid victim = switch_victim(op);
    struct profile *p = smsr_profile_by_aid(t->e, &victim);
    if (p && !MUTANT(deleted_profiles_stay_in_the_eis))
        smsr_profile_deleted(t, p, op->procedure == &SMSR_DELETE_PROFILE);
    op->status = status_success();
    return NEXT_END;
}

/* Deleting was the second half of enabling or disabling: that has been done all the same. */
static int delete_failed(struct turn *t, struct operation *op, const struct card_answer *a)
{
    smsr_card_failed(t, op, a);
    if (op->procedure != &SMSR_DELETE_PROFILE) {
        op->status.exec = EXECUTED_WITH_WARNING;
        op->result = SPAN_NONE;
    }
    return NEXT_END;
}

int smsr_switch_deleted(struct turn *t, struct operation *op, const struct card_answer *a)
{
    bool said = a->outcome == CARD_SAID && !a->broken && a->count;
    if (a->outcome == CARD_UNSURE && MUTANT(takes_silence_for_deleted))
        return victim_gone(t, op);
    if (a->outcome == CARD_UNSURE)
        return SWITCH_LOOK_DELETED;
    if (said && a->last.sw == SW_OK)
        return victim_gone(t, op);
    if (said && (a->repeated || (op->flags & OPERATION_UNSURE)) &&
        (a->last.sw == SW_NOT_FOUND || a->last.sw == SW_FILE_NOT_FOUND))
        return victim_gone(t, op);
    return delete_failed(t, op, a);
}

/* ---- look what became of a command whose answer is lost */

int smsr_switch_look(struct turn *t, struct operation *op)
{
    struct aid target = smsr_switch_target(op);
    return smsr_send_get_status(t, op, &target);
}

int smsr_switch_looked(struct turn *t, struct operation *op, const struct card_answer *a)
{
    uint8_t state;
    struct aid target = smsr_switch_target(op);
    if (!smsr_life_cycle_of(a, &target, &state) || !state)
        return smsr_card_failed(t, op, a);
    return state == ISDP_ENABLED ? SWITCH_AWAIT : SWITCH_ASK;
}

int smsr_switch_look_deleted(struct turn *t, struct operation *op)
{
    struct aid victim = switch_victim(op);
    return smsr_send_get_status(t, op, &victim);
}

int smsr_switch_looked_deleted(struct turn *t, struct operation *op, const struct card_answer *a)
{
    uint8_t state;
    struct aid victim = switch_victim(op);
    if (!smsr_life_cycle_of(a, &victim, &state))
        return delete_failed(t, op, a);
    return state ? SWITCH_DELETE : victim_gone(t, op);
}
