#include "node_device.h"
#include "prepaid.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t now_of(const struct sim_device *d) { return d->network->world ? world_now(d->network->world) : 0; }

static void wake(struct sim_device *d);
static bool lives(const struct sim_device *d) { return d->on && !d->dying; }
#define SMS_AWAKE_MS 2000u /* what a short message costs a device in waking time */
#define BOOK(d, field, n) ((d)->account ? (d)->account->field += (n) : 0)

/* ---- the home network ---- */

struct sim_subscriber *sim_network_add(struct sim_network *n, const char *imsi, const char *msisdn)
{
    if (n->subscriber_count == n->subscriber_cap) {
        n->subscriber_cap = n->subscriber_cap ? 2 * n->subscriber_cap : 64;
        n->subscribers = realloc(n->subscribers, n->subscriber_cap * sizeof *n->subscribers);
        if (!n->subscribers)
            abort();
    }
    struct sim_subscriber *s = &n->subscribers[n->subscriber_count++];
    memset(s, 0, sizeof *s);
    snprintf(s->imsi, sizeof s->imsi, "%s", imsi);
    snprintf(s->msisdn, sizeof s->msisdn, "%s", msisdn);
    s->allowance = UINT64_MAX;
    s->auc.amf[0] = 0x80;
    s->auc.sqn = AUC_SQN_STEP;
    return s;
}

struct sim_subscriber *sim_network_subscriber(struct sim_network *n, const char *imsi)
{
    for (size_t i = 0; i < n->subscriber_count; i++)
        if (!strcmp(n->subscribers[i].imsi, imsi))
            return &n->subscribers[i];
    return NULL;
}

static void auth_info_asked(void *context, uint64_t argument, struct span request)
{
    struct sim_device *d = context;
    struct gsup_vector vector = { 0 };
    if (!lives(d) || argument != d->generation_of_power)
        return;
    struct sim_subscriber *s = sim_network_subscriber(d->network, modem_imsi(d->modem));
    bool ok = s && (request.len != 30 || auc_resynchronise(&s->auc, request.ptr, request.ptr + 16) == ERR_NONE) &&
              auc_vector(&s->auc, &world_chance(d->network->world)->seam, &vector) == ERR_NONE;
    modem_auth_info(d->modem, now_of(d), ok ? &vector : NULL, GSUP_CAUSE_IMSI_UNKNOWN);
    wake(d);
}

static void send_auth_info(void *context, const char *imsi, const uint8_t *rand, const uint8_t *auts)
{
    struct sim_device *d = context;
    uint8_t request[30];
    (void)imsi;
    if (!lives(d))
        return;
    if (auts) {
        memcpy(request, rand, 16);
        memcpy(request + 16, auts, 14);
    }
    world_carry(d->network->world, "auth-info", &d->network->air, (struct span){ request, auts ? 30 : 0 }, auth_info_asked,
                d, d->generation_of_power);
}

static void location_asked(void *context, uint64_t argument, struct span request)
{
    struct sim_device *d = context;
    if (!lives(d) || argument != d->generation_of_power)
        return;
    struct sim_subscriber *s = sim_network_subscriber(d->network, modem_imsi(d->modem));
    bool ok = s && !s->refused;
    (void)request;
    world_arrow(d->network->world, d->number, "device", "network", "attach with %s: %s", modem_imsi(d->modem), ok ? "accepted" : "refused");
    modem_location_updated(d->modem, now_of(d), ok, ok ? s->msisdn : NULL, GSUP_CAUSE_PLMN_NOT_ALLOWED);
    wake(d);
}

static void update_location(void *context, const char *imsi)
{
    struct sim_device *d = context;
    if (!lives(d))
        return;
    world_carry(d->network->world, "location", &d->network->air, span_text(imsi), location_asked, d, d->generation_of_power);
}

static void registered(void *context, const char *imsi, const char *msisdn)
{
    struct sim_device *d = context;
    if (!d->dying)
        snprintf(d->msisdn, sizeof d->msisdn, "%s", imsi ? msisdn : "");
}

/* ---- short messages ---- */

/* The octets on the link: sender, NUL, user data. The centre keeps what the server cannot take now. */
#define CENTRE_RETRY_MS 20000u
#define CENTRE_TRIES    50u

static void mo_arrived(void *context, uint64_t argument, struct span message)
{
    static const struct weather later = { .delay_min_ms = CENTRE_RETRY_MS, .delay_max_ms = CENTRE_RETRY_MS + 1000 };
    struct sim_network *n = context;
    const char *from = (const char *)message.ptr;
    size_t len = strnlen(from, message.len);
    if (len < message.len && !n->server_sms(n->server, from, span_from(message, len + 1)) && argument < CENTRE_TRIES)
        world_carry(n->world, "sms-mo", &later, message, mo_arrived, n, argument + 1);
}

static void mo_accepted(void *context, uint64_t argument, struct span nothing)
{
    struct sim_device *d = context;
    (void)nothing;
    if (!lives(d) || argument != d->generation_of_power)
        return;
    modem_sms_sent(d->modem, now_of(d), true);
    wake(d);
}

/* The centre takes it in any case; what is lost is lost behind it. */
static void sms_submit(void *context, const struct sms_submit *sms)
{
    struct sim_device *d = context;
    struct sim_network *n = d->network;
    WRITER_ON_STACK(message, SIM_NUMBER_MAX + 1 + SMS_UD_MAX);
    if (!lives(d))
        return;
    wr_bytes(&message, (struct span){ (const uint8_t *)d->msisdn, strlen(d->msisdn) + 1 });
    wr_bytes(&message, sms->ud);
    BOOK(d, sms_up, 1);
    BOOK(d, awake_ms, SMS_AWAKE_MS);
    world_arrow(n->world, d->number, "device", "sm-sr", "short message of %zu octets", sms->ud.len);
    if (!strcmp(sms->to.text, n->server_number) && message.err == ERR_NONE)
        world_carry(n->world, "sms-mo", &n->sms_up, wr_span(&message), mo_arrived, n, 0);
    world_carry(n->world, "sms-accepted", &n->air, SPAN_NONE, mo_accepted, d, d->generation_of_power);
}

static void mt_arrived(void *context, uint64_t argument, struct span user_data)
{
    struct sim_device *d = context;
    struct sms_deliver deliver = { .udhi = true, .pid = SMS_PID_USIM_DOWNLOAD, .dcs = SMS_DCS_CLASS2_8BIT, .ud = user_data };
    WRITER_ON_STACK(tpdu, SMS_TPDU_MAX);
    (void)argument;
    sms_scts(now_of(d), deliver.scts);
    if (!lives(d) || sms_address_of(d->network->server_number, &deliver.from) != ERR_NONE)
        return;
    wr_sms_deliver(&tpdu, &deliver);
    if (tpdu.err != ERR_NONE || !d->msisdn[0])
        return; /* lost: the sender tries again */
    BOOK(d, sms_down, 1);
    BOOK(d, awake_ms, SMS_AWAKE_MS);
    world_arrow(d->network->world, d->number, "sm-sr", "device", "short message of %zu octets", user_data.len);
    if (modem_sms_deliver(d->modem, now_of(d), wr_span(&tpdu), 0) == ERR_NONE)
        wake(d);
}

void sim_network_sms(struct sim_network *n, const char *to, struct span user_data)
{
    while (*to == '+')
        to++;
    for (size_t i = 0; i < n->device_count; i++)
        if (!strcmp(n->devices[i]->msisdn, to)) {
            world_carry(n->world, "sms-mt", &n->sms_down, user_data, mt_arrived, n->devices[i], 0);
            return;
        }
}

static void sms_taken(void *context, uint64_t tag, bool ok)
{
    (void)context;
    (void)tag;
    (void)ok;
}
/* ---- channels: octets arrive in their order ---- */

static struct weather in_order(struct sim_device *d, uint64_t *last)
{
    const struct weather *air = &d->network->air;
    const struct faults *f = d->network->faults;
    uint64_t now = now_of(d);
    uint64_t at = now + air->delay_min_ms + chance_below(world_fate(d->network->world), air->delay_max_ms - air->delay_min_ms + 1);
    if (at < *last)
        at = *last;
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
    wake(c->device);
}

/* Later: the caller may stand inside a session. */
static bool is_cut(struct sim_channel *c, size_t octets)
{
    struct sim_network *n = c->device->network;
    if (!n->faults)
        return false;
    bool drawn = chance_permille(world_fate(n->world), n->faults->tcp_cut_permille);
    bool paid = prepaid_spend(c->device, octets);
    if (!strike_now(world_strikes(n->world), STRIKE_TCP_CUT) && !drawn && paid)
        return false;
    n->counts->cuts++;
    clockwork_plan(world_time(n->world), now_of(c->device), cut, c, c->generation);
    return true;
}

static void opened(void *context, uint64_t generation, struct span nothing)
{
    struct sim_channel *c = context;
    (void)nothing;
    if (c->generation != generation || !lives(c->device))
        return;
    if (prepaid_spend(c->device, 0)) /* else the network opens none */
        c->session = c->device->network->server_connect(c->device->network->server, c);
    BOOK(c->device, sessions, 1);
    world_arrow(c->device->network->world, c->device->number, "device", "sm-sr", "connection %s", c->session ? "opened" : "refused");
    modem_channel_opened(c->device->modem, now_of(c->device), c->id, c->session != NULL);
    wake(c->device);
}

/* ---- datagrams: each for itself */

static void datagram_up(void *context, uint64_t generation, struct span datagram)
{
    struct sim_channel *c = context;
    struct sim_network *n = c->device->network;
    if (c->generation == generation && n->server_datagram)
        n->server_datagram(n->server, &(struct sim_address){ c->device->number, c->id, c->generation }, datagram);
}

static void datagram_send(struct sim_channel *c, struct span datagram)
{
    struct sim_device *d = c->device;
    if (!prepaid_spend(d, datagram.len))
        return; /* the network carries nothing any more */
    BOOK(d, octets_up, datagram.len);
    world_arrow(d->network->world, d->number, "device", "sm-sr", "datagram of %zu octets", datagram.len);
    world_carry(d->network->world, "udp-up", &d->network->datagrams, datagram, datagram_up, c, c->generation);
}

static void datagram_down(void *context, uint64_t generation, struct span datagram)
{
    struct sim_channel *c = context;
    size_t taken;
    if (c->generation != generation || !lives(c->device))
        return;
    modem_channel_data(c->device->modem, now_of(c->device), c->id, datagram, &taken);
    wake(c->device);
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
        world_carry(n->world, "udp-down", &n->datagrams, datagram, datagram_down, c, c->generation);
    }
}

static void datagrams_open(void *context, uint64_t generation, struct span nothing)
{
    struct sim_channel *c = context;
    (void)nothing;
    if (c->generation != generation || !lives(c->device))
        return;
    modem_channel_opened(c->device->modem, now_of(c->device), c->id, true);
    wake(c->device);
}

static void channel_open(void *context, unsigned id, enum modem_transport transport, const uint8_t ipv4[4],
                         uint16_t port)
{
    struct sim_device *d = context;
    struct sim_channel *c = &d->channels[id];
    uint8_t where[6] = { ipv4[0], ipv4[1], ipv4[2], ipv4[3], (uint8_t)(port >> 8), (uint8_t)port };
    if (!lives(d))
        return;
    *c = (struct sim_channel){ .device = d, .id = id, .generation = ++d->generation, .opened_ms = now_of(d) };
    c->udp = transport == MODEM_UDP;
    if (c->udp) {
        world_carry(d->network->world, "udp-open", &d->network->air, SPAN_OF(where), datagrams_open, c, c->generation);
        return;
    }
    world_carry(d->network->world, "tcp-open", &d->network->air, SPAN_OF(where), opened, c, c->generation);
}

static void up(void *context, uint64_t generation, struct span bytes)
{
    struct sim_channel *c = context;
    if (c->generation == generation && c->session)
        c->device->network->server_bytes(c->session, bytes);
}

static void channel_send(void *context, unsigned id, struct span bytes)
{
    struct sim_device *d = context;
    struct sim_channel *c = &d->channels[id];
    if (lives(d) && c->udp)
        datagram_send(c, bytes);
    if (!lives(d) || c->udp || is_cut(c, bytes.len))
        return;
    struct weather weather = in_order(d, &c->up_at);
    BOOK(d, octets_up, bytes.len);
    world_arrow(d->network->world, d->number, "device", "sm-sr", "%zu octets", bytes.len);
    world_carry(d->network->world, "tcp-up", &weather, bytes, up, c, c->generation);
}

static void down(void *context, uint64_t generation, struct span bytes)
{
    struct sim_channel *c = context;
    size_t taken;
    if (c->generation != generation || !lives(c->device))
        return;
    modem_channel_data(c->device->modem, now_of(c->device), c->id, bytes, &taken);
    wake(c->device);
}

void sim_channel_send(void *connection, struct span bytes)
{
    struct sim_channel *c = connection;
    if (is_cut(c, bytes.len))
        return;
    struct weather weather = in_order(c->device, &c->down_at);
    BOOK(c->device, octets_down, bytes.len);
    world_arrow(c->device->network->world, c->device->number, "sm-sr", "device", "%zu octets", bytes.len);
    world_carry(c->device->network->world, "tcp-down", &weather, bytes, down, c, c->generation);
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
    wake(c->device);
}

void sim_channel_close(void *connection)
{
    struct sim_channel *c = connection;
    struct weather weather = in_order(c->device, &c->down_at);
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

static void channel_close(void *context, unsigned id)
{
    struct sim_device *d = context;
    if (lives(d))
        drop(&d->channels[id]);
}

/* ---- the device ---- */

static void power_off(void *context, uint64_t argument);

/* What the card says from here on nobody hears. */
static void fails(struct sim_device *d, const char *how)
{
    d->dying = true;
    d->network->counts->torn++;
    world_arrow(d->network->world, d->number, "device", "", "%s", how);
    clockwork_plan(world_time(d->network->world), now_of(d), power_off, d, d->generation_of_power);
}

static void watch_power(struct sim_device *d)
{
    if (!d->dying && d->memory.written >= d->memory.cut_at)
        fails(d, "power fails in the middle of a write");
}

static void slot_reset(void *context, struct writer *atr)
{
    struct sim_device *d = context;
    euicc_reset(d->card, atr);
    watch_power(d);
}

static void slot_transmit(void *context, struct span command, struct writer *answer)
{
    struct sim_device *d = context;
    size_t before = answer->len;
    if (d->on && !d->dying && strike_now(world_strikes(d->network->world), STRIKE_CARD_OFF))
        fails(d, "power fails in front of a command");
    if (d->dying)
        return;
    euicc_transmit(d->card, command, answer);
    watch_power(d);
    if (d->dying)
        answer->len = before;
}

static uint64_t slot_idle(void *context, uint64_t now_ms)
{
    struct sim_device *d = context;
    if (d->dying)
        return EUICC_NO_WAKE;
    uint64_t next = euicc_idle(d->card, now_ms);
    watch_power(d);
    return next;
}

static bool slot_has_proactive(void *context)
{
    struct sim_device *d = context;
    return !d->dying && euicc_has_proactive(d->card);
}

static void tick(void *context, uint64_t argument)
{
    (void)argument;
    wake(context);
}

static void wake(struct sim_device *d)
{
    if (!lives(d))
        return;
    uint64_t now = now_of(d), next = modem_tick(d->modem, now);
    d->waker.seam.wake_at(&d->waker.seam, next > now ? next : now + 1);
}

static void fact(void *context, enum log_level level, const char *text)
{
    struct sim_device *d = context;
    world_arrow(d->network->world, d->number, "device", "", "%s", text);
    log_fact(world_log(d->network->world), level == LOG_WARN_ ? LOG_INFO_ : LOG_DEBUG_, modem_imsi(d->modem), "%s", text);
}

static bool open_card(struct sim_device *d)
{
    struct env env = { .clock = &world_time(d->network->world)->seam, .rng = &world_chance(d->network->world)->seam,
                       .nvm = &d->memory.nvm, .log = world_log(d->network->world) };
    arena_init(&d->arena, 4 * EUICC_ARENA_SIZE);
    return euicc_open(&d->arena, &env, &d->card) == ERR_NONE;
}

static void close_card(struct sim_device *d)
{
    euicc_close(d->card);
    d->card = NULL;
    arena_release(&d->arena);
}

static bool new_modem(struct sim_device *d)
{
    struct modem_config config = { .poll_s = 60, .attach_retry_s = 60, .mcc_mnc = { 0x00, 0xF1, 0x10 } };
    struct modem_slot slot = { d, slot_reset, slot_transmit, slot_idle, slot_has_proactive };
    struct modem_lines lines = { d, send_auth_info, update_location, registered, sms_submit, sms_taken, channel_open,
                                 channel_send, channel_close, { d, NULL, fact, NULL } };
    memcpy(config.imei, d->imei, sizeof config.imei);
    d->modem = modem_new(&config, &slot, &lines);
    return d->modem != NULL;
}

struct sim_device *sim_device_new(struct sim_network *n, struct nvm_memory *memory, const char *imei)
{
    struct sim_device *d = calloc(1, sizeof *d);
    if (!d)
        abort();
    d->network = n;
    d->memory = *memory;
    snprintf(d->imei, sizeof d->imei, "%s", imei);
    waker_init(&d->waker, world_time(n->world), tick, d);
    for (unsigned i = 0; i <= MODEM_CHANNELS_MAX; i++)
        d->channels[i].device = d;
    if (!new_modem(d) || !open_card(d)) {
        sim_device_free(d);
        return NULL;
    }
    close_card(d); /* until it has power */
    if (n->device_count == n->device_cap) {
        n->device_cap = n->device_cap ? 2 * n->device_cap : 64;
        n->devices = realloc(n->devices, n->device_cap * sizeof *n->devices);
        if (!n->devices)
            abort();
    }
    d->number = (int)n->device_count;
    n->devices[n->device_count++] = d;
    return d;
}

static void power_on(void *context, uint64_t argument)
{
    struct sim_device *d = context;
    if (d->on || argument != d->generation_of_power || d->broken)
        return;
    nvm_memory_power_on(&d->memory);
    if (!d->card && !open_card(d)) {
        d->broken = true; /* the judge will say it */
        return;
    }
    d->on = true;
    modem_power_on(d->modem, now_of(d));
    wake(d);
}

void sim_device_power_on(struct sim_device *d)
{
    clockwork_plan(world_time(d->network->world), now_of(d), power_on, d, d->generation_of_power);
}

/* Card and modem forget all that is not in memory. */
static void power_off(void *context, uint64_t argument)
{
    struct sim_device *d = context;
    if (!d->on || argument != d->generation_of_power)
        return;
    d->on = d->dying = false;
    d->generation_of_power++;
    d->msisdn[0] = 0;
    for (unsigned i = 0; i <= MODEM_CHANNELS_MAX; i++)
        drop(&d->channels[i]);
    modem_free(d->modem);
    close_card(d);
    if (!new_modem(d))
        abort();
    clockwork_plan(world_time(d->network->world), now_of(d) + 1000 + chance_below(world_fate(d->network->world), 120000), power_on,
                   d, d->generation_of_power);
}

void sim_device_cut(struct sim_device *d)
{
    if (!lives(d))
        return;
    world_arrow(d->network->world, d->number, "device", "", "power is lost");
    power_off(d, d->generation_of_power);
}

/* ---- troubles ---- */

static const struct device_faults *troubles_of(const struct sim_device *d)
{
    return d->network->faults ? &d->network->faults->device : NULL;
}

static void again(struct sim_device *d, uint32_t every_ms, plan_task *task)
{
    if (every_ms)
        clockwork_plan(world_time(d->network->world), now_of(d) + 1 + chance_below(world_fate(d->network->world), 2 * every_ms), task,
                       d, 0);
}

static void trouble_reset(void *context, uint64_t argument)
{
    struct sim_device *d = context;
    const struct device_faults *f = troubles_of(d);
    (void)argument;
    if (!f)
        return;
    d->network->counts->resets++;
    sim_device_cut(d);
    again(d, f->reset_every_ms, trouble_reset);
}

static void trouble_torn(void *context, uint64_t argument)
{
    struct sim_device *d = context;
    const struct device_faults *f = troubles_of(d);
    (void)argument;
    if (!f)
        return;
    if (lives(d))
        nvm_memory_cut_after(&d->memory, 1 + chance_below(world_fate(d->network->world), f->torn_octets));
    again(d, f->torn_every_ms, trouble_torn);
}

static void coverage_back(void *context, uint64_t silence)
{
    struct sim_device *d = context;
    if (d->silence != silence)
        return;
    if (lives(d)) {
        modem_coverage(d->modem, now_of(d), true);
        wake(d);
    }
}

void sim_device_silence(struct sim_device *d, uint64_t until_ms)
{
    d->network->counts->silences++;
    if (lives(d)) {
        modem_coverage(d->modem, now_of(d), false);
        wake(d);
    }
    clockwork_plan(world_time(d->network->world), until_ms, coverage_back, d, ++d->silence);
}

static void trouble_silence(void *context, uint64_t argument)
{
    struct sim_device *d = context;
    const struct device_faults *f = troubles_of(d);
    (void)argument;
    if (!f)
        return;
    sim_device_silence(d, now_of(d) + 1 + chance_below(world_fate(d->network->world), f->silence_max_ms));
    again(d, f->silence_every_ms, trouble_silence);
}

void sim_device_troubles(struct sim_device *d)
{
    const struct device_faults *f = troubles_of(d);
    if (!f)
        return;
    again(d, f->reset_every_ms, trouble_reset);
    again(d, f->torn_every_ms, trouble_torn);
    again(d, f->silence_every_ms, trouble_silence);
    const struct strikes *s = world_strikes(d->network->world);
    d->written_before = d->memory.written;
    if (s->kind == STRIKE_CARD_TORN)
        nvm_memory_cut_after(&d->memory, s->at);
}

void sim_device_calm(struct sim_device *d)
{
    struct strikes *s = world_strikes(d->network->world);
    if (!s->struck)
        s->places[STRIKE_CARD_TORN] += (uint32_t)(d->memory.written - d->written_before);
    nvm_memory_power_on(&d->memory);
    coverage_back(d, d->silence);
}

void sim_device_free(struct sim_device *d)
{
    if (!d)
        return;
    modem_free(d->modem);
    close_card(d);
    nvm_memory_done(&d->memory);
    free(d);
}
