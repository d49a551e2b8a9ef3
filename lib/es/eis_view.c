#include "eis_view.h"

#include "message.h"

static void only_names(struct profile_info *p)
{
    *p = (struct profile_info){ .iccid = p->iccid,
                                .isdp_aid = p->isdp_aid,
                                .mno_id = p->mno_id,
                                .smdp_id = p->smdp_id,
                                .profile_type = p->profile_type };
}

static void for_operator(struct eis *eis)
{
    eis->isdp_loadfile_aid.len = eis->isdp_module_aid.len = 0;
    memset(eis->isdp_loadfile_aid.octets, 0, sizeof eis->isdp_loadfile_aid.octets);
    memset(eis->isdp_module_aid.octets, 0, sizeof eis->isdp_module_aid.octets);
    eis->ecasd = eis->isdr = (struct security_domain){ 0 };
    eis->signature = SPAN_NONE;
    eis->has_audit_trail = false;
    eis->audit_count = 0;
}

/* The profiles are copied: they may be the caller's own. */
static enum err for_change(struct eis *eis, struct arena *a)
{
    struct profile_info *profiles = ARENA_ARRAY(a, struct profile_info, eis->profile_count + 1);
    struct eis small = { .eid = eis->eid, .smsr_id = eis->smsr_id, .profile_count = eis->profile_count };
    if (!profiles)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < eis->profile_count; i++) {
        profiles[i] = eis->profiles[i];
        only_names(&profiles[i]);
    }
    small.profiles = profiles;
    *eis = small;
    return ERR_NONE;
}

enum err eis_reduce(struct eis *eis, enum eis_view view, struct arena *a)
{
    enum err err = ERR_NONE;
    if (view == EIS_VIEW_CHANGE)
        err = for_change(eis, a);
    else if (eis->signed_info.len)
        err = eum_signed_info_decode(eis->signed_info, a, eis);
    if (err != ERR_NONE)
        return err;
    eis->signed_info = SPAN_NONE;
    if (view == EIS_VIEW_OPERATOR)
        for_operator(eis);
    eis->partial = true;
    return ERR_NONE;
}
