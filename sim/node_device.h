/* sim/node_device.h: a device of the simulated world: a real card in its own memory, in a real modem; radio as the
 * weather is. */
#ifndef OSPREY_SIM_NODE_DEVICE_H
#define OSPREY_SIM_NODE_DEVICE_H

#include "device/hlr/auc.h"
#include "device/modem.h"
#include "euicc/euicc.h"
#include "euicc/nvm/nvm_memory.h"
#include "faults.h"
#include "geography.h"

#define SIM_NUMBER_MAX  16u
#define SIM_SERVERS_MAX 2u

/* The home network's records: an AuC and an HLR in a table. */
struct sim_subscriber {
    char imsi[GSUP_IMSI_MAX], msisdn[SIM_NUMBER_MAX];
    struct auc_subscriber auc;
    bool refused;
    uint64_t allowance; /* octets of data that are left; UINT64_MAX: no limit */
};
/* Where a datagram of a device's UDP channel comes from: of one opening of it. */
struct sim_address {
    int device;
    uint32_t channel, generation;
};
struct sim_network {
    struct world *world;
    struct sim_subscriber *subscribers;
    size_t subscriber_count, subscriber_cap;
    struct weather air, sms_up, sms_down; /* what happens to a short message on its way */
    struct weather datagrams;             /* … and to a datagram, either way */
    uint32_t poll_s;                      /* how often a modem looks what its card wants; 0: every minute */
    bool countries;                       /* the world has countries: each device is in one */
    unsigned attaches;                    /* so far, of all devices */
    unsigned asked;                       /* short messages and connections between devices and server, so far */
    const struct faults *faults;          /* NULL: none */
    const struct hostile *hostile;        /* works while there are faults; NULL: nobody */
    struct fault_counts *counts;
    struct sim_server { /* an SM-SR: where short messages to this number and connections to this address go */
        char number[SIM_NUMBER_MAX];
        uint8_t ipv4[4];
        void *node;
    } servers[SIM_SERVERS_MAX];
    unsigned server_count;
    bool (*server_sms)(void *server, const char *from, struct span user_data); /* false: it is down, try again */
    /* A card's TCP connection to the server. */
    void *(*server_connect)(void *server, void *connection);
    void (*server_bytes)(void *session, struct span bytes);
    void (*server_lost)(void *session);
    void (*server_datagram)(void *server, const struct sim_address *from, struct span datagram);
    struct sim_device **devices;
    size_t device_count, device_cap;
};
struct sim_subscriber *sim_network_add(struct sim_network *n, const char *imsi, const char *msisdn);
struct sim_subscriber *sim_network_subscriber(struct sim_network *n, const char *imsi); /* NULL: none */
/* One short message from that server: user data with its header, to an MSISDN. */
void sim_network_sms(struct sim_network *n, unsigned server, const char *to, struct span user_data);
/* One datagram from the server. */
void sim_network_datagram(struct sim_network *n, const struct sim_address *to, struct span datagram);

/* What was used of the network, for one account. */
struct sim_usage {
    uint64_t sms_up, sms_down, octets_up, octets_down, sessions, awake_ms, operations;
};

struct sim_device {
    struct sim_network *network;
    int number; /* of its card, for the diagram */
    bool on, dying, broken; /* broken: the card does not open any more */
    uint32_t generation_of_power; /* what was under way to an earlier life finds nobody */
    char imei[16];
    uint64_t muted_until_ms; /* hostile.h */
    uint64_t troubles;      /* counts */
    uint64_t silence;       /* counts: the end of an earlier one is not that of a later one */
    struct sim_usage *account;  /* what it uses is booked here; NULL: nowhere */
    struct sim_usage *accounts; /* … and here, by kind of radio */
    const struct country *country;   /* where it is; NULL: the world has no countries */
    const struct visited *serving;   /* the network it is on, or tried last */
    uint32_t bands;                  /* RADIO_BIT */
    bool passing;                    /* a satellite is about to set */
    struct {                         /* where it was on a network last, and with what */
        const struct country *country;
        char imsi[GSUP_IMSI_MAX];
    } last;
    struct nvm_memory memory;
    uint64_t written_before; /* octets, when troubles began */
    uint64_t written_seen;   /* … and those whose steps are known */
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
        int server; /* of the network's; -1: there is none at that address */
        bool udp;
        uint64_t up_at, down_at; /* order on the link is kept */
        uint64_t opened_ms;
    } channels[MODEM_CHANNELS_MAX + 1];
    uint32_t generation;
};
/* memory: a manufactured image, owned afterwards. NULL: it does not open. */
struct sim_device *sim_device_new(struct sim_network *n, struct nvm_memory *memory, const char *imei);
void sim_device_power_on(struct sim_device *d);
/* Power is lost now, and comes back. */
void sim_device_cut(struct sim_device *d);
/* No coverage until then. */
void sim_device_silence(struct sim_device *d, uint64_t until_ms);
/* Off to another country, without coverage until it is there. */
void sim_device_move(struct sim_device *d, const struct country *to, uint64_t arrives_ms);
/* Begins what network->faults says of devices. */
void sim_device_troubles(struct sim_device *d);
/* Without any fault from now on: attached, or trying. */
void sim_device_calm(struct sim_device *d);
void sim_device_free(struct sim_device *d);
/* From the server, to the connection given to server_connect. */
void sim_channel_send(void *connection, struct span bytes);
void sim_channel_close(void *connection);

#endif
