/* sim/scenario.h: a scenario is a world, a programme for its operator, and what goes wrong meanwhile; all of them are run
 * and judged the same way. */
#ifndef OSPREY_SIM_SCENARIO_H
#define OSPREY_SIM_SCENARIO_H

#include "journey.h"

struct scenario {
    const char *name, *summary;
    struct ecosystem_options options;
    struct journey journey; /* before the operator begins */
    struct programme programme;
    struct faults faults;
    struct hostile hostile; /* all zero: nobody */
    uint32_t hours; /* of trouble at most, before it gets quiet */
    uint32_t quiet_hours; /* 0: 3 */
    unsigned ok_permille; /* of the calls must succeed at least: the scenario is about something */
};
extern const struct scenario SCENARIO_DOWNLOAD_LOSSY_SMS, SCENARIO_CHURN, SCENARIO_CRASH_SMSR, SCENARIO_CRASH_SMDP, SCENARIO_TORN_CARDS,
    SCENARIO_REFUSED, SCENARIO_BEARER_CUTS, SCENARIO_DUPLICATE, SCENARIO_EXPIRY, SCENARIO_FULL_STORE, SCENARIO_CLOCK_JUMPS,
    SCENARIO_EVERYTHING, SCENARIO_SLOW_STORE, SCENARIO_PAIR, SCENARIO_JAMMED, SCENARIO_PREPAID, SCENARIO_WALK, SCENARIO_WALK_SMS,
    SCENARIO_CAT_TP, SCENARIO_THREE_COUNTRIES, SCENARIO_ROAMING, SCENARIO_TWO_SMSRS,
    SCENARIO_EVERY_FUNCTION, SCENARIO_EVERY_BY_HTTPS, SCENARIO_FULL_CARDS, SCENARIO_ADMINISTRATION, SCENARIO_UNHEARD, SCENARIO_SLOW_DATA, SCENARIO_SLOW_UNHEARD, SCENARIO_SWITCHES, SCENARIO_SWITCHES_SLOW,
    SCENARIO_IMPATIENT, SCENARIO_THERE_AND_BACK, SCENARIO_FULL_BY_HTTPS,
    SCENARIO_WALK_ALL, SCENARIO_TWO_PROCESSES, SCENARIO_THREE_PROCESSES,
    SCENARIO_PROCESSES_CAT_TP, SCENARIO_PROCESSES_CHANGE, SCENARIO_PROCESSES_ADMINISTRATION;
extern const struct scenario *const sim_scenarios[];
extern const size_t sim_scenario_count;
const struct scenario *sim_scenario(const char *name); /* NULL: none */
/* Something goes wrong by chance in it: a world to search, not one to sweep. */
bool sim_scenario_has_faults(const struct scenario *s);

/* Two questions about one eUICC (card 0), when the scenario's own are answered: the second is asked when so many things
 * have happened since the first. */
struct sim_pair {
    struct question first, second;
    uint32_t after;
};

struct sim_report {
    uint8_t hash[WORLD_HASH_LEN];
    unsigned wrong, calls, ok, downloads, switches, changes; /* downloads, switches, changes of SM-SR: that succeeded while faults were on */
    int first_card;
    char first[40];
    struct fault_counts faults;
    unsigned struck[STEPS_MAX][FAULT_KINDS], visited[STEPS_MAX]; /* steps.h */
    uint32_t wrote_at[STEPS_MAX];
    struct recovery recovery[FAULT_KINDS];
    struct world_counts world;
    struct sim_usage usage[ES_FUNCTION_COUNT], by_radio[ES_FUNCTION_COUNT][RADIO_KINDS];
    double days; /* of devices */
    struct strikes strikes;
    uint64_t alarms[SMSR_ALARMS]; /* counted by the processes of the SM-SRs that are up in the end */
    unsigned told;        /* lines of the log that hold wish->told */
    unsigned half_loaded; /* judge.h */
    unsigned attaches;
    uint32_t fault_count; /* numbered, muted ones included */
    uint32_t pair_events; /* things that happened until the first of the pair was answered, or the second asked */
};
enum sim_talk { SIM_SILENT, SIM_WRONGS, SIM_ALL };
struct sim_wish {
    uint64_t seed;
    const char *profiles; /* folder of the profile sources */
    enum sim_talk talk;
    int watched;          /* the card whose sequence diagram is printed; -1: none */
    enum strike_kind strike; /* besides the scenario's faults */
    uint32_t strike_at;
    const struct sim_pair *pair; /* NULL: none */
    unsigned cards, functions; /* 0: as the scenario has them */
    const char *told; /* lines of the log that hold it are counted; NULL: none */
    const struct mute *mute;   /* faults that do not strike; NULL: all do */
    bool aims; /* besides the scenario's faults, one of this kind in this step (steps.h) */
    int aim_cell;
    enum fault_kind aim_kind;
};
void sim_run(const struct scenario *s, const struct sim_wish *wish, struct sim_report *ret);

#endif
