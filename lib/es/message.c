#include "message.h"

#include "field.h"
#include "wsse.h"

#define SOAP_CAP_LEAST 4096u  /* room for most messages: what is left of the arena's block is tried when it has that */
#define SOAP_CAP_FIRST 16384u /* room for a message with an EIS; four times more each time it is not enough */

/* --- decoding the header --------------------------------------------------------------------------------------- */

struct decoder {
    struct xml_reader r;
    struct arena *a;
    struct es_message *m;
    struct es_fault *fault;
};

static bool refuse(struct decoder *d, enum es_fault_kind kind, const char *what)
{
    if (d->fault->kind == ES_FAULT_NONE)
        es_fault_set(d->fault, kind, "%s", what);
    return false;
}

static bool header_fault(struct decoder *d, const char *name, enum err err)
{
    if (d->fault->kind == ES_FAULT_NONE)
        es_fault_set(d->fault, err == ERR_NO_SPACE ? ES_FAULT_NO_MEMORY : ES_FAULT_HEADER_INVALID,
                     "the header %s is not valid: %s", name, err_text(err));
    return false;
}

static struct span text_of(struct decoder *d) { return xml_trim(xml_text(&d->r, d->a)); }

static bool read_endpoint(struct decoder *d, const char *name, struct span uri, struct wsa_endpoint *ret)
{
    if (d->r.fault != XML_OK)
        return false;
    enum err err = uri.len ? wsa_endpoint_decode(uri, d->a, ret) : ERR_MISSING;
    if (uri.len && memchr(uri.ptr, '&', uri.len))
        d->m->dialect.ampersand = true;
    return err == ERR_NONE || header_fault(d, name, err);
}

/* wsa:From and wsa:ReplyTo: only Address counts. */
static bool read_reference(struct decoder *d, const char *name, struct wsa_endpoint *ret)
{
    struct span uri = SPAN_NONE;
    while (xml_child(&d->r)) {
        if (xml_name_is(d->r.local, "Address"))
            uri = text_of(d);
        else
            xml_skip(&d->r);
    }
    return read_endpoint(d, name, uri, ret);
}

static bool read_message_id(struct decoder *d)
{
    struct span text = text_of(d);
    if (d->r.fault != XML_OK)
        return false;
    enum err err = wsa_message_id_decode(text, d->a, &d->m->wsa.message_id);
    return err == ERR_NONE || header_fault(d, "MessageID", err);
}

static bool must_understand(struct decoder *d)
{
    for (size_t i = 0; i < d->r.attr_count; i++)
        if (d->r.attrs[i].prefix.len && span_eq(d->r.attrs[i].local, SPAN_LIT("mustUnderstand")) &&
            (span_eq(d->r.attrs[i].raw, SPAN_LIT("true")) || span_eq(d->r.attrs[i].raw, SPAN_LIT("1"))))
            return true;
    return false;
}

/* A second one could not be told from the first. */
static bool read_security(struct decoder *d)
{
    struct wsse_token *t = ARENA_NEW(d->a, struct wsse_token);
    if (!t)
        return refuse(d, ES_FAULT_NO_MEMORY, "the message takes too much memory");
    t->must_understand = must_understand(d);
    t->malformed = d->m->security;
    d->m->security = t;
    wsse_read(&d->r, d->a, t);
    return d->r.fault == XML_OK;
}

static void part_begins(struct decoder *d, enum es_part part)
{
    d->m->parts |= 1u << part;
    d->m->part_ids[part] = wsse_id(&d->r);
}

/* A header that is acted on is there once: of two, one could be signed and the other done. */
static bool header_once(struct decoder *d)
{
    static const char *const names[ES_PART_COUNT] = { [ES_PART_FROM] = "From",           [ES_PART_TO] = "To",
                                                      [ES_PART_REPLY_TO] = "ReplyTo",    [ES_PART_MESSAGE_ID] = "MessageID",
                                                      [ES_PART_ACTION] = "Action",       [ES_PART_RELATES_TO] = "RelatesTo" };
    for (unsigned part = ES_PART_BODY + 1; part < ES_PART_COUNT; part++) {
        if (!span_eq(d->r.local, span_text(names[part])))
            continue;
        if (d->m->parts & 1u << part)
            return header_fault(d, names[part], ERR_EXISTS);
        part_begins(d, (enum es_part)part);
    }
    return true;
}

/* Known by their local names, whatever the namespace: some partners have the wrong one (fact book 5.1). */
static bool read_header(struct decoder *d)
{
    struct wsa_header *h = &d->m->wsa;
    struct span name = d->r.local;
    if (!header_once(d))
        return false;
    if (span_eq(name, SPAN_LIT("From")))
        return read_reference(d, "From", &h->from);
    if (span_eq(name, SPAN_LIT("ReplyTo")))
        return read_reference(d, "ReplyTo", &h->reply_to);
    if (span_eq(name, SPAN_LIT("To")))
        return read_endpoint(d, "To", text_of(d), &h->to);
    if (span_eq(name, SPAN_LIT("MessageID")))
        return read_message_id(d);
    if (span_eq(name, SPAN_LIT("Security")) && span_eq(d->r.ns, SPAN_LIT(WSSE_NS)))
        return read_security(d);
    d->m->other_security |= span_eq(name, SPAN_LIT("Security"));
    if (span_eq(name, SPAN_LIT("Action"))) {
        h->action = text_of(d);
        return d->r.fault == XML_OK && (h->action.len <= WSA_URI_MAX || header_fault(d, "Action", ERR_TOO_LONG));
    }
    if (span_eq(name, SPAN_LIT("RelatesTo"))) {
        h->relates_to = text_of(d);
        return d->r.fault == XML_OK &&
               (h->relates_to.len <= WSA_MESSAGE_ID_MAX || header_fault(d, "RelatesTo", ERR_TOO_LONG));
    }
    bool known = span_eq(name, SPAN_LIT("FaultTo")) || span_eq(name, SPAN_LIT("MessagePending"));
    if (!known && must_understand(d)) {
        es_fault_set(d->fault, ES_FAULT_MUST_UNDERSTAND, "the header %.*s must be understood and is not",
                     (int)(name.len < 60 ? name.len : 60), (const char *)name.ptr);
        return false;
    }
    xml_skip(&d->r);
    return d->r.fault == XML_OK;
}

static bool header_whole(struct decoder *d)
{
    const struct wsa_header *h = &d->m->wsa;
    const char *missing = !h->from.address.len && !h->from.entity_id.text[0] ? "From"
                          : !h->from.entity_id.text[0]                       ? "EntityId of From"
                          : !h->to.address.len && !h->to.entity_id.text[0]   ? "To"
                          : !h->message_id.raw.len                           ? "MessageID"
                          : !h->action.len                                   ? "Action"
                                                                             : NULL;
    if (missing)
        es_fault_set(d->fault, ES_FAULT_HEADER_MISSING, "the header has no %s", missing);
    return !missing;
}

/* --- decoding the body ----------------------------------------------------------------------------------------- */

static bool read_fault_body(struct decoder *d)
{
    struct soap_fault *f = ARENA_NEW(d->a, struct soap_fault);
    if (!f)
        return refuse(d, ES_FAULT_NO_MEMORY, "the message takes too much memory");
    *f = soap_fault_read(&d->r, d->a);
    d->m->kind = ES_SOAP_FAULT;
    d->m->body = f;
    return d->r.fault == XML_OK;
}

static bool read_function(struct decoder *d)
{
    struct es_message *m = d->m;
    if (!es_namespace_find(d->r.ns, &m->dialect.ns) ||
        es_function_find(d->r.local, &m->function, &m->kind) != ERR_NONE) {
        es_fault_set(d->fault, ES_FAULT_UNKNOWN_BODY, "%.*s is no function of SGP.02",
                     (int)(d->r.local.len < 80 ? d->r.local.len : 80), (const char *)d->r.local.ptr);
        return false;
    }
    m->dialect.v4 = m->dialect.ns == ES_NS_4;
    const struct xml_table *table = es_table(m->function, m->kind);
    void *body = arena_alloc(d->a, table->size);
    if (!body)
        return refuse(d, ES_FAULT_NO_MEMORY, "the message takes too much memory");
    m->body = body;
    struct field_reader fields = { .r = &d->r, .a = d->a, .fault = d->fault, .partial = m->kind != ES_REQUEST };
    return fields_decode(&fields, table, body);
}

/* ES7.AuthenticateSMSR: one of the two must be there, which a table cannot say. */
static bool alternatives_there(struct decoder *d)
{
    if (d->m->function != ES7_AUTHENTICATE_SMSR || d->m->kind != ES_REQUEST)
        return true;
    const struct es7_authenticate_smsr *body = d->m->body;
    if (!body->has_eid && !body->eis)
        es_fault_body(d->fault, REASON_ELEMENT_MISSING, "Eid: is missing");
    return body->has_eid || body->eis;
}

static bool read_body(struct decoder *d)
{
    if (!xml_child(&d->r))
        return d->r.fault == XML_OK && refuse(d, ES_FAULT_UNKNOWN_BODY, "the body is empty");
    bool fault = span_eq(d->r.local, SPAN_LIT("Fault")) && span_eq(d->r.ns, SPAN_LIT(SOAP_ENV_NS));
    if (!(fault ? read_fault_body(d) : read_function(d) && alternatives_there(d)))
        return false;
    if (xml_child(&d->r))
        return refuse(d, ES_FAULT_MALFORMED, "the body has more than one element");
    return d->r.fault == XML_OK;
}

static bool read_envelope(struct decoder *d)
{
    bool header = false;
    if (d->r.fault != XML_OK)
        return false;
    if (span_eq(d->r.ns, SPAN_LIT(SOAP_ENV_1_1_NS)))
        return refuse(d, ES_FAULT_SOAP_VERSION, "this is SOAP 1.1, not 1.2");
    if (!span_eq(d->r.local, SPAN_LIT("Envelope")) || !span_eq(d->r.ns, SPAN_LIT(SOAP_ENV_NS)))
        return refuse(d, ES_FAULT_MALFORMED, "this is no SOAP 1.2 envelope");
    while (xml_child(&d->r)) {
        bool soap = span_eq(d->r.ns, SPAN_LIT(SOAP_ENV_NS));
        if (soap && !header && span_eq(d->r.local, SPAN_LIT("Header"))) {
            header = true;
            while (xml_child(&d->r))
                if (!read_header(d))
                    return false;
        } else if (soap && span_eq(d->r.local, SPAN_LIT("Body"))) {
            part_begins(d, ES_PART_BODY);
            return read_body(d);
        } else {
            return refuse(d, ES_FAULT_MALFORMED, "an element in the envelope that is neither Header nor Body");
        }
    }
    return d->r.fault == XML_OK && refuse(d, ES_FAULT_MALFORMED, "the envelope has no Body");
}

static bool read_message(struct decoder *d)
{
    if (!read_envelope(d))
        return false;
    if (xml_child(&d->r))
        return refuse(d, ES_FAULT_MALFORMED, "something follows the Body");
    if (xml_close(&d->r) != XML_OK)
        return false;
    return d->m->kind == ES_SOAP_FAULT || header_whole(d);
}

static enum err fault_err(enum es_fault_kind kind)
{
    static const enum err errs[] = {
        [ES_FAULT_NONE] = ERR_NONE,
        [ES_FAULT_TOO_BIG] = ERR_TOO_LONG,
        [ES_FAULT_MALFORMED] = ERR_BAD_VALUE,
        [ES_FAULT_DOCTYPE] = ERR_DENIED,
        [ES_FAULT_SOAP_VERSION] = ERR_UNSUPPORTED,
        [ES_FAULT_MUST_UNDERSTAND] = ERR_UNSUPPORTED,
        [ES_FAULT_HEADER_MISSING] = ERR_MISSING,
        [ES_FAULT_HEADER_INVALID] = ERR_BAD_VALUE,
        [ES_FAULT_UNKNOWN_BODY] = ERR_NOT_FOUND,
        [ES_FAULT_INVALID_BODY] = ERR_BAD_VALUE,
        [ES_FAULT_NO_MEMORY] = ERR_NO_SPACE,
        [ES_FAULT_SECURITY_INVALID] = ERR_DENIED,
        [ES_FAULT_SECURITY_FAILED] = ERR_DENIED,
        [ES_FAULT_SECURITY_EXPIRED] = ERR_DENIED,
        [ES_FAULT_BUSY] = ERR_BUSY,
    };
    return errs[kind];
}

enum err es_decode(struct span soap, struct arena *a, struct es_message *ret, struct es_fault *ret_fault)
{
    struct decoder d = { .a = a, .m = ret, .fault = ret_fault };
    *ret = (struct es_message){ 0 };
    *ret_fault = (struct es_fault){ 0 };
    if (soap.len > SOAP_MESSAGE_MAX) {
        es_fault_set(ret_fault, ES_FAULT_TOO_BIG, "the message is larger than %u octets", SOAP_MESSAGE_MAX);
        return ERR_TOO_LONG;
    }
    xml_open(&d.r, soap);
    if (read_message(&d))
        return ERR_NONE;
    if (d.r.fault != XML_OK && ret_fault->kind == ES_FAULT_NONE)
        es_fault_xml(ret_fault, &d.r);
    /* a body that cannot be answered as a function is a fault of the header */
    if (ret_fault->kind == ES_FAULT_INVALID_BODY && !ret->wsa.from.entity_id.text[0])
        header_whole(&d);
    return fault_err(ret_fault->kind);
}

/* --- encoding -------------------------------------------------------------------------------------------------- */

static void wr_wsa_text(struct writer *w, const char *name, struct span text)
{
    wr_printf(w, "<wsa:%s>", name);
    wr_xml_text(w, text);
    wr_printf(w, "</wsa:%s>", name);
}

static void wr_endpoint(struct writer *w, const char *open, const struct wsa_endpoint *e, char separator,
                        const char *close)
{
    WRITER_ON_STACK(uri, 3 * WSA_URI_MAX + 2 * OID_TEXT_MAX); /* percent-codes are three octets */
    wsa_endpoint_encode(&uri, e, separator);
    wr_text(w, open);
    wr_xml_text(w, wr_span(&uri));
    wr_text(w, close);
    wr_fail(w, uri.err);
}

static void wr_header(struct writer *w, const struct es_message *m)
{
    const struct wsa_header *h = &m->wsa;
    char separator = m->dialect.ampersand ? '&' : '?';
    if (m->kind != ES_SOAP_FAULT && (!h->from.entity_id.text[0] || !h->message_id.raw.len))
        wr_fail(w, ERR_MISSING);
    if (h->from.address.len || h->from.entity_id.text[0])
        wr_endpoint(w, "<wsa:From><wsa:Address>", &h->from, separator, "</wsa:Address></wsa:From>");
    if (h->to.address.len || h->to.entity_id.text[0])
        wr_endpoint(w, "<wsa:To>", &h->to, separator, "</wsa:To>");
    if (h->message_id.raw.len)
        wr_wsa_text(w, "MessageID", h->message_id.raw);
    wr_text(w, "<wsa:Action>");
    if (h->action.len)
        wr_xml_text(w, h->action);
    else if (m->kind == ES_SOAP_FAULT)
        wr_text(w, SOAP_WSA_NS "/fault");
    else
        es_action(w, m->function, m->kind);
    wr_text(w, "</wsa:Action>");
    if (h->relates_to.len)
        wr_wsa_text(w, "RelatesTo", h->relates_to);
    if (h->reply_to.address.len)
        wr_endpoint(w, "<wsa:ReplyTo><wsa:Address>", &h->reply_to, separator, "</wsa:Address></wsa:ReplyTo>");
}

static void wr_root_name(struct writer *w, const char *open, const struct es_message *m)
{
    wr_text(w, open);
    wr_text(w, ES_PREFIX ":");
    es_root_element(w, m->function, m->kind);
}

static void wr_function(struct writer *w, const struct es_message *m)
{
    const struct xml_table *table = es_table(m->function, m->kind);
    struct field_writer e = { .w = w, .dialect = m->dialect };
    if (!table || !m->body) {
        wr_fail(w, ERR_UNSUPPORTED);
        return;
    }
    wr_root_name(w, "<", m);
    wr_printf(w, " xmlns:" ES_PREFIX "=\"%s\">", es_namespaces[m->dialect.ns]);
    fields_encode(&e, table, m->body);
    wr_root_name(w, "</", m);
    wr_text(w, ">");
}

static void wr_message(struct writer *w, const struct es_message *m)
{
    wr_text(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<env:Envelope xmlns:env=\"" SOAP_ENV_NS
               "\" xmlns:wsa=\"" SOAP_WSA_NS "\"><env:Header>");
    wr_header(w, m);
    wr_text(w, "</env:Header><env:Body>");
    if (m->kind == ES_SOAP_FAULT)
        wr_soap_fault(w, m->body);
    else
        wr_function(w, m);
    wr_text(w, "</env:Body></env:Envelope>");
}

static size_t first_cap(const struct arena *a)
{
    size_t room = arena_room(a);
    return room >= SOAP_CAP_LEAST && room < SOAP_CAP_FIRST ? room : SOAP_CAP_FIRST;
}

/* Tries with more and more room: the length is not known before. */
static enum err encode_growing(void (*write)(struct writer *, const void *), const void *what, struct arena *a,
                               struct span *ret)
{
    for (size_t cap = first_cap(a);; cap = cap < SOAP_CAP_FIRST ? SOAP_CAP_FIRST : 4 * cap) {
        if (cap > SOAP_MESSAGE_MAX)
            cap = SOAP_MESSAGE_MAX;
        struct writer w = wr_arena(a, cap);
        if (w.err != ERR_NONE)
            return ERR_NO_SPACE;
        write(&w, what);
        if (w.err == ERR_NONE) {
            arena_trim(a, w.buf, w.len);
            *ret = wr_span(&w);
            return ERR_NONE;
        }
        if (w.err != ERR_NO_SPACE)
            return w.err;
        if (cap == SOAP_MESSAGE_MAX)
            return ERR_TOO_LONG;
    }
}

static void write_message(struct writer *w, const void *m) { wr_message(w, m); }

enum err es_encode(const struct es_message *m, struct arena *a, struct span *ret)
{
    return encode_growing(write_message, m, a, ret);
}

/* --- an EIS alone ---------------------------------------------------------------------------------------------- */

static void write_alone(struct writer *w, const char *name, const struct xml_table *table, const struct eis *eis)
{
    struct field_writer e = { .w = w, .dialect.v4 = true };
    wr_printf(w, "<" ES_PREFIX ":%s xmlns:" ES_PREFIX "=\"%s\">", name, es_namespaces[ES_NS_3]);
    fields_encode(&e, table, eis);
    wr_printf(w, "</" ES_PREFIX ":%s>", name);
}
static void write_eis(struct writer *w, const void *eis) { write_alone(w, "Eis", &es_table_eis, eis); }
static void write_signed(struct writer *w, const void *eis)
{
    write_alone(w, "EumSignedInfo", &es_table_signed_info, eis);
}

enum err eis_encode(const struct eis *eis, struct arena *a, struct span *ret)
{
    return encode_growing(write_eis, eis, a, ret);
}

enum err eum_signed_info_encode(const struct eis *eis, struct arena *a, struct span *ret)
{
    return encode_growing(write_signed, eis, a, ret);
}

enum err eum_signed_info_decode(struct span xml, struct arena *a, struct eis *ret)
{
    struct xml_reader r;
    struct es_fault fault = { 0 };
    struct field_reader d = { .r = &r, .a = a, .fault = &fault, .partial = true };
    struct eis eis = *ret;
    xml_open(&r, xml);
    if (r.fault != XML_OK || !xml_name_is(r.local, "EumSignedInfo") || !fields_decode(&d, &es_table_signed_info, &eis))
        return r.fault == XML_OK && fault.kind != ES_FAULT_NONE ? fault_err(fault.kind) : ERR_BAD_VALUE;
    *ret = eis;
    return ERR_NONE;
}

enum err eis_decode(struct span xml, struct arena *a, struct eis *ret, struct es_fault *ret_fault)
{
    struct xml_reader r;
    struct eis eis = { 0 };
    struct field_reader d = { .r = &r, .a = a, .fault = ret_fault, .partial = true };
    *ret_fault = (struct es_fault){ 0 };
    if (xml.len > SOAP_MESSAGE_MAX) {
        es_fault_set(ret_fault, ES_FAULT_TOO_BIG, "the EIS is larger than %u octets", SOAP_MESSAGE_MAX);
        return ERR_TOO_LONG;
    }
    xml_open(&r, xml);
    if (r.fault == XML_OK && !(xml_name_is(r.local, "Eis") && es_namespace_find(r.ns, NULL)))
        es_fault_set(ret_fault, ES_FAULT_UNKNOWN_BODY, "this is no Eis of esim-messaging");
    else if (fields_decode(&d, &es_table_eis, &eis) && xml_close(&r) == XML_OK) {
        eis.partial = d.left_out;
        *ret = eis;
        return ERR_NONE;
    }
    if (r.fault != XML_OK && ret_fault->kind == ES_FAULT_NONE)
        es_fault_xml(ret_fault, &r);
    return fault_err(ret_fault->kind);
}

/* --- answers --------------------------------------------------------------------------------------------------- */

void es_answer(const struct es_message *request, struct es_message *ret)
{
    const struct wsa_header *h = &request->wsa;
    bool callback = request->function && es_function_info(request->function)->pattern == ES_CALLBACK;
    *ret = (struct es_message){ .dialect = request->dialect, .function = request->function, .kind = ES_RESPONSE };
    ret->wsa.from = h->to;
    ret->wsa.to = h->from;
    if (callback && h->reply_to.address.len) {
        ret->wsa.to.address = h->reply_to.address;
        if (!ret->wsa.to.entity_id.text[0])
            ret->wsa.to.entity_id = h->reply_to.entity_id;
    }
    ret->wsa.relates_to = h->message_id.raw;
}

void es_codes_take(struct es_message *m, const struct codes *codes)
{
    if (m->kind == ES_RESPONSE && m->body)
        codes_take(codes, &((struct es_response *)(uintptr_t)m->body)->status);
}

size_t es_body_size(enum es_function function, enum es_kind kind)
{
    const struct xml_table *table = es_table(function, kind);
    return kind == ES_SOAP_FAULT ? sizeof(struct soap_fault) : table ? table->size : 0;
}

struct es_response *es_response_new(struct arena *a, enum es_function function, const struct status *status,
                                    uint64_t start_ms, uint64_t end_ms)
{
    size_t size = es_body_size(function, ES_RESPONSE);
    struct es_response *r = size ? arena_alloc(a, size) : NULL;
    if (r)
        *r = (struct es_response){ .start_ms = start_ms, .end_ms = end_ms, .status = *status };
    return r;
}

static const struct {
    enum soap_fault_code code;
    enum soap_subcode subcode;
    int http_status;
} fault_answers[] = {
    [ES_FAULT_NONE] = { SOAP_RECEIVER, SOAP_NO_SUBCODE, 500 },
    [ES_FAULT_TOO_BIG] = { SOAP_SENDER, SOAP_NO_SUBCODE, 413 },
    [ES_FAULT_MALFORMED] = { SOAP_SENDER, SOAP_NO_SUBCODE, 400 },
    [ES_FAULT_DOCTYPE] = { SOAP_SENDER, SOAP_NO_SUBCODE, 400 },
    [ES_FAULT_SOAP_VERSION] = { SOAP_VERSION_MISMATCH, SOAP_NO_SUBCODE, 400 },
    [ES_FAULT_MUST_UNDERSTAND] = { SOAP_MUST_UNDERSTAND, SOAP_NO_SUBCODE, 400 },
    [ES_FAULT_HEADER_MISSING] = { SOAP_SENDER, SOAP_ADDRESSING_HEADER_REQUIRED, 400 },
    [ES_FAULT_HEADER_INVALID] = { SOAP_SENDER, SOAP_INVALID_ADDRESSING_HEADER, 400 },
    [ES_FAULT_UNKNOWN_BODY] = { SOAP_SENDER, SOAP_ACTION_NOT_SUPPORTED, 400 },
    [ES_FAULT_INVALID_BODY] = { SOAP_SENDER, SOAP_NO_SUBCODE, 400 },
    [ES_FAULT_NO_MEMORY] = { SOAP_RECEIVER, SOAP_NO_SUBCODE, 500 },
    [ES_FAULT_SECURITY_INVALID] = { SOAP_SENDER, SOAP_INVALID_SECURITY, 400 },
    [ES_FAULT_SECURITY_FAILED] = { SOAP_SENDER, SOAP_FAILED_AUTHENTICATION, 400 },
    [ES_FAULT_SECURITY_EXPIRED] = { SOAP_SENDER, SOAP_MESSAGE_EXPIRED, 400 },
    [ES_FAULT_BUSY] = { SOAP_RECEIVER, SOAP_NO_SUBCODE, 503 },
};

enum err es_answer_fault(const struct es_message *request, const struct es_fault *fault, struct arena *a,
                         struct es_message *ret, int *ret_http_status)
{
    struct es_message m;
    es_answer(request, &m);
    if (fault->kind == ES_FAULT_INVALID_BODY && request->kind == ES_REQUEST) {
        m.body = es_response_new(a, request->function, &fault->status, 0, 0);
        *ret_http_status = 200;
    } else {
        struct soap_fault *f = ARENA_NEW(a, struct soap_fault);
        char *reason = arena_text(a, span_text(fault->text));
        if (f && reason)
            *f = (struct soap_fault){ fault_answers[fault->kind].code, fault_answers[fault->kind].subcode,
                                      span_text(reason) };
        m.function = ES_FUNCTION_NONE;
        m.kind = ES_SOAP_FAULT;
        m.body = reason ? f : NULL;
        *ret_http_status = fault_answers[fault->kind].http_status;
    }
    if (!m.body)
        return ERR_NO_SPACE;
    *ret = m;
    return ERR_NONE;
}

/* --- looking into a body --------------------------------------------------------------------------------------- */

bool es_message_eid(const struct es_message *m, struct eid *ret)
{
    static const struct eid none;
    const struct xml_table *t = es_table(m->function, m->kind);
    const uint8_t *body = m->body;
    for (size_t i = 0; t && body && i < t->count; i++) {
        const struct xml_field *f = &t->fields[i];
        const struct eis *eis = NULL;
        const struct eid *eid = f->type == XML_EID ? (const struct eid *)(body + f->offset) : NULL;
        if (f->flags & POINTER && f->table == &es_table_eis)
            memcpy(&eis, body + f->offset, sizeof eis);
        if (eis)
            eid = &eis->eid;
        if (eid && !eid_eq(eid, &none)) {
            *ret = *eid;
            return true;
        }
    }
    return false;
}
