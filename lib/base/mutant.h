/* lib/base/mutant.h: deliberate faults. In a build with -Dmutants=true, MUTANT(name) is true when the environment
 * variable OSPREY_MUTANT is that name: conformance runner or simulator must find it. In every other build it is a constant
 * false, and nothing of it is left in the programs. */
#ifndef OSPREY_BASE_MUTANT_H
#define OSPREY_BASE_MUTANT_H

#include <stdbool.h>

#ifdef OSPREY_MUTANTS
bool mutant_is(const char *name);
#define MUTANT(name) mutant_is(#name)
#else
#define MUTANT(name) false
#endif

#endif
