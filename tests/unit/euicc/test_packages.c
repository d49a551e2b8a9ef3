/* Every profile package there is: installed in the factory, enabled, and read back with commands: EF.ICCID and EF.IMSI
 * as facts.json has them, and each file of expected-fs (its FCP and its whole content) where that list exists. */
#include <openssl/sha.h>

#include "lib/codec/ber_tlv.h"
#include "rig_files.h"

static struct rig rig;
static unsigned files_read, files_closed;

static bool is_null(const json_t *file, const char *member)
{
    const json_t *value = json_object_get(file, member);
    return !value || json_is_null(value);
}

static void check_fcp(struct span fcp, const json_t *file)
{
    struct span v;
    assert_true(tlv_find(fcp, 0x82, &v));
    if (!is_null(file, "fdb"))
        assert_int_equal(v.ptr[0], strtoul(vec_text(file, "fdb"), NULL, 16));
    bool own = is_null(file, "link"); /* a link has its target's records, whatever the package says */
    if (own && !is_null(file, "rec_len") && json_integer_value(json_object_get(file, "rec_len")))
        assert_int_equal(v.ptr[2] << 8 | v.ptr[3], json_integer_value(json_object_get(file, "rec_len")));
    if (!is_null(file, "arr") && strlen(vec_text(file, "arr")) == 6) {
        assert_true(tlv_find(fcp, 0x8B, &v));
        assert_span_equal(v, vec_hex(file, "arr"));
    }
    if (json_object_get(file, "sfi") && tlv_find(fcp, 0x88, &v))
        assert_int_equal(v.len ? v.ptr[0] >> 3 : -1,
                         is_null(file, "sfi") ? -1 : json_integer_value(json_object_get(file, "sfi")));
    if (!is_null(file, "size") && json_integer_value(json_object_get(file, "size")) && tlv_find(fcp, 0x80, &v))
        assert_int_equal(v.ptr[0] << 8 | v.ptr[1], json_integer_value(json_object_get(file, "size")));
}

static void check_content(struct channel *ch, const json_t *file)
{
    static uint8_t bytes[FS_FILE_SIZE_MAX];
    uint8_t digest[SHA256_DIGEST_LENGTH];
    struct writer body = wr_of(bytes, sizeof bytes);
    if (is_null(file, "content_sha256") || !strcmp(vec_text(file, "type"), "BT"))
        return;
    bool records = strcmp(vec_text(file, "type"), "TR") != 0;
    if (!rig_read_body(&rig, ch, records, (size_t)json_integer_value(json_object_get(file, "size")), &body)) {
        files_closed++;
        return;
    }
    SHA256(bytes, body.len, digest);
    assert_span_equal(SPAN_OF(digest), vec_hex(file, "content_sha256"));
    files_read++;
}

static void check_files(const char *list)
{
    json_t *files = file_json(list);
    const json_t *file;
    size_t i;
    json_array_foreach(files, i, file)
    {
        struct channel ch;
        WRITER_ON_STACK(rsp, CARD_RESPONSE_MAX);
        check_fcp(rig_select_path(&rig, &ch, vec_text(file, "path"), &rsp), file);
        check_content(&ch, file);
    }
    assert_true(i > 20);
    json_decref(files);
}

/* Digits as they are spoken, from a swapped EF. */
static void check_imsi(const json_t *facts)
{
    const json_t *imsis = json_object_get(facts, "imsi");
    struct euicc_profile_info info[EUICC_PROFILES_MAX];
    char digits[20];
    assert_int_equal(euicc_profiles(rig.card, info), 1);
    assert_int_equal(info[0].state, EUICC_PROFILE_ENABLED);
    assert_true(info[0].fallback);
    if (json_array_size(imsis) == 0)
        return;
    assert_ok(bcd_text((struct span){ info[0].imsi_ef + 1, 8 }, true, digits, sizeof digits));
    assert_string_equal(digits + 1, json_string_value(json_array_get(imsis, 0)));
}

static void check_iccid(const json_t *facts)
{
    const char *iccid = json_string_value(json_array_get(json_object_get(facts, "ef_iccid"), 0));
    rig_apdu(&rig, "00A4000C022FE2", "9000");
    uint16_t sw;
    struct span got = rig_exchange(&rig, hex_lit("00B000000A"), &sw);
    assert_int_equal(sw, 0x9000);
    assert_span_equal(got, hex_lit(iccid));
}

static void a_package_is_on_the_card_as_it_should_be(void **state)
{
    const json_t *facts = vector_of(state);
    char list[256];
    const char *file = vec_text(facts, "file");
    rig_make(&rig, file);
    check_iccid(facts);
    check_imsi(facts);
    snprintf(list, sizeof list, "data/profiles/expected-fs/%.*s.json", (int)(strrchr(file, '.') - file), file);
    const char *path = shared_path(list);
    if (path && fopen(path, "r"))
        check_files(path);
    rig_done(&rig);
}

/* run_vectors wants names: each object's is its file. */
int main(void)
{
    const char *path = shared_path("data/profiles/facts.json");
    if (!path)
        return TEST_SKIPPED;
    json_t *facts = file_json(path), *named = json_object(), *copy = json_deep_copy(facts), *object;
    size_t i;
    json_array_foreach(copy, i, object) json_object_set(object, "name", json_object_get(object, "file"));
    json_object_set_new(named, "vectors", copy);
    char temporary[] = "/tmp/osprey-facts-XXXXXX";
    int fd = mkstemp(temporary);
    if (fd < 0 || json_dumpfd(named, fd, 0) != 0)
        return 1;
    int failed = run_vectors(temporary, NULL, a_package_is_on_the_card_as_it_should_be);
    remove(temporary);
    print_message("%zu packages; %u files read with commands, %u that nobody may read\n", i, files_read, files_closed);
    return failed;
}
