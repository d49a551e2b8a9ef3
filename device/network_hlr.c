/* The device as a VLR: SendAuthInfo and UpdateLocation over GSUP, to osprey-hlr or any other that speaks it. */
#include "network_private.h"

static void send_bytes(void *context, struct span bytes)
{
    struct network *n = context;
    if (n->hlr.conn && tcp_send(n->hlr.conn, bytes) != ERR_NONE)
        log_fact(n->log, LOG_WARN_, NULL, "the HLR's connection is stuck");
}

static void send_waiting(struct network *n)
{
    if (!n->hlr.has_waiting || !n->hlr.conn || !n->hlr.link.ready)
        return;
    if (gsup_link_send(&n->hlr.link, &n->hlr.waiting) == ERR_NONE)
        n->hlr.has_waiting = false;
}

static void on_ready(void *context) { send_waiting(context); }

static void acknowledge(struct network *n, const struct gsup_message *m, enum gsup_type type)
{
    struct gsup_message answer = { .type = type };
    memcpy(answer.imsi, m->imsi, sizeof answer.imsi);
    if (gsup_link_send(&n->hlr.link, &answer) != ERR_NONE)
        log_fact(n->log, LOG_WARN_, NULL, "%s cannot be sent", gsup_type_name(type));
}

static const char *number_of(struct network *n)
{
    if (n->hlr.msisdn[0] || !n->config.msisdn_of)
        return n->hlr.msisdn;
    const char *known = n->config.msisdn_of(n->config.context, n->hlr.imsi);
    return known ? known : "";
}

static void on_message(void *context, const struct gsup_message *m)
{
    struct network *n = context;
    uint64_t now = network_now(n);
    if (strcmp(m->imsi, n->hlr.imsi))
        return; /* an answer to an older question */
    switch (m->type) {
    case GSUP_AUTH_INFO_RESULT: modem_auth_info(n->modem, now, m->vector_count ? &m->vectors[0] : NULL, 0); break;
    case GSUP_AUTH_INFO_ERROR: modem_auth_info(n->modem, now, NULL, m->cause); break;
    case GSUP_INSERT_DATA_REQUEST:
        snprintf(n->hlr.msisdn, sizeof n->hlr.msisdn, "%s", m->msisdn);
        acknowledge(n, m, GSUP_INSERT_DATA_RESULT);
        break;
    case GSUP_UPDATE_LOCATION_RESULT: modem_location_updated(n->modem, now, true, number_of(n), 0); break;
    case GSUP_UPDATE_LOCATION_ERROR: modem_location_updated(n->modem, now, false, NULL, m->cause); break;
    case GSUP_CANCEL_REQUEST: acknowledge(n, m, GSUP_CANCEL_RESULT); break;
    default: break;
    }
}

static void on_open(void *context, struct tcp_conn *conn)
{
    struct network *n = context;
    (void)conn;
    gsup_link_start(&n->hlr.link);
}

static size_t on_bytes(void *context, struct tcp_conn *conn, struct span in)
{
    struct network *n = context;
    enum err err = ERR_NONE;
    size_t taken = gsup_link_input(&n->hlr.link, in, &err);
    if (err != ERR_NONE && n->hlr.conn == conn) {
        log_fact(n->log, LOG_WARN_, NULL, "the HLR does not speak GSUP: %s", err_text(err));
        hlr_close(n);
    }
    return taken;
}

static void on_closed(void *context, struct tcp_conn *conn, enum err err, const char *why)
{
    struct network *n = context;
    (void)conn;
    (void)err;
    if (n->hlr.link.ready)
        log_fact(n->log, LOG_WARN_, NULL, "the HLR is gone: %s", why ? why : "closed");
    n->hlr.conn = NULL;
    n->hlr.link.ready = false;
}

static const struct tcp_handler handler = { on_open, on_bytes, on_closed, NULL };

static void connect_hlr(struct network *n)
{
    n->hlr.link = (struct gsup_link){ .send = send_bytes, .on_ready = on_ready, .on_message = on_message, .context = n };
    memcpy(n->hlr.link.name, n->config.name, sizeof n->hlr.link.name);
    n->hlr.conn = tcp_connect(n->loop, n->config.hlr_host, n->config.hlr_port, 0, &handler, n);
}

static void ask(struct network *n, const struct gsup_message *m)
{
    n->hlr.waiting = *m;
    n->hlr.has_waiting = true;
    memcpy(n->hlr.imsi, m->imsi, sizeof n->hlr.imsi);
    send_waiting(n);
}

void hlr_send_auth_info(void *context, const char *imsi, const uint8_t *rand, const uint8_t *auts)
{
    struct gsup_message m = { .type = GSUP_AUTH_INFO_REQUEST, .domain = GSUP_DOMAIN_CS, .resync = auts != NULL };
    struct network *n = context;
    snprintf(m.imsi, sizeof m.imsi, "%s", imsi);
    n->hlr.msisdn[0] = '\0';
    if (auts) {
        memcpy(m.rand, rand, sizeof m.rand);
        memcpy(m.auts, auts, sizeof m.auts);
    }
    ask(n, &m);
}

void hlr_update_location(void *context, const char *imsi)
{
    struct gsup_message m = { .type = GSUP_UPDATE_LOCATION_REQUEST, .domain = GSUP_DOMAIN_CS };
    snprintf(m.imsi, sizeof m.imsi, "%s", imsi);
    ask(context, &m);
}

void hlr_tick(struct network *n)
{
    if (!n->hlr.conn)
        connect_hlr(n);
    send_waiting(n);
}

void hlr_close(struct network *n)
{
    if (n->hlr.conn)
        tcp_conn_close(n->hlr.conn);
    n->hlr.conn = NULL;
    n->hlr.link.ready = false;
}
