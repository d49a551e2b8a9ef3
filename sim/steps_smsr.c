#include "steps_tables.h"

#include "sm-sr/procedures/procedure.h"

/* The rule for a step that is no row; NULL: it is one. */
static const char *left_out(const struct procedure *p, size_t i)
{
    if (p->step_count == 1)
        return "done in the turn in which it is asked for";
    if (i > 0 && !p->steps[i].answered && !p->steps[i].notified && !p->steps[i].told)
        return "nothing can answer it: passed in the turn in which it is entered";
    return NULL;
}

size_t steps_of_smsr(struct procedure_view *ret)
{
    for (size_t n = 0; n < SMSR_PROCEDURES_MAX; n++) {
        const struct procedure *p = smsr_procedures[n];
        ret[n] = (struct procedure_view){ .name = p->name };
        for (size_t i = 0; i < p->step_count; i++)
            steps_view_add(&ret[n], p->steps[i].name, left_out(p, i));
    }
    return SMSR_PROCEDURES_MAX;
}

size_t steps_procedures(struct procedure_view ret[PROCEDURE_VIEWS_MAX])
{
    size_t count = steps_of_smsr(ret);
    return count + steps_of_smdp(ret + count);
}
