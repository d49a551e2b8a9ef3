#include "steps_tables.h"

#include "sm-dp/procedures/download.h"

/* Steps to which a procedure can come from where it begins, and, with its answer out, from where it goes on. */
static uint32_t within_reach(const struct procedure *p)
{
    uint32_t reach = TO(p->first) | (p->clean_up ? TO(p->clean_up) : 0), before = 0;
    while (reach != before) {
        before = reach;
        for (size_t i = 0; i < p->step_count; i++)
            reach |= reach & TO(i) ? p->steps[i].may_go_to : 0;
    }
    return reach;
}

/* The rule for a step that is no row; NULL: it is one. */
static const char *left_out(const struct procedure *p, size_t i)
{
    if (!(within_reach(p) & TO(i)))
        return "no way leads there from its first step";
    if (p == &SMDP_PERSONALIZE && i == DL_ENABLE)
        return "only a download is asked to enable";
    return p->steps[i].answered ? NULL : "nothing can answer it: passed in the turn in which it is entered";
}

static bool is_known(const struct procedure *const *known, size_t count, const struct procedure *p)
{
    for (size_t i = 0; i < count; i++)
        if (known[i] == p)
            return true;
    return false;
}

/* Whatever a function of ES2, or the administration (ES_FUNCTION_NONE), can begin. */
size_t steps_of_smdp(struct procedure_view *ret)
{
    const struct procedure *known[PROCEDURE_VIEWS_MAX];
    size_t count = 0;
    for (int function = ES_FUNCTION_COUNT - 1; function >= ES_FUNCTION_NONE; function--) {
        const struct procedure *p = smdp_procedure_of((enum es_function)function);
        if (!p || is_known(known, count, p))
            continue;
        known[count] = p;
        ret[count] = (struct procedure_view){ .name = p->name, .is_smdp = true };
        for (size_t i = 0; i < p->step_count; i++)
            steps_view_add(&ret[count], p->steps[i].name, left_out(p, i));
        count++;
    }
    return count;
}
