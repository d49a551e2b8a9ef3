/* device/network.h: the lab's network as a modem sees it: an HLR over GSUP (authentication, location, the MSISDN), an SMSC
 * over SMPP (bound with the MSISDN of the subscription that is attached), TCP and UDP for the channels of the card. Connections
 * that break are made again; what the modem asked for waits meanwhile. */
#ifndef OSPREY_DEVICE_NETWORK_H
#define OSPREY_DEVICE_NETWORK_H

#include "lib/io/loop.h"
#include "modem.h"

#define NETWORK_HOST_MAX     128u
#define NETWORK_MSISDN_MAX   16u
#define NETWORK_SMS_HOLD_MS  60000u /* a message of the card waits so long for the SMSC */
#define NETWORK_RECONNECT_MS 500u

struct network_config {
    char smsc_host[NETWORK_HOST_MAX], hlr_host[NETWORK_HOST_MAX];
    uint16_t smsc_port, hlr_port;
    char system_id[16], password[9]; /* at the SMSC */
    char name[32];                   /* unit name at the HLR */
    /* The number when the HLR does not say one: NULL or a function that answers "" or digits. */
    const char *(*msisdn_of)(void *context, const char *imsi);
    void *context;
};

struct network;
/* NULL without memory. Fills in the lines a modem needs (lines->context and the functions of the network; the watch
 * is left alone). */
struct network *network_new(struct loop *loop, struct clock *clock, struct log *log, const struct network_config *config,
                            struct modem_lines *lines);
void network_use(struct network *n, struct modem *modem);
void network_free(struct network *n);

#endif
