/* euicc/isdr/switch.h: the one state machine of a profile switch: decide, reset, attach, notify, be confirmed; roll
 * back or fall back when it fails. SGP.02 §3.2 … §3.4, §3.16; oncard fact book 10, 11. Its state is one object in the
 * card's memory and changes together with the registry, so power may fail anywhere.
 *
 *   IDLE ──ask──▶ PENDING ──reset──▶ ATTACHING ──service──▶ NOTIFYING ──3A08──▶ IDLE
 *                   ▲                    │ guard               │ tries used up
 *                   └── roll back / fall back ◀────────────────┘
 *
 * The attach guard is counted in card memory, so a device that keeps resetting rolls back too. A notification is tried
 * when the network serves us, and not before.
 */
#ifndef OSPREY_EUICC_ISDR_SWITCH_H
#define OSPREY_EUICC_ISDR_SWITCH_H

#include "lib/base/err.h"
#include "lib/codec/writer.h"
#include "lib/model/aid.h"
#include "lib/ota/es5.h"

struct card;

enum switch_phase {
    SWITCH_IDLE,      /* nothing under way */
    SWITCH_PENDING,   /* decided and answered; takes effect at the next reset */
    SWITCH_ATTACHING, /* the target is enabled and looks for the network */
    SWITCH_NOTIFYING  /* a notification wants its confirmation */
};

enum switch_cause {
    SWITCH_FIRST,    /* no switch: the eUICC's first attach, type 01 */
    SWITCH_ENABLE,   /* ES5.EnableProfile, type 02 */
    SWITCH_DISABLE,  /* ES5.DisableProfile: the fall-back profile takes over, type 02 */
    SWITCH_ROLLBACK, /* the switch before failed, type 03 */
    SWITCH_FALLBACK, /* network lost, type 05 */
    /* ESx: the emergency profile (types 06, 07 [?]) or a test profile (nobody is told); no roll-back, no POL1 */
    SWITCH_LOCAL_ENABLE,
    SWITCH_LOCAL_DISABLE,
    SWITCH_CAUSE_COUNT
};

/* Octets of the stored object, in this order, fixed sizes. */
struct switch_state {
    uint8_t phase, cause;
    uint8_t first_done;        /* the first-attach notification was confirmed, once for life */
    uint8_t tries;             /* of the notification, made */
    uint16_t target, previous; /* slots of ISD-Ps; 0: none */
    uint16_t sequence;         /* of the latest notification */
    uint8_t e1_len;            /* 0: not built yet for this switch */
    uint8_t e1[ES5_NOTIFICATION_MAX];
    uint16_t home; /* while a profile is enabled by ESx: the slot of the one to come back to; else 0 */
    uint8_t spent; /* of the attach guard, in SWITCH_GUARD_PARTS: a power-up costs one at least */
};
#define SWITCH_GUARD_PARTS 20u

/* Volatile side. */
#define SWITCH_NEVER       UINT64_MAX
#define SWITCH_IGNORED_MAX 16u
struct switch_run {
    struct switch_state state;
    bool serviced;           /* the network serves us, as far as the terminal told */
    bool refreshing;         /* REFRESH is with the terminal */
    uint8_t ignored;         /* REFRESH commands that the terminal answered and did not follow */
    bool released;           /* the answer that announced the switch is out */
    uint64_t deadline_ms;    /* of the phase: attach guard's next part, next try, REFRESH again; SWITCH_NEVER: none */
    uint64_t guard_since_ms; /* up to when the guard's time is in state.spent */
    uint64_t lost_since_ms;  /* without service; SWITCH_NEVER: served, or nobody knows */
    uint64_t deadline_off_ms, lost_off_ms; /* put off until then already, because the device had slept */
};

MUST_USE enum err switch_load(struct card *card);

/* Decides a switch inside the caller's transaction; it takes effect at the reset after switch_release. ERR_STATE when
 * another one is pending. */
MUST_USE enum err switch_ask(struct card *card, enum switch_cause cause, uint16_t target_slot);
bool switch_pending(const struct card *card);
/* The session or PoR that carried the answer is over: asks the terminal for the reset. Harmless when nothing is
 * pending. */
void switch_release(struct card *card);

/* All of it at once: in a transaction of its own, and the terminal is asked for the reset. ERR_STATE, and what the
 * memory says. */
MUST_USE enum err switch_now(struct card *card, enum switch_cause cause, uint16_t target_slot);

/* Reset: carries a pending switch out (registry and state in one transaction) and starts the guard. */
void switch_reset(struct card *card);
/* The terminal is there: without service from now on counts as lost. */
void switch_terminal_ready(struct card *card);
/* SUSPEND UICC: not while a switch waits for its reset or its profile for the network. */
bool switch_may_suspend(const struct card *card);
void switch_suspend(struct card *card, struct writer *w);
void switch_resume(struct card *card, struct reader *r);
/* Service as told by LOCATION STATUS or PROVIDE LOCAL INFORMATION. */
void switch_service(struct card *card, bool serviced);
uint64_t switch_idle(struct card *card, uint64_t now_ms);

/* ES5.HandleNotificationConfirmation. ERR_STATE: none pending; ERR_NOT_FOUND: another number. ret_deleted: the ISD-Ps
 * that POL1 had deleted by it. */
MUST_USE enum err switch_confirm(struct card *card, uint16_t sequence, struct es5_deleted *ret_deleted);
/* The notification did not leave the device (SEND SHORT MESSAGE or session failed): counted as a try. */
void switch_notification_failed(struct card *card);
/* May a profile be deleted now: not one that a running switch may need. */
bool switch_needs(const struct card *card, uint16_t slot);

#endif
