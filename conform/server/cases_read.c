#include <string.h>

#include "cases.h"
#include "eum_oracle.h"
#include "tap.h"

/* GetEIS over ES2, ES3 and ES4: who sees what (SGP.02 §5.3.1, §5.4.1, §5.5.1, annex E; fact book 4.8, 7.3). */

static void has_no_secrets(struct stage *s, const struct message *m)
{
    need(s, !memmem(m->octets.ptr, m->octets.len, "KeyComponents", 13), "key components are told");
}

static void signed_eis(struct stage *s)
{
    struct message *m = ask(s, DP, SM_SR, "ES3-GetEIS", "<Eid>%s</Eid>", card_eid(s, CARD));
    need_success(s, m);
    need_eum_signature(s, m);
    has_no_secrets(s, m);
    need(s, !node_at(m, "Eis/AuditTrail", 0), "an SM-DP sees the audit trail");
}

static void unknown_eid(struct stage *s)
{
    need_status(s, ask(s, DP, SM_SR, "ES3-GetEIS", "<Eid>%s</Eid>", no_eid(s)), "FAILED 8.1.1/1.1|FAILED 8.1.1/3.9");
}

static void unknown_smsr(struct stage *s)
{
    need_status(s, ask(s, OP1, SM_DP, "ES2-GetEIS", "<Eid>%s</Eid><Smsr-id>2.999.987</Smsr-id>", card_eid(s, CARD)),
                "FAILED 8.7/3.9");
    need(s, mail(s, SR, "ES3", "GetEIS", NULL, QUIET_MS) == NULL && s->message_count == 0, "an SM-SR is asked all the same");
}

static void own_profiles_only(struct stage *s)
{
    scene_profile(s, CARD, METER, "Disabled");
    scene_profile(s, CARD, TRACKER, "Disabled");
    struct message *m = eis_seen(s, OP1, CARD);
    need_success(s, m);
    for (size_t i = 0; i < value_count(m, "Eis/ProfileInfo"); i++)
        need(s, !strcmp(node_value(s, node_at(m, "Eis/ProfileInfo", i), "Mno-id"), role_oid(s, OP1)),
             "an operator sees a profile of another");
    need(s, *profile_in(s, m, order_iccid(s, METER)).state, "an operator does not see its own profile");
    need(s, !memmem(m->octets.ptr, m->octets.len, order_iccid(s, TRACKER), 19) &&
                !memmem(m->octets.ptr, m->octets.len, card_iccid(s, CARD), 19), "another's ICCID is told");
    need(s, !node_at(m, "Eis/AuditTrail", 0), "an operator sees the audit trail");
    has_no_secrets(s, m);
    if (node_at(m, "Eis/EumSignedInfo/Ecasd", 0)) /* the complete form: then as the EUM signed it */
        need_eum_signature(s, m);
    else
        need(s, !node_at(m, "Eis/Isd-r", 0) && !node_at(m, "Eis/EumSignature", 0), "neither the complete form nor the reduced one");
}

static void nothing_of_its_own(struct stage *s)
{
    scene_profile(s, CARD2, TRACKER, "");
    need_status(s, eis_seen(s, OP2, CARD2), "FAILED 8.6/1.2");
}

static void in_creation(struct stage *s)
{
    struct tap *t = tap_of(s);
    const char *id, *iccid = "8999970000000044442", *eid = card_eid(s, CARD_SMS);
    tap_lose(t, true, false);
    scene_made(s, iccid);
    struct message *m = say(s, NULL, DP, SM_SR, "ES3-CreateISDP", &id,
                            EID_ICCID "<Mno-id>%s</Mno-id><RequiredMemory>5000</RequiredMemory>", eid, iccid, role_oid(s, OP1));
    need(s, m->http == 202, "CreateISDP is answered with HTTP %d", m->http);
    stage_wait(s, 100);
    m = ask(s, DP, SM_SR, "ES3-GetEIS", "<Eid>%s</Eid>", eid);
    need_success(s, m);
    need(s, !*profile_in(s, m, iccid).state, "a profile in creation is shown");
    tap_lose(t, false, false);
    need_success(s, must_callback(s, DP, id, 20000));
    m = ask(s, DP, SM_SR, "ES3-GetEIS", "<Eid>%s</Eid>", eid);
    need(s, !strcmp(profile_in(s, m, iccid).state, "Created"), "afterwards it is %s", profile_in(s, m, iccid).state);
}

static const struct server_case cases[] = {
    CASE(9, "read", "7.3", "an SM-DP gets the signed EIS, no keys, no audit trail", signed_eis),
    CASE(10, "read", "7.3", "an unknown EID", unknown_eid),
    CASE(11, "read", "7.3", "an SM-SR that the SM-DP does not know", unknown_smsr),
    CASE(12, "read", "4.8", "an operator sees its own profiles only", own_profiles_only),
    CASE(13, "read", "7.3", "an operator without profile sees nothing", nothing_of_its_own),
    WAITS(14, "read", "7.3", "a profile in creation is not shown", in_creation),
};
const struct server_group server_read_group = { cases, ARRAY_LEN(cases) };
