/* ESx (SGP.02 v4): what the device itself may order, over the terminal's channel: the emergency profile and a test
 * profile on and off. POL1 is not asked; there is no roll-back. */
#include "isdr.h"
#include "lib/base/mutant.h"

/* [?] Codings, types of notification and status words, all here: DGI without a value in STORE DATA 88 00 to the ISD-R.
 * The notification's type is the switch's cause (06, 07); nobody is told of a test profile. */
static const struct local_function {
    uint16_t dgi;
    uint8_t attribute; /* of the profile it is about */
    bool enables;
} local_functions[] = {
    { ESX_ENABLE_EMERGENCY, ISDP_EMERGENCY, true },
    { ESX_DISABLE_EMERGENCY, ISDP_EMERGENCY, false },
    { ESX_ENABLE_TEST, ISDP_TEST, true },
    { ESX_DISABLE_TEST, ISDP_TEST, false },
};
#define LOCAL_P1          0x88u
#define LOCAL_SW_NO_SUCH  SW_NOT_FOUND       /* no profile has the attribute */
#define LOCAL_SW_NOT_NOW  SW_CONDITIONS      /* enabled already, not enabled, the other one is enabled, a switch runs */
#define LOCAL_SW_NOT_HERE SW_SECURITY_STATUS /* another function: only in a secure channel */

static const struct local_function *function_of(const struct capdu *c)
{
    struct reader r = rd_of(c->data);
    uint16_t dgi = rd_u16(&r);
    if (rd_u8(&r) != 0 || rd_finish(&r) != ERR_NONE || c->p1 != LOCAL_P1 || c->p2 != 0)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(local_functions); i++)
        if (local_functions[i].dgi == dgi)
            return &local_functions[i];
    return NULL;
}

/* Ours, not ESx: a switch by the rules that the enabled profile carries. */
static bool is_switch_order(const struct capdu *c, struct span *ret_value)
{
    struct reader r = rd_of(c->data);
    struct tlv dgi;
    bool good = c->p1 == LOCAL_P1 && c->p2 == 0 && dgi_next(&r, &dgi) && dgi.tag == ESX_SWITCH && rd_at_end(&r);
    if (good)
        *ret_value = dgi.val;
    return good;
}

/* Where disabling leads: back to where the device came from, else to the fall-back profile. */
static struct isdp *home_of(struct card *card)
{
    struct isdp *home = registry_by_slot(card, card->isdr->sw.state.home);
    return home && isdp_has_profile(home) ? home : registry_fallback(card);
}

static struct isdp *target_of(struct card *card, const struct local_function *f, struct isdp *subject)
{
    const struct isdp *enabled = registry_enabled(card);
    if (!f->enables)
        return subject->state == ISDP_ENABLED ? home_of(card) : NULL;
    bool local = enabled && enabled->attributes & ISDP_LOCAL && !MUTANT(tests_in_an_emergency);
    return subject->state == ISDP_DISABLED && !local ? subject : NULL;
}

uint16_t isdr_local_command(struct card *card, const struct command *cmd, struct writer *rsp)
{
    (void)rsp;
    struct span order;
    if (is_switch_order(&cmd->apdu, &order))
        return rules_order(card, order);
    const struct local_function *f = function_of(&cmd->apdu);
    if (!f)
        return MUTANT(obeys_the_device) ? SW_OK : LOCAL_SW_NOT_HERE;
    struct isdp *subject = registry_with(card, f->attribute);
    if (!subject)
        return LOCAL_SW_NO_SUCH;
    const struct isdp *target = switch_pending(card) ? NULL : target_of(card, f, subject);
    if (!target)
        return LOCAL_SW_NOT_NOW;
    enum err err = switch_now(card, f->enables ? SWITCH_LOCAL_ENABLE : SWITCH_LOCAL_DISABLE, target->slot);
    return err == ERR_STATE ? LOCAL_SW_NOT_NOW : sw_of_err(err);
}
