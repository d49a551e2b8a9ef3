#include "wsa.h"

#include "lib/codec/datetime.h"
#include "lib/codec/xml.h"

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The value without percent-codes; in place when it has none. */
static enum err percent_decode(struct span text, struct arena *a, struct span *ret)
{
    if (!text.len || !memchr(text.ptr, '%', text.len)) {
        *ret = text;
        return ERR_NONE;
    }
    uint8_t *out = arena_alloc(a, text.len);
    size_t len = 0;
    if (!out)
        return ERR_NO_SPACE;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c == '%') {
            int high = i + 2 < text.len + 0u ? hex_digit(text.ptr[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text.ptr[i + 2]) : -1;
            if (low < 0 || high * 16 + low < 0x20)
                return ERR_BAD_VALUE;
            c = (uint8_t)(high * 16 + low);
            i += 2;
        }
        out[len++] = c;
    }
    *ret = (struct span){ out, len };
    return ERR_NONE;
}

static void wr_percent(struct writer *w, struct span text)
{
    static const char plain[] = "-._~:@!$'()*,;=/+";
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        bool safe = (c >= '0' && c <= '9') || (c | 0x20) - 'a' + 0u < 26u || (c && strchr(plain, c));
        if (safe)
            wr_u8(w, c);
        else
            wr_printf(w, "%%%02X", c);
    }
}

/* Cuts the next "name=value" off; parameters stand between '?' and '&'. */
static bool next_parameter(struct span *rest, struct span *name, struct span *value)
{
    if (rest->len == 0)
        return false;
    struct span all = span_from(*rest, 1); /* the separator */
    size_t len = 0;
    while (len < all.len && all.ptr[len] != '?' && all.ptr[len] != '&')
        len++;
    struct span one = xml_trim(span_sub(all, 0, len));
    const uint8_t *equals = one.len ? memchr(one.ptr, '=', one.len) : NULL;
    size_t at = equals ? (size_t)(equals - one.ptr) : one.len;
    *name = span_sub(one, 0, at);
    *value = span_from(one, at + 1);
    *rest = span_from(all, len);
    return true;
}

/* The identifier of an anonymous URI of WS-MakeConnection belongs to its address: parameters begin behind it. */
static size_t address_len(struct span uri)
{
    size_t prefix = strlen(WSA_POLLED), len = 0;
    if (uri.len <= prefix || memcmp(uri.ptr, WSA_POLLED, prefix))
        prefix = 0;
    for (len = prefix; len < uri.len && uri.ptr[len] != '?' && !(prefix && uri.ptr[len] == '&'); len++)
        ;
    return len;
}

/* The URI up to its parameters and the parameters. */
static struct span split(struct span uri, struct span *parameters)
{
    size_t len = address_len(uri);
    *parameters = span_from(uri, len);
    return xml_trim(span_sub(uri, 0, len));
}

enum err wsa_endpoint_decode(struct span uri, struct arena *a, struct wsa_endpoint *ret)
{
    struct wsa_endpoint e = { 0 };
    struct span rest, name, value, text;
    if (uri.len > WSA_URI_MAX)
        return ERR_TOO_LONG;
    e.address = split(xml_trim(uri), &rest);
    while (next_parameter(&rest, &name, &value)) {
        enum err err = percent_decode(value, a, &text);
        if (err == ERR_NONE && span_eq(name, SPAN_LIT("EntityId")))
            err = oid_from_text(text, &e.entity_id) == ERR_NONE ? ERR_NONE : ERR_BAD_VALUE;
        else if (span_eq(name, SPAN_LIT("EntityName")))
            e.entity_name = text;
        else if (span_eq(name, SPAN_LIT("UserName")))
            e.user_name = text;
        if (err != ERR_NONE)
            return err;
    }
    *ret = e;
    return ERR_NONE;
}

static void wr_parameter(struct writer *w, size_t start, char separator, const char *name, struct span value)
{
    if (value.len == 0)
        return;
    bool first = w->err == ERR_NONE && !memchr(w->buf + start, '?', w->len - start);
    wr_u8(w, first ? '?' : (uint8_t)separator);
    wr_text(w, name);
    wr_text(w, "=");
    wr_percent(w, value);
}

void wsa_endpoint_encode(struct writer *w, const struct wsa_endpoint *e, char separator)
{
    size_t start = w->len;
    wr_bytes(w, e->address);
    if (e->address.len > strlen(WSA_POLLED) && !memcmp(e->address.ptr, WSA_POLLED, strlen(WSA_POLLED)))
        return; /* whoever fetches it compares the URI as a whole */
    wr_parameter(w, start, separator, "EntityId", oid_span(&e->entity_id));
    wr_parameter(w, start, separator, "EntityName", e->entity_name);
    wr_parameter(w, start, separator, "UserName", e->user_name);
}

enum err wsa_message_id_decode(struct span text, struct arena *a, struct wsa_message_id *ret)
{
    struct wsa_message_id id = { .raw = xml_trim(text) };
    struct span rest, name, value;
    if (id.raw.len == 0)
        return ERR_MISSING;
    if (id.raw.len > WSA_MESSAGE_ID_MAX)
        return ERR_TOO_LONG;
    split(id.raw, &rest);
    while (next_parameter(&rest, &name, &value)) {
        enum err err = ERR_NONE;
        if (span_eq(name, SPAN_LIT("TransactionId")))
            err = percent_decode(value, a, &id.transaction_id);
        else if (span_eq(name, SPAN_LIT("ContextId")))
            err = percent_decode(value, a, &id.context_id);
        else if (span_eq(name, SPAN_LIT("MessageDate")))
            (void)!datetime_read(value, &id.date_ms); /* a bad date harms nobody */
        if (err != ERR_NONE)
            return err;
    }
    *ret = id;
    return ERR_NONE;
}

enum err wsa_message_id_make(struct arena *a, const struct oid *sender, struct span unique, struct span transaction_id,
                             struct span context_id, uint64_t now_ms, char separator, struct wsa_message_id *ret)
{
    char date[DATETIME_TEXT_SIZE];
    struct writer w = wr_arena(a, WSA_MESSAGE_ID_MAX);
    wr_text(&w, "//");
    wr_text(&w, sender->text);
    wr_text(&w, "/");
    wr_percent(&w, unique);
    wr_parameter(&w, 0, separator, "TransactionId", transaction_id);
    wr_parameter(&w, 0, separator, "ContextId", context_id);
    wr_parameter(&w, 0, separator, "MessageDate", span_text(datetime_text(now_ms, date)));
    if (w.err != ERR_NONE)
        return w.err;
    *ret = (struct wsa_message_id){ wr_span(&w), transaction_id, context_id, now_ms };
    return ERR_NONE;
}

struct span wsa_origin(struct span uri)
{
    const uint8_t *slashes = uri.len ? memmem(uri.ptr, uri.len, "://", 3) : NULL;
    size_t len = slashes ? (size_t)(slashes - uri.ptr) + 3 : 0;
    if (len == 0)
        return SPAN_NONE;
    while (len < uri.len && uri.ptr[len] != '/' && uri.ptr[len] != '?')
        len++;
    return span_sub(uri, 0, len);
}
