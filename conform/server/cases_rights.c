#include <string.h>

#include "cases.h"
#include "lab.h"
#include "tap.h"

/* Fall-back and emergency attribute, PLMA, ONC, notifications of the card (SGP.02 §3.16, §3.20 to §3.29; fact book 7.20 to
 * 7.23, 8.13 to 8.20, 9). */

static const char *type_of(struct stage *s, enum order o) { return s->target.orders[o].type ? s->target.orders[o].type : ""; }

static struct message *set_fallback(struct stage *s, enum role by, enum card c, const char *iccid)
{
    return ask(s, by, SM_SR, "ES4-SetFallBackAttribute", EID_ICCID, card_eid(s, c), iccid);
}

static void fallback_moves(struct stage *s)
{
    struct tap *t = tap_of(s);
    scene_profile(s, CARD, METER, "Disabled");
    need_success(s, plma_set(s, START, OP1, "Factory", "UnsetFallBackAttribute"));
    need_success(s, set_fallback(s, OP1, CARD, order_iccid(s, METER)));
    need(s, profile_view(s, CARD, METER).fallback && !factory_view(s, CARD).fallback, "the record does not say so");
    (void)must_mail(s, START, "ES4", "ProfileFallBackAttributeUnset", card_iccid(s, CARD));
    no_mail(s, OP1, NULL, "ProfileFallBackAttributeSet", NULL);
    tap_forget(t);
    need_success(s, set_fallback(s, OP1, CARD, order_iccid(s, METER)));
    need(s, tap_sent(t) == 0, "the repeat goes to the card");
}

static void fallback_of_another(struct stage *s)
{
    scene_profile(s, CARD, METER, "Disabled");
    need_success(s, plma_set(s, START, OP1, "Factory", ""));
    struct message *m = set_fallback(s, OP1, CARD, order_iccid(s, METER));
    need_status(s, m, "FAILED 8.2.4/1.2|FAILED 8.2.1/1.2|FAILED 8.2.4/3.8");
    need(s, factory_view(s, CARD).fallback, "it moved all the same");
}

static void falls_back(struct stage *s)
{
    scene_profile(s, CARD, METER, "Enabled");
    need_success(s, pol2_set(s, CARD, METER, POL2_RULE("DISABLE", "Auto-Delete")));
    if (!s->lab)
        skip(s, "only a lab can take a device's coverage away");
    stage_clear_mail(s);
    lab_coverage(s, CARD, false);
    stage_wait(s, 4500);
    lab_coverage(s, CARD, true);
    struct message *m = mail(s, OP1, "ES4", "ProfileDisabled", order_iccid(s, METER), 15000);
    need(s, m, "the owner of the disabled profile is not told");
    (void)must_mail(s, START, "ES4", "ProfileEnabled", card_iccid(s, CARD));
    need_state(s, CARD, METER, "Disabled");
    need_factory(s, CARD, "Enabled");
}

static struct message *by_sp(struct stage *s, enum order o)
{
    return ask(s, M2M, SM_SR, "ES4-EnableProfile", EID_ICCID, card_eid(s, CARD), order_iccid(s, o));
}

static void authorised(struct stage *s)
{
    scene_profile(s, CARD, METER, "Disabled");
    scene_profile(s, CARD, TRACKER, "Disabled");
    need_success(s, plma_set(s, OP1, M2M, type_of(s, METER), "EnableProfile"));
    struct message *m = by_sp(s, METER), *other = by_sp(s, TRACKER);
    need_success(s, m);
    need_status(s, other, "FAILED 8.2.1/1.2");
    (void)must_mail(s, OP1, "ES4", "ProfileEnabled", order_iccid(s, METER));
    (void)must_mail(s, M2M, "ES4", "SetPLMA", NULL);
}

static void withdrawn(struct stage *s)
{
    scene_profile(s, CARD, METER, "Disabled");
    need_success(s, plma_set(s, OP1, M2M, type_of(s, METER), "EnableProfile"));
    need_success(s, plma_set(s, OP1, M2M, type_of(s, METER), ""));
    need_status(s, by_sp(s, METER), "FAILED 8.2.1/1.2");
    need_state(s, CARD, METER, "Disabled");
}

static void pol2_not_delegated(struct stage *s)
{
    struct message *m = plma_set(s, OP1, M2M, type_of(s, METER), "EnableProfile UpdatePolicyRules");
    need_status(s, m, "FAILED 8.2.7/2.1|FAILED 1.3.1/2.1");
}

static void plma_of_another(struct stage *s)
{
    need_status(s, ask(s, OP1, SM_SR, "ES4A-SetPLMA",
                       "<Plma><Mno-id>%s</Mno-id><ProfileType>%s</ProfileType><M2m-sp-id>%s</M2m-sp-id>"
                       "<AuthorisedOperation>EnableProfile</AuthorisedOperation></Plma>",
                       role_oid(s, OP2), type_of(s, TRACKER), role_oid(s, M2M)),
                "FAILED 1.1/1.2");
}

static struct message *onc_set(struct stage *s, enum server at, const char *discarded)
{
    return ask(s, OP1, at, "ES4A-SetONC", "<Onc><Mno-id>%s</Mno-id><ProfileType>%s</ProfileType>%s</Onc>", role_oid(s, OP1),
               type_of(s, METER), discarded);
}

static void not_wanted(struct stage *s)
{
    scene_profile(s, CARD, METER, "Disabled");
    need_success(s, plma_set(s, OP1, M2M, type_of(s, METER), "EnableProfile"));
    need_status(s, onc_set(s, SM_SR, "<DiscardedNotification>HandleProfileEnabledNotification</DiscardedNotification>"),
                "EXECUTED_SUCCESS");
    stage_clear_mail(s);
    struct message *m = by_sp(s, METER);
    need_success(s, m);
    no_mail(s, OP1, NULL, "ProfileEnabled", order_iccid(s, METER));
    need_success(s, ask(s, START, SM_SR, "ES4-EnableProfile", EID_ICCID, card_eid(s, CARD), card_iccid(s, CARD)));
    (void)must_mail(s, OP1, "ES4", "ProfileDisabled", order_iccid(s, METER));
}

/* The second SM-SR of a lab has no ONC. */
static void onc_unsupported(struct stage *s)
{
    need_status(s, onc_set(s, SM_SR2, "<DiscardedNotification>HandleProfileEnabledNotification</DiscardedNotification>"),
                "FAILED 1.6/3.1");
    need_status(s, ask(s, OP1, SM_SR2, "ES4A-GetONC", "<ProfileType>%s</ProfileType>", type_of(s, METER)), "FAILED 1.6/3.1");
}

static void emergency_is_not_fallback(struct stage *s)
{
    struct message *m = ask(s, START, SM_SR, "ES4-SetEmergencyProfileAttribute", EID_ICCID, card_eid(s, CARD), card_iccid(s, CARD));
    need(s, !strncmp(m->status, "FAILED", 6), "%s", m->status);
    need(s, factory_view(s, CARD).fallback, "the fall-back attribute is gone");
}

static bool sent_more(struct stage *s, void *context)
{
    (void)context;
    return tap_sent(s->tap) > 0;
}

/* The first message of the new number is the notification. */
static void repeated(struct stage *s)
{
    struct tap *t = tap_of(s);
    const char *number = s->target.orders[BY_SMS].msisdn;
    struct tap_message kept;
    scene_profile(s, CARD_SMS, BY_SMS, "Disabled");
    tap_forget(t);
    need_success(s, owner_asks(s, BY_SMS, CARD_SMS, "EnableProfile"));
    const struct tap_message *first = tap_from(t, number ? number : "", 0);
    need(s, first, "no message came from %s", number);
    kept = *first;
    (void)must_mail(s, START, "ES4", "ProfileDisabled", card_iccid(s, CARD_SMS));
    stage_wait(s, QUIET_MS);
    size_t told = mail_count(s, START, "ProfileDisabled", card_iccid(s, CARD_SMS));
    tap_forget(t);
    tap_repeat(t, &kept, 0, 0);
    need(s, stage_until(s, 3000, sent_more, NULL), "it is not confirmed again");
    stage_wait(s, QUIET_MS);
    need(s, mail_count(s, START, "ProfileDisabled", card_iccid(s, CARD_SMS)) == told, "it is told again");
    need_state(s, CARD_SMS, BY_SMS, "Enabled");
}

static void forged(struct stage *s)
{
    struct tap *t = tap_of(s);
    const char *number = s->target.orders[BY_SMS].msisdn;
    struct tap_message kept;
    scene_profile(s, CARD_SMS, BY_SMS, "Disabled");
    tap_forget(t);
    need_success(s, owner_asks(s, BY_SMS, CARD_SMS, "EnableProfile"));
    const struct tap_message *first = tap_from(t, number ? number : "", 0);
    need(s, first, "no message came from %s", number);
    kept = *first;
    need_success(s, ask(s, START, SM_SR, "ES4-EnableProfile", EID_ICCID, card_eid(s, CARD_SMS), card_iccid(s, CARD_SMS)));
    stage_wait(s, QUIET_MS);
    stage_clear_mail(s);
    tap_forget(t);
    tap_repeat(t, &kept, 0, 0x01);
    tap_repeat_from(t, &kept, "999799999999");
    stage_wait(s, 600);
    need(s, tap_sent(t) == 0, "a forged notification is confirmed");
    need_state(s, CARD_SMS, BY_SMS, "Disabled");
    need_factory(s, CARD_SMS, "Enabled");
    no_mail(s, START, NULL, "ProfileDisabled", NULL);
}

static const struct server_case cases[] = {
    CASE(80, "rights", "8.13", "the fall-back attribute moves, with the former holder's leave", fallback_moves),
    CASE(81, "rights", "7.22", "not without it", fallback_of_another),
    WAITS(82, "rights", "8.14", "the card falls back: owners told, nothing deleted", falls_back),
    CASE(83, "rights", "8.19", "an authorised service provider enables that type only", authorised),
    CASE(84, "rights", "4.6", "an empty authorisation is none", withdrawn),
    CASE(85, "rights", "4.6", "POL2 cannot be delegated", pol2_not_delegated),
    CASE(86, "rights", "7.20", "an authorisation in another operator's name", plma_of_another),
    CASE(87, "rights", "8.20", "discarded notifications only are not sent", not_wanted),
    CASE(88, "rights", "7.21", "an SM-SR without ONC says so", onc_unsupported),
    CASE(89, "rights", "7.23", "the fall-back profile is no emergency profile", emergency_is_not_fallback),
    CASE(90, "rights", "8.15", "a notification again: confirmed, nobody told twice", repeated),
    WAITS(91, "rights", "8.15", "a forged notification does nothing", forged),
};
const struct server_group server_rights_group = { cases, ARRAY_LEN(cases) };
