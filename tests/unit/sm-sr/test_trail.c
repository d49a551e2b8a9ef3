#include "world.h"

#include <jansson.h>
#include <stdlib.h>

#include "sm-sr/trail.h"
#include "sm-sr/trail_book.h"

/* The audit trail as a chain: no byte of a record can be changed, and no record taken away, without being found. */

static struct world w, other;

static void note(void *context, enum err err) { *(enum err *)context = err; }

static struct store *database(struct world *of) { return sqlite_store_seam(of->sqlite); }

static void run(struct world *of, const char *sql, const struct value *params, size_t count)
{
    struct statement *s = ARENA_NEW(&of->arena, struct statement);
    enum err err = ERR_BUSY;
    *s = (struct statement){ "test", arena_text(&of->arena, span_text(sql)), NULL };
    struct write write = { s, params, count, -1 };
    database(of)->commit(database(of), &write, 1, note, &err);
    assert_ok(err);
}

static const struct query *look(struct world *of, const char *sql)
{
    struct statement *s = ARENA_NEW(&of->arena, struct statement);
    struct rowset *rows = ARENA_NEW(&of->arena, struct rowset);
    enum err err = ERR_BUSY;
    *s = (struct statement){ "test", arena_text(&of->arena, span_text(sql)), NULL };
    *rows = (struct rowset){ .arena = &of->arena };
    const struct query *q = rowset_want(rows, s, NULL, 0);
    database(of)->load(database(of), rows, note, &err);
    assert_ok(err);
    return q;
}

static uint64_t findings(struct world *of, struct trail_counts *counts)
{
    struct trail_counts c;
    FILE *nowhere = fopen("/dev/null", "w");
    assert_non_null(nowhere);
    assert_ok(smsr_trail_verify(database(of), NULL, nowhere, &c));
    fclose(nowhere);
    if (counts)
        *counts = c;
    return c.wrong;
}

/* Records of every shape: notification, success, failure, a SM-DP's, one with IMEI. */
static void live(void)
{
    world_make(&w);
    world_register(&w);
    world_add_profile(&w, ICCID_B, OID_OP1, 0x11, "882000002", 0);
    card_notify(&w, ES5_FIRST_ATTACH);
    world_settle(&w);
    struct es_profile_request enable = { .base = world_call("e", 600), .eid = world_eid(), .iccid = world_iccid(ICCID_B) };
    world_ask(&w, OID_OP1, ES4_ENABLE_PROFILE, &enable);
    world_pass(&w, 10000);
    struct es_profile_request again = { .base = world_call("e2", 600), .eid = world_eid(), .iccid = world_iccid(ICCID_B) };
    world_ask(&w, OID_OP1, ES4_ENABLE_PROFILE, &again); /* enabled already: FAILED */
    struct es_audit_request audit = { .base = world_call("a", 600), .eid = world_eid() };
    world_ask(&w, OID_OP1, ES4_AUDIT_EIS, &audit);
    world_pass(&w, 10000);
}

static void test_good(void **state)
{
    struct trail_counts c;
    (void)state;
    live();
    assert_int_equal(findings(&w, &c), 0);
    assert_true(c.records >= 5);
    assert_int_equal(c.euiccs, 1);
    assert_int_equal(c.old, 0);
    assert_int_equal(world_count(&w, "audit WHERE exec=2"), 1); /* the refusal is there, too */
    world_free(&w);
}

static void flip(struct value *v, uint8_t *copy, size_t byte, unsigned bit)
{
    if (v->type == VALUE_INT) {
        v->number ^= (int64_t)1 << (8 * byte + bit);
    } else {
        memcpy(copy, v->bytes.ptr, v->bytes.len);
        copy[byte] ^= (uint8_t)(1u << bit);
        v->bytes.ptr = copy;
    }
}

/* Every byte of every column of every record. */
static void test_every_byte(void **state)
{
    static const char *const columns[] = { "eid",   "at_ms", "operation", "requester", "exec", "subject", "reason",  "isdp",
                                           "iccid", "imei",  "meid",      "smsr",      "n",    "hash",    "received" };
    unsigned flips = 0;
    (void)state;
    live();
    for (size_t c = 0; c < ARRAY_LEN(columns); c++) {
        char sql[128], set[128];
        snprintf(sql, sizeof sql, "SELECT %s, rowid FROM audit ORDER BY rowid", columns[c]);
        snprintf(set, sizeof set, "UPDATE audit SET %s=?1 WHERE rowid=?2", columns[c]);
        const struct query *q = look(&w, sql);
        for (size_t i = 0; i < q->row_count; i++) {
            struct value was = q->rows[i].columns[0];
            size_t bytes = was.type == VALUE_INT ? 8 : was.type == VALUE_NULL ? 0 : was.bytes.len;
            for (size_t byte = 0; byte < bytes; byte++, flips++) {
                uint8_t copy[256];
                struct value now = was;
                flip(&now, copy, byte, flips % 7);
                run(&w, set, (const struct value[]){ now, q->rows[i].columns[1] }, 2);
                if (!findings(&w, NULL))
                    fail_msg("%s of record %zu: byte %zu was changed and nobody saw it", columns[c], i + 1, byte);
                run(&w, set, (const struct value[]){ was, q->rows[i].columns[1] }, 2);
            }
        }
    }
    assert_true(flips > 500);
    assert_int_equal(findings(&w, NULL), 0);
    world_free(&w);
}

static void test_taken_away(void **state)
{
    static const char *const crimes[] = { "DELETE FROM audit WHERE n=2",
                                          "DELETE FROM audit WHERE n=(SELECT MAX(n) FROM audit)",
                                          "DELETE FROM audit",
                                          "UPDATE audit SET n=NULL, hash=NULL WHERE n=1",
                                          "UPDATE audit SET requester='1.2.3' WHERE n=3",
                                          "UPDATE audit SET requester=NULL",
                                          "UPDATE euicc SET audit_n=1" };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(crimes); i++) {
        live();
        run(&w, crimes[i], NULL, 0);
        if (!findings(&w, NULL))
            fail_msg("nobody sees: %s", crimes[i]);
        world_free(&w);
    }
}

static json_t *exported(struct world *of, size_t *ret_count)
{
    char *text = NULL;
    size_t len = 0;
    json_t *list = json_array();
    FILE *f = open_memstream(&text, &len);
    assert_ok(smsr_trail_export(database(of), EID_TEST, f));
    fclose(f);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        json_array_append_new(list, json_loads(line, 0, NULL));
    free(text);
    *ret_count = json_array_size(list);
    return list;
}

static const char *text_of(json_t *list, size_t i, const char *name)
{
    const char *text = json_string_value(json_object_get(json_array_get(list, i), name));
    return text ? text : "";
}

static void change(struct world *from, struct world *to, const char *oid, const char *to_oid, const char *call)
{
    struct es_eid_request r = { .base = world_call(call, 600), .eid = world_eid() };
    assert_ok(oid_from_text(span_text(oid), &r.smsr_id));
    world_ask(to, OID_OP1, ES4_PREPARE_SMSR_CHANGE, &r);
    assert_ok(oid_from_text(span_text(to_oid), &r.smsr_id));
    r.base = world_call(call, 600);
    world_ask(from, OID_OP1, ES4_SMSR_CHANGE, &r);
    world_pass(&w, 10000);
}

/* An SM-SR change: the trail of the first SM-SR is part of the second one's, and stays where it was. */
static void test_travels(void **state)
{
    size_t before, there, here;
    (void)state;
    live();
    world_make_other(&other, &w);
    json_t *first = exported(&w, &before);
    change(&w, &other, OID_SMSR, OID_SMSR2, "move");
    assert_int_equal(world_count(&other, "euicc WHERE coming=0"), 1);
    assert_int_equal(findings(&w, NULL), 0);
    assert_int_equal(findings(&other, NULL), 0);
    json_t *old = exported(&w, &here), *new = exported(&other, &there);
    assert_true(here > before); /* and the change itself */
    assert_string_equal(text_of(new, 0, "operation"), "0800");
    assert_string_equal(text_of(new, 0, "sm_sr"), OID_SMSR2);
    const char *received = text_of(new, 0, "received");
    for (size_t i = 0; i < before; i++) {
        const char *record = text_of(first, i, "record"), *at = strstr(received, record);
        if (!at || at[strlen(record)] != '\n')
            fail_msg("\"%s\" did not travel", record);
        received = at + strlen(record);
    }
    assert_int_equal(world_count(&other, "document WHERE trail IS NOT NULL"), 0);
    run(&w, "DELETE FROM audit WHERE n=(SELECT MAX(n) FROM audit)", NULL, 0); /* gone, but the end is known */
    assert_int_equal(findings(&w, NULL), 1);
    run(&other, "UPDATE audit SET received=CAST(REPLACE(CAST(received AS TEXT), '0200', '0300') AS BLOB) WHERE n=1", NULL, 0);
    assert_int_equal(findings(&other, NULL), 1);
    json_decref(first);
    json_decref(old);
    json_decref(new);
    world_free(&other);
    world_free(&w);
}

/* What SMSR_AUDIT_LOAD gave is what another SM-SR reads from the lines. */
static void test_lines(void **state)
{
    static const uint8_t imei[] = { 0x35, 0x12 };
    struct audit_record r = { .eid = world_eid(), .date_ms = 1782900000123ull, .operation = 0x0200, .has_status = true,
                              .status = status_failed(REASON_POL2_REFUSED, "", "x"), .imei = SPAN_OF(imei) }, back;
    struct arena a;
    (void)state;
    arena_init(&a, 1u << 16);
    assert_ok(oid_from_text(span_text(OID_SMSR), &r.smsr_id));
    snprintf(r.requester_id.text, sizeof r.requester_id.text, "a b%%-\n");
    WRITER_ON_STACK(line, TRAIL_LINE_MAX);
    trail_line_write(&line, &r);
    assert_int_equal(line.err, ERR_NONE);
    assert_string_equal(arena_text(&a, wr_span(&line)),
                        EID_TEST " " OID_SMSR " 1782900000123 0200 a%20b%25-%0A FAILED 8.2.3 3.8 - - 3512 -");
    assert_ok(trail_line_read(wr_span(&line), &a, &back));
    assert_string_equal(back.requester_id.text, r.requester_id.text);
    assert_string_equal(back.status.code, "3.8");
    assert_int_equal(back.date_ms, r.date_ms);
    assert_true(span_eq(back.imei, r.imei) && back.isdp_aid.len == 0);
    for (size_t cut = 0; cut + 2 < line.len; cut++)
        assert_int_equal(trail_line_read((struct span){ line.buf, cut }, &a, &back), ERR_BAD_VALUE);
    line.buf[3] = 'x';
    assert_int_equal(trail_line_read(wr_span(&line), &a, &back), ERR_BAD_VALUE);
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),      cmocka_unit_test(test_good),    cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_taken_away), cmocka_unit_test(test_travels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
