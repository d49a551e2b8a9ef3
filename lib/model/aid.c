#include "aid.h"

#include "lib/codec/hex.h"

#define SGP02_AID(hi, lo) \
    { { 0xA0, 0, 0, 5, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0, hi, lo, 0 }, 16 }

const struct aid AID_ISDR = SGP02_AID(0, 1), AID_ECASD = SGP02_AID(0, 2), AID_ISDP_LOADFILE = SGP02_AID(0, 0x0D),
                 AID_ISDP_MODULE = SGP02_AID(0, 0x0E), AID_ISDP_OWN = SGP02_AID(0, 0x0F);

bool aid_set(struct aid *ret, struct span octets)
{
    if (octets.len < AID_MIN || octets.len > AID_MAX)
        return false;
    struct aid aid = { .len = (uint8_t)octets.len };
    memcpy(aid.octets, octets.ptr, octets.len);
    *ret = aid;
    return true;
}

enum err aid_from_text(struct span hex, struct aid *ret)
{
    uint8_t octets[AID_MAX];
    size_t len;
    enum err err = hex_read(hex, octets, sizeof octets, &len);
    if (err != ERR_NONE)
        return err;
    return aid_set(ret, (struct span){ octets, len }) ? ERR_NONE : ERR_BAD_LENGTH;
}

char *aid_text(const struct aid *aid, char out[AID_TEXT_SIZE]) { return hex_text(aid_span(aid), out, AID_TEXT_SIZE); }

struct aid aid_isdp(uint32_t tar)
{
    struct aid aid = AID_ISDR;
    aid.octets[12] = (uint8_t)(tar >> 16);
    aid.octets[13] = (uint8_t)(tar >> 8);
    aid.octets[14] = (uint8_t)tar;
    return aid;
}

uint32_t aid_tar(const struct aid *aid)
{
    if (aid->len != AID_MAX)
        return 0xFFFFFFFFu;
    return (uint32_t)aid->octets[12] << 16 | (uint32_t)aid->octets[13] << 8 | aid->octets[14];
}

bool aid_is_isdp(const struct aid *aid)
{
    uint32_t tar = aid_tar(aid);
    if (aid->len != AID_MAX || tar < ISDP_TAR_FIRST || tar > ISDP_TAR_LAST)
        return false;
    struct aid same = aid_isdp(tar);
    return aid_eq(aid, &same);
}
