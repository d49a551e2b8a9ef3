#include "card.h"
#include "euicc/imsi/imsi.h"
#include "euicc/isdp/isdp.h"
#include "euicc/isdr/isdr.h"

const struct card_module *const card_modules[] = { &isdp_module, &imsi_module, &isdr_module, NULL };
