/* conform/server/target.h: which servers are tested, who the runner plays, and what there is to play with: read from an
 * INI file. The lab writes such a file for itself. */
#ifndef OSPREY_CONFORM_SERVER_TARGET_H
#define OSPREY_CONFORM_SERVER_TARGET_H

#include <stdint.h>

#include "lib/daemon/config.h"

/* The servers under test; and an SM-SR that the SM-DP knows, at whose address nobody is. */
enum server { SM_SR, SM_DP, SM_SR2, NOBODY, SERVER_COUNT };
/* The roles that the runner plays: two operators that the SM-SR reaches directly, one that it reaches through the SM-DP
 * only, the owner of the profiles that eUICCs leave the factory with, a service provider, two EUMs, an SM-DP, an SM-SR.
 */
enum role { OP1, OP2, OP3, START, M2M, EUM, EUM2, DP, SR, ROLE_COUNT };
/* eUICCs: two with HTTPS and SMS, one with SMS only, one whose EIS is not the truth, two that
 * change their SM-SR. */
enum card { CARD, CARD2, CARD_SMS, CARD_WRONG, CARD_MOVES, CARD_MOVES2, CARD_COUNT };
/* Ordered profiles at the SM-DP: who owns them stands in the file. */
enum order {
    METER,       /* of OP1, type Meters */
    METER2,      /* the same again */
    TRACKER,     /* of OP2, type Trackers */
    RELAYED,     /* of OP3 */
    OFFLINE,     /* of OP1; no network takes it */
    STAYS,       /* of OP1; POL1: disabling not allowed */
    VANISHES,    /* of OP1; POL1: deleted when disabled */
    KEPT,        /* of OP1; POL1: deleting not allowed */
    HUGE_ONE,    /* of OP1; wants more memory than any card has */
    LONG_ONE,    /* of OP1; a package of more than 40 KiB */
    SPARE,       /* of OP1, type Spares */
    SPARE2,      /* the same again */
    BY_SMS,      /* of OP1, for the card with SMS only */
    MOVING,      /* of OP1, for the card that changes its SM-SR */
    GONE,        /* of OP1: these are deleted without the SM-DP's knowing, and cannot be downloaded again */
    GONE2,
    GONE3,
    GONE4,
    ELSEWHERE,   /* of OP1, type Elsewhere: stays on the card whose EIS is not the truth */
    URGENT,      /* of OP1, type Urgent, on that card too: one of them has the emergency attribute */
    URGENT2,
    ORDER_COUNT
};
/* Signed records of eUICCs that the SM-SR does not know. */
enum record {
    FRESH,      /* good */
    FRESH2,     /* good, of the same EUM: to be spoiled */
    OF_EUM2,    /* good, of the second EUM */
    OF_NOBODY,  /* its EUM chains to another CI */
    EXPIRED_ECASD,
    RECORD_COUNT
};

struct target_server {
    const char *oid, *url; /* NULL: there is none; url without path */
};
struct target_role {
    const char *oid, *certificate, *key, *url;
    const char *card, *card_key; /* files: what it shows to cards, and the private key */
    char host[64]; /* where to listen; port 0: nowhere */
    uint16_t port;
};
struct target_card {
    const char *eid, *iccid, *imsi, *msisdn; /* iccid, imsi, msisdn: of the profile it came with */
};
struct target_order {
    const char *iccid, *type, *imsi, *msisdn;
};
struct target {
    struct config *config; /* owns the texts */
    struct target_server servers[SERVER_COUNT];
    struct target_role roles[ROLE_COUNT];
    struct target_card cards[CARD_COUNT];
    struct target_order orders[ORDER_COUNT];
    const char *records[RECORD_COUNT]; /* files; NULL: none */
    const char *ci, *eum, *schemas;    /* PEM; folder */
    const char *strangers;             /* folder of identities that no server may take, NULL: none */
    char tap_host[64], smsc_host[64];  /* SMPP: the SM-SR comes to the tap, which goes on to the SMSC; port 0: none */
    uint16_t tap_port, smsc_port;
};

/* detail: CONFIG_DETAIL_MAX octets. */
MUST_USE enum err target_load(const char *path, struct target *ret, char *detail);
void target_done(struct target *t);
void target_print_example(FILE *out);
const char *server_text(enum server s); /* "sm-sr" */
const char *role_text(enum role r);     /* "op1" */
const char *card_text(enum card c);
const char *order_text(enum order o);
const char *record_text(enum record r);

#endif
