#include <string.h>

#include "cases.h"

/* The same function over each interface that has it, and errors of single functions that the book's ideas leave out (fact
 * book 7). */

#define EID_ONLY "<Eid>%s</Eid>"

static const char *es2_profile(struct stage *s, enum card c, enum order o)
{
    return textf(s, "<Eid>%s</Eid><Smsr-id>%s</Smsr-id><Iccid>%s</Iccid>", card_eid(s, c), server_oid(s, SM_SR), order_iccid(s, o));
}

static struct message *by_dp(struct stage *s, const char *what, enum card c, enum order o)
{
    return ask(s, DP, SM_SR, textf(s, "ES3-%s", what), EID_ICCID, card_eid(s, c), order_iccid(s, o));
}

/* ---- what works over one interface works over the others ---- */

static void every_way(struct stage *s)
{
    const struct target_order *meter = &s->target.orders[METER];
    const char *address = textf(s, "<newSubscriptionAddress><Msisdn>%s</Msisdn></newSubscriptionAddress>", meter->msisdn);
    scene_profile(s, CARD, METER, "Enabled");
    need_success(s, by_smdp(s, METER, CARD, "DisableProfile"));
    need_success(s, by_dp(s, "EnableProfile", CARD, METER));
    need_success(s, by_dp(s, "DisableProfile", CARD, METER));
    need_state(s, CARD, METER, "Disabled");
    need_success(s, ask(s, OP1, SM_SR, "ES4-UpdateSubscriptionAddress", EID_ICCID "%s", card_eid(s, CARD), meter->iccid, address));
    need_success(s, ask(s, OP1, SM_DP, "ES2-UpdateSubscriptionAddress", "%s%s", es2_profile(s, CARD, METER), address));
    need_success(s, ask(s, DP, SM_SR, "ES3-UpdateSubscriptionAddress", EID_ICCID "%s", card_eid(s, CARD), meter->iccid, address));
    struct message *m = ask(s, OP1, SM_DP, "ES2-AuditEIS", "<Eid>%s</Eid><Smsr-id>%s</Smsr-id>", card_eid(s, CARD), server_oid(s, SM_SR));
    need_success(s, m);
    need(s, !strcmp(profile_in(s, m, meter->iccid).state, "Disabled"), "the audit over ES2 does not show it");
    m = ask(s, DP, SM_SR, "ES3-AuditEIS", EID_ONLY, card_eid(s, CARD));
    need_success(s, m);
}

static const char emergency[] = "HandleEmergencyProfileAttributeSetNotification HandleEmergencyProfileAttributeUnsetNotification";

static void both_hear(struct stage *s, const char *what, enum order o)
{
    (void)must_mail(s, M2M, "ES4", what, order_iccid(s, o));
    (void)must_mail(s, OP3, "ES2", what, order_iccid(s, o));
}

/* It goes from one profile to the other and back; who has it is the device's to switch. */
static void emergency_attribute(struct stage *s)
{
    scene_profile(s, CARD_WRONG, URGENT, "Disabled");
    scene_profile(s, CARD_WRONG, URGENT2, "Disabled");
    need_success(s, plma_set(s, OP1, M2M, "Urgent", emergency));
    need_success(s, plma_set(s, OP1, OP3, "Urgent", emergency));
    need_success(s, owner_asks(s, URGENT, CARD_WRONG, "SetEmergencyProfileAttribute"));
    both_hear(s, "EmergencyProfileAttributeSet", URGENT);
    need_success(s, ask(s, OP1, SM_DP, "ES2-SetEmergencyProfileAttribute", "%s", es2_profile(s, CARD_WRONG, URGENT2)));
    both_hear(s, "EmergencyProfileAttributeUnset", URGENT);
    both_hear(s, "EmergencyProfileAttributeSet", URGENT2);
    need_success(s, by_dp(s, "SetEmergencyProfileAttribute", CARD_WRONG, URGENT));
    refused_all_ways(s, CARD_WRONG, "EnableProfile", URGENT, "FAILED 8.2.9/3.8");
}

/* No network takes it: the card goes back. */
static void rolled_back(struct stage *s)
{
    scene_profile(s, CARD, OFFLINE, "Disabled");
    need_status(s, by_smdp(s, OFFLINE, CARD, "EnableProfile"), "FAILED 8.4/4.2");
    need_status(s, by_dp(s, "EnableProfile", CARD, OFFLINE), "FAILED 8.4/4.2");
    need_state(s, CARD, OFFLINE, "Disabled");
    need_factory(s, CARD, "Enabled");
}

/* ---- single errors ---- */

static void download_refused(struct stage *s)
{
    static const char format[] = "<Eid>%s</Eid><SmSr-id>%s</SmSr-id><ProfileType>%s</ProfileType><EnableProfile>false</EnableProfile>";
    const char *eid = card_eid(s, CARD), *smsr = server_oid(s, SM_SR);
    scene_profile(s, CARD, TRACKER, "Disabled");
    need_status(s, download(s, CARD, HUGE_ONE, false), "FAILED 8.1/4.8");
    need_status(s, ask(s, OP2, SM_DP, "ES2-DownloadProfile", format, eid, smsr, order_type(s, TRACKER)), "FAILED 8.2.5/3.7");
}

static void of_others(struct stage *s)
{
    scene_profile(s, CARD, RELAYED, "Disabled");
    const char *aid = profile_view(s, CARD, RELAYED).aid;
    need_status(s, ask(s, DP, SM_SR, "ES3-SendData", "<Eid>%s</Eid><Sd-aid>%s</Sd-aid><Data>2204805000</Data>", card_eid(s, CARD), aid),
                "FAILED 8.2.1/1.2");
    need_status(s, ask(s, DP, SM_SR, "ES3-CreateISDP", EID_ICCID "<Mno-id>%s</Mno-id><RequiredMemory>1000</RequiredMemory>",
                       card_eid(s, CARD), "8999970000000055559", role_oid(s, OP3)),
                "FAILED 8.6/1.2");
    need_status(s, ask(s, OP1, SM_DP, "ES2-AuditEIS", "%s", es2_profile(s, CARD, RELAYED)), "FAILED 8.2/1.2");
}

static void other_smsr(struct stage *s)
{
    need_status(s, ask(s, EUM, SM_SR2, "ES1-RegisterEIS", "%s", record_xml(s, FRESH2)), "FAILED 8.7/3.4");
    need_status(s, ask(s, START, SM_SR, "ES4-SMSRChange", "<Eid>%s</Eid><Target-Smsr-id>2.999.77.7</Target-Smsr-id>", card_eid(s, CARD)),
                "FAILED 8.7/3.9");
}

/* ---- a call again, under another MessageID, at the SM-DP ---- */

static void same_call_at_the_smdp(struct stage *s)
{
    const char *first, *second, *third;
    scene_profile(s, CARD, METER, "Disabled");
    const struct wish w = { .call_id = textf(s, "%s-dp", s->run_id), .validity_s = 30 };
    const char *body = textf(s, "<Eid>%s</Eid><SmSr-id>%s</SmSr-id><Iccid>%s</Iccid>", card_eid(s, CARD), server_oid(s, SM_SR), order_iccid(s, METER));
    need(s, say(s, &w, OP1, SM_DP, "ES2-EnableProfile", &first, "%s", body)->http == 202, "not accepted");
    need(s, say(s, &w, OP1, SM_DP, "ES2-EnableProfile", &second, "%s", body)->http == 202, "the repeat is not accepted");
    need_success(s, must_callback(s, OP1, first, 20000));
    need_success(s, must_callback(s, OP1, second, 5000));
    need(s, say(s, &w, OP1, SM_DP, "ES2-EnableProfile", &third, "%s", body)->http == 202, "the late repeat is not accepted");
    need_success(s, must_callback(s, OP1, third, 5000));
    const struct wish reads = { .call_id = textf(s, "%s-dp-eis", s->run_id) };
    const char *eis = textf(s, "<Eid>%s</Eid><Smsr-id>%s</Smsr-id>", card_eid(s, CARD), server_oid(s, SM_SR));
    struct message *a = ask_with(s, &reads, OP1, SM_DP, "ES2-GetEIS", "%s", eis), *b = ask_with(s, &reads, OP1, SM_DP, "ES2-GetEIS", "%s", eis);
    need_success(s, a);
    need_success(s, b);
    need(s, strcmp(a->relates_to, b->relates_to) != 0, "the second answer is for the first message");
}

static const struct server_case cases[] = {
    CASE(127, "functions", "7.12", "disabling, address and audit over ES2 and ES3", every_way),
    CASE(128, "functions", "7.23", "the emergency attribute over ES2, ES3 and ES4", emergency_attribute),
    WAITS(129, "functions", "8.4", "a profile without network, over ES2 and ES3", rolled_back),
    CASE(130, "functions", "7.5", "a download that the card is too small for, a type that is used up", download_refused),
    CASE(131, "functions", "7.7", "an SM-DP and what belongs to an operator for whom it does not act", of_others),
    CASE(132, "functions", "7.16", "records and changes that are another SM-SR's", other_smsr),
    CASE(134, "functions", "2.4", "a call again, at the SM-DP: each message has its own answer", same_call_at_the_smdp),
};
const struct server_group server_ways_group = { cases, ARRAY_LEN(cases) };
