#include "procedures/change.h"
#include "rights.h"
#include "server.h"

/* ES4, operator to SM-SR (SGP.02 §5.5). */

static const struct server_row rows[] = {
    { ES4_GET_EIS, smsr_get_eis, NULL, NULL, true },
    { ES4_UPDATE_POLICY_RULES, smsr_update_pol2, NULL, NULL, false },
    { ES4_UPDATE_SUBSCRIPTION_ADDRESS, smsr_update_address, NULL, NULL, false },
    { ES4_AUDIT_EIS, NULL, &SMSR_AUDIT, smsr_fill_audit, false },
    { ES4_ENABLE_PROFILE, NULL, &SMSR_ENABLE_PROFILE, smsr_fill_profile, false },
    { ES4_SET_FALLBACK_ATTRIBUTE, NULL, &SMSR_SET_FALLBACK, smsr_fill_profile, false },
    { ES4_DISABLE_PROFILE, NULL, &SMSR_DISABLE_PROFILE, smsr_fill_profile, false },
    { ES4_DELETE_PROFILE, NULL, &SMSR_DELETE_PROFILE, smsr_fill_profile, false },
    { ES4_SET_EMERGENCY_PROFILE_ATTRIBUTE, NULL, &SMSR_SET_EMERGENCY, smsr_fill_profile, false },
    { ES4_GET_PLMA, smsr_get_plma, NULL, NULL, true },
    { ES4_PREPARE_SMSR_CHANGE, NULL, &SMSR_PREPARE, smsr_fill_prepare, false, true },
    { ES4_SMSR_CHANGE, NULL, &SMSR_CHANGE, smsr_fill_change, false, true },
};

const struct server smsr_es4_server = { ES_IF_ES4, SMSR_OPERATOR | SMSR_M2MSP, rows, ARRAY_LEN(rows) };

/* ES4A (§5.7): what only an operator may. */
static const struct server_row es4a_rows[] = {
    { ES4A_SET_PLMA, smsr_set_plma, NULL, NULL, false },
    { ES4A_GET_PLMA, smsr_get_plma, NULL, NULL, true },
    { ES4A_SET_ONC, smsr_set_onc, NULL, NULL, false },
    { ES4A_GET_ONC, smsr_get_onc, NULL, NULL, true },
};

const struct server smsr_es4a_server = { ES_IF_ES4A, SMSR_OPERATOR, es4a_rows, ARRAY_LEN(es4a_rows) };
