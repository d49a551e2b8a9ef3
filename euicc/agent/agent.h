/* euicc/agent/agent.h: the administration agent: RAM over HTTP (GlobalPlatform Amendment B, SGP.02 §2.4.3). The card is
 * the HTTP client in PSK-TLS over a TCP channel of the terminal (BIP). It serves the ISD-R, and the MNO-SD of the enabled
 * profile (ES6), which takes nothing from the SM-SR's parameters: its trigger says where to. */
#ifndef OSPREY_EUICC_AGENT_AGENT_H
#define OSPREY_EUICC_AGENT_AGENT_H

#include "channel_params.h"
#include "resolver.h"
#include "lib/base/err.h"
#include "lib/base/span.h"
#include "lib/scp/scp81.h"

struct card;

#define AGENT_BODY_MAX (512u * 1024u) /* octets of one command script */
#define AGENT_URI_MAX  512u
#define AGENT_TEXT_MAX 128u
#define AGENT_RETRIES  2u /* after a failure, when the trigger has no retry policy [?] */

/* What a session needs: the trigger's objects over the stored ones. Spans are borrowed for the call. */
struct agent_request {
    const struct scp81_trigger *trigger; /* NULL: stored parameters only */
    struct span query;                   /* appended to the first URI: "?msg=…"; empty: none */
    bool notifies;                       /* tell switch_notification_failed when it does not get through */
    uint16_t mno_slot; /* the MNO-SD of this profile asks, with its own keys (ES6); 0: the ISD-R */
};

/* Everything a session and its repeats need, copied. */
struct agent_params {
    char host[AGENT_TEXT_MAX], from[SCP81_FROM_MAX + 1], uri[AGENT_URI_MAX];
    uint8_t identity_len, identity[SCP81_IDENTITY_MAX];
    uint8_t kvn, kid;
    struct channel_params channel;
    struct resolver_params dns; /* no name: the channel has an address */
    unsigned retries;
    uint32_t retry_wait_s;
    bool notifies;
    uint16_t mno_slot;
};

enum agent_phase {
    AGENT_IDLE,
    AGENT_RESOLVING, /* the server's name is asked for */
    AGENT_OPENING, /* OPEN CHANNEL is with the terminal */
    AGENT_RUNNING, /* TLS and HTTP flow */
    AGENT_CLOSING, /* last octets, then CLOSE CHANNEL */
    AGENT_WAITING  /* for the next try */
};

struct agent_link; /* of a session: TLS, buffers, script; allocated while it lasts */

struct agent {
    enum agent_phase phase;
    struct agent_params params;
    struct agent_link *link;
    struct resolver resolver;
    bool for_good; /* CLOSING: the session is over, not only this connection */
    bool has_next; /* a trigger that came during a session */
    struct agent_params next;
    uint64_t deadline_ms; /* idle limit, or the next try; UINT64_MAX: none */
};

/* Opens a session, or remembers the request when one is open. ERR_MISSING: no address or no SCP81 key set;
 * ERR_UNSUPPORTED: the terminal has no TCP client; ERR_TOO_LONG. */
MUST_USE enum err agent_open(struct card *card, const struct agent_request *request);
bool agent_is_open(const struct card *card);
void agent_reset(struct card *card); /* the card was reset: everything is gone */
uint64_t agent_idle(struct card *card, uint64_t now_ms);
/* Events of the terminal (values of ENVELOPE D6). */
void agent_data_available(struct card *card, struct span body);
void agent_channel_status(struct card *card, struct span body);

#endif
