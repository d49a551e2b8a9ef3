/* Every template makes every file of its table: type, size, records, access rule, short identifier, first content. */
#include "edit.h"

#include "euicc/uicc/fs.h"
#include "lib/profile/template.h"

#define PACKAGE   "TS48_V7.0_eSIM_GTP_SAIP2.3_BERTLV_SUCI.der"
#define OPEN_SIZE 12u /* where the template leaves it open: octets, or of a record */
#define OPEN_FID  0x7FA0u

static struct fs fs;

static bool has_records(const struct template_file *row)
{
    return row->structure == FILE_LINEAR || row->structure == FILE_CYCLIC;
}

static struct span octets(struct arena *a, uint64_t value, size_t len)
{
    uint8_t *out = arena_alloc(a, len);
    for (size_t i = 0; i < len; i++)
        out[len - 1 - i] = (uint8_t)(value >> 8 * i);
    return (struct span){ out, len };
}

static uint32_t record_len(const struct template_file *row) { return row->size ? row->size : OPEN_SIZE; }
static uint32_t size_of(const struct template_file *row)
{
    if (row->structure == FILE_DF)
        return 0;
    return has_records(row) ? (row->records ? row->records : 2u) * record_len(row) : record_len(row);
}

/* As little as the element has to say of the file. */
static struct fcp *fcp_of(struct arena *a, const struct template_file *row, bool is_adf, unsigned number)
{
    struct fcp *f = ARENA_NEW(a, struct fcp);
    f->lcsi = SPAN_LIT("\x05");
    if (row->structure == FILE_DF)
        f->pin_status = SPAN_LIT("\x01\x0A");
    if (is_adf)
        f->df_name = octets(a, 0xA0000000 | number, 5); /* no USIM: it would be one more */
    if (row->fid == TEMPLATE_FID_OPEN)
        f->file_id = octets(a, OPEN_FID, 2);
    if (row->structure != FILE_DF && (row->size == 0 || (has_records(row) && row->records == 0)))
        f->size = octets(a, size_of(row), 2);
    if (has_records(row) && row->size == 0)
        f->descriptor = octets(a, (row->structure == FILE_LINEAR ? 0x42210000u : 0x46210000u) | OPEN_SIZE, 4);
    return f;
}

static void file_of(struct arena *a, const struct fs_template *t, const struct template_file *row, struct pe_file *ret)
{
    bool is_adf = row->structure == FILE_DF && row->fid == TEMPLATE_FID_OPEN && t->kind != PE_EAP;
    struct file_item *item = ARENA_NEW(a, struct file_item);
    *item = (struct file_item){ .fcp = fcp_of(a, row, is_adf, t->number), .offset = DER_ABSENT };
    *ret = (struct pe_file){ .tag = pe_member_tag(row->member) };
    ret->items.items = item;
    ret->items.count = 1;
}

/* The element that names every file of this version of the template. */
static struct profile_element element_of(struct arena *a, const struct fs_template *t)
{
    struct pe_filesystem *pe = ARENA_NEW(a, struct pe_filesystem);
    uint8_t oid[TEMPLATE_OID_MAX];
    pe->header = (struct pe_header){ .mandated = true, .identification = 900 };
    pe->template_id = arena_copy(a, template_oid(t, oid));
    pe->files.items = ARENA_ARRAY(a, struct pe_file, t->count);
    for (size_t i = 0; i < t->count; i++)
        if (t->version >= t->files[i].from && t->version <= t->files[i].to)
            file_of(a, t, &t->files[i], &pe->files.items[pe->files.count++]);
    return (struct profile_element){ .kind = t->kind, .as.files = pe };
}

/* Applications, and the PINs of what is there: those of the MF come first, then those of a DF that goes. */
static bool is_base(const struct edited *e, size_t at, const struct fs_template *t)
{
    switch (e->elements[at].kind) {
    case PE_HEADER:
    case PE_PUK_CODES:
    case PE_USIM:
    case PE_ISIM:
    case PE_CSIM:
    case PE_SECURITY_DOMAIN:
    case PE_END:
        return true;
    case PE_MF:
        return t->kind != PE_MF;
    case PE_PIN_CODES:
        return e->elements[at - 1].kind != PE_PIN_CODES;
    default:
        return false;
    }
}

/* The package with its applications only, and this element before its security domain. */
static struct rig *install_with(struct edited *e, const struct fs_template *t)
{
    struct span response;
    struct rig *r = rig_new(0);
    for (size_t i = 0; i < e->count;)
        if (is_base(e, i, t))
            i++;
        else
            edit_drop(e, i);
    size_t at = t->kind == PE_MF ? 1 : edit_first_of(e, PE_SECURITY_DOMAIN);
    edit_insert_raw(e, at, SPAN_NONE);
    e->elements[at] = element_of(&e->a, t);
    if (rig_install(r, edit_encoded(e), 0, &response) != INSTALL_DONE) {
        char text[400];
        fail_msg("template %u.%u: %s", t->number, t->version, hex_text(response, text, sizeof text));
    }
    rig_power_cycle(r);
    assert_ok(fs_mount(&fs, r->card.objects, 1, NULL));
    return r;
}

static uint8_t expected_octet(const struct template_file *row, uint32_t at)
{
    uint32_t unit = has_records(row) ? record_len(row) : size_of(row);
    at %= unit;
    switch (row->fill) {
    case FILL_PATTERN:
        return row->pattern.ptr[at < row->pattern.len ? at : row->pattern.len - 1];
    case FILL_REPEAT:
        return row->pattern.ptr[at % row->pattern.len];
    case FILL_TAIL:
        return at + row->pattern.len >= unit ? row->pattern.ptr[at + row->pattern.len - unit] : 0xFF;
    default:
        return 0xFF;
    }
}

static void check_body(const struct template_file *row, const struct fs_file *f)
{
    uint8_t body[4096];
    assert_true(f->size <= sizeof body);
    assert_ok(fs_read(&fs, f->number, 0, body, f->size));
    for (uint32_t i = 0; i < f->size; i++)
        assert_int_equal(body[i], expected_octet(row, i));
}

static void check_file(const struct fs_template *t, const struct template_file *row, fs_number df)
{
    struct fs_file f;
    fs_number number = row->fid == FID_MF ? FS_MF : fs_child(&fs, df, row->fid ? row->fid : OPEN_FID);
    if (number == FS_NONE)
        fail_msg("template %u.%u: no file %04X", t->number, t->version, row->fid);
    static const enum fs_kind kinds[] = { FS_DF, FS_TRANSPARENT, FS_LINEAR, FS_CYCLIC, FS_BER_TLV };
    assert_ok(fs_stat(&fs, number, &f));
    assert_int_equal(fs_kind(&f), kinds[row->structure]);
    assert_int_equal(f.arr_record, row->arr);
    assert_int_equal(f.size, size_of(row));
    if (row->structure == FILE_DF)
        return;
    assert_int_equal(f.record_len, has_records(row) ? record_len(row) : 0);
    assert_int_equal(f.sfi, row->sfi == TEMPLATE_NO_SFI ? FS_NO_SFI : row->sfi);
    assert_int_equal(f.special, row->high_update ? FS_SPECIAL_HIGH_UPDATE : 0);
    if (row->structure != FILE_BER_TLV)
        check_body(row, &f);
}

/* The DF an element hangs its files under, when it makes none of its own for them. */
static fs_number base_df(const struct fs_template *t)
{
    static const char usim[] = "A0000000871002", isim[] = "A0000000871004", csim[] = "A0000003431002";
    switch (t->kind) {
    case PE_MF:
    case PE_CD:
    case PE_TELECOM:
    case PE_USIM:
    case PE_ISIM:
    case PE_CSIM:
        return FS_MF;
    case PE_OPT_ISIM:
    case PE_EAP: /* the application made last */
        return fs_by_aid(&fs, hex_lit(isim), 0);
    case PE_OPT_CSIM:
        return fs_by_aid(&fs, hex_lit(csim), 0);
    default:
        return fs_by_aid(&fs, hex_lit(usim), 0);
    }
}

static fs_number df_of(const struct fs_template *t, unsigned member)
{
    unsigned df = template_parent(t, member);
    const struct template_file *row = df ? template_file(t, df) : NULL;
    if (!row)
        return base_df(t);
    return row->fid == FID_MF ? FS_MF : fs_child(&fs, df_of(t, df), row->fid ? row->fid : OPEN_FID);
}

static void every_template_makes_its_files(void **state)
{
    (void)state;
    size_t files = 0;
    for (size_t n = 0; template_at(n); n++) {
        const struct fs_template *t = template_at(n);
        if (t->kind == PE_IOT || t->kind == PE_OPT_IOT) /* of another kind of package: test_registry */
            continue;
        struct edited *e = edit_load(PACKAGE);
        struct rig *r = install_with(e, t);
        for (size_t i = 0; i < t->count; i++)
            if (t->version >= t->files[i].from && t->version <= t->files[i].to) {
                check_file(t, &t->files[i], df_of(t, t->files[i].member));
                files++;
            }
        rig_free(r);
        edit_unload(e);
    }
    assert_true(files > 600);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_template_makes_its_files) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
