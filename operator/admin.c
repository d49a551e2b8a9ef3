#include "admin.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "explain.h"
#include "show.h"

#define FOLLOW_MS 500u

/* ---- asking */

struct asking {
    struct op_session *s;
    bool done;
    int status;
    enum err err;
    json_t *answer;
};

static void on_answer(void *context, const struct http_answer *answer)
{
    struct asking *k = context;
    k->done = true;
    k->err = answer->err;
    k->status = answer->status;
    if (answer->err != ERR_NONE)
        snprintf(k->s->detail, sizeof k->s->detail, "%s: %s", k->s->partner->name, answer->detail);
    else
        k->answer = json_loadb((const char *)answer->body.ptr, answer->body.len, 0, NULL);
}

static enum op_exit exit_of(const struct asking *k)
{
    if (k->err != ERR_NONE)
        return OP_UNREACHABLE;
    if (k->status >= 200 && k->status < 300)
        return k->answer ? OP_OK : OP_PROTOCOL;
    return k->status == 403 ? OP_UNREACHABLE : k->status == 404 ? OP_PROTOCOL : OP_FAILED;
}

enum op_exit op_admin_ask(struct op_session *s, const char *method, const char *target, json_t *body, json_t **ret)
{
    struct asking k = { .s = s };
    struct span origin = wsa_origin(span_text(s->partner->url));
    const char *url = arena_printf(&s->arena, "%.*s%s", (int)origin.len, (const char *)origin.ptr, target);
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    struct http_call call = { .method = method, .url = url, .content_type = "application/json", .body = span_text(text ? text : ""),
                              .done = on_answer, .context = &k };
    *ret = NULL;
    op_explain(s, "→ %s %s %.400s", method, url ? url : target, text ? text : "");
    enum err err = url ? http_client_send(s->client, &call) : ERR_NO_MEMORY;
    free(text);
    if (err != ERR_NONE) {
        snprintf(s->detail, sizeof s->detail, "%s: no URL that can be called", s->partner->url);
        return OP_LOCAL;
    }
    while (!k.done)
        loop_round(s->loop, 50);
    enum op_exit exit = exit_of(&k);
    op_explain(s, "← HTTP %d", k.status);
    if (exit == OP_OK) {
        *ret = k.answer;
        return OP_OK;
    }
    const char *why = json_string_value(json_object_get(k.answer, "error"));
    if (k.err == ERR_NONE)
        snprintf(s->detail, sizeof s->detail, "%s refuses (HTTP %d): %s", s->partner->name, k.status,
                 why ? why : "it has no administration that we know");
    json_decref(k.answer);
    return exit;
}

bool op_admin_choose(struct op_session *s, const struct op_arguments *a, unsigned servers)
{
    const struct op_config *c = &s->config;
    const struct op_partner *named = a->via ? op_partner_find(c, a->via) : NULL;
    const struct op_partner *usual = c->via ? op_partner_find(c, c->via) : NULL;
    s->partner = a->via ? named : usual && servers & (usual->is_smdp ? OP_SMDP : OP_SMSR) ? usual : NULL;
    for (size_t i = 0; !a->via && !s->partner && i < c->partner_count; i++)
        if (servers & (c->partners[i].is_smdp ? OP_SMDP : OP_SMSR))
            s->partner = &c->partners[i];
    if (s->partner && servers & (s->partner->is_smdp ? OP_SMDP : OP_SMSR))
        return true;
    snprintf(s->detail, sizeof s->detail, "%s: not %s of the configuration", a->via ? a->via : "--via",
             servers == OP_SMDP ? "an SM-DP" : servers == OP_SMSR ? "an SM-SR" : "a partner");
    return false;
}

/* ---- lists: pages of rows, a column each */

const char *op_json_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

/* Blanks between columns, none at the end of a line. */
static void print_cell(const char *text, const struct op_column *column)
{
    printf("%-*s%s", column[1].name ? column->width : 0, text, column[1].name ? "  " : "\n");
}

static void print_value(json_t *value, const struct op_column *column)
{
    char number[32];
    const char *text = json_string_value(value);
    if (json_is_integer(value))
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
    else if (json_is_boolean(value))
        snprintf(number, sizeof number, "%s", json_is_true(value) ? "yes" : "no");
    else
        snprintf(number, sizeof number, "-");
    print_cell(text && *text ? text : text ? "-" : number, column);
}

/* "remaining_memory" is headed REMAINING MEMORY. */
static void print_head(const struct op_column *columns)
{
    char name[40];
    for (; columns->name; columns++) {
        size_t i = 0;
        for (; columns->name[i] && i < sizeof name - 1; i++)
            name[i] = columns->name[i] == '_' ? ' ' : (char)toupper((unsigned char)columns->name[i]);
        name[i] = '\0';
        print_cell(name, columns);
    }
}

static void print_page(const struct op_session *s, json_t *rows, const struct op_column *columns, bool first)
{
    size_t i;
    json_t *row;
    if (!s->json && first && json_array_size(rows))
        print_head(columns);
    else if (!s->json && first)
        printf("there is none\n");
    json_array_foreach(rows, i, row) {
        if (s->json)
            op_show_json(row);
        for (const struct op_column *c = columns; !s->json && c->name; c++)
            print_value(json_object_get(row, c->name), c);
    }
}

enum op_exit op_admin_list(struct op_session *s, const char *target, const char *rows_name, const struct op_column *columns,
                           op_row_key *key)
{
    char after[128] = "", url[256];
    bool more = true;
    for (bool first = true; more; first = false) {
        json_t *answer;
        snprintf(url, sizeof url, "%s%s%s%s", target, !*after ? "" : strchr(target, '?') ? "&" : "?", *after ? "after=" : "", after);
        enum op_exit exit = op_admin_ask(s, "GET", url, NULL, &answer);
        if (exit != OP_OK)
            return exit;
        json_t *rows = json_object_get(answer, rows_name);
        print_page(s, rows, columns, first);
        more = json_is_true(json_object_get(answer, "more")) && json_array_size(rows);
        if (more)
            key(json_array_get(rows, json_array_size(rows) - 1), after, sizeof after);
        json_decref(answer);
    }
    return OP_OK;
}

static const char *by_eid(json_t *row, char *out, size_t cap)
{
    snprintf(out, cap, "%s", op_json_text(row, "eid"));
    return out;
}

static const char *by_number(json_t *row, char *out, size_t cap)
{
    snprintf(out, cap, "%s.%lld", op_json_text(row, "eid"), (long long)json_integer_value(json_object_get(row, "number")));
    return out;
}

static const char *by_id(json_t *row, char *out, size_t cap)
{
    snprintf(out, cap, "%lld", (long long)json_integer_value(json_object_get(row, "id")));
    return out;
}

enum op_exit op_euicc_list(struct op_session *s, const struct op_arguments *a)
{
    static const struct op_column columns[] = { { "eid", 32 }, { "enabled", 20 }, { "profiles", 8 }, { "procedures", 10 },
                                             { "remaining_memory", 16 }, { "seen", 24 }, { NULL, 0 } };
    return op_admin_choose(s, a, OP_SMSR) ? op_admin_list(s, "/admin/v1/euiccs", "euiccs", columns, by_eid) : OP_USAGE;
}

static const char *eid_of(const struct op_arguments *a, char text[EID_TEXT_SIZE])
{
    *text = '\0';
    if (a->given & OPT(EID))
        eid_text(&a->eid, text);
    return text;
}

enum op_exit op_procedure_list(struct op_session *s, const struct op_arguments *a)
{
    static const struct op_column columns[] = { { "eid", 32 }, { "number", 6 }, { "procedure", 16 }, { "step", 12 }, { "function", 24 },
                                             { "requester", 16 }, { "deadline", 24 }, { NULL, 0 } };
    char target[128], eid[EID_TEXT_SIZE];
    snprintf(target, sizeof target, "/admin/v1/procedures%s%s", a->given & OPT(EID) ? "?eid=" : "", eid_of(a, eid));
    return op_admin_choose(s, a, OP_SMSR) ? op_admin_list(s, target, "procedures", columns, by_number) : OP_USAGE;
}

/* ---- one eUICC's procedures, step by step */

static void print_steps(json_t *procedure)
{
    const char *now = op_json_text(procedure, "step");
    json_t *name;
    size_t i;
    json_array_foreach(json_object_get(procedure, "steps"), i, name) {
        bool here = !strcmp(json_string_value(name), now);
        printf("%s%s%s%s", i ? " > " : "  ", here ? "[" : "", json_string_value(name), here ? "]" : "");
    }
    printf("\n");
}

static void print_procedure(json_t *procedure)
{
    json_t *command;
    size_t i;
    printf("%s %s, asked by %s, until %s\n", op_json_text(procedure, "procedure"), op_json_text(procedure, "iccid"),
           *op_json_text(procedure, "requester") ? op_json_text(procedure, "requester") : "the SM-SR itself", op_json_text(procedure, "deadline"));
    print_steps(procedure);
    json_array_foreach(json_object_get(procedure, "commands"), i, command)
        printf("  %s to the card over %s: %s, tries: %lld%s%s\n", op_json_text(command, "purpose"), op_json_text(command, "bearer"),
               json_is_true(json_object_get(command, "waits_for_the_card")) ? "waits for the card to be heard of"
               : json_is_true(json_object_get(command, "sent"))           ? "sent"
                                                                           : "waits for it to come",
               (long long)json_integer_value(json_object_get(command, "tries")), *op_json_text(command, "next_try") ? ", next at " : "",
               op_json_text(command, "next_try"));
}

static void print_procedures(const struct op_session *s, json_t *rows)
{
    json_t *row;
    size_t i;
    json_array_foreach(rows, i, row) {
        if (s->json)
            op_show_json(row);
        else
            print_procedure(row);
    }
}

enum op_exit op_procedure_show(struct op_session *s, const struct op_arguments *a)
{
    char target[128], eid[EID_TEXT_SIZE];
    json_t *shown = NULL, *answer;
    enum op_exit exit = OP_OK;
    bool again = a->given & OPT(FOLLOW);
    if (!op_admin_choose(s, a, OP_SMSR))
        return OP_USAGE;
    snprintf(target, sizeof target, "/admin/v1/procedures/%s", eid_of(a, eid));
    do {
        exit = op_admin_ask(s, "GET", target, NULL, &answer);
        if (exit != OP_OK)
            break;
        json_t *rows = json_object_get(answer, "procedures");
        if (!shown || !json_equal(shown, rows))
            print_procedures(s, rows);
        again &= json_array_size(rows) != 0;
        if (!s->json && !json_array_size(rows))
            printf("nothing runs and nothing waits for %s\n", eid);
        json_decref(shown);
        shown = json_incref(rows);
        json_decref(answer);
        fflush(stdout);
        if (again)
            loop_round(s->loop, FOLLOW_MS);
    } while (again);
    json_decref(shown);
    return exit;
}

/* ---- messages */

static const struct op_column message_columns[] = { { "id", 8 }, { "message", 48 }, { "to", 48 }, { "attempts", 8 }, { "due", 24 },
                                                 { "until", 24 }, { NULL, 0 } };
static const struct op_column given_up_columns[] = { { "id", 8 }, { "message", 48 }, { "to", 48 }, { "attempts", 8 }, { "given_up", 24 },
                                                  { NULL, 0 } };

enum op_exit op_outbox_list(struct op_session *s, const struct op_arguments *a)
{
    return op_admin_choose(s, a, OP_SMDP | OP_SMSR) ? op_admin_list(s, "/admin/v1/outbox", "messages", message_columns, by_id) : OP_USAGE;
}

enum op_exit op_undelivered_list(struct op_session *s, const struct op_arguments *a)
{
    return op_admin_choose(s, a, OP_SMDP | OP_SMSR) ? op_admin_list(s, "/admin/v1/undelivered", "messages", given_up_columns, by_id) : OP_USAGE;
}

static enum op_exit act(struct op_session *s, const struct op_arguments *a, const char *method, const char *end, const char *done)
{
    char target[128];
    json_t *answer;
    if (!op_admin_choose(s, a, OP_SMDP | OP_SMSR))
        return OP_USAGE;
    snprintf(target, sizeof target, "/admin/v1/undelivered/%.20s%s", a->word, end);
    enum op_exit exit = op_admin_ask(s, method, target, NULL, &answer);
    if (exit == OP_OK && !s->json)
        printf("message %s %s\n", a->word, done);
    else if (exit == OP_OK)
        op_show_json(answer);
    json_decref(answer);
    return exit;
}

enum op_exit op_undelivered_retry(struct op_session *s, const struct op_arguments *a)
{
    return act(s, a, "POST", "/retry", "is on its way again");
}

enum op_exit op_undelivered_forget(struct op_session *s, const struct op_arguments *a)
{
    return act(s, a, "DELETE", "", "is forgotten");
}

enum op_exit op_server_partners(struct op_session *s, const struct op_arguments *a)
{
    static const struct op_column columns[] = { { "name", 16 }, { "oid", 24 }, { "calls_per_s", 11 }, { "in_flight", 9 }, { NULL, 0 } };
    return op_admin_choose(s, a, OP_SMDP | OP_SMSR) ? op_admin_list(s, "/admin/v1/partners", "partners", columns, by_eid) : OP_USAGE;
}
