#include "notify.h"

#include "euicc/isdr/isdr.h"

static struct sms_out *out_of(struct card *card) { return &card->notify->sms; }

void sms_out_reset(struct card *card)
{
    struct sms_out *out = out_of(card);
    out->count = 0;
    out->sending = false;
    out->again_ms = UINT64_MAX;
}

/* The SMSC of the enabled profile's connectivity parameters: TON/NPI and digits; empty: the terminal's own. */
static struct span service_centre(struct card *card)
{
    const struct isdp *isdp = registry_enabled(card);
    struct span a0, number;
    if (isdp && tlv_find((struct span){ isdp->connectivity, isdp->connectivity_len }, 0xA0, &a0) &&
        tlv_find(a0, 0x06, &number))
        return number;
    return SPAN_NONE;
}

static void drop_first(struct card *card, bool failed)
{
    struct sms_out *out = out_of(card);
    enum sms_out_kind kind = (enum sms_out_kind)out->packets[0].kind;
    memmove(&out->packets[0], &out->packets[1], (out->count - 1) * sizeof out->packets[0]);
    out->count--;
    if (failed && kind == SMS_OUT_NOTIFICATION)
        switch_notification_failed(card);
}

static void send_part(struct card *card);

static void part_answered(struct card *card, void *context, const struct terminal_response *response)
{
    (void)context;
    struct sms_out *out = out_of(card);
    out->sending = false;
    if (response->end == PROACTIVE_RESET || out->count == 0)
        return;
    struct sms_out_packet *p = &out->packets[0];
    if (result_is_done(response->result)) {
        p->part++;
        p->tries = 0;
    } else if (++p->tries < SMS_OUT_TRIES) {
        out->again_ms = card_now_ms(card) + (uint64_t)card->isdr->timing.retry_wait_s * 1000u;
        return;
    } else {
        drop_first(card, true);
    }
    send_part(card);
}

static void submit_part(struct card *card, const struct sms_out_packet *p, struct span ud)
{
    struct sms_out *out = out_of(card);
    WRITER_ON_STACK(tpdu, SMS_TPDU_MAX);
    struct sms_submit m = {
        .udhi = true, .to = p->to, .pid = SMS_PID_USIM_DOWNLOAD, .dcs = SMS_DCS_CLASS2_8BIT, .ud = ud
    };
    wr_sms_submit(&tpdu, &m);
    enum err err = tpdu.err;
    if (err == ERR_NONE)
        err = proactive_send_sms(card, service_centre(card), wr_span(&tpdu), part_answered, NULL);
    out->sending = err == ERR_NONE;
    if (err == ERR_BUSY)
        out->again_ms = card_now_ms(card) + (uint64_t)card->isdr->timing.retry_wait_s * 1000u;
    else if (err != ERR_NONE)
        drop_first(card, true);
}

static void send_part(struct card *card)
{
    struct sms_out *out = out_of(card);
    out->again_ms = UINT64_MAX;
    while (out->count && !out->sending && out->again_ms == UINT64_MAX) {
        struct sms_out_packet *p = &out->packets[0];
        struct span parts[SMS_PARTS_MAX];
        size_t count;
        WRITER_ON_STACK(w, SMS_OUT_PACKET_MAX + SMS_PARTS_MAX * 8u);
        uint8_t iei = p->kind == SMS_OUT_POR ? SMS_IEI_RESPONSE : SMS_IEI_COMMAND;
        if (sms_split((struct span){ p->packet, p->len }, iei, p->reference, &w, parts, &count) != ERR_NONE)
            drop_first(card, true);
        else if (p->part >= count)
            drop_first(card, false);
        else
            submit_part(card, p, parts[p->part]);
    }
}

enum err sms_out_send(struct card *card, enum sms_out_kind kind, const struct sms_address *to, struct span packet)
{
    struct sms_out *out = out_of(card);
    if (out->count == SMS_OUT_MAX || packet.len > SMS_OUT_PACKET_MAX || packet.len == 0)
        return ERR_NO_SPACE;
    struct sms_out_packet *p = &out->packets[out->count++];
    *p = (struct sms_out_packet){ .kind = (uint8_t)kind, .reference = ++out->reference, .to = *to };
    p->len = (uint16_t)packet.len;
    memcpy(p->packet, packet.ptr, packet.len);
    if (out->count == 1)
        send_part(card);
    return ERR_NONE;
}

uint64_t sms_out_idle(struct card *card, uint64_t now_ms)
{
    if (out_of(card)->again_ms <= now_ms)
        send_part(card);
    return out_of(card)->again_ms;
}
