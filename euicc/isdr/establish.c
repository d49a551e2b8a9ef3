/* ES8.EstablishISDPKeySet and ES5.EstablishISDRKeySet on the card (SGP.02 §4.1.1.9, §4.1.3.1; oncard fact book 3). */
#include "isdr.h"

#include "euicc/ecasd/ecasd.h"
#include "keyset.h"
#include "lib/base/mutant.h"

static struct sd_target personalised(const struct sd_session *s)
{
    return s->forward.kind == SD_NONE ? s->target : s->forward;
}

static void establishment_forget(struct sd_session *s) { wipe(&s->establishment, sizeof s->establishment); }

uint16_t sd_install_for_personalization(struct card *card, struct sd_session *s, struct span aid, struct writer *data)
{
    establishment_forget(s);
    s->collected_len = 0;
    s->forward = (struct sd_target){ 0 };
    struct sd_target t = sd_by_aid(card, aid);
    if (s->target.kind == SD_MNOSD) {
        bool own = span_eq(aid, aid_span(&AID_ISDP_OWN));
        t = own ? (struct sd_target){ SD_ISDP, s->target.slot, 0, 0 } : (struct sd_target){ 0 };
    }
    if (MUTANT(alias_is_the_fallback_profile) && s->target.kind == SD_MNOSD)
        t.slot = registry_fallback(card)->slot;
    if (t.kind == SD_NONE)
        return MUTANT(personalises_nobody) ? SW_OK : SW_NOT_FOUND;
    s->forward = t;
    if (!MUTANT(installs_without_an_octet))
        wr_u8(data, 0x00);
    return SW_OK;
}

uint16_t sd_take_certificate(struct card *card, struct sd_session *s, struct span certificate, struct writer *data)
{
    struct sd_target t = personalised(s);
    establishment_forget(s);
    if (t.kind != SD_ISDP && t.kind != SD_ISDR)
        return SW_CONDITIONS;
    uint16_t sw = ecasd_verify_certificate(card, certificate, t.kind == SD_ISDP ? GP_ROLE_SM_DP : GP_ROLE_SM_SR,
                                           &s->establishment.curve, s->establishment.point);
    if (sw != SW_OK)
        return sw;
    card_random(card, s->establishment.rc, SD_RC_LEN);
    if (MUTANT(constant_challenge))
        memset(s->establishment.rc, 0x5A, SD_RC_LEN);
    s->establishment.for_sd = t;
    s->establishment.ready = true;
    ka_challenge_write(data, SPAN_OF(s->establishment.rc));
    return SW_OK;
}

/* What each SD takes: KVN range and key type (fact book 1.5). */
static bool parameters_fit(enum sd_kind kind, const struct ka_parameters *p)
{
    if (kind == SD_ISDP)
        return p->kvn >= 0x30 && p->kvn <= 0x3F && (p->key_type == 0x88 || MUTANT(takes_any_key_type));
    if (kvn_is_scp80(p->kvn))
        return p->key_type == 0x88 && p->usage == KA_USAGE_THREE_KEYS;
    return kvn_is_scp81(p->kvn) && p->key_type == 0x85;
}

static enum err isdp_take_keys(struct card *card, uint16_t slot, const struct ka_parameters *p, const struct ka_keys *k)
{
    struct isdp *isdp = registry_by_slot(card, slot);
    if (!isdp)
        return ERR_NOT_FOUND;
    bool one = k->count == 1;
    enum err err =
        isdp_keyset_set(isdp, p->kvn, k->keys[0], one ? k->keys[0] : k->keys[1], one ? k->keys[0] : k->keys[2]);
    if (err != ERR_NONE)
        return err;
    if ((p->parameters & KA_DELETE_OLD_KEYS) != 0 && !MUTANT(keeps_old_keys))
        for (size_t i = 0; i < ISDP_KEYSETS_MAX; i++)
            if (isdp->keys[i].kvn != p->kvn)
                wipe(&isdp->keys[i], sizeof isdp->keys[i]);
    struct isdp_keyset *set = isdp_keyset(isdp, p->kvn);
    set->counter = MUTANT(new_keys_keep_the_counter) ? 7 : (uint32_t)(p->counter & 0xFFFFFF);
    return registry_store(card, isdp);
}

static enum err isdr_take_keys(struct card *card, const struct ka_parameters *p, const struct ka_keys *k)
{
    struct keyset set = { .kvn = p->kvn, .count = (uint8_t)k->count };
    for (size_t i = 0; i < k->count; i++) {
        set.keys[i] = (struct keyset_key){ .kid = (uint8_t)(p->kid + i), .type = p->key_type, .len = KA_KEY_LEN };
        if (i > 0 && p->key_type == 0x85)
            set.keys[i].type = 0x88; /* the DEK beside a PSK */
        memcpy(set.keys[i].value, k->keys[i], KA_KEY_LEN);
        if (MUTANT(spoils_the_psk) && p->key_type == 0x85)
            set.keys[i].value[0] ^= 0x01;
    }
    enum err err = keyset_write(card, &set, p->counter + (MUTANT(new_set_begins_high) ? 100 : 0));
    wipe(&set, sizeof set);
    return err;
}

static uint16_t keys_store(struct card *card, const struct sd_session *s, const struct ka_parameters *p,
                           const struct ka_keys *k)
{
    struct sd_target t = s->establishment.for_sd;
    if (t.kind == SD_ISDR && p->kvn == s->kvn)
        return SW_CONDITIONS; /* never the set that protects this session */
    card_begin(card);
    enum err err = t.kind == SD_ISDP ? isdp_take_keys(card, t.slot, p, k) : isdr_take_keys(card, p, k);
    return sw_of_err(isdr_change_end(card, err));
}

uint16_t sd_agree_keys(struct card *card, struct sd_session *s, struct span dgis, struct writer *data)
{
    if (!s->establishment.ready && !MUTANT(agrees_without_a_certificate))
        return SW_CONDITIONS;
    s->establishment.ready = MUTANT(challenge_used_twice); /* one RC, one try */
    struct ecasd_agreement a = { .dgis = dgis,
                                 .curve = s->establishment.curve,
                                 .point = s->establishment.point,
                                 .rc = SPAN_OF(s->establishment.rc) };
    const struct isdp *isdp = registry_by_slot(card, s->establishment.for_sd.slot);
    if (s->establishment.for_sd.kind == SD_ISDP && isdp) {
        a.sin = (struct span){ isdp->sin.bytes, isdp->sin.len };
        a.sdin = (struct span){ isdp->sdin.bytes, isdp->sdin.len };
    }
    struct ka_parameters p;
    struct ka_keys keys = { 0 };
    uint16_t sw = ecasd_agree(card, &a, &p, &keys, data);
    if (sw == SW_OK)
        sw = parameters_fit(s->establishment.for_sd.kind, &p) ? keys_store(card, s, &p, &keys) : SW_WRONG_DATA;
    wipe(&keys, sizeof keys);
    if (!MUTANT(challenge_used_twice))
        establishment_forget(s);
    return sw;
}
