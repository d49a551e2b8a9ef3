#include "uicc.h"

/* MANAGE CHANNEL: TS 102 221 §11.1.17. */

static uint16_t channel_open(struct card *card, const struct command *cmd, struct channel *ch)
{
    const struct channel *from = cmd->channel;
    uint8_t number = ch->number;
    *ch = (struct channel){ .open = true, .number = number, .df = FS_MF, .ef = FS_NONE, .adf = FS_NONE };
    ch->tlv.ef = FS_NONE;
    if (from->number != 0 && !from->applet) { /* from another than the basic channel: where that one is */
        ch->df = from->df;
        ch->adf = from->adf;
    }
    (void)card;
    return SW_OK;
}

static uint16_t open_any(struct card *card, const struct command *cmd, struct writer *rsp)
{
    if (cmd->apdu.le == 0)
        return SW_WRONG_LENGTH;
    for (uint8_t i = 1; i < CARD_CHANNELS; i++)
        if (!card->channels[i].open) {
            wr_u8(rsp, i);
            return channel_open(card, cmd, &card->channels[i]);
        }
    return SW_NO_FREE_CHANNEL;
}

static uint16_t open_given(struct card *card, const struct command *cmd, uint8_t number)
{
    if (number >= CARD_CHANNELS)
        return SW_WRONG_P1P2;
    if (card->channels[number].open)
        return SW_CHANNEL_UNSUPPORTED;
    return channel_open(card, cmd, &card->channels[number]);
}

static uint16_t channel_close(struct card *card, uint8_t number)
{
    if (number == 0 || number >= CARD_CHANNELS)
        return SW_WRONG_P1P2;
    struct channel *ch = &card->channels[number];
    if (!ch->open)
        return SW_CHANNEL_UNSUPPORTED;
    channel_deselect(card, ch);
    ch->open = false;
    return SW_OK;
}

uint16_t uicc_manage_channel(struct card *card, const struct command *cmd, struct writer *rsp)
{
    uint8_t p1 = cmd->apdu.p1, p2 = cmd->apdu.p2;
    if (p1 == 0x00)
        return p2 == 0 ? open_any(card, cmd, rsp) : open_given(card, cmd, p2);
    if (p1 == 0x80)
        return channel_close(card, p2 ? p2 : cmd->channel->number);
    return SW_WRONG_P1P2;
}
