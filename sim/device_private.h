/* sim/device_private.h: shared by node_device.c (card, modem, power), home_network.c, messages.c, channels.c and roaming.c. */
#ifndef OSPREY_SIM_DEVICE_PRIVATE_H
#define OSPREY_SIM_DEVICE_PRIVATE_H

#include "hostile.h"
#include "node_device.h"
#include "prepaid.h"

#define SMS_AWAKE_MS 2000u /* what a short message costs a device in waking time */

/* On whose account, and on which radio. */
#define BOOK(d, field, n)                                                                                              \
    do {                                                                                                               \
        if ((d)->account)                                                                                              \
            (d)->account->field += (n);                                                                                \
        if ((d)->accounts && (d)->serving)                                                                             \
            (d)->accounts[(d)->serving->kind].field += (n);                                                            \
    } while (0)

static inline uint64_t now_of(const struct sim_device *d) { return d->network->world ? world_now(d->network->world) : 0; }
static inline bool lives(const struct sim_device *d) { return d->on && !d->dying; }

void device_wake(struct sim_device *d); /* something happened to its modem */

/* home_network.c */
void home_auth_info(void *device, const char *imsi, const uint8_t *rand, const uint8_t *auts);
void home_update_location(void *device, const char *imsi);
void home_registered(void *device, const char *imsi, const char *msisdn);
/* messages.c */
void message_submit(void *device, const struct sms_submit *sms);
/* A message that was on its way once, again: from the card, to it. */
void message_replay_up(struct sim_device *d, unsigned server, const struct weather *weather, struct span message);
void message_replay_down(struct sim_device *d, unsigned server, const struct weather *weather, struct span user_data);
void message_taken(void *device, uint64_t tag, bool ok);
/* channels.c */
void channel_open(void *device, unsigned id, enum modem_transport transport, const uint8_t ipv4[4], uint16_t port);
void channel_send(void *device, unsigned id, struct span bytes);
void channel_close(void *device, unsigned id);
void channels_drop(struct sim_device *d); /* the device has no power */

/* roaming.c. A world without countries has one network everywhere, as network->air says. */
bool roaming_choose(struct sim_device *d); /* the network it tries now, told to the modem; false: none that it can hear */
bool roaming_takes(const struct sim_device *d, const char *imsi);
void roaming_registered(struct sim_device *d);
struct weather roaming_air(const struct sim_device *d, const struct weather *ordinary);
struct weather roaming_message(const struct sim_device *d, const struct weather *ordinary);
uint32_t roaming_octets_ms(const struct sim_device *d, size_t octets); /* how long so many take */

#endif
