/* sm-sr/smsr.h: the SM-SR as a library (SGP.02: ES1, ES3, ES4, ES5). It owns no socket: what arrives is handed in, what
 * leaves goes through env.net as effects (kinds below). The program (main.c), the simulator and the tests put the world
 * around it.
 *
 *     smsr_new → smsr_start → { smsr_soap | smsr_short_message | smsr_admin_bytes | smsr_tick } → smsr_run … →
 * smsr_free */
#ifndef OSPREY_SMSR_H
#define OSPREY_SMSR_H

#include "lib/crypto/tls.h"
#include "lib/engine/engine.h"
#include "lib/io/sqlite.h"
#include "lib/model/oid.h"
#include "lib/pki/chain.h"
#include "lib/role/card_certificate.h"
#include "lib/role/guard.h"

#define SMSR_PARTNERS_MAX 256u
#define SMSR_ACTS_FOR_MAX 64u
#define SMSR_HOSTS_MAX    8u
#define SMSR_URL_MAX      512u
#define SMSR_KEK_MAX      32u
#define SMSR_SESSIONS_MAX 4096u /* administration sessions open at a time */
#define SMSR_LINKS_MAX    1024u /* CAT_TP links */

/* What leaves, beside EFFECT_REPLY. Results come back through engine_result(smsr_engine(s), …). */
enum smsr_effect {
    SMSR_EFFECT_SOAP = ENGINE_KIND_ROLE, /* POST body to the URL `to`; ref "ES4-EnableProfile/response/…" names it */
    SMSR_EFFECT_SMS                      /* the secured packet `body` as short messages to the MSISDN `to` */
};
/* What exchange a reply answers: reply_ref.node. */
enum smsr_node {
    SMSR_NODE_SOAP = 1, /* HTTP answer: status, body */
    SMSR_NODE_SMS,      /* short message: status is SMPP's, slot and generation are the caller's */
    SMSR_NODE_ADMIN,    /* administration session: handled inside */
    SMSR_NODE_LINK      /* CAT_TP link: handled inside */
};

enum smsr_partner_kind { SMSR_EUM = 1, SMSR_SMDP = 2, SMSR_OPERATOR = 4, SMSR_SMSR = 8, SMSR_M2MSP = 16, SMSR_ADMIN = 32 };
/* When a command for a card that is not there leaves. ("by the time": ValidityPeriod.) */
enum smsr_delivery {
    SMSR_DELIVERY_DEFAULT, /* a partner's: as [channel] says */
    SMSR_DELIVERY_UNTIL,   /* at once, and again until its time is over */
    SMSR_DELIVERY_NOW,     /* at once; after now_s it is too late */
    SMSR_DELIVERY_EVENT    /* when the card is next heard of */
};
struct smsr_partner {
    char name[64];
    struct oid oid;
    unsigned kinds;                           /* SMSR_EUM | … */
    char es3_url[SMSR_URL_MAX];               /* where an SM-DP takes callbacks and notifications */
    char es4_url[SMSR_URL_MAX];               /* where an operator does; empty: it is reached through its SM-DP */
    char es7_url[SMSR_URL_MAX];               /* where another SM-SR takes ES7 */
    char hosts[SMSR_HOSTS_MAX][SMSR_URL_MAX]; /* origins that ReplyTo may name beside those of the URLs */
    size_t host_count;
    struct oid acts_for[SMSR_ACTS_FOR_MAX]; /* SM-DP: the operators it acts for */
    size_t acts_for_count;
    bool ampersand;               /* '&' between parameters: a v3 partner */
    bool reduced_eis;             /* ES4: it gets the EIS without what annex E keeps from it (lib/es/eis_view.h) */
    char common_name[80];         /* identity of its TLS certificate when that has no OID */
    struct guard guard;           /* what it may, and how much */
    enum smsr_delivery delivery;
    struct bucket_rate retries, campaign_retries; /* messages that leave again for it */
    struct bucket retries_left;
    struct x509 *eum_certificate; /* EUM; owned */
    uint8_t kek[SMSR_KEK_MAX];    /* EUM: protects the keys in its EIS */
    size_t kek_len;
};

/* AUTO: short work by SMS, the rest by what the card has of HTTPS and CAT_TP. The others: that one whenever the card has
 * it, SMS otherwise. */
enum smsr_bearer_choice { SMSR_BEARER_AUTO, SMSR_BEARER_SMS, SMSR_BEARER_HTTPS, SMSR_BEARER_CAT_TP };
#define SMSR_CAT_TP_SCRIPT_MAX 8192u
#define SMSR_NAME_MAX          100u
/* A network whose messages have a budget: those to numbers that begin so. */
#define SMSR_NETWORKS_MAX 32u
#define SMSR_PREFIXES_MAX 16u
struct smsr_network {
    char name[64];
    char prefixes[SMSR_PREFIXES_MAX][16]; /* digits; none: all numbers */
    size_t prefix_count;
    struct bucket_rate retries;
};
struct role_expiries;
struct smsr_config {
    struct oid oid;
    char url[SMSR_URL_MAX];        /* our own, for wsa:From: scheme://host[:port] */
    struct smsr_partner *partners; /* borrowed, for the life of the SM-SR */
    size_t partner_count;
    struct trust *trust; /* the CIs; borrowed */
    struct card_certificates certificates; /* CERT.SR.ECDSA; none: no eUICC is taken over from another SM-SR */
    char number[24];     /* where cards send short messages: told to those that come from another SM-SR; or empty */
    uint32_t prepared_s; /* how long PrepareSMSRChange holds. 0: 7 days */
    uint32_t change_s;   /* validity of an SMSRChange that gives none. 0: a day */
    /* The card's way to us. */
    enum smsr_bearer_choice bearer;
    char admin_host[64];   /* Host of the triggering message; empty: the card's stored one */
    char admin_uri[128];   /* "/gsma/adminagent" */
    uint8_t admin_ipv4[4]; /* of the connection parameters; with port 0 the card uses its stored ones */
    uint16_t admin_port;
    char admin_name[SMSR_NAME_MAX + 1]; /* told in place of the address, when not empty; then the card asks a DNS server: */
    uint8_t dns_ipv4[4];
    uint16_t dns_port;
    bool cat_tp_first;         /* AUTO, and the card has both: CAT_TP before HTTPS */
    bool no_https;             /* no administration sessions here */
    uint16_t cat_tp_port;      /* of our end of CAT_TP links; 0: none are taken */
    uint8_t cat_tp_ipv4[4];    /* of the channel in a PUSH; with cat_tp_udp_port 0 the card uses what it has stored */
    uint16_t cat_tp_udp_port;
    uint32_t cat_tp_script_max; /* octets of a script that goes by CAT_TP. 0: 4096 */
    uint32_t sms_script_max;   /* octets of a script that goes by SMS; more goes another way. 0: 1300 */
    uint32_t https_script_max; /* 0: 32768 */
    uint32_t resend_s;         /* pause before a packet without answer leaves again, doubled each time. 0: 20 */
    uint32_t resend_max_s;     /* 0: 600 */
    enum smsr_delivery delivery; /* DEFAULT: UNTIL */
    uint32_t now_s;              /* NOW. 0: 60 */
    uint32_t tries_max;          /* a packet that left so often waits for the card to be heard of. 0: never */
    struct smsr_network networks[SMSR_NETWORKS_MAX];
    size_t network_count;
    uint32_t https_tries;      /* triggers without effect before a script goes the next way. 0: 3 */
    uint32_t hold_ms;          /* how long a session waits for the next command when more is to come. 0: 10000 */
    bool no_onc; /* SetONC and GetONC are not supported, nothing is discarded */
    uint32_t validity_s;       /* 0: SMSR_VALIDITY_DEFAULT_S */
    uint32_t commit_interval_ms; /* struct engine_config. 0: no ration */
    uint32_t doubt_s;          /* how long an audit of our own tries. 0: 30 days */
    /* The store failed with an unknown outcome: the program must end. NULL: abort(). */
    const struct role_expiries *expiries; /* of our certificates, for the metrics; NULL: not known */
    void (*on_fatal)(void *context);
    void *on_fatal_context;
    void (*on_drain)(void *context); /* the administration wants the program to end; NULL: it cannot */
    void *on_drain_context;
};

struct smsr;
/* env: clock, rng, store (smsr_migrations applied), keys, log and net. */
MUST_USE enum err smsr_new(const struct smsr_config *config, const struct env *env, struct smsr **ret);
void smsr_free(struct smsr *s);
MUST_USE enum err smsr_start(struct smsr *s);
/* Another configuration from now on: partners, roots, times. What is built in stays: our OID and URL,
 * the calls back (on_…). The old one must live on: what waits may point into it. */
void smsr_reload(struct smsr *s, const struct smsr_config *config);
struct engine *smsr_engine(struct smsr *s);
struct kept *smsr_kept(struct smsr *s); /* store/kept.h; NULL: none are kept */
const char *smsr_url(const struct smsr *s); /* our own, as configured */
/* Works off what came in; true while more may be ready. Then waits for wake_at of the clock. */
void smsr_run(struct smsr *s);
/* Nothing is under way here that other processes on the database would have to begin anew; with one process: nothing waits in
 * memory. When new work is kept away the program may end then. */
bool smsr_drained(const struct smsr *s);

extern const struct migration *const smsr_schema;
extern const size_t smsr_schema_count;

/* ---- SOAP. `partner`: who the TLS connection belongs to, NULL: nobody known. */
const struct smsr_partner *smsr_partner_by_oid(const struct smsr *s, const char *oid);
/* Whose service is that? NULL: nobody's. */
const struct smsr_partner *smsr_partner_by_url(const struct smsr *s, const char *url);
/* As lib/role/intake.h sees it; NULL is nobody. */
struct intake_partner;
struct intake_partner smsr_partner_seen(const struct smsr *s, const struct smsr_partner *partner);
/* The numbers that an entity wants for statuses; NULL: it is no partner. */
const struct codes *smsr_codes(const struct smsr *s, const struct oid *entity);
/* How a partner is spoken to first. */
struct es_dialect smsr_dialect(const struct smsr_partner *partner);
const struct smsr_partner *smsr_partner_by_name(const struct smsr *s, const char *common_name);
void smsr_soap(struct smsr *s, const struct smsr_partner *partner, struct span body, struct reply_ref reply);

/* ---- Short messages: the user data of one MO message (header included). Answered by EFFECT_REPLY on SMSR_NODE_SMS
 * once what it says is stored. */
void smsr_short_message(struct smsr *s, const char *from, struct span user_data, struct reply_ref reply);

/* ---- The network says that this number can be reached (SMPP alert_notification): what waits for that leaves. */
void smsr_reachable(struct smsr *s, const char *number);

/* ---- Administration sessions (SCP81): one TLS connection each, bytes in, bytes out. */
struct smsr_admin_peer {
    void (*send)(void *connection, struct span bytes);
    void (*close)(void *connection); /* after this the connection is not used any more */
};
struct smsr_session;
/* NULL when there are SMSR_SESSIONS_MAX. */
struct smsr_session *smsr_admin_open(struct smsr *s, const struct smsr_admin_peer *peer, void *connection);
void smsr_admin_bytes(struct smsr_session *session, struct span in);
void smsr_admin_lost(struct smsr_session *session); /* the connection is gone */
/* Sessions that waited long enough are closed. Call it now and then, and when the clock says so. */
void smsr_tick(struct smsr *s);

/* ---- EFFECT_REPLY on SMSR_NODE_ADMIN must be given back to here by env.net. */
void smsr_admin_reply(struct smsr *s, const struct effect *effect);

/* ---- CAT_TP: datagrams in and out, by the address of the other end (any octets that name it). */
#define SMSR_ADDRESS_MAX 28u
struct smsr_address {
    uint8_t len, octets[SMSR_ADDRESS_MAX];
};
struct smsr_datagrams {
    void *context;
    void (*send)(void *context, const struct smsr_address *to, struct span datagram);
};
void smsr_datagrams_use(struct smsr *s, const struct smsr_datagrams *line);
void smsr_datagram(struct smsr *s, const struct smsr_address *from, struct span datagram);
/* ---- EFFECT_REPLY on SMSR_NODE_LINK must be given back to here by env.net. */
void smsr_link_reply(struct smsr *s, const struct effect *effect);

/* What an attack looks like from here; a corrupted message or a partner's mistake does, too. */
enum smsr_alarm {
    SMSR_ALARM_FOREIGN_PACKET, /* that no eUICC of ours has made, or that came before */
    SMSR_ALARM_REFUSED_PACKET, /* a card refused one of ours: it had it before, or not from us */
    SMSR_ALARM_STRAY_POR,      /* a card answers what is not open: somebody sent it again */
    SMSR_ALARM_TURNED_AWAY,    /* a call of a stranger, or one that its caller may not make */
    SMSR_ALARM_STRAY_ANSWER,   /* of another SM-SR, to what was not asked */
    SMSR_ALARM_MEMORY_CLAIM,   /* an SM-DP asked for more memory than the eUICC has */
    SMSR_ALARM_CERTIFICATE,    /* an eUICC was to be taken in with certificates or a signature that do not hold */
    SMSR_ALARMS
};
struct smsr_counts {
    uint64_t alarms[SMSR_ALARMS];
    uint64_t calls, operations, sms_out, sms_in, sessions, scripts, notifications, links, held_back;
};
struct smsr_counts smsr_counts(const struct smsr *s);

#endif
