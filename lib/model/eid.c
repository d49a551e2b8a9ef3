#include "eid.h"

#include "lib/codec/hex.h"

static unsigned mod97(const struct eid *eid)
{
    unsigned rest = 0;
    for (size_t i = 0; i < EID_LEN; i++)
        rest = (rest * 100 + (unsigned)(eid->octets[i] >> 4) * 10 + (eid->octets[i] & 15)) % 97;
    return rest;
}

enum err eid_from_octets(struct span octets, struct eid *ret)
{
    struct eid eid;
    if (octets.len != EID_LEN)
        return ERR_BAD_LENGTH;
    memcpy(eid.octets, octets.ptr, EID_LEN);
    for (size_t i = 0; i < EID_LEN; i++)
        if (eid.octets[i] >> 4 > 9 || (eid.octets[i] & 15) > 9)
            return ERR_BAD_VALUE;
    if (eid.octets[0] != 0x89)
        return ERR_BAD_VALUE;
    if (mod97(&eid) != 1)
        return ERR_VERIFY;
    *ret = eid;
    return ERR_NONE;
}

enum err eid_from_text(struct span text, struct eid *ret)
{
    uint8_t octets[EID_LEN];
    enum err err = hex_read_exact(text, octets, EID_LEN);
    return err == ERR_NONE ? eid_from_octets(SPAN_OF(octets), ret) : err;
}

char *eid_text(const struct eid *eid, char out[EID_TEXT_SIZE]) { return hex_text(eid_span(eid), out, EID_TEXT_SIZE); }

enum err eid_with_check_digits(struct span thirty_digits, struct eid *ret)
{
    struct eid eid = { { 0 } };
    if (thirty_digits.len != EID_DIGITS - 2)
        return ERR_BAD_LENGTH;
    enum err err = hex_read_exact(thirty_digits, eid.octets, EID_LEN - 1);
    if (err != ERR_NONE)
        return err;
    unsigned check = 98 - mod97(&eid);
    eid.octets[EID_LEN - 1] = (uint8_t)(check / 10 << 4 | check % 10);
    return eid_from_octets(eid_span(&eid), ret);
}
