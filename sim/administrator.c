#include "administrator.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "desk.h"
#include "ecosystem.h"

#define ASK_AGAIN_MS 40000u
#define LOOK_MS      30000u /* between two questions what became of it */
#define REQUEST_MAX  2048u
#define STAGE_SHIFT  32 /* a question is named by the number of its call, and its stage above that */
#define PREFIX       "/admin/v1/"
#define OWNER        "owner"
#define ADMINISTRATOR "administrator"

const char *const administration_names[ADMINISTRATION_COUNT] = {
    [ADMINISTRATION_KEYS] = "rotate-keys",
    [ADMINISTRATION_TOKEN_KEY] = "personalize with a token key",
    [ADMINISTRATION_CONNECTIVITY] = "personalize with connectivity parameters",
    [ADMINISTRATION_MASTER_DELETE] = "master-delete",
};

/* Where a call stands; TOKEN: of a Master Delete, which begins with the SM-DP. */
enum { ASK, LOOK, TOKEN };

static bool of_smdp(const struct sim_call *c)
{
    return c->administration == ADMINISTRATION_TOKEN_KEY || c->administration == ADMINISTRATION_CONNECTIVITY || c->stage == TOKEN;
}

static const char *url_of(const struct sim_call *c)
{
    return of_smdp(c) ? ECOSYSTEM_SMDP_URL : c->smsr ? ECOSYSTEM_SMSR_2_URL : ECOSYSTEM_SMSR_URL;
}

static const char *sender_of(const struct sim_call *c) { return c->administration == ADMINISTRATION_KEYS ? ADMINISTRATOR : OWNER; }

/* ---- requests */

/* Takes json. */
static void keep_request(struct sim_call *c, const char *path, json_t *json)
{
    WRITER_ON_STACK(w, REQUEST_MAX);
    char *text = json_dumps(json, JSON_COMPACT);
    desk_write(&w, "POST", path, span_text(text ? text : ""));
    free(text);
    json_decref(json);
    free(c->request);
    c->request = malloc(w.len);
    sim_must(c->request ? w.err : ERR_NO_MEMORY, "request to the administration");
    memcpy(c->request, wr_span(&w).ptr, w.len);
    c->request_len = w.len;
}

static void call_id_of(const struct sim_call *c, char out[SIM_CALL_ID_MAX]) { snprintf(out, SIM_CALL_ID_MAX, "call-%08u", c->number); }

/* With the members that every call has. */
static json_t *call_json(const struct sim_call *c, json_t *json)
{
    char id[SIM_CALL_ID_MAX];
    call_id_of(c, id);
    json_object_set_new(json, "call_id", json_string(id));
    json_object_set_new(json, "validity_s", json_integer(c->validity_s));
    return json;
}

void administrator_write(struct sim_call *c)
{
    const struct sim_card *card = &c->e->cards[c->card];
    char path[120], eid[EID_TEXT_SIZE];
    const char *iccid = card->profiles[c->profile].iccid.digits;
    switch (c->administration) {
    case ADMINISTRATION_KEYS:
        snprintf(path, sizeof path, PREFIX "euiccs/%s/rotate-keys", eid_text(&card->eid, eid));
        keep_request(c, path, call_json(c, json_object()));
        break;
    case ADMINISTRATION_TOKEN_KEY:
        snprintf(path, sizeof path, PREFIX "profiles/%s/personalize", iccid);
        keep_request(c, path, call_json(c, json_pack("{s:b}", "token", 1)));
        break;
    case ADMINISTRATION_CONNECTIVITY:
        snprintf(path, sizeof path, PREFIX "profiles/%s/personalize", iccid);
        keep_request(c, path, call_json(c, json_pack("{s:s}", "connectivity", "A0080606919979010000")));
        break;
    default:
        c->stage = TOKEN;
        snprintf(path, sizeof path, PREFIX "profiles/%s/delete-token", iccid);
        keep_request(c, path, json_object());
    }
}

void administrator_post(struct sim_call *c)
{
    WRITER_ON_STACK(look, 120);
    char path[80], id[SIM_CALL_ID_MAX];
    struct effect effect = { .id = (int64_t)c->stage << STAGE_SHIFT | (c->number + 1), .to = url_of(c), .body = { c->request, c->request_len } };
    if (c->stage == LOOK) {
        call_id_of(c, id);
        snprintf(path, sizeof path, PREFIX "calls/%s", id);
        desk_write(&look, "GET", path, SPAN_NONE);
        effect.body = wr_span(&look);
    }
    eid_text(&c->e->cards[c->card].eid, effect.line);
    world_post(c->e->world, sender_of(c), &effect);
}

void administrator_repeat(struct sim_call *c)
{
    c->stage = ASK;
    administrator_post(c);
}

static void post_later(void *context, uint64_t argument)
{
    struct sim_call *c = context;
    (void)argument;
    if (!c->refused && (!c->answers || c->repeated))
        administrator_post(c);
}

static void later(struct sim_call *c, uint32_t ms)
{
    clockwork_plan(world_time(c->e->world), world_now(c->e->world) + ms, post_later, c, 0);
}

/* ---- answers */

static const char *text_in(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

/* The token is for the SM-SR, with what stands beside it. */
static void take_token(struct sim_call *c, const json_t *token)
{
    static const char *const members[] = { "iccid", "isdp_aid", "sin", "sdin", "provider", "token_id", "token" };
    char path[120];
    json_t *json = json_object();
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        json_object_set_new(json, members[i], json_string(text_in(token, members[i])));
    snprintf(path, sizeof path, PREFIX "euiccs/%s/master-delete", text_in(token, "eid"));
    c->stage = ASK;
    keep_request(c, path, call_json(c, json));
    administrator_post(c);
}

static void take_outcome(struct sim_call *c, const json_t *json, struct span octets)
{
    struct status status = { 0 };
    if (strcmp(text_in(json, "state"), "done") != 0) {
        later(c, LOOK_MS);
        return;
    }
    sim_must(exec_status_from_xml(span_text(text_in(json, "status")), &status.exec), "outcome of a call of the administration");
    snprintf(status.subject, sizeof status.subject, "%s", text_in(json, "subject"));
    snprintf(status.code, sizeof status.code, "%s", text_in(json, "reason"));
    snprintf(status.detail, sizeof status.detail, "%s", text_in(json, "message"));
    operator_call_answered(c, &status, world_now(c->e->world), octets);
}

static void take(struct sim_call *c, const json_t *json, struct span octets)
{
    if (c->stage == TOKEN)
        take_token(c, json);
    else if (c->stage == LOOK)
        take_outcome(c, json, octets);
}

static void refused(struct sim_call *c, int status, const json_t *json)
{
    struct status s = { .exec = EXECUTED_FAILED };
    snprintf(s.detail, sizeof s.detail, "HTTP %d %.100s", status, text_in(json, "error"));
    operator_call_refused(c, &s);
}

void administrator_hears(struct sim_call *c, int status, struct span body)
{
    json_t *json = body.len ? json_loadb((const char *)body.ptr, body.len, 0, NULL) : NULL;
    if (status == 202 && c->stage == ASK) {
        c->accepted = true;
        c->stage = LOOK;
        later(c, LOOK_MS);
    } else if (status == 200) {
        take(c, json, body);
    } else if (status >= 400 && status < 500 && !c->accepted) {
        refused(c, status, json);
    } else if (status != 202) { /* a call that was accepted and is not known is asked after until the judge says so */
        later(c, ASK_AGAIN_MS);
    }
    json_decref(json);
}

/* ---- who, and what */

static void http_answered(void *role, int64_t id, int status, struct span body)
{
    struct ecosystem *e = role;
    int64_t number = id & (((int64_t)1 << STAGE_SHIFT) - 1);
    struct sim_call *c = number >= 1 && number <= e->mno.call_count ? e->mno.calls[number - 1] : NULL;
    if (c && id >> STAGE_SHIFT == (int64_t)c->stage) /* a doubled question of an earlier stage is answered late */
        administrator_hears(c, status, body);
}

static void nothing_for_us(void *role, const char *sender, struct span body, struct reply_ref reply)
{
    struct ecosystem *e = role;
    (void)sender;
    (void)body;
    world_reply(e->world, &(struct effect){ .kind = EFFECT_REPLY, .reply = reply, .status = 404 });
}

void administrator_join(struct ecosystem *e)
{
    world_add_node(e->world, &(struct soap_node){ .name = OWNER, .url = "https://owner.sim", .oid = ecosystem_oid_text(ECOSYSTEM_OPERATOR),
                                                  .role = e, .soap = nothing_for_us, .answered = http_answered });
    world_add_node(e->world, &(struct soap_node){ .name = ADMINISTRATOR, .url = "https://administrator.sim", .oid = ADMINISTRATOR_OID,
                                                  .role = e, .soap = nothing_for_us, .answered = http_answered });
}

/* A loaded profile, for a Master Delete one that is not enabled, as far as the operator knows; SIM_PROFILES_MAX: there is none. */
static unsigned pick(struct ecosystem *e, const struct sim_card *card, bool disabled)
{
    unsigned count = 0, found[SIM_PROFILES_MAX];
    int enabled = -1;
    operator_knows(&card->told, &enabled);
    for (unsigned i = 0; i < e->options.profile_count; i++)
        if (card->profiles[i].loaded && !(disabled && enabled == (int)i))
            found[count++] = i;
    return count ? found[chance_below(world_chance(e->world), count)] : SIM_PROFILES_MAX;
}

struct question administrator_chooses(struct ecosystem *e, unsigned card)
{
    static const enum administration table[] = { ADMINISTRATION_KEYS, ADMINISTRATION_KEYS, ADMINISTRATION_TOKEN_KEY,
                                                 ADMINISTRATION_CONNECTIVITY, ADMINISTRATION_MASTER_DELETE, ADMINISTRATION_MASTER_DELETE };
    enum administration what = table[chance_below(world_chance(e->world), ARRAY_LEN(table))];
    unsigned profile = pick(e, &e->cards[card], what == ADMINISTRATION_MASTER_DELETE);
    if (profile == SIM_PROFILES_MAX)
        return (struct question){ .administration = ADMINISTRATION_KEYS };
    return (struct question){ .administration = what, .profile = profile };
}
