#include "node.h"

#include <jansson.h>

#include "lib/base/store.h"

#define LIST_RAM_MAX (1u << 18)

static const struct statement LIST = {
    "node-list", NULL,
    "SELECT number, name, alive, (extract(epoch FROM clock_timestamp())*1000)::bigint-beat_ms, knows FROM osprey_node WHERE beat_ms>0"
    " ORDER BY number LIMIT 200"
};

static void note(void *context, enum err err) { *(enum err *)context = err; }

static json_t *row_json(const struct row *row, int64_t own)
{
    char name[208];
    row_text(row, 1, name, sizeof name);
    return json_pack("{s:I, s:s, s:b, s:f, s:I, s:b}", "number", (json_int_t)row_int(row, 0), "name", name, "alive",
                     row_int(row, 2) != 0, "silent_s", (double)row_int(row, 3) / 1000, "schema", (json_int_t)row_int(row, 4), "asked",
                     row_int(row, 0) == own);
}

static int list_nodes(void *role, const struct admin_request *r, json_t **ret)
{
    const struct node_admin *n = role;
    struct store *store = n->env->store;
    struct rowset *rows = ARENA_NEW(r->a, struct rowset);
    json_t *list = json_array();
    enum err err = rows ? ERR_NONE : ERR_NO_MEMORY;
    if (rows && store_is_shared(store)) {
        *rows = (struct rowset){ .arena = r->a };
        const struct query *q = rowset_want(rows, &LIST, NULL, 0);
        store->load(store, rows, note, &err);
        for (size_t i = 0; err == ERR_NONE && i < q->row_count; i++)
            json_array_append_new(list, row_json(&q->rows[i], store->nodes->number));
    }
    *ret = json_pack("{s:b, s:o}", "shared", store_is_shared(store), "nodes", list);
    return err == ERR_NONE ? 200 : admin_refuse(ret, 503, "the database does not answer");
}

static int drain(void *role, const struct admin_request *r, json_t **ret)
{
    const struct node_admin *n = role;
    (void)r;
    if (!n->drain)
        return admin_refuse(ret, 409, "this program cannot be ended from here");
    n->drain(n->context);
    *ret = json_pack("{s:b}", "draining", 1);
    return 202;
}

struct admin_set node_routes(struct node_admin *n)
{
    static const struct admin_route routes[] = {
        { "GET", "nodes", "the processes on this database", 0, list_nodes },
        { "POST", "drain", "takes no new work, ends or hands over what it has, and ends the program", 0, drain },
    };
    return (struct admin_set){ routes, ARRAY_LEN(routes), n };
}
