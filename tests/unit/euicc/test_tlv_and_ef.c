/* Objects and files that others recorded (tlv_and_ef.json): the card writes them, or says what they say. Each sample is
 * the work of one row below; a sample without a row, and a row without a sample, fails. */
#include "rig.h"

#include "lib/profile/template.h"

#define SUCI_PACKAGE "TS48_V7.0_eSIM_GTP_SAIP2.3_BERTLV_SUCI.der"

static struct rig rig;

/* ---- objects of a proactive command ---- */

static void is_written(struct span recorded)
{
    struct bip_open tcp = { .transport = 2,
                            .port = 32768,
                            .address = hex_lit("21C0000201"),
                            .network_access_name = hex_lit("036E6161"),
                            .login = hex_lit("0470617373776F7264") };
    struct reader r = rd_of(recorded);
    struct span body, value;
    struct tlv t;
    uint16_t sw;
    rig_make_own(&rig);
    assert_ok(proactive_open_channel(rig_card(&rig), &tcp, NULL, NULL)); /* the first to go */
    rig_exchange(&rig, hex_lit("8010000014 FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"), &sw);
    assert_int_equal(sw >> 8, 0x91);
    struct span command = rig_get(&rig, "8012000000", 0x9000);
    assert_true(ctlv_next(&r, &t));
    assert_true(tlv_find(command, 0xD0, &body) && ctlv_find(body, (uint16_t)t.tag, &value));
    assert_span_equal(value, t.val);
    rig_done(&rig);
}

/* ---- files as people read them ---- */

static const char *wanted_end;
static unsigned lines_with_it;
static void look(void *context, const char *text)
{
    size_t len = strlen(text), end = strlen(wanted_end);
    if (strstr(text, context) && len > end && !strcmp(text + len - end, wanted_end))
        lines_with_it++;
}

/* The file below the ADF (usim) or the MF, with these octets; the tree says what they mean. */
static void is_said(struct span content, bool usim, uint16_t fid, const char *name, const char *end)
{
    rig_make_own(&rig);
    struct fs *fs = &rig_card(&rig)->fs;
    fs_number df = usim ? fs_by_aid(fs, hex_lit(RIG_USIM1), 0) : FS_MF, old = fs_child(fs, df, fid), number;
    struct fs_file f = { .parent = df,
                         .link = FS_NONE,
                         .fid = fid,
                         .fdb = 0x42,
                         .record_len = (uint16_t)content.len,
                         .size = (uint32_t)content.len,
                         .sfi = FS_NO_SFI,
                         .arr_fid = FID_ARR_MF,
                         .arr_record = 1 };
    if (old != FS_NONE)
        assert_ok(fs_delete(fs, old));
    assert_ok(fs_create(fs, &f, content, &number));
    wanted_end = end;
    lines_with_it = 0;
    euicc_print_files(rig.card, look, (void *)(uintptr_t)name);
    assert_int_equal(lines_with_it, 1);
    rig_done(&rig);
}

static void label(struct span content) { is_said(content, false, 0x2F00, "EF.DIR", "= \"ISim1\""); }
static void second_label(struct span content) { is_said(content, false, 0x2F00, "EF.DIR", "= \"USim1\""); }
static void emergency(struct span content) { is_said(content, true, 0x6FB7, "EF.ECC", "= 911"); }
static void location(struct span content) { is_said(content, true, 0x6F7E, "EF.LOCI", "= 262-01 LAC 3721"); }

/* What a fresh EF.START-HFN has. */
static void fresh_start(struct span content)
{
    const struct fs_template *usim = template_find(hex_lit("67810F010204"));
    const struct template_file *row = NULL;
    for (unsigned member = 2; !row || row->fid != 0x6F5B; member++)
        assert_non_null(row = template_file(usim, member));
    assert_span_equal(row->pattern, content);
}

/* The first scheme is profile A with the first key, whose identifier is 0A. */
static void keys_for_suci(struct span content)
{
    static const uint8_t path[] = { 0x5F, 0xD0, 0x4F, 0x01 };
    rig_make(&rig, SUCI_PACKAGE);
    (void)rig_get(&rig, "00A4040C07A0000000871002", 0x9000);
    struct card *card = rig_card(&rig);
    card->verified[card->verified_count++] = (struct verified_pin){ FS_MF, 0x01 };
    fs_number adf = fs_by_aid(&card->fs, hex_lit("A0000000871002"), 0);
    assert_ok(fs_write(&card->fs, fs_by_path(&card->fs, adf, adf, SPAN_OF(path)), 0, content));
    struct span suci = rig_get(&rig, "8078000100", 0x9000);
    assert_true(suci.len > 10 + 32);
    assert_int_equal(suci.ptr[8], 0x01);
    assert_int_equal(suci.ptr[9], 0x0A);
    rig_done(&rig);
}

/* ---- every sample ---- */

static struct sample {
    const char *meaning; /* how it begins */
    void (*check)(struct span content);
    unsigned used;
} samples[] = {
    { "text string", is_written, 0 },
    { "bearer description", is_written, 0 },
    { "transport level", is_written, 0 },
    { "network access name", is_written, 0 },
    { "EF.DIR application template", label, 0 },
    { "EF.DIR with discretionary", second_label, 0 },
    { "EF.ECC", emergency, 0 },
    { "EF.LOCI", location, 0 },
    { "EF.START-HFN", fresh_start, 0 },
    { "EF.SUCI_Calc_Info", keys_for_suci, 0 },
};

static void sample(void **state)
{
    const json_t *v = vector_of(state);
    for (size_t i = 0; i < ARRAY_LEN(samples); i++)
        if (!strncmp(vec_text(v, "meaning"), samples[i].meaning, strlen(samples[i].meaning))) {
            samples[i].used++;
            samples[i].check(vec_hex(v, "hex"));
            return;
        }
    fail_msg("nothing is done with \"%s\"", vec_text(v, "meaning"));
}

int main(void)
{
    const char *path = shared_path("data/vectors/tlv_and_ef.json");
    if (!path || !rig_has_package(SUCI_PACKAGE))
        return TEST_SKIPPED;
    int failed = run_vectors(path, NULL, sample);
    for (size_t i = 0; i < ARRAY_LEN(samples); i++)
        if (samples[i].used != 1) {
            fprintf(stderr, "\"%s\": %u samples\n", samples[i].meaning, samples[i].used);
            failed++;
        }
    return failed;
}
