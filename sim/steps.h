/* sim/steps.h: in which step each run of a procedure of SM-SR and SM-DP stands, as is committed; what struck it there; and a
 * fault aimed at one step. A cell of the table is a step and a kind of fault. */
#ifndef OSPREY_SIM_STEPS_H
#define OSPREY_SIM_STEPS_H

#include "lib/base/store.h"
#include "lib/model/eid.h"

/* The first four in the order of enum strike_kind. */
enum fault_kind {
    FAULT_BEFORE,     /* a server dies, and the commit does not happen */
    FAULT_AFTER,      /* … it does, and nothing of it leaves */
    FAULT_SEND,       /* … in front of an effect */
    FAULT_FULL,       /* its store is full */
    FAULT_SLOW,       /* a commit that takes long */
    FAULT_JUMP,       /* its clock jumps */
    FAULT_SOAP_LOST,
    FAULT_SOAP_TWICE,
    FAULT_ANSWER_LOST, /* the HTTP answer */
    FAULT_SMS_LOST,
    FAULT_SMS_TWICE,
    FAULT_SMS_TURNED, /* a bit of it */
    FAULT_TCP_CUT,
    FAULT_TCP_TURNED,
    FAULT_POWER,      /* of the device */
    FAULT_TORN,       /* … in the middle of a write to the card's memory */
    FAULT_SILENCE,    /* no coverage: jammed, on its way, out of view */
    FAULT_REFUSED,    /* the home network refuses a subscription */
    FAULT_DRY,        /* prepaid data is used up */
    FAULT_KINDS
};
extern const char *const fault_names[FAULT_KINDS]; /* for the head of the table: at most 6 characters */

#define STEPS_MAX     96u
#define STEPS_RUNS_MAX 512u
#define STEPS_ANYBODY (-1)

/* All steps in which a procedure can be when it waits for something: from the tables of the programs. */
size_t steps_count(void);
const char *steps_name(size_t cell); /* "sm-sr enable-profile/ask" */
/* "enable-profile/ask:after", or the numbers of row and column; false: there is none such. */
bool steps_aim_read(const char *text, int *ret_cell, int *ret_kind);
#define STEPS_AIM_TEXT_MAX 64u
const char *steps_aim_text(int cell, int kind, char out[STEPS_AIM_TEXT_MAX]);
/* Steps of the programs' tables in which none can be struck, with the rule that says so. */
void steps_left_out(void (*tell)(const char *procedure, bool is_smdp, const char *step, const char *why));

/* How long it took until what was struck moved on: to another step, or to its end. */
#define RECOVERY_CLASSES 24u
struct recovery {
    unsigned count, within[RECOVERY_CLASSES]; /* class n: less than 2^n seconds / 16 */
    uint64_t sum_ms, max_ms;
};

struct steps {
    const struct eid *eids; /* of the cards, borrowed */
    size_t card_count, indexed, slot_count;
    uint32_t *slots; /* of a hash table: number of the card and one; 0: free */
    struct steps_run {
        const void *role; /* NULL: free */
        uint64_t row;
        int card, cell;   /* cell: -1: none of the table's */
        const struct procedure_view *procedure;
        uint64_t struck_ms; /* since then it has not moved; 0: it has */
        enum fault_kind struck_by;
    } *runs; /* STEPS_RUNS_MAX */
    unsigned struck[STEPS_MAX][FAULT_KINDS], visited[STEPS_MAX];
    uint32_t wrote_at[STEPS_MAX]; /* the first octet that a card wrote to its memory meanwhile; 0: none */
    const uint64_t *now_ms; /* borrowed */
    struct recovery recovery[FAULT_KINDS];
    struct {
        int cell; /* -1: none */
        enum fault_kind kind;
        bool spent;
        void *context;
        void (*entered)(void *context, int card, const void *role); /* a run has come into the step */
    } aim;
};
void steps_init(struct steps *s);
void steps_done(struct steps *s);
void recovery_add(struct recovery *to, const struct recovery *more);
/* At least so many of a thousand took no longer than this, in seconds: the bound of its class. */
double recovery_within_s(const struct recovery *r, unsigned permille);
/* What role (an SM-DP, or an SM-SR) has committed. */
void steps_watch(struct steps *s, const void *role, bool is_smdp, const struct write *writes, size_t count);
bool steps_stand(const struct steps *s, int card, const char *name); /* does one of that card's stand there? name as steps_name has it */
/* A fault struck that card (STEPS_ANYBODY: each of the role's), or those of that role (NULL: of any): what runs is counted. */
void steps_struck(struct steps *s, enum fault_kind kind, int card, const void *role);
/* That card writes octets from this one on (strike.h: a place). */
void steps_wrote(struct steps *s, int card, uint32_t place);
/* It shall strike here: this kind is aimed at a step in which one of them stands. Once. */
bool steps_aimed(struct steps *s, enum fault_kind kind, int card, const void *role);
int steps_card(struct steps *s, struct span eid_text); /* STEPS_ANYBODY: none of them */

#endif
