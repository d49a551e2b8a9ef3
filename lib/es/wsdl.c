#include "wsdl.h"

#include <ctype.h>
#include <stdio.h>

#include "field.h"

#define TYPES_MAX     128u
#define TYPE_NAME_MAX 64u

/* Tables that became types. */
struct types {
    struct {
        const struct xml_table *table;
        char name[TYPE_NAME_MAX];
    } list[TYPES_MAX];
    size_t count, written;
};

/* --- types ----------------------------------------------------------------------------------------------------- */

/* "signed_info_fields" → "SignedInfo" */
static void camel(const char *name, char out[TYPE_NAME_MAX])
{
    size_t len = strlen(name), n = 0;
    bool up = true;
    if (len > 7 && !strcmp(name + len - 7, "_fields"))
        len -= 7;
    for (size_t i = 0; i < len && n + 8 < TYPE_NAME_MAX; i++) {
        if (name[i] != '_')
            out[n++] = (char)(up ? toupper((unsigned char)name[i]) : name[i]);
        up = name[i] == '_';
    }
    out[n] = '\0';
}

static bool name_taken(const struct types *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (!strcmp(t->list[i].name, name))
            return true;
    return false;
}

static const char *type_of(struct types *t, const struct xml_table *table)
{
    char base[TYPE_NAME_MAX];
    for (size_t i = 0; i < t->count; i++)
        if (t->list[i].table == table)
            return t->list[i].name;
    if (t->count == TYPES_MAX)
        return "TooMany";
    char *name = t->list[t->count].name;
    camel(table->name, base);
    snprintf(name, TYPE_NAME_MAX, "%.50sType", base);
    for (int i = 2; name_taken(t, name); i++)
        snprintf(name, TYPE_NAME_MAX, "%.50s%dType", base, i);
    t->list[t->count++].table = table;
    return name;
}

static void wr_restriction(struct writer *w, const char *base, const char *facet, const char *value)
{
    wr_printf(w, "<xs:simpleType><xs:restriction base=\"xs:%s\"><xs:%s value=\"%s\"/></xs:restriction></xs:simpleType>",
              base, facet, value);
}

static void wr_lengths(struct writer *w, const char *base, uint32_t min, uint32_t max)
{
    wr_printf(w, "<xs:simpleType><xs:restriction base=\"xs:%s\">", base);
    if (min)
        wr_printf(w, "<xs:minLength value=\"%u\"/>", min);
    if (max)
        wr_printf(w, "<xs:maxLength value=\"%u\"/>", max);
    wr_text(w, "</xs:restriction></xs:simpleType>");
}

static void wr_number_type(struct writer *w, const struct xml_field *f)
{
    static const char *const bases[] = { [XML_U8] = "unsignedByte", [XML_U32] = "unsignedInt", [XML_U64] = "unsignedLong" };
    wr_printf(w, "<xs:simpleType><xs:restriction base=\"xs:%s\"><xs:minInclusive value=\"%u\"/>", bases[f->type], f->min);
    if (f->max)
        wr_printf(w, "<xs:maxInclusive value=\"%u\"/>", f->max);
    wr_text(w, "</xs:restriction></xs:simpleType>");
}

static void wr_enumeration(struct writer *w, const char *const *names, uint32_t count)
{
    wr_text(w, "<xs:simpleType><xs:restriction base=\"xs:string\">");
    for (uint32_t i = 0; i < count; i++)
        if (names[i] && names[i][0])
            wr_printf(w, "<xs:enumeration value=\"%s\"/>", names[i]);
    wr_text(w, "</xs:restriction></xs:simpleType>");
}

/* The ceiling of a list says how many, not how long. */
static bool has_bounds(const struct xml_field *f) { return !(f->flags & (REPEATED | COUNTED)) && (f->min || f->max); }

/* Types that have a name of their own in every schema of ours; NULL: it is made on the spot. */
static const char *named_type(struct types *t, const struct xml_field *f)
{
    switch (f->type) {
    case XML_EID:
        return "rps:EidType";
    case XML_ICCID:
        return "rps:IccidType";
    case XML_OID:
        return "rps:OidType";
    case XML_AID:
        return "rps:AidType";
    case XML_VERSION:
        return "rps:VersionType";
    case XML_STATE:
        return "rps:StateType";
    case XML_BOOL:
        return "xs:boolean";
    case XML_TIME:
        return "xs:dateTime";
    case XML_TEXT:
        return has_bounds(f) ? NULL : "xs:string";
    case XML_HEX:
        return has_bounds(f) ? NULL : "xs:hexBinary";
    case XML_U32:
    case XML_U64:
        return has_bounds(f) ? NULL : f->type == XML_U32 ? "xs:unsignedInt" : "xs:unsignedLong";
    case XML_POL2:
        return type_of(t, &es_table_wire_pol2);
    case XML_STATUS:
        return type_of(t, &es_table_wire_status);
    case XML_STRUCT:
    case XML_GROUP:
    case XML_SIGNED:
        return type_of(t, f->table);
    default:
        return NULL;
    }
}

static void wr_local_type(struct writer *w, const struct xml_field *f)
{
    switch (f->type) {
    case XML_TEXT:
        wr_lengths(w, "string", f->min, f->max);
        break;
    case XML_HEX:
        wr_lengths(w, "hexBinary", f->min, f->max);
        break;
    case XML_U8:
    case XML_U32:
    case XML_U64:
        wr_number_type(w, f);
        break;
    case XML_TAR:
        wr_restriction(w, "hexBinary", "length", "3");
        break;
    case XML_HEX8:
        wr_restriction(w, "hexBinary", "length", "1");
        break;
    case XML_HEX16:
        wr_restriction(w, "hexBinary", "length", "2");
        break;
    case XML_IMSI:
        wr_restriction(w, "string", "pattern", "[0-9]{0,15}");
        break;
    case XML_MSISDN:
        wr_restriction(w, "string", "pattern", "[0-9]{3,15}");
        break;
    case XML_ENUM:
        wr_enumeration(w, f->names, f->max);
        break;
    default: /* XML_RAW: a signature; its own schema says what is in it */
        wr_text(w, "<xs:complexType><xs:sequence><xs:any namespace=\"##any\" processContents=\"lax\" minOccurs=\"0\" "
                   "maxOccurs=\"unbounded\"/></xs:sequence><xs:anyAttribute processContents=\"lax\"/></xs:complexType>");
    }
}

static void wr_type(struct writer *w, struct types *t, const struct xml_field *f, const char *element)
{
    const char *type = named_type(t, f);
    bool prefix = type && !strchr(type, ':');
    if (type)
        wr_printf(w, " type=\"%s%s\"/>", prefix ? "rps:" : "", type);
    else {
        wr_text(w, ">");
        wr_local_type(w, f);
        wr_printf(w, "</xs:%s>", element);
    }
}

static void wr_child(struct writer *w, struct types *t, const struct xml_field *f)
{
    wr_printf(w, "<xs:element name=\"%s\"", f->name);
    if (!(f->flags & REQUIRED))
        wr_text(w, " minOccurs=\"0\"");
    if (f->flags & REPEATED)
        wr_text(w, " maxOccurs=\"unbounded\"");
    wr_type(w, t, f, "element");
}

static void wr_content(struct writer *w, struct types *t, const struct xml_table *table)
{
    wr_text(w, "<xs:sequence>");
    for (uint8_t i = 0; i < table->count; i++)
        if (!(table->fields[i].flags & ATTRIBUTE))
            wr_child(w, t, &table->fields[i]);
    wr_text(w, "</xs:sequence>");
    for (uint8_t i = 0; i < table->count; i++)
        if (table->fields[i].flags & ATTRIBUTE) {
            wr_printf(w, "<xs:attribute name=\"%s\"%s", table->fields[i].name,
                      table->fields[i].flags & REQUIRED ? " use=\"required\"" : "");
            wr_type(w, t, &table->fields[i], "attribute");
        }
}

/* --- the schema ------------------------------------------------------------------------------------------------ */

static void wr_named_simple_types(struct writer *w)
{
    static const struct {
        const char *name, *base, *facets;
    } types[] = {
        { "EidType", "hexBinary", "<xs:length value=\"16\"/>" },
        { "IccidType", "string", "<xs:pattern value=\"89[0-9]{16,18}[fF]?\"/>" },
        { "OidType", "string", "<xs:pattern value=\"[0-9]+(\\.[0-9]+)*\"/>" },
        { "AidType", "hexBinary", "<xs:minLength value=\"5\"/><xs:maxLength value=\"16\"/>" },
        { "VersionType", "string", "<xs:pattern value=\"[0-9]+\\.[0-9]+\\.[0-9]+\"/>" },
        { "StateType", "string",
          "<xs:enumeration value=\"Created\"/><xs:enumeration value=\"Disabled\"/><xs:enumeration value=\"Enabled\"/>" },
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        wr_printf(w, "<xs:simpleType name=\"%s\"><xs:restriction base=\"xs:%s\">%s</xs:restriction></xs:simpleType>\n",
                  types[i].name, types[i].base, types[i].facets);
}

static void wr_message_element(struct writer *w, struct types *t, enum es_function f, enum es_kind kind)
{
    const struct xml_table *table = es_table(f, kind);
    if (!table)
        return;
    wr_text(w, "<xs:element name=\"");
    es_root_element(w, f, kind);
    wr_text(w, "\"><xs:complexType>");
    wr_content(w, t, table);
    wr_text(w, "</xs:complexType></xs:element>\n");
}

/* number ES_INTERFACE_COUNT: all */
static void wr_schema(struct writer *w, enum es_interface number)
{
    struct types t = { .count = 0 };
    wr_printf(w,
              "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns:" ES_PREFIX "=\"%s\" targetNamespace=\"%s\" "
              "elementFormDefault=\"qualified\">\n",
              es_namespaces[ES_NS_3], es_namespaces[ES_NS_3]);
    wr_named_simple_types(w);
    for (int f = 1; f < ES_FUNCTION_COUNT; f++)
        if (number == ES_INTERFACE_COUNT || es_function_info((enum es_function)f)->number == number)
            for (int kind = ES_REQUEST; kind <= ES_NOTIFICATION; kind++)
                wr_message_element(w, &t, (enum es_function)f, (enum es_kind)kind);
    for (; t.written < t.count; t.written++) { /* grows as types name types */
        wr_printf(w, "<xs:complexType name=\"%s\">", t.list[t.written].name);
        wr_content(w, &t, t.list[t.written].table);
        wr_text(w, "</xs:complexType>\n");
    }
    if (t.count == TYPES_MAX)
        wr_fail(w, ERR_NO_SPACE);
    wr_text(w, "</xs:schema>\n");
}

/* --- the service ----------------------------------------------------------------------------------------------- */

/* An operation of a service: a request or notification that it takes, or a callback that comes back to it. */
struct operation {
    enum es_function function;
    enum es_kind in;
    bool answered; /* in the same exchange */
};

/* false: this service does not have it. */
static bool operation_of(enum es_function f, enum es_interface number, enum es_role at, struct operation *ret)
{
    const struct es_function_info *info = es_function_info(f);
    bool provides = info->provider == at, calls_back = info->pattern == ES_CALLBACK && info->caller == at;
    if (info->number != number || (!provides && !calls_back))
        return false;
    *ret = (struct operation){ f, info->pattern == ES_NOTIFY ? ES_NOTIFICATION : provides ? ES_REQUEST : ES_RESPONSE,
                               info->pattern == ES_SYNC };
    return true;
}

#define EACH_OPERATION(o, number, at)                                                                                  \
    for (int f_ = 1; f_ < ES_FUNCTION_COUNT; f_++)                                                                     \
        if (operation_of((enum es_function)f_, (number), (at), &(o)))

static void wr_operation_name(struct writer *w, const struct operation *o)
{
    wr_text(w, es_function_info(o->function)->name);
    wr_text(w, o->in == ES_RESPONSE ? "Response" : "");
}

static void wr_message(struct writer *w, enum es_function f, enum es_kind kind)
{
    wr_text(w, "<wsdl:message name=\"");
    es_root_element(w, f, kind);
    wr_text(w, "\"><wsdl:part name=\"body\" element=\"" ES_PREFIX ":");
    es_root_element(w, f, kind);
    wr_text(w, "\"/></wsdl:message>\n");
}

static void wr_reference(struct writer *w, const char *element, enum es_function f, enum es_kind kind)
{
    wr_printf(w, "<wsdl:%s wsam:Action=\"", element);
    es_action(w, f, kind);
    wr_text(w, "\" message=\"" ES_PREFIX ":");
    es_root_element(w, f, kind);
    wr_text(w, "\"/>");
}

static void wr_port_type(struct writer *w, enum es_interface number, enum es_role at, const char *name)
{
    struct operation o;
    EACH_OPERATION(o, number, at)
    {
        wr_message(w, o.function, o.in);
        if (o.answered)
            wr_message(w, o.function, ES_RESPONSE);
    }
    wr_printf(w, "<wsdl:portType name=\"%sPort\">\n", name);
    EACH_OPERATION(o, number, at)
    {
        wr_text(w, "<wsdl:operation name=\"");
        wr_operation_name(w, &o);
        wr_printf(w, "\"><wsdl:documentation>SGP.02 %s</wsdl:documentation>", es_function_info(o.function)->section);
        wr_reference(w, "input", o.function, o.in);
        if (o.answered)
            wr_reference(w, "output", o.function, ES_RESPONSE);
        wr_text(w, "</wsdl:operation>\n");
    }
    wr_text(w, "</wsdl:portType>\n");
}

static void wr_binding(struct writer *w, enum es_interface number, enum es_role at, const char *name)
{
    struct operation o;
    wr_printf(w, "<wsdl:binding name=\"%sBinding\" type=\"" ES_PREFIX ":%sPort\"><wsaw:UsingAddressing wsdl:required=\"true\"/>"
                 "<soap12:binding style=\"document\" transport=\"http://schemas.xmlsoap.org/soap/http\"/>\n", name, name);
    EACH_OPERATION(o, number, at)
    {
        wr_text(w, "<wsdl:operation name=\"");
        wr_operation_name(w, &o);
        wr_text(w, "\"><soap12:operation soapAction=\"");
        es_action(w, o.function, o.in);
        wr_text(w, "\" style=\"document\"/><wsdl:input><soap12:body use=\"literal\"/></wsdl:input>");
        if (o.answered)
            wr_text(w, "<wsdl:output><soap12:body use=\"literal\"/></wsdl:output>");
        wr_text(w, "</wsdl:operation>\n");
    }
    wr_text(w, "</wsdl:binding>\n");
}

static void wr_wsdl(struct writer *w, enum es_interface number, enum es_role at, const char *base_url)
{
    const char *path = es_service_path(number, at), *name = strrchr(path, '/') + 1;
    wr_printf(w,
              "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<wsdl:definitions xmlns:wsdl=\"http://schemas.xmlsoap.org/wsdl/\" "
              "xmlns:soap12=\"http://schemas.xmlsoap.org/wsdl/soap12/\" "
              "xmlns:wsam=\"http://www.w3.org/2007/05/addressing/metadata\" "
              "xmlns:wsaw=\"http://www.w3.org/2006/05/addressing/wsdl\" xmlns:" ES_PREFIX "=\"%s\" targetNamespace=\"%s\" "
              "name=\"%s\">\n<wsdl:types>\n",
              es_namespaces[ES_NS_3], es_namespaces[ES_NS_3], name);
    wr_schema(w, number);
    wr_text(w, "</wsdl:types>\n");
    wr_port_type(w, number, at, name);
    wr_binding(w, number, at, name);
    wr_printf(w, "<wsdl:service name=\"%s\"><wsdl:port name=\"%s\" binding=\"" ES_PREFIX ":%sBinding\"><soap12:address "
                 "location=\"", name, name, name);
    wr_xml_attribute(w, span_text(base_url));
    wr_printf(w, "%s\"/></wsdl:port></wsdl:service>\n</wsdl:definitions>\n", path);
}

static bool is_service(enum es_interface number, enum es_role at)
{
    struct operation o;
    bool any = false;
    EACH_OPERATION(o, number, at) any = true;
    return any;
}

static enum err finish(const struct writer *w, struct span *ret)
{
    if (w->err == ERR_NONE)
        *ret = wr_span(w);
    return w->err;
}

enum err es_wsdl_of(enum es_interface number, enum es_role at, const char *base_url, struct arena *a, struct span *ret)
{
    if (!is_service(number, at))
        return ERR_NOT_FOUND;
    struct writer w = wr_arena(a, WSDL_MAX);
    if (w.err == ERR_NONE)
        wr_wsdl(&w, number, at, base_url);
    return finish(&w, ret);
}

enum err es_wsdl(struct span path, enum es_role at, const char *base_url, struct arena *a, struct span *ret)
{
    for (int i = 0; i < ES_INTERFACE_COUNT; i++)
        if (is_service((enum es_interface)i, at) &&
            span_eq(path, span_text(es_service_path((enum es_interface)i, at))))
            return es_wsdl_of((enum es_interface)i, at, base_url, a, ret);
    return ERR_NOT_FOUND;
}

enum err es_xsd(struct arena *a, struct span *ret)
{
    struct writer w = wr_arena(a, WSDL_MAX);
    wr_text(&w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    wr_schema(&w, ES_INTERFACE_COUNT);
    return finish(&w, ret);
}
