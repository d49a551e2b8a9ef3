#include "exchange.h"

#include <stdio.h>

#include "admin.h"
#include "lib/gp/ram_script.h"
#include "lib/scp/scp81.h"
#include "notification.h"
#include "packet.h"
#include "sm-sr/procedures/switch.h"
#include "sm-sr/unconfirmed.h"

/* ---- sending */

static void sms_post(struct turn *t, const struct exchange *x)
{
    struct effect effect = {
        .kind = SMSR_EFFECT_SMS, .to = x->to, .body = x->packet, .give_up_ms = x->next_ms
    };
    snprintf(effect.line, sizeof effect.line, "%s", t->e->eid_text);
    snprintf(effect.ref, sizeof effect.ref, "sms/%u", x->n);
    outbox_post(t->out, &effect);
    t->counts.sms_out++;
    turn_log(t, LOG_DEBUG_, "%s %u by SMS, %zu octets", x->bearer == BEARER_SMS ? "script" : "trigger", x->n,
             x->packet.len);
}

static uint64_t pause_ms(const struct turn *t, uint32_t tries)
{
    uint64_t s = (uint64_t)t->config->resend_s << (tries < 10 ? tries : 10);
    return 1000 * (s < t->config->resend_max_s ? s : t->config->resend_max_s);
}

static void note_try(struct turn *t, struct exchange *x)
{
    x->next_ms = t->now_ms + pause_ms(t, x->tries);
    x->tries++;
    smsr_exchange_changed(x);
}

/* The line tells which eUICC's script it was, should the session be gone when the reply gets there. */
static void session_reply(struct turn *t, struct reply_ref session, int status, struct span body)
{
    size_t at = t->out->count;
    outbox_reply(t->out, session, status, body);
    if (t->out->count > at)
        memcpy(t->out->list[at].line, t->e->eid_text, sizeof t->e->eid_text);
}

static void session_give(struct turn *t, struct exchange *x, struct reply_ref session)
{
    if (x->state == EXCHANGE_SENT && x->tries)
        x->repeated = true;
    x->state = EXCHANGE_SENT;
    note_try(t, x);
    session_reply(t, session, 200, smsr_admin_script(t->arena, t->config, x));
    t->counts.scripts++;
    turn_log(t, LOG_DEBUG_, "script %u over HTTPS, %zu octets", x->n, x->script.len);
}

/* Over SMS a security domain forgets at the end of a script what INSTALL and INITIALIZE UPDATE had begun, unless the
 * scripts are chained (TS 102 226 §5.2.1.4; oncard book 6.5). SendData with MoreToDo begins or goes on with a chain,
 * showing a certificate to the card begins one; any other script ends it. 0: this one is in none. */
static uint8_t chain_link(struct turn *t, const struct exchange *x)
{
    const struct operation *op = smsr_operation_by_n(t->e, x->operation);
    bool data = op && op->procedure->chains && x->bearer == BEARER_SMS;
    bool more = data && ((op->flags & OPERATION_MORE_TO_DO) || (op->procedure == &SMSR_SEND_DATA && op->data.len));
    bool open = data && op->procedure != &SMSR_AUTHENTICATE && aid_eq(&t->e->chain, &x->target);
    t->e->chain = more ? x->target : (struct aid){ 0 };
    if (open)
        return more ? RAM_CHAIN_NEXT : RAM_CHAIN_LAST;
    return more ? RAM_CHAIN_FIRST : 0;
}

static struct span script_make(struct turn *t, const struct exchange *x, struct span items)
{
    struct writer w = wr_arena(t->arena, items.len + 20);
    struct ram_script s;
    uint8_t link = x->bearer == BEARER_SMS ? chain_link(t, x) : 0;
    ram_script_open(&s, &w, x->bearer == BEARER_SMS ? RAM_DEFINITE : RAM_INDEFINITE);
    if (link)
        ram_script_item(&s, RAM_TAG_CHAINING, (struct span){ &link, 1 });
    ram_script_raw(&s, items);
    ram_script_close(&s);
    return wr_span(&w);
}

static bool https_possible(const struct turn *t)
{
    return t->e->http && t->config->bearer != SMSR_BEARER_SMS && smsr_keyset_of(t->e, KEYSET_SCP81);
}

size_t smsr_script_room(const struct turn *t)
{
    return https_possible(t) ? t->config->https_script_max : t->config->sms_script_max;
}

static enum bearer bearer_choose(const struct turn *t, size_t len, bool bulk, struct reply_ref session)
{
    if (!https_possible(t))
        return BEARER_SMS;
    if (t->config->bearer == SMSR_BEARER_HTTPS || bulk || len > t->config->sms_script_max)
        return BEARER_HTTPS;
    return reply_ref_is_none(session) ? BEARER_SMS : BEARER_HTTPS;
}

static enum err address_of(struct turn *t, struct exchange *x, const char *to)
{
    const struct profile *enabled = smsr_profile_enabled(t->e);
    if (!to || !*to)
        to = enabled && *enabled->info.address.msisdn ? enabled->info.address.msisdn : t->e->seen_from;
    snprintf(x->to, sizeof x->to, "%s", to);
    return *x->to ? ERR_NONE : ERR_NOT_FOUND;
}

void smsr_item(struct writer *items, struct span capdu) { wr_tlv(items, RAM_TAG_CAPDU, capdu); }

static enum err send_by_sms(struct turn *t, struct exchange *x, const char *to)
{
    enum err err = address_of(t, x, to);
    if (err == ERR_NONE)
        err = smsr_packet_make(t, x, &x->target, x->script, 0);
    if (err != ERR_NONE)
        return err;
    x->state = EXCHANGE_SENT;
    note_try(t, x);
    sms_post(t, x);
    return ERR_NONE;
}

static enum err send_by_https(struct turn *t, struct exchange *x, const char *to, struct reply_ref session)
{
    enum err err = address_of(t, x, to);
    if (!reply_ref_is_none(session)) { /* it can go without a trigger, now */
        session_give(t, x, session);
        t->session = (struct reply_ref){ 0 };
        return ERR_NONE;
    }
    if (err == ERR_NONE)
        err = smsr_trigger_make(t, x, 0);
    if (err != ERR_NONE)
        return err;
    x->state = EXCHANGE_WAITING;
    note_try(t, x);
    sms_post(t, x);
    return ERR_NONE;
}

enum err smsr_exchange_send(struct turn *t, const struct operation *op, enum exchange_purpose purpose,
                            const struct aid *target, struct span items, const char *to, bool bulk)
{
    struct reply_ref session = t->session;
    if (reply_ref_is_none(session))
        session = smsr_session_waiting(t->smsr, &t->e->eid);
    struct exchange *x = smsr_exchange_add(t->e);
    if (!x)
        return ERR_NO_SPACE;
    x->operation = op ? op->n : 0;
    x->purpose = purpose;
    x->target = *target;
    x->bearer = bearer_choose(t, items.len, bulk, session);
    x->script = script_make(t, x, items);
    enum err err = x->script.ptr ? ERR_NONE : ERR_NO_SPACE;
    if (err == ERR_NONE)
        err = x->bearer == BEARER_SMS ? send_by_sms(t, x, to) : send_by_https(t, x, to, session);
    if (err != ERR_NONE)
        smsr_exchange_remove(x);
    return err;
}

/* ---- again */

/* AE 80 … 00 00 becomes AA LL …: the card did not come for it. */
static bool https_to_sms(struct turn *t, struct exchange *x)
{
    if (x->state != EXCHANGE_WAITING || x->tries < t->config->https_tries || x->script.len < 4 ||
        x->script.len > t->config->sms_script_max || t->config->bearer == SMSR_BEARER_HTTPS)
        return false;
    x->bearer = BEARER_SMS;
    struct span script = script_make(t, x, span_sub(x->script, 2, x->script.len - 4));
    if (!script.ptr || smsr_packet_make(t, x, &x->target, script, 0) != ERR_NONE) {
        x->bearer = BEARER_HTTPS;
        return false;
    }
    turn_log(t, LOG_WARN_, "no administration session after %u triggers: script %u goes by SMS", x->tries, x->n);
    x->state = EXCHANGE_SENT;
    x->script = script;
    x->script_new = true;
    return true;
}

/* The card may have gone back to another profile with nobody to tell us: after some tries its other numbers get their
 * turn. The packet is for this eUICC alone, whatever number it goes to. */
static void next_address(struct turn *t, struct exchange *x)
{
    const char *first = *t->e->seen_from ? t->e->seen_from : NULL, *next = NULL;
    bool here = first && !strcmp(first, x->to);
    if (x->tries < 2 || x->tries % 2)
        return;
    for (size_t i = 0; i < t->e->profile_count; i++) {
        const struct profile *p = &t->e->profiles[i];
        const char *number = p->info.address.msisdn;
        bool usable = p->change != ROW_GONE && *p->info.iccid.digits && *number;
        if (!usable || (t->e->seen_from[0] && !strcmp(number, t->e->seen_from)))
            continue;
        first = first ? first : number;
        next = here && !next ? number : next;
        here |= !strcmp(number, x->to);
    }
    next = next ? next : first;
    if (next && strcmp(next, x->to) != 0)
        snprintf(x->to, sizeof x->to, "%s", next);
}

void smsr_exchange_again(struct turn *t, struct exchange *x)
{
    next_address(t, x);
    if (x->bearer == BEARER_SMS)
        x->repeated = true;
    else if (!https_to_sms(t, x) && smsr_trigger_make(t, x, 0) != ERR_NONE)
        return;
    note_try(t, x);
    sms_post(t, x);
    turn_log(t, LOG_INFO_, "%s %u leaves again, try %u", x->bearer == BEARER_SMS ? "packet" : "trigger", x->n,
             x->tries);
}

void smsr_exchange_resend(struct turn *t)
{
    for (size_t i = 0; i < t->e->exchange_count; i++) {
        struct exchange *x = &t->e->exchanges[i];
        if (!x->n || x->change == ROW_GONE || x->next_ms > t->now_ms)
            continue;
        if (x->bearer == BEARER_HTTPS && x->state == EXCHANGE_SENT && smsr_session_works(t->smsr, &t->e->eid))
            note_try(t, x); /* the card has it and is at it: let it */
        else
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
    return (x->purpose == EXCHANGE_QUERY && x->bearer == BEARER_SMS) ||
           (x->purpose == EXCHANGE_CONFIRM && x->tries <= SMSR_CONFIRMATIONS_MAX);
}

/* "Counter low" has three causes. The packet was there before (sent again by us, or doubled by the network): the command
 * was executed and its answer is lost; or the card lost its power between counter and command. Or the card's counter is
 * ahead of ours: then nothing was executed. Only what just reads, confirms (the card knows a repeat by the sequence
 * number), or just asks the card to come, may be wrapped anew; for all else the procedure finds out with a reading. */
static bool counter_low(struct turn *t, struct exchange *x)
{
    enum err err = ERR_STATE;
    bool at_once = x->tries <= SMSR_COUNTER_JUMPS_MAX || x->purpose == EXCHANGE_CONFIRM;
    if (at_once && x->bearer == BEARER_HTTPS)
        err = smsr_trigger_make(t, x, SMSR_COUNTER_JUMP);
    else if (may_leave_anew(x))
        err = smsr_packet_make(t, x, &x->target, x->script, SMSR_COUNTER_JUMP);
    if (err != ERR_NONE)
        return x->bearer == BEARER_HTTPS; /* the script has nothing to do with it */
    smsr_exchange_changed(x);
    if (!at_once) { /* soon, for the card is there; but a card whose answers get lost is not chased */
        uint64_t soon = t->now_ms + 1000ull * t->config->resend_s;
        x->next_ms = x->next_ms < soon ? x->next_ms : soon;
        return true;
    }
    note_try(t, x);
    sms_post(t, x);
    return true;
}

static void por_refused(struct turn *t, struct exchange *x, uint8_t status)
{
    turn_log(t, LOG_WARN_, "the card refuses packet %u: %s", x->n, scp80_status_text(status));
    if (status == SCP80_COUNTER_LOW && counter_low(t, x))
        return;
    struct card_answer a = { .outcome = status == SCP80_COUNTER_LOW ? CARD_UNSURE : CARD_REFUSED };
    snprintf(a.why, sizeof a.why, "secured packet refused: %s", scp80_status_text(status));
    exchange_answered(t, x, &a);
}

static bool por_of(struct turn *t, struct exchange *x, struct span packet)
{
    struct scp80_response por;
    if (smsr_packet_por(t, x, packet, &por) != ERR_NONE)
        return false;
    turn_log(t, LOG_DEBUG_, "PoR to %u by SMS: %s", x->n, scp80_status_text(por.status));
    if (por.status != SCP80_OK) {
        por_refused(t, x, por.status);
    } else if (x->bearer == BEARER_SMS) {
        struct card_answer a = { .outcome = CARD_SAID };
        answer_read(por.data, &a);
        exchange_answered(t, x, &a);
    }
    return true; /* the PoR of a trigger says only that it arrived */
}

void smsr_exchange_por(struct turn *t, struct span packet)
{
    for (size_t i = 0; i < t->e->exchange_count; i++) {
        struct exchange *x = &t->e->exchanges[i];
        if (x->n && x->change != ROW_GONE && por_of(t, x, packet))
            return;
    }
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
        if (x->n && x->change != ROW_GONE && x->bearer == BEARER_HTTPS)
            smsr_exchange_again(t, x);
    }
}

static struct exchange *next_script(struct euicc *e)
{
    struct exchange *best = NULL;
    for (size_t i = 0; i < e->exchange_count; i++) {
        struct exchange *x = &e->exchanges[i];
        if (!x->n || x->change == ROW_GONE || x->bearer != BEARER_HTTPS)
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
    if (reply_ref_is_none(t->session))
        return;
    struct exchange *x = next_script(t->e);
    if (x)
        session_give(t, x, t->session);
    else
        session_reply(t, t->session, what_next(t), SPAN_NONE);
    t->session = (struct reply_ref){ 0 };
}
