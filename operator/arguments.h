/* operator/arguments.h: the options of the command line, each described once: parsing, --help and checks come from the
 * one table. */
#ifndef OSPREY_OPERATOR_ARGUMENTS_H
#define OSPREY_OPERATOR_ARGUMENTS_H

#include <stdio.h>

#include "lib/model/eis.h"

enum op_option {
    OPT_EID,
    OPT_ICCID,
    OPT_TYPE,
    OPT_ENABLE,
    OPT_RULES,
    OPT_IMSI,
    OPT_MSISDN,
    OPT_TARGET,
    OPT_CURRENT,
    OPT_COUNT_MESSAGES,
    OPT_FOLLOW,
    OPT_VIA,
    OPT_SM_SR,
    OPT_VALIDITY,
    OPT_TIMEOUT,
    OPT_CALL_ID,
    OPT_NO_WAIT,
    OPT_CONFIG,
    OPT_JSON,
    OPT_EXPLAIN,
    OPT_HELP,
    OPT_SP,
    OPT_ALLOW,
    OPT_DISCARD,
    OPT_DRY_RUN,
    OPT_WEBHOOK,
    OPT_SECRET,
    OPT_EXEC,
    OPT_PACKAGE,
    OPT_KEYS,
    OPT_CENTRE,
    OPT_APN,
    OPT_SCRIPT,
    OPT_POLL,
    OPT_EIDS,
    OPT_PARALLEL,
    OPT_REPORT,
    OPT_FILE,
    OPT_TOKEN,
    OPT_HTTPS,
    OPT_CAMPAIGN,
    OPT_WORD, /* the one word without dashes */
    OP_OPTION_COUNT
};
#define OPT(name)   (1ull << OPT_##name)
#define OPT_EVERY   (OPT(CONFIG) | OPT(JSON) | OPT(EXPLAIN) | OPT(HELP))
#define OPT_CALLING                                                                                                    \
    (OPT_EVERY | OPT(VIA) | OPT(SM_SR) | OPT(VALIDITY) | OPT(TIMEOUT) | OPT(CALL_ID) | OPT(NO_WAIT) | OPT(DRY_RUN) | OPT(CAMPAIGN))

/* Administration that takes its time. */
#define OPT_LATER (OPT_EVERY | OPT(VIA) | OPT(VALIDITY) | OPT(TIMEOUT) | OPT(CALL_ID) | OPT(NO_WAIT) | OPT(DRY_RUN))

#define OP_CAMPAIGN_MAX 64u

struct op_arguments {
    uint64_t given; /* OPT bits */
    struct eid eid;
    struct iccid iccids[EIS_PROFILES_MAX];
    size_t iccid_count;
    struct pol2 rules;
    struct subscription_address address;
    struct oid target, current;
    uint32_t validity_s, timeout_s, count;
    const char *type, *via, *sm_sr, *call_id, *campaign, *config;
    const char *eids, *report; /* many eUICCs at once */
    uint32_t parallel;
    const char *sp, *names; /* --sp; --allow or --discard */
    const char *webhook, *secret, *exec, *package, *file, *word;
    const char *keys, *centre, *apn, *script; /* osprey ota */
};

/* argv[0 … argc-1] are the words behind the command's name. detail gets what is wrong, for people. */
MUST_USE enum err op_arguments_read(int argc, char **argv, uint64_t allowed, uint64_t required,
                                    struct op_arguments *ret, char *detail, size_t cap);
void op_arguments_help(FILE *out, uint64_t allowed, uint64_t required);
const char *op_option_name(enum op_option option); /* "eid" */

#endif
