/* Every package beside the project decodes; the decoded values are those of an independent decoder (decoded/NAME.json,
 * facts.json); the canonical encoding of real packages is, octet for octet, what they are. */
#include "lib/profile/package.h"
#include "tests/support/test.h"

#define ARENA_CEILING ((size_t)8 * 1024 * 1024)

static const char hex_digits[] = "0123456789abcdef";

static json_t *hex_json(struct span s)
{
    char *text = malloc(2 * s.len + 1);
    for (size_t i = 0; i < s.len; i++) {
        text[2 * i] = hex_digits[s.ptr[i] >> 4];
        text[2 * i + 1] = hex_digits[s.ptr[i] & 15];
    }
    text[2 * s.len] = 0;
    json_t *value = json_string(text);
    free(text);
    return value;
}

static json_t *oid_json(struct span s)
{
    char text[128];
    size_t len = (size_t)snprintf(text, sizeof text, "%d.%d", 2, s.ptr[0] - 80);
    uint32_t arc = 0;
    for (size_t i = 1; i < s.len; i++) {
        arc = arc << 7 | (s.ptr[i] & 0x7F);
        if (!(s.ptr[i] & 0x80)) {
            len += (size_t)snprintf(text + len, sizeof text - len, ".%u", arc);
            arc = 0;
        }
    }
    return json_string(text);
}

static json_t *value_json(const struct der_type *type, const void *value, enum pe_kind kind);

static json_t *list_json(const struct der_field *f, struct der_any_list list, enum pe_kind kind)
{
    json_t *array = json_array();
    const uint8_t *item = list.items;
    size_t size = f->type ? f->type->size : sizeof(struct span);
    for (size_t i = 0; i < list.count; i++, item += size) {
        struct span octets = SPAN_NONE;
        if (!f->type)
            memcpy(&octets, item, sizeof octets);
        json_array_append_new(array, f->type               ? value_json(f->type, item, kind)
                                     : f->item_tag == 0x06 ? oid_json(octets)
                                                           : hex_json(octets));
    }
    return array;
}

static void members_json(json_t *object, const struct der_field *f, struct der_any_list list, enum pe_kind kind)
{
    const uint8_t *item = list.items;
    for (size_t i = 0; i < list.count; i++, item += f->type->size) {
        uint32_t tag;
        memcpy(&tag, item, sizeof tag);
        json_object_set_new(object, pe_member_name(kind, tag), value_json(f->type, item, kind));
    }
}

static json_t *field_json(const struct der_field *f, const void *field, enum pe_kind kind)
{
    struct span octets;
    struct der_any_list list;
    uint32_t number;
    const void *nested;
    switch (f->kind) {
    case DER_OCTETS:
        memcpy(&octets, field, sizeof octets);
        if (!strcmp(f->name, "templateID"))
            return oid_json(octets);
        if (!strcmp(f->name, "profileType"))
            return json_stringn((const char *)octets.ptr, octets.len);
        return hex_json(octets);
    case DER_UINT:
        memcpy(&number, field, sizeof number);
        return json_integer(number);
    case DER_FLAG:
        return json_null();
    case DER_INLINE:
        return value_json(f->type, field, kind);
    case DER_SEQUENCE:
        memcpy(&nested, field, sizeof nested);
        return value_json(f->type, nested, kind);
    default:
        memcpy(&list, field, sizeof list);
        return list_json(f, list, kind);
    }
}

static json_t *value_json(const struct der_type *type, const void *value, enum pe_kind kind)
{
    struct der_any_list list;
    if (type->sequence_of) {
        memcpy(&list, der_field_at(value, type->fields), sizeof list);
        return list_json(type->fields, list, kind);
    }
    json_t *object = json_object();
    for (size_t i = 0; i < type->count; i++) {
        const struct der_field *f = &type->fields[i];
        if (!der_present(value, f))
            continue;
        if (f->kind == DER_MEMBERS) {
            memcpy(&list, der_field_at(value, f), sizeof list);
            members_json(object, f, list, kind);
        } else {
            json_object_set_new(object, f->name, field_json(f, der_field_at(value, f), kind));
        }
    }
    return object;
}

/* The name of the PEHeader member differs from element to element: we call them all alike in file elements. */
static void rename_header(json_t *want)
{
    const char *name;
    json_t *value;
    json_object_foreach(want, name, value)
    {
        size_t len = strlen(name);
        if (len > 7 && !strcasecmp(name + len - 7, "-header") && !json_object_get(want, "header")) {
            json_object_set(want, "header", value);
            json_object_del(want, name);
            return;
        }
    }
}

static json_t *decoded_of(const char *file)
{
    char relative[256];
    snprintf(relative, sizeof relative, "data/profiles/decoded/%.*s.json", (int)(strlen(file) - 4), file);
    const char *path = shared_path(relative);
    return path ? file_json(path) : NULL;
}

static void assert_like_oracle(const struct profile_element *pe, const json_t *oracle)
{
    json_t *want = json_deep_copy(json_object_get(oracle, "value"));
    json_t *got = value_json(pe_type(pe->kind), pe->as.any, pe->kind);
    rename_header(want);
    rename_header(got);
    if (!json_equal(got, want))
        fail_msg("%s differs:\n got %s\nwant %s", pe_name(pe->kind), json_dumps(got, JSON_SORT_KEYS),
                 json_dumps(want, JSON_SORT_KEYS));
    json_decref(got);
    json_decref(want);
}

static void assert_canonical(const struct profile_element *pe, struct span raw)
{
    static uint8_t buf[PE_ENCODED_MAX];
    struct writer w = wr_of(buf, sizeof buf);
    pe_encode(&w, pe);
    assert_int_equal(w.err, ERR_NONE);
    assert_span_equal(wr_span(&w), raw);
}

static void package_is_what_the_facts_say(void **state)
{
    const json_t *facts = vector_of(state);
    const char *file = vec_text(facts, "file");
    char relative[256];
    snprintf(relative, sizeof relative, "data/profiles/%s", file);
    const char *path = shared_path(relative);
    if (!path)
        skip();
    struct span package = file_bytes(path);
    json_t *oracle = decoded_of(file), *elements = json_object_get(facts, "pe");
    struct package_reader p;
    struct package_element raw;
    struct reader segment = rd_of(package);
    struct arena a;
    size_t count = 0;

    arena_init(&a, ARENA_CEILING);
    package_init(&p, NULL, 0);
    for (; package_next(&p, &segment, &raw); count++) {
        const json_t *fact = json_array_get(elements, count);
        struct profile_element pe;
        struct der d = { .arena = &a };
        enum err err = pe_decode(&d, raw.raw, &pe);
        if (err != ERR_NONE)
            fail_msg("%s, element %zu: %s in %s.%s", file, count, err_text(err), d.type, d.member);
        assert_int_equal(d.unknown_tag, 0);
        assert_string_equal(pe_name(pe.kind), vec_text(fact, "type"));
        assert_int_equal(raw.offset, json_integer_value(json_object_get(fact, "offset")));
        assert_int_equal(raw.raw.len, json_integer_value(json_object_get(fact, "length")));
        assert_canonical(&pe, raw.raw);
        if (oracle)
            assert_like_oracle(&pe, json_array_get(oracle, count));
    }
    assert_int_equal(p.err, ERR_NONE);
    assert_true(p.ended);
    assert_int_equal(count, json_integer_value(json_object_get(facts, "pe_count")));
    arena_release(&a);
}

/* facts.json is a list, the runner wants an object. */
int main(void)
{
    const char *path = shared_path("data/profiles/facts.json");
    if (!path)
        return TEST_SKIPPED;
    json_t *list = file_json(path);
    size_t count = json_array_size(list);
    struct CMUnitTest *tests = calloc(count, sizeof *tests);
    for (size_t i = 0; i < count; i++) {
        json_t *facts = json_array_get(list, i);
        tests[i] = (struct CMUnitTest){ vec_text(facts, "file"), package_is_what_the_facts_say, NULL, NULL, facts };
    }
    return _cmocka_run_group_tests("packages decode and encode", tests, count, NULL, NULL);
}
