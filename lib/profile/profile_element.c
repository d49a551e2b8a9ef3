#include "profile_element.h"

#define TAG_CONTEXT_CONSTRUCTED 0xA0u

static const struct {
    const char *name;
    const struct der_type *type;
} elements[PE_KIND_COUNT] = {
    [PE_HEADER] = { "header", &profile_header_type },
    [PE_GENERIC_FILE_MANAGEMENT] = { "genericFileManagement", &pe_generic_file_management_type },
    [PE_PIN_CODES] = { "pinCodes", &pe_pin_codes_type },
    [PE_PUK_CODES] = { "pukCodes", &pe_puk_codes_type },
    [PE_AKA_PARAMETER] = { "akaParameter", &pe_aka_type },
    [PE_CDMA_PARAMETER] = { "cdmaParameter", &pe_cdma_type },
    [PE_SECURITY_DOMAIN] = { "securityDomain", &pe_security_domain_type },
    [PE_RFM] = { "rfm", &pe_rfm_type },
    [PE_APPLICATION] = { "application", &pe_application_type },
    [PE_NON_STANDARD] = { "nonStandard", &pe_non_standard_type },
    [PE_END] = { "end", &pe_end_type },
    [PE_RFU1] = { "rfu1", NULL },
    [PE_RFU2] = { "rfu2", NULL },
    [PE_RFU3] = { "rfu3", NULL },
    [PE_RFU4] = { "rfu4", NULL },
    [PE_RFU5] = { "rfu5", NULL },
    [PE_MF] = { "mf", &pe_filesystem_type },
    [PE_CD] = { "cd", &pe_filesystem_type },
    [PE_TELECOM] = { "telecom", &pe_filesystem_type },
    [PE_USIM] = { "usim", &pe_filesystem_type },
    [PE_OPT_USIM] = { "opt-usim", &pe_filesystem_type },
    [PE_ISIM] = { "isim", &pe_filesystem_type },
    [PE_OPT_ISIM] = { "opt-isim", &pe_filesystem_type },
    [PE_PHONEBOOK] = { "phonebook", &pe_filesystem_type },
    [PE_GSM_ACCESS] = { "gsm-access", &pe_filesystem_type },
    [PE_CSIM] = { "csim", &pe_filesystem_type },
    [PE_OPT_CSIM] = { "opt-csim", &pe_filesystem_type },
    [PE_EAP] = { "eap", &pe_filesystem_type },
    [PE_DF_5GS] = { "df-5gs", &pe_filesystem_type },
    [PE_DF_SAIP] = { "df-saip", &pe_filesystem_type },
    [PE_DF_SNPN] = { "df-snpn", &pe_filesystem_type },
    [PE_DF_5GPROSE] = { "df-5gprose", &pe_filesystem_type },
    [PE_IOT] = { "iot", &pe_filesystem_type },
    [PE_OPT_IOT] = { "opt-iot", &pe_filesystem_type },
};

const char *pe_name(enum pe_kind kind) { return kind < PE_KIND_COUNT ? elements[kind].name : "unknown"; }
const struct der_type *pe_type(enum pe_kind kind) { return kind < PE_KIND_COUNT ? elements[kind].type : NULL; }
uint32_t pe_tag(enum pe_kind kind) { return pe_member_tag(kind); }

bool pe_kind_of(uint32_t tag, enum pe_kind *ret)
{
    unsigned number = pe_member_number(tag);
    if ((number == 0 && tag != TAG_CONTEXT_CONSTRUCTED) || number >= PE_KIND_COUNT || !elements[number].type)
        return false;
    *ret = (enum pe_kind)number;
    return true;
}

static enum err single(struct span raw, struct tlv *ret)
{
    struct reader r = rd_of(raw);
    if (!tlv_next(&r, ret))
        return r.err == ERR_NONE ? ERR_TRUNCATED : r.err;
    return rd_at_end(&r) ? ERR_NONE : ERR_TOO_LONG;
}

/* Files that no version we know has are left out. */
static void drop_unknown_files(struct der *d, enum pe_kind kind, struct pe_filesystem *pe)
{
    size_t kept = 0;
    for (size_t i = 0; i < pe->files.count; i++) {
        struct pe_file *file = &pe->files.items[i];
        if (pe_member_name(kind, file->tag))
            pe->files.items[kept++] = *file;
        else if (!d->unknown_tag)
            d->unknown_tag = file->tag;
    }
    pe->files.count = kept;
    if (!kept)
        pe->files.items = NULL;
}

enum err pe_decode(struct der *d, struct span raw, struct profile_element *ret)
{
    struct tlv t;
    enum pe_kind kind;
    enum err err = single(raw, &t);
    if (err != ERR_NONE)
        return err;
    if (!pe_kind_of(t.tag, &kind))
        return ERR_UNSUPPORTED;

    const struct der_type *type = pe_type(kind);
    void *value = arena_alloc(d->arena, type->size);
    if (!value)
        return ERR_NO_SPACE;
    err = der_decode(d, type, t.val, value);
    if (err != ERR_NONE)
        return err;
    if (kind >= PE_FIRST_FILESYSTEM)
        drop_unknown_files(d, kind, value);
    *ret = (struct profile_element){ .kind = kind, .as.any = value };
    return ERR_NONE;
}

void pe_encode(struct writer *w, const struct profile_element *pe)
{
    size_t mark = wr_tlv_open(w, pe_tag(pe->kind));
    der_encode(w, pe_type(pe->kind), pe->as.any);
    wr_tlv_close(w, mark);
}

bool pe_equal(const struct profile_element *a, const struct profile_element *b, struct arena *scratch)
{
    if (a->kind != b->kind)
        return false;
    size_t cap = (scratch->ceiling - scratch->used) / 2;
    struct writer first = wr_arena(scratch, cap > PE_ENCODED_MAX ? PE_ENCODED_MAX : cap);
    struct writer second = wr_arena(scratch, first.cap);
    pe_encode(&first, a);
    pe_encode(&second, b);
    return first.err == ERR_NONE && second.err == ERR_NONE && span_eq(wr_span(&first), wr_span(&second));
}

bool pe_peek(struct span raw, struct pe_header *ret)
{
    struct reader r = rd_of(raw);
    struct tlv t;
    struct der d = { 0 }; /* a PEHeader needs no memory */
    uint8_t first = rd_u8(&r);

    if ((first & 0x1F) == 0x1F)
        rd_u8(&r);
    uint8_t length = rd_u8(&r);
    if (length & 0x80)
        rd_span(&r, length & 0x7F);
    if (first == TAG_CONTEXT_CONSTRUCTED || !tlv_next(&r, &t) || t.tag != TAG_CONTEXT_CONSTRUCTED)
        return false;
    struct pe_header header;
    if (der_decode(&d, &pe_header_type, t.val, &header) != ERR_NONE)
        return false;
    *ret = header;
    return true;
}

const struct pe_header *pe_header_of(const struct profile_element *pe)
{
    return pe->kind == PE_HEADER ? NULL : pe->as.any; /* every other element begins with it */
}
