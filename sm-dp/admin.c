#include "admin.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/codec/hex.h"
#include "turn.h"

/* ---- answers */

static int answer(int status, json_t *object, struct arena *a, struct span *ret)
{
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    *ret = arena_copy(a, span_text(text ? text : "{}"));
    json_decref(object);
    free(text);
    return status;
}

static int refuse(int status, const char *why, struct arena *a, struct span *ret)
{
    return answer(status, json_pack("{s:s}", "error", why), a, ret);
}

/* ---- the list */

static void add_row(void *context, const struct smdp_ordered *o)
{
    char pol2[POL2_TEXT_SIZE];
    json_array_append_new(context, json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:s}", "iccid", o->iccid.digits,
                                             "type", o->type, "imsi", o->address.imsi, "msisdn", o->address.msisdn,
                                             "pol2", pol2_text(o->pol2, pol2), "size", (int)o->size, "memory",
                                             (int)o->memory, "state", o->state, "eid", o->eid));
}

static int list(struct smdp *s, const struct smdp_admin_request *r, struct arena *a, struct span *ret)
{
    struct iccid after = { "" };
    size_t count = 0;
    struct span value = SPAN_NONE;
    if (r->query.len > 6 && !memcmp(r->query.ptr, "after=", 6))
        value = span_from(r->query, 6);
    if (r->query.len && (!value.len || iccid_from_text(value, &after) != ERR_NONE))
        return refuse(400, "after: an ICCID", a, ret);
    json_t *rows = json_array();
    enum err err = smdp_ordered(s, &r->partner->oid, after.digits, add_row, rows, &count);
    if (err != ERR_NONE) {
        json_decref(rows);
        return refuse(503, err_text(err), a, ret);
    }
    return answer(200, json_pack("{s:o, s:b}", "profiles", rows, "more", count == SMDP_ORDERED_PAGE), a, ret);
}

/* ---- an order */

struct reading {
    json_t *body;
    const char *wrong; /* the first member that will not do */
};

static struct span text_of(struct reading *r, const char *name)
{
    json_t *value = json_object_get(r->body, name);
    if (value && !json_is_string(value) && !r->wrong)
        r->wrong = name;
    const char *text = json_string_value(value);
    return span_text(text ? text : "");
}

static void check(struct reading *r, bool good, const char *name)
{
    if (!good && !r->wrong)
        r->wrong = name;
}

static void read_order(struct reading *r, struct arena *a, struct smdp_order *o)
{
    enum err err = ERR_NONE;
    struct span type = text_of(r, "type"), imsi = text_of(r, "imsi"), msisdn = text_of(r, "msisdn");
    struct span pol2 = text_of(r, "pol2"), package = text_of(r, "package");
    json_t *memory = json_object_get(r->body, "memory");
    check(r, type.len <= SMDP_TYPE_MAX, "type");
    snprintf(o->type, sizeof o->type, "%.*s", (int)type.len, (const char *)type.ptr);
    check(r, !imsi.len || imsi_from_text(imsi, &o->address) == ERR_NONE, "imsi");
    check(r, !msisdn.len || msisdn_from_text(msisdn, &o->address) == ERR_NONE, "msisdn");
    check(r, !pol2.len || (pol2_from_text(pol2, &o->pol2) == ERR_NONE && pol2_meaningful(o->pol2, true)), "pol2");
    check(r, !memory || (json_is_integer(memory) && json_integer_value(memory) >= 0 && json_integer_value(memory) <= INT32_MAX),
          "memory");
    o->memory = (uint32_t)json_integer_value(memory);
    if (package.len)
        o->package = hex_to_arena(a, package, &err);
    check(r, o->package.len && err == ERR_NONE, "package");
}

static void check_names(struct reading *r)
{
    static const char *const known[] = { "package", "type", "imsi", "msisdn", "pol2", "memory" };
    const char *name;
    json_t *value;
    json_object_foreach(r->body, name, value) {
        bool found = false;
        for (size_t i = 0; i < ARRAY_LEN(known); i++)
            found |= !strcmp(known[i], name);
        check(r, found, "a member that is not known");
    }
}

static int take(struct smdp *s, const struct smdp_order *o, struct arena *a, struct span *ret)
{
    char detail[SMDP_DETAIL_MAX] = "";
    struct iccid iccid;
    bool known = false;
    enum err err = smdp_order_take(s, o, detail, &iccid, &known);
    if (err == ERR_IO || err == ERR_BUSY || err == ERR_NO_MEMORY)
        return refuse(503, err_text(err), a, ret);
    if (err != ERR_NONE)
        return refuse(422, *detail ? detail : err_text(err), a, ret);
    if (known)
        return refuse(409, "a profile with this ICCID was ordered before; it stays as it is", a, ret);
    if (s->config.on_ordered)
        s->config.on_ordered(s->config.on_ordered_context);
    return answer(201, json_pack("{s:s, s:s}", "iccid", iccid.digits, "state", "free"), a, ret);
}

static int order(struct smdp *s, const struct smdp_admin_request *r, struct arena *a, struct span *ret)
{
    json_error_t error;
    struct smdp_order o = { .owner = r->partner->oid };
    struct reading reading = { .body = json_loadb((const char *)r->body.ptr, r->body.len, JSON_REJECT_DUPLICATES, &error) };
    char why[120];
    int status;
    if (!json_is_object(reading.body)) {
        json_decref(reading.body);
        return refuse(400, "a JSON object is needed", a, ret);
    }
    check_names(&reading);
    read_order(&reading, a, &o);
    snprintf(why, sizeof why, "%s: not valid", reading.wrong ? reading.wrong : "");
    status = reading.wrong ? refuse(422, why, a, ret) : take(s, &o, a, ret);
    json_decref(reading.body);
    return status;
}

int smdp_admin(struct smdp *s, const struct smdp_admin_request *r, struct arena *a, struct span *ret_json)
{
    static const struct {
        const char *method, *path;
        int (*run)(struct smdp *, const struct smdp_admin_request *, struct arena *, struct span *);
    } routes[] = {
        { "GET", SMDP_ADMIN_PREFIX "profiles", list },
        { "POST", SMDP_ADMIN_PREFIX "profiles", order },
    };
    bool path = false;
    if (!r->partner || !(r->partner->kinds & SMDP_OPERATOR))
        return refuse(403, "only operators that are known here may", a, ret_json);
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (!span_eq(r->path, span_text(routes[i].path)))
            continue;
        path = true;
        if (span_eq(r->method, span_text(routes[i].method)))
            return routes[i].run(s, r, a, ret_json);
    }
    return refuse(path ? 405 : 404, path ? "not with this method" : "there is nothing here", a, ret_json);
}
