/* lib/profile/pe_pin.h: PE-PINCodes and PE-PUKCodes. They belong to the DF or ADF that the nearest element before them
 * created or selected first. */
#ifndef OSPREY_PROFILE_PE_PIN_H
#define OSPREY_PROFILE_PE_PIN_H

#include "pe_filesystem.h"

#define PIN_LEN        8u
#define PINS_MAX       26u
#define PIN_ENABLED    0x01u
#define PIN_CHANGEABLE 0x02u
#define PIN_SWITCHABLE 0x04u /* enabling and disabling are allowed */

struct pin_configuration {
    uint32_t key_reference; /* 01…08, 0A…0E, 81…88, 8A…8E */
    struct span value;      /* 8 octets, filled with FF */
    uint32_t puk_reference; /* 01…08, 81…88, or DER_ABSENT: cannot be unblocked */
    uint32_t attributes;    /* PIN_ENABLED, … */
    uint32_t tries;         /* high nibble: allowed, low nibble: left */
};

struct pin_codes {
    DER_LIST_OF(struct pin_configuration) pins;
    struct span same_as; /* or: the PINs of the DF or ADF at this path */
};

struct pe_pin_codes {
    struct pe_header header;
    struct pin_codes *codes;
};

struct puk_configuration {
    uint32_t key_reference;
    struct span value;
    uint32_t tries;
};

struct pe_puk_codes {
    struct pe_header header;
    DER_LIST_OF(struct puk_configuration) puks;
};

extern const struct der_type pe_pin_codes_type, pe_puk_codes_type;

#endif
