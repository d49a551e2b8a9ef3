/* Every package beside the project installs; where an independent decoder has written down the file system it must
 * give, every file is there with that type, size, access rule, short identifier, PINs and content, and no other file
 * is. */
#include "rig.h"

#include "lib/crypto/openssl.h"

static struct fs fs;

static const char *type_of(const struct fs_file *f)
{
    switch (fs_kind(f)) {
    case FS_TRANSPARENT:
        return "TR";
    case FS_LINEAR:
        return "LF";
    case FS_CYCLIC:
        return "CY";
    case FS_BER_TLV:
        return "BT";
    case FS_DF:
        return f->parent == FS_NONE ? "MF" : f->aid.len ? "ADF" : "DF";
    }
    return "?";
}

/* "3f00/7f10/6f3a" or "adf:<AID>/6f07" */
static fs_number file_at(const char *path)
{
    char text[256];
    snprintf(text, sizeof text, "%s", path);
    char *rest = NULL, *step = strtok_r(text, "/", &rest);
    fs_number file = strncmp(step, "adf:", 4) ? FS_MF : fs_by_aid(&fs, hex_lit(step + 4), 0);
    while ((step = strtok_r(NULL, "/", &rest)) && file != FS_NONE) {
        struct span fid = hex_lit(step);
        file = fs_child(&fs, file, (uint16_t)(fid.ptr[0] << 8 | fid.ptr[1]));
    }
    return file;
}

static bool is_null(const json_t *row, const char *member) { return !vec_has(row, member); }

/* "2f0601"; "0b": record of the implicit EF.ARR; "0b(template)" */
static void check_access(const json_t *row, const struct fs_file *f)
{
    char text[32];
    snprintf(text, sizeof text, "%s", vec_text(row, "arr"));
    char *note = strchr(text, '(');
    if (note)
        *note = 0;
    struct span arr = hex_lit(text);
    bool top = f->parent == FS_NONE || f->parent == FS_MF;
    uint16_t fid = arr.len == 3 ? (uint16_t)(arr.ptr[0] << 8 | arr.ptr[1]) : top ? FID_ARR_MF : FID_ARR_DF;
    assert_int_equal(f->arr_fid, fid);
    assert_int_equal(f->arr_record, arr.ptr[arr.len - 1]);
}

static void check_content(const json_t *row, const struct fs_file *f, fs_number number)
{
    if (is_null(row, "content_sha256") || fs_kind(f) == FS_BER_TLV)
        return;
    uint8_t *body = malloc(f->size + 1), digest[32];
    assert_ok(fs_read(&fs, number, 0, body, f->size));
    assert_int_equal(EVP_Digest(body, f->size, digest, NULL, EVP_sha256(), NULL), 1);
    assert_span_equal(SPAN_OF(digest), vec_hex(row, "content_sha256"));
    free(body);
}

static void check_row(const json_t *row)
{
    struct fs_file f;
    fs_number number = file_at(vec_text(row, "path"));
    if (number == FS_NONE)
        fail_msg("no file at %s", vec_text(row, "path"));
    assert_ok(fs_stat(&fs, number, &f));
    assert_string_equal(type_of(&f), vec_text(row, "type"));
    check_access(row, &f);
    assert_int_equal(f.lcsi, vec_hex(row, "lcsi").ptr[0]);
    if (vec_has(row, "sfi"))
        assert_int_equal(f.sfi, json_integer_value(json_object_get(row, "sfi")));
    else if (!fs_is_df(&f))
        assert_int_equal(f.sfi, FS_NO_SFI);
    if (vec_has(row, "pins"))
        assert_span_equal(((struct span){ f.pins, f.pin_count }), vec_hex(row, "pins"));
    if (vec_has(row, "rec_len") && !vec_has(row, "link"))
        assert_int_equal(f.record_len, json_integer_value(json_object_get(row, "rec_len")));
    if (vec_has(row, "sfi_info"))
        assert_int_equal(f.special & 0x40, vec_hex(row, "sfi_info").ptr[0] & 0x40);
    if (vec_has(row, "link")) {
        assert_int_not_equal(f.link, FS_NONE);
        return;
    }
    assert_int_equal(f.link, FS_NONE);
    if (vec_has(row, "size"))
        assert_int_equal(f.size, json_integer_value(json_object_get(row, "size")));
    check_content(row, &f, number);
}

static json_t *expected_of(const char *file)
{
    char relative[256];
    snprintf(relative, sizeof relative, "data/profiles/expected-fs/%.*s.json", (int)(strlen(file) - 4), file);
    const char *path = shared_path(relative);
    return path ? file_json(path) : NULL;
}

static void check_facts(const json_t *facts)
{
    uint8_t body[10];
    assert_int_equal(fs.count, json_integer_value(json_object_get(facts, "files")));
    assert_ok(fs_read(&fs, file_at("3f00/2fe2"), 0, body, 10));
    const char *want = json_string_value(json_array_get(json_object_get(facts, "ef_iccid"), 0));
    assert_span_equal(SPAN_OF(body), hex_lit(want));
    const char *imsi = json_string_value(json_array_get(json_object_get(facts, "imsi"), 0));
    char digits[20];
    fs_number usim = fs_by_aid(&fs, hex_lit("A0000000871002"), 0);
    assert_ok(fs_read(&fs, fs_child(&fs, usim, 0x6F07), 0, body, 9));
    assert_ok(bcd_text((struct span){ body + 1, 8 }, true, digits, sizeof digits));
    if (imsi)
        assert_string_equal(digits + 1, imsi);
}

static void package_installs(void **state)
{
    const json_t *facts = vector_of(state);
    const char *file = vec_text(facts, "file");
    struct span package = profile_bytes(file), response;
    struct rig *r = rig_new(0);

    enum install_result result = rig_install(r, package, 1000, &response);
    if (result != INSTALL_DONE) {
        char text[512];
        fail_msg("%s: %s", file, hex_text(response, text, sizeof text));
    }
    assert_span_equal(response, hex_lit("3007A0053003800100"));
    rig_power_cycle(r);
    assert_int_equal(r->isdp->state, ISDP_DISABLED);
    assert_span_equal(SPAN_OF(r->isdp->iccid), vec_hex(facts, "header_iccid"));
    assert_ok(fs_mount(&fs, r->card.objects, (uint8_t)r->isdp->slot, NULL));
    check_facts(facts);
    json_t *expected = expected_of(file);
    for (size_t i = 0; i < json_array_size(expected); i++)
        check_row(json_array_get(expected, i));
    rig_free(r);
}

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
        tests[i] = (struct CMUnitTest){ vec_text(facts, "file"), package_installs, NULL, NULL, facts };
    }
    return _cmocka_run_group_tests("packages install", tests, count, NULL, NULL);
}
