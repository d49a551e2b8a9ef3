/* The device at the SMSC: bound as a transceiver with the MSISDN of the subscription it is attached with. */
#include "network_private.h"

static void close_session(struct network *n)
{
    if (n->smsc.up)
        smpp_session_lost(&n->smsc.session);
    n->smsc.up = false;
}

static void send_bytes(void *context, struct span bytes)
{
    struct network *n = context;
    if (n->smsc.conn && tcp_send(n->smsc.conn, bytes) != ERR_NONE)
        log_fact(n->log, LOG_WARN_, NULL, "the SMSC's connection is stuck");
}

static void try_send(struct network *n)
{
    if (!n->smsc.waiting || n->smsc.sent || !n->smsc.up || n->smsc.session.state != SMPP_S_BOUND)
        return;
    snprintf(n->smsc.sm.from.text, sizeof n->smsc.sm.from.text, "%s", n->smsc.msisdn);
    n->smsc.sent = smpp_session_send(&n->smsc.session, network_now(n), &n->smsc.sm, 1) == ERR_NONE;
}

static uint32_t on_bind(void *context, const struct smpp_pdu *pdu)
{
    struct network *n = context;
    if (pdu->status != SMPP_OK)
        log_fact(n->log, LOG_WARN_, NULL, "the SMSC refuses the bind of %s: status %02X", n->smsc.msisdn, pdu->status);
    else
        log_fact(n->log, LOG_INFO_, NULL, "bound at the SMSC as %s", n->smsc.msisdn);
    try_send(n);
    return SMPP_OK;
}

/* SMPP carries seven-bit text a character an octet, TPDUs carry it packed. */
static bool is_text(bool udhi, uint8_t dcs) { return !udhi && sms_is_septets(dcs); }

static void on_message(void *context, uint32_t sequence, const struct smpp_sm *sm)
{
    struct network *n = context;
    WRITER_ON_STACK(tpdu, SMS_TPDU_MAX);
    WRITER_ON_STACK(packed, SMS_UD_MAX);
    struct sms_deliver deliver = { .udhi = (sm->esm_class & SMPP_ESM_UDHI) != 0, .pid = sm->pid, .dcs = sm->dcs, .ud = sm->message };
    sms_scts(network_now(n), deliver.scts);
    if (is_text(deliver.udhi, deliver.dcs)) {
        wr_sms_packed(&packed, sm->message);
        deliver.ud = wr_span(&packed);
    }
    enum err err = packed.err == ERR_NONE ? sms_address_of(sm->from.text, &deliver.from) : ERR_TOO_LONG;
    if (err == ERR_NONE) {
        wr_sms_deliver(&tpdu, &deliver);
        err = tpdu.err;
    }
    if (err == ERR_NONE)
        err = modem_sms_deliver(n->modem, network_now(n), wr_span(&tpdu), sequence);
    if (err != ERR_NONE) {
        log_fact(n->log, LOG_WARN_, NULL, "a short message cannot be handed to the card: %s", err_text(err));
        smpp_session_answer(&n->smsc.session, sequence, err == ERR_BUSY ? SMPP_TEMPORARY_ERROR : SMPP_PERMANENT_ERROR, NULL);
    }
}

void smsc_taken(void *context, uint64_t tag, bool ok)
{
    struct network *n = context;
    if (n->smsc.up)
        smpp_session_answer(&n->smsc.session, (uint32_t)tag, ok ? SMPP_OK : SMPP_TEMPORARY_ERROR, NULL);
}

static void sms_over(struct network *n, bool ok)
{
    if (!n->smsc.waiting)
        return;
    n->smsc.waiting = n->smsc.sent = false;
    modem_sms_sent(n->modem, network_now(n), ok);
}

static void on_answer(void *context, uint64_t tag, uint32_t status, const char *message_id)
{
    struct network *n = context;
    (void)tag;
    (void)message_id;
    if (status == SMPP_UNKNOWN_ERROR) {
        n->smsc.sent = false; /* nobody knows whether it arrived: it goes again, receivers drop repeats */
        return;
    }
    if (status != SMPP_OK)
        log_fact(n->log, LOG_WARN_, NULL, "the SMSC refuses a short message: status %02X", status);
    sms_over(n, status == SMPP_OK);
}

static void on_end(void *context, const char *why)
{
    struct network *n = context;
    log_fact(n->log, LOG_INFO_, NULL, "the session with the SMSC ends: %s", why);
    n->smsc.up = n->smsc.sent = false;
    if (n->smsc.conn)
        tcp_conn_close(n->smsc.conn);
    n->smsc.conn = NULL;
}

static const struct smpp_events events = { send_bytes, on_bind, on_message, on_answer, NULL, on_end };

static void on_open(void *context, struct tcp_conn *conn)
{
    struct network *n = context;
    struct smpp_options options = { .bind_command = SMPP_BIND_TRANSCEIVER };
    (void)conn;
    options.bind.version = 0x34;
    memcpy(options.bind.system_id, n->config.system_id, sizeof options.bind.system_id);
    memcpy(options.bind.password, n->config.password, sizeof options.bind.password);
    options.bind.range = (struct smpp_address){ .ton = 1, .npi = 1 };
    snprintf(options.bind.range.text, sizeof options.bind.range.text, "%s", n->smsc.msisdn);
    n->smsc.up = true;
    smpp_session_start(&n->smsc.session, &options, &events, n, network_now(n));
}

static size_t on_bytes(void *context, struct tcp_conn *conn, struct span in)
{
    struct network *n = context;
    (void)conn;
    return n->smsc.up ? smpp_session_input(&n->smsc.session, network_now(n), in) : in.len;
}

static void on_closed(void *context, struct tcp_conn *conn, enum err err, const char *why)
{
    struct network *n = context;
    (void)conn;
    (void)err;
    if (n->smsc.up)
        log_fact(n->log, LOG_WARN_, NULL, "the SMSC is gone: %s", why ? why : "closed");
    n->smsc.conn = NULL;
    n->smsc.sent = false;
    close_session(n);
}

static const struct tcp_handler handler = { on_open, on_bytes, on_closed, NULL };

void smsc_registered(void *context, const char *imsi, const char *msisdn)
{
    struct network *n = context;
    smsc_close(n);
    n->smsc.msisdn[0] = '\0';
    if (!imsi)
        return;
    snprintf(n->smsc.msisdn, sizeof n->smsc.msisdn, "%s", msisdn);
    if (!*msisdn)
        log_fact(n->log, LOG_WARN_, NULL, "IMSI %s has no MSISDN: no short messages", imsi);
    smsc_tick(n);
}

void smsc_submit(void *context, const struct sms_submit *sms)
{
    struct network *n = context;
    if (sms->ud.len > SMS_UD_MAX) {
        modem_sms_sent(n->modem, network_now(n), false);
        return;
    }
    n->smsc.sm = (struct smpp_sm){ .from = { .ton = 1, .npi = 1 }, .to = { .ton = sms->to.ton_npi == 0x91, .npi = 1 },
                                   .esm_class = sms->udhi ? SMPP_ESM_UDHI : 0, .pid = sms->pid, .dcs = sms->dcs };
    snprintf(n->smsc.sm.to.text, sizeof n->smsc.sm.to.text, "%s", sms->to.text);
    size_t len = sms->ud.len;
    if (is_text(sms->udhi, sms->dcs))
        len = sms_unpack(sms->ud, n->smsc.text);
    else
        memcpy(n->smsc.text, sms->ud.ptr, len);
    n->smsc.sm.message = (struct span){ n->smsc.text, len };
    n->smsc.waiting = true;
    n->smsc.sent = false;
    n->smsc.hold_until_ms = network_now(n) + NETWORK_SMS_HOLD_MS;
    try_send(n);
}

void smsc_tick(struct network *n)
{
    uint64_t now = network_now(n);
    if (n->smsc.msisdn[0] && !n->smsc.conn)
        n->smsc.conn = tcp_connect(n->loop, n->config.smsc_host, n->config.smsc_port, 0, &handler, n);
    if (n->smsc.up)
        smpp_session_tick(&n->smsc.session, now);
    try_send(n);
    if (n->smsc.waiting && now >= n->smsc.hold_until_ms)
        sms_over(n, false);
}

void smsc_close(struct network *n)
{
    if (n->smsc.conn)
        tcp_conn_close(n->smsc.conn);
    n->smsc.conn = NULL;
    close_session(n);
    sms_over(n, false);
}
