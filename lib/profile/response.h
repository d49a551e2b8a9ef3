/* lib/profile/response.h: what the eUICC answers to a profile package: EUICCResponse with its PEStatus entries. */
#ifndef OSPREY_PROFILE_RESPONSE_H
#define OSPREY_PROFILE_RESPONSE_H

#include "lib/codec/der.h"

#define PE_STATUS_COUNT_MAX  32u
#define RESPONSE_MESSAGE_MAX 64u
#define EUICC_RESPONSE_MAX   1024u

/* PE_STATUS(NAME, value, text) */
#define PE_STATUS_TABLE(PE_STATUS)                                                                                     \
    PE_STATUS(OK, 0, "ok")                                                                                             \
    PE_STATUS(PE_NOT_SUPPORTED, 1, "profile element not supported")                                                    \
    PE_STATUS(MEMORY_FAILURE, 2, "memory failure")                                                                     \
    PE_STATUS(BAD_VALUES, 3, "bad values")                                                                             \
    PE_STATUS(NOT_ENOUGH_MEMORY, 4, "not enough memory")                                                               \
    PE_STATUS(INVALID_REQUEST_FORMAT, 5, "invalid request format")                                                     \
    PE_STATUS(INVALID_PARAMETER, 6, "invalid parameter")                                                               \
    PE_STATUS(RUNTIME_NOT_SUPPORTED, 7, "runtime not supported")                                                       \
    PE_STATUS(LIB_NOT_SUPPORTED, 8, "library not supported")                                                           \
    PE_STATUS(TEMPLATE_NOT_SUPPORTED, 9, "template not supported")                                                     \
    PE_STATUS(FEATURE_NOT_SUPPORTED, 10, "feature not supported")                                                      \
    PE_STATUS(PIN_CODE_MISSING, 11, "PIN code missing")                                                                \
    PE_STATUS(UNSUPPORTED_PROFILE_VERSION, 31, "unsupported profile version")

enum pe_status_code {
#define PE_STATUS(name, value, text) PE_STATUS_##name = value,
    PE_STATUS_TABLE(PE_STATUS)
#undef PE_STATUS
};

struct pe_status {
    uint32_t status;         /* enum pe_status_code, or a status word */
    uint32_t identification; /* of the element; DER_ABSENT when unknown */
    uint32_t additional;     /* DER_ABSENT */
    uint32_t offset;         /* inside the element; DER_ABSENT */
};

struct euicc_response {
    DER_LIST_OF(struct pe_status) statuses;
    bool aborted;
    struct span message; /* UTF-8, 2 … 64 octets, or absent */
};

extern const struct der_type euicc_response_type;

/* With the outer 30. Trailing octets are an error. */
MUST_USE enum err euicc_response_decode(struct arena *a, struct span in, struct euicc_response *ret);
void euicc_response_encode(struct writer *w, const struct euicc_response *response);
/* Nothing aborted and no status but ok. */
bool euicc_response_ok(const struct euicc_response *response);
const char *pe_status_text(uint32_t status); /* never NULL */

#endif
