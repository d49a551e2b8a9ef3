/* sm-dp/notification.h: notifications of an SM-SR for operators that are reached through this SM-DP (SGP.02 §5.4.12 …;
 * offcard book 7.24, 9): each becomes its ES2 twin. */
#ifndef OSPREY_SMDP_NOTIFICATION_H
#define OSPREY_SMDP_NOTIFICATION_H

#include "turn.h"

void smdp_notification(struct turn *t, const struct call_event *c);

#endif
