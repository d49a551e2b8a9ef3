#include "field.h"

#include "lib/codec/datetime.h"
#include "lib/codec/hex.h"

static void missing(struct field_writer *e, const struct xml_field *f)
{
    if (e->w->err == ERR_NONE)
        e->missing = f->name;
    wr_fail(e->w, ERR_MISSING);
}

static bool all_zero(const uint8_t *p, size_t len)
{
    while (len && *p == 0) {
        p++;
        len--;
    }
    return len == 0;
}

/* Nothing to say: an empty span, pointer or text, or a zero. */
static bool is_empty(const struct xml_field *f, const uint8_t *owner)
{
    size_t count;
    const void *pointer;
    if (f->flags & (REPEATED | COUNTED)) {
        memcpy(&count, owner + f->aux, sizeof count);
        return count == 0;
    }
    if (f->flags & HAS)
        return !*(const bool *)(owner + f->aux);
    if (f->flags & POINTER) {
        memcpy(&pointer, owner + f->offset, sizeof pointer);
        return !pointer;
    }
    switch (f->type) {
    case XML_TEXT:
    case XML_HEX:
    case XML_RAW:
        return ((const struct span *)(const void *)(owner + f->offset))->len == 0;
    case XML_IMSI:
        return !((const struct subscription_address *)(owner + f->offset))->imsi[0];
    case XML_MSISDN:
        return !((const struct subscription_address *)(owner + f->offset))->msisdn[0];
    case XML_GROUP:
    case XML_SIGNED:
        return false;
    default:
        return all_zero(owner + f->offset, field_size(f));
    }
}

/* Values that a mandatory element cannot be without. */
static bool must_have_text(const struct xml_field *f)
{
    switch (f->type) {
    case XML_TEXT:
    case XML_HEX:
        return f->min > 0;
    case XML_EID:
    case XML_ICCID:
    case XML_OID:
    case XML_AID:
    case XML_TIME:
    case XML_VERSION:
    case XML_STATE:
    case XML_RAW:
        return true;
    case XML_STRUCT:
        return f->flags & POINTER;
    default:
        return f->flags & REPEATED;
    }
}

static void wr_number(struct writer *w, uint64_t n)
{
    char digits[20];
    size_t i = sizeof digits;
    do {
        digits[--i] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    wr_bytes(w, (struct span){ (const uint8_t *)digits + i, sizeof digits - i });
}

static void wr_number_of(struct field_writer *e, const struct xml_field *f, const void *in)
{
    uint64_t n = f->type == XML_U8    ? *(const uint8_t *)in
                 : f->type == XML_U32 ? *(const uint32_t *)in
                                      : *(const uint64_t *)in;
    if (n < f->min || (f->max && n > f->max))
        wr_fail(e->w, ERR_BAD_VALUE);
    wr_number(e->w, n);
}

static void wr_aid(struct field_writer *e, const struct xml_field *f, const struct aid *aid)
{
    static const uint8_t zeroes[AID_MAX];
    wr_hex(e->w, aid->len || !(f->flags & ZERO_FILLED) ? aid_span(aid) : SPAN_OF(zeroes));
}

static void wr_enum(struct field_writer *e, const struct xml_field *f, const void *in)
{
    int value;
    memcpy(&value, in, sizeof value);
    if (value < 0 || (uint32_t)value >= f->max || !f->names[value][0])
        wr_fail(e->w, ERR_BAD_VALUE);
    else
        wr_text(e->w, f->names[value]);
}

static void wr_hex16(struct writer *w, uint16_t n)
{
    uint8_t octets[2] = { (uint8_t)(n >> 8), (uint8_t)n };
    wr_hex(w, SPAN_OF(octets));
}

static void wr_simple(struct field_writer *e, const struct xml_field *f, const void *in)
{
    char text[EID_TEXT_SIZE > DATETIME_TEXT_SIZE ? EID_TEXT_SIZE : DATETIME_TEXT_SIZE];
    switch (f->type) {
    case XML_TEXT:
        (f->flags & ATTRIBUTE ? wr_xml_attribute : wr_xml_text)(e->w, *(const struct span *)in);
        return;
    case XML_HEX:
        wr_hex(e->w, *(const struct span *)in);
        return;
    case XML_EID:
        wr_text(e->w, eid_text(in, text));
        return;
    case XML_AID:
        wr_aid(e, f, in);
        return;
    case XML_TAR:
        wr_hex(e->w, (struct span){ in, TAR_LEN });
        return;
    case XML_BOOL:
        wr_text(e->w, *(const bool *)in ? "true" : "false");
        return;
    case XML_U8:
    case XML_U32:
    case XML_U64:
        wr_number_of(e, f, in);
        return;
    case XML_HEX8:
        wr_hex(e->w, (struct span){ in, 1 });
        return;
    case XML_HEX16:
        wr_hex16(e->w, *(const uint16_t *)in);
        return;
    case XML_TIME:
        wr_text(e->w, datetime_text(*(const uint64_t *)in, text));
        return;
    case XML_STATE:
        if (*(const enum profile_state *)in < PROFILE_CREATED)
            wr_fail(e->w, ERR_BAD_VALUE);
        wr_text(e->w, profile_state_text(*(const enum profile_state *)in));
        return;
    case XML_IMSI:
        wr_text(e->w, ((const struct subscription_address *)in)->imsi);
        return;
    case XML_MSISDN:
        wr_text(e->w, ((const struct subscription_address *)in)->msisdn);
        return;
    case XML_ENUM:
        wr_enum(e, f, in);
        return;
    default: /* XML_ICCID, XML_OID, XML_VERSION: text with NUL */
        wr_xml_text(e->w, span_text(in));
    }
}

static void wr_pol2(struct field_writer *e, const struct pol2 *pol2)
{
    struct wire_rule rules[POL2_RULES_MAX];
    struct wire_pol2 wire = { rules, 0 };
    for (int q = 0; q < POL2_QUALIFICATION_COUNT; q++)
        for (int a = 0; a < POL2_ACTION_COUNT; a++)
            if (pol2_has(*pol2, (enum pol2_action)a, (enum pol2_qualification)q))
                rules[wire.count++] =
                    (struct wire_rule){ SPAN_LIT("PROFILE"), span_text(pol2_action_xml((enum pol2_action)a)),
                                        span_text(pol2_qualification_xml((enum pol2_qualification)q)) };
    fields_encode(e, &es_table_wire_pol2, &wire);
}

static void wr_status(struct field_writer *e, const struct status *s)
{
    struct status told = *s;
    codes_give(e->dialect.codes, &told);
    struct wire_status wire = {
        .status = span_text(exec_status_xml(told.exec)),
        .has_code = told.exec != EXECUTED_SUCCESS,
        .code = { span_text(told.subject), span_text(told.code), span_text(told.subject_id), span_text(told.detail) },
    };
    fields_encode(e, &es_table_wire_status, &wire);
}

static void wr_tag_name(struct writer *w, const char *open, const char *name)
{
    wr_text(w, open);
    wr_text(w, ES_PREFIX ":");
    wr_text(w, name);
}

static void wr_attributes(struct field_writer *e, const struct xml_table *t, const uint8_t *in)
{
    for (size_t i = 0; i < t->count && t->fields[i].flags & ATTRIBUTE; i++) {
        wr_text(e->w, " ");
        wr_text(e->w, t->fields[i].name);
        wr_text(e->w, "=\"");
        wr_simple(e, &t->fields[i], in + t->fields[i].offset);
        wr_text(e->w, "\"");
    }
}

static void wr_element(struct field_writer *e, const struct xml_field *f, const void *in, const void *owner)
{
    wr_tag_name(e->w, "<", f->name);
    if (f->type == XML_STRUCT)
        wr_attributes(e, f->table, in);
    wr_text(e->w, ">");
    switch (f->type) {
    case XML_POL2:
        wr_pol2(e, in);
        break;
    case XML_STATUS:
        wr_status(e, in);
        break;
    case XML_STRUCT:
        fields_encode(e, f->table, in);
        break;
    case XML_GROUP:
    case XML_SIGNED:
        fields_encode(e, f->table, owner);
        break;
    default:
        wr_simple(e, f, in);
    }
    wr_tag_name(e->w, "</", f->name);
    wr_text(e->w, ">");
}

static void wr_items(struct field_writer *e, const struct xml_field *f, const uint8_t *owner)
{
    size_t count, size = field_size(f);
    const uint8_t *items;
    memcpy(&count, owner + f->aux, sizeof count);
    memcpy(&items, owner + f->offset, sizeof items);
    if (count > f->max)
        wr_fail(e->w, ERR_TOO_LONG);
    for (size_t i = 0; i < count && e->w->err == ERR_NONE; i++)
        wr_element(e, f, items + i * size, owner);
}

static void encode_field(struct field_writer *e, const struct xml_field *f, const uint8_t *owner)
{
    const void *in = owner + f->offset;
    bool empty = is_empty(f, owner);
    if (f->flags & ONLY_V4 && !e->dialect.v4)
        return;
    if (empty && f->flags & ZERO_FILLED)
        empty = false;
    if (empty && (!(f->flags & (REQUIRED | FULL)) || (f->flags & FULL && e->partial)))
        return;
    if (empty && must_have_text(f)) {
        missing(e, f);
        return;
    }
    if (f->flags & REPEATED) {
        wr_items(e, f, owner);
        return;
    }
    if (f->flags & POINTER)
        memcpy(&in, owner + f->offset, sizeof in);
    if (f->type == XML_RAW)
        wr_bytes(e->w, *(const struct span *)in);
    else if (f->type == XML_SIGNED && ((const struct eis *)(const void *)owner)->signed_info.len)
        wr_bytes(e->w, ((const struct eis *)(const void *)owner)->signed_info);
    else
        wr_element(e, f, in, owner);
}

void fields_encode(struct field_writer *e, const struct xml_table *t, const void *in)
{
    bool around = e->partial;
    if (t == &es_table_eis)
        e->partial = ((const struct eis *)in)->partial;
    for (size_t i = 0; i < t->count && e->w->err == ERR_NONE; i++)
        if (!(t->fields[i].flags & ATTRIBUTE))
            encode_field(e, &t->fields[i], in);
    e->partial = around;
}
