#include "batch.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin.h"

#define ASK_ARENA_MAX (1u << 20)
#define LOOK_MS       300u
#define MARGIN_S      30u /* beyond a call's validity, until its end is known */

/* One rotation under way. */
struct slot {
    struct batch_item *item; /* NULL: free */
    uint64_t until_ms;
};

struct keys_batch {
    struct op_session *s;
    const struct op_arguments *a;
    struct batch_book book;
    struct slot slots[BATCH_PARALLEL_MAX];
    size_t slot_count, next, working;
    enum err broken; /* the progress cannot be written: nothing more is begun */
};

/* One request in an arena of its own. detail of the session says what went wrong. */
static enum op_exit ask(struct keys_batch *k, const char *method, const char *target, json_t *body, json_t **ret)
{
    struct arena kept = k->s->arena;
    arena_init(&k->s->arena, ASK_ARENA_MAX);
    k->s->detail[0] = '\0';
    enum op_exit exit = op_admin_ask(k->s, method, target, body, ret);
    arena_release(&k->s->arena);
    k->s->arena = kept;
    return exit;
}

static uint64_t now_ms(const struct keys_batch *k)
{
    struct clock *clock = loop_clock(k->s->loop);
    return clock->now_ms(clock);
}

/* ---- one of them */

static void why_not(struct batch_item *i, enum batch_outcome outcome, const char *text)
{
    i->outcome = outcome;
    i->status = (struct status){ .exec = EXECUTED_FAILED };
    snprintf(i->text, sizeof i->text, "%s", text);
}

static void slot_end(struct keys_batch *k, struct slot *slot)
{
    if (k->broken == ERR_NONE)
        k->broken = batch_book_answered(&k->book, slot->item);
    batch_show_item(k->s, &k->book, slot->item);
    slot->item = NULL;
    k->working--;
}

static enum op_exit begin(struct keys_batch *k, struct batch_item *i)
{
    char target[100];
    json_t *answer = NULL, *body = json_pack("{s:s, s:i}", "call_id", i->call_id, "validity_s", (int)i->validity_s);
    snprintf(target, sizeof target, "/admin/v1/euiccs/%s/rotate-keys", i->eid);
    enum op_exit exit = body ? ask(k, "POST", target, body, &answer) : OP_LOCAL;
    json_decref(body);
    json_decref(answer);
    return exit;
}

static void slot_begin(struct keys_batch *k, struct slot *slot, struct batch_item *i)
{
    *slot = (struct slot){ .item = i };
    k->working++;
    if (!i->asked) { /* else a repeat, the same to the letter */
        i->validity_s = k->a->validity_s ? k->a->validity_s : k->s->config.validity_s;
        snprintf(i->call_id, sizeof i->call_id, "%s", (const char *)op_call_id(k->s, k->a->campaign).ptr);
    }
    k->broken = batch_book_asked(&k->book, i);
    slot->until_ms = now_ms(k) + 1000ull * (k->a->timeout_s ? k->a->timeout_s : i->validity_s + MARGIN_S);
    enum op_exit exit = k->broken == ERR_NONE ? begin(k, i) : OP_LOCAL;
    if (exit == OP_UNREACHABLE)
        why_not(i, BATCH_DOUBT, k->s->detail); /* it may have got there */
    else if (exit != OP_OK)
        why_not(i, BATCH_FAILED, k->s->detail);
    if (exit != OP_OK)
        slot_end(k, slot);
}

static void judge(struct keys_batch *k, struct batch_item *i, const json_t *done)
{
    i->status = op_outcome(k->s, done);
    i->text[0] = '\0';
    i->outcome = i->status.exec == EXECUTED_SUCCESS ? BATCH_MOVED : i->status.exec == EXECUTED_WITH_WARNING ? BATCH_WARNING : BATCH_FAILED;
}

static void slot_look(struct keys_batch *k, struct slot *slot)
{
    char target[160];
    json_t *answer = NULL;
    snprintf(target, sizeof target, "/admin/v1/calls/%s", slot->item->call_id);
    enum op_exit exit = ask(k, "GET", target, NULL, &answer);
    const char *state = json_string_value(json_object_get(answer, "state"));
    if (exit == OP_OK && state && !strcmp(state, "done"))
        judge(k, slot->item, answer);
    else if (now_ms(k) >= slot->until_ms)
        why_not(slot->item, BATCH_DOUBT, exit == OP_OK ? "no end in time; the same command asks again" : k->s->detail);
    json_decref(answer);
    if (slot->item->outcome != BATCH_WAITING)
        slot_end(k, slot);
}

/* ---- all of them */

static struct batch_item *next_item(struct keys_batch *k)
{
    while (k->next < k->book.count && k->book.items[k->next].outcome != BATCH_WAITING)
        k->next++;
    return k->next < k->book.count && k->broken == ERR_NONE ? &k->book.items[k->next++] : NULL;
}

static void run(struct keys_batch *k)
{
    struct batch_item *i;
    do {
        for (size_t n = 0; n < k->slot_count; n++) {
            struct slot *slot = &k->slots[n];
            if (slot->item)
                slot_look(k, slot);
            while (!slot->item && (i = next_item(k)) != NULL)
                slot_begin(k, slot, i);
        }
        batch_show_progress(k->s, &k->book, k->working);
        for (uint64_t until = now_ms(k) + (k->working ? LOOK_MS : 0); now_ms(k) < until;)
            loop_round(k->s->loop, 50);
    } while (k->working);
}

/* ---- a dry run: are they on record? */

/* Judges the items up to the last row of a page; all that are left when the page is the last. Returns the next to be judged. */
static size_t compare(struct keys_batch *k, size_t at, const json_t *rows, bool last)
{
    size_t row = 0, count = json_array_size(rows);
    while (at < k->book.count && (row < count || last)) {
        const char *eid = row < count ? json_string_value(json_object_get(json_array_get(rows, row), "eid")) : NULL;
        int order = eid ? strcmp(eid, k->book.items[at].eid) : 1;
        row += order <= 0;
        if (order < 0)
            continue;
        if (order)
            why_not(&k->book.items[at], BATCH_FAILED, "not on record there");
        else
            k->book.items[at].outcome = BATCH_READY;
        batch_show_item(k->s, &k->book, &k->book.items[at++]);
    }
    return at;
}

static enum op_exit look(struct keys_batch *k)
{
    char target[120];
    for (size_t at = 0; at < k->book.count;) {
        json_t *page = NULL;
        snprintf(target, sizeof target, "/admin/v1/euiccs?after=%.*s", EID_DIGITS - 1, k->book.items[at].eid); /* shorter: before it */
        enum op_exit exit = ask(k, "GET", target, NULL, &page);
        if (exit != OP_OK)
            return exit;
        at = compare(k, at, json_object_get(page, "euiccs"), !json_is_true(json_object_get(page, "more")));
        json_decref(page);
    }
    return OP_OK;
}

/* ---- the command */

static enum op_exit work(struct keys_batch *k)
{
    enum op_exit exit = OP_OK;
    if (k->a->given & OPT(DRY_RUN))
        exit = look(k);
    else
        run(k);
    if (exit != OP_OK)
        return exit;
    k->s->detail[0] = '\0'; /* each had its line */
    if (k->broken != ERR_NONE)
        snprintf(k->s->detail, sizeof k->s->detail, "%s.progress: cannot be written; nothing more was begun", k->a->eids);
    if (batch_show_report(k->s, &k->book, k->a->report) != ERR_NONE)
        snprintf(k->s->detail, sizeof k->s->detail, "%s: cannot be written", k->a->report);
    return k->broken == ERR_NONE ? batch_exit(&k->book) : OP_LOCAL;
}

enum op_exit op_batch_keys(struct op_session *s, const struct op_arguments *a)
{
    static struct keys_batch k;
    k = (struct keys_batch){ .s = s, .a = a, .slot_count = a->parallel ? a->parallel : BATCH_PARALLEL };
    if (a->given & (OPT(EID) | OPT(CALL_ID) | OPT(NO_WAIT)) || k.slot_count > BATCH_PARALLEL_MAX) {
        snprintf(s->detail, sizeof s->detail, "with --eids: no --eid, --call-id or --no-wait, at most %u at a time", BATCH_PARALLEL_MAX);
        return OP_USAGE;
    }
    if (!op_admin_choose(s, a, OP_SMSR))
        return OP_USAGE;
    if (batch_book_open(a->eids, &BATCH_TO_ROTATE, a->given & OPT(DRY_RUN), &k.book, s->detail, sizeof s->detail) != ERR_NONE)
        return OP_LOCAL;
    k.book.via = s->partner->name;
    enum op_exit exit = work(&k);
    batch_book_close(&k.book);
    return exit;
}
