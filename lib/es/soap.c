#include "soap.h"

static const char *const codes[SOAP_FAULT_CODE_COUNT] = { "VersionMismatch", "MustUnderstand", "Sender", "Receiver" };
static const char *const subcodes[SOAP_SUBCODE_COUNT] = { "", "InvalidAddressingHeader",
                                                          "MessageAddressingHeaderRequired", "ActionNotSupported",
                                                          "InvalidSecurity", "FailedAuthentication", "MessageExpired" };

const char *soap_fault_code_text(enum soap_fault_code code) { return codes[code]; }
const char *soap_subcode_text(enum soap_subcode subcode) { return subcodes[subcode]; }
int soap_fault_http_status(enum soap_fault_code code) { return code == SOAP_RECEIVER ? 500 : 400; }

void wr_soap_fault(struct writer *w, const struct soap_fault *fault)
{
    wr_text(w, "<env:Fault><env:Code><env:Value>env:");
    wr_text(w, codes[fault->code]);
    wr_text(w, "</env:Value>");
    if (fault->subcode != SOAP_NO_SUBCODE) {
        bool security = fault->subcode >= SOAP_INVALID_SECURITY;
        wr_text(w, security ? "<env:Subcode><env:Value xmlns:wsse=\"" SOAP_WSSE_NS "\">wsse:" : "<env:Subcode><env:Value>wsa:");
        wr_text(w, subcodes[fault->subcode]);
        wr_text(w, "</env:Value></env:Subcode>");
    }
    wr_text(w, "</env:Code><env:Reason><env:Text xml:lang=\"en\">");
    wr_xml_text(w, fault->reason);
    wr_text(w, "</env:Text></env:Reason></env:Fault>");
}

/* "env:Sender" → Sender */
static struct span local_part(struct span qname)
{
    const uint8_t *colon = qname.len ? memchr(qname.ptr, ':', qname.len) : NULL;
    return xml_trim(colon ? span_from(qname, (size_t)(colon - qname.ptr) + 1) : qname);
}

static int index_of(struct span text, const char *const *names, int count, int otherwise)
{
    for (int i = 0; i < count; i++)
        if (span_eq(text, span_text(names[i])))
            return i;
    return otherwise;
}

static void read_code(struct xml_reader *r, struct arena *a, struct soap_fault *f, bool sub)
{
    while (xml_child(r)) {
        if (xml_name_is(r->local, "Value") && !sub)
            f->code =
                (enum soap_fault_code)index_of(local_part(xml_text(r, a)), codes, SOAP_FAULT_CODE_COUNT, SOAP_RECEIVER);
        else if (xml_name_is(r->local, "Value"))
            f->subcode =
                (enum soap_subcode)index_of(local_part(xml_text(r, a)), subcodes, SOAP_SUBCODE_COUNT, SOAP_NO_SUBCODE);
        else if (xml_name_is(r->local, "Subcode") && !sub)
            read_code(r, a, f, true);
        else
            xml_skip(r);
    }
}

struct soap_fault soap_fault_read(struct xml_reader *r, struct arena *a)
{
    struct soap_fault f = { .code = SOAP_RECEIVER };
    while (xml_child(r)) {
        if (xml_name_is(r->local, "Code")) {
            read_code(r, a, &f, false);
        } else if (xml_name_is(r->local, "Reason")) {
            while (xml_child(r))
                f.reason = xml_text(r, a);
        } else {
            xml_skip(r);
        }
    }
    return f;
}
