#include "device_private.h"

#include <stdio.h>
#include <stdlib.h>

static void power_off(void *context, uint64_t argument);

/* What the card says from here on nobody hears. */
static void fails(struct sim_device *d, const char *how)
{
    d->dying = true;
    d->network->counts->torn++;
    steps_struck(world_steps(d->network->world), FAULT_TORN, d->number, NULL);
    world_arrow(d->network->world, d->number, "device", "", "%s", how);
    clockwork_plan(world_time(d->network->world), now_of(d), power_off, d, d->generation_of_power);
}

static void watch_writes(struct sim_device *d)
{
    if (d->memory.written != d->written_seen && world_strikes(d->network->world)->armed)
        steps_wrote(world_steps(d->network->world), d->number, (uint32_t)(d->written_seen - d->written_before) + 1);
    d->written_seen = d->memory.written;
}

static void watch_power(struct sim_device *d)
{
    watch_writes(d);
    if (!d->dying && d->memory.written >= d->memory.cut_at)
        fails(d, "power fails in the middle of a write");
}

static void slot_reset(void *context, struct writer *atr)
{
    struct sim_device *d = context;
    euicc_reset(d->card, atr);
    watch_power(d);
}

static void slot_transmit(void *context, struct span command, struct writer *answer)
{
    struct sim_device *d = context;
    size_t before = answer->len;
    if (d->on && !d->dying && strike_now(world_strikes(d->network->world), STRIKE_CARD_OFF))
        fails(d, "power fails in front of a command");
    if (d->dying)
        return;
    euicc_transmit(d->card, command, answer);
    watch_power(d);
    if (d->dying)
        answer->len = before;
}

static uint64_t slot_idle(void *context, uint64_t now_ms)
{
    struct sim_device *d = context;
    if (d->dying)
        return EUICC_NO_WAKE;
    uint64_t next = euicc_idle(d->card, now_ms);
    watch_power(d);
    return next;
}

static bool slot_has_proactive(void *context)
{
    struct sim_device *d = context;
    return !d->dying && euicc_has_proactive(d->card);
}

static void tick(void *context, uint64_t argument)
{
    (void)argument;
    device_wake(context);
}

void device_wake(struct sim_device *d)
{
    if (!lives(d))
        return;
    uint64_t now = now_of(d), next = modem_tick(d->modem, now);
    d->waker.seam.wake_at(&d->waker.seam, next > now ? next : now + 1);
}

static void fact(void *context, enum log_level level, const char *text)
{
    struct sim_device *d = context;
    world_arrow(d->network->world, d->number, "device", "", "%s", text);
    log_fact(world_log(d->network->world), level == LOG_WARN_ ? LOG_INFO_ : LOG_DEBUG_, modem_imsi(d->modem), "%s", text);
}

static bool open_card(struct sim_device *d)
{
    struct env env = { .clock = &world_time(d->network->world)->seam, .rng = &world_chance(d->network->world)->seam,
                       .nvm = &d->memory.nvm, .log = world_log(d->network->world) };
    arena_init(&d->arena, 4 * EUICC_ARENA_SIZE);
    return euicc_open(&d->arena, &env, &d->card) == ERR_NONE;
}

static void close_card(struct sim_device *d)
{
    euicc_close(d->card);
    d->card = NULL;
    arena_release(&d->arena);
}

static bool new_modem(struct sim_device *d)
{
    struct modem_config config = { .poll_s = d->network->poll_s ? d->network->poll_s : 60, .attach_retry_s = 60, .mcc_mnc = { 0x00, 0xF1, 0x10 } };
    struct modem_slot slot = { d, slot_reset, slot_transmit, slot_idle, slot_has_proactive };
    struct modem_lines lines = { d, home_auth_info, home_update_location, home_registered, message_submit, message_taken, channel_open,
                                 channel_send, channel_close, { d, NULL, fact, NULL } };
    memcpy(config.imei, d->imei, sizeof config.imei);
    d->modem = modem_new(&config, &slot, &lines);
    return d->modem != NULL;
}

struct sim_device *sim_device_new(struct sim_network *n, struct nvm_memory *memory, const char *imei)
{
    struct sim_device *d = calloc(1, sizeof *d);
    if (!d)
        abort();
    d->network = n;
    d->memory = *memory;
    snprintf(d->imei, sizeof d->imei, "%s", imei);
    waker_init(&d->waker, world_time(n->world), tick, d);
    for (unsigned i = 0; i <= MODEM_CHANNELS_MAX; i++)
        d->channels[i].device = d;
    if (!new_modem(d) || !open_card(d)) {
        sim_device_free(d);
        return NULL;
    }
    close_card(d); /* until it has power */
    if (n->device_count == n->device_cap) {
        n->device_cap = n->device_cap ? 2 * n->device_cap : 64;
        n->devices = realloc(n->devices, n->device_cap * sizeof *n->devices);
        if (!n->devices)
            abort();
    }
    d->number = (int)n->device_count;
    n->devices[n->device_count++] = d;
    return d;
}

static void power_on(void *context, uint64_t argument)
{
    struct sim_device *d = context;
    if (d->on || argument != d->generation_of_power || d->broken)
        return;
    nvm_memory_power_on(&d->memory);
    if (!d->card && !open_card(d)) {
        d->broken = true; /* the judge will say it */
        return;
    }
    d->on = true;
    modem_power_on(d->modem, now_of(d));
    device_wake(d);
}

void sim_device_power_on(struct sim_device *d)
{
    clockwork_plan(world_time(d->network->world), now_of(d), power_on, d, d->generation_of_power);
}

/* Card and modem forget all that is not in memory. */
static void power_off(void *context, uint64_t argument)
{
    struct sim_device *d = context;
    if (!d->on || argument != d->generation_of_power)
        return;
    d->on = d->dying = false;
    d->generation_of_power++;
    d->msisdn[0] = 0;
    channels_drop(d);
    modem_free(d->modem);
    close_card(d);
    if (!new_modem(d))
        abort();
    clockwork_plan(world_time(d->network->world), now_of(d) + 1000 + chance_below(world_fate(d->network->world), 120000), power_on,
                   d, d->generation_of_power);
}

void sim_device_cut(struct sim_device *d)
{
    if (!lives(d))
        return;
    steps_struck(world_steps(d->network->world), FAULT_POWER, d->number, NULL);
    world_arrow(d->network->world, d->number, "device", "", "power is lost");
    power_off(d, d->generation_of_power);
}

/* ---- troubles ---- */

/* round: what was planned in earlier troubles is not of these. */
static const struct device_faults *troubles_of(const struct sim_device *d, uint64_t round)
{
    return d->network->faults && round == d->troubles ? &d->network->faults->device : NULL;
}

static void again(struct sim_device *d, uint32_t every_ms, plan_task *task)
{
    if (every_ms)
        clockwork_plan(world_time(d->network->world), now_of(d) + 1 + chance_below(world_fate(d->network->world), 2 * every_ms), task,
                       d, d->troubles);
}

static void trouble_reset(void *context, uint64_t round)
{
    struct sim_device *d = context;
    const struct device_faults *f = troubles_of(d, round);
    if (!f)
        return;
    if (world_lets(d->network->world)) {
        d->network->counts->resets++;
        sim_device_cut(d);
    }
    again(d, f->reset_every_ms, trouble_reset);
}

static void trouble_torn(void *context, uint64_t round)
{
    struct sim_device *d = context;
    const struct device_faults *f = troubles_of(d, round);
    if (!f)
        return;
    if (lives(d) && world_lets(d->network->world))
        nvm_memory_cut_after(&d->memory, 1 + chance_below(world_fate(d->network->world), f->torn_octets));
    again(d, f->torn_every_ms, trouble_torn);
}

static void coverage_back(void *context, uint64_t silence)
{
    struct sim_device *d = context;
    if (d->silence != silence)
        return;
    if (lives(d)) {
        modem_coverage(d->modem, now_of(d), true);
        device_wake(d);
    }
}

void sim_device_silence(struct sim_device *d, uint64_t until_ms)
{
    d->network->counts->silences++;
    steps_struck(world_steps(d->network->world), FAULT_SILENCE, d->number, NULL);
    if (lives(d)) {
        modem_coverage(d->modem, now_of(d), false);
        device_wake(d);
    }
    clockwork_plan(world_time(d->network->world), until_ms, coverage_back, d, ++d->silence);
}

static void trouble_silence(void *context, uint64_t round)
{
    struct sim_device *d = context;
    const struct device_faults *f = troubles_of(d, round);
    if (!f)
        return;
    uint64_t until = now_of(d) + 1 + chance_below(world_fate(d->network->world), f->silence_max_ms);
    if (world_lets(d->network->world))
        sim_device_silence(d, until);
    again(d, f->silence_every_ms, trouble_silence);
}

static void trouble_move(void *context, uint64_t round)
{
    struct sim_device *d = context;
    const struct device_faults *f = troubles_of(d, round);
    struct chance *fate = world_fate(d->network->world);
    if (!f)
        return;
    const struct country *to = &sim_countries[chance_below(fate, sim_country_count)];
    uint64_t arrives = now_of(d) + 1 + chance_below(fate, f->moves_max_ms);
    if (world_lets(d->network->world))
        sim_device_move(d, to, arrives);
    again(d, f->moves_every_ms, trouble_move);
}

void sim_device_troubles(struct sim_device *d)
{
    const struct device_faults *f = troubles_of(d, ++d->troubles);
    if (!f)
        return;
    again(d, f->reset_every_ms, trouble_reset);
    again(d, f->torn_every_ms, trouble_torn);
    again(d, f->silence_every_ms, trouble_silence);
    again(d, f->moves_every_ms, trouble_move);
    hostile_begin(d);
    const struct strikes *s = world_strikes(d->network->world);
    d->written_before = d->written_seen = d->memory.written;
    if (s->kind == STRIKE_CARD_TORN)
        nvm_memory_cut_after(&d->memory, s->at);
}

void sim_device_calm(struct sim_device *d)
{
    struct strikes *s = world_strikes(d->network->world);
    if (!s->struck)
        s->places[STRIKE_CARD_TORN] += (uint32_t)(d->memory.written - d->written_before);
    nvm_memory_power_on(&d->memory);
    coverage_back(d, d->silence);
}

void sim_device_free(struct sim_device *d)
{
    if (!d)
        return;
    modem_free(d->modem);
    close_card(d);
    nvm_memory_done(&d->memory);
    free(d);
}
