/* ES7, between two SM-SRs: SGP.02 §5.6. */
#include "es7.h"
#include "field.h"

static const char *const key_lengths[ECC_KEY_LENGTH_COUNT] = { "ECC-256", "ECC-384", "ECC-512", "ECC-521" };

#define OWNER struct es7_create_additional_keyset
static const struct xml_field create_keyset[] = { /* §5.6.1 */
    ES_REQUEST_FIELDS,
    XML_FIELD(OWNER, eid, "Eid", XML_EID, REQUIRED),
    XML_FIELD_X(OWNER, key_version, "KeyVersionNumber", XML_U8, REQUIRED, .min = 1, .max = 127),
    XML_FIELD(OWNER, initial_counter, "InitialSequenceCounter", XML_U64, REQUIRED),
    XML_FIELD_X(OWNER, ecc_key_length, "ECCKeyLength", XML_ENUM, REQUIRED, .names = key_lengths,
                .max = ECC_KEY_LENGTH_COUNT),
    XML_FIELD_X(OWNER, scenario_parameter, "ScenarioParameter", XML_U8, REQUIRED, .max = 127),
    XML_FIELD(OWNER, host_id, "HostId", XML_HEX, REQUIRED),
    XML_FIELD_X(OWNER, ephemeral_public_key, "EphemeralPublicKey", XML_HEX, REQUIRED, .min = 1),
    XML_FIELD_X(OWNER, signature, "Signature", XML_HEX, REQUIRED, .min = 1),
};
const struct xml_table es_table_es7_create_keyset = XML_TABLE(create_keyset, OWNER);
#undef OWNER

#define OWNER struct es7_create_additional_keyset_response
static const struct xml_field create_keyset_response[] = {
    ES_RESPONSE_FIELDS,
    XML_FIELD(OWNER, derivation_random, "DerivationRandom", XML_HEX, FULL),
    XML_FIELD(OWNER, receipt, "Receipt", XML_HEX, FULL),
};
const struct xml_table es_table_es7_create_keyset_response = XML_TABLE(create_keyset_response, OWNER);
#undef OWNER

static const struct xml_field handover[] = { /* §5.6.2 */
    ES_REQUEST_FIELDS,
    XML_FIELD_X(struct es7_handover_euicc, eis, "Eis", XML_STRUCT, REQUIRED | POINTER, .table = &es_table_eis),
};
const struct xml_table es_table_es7_handover = XML_TABLE(handover, struct es7_handover_euicc);

#define OWNER struct es7_authenticate_smsr
static const struct xml_field authenticate[] = { /* §5.6.3: sources differ on Eid and Eis */
    ES_REQUEST_FIELDS,
    XML_FIELD_X(OWNER, eid, "Eid", XML_EID, OPTIONAL | HAS, .aux = offsetof(OWNER, has_eid)),
    XML_FIELD_X(OWNER, eis, "Eis", XML_STRUCT, OPTIONAL | POINTER, .table = &es_table_eis),
    XML_FIELD_X(OWNER, smsr_certificate, "SmsrCertificate", XML_HEX, REQUIRED, .min = 1),
};
const struct xml_table es_table_es7_authenticate_smsr = XML_TABLE(authenticate, OWNER);
#undef OWNER

#define OWNER struct es7_authenticate_smsr_response
static const struct xml_field authenticate_response[] = {
    ES_RESPONSE_FIELDS,
    XML_FIELD(OWNER, random_challenge, "RandomChallenge", XML_HEX, FULL),
};
const struct xml_table es_table_es7_authenticate_smsr_response = XML_TABLE(authenticate_response, OWNER);
#undef OWNER
