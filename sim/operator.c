#include "operator.h"

#include <stdio.h>
#include <stdlib.h>

#include "administrator.h"
#include "ecosystem.h"

#define ASK_AGAIN_MS 40000u

static void ask(void *context, uint64_t argument);
static void next_question(void *context, uint64_t card);

/* ---- the message ---- */

static enum ecosystem_entity smsr_entity(unsigned which) { return which ? ECOSYSTEM_SMSR_2 : ECOSYSTEM_SMSR; }
static bool is_es2(enum es_function f) { return es_function_info(f)->number == ES_IF_ES2; }
static bool is_change(enum es_function f) { return f == ES4_PREPARE_SMSR_CHANGE || f == ES4_SMSR_CHANGE; }

static const void *body_of(struct sim_call *c, struct arena *arena, const char *id)
{
    const struct sim_card *card = &c->e->cards[c->card];
    struct es_request base = { .call_id = span_text(id), .validity_s = c->validity_s };
    if (c->function == ES2_DOWNLOAD_PROFILE) {
        struct es2_download_profile *b = ARENA_NEW(arena, struct es2_download_profile);
        *b = (struct es2_download_profile){ .base = base, .eid = card->eid, .smsr_id = ecosystem_oid(smsr_entity(c->smsr)),
                                            .iccid = card->profiles[c->profile].iccid, .enable = c->enable };
        return b;
    }
    if (c->function == ES4_AUDIT_EIS || c->function == ES2_AUDIT_EIS) {
        struct es_audit_request *b = ARENA_NEW(arena, struct es_audit_request);
        *b = (struct es_audit_request){ .base = base, .eid = card->eid, .smsr_id = ecosystem_oid(smsr_entity(c->smsr)) };
        return b;
    }
    if (is_change(c->function)) { /* the new one hears of the old one, the old one of the new one */
        struct es_eid_request *b = ARENA_NEW(arena, struct es_eid_request);
        *b = (struct es_eid_request){ .base = base, .eid = card->eid, .smsr_id = ecosystem_oid(smsr_entity(1 - c->smsr)) };
        return b;
    }
    struct es_profile_request *b = ARENA_NEW(arena, struct es_profile_request);
    *b = (struct es_profile_request){ .base = base, .eid = card->eid, .iccid = card->profiles[c->profile].iccid };
    return b;
}

static const char *url_of(const struct sim_call *c)
{
    if (is_es2(c->function))
        return ECOSYSTEM_SMDP_URL "/esim-messaging/3/ES2/ES2SmDpService";
    return c->smsr ? ECOSYSTEM_SMSR_2_URL "/esim-messaging/3/ES4/ES4SmSrService" : ECOSYSTEM_SMSR_URL "/esim-messaging/3/ES4/ES4SmSrService";
}

static void write_request(struct sim_call *c)
{
    struct arena arena;
    struct span soap;
    char id[SIM_CALL_ID_MAX];
    bool es2 = is_es2(c->function);
    arena_init(&arena, 1u << 18);
    snprintf(id, sizeof id, "call-%08u", c->number);
    world_mark(c->e->world, (int)c->card, id);
    struct es_message m = { .function = c->function, .kind = ES_REQUEST, .body = body_of(c, &arena, id) };
    m.wsa.from = (struct wsa_endpoint){ .entity_id = ecosystem_oid(ECOSYSTEM_OPERATOR) };
    m.wsa.from.address = span_text(es2 ? ECOSYSTEM_OPERATOR_URL "/esim-messaging/3/ES2/ES2MnoService"
                                       : ECOSYSTEM_OPERATOR_URL "/esim-messaging/3/ES4/ES4MnoService");
    m.wsa.reply_to = m.wsa.from;
    m.wsa.to = (struct wsa_endpoint){ .address = span_text(url_of(c)),
                                      .entity_id = ecosystem_oid(es2 ? ECOSYSTEM_SMDP : smsr_entity(c->smsr)) };
    sim_must(wsa_message_id_make(&arena, &m.wsa.from.entity_id, span_text(id), SPAN_NONE, SPAN_NONE, world_now(c->e->world), '?',
                                 &m.wsa.message_id), "MessageID");
    sim_must(es_encode(&m, &arena, &soap), "operator's request");
    c->request = malloc(soap.len);
    sim_must(c->request ? ERR_NONE : ERR_NO_MEMORY, "request");
    memcpy(c->request, soap.ptr, soap.len);
    c->request_len = soap.len;
    arena_release(&arena);
}

static void post(struct sim_call *c)
{
    if (c->administration) {
        administrator_post(c);
        return;
    }
    struct effect effect = { .id = c->number + 1, .to = url_of(c), .body = { c->request, c->request_len } };
    eid_text(&c->e->cards[c->card].eid, effect.line);
    world_post(c->e->world, "operator", &effect);
}

static void ask(void *context, uint64_t argument)
{
    struct sim_call *c = context;
    (void)argument;
    if (c->answers || c->refused || (c->accepted && !c->repeated))
        return;
    c->tries++;
    post(c);
    if (chance_permille(world_fate(c->e->world), c->e->mno.programme.twice_permille))
        post(c);
}

/* ---- programmes ---- */

static struct sim_call *call_new(struct ecosystem *e, unsigned card, struct question q)
{
    struct sim_operator *o = &e->mno;
    if (o->call_count == o->call_cap) {
        o->call_cap = o->call_cap ? 2 * o->call_cap : 256;
        o->calls = realloc(o->calls, o->call_cap * sizeof *o->calls);
    }
    struct sim_call *c = o->calls ? calloc(1, sizeof *c) : NULL;
    sim_must(c ? ERR_NONE : ERR_NO_MEMORY, "call");
    const struct programme *p = &o->programme;
    *c = (struct sim_call){ .e = e, .number = o->call_count, .card = card, .function = q.function, .profile = q.profile,
                            .enable = q.enable, .administration = q.administration, .asked_ms = world_now(e->world) };
    c->smsr = e->cards[card].smsr ^ (q.function == ES4_PREPARE_SMSR_CHANGE);
    c->validity_s = p->validity_min_s + chance_below(world_chance(e->world), p->validity_max_s - p->validity_min_s + 1);
    o->calls[o->call_count++] = c;
    if (q.administration)
        administrator_write(c);
    else
        write_request(c);
    return c;
}

static unsigned pick(struct ecosystem *e, const struct sim_card *card, bool loaded)
{
    unsigned count = 0, found[SIM_PROFILES_MAX];
    for (unsigned i = 0; i < e->options.profile_count; i++)
        if (card->profiles[i].loaded == loaded && !(card->profiles[i].asked && !loaded))
            found[count++] = i;
    return count ? found[chance_below(world_chance(e->world), count)] : SIM_PROFILES_MAX;
}

static struct question choose(struct ecosystem *e, const struct sim_card *card)
{
    static const struct { uint32_t below; enum es_function function; } table[] = {
        { 45, ES4_ENABLE_PROFILE }, { 70, ES4_DISABLE_PROFILE }, { 80, ES4_DELETE_PROFILE }, { 100, ES4_AUDIT_EIS }
    };
    static const enum es_function rare[] = { ES4_SET_FALLBACK_ATTRIBUTE, ES4_SET_FALLBACK_ATTRIBUTE, ES4_SET_EMERGENCY_PROFILE_ATTRIBUTE,
                                             ES2_AUDIT_EIS, ES2_AUDIT_EIS, ES2_AUDIT_EIS };
    struct chance *chance = world_chance(e->world);
    if (card->moving || card->prepared)
        return (struct question){ ES4_SMSR_CHANGE, 0, false };
    if (e->other && chance_below(chance, 4) == 0)
        return (struct question){ ES4_PREPARE_SMSR_CHANGE, 0, false };
    unsigned fresh = pick(e, card, false), loaded = pick(e, card, true);
    bool enable = chance_below(chance, 2) || e->mno.programme.download_only;
    if (fresh < SIM_PROFILES_MAX && (loaded == SIM_PROFILES_MAX || e->mno.programme.fill || chance_below(chance, 4) == 0))
        return (struct question){ ES2_DOWNLOAD_PROFILE, fresh, enable };
    if (e->mno.programme.all_functions && chance_below(chance, 3) == 0)
        return (struct question){ rare[chance_below(chance, ARRAY_LEN(rare))], loaded < SIM_PROFILES_MAX ? loaded : 0, false };
    uint32_t draw = chance_below(chance, 100);
    size_t i = 0;
    while (draw >= table[i].below)
        i++;
    return loaded < SIM_PROFILES_MAX ? (struct question){ table[i].function, loaded, enable } : (struct question){ ES4_AUDIT_EIS, 0, enable };
}

static void book(struct ecosystem *e, unsigned card, enum es_function function)
{
    struct sim_device *d = e->cards[card].device;
    d->account = &e->usage[function];
    d->accounts = e->by_radio[function];
    if (!function)
        return;
    e->usage[function].operations++;
    if (d->serving)
        d->accounts[d->serving->kind].operations++;
}

struct sim_call *operator_ask(struct ecosystem *e, unsigned card, struct question q)
{
    if (q.function == ES2_DOWNLOAD_PROFILE)
        e->cards[card].profiles[q.profile].asked = true;
    struct sim_call *call = call_new(e, card, q);
    book(e, card, q.function);
    ask(call, 0);
    return call;
}

static struct question question_for(struct ecosystem *e, unsigned card)
{
    struct sim_card *c = &e->cards[card];
    const struct programme *p = &e->mno.programme;
    if (p->script)
        return p->script[p->functions - c->functions_left];
    if (p->administration_permille && !c->moving && !c->prepared && chance_permille(world_chance(e->world), p->administration_permille))
        return administrator_chooses(e, card);
    return choose(e, c);
}

static void next_question(void *context, uint64_t card)
{
    struct ecosystem *e = context;
    struct sim_card *c = &e->cards[card];
    if (e->mno.stopped || c->functions_left == 0)
        return;
    struct sim_call *call = operator_ask(e, (unsigned)card, question_for(e, (unsigned)card));
    c->functions_left--;
    if (chance_permille(world_fate(e->world), e->mno.programme.together_permille))
        clockwork_plan(world_time(e->world), world_now(e->world) + chance_below(world_fate(e->world), 60000), next_question, e, card);
    else
        call->end_ms = 1; /* the next one waits for it */
}

void operator_begin(struct ecosystem *e, const struct programme *programme)
{
    e->mno.programme = *programme;
    for (unsigned i = 0; i < e->options.card_count; i++) {
        e->cards[i].functions_left = programme->functions;
        uint64_t at = world_now(e->world) + chance_below(world_chance(e->world), programme->spread_ms + 1);
        clockwork_plan(world_time(e->world), at, next_question, e, i);
    }
}

bool operator_content(void *ecosystem)
{
    struct ecosystem *e = ecosystem;
    struct sim_operator *o = &e->mno;
    while (o->done_cards < o->call_count && (o->calls[o->done_cards]->answers || o->calls[o->done_cards]->refused))
        o->done_cards++; /* calls, in their order */
    if (o->done_cards < o->call_count)
        return false;
    for (unsigned i = 0; i < e->options.card_count; i++)
        if (e->cards[i].functions_left)
            return false;
    return true;
}

/* ---- what the operator is told ---- */

static void later(uint64_t *at, uint64_t ms) { *at = ms > *at ? ms : *at; }

static void hear_enabled(struct sim_told *told, unsigned profile, uint64_t ms)
{
    for (unsigned i = 0; i < SIM_PROFILES_MAX; i++)
        later(i == profile ? &told->on_ms[i] : &told->off_ms[i], ms);
}

/* Something else was told of the time in which it ran. */
static bool is_crossed(const struct sim_told *told, unsigned profile)
{
    const struct sim_told_download *d = &told->loaded[profile];
    for (unsigned i = 0; i < SIM_PROFILES_MAX; i++) {
        const struct sim_told_download *other = &told->loaded[i];
        bool overlaps = i != profile && other->enabled && other->end_ms >= d->asked_ms && other->asked_ms <= d->end_ms;
        if (overlaps || (told->on_ms[i] >= d->asked_ms && told->on_ms[i] <= d->end_ms) ||
            (told->off_ms[i] >= d->asked_ms && told->off_ms[i] <= d->end_ms))
            return true;
    }
    return false;
}

bool operator_knows(const struct sim_told *told, int *ret_profile)
{
    struct sim_told all = *told; /* notifications may come behind the answer to the download that they cross */
    for (unsigned i = 0; i < SIM_PROFILES_MAX; i++) {
        if (!told->loaded[i].enabled)
            continue;
        if (is_crossed(told, i))
            later(&all.doubt_ms, told->loaded[i].end_ms);
        hear_enabled(&all, i, told->loaded[i].end_ms);
    }
    bool known = !all.doubt_ms;
    *ret_profile = -1;
    for (unsigned i = 0; i < SIM_PROFILES_MAX; i++) {
        known |= all.on_ms[i] > all.doubt_ms;
        if (all.on_ms[i] > all.off_ms[i])
            *ret_profile = (int)i;
    }
    return known;
}

bool operator_knows_loaded(const struct sim_told *told, unsigned profile, bool *ret_loaded)
{
    const struct sim_told_download *d = &told->loaded[profile];
    uint64_t gone_ms = told->gone_ms[profile];
    *ret_loaded = d->end_ms > gone_ms;
    return !d->end_ms || gone_ms < d->asked_ms || gone_ms > d->end_ms;
}

static void hear_answer(const struct sim_call *c)
{
    struct sim_told *told = &c->e->cards[c->card].told;
    if (c->function == ES2_DOWNLOAD_PROFILE && c->enable && c->status.exec == EXECUTED_WITH_WARNING)
        later(&told->doubt_ms, c->end_ms); /* it is loaded; what the warning is about it has to look up */
    if (c->status.exec != EXECUTED_SUCCESS && c->status.exec != EXECUTED_WITH_WARNING)
        return;
    if (c->function == ES2_DOWNLOAD_PROFILE && c->end_ms > told->loaded[c->profile].end_ms)
        told->loaded[c->profile] =
            (struct sim_told_download){ c->asked_ms, c->end_ms, c->enable && c->status.exec == EXECUTED_SUCCESS };
    if (c->function == ES4_DELETE_PROFILE)
        later(&told->gone_ms[c->profile], c->end_ms);
    if (c->function == ES4_ENABLE_PROFILE)
        hear_enabled(told, c->profile, c->end_ms);
    if (c->function == ES4_DISABLE_PROFILE || c->function == ES4_DELETE_PROFILE)
        later(&told->off_ms[c->profile], c->end_ms);
}

static void hear_notification(struct ecosystem *e, const struct es_message *m)
{
    bool enabled = m->function == ES4_PROFILE_ENABLED_NOTIFICATION || m->function == ES2_PROFILE_ENABLED_NOTIFICATION;
    bool deleted = m->function == ES4_PROFILE_DELETED_NOTIFICATION || m->function == ES2_PROFILE_DELETED_NOTIFICATION;
    bool disabled = m->function == ES4_PROFILE_DISABLED_NOTIFICATION || m->function == ES2_PROFILE_DISABLED_NOTIFICATION || deleted;
    const struct es_profile_notification *n = m->body;
    e->mno.notifications++;
    for (unsigned i = 0; (enabled || disabled) && i < e->options.card_count; i++)
        for (unsigned p = 0; eid_eq(&e->cards[i].eid, &n->eid) && p < e->options.profile_count; p++)
            if (iccid_eq(&e->cards[i].profiles[p].iccid, &n->iccid)) {
                if (enabled)
                    hear_enabled(&e->cards[i].told, p, n->completed_ms);
                else
                    later(&e->cards[i].told.off_ms[p], n->completed_ms);
                if (deleted)
                    later(&e->cards[i].told.gone_ms[p], n->completed_ms);
            }
}

/* ---- answers ---- */

/* After EXPIRED the one or the other manages it; the same change once more settles it (docs/sm-sr-change.md). */
static void learn_change(struct sim_call *c, struct sim_card *card, bool ok)
{
    bool gone = card->moving && !ok && !strcmp(c->status.subject, "8.1.1") && !strcmp(c->status.code, "1.1");
    card->prepared = c->function == ES4_PREPARE_SMSR_CHANGE && ok;
    if (c->function != ES4_SMSR_CHANGE || c->smsr != card->smsr)
        return;
    card->moving = c->status.exec == EXECUTED_EXPIRED;
    if (ok || gone)
        card->smsr = 1 - c->smsr;
}

static void learn(struct sim_call *c)
{
    struct sim_card *card = &c->e->cards[c->card];
    bool ok = c->status.exec == EXECUTED_SUCCESS || c->status.exec == EXECUTED_WITH_WARNING;
    if (is_change(c->function))
        learn_change(c, card, ok);
    if (c->function == ES2_DOWNLOAD_PROFILE)
        card->profiles[c->profile].loaded |= ok;
    if (c->function == ES2_DOWNLOAD_PROFILE && !ok)
        card->profiles[c->profile].asked = false;
    if ((c->function == ES4_DELETE_PROFILE || c->administration == ADMINISTRATION_MASTER_DELETE) && ok)
        card->profiles[c->profile].loaded = false;
}

static void go_on(struct sim_call *c, bool waited)
{
    struct ecosystem *e = c->e;
    book(e, c->card, ES_FUNCTION_NONE);
    if (waited)
        clockwork_plan(world_time(e->world), world_now(e->world) + chance_below(world_chance(e->world), e->mno.programme.think_max_ms + 1),
                       next_question, e, c->card);
}

void operator_call_answered(struct sim_call *c, const struct status *status, uint64_t end_ms, struct span octets)
{
    uint8_t digest[32];
    char text[160];
    sim_must(sha256(octets, digest), "digest");
    if (c->answers++ || c->refused) {
        c->different += memcmp(digest, c->digest, sizeof digest) != 0;
        return;
    }
    bool waited = c->end_ms == 1;
    memcpy(c->digest, digest, sizeof digest);
    c->status = *status;
    c->end_ms = end_ms;
    c->answered_ms = world_now(c->e->world);
    world_say(c->e->world, "operator: %s", operator_call_text(c, text));
    world_arrow(c->e->world, (int)c->card, "operator", "", "%s", text);
    learn(c);
    hear_answer(c);
    go_on(c, waited);
}

static struct sim_call *call_of(struct ecosystem *e, struct span message_id)
{
    static const char mark[] = "call-";
    char digits[9] = "";
    const uint8_t *at = message_id.len ? memmem(message_id.ptr, message_id.len, mark, 5) : NULL;
    if (!at || at + 13 > message_id.ptr + message_id.len)
        return NULL;
    memcpy(digits, at + 5, 8);
    unsigned number = (unsigned)strtoul(digits, NULL, 10);
    return number < e->mno.call_count ? e->mno.calls[number] : NULL;
}

static void operator_soap(void *role, const char *sender, struct span body, struct reply_ref reply)
{
    struct ecosystem *e = role;
    struct arena arena;
    struct es_message m;
    struct es_fault fault;
    (void)sender;
    arena_init(&arena, 1u << 20);
    enum err err = es_decode(body, &arena, &m, &fault);
    struct sim_call *call = err == ERR_NONE && m.kind == ES_RESPONSE ? call_of(e, m.wsa.relates_to) : NULL;
    if (call)
        operator_call_answered(call, &es_response_of(&m)->status, es_response_of(&m)->end_ms, body);
    else if (err == ERR_NONE && m.kind == ES_NOTIFICATION)
        hear_notification(e, &m);
    world_reply(e->world, &(struct effect){ .kind = EFFECT_REPLY, .reply = reply, .status = err == ERR_NONE ? 202 : 400 });
    arena_release(&arena);
}

void operator_call_refused(struct sim_call *c, const struct status *status)
{
    char text[160];
    bool waited = c->end_ms == 1;
    if (c->answers || c->refused || c->accepted)
        return;
    c->refused = true;
    c->status = *status;
    c->end_ms = 0;
    world_say(c->e->world, "operator: at once: %s", operator_call_text(c, text));
    learn(c);
    go_on(c, waited);
}

static void refused(struct sim_call *c, struct span body)
{
    struct arena arena;
    struct es_message m;
    struct es_fault fault;
    arena_init(&arena, 1u << 20);
    if (es_decode(body, &arena, &m, &fault) == ERR_NONE && m.kind == ES_RESPONSE)
        operator_call_refused(c, &es_response_of(&m)->status);
    arena_release(&arena);
}

static void http_answered(void *role, int64_t id, int status, struct span body)
{
    struct ecosystem *e = role;
    struct sim_call *c = id >= 1 && id <= e->mno.call_count ? e->mno.calls[id - 1] : NULL;
    if (!c)
        return;
    if (status == 202)
        c->accepted = true;
    else if (status == 200)
        refused(c, body);
    else
        clockwork_plan(world_time(e->world), world_now(e->world) + ASK_AGAIN_MS, ask, c, 0);
}

void operator_join(struct ecosystem *e)
{
    world_add_node(e->world, &(struct soap_node){ .name = "operator", .url = ECOSYSTEM_OPERATOR_URL,
                                                  .oid = ecosystem_oid_text(ECOSYSTEM_OPERATOR), .role = e,
                                                  .soap = operator_soap, .answered = http_answered });
}

unsigned operator_settle(struct ecosystem *e)
{
    unsigned asked = 0;
    for (unsigned i = 0; i < e->options.card_count; i++)
        if (e->cards[i].moving) {
            operator_ask(e, i, (struct question){ ES4_SMSR_CHANGE, 0, false });
            asked++;
        }
    return asked;
}

void operator_repeat_all(struct ecosystem *e, uint64_t since_ms)
{
    for (unsigned i = 0; i < e->mno.call_count; i++) {
        struct sim_call *c = e->mno.calls[i];
        if (!c->accepted || !c->answers || c->asked_ms < since_ms)
            continue;
        c->repeated = true;
        c->answers = 1;
        if (c->administration)
            administrator_repeat(c);
        else
            post(c);
    }
}

void operator_done(struct ecosystem *e)
{
    for (unsigned i = 0; i < e->mno.call_count; i++) {
        free(e->mno.calls[i]->request);
        free(e->mno.calls[i]);
    }
    free(e->mno.calls);
}

const char *operator_call_text(const struct sim_call *c, char out[160])
{
    const struct es_function_info *info = c->administration ? NULL : es_function_info(c->function);
    snprintf(out, 160, "call %u, card %u, profile %u: %s.%s%s: %s %s %s %.60s", c->number, c->card, c->profile,
             info ? info->interface : "administration", info ? info->name : administration_names[c->administration], c->enable && c->function == ES2_DOWNLOAD_PROFILE ? " and enable" : "",
             c->answers || c->refused ? exec_status_xml(c->status.exec) : c->accepted ? "accepted, no answer" : "not accepted",
             c->status.subject, c->status.code, c->status.detail);
    return out;
}
