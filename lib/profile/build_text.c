#include "build_private.h"

#include <stdarg.h>
#include <stdio.h>

#define EXPAND_DEPTH_MAX 8u
#define TLV_DEPTH_MAX    8u

void build_fail(struct build *b, enum err err, const char *format, ...)
{
    if (b->err != ERR_NONE)
        return;
    va_list args;
    va_start(args, format);
    b->err = err;
    b->fault->line = b->line;
    vsnprintf(b->fault->text, sizeof b->fault->text, format, args);
    va_end(args);
}

static bool is_blank(uint8_t c) { return c == ' ' || c == '\t' || c == '\r'; }

struct span text_trim(struct span s)
{
    while (s.len && is_blank(s.ptr[0]))
        s = span_from(s, 1);
    while (s.len && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool text_is(struct span s, const char *word) { return span_eq(s, span_text(word)); }

bool text_next_line(struct span *rest, struct span *ret_line)
{
    if (rest->len == 0)
        return false;
    const uint8_t *end = memchr(rest->ptr, '\n', rest->len);
    size_t len = end ? (size_t)(end - rest->ptr) : rest->len;
    struct span line = { rest->ptr, len };
    *rest = span_from(*rest, len + (end ? 1 : 0));
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] == '#') {
            line.len = i;
            break;
        }
    *ret_line = text_trim(line);
    return true;
}

struct span build_variable(const struct build *b, const char *name)
{
    for (size_t i = 0; i < b->variable_count; i++)
        if (text_is(b->variables[i].name, name))
            return b->variables[i].value;
    return SPAN_NONE;
}

static bool lookup(struct build *b, struct span name, struct span *ret)
{
    for (size_t i = 0; i < b->variable_count; i++)
        if (span_eq(b->variables[i].name, name)) {
            *ret = b->variables[i].value;
            return true;
        }
    return build_value(b, name, ret);
}

static void expand_into(struct build *b, struct span text, struct writer *w, unsigned depth)
{
    if (depth > EXPAND_DEPTH_MAX)
        build_fail(b, ERR_BAD_VALUE, "variables that contain each other");
    while (text.len && b->err == ERR_NONE) {
        const uint8_t *open = memchr(text.ptr, '{', text.len);
        struct span plain = span_sub(text, 0, open ? (size_t)(open - text.ptr) : text.len), value;
        wr_bytes(w, plain);
        text = span_from(text, plain.len);
        if (!open)
            break;
        const uint8_t *close = memchr(text.ptr, '}', text.len);
        struct span name = span_sub(text, 1, close ? (size_t)(close - text.ptr - 1) : text.len);
        if (!close || !lookup(b, name, &value)) {
            build_fail(b, ERR_MISSING, "no variable {%.*s}", (int)name.len, (const char *)name.ptr);
            break;
        }
        expand_into(b, value, w, depth + 1);
        text = span_from(text, name.len + 2);
    }
}

struct span build_expand(struct build *b, struct span text)
{
    struct writer w = wr_of(b->expanded, sizeof b->expanded);
    if (!text.len || !memchr(text.ptr, '{', text.len))
        return text;
    expand_into(b, text, &w, 0);
    struct span kept = arena_copy(b->a, wr_span(&w));
    if (w.err != ERR_NONE || (w.len && !kept.ptr))
        build_fail(b, ERR_TOO_LONG, "the line is too long");
    return kept;
}

static struct span next_word(struct span *rest)
{
    *rest = text_trim(*rest);
    size_t len = 0;
    while (len < rest->len && !is_blank(rest->ptr[len]))
        len++;
    struct span word = span_sub(*rest, 0, len);
    *rest = span_from(*rest, len);
    return word;
}

void build_split(struct build *b, struct span line, struct build_line *ret)
{
    struct build_line l = { 0 };
    struct span rest = line;
    l.word = build_expand(b, next_word(&rest));
    for (struct span word = next_word(&rest); word.len; word = next_word(&rest)) {
        if (text_is(word, "=")) {
            l.has_content = true;
            l.content = build_expand(b, text_trim(rest));
            break;
        }
        const uint8_t *is = memchr(word.ptr, '=', word.len);
        if (!is || l.option_count == BUILD_OPTIONS_MAX) {
            build_fail(b, ERR_BAD_VALUE, "not name=value: %.*s", (int)word.len, (const char *)word.ptr);
            break;
        }
        size_t at = (size_t)(is - word.ptr);
        l.options[l.option_count++] =
            (struct build_setting){ span_sub(word, 0, at), build_expand(b, span_from(word, at + 1)) };
    }
    *ret = l;
}

struct span build_option(const struct build_line *l, const char *name)
{
    for (size_t i = 0; i < l->option_count; i++)
        if (text_is(l->options[i].name, name))
            return l->options[i].value.ptr ? l->options[i].value : SPAN_LIT("");
    return SPAN_NONE;
}

struct span build_need(struct build *b, const struct build_line *l, const char *name)
{
    struct span value = build_option(l, name);
    if (!value.ptr)
        build_fail(b, ERR_MISSING, "%s= is missing", name);
    return value;
}

static unsigned digit_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - (unsigned)'0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10u : 16;
}

uint32_t build_number(struct build *b, struct span text)
{
    uint64_t v = 0;
    bool hex = text.len > 2 && text.ptr[0] == '0' && text.ptr[1] == 'x';
    unsigned base = hex ? 16 : 10;
    for (size_t i = hex ? 2 : 0; i < text.len; i++) {
        unsigned digit = digit_value(text.ptr[i]);
        if (digit >= base || v > UINT32_MAX / 16)
            build_fail(b, ERR_BAD_VALUE, "not a number: %.*s", (int)text.len, (const char *)text.ptr);
        v = v * base + digit;
    }
    if (text.len == 0)
        build_fail(b, ERR_BAD_VALUE, "a number is missing");
    return b->err == ERR_NONE ? (uint32_t)v : 0;
}

/* ---- expressions ---- */

struct evaluation {
    struct build *b;
    struct span rest;
    struct writer w;
    size_t marks[TLV_DEPTH_MAX], depth;
    size_t record; /* where the record begins */
    struct build_records *out;
};

static void take_string(struct evaluation *e)
{
    const uint8_t *end = e->rest.len > 1 ? memchr(e->rest.ptr + 1, '"', e->rest.len - 1) : NULL;
    if (!end) {
        build_fail(e->b, ERR_BAD_VALUE, "a text without its end");
        return;
    }
    size_t len = (size_t)(end - e->rest.ptr - 1);
    wr_bytes(&e->w, span_sub(e->rest, 1, len));
    e->rest = span_from(e->rest, len + 2);
}

static void take_hex(struct evaluation *e)
{
    size_t len = 0, got = 0;
    while (len < e->rest.len && !is_blank(e->rest.ptr[len]) && !strchr("<>|\"", e->rest.ptr[len]))
        len++;
    uint8_t *room = wr_room(&e->w, len / 2);
    if (len == 0 || len % 2 || !room || hex_read(span_sub(e->rest, 0, len), room, len / 2, &got) != ERR_NONE)
        build_fail(e->b, ERR_BAD_VALUE, "not hexadecimal: %.*s", (int)len, (const char *)e->rest.ptr);
    e->rest = span_from(e->rest, len);
}

static void open_tlv(struct evaluation *e)
{
    uint8_t octets[3];
    size_t len = 1, got = 0;
    while (len < e->rest.len && len < 7 && !is_blank(e->rest.ptr[len]) && e->rest.ptr[len] != '>')
        len++;
    struct span tag = span_sub(e->rest, 1, len - 1);
    if (e->depth == TLV_DEPTH_MAX || hex_read(tag, octets, sizeof octets, &got) != ERR_NONE || got == 0) {
        build_fail(e->b, ERR_BAD_VALUE, "not a tag: %.*s", (int)tag.len, (const char *)tag.ptr);
        return;
    }
    uint32_t value = 0;
    for (size_t i = 0; i < got; i++)
        value = value << 8 | octets[i];
    e->marks[e->depth++] = wr_tlv_open(&e->w, value);
    e->rest = span_from(e->rest, len);
}

static void close_tlv(struct evaluation *e)
{
    if (e->depth == 0) {
        build_fail(e->b, ERR_BAD_VALUE, "a > without its <");
        return;
    }
    wr_tlv_close(&e->w, e->marks[--e->depth]);
    e->rest = span_from(e->rest, 1);
}

static void end_record(struct evaluation *e)
{
    if (e->depth || e->out->count == BUILD_RECORDS_MAX) {
        build_fail(e->b, ERR_BAD_VALUE, e->depth ? "a < without its >" : "too many records");
        return;
    }
    e->out->items[e->out->count++] = (struct span){ e->w.buf + e->record, e->w.len - e->record };
    e->record = e->w.len;
}

static void take_token(struct evaluation *e)
{
    switch (e->rest.ptr[0]) {
    case '"':
        take_string(e);
        break;
    case '<':
        open_tlv(e);
        break;
    case '>':
        close_tlv(e);
        break;
    case '|':
        end_record(e);
        e->rest = span_from(e->rest, 1);
        break;
    default:
        take_hex(e);
    }
}

void build_evaluate(struct build *b, struct span text, struct build_records *ret)
{
    struct evaluation e = { .b = b, .rest = text_trim(text), .w = wr_arena(b->a, text.len + 64), .out = ret };
    ret->count = 0;
    while (b->err == ERR_NONE && e.rest.len) {
        take_token(&e);
        e.rest = text_trim(e.rest);
    }
    if (b->err == ERR_NONE)
        end_record(&e);
    if (e.w.err != ERR_NONE)
        build_fail(b, e.w.err, "no room for the content");
}

struct span build_octets(struct build *b, struct span text)
{
    build_evaluate(b, text, &b->records);
    if (b->records.count != 1)
        build_fail(b, ERR_BAD_VALUE, "one value is wanted");
    return b->err == ERR_NONE ? b->records.items[0] : SPAN_LIT("");
}
