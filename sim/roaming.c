#include "device_private.h"

bool roaming_takes(const struct sim_device *d, const char *imsi) { return !d->country || country_takes(d->country, imsi); }

bool roaming_choose(struct sim_device *d)
{
    struct modem_place place = { .lac = { 0, 1 }, .cell = { 0, 1 } };
    if (!d->country)
        return true;
    d->serving = country_network(d->country, d->bands);
    if (!d->serving)
        return false;
    const struct radio *r = &sim_radios[d->serving->kind];
    memcpy(place.mcc_mnc, d->serving->plmn, sizeof place.mcc_mnc);
    place.awake_s = r->awake_s;
    place.asleep_s = r->asleep_s;
    modem_move(d->modem, &place);
    return true;
}

static const struct radio *radio_of(const struct sim_device *d) { return d->serving ? &sim_radios[d->serving->kind] : NULL; }

/* The satellite is gone for a while; and so on, as long as the device is there. */
static void sets(void *context, uint64_t argument)
{
    struct sim_device *d = context;
    const struct radio *r = radio_of(d);
    (void)argument;
    d->passing = false;
    if (r && r->hidden_s)
        sim_device_silence(d, now_of(d) + r->hidden_s * 1000ull);
}

void roaming_registered(struct sim_device *d)
{
    const struct radio *r = radio_of(d);
    if (!r || !r->hidden_s || d->passing)
        return;
    d->passing = true;
    clockwork_plan(world_time(d->network->world), now_of(d) + r->view_s * 1000ull, sets, d, 0);
}

static struct weather at_least(struct weather w, uint32_t min_ms, uint32_t max_ms)
{
    w.delay_min_ms = w.delay_min_ms > min_ms ? w.delay_min_ms : min_ms;
    w.delay_max_ms = w.delay_max_ms > max_ms ? w.delay_max_ms : max_ms;
    return w;
}

struct weather roaming_air(const struct sim_device *d, const struct weather *ordinary)
{
    const struct radio *r = radio_of(d);
    struct weather w = *ordinary;
    if (!r)
        return w;
    w.delay_min_ms = r->air_min_ms;
    w.delay_max_ms = r->air_max_ms;
    return w;
}

struct weather roaming_message(const struct sim_device *d, const struct weather *ordinary)
{
    const struct radio *r = radio_of(d);
    return r ? at_least(*ordinary, r->sms_min_ms, r->sms_max_ms) : *ordinary;
}

uint32_t roaming_octets_ms(const struct sim_device *d, size_t octets)
{
    const struct radio *r = radio_of(d);
    return r ? (uint32_t)(octets * 1000 / r->octets_per_s) : 0;
}

void sim_device_move(struct sim_device *d, const struct country *to, uint64_t arrives_ms)
{
    d->network->counts->moves++;
    world_arrow(d->network->world, d->number, "device", "", "leaves %s for %s", d->country->name, to->name);
    sim_device_silence(d, arrives_ms);
    d->country = to;
}
