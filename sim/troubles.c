/* What goes wrong with an ecosystem: as a scenario's faults say, or aimed at one step (ecosystem.h). */
#include "ecosystem.h"
#include "prepaid.h"

const struct weather ECOSYSTEM_SMS_WEATHER = { .delay_min_ms = 500, .delay_max_ms = 5000 };
#define AIM_REFUSED_MS  1800000u
#define AIM_SILENCE_MS  1200000u
#define AIM_TORN_OCTETS 1200u
#define AIM_PACKET_OCTETS 48u
#define AIM_LATER_MS    6000u
#define AIM_BLINK_MS    500u

static void accepted_again(void *context, uint64_t imsi)
{
    struct ecosystem *e = context;
    e->network.subscribers[imsi].refused = false;
}

/* The home network does not want one of the operational subscriptions for a while; the device notices when it attaches. */
static void trouble_refused(void *context, uint64_t card)
{
    struct ecosystem *e = context;
    const struct device_faults *f = &e->faults.device;
    struct chance *fate = world_fate(e->world);
    if (!e->network.faults)
        return;
    const char *imsi = e->cards[card].profiles[chance_below(fate, e->options.profile_count)].imsi;
    bool lets = world_lets(e->world);
    for (size_t i = 0; lets && i < e->network.subscriber_count; i++)
        if (!strcmp(e->network.subscribers[i].imsi, imsi)) {
            e->network.subscribers[i].refused = true;
            e->fault_counts.refusals++;
            steps_struck(world_steps(e->world), FAULT_REFUSED, (int)card, NULL);
            clockwork_plan(world_time(e->world), world_now(e->world) + 1 + chance_below(fate, f->refused_max_ms), accepted_again, e, i);
        }
    if (chance_below(fate, 2) && lets)
        sim_device_cut(e->cards[card].device);
    clockwork_plan(world_time(e->world), world_now(e->world) + 1 + chance_below(fate, 2 * f->refused_every_ms), trouble_refused, e, card);
}

/* Each device is in one of two cells. */
static void trouble_jam(void *context, uint64_t argument)
{
    struct ecosystem *e = context;
    struct chance *fate = world_fate(e->world);
    (void)argument;
    if (!e->network.faults)
        return;
    uint64_t until = world_now(e->world) + 1 + chance_below(fate, e->faults.jam_max_ms);
    unsigned cell = chance_below(fate, 2);
    bool lets = world_lets(e->world);
    for (unsigned i = cell; lets && i < e->options.card_count; i += 2)
        sim_device_silence(e->cards[i].device, until);
    clockwork_plan(world_time(e->world), world_now(e->world) + 1 + chance_below(fate, 2 * e->faults.jam_every_ms), trouble_jam, e, 0);
}

#define WAY_HOME_MS 300000u

void ecosystem_go_home(struct ecosystem *e)
{
    for (unsigned i = 0; e->options.countries && i < e->options.card_count; i++)
        if (e->cards[i].device->country != &sim_countries[0])
            sim_device_move(e->cards[i].device, &sim_countries[0], world_now(e->world) + WAY_HOME_MS);
}

static struct weather or_else(struct weather asked, struct weather ordinary)
{
    if (!asked.delay_max_ms) {
        asked.delay_min_ms = ordinary.delay_min_ms;
        asked.delay_max_ms = ordinary.delay_max_ms;
    }
    return asked;
}

/* As e->faults says; without faults: none any more. */
static void devices_troubles(struct ecosystem *e)
{
    uint32_t refused_every_ms = e->network.faults ? e->faults.device.refused_every_ms : 0;
    for (unsigned i = 0; i < e->options.card_count; i++) {
        if (e->network.faults)
            sim_device_troubles(e->cards[i].device);
        else
            sim_device_calm(e->cards[i].device);
        if (refused_every_ms)
            clockwork_plan(world_time(e->world), world_now(e->world) + 1 + chance_below(world_fate(e->world), 2 * refused_every_ms),
                           trouble_refused, e, i);
    }
}

void ecosystem_device_troubles(struct ecosystem *e, const struct device_faults *faults)
{
    e->faults = (struct faults){ .device = faults ? *faults : (struct device_faults){ 0 } };
    e->network.faults = faults ? &e->faults : NULL;
    devices_troubles(e);
}

static void server_troubles(struct ecosystem *e, struct sim_role *r, const struct server_faults *faults)
{
    r->counts = &e->fault_counts;
    sim_role_faults(r, faults);
}

void ecosystem_troubles(struct ecosystem *e, const struct faults *faults)
{
    struct world *w = e->world;
    e->faults = faults ? *faults : (struct faults){ 0 };
    struct weather request = or_else(e->faults.request, WORLD_LAN), answer = or_else(e->faults.answer, WORLD_LAN);
    e->network.faults = faults ? &e->faults : NULL;
    prepaid_begin(&e->network);
    world_strikes(w)->armed = faults != NULL;
    e->network.sms_up = or_else(e->faults.sms_up, ECOSYSTEM_SMS_WEATHER);
    e->network.sms_down = or_else(e->faults.sms_down, ECOSYSTEM_SMS_WEATHER);
    e->network.datagrams = or_else(e->faults.datagrams, e->network.air);
    world_soap_weather(w, &request, &answer);
    if (faults && faults->jam_every_ms)
        clockwork_plan(world_time(w), world_now(w) + faults->jam_every_ms, trouble_jam, e, 0);
    server_troubles(e, &e->smsr->role, faults ? &e->faults.smsr : NULL);
    server_troubles(e, &e->smdp->role, faults ? &e->faults.smdp : NULL);
    if (e->other)
        server_troubles(e, &e->other->role, faults ? &e->faults.smsr : NULL);
    for (unsigned i = 1; i < e->smsr->process_count; i++)
        server_troubles(e, &e->smsr->processes[i]->role, faults ? &e->faults.smsr : NULL);
    devices_troubles(e);
}

/* ---- aiming ---- */

static void dry_up(struct ecosystem *e, struct sim_device *d)
{
    struct sim_subscriber *s = sim_network_subscriber(&e->network, modem_imsi(d->modem));
    if (s)
        s->allowance = s->allowance ? 1 : 0; /* the next octets do not fit in */
}

static void refuse(struct ecosystem *e, struct sim_device *d, int card)
{
    struct sim_subscriber *s = sim_network_subscriber(&e->network, modem_imsi(d->modem));
    if (!s)
        return;
    s->refused = true;
    e->fault_counts.refusals++;
    steps_struck(world_steps(e->world), FAULT_REFUSED, card, NULL);
    clockwork_plan(world_time(e->world), world_now(e->world) + 1 + chance_below(world_fate(e->world), AIM_REFUSED_MS), accepted_again, e,
                   (uint64_t)(s - e->network.subscribers));
    sim_device_cut(d);
}

/* Every second time within what a card writes for a single packet. */
static uint32_t torn_after(uint32_t drawn) { return 1 + (drawn % 2 ? drawn % AIM_PACKET_OCTETS : drawn); }

/* Every second time it is given something to write: it loses the network for a moment, and comes back to it. */
static void tear(struct ecosystem *e, struct sim_device *d)
{
    struct chance *fate = world_fate(e->world);
    nvm_memory_cut_after(&d->memory, torn_after(chance_below(fate, AIM_TORN_OCTETS)));
    uint64_t until = world_now(e->world) + 1 + chance_below(fate, AIM_BLINK_MS);
    if (chance_below(fate, 2))
        sim_device_silence(d, until);
}

/* Kinds that do not wait for something to befall. */
static void strike_card(struct ecosystem *e, enum fault_kind kind, int card)
{
    struct sim_device *d = e->cards[card].device;
    struct chance *fate = world_fate(e->world);
    switch (kind) {
    case FAULT_POWER: sim_device_cut(d); break;
    case FAULT_TORN: tear(e, d); break;
    case FAULT_SILENCE: sim_device_silence(d, world_now(e->world) + 1 + chance_below(fate, AIM_SILENCE_MS)); break;
    case FAULT_REFUSED: refuse(e, d, card); break;
    case FAULT_DRY: dry_up(e, d); break;
    default: break;
    }
}

static void aim_now(void *context, uint64_t card)
{
    struct ecosystem *e = context;
    struct steps *s = world_steps(e->world);
    if (!e->network.faults || !steps_aimed(s, s->aim.kind, (int)card, NULL))
        return;
    /* what only makes it likely has not struck yet: the next one that comes to the step has its chance too */
    s->aim.spent = s->aim.kind != FAULT_TORN && s->aim.kind != FAULT_DRY;
    strike_card(e, s->aim.kind, (int)card);
}

static void clock_now(void *context, uint64_t nothing)
{
    struct sim_role *r = context;
    (void)nothing;
    if (r->faults && steps_aimed(world_steps(r->world), FAULT_JUMP, STEPS_ANYBODY, r->first))
        sim_role_jump(r);
}

static bool concerns_connections(enum fault_kind kind) { return kind == FAULT_TCP_CUT || kind == FAULT_TCP_TURNED || kind == FAULT_DRY; }

/* The card is about to connect, with another subscription: that has as little left. */
static void connect_now(void *context, uint64_t card)
{
    struct ecosystem *e = context;
    struct sim_device *d = e->cards[card].device;
    struct sim_subscriber *at_home = sim_network_subscriber(&e->network, e->cards[card].imsis[0]);
    if (!e->network.faults || !world_lets(e->world))
        return;
    if (world_steps(e->world)->aim.kind == FAULT_DRY && at_home)
        at_home->allowance = 1;
    refuse(e, d, (int)card);
}

static bool concerns_soap(enum fault_kind kind) { return kind == FAULT_SOAP_LOST || kind == FAULT_SOAP_TWICE || kind == FAULT_ANSWER_LOST; }

/* The operator asks for something meanwhile: a message that the fault can strike. */
static void ask_now(void *context, uint64_t card)
{
    struct ecosystem *e = context;
    const struct steps *s = world_steps(e->world);
    if (e->network.faults && !e->mno.stopped && !s->aim.spent && steps_stand(s, (int)card, steps_name((size_t)s->aim.cell)))
        operator_ask(e, (unsigned)card, (struct question){ ES4_AUDIT_EIS, 0, false });
}

static void entered(void *context, int card, const void *role)
{
    struct ecosystem *e = context;
    enum fault_kind kind = world_steps(e->world)->aim.kind;
    uint64_t at = world_now(e->world) + chance_below(world_fate(e->world), 2) * chance_below(world_fate(e->world), AIM_LATER_MS);
    if (kind == FAULT_JUMP)
        clockwork_plan(world_time(e->world), at, clock_now, (void *)role, 0);
    else if (kind >= FAULT_POWER && card >= 0)
        clockwork_plan(world_time(e->world), at, aim_now, e, (uint64_t)card);
    if (concerns_soap(kind) && card >= 0)
        clockwork_plan(world_time(e->world), at, ask_now, e, (uint64_t)card);
    if (e->options.aim_connects && concerns_connections(kind) && card >= 0)
        clockwork_plan(world_time(e->world), at, connect_now, e, (uint64_t)card);
}

void ecosystem_aim(struct ecosystem *e, int cell, enum fault_kind kind)
{
    struct steps *s = world_steps(e->world);
    s->aim.cell = cell;
    s->aim.kind = kind;
    s->aim.spent = false;
    s->aim.context = e;
    s->aim.entered = entered;
}
