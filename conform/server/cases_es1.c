#include <string.h>

#include "cases.h"

/* ES1, EUM to SM-SR (SGP.02 §5.2; fact book 7.1, 7.2). */

static struct message *register_eis(struct stage *s, enum role by, const char *eis)
{
    return ask(s, by, SM_SR, "ES1-RegisterEIS", "%s", eis);
}

static struct message *eis_of(struct stage *s, const char *eid)
{
    return ask(s, DP, SM_SR, "ES3-GetEIS", "<Eid>%s</Eid>", eid);
}

static void must_be_unknown(struct stage *s, const char *eid) { need_status(s, eis_of(s, eid), "FAILED 8.1.1/1.1|FAILED 8.1.1/3.9"); }

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
    const char *eid = card_eid(s, CARD);
    const char *before = must_value(s, eis_of(s, eid), "Eis");
    (void)register_eis(s, EUM, record_xml(s, FRESH));
    need_status(s, register_eis(s, EUM, record_xml(s, FRESH)), "FAILED 8.1.1/3.3");
    need(s, !strcmp(must_value(s, eis_of(s, eid), "Eis"), before), "the stored EIS is another now");
}

static const struct server_case cases[] = {
    CASE(1, "es1", "7.1", "a new eUICC is registered and then known", registered),
    CASE(2, "es1", "7.1", "an EID is registered once only", registered_twice),
};
const struct server_group es1_group = { cases, ARRAY_LEN(cases) };
