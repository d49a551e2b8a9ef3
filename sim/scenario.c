#include "attack.h"

#include <stdio.h>

#define MINUTE_MS (60ull * 1000)
#define HOUR_MS   (60 * MINUTE_MS)

const struct scenario *const sim_scenarios[] = {
    &SCENARIO_DOWNLOAD_LOSSY_SMS, &SCENARIO_CHURN,     &SCENARIO_CRASH_SMSR, &SCENARIO_CRASH_SMDP, &SCENARIO_TORN_CARDS, &SCENARIO_REFUSED,
    &SCENARIO_BEARER_CUTS,        &SCENARIO_DUPLICATE, &SCENARIO_EXPIRY,     &SCENARIO_FULL_STORE, &SCENARIO_CLOCK_JUMPS, &SCENARIO_EVERYTHING,
    &SCENARIO_SLOW_STORE,         &SCENARIO_PAIR,      &SCENARIO_PREPAID,    &SCENARIO_WALK,       &SCENARIO_WALK_SMS,
    &SCENARIO_JAMMED,             &SCENARIO_CAT_TP,          &SCENARIO_THREE_COUNTRIES, &SCENARIO_ROAMING, &SCENARIO_TWO_SMSRS,       &SCENARIO_EVERY_FUNCTION,  &SCENARIO_FULL_CARDS,
    &SCENARIO_EVERY_BY_HTTPS,     &SCENARIO_ADMINISTRATION,  &SCENARIO_UNHEARD,         &SCENARIO_SLOW_DATA,       &SCENARIO_WALK_ALL,
    &SCENARIO_SLOW_UNHEARD,       &SCENARIO_SWITCHES,        &SCENARIO_TWO_PROCESSES,    &SCENARIO_THREE_PROCESSES,
    &SCENARIO_PROCESSES_CAT_TP,   &SCENARIO_PROCESSES_CHANGE, &SCENARIO_PROCESSES_ADMINISTRATION
};
const size_t sim_scenario_count = ARRAY_LEN(sim_scenarios);

/* For the table; what is searched stands above. */
static const struct scenario *const for_the_table[] = { &SCENARIO_SWITCHES_SLOW, &SCENARIO_IMPATIENT, &SCENARIO_THERE_AND_BACK, &SCENARIO_FULL_BY_HTTPS };

const struct scenario *sim_scenario(const char *name)
{
    for (size_t i = 0; i < sim_scenario_count; i++)
        if (!strcmp(sim_scenarios[i]->name, name))
            return sim_scenarios[i];
    for (size_t i = 0; i < ARRAY_LEN(for_the_table); i++)
        if (!strcmp(for_the_table[i]->name, name))
            return for_the_table[i];
    for (size_t i = 0; i < sim_attack_count; i++)
        if (!strcmp(sim_attacks[i].scenario->name, name))
            return sim_attacks[i].scenario;
    return NULL;
}

bool sim_scenario_has_faults(const struct scenario *s)
{
    static const struct faults none;
    struct faults f = s->faults;
    f.smsr.down_min_ms = f.smsr.down_max_ms = f.smdp.down_min_ms = f.smdp.down_max_ms = 0; /* how long, not how often */
    return s->options.card_count > 1 && memcmp(&f, &none, sizeof f) != 0;
}

static void tell_alarms(const struct sim_smsr *s, struct sim_report *r)
{
    for (unsigned n = 0; s && n < s->process_count; n++)
        for (size_t i = 0; s->processes[n]->smsr && i < SMSR_ALARMS; i++)
            r->alarms[i] += smsr_counts(s->processes[n]->smsr).alarms[i];
}

/* What is answered after calm_ms was not done under faults. */
static void tell(const struct ecosystem *e, uint64_t calm_ms, struct sim_report *r)
{
    for (unsigned i = 0; i < e->mno.call_count; i++) {
        const struct sim_call *c = e->mno.calls[i];
        bool ok = c->answers && (c->status.exec == EXECUTED_SUCCESS || c->status.exec == EXECUTED_WITH_WARNING);
        r->calls++;
        r->ok += ok;
        ok = ok && c->answered_ms <= calm_ms;
        r->changes += ok && c->function == ES4_SMSR_CHANGE;
        r->downloads += ok && c->function == ES2_DOWNLOAD_PROFILE;
        r->switches += ok && (c->function == ES4_ENABLE_PROFILE || c->function == ES4_DISABLE_PROFILE || c->enable);
    }
    r->wrong = e->judge.wrong;
    r->first_card = e->judge.first_card;
    memcpy(r->first, e->judge.first, sizeof r->first);
    r->faults = e->fault_counts;
    memcpy(r->struck, world_steps(e->world)->struck, sizeof r->struck);
    memcpy(r->visited, world_steps(e->world)->visited, sizeof r->visited);
    memcpy(r->wrote_at, world_steps(e->world)->wrote_at, sizeof r->wrote_at);
    memcpy(r->recovery, world_steps(e->world)->recovery, sizeof r->recovery);
    r->world = world_counts(e->world);
    memcpy(r->usage, e->usage, sizeof r->usage);
    memcpy(r->by_radio, e->by_radio, sizeof r->by_radio);
    r->days = (double)(world_now(e->world) - WORLD_START_MS) / (24 * (double)HOUR_MS) * e->options.card_count;
    world_hash(e->world, r->hash);
    r->strikes = *world_strikes(e->world);
    r->attaches = e->network.attaches;
    r->half_loaded = e->judge.half_loaded;
    r->told = world_lines(e->world);
    tell_alarms(e->smsr, r);
    tell_alarms(e->other, r);
    r->fault_count = world_fault_count(e->world);
}

static void print_calls(const struct ecosystem *e)
{
    char text[160];
    for (unsigned i = 0; i < e->mno.call_count; i++)
        printf("  %s\n", operator_call_text(e->mno.calls[i], text));
}

struct waiting {
    const struct ecosystem *e;
    const struct sim_call *call;
    uint64_t until_step;
};

static bool second_comes(void *context)
{
    struct waiting *w = context;
    return w->call->answers || w->call->refused || world_time(w->e->world)->steps >= w->until_step;
}

static uint32_t ask_pair(struct ecosystem *e, const struct sim_pair *pair, uint32_t hours)
{
    uint64_t began = world_time(e->world)->steps;
    struct waiting wait = { e, operator_ask(e, 0, pair->first), began + pair->after };
    if (pair->after)
        world_run(e->world, hours * HOUR_MS, second_comes, &wait);
    uint32_t events = (uint32_t)(world_time(e->world)->steps - began);
    operator_ask(e, 0, pair->second);
    world_run(e->world, hours * HOUR_MS, operator_content, e);
    return events;
}

/* Everybody is on the network and known; trouble while the operator works; a quiet line; every call once more; quiet. */
void sim_run(const struct scenario *s, const struct sim_wish *wish, struct sim_report *ret)
{
    enum sim_talk talk = wish->talk;
    int watched = wish->watched;
    struct ecosystem_options options = s->options;
    static const struct hostile nobody;
    options.hostile = memcmp(&s->hostile, &nobody, sizeof nobody) ? &s->hostile : NULL;
    struct world *w = world_new(wish->seed);
    sim_must(w ? ERR_NONE : ERR_NO_MEMORY, "world");
    options.profiles = wish->profiles;
    world_strikes(w)->kind = wish->strike;
    world_strikes(w)->at = wish->strike_at;
    world_mute(w, wish->mute);
    world_count_lines(w, wish->told);
    options.card_count = wish->cards ? wish->cards : options.card_count;
    struct programme programme = s->programme;
    programme.functions = wish->functions ? wish->functions : programme.functions;
    world_verbose(w, talk == SIM_ALL);
    struct ecosystem *e = ecosystem_new(w, &options);
    e->judge.quiet = talk == SIM_SILENT;
    if (watched >= 0 && (unsigned)watched < options.card_count) {
        char eid[EID_TEXT_SIZE];
        world_watch(w, watched, eid_text(&e->cards[watched].eid, eid));
    }
    world_run(w, 10 * MINUTE_MS, NULL, NULL);
    ecosystem_secrets(e);
    journey_run(e, &s->journey);
    ecosystem_troubles(e, &s->faults);
    if (wish->aims)
        ecosystem_aim(e, wish->aim_cell, wish->aim_kind);
    uint64_t began = world_now(w);
    operator_begin(e, &programme);
    world_run(w, s->hours * HOUR_MS, operator_content, e);
    uint32_t events = wish->pair ? ask_pair(e, wish->pair, s->hours) : 0;
    uint64_t calm = world_now(w);
    ecosystem_troubles(e, NULL);
    ecosystem_go_home(e);
    e->mno.stopped = true;
    world_run(w, (s->quiet_hours ? s->quiet_hours : 3) * HOUR_MS, NULL, NULL);
    for (unsigned tries = 0; tries < 3 && operator_settle(e); tries++)
        world_run(w, 2 * HOUR_MS, operator_content, e);
    operator_repeat_all(e, world_now(w) - 20 * HOUR_MS > began ? world_now(w) - 20 * HOUR_MS : began);
    world_run(w, HOUR_MS, NULL, NULL);
    judge_all(e);
    *ret = (struct sim_report){ 0 };
    tell(e, calm, ret);
    ret->pair_events = events;
    if (ret->ok * 1000 < s->ok_permille * ret->calls) {
        if (!ret->wrong++)
            snprintf(ret->first, sizeof ret->first, "enough-succeeds");
        if (talk != SIM_SILENT)
            printf("  only %u of %u calls succeeded\n", ret->ok, ret->calls);
    }
    if (talk == SIM_ALL)
        print_calls(e);
    ecosystem_free(e);
    world_free(w);
}
