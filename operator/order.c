/* operator/order.c: profiles are ordered from an SM-DP of ours, which SGP.02 leaves to the parties: its administration
 * over HTTPS with our certificate (docs/sm-dp-admin.yaml). */
#include <jansson.h>
#include <stdio.h>

#include "admin.h"
#include "commands.h"
#include "lib/codec/hex.h"
#include "lib/io/file.h"
#include "show.h"

#define PACKAGE_FILE_MAX 0x100000u
#define ORDERS_FILE_MAX  0x100000u
#define BATCH_OCTETS_MAX 0x200000u /* of one request */
#define ORDERS           "/admin/v1/orders"
#define PATH             "/admin/v1/profiles"

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text && *text)
        json_object_set_new(object, name, json_string(text));
}

static json_t *order_json(struct op_session *s, const struct op_arguments *a, struct span package)
{
    char pol2[POL2_TEXT_SIZE];
    json_t *o = json_object();
    set_text(o, "package", hex_arena(&s->arena, package));
    set_text(o, "type", a->type);
    set_text(o, "imsi", a->address.imsi);
    set_text(o, "msisdn", a->address.msisdn);
    if (a->given & OPT(RULES))
        set_text(o, "pol2", pol2_text(a->rules, pol2));
    if (a->given & OPT(TOKEN))
        json_object_set_new(o, "token", json_true());
    return o;
}

static enum op_exit order_one(struct op_session *s, const struct op_arguments *a)
{
    struct span package;
    json_t *answer;
    if (file_read(a->package, PACKAGE_FILE_MAX, &s->arena, &package) != ERR_NONE || !package.len) {
        snprintf(s->detail, sizeof s->detail, "--package: %s cannot be read, is empty, or is too big", a->package);
        return OP_LOCAL;
    }
    if (a->given & OPT(DRY_RUN)) {
        printf("dry run, nothing is sent: an order of %zu octets to %s\n", package.len, s->partner->name);
        return OP_OK;
    }
    json_t *order = order_json(s, a, package);
    enum op_exit exit = op_admin_ask(s, "POST", PATH, order, &answer);
    json_decref(order);
    if (exit != OP_OK)
        return exit;
    if (s->json)
        op_show_json(answer);
    else
        printf("ordered: profile %s at %s\n", json_string_value(json_object_get(answer, "iccid")), s->partner->name);
    json_decref(answer);
    return OP_OK;
}

/* ---- many: a line each, "PACKAGE [type=…] [imsi=…] [msisdn=…] [rules=…] [token=yes]" */

struct batch {
    struct op_session *s;
    const char *folder; /* packages are named relative to the list */
    size_t folder_len;
    bool dry;
    json_t *orders, *names;
    size_t octets, taken, refused;
    enum op_exit exit;
};

static void show_result(struct batch *b, json_t *result, const char *name)
{
    const char *why = json_string_value(json_object_get(result, "error"));
    b->taken += !why;
    b->refused += why != NULL;
    if (b->s->json) {
        json_object_set_new(result, "package", json_string(name));
        op_show_json(result);
    } else if (why) {
        printf("refused   %s: %s\n", name, why);
    } else {
        printf("ordered   %s: profile %s\n", name, json_string_value(json_object_get(result, "iccid")));
    }
}

static void send_batch(struct batch *b)
{
    size_t i;
    json_t *answer = NULL, *result, *body = json_pack("{s:O}", "orders", b->orders);
    if (json_array_size(b->orders) && !b->dry)
        b->exit = op_admin_ask(b->s, "POST", ORDERS, body, &answer);
    json_array_foreach(json_object_get(answer, "results"), i, result)
        show_result(b, result, json_string_value(json_array_get(b->names, i)));
    json_decref(body);
    json_decref(answer);
    json_array_clear(b->orders);
    json_array_clear(b->names);
    b->octets = 0;
}

/* false: the line says something that is not known. */
static bool read_words(char *text, json_t *order)
{
    static const char *const names[] = { "type", "imsi", "msisdn", "rules", "token" };
    for (char *save = NULL, *word = strtok_r(text, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
        char *value = strchr(word, '=');
        size_t i = 0;
        while (value && i < ARRAY_LEN(names) && strncmp(word, names[i], (size_t)(value - word)))
            i++;
        if (!value || i == ARRAY_LEN(names) || strlen(names[i]) != (size_t)(value - word))
            return false;
        if (!strcmp(names[i], "token"))
            json_object_set_new(order, "token", json_boolean(!strcmp(value + 1, "yes")));
        else
            set_text(order, strcmp(names[i], "rules") ? names[i] : "pol2", value + 1);
    }
    return true;
}

static enum op_exit wrong_line(struct batch *b, size_t number, const char *why)
{
    snprintf(b->s->detail, sizeof b->s->detail, "--file: line %zu: %s", number, why);
    return OP_USAGE;
}

static enum op_exit read_line(struct batch *b, size_t number, char *line)
{
    struct arena a;
    struct span package;
    char *rest = line + strcspn(line, " \t");
    json_t *order = json_object();
    if (*rest)
        *rest++ = '\0';
    if (!read_words(rest, order)) {
        json_decref(order);
        return wrong_line(b, number, "after the package only type=, imsi=, msisdn=, rules= and token=");
    }
    arena_init(&a, 4 * PACKAGE_FILE_MAX);
    const char *path = arena_printf(&a, "%.*s%s", *line == '/' ? 0 : (int)b->folder_len, b->folder, line);
    enum err err = path ? file_read(path, PACKAGE_FILE_MAX, &a, &package) : ERR_NO_MEMORY;
    if (err == ERR_NONE && package.len) {
        set_text(order, "package", hex_arena(&a, package));
        b->octets += 2 * package.len + 200;
        json_array_append_new(b->orders, order);
        json_array_append_new(b->names, json_string(line));
    } else {
        json_decref(order);
    }
    arena_release(&a);
    return err == ERR_NONE && package.len ? OP_OK : wrong_line(b, number, "the package cannot be read, is empty, or is too big");
}

static enum op_exit order_many(struct op_session *s, const struct op_arguments *a)
{
    struct span file;
    const char *slash = strrchr(a->file, '/');
    struct batch b = { .s = s, .folder = a->file, .folder_len = slash ? (size_t)(slash - a->file + 1) : 0,
                       .dry = a->given & OPT(DRY_RUN), .orders = json_array(), .names = json_array() };
    size_t number = 0, count = 0;
    if (file_read(a->file, ORDERS_FILE_MAX, &s->arena, &file) != ERR_NONE) {
        snprintf(s->detail, sizeof s->detail, "--file: %s cannot be read, or is too big", a->file);
        b.exit = OP_LOCAL;
        file = SPAN_NONE;
    }
    char *text = arena_text(&s->arena, file), *save = NULL;
    for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line && b.exit == OP_OK; line = strtok_r(NULL, "\n", &save)) {
        number++;
        line += strspn(line, " \t\r");
        line[strcspn(line, "\r")] = '\0';
        if (!*line || *line == '#')
            continue;
        count++;
        b.exit = read_line(&b, number, line);
        if (b.exit == OP_OK && b.octets > BATCH_OCTETS_MAX)
            send_batch(&b);
    }
    if (b.exit == OP_OK)
        send_batch(&b);
    if (b.dry && b.exit == OP_OK)
        printf("dry run, nothing is sent: %zu orders to %s\n", count, s->partner->name);
    else if (!s->json)
        printf("%zu ordered, %zu refused, of %zu\n", b.taken, b.refused, count);
    json_decref(b.orders);
    json_decref(b.names);
    return b.exit == OP_OK && b.refused ? OP_FAILED : b.exit;
}

enum op_exit op_order_add(struct op_session *s, const struct op_arguments *a)
{
    if (!a->package == !a->file) {
        snprintf(s->detail, sizeof s->detail, "what to order? Give --package, or --file for many");
        return OP_USAGE;
    }
    if (!op_admin_choose(s, a, OP_SMDP))
        return OP_USAGE;
    return a->file ? order_many(s, a) : order_one(s, a);
}

static const char *by_iccid(json_t *row, char *out, size_t cap)
{
    snprintf(out, cap, "%s", op_json_text(row, "iccid"));
    return out;
}

enum op_exit op_order_list(struct op_session *s, const struct op_arguments *a)
{
    static const struct op_column columns[] = { { "iccid", 20 }, { "state", 9 }, { "imsi", 15 }, { "msisdn", 15 },
                                                { "pol2", 24 }, { "eid", 32 }, { "type", 0 }, { NULL, 0 } };
    return op_admin_choose(s, a, OP_SMDP) ? op_admin_list(s, PATH, "profiles", columns, by_iccid) : OP_USAGE;
}
