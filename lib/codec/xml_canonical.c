#include "xml_canonical.h"

#include "uri.h"
#include "xml.h"

struct shown {
    struct span prefix, uri;
    uint8_t depth; /* of the element that shows it */
};

struct canonical {
    struct xml_reader r;
    enum xml_canonical method;
    struct span prefixes[XML_PREFIXES_MAX]; /* of its list */
    size_t prefix_count;
    const char *path;
    uint8_t matched; /* so many of its names are those of open elements */
    uint8_t target; /* depth of the element that is written; 0: none */
    bool found;
    enum err err;                           /* the first one */
    struct shown shown[XML_NAMESPACES_MAX]; /* declarations that are written and still hold, the inner ones last */
    size_t shown_count;
    struct writer *out;
};

static void refuse(struct canonical *c, enum err err)
{
    if (c->err == ERR_NONE)
        c->err = err;
}

/* ---- text ---- */

static void emit(struct canonical *c, const uint8_t *from, const uint8_t *to)
{
    if (c->target && to > from)
        wr_bytes(c->out, (struct span){ from, (size_t)(to - from) });
}

static void emit_escaped(struct canonical *c, struct span s)
{
    if (c->target)
        wr_xml_text(c->out, s);
}

/* Lines end with \n. */
static void line_end(struct canonical *c)
{
    struct xml_reader *r = &c->r;
    emit_escaped(c, SPAN_LIT("\n"));
    r->pos += r->end - r->pos > 1 && r->pos[1] == '\n' ? 2 : 1;
}

static void character_data(struct canonical *c)
{
    struct xml_reader *r = &c->r;
    const uint8_t *end = memmem(r->pos, (size_t)(r->end - r->pos), "]]>", 3);
    if (!end) {
        refuse(c, ERR_BAD_VALUE);
        return;
    }
    for (r->pos += strlen("<![CDATA["); r->pos < end;) {
        const uint8_t *cr = memchr(r->pos, '\r', (size_t)(end - r->pos)), *to = cr ? cr : end;
        emit_escaped(c, (struct span){ r->pos, (size_t)(to - r->pos) });
        r->pos = to;
        if (cr)
            line_end(c);
    }
    r->pos = end + 3;
}

static void comment(struct canonical *c)
{
    struct xml_reader *r = &c->r;
    const uint8_t *dashes = memmem(r->pos + 4, (size_t)(r->end - r->pos) - 4, "--", 2);
    if (dashes && r->end - dashes > 2 && dashes[2] == '>')
        r->pos = dashes + 3;
    else
        refuse(c, ERR_BAD_VALUE);
}

static void reference(struct canonical *c)
{
    uint8_t octets[4];
    size_t len = 0, taken = xml_reference(c->r.pos, c->r.end, octets, &len);
    if (!taken)
        refuse(c, ERR_BAD_VALUE);
    emit_escaped(c, (struct span){ octets, len });
    c->r.pos += taken;
}

static inline __attribute__((always_inline)) bool begins(const struct xml_reader *r, const char *text)
{
    size_t len = strlen(text);
    return (size_t)(r->end - r->pos) >= len && !memcmp(r->pos, text, len);
}

/* Octets that need a look before they may be copied. */
static const bool stops_text[256] = { ['<'] = true, ['&'] = true, ['\r'] = true, ['>'] = true };

/* From r.pos to the next tag. */
static void text(struct canonical *c)
{
    struct xml_reader *r = &c->r;
    while (c->err == ERR_NONE && r->pos < r->end) {
        const uint8_t *from = r->pos;
        while (r->pos < r->end && !stops_text[*r->pos])
            r->pos++;
        emit(c, from, r->pos);
        if (begins(r, "<!--")) {
            comment(c);
        } else if (begins(r, "<![CDATA[")) {
            character_data(c);
        } else if (begins(r, "<")) {
            return;
        } else if (begins(r, "&")) {
            reference(c);
        } else if (begins(r, "\r")) {
            line_end(c);
        } else if (begins(r, ">")) {
            if (r->pos[-1] == ']' && r->pos[-2] == ']')
                refuse(c, ERR_BAD_VALUE);
            emit_escaped(c, (struct span){ r->pos++, 1 });
        }
    }
}

/* ---- attribute values ---- */

/* References resolved, white space as blanks, escaped again. */
static void write_value(struct writer *w, struct span value)
{
    const uint8_t *p = value.ptr, *end = p + value.len;
    while (p < end) {
        uint8_t octets[4] = { ' ' };
        size_t len = 1, taken = 1;
        const uint8_t *from = p;
        while (p < end && *p >= 0x20 && *p != '&' && *p != '"')
            p++;
        wr_bytes(w, (struct span){ from, (size_t)(p - from) });
        if (p == end)
            return;
        if (*p == '&')
            taken = xml_reference(p, end, octets, &len);
        else if (*p == '"')
            octets[0] = *p;
        else if (*p == '\r' && end - p > 1 && p[1] == '\n')
            taken = 2;
        wr_xml_attribute(w, (struct span){ octets, len });
        p += taken;
    }
}

/* ---- namespaces ---- */

static enum err prefix_read(struct span token, struct span *ret)
{
    static const char signs[] = "-._";
    *ret = span_eq(token, SPAN_LIT("#default")) ? SPAN_NONE : token;
    for (size_t i = 0; i < ret->len; i++) {
        uint8_t c = ret->ptr[i];
        bool letter = (c | 0x20) - 'a' + 0u < 26u || c == '_',
             later = i && (c - '0' + 0u < 10u || memchr(signs, c, sizeof signs - 1));
        if (!letter && !later)
            return ERR_BAD_VALUE;
    }
    return span_eq(token, SPAN_LIT("xmlns")) ? ERR_BAD_VALUE : ERR_NONE; /* another word for #default in some */
}

enum err xml_prefix_list(struct span text, struct span ret[XML_PREFIXES_MAX], size_t *ret_count)
{
    static const char space[] = " \t\r\n";
    struct span prefixes[XML_PREFIXES_MAX];
    size_t count = 0;
    if (text.len > XML_PREFIX_LIST_MAX)
        return ERR_TOO_LONG;
    for (size_t i = 0, from; i < text.len;) {
        for (from = i; i < text.len && !memchr(space, text.ptr[i], sizeof space - 1);)
            i++;
        if (i++ == from)
            continue;
        if (count == XML_PREFIXES_MAX)
            return ERR_TOO_LONG;
        enum err err = prefix_read(span_sub(text, from, i - 1 - from), &prefixes[count++]);
        if (err != ERR_NONE)
            return err;
    }
    memcpy(ret, prefixes, count * sizeof *ret);
    *ret_count = count;
    return ERR_NONE;
}

static int compare(struct span a, struct span b)
{
    size_t least = a.len < b.len ? a.len : b.len;
    int d = least ? memcmp(a.ptr, b.ptr, least) : 0;
    return d ? d : (a.len > b.len) - (a.len < b.len);
}

static bool is_xml(struct span prefix) { return span_eq(prefix, SPAN_LIT("xml")); }

static struct span in_scope(const struct xml_reader *r, struct span prefix)
{
    if (is_xml(prefix))
        return SPAN_LIT("http://www.w3.org/XML/1998/namespace");
    for (size_t i = r->ns_count; i > 0; i--)
        if (span_eq(r->namespaces[i - 1].prefix, prefix))
            return r->namespaces[i - 1].uri;
    return SPAN_NONE;
}

static struct span shown_uri(const struct canonical *c, struct span prefix)
{
    for (size_t i = c->shown_count; i > 0; i--)
        if (span_eq(c->shown[i - 1].prefix, prefix))
            return c->shown[i - 1].uri;
    return SPAN_NONE;
}

/* The current element shows what the prefix means, unless an outer one has. In order among its own. */
static void show(struct canonical *c, struct span prefix)
{
    struct span uri = in_scope(&c->r, prefix);
    size_t at = c->shown_count;
    if (is_xml(prefix) || span_eq(uri, shown_uri(c, prefix)))
        return;
    if (at == XML_NAMESPACES_MAX) {
        refuse(c, ERR_TOO_LONG);
        return;
    }
    for (; at > 0 && c->shown[at - 1].depth == c->r.depth && compare(c->shown[at - 1].prefix, prefix) > 0; at--)
        c->shown[at] = c->shown[at - 1];
    c->shown[at] = (struct shown){ prefix, uri, c->r.depth };
    c->shown_count++;
}

static bool is_inclusive(const struct canonical *c, struct span prefix)
{
    for (size_t i = 0; i < c->prefix_count; i++)
        if (span_eq(c->prefixes[i], prefix))
            return true;
    return c->method == XML_INCLUSIVE;
}

/* Exclusive: what the tag itself uses. Inclusive: all that is in scope, which the parent has shown but for the tag's
 * own; with a list, so for its prefixes. */
static void show_all(struct canonical *c)
{
    const struct xml_reader *r = &c->r;
    if (c->method == XML_EXCLUSIVE)
        show(c, r->prefix);
    for (size_t i = 0; i < r->attr_count && c->method == XML_EXCLUSIVE; i++)
        if (r->attrs[i].prefix.len)
            show(c, r->attrs[i].prefix);
    for (size_t i = 0; i < r->ns_count && (c->method == XML_INCLUSIVE || c->prefix_count); i++)
        if ((r->depth == c->target || r->namespaces[i].depth == r->depth) && is_inclusive(c, r->namespaces[i].prefix))
            show(c, r->namespaces[i].prefix);
}

/* ---- tags ---- */

static void write_pair(struct canonical *c, struct span prefix, struct span local, struct span value)
{
    struct writer *w = c->out;
    wr_u8(w, ' ');
    wr_bytes(w, prefix);
    if (prefix.len && local.len)
        wr_u8(w, ':');
    wr_bytes(w, local);
    wr_bytes(w, SPAN_LIT("=\""));
    write_value(w, value);
    wr_u8(w, '"');
}

/* By namespace, those without one first, then by name. */
static bool attribute_before(const struct canonical *c, const struct xml_attr *a, const struct xml_attr *b)
{
    struct span none = SPAN_NONE;
    int d =
        compare(a->prefix.len ? in_scope(&c->r, a->prefix) : none, b->prefix.len ? in_scope(&c->r, b->prefix) : none);
    return d ? d < 0 : compare(a->local, b->local) < 0;
}

static void write_attributes(struct canonical *c)
{
    const struct xml_attr *sorted[XML_ATTRIBUTES_MAX];
    for (size_t i = 0; i < c->r.attr_count; i++) {
        const struct xml_attr *a = &c->r.attrs[i];
        size_t at = i;
        for (; at > 0 && attribute_before(c, a, sorted[at - 1]); at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = a;
    }
    for (size_t i = 0; i < c->r.attr_count; i++)
        write_pair(c, sorted[i]->prefix, sorted[i]->local, sorted[i]->raw);
}

static void write_start(struct canonical *c)
{
    size_t before = c->shown_count;
    show_all(c);
    wr_u8(c->out, '<');
    wr_bytes(c->out, c->r.open[c->r.depth - 1]);
    for (size_t i = before; i < c->shown_count; i++)
        write_pair(c, SPAN_LIT("xmlns"), c->shown[i].prefix, c->shown[i].uri);
    write_attributes(c);
    wr_u8(c->out, '>');
}

static void write_end(struct canonical *c, struct span name)
{
    wr_bytes(c->out, SPAN_LIT("</"));
    wr_bytes(c->out, name);
    wr_u8(c->out, '>');
}

/* An inclusive form would inherit the attributes xml:… of elements around it, each version in its own way. */
static void check_tag(struct canonical *c, bool outside)
{
    const struct xml_reader *r = &c->r;
    for (size_t i = r->ns_count; i > 0 && r->namespaces[i - 1].depth == r->depth; i--)
        if (r->namespaces[i - 1].uri.len && !uri_is_absolute(r->namespaces[i - 1].uri))
            refuse(c, ERR_UNSUPPORTED);
    for (size_t i = 0; i < r->attr_count && outside && c->method == XML_INCLUSIVE; i++)
        if (is_xml(r->attrs[i].prefix))
            refuse(c, ERR_UNSUPPORTED);
}

/* ---- the document ---- */

/* The n-th name of the path; empty: it is not so long. */
static struct span segment(const char *path, size_t n)
{
    for (; n && *path; path += *path == '/')
        if (*(path += strcspn(path, "/")) == '/')
            n--;
    return (struct span){ (const uint8_t *)path, strcspn(path, "/") };
}

/* The root matches an empty path; below it, each open element one name of the path. */
static bool is_wanted(struct canonical *c)
{
    const struct xml_reader *r = &c->r;
    if (!c->path)
        return r->depth == 1;
    if (r->depth < 2 || r->depth != c->matched + 2 || !span_eq(r->local, segment(c->path, c->matched)))
        return false;
    c->matched++;
    return !segment(c->path, c->matched).len;
}

static void enter(struct canonical *c)
{
    uint8_t before = c->matched;
    bool wanted = is_wanted(c);
    check_tag(c, c->path && !wanted && (c->r.depth == 1 || c->matched > before));
    if (wanted && !c->found) {
        c->found = true;
        c->target = c->r.depth;
    }
    if (c->target && c->err == ERR_NONE)
        write_start(c);
}

static void leave(struct canonical *c, struct span name)
{
    if (c->target)
        write_end(c, name);
    if (c->target > c->r.depth)
        c->target = 0;
    if (c->matched >= c->r.depth && c->matched)
        c->matched = (uint8_t)(c->r.depth ? c->r.depth - 1 : 0);
    while (c->shown_count && c->shown[c->shown_count - 1].depth > c->r.depth)
        c->shown_count--;
}

static void walk(struct canonical *c)
{
    struct xml_reader *r = &c->r;
    while (r->fault == XML_OK && r->depth && c->err == ERR_NONE) {
        struct span name = r->open[r->depth - 1];
        if (!r->empty)
            text(c);
        if (c->err == ERR_NONE && xml_child(r))
            enter(c);
        else if (c->err == ERR_NONE && r->fault == XML_OK)
            leave(c, name);
    }
}

enum err xml_canonical(struct span document, const char *path, const struct xml_form *form, struct writer *out)
{
    struct canonical c = { .method = form->method, .path = path, .out = out };
    if (form->method == XML_EXCLUSIVE)
        c.err = xml_prefix_list(form->prefixes, c.prefixes, &c.prefix_count);
    if (c.err != ERR_NONE)
        return c.err;
    xml_open(&c.r, document);
    if (c.r.fault == XML_OK)
        enter(&c);
    walk(&c);
    if (c.err == ERR_NONE && xml_close(&c.r) != XML_OK)
        c.err = c.r.fault == XML_TOO_MUCH ? ERR_TOO_LONG : ERR_BAD_VALUE;
    if (c.err == ERR_NONE && !c.found)
        c.err = ERR_MISSING;
    return c.err == ERR_NONE ? out->err : c.err;
}
