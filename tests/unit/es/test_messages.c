/* Every message of functions.def: encode, validate against the schema, decode, encode again: the same octets. */
#include "sample.h"

#include <stdio.h>
#include <stdlib.h>

static struct schema *schema;

#define ARENA_MAX (64u * 1024 * 1024)

static const char *name_of(enum es_function function, enum es_kind kind)
{
    static char name[128];
    struct writer w = wr_of((uint8_t *)name, sizeof name - 1);
    es_root_element(&w, function, kind);
    name[w.len] = '\0';
    return name;
}

/* Lets the fields speak instead of the kept octets. */
static struct span without_signed_octets(const struct es_message *m)
{
    const struct xml_table *t = es_table(m->function, m->kind);
    struct span kept = SPAN_NONE;
    for (size_t i = 0; i < t->count; i++) {
        struct eis *eis = NULL;
        if (t->fields[i].table == &es_table_eis)
            memcpy(&eis, (const uint8_t *)m->body + t->fields[i].offset, sizeof eis);
        if (eis) {
            kept = eis->signed_info;
            eis->signed_info = SPAN_NONE;
        }
    }
    return kept;
}

static void validate(const struct es_message *m, struct span soap)
{
    if (schema && !es_function_info(m->function)->v4 && m->dialect.ns == ES_NS_3 && !m->dialect.v4)
        schema_check(schema, soap, name_of(m->function, m->kind));
}

static void there_and_back(enum es_function function, enum es_kind kind, enum sample how, struct es_dialect dialect)
{
    struct arena a;
    struct span soap, again;
    struct es_message back;
    struct es_fault fault;
    arena_init(&a, ARENA_MAX);
    struct es_message m = sample_message(&a, function, kind, how);
    m.dialect = dialect;
    assert_ok(es_encode(&m, &a, &soap));
    if (!(function == ES7_AUTHENTICATE_SMSR && kind == ES_REQUEST))
        validate(&m, soap);
    if (es_decode(soap, &a, &back, &fault) != ERR_NONE)
        fail_msg("%s: %s\n%.*s", name_of(function, kind), fault.text, (int)soap.len, (const char *)soap.ptr);
    assert_int_equal(back.function, function);
    assert_int_equal(back.kind, kind);
    assert_string_equal(back.wsa.from.entity_id.text, m.wsa.from.entity_id.text);
    assert_span_equal(back.wsa.from.entity_name, m.wsa.from.entity_name);
    assert_span_equal(back.wsa.message_id.transaction_id, m.wsa.message_id.transaction_id);
    assert_int_equal(back.wsa.message_id.date_ms, m.wsa.message_id.date_ms);
    assert_span_equal(back.wsa.relates_to, m.wsa.relates_to);
    assert_int_equal(back.dialect.ns, dialect.ns);
    back.dialect = dialect;
    assert_ok(es_encode(&back, &a, &again));
    if (!(function == ES7_AUTHENTICATE_SMSR && kind == ES_REQUEST))
        validate(&back, again);
    struct span kept = without_signed_octets(&back);
    assert_true(!kept.len || memmem(again.ptr, again.len, kept.ptr, kept.len));
    assert_ok(es_encode(&back, &a, &again));
    if (!span_eq(soap, again))
        fail_msg("%s changed:\n%.*s\n%.*s", name_of(function, kind), (int)soap.len, (const char *)soap.ptr,
                 (int)again.len, (const char *)again.ptr);
    arena_release(&a);
}

static void each(void (*test)(enum es_function, enum es_kind))
{
    for (int f = 1; f < ES_FUNCTION_COUNT; f++)
        for (int k = ES_REQUEST; k <= ES_NOTIFICATION; k++)
            if (es_table((enum es_function)f, (enum es_kind)k))
                test((enum es_function)f, (enum es_kind)k);
}

/* The schema at hand wants Eis here, and no Eid. */
static void authenticate_smsr_with_eis_is_valid(void **state)
{
    (void)state;
    struct arena a;
    struct span soap;
    arena_init(&a, ARENA_MAX);
    struct es_message m = sample_message(&a, ES7_AUTHENTICATE_SMSR, ES_REQUEST, SAMPLE_FULL);
    ((struct es7_authenticate_smsr *)(uintptr_t)m.body)->has_eid = false;
    assert_ok(es_encode(&m, &a, &soap));
    validate(&m, soap);
    arena_release(&a);
}

/* A refused CreateISDP has no AID, but the schema wants one. */
static void failed_answers_are_valid(void **state)
{
    (void)state;
    struct arena a;
    struct span soap;
    struct es_message back;
    struct es_fault fault;
    arena_init(&a, ARENA_MAX);
    for (int f = 1; f < ES_FUNCTION_COUNT; f++) {
        if (!es_table((enum es_function)f, ES_RESPONSE))
            continue;
        struct status status = status_failed(REASON_EUICC_MEMORY, "89", "full");
        struct es_message m = sample_message(&a, (enum es_function)f, ES_RESPONSE, SAMPLE_MINIMAL);
        m.body = es_response_new(&a, m.function, &status, 1767323045000u, 1767323046000u);
        assert_ok(es_encode(&m, &a, &soap));
        validate(&m, soap);
        assert_ok(es_decode(soap, &a, &back, &fault));
        assert_int_equal(es_response_of(&back)->status.reason, REASON_EUICC_MEMORY);
        if (f == ES3_CREATE_ISDP)
            assert_int_equal(((const struct es_card_response *)back.body)->isdp_aid.len, 0);
    }
    arena_release(&a);
}

static void in_all_dialects(enum es_function function, enum es_kind kind)
{
    static const struct es_dialect dialects[] = {
        { ES_NS_3, false, false }, { ES_NS_3, true, false }, { ES_NS_3, false, true },
        { ES_NS_1, false, false }, { ES_NS_4, false, true },
    };
    for (size_t i = 0; i < ARRAY_LEN(dialects); i++) {
        there_and_back(function, kind, SAMPLE_FULL, dialects[i]);
        there_and_back(function, kind, SAMPLE_MINIMAL, dialects[i]);
    }
}

static void every_message_survives_the_way(void **state)
{
    (void)state;
    each(in_all_dialects);
}

/* --- the table of the fact book, which nobody wrote from ours -------------------------------------------------- */

static size_t children_of(enum es_function function, enum es_kind kind, char names[32][64])
{
    struct arena a;
    struct span soap;
    struct xml_reader r;
    size_t count = 0;
    arena_init(&a, ARENA_MAX);
    struct es_message m = sample_message(&a, function, kind, SAMPLE_FULL);
    m.dialect.v4 = es_function_info(function)->v4;
    assert_ok(es_encode(&m, &a, &soap));
    xml_open(&r, soap);
    assert_true(xml_child(&r));
    xml_skip(&r);
    assert_true(xml_child(&r) && xml_child(&r));
    while (xml_child(&r)) {
        snprintf(names[count], 64, "%.*s", (int)r.local.len, (const char *)r.local.ptr);
        if (!count || strcmp(names[count], names[count - 1]))
            count++;
        xml_skip(&r);
    }
    arena_release(&a);
    return count;
}

static bool known_difference(const char *root, const char *child)
{
    return (!strcmp(root, "ES7-AuthenticateSMSRRequest") && !strcmp(child, "Eis")) ||
           !strcmp(root, "ES7-HandleSMSRChangeNotification");
}

static void names_and_orders_are_those_of_the_fact_book(void **state)
{
    (void)state;
    const char *path = shared_path("spec/offcard-messages.tsv");
    if (!path)
        skip();
    char *text = (char *)(uintptr_t)file_bytes(path).ptr, *line_end, names[32][64], last[128] = "";
    size_t count = 0, at = 0, roots = 0;
    for (char *line = text; *line; line = line_end + 1) {
        char *field[4], *p = line;
        line_end = line + strcspn(line, "\n");
        for (int i = 0; i < 4; i++) {
            field[i] = p;
            p += strcspn(p, "\t\n");
            if (*p == '\t')
                *p++ = '\0';
        }
        if (line[0] == '#' || known_difference(field[1], field[3]))
            continue;
        if (strcmp(last, field[1])) {
            enum es_function function;
            enum es_kind kind;
            assert_int_equal(at, count);
            snprintf(last, sizeof last, "%s", field[1]);
            assert_ok(es_function_find(span_text(field[1]), &function, &kind));
            count = children_of(function, kind, names);
            at = 0;
            roots++;
        }
        while (at < count && known_difference(last, names[at]))
            at++;
        if (at >= count || strcmp(names[at], field[3]))
            fail_msg("%s: %s where the table has %s", last, at < count ? names[at] : "nothing", field[3]);
        at++;
    }
    assert_int_equal(at, count);
    assert_true(roots > 130);
}

static void actions_are_those_of_the_fact_book(void **state)
{
    (void)state;
    const char *path = shared_path("spec/offcard-functions.tsv");
    if (!path)
        skip();
    size_t rows = 0;
    for (char *line = (char *)(uintptr_t)file_bytes(path).ptr; *line; line += strcspn(line, "\n") + 1) {
        char interface[8], function_name[64], request[160], response[160] = "", pattern[16], text[80];
        if (sscanf(line, "%*s %7s %63s", interface, function_name) != 2 || line[0] == '#')
            continue;
        char *field = line;
        for (int i = 0; i < 5; i++)
            field += strcspn(field, "\t") + 1;
        sscanf(field, "%15s", pattern);
        field += strcspn(field, "\t") + 1;
        field += strcspn(field, "\t") + 1;
        sscanf(field, "%159[^\t]\t%159[^\t\n]", request, response);
        enum es_function function;
        snprintf(text, sizeof text, "%s-%s", interface, function_name);
        assert_ok(es_function_by_name(span_text(text), &function));
        bool notify = !strcmp(pattern, "NTF");
        WRITER_ON_STACK(w, 200);
        es_action(&w, function, notify ? ES_NOTIFICATION : ES_REQUEST);
        assert_span_equal(wr_span(&w), span_text(request));
        w.len = 0;
        es_action(&w, function, ES_RESPONSE);
        if (!notify)
            assert_span_equal(wr_span(&w), span_text(response));
        rows++;
    }
    assert_int_equal(rows, ES_FUNCTION_COUNT - 1);
}

int main(void)
{
    schema = schema_open();
    if (!schema)
        printf("the schemas are not beside the project: messages are not validated\n");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_survives_the_way),
        cmocka_unit_test(authenticate_smsr_with_eis_is_valid),
        cmocka_unit_test(failed_answers_are_valid),
        cmocka_unit_test(names_and_orders_are_those_of_the_fact_book),
        cmocka_unit_test(actions_are_those_of_the_fact_book),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
