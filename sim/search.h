/* sim/search.h: runs, searches, sweeps and replays. All return the exit status: 1 when an invariant was violated. */
#ifndef OSPREY_SIM_SEARCH_H
#define OSPREY_SIM_SEARCH_H

#include "scenario.h"

struct sim_order {
    const char *profiles;
    uint64_t first, last; /* seeds */
    unsigned seconds;     /* 0: no limit */
    int diagram;
    bool verbose, bill, faults, mixed;
    const char *log;         /* search: what is done stands in this file, in chunks of seeds, and is not done again; NULL: none */
    enum strike_kind strike; /* run: at this place; sweep: this kind only */
    uint32_t strike_at;
    unsigned cards, functions; /* run: instead of the scenario's; 0: those */
    struct mute *mute;       /* run: faults that do not strike; NULL: all do */
    unsigned shrink;         /* seconds to make a failing history shorter; 0: it is told as it is */
    int aim_cell, aim_kind;  /* run: a fault aimed at a cell of the table (row, column); row -1: none */
    unsigned every;          /* sweep: each so manyth place */
};

int sim_order_run(const struct scenario *s, const struct sim_order *o);
/* s NULL: all of them for each seed; or, mixed, one for each seed: those with faults in turn. */
int sim_order_search(const struct scenario *s, const struct sim_order *o);
/* Worlds with every function and every fault, the seeds of the order and then one aimed at each cell of the table of steps and
 * faults that is still zero; prints the table. 0: no cell is zero, and nothing was violated. */
int sim_order_table(const struct sim_order *o);
/* The same worlds until each step of each procedure was visited, and each kind of fault has struck one; 1: not in so many worlds. */
#define REACH_WORLDS_MAX 200u
int sim_order_reach(const struct sim_order *o);
/* One world for each place of the scenario's history where something can fail, struck there and nowhere else (strike.h). */
int sim_order_sweep(const struct scenario *s, const struct sim_order *o);
/* Every two functions on one eUICC, the second asked in front of each thing that happens in the first. */
int sim_order_pairs(const struct sim_order *o);
/* Attacks (attack.h), "all" or one by its scenario's name: with its countermeasure nothing may be violated and the log must tell;
 * without it, in a build with -Dmutants=true, the damage is printed. */
int sim_order_attack(const char *which, const struct sim_order *o);
/* Plants a deliberate fault ("all", a number from 1, or a name) and looks whether its scenario finds it. Only in a build with
 * -Dmutants=true; 2 in any other. */
int sim_order_plant(const char *which, const struct sim_order *o);
/* Lines "SCENARIO SEED", or "SCENARIO SEED --aim STEP:FAULT"; "#" begins a comment; "known SCENARIO SEED INVARIANT" is expected to fail so, and an error when
 * it does not any more. */
int sim_order_replay(const char *path, const struct sim_order *o);

#endif
