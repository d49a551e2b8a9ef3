/* sm-sr/smsc.h: the SM-SR as an ESME: one SMPP session (bind_transceiver) to an SMSC, made anew when it breaks, with a
 * window and a circuit breaker. A secured packet is one effect and as many short messages as it takes. */
#ifndef OSPREY_SMSR_SMSC_H
#define OSPREY_SMSR_SMSC_H

#include "lib/io/tcp.h"
#include "lib/wire/smpp.h"
#include "smsr.h"

#define SMSR_SMSCS_MAX 4u /* the first that takes messages gets them; all may bring some */

struct smsr_smsc_options {
    unsigned number; /* its place among the SMSCs, from 0 */
    char host[128];
    uint16_t port;
    char system_id[SMPP_SYSTEM_ID_MAX], password[SMPP_PASSWORD_MAX];
    char from[SMPP_ADDRESS_MAX]; /* our own number, digits */
    uint32_t window;
    uint32_t breaker; /* failures in a row after which it gets nothing for a while; 0: never */
};
struct smsr_smsc;
struct smsr_smsc *smsr_smsc_new(struct loop *loop, struct smsr *smsr, struct log *log,
                                const struct smsr_smsc_options *options);
void smsr_smsc_free(struct smsr_smsc *c);
/* Who gets what this one does not take or does not get through; NULL: nobody. Before the loop runs. */
void smsr_smsc_set_next(struct smsr_smsc *c, struct smsr_smsc *next);
/* It is bound, not in trouble, and has room: then the next message must be given to it. */
bool smsr_smsc_takes(struct smsr_smsc *c);
/* SMSR_EFFECT_SMS. The result comes through engine_result. */
void smsr_smsc_send(struct smsr_smsc *c, const struct effect *effect);
/* EFFECT_REPLY on SMSR_NODE_SMS; of another SMSC: nothing happens. */
void smsr_smsc_reply(struct smsr_smsc *c, const struct effect *effect);

#endif
