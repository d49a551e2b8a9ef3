/* euicc/isdp/isdp.h: the ISD-P part of the card as a module: reads the registry when the card is opened, installs the
 * bootstrap profile in the factory. It comes first in card_modules. */
#ifndef OSPREY_EUICC_ISDP_ISDP_H
#define OSPREY_EUICC_ISDP_ISDP_H

#include "euicc/card.h"

extern const struct card_module isdp_module;

#endif
