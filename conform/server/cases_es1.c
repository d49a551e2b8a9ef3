#include <string.h>

#include "cases.h"

/* ES1, EUM to SM-SR (SGP.02 §5.2; fact book 7.1, 7.2). */

#define NS "xmlns=\"http://namespaces.gsma.org/esim-messaging/3\""

static struct message *register_eis(struct stage *s, enum role by, const char *eis)
{
    return ask(s, by, SM_SR, "ES1-RegisterEIS", "%s", eis);
}

static struct message *eis_of(struct stage *s, const char *eid)
{
    return ask(s, DP, SM_SR, "ES3-GetEIS", "<Eid>%s</Eid>", eid);
}

static void must_be_unknown(struct stage *s, const char *eid)
{
    need_status(s, eis_of(s, eid), "FAILED 8.1.1/1.1|FAILED 8.1.1/3.9");
}

static void registered(struct stage *s)
{
    const char *eid = record_eid(s, FRESH);
    must_be_unknown(s, eid);
    need_success(s, register_eis(s, EUM, record_xml(s, FRESH)));
    struct message *m = eis_of(s, eid);
    need_success(s, m);
    need(s, !strcmp(must_value(s, m, "Eis/EumSignedInfo/Eid"), eid), "another eUICC's EIS comes back");
}

static void registered_twice(struct stage *s)
{
    const char *eid = record_eid(s, FRESH);
    (void)register_eis(s, EUM, record_xml(s, FRESH));
    const char *before = must_value(s, eis_of(s, eid), "Eis");
    const char *again = xml_with(s, record_xml(s, FRESH), "RemainingMemory", "4711");
    need_status(s, register_eis(s, EUM, again), "FAILED 8.1.1/3.3");
    need(s, !strcmp(must_value(s, eis_of(s, eid), "Eis"), before), "the stored EIS is another now");
}

static void changed_after_signing(struct stage *s)
{
    const char *eis = xml_with(s, record_xml(s, FRESH2), "PlatformVersion", "1.0.1");
    need_status(s, register_eis(s, EUM, eis), "FAILED 8.6/6.1");
    must_be_unknown(s, record_eid(s, FRESH2));
}

static void of_another_ci(struct stage *s)
{
    need_status(s, register_eis(s, EUM, record_xml(s, OF_NOBODY)), "FAILED 8.6/6.1|FAILED 8.5.2/6.1");
    must_be_unknown(s, record_eid(s, OF_NOBODY));
}

static void of_another_eum(struct stage *s)
{
    need_status(s, register_eis(s, EUM, record_xml(s, OF_EUM2)), "FAILED 1.1/1.2");
    must_be_unknown(s, record_eid(s, OF_EUM2));
}

static void ecasd_expired(struct stage *s)
{
    need_status(s, register_eis(s, EUM, record_xml(s, EXPIRED_ECASD)), "FAILED 8.5.2/6.3");
    must_be_unknown(s, record_eid(s, EXPIRED_ECASD));
}

/* All of it is well made; the CI has revoked who made it. */
static void eum_revoked(struct stage *s)
{
    need_status(s, register_eis(s, EUM2, record_xml(s, OF_EUM2)), "FAILED 8.5.1/6.2");
    must_be_unknown(s, record_eid(s, OF_EUM2));
}

static void without_fallback(struct stage *s)
{
    const char *good = record_xml(s, FRESH2);
    need_status(s, register_eis(s, EUM, xml_with(s, good, "FallbackAttribute", "false")), "FAILED 8.6/2.1");
    const char *second = textf(s,
                               "<ProfileInfo " NS "><Iccid>8999970000000077771</Iccid>"
                               "<Isd-p-aid>A0000005591010FFFFFFFF8900001100</Isd-p-aid><Mno-id>%s</Mno-id>"
                               "<FallbackAttribute>true</FallbackAttribute><SubscriptionAddress/><State>Disabled</State>"
                               "<AllocatedMemory>1000</AllocatedMemory><pol2/></ProfileInfo>",
                               role_oid(s, START));
    need_status(s, register_eis(s, EUM, xml_before(s, good, "Isd-r", second)), "FAILED 8.6/2.1");
    must_be_unknown(s, record_eid(s, FRESH2));
}

static struct message *property_set(struct stage *s, enum role by, const char *eid, const char *v)
{
    return ask(s, by, SM_SR, "ES1-UpdateEISAdditionalProperties",
               "<Eid>%s</Eid><AdditionalProperties><Property key=\"conform.k\" value=\"%s\"/></AdditionalProperties>", eid, v);
}

static size_t count_of(const struct message *m, const char *what)
{
    size_t n = 0, len = strlen(what);
    for (size_t i = 0; i + len <= m->octets.len; i++)
        n += memcmp(m->octets.ptr + i, what, len) == 0;
    return n;
}

static void properties(struct stage *s)
{
    const char *eid = card_eid(s, CARD);
    need_success(s, property_set(s, EUM, eid, "conform-v1"));
    need_success(s, property_set(s, EUM, eid, "conform-v2"));
    struct message *m = eis_of(s, eid);
    need_success(s, m);
    need(s, count_of(m, "conform.k") == 1 && count_of(m, "conform-v2") == 1 && !count_of(m, "conform-v1"),
         "the property is not there once, with its last value");
    need_status(s, property_set(s, EUM2, eid, "conform-v3"), "FAILED 8.1/1.2");
    need(s, !count_of(eis_of(s, eid), "conform-v3"), "an EUM changed another's eUICC");
}

static const struct server_case cases[] = {
    CASE(1, "es1", "7.1", "a new eUICC is registered and then known", registered),
    CASE(2, "es1", "7.1", "an EID is registered once only", registered_twice),
    CASE(3, "es1", "7.1", "an EIS changed after signing is refused", changed_after_signing),
    CASE(4, "es1", "7.1", "an EUM that does not chain to the CI is refused", of_another_ci),
    CASE(5, "es1", "7.1", "an EUM registers its own eUICCs only", of_another_eum),
    CASE(6, "es1", "7.1", "an expired ECASD certificate is refused", ecasd_expired),
    CASE(7, "es1", "7.1", "exactly one profile has the fall-back attribute", without_fallback),
    CASE(136, "es1", "7.1", "an EUM whose certificate is revoked registers nothing", eum_revoked),
    CASE(8, "es1", "7.2", "an additional property is replaced, not doubled", properties),
};
const struct server_group server_es1_group = { cases, ARRAY_LEN(cases) };
