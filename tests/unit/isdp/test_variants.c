/* What packages may say in more than one way: mapped keys, shared PINs, links, patterns, files filled later, templates
 * of newer versions, algorithms. */
#include "edit.h"

#include "euicc/isdp/applications.h"
#include "euicc/uicc/naa.h"
#include "euicc/uicc/pin.h"
#include "lib/profile/build.h"
#include "lib/profile/template.h"

#define PACKAGE "TS48_V7.0_eSIM_GTP_SAIP2.3_BERTLV_SUCI.der"
#define USIM    "A0000000871002"
#define ISIM    "A0000000871004"
#define CSIM    "A0000003431002"

static struct fs fs;

/* Installs the edited package and mounts what it made. */
static struct rig *installed(struct edited *e)
{
    struct rig *r = rig_new(0);
    struct span octets;
    enum install_result result = rig_install(r, edit_encoded(e), 777, &octets);
    if (result != INSTALL_DONE) {
        char text[512];
        fail_msg("%s", hex_text(octets, text, sizeof text));
    }
    rig_power_cycle(r);
    assert_ok(fs_mount(&fs, r->card.objects, 1, NULL));
    return r;
}

static fs_number adf(const char *aid) { return fs_by_aid(&fs, hex_lit(aid), 0); }

static struct span body_of(fs_number file, size_t len)
{
    static uint8_t body[4096];
    assert_int_not_equal(file, FS_NONE);
    assert_ok(fs_read(&fs, file, 0, body, len));
    return (struct span){ body, len };
}

/* ---- keys ---- */

static struct pe_aka *aka_number(struct edited *e, size_t nth)
{
    for (size_t i = 0; i < e->count; i++)
        if (e->elements[i].kind == PE_AKA_PARAMETER && nth-- == 0)
            return e->elements[i].as.aka;
    fail_msg("no such akaParameter");
    return NULL;
}

static void isim_uses_the_keys_of_the_usim(void **state)
{
    (void)state;
    struct edited *e = edit_load(PACKAGE);
    struct aka_mapping mapping = { SPAN_LIT("\x06"), hex_lit("A0000000871002FF49FF0589") };
    struct naa naa;
    aka_number(e, 1)->configuration->algo = NULL;
    aka_number(e, 1)->configuration->mapping = &mapping;
    struct rig *r = installed(e);
    assert_ok(naa_get(r->card.objects, 1, adf(ISIM), &naa));
    assert_int_equal(naa.mapped_to, adf(USIM));
    assert_ok(naa_get(r->card.objects, 1, adf(USIM), &naa));
    assert_int_equal(naa.mapped_to, FS_NONE);
    assert_int_equal(naa.algorithm, ALGORITHM_TEST);
    assert_int_equal(naa.res_len, 16);
    rig_free(r);

    struct span octets;
    mapping.source = hex_lit("A000000087100299");
    r = rig_new(0);
    assert_int_equal(rig_install(r, edit_encoded(e), 0, &octets), INSTALL_FAILED);
    rig_free(r);
    edit_unload(e);
}

static void milenage_with_everything_stated(void **state)
{
    (void)state;
    struct edited *e = edit_load(PACKAGE);
    struct pe_aka *aka = aka_number(e, 0);
    struct aka_algo *a = aka->configuration->algo;
    struct span sqn[SQN_INIT_COUNT];
    struct naa naa;
    struct span constants = hex_lit("00000000000000000000000000000007 00000000000000000000000000000001"
                                    "00000000000000000000000000000002 00000000000000000000000000000004"
                                    "00000000000000000000000000000008");
    for (size_t i = 0; i < SQN_INIT_COUNT; i++)
        sqn[i] = hex_lit("07FFFFFFFFFE");
    e->elements[0].as.header->services->has[SERVICE_MILENAGE] = true;
    a->algorithm = ALGORITHM_MILENAGE;
    a->opc = hex_lit("0102030405060708090A0B0C0D0E0F00");
    a->rotations = hex_lit("4000204061");
    a->constants = constants;
    a->auth_count_max = hex_lit("010203");
    aka->sqn_options = hex_lit("03");
    aka->sqn_delta = hex_lit("000000000010");
    aka->sqn_age_limit = hex_lit("000000000020");
    aka->sqn_init.items = sqn;
    aka->sqn_init.count = SQN_INIT_COUNT;
    struct rig *r = installed(e);
    assert_ok(naa_get(r->card.objects, 1, adf(USIM), &naa));
    assert_int_equal(naa.algorithm, ALGORITHM_MILENAGE);
    assert_span_equal(SPAN_OF(naa.opc), hex_lit("0102030405060708090A0B0C0D0E0F0000000000000000000000000000000000"));
    assert_span_equal(SPAN_OF(naa.r), hex_lit("4000204061"));
    assert_int_equal(naa.c[0][15], 7);
    assert_int_equal(naa.uses_max, 0x010203);
    assert_int_equal(naa.sqn_options, 3);
    assert_int_equal(naa.sqn_delta, 0x10);
    assert_int_equal(naa.sqn_age_limit, 0x20);
    rig_free(r);
    edit_unload(e);
}

static void tuak_with_a_long_key(void **state)
{
    (void)state;
    struct edited *e = edit_load(PACKAGE);
    struct aka_algo *a = aka_number(e, 0)->configuration->algo;
    struct naa naa;
    a->algorithm = ALGORITHM_TUAK;
    a->key = hex_lit("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F");
    a->opc = a->key;
    a->options = hex_lit("01");
    a->keccak_count = 2;
    struct rig *r = installed(e);
    assert_ok(naa_get(r->card.objects, 1, adf(USIM), &naa));
    assert_int_equal(naa.k_len, 32);
    assert_int_equal(naa.opc_len, 32);
    assert_int_equal(naa.keccak_iterations, 2);
    assert_int_equal(naa.res_len, 8);
    rig_free(r);

    struct span octets;
    a->options = hex_lit("10"); /* CK of 256 bits */
    r = rig_new(0);
    assert_int_equal(rig_install(r, edit_encoded(e), 0, &octets), INSTALL_FAILED);
    assert_span_equal(octets, hex_lit("300CA008300680010A81010B8100"));
    rig_free(r);
    edit_unload(e);
}

static void cdma_parameters_are_kept(void **state)
{
    (void)state;
    struct edited *e = edit_load(PACKAGE);
    struct rig *r = installed(e);
    uint8_t kept[OBJECT_SECRET_MAX];
    size_t len = 0;
    assert_ok(
        objects_read_secret(r->card.objects, OBJECT_KEY(1, OBJ_MNOSD, APP_CDMA(adf(CSIM))), kept, sizeof kept, &len));
    struct span key;
    assert_true(tlv_find((struct span){ kept, len }, 0x81, &key));
    assert_span_equal(key, hex_lit("00000000FFFFFFFF"));
    rig_free(r);
    edit_unload(e);
}

/* An RSA key of two components does not stop a profile. */
static void keys_of_other_kinds_are_kept(void **state)
{
    (void)state;
    struct edited *e = edit_load(PACKAGE);
    struct pe_security_domain *sd = e->elements[edit_first_of(e, PE_SECURITY_DOMAIN)].as.sd;
    struct key_component rsa[2] = { { SPAN_LIT("\xA1"), SPAN_OF(((const uint8_t[128]){ 0xC1 })), 8 },
                                    { SPAN_LIT("\xA0"), SPAN_LIT("\x01\x00\x01"), 8 } };
    struct key_object keys[7];
    assert_int_equal(sd->keys.count, 6);
    memcpy(keys, sd->keys.items, sizeof keys - sizeof keys[0]);
    keys[6] = keys[0];
    keys[6].version = SPAN_LIT("\x73");
    keys[6].components.items = rsa;
    keys[6].components.count = 2;
    sd->keys.items = keys;
    sd->keys.count = 7;
    struct rig *r = installed(e);
    uint8_t kept[OBJECT_SECRET_MAX];
    size_t len = 0;
    assert_ok(
        objects_read_secret(r->card.objects, OBJECT_KEY(1, OBJ_MNOSD, APP_OTHER_KEY(0, 0)), kept, sizeof kept, &len));
    struct span version;
    assert_true(tlv_find((struct span){ kept, len }, 0x83, &version));
    assert_span_equal(version, hex_lit("73"));
    rig_free(r);
    edit_unload(e);
}

/* ---- PINs ---- */

static void pins_of_the_package_are_there(void **state)
{
    (void)state;
    struct edited *e = edit_load(PACKAGE);
    struct rig *r = installed(e);
    struct pin pin;
    struct puk puk;
    assert_ok(pin_get(r->card.objects, 1, FS_MF, 0x01, &pin));
    assert_span_equal(SPAN_OF(pin.value), hex_lit("30303030FFFFFFFF"));
    assert_int_equal(pin.attributes, 6);
    assert_int_equal(pin.puk, 1);
    assert_int_equal(pin.tries_max, 3);
    assert_ok(pin_get(r->card.objects, 1, FS_MF, 0x0A, &pin));
    assert_int_equal(pin.tries_left, 10);
    assert_int_equal(pin.puk, PIN_NO_UNBLOCK);
    assert_ok(puk_get(r->card.objects, 1, 0x81, &puk));
    assert_span_equal(SPAN_OF(puk.value), hex_lit("3232323232323232"));
    assert_int_equal(pin_context(&fs, adf(USIM), 0x81), adf(USIM));
    rig_free(r);
    edit_unload(e);
}

static void pins_may_be_shared(void **state)
{
    (void)state;
    struct edited *e = edit_load(PACKAGE);
    size_t csim_pins = edit_first_of(e, PE_OPT_CSIM) + 1;
    struct pin_codes shared = { .same_as = hex_lit("7FD0") };
    e->elements[csim_pins].as.pins->codes = &shared;
    struct rig *r = installed(e);
    assert_int_equal(pin_context(&fs, adf(CSIM), 0x81), adf(USIM));
    rig_free(r);

    struct span octets;
    shared.same_as = hex_lit("7FD06F07"); /* a file is no place for PINs */
    r = rig_new(0);
    assert_int_equal(rig_install(r, edit_encoded(e), 0, &octets), INSTALL_FAILED);
    rig_free(r);
    edit_unload(e);
}

/* ---- files ---- */

static void a_file_may_be_filled_by_a_later_element(void **state)
{
    (void)state;
    struct edited *e = edit_load(PACKAGE);
    /* GenericFileManagement: path 7FD0/6F46 (EF.SPN), skip 2, "AB" */
    edit_insert_raw(e, edit_first_of(e, PE_SECURITY_DOMAIN),
                    hex_lit("A1 18 A0 05 80 00 81 01 63 A1 0F 30 0D 80 04 7FD06F46 02 01 02 81 02 4142"));
    struct rig *r = installed(e);
    struct span spn = body_of(fs_child(&fs, adf(USIM), 0x6F46), 17);
    assert_span_equal(span_sub(spn, 2, 2), SPAN_LIT("AB"));
    assert_int_not_equal(spn.ptr[0], 0x41);
    rig_free(r);
    edit_unload(e);
}

/* The same in an element that then fails and need not be there: the file is as it was. */
static void a_later_element_that_fails_changes_nothing(void **state)
{
    (void)state;
    struct edited *e = edit_load(PACKAGE);
    struct rig *r = installed(e);
    uint8_t before[17];
    memcpy(before, body_of(fs_child(&fs, adf(USIM), 0x6F46), 17).ptr, 17);
    rig_free(r);
    edit_insert_raw(e, edit_first_of(e, PE_SECURITY_DOMAIN),
                    hex_lit("A1 1C A0 03 81 01 63 A1 15 30 13 80 04 7FD06F46 02 01 02 81 02 4142 80 04 7FD06FAA"));
    r = installed(e);
    assert_span_equal(body_of(fs_child(&fs, adf(USIM), 0x6F46), 17), SPAN_OF(before));
    rig_free(r);
    edit_unload(e);
}

static void a_df_may_be_a_link(void **state)
{
    (void)state;
    struct edited *e = edit_load(PACKAGE);
    e->elements[0].as.header->services->has[SERVICE_DF_LINK] = true;
    /* path 7FD0; DF 5F3A, link to 7F10/5F3A */
    edit_insert_raw(e, edit_first_of(e, PE_SECURITY_DOMAIN),
                    hex_lit("A1 2B A0 05 80 00 81 01 63 A1 22 30 20 80 02 7FD0 62 1A 82 02 7821 83 02 5F3A 8B 03 2F0601"
                            " C6 03 010A0B C7 04 7F105F3A 88 00"));
    struct rig *r = installed(e);
    fs_number phonebook = fs_child(&fs, adf(USIM), 0x5F3A);
    assert_int_not_equal(phonebook, FS_NONE);
    rig_free(r);
    edit_unload(e);
}

static void files_need_not_be_made(void **state)
{
    (void)state;
    struct edited *e = edit_load(PACKAGE);
    struct file_item no = { .do_not_create = true, .offset = DER_ABSENT };
    struct pe_file *keys = edit_member(e, PE_USIM, "ef-keys");
    keys->items.items = &no;
    keys->items.count = 1;
    struct rig *r = installed(e);
    assert_int_equal(fs_child(&fs, adf(USIM), 0x6F08), FS_NONE);
    assert_int_not_equal(fs_child(&fs, adf(USIM), 0x6F09), FS_NONE);
    rig_free(r);

    struct span octets; /* where nothing is made by default it cannot be unmade */
    struct pe_file *li = edit_member(e, PE_OPT_USIM, "ef-li");
    li->items = keys->items;
    r = rig_new(0);
    assert_int_equal(rig_install(r, edit_encoded(e), 0, &octets), INSTALL_FAILED);
    assert_span_equal(octets, hex_lit("300CA00830068001068101098100"));
    rig_free(r);
    edit_unload(e);
}

static void an_empty_member_takes_everything_from_the_template(void **state)
{
    (void)state;
    struct edited *e = edit_load(PACKAGE);
    struct fs_file f;
    edit_member(e, PE_USIM, "ef-loci")->items.count = 0;
    edit_member(e, PE_OPT_USIM, "ef-mmsn")->items.count = 0;
    struct rig *r = installed(e);
    fs_number loci = fs_child(&fs, adf(USIM), 0x6F7E), mmsn = fs_child(&fs, adf(USIM), 0x6FCE);
    assert_span_equal(body_of(loci, 11), hex_lit("FFFFFFFFFFFFFF0000FF01"));
    assert_ok(fs_stat(&fs, loci, &f));
    assert_int_equal(f.sfi, 0x0B);
    assert_int_equal(f.arr_fid, FID_ARR_DF);
    assert_int_equal(f.arr_record, 5);
    assert_int_equal(f.special, FS_SPECIAL_HIGH_UPDATE);
    assert_ok(fs_stat(&fs, mmsn, &f));
    assert_int_equal(f.record_len, 6);
    assert_int_equal(f.size, 60);
    assert_span_equal(body_of(mmsn, 6), hex_lit("000000FFFFFF"));
    rig_free(r);
    edit_unload(e);
}

/* An internal EF is the card's own: kept like any other, and nobody reads it. */
static void internal_files_are_kept(void **state)
{
    (void)state;
    struct edited *e = edit_load(PACKAGE);
    struct fs_file f;
    e->elements[0].as.header->services->has[SERVICE_DNS] = true;
    edit_member(e, PE_USIM, "ef-acc")->items.items[0].fcp->descriptor = hex_lit("4921");
    struct rig *r = installed(e);
    assert_ok(fs_stat(&fs, fs_child(&fs, adf(USIM), 0x6F78), &f));
    assert_int_equal(f.fdb, 0x49);
    assert_true(fs_kind(&f) == FS_TRANSPARENT && fs_is_internal(&f));
    rig_free(r);
    edit_unload(e);
}

static void newer_templates_have_newer_files(void **state)
{
    (void)state;
    struct edited *e = edit_load(PACKAGE);
    struct fs_file f;
    struct pe_file *ust = edit_member(e, PE_USIM, "ef-ust");
    struct fcp *fcp = ust->items.items[0].fcp;
    fcp->size = SPAN_NONE; /* the template's: 14 octets in the first version, 17 in the second */
    e->elements[edit_first_of(e, PE_USIM)].as.files->template_id = SPAN_LIT("\x67\x81\x0F\x01\x02\x04\x02");
    struct rig *r = installed(e);
    assert_ok(fs_stat(&fs, fs_child(&fs, adf(USIM), 0x6F38), &f));
    assert_int_equal(f.size, 17);
    rig_free(r);
    edit_unload(e);
}

/* ---- templates ---- */

static void template_rows_are_in_order_and_found(void **state)
{
    (void)state;
    const struct fs_template *t;
    for (size_t i = 0; (t = template_at(i)) != NULL; i++) {
        uint8_t oid[TEMPLATE_OID_MAX];
        assert_ptr_equal(template_find(template_oid(t, oid)), t);
        for (size_t k = 0; k < t->count; k++) {
            assert_true(k == 0 || t->files[k].member >= t->files[k - 1].member);
            assert_non_null(pe_member_name(t->kind, pe_member_tag(t->files[k].member)));
            unsigned parent = template_parent(t, t->files[k].member);
            assert_true(parent < t->files[k].member);
            const struct template_file *df = parent ? template_file(t, parent) : NULL;
            assert_true(parent == 0 || (df && df->structure == FILE_DF));
            assert_true(t->files[k].structure == FILE_DF || (t->files[k].arr >= 1 && t->files[k].arr <= 14));
        }
    }
    assert_null(template_find(hex_lit("67810F010213")));
    assert_null(template_find(hex_lit("67810F01020401")));
    assert_null(template_find(hex_lit("67810F01020409")));
    assert_null(template_find(hex_lit("67810F0102")));
    assert_null(template_find(SPAN_NONE));
}

/* Templates that have no rows of their own: every member has one, and lies where it should. */
static void iot_templates_borrow_their_rows(void **state)
{
    (void)state;
    static const struct {
        const char *oid, *member;
        uint16_t fid;
        unsigned parent;
    } rows[] = { { "67810F010211", "mf", 0x3F00, 0 },          { "67810F010211", "ef-arr", 0x2F06, 2 },
                 { "67810F010211", "adf-usim", 0, 2 },         { "67810F010211", "ef-arr-usim", 0x6F06, 8 },
                 { "67810F010211", "ef-netpar", 0x6FC4, 8 },   { "67810F010212", "ef-fdn", 0x6F3B, 0 },
                 { "67810F010212", "df-df-5gs", 0x5FC0, 0 },   { "67810F010212", "ef-supi-nai", 0x4F09, 13 },
                 { "67810F010212", "df-df-saip", 0x5FD0, 0 },  { "67810F010212", "ef-suci-calc-info-usim", 0x4F01, 26 } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct fs_template *t = template_find(hex_lit(rows[i].oid));
        assert_non_null(t);
        unsigned member = pe_member_number(pe_member_by_name(t->kind, span_text(rows[i].member)));
        const struct template_file *row = template_file(t, member);
        assert_non_null(row);
        assert_int_equal(row->fid, rows[i].fid);
        assert_int_equal(template_parent(t, member), rows[i].parent);
    }
    for (enum pe_kind kind = PE_IOT; kind <= PE_OPT_IOT; kind++) {
        const struct fs_template *t = template_find(kind == PE_IOT ? hex_lit("67810F010211") : hex_lit("67810F010212"));
        for (unsigned m = 2; pe_member_name(kind, pe_member_tag(m)); m++)
            assert_non_null(template_file(t, m));
    }
}

/* ---- IoT minimal profiles ---- */

static struct span iot_source(const char *more)
{
    static char text[2000];
    snprintf(text, sizeof text,
             "[variables]\niccid = 899997000000009101\nimsi = 999710000000101\nmnc-length = 2\n"
             "[header]\nversion = 3.3\niot-pix = 1002FFFFFFFF8907090000\n%s\n"
             "[akaParameter]\nalgorithm = milenage\nkey = 000102030405060708090A0B0C0D0E0F\n"
             "opc = 000102030405060708090A0B0C0D0E0F\n",
             more);
    return span_text(text);
}

static struct span iot_package(struct arena *a, const char *more)
{
    struct build_fault fault;
    struct span p;
    if (profile_build(iot_source(more), NULL, 0, a, &p, &fault) != ERR_NONE)
        fail_msg("line %u: %s", fault.line, fault.text);
    return p;
}

#define LEAST_IOT "[iot]\nef-imsi = {ef-imsi}\nef-acc = {ef-acc}\n"

static void an_iot_profile_is_completed(void **state)
{
    (void)state;
    struct arena a;
    struct span octets;
    arena_init(&a, BUILD_ARENA_MIN);
    struct rig *r = rig_new(0);
    assert_int_equal(rig_install(r, iot_package(&a, LEAST_IOT "[opt-iot]\nef-sms records=2x176\ndf-df-5gs pins=01\n"
                                                              "ef-5gs3gpploci\n"),
                                 50, &octets),
                     INSTALL_DONE);
    rig_power_cycle(r);
    assert_ok(fs_mount(&fs, r->card.objects, 1, NULL));
    fs_number usim = adf(USIM);
    assert_int_not_equal(usim, FS_NONE);
    assert_span_equal(body_of(fs_by_path(&fs, FS_MF, FS_NONE, hex_lit("2FE2")), 10), hex_lit("989979000000001910F8"));
    assert_span_equal(body_of(fs_by_path(&fs, FS_MF, FS_NONE, hex_lit("2F00")), 26),
                      hex_lit("61184F10A0000000871002FFFFFFFF8907090000500455534 94D"));
    assert_span_equal(body_of(fs_by_path(&fs, usim, usim, hex_lit("6F07")), 9), hex_lit("089999170000001010"));
    assert_span_equal(body_of(fs_by_path(&fs, usim, usim, hex_lit("6F06")), 33 * 14),
                      body_of(fs_by_path(&fs, FS_MF, FS_NONE, hex_lit("2F06")), 33 * 14));
    assert_int_not_equal(fs_by_path(&fs, usim, usim, hex_lit("6F3C")), FS_NONE);
    assert_int_not_equal(fs_by_path(&fs, usim, usim, hex_lit("5FC04F01")), FS_NONE);
    struct pin pin;
    assert_ok(pin_get(r->card.objects, 1, FS_MF, 0x01, &pin));
    assert_false(pin.attributes & PIN_ENABLED);
    rig_free(r);
    arena_release(&a);
}

/* What the element says itself counts. */
static void an_iot_profile_may_say_more(void **state)
{
    (void)state;
    struct arena a;
    struct span octets;
    arena_init(&a, BUILD_ARENA_MIN);
    struct rig *r = rig_new(0);
    assert_int_equal(rig_install(r,
                                 iot_package(&a, "[iot]\nmf pins=01\nef-pl = \"de\"\n"
                                                 "adf-usim aid=A0000000871002FF01 fid=7FD0 pins=01\n"
                                                 "ef-imsi = {ef-imsi}\nef-ust = 0102030405060708090A0B0C0D0E0F1011\n"
                                                 "ef-acc = {ef-acc}\n[pinCodes]\n01 value=4321 attributes=7\n"),
                                 777, &octets),
                     INSTALL_DONE);
    rig_power_cycle(r);
    assert_ok(fs_mount(&fs, r->card.objects, 1, NULL));
    fs_number usim = fs_by_aid(&fs, hex_lit("A0000000871002FF01"), 0);
    assert_int_not_equal(usim, FS_NONE);
    assert_span_equal(body_of(fs_by_path(&fs, FS_MF, FS_NONE, hex_lit("2F05")), 2), hex_lit("6465"));
    assert_span_equal(body_of(fs_by_path(&fs, usim, usim, hex_lit("6F38")), 17),
                      hex_lit("0102030405060708090A0B0C0D0E0F1011"));
    struct pin pin;
    assert_ok(pin_get(r->card.objects, 1, FS_MF, 0x01, &pin));
    assert_true(pin.attributes & PIN_ENABLED);
    rig_free(r);
    arena_release(&a);
}

/* The header says which of the two kinds it is. */
static void iot_and_others_do_not_mix(void **state)
{
    (void)state;
    struct arena a;
    struct span octets;
    arena_init(&a, BUILD_ARENA_MIN);
    struct rig *r = rig_new(0);
    assert_int_equal(rig_install(r, iot_package(&a, "[mf]\nmf pins=01\nef-iccid = {ef-iccid}\n"), 777, &octets),
                     INSTALL_FAILED);
    assert_span_equal(octets, hex_lit("300CA0083006800105810101 8100"));
    rig_free(r);
    r = rig_new(0);
    assert_int_equal(rig_install(r, iot_package(&a, LEAST_IOT LEAST_IOT), 777, &octets), INSTALL_FAILED);
    rig_free(r);
    arena_release(&a);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(iot_templates_borrow_their_rows),
        cmocka_unit_test(an_iot_profile_is_completed),
        cmocka_unit_test(an_iot_profile_may_say_more),
        cmocka_unit_test(iot_and_others_do_not_mix),
        cmocka_unit_test(isim_uses_the_keys_of_the_usim),
        cmocka_unit_test(milenage_with_everything_stated),
        cmocka_unit_test(tuak_with_a_long_key),
        cmocka_unit_test(cdma_parameters_are_kept),
        cmocka_unit_test(keys_of_other_kinds_are_kept),
        cmocka_unit_test(pins_of_the_package_are_there),
        cmocka_unit_test(pins_may_be_shared),
        cmocka_unit_test(a_file_may_be_filled_by_a_later_element),
        cmocka_unit_test(a_later_element_that_fails_changes_nothing),
        cmocka_unit_test(a_df_may_be_a_link),
        cmocka_unit_test(files_need_not_be_made),
        cmocka_unit_test(an_empty_member_takes_everything_from_the_template),
        cmocka_unit_test(internal_files_are_kept),
        cmocka_unit_test(newer_templates_have_newer_files),
        cmocka_unit_test(template_rows_are_in_order_and_found),
    };
    if (!shared_path("data/profiles/" PACKAGE))
        return TEST_SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
