#include "wsse.h"

#include "dsig.h"

static bool is(const struct xml_reader *r, const char *name, const char *ns)
{
    return span_eq(r->local, span_text(name)) && span_eq(r->ns, span_text(ns));
}

static bool ends_with(struct span text, const char *end)
{
    size_t len = strlen(end);
    return text.len >= len && !memcmp(text.ptr + text.len - len, end, len);
}

struct span wsse_id(const struct xml_reader *r)
{
    struct span id = SPAN_NONE;
    for (size_t i = 0; i < r->attr_count; i++)
        if (r->attrs[i].prefix.len && span_eq(r->attrs[i].local, SPAN_LIT("Id")))
            id = id.len ? SPAN_NONE : r->attrs[i].raw;
    return id;
}

/* The text of an element that may be there once. */
static void read_once(struct xml_reader *r, struct arena *a, struct wsse_token *t, struct span *ret)
{
    t->malformed |= ret->len != 0;
    *ret = xml_trim(xml_text(r, a));
}

static void read_password(struct xml_reader *r, struct arena *a, struct wsse_token *t)
{
    struct span type = SPAN_NONE;
    if (xml_attribute(r, "Type", a, &type) && ends_with(type, "#PasswordDigest"))
        t->digest = true;
    else if (type.len && !ends_with(type, "#PasswordText"))
        t->malformed = true;
    t->malformed |= t->password.len != 0;
    t->password = xml_text(r, a); /* blanks belong to it */
}

static void read_username(struct xml_reader *r, struct arena *a, struct wsse_token *t)
{
    t->malformed |= t->has_user;
    t->has_user = true;
    while (xml_child(r)) {
        if (is(r, "Username", WSSE_NS))
            read_once(r, a, t, &t->user);
        else if (is(r, "Password", WSSE_NS))
            read_password(r, a, t);
        else if (is(r, "Nonce", WSSE_NS))
            read_once(r, a, t, &t->nonce);
        else if (is(r, "Created", WSSE_UTILITY_NS))
            read_once(r, a, t, &t->created);
        else
            xml_skip(r);
    }
}

static void read_certificate(struct xml_reader *r, struct arena *a, struct wsse_token *t)
{
    struct span type = SPAN_NONE;
    if (!xml_attribute(r, "ValueType", a, &type) || !ends_with(type, "#X509v3"))
        t->malformed = true;
    t->certificate_id = wsse_id(r);
    read_once(r, a, t, &t->certificate);
}

static void read_timestamp(struct xml_reader *r, struct arena *a, struct wsse_token *t)
{
    t->malformed |= t->has_timestamp;
    t->has_timestamp = true;
    t->timestamp_id = wsse_id(r);
    while (xml_child(r)) {
        if (is(r, "Expires", WSSE_UTILITY_NS))
            read_once(r, a, t, &t->expires);
        else
            xml_skip(r);
    }
}

void wsse_read(struct xml_reader *r, struct arena *a, struct wsse_token *t)
{
    while (xml_child(r)) {
        if (is(r, "UsernameToken", WSSE_NS)) {
            read_username(r, a, t);
        } else if (is(r, "BinarySecurityToken", WSSE_NS)) {
            read_certificate(r, a, t);
        } else if (is(r, "Timestamp", WSSE_UTILITY_NS)) {
            read_timestamp(r, a, t);
        } else if (is(r, "Signature", DSIG_NS)) {
            t->malformed |= t->signature.len != 0;
            t->signature = xml_raw(r, a, true);
        } else {
            xml_skip(r);
        }
    }
}
