/* Orders and the list as operators see them over HTTPS; docs/sm-dp-admin.yaml must say the same. */
#include "world.h"

#include <jansson.h>
#include <stdlib.h>

#include "lib/codec/hex.h"
#include "sm-dp/admin.h"

static struct arena memory;

static json_t *ask(struct world *w, const char *oid, const char *method, const char *target, struct span body, int expected)
{
    const char *query = strchr(target, '?');
    struct span json;
    const char *type;
    struct http_request r = { .method = span_text(method),
                              .path = { (const uint8_t *)target, query ? (size_t)(query - target) : strlen(target) },
                              .query = span_text(query ? query + 1 : ""),
                              .body = body };
    int status = smdp_admin(w->smdp, smdp_partner_by_oid(w->smdp, oid), &r, (struct reply_ref){ 0 }, &memory, &json, &type);
    if (status != expected)
        fail_msg("%s %s: %d: %.*s", method, target, status, (int)json.len, (const char *)json.ptr);
    json_t *answer = json_loadb((const char *)json.ptr, json.len, 0, NULL);
    assert_non_null(answer);
    return answer;
}

static const char *text(json_t *object, const char *name) { return json_string_value(json_object_get(object, name)); }

static struct span order_json(struct span package, const char *more)
{
    char *hex = malloc(2 * package.len + 1);
    const char *json = arena_printf(&memory, "{\"package\":\"%s\"%s}", hex_text(package, hex, 2 * package.len + 1), more);
    free(hex);
    assert_non_null(json);
    return span_text(json);
}

/* The TS.48 profile with another ICCID in its header. */
static struct span other_package(const struct world *w)
{
    uint8_t bcd[10], *copy = arena_alloc(&memory, w->package.len);
    memcpy(copy, w->package.ptr, w->package.len);
    for (size_t i = 0; i < sizeof bcd; i++) {
        char low = w->iccid.digits[2 * i], high = 2 * i + 1 < strlen(w->iccid.digits) ? w->iccid.digits[2 * i + 1] : 'F';
        bcd[i] = (uint8_t)((low - '0') << 4 | (high == 'F' ? 15 : high - '0'));
    }
    uint8_t *at = memmem(copy, w->package.len, bcd, sizeof bcd - 1);
    assert_non_null(at);
    at[5] ^= 0x11;
    return (struct span){ copy, w->package.len };
}

static void a_profile_is_ordered_while_it_runs(void **state)
{
    (void)state;
    struct world *w = world_new();
    json_t *taken = ask(w, OID_OP2, "POST", "/admin/v1/profiles",
                        order_json(other_package(w), ",\"type\":\"Meters\",\"msisdn\":\"4917099\",\"pol2\":\"delete:not-allowed\""), 201);
    json_t *list = ask(w, OID_OP2, "GET", "/admin/v1/profiles", SPAN_NONE, 200);
    json_t *rows = json_object_get(list, "profiles"), *row = json_array_get(rows, 0);
    assert_int_equal(json_array_size(rows), 1); /* the other operator's is not shown */
    assert_string_equal(text(row, "iccid"), text(taken, "iccid"));
    assert_string_equal(text(row, "type"), "Meters");
    assert_string_equal(text(row, "msisdn"), "4917099");
    assert_string_equal(text(row, "pol2"), "delete:not-allowed");
    assert_string_equal(text(row, "state"), "free");
    json_decref(list);
    /* and by its type it is found */
    struct es2_download_profile r = { .eid = world_eid(), .profile_type = SPAN_LIT("Meters") };
    assert_ok(oid_from_text(SPAN_LIT(OID_SMSR), &r.smsr_id));
    assert_int_equal(world_call(w, OID_OP2, ES2_DOWNLOAD_PROFILE, &r, 0, NULL), 202);
    list = ask(w, OID_OP2, "GET", "/admin/v1/profiles", SPAN_NONE, 200);
    row = json_array_get(json_object_get(list, "profiles"), 0);
    assert_string_equal(text(row, "state"), "reserved");
    assert_string_equal(text(row, "eid"), EID_TEST);
    json_decref(list);
    json_decref(taken);
    world_free(w);
}

static void what_will_not_do_is_refused(void **state)
{
    (void)state;
    struct world *w = world_new();
    static const struct {
        const char *body;
        int status;
    } cases[] = {
        { "", 400 },
        { "[]", 400 },
        { "{", 400 },
        { "{}", 422 },
        { "{\"package\":\"A0\"}", 422 },
        { "{\"package\":\"xyz\"}", 422 },
        { "{\"package\":7}", 422 },
        { "{\"package\":\"A0\",\"package\":\"A0\"}", 400 },
        { "{\"package\":\"A000\",\"colour\":\"red\"}", 422 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        json_decref(ask(w, OID_OP1, "POST", "/admin/v1/profiles", span_text(cases[i].body), cases[i].status));
    json_decref(ask(w, OID_OP1, "POST", "/admin/v1/profiles", order_json(other_package(w), ",\"imsi\":\"12a\""), 422));
    json_decref(ask(w, OID_OP1, "POST", "/admin/v1/profiles", order_json(other_package(w), ",\"memory\":-1"), 422));
    json_decref(ask(w, OID_OP1, "POST", "/admin/v1/profiles", order_json(other_package(w), ",\"pol2\":\"delete:auto-delete\""), 422));
    json_decref(ask(w, OID_OP2, "POST", "/admin/v1/profiles", order_json(w->package, ""), 409)); /* another's */
    json_decref(ask(w, OID_SMSR, "GET", "/admin/v1/profiles", SPAN_NONE, 403));
    json_decref(ask(w, "1.2.3", "GET", "/admin/v1/profiles", SPAN_NONE, 403));
    json_decref(ask(w, OID_OP1, "DELETE", "/admin/v1/profiles", SPAN_NONE, 405));
    json_decref(ask(w, OID_OP1, "GET", "/admin/v1/profile", SPAN_NONE, 404));
    json_decref(ask(w, OID_OP1, "GET", "/admin/v1/profiles?after=x", SPAN_NONE, 400));
    assert_int_equal(world_count(w, "SELECT count(*) FROM profile"), 1);
    assert_int_equal(world_count(w, "SELECT owner='" OID_OP1 "' FROM profile"), 1);
    world_free(w);
}

static void the_list_goes_on_behind_an_iccid(void **state)
{
    (void)state;
    struct world *w = world_new();
    char target[80];
    json_t *list = ask(w, OID_OP1, "GET", "/admin/v1/profiles", SPAN_NONE, 200);
    assert_int_equal(json_array_size(json_object_get(list, "profiles")), 1);
    assert_true(json_is_false(json_object_get(list, "more")));
    json_decref(list);
    snprintf(target, sizeof target, "/admin/v1/profiles?after=%s", w->iccid.digits);
    list = ask(w, OID_OP1, "GET", target, SPAN_NONE, 200);
    assert_int_equal(json_array_size(json_object_get(list, "profiles")), 0);
    json_decref(list);
    world_free(w);
}

/* Every member that the code gives or takes, and every path, stands in the description. */
static void the_description_says_the_same(void **state)
{
    (void)state;
    static const char *const words[] = { "url: https://localhost:8444/admin/v1", "  /profiles:", "    get:", "    post:",
                                         "name: after", "package:", "type:", "imsi:", "msisdn:", "pol2:", "memory:", "size:",
                                         "state:", "eid:", "iccid:", "more:", "error:", "\"201\"", "\"400\"", "\"403\"",
                                         "\"409\"", "\"422\"", "\"503\"", "[free, reserved, installed]" };
    const char *root = getenv("OSPREY_SOURCE");
    const char *path = arena_printf(&memory, "%s/docs/sm-dp-admin.yaml", root ? root : "..");
    struct span yaml = file_bytes(path);
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (!memmem(yaml.ptr, yaml.len, words[i], strlen(words[i])))
            fail_msg("%s is not in docs/sm-dp-admin.yaml", words[i]);
}

static int setup(void **state)
{
    (void)state;
    arena_init(&memory, 64u << 20);
    return shared_path("data/profiles/TS48v1_A.der") ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_profile_is_ordered_while_it_runs),
        cmocka_unit_test(what_will_not_do_is_refused),
        cmocka_unit_test(the_list_goes_on_behind_an_iccid),
        cmocka_unit_test(the_description_says_the_same),
    };
    if (!shared_path("data/profiles/TS48v1_A.der"))
        return TEST_SKIPPED;
    return cmocka_run_group_tests(tests, setup, NULL);
}
