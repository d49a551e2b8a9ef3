#include "xml.h"

void xml_fail(struct xml_reader *r, enum xml_fault fault, const char *what)
{
    if (r->fault == XML_OK) {
        r->fault = fault;
        r->what = what;
    }
    r->pos = r->end;
}

static void malformed(struct xml_reader *r, const char *what) { xml_fail(r, XML_NOT_WELL_FORMED, what); }

static bool is_space(uint8_t c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

static void skip_space(struct xml_reader *r)
{
    while (r->pos < r->end && is_space(*r->pos))
        r->pos++;
}

/* Inlined, so that a literal is compared in a word. */
static inline __attribute__((always_inline)) bool at(const struct xml_reader *r, const char *text, size_t len)
{
    return (size_t)(r->end - r->pos) >= len && !memcmp(r->pos, text, len);
}
#define AT(r, literal) at((r), (literal), sizeof(literal) - 1)

static inline __attribute__((always_inline)) bool taken(struct xml_reader *r, const char *text, size_t len)
{
    bool there = at(r, text, len);
    if (there)
        r->pos += len;
    return there;
}
#define TAKE(r, literal) taken((r), (literal), sizeof(literal) - 1)

/* --- characters ------------------------------------------------------------------------------------------------ */

static bool is_char(uint32_t c)
{
    return c == 9 || c == 10 || c == 13 || (c >= 0x20 && c <= 0xD7FF) || (c >= 0xE000 && c <= 0xFFFD) ||
           (c >= 0x10000 && c <= 0x10FFFF);
}

/* Length of the UTF-8 character at p, which must be one that XML allows; 0: it is not. */
static size_t char_len(const uint8_t *p, const uint8_t *end)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t len = *p < 0x80 ? 1 : *p >> 5 == 6 ? 2 : *p >> 4 == 14 ? 3 : *p >> 3 == 30 ? 4 : 0;
    if (len == 0 || len > (size_t)(end - p))
        return 0;
    uint32_t c = len == 1 ? *p : *p & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) {
        if (p[i] >> 6 != 2)
            return 0;
        c = c << 6 | (p[i] & 0x3F);
    }
    return c >= least[len] && is_char(c) ? len : 0;
}

/* Eight octets of plain ASCII from 0x20 on at a time; the rest one by one. */
static bool all_chars(const uint8_t *p, const uint8_t *end)
{
    const uint64_t high = 0x8080808080808080u, ones = 0x0101010101010101u;
    while (p < end) {
        uint64_t eight;
        while (end - p >= 8) {
            memcpy(&eight, p, 8);
            if ((eight | (eight - ones * 0x20)) & high)
                break;
            p += 8;
        }
        if (p >= end)
            break;
        size_t len = char_len(p, end);
        if (len == 0)
            return false;
        p += len;
    }
    return true;
}

static size_t utf8_put(uint32_t c, uint8_t out[4])
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, c >>= 6)
        out[i] = (uint8_t)(0x80 | (c & 0x3F));
    out[0] = (uint8_t)(0xF00u >> len | c);
    return len;
}

/* The number of &#…; between '#' and ';'; 0 when it is none or no character. */
static uint32_t char_number(struct span digits)
{
    uint32_t c = 0, base = digits.len && digits.ptr[0] == 'x' ? 16 : 10;
    size_t i = base == 16;
    if (digits.len == i)
        return 0;
    for (; i < digits.len; i++) {
        uint8_t d = digits.ptr[i], low = d | 0x20;
        uint32_t value = 99;
        if (d >= '0' && d <= '9')
            value = d - '0' + 0u;
        else if (base == 16 && low >= 'a' && low <= 'f')
            value = low - 'a' + 10u;
        if (value == 99 || c > 0x10FFFF)
            return 0;
        c = c * base + value;
    }
    return is_char(c) ? c : 0;
}

size_t xml_reference(const uint8_t *p, const uint8_t *end, uint8_t out[4], size_t *ret_len)
{
    static const struct {
        const char *name;
        uint8_t c;
    } entities[] = { { "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' } };
    size_t room = (size_t)(end - p) < 12 ? (size_t)(end - p) : 12;
    const uint8_t *semicolon = memchr(p, ';', room);
    if (!semicolon || semicolon == p + 1)
        return 0;
    struct span name = { p + 1, (size_t)(semicolon - p) - 1 };
    uint32_t c = name.ptr[0] == '#' ? char_number(span_from(name, 1)) : 0;
    for (size_t i = 0; name.ptr[0] != '#' && i < ARRAY_LEN(entities); i++)
        if (span_eq(name, span_text(entities[i].name)))
            c = entities[i].c;
    if (c == 0)
        return 0;
    *ret_len = utf8_put(c, out);
    return name.len + 2;
}

/* --- tags ------------------------------------------------------------------------------------------------------ */

/* A bit for each octet: letters and '_'; digits, '-' and '.' as well. */
static const uint64_t name_first[4] = { 0, 0x07FFFFFE87FFFFFE }, name_more[4] = { 0x03FF600000000000, 0x07FFFFFE87FFFFFE };
static inline bool is_in(const uint64_t set[4], uint8_t c) { return set[c >> 6] >> (c & 63) & 1; }

/* Most names are short, and a call would cost more than the comparison. */
static inline bool same_name(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; a.ptr != b.ptr && i < a.len; i++)
        if (a.ptr[i] != b.ptr[i])
            return false;
    return true;
}

static inline struct span ncname(struct xml_reader *r)
{
    const uint8_t *start = r->pos;
    if (r->pos >= r->end || !is_in(name_first, *r->pos)) {
        malformed(r, "a name is missing or not plain ASCII");
        return SPAN_NONE;
    }
    while (r->pos < r->end && is_in(name_more, *r->pos))
        r->pos++;
    if ((size_t)(r->pos - start) > XML_NAME_MAX)
        xml_fail(r, XML_TOO_MUCH, "a name is too long");
    return (struct span){ start, (size_t)(r->pos - start) };
}

/* prefix:local or local; returns both together. */
static struct span qname(struct xml_reader *r, struct span *prefix, struct span *local)
{
    const uint8_t *start = r->pos;
    *prefix = SPAN_NONE;
    *local = ncname(r);
    if (r->fault == XML_OK && TAKE(r, ":")) {
        *prefix = *local;
        *local = ncname(r);
    }
    return r->fault == XML_OK ? (struct span){ start, (size_t)(r->pos - start) } : SPAN_NONE;
}

static struct span quoted(struct xml_reader *r)
{
    uint8_t quote = r->pos < r->end ? *r->pos : 0;
    const uint8_t *close =
        quote == '"' || quote == '\'' ? memchr(r->pos + 1, quote, (size_t)(r->end - r->pos) - 1) : NULL;
    if (!close) {
        malformed(r, "an attribute's value is not quoted");
        return SPAN_NONE;
    }
    struct span value = { r->pos + 1, (size_t)(close - r->pos) - 1 };
    if (value.len && memchr(value.ptr, '<', value.len))
        malformed(r, "'<' in an attribute");
    for (const uint8_t *p = value.ptr; r->fault == XML_OK && p < close && (p = memchr(p, '&', (size_t)(close - p)));) {
        uint8_t c[4];
        size_t c_len, len = xml_reference(p, close, c, &c_len);
        if (len == 0)
            malformed(r, "an unknown entity or character reference");
        p += len;
    }
    if (r->fault == XML_OK)
        r->pos = close + 1;
    return value;
}

static void declare(struct xml_reader *r, struct span prefix, struct span uri)
{
    if (r->ns_count >= XML_NAMESPACES_MAX) {
        xml_fail(r, XML_TOO_MUCH, "too many namespace declarations");
        return;
    }
    if (span_eq(prefix, SPAN_LIT("xml")) || span_eq(prefix, SPAN_LIT("xmlns")))
        malformed(r, "a reserved prefix is declared");
    if (prefix.len && !uri.len)
        malformed(r, "a prefix is declared without a namespace");
    if (uri.len && memchr(uri.ptr, '&', uri.len))
        malformed(r, "a reference in a namespace");
    for (size_t i = r->ns_count; i > 0 && r->namespaces[i - 1].depth == r->depth; i--)
        if (span_eq(r->namespaces[i - 1].prefix, prefix))
            malformed(r, "a prefix is declared twice");
    if (r->fault == XML_OK)
        r->namespaces[r->ns_count++] = (struct xml_namespace){ prefix, uri, r->depth };
}

static void attribute(struct xml_reader *r)
{
    struct span prefix, local, name = qname(r, &prefix, &local);
    skip_space(r);
    if (r->fault == XML_OK && !TAKE(r, "="))
        malformed(r, "an attribute without value");
    skip_space(r);
    struct span value = r->fault == XML_OK ? quoted(r) : SPAN_NONE;
    if (r->fault != XML_OK)
        return;
    if (span_eq(name, SPAN_LIT("xmlns")))
        declare(r, SPAN_NONE, value);
    else if (span_eq(prefix, SPAN_LIT("xmlns")))
        declare(r, local, value);
    else if (r->attr_count >= XML_ATTRIBUTES_MAX)
        xml_fail(r, XML_TOO_MUCH, "too many attributes");
    else
        r->attrs[r->attr_count++] = (struct xml_attr){ prefix, local, value };
}

static struct span resolve(struct xml_reader *r, struct span prefix)
{
    for (size_t i = r->ns_count; i > 0; i--)
        if (same_name(r->namespaces[i - 1].prefix, prefix)) {
            r->tag_used |= 1ull << (i - 1);
            return r->namespaces[i - 1].uri;
        }
    if (span_eq(prefix, SPAN_LIT("xml")))
        return SPAN_LIT("http://www.w3.org/XML/1998/namespace");
    if (prefix.len)
        malformed(r, "a prefix is not declared");
    return SPAN_NONE;
}

static void check_attributes(struct xml_reader *r)
{
    struct span uris[XML_ATTRIBUTES_MAX];
    for (size_t i = 0; i < r->attr_count && r->fault == XML_OK; i++) {
        uris[i] = r->attrs[i].prefix.len ? resolve(r, r->attrs[i].prefix) : SPAN_NONE;
        for (size_t j = 0; j < i; j++)
            if (span_eq(r->attrs[i].local, r->attrs[j].local) && span_eq(uris[i], uris[j]))
                malformed(r, "an attribute stands twice");
    }
}

static void leave(struct xml_reader *r)
{
    r->depth--;
    r->empty = false;
    while (r->ns_count && r->namespaces[r->ns_count - 1].depth > r->depth)
        r->ns_count--;
}

static void start_tag(struct xml_reader *r)
{
    if (r->depth >= XML_DEPTH_MAX) {
        xml_fail(r, XML_TOO_MUCH, "the elements are nested too deep");
        return;
    }
    r->tag_start = r->pos++;
    r->open[r->depth++] = qname(r, &r->prefix, &r->local);
    r->attr_count = 0;
    r->tag_used = 0;
    for (;;) {
        const uint8_t *before = r->pos;
        skip_space(r);
        if (r->fault != XML_OK || AT(r, ">") || AT(r, "/>"))
            break;
        if (before == r->pos)
            malformed(r, r->pos == r->end ? "the message ends within a tag" : "a tag is not well formed");
        else
            attribute(r);
    }
    r->empty = r->fault == XML_OK && *r->pos == '/';
    if (r->fault == XML_OK)
        r->pos += r->empty ? 2 : 1;
    r->ns = r->fault == XML_OK ? resolve(r, r->prefix) : SPAN_NONE;
    check_attributes(r);
    r->ns_used |= r->tag_used;
}

static void end_tag(struct xml_reader *r)
{
    struct span name = r->open[r->depth - 1];
    r->pos += 2;
    if (!taken(r, (const char *)name.ptr, name.len))
        malformed(r, "the end tag is not that of the element");
    skip_space(r);
    if (r->fault == XML_OK && !TAKE(r, ">"))
        malformed(r, "the end tag is not well formed");
    if (r->fault == XML_OK)
        leave(r);
}

static void comment(struct xml_reader *r)
{
    r->pos += 4;
    const uint8_t *dashes = r->end - r->pos > 2 ? memmem(r->pos, (size_t)(r->end - r->pos), "--", 2) : NULL;
    if (!dashes || r->end - dashes < 3 || dashes[2] != '>')
        malformed(r, "a comment is not well formed");
    else
        r->pos = dashes + 3;
}

/* '<!' or '<?' that is neither comment nor CDATA. */
static void refuse_markup(struct xml_reader *r)
{
    if (AT(r, "<!DOCTYPE"))
        xml_fail(r, XML_DOCTYPE, "the message has a DOCTYPE");
    else if (AT(r, "<?"))
        xml_fail(r, XML_INSTRUCTION, "the message has a processing instruction");
    else
        malformed(r, "markup that is not allowed here");
}

/* --- text ------------------------------------------------------------------------------------------------------ */

static const uint8_t *cdata_end(const uint8_t *p, const uint8_t *end)
{
    return end - p > 2 ? memmem(p, (size_t)(end - p), "]]>", 3) : NULL;
}

struct text {
    uint8_t *out; /* NULL: measure only */
    size_t len;
};

static void put(struct text *t, const uint8_t *bytes, size_t len)
{
    if (t->out && len)
        memcpy(t->out + t->len, bytes, len);
    t->len += len;
}

/* Line ends become \n (XML 1.0 §2.11). */
static void put_lines(struct text *t, const uint8_t *p, const uint8_t *end)
{
    while (p < end) {
        const uint8_t *cr = memchr(p, '\r', (size_t)(end - p));
        put(t, p, (size_t)((cr ? cr : end) - p));
        if (!cr)
            return;
        put(t, (const uint8_t *)"\n", 1);
        p = cr + (cr + 1 < end && cr[1] == '\n' ? 2 : 1);
    }
}

static void run_of_text(struct xml_reader *r, struct text *t)
{
    const uint8_t *start = r->pos;
    bool bracket = false;
    for (; r->pos < r->end && *r->pos != '<' && *r->pos != '&'; r->pos++)
        bracket |= *r->pos == ']';
    if (bracket && memmem(start, (size_t)(r->pos - start), "]]>", 3))
        malformed(r, "']]>' in text");
    put_lines(t, start, r->fault == XML_OK ? r->pos : start);
}

/* From r->pos over text, references, CDATA and comments up to a tag, which is not taken. */
static void walk_text(struct xml_reader *r, struct text *t)
{
    while (r->fault == XML_OK && r->pos < r->end) {
        uint8_t c[4];
        size_t c_len = 0, len;
        if (AT(r, "<![CDATA[")) {
            const uint8_t *start = r->pos + 9, *close = cdata_end(start, r->end);
            if (!close) {
                malformed(r, "CDATA does not end");
                return;
            }
            put_lines(t, start, close);
            r->pos = close + 3;
        } else if (AT(r, "<!--")) {
            comment(r);
        } else if (*r->pos == '<') {
            return;
        } else if (*r->pos == '&') {
            len = xml_reference(r->pos, r->end, c, &c_len);
            if (len == 0)
                malformed(r, "an unknown entity or character reference");
            put(t, c, c_len);
            r->pos += r->fault == XML_OK ? len : 0;
        } else {
            run_of_text(r, t);
        }
    }
}

/* --- the document ---------------------------------------------------------------------------------------------- */

static bool is_one_of(struct span value, const char *const *names)
{
    for (; *names; names++)
        if (span_eq(value, span_text(*names)))
            return true;
    return false;
}

/* name="value" of the XML declaration, if that is what comes next. */
static bool pseudo_attribute(struct xml_reader *r, const char *name, struct span *ret)
{
    const uint8_t *before = r->pos;
    skip_space(r);
    if (before == r->pos || !taken(r, name, strlen(name))) {
        r->pos = before;
        return false;
    }
    skip_space(r);
    if (!TAKE(r, "="))
        malformed(r, "the XML declaration is not well formed");
    skip_space(r);
    *ret = r->fault == XML_OK ? quoted(r) : SPAN_NONE;
    return r->fault == XML_OK;
}

static void declaration(struct xml_reader *r)
{
    static const char *const versions[] = { "1.0", NULL }, *const standalone[] = { "yes", "no", NULL };
    static const char *const encodings[] = { "UTF-8", "utf-8", "US-ASCII", "us-ascii", NULL };
    struct span value;
    r->pos += 5;
    if (!pseudo_attribute(r, "version", &value) || !is_one_of(value, versions))
        malformed(r, "the XML declaration is not that of XML 1.0");
    if (pseudo_attribute(r, "encoding", &value) && !is_one_of(value, encodings))
        xml_fail(r, XML_ENCODING, "the message is not in UTF-8");
    if (pseudo_attribute(r, "standalone", &value) && !is_one_of(value, standalone))
        malformed(r, "the XML declaration is not well formed");
    skip_space(r);
    if (r->fault == XML_OK && !TAKE(r, "?>"))
        malformed(r, "the XML declaration is not well formed");
}

/* White space and comments between the declaration and the root, and after the root. */
static void misc(struct xml_reader *r)
{
    for (;;) {
        skip_space(r);
        if (!AT(r, "<!--") || r->fault != XML_OK)
            return;
        comment(r);
    }
}

void xml_open(struct xml_reader *r, struct span document)
{
    r->start = r->pos = document.ptr;
    r->end = document.ptr ? document.ptr + document.len : NULL;
    r->fault = XML_OK;
    r->what = NULL;
    r->prefix = r->local = r->ns = SPAN_NONE;
    r->tag_start = NULL;
    r->empty = false;
    r->depth = r->attr_count = r->ns_count = 0;
    r->ns_used = r->tag_used = 0;
    (void)(document.len && TAKE(r, "\xEF\xBB\xBF"));
    if (r->pos == r->end)
        malformed(r, "the message is empty");
    else if (AT(r, "\xFE\xFF") || AT(r, "\xFF\xFE") || *r->pos == 0)
        xml_fail(r, XML_ENCODING, "the message is not in UTF-8");
    else if (!all_chars(r->pos, r->end))
        xml_fail(r, XML_NOT_WELL_FORMED, "an octet that is no UTF-8 or no XML character");
    if (r->fault == XML_OK && AT(r, "<?xml") && r->end - r->pos > 5 && is_space(r->pos[5]))
        declaration(r);
    if (r->fault == XML_OK)
        misc(r);
    if (r->fault == XML_OK && (AT(r, "<!") || AT(r, "<?")))
        refuse_markup(r);
    else if (r->fault == XML_OK && !AT(r, "<"))
        malformed(r, "there is no element");
    if (r->fault == XML_OK)
        start_tag(r);
}

/* Goes to the next tag and takes it: true for a start tag, false for an end tag or a fault. */
static bool step(struct xml_reader *r, bool text_allowed)
{
    struct text t = { NULL, 0 };
    if (r->fault != XML_OK || r->depth == 0)
        return false;
    if (r->empty) {
        leave(r);
        return false;
    }
    skip_space(r);
    while (!text_allowed && AT(r, "<!--") && r->fault == XML_OK) {
        comment(r);
        skip_space(r);
    }
    if (text_allowed)
        walk_text(r, &t);
    if (r->fault != XML_OK)
        return false;
    if (r->pos >= r->end)
        malformed(r, "the message ends too early");
    else if (AT(r, "</"))
        end_tag(r);
    else if (*r->pos != '<' || AT(r, "<![CDATA["))
        xml_fail(r, XML_MIXED, "text where only elements may be");
    else if (AT(r, "<!") || AT(r, "<?"))
        refuse_markup(r);
    else {
        start_tag(r);
        return r->fault == XML_OK;
    }
    return false;
}

bool xml_child(struct xml_reader *r) { return step(r, false); }

void xml_skip(struct xml_reader *r)
{
    uint8_t depth = r->depth;
    while (r->fault == XML_OK && r->depth >= depth && depth)
        step(r, true);
}

/* Ends the text of an element at its end tag. */
static void close_text(struct xml_reader *r)
{
    if (r->fault != XML_OK)
        return;
    if (AT(r, "</"))
        end_tag(r);
    else if (AT(r, "<!") || AT(r, "<?"))
        refuse_markup(r);
    else if (r->pos < r->end)
        xml_fail(r, XML_MIXED, "an element where only text may be");
    else
        malformed(r, "the message ends too early");
}

struct span xml_text(struct xml_reader *r, struct arena *a)
{
    const uint8_t *start = r->pos;
    struct text t = { NULL, 0 };
    if (r->fault != XML_OK || r->empty) {
        if (r->fault == XML_OK)
            leave(r);
        return (struct span){ start, 0 };
    }
    const uint8_t *tag = memchr(start, '<', (size_t)(r->end - start));
    size_t plain = tag ? (size_t)(tag - start) : 0;
    bool simple = tag && r->end - tag > 1 && tag[1] == '/' && !memchr(start, '&', plain) &&
                  !memchr(start, '\r', plain) && !memchr(start, ']', plain);
    if (simple) {
        r->pos = tag;
        close_text(r);
        return (struct span){ start, plain };
    }
    walk_text(r, &t); /* measure, then copy */
    if (r->fault == XML_OK && t.len) {
        struct text copy = { arena_alloc(a, t.len), 0 };
        r->pos = copy.out ? start : r->pos;
        if (copy.out)
            walk_text(r, &copy);
        else
            xml_fail(r, XML_NO_ROOM, "the message takes too much memory");
        t.out = copy.out;
    }
    close_text(r);
    return (struct span){ t.out ? t.out : start, t.out ? t.len : 0 };
}

static bool shadowed(const struct xml_reader *r, size_t index, size_t count)
{
    for (size_t i = index + 1; i < count; i++)
        if (span_eq(r->namespaces[i].prefix, r->namespaces[index].prefix))
            return true;
    return false;
}

struct span xml_raw(struct xml_reader *r, struct arena *a, bool all_namespaces)
{
    if (r->fault != XML_OK)
        return SPAN_NONE;
    const uint8_t *start = r->tag_start;
    size_t name_len = r->open[r->depth - 1].len, outside = r->ns_count;
    uint64_t before = r->ns_used, wanted = 0;
    while (outside && r->namespaces[outside - 1].depth >= r->depth)
        outside--;
    for (size_t i = 0; all_namespaces && i < outside; i++)
        if (!shadowed(r, i, r->ns_count))
            wanted |= 1ull << i;
    r->ns_used = r->tag_used;
    xml_skip(r);
    wanted |= r->ns_used;
    r->ns_used |= before;
    if (r->fault != XML_OK)
        return SPAN_NONE;
    struct span raw = { start, (size_t)(r->pos - start) };
    size_t extra = 0;
    for (size_t i = 0; i < outside; i++)
        if (wanted >> i & 1 && r->namespaces[i].uri.len)
            extra += r->namespaces[i].prefix.len + r->namespaces[i].uri.len + 10;
    if (extra == 0)
        return raw;
    struct writer w = wr_arena(a, raw.len + extra);
    wr_bytes(&w, span_sub(raw, 0, 1 + name_len));
    for (size_t i = 0; i < outside; i++) {
        const struct xml_namespace *n = &r->namespaces[i];
        if (!(wanted >> i & 1) || !n->uri.len)
            continue;
        const char *quote = memchr(n->uri.ptr, '"', n->uri.len) ? "'" : "\"";
        wr_text(&w, n->prefix.len ? " xmlns:" : " xmlns");
        wr_bytes(&w, n->prefix);
        wr_text(&w, "=");
        wr_text(&w, quote);
        wr_bytes(&w, n->uri);
        wr_text(&w, quote);
    }
    wr_bytes(&w, span_from(raw, 1 + name_len));
    if (w.err != ERR_NONE)
        xml_fail(r, XML_NO_ROOM, "the message takes too much memory");
    return wr_span(&w);
}

/* Attribute values: references resolved, white space to blanks (XML 1.0 §3.3.3). */
static struct span attribute_value(struct xml_reader *r, struct span raw, struct arena *a)
{
    bool plain = true;
    for (size_t i = 0; i < raw.len; i++)
        plain &= raw.ptr[i] != '&' && raw.ptr[i] >= 0x20;
    if (plain)
        return raw;
    struct text t = { arena_alloc(a, raw.len), 0 };
    const uint8_t *end = raw.ptr + raw.len;
    if (!t.out)
        xml_fail(r, XML_NO_ROOM, "the message takes too much memory");
    for (const uint8_t *p = raw.ptr; t.out && p < end;) {
        uint8_t c[4] = { *p == '&' || *p >= 0x20 ? *p : ' ' };
        size_t c_len = 1, len = *p == '\r' && p + 1 < end && p[1] == '\n' ? 2 : 1;
        if (*p == '&')
            len = xml_reference(p, end, c, &c_len);
        put(&t, c, c_len);
        p += len;
    }
    return (struct span){ t.out, t.out ? t.len : 0 };
}

bool xml_attribute(struct xml_reader *r, const char *name, struct arena *a, struct span *ret)
{
    for (size_t i = 0; i < r->attr_count && r->fault == XML_OK; i++)
        if (!r->attrs[i].prefix.len && xml_name_is(r->attrs[i].local, name)) {
            *ret = attribute_value(r, r->attrs[i].raw, a);
            return r->fault == XML_OK;
        }
    return false;
}

enum xml_fault xml_close(struct xml_reader *r)
{
    if (r->fault != XML_OK)
        return r->fault;
    if (r->depth) {
        malformed(r, "an element is still open");
        return r->fault;
    }
    misc(r);
    if (r->fault == XML_OK && (AT(r, "<!") || AT(r, "<?")))
        refuse_markup(r);
    else if (r->fault == XML_OK && r->pos != r->end)
        malformed(r, "something follows the message");
    return r->fault;
}

bool xml_name_is(struct span local, const char *name)
{
    size_t i = 0;
    for (;; i++, name++) {
        while (i < local.len && local.ptr[i] == '-')
            i++;
        while (*name == '-')
            name++;
        if (i >= local.len || !*name)
            return i >= local.len && !*name;
        uint8_t p = local.ptr[i], q = (uint8_t)*name;
        p = p - 'A' + 0u < 26u ? p | 0x20 : p;
        q = q - 'A' + 0u < 26u ? q | 0x20 : q;
        if (p != q)
            return false;
    }
}

struct span xml_trim(struct span text)
{
    while (text.len && is_space(text.ptr[0]))
        text = span_from(text, 1);
    while (text.len && is_space(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

/* --- writing --------------------------------------------------------------------------------------------------- */

static const char *escape_of(uint8_t c, bool attribute_rules)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return attribute_rules ? NULL : "&gt;";
    case '\r':
        return "&#xD;";
    case '"':
        return attribute_rules ? "&quot;" : NULL;
    case '\t':
        return attribute_rules ? "&#x9;" : NULL;
    case '\n':
        return attribute_rules ? "&#xA;" : NULL;
    default:
        return NULL;
    }
}

static void write_escaped(struct writer *w, struct span s, bool attribute_rules)
{
    const uint8_t *p = s.ptr, *end = s.ptr ? s.ptr + s.len : NULL, *plain = p;
    while (p < end) {
        size_t len = *p >= 0x20 && *p < 0x7F ? 1 : char_len(p, end);
        const char *escape = len == 0 ? "?" : escape_of(*p, attribute_rules);
        if (escape) {
            wr_bytes(w, (struct span){ plain, (size_t)(p - plain) });
            wr_text(w, escape);
        }
        p += len ? len : 1;
        plain = escape ? p : plain;
    }
    if (p > plain)
        wr_bytes(w, (struct span){ plain, (size_t)(p - plain) });
}

void wr_xml_text(struct writer *w, struct span text) { write_escaped(w, text, false); }
void wr_xml_attribute(struct writer *w, struct span value) { write_escaped(w, value, true); }
