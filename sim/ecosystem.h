/* sim/ecosystem.h: a CI, an EUM, an SM-SR, an SM-DP, an operator, a home network and a number of devices with a card each,
 * registered, with one more profile ordered for each. */
#ifndef OSPREY_SIM_ECOSYSTEM_H
#define OSPREY_SIM_ECOSYSTEM_H

#include "lib/es/message.h"
#include "node_smdp.h"
#include "node_smsr.h"

#define ECOSYSTEM_CARDS_MAX 10000u

struct sim_card {
    struct eid eid;
    struct sim_device *device;
    char imsi[2][GSUP_IMSI_MAX];      /* bootstrap, operational */
    struct iccid iccid;               /* of the operational profile */
    bool registered;
    unsigned answers;                 /* to DownloadProfile */
    struct status status;
};

struct ecosystem_options {
    const char *profiles; /* folder with bootstrap.profile and demo-operator.profile */
    unsigned card_count;
    uint32_t sms_loss_permille;
};

struct ecosystem {
    struct world *world;
    struct sim_network network;
    struct ecosystem_options options;
    struct sim_smsr *smsr;
    struct sim_smdp *smdp;
    struct sim_card *cards;
    struct arena arena; /* certificates, packages: for the life of the ecosystem */
    struct trust trust;
    struct ec_key *ci_key, *eum_key;
    struct x509 *eum_certificate;
    struct smsr_partner smsr_partners[3];
    struct smdp_partner smdp_partners[2];
    uint8_t kek[32];
    unsigned notifications; /* that reached the operator */
};

/* Aborts when something cannot be made: a fault of the scenario. */
struct ecosystem *ecosystem_new(struct world *w, const struct ecosystem_options *options);
void ecosystem_free(struct ecosystem *e);
/* The operator asks for the download of every card's profile, spread over spread_ms. */
void ecosystem_download_all(struct ecosystem *e, uint64_t spread_ms, bool enable, uint32_t validity_s);
bool ecosystem_all_answered(void *ecosystem);
/* What must hold when the line is quiet; says what does not, and returns how often. */
unsigned ecosystem_check(struct ecosystem *e);

#endif
