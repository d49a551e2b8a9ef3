#include "ram_script.h"
#include "lib/base/mutant.h"

/* ---- reading */

static void fault(struct ram_reader *s, enum ram_bad_format code, enum err err)
{
    s->bad_format = (uint8_t)code;
    s->ended = true;
    rd_fail(&s->r, err);
}

/* Strips the outer tag and length; indefinite content runs to its 00 00. False: the length is bad or missing. */
static bool open_outer(struct ram_reader *s)
{
    struct reader *r = &s->r;
    rd_u8(r);
    if (rd_at_end(r)) {
        fault(s, RAM_BAD_NO_LENGTH, ERR_TRUNCATED);
        return false;
    }
    uint8_t first = *r->pos;
    if (first == 0x80 && s->format == RAM_INDEFINITE) {
        rd_u8(r);
        return true;
    }
    rd_u8(r);
    size_t len = first == 0x81 ? rd_u8(r) : first == 0x82 ? rd_u16(r) : first == 0x83 ? rd_u24(r) : first;
    if (r->err != ERR_NONE || (first >= 0x80 && (first < 0x81 || first > 0x83)) || len > rd_left(r)) {
        fault(s, RAM_BAD_LENGTH, ERR_BAD_LENGTH);
        return false;
    }
    *r = rd_of((struct span){ r->pos, len });
    return true;
}

/* Next TLV of expanded format; the end-of-contents octets 00 00 end an indefinite one. */
static bool next_tlv(struct ram_reader *s, struct ram_item *ret)
{
    struct reader *r = &s->r;
    if (s->ended || r->err != ERR_NONE || rd_at_end(r))
        return false;
    if (rd_left(r) >= 2 && r->pos[0] == 0 && r->pos[1] == 0) {
        s->ended = true;
        return false;
    }
    struct reader ahead = *r;
    struct tlv t;
    if (!tlv_next(&ahead, &t)) {
        bool no_length = rd_left(r) == 1;
        fault(s, no_length ? RAM_BAD_NO_LENGTH : RAM_BAD_LENGTH, ahead.err);
        return false;
    }
    *r = ahead;
    *ret = (struct ram_item){ t.tag, t.val, t.raw };
    return true;
}

void ram_commands_open(struct ram_reader *s, struct span script)
{
    *s = (struct ram_reader){ .r = rd_of(script), .executed = -1 };
    uint8_t tag = script.len ? script.ptr[0] : 0;
    if (MUTANT(reads_no_definite_ae) && script.len > 1 && tag == RAM_TAG_COMMANDS_INDEFINITE && script.ptr[1] != 0x80)
        tag = 0;
    s->format = tag == RAM_TAG_COMMANDS_DEFINITE     ? RAM_DEFINITE
                : tag == RAM_TAG_COMMANDS_INDEFINITE ? RAM_INDEFINITE
                                                     : RAM_COMPACT;
    if (s->format != RAM_COMPACT)
        open_outer(s);
}

/* Compact: C-APDUs one after another; a command of case 2 has P3 = Le, so INS tells (GET commands have no data). */
static bool next_compact(struct ram_reader *s, struct ram_item *ret)
{
    struct reader *r = &s->r;
    if (s->ended || r->err != ERR_NONE || rd_at_end(r))
        return false;
    const uint8_t *start = r->pos;
    size_t left = rd_left(r);
    if (left < 5) {
        s->ended = true;
        *ret = (struct ram_item){ RAM_TAG_CAPDU, rd_rest(r), SPAN_NONE };
        return left == 4;
    }
    uint8_t ins = start[1];
    bool outgoing = ins == 0xB0 || ins == 0xB2 || ins == INS_GET_RESPONSE || ins == 0x12;
    size_t len = 5 + (outgoing ? 0u : start[4]);
    if (len > left) {
        s->ended = true; /* an APDU that is cut: handed over as it is, the card answers its class or length */
        len = left;
    } else if (len + 1 == left) {
        len = left; /* the last one may carry its Le */
    }
    ret->tag = RAM_TAG_CAPDU;
    ret->value = ret->raw = rd_span(r, len);
    return true;
}

static bool known_command(uint32_t tag)
{
    return tag == RAM_TAG_CAPDU || (tag >= RAM_TAG_IMMEDIATE_ACTION && tag <= RAM_TAG_SCP03T_REPLACE_KEYS);
}

bool ram_commands_next(struct ram_reader *s, struct ram_item *ret)
{
    if (s->format == RAM_COMPACT)
        return next_compact(s, ret);
    struct ram_item item;
    if (!next_tlv(s, &item))
        return false;
    if (!known_command(item.tag)) {
        fault(s, RAM_BAD_UNKNOWN_TAG, ERR_BAD_TAG);
        return false;
    }
    *ret = item;
    return true;
}

enum err ram_results_open(struct ram_reader *s, struct span results)
{
    struct ram_reader out = { .r = rd_of(results), .executed = -1, .results = true };
    uint8_t tag = results.len ? results.ptr[0] : 0;
    if (tag != RAM_TAG_RESULTS_DEFINITE && tag != RAM_TAG_RESULTS_INDEFINITE)
        return ERR_BAD_TAG;
    out.format = tag == RAM_TAG_RESULTS_DEFINITE ? RAM_DEFINITE : RAM_INDEFINITE;
    if (!open_outer(&out))
        return out.r.err;
    *s = out;
    return ERR_NONE;
}

bool ram_results_next(struct ram_reader *s, struct ram_item *ret)
{
    struct ram_item item;
    while (next_tlv(s, &item)) {
        if (item.tag != RAM_TAG_COUNT) {
            *ret = item;
            return true;
        }
        uint64_t count;
        if (item.value.len == 0 || span_uint(item.value, &count) != ERR_NONE || count > 0xFFFF) {
            fault(s, RAM_BAD_LENGTH, ERR_BAD_LENGTH);
            return false;
        }
        s->executed = (int)count;
    }
    return false;
}

enum err ram_compact_result_parse(struct span bytes, struct ram_compact_result *ret)
{
    struct reader r = rd_of(bytes);
    struct ram_compact_result out = { .executed = rd_u8(&r) };
    out.last.sw = rd_u16(&r);
    out.last.data = rd_rest(&r);
    if (r.err == ERR_NONE)
        *ret = out;
    return r.err;
}

/* ---- writing */

static size_t open_tag(struct writer *w, enum ram_format format, uint8_t definite, uint8_t indefinite)
{
    if (format == RAM_DEFINITE)
        return wr_tlv_open(w, definite);
    if (format == RAM_INDEFINITE) {
        wr_u8(w, indefinite);
        wr_u8(w, 0x80);
    }
    return w->len;
}

static void close_tag(struct writer *w, enum ram_format format, size_t mark)
{
    if (format == RAM_DEFINITE)
        wr_tlv_close(w, mark);
    else if (format == RAM_INDEFINITE)
        wr_u16(w, 0);
}

void ram_script_open(struct ram_script *s, struct writer *w, enum ram_format format)
{
    *s = (struct ram_script){ w, format, open_tag(w, format, RAM_TAG_COMMANDS_DEFINITE, RAM_TAG_COMMANDS_INDEFINITE) };
}

void ram_script_capdu(struct ram_script *s, struct span capdu)
{
    if (s->format == RAM_COMPACT)
        wr_bytes(s->w, capdu);
    else
        wr_tlv(s->w, RAM_TAG_CAPDU, capdu);
}

void ram_script_item(struct ram_script *s, uint32_t tag, struct span value)
{
    if (s->format == RAM_COMPACT)
        wr_fail(s->w, ERR_UNSUPPORTED);
    wr_tlv(s->w, tag, value);
}

void ram_script_raw(struct ram_script *s, struct span tlvs) { wr_bytes(s->w, tlvs); }
void ram_script_close(struct ram_script *s) { close_tag(s->w, s->format, s->mark); }

void ram_answer_open(struct ram_answer *a, struct writer *w, enum ram_format format)
{
    *a = (struct ram_answer){ .w = w, .format = format, .start = w->len };
    a->mark = open_tag(w, format, RAM_TAG_RESULTS_DEFINITE, RAM_TAG_RESULTS_INDEFINITE);
    if (format == RAM_DEFINITE)
        wr_tlv_u8(w, RAM_TAG_COUNT, 0);
}

static void compact_rapdu(struct ram_answer *a, struct span rapdu)
{
    struct rapdu r;
    if (rapdu_parse(rapdu, &r) != ERR_NONE) {
        wr_fail(a->w, ERR_TRUNCATED);
        return;
    }
    a->w->len = a->start;
    wr_u8(a->w, a->executed);
    wr_u16(a->w, r.sw);
    wr_bytes(a->w, r.data);
}

void ram_answer_rapdu(struct ram_answer *a, struct span rapdu)
{
    if (a->executed < 0xFF)
        a->executed++;
    if (a->format == RAM_COMPACT)
        compact_rapdu(a, rapdu);
    else
        wr_tlv(a->w, RAM_TAG_RAPDU, rapdu);
}

void ram_answer_item(struct ram_answer *a, uint32_t tag, struct span value)
{
    if (a->format == RAM_COMPACT)
        wr_fail(a->w, ERR_UNSUPPORTED);
    wr_tlv(a->w, tag, value);
}

void ram_answer_raw(struct ram_answer *a, struct span tlvs) { wr_bytes(a->w, tlvs); }

void ram_answer_bad_format(struct ram_answer *a, enum ram_bad_format code)
{
    uint8_t octet = (uint8_t)code;
    ram_answer_item(a, RAM_TAG_BAD_FORMAT, (struct span){ &octet, 1 });
}

void ram_answer_close(struct ram_answer *a)
{
    if (a->w->err != ERR_NONE)
        return;
    if (a->format == RAM_DEFINITE)
        a->w->buf[a->mark + 2] =
            MUTANT(counts_one_command) ? 1 : a->executed; /* the value of 80 01 nn, first in the content */
    close_tag(a->w, a->format, a->mark);
}
