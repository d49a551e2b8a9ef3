#include "journey.h"

#include <stdio.h>

#define WAY_MAX_MS 300000u

static void judge_leg(struct ecosystem *e, const struct journey_leg *leg, unsigned heard_before)
{
    const struct country *there = &sim_countries[leg->country];
    for (unsigned i = 0; i < e->options.card_count; i++) {
        const struct sim_device *d = e->cards[i].device;
        bool is_on = d->last.country == there && (modem_is_registered(d->modem) || sim_radios[d->serving->kind].hidden_s);
        if (!is_on || strcmp(d->last.imsi, e->cards[i].imsis[leg->imsi]) != 0)
            judge_says(e, "right-imsi", (int)i, "%s: %s with %s (%s), not with %s", there->name, is_on ? "attached" : "not attached",
                       modem_imsi(d->modem), d->serving ? sim_radios[d->serving->kind].name : "no network", e->cards[i].imsis[leg->imsi]);
    }
    if (e->network.asked != heard_before)
        judge_says(e, "by-itself", -1, "%s: server and cards spoke %u times", there->name, e->network.asked - heard_before);
}

static void travel(struct ecosystem *e, const struct journey *j, const struct journey_leg *leg)
{
    unsigned heard = e->network.asked;
    for (unsigned i = 0; i < e->options.card_count; i++)
        sim_device_move(e->cards[i].device, &sim_countries[leg->country],
                        world_now(e->world) + 1 + chance_below(world_fate(e->world), WAY_MAX_MS));
    ecosystem_device_troubles(e, &j->faults);
    world_run(e->world, j->stay_ms / 2, NULL, NULL);
    ecosystem_device_troubles(e, NULL);
    world_run(e->world, j->stay_ms - j->stay_ms / 2, NULL, NULL);
    judge_leg(e, leg, heard);
}

void journey_run(struct ecosystem *e, const struct journey *j)
{
    for (unsigned i = 0; i < j->leg_count; i++)
        travel(e, j, &j->legs[i]);
}
