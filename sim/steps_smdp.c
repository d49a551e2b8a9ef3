#include "steps_tables.h"

#include "sm-dp/procedures/procedure.h"

size_t steps_of_smdp(struct procedure_view *ret)
{
    static const struct procedure *const all[] = { &SMDP_DOWNLOAD, &SMDP_RELAY }; /* not what the administration begins */
    for (size_t n = 0; n < ARRAY_LEN(all); n++) {
        ret[n] = (struct procedure_view){ .name = all[n]->name, .is_smdp = true };
        for (size_t i = 0; i < all[n]->step_count && i < PROCEDURE_STEPS_MAX; i++)
            ret[n].steps[ret[n].count++] = all[n]->steps[i].name;
    }
    return ARRAY_LEN(all);
}
