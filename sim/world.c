#include "world.h"
#include "secrets.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/crypto/openssl.h"

#define EXCHANGES_MAX 4096u

const struct weather WORLD_LAN = { .delay_min_ms = 1, .delay_max_ms = 5 };

/* A SOAP request that waits for its answer. */
struct exchange {
    bool used;
    uint32_t generation;
    const struct soap_node *from, *to;
    int64_t effect_id;
    bool watched;
    int card;
};

struct world {
    struct clockwork time;
    struct chance chance, fate;
    struct log log;
    bool verbose;
    EVP_MD_CTX *history;
    struct soap_node nodes[WORLD_NODES_MAX];
    size_t node_count;
    struct exchange exchanges[EXCHANGES_MAX];
    uint32_t generation;
    struct weather request, answer;
    struct strikes strikes;
    struct steps steps;
    const struct mute *mute; /* NULL: none is muted */
    uint32_t fault_count;
    const char *counted;
    unsigned lines;
    struct world_counts counts;
    struct secrets *secrets;
    unsigned leaks; /* lines of the log that hold one */
    int watched; /* the card of the diagram; -1: none */
    char watched_eid[40], marks[WORLD_MARKS_MAX][WORLD_MARK_MAX + 1];
    size_t mark_count;
};

struct parcel {
    struct world *world;
    const char *link;
    parcel_task *task;
    void *context;
    uint64_t argument;
    size_t len;
    uint8_t bytes[];
};

static void log_line(struct log *log, enum log_level level, const char *text)
{
    struct world *w = (struct world *)((char *)log - offsetof(struct world, log));
    w->leaks += secrets_in_text(w->secrets, span_text(text));
    w->lines += w->counted && strstr(text, w->counted);
    if (w->watched >= 0 && level >= LOG_INFO_ && strstr(text, w->watched_eid))
        world_arrow(w, w->watched, "log", "", "%.150s", text);
    if (w->verbose && level >= LOG_INFO_)
        printf("%12.3f  %s\n", (double)(w->time.now_ms - WORLD_START_MS) / 1000, text);
}

struct world *world_new(uint64_t seed)
{
    struct world *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    clockwork_init(&w->time, WORLD_START_MS);
    chance_init(&w->chance, seed);
    chance_init(&w->fate, ~seed);
    chance_feed_openssl(&w->chance);
    w->request = w->answer = WORLD_LAN;
    w->watched = -1;
    steps_init(&w->steps);
    w->steps.now_ms = &w->time.now_ms;
    w->secrets = secrets_new();
    w->log.line = log_line;
    w->history = EVP_MD_CTX_new();
    if (w->history && w->secrets && EVP_DigestInit_ex(w->history, EVP_sha256(), NULL))
        return w;
    world_free(w);
    return NULL;
}

void world_free(struct world *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->time.count; i++) /* parcels still on their way */
        if (w->time.plans[i].argument == (uint64_t)(uintptr_t)w->time.plans[i].context && w->time.plans[i].argument)
            free(w->time.plans[i].context);
    clockwork_done(&w->time);
    EVP_MD_CTX_free(w->history);
    steps_done(&w->steps);
    secrets_free(w->secrets);
    free(w);
}

static bool mute_of(const struct world *w, uint32_t n) { return w->mute && mute_has(w->mute, n); }
void world_secret(struct world *w, struct span value) { secrets_add(w->secrets, value); }
unsigned world_leaks(const struct world *w) { return w->leaks; }
bool world_tells_secret(const struct world *w, struct span octets) { return secrets_in_octets(w->secrets, octets); }
struct clockwork *world_time(struct world *w) { return &w->time; }
struct chance *world_chance(struct world *w) { return &w->chance; }
struct chance *world_fate(struct world *w) { return &w->fate; }
struct strikes *world_strikes(struct world *w) { return &w->strikes; }
bool world_lets(struct world *w) { return !mute_of(w, ++w->fault_count); }
void world_mute(struct world *w, const struct mute *m) { w->mute = m; }
void world_count_lines(struct world *w, const char *text) { w->counted = text; }
unsigned world_lines(const struct world *w) { return w->lines; }
uint32_t world_fault_count(const struct world *w) { return w->fault_count; }
struct steps *world_steps(struct world *w) { return &w->steps; }
struct log *world_log(struct world *w) { return &w->log; }
void world_verbose(struct world *w, bool verbose) { w->verbose = verbose; }
uint64_t world_now(struct world *w) { return w->time.now_ms; }
struct world_counts world_counts(const struct world *w) { return w->counts; }

void world_say(struct world *w, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_line(&w->log, LOG_INFO_, text);
}

static void remember(struct world *w, const char *link, struct span bytes)
{
    uint64_t head[2] = { w->time.now_ms, bytes.len };
    EVP_DigestUpdate(w->history, head, sizeof head);
    EVP_DigestUpdate(w->history, link, strlen(link) + 1);
    EVP_DigestUpdate(w->history, bytes.ptr, bytes.len);
    w->counts.carried++;
    w->counts.octets += bytes.len;
}

static void arrive(void *context, uint64_t argument)
{
    struct parcel *p = context;
    (void)argument;
    remember(p->world, p->link, (struct span){ p->bytes, p->len });
    p->task(p->context, p->argument, (struct span){ p->bytes, p->len });
    free(p);
}

static void dispatch(struct world *w, const struct parcel *model, const struct weather *weather, struct span bytes, bool turned)
{
    struct parcel *p = malloc(sizeof *p + bytes.len);
    if (!p)
        abort();
    *p = *model;
    p->len = bytes.len;
    if (bytes.len)
        memcpy(p->bytes, bytes.ptr, bytes.len);
    uint32_t spread = weather->delay_max_ms - weather->delay_min_ms;
    uint64_t at = w->time.now_ms + weather->delay_min_ms + chance_below(&w->fate, spread + 1);
    bool drawn = p->len && chance_permille(&w->fate, weather->corrupt_permille);
    if ((drawn || (turned && p->len)) && world_lets(w)) {
        p->bytes[chance_below(&w->fate, (uint32_t)p->len)] ^= (uint8_t)(1u << chance_below(&w->fate, 8));
        w->counts.corrupted++;
    }
    clockwork_plan(&w->time, at, arrive, p, (uint64_t)(uintptr_t)p);
}

/* What can go wrong on a link: as a strike at one place, and as a column of the table of steps. What has none, has none. */
static const struct strike_link {
    const char *link;
    enum strike_kind lost, twice;
    enum fault_kind lost_fault, twice_fault, turned_fault;
} strike_links[] = {
    { "sms-mt", STRIKE_SMS_LOST, STRIKE_SMS_TWICE, FAULT_SMS_LOST, FAULT_SMS_TWICE, FAULT_SMS_TURNED },
    { "sms-mo", STRIKE_SMS_LOST, STRIKE_SMS_TWICE, FAULT_SMS_LOST, FAULT_SMS_TWICE, FAULT_SMS_TURNED },
    { "soap", STRIKE_SOAP_LOST, STRIKE_SOAP_TWICE, FAULT_SOAP_LOST, FAULT_SOAP_TWICE, FAULT_KINDS },
    { "soap-answer", STRIKE_ANSWER_LOST, STRIKE_NONE, FAULT_ANSWER_LOST, FAULT_KINDS, FAULT_KINDS },
    { "tcp-up", STRIKE_NONE, STRIKE_NONE, FAULT_KINDS, FAULT_KINDS, FAULT_TCP_TURNED },
    { "tcp-down", STRIKE_NONE, STRIKE_NONE, FAULT_KINDS, FAULT_KINDS, FAULT_TCP_TURNED },
};

static const struct strike_link *link_of(const char *link)
{
    static const struct strike_link none = { .lost_fault = FAULT_KINDS, .twice_fault = FAULT_KINDS, .turned_fault = FAULT_KINDS };
    for (size_t i = 0; i < ARRAY_LEN(strike_links); i++)
        if (!strcmp(link, strike_links[i].link))
            return &strike_links[i];
    return &none;
}

/* By the rate, or struck here, or aimed at. */
static bool befalls(struct world *w, int card, bool drawn, enum strike_kind strike, enum fault_kind fault)
{
    bool struck = strike && strike_now(&w->strikes, strike), aimed = fault < FAULT_KINDS && steps_aimed(&w->steps, fault, card, NULL);
    bool befalls = (drawn || struck || aimed) && world_lets(w);
    if (befalls && fault < FAULT_KINDS)
        steps_struck(&w->steps, fault, card, NULL);
    return befalls;
}

void world_carry_card(struct world *w, int card, const char *link, const struct weather *weather, struct span bytes, parcel_task *task,
                      void *context, uint64_t argument)
{
    struct parcel model = { .world = w, .link = link, .task = task, .context = context, .argument = argument };
    const struct strike_link *l = link_of(link);
    if (befalls(w, card, chance_permille(&w->fate, weather->loss_permille), l->lost, l->lost_fault)) {
        w->counts.lost++;
        return;
    }
    bool turned = l->turned_fault < FAULT_KINDS && steps_aimed(&w->steps, l->turned_fault, card, NULL);
    unsigned before = (unsigned)w->counts.corrupted;
    dispatch(w, &model, weather, bytes, turned);
    if (w->counts.corrupted != before && l->turned_fault < FAULT_KINDS)
        steps_struck(&w->steps, l->turned_fault, card, NULL);
    if (befalls(w, card, chance_permille(&w->fate, weather->duplicate_permille), l->twice, l->twice_fault)) {
        w->counts.doubled++;
        dispatch(w, &model, weather, bytes, false);
    }
}

void world_carry(struct world *w, const char *link, const struct weather *weather, struct span bytes, parcel_task *task,
                 void *context, uint64_t argument)
{
    world_carry_card(w, STEPS_ANYBODY, link, weather, bytes, task, context, argument);
}

/* ---- SOAP ---- */

void world_add_node(struct world *w, const struct soap_node *node)
{
    if (w->node_count == WORLD_NODES_MAX)
        abort();
    w->nodes[w->node_count++] = *node;
}

static bool is_down(const struct soap_node *n) { return n->engine && !n->engine(n->role); }

static const struct soap_node *node_by_url(struct world *w, const char *url)
{
    const struct soap_node *up[WORLD_NODES_MAX], *first = NULL;
    uint32_t count = 0;
    for (size_t i = 0; i < w->node_count; i++) {
        const struct soap_node *n = &w->nodes[i];
        if (!url || strncmp(url, n->url, strlen(n->url)) != 0)
            continue;
        first = first ? first : n;
        if (!is_down(n))
            up[count++] = n;
    }
    return count > 1 ? up[chance_below(&w->fate, count)] : count ? up[0] : first;
}

static const struct soap_node *node_by_name(const struct world *w, const char *name)
{
    for (size_t i = 0; i < w->node_count; i++)
        if (!strcmp(name, w->nodes[i].name))
            return &w->nodes[i];
    return NULL;
}

static void result(const struct soap_node *from, int64_t id, enum effect_result how, int status, struct span body)
{
    if (!from->engine && from->answered)
        from->answered(from->role, id, status, body);
    struct engine *e = from->engine ? from->engine(from->role) : NULL;
    if (!e || !id)
        return;
    if (from->result) {
        from->result(from->role, id, how, status, body);
        return;
    }
    engine_result(e, id, how, status, body);
    engine_run(e);
}

/* An exchange's name: its generation, the ends (a double may arrive when it is over), its slot. */
static uint64_t name_of(const struct world *w, uint32_t slot)
{
    const struct exchange *x = &w->exchanges[slot];
    return (uint64_t)x->generation << 32 | (uint64_t)(x->from - w->nodes) << 24 | (uint64_t)(x->to - w->nodes) << 16 | slot;
}

static struct exchange *exchange_of(struct world *w, uint64_t name)
{
    struct exchange *x = &w->exchanges[(uint16_t)name % EXCHANGES_MAX];
    return x->used && x->generation == (uint32_t)(name >> 32) ? x : NULL;
}

static void exchange_ends(struct exchange *x, enum effect_result how, int status, struct span body)
{
    struct exchange ended = *x;
    x->used = false;
    result(ended.from, ended.effect_id, how, status, body);
}

static void no_answer(void *context, uint64_t name)
{
    struct exchange *x = exchange_of(context, name);
    if (x)
        exchange_ends(x, EFFECT_FAILED, 0, SPAN_NONE);
}

static uint64_t exchange_open(struct world *w, const struct soap_node *from, const struct soap_node *to, int64_t id)
{
    for (uint32_t i = 0; i < EXCHANGES_MAX; i++)
        if (!w->exchanges[i].used) {
            w->exchanges[i] = (struct exchange){ true, ++w->generation, from, to, id, false, STEPS_ANYBODY };
            uint64_t name = name_of(w, i);
            clockwork_plan(&w->time, w->time.now_ms + WORLD_HTTP_MS, no_answer, w, name);
            return name;
        }
    abort(); /* a scenario too big */
}

/* A double arrives when the exchange may be over: it is served, its answer goes nowhere. */
static void posted(void *context, uint64_t name, struct span body)
{
    struct world *w = context;
    const struct soap_node *from = &w->nodes[name >> 24 & 0xFF], *to = &w->nodes[name >> 16 & 0xFF];
    if (is_down(to)) {
        no_answer(w, name);
        return;
    }
    to->soap(to->role, from->oid, body, (struct reply_ref){ to->reply_node, (uint32_t)name + 1, (uint32_t)(name >> 32) });
}

/* For the diagram: is it a message of that card? Its EID stands in it, or one of the marks of its calls. */
static bool is_watched(const struct world *w, struct span body)
{
    if (w->watched < 0 || !body.len)
        return false;
    bool found = memmem(body.ptr, body.len, w->watched_eid, strlen(w->watched_eid)) != NULL;
    for (size_t i = 0; i < w->mark_count && !found; i++)
        found = memmem(body.ptr, body.len, w->marks[i], strlen(w->marks[i])) != NULL;
    return found;
}

/* "ES3-EnableProfileRequest" of a SOAP body. */
static void soap_name(struct span body, char out[64])
{
    const uint8_t *end = body.ptr + body.len, *at = body.len ? memmem(body.ptr, body.len, "Body", 4) : NULL;
    *out = 0;
    for (; at && at + 40 < end; at++)
        if (at[0] == 'E' && at[1] == 'S' && at[2] >= '1' && at[2] <= '9' && memchr(at, '-', 5)) {
            size_t i = 0;
            for (; i < 63 && at + i < end && at[i] > ' ' && at[i] != '>' && at[i] != '/'; i++)
                out[i] = (char)at[i];
            out[i] = 0;
            return;
        }
}

static void soap_arrow(struct world *w, const struct soap_node *from, const struct soap_node *to, struct span body, int status)
{
    char name[64];
    soap_name(body, name);
    if (status)
        world_arrow(w, w->watched, from->name, to->name, "HTTP %d %s", status, name);
    else
        world_arrow(w, w->watched, from->name, to->name, "%s", name);
}

void world_post(struct world *w, const char *from, const struct effect *effect)
{
    const struct soap_node *source = node_by_name(w, from), *to = node_by_url(w, effect->to);
    if (!source)
        return;
    if (!to) {
        result(source, effect->id, EFFECT_FAILED, 0, SPAN_NONE);
        return;
    }
    uint64_t name = exchange_open(w, source, to, effect->id);
    int card = exchange_of(w, name)->card = steps_card(&w->steps, span_text(effect->line));
    exchange_of(w, name)->watched = is_watched(w, effect->body);
    if (exchange_of(w, name)->watched)
        soap_arrow(w, source, to, effect->body, 0);
    world_carry_card(w, card, "soap", &w->request, effect->body, posted, w, name);
}

/* The status goes in front of the octets. */
static void replied(void *context, uint64_t name, struct span octets)
{
    struct exchange *x = exchange_of(context, name);
    if (!x || octets.len < 2)
        return;
    int status = octets.ptr[0] << 8 | octets.ptr[1];
    exchange_ends(x, status < 500 ? EFFECT_SENT : EFFECT_FAILED, status, span_from(octets, 2));
}

void world_reply(struct world *w, const struct effect *effect)
{
    struct reply_ref r = effect->reply;
    uint64_t name = (uint64_t)r.generation << 32 | (r.slot - 1);
    struct exchange *x = r.slot ? exchange_of(w, name) : NULL;
    uint8_t *octets = x ? malloc(effect->body.len + 2) : NULL;
    if (!octets)
        return;
    if (x->watched)
        soap_arrow(w, x->to, x->from, effect->body, effect->status);
    octets[0] = (uint8_t)(effect->status >> 8);
    octets[1] = (uint8_t)effect->status;
    if (effect->body.len)
        memcpy(octets + 2, effect->body.ptr, effect->body.len);
    world_carry_card(w, x->card, "soap-answer", &w->answer, (struct span){ octets, effect->body.len + 2 }, replied, w, name);
    free(octets);
}

void world_soap_weather(struct world *w, const struct weather *request, const struct weather *answer)
{
    w->request = *request;
    w->answer = *answer;
}

void world_node_died(struct world *w, const char *name)
{
    for (uint32_t i = 0; i < EXCHANGES_MAX; i++) {
        struct exchange *x = &w->exchanges[i];
        if (x->used && !strcmp(x->from->name, name))
            x->used = false;
        else if (x->used && !strcmp(x->to->name, name)) /* the connection is reset */
            clockwork_plan(&w->time, w->time.now_ms + 1 + chance_below(&w->fate, 50), no_answer, w,
                           name_of(w, i));
    }
}

/* ---- the diagram ---- */

void world_watch(struct world *w, int card, const char *eid)
{
    w->watched = card;
    snprintf(w->watched_eid, sizeof w->watched_eid, "%s", eid);
}

void world_mark(struct world *w, int card, const char *mark)
{
    if (world_watches(w, card) && w->mark_count < WORLD_MARKS_MAX)
        snprintf(w->marks[w->mark_count++], WORLD_MARK_MAX + 1, "%s", mark);
}

bool world_watches(const struct world *w, int card) { return w->watched >= 0 && w->watched == card; }

void world_arrow(struct world *w, int card, const char *from, const char *to, const char *format, ...)
{
    char text[256];
    va_list args;
    if (!world_watches(w, card))
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    double at = (double)(w->time.now_ms - WORLD_START_MS) / 1000;
    if (*to)
        printf("%12.3f  %-9s -> %-9s %s\n", at, from, to, text);
    else
        printf("%12.3f  %-9s    %-9s %s\n", at, from, "", text);
}

/* ---- running ---- */

void world_run(struct world *w, uint64_t for_ms, bool (*done)(void *context), void *context)
{
    uint64_t until = w->time.now_ms + for_ms;
    while (clockwork_step(&w->time, until))
        if (done && done(context))
            return;
}

void world_hash(struct world *w, uint8_t ret[WORLD_HASH_LEN])
{
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    if (!copy || !EVP_MD_CTX_copy_ex(copy, w->history) || !EVP_DigestFinal_ex(copy, ret, NULL))
        abort();
    EVP_MD_CTX_free(copy);
}
