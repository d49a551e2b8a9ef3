/* Enable, disable, roll back, fall back, and the notifications of it: SGP.02 4.1.1.2, 4.1.1.3, 3.2 … 3.4, 4.1.1.11;
 * fact book 4.2, 4.3, 10, 11. */
#include "cases.h"

static void need_states(struct bed *b, const struct aid *aid, uint8_t state, uint8_t base)
{
    uint8_t got = isdp_state(b, aid), other = isdp_state(b, &b->enabled);
    need(b, got == state && other == base, "states %02X and %02X instead of %02X and %02X", got, other, state, base);
}

static uint64_t guard(struct bed *b) { return time_limit(b, b->keys->timing.attach_guard_s); }
static uint64_t notifying(struct bed *b)
{
    const struct euicc_timing *t = &b->keys->timing;
    return time_limit(b, (uint64_t)t->notification_interval_s * (t->notification_tries + 1));
}

/* ---- enable ---- */

static void enable_disabled(struct bed *b)
{
    struct aid aid = profile_make(b, 0, NULL);
    size_t refreshes = b->terminal.refreshes;
    b->terminal.ignores_refresh = true;
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A03, &aid)), 0x9000, "EnableProfile");
    need(b, b->terminal.refreshes > refreshes, "no REFRESH");
    need_states(b, &aid, ISDP_DISABLED, ISDP_ENABLED); /* before the reset */
    b->terminal.ignores_refresh = false;
    terminal_boot(b);
    need_states(b, &aid, ISDP_ENABLED, ISDP_DISABLED);
}

static void enable_enabled(struct bed *b)
{
    size_t refreshes = b->terminal.refreshes;
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A03, &b->enabled)), 0x6985, "EnableProfile of the enabled one");
    need(b, b->terminal.refreshes == refreshes, "a REFRESH all the same");
    need(b, isdp_state(b, &b->enabled) == ISDP_ENABLED, "it is not enabled any more");
}

static void enable_unknown(struct bed *b)
{
    struct aid aid = aid_isdp(0x00FEDC);
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A03, &aid)), 0x6A88, "unknown AID");
    need(b, isdp_state(b, &b->enabled) == ISDP_ENABLED, "the enabled profile is not enabled any more");
}

/* POL1 of the enabled profile is asked last: unknown and enabled targets have their own words. */
static void enable_forbidden(struct bed *b)
{
    struct aid aid = profile_enabled(b, 0x01), unknown = aid_isdp(0x00FEDC);
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A03, &b->enabled)), 0x69E1, "EnableProfile against POL1");
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A03, &unknown)), 0x6A88, "unknown AID, POL1 against it");
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A03, &aid)), 0x6985, "the enabled one, POL1 against it");
    need_states(b, &aid, ISDP_ENABLED, ISDP_DISABLED);
}

static void rolled_back(struct bed *b, const struct aid *aid)
{
    need_states(b, aid, ISDP_DISABLED, ISDP_ENABLED);
    if (!b->terminal.serviced)
        terminal_location(b, true);
    struct es5_notification n = notification(b);
    need(b, n.type == ES5_CHANGE_ROLLED_BACK, "notification of type %02X instead of 03", n.type);
    need(b, aid_eq(&n.isdp, &b->enabled), "it names another ISD-P");
    need_sw(b, confirm_sw(b, n.sequence), 0x9000, "HandleNotificationConfirmation");
}

static void no_attach(struct bed *b)
{
    struct aid aid = profile_make(b, 0, NULL);
    uint64_t limit = guard(b);
    b->terminal.serviced = false;
    forget_messages(b);
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A03, &aid)), 0x9000, "EnableProfile");
    forget_messages(b);
    bed_wait_reset(b, b->terminal.resets, limit);
    rolled_back(b, &aid);
}

static void no_confirmation(struct bed *b)
{
    struct aid aid = profile_make(b, 0, NULL);
    uint64_t limit = notifying(b);
    forget_messages(b);
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A03, &aid)), 0x9000, "EnableProfile");
    need(b, notification(b).type == ES5_CHANGE_SUCCEEDED, "no notification of type 02");
    bed_wait_reset(b, b->terminal.resets, limit);
    forget_messages(b);
    bed_wait(b, time_limit(b, b->keys->timing.notification_interval_s));
    rolled_back(b, &aid);
}

/* ---- disable ---- */

static void disable_enabled(struct bed *b)
{
    struct aid aid = profile_enabled(b, 0);
    forget_messages(b);
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A04, &aid)), 0x9000, "DisableProfile");
    need_states(b, &aid, ISDP_DISABLED, ISDP_ENABLED);
    struct es5_notification n = notification(b);
    need(b, n.type == ES5_CHANGE_SUCCEEDED || n.type == ES5_FALLBACK, "notification of type %02X", n.type);
    need(b, aid_eq(&n.isdp, &b->fallback), "it does not name the fall-back profile");
}

/* The enabled profile becomes the holder where it is not yet; the clean-up gives the attribute back. */
static void disable_holder(struct bed *b)
{
    if (!aid_eq(&b->enabled, &b->fallback)) {
        need_sw(b, isdr_sw(b, profile_command(b, 0x3A05, &b->enabled)), 0x9000, "SetFallbackAttribute");
        b->touched_fallback = true;
    }
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A04, &b->enabled)), 0x6985, "DisableProfile of the holder");
    need(b, isdp_state(b, &b->enabled) == ISDP_ENABLED, "it is not enabled any more");
}

static void disable_disabled(struct bed *b)
{
    struct aid aid = profile_make(b, 0, NULL);
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A04, &aid)), 0x6985, "DisableProfile of a disabled one");
    need_states(b, &aid, ISDP_DISABLED, ISDP_ENABLED);
}

static void disable_forbidden(struct bed *b)
{
    struct aid aid = profile_enabled(b, 0x01);
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A04, &aid)), 0x69E1, "DisableProfile against POL1");
    need_states(b, &aid, ISDP_ENABLED, ISDP_DISABLED);
}

static void deleted_on_disable(struct bed *b, const struct aid *aid)
{
    forget_messages(b);
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A04, aid)), 0x9000, "DisableProfile");
    need(b, isdp_state(b, aid) == ISDP_DISABLED, "the profile is gone before the confirmation");
    struct rapdu r = isdr(b, hexf(b, "80E28900073A08044E02%04X00", notification(b).sequence));
    need_sw(b, r.sw, 0x9000, "HandleNotificationConfirmation");
    need_span(b, r.data, hexf(b, "80124F10%s", hex_of(b, aid_span(aid))), "what POL1 had deleted");
    need(b, isdp_state(b, aid) == 0, "the profile is still there");
}

static void disable_deletes(struct bed *b)
{
    struct aid aid = profile_enabled(b, 0x04);
    deleted_on_disable(b, &aid);
}

/* ---- fall-back ---- */

static void network_lost(struct bed *b, uint8_t pol1)
{
    struct aid aid = profile_enabled(b, pol1);
    uint64_t limit = time_limit(b, b->keys->timing.fallback_s);
    size_t resets = b->terminal.resets;
    forget_messages(b);
    terminal_location(b, false);
    bed_wait_reset(b, resets, limit);
    need_states(b, &aid, ISDP_DISABLED, ISDP_ENABLED);
    terminal_location(b, true);
    struct es5_notification n = notification(b);
    need(b, n.type == ES5_FALLBACK, "notification of type %02X instead of 05", n.type);
    need_sw(b, confirm_sw(b, n.sequence), 0x9000, "HandleNotificationConfirmation");
}

static void fallback_by_loss(struct bed *b) { network_lost(b, 0x00); }
static void fallback_ignores_pol1(struct bed *b) { network_lost(b, 0x01); }

static void cut_before_refresh(struct bed *b)
{
    struct aid aid = profile_make(b, 0, NULL);
    b->terminal.ignores_refresh = true;
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A03, &aid)), 0x9000, "EnableProfile");
    forget_messages(b);
    b->terminal.ignores_refresh = false;
    terminal_power_cycle(b);
    uint8_t mine = isdp_state(b, &aid), base = isdp_state(b, &b->enabled);
    bool switched = mine == ISDP_ENABLED && base == ISDP_DISABLED,
         stayed = mine == ISDP_DISABLED && base == ISDP_ENABLED;
    need(b, switched || stayed, "states %02X and %02X", mine, base);
    need(b, !switched || notification(b).type == ES5_CHANGE_SUCCEEDED, "switched without notification");
    note(b, switched ? "the switch took place" : "the switch did not take place");
}

/* ---- notifications ---- */

static void new_number(struct bed *b)
{
    struct aid aid = profile_make(b, 0, NULL);
    b->touched_addresses = true;
    need_sw(b, isdr_sw(b, hexf(b, "80E288000F 3A070C A30A 8108 0B91 2143658709F1")), 0x9000, "UpdateSMSRAddressing");
    forget_messages(b);
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A03, &aid)), 0x9000, "EnableProfile");
    bool seen = false;
    for (size_t i = 0; i < b->terminal.sms_count; i++)
        seen = seen || strstr(b->terminal.sms[i].to, "12345678901");
    need(b, seen, "no message to the new number");
    need_sw(b, confirm_sw(b, notification(b).sequence), 0x9000, "HandleNotificationConfirmation");
}

static void empty_addressing(struct bed *b)
{
    need_sw(b, isdr_sw(b, hexf(b, "80E2880003 3A0700")), 0x6A80, "3A07 without content");
}

static struct es5_notification switch_to(struct bed *b, const struct aid *aid)
{
    forget_messages(b);
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A03, aid)), 0x9000, "EnableProfile");
    struct es5_notification n = notification(b);
    need(b, n.type == ES5_CHANGE_SUCCEEDED, "notification of type %02X instead of 02", n.type);
    need(b, aid_eq(&n.isdp, aid), "it names another ISD-P");
    need(b, span_eq(SPAN_OF(n.eid.octets), SPAN_OF(b->keys->eid.octets)), "it has another EID");
    need_sw(b, confirm_sw(b, n.sequence), 0x9000, "HandleNotificationConfirmation");
    return n;
}

static void type_and_sequence(struct bed *b)
{
    struct aid aid = profile_make(b, 0, NULL);
    uint16_t first = switch_to(b, &aid).sequence, second = switch_to(b, &b->enabled).sequence;
    need(b, second == first + 1, "sequence %04X, then %04X", first, second);
}

static struct span first_try(struct bed *b)
{
    struct aid aid = profile_make(b, 0, NULL);
    forget_messages(b);
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A03, &aid)), 0x9000, "EnableProfile");
    struct span e1 = notification_raw(b);
    need(b, e1.len > 0, "no notification");
    return e1;
}

static struct span next_try(struct bed *b)
{
    struct span e1 = SPAN_NONE;
    uint64_t limit = time_limit(b, b->keys->timing.notification_interval_s);
    for (uint64_t s = 0; s < limit && !e1.len; s++) {
        bed_wait(b, 1);
        e1 = notification_anyhow(b);
    }
    return e1;
}

static void retry_is_the_same(struct bed *b)
{
    struct span first = first_try(b);
    need_span(b, next_try(b), first, "the second try");
}

static uint16_t sequence_of(struct bed *b, struct span e1)
{
    struct es5_notification n;
    need_ok(b, es5_notification_parse(e1, &n), "notification");
    return n.sequence;
}

static void confirmed_is_over(struct bed *b)
{
    uint16_t sequence = sequence_of(b, first_try(b));
    need_sw(b, confirm_sw(b, sequence), 0x9000, "HandleNotificationConfirmation");
    need(b, next_try(b).len == 0, "a try after the confirmation");
    need_sw(b, confirm_sw(b, sequence), 0x6985, "the confirmation again");
}

static void wrong_number_goes_on(struct bed *b)
{
    struct span first = first_try(b);
    need_sw(b, confirm_sw(b, (uint16_t)(sequence_of(b, first) + 7)), 0x6A88, "a wrong sequence number");
    need_span(b, next_try(b), first, "the second try");
}

static void first_attach_once(struct bed *b)
{
    need(b, b->first_attach_seen || !b->target->is_new, "a new card came up without a notification of type 01");
    forget_messages(b);
    terminal_power_cycle(b);
    bed_wait(b, 3);
    struct span e1 = notification_raw(b);
    need(b, e1.len == 0, "a notification after another start: %s", hex_of(b, e1));
    note(b, b->first_attach_seen ? "type 01 came at the first start only" : "the first attach was before this run");
}

static void by_https(struct bed *b)
{
    struct aid aid = profile_make(b, 0, NULL);
    uint64_t limit = notifying(b);
    if (!b->keys->https_len)
        skip(b, "the keys file does not tell HTTPS parameters of the card");
    b->terminal.serviced = false;
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A03, &aid)), 0x9000, "EnableProfile");
    b->terminal.sms_result = 0x35;
    b->server.request_count = 0;
    terminal_location(b, true);
    for (uint64_t s = 0; s < limit && b->server.request_count == 0; s++)
        bed_wait(b, 1);
    need(b, b->server.request_count > 0, "no HTTPS session while short messages fail");
    const char *msg = strstr(b->server.request.uri, "?msg=E1");
    need(b, msg, "the first POST goes to %.120s", b->server.request.uri);
    struct span e1 = hexf(b, "%s", msg + 5);
    struct span answer = https_script(
        b, &AID_ISDR, script_of(b, RAM_INDEFINITE, hexf(b, "80E28900073A08044E02%04X00", sequence_of(b, e1))));
    need_sw(b, result_at(b, answer, 0).sw, 0x9000, "HandleNotificationConfirmation in the session");
    https_end(b);
}

/* ---- ES6 ---- */

static void mno_changes_pol1(struct bed *b)
{
    struct aid aid = profile_enabled(b, 0x00);
    need_sw(b, mno_pol1(b, 0x04), 0x9000, "UpdatePOL1byMNO");
    deleted_on_disable(b, &aid);
}

static void alias_is_own(struct bed *b)
{
    struct aid aid = profile_enabled(b, 0x00);
    need_sw(b, mno_pol1(b, 0x01), 0x9000, "UpdatePOL1byMNO through the alias 0F00");
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A04, &aid)), 0x69E1, "DisableProfile");
    need_sw(b, mno_pol1(b, 0x00), 0x9000, "UpdatePOL1byMNO");
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A04, &aid)), 0x9000, "DisableProfile");
}

static const struct case_def switch_cases[] = {
    { 47, "switch", "enable DISABLED", "4.2", enable_disabled },
    { 48, "switch", "enable ENABLED", "4.2", enable_enabled },
    { 49, "switch", "enable unknown AID", "4.2", enable_unknown },
    { 50, "switch", "enable against POL1, order of checks", "4.2", enable_forbidden },
    { 51, "switch", "enable without attach rolls back", "10.2", no_attach },
    { 52, "switch", "enable without confirmation rolls back", "10.2", no_confirmation },
    { 53, "switch", "disable ENABLED", "4.3", disable_enabled },
    { 54, "switch", "disable holder of the fall-back attribute", "4.3", disable_holder },
    { 55, "switch", "disable DISABLED", "4.3", disable_disabled },
    { 56, "switch", "disable against POL1", "4.3", disable_forbidden },
    { 57, "switch", "disable deletes by POL1 after confirmation", "4.3", disable_deletes },
    { 69, "fallback", "network loss", "10.3", fallback_by_loss },
    { 70, "fallback", "network loss, POL1 not asked", "10.3", fallback_ignores_pol1 },
    { 108, "switch", "power cut before REFRESH", "10.1", cut_before_refresh },
    { 104, "es6", "POL1 by MNO", "5", mno_changes_pol1 },
    { 105, "es6", "alias of the own ISD-P", "5", alias_is_own },
};
static const struct case_def notify_cases[] = {
    { 78, "notify", "new number of the SM-SR", "4.7", new_number },
    { 79, "notify", "empty addressing parameters", "4.7", empty_addressing },
    { 80, "notify", "type 02, sequence one up", "11.1", type_and_sequence },
    { 81, "notify", "retry keeps its octets", "11.3", retry_is_the_same },
    { 82, "notify", "confirmed is over", "11.3", confirmed_is_over },
    { 83, "notify", "wrong number, retry goes on", "11.3", wrong_number_goes_on },
    { 84, "notify", "first attach once", "11.3", first_attach_once },
    { 85, "notify", "by HTTPS", "11.2", by_https },
};
const struct case_group switch_group = { switch_cases, ARRAY_LEN(switch_cases) };
const struct case_group notify_group = { notify_cases, ARRAY_LEN(notify_cases) };
