/* Remote file management of the enabled profile (TS 102 226 §7): commands of a verified packet in its file system. */
#include "euicc/isdp/applications.h"
#include "euicc/isdr/isdr.h"

#define ACCESS_DOMAIN_ALL 0x00u
#define ACCESS_DOMAIN_ARR 0x02u /* three octets of key references follow */

static uint32_t access_of(const struct access_domain *d)
{
    if (d->len == 0 || d->octets[0] == ACCESS_DOMAIN_ALL)
        return ACCESS_ALL;
    if (d->octets[0] == ACCESS_DOMAIN_ARR && d->len == 4)
        return (uint32_t)d->octets[1] << 16 | (uint32_t)d->octets[2] << 8 | d->octets[3];
    return 0;
}

uint16_t rfm_command(struct card *card, struct sd_session *s, struct span capdu, struct writer *data)
{
    const uint8_t tar[TAR_LEN] = { (uint8_t)(s->target.tar >> 16), (uint8_t)(s->target.tar >> 8),
                                   (uint8_t)s->target.tar };
    struct application_rfm rfm;
    if (s->target.slot != card->profile ||
        application_rfm_by_tar(card->objects, (uint8_t)s->target.slot, SPAN_OF(tar), &rfm) != ERR_NONE)
        return SW_FILE_NOT_FOUND;
    bool in_adf = rfm.adf.len != 0;
    if (!s->rfm_begun)
        card_script_channel(card, &s->rfm, in_adf ? fs_by_aid(&card->fs, aid_span(&rfm.adf), 0) : FS_NONE);
    s->rfm_begun = true;
    uint32_t access =
        access_of(in_adf ? &rfm.adf_access : &rfm.access) | access_of(in_adf ? &rfm.adf_admin : &rfm.admin);
    return card_script_command(card, &s->rfm, capdu, access, data);
}
