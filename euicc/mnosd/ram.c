/* Remote application management by the operator (TS 102 226 §8, GlobalPlatform §11): the MNO-SD acts as the ISD of the
 * enabled profile. There are no applications to load; what there is can be listed, read, and its keys changed. */
#include "mnosd.h"

#include "euicc/isdp/applications.h"
#include "euicc/isdr/isdr.h"
#include "lib/crypto/aes.h"
#include "lib/crypto/des3.h"
#include "lib/gp/put_key.h"
#include "lib/ota/es5.h"

/* ---- GET DATA ---- */

#define OBJECT_KEYS   0x00E0u
#define OBJECT_MEMORY 0xFF21u

/* C0 for each key: identifier, version, type, length. */
static void keys_write(struct card *card, const struct sd_target *t, struct writer *w)
{
    struct keyset set;
    size_t mark = wr_tlv_open(w, OBJECT_KEYS);
    for (unsigned kvn = 1; kvn <= 0x7F; kvn++) {
        if (application_keyset_get(card->objects, (uint8_t)t->slot, t->sd, (uint8_t)kvn, &set) != ERR_NONE)
            continue;
        for (size_t i = 0; i < set.count; i++) {
            const uint8_t about[] = { set.keys[i].kid, (uint8_t)kvn, set.keys[i].type, set.keys[i].len };
            wr_tlv(w, 0xC0, SPAN_OF(about));
        }
    }
    wr_tlv_close(w, mark);
    wipe(&set, sizeof set);
}

static unsigned applications_count(struct card *card, uint8_t slot)
{
    struct application_sd sd;
    struct application_rfm rfm;
    unsigned sds = 0, rfms = 0;
    while (application_sd_get(card->objects, slot, sds, &sd) == ERR_NONE)
        sds++;
    while (application_rfm_get(card->objects, slot, rfms, &rfm) == ERR_NONE)
        rfms++;
    return sds + rfms;
}

uint16_t mnosd_get_data(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data)
{
    const struct sd_target *t = &s->target;
    uint16_t object = (uint16_t)(c->p1 << 8 | c->p2);
    struct span tlv;
    if (object == OBJECT_KEYS) {
        keys_write(card, t, data);
        return SW_OK;
    }
    if (object == OBJECT_MEMORY) {
        struct es5_memory m = { .applications = applications_count(card, (uint8_t)t->slot),
                                .free_non_volatile = isdp_left(card, registry_by_slot(card, t->slot)),
                                .free_volatile = SD_VOLATILE_FREE };
        es5_memory_write(data, &m);
        return SW_OK;
    }
    enum err err = application_data_get(card->objects, (uint8_t)t->slot, t->sd, object, &card->scratch, &tlv);
    if (err == ERR_NONE)
        wr_bytes(data, tlv);
    return sw_of_err(err);
}

/* ---- GET STATUS ---- */

enum { STATUS_ISD = 0x80, STATUS_APPLICATIONS = 0x40, STATUS_LOAD_FILES = 0x20, STATUS_MODULES = 0x10 };
#define STATUS_P2_FIRST  0x02u /* first or all, as E3 */
#define LIFE_CYCLE_READY 0x07u /* selectable */

static bool status_one(const struct aid *aid, uint8_t life_cycle, const uint8_t privileges[3], struct span wanted,
                       struct writer *w)
{
    if (!span_eq(span_sub(aid_span(aid), 0, wanted.len), wanted))
        return false;
    size_t mark = wr_tlv_open(w, 0xE3);
    wr_tlv(w, 0x4F, aid_span(aid));
    wr_tlv_u8(w, 0x9F70, life_cycle);
    wr_tlv(w, 0xC5, (struct span){ privileges, 3 });
    wr_tlv_close(w, mark);
    return true;
}

uint16_t mnosd_get_status(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data)
{
    static const uint8_t none[3] = { 0 };
    struct span wanted;
    struct application_sd sd;
    struct application_rfm rfm;
    uint8_t slot = (uint8_t)s->target.slot, what = c->p1;
    bool known =
        what == STATUS_ISD || what == STATUS_APPLICATIONS || what == STATUS_LOAD_FILES || what == STATUS_MODULES;
    bool any = false;
    if (!known || c->p2 != STATUS_P2_FIRST)
        return SW_WRONG_P1P2;
    if (!tlv_find(c->data, 0x4F, &wanted))
        return SW_WRONG_DATA;
    for (unsigned i = 0; application_sd_get(card->objects, slot, i, &sd) == ERR_NONE; i++)
        if (what == (i == 0 ? STATUS_ISD : STATUS_APPLICATIONS))
            any |= status_one(&sd.aid, sd.life_cycle, sd.privileges, wanted, data);
    for (unsigned i = 0; what == STATUS_APPLICATIONS && application_rfm_get(card->objects, slot, i, &rfm) == ERR_NONE;
         i++)
        any |= status_one(&rfm.aid, LIFE_CYCLE_READY, none, wanted, data);
    return any ? SW_OK : SW_NOT_FOUND;
}

/* ---- PUT KEY, DELETE of keys ---- */

/* The key that enciphers keys: of the set that carried the command (KIK; with SCP81 its second). */
static enum err dek_find(struct card *card, const struct sd_session *s, struct keyset *set,
                         const struct keyset_key **ret)
{
    uint8_t kid = kvn_is_scp81(s->kvn) ? 0x02 : 0x03;
    enum err err = application_keyset_get(card->objects, (uint8_t)s->target.slot, s->target.sd, s->kvn, set);
    for (size_t i = 0; err == ERR_NONE && i < set->count; i++)
        if (set->keys[i].kid == kid) {
            *ret = &set->keys[i];
            return ERR_NONE;
        }
    return err == ERR_NONE ? ERR_NOT_FOUND : err;
}

/* AES in CBC with a zero vector, DES block by block. */
static enum err decipher(const struct keyset_key *dek, struct span in, uint8_t *out)
{
    struct span key = { dek->value, dek->len };
    static const uint8_t zero[16] = { 0 };
    enum err err = ERR_NONE;
    if (dek->type == KEY_TYPE_AES)
        return aes_cbc_decrypt(key, zero, in, out);
    for (size_t at = 0; err == ERR_NONE && at < in.len; at += DES_BLOCK)
        err = des3_cbc_decrypt(key, zero, span_sub(in, at, DES_BLOCK), out + at);
    return err;
}

static bool check_value_is_good(const struct put_key_item *item, const struct keyset_key *key)
{
    uint8_t kcv[KCV_LEN];
    struct span value = { key->value, key->len };
    if (item->kcv.len == 0)
        return true;
    enum err err = key->type == KEY_TYPE_DES ? des3_kcv(value, kcv) : aes_kcv(value, kcv);
    return err == ERR_NONE && span_eq_ct(item->kcv, SPAN_OF(kcv));
}

static uint16_t key_take(const struct keyset_key *dek, const struct put_key_item *item, struct keyset_key *ret)
{
    struct span value = item->value;
    size_t block = dek->type == KEY_TYPE_DES ? DES_BLOCK : 16;
    if (item->type != KEY_TYPE_AES && item->type != KEY_TYPE_DES && item->type != KEY_TYPE_PSK_TLS)
        return SW_WRONG_DATA;
    if (value.len % block == 1 && value.ptr[0] == value.len - 1) /* the length of the clear key in front */
        value = span_from(value, 1);
    if (value.len < 16 || value.len % block != 0 || value.len > KEYSET_KEY_MAX ||
        decipher(dek, value, ret->value) != ERR_NONE)
        return SW_WRONG_DATA;
    ret->type = item->type;
    ret->len = (uint8_t)value.len;
    return check_value_is_good(item, ret) ? SW_OK : SW_WRONG_KCV;
}

/* Where a key of this identifier goes in the set; NULL: it is full. */
static struct keyset_key *key_place(struct keyset *set, uint8_t kid)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->keys[i].kid == kid)
            return &set->keys[i];
    if (set->count == KEYSET_KEYS_MAX)
        return NULL;
    set->keys[set->count].kid = kid;
    return &set->keys[set->count++];
}

static uint16_t keys_take(const struct keyset_key *dek, const struct put_key *p, struct keyset *set,
                          struct writer *data)
{
    wr_u8(data, p->kvn);
    for (size_t i = 0; i < p->count; i++) {
        struct keyset_key *key = key_place(set, (uint8_t)(p->kid + i));
        uint16_t sw = key ? key_take(dek, &p->keys[i], key) : SW_NO_MEMORY;
        if (sw != SW_OK)
            return sw;
        wr_bytes(data, p->keys[i].kcv);
    }
    return SW_OK;
}

static uint16_t keys_store(struct card *card, const struct sd_target *t, uint8_t old_kvn, const struct keyset *set)
{
    struct isdp *isdp = registry_by_slot(card, t->slot);
    enum err err = ERR_NONE;
    card_begin(card);
    if (old_kvn != 0 && old_kvn != set->kvn)
        err = application_keyset_delete(card->objects, (uint8_t)t->slot, t->sd, old_kvn);
    if (err == ERR_NONE)
        err = application_keyset_put(card->objects, (uint8_t)t->slot, t->sd, set, 0);
    if (err == ERR_NONE && !isdp_in_bounds(card, isdp))
        err = ERR_NO_SPACE;
    if (err == ERR_NONE)
        return sw_of_err(card_commit(card));
    card_rollback(card);
    return sw_of_err(err);
}

/* The set the new keys go into: P1 names the one that is replaced, or 00. */
static uint16_t set_find(struct card *card, const struct sd_target *t, const struct put_key *p, struct keyset *ret)
{
    struct objects *o = card->objects;
    struct keyset other = { 0 };
    bool there = application_keyset_get(o, (uint8_t)t->slot, t->sd, p->kvn, &other) == ERR_NONE;
    wipe(&other, sizeof other);
    if (!kvn_is_scp80(p->kvn) && !kvn_is_scp81(p->kvn))
        return SW_WRONG_DATA;
    if (there && p->replaces != p->kvn)
        return SW_WRONG_DATA;
    if (p->replaces && application_keyset_get(o, (uint8_t)t->slot, t->sd, p->replaces, ret) != ERR_NONE)
        return SW_NOT_FOUND;
    ret->kvn = p->kvn;
    return SW_OK;
}

uint16_t mnosd_put_key(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data)
{
    struct put_key p;
    struct keyset carrier = { 0 }, set = { 0 };
    const struct keyset_key *dek;
    if (put_key_parse(c, &p) != ERR_NONE || p.kid == 0 || p.kid + p.count > 0x80)
        return SW_WRONG_DATA;
    uint16_t sw = dek_find(card, s, &carrier, &dek) == ERR_NONE ? SW_OK : SW_CONDITIONS;
    if (sw == SW_OK)
        sw = set_find(card, &s->target, &p, &set);
    if (sw == SW_OK)
        sw = keys_take(dek, &p, &set, data);
    if (sw == SW_OK)
        sw = keys_store(card, &s->target, p.replaces, &set);
    wipe(&carrier, sizeof carrier);
    wipe(&set, sizeof set);
    return sw;
}

/* D2: a whole set, not the one that carries the command. */
uint16_t mnosd_delete(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data)
{
    struct span kvn;
    (void)data;
    if (c->p1 != 0 || c->p2 != 0)
        return SW_WRONG_P1P2;
    if (!tlv_find(c->data, 0xD2, &kvn) || kvn.len != 1)
        return SW_NOT_FOUND; /* there is nothing else to delete in here */
    if (kvn.ptr[0] == s->kvn)
        return SW_CONDITIONS;
    card_begin(card);
    enum err err = application_keyset_delete(card->objects, (uint8_t)s->target.slot, s->target.sd, kvn.ptr[0]);
    if (err == ERR_NONE)
        return sw_of_err(card_commit(card));
    card_rollback(card);
    return sw_of_err(err);
}
