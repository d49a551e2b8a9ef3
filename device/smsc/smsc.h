/* device/smsc/smsc.h: a small SMSC for labs: SMPP 3.4, store and forward. Whoever is bound for an address gets what is
 * sent to it: a phone binds with its MSISDN as address range, an SM-SR with its short number. A message is stored
 * before its submit_sm is answered and forgotten when its deliver_sm was answered, so nothing is lost by kill -9 (a
 * message may come twice). Of several that are bound for one address the latest gets it, or another when that is silent. Loss, delay and duplication on demand, from a seed. No sockets here: bytes in, bytes out. */
#ifndef OSPREY_DEVICE_SMSC_H
#define OSPREY_DEVICE_SMSC_H

#include "lib/base/store.h"
#include "lib/wire/smpp.h"

#define SMSC_STORED_MAX 100000u     /* messages waiting; then submit_sm is answered with ESME_RMSGQFUL */
#define SMSC_BATCH_MAX 256u         /* messages stored or forgotten in one transaction */
#define SMSC_NUMBERS_MAX 8u         /* addresses one ESME is bound for */
#define SMSC_RETRY_FIRST_MS 1000u   /* after a temporary refusal; doubles */
#define SMSC_RETRY_LAST_MS 60000u
#define SMSC_SILENT_MS 3000u        /* an ESME that leaves something unanswered for so long gets less than others of its number */

struct smsc;
struct smsc_esme;

struct smsc_options {
    char system_id[SMPP_SYSTEM_ID_MAX];
    char alert[SMPP_SYSTEM_ID_MAX]; /* is told of each number that somebody binds for (alert_notification); or empty */
    uint32_t window;          /* unanswered deliver_sm per ESME; 0: 10 */
    uint32_t answer_ms, enquire_ms; /* an answer's time, and silence before an enquire_link; 0: 30,000 */
    uint64_t validity_s;      /* of a message that names none; 0: two days */
    uint32_t loss_permille;   /* accepted and never delivered */
    uint32_t duplicate_permille;
    uint32_t delay_permille, delay_max_ms; /* that many wait, up to so long */
    uint64_t seed;
    /* SMPP_OK or the refusal; may add addresses (comma separated text) the account is bound for besides its address
     * range. NULL: everybody gets in. */
    uint32_t (*authorise)(void *context, const char *system_id, const char *password, const char **ret_numbers);
    /* The store is in an unknown state: the program must end. */
    void (*on_fatal)(void *context, enum err err);
    void *context;
};

/* What an ESME's connection does for us. */
struct smsc_line {
    void (*send)(void *context, struct span bytes);
    void (*close)(void *context); /* the session is over; smsc_lost must not be called any more */
    void *context;
    const char *peer; /* for the log; copied */
};

struct smsc_counts {
    uint64_t submitted, delivered, expired, refused, lost, duplicated, delayed;
    size_t stored, bound;
};

extern const char SMSC_SCHEMA[]; /* the first migration */

/* env: clock, store, log. Loads what an earlier life left. ERR_NO_MEMORY or the store's. */
MUST_USE enum err smsc_new(const struct smsc_options *options, const struct env *env, struct smsc **ret);
void smsc_free(struct smsc *s);

/* NULL without memory. */
struct smsc_esme *smsc_connected(struct smsc *s, const struct smsc_line *line);
size_t smsc_input(struct smsc_esme *e, struct span in); /* octets taken */
void smsc_lost(struct smsc_esme *e);

/* One batch: stores, answers, delivers. Call it when all ready sockets are drained; the clock is asked for the next
 * time. */
void smsc_run(struct smsc *s);
struct smsc_counts smsc_counts(const struct smsc *s);

#endif
