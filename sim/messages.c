#include "device_private.h"

#include <stdio.h>

/* The octets on the link: sender, NUL, user data. The centre keeps what the server cannot take now. */
#define CENTRE_RETRY_MS 20000u
#define CENTRE_TRIES    50u
#define CENTRE_TRIES_STEP 1000u /* an argument is the number of the server times that, and the tries */
#define CENTRE_KEEPS    180u /* tries: an hour */

static void mo_arrived(void *context, uint64_t argument, struct span message)
{
    static const struct weather later = { .delay_min_ms = CENTRE_RETRY_MS, .delay_max_ms = CENTRE_RETRY_MS + 1000 };
    struct sim_network *n = context;
    const char *from = (const char *)message.ptr;
    const struct sim_server *server = &n->servers[argument / CENTRE_TRIES_STEP];
    size_t len = strnlen(from, message.len);
    n->asked++;
    if (len < message.len && !n->server_sms(server->node, from, span_from(message, len + 1)) &&
        argument % CENTRE_TRIES_STEP < CENTRE_TRIES)
        world_carry(n->world, "sms-mo", &later, message, mo_arrived, n, argument + 1);
}

static void mo_accepted(void *context, uint64_t argument, struct span nothing)
{
    struct sim_device *d = context;
    (void)nothing;
    if (!lives(d) || argument != d->generation_of_power)
        return;
    modem_sms_sent(d->modem, now_of(d), true);
    device_wake(d);
}

/* The centre takes it in any case; what is lost is lost behind it. */
void message_submit(void *context, const struct sms_submit *sms)
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
    struct weather up = roaming_message(d, &n->sms_up), air = roaming_air(d, &n->air);
    world_arrow(n->world, d->number, "device", "sm-sr", "short message of %zu octets", sms->ud.len);
    for (unsigned i = 0; i < n->server_count; i++)
        if (!strcmp(sms->to.text, n->servers[i].number) && message.err == ERR_NONE && !hostile_hears_up(d, i, wr_span(&message)))
            world_carry_card(n->world, d->number, "sms-mo", &up, wr_span(&message), mo_arrived, n, i * CENTRE_TRIES_STEP);
    world_carry(n->world, "sms-accepted", &air, SPAN_NONE, mo_accepted, d, d->generation_of_power);
}

static void mt_arrived(void *context, uint64_t argument, struct span user_data)
{
    struct sim_device *d = context;
    struct sms_deliver deliver = { .udhi = true, .pid = SMS_PID_USIM_DOWNLOAD, .dcs = SMS_DCS_CLASS2_8BIT, .ud = user_data };
    WRITER_ON_STACK(tpdu, SMS_TPDU_MAX);
    const struct sim_server *server = &d->network->servers[argument];
    sms_scts(now_of(d), deliver.scts);
    if (!lives(d) || sms_address_of(server->number, &deliver.from) != ERR_NONE)
        return;
    wr_sms_deliver(&tpdu, &deliver);
    if (tpdu.err != ERR_NONE || !d->msisdn[0])
        return; /* lost: the sender tries again */
    BOOK(d, sms_down, 1);
    BOOK(d, awake_ms, SMS_AWAKE_MS);
    world_arrow(d->network->world, d->number, "sm-sr", "device", "short message of %zu octets", user_data.len);
    if (modem_sms_deliver(d->modem, now_of(d), wr_span(&tpdu), 0) == ERR_NONE)
        device_wake(d);
}

static struct sim_device *device_of(struct sim_network *n, const char *number)
{
    for (size_t i = 0; i < n->device_count; i++)
        if (!strcmp(n->devices[i]->msisdn, number))
            return n->devices[i];
    return NULL;
}

static void centre_delivers(void *context, uint64_t tries, struct span message);

/* Who is not there is tried again later; in a world without countries what finds nobody is lost. */
static void centre_keeps(struct sim_network *n, uint64_t tries, const char *to, struct span user_data)
{
    static const struct weather later = { .delay_min_ms = CENTRE_RETRY_MS, .delay_max_ms = CENTRE_RETRY_MS + 1000 };
    WRITER_ON_STACK(message, SIM_NUMBER_MAX + SMS_UD_MAX);
    if (!n->countries || tries % CENTRE_TRIES_STEP >= CENTRE_KEEPS)
        return;
    wr_bytes(&message, (struct span){ (const uint8_t *)to, strlen(to) + 1 });
    wr_bytes(&message, user_data);
    if (message.err == ERR_NONE)
        world_carry(n->world, "sms-kept", &later, wr_span(&message), centre_delivers, n, tries + 1);
}

static void deliver(struct sim_network *n, uint64_t tries, const char *to, struct span user_data)
{
    struct sim_device *d = device_of(n, to);
    if (!d) {
        centre_keeps(n, tries, to, user_data);
        return;
    }
    struct weather down = roaming_message(d, &n->sms_down);
    hostile_hears_down(d, (unsigned)(tries / CENTRE_TRIES_STEP), user_data);
    world_carry_card(n->world, d->number, "sms-mt", &down, user_data, mt_arrived, d, tries / CENTRE_TRIES_STEP);
}

/* Number, NUL, user data. */
static void centre_delivers(void *context, uint64_t tries, struct span message)
{
    size_t len = strnlen((const char *)message.ptr, message.len);
    if (len < message.len)
        deliver(context, tries, (const char *)message.ptr, span_from(message, len + 1));
}

void sim_network_sms(struct sim_network *n, unsigned server, const char *to, struct span user_data)
{
    while (*to == '+')
        to++;
    n->asked++;
    deliver(n, server * CENTRE_TRIES_STEP, to, user_data);
}

void message_replay_up(struct sim_device *d, unsigned server, const struct weather *weather, struct span message)
{
    world_carry(d->network->world, "sms-mo", weather, message, mo_arrived, d->network, server * CENTRE_TRIES_STEP);
}

void message_replay_down(struct sim_device *d, unsigned server, const struct weather *weather, struct span user_data)
{
    world_carry(d->network->world, "sms-mt", weather, user_data, mt_arrived, d, server);
}

void message_taken(void *context, uint64_t tag, bool ok)
{
    (void)context;
    (void)tag;
    (void)ok;
}
