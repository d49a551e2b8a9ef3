/* sm-sr/turn.h: one event being worked off: what the pure code of procedures and servers has in its hands. Nothing is
 * sent or stored here: writes and effects leave together, after the commit. */
#ifndef OSPREY_SMSR_TURN_H
#define OSPREY_SMSR_TURN_H

#include "lib/es/message.h"
#include "lib/ota/es5.h"
#include "lib/scp/scp80.h"
#include "procedures/procedure.h"
#include "smsr.h"
#include "store/euicc.h"
#include "store/schema.h"

enum smsr_event {
    SMSR_EVENT_CALL = ENGINE_KIND_ROLE, /* data: struct call_event */
    SMSR_EVENT_PACKET,                  /* data: struct packet_event: a secured packet from the card */
    SMSR_EVENT_POST,                    /* data: struct post_event: a request of an administration session */
    SMSR_EVENT_RESPONSE,                /* data: struct call_event: the answer of another SM-SR */
    SMSR_EVENT_SESSION_LOST,            /* a script could not be given to its session */
    SMSR_EVENT_TOO_LONG,                /* a packet did not fit a CAT_TP link; data: size_t, what does */
    SMSR_EVENT_LINK,                    /* a card opened a CAT_TP link: no data */
    SMSR_EVENT_REACHABLE,               /* the network says that the card can be reached; data: the number, text */
    SMSR_EVENT_MASTER_DELETE,           /* data: struct master_delete_event, from the administration */
    SMSR_EVENT_ROTATE_KEYS              /* data: struct rotate_keys_event, likewise */
};
struct call_event {
    const struct smsr_partner *partner;
    struct es_message message;
    uint8_t digest[32]; /* of the request's body */
};
struct packet_event {
    char from[MSISDN_DIGITS_MAX + 6]; /* SMS */
    enum scp80_form form;
    bool response; /* a PoR */
    struct span packet;
};
struct post_event {
    uint32_t script;          /* the exchange that the body answers; 0: none */
    struct span notification; /* of ?msg=, octets; empty: none */
    struct span status;       /* X-Admin-Script-Status; empty: none */
    struct span body;
};

struct turn_line {
    enum log_level level;
    const char *text;
};
#define TURN_LINES_MAX 32u /* more are not told */

/* channel/presence.h: where the card has its session. */
struct presence {
    struct reply_ref ref;
    bool known, busy;
    uint64_t until_ms, kept_ms;
};

struct turn {
    struct smsr *smsr;
    const struct smsr_config *config;
    const struct env *env;
    struct rowset *rows;
    const struct event *event;
    struct writes *w;
    struct outbox *out;
    struct arena *arena;
    uint64_t now_ms;
    struct euicc *e;           /* NULL when the event is about none */
    struct presence presence;
    struct reply_ref session;  /* a request of the card that waits for its answer; none */
    bool heard;                /* of the card, in this turn */
    const char *heard_at;      /* the number where it is, when that is known */
    bool hold;                 /* more is to come: the session shall wait for it */
    bool release;              /* the last of a row of scripts: nothing keeps the session any more */
    struct smsr_counts counts; /* of this turn */
    struct turn_line lines[TURN_LINES_MAX];
    size_t line_count;
    bool typed;     /* a profile got its type in this event: what is stored for its eUICC does not know it yet */
    bool need_rows; /* something is not loaded yet: run me again */
};

/* The answered query; NULL (and need_rows) while it is not there. */
#define SMSR_ASK(t, statement, ...)                                                                                    \
    rowset_ask((t)->rows, (statement), (const struct value[]){ __VA_ARGS__ },                                          \
               sizeof((const struct value[]){ __VA_ARGS__ }) / sizeof(struct value), &(t)->need_rows)

/* Facts are told when the turn is over: one that is run again because rows were missing says them once. */
void smsr_turn_log(struct turn *t, enum log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
#define turn_log smsr_turn_log

#define SMSR_SESSION_BUCKETS 1024u
#define SMSR_REASSEMBLIES 64u /* long messages put together, by sender */
/* What leaves again for one campaign of a partner; id 0: free. */
#define SMSR_CAMPAIGNS_MAX 256u
struct smsr_campaign {
    uint64_t id;
    struct bucket left;
};
struct smsr {
    struct smsr_config config;
    struct env env;
    struct engine *engine;
    struct kept *kept; /* NULL: others write the database too */
    struct wsse_seen *seen;
    struct tls_ctx *tls;
    struct smsr_session *sessions; /* list */
    struct smsr_session *session_slots[SMSR_SESSIONS_MAX];
    struct smsr_session *session_buckets[SMSR_SESSION_BUCKETS]; /* by EID */
    uint64_t tick_ms; /* no session is due before */
    size_t session_count;
    struct smsr_link *links; /* channel/link.c: list, the newest first */
    struct smsr_link *link_slots[SMSR_LINKS_MAX];
    size_t link_count;
    uint64_t link_tick_ms;
    struct smsr_datagrams datagrams;
    uint32_t next_generation;
    struct sms_reassembly *reassembly;
    struct bucket networks[SMSR_NETWORKS_MAX]; /* of config.networks */
    struct smsr_campaign campaigns[SMSR_CAMPAIGNS_MAX];
    struct smsr_counts counts;
};

/* The session of this eUICC whose request waits for a command: a hint, which may be gone when the answer gets there. */
struct reply_ref smsr_session_waiting(const struct smsr *s, const struct eid *eid);
/* A session of this eUICC is open and the card is to speak next; likewise a hint. */
bool smsr_session_works(const struct smsr *s, const struct eid *eid);

#endif
