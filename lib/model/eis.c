#include "eis.h"

#include <stdlib.h>

const char *const sd_role_names[SD_ROLE_COUNT] = { "", "ISD-R", "ECASD" };
const char *const keyset_usage_names[KEYSET_USAGE_COUNT] = {
    "", "SCP03", "SCP80", "SCP81", "TokenGeneration", "ReceiptVerification", "CA",
};

int eis_version_compare(const struct eis_version *a, const struct eis_version *b)
{
    const char *p = a->text, *q = b->text;
    while (*p || *q) {
        char *p_end, *q_end;
        unsigned long m = strtoul(p, &p_end, 10), n = strtoul(q, &q_end, 10);
        if (m != n)
            return m < n ? -1 : 1;
        p = *p_end == '.' ? p_end + 1 : "";
        q = *q_end == '.' ? q_end + 1 : "";
    }
    return 0;
}

enum err eis_version_from_text(struct span text, struct eis_version *ret)
{
    struct oid three;
    size_t dots = 0;
    if (text.len > EIS_VERSION_MAX)
        return ERR_TOO_LONG;
    for (size_t i = 0; i < text.len; i++)
        dots += text.ptr[i] == '.';
    if (dots != 2 || oid_from_text(text, &three) != ERR_NONE)
        return ERR_BAD_VALUE;
    *ret = (struct eis_version){ { 0 } };
    memcpy(ret->text, text.ptr, text.len);
    return ERR_NONE;
}

struct profile_info *eis_profile_by_iccid(const struct eis *eis, const struct iccid *iccid)
{
    for (size_t i = 0; i < eis->profile_count; i++)
        if (iccid_eq(&eis->profiles[i].iccid, iccid))
            return &eis->profiles[i];
    return NULL;
}

struct profile_info *eis_profile_by_aid(const struct eis *eis, const struct aid *isdp_aid)
{
    for (size_t i = 0; i < eis->profile_count; i++)
        if (aid_eq(&eis->profiles[i].isdp_aid, isdp_aid))
            return &eis->profiles[i];
    return NULL;
}

struct profile_info *eis_enabled_profile(const struct eis *eis)
{
    for (size_t i = 0; i < eis->profile_count; i++)
        if (eis->profiles[i].state == PROFILE_ENABLED)
            return &eis->profiles[i];
    return NULL;
}

struct profile_info *eis_fallback_profile(const struct eis *eis)
{
    for (size_t i = 0; i < eis->profile_count; i++)
        if (eis->profiles[i].fallback)
            return &eis->profiles[i];
    return NULL;
}

struct eis_keyset *sd_keyset(const struct security_domain *sd, enum keyset_usage usage)
{
    for (size_t i = 0; i < sd->keyset_count; i++)
        if (sd->keysets[i].usage == usage)
            return &sd->keysets[i];
    return NULL;
}

struct span sd_certificate(const struct security_domain *sd)
{
    struct eis_keyset *ca = sd_keyset(sd, KEYSET_CA);
    return ca && ca->certificate_count ? ca->certificates[0].value : SPAN_NONE;
}
