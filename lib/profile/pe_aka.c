#include "pe_aka.h"

static const struct der_field mapping_fields[] = {
    DER_OCT(struct aka_mapping, options, "mappingOptions", 0x80, 1, 1),
    DER_OCT(struct aka_mapping, source, "mappingSource", 0x81, 5, 16),
};
static const struct der_type mapping_type = DER_TYPE(struct aka_mapping, "MappingParameter", mapping_fields);

/* The key fits the algorithm; OPc may be left out for the test algorithm only. */
static enum err check_algo(const void *value)
{
    const struct aka_algo *a = value;
    size_t key = a->key.len, opc = a->opc.len;
    switch (a->algorithm) {
    case ALGORITHM_MILENAGE:
        return key == 16 && opc == 16 ? ERR_NONE : ERR_BAD_LENGTH;
    case ALGORITHM_TUAK:
        return (key == 16 || key == 32) && opc == 32 ? ERR_NONE : ERR_BAD_LENGTH;
    default:
        return key == 16 ? ERR_NONE : ERR_BAD_LENGTH;
    }
}

static const struct der_field algo_fields[] = {
    DER_NUM(struct aka_algo, algorithm, "algorithmID", 0x80, ALGORITHM_MILENAGE, ALGORITHM_TEST),
    DER_OCT(struct aka_algo, options, "algorithmOptions", 0x81, 1, 1),
    DER_OCT(struct aka_algo, key, "key", 0x82, 16, 32),
    DER_OCT(struct aka_algo, opc, "opc", 0x83, 0, 32),
    DER_OCT_DEF(struct aka_algo, rotations, "rotationConstants", 0x84, 5, 5, "\x40\x00\x20\x40\x60"),
    DER_OCT_OPT(struct aka_algo, constants, "xoringConstants", 0x85, 80, 80),
    DER_OCT_OPT(struct aka_algo, auth_count_max, "authCounterMax", 0x86, 3, 3),
    DER_NUM_DEF(struct aka_algo, keccak_count, "numberOfKeccak", 0x87, 0, 255, 1),
};
static const struct der_type algo_type =
    DER_TYPE_WITH(struct aka_algo, "AlgoParameter", algo_fields, .check = check_algo);

static const struct der_field configuration_fields[] = {
    DER_SEQ_OPT(struct aka_configuration, mapping, "mappingParameter", 0xA0, &mapping_type),
    DER_SEQ_OPT(struct aka_configuration, algo, "algoParameter", 0xA1, &algo_type),
};
static const struct der_type configuration_type =
    DER_TYPE_WITH(struct aka_configuration, "algoConfiguration", configuration_fields, .choice = true);

static enum err check_aka(const void *value)
{
    const struct pe_aka *aka = value;
    for (size_t i = 0; i < aka->sqn_init.count; i++)
        if (aka->sqn_init.items[i].len != 6)
            return ERR_BAD_LENGTH;
    return ERR_NONE;
}

static const struct der_field aka_fields[] = {
    DER_IN(struct pe_aka, header, "aka-header", 0xA0, &pe_header_type),
    DER_SEQ(struct pe_aka, configuration, "algoConfiguration", 0xA1, &configuration_type),
    DER_OCT_DEF(struct pe_aka, sqn_options, "sqnOptions", 0x82, 1, 1, "\x02"),
    DER_OCT_DEF(struct pe_aka, sqn_delta, "sqnDelta", 0x83, 6, 6, "\x00\x00\x10\x00\x00\x00"),
    DER_OCT_DEF(struct pe_aka, sqn_age_limit, "sqnAgeLimit", 0x84, 6, 6, "\x00\x00\x10\x00\x00\x00"),
    DER_MANY_OPT(struct pe_aka, sqn_init, "sqnInit", 0xA5, SQN_INIT_COUNT, SQN_INIT_COUNT, 0x04, NULL),
};
const struct der_type pe_aka_type = DER_TYPE_WITH(struct pe_aka, "PE-AKAParameter", aka_fields, .check = check_aka);

static const struct der_field cdma_fields[] = {
    DER_IN(struct pe_cdma, header, "cdma-header", 0xA0, &pe_header_type),
    DER_OCT(struct pe_cdma, authentication_key, "authenticationKey", 0x81, 8, 8),
    DER_OCT_OPT(struct pe_cdma, ssd, "ssd", 0x82, 16, 16),
    DER_OCT_OPT(struct pe_cdma, hrpd, "hrpdAccessAuthenticationData", 0x83, 2, 32),
    DER_OCT_OPT(struct pe_cdma, simple_ip, "simpleIPAuthenticationData", 0x84, 3, 483),
    DER_OCT_OPT(struct pe_cdma, mobile_ip, "mobileIPAuthenticationData", 0x85, 5, 957),
};
const struct der_type pe_cdma_type = DER_TYPE(struct pe_cdma, "PE-CDMAParameter", cdma_fields);
