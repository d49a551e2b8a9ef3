#include "local_switch.h"

enum { TAG_FLAGS = 0x80, TAG_NO_SERVICE = 0x81, TAG_AFTER = 0x82, TAG_ICCID = 0x83 };

static const uint8_t issuer[] = { 0x88, 0x37, 0x15 };
const struct span local_switch_issuer = { issuer, sizeof issuer };

static void wr_seconds(struct writer *w, uint32_t tag, uint32_t seconds)
{
    const uint8_t octets[] = { (uint8_t)(seconds >> 24), (uint8_t)(seconds >> 16), (uint8_t)(seconds >> 8),
                               (uint8_t)seconds };
    if (seconds)
        wr_tlv(w, tag, SPAN_OF(octets));
}

void local_switch_write(struct writer *w, const struct local_switch *s)
{
    wr_tlv_u8(w, TAG_FLAGS, s->by_device ? LOCAL_SWITCH_DEVICE : 0);
    wr_seconds(w, TAG_NO_SERVICE, s->no_service_s);
    wr_seconds(w, TAG_AFTER, s->after_s);
    for (size_t i = 0; i < s->count; i++)
        wr_tlv(w, TAG_ICCID, SPAN_OF(s->to[i]));
}

static enum err seconds_read(struct span value, uint32_t *ret)
{
    uint64_t seconds;
    if (value.len != 4 || span_uint(value, &seconds) != ERR_NONE)
        return ERR_BAD_LENGTH;
    *ret = (uint32_t)seconds;
    return seconds <= LOCAL_SWITCH_SECONDS_MAX ? ERR_NONE : ERR_BAD_VALUE;
}

static enum err member_read(const struct tlv *t, struct local_switch *s)
{
    switch (t->tag) {
    case TAG_FLAGS:
        if (t->val.len != 1)
            return ERR_BAD_LENGTH;
        s->by_device = t->val.ptr[0] & LOCAL_SWITCH_DEVICE;
        return t->val.ptr[0] & ~LOCAL_SWITCH_DEVICE ? ERR_BAD_VALUE : ERR_NONE;
    case TAG_NO_SERVICE:
        return seconds_read(t->val, &s->no_service_s);
    case TAG_AFTER:
        return seconds_read(t->val, &s->after_s);
    case TAG_ICCID:
        if (t->val.len != LOCAL_SWITCH_ICCID_LEN)
            return ERR_BAD_LENGTH;
        if (s->count == LOCAL_SWITCH_MAX)
            return ERR_TOO_LONG;
        memcpy(s->to[s->count++], t->val.ptr, LOCAL_SWITCH_ICCID_LEN);
        return ERR_NONE;
    default:
        return ERR_BAD_TAG;
    }
}

enum err local_switch_parse(struct span content, struct local_switch *ret)
{
    struct local_switch s = { .count = 0 };
    struct reader r = rd_of(content);
    struct tlv t;
    while (tlv_next(&r, &t)) {
        enum err err = member_read(&t, &s);
        if (err != ERR_NONE)
            return err;
    }
    if (r.err != ERR_NONE)
        return r.err;
    if (!s.by_device && !s.no_service_s && !s.after_s)
        return ERR_MISSING;
    *ret = s;
    return ERR_NONE;
}
