#include "steps_tables.h"

#include "sm-sr/procedures/procedure.h"

/* A step that nothing can answer passes at once; an eUICC that is coming has no other work for which a hand-over could wait. */
static bool waits(const struct procedure *p, size_t i)
{
    if (i == 0)
        return p != &SMSR_HANDOVER;
    return p->steps[i].answered || p->steps[i].notified || p->steps[i].told;
}

size_t steps_of_smsr(struct procedure_view *ret)
{
    size_t count = 0;
    for (size_t n = 0; n < SMSR_PROCEDURES_MAX; n++) {
        const struct procedure *p = smsr_procedures[n];
        if (p->step_count < 2 || p == &SMSR_MASTER_DELETE) /* done as soon as it is asked for; begun by the administration alone */
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
