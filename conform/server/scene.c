#include <string.h>

#include "cases.h"
#include "lab.h"
#include "lib/io/file.h"
#include "tap.h"

static const char *must(struct stage *s, const char *text, const char *kind, const char *name)
{
    if (!text)
        skip(s, "the target has no [%s %s]", kind, name);
    return text;
}

const char *card_eid(struct stage *s, enum card c)
{
    const char *eid = must(s, s->target.cards[c].eid, "euicc", card_text(c));
    s->touched[c] = true;
    return eid;
}

const char *card_iccid(struct stage *s, enum card c) { return must(s, s->target.cards[c].iccid, "euicc", card_text(c)); }

const char *order_iccid(struct stage *s, enum order o)
{
    return must(s, s->target.orders[o].iccid, "profile", order_text(o));
}

const char *order_type(struct stage *s, enum order o)
{
    return must(s, s->target.orders[o].type, "profile", order_text(o));
}

const char *file_text(struct stage *s, const char *path)
{
    struct span file;
    if (file_read(path, 1u << 20, &s->arena, &file) != ERR_NONE)
        fail(s, "%s cannot be read", path);
    return (const char *)file.ptr;
}

const char *record_xml(struct stage *s, enum record r)
{
    return file_text(s, must(s, s->target.records[r], "eis", record_text(r)));
}

/* The '<' of the first start tag of that local name. */
static const char *tag_at(struct stage *s, const char *xml, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = strchr(xml, '<'); at; at = strchr(at + 1, '<')) {
        const char *end = at + 1 + strcspn(at + 1, " >/"), *colon = memchr(at, ':', (size_t)(end - at));
        const char *local = colon ? colon + 1 : at + 1;
        if ((size_t)(end - local) == len && !memcmp(local, name, len))
            return at;
    }
    fail(s, "there is no element %s", name);
}

const char *xml_with(struct stage *s, const char *xml, const char *name, const char *text)
{
    const char *from = strchr(tag_at(s, xml, name), '>') + 1, *to = strchr(from, '<');
    return textf(s, "%.*s%s%s", (int)(from - xml), xml, text, to ? to : "");
}

const char *xml_before(struct stage *s, const char *xml, const char *name, const char *what)
{
    const char *at = tag_at(s, xml, name);
    return textf(s, "%.*s%s%s", (int)(at - xml), xml, what, at);
}

const char *record_eid(struct stage *s, enum record r)
{
    const char *at = strstr(record_xml(s, r), "Eid>");
    if (!at)
        fail(s, "the record %s has no Eid", record_text(r));
    return textf(s, "%.32s", at + 4);
}

/* The same with another serial number, its check digits made anew (ISO 7064 MOD 97-10). */
const char *no_eid(struct stage *s)
{
    const char *eid = card_eid(s, CARD);
    char *body = textf(s, "%.22s9999999900", eid);
    unsigned rest = 0;
    for (size_t i = 0; i < 32; i++)
        rest = (rest * 10 + (unsigned)(body[i] - '0')) % 97;
    return textf(s, "%.30s%02u", body, 98 - rest);
}

/* ---- profiles of a card ---- */

enum role order_owner(enum order o) { return o == TRACKER ? OP2 : o == RELAYED ? OP3 : OP1; }

struct message *eis_seen(struct stage *s, enum role by, enum card c)
{
    return ask(s, by, SM_SR, "ES4-GetEIS", "<Eid>%s</Eid>", card_eid(s, c));
}

static struct _xmlNode *profile_node(struct stage *s, const struct message *m, const char *iccid)
{
    struct _xmlNode *n;
    for (size_t i = 0; (n = node_at(m, "Eis/ProfileInfo", i)) != NULL; i++)
        if (!strcmp(node_value(s, n, "Iccid"), iccid))
            return n;
    return NULL;
}

struct view profile_in(struct stage *s, const struct message *m, const char *iccid)
{
    struct _xmlNode *n = profile_node(s, m, iccid);
    if (!n)
        return (struct view){ .state = "" };
    const char *fallback = node_value(s, n, "FallbackAttribute");
    return (struct view){ .state = node_value(s, n, "State"),
                          .aid = node_value(s, n, "Isd-p-aid"),
                          .fallback = fallback && (!strcmp(fallback, "true") || !strcmp(fallback, "1")),
                          .has_pol2 = node_value(s, n, "pol2/Rule") != NULL };
}

struct view profile_view(struct stage *s, enum card c, enum order o)
{
    return profile_in(s, eis_seen(s, order_owner(o), c), order_iccid(s, o));
}

struct view factory_view(struct stage *s, enum card c) { return profile_in(s, eis_seen(s, START, c), card_iccid(s, c)); }

struct message *by_smdp(struct stage *s, enum order o, enum card c, const char *what)
{
    const char *eid = card_eid(s, c), *iccid = order_iccid(s, o), *smsr = server_oid(s, SM_SR);
    if (!strcmp(what, "DeleteProfile"))
        return ask(s, order_owner(o), SM_DP, "ES2-DeleteProfile", EID_ICCID "<Smsr-id>%s</Smsr-id>", eid, iccid, smsr);
    const char *tag = strcmp(what, "EnableProfile") ? "Smsr-id" : "SmSr-id";
    return ask(s, order_owner(o), SM_DP, textf(s, "ES2-%s", what), "<Eid>%s</Eid><%s>%s</%s><Iccid>%s</Iccid>", eid, tag, smsr,
               tag, iccid);
}

struct message *owner_asks(struct stage *s, enum order o, enum card c, const char *what)
{
    if (order_owner(o) == OP3)
        return by_smdp(s, o, c, what);
    return ask(s, order_owner(o), SM_SR, textf(s, "ES4-%s", what), EID_ICCID, card_eid(s, c), order_iccid(s, o));
}

struct message *download(struct stage *s, enum card c, enum order o, bool enable)
{
    static const struct wish wish = { .validity_s = 30 };
    return ask_with(s, &wish, order_owner(o), SM_DP, "ES2-DownloadProfile",
                    "<Eid>%s</Eid><SmSr-id>%s</SmSr-id><Iccid>%s</Iccid><EnableProfile>%s</EnableProfile>", card_eid(s, c),
                    server_oid(s, SM_SR), order_iccid(s, o), enable ? "true" : "false");
}

static void enable_factory(struct stage *s, enum card c)
{
    need_success(s, ask(s, START, SM_SR, "ES4-EnableProfile", EID_ICCID, card_eid(s, c), card_iccid(s, c)));
}

void scene_profile(struct stage *s, enum card c, enum order o, const char *state)
{
    struct view v = profile_view(s, c, o);
    if (!*v.state && *state) {
        need_success(s, download(s, c, o, false));
        v = profile_view(s, c, o);
    }
    if (!strcmp(v.state, state))
        return;
    if (!strcmp(v.state, "Enabled"))
        enable_factory(s, c);
    if (!strcmp(state, "Enabled"))
        need_success(s, owner_asks(s, o, c, "EnableProfile"));
    if (!*state)
        need_success(s, by_smdp(s, o, c, "DeleteProfile")); /* it may be downloaded again then */
    v = profile_view(s, c, o);
    need(s, !strcmp(v.state, state), "the scene cannot be set: %s is %s, not %s", order_text(o), v.state, state);
}

struct message *pol2_set(struct stage *s, enum card c, enum order o, const char *rules)
{
    return ask(s, order_owner(o), SM_SR, "ES4-UpdatePolicyRules", EID_ICCID "<pol2>%s</pol2>", card_eid(s, c), order_iccid(s, o),
               rules);
}

void need_state(struct stage *s, enum card c, enum order o, const char *state)
{
    struct view v = profile_view(s, c, o);
    need(s, !strcmp(v.state, state), "%s is \"%s\", not \"%s\"", order_text(o), v.state, state);
}

void need_factory(struct stage *s, enum card c, const char *state)
{
    struct view v = factory_view(s, c);
    need(s, !strcmp(v.state, state), "the factory profile is \"%s\", not \"%s\"", v.state, state);
}

struct message *plma_set(struct stage *s, enum role by, enum role sp, const char *type, const char *operations)
{
    const char *list = "", *whom = role_oid(s, sp);
    s->rights_given |= sp == M2M;
    for (const char *at = operations; *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        list = textf(s, "%s<AuthorisedOperation>%.*s</AuthorisedOperation>", list, (int)len, at);
        at += len;
    }
    return ask(s, by, SM_SR, "ES4A-SetPLMA",
               "<Plma><Mno-id>%s</Mno-id><ProfileType>%s</ProfileType><M2m-sp-id>%s</M2m-sp-id>%s</Plma>", role_oid(s, by), type, whom, list);
}

/* ---- before and after ---- */

void scene_open(struct stage *s)
{
    need_success(s, eis_seen(s, START, CARD));
    memset(s->touched, 0, sizeof s->touched);
}

static void rules_away(struct stage *s, enum card c)
{
    static const enum role owners[] = { START, OP1, OP2, OP3 };
    for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
        if (!s->target.roles[owners[i]].oid)
            continue;
        struct message *m = eis_seen(s, owners[i], c);
        struct _xmlNode *n;
        for (size_t k = 0; (n = node_at(m, "Eis/ProfileInfo", k)) != NULL; k++)
            if (node_value(s, n, "pol2/Rule"))
                need_success(s, ask(s, owners[i], SM_SR, "ES4-UpdatePolicyRules", EID_ICCID "<pol2/>", card_eid(s, c),
                                    node_value(s, n, "Iccid")));
    }
}

/* ISD-Ps that the SM-DP of the runner left behind. */
static void rest_away(struct stage *s, enum card c)
{
    for (size_t i = 0; s->target.roles[DP].oid && i < s->made_count; i++)
        (void)ask(s, DP, SM_SR, "ES3-DeleteISDP", EID_ICCID, card_eid(s, c), s->made[i]);
}

/* The fall-back attribute to the factory profile again, and no rights that a case gave. */
static void fallback_back(struct stage *s, enum card c)
{
    const char *type = s->target.orders[METER].type;
    if (!type || factory_view(s, c).fallback)
        return;
    need_success(s, plma_set(s, OP1, START, type, "UnsetFallBackAttribute"));
    need_success(s, ask(s, START, SM_SR, "ES4-SetFallBackAttribute", EID_ICCID, card_eid(s, c), card_iccid(s, c)));
    need_success(s, plma_set(s, OP1, START, type, ""));
    need_success(s, plma_set(s, START, OP1, "Factory", ""));
}

static void rights_back(struct stage *s)
{
    const char *type = s->target.orders[METER].type;
    if (!s->rights_given || !type)
        return;
    need_success(s, plma_set(s, OP1, M2M, type, ""));
    need_success(s, ask(s, OP1, SM_SR, "ES4A-SetONC", "<Onc><Mno-id>%s</Mno-id><ProfileType>%s</ProfileType></Onc>",
                        role_oid(s, OP1), type));
    s->rights_given = false;
}

static void card_back(struct stage *s, enum card c)
{
    if (s->lab) {
        lab_device(s, c, true);
        lab_coverage(s, c, true);
    }
    rules_away(s, c);
    if (c != CARD_WRONG && strcmp(factory_view(s, c).state, "Enabled") != 0)
        enable_factory(s, c);
    fallback_back(s, c);
    rest_away(s, c);
}

void scene_restore(struct stage *s)
{
    bool touched[CARD_COUNT];
    memcpy(touched, s->touched, sizeof touched);
    for (int r = 0; r < ROLE_COUNT; r++)
        if (s->actors[r])
            role_deaf(s, (enum role)r, false);
    for (int c = 0; c < CARD_COUNT; c++)
        if (touched[c] && c < CARD_MOVES)
            card_back(s, (enum card)c);
    rights_back(s);
    memset(s->touched, 0, sizeof s->touched);
    s->made_count = 0;
}

void scene_made(struct stage *s, const char *iccid)
{
    if (s->made_count < SCENE_MADE_MAX)
        snprintf(s->made[s->made_count++], sizeof s->made[0], "%s", iccid);
}
