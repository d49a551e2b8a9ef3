/* sm-sr/store/euicc.h: all that a procedure needs to know of one eUICC, loaded whole for an event, changed by pure
 * code, saved as writes. Rows that nobody changed cost nothing. Spans borrow from the rowset's or the event's arena. */
#ifndef OSPREY_SMSR_EUICC_H
#define OSPREY_SMSR_EUICC_H

#include "lib/engine/engine.h"
#include "lib/es/functions.h"
#include "lib/model/eis.h"

#define SMSR_PROFILES_MAX   EIS_PROFILES_MAX
#define SMSR_KEYSETS_MAX    16u
#define SMSR_OPERATIONS_MAX 16u /* waiting and running, of one eUICC */
#define SMSR_EXCHANGES_MAX  16u
#define SMSR_ADDED_MAX      4u  /* of each, by one event; a registration adds profiles up to their maximum */
#define SMSR_CALL_ID_MAX    256u
#define SMSR_SCP_KEYS_MAX   128u /* plain octets of one key set */
#define SMSR_WARNING_MAX    STATUS_DETAIL_MAX
#define SMSR_ASKED_MAX      32u

enum change { ROW_KEPT, ROW_NEW, ROW_SWITCHED /* a profile: state and fall-back only */, ROW_CHANGED, ROW_GONE };

struct profile {
    struct profile_info info;
    enum change change;
};

/* Values wrapped under the master key, aad = smsr_keyset_aad. SCP80: KIc, KID, DEK; SCP81: PSK, DEK; each after its
 * length octet. */
struct keyset {
    uint8_t kvn, kid; /* kid: of the first key */
    enum keyset_usage usage;
    uint64_t counter; /* SCP80: the highest one that was ever drawn */
    bool retired;     /* another one has taken its place; the card may still have it */
    struct span wrapped;
    enum change change;
};

enum bearer { BEARER_SMS, BEARER_HTTPS, BEARER_CAT_TP };
enum exchange_purpose {
    EXCHANGE_COMMAND = 1, /* of an operation */
    EXCHANGE_CONFIRM,     /* HandleNotificationConfirmation; of an operation, or of none */
    EXCHANGE_QUERY        /* of an operation; only reads, so it may be asked anew at any time */
};
enum exchange_state {
    EXCHANGE_WAITING = 1, /* HTTPS, CAT_TP: the card was asked to come, the script was not given yet */
    EXCHANGE_SENT,        /* the card may have it */
    EXCHANGE_HELD         /* nothing has left: it waits for the card to be heard of (channel/pace.h) */
};
/* One command script on its way to the card. What leaves is stored and leaves as stored, again and again. */
struct exchange {
    uint32_t n;         /* also names the script in X-Admin-Next-URI */
    uint32_t operation; /* 0: none */
    enum exchange_purpose purpose;
    enum bearer bearer;
    enum exchange_state state;
    struct aid target;
    uint8_t kvn;
    uint64_t counter; /* of packet */
    uint64_t invited; /* CAT_TP, SENT: counter of the latest trigger since packet was drawn; 0: none */
    uint32_t tries;   /* how often packet or script left */
    bool reserved;    /* its next leave is taken from the budgets already */
    bool repeated;    /* the command itself left more than once */
    uint64_t next_ms; /* when it leaves again */
    char to[MSISDN_DIGITS_MAX + 1];
    struct span script;
    struct span packet;          /* the SCP80 packet: the script (SMS; CAT_TP when SENT), or the trigger */
    bool packet_new, script_new; /* changed in this event */
    enum change change;
};

#define OPERATION_MORE_TO_DO 0x01 /* keep the session open afterwards */
#define OPERATION_APDUS      0x02 /* SendData: bare APDUs came, bare APDUs go back */
#define OPERATION_FAILED     0x04 /* the answer of the card says so; more scripts are not sent */
#define OPERATION_SWITCHED   0x08 /* the enabled profile changed for it */
#define OPERATION_UNSURE     0x10 /* an exchange left without an answer: at the end the eUICC is in doubt */
#define OPERATION_CHALLENGED 0x20 /* SM-SR change: the card waits for 3A02 */
#define OPERATION_IN_DOUBT   0x80 /* SM-SR change: an earlier offer of this eUICC has not been answered */
#define OPERATION_UNFINISHED 0x40 /* SM-SR change: committed, but not all that comes after it worked */

struct step;
struct procedure;
struct operation {
    uint32_t n; /* order of arrival */
    const struct procedure *procedure;
    const struct step *step;
    enum es_function function; /* ES_FUNCTION_NONE: of our own accord */
    struct oid requester;
    char call_id[SMSR_CALL_ID_MAX + 1];
    struct iccid iccid;
    struct aid isdp;  /* the profile it is about */
    struct aid other; /* the profile it takes the place of, or that takes its place */
    struct oid mno;
    uint64_t memory;
    unsigned flags;
    struct span data; /* SendData: what was not sent yet; AuditEIS: the ICCIDs */
    bool data_changed;
    struct span result;  /* EuiccResponseData so far */
    struct span context; /* how to answer, each that asked: answer.c */
    bool context_changed;
    char warning[SMSR_WARNING_MAX + 1];
    struct oid peer;                /* SM-SR change: the other SM-SR */
    char asked[SMSR_ASKED_MAX + 1]; /* names the request that it was sent and has not answered; empty: none */
    struct span secret;             /* wrapped: the ephemeral key */
    uint64_t started_ms, deadline_ms;
    enum change change;
    struct status status; /* not stored: the outcome, when a step ends the operation */
};

struct euicc {
    bool known;         /* managed here */
    bool present;       /* there is a row: managed, or coming */
    bool coming;        /* an SM-SR change brings it: not managed before its commit point */
    bool gone;          /* leaves with this event */
    struct oid left_to; /* the SM-SR it was offered to; whether that took it is not known */
    char left_asked[SMSR_ASKED_MAX + 1]; /* names that offer; empty: not known (stored behind the OID) */
    struct eid eid;
    char eid_text[EID_TEXT_SIZE];
    int64_t version;
    struct oid eum_id;
    uint64_t remaining_memory, available_memory, last_audit_ms;
    bool http, cat_tp; /* what it can beside SMS */
    uint32_t next_n;
    uint64_t alarm_ms; /* the timer that is set; 0: none */
    uint64_t seen_ms;
    char seen_from[MSISDN_DIGITS_MAX + 1]; /* where the last notification came from: smsr_euicc_seen_from */
    bool moved;                            /* seen_from changed in this event */
    struct span imei, meid;
    uint8_t note_type; /* the last notification, to recognise its repeats */
    uint16_t note_sequence;
    struct aid note_isdp;
    struct aid expired_isdp; /* a switch to this one expired: the card shall take it back */
    uint64_t heard_counter;  /* highest counter of a packet that came from it */
    struct aid chain;        /* SMS: whose chain of scripts is open in the card (TS 102 226 §5.2.1.4); none */
    uint64_t audit_n; /* records of its audit trail; 0: none yet, or those of an earlier stay */
    struct span audit_hash; /* of the last one */
    bool changed;
    bool saved; /* smsr_euicc_save wrote something of it */

    struct profile *profiles;
    size_t profile_count;
    struct keyset keysets[SMSR_KEYSETS_MAX];
    size_t keyset_count;
    struct operation *operations;
    size_t operation_count;
    struct exchange *exchanges;
    size_t exchange_count;
    size_t profile_room, operation_room, exchange_room; /* of the lists: what one event may add */
};

/* Asks for the rows; false while they are not there (STEP_NEED_ROWS). known tells whether it is registered; NULL: no
 * memory. */
bool smsr_euicc_load(struct rowset *rows, const char *eid, struct euicc **ret);
/* How long the lists may become: as they are, or with what one event may add. */
void smsr_euicc_room(struct euicc *e, bool for_event);
/* Nothing of it stays but its audit trail. */
void smsr_euicc_remove(struct euicc *e);
/* What changed, as writes. */
void smsr_euicc_save(struct euicc *e, struct writes *w);

void smsr_euicc_seen_from(struct euicc *e, const char *number);

/* Entries that are not gone; NULL: none. */
struct profile *smsr_profile_by_iccid(struct euicc *e, const struct iccid *iccid);
struct profile *smsr_profile_by_aid(struct euicc *e, const struct aid *isdp);
struct profile *smsr_profile_enabled(struct euicc *e);
struct profile *smsr_profile_fallback(struct euicc *e);
/* A new entry, zeroed; NULL when there is no room. */
struct profile *smsr_profile_add(struct euicc *e);
/* Room for so many more than an event adds as a rule; entries may move. false: no memory, or over SMSR_PROFILES_MAX. */
bool smsr_profile_room(struct euicc *e, size_t more, struct arena *a);
void smsr_profile_changed(struct profile *p);
void smsr_profile_switched(struct profile *p); /* nothing but state and fall-back */
void smsr_profile_remove(struct profile *p);
/* The first free ISD-P AID (SGP.02 annex H); false when there is none. */
bool smsr_isdp_free(struct euicc *e, struct aid *ret);

struct keyset *smsr_keyset_of(struct euicc *e, enum keyset_usage usage); /* the one in use */
struct keyset *smsr_keyset_by_kvn(struct euicc *e, uint8_t kvn);
struct keyset *smsr_keyset_add(struct euicc *e); /* NULL: no room */
void smsr_keyset_changed(struct keyset *k);
#define SMSR_AAD_SIZE 64u
struct span smsr_keyset_aad(const char *eid, uint8_t kvn, char out[SMSR_AAD_SIZE]);

/* The operation that runs, or the one to start next: what is of our own accord (an audit that ends a doubt) before what
 * partners asked for, and that in the order of arrival. NULL: none. */
struct operation *smsr_operation_head(struct euicc *e);
struct operation *smsr_operation_by_n(struct euicc *e, uint32_t n);
/* The SM-SR change that is under way, to another SM-SR; NULL: none. */
struct operation *smsr_operation_change(struct euicc *e);
struct operation *smsr_operation_add(struct euicc *e); /* NULL: SMSR_OPERATIONS_MAX are waiting */
void smsr_operation_changed(struct operation *op);
void smsr_operation_remove(struct operation *op);
bool smsr_operation_runs(const struct operation *op);

struct exchange *smsr_exchange_add(struct euicc *e); /* NULL: no room */
struct exchange *smsr_exchange_by_n(struct euicc *e, uint32_t n);
struct exchange *smsr_exchange_of(struct euicc *e, const struct operation *op, enum exchange_purpose purpose);
void smsr_exchange_changed(struct exchange *x);
void smsr_exchange_remove(struct exchange *x);

#endif
