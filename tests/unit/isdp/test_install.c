/* What the interpreter refuses, and that it then leaves nothing behind. Packages are edited as values and encoded anew.
 */
#include "edit.h"

#define PACKAGE "TS48_V7.0_eSIM_GTP_SAIP2.3_BERTLV_SUCI.der"

/* ---- edits ---- */

static void version_4(struct edited *e) { e->elements[0].as.header->major_version = 4; }
static void wants_multos(struct edited *e) { e->elements[0].as.header->services->has[SERVICE_MULTOS] = true; }
static void wants_contactless(struct edited *e) { e->elements[0].as.header->services->has[SERVICE_CONTACTLESS] = true; }
static void wants_gba(struct edited *e) { e->elements[0].as.header->services->has[SERVICE_GBA_USIM] = true; }
static void wants_unknown_template(struct edited *e)
{
    e->elements[0].as.header->templates.items[0] = SPAN_LIT("\x67\x81\x0F\x01\x02\x13");
}
static void wants_library(struct edited *e)
{
    static struct library_aid library = { { (const uint8_t *)"\xA0\x00\x00\x00\x09\x01", 6 },
                                          { (const uint8_t *)"\x01\x00", 2 } };
    e->elements[0].as.header->libraries.items = &library;
    e->elements[0].as.header->libraries.count = 1;
}
static void pol1_unknown_bit(struct edited *e) { e->elements[0].as.header->pol = SPAN_LIT("\x08"); }
static void header_again(struct edited *e)
{
    struct writer w = wr_arena(&e->a, 512);
    pe_encode(&w, &e->elements[0]);
    edit_insert_raw(e, 3, wr_span(&w));
}
static void no_header(struct edited *e) { edit_drop(e, 0); }
static void no_mf(struct edited *e) { edit_drop(e, 1); }
static void second_mf(struct edited *e)
{
    struct writer w = wr_arena(&e->a, 4096);
    pe_encode(&w, &e->elements[1]);
    edit_insert_raw(e, 5, wr_span(&w));
}
static void aka_before_any_adf(struct edited *e)
{
    struct writer w = wr_arena(&e->a, 512);
    pe_encode(&w, &e->elements[edit_first_of(e, PE_AKA_PARAMETER)]);
    edit_insert_raw(e, 2, wr_span(&w));
}
static void opt_usim_before_usim(struct edited *e)
{
    struct writer w = wr_arena(&e->a, 8192);
    pe_encode(&w, &e->elements[edit_first_of(e, PE_OPT_USIM)]);
    edit_insert_raw(e, 4, wr_span(&w));
}
static void application(struct edited *e)
{
    edit_insert_raw(e, e->count - 1, hex_lit("A8 15 A0 05 80 00 81 01 63 A1 0C 4F 05 A000000001 C4 03 010203"));
}
static void application_not_mandated(struct edited *e)
{
    edit_insert_raw(e, e->count - 1, hex_lit("A8 13 A0 03 81 01 63 A1 0C 4F 05 A000000001 C4 03 010203"));
}
static void application_too_long(struct edited *e)
{
    struct writer w = wr_arena(&e->a, 2 * PE_MAX);
    size_t mark = wr_tlv_open(&w, 0xA8);
    wr_bytes(&w, hex_lit("A0 05 80 00 81 01 63"));
    size_t inner = wr_tlv_open(&w, 0xA1);
    wr_bytes(&w, hex_lit("4F05A000000001"));
    size_t block = wr_tlv_open(&w, 0xC4);
    wr_fill(&w, 0xCA, PE_MAX);
    wr_tlv_close(&w, block);
    wr_tlv_close(&w, inner);
    wr_tlv_close(&w, mark);
    edit_insert_raw(e, e->count - 1, wr_span(&w));
}
static void file_too_long(struct edited *e)
{
    struct writer w = wr_arena(&e->a, 2 * PE_MAX);
    size_t mark = wr_tlv_open(&w, 0xA9);
    wr_bytes(&w, hex_lit("A0 05 80 00 81 01 63"));
    wr_fill(&w, 0x00, PE_MAX);
    wr_tlv_close(&w, mark);
    edit_insert_raw(e, e->count - 1, wr_span(&w));
}
static void unknown_mandated(struct edited *e) { edit_insert_raw(e, 4, hex_lit("BF7B 07 A0 05 80 00 81 01 64")); }
static void non_standard_mandated(struct edited *e)
{
    edit_insert_raw(e, 4, hex_lit("A9 0E A0 05 80 00 81 01 64 81 02 2A03 82 01 00"));
}
static void not_an_element(struct edited *e) { edit_insert_raw(e, 4, hex_lit("30 03 02 01 00")); }
static void broken_length(struct edited *e) { edit_insert_raw(e, 4, hex_lit("B2 80 00 00")); }
static void broken_inside(struct edited *e)
{
    edit_insert_raw(e, 4, hex_lit("A2 0B A0 05 80 00 81 01 65 A1 44 A0 00"));
}
static void pin_reference_of_none(struct edited *e)
{
    e->elements[edit_first_of(e, PE_PIN_CODES)].as.pins->codes->pins.items[0].key_reference = 0x09;
}
static void pins_of_mf_missing(struct edited *e) { edit_drop(e, edit_first_of(e, PE_PIN_CODES)); }
static void local_pin_missing(struct edited *e)
{
    for (size_t i = e->count; i-- > 5;)
        if (e->elements[i].kind == PE_PIN_CODES)
            edit_drop(e, i);
}
static void content_too_long(struct edited *e)
{
    struct pe_file *imsi = edit_member(e, PE_USIM, "ef-imsi");
    imsi->items.items[imsi->items.count - 1].content = hex_lit("0809101010325476980000");
}
static void file_twice(struct edited *e)
{
    edit_member(e, PE_USIM, "ef-acc")->items.items[0].fcp->file_id = hex_lit("6F07");
}
static void terminated_from_the_start(struct edited *e)
{
    edit_member(e, PE_USIM, "ef-acc")->items.items[0].fcp->lcsi = SPAN_LIT("\x0C");
}
static void link_to_nothing(struct edited *e)
{
    struct pe_file *fdn = edit_member(e, PE_OPT_CSIM, "ef-fdn");
    fdn->items.items[0].fcp->link_path = hex_lit("7FD06FFF");
}
static void template_of_another(struct edited *e)
{
    e->elements[edit_first_of(e, PE_USIM)].as.files->template_id = SPAN_LIT("\x67\x81\x0F\x01\x02\x05");
}
static void path_to_nothing(struct edited *e)
{
    e->elements[edit_first_of(e, PE_GENERIC_FILE_MANAGEMENT)].as.gfm->commands.items[0].list.items[0].path =
        hex_lit("7F107F11");
}
static void key_too_short(struct edited *e)
{
    e->elements[edit_first_of(e, PE_AKA_PARAMETER)].as.aka->configuration->algo->key =
        hex_lit("000102030405060708090A0B0C0D0E");
}
static void sqn_too_big(struct edited *e)
{
    e->elements[edit_first_of(e, PE_AKA_PARAMETER)].as.aka->sqn_delta = hex_lit("080000000000");
}
static void rfm_of_nothing(struct edited *e)
{
    e->elements[edit_first_of(e, PE_RFM) + 1].as.rfm->adf->aid = hex_lit("A000000087100299");
}
static void two_rfms_of_one_aid(struct edited *e)
{
    size_t first = edit_first_of(e, PE_RFM);
    e->elements[first + 1].as.rfm->instance_aid = e->elements[first].as.rfm->instance_aid;
}
static void rfm_with_the_aid_of_the_sd(struct edited *e)
{
    e->elements[edit_first_of(e, PE_RFM)].as.rfm->instance_aid = hex_lit("A000000151000000");
}
static void rfm_with_the_aid_of_an_adf(struct edited *e)
{
    e->elements[edit_first_of(e, PE_RFM)].as.rfm->instance_aid = hex_lit("A0000000871002FF49FF0589");
}
static void rfm_before_sd(struct edited *e) { edit_drop(e, edit_first_of(e, PE_SECURITY_DOMAIN)); }
static void behind_the_end(struct edited *e) { edit_insert_raw(e, e->count, hex_lit("AA 07 A0 05 80 00 81 01 66")); }
/* An MF made by hand, with no file in it that the interpreter insists on. */
static void no_iccid(struct edited *e)
{
    while (e->count > 4)
        edit_drop(e, 3);
    e->raw[1] = hex_lit("A1 1E A0 05 80 00 81 01 04 A1 15 30 13 62 11 82 02 7821 83 02 3F00 8B 03 2F0601 C6 02 010A");
    e->raw[2] = hex_lit("A2 2C A0 05 80 00 81 01 05 A1 23 A0 21 30 0D 80 01 01 81 08 3131313131313131"
                        " 30 10 80 01 0A 81 08 3131313131313131 83 01 03");
}

static const struct refusal {
    const char *name;
    void (*edit)(struct edited *);
    uint32_t status, identification;
} refusals[] = {
    { "unknown major version", version_4, 31, DER_ABSENT },
    { "MULTOS", wants_multos, 7, DER_ABSENT },
    { "contactless", wants_contactless, 10, DER_ABSENT },
    { "GBA", wants_gba, 10, DER_ABSENT },
    { "template that is not there", wants_unknown_template, 9, DER_ABSENT },
    { "library that is not there", wants_library, 8, DER_ABSENT },
    { "POL1 with an unknown bit", pol1_unknown_bit, 3, DER_ABSENT },
    { "header in the middle", header_again, 5, DER_ABSENT },
    { "no header", no_header, 5, 4 },
    { "no MF", no_mf, 5, 5 },
    { "second MF", second_mf, 5, 4 },
    { "keys before any ADF", aka_before_any_adf, 5, 11 },
    { "OPT-USIM before USIM", opt_usim_before_usim, 5, 9 },
    { "application", application, 7, 99 },
    { "application, not mandated", application_not_mandated, 7, 99 },
    { "application over the limit", application_too_long, 7, 99 },
    { "element over the limit", file_too_long, 4, 99 },
    { "unknown element, mandated", unknown_mandated, 1, 100 },
    { "non-standard element, mandated", non_standard_mandated, 1, 100 },
    { "not an element", not_an_element, 5, DER_ABSENT },
    { "indefinite length", broken_length, 5, DER_ABSENT },
    { "broken inside", broken_inside, 5, 101 },
    { "PIN of no reference", pin_reference_of_none, 3, 2 },
    { "PINs of the MF missing", pins_of_mf_missing, 11, 4 },
    { "local PIN missing everywhere", local_pin_missing, 11, 7 },
    { "content too long", content_too_long, 3, 8 },
    { "file twice", file_twice, 3, 8 },
    { "file in a terminated state", terminated_from_the_start, 3, 8 },
    { "link to nothing", link_to_nothing, 3, 16 },
    { "template of another element", template_of_another, 9, 8 },
    { "path to nothing", path_to_nothing, 3, 23 },
    { "key too short", key_too_short, 5, 11 },
    { "sequence number too big", sqn_too_big, 3, 11 },
    { "RFM of an ADF that is not there", rfm_of_nothing, 3, 28 },
    { "two RFM instances of one AID", two_rfms_of_one_aid, 3, 28 },
    { "RFM with the AID of the security domain", rfm_with_the_aid_of_the_sd, 3, 27 },
    { "RFM with the AID of an ADF", rfm_with_the_aid_of_an_adf, 3, 27 },
    { "RFM before any security domain", rfm_before_sd, 5, 27 },
    { "octets behind the End", behind_the_end, 5, 31 },
    { "no EF.ICCID", no_iccid, 3, 31 },
};

/* ---- checks ---- */

static struct euicc_response response_of(struct arena *a, struct span octets)
{
    struct euicc_response response;
    assert_ok(euicc_response_decode(a, octets, &response));
    return response;
}

static void assert_untouched(struct rig *r, size_t used)
{
    rig_power_cycle(r);
    assert_int_equal(r->isdp->state, ISDP_PERSONALIZED);
    assert_false(r->isdp->has_iccid);
    assert_int_equal(objects_used_by(r->card.objects, (uint8_t)r->isdp->slot), used);
}

static void is_refused_and_leaves_nothing(void **state)
{
    const struct refusal *want = *state;
    struct edited *e = edit_load(PACKAGE);
    struct rig *r = rig_new(0);
    struct span octets, whole = profile_bytes(PACKAGE);
    size_t used = objects_used_by(r->card.objects, (uint8_t)r->isdp->slot);

    want->edit(e);
    assert_int_equal(rig_install(r, edit_encoded(e), 700, &octets), INSTALL_FAILED);
    struct euicc_response response = response_of(&e->a, octets);
    assert_true(response.aborted);
    assert_false(euicc_response_ok(&response));
    const struct pe_status *last = &response.statuses.items[response.statuses.count - 1];
    if (want->status) {
        assert_int_equal(last->status, want->status);
        assert_int_equal(last->identification, want->identification);
    }
    assert_untouched(r, used);
    assert_int_equal(rig_install(r, whole, 1000, &octets), INSTALL_DONE); /* and the next try is as good as the first */
    rig_free(r);
    edit_unload(e);
}

/* ---- elements that need not be there are left out, and told ---- */

static void not_mandated_is_left_out(void **state)
{
    (void)state;
    struct edited *e = edit_load(PACKAGE);
    struct rig *r = rig_new(0);
    struct span octets;
    static struct fs fs;

    edit_insert_raw(e, 4, hex_lit("BF7B 05 A0 03 81 01 64"));
    e->elements[edit_first_of(e, PE_GENERIC_FILE_MANAGEMENT)].as.gfm->header.mandated = false;
    struct pe_generic_file_management *gfm = e->elements[edit_first_of(e, PE_GENERIC_FILE_MANAGEMENT)].as.gfm;
    gfm->commands.items[0].list.items[gfm->commands.items[0].list.count - 1].path = hex_lit("7F107F11");
    gfm->commands.items[0].list.items[gfm->commands.items[0].list.count - 1].create = NULL;
    gfm->commands.items[0].list.items[gfm->commands.items[0].list.count - 1].content = SPAN_NONE;
    for (size_t i = 0; i < e->count; i++) /* what builds on its files goes, too */
        if (e->elements[i].kind == PE_GENERIC_FILE_MANAGEMENT && e->elements[i].as.gfm != gfm && !e->raw[i].ptr)
            edit_drop(e, i--);
    assert_int_equal(rig_install(r, edit_encoded(e), 333, &octets), INSTALL_DONE);
    struct euicc_response response = response_of(&e->a, octets);
    assert_false(response.aborted);
    assert_int_equal(response.statuses.count, 2);
    assert_int_equal(response.statuses.items[0].status, PE_STATUS_PE_NOT_SUPPORTED);
    assert_int_equal(response.statuses.items[0].identification, 100);
    assert_int_equal(response.statuses.items[1].status, PE_STATUS_BAD_VALUES);
    assert_int_equal(response.statuses.items[1].identification, 23);
    assert_ok(fs_mount(&fs, r->card.objects, (uint8_t)r->isdp->slot, NULL));
    assert_int_equal(fs_child(&fs, FS_MF, 0x2FFB), FS_NONE); /* its first file, made before the fault, is gone */
    rig_free(r);
    edit_unload(e);
}

/* ---- cuts ---- */

static void feed_part(struct rig *r, struct span part)
{
    struct span octets;
    assert_int_equal(rig_install(r, part, 1007, &octets), INSTALL_MORE);
    assert_int_equal(octets.len, 0);
}

static void truncated_packages_leave_nothing(void **state)
{
    (void)state;
    struct span package = profile_bytes(PACKAGE), octets;
    struct rig *r = rig_new(0);
    size_t used = objects_used_by(r->card.objects, (uint8_t)r->isdp->slot);
    uint64_t written = r->nvm.written;
    struct package_reader p;
    struct package_element e;
    struct reader segment = rd_of(package);

    package_init(&p, NULL, 0);
    while (package_next(&p, &segment, &e)) {
        feed_part(r, span_sub(package, 0, e.offset));
        feed_part(r, span_sub(package, 0, e.offset + 1));
        feed_part(r, span_sub(package, 0, e.offset + e.raw.len / 2));
        feed_part(r, span_sub(package, 0, e.offset + e.raw.len - 1));
    }
    assert_int_equal(r->nvm.written, written); /* nothing reached the memory at all */
    assert_untouched(r, used);
    assert_int_equal(rig_install(r, package, 0, &octets), INSTALL_DONE);
    rig_free(r);
}

static void segments_may_be_cut_anywhere(void **state)
{
    (void)state;
    static const size_t sizes[] = { 1, 2, 3, 7, 64, 255, 1007, 1024, 5000 };
    struct span package = profile_bytes(PACKAGE), octets;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct rig *r = rig_new(0);
        assert_int_equal(rig_install(r, package, sizes[i], &octets), INSTALL_DONE);
        assert_span_equal(octets, hex_lit("3007A0053003800100"));
        rig_free(r);
    }
}

static void power_may_fail_anywhere(void **state)
{
    (void)state;
    struct span package = profile_bytes(PACKAGE), octets;
    struct rig *r = rig_new(0);
    size_t used = objects_used_by(r->card.objects, (uint8_t)r->isdp->slot);
    uint64_t before = r->nvm.written;
    assert_int_equal(rig_install(r, package, 0, &octets), INSTALL_DONE);
    uint64_t total = r->nvm.written - before;
    rig_free(r);

    for (uint64_t cut = 0; cut <= total; cut += total / 40 + 1) {
        r = rig_new(0);
        nvm_memory_cut_after(&r->nvm, cut);
        enum install_result result = rig_install(r, package, 1000, &octets);
        rig_power_cycle(r);
        if (result == INSTALL_DONE) {
            assert_int_equal(r->isdp->state, ISDP_DISABLED);
        } else {
            assert_int_equal(result, INSTALL_FAILED);
            assert_untouched(r, used);
        }
        rig_free(r);
    }
}

/* ---- room ---- */

/* An octet less than the profile takes, and nothing of it is there; exactly that, and it is. */
static void the_quota_is_exact(void **state)
{
    (void)state;
    struct span package = profile_bytes(PACKAGE), octets;
    struct rig *r = rig_new(0);
    struct arena a;
    arena_init(&a, 4096);
    assert_int_equal(rig_install(r, package, 1000, &octets), INSTALL_DONE);
    uint32_t needed = isdp_used(&r->card, r->isdp);
    assert_int_equal(r->isdp->used, needed);
    rig_free(r);
    r = rig_new(needed - 1);
    uint32_t used = isdp_used(&r->card, r->isdp), left = registry_free(&r->card);
    assert_int_equal(rig_install(r, package, 1000, &octets), INSTALL_FAILED);
    assert_int_equal(response_of(&a, octets).statuses.items[0].status, PE_STATUS_NOT_ENOUGH_MEMORY);
    assert_int_equal(isdp_used(&r->card, r->isdp), used);
    assert_int_equal(registry_free(&r->card), left);
    rig_free(r);
    r = rig_new(needed);
    assert_int_equal(rig_install(r, package, 1000, &octets), INSTALL_DONE);
    assert_int_equal(isdp_left(&r->card, r->isdp), 0);
    rig_free(r);
    arena_release(&a);
}

/* An ISD-P without a quota may take what is free, not what somebody else was granted. */
static void what_is_granted_to_another_is_not_taken(void **state)
{
    (void)state;
    struct span package = profile_bytes(PACKAGE), octets;
    struct aid aid = aid_isdp(0x33);
    for (unsigned spare = 0; spare < 2; spare++) {
        struct rig *r = rig_new(0);
        struct isdp *other;
        assert_int_equal(rig_install(r, package, 1000, &octets), INSTALL_DONE);
        uint32_t needed = isdp_used(&r->card, r->isdp);
        rig_free(r);
        r = rig_new(0);
        uint32_t grows = needed - isdp_used(&r->card, r->isdp), room = registry_free(&r->card);
        assert_ok(registry_create(&r->card, aid_span(&aid), room - grows + 1 - spare, &other));
        assert_int_equal(registry_free(&r->card), grows - 1 + spare);
        assert_int_equal(rig_install(r, package, 1000, &octets), spare ? INSTALL_DONE : INSTALL_FAILED);
        assert_int_equal(registry_free(&r->card), spare ? 0 : grows - 1);
        assert_int_equal(isdp_left(&r->card, other), room - grows + 1 - spare - isdp_used(&r->card, other));
        rig_free(r);
    }
}

static void quota_holds(void **state)
{
    (void)state;
    struct span package = profile_bytes(PACKAGE), octets;
    struct rig *r = rig_new(8000);
    struct arena a;
    arena_init(&a, 4096);
    assert_int_equal(rig_install(r, package, 1000, &octets), INSTALL_FAILED);
    assert_int_equal(response_of(&a, octets).statuses.items[0].status, PE_STATUS_NOT_ENOUGH_MEMORY);
    assert_int_equal(r->isdp->state, ISDP_PERSONALIZED);
    rig_free(r);
    r = rig_new(200000);
    assert_int_equal(rig_install(r, package, 1000, &octets), INSTALL_DONE);
    assert_true(r->isdp->used > 10000 && r->isdp->used <= 200000);
    arena_release(&a);
    rig_free(r);
}

static void costs_one_commit(void **state)
{
    (void)state;
    struct span package = profile_bytes(PACKAGE), octets;
    struct rig *r = rig_new(0);
    uint32_t syncs = r->nvm.syncs;
    uint64_t written = r->nvm.written;
    assert_int_equal(rig_install(r, package, 1000, &octets), INSTALL_DONE);
    assert_int_equal(r->nvm.syncs - syncs, 1);
    assert_true(r->nvm.written - written <= 64 * 1024);
    rig_free(r);
}

static void after_the_end_nothing_goes(void **state)
{
    (void)state;
    struct span package = profile_bytes(PACKAGE), octets;
    struct rig *r = rig_new(0);
    assert_int_equal(rig_install(r, package, 1000, &octets), INSTALL_DONE);
    assert_int_equal(rig_install(r, package, 1000, &octets), INSTALL_FAILED); /* there is a profile already */
    assert_int_equal(r->isdp->state, ISDP_DISABLED);
    rig_free(r);
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(not_mandated_is_left_out),
        cmocka_unit_test(truncated_packages_leave_nothing),
        cmocka_unit_test(segments_may_be_cut_anywhere),
        cmocka_unit_test(power_may_fail_anywhere),
        cmocka_unit_test(quota_holds),
        cmocka_unit_test(the_quota_is_exact),
        cmocka_unit_test(what_is_granted_to_another_is_not_taken),
        cmocka_unit_test(costs_one_commit),
        cmocka_unit_test(after_the_end_nothing_goes),
    };
    if (!shared_path("data/profiles/" PACKAGE))
        return TEST_SKIPPED;
    struct CMUnitTest tests[ARRAY_LEN(refusals)];
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        tests[i] = (struct CMUnitTest){ refusals[i].name, is_refused_and_leaves_nothing, NULL, NULL,
                                        (void *)(uintptr_t)&refusals[i] };
    int failed = _cmocka_run_group_tests("refusals", tests, ARRAY_LEN(refusals), NULL, NULL);
    return failed + cmocka_run_group_tests(others, NULL, NULL);
}
