/* sim/judge.h: what must hold (docs/invariants.md). The judge looks at what is committed while the world runs, and at
 * everything when the line is quiet. It reads the stores with its own questions and the cards through euicc.h. */
#ifndef OSPREY_SIM_JUDGE_H
#define OSPREY_SIM_JUDGE_H

#include "lib/base/store.h"

struct ecosystem;
struct sim_smsr;

struct sim_judge {
    struct ecosystem *e;
    struct sim_judge_watch { /* of one SM-SR's commits */
        struct ecosystem *e;
        uint64_t which;
    } watches[2];
    unsigned wrong;
    int first_card;      /* with something wrong; -1: none */
    char first[40];      /* the invariant */
    unsigned half_loaded; /* ISD-Ps, of whatever reason */
    bool quiet;          /* says nothing */
    uint64_t *packets;   /* (eUICC, key version, counter) and what was sent under it, hashed */
    size_t packet_count, packet_cap;
};

void judge_join(struct ecosystem *e); /* begins to look at commits */
/* The line is quiet: everything. Says what is wrong, one line each; returns how much (with what was seen before). */
unsigned judge_all(struct ecosystem *e);
/* Something is wrong, with that card (-1: with none). */
void judge_says(struct ecosystem *e, const char *invariant, int card, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* What this SM-SR keeps in memory is what its store has: of those worked on since it was last asked, or of all. */
void judge_kept(struct ecosystem *e, struct sim_smsr *s, bool all);
void judge_done(struct sim_judge *j);

#endif
