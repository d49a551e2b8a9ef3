#include "batch.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/io/file.h"
#include "show.h"

#define FILE_MAX (64u << 20)

static const char *const step_names[] = { "look", "prepare", "change", "rotate" };
const struct batch_kind BATCH_TO_MOVE = { BATCH_PREPARE,
                                          { "not_tried", "moved", "warning", "failed", "in_doubt", "ready" },
                                          { "not tried", "moved", "moved, with a warning", "failed", "in doubt", "may be moved" },
                                          false };
const struct batch_kind BATCH_TO_ROTATE = { BATCH_ROTATE,
                                            { "not_tried", "rotated", "warning", "failed", "in_doubt", "ready" },
                                            { "not tried", "has new keys", "has new keys, with a warning", "failed", "in doubt",
                                              "may get new keys" },
                                            true };

/* ---- the list */

static struct span trim(struct span line)
{
    const uint8_t *comment = memchr(line.ptr, '#', line.len);
    if (comment)
        line.len = (size_t)(comment - line.ptr);
    while (line.len && line.ptr[line.len - 1] <= ' ')
        line.len--;
    while (line.len && *line.ptr <= ' ')
        line = span_from(line, 1);
    return line;
}

static int by_eid(const void *a, const void *b)
{
    return strcmp(((const struct batch_item *)a)->eid, ((const struct batch_item *)b)->eid);
}

static struct batch_item *find(struct batch_book *b, const char *eid)
{
    struct batch_item key;
    snprintf(key.eid, sizeof key.eid, "%s", eid);
    return bsearch(&key, b->items, b->count, sizeof key, by_eid);
}

static enum err add(struct batch_book *b, struct span word, size_t line, char *detail, size_t cap)
{
    struct eid eid;
    if (b->count == BATCH_MAX) {
        snprintf(detail, cap, "more than %u EIDs in one file", BATCH_MAX);
        return ERR_TOO_LONG;
    }
    if (eid_from_text(word, &eid) != ERR_NONE) {
        snprintf(detail, cap, "line %zu: \"%.*s\" is no EID (32 digits, the last two are check digits)", line,
                 (int)(word.len < 40 ? word.len : 40), (const char *)word.ptr);
        return ERR_BAD_VALUE;
    }
    struct batch_item *i = &b->items[b->count++];
    *i = (struct batch_item){ .step = b->kind->first };
    eid_text(&eid, i->eid);
    return ERR_NONE;
}

/* Calls `take` with each line. */
static enum err each_line(struct span text, struct batch_book *b,
                          enum err (*take)(struct batch_book *, struct span, size_t, char *, size_t), char *detail, size_t cap)
{
    enum err err = ERR_NONE;
    for (size_t n = 1; text.len && err == ERR_NONE; n++) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        size_t len = end ? (size_t)(end - text.ptr) : text.len;
        err = take(b, span_sub(text, 0, len), n, detail, cap);
        text = span_from(text, len + (end != NULL));
    }
    return err;
}

static enum err take_eid(struct batch_book *b, struct span line, size_t n, char *detail, size_t cap)
{
    struct span word = trim(line);
    return word.len ? add(b, word, n, detail, cap) : ERR_NONE;
}

static enum err no_twice(struct batch_book *b, char *detail, size_t cap)
{
    qsort(b->items, b->count, sizeof *b->items, by_eid);
    for (size_t i = 1; i < b->count; i++)
        if (!strcmp(b->items[i].eid, b->items[i - 1].eid)) {
            snprintf(detail, cap, "%s stands in the file twice", b->items[i].eid);
            return ERR_EXISTS;
        }
    return ERR_NONE;
}

/* ---- the progress of an earlier run */

static const char *member(json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));
    return text ? text : "";
}

static struct status status_of(json_t *o)
{
    enum exec_status exec = EXECUTED_FAILED;
    if (exec_status_from_xml(span_text(member(o, "status")), &exec) != ERR_NONE)
        return (struct status){ .exec = EXECUTED_FAILED };
    return status_from_codes(exec, span_text(member(o, "subject")), span_text(member(o, "reason")), SPAN_NONE,
                             span_text(member(o, "message")));
}

/* What failed is tried again from the beginning; what had no answer is asked again under its identifier. */
static void remember(const struct batch_kind *kind, struct batch_item *i, json_t *o)
{
    const char *outcome = member(o, "outcome");
    i->step = !strcmp(member(o, "step"), "change") ? BATCH_CHANGE : kind->first;
    i->there = json_is_true(json_object_get(o, "there"));
    i->asked = !*outcome || (kind->keeps_call && !strcmp(outcome, kind->names[BATCH_DOUBT]));
    i->validity_s = (uint32_t)json_integer_value(json_object_get(o, "validity_s"));
    snprintf(i->call_id, sizeof i->call_id, "%s", i->asked ? member(o, "call_id") : "");
    if (!strcmp(outcome, kind->names[BATCH_MOVED]) || !strcmp(outcome, kind->names[BATCH_WARNING])) {
        i->outcome = !strcmp(outcome, kind->names[BATCH_MOVED]) ? BATCH_MOVED : BATCH_WARNING;
        i->status = status_of(o);
    } else if (!strcmp(outcome, kind->names[BATCH_FAILED]) || !strcmp(outcome, kind->names[BATCH_DOUBT])) {
        i->step = kind->first;
    }
}

/* A line that is cut short was not acted upon: it is written before its call leaves. */
static enum err take_progress(struct batch_book *b, struct span line, size_t n, char *detail, size_t cap)
{
    json_t *o = json_loadb((const char *)line.ptr, line.len, 0, NULL);
    struct batch_item *i = o ? find(b, member(o, "eid")) : NULL;
    (void)n;
    (void)detail;
    (void)cap;
    if (i)
        remember(b->kind, i, o);
    json_decref(o);
    return ERR_NONE;
}

static enum err read_progress(struct batch_book *b, const char *path, struct arena *a, bool *ret_cut)
{
    struct span text;
    enum err err = file_read(path, FILE_MAX, a, &text);
    *ret_cut = err == ERR_NONE && text.len && text.ptr[text.len - 1] != '\n';
    if (err == ERR_NOT_FOUND)
        return ERR_NONE;
    return err == ERR_NONE ? each_line(text, b, take_progress, NULL, 0) : err;
}

static enum err open_progress(struct batch_book *b, const char *list, struct arena *a, char *detail, size_t cap)
{
    char path[1024];
    bool cut = false;
    snprintf(path, sizeof path, "%s.progress", list);
    enum err err = read_progress(b, path, a, &cut);
    b->progress = err == ERR_NONE ? fopen(path, "a") : NULL;
    if (b->progress && cut)
        fputc('\n', b->progress);
    if (!b->progress)
        snprintf(detail, cap, "%s: cannot be read and written", path);
    return b->progress ? ERR_NONE : ERR_IO;
}

enum err batch_book_open(const char *path, const struct batch_kind *kind, bool dry_run, struct batch_book *ret, char *detail,
                         size_t cap)
{
    struct arena a;
    struct span text;
    arena_init(&a, 2 * FILE_MAX);
    *ret = (struct batch_book){ .kind = kind, .items = calloc(BATCH_MAX, sizeof *ret->items) };
    enum err err = ret->items ? file_read(path, FILE_MAX, &a, &text) : ERR_NO_MEMORY;
    snprintf(detail, cap, "%s: %s", path, err_text(err));
    if (err == ERR_NONE)
        err = each_line(text, ret, take_eid, detail, cap);
    if (err == ERR_NONE)
        err = no_twice(ret, detail, cap);
    if (err == ERR_NONE && !ret->count) {
        snprintf(detail, cap, "%s: no EID in it", path);
        err = ERR_MISSING;
    }
    if (err == ERR_NONE && !dry_run)
        err = open_progress(ret, path, &a, detail, cap);
    arena_release(&a);
    if (err != ERR_NONE)
        batch_book_close(ret);
    else
        *detail = '\0';
    return err;
}

void batch_book_close(struct batch_book *b)
{
    if (b->progress)
        fclose(b->progress);
    free(b->items);
    *b = (struct batch_book){ 0 };
}

/* ---- writing */

static void put(json_t *o, const char *name, const char *text)
{
    if (*text)
        json_object_set_new(o, name, json_string(text));
}

static enum err write_line(struct batch_book *b, json_t *o)
{
    char *text = json_dumps(o, JSON_COMPACT);
    bool good = text && (!b->progress || (fprintf(b->progress, "%s\n", text) > 0 && !fflush(b->progress) &&
                                          (!fsync(fileno(b->progress)) || errno == EINVAL))); /* EINVAL: a pipe */
    json_decref(o);
    free(text);
    return good ? ERR_NONE : ERR_IO;
}

static json_t *step_json(const struct batch_item *i)
{
    json_t *o = json_object();
    put(o, "eid", i->eid);
    put(o, "step", step_names[i->step]);
    put(o, "call_id", i->call_id);
    json_object_set_new(o, "validity_s", json_integer(i->validity_s));
    if (i->there)
        json_object_set_new(o, "there", json_true());
    return o;
}

enum err batch_book_asked(struct batch_book *b, const struct batch_item *i) { return write_line(b, step_json(i)); }

/* The command that settles it, for people to type. */
static void put_command(json_t *o, const struct batch_book *b, const struct batch_item *i)
{
    char text[300];
    if (i->outcome == BATCH_DOUBT && !b->target)
        snprintf(text, sizeof text, "osprey keys rotate --via %s --eid %s --call-id %s", b->via, i->eid, i->call_id);
    else
        snprintf(text, sizeof text, "osprey sm-sr change --via %s --eid %s --target %s", b->via, i->eid, b->target);
    if (i->outcome == BATCH_DOUBT)
        put(o, "command", text);
}

static json_t *outcome_json(const struct batch_book *b, const struct batch_item *i)
{
    json_t *o = json_object();
    put(o, "eid", i->eid);
    put(o, "outcome", b->kind->names[i->outcome]);
    if (*i->text)
        put(o, "message", i->text);
    if (i->outcome != BATCH_WAITING && !*i->text) {
        put(o, "status", exec_status_xml(i->status.exec));
        put(o, "subject", i->status.subject);
        put(o, "reason", i->status.code);
        put(o, "message", i->status.detail);
    }
    if (i->status.exec != EXECUTED_SUCCESS && !*i->text) {
        put(o, "text", reason_text(i->status.reason));
        put(o, "advice", reason_advice(i->status.reason));
    }
    put_command(o, b, i);
    return o;
}

enum err batch_book_answered(struct batch_book *b, const struct batch_item *i)
{
    json_t *o = i->outcome == BATCH_WAITING ? step_json(i) : outcome_json(b, i);
    if (i->outcome == BATCH_WAITING)
        put(o, "outcome", "goes on");
    else
        put(o, "step", step_names[i->step]);
    if (i->outcome == BATCH_DOUBT && b->kind->keeps_call) {
        put(o, "call_id", i->call_id);
        json_object_set_new(o, "validity_s", json_integer(i->validity_s));
    }
    return write_line(b, o);
}

size_t batch_count(const struct batch_book *b, enum batch_outcome outcome)
{
    size_t count = 0;
    for (size_t i = 0; i < b->count; i++)
        count += b->items[i].outcome == outcome;
    return count;
}

void batch_show_progress(const struct op_session *s, const struct batch_book *b, size_t working)
{
    if (!s->json && isatty(STDERR_FILENO))
        fprintf(stderr, "\r%zu of %zu, %zu under way \r", b->count - batch_count(b, BATCH_WAITING), b->count, working);
}

enum op_exit batch_exit(const struct batch_book *b)
{
    if (batch_count(b, BATCH_DOUBT))
        return OP_EXPIRED;
    return batch_count(b, BATCH_FAILED) ? OP_FAILED : batch_count(b, BATCH_WARNING) ? OP_WARNING : OP_OK;
}

void batch_show_item(const struct op_session *s, const struct batch_book *b, const struct batch_item *i)
{
    json_t *o = outcome_json(b, i);
    if (s->json)
        op_show_json(o);
    else
        printf("%s  %s%s%s%s%s  %s\n", i->eid, b->kind->words[i->outcome], *i->status.subject ? "  " : "", i->status.subject,
               *i->status.subject ? "/" : "", i->status.code, *i->text ? i->text : i->status.detail);
    if (!s->json && i->outcome == BATCH_DOUBT)
        printf("    settle it: %s\n", json_string_value(json_object_get(o, "command")));
    fflush(stdout);
    json_decref(o);
}

static json_t *report_json(const struct batch_book *b)
{
    json_t *o = json_object(), *list = json_array();
    for (int outcome = 0; outcome < BATCH_OUTCOMES; outcome++)
        json_object_set_new(o, b->kind->names[outcome], json_integer((json_int_t)batch_count(b, (enum batch_outcome)outcome)));
    put(o, "via", b->via);
    put(o, "target", b->target ? b->target : "");
    json_object_set_new(o, "total", json_integer((json_int_t)b->count));
    for (size_t i = 0; i < b->count; i++)
        json_array_append_new(list, outcome_json(b, &b->items[i]));
    json_object_set_new(o, "euiccs", list);
    return o;
}

enum err batch_show_report(const struct op_session *s, const struct batch_book *b, const char *report)
{
    json_t *o = report_json(b);
    enum err err = report && json_dump_file(o, report, JSON_INDENT(2)) ? ERR_IO : ERR_NONE;
    json_object_del(o, "euiccs"); /* each had its line */
    if (s->json)
        op_show_json(o);
    else
        for (int outcome = 0; outcome < BATCH_OUTCOMES; outcome++)
            if (batch_count(b, (enum batch_outcome)outcome))
                printf("%6zu %s\n", batch_count(b, (enum batch_outcome)outcome), b->kind->words[outcome]);
    json_decref(o);
    return err;
}
