#include "exchange.h"

#include <stdio.h>

#include "address.h"
#include "admin.h"
#include "bearer.h"
#include "lib/gp/ram_script.h"
#include "lib/model/unconfirmed.h"
#include "lib/scp/scp81.h"
#include "link.h"
#include "notification.h"
#include "pace.h"
#include "packet.h"
#include "presence.h"
#include "script.h"
#include "sm-sr/procedures/switch.h"

#define SCRIPT_FRAME 4u /* AE 80 … 00 00 */

/* ---- sending */

static void sms_post(struct turn *t, const struct exchange *x, struct span packet)
{
    struct effect effect = {
        .kind = SMSR_EFFECT_SMS, .to = x->to, .body = packet, .give_up_ms = x->next_ms == PACE_PARKED ? 0 : x->next_ms
    };
    snprintf(effect.line, sizeof effect.line, "%s", t->e->eid_text);
    snprintf(effect.ref, sizeof effect.ref, "sms/%u", x->n);
    outbox_post(t->out, &effect);
    t->counts.sms_out++;
    turn_log(t, LOG_DEBUG_, "%s %u by SMS, %zu octets", x->bearer == BEARER_SMS ? "script" : "trigger", x->n,
             packet.len);
}

/* The line tells which eUICC's script it was, should the session be gone when the reply gets there. */
static void session_reply(struct turn *t, struct reply_ref session, int status, struct span body)
{
    size_t at = t->out->count;
    outbox_reply(t->out, session, status, body);
    smsr_presence_note(t, session, status);
    if (t->out->count > at)
        memcpy(t->out->list[at].line, t->e->eid_text, sizeof t->e->eid_text);
}

/* What the request that waits gets: an HTTP response, or the packet, which is drawn when the card is there: what was said
 * before by SMS had lower counters. */
static enum err session_body(struct turn *t, struct exchange *x, struct reply_ref session, struct span *ret)
{
    if (session.node == SMSR_NODE_ADMIN) {
        *ret = smsr_admin_script(t->arena, t->config, x);
        return ERR_NONE;
    }
    enum err err = x->state == EXCHANGE_SENT ? ERR_NONE : smsr_packet_for_link(t, x, 0);
    *ret = x->packet;
    return err;
}

static enum err session_give(struct turn *t, struct exchange *x, struct reply_ref session)
{
    struct span body;
    enum err err = session_body(t, x, session, &body);
    if (err != ERR_NONE)
        return err;
    if (x->state == EXCHANGE_SENT && x->tries)
        x->repeated = true;
    x->state = EXCHANGE_SENT;
    smsr_pace_left(t, x);
    session_reply(t, session, 200, body);
    t->counts.scripts++;
    turn_log(t, LOG_DEBUG_, "script %u over %s, %zu octets", x->n, smsr_bearer_text(x->bearer), x->script.len);
    return ERR_NONE;
}

void smsr_item(struct writer *items, struct span capdu) { wr_tlv(items, RAM_TAG_CAPDU, capdu); }

static enum err send_by_sms(struct turn *t, struct exchange *x, const char *to)
{
    enum err err = smsr_address_first(t, x, to);
    if (err == ERR_NONE)
        err = smsr_packet_make(t, x, &x->target, x->script, 0);
    if (err != ERR_NONE)
        return err;
    x->state = EXCHANGE_SENT;
    smsr_pace_left(t, x);
    sms_post(t, x, x->packet);
    return ERR_NONE;
}

/* The card comes for it: it is asked to, unless it is there. */
static enum err send_by_session(struct turn *t, struct exchange *x, const char *to, struct reply_ref session)
{
    enum err err = smsr_address_first(t, x, to);
    if (!reply_ref_is_none(session)) { /* it can go without a trigger, now */
        t->session = (struct reply_ref){ 0 };
        return session_give(t, x, session);
    }
    if (err == ERR_NONE)
        err = smsr_trigger_make(t, x, 0);
    if (err != ERR_NONE)
        return err;
    x->state = EXCHANGE_WAITING;
    smsr_pace_left(t, x);
    sms_post(t, x, x->packet);
    return ERR_NONE;
}

/* It leaves when the card is heard of; what it is drawn with then is drawn then. */
static enum err hold(struct turn *t, struct exchange *x, const char *to)
{
    enum err err = smsr_address_first(t, x, to);
    x->state = EXCHANGE_HELD;
    x->next_ms = PACE_PARKED;
    if (err == ERR_NONE)
        turn_log(t, LOG_INFO_, "script %u waits for the next network event", x->n);
    return err;
}

static enum err send_first(struct turn *t, struct exchange *x, const char *to, struct reply_ref session)
{
    return x->bearer == BEARER_SMS ? send_by_sms(t, x, to) : send_by_session(t, x, to, session);
}

/* A request that waits: this turn's, or one of another. */
static struct reply_ref session_now(const struct turn *t)
{
    struct reply_ref session = t->session;
    if (t->release)
        return (struct reply_ref){ 0 };
    if (reply_ref_is_none(session))
        session = smsr_session_waiting(t->smsr, &t->e->eid);
    if (reply_ref_is_none(session))
        session = smsr_link_waiting(t->smsr, &t->e->eid);
    return reply_ref_is_none(session) ? smsr_presence_waiting(t) : session;
}

enum err smsr_exchange_send(struct turn *t, const struct operation *op, enum exchange_purpose purpose,
                            const struct aid *target, struct span items, const char *to, bool bulk)
{
    struct reply_ref session = session_now(t);
    struct exchange *x = smsr_exchange_add(t->e);
    if (!x)
        return ERR_NO_SPACE;
    struct bearer_choice choice = smsr_bearer_choose(t, items.len, bulk, session);
    x->operation = op ? op->n : 0;
    x->purpose = purpose;
    x->target = *target;
    x->bearer = choice.bearer;
    x->script = smsr_script_make(t, x, items);
    turn_log(t, LOG_INFO_, "script %u, %zu octets, goes by %s: %s", x->n, x->script.len, smsr_bearer_text(x->bearer),
             choice.why);
    if (!smsr_bearer_is_of(x->bearer, session))
        session = (struct reply_ref){ 0 };
    enum err err = x->script.ptr ? ERR_NONE : ERR_NO_SPACE;
    bool is_held = purpose != EXCHANGE_CONFIRM && reply_ref_is_none(session) && smsr_pace_waits(t, op);
    if (err == ERR_NONE)
        err = is_held ? hold(t, x, to) : send_first(t, x, to, session);
    if (err != ERR_NONE)
        smsr_exchange_remove(x);
    return err;
}

/* ---- again */

/* Another way, with the script in its form (AE 80 … 00 00 becomes AA LL … by SMS). */
static bool move_to(struct turn *t, struct exchange *x, struct bearer_choice next, const char *why)
{
    enum bearer before = x->bearer;
    struct span script = x->script;
    x->bearer = next.bearer;
    if (next.bearer == BEARER_SMS)
        script = smsr_script_make(t, x, span_sub(x->script, 2, x->script.len - SCRIPT_FRAME));
    enum err err = !script.ptr                    ? ERR_NO_SPACE
                   : next.bearer == BEARER_SMS    ? smsr_packet_make(t, x, &x->target, script, 0)
                                                  : smsr_trigger_make(t, x, 0);
    if (err != ERR_NONE) {
        x->bearer = before;
        return false;
    }
    turn_log(t, LOG_WARN_, "%s: script %u goes by %s", why, x->n, smsr_bearer_text(x->bearer));
    x->state = next.bearer == BEARER_SMS ? EXCHANGE_SENT : EXCHANGE_WAITING;
    x->script_new = next.bearer == BEARER_SMS;
    x->script = script;
    x->tries = next.bearer == BEARER_SMS ? x->tries : 0;
    return true;
}

/* The card did not come for it. */
static bool other_way(struct turn *t, struct exchange *x, const char *why)
{
    struct bearer_choice next;
    return x->state == EXCHANGE_WAITING && x->script.len >= SCRIPT_FRAME &&
           smsr_bearer_after(t, x->bearer, x->script.len - SCRIPT_FRAME, &next) && move_to(t, x, next, why);
}

static bool gave_up(struct turn *t, struct exchange *x)
{
    return x->tries >= t->config->https_tries && other_way(t, x, "no session after all triggers");
}

/* What leaves by SMS now: the script's packet, or an invitation. */
static enum err packet_again(struct turn *t, struct exchange *x, struct span *ret)
{
    enum err err = ERR_NONE;
    if (x->bearer == BEARER_SMS)
        x->repeated = true;
    else if (x->bearer == BEARER_CAT_TP && x->state == EXCHANGE_SENT)
        return smsr_push_again(t, x, ret);
    else if (!gave_up(t, x))
        err = smsr_trigger_make(t, x, 0);
    *ret = x->packet;
    return err;
}

void smsr_exchange_again(struct turn *t, struct exchange *x)
{
    struct span packet;
    if (t->heard_at)
        snprintf(x->to, sizeof x->to, "%s", t->heard_at);
    else
        smsr_address_next(t, x);
    if (packet_again(t, x, &packet) != ERR_NONE)
        return;
    smsr_pace_left(t, x);
    sms_post(t, x, packet);
    turn_log(t, LOG_INFO_, "%s %u leaves again, try %u", x->bearer == BEARER_SMS ? "packet" : "trigger", x->n,
             x->tries);
}

/* The card has it and is at it. */
static bool is_worked_at(const struct turn *t, const struct exchange *x)
{
    if (x->state != EXCHANGE_SENT)
        return false;
    return (x->bearer == BEARER_HTTPS && smsr_session_works(t->smsr, &t->e->eid)) ||
           (x->bearer == BEARER_CAT_TP && smsr_link_works(t->smsr, &t->e->eid)) || smsr_presence_works(t, x->bearer);
}

void smsr_exchange_resend(struct turn *t)
{
    for (size_t i = 0; i < t->e->exchange_count; i++) {
        struct exchange *x = &t->e->exchanges[i];
        if (!x->n || x->change == ROW_GONE || x->next_ms > t->now_ms)
            continue;
        if (is_worked_at(t, x))
            smsr_pace_left(t, x);
        else if (smsr_pace_allows(t, x))
            smsr_exchange_again(t, x);
    }
}

static void leave_held(struct turn *t, struct exchange *x)
{
    char to[sizeof x->to];
    snprintf(to, sizeof to, "%s", t->heard_at ? t->heard_at : x->to);
    enum err err = send_first(t, x, to, (struct reply_ref){ 0 });
    if (err != ERR_NONE)
        turn_log(t, LOG_ERROR_, "script %u cannot leave: %s", x->n, err_text(err));
}

void smsr_exchange_heard(struct turn *t)
{
    for (size_t i = 0; i < t->e->exchange_count; i++) {
        struct exchange *x = &t->e->exchanges[i];
        if (!x->n || x->change == ROW_GONE || x->next_ms != PACE_PARKED || !x->to[0])
            continue;
        if (x->state == EXCHANGE_HELD)
            leave_held(t, x);
        else if (x->change == ROW_KEPT && !is_worked_at(t, x)) /* else it has just left, or the card is at it */
            smsr_exchange_again(t, x);
    }
}

uint64_t smsr_exchange_due(const struct euicc *e)
{
    uint64_t due = 0;
    for (size_t i = 0; i < e->exchange_count; i++) {
        const struct exchange *x = &e->exchanges[i];
        if (x->n && x->change != ROW_GONE && (!due || x->next_ms < due))
            due = x->next_ms;
    }
    return due;
}

/* ---- answers */

static void answer_read(struct span script, struct card_answer *a)
{
    struct ram_reader r;
    struct ram_item item;
    a->script = script;
    if (ram_results_open(&r, script) != ERR_NONE) {
        a->broken = true;
        return;
    }
    while (ram_results_next(&r, &item)) {
        struct rapdu rapdu;
        if (item.tag == RAM_TAG_BAD_FORMAT)
            a->broken = true;
        if (item.tag != RAM_TAG_RAPDU || rapdu_parse(item.value, &rapdu) != ERR_NONE)
            continue;
        if (a->count < ARRAY_LEN(a->data))
            a->data[a->count] = rapdu.data;
        a->count++;
        a->last = rapdu;
    }
    if (r.r.err != ERR_NONE)
        a->broken = true;
}

/* The exchange is over: its operation goes on. */
static void exchange_answered(struct turn *t, struct exchange *x, struct card_answer *a)
{
    struct operation *op = smsr_operation_by_n(t->e, x->operation);
    a->repeated = x->repeated;
    smsr_exchange_remove(x);
    if (!op) {
        smsr_notification_answered(t, a);
        return;
    }
    int next = op->step->answered ? op->step->answered(t, op, a) : NEXT_STAY;
    smsr_operation_go(t, op, next);
}

static bool may_leave_anew(const struct exchange *x)
{
    return (x->purpose == EXCHANGE_QUERY && x->bearer != BEARER_HTTPS) ||
           (x->purpose == EXCHANGE_CONFIRM && x->tries <= SMSR_CONFIRMATIONS_MAX);
}

/* "Counter low" has three causes. The packet was there before (sent again by us, or doubled by the network): the command
 * was executed and its answer is lost; or the card lost its power between counter and command. Or the card's counter is
 * ahead of ours: then nothing was executed. Only what just reads, confirms (the card knows a repeat by the sequence
 * number), or just asks the card to come, may be wrapped anew; for all else the procedure finds out with a reading. */
static bool counter_low(struct turn *t, struct exchange *x, bool invitation)
{
    enum err err = ERR_STATE;
    bool at_once = x->tries <= SMSR_COUNTER_JUMPS_MAX || x->purpose == EXCHANGE_CONFIRM;
    if (at_once && invitation)
        err = smsr_trigger_make(t, x, SMSR_COUNTER_JUMP);
    else if (!invitation && may_leave_anew(x))
        err = x->bearer == BEARER_CAT_TP ? smsr_packet_for_link(t, x, SMSR_COUNTER_JUMP)
                                         : smsr_packet_make(t, x, &x->target, x->script, SMSR_COUNTER_JUMP);
    if (err != ERR_NONE)
        return invitation; /* the script has nothing to do with it */
    smsr_exchange_changed(x);
    if (x->bearer == BEARER_CAT_TP && !invitation)
        return true; /* the link gets it when it is served */
    if (!at_once) { /* soon, for the card is there; but a card whose answers get lost is not chased */
        uint64_t soon = t->now_ms + 1000ull * t->config->resend_s;
        x->next_ms = x->next_ms < soon ? x->next_ms : soon;
        return true;
    }
    smsr_pace_left(t, x);
    sms_post(t, x, x->packet);
    return true;
}

/* A trigger that came after the packet for the link was drawn: refused for its counter, it tells that the card has had
 * the packet. The next ones are drawn above it. */
static void late_trigger_refused(struct exchange *x, uint8_t status)
{
    if (status == SCP80_COUNTER_LOW)
        x->invited = x->counter;
    smsr_exchange_changed(x);
}

static void por_refused(struct turn *t, struct exchange *x, bool invitation, uint8_t status)
{
    t->counts.alarms[SMSR_ALARM_REFUSED_PACKET]++;
    turn_log(t, LOG_WARN_, "the card refuses packet %u: %s", x->n, scp80_status_text(status));
    if (invitation && x->state == EXCHANGE_SENT) {
        late_trigger_refused(x, status);
        return;
    }
    if (status == SCP80_COUNTER_LOW && counter_low(t, x, invitation))
        return;
    struct card_answer a = { .outcome = status == SCP80_COUNTER_LOW ? CARD_UNSURE : CARD_REFUSED };
    snprintf(a.why, sizeof a.why, "secured packet refused: %s", scp80_status_text(status));
    exchange_answered(t, x, &a);
}

/* PUSH has an answer of its own: a terminal without UDP is known at once. */
static void trigger_answered(struct turn *t, struct exchange *x, struct span data)
{
    struct card_answer a = { .outcome = CARD_SAID };
    if (x->bearer != BEARER_CAT_TP || x->state != EXCHANGE_WAITING)
        return;
    answer_read(data, &a);
    if (!a.broken && a.count && a.last.sw != SW_OK && other_way(t, x, "the card refuses PUSH")) {
        smsr_pace_left(t, x);
        sms_post(t, x, x->packet);
    }
}

static bool por_of(struct turn *t, struct exchange *x, enum scp80_form form, struct span packet)
{
    struct scp80_response por;
    bool invitation = form == SCP80_SMS && x->bearer != BEARER_SMS;
    if ((form == SCP80_CAT_TP && (x->bearer != BEARER_CAT_TP || x->state != EXCHANGE_SENT)) ||
        smsr_packet_por(t, x, form, packet, &por) != ERR_NONE)
        return false;
    t->heard = true;
    turn_log(t, LOG_DEBUG_, "PoR to %u by %s: %s", x->n, form == SCP80_SMS ? "SMS" : "CAT_TP",
             scp80_status_text(por.status));
    if (por.status != SCP80_OK) {
        por_refused(t, x, invitation, por.status);
    } else if (invitation) {
        trigger_answered(t, x, por.data);
    } else {
        struct card_answer a = { .outcome = CARD_SAID };
        answer_read(por.data, &a);
        exchange_answered(t, x, &a);
    }
    return true;
}

void smsr_exchange_por(struct turn *t, enum scp80_form form, struct span packet)
{
    for (size_t i = 0; i < t->e->exchange_count; i++) {
        struct exchange *x = &t->e->exchanges[i];
        if (x->n && x->change != ROW_GONE && por_of(t, x, form, packet))
            return;
    }
    t->counts.alarms[SMSR_ALARM_STRAY_POR]++;
    turn_log(t, LOG_DEBUG_, "a PoR that answers nothing that is open: dropped");
}

void smsr_exchange_posted(struct turn *t, uint32_t n, struct span status, struct span body)
{
    struct exchange *x = smsr_exchange_by_n(t->e, n);
    enum scp81_status what = SCP81_OK;
    if (!x || x->bearer != BEARER_HTTPS || x->state != EXCHANGE_SENT) {
        turn_log(t, LOG_DEBUG_, "an answer to script %u, which is not open: dropped", n);
        return;
    }
    struct card_answer a = { .outcome = CARD_SAID };
    turn_log(t, LOG_DEBUG_, "answer to script %u over HTTPS, %zu octets", n, body.len);
    if (status.len && (scp81_status_parse(status, &what) != ERR_NONE || what != SCP81_OK)) {
        a.outcome = CARD_REFUSED;
        snprintf(a.why, sizeof a.why, "script refused: %.*s", (int)(status.len < 40 ? status.len : 40),
                 (const char *)status.ptr);
    } else {
        answer_read(body, &a);
    }
    exchange_answered(t, x, &a);
}

/* ---- a session asks what is to be done */

void smsr_exchange_session_lost(struct turn *t)
{
    for (size_t i = 0; i < t->e->exchange_count; i++) {
        struct exchange *x = &t->e->exchanges[i];
        if (x->n && x->change != ROW_GONE && x->bearer != BEARER_SMS)
            smsr_exchange_again(t, x);
    }
}

void smsr_exchange_too_long(struct turn *t, size_t room)
{
    for (size_t i = 0; i < t->e->exchange_count; i++) {
        struct exchange *x = &t->e->exchanges[i];
        struct bearer_choice next;
        struct card_answer a = { .outcome = CARD_REFUSED };
        if (!x->n || x->change == ROW_GONE || x->bearer != BEARER_CAT_TP || x->state != EXCHANGE_SENT ||
            x->packet.len <= room)
            continue;
        snprintf(a.why, sizeof a.why, "over CAT_TP the card takes %zu octets at a time, not %zu", room, x->packet.len);
        if (x->repeated) /* it fitted once, and may have been executed */
            a.outcome = CARD_UNSURE;
        bool moved = !x->repeated && x->script.len >= SCRIPT_FRAME &&
                     smsr_bearer_besides(t, x->bearer, x->script.len - SCRIPT_FRAME, &next) && move_to(t, x, next, a.why);
        if (!moved) {
            exchange_answered(t, x, &a);
            continue;
        }
        smsr_exchange_changed(x);
        smsr_pace_left(t, x);
        sms_post(t, x, x->packet);
    }
}

/* What was not given yet may also go the other way, now that the card has come it, unless it is too long for that. */
static bool may_go(const struct turn *t, const struct exchange *x, struct reply_ref session)
{
    bool fits = session.node != SMSR_NODE_LINK || x->script.len <= t->config->cat_tp_script_max + SCRIPT_FRAME;
    bool waits = x->bearer != BEARER_SMS && x->state != EXCHANGE_SENT && fits;
    return x->n && x->change != ROW_GONE && (waits || smsr_bearer_is_of(x->bearer, session));
}

static struct exchange *next_script(struct turn *t, struct reply_ref session)
{
    struct euicc *e = t->e;
    struct exchange *best = NULL;
    for (size_t i = 0; i < e->exchange_count; i++) {
        struct exchange *x = &e->exchanges[i];
        if (!may_go(t, x, session))
            continue;
        if (!best || (x->purpose == EXCHANGE_CONFIRM && best->purpose != EXCHANGE_CONFIRM) ||
            (x->purpose == best->purpose && x->n < best->n))
            best = x;
    }
    return best;
}

/* A card that is to change its profile needs the session to end. */
static int what_next(struct turn *t)
{
    const struct operation *op = smsr_operation_head(t->e);
    if (t->hold)
        return SMSR_ADMIN_HOLD;
    return t->release || (op && smsr_operation_switches(op)) ? 204 : SMSR_ADMIN_DONE;
}

void smsr_exchange_serve(struct turn *t)
{
    struct reply_ref session = t->session;
    if (reply_ref_is_none(session))
        return;
    t->session = (struct reply_ref){ 0 };
    struct exchange *x = next_script(t, session);
    if (x)
        x->bearer = session.node == SMSR_NODE_LINK ? BEARER_CAT_TP : BEARER_HTTPS;
    enum err err = x ? session_give(t, x, session) : ERR_NOT_FOUND;
    if (err != ERR_NONE)
        session_reply(t, session, what_next(t), SPAN_NONE);
    if (x && err != ERR_NONE)
        turn_log(t, LOG_WARN_, "script %u cannot be given: %s", x->n, err_text(err));
}
