#include "faults.h"

#include <stdio.h>

void fault_count_step(struct fault_counts *c, const char *name, enum fault_kind kind)
{
    for (size_t i = 0; i < c->step_count; i++)
        if (!strcmp(c->steps[i].name, name)) {
            c->steps[i].count[kind]++;
            return;
        }
    if (c->step_count == FAULT_STEPS_MAX)
        return;
    struct fault_step *s = &c->steps[c->step_count++];
    snprintf(s->name, sizeof s->name, "%s", name);
    s->count[kind] = 1;
}
