#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "relay.h"
#include "tap.h"

/* ISD-Ps, SendData and the download (SGP.02 §5.3.2, §5.4.3 to §5.4.5, §3.1; fact book 7.5 to 7.8, 8.3). */

#define OWN_ICCID   "8999970000000044442" /* of the runner's SM-DP */
#define CREATE_BODY EID_ICCID "<Mno-id>%s</Mno-id><RequiredMemory>%u</RequiredMemory>"

static struct message *create(struct stage *s, const char *eid, const char *iccid, unsigned memory)
{
    return ask(s, DP, SM_SR, "ES3-CreateISDP", CREATE_BODY, eid, iccid, role_oid(s, OP1), memory);
}

static const char *created(struct stage *s, enum card c)
{
    scene_made(s, OWN_ICCID);
    struct message *m = create(s, card_eid(s, c), OWN_ICCID, 5000);
    need_success(s, m);
    return must_value(s, m, "Isd-p-aid");
}

static struct message *eis_of(struct stage *s, enum card c)
{
    struct message *m = ask(s, DP, SM_SR, "ES3-GetEIS", "<Eid>%s</Eid>", card_eid(s, c));
    need_success(s, m);
    return m;
}

static long memory_of(struct stage *s, const struct message *m) { return atol(must_value(s, m, "Eis/RemainingMemory")); }

static void isdp_created(struct stage *s)
{
    long before = memory_of(s, eis_of(s, CARD));
    const char *aid = created(s, CARD);
    struct message *m = eis_of(s, CARD);
    need(s, !strcmp(profile_in(s, m, OWN_ICCID).state, "Created"), "it is \"%s\"", profile_in(s, m, OWN_ICCID).state);
    need(s, strlen(aid) == 32 && !strcmp(profile_in(s, m, OWN_ICCID).aid, aid), "the AIDs differ: %s", aid);
    need(s, memory_of(s, m) < before, "the remaining memory does not shrink");
}

static void iccid_elsewhere(struct stage *s)
{
    struct tap *t = tap_of(s);
    need_status(s, create(s, card_eid(s, CARD2), card_iccid(s, CARD), 5000), "FAILED 8.2.1/3.3");
    need(s, tap_sent(t) == 0, "the card is asked all the same");
}

static void too_much_memory(struct stage *s)
{
    need_status(s, create(s, card_eid(s, CARD), OWN_ICCID, 80000000), "FAILED 8.1/4.8");
}

static void card_has_no_memory(struct stage *s)
{
    static const char iccid[] = "8999970000000044459";
    struct message *m = create(s, card_eid(s, CARD_WRONG), iccid, 50000000);
    need_status(s, m, "FAILED 8.1/4.8");
    need(s, strstr(must_value(s, m, "EuiccResponseData"), "6A84"), "the card's answer is not handed on");
    need(s, !*profile_in(s, eis_of(s, CARD_WRONG), iccid).state, "an entry is left in the EIS");
    need_status(s, create(s, card_eid(s, CARD_WRONG), iccid, 50000000), "FAILED 8.1/4.8"); /* nor is the ICCID taken */
}

static void create_unknown_eid(struct stage *s)
{
    need_status(s, create(s, no_eid(s), OWN_ICCID, 5000), "FAILED 8.1.1/1.1|FAILED 8.1.1/3.9");
}

static struct message *send_data(struct stage *s, enum card c, const char *aid, const char *data, bool more)
{
    return ask(s, DP, SM_SR, "ES3-SendData", "<Eid>%s</Eid><Sd-aid>%s</Sd-aid><Data>%s</Data><MoreToDo>%s</MoreToDo>",
               card_eid(s, c), aid, data, more ? "true" : "false");
}

/* INSTALL [for personalization] of that application. */
static const char *install_perso(struct stage *s, const char *aid) { return textf(s, "80E6200016000010%s000000", aid); }

static void sd_unknown(struct stage *s)
{
    need_status(s, send_data(s, CARD, "A0000005591010FFFFFFFF89000F4200", "80CA006600", false), "FAILED 8.3.1/3.9");
}

static void sd_elsewhere(struct stage *s)
{
    const char *aid = created(s, CARD);
    need(s, !memmem(eis_of(s, CARD2)->octets.ptr, eis_of(s, CARD2)->octets.len, aid, 32), "both cards have the AID %s", aid);
    need_status(s, send_data(s, CARD2, aid, "80CA006600", false), "FAILED 8.3.1/3.4");
}

static void card_refuses_data(struct stage *s)
{
    const char *aid = created(s, CARD);
    struct message *m = send_data(s, CARD, aid, "80E2890003001122", false); /* STORE DATA without INSTALL [for personalization] */
    need_status(s, m, "FAILED 8.3/4.2");
    const char *data = must_value(s, m, "EuiccResponseData");
    need(s, strstr(data, "69") || strstr(data, "6A"), "the status word is not handed on: %s", data);
}

static size_t tlv_count(const char *data, size_t *ret_long)
{
    size_t n = 0, at = 0, len = strlen(data) / 2;
    *ret_long = 0;
    while (at + 4 <= len) {
        unsigned tag, first, size = 0, skip = 2;
        sscanf(data + 2 * at, "%2x%2x", &tag, &first);
        size = first;
        if (first == 0x81)
            sscanf(data + 2 * at + 4, "%2x", &size), skip = 3;
        else if (first == 0x82)
            sscanf(data + 2 * at + 4, "%4x", &size), skip = 4;
        n += tag == 0x86;
        *ret_long += tag == 0x86 && size > 900;
        at += skip + size;
    }
    return n;
}

/* The true SM-DP gives all segments in one message; the card is reached by short messages only, and its secure channel
 * notices each segment that is missing, doubled or out of place. */
static void long_package(struct stage *s)
{
    static struct relay r;
    static const struct wish wish = { .validity_s = 100 };
    size_t segments = 0, big = 0, most = 0;
    struct tap *t = tap_of(s);
    r = (struct relay){ 0 };
    relay_begin(s, &r);
    struct message *m = ask_with(s, &wish, OP1, SM_DP, "ES2-DownloadProfile",
                                 "<Eid>%s</Eid><SmSr-id>%s</SmSr-id><Iccid>%s</Iccid><EnableProfile>false</EnableProfile>",
                                 card_eid(s, CARD_SMS), role_oid(s, SR), order_iccid(s, LONG_ONE));
    need_success(s, m);
    for (size_t i = 0; i < r.seen_count; i++)
        if (!strcmp(function_of(s, r.seen[i]), "ES3-SendData")) {
            segments = tlv_count(must_value(s, r.seen[i], "Data"), &big);
            most = big > most ? big : most;
        }
    need(s, most >= 40, "at most %zu long segments were in one message", most);
    need(s, tap_sent(t) > 40, "it went in %zu short messages", tap_sent(t));
    scene_made(s, order_iccid(s, LONG_ONE));
    (void)segments;
}

static void more_to_do(struct stage *s)
{
    const char *aid = created(s, CARD);
    stage_wait(s, 2500); /* the session of the creation is over */
    struct tap *t = tap_of(s);
    tap_forget(t);
    need_success(s, send_data(s, CARD, aid, install_perso(s, aid), true));
    size_t sent = tap_sent(t);
    need_success(s, send_data(s, CARD, aid, install_perso(s, aid), false));
    need(s, tap_sent(t) == sent, "the second SendData needs %zu more short messages", tap_sent(t) - sent);
}

#define COMPLETED_BODY                                                                                                 \
    EID_ICCID "<ProfileType>Own</ProfileType><SubscriptionAddress><Imsi>999700000000044</Imsi><Msisdn>99970000044</Msisdn>" \
              "</SubscriptionAddress><pol2>%s</pol2>"

static void completed(struct stage *s)
{
    (void)created(s, CARD);
    need_success(s, ask(s, DP, SM_SR, "ES3-ProfileDownloadCompleted", COMPLETED_BODY, card_eid(s, CARD), OWN_ICCID,
                        POL2_RULE("DELETE", "Not-Allowed")));
    struct message *m = eis_seen(s, OP1, CARD);
    need_success(s, m);
    struct view v = profile_in(s, m, OWN_ICCID);
    need(s, !strcmp(v.state, "Disabled") && v.has_pol2, "it is \"%s\"%s", v.state, v.has_pol2 ? "" : ", without POL2");
    need(s, memmem(m->octets.ptr, m->octets.len, ">Own<", 5) && memmem(m->octets.ptr, m->octets.len, "99970000044", 11),
         "type or address is lost");
}

static void completed_with_nonsense(struct stage *s)
{
    (void)created(s, CARD);
    need_status(s, ask(s, DP, SM_SR, "ES3-ProfileDownloadCompleted", COMPLETED_BODY, card_eid(s, CARD), OWN_ICCID,
                       POL2_RULE("DELETE", "Auto-Delete")),
                "FAILED 8.2.3/2.1");
    need(s, !strcmp(profile_in(s, eis_of(s, CARD), OWN_ICCID).state, "Created"), "the state is another now");
}

/* ---- ES2.DownloadProfile ---- */

static void downloaded(struct stage *s)
{
    scene_profile(s, CARD, METER, "");
    struct message *m = download(s, CARD, METER, false);
    need_success(s, m);
    need(s, !strcmp(must_value(s, m, "Iccid"), order_iccid(s, METER)), "the answer names another ICCID");
    need(s, !strcmp(profile_view(s, CARD, METER).state, "Disabled"), "it is %s", profile_view(s, CARD, METER).state);
    need(s, !strcmp(factory_view(s, CARD).state, "Enabled"), "the enabled profile is another now");
}

static void downloaded_and_enabled(struct stage *s)
{
    scene_profile(s, CARD, METER, "");
    scene_profile(s, CARD, TRACKER, "Enabled");
    need_success(s, download(s, CARD, METER, true));
    need(s, !strcmp(profile_view(s, CARD, METER).state, "Enabled"), "it is %s", profile_view(s, CARD, METER).state);
    need(s, !strcmp(profile_view(s, CARD, TRACKER).state, "Disabled"), "the other is %s", profile_view(s, CARD, TRACKER).state);
    (void)must_mail(s, OP2, "ES4", "ProfileDisabled", order_iccid(s, TRACKER));
}

static void enable_refused(struct stage *s)
{
    scene_profile(s, CARD, METER, "");
    scene_profile(s, CARD, TRACKER, "Enabled");
    need_success(s, pol2_set(s, CARD, TRACKER, POL2_RULE("DISABLE", "Not-Allowed")));
    need_status(s, download(s, CARD, METER, true), "EXECUTED_WITHWARNING 8.2.3/3.8");
    need(s, !strcmp(profile_view(s, CARD, METER).state, "Disabled"), "it is %s", profile_view(s, CARD, METER).state);
}

static struct message *download_text(struct stage *s, enum role by, const char *what)
{
    return ask(s, by, SM_DP, "ES2-DownloadProfile", "<Eid>%s</Eid><SmSr-id>%s</SmSr-id>%s<EnableProfile>false</EnableProfile>",
               card_eid(s, CARD), server_oid(s, SM_SR), what);
}

static void neither_named(struct stage *s) { need_status(s, download_text(s, OP1, ""), "FAILED 1.3.1/2.3"); }

static void type_unknown(struct stage *s)
{
    need_status(s, download_text(s, OP1, "<ProfileType>Nobody's</ProfileType>"), "FAILED 8.2.5/3.9");
}

static void type_of_another(struct stage *s)
{
    const char *type = order_type(s, TRACKER);
    need_status(s, download_text(s, OP1, textf(s, "<ProfileType>%s</ProfileType>", type)), "FAILED 8.2.5/1.2");
}

static void iccid_of_another(struct stage *s)
{
    need_status(s, download_text(s, OP1, textf(s, "<Iccid>%s</Iccid>", order_iccid(s, TRACKER))), "FAILED 8.2.1/1.2");
}

/* ---- through the runner as SM-SR ---- */

static struct message *download_by_us(struct stage *s, const char *eid, enum order o)
{
    static const struct wish wish = { .validity_s = 20 };
    return ask_with(s, &wish, OP1, SM_DP, "ES2-DownloadProfile",
                    "<Eid>%s</Eid><SmSr-id>%s</SmSr-id><Iccid>%s</Iccid><EnableProfile>false</EnableProfile>", eid, role_oid(s, SR),
                    order_iccid(s, o));
}

static bool is_nth_data(struct stage *s, size_t nth)
{
    return relay_place(s, s->relay, "ES3-SendData", NULL, nth) == s->relay->seen_count - 1;
}

/* The receipt stands at the end of the second answer to SendData, before its status word. */
static char *spoil_receipt(struct stage *s, struct message *request, const char *function, char *answer)
{
    (void)request;
    char *at = strcmp(function, "ES3-SendData") || !is_nth_data(s, 1) ? NULL : strstr(answer, "9000</");
    if (at)
        at[-1] = at[-1] == '0' ? '1' : '0';
    return answer;
}

static void wrong_receipt(struct stage *s)
{
    static struct relay r;
    r = (struct relay){ .change = spoil_receipt };
    relay_begin(s, &r);
    struct message *m = download_by_us(s, card_eid(s, CARD), SPARE);
    need(s, !strncmp(m->status, "FAILED", 6), "%s", m->status);
    need(s, relay_place(s, &r, "ES3-DeleteISDP", order_iccid(s, SPARE), 0) != SIZE_MAX, "the ISD-P is not deleted");
    need(s, !*profile_in(s, eis_of(s, CARD), order_iccid(s, SPARE)).state, "an entry is left in the EIS");
}

static char *fail_and_keep(struct stage *s, struct message *request, const char *function)
{
    if (!strcmp(function, "ES3-SendData"))
        return response_text(s, request, "FAILED", "8.3/4.2", "");
    return strcmp(function, "ES3-DeleteISDP") ? NULL : response_text(s, request, "FAILED", "8.4/4.2", "");
}

static void rest_is_cleaned(struct stage *s)
{
    static struct relay r;
    const char *eid = card_eid(s, CARD);
    r = (struct relay){ .instead = fail_and_keep };
    relay_begin(s, &r);
    need(s, strcmp(download_by_us(s, eid, SPARE)->status, "EXECUTED_SUCCESS"), "a download that fails is a success");
    need(s, !strcmp(profile_in(s, eis_of(s, CARD), order_iccid(s, SPARE)).state, "Created"), "nothing was left over");
    r = (struct relay){ 0 };
    need_success(s, download_by_us(s, eid, SPARE2));
    size_t gone = relay_place(s, &r, "ES3-DeleteISDP", order_iccid(s, SPARE), 0);
    need(s, gone < relay_place(s, &r, "ES3-CreateISDP", NULL, 0), "the left-over ISD-P is not deleted first");
    need(s, !*profile_in(s, eis_of(s, CARD), order_iccid(s, SPARE)).state, "it is still there");
    scene_made(s, order_iccid(s, SPARE2));
}

/* Segments are 86; their answer does not come through. */
static char *lose_segments(struct stage *s, struct message *request, const char *function, char *answer)
{
    size_t big;
    if (strcmp(function, "ES3-SendData") || !tlv_count(must_value(s, request, "Data"), &big) ||
        strncmp(must_value(s, request, "Data"), "8", 1) || !strncmp(must_value(s, request, "Data"), "80", 2))
        return answer;
    return response_text(s, request, "EXPIRED", "1.6/5.3", "");
}

static void pol1_keeps_it(struct stage *s)
{
    static struct relay r;
    if (*profile_view(s, CARD2, KEPT).state)
        skip(s, "the profile that stays is there already");
    r = (struct relay){ .change = lose_segments };
    relay_begin(s, &r);
    struct message *m = download_by_us(s, card_eid(s, CARD2), KEPT);
    need(s, relay_place(s, &r, "ES3-DeleteISDP", NULL, 0) != SIZE_MAX, "no DeleteISDP is tried: %s", m->status);
    need_success(s, m);
    need(s, relay_place(s, &r, "ES3-ProfileDownloadCompleted", NULL, 0) != SIZE_MAX, "the download is not completed");
    need(s, !strcmp(profile_view(s, CARD2, KEPT).state, "Disabled"), "it is %s", profile_view(s, CARD2, KEPT).state);
    refused_all_ways(s, CARD2, "DeleteProfile", KEPT, "FAILED 8.2.2/3.8");
}

static char *foreign_eis(struct stage *s, struct message *request, const char *function)
{
    if (strcmp(function, "ES3-GetEIS"))
        return response_text(s, request, "FAILED", "8.4/4.2", "");
    return response_text(s, request, "EXECUTED_SUCCESS", NULL, record_xml(s, OF_NOBODY));
}

static void ecasd_of_another_ci(struct stage *s)
{
    static struct relay r;
    r = (struct relay){ .instead = foreign_eis };
    relay_begin(s, &r);
    struct message *m = download_by_us(s, record_eid(s, OF_NOBODY), SPARE);
    need_status(s, m, "FAILED 8.5.2/6.1|FAILED 8.6/6.1|FAILED 8.5.2/6.3");
    need(s, relay_place(s, &r, "ES3-CreateISDP", NULL, 0) == SIZE_MAX, "an ISD-P is created all the same");
}

static const struct server_case cases[] = {
    CASE(15, "download", "7.6", "an ISD-P is created", isdp_created),
    CASE(16, "download", "7.6", "an ICCID that another eUICC has", iccid_elsewhere),
    CASE(17, "download", "7.6", "more memory than the eUICC has left", too_much_memory),
    CASE(18, "download", "7.6", "the card itself has no memory left", card_has_no_memory),
    CASE(19, "download", "7.6", "an ISD-P on an unknown eUICC", create_unknown_eid),
    CASE(20, "download", "7.7", "data for an unknown security domain", sd_unknown),
    CASE(21, "download", "7.7", "data for a security domain of another eUICC", sd_elsewhere),
    CASE(22, "download", "7.7", "the card refuses a command", card_refuses_data),
    WAITS(23, "download", "7.7", "forty long segments in one message, by SMS", long_package),
    WAITS(24, "download", "7.7", "more to do: one session", more_to_do),
    CASE(25, "download", "7.8", "a download is completed with type, address and POL2", completed),
    CASE(26, "download", "7.8", "a meaningless POL2 is refused", completed_with_nonsense),
    CASE(27, "download", "8.3", "a download by ICCID, not enabled", downloaded),
    CASE(28, "download", "8.3", "a download that enables", downloaded_and_enabled),
    CASE(29, "download", "8.3", "POL2 of the enabled profile forbids the enabling", enable_refused),
    CASE(30, "download", "7.5", "neither ICCID nor profile type", neither_named),
    CASE(31, "download", "7.5", "an unknown profile type", type_unknown),
    CASE(32, "download", "7.5", "a profile type of another operator", type_of_another),
    CASE(33, "download", "7.5", "an ICCID of another operator", iccid_of_another),
    CASE(34, "download", "8.3", "a wrong receipt ends in deletion", wrong_receipt),
    CASE(35, "download", "8.3", "a left-over ISD-P is deleted first", rest_is_cleaned),
    CASE(36, "download", "8.3", "POL1 forbids the deletion: the download was complete", pol1_keeps_it),
    CASE(37, "download", "8.3", "an ECASD certificate of another CI", ecasd_of_another_ci),
};
const struct server_group server_download_group = { cases, ARRAY_LEN(cases) };
