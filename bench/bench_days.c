/* What a day of a device costs to simulate (P19): real cards in real modems, radio, home network and an SM-SR, on virtual time. */
#include "bench.h"

#include <time.h>

#include "sim/ecosystem.h"

#define WAKE_S       3600u /* a modem looks so often what its card wants: 24 wake-ups a day */
#define DAY_MS       (24ull * 3600 * 1000)
#define IDLE_DEVICES 1000u
#define IDLE_DAYS    1000u
#define IDLE_GATE    60000.0 /* device-days a second of CPU */
#define BUSY_DEVICES 200u
#define BUSY_DAYS    10u
#define BUSY_GATE    3000.0

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct fleet_world {
    struct world *world;
    struct ecosystem *e;
};

/* Registered, attached, and what the cards had to tell is confirmed. */
static struct fleet_world fleet_open(const char *profiles, unsigned devices, unsigned profile_count)
{
    struct ecosystem_options options = { .profiles = profiles, .card_count = devices, .profile_count = profile_count,
                                         .bearer = SMSR_BEARER_SMS, .poll_s = WAKE_S };
    struct fleet_world f = { .world = world_new(1) };
    bench_must(f.world ? ERR_NONE : ERR_NO_MEMORY, "a world");
    f.e = ecosystem_new(f.world, &options);
    ecosystem_smsr(f.e, 0)->role.watch_run = NULL; /* the judge's comparison after every turn is no part of a day */
    f.e->mno.programme = (struct programme){ .validity_min_s = 36000, .validity_max_s = 36000 };
    world_run(f.world, DAY_MS, NULL, NULL);
    for (unsigned i = 0; i < devices; i++)
        bench_must(f.e->cards[i].registered && f.e->cards[i].device->msisdn[0] ? ERR_NONE : ERR_STATE, "every device of the fleet is there");
    return f;
}

static void fleet_close(struct fleet_world *f)
{
    ecosystem_free(f->e);
    world_free(f->world);
}

/* ---- idle */

static void idle_days(const char *profiles)
{
    struct fleet_world f = fleet_open(profiles, IDLE_DEVICES, 0);
    double device_days = (double)IDLE_DEVICES * IDLE_DAYS;
    uint64_t steps = world_time(f.world)->steps, told = world_counts(f.world).carried;
    double before = cpu_s();
    world_run(f.world, IDLE_DAYS * DAY_MS, NULL, NULL);
    double used = cpu_s() - before, wakes = (double)(world_time(f.world)->steps - steps) / device_days;
    bench_must(wakes >= 23.9 && world_counts(f.world).carried == told ? ERR_NONE : ERR_STATE, "24 wake-ups a day, and nobody has anything to say");
    bench_gate("idle device, 24 wake-ups: CPU of a simulated day", used * 1e6 / device_days, "us", "P19", 1e6 / IDLE_GATE);
    bench_value("idle devices simulated", device_days / used, "device-days per second of CPU");
    fleet_close(&f);
}

/* ---- busy: each device switches once a day */

static void ask_all(struct ecosystem *e, enum es_function function, unsigned profile)
{
    for (unsigned i = 0; i < e->options.card_count; i++)
        operator_ask(e, i, (struct question){ .function = function, .profile = profile });
    world_run(e->world, DAY_MS, NULL, NULL);
}

static void all_is_well(const struct ecosystem *e)
{
    for (unsigned i = 0; i < e->mno.call_count; i++) {
        const struct sim_call *c = e->mno.calls[i];
        bench_must(c->answers && c->status.exec == EXECUTED_SUCCESS ? ERR_NONE : ERR_STATE, "a call of the busy fleet");
    }
}

static void busy_days(const char *profiles)
{
    struct fleet_world f = fleet_open(profiles, BUSY_DEVICES, 2);
    ask_all(f.e, ES2_DOWNLOAD_PROFILE, 0);
    ask_all(f.e, ES2_DOWNLOAD_PROFILE, 1);
    double before = cpu_s(), device_days = (double)BUSY_DEVICES * BUSY_DAYS;
    for (unsigned day = 0; day < BUSY_DAYS; day++)
        ask_all(f.e, ES4_ENABLE_PROFILE, day % 2);
    double used = cpu_s() - before;
    all_is_well(f.e);
    bench_gate("busy device, one enable over SMS: CPU of a simulated day", used * 1e6 / device_days, "us, SM-SR and operator included", "P19",
               1e6 / BUSY_GATE);
    bench_value("busy devices simulated", device_days / used, "device-days per second of CPU");
    fleet_close(&f);
}

void bench_days(const char *profiles)
{
    idle_days(profiles);
    busy_days(profiles);
}
