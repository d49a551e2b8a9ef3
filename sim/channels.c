#include "device_private.h"

/* ---- streams: octets arrive in their order ---- */

static struct weather in_order(struct sim_device *d, uint64_t *last, size_t octets)
{
    struct weather air = roaming_air(d, &d->network->air);
    const struct faults *f = d->network->faults;
    uint64_t now = now_of(d);
    uint64_t at = now + air.delay_min_ms + chance_below(world_fate(d->network->world), air.delay_max_ms - air.delay_min_ms + 1);
    if (at < *last)
        at = *last;
    at += roaming_octets_ms(d, octets);
    *last = at;
    return (struct weather){ .corrupt_permille = f ? f->tcp_corrupt_permille : 0, .delay_min_ms = (uint32_t)(at - now),
                             .delay_max_ms = (uint32_t)(at - now) };
}

static void book_channel(struct sim_channel *c)
{
    if (c->opened_ms)
        BOOK(c->device, awake_ms, now_of(c->device) - c->opened_ms);
    c->opened_ms = 0;
}

/* Both ends lose it. */
static void cut(void *context, uint64_t generation)
{
    struct sim_channel *c = context;
    void *session = c->session;
    if (c->generation != generation || !generation)
        return;
    world_arrow(c->device->network->world, c->device->number, "device", "", "connection lost");
    book_channel(c);
    c->session = NULL;
    c->generation = 0;
    if (session)
        c->device->network->server_lost(session);
    if (!lives(c->device))
        return;
    modem_channel_closed(c->device->modem, now_of(c->device), c->id);
    device_wake(c->device);
}

/* Later: the caller may stand inside a session. */
static bool is_cut(struct sim_channel *c, size_t octets)
{
    struct sim_network *n = c->device->network;
    if (!n->faults)
        return false;
    bool drawn = chance_permille(world_fate(n->world), n->faults->tcp_cut_permille);
    bool paid = prepaid_spend(c->device, octets);
    bool aimed = steps_aimed(world_steps(n->world), FAULT_TCP_CUT, c->device->number, NULL);
    if (!strike_now(world_strikes(n->world), STRIKE_TCP_CUT) && !drawn && paid && !aimed)
        return false;
    if (paid && !world_lets(n->world))
        return false;
    steps_struck(world_steps(n->world), FAULT_TCP_CUT, c->device->number, NULL);
    n->counts->cuts++;
    clockwork_plan(world_time(n->world), now_of(c->device), cut, c, c->generation);
    return true;
}

static void *connect_to(struct sim_channel *c)
{
    struct sim_network *n = c->device->network;
    return c->server >= 0 ? n->server_connect(n->servers[c->server].node, c) : NULL;
}

static void opened(void *context, uint64_t generation, struct span nothing)
{
    struct sim_channel *c = context;
    (void)nothing;
    if (c->generation != generation || !lives(c->device))
        return;
    c->device->network->asked++;
    if (!hostile_mutes(c->device) && prepaid_spend(c->device, 0)) /* else the network opens none */
        c->session = connect_to(c);
    BOOK(c->device, sessions, 1);
    world_arrow(c->device->network->world, c->device->number, "device", "sm-sr", "connection %s", c->session ? "opened" : "refused");
    modem_channel_opened(c->device->modem, now_of(c->device), c->id, c->session != NULL);
    device_wake(c->device);
}

/* ---- datagrams: each for itself */

static void datagram_up(void *context, uint64_t generation, struct span datagram)
{
    struct sim_channel *c = context;
    struct sim_network *n = c->device->network;
    if (c->generation == generation && c->server >= 0)
        n->server_datagram(n->servers[c->server].node, &(struct sim_address){ c->device->number, c->id, c->generation }, datagram);
}

static void datagram_send(struct sim_channel *c, struct span datagram)
{
    struct sim_device *d = c->device;
    if (!prepaid_spend(d, datagram.len))
        return; /* the network carries nothing any more */
    BOOK(d, octets_up, datagram.len);
    world_arrow(d->network->world, d->number, "device", "sm-sr", "datagram of %zu octets", datagram.len);
    struct weather air = roaming_air(d, &d->network->datagrams);
    world_carry(d->network->world, "udp-up", &air, datagram, datagram_up, c, c->generation);
}

static void datagram_down(void *context, uint64_t generation, struct span datagram)
{
    struct sim_channel *c = context;
    size_t taken;
    if (c->generation != generation || !lives(c->device))
        return;
    modem_channel_data(c->device->modem, now_of(c->device), c->id, datagram, &taken);
    device_wake(c->device);
}

void sim_network_datagram(struct sim_network *n, const struct sim_address *to, struct span datagram)
{
    for (size_t i = 0; i < n->device_count; i++) {
        struct sim_device *d = n->devices[i];
        struct sim_channel *c = &d->channels[to->channel % ARRAY_LEN(d->channels)];
        if (d->number != to->device || !c->udp || c->generation != to->generation ||
            !prepaid_spend(d, datagram.len))
            continue;
        BOOK(d, octets_down, datagram.len);
        world_arrow(n->world, d->number, "sm-sr", "device", "datagram of %zu octets", datagram.len);
        struct weather air = roaming_air(d, &n->datagrams);
        world_carry(n->world, "udp-down", &air, datagram, datagram_down, c, c->generation);
    }
}

static void datagrams_open(void *context, uint64_t generation, struct span nothing)
{
    struct sim_channel *c = context;
    (void)nothing;
    if (c->generation != generation || !lives(c->device))
        return;
    modem_channel_opened(c->device->modem, now_of(c->device), c->id, true);
    device_wake(c->device);
}

static int server_at(const struct sim_network *n, const uint8_t ipv4[4])
{
    for (unsigned i = 0; i < n->server_count; i++)
        if (!memcmp(n->servers[i].ipv4, ipv4, 4))
            return (int)i;
    return -1;
}

void channel_open(void *context, unsigned id, enum modem_transport transport, const uint8_t ipv4[4],
                         uint16_t port)
{
    struct sim_device *d = context;
    struct sim_channel *c = &d->channels[id];
    uint8_t where[6] = { ipv4[0], ipv4[1], ipv4[2], ipv4[3], (uint8_t)(port >> 8), (uint8_t)port };
    if (!lives(d))
        return;
    *c = (struct sim_channel){ .device = d, .id = id, .generation = ++d->generation, .opened_ms = now_of(d) };
    c->udp = transport == MODEM_UDP;
    c->server = server_at(d->network, ipv4);
    struct weather air = roaming_air(d, &d->network->air);
    world_carry(d->network->world, c->udp ? "udp-open" : "tcp-open", &air, SPAN_OF(where), c->udp ? datagrams_open : opened, c,
                c->generation);
}

static void up(void *context, uint64_t generation, struct span bytes)
{
    struct sim_channel *c = context;
    if (c->generation == generation && c->session)
        c->device->network->server_bytes(c->session, bytes);
}

void channel_send(void *context, unsigned id, struct span bytes)
{
    struct sim_device *d = context;
    struct sim_channel *c = &d->channels[id];
    if (lives(d) && c->udp)
        datagram_send(c, bytes);
    if (!lives(d) || c->udp || is_cut(c, bytes.len))
        return;
    struct weather weather = in_order(d, &c->up_at, bytes.len);
    BOOK(d, octets_up, bytes.len);
    world_arrow(d->network->world, d->number, "device", "sm-sr", "%zu octets", bytes.len);
    world_carry_card(d->network->world, d->number, "tcp-up", &weather, bytes, up, c, c->generation);
}

static void down(void *context, uint64_t generation, struct span bytes)
{
    struct sim_channel *c = context;
    size_t taken;
    if (c->generation != generation || !lives(c->device))
        return;
    modem_channel_data(c->device->modem, now_of(c->device), c->id, bytes, &taken);
    device_wake(c->device);
}

void sim_channel_send(void *connection, struct span bytes)
{
    struct sim_channel *c = connection;
    if (is_cut(c, bytes.len))
        return;
    struct weather weather = in_order(c->device, &c->down_at, bytes.len);
    BOOK(c->device, octets_down, bytes.len);
    world_arrow(c->device->network->world, c->device->number, "sm-sr", "device", "%zu octets", bytes.len);
    world_carry_card(c->device->network->world, c->device->number, "tcp-down", &weather, bytes, down, c, c->generation);
}

static void closed(void *context, uint64_t generation, struct span nothing)
{
    struct sim_channel *c = context;
    (void)nothing;
    if (c->generation != generation)
        return;
    book_channel(c);
    c->generation = 0;
    if (!lives(c->device))
        return;
    modem_channel_closed(c->device->modem, now_of(c->device), c->id);
    device_wake(c->device);
}

void sim_channel_close(void *connection)
{
    struct sim_channel *c = connection;
    struct weather weather = in_order(c->device, &c->down_at, 0);
    weather.corrupt_permille = 0;
    c->session = NULL;
    world_carry(c->device->network->world, "tcp-close", &weather, SPAN_NONE, closed, c, c->generation);
}

static void drop(struct sim_channel *c)
{
    void *session = c->session;
    book_channel(c);
    c->session = NULL;
    c->generation = 0;
    if (session)
        c->device->network->server_lost(session);
}

void channel_close(void *context, unsigned id)
{
    struct sim_device *d = context;
    if (lives(d))
        drop(&d->channels[id]);
}

void channels_drop(struct sim_device *d)
{
    for (unsigned i = 0; i <= MODEM_CHANNELS_MAX; i++)
        drop(&d->channels[i]);
}
