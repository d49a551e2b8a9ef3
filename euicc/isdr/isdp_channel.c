/* The ISD-P as the SM-DP reaches it (ES8): its SCP03 channel in APDU form and as SCP03t, and what may be said in it.
 * SGP.02 §4.1.3; oncard fact book 6. */
#include "isdr.h"

#include "euicc/isdp/install.h"
#include "lib/crypto/aes.h"
#include "lib/gp/put_key.h"
#include "lib/ota/es6.h"
#include "lib/scp/scp03t.h"
#include "lib/base/mutant.h"

#define DGI_PROVIDER_DATA 0x0070u
#define KVN_TOKEN         0x70u
#define PERSONAL_AREA_MAX 1100u /* plain octets of one segment or command */

void isdp_channel_close(struct sd_session *s)
{
    install_free(s->install);
    s->install = NULL;
    scp03_session_close(&s->channel);
    s->channel_slot = 0;
}

static bool channel_is_of(const struct sd_session *s) { return s->channel_slot && s->channel_slot == s->target.slot; }

static void scp03_keys_of(const struct isdp_keyset *set, struct scp03_keys *ret)
{
    *ret = (struct scp03_keys){ .kvn = set->kvn, .key_len = 16 };
    memcpy(ret->enc, set->enc, 16);
    memcpy(ret->mac, set->mac, 16);
    memcpy(ret->dek, set->dek, 16);
}

/* Writes one ISD-P back in a transaction of its own. */
static uint16_t isdp_save(struct card *card, struct isdp *isdp)
{
    card_begin(card);
    return sw_of_err(isdr_change_end(card, registry_store(card, isdp)));
}

/* Chooses keys and counts the session, once for both forms of INITIALIZE UPDATE. ERR_NOT_FOUND: no such keys. */
static enum err channel_begin(struct card *card, struct sd_session *s, uint8_t kvn, struct scp03_keys *ret_keys,
                              struct isdp **ret_isdp, uint32_t *ret_counter)
{
    isdp_channel_close(s);
    struct isdp *isdp = registry_by_slot(card, s->target.slot);
    if (isdp && MUTANT(takes_any_key_version) && isdp->keys[0].kvn)
        kvn = isdp->keys[0].kvn;
    struct isdp_keyset *set = isdp ? isdp_keyset(isdp, kvn) : NULL;
    if (!set || set->counter >= 0xFFFFFF)
        return ERR_NOT_FOUND;
    scp03_keys_of(set, ret_keys);
    if (!MUTANT(sequence_counter_stands_still) || !set->counter)
        set->counter++;
    *ret_counter = set->counter;
    *ret_isdp = isdp;
    s->channel_slot = isdp->slot;
    return isdp_save(card, isdp) == SW_OK ? ERR_NONE : ERR_IO;
}

/* ---- APDU form ---- */

static uint16_t isdp_initialize_update(struct card *card, struct sd_session *s, const struct capdu *c,
                                       struct writer *data)
{
    if (c->p2 != 0x00)
        return SW_WRONG_P1P2;
    if (c->data.len != SCP03_CHALLENGE_LEN)
        return SW_WRONG_LENGTH;
    struct scp03_keys keys;
    struct isdp *isdp;
    uint32_t counter;
    enum err err = channel_begin(card, s, c->p1, &keys, &isdp, &counter);
    if (err == ERR_NONE)
        err = scp03_open_card(&keys, counter, isdp_aid(isdp), c->data, &s->channel, data);
    wipe(&keys, sizeof keys);
    return err == ERR_NONE ? SW_OK : err == ERR_NOT_FOUND ? SW_NOT_FOUND : sw_of_err(err);
}

static uint16_t isdp_external_authenticate(struct card *card, struct sd_session *s, const struct capdu *c,
                                           struct writer *data)
{
    (void)card;
    (void)data;
    if (!channel_is_of(s))
        return MUTANT(misses_the_beginning_otherwise) ? SW_CONDITIONS : SW_WRONG_P1P2;
    enum err err = scp03_external_authenticate_check(&s->channel, c);
    if (err == ERR_NONE && s->channel.level == SCP03_LEVEL_FULL)
        return SW_OK;
    isdp_channel_close(s);
    return err == ERR_STATE ? SW_WRONG_P1P2 : SW_SECURITY_STATUS;
}

static uint16_t isdp_wrapped(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data)
{
    if (!channel_is_of(s) || s->channel.state != SCP03_OPEN)
        return MUTANT(misses_the_channel_otherwise) ? SW_SECURITY_STATUS : SW_CONDITIONS;
    WRITER_ON_STACK(plain, PERSONAL_AREA_MAX);
    WRITER_ON_STACK(answer, SD_ANSWER_MAX);
    struct capdu command;
    enum err err = scp03_unwrap(&s->channel, c, &plain, &command);
    uint16_t sw = SW_SECURITY_STATUS;
    if (err == ERR_NONE)
        sw = sd_run(isdp_rules, card, s, &command, &answer);
    else if (!MUTANT(scp03_survives_a_wrong_mac))
        isdp_channel_close(s);
    wipe(plain.buf, plain.cap);
    if (err != ERR_NONE || !sw_is_positive(sw))
        return err == ERR_STATE ? SW_CONDITIONS : sw;
    struct rapdu r = { wr_span(&answer), sw };
    WRITER_ON_STACK(wrapped, SD_ANSWER_MAX + 2);
    if (scp03_response_wrap(&s->channel, &r, &wrapped) != ERR_NONE || wrapped.err != ERR_NONE || wrapped.len < 2)
        return SW_NO_DIAGNOSIS;
    wr_bytes(data, (struct span){ wrapped.buf, wrapped.len - 2 });
    return sw;
}

uint16_t sd_refuse_wrong_data(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data)
{
    (void)card, (void)s, (void)c, (void)data;
    return SW_WRONG_DATA;
}

static uint16_t refuse_unsecured(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data)
{
    (void)card, (void)s, (void)c, (void)data;
    return SW_SECURITY_STATUS;
}

/* Outside a secure channel. */
const struct sd_rule isdp_plain_rules[] = {
    { INS_INITIALIZE_UPDATE, isdp_initialize_update },
    { INS_GET_STATUS, sd_refuse_wrong_data },
    { INS_STORE_DATA, refuse_unsecured },
    { INS_PUT_KEY, refuse_unsecured },
    { 0, NULL },
};

uint16_t isdp_command(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data)
{
    if (!registry_by_slot(card, s->target.slot))
        return SW_NOT_FOUND;
    if (c->cla == CLA_GP)
        return sd_run(isdp_plain_rules, card, s, c, data);
    if (c->cla != CLA_GP_SECURE)
        return SW_WRONG_CLA;
    return c->ins == INS_EXTERNAL_AUTHENTICATE ? isdp_external_authenticate(card, s, c, data)
                                               : isdp_wrapped(card, s, c, data);
}

/* ---- what is said in the channel ---- */

static bool identity_set(struct isdp_octets *o, struct span value)
{
    if (value.len == 0 || value.len > ISDP_IDENTITY_MAX)
        return false;
    o->len = (uint8_t)value.len;
    memcpy(o->bytes, value.ptr, value.len);
    return true;
}

/* DGI 0070: SIN, SDIN, application provider; one of them or several. */
static uint16_t isdp_provider_data(struct card *card, struct isdp *isdp, struct span value)
{
    struct isdp changed = *isdp;
    struct reader r = rd_of(value);
    struct tlv t;
    bool good = true;
    while (good && tlv_next(&r, &t)) {
        struct isdp_octets *o = t.tag == 0x42     ? &changed.sin
                                : t.tag == 0x45   ? &changed.sdin
                                : t.tag == 0x5F20 ? &changed.provider
                                                  : NULL;
        good = o && identity_set(o, t.val);
    }
    if (!good || r.err != ERR_NONE || value.len == 0)
        return SW_WRONG_DATA;
    if (MUTANT(forgets_the_provider))
        return SW_OK;
    *isdp = changed;
    return isdp_save(card, isdp);
}

/* The part of the new parameters, or what is stored of it. */
static void connectivity_part(struct writer *w, uint8_t tag, struct span now, struct span before)
{
    struct span kept;
    if (now.ptr)
        wr_tlv(w, tag, now);
    else if (tlv_find(before, tag, &kept))
        wr_tlv(w, tag, kept);
}

uint16_t isdp_update_connectivity(struct card *card, struct isdp *isdp, struct span value)
{
    struct es6_connectivity c;
    enum err err = es6_connectivity_parse(value, &c);
    if (err != ERR_NONE)
        return SW_WRONG_DATA;
    if (MUTANT(forgets_the_service_centre))
        return SW_OK;
    struct span before = { isdp->connectivity, isdp->connectivity_len }, a0;
    WRITER_ON_STACK(w, ISDP_CONNECTIVITY_MAX);
    if (c.smsc.ptr) {
        size_t mark = wr_tlv_open(&w, 0xA0);
        wr_tlv(&w, 0x06, c.smsc);
        wr_tlv_close(&w, mark);
    } else if (tlv_find(before, 0xA0, &a0)) {
        wr_tlv(&w, 0xA0, a0);
    }
    connectivity_part(&w, 0xA1, c.cat_tp, before);
    connectivity_part(&w, 0xA2, c.https, before);
    if (w.err != ERR_NONE)
        return SW_NO_MEMORY;
    isdp->connectivity_len = (uint8_t)w.len;
    memcpy(isdp->connectivity, w.buf, w.len);
    return isdp_save(card, isdp);
}

static uint16_t isdp_store_data(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data)
{
    (void)data;
    struct span dgis;
    uint16_t sw = sd_collect(s, c, &dgis);
    struct isdp *isdp = registry_by_slot(card, s->target.slot);
    if (sw != SW_OK || !dgis.len)
        return sw;
    struct reader r = rd_of(dgis);
    struct tlv t;
    while (sw == SW_OK && dgi_next(&r, &t)) {
        if (t.tag == DGI_PROVIDER_DATA)
            sw = isdp_provider_data(card, isdp, t.val);
        else if (t.tag == ES5_UPDATE_ADDRESSING)
            sw = isdp_update_connectivity(card, isdp, t.val);
        else
            sw = SW_WRONG_DATA;
    }
    return sw;
}

static uint16_t key_decipher(const struct sd_session *s, const struct put_key_item *item, uint8_t ret_key[16])
{
    struct span value = item->value;
    if (item->type != KEY_TYPE_AES)
        return SW_WRONG_DATA;
    if (value.len == 17 && value.ptr[0] == 0x10) /* the length of the clear key in front */
        value = span_from(value, 1);
    uint8_t kcv[KCV_LEN];
    if (value.len != 16 || scp03_dek_decrypt(&s->channel, value, ret_key) != ERR_NONE ||
        aes_kcv((struct span){ ret_key, 16 }, kcv) != ERR_NONE)
        return SW_WRONG_DATA;
    bool good = item->kcv.len == 0 || span_eq_ct(item->kcv, SPAN_OF(kcv)) || MUTANT(skips_the_check_value);
    return good ? SW_OK : SW_WRONG_KCV;
}

static uint16_t key_place(struct isdp *isdp, const struct put_key *p, uint8_t keys[3][16])
{
    if (p->kvn == KVN_TOKEN && p->count == 1) {
        if ((p->replaces ? isdp->token_kvn != p->replaces : isdp->token_kvn != 0) && !MUTANT(adds_a_key_twice))
            return SW_WRONG_DATA;
        isdp->token_kvn = p->kvn;
        memcpy(isdp->token_key, keys[0], 16);
        return SW_OK;
    }
    if (p->kvn < 0x30 || p->kvn > 0x3F || p->count != 3)
        return SW_WRONG_DATA;
    if (p->replaces ? !isdp_keyset(isdp, p->replaces) : isdp_keyset(isdp, p->kvn) != NULL)
        return p->replaces ? SW_NOT_FOUND : SW_WRONG_DATA;
    return sw_of_err(isdp_keyset_set(isdp, p->kvn, keys[0], keys[1], keys[2]));
}

static uint16_t isdp_put_key(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data)
{
    struct put_key p;
    struct isdp *isdp = registry_by_slot(card, s->target.slot);
    uint8_t keys[PUT_KEY_KEYS_MAX][16];
    if (put_key_parse(c, &p) != ERR_NONE || p.count == 0)
        return SW_WRONG_DATA;
    uint16_t sw = SW_OK;
    wr_u8(data, p.kvn);
    for (size_t i = 0; sw == SW_OK && i < p.count; i++) {
        sw = key_decipher(s, &p.keys[i], keys[i]);
        if (!MUTANT(keeps_the_check_value))
            wr_bytes(data, p.keys[i].kcv);
    }
    if (sw == SW_OK)
        sw = key_place(isdp, &p, keys);
    wipe(keys, sizeof keys);
    return sw == SW_OK ? isdp_save(card, isdp) : sw;
}

const struct sd_rule isdp_rules[] = {
    { INS_STORE_DATA, isdp_store_data },
    { INS_PUT_KEY, isdp_put_key },
    { INS_GET_STATUS, sd_refuse_wrong_data },
    { 0, NULL },
};

/* ---- SCP03t ---- */

static enum err scp03t_initialize(struct card *card, struct sd_session *s, const struct ram_item *item,
                                  struct writer *w)
{
    struct scp03t_initialize_update iu;
    struct scp03_keys keys;
    struct isdp *isdp;
    uint32_t counter;
    isdp_channel_close(s);
    enum err err = scp03t_initialize_update_parse(item->value, &iu);
    if (err != ERR_NONE)
        return ERR_BAD_LENGTH;
    err = channel_begin(card, s, iu.kvn, &keys, &isdp, &counter);
    if (err == ERR_NONE)
        err = scp03t_open_card(&keys, counter, isdp_aid(isdp), iu.host_challenge, &s->channel, w);
    wipe(&keys, sizeof keys);
    return err;
}

static enum err scp03t_authenticate(struct sd_session *s, const struct ram_item *item, struct writer *w)
{
    enum err err = channel_is_of(s) ? scp03t_external_authenticate_check(&s->channel, item->raw) : ERR_VERIFY;
    if (err == ERR_NONE)
        wr_tlv(w, SCP03T_EXTERNAL_AUTHENTICATE, SPAN_NONE);
    return err;
}

static enum err scp03t_install(struct card *card, struct sd_session *s, struct span segment, struct writer *w)
{
    if (!s->install)
        s->install = install_new(card, registry_by_slot(card, s->target.slot));
    if (!s->install)
        return ERR_NO_MEMORY;
    WRITER_ON_STACK(response, INSTALL_RESPONSE_MAX);
    enum install_result result = install_feed(s->install, segment, &response);
    if (result != INSTALL_MORE) {
        install_free(s->install);
        s->install = NULL;
    }
    return scp03t_response_wrap(&s->channel, result == INSTALL_MORE ? SPAN_NONE : wr_span(&response), w);
}

static enum err scp03t_command(struct card *card, struct sd_session *s, const struct ram_item *item, struct writer *w)
{
    uint8_t buf[PERSONAL_AREA_MAX];
    struct writer plain = wr_of(buf, sizeof buf);
    struct span text;
    enum err err = channel_is_of(s) && s->channel.state == SCP03_OPEN
                       ? scp03t_unwrap(&s->channel, item->raw, &plain, &text)
                       : ERR_CLOSED;
    if (err == ERR_NONE && item->tag == SCP03T_DATA)
        err = scp03t_install(card, s, text, w);
    else if (err == ERR_NONE) {
        err = MUTANT(replaces_keys_in_word_only) ? ERR_NONE : scp03t_replace_keys(&s->channel, text);
        wr_tlv(w, SCP03T_REPLACE_KEYS, SPAN_NONE);
    }
    wipe(buf, sizeof buf);
    return err;
}

bool isdp_scp03t(struct card *card, struct sd_session *s, const struct ram_item *item, struct ram_answer *answer)
{
    if (s->target.kind != SD_ISDP) {
        ram_answer_bad_format(answer, RAM_BAD_UNKNOWN_TAG);
        return false;
    }
    WRITER_ON_STACK(w, SCP03T_TLV_MAX + 8);
    enum err err = item->tag == SCP03T_INITIALIZE_UPDATE       ? scp03t_initialize(card, s, item, &w)
                   : item->tag == SCP03T_EXTERNAL_AUTHENTICATE ? scp03t_authenticate(s, item, &w)
                                                               : scp03t_command(card, s, item, &w);
    if (MUTANT(segments_are_1020_at_most) && item->raw.len > 1030)
        err = ERR_BAD_LENGTH;
    if (err != ERR_NONE) {
        if (!MUTANT(scp03t_survives_an_error))
            isdp_channel_close(s);
        w.len = 0;
        scp03t_error_write(&w, (uint8_t)item->tag, err);
    }
    ram_answer_raw(answer, wr_span(&w));
    return err == ERR_NONE || MUTANT(goes_on_after_9f);
}
