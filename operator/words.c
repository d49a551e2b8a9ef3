#include "words.h"

#include <stddef.h>
#include <string.h>

/* SGP.02 §5.1.6.4 */
struct word {
    const char *code, *text;
};
static const struct word subjects[] = {
    { "1", "Generic" },
    { "1.1", "Function Requester" },
    { "1.2", "Function Provider" },
    { "1.3", "Protocol" },
    { "1.3.1", "Protocol Format" },
    { "1.3.2", "Protocol Version" },
    { "1.4", "External Resource" },
    { "1.5", "Extension Resource" },
    { "1.6", "Function" },
    { "8", "eUICC Remote Provisioning" },
    { "8.1", "eUICC" },
    { "8.1.1", "EID" },
    { "8.2", "Profile" },
    { "8.2.1", "Profile ICCID" },
    { "8.2.2", "POL1" },
    { "8.2.3", "POL2" },
    { "8.2.4", "Fall-Back Attribute" },
    { "8.2.5", "Profile Type" },
    { "8.2.6", "Subscription Address" },
    { "8.2.7", "PLMA" },
    { "8.2.8", "ONC" },
    { "8.2.9", "Emergency Profile Attribute" },
    { "8.3", "ISD-P" },
    { "8.3.1", "ISD-P-AID" },
    { "8.4", "ISD-R" },
    { "8.5", "ECASD" },
    { "8.5.1", "EUM Certificate" },
    { "8.5.2", "eUICC" },
    { "8.5.3", "SM-SR Certificate" },
    { "8.5.4", "SM-DP Certificate" },
    { "8.6", "EIS" },
    { "8.7", "SM-SR" },
    { "8.8", "SM-DP" },
    { NULL, NULL },
};
static const struct word reasons[] = {
    { "1", "Access Error" },
    { "1.1", "Unknown" },
    { "1.2", "Not Allowed" },
    { "2", "Format Error" },
    { "2.1", "Invalid" },
    { "2.2", "Mandatory Element Missing" },
    { "2.3", "Conditional Element Missing" },
    { "2.4", "Unrecognised" },
    { "3", "Conditions of Use Not Satisfied" },
    { "3.1", "Unsupported" },
    { "3.2", "Maximum Size Exceeded" },
    { "3.3", "Already in Use" },
    { "3.4", "Invalid Destination" },
    { "3.5", "Invalid Transition" },
    { "3.6", "Related Objects Exist" },
    { "3.7", "Unavailable" },
    { "3.8", "Refused" },
    { "3.9", "Unknown" },
    { "3.10", "Invalid Association" },
    { "3.11", "Value Has Changed" },
    { "4", "Processing Error" },
    { "4.2", "Execution Error" },
    { "4.3", "Stopped on Warning" },
    { "4.4", "Busy" },
    { "4.8", "Insufficient Memory" },
    { "5", "Transport Error" },
    { "5.1", "Inaccessible" },
    { "5.3", "Time to Live Expired" },
    { "5.4", "Delivered With No Response" },
    { "6", "Security Error" },
    { "6.1", "Verification Failed" },
    { "6.2", "Certificate Revoked" },
    { "6.3", "Certificate Expired" },
    { NULL, NULL },
};

static const char *look_up(const struct word *words, const char *code)
{
    for (; words->code; words++)
        if (!strcmp(words->code, code))
            return words->text;
    return "unknown code";
}

const char *op_subject_words(const char *code) { return look_up(subjects, code); }
const char *op_reason_words(const char *code) { return look_up(reasons, code); }
