#include "store.h"

static bool value_eq(const struct value *a, const struct value *b)
{
    return a->type == b->type && a->number == b->number && span_eq(a->bytes, b->bytes);
}

static bool same_query(const struct query *q, const struct statement *st, const struct value *params, size_t count)
{
    if (q->statement != st || q->param_count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!value_eq(&q->params[i], &params[i]))
            return false;
    return true;
}

const struct value *values_copy(struct arena *arena, const struct value *params, size_t count)
{
    struct value *copy = ARENA_ARRAY(arena, struct value, count);
    for (size_t i = 0; copy && i < count; i++) {
        copy[i] = params[i];
        if (!params[i].bytes.len)
            continue;
        copy[i].bytes = arena_copy(arena, params[i].bytes);
        if (!copy[i].bytes.ptr)
            return NULL;
    }
    return copy;
}

struct query *rowset_want(struct rowset *set, const struct statement *statement, const struct value *params,
                          size_t param_count)
{
    for (size_t i = 0; i < set->count; i++)
        if (same_query(&set->queries[i], statement, params, param_count))
            return &set->queries[i];
    if (set->count == ROWSET_QUERIES_MAX || param_count > STORE_PARAMS_MAX)
        return NULL;
    const struct value *copy = values_copy(set->arena, params, param_count);
    if (param_count && !copy)
        return NULL;
    struct query *q = &set->queries[set->count++];
    *q = (struct query){ .statement = statement, .params = copy, .param_count = param_count };
    return q;
}

const struct query *rowset_ask(struct rowset *set, const struct statement *statement, const struct value *params,
                               size_t param_count, bool *ret_need)
{
    const struct query *q = rowset_want(set, statement, params, param_count);
    if (q && q->loaded)
        return q;
    *ret_need = true;
    return NULL;
}

const struct query *rowset_find(const struct rowset *set, const struct statement *statement)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->queries[i].statement == statement && set->queries[i].loaded)
            return &set->queries[i];
    return NULL;
}

int64_t row_int(const struct row *row, size_t column)
{
    return column < row->column_count && row->columns[column].type == VALUE_INT ? row->columns[column].number : 0;
}

struct span row_bytes(const struct row *row, size_t column)
{
    if (column >= row->column_count)
        return SPAN_NONE;
    const struct value *v = &row->columns[column];
    return v->type == VALUE_TEXT || v->type == VALUE_BLOB ? v->bytes : SPAN_NONE;
}

void row_text(const struct row *row, size_t column, char *out, size_t cap)
{
    struct span s = row_bytes(row, column);
    size_t len = s.len < cap - 1 ? s.len : cap - 1;
    if (len)
        memcpy(out, s.ptr, len);
    out[len] = '\0';
}
