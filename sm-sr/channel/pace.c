#include "pace.h"

#include "lib/base/mutant.h"

#include <stdio.h>

#define EVENT_TRIES 2u       /* leaves, each time that the card is heard of */
#define WAIT_MAX_MS 3600000u /* a budget is taken from that far ahead */

static const char *const modes[] = { [SMSR_DELIVERY_UNTIL] = "until", [SMSR_DELIVERY_NOW] = "now",
                                     [SMSR_DELIVERY_EVENT] = "event" };

const char *smsr_delivery_text(enum smsr_delivery mode) { return modes[mode]; }

bool smsr_delivery_from(const char *text, enum smsr_delivery *ret)
{
    for (size_t i = SMSR_DELIVERY_UNTIL; i < ARRAY_LEN(modes); i++)
        if (!strcmp(modes[i], text)) {
            *ret = (enum smsr_delivery)i;
            return true;
        }
    return false;
}

static enum smsr_delivery mode_of(const struct turn *t, const struct smsr_partner *p)
{
    return p && p->delivery ? p->delivery : t->config->delivery;
}

static const struct operation *operation_of(const struct turn *t, const struct exchange *x)
{
    return smsr_operation_by_n(t->e, x->operation);
}

static struct smsr_partner *requester_of(const struct turn *t, const struct operation *op)
{
    const struct smsr_partner *p = op ? smsr_partner_by_oid(t->smsr, op->requester.text) : NULL;
    return p ? &t->smsr->config.partners[p - t->smsr->config.partners] : NULL;
}

uint64_t smsr_pace_deadline(const struct turn *t, const struct smsr_partner *requester, uint64_t deadline_ms)
{
    uint64_t now_over = t->now_ms + 1000ull * t->config->now_s;
    return mode_of(t, requester) == SMSR_DELIVERY_NOW && now_over < deadline_ms ? now_over : deadline_ms;
}

bool smsr_pace_waits(const struct turn *t, const struct operation *op)
{
    return !t->heard && mode_of(t, requester_of(t, op)) == SMSR_DELIVERY_EVENT;
}

/* ---- pauses */

/* Up to a quarter more, of the eUICC and the try: the same when the turn runs again. */
static uint64_t spread(const struct turn *t, const struct exchange *x, uint64_t pause_ms)
{
    char mark[EID_TEXT_SIZE + 24];
    int len = snprintf(mark, sizeof mark, "%s/%u/%u", t->e->eid_text, x->n, x->tries);
    return pause_ms + span_hash((struct span){ (const uint8_t *)mark, (size_t)len }) % (pause_ms / 4 + 1);
}

static uint64_t pause_ms(const struct turn *t, const struct exchange *x)
{
    uint64_t s = (uint64_t)t->config->resend_s << (MUTANT(never_paces) ? 0 : x->tries < 10 ? x->tries : 10);
    return spread(t, x, 1000 * (s < t->config->resend_max_s ? s : t->config->resend_max_s));
}

/* As often as it may leave without a word of the card. */
static bool is_enough(const struct turn *t, const struct exchange *x)
{
    if (mode_of(t, requester_of(t, operation_of(t, x))) == SMSR_DELIVERY_EVENT)
        return x->tries % EVENT_TRIES == 0;
    return t->config->tries_max && x->tries % t->config->tries_max == 0;
}

/* ---- budgets */

static bool is_number_of(const struct smsr_network *network, const char *number)
{
    if (!network->prefix_count)
        return true;
    for (size_t i = 0; i < network->prefix_count; i++)
        if (!strncmp(network->prefixes[i], number, strlen(network->prefixes[i])))
            return true;
    return false;
}

/* The campaign's, or the one that was not used for longest. */
static struct smsr_campaign *campaign_of(struct smsr *s, const struct operation *op)
{
    const char *mark = strrchr(op->call_id, PACE_CAMPAIGN_MARK);
    if (!mark)
        return NULL;
    struct span name = { (const uint8_t *)op->call_id, (size_t)(mark - op->call_id) };
    uint64_t id = (uint64_t)span_hash(span_text(op->requester.text)) << 32 | span_hash(name);
    struct smsr_campaign *oldest = &s->campaigns[0];
    for (size_t i = 0; i < SMSR_CAMPAIGNS_MAX; i++) {
        if (s->campaigns[i].id == id)
            return &s->campaigns[i];
        if (s->campaigns[i].left.filled_ms < oldest->left.filled_ms)
            oldest = &s->campaigns[i];
    }
    *oldest = (struct smsr_campaign){ .id = id };
    return oldest;
}

struct budget {
    struct bucket *left;
    const struct bucket_rate *rate;
    const char *of, *name;
};
#define BUDGETS_MAX (SMSR_NETWORKS_MAX + 2u)

/* Those that a message of this exchange takes from. */
static size_t budgets_of(struct turn *t, const struct exchange *x, struct budget ret[BUDGETS_MAX])
{
    const struct operation *op = operation_of(t, x);
    struct smsr_partner *p = requester_of(t, op);
    struct smsr_campaign *campaign = p && p->campaign_retries.per_minute ? campaign_of(t->smsr, op) : NULL;
    size_t count = 0;
    for (size_t i = 0; i < t->config->network_count; i++)
        if (is_number_of(&t->config->networks[i], x->to))
            ret[count++] = (struct budget){ &t->smsr->networks[i], &t->config->networks[i].retries, "network ",
                                            t->config->networks[i].name };
    if (p && p->retries.per_minute)
        ret[count++] = (struct budget){ &p->retries_left, &p->retries, "", p->name };
    if (campaign)
        ret[count++] = (struct budget){ &campaign->left, &p->campaign_retries, "a campaign of ", p->name };
    return count;
}

static void tell(struct turn *t, const struct budget *b, uint64_t recovered)
{
    if (recovered)
        turn_log(t, LOG_INFO_, "the budget of %s%s holds again; %llu messages waited for it", b->of, b->name,
                 (unsigned long long)recovered);
    else if (b->left->turned_away == 1)
        turn_log(t, LOG_WARN_, "the budget of %s%s is used up: what leaves again waits", b->of, b->name);
}

/* How long it must wait for the slowest of them. */
static uint64_t take(struct turn *t, const struct exchange *x, uint64_t longest_ms)
{
    struct budget budgets[BUDGETS_MAX];
    size_t count = budgets_of(t, x, budgets);
    uint64_t longest = 0;
    for (size_t i = 0; i < count; i++) {
        const struct budget *b = &budgets[i];
        uint64_t wait = bucket_reserve(b->left, b->rate, t->now_ms, longest_ms);
        tell(t, b, bucket_recovered(b->left, b->rate));
        longest = wait > longest ? wait : longest;
    }
    return longest;
}

bool smsr_pace_allows(struct turn *t, struct exchange *x)
{
    uint64_t wait = x->reserved ? 0 : take(t, x, WAIT_MAX_MS);
    x->reserved = wait && wait != UINT64_MAX;
    if (!wait)
        return true;
    x->next_ms = t->now_ms + (x->reserved ? wait : WAIT_MAX_MS);
    smsr_exchange_changed(x);
    t->counts.held_back++;
    return false;
}

void smsr_pace_left(struct turn *t, struct exchange *x)
{
    uint64_t pause = pause_ms(t, x);
    if (!x->tries)
        (void)take(t, x, 0);
    x->tries++;
    x->reserved = false;
    x->next_ms = is_enough(t, x) ? PACE_PARKED : t->now_ms + pause;
    smsr_exchange_changed(x);
}
