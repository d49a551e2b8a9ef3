/* Secured packets in short messages, gathered from their parts. */
#include "sms.h"

#include "packet.h"

#include <stdlib.h>

void isdr_sms_forget(struct card *card)
{
    if (card->isdr->reassembly)
        wipe(card->isdr->reassembly, sizeof *card->isdr->reassembly);
    free(card->isdr->reassembly);
    card->isdr->reassembly = NULL;
}

/* Its memory lasts as long as a part waits for others. */
static void gathered_done(struct card *card)
{
    for (size_t i = 0; card->isdr->reassembly && i < SMS_REASSEMBLY_SLOTS; i++)
        if (card->isdr->reassembly->slots[i].used)
            return;
    isdr_sms_forget(card);
}

static void user_data_take(struct card *card, const struct sms_deliver *m, struct writer *rsp)
{
    struct packet_way way = { SCP80_SMS, &m->from, &card->isdr->sms, rsp };
    struct span packet;
    bool complete = false;
    uint8_t iei = 0;
    if (!card->isdr->reassembly)
        card->isdr->reassembly = calloc(1, sizeof *card->isdr->reassembly);
    if (!card->isdr->reassembly)
        return;
    enum err err =
        sms_reassemble(card->isdr->reassembly, m->from.text, card_now_ms(card), m->ud, &complete, &packet, &iei);
    if (err == ERR_NONE && complete && iei == SMS_IEI_COMMAND)
        isdr_packet_receive(card, packet, &way);
    gathered_done(card);
}

bool isdr_sms_pp(struct card *card, struct span service_centre, struct span tpdu, struct writer *rsp, uint16_t *ret_sw)
{
    (void)service_centre;
    struct sms_deliver m;
    if (sms_deliver_read(tpdu, &m) != ERR_NONE || !sms_is_usim_download(&m) || !m.udhi)
        return false;
    *ret_sw = SW_OK;
    user_data_take(card, &m, rsp);
    return true;
}
