#include "isdr.h"

#include "euicc/notify/notify.h"
#include "lib/base/mutant.h"

#define SWITCH_STORED_MAX (14u + ES5_NOTIFICATION_MAX)

static struct switch_run *run_of(struct card *card) { return &card->isdr->sw; }
static uint64_t in_seconds(struct card *card, uint32_t seconds)
{
    return card_now_ms(card) + (uint64_t)seconds * 1000u;
}

/* ---- the stored object ---- */

static enum err state_put(struct card *card, const struct switch_state *s)
{
    WRITER_ON_STACK(w, SWITCH_STORED_MAX);
    wr_u8(&w, s->phase);
    wr_u8(&w, s->cause);
    wr_u8(&w, s->first_done);
    wr_u8(&w, s->tries);
    wr_u16(&w, s->target);
    wr_u16(&w, s->previous);
    wr_u16(&w, s->sequence);
    wr_u8(&w, s->e1_len);
    wr_bytes(&w, (struct span){ s->e1, s->e1_len });
    wr_u16(&w, s->home);
    wr_u8(&w, s->spent);
    return w.err != ERR_NONE ? w.err : objects_put(card->objects, ISDR_KEY(ISDR_SWITCH), wr_span(&w));
}

enum err switch_load(struct card *card)
{
    uint8_t stored[SWITCH_STORED_MAX];
    size_t len;
    struct switch_state s = { 0 };
    enum err err = objects_get(card->objects, ISDR_KEY(ISDR_SWITCH), stored, sizeof stored, &len);
    if (err == ERR_NOT_FOUND) {
        run_of(card)->state = s;
        return ERR_NONE;
    }
    if (err != ERR_NONE)
        return err;
    struct reader r = rd_of((struct span){ stored, len });
    s.phase = rd_u8(&r);
    s.cause = rd_u8(&r);
    s.first_done = rd_u8(&r);
    s.tries = rd_u8(&r);
    s.target = rd_u16(&r);
    s.previous = rd_u16(&r);
    s.sequence = rd_u16(&r);
    s.e1_len = rd_u8(&r);
    if (s.e1_len > sizeof s.e1 || s.phase > SWITCH_NOTIFYING || s.cause >= SWITCH_CAUSE_COUNT)
        return ERR_BAD_VALUE;
    rd_copy(&r, s.e1, s.e1_len);
    if (rd_left(&r)) { /* an image of before has none of these */
        s.home = rd_u16(&r);
        s.spent = rd_u8(&r);
    }
    if (rd_finish(&r) == ERR_NONE)
        run_of(card)->state = s;
    return r.err;
}

/* Writes the state in a transaction of its own; RAM keeps what is stored. */
static enum err state_save(struct card *card, const struct switch_state *s)
{
    card_begin(card);
    enum err err = state_put(card, s);
    if (err == ERR_NONE)
        err = card_commit(card);
    else
        card_rollback(card);
    if (err == ERR_NONE)
        run_of(card)->state = *s;
    return err;
}

/* ---- deciding ---- */

static bool is_under_way(const struct switch_state *s)
{
    return s->phase == SWITCH_PENDING || (s->phase != SWITCH_IDLE && s->cause != SWITCH_FIRST);
}

bool switch_pending(const struct card *card) { return card->isdr->sw.state.phase == SWITCH_PENDING; }

bool switch_needs(const struct card *card, uint16_t slot)
{
    const struct switch_state *s = &card->isdr->sw.state;
    return (is_under_way(s) && (slot == s->target || slot == s->previous)) || (s->home && slot == s->home);
}

enum err switch_ask(struct card *card, enum switch_cause cause, uint16_t target_slot)
{
    struct switch_run *run = run_of(card);
    bool ordered = cause == SWITCH_ENABLE || cause == SWITCH_DISABLE || cause == SWITCH_LOCAL_ENABLE;
    bool again = cause == SWITCH_LOCAL_ENABLE && run->state.cause == SWITCH_LOCAL_DISABLE;
    if (run->state.phase == SWITCH_PENDING || (ordered && !again && is_under_way(&run->state)))
        return ERR_STATE;
    const struct isdp *enabled = registry_enabled(card);
    struct switch_state s = run->state;
    s.phase = SWITCH_PENDING;
    s.cause = (uint8_t)cause;
    s.target = target_slot;
    s.previous = enabled ? enabled->slot : 0;
    s.tries = s.spent = 0;
    s.e1_len = 0;
    s.home = cause == SWITCH_LOCAL_ENABLE ? s.previous : 0;
    enum err err = state_put(card, &s);
    if (err != ERR_NONE)
        return err;
    run->state = s;
    run->released = false;
    run->ignored = 0;
    run->refreshing = false;
    run->deadline_ms = SWITCH_NEVER;
    return ERR_NONE;
}

/* ---- REFRESH ---- */

/* Done or not, the switch is carried out by the reset; if none comes the REFRESH is asked for again: of a terminal that
 * was busy soon, of one that says it is done and does nothing less and less often. */
static void refreshed(struct card *card, void *context, const struct terminal_response *response)
{
    (void)context;
    struct switch_run *run = run_of(card);
    const struct euicc_timing *t = &card->isdr->timing;
    run->refreshing = false;
    if (response->end != PROACTIVE_ANSWERED)
        return;
    uint64_t wait_s = (uint64_t)t->refresh_retry_s << run->ignored;
    run->deadline_ms =
        in_seconds(card, wait_s < t->notification_interval_s ? (uint32_t)wait_s : t->notification_interval_s);
    if (result_is_done(response->result) && run->ignored < SWITCH_IGNORED_MAX)
        run->ignored++;
}

void switch_release(struct card *card)
{
    struct switch_run *run = run_of(card);
    if (run->state.phase != SWITCH_PENDING || run->refreshing)
        return;
    run->released = true;
    run->refreshing = proactive_refresh(card, REFRESH_UICC_RESET, refreshed, NULL) == ERR_NONE;
    run->deadline_ms = run->refreshing ? SWITCH_NEVER : in_seconds(card, card->isdr->timing.refresh_retry_s);
}

enum err switch_now(struct card *card, enum switch_cause cause, uint16_t slot)
{
    card_begin(card);
    enum err err = isdr_change_end(card, switch_ask(card, cause, slot));
    if (err == ERR_NONE)
        switch_release(card);
    return err;
}

/* As the card decides it: what fails now is due again later. */
static void ask_and_refresh(struct card *card, enum switch_cause cause, uint16_t slot)
{
    enum err err = switch_now(card, cause, slot);
    if (err != ERR_NONE)
        log_fact(card->env.log, LOG_WARN_, NULL, "a switch is due and not possible: %s", err_text(err));
}

/* ---- reset ---- */

static enum err carry_out(struct card *card)
{
    struct switch_state s = run_of(card)->state;
    struct isdp *target = registry_by_slot(card, s.target);
    enum err err = ERR_NONE;
    card_begin(card);
    if (target && isdp_has_profile(target)) {
        err = registry_switch(card, target);
        s.phase = SWITCH_ATTACHING;
    } else {
        s.phase = SWITCH_IDLE; /* cannot be: what a switch needs is not deleted */
    }
    if (MUTANT(power_cut_ends_the_switch) && !run_of(card)->released)
        s.phase = SWITCH_IDLE;
    if (err == ERR_NONE)
        err = state_put(card, &s);
    if (err == ERR_NONE)
        err = card_commit(card);
    else
        card_rollback(card);
    return err == ERR_NONE ? switch_load(card) : isdr_reload(card);
}

/* ---- the attach guard ---- */

static uint64_t guard_part_ms(struct card *card)
{
    uint64_t part = (uint64_t)card->isdr->timing.attach_guard_s * 1000u / SWITCH_GUARD_PARTS;
    return part ? part : 1;
}

static void guard_start(struct card *card)
{
    struct switch_run *run = run_of(card);
    run->guard_since_ms = card_now_ms(card);
    run->deadline_ms = run->guard_since_ms + guard_part_ms(card);
}

/* Writes down what is spent; true: nothing is left of it. */
static bool guard_spend(struct card *card, uint64_t parts)
{
    struct switch_state s = run_of(card)->state;
    parts += s.spent;
    s.spent = (uint8_t)(parts < SWITCH_GUARD_PARTS ? parts : SWITCH_GUARD_PARTS);
    if (s.spent == run_of(card)->state.spent)
        return s.spent >= SWITCH_GUARD_PARTS;
    struct switch_state stored = s;
    if (stored.e1_len) /* it is in RAM alone that a notification waits for the network */
        stored.phase = SWITCH_NOTIFYING;
    if (state_save(card, &stored) == ERR_NONE)
        run_of(card)->state.phase = s.phase;
    return s.spent >= SWITCH_GUARD_PARTS;
}

static struct isdp *way_back(struct card *card, enum switch_cause *ret_cause);

/* The device resets again and again and never gets to the network: back without being asked. */
static void guard_at_reset(struct card *card)
{
    enum switch_cause cause;
    if (!guard_spend(card, 1))
        return;
    const struct isdp *back = way_back(card, &cause);
    if (!back)
        return;
    uint16_t slot = back->slot;
    card_begin(card);
    enum err err = switch_ask(card, cause, slot);
    if (err == ERR_NONE)
        err = card_commit(card);
    else
        card_rollback(card);
    err = err == ERR_NONE ? carry_out(card) : isdr_reload(card);
    if (err != ERR_NONE)
        log_fact(card->env.log, LOG_ERROR_, NULL, "switch given up, not undone: %s", err_text(err));
}

static bool looks_for_network(const struct switch_state *s)
{
    return (s->phase == SWITCH_ATTACHING || s->phase == SWITCH_NOTIFYING) && s->cause != SWITCH_FIRST;
}

void switch_reset(struct card *card)
{
    struct switch_run *run = run_of(card);
    bool pending = run->state.phase == SWITCH_PENDING;
    if (pending && carry_out(card) != ERR_NONE)
        return;
    if (!pending && looks_for_network(&run->state) && card->suspension == SUSPENSION_NONE)
        guard_at_reset(card);
    struct switch_state kept = run->state;
    *run = (struct switch_run){ .state = kept, .deadline_ms = SWITCH_NEVER, .lost_since_ms = SWITCH_NEVER };
    if (kept.phase == SWITCH_IDLE && !kept.first_done && registry_enabled(card) &&
        !MUTANT(never_tells_the_first_attach)) {
        run->state.phase = SWITCH_ATTACHING;
        run->state.cause = SWITCH_FIRST;
    } else if (kept.phase == SWITCH_NOTIFYING) {
        run->state.phase = SWITCH_ATTACHING; /* in RAM: first the network again, then the same notification */
    }
    if (looks_for_network(&run->state))
        guard_start(card);
}

/* ---- a device that sleeps ---- */

static uint64_t fallback_ms(const struct card *card) { return (uint64_t)card->isdr->timing.fallback_s * 1000u; }

/* The end of the time without service after which the fall-back profile takes over. */
static uint64_t lost_until(struct card *card)
{
    uint64_t since = run_of(card)->lost_since_ms;
    return since == SWITCH_NEVER ? SWITCH_NEVER : since + fallback_ms(card);
}

bool switch_may_suspend(const struct card *card)
{
    const struct switch_state *s = &card->isdr->sw.state;
    return s->phase != SWITCH_PENDING && (s->phase != SWITCH_ATTACHING || s->cause == SWITCH_FIRST);
}

void switch_suspend(struct card *card, struct writer *w)
{
    const struct switch_run *run = run_of(card);
    wr_u8(w, run->state.phase);
    wr_u8(w, run->serviced);
    wr_u32(w, card_left_ms(card, run->deadline_ms));
    wr_u32(w, card_left_ms(card, lost_until(card)));
}

void switch_resume(struct card *card, struct reader *r)
{
    struct switch_run *run = run_of(card);
    run->state.phase = rd_u8(r);
    run->serviced = rd_u8(r) != 0;
    run->deadline_ms = card_due_ms(card, rd_u32(r));
    uint64_t until = card_due_ms(card, rd_u32(r));
    run->lost_since_ms = until == SWITCH_NEVER ? SWITCH_NEVER : until - fallback_ms(card);
}

/* ---- notification ---- */

static uint8_t notification_type(uint8_t cause)
{
    static const uint8_t types[] = {
        [SWITCH_FIRST] = ES5_FIRST_ATTACH,         [SWITCH_ENABLE] = ES5_CHANGE_SUCCEEDED,
        [SWITCH_DISABLE] = ES5_CHANGE_SUCCEEDED,   [SWITCH_ROLLBACK] = ES5_CHANGE_ROLLED_BACK,
        [SWITCH_FALLBACK] = ES5_FALLBACK,          [SWITCH_LOCAL_ENABLE] = ES5_LOCAL_ENABLE,
        [SWITCH_LOCAL_DISABLE] = ES5_LOCAL_DISABLE
    };
    if (MUTANT(calls_every_change_a_success) && cause != SWITCH_FIRST)
        return ES5_CHANGE_SUCCEEDED;
    return types[cause];
}

static enum err e1_build(struct card *card, struct switch_state *s)
{
    const struct isdp *enabled = registry_enabled(card);
    struct es5_notification n = { .eid = card->eid,
                                  .type = notification_type(s->cause),
                                  .sequence = (uint16_t)(s->sequence + (MUTANT(sequence_stands_still) ? 0 : 1)),
                                  .has_imei = card->has_imei };
    if (!enabled || !aid_set(&n.isdp, isdp_aid(enabled)))
        return ERR_STATE;
    memcpy(n.imei, card->imei, sizeof n.imei);
    WRITER_ON_STACK(w, ES5_NOTIFICATION_MAX);
    es5_notification_write(&w, &n);
    if (w.err != ERR_NONE)
        return w.err;
    s->sequence = n.sequence;
    s->e1_len = (uint8_t)w.len;
    memcpy(s->e1, w.buf, w.len);
    return ERR_NONE;
}

/* One try: built and counted in memory first, then sent; the same octets every time. */
static void notification_try(struct card *card)
{
    struct switch_run *run = run_of(card);
    struct switch_state s = run->state;
    unsigned attempt = s.tries;
    run->deadline_ms = in_seconds(card, card->isdr->timing.notification_interval_s);
    if ((s.e1_len == 0 || MUTANT(retry_is_a_new_notification)) && e1_build(card, &s) != ERR_NONE)
        return;
    s.phase = SWITCH_NOTIFYING;
    s.spent = 0;
    s.tries = (uint8_t)(s.tries < UINT8_MAX ? s.tries + 1 : s.tries);
    if (state_save(card, &s) != ERR_NONE)
        return;
    if (notify_send(card, (struct span){ run->state.e1, run->state.e1_len }, attempt) != ERR_NONE)
        switch_notification_failed(card);
}

void switch_notification_failed(struct card *card)
{
    struct switch_run *run = run_of(card);
    if (run->state.phase != SWITCH_NOTIFYING)
        return;
    uint32_t wait_s = card->isdr->timing.retry_wait_s, interval_s = card->isdr->timing.notification_interval_s;
    run->deadline_ms = in_seconds(card, wait_s < interval_s ? wait_s : interval_s);
}

/* The profile that was just left, if its POL1 says so (SGP.02 §3.2 step 13; not after a roll-back). */
static enum err delete_by_pol1(struct card *card, const struct switch_state *s, struct es5_deleted *ret)
{
    struct isdp *left = s->previous ? registry_by_slot(card, s->previous) : NULL;
    bool asks_pol1 = s->cause == SWITCH_ENABLE || s->cause == SWITCH_DISABLE || s->cause == SWITCH_FALLBACK;
    if (!asks_pol1 || !left || left->state != ISDP_DISABLED || left->attributes & ISDP_FALLBACK ||
        !(left->pol1 & POL1_DELETE_ON_DISABLE))
        return ERR_NONE;
    struct aid aid = { .len = 0 };
    if (!aid_set(&aid, isdp_aid(left)))
        return ERR_BAD_VALUE;
    enum err err = registry_delete(card, left);
    if (err == ERR_NONE)
        ret->isdp[ret->count++] = aid;
    return err;
}

enum err switch_confirm(struct card *card, uint16_t sequence, struct es5_deleted *ret_deleted)
{
    struct switch_run *run = run_of(card);
    struct switch_state s = run->state;
    struct es5_deleted deleted = { .count = 0 };
    if (s.e1_len == 0 || s.phase == SWITCH_IDLE || s.phase == SWITCH_PENDING)
        return MUTANT(confirms_what_nobody_asked) ? ERR_NONE : ERR_STATE;
    if (s.sequence != sequence && !MUTANT(takes_any_confirmation))
        return ERR_NOT_FOUND;
    card_begin(card);
    enum err err = MUTANT(pol1_deletes_nothing) ? ERR_NONE : delete_by_pol1(card, &s, &deleted);
    s.phase = SWITCH_IDLE;
    s.first_done = !MUTANT(tells_the_first_attach_again);
    s.tries = 0;
    s.e1_len = 0;
    s.target = s.previous = 0;
    if (err == ERR_NONE)
        err = state_put(card, &s);
    err = isdr_change_end(card, err);
    if (err != ERR_NONE)
        return err;
    run->state = s;
    run->deadline_ms = SWITCH_NEVER;
    *ret_deleted = deleted;
    return ERR_NONE;
}

/* ---- service and time ---- */

void switch_terminal_ready(struct card *card)
{
    struct switch_run *run = run_of(card);
    if (!run->serviced)
        run->lost_since_ms = card_now_ms(card);
    if (run->state.phase == SWITCH_PENDING && run->released)
        switch_release(card);
}

/* Nobody is told of a test profile. */
static bool is_silent(struct card *card)
{
    const struct switch_state *s = &run_of(card)->state;
    const struct isdp *test = registry_by_slot(card, s->cause == SWITCH_LOCAL_ENABLE ? s->target : s->previous);
    return (s->cause == SWITCH_LOCAL_ENABLE || s->cause == SWITCH_LOCAL_DISABLE) && test &&
           test->attributes & ISDP_TEST;
}

static void attached(struct card *card)
{
    struct switch_run *run = run_of(card);
    if (!is_silent(card)) {
        notification_try(card);
        return;
    }
    struct switch_state s = run->state;
    s.phase = SWITCH_IDLE;
    s.target = s.previous = 0;
    if (state_save(card, &s) == ERR_NONE)
        run->deadline_ms = SWITCH_NEVER;
}

void switch_service(struct card *card, bool serviced)
{
    struct switch_run *run = run_of(card);
    if (serviced)
        run->lost_since_ms = SWITCH_NEVER;
    else if (run->serviced)
        run->lost_since_ms = card_now_ms(card);
    run->serviced = serviced;
    if (serviced && run->state.phase == SWITCH_ATTACHING)
        attached(card);
}

/* Where to when there is no network, or nobody confirms: where we came from, or the fall-back profile, or NULL. */
static struct isdp *way_back(struct card *card, enum switch_cause *ret_cause)
{
    const struct switch_state *s = &run_of(card)->state;
    struct isdp *before = s->previous ? registry_by_slot(card, s->previous) : NULL;
    struct isdp *holder = registry_fallback(card);
    bool chosen = s->cause == SWITCH_ENABLE || s->cause == SWITCH_DISABLE;
    bool stays = s->cause == SWITCH_FALLBACK || s->cause == SWITCH_FIRST || s->cause == SWITCH_LOCAL_ENABLE;
    if (MUTANT(forgets_to_roll_back))
        return NULL;
    *ret_cause = chosen && before && isdp_has_profile(before) ? SWITCH_ROLLBACK : SWITCH_FALLBACK;
    if (*ret_cause == SWITCH_ROLLBACK)
        return before;
    return !stays && holder && holder != registry_enabled(card) ? holder : NULL;
}

/* Back, or on and on. */
static void give_up(struct card *card)
{
    enum switch_cause cause;
    const struct isdp *back = way_back(card, &cause);
    if (back)
        ask_and_refresh(card, cause, back->slot);
    else if (run_of(card)->state.phase == SWITCH_ATTACHING)
        guard_start(card);
    else
        notification_try(card);
}

/* It waits for the network as after a reset: a try without service would be a wasted one. */
static void notification_due(struct card *card)
{
    struct switch_run *run = run_of(card);
    if (run->serviced) {
        notification_try(card);
        return;
    }
    run->state.phase = SWITCH_ATTACHING;
    if (run->state.cause != SWITCH_FIRST)
        guard_start(card);
}

static void deadline_passed(struct card *card)
{
    struct switch_run *run = run_of(card);
    run->deadline_ms = SWITCH_NEVER;
    switch (run->state.phase) {
    case SWITCH_PENDING:
        switch_release(card);
        break;
    case SWITCH_ATTACHING:
        if (guard_spend(card, (card_now_ms(card) - run->guard_since_ms) / guard_part_ms(card)) &&
            !MUTANT(waits_for_ever_for_a_network))
            give_up(card);
        else
            guard_start(card);
        break;
    case SWITCH_NOTIFYING:
        if (run->state.tries >= card->isdr->timing.notification_tries && run->state.cause != SWITCH_FIRST &&
            !MUTANT(asks_for_ever_for_a_confirmation))
            give_up(card);
        else
            notification_due(card);
        break;
    default:
        break;
    }
}

/* Fall-back mechanism, SGP.02 §3.4 (POL1 is not asked); suspended while the device has a profile of its own choice. */
static uint64_t network_lost_at(struct card *card)
{
    const struct switch_run *run = run_of(card);
    if (run->lost_since_ms == SWITCH_NEVER)
        return SWITCH_NEVER;
    const struct isdp *holder = registry_fallback(card), *enabled = registry_enabled(card);
    if (MUTANT(never_falls_back) || is_under_way(&run->state) || !holder || holder == enabled || run->state.home ||
        (MUTANT(fallback_asks_pol1) && enabled->pol1 & POL1_NO_DISABLE))
        return SWITCH_NEVER;
    return lost_until(card);
}

/* What was due longer ago than a terminal polls came due while the device slept: what the network has for us arrives
 * only now. So it is due a little later, once, and the sleep counts for nothing. Returns the time to put it off by;
 * *off_until remembers. */
static uint64_t slept_over(struct card *card, uint64_t now_ms, uint64_t due_ms, uint64_t *off_until)
{
    const struct euicc_timing *t = &card->isdr->timing;
    uint64_t retry_ms = t->retry_wait_s * 1000ull;
    bool long_ago = due_ms != SWITCH_NEVER && due_ms + t->poll_interval_s * 1000ull + retry_ms < now_ms;
    if (!long_ago || due_ms == *off_until)
        return 0;
    *off_until = now_ms + retry_ms;
    return *off_until - due_ms;
}

/* The first thing that the loss of the network leads to: the fall-back profile, or what the profile's own rules say. */
static uint64_t loss_counts_at(struct card *card)
{
    uint64_t own_ms = card->isdr->rules.rules.no_service_s * 1000ull, until = lost_until(card);
    bool first = own_ms && until != SWITCH_NEVER && run_of(card)->lost_since_ms + own_ms < until;
    return first ? run_of(card)->lost_since_ms + own_ms : until;
}

static void wake_up(struct card *card, uint64_t now_ms)
{
    struct switch_run *run = run_of(card);
    uint64_t off =
        run->state.phase == SWITCH_PENDING ? 0 : slept_over(card, now_ms, run->deadline_ms, &run->deadline_off_ms);
    run->deadline_ms += off;
    run->guard_since_ms += off;
    run->lost_since_ms += slept_over(card, now_ms, loss_counts_at(card), &run->lost_off_ms);
}

uint64_t switch_idle(struct card *card, uint64_t now_ms)
{
    struct switch_run *run = run_of(card);
    wake_up(card, now_ms);
    if (run->deadline_ms <= now_ms)
        deadline_passed(card);
    uint64_t lost_at = network_lost_at(card);
    if (lost_at <= now_ms) {
        ask_and_refresh(card, SWITCH_FALLBACK, registry_fallback(card)->slot);
        lost_at = network_lost_at(card);
    }
    return run->deadline_ms < lost_at ? run->deadline_ms : lost_at;
}
