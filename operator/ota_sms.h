/* operator/ota_sms.h: one secured packet to a card by SMS (SMPP 3.4), and its answer (PoR). */
#ifndef OSPREY_OPERATOR_OTA_SMS_H
#define OSPREY_OPERATOR_OTA_SMS_H

#include "lib/wire/sms.h"
#include "session.h"

struct ota_sms {
    const char *msisdn;
    struct span packet; /* leaves as it is, again and again: the card takes it once */
    uint32_t wait_s;
    uint32_t resend_s; /* pause before it leaves again; doubled each time */
    /* Is shown each response packet from there; true: it is the one that ends it. */
    bool (*accept)(void *context, struct span response);
    /* Is it over for another reason? NULL: never. */
    bool (*over)(void *context);
    void *context;
    bool taken;     /* may be set meanwhile: it need not leave again */
    bool left;      /* out: some of it, at least */
    unsigned tries; /* out: how often all of it left */
};

/* Sends the packet and waits. OP_OK; OP_NO_ANSWER; OP_UNREACHABLE (the SMSC, or it refuses us or the message); s->detail
 * says why. */
enum op_exit op_ota_sms(struct op_session *s, struct ota_sms *sms);

#endif
