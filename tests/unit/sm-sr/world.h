/* tests/unit/sm-sr/world.h: an SM-SR alone in a world that the test holds in its hands: its clock, its store (SQLite in
 * memory, with a crash at any commit), partners that remember what they were told, and one card behind a radio that
 * loses what it is told to lose. */
#ifndef OSPREY_TESTS_SMSR_WORLD_H
#define OSPREY_TESTS_SMSR_WORLD_H

#include "lib/scp/scp80.h"
#include "lib/crypto/keystore_soft.h"
#include "lib/es/es1.h"
#include "lib/es/es3.h"
#include "lib/es/message.h"
#include "lib/ota/es5.h"
#include "sm-sr/smsr.h"
#include "tests/support/test.h"

#define WORLD_START_MS 1782900000000ull /* 2026-07-01 */
#define OID_EUM        "1.3.6.1.4.1.99999.1"
#define OID_SMSR       "1.3.6.1.4.1.99999.2"
#define OID_SMSR2      "1.3.6.1.4.1.99999.5"
#define OID_SMDP       "1.3.6.1.4.1.99999.3"
#define OID_OP1        "1.3.6.1.4.1.99999.11" /* has an endpoint of its own */
#define OID_OP2        "1.3.6.1.4.1.99999.12" /* is told through the SM-DP */
#define OID_OTHER_DP   "1.3.6.1.4.1.99999.4"
#define EID_TEST       "89001012012341234012345678901224"
#define ICCID_A        "8900000000000000018" /* factory, operator 1, enabled, fall-back */
#define ICCID_B        "8900000000000000026"
#define ICCID_C        "8900000000000000034"

/* ---- the card */
#define CARD_ISDPS_MAX 8u
struct card_isdp {
    struct aid aid;
    uint8_t state; /* enum isdp_state; 0: free */
    bool fallback, pol1_no_disable, pol1_no_delete, pol1_delete_on_disable, no_network;
    char msisdn[16];
};
struct world_card {
    uint8_t kic[16], kid[16], psk[16];
    /* a second SCP80 key set, of an SM-SR change */
    bool has_second, first_gone, first_psk_gone, https_addressed, knows_no_psk;
    uint8_t second_kvn, second_kic[16], second_kid[16], psk_kvn, last_kvn;
    uint64_t second_counter;
    struct ec_key *server;  /* of the certificate it was shown */
    struct ec_key *trusted; /* the CI's; borrowed */
    struct ec_key *own;     /* SK.ECASD; borrowed */
    uint8_t challenge[16];
    bool challenged, wrong_receipt;
    unsigned keysets_made;
    uint64_t counter;
    struct card_isdp isdp[CARD_ISDPS_MAX];
    uint16_t sequence;
    bool pending; /* a notification that is not confirmed */
    uint8_t pending_type;
    int switch_to, undo_to; /* index, -1 none */
    uint32_t free_memory;
    unsigned executed; /* C-APDUs */
    unsigned enables;  /* of them: 3A03 that were taken */
    uint16_t next_sw;  /* answers the next C-APDU, once; 0: none */
    bool keeps_por;    /* answers a repeated packet with the same PoR; else "counter low" */
    uint8_t last_packet[2048], last_por[2048];
    size_t last_packet_len, last_por_len;
    uint8_t links[16]; /* of chained scripts, in the order they came */
    size_t link_count;
    bool counts_notifications; /* they carry a counter */
    uint64_t sent_counter;
    uint8_t replay[256]; /* the first packet of a notification */
    size_t replay_len;
    bool power_fails; /* once, with the confirmation of a notification taken and not executed */
    bool off;         /* hears nothing */
};

/* ---- what partners were told */
#define TOLD_MAX 64u
struct told {
    char url[256];
    enum es_function function;
    enum es_kind kind;
    struct status status;
    char iccid[21], mno[64];
    struct aid isdp;
    char message_id[256], relates_to[256];
    uint8_t digest[32]; /* of the whole message */
    struct span soap;   /* kept till the end */
    uint8_t data[1024];
    size_t data_len;
};

#define MAIL_MAX 32u
struct world {
    struct clock clock;
    uint64_t now_ms;
    struct rng *rng;
    struct sqlite_store *sqlite;
    struct store store;         /* counts commits */
    unsigned commits, crash_at; /* crash_at: after this commit nothing leaves any more; 0: never */
    bool crashed;
    struct net net;
    struct keystore_soft *keys;
    struct log log;
    struct trust trust;
    struct smsr_config config;
    struct smsr_partner partners[6];
    struct smsr *smsr;
    /* PKI */
    struct ec_key *ci_key, *eum_key, *ecasd_key;
    struct x509 *eum;
    char *eum_pem;
    struct span ecasd_certificate;
    struct arena arena; /* for the whole world */
    /* answers of HTTP exchanges, by slot */
    uint32_t next_slot;
    int reply_status; /* of the last one */
    struct span reply;
    struct told told[TOLD_MAX];
    size_t told_count;
    bool partners_down;
    /* radio */
    unsigned sms_out, sms_lost_to_card, sms_lost_from_card, loss_seed, loss_permille;
    struct world_card card;
    /* short messages on their way; delivered by world_settle */
    struct {
        bool to_card;
        char number[16];
        size_t len;
        uint8_t packet[4096]; /* whole secured packets */
        uint8_t iei;
    } radio[64];
    size_t radio_count;
    /* the card's HTTPS session: tests/unit/sm-sr/test_https.c */
    void (*on_trigger)(struct world *w, struct span trigger);
    uint16_t (*on_push)(struct world *w, uint8_t p2); /* PUSH: tests/unit/sm-sr/link.c; its status word */
    struct smsr_datagrams datagrams;
    bool cat_tp;                   /* the EIS says that the card has it */
    bool (*pump)(struct world *w); /* moves octets of the session; false: nothing to move */
    void *https;
    /* An SM-SR change: the other SM-SR, whose messages wait here until they are carried over; where the card is. */
    struct world *other, *card_at, *por_to;
    struct {
        int64_t id;
        struct span body;
    } mail[MAIL_MAX];
    size_t mail_count;
    struct span handover; /* the last HandoverEUICC */
    unsigned mail_carried, mail_lost_at, ack_lost_at; /* of all that this one sent; 0: none */
    unsigned radio_carried, radio_lost_at;
    bool mail_down;
};

void world_make(struct world *w);
void world_free(struct world *w);
/* An SM-SR beside the first one, in the same ecosystem, without eUICC. */
void world_make_other(struct world *w, struct world *first);
/* A CERT.SR.ECDSA of that world's CI for that key. */
struct span world_sr_certificate(struct world *w, struct ec_key *key);
void world_restart(struct world *w); /* what was not stored is forgotten */

/* A request from that partner; returns the HTTP status; the answer, if any, is in w->reply. */
int world_ask(struct world *w, const char *oid, enum es_function function, const void *body);
/* The answer of a SYNC function, decoded. */
const struct es_response *world_answer(struct world *w);
/* Everything that is ready happens: events, short messages, the card, notifications. */
void world_settle(struct world *w);
/* Time passes, and what falls due happens. */
void world_pass(struct world *w, uint64_t ms);

/* The last thing told with that function, NULL: none; how often. */
const struct told *world_told(struct world *w, enum es_function function);
size_t world_told_count(struct world *w, enum es_function function);
size_t world_told_whom(struct world *w, enum es_function function, const char *mno); /* with that Mno-id */

/* ---- bodies */
struct eis world_eis(struct world *w); /* signed, ICCID_A enabled */
void world_sign(struct world *w, struct eis *eis);
struct span world_encrypted_key(struct world *w, const uint8_t key[16]);
void world_register(struct world *w); /* the eUICC of EID_TEST */
/* A second profile, Disabled, that the SM-DP brought; straight into store and card. */
void world_add_profile(struct world *w, const char *iccid, const char *mno, unsigned tar, const char *msisdn, int pol2);
void world_forget(struct world *w); /* the test wrote the store itself: nothing that the SM-SR keeps of it counts */
struct eid world_eid(void);
struct iccid world_iccid(const char *digits);
struct es_request world_call(const char *call_id, uint32_t validity_s);

/* What the EIS says and what the card has must be the same: states, fall-back, number of profiles. */
void world_check_agreement(struct world *w);
/* State in the EIS, as operator `oid` sees it; 0: not there. */
enum profile_state world_state(struct world *w, const char *iccid);

int64_t world_count(struct world *w, const char *table); /* rows */

/* ---- card.c */
void card_make(struct world *w);
void card_done(struct world *w);
struct card_isdp *card_find(struct world_card *c, const struct aid *aid);
/* A secured packet arrives. What it answers goes to the radio. */
void card_packet(struct world *w, struct span packet);
/* The same over any bearer: appends the PoR, if there is one; true: the packet was a trigger of HTTPS, *ret_trigger. */
bool card_secured(struct world *w, enum scp80_form form, struct span packet, struct writer *por, struct writer *plain,
                  struct span *ret_trigger);
/* Runs a command script, as TLV bytes; answers with a response script. */
void card_script(struct world *w, struct span script, struct writer *out);
/* A switch that is due happens; a notification that is not confirmed is sent. */
void card_idle(struct world *w);
void card_notify(struct world *w, uint8_t type);
void card_repeat(struct world *w);          /* the notification that is not confirmed, the same octets again */
void card_replay_first(struct world *w);    /* somebody sends the first notification of all again */
void card_confirm_missing(struct world *w); /* no confirmation came: roll back */
void card_fall_back(struct world *w);
void card_goes_home(struct world *w, uint8_t type); /* to the fall-back profile, with that notification */
size_t card_notification(struct world *w, uint8_t type, uint8_t *out, size_t cap);
struct card_isdp *card_enabled(struct world_card *c);

#endif
