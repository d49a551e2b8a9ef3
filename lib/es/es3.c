/* ES3, SM-DP and SM-SR: SGP.02 §5.4. */
#include "es3.h"
#include "field.h"

#define OWNER struct es3_create_isdp
static const struct xml_field create_isdp[] = { /* §5.4.3 */
    ES_REQUEST_FIELDS,
    XML_FIELD(OWNER, eid, "Eid", XML_EID, REQUIRED),
    XML_FIELD(OWNER, iccid, "Iccid", XML_ICCID, REQUIRED),
    XML_FIELD(OWNER, mno_id, "Mno-id", XML_OID, REQUIRED),
    XML_FIELD(OWNER, required_memory, "RequiredMemory", XML_U64, REQUIRED),
    XML_FIELD(OWNER, more_to_do, "MoreToDo", XML_BOOL, OPTIONAL),
};
const struct xml_table es_table_es3_create_isdp = XML_TABLE(create_isdp, OWNER);
#undef OWNER

static const struct xml_field create_isdp_response[] = {
    ES_RESPONSE_FIELDS,
    XML_FIELD(struct es_card_response, isdp_aid, "Isd-p-aid", XML_AID, OPTIONAL | ZERO_FILLED),
    XML_FIELD(struct es_card_response, euicc_response, "EuiccResponseData", XML_HEX, OPTIONAL),
};
const struct xml_table es_table_es3_create_isdp_response = XML_TABLE(create_isdp_response, struct es_card_response);

#define OWNER struct es3_send_data
static const struct xml_field send_data[] = { /* §5.4.4 */
    ES_REQUEST_FIELDS,
    XML_FIELD(OWNER, eid, "Eid", XML_EID, REQUIRED),
    XML_FIELD(OWNER, sd_aid, "Sd-aid", XML_AID, REQUIRED),
    XML_FIELD_X(OWNER, data, "Data", XML_HEX, REQUIRED, .min = 1),
    XML_FIELD(OWNER, more_to_do, "MoreToDo", XML_BOOL, OPTIONAL),
};
const struct xml_table es_table_es3_send_data = XML_TABLE(send_data, OWNER);
#undef OWNER

#define OWNER struct es3_profile_download_completed
static const struct xml_field download_completed[] = { /* §5.4.5 */
    ES_REQUEST_FIELDS,
    XML_FIELD(OWNER, eid, "Eid", XML_EID, REQUIRED),
    XML_FIELD(OWNER, iccid, "Iccid", XML_ICCID, REQUIRED),
    XML_FIELD_X(OWNER, profile_type, "ProfileType", XML_TEXT, OPTIONAL, .max = EIS_TEXT_MAX),
    XML_FIELD_X(OWNER, address, "SubscriptionAddress", XML_STRUCT, OPTIONAL | HAS, .table = &es_table_address,
                .aux = offsetof(OWNER, has_address)),
    XML_FIELD_X(OWNER, pol2, "pol2", XML_POL2, OPTIONAL | HAS, .aux = offsetof(OWNER, has_pol2)),
};
const struct xml_table es_table_es3_download_completed = XML_TABLE(download_completed, OWNER);
#undef OWNER

static const struct xml_field pol2[] = { /* §5.4.6 */
    ES_REQUEST_FIELDS,
    XML_FIELD(struct es_pol2_request, eid, "Eid", XML_EID, REQUIRED),
    XML_FIELD(struct es_pol2_request, iccid, "Iccid", XML_ICCID, REQUIRED),
    XML_FIELD_X(struct es_pol2_request, pol2, "pol2", XML_POL2, OPTIONAL | HAS,
                .aux = offsetof(struct es_pol2_request, has_pol2)),
};
const struct xml_table es_table_es3_pol2 = XML_TABLE(pol2, struct es_pol2_request);

#define OWNER struct es3_update_connectivity_parameters
static const struct xml_field connectivity[] = { /* §5.4.11 */
    ES_REQUEST_FIELDS,
    XML_FIELD(OWNER, eid, "Eid", XML_EID, REQUIRED),
    XML_FIELD(OWNER, iccid, "Iccid", XML_ICCID, REQUIRED),
    XML_FIELD_X(OWNER, parameters, "ConnectivityParameters", XML_HEX, REQUIRED, .min = 1),
};
const struct xml_table es_table_es3_connectivity = XML_TABLE(connectivity, OWNER);
#undef OWNER

static const struct xml_field smsr_changed[] = { /* §5.4.14: "completionTimestamp" here only */
    XML_FIELD_X(struct es_smsr_notification, eis, "Eis", XML_STRUCT, REQUIRED | POINTER, .table = &es_table_eis),
    XML_FIELD(struct es_smsr_notification, mno_id, "Mno-id", XML_OID, REQUIRED),
    XML_FIELD(struct es_smsr_notification, completed_ms, "completionTimestamp", XML_TIME, REQUIRED),
};
const struct xml_table es_table_es3_smsr_changed = XML_TABLE(smsr_changed, struct es_smsr_notification);
