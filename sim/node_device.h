/* sim/node_device.h: a device of the simulated world: a real card in its own memory, in a real modem; radio as the
 * weather is. */
#ifndef OSPREY_SIM_NODE_DEVICE_H
#define OSPREY_SIM_NODE_DEVICE_H

#include "device/hlr/auc.h"
#include "device/modem.h"
#include "euicc/euicc.h"
#include "euicc/nvm/nvm_memory.h"
#include "world.h"

#define SIM_NUMBER_MAX 16u

/* The home network's records: an AuC and an HLR in a table. */
struct sim_subscriber {
    char imsi[GSUP_IMSI_MAX], msisdn[SIM_NUMBER_MAX];
    struct auc_subscriber auc;
    bool refused;
};
struct sim_network {
    struct world *world;
    struct sim_subscriber *subscribers;
    size_t subscriber_count, subscriber_cap;
    struct weather air, sms; /* sms: what happens to a short message on its way */
    /* Where short messages to this number go: the SM-SR. */
    char server_number[SIM_NUMBER_MAX];
    void *server;
    void (*server_sms)(void *server, const char *from, struct span user_data);
    /* A card's TCP connection to the server. */
    void *(*server_connect)(void *server, void *connection);
    void (*server_bytes)(void *session, struct span bytes);
    void (*server_lost)(void *session);
    struct sim_device **devices;
    size_t device_count, device_cap;
};
struct sim_subscriber *sim_network_add(struct sim_network *n, const char *imsi, const char *msisdn);
/* One short message from the server: user data with its header, to an MSISDN. */
void sim_network_sms(struct sim_network *n, const char *to, struct span user_data);

struct sim_device {
    struct sim_network *network;
    struct nvm_memory memory;
    struct arena arena;
    struct euicc *card;
    struct modem *modem;
    struct waker waker;
    char msisdn[SIM_NUMBER_MAX]; /* "": not on the network */
    struct sim_channel {
        struct sim_device *device;
        unsigned id;
        uint32_t generation;
        void *session;
        uint64_t up_at, down_at; /* order on the link is kept */
    } channels[MODEM_CHANNELS_MAX + 1];
    uint32_t generation;
};
/* memory: a manufactured image, owned afterwards. NULL: it does not open. */
struct sim_device *sim_device_new(struct sim_network *n, struct nvm_memory *memory, const char *imei);
void sim_device_power_on(struct sim_device *d);
void sim_device_free(struct sim_device *d);
/* From the server, to the connection given to server_connect. */
void sim_channel_send(void *connection, struct span bytes);
void sim_channel_close(void *connection);

#endif
