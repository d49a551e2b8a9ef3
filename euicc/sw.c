#include "card.h"

uint16_t sw_of_err(enum err err)
{
    switch (err) {
    case ERR_NONE:
        return SW_OK;
    case ERR_NO_SPACE:
    case ERR_NO_MEMORY:
        return SW_NO_MEMORY;
    case ERR_NOT_FOUND:
        return SW_NOT_FOUND;
    case ERR_IO:
    case ERR_CRYPTO:
        return SW_MEMORY_FAILURE;
    case ERR_DENIED:
        return SW_SECURITY_STATUS;
    case ERR_STATE:
    case ERR_BUSY:
    case ERR_EXISTS:
        return SW_CONDITIONS;
    case ERR_UNSUPPORTED:
        return SW_FUNCTION_UNSUPPORTED;
    default:
        return SW_WRONG_DATA;
    }
}
