/* The rules that span elements. */
#include "lint_private.h"
#include "local_switch.h"
#include "multi_imsi.h"

#define FID_ICCID 0x2FE2u
#define FID_DIR   0x2F00u
#define FID_IMSI  0x6F07u
#define FID_ACC   0x6F78u
#define FID_UST   0x6F38u

/* ---- order ---- */

static bool is_file_element(enum pe_kind kind)
{
    return (kind >= PE_FIRST_FILESYSTEM && kind < PE_KIND_COUNT) || kind == PE_GENERIC_FILE_MANAGEMENT;
}

static bool is_ours(struct span issuer)
{
    return span_eq(issuer, multi_imsi_issuer) || span_eq(issuer, local_switch_issuer);
}

static void rule_ends(struct lint *l)
{
    if (l->count == 0 || l->elements[0].pe.kind != PE_HEADER)
        lint_say(l, LINT_ERROR, 0, "the ProfileHeader does not come first");
    for (size_t i = 1; i < l->count; i++) {
        enum pe_kind kind = l->elements[i].pe.kind;
        if (kind == PE_HEADER)
            lint_say(l, LINT_ERROR, i, "a second ProfileHeader");
        if (kind == PE_MF && i != 1)
            lint_say(l, LINT_ERROR, i, "the MF does not follow the header, or comes twice");
        if (kind == PE_APPLICATION)
            lint_say(l, LINT_ERROR, i, "an application: eUICCs without a runtime refuse the package");
        if (kind == PE_NON_STANDARD && !is_ours(l->elements[i].pe.as.non_standard->issuer))
            lint_say(l, LINT_WARNING, i, "a non-standard element");
    }
    if (l->count > 1 && !is_file_element(l->elements[1].pe.kind))
        lint_say(l, LINT_ERROR, 1, "the MF is missing behind the header");
}

static void rule_order(struct lint *l)
{
    bool sd = false, puk = false;
    for (size_t i = 0; i < l->count; i++) {
        enum pe_kind kind = l->elements[i].pe.kind;
        if ((kind == PE_AKA_PARAMETER || kind == PE_CDMA_PARAMETER) && l->elements[i].adf == LINT_NONE)
            lint_say(l, LINT_ERROR, i, "%s before any network application", pe_name(kind));
        if (kind == PE_PUK_CODES && puk)
            lint_say(l, LINT_ERROR, i, "PUKs twice");
        if (kind == PE_RFM && !sd)
            lint_say(l, LINT_ERROR, i, "rfm before any security domain");
        if (sd && is_file_element(kind))
            lint_say(l, LINT_WARNING, i, "%s behind a security domain", pe_name(kind));
        sd = sd || kind == PE_SECURITY_DOMAIN;
        puk = puk || kind == PE_PUK_CODES;
    }
    if (!sd)
        lint_say(l, LINT_WARNING, l->count ? l->count - 1 : 0,
                 "no security domain: the operator cannot manage this profile");
}

static void rule_identification(struct lint *l)
{
    for (size_t i = 1; i < l->count; i++)
        for (size_t k = 1; k < i && l->elements[i].pe.kind < PE_KIND_COUNT; k++) {
            if (l->elements[k].pe.kind >= PE_KIND_COUNT || l->elements[k].pe.kind == PE_HEADER)
                continue;
            const struct pe_header *a = pe_header_of(&l->elements[i].pe), *b = pe_header_of(&l->elements[k].pe);
            if (a && b && a->identification == b->identification)
                lint_say(l, LINT_ERROR, i, "identification %u is used twice", a->identification);
        }
}

/* ---- header ---- */

static bool uses_algorithm(const struct lint *l, uint32_t algorithm, size_t key_len)
{
    for (size_t i = 0; i < l->count; i++) {
        if (l->elements[i].pe.kind != PE_AKA_PARAMETER)
            continue;
        const struct aka_algo *a = l->elements[i].pe.as.aka->configuration->algo;
        if (a && a->algorithm == algorithm && (key_len == 0 || a->key.len == key_len))
            return true;
    }
    return false;
}

static bool has_element(const struct lint *l, enum pe_kind kind)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->elements[i].pe.kind == kind)
            return true;
    return false;
}

static bool has_structure(const struct lint *l, enum file_structure structure)
{
    for (size_t i = 0; i < l->file_count; i++)
        if (l->files[i].spec.structure == structure)
            return true;
    return false;
}

static bool links_dfs(const struct lint *l)
{
    for (size_t i = 0; i < l->file_count; i++)
        if (l->files[i].spec.structure == FILE_DF && l->files[i].spec.link)
            return true;
    return false;
}

static void rule_services(struct lint *l, const struct services *s)
{
    const struct {
        enum service service;
        bool used, exact; /* exact: listed and not used is a finding, too */
    } rules[] = {
        { SERVICE_USIM, l->adf[0] != LINT_NONE, true },
        { SERVICE_ISIM, l->adf[1] != LINT_NONE, true },
        { SERVICE_CSIM, l->adf[2] != LINT_NONE, true },
        { SERVICE_MILENAGE, uses_algorithm(l, ALGORITHM_MILENAGE, 0), true },
        { SERVICE_TUAK128, uses_algorithm(l, ALGORITHM_TUAK, 16), true },
        { SERVICE_TUAK256, uses_algorithm(l, ALGORITHM_TUAK, 32), true },
        { SERVICE_TEST_ALGORITHM, uses_algorithm(l, ALGORITHM_TEST, 0), true },
        { SERVICE_BER_TLV, has_structure(l, FILE_BER_TLV), true },
        { SERVICE_DF_LINK, links_dfs(l), true },
        { SERVICE_CAVE, has_element(l, PE_CDMA_PARAMETER), false },
        { SERVICE_JAVACARD, has_element(l, PE_APPLICATION), false },
    };
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        bool listed = s->has[rules[i].service];
        if (listed && !rules[i].used)
            lint_say(l, rules[i].exact ? LINT_ERROR : LINT_WARNING, 0, "the service %s is demanded and not used",
                     service_name(rules[i].service));
        if (!listed && rules[i].used && rules[i].exact)
            lint_say(l, LINT_WARNING, 0, "the service %s is used and not demanded", service_name(rules[i].service));
    }
}

static bool listed(const struct profile_header *h, struct span oid)
{
    for (size_t i = 0; i < h->templates.count; i++)
        if (span_eq(h->templates.items[i], oid))
            return true;
    return false;
}

static void rule_templates(struct lint *l, const struct profile_header *h)
{
    for (size_t i = 0; i < h->templates.count; i++) {
        bool used = false;
        for (size_t k = 0; k < l->count; k++) {
            enum pe_kind kind = l->elements[k].pe.kind;
            used = used || (kind >= PE_FIRST_FILESYSTEM && kind < PE_KIND_COUNT &&
                            span_eq(l->elements[k].pe.as.files->template_id, h->templates.items[i]));
        }
        if (!used)
            lint_say(l, LINT_WARNING, 0, "template %zu of the header is not used", i + 1);
    }
    for (size_t k = 0; k < l->count; k++) {
        enum pe_kind kind = l->elements[k].pe.kind;
        if (kind >= PE_FIRST_FILESYSTEM && kind < PE_KIND_COUNT && !listed(h, l->elements[k].pe.as.files->template_id))
            lint_say(l, LINT_ERROR, k, "the header does not list the template of %s", pe_name(kind));
    }
}

/* Digits of a number in BCD with filler F; false when there is anything else. */
static size_t digits(struct span bcd, bool swapped, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < 2 * bcd.len; i++) {
        uint8_t octet = bcd.ptr[i / 2], nibble = (i % 2 == 0) == swapped ? octet & 0x0F : octet >> 4;
        if (nibble > 9)
            break;
        out[n++] = (char)('0' + nibble);
    }
    return n;
}

static bool luhn_holds(const char *number, size_t len)
{
    unsigned sum = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned d = (unsigned)(number[len - 1 - i] - '0');
        d = i % 2 ? 2 * d : d;
        sum += d > 9 ? d - 9 : d;
    }
    return sum % 10 == 0;
}

static void rule_iccid(struct lint *l, const struct profile_header *h)
{
    char number[20], of_file[20];
    size_t len = digits(h->iccid, false, number);
    uint16_t file = lint_child(l, 0, FID_ICCID);
    if (len < 18)
        lint_say(l, LINT_ERROR, 0, "the ICCID has %zu digits", len);
    else if (!luhn_holds(number, len))
        lint_say(l, LINT_WARNING, 0, "the check digit of the ICCID is wrong");
    if (file == LINT_NONE || !l->files[file].body) {
        lint_say(l, LINT_ERROR, 0, "there is no EF.ICCID");
        return;
    }
    size_t file_len =
        digits((struct span){ l->files[file].body, l->files[file].spec.size < 10 ? 0 : 10 }, true, of_file);
    if (file_len != len || memcmp(number, of_file, len))
        lint_say(l, LINT_ERROR, l->files[file].element, "EF.ICCID is not the header's ICCID");
}

static void rule_header(struct lint *l)
{
    if (l->count == 0 || l->elements[0].pe.kind != PE_HEADER)
        return;
    const struct profile_header *h = l->elements[0].pe.as.header;
    if (h->major_version < 2 || h->major_version > 3)
        lint_say(l, LINT_ERROR, 0, "version %u.%u", h->major_version, h->minor_version);
    if (h->pol.len > 1 || (h->pol.len && h->pol.ptr[0] > 7))
        lint_say(l, LINT_ERROR, 0, "POL1 is one octet, 00 to 07");
    rule_services(l, h->services);
    rule_templates(l, h);
    rule_iccid(l, h);
}

/* ---- applications in files ---- */

static bool dir_names(const struct lint_file *dir, struct span aid)
{
    for (uint32_t at = 0; dir->spec.record_len && at + dir->spec.record_len <= dir->spec.size;
         at += dir->spec.record_len) {
        struct span record = { dir->body + at, dir->spec.record_len }, app, name;
        if (tlv_find(record, 0x61, &app) && tlv_find(app, 0x4F, &name) && span_eq(name, aid))
            return true;
    }
    return false;
}

static void rule_dir(struct lint *l)
{
    uint16_t dir = l->file_count ? lint_child(l, 0, FID_DIR) : LINT_NONE;
    if (dir == LINT_NONE || !l->files[dir].body) {
        lint_say(l, LINT_ERROR, 0, "there is no EF.DIR");
        return;
    }
    for (size_t i = 0; i < l->file_count; i++)
        if (l->files[i].spec.adf && !dir_names(&l->files[dir], l->files[i].spec.df_name))
            lint_say(l, LINT_ERROR, l->files[i].element, "EF.DIR does not name the application %s", l->files[i].name);
}

static void check_imsi(struct lint *l, uint16_t usim)
{
    uint16_t imsi = lint_child(l, usim, FID_IMSI), acc = lint_child(l, usim, FID_ACC);
    if (imsi == LINT_NONE || !l->files[imsi].body || l->files[imsi].spec.size < 9) {
        lint_say(l, LINT_ERROR, l->files[usim].element, "the USIM has no EF.IMSI");
        return;
    }
    const uint8_t *b = l->files[imsi].body;
    char number[20];
    size_t element = l->files[imsi].element;
    size_t octets = b[0] >= 1 && b[0] <= 8 ? b[0] : 0,
           len = octets ? digits((struct span){ b + 1, octets }, true, number) : 0;
    if (len < 7) {
        lint_say(l, LINT_ERROR, element, "EF.IMSI holds no IMSI");
        return;
    }
    bool odd = (len - 1) % 2 == 1;
    if ((b[1] & 0x0F) != (odd ? 9 : 1))
        lint_say(l, LINT_ERROR, element, "the parity of EF.IMSI is wrong");
    if (acc == LINT_NONE || !l->files[acc].body || l->files[acc].spec.size < 2)
        return;
    unsigned classes = (unsigned)(l->files[acc].body[0] << 8 | l->files[acc].body[1]);
    if (!(classes & 1u << (number[len - 1] - '0')))
        lint_say(l, LINT_WARNING, element, "EF.ACC does not have the class of the IMSI's last digit");
}

/* Services of EF.UST whose file must be there (TS 31.102). */
static const struct {
    uint8_t service;
    uint16_t fid;
    const char *name;
} ust_files[] = {
    { 2, 0x6F3B, "EF.FDN" },        { 10, 0x6F3C, "EF.SMS" },       { 11, 0x6F47, "EF.SMSR" },
    { 12, 0x6F42, "EF.SMSP" },      { 15, 0x6F45, "EF.CBMI" },      { 16, 0x6F50, "EF.CBMIR" },
    { 17, 0x6F3E, "EF.GID1" },      { 18, 0x6F3F, "EF.GID2" },      { 19, 0x6F46, "EF.SPN" },
    { 20, 0x6F60, "EF.PLMNwAcT" },  { 21, 0x6F40, "EF.MSISDN" },    { 27, 0x5F3B, "DF.GSM-ACCESS" },
    { 42, 0x6F61, "EF.OPLMNwAcT" }, { 43, 0x6F62, "EF.HPLMNwAcT" }, { 45, 0x6FC5, "EF.PNN" },
    { 46, 0x6FC6, "EF.OPL" },       { 47, 0x6FC7, "EF.MBDN" },      { 48, 0x6FCA, "EF.MWIS" },
    { 51, 0x6FCD, "EF.SPDI" },      { 71, 0x6FD9, "EF.EHPLMN" },    { 85, 0x6FE3, "EF.EPSLOCI" },
    { 122, 0x5FC0, "DF.5GS" },
};

static void check_ust(struct lint *l, uint16_t usim)
{
    uint16_t ust = lint_child(l, usim, FID_UST);
    if (ust == LINT_NONE || !l->files[ust].body) {
        lint_say(l, LINT_ERROR, l->files[usim].element, "the USIM has no EF.UST");
        return;
    }
    const struct lint_file *f = &l->files[ust];
    for (size_t i = 0; i < ARRAY_LEN(ust_files); i++) {
        unsigned bit = ust_files[i].service - 1u;
        bool on = bit / 8 < f->spec.size && f->body[bit / 8] >> (bit % 8) & 1;
        if (on && lint_child(l, usim, ust_files[i].fid) == LINT_NONE)
            lint_say(l, LINT_WARNING, f->element, "EF.UST has service %u, but there is no %s", ust_files[i].service,
                     ust_files[i].name);
    }
}

static bool has_keys(const struct lint *l, uint16_t adf)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->elements[i].pe.kind == PE_AKA_PARAMETER && l->elements[i].adf == adf)
            return true;
    return false;
}

static void rule_applications(struct lint *l)
{
    for (uint16_t i = 0; i < l->file_count; i++) {
        if (!l->files[i].spec.adf || (i != l->adf[0] && i != l->adf[1]))
            continue;
        if (!has_keys(l, i))
            lint_say(l, LINT_ERROR, l->files[i].element, "%s has no keys to authenticate with", l->files[i].name);
        if (i == l->adf[0]) {
            check_imsi(l, i);
            check_ust(l, i);
        }
    }
}

/* ---- PINs ---- */

static bool has_pin(const struct lint *l, uint16_t context, uint32_t reference, unsigned depth)
{
    for (size_t i = 0; i < l->pin_count; i++)
        if (l->pins[i].context == context &&
            (l->pins[i].reference == reference ||
             (l->pins[i].reference == 0 && depth < 8 && has_pin(l, l->pins[i].with, reference, depth + 1))))
            return true;
    return false;
}

static bool resolves(const struct lint *l, uint16_t df, uint32_t reference)
{
    bool iot = l->count && l->elements[0].pe.kind == PE_HEADER && l->elements[0].pe.as.header->iot;
    if (reference < 0x81 || reference > 0x88)
        return has_pin(l, 0, reference, 0) || (iot && (reference == 0x01 || reference == 0x0A)); /* the card's own */
    for (; df != LINT_NONE && df != 0; df = l->files[df].parent)
        if (has_pin(l, df, reference, 0))
            return true;
    return false;
}

static void rule_pins(struct lint *l)
{
    for (uint16_t i = 0; i < l->file_count; i++) {
        const struct lint_file *f = &l->files[i];
        for (size_t k = 0; k < f->spec.pin_status.len; k++)
            if (!resolves(l, i, f->spec.pin_status.ptr[k]))
                lint_say(l, LINT_ERROR, f->element, "%s refers to PIN %02X, which is not there", f->name,
                         f->spec.pin_status.ptr[k]);
    }
}

static bool has_puk(const struct lint *l, uint32_t reference)
{
    for (size_t i = 0; i < l->count; i++)
        for (size_t k = 0; l->elements[i].pe.kind == PE_PUK_CODES && k < l->elements[i].pe.as.puks->puks.count; k++)
            if (l->elements[i].pe.as.puks->puks.items[k].key_reference == reference)
                return true;
    return false;
}

static void rule_puks(struct lint *l)
{
    for (size_t i = 0; i < l->count; i++) {
        if (l->elements[i].pe.kind != PE_PIN_CODES)
            continue;
        const struct pin_codes *codes = l->elements[i].pe.as.pins->codes;
        for (size_t k = 0; k < codes->pins.count; k++)
            if (codes->pins.items[k].puk_reference != DER_ABSENT && !has_puk(l, codes->pins.items[k].puk_reference))
                lint_say(l, LINT_ERROR, i, "PIN %02X refers to PUK %02X, which is not there",
                         codes->pins.items[k].key_reference, codes->pins.items[k].puk_reference);
    }
}

/* ---- remote management ---- */

static void rule_rfm(struct lint *l)
{
    for (size_t i = 0; i < l->count; i++) {
        if (l->elements[i].pe.kind != PE_RFM)
            continue;
        const struct pe_rfm *rfm = l->elements[i].pe.as.rfm;
        bool found = rfm->adf == NULL;
        for (size_t k = 0; !found && k < l->file_count; k++)
            found = l->files[k].spec.adf && span_eq(l->files[k].spec.df_name, rfm->adf->aid);
        if (!found)
            lint_say(l, LINT_ERROR, i, "rfm names an application that is not there");
    }
}

static void rule_keys(struct lint *l)
{
    for (size_t i = 0; i < l->count; i++) {
        if (l->elements[i].pe.kind != PE_SECURITY_DOMAIN)
            continue;
        const struct pe_security_domain *sd = l->elements[i].pe.as.sd;
        for (size_t k = 0; k < sd->keys.count; k++) {
            size_t len = sd->keys.items[k].components.items[0].data.len;
            uint8_t type = sd->keys.items[k].components.items[0].type.ptr[0];
            if ((type == 0x88 && len != 16 && len != 24 && len != 32) || (type == 0x80 && len != 16 && len != 24))
                lint_say(l, LINT_ERROR, i, "key %zu has %zu octets, not what its type wants", k + 1, len);
        }
    }
}

void lint_rules(struct lint *l)
{
    static void (*const rules[])(struct lint *) = { rule_ends, rule_order,        rule_identification, rule_header,
                                                    rule_dir,  rule_applications, rule_pins,           rule_puks,
                                                    rule_rfm,  rule_keys };
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        rules[i](l);
}
