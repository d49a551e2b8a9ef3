/* The lines of each kind of element. */
#include "build_private.h"

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
                              .counter = build_optional_octets(b, l, "counter") };
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

/* ---- several IMSIs ---- */

/* "999,262": MCCs as numbers, two octets each; "*": everywhere. */
static struct span countries(struct build *b, struct span text)
{
    WRITER_ON_STACK(w, 2 * MULTI_IMSI_COUNTRIES);
    struct span rest = text_is(text, "*") ? SPAN_NONE : text;
    while (rest.len && b->err == ERR_NONE) {
        const uint8_t *comma = memchr(rest.ptr, ',', rest.len);
        size_t len = comma ? (size_t)(comma - rest.ptr) : rest.len;
        uint32_t country = build_number(b, span_sub(rest, 0, len));
        if (country > 999)
            build_fail(b, ERR_BAD_VALUE, "countries: MCCs, as 262,208, or *");
        wr_u16(&w, (uint16_t)country);
        rest = len < rest.len ? span_from(rest, len + 1) : SPAN_NONE;
    }
    if (w.err != ERR_NONE)
        build_fail(b, ERR_TOO_LONG, "countries: at most %u", MULTI_IMSI_COUNTRIES);
    return arena_copy(b->a, wr_span(&w));
}

static void take_subscription(struct build *b, const struct build_line *l)
{
    struct multi_imsi *m = &b->section->multi_imsi;
    struct aka_algo algo = { .algorithm = ALGORITHM_MILENAGE };
    struct span algorithm = build_option(l, "algorithm"), digits = build_option(l, "mnc-length");
    if (m->count == MULTI_IMSI_MAX) {
        build_fail(b, ERR_TOO_LONG, "at most %u IMSIs", MULTI_IMSI_MAX);
        return;
    }
    if (algorithm.ptr)
        set_algorithm(b, &algo, algorithm);
    m->entries[m->count++] = (struct multi_imsi_entry){
        .imsi_ef = build_imsi(b, build_need(b, l, "value")),
        .countries = countries(b, build_need(b, l, "countries")),
        .key = build_octets(b, build_need(b, l, "k")),
        .opc = build_optional_octets(b, l, "opc"),
        .algorithm = (uint8_t)algo.algorithm,
        .mnc_digits = (uint8_t)(digits.ptr ? build_number(b, digits) : 2),
    };
}

static uint32_t optional_seconds(struct build *b, const struct build_line *l, const char *name)
{
    struct span text = build_option(l, name);
    uint32_t seconds = text.ptr ? build_number(b, text) : 0;
    if (seconds > LOCAL_SWITCH_SECONDS_MAX)
        build_fail(b, ERR_TOO_LONG, "%s: at most %u", name, LOCAL_SWITCH_SECONDS_MAX);
    return seconds;
}

/* ICCIDs with commas between, or "*". */
static void take_places(struct build *b, struct local_switch *s, struct span text)
{
    while (text.len && !text_is(text, "*")) {
        const uint8_t *comma = memchr(text.ptr, ',', text.len);
        size_t len = comma ? (size_t)(comma - text.ptr) : text.len, got = 0;
        uint8_t *to = s->to[s->count < LOCAL_SWITCH_MAX ? s->count : 0];
        memset(to, 0xFF, LOCAL_SWITCH_ICCID_LEN);
        if (len < 18 || bcd_read(span_sub(text, 0, len), false, to, LOCAL_SWITCH_ICCID_LEN, &got) != ERR_NONE ||
            s->count++ == LOCAL_SWITCH_MAX)
            build_fail(b, ERR_BAD_VALUE, "to: at most %u ICCIDs with commas between, or *", LOCAL_SWITCH_MAX);
        if (b->err != ERR_NONE)
            return;
        text = len < text.len ? span_from(text, len + 1) : SPAN_NONE;
    }
}

static void take_local_switch(struct build *b, const struct build_line *l)
{
    struct local_switch *s = &b->section->local_switch;
    b->section->switches = true;
    s->by_device = text_is(build_option(l, "device"), "yes");
    s->no_service_s = optional_seconds(b, l, "no-service");
    s->after_s = optional_seconds(b, l, "after");
    take_places(b, s, build_need(b, l, "to"));
}

static void take_non_standard(struct build *b, const struct build_line *l)
{
    if (text_is(l->word, "multi-imsi"))
        b->section->multi_imsi.timer_s = (uint16_t)build_number(b, build_need(b, l, "timer"));
    else if (text_is(l->word, "imsi"))
        take_subscription(b, l);
    else if (text_is(l->word, "local-switch"))
        take_local_switch(b, l);
    else
        build_fail(b, ERR_BAD_VALUE, "nonStandard has no %.*s", (int)l->word.len, (const char *)l->word.ptr);
}

static void finish_non_standard(struct build *b)
{
    struct pe_non_standard *n = b->elements[b->element_count - 1].as.non_standard;
    bool switches = b->section->switches;
    struct multi_imsi imsis;
    struct local_switch local;
    struct writer w = wr_arena(b->a, 2048);
    if (switches)
        local_switch_write(&w, &b->section->local_switch);
    else
        multi_imsi_write(&w, &b->section->multi_imsi);
    if (switches && (b->section->multi_imsi.count || local_switch_parse(wr_span(&w), &local) != ERR_NONE))
        build_fail(b, ERR_BAD_VALUE, "[nonStandard]: one local-switch line that ever acts, and nothing else");
    if (!switches && (w.err != ERR_NONE || multi_imsi_parse(wr_span(&w), &imsis) != ERR_NONE))
        build_fail(b, ERR_BAD_VALUE, "[nonStandard]: multi-imsi with a timer, then one IMSI at least");
    n->header.mandated = false; /* other cards leave it out */
    n->issuer = switches ? local_switch_issuer : multi_imsi_issuer;
    n->content = wr_span(&w);
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

static void take_iot_options(struct build *b, struct profile_header *h, struct span content)
{
    h->iot = ARENA_NEW(b->a, struct iot_options);
    if (h->iot)
        h->iot->pix = build_octets(b, content);
    else
        build_fail(b, ERR_NO_SPACE, "no memory");
    b->services |= SERVICE_BIT(SERVICE_USIM);
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
    else if (text_is(l->word, "iot-pix"))
        take_iot_options(b, h, l->content);
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
        build_take_generic(b, l);
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
    case PE_NON_STANDARD:
        take_non_standard(b, l);
        break;
    default:
        if (b->section->kind >= PE_FIRST_FILESYSTEM)
            build_take_file(b, l);
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
    } else if (s->kind == PE_NON_STANDARD) {
        finish_non_standard(b);
    }
}
