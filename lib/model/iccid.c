#include "iccid.h"

#include "lib/codec/hex.h"

enum err iccid_from_text(struct span text, struct iccid *ret)
{
    struct iccid iccid = { { 0 } };
    while (text.len && (text.ptr[text.len - 1] | 0x20) == 'f')
        text.len--;
    if (text.len < ICCID_DIGITS_MIN || text.len > ICCID_DIGITS_MAX)
        return ERR_BAD_LENGTH;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return ERR_BAD_VALUE;
        iccid.digits[i] = (char)text.ptr[i];
    }
    if (iccid.digits[0] != '8' || iccid.digits[1] != '9')
        return ERR_BAD_VALUE;
    *ret = iccid;
    return ERR_NONE;
}

static enum err from_octets(struct span octets, bool swapped, struct iccid *ret)
{
    char text[ICCID_TEXT_SIZE];
    if (octets.len != ICCID_LEN)
        return ERR_BAD_LENGTH;
    enum err err = bcd_text(octets, swapped, text, sizeof text);
    return err == ERR_NONE ? iccid_from_text(span_text(text), ret) : err;
}

enum err iccid_from_ef(struct span ef, struct iccid *ret) { return from_octets(ef, true, ret); }
enum err iccid_from_bcd(struct span bcd, struct iccid *ret) { return from_octets(bcd, false, ret); }

void iccid_to_ef(const struct iccid *iccid, uint8_t out[ICCID_LEN])
{
    size_t len = 0;
    memset(out, 0xFF, ICCID_LEN);
    enum err err = bcd_read(span_text(iccid->digits), true, out, ICCID_LEN, &len);
    (void)err; /* digits are digits by construction */
}
