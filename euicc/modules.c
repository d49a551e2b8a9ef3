#include "card.h"
#include "euicc/isdp/isdp.h"
#include "euicc/isdr/isdr.h"

const struct card_module *const card_modules[] = { &isdp_module, &isdr_module, NULL };
