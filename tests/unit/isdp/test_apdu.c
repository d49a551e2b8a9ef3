/* Every package, installed in the factory and enabled, as a terminal finds it: SELECT, FCP and READ by ordinary
 * commands. Where an independent decoder wrote the file system down, each file is compared; for the others EF.ICCID,
 * EF.IMSI and EF.DIR. */
#include "lib/crypto/openssl.h"
#include "tests/unit/euicc/rig.h"

static struct span command(struct rig *r, uint16_t want, const char *format, ...) __attribute__((format(printf, 3, 4)));

static struct span command(struct rig *r, uint16_t want, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return rig_get(r, text, want);
}

/* ---- selection: "3f00/7f10/6f3a" or "adf:<AID>/6f07" ---- */

static struct span select_path(struct rig *r, const char *path)
{
    char fids[64] = "";
    bool adf = strncmp(path, "adf:", 4) == 0;
    const char *rest = strchr(path, '/');
    if (adf) {
        size_t len = rest ? (size_t)(rest - path - 4) : strlen(path + 4);
        struct span fcp = command(r, SW_OK, "00A40404 %02zX %.*s 00", len / 2, (int)len, path + 4);
        if (!rest)
            return fcp;
        strcpy(fids, "7FFF");
    } else if (!rest) {
        return command(r, SW_OK, "00A40004 02 3F00 00");
    }
    for (const char *p = rest; *p; p++)
        if (*p != '/')
            strncat(fids, p, 1);
    return command(r, SW_OK, "00A40804 %02zX %s 00", strlen(fids) / 2, fids);
}

static struct span fcp_value(struct span fcp, uint32_t tag)
{
    struct span inside, value = SPAN_NONE;
    assert_true(tlv_find(fcp, 0x62, &inside));
    tlv_find(inside, tag, &value);
    return value;
}

/* ---- rights ---- */

static void verify_all(struct rig *r, const char *file)
{
    static const char *const ts48[] = { "0A 08 3535353535353535", "0B 08 3636363636363636", "81 08 39393939FFFFFFFF" };
    static const char *const sample[] = { "01 08 31323334FFFFFFFF", "0A 08 35363738FFFFFFFF",
                                          "81 08 31323334FFFFFFFF" };
    const char *const *pins = strncmp(file, "simalliance", 11) ? ts48 : sample;
    for (size_t i = 0; i < 3; i++) {
        char text[64];
        uint16_t sw;
        snprintf(text, sizeof text, "002000 %s", pins[i]);
        rig_exchange(r, hex_lit(text), &sw);
    }
}

static const json_t *row_of(const json_t *expected, const char *path)
{
    for (size_t i = 0; i < json_array_size(expected); i++)
        if (!strcmp(vec_text(json_array_get(expected, i), "path"), path))
            return json_array_get(expected, i);
    return NULL;
}

/* The rule that guards a file: the record of the EF.ARR found from its directory upward. (That EF.ARR's own content is
 * compared with the oracle like every file's.) */
static struct span rule_of(struct rig *r, const json_t *expected, const char *path, const char *arr_fid,
                           unsigned record)
{
    char at[256], candidate[300];
    snprintf(at, sizeof at, "%s", path);
    for (char *slash = strrchr(at, '/'); slash; slash = strrchr(at, '/')) {
        *slash = 0;
        snprintf(candidate, sizeof candidate, "%s/%s", at, arr_fid);
        if (!row_of(expected, candidate))
            continue;
        select_path(r, candidate);
        return command(r, SW_OK, "00B2%02X0400", record);
    }
    select_path(r, "3f00/2f06");
    return command(r, SW_OK, "00B2%02X0400", record);
}

/* May anybody read: the condition behind the first access mode with bit 01 is not NEVER. */
static bool readable(struct span rule)
{
    struct reader r = rd_of(rule);
    struct tlv mode, condition;
    while (rd_left(&r) && *r.pos != 0xFF && tlv_next(&r, &mode) && tlv_next(&r, &condition))
        if (mode.tag == 0x80 && mode.val.len == 1 && (mode.val.ptr[0] & 0x01))
            return condition.tag != 0x97;
    return false;
}

/* ---- one file ---- */

static size_t read_body(struct rig *r, size_t size, size_t record_len, uint8_t *out, uint16_t want)
{
    if (record_len == 0) {
        size_t step, at;
        for (at = 0; at < size; at += step) {
            step = size - at < 200 ? size - at : 200;
            struct span part = command(r, want, "00B0%04zX%02zX", at, step);
            if (want != SW_OK)
                return 0;
            memcpy(out + at, part.ptr, part.len);
        }
        return at;
    }
    for (size_t i = 0; i < size / record_len; i++) {
        struct span part = command(r, want, "00B2%02zX04%02zX", i + 1, record_len);
        if (want != SW_OK)
            return 0;
        assert_int_equal(part.len, record_len);
        memcpy(out + i * record_len, part.ptr, part.len);
    }
    return size;
}

static void check_access(const json_t *row, struct span fcp, char arr_fid[5], unsigned *record)
{
    char text[32];
    snprintf(text, sizeof text, "%s", vec_text(row, "arr"));
    if (strchr(text, '('))
        *strchr(text, '(') = 0;
    struct span arr = hex_lit(text), got = fcp_value(fcp, 0x8B);
    const char *path = vec_text(row, "path");
    bool top = !strcmp(path, "3f00") || (!strncmp(path, "adf:", 4) && !strchr(path, '/')) ||
               (!strncmp(path, "3f00/", 5) && !strchr(path + 5, '/'));
    assert_int_equal(got.len, 3);
    assert_int_equal(got.ptr[2], arr.ptr[arr.len - 1]);
    uint16_t fid = arr.len == 3 ? (uint16_t)(arr.ptr[0] << 8 | arr.ptr[1]) : top ? 0x2F06 : 0x6F06;
    assert_int_equal(got.ptr[0] << 8 | got.ptr[1], fid);
    snprintf(arr_fid, 5, "%04x", fid);
    *record = got.ptr[2];
}

static void check_pins(const json_t *row, struct span fcp)
{
    struct span list = vec_hex(row, "pins"), status = fcp_value(fcp, 0xC6);
    struct reader r = rd_of(status);
    struct tlv t;
    size_t i = 0;
    while (tlv_next(&r, &t))
        if (t.tag == 0x83) {
            assert_true(i < list.len);
            assert_int_equal(t.val.ptr[0], list.ptr[i++]);
        }
    assert_int_equal(i, list.len);
}

static void check_ef(struct rig *r, const json_t *row, struct span fcp, bool may_read)
{
    static uint8_t body[65536];
    uint8_t digest[32];
    struct span descriptor = fcp_value(fcp, 0x82), size_octets = fcp_value(fcp, 0x80), sfi = fcp_value(fcp, 0x88);
    uint64_t size = 0;

    assert_int_equal(vec_hex(row, "fid").ptr[1], fcp_value(fcp, 0x83).ptr[1]);
    if (vec_has(row, "sfi")) {
        assert_int_equal(sfi.len, 1);
        assert_int_equal(sfi.ptr[0] >> 3, json_integer_value(json_object_get(row, "sfi")));
    } else {
        assert_int_equal(sfi.len, 0);
    }
    assert_int_equal(fcp_value(fcp, 0x8A).ptr[0], vec_hex(row, "lcsi").ptr[0]);
    assert_ok(span_uint(size_octets, &size));
    size_t record_len = descriptor.len >= 4 ? (size_t)(descriptor.ptr[2] << 8 | descriptor.ptr[3]) : 0;
    if (vec_has(row, "fdb"))
        assert_int_equal(descriptor.ptr[0], vec_hex(row, "fdb").ptr[0]);
    if (vec_has(row, "link") || !strcmp(vec_text(row, "type"), "BT"))
        return;
    assert_int_equal(size, json_integer_value(json_object_get(row, "size")));
    if (vec_has(row, "rec_len"))
        assert_int_equal(record_len, json_integer_value(json_object_get(row, "rec_len")));
    if (!vec_has(row, "content_sha256"))
        return;
    size_t got = read_body(r, (size_t)size, record_len, body, may_read ? SW_OK : SW_SECURITY_STATUS);
    if (!may_read)
        return;
    assert_int_equal(EVP_Digest(body, got, digest, NULL, EVP_sha256(), NULL), 1);
    assert_span_equal(SPAN_OF(digest), vec_hex(row, "content_sha256"));
}

static void check_row(struct rig *r, const json_t *expected, const json_t *row, const char *file)
{
    static uint8_t copy[300];
    const char *path = vec_text(row, "path");
    char arr_fid[5];
    unsigned record;
    struct span fcp = select_path(r, path);
    memcpy(copy, fcp.ptr, fcp.len);
    fcp.ptr = copy;
    check_access(row, fcp, arr_fid, &record);
    verify_all(r, file);
    if (vec_has(row, "pins"))
        check_pins(row, fcp);
    const char *type = vec_text(row, "type");
    if (!strcmp(type, "MF") || !strcmp(type, "DF") || !strcmp(type, "ADF"))
        return;
    bool may_read = readable(rule_of(r, expected, path, arr_fid, record));
    select_path(r, path);
    check_ef(r, row, fcp, may_read);
}

/* ---- a package ---- */

static json_t *expected_of(const char *file)
{
    char relative[256];
    snprintf(relative, sizeof relative, "data/profiles/expected-fs/%.*s.json", (int)(strlen(file) - 4), file);
    const char *path = shared_path(relative);
    return path ? file_json(path) : NULL;
}

static const char *text_at(const json_t *facts, const char *list)
{
    return json_string_value(json_array_get(json_object_get(facts, list), 0));
}

static void check_facts(struct rig *r, const json_t *facts, const char *file)
{
    command(r, SW_OK, "00A40804 02 2FE2 00");
    assert_span_equal(command(r, SW_OK, "00B000000A"), hex_lit(text_at(facts, "ef_iccid")));
    command(r, SW_OK, "00A40404 07 A0000000871002 00");
    verify_all(r, file);
    command(r, SW_OK, "00A40804 04 7FFF6F07 00");
    struct span imsi = command(r, SW_OK, "00B0000009");
    char digits[20];
    assert_ok(bcd_text(span_from(imsi, 1), true, digits, sizeof digits));
    if (text_at(facts, "imsi"))
        assert_string_equal(digits + 1, text_at(facts, "imsi"));
    else
        assert_span_equal(imsi, hex_lit("082943019134876765"));
}

static void package_is_there_for_the_terminal(void **state)
{
    const json_t *facts = vector_of(state);
    const char *file = vec_text(facts, "file");
    if (!rig_has_package(file))
        skip();
    struct rig r;
    rig_make(&r, file);
    check_facts(&r, facts, file);
    json_t *expected = expected_of(file);
    for (size_t i = 0; i < json_array_size(expected); i++) {
        const json_t *row = json_array_get(expected, i);
        check_row(&r, expected, row, file);
    }
    rig_done(&r);
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
        tests[i] = (struct CMUnitTest){ vec_text(facts, "file"), package_is_there_for_the_terminal, NULL, NULL, facts };
    }
    return _cmocka_run_group_tests("packages as a terminal reads them", tests, count, NULL, NULL);
}
