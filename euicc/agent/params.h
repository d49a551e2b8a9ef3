#ifndef OSPREY_EUICC_AGENT_PARAMS_H
#define OSPREY_EUICC_AGENT_PARAMS_H

#include "agent.h"

/* Puts trigger, enabled profile's and stored parameters together, in this order of precedence. */
MUST_USE enum err agent_params_resolve(struct card *card, const struct agent_request *request,
                                       struct agent_params *ret);

#endif
