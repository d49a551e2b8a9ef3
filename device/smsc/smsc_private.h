/* device/smsc/smsc_private.h: shared by smsc.c (the batch), queue.c (messages by destination) and esme.c (sessions). */
#ifndef OSPREY_DEVICE_SMSC_PRIVATE_H
#define OSPREY_DEVICE_SMSC_PRIVATE_H

#include "smsc.h"

#define DESTINATIONS 4096u /* hash buckets */
#define MESSAGE_MAX 2048u

enum message_state { MESSAGE_WAITING, MESSAGE_FLYING, MESSAGE_OVER };

struct message {
    struct message *next; /* of its destination */
    struct destination *destination;
    int64_t id;
    uint64_t expires_ms, next_ms;
    uint32_t attempts, copies;
    enum message_state state;
    struct smpp_sm sm; /* sm.message points behind this struct */
};

struct destination {
    struct destination *next; /* in its bucket */
    struct destination *next_dirty;
    bool dirty;
    char digits[SMPP_ADDRESS_MAX];
    struct message *first, **last;
};

/* A submit_sm that waits for its commit. */
struct submission {
    struct message *message;
    struct smsc_esme *esme; /* NULL: gone, or our own receipt */
    uint32_t sequence;
};

struct smsc_esme {
    struct smsc *smsc;
    struct smsc_esme *next;
    struct smsc_line line;
    char peer[64];
    char system_id[SMPP_SYSTEM_ID_MAX];
    char numbers[SMSC_NUMBERS_MAX][SMPP_ADDRESS_MAX];
    size_t number_count;
    uint64_t bound_order; /* the latest bind for a number wins */
    uint64_t failed_ms;   /* when an answer last failed to come */
    bool over;
    struct smpp_session session;
};

struct smsc {
    struct smsc_options options;
    struct env env;
    struct smsc_counts counts;
    struct smsc_esme *esmes;
    struct destination *buckets[DESTINATIONS], *dirty;
    int64_t next_id;
    uint64_t bound_order, scan_ms; /* scan_ms: when some waiting message is due or expires */
    struct submission fresh[SMSC_BATCH_MAX];
    size_t fresh_count;
    struct message *changed[SMSC_BATCH_MAX]; /* over, or with fewer copies: to be written */
    size_t changed_count;
    bool committing;
    bool delivering; /* queues are being walked: nothing may leave them */
    bool stalled;    /* some window was full */
};

static inline uint64_t smsc_now(const struct smsc *s) { return s->env.clock->now_ms(s->env.clock); }

/* queue.c */
const char *digits_of(const struct smpp_address *a); /* without a leading + */
struct message *message_new(const struct smpp_sm *sm);
struct destination *destination_get(struct smsc *s, const char *digits); /* NULL without memory */
enum err queue_add(struct smsc *s, struct message *m);
void queue_remove(struct smsc *s, struct message *m); /* frees it */
void queue_mark(struct smsc *s, struct destination *d);
void queue_mark_due(struct smsc *s, uint64_t now);
void queue_deliver(struct smsc *s, uint64_t now);     /* every marked destination */
void queue_free(struct smsc *s);
void message_answered(struct smsc *s, struct message *m, uint32_t status);

/* esme.c */
struct smsc_esme *esme_for(const struct smsc *s, const char *digits);
void esmes_tick(struct smsc *s, uint64_t now, uint64_t *due);
void esmes_sweep(struct smsc *s);

/* smsc.c */
uint32_t submit(struct smsc *s, struct smsc_esme *e, uint32_t sequence, const struct smpp_sm *sm);
void message_changed(struct smsc *s, struct message *m);
void message_finish(struct smsc *s, struct message *m, const char *status);

#endif
