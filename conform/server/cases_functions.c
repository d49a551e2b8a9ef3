#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "functions.h"
#include "tap.h"

/* Every function with each of the errors that all, or nearly all, functions share (fact book 2.5, 3.5, 7.0): a table of the
 * requests, and a case for each error that walks it. */

#define ES2_EI "<Eid>{e}</Eid><Iccid>{i}</Iccid><Smsr-id>{s}</Smsr-id>"
#define ES2_EL "<Eid>{e}</Eid><Smsr-id>{s}</Smsr-id><Iccid>{i}</Iccid>"
#define EI     "<Eid>{e}</Eid><Iccid>{i}</Iccid>"
#define ADDRESS "<newSubscriptionAddress><Msisdn>999700012345</Msisdn></newSubscriptionAddress>"
#define PLMA                                                                                                           \
    "<Plma><Mno-id>{o}</Mno-id><ProfileType>Meters</ProfileType><M2m-sp-id>{m}</M2m-sp-id>"                            \
    "<AuthorisedOperation>GetEIS</AuthorisedOperation></Plma>"
#define ONC "<Onc><Mno-id>{o}</Mno-id><ProfileType>Nothing</ProfileType></Onc>"
/* The generator of P-256: a point on the curve. */
#define POINT                                                                                                          \
    "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"                                               \
    "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"
#define KEYSET                                                                                                         \
    "<KeyVersionNumber>3</KeyVersionNumber><InitialSequenceCounter>1</InitialSequenceCounter>"                         \
    "<ECCKeyLength>ECC-256</ECCKeyLength><ScenarioParameter>11</ScenarioParameter><HostId></HostId>"                   \
    "<EphemeralPublicKey>" POINT "</EphemeralPublicKey><Signature>00</Signature>"

enum { HAS_EID = 1, HAS_ICCID = 2, HAS_SMSR = 4, READS = 8, ADDRESSES = 16, ORDERS = 32, OFFERS = 64 };
static const struct request {
    const char *function;
    enum role by, other; /* who may call it; whose kind may not */
    enum server to;
    unsigned has;
    const char *body; /* {e} EID, {i} ICCID, {s} SM-SR, {o} the caller's OID, {m} an M2M SP's, {a} an AID, {x} a record */
} rows[] = {
    { "ES1-RegisterEIS", EUM, OP1, SM_SR, OFFERS, "{x}" },
    { "ES1-UpdateEISAdditionalProperties", EUM, OP1, SM_SR, HAS_EID,
      "<Eid>{e}</Eid><AdditionalProperties><Property key=\"k\" value=\"v\"/></AdditionalProperties>" },
    { "ES2-GetEIS", OP1, SR, SM_DP, HAS_EID | HAS_SMSR, "<Eid>{e}</Eid><Smsr-id>{s}</Smsr-id>" },
    { "ES2-DownloadProfile", OP1, SR, SM_DP, HAS_EID | HAS_SMSR | ORDERS,
      "<Eid>{e}</Eid><SmSr-id>{s}</SmSr-id><Iccid>{i}</Iccid><EnableProfile>false</EnableProfile>" },
    { "ES2-UpdatePolicyRules", OP1, SR, SM_DP, HAS_EID | HAS_ICCID | HAS_SMSR, ES2_EI "<pol2/>" },
    { "ES2-UpdateSubscriptionAddress", OP1, SR, SM_DP, HAS_EID | HAS_ICCID | HAS_SMSR | ADDRESSES, ES2_EL ADDRESS },
    { "ES2-EnableProfile", OP1, SR, SM_DP, HAS_EID | HAS_ICCID | HAS_SMSR,
      "<Eid>{e}</Eid><SmSr-id>{s}</SmSr-id><Iccid>{i}</Iccid>" },
    { "ES2-DisableProfile", OP1, SR, SM_DP, HAS_EID | HAS_ICCID | HAS_SMSR, ES2_EL },
    { "ES2-DeleteProfile", OP1, SR, SM_DP, HAS_EID | HAS_ICCID | HAS_SMSR, ES2_EI },
    { "ES2-AuditEIS", OP1, SR, SM_DP, HAS_EID | HAS_SMSR, "<Eid>{e}</Eid><Smsr-id>{s}</Smsr-id>" },
    { "ES2-SetPLMA", OP1, SR, SM_DP, HAS_SMSR, "<Smsr-id>{s}</Smsr-id>" PLMA },
    { "ES2-GetPLMA", OP1, SR, SM_DP, HAS_SMSR, "<Smsr-id>{s}</Smsr-id>" },
    { "ES2-SetONC", OP1, SR, SM_DP, HAS_SMSR, "<Smsr-id>{s}</Smsr-id>" ONC },
    { "ES2-GetONC", OP1, SR, SM_DP, HAS_SMSR, "<Smsr-id>{s}</Smsr-id>" },
    { "ES2-SetEmergencyProfileAttribute", OP1, SR, SM_DP, HAS_EID | HAS_ICCID | HAS_SMSR, ES2_EL },
    { "ES2-SetFallBackAttribute", OP1, SR, SM_DP, HAS_EID | HAS_ICCID | HAS_SMSR, ES2_EL },
    { "ES3-GetEIS", DP, OP1, SM_SR, HAS_EID | READS, "<Eid>{e}</Eid>" },
    { "ES3-AuditEIS", DP, OP1, SM_SR, HAS_EID, "<Eid>{e}</Eid>" },
    { "ES3-CreateISDP", DP, OP1, SM_SR, HAS_EID, EI "<Mno-id>{o}</Mno-id><RequiredMemory>1000</RequiredMemory>" },
    { "ES3-SendData", DP, OP1, SM_SR, HAS_EID, "<Eid>{e}</Eid><Sd-aid>{a}</Sd-aid><Data>2204805000</Data>" },
    { "ES3-ProfileDownloadCompleted", DP, OP1, SM_SR, HAS_EID | HAS_ICCID, EI },
    { "ES3-UpdatePolicyRules", DP, OP1, SM_SR, HAS_EID | HAS_ICCID, EI "<pol2/>" },
    { "ES3-UpdateSubscriptionAddress", DP, OP1, SM_SR, HAS_EID | HAS_ICCID | ADDRESSES, EI ADDRESS },
    { "ES3-EnableProfile", DP, OP1, SM_SR, HAS_EID | HAS_ICCID, EI },
    { "ES3-DisableProfile", DP, OP1, SM_SR, HAS_EID | HAS_ICCID, EI },
    { "ES3-DeleteISDP", DP, OP1, SM_SR, HAS_EID | HAS_ICCID, EI },
    { "ES3-UpdateConnectivityParameters", DP, OP1, SM_SR, HAS_EID | HAS_ICCID,
      EI "<ConnectivityParameters>3A070BA0090607913336990821F3</ConnectivityParameters>" },
    { "ES3-SetPLMA", DP, OP1, SM_SR, 0, PLMA },
    { "ES3-GetPLMA", DP, OP1, SM_SR, READS, "" },
    { "ES3-SetONC", DP, OP1, SM_SR, 0, ONC },
    { "ES3-GetONC", DP, OP1, SM_SR, READS, "" },
    { "ES3-SetEmergencyProfileAttribute", DP, OP1, SM_SR, HAS_EID | HAS_ICCID, EI },
    { "ES3-SetFallBackAttribute", DP, OP1, SM_SR, HAS_EID | HAS_ICCID, EI },
    { "ES4-GetEIS", OP1, EUM, SM_SR, HAS_EID | READS, "<Eid>{e}</Eid>" },
    { "ES4-UpdatePolicyRules", OP1, EUM, SM_SR, HAS_EID | HAS_ICCID, EI "<pol2/>" },
    { "ES4-UpdateSubscriptionAddress", OP1, EUM, SM_SR, HAS_EID | HAS_ICCID | ADDRESSES, EI ADDRESS },
    { "ES4-AuditEIS", OP1, EUM, SM_SR, HAS_EID, "<Eid>{e}</Eid>" },
    { "ES4-EnableProfile", OP1, EUM, SM_SR, HAS_EID | HAS_ICCID, EI },
    { "ES4-DisableProfile", OP1, EUM, SM_SR, HAS_EID | HAS_ICCID, EI },
    { "ES4-DeleteProfile", OP1, EUM, SM_SR, HAS_EID | HAS_ICCID, EI },
    { "ES4-PrepareSMSRChange", OP1, EUM, SM_SR2, 0, "<Eid>{e}</Eid><CurrentSMSRid>{s}</CurrentSMSRid>" },
    { "ES4-SMSRChange", OP1, EUM, SM_SR, HAS_EID, "<Eid>{e}</Eid><Target-Smsr-id>{t}</Target-Smsr-id>" },
    { "ES4-GetPLMA", OP1, EUM, SM_SR, READS, "" },
    { "ES4-SetEmergencyProfileAttribute", OP1, EUM, SM_SR, HAS_EID | HAS_ICCID, EI },
    { "ES4-SetFallBackAttribute", OP1, EUM, SM_SR, HAS_EID | HAS_ICCID, EI },
    { "ES4A-SetPLMA", OP1, EUM, SM_SR, 0, PLMA },
    { "ES4A-GetPLMA", OP1, EUM, SM_SR, READS, "" },
    { "ES4A-SetONC", OP1, EUM, SM_SR, 0, ONC },
    { "ES4A-GetONC", OP1, EUM, SM_SR, READS, "" },
    { "ES7-CreateAdditionalKeySet", SR, OP1, SM_SR, HAS_EID, "<Eid>{e}</Eid>" KEYSET },
    { "ES7-HandoverEUICC", SR, OP1, SM_SR2, OFFERS, "{x}" },
    { "ES7-AuthenticateSMSR", SR, OP1, SM_SR, HAS_EID, "<Eid>{e}</Eid><SmsrCertificate>7F2100</SmsrCertificate>" },
};

struct names {
    const char *eid, *iccid, *smsr;
    enum record record;
};

static const char *value_of(struct stage *s, const struct request *r, const struct names *n, char what)
{
    switch (what) {
    case 'e': return n->eid;
    case 'i': return n->iccid ? n->iccid : order_iccid(s, r->has & ORDERS ? HUGE_ONE : METER);
    case 's': return n->smsr;
    case 't': return server_oid(s, SM_SR2);
    case 'o': return role_oid(s, r->by == DP ? OP1 : r->by);
    case 'm': return role_oid(s, M2M);
    case 'a': return "A0000005591010FFFFFFFF890000FE00";
    default: return record_xml(s, n->record);
    }
}

static const char *children(struct stage *s, const struct request *r, const struct names *n)
{
    const char *text = "";
    for (const char *at = r->body; *at;) {
        size_t len = strcspn(at, "{");
        text = textf(s, "%s%.*s%s", text, (int)len, at, at[len] ? value_of(s, r, n, at[len + 1]) : "");
        at += len + (at[len] ? 3 : 0);
    }
    return text;
}

/* An EID that nobody has, a profile that the caller might mean, the SM-SR in charge. A download is of one that never comes to
 * stand anywhere. */
static struct names harmless(struct stage *s)
{
    return (struct names){ no_eid(s), NULL, server_oid(s, SM_SR), OF_NOBODY };
}

static void needs(struct stage *s, const struct request *r, const struct message *m, const char *want)
{
    for (const char *at = want; *at; at += strcspn(at, "|"), at += *at == '|')
        if (strlen(m->status) == strcspn(at, "|") && !strncmp(m->status, at, strlen(m->status)))
            return;
    fail(s, "%s: HTTP %d %s %.80s, wanted %s", r->function, m->http, m->status, m->status_text, want);
}

static struct message *calls(struct stage *s, const struct wish *w, const struct request *r, const struct names *n)
{
    return ask_with(s, w, r->by, r->to, r->function, "%s", children(s, r, n));
}

/* ---- the door ---- */

static void other_entity(struct stage *s)
{
    const struct names n = harmless(s);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct request *r = &rows[i];
        const struct wish w = { .from = textf(s, "https://x/y?EntityId=%s", role_oid(s, r->by == OP1 ? OP2 : OP1)) };
        needs(s, r, calls(s, &w, r, &n), "FAILED 1.1/1.1");
    }
}

static void other_kind(struct stage *s)
{
    const struct names n = harmless(s);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct request r = rows[i];
        const char *body = children(s, &r, &n);
        needs(s, &r, ask_with(s, NULL, r.other, r.to, r.function, "%s", body), "FAILED 1.1/1.2");
    }
}

static void malformed(struct stage *s)
{
    const struct names n = harmless(s);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct request *r = &rows[i];
        const char *body = children(s, r, &n);
        needs(s, r, ask(s, r->by, r->to, r->function, "%s<NoSuchThing/>", body), "FAILED 1.3.1/2.1");
        const struct wish bare = { .no_base = true };
        needs(s, r, ask_with(s, &bare, r->by, r->to, r->function, "%s", body), "FAILED 1.3.1/2.2");
    }
}

static void too_short(struct stage *s)
{
    static const struct wish second = { .validity_s = 1 };
    const struct names n = harmless(s);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct message *m = calls(s, &second, &rows[i], &n);
        needs(s, &rows[i], m, "FAILED 1.6/2.1");
        (void)must_value(s, m, "AcceptableValidityPeriod");
    }
}

/* What only reads is answered anew and not remembered. */
static void identifier_twice(struct stage *s)
{
    const struct names n = harmless(s);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct request *r = &rows[i];
        const struct wish w = { .call_id = textf(s, "%s-twice-%zu", s->run_id, i) }, later = { .call_id = w.call_id, .validity_s = 77 };
        (void)calls(s, &w, r, &n);
        struct message *m = calls(s, &later, r, &n);
        if (r->has & READS)
            need(s, strcmp(m->status, "FAILED 1.6/3.3") != 0, "%s: what only reads is remembered", r->function);
        else
            needs(s, r, m, "FAILED 1.6/3.3");
    }
}

/* ---- what it is about ---- */

static void eid_unknown(struct stage *s)
{
    const struct names n = harmless(s);
    struct names wrong = n;
    wrong.eid = textf(s, "%.30s%02u", n.eid, (unsigned)(atoi(n.eid + 30) + 1) % 97);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct request *r = &rows[i];
        if (r->has & HAS_EID)
            needs(s, r, calls(s, NULL, r, &n), "FAILED 8.1.1/1.1");
        if (strstr(r->body, "{e}"))
            needs(s, r, calls(s, NULL, r, &wrong), "FAILED 8.1.1/2.1");
    }
}

static void smsr_unknown(struct stage *s)
{
    struct names n = harmless(s);
    n.smsr = "2.999.77.7";
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].has & HAS_SMSR || !strcmp(rows[i].function, "ES4-PrepareSMSRChange"))
            needs(s, &rows[i], calls(s, NULL, &rows[i], &n), "FAILED 8.7/3.9");
}

static void smsr_away(struct stage *s)
{
    static const struct wish three = { .validity_s = 3 };
    struct names n = harmless(s);
    const char *ids[ARRAY_LEN(rows)] = { NULL };
    n.smsr = server_oid(s, NOBODY);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct request *r = &rows[i];
        if (!(r->has & HAS_SMSR))
            continue;
        struct message *m = say(s, &three, r->by, r->to, r->function, &ids[i], "%s", children(s, r, &n));
        if (m->http != 202) {
            needs(s, r, m, "FAILED 1.4/5.1");
            ids[i] = NULL;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (ids[i])
            needs(s, &rows[i], must_callback(s, rows[i].by, ids[i], 15000), "FAILED 1.4/5.1");
}

static void iccid_wrong(struct stage *s)
{
    struct names unknown = harmless(s);
    scene_profile(s, CARD, RELAYED, "Disabled");
    scene_profile(s, CARD_WRONG, ELSEWHERE, "Disabled");
    unknown.eid = card_eid(s, CARD);
    struct names elsewhere = unknown, foreign = unknown;
    unknown.iccid = "8999970000000099993";
    elsewhere.iccid = order_iccid(s, ELSEWHERE);
    foreign.iccid = order_iccid(s, RELAYED);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct request *r = &rows[i];
        if (r->has & (HAS_ICCID | ORDERS)) {
            needs(s, r, calls(s, NULL, r, &unknown), "FAILED 8.2.1/3.9");
            needs(s, r, calls(s, NULL, r, &foreign), r->has & ADDRESSES ? "FAILED 8.2.6/1.2" : "FAILED 8.2.1/1.2");
        }
        if (r->has & HAS_ICCID)
            needs(s, r, calls(s, NULL, r, &elsewhere), "FAILED 8.2.1/3.4");
        if (r->has & ORDERS)
            needs(s, r, calls(s, NULL, r, &elsewhere), "FAILED 8.2.1/3.3");
    }
}

/* ---- the same refusals over all three interfaces ---- */

static const struct {
    const char *format;
    enum role by;
    enum server to;
} ways[] = { { "ES4-%s", OP1, SM_SR }, { "ES2-%s", OP1, SM_DP }, { "ES3-%s", DP, SM_SR } };

static const struct request *row_of(struct stage *s, size_t way, const char *verb)
{
    const char *name = textf(s, ways[way].format, way == 2 && !strcmp(verb, "DeleteProfile") ? "DeleteISDP" : verb);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (!strcmp(rows[i].function, name))
            return &rows[i];
    fail(s, "%s is not in the table", name);
}

void refused_all_ways(struct stage *s, enum card c, const char *verb, enum order o, const char *want)
{
    struct names n = harmless(s);
    n.eid = card_eid(s, c);
    n.iccid = order_iccid(s, o);
    for (size_t way = 0; way < ARRAY_LEN(ways); way++) {
        const struct request *r = row_of(s, way, verb);
        needs(s, r, calls(s, NULL, r, &n), want);
    }
}

static void policy(struct stage *s)
{
    scene_profile(s, CARD, METER, "Enabled");
    scene_profile(s, CARD, METER2, "Disabled");
    need_success(s, pol2_set(s, CARD, METER, POL2_RULE("DISABLE", "Not-Allowed")));
    refused_all_ways(s, CARD, "DisableProfile", METER, "FAILED 8.2.3/3.8");
    refused_all_ways(s, CARD, "EnableProfile", METER2, "FAILED 8.2.3/3.8");
    refused_all_ways(s, CARD, "DeleteProfile", METER, "FAILED 8.2.3/3.8");
    refused_all_ways(s, CARD, "EnableProfile", METER, "FAILED 8.2.1/1.2");
    refused_all_ways(s, CARD, "DisableProfile", METER2, "FAILED 8.2.1/1.2");
    need_success(s, pol2_set(s, CARD, METER, ""));
}

static void policy_of_the_card(struct stage *s)
{
    scene_profile(s, CARD_WRONG, ELSEWHERE, "Disabled");
    scene_profile(s, CARD_WRONG, STAYS, "Enabled");
    refused_all_ways(s, CARD_WRONG, "DisableProfile", STAYS, "FAILED 8.2.2/3.8");
    refused_all_ways(s, CARD_WRONG, "EnableProfile", ELSEWHERE, "FAILED 8.2.2/3.8");
}

/* ---- attributes ---- */

static void set_fallback(struct stage *s, size_t i, enum role by, const char *iccid, const char *want)
{
    struct names n = harmless(s);
    const struct request *r = row_of(s, i, "SetFallBackAttribute");
    n.eid = card_eid(s, CARD);
    n.iccid = iccid;
    needs(s, r, ask(s, by, r->to, r->function, "%s", children(s, r, &n)), want);
}

/* Over each interface: it moves, it may not be taken, and what its holder is refused. An SM-DP stands for all its operators. */
static void fallback_attribute(struct stage *s)
{
    enum { OVER_ES4, OVER_ES2, OVER_ES3 };
    scene_profile(s, CARD, METER, "Disabled");
    scene_profile(s, CARD, RELAYED, "Disabled");
    set_fallback(s, OVER_ES2, OP3, order_iccid(s, RELAYED), "EXECUTED_SUCCESS");
    set_fallback(s, OVER_ES4, OP1, order_iccid(s, METER), "FAILED 8.2.4/1.2");
    set_fallback(s, OVER_ES3, DP, order_iccid(s, METER), "FAILED 8.2.4/1.2");
    set_fallback(s, OVER_ES2, OP1, order_iccid(s, METER), "EXECUTED_SUCCESS");
    scene_profile(s, CARD, METER, "Enabled");
    refused_all_ways(s, CARD, "DisableProfile", METER, "FAILED 8.1/3.8");
    refused_all_ways(s, CARD, "DeleteProfile", METER, "FAILED 8.2.4/3.8");
    refused_all_ways(s, CARD, "SetEmergencyProfileAttribute", METER, "FAILED 8.2.9/3.8");
    set_fallback(s, OVER_ES3, DP, card_iccid(s, CARD), "EXECUTED_SUCCESS");
}

/* ---- what cannot be authorised, or left out ---- */

static void wrong_rights(struct stage *s)
{
    static const char plma[] = "<Plma><Mno-id>%s</Mno-id><ProfileType>Meters</ProfileType><M2m-sp-id>%s</M2m-sp-id>"
                               "<AuthorisedOperation>%s</AuthorisedOperation></Plma>";
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        const char *over = i == 0 ? "ES4A" : i == 1 ? "ES2" : "ES3";
        const char *smsr = i == 1 ? textf(s, "<Smsr-id>%s</Smsr-id>", server_oid(s, SM_SR)) : "", *owner = role_oid(s, OP1);
        const char *set = textf(s, "%s-SetPLMA", over), *onc = textf(s, "%s-SetONC", over);
        const char *stranger = textf(s, plma, owner, "2.999.77.7", "GetEIS"), *rule = textf(s, plma, owner, role_oid(s, M2M), "UpdatePolicyRules");
        need_status(s, ask(s, ways[i].by, ways[i].to, set, "%s%s", smsr, stranger), "FAILED 8.2.7/3.9");
        need_status(s, ask(s, ways[i].by, ways[i].to, set, "%s%s", smsr, rule), "FAILED 8.2.7/2.1");
        need_status(s, ask(s, ways[i].by, ways[i].to, onc,
                           "%s<Onc><Mno-id>%s</Mno-id><ProfileType>Meters</ProfileType>"
                           "<DiscardedNotification>HandleNothing</DiscardedNotification></Onc>",
                           smsr, owner),
                    "FAILED 8.2.8/2.1");
    }
}

/* DELETE Auto-Delete means nothing. */
static void wrong_policy(struct stage *s)
{
    scene_profile(s, CARD, METER, "Disabled");
    const char *eid = card_eid(s, CARD), *iccid = order_iccid(s, METER), *smsr = server_oid(s, SM_SR);
    static const char rule[] = "<pol2>" POL2_RULE("DELETE", "Auto-Delete") "</pol2>";
    need_status(s, ask(s, OP1, SM_SR, "ES4-UpdatePolicyRules", EID_ICCID "%s", eid, iccid, rule), "FAILED 8.2.3/2.1");
    need_status(s, ask(s, DP, SM_SR, "ES3-UpdatePolicyRules", EID_ICCID "%s", eid, iccid, rule), "FAILED 8.2.3/2.1");
    need_status(s, ask(s, OP1, SM_DP, "ES2-UpdatePolicyRules", EID_ICCID "<Smsr-id>%s</Smsr-id>%s", eid, iccid, smsr, rule), "FAILED 8.2.3/2.1");
}

/* ---- time ---- */

static bool expires(const struct request *r)
{
    static const char *const no[] = { "ES2-DownloadProfile", "ES4-PrepareSMSRChange", "ES4-SMSRChange", "ES3-SendData" };
    const struct function *f = function_find(r->function);
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        if (!strcmp(r->function, no[i]))
            return false;
    return f->callback && strncmp(r->function, "ES7", 3) != 0;
}

static void expire_over(struct stage *s, const char *interface)
{
    static const struct wish three = { .validity_s = 3 };
    struct names n = harmless(s);
    const char *ids[ARRAY_LEN(rows)] = { NULL };
    n.eid = card_eid(s, CARD);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct request *r = &rows[i];
        if (strncmp(r->function, interface, 3) != 0 || !expires(r))
            continue;
        n.iccid = strcmp(r->function, "ES3-CreateISDP") ? NULL : "8999970000000055559";
        struct message *m = say(s, &three, r->by, r->to, r->function, &ids[i], "%s", children(s, r, &n));
        need(s, m->http == 202, "%s: HTTP %d", r->function, m->http);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (ids[i])
            needs(s, &rows[i], must_callback(s, rows[i].by, ids[i], 15000), "EXPIRED 1.6/5.3");
}

static void all_expire(struct stage *s)
{
    static const char *const interfaces[] = { "ES4", "ES3", "ES2" };
    struct tap *t = tap_of(s);
    scene_profile(s, CARD, METER, "Disabled");
    need_success(s, plma_set(s, START, OP1, "Factory", "UnsetFallBackAttribute"));
    stage_wait(s, 2500); /* no session is open any more */
    tap_lose(t, true, true);
    for (size_t i = 0; i < ARRAY_LEN(interfaces); i++)
        expire_over(s, interfaces[i]);
    static const struct wish five = { .validity_s = 5 };
    need_status(s, ask_with(s, &five, OP1, SM_DP, "ES2-DownloadProfile",
                            "<Eid>%s</Eid><SmSr-id>%s</SmSr-id><Iccid>%s</Iccid><EnableProfile>false</EnableProfile>",
                            card_eid(s, CARD), server_oid(s, SM_SR), order_iccid(s, SPARE)),
                "EXPIRED 1.6/5.3");
    tap_lose(t, false, false);
    need_success(s, ask(s, START, SM_SR, "ES4-AuditEIS", "<Eid>%s</Eid>", card_eid(s, CARD)));
}

/* ---- who listens ---- */

static const char every[] = "HandleProfileDownloadedNotification HandleProfilePOL2UpdatedNotification HandleProfileEnabledNotification "
                            "HandleProfileDisabledNotification HandleProfileDeletedNotification "
                            "HandleProfileFallBackAttributeSetNotification HandleProfileFallBackAttributeUnsetNotification";

static void both_hear(struct stage *s, const char *what, enum order o)
{
    (void)must_mail(s, M2M, "ES4", what, o == ORDER_COUNT ? NULL : order_iccid(s, o));
    (void)must_mail(s, OP3, "ES2", what, o == ORDER_COUNT ? NULL : order_iccid(s, o));
}

/* A service provider with an endpoint, and one that is reached through the SM-DP, hear what the PLMA says. */
static void listeners(struct stage *s)
{
    scene_profile(s, CARD, SPARE, "");
    need_success(s, plma_set(s, OP1, M2M, "Spares", every));
    need_success(s, plma_set(s, OP1, OP3, "Spares", every));
    both_hear(s, "SetPLMA", ORDER_COUNT);
    need_success(s, download(s, CARD, SPARE, false));
    both_hear(s, "ProfileDownloaded", SPARE);
    need_success(s, pol2_set(s, CARD, SPARE, ""));
    both_hear(s, "ProfilePOL2Updated", SPARE);
    need_success(s, owner_asks(s, SPARE, CARD, "EnableProfile"));
    both_hear(s, "ProfileEnabled", SPARE);
    need_success(s, owner_asks(s, SPARE, CARD, "DisableProfile"));
    both_hear(s, "ProfileDisabled", SPARE);
    need_success(s, plma_set(s, START, OP1, "Factory", "UnsetFallBackAttribute"));
    need_success(s, owner_asks(s, SPARE, CARD, "SetFallBackAttribute"));
    both_hear(s, "ProfileFallBackAttributeSet", SPARE);
    need_success(s, plma_set(s, OP1, START, "Spares", "UnsetFallBackAttribute"));
    need_success(s, ask(s, START, SM_SR, "ES4-SetFallBackAttribute", EID_ICCID, card_eid(s, CARD), card_iccid(s, CARD)));
    both_hear(s, "ProfileFallBackAttributeUnset", SPARE);
    need_success(s, by_smdp(s, SPARE, CARD, "DeleteProfile"));
    both_hear(s, "ProfileDeleted", SPARE);
}

static const struct server_case cases[] = {
    CASE(111, "functions", "3.5", "every function: another EntityId than the certificate's", other_entity),
    CASE(112, "functions", "3.5", "every function: a caller of another kind", other_kind),
    CASE(113, "functions", "3.5", "every function: an element too many, one missing", malformed),
    CASE(114, "functions", "2.3", "every function: a validity period that is too short", too_short),
    CASE(115, "functions", "2.4", "every function: a call identifier used for another call", identifier_twice),
    CASE(116, "functions", "7.0", "every function: an EID that is unknown, one that is none", eid_unknown),
    CASE(117, "functions", "7.0", "every function of ES2: an SM-SR that is unknown", smsr_unknown),
    WAITS(118, "functions", "3.5", "every function of ES2: an SM-SR that is not reached", smsr_away),
    CASE(119, "functions", "7.0", "every function of a profile: unknown, elsewhere, another's", iccid_wrong),
    CASE(120, "functions", "7.11", "POL2 and state, over ES2, ES3 and ES4", policy),
    CASE(121, "functions", "7.11", "POL1, over ES2, ES3 and ES4", policy_of_the_card),
    CASE(122, "functions", "7.22", "the fall-back attribute over ES2, ES3 and ES4", fallback_attribute),
    CASE(123, "functions", "7.20", "PLMA and ONC that are wrong, over ES2, ES3 and ES4A", wrong_rights),
    CASE(124, "functions", "4.4", "policy rules without meaning, over ES2, ES3 and ES4", wrong_policy),
    WAITS(125, "functions", "2.3", "every function that asks the card: the time is over", all_expire),
    CASE(126, "functions", "9", "service providers hear all that their PLMA says, directly and through the SM-DP", listeners),
};
const struct server_group server_functions_group = { cases, ARRAY_LEN(cases) };
