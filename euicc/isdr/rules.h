/* euicc/isdr/rules.h: switching by the card's own rules (lib/profile/local_switch.h), which the enabled profile
 * carries: when the device orders it, after a time without service, after a time. It is an ordinary switch: POL1 of the
 * profile that is left is asked, the SM-SR is told (type 02), and what does not come up or is not confirmed rolls back.
 */
#ifndef OSPREY_EUICC_ISDR_RULES_H
#define OSPREY_EUICC_ISDR_RULES_H

#include "lib/base/err.h"
#include "lib/base/span.h"
#include "lib/profile/local_switch.h"

struct card;
struct objects;

struct switch_rules {          /* RAM */
    struct local_switch rules; /* of the enabled profile; all zero: none */
    uint64_t after_ms;         /* when its time is over; UINT64_MAX: never */
    uint64_t not_before_ms;    /* after a try that led nowhere */
};

/* In the transaction of the installation. */
MUST_USE enum err rules_put(struct objects *store, uint8_t slot, struct span content);

/* The terminal is there: reads the enabled profile's rules, its time begins. */
void rules_start(struct card *card);
/* Acts when it is time; returns when it wants to be called again. */
uint64_t rules_idle(struct card *card, uint64_t now_ms);
/* The device's order: value of DGI 3A0E, empty (the next one) or 5A 0A ICCID. Status word. */
uint16_t rules_order(struct card *card, struct span value);
void rules_suspend(struct card *card, struct writer *w);
void rules_resume(struct card *card, struct reader *r);

#endif
