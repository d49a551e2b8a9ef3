#include "report.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "lib/base/world.h"
#include "lib/codec/xml.h"
#include "lib/io/file.h"
#include <jansson.h>

#define JUNIT_MAX (512u * 1024u)

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

void report_table(const struct report *r, FILE *out)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct verdict_row *row = &r->rows[i];
        fprintf(out, "%s  %3u  %-8s §%-6s %-62s%s%s\n", verdict_words[row->verdict], row->def->number, row->def->group,
                row->def->section, row->def->name, row->detail[0] ? "  " : "", row->detail);
    }
    fprintf(out, "\n%zu cases on %s: %zu pass, %zu fail, %zu skip\n", r->count, r->target,
            report_count(r, VERDICT_PASS), report_count(r, VERDICT_FAIL), report_count(r, VERDICT_SKIP));
}

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

static void junit_row(struct writer *w, const char *kind, const struct verdict_row *row)
{
    char name[CASE_NAME_SIZE];
    wr_printf(w, "  <testcase classname=\"%s.%s\" name=\"%s\" time=\"%u.%03u\">", kind, row->def->group,
              case_name(row->def, name), row->ms / 1000, row->ms % 1000);
    if (row->verdict != VERDICT_PASS) {
        wr_printf(w, "<%s message=\"", row->verdict == VERDICT_FAIL ? "failure" : "skipped");
        wr_xml_attribute(w, span_text(row->detail));
        wr_text(w, "\"/>");
    }
    wr_text(w, "</testcase>\n");
}

enum err report_junit(const struct report *r, const char *path)
{
    uint8_t *memory = malloc(JUNIT_MAX);
    if (!memory)
        return ERR_NO_MEMORY;
    struct writer w = wr_of(memory, JUNIT_MAX);
    wr_printf(&w,
              "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"osprey-conform %s %s\" tests=\"%zu\" ",
              r->kind, r->target, r->count);
    wr_printf(&w, "failures=\"%zu\" errors=\"0\" skipped=\"%zu\">\n", report_count(r, VERDICT_FAIL),
              report_count(r, VERDICT_SKIP));
    for (size_t i = 0; i < r->count; i++)
        junit_row(&w, r->kind, &r->rows[i]);
    wr_text(&w, "</testsuite>\n");
    enum err err = w.err == ERR_NONE ? file_write(path, wr_span(&w)) : w.err;
    free(memory);
    return err;
}
