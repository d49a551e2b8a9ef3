/* sim/tell.h: what became of worlds, for people; and the sum of many. */
#ifndef OSPREY_SIM_TELL_H
#define OSPREY_SIM_TELL_H

#include "scenario.h"

void sim_tell_result(const struct scenario *s, const struct sim_wish *wish, const struct sim_report *r);
/* What was violated, and the sequence diagram of the first eUICC concerned: runs the world again. */
void sim_tell_failure(const struct scenario *s, const struct sim_wish *wish, const struct sim_report *failed);
/* Makes the failing history shorter, for so many seconds at most: fewer cards, functions and faults; prints what is left, as a
 * sequence diagram and as the command that shows it again. */
void sim_shrink(const struct scenario *s, const struct sim_wish *wish, const struct sim_report *failed, unsigned seconds);
void sim_tell_counts(const struct sim_report *r);
void sim_tell_recovery(const struct sim_report *r); /* how long it took after each kind of fault */
unsigned sim_tell_steps(const struct sim_report *r); /* the table of steps and faults; how many cells are zero */
void sim_report_add(struct sim_report *to, const struct sim_report *more);

#endif
