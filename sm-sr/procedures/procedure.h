/* sm-sr/procedures/procedure.h: a procedure is a table of steps (SGP.02 §3). Steps are pure: they change the loaded
 * eUICC and the outbox of their turn. An operation is one run of a procedure, for one call. */
#ifndef OSPREY_SMSR_PROCEDURE_H
#define OSPREY_SMSR_PROCEDURE_H

#include "lib/ota/es5.h"
#include "sm-sr/store/euicc.h"

struct turn;
struct es_response;

enum { NEXT_STAY = -1, NEXT_END = -2 }; /* NEXT_END: op->status says how it ended */

/* What came back for an exchange. */
enum card_outcome {
    CARD_SAID,   /* a response script */
    CARD_UNSURE, /* the card has had the command before; what it said is lost (PoR "counter low" to a repeat) */
    CARD_REFUSED /* the packet or its target was refused before the script was run */
};
#define CARD_ITEMS_MAX 64u
struct card_answer {
    enum card_outcome outcome;
    bool repeated;       /* the command left more than once: it may have been executed before */
    char why[80];        /* CARD_REFUSED */
    struct span script;  /* CARD_SAID: the response script as it came */
    bool broken;         /* it cannot be read, or says "bad format" */
    size_t count;        /* R-APDUs in it */
    struct rapdu last;   /* the last of them */
    struct span data[4]; /* data of the first ones, without the status word */
};

struct step {
    const char *name; /* as stored */
    int (*enter)(struct turn *t, struct operation *op);
    int (*answered)(struct turn *t, struct operation *op, const struct card_answer *answer);
    int (*notified)(struct turn *t, struct operation *op, const struct es5_notification *n);
    uint32_t may_go_to; /* bit i: step i; always: the end */
    /* The other SM-SR answered (NULL: it cannot be reached, or it said no in the same breath). */
    int (*told)(struct turn *t, struct operation *op, const struct es_response *response);
};
#define TO(step) (1u << (step))

struct procedure {
    const char *name;         /* as stored */
    const struct step *steps; /* [0] waits its turn, [1] is the first of the work */
    size_t step_count;
    /* May it begin now? Fills in what the steps need (isdp, other …). Called when the call comes in and again when its
     * turn has come. */
    struct status (*check)(struct turn *t, struct operation *op);
    uint16_t audit; /* enum audit_operation of its record; 0: none */
    bool only_keys; /* does nothing to profiles */
    bool chains;    /* its scripts to the card hang together */
};
#define PROCEDURE_WAITS                                                                                                \
    {                                                                                                                  \
        "waiting", NULL, NULL, NULL, TO(1)                                                                             \
    }

extern const struct procedure SMSR_CREATE_ISDP, SMSR_SEND_DATA, SMSR_ENABLE_PROFILE, SMSR_DISABLE_PROFILE,
    SMSR_DELETE_PROFILE, SMSR_AUDIT, SMSR_SET_FALLBACK, SMSR_PREPARE, SMSR_CHANGE, SMSR_AUTHENTICATE, SMSR_CREATE_KEYSET,
    SMSR_HANDOVER, SMSR_SET_EMERGENCY, SMSR_DELETE_KEYSET, SMSR_MASTER_DELETE, SMSR_ROTATE_KEYS;
#define SMSR_PROCEDURES_MAX 16u
extern const struct procedure *const smsr_procedures[SMSR_PROCEDURES_MAX];

const struct procedure *smsr_procedure_by_name(const char *name); /* NULL: none */
const struct step *smsr_step_by_name(const struct procedure *p, const char *name);

/* Goes to that step of the operation, and on as long as steps pass at once. */
void smsr_operation_go(struct turn *t, struct operation *op, int next);
/* Ends it with op->status: answers, records, forgets its exchanges. */
void smsr_operation_end(struct turn *t, struct operation *op);
int smsr_operation_fail(struct operation *op, enum reason reason, const char *subject_id, const char *detail);
/* A new one that the administration has asked for, waiting its turn; NULL, and the request has its outcome, when too many
 * wait. */
struct admin_call;
struct operation *smsr_operation_asked(struct turn *t, const struct procedure *p, const struct admin_call *call, uint64_t deadline_ms);
/* Starts what waits, when nothing runs. */
void smsr_operation_start_next(struct turn *t);
/* Ends what is overdue with EXPIRED. */
void smsr_operation_expire(struct turn *t);
/* Puts an audit of our own in front: the card's state is not known for sure. */
void smsr_operation_doubt(struct turn *t);

#endif
