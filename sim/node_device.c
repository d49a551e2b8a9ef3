#include "node_device.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t now_of(const struct sim_device *d) { return d->network->world ? world_now(d->network->world) : 0; }

static void wake(struct sim_device *d);

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
    s->auc.amf[0] = 0x80;
    s->auc.sqn = AUC_SQN_STEP;
    return s;
}

static struct sim_subscriber *subscriber(struct sim_network *n, const char *imsi)
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
    struct sim_subscriber *s = subscriber(d->network, modem_imsi(d->modem));
    (void)argument;
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
    if (auts) {
        memcpy(request, rand, 16);
        memcpy(request + 16, auts, 14);
    }
    world_carry(d->network->world, "auth-info", &d->network->air, (struct span){ request, auts ? 30 : 0 }, auth_info_asked,
                d, 0);
}

static void location_asked(void *context, uint64_t argument, struct span request)
{
    struct sim_device *d = context;
    struct sim_subscriber *s = subscriber(d->network, modem_imsi(d->modem));
    bool ok = s && !s->refused;
    (void)argument;
    (void)request;
    modem_location_updated(d->modem, now_of(d), ok, ok ? s->msisdn : NULL, GSUP_CAUSE_PLMN_NOT_ALLOWED);
    wake(d);
}

static void update_location(void *context, const char *imsi)
{
    struct sim_device *d = context;
    world_carry(d->network->world, "location", &d->network->air, span_text(imsi), location_asked, d, 0);
}

static void registered(void *context, const char *imsi, const char *msisdn)
{
    struct sim_device *d = context;
    snprintf(d->msisdn, sizeof d->msisdn, "%s", imsi ? msisdn : "");
}

/* ---- short messages ---- */

/* The octets on the link: sender, NUL, user data. */
static void mo_arrived(void *context, uint64_t argument, struct span message)
{
    struct sim_network *n = context;
    const char *from = (const char *)message.ptr;
    (void)argument;
    n->server_sms(n->server, from, span_from(message, strlen(from) + 1));
}

static void mo_accepted(void *context, uint64_t argument, struct span nothing)
{
    struct sim_device *d = context;
    (void)argument;
    (void)nothing;
    modem_sms_sent(d->modem, now_of(d), true);
    wake(d);
}

/* The centre takes it in any case; what is lost is lost behind it. */
static void sms_submit(void *context, const struct sms_submit *sms)
{
    struct sim_device *d = context;
    struct sim_network *n = d->network;
    WRITER_ON_STACK(message, SIM_NUMBER_MAX + 1 + SMS_UD_MAX);
    wr_bytes(&message, (struct span){ (const uint8_t *)d->msisdn, strlen(d->msisdn) + 1 });
    wr_bytes(&message, sms->ud);
    if (!strcmp(sms->to.text, n->server_number) && message.err == ERR_NONE)
        world_carry(n->world, "sms-mo", &n->sms, wr_span(&message), mo_arrived, n, 0);
    world_carry(n->world, "sms-accepted", &n->air, SPAN_NONE, mo_accepted, d, 0);
}

static void sms_taken(void *context, uint64_t tag, bool ok)
{
    (void)context;
    (void)tag;
    (void)ok;
}

static void mt_arrived(void *context, uint64_t argument, struct span user_data)
{
    struct sim_device *d = context;
    struct sms_deliver deliver = { .udhi = true, .pid = SMS_PID_USIM_DOWNLOAD, .dcs = SMS_DCS_CLASS2_8BIT, .ud = user_data };
    WRITER_ON_STACK(tpdu, SMS_TPDU_MAX);
    (void)argument;
    sms_scts(now_of(d), deliver.scts);
    if (sms_address_of(d->network->server_number, &deliver.from) != ERR_NONE)
        return;
    wr_sms_deliver(&tpdu, &deliver);
    if (tpdu.err != ERR_NONE || !d->msisdn[0] || modem_sms_deliver(d->modem, now_of(d), wr_span(&tpdu), 0) != ERR_NONE)
        return; /* lost: the sender tries again */
    wake(d);
}

void sim_network_sms(struct sim_network *n, const char *to, struct span user_data)
{
    while (*to == '+')
        to++;
    for (size_t i = 0; i < n->device_count; i++)
        if (!strcmp(n->devices[i]->msisdn, to)) {
            world_carry(n->world, "sms-mt", &n->sms, user_data, mt_arrived, n->devices[i], 0);
            return;
        }
}

/* ---- channels: octets arrive in their order ---- */

static struct weather in_order(struct sim_device *d, uint64_t *last)
{
    const struct weather *air = &d->network->air;
    uint64_t now = now_of(d);
    uint64_t at = now + air->delay_min_ms + chance_below(world_chance(d->network->world), air->delay_max_ms - air->delay_min_ms + 1);
    if (at < *last)
        at = *last;
    *last = at;
    return (struct weather){ .delay_min_ms = (uint32_t)(at - now), .delay_max_ms = (uint32_t)(at - now) };
}

static void opened(void *context, uint64_t generation, struct span nothing)
{
    struct sim_channel *c = context;
    (void)nothing;
    if (c->generation != generation)
        return;
    c->session = c->device->network->server_connect(c->device->network->server, c);
    modem_channel_opened(c->device->modem, now_of(c->device), c->id, c->session != NULL);
    wake(c->device);
}

static void channel_open(void *context, unsigned id, const uint8_t ipv4[4], uint16_t port)
{
    struct sim_device *d = context;
    struct sim_channel *c = &d->channels[id];
    uint8_t where[6] = { ipv4[0], ipv4[1], ipv4[2], ipv4[3], (uint8_t)(port >> 8), (uint8_t)port };
    *c = (struct sim_channel){ .device = d, .id = id, .generation = ++d->generation };
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
    struct weather weather = in_order(d, &c->up_at);
    world_carry(d->network->world, "tcp-up", &weather, bytes, up, c, c->generation);
}

static void down(void *context, uint64_t generation, struct span bytes)
{
    struct sim_channel *c = context;
    size_t taken;
    if (c->generation != generation)
        return;
    modem_channel_data(c->device->modem, now_of(c->device), c->id, bytes, &taken);
    wake(c->device);
}

void sim_channel_send(void *connection, struct span bytes)
{
    struct sim_channel *c = connection;
    struct weather weather = in_order(c->device, &c->down_at);
    world_carry(c->device->network->world, "tcp-down", &weather, bytes, down, c, c->generation);
}

static void closed(void *context, uint64_t generation, struct span nothing)
{
    struct sim_channel *c = context;
    (void)nothing;
    if (c->generation != generation)
        return;
    c->generation = 0;
    modem_channel_closed(c->device->modem, now_of(c->device), c->id);
    wake(c->device);
}

void sim_channel_close(void *connection)
{
    struct sim_channel *c = connection;
    struct weather weather = in_order(c->device, &c->down_at);
    c->session = NULL;
    world_carry(c->device->network->world, "tcp-close", &weather, SPAN_NONE, closed, c, c->generation);
}

static void channel_close(void *context, unsigned id)
{
    struct sim_device *d = context;
    struct sim_channel *c = &d->channels[id];
    void *session = c->session;
    c->session = NULL;
    c->generation = 0;
    if (session)
        d->network->server_lost(session);
}

/* ---- the device ---- */

static void slot_reset(void *context, struct writer *atr) { euicc_reset(((struct sim_device *)context)->card, atr); }

static void slot_transmit(void *context, struct span command, struct writer *answer)
{
    euicc_transmit(((struct sim_device *)context)->card, command, answer);
}

static uint64_t slot_idle(void *context, uint64_t now_ms) { return euicc_idle(((struct sim_device *)context)->card, now_ms); }
static bool slot_has_proactive(void *context) { return euicc_has_proactive(((struct sim_device *)context)->card); }

static void tick(void *context, uint64_t argument)
{
    (void)argument;
    wake(context);
}

static void wake(struct sim_device *d)
{
    uint64_t now = now_of(d), next = modem_tick(d->modem, now);
    d->waker.seam.wake_at(&d->waker.seam, next > now ? next : now + 1);
}

static void fact(void *context, enum log_level level, const char *text)
{
    struct sim_device *d = context;
    log_fact(world_log(d->network->world), level == LOG_WARN_ ? LOG_INFO_ : LOG_DEBUG_, modem_imsi(d->modem), "%s", text);
}

static bool open_card(struct sim_device *d)
{
    struct env env = { .clock = &world_time(d->network->world)->seam, .rng = &world_chance(d->network->world)->seam,
                       .nvm = &d->memory.nvm, .log = world_log(d->network->world) };
    arena_init(&d->arena, 4 * EUICC_ARENA_SIZE);
    return euicc_open(&d->arena, &env, &d->card) == ERR_NONE;
}

struct sim_device *sim_device_new(struct sim_network *n, struct nvm_memory *memory, const char *imei)
{
    struct sim_device *d = calloc(1, sizeof *d);
    struct modem_config config = { .poll_s = 60, .attach_retry_s = 60, .mcc_mnc = { 0x00, 0xF1, 0x10 } };
    if (!d)
        abort();
    d->network = n;
    d->memory = *memory;
    waker_init(&d->waker, world_time(n->world), tick, d);
    struct modem_slot slot = { d, slot_reset, slot_transmit, slot_idle, slot_has_proactive };
    struct modem_lines lines = { d, send_auth_info, update_location, registered, sms_submit, sms_taken, channel_open,
                                 channel_send, channel_close, { d, NULL, fact, NULL } };
    snprintf(config.imei, sizeof config.imei, "%s", imei);
    d->modem = modem_new(&config, &slot, &lines);
    if (!d->modem || !open_card(d)) {
        sim_device_free(d);
        return NULL;
    }
    if (n->device_count == n->device_cap) {
        n->device_cap = n->device_cap ? 2 * n->device_cap : 64;
        n->devices = realloc(n->devices, n->device_cap * sizeof *n->devices);
        if (!n->devices)
            abort();
    }
    n->devices[n->device_count++] = d;
    return d;
}

static void power_on(void *context, uint64_t argument)
{
    struct sim_device *d = context;
    (void)argument;
    modem_power_on(d->modem, now_of(d));
    wake(d);
}

void sim_device_power_on(struct sim_device *d) { clockwork_plan(world_time(d->network->world), now_of(d), power_on, d, 0); }

void sim_device_free(struct sim_device *d)
{
    if (!d)
        return;
    modem_free(d->modem);
    euicc_close(d->card);
    arena_release(&d->arena);
    nvm_memory_done(&d->memory);
    free(d);
}
