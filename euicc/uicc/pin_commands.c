#include "pin.h"
#include "uicc.h"

/* VERIFY … UNBLOCK PIN: TS 102 221 §11.1.9 … 11.1.13. A try is counted, durably, before the value is compared. */

/* ---- session ---- */

static struct verified_pin *verified_find(struct card *card, fs_number context, uint8_t reference)
{
    for (size_t i = 0; i < card->verified_count; i++)
        if (card->verified[i].context == context && card->verified[i].reference == reference)
            return &card->verified[i];
    return NULL;
}

static void verified_set(struct card *card, fs_number context, uint8_t reference)
{
    if (!verified_find(card, context, reference) && card->verified_count < CARD_VERIFIED_MAX)
        card->verified[card->verified_count++] = (struct verified_pin){ context, reference };
}

static void verified_clear(struct card *card, fs_number context, uint8_t reference)
{
    struct verified_pin *v = verified_find(card, context, reference);
    if (v)
        *v = card->verified[--card->verified_count];
}

static bool pin_of(struct card *card, fs_number df, uint8_t reference, fs_number *ret_context, struct pin *ret)
{
    *ret_context = pin_is_global(reference) ? FS_MF : pin_context(&card->fs, df, reference);
    return *ret_context != FS_NONE &&
           pin_get(card->objects, card->fs.profile, *ret_context, reference, ret) == ERR_NONE;
}

bool pin_satisfied(struct card *card, fs_number df, uint8_t reference)
{
    fs_number context = pin_context(&card->fs, df, reference);
    struct pin pin;
    if (context == FS_NONE)
        return false;
    if (verified_find(card, context, reference))
        return true;
    if (pin_is_adm(reference) || pin_get(card->objects, card->fs.profile, context, reference, &pin) != ERR_NONE)
        return false;
    wipe(pin.value, sizeof pin.value);
    if (pin.attributes & PIN_ENABLED)
        return false;
    return !pin.replaced || pin_satisfied(card, df, PIN_UNIVERSAL);
}

bool pin_is_enabled(struct card *card, fs_number df, uint8_t reference)
{
    fs_number context;
    struct pin pin;
    if (!pin_of(card, df, reference, &context, &pin))
        return false;
    wipe(pin.value, sizeof pin.value);
    return pin.attributes & PIN_ENABLED;
}

/* ---- one try ---- */

static enum err pin_store(struct card *card, fs_number context, const struct pin *pin)
{
    card_begin(card);
    enum err err = pin_put(card->objects, card->fs.profile, context, pin);
    if (err == ERR_NONE)
        return card_commit(card);
    card_rollback(card);
    return err;
}

static uint16_t tries_word(uint8_t left) { return left ? SW_TRIES_LEFT | left : SW_AUTHENTICATION_BLOCKED; }

/* Compares; on success the counter is full again (not yet stored), otherwise the status word says how many tries are
 * left. */
static uint16_t pin_try(struct card *card, fs_number context, struct pin *pin, struct span value)
{
    if (pin->tries_left == 0)
        return SW_AUTHENTICATION_BLOCKED;
    pin->tries_left--;
    if (pin_store(card, context, pin) != ERR_NONE)
        return SW_MEMORY_FAILURE;
    if (!span_eq_ct(SPAN_OF(pin->value), value)) {
        verified_clear(card, context, pin->reference);
        return SW_TRIES_LEFT | pin->tries_left;
    }
    pin->tries_left = pin->tries_max;
    return SW_OK;
}

static uint16_t pin_finish(struct card *card, fs_number context, const struct pin *pin)
{
    return pin_store(card, context, pin) == ERR_NONE ? SW_OK : SW_MEMORY_FAILURE;
}

/* The PIN a command names, for the channel's DF, behind the length of its data. */
static uint16_t pin_named(struct card *card, const struct command *cmd, size_t len, fs_number *ret_context,
                          struct pin *ret)
{
    if (cmd->apdu.data.len != len && cmd->apdu.data.len != 0)
        return SW_WRONG_LENGTH;
    return pin_of(card, cmd->channel->df, cmd->apdu.p2, ret_context, ret) ? SW_OK : SW_NOT_FOUND;
}

/* ---- commands ---- */

#define P1_REPLACED 0x80u /* DISABLE PIN: the universal PIN takes its place */

typedef uint16_t pin_action(struct card *card, const struct command *cmd, fs_number context, struct pin *pin);

static uint16_t pin_run(struct card *card, const struct command *cmd, size_t len, pin_action *action)
{
    fs_number context;
    struct pin pin;
    uint16_t sw = pin_named(card, cmd, len, &context, &pin);
    if (sw == SW_OK)
        sw = action(card, cmd, context, &pin);
    wipe(&pin, sizeof pin);
    return sw;
}

static uint16_t verify(struct card *card, const struct command *cmd, fs_number context, struct pin *pin)
{
    if (cmd->apdu.data.len == 0)
        return tries_word(pin->tries_left);
    if (!(pin->attributes & PIN_ENABLED) && !pin_is_adm(pin->reference))
        return SW_REFERENCE_DATA_INVALIDATED;
    uint16_t sw = pin_try(card, context, pin, cmd->apdu.data);
    if (sw == SW_OK)
        sw = pin_finish(card, context, pin);
    if (sw == SW_OK)
        verified_set(card, context, pin->reference);
    return sw;
}

static uint16_t change(struct card *card, const struct command *cmd, fs_number context, struct pin *pin)
{
    if (!(pin->attributes & PIN_ENABLED) && !pin_is_adm(pin->reference))
        return SW_REFERENCE_DATA_INVALIDATED;
    if (!(pin->attributes & PIN_CHANGEABLE))
        return SW_CONDITIONS;
    uint16_t sw = pin_try(card, context, pin, span_sub(cmd->apdu.data, 0, PIN_LEN));
    if (sw != SW_OK)
        return sw;
    memcpy(pin->value, cmd->apdu.data.ptr + PIN_LEN, PIN_LEN);
    sw = pin_finish(card, context, pin);
    if (sw == SW_OK)
        verified_set(card, context, pin->reference);
    return sw;
}

static uint16_t disable(struct card *card, const struct command *cmd, fs_number context, struct pin *pin)
{
    if (!(pin->attributes & PIN_ENABLED) || !(pin->attributes & PIN_SWITCHABLE) || pin_is_adm(pin->reference))
        return SW_CONDITIONS;
    bool replaced = cmd->apdu.p1 & P1_REPLACED;
    if (replaced && pin_context(&card->fs, context, PIN_UNIVERSAL) == FS_NONE)
        return SW_NOT_FOUND;
    uint16_t sw = pin_try(card, context, pin, cmd->apdu.data);
    if (sw != SW_OK)
        return sw;
    pin->attributes &= (uint8_t)~PIN_ENABLED;
    pin->replaced = replaced;
    return pin_finish(card, context, pin);
}

static uint16_t enable(struct card *card, const struct command *cmd, fs_number context, struct pin *pin)
{
    if ((pin->attributes & PIN_ENABLED) || !(pin->attributes & PIN_SWITCHABLE))
        return SW_CONDITIONS;
    uint16_t sw = pin_try(card, context, pin, cmd->apdu.data);
    if (sw != SW_OK)
        return sw;
    pin->attributes |= PIN_ENABLED;
    pin->replaced = false;
    sw = pin_finish(card, context, pin);
    if (sw == SW_OK)
        verified_set(card, context, pin->reference);
    return sw;
}

uint16_t uicc_verify(struct card *card, const struct command *cmd, struct writer *rsp)
{
    (void)rsp;
    return pin_run(card, cmd, PIN_LEN, verify);
}

/* These need their data: VERIFY alone asks with none. */
static uint16_t with_data(struct card *card, const struct command *cmd, size_t len, pin_action *action)
{
    return cmd->apdu.data.len == len ? pin_run(card, cmd, len, action) : SW_WRONG_LENGTH;
}

uint16_t uicc_change_pin(struct card *card, const struct command *cmd, struct writer *rsp)
{
    (void)rsp;
    return with_data(card, cmd, 2 * PIN_LEN, change);
}

uint16_t uicc_disable_pin(struct card *card, const struct command *cmd, struct writer *rsp)
{
    (void)rsp;
    return cmd->apdu.p1 & (uint8_t)~P1_REPLACED ? SW_WRONG_P1P2 : with_data(card, cmd, PIN_LEN, disable);
}

uint16_t uicc_enable_pin(struct card *card, const struct command *cmd, struct writer *rsp)
{
    (void)rsp;
    return with_data(card, cmd, PIN_LEN, enable);
}

/* ---- UNBLOCK PIN ---- */

static enum err puk_store(struct card *card, const struct puk *puk)
{
    card_begin(card);
    enum err err = puk_put(card->objects, card->fs.profile, puk);
    if (err == ERR_NONE)
        return card_commit(card);
    card_rollback(card);
    return err;
}

static uint16_t puk_try(struct card *card, struct puk *puk, struct span value)
{
    if (puk->tries_left == 0)
        return SW_AUTHENTICATION_BLOCKED;
    puk->tries_left--;
    if (puk_store(card, puk) != ERR_NONE)
        return SW_MEMORY_FAILURE;
    if (!span_eq_ct(SPAN_OF(puk->value), value))
        return SW_TRIES_LEFT | puk->tries_left;
    puk->tries_left = puk->tries_max;
    return SW_OK;
}

/* The counters of both and the new value, at once. */
static uint16_t unblock_store(struct card *card, fs_number context, const struct pin *pin, const struct puk *puk)
{
    card_begin(card);
    enum err err = puk_put(card->objects, card->fs.profile, puk);
    if (err == ERR_NONE)
        err = pin_put(card->objects, card->fs.profile, context, pin);
    if (err != ERR_NONE) {
        card_rollback(card);
        return SW_MEMORY_FAILURE;
    }
    return card_commit(card) == ERR_NONE ? SW_OK : SW_MEMORY_FAILURE;
}

static uint16_t unblock_with(struct card *card, const struct command *cmd, fs_number context, struct pin *pin,
                             struct puk *puk)
{
    if (cmd->apdu.data.len == 0)
        return tries_word(puk->tries_left);
    uint16_t sw = puk_try(card, puk, span_sub(cmd->apdu.data, 0, PIN_LEN));
    if (sw != SW_OK)
        return sw;
    memcpy(pin->value, cmd->apdu.data.ptr + PIN_LEN, PIN_LEN);
    pin->tries_left = pin->tries_max;
    pin->attributes |= PIN_ENABLED; /* [?] of a disabled one too */
    pin->replaced = false;
    sw = unblock_store(card, context, pin, puk);
    if (sw == SW_OK)
        verified_set(card, context, pin->reference);
    return sw;
}

static uint16_t unblock(struct card *card, const struct command *cmd, fs_number context, struct pin *pin)
{
    struct puk puk;
    if (pin->puk == PIN_NO_UNBLOCK || puk_get(card->objects, card->fs.profile, pin->puk, &puk) != ERR_NONE)
        return SW_NOT_FOUND;
    uint16_t sw = unblock_with(card, cmd, context, pin, &puk);
    wipe(&puk, sizeof puk);
    return sw;
}

uint16_t uicc_unblock_pin(struct card *card, const struct command *cmd, struct writer *rsp)
{
    (void)rsp;
    return pin_run(card, cmd, 2 * PIN_LEN, unblock);
}
