#include "report.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/world.h"
#include "lib/codec/xml.h"
#include "lib/io/file.h"
#include <jansson.h>

#define JUNIT_MAX         (512u * 1024u)
#define REPORT_GROUPS_MAX 40u

static const char *const verdict_words[] = { "pass", "fail", "skip" };

const char *case_name(const struct case_def *c, char out[CASE_NAME_SIZE])
{
    int n = snprintf(out, CASE_NAME_SIZE, "%03u-%s-%s", c->number, c->group, c->name);
    for (int i = 0; i < n && i < (int)CASE_NAME_SIZE - 1; i++)
        if (!isalnum((unsigned char)out[i]))
            out[i] = '-';
    return out;
}

size_t report_count(const struct report *r, enum case_verdict verdict)
{
    size_t n = 0;
    for (size_t i = 0; i < r->count; i++)
        n += r->rows[i].verdict == verdict;
    return n;
}

/* ---- groups, in the order of their first case ---- */

struct group_sum {
    const char *name;
    size_t count[3]; /* by verdict */
    uint32_t ms;
};

static size_t groups_of(const struct report *r, struct group_sum ret[REPORT_GROUPS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < r->count; i++) {
        size_t g = 0;
        while (g < n && strcmp(ret[g].name, r->rows[i].def->group) != 0)
            g++;
        if (g == REPORT_GROUPS_MAX)
            continue;
        if (g == n)
            ret[n++] = (struct group_sum){ .name = r->rows[i].def->group };
        ret[g].count[r->rows[i].verdict]++;
        ret[g].ms += r->rows[i].ms;
    }
    return n;
}

/* ---- for people ---- */

static void print_row(const struct verdict_row *row, FILE *out)
{
    static const char *const words[] = { "pass", "FAIL", "skip" };
    bool more = row->detail[0];
    fprintf(out, "  %s  %3u  §%-6s %-*s%s%s\n", words[row->verdict], row->def->number, row->def->section, more ? 48 : 0,
            row->def->name, more ? " " : "", row->detail);
}

static void print_sum(const char *name, const size_t count[3], FILE *out)
{
    fprintf(out, "%-10s %5zu", name, count[VERDICT_PASS]);
    for (int v = VERDICT_FAIL; v <= VERDICT_SKIP; v++)
        if (count[v])
            fprintf(out, " %5zu", count[v]);
        else
            fprintf(out, "     .");
    fputc('\n', out);
}

void report_table(const struct report *r, FILE *out)
{
    struct group_sum groups[REPORT_GROUPS_MAX];
    const size_t all[] = { report_count(r, VERDICT_PASS), report_count(r, VERDICT_FAIL),
                           report_count(r, VERDICT_SKIP) };
    size_t n = groups_of(r, groups);
    for (size_t g = 0; g < n; g++) {
        fprintf(out, "%s%s\n", g ? "\n" : "", groups[g].name);
        for (size_t i = 0; i < r->count; i++)
            if (!strcmp(r->rows[i].def->group, groups[g].name))
                print_row(&r->rows[i], out);
    }
    fprintf(out, "\n%-10s %5s %5s %5s\n", "group", "pass", "fail", "skip");
    for (size_t g = 0; g < n; g++)
        print_sum(groups[g].name, groups[g].count, out);
    print_sum("all", all, out);
    fprintf(out, "\n%zu cases on %s: %zu pass, %zu fail, %zu skip\n", r->count, r->target, all[VERDICT_PASS],
            all[VERDICT_FAIL], all[VERDICT_SKIP]);
}

/* ---- for programs ---- */

static json_t *row_json(const struct verdict_row *row)
{
    char name[CASE_NAME_SIZE];
    return json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:i}", "name", case_name(row->def, name), "number",
                     (int)row->def->number, "group", row->def->group, "section", row->def->section, "title",
                     row->def->name, "verdict", verdict_words[row->verdict], "detail", row->detail, "ms", (int)row->ms);
}

void report_json(const struct report *r, FILE *out)
{
    json_t *cases = json_array();
    for (size_t i = 0; i < r->count; i++)
        json_array_append_new(cases, row_json(&r->rows[i]));
    json_t *root = json_pack("{s:s, s:i, s:i, s:i, s:o}", "target", r->target, "passed",
                             (int)report_count(r, VERDICT_PASS), "failed", (int)report_count(r, VERDICT_FAIL),
                             "skipped", (int)report_count(r, VERDICT_SKIP), "cases", cases);
    if (root) {
        json_dumpf(root, out, JSON_INDENT(1));
        fputc('\n', out);
    }
    json_decref(root);
}

/* ---- for build servers: <testsuites>, a <testsuite> for each group ---- */

static void junit_text(struct writer *w, const char *name, const char *text)
{
    wr_printf(w, " %s=\"", name);
    wr_xml_attribute(w, span_text(text));
    wr_text(w, "\"");
}

static void junit_sums(struct writer *w, const size_t count[3], uint32_t ms)
{
    wr_printf(w, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" time=\"%u.%03u\"",
              count[VERDICT_PASS] + count[VERDICT_FAIL] + count[VERDICT_SKIP], count[VERDICT_FAIL], count[VERDICT_SKIP],
              ms / 1000, ms % 1000);
}

static void junit_row(struct writer *w, const char *kind, const struct verdict_row *row)
{
    static const char *const elements[] = { "system-out", "failure", "skipped" };
    const char *element = elements[row->verdict];
    char name[CASE_NAME_SIZE];
    wr_printf(w, "    <testcase classname=\"%s.%s\" name=\"%s\" time=\"%u.%03u\">", kind, row->def->group,
              case_name(row->def, name), row->ms / 1000, row->ms % 1000);
    if (row->verdict == VERDICT_PASS && row->detail[0]) {
        wr_printf(w, "<%s>", element);
        wr_xml_text(w, span_text(row->detail));
        wr_printf(w, "</%s>", element);
    } else if (row->verdict != VERDICT_PASS) {
        wr_printf(w, "<%s", element);
        junit_text(w, "message", row->detail);
        wr_text(w, "/>");
    }
    wr_text(w, "</testcase>\n");
}

static void junit_group(struct writer *w, const struct report *r, const struct group_sum *g)
{
    wr_text(w, "  <testsuite");
    junit_text(w, "name", g->name);
    junit_sums(w, g->count, g->ms);
    wr_text(w, ">\n");
    for (size_t i = 0; i < r->count; i++)
        if (!strcmp(r->rows[i].def->group, g->name))
            junit_row(w, r->kind, &r->rows[i]);
    wr_text(w, "  </testsuite>\n");
}

static void junit_write(struct writer *w, const struct report *r)
{
    struct group_sum groups[REPORT_GROUPS_MAX], all = { .name = r->target };
    size_t n = groups_of(r, groups);
    for (size_t g = 0; g < n; g++) {
        for (int v = VERDICT_PASS; v <= VERDICT_SKIP; v++)
            all.count[v] += groups[g].count[v];
        all.ms += groups[g].ms;
    }
    wr_printf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"osprey-conform %s ", r->kind);
    wr_xml_attribute(w, span_text(r->target));
    wr_text(w, "\"");
    junit_sums(w, all.count, all.ms);
    wr_text(w, ">\n");
    for (size_t g = 0; g < n; g++)
        junit_group(w, r, &groups[g]);
    wr_text(w, "</testsuites>\n");
}

enum err report_junit(const struct report *r, const char *path)
{
    uint8_t *memory = malloc(JUNIT_MAX);
    if (!memory)
        return ERR_NO_MEMORY;
    struct writer w = wr_of(memory, JUNIT_MAX);
    junit_write(&w, r);
    enum err err = w.err == ERR_NONE ? file_write(path, wr_span(&w)) : w.err;
    free(memory);
    return err;
}

enum err report_write(const struct report *r, bool json, const char *junit)
{
    if (json)
        report_json(r, stdout);
    else
        report_table(r, stdout);
    return junit ? report_junit(r, junit) : ERR_NONE;
}
