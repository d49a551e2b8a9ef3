#include "admin.h"

#include <jansson.h>
#include <stdio.h>

#include "lib/codec/hex.h"
#include "lib/role/administration.h"
#include "lib/role/keys.h"
#include "procedures/personalize.h"
#include "store/secrets.h"
#include "token.h"
#include "turn.h"

#define ORDERS_MAX 256u

/* ---- the list */

static void add_row(void *context, const struct smdp_ordered *o)
{
    char pol2[POL2_TEXT_SIZE];
    json_array_append_new(context, json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:s}", "iccid", o->iccid.digits,
                                             "type", o->type, "imsi", o->address.imsi, "msisdn", o->address.msisdn,
                                             "pol2", pol2_text(o->pol2, pol2), "size", (int)o->size, "memory",
                                             (int)o->memory, "state", o->state, "eid", o->eid, "token",
                                             o->token));
}

static int list(void *role, const struct admin_request *r, json_t **ret)
{
    struct iccid after = { "" };
    size_t count = 0;
    struct span value = admin_query(r, "after"), whose = admin_query(r, "owner");
    struct oid owner = *r->oid;
    if (value.len && iccid_from_text(value, &after) != ERR_NONE)
        return admin_refuse(ret, 400, "after: an ICCID");
    if (whose.len && (!r->all || oid_from_text(whose, &owner) != ERR_NONE))
        return admin_refuse(ret, 400, "owner: an OID, from administrators only");
    json_t *rows = json_array();
    enum err err = smdp_ordered(role, &owner, after.digits, add_row, rows, &count);
    *ret = json_pack("{s:o, s:b}", "profiles", rows, "more", count == SMDP_ORDERED_PAGE);
    return err == ERR_NONE ? 200 : admin_refuse(ret, 503, err_text(err));
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
    json_t *token = json_object_get(r->body, "token");
    check(r, !token || json_is_boolean(token), "token");
    o->token = json_is_true(token);
    o->connectivity = hex_to_arena(a, text_of(r, "connectivity"), &err);
    check(r, err == ERR_NONE, "connectivity");
    if (package.len)
        o->package = hex_to_arena(a, package, &err);
    check(r, o->package.len && err == ERR_NONE, "package");
}

static void check_names(struct reading *r)
{
    static const char *const known[] = { "package", "type", "imsi", "msisdn", "pol2", "memory", "connectivity", "token" };
    const char *name;
    json_t *value;
    json_object_foreach(r->body, name, value) {
        bool found = false;
        for (size_t i = 0; i < ARRAY_LEN(known); i++)
            found |= !strcmp(known[i], name);
        check(r, found, "a member that is not known");
    }
}

static int take(struct smdp *s, const struct smdp_order *o, json_t **ret)
{
    char detail[SMDP_DETAIL_MAX] = "";
    struct iccid iccid;
    bool known = false;
    enum err err = smdp_order_take(s, o, detail, &iccid, &known);
    if (err == ERR_IO || err == ERR_BUSY || err == ERR_NO_MEMORY)
        return admin_refuse(ret, 503, err_text(err));
    if (err != ERR_NONE)
        return admin_refuse(ret, 422, *detail ? detail : err_text(err));
    if (known)
        return admin_refuse(ret, 409, "a profile with this ICCID was ordered before; it stays as it is");
    *ret = json_pack("{s:s, s:s}", "iccid", iccid.digits, "state", "free");
    return 201;
}

static int order_one(struct smdp *s, const struct admin_request *r, json_t *body, json_t **ret)
{
    struct arena a;
    struct smdp_order o = { .owner = *r->oid };
    struct reading reading = { .body = body };
    char why[120];
    if (!(r->kinds & SMDP_OPERATOR))
        return admin_refuse(ret, 403, "only operators order");
    if (!json_is_object(body))
        return admin_refuse(ret, 400, "a JSON object is needed");
    arena_init(&a, SMDP_PACKAGE_MAX + 4096);
    check_names(&reading);
    read_order(&reading, &a, &o);
    snprintf(why, sizeof why, "%s: not valid", reading.wrong ? reading.wrong : "");
    int status = reading.wrong ? admin_refuse(ret, 422, why) : take(s, &o, ret);
    arena_release(&a);
    return status;
}

static void tell_ordered(struct smdp *s)
{
    if (s->config.on_ordered)
        s->config.on_ordered(s->config.on_ordered_context);
}

static json_t *body_of(const struct admin_request *r)
{
    json_error_t error;
    return json_loadb((const char *)r->body.ptr, r->body.len, JSON_REJECT_DUPLICATES, &error);
}

static int order(void *role, const struct admin_request *r, json_t **ret)
{
    json_t *body = body_of(r);
    int status = order_one(role, r, body, ret);
    json_decref(body);
    if (status == 201)
        tell_ordered(role);
    return status;
}

/* Each by itself: one that will not do does not hold up the others. */
static int order_many(void *role, const struct admin_request *r, json_t **ret)
{
    json_t *body = body_of(r), *list = json_object_get(body, "orders"), *results = json_array(), *one;
    size_t i, taken = 0;
    if (!json_is_array(list) || json_object_size(body) != 1 || !json_array_size(list) || json_array_size(list) > ORDERS_MAX) {
        json_decref(results);
        json_decref(body);
        return admin_refuse(ret, 400, "{\"orders\": […]} with 1 to 256 orders is needed");
    }
    json_array_foreach(list, i, one) {
        json_t *result = NULL;
        int status = order_one(role, r, one, &result);
        taken += status == 201;
        json_object_set_new(result, "status", json_integer(status));
        json_array_append_new(results, result);
    }
    json_decref(body);
    if (taken)
        tell_ordered(role);
    *ret = json_pack("{s:o, s:i}", "results", results, "taken", (int)taken);
    return 200;
}

/* ---- partners, messages, metrics */

static int list_partners(void *role, const struct admin_request *r, json_t **ret)
{
    const struct smdp *s = role;
    json_t *rows = json_array();
    (void)r;
    for (size_t i = 0; i < s->config.partner_count; i++) {
        const struct smdp_partner *p = &s->config.partners[i];
        const char *kind = p->kinds & SMDP_OPERATOR ? "operator" : p->kinds & SMDP_SMSR ? "sm-sr" : "admin";
        json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s, s:i, s:i}", "name", p->name, "oid", p->oid.text, "kind", kind,
                                              "url", p->url, "calls_per_s", (int)(p->guard.calls.per_minute / 60), "in_flight",
                                              (int)p->guard.in_flight));
    }
    *ret = json_pack("{s:o}", "partners", rows);
    return 200;
}

static struct undelivered messages(const struct smdp *s) { return (struct undelivered){ &s->env, s->engine }; }

static void metrics(void *role, struct writer *w)
{
    struct smdp *s = role;
    struct undelivered u = messages(s);
    struct rewrap secrets = smdp_secrets(s);
    struct smdp_counts c = smdp_counts(s);
    admin_metric(w, "smdp_calls_total", "counter", "Calls of operators that were let in.", c.calls);
    admin_metric(w, "smdp_downloads_total", "counter", "Downloads that were begun.", c.downloads);
    admin_metric(w, "smdp_completed_total", "counter", "Functions that ended well.", c.completed);
    admin_metric(w, "smdp_failed_total", "counter", "Functions that failed.", c.failed);
    admin_metric(w, "smdp_es3_calls_total", "counter", "Calls to SM-SRs.", c.es3_calls);
    admin_metric(w, "smdp_notifications_total", "counter", "Notifications passed on.", c.notifications);
    undelivered_metrics(&u, w, "smdp");
    rewrap_metrics(&secrets, w, "smdp");
    if (s->config.expiries)
        role_expiries_metrics(s->config.expiries, w, "smdp", s->env.clock->now_ms(s->env.clock));
}

/* ---- all */

static const struct admin_route routes[] = {
    { "GET", "profiles", "the caller's profiles, by ICCID", SMDP_OPERATOR, list },
    { "POST", "profiles", "orders one profile", SMDP_OPERATOR, order },
    { "POST", "orders", "orders many, each by itself", SMDP_OPERATOR, order_many },
    { "POST", "profiles/{iccid}/personalize", "changes connectivity parameters, or loads a token key, of an installed profile",
      SMDP_OPERATOR, personalize_admin },
    { "POST", "profiles/{iccid}/delete-token", "a token with which an SM-SR deletes the profile, whatever its policy says",
      SMDP_OPERATOR, token_admin },
    { "GET", "partners", "who may come in", 0, list_partners },
};

int smdp_admin(struct smdp *s, const struct smdp_partner *partner, const struct http_request *request, struct reply_ref reply,
               struct arena *a, struct span *ret_body, const char **ret_type)
{
    struct administration admin = { .env = &s->env,
                                    .own = { routes, ARRAY_LEN(routes), s },
                                    .messages = messages(s),
                                    .secrets = smdp_secrets(s),
                                    .node = { &s->env, s->config.on_drain, s->config.on_drain_context },
                                    .metrics = metrics };
    struct admin_request who = { .reply = reply, .a = a };
    if (partner) {
        who.name = partner->name;
        who.oid = &partner->oid;
        who.kinds = partner->kinds;
        who.all = partner->kinds & SMDP_ADMIN;
        who.partner = partner;
    }
    return administration_serve(&admin, request, &who, ret_body, ret_type);
}
