#include "imsi.h"

#include "euicc/isdr/isdr.h"
#include "euicc/uicc/naa.h"

#define SUBSCRIPTION_MAX 96u  /* stored: EF.IMSI, algorithm, MNC digits, K, OPc */
#define RULES_MAX        (3u + MULTI_IMSI_MAX * (1u + 2u * MULTI_IMSI_COUNTRIES))
#define SQN_MAX          256u /* the object naa.c keeps; its octets are not looked at */

enum number { RULES = 0, ACTIVE = 1, SUBSCRIPTION = 0x100 /* + n, secret */, SQN = 0x200 /* + n: of one not in use */ };
#define IMSI_KEY(slot, number) OBJECT_KEY((slot), OBJ_IMSI, (number))

/* ---- stored ---- */

static enum err subscription_put(struct objects *store, uint8_t slot, unsigned n, const struct multi_imsi_entry *e)
{
    WRITER_ON_STACK(w, SUBSCRIPTION_MAX);
    wr_bytes(&w, e->imsi_ef);
    wr_u8(&w, e->algorithm);
    wr_u8(&w, e->mnc_digits);
    wr_u8(&w, (uint8_t)e->key.len);
    wr_bytes(&w, e->key);
    wr_u8(&w, (uint8_t)e->opc.len);
    wr_bytes(&w, e->opc);
    enum err err = w.err != ERR_NONE ? w.err : objects_put_secret(store, IMSI_KEY(slot, SUBSCRIPTION + n), wr_span(&w));
    wipe(w.buf, w.cap);
    return err;
}

enum err imsi_rules_put(struct objects *store, uint8_t slot, const struct multi_imsi *m)
{
    WRITER_ON_STACK(w, RULES_MAX);
    enum err err = ERR_NONE;
    wr_u16(&w, m->timer_s);
    wr_u8(&w, (uint8_t)m->count);
    for (unsigned i = 0; err == ERR_NONE && i < m->count; i++) {
        wr_u8(&w, (uint8_t)(m->entries[i].countries.len / 2));
        wr_bytes(&w, m->entries[i].countries);
        err = subscription_put(store, slot, i, &m->entries[i]);
    }
    if (err == ERR_NONE)
        err = w.err;
    return err == ERR_NONE ? objects_put(store, IMSI_KEY(slot, RULES), wr_span(&w)) : err;
}

enum err imsi_rules_get(const struct objects *store, uint8_t slot, struct imsi_rules *ret)
{
    uint8_t stored[RULES_MAX];
    size_t len;
    enum err err = objects_get(store, IMSI_KEY(slot, RULES), stored, sizeof stored, &len);
    if (err != ERR_NONE)
        return err;
    struct reader r = rd_of((struct span){ stored, len });
    struct imsi_rules rules = { .timer_s = rd_u16(&r) };
    rules.count = rd_u8(&r);
    if (rules.count > MULTI_IMSI_MAX)
        return ERR_BAD_VALUE;
    for (size_t i = 0; i < rules.count; i++) {
        struct imsi_rule *rule = &rules.rules[i];
        rule->country_count = rd_u8(&r);
        if (rule->country_count > MULTI_IMSI_COUNTRIES)
            return ERR_BAD_VALUE;
        for (size_t k = 0; k < rule->country_count; k++)
            rule->countries[k] = rd_u16(&r);
    }
    if (rd_finish(&r) == ERR_NONE)
        *ret = rules;
    return r.err;
}

struct subscription {
    uint8_t imsi_ef[MULTI_IMSI_EF_LEN], algorithm, mnc_digits, k_len, k[32], opc_len, opc[32];
};

static enum err subscription_get(struct card *card, unsigned n, struct subscription *ret)
{
    uint8_t stored[SUBSCRIPTION_MAX];
    size_t len;
    struct subscription s;
    enum err err =
        objects_read_secret(card->objects, IMSI_KEY(card->profile, SUBSCRIPTION + n), stored, sizeof stored, &len);
    if (err != ERR_NONE)
        return err;
    struct reader r = rd_of((struct span){ stored, len });
    rd_copy(&r, s.imsi_ef, sizeof s.imsi_ef);
    s.algorithm = rd_u8(&r);
    s.mnc_digits = rd_u8(&r);
    s.k_len = rd_u8(&r);
    if (s.k_len <= sizeof s.k)
        rd_copy(&r, s.k, s.k_len);
    s.opc_len = rd_u8(&r);
    if (s.opc_len <= sizeof s.opc)
        rd_copy(&r, s.opc, s.opc_len);
    if (rd_finish(&r) == ERR_NONE)
        *ret = s;
    wipe(stored, sizeof stored);
    wipe(&s, sizeof s);
    return r.err;
}

uint8_t imsi_active(struct card *card, const struct imsi_rules *rules)
{
    static const uint8_t path[] = { 0x6F, 0x07 };
    uint8_t active, ef[MULTI_IMSI_EF_LEN];
    size_t len = 0;
    if (objects_read(card->objects, IMSI_KEY(card->profile, ACTIVE), 0, &active, 1) == ERR_NONE)
        return active < rules->count ? active : IMSI_NONE;
    if (card_read_file(card, true, SPAN_OF(path), ef, sizeof ef, &len) != ERR_NONE || len != sizeof ef)
        return IMSI_NONE;
    for (uint8_t i = 0; i < rules->count; i++) {
        struct subscription s;
        if (subscription_get(card, i, &s) != ERR_NONE)
            continue;
        bool same = memcmp(s.imsi_ef, ef, sizeof ef) == 0;
        wipe(&s, sizeof s);
        if (same)
            return i;
    }
    return IMSI_NONE;
}

/* ---- changing ---- */

/* What a terminal wrote under the other IMSI: all FF, but these octets. */
static const struct left_over {
    uint16_t fid;
    uint8_t first, last;
} left_overs[] = {
    { 0x6F7E, 0xFF, 0x01 }, /* LOCI, PSLOCI, EPSLOCI: not updated */
    { 0x6F73, 0xFF, 0x01 },
    { 0x6FE3, 0xFF, 0x01 },
    { 0x6F7B, 0xFF, 0xFF }, /* FPLMN */
    { 0x6F08, 0x07, 0xFF }, /* Keys, KeysPS: no key */
    { 0x6F09, 0x07, 0xFF },
    { 0x6FE4, 0xFF, 0xFF }, /* EPSNSC */
};

static enum err left_over_clear(struct card *card, fs_number adf, const struct left_over *l)
{
    uint8_t content[256];
    struct fs_file f;
    fs_number number = fs_child(&card->fs, adf, l->fid);
    if (number == FS_NONE)
        return ERR_NONE;
    enum err err = fs_stat(&card->fs, number, &f);
    if (err != ERR_NONE || f.size == 0 || f.size > sizeof content)
        return err;
    memset(content, 0xFF, f.size);
    content[0] = l->first;
    content[f.size - 1] = l->last;
    return fs_write(&card->fs, number, 0, (struct span){ content, f.size });
}

static enum err files_change(struct card *card, fs_number adf, const struct subscription *s)
{
    fs_number imsi = fs_child(&card->fs, adf, 0x6F07), ad = fs_child(&card->fs, adf, 0x6FAD);
    enum err err = imsi == FS_NONE ? ERR_NOT_FOUND : fs_write(&card->fs, imsi, 0, SPAN_OF(s->imsi_ef));
    if (err == ERR_NONE && ad != FS_NONE)
        err = fs_write(&card->fs, ad, 3, (struct span){ &s->mnc_digits, 1 });
    for (size_t i = 0; err == ERR_NONE && i < ARRAY_LEN(left_overs); i++)
        err = left_over_clear(card, adf, &left_overs[i]);
    return err;
}

/* The keys; each IMSI's sequence numbers wait aside while another one is in use. */
static enum err keys_change(struct card *card, fs_number adf, const struct subscription *s, uint8_t from, uint8_t to)
{
    struct naa naa;
    uint8_t sqn[SQN_MAX];
    size_t len;
    object_key in_use = OBJECT_KEY(card->profile, OBJ_NAA_SQN, adf);
    enum err err = naa_get(card->objects, card->profile, adf, &naa);
    if (err == ERR_NONE && from != IMSI_NONE) {
        err = objects_get(card->objects, in_use, sqn, sizeof sqn, &len);
        if (err == ERR_NONE)
            err = objects_put(card->objects, IMSI_KEY(card->profile, SQN + from), (struct span){ sqn, len });
    }
    if (err == ERR_NONE) {
        naa.mapped_to = FS_NONE;
        naa.algorithm = s->algorithm;
        naa.k_len = s->k_len;
        naa.opc_len = s->opc_len;
        memcpy(naa.k, s->k, sizeof naa.k);
        memcpy(naa.opc, s->opc, sizeof naa.opc);
        memset(naa.r, 0, sizeof naa.r);
        memset(naa.c, 0, sizeof naa.c);
        naa.res_len = 0;
        err = naa_put(card->objects, card->profile, adf, &naa, NULL);
    }
    wipe(&naa, sizeof naa);
    if (err == ERR_NONE && objects_get(card->objects, IMSI_KEY(card->profile, SQN + to), sqn, sizeof sqn, &len) == ERR_NONE)
        err = objects_put(card->objects, in_use, (struct span){ sqn, len });
    return err;
}

static enum err registry_change(struct card *card, const struct subscription *s)
{
    struct isdp *isdp = registry_by_slot(card, card->profile);
    if (!isdp)
        return ERR_NOT_FOUND;
    memcpy(isdp->imsi, s->imsi_ef, sizeof isdp->imsi);
    return registry_store(card, isdp);
}

enum err imsi_change(struct card *card, uint8_t from, uint8_t to)
{
    static const uint8_t usim[] = { 0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02 };
    fs_number adf = fs_by_aid(&card->fs, SPAN_OF(usim), 0);
    struct subscription s;
    if (adf == FS_NONE)
        return ERR_NOT_FOUND;
    enum err err = subscription_get(card, to, &s);
    if (err != ERR_NONE)
        return err;
    card_begin(card);
    err = files_change(card, adf, &s);
    if (err == ERR_NONE)
        err = keys_change(card, adf, &s, from, to);
    if (err == ERR_NONE)
        err = registry_change(card, &s);
    if (err == ERR_NONE)
        err = objects_put(card->objects, IMSI_KEY(card->profile, ACTIVE), (struct span){ &to, 1 });
    wipe(&s, sizeof s);
    return isdr_change_end(card, err);
}
