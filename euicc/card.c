#include "uicc/suspend.h"
#include "uicc/uicc.h"

/* F=512 D=32, T=0 and T=15 (clock stop, classes A B C, eUICC); historical octets: SELECT by full and partial AID,
 * EF.DIR, 20 logical channels, "SWUECC+" as label; TCK. */
static const uint8_t atr[] = { 0x3B, 0x9F, 0x96, 0x80, 0x3F, 0xC7, 0x82, 0x80, 0x31, 0xE0, 0x73, 0xFE,
                               0x21, 0x1F, 0x67, 0x53, 0x57, 0x45, 0x55, 0x49, 0x43, 0x43, 0x2B };

void *card_alloc(struct card *card, size_t len) { return arena_alloc(card->arena, len); }

void card_begin(struct card *card) { objects_begin(card->objects); }
enum err card_commit(struct card *card)
{
    if (objects_grow(card->objects) && !registry_keeps_promises(card)) {
        objects_rollback(card->objects);
        return ERR_NO_SPACE;
    }
    return objects_commit(card->objects);
}
void card_rollback(struct card *card) { objects_rollback(card->objects); }

/* ---- open ---- */

static enum err card_buffers(struct card *card)
{
    card->response = wr_arena(card->arena, CARD_RESPONSE_MAX);
    arena_init(&card->scratch, CARD_SCRATCH_SIZE);
    return card->response.err != ERR_NONE ? card->response.err : proactive_open(card);
}

/* Everything behind the object store, which is open. */
enum err card_start(struct card *card)
{
    enum err err = card_buffers(card);
    for (unsigned i = 0; i < CARD_CHANNELS; i++)
        card->channels[i] = (struct channel){ .number = (uint8_t)i, .df = FS_MF, .ef = FS_NONE, .adf = FS_NONE };
    for (const struct card_module *const *m = card_modules; *m && err == ERR_NONE; m++)
        if ((*m)->open)
            err = (*m)->open(card);
    return err;
}

/* The mark the factory left last is a secret: it opens only with the keystore that closed it. */
static enum err card_identity(struct card *card)
{
    uint8_t version;
    size_t len;
    enum err err = objects_read_secret(card->objects, OBJECT_KEY(0, OBJ_CARD, CARD_MANUFACTURED), &version, 1, &len);
    if (err == ERR_NONE)
        err = objects_get(card->objects, OBJECT_KEY(0, OBJ_CARD, CARD_EID), card->eid.octets, EID_LEN, &len);
    return err == ERR_VERIFY || err == ERR_CRYPTO ? ERR_DENIED : err;
}

void card_stop(struct card *card)
{
    for (const struct card_module *const *m = card_modules; *m; m++)
        if ((*m)->close)
            (*m)->close(card);
    fs_unmount(&card->fs);
    objects_close(card->objects);
    arena_release(&card->scratch);
    set_data_drop(card);
    wipe(card->response.buf, card->response.cap);
    wipe(card, sizeof *card);
}

enum err euicc_open(struct arena *arena, const struct env *env, struct euicc **ret)
{
    struct euicc *e = ARENA_NEW(arena, struct euicc);
    if (!e)
        return ERR_NO_MEMORY;
    e->card.env = *env;
    e->card.arena = arena;
    enum err err = objects_open(arena, env->nvm, env->keys, &e->card.objects);
    if (err == ERR_NONE)
        err = card_identity(&e->card);
    if (err == ERR_NONE)
        err = card_start(&e->card);
    if (err == ERR_NONE)
        *ret = e;
    else
        card_stop(&e->card);
    return err;
}

void euicc_close(struct euicc *euicc)
{
    if (euicc)
        card_stop(&euicc->card);
}

/* ---- reset ---- */

static void session_forget(struct card *card)
{
    for (unsigned i = 0; i < CARD_CHANNELS; i++) {
        struct channel *ch = &card->channels[i];
        if (ch->applet && ch->applet->deselect)
            ch->applet->deselect(card, ch);
        *ch = (struct channel){ .open = i == 0, .number = (uint8_t)i, .df = FS_MF, .ef = FS_NONE, .adf = FS_NONE };
        ch->tlv.ef = FS_NONE;
    }
    card->verified_count = 0;
    card->response.len = card->response_sent = 0;
    set_data_drop(card);
}

/* The enabled profile's files; without one the card's own few. */
static void files_present(struct card *card)
{
    const struct isdp *enabled = registry_enabled(card);
    card->profile = enabled ? (uint8_t)enabled->slot : 0;
    enum err err = fs_mount(&card->fs, card->objects, card->profile, &card->scratch);
    if (err == ERR_NONE)
        return;
    log_fact(card->env.log, LOG_ERROR_, NULL, "profile in slot %u cannot be read: %s", card->profile, err_text(err));
    card->profile = 0;
    if (fs_mount(&card->fs, card->objects, 0, &card->scratch) != ERR_NONE)
        fs_unmount(&card->fs);
}

void euicc_reset(struct euicc *euicc, struct writer *ret_atr)
{
    struct card *card = &euicc->card;
    session_forget(card);
    proactive_reset(card);
    suspension_find(card);
    for (const struct card_module *const *m = card_modules; *m; m++)
        if ((*m)->power_on)
            (*m)->power_on(card);
    files_present(card);
    if (ret_atr)
        wr_bytes(ret_atr, SPAN_OF(atr));
}

/* ---- time ---- */

uint64_t card_idle(struct card *card, uint64_t now_ms)
{
    uint64_t wake = EUICC_NO_WAKE;
    for (const struct card_module *const *m = card_modules; *m; m++) {
        uint64_t at = (*m)->idle ? (*m)->idle(card, now_ms) : EUICC_NO_WAKE;
        wake = at < wake ? at : wake;
    }
    return wake;
}

uint64_t euicc_idle(struct euicc *euicc, uint64_t now_ms)
{
    struct card *card = &euicc->card;
    uint64_t wake = card_idle(card, now_ms);
    proactive_pump(card);
    arena_release(&card->scratch);
    return wake;
}

bool euicc_has_proactive(const struct euicc *euicc) { return proactive_announced_len(&euicc->card) != 0; }

/* ---- files by path ---- */

static enum err read_file(const struct fs *fs, bool in_usim, struct span path, uint8_t *out, size_t cap,
                          size_t *ret_len)
{
    static const uint8_t usim[] = { 0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02 };
    struct fs_file f;
    fs_number top = in_usim ? fs_by_aid(fs, SPAN_OF(usim), 0) : FS_MF;
    fs_number number = top == FS_NONE ? FS_NONE : fs_by_path(fs, top, FS_NONE, path);
    if (number == FS_NONE || fs_stat(fs, number, &f) != ERR_NONE || fs_is_df(&f))
        return ERR_NOT_FOUND;
    size_t len = f.size < cap ? f.size : cap;
    enum err err = fs_read(fs, number, 0, out, len);
    if (err == ERR_NONE)
        *ret_len = len;
    return err;
}

enum err card_read_file(struct card *card, bool in_usim, struct span path, uint8_t *out, size_t cap, size_t *ret_len)
{
    return read_file(&card->fs, in_usim, path, out, cap, ret_len);
}

enum err card_read_profile_file(struct card *card, uint8_t slot, bool in_usim, struct span path, uint8_t *out,
                                size_t cap, size_t *ret_len)
{
    struct fs fs = { 0 };
    enum err err = fs_mount(&fs, card->objects, slot, NULL);
    if (err == ERR_NONE)
        err = read_file(&fs, in_usim, path, out, cap, ret_len);
    fs_unmount(&fs);
    return err;
}
