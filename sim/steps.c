#include "steps.h"

#include <stdio.h>
#include <stdlib.h>

#include "steps_tables.h"

const char *const fault_names[FAULT_KINDS] = { "before", "after", "send", "full", "slow",  "clock", "soap-", "soap2", "answ-", "sms-",
                                               "sms2",   "sms~",  "cut",  "tcp~", "power", "torn",  "deaf",  "refuse", "dry" };

static struct procedure_view views[PROCEDURE_VIEWS_MAX];
static size_t view_count;
static char names[STEPS_MAX][48];
static size_t name_count;

void steps_view_add(struct procedure_view *v, const char *step, const char *why)
{
    if (v->count + v->left_out_count >= PROCEDURE_STEPS_MAX)
        abort(); /* PROCEDURE_STEPS_MAX is too small for the programs' tables */
    if (!why) {
        v->steps[v->count++] = step;
        return;
    }
    v->left_out[v->left_out_count].step = step;
    v->left_out[v->left_out_count++].why = why;
}

static void learn(void)
{
    if (view_count)
        return;
    view_count = steps_procedures(views);
    for (size_t i = 0; i < view_count; i++) {
        views[i].first = (int)name_count;
        if (name_count + views[i].count > STEPS_MAX)
            abort();
        for (size_t k = 0; k < views[i].count; k++)
            snprintf(names[name_count++], sizeof names[0], "%s %s/%s", views[i].is_smdp ? "sm-dp" : "sm-sr", views[i].name, views[i].steps[k]);
    }
}

size_t steps_count(void)
{
    learn();
    return name_count;
}

const char *steps_name(size_t cell)
{
    learn();
    return names[cell];
}

/* Without the role in front of it. */
static const char *short_name(size_t cell) { return strchr(steps_name(cell), ' ') + 1; }

bool steps_aim_read(const char *text, int *ret_cell, int *ret_kind)
{
    const char *colon = strchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : 0, cell = 0, kind = 0;
    char *end;
    if (!len)
        return false;
    while (cell < steps_count() && (strlen(short_name(cell)) != len || memcmp(short_name(cell), text, len)))
        cell++;
    while (kind < FAULT_KINDS && strcmp(fault_names[kind], colon + 1))
        kind++;
    if (cell == steps_count())
        cell = strtoul(text, &end, 10) + (end == colon ? 0 : steps_count());
    if (kind == FAULT_KINDS)
        kind = strtoul(colon + 1, &end, 10) + (end != colon + 1 && !*end ? 0 : FAULT_KINDS);
    *ret_cell = (int)cell;
    *ret_kind = (int)kind;
    return cell < steps_count() && kind < FAULT_KINDS;
}

const char *steps_aim_text(int cell, int kind, char out[STEPS_AIM_TEXT_MAX])
{
    snprintf(out, STEPS_AIM_TEXT_MAX, "%s:%s", short_name((size_t)cell), fault_names[kind]);
    return out;
}

void steps_left_out(void (*tell)(const char *procedure, bool is_smdp, const char *step, const char *why))
{
    learn();
    for (size_t i = 0; i < view_count; i++)
        for (size_t k = 0; k < views[i].left_out_count; k++)
            tell(views[i].name, views[i].is_smdp, views[i].left_out[k].step, views[i].left_out[k].why);
}

void steps_init(struct steps *s)
{
    learn();
    *s = (struct steps){ .runs = calloc(STEPS_RUNS_MAX, sizeof *s->runs), .aim.cell = -1 };
    if (!s->runs)
        abort();
}

void steps_done(struct steps *s)
{
    free(s->runs);
    free(s->slots);
}

/* ---- which card */

static size_t slot_of(const struct steps *s, struct span text)
{
    char digits[EID_TEXT_SIZE];
    size_t i = span_hash(text) & (s->slot_count - 1);
    while (s->slots[i] && memcmp(text.ptr, eid_text(&s->eids[s->slots[i] - 1], digits), EID_DIGITS))
        i = (i + 1) & (s->slot_count - 1);
    return i;
}

/* Cards that have come since are put where they are looked for. */
static void index_cards(struct steps *s)
{
    char digits[EID_TEXT_SIZE];
    if (2 * s->card_count >= s->slot_count) {
        while (2 * s->card_count >= s->slot_count)
            s->slot_count = s->slot_count ? 2 * s->slot_count : 64;
        free(s->slots);
        s->slots = calloc(s->slot_count, sizeof *s->slots);
        s->indexed = 0;
        if (!s->slots)
            abort();
    }
    for (; s->indexed < s->card_count; s->indexed++)
        s->slots[slot_of(s, span_text(eid_text(&s->eids[s->indexed], digits)))] = (uint32_t)s->indexed + 1;
}

int steps_card(struct steps *s, struct span text)
{
    if (text.len != EID_DIGITS)
        return STEPS_ANYBODY;
    index_cards(s);
    return (int)s->slots[slot_of(s, text)] - 1;
}

/* ---- the rows */

static struct span text_of(const struct value *v) { return v->type == VALUE_TEXT || v->type == VALUE_BLOB ? v->bytes : SPAN_NONE; }

static uint64_t row_of(const struct value *a, int64_t n)
{
    uint64_t hash = 14695981039346656037u ^ (uint64_t)n;
    struct span text = text_of(a);
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ text.ptr[i]) * 1099511628211u;
    return hash;
}

static struct steps_run *run_of(struct steps *s, const void *role, uint64_t row)
{
    for (size_t i = 0; i < STEPS_RUNS_MAX; i++)
        if (s->runs[i].role == role && s->runs[i].row == row)
            return &s->runs[i];
    return NULL;
}

static const struct procedure_view *view_of(bool is_smdp, struct span name)
{
    for (size_t i = 0; i < view_count; i++)
        if (views[i].is_smdp == is_smdp && span_eq(name, span_text(views[i].name)))
            return &views[i];
    return NULL;
}

/* ---- recovery */

static void moves_on(struct steps *s, struct steps_run *run)
{
    struct recovery *r = &s->recovery[run->struck_by];
    unsigned class = 0;
    if (!run->struck_ms || !s->now_ms)
        return;
    uint64_t took = *s->now_ms - run->struck_ms;
    while (class + 1 < RECOVERY_CLASSES && took >= (1000ull << class) / 16)
        class++;
    r->within[class]++;
    r->count++;
    r->sum_ms += took;
    r->max_ms = took > r->max_ms ? took : r->max_ms;
    run->struck_ms = 0;
}

void recovery_add(struct recovery *to, const struct recovery *more)
{
    for (size_t i = 0; i < RECOVERY_CLASSES; i++)
        to->within[i] += more->within[i];
    to->count += more->count;
    to->sum_ms += more->sum_ms;
    to->max_ms = more->max_ms > to->max_ms ? more->max_ms : to->max_ms;
}

double recovery_within_s(const struct recovery *r, unsigned permille)
{
    uint64_t below = 0;
    unsigned class = 0;
    while (class < RECOVERY_CLASSES && (below += r->within[class]) * 1000 < (uint64_t)r->count * permille)
        class++;
    return (double)(1ull << class) / 16;
}

/* ---- where they stand */

static void stands(struct steps *s, struct steps_run *run, struct span step)
{
    int before = run->cell;
    run->cell = -1;
    for (size_t k = 0; run->procedure && k < run->procedure->count; k++)
        if (span_eq(step, span_text(run->procedure->steps[k])))
            run->cell = run->procedure->first + (int)k;
    if (run->cell != before)
        moves_on(s, run);
    if (run->cell >= 0 && run->cell != before)
        s->visited[run->cell]++;
    if (run->cell >= 0 && run->cell != before && run->cell == s->aim.cell && !s->aim.spent && s->aim.entered)
        s->aim.entered(s->aim.context, run->card, run->role);
}

static struct steps_run *begin(struct steps *s, const void *role, uint64_t row, int card, const struct procedure_view *procedure)
{
    struct steps_run *run = run_of(s, NULL, 0);
    if (run)
        *run = (struct steps_run){ .role = role, .row = row, .card = card, .cell = -1, .procedure = procedure };
    return run;
}

static void ends(struct steps *s, const void *role, uint64_t row)
{
    struct steps_run *run = run_of(s, role, row);
    if (!run)
        return;
    moves_on(s, run);
    *run = (struct steps_run){ 0 };
}

static void end_all(struct steps *s, const void *role, int card)
{
    for (size_t i = 0; i < STEPS_RUNS_MAX; i++)
        if (s->runs[i].role == role && s->runs[i].card == card)
            s->runs[i] = (struct steps_run){ 0 };
}

static void watch_smsr(struct steps *s, const void *role, const char *name, const struct value *p)
{
    struct steps_run *run = NULL;
    if (!strcmp(name, "operation-add") && (run = begin(s, role, row_of(&p[0], p[1].number), steps_card(s, text_of(&p[0])), view_of(false, text_of(&p[2])))))
        stands(s, run, text_of(&p[3]));
    else if (!strcmp(name, "operation-save") && (run = run_of(s, role, row_of(&p[0], p[1].number))))
        stands(s, run, text_of(&p[2]));
    else if (!strcmp(name, "operation-drop"))
        ends(s, role, row_of(&p[0], p[1].number));
    else if (!strcmp(name, "operation-clear"))
        end_all(s, role, steps_card(s, text_of(&p[0])));
}

static void watch_smdp(struct steps *s, const void *role, const char *name, const struct value *p)
{
    struct steps_run *run = NULL;
    if (!strcmp(name, "job-add")) {
        bool download = span_eq(text_of(&p[4]), SPAN_LIT("ES2-DownloadProfile")), administration = !text_of(&p[4]).len;
        begin(s, role, row_of(&p[0], 0), steps_card(s, text_of(&p[1])),
              view_of(true, download ? SPAN_LIT("download") : administration ? SPAN_LIT("personalize") : SPAN_LIT("relay")));
    } else if (!strcmp(name, "job-save") && (run = run_of(s, role, row_of(&p[0], 0)))) {
        stands(s, run, text_of(&p[2]));
    } else if (!strcmp(name, "job-drop")) {
        ends(s, role, row_of(&p[0], 0));
    }
}

void steps_watch(struct steps *s, const void *role, bool is_smdp, const struct write *writes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (is_smdp ? watch_smdp : watch_smsr)(s, role, writes[i].statement->name, writes[i].params);
}

/* ---- the faults */

static bool concerns(const struct steps_run *run, int card, const void *role)
{
    return run->role && run->cell >= 0 && (card == STEPS_ANYBODY || run->card == card) && (!role || run->role == role);
}

bool steps_stand(const struct steps *s, int card, const char *name)
{
    for (size_t i = 0; i < STEPS_RUNS_MAX; i++)
        if (concerns(&s->runs[i], card, NULL) && !strcmp(names[s->runs[i].cell], name))
            return true;
    return false;
}

void steps_struck(struct steps *s, enum fault_kind kind, int card, const void *role)
{
    if (card == STEPS_ANYBODY && !role)
        return;
    for (size_t i = 0; i < STEPS_RUNS_MAX; i++)
        if (concerns(&s->runs[i], card, role)) {
            s->struck[s->runs[i].cell][kind]++;
            if (!s->runs[i].struck_ms && s->now_ms) { /* of several, the first is waited out */
                s->runs[i].struck_ms = *s->now_ms;
                s->runs[i].struck_by = kind;
            }
        }
}

void steps_wrote(struct steps *s, int card, uint32_t place)
{
    for (size_t i = 0; i < STEPS_RUNS_MAX; i++)
        if (concerns(&s->runs[i], card, NULL) && !s->wrote_at[s->runs[i].cell])
            s->wrote_at[s->runs[i].cell] = place;
}

bool steps_aimed(struct steps *s, enum fault_kind kind, int card, const void *role)
{
    if (s->aim.cell < 0 || s->aim.spent || s->aim.kind != kind || (card == STEPS_ANYBODY && !role))
        return false;
    for (size_t i = 0; i < STEPS_RUNS_MAX && !s->aim.spent; i++)
        s->aim.spent = concerns(&s->runs[i], card, role) && s->runs[i].cell == s->aim.cell;
    return s->aim.spent;
}
