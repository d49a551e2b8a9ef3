/* CreateISDP, DeleteProfile, MasterDelete, SetFallbackAttribute: SGP.02 4.1.1.1, 4.1.1.4 … 4.1.1.6; fact
 * book 4.1, 4.4, 4.5. */
#include "cases.h"

static void create_fresh(struct bed *b)
{
    struct aid aid = isdp_next(b);
    struct rapdu r = isdr(b, create_command(b, &aid, "C90481020370"));
    need_sw(b, r.sw, 0x9000, "CreateISDP");
    need_span(b, r.data, hexf(b, "00"), "data of CreateISDP");
    uint8_t state = isdp_state(b, &aid);
    need(b, state == ISDP_SELECTABLE || state == ISDP_PERSONALIZED, "state %02X instead of 07", state);
    note(b, "state %02X", state);
}

static void create_twice(struct bed *b)
{
    struct aid aid = isdp_make(b);
    uint32_t before = memory_audit(b).applications;
    need_sw(b, isdr_sw(b, create_command(b, &aid, "C90481020370")), 0x6985, "the same AID again");
    need(b, memory_audit(b).applications == before, "the number of applications changed");
}

static void create_unknown_load_file(struct bed *b)
{
    struct aid aid = isdp_next(b);
    struct span good = create_command(b, &aid, "C90481020370");
    struct writer w = room(b, good.len);
    wr_bytes(&w, good);
    w.buf[5 + 15] = 0x7D; /* …0D00 becomes …7D00 */
    need_sw(b, isdr_sw(b, wr_span(&w)), 0x6A88, "unknown load file");
    need(b, isdp_state(b, &aid) == 0, "there is an ISD-P all the same");
}

static void create_too_much_memory(struct bed *b)
{
    struct aid aid = isdp_next(b);
    uint32_t before = memory_audit(b).applications;
    need_sw(b, isdr_sw(b, create_command(b, &aid, "EF06 8304 7FFFFFFF C90481020370")), 0x6A84, "2 GiB");
    need(b, memory_audit(b).applications == before, "the number of applications changed");
}

static void create_without_c9(struct bed *b)
{
    struct aid aid = isdp_next(b);
    need_sw(b, isdr_sw(b, create_command(b, &aid, "EF06 8304 00010000")), 0x6A80, "no C9");
    need(b, isdp_state(b, &aid) == 0, "there is an ISD-P all the same");
}

static void create_wrong_privileges(struct bed *b)
{
    struct aid aid = isdp_next(b);
    struct span c = hexf(b,
                         "80E60C003D 10A0000005591010FFFFFFFF8900000D00 10A0000005591010FFFFFFFF8900000E00 10%s 0100 "
                         "06C90481020370 00 00",
                         hex_of(b, aid_span(&aid)));
    need_sw(b, isdr_sw(b, c), 0x6A80, "privileges 00");
    need(b, isdp_state(b, &aid) == 0, "there is an ISD-P all the same");
}

static void create_counts(struct bed *b)
{
    struct es5_memory before = memory_audit(b);
    struct aid aid = isdp_make(b);
    struct es5_memory after = memory_audit(b);
    need(b, after.applications == before.applications + 1, "81 goes from %u to %u", before.applications,
         after.applications);
    need_sw(b, isdr_sw(b, delete_command(b, &aid)), 0x9000, "DeleteProfile");
    struct es5_memory end = memory_audit(b);
    need(b, end.applications == before.applications, "81 does not come back");
    need(b, end.free_non_volatile + 64 >= before.free_non_volatile, "%u octets are not given back",
         before.free_non_volatile - end.free_non_volatile);
}

/* ---- delete ---- */

static void delete_disabled(struct bed *b)
{
    uint32_t before = memory_audit(b).free_non_volatile;
    struct aid aid = profile_make(b, 0x00, NULL);
    uint32_t installed = memory_audit(b).free_non_volatile;
    struct rapdu r = isdr(b, delete_command(b, &aid));
    need_sw(b, r.sw, 0x9000, "DeleteProfile");
    need_span(b, r.data, hexf(b, "00"), "data of DeleteProfile");
    need(b, isdp_state(b, &aid) == 0, "GET STATUS still finds it");
    uint32_t after = memory_audit(b).free_non_volatile;
    need(b, installed < before && after + 64 >= before, "%u octets are not given back", before - after);
}

static void delete_enabled(struct bed *b)
{
    struct aid aid = profile_enabled(b, 0x00);
    need_sw(b, isdr_sw(b, delete_command(b, &aid)), 0x6985, "DeleteProfile of the enabled profile");
    need(b, isdp_state(b, &aid) == ISDP_ENABLED, "it is not enabled any more");
}

static void delete_fallback(struct bed *b)
{
    struct aid aid = profile_enabled(b, 0x00); /* the holder is disabled now */
    need_sw(b, isdr_sw(b, delete_command(b, &b->fallback)), 0x6985, "DeleteProfile of the holder");
    need(b, isdp_state(b, &b->fallback) == ISDP_DISABLED, "it is gone");
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A04, &aid)), 0x9000, "DisableProfile");
}

static void delete_forbidden(struct bed *b)
{
    struct aid aid = profile_make(b, 0x02, NULL);
    need_sw(b, isdr_sw(b, delete_command(b, &aid)), 0x69E1, "DeleteProfile against POL1");
    need(b, isdp_state(b, &aid) == ISDP_DISABLED, "its state changed");
}

static void delete_selectable(struct bed *b)
{
    struct aid aid = isdp_make(b);
    need_sw(b, isdr_sw(b, delete_command(b, &aid)), 0x9000, "DeleteProfile");
    need(b, isdp_state(b, &aid) == 0, "GET STATUS still finds it");
    need_sw2(b, isdr_sw(b, delete_command(b, &aid)), 0x6A88, 0x6A82, "the same again");
}

/* ---- MasterDelete ---- */

static void master_good(struct bed *b)
{
    struct download d;
    d.aid = profile_make(b, 0x02, &d.keys);
    token_prepare(b, &d);
    need_sw(b, isdr_sw(b, delete_command(b, &d.aid)), 0x69E1, "DeleteProfile against POL1");
    struct rapdu r = isdr(b, master_command(b, &d.aid, 0));
    need_sw(b, r.sw, 0x9000, "MasterDelete");
    need_span(b, r.data, hexf(b, "00"), "data of MasterDelete");
    need_sw2(b, isdr_sw(b, master_command(b, &d.aid, 0)), 0x6A88, 0x6A82, "the same again");
}

static void master_bad_token(struct bed *b)
{
    struct download d;
    d.aid = profile_make(b, 0x00, &d.keys);
    token_prepare(b, &d);
    need_sw(b, isdr_sw(b, master_command(b, &d.aid, 0x01)), 0x6A80, "a wrong token");
    need(b, isdp_state(b, &d.aid) == ISDP_DISABLED, "its state changed");
}

static void master_enabled(struct bed *b)
{
    struct download d;
    d.aid = profile_make(b, 0x00, &d.keys);
    token_prepare(b, &d);
    profile_enable(b, &d.aid);
    need_sw(b, isdr_sw(b, master_command(b, &d.aid, 0)), 0x6985, "MasterDelete of the enabled profile");
    need(b, isdp_state(b, &d.aid) == ISDP_ENABLED, "it is not enabled any more");
}

static void provider_data_and_master_delete(struct bed *b)
{
    struct download d;
    d.aid = profile_make(b, 0x00, &d.keys);
    token_prepare(b, &d); /* DGI 0070 three times, each with R-MAC */
    need_sw(b, isdr_sw(b, master_command(b, &d.aid, 0)), 0x9000, "MasterDelete with these values");
    need(b, isdp_state(b, &d.aid) == 0, "it is still there");
}

/* ---- fall-back attribute ---- */

static void fallback_personalized(struct bed *b)
{
    struct scp03_keys keys;
    struct aid aid = isdp_with_keys(b, &keys);
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A05, &aid)), 0x6985, "an ISD-P without profile");
    need(b, isdp_attributes(b, &b->fallback) & 1, "the holder lost the attribute");
}

static void fallback_disabled(struct bed *b)
{
    struct aid aid = profile_make(b, 0x00, NULL);
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A05, &aid)), 0x9000, "SetFallbackAttribute");
    need(b, isdp_attributes(b, &aid) & 1, "tag 53 of the new holder has no b1");
    need(b, !(isdp_attributes(b, &b->fallback) & 1), "tag 53 of the old holder still has b1");
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A05, &b->fallback)), 0x9000, "back again");
}

static void fallback_unknown(struct bed *b)
{
    struct aid aid = aid_isdp(0x00FEDC);
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A05, &aid)), 0x6A88, "unknown AID");
    need(b, isdp_attributes(b, &b->fallback) & 1, "the holder lost the attribute");
}

static const struct case_def create_cases[] = {
    { 1, "create", "fresh AID", "4.1", create_fresh },
    { 2, "create", "same AID twice", "4.1", create_twice },
    { 3, "create", "unknown load file AID", "4.1", create_unknown_load_file },
    { 4, "create", "memory larger than free", "4.1", create_too_much_memory },
    { 5, "create", "missing C9", "4.1", create_without_c9 },
    { 6, "create", "privileges wrong", "4.1", create_wrong_privileges },
    { 7, "create", "FF21 counts applications and memory", "4.6", create_counts },
};
static const struct case_def delete_cases[] = {
    { 58, "delete", "DISABLED profile", "4.5", delete_disabled },
    { 59, "delete", "ENABLED profile", "4.5", delete_enabled },
    { 60, "delete", "holder of the fall-back attribute", "4.5", delete_fallback },
    { 61, "delete", "POL1 forbids deletion", "4.5", delete_forbidden },
    { 62, "delete", "SELECTABLE ISD-P", "4.5", delete_selectable },
    { 63, "delete", "MasterDelete valid token", "4.5", master_good },
    { 64, "delete", "MasterDelete bad token", "4.5", master_bad_token },
    { 65, "delete", "MasterDelete on ENABLED", "4.5", master_enabled },
    { 66, "fallback", "attribute on PERSONALIZED", "4.4", fallback_personalized },
    { 67, "fallback", "attribute on DISABLED moves", "4.4", fallback_disabled },
    { 68, "fallback", "attribute on unknown AID", "4.4", fallback_unknown },
    { 114, "delete", "DGI 0070 three times then MasterDelete", "6.5", provider_data_and_master_delete },
};
const struct case_group create_group = { create_cases, ARRAY_LEN(create_cases) };
const struct case_group delete_group = { delete_cases, ARRAY_LEN(delete_cases) };
