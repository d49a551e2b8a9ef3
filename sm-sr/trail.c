#include "trail.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/codec/hex.h"

/* ---- lines */

static void put(struct writer *w, struct span field)
{
    if (w->len)
        wr_u8(w, ' ');
    if (!field.len)
        wr_u8(w, '-');
    for (size_t i = 0; i < field.len; i++) {
        uint8_t c = field.ptr[i];
        if (c <= ' ' || c > '~' || c == '%' || (c == '-' && field.len == 1))
            wr_printf(w, "%%%02X", c);
        else
            wr_u8(w, c);
    }
}

static void put_hex(struct writer *w, struct span octets)
{
    char text[128];
    put(w, octets.len ? span_text(hex_text(octets, text, sizeof text)) : SPAN_NONE);
}

static void put_number(struct writer *w, const char *format, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof text, format, (unsigned long long)number);
    put(w, span_text(text));
}

void trail_line_write(struct writer *w, const struct audit_record *r)
{
    char eid[EID_TEXT_SIZE];
    WRITER_ON_STACK(line, TRAIL_LINE_MAX);
    put(&line, span_text(eid_text(&r->eid, eid)));
    put(&line, oid_span(&r->smsr_id));
    put_number(&line, "%llu", r->date_ms);
    put_number(&line, "%04llX", r->operation);
    put(&line, oid_span(&r->requester_id));
    put(&line, r->has_status ? span_text(exec_status_xml(r->status.exec)) : SPAN_NONE);
    put(&line, r->has_status ? span_text(r->status.subject) : SPAN_NONE);
    put(&line, r->has_status ? span_text(r->status.code) : SPAN_NONE);
    put_hex(&line, aid_span(&r->isdp_aid));
    put(&line, span_text(r->iccid.digits));
    put_hex(&line, r->imei);
    put_hex(&line, r->meid);
    if (line.err != ERR_NONE)
        wr_fail(w, line.err);
    wr_bytes(w, wr_span(&line));
}

enum field { L_EID, L_SMSR, L_DATE, L_OPERATION, L_REQUESTER, L_EXEC, L_SUBJECT, L_CODE, L_ISDP, L_ICCID, L_IMEI, L_MEID,
             L_COUNT };

static struct span next_field(struct span *rest, char out[TRAIL_LINE_MAX])
{
    size_t len = 0, at = 0;
    for (; at < rest->len && rest->ptr[at] != ' '; at++) {
        uint8_t c = rest->ptr[at];
        if (c == '%' && hex_read_exact(span_sub(*rest, at + 1, 2), &c, 1) == ERR_NONE)
            at += 2;
        if (len < TRAIL_LINE_MAX)
            out[len++] = (char)c;
    }
    bool none = at == 1 && *rest->ptr == '-';
    *rest = span_from(*rest, at + (at < rest->len));
    return none ? SPAN_NONE : (struct span){ (const uint8_t *)out, len };
}

static bool set_text(struct span field, char *out, size_t cap)
{
    if (field.len >= cap)
        return false;
    memcpy(out, field.ptr ? field.ptr : (const uint8_t *)"", field.len);
    out[field.len] = '\0';
    return true;
}

static bool set_aid(struct span field, struct aid *ret)
{
    uint8_t octets[AID_MAX];
    size_t len = 0;
    return !field.len || (hex_read(field, octets, sizeof octets, &len) == ERR_NONE && aid_set(ret, (struct span){ octets, len }));
}

static bool set_number(struct span field, int base, uint64_t *ret)
{
    char text[24], *end;
    if (!field.len || !set_text(field, text, sizeof text))
        return false;
    *ret = strtoull(text, &end, base);
    return !*end;
}

static bool set_octets(struct span field, struct arena *a, struct span *ret)
{
    enum err err = ERR_NONE;
    if (field.len)
        *ret = hex_to_arena(a, field, &err);
    return err == ERR_NONE;
}

static bool set_field(enum field what, struct span field, struct arena *a, struct audit_record *r)
{
    uint64_t number = 0;
    switch (what) {
    case L_EID:
        return eid_from_text(field, &r->eid) == ERR_NONE;
    case L_SMSR:
        return set_text(field, r->smsr_id.text, sizeof r->smsr_id.text);
    case L_DATE:
        return set_number(field, 10, &r->date_ms);
    case L_OPERATION:
        if (!set_number(field, 16, &number) || number > UINT16_MAX)
            return false;
        r->operation = (uint16_t)number;
        return true;
    case L_REQUESTER:
        return set_text(field, r->requester_id.text, sizeof r->requester_id.text);
    case L_EXEC:
        r->has_status = field.len > 0;
        return !field.len || exec_status_from_xml(field, &r->status.exec) == ERR_NONE;
    case L_SUBJECT:
        return set_text(field, r->status.subject, sizeof r->status.subject);
    case L_CODE:
        return set_text(field, r->status.code, sizeof r->status.code);
    case L_ISDP:
        return set_aid(field, &r->isdp_aid);
    case L_ICCID:
        return set_text(field, r->iccid.digits, sizeof r->iccid.digits);
    default:
        return set_octets(field, a, what == L_IMEI ? &r->imei : &r->meid);
    }
}

enum err trail_line_read(struct span line, struct arena *a, struct audit_record *ret)
{
    char text[TRAIL_LINE_MAX];
    struct audit_record r = { .date_ms = 0 };
    for (int what = 0; what < L_COUNT; what++)
        if (!line.len || !set_field((enum field)what, next_field(&line, text), a, &r))
            return ERR_BAD_VALUE;
    if (line.len)
        return ERR_BAD_VALUE;
    *ret = r;
    return ERR_NONE;
}

struct span trail_lines(struct arena *a, const struct audit_record *records, size_t count)
{
    struct writer w = wr_arena(a, count * (TRAIL_LINE_MAX + 1));
    for (size_t i = 0; i < count; i++) {
        trail_line_write(&w, &records[i]);
        wr_u8(&w, '\n');
    }
    struct span all = wr_span(&w);
    while (all.len > TRAIL_RECEIVED_MAX)
        all = span_from(all, (size_t)((const uint8_t *)memchr(all.ptr, '\n', all.len) - all.ptr) + 1);
    return all;
}

/* ---- the chain */

enum err trail_hash(const uint8_t previous[SHA256_LEN], uint64_t n, struct span line, struct span received,
                    uint8_t ret[SHA256_LEN])
{
    static const uint8_t none[SHA256_LEN] = { 0 };
    char number[24];
    snprintf(number, sizeof number, "%llu ", (unsigned long long)n);
    const struct span parts[] = { { previous ? previous : none, SHA256_LEN }, span_text(number), line, SPAN_LIT("\n"),
                                  received };
    return sha256_parts(parts, ARRAY_LEN(parts), ret);
}

/* ---- rows */

void trail_row_read(const struct row *row, const struct eid *eid, struct trail_row *ret)
{
    struct audit_record *r = &ret->record;
    *ret = (struct trail_row){ .record = { .eid = *eid,
                                           .date_ms = (uint64_t)row_int(row, 0),
                                           .operation = (uint16_t)row_int(row, 1),
                                           .has_status = row->columns[3].type == VALUE_INT,
                                           .imei = row_bytes(row, 8),
                                           .meid = row_bytes(row, 9) },
                               .n = (uint64_t)row_int(row, 11),
                               .hash = row_bytes(row, 12),
                               .received = row_bytes(row, 13) };
    row_text(row, 2, r->requester_id.text, sizeof r->requester_id.text);
    row_text(row, 7, r->iccid.digits, sizeof r->iccid.digits);
    row_text(row, 10, r->smsr_id.text, sizeof r->smsr_id.text);
    if (!aid_set(&r->isdp_aid, row_bytes(row, 6)))
        r->isdp_aid.len = 0;
    ret->odd = row_int(row, 1) < 0 || row_int(row, 1) > UINT16_MAX || row_int(row, 3) < 0 ||
               row_int(row, 3) >= EXEC_STATUS_COUNT;
    if (r->has_status)
        r->status = status_from_codes((enum exec_status)row_int(row, 3), row_bytes(row, 4), row_bytes(row, 5), SPAN_NONE,
                                      SPAN_NONE);
}

static size_t count_lines(struct span text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '\n';
    return count;
}

static size_t read_lines(struct span text, struct arena *a, struct audit_record *out)
{
    size_t count = 0;
    while (text.len) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        size_t len = end ? (size_t)(end - text.ptr) : text.len;
        count += trail_line_read(span_sub(text, 0, len), a, &out[count]) == ERR_NONE;
        text = span_from(text, len + (end != NULL));
    }
    return count;
}

struct audit_record *trail_records(struct arena *a, const struct query *rows, const struct eid *eid, size_t *ret_count)
{
    size_t room = rows->row_count, count = 0;
    for (size_t i = 0; i < rows->row_count; i++)
        room += count_lines(row_bytes(&rows->rows[i], 13)) + 1;
    struct audit_record *list = ARENA_ARRAY(a, struct audit_record, room + 1);
    for (size_t i = 0; list && i < rows->row_count; i++) {
        struct trail_row r;
        trail_row_read(&rows->rows[i], eid, &r);
        count += read_lines(r.received, a, &list[count]);
        list[count++] = r.record;
    }
    size_t skip = count > EIS_AUDIT_RECORDS_MAX ? count - EIS_AUDIT_RECORDS_MAX : 0;
    *ret_count = count - skip;
    return list ? list + skip : NULL;
}
