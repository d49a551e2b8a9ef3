#include "batch.h"

#include <stdlib.h>

#include "explain.h"
#include "poll.h"
#include "show.h"

#define SLOT_ARENA_MAX (8u << 20)
#define FETCH_MS       500u

/* One call under way, in a session of its own. */
struct slot {
    struct op_session session;
    struct batch_item *item; /* NULL: free */
    struct op_call call;
    struct op_result result;
    struct op_running *running;
};

struct batch {
    struct op_session *s;
    struct batch_book book;
    const struct op_partner *via, *target;
    uint32_t validity_s, wait_s;
    bool dry_run;
    const char *campaign; /* NULL: none */
    struct slot *slots;
    size_t slot_count, next, working;
    struct poller *poller;
    enum err broken; /* the progress cannot be written: nothing more is begun */
};

/* ---- a call */

static const struct op_partner *partner_of(const struct batch *b, enum batch_step step)
{
    return step == BATCH_PREPARE ? b->target : b->via;
}

static enum es_function function_of(enum batch_step step)
{
    static const enum es_function functions[] = { ES4_GET_EIS, ES4_PREPARE_SMSR_CHANGE, ES4_SMSR_CHANGE };
    return functions[step];
}

static void slot_call(struct batch *b, struct slot *k)
{
    struct batch_item *i = k->item;
    struct es_eid_request *body = ARENA_NEW(&k->session.arena, struct es_eid_request);
    k->running = NULL;
    k->result = (struct op_result){ .exit = OP_LOCAL, .text = "no memory" };
    if (!i->asked) /* a repeat must be the same to the letter */
        i->validity_s = b->validity_s;
    if (!i->asked)
        snprintf(i->call_id, sizeof i->call_id, "%s", (const char *)op_call_id(&k->session, b->campaign).ptr);
    b->broken = batch_book_asked(&b->book, i);
    if (!body || b->broken != ERR_NONE || eid_from_text(span_text(i->eid), &body->eid) != ERR_NONE)
        return;
    body->base.call_id = span_text(i->call_id);
    body->base.validity_s = i->step == BATCH_LOOK ? 0 : i->validity_s;
    body->smsr_id = i->step == BATCH_PREPARE ? b->via->oid : b->target->oid;
    k->call = (struct op_call){ .partner = partner_of(b, i->step), .function = function_of(i->step), .body = body,
                                .wait_s = b->wait_s, .repeat = i->asked };
    i->asked = true;
    k->running = op_call_start(&k->session, &k->call, &k->result);
}

static void slot_begin(struct batch *b, struct slot *k, struct batch_item *i)
{
    k->session = *b->s;
    k->session.shared = true;
    k->session.partner = partner_of(b, i->step);
    arena_init(&k->session.arena, SLOT_ARENA_MAX);
    k->item = i;
    b->working++;
    slot_call(b, k);
}

/* ---- what came of it */

/* The operator that has the enabled or the fall-back profile may move it. */
static void judge_look(struct batch_item *i, const struct op_result *r)
{
    const struct eis *eis = ((const struct es_eis_response *)r->answer.body)->eis;
    i->outcome = BATCH_FAILED;
    for (size_t k = 0; eis && k < eis->profile_count; k++)
        if (eis->profiles[k].state == PROFILE_ENABLED || eis->profiles[k].fallback)
            i->outcome = BATCH_READY;
    if (i->outcome == BATCH_FAILED)
        snprintf(i->text, sizeof i->text, "neither the enabled profile nor the one with the fall-back attribute is ours");
}

static void judge_answer(struct batch_item *i, const struct op_result *r)
{
    bool good = r->exit == OP_OK || r->exit == OP_WARNING;
    i->status = es_response_of(&r->answer)->status;
    if (i->step == BATCH_LOOK && good) {
        judge_look(i, r);
    } else if (i->step == BATCH_PREPARE && (good || i->status.reason == REASON_EID_IN_USE)) {
        i->there = !good;
        i->step = BATCH_CHANGE;
    } else if (i->step == BATCH_CHANGE && i->there && i->status.reason == REASON_EID_UNKNOWN) {
        i->outcome = BATCH_MOVED; /* the old one has let it go, the new one has it */
        i->status = status_success();
    } else {
        i->outcome = r->exit == OP_OK ? BATCH_MOVED : r->exit == OP_WARNING ? BATCH_WARNING
                   : r->exit == OP_EXPIRED && i->step == BATCH_CHANGE ? BATCH_DOUBT : BATCH_FAILED;
    }
}

static void judge(struct batch_item *i, const struct op_result *r)
{
    i->text[0] = '\0';
    if (r->has_answer) {
        judge_answer(i, r);
        return;
    }
    snprintf(i->text, sizeof i->text, "%s", r->text);
    i->status = (struct status){ .exec = EXECUTED_FAILED };
    i->outcome = r->exit == OP_NO_ANSWER && i->step == BATCH_CHANGE ? BATCH_DOUBT : BATCH_FAILED;
}

static void slot_free(struct batch *b, struct slot *k)
{
    arena_release(&k->session.arena);
    k->item = NULL;
    b->working--;
}

static void slot_end(struct batch *b, struct slot *k)
{
    struct batch_item *i = k->item;
    if (b->broken == ERR_NONE) {
        judge(i, &k->result);
        i->asked = false;
        b->broken = batch_book_answered(&b->book, i);
    }
    bool more = i->outcome == BATCH_WAITING && b->broken == ERR_NONE;
    if (!more && i->outcome != BATCH_WAITING)
        batch_show_item(b->s, &b->book, i);
    slot_free(b, k);
    if (more)
        slot_begin(b, k, i);
}

/* ---- all of them */

static void on_message(void *context, const struct es_message *m, struct span soap)
{
    struct batch *b = context;
    for (size_t i = 0; i < b->slot_count; i++)
        if (b->slots[i].item && b->slots[i].running && op_call_offer(b->slots[i].running, m, soap))
            return; /* what else arrives is in the inbox */
}

static bool more_wait(struct batch *b)
{
    while (b->next < b->book.count && b->book.items[b->next].outcome != BATCH_WAITING)
        b->next++;
    return b->next < b->book.count && b->broken == ERR_NONE;
}

static struct batch_item *next_item(struct batch *b) { return more_wait(b) ? &b->book.items[b->next++] : NULL; }

/* Somebody else may have had the endpoint, and be gone. */
static void keep_endpoint(struct batch *b)
{
    if (!b->s->server && b->s->inbox && b->s->server_tls)
        op_session_listen(b->s);
    if (b->poller && poller_tick(b->poller) != ERR_NONE)
        b->broken = ERR_IO;
}

static void round_of(struct batch *b)
{
    keep_endpoint(b);
    for (size_t n = 0; n < b->slot_count; n++) {
        struct slot *k = &b->slots[n];
        k->session.server = b->s->server;
        struct batch_item *i = k->item ? NULL : next_item(b);
        if (i)
            slot_begin(b, k, i);
        if (k->item && (!k->running || op_call_turn(k->running)))
            slot_end(b, k);
    }
    loop_round(b->s->loop, 50);
}

static void run(struct batch *b)
{
    b->s->on_message = on_message;
    b->s->context = b;
    do {
        round_of(b);
        batch_show_progress(b->s, &b->book, b->working);
    } while (b->working || more_wait(b));
    for (int i = 0; b->s->server && i < 5; i++) /* our last acknowledgements leave */
        loop_round(b->s->loop, 10);
    poller_last(b->poller);
    b->s->on_message = NULL;
}

/* ---- the command */

static const struct op_partner *smsr_named(struct op_session *s, const char *name, const char *option)
{
    const struct op_partner *p = name ? op_partner_find(&s->config, name) : NULL;
    if (p && !p->is_smdp)
        return p;
    snprintf(s->detail, sizeof s->detail, "--%s: the name of an SM-SR of the configuration is needed", option);
    return NULL;
}

static enum op_exit move(struct batch *b, const struct op_arguments *a)
{
    enum op_exit exit = OP_OK;
    b->dry_run = a->given & OPT(DRY_RUN);
    b->campaign = a->campaign;
    b->validity_s = a->validity_s ? a->validity_s : b->s->config.validity_s;
    b->wait_s = a->timeout_s;
    b->slot_count = a->parallel ? a->parallel : BATCH_PARALLEL;
    b->slots = calloc(b->slot_count, sizeof *b->slots);
    for (size_t i = 0; b->dry_run && i < b->book.count; i++)
        b->book.items[i].step = BATCH_LOOK;
    if (!b->slots)
        return OP_LOCAL;
    if (!b->dry_run && (!b->via->poll || !b->target->poll) && op_session_endpoint(b->s) != ERR_NONE)
        return OP_LOCAL;
    if (!b->dry_run)
        exit = batch_rights(b->s, b->via, b->target);
    if (exit != OP_OK)
        return exit;
    if (b->via->poll || b->target->poll)
        b->poller = poller_new(b->s, NULL, FETCH_MS);
    run(b);
    if (b->broken != ERR_NONE)
        snprintf(b->s->detail, sizeof b->s->detail, "%s.progress: cannot be written; nothing more was begun", a->eids);
    if (batch_show_report(b->s, &b->book, a->report) != ERR_NONE)
        snprintf(b->s->detail, sizeof b->s->detail, "%s: cannot be written", a->report);
    return b->broken == ERR_NONE ? batch_exit(&b->book) : OP_LOCAL;
}

enum op_exit op_batch_change(struct op_session *s, const struct op_arguments *a)
{
    struct batch b = { .s = s, .via = smsr_named(s, a->via ? a->via : s->config.via, "via") };
    b.target = b.via ? smsr_named(s, a->target.text, "target") : NULL;
    if (!b.target)
        return OP_USAGE;
    if (a->given & (OPT(EID) | OPT(CALL_ID) | OPT(NO_WAIT)) || (a->parallel && a->parallel > BATCH_PARALLEL_MAX) ||
        b.target == b.via) {
        snprintf(s->detail, sizeof s->detail, "with --eids: two SM-SRs, no --eid, --call-id or --no-wait, at most %u at a time",
                 BATCH_PARALLEL_MAX);
        return OP_USAGE;
    }
    if (batch_book_open(a->eids, &BATCH_TO_MOVE, a->given & OPT(DRY_RUN), &b.book, s->detail, sizeof s->detail) != ERR_NONE)
        return OP_LOCAL;
    b.book.via = b.via->name;
    b.book.target = b.target->name;
    enum op_exit exit = move(&b, a);
    batch_book_close(&b.book);
    free(b.slots);
    return exit;
}
