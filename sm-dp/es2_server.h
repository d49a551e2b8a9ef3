/* sm-dp/es2_server.h: how a call of an operator becomes a job (SGP.02 §5.3; order of checks: offcard book 2.5). */
#ifndef OSPREY_SMDP_ES2_SERVER_H
#define OSPREY_SMDP_ES2_SERVER_H

#include "turn.h"

void smdp_es2_call(struct turn *t, const struct call_event *c);

#endif
