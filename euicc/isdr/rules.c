#include "isdr.h"

#include "euicc/agent/agent.h"
#include "euicc/agent/cat_tp_agent.h"
#include "lib/ota/es6.h"

#define TAG_ICCID 0x5Au

static struct switch_rules *rules_of(struct card *card) { return &card->isdr->rules; }

enum err rules_put(struct objects *store, uint8_t slot, struct span content)
{
    return objects_put(store, OBJECT_KEY(slot, OBJ_ISDR, ISDR_RULES), content);
}

/* ---- where to ---- */

static bool may_go_to(const struct isdp *isdp)
{
    return isdp->state == ISDP_DISABLED && !(isdp->attributes & ISDP_LOCAL);
}

static struct isdp *by_iccid(struct card *card, const uint8_t iccid[ISDP_ICCID_LEN])
{
    struct isdp_registry *registry = card_registry(card);
    for (size_t i = 0; i < registry->count; i++)
        if (registry->items[i].has_iccid && !memcmp(registry->items[i].iccid, iccid, ISDP_ICCID_LEN))
            return &registry->items[i];
    return NULL;
}

/* Place n of the profile's list; without a list, of the card's profiles. */
static struct isdp *place(struct card *card, const struct local_switch *s, size_t n)
{
    return s->count ? by_iccid(card, s->to[n]) : &card_registry(card)->items[n];
}

static size_t places(struct card *card, const struct local_switch *s)
{
    return s->count ? s->count : card_registry(card)->count;
}

/* The place tried last by the enabled profile's rules, kept over resets: what failed and rolled back is not tried again
 * before the others had their turn. */
static object_key turn_key(struct card *card) { return OBJECT_KEY(card->profile, OBJ_ISDR, ISDR_RULES_TURN); }

static struct isdp *next_place(struct card *card, size_t *ret_n)
{
    const struct local_switch *s = &rules_of(card)->rules;
    uint8_t last = 0xFF;
    size_t count = places(card, s);
    bool any = objects_read(card->objects, turn_key(card), 0, &last, 1) == ERR_NONE;
    for (size_t i = 0; i < count; i++) {
        size_t n = (any ? last + 1u + i : i) % count;
        struct isdp *isdp = place(card, s, n);
        if (isdp && may_go_to(isdp)) {
            *ret_n = n;
            return isdp;
        }
    }
    return NULL;
}

static struct isdp *named_place(struct card *card, struct span iccid, size_t *ret_n)
{
    const struct local_switch *s = &rules_of(card)->rules;
    for (size_t n = 0; n < places(card, s); n++) {
        struct isdp *isdp = place(card, s, n);
        if (isdp && isdp->has_iccid && span_eq(SPAN_OF(isdp->iccid), iccid)) {
            *ret_n = n;
            return isdp;
        }
    }
    return NULL;
}

/* ---- going ---- */

static enum err turn_keep(struct card *card, size_t n)
{
    const uint8_t turn = (uint8_t)n;
    card_begin(card);
    enum err err = objects_put(card->objects, turn_key(card), (struct span){ &turn, 1 });
    if (err == ERR_NONE)
        return card_commit(card);
    card_rollback(card);
    return err;
}

static uint16_t go(struct card *card, const struct isdp *target, size_t n)
{
    const struct isdp *enabled = registry_enabled(card);
    if (!may_go_to(target) || !enabled || enabled->attributes & ISDP_LOCAL || switch_pending(card))
        return SW_CONDITIONS;
    if (enabled->pol1 & POL1_NO_DISABLE)
        return SW_POL1;
    uint16_t slot = target->slot;
    enum err err = turn_keep(card, n);
    if (err == ERR_NONE)
        err = switch_now(card, SWITCH_ENABLE, slot);
    return err == ERR_STATE ? SW_CONDITIONS : sw_of_err(err);
}

uint16_t rules_order(struct card *card, struct span value)
{
    struct reader r = rd_of(value);
    struct tlv t;
    size_t n = 0;
    if (!rules_of(card)->rules.by_device)
        return SW_CONDITIONS;
    if (value.len && (!tlv_next(&r, &t) || t.tag != TAG_ICCID || rd_finish(&r) != ERR_NONE))
        return SW_WRONG_DATA;
    const struct isdp *target = value.len ? named_place(card, t.val, &n) : next_place(card, &n);
    return target ? go(card, target, n) : SW_NOT_FOUND;
}

/* ---- time ---- */

void rules_start(struct card *card)
{
    struct switch_rules *run = rules_of(card);
    uint8_t content[LOCAL_SWITCH_CONTENT_MAX];
    size_t len;
    *run = (struct switch_rules){ .after_ms = UINT64_MAX };
    object_key key = OBJECT_KEY(card->profile, OBJ_ISDR, ISDR_RULES);
    if (!card->profile || objects_get(card->objects, key, content, sizeof content, &len) != ERR_NONE)
        return;
    enum err err = local_switch_parse((struct span){ content, len }, &run->rules);
    if (err != ERR_NONE)
        log_fact(card->env.log, LOG_WARN_, NULL, "the profile's rules for switching cannot be read: %s", err_text(err));
    if (run->rules.after_s)
        run->after_ms = card_now_ms(card) + run->rules.after_s * 1000ull;
}

static uint64_t due(struct card *card)
{
    const struct switch_rules *run = rules_of(card);
    const struct switch_run *sw = &card->isdr->sw;
    uint64_t at = run->after_ms;
    bool busy = sw->state.phase != SWITCH_IDLE || agent_is_open(card) || cat_tp_is_busy(card);
    if (busy || sw->state.home)
        return UINT64_MAX; /* one thing after the other; and not while the device has a profile of its own choice */
    if (run->rules.no_service_s && sw->lost_since_ms != SWITCH_NEVER) {
        uint64_t lost = sw->lost_since_ms + run->rules.no_service_s * 1000ull;
        at = lost < at ? lost : at;
    }
    return at != UINT64_MAX && at < run->not_before_ms ? run->not_before_ms : at;
}

uint64_t rules_idle(struct card *card, uint64_t now_ms)
{
    struct switch_rules *run = rules_of(card);
    size_t n = 0;
    if (due(card) <= now_ms) {
        const struct isdp *target = next_place(card, &n);
        uint16_t sw = target ? go(card, target, n) : SW_NOT_FOUND;
        log_fact(card->env.log, LOG_INFO_, NULL, "the profile's rules ask for another one: %04X", sw);
        run->not_before_ms = now_ms + card->isdr->timing.retry_wait_s * 1000ull;
    }
    return due(card);
}

/* ---- a device that sleeps ---- */

void rules_suspend(struct card *card, struct writer *w)
{
    wr_u32(w, card_left_ms(card, rules_of(card)->after_ms));
    wr_u32(w, card_left_ms(card, rules_of(card)->not_before_ms));
}

void rules_resume(struct card *card, struct reader *r)
{
    rules_start(card);
    rules_of(card)->after_ms = card_due_ms(card, rd_u32(r));
    rules_of(card)->not_before_ms = card_due_ms(card, rd_u32(r));
}
