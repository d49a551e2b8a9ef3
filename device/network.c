#include "network_private.h"

#include <stdlib.h>

uint64_t network_now(const struct network *n) { return n->clock->now_ms(n->clock); }

/* ---- channels of the card: TCP, UDP ---- */

static void channel_on_open(void *context, struct tcp_conn *conn)
{
    struct network_channel *c = context;
    (void)conn;
    modem_channel_opened(c->network->modem, network_now(c->network), c->id, true);
}

static size_t channel_on_bytes(void *context, struct tcp_conn *conn, struct span in)
{
    struct network_channel *c = context;
    size_t taken;
    if (!modem_channel_data(c->network->modem, network_now(c->network), c->id, in, &taken) && c->conn == conn)
        tcp_conn_pause(conn, true); /* the card is slower: network_tick resumes */
    return taken;
}

static void channel_on_closed(void *context, struct tcp_conn *conn, enum err err, const char *why)
{
    struct network_channel *c = context;
    (void)conn;
    (void)err;
    c->conn = NULL;
    log_fact(c->network->log, LOG_INFO_, NULL, "channel %u is closed by the other side: %s", c->id, why ? why : "end");
    modem_channel_closed(c->network->modem, network_now(c->network), c->id);
}

static const struct tcp_handler channel_handler = { channel_on_open, channel_on_bytes, channel_on_closed, NULL };

static void channel_on_datagram(void *context, const struct udp_address *from, struct span datagram)
{
    struct network_channel *c = context;
    size_t taken;
    if (udp_address_eq(from, &c->peer))
        (void)modem_channel_data(c->network->modem, network_now(c->network), c->id, datagram, &taken);
}

/* Nobody answers: the channel is there as soon as the socket is. */
static bool open_udp(struct network *n, struct network_channel *c, const char *host, uint16_t port)
{
    enum err err = udp_address_of(host, port, &c->peer);
    if (err == ERR_NONE)
        c->udp = udp_open(n->loop, "0.0.0.0", 0, channel_on_datagram, c, &err);
    modem_channel_opened(n->modem, network_now(n), c->id, err == ERR_NONE);
    return err == ERR_NONE;
}

static void channel_open(void *context, unsigned id, enum modem_transport transport, const uint8_t ipv4[4],
                         uint16_t port)
{
    struct network *n = context;
    struct network_channel *c = &n->channels[id];
    char host[16];
    snprintf(host, sizeof host, "%u.%u.%u.%u", ipv4[0], ipv4[1], ipv4[2], ipv4[3]);
    log_fact(n->log, LOG_INFO_, NULL, "channel %u to %s:%u%s", id, host, port, transport == MODEM_UDP ? ", UDP" : "");
    if (transport == MODEM_UDP) {
        if (!open_udp(n, c, host, port))
            log_fact(n->log, LOG_WARN_, NULL, "channel %u has no socket", id);
        return;
    }
    c->conn = tcp_connect(n->loop, host, port, 0, &channel_handler, c);
    if (!c->conn)
        modem_channel_opened(n->modem, network_now(n), id, false);
}

static void channel_send(void *context, unsigned id, struct span bytes)
{
    struct network *n = context;
    if (n->channels[id].udp && udp_send(n->channels[id].udp, &n->channels[id].peer, bytes) != ERR_NONE)
        log_fact(n->log, LOG_DEBUG_, NULL, "channel %u lost a datagram", id);
    if (n->channels[id].conn && tcp_send(n->channels[id].conn, bytes) != ERR_NONE)
        log_fact(n->log, LOG_WARN_, NULL, "channel %u is stuck", id);
}

static void channel_close(void *context, unsigned id)
{
    struct network *n = context;
    if (n->channels[id].conn)
        tcp_conn_close(n->channels[id].conn);
    udp_close(n->channels[id].udp);
    n->channels[id].conn = NULL;
    n->channels[id].udp = NULL;
}

/* ---- the whole ---- */

static void resume_channels(struct network *n)
{
    for (unsigned id = 1; id <= MODEM_CHANNELS_MAX; id++)
        if (n->channels[id].conn)
            tcp_conn_pause(n->channels[id].conn, false);
}

static void tick(void *context)
{
    struct network *n = context;
    loop_timer_set(n->timer, NETWORK_RECONNECT_MS);
    hlr_tick(n);
    smsc_tick(n);
    resume_channels(n);
}

struct network *network_new(struct loop *loop, struct clock *clock, struct log *log, const struct network_config *config,
                            struct modem_lines *lines)
{
    struct network *n = calloc(1, sizeof *n);
    if (!n)
        return NULL;
    n->loop = loop;
    n->clock = clock;
    n->log = log;
    n->config = *config;
    n->timer = loop_timer_new(loop, tick, n);
    if (!n->timer) {
        free(n);
        return NULL;
    }
    for (unsigned id = 0; id <= MODEM_CHANNELS_MAX; id++)
        n->channels[id] = (struct network_channel){ .network = n, .id = id };
    lines->context = n;
    lines->send_auth_info = hlr_send_auth_info;
    lines->update_location = hlr_update_location;
    lines->registered = smsc_registered;
    lines->sms_submit = smsc_submit;
    lines->sms_taken = smsc_taken;
    lines->channel_open = channel_open;
    lines->channel_send = channel_send;
    lines->channel_close = channel_close;
    return n;
}

void network_use(struct network *n, struct modem *modem)
{
    n->modem = modem;
    tick(n);
}

void network_free(struct network *n)
{
    if (!n)
        return;
    loop_timer_free(n->timer);
    hlr_close(n);
    smsc_close(n);
    for (unsigned id = 1; id <= MODEM_CHANNELS_MAX; id++)
        channel_close(n, id);
    free(n);
}
