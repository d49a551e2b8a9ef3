/* Ordered profiles come in from files, and what a home network must know goes out: administration, out of the standard.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/codec/hex.h"
#include "lib/model/unconfirmed.h"
#include "lib/ota/es6.h"
#include "lib/profile/file_body.h"
#include "lib/profile/package.h"
#include "store/profile.h"
#include "turn.h"

#define PACKAGE_RAM_MAX (8u << 20)

struct facts {
    struct iccid iccid;
    char type[SMDP_TYPE_MAX + 1];
    char imsi[IMSI_DIGITS_MAX + 1];
    bool in_usim;         /* the elements at hand belong to a USIM */
    struct aka_algo *aka; /* of the first USIM, as the IMSI */
    bool has_end;
};

static enum err read_header(const struct profile_header *h, struct facts *f)
{
    size_t len = h->profile_type.len < SMDP_TYPE_MAX ? h->profile_type.len : SMDP_TYPE_MAX;
    if (len)
        memcpy(f->type, h->profile_type.ptr, len);
    f->type[len] = '\0';
    return iccid_from_bcd(h->iccid, &f->iccid);
}

/* EF_IMSI: length, then digits swapped; the first nibble is the parity. */
static void read_imsi(const struct pe_filesystem *files, enum pe_kind kind, struct facts *f)
{
    uint32_t tag = pe_member_by_name(kind, SPAN_LIT("ef-imsi"));
    for (size_t i = 0; tag && !*f->imsi && i < files->files.count; i++) {
        const struct pe_file *file = &files->files.items[i];
        uint8_t body[9];
        uint32_t at = 0;
        char digits[20];
        memset(body, 0xFF, sizeof body);
        for (size_t k = 0; file->tag == tag && k < file->items.count; k++)
            if (file->items.items[k].content.len || file->items.items[k].offset != DER_ABSENT)
                (void)!file_body_write(body, sizeof body, &at, &file->items.items[k]);
        if (file->tag == tag && body[0] <= 8 && body[0] > 1 &&
            bcd_text((struct span){ body + 1, body[0] }, true, digits, sizeof digits) == ERR_NONE &&
            strlen(digits) <= 16)
            snprintf(f->imsi, sizeof f->imsi, "%.15s", digits + 1);
    }
}

static enum err read_element(const struct profile_element *pe, struct facts *f)
{
    switch (pe->kind) {
    case PE_HEADER:
        return read_header(pe->as.header, f);
    case PE_USIM:
        f->in_usim = true;
        read_imsi(pe->as.files, pe->kind, f);
        return ERR_NONE;
    case PE_ISIM:
    case PE_CSIM:
        f->in_usim = false;
        return ERR_NONE;
    case PE_AKA_PARAMETER:
        if (f->in_usim && !f->aka && pe->as.aka->configuration)
            f->aka = pe->as.aka->configuration->algo;
        return ERR_NONE;
    case PE_END:
        f->has_end = true;
        return ERR_NONE;
    default:
        return ERR_NONE;
    }
}

static enum err read_package(struct span package, struct arena *a, struct facts *f, char *detail)
{
    struct package_reader p;
    struct package_element e;
    struct reader segment = rd_of(package);
    struct der d = { .arena = a };
    enum err err = ERR_NONE;
    *f = (struct facts){ 0 };
    package_init_arena(&p, a);
    for (size_t n = 0; err == ERR_NONE && package_next(&p, &segment, &e); n++) {
        struct profile_element pe;
        enum pe_kind kind;
        if (!pe_kind_of(e.tag, &kind))
            continue;
        err = pe_decode(&d, e.raw, &pe);
        if (err == ERR_NONE)
            err = read_element(&pe, f);
        if (err != ERR_NONE)
            snprintf(detail, SMDP_DETAIL_MAX, "profile element %zu (%s) at octet %u: %s", n, pe_name(kind), e.offset,
                     err_text(err));
    }
    if (err == ERR_NONE && (err = p.err) != ERR_NONE)
        snprintf(detail, SMDP_DETAIL_MAX, "the package is broken at octet %u: %s", p.offset, err_text(err));
    if (err == ERR_NONE && (!*f->iccid.digits || !f->has_end)) {
        err = ERR_MISSING;
        snprintf(detail, SMDP_DETAIL_MAX, "the package has no %s", f->has_end ? "ICCID" : "end");
    }
    return err;
}

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

static enum err store_order(struct smdp *s, const struct smdp_order *o, const struct facts *f, struct arena *a)
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
    struct facts f;
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
    enum err err = read_package(order->package, &a, &f, detail);
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

static void tell(const struct row *row, const struct facts *f, smdp_subscriber_seen *each, void *context)
{
    static const char *const names[] = { "", "milenage", "tuak", "test" };
    struct smdp_subscriber u = { .iccid = f->iccid };
    row_text(row, 1, u.address.imsi, sizeof u.address.imsi);
    row_text(row, 2, u.address.msisdn, sizeof u.address.msisdn);
    const struct aka_algo *k = f->aka;
    if (!k || k->algorithm == 0 || k->algorithm >= ARRAY_LEN(names))
        return;
    u.algorithm = names[k->algorithm];
    u.key = k->key;
    u.opc = k->opc;
    u.keccak_count = k->keccak_count;
    each(context, &u);
}

static enum err tell_one(struct smdp *s, const struct row *row, smdp_subscriber_seen *each, void *context)
{
    struct arena a;
    char aad[SMDP_AAD_SIZE], detail[SMDP_DETAIL_MAX];
    struct iccid iccid;
    struct facts f;
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
            err = read_package((struct span){ plain, len }, &a, &f, detail);
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
