#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "tap.h"

/* Enable, disable, delete (SGP.02 §3.2 to §3.7; fact book 7.11 to 7.13, 8.4 to 8.7, 9). */

#define NO_ICCID "8999970000000099993"

static struct message *es4(struct stage *s, enum role by, const char *what, enum card c, const char *iccid)
{
    return ask(s, by, SM_SR, textf(s, "ES4-%s", what), EID_ICCID, card_eid(s, c), iccid);
}

static void enabled(struct stage *s)
{
    scene_profile(s, CARD, METER2, "Disabled");
    scene_profile(s, CARD, METER, "Enabled");
    need_success(s, owner_asks(s, METER2, CARD, "EnableProfile"));
    need_state(s, CARD, METER2, "Enabled");
    need_state(s, CARD, METER, "Disabled");
    (void)must_mail(s, OP1, "ES4", "ProfileDisabled", order_iccid(s, METER));
    no_mail(s, OP1, NULL, "ProfileEnabled", order_iccid(s, METER2));
    need(s, mail_count(s, OP1, "ProfileDisabled", order_iccid(s, METER)) == 1, "told twice");
    need_recorded(s, CARD, "0200", order_iccid(s, METER2));
}

static void other_owner_is_told(struct stage *s)
{
    scene_profile(s, CARD, TRACKER, "Disabled");
    scene_profile(s, CARD, METER, "Enabled");
    need_success(s, owner_asks(s, TRACKER, CARD, "EnableProfile"));
    (void)must_mail(s, OP1, "ES4", "ProfileDisabled", order_iccid(s, METER));
    no_mail(s, OP2, NULL, "ProfileEnabled", order_iccid(s, TRACKER));
    need(s, mail_count(s, OP1, "ProfileDisabled", order_iccid(s, METER)) == 1, "told twice");
    no_mail(s, OP2, NULL, "ProfileDisabled", NULL);
}

static void told_through_smdp(struct stage *s)
{
    scene_profile(s, CARD, METER, "Disabled");
    scene_profile(s, CARD, RELAYED, "Enabled");
    need_success(s, owner_asks(s, METER, CARD, "EnableProfile"));
    struct message *m = must_mail(s, OP3, "ES2", "ProfileDisabled", order_iccid(s, RELAYED));
    need(s, !strcmp(m->peer, server_oid(s, SM_DP)), "it comes from %s", m->peer);
    need(s, !strcmp(must_value(s, m, "Eid"), card_eid(s, CARD)), "of another eUICC");
    need(s, value(s, m, "CompletionTimestamp") || value(s, m, "completionTimestamp"), "it does not say when");
    need(s, !value(s, m, "Mno-id"), "the ES2 message has an Mno-id");
    no_mail(s, OP1, NULL, "ProfileDisabled", order_iccid(s, RELAYED));
    need(s, mail_count(s, OP3, "ProfileDisabled", order_iccid(s, RELAYED)) == 1, "told twice");
    need(s, !mail_count(s, OP3, "ProfileEnabled", order_iccid(s, METER)), "told of another's profile");
}

static void pol2_forbids(struct stage *s)
{
    struct tap *t = tap_of(s);
    scene_profile(s, CARD, TRACKER, "Disabled");
    scene_profile(s, CARD, METER, "Enabled");
    need_success(s, pol2_set(s, CARD, METER, POL2_RULE("DISABLE", "Not-Allowed")));
    tap_forget(t);
    need_status(s, owner_asks(s, TRACKER, CARD, "EnableProfile"), "FAILED 8.2.3/3.8");
    need(s, tap_sent(t) == 0, "the card is asked all the same");
    need_state(s, CARD, METER, "Enabled");
}

/* On a card that stays so: nothing but the operator's own channel takes this rule away. */
static void pol1_forbids(struct stage *s)
{
    scene_profile(s, CARD_WRONG, STAYS, "Enabled");
    struct message *m = es4(s, START, "EnableProfile", CARD_WRONG, card_iccid(s, CARD_WRONG));
    need_status(s, m, "FAILED 8.2.2/3.8");
    need(s, strstr(must_value(s, m, "EuiccResponseData"), "69E1"), "the card's answer is not handed on");
    need_state(s, CARD_WRONG, STAYS, "Enabled");
    need_factory(s, CARD_WRONG, "Disabled");
}

static void iccid_unknown(struct stage *s)
{
    need_status(s, es4(s, OP1, "EnableProfile", CARD, NO_ICCID), "FAILED 8.2.1/3.9");
}

static void iccid_elsewhere(struct stage *s)
{
    scene_profile(s, CARD, METER, "Disabled");
    need_status(s, es4(s, OP1, "EnableProfile", CARD2, order_iccid(s, METER)), "FAILED 8.2.1/3.4");
}

static void of_another(struct stage *s)
{
    scene_profile(s, CARD, TRACKER, "Disabled");
    need_status(s, es4(s, OP1, "EnableProfile", CARD, order_iccid(s, TRACKER)), "FAILED 8.2.1/1.2");
    need_state(s, CARD, TRACKER, "Disabled");
}

static void enabled_already(struct stage *s)
{
    struct tap *t = tap_of(s);
    scene_profile(s, CARD, METER, "Enabled");
    tap_forget(t);
    need_status(s, owner_asks(s, METER, CARD, "EnableProfile"), "FAILED 8.2.1/1.2|FAILED 8.2.1/3.5");
    need(s, tap_sent(t) == 0, "the card is asked all the same");
}

static void rolled_back(struct stage *s)
{
    scene_profile(s, CARD, OFFLINE, "Disabled");
    struct message *m = owner_asks(s, OFFLINE, CARD, "EnableProfile");
    need_status(s, m, "FAILED 8.4/4.2");
    need_state(s, CARD, OFFLINE, "Disabled");
    need_factory(s, CARD, "Enabled");
    no_mail(s, START, NULL, "ProfileDisabled", NULL);
    no_mail(s, START, NULL, "ProfileEnabled", NULL);
}

static void late_notification(struct stage *s)
{
    static const struct wish brief = { .validity_s = 3 };
    struct tap *t = tap_of(s);
    scene_profile(s, CARD_SMS, BY_SMS, "Disabled");
    tap_lose(t, false, true);
    uint64_t began = now_ms();
    struct message *m = ask_with(s, &brief, OP1, SM_SR, "ES4-EnableProfile", EID_ICCID, card_eid(s, CARD_SMS), order_iccid(s, BY_SMS));
    need_status(s, m, "EXPIRED 1.6/5.3");
    need(s, now_ms() - began < 5000, "it comes after %u ms", (unsigned)(now_ms() - began));
    tap_lose(t, false, false);
    stage_wait(s, 4000);
    struct message *audit = ask(s, START, SM_SR, "ES4-AuditEIS", "<Eid>%s</Eid>", card_eid(s, CARD_SMS));
    need_success(s, audit);
    need(s, !strcmp(profile_in(s, audit, card_iccid(s, CARD_SMS)).state, "Enabled"), "a late success was confirmed");
    need_state(s, CARD_SMS, BY_SMS, "Disabled");
}

static void pol2_deletes(struct stage *s)
{
    scene_profile(s, CARD, TRACKER, "Disabled");
    scene_profile(s, CARD, GONE, "Enabled");
    need_success(s, pol2_set(s, CARD, GONE, POL2_RULE("DISABLE", "Auto-Delete")));
    need_success(s, owner_asks(s, TRACKER, CARD, "EnableProfile"));
    need_state(s, CARD, GONE, "");
    (void)must_mail(s, OP1, "ES4", "ProfileDeleted", order_iccid(s, GONE));
}

static void pol1_deletes(struct stage *s)
{
    scene_profile(s, CARD, TRACKER, "Disabled");
    scene_profile(s, CARD, VANISHES, "Enabled");
    need_success(s, owner_asks(s, TRACKER, CARD, "EnableProfile"));
    need_state(s, CARD, VANISHES, "");
    (void)must_mail(s, OP1, "ES4", "ProfileDeleted", order_iccid(s, VANISHES));
}

static void disabled(struct stage *s)
{
    scene_profile(s, CARD, METER, "Enabled");
    need_success(s, owner_asks(s, METER, CARD, "DisableProfile"));
    need_factory(s, CARD, "Enabled");
    need_state(s, CARD, METER, "Disabled");
    (void)must_mail(s, START, "ES4", "ProfileEnabled", card_iccid(s, CARD));
    no_mail(s, OP1, NULL, "ProfileDisabled", order_iccid(s, METER));
}

static void fallback_not_disabled(struct stage *s)
{
    need_factory(s, CARD, "Enabled");
    need_status(s, es4(s, START, "DisableProfile", CARD, card_iccid(s, CARD)), "FAILED 8.1/3.8");
}

static void pol2_forbids_disabling(struct stage *s)
{
    scene_profile(s, CARD, METER, "Enabled");
    need_success(s, pol2_set(s, CARD, METER, POL2_RULE("DISABLE", "Not-Allowed")));
    need_status(s, owner_asks(s, METER, CARD, "DisableProfile"), "FAILED 8.2.3/3.8");
}

static long memory_of(struct stage *s)
{
    return strtol(must_value(s, eis_seen(s, START, CARD), "Eis/RemainingMemory"), NULL, 10);
}

static void deleted(struct stage *s)
{
    scene_profile(s, CARD, GONE2, "Disabled");
    long before = memory_of(s);
    need_success(s, owner_asks(s, GONE2, CARD, "DeleteProfile"));
    need_state(s, CARD, GONE2, "");
    need(s, memory_of(s) > before, "the remaining memory does not grow");
    no_mail(s, OP1, NULL, "ProfileDeleted", order_iccid(s, GONE2));
    need_recorded(s, CARD, "0400", order_iccid(s, GONE2));
}

static void deleted_while_enabled(struct stage *s)
{
    scene_profile(s, CARD, GONE3, "Enabled");
    size_t before = s->message_count;
    need_success(s, owner_asks(s, GONE3, CARD, "DeleteProfile"));
    need_state(s, CARD, GONE3, "");
    need_factory(s, CARD, "Enabled");
    size_t answers = 0;
    stage_wait(s, QUIET_MS);
    for (size_t i = before; i < s->message_count; i++)
        answers += s->messages[i]->at == OP1 && strstr(s->messages[i]->name, "Response") != NULL;
    need(s, answers == 1, "%zu callbacks", answers);
}

static void pol2_forbids_deletion(struct stage *s)
{
    scene_profile(s, CARD, GONE4, "Disabled");
    need_success(s, pol2_set(s, CARD, GONE4, POL2_RULE("DELETE", "Not-Allowed")));
    need_status(s, owner_asks(s, GONE4, CARD, "DeleteProfile"), "FAILED 8.2.3/3.8");
    need_state(s, CARD, GONE4, "Disabled");
}

static void fallback_not_deleted(struct stage *s)
{
    struct tap *t = tap_of(s);
    need_factory(s, CARD, "Enabled");
    tap_forget(t);
    need_status(s, es4(s, START, "DeleteProfile", CARD, card_iccid(s, CARD)), "FAILED 8.2.4/3.8|FAILED 8.2.3/3.8|FAILED 8.1/3.8");
    need(s, tap_sent(t) == 0, "the card is asked all the same");
}

static void through_smdp(struct stage *s)
{
    scene_profile(s, CARD, SPARE2, "");
    scene_profile(s, CARD, METER2, "Disabled");
    need_success(s, by_smdp(s, METER2, CARD, "EnableProfile"));
    need_state(s, CARD, METER2, "Enabled");
    need_status(s, by_smdp(s, METER2, CARD, "EnableProfile"), "FAILED 8.2.1/1.2|FAILED 8.2.1/3.5");
    need_success(s, by_smdp(s, METER2, CARD, "DisableProfile"));
    need_state(s, CARD, METER2, "Disabled");
    need_success(s, pol2_set(s, CARD, METER2, POL2_RULE("DELETE", "Not-Allowed")));
    need_status(s, by_smdp(s, METER2, CARD, "DeleteProfile"), "FAILED 8.2.3/3.8");
    need_success(s, pol2_set(s, CARD, METER2, ""));
    need_success(s, by_smdp(s, METER2, CARD, "DeleteProfile"));
    need_state(s, CARD, METER2, "");
    no_mail(s, OP1, NULL, "ProfileEnabled", order_iccid(s, METER2));
}

static void smsr_not_reached(struct stage *s)
{
    static const struct wish brief = { .validity_s = 4 };
    scene_profile(s, CARD, METER, "Disabled");
    struct message *m = ask_with(s, &brief, OP1, SM_DP, "ES2-EnableProfile", "<Eid>%s</Eid><SmSr-id>%s</SmSr-id><Iccid>%s</Iccid>",
                                 card_eid(s, CARD), server_oid(s, NOBODY), order_iccid(s, METER));
    need_status(s, m, "FAILED 1.4/5.1");
}

static const struct server_case cases[] = {
    CASE(38, "switch", "8.4", "enabled: the caller is told of the other profile only", enabled),
    CASE(39, "switch", "9", "the owner of the disabled profile is told", other_owner_is_told),
    CASE(40, "switch", "9", "an operator behind an SM-DP is told through it", told_through_smdp),
    CASE(41, "switch", "7.11", "POL2 of the enabled profile forbids", pol2_forbids),
    CASE(42, "switch", "7.11", "POL1 of the enabled profile forbids: the card's answer", pol1_forbids),
    CASE(43, "switch", "7.11", "an unknown ICCID", iccid_unknown),
    CASE(44, "switch", "7.11", "an ICCID on another eUICC", iccid_elsewhere),
    CASE(45, "switch", "7.11", "a profile of another operator", of_another),
    CASE(46, "switch", "7.11", "a profile that is enabled already", enabled_already),
    WAITS(47, "switch", "8.4", "no network: rolled back, nobody is told", rolled_back),
    WAITS(48, "switch", "2.3", "no notification: expired, and a late one is not confirmed", late_notification),
    CASE(49, "switch", "8.4", "POL2 deletes the disabled profile", pol2_deletes),
    CASE(50, "switch", "8.4", "POL1 deletes the disabled profile", pol1_deletes),
    CASE(51, "switch", "8.5", "disabled: the fall-back profile is enabled", disabled),
    CASE(52, "switch", "7.12", "the fall-back profile is not disabled", fallback_not_disabled),
    CASE(53, "switch", "7.12", "POL2 forbids disabling", pol2_forbids_disabling),
    CASE(54, "switch", "8.6", "deleted: the memory is free again", deleted),
    CASE(55, "switch", "8.6", "an enabled profile is disabled, then deleted", deleted_while_enabled),
    CASE(56, "switch", "7.13", "POL2 forbids deletion", pol2_forbids_deletion),
    CASE(57, "switch", "7.13", "the fall-back profile is not deleted", fallback_not_deleted),
    CASE(58, "switch", "8.7", "the same through the SM-DP, statuses unchanged", through_smdp),
    WAITS(59, "switch", "3.5", "the SM-SR cannot be reached by the SM-DP", smsr_not_reached),
};
const struct server_group server_switch_group = { cases, ARRAY_LEN(cases) };
