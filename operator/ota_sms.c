#include "ota_sms.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/io/tcp.h"
#include "lib/wire/smpp.h"

#define CONNECT_TIMEOUT_MS 5000u

struct sending {
    struct op_session *s;
    struct tcp_conn *conn;
    struct smpp_session smpp;
    struct sms_reassembly reassembly;
    struct ota_sms *sms;
    const char *from;
    uint64_t again_ms;
    struct span parts[SMS_PARTS_MAX];
    size_t count, handed, answered;
    bool open, bound, failed, answer_came;
};

static uint64_t now_ms(const struct sending *d)
{
    struct clock *clock = loop_clock(d->s->loop);
    return clock->now_ms(clock);
}

static void fail(struct sending *d, const char *what, const char *why)
{
    if (!d->failed)
        snprintf(d->s->detail, sizeof d->s->detail, "%s: %s", what, why);
    d->failed = true;
}

/* ---- out */

static void hand_over(struct sending *d)
{
    while (d->bound && !d->failed && d->handed < d->count) {
        struct smpp_sm sm = { .from = { 1, 1, "" },
                              .to = { 1, 1, "" },
                              .esm_class = SMPP_ESM_UDHI,
                              .pid = SMS_PID_USIM_DOWNLOAD,
                              .dcs = SMS_DCS_CLASS2_8BIT,
                              .message = d->parts[d->handed] };
        snprintf(sm.from.text, sizeof sm.from.text, "%s", d->from);
        snprintf(sm.to.text, sizeof sm.to.text, "%s", d->sms->msisdn);
        if (smpp_session_send(&d->smpp, now_ms(d), &sm, d->handed) != ERR_NONE)
            return;
        d->handed++;
        d->sms->left = true;
    }
}

/* The same octets once more, when the pause is over. */
static void again(struct sending *d)
{
    uint64_t pause_ms = (1000ull * d->sms->resend_s) << (d->sms->tries < 6 ? d->sms->tries : 6);
    if (!d->bound || d->sms->taken || d->handed < d->count || now_ms(d) < d->again_ms)
        return;
    d->again_ms = now_ms(d) + pause_ms;
    if (d->sms->tries++)
        d->handed = 0;
}

static void on_sent(void *context, uint64_t tag, uint32_t status, const char *message_id)
{
    struct sending *d = context;
    char why[40];
    (void)tag;
    (void)message_id;
    d->answered++;
    snprintf(why, sizeof why, "status %u", status);
    if (status != SMPP_OK)
        fail(d, "the SMSC refuses the message", why);
}

/* ---- in */

static void on_message(void *context, uint32_t sequence, const struct smpp_sm *sm)
{
    struct sending *d = context;
    bool complete = false;
    struct span packet;
    uint8_t iei;
    smpp_session_answer(&d->smpp, sequence, SMPP_OK, "");
    if (!(sm->esm_class & SMPP_ESM_UDHI) || (sm->esm_class & 0x3C) == SMPP_ESM_RECEIPT || strcmp(sm->from.text, d->sms->msisdn) != 0)
        return;
    if (sms_reassemble(&d->reassembly, sm->from.text, now_ms(d), sm->message, &complete, &packet, &iei) == ERR_NONE &&
        complete && iei == SMS_IEI_RESPONSE && d->sms->accept(d->sms->context, packet))
        d->answer_came = true;
}

static uint32_t on_bind(void *context, const struct smpp_pdu *pdu)
{
    struct sending *d = context;
    char why[40];
    snprintf(why, sizeof why, "status %u", pdu->status);
    d->bound = pdu->status == SMPP_OK;
    if (!d->bound)
        fail(d, "the SMSC does not let us in", why);
    return SMPP_OK;
}

static void on_bytes_out(void *context, struct span bytes)
{
    struct sending *d = context;
    if (d->conn && tcp_send(d->conn, bytes) != ERR_NONE)
        fail(d, "SMSC", "the connection does not take more");
}

static void on_end(void *context, const char *why) { fail(context, "the SMSC ends the session", why); }

static const struct smpp_events smpp_events = {
    .send = on_bytes_out, .on_bind = on_bind, .on_message = on_message, .on_answer = on_sent, .on_end = on_end
};

/* ---- the connection */

static void on_open(void *context, struct tcp_conn *conn)
{
    struct sending *d = context;
    const struct config *file = d->s->config.file;
    struct smpp_options o = { .bind_command = SMPP_BIND_TRANSCEIVER, .bind = { .version = 0x34 } };
    (void)conn;
    snprintf(o.bind.system_id, sizeof o.bind.system_id, "%s", config_text(file, "ota", "system_id"));
    snprintf(o.bind.password, sizeof o.bind.password, "%s", config_text(file, "ota", "password"));
    o.bind.range = (struct smpp_address){ .ton = 1, .npi = 1 };
    snprintf(o.bind.range.text, sizeof o.bind.range.text, "%s", d->from);
    d->open = true;
    smpp_session_start(&d->smpp, &o, &smpp_events, d, now_ms(d));
}

static size_t on_bytes(void *context, struct tcp_conn *conn, struct span in)
{
    struct sending *d = context;
    (void)conn;
    return smpp_session_input(&d->smpp, now_ms(d), in);
}

static void on_closed(void *context, struct tcp_conn *conn, enum err err, const char *why)
{
    struct sending *d = context;
    (void)conn;
    (void)err;
    d->conn = NULL;
    fail(d, "SMSC", why);
}

static const struct tcp_handler tcp_events = { .on_open = on_open, .on_bytes = on_bytes, .on_closed = on_closed };

/* The concatenation reference is made of the packet: parts of a repeat complete those of the first try. */
static uint8_t reference_of(struct span packet)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < packet.len; i++)
        sum = (uint8_t)(sum * 31 + packet.ptr[i]);
    return sum;
}

static bool prepare(struct sending *d, struct span packet)
{
    uint8_t *room = arena_alloc(&d->s->arena, SMS_PARTS_MAX * SMS_UD_MAX);
    struct writer w = wr_of(room, room ? SMS_PARTS_MAX * SMS_UD_MAX : 0);
    d->from = config_text(d->s->config.file, "ota", "from");
    if (!config_text(d->s->config.file, "ota", "smsc") || !d->from || !*d->from)
        fail(d, "[ota] of the configuration", "smsc and from are needed");
    else if (!room || sms_split(packet, SMS_IEI_COMMAND, reference_of(packet), &w, d->parts, &d->count) != ERR_NONE)
        fail(d, "the script", "too long for short messages");
    return !d->failed;
}

static bool open_connection(struct sending *d)
{
    char host[128];
    uint16_t port;
    if (config_address(d->s->config.file, "ota", "smsc", host, sizeof host, &port) == ERR_NONE)
        d->conn = tcp_connect(d->s->loop, host, port, CONNECT_TIMEOUT_MS, &tcp_events, d);
    if (!d->conn)
        fail(d, "[ota] smsc", "not an address that can be reached");
    return d->conn;
}

enum op_exit op_ota_sms(struct op_session *s, struct ota_sms *sms)
{
    bool over = false;
    struct sending *d = ARENA_NEW(&s->arena, struct sending);
    if (!d)
        return OP_LOCAL;
    *d = (struct sending){ .s = s, .sms = sms };
    if (!prepare(d, sms->packet))
        return OP_LOCAL;
    if (!open_connection(d))
        return OP_UNREACHABLE;
    for (uint64_t end = now_ms(d) + 1000ull * sms->wait_s; !over && !d->failed && !d->answer_came && now_ms(d) < end;) {
        loop_round(s->loop, 50);
        if (d->open)
            smpp_session_tick(&d->smpp, now_ms(d));
        again(d);
        hand_over(d);
        over = sms->over && sms->over(sms->context);
    }
    if (d->conn)
        tcp_conn_close(d->conn);
    op_session_drain(s); /* our last receipt: else the SMSC would bring the message again */
    if (d->answer_came || over)
        return OP_OK;
    if (!d->failed)
        snprintf(s->detail, sizeof s->detail, "no answer of the card within %u s, the packet left %u times: whether it was taken is not known",
                 sms->wait_s, sms->tries);
    return d->failed ? OP_UNREACHABLE : OP_NO_ANSWER;
}
