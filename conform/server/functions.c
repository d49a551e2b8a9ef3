#include "functions.h"

#include <string.h>

#include "lib/base/span.h"

#define PROFILE  "ProfileManagement"
#define PLATFORM "PlatformManagement"
#define EUICC    "eUICCManagement"

static const struct function functions[] = {
    { "ES1-RegisterEIS", EUICC, false },
    { "ES1-UpdateEISAdditionalProperties", EUICC, false },
    { "ES2-GetEIS", "DataPreparation", false },
    { "ES2-DownloadProfile", PROFILE, true },
    { "ES2-UpdatePolicyRules", PROFILE, false },
    { "ES2-UpdateSubscriptionAddress", PROFILE, false },
    { "ES2-EnableProfile", PLATFORM, true },
    { "ES2-DisableProfile", PLATFORM, true },
    { "ES2-DeleteProfile", PLATFORM, true },
    { "ES2-AuditEIS", PROFILE, true },
    { "ES2-SetPLMA", PROFILE, false },
    { "ES2-GetPLMA", PROFILE, false },
    { "ES2-SetONC", PROFILE, false },
    { "ES2-GetONC", PROFILE, false },
    { "ES2-SetEmergencyProfileAttribute", PLATFORM, true },
    { "ES2-SetFallBackAttribute", PLATFORM, true },
    { "ES3-GetEIS", PROFILE, false },
    { "ES3-AuditEIS", PROFILE, true },
    { "ES3-CreateISDP", PROFILE, true },
    { "ES3-SendData", PROFILE, true },
    { "ES3-ProfileDownloadCompleted", PROFILE, false },
    { "ES3-UpdatePolicyRules", PROFILE, false },
    { "ES3-UpdateSubscriptionAddress", PROFILE, false },
    { "ES3-EnableProfile", PLATFORM, true },
    { "ES3-DisableProfile", PLATFORM, true },
    { "ES3-DeleteISDP", PLATFORM, true },
    { "ES3-UpdateConnectivityParameters", PLATFORM, true },
    { "ES3-SetPLMA", PROFILE, false },
    { "ES3-GetPLMA", PROFILE, false },
    { "ES3-SetONC", PROFILE, false },
    { "ES3-GetONC", PROFILE, false },
    { "ES3-SetEmergencyProfileAttribute", PLATFORM, true },
    { "ES3-SetFallBackAttribute", PLATFORM, true },
    { "ES4-GetEIS", PROFILE, false },
    { "ES4-UpdatePolicyRules", PROFILE, false },
    { "ES4-UpdateSubscriptionAddress", PROFILE, false },
    { "ES4-AuditEIS", PROFILE, true },
    { "ES4-EnableProfile", PLATFORM, true },
    { "ES4-DisableProfile", PLATFORM, true },
    { "ES4-DeleteProfile", PLATFORM, true },
    { "ES4-PrepareSMSRChange", EUICC, true },
    { "ES4-SMSRChange", EUICC, true },
    { "ES4-GetPLMA", PROFILE, false },
    { "ES4-SetEmergencyProfileAttribute", PLATFORM, true },
    { "ES4-SetFallBackAttribute", PLATFORM, true },
    { "ES4A-SetPLMA", PROFILE, false },
    { "ES4A-GetPLMA", PROFILE, false },
    { "ES4A-SetONC", PROFILE, false },
    { "ES4A-GetONC", PROFILE, false },
    { "ES7-CreateAdditionalKeySet", EUICC, true },
    { "ES7-HandoverEUICC", EUICC, true },
    { "ES7-AuthenticateSMSR", EUICC, true },
};

const struct function *function_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        if (!strcmp(functions[i].name, name))
            return &functions[i];
    return NULL;
}

static const struct {
    const char *interface, *service, *answers;
} paths[] = {
    { "ES1-", "ES1/ES1SmSrService", "ES1/ES1EumService" },
    { "ES2-", "ES2/ES2SmDpService", "ES2/ES2MnoService" },
    { "ES3-", "ES3/ES3SmSrService", "ES3/ES3SmDpService" },
    { "ES4-", "ES4/ES4SmSrService", "ES4/ES4MnoService" },
    { "ES4A-", "ES4A/ES4ASmSrService", "ES4/ES4MnoService" },
    { "ES7-", "ES7/ES7SmSrProvider", "ES7/ES7SmSrRequester" },
};

const char *service_path(const char *function)
{
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (!strncmp(function, paths[i].interface, strlen(paths[i].interface)))
            return paths[i].service;
    return "";
}

const char *answer_path(const char *function)
{
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (!strncmp(function, paths[i].interface, strlen(paths[i].interface)))
            return paths[i].answers;
    return "";
}
