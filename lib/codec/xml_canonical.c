#include "xml_canonical.h"

#include "xml.h"

struct shown {
    struct span prefix, uri;
    uint8_t depth; /* of the element that shows it */
};

struct canonical {
    struct xml_reader r;
    enum xml_canonical method;
    const char *child;
    uint8_t target; /* depth of the element that is written; 0: none */
    bool found, plain;
    struct shown shown[XML_NAMESPACES_MAX]; /* declarations that are written and still hold, the inner ones last */
    size_t shown_count;
    struct writer *out;
};

/* ---- octets ---- */

/* Does the octet need a look before it may be copied into text? */
static bool stops_text(uint8_t c) { return c == '<' || c == '&' || c == '\r' || c == '>'; }

static bool begins(const uint8_t *p, const uint8_t *end, const char *text)
{
    size_t len = strlen(text);
    return (size_t)(end - p) >= len && !memcmp(p, text, len);
}

/* From r.pos to the next tag, which must be one. */
static void text(struct canonical *c)
{
    struct xml_reader *r = &c->r;
    const uint8_t *p = r->pos, *from = p;
    for (;; p++) {
        while (p < r->end && !stops_text(*p))
            p++;
        if (p == r->end || *p == '<')
            break;
        if (*p == '&' && (begins(p, r->end, "&amp;") || begins(p, r->end, "&lt;") || begins(p, r->end, "&gt;")))
            continue;
        if (*p != '>' || (p - r->pos >= 2 && p[-1] == ']' && p[-2] == ']')) {
            c->plain = false;
            return;
        }
        if (c->target) {
            wr_bytes(c->out, (struct span){ from, (size_t)(p - from) });
            wr_text(c->out, "&gt;");
        }
        from = p + 1;
    }
    c->plain &= r->end - p > 1 && p[1] != '!' && p[1] != '?';
    if (c->target && p > from)
        wr_bytes(c->out, (struct span){ from, (size_t)(p - from) });
    r->pos = p;
}

/* May the value stand between double quotes as it is? */
static bool is_plain_value(struct span v)
{
    const uint8_t *end = v.ptr + v.len;
    for (const uint8_t *p = v.ptr; p < end; p++) {
        if (*p == '"' || *p < 0x20)
            return false;
        if (*p == '&' && !begins(p, end, "&amp;") && !begins(p, end, "&lt;") && !begins(p, end, "&quot;"))
            return false;
    }
    return true;
}

/* scheme:something or scheme://something, of letters, digits and a few signs: no implementation looks at it twice. */
static bool is_plain_uri(struct span uri)
{
    const uint8_t *colon = uri.len ? memchr(uri.ptr, ':', uri.len) : NULL;
    if (!colon || colon == uri.ptr)
        return !uri.len;
    size_t scheme = (size_t)(colon - uri.ptr);
    bool authority = begins(colon, uri.ptr + uri.len, "://");
    for (size_t i = 0; i < uri.len; i++) {
        uint8_t c = uri.ptr[i];
        bool letter = (c | 0x20) - 'a' + 0u < 26u, digit = i && c >= '0' && c <= '9';
        bool sign = c == ':' ? i == scheme || !authority : i > scheme && (c == '/' || c == '.' || c == '-' || c == '_');
        if (!letter && !digit && !sign && (c != '#' || i + 1 < uri.len))
            return false;
    }
    return uri.len > scheme + (authority ? 3 : 1);
}

/* ---- namespaces ---- */

static int compare(struct span a, struct span b)
{
    size_t least = a.len < b.len ? a.len : b.len;
    int d = least ? memcmp(a.ptr, b.ptr, least) : 0;
    return d ? d : (a.len > b.len) - (a.len < b.len);
}

static struct span in_scope(const struct xml_reader *r, struct span prefix)
{
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
    c->plain &= at < XML_NAMESPACES_MAX;
    if (!c->plain || span_eq(uri, shown_uri(c, prefix)))
        return;
    for (; at > 0 && c->shown[at - 1].depth == c->r.depth && compare(c->shown[at - 1].prefix, prefix) > 0; at--)
        c->shown[at] = c->shown[at - 1];
    c->shown[at] = (struct shown){ prefix, uri, c->r.depth };
    c->shown_count++;
}

/* Exclusive: what the tag itself uses. Inclusive: all that is in scope, which the parent has shown but for the tag's
 * own. */
static void show_all(struct canonical *c)
{
    const struct xml_reader *r = &c->r;
    if (c->method == XML_EXCLUSIVE)
        show(c, r->prefix);
    for (size_t i = 0; i < r->attr_count && c->method == XML_EXCLUSIVE; i++)
        if (r->attrs[i].prefix.len)
            show(c, r->attrs[i].prefix);
    for (size_t i = 0; i < r->ns_count && c->method == XML_INCLUSIVE; i++)
        if (r->depth == c->target || r->namespaces[i].depth == r->depth)
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
    wr_bytes(w, value);
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

static void check_tag(struct canonical *c)
{
    const struct xml_reader *r = &c->r;
    c->plain &= !span_eq(r->prefix, SPAN_LIT("xml"));
    for (size_t i = r->ns_count; i > 0 && r->namespaces[i - 1].depth == r->depth; i--)
        c->plain &= is_plain_uri(r->namespaces[i - 1].uri);
    for (size_t i = 0; i < r->attr_count; i++)
        c->plain &= is_plain_value(r->attrs[i].raw) && !span_eq(r->attrs[i].prefix, SPAN_LIT("xml"));
}

/* ---- the document ---- */

static void enter(struct canonical *c)
{
    bool wanted = c->child ? c->r.depth == 2 && span_eq(c->r.local, span_text(c->child)) : c->r.depth == 1;
    check_tag(c);
    if (wanted && !c->found) {
        c->found = true;
        c->target = c->r.depth;
    }
    if (c->target && c->plain)
        write_start(c);
}

static void leave(struct canonical *c, struct span name)
{
    if (c->target)
        write_end(c, name);
    if (c->target > c->r.depth)
        c->target = 0;
    while (c->shown_count && c->shown[c->shown_count - 1].depth > c->r.depth)
        c->shown_count--;
}

bool xml_canonical(struct span document, const char *child, enum xml_canonical method, struct writer *out)
{
    struct canonical c = { .method = method, .child = child, .plain = true, .out = out };
    struct xml_reader *r = &c.r;
    xml_open(r, document);
    if (r->fault == XML_OK)
        enter(&c);
    while (r->fault == XML_OK && r->depth && c.plain) {
        struct span name = r->open[r->depth - 1];
        if (!r->empty)
            text(&c);
        if (!c.plain)
            break;
        if (xml_child(r))
            enter(&c);
        else if (r->fault == XML_OK)
            leave(&c, name);
    }
    return c.plain && c.found && xml_close(r) == XML_OK && out->err == ERR_NONE;
}
