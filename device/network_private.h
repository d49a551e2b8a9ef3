/* device/network_private.h: shared by network.c (channels), network_hlr.c and network_smsc.c. */
#ifndef OSPREY_DEVICE_NETWORK_PRIVATE_H
#define OSPREY_DEVICE_NETWORK_PRIVATE_H

#include <stdio.h>

#include "lib/io/tcp.h"
#include "lib/io/udp.h"
#include "lib/wire/smpp.h"
#include "network.h"

struct network {
    struct loop *loop;
    struct clock *clock;
    struct log *log;
    struct network_config config;
    struct modem *modem;
    struct loop_timer *timer;
    struct network_channel {
        struct network *network;
        unsigned id;
        struct tcp_conn *conn;
        struct udp *udp;
        struct udp_address peer; /* UDP */
    } channels[MODEM_CHANNELS_MAX + 1];
    struct {
        struct tcp_conn *conn;
        struct gsup_link link;
        struct gsup_message waiting; /* a request that has not left yet */
        bool has_waiting;
        char imsi[GSUP_IMSI_MAX];    /* whom the request under way is for */
        char msisdn[GSUP_IMSI_MAX];  /* what InsertSubscriberData said */
    } hlr;
    struct {
        struct tcp_conn *conn;
        struct smpp_session session;
        bool up;
        char msisdn[NETWORK_MSISDN_MAX]; /* "": not registered */
        struct smpp_sm sm;               /* a message of the card that has not left yet, or has no answer */
        uint8_t text[SMS_CHARACTERS_MAX];
        bool waiting, sent;
        uint64_t hold_until_ms;
    } smsc;
};

uint64_t network_now(const struct network *n);

void hlr_send_auth_info(void *context, const char *imsi, const uint8_t *rand, const uint8_t *auts);
void hlr_update_location(void *context, const char *imsi);
void hlr_tick(struct network *n);
void hlr_close(struct network *n);

void smsc_registered(void *context, const char *imsi, const char *msisdn);
void smsc_submit(void *context, const struct sms_submit *sms);
void smsc_taken(void *context, uint64_t tag, bool ok);
void smsc_tick(struct network *n);
void smsc_close(struct network *n);

#endif
