/* sm-dp/smdp.h: the SM-DP as a library (SGP.02: ES2 towards operators, ES3 towards SM-SRs, ES8 inside ES3). It owns no
 * socket: what arrives is handed in, what leaves goes through env.net as effects. The program (main.c), the simulator
 * and the tests put the world around it.
 *
 *     smdp_new → smdp_start → { smdp_soap | smdp_order } → smdp_run … → smdp_free */
#ifndef OSPREY_SMDP_H
#define OSPREY_SMDP_H

#include "lib/engine/engine.h"
#include "lib/io/sqlite.h"
#include "lib/model/iccid.h"
#include "lib/model/oid.h"
#include "lib/model/pol2.h"
#include "lib/model/subscription_address.h"
#include "lib/pki/chain.h"
#include "lib/role/card_certificate.h"
#include "lib/role/guard.h"

#define SMDP_PARTNERS_MAX     256u
#define SMDP_HOSTS_MAX        8u
#define SMDP_URL_MAX          512u
#define SMDP_EUMS_MAX         64u
#define SMDP_TYPE_MAX         100u
#define SMDP_PACKAGE_MAX      0x100000u /* octets of a profile package */
#define SMDP_SEGMENTS_MAX     512u      /* in one ES3.SendData */

/* What leaves, beside EFFECT_REPLY. Results come back through engine_result(smdp_engine(s), …). */
enum smdp_effect { SMDP_EFFECT_SOAP = ENGINE_KIND_ROLE /* POST body to the URL `to` */ };
enum smdp_node { SMDP_NODE_SOAP = 1 /* reply_ref.node of an HTTP exchange: answer with status and body */ };

enum smdp_partner_kind { SMDP_OPERATOR = 1, SMDP_SMSR = 2, SMDP_ADMIN = 4 /* sees all of the administration */ };
struct smdp_partner {
    char name[64];
    struct oid oid;
    unsigned kinds;
    char url[SMDP_URL_MAX]; /* operator: where it takes ES2 callbacks and notifications; SM-SR: its ES3 service */
    char hosts[SMDP_HOSTS_MAX][SMDP_URL_MAX]; /* origins that ReplyTo may name beside that of url */
    size_t host_count;
    bool ampersand;       /* '&' between parameters: a v3 partner */
    bool reduced_eis;     /* operator: it gets the EIS without what annex E keeps from it (lib/es/eis_view.h) */
    char common_name[80]; /* identity of its TLS certificate when that has no OID */
    struct guard guard;   /* what it may, and how much */
};

struct role_expiries;
struct smdp_config {
    struct oid oid;
    char url[SMDP_URL_MAX];        /* our own, for wsa:From and ReplyTo: scheme://host[:port] */
    struct smdp_partner *partners; /* borrowed for the life of the SM-DP, as all pointers here */
    size_t partner_count;
    struct card_certificates certificates; /* CERT.DP.ECDSA */
    struct trust *trust; /* the CIs */
    struct x509 *eums[SMDP_EUMS_MAX];
    size_t eum_count;
    bool unsigned_eis;          /* an EIS without the EUM's signature will do (a wrong one never does) */
    uint32_t segments_per_call; /* SCP03t segments in one ES3.SendData. 0: 24 */
    uint32_t resend_s;          /* an ES3 call that was taken but not answered is repeated after this. 0: 60 */
    uint32_t validity_s;        /* of a download without ValidityPeriod. 0: 86400 */
    uint32_t commit_interval_ms;    /* struct engine_config. 0: no ration */
    uint32_t undo_s;            /* how long a clean-up tries after the answer is out. 0: 3600 */
    const struct role_expiries *expiries; /* of our certificates, for the metrics; NULL: not known */
    void (*on_fatal)(void *context);
    void *on_fatal_context;
    void (*on_drain)(void *context); /* the administration wants the program to end; NULL: it cannot */
    void *on_drain_context;
    void (*on_ordered)(void *context); /* a profile was ordered while we run; NULL: nobody cares */
    void *on_ordered_context;
};

struct smdp;
/* env: clock, rng, store (smdp_schema applied), keys, log, net. */
MUST_USE enum err smdp_new(const struct smdp_config *config, const struct env *env, struct smdp **ret);
void smdp_free(struct smdp *s);
MUST_USE enum err smdp_start(struct smdp *s);
/* Another configuration from now on: partners, roots, times. What is built in stays: our OID and URL,
 * the calls back (on_…). The old one must live on: what waits may point into it. */
void smdp_reload(struct smdp *s, const struct smdp_config *config);
struct engine *smdp_engine(struct smdp *s);
const char *smdp_url(const struct smdp *s); /* our own, as configured */
void smdp_run(struct smdp *s);
/* Nothing is under way here that other processes on the database would have to begin anew; with one process: nothing waits in
 * memory. When new work is kept away the program may end then. */
bool smdp_drained(const struct smdp *s);

extern const struct migration *const smdp_schema;
extern const size_t smdp_schema_count;

/* `partner`: who the TLS connection belongs to; NULL: nobody known. */
const struct smdp_partner *smdp_partner_by_oid(const struct smdp *s, const char *oid);
/* Whose service is that? NULL: nobody's. */
const struct smdp_partner *smdp_partner_by_url(const struct smdp *s, const char *url);
/* As lib/role/intake.h sees it; NULL is nobody. */
struct intake_partner;
struct intake_partner smdp_partner_seen(const struct smdp *s, const struct smdp_partner *partner);
/* The numbers that an entity wants for statuses; NULL: it is no partner. */
const struct codes *smdp_codes(const struct smdp *s, const struct oid *entity);
/* How a partner is spoken to first. */
struct es_dialect smdp_dialect(const struct smdp_partner *partner);
const struct smdp_partner *smdp_partner_by_name(const struct smdp *s, const char *common_name);
void smdp_soap(struct smdp *s, const struct smdp_partner *partner, struct span body, struct reply_ref reply);

/* An ordered profile: out of the standard (SGP.02 §3.1 step 0). What the package says itself need not be given. */
struct smdp_order {
    struct span package;                 /* concatenated profile elements */
    struct oid owner;                    /* the operator */
    char type[SMDP_TYPE_MAX + 1];        /* empty: the package's */
    struct subscription_address address; /* imsi empty: the package's */
    struct pol2 pol2;
    uint32_t memory; /* octets it needs on the card; 0: estimated */
    struct span connectivity; /* set over SCP03 once it is installed: A0, A1, A2 of DGI 3A07 (lib/ota/es6.h); or empty */
    bool token; /* its ISD-P gets a key for delete tokens (Master Delete) once it is installed */
};
#define SMDP_CONNECTIVITY_MAX 200u
/* Stores it (its ICCID is in the package); one that is there already stays as it is. detail (may be NULL) says what is
 * wrong. ERR_BAD_VALUE, ERR_TOO_LONG, ERR_MISSING (no ICCID, no owner), ERR_IO. */
#define SMDP_DETAIL_MAX 240u
MUST_USE enum err smdp_order(struct smdp *s, const struct smdp_order *order, char *detail);
/* The same, telling which profile it was and whether it was there already; both may be NULL. */
MUST_USE enum err smdp_order_take(struct smdp *s, const struct smdp_order *order, char *detail, struct iccid *ret_iccid,
                                  bool *ret_known);

/* One row of what an operator ordered. */
struct smdp_ordered {
    struct iccid iccid;
    char type[SMDP_TYPE_MAX + 1];
    struct subscription_address address;
    struct pol2 pol2;
    uint32_t size, memory;
    const char *state; /* "free", "reserved", "installed" */
    char eid[33];      /* of the eUICC it is on, or on its way to; empty */
    const char *token; /* key for delete tokens: "none", "ordered", "set" */
};
typedef void smdp_ordered_seen(void *context, const struct smdp_ordered *profile);
#define SMDP_ORDERED_PAGE 256u
/* At most a page of the profiles of that operator with ICCIDs behind `after` (empty: from the first one). */
MUST_USE enum err smdp_ordered(struct smdp *s, const struct oid *owner, const char *after, smdp_ordered_seen *each,
                               void *context, size_t *ret_count);

/* What the home network must know of every ordered profile with a USIM: the first one of each. */
struct subscription;
typedef void smdp_subscriber_seen(void *context, const struct subscription *subscription);
MUST_USE enum err smdp_subscribers(struct smdp *s, smdp_subscriber_seen *each, void *context);

struct smdp_counts {
    uint64_t calls, downloads, completed, failed, es3_calls, notifications;
};
struct smdp_counts smdp_counts(const struct smdp *s);

#endif
