/* Where the SM-SR is: ES5.UpdateSMSRAddressingParameters (SGP.02 §4.1.1.10; oncard fact book 4.7). */
#include "isdr.h"

enum err isdr_addressing(struct card *card, uint8_t tag, uint8_t *out, size_t cap, size_t *ret_len)
{
    uint8_t stored[ISDR_ADDRESSING_MAX];
    size_t len;
    struct span value;
    enum err err = objects_get(card->objects, ISDR_KEY(ISDR_ADDRESSING), stored, sizeof stored, &len);
    if (err != ERR_NONE)
        return err;
    if (!tlv_find((struct span){ stored, len }, tag, &value))
        return ERR_NOT_FOUND;
    if (value.len > cap)
        return ERR_TOO_LONG;
    memcpy(out, value.ptr, value.len);
    *ret_len = value.len;
    return ERR_NONE;
}

static void keep(struct writer *w, struct span stored, uint8_t tag)
{
    struct span value;
    if (tlv_find(stored, tag, &value))
        wr_tlv(w, tag, value);
}

/* [?] A3 with 4F: the number for one profile; it goes with its ISD-P. */
static enum err number_store(struct card *card, const struct es5_addressing *a)
{
    const struct isdp *isdp = registry_find(card, a->sms_isdp);
    if (!isdp)
        return ERR_NOT_FOUND;
    return objects_put(card->objects, OBJECT_KEY(isdp->slot, OBJ_ISDR, ISDR_NUMBER),
                       (struct span){ a->sms.octets, a->sms.len });
}

static enum err number_of(struct card *card, const struct isdp *isdp, struct sms_address *ret)
{
    uint8_t octets[TP_ADDRESS_MAX];
    size_t len;
    if (!isdp)
        return ERR_NOT_FOUND;
    enum err err =
        objects_get(card->objects, OBJECT_KEY(isdp->slot, OBJ_ISDR, ISDR_NUMBER), octets, sizeof octets, &len);
    struct reader r = rd_of((struct span){ octets, err == ERR_NONE ? len : 0 });
    return err == ERR_NONE ? rd_sms_address(&r, ret) : err;
}

enum err isdr_addressing_update(struct card *card, const struct es5_addressing *a)
{
    uint8_t buf[ISDR_ADDRESSING_MAX];
    size_t len = 0;
    enum err err = objects_get(card->objects, ISDR_KEY(ISDR_ADDRESSING), buf, sizeof buf, &len);
    if (err != ERR_NONE && err != ERR_NOT_FOUND)
        return err;
    struct span before = { buf, err == ERR_NONE ? len : 0 };
    if (a->sms.len && a->sms_isdp.len) {
        err = number_store(card, a);
        if (err != ERR_NONE || (!a->cat_tp.ptr && !a->https.ptr))
            return err;
    }
    WRITER_ON_STACK(w, ISDR_ADDRESSING_MAX);
    if (a->sms.len && !a->sms_isdp.len) {
        size_t mark = wr_tlv_open(&w, 0xA3);
        wr_tlv(&w, 0x81, (struct span){ a->sms.octets, a->sms.len });
        wr_tlv_close(&w, mark);
    } else {
        keep(&w, before, 0xA3);
    }
    if (a->cat_tp.ptr)
        wr_tlv(&w, 0xA4, a->cat_tp);
    else
        keep(&w, before, 0xA4);
    if (a->https.ptr)
        wr_tlv(&w, 0xA5, a->https);
    else
        keep(&w, before, 0xA5);
    return w.err != ERR_NONE ? w.err : objects_put(card->objects, ISDR_KEY(ISDR_ADDRESSING), wr_span(&w));
}

enum err isdr_smsr_number(struct card *card, struct sms_address *ret)
{
    uint8_t value[64];
    size_t len;
    struct span number;
    if (number_of(card, registry_enabled(card), ret) == ERR_NONE)
        return ERR_NONE;
    enum err err = isdr_addressing(card, 0xA3, value, sizeof value, &len);
    if (err != ERR_NONE)
        return err;
    if (!tlv_find((struct span){ value, len }, 0x81, &number))
        return ERR_NOT_FOUND;
    struct reader r = rd_of(number);
    return rd_sms_address(&r, ret);
}
