/* sm-sr/answer.h: what the SM-SR says to its partners: answers, callbacks, notifications. All are made and stored in
 * the turn that knows them; the MessageID is drawn here and never again. */
#ifndef OSPREY_SMSR_ANSWER_H
#define OSPREY_SMSR_ANSWER_H

#include "turn.h"

/* What has to be kept of a request to answer it later; in the arena. */
struct span smsr_context_of(struct turn *t, const struct es_message *request, const char *callback_url);
/* Where a callback goes: ReplyTo, or From, or what is configured. NULL: it names a host that the partner may not. */
const char *smsr_callback_url(struct turn *t, const struct smsr_partner *partner, const struct es_message *request);

/* An answer to request in the same HTTP exchange (SYNC functions); response: its body. Empty when it cannot be built.
 */
struct span smsr_answer_build(struct turn *t, const struct es_message *request, const struct es_response *response);
/* One more message asks for what the operation does: it gets an answer of its own. */
void smsr_context_add(struct turn *t, struct operation *op, const struct es_message *request, const char *callback_url);
/* A stored answer for a message that asks again: with a header of its own, or as it is when it is the same message. */
struct span smsr_answer_again(struct turn *t, const struct es_message *request, struct span stored);
/* An answer from its context; for callbacks. */
struct span smsr_callback_build(struct turn *t, struct span context, enum es_function function,
                                const struct es_response *response);
/* Puts it into the outbox. */
void smsr_callback_post(struct turn *t, struct span context, enum es_function function, const char *call_id,
                        struct span soap);
/* The answer to an operation that ended: stored, and on its way. */
void smsr_operation_answer(struct turn *t, struct operation *op);

/* A message of our own accord. */
struct outgoing {
    enum es_function function;
    enum es_kind kind;
    const void *body;
    const struct smsr_partner *to;
    const char *url;
    const char *what, *name; /* how logs and the outbox call it */
    bool relayed;            /* an SM-DP gets it for somebody else */
    const char *unique;      /* of its MessageID, and TransactionId; NULL: drawn here */
    uint64_t give_up_ms;     /* 0: the outbox's own */
};
bool smsr_post(struct turn *t, const struct outgoing *o);
/* Every operator with a profile on the eUICC learns that it is managed here now, and M2M SPs whose PLMA says so. */
void smsr_tell_change(struct turn *t);

enum smsr_tell {
    SMSR_TELL_ENABLED,
    SMSR_TELL_DISABLED,
    SMSR_TELL_DELETED,
    SMSR_TELL_FALLBACK_SET,
    SMSR_TELL_FALLBACK_UNSET,
    SMSR_TELL_EMERGENCY_SET,
    SMSR_TELL_EMERGENCY_UNSET,
    SMSR_TELL_DOWNLOADED,
    SMSR_TELL_POL2
};
/* Tells the profile's owner, unless its ONC says no, and the M2M SPs whose PLMA says so: directly (ES4), or through an
 * SM-DP (ES3). */
void smsr_tell(struct turn *t, enum smsr_tell what, const struct profile *p);
/* The same about the profile that the running operation was asked for: but not who asked. */
void smsr_tell_others(struct turn *t, enum smsr_tell what, const struct profile *p);
/* Whom smsr_tell_others leaves out: who asked, when the answer cannot say it. */
void smsr_tell_asker(struct turn *t, enum smsr_tell what, const struct profile *p);
/* The M2M SPs only; but: not this one, or NULL. */
void smsr_tell_listeners(struct turn *t, enum smsr_tell what, const struct profile *p, const struct oid *but);
void smsr_tell_plma(struct turn *t, const struct es_plma *plma);
/* The profile is gone from the card: entry, memory, owner; asked: its owner gets the answer of the call instead. */
void smsr_profile_deleted(struct turn *t, struct profile *p, bool asked);

#endif
