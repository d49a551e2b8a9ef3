/* euicc/uicc/suspend.h: a session that is kept while the card has no power (SUSPEND UICC). The modules' parts of it are
 * written and read by their hooks (struct card_module). */
#ifndef OSPREY_EUICC_UICC_SUSPEND_H
#define OSPREY_EUICC_UICC_SUSPEND_H

#include "euicc/card.h"

#define INS_SUSPEND 0x76u

/* At reset, before the modules: is there a session that can be resumed. */
void suspension_find(struct card *card);
/* This command says that nobody will resume it. */
bool suspension_ends(const struct card *card, const struct command *cmd);
void suspension_drop(struct card *card);

#endif
