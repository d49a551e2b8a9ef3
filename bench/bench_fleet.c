/* What a card and a device cost that are one of many: cards that are open, devices that sleep. By use: each card is made in
 * the factory's way and opened, some devices power on, authenticate to their network and go to sleep again; all are there
 * at the same time when the process is measured. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fleet.h"
#include "lib/base/world.h"
#include "lib/model/iccid.h"
#include "sim/node_device.h"

#define OPEN_MAX   10000u
#define AWAKE_MAX  1000u /* devices that wake once … */
#define AWAKE_STEP 50u   /* … so many at a time */
#define ATTACH_MS  (5u * 60u * 1000u) /* of virtual time, for all of them */
#define OPEN_LIMIT (2048.0 / 10.0)    /* kB each: ten thousand in less than 2 GiB */

static double resident_kb(void)
{
    unsigned long total, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%lu %lu", &total, &pages) != 2)
        bench_must(ERR_IO, "/proc/self/statm");
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}

/* ---- cards that are open ---- */

struct open_card {
    struct nvm_memory memory;
    struct arena arena;
    struct euicc *card;
};

static void read_iccid(struct euicc *card, const struct fleet_card *identity)
{
    static const struct span commands[] = { BENCH_OCTETS("\x00\xA4\x00\x0C\x02\x3F\x00"), BENCH_OCTETS("\x00\xA4\x00\x0C\x02\x2F\xE2"),
                                            BENCH_OCTETS("\x00\xB0\x00\x00\x0A") };
    uint8_t memory[EUICC_RAPDU_MAX];
    struct writer answer;
    struct iccid iccid;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        answer = wr_of(memory, sizeof memory);
        euicc_transmit(card, commands[i], &answer);
    }
    bool good = answer.len == 12 && iccid_from_ef((struct span){ memory, 10 }, &iccid) == ERR_NONE &&
                !strcmp(iccid.digits, identity->iccid);
    bench_must(good ? ERR_NONE : ERR_BAD_VALUE, "the ICCID of a card of the fleet");
}

static void bench_open_cards(struct fleet *f, size_t count)
{
    struct open_card *cards = calloc(count, sizeof *cards);
    bench_must(cards ? ERR_NONE : ERR_NO_MEMORY, "cards");
    double before = resident_kb();
    for (size_t i = 0; i < count; i++) {
        struct fleet_card identity;
        struct open_card *c = &cards[i];
        struct env env = { .clock = world_clock(), .rng = world_rng(), .nvm = &c->memory.nvm };
        fleet_make(f, (uint32_t)i + 1, &identity, &c->memory);
        arena_init(&c->arena, EUICC_ARENA_SIZE);
        BENCH_MUST(euicc_open(&c->arena, &env, &c->card));
        euicc_reset(c->card, NULL);
        read_iccid(c->card, &identity);
    }
    bench_gate("open card with an enabled profile: memory", (resident_kb() - before) / (double)count, "kB, all at once", "2 GiB",
               OPEN_LIMIT);
    for (size_t i = 0; i < count; i++) {
        euicc_close(cards[i].card);
        arena_release(&cards[i].arena);
        nvm_memory_done(&cards[i].memory);
    }
    free(cards);
}

/* ---- devices that sleep ---- */

struct sleepers {
    struct world *world;
    struct fault_counts counts;
    struct sim_network network;
    size_t card_octets, woken_octets;
};

static bool no_server(void *server, const char *from, struct span user_data)
{
    (void)server, (void)from, (void)user_data;
    return false;
}

static void subscribe(struct sleepers *s, struct fleet *f, const struct fleet_card *card, size_t number)
{
    char msisdn[SIM_NUMBER_MAX];
    snprintf(msisdn, sizeof msisdn, "883%09zu", number);
    struct sim_subscriber *subscriber = sim_network_add(&s->network, card->imsi, msisdn);
    BENCH_MUST(aka_init(&subscriber->auc.aka, AKA_MILENAGE, SPAN_OF(card->k), (struct span){ fleet_opc(f), 16 }, 0));
}

static void devices_make(struct sleepers *s, struct fleet *f, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct fleet_card card;
        struct nvm_memory memory;
        fleet_make(f, (uint32_t)i, &card, &memory);
        bench_must(sim_device_new(&s->network, &memory, card.imei) ? ERR_NONE : ERR_BAD_VALUE, "a device of the fleet");
        s->card_octets += nvm_memory_own(&memory);
        if (i < AWAKE_MAX)
            subscribe(s, f, &card, i);
    }
}

/* Devices from … to - 1 have a day; then they sleep again. */
static void devices_wake(struct sleepers *s, size_t from, size_t to)
{
    uint64_t until = world_time(s->world)->now_ms + ATTACH_MS;
    for (size_t i = from; i < to; i++)
        sim_device_power_on(s->network.devices[i]);
    while (clockwork_step(world_time(s->world), until))
        ;
    for (size_t i = from; i < to; i++) {
        struct sim_device *d = s->network.devices[i];
        bench_must(d->msisdn[0] ? ERR_NONE : ERR_BAD_VALUE, "every device that woke is attached");
        sim_device_cut(d);
        s->woken_octets += nvm_memory_own(&d->memory);
    }
    clockwork_done(world_time(s->world)); /* they would wake again by themselves */
    clockwork_init(world_time(s->world), until);
}

static void bench_sleeping_devices(struct fleet *f, size_t count)
{
    struct sleepers s = { .world = world_new(1) };
    bench_must(s.world ? ERR_NONE : ERR_NO_MEMORY, "a world");
    s.network = (struct sim_network){ .world = s.world, .counts = &s.counts, .server_sms = no_server,
                                      .air = { .delay_min_ms = 40, .delay_max_ms = 400 } };
    double before = resident_kb();
    devices_make(&s, f, count);
    size_t awake = count < AWAKE_MAX ? count : AWAKE_MAX;
    for (size_t i = 0; i < awake; i += AWAKE_STEP)
        devices_wake(&s, i, i + AWAKE_STEP < awake ? i + AWAKE_STEP : awake);
    bench_gate("simulated device that sleeps: memory", (resident_kb() - before) / (double)count, "kB each, shared base profile", "P18", 8);
    bench_value("simulated device: card memory of its own", (double)s.card_octets / 1024 / (double)count, "kB each");
    bench_value("simulated device: the same after its first day", (double)s.woken_octets / 1024 / (double)awake, "kB each");
    bench_value("simulated devices", (double)count, "in one process");
    for (size_t i = 0; i < count; i++)
        sim_device_free(s.network.devices[i]);
    free(s.network.devices);
    free(s.network.subscribers);
    world_free(s.world);
}

/* In a process of its own: nothing that was given back before is used again. */
static void apart(void (*run)(struct fleet *f, size_t count), struct fleet *f, size_t count)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        run(f, count);
        exit(0);
    }
    bool good = child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    bench_must(good ? ERR_NONE : ERR_STATE, "the fleet's process");
}

void bench_fleet(struct span package, size_t count)
{
    struct fleet *f = fleet_new(package);
    if (!f)
        bench_must(ERR_MISSING, "ICCID, IMSI or Milenage keys of the package");
    apart(bench_open_cards, f, count < OPEN_MAX ? count : OPEN_MAX);
    apart(bench_sleeping_devices, f, count);
    fleet_free(f);
}
