/* Every octet that a package says of a file is on the card: each package there is, decoded, its fill commands carried
 * out here and remembered octet by octet, then read back with commands. Where a named file lies is known from the lists
 * of expected-fs, which somebody else computed; generic file management says it itself. */
#include "lib/codec/ber_tlv.h"
#include "lib/profile/package.h"
#include "rig_files.h"

#define FILES_MAX     400u
#define PATH_TEXT_MAX 96u
#define ARENA_CEILING ((size_t)8 * 1024 * 1024)

static struct rig rig;
static json_t *places; /* "usim ef-imsi": path */
static unsigned files_read, files_closed, octets_read, octets_said;

/* What a package says of one file. */
struct said {
    char path[PATH_TEXT_MAX];
    uint8_t *octets, *known;
};
struct package {
    struct said files[FILES_MAX];
    size_t count;
    char temporary[8][PATH_TEXT_MAX]; /* "7fd0": the ADF's path, in pairs */
    size_t temporary_count;
};

/* ---- where files are ---- */

static void places_load(const char *name)
{
    char relative[256], key[PATH_TEXT_MAX];
    const json_t *file;
    size_t i;
    snprintf(relative, sizeof relative, "data/profiles/expected-fs/%s", name);
    json_t *files = file_json(shared_path(relative));
    json_array_foreach(files, i, file)
    {
        if (!vec_has(file, "name"))
            continue;
        snprintf(key, sizeof key, "%s %s", vec_text(file, "pe"), vec_text(file, "name"));
        json_object_set_new(places, key, json_string(vec_text(file, "path")));
    }
    json_decref(files);
}

static struct said *said_of(struct package *p, const char *path)
{
    for (size_t i = 0; i < p->count; i++)
        if (!strcmp(p->files[i].path, path))
            return &p->files[i];
    assert_true(p->count < FILES_MAX);
    struct said *s = &p->files[p->count++];
    snprintf(s->path, sizeof s->path, "%s", path);
    s->octets = test_keep(calloc(2, FILE_BODY_MAX));
    s->known = s->octets + FILE_BODY_MAX;
    return s;
}

static void say(struct said *s, uint32_t *at, uint32_t offset, struct span content)
{
    if (content.ptr) {
        assert_true(*at + content.len <= FILE_BODY_MAX);
        memcpy(s->octets + *at, content.ptr, content.len);
        memset(s->known + *at, 1, content.len);
        *at += (uint32_t)content.len;
    } else if (offset != DER_ABSENT) {
        *at += offset;
    }
}

/* ---- elements ---- */

static void named_file(struct package *p, enum pe_kind kind, const struct pe_file *file)
{
    char key[PATH_TEXT_MAX];
    uint32_t at = 0;
    snprintf(key, sizeof key, "%s %s", pe_name(kind), pe_member_name(kind, file->tag));
    const char *path = json_string_value(json_object_get(places, key));
    const struct fcp *fcp = file->items.count ? file->items.items[0].fcp : NULL;
    if (fcp && fcp->df_name.ptr && path && fcp->file_id.len == 2 && p->temporary_count + 2 <= ARRAY_LEN(p->temporary)) {
        hex_text(fcp->file_id, p->temporary[p->temporary_count], PATH_TEXT_MAX);
        snprintf(p->temporary[p->temporary_count + 1], PATH_TEXT_MAX, "%s", path);
        p->temporary_count += 2;
    }
    for (size_t i = 0; i < file->items.count; i++) {
        const struct file_item *item = &file->items.items[i];
        if (item->content.ptr && !path)
            fail_msg("nobody knows where %s is", key);
        if (item->content.ptr || item->offset != DER_ABSENT)
            say(said_of(p, path), &at, item->offset, item->content);
    }
}

/* The text of a path of octets; an ADF by its temporary identifier. */
static void path_write(const struct package *p, struct span path, struct span fid, char out[PATH_TEXT_MAX])
{
    size_t n = (size_t)snprintf(out, PATH_TEXT_MAX, "3f00");
    for (size_t i = 0; i + 2 <= path.len + fid.len; i += 2) {
        struct span two = i < path.len ? span_sub(path, i, 2) : span_sub(fid, i - path.len, 2);
        char text[8];
        hex_text(two, text, sizeof text);
        for (size_t t = 0; i == 0 && t < p->temporary_count; t += 2)
            if (!strcasecmp(p->temporary[t], text)) {
                n = (size_t)snprintf(out, PATH_TEXT_MAX, "%s", p->temporary[t + 1]);
                text[0] = 0;
            }
        if (text[0])
            n += (size_t)snprintf(out + n, PATH_TEXT_MAX - n, "/%s", text);
    }
}

static void managed_files(struct package *p, const struct file_commands *commands)
{
    struct span folder = SPAN_NONE, fid = SPAN_NONE;
    char path[PATH_TEXT_MAX] = "";
    uint32_t at = 0;
    for (size_t i = 0; i < commands->list.count; i++) {
        const struct file_command *c = &commands->list.items[i];
        if (c->path.ptr || c->create) {
            folder = c->path.ptr ? c->path : folder;
            fid = c->create ? c->create->file_id : SPAN_NONE;
            at = 0;
        } else {
            path_write(p, folder, fid, path);
            say(said_of(p, path), &at, c->offset, c->content);
        }
        if (c->create && c->create->descriptor.ptr &&
            c->create->descriptor.ptr[0] == 0x78) { /* a DF: what follows is in it */
            struct span parts[] = { folder, c->create->file_id };
            uint8_t *joined = test_keep(malloc(16));
            memcpy(joined, parts[0].ptr ? parts[0].ptr : parts[1].ptr, parts[0].len);
            memcpy(joined + parts[0].len, parts[1].ptr, parts[1].len);
            folder = (struct span){ joined, parts[0].len + parts[1].len };
        }
    }
}

static void package_read(struct package *p, struct span bytes, struct arena *arena)
{
    struct package_reader reader;
    struct package_element raw;
    struct reader segment = rd_of(bytes);
    package_init(&reader, NULL, 0);
    while (package_next(&reader, &segment, &raw)) {
        struct profile_element pe;
        struct der d = { .arena = arena };
        assert_ok(pe_decode(&d, raw.raw, &pe));
        if (pe.kind >= PE_FIRST_FILESYSTEM)
            for (size_t i = 0; i < pe.as.files->files.count; i++)
                named_file(p, pe.kind, &pe.as.files->files.items[i]);
        else if (pe.kind == PE_GENERIC_FILE_MANAGEMENT)
            for (size_t i = 0; i < pe.as.gfm->commands.count; i++)
                managed_files(p, &pe.as.gfm->commands.items[i]);
    }
    assert_ok(reader.err);
}

/* ---- the card ---- */

static void file_is_as_said(const struct said *s)
{
    static uint8_t bytes[FS_FILE_SIZE_MAX + 256];
    struct channel ch;
    struct writer body = wr_of(bytes, sizeof bytes);
    struct span descriptor, size;
    WRITER_ON_STACK(rsp, CARD_RESPONSE_MAX);
    struct span fcp = rig_select_path(&rig, &ch, s->path, &rsp);
    assert_true(tlv_find(fcp, 0x82, &descriptor) && tlv_find(fcp, 0x80, &size));
    uint8_t structure = descriptor.ptr[0] & 0x3F;
    if (structure == 0x39) /* BER-TLV: its objects have tests of their own */
        return;
    size_t len = (size_t)(size.ptr[0] << 8 | size.ptr[1]);
    if (!rig_read_body(&rig, &ch, structure != 0x01, len, &body)) {
        files_closed++;
        return;
    }
    for (size_t i = 0; i < FILE_BODY_MAX; i++) {
        octets_said += s->known[i];
        if (s->known[i] && (i >= len || bytes[i] != s->octets[i]))
            fail_msg("%s: octet %zu is %02X instead of %02X", s->path, i, i < len ? bytes[i] : 0, s->octets[i]);
    }
    octets_read += (unsigned)len;
    files_read++;
}

static void the_card_has_what_the_package_says(void **state)
{
    const char *file = vec_text(vector_of(state), "file");
    char relative[256];
    struct package *p = test_keep(calloc(1, sizeof *p));
    struct arena arena;
    unsigned before = files_read;
    snprintf(relative, sizeof relative, "data/profiles/%s", file);
    arena_init(&arena, ARENA_CEILING);
    package_read(p, file_bytes(shared_path(relative)), &arena);
    rig_make(&rig, file);
    for (size_t i = 0; i < p->count; i++)
        file_is_as_said(&p->files[i]);
    rig_done(&rig);
    arena_release(&arena);
    assert_true(files_read - before > 10);
}

int main(void)
{
    static const char *const lists[] = { "TS48_V7.0_eSIM_GTP_SAIP2.3_BERTLV_SUCI.json", "TS48v1_A.json",
                                         "TS48v5_SAIP2.3_BERTLV_SUCI.json", "simalliance_sample_milenage_cut.json" };
    const char *path = shared_path("data/profiles/facts.json");
    if (!path)
        return TEST_SKIPPED;
    places = json_object();
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        places_load(lists[i]);
    json_t *facts = file_json(path);
    size_t count = json_array_size(facts);
    struct CMUnitTest *tests = calloc(count, sizeof *tests);
    for (size_t i = 0; i < count; i++) {
        json_t *one = json_array_get(facts, i);
        tests[i] = (struct CMUnitTest){ vec_text(one, "file"), the_card_has_what_the_package_says, NULL, NULL, one };
    }
    int failed = _cmocka_run_group_tests("packages are on the card", tests, count, NULL, NULL);
    print_message(
        "%zu packages: %u files of %u octets read, %u octets of them said by the packages; %u files nobody may read\n",
        count, files_read, octets_read, octets_said, files_closed);
    return failed;
}
