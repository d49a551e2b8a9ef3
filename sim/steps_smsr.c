#include "steps_tables.h"

#include "sm-sr/procedures/procedure.h"

/* A step that nothing can answer passes at once; a procedure of one step is done as soon as it is asked for. */
static bool waits(const struct procedure *p, size_t i) { return i == 0 || p->steps[i].answered || p->steps[i].notified || p->steps[i].told; }

size_t steps_of_smsr(struct procedure_view *ret)
{
    size_t count = 0;
    for (size_t n = 0; n < SMSR_PROCEDURES_MAX; n++) {
        const struct procedure *p = smsr_procedures[n];
        if (p->step_count < 2)
            continue;
        ret[count] = (struct procedure_view){ .name = p->name };
        for (size_t i = 0; i < p->step_count && ret[count].count < PROCEDURE_STEPS_MAX; i++)
            if (waits(p, i))
                ret[count].steps[ret[count].count++] = p->steps[i].name;
        count++;
    }
    return count;
}

size_t steps_procedures(struct procedure_view ret[PROCEDURE_VIEWS_MAX])
{
    size_t count = steps_of_smsr(ret);
    return count + steps_of_smdp(ret + count);
}
