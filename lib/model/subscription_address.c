#include "subscription_address.h"

static enum err digits(struct span text, size_t min, size_t max, char *out)
{
    if (text.len < min || text.len > max)
        return ERR_BAD_LENGTH;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return ERR_BAD_VALUE;
    memset(out, 0, max + 1);
    if (text.len)
        memcpy(out, text.ptr, text.len);
    return ERR_NONE;
}

enum err imsi_from_text(struct span text, struct subscription_address *ret)
{
    return digits(text, 0, IMSI_DIGITS_MAX, ret->imsi);
}

enum err msisdn_from_text(struct span text, struct subscription_address *ret)
{
    return digits(text, MSISDN_DIGITS_MIN, MSISDN_DIGITS_MAX, ret->msisdn);
}
