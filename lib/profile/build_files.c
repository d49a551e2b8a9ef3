/* Lines that make files: of template elements, and of PE-GenericFileManagement. */
#include "build_private.h"

static const struct {
    const char *name;
    uint8_t fdb;
} types[] = { { "transparent", 0x41 }, { "linear", 0x42 }, { "cyclic", 0x46 }, { "ber-tlv", 0x79 }, { "df", 0x78 } };

static struct span number_octets(struct build *b, uint32_t v)
{
    uint8_t octets[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };
    size_t from = 0;
    while (from < 3 && octets[from] == 0)
        from++;
    return arena_copy(b->a, span_from(SPAN_OF(octets), from));
}

static struct span one_octet(struct build *b, uint8_t v) { return arena_copy(b->a, (struct span){ &v, 1 }); }

/* records=4x28 */
static void read_records(struct build *b, struct span text, uint32_t *count, uint32_t *len)
{
    const uint8_t *x = text.len ? memchr(text.ptr, 'x', text.len) : NULL;
    if (!x) {
        build_fail(b, ERR_BAD_VALUE, "records=COUNTxLENGTH");
        return;
    }
    size_t at = (size_t)(x - text.ptr);
    *count = build_number(b, span_sub(text, 0, at));
    *len = build_number(b, span_from(text, at + 1));
    if (b->err == ERR_NONE && (*count == 0 || *len == 0 || *count > BUILD_RECORDS_MAX || *len > 255))
        build_fail(b, ERR_BAD_VALUE, "records: 1 to 254 of 1 to 255 octets");
}

static uint8_t type_of(struct build *b, struct span name, const struct template_file *row, bool records)
{
    static const uint8_t of_template[] = { 0x78, 0x41, 0x42, 0x46, 0x79 };
    if (!name.ptr)
        return row ? of_template[row->structure] : records ? 0x42 : 0x41;
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (text_is(name, types[i].name))
            return types[i].fdb;
    build_fail(b, ERR_BAD_VALUE, "no file type %.*s", (int)name.len, (const char *)name.ptr);
    return 0;
}

static struct span sfi_octets(struct build *b, struct span text)
{
    if (text_is(text, "none"))
        return SPAN_LIT("");
    return one_octet(b, (uint8_t)(build_number(b, text) << 3));
}

static struct proprietary_info *info_of(struct build *b, const struct build_line *l)
{
    struct span fill = build_option(l, "fill"), repeat = build_option(l, "repeat"),
                special = build_option(l, "special");
    if (!fill.ptr && !repeat.ptr && !special.ptr)
        return NULL;
    struct proprietary_info *info = ARENA_NEW(b->a, struct proprietary_info);
    if (!info) {
        build_fail(b, ERR_NO_SPACE, "no memory");
        return NULL;
    }
    info->special_information = special.ptr ? build_octets(b, special) : SPAN_LIT("\x00");
    info->details = SPAN_LIT("\x01");
    info->fill_pattern = fill.ptr ? build_octets(b, fill) : SPAN_NONE;
    info->repeat_pattern = repeat.ptr ? build_octets(b, repeat) : SPAN_NONE;
    return info;
}

struct span build_optional_octets(struct build *b, const struct build_line *l, const char *name)
{
    struct span text = build_option(l, name);
    return text.ptr ? text.len ? build_octets(b, text) : SPAN_LIT("") : SPAN_NONE;
}

/* Only what the line states gets into the Fcp, so that the template keeps its say. NULL: nothing is stated. */
static struct fcp *fcp_of(struct build *b, const struct build_line *l, const struct template_file *row)
{
    struct fcp f = { .lcsi = SPAN_LIT("\x05") };
    struct span type = build_option(l, "type"), records = build_option(l, "records"), size = build_option(l, "size"),
                sfi = build_option(l, "sfi");
    uint32_t count = 0, len = 0;

    f.file_id = build_optional_octets(b, l, "fid");
    f.df_name = build_optional_octets(b, l, "aid");
    f.access = build_optional_octets(b, l, "arr");
    f.pin_status = build_optional_octets(b, l, "pins");
    f.link_path = build_optional_octets(b, l, "link");
    f.sfi = sfi.ptr ? sfi_octets(b, sfi) : SPAN_NONE;
    f.info = info_of(b, l);
    if (records.ptr)
        read_records(b, records, &count, &len);
    if (type.ptr || records.ptr || !row) {
        uint8_t d[4] = { type_of(b, type, row, records.ptr != NULL), 0x21, (uint8_t)(len >> 8), (uint8_t)len };
        f.descriptor = arena_copy(b->a, (struct span){ d, records.ptr ? 4 : 2 });
    }
    if (size.ptr || records.ptr)
        f.size = number_octets(b, records.ptr ? count * len : build_number(b, size));
    bool any = f.descriptor.ptr || f.file_id.ptr || f.df_name.ptr || f.access.ptr || f.pin_status.ptr ||
               f.link_path.ptr || f.sfi.ptr || f.info || f.size.ptr;
    struct fcp *kept = any ? ARENA_NEW(b->a, struct fcp) : NULL;
    if (kept)
        *kept = f;
    return kept;
}

static uint32_t record_len_of(const struct fcp *fcp, const struct template_file *row)
{
    struct file_shape shape = { 0 };
    if (fcp && fcp->descriptor.ptr && file_shape_read(fcp->descriptor, &shape) == ERR_NONE)
        return shape.record_len;
    return row && (row->structure == FILE_LINEAR || row->structure == FILE_CYCLIC) ? row->size : 0;
}

static void note_file_services(struct build *b, const struct fcp *fcp)
{
    if (fcp && fcp->descriptor.ptr && (fcp->descriptor.ptr[0] & 0x3F) == 0x39)
        b->services |= SERVICE_BIT(SERVICE_BER_TLV);
    if (fcp && fcp->link_path.len && fcp->descriptor.ptr && (fcp->descriptor.ptr[0] & 0x3F) == 0x38)
        b->services |= SERVICE_BIT(SERVICE_DF_LINK);
}

/* Records begin where records begin: what one leaves is skipped. */
static size_t content_items(struct build *b, const struct build_line *l, uint32_t record_len, struct file_item *items)
{
    const struct build_records *records = &b->records;
    size_t count = 0, gap = 0;
    if (!l->has_content)
        return 0;
    build_evaluate(b, l->content, &b->records);
    if (records->count > 1 && record_len == 0)
        build_fail(b, ERR_BAD_VALUE, "records in a file that has none");
    for (size_t i = 0; i < records->count && b->err == ERR_NONE; i++) {
        if (record_len && records->items[i].len > record_len)
            build_fail(b, ERR_TOO_LONG, "record %zu is longer than %u octets", i + 1, record_len);
        if (records->items[i].len && gap)
            items[count++] = (struct file_item){ .offset = (uint32_t)gap };
        if (records->items[i].len) {
            items[count++] = (struct file_item){ .offset = DER_ABSENT, .content = records->items[i] };
            gap = 0;
        }
        gap += record_len - (record_len ? records->items[i].len : 0);
    }
    return count;
}

/* Room for what content_items may make: two for each record. */
static size_t items_max(const struct build_line *l)
{
    size_t records = 1;
    for (size_t i = 0; i < l->content.len; i++)
        records += l->content.ptr[i] == '|';
    return 2 * records;
}

void build_take_file(struct build *b, const struct build_line *l)
{
    struct build_section *s = b->section;
    uint32_t tag = pe_member_by_name(s->kind, l->word);
    if (!tag || s->file_count == LINES_MAX) {
        build_fail(b, ERR_BAD_VALUE, "%s has no file %.*s", pe_name(s->kind), (int)l->word.len,
                   (const char *)l->word.ptr);
        return;
    }
    const struct template_file *row = template_file(s->template, pe_member_number(tag));
    struct file_item *items = ARENA_ARRAY(b->a, struct file_item, items_max(l) + 1);
    size_t count = 0;
    struct fcp *fcp = fcp_of(b, l, row);
    if (!items) {
        build_fail(b, ERR_NO_SPACE, "no memory");
        return;
    }
    if (fcp)
        items[count++] = (struct file_item){ .fcp = fcp, .offset = DER_ABSENT };
    count += content_items(b, l, record_len_of(fcp, row), items + count);
    if (s->file_count && s->files[s->file_count - 1].tag >= tag)
        build_fail(b, ERR_BAD_VALUE, "%.*s stands after a file that comes later", (int)l->word.len,
                   (const char *)l->word.ptr);
    note_file_services(b, fcp);
    struct pe_file *file = &s->files[s->file_count++];
    file->tag = tag;
    file->items.items = items;
    file->items.count = count;
}

/* file 7F10/6F44 … or df 7F10/5F50 …: the path goes into a filePath, its end into the Fcp. */
void build_take_generic(struct build *b, const struct build_line *l)
{
    struct build_section *s = b->section;
    struct file_command *list = ARENA_ARRAY(b->a, struct file_command, items_max(l) + 2);
    struct file_item *items = ARENA_ARRAY(b->a, struct file_item, items_max(l));
    struct span path = build_octets(b, build_need(b, l, "path"));
    if (!list || !items || s->command_count == LINES_MAX || path.len < 2) {
        build_fail(b, ERR_BAD_VALUE, "a path is wanted, and room for it");
        return;
    }
    struct fcp *fcp = fcp_of(b, l, NULL);
    size_t count = 0, item_count = 0;
    if (text_is(l->word, "df") && fcp)
        fcp->descriptor = SPAN_LIT("\x78\x21");
    else if (!text_is(l->word, "file"))
        build_fail(b, ERR_BAD_VALUE, "file or df is wanted");
    if (fcp)
        fcp->file_id = span_from(path, path.len - 2);
    list[count++] = (struct file_command){ .path = span_sub(path, 0, path.len - 2), .offset = DER_ABSENT };
    list[count++] = (struct file_command){ .create = fcp, .offset = DER_ABSENT };
    item_count = content_items(b, l, record_len_of(fcp, NULL), items);
    for (size_t i = 0; i < item_count; i++)
        list[count++] = (struct file_command){ .offset = items[i].offset, .content = items[i].content };
    note_file_services(b, fcp);
    s->commands[s->command_count].list.items = list;
    s->commands[s->command_count++].list.count = count;
}
