#include "uicc.h"

#include "lib/codec/ber_tlv.h"

/* ENVELOPE: 3GPP TS 31.111 §7, TS 102 223 §7; TERMINAL CAPABILITY: TS 102 221 §11.1.19. */

enum { ENVELOPE_SMS_PP = 0xD1, ENVELOPE_EVENT = 0xD6, ENVELOPE_TIMER = 0xD7 };

static uint16_t envelope_sms(struct card *card, struct span body, struct writer *rsp)
{
    struct span tpdu, service_centre = SPAN_NONE;
    uint16_t sw = SW_OK;
    if (!ctlv_find(body, 0x0B, &tpdu))
        return SW_WRONG_DATA;
    (void)ctlv_find(body, 0x06, &service_centre);
    for (const struct card_module *const *m = card_modules; *m; m++)
        if ((*m)->sms_pp && (*m)->sms_pp(card, service_centre, tpdu, rsp, &sw))
            return sw;
    return SW_OK; /* a short message for nobody here is accepted */
}

static uint16_t envelope_event(struct card *card, struct span body, struct writer *rsp)
{
    struct span event;
    (void)rsp;
    if (!ctlv_find(body, 0x19, &event) || event.len != 1)
        return SW_WRONG_DATA;
    for (const struct card_module *const *m = card_modules; *m; m++)
        if ((*m)->event)
            (*m)->event(card, (enum cat_event)event.ptr[0], body);
    return SW_OK;
}

static uint16_t envelope_timer(struct card *card, struct span body, struct writer *rsp)
{
    struct span id;
    (void)rsp;
    if (!ctlv_find(body, 0x24, &id) || id.len != 1)
        return SW_WRONG_DATA;
    for (const struct card_module *const *m = card_modules; *m; m++)
        if ((*m)->timer)
            (*m)->timer(card, id.ptr[0], body);
    return SW_OK;
}

uint16_t uicc_envelope(struct card *card, const struct command *cmd, struct writer *rsp)
{
    static const struct {
        uint32_t tag;
        uint16_t (*take)(struct card *card, struct span body, struct writer *rsp);
    } envelopes[] = { { ENVELOPE_SMS_PP, envelope_sms },
                      { ENVELOPE_EVENT, envelope_event },
                      { ENVELOPE_TIMER, envelope_timer } };
    struct reader r = rd_of(cmd->apdu.data);
    struct tlv t;
    if (!tlv_next(&r, &t) || !rd_at_end(&r))
        return SW_WRONG_DATA;
    for (size_t i = 0; i < ARRAY_LEN(envelopes); i++)
        if (envelopes[i].tag == t.tag)
            return envelopes[i].take(card, t.val, rsp);
    return SW_OK; /* menus, call control and the like concern nobody on this card */
}

/* Well formed is all that is asked: nothing here depends on the terminal's power or interfaces. */
uint16_t uicc_terminal_capability(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct reader r = rd_of(cmd->apdu.data), inside;
    struct tlv t, part;
    (void)card;
    (void)rsp;
    if (!tlv_next(&r, &t) || t.tag != 0xA9 || !rd_at_end(&r))
        return SW_WRONG_DATA;
    for (inside = rd_of(t.val); tlv_next(&inside, &part);)
        ;
    return inside.err == ERR_NONE ? SW_OK : SW_WRONG_DATA;
}
