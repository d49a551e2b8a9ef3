/* The lines of each kind of element. */
#include "build_private.h"

#define LINES_MAX 128u

/* The section in hand: what its lines have made so far. */
struct build_section {
    enum pe_kind kind;
    const struct fs_template *template;
    uint32_t identification;
    struct pe_file files[LINES_MAX];
    struct file_commands commands[LINES_MAX];
    struct pin_configuration pins[PINS_MAX];
    struct puk_configuration puks[16];
    struct key_object keys[SD_KEYS_MAX];
    struct span data[SD_DATA_MAX], tars[RFM_TARS_MAX], sqn[SQN_INIT_COUNT];
    size_t file_count, command_count, pin_count, puk_count, key_count, data_count, tar_count;
};

/* ---- files ---- */

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

static struct span optional_octets(struct build *b, const struct build_line *l, const char *name)
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

    f.file_id = optional_octets(b, l, "fid");
    f.df_name = optional_octets(b, l, "aid");
    f.access = optional_octets(b, l, "arr");
    f.pin_status = optional_octets(b, l, "pins");
    f.link_path = optional_octets(b, l, "link");
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

static void take_file(struct build *b, const struct build_line *l)
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
static void take_generic(struct build *b, const struct build_line *l)
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

/* ---- PINs ---- */

static uint32_t reference(struct build *b, struct span text)
{
    struct span octet = build_octets(b, text);
    return octet.len ? octet.ptr[0] : 0;
}

static uint32_t tries(struct build *b, const struct build_line *l, uint32_t otherwise)
{
    struct span text = build_option(l, "tries");
    uint32_t n = text.ptr ? build_number(b, text) : otherwise;
    if (n == 0 || n > 15)
        build_fail(b, ERR_BAD_VALUE, "tries: 1 to 15");
    return n << 4 | n;
}

static void take_pin(struct build *b, const struct build_line *l)
{
    struct build_section *s = b->section;
    struct span puk = build_option(l, "puk"), attributes = build_option(l, "attributes");
    if (s->pin_count == PINS_MAX) {
        build_fail(b, ERR_TOO_LONG, "too many PINs");
        return;
    }
    s->pins[s->pin_count++] = (struct pin_configuration){
        .key_reference = reference(b, l->word),
        .value = build_pin(b, build_need(b, l, "value")),
        .puk_reference = puk.ptr ? reference(b, puk) : DER_ABSENT,
        .attributes = attributes.ptr ? build_number(b, attributes) : PIN_ENABLED | PIN_CHANGEABLE | PIN_SWITCHABLE,
        .tries = tries(b, l, 3),
    };
}

static void take_puk(struct build *b, const struct build_line *l)
{
    struct build_section *s = b->section;
    if (s->puk_count == ARRAY_LEN(s->puks)) {
        build_fail(b, ERR_TOO_LONG, "too many PUKs");
        return;
    }
    s->puks[s->puk_count++] = (struct puk_configuration){
        .key_reference = reference(b, l->word),
        .value = build_pin(b, build_need(b, l, "value")),
        .tries = tries(b, l, 10),
    };
}

/* ---- authentication ---- */

static struct pe_aka *aka_of(struct build *b)
{
    struct pe_aka *aka = (struct pe_aka *)b->elements[b->element_count - 1].as.any;
    return aka;
}

static void begin_aka(struct build *b, struct pe_aka *aka)
{
    aka->configuration = ARENA_NEW(b->a, struct aka_configuration);
    struct aka_algo *algo = aka->configuration ? ARENA_NEW(b->a, struct aka_algo) : NULL;
    if (!algo) {
        build_fail(b, ERR_NO_SPACE, "no memory");
        return;
    }
    aka->configuration->algo = algo;
    *algo = (struct aka_algo){ .options = SPAN_LIT("\x01"),
                               .rotations = SPAN_LIT("\x40\x00\x20\x40\x60"),
                               .opc = SPAN_LIT(""),
                               .keccak_count = 1 };
    aka->sqn_options = SPAN_LIT("\x02");
    aka->sqn_delta = aka->sqn_age_limit = SPAN_LIT("\x00\x00\x10\x00\x00\x00");
}

static void set_algorithm(struct build *b, struct aka_algo *algo, struct span name)
{
    if (text_is(name, "milenage"))
        algo->algorithm = ALGORITHM_MILENAGE;
    else if (text_is(name, "tuak"))
        algo->algorithm = ALGORITHM_TUAK;
    else if (text_is(name, "xor") || text_is(name, "test"))
        algo->algorithm = ALGORITHM_TEST;
    else
        build_fail(b, ERR_BAD_VALUE, "algorithm: milenage, tuak or xor");
}

static void set_sqn(struct build *b, struct pe_aka *aka, struct span octets)
{
    struct build_section *s = b->section;
    bool zero = span_eq(octets, SPAN_LIT("\0\0\0\0\0\0"));
    if (octets.len != 6)
        build_fail(b, ERR_BAD_LENGTH, "sqn: 6 octets, without the index");
    for (size_t i = 0; i < SQN_INIT_COUNT; i++)
        s->sqn[i] = octets;
    aka->sqn_init.items = zero ? NULL : s->sqn;
    aka->sqn_init.count = zero ? 0 : SQN_INIT_COUNT;
}

static void take_aka(struct build *b, const struct build_line *l)
{
    struct pe_aka *aka = aka_of(b);
    struct aka_algo *algo = aka->configuration->algo;
    if (text_is(l->word, "algorithm"))
        set_algorithm(b, algo, l->content);
    else if (text_is(l->word, "key"))
        algo->key = build_octets(b, l->content);
    else if (text_is(l->word, "opc"))
        algo->opc = build_octets(b, l->content);
    else if (text_is(l->word, "options"))
        algo->options = build_octets(b, l->content);
    else if (text_is(l->word, "keccak"))
        algo->keccak_count = build_number(b, l->content);
    else if (text_is(l->word, "sqn-options"))
        aka->sqn_options = build_octets(b, l->content);
    else if (text_is(l->word, "sqn"))
        set_sqn(b, aka, build_octets(b, l->content));
    else
        build_fail(b, ERR_BAD_VALUE, "akaParameter has no %.*s", (int)l->word.len, (const char *)l->word.ptr);
}

static void finish_aka(struct build *b)
{
    const struct aka_algo *algo = aka_of(b)->configuration->algo;
    switch (algo->algorithm) {
    case ALGORITHM_MILENAGE:
        b->services |= SERVICE_BIT(SERVICE_MILENAGE);
        break;
    case ALGORITHM_TUAK:
        b->services |= algo->key.len == 32 ? SERVICE_BIT(SERVICE_TUAK256) : SERVICE_BIT(SERVICE_TUAK128);
        break;
    case ALGORITHM_TEST:
        b->services |= SERVICE_BIT(SERVICE_TEST_ALGORITHM);
        break;
    default:
        build_fail(b, ERR_MISSING, "algorithm = is missing");
    }
    if (!algo->key.ptr)
        build_fail(b, ERR_MISSING, "key = is missing");
}

/* ---- security domains ---- */

static void begin_sd(struct build *b, struct pe_security_domain *sd)
{
    sd->instance = ARENA_NEW(b->a, struct application_instance);
    if (!sd->instance) {
        build_fail(b, ERR_NO_SPACE, "no memory");
        return;
    }
    *sd->instance = (struct application_instance){
        .load_package_aid = SPAN_LIT("\xA0\x00\x00\x01\x51\x53\x50"),
        .class_aid = SPAN_LIT("\xA0\x00\x00\x01\x51\x53\x50\x41"),
        .instance_aid = SPAN_LIT("\xA0\x00\x00\x01\x51\x00\x00\x00"),
        .privileges = SPAN_LIT("\x82\xDC\x00"),
        .life_cycle = SPAN_LIT("\x0F"),
        .install_parameters = SPAN_LIT("\x81\x02\x80\x00\x82\x01\xF0\x83\x01\xF0\x87\x01\xF0"),
    };
}

/* TS 102 226: priority, timers, menu text, no menus, channels, MSL, TARs, services. */
static void set_toolkit(struct build *b, struct application_instance *i, const struct build_line *l)
{
    struct span tars = build_octets(b, l->content), msl = build_option(l, "msl");
    struct writer w = wr_arena(b->a, 16 + tars.len);
    wr_bytes(&w, SPAN_LIT("\x01\x00\x00\x00\x00\x02\x01"));
    wr_bytes(&w, msl.ptr ? build_octets(b, msl) : SPAN_LIT("\x02"));
    wr_u8(&w, (uint8_t)tars.len);
    wr_bytes(&w, tars);
    wr_u8(&w, 0);
    i->toolkit = ARENA_NEW(b->a, struct toolkit_parameters);
    if (i->toolkit)
        i->toolkit->toolkit = wr_span(&w);
    if (tars.len == 0 || tars.len % 3 || w.err != ERR_NONE)
        build_fail(b, ERR_BAD_LENGTH, "tars: three octets each");
}

static void take_key(struct build *b, const struct build_line *l)
{
    struct build_section *s = b->section;
    struct span mac = build_option(l, "mac");
    struct key_component *c = ARENA_NEW(b->a, struct key_component);
    if (!c || s->key_count == SD_KEYS_MAX) {
        build_fail(b, ERR_NO_SPACE, "too many keys");
        return;
    }
    *c = (struct key_component){ .type = build_octets(b, build_need(b, l, "type")),
                                 .data = build_octets(b, build_need(b, l, "value")),
                                 .mac_length = mac.ptr ? build_number(b, mac) : 8 };
    struct key_object *k = &s->keys[s->key_count++];
    *k = (struct key_object){ .usage = build_octets(b, build_need(b, l, "usage")),
                              .access = SPAN_LIT("\x00"),
                              .identifier = build_octets(b, build_need(b, l, "kid")),
                              .version = build_octets(b, build_need(b, l, "kvn")),
                              .counter = optional_octets(b, l, "counter") };
    k->components.items = c;
    k->components.count = 1;
}

static void take_sd(struct build *b, const struct build_line *l)
{
    struct build_section *s = b->section;
    struct application_instance *i = b->elements[b->element_count - 1].as.sd->instance;
    if (text_is(l->word, "key"))
        take_key(b, l);
    else if (text_is(l->word, "aid"))
        i->instance_aid = build_octets(b, l->content);
    else if (text_is(l->word, "privileges"))
        i->privileges = build_octets(b, l->content);
    else if (text_is(l->word, "parameters"))
        i->install_parameters = build_octets(b, l->content);
    else if (text_is(l->word, "tars"))
        set_toolkit(b, i, l);
    else if (text_is(l->word, "data") && s->data_count < SD_DATA_MAX)
        s->data[s->data_count++] = build_octets(b, l->content);
    else
        build_fail(b, ERR_BAD_VALUE, "securityDomain has no %.*s", (int)l->word.len, (const char *)l->word.ptr);
}

/* ---- remote file management ---- */

static void take_rfm(struct build *b, const struct build_line *l)
{
    struct build_section *s = b->section;
    struct pe_rfm *rfm = b->elements[b->element_count - 1].as.rfm;
    struct span value = build_octets(b, l->content);
    if (text_is(l->word, "aid"))
        rfm->instance_aid = value;
    else if (text_is(l->word, "tar") && s->tar_count < RFM_TARS_MAX)
        s->tars[s->tar_count++] = value;
    else if (text_is(l->word, "msl"))
        rfm->minimum_security = value;
    else if (text_is(l->word, "access"))
        rfm->access_domain = value;
    else if (text_is(l->word, "admin-access"))
        rfm->admin_access_domain = value;
    else if (text_is(l->word, "adf")) {
        rfm->adf = ARENA_NEW(b->a, struct rfm_adf);
        if (rfm->adf)
            *rfm->adf = (struct rfm_adf){ value, rfm->access_domain, rfm->admin_access_domain };
    } else
        build_fail(b, ERR_BAD_VALUE, "rfm has no %.*s", (int)l->word.len, (const char *)l->word.ptr);
}

/* ---- the header ---- */

static void set_version(struct build *b, struct profile_header *h, struct span text)
{
    const uint8_t *dot = text.len ? memchr(text.ptr, '.', text.len) : NULL;
    if (!dot) {
        build_fail(b, ERR_BAD_VALUE, "version: 2.3");
        return;
    }
    h->major_version = build_number(b, span_sub(text, 0, (size_t)(dot - text.ptr)));
    h->minor_version = build_number(b, span_from(text, (size_t)(dot - text.ptr) + 1));
}

static void add_services(struct build *b, struct span list)
{
    enum service service;
    while (list.len) {
        size_t len = 0;
        while (len < list.len && list.ptr[len] != ' ')
            len++;
        struct span name = span_sub(list, 0, len);
        if (!service_find(name, &service))
            build_fail(b, ERR_BAD_VALUE, "no service %.*s", (int)name.len, (const char *)name.ptr);
        else
            b->services |= SERVICE_BIT(service);
        list = text_trim(span_from(list, len));
    }
}

static void take_header(struct build *b, const struct build_line *l)
{
    struct profile_header *h = b->elements[0].as.header;
    if (text_is(l->word, "version"))
        set_version(b, h, l->content);
    else if (text_is(l->word, "type"))
        h->profile_type = l->content;
    else if (text_is(l->word, "pol1"))
        h->pol = build_octets(b, l->content);
    else if (text_is(l->word, "services"))
        add_services(b, l->content);
    else if (text_is(l->word, "connectivity"))
        h->connectivity = build_octets(b, l->content);
    else
        build_fail(b, ERR_BAD_VALUE, "header has no %.*s", (int)l->word.len, (const char *)l->word.ptr);
}

/* ---- sections ---- */

static const struct fs_template *oldest_template(enum pe_kind kind)
{
    const struct fs_template *t = NULL;
    for (size_t i = 0; (t = template_at(i)) != NULL; i++)
        if (t->kind == kind)
            return t;
    return NULL;
}

static void begin_files(struct build *b, struct pe_filesystem *pe)
{
    uint8_t oid[TEMPLATE_OID_MAX];
    b->section->template = oldest_template(b->section->kind);
    if (!b->section->template) {
        build_fail(b, ERR_UNSUPPORTED, "no template for this element");
        return;
    }
    pe->template_id = arena_copy(b->a, template_oid(b->section->template, oid));
    if (b->section->kind == PE_USIM || b->section->kind == PE_ISIM || b->section->kind == PE_CSIM) {
        enum service service = b->section->kind == PE_USIM   ? SERVICE_USIM
                               : b->section->kind == PE_ISIM ? SERVICE_ISIM
                                                             : SERVICE_CSIM;
        b->services |= SERVICE_BIT(service);
    }
}

void build_begin(struct build *b, enum pe_kind kind)
{
    const struct der_type *type = pe_type(kind);
    void *value = type ? arena_alloc(b->a, type->size) : NULL;
    b->section = ARENA_NEW(b->a, struct build_section);
    if (!value || !b->section || b->element_count == BUILD_ELEMENTS_MAX) {
        build_fail(b, ERR_NO_SPACE, "too many elements");
        return;
    }
    b->section->kind = kind;
    b->elements[b->element_count++] = (struct profile_element){ .kind = kind, .as.any = value };
    if (kind != PE_HEADER)
        *(struct pe_header *)value = (struct pe_header){ true, (uint32_t)b->element_count - 1 };
    if (kind >= PE_FIRST_FILESYSTEM)
        begin_files(b, value);
    else if (kind == PE_AKA_PARAMETER)
        begin_aka(b, value);
    else if (kind == PE_SECURITY_DOMAIN)
        begin_sd(b, value);
    else if (kind == PE_HEADER)
        *(struct profile_header *)value = (struct profile_header){ .major_version = 2, .minor_version = 3 };
}

void build_take(struct build *b, const struct build_line *l)
{
    switch (b->section->kind) {
    case PE_HEADER:
        take_header(b, l);
        break;
    case PE_GENERIC_FILE_MANAGEMENT:
        take_generic(b, l);
        break;
    case PE_PIN_CODES:
        take_pin(b, l);
        break;
    case PE_PUK_CODES:
        take_puk(b, l);
        break;
    case PE_AKA_PARAMETER:
        take_aka(b, l);
        break;
    case PE_SECURITY_DOMAIN:
        take_sd(b, l);
        break;
    case PE_RFM:
        take_rfm(b, l);
        break;
    default:
        if (b->section->kind >= PE_FIRST_FILESYSTEM)
            take_file(b, l);
        else
            build_fail(b, ERR_BAD_VALUE, "nothing can be said about %s", pe_name(b->section->kind));
    }
}

void build_finish(struct build *b)
{
    struct build_section *s = b->section;
    struct profile_element *pe = &b->elements[b->element_count - 1];
    if (b->err != ERR_NONE)
        return;
    if (s->kind >= PE_FIRST_FILESYSTEM) {
        pe->as.files->files.items = s->file_count ? s->files : NULL;
        pe->as.files->files.count = s->file_count;
    } else if (s->kind == PE_GENERIC_FILE_MANAGEMENT) {
        pe->as.gfm->commands.items = s->commands;
        pe->as.gfm->commands.count = s->command_count;
    } else if (s->kind == PE_PIN_CODES) {
        pe->as.pins->codes = ARENA_NEW(b->a, struct pin_codes);
        if (pe->as.pins->codes) {
            pe->as.pins->codes->pins.items = s->pins;
            pe->as.pins->codes->pins.count = s->pin_count;
        }
    } else if (s->kind == PE_PUK_CODES) {
        pe->as.puks->puks.items = s->puks;
        pe->as.puks->puks.count = s->puk_count;
    } else if (s->kind == PE_AKA_PARAMETER) {
        finish_aka(b);
    } else if (s->kind == PE_SECURITY_DOMAIN) {
        pe->as.sd->keys.items = s->key_count ? s->keys : NULL;
        pe->as.sd->keys.count = s->key_count;
        pe->as.sd->perso_data.items = s->data_count ? s->data : NULL;
        pe->as.sd->perso_data.count = s->data_count;
    } else if (s->kind == PE_RFM) {
        pe->as.rfm->tars.items = s->tar_count ? s->tars : NULL;
        pe->as.rfm->tars.count = s->tar_count;
    }
}
