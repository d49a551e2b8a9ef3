#include "procedures/change.h"
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
    { ES4_PREPARE_SMSR_CHANGE, NULL, &SMSR_PREPARE, smsr_fill_prepare, false, true },
    { ES4_SMSR_CHANGE, NULL, &SMSR_CHANGE, smsr_fill_change, false, true },
};

const struct server smsr_es4_server = { ES_IF_ES4, SMSR_OPERATOR, rows, ARRAY_LEN(rows) };
