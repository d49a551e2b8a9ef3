/* ES4, operator and SM-SR: SGP.02 §5.5. Most of its bodies are in bodies.c. */
#include "es4.h"
#include "field.h"

static const struct xml_field pol2[] = { /* §5.5.2: the rules are mandatory here only */
    ES_REQUEST_FIELDS,
    XML_FIELD(struct es_pol2_request, eid, "Eid", XML_EID, REQUIRED),
    XML_FIELD(struct es_pol2_request, iccid, "Iccid", XML_ICCID, REQUIRED),
    XML_FIELD_X(struct es_pol2_request, pol2, "pol2", XML_POL2, REQUIRED | HAS,
                .aux = offsetof(struct es_pol2_request, has_pol2)),
};
const struct xml_table es_table_es4_pol2 = XML_TABLE(pol2, struct es_pol2_request);

static const struct xml_field prepare_smsr_change[] = { /* §5.5.8 */
    ES_REQUEST_FIELDS,
    XML_FIELD(struct es_eid_request, eid, "Eid", XML_EID, REQUIRED),
    XML_FIELD(struct es_eid_request, smsr_id, "CurrentSMSRid", XML_OID, REQUIRED),
};
const struct xml_table es_table_es4_prepare_smsr_change = XML_TABLE(prepare_smsr_change, struct es_eid_request);

static const struct xml_field smsr_change[] = { /* §5.5.9 */
    ES_REQUEST_FIELDS,
    XML_FIELD(struct es_eid_request, eid, "Eid", XML_EID, REQUIRED),
    XML_FIELD(struct es_eid_request, smsr_id, "Target-Smsr-id", XML_OID, REQUIRED),
};
const struct xml_table es_table_es4_smsr_change = XML_TABLE(smsr_change, struct es_eid_request);

static const struct xml_field smsr_changed[] = { /* §5.5.12 */
    XML_FIELD_X(struct es_smsr_notification, eis, "Eis", XML_STRUCT, REQUIRED | POINTER, .table = &es_table_eis),
    XML_FIELD(struct es_smsr_notification, completed_ms, "CompletionTimestamp", XML_TIME, REQUIRED),
};
const struct xml_table es_table_es4_smsr_changed = XML_TABLE(smsr_changed, struct es_smsr_notification);
