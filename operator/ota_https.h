/* operator/ota_https.h: one script to the operator's own MNO-SD in an administration session (SCP81: PSK-TLS, GlobalPlatform
 * Amendment B): a triggering message by SMS makes the card come; it gets the script once. */
#ifndef OSPREY_OPERATOR_OTA_HTTPS_H
#define OSPREY_OPERATOR_OTA_HTTPS_H

#include "ota_sms.h"

struct ota_https {
    struct span psk; /* key 01 of key set kvn in the MNO-SD */
    uint8_t kvn;
    struct span script;   /* of the expanded format, without definite length */
    struct span response; /* out: what the card posted, in the session's arena */
    char status[80];      /* out: X-Admin-Script-Status */
};

struct ota_server;
/* Listens at [ota] https. NULL: s->detail says why. job must live on until it is closed. */
struct ota_server *op_ota_listen(struct op_session *s, struct ota_https *job);
void op_ota_close(struct ota_server *server);
/* The triggering message: where we are ([ota] https_advertise, or https) and which key set. */
MUST_USE enum err op_ota_trigger(struct op_session *s, const struct ota_https *job, struct writer *w);
/* The card has posted its response, or refused the script. */
bool op_ota_done(const struct ota_server *server);
/* The card has the script; it is not given again. */
bool op_ota_given(const struct ota_server *server);

#endif
