/* ES2, operator and SM-DP: SGP.02 §5.3. The odd names and orders are those of the schema. */
#include "es2.h"
#include "field.h"

static const struct xml_field enable[] = { /* §5.3.5 */
    ES_REQUEST_FIELDS,
    XML_FIELD(struct es_profile_request, eid, "Eid", XML_EID, REQUIRED),
    XML_FIELD(struct es_profile_request, smsr_id, "SmSr-id", XML_OID, REQUIRED),
    XML_FIELD(struct es_profile_request, iccid, "Iccid", XML_ICCID, REQUIRED),
};
const struct xml_table es_table_es2_enable = XML_TABLE(enable, struct es_profile_request);

static const struct xml_field delete_profile[] = { /* §5.3.7 */
    ES_REQUEST_FIELDS,
    XML_FIELD(struct es_profile_request, eid, "Eid", XML_EID, REQUIRED),
    XML_FIELD(struct es_profile_request, iccid, "Iccid", XML_ICCID, REQUIRED),
    XML_FIELD(struct es_profile_request, smsr_id, "Smsr-id", XML_OID, REQUIRED),
};
const struct xml_table es_table_es2_delete = XML_TABLE(delete_profile, struct es_profile_request);

static const struct xml_field card[] = { /* answers of §5.3.5 to §5.3.7 */
    ES_RESPONSE_FIELDS,
    XML_FIELD(struct es_card_response, euicc_response, "EuiccResponseData", XML_HEX, OPTIONAL | ONLY_V4),
};
const struct xml_table es_table_es2_card = XML_TABLE(card, struct es_card_response);

#define OWNER struct es2_download_profile
static const struct xml_field download[] = { /* §5.3.2 */
    ES_REQUEST_FIELDS,
    XML_FIELD(OWNER, eid, "Eid", XML_EID, REQUIRED),
    XML_FIELD(OWNER, smsr_id, "SmSr-id", XML_OID, REQUIRED),
    XML_FIELD_X(OWNER, profile_type, "ProfileType", XML_TEXT, OPTIONAL, .max = EIS_TEXT_MAX),
    XML_FIELD(OWNER, iccid, "Iccid", XML_ICCID, OPTIONAL),
    XML_FIELD(OWNER, enable, "EnableProfile", XML_BOOL, REQUIRED),
};
const struct xml_table es_table_es2_download = XML_TABLE(download, OWNER);

static const struct xml_field download_response[] = {
    ES_RESPONSE_FIELDS,
    XML_FIELD(struct es_card_response, iccid, "Iccid", XML_ICCID, OPTIONAL),
    XML_FIELD(struct es_card_response, euicc_response, "EuiccResponseData", XML_HEX, OPTIONAL | ONLY_V4),
};
const struct xml_table es_table_es2_download_response = XML_TABLE(download_response, struct es_card_response);

static const struct xml_field pol2[] = { /* §5.3.3 */
    ES_REQUEST_FIELDS,
    XML_FIELD(struct es_pol2_request, eid, "Eid", XML_EID, REQUIRED),
    XML_FIELD(struct es_pol2_request, iccid, "Iccid", XML_ICCID, REQUIRED),
    XML_FIELD(struct es_pol2_request, smsr_id, "Smsr-id", XML_OID, REQUIRED),
    XML_FIELD_X(struct es_pol2_request, pol2, "pol2", XML_POL2, OPTIONAL | HAS,
                .aux = offsetof(struct es_pol2_request, has_pol2)),
};
const struct xml_table es_table_es2_pol2 = XML_TABLE(pol2, struct es_pol2_request);

static const struct xml_field enabled[] = { /* §5.3.9: "completionTimestamp" here only */
    XML_FIELD(struct es_profile_notification, eid, "Eid", XML_EID, REQUIRED),
    XML_FIELD(struct es_profile_notification, iccid, "Iccid", XML_ICCID, REQUIRED),
    XML_FIELD(struct es_profile_notification, completed_ms, "completionTimestamp", XML_TIME, REQUIRED),
};
const struct xml_table es_table_es2_profile_enabled = XML_TABLE(enabled, struct es_profile_notification);

static const struct xml_field smsr_changed[] = { /* §5.3.10 */
    XML_FIELD_X(struct es_smsr_notification, eis, "Eis", XML_STRUCT, REQUIRED | POINTER, .table = &es_table_eis),
    XML_FIELD(struct es_smsr_notification, completed_ms, "CompletionTimestamp", XML_TIME, REQUIRED),
};
const struct xml_table es_table_es2_smsr_changed = XML_TABLE(smsr_changed, struct es_smsr_notification);
