#include "field.h"

#include "lib/codec/datetime.h"
#include "lib/codec/hex.h"

static bool body_fault(struct field_reader *d, const struct xml_field *f, enum reason reason, const char *what)
{
    if (d->fault->kind == ES_FAULT_NONE)
        es_fault_body(d->fault, reason, "%s: %s", f->name, what);
    return false;
}

static bool no_memory(struct field_reader *d)
{
    es_fault_set(d->fault, ES_FAULT_NO_MEMORY, "the message takes too much memory");
    return false;
}

/* --- decoding simple values ------------------------------------------------------------------------------------ */

static enum err number(struct span text, uint64_t min, uint64_t max, uint64_t *ret)
{
    uint64_t n = 0;
    if (text.len && text.ptr[0] == '+')
        text = span_from(text, 1);
    if (text.len == 0)
        return ERR_BAD_VALUE;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = text.ptr[i] - '0' + 0u;
        if (digit > 9 || n > (UINT64_MAX - digit) / 10)
            return ERR_BAD_VALUE;
        n = n * 10 + digit;
    }
    if (n < min || n > max)
        return ERR_BAD_VALUE;
    *ret = n;
    return ERR_NONE;
}

static enum err boolean(struct span text, bool *ret)
{
    bool yes = span_eq(text, SPAN_LIT("true")) || span_eq(text, SPAN_LIT("1"));
    if (!yes && !span_eq(text, SPAN_LIT("false")) && !span_eq(text, SPAN_LIT("0")))
        return ERR_BAD_VALUE;
    *ret = yes;
    return ERR_NONE;
}

static enum err one_of(struct span text, const char *const *names, size_t count, void *ret)
{
    for (size_t i = 0; i < count; i++)
        if (names[i][0] && span_eq(text, span_text(names[i]))) {
            int value = (int)i;
            memcpy(ret, &value, sizeof value);
            return ERR_NONE;
        }
    return ERR_BAD_VALUE;
}

static enum err aid(const struct xml_field *f, struct span text, struct aid *ret)
{
    static const uint8_t zeroes[AID_MAX];
    struct aid value;
    enum err err = aid_from_text(text, &value);
    if (err != ERR_NONE)
        return err;
    bool none = f->flags & ZERO_FILLED && span_eq(aid_span(&value), span_sub(SPAN_OF(zeroes), 0, value.len));
    *ret = none ? (struct aid){ .len = 0 } : value;
    return ERR_NONE;
}

static enum err state(struct span text, enum profile_state *ret)
{
    enum err err = profile_state_from_text(text, ret);
    return err == ERR_NONE && *ret == PROFILE_IN_CREATION ? ERR_BAD_VALUE : err;
}

static uint64_t ceiling(const struct xml_field *f, uint64_t of_type) { return f->max ? f->max : of_type; }

static enum err decode_number(const struct xml_field *f, struct span text, void *out)
{
    static const uint64_t most[] = { [XML_U8] = UINT8_MAX, [XML_U32] = UINT32_MAX, [XML_U64] = UINT64_MAX };
    uint64_t n = 0;
    enum err err = number(text, f->min, ceiling(f, most[f->type]), &n);
    if (err != ERR_NONE)
        return err;
    if (f->type == XML_U8)
        *(uint8_t *)out = (uint8_t)n;
    else if (f->type == XML_U32)
        *(uint32_t *)out = (uint32_t)n;
    else
        *(uint64_t *)out = n;
    return ERR_NONE;
}

static enum err decode_hex(struct field_reader *d, const struct xml_field *f, struct span text, struct span *out)
{
    enum err err = ERR_NONE;
    if (text.len / 2 < f->min || (f->max && !(f->flags & REPEATED) && text.len / 2 > f->max))
        return ERR_BAD_LENGTH;
    *out = hex_to_arena(d->a, text, &err);
    return err;
}

static enum err decode_hex16(struct span text, uint16_t *out)
{
    uint8_t octets[2];
    enum err err = hex_read_exact(text, octets, 2);
    if (err == ERR_NONE)
        *out = (uint16_t)(octets[0] << 8 | octets[1]);
    return err;
}

static enum err decode_simple(struct field_reader *d, const struct xml_field *f, struct span text, void *out)
{
    struct span trimmed = xml_trim(text);
    switch (f->type) {
    case XML_TEXT:
        if (text.len < f->min || (f->max && !(f->flags & REPEATED) && text.len > 4 * (size_t)f->max))
            return ERR_BAD_LENGTH;
        *(struct span *)out = text;
        return ERR_NONE;
    case XML_HEX:
        return decode_hex(d, f, trimmed, out);
    case XML_EID:
        return eid_from_text(trimmed, out);
    case XML_ICCID:
        return iccid_from_text(trimmed, out);
    case XML_OID:
        return oid_from_text(trimmed, out);
    case XML_AID:
        return aid(f, trimmed, out);
    case XML_TAR:
        return hex_read_exact(trimmed, out, TAR_LEN);
    case XML_BOOL:
        return boolean(trimmed, out);
    case XML_U8:
    case XML_U32:
    case XML_U64:
        return decode_number(f, trimmed, out);
    case XML_HEX8:
        return hex_read_exact(trimmed, out, 1);
    case XML_HEX16:
        return decode_hex16(trimmed, out);
    case XML_TIME:
        return datetime_read(trimmed, out);
    case XML_VERSION:
        return eis_version_from_text(trimmed, out);
    case XML_STATE:
        return state(trimmed, out);
    case XML_IMSI:
        return imsi_from_text(trimmed, out);
    case XML_MSISDN:
        return msisdn_from_text(trimmed, out);
    default:
        return one_of(trimmed, f->names, f->max, out);
    }
}

static bool simple(struct field_reader *d, const struct xml_field *f, struct span text, void *out)
{
    enum err err = d->r->fault == XML_OK ? decode_simple(d, f, text, out) : ERR_IO;
    if (err == ERR_NONE)
        return true;
    if (d->r->fault == XML_MIXED)
        return body_fault(d, f, REASON_FORMAT_INVALID, d->r->what);
    if (d->r->fault != XML_OK)
        return false;
    if (err == ERR_NO_SPACE)
        return no_memory(d);
    return body_fault(d, f, f->type == XML_EID ? REASON_EID_INVALID : REASON_FORMAT_INVALID, err_text(err));
}

/* --- decoding elements ----------------------------------------------------------------------------------------- */

static bool decode_pol2(struct field_reader *d, const struct xml_field *f, struct pol2 *out)
{
    struct wire_pol2 wire = { 0 };
    struct pol2 pol2 = { 0 };
    if (!fields_decode(d, &es_table_wire_pol2, &wire))
        return false;
    for (size_t i = 0; i < wire.count; i++) {
        enum pol2_action action = POL2_ENABLE;
        enum pol2_qualification qualification = POL2_NOT_ALLOWED;
        if (!span_eq(xml_trim(wire.rules[i].subject), SPAN_LIT("PROFILE")) ||
            pol2_action_from_xml(xml_trim(wire.rules[i].action), &action) != ERR_NONE ||
            pol2_qualification_from_xml(xml_trim(wire.rules[i].qualification), &qualification) != ERR_NONE)
            return body_fault(d, f, REASON_FORMAT_INVALID, "a rule is not one of the known ones");
        pol2.rules |= POL2_RULE(action, qualification);
    }
    *out = pol2;
    return true;
}

static bool decode_status(struct field_reader *d, const struct xml_field *f, struct status *out)
{
    struct wire_status wire = { 0 };
    enum exec_status exec = EXECUTED_FAILED;
    if (!fields_decode(d, &es_table_wire_status, &wire))
        return false;
    if (exec_status_from_xml(xml_trim(wire.status), &exec) != ERR_NONE)
        return body_fault(d, f, REASON_FORMAT_INVALID, "an unknown Status");
    *out = exec == EXECUTED_SUCCESS && !wire.has_code
               ? status_success()
               : status_from_codes(exec, xml_trim(wire.code.subject), xml_trim(wire.code.reason), wire.code.subject_id,
                                   wire.code.message);
    return true;
}

static bool has(struct span text, const char *what) { return memmem(text.ptr, text.len, what, strlen(what)); }

/* Does a signature that follows depend on every namespace in scope? An inclusive form does, which is also what a
 * Reference without Transforms has; one with a list of prefixes may. */
static bool wants_all_namespaces(const struct xml_reader *r)
{
    struct span rest = { r->pos, (size_t)(r->end - r->pos) };
    const uint8_t *form = memmem(rest.ptr, rest.len, "c14n", 4); /* the end of the first form's URI */
    struct span signature = form ? span_from(rest, (size_t)(form - rest.ptr)) : SPAN_NONE;
    return form && (has(signature, "c14n-2001") || has(signature, "c14n11") || has(signature, "InclusiveNamespaces") ||
                    !has(signature, "Transforms>"));
}

/* EumSignedInfo: its octets are kept (with every namespace in scope where the signature's canonical form depends on
 * them), and its fields are read from a copy of the reader. */
static bool decode_signed(struct field_reader *d, const struct xml_field *f, struct eis *out)
{
    struct xml_reader inside = *d->r;
    struct field_reader typed = *d;
    out->signed_info = xml_raw(d->r, d->a, wants_all_namespaces(d->r));
    if (d->r->fault != XML_OK)
        return false;
    typed.r = &inside;
    bool good = fields_decode(&typed, f->table, out);
    d->partial |= typed.partial;
    if (inside.fault != XML_OK && d->fault->kind == ES_FAULT_NONE)
        es_fault_xml(d->fault, &inside);
    return good;
}

static bool decode_raw(struct field_reader *d, struct span *out)
{
    *out = xml_raw(d->r, d->a, wants_all_namespaces(d->r));
    return d->r->fault == XML_OK;
}

static bool decode_value(struct field_reader *d, const struct xml_field *f, void *out, void *owner)
{
    switch (f->type) {
    case XML_POL2:
        return decode_pol2(d, f, out);
    case XML_STATUS:
        return decode_status(d, f, out);
    case XML_STRUCT:
        return fields_decode(d, f->table, out);
    case XML_GROUP:
        return fields_decode(d, f->table, owner);
    case XML_SIGNED:
        return decode_signed(d, f, owner);
    case XML_RAW:
        return decode_raw(d, out);
    default:
        return simple(d, f, xml_text(d->r, d->a), out);
    }
}

/* Room for one more item: capacity is the next power of two from four on. */
static void *next_item(struct field_reader *d, const struct xml_field *f, uint8_t *owner)
{
    size_t count, size = field_size(f);
    uint8_t *items;
    memcpy(&count, owner + f->aux, sizeof count);
    memcpy(&items, owner + f->offset, sizeof items);
    if (count >= f->max) {
        body_fault(d, f, REASON_FORMAT_INVALID, "there are too many of it");
        return NULL;
    }
    if (count == 0 || (count >= 4 && (count & (count - 1)) == 0)) {
        uint8_t *more = arena_array(d->a, size, count ? 2 * count : 4);
        if (!more) {
            no_memory(d);
            return NULL;
        }
        if (count)
            memcpy(more, items, count * size);
        items = more;
        memcpy(owner + f->offset, &items, sizeof items);
    }
    uint8_t *item = items + count++ * size;
    memcpy(owner + f->aux, &count, sizeof count);
    return item;
}

static bool decode_pointed(struct field_reader *d, const struct xml_field *f, uint8_t *owner)
{
    bool around = d->partial, whole = f->table == &es_table_eis;
    void *item = arena_alloc(d->a, f->table->size);
    if (!item)
        return no_memory(d);
    memcpy(owner + f->offset, &item, sizeof item);
    d->left_out = false;
    if (!fields_decode(d, f->table, item))
        return false;
    if (whole)
        ((struct eis *)item)->partial = d->left_out;
    d->partial = around;
    return true;
}

static bool decode_field(struct field_reader *d, const struct xml_field *f, uint8_t *owner)
{
    if (f->flags & HAS)
        *(bool *)(owner + f->aux) = true;
    if (f->flags & POINTER)
        return decode_pointed(d, f, owner);
    void *out = f->flags & REPEATED ? next_item(d, f, owner) : owner + f->offset;
    return out && decode_value(d, f, out, owner);
}

static bool decode_attributes(struct field_reader *d, const struct xml_table *t, uint8_t *out, uint64_t *seen)
{
    for (size_t i = 0; i < t->count && t->fields[i].flags & ATTRIBUTE; i++) {
        struct span text;
        if (!xml_attribute(d->r, t->fields[i].name, d->a, &text)) {
            if (d->r->fault != XML_OK)
                return false;
            continue;
        }
        *seen |= 1ull << i;
        if (!simple(d, &t->fields[i], text, out + t->fields[i].offset))
            return false;
    }
    return true;
}

/* The row of the element that is current; the search starts where the schema expects it. */
static size_t find(struct field_reader *d, const struct xml_table *t, size_t expected)
{
    if (!d->r->ns.len || (d->r->ns.ptr != d->ns.ptr && !es_namespace_find(d->r->ns, NULL))) /* mostly the same one */
        return t->count;
    d->ns = d->r->ns;
    for (size_t n = 0; n < t->count; n++) {
        size_t i = (expected + n) % t->count;
        if (!(t->fields[i].flags & ATTRIBUTE) && xml_name_is(d->r->local, t->fields[i].name))
            return i;
    }
    return t->count;
}

static bool nothing_missing(struct field_reader *d, const struct xml_table *t, uint64_t seen)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct xml_field *f = &t->fields[i];
        if (seen >> i & 1 || !(f->flags & (REQUIRED | FULL)))
            continue;
        if (f->flags & REQUIRED || !d->partial)
            return body_fault(d, f, REASON_ELEMENT_MISSING, "is missing");
        d->left_out = true;
    }
    return true;
}

static bool unknown(struct field_reader *d, const struct xml_table *t)
{
    if (t->lax) {
        xml_skip(d->r);
        return d->r->fault == XML_OK;
    }
    if (d->fault->kind == ES_FAULT_NONE)
        es_fault_body(d->fault, REASON_FORMAT_INVALID, "%.*s: not an element of this message",
                      (int)(d->r->local.len < 60 ? d->r->local.len : 60), (const char *)d->r->local.ptr);
    return false;
}

bool fields_decode(struct field_reader *d, const struct xml_table *t, void *out)
{
    uint64_t seen = 0;
    size_t at = 0;
    if (!decode_attributes(d, t, out, &seen))
        return false;
    while (xml_child(d->r)) {
        at = find(d, t, at);
        if (at == t->count) {
            if (!unknown(d, t))
                return false;
            at = 0;
            continue;
        }
        const struct xml_field *f = &t->fields[at];
        if (seen >> at & 1 && !(f->flags & REPEATED))
            return body_fault(d, f, REASON_FORMAT_INVALID, "stands twice");
        seen |= 1ull << at;
        if (!decode_field(d, f, out))
            return false;
        at = f->flags & REPEATED ? at : (at + 1) % t->count;
    }
    if (d->r->fault == XML_MIXED && d->fault->kind == ES_FAULT_NONE)
        es_fault_body(d->fault, REASON_FORMAT_INVALID, "%s", d->r->what);
    return d->r->fault == XML_OK && nothing_missing(d, t, seen);
}
