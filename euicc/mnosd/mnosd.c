#include "mnosd.h"

#include "euicc/isdp/applications.h"
#include "euicc/isdr/isdr.h"
#include "lib/gp/install.h"
#include "lib/ota/es6.h"

enum err mnosd_keyset_read(struct card *card, const struct sd_target *t, uint8_t kvn, struct keyset *ret)
{
    for (unsigned k = kvn ? kvn : KVN_SCP80_FIRST; k <= (kvn ? kvn : KVN_SCP80_LAST); k++)
        if (application_keyset_get(card->objects, (uint8_t)t->slot, t->sd, (uint8_t)k, ret) == ERR_NONE)
            return ERR_NONE;
    return ERR_NOT_FOUND;
}

enum err mnosd_counter_read(struct card *card, const struct sd_target *t, uint8_t kvn, uint64_t *ret)
{
    struct keyset_counters c;
    enum err err = application_counters_get(card->objects, (uint8_t)t->slot, t->sd, kvn, &c);
    if (err == ERR_NONE)
        *ret = c.received;
    return err;
}

enum err mnosd_counter_write(struct card *card, const struct sd_target *t, uint8_t kvn, uint64_t counter)
{
    struct keyset_counters c;
    enum err err = application_counters_get(card->objects, (uint8_t)t->slot, t->sd, kvn, &c);
    if (err != ERR_NONE)
        return err;
    c.received = counter;
    card_begin(card);
    err = application_counters_put(card->objects, (uint8_t)t->slot, t->sd, kvn, &c);
    if (err != ERR_NONE) {
        card_rollback(card);
        return err;
    }
    return card_commit(card);
}

static uint8_t least_security(struct card *card, const struct sd_target *t)
{
    const uint8_t tar[TAR_LEN] = { (uint8_t)(t->tar >> 16), (uint8_t)(t->tar >> 8), (uint8_t)t->tar };
    struct application_sd sd;
    struct application_rfm rfm;
    uint8_t least = 0;
    if (t->kind == SD_RFM && application_rfm_by_tar(card->objects, (uint8_t)t->slot, SPAN_OF(tar), &rfm) == ERR_NONE)
        least = rfm.minimum_security;
    else if (t->kind == SD_MNOSD && application_sd_get(card->objects, (uint8_t)t->slot, t->sd, &sd) == ERR_NONE)
        least = sd.minimum_security;
    return least ? least : SPI1_CC | SPI1_COUNTER_HIGHER;
}

enum err mnosd_policy(struct card *card, const struct sd_target *t, const struct scp80_header *h)
{
    uint8_t least = least_security(card, t);
    bool integrity = (h->spi1 & SPI1_INTEGRITY_MASK) >= (least & SPI1_INTEGRITY_MASK);
    bool cipher = !(least & SPI1_CIPHER) || h->spi1 & SPI1_CIPHER;
    bool counter = (h->spi1 & SPI1_COUNTER_MASK) >= (least & SPI1_COUNTER_MASK);
    return integrity && cipher && counter ? ERR_NONE : ERR_DENIED;
}

/* ---- commands; the rest of them in ram.c ---- */

static uint16_t mnosd_install(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data)
{
    struct install in;
    if (install_parse(c, &in) != ERR_NONE)
        return SW_WRONG_DATA;
    if (in.p1 != INSTALL_FOR_PERSONALIZATION || s->target.sd != 0)
        return SW_CONDITIONS; /* no applications in here */
    return sd_install_for_personalization(card, s, in.application, data);
}

static uint16_t update_pol1(struct card *card, struct isdp *isdp, struct span value)
{
    uint8_t pol1;
    if (es6_pol1_parse(value, &pol1) != ERR_NONE)
        return SW_WRONG_DATA;
    isdp->pol1 = pol1;
    card_begin(card);
    return sw_of_err(isdr_change_end(card, registry_store(card, isdp)));
}

static uint16_t mnosd_store_data(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data)
{
    (void)data;
    struct span dgis;
    struct tlv t;
    uint16_t sw = sd_collect(s, c, &dgis);
    if (sw != SW_OK || !dgis.len)
        return sw;
    struct isdp *isdp = s->forward.kind == SD_ISDP ? registry_by_slot(card, s->forward.slot) : NULL;
    struct reader r = rd_of(dgis);
    if (!isdp)
        return SW_CONDITIONS;
    while (sw == SW_OK && dgi_next(&r, &t)) {
        if (t.tag == ES6_UPDATE_POL1)
            sw = update_pol1(card, isdp, t.val);
        else if (t.tag == ES5_UPDATE_ADDRESSING)
            sw = isdp_update_connectivity(card, isdp, t.val);
        else
            sw = SW_WRONG_DATA;
    }
    return sw;
}

const struct sd_rule mnosd_rules[] = {
    { INS_INSTALL, mnosd_install },
    { INS_STORE_DATA, mnosd_store_data },
    { INS_GET_DATA, mnosd_get_data },
    { INS_GET_STATUS, mnosd_get_status },
    { INS_PUT_KEY, mnosd_put_key },
    { INS_DELETE, mnosd_delete },
    { 0, NULL },
};
