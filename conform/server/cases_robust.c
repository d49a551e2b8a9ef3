#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "lab.h"
#include "stranger.h"
#include "tap.h"

/* Repeats, crashes, too much, and strangers (fact book 2.3, 2.4, 2.6, 5.7, 5.10). */

#define MIB (1024u * 1024u)

/* ---- what no server should take ---- */

static char *good(struct stage *s, enum server to)
{
    const char *function = to == SM_DP ? "ES2-GetEIS" : "ES4-GetEIS";
    return request_text(s, NULL, OP1, to, function,
                        textf(s, "<Eid>%s</Eid>%s", card_eid(s, CARD), to == SM_DP ? textf(s, "<Smsr-id>%s</Smsr-id>", server_oid(s, SM_SR)) : ""));
}

static char *with_doctype(struct stage *s, const char *text, const char *doctype, const char *eid)
{
    const char *end = strstr(text, "?>") + 2, *at = strstr(end, "<Eid>");
    return textf(s, "%.*s%s%.*s%s%s", (int)(end - text), text, doctype, (int)(at - end), end, eid, at + 37);
}

static void refused_quickly(struct stage *s, enum server to, const char *what, struct span octets)
{
    uint64_t began = now_ms();
    struct message *m = post(s, OP1, to, NULL, octets);
    need_refused(s, m, what);
    need(s, now_ms() - began < 3000, "%s takes %u ms", what, (unsigned)(now_ms() - began));
}

static char *nest(struct stage *s, const char *text)
{
    const char *at = strstr(text, "<Eid>");
    char *out = arena_alloc(&s->arena, strlen(text) + 7 * 50000 + 1), *to = out;
    if (!out)
        fail(s, "no memory");
    to += sprintf(to, "%.*s", (int)(at - text), text);
    for (int i = 0; i < 50000; i++, to += 3)
        memcpy(to, "<a>", 3);
    for (int i = 0; i < 50000; i++, to += 4)
        memcpy(to, "</a>", 4);
    strcpy(to, at);
    return out;
}

static void too_much_at(struct stage *s, enum server to)
{
    char *text = good(s, to);
    refused_quickly(s, to, "a DOCTYPE", span_text(with_doctype(s, text, "<!DOCTYPE a>", "<Eid>x</Eid>")));
    refused_quickly(s, to, "entities",
                    span_text(with_doctype(s, text,
                                           "<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">"
                                           "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;\">]>",
                                           "<Eid>&d;</Eid>")));
    refused_quickly(s, to, "a file as entity",
                    span_text(with_doctype(s, text, "<!DOCTYPE a [<!ENTITY f SYSTEM \"file:///etc/passwd\">]>", "<Eid>&f;</Eid>")));
    refused_quickly(s, to, "fifty thousand levels", span_text(nest(s, text)));
    uint8_t *big = arena_alloc(&s->arena, 50 * MIB);
    need(s, big, "no memory");
    memset(big, ' ', 50 * MIB);
    memcpy(big, text, strlen(text));
    refused_quickly(s, to, "fifty MiB", (struct span){ big, 50 * MIB });
}

static void too_much(struct stage *s)
{
    scene_profile(s, CARD, METER, "Disabled");
    unsigned before = lab_memory_kib(s, SM_SR), after;
    too_much_at(s, SM_SR);
    too_much_at(s, SM_DP);
    need_success(s, post_text(s, OP1, SM_SR, good(s, SM_SR)));
    need_success(s, post_text(s, OP1, SM_DP, good(s, SM_DP)));
    after = lab_memory_kib(s, SM_SR);
    need(s, after < before + 16 * 1024, "the SM-SR grew from %u to %u KiB", before, after);
}

/* ---- repeats ---- */

static struct message *enable_call(struct stage *s, const char *call_id, unsigned validity_s, enum order o, const char **ret_id)
{
    const struct wish w = { .call_id = call_id, .validity_s = validity_s };
    return say(s, &w, order_owner(o), SM_SR, "ES4-EnableProfile", ret_id, EID_ICCID, card_eid(s, CARD), order_iccid(s, o));
}

static void same_call(struct stage *s)
{
    const char *first, *second, *third, *call = textf(s, "%s-same", s->run_id);
    scene_profile(s, CARD, METER, "Disabled");
    need(s, enable_call(s, call, 30, METER, &first)->http == 202, "not accepted");
    need(s, enable_call(s, call, 30, METER, &second)->http == 202, "the repeat is not accepted");
    need_success(s, must_callback(s, OP1, first, 20000));
    need_success(s, must_callback(s, OP1, second, 20000));
    (void)must_mail(s, START, "ES4", "ProfileDisabled", card_iccid(s, CARD));
    need(s, enable_call(s, call, 30, METER, &third)->http == 202, "the late repeat is not accepted");
    need_success(s, must_callback(s, OP1, third, 5000));
    stage_wait(s, QUIET_MS);
    need(s, mail_count(s, START, "ProfileDisabled", card_iccid(s, CARD)) == 1, "it is carried out more than once");
}

static void other_call(struct stage *s)
{
    const char *id, *call = textf(s, "%s-other", s->run_id);
    scene_profile(s, CARD, METER, "Disabled");
    scene_profile(s, CARD, METER2, "Disabled");
    need(s, enable_call(s, call, 30, METER, &id)->http == 202, "not accepted");
    const struct wish w = { .call_id = call, .validity_s = 30 };
    struct message *m = ask_with(s, &w, OP1, SM_SR, "ES4-EnableProfile", EID_ICCID, card_eid(s, CARD), order_iccid(s, METER2));
    need_status(s, m, "FAILED 1.6/3.3");
    need_success(s, must_callback(s, OP1, id, 20000));
    need_state(s, CARD, METER2, "Disabled");
}

static void one_second(struct stage *s)
{
    const struct wish w = { .validity_s = 1 };
    scene_profile(s, CARD, METER, "Disabled");
    uint64_t began = now_ms();
    struct message *m = ask_with(s, &w, OP1, SM_SR, "ES4-EnableProfile", EID_ICCID, card_eid(s, CARD), order_iccid(s, METER));
    if (!strcmp(m->status, "EXECUTED_SUCCESS"))
        need(s, now_ms() - began <= 1100, "success after the time is over");
    else if (strcmp(m->status, "EXPIRED 1.6/5.3"))
        need_status(s, m, "FAILED 1.6/2.1"), (void)must_value(s, m, "AcceptableValidityPeriod");
}

/* ---- who is away ---- */

static void callback_kept(struct stage *s)
{
    const char *id;
    scene_profile(s, CARD, METER, "Disabled");
    need(s, enable_call(s, NULL, 30, METER, &id)->http == 202, "not accepted");
    role_deaf(s, OP1, true);
    stage_wait(s, 4000);
    need(s, !strcmp(factory_view(s, CARD).state, "Disabled"), "it is not carried out meanwhile");
    role_deaf(s, OP1, false);
    struct message *m = must_callback(s, OP1, id, 15000);
    need_success(s, m);
    const char *message_id = m->message_id;
    for (m = callback(s, OP1, id, 500); m; m = callback(s, OP1, id, 500))
        need(s, !strcmp(m->message_id, message_id), "it comes again with another MessageID");
}

static bool switched(struct stage *s, void *context)
{
    (void)context;
    return !strcmp(factory_view(s, CARD).state, "Disabled");
}

static void killed(struct stage *s)
{
    const char *id;
    scene_profile(s, CARD, METER, "Disabled");
    need(s, enable_call(s, NULL, 60, METER, &id)->http == 202, "not accepted");
    role_deaf(s, OP1, true);
    need(s, stage_until(s, 15000, switched, NULL), "it is not carried out");
    lab_kill(s, SM_SR);
    lab_restart(s, SM_SR);
    role_deaf(s, OP1, false);
    need_success(s, must_callback(s, OP1, id, 20000));
    need_state(s, CARD, METER, "Enabled");
}

static void two_at_once(struct stage *s)
{
    const char *a, *b;
    scene_profile(s, CARD, METER, "Disabled");
    scene_profile(s, CARD, TRACKER, "Disabled");
    need(s, enable_call(s, NULL, 30, METER, &a)->http == 202, "not accepted");
    need(s, enable_call(s, NULL, 30, TRACKER, &b)->http == 202, "not accepted");
    struct message *first = must_callback(s, OP1, a, 30000), *second = must_callback(s, OP2, b, 30000);
    need_status(s, first, "EXECUTED_SUCCESS|FAILED 1.2/4.4");
    need_status(s, second, "EXECUTED_SUCCESS|FAILED 1.2/4.4");
    bool meter = !strcmp(profile_view(s, CARD, METER).state, "Enabled"), tracker = !strcmp(profile_view(s, CARD, TRACKER).state, "Enabled");
    need(s, meter != tracker, "%s enabled", meter ? "both are" : "none is");
    struct message *m = ask(s, START, SM_SR, "ES4-AuditEIS", "<Eid>%s</Eid>", card_eid(s, CARD));
    need_success(s, m);
    need(s, !strcmp(profile_in(s, m, card_iccid(s, CARD)).state, "Disabled"), "the card says otherwise");
    need(s, meter == !strcmp(profile_view(s, CARD, METER).state, "Enabled"), "the card says otherwise");
}

/* ---- who is not known ---- */

static void stranger_out(struct stage *s, const char *name, enum server to)
{
    int status = stranger_post(s, name, to, good(s, to));
    need(s, status == 0, "%s is let in at the %s: HTTP %d", name ? name : "who shows no certificate", server_text(to), status);
}

static void strangers(struct stage *s)
{
    static const char *const names[] = { NULL, "foreign", "expired", "unborn", "revoked" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        stranger_out(s, names[i], SM_SR);
        stranger_out(s, names[i], SM_DP);
    }
}

static const struct server_case cases[] = {
    CASE(102, "robust", "5.1", "DOCTYPE, entities, depth and size are refused at once", too_much),
    CASE(103, "robust", "2.4", "a call again is carried out once and answered each time", same_call),
    CASE(104, "robust", "2.4", "a call identifier with another call", other_call),
    CASE(105, "robust", "2.3", "a validity period of one second", one_second),
    WAITS(106, "robust", "5.7", "a callback waits for its receiver and comes once", callback_kept),
    CASE(107, "robust", "10", "killed between card and callback", killed),
    CASE(109, "robust", "2.6", "two switches of one eUICC at once", two_at_once),
    CASE(110, "robust", "5.10", "certificates: none, of others, expired, not yet valid, revoked", strangers),
};
const struct server_group server_robust_group = { cases, ARRAY_LEN(cases) };
