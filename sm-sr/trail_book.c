#include "trail_book.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>

#include "lib/codec/hex.h"
#include "store/schema.h"

#define ARENA_BYTES (64u << 20)

/* ---- reading */

static void note(void *context, enum err err) { *(enum err *)context = err; }

static enum err ask(struct store *store, struct arena *a, const struct statement *statement, const struct value *params,
                    size_t count, const struct query **ret)
{
    enum err err = ERR_BUSY;
    struct rowset *rows = ARENA_NEW(a, struct rowset);
    if (!rows)
        return ERR_NO_MEMORY;
    *rows = (struct rowset){ .arena = a };
    *ret = rowset_want(rows, statement, params, count);
    if (!*ret)
        return ERR_NO_MEMORY;
    store->load(store, rows, note, &err);
    return err;
}
#define ASK(store, a, statement, ret, ...)                                                                             \
    ask((store), (a), (statement), (const struct value[]){ __VA_ARGS__ },                                              \
        sizeof((const struct value[]){ __VA_ARGS__ }) / sizeof(struct value), (ret))

typedef enum err each_euicc(void *context, const char *eid);
typedef enum err each_record(void *context, const struct trail_row *r);

static enum err all_euiccs(struct store *store, each_euicc *visit, void *context)
{
    char last[EID_TEXT_SIZE] = "";
    enum err err = ERR_NONE;
    for (bool more = true; more && err == ERR_NONE;) {
        struct arena a;
        const struct query *q = NULL;
        arena_init(&a, ARENA_BYTES);
        err = ASK(store, &a, &SMSR_AUDIT_EIDS, &q, value_text(last));
        for (size_t i = 0; err == ERR_NONE && i < q->row_count; i++) {
            row_text(&q->rows[i], 0, last, sizeof last);
            err = visit(context, last);
        }
        more = err == ERR_NONE && q->row_count;
        arena_release(&a);
    }
    return err;
}

/* Those of before the chain, then the chain, in its order. */
static enum err all_records(struct store *store, const char *eid_digits, each_record *visit, void *context)
{
    struct eid eid;
    struct trail_row r = { .n = 0 };
    enum err err = ERR_NONE;
    if (eid_from_text(span_text(eid_digits), &eid) != ERR_NONE)
        memset(&eid, 0, sizeof eid);
    for (int page = 0, more = 1; more && err == ERR_NONE; page++) {
        struct arena a;
        const struct query *q = NULL;
        arena_init(&a, ARENA_BYTES);
        err = page ? ASK(store, &a, &SMSR_AUDIT_PAGE, &q, value_text(eid_digits), value_int((int64_t)r.n))
                   : ASK(store, &a, &SMSR_AUDIT_OLD, &q, value_text(eid_digits));
        for (size_t i = 0; err == ERR_NONE && i < q->row_count; i++) {
            trail_row_read(&q->rows[i], &eid, &r);
            err = visit(context, &r);
        }
        more = err == ERR_NONE && (!page || q->row_count);
        arena_release(&a);
    }
    return err;
}

static enum err chosen(struct store *store, const char *eid, each_euicc *visit, void *context)
{
    return eid ? visit(context, eid) : all_euiccs(store, visit, context);
}

/* ---- verify */

struct verifying {
    struct store *store;
    FILE *out;
    struct trail_counts counts;
    const char *eid;
    uint64_t n; /* of the last one seen */
    uint8_t hash[SHA256_LEN];
};

static void __attribute__((format(printf, 2, 3))) wrong(struct verifying *v, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(v->out, "%s: ", v->eid);
    vfprintf(v->out, format, args);
    fputc('\n', v->out);
    va_end(args);
    v->counts.wrong++;
}

static enum err check_record(void *context, const struct trail_row *r)
{
    struct verifying *v = context;
    WRITER_ON_STACK(line, TRAIL_LINE_MAX);
    uint8_t hash[SHA256_LEN];
    if (!r->n) {
        v->counts.old++;
        if (v->n || r->hash.len)
            wrong(v, "a record has lost its number");
        return ERR_NONE;
    }
    v->counts.records++;
    if (r->n != v->n + 1)
        wrong(v, "records %llu to %llu are missing", (unsigned long long)v->n + 1, (unsigned long long)r->n - 1);
    trail_line_write(&line, &r->record);
    enum err err = trail_hash(v->n ? v->hash : NULL, r->n, wr_span(&line), r->received, hash);
    if (err != ERR_NONE)
        return err;
    if (r->odd || line.err != ERR_NONE || !span_eq(r->hash, SPAN_OF(hash)))
        wrong(v, "record %llu is not what was written, or the one before it", (unsigned long long)r->n);
    v->n = r->n;
    if (r->hash.len == SHA256_LEN) /* one wrong record is told once */
        memcpy(v->hash, r->hash.ptr, SHA256_LEN);
    return ERR_NONE;
}

static enum err check_end(struct verifying *v)
{
    struct arena a;
    const struct query *q = NULL;
    arena_init(&a, ARENA_BYTES);
    enum err err = ASK(v->store, &a, &SMSR_AUDIT_END, &q, value_text(v->eid));
    if (err == ERR_NONE && q->row_count &&
        ((uint64_t)row_int(&q->rows[0], 0) != v->n || (v->n && !span_eq(row_bytes(&q->rows[0], 1), SPAN_OF(v->hash)))))
        wrong(v, "the trail ends with record %llu, but should with %lld", (unsigned long long)v->n,
              (long long)row_int(&q->rows[0], 0));
    arena_release(&a);
    return err;
}

static enum err check_euicc(void *context, const char *eid)
{
    struct verifying *v = context;
    v->eid = eid;
    v->n = 0;
    v->counts.euiccs++;
    enum err err = all_records(v->store, eid, check_record, v);
    return err == ERR_NONE ? check_end(v) : err;
}

enum err smsr_trail_verify(struct store *store, const char *eid, FILE *out, struct trail_counts *ret)
{
    struct verifying v = { .store = store, .out = out };
    enum err err = chosen(store, eid, check_euicc, &v);
    *ret = v.counts;
    return err;
}

/* ---- export */

struct exporting {
    struct store *store;
    FILE *out;
    const char *eid;
    char previous[2 * SHA256_LEN + 1];
};

static void put(json_t *o, const char *name, const char *text)
{
    if (*text)
        json_object_set_new(o, name, json_string(text));
}

static void put_hex(json_t *o, const char *name, struct span octets)
{
    char text[128];
    put(o, name, octets.len ? hex_text(octets, text, sizeof text) : "");
}

static void put_record(json_t *o, const struct audit_record *r)
{
    char operation[8];
    snprintf(operation, sizeof operation, "%04X", r->operation);
    put(o, "operation", operation);
    put(o, "requester", r->requester_id.text);
    put(o, "status", r->has_status ? exec_status_xml(r->status.exec) : "");
    put(o, "subject", r->status.subject);
    put(o, "reason", r->status.code);
    put_hex(o, "isdp_aid", aid_span(&r->isdp_aid));
    put(o, "iccid", r->iccid.digits);
    put_hex(o, "imei", r->imei);
    put_hex(o, "meid", r->meid);
    json_object_set_new(o, "at_ms", json_integer((json_int_t)r->date_ms));
    put(o, "sm_sr", r->smsr_id.text);
}

json_t *smsr_trail_json(const char *eid, const struct trail_row *r)
{
    WRITER_ON_STACK(line, TRAIL_LINE_MAX);
    json_t *o = json_object();
    trail_line_write(&line, &r->record);
    put_record(o, &r->record);
    put(o, "eid", eid);
    json_object_set_new(o, "n", json_integer((json_int_t)r->n));
    json_object_set_new(o, "record", json_stringn((const char *)line.buf, line.len));
    if (r->received.len)
        json_object_set_new(o, "received", json_stringn((const char *)r->received.ptr, r->received.len));
    put_hex(o, "hash", r->hash);
    return o;
}

static enum err export_record(void *context, const struct trail_row *r)
{
    struct exporting *x = context;
    json_t *o = smsr_trail_json(x->eid, r);
    put(o, "previous", r->n ? x->previous : "");
    char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
    bool good = text && fprintf(x->out, "%s\n", text) > 0;
    if (r->hash.len == SHA256_LEN)
        hex_text(r->hash, x->previous, sizeof x->previous);
    json_decref(o);
    free(text);
    return good ? ERR_NONE : ERR_IO;
}

static enum err export_euicc(void *context, const char *eid)
{
    struct exporting *x = context;
    x->eid = eid;
    memset(x->previous, '0', sizeof x->previous - 1);
    return all_records(x->store, eid, export_record, x);
}

enum err smsr_trail_export(struct store *store, const char *eid, FILE *out)
{
    struct exporting x = { .store = store, .out = out };
    return chosen(store, eid, export_euicc, &x);
}
