#include "field.h"

#include <stdarg.h>
#include <stdio.h>

/* POL2Type and ExecutionStatusType as they are on the wire. */
static const struct xml_field rule_fields[] = {
    XML_FIELD(struct wire_rule, subject, "Subject", XML_TEXT, REQUIRED),
    XML_FIELD(struct wire_rule, action, "Action", XML_TEXT, REQUIRED),
    XML_FIELD(struct wire_rule, qualification, "Qualification", XML_TEXT, REQUIRED),
};
static const struct xml_table rule_table = XML_TABLE(rule_fields, struct wire_rule);
#define WIRE_RULES_MAX 64u
static const struct xml_field pol2_fields[] = {
    XML_MANY(struct wire_pol2, rules, count, "Rule", XML_STRUCT, OPTIONAL, WIRE_RULES_MAX, .table = &rule_table),
};
const struct xml_table es_table_wire_pol2 = XML_TABLE(pol2_fields, struct wire_pol2);

static const struct xml_field code_fields[] = {
    XML_FIELD(struct wire_code, subject, "Subject", XML_TEXT, REQUIRED),
    XML_FIELD(struct wire_code, reason, "Reason", XML_TEXT, REQUIRED),
    XML_FIELD(struct wire_code, subject_id, "SubjectIdentifier", XML_TEXT, OPTIONAL),
    XML_FIELD(struct wire_code, message, "Message", XML_TEXT, OPTIONAL),
};
static const struct xml_table code_table = XML_TABLE(code_fields, struct wire_code);
static const struct xml_field status_fields[] = {
    XML_FIELD(struct wire_status, status, "Status", XML_TEXT, REQUIRED),
    XML_FIELD_X(struct wire_status, code, "StatusCodeData", XML_STRUCT, OPTIONAL | HAS, .table = &code_table,
                .aux = offsetof(struct wire_status, has_code)),
};
const struct xml_table es_table_wire_status = XML_TABLE(status_fields, struct wire_status);

const char *const es_namespaces[ES_NAMESPACE_COUNT] = {
    [ES_NS_1] = "http://namespaces.gsma.org/esim-messaging/1",
    [ES_NS_3] = "http://namespaces.gsma.org/esim-messaging/3",
    [ES_NS_4] = "http://namespaces.gsma.org/esim-messaging/4",
};

bool es_namespace_find(struct span uri, enum es_namespace *ret)
{
    for (int i = 0; i < ES_NAMESPACE_COUNT; i++)
        if (span_eq(uri, span_text(es_namespaces[i]))) {
            if (ret)
                *ret = (enum es_namespace)i;
            return true;
        }
    return false;
}

/* --- faults ---------------------------------------------------------------------------------------------------- */

void es_fault_set(struct es_fault *fault, enum es_fault_kind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fault->kind = kind;
    vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
}

void es_fault_body(struct es_fault *fault, enum reason reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fault->kind = ES_FAULT_INVALID_BODY;
    vsnprintf(fault->text, sizeof fault->text, format, args);
    fault->status = status_failed(reason, "", "%s", fault->text);
    va_end(args);
}

void es_fault_xml(struct es_fault *fault, const struct xml_reader *r)
{
    static const enum es_fault_kind kinds[] = {
        [XML_NOT_WELL_FORMED] = ES_FAULT_MALFORMED, [XML_DOCTYPE] = ES_FAULT_DOCTYPE,
        [XML_INSTRUCTION] = ES_FAULT_MALFORMED,     [XML_ENCODING] = ES_FAULT_MALFORMED,
        [XML_TOO_MUCH] = ES_FAULT_TOO_BIG,          [XML_NO_ROOM] = ES_FAULT_NO_MEMORY,
        [XML_MIXED] = ES_FAULT_MALFORMED,
    };
    if (r->fault == XML_MIXED && fault->kind == ES_FAULT_INVALID_BODY)
        return;
    es_fault_set(fault, kinds[r->fault], "%s", r->what);
}

/* --- sizes ----------------------------------------------------------------------------------------------------- */

size_t field_size(const struct xml_field *f)
{
    static const uint16_t sizes[] = {
        [XML_TEXT] = sizeof(struct span),
        [XML_HEX] = sizeof(struct span),
        [XML_EID] = sizeof(struct eid),
        [XML_ICCID] = sizeof(struct iccid),
        [XML_OID] = sizeof(struct oid),
        [XML_AID] = sizeof(struct aid),
        [XML_TAR] = sizeof(struct eis_tar),
        [XML_BOOL] = sizeof(bool),
        [XML_U8] = 1,
        [XML_U32] = 4,
        [XML_U64] = 8,
        [XML_HEX8] = 1,
        [XML_HEX16] = 2,
        [XML_TIME] = 8,
        [XML_VERSION] = sizeof(struct eis_version),
        [XML_STATE] = sizeof(enum profile_state),
        [XML_IMSI] = sizeof(struct subscription_address),
        [XML_MSISDN] = sizeof(struct subscription_address),
        [XML_ENUM] = sizeof(int),
        [XML_POL2] = sizeof(struct pol2),
        [XML_STATUS] = sizeof(struct status),
        [XML_STRUCT] = 0,
        [XML_GROUP] = 0,
        [XML_SIGNED] = 0,
        [XML_RAW] = sizeof(struct span),
    };
    return f->type == XML_STRUCT ? f->table->size : sizes[f->type];
}
