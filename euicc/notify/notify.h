/* euicc/notify/notify.h: the eUICC's default notification (SGP.02 §3.15.1, §4.1.1.11): E1 to the SM-SR, by SMS, as
 * the first request of an administration session, or over CAT_TP as a packet of its own. What to say and when is euicc/isdr/switch. */
#ifndef OSPREY_EUICC_NOTIFY_NOTIFY_H
#define OSPREY_EUICC_NOTIFY_NOTIFY_H

#include "lib/base/err.h"
#include "lib/base/span.h"

#include "sms_out.h"

struct card;

/* RAM: card->notify. */
struct notify {
    struct sms_out sms;
};

/* Sends the E1 once; `attempt` (0, 1 …) picks the bearer when several are configured: they take turns. The outcome comes
 * through switch_notification_failed, or as a confirmation. ERR_MISSING: no address of the SM-SR. */
MUST_USE enum err notify_send(struct card *card, struct span e1, unsigned attempt);

#endif
