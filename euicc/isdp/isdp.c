#include "isdp.h"

#include "install.h"

static enum err isdp_open(struct card *card) { return registry_load(card); }

static bool all_zero(const uint8_t *octets, size_t len)
{
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++)
        any |= octets[i];
    return any == 0;
}

/* The factory's key set, or none: then the ISD-P takes a package all the same. */
static enum err bootstrap_keys(struct isdp *isdp, const uint8_t keys[48])
{
    isdp->state = ISDP_PERSONALIZED;
    if (all_zero(keys, 48))
        return ERR_NONE;
    return isdp_keyset_set(isdp, ISDP_KVN_DEFAULT, keys, keys + 16, keys + 32);
}

static enum err install_bootstrap(struct card *card, uint16_t slot, struct span package, struct writer *response)
{
    struct installation *in = install_new(card, registry_by_slot(card, slot));
    if (!in)
        return ERR_NO_MEMORY;
    WRITER_ON_STACK(answer, INSTALL_RESPONSE_MAX);
    enum install_result result = install_feed(in, package, &answer);
    install_free(in);
    if (response)
        wr_bytes(response, wr_span(&answer));
    if (result == INSTALL_MORE)
        return ERR_TRUNCATED;
    return result == INSTALL_DONE ? ERR_NONE : ERR_BAD_VALUE;
}

/* An ISD-P with its profile, disabled. */
static enum err install_first(struct card *card, const struct aid *aid, const uint8_t keys[48], struct span package,
                              struct writer *response, struct isdp **ret)
{
    struct isdp *isdp = NULL;
    enum err err = registry_create(card, aid_span(aid), 0, &isdp);
    if (err == ERR_NONE)
        err = bootstrap_keys(isdp, keys);
    if (err == ERR_NONE)
        err = registry_store(card, isdp);
    uint16_t slot = isdp ? isdp->slot : 0;
    if (err == ERR_NONE)
        err = install_bootstrap(card, slot, package, response);
    isdp = registry_by_slot(card, slot);
    if (err == ERR_NONE && !isdp)
        return ERR_STATE;
    *ret = isdp;
    return err;
}

static const uint8_t no_keys[48];

static enum err install_enabled(struct card *card, const struct euicc_personalisation *p, struct writer *response)
{
    struct aid first = aid_isdp(ISDP_TAR_FIRST);
    struct isdp *isdp = NULL;
    enum err err = install_first(card, p->bootstrap_isdp.len ? &p->bootstrap_isdp : &first, p->bootstrap_scp03_keys,
                                 p->bootstrap_package, response, &isdp);
    if (err == ERR_NONE)
        err = registry_set_fallback(card, isdp);
    return err == ERR_NONE ? registry_switch(card, isdp) : err;
}

static enum err install_local(struct card *card, struct span package, uint8_t attribute, struct writer *response)
{
    uint32_t tar = ISDP_TAR_FIRST;
    struct aid aid = aid_isdp(tar);
    struct isdp *isdp = NULL;
    while (registry_find(card, aid_span(&aid)))
        aid = aid_isdp(++tar);
    if (response)
        response->len = 0; /* of the package before */
    enum err err = install_first(card, &aid, no_keys, package, response, &isdp);
    if (err != ERR_NONE)
        return err;
    isdp->attributes |= attribute;
    return registry_store(card, isdp);
}

static enum err isdp_manufacture(struct card *card, const struct euicc_personalisation *p, struct writer *response)
{
    enum err err = p->bootstrap_package.len ? install_enabled(card, p, response) : ERR_NONE;
    if (err == ERR_NONE && p->test_package.len)
        err = install_local(card, p->test_package, ISDP_TEST, response);
    if (err == ERR_NONE && p->emergency_package.len)
        err = install_local(card, p->emergency_package, ISDP_EMERGENCY, response);
    return err;
}

static void isdp_close(struct card *card) { registry_drop(card); }

const struct card_module isdp_module = {
    .name = "isdp",
    .open = isdp_open,
    .manufacture = isdp_manufacture,
    .close = isdp_close,
};
