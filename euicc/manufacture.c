#include "uicc/uicc.h"

/* The factory: an empty image becomes a card. */

static enum err check_key_set(const struct euicc_key_set *set)
{
    if (set->key_count == 0 || set->key_count > EUICC_KEYS_PER_SET_MAX || set->counter >> 40 != 0)
        return ERR_BAD_VALUE;
    for (unsigned i = 0; i < set->key_count; i++)
        if (set->keys[i].len == 0 || set->keys[i].len > EUICC_KEY_LEN_MAX)
            return ERR_BAD_LENGTH;
    return ERR_NONE;
}

static enum err check_personalisation(const struct euicc_personalisation *p)
{
    struct eid eid;
    enum err err = eid_from_octets(eid_span(&p->eid), &eid);
    if (err != ERR_NONE)
        return err;
    if (p->ci_count > EUICC_CI_MAX || p->isdr_key_set_count > EUICC_KEY_SETS_MAX)
        return ERR_BAD_VALUE;
    for (size_t i = 0; i < p->isdr_key_set_count && err == ERR_NONE; i++)
        err = check_key_set(&p->isdr_keys[i]);
    return err;
}

/* What a terminal finds when no profile is enabled: an MF with an empty EF.DIR, readable by all. */
static enum err own_files(struct card *card)
{
    static const uint8_t read_always[] = { 0x80, 0x01, 0x01, 0x90, 0x00 };
    static const struct fs_file mf = { .parent = FS_NONE,
                                       .link = FS_NONE,
                                       .fid = FID_MF,
                                       .fdb = 0x78,
                                       .sfi = FS_NO_SFI,
                                       .arr_fid = FID_ARR_MF,
                                       .arr_record = 1 };
    static const struct fs_file arr = { .parent = FS_MF,
                                        .link = FS_NONE,
                                        .fid = FID_ARR_MF,
                                        .fdb = 0x42,
                                        .sfi = 0x06,
                                        .record_len = 16,
                                        .size = 16,
                                        .arr_fid = FID_ARR_MF,
                                        .arr_record = 1 };
    static const struct fs_file dir = { .parent = FS_MF,
                                        .link = FS_NONE,
                                        .fid = 0x2F00,
                                        .fdb = 0x42,
                                        .sfi = 0x1E,
                                        .record_len = 33,
                                        .size = 33,
                                        .arr_fid = FID_ARR_MF,
                                        .arr_record = 1 };
    fs_number number;
    enum err err = fs_mount(&card->fs, card->objects, 0, &card->scratch);
    if (err == ERR_NONE)
        err = fs_create(&card->fs, &mf, SPAN_NONE, &number);
    if (err == ERR_NONE)
        err = fs_create(&card->fs, &arr, SPAN_OF(read_always), &number);
    return err == ERR_NONE ? fs_create(&card->fs, &dir, SPAN_NONE, &number) : err;
}

static enum err factory_state(struct card *card, const struct euicc_personalisation *p, struct writer *response)
{
    static const uint8_t version[] = { 1 };
    enum err err = objects_put(card->objects, OBJECT_KEY(0, OBJ_CARD, CARD_EID), eid_span(&p->eid));
    if (err == ERR_NONE)
        err = own_files(card);
    for (const struct card_module *const *m = card_modules; *m && err == ERR_NONE; m++)
        if ((*m)->manufacture)
            err = (*m)->manufacture(card, p, response);
    if (err != ERR_NONE)
        return err;
    return objects_put_secret(card->objects, OBJECT_KEY(0, OBJ_CARD, CARD_MANUFACTURED), SPAN_OF(version));
}

static enum err manufacture(struct card *card, const struct euicc_personalisation *p, struct writer *response)
{
    enum err err = objects_format(card->arena, card->env.nvm, card->env.keys, p->eid.octets, &card->objects);
    if (err != ERR_NONE)
        return err;
    card->eid = p->eid;
    err = card_start(card);
    card_begin(card);
    if (err == ERR_NONE)
        err = factory_state(card, p, response);
    if (err == ERR_NONE)
        err = card_commit(card);
    else
        card_rollback(card);
    card_stop(card);
    return err;
}

enum err euicc_manufacture(const struct env *env, const struct euicc_personalisation *p, struct arena *scratch,
                           struct writer *ret_response)
{
    if (env->nvm->size < EUICC_NVM_MIN || env->nvm->size > EUICC_NVM_MAX)
        return ERR_BAD_LENGTH;
    enum err err = check_personalisation(p);
    if (err != ERR_NONE)
        return err;
    struct euicc *e = ARENA_NEW(scratch, struct euicc);
    if (!e)
        return ERR_NO_MEMORY;
    e->card.env = *env;
    e->card.arena = scratch;
    err = manufacture(&e->card, p, ret_response);
    arena_release(scratch);
    return err;
}
