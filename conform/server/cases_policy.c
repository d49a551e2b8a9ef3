#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "dp_end.h"
#include "lib/codec/hex.h"
#include "tap.h"

/* POL2, subscription address, connectivity parameters, audit (SGP.02 §5.5.2 to §5.5.4; fact book 7.4, 7.9, 7.10, 7.14). */

#define OWN_ICCID "8999970000000044442"
#define PHANTOM   "8999970000000088885" /* in the record of the card that is not the truth */

static void emptied(struct stage *s)
{
    scene_profile(s, CARD, METER, "Disabled");
    need_success(s, pol2_set(s, CARD, METER, POL2_RULE("DELETE", "Not-Allowed")));
    need(s, profile_view(s, CARD, METER).has_pol2, "the rule is not there");
    need_success(s, pol2_set(s, CARD, METER, ""));
    need(s, !profile_view(s, CARD, METER).has_pol2, "the rule is still there");
}

static struct message *pol2_by(struct stage *s, enum role by)
{
    return ask(s, by, SM_SR, "ES4-UpdatePolicyRules", EID_ICCID "<pol2>%s</pol2>", card_eid(s, CARD), order_iccid(s, METER),
               POL2_RULE("DELETE", "Not-Allowed"));
}

static void not_the_owner(struct stage *s)
{
    const char *type = s->target.orders[METER].type;
    scene_profile(s, CARD, METER, "Disabled");
    need_status(s, pol2_by(s, OP2), "FAILED 8.2.1/1.2");
    need_success(s, plma_set(s, OP1, M2M, type, "GetEIS AuditEIS EnableProfile DisableProfile DeleteProfile"));
    struct message *m = pol2_by(s, M2M);
    need_success(s, plma_set(s, OP1, M2M, type, ""));
    need_status(s, m, "FAILED 8.2.1/1.2|FAILED 1.1/1.2");
    need(s, !profile_view(s, CARD, METER).has_pol2, "somebody else set the rule");
}

static void absent_is_empty(struct stage *s)
{
    scene_profile(s, CARD, METER, "Disabled");
    need_success(s, pol2_set(s, CARD, METER, POL2_RULE("DELETE", "Not-Allowed")));
    need_success(s, ask(s, OP1, SM_DP, "ES2-UpdatePolicyRules", EID_ICCID "<Smsr-id>%s</Smsr-id>", card_eid(s, CARD),
                        order_iccid(s, METER), server_oid(s, SM_SR)));
    need(s, !profile_view(s, CARD, METER).has_pol2, "the rule is still there");
}

static struct message *address_set(struct stage *s, enum role by, const char *imsi, const char *msisdn)
{
    return ask(s, by, SM_SR, "ES4-UpdateSubscriptionAddress",
               EID_ICCID "<newSubscriptionAddress><Imsi>%s</Imsi><Msisdn>%s</Msisdn></newSubscriptionAddress>", card_eid(s, CARD),
               order_iccid(s, METER), imsi, msisdn);
}

static bool sent_one(struct stage *s, void *context)
{
    (void)s;
    return tap_sent(context) > 0;
}

static void next_message_goes_there(struct stage *s)
{
    struct tap *t = tap_of(s);
    const struct target_order *meter = &s->target.orders[METER];
    const char *id, *other = "999700099999";
    scene_profile(s, CARD, METER, "Enabled");
    stage_wait(s, 2500); /* no session is open any more */
    tap_forget(t);
    need_success(s, address_set(s, OP1, meter->imsi, other));
    struct message *m = say(s, NULL, OP1, SM_SR, "ES4-AuditEIS", &id, "<Eid>%s</Eid>", card_eid(s, CARD));
    need(s, m->http == 202, "HTTP %d", m->http);
    bool sent = stage_until(s, 5000, sent_one, t);
    const struct tap_message *last = tap_last(t, true);
    const char *number = last ? textf(s, "%s", last->number) : "";
    need_success(s, address_set(s, OP1, meter->imsi, meter->msisdn));
    need_success(s, must_callback(s, OP1, id, 15000));
    need(s, sent && strstr(number, other), "the next message goes to \"%s\"", number);
}

static void address_of_another(struct stage *s)
{
    const struct target_order *meter = &s->target.orders[METER]; /* nothing is lost should it be taken */
    scene_profile(s, CARD, METER, "Disabled");
    need_status(s, address_set(s, OP2, meter->imsi, meter->msisdn), "FAILED 8.2.6/1.2");
}

#define CONNECTIVITY "3A070CA00A060891999700000000F0" /* an SMSC's address */

static struct message *connectivity(struct stage *s, const struct dp_end *d, const char *parameters)
{
    return ask(s, DP, SM_SR, "ES3-UpdateConnectivityParameters", EID_ICCID "<ConnectivityParameters>%s</ConnectivityParameters>",
               d->eid, OWN_ICCID, parameters);
}

static void connectivity_updated(struct stage *s)
{
    struct dp_end d = { .eid = card_eid(s, CARD) };
    scene_made(s, OWN_ICCID);
    struct message *m = ask(s, DP, SM_SR, "ES3-CreateISDP", EID_ICCID "<Mno-id>%s</Mno-id><RequiredMemory>5000</RequiredMemory>"
                            "<MoreToDo>true</MoreToDo>", d.eid, OWN_ICCID, role_oid(s, OP1));
    need_success(s, m);
    d.aid = must_value(s, m, "Isd-p-aid");
    dp_agree(s, &d);
    need_success(s, ask(s, DP, SM_SR, "ES3-ProfileDownloadCompleted", EID_ICCID, d.eid, OWN_ICCID));
    dp_initialize(s, &d);
    uint8_t command[64] = { 0x80, 0xE2, 0x88, 0x00, sizeof CONNECTIVITY / 2 };
    size_t len;
    if (hex_read(span_text(CONNECTIVITY), command + 5, sizeof command - 5, &len) != ERR_NONE)
        fail(s, "the command");
    m = connectivity(s, &d, dp_commands(s, &d, (struct span){ command, 5 + len }));
    need_success(s, m);
    m = connectivity(s, &d, "84E288001000112233445566778899AABBCCDDEEFF"); /* no secure channel made this */
    need_status(s, m, "FAILED 8.3/4.2");
}

static void audited(struct stage *s)
{
    struct message *m = eis_seen(s, START, CARD_WRONG);
    need(s, *profile_in(s, m, PHANTOM).state, "the record is true already");
    m = ask(s, START, SM_SR, "ES4-AuditEIS", "<Eid>%s</Eid>", card_eid(s, CARD_WRONG));
    need_success(s, m);
    need(s, !*profile_in(s, m, PHANTOM).state, "the answer has a profile that the card has not");
    need(s, atol(must_value(s, m, "Eis/RemainingMemory")) < 2000000, "the answer has memory that the card has not");
    m = eis_seen(s, START, CARD_WRONG);
    need(s, !*profile_in(s, m, PHANTOM).state, "the record still has it");
    (void)must_value(s, m, "Eis/LastAuditDate");
}

static void audit_of_another(struct stage *s)
{
    scene_profile(s, CARD, METER, "Disabled");
    scene_profile(s, CARD, TRACKER, "Disabled");
    need_status(s, ask(s, OP1, SM_SR, "ES4-AuditEIS", EID_ICCID "<Iccid>%s</Iccid>", card_eid(s, CARD), order_iccid(s, METER),
                       order_iccid(s, TRACKER)),
                "FAILED 8.2/1.2");
}

static void no_answer(struct stage *s)
{
    static const struct wish brief = { .validity_s = 3 };
    struct tap *t = tap_of(s);
    tap_lose(t, false, true);
    need_status(s, ask_with(s, &brief, START, SM_SR, "ES4-AuditEIS", "<Eid>%s</Eid>", card_eid(s, CARD_SMS)),
                "FAILED 1.6/5.4|EXPIRED 1.6/5.3");
}

static const struct server_case cases[] = {
    CASE(60, "policy", "7.9", "an empty POL2 is no rules", emptied),
    CASE(61, "policy", "7.9", "POL2 by somebody else, authorised or not", not_the_owner),
    CASE(62, "policy", "7.9", "through the SM-DP: no POL2 is no rules", absent_is_empty),
    WAITS(63, "policy", "7.10", "the next message goes to the new number", next_message_goes_there),
    CASE(64, "policy", "7.10", "the address of another operator's profile", address_of_another),
    CASE(65, "policy", "7.14", "connectivity parameters reach the ISD-P", connectivity_updated),
    CASE(66, "policy", "8.18", "an audit puts the record right", audited),
    CASE(67, "policy", "7.4", "an audit of another operator's profile", audit_of_another),
    WAITS(68, "policy", "7.4", "the card gives no answer", no_answer),
};
const struct server_group server_policy_group = { cases, ARRAY_LEN(cases) };
