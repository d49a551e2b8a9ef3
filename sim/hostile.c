#include "hostile.h"

#include "device_private.h"
#include "lib/gp/ram_script.h"
#include "lib/ota/es5.h"
#include "lib/scp/scp80.h"

#define BOOTSTRAP_ISDP "\xA0\x00\x00\x05\x59\x10\x10\xFF\xFF\xFF\xFF\x89\x00\x00\x10\x00"

static const struct hostile *hostile_of(const struct sim_device *d) { return d->network->faults ? d->network->hostile : NULL; }

static uint32_t draw(struct sim_device *d, uint32_t below) { return chance_below(world_fate(d->network->world), below); }

bool hostile_mutes(struct sim_device *d)
{
    const struct hostile *h = hostile_of(d);
    if (!h || !h->mute_permille)
        return false;
    if (now_of(d) >= d->muted_until_ms && steps_stand(world_steps(d->network->world), d->number, "sm-sr create-isdp/create") &&
        draw(d, 1000) < h->mute_permille)
        d->muted_until_ms = now_of(d) + h->mute_ms;
    return now_of(d) < d->muted_until_ms;
}

static struct weather later(struct sim_device *d) { return (struct weather){ .delay_min_ms = 1000, .delay_max_ms = hostile_of(d)->replay_max_ms }; }

bool hostile_hears_up(struct sim_device *d, unsigned server, struct span message)
{
    const struct hostile *h = hostile_of(d);
    if (!h)
        return false;
    if (draw(d, 1000) < h->replay_up_permille) {
        struct weather weather = later(d);
        message_replay_up(d, server, &weather, message);
    }
    return hostile_mutes(d);
}

void hostile_hears_down(struct sim_device *d, unsigned server, struct span user_data)
{
    const struct hostile *h = hostile_of(d);
    if (!h || draw(d, 1000) >= h->replay_down_permille)
        return;
    struct weather weather = later(d);
    message_replay_down(d, server, &weather, user_data);
}

/* Key set 1 is named, and no check, no cipher, no counter asked for. */
static void forge(struct writer *out)
{
    WRITER_ON_STACK(script, 128);
    WRITER_ON_STACK(capdu, 64);
    struct aid isdp;
    struct scp80_header h = { .form = SCP80_SMS, .spi2 = 0, .kic = SCP80_KEY_BYTE(1), .kid = SCP80_KEY_BYTE(1), .tar = { 0, 0, 1 } };
    struct scp80_keys none = { 0 };
    if (!aid_set(&isdp, SPAN_LIT(BOOTSTRAP_ISDP)))
        return;
    es5_profile_command_write(&capdu, ES5_ENABLE_PROFILE, &isdp);
    size_t mark = wr_tlv_open(&script, 0xAA);
    wr_tlv(&script, RAM_TAG_CAPDU, wr_span(&capdu));
    wr_tlv_close(&script, mark);
    wr_bytes(out, SPAN_LIT("\x02\x70\x00"));
    if (scp80_command_wrap(&h, &none, wr_span(&script), out) != ERR_NONE)
        wr_fail(out, ERR_BAD_VALUE);
}

static void forges(void *context, uint64_t nothing)
{
    struct sim_device *d = context;
    const struct hostile *h = hostile_of(d);
    static const struct weather at_once = { .delay_min_ms = 1000, .delay_max_ms = 2000 };
    WRITER_ON_STACK(forged, 140);
    (void)nothing;
    if (!h)
        return;
    forge(&forged);
    if (forged.err == ERR_NONE)
        message_replay_down(d, 0, &at_once, wr_span(&forged));
    clockwork_plan(world_time(d->network->world), now_of(d) + 1 + draw(d, 2 * h->forge_every_ms), forges, d, 0);
}

void hostile_begin(struct sim_device *d)
{
    const struct hostile *h = hostile_of(d);
    if (h && h->forge_every_ms)
        clockwork_plan(world_time(d->network->world), now_of(d) + 1 + draw(d, 2 * h->forge_every_ms), forges, d, 0);
}
