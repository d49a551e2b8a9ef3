#include "admin.h"

#include <jansson.h>
#include <stdlib.h>

#define ADMIN_ONLY "this is for partners of kind admin alone"

static int write_json(const struct admin_request *r, int status, json_t *json, struct span *ret)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    struct span copy = arena_copy(r->a, span_text(text ? text : "{}"));
    free(text);
    json_decref(json);
    *ret = copy.len ? copy : SPAN_LIT("{}");
    return copy.len || status == ADMIN_LATER ? status : 503;
}

int admin_refuse(json_t **ret, int status, const char *why)
{
    json_decref(*ret);
    *ret = json_pack("{s:s}", "error", why);
    return status;
}

/* ---- which route */

static struct span next_segment(struct span *rest)
{
    const uint8_t *slash = rest->len ? memchr(rest->ptr, '/', rest->len) : NULL;
    struct span segment = slash ? span_sub(*rest, 0, (size_t)(slash - rest->ptr)) : *rest;
    *rest = span_from(*rest, segment.len + (slash != NULL));
    return segment;
}

static bool fits(const char *path, struct span asked, struct span parts[ADMIN_PARTS_MAX])
{
    struct span route = span_text(path);
    size_t count = 0;
    if (!route.len || !asked.len)
        return route.len == asked.len;
    while (route.len && asked.len) {
        struct span want = next_segment(&route), got = next_segment(&asked);
        bool part = want.len && want.ptr[0] == '{';
        if (!got.len || (!part && !span_eq(want, got)))
            return false;
        if (part && count < ADMIN_PARTS_MAX)
            parts[count++] = got;
    }
    return !route.len && !asked.len;
}

static json_t *list_routes(const struct admin *admin)
{
    json_t *list = json_array();
    for (size_t k = 0; k < ARRAY_LEN(admin->sets); k++)
        for (size_t i = 0; i < admin->sets[k].count; i++) {
            const struct admin_route *route = &admin->sets[k].routes[i];
            json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "method", route->method, "path", route->path, "summary",
                                                  route->summary));
        }
    return json_pack("{s:o}", "routes", list);
}

/* The route for this path and method; *ret_found: another method is there. */
static const struct admin_route *find(const struct admin_set *set, struct admin_request *r, struct span path, bool *ret_found)
{
    for (size_t i = 0; i < set->count; i++) {
        if (!fits(set->routes[i].path, path, r->parts))
            continue;
        *ret_found = true;
        if (span_eq(r->method, span_text(set->routes[i].method)))
            return &set->routes[i];
    }
    return NULL;
}

static int run(const struct admin *admin, struct admin_request *r, json_t **ret)
{
    struct span path = span_from(r->path, strlen(ADMIN_PREFIX));
    bool found = false;
    if (!path.len && span_eq(r->method, SPAN_LIT("GET"))) {
        *ret = list_routes(admin);
        return 200;
    }
    for (size_t k = 0; k < ARRAY_LEN(admin->sets); k++) {
        const struct admin_route *route = find(&admin->sets[k], r, path, &found);
        if (route && !r->all && !(route->kinds & r->kinds))
            return admin_refuse(ret, 403, route->kinds ? "this is not for partners of your kind" : ADMIN_ONLY);
        if (route)
            return route->run(admin->sets[k].role, r, ret);
    }
    return admin_refuse(ret, found ? 405 : 404, found ? "not with this method" : "there is nothing here");
}

static int metrics(const struct admin *admin, const struct admin_request *r, struct span *ret)
{
    struct writer w = wr_arena(r->a, ADMIN_METRICS_MAX);
    admin->metrics(admin->sets[0].role, &w);
    *ret = wr_span(&w);
    return w.err == ERR_NONE ? 200 : 500;
}

int admin_serve(const struct admin *admin, struct admin_request *r, struct span *ret_body, const char **ret_type)
{
    json_t *json = NULL;
    int status;
    *ret_type = "application/json";
    if (!r->name)
        status = admin_refuse(&json, 403, "only partners that are known here may");
    else if (span_eq(r->path, SPAN_LIT(ADMIN_METRICS)) && r->all && span_eq(r->method, SPAN_LIT("GET"))) {
        *ret_type = "text/plain; version=0.0.4; charset=utf-8";
        return metrics(admin, r, ret_body);
    } else if (span_eq(r->path, SPAN_LIT(ADMIN_METRICS)))
        status = admin_refuse(&json, r->all ? 405 : 403, r->all ? "not with this method" : ADMIN_ONLY);
    else
        status = run(admin, r, &json);
    return write_json(r, status, json, ret_body);
}

/* ---- for the functions of routes */

static void note(void *context, enum err err) { *(enum err *)context = err; }

const struct query *admin_load(struct store *store, struct arena *a, const struct statement *statement, const struct value *params,
                               size_t count)
{
    struct rowset *rows = ARENA_NEW(a, struct rowset);
    enum err err = ERR_BUSY;
    if (!rows)
        return NULL;
    *rows = (struct rowset){ .arena = a };
    const struct query *q = rowset_want(rows, statement, params, count);
    store->load(store, rows, note, &err);
    return q && err == ERR_NONE ? q : NULL;
}

struct span admin_query(const struct admin_request *r, const char *name)
{
    struct span rest = r->query;
    size_t len = strlen(name);
    while (rest.len) {
        const uint8_t *end = memchr(rest.ptr, '&', rest.len);
        struct span one = end ? span_sub(rest, 0, (size_t)(end - rest.ptr)) : rest;
        rest = span_from(rest, one.len + (end != NULL));
        if (one.len > len && !memcmp(one.ptr, name, len) && one.ptr[len] == '=')
            return span_from(one, len + 1);
    }
    return SPAN_NONE;
}

const char *admin_text(const struct admin_request *r, struct span s)
{
    const char *text = arena_text(r->a, s);
    return text ? text : "";
}

void admin_metric(struct writer *w, const char *name, const char *kind, const char *help, uint64_t value)
{
    wr_printf(w, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, kind, name, (unsigned long long)value);
}
