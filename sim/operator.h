/* sim/operator.h: the operator: it asks SM-DP (ES2) and SM-SR (ES4), asks again what it got no answer to, and keeps every
 * call with all that was said to it. Each card has a programme: one function after the other, some of them twice. */
#ifndef OSPREY_SIM_OPERATOR_H
#define OSPREY_SIM_OPERATOR_H

#include "lib/crypto/sha256.h"
#include "lib/es/message.h"
#include "world.h"

#define SIM_CALL_ID_MAX 32u
#define SIM_PROFILES_MAX 12u /* ordered for each card */

struct ecosystem;

/* What is asked of the administration of the servers, not over ES2 and ES4 (administrator.h). */
enum administration {
    ADMINISTRATION_NONE,
    ADMINISTRATION_KEYS,
    ADMINISTRATION_TOKEN_KEY,
    ADMINISTRATION_CONNECTIVITY,
    ADMINISTRATION_MASTER_DELETE,
    ADMINISTRATION_COUNT
};

struct sim_call {
    struct ecosystem *e;
    unsigned number, card, profile, smsr; /* smsr: which is asked, or concerned (ES2) */
    enum es_function function; /* ES_FUNCTION_NONE: of the administration */
    enum administration administration;
    unsigned stage; /* administrator.c */
    bool enable;
    uint8_t *request; /* as it leaves, again and again */
    size_t request_len;
    bool accepted, refused; /* refused: answered in the same exchange with FAILED */
    bool repeated;          /* the judge asked once more */
    unsigned tries, answers, different; /* different: answers that are not the first one's bytes */
    uint8_t digest[32];
    struct status status;
    uint64_t asked_ms, answered_ms, end_ms;
    uint32_t validity_s;
};

struct question {
    enum es_function function;
    unsigned profile;
    bool enable;
    enum administration administration; /* ADMINISTRATION_NONE: function says what */
};

struct programme {
    unsigned functions;           /* for each card, the first download included */
    const struct question *script; /* so many, in this order; NULL: by chance */
    uint32_t spread_ms;           /* when the cards begin */
    uint32_t think_max_ms;        /* between an answer and the next question */
    uint32_t twice_permille;      /* the same message leaves twice at once */
    uint32_t together_permille;   /* the next question does not wait for the answer */
    uint32_t validity_min_s, validity_max_s;
    bool download_only;
    bool fill;                    /* downloads come first */
    bool all_functions;           /* attributes and what the SM-DP passes on, too */
    uint32_t administration_permille; /* of the questions go to the administration; options.administration */
};

struct sim_operator {
    struct programme programme;
    struct sim_call **calls;
    unsigned call_count, call_cap, done_cards;
    unsigned notifications;
    bool stopped; /* no new questions */
};

/* What the operator has been told of a card, by answers and notifications together: when each of its profiles was said to
 * be enabled last, and when to be not. */
struct sim_told {
    uint64_t on_ms[SIM_PROFILES_MAX], off_ms[SIM_PROFILES_MAX];
    uint64_t gone_ms[SIM_PROFILES_MAX];
    struct sim_told_download { /* the last that succeeded: it loaded, and perhaps enabled, at some time between the two */
        uint64_t asked_ms, end_ms; /* 0: none did */
        bool enabled;
    } loaded[SIM_PROFILES_MAX];
    uint64_t doubt_ms; /* nothing said before is sure: a download does not say when it enabled, and something else happened too */
};
/* The number of the profile that it takes for enabled, -1: none of its; false: it cannot know. */
bool operator_knows(const struct sim_told *told, int *ret_profile);
/* Is the profile on the card? false: it cannot know, for it heard that it was deleted while a download of it went on. */
bool operator_knows_loaded(const struct sim_told *told, unsigned profile, bool *ret_loaded);

void operator_join(struct ecosystem *e); /* its node in the world */
void operator_begin(struct ecosystem *e, const struct programme *programme);
/* Asks now, whatever the programme says. */
struct sim_call *operator_ask(struct ecosystem *e, unsigned card, struct question q);
/* Every card's programme is over, every call answered. */
bool operator_content(void *ecosystem);
/* Asks once more for the changes of SM-SR whose outcome it does not know; how many. */
unsigned operator_settle(struct ecosystem *e);
/* Asks every call of the last hours once more: a repeat must get the same bytes and change nothing. */
void operator_repeat_all(struct ecosystem *e, uint64_t since_ms);
/* An answer to a call has come, the first or another one; or it was refused in the same exchange. */
void operator_call_answered(struct sim_call *c, const struct status *status, uint64_t end_ms, struct span octets);
void operator_call_refused(struct sim_call *c, const struct status *status);
void operator_done(struct ecosystem *e);
const char *operator_call_text(const struct sim_call *call, char out[160]);

#endif
