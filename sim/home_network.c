#include "device_private.h"

#include <stdio.h>
#include <stdlib.h>

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
    if (!roaming_takes(d, modem_imsi(d->modem))) {
        world_arrow(d->network->world, d->number, "device", "network", "%s is not taken here", modem_imsi(d->modem));
        modem_auth_info(d->modem, now_of(d), NULL, GSUP_CAUSE_ROAMING_NOT_ALLOWED);
        device_wake(d);
        return;
    }
    bool ok = s && (request.len != 30 || auc_resynchronise(&s->auc, request.ptr, request.ptr + 16) == ERR_NONE) &&
              auc_vector(&s->auc, &world_chance(d->network->world)->seam, &vector) == ERR_NONE;
    modem_auth_info(d->modem, now_of(d), ok ? &vector : NULL, GSUP_CAUSE_IMSI_UNKNOWN);
    device_wake(d);
}

void home_auth_info(void *context, const char *imsi, const uint8_t *rand, const uint8_t *auts)
{
    struct sim_device *d = context;
    uint8_t request[30];
    (void)imsi;
    if (!lives(d) || !roaming_choose(d))
        return;
    if (auts) {
        memcpy(request, rand, 16);
        memcpy(request + 16, auts, 14);
    }
    struct weather air = roaming_air(d, &d->network->air);
    world_carry(d->network->world, "auth-info", &air, (struct span){ request, auts ? 30 : 0 }, auth_info_asked,
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
    device_wake(d);
}

void home_update_location(void *context, const char *imsi)
{
    struct sim_device *d = context;
    if (!lives(d))
        return;
    struct weather air = roaming_air(d, &d->network->air);
    world_carry(d->network->world, "location", &air, span_text(imsi), location_asked, d, d->generation_of_power);
}

void home_registered(void *context, const char *imsi, const char *msisdn)
{
    struct sim_device *d = context;
    if (!d->dying)
        snprintf(d->msisdn, sizeof d->msisdn, "%s", imsi ? msisdn : "");
    if (!imsi)
        return;
    d->network->attaches++;
    d->last.country = d->country;
    snprintf(d->last.imsi, sizeof d->last.imsi, "%s", imsi);
    roaming_registered(d);
}

