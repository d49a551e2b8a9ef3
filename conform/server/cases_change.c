#include <string.h>

#include "cases.h"
#include "lib/codec/hex.h"
#include "lib/io/file.h"
#include "relay.h"
#include "tap.h"

/* The SM-SR change (SGP.02 §3.8, §5.5.8, §5.5.9, §5.6; fact book 7.15 to 7.19, 8.8): the true SM-SRs between themselves,
 * and the runner as the other SM-SR. */

static const struct wish patient = { .validity_s = 40 };
static const struct wish brief = { .validity_s = 3 };

static struct message *prepare(struct stage *s, enum server at, const char *eid, const char *current)
{
    return ask(s, START, at, "ES4-PrepareSMSRChange", "<Eid>%s</Eid><CurrentSMSRid>%s</CurrentSMSRid>", eid, current);
}

static struct message *change(struct stage *s, const struct wish *w, enum role by, const char *eid, const char *target)
{
    return ask_with(s, w, by, SM_SR, "ES4-SMSRChange", "<Eid>%s</Eid><Target-Smsr-id>%s</Target-Smsr-id>", eid, target);
}

static void able(struct stage *s)
{
    need_success(s, prepare(s, SM_SR2, card_eid(s, CARD2), server_oid(s, SM_SR)));
}

/* The first SM-SR of a lab has nothing to show to cards that come. */
static void not_willing(struct stage *s)
{
    need_status(s, prepare(s, SM_SR, record_eid(s, OF_EUM2), role_oid(s, SR)), "FAILED 1.2/3");
}

/* Nothing of the change is left: another function is carried out at once. */
static void unlocked(struct stage *s, enum card c)
{
    need_success(s, ask(s, START, SM_SR, "ES4-AuditEIS", "<Eid>%s</Eid>", card_eid(s, c)));
}

static const char *record_of_us(struct stage *s, enum record r) { return xml_with(s, record_xml(s, r), "Smsr-id", role_oid(s, SR)); }

static void not_prepared(struct stage *s)
{
    need_status(s, ask(s, SR, SM_SR2, "ES7-HandoverEUICC", "%s", record_of_us(s, OF_EUM2)), "FAILED 8.1.1/1.1");
    need_status(s, change(s, &patient, START, card_eid(s, CARD), server_oid(s, SM_SR2)), "FAILED 8.1.1/1.1");
    unlocked(s, CARD);
}

static void must_be_forgotten(struct stage *s, const char *eid)
{
    need_status(s, ask(s, DP, SM_SR, "ES3-GetEIS", "<Eid>%s</Eid>", eid), "FAILED 8.1.1/1.1");
}

static void own_profiles_only(struct stage *s, enum role at, const struct message *m)
{
    for (size_t i = 0; i < value_count(m, "Eis/ProfileInfo"); i++)
        need(s, !strcmp(node_value(s, node_at(m, "Eis/ProfileInfo", i), "Mno-id"), role_oid(s, at)),
             "%s is told of another's profile", role_text(at));
}

/* The new SM-SR has it, with key sets that are all its own. */
static void new_keys(struct stage *s, const char *eid, const char *former)
{
    struct message *m = ask(s, DP, SM_SR2, "ES3-GetEIS", "<Eid>%s</Eid>", eid);
    need_success(s, m);
    need(s, !strcmp(must_value(s, m, "Eis/Smsr-id"), server_oid(s, SM_SR2)), "it is still managed by %s", value(s, m, "Eis/Smsr-id"));
    need(s, value_count(m, "Eis/Isd-r/Keyset") > 0, "it has no key set");
    for (size_t i = 0; i < value_count(m, "Eis/Isd-r/Keyset"); i++)
        need(s, strcmp(node_value(s, node_at(m, "Eis/Isd-r/Keyset", i), "Version"), former), "key set %s of the former SM-SR is still there", former);
}

static void changed(struct stage *s)
{
    static const enum role owners[] = { START, OP1 };
    const char *eid = card_eid(s, CARD_MOVES);
    scene_profile(s, CARD_MOVES, MOVING, "Disabled");
    need_success(s, ask(s, OP1, SM_SR2, "ES4A-SetPLMA",
                        "<Plma><Mno-id>%s</Mno-id><ProfileType>%s</ProfileType><M2m-sp-id>%s</M2m-sp-id>"
                        "<AuthorisedOperation>HandleSMSRChangeNotification</AuthorisedOperation></Plma>",
                        role_oid(s, OP1), order_type(s, MOVING), role_oid(s, OP3)));
    const char *former = must_value(s, ask(s, DP, SM_SR, "ES3-GetEIS", "<Eid>%s</Eid>", eid), "Eis/Isd-r/Keyset/Version");
    need_success(s, prepare(s, SM_SR2, eid, server_oid(s, SM_SR)));
    need_success(s, change(s, &patient, START, eid, server_oid(s, SM_SR2)));
    need_status(s, eis_seen(s, START, CARD_MOVES), "FAILED 8.1.1/1.1");
    must_be_forgotten(s, eid);
    for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
        struct message *m = mail(s, owners[i], "ES4", "SMSRChange", NULL, 8000);
        need(s, m, "%s is not told", role_text(owners[i]));
        own_profiles_only(s, owners[i], m);
        need(s, !strcmp(m->peer, server_oid(s, SM_SR2)), "it is told by %s", m->peer);
        need(s, mail_count(s, owners[i], "SMSRChange", NULL) == 1, "%s is told twice", role_text(owners[i]));
    }
    (void)must_mail(s, OP3, "ES2", "SMSRChange", NULL); /* a service provider without endpoint */
    need(s, mail_count(s, OP3, "SMSRChange", NULL) == 1 && !mail_count(s, OP2, "SMSRChange", NULL), "told twice, or to a stranger");
    new_keys(s, eid, former);
    struct message *m = ask(s, START, SM_SR2, "ES4-AuditEIS", "<Eid>%s</Eid>", eid);
    need_success(s, m);
    need(s, !strcmp(profile_in(s, m, card_iccid(s, CARD_MOVES)).state, "Enabled"), "the card says otherwise");
    m = ask(s, OP1, SM_SR2, "ES4-GetEIS", "<Eid>%s</Eid>", eid);
    need(s, !strcmp(profile_in(s, m, order_iccid(s, MOVING)).state, "Disabled"), "a profile is lost");
}

static void finalise_fails(struct stage *s)
{
    static const struct wish ten = { .validity_s = 10 };
    struct tap *t = tap_of(s);
    const char *eid = card_eid(s, CARD_MOVES2);
    need_success(s, prepare(s, SM_SR2, eid, server_oid(s, SM_SR)));
    tap_lose_of(t, "999710000022");
    struct message *m = change(s, &ten, START, eid, server_oid(s, SM_SR2));
    need(s, !strncmp(m->status, "EXECUTED_WITHWARNING", 20), "%s", m->status);
    need_status(s, eis_seen(s, START, CARD_MOVES2), "FAILED 8.1.1/1.1");
    need_success(s, ask(s, START, SM_SR2, "ES4-GetEIS", "<Eid>%s</Eid>", eid));
    m = mail(s, START, "ES4", "SMSRChange", NULL, 8000);
    need(s, m && !strcmp(m->peer, server_oid(s, SM_SR2)), "the owner is not told by the new SM-SR");
    tap_lose_of(t, "");
    static const struct wish long_one = { .validity_s = 60, .patience_s = 60 };
    need_success(s, ask_with(s, &long_one, START, SM_SR2, "ES4-AuditEIS", "<Eid>%s</Eid>", eid));
}

/* ---- the runner as the new SM-SR ---- */

struct newcomer { /* what it does when an eUICC is offered */
    struct message *offer;
    bool answers; /* the offer, with status and codes */
    const char *status, *codes;
    const char *certificate; /* hex; NULL: it does not authenticate */
    bool creates;            /* with a signature that is none */
    struct message *authenticated, *created;
};
static struct newcomer newcomer;

static const char *hex_file(struct stage *s, const char *path)
{
    struct span file;
    if (!path || file_read(path, 4096, &s->arena, &file) != ERR_NONE)
        skip(s, "no CERT.SR.ECDSA (%s)", path ? path : "[role sr] card");
    return hex_arena(&s->arena, file);
}

static void be_newcomer(struct stage *s, struct message *request)
{
    struct newcomer *n = &newcomer;
    if (strcmp(request->name, "ES7-HandoverEUICCRequest"))
        return;
    n->offer = request;
    stage_reply(s, request, 202, NULL);
    const char *eid = must_value(s, request, "Eis/EumSignedInfo/Eid");
    if (n->certificate)
        n->authenticated = ask_with(s, &patient, SR, SM_SR, "ES7-AuthenticateSMSR",
                                    "<Eid>%s</Eid><SmsrCertificate>%s</SmsrCertificate>", eid, n->certificate);
    if (n->creates)
        n->created = ask_with(s, &patient, SR, SM_SR, "ES7-CreateAdditionalKeySet",
                              "<Eid>%s</Eid><KeyVersionNumber>2</KeyVersionNumber><InitialSequenceCounter>1</InitialSequenceCounter>"
                              "<ECCKeyLength>ECC-256</ECCKeyLength><ScenarioParameter>11</ScenarioParameter><HostId></HostId>"
                              "<EphemeralPublicKey>%s</EphemeralPublicKey><Signature>%s</Signature>",
                              eid,
                              "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C2964FE342E2FE1A7F9B8EE7EB4A7C0F9E162B"
                              "CE33576B315ECECBB6406837BF51F5",
                              textf(s, "%064d%064d", 11, 17));
    if (n->answers)
        role_calls_back(s, request, response_text(s, request, n->status, n->codes, ""));
}

static void newcomer_begin(struct stage *s, struct newcomer n)
{
    newcomer = n;
    stage_play(s, SR, be_newcomer);
}

/* The newcomer shows it, is refused with these codes, and passes them on. */
static void certificate_refused(struct stage *s, const char *certificate, const char *codes)
{
    const char *failed = textf(s, "FAILED %s", codes);
    newcomer_begin(s, (struct newcomer){ .certificate = certificate, .answers = true, .status = "FAILED", .codes = codes });
    struct message *m = change(s, &patient, START, card_eid(s, CARD), role_oid(s, SR));
    need(s, newcomer.authenticated, "nothing is offered: %s", m->status);
    need_status(s, newcomer.authenticated, failed);
    need_status(s, m, failed);
    unlocked(s, CARD);
}

static const char *stranger_card(struct stage *s, const char *name)
{
    const char *folder = s->target.strangers;
    return hex_file(s, folder ? textf(s, "%s/%s/card.7f21", folder, name) : NULL);
}

static void certificate_expired(struct stage *s) { certificate_refused(s, stranger_card(s, "sr-expired"), "8.5.3/6.3"); }
static void certificate_revoked(struct stage *s) { certificate_refused(s, stranger_card(s, "sr-revoked"), "8.5.3/6.2"); }

/* Nobody of the CI has signed it so. */
static void certificate_forged(struct stage *s)
{
    char *hex = textf(s, "%s", hex_file(s, s->target.roles[SR].card)), *last = hex + strlen(hex) - 1;
    *last = *last == '0' ? '1' : '0';
    certificate_refused(s, hex, "8.5.3/6.1");
}

static void signature_wrong(struct stage *s)
{
    newcomer_begin(s, (struct newcomer){ .certificate = hex_file(s, s->target.roles[SR].card), .creates = true, .answers = true,
                                         .status = "FAILED", .codes = "8.4/4.2" });
    struct message *m = change(s, &patient, START, card_eid(s, CARD), role_oid(s, SR));
    need(s, newcomer.created, "nothing is offered: %s", m->status);
    need_success(s, newcomer.authenticated);
    need(s, strlen(must_value(s, newcomer.authenticated, "RandomChallenge")) >= 32, "the challenge is short");
    need_status(s, newcomer.created, "FAILED 8.4/4.2");
    need_status(s, m, "FAILED 8.4/4.2");
    unlocked(s, CARD);
}

/* What another SM-SR would be handed; it declines. */
static struct message *eis_offered(struct stage *s, enum card c)
{
    newcomer_begin(s, (struct newcomer){ .answers = true, .status = "FAILED", .codes = "1.2/3" });
    need_status(s, change(s, &patient, START, card_eid(s, c), role_oid(s, SR)), "FAILED 1.2/3");
    need(s, newcomer.offer, "nothing is offered");
    return newcomer.offer;
}

void need_recorded(struct stage *s, enum card c, const char *type, const char *iccid)
{
    if (!s->target.roles[SR].oid)
        return;
    struct message *m = eis_offered(s, c);
    struct _xmlNode *found = NULL, *record;
    for (size_t i = 0; (record = node_at(m, "Eis/AuditTrail/Record", i)); i++) {
        const char *of = node_value(s, record, "OperationType"), *about = node_value(s, record, "Iccid");
        found = of && about && !strcmp(of, type) && !strcmp(about, iccid) ? record : found;
    }
    need(s, found, "the audit trail has no record %s of %s", type, iccid);
    need(s, node_value(s, found, "RequesterId"), "the record %s does not tell who asked", type);
    need(s, !strcmp(node_value(s, found, "Smsr-id"), server_oid(s, SM_SR)), "the record %s is another SM-SR's", type);
}

static bool is_offered(struct stage *s, void *context)
{
    (void)s, (void)context;
    return newcomer.offer != NULL;
}

static void locked_meanwhile(struct stage *s)
{
    static const struct {
        enum role by;
        const char *function, *children;
    } others[] = {
        { OP1, "ES4-EnableProfile", "" }, { OP1, "ES4-DisableProfile", "" },      { OP1, "ES4-DeleteProfile", "" },
        { OP1, "ES4-AuditEIS", NULL },    { OP1, "ES4-SetFallBackAttribute", "" },
    };
    const char *id, *asked[ARRAY_LEN(others)], *eid = card_eid(s, CARD), *iccid = order_iccid(s, METER);
    struct message *answers[ARRAY_LEN(others)];
    scene_profile(s, CARD, METER, "Disabled");
    newcomer_begin(s, (struct newcomer){ 0 });
    (void)say(s, &patient, START, SM_SR, "ES4-SMSRChange", &id, "<Eid>%s</Eid><Target-Smsr-id>%s</Target-Smsr-id>",
              card_eid(s, CARD), role_oid(s, SR));
    need(s, stage_until(s, 5000, is_offered, NULL), "nothing is offered");
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        answers[i] = others[i].children ? say(s, &patient, others[i].by, SM_SR, others[i].function, &asked[i], EID_ICCID, eid, iccid)
                                        : say(s, &patient, others[i].by, SM_SR, others[i].function, &asked[i], "<Eid>%s</Eid>", eid);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        answers[i] = answers[i]->http == 202 ? callback(s, others[i].by, asked[i], 3000) : answers[i];
    struct message *offer = newcomer.offer;
    need(s, !memmem(offer->octets.ptr, offer->octets.len, "KeyComponents", 13), "the old keys are handed over");
    need(s, node_at(offer, "Eis/AuditTrail/Record", 0), "the audit trail is not handed over");
    role_calls_back(s, offer, response_text(s, offer, "FAILED", "1.2/3", ""));
    need_status(s, must_callback(s, START, id, 10000), "FAILED 1.2/3");
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        need(s, answers[i], "%s is not refused", others[i].function);
        need_status(s, answers[i], "FAILED 1.2/4.4");
    }
    need_state(s, CARD, METER, "Disabled");
    need_factory(s, CARD, "Enabled");
}

/* An eUICC that no test needs any more: nobody has it afterwards. */
static const char *expendable(struct stage *s, enum record r)
{
    struct message *m = ask(s, EUM, SM_SR, "ES1-RegisterEIS", "%s", record_xml(s, r));
    need_status(s, m, "EXECUTED_SUCCESS|FAILED 8.1.1/3.3");
    return record_eid(s, r);
}

static void warned(struct stage *s)
{
    const char *eid = expendable(s, FRESH);
    newcomer_begin(s, (struct newcomer){ .answers = true, .status = "EXECUTED_WITHWARNING", .codes = "8.4/4.2" });
    need_status(s, change(s, &patient, START, eid, role_oid(s, SR)), "EXECUTED_WITHWARNING 8.4/4.2");
    must_be_forgotten(s, eid);
}

static void finalise_fails_both(struct stage *s)
{
    warned(s);
    finalise_fails(s);
}

static void answer_lost(struct stage *s)
{
    const char *eid = expendable(s, FRESH2);
    newcomer_begin(s, (struct newcomer){ 0 });
    need_status(s, change(s, &brief, START, eid, role_oid(s, SR)), "EXPIRED 1.6/5.3|FAILED 1.4/5.1");
    newcomer_begin(s, (struct newcomer){ .answers = true, .status = "EXECUTED_WITHWARNING", .codes = "8.1.1/3.3" });
    need_status(s, change(s, &patient, START, eid, role_oid(s, SR)), "EXECUTED_WITHWARNING 8.1.1/3.3");
    must_be_forgotten(s, eid);
    /* and as the new SM-SR, which has it already */
    const char *eis = must_value(s, ask(s, DP, SM_SR, "ES3-GetEIS", "<Eid>%s</Eid>", card_eid(s, CARD)), "Eis/Smsr-id");
    need(s, !strcmp(eis, server_oid(s, SM_SR)), "it is managed by %s", eis);
    struct message *m = ask(s, SR, SM_SR, "ES7-HandoverEUICC", "%s",
                            xml_with(s, record_of_us(s, OF_EUM2), "Eid", card_eid(s, CARD)));
    need_status(s, m, "EXECUTED_WITHWARNING 8.1.1/3.3");
    for (size_t i = 0; i < s->message_count; i++)
        need(s, strcmp(s->messages[i]->name, "ES7-AuthenticateSMSRRequest"), "it authenticates to the card that it has");
}

static void never_authenticates(struct stage *s)
{
    newcomer_begin(s, (struct newcomer){ 0 });
    uint64_t began = now_ms();
    need_status(s, change(s, &brief, START, card_eid(s, CARD), role_oid(s, SR)), "EXPIRED 1.6/5.3|FAILED 1.4/5.1");
    need(s, now_ms() - began < 5000, "it takes %u ms", (unsigned)(now_ms() - began));
    unlocked(s, CARD);
}

static void without_right(struct stage *s)
{
    need_status(s, change(s, &patient, OP2, card_eid(s, CARD), server_oid(s, SM_SR2)), "FAILED 8.1/1.2");
    unlocked(s, CARD);
}

static const struct server_case cases[] = {
    CASE(69, "change", "7.15", "an SM-SR that can take the eUICC prepares", able),
    CASE(70, "change", "7.15", "an SM-SR that cannot says so", not_willing),
    CASE(71, "change", "7.17", "nothing is taken that was not prepared", not_prepared),
    CASE(72, "change", "8.8", "a whole change: owners told once, with their own profiles", changed),
    CASE(73, "change", "7.18", "an expired certificate of the new SM-SR", certificate_expired),
    CASE(74, "change", "7.19", "a wrong signature for the new keys", signature_wrong),
    CASE(133, "change", "7.18", "a certificate that the CI has not signed", certificate_forged),
    CASE(135, "change", "7.18", "a revoked certificate of the new SM-SR", certificate_revoked),
    CASE(75, "change", "8.8", "nothing else goes on meanwhile", locked_meanwhile),
    WAITS(76, "change", "8.8", "finalisation fails: a warning, and the new SM-SR has it", finalise_fails_both),
    WAITS(77, "change", "8.8", "the answer is lost: repeating ends it", answer_lost),
    WAITS(78, "change", "8.8", "the new SM-SR keeps silent: unlocked in time", never_authenticates),
    CASE(79, "change", "7.16", "an operator without right", without_right),
};
const struct server_group server_change_group = { cases, ARRAY_LEN(cases) };
