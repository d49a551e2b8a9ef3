#include "runner.h"

#include <string.h>

#include "lib/base/world.h"
#include "unconfirmed.h"

/* Before and after: a snapshot where the target can do that; else by commands. */
static void state_restore(struct bed *b, struct verdict_row *row)
{
    char detail[BED_DETAIL_MAX];
    memcpy(detail, b->detail, sizeof detail);
    enum case_verdict cleaned = bed_guard(b, bed_clean);
    if (cleaned == VERDICT_FAIL && row->verdict == VERDICT_PASS) {
        row->verdict = VERDICT_FAIL;
        snprintf(row->detail, sizeof row->detail, "afterwards: %.200s", b->detail);
    }
    b->made_count = 0;
    b->touched_addresses = b->touched_keys = b->touched_fallback = false;
    forget_messages(b);
    if (b->target->restore && b->target->restore(b->target) != ERR_NONE)
        row->verdict = VERDICT_FAIL;
    arena_release(&b->arena);
}

static void start(struct bed *b)
{
    b->terminal.serviced = true;
    if (b->target->restore)
        terminal_power_cycle(b);
    forget_messages(b);
}

/* The detail tells what of the expectation is not confirmed, whatever the verdict. */
static void doubt_tell(struct verdict_row *row)
{
    const char *text = unconfirmed_text(row->def->number);
    size_t len = strlen(row->detail);
    if (text)
        snprintf(row->detail + len, sizeof row->detail - len, "%s[?] %s", len ? "; " : "", text);
}

static void case_run(struct bed *b, const struct case_def *c, struct verdict_row *row)
{
    uint64_t began = world_clock()->now_ms(world_clock());
    *row = (struct verdict_row){ .def = c };
    row->verdict = bed_guard(b, start);
    if (row->verdict == VERDICT_PASS)
        row->verdict = bed_guard(b, c->run);
    snprintf(row->detail, sizeof row->detail, "%s", b->detail);
    row->ms = (uint32_t)(world_clock()->now_ms(world_clock()) - began);
    state_restore(b, row);
    doubt_tell(row);
}

static bool wanted(const struct case_def *c, const struct runner_wish *wish)
{
    return (!wish->group || !strcmp(wish->group, c->group)) && (!wish->number || wish->number == c->number);
}

bool runner_run(struct bed *b, const struct runner_wish *wish, struct verdict_row *rows, size_t *ret_count)
{
    static const char *const words[] = { "pass", "FAIL", "skip" };
    *ret_count = 0;
    if (bed_guard(b, bed_baseline) != VERDICT_PASS)
        return false;
    forget_messages(b);
    if (b->target->snapshot)
        b->target->snapshot(b->target);
    for (size_t g = 0; g < case_group_count; g++)
        for (size_t i = 0; i < case_groups[g]->count && *ret_count < RUNNER_CASES_MAX; i++) {
            const struct case_def *c = &case_groups[g]->cases[i];
            if (!wanted(c, wish))
                continue;
            struct verdict_row *row = &rows[(*ret_count)++];
            case_run(b, c, row);
            if (wish->progress)
                fprintf(stderr, "%s  %3u %s\n", words[row->verdict], c->number, c->name);
        }
    return true;
}
