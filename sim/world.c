#include "world.h"

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
    const struct soap_node *from;
    int64_t effect_id;
};

struct world {
    struct clockwork time;
    struct chance chance;
    struct log log;
    bool verbose;
    EVP_MD_CTX *history;
    struct soap_node nodes[WORLD_NODES_MAX];
    size_t node_count;
    struct exchange exchanges[EXCHANGES_MAX];
    uint32_t generation;
    struct world_counts counts;
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
    chance_feed_openssl(&w->chance);
    w->log.line = log_line;
    w->history = EVP_MD_CTX_new();
    if (w->history && EVP_DigestInit_ex(w->history, EVP_sha256(), NULL))
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
    free(w);
}

struct clockwork *world_time(struct world *w) { return &w->time; }
struct chance *world_chance(struct world *w) { return &w->chance; }
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

static void dispatch(struct world *w, const struct parcel *model, const struct weather *weather, struct span bytes)
{
    struct parcel *p = malloc(sizeof *p + bytes.len);
    if (!p)
        abort();
    *p = *model;
    p->len = bytes.len;
    if (bytes.len)
        memcpy(p->bytes, bytes.ptr, bytes.len);
    uint32_t spread = weather->delay_max_ms - weather->delay_min_ms;
    uint64_t at = w->time.now_ms + weather->delay_min_ms + chance_below(&w->chance, spread + 1);
    clockwork_plan(&w->time, at, arrive, p, (uint64_t)(uintptr_t)p);
}

void world_carry(struct world *w, const char *link, const struct weather *weather, struct span bytes, parcel_task *task,
                 void *context, uint64_t argument)
{
    struct parcel model = { .world = w, .link = link, .task = task, .context = context, .argument = argument };
    if (chance_permille(&w->chance, weather->loss_permille)) {
        w->counts.lost++;
        return;
    }
    dispatch(w, &model, weather, bytes);
    if (chance_permille(&w->chance, weather->duplicate_permille))
        dispatch(w, &model, weather, bytes);
}

/* ---- SOAP ---- */

void world_add_node(struct world *w, const struct soap_node *node)
{
    if (w->node_count == WORLD_NODES_MAX)
        abort();
    w->nodes[w->node_count++] = *node;
}

static const struct soap_node *node_by_url(const struct world *w, const char *url)
{
    for (size_t i = 0; i < w->node_count; i++)
        if (url && !strncmp(url, w->nodes[i].url, strlen(w->nodes[i].url)))
            return &w->nodes[i];
    return NULL;
}

static const struct soap_node *node_by_name(const struct world *w, const char *name)
{
    for (size_t i = 0; i < w->node_count; i++)
        if (!strcmp(name, w->nodes[i].name))
            return &w->nodes[i];
    return NULL;
}

static struct reply_ref exchange_open(struct world *w, const struct soap_node *from, const struct soap_node *to, int64_t id)
{
    for (uint32_t i = 0; i < EXCHANGES_MAX; i++)
        if (!w->exchanges[i].used) {
            w->exchanges[i] = (struct exchange){ true, ++w->generation, from, id };
            return (struct reply_ref){ to->reply_node, i + 1, w->generation };
        }
    return (struct reply_ref){ 0 };
}

struct post {
    struct world *world;
    const struct soap_node *from, *to;
};

static void posted(void *context, uint64_t id, struct span body)
{
    struct post *p = context;
    struct reply_ref reply = exchange_open(p->world, p->from, p->to, (int64_t)id);
    p->to->soap(p->to->role, p->from->oid, body, reply);
    free(p);
}

static void result(const struct soap_node *from, int64_t id, enum effect_result how, int status, struct span body)
{
    if (!from->engine && from->answered)
        from->answered(from->role, id, status, body);
    if (!from->engine || !id)
        return;
    struct engine *e = from->engine(from->role);
    engine_result(e, id, how, status, body);
    engine_run(e);
}

void world_post(struct world *w, const char *from, const struct effect *effect)
{
    struct post *p = malloc(sizeof *p);
    if (!p)
        abort();
    *p = (struct post){ w, node_by_name(w, from), node_by_url(w, effect->to) };
    if (p->from && p->to) {
        world_carry(w, "soap", &WORLD_LAN, effect->body, posted, p, (uint64_t)effect->id);
        return;
    }
    if (p->from)
        result(p->from, effect->id, EFFECT_FAILED, 0, SPAN_NONE);
    free(p);
}

static void replied(void *context, uint64_t status, struct span body)
{
    struct exchange *x = context;
    if (!x->used)
        return;
    x->used = false;
    result(x->from, x->effect_id, status < 500 ? EFFECT_SENT : EFFECT_FAILED, (int)status, body);
}

void world_reply(struct world *w, const struct effect *effect)
{
    uint32_t slot = effect->reply.slot;
    if (!slot || slot > EXCHANGES_MAX || w->exchanges[slot - 1].generation != effect->reply.generation)
        return;
    world_carry(w, "soap-answer", &WORLD_LAN, effect->body, replied, &w->exchanges[slot - 1], (uint64_t)effect->status);
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
