/* The functions of ES5 as the ISD-R carries them out: SGP.02 §4.1.1, checks in the order of the fact book 4. */
#include "isdr.h"

#include "euicc/ecasd/ecasd.h"
#include "keyset.h"
#include "push.h"
#include "lib/crypto/cmac.h"
#include "lib/gp/install.h"
#include "lib/ota/es6.h"
#include "lib/base/mutant.h"

#define STATUS_ANSWER_MAX 240u   /* octets of one GET STATUS answer, then 6310 */
#define TOKEN_LEN         16u

static uint16_t change_end(struct card *card, enum err err) { return sw_of_err(isdr_change_end(card, err)); }

static struct isdp *isdp_named(struct card *card, const struct aid *aid) { return registry_find(card, aid_span(aid)); }

/* ---- CreateISDP, INSTALL [for personalization] ---- */

static uint16_t isdr_create(struct card *card, const struct capdu *c, struct writer *data)
{
    struct es5_create_isdp create;
    struct isdp *isdp;
    enum err err = es5_create_isdp_parse(c, &create);
    if (err != ERR_NONE)
        return es5_sw(err);
    if (isdp_named(card, &create.isdp))
        return MUTANT(creates_the_same_again) ? SW_OK : SW_CONDITIONS;
    card_begin(card);
    uint16_t sw = change_end(card, registry_create(card, aid_span(&create.isdp), create.memory, &isdp));
    if (!MUTANT(creates_without_an_octet))
        wr_u8(data, 0x00);
    return sw;
}

static uint16_t isdr_install(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data)
{
    struct install in;
    if (install_parse(c, &in) != ERR_NONE)
        return SW_WRONG_DATA;
    if (in.p1 == INSTALL_FOR_PERSONALIZATION)
        return sd_install_for_personalization(card, s, in.application, data);
    s->forward = (struct sd_target){ 0 };
    wipe(&s->establishment, sizeof s->establishment);
    return in.p1 == INSTALL_FOR_INSTALL_AND_MAKE_SELECTABLE ? isdr_create(card, c, data) : SW_WRONG_P1P2;
}

/* ---- STORE DATA: one DGI, one function ---- */

typedef uint16_t profile_function(struct card *card, struct isdp *isdp);

static uint16_t enable_profile(struct card *card, struct isdp *isdp)
{
    const struct isdp *current = registry_enabled(card);
    if (MUTANT(pol1_asked_first) && current && current->pol1 & POL1_NO_DISABLE)
        return SW_POL1;
    if ((isdp->state != ISDP_DISABLED && !MUTANT(enables_the_enabled)) || isdp->attributes & ISDP_LOCAL ||
        (current && current->attributes & ISDP_LOCAL))
        return SW_CONDITIONS;
    if (current && current->pol1 & POL1_NO_DISABLE && !MUTANT(enable_ignores_pol1))
        return SW_POL1;
    card_begin(card);
    enum err err = switch_ask(card, SWITCH_ENABLE, isdp->slot);
    if (err == ERR_NONE && MUTANT(switches_before_the_reset))
        err = registry_switch(card, isdp);
    uint16_t sw = change_end(card, err);
    return err == ERR_STATE ? SW_CONDITIONS : sw;
}

static uint16_t disable_profile(struct card *card, struct isdp *isdp)
{
    const struct isdp *holder = registry_fallback(card);
    if ((isdp->state != ISDP_ENABLED && !MUTANT(disables_the_disabled)) || isdp->attributes & ISDP_LOCAL || !holder ||
        (holder == isdp && !MUTANT(disables_the_fallback_profile)) || !isdp_has_profile(holder))
        return SW_CONDITIONS;
    if (isdp->pol1 & POL1_NO_DISABLE && !MUTANT(disable_ignores_pol1))
        return SW_POL1;
    if (MUTANT(disables_in_word_only))
        return SW_OK;
    card_begin(card);
    enum err err = switch_ask(card, SWITCH_DISABLE, holder->slot);
    uint16_t sw = change_end(card, err);
    return err == ERR_STATE ? SW_CONDITIONS : sw;
}

static uint16_t set_fallback(struct card *card, struct isdp *isdp)
{
    if (MUTANT(fallback_without_profile) && !isdp_has_profile(isdp))
        return SW_OK;
    if (!isdp_has_profile(isdp) || isdp->attributes & ISDP_LOCAL)
        return SW_CONDITIONS;
    card_begin(card);
    return change_end(card, registry_set_fallback(card, isdp));
}

/* v4, coding [?]: at most one holder, disabled, never the fall-back profile; not while the holder is enabled. */
static uint16_t set_emergency(struct card *card, struct isdp *isdp)
{
    struct isdp_registry *registry = card_registry(card);
    enum err err = ERR_NONE;
    const struct isdp *holder = registry_with(card, ISDP_EMERGENCY);
    if (isdp->state != ISDP_DISABLED || isdp->attributes & (ISDP_FALLBACK | ISDP_TEST) ||
        (holder && holder->state == ISDP_ENABLED))
        return SW_CONDITIONS;
    card_begin(card);
    for (size_t i = 0; err == ERR_NONE && i < registry->count; i++) {
        struct isdp *item = &registry->items[i];
        uint8_t wanted = (uint8_t)((item->attributes & ~ISDP_EMERGENCY) | (item == isdp ? ISDP_EMERGENCY : 0));
        if (wanted == item->attributes)
            continue;
        item->attributes = wanted;
        err = registry_store(card, item);
    }
    return change_end(card, err);
}

static uint16_t update_addressing(struct card *card, const struct es5_addressing *a)
{
    if (a->sms.len == 0 && !a->cat_tp.ptr && !a->https.ptr)
        return SW_WRONG_DATA;
    if (MUTANT(keeps_the_old_number))
        return SW_OK;
    card_begin(card);
    return change_end(card, isdr_addressing_update(card, a));
}

static uint16_t confirm_notification(struct card *card, uint16_t sequence, struct writer *data)
{
    struct es5_deleted deleted = { .count = 0 };
    enum err err = switch_confirm(card, sequence, &deleted);
    if (err != ERR_NONE)
        return err == ERR_STATE ? SW_CONDITIONS : err == ERR_NOT_FOUND ? SW_NOT_FOUND : sw_of_err(err);
    es5_deleted_write(data, &deleted);
    return SW_OK;
}

static profile_function *profile_function_of(uint16_t dgi)
{
    switch (dgi) {
    case ES5_ENABLE_PROFILE:
        return enable_profile;
    case ES5_DISABLE_PROFILE:
        return disable_profile;
    case ES5_SET_FALLBACK_ATTRIBUTE:
        return set_fallback;
    case ES5_SET_EMERGENCY_ATTRIBUTE:
        return set_emergency;
    default:
        return NULL;
    }
}

static uint16_t isdr_function(struct card *card, struct span dgi, struct writer *data)
{
    struct es5_store_data f;
    enum err err = es5_store_data_parse(dgi, &f);
    if (err != ERR_NONE)
        return MUTANT(takes_empty_functions) ? SW_OK : SW_WRONG_DATA;
    if (f.dgi == ES5_UPDATE_ADDRESSING)
        return update_addressing(card, &f.addressing);
    if (f.dgi == ES5_NOTIFICATION_CONFIRMATION)
        return confirm_notification(card, f.sequence, data);
    profile_function *run = profile_function_of(f.dgi);
    struct isdp *isdp = isdp_named(card, &f.isdp);
    if (!run)
        return SW_WRONG_DATA;
    if (!isdp)
        return MUTANT(knows_every_profile) ? SW_OK : SW_NOT_FOUND;
    return switch_pending(card) ? SW_CONDITIONS : run(card, isdp);
}

static uint16_t isdr_store_data(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data)
{
    struct span dgis;
    uint16_t sw = sd_collect(s, c, &dgis);
    if (sw != SW_OK || !dgis.len)
        return sw;
    struct reader r = rd_of(dgis);
    struct tlv first;
    if (!dgi_next(&r, &first))
        return SW_WRONG_DATA;
    if (first.tag == KA_DGI_CERTIFICATE)
        return sd_take_certificate(card, s, first.val, data);
    if (first.tag == KA_DGI_PARAMETERS)
        return sd_agree_keys(card, s, dgis, data);
    wipe(&s->establishment, sizeof s->establishment);
    return isdr_function(card, dgis, data);
}

/* ---- DELETE ---- */

static uint16_t may_delete(struct card *card, const struct isdp *isdp)
{
    if ((isdp->state == ISDP_ENABLED && !MUTANT(deletes_the_enabled)) ||
        (isdp->attributes & (ISDP_FALLBACK | ISDP_LOCAL) && !MUTANT(deletes_the_fallback_profile)) ||
        switch_needs(card, isdp->slot))
        return SW_CONDITIONS;
    return SW_OK;
}

static uint16_t delete_isdp(struct card *card, struct sd_session *s, struct isdp *isdp, struct writer *data)
{
    if (s->channel_slot == isdp->slot)
        isdp_channel_close(s);
    card_begin(card);
    wr_u8(data, 0x00);
    return change_end(card, registry_delete(card, isdp));
}

static bool identity_is(const struct isdp_octets *stored, struct span asked)
{
    return span_eq((struct span){ stored->bytes, stored->len }, asked);
}

/* The delete token (fact book 4.5): made by the SM-DP with the key it left in the ISD-P. */
static bool token_good(const struct isdp *isdp, const struct es5_delete *d)
{
    const struct es5_master *m = &d->master;
    if (!isdp->token_kvn || !identity_is(&isdp->sin, m->sin) || !identity_is(&isdp->sdin, m->sdin) ||
        !identity_is(&isdp->provider, m->provider))
        return false;
    WRITER_ON_STACK(input, APDU_SHORT_DATA_MAX + 8);
    uint8_t mac[CMAC_LEN];
    es5_token_input_write(&input, d);
    return input.err == ERR_NONE && cmac(SPAN_OF(isdp->token_key), wr_span(&input), mac) == ERR_NONE &&
           span_eq_ct(m->token, SPAN_OF(mac));
}

static uint16_t delete_profile(struct card *card, struct sd_session *s, const struct es5_delete *d, struct writer *data)
{
    struct isdp *isdp = isdp_named(card, &d->isdp);
    if (!isdp)
        return MUTANT(deletes_what_is_not_there) ? SW_OK : SW_NOT_FOUND;
    uint16_t sw = may_delete(card, isdp);
    if (sw != SW_OK)
        return sw;
    if (d->kind == ES5_DELETE_MASTER) {
        if (isdp->state != ISDP_DISABLED && !MUTANT(deletes_the_enabled))
            return SW_CONDITIONS;
        if (MUTANT(master_delete_asks_pol1) && isdp->pol1 & POL1_NO_DELETE)
            return SW_POL1;
        if (!token_good(isdp, d) && !MUTANT(takes_any_token))
            return SW_WRONG_DATA;
    } else if (isdp_has_profile(isdp) && isdp->pol1 & POL1_NO_DELETE && !MUTANT(delete_ignores_pol1)) {
        return SW_POL1;
    }
    return delete_isdp(card, s, isdp, data);
}

/* What stays of a set when the keys first … last go. */
static enum err keys_remove(struct card *card, const struct es5_key_range *range)
{
    struct keyset set, rest;
    struct keyset_counters counters = { 0, 0 };
    enum err err = keyset_read(card, range->kvn, &set);
    if (err != ERR_NONE)
        return err;
    rest = (struct keyset){ .kvn = set.kvn };
    for (size_t i = 0; i < set.count; i++)
        if (set.keys[i].kid < range->first_kid || set.keys[i].kid > range->last_kid)
            rest.keys[rest.count++] = set.keys[i];
    if (rest.count == 0) {
        err = keyset_delete(card, set.kvn);
    } else {
        err = keyset_counters_read(card, set.kvn, &counters);
        if (err == ERR_NONE)
            err = keyset_write(card, &rest, counters.received);
    }
    wipe(&set, sizeof set);
    wipe(&rest, sizeof rest);
    return err;
}

static uint16_t delete_keys(struct card *card, struct sd_session *s, const struct es5_delete *d, struct writer *data)
{
    for (size_t i = 0; i < d->range_count; i++) {
        if (!keyset_exists(card, d->ranges[i].kvn))
            return SW_NOT_FOUND;
        if (d->ranges[i].kvn == s->kvn && !MUTANT(deletes_the_current_set))
            return SW_CONDITIONS; /* the running session stands on it */
    }
    enum err err = ERR_NONE;
    card_begin(card);
    for (size_t i = 0; err == ERR_NONE && i < d->range_count && !MUTANT(keeps_the_old_smsr_keys); i++)
        err = keys_remove(card, &d->ranges[i]);
    wr_u8(data, 0x00);
    return change_end(card, err);
}

static uint16_t isdr_delete(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data)
{
    struct es5_delete d;
    enum err err = es5_delete_parse(c, &d);
    if (err != ERR_NONE)
        return es5_sw(err);
    return d.kind == ES5_DELETE_KEYS ? delete_keys(card, s, &d, data) : delete_profile(card, s, &d, data);
}

/* ---- eUICCCapabilityAudit ---- */

static void isdp_status(struct card *card, const struct isdp *isdp, const struct es5_get_status *asked,
                        struct writer *w)
{
    struct es5_isdp_status status = { .state = (uint8_t)isdp->state,
                                      .has_attributes = true,
                                      .attributes = isdp->attributes & (ISDP_FALLBACK | ISDP_EMERGENCY),
                                      .has_memory = !MUTANT(hides_the_quota),
                                      .memory = isdp->granted,
                                      .has_memory_left = true,
                                      .memory_left = isdp_left(card, isdp) };
    if (aid_set(&status.aid, isdp_aid(isdp)))
        es5_isdp_status_write(w, &status, asked);
}

static bool name_begins(struct span name, struct span beginning)
{
    return span_eq(span_sub(name, 0, beginning.len), beginning);
}

static uint16_t isdr_get_status(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data)
{
    struct es5_get_status asked;
    enum err err = es5_get_status_parse(c, &asked);
    if (err != ERR_NONE)
        return es5_sw(err);
    const struct isdp_registry *registry = card_registry(card);
    size_t i = asked.next && !MUTANT(begins_the_list_again) ? s->status_next : 0;
    bool any = asked.next;
    for (; i < registry->count; i++) {
        const struct isdp *isdp = &registry->items[i];
        WRITER_ON_STACK(one, STATUS_ANSWER_MAX);
        if (!name_begins(isdp_aid(isdp), asked.isdp))
            continue;
        any = true;
        isdp_status(card, isdp, &asked, &one);
        if (data->len + one.len > STATUS_ANSWER_MAX)
            break;
        if (asked.le || MUTANT(status_without_le_has_data))
            wr_bytes(data, wr_span(&one));
    }
    s->status_next = (uint8_t)i;
    return !any && asked.isdp.len ? SW_NOT_FOUND : i < registry->count ? SW_MORE_DATA : SW_OK;
}

static uint16_t memory_audit(struct card *card, struct writer *data)
{
    struct es5_memory m = { .applications = MUTANT(counts_no_applications) ? 0 : (uint32_t)card_registry(card)->count,
                            .free_non_volatile = registry_free(card),
                            .free_volatile = SD_VOLATILE_FREE };
    es5_memory_write(data, &m);
    return SW_OK;
}

static uint16_t ecasd_audit(struct card *card, const struct es5_get_data *asked, struct writer *data)
{
    if (asked->tag_count == 0 && !MUTANT(wants_no_tag_list))
        return SW_WRONG_DATA;
    size_t mark = wr_tlv_open(data, 0xBF30);
    for (size_t i = 0; i < asked->tag_count; i++) {
        enum err err = ecasd_object(card, asked->tags[i], data);
        if (err != ERR_NONE)
            return err == ERR_NOT_FOUND ? SW_NOT_FOUND : sw_of_err(err);
    }
    wr_tlv_close(data, mark);
    return SW_OK;
}

static uint16_t isdr_get_data(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data)
{
    (void)s;
    struct es5_get_data asked;
    enum err err = es5_get_data_parse(c, &asked);
    if (err != ERR_NONE)
        return es5_sw(err);
    if (asked.object == 0xFF21)
        return memory_audit(card, data);
    if (asked.object == 0xBF30)
        return ecasd_audit(card, &asked, data);
    err = asked.object == 0x7F21 ? ERR_NOT_FOUND : ecasd_object(card, asked.object, data);
    if (MUTANT(has_every_object))
        return SW_OK;
    return err == ERR_NONE ? SW_OK : err == ERR_NOT_FOUND ? SW_NOT_FOUND : sw_of_err(err);
}

const struct sd_rule isdr_rules[] = {
    { INS_INSTALL, isdr_install },
    { INS_STORE_DATA, isdr_store_data },
    { INS_DELETE, isdr_delete },
    { INS_GET_STATUS, isdr_get_status },
    { INS_GET_DATA, isdr_get_data },
    { INS_PUSH, isdr_push },
    { INS_INITIALIZE_UPDATE, sd_refuse_wrong_data },
    { 0, NULL },
};
