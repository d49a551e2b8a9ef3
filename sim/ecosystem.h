/* sim/ecosystem.h: a CI, an EUM, an SM-SR, an SM-DP, an operator, a home network and a number of devices with a card each,
 * registered, with one more profile ordered for each. */
#ifndef OSPREY_SIM_ECOSYSTEM_H
#define OSPREY_SIM_ECOSYSTEM_H

#include "hostile.h"
#include "judge.h"
#include "node_smdp.h"
#include "node_smsr.h"
#include "operator.h"
#include "prompt.h"

#define ECOSYSTEM_CARDS_MAX 10000u

enum ecosystem_entity { ECOSYSTEM_SMSR, ECOSYSTEM_EUM, ECOSYSTEM_SMDP, ECOSYSTEM_START, ECOSYSTEM_OPERATOR, ECOSYSTEM_SMSR_2 };
#define ECOSYSTEM_SMSR_URL     "https://sm-sr.sim"
#define ECOSYSTEM_SMSR_2_URL   "https://second-sr.sim"
#define ECOSYSTEM_SMDP_URL     "https://sm-dp.sim"
#define ECOSYSTEM_OPERATOR_URL "https://operator.sim"
const char *ecosystem_oid_text(enum ecosystem_entity entity);
struct oid ecosystem_oid(enum ecosystem_entity entity);

struct sim_card {
    struct eid eid;
    struct sim_device *device;
    bool registered;
    unsigned smsr;  /* that manages it, as the operator knows it: ecosystem_smsr */
    bool prepared;  /* the other one is ready to take it */
    bool moving;    /* whether it went over is not known */
    struct iccid bootstrap;
    char imsis[3][GSUP_IMSI_MAX]; /* of the bootstrap profile; all have one number */
    struct {
        struct iccid iccid;
        char imsi[GSUP_IMSI_MAX];
        bool asked, loaded; /* as the operator knows it */
    } profiles[SIM_PROFILES_MAX];
    unsigned functions_left; /* of its programme */
    struct sim_told told;
};

struct ecosystem_options {
    const char *profiles; /* folder with bootstrap.profile and demo-operator.profile */
    unsigned card_count, profile_count; /* profile_count: ordered for each card */
    unsigned profile_memory; /* octets that each asks for on the card; 0: as the SM-DP estimates */
    enum smsr_bearer_choice bearer;
    uint32_t poll_s;    /* node_device.h */
    struct euicc_timing timing; /* of the cards; 0: as usual */
    struct weather air; /* how long octets of the devices' connections take; delay_max_ms 0: as usual */
    const struct hostile *hostile; /* NULL: nobody means harm */
    bool countries;  /* geography.h: the devices begin at home, each with the bands of one kind of radio */
    unsigned processes; /* of the (first) SM-SR, on one database; 0: it is alone on its own */
    bool two_smsrs;  /* a second SM-SR, to which eUICCs can be moved, and back */
    bool odd_profiles; /* of each card the first has a key for delete tokens, the second connectivity parameters that the SM-DP sets, and
                        * it is deleted when disabled by POL2, the last by POL1; the operator owns the factory profile, too */
    bool auto_delete; /* every second profile is deleted when disabled, by POL2 */
    bool aim_connects; /* with a fault of connections that is aimed at a step goes a refusal: the card falls back, and connects to tell of it */
    bool administration; /* the administration of the servers is asked, too (administrator.h) */
    bool multi_imsi; /* the factory profile has three IMSIs, and rules when to take which */
};

struct ecosystem {
    struct world *world;
    struct sim_network network;
    struct ecosystem_options options;
    struct sim_smsr *smsr, *other; /* other: NULL when there is one */
    struct sim_smdp *smdp;
    struct sim_card *cards;
    struct eid *eids; /* of them */
    struct arena arena; /* certificates, packages: for the life of the ecosystem */
    struct trust trust;
    struct trust informed; /* of who knows the revocation list; the roots are those of trust */
    struct ec_key *ci_key, *eum_key;
    struct x509 *eum_certificate;
    struct smsr_partner smsr_partners[SIM_SERVERS_MAX][5];
    struct smdp_partner smdp_partners[3];
    uint8_t kek[32];
    struct sim_operator mno;
    struct sim_judge judge;
    struct sim_prompt { /* something that should be taken up, and is not since then at least */
        char line[ENGINE_LINE_MAX + 1], what[ENGINE_REF_MAX + 1];
        uint64_t since_ms;
        bool told;
    } prompt[PROMPT_QUESTIONS];
    struct faults faults;
    struct fault_counts fault_counts;
    struct sim_usage by_radio[ES_FUNCTION_COUNT][RADIO_KINDS];
    struct sim_usage usage[ES_FUNCTION_COUNT]; /* [ES_FUNCTION_NONE]: of nobody's asking */
};

extern const struct weather ECOSYSTEM_SMS_WEATHER; /* of short messages, when nothing is wrong */
struct sim_smsr *ecosystem_smsr(struct ecosystem *e, unsigned which); /* NULL: there is none */
/* Aborts when something cannot be made: a fault of the scenario. */
struct ecosystem *ecosystem_new(struct world *w, const struct ecosystem_options *options);
void ecosystem_free(struct ecosystem *e);
/* The keys of registered eUICCs are told to the world: no log may hold them. */
void ecosystem_secrets(struct ecosystem *e);
/* Who is abroad comes home. */
void ecosystem_go_home(struct ecosystem *e);
/* Things go wrong from now on; NULL: nothing any more (what is down comes back by itself). */
void ecosystem_troubles(struct ecosystem *e, const struct faults *faults);
/* Once, when a procedure comes to that step, this strikes it. */
void ecosystem_aim(struct ecosystem *e, int cell, enum fault_kind kind);
/* The same of devices alone: servers notice nothing. */
void ecosystem_device_troubles(struct ecosystem *e, const struct device_faults *faults);

#endif
