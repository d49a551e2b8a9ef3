#include "oid.h"

enum err oid_from_text(struct span text, struct oid *ret)
{
    if (text.len == 0)
        return ERR_BAD_LENGTH;
    if (text.len > OID_TEXT_MAX)
        return ERR_TOO_LONG;
    bool digit_before = false;
    for (size_t i = 0; i < text.len; i++) {
        bool digit = text.ptr[i] >= '0' && text.ptr[i] <= '9';
        if (!digit && (text.ptr[i] != '.' || !digit_before))
            return ERR_BAD_VALUE;
        digit_before = digit;
    }
    if (!digit_before)
        return ERR_BAD_VALUE;
    *ret = (struct oid){ { 0 } };
    memcpy(ret->text, text.ptr, text.len);
    return ERR_NONE;
}
