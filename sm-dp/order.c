/* Ordered profiles come in from files, and what a home network must know goes out: administration, out of the standard.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/codec/hex.h"
#include "lib/model/unconfirmed.h"
#include "lib/ota/es6.h"
#include "lib/profile/facts.h"
#include "store/profile.h"
#include "turn.h"

#define PACKAGE_RAM_MAX (8u << 20)

_Static_assert(SMDP_DETAIL_MAX >= PROFILE_FACTS_DETAIL_MAX && SMDP_TYPE_MAX >= PROFILE_TYPE_MAX, "what a package says fits");

/* ---- in */

static void note(void *context, enum err err) { *(enum err *)context = err; }

static enum err load(struct smdp *s, struct rowset *rows)
{
    enum err err = ERR_BUSY;
    s->env.store->load(s->env.store, rows, note, &err);
    return err;
}

static enum err is_known(struct smdp *s, const struct iccid *iccid, struct arena *a, bool *ret)
{
    struct rowset *rows = ARENA_NEW(a, struct rowset);
    if (!rows)
        return ERR_NO_MEMORY;
    *rows = (struct rowset){ .arena = a };
    const struct query *q = ROWSET_WANT(rows, &SMDP_PROFILE_LOAD, value_text(iccid->digits));
    enum err err = q ? load(s, rows) : ERR_NO_MEMORY;
    if (err == ERR_NONE)
        *ret = q->row_count > 0;
    return err;
}

static struct write write_of(const struct statement *statement, const struct value *params, size_t count)
{
    return (struct write){ .statement = statement, .params = params, .param_count = count, .expect_rows = 1 };
}

static enum err store_order(struct smdp *s, const struct smdp_order *o, const struct profile_facts *f, struct arena *a)
{
    static const struct statement add_package = { "package-add", "INSERT INTO package (iccid, package) VALUES (?1,?2)",
                                                  NULL };
    char aad[SMDP_AAD_SIZE];
    size_t cap = o->package.len + KEYS_WRAP_OVERHEAD;
    uint8_t *wrapped = arena_alloc(a, cap);
    enum err err = wrapped ? s->env.keys->wrap(s->env.keys, smdp_package_aad(f->iccid.digits, aad), o->package, wrapped, cap)
                           : ERR_NO_MEMORY;
    if (err != ERR_NONE)
        return err;
    uint32_t memory = o->memory ? o->memory : (uint32_t)o->package.len * SMDP_MEMORY_FACTOR;
    if (!o->memory && memory < SMDP_MEMORY_FLOOR)
        memory = SMDP_MEMORY_FLOOR;
    const struct value profile[] = {
        value_text(f->iccid.digits),
        value_text(o->owner.text),
        value_text(*o->type ? o->type : f->type),
        value_text(*o->address.imsi ? o->address.imsi : f->imsi),
        value_text(o->address.msisdn),
        value_int(o->pol2.rules),
        value_int((int64_t)o->package.len),
        value_int(memory),
        o->connectivity.len ? value_blob(o->connectivity) : value_null(),
        value_int(o->token ? SMDP_TOKEN_ORDERED : SMDP_TOKEN_NONE),
    };
    const struct value package[] = { value_text(f->iccid.digits), value_blob((struct span){ wrapped, cap }) };
    const struct write writes[] = { write_of(&SMDP_PROFILE_ADD, profile, ARRAY_LEN(profile)),
                                    write_of(&add_package, package, ARRAY_LEN(package)) };
    err = ERR_BUSY;
    s->env.store->commit(s->env.store, writes, ARRAY_LEN(writes), note, &err);
    return err;
}

enum err smdp_order(struct smdp *s, const struct smdp_order *order, char *detail)
{
    return smdp_order_take(s, order, detail, NULL, NULL);
}

enum err smdp_order_take(struct smdp *s, const struct smdp_order *order, char *detail, struct iccid *ret_iccid,
                         bool *ret_known)
{
    char unused[SMDP_DETAIL_MAX];
    struct arena a;
    struct profile_facts f;
    bool known = false;
    detail = detail ? detail : unused;
    *detail = '\0';
    if (order->package.len > SMDP_PACKAGE_MAX)
        return ERR_TOO_LONG;
    if (!*order->owner.text) {
        snprintf(detail, SMDP_DETAIL_MAX, "an ordered profile needs an owner");
        return ERR_MISSING;
    }
    struct es6_connectivity unused_parameters;
    if (order->connectivity.len && (order->connectivity.len > SMDP_CONNECTIVITY_MAX ||
                                    es6_connectivity_parse(order->connectivity, &unused_parameters) != ERR_NONE)) {
        snprintf(detail, SMDP_DETAIL_MAX, "connectivity: not the content of a DGI 3A07 (A0, A1, A2)");
        return ERR_BAD_VALUE;
    }
    arena_init(&a, PACKAGE_RAM_MAX);
    enum err err = profile_facts_read(order->package, &a, &f, detail);
    if (err == ERR_NONE)
        err = is_known(s, &f.iccid, &a, &known);
    if (err == ERR_NONE && !known) {
        err = store_order(s, order, &f, &a);
        if (err == ERR_CONFLICT && is_known(s, &f.iccid, &a, &known) == ERR_NONE && known)
            err = ERR_NONE; /* another process took it just now */
        log_fact(s->env.log, err == ERR_NONE ? LOG_INFO_ : LOG_ERROR_, f.iccid.digits, "ordered profile of %s: %s",
                 order->owner.text, err == ERR_NONE ? "taken" : err_text(err));
    }
    if (err == ERR_NONE && ret_iccid)
        *ret_iccid = f.iccid;
    if (err == ERR_NONE && ret_known)
        *ret_known = known;
    arena_release(&a);
    return err;
}

/* ---- the list */

static struct smdp_ordered ordered_of(const struct row *row)
{
    static const char *const states[] = { "free", "reserved", "installed" }, *const tokens[] = { "none", "ordered", "set" };
    int64_t state = row_int(row, 7), token = row_int(row, 9);
    struct smdp_ordered o = { .pol2.rules = (uint8_t)row_int(row, 4),
                              .size = (uint32_t)row_int(row, 5),
                              .memory = (uint32_t)row_int(row, 6),
                              .state = state >= 0 && state < (int64_t)ARRAY_LEN(states) ? states[state] : "unknown",
                              .token = token >= 0 && token < (int64_t)ARRAY_LEN(tokens) ? tokens[token] : "none" };
    row_text(row, 0, o.iccid.digits, sizeof o.iccid.digits);
    row_text(row, 1, o.type, sizeof o.type);
    row_text(row, 2, o.address.imsi, sizeof o.address.imsi);
    row_text(row, 3, o.address.msisdn, sizeof o.address.msisdn);
    row_text(row, 8, o.eid, sizeof o.eid);
    return o;
}

enum err smdp_ordered(struct smdp *s, const struct oid *owner, const char *after, smdp_ordered_seen *each,
                      void *context, size_t *ret_count)
{
    struct arena a;
    arena_init(&a, 1u << 20);
    struct rowset *rows = ARENA_NEW(&a, struct rowset);
    if (!rows)
        return ERR_NO_MEMORY;
    *rows = (struct rowset){ .arena = &a };
    const struct query *q = ROWSET_WANT(rows, &SMDP_PROFILE_OF_OWNER, value_text(owner->text), value_text(after));
    enum err err = q ? load(s, rows) : ERR_NO_MEMORY;
    for (size_t i = 0; err == ERR_NONE && i < q->row_count; i++) {
        struct smdp_ordered o = ordered_of(&q->rows[i]);
        each(context, &o);
    }
    if (err == ERR_NONE)
        *ret_count = q->row_count;
    arena_release(&a);
    return err;
}

/* ---- out */

static void tell(const struct row *row, const struct profile_facts *f, smdp_subscriber_seen *each, void *context)
{
    struct subscription u;
    if (!profile_subscription(f, &u))
        return;
    row_text(row, 1, u.address.imsi, sizeof u.address.imsi);
    row_text(row, 2, u.address.msisdn, sizeof u.address.msisdn);
    each(context, &u);
}

static enum err tell_one(struct smdp *s, const struct row *row, smdp_subscriber_seen *each, void *context)
{
    struct arena a;
    char aad[SMDP_AAD_SIZE], detail[SMDP_DETAIL_MAX];
    struct iccid iccid;
    struct profile_facts f;
    arena_init(&a, PACKAGE_RAM_MAX);
    struct rowset *rows = ARENA_NEW(&a, struct rowset);
    row_text(row, 0, iccid.digits, sizeof iccid.digits);
    enum err err = rows ? ERR_NONE : ERR_NO_MEMORY;
    const struct query *q = NULL;
    if (rows) {
        *rows = (struct rowset){ .arena = &a };
        q = ROWSET_WANT(rows, &SMDP_PACKAGE_LOAD, value_text(iccid.digits));
        err = load(s, rows);
    }
    if (err == ERR_NONE && q->row_count) {
        struct span wrapped = row_bytes(&q->rows[0], 0);
        uint8_t *plain = arena_alloc(&a, wrapped.len);
        size_t len = wrapped.len - KEYS_WRAP_OVERHEAD;
        err = plain ? s->env.keys->unwrap(s->env.keys, smdp_package_aad(iccid.digits, aad), wrapped, plain, len)
                    : ERR_NO_MEMORY;
        if (err == ERR_NONE)
            err = profile_facts_read((struct span){ plain, len }, &a, &f, detail);
        if (err == ERR_NONE)
            tell(row, &f, each, context);
    }
    arena_release(&a);
    return err;
}

enum err smdp_subscribers(struct smdp *s, smdp_subscriber_seen *each, void *context)
{
    char after[ICCID_TEXT_SIZE] = "";
    enum err err = ERR_NONE;
    size_t count;
    do {
        struct arena a;
        arena_init(&a, 1u << 18);
        struct rowset *rows = ARENA_NEW(&a, struct rowset);
        *rows = (struct rowset){ .arena = &a };
        const struct query *q = ROWSET_WANT(rows, &SMDP_PROFILE_LIST, value_text(after));
        err = load(s, rows);
        count = err == ERR_NONE ? q->row_count : 0;
        for (size_t i = 0; err == ERR_NONE && i < count; i++) {
            err = tell_one(s, &q->rows[i], each, context);
            row_text(&q->rows[i], 0, after, sizeof after);
        }
        arena_release(&a);
    } while (err == ERR_NONE && count);
    return err;
}
