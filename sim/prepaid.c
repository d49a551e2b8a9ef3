#include "prepaid.h"

static const struct device_faults *rules_of(const struct sim_network *n)
{
    return n->faults && n->faults->device.allowance_octets ? &n->faults->device : NULL;
}

void prepaid_begin(struct sim_network *n)
{
    const struct device_faults *f = rules_of(n);
    for (size_t i = 0; i < n->subscriber_count; i++)
        n->subscribers[i].allowance = f ? f->allowance_octets : UINT64_MAX;
}

static void recharged(void *context, uint64_t index)
{
    struct sim_network *n = context;
    const struct device_faults *f = rules_of(n);
    n->subscribers[index].allowance = f ? f->allowance_octets : UINT64_MAX;
    n->counts->recharges++;
}

/* What does not fit in is not carried, and nothing is left. */
static void run_out(struct sim_network *n, struct sim_subscriber *s, int card)
{
    uint32_t wait = rules_of(n)->recharge_max_ms;
    if (!s->allowance)
        return;
    steps_struck(world_steps(n->world), FAULT_DRY, card, NULL);
    clockwork_plan(world_time(n->world), world_now(n->world) + 1 + chance_below(world_fate(n->world), wait), recharged, n,
                   (uint64_t)(s - n->subscribers));
    s->allowance = 0;
}

bool prepaid_spend(struct sim_device *d, size_t octets)
{
    struct sim_network *n = d->network;
    struct sim_subscriber *s = sim_network_subscriber(n, modem_imsi(d->modem));
    if (!s || !rules_of(n))
        return true;
    if (s->allowance < octets || !s->allowance) {
        if (s->allowance && !world_lets(n->world)) { /* as if it had been recharged */
            s->allowance = rules_of(n)->allowance_octets;
            return true;
        }
        run_out(n, s, d->number);
        return false;
    }
    s->allowance -= octets;
    return true;
}
