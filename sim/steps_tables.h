/* sim/steps_tables.h: the procedures of both roles as the table of steps and faults sees them: which of their steps are rows of
 * it, and why the others are not. Two files, because both roles call their tables by the same names. */
#ifndef OSPREY_SIM_STEPS_TABLES_H
#define OSPREY_SIM_STEPS_TABLES_H

#include <stdbool.h>
#include <stddef.h>

#define PROCEDURE_VIEWS_MAX 24u
#define PROCEDURE_STEPS_MAX 24u

struct procedure_view {
    const char *name;
    bool is_smdp;
    size_t count;
    const char *steps[PROCEDURE_STEPS_MAX]; /* those in which it can wait for something */
    size_t left_out_count;
    struct {
        const char *step, *why;
    } left_out[PROCEDURE_STEPS_MAX]; /* nothing can strike a procedure there */
    int first;                       /* cell of the first */
};
size_t steps_procedures(struct procedure_view ret[PROCEDURE_VIEWS_MAX]); /* of both */
size_t steps_of_smsr(struct procedure_view *ret);
size_t steps_of_smdp(struct procedure_view *ret);
/* The next step of v, in order: a row (why NULL), or left out. */
void steps_view_add(struct procedure_view *v, const char *step, const char *why);

#endif
