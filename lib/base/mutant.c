#include "mutant.h"

#ifdef OSPREY_MUTANTS
#include <stdlib.h>
#include <string.h>

bool mutant_is(const char *name)
{
    const char *chosen = getenv("OSPREY_MUTANT");
    return chosen && strcmp(chosen, name) == 0;
}
#else
typedef int mutants_are_not_built;
#endif
