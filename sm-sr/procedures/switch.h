/* sm-sr/procedures/switch.h: the steps that enabling, disabling and deleting have in common (SGP.02 §3.2–§3.7; fact
 * book 8.4–8.6): ask the card, wait for its notification, confirm it, delete what policy says. */
#ifndef OSPREY_SMSR_SWITCH_H
#define OSPREY_SMSR_SWITCH_H

#include "procedure.h"

/* One numbering for the three tables. */
enum switch_step {
    SWITCH_WAITING,
    SWITCH_BEGIN,
    SWITCH_ASK,
    SWITCH_AWAIT,
    SWITCH_CONFIRM,
    SWITCH_DELETE,
    SWITCH_LOOK,
    SWITCH_LOOK_DELETED,
    SWITCH_STEPS
};

int smsr_switch_ask(struct turn *t, struct operation *op);
int smsr_switch_asked(struct turn *t, struct operation *op, const struct card_answer *a);
int smsr_switch_await(struct turn *t, struct operation *op);
int smsr_switch_notified(struct turn *t, struct operation *op, const struct es5_notification *n);
int smsr_switch_confirm(struct turn *t, struct operation *op);
int smsr_switch_confirmed(struct turn *t, struct operation *op, const struct card_answer *a);
int smsr_switch_delete(struct turn *t, struct operation *op);
int smsr_switch_deleted(struct turn *t, struct operation *op, const struct card_answer *a);
int smsr_switch_look(struct turn *t, struct operation *op);
int smsr_switch_looked(struct turn *t, struct operation *op, const struct card_answer *a);
int smsr_switch_look_deleted(struct turn *t, struct operation *op);
int smsr_switch_looked_deleted(struct turn *t, struct operation *op, const struct card_answer *a);

#define SWITCH_STEPS_COMMON                                                                                            \
    [SWITCH_ASK] = { "ask", smsr_switch_ask, smsr_switch_asked, smsr_switch_notified,                                  \
                     TO(SWITCH_AWAIT) | TO(SWITCH_CONFIRM) | TO(SWITCH_LOOK) },                                        \
    [SWITCH_AWAIT] = { "await", smsr_switch_await, NULL, smsr_switch_notified, TO(SWITCH_CONFIRM) },                   \
    [SWITCH_CONFIRM] = { "confirm", smsr_switch_confirm, smsr_switch_confirmed, smsr_switch_notified,                  \
                         TO(SWITCH_CONFIRM) | TO(SWITCH_DELETE) },                                                     \
    [SWITCH_DELETE] = { "delete", smsr_switch_delete, smsr_switch_deleted, NULL, TO(SWITCH_LOOK_DELETED) },            \
    [SWITCH_LOOK] = { "look", smsr_switch_look, smsr_switch_looked, smsr_switch_notified,                              \
                      TO(SWITCH_ASK) | TO(SWITCH_AWAIT) | TO(SWITCH_CONFIRM) },                                        \
    [SWITCH_LOOK_DELETED] = { "look-deleted", smsr_switch_look_deleted, smsr_switch_looked_deleted, NULL,              \
                              TO(SWITCH_DELETE) }

/* The profile that is enabled when the switch is done. */
struct aid smsr_switch_target(const struct operation *op);
/* Is a change of the enabled profile under way for it, not confirmed yet? */
bool smsr_operation_switches(const struct operation *op);

/* ---- for all procedures */
/* The card answered, but not as hoped: the status for it, and what it said as EuiccResponseData. */
int smsr_card_failed(struct turn *t, struct operation *op, const struct card_answer *a);
/* One C-APDU to the ISD-R; NEXT_STAY, or NEXT_END with the reason why it cannot be sent. */
int smsr_send_capdu(struct turn *t, struct operation *op, enum exchange_purpose purpose, struct span capdu, bool bulk);
int smsr_send_failed(struct operation *op, enum err err);
/* GET STATUS of one ISD-P; and what came of it: life cycle 0 when there is none. false: no usable answer. */
int smsr_send_get_status(struct turn *t, struct operation *op, const struct aid *isdp);
bool smsr_life_cycle_of(const struct card_answer *a, const struct aid *isdp, uint8_t *ret);

#endif
