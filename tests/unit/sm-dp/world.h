/* tests/unit/sm-dp/world.h: an SM-DP alone in a world that the test holds in its hands: its clock, its store (SQLite in
 * memory, which may fail at any commit), an operator that remembers what it was told, and an SM-SR with one card behind
 * it that does key establishment and SCP03t for real. */
#ifndef OSPREY_TESTS_SMDP_WORLD_H
#define OSPREY_TESTS_SMDP_WORLD_H

#include "lib/crypto/keystore_soft.h"
#include "lib/es/eum_signature.h"
#include "lib/es/es2.h"
#include "lib/es/es3.h"
#include "lib/es/message.h"
#include "sm-dp/smdp.h"
#include "tests/unit/scp/ka_card.h"
#include "tests/unit/scp/scp03_case.h"

#define WORLD_START_MS 1782900000000ull /* 2026-07-01 */
#define OID_EUM        "1.3.6.1.4.1.99999.1"
#define OID_SMSR       "1.3.6.1.4.1.99999.2"
#define OID_SMDP       "1.3.6.1.4.1.99999.3"
#define OID_SMSR2       "1.3.6.1.4.1.99999.4" /* where an SM-SR change takes the eUICC */
#define OID_OP1        "1.3.6.1.4.1.99999.11"
#define OID_OP2        "1.3.6.1.4.1.99999.12"
#define EID_TEST       "89001012012341234012345678901224"
#define TYPE_TEST      "GSMA Generic eUICC Test Profile"

#define TOLD_MAX   64u
#define POSTED_MAX 256u
#define STORED_MAX 256u

/* What the operator was told. */
struct told {
    char url[128];
    enum es_function function;
    enum es_kind kind;
    struct status status;
    char message_id[256];
    struct iccid iccid;
};

struct posted { /* an effect on its way */
    int64_t id;
    char *to;
    struct span body;
};
struct stored_answer { /* the SM-SR remembers its answers, as it must */
    char call_id[64];
    struct span soap;
};

/* The SM-SR's view of the only eUICC, and the card. */
struct fake_smsr {
    enum profile_state state; /* of the ISD-P of profile_iccid */
    struct iccid profile_iccid;
    struct aid isdp;
    uint64_t memory;
    bool left_over; /* a Created ISD-P of ours from before */
    struct iccid left_over_iccid;
    struct ka_card ka;
    struct case_card scp;
    struct writer stream;
    struct span ecasd_certificate;
    unsigned calls[ES_FUNCTION_COUNT]; /* executed, repeats not counted */
    unsigned repeats;
    struct stored_answer answers[STORED_MAX];
    size_t answer_count;
    const char *home; /* OID of the SM-SR that has the eUICC */
    bool deaf;   /* takes nothing: connections fail */
    bool silent; /* takes calls and never calls back */
    /* mischief */
    enum es_function fail; /* this function answers `fail_status`, fail_times times */
    struct status fail_status;
    unsigned fail_times;
    bool bad_receipt, wrong_eid, expired_certificate, unsigned_eis, tampered_eis;
    unsigned lose_session_at; /* the n-th segment finds the channel lost, once; 0: never */
    unsigned segments;
    uint8_t pe_status; /* what the card says of the package */
    bool no_final_answer;
    /* SCP03 with APDUs: what STORE DATA left in the ISD-P, and how often the channel is gone when it is used */
    struct scp03_session channel;
    uint32_t channels;
    unsigned lose_channels;
    uint16_t store_sw; /* 0: 9000 */
    uint8_t connectivity[256];
    size_t connectivity_len;
};

struct world {
    struct clock clock;
    struct rng rng;
    struct net net;
    struct store store; /* passes on to sqlite, and may fail */
    uint64_t now_ms, wake_ms, drawn;
    struct keystore_soft *keys;
    struct sqlite_store *sqlite;
    struct smdp_partner partners[4];
    struct smdp_config config;
    struct trust trust;
    struct smdp *smdp;
    struct fake_smsr smsr;
    struct span package;
    struct iccid iccid;
    struct posted posted[POSTED_MAX];
    size_t posted_count;
    struct told told[TOLD_MAX];
    size_t told_count;
    int reply_status; /* of the last exchange */
    struct span reply_body;
    unsigned replies;
    unsigned full_at;           /* the full_at-th commit finds the disk full, once; 0: never */
    unsigned commits, crash_at; /* the crash_at-th commit does not happen and the program ends; 0: never */
    bool crash_after;           /* …or happens, and the program ends right behind it */
    bool crashed;
    unsigned call_number;
    enum ec_curve curve; /* of all certificates */
    struct ec_key *ci_key, *eum_key, *ecasd_key, *dp_key;
};

struct world *world_new(void); /* NULL: no shared material, skip */
struct world *world_new_on(enum ec_curve curve);
void world_free(struct world *w);
/* A revocation list of the CI, or of the EUM, with that serial number on it. */
void world_revoke(struct world *w, bool by_eum, struct span serial);
struct span world_serial_of_eum(struct world *w);
struct span world_serial_of_gp(struct span certificate);
/* Ends the SM-DP as kill -9 would and starts it again on the same store. */
void world_restart(struct world *w);
/* Delivers and runs until nothing is under way; time moves to the next wake-up at most until_s seconds ahead. */
void world_run(struct world *w, unsigned until_s);

/* A request of an operator; call_id NULL: a new one. Returns the HTTP status (0: not answered yet). */
int world_call(struct world *w, const char *oid, enum es_function function, void *body, uint32_t validity_s,
               const char *call_id);
int world_download(struct world *w, bool enable, uint32_t validity_s, const char *call_id); /* of w->iccid */
/* A notification of the SM-SR. */
int world_notify(struct world *w, enum es_function function, const void *body, const char *message_id);
/* SM-SR oid says to operator or SM-DP `to` that it manages the eUICC since then; in_eis: what the EIS has for its Smsr-id. */
int world_notify_change(struct world *w, const char *oid, const char *in_eis, const char *to, uint64_t since_ms);
/* The only answer of that function which the operator got (repeats of the same message do not count). */
const struct told *world_answer(const struct world *w, enum es_function function);
size_t world_answers(const struct world *w, enum es_function function);
struct eid world_eid(void);
/* Rows of a table. */
int64_t world_count(struct world *w, const char *table_query);

#endif
