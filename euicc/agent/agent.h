/* euicc/agent/agent.h: the administration agent: RAM over HTTP (GlobalPlatform Amendment B, SGP.02 §2.4.3). The card is
 * the HTTP client in PSK-TLS over a TCP channel of the terminal (BIP). */
#ifndef OSPREY_EUICC_AGENT_AGENT_H
#define OSPREY_EUICC_AGENT_AGENT_H

#include "lib/base/err.h"
#include "lib/base/span.h"
#include "lib/scp/scp81.h"

struct card;

#define AGENT_BODY_MAX (256u * 1024u) /* octets of one command script */
#define AGENT_URI_MAX  512u

/* What a session needs: the trigger's objects over the stored ones. Spans are borrowed for the call. */
struct agent_request {
    const struct scp81_trigger *trigger; /* NULL: stored parameters only */
    struct span query;                   /* appended to the first URI: "?msg=…"; empty: none */
    bool notifies;                       /* tell switch_notification_failed when it does not get through */
};

/* Opens a session. ERR_BUSY: one is open (a trigger is then remembered and follows); ERR_MISSING: no address or no
 * SCP81 key set; ERR_UNSUPPORTED: the terminal has no TCP client. */
MUST_USE enum err agent_open(struct card *card, const struct agent_request *request);
bool agent_is_open(const struct card *card);
void agent_reset(struct card *card);
uint64_t agent_idle(struct card *card, uint64_t now_ms);
/* Events of the terminal: data available, channel status. */
void agent_data_available(struct card *card, uint8_t channel, size_t len);
void agent_channel_status(struct card *card, uint8_t channel, bool linked);

#endif
