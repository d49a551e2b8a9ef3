#include "pe_pin.h"

#define TRIES_PIN_DEFAULT 0x33u
#define TRIES_PUK_DEFAULT 0xAAu

static bool between(uint32_t v, uint32_t lo, uint32_t hi) { return v >= lo && v <= hi; }

static bool is_pin_reference(uint32_t v)
{
    return between(v, 0x01, 0x08) || between(v, 0x0A, 0x0E) || between(v, 0x81, 0x88) || between(v, 0x8A, 0x8E);
}
static bool is_puk_reference(uint32_t v) { return between(v, 0x01, 0x08) || between(v, 0x81, 0x88); }

static enum err check_pin(const void *value)
{
    const struct pin_configuration *pin = value;
    bool good = is_pin_reference(pin->key_reference) &&
                (pin->puk_reference == DER_ABSENT || is_puk_reference(pin->puk_reference));
    return good ? ERR_NONE : ERR_BAD_VALUE;
}

static const struct der_field pin_fields[] = {
    DER_NUM(struct pin_configuration, key_reference, "keyReference", 0x80, 0, 255),
    DER_OCT(struct pin_configuration, value, "pinValue", 0x81, PIN_LEN, PIN_LEN),
    DER_NUM_OPT(struct pin_configuration, puk_reference, "unblockingPINReference", 0x82, 0, 255),
    DER_NUM_DEF(struct pin_configuration, attributes, "pinAttributes", 0x83, 0, 255, 7),
    DER_NUM_DEF(struct pin_configuration, tries, "maxNumOfAttemps-retryNumLeft", 0x84, 0, 255, TRIES_PIN_DEFAULT),
};
static const struct der_type pin_type =
    DER_TYPE_WITH(struct pin_configuration, "PINConfiguration", pin_fields, .check = check_pin);

static const struct der_field codes_fields[] = {
    DER_MANY_OPT(struct pin_codes, pins, "pinconfig", 0xA0, 1, PINS_MAX, 0x30, &pin_type),
    DER_OCT_OPT(struct pin_codes, same_as, "filePath", 0x81, 0, FILE_PATH_MAX),
};
static const struct der_type codes_type = DER_TYPE_WITH(struct pin_codes, "pinCodes", codes_fields, .choice = true);

static const struct der_field pin_codes_fields[] = {
    DER_IN(struct pe_pin_codes, header, "pin-Header", 0xA0, &pe_header_type),
    DER_SEQ(struct pe_pin_codes, codes, "pinCodes", 0xA1, &codes_type),
};
const struct der_type pe_pin_codes_type = DER_TYPE(struct pe_pin_codes, "PE-PINCodes", pin_codes_fields);

static enum err check_puk(const void *value)
{
    const struct puk_configuration *puk = value;
    return is_puk_reference(puk->key_reference) ? ERR_NONE : ERR_BAD_VALUE;
}

static const struct der_field puk_fields[] = {
    DER_NUM(struct puk_configuration, key_reference, "keyReference", 0x80, 0, 255),
    DER_OCT(struct puk_configuration, value, "pukValue", 0x81, PIN_LEN, PIN_LEN),
    DER_NUM_DEF(struct puk_configuration, tries, "maxNumOfAttemps-retryNumLeft", 0x82, 0, 255, TRIES_PUK_DEFAULT),
};
static const struct der_type puk_type =
    DER_TYPE_WITH(struct puk_configuration, "PUKConfiguration", puk_fields, .check = check_puk);

static const struct der_field puk_codes_fields[] = {
    DER_IN(struct pe_puk_codes, header, "puk-Header", 0xA0, &pe_header_type),
    DER_MANY(struct pe_puk_codes, puks, "pukCodes", 0xA1, 1, 16, 0x30, &puk_type),
};
const struct der_type pe_puk_codes_type = DER_TYPE(struct pe_puk_codes, "PE-PUKCodes", puk_codes_fields);
