/* sm-sr/smsc.h: the SM-SR as an ESME: one SMPP session (bind_transceiver) to the SMSC, made anew when it breaks, with a
 * window. A secured packet is one effect and as many short messages as it takes. */
#ifndef OSPREY_SMSR_SMSC_H
#define OSPREY_SMSR_SMSC_H

#include "lib/io/tcp.h"
#include "lib/wire/smpp.h"
#include "smsr.h"

struct smsr_smsc_options {
    char host[128];
    uint16_t port;
    char system_id[SMPP_SYSTEM_ID_MAX], password[SMPP_PASSWORD_MAX];
    char from[SMPP_ADDRESS_MAX]; /* our own number, digits */
    uint32_t window;
};
struct smsr_smsc;
struct smsr_smsc *smsr_smsc_new(struct loop *loop, struct smsr *smsr, struct log *log,
                                const struct smsr_smsc_options *options);
void smsr_smsc_free(struct smsr_smsc *c);
/* SMSR_EFFECT_SMS. The result comes through engine_result. */
void smsr_smsc_send(struct smsr_smsc *c, const struct effect *effect);
/* EFFECT_REPLY on SMSR_NODE_SMS. */
void smsr_smsc_reply(struct smsr_smsc *c, const struct effect *effect);

#endif
