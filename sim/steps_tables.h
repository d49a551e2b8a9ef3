/* sim/steps_tables.h: the procedures of both roles as the table of steps and faults sees them. Two files, because both roles call
 * their tables by the same names. */
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
    const char *steps[PROCEDURE_STEPS_MAX]; /* those in which it waits */
    int first;                              /* cell of the first */
};
size_t steps_procedures(struct procedure_view ret[PROCEDURE_VIEWS_MAX]); /* of both */
size_t steps_of_smsr(struct procedure_view *ret);
size_t steps_of_smdp(struct procedure_view *ret);

#endif
