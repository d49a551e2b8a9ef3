/* lib/es/es4.h: ES4 and ES4A, operator to SM-SR (SGP.02 §5.5, §5.7); callbacks and notifications the other way.
 * All its bodies are shared ones: bodies.h. */
#ifndef OSPREY_ES_ES4_H
#define OSPREY_ES_ES4_H

#include "bodies.h"

#endif
