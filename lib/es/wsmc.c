#include "wsmc.h"

#include "field.h"

#define HEADER_END  "</env:Header>"
#define PENDING_MAX 160u

bool wsmc_is_anonymous(struct span uri)
{
    size_t prefix = strlen(WSMC_ANONYMOUS);
    if (uri.len <= prefix || uri.len > prefix + WSMC_ID_MAX || memcmp(uri.ptr, WSMC_ANONYMOUS, prefix))
        return false;
    for (size_t i = prefix; i < uri.len; i++)
        if (uri.ptr[i] <= ' ' || uri.ptr[i] == '?' || uri.ptr[i] == '&' || uri.ptr[i] >= 0x7F)
            return false;
    return true;
}

const char *wsmc_destination(struct arena *a, const struct oid *owner, struct span uri)
{
    return arena_printf(a, WSMC_DESTINATION "%s %.*s", owner->text, (int)uri.len, (const char *)uri.ptr);
}

bool wsmc_destination_read(const char *to, struct span *ret_owner, struct span *ret_uri)
{
    size_t prefix = strlen(WSMC_DESTINATION);
    const char *blank = to && !strncmp(to, WSMC_DESTINATION, prefix) ? strchr(to + prefix, ' ') : NULL;
    if (!blank)
        return false;
    *ret_owner = (struct span){ (const uint8_t *)to + prefix, (size_t)(blank - to) - prefix };
    *ret_uri = span_text(blank + 1);
    return true;
}

/* ---- a request to fetch */

bool wsmc_maybe_poll(struct span soap)
{
    return soap.ptr && soap.len <= WSMC_POLL_MAX && memmem(soap.ptr, soap.len, WSMC_NS, strlen(WSMC_NS)) &&
           memmem(soap.ptr, soap.len, "MakeConnection", 14);
}

static void read_poll_header(struct xml_reader *r, struct arena *a, struct wsmc_poll *p)
{
    while (xml_child(r)) {
        if (span_eq(r->local, SPAN_LIT("To")))
            p->to = xml_trim(xml_text(r, a));
        else if (span_eq(r->local, SPAN_LIT("MessageID")))
            p->message_id = xml_trim(xml_text(r, a));
        else if (span_eq(r->local, SPAN_LIT("RelatesTo")))
            p->received = xml_trim(xml_text(r, a));
        else
            xml_skip(r);
    }
}

/* Body / MakeConnection / Address. A Selector, which we do not know, is no address. */
static void read_poll_body(struct xml_reader *r, struct arena *a, struct wsmc_poll *p)
{
    while (xml_child(r)) {
        if (!span_eq(r->local, SPAN_LIT("MakeConnection")) || !span_eq(r->ns, SPAN_LIT(WSMC_NS))) {
            xml_fail(r, XML_MIXED, "the body is no MakeConnection");
            return;
        }
        while (xml_child(r)) {
            if (span_eq(r->local, SPAN_LIT("Address")) && !p->address.len)
                p->address = xml_trim(xml_text(r, a));
            else
                xml_fail(r, XML_MIXED, "MakeConnection takes one Address and nothing else");
        }
    }
}

static void read_poll(struct xml_reader *r, struct arena *a, struct wsmc_poll *p)
{
    if (r->fault == XML_OK && (!span_eq(r->local, SPAN_LIT("Envelope")) || !span_eq(r->ns, SPAN_LIT(SOAP_ENV_NS))))
        xml_fail(r, XML_MIXED, "this is no SOAP 1.2 envelope");
    while (xml_child(r)) {
        if (span_eq(r->local, SPAN_LIT("Header")))
            read_poll_header(r, a, p);
        else if (span_eq(r->local, SPAN_LIT("Body")))
            read_poll_body(r, a, p);
        else
            xml_fail(r, XML_MIXED, "an element in the envelope that is neither Header nor Body");
    }
}

enum err wsmc_poll_decode(struct span soap, struct arena *a, struct wsmc_poll *ret, struct es_fault *ret_fault)
{
    struct xml_reader r;
    struct wsmc_poll p = { 0 };
    *ret_fault = (struct es_fault){ 0 };
    xml_open(&r, soap);
    read_poll(&r, a, &p);
    if (r.fault == XML_OK)
        xml_close(&r);
    if (r.fault != XML_OK) {
        es_fault_xml(ret_fault, &r);
        return ERR_BAD_VALUE;
    }
    if (!wsmc_is_anonymous(p.address)) {
        es_fault_set(ret_fault, ES_FAULT_HEADER_INVALID, "MakeConnection names no anonymous URI");
        return ERR_BAD_VALUE;
    }
    *ret = p;
    return ERR_NONE;
}

static void wr_element(struct writer *w, const char *name, struct span text)
{
    if (!text.len)
        return;
    wr_printf(w, "<%s>", name);
    wr_xml_text(w, text);
    wr_printf(w, "</%s>", name);
}

enum err wsmc_poll_encode(const struct wsmc_poll *p, struct arena *a, struct span *ret)
{
    struct writer w = wr_arena(a, WSMC_POLL_MAX);
    wr_text(&w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<env:Envelope xmlns:env=\"" SOAP_ENV_NS "\" xmlns:wsa=\"" SOAP_WSA_NS
                "\" xmlns:wsmc=\"" WSMC_NS "\"><env:Header>");
    wr_element(&w, "wsa:To", p->to);
    wr_element(&w, "wsa:MessageID", p->message_id);
    wr_element(&w, "wsa:Action", SPAN_LIT(WSMC_ACTION));
    wr_element(&w, "wsa:RelatesTo", p->received);
    wr_text(&w, HEADER_END "<env:Body><wsmc:MakeConnection>");
    wr_element(&w, "wsmc:Address", p->address);
    wr_text(&w, "</wsmc:MakeConnection></env:Body></env:Envelope>");
    if (w.err == ERR_NONE)
        *ret = wr_span(&w);
    return w.err;
}

/* ---- what is fetched */

enum err wsmc_deliver(struct span soap, bool pending, struct arena *a, struct span *ret)
{
    const uint8_t *end = soap.len ? memmem(soap.ptr, soap.len, HEADER_END, strlen(HEADER_END)) : NULL;
    size_t before = end ? (size_t)(end - soap.ptr) : 0;
    struct writer w = wr_arena(a, soap.len + PENDING_MAX);
    if (!end)
        return ERR_BAD_VALUE;
    wr_bytes(&w, span_sub(soap, 0, before));
    wr_printf(&w, "<wsmc:MessagePending xmlns:wsmc=\"" WSMC_NS "\" pending=\"%s\"/>", pending ? "true" : "false");
    wr_bytes(&w, span_from(soap, before));
    if (w.err == ERR_NONE)
        *ret = wr_span(&w);
    return w.err;
}

bool wsmc_pending(struct span soap, struct arena *a)
{
    struct xml_reader r;
    struct span value = SPAN_NONE;
    xml_open(&r, soap);
    if (!xml_child(&r) || !span_eq(r.local, SPAN_LIT("Header")))
        return false;
    while (xml_child(&r)) {
        if (span_eq(r.local, SPAN_LIT("MessagePending")) && span_eq(r.ns, SPAN_LIT(WSMC_NS)))
            (void)xml_attribute(&r, "pending", a, &value);
        xml_skip(&r);
    }
    return span_eq(value, SPAN_LIT("true")) || span_eq(value, SPAN_LIT("1"));
}
