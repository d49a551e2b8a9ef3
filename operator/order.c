/* operator/order.c: profiles are ordered from an SM-DP of ours, which SGP.02 leaves to the parties: its administration
 * over HTTPS with our certificate (docs/sm-dp-admin.yaml). */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "lib/codec/hex.h"
#include "lib/io/file.h"
#include "show.h"

#define PACKAGE_FILE_MAX 0x100000u
#define PATH             "/admin/v1/profiles"

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

/* The answer's JSON, to be released; NULL: detail says why. */
static enum op_exit ask(struct op_session *s, const char *method, const char *target, struct span body, json_t **ret)
{
    struct asking k = { .s = s };
    struct span origin = wsa_origin(span_text(s->partner->url));
    const char *url = arena_printf(&s->arena, "%.*s%s", (int)origin.len, (const char *)origin.ptr, target);
    struct http_call call = { .method = method, .url = url, .content_type = "application/json", .body = body,
                              .done = on_answer, .context = &k };
    *ret = NULL;
    if (!url || http_client_send(s->client, &call) != ERR_NONE) {
        snprintf(s->detail, sizeof s->detail, "%s: no URL that can be called", s->partner->url);
        return OP_LOCAL;
    }
    while (!k.done)
        loop_round(s->loop, 50);
    enum op_exit exit = exit_of(&k);
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

/* --via, or the only SM-DP. */
static bool choose(struct op_session *s, const struct op_arguments *a)
{
    s->partner = a->via ? op_partner_find(&s->config, a->via) : NULL;
    for (size_t i = 0; !a->via && !s->partner && i < s->config.partner_count; i++)
        if (s->config.partners[i].is_smdp)
            s->partner = &s->config.partners[i];
    if (s->partner && s->partner->is_smdp)
        return true;
    snprintf(s->detail, sizeof s->detail, "%s: not an SM-DP of the configuration", a->via ? a->via : "--via");
    return false;
}

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text && *text)
        json_object_set_new(object, name, json_string(text));
}

static struct span order_json(struct op_session *s, const struct op_arguments *a, struct span package)
{
    char pol2[POL2_TEXT_SIZE];
    json_t *o = json_object();
    set_text(o, "package", hex_arena(&s->arena, package));
    set_text(o, "type", a->type);
    set_text(o, "imsi", a->address.imsi);
    set_text(o, "msisdn", a->address.msisdn);
    if (a->given & OPT(RULES))
        set_text(o, "pol2", pol2_text(a->rules, pol2));
    char *text = json_dumps(o, JSON_COMPACT);
    struct span copy = arena_copy(&s->arena, span_text(text ? text : ""));
    json_decref(o);
    free(text);
    return copy;
}

enum op_exit op_order_add(struct op_session *s, const struct op_arguments *a)
{
    struct span package;
    json_t *answer;
    if (!choose(s, a))
        return OP_USAGE;
    if (file_read(a->package, PACKAGE_FILE_MAX, &s->arena, &package) != ERR_NONE || !package.len) {
        snprintf(s->detail, sizeof s->detail, "--package: %s cannot be read, is empty, or is too big", a->package);
        return OP_LOCAL;
    }
    if (a->given & OPT(DRY_RUN)) {
        printf("dry run, nothing is sent: an order of %zu octets to %s\n", package.len, s->partner->name);
        return OP_OK;
    }
    enum op_exit exit = ask(s, "POST", PATH, order_json(s, a, package), &answer);
    if (exit != OP_OK)
        return exit;
    if (s->json)
        op_show_json(answer);
    else
        printf("ordered: profile %s at %s\n", json_string_value(json_object_get(answer, "iccid")), s->partner->name);
    json_decref(answer);
    return OP_OK;
}

static const char *text_of(json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text ? text : "";
}

static void print_page(const struct op_session *s, json_t *rows)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) {
        if (s->json)
            op_show_json(row);
        else
            printf("%-20s  %-9s  %-15s  %-15s  %-24s  %-32s  %s\n", text_of(row, "iccid"), text_of(row, "state"),
                   text_of(row, "imsi"), text_of(row, "msisdn"), text_of(row, "pol2"), text_of(row, "eid"),
                   text_of(row, "type"));
    }
}

enum op_exit op_order_list(struct op_session *s, const struct op_arguments *a)
{
    char target[80] = PATH;
    bool more = true;
    if (!choose(s, a))
        return OP_USAGE;
    while (more) {
        json_t *answer;
        enum op_exit exit = ask(s, "GET", target, SPAN_NONE, &answer);
        if (exit != OP_OK)
            return exit;
        json_t *rows = json_object_get(answer, "profiles");
        print_page(s, rows);
        more = json_is_true(json_object_get(answer, "more")) && json_array_size(rows);
        if (more)
            snprintf(target, sizeof target, PATH "?after=%s",
                     text_of(json_array_get(rows, json_array_size(rows) - 1), "iccid"));
        json_decref(answer);
    }
    return OP_OK;
}
