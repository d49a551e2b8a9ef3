#include "notification.h"

#include <stdio.h>

#include "lib/base/mutant.h"
#include "exchange.h"
#include "packet.h"
#include "sm-sr/answer.h"
#include "sm-sr/procedures/change.h"
#include "sm-sr/procedures/switch.h"
#include "sm-sr/record.h"

MUST_USE enum err smsr_notification_confirm(struct turn *t, const struct operation *op)
{
    WRITER_ON_STACK(capdu, 64);
    WRITER_ON_STACK(items, 80);
    es5_notification_confirmation_write(&capdu, t->e->note_sequence);
    smsr_item(&items, wr_span(&capdu));
    return smsr_exchange_send(t, op, EXCHANGE_CONFIRM, &AID_ISDR, wr_span(&items), t->e->seen_from, false);
}

void smsr_switched(struct turn *t, struct profile *enabled, const struct profile *asked)
{
    struct profile *before = smsr_profile_enabled(t->e);
    if (before == enabled)
        return;
    if (before) {
        before->info.state = PROFILE_DISABLED;
        smsr_profile_switched(before);
        if (before != asked)
            smsr_tell(t, SMSR_TELL_DISABLED, before);
        else
            smsr_tell_others(t, SMSR_TELL_DISABLED, before);
    }
    enabled->info.state = PROFILE_ENABLED;
    smsr_profile_switched(enabled);
    if (enabled != asked)
        smsr_tell(t, SMSR_TELL_ENABLED, enabled);
    else
        smsr_tell_others(t, SMSR_TELL_ENABLED, enabled);
    turn_log(t, LOG_INFO_, "profile %s is enabled now", enabled->info.iccid.digits);
}

void smsr_deleted_by_card(struct turn *t, struct span data)
{
    struct es5_deleted deleted;
    if (es5_deleted_parse(data, &deleted) != ERR_NONE)
        return;
    for (size_t i = 0; i < deleted.count; i++) {
        struct profile *p = smsr_profile_by_aid(t->e, &deleted.isdp[i]);
        if (p && (p->info.state == PROFILE_ENABLED || p->info.state == PROFILE_DISABLED)) /* POL1 has no say in others */
            smsr_profile_deleted(t, p, false);
    }
}

void smsr_notification_answered(struct turn *t, const struct card_answer *a)
{
    if (a->outcome == CARD_SAID && a->count && a->last.sw == SW_OK)
        smsr_deleted_by_card(t, a->data[0]);
    else
        turn_log(t, LOG_WARN_, "the card did not take the confirmation of notification %u: %s %04X",
                 t->e->note_sequence, a->why, a->last.sw);
    /* it had it before, and what it said then, of what it deleted, is lost */
    if (a->outcome == CARD_UNSURE || (a->outcome == CARD_SAID && a->last.sw == SW_CONDITIONS))
        smsr_operation_doubt(t);
}

static bool is_repeat(const struct euicc *e, const struct es5_notification *n)
{
    return e->note_type == n->type && e->note_sequence == n->sequence && aid_eq(&e->note_isdp, &n->isdp);
}

/* The card counts its notifications (very old ones say 0 always). One that comes behind a later one, held up on another way,
 * tells how it was; should the card have begun to count anew, the audit tells how it is. */
static bool is_outdated(const struct euicc *e, const struct es5_notification *n)
{
    return n->sequence && e->note_sequence && (int16_t)(uint16_t)(n->sequence - e->note_sequence) < 0;
}

static void remember(struct turn *t, const struct es5_notification *n, const char *from)
{
    struct euicc *e = t->e;
    e->changed = true;
    e->seen_ms = t->now_ms;
    const struct profile *now = smsr_profile_by_aid(e, &n->isdp);
    if (from && *from)
        smsr_euicc_seen_from(e, from);
    else if (now && *now->info.address.msisdn) /* not by SMS: the number of the profile it speaks of */
        smsr_euicc_seen_from(e, now->info.address.msisdn);
    e->note_type = n->type;
    e->note_sequence = n->sequence;
    e->note_isdp = n->isdp;
    if (n->has_imei)
        e->imei = arena_copy(t->arena, SPAN_OF(n->imei));
    if (n->has_meid)
        e->meid = arena_copy(t->arena, SPAN_OF(n->meid));
}

/* The confirmation of it is under way already: it leaves again. */
static bool confirmation_under_way(struct turn *t)
{
    for (size_t i = 0; i < t->e->exchange_count; i++) {
        struct exchange *x = &t->e->exchanges[i];
        if (!x->n || x->change == ROW_GONE || x->purpose != EXCHANGE_CONFIRM)
            continue;
        if (x->bearer == BEARER_SMS)
            smsr_exchange_again(t, x);
        return true; /* otherwise: the session gets it when it is served */
    }
    return false;
}

static void confirm(struct turn *t)
{
    enum err err = smsr_notification_confirm(t, NULL);
    if (err != ERR_NONE)
        turn_log(t, LOG_WARN_, "notification %u cannot be confirmed: %s", t->e->note_sequence, err_text(err));
}

void smsr_notification_rekeyed(struct turn *t)
{
    bool waits = false;
    for (size_t i = 0; i < t->e->exchange_count; i++) {
        struct exchange *x = &t->e->exchanges[i];
        if (!x->n || x->change == ROW_GONE || x->purpose != EXCHANGE_CONFIRM || x->operation)
            continue;
        smsr_exchange_remove(x);
        waits = true;
    }
    if (waits)
        confirm(t);
}

/* The profile that the card says is enabled now; the EIS follows the card. */
static void follow_card(struct turn *t, const struct es5_notification *n)
{
    struct profile *p = smsr_profile_by_aid(t->e, &n->isdp);
    if (!p) {
        turn_log(t, LOG_WARN_, "the card tells of a profile that the EIS does not have: an audit will tell");
        smsr_operation_doubt(t);
    } else if (p->info.state != PROFILE_ENABLED && !MUTANT(does_not_follow_the_card)) {
        smsr_switched(t, p, NULL);
    }
}

/* Of what was no switch nobody knows whether the card did it: who asked has to look, or to clean up. */
static void cut_off(struct turn *t, struct operation *op, const char *why)
{
    enum reason reason = smsr_operation_switches(op) ? REASON_ROLLED_BACK : REASON_NO_RESPONSE;
    int next = smsr_operation_fail(op, reason, op->iccid.digits, why);
    turn_log(t, LOG_WARN_, "%s", why);
    smsr_operation_go(t, op, next);
}

/* The card took a change back (03), or fell back (05): whatever was to be done ends here. */
static void undone(struct turn *t, const struct es5_notification *n)
{
    struct operation *op = smsr_operation_head(t->e);
    bool fallback = n->type == ES5_FALLBACK;
    t->e->expired_isdp.len = 0;
    follow_card(t, n);
    if (op && fallback) {
        op->flags |= OPERATION_UNSURE; /* the card may have its last command, or not: a confirmation may have deleted a profile */
        smsr_operation_changed(op);
    }
    bool ours = op && op->function != ES_FUNCTION_NONE && !smsr_change_is_theirs(op);
    if (ours && smsr_operation_runs(op) && (fallback || smsr_operation_switches(op)))
        cut_off(t, op,
                fallback ? "the card fell back to its fall-back profile"
                         : "the profile gave no connectivity: the card rolled back");
    confirm(t);
}

static void apply(struct turn *t, const struct es5_notification *n)
{
    switch (n->type) {
    case ES5_CHANGE_SUCCEEDED:
    case ES5_LOCAL_ENABLE: /* the device's own choice */
    case ES5_LOCAL_DISABLE:
        follow_card(t, n);
        confirm(t);
        break;
    case ES5_CHANGE_ROLLED_BACK:
    case ES5_FALLBACK:
        if (n->type != ES5_FALLBACK || !MUTANT(ignores_a_fall_back))
            undone(t, n);
        break;
    default:
        confirm(t);
    }
}

static void take(struct turn *t, const struct es5_notification *n, bool repeat)
{
    struct operation *op = smsr_operation_head(t->e);
    int next = NEXT_STAY;
    if (op && op->step->notified)
        next = op->step->notified(t, op, n);
    if (next != NEXT_STAY) {
        smsr_operation_go(t, op, next);
        return;
    }
    bool expired = n->type == ES5_CHANGE_SUCCEEDED && t->e->expired_isdp.len && aid_eq(&t->e->expired_isdp, &n->isdp);
    if (expired)
        turn_log(t, LOG_WARN_, "a change that comes after its time is not confirmed: the card will take it back");
    else if (!repeat)
        apply(t, n);
    else if (!MUTANT(confirms_once_only))
        confirm(t); /* again, without further effect */
}

void smsr_notification(struct turn *t, struct span bytes, const char *from)
{
    struct es5_notification n;
    enum err err = es5_notification_parse(bytes, &n);
    if (err != ERR_NONE || !eid_eq(&n.eid, &t->e->eid)) {
        t->counts.alarms[SMSR_ALARM_FOREIGN_PACKET]++;
        turn_log(t, LOG_WARN_, "a notification that is not of this eUICC, or broken: dropped");
        return;
    }
    if (is_outdated(t->e, &n)) {
        turn_log(t, LOG_WARN_, "notification %u comes late, behind %u: an audit will tell", n.sequence, t->e->note_sequence);
        smsr_operation_doubt(t);
        return;
    }
    bool repeat = is_repeat(t->e, &n);
    t->heard = true;
    remember(t, &n, from);
    t->counts.notifications++;
    turn_log(t, LOG_INFO_, "notification %u: %s%s", n.sequence, es5_notification_text(n.type),
             repeat ? " (again)" : "");
    if (repeat && confirmation_under_way(t))
        return;
    if (!repeat)
        smsr_record_notification(t, &n);
    take(t, &n, repeat);
}

/* SPI, keys and MAC must be what SGP.02 demands, and the counter not one of the past (old cards always say 0: then only
 * the sequence number tells repeats). */
static enum err packet_open(struct turn *t, enum scp80_form form, struct span packet, struct span *ret_data)
{
    struct scp80_header h;
    struct writer plain = wr_arena(t->arena, packet.len + 16);
    enum err err = scp80_command_peek(form, packet, &h);
    struct keyset *k = err == ERR_NONE ? smsr_keyset_by_kvn(t->e, SCP80_KVN(h.kid)) : NULL;
    if (err == ERR_NONE && (!k || k->usage != KEYSET_SCP80))
        err = ERR_NOT_FOUND;
    if (err == ERR_NONE)
        err = scp80_policy_isdr(&h);
    if (err == ERR_NONE)
        err = smsr_packet_open(t, k, form, packet, &plain, &h, ret_data);
    if (err == ERR_NONE && h.counter && h.counter < t->e->heard_counter && !MUTANT(hears_old_packets))
        err = ERR_REPLAY;
    if (err == ERR_NONE && h.counter > t->e->heard_counter)
        t->e->heard_counter = h.counter;
    return err;
}

void smsr_notification_packet(struct turn *t, const char *from, enum scp80_form form, struct span packet)
{
    struct span data = SPAN_NONE;
    enum err err = packet_open(t, form, packet, &data);
    t->heard_at = err == ERR_NONE ? from : NULL;
    t->counts.alarms[SMSR_ALARM_FOREIGN_PACKET] += err != ERR_NONE;
    if (err == ERR_NONE)
        smsr_notification(t, data, from);
    else
        turn_log(t, LOG_WARN_, "a packet from %s is not a notification of this eUICC (%s): dropped",
                 from ? from : "a CAT_TP link", err_text(err));
}
