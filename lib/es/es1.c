/* ES1, EUM to SM-SR: SGP.02 §5.2. */
#include "es1.h"
#include "field.h"

static const struct xml_field register_eis[] = { /* §5.2.1 */
    ES_REQUEST_FIELDS,
    XML_FIELD_X(struct es1_register_eis, eis, "Eis", XML_STRUCT, REQUIRED | POINTER, .table = &es_table_eis),
};
const struct xml_table es_table_es1_register = XML_TABLE(register_eis, struct es1_register_eis);

#define OWNER struct es1_update_additional_properties
static const struct xml_field property[] = {
    XML_FIELD_X(struct eis_property, key, "key", XML_TEXT, REQUIRED | ATTRIBUTE, .min = 1),
    XML_FIELD(struct eis_property, value, "value", XML_TEXT, REQUIRED | ATTRIBUTE),
};
static const struct xml_table property_table = XML_TABLE(property, struct eis_property);
static const struct xml_field properties[] = {
    XML_MANY(OWNER, properties, property_count, "Property", XML_STRUCT, REQUIRED, EIS_PROPERTIES_MAX,
             .table = &property_table),
};
static const struct xml_table properties_table = XML_TABLE(properties, OWNER);

static const struct xml_field update_properties[] = { /* §5.2.2, not confirmed */
    ES_REQUEST_FIELDS,
    XML_FIELD(OWNER, eid, "Eid", XML_EID, REQUIRED),
    { .name = "AdditionalProperties", .type = XML_GROUP, .flags = REQUIRED, .table = &properties_table },
};
const struct xml_table es_table_es1_properties = XML_TABLE(update_properties, OWNER);
