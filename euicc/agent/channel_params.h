/* euicc/agent/channel_params.h: which channel of the terminal a session wants, copied from a trigger's objects, the
 * enabled profile's connectivity parameters and the stored addresses of the SM-SR, in this order of precedence. */
#ifndef OSPREY_EUICC_AGENT_CHANNEL_PARAMS_H
#define OSPREY_EUICC_AGENT_CHANNEL_PARAMS_H

#include "euicc/uicc/proactive.h"
#include "lib/base/err.h"
#include "lib/base/span.h"

#define TRANSPORT_LINK 0x00u /* no channel: the port of a CAT_TP link */
#define TRANSPORT_UDP  0x01u
#define TRANSPORT_TCP  0x02u

#define FOUND_DNS_MAX  2u

struct channel_params {
    bool has_alpha;
    uint8_t alpha_len, alpha[32], bearer_len, bearer[16], name_len, name[100];
    uint8_t login_len, login[32], password_len, password[32];
    uint16_t buffer_size, port;
    uint8_t address_len, address[17]; /* 0: a name stands in its place */
};

/* Parameters as they are found, most important source first: what is there stays. */
struct found_params {
    struct span alpha, bearer, buffer, name, login, password; /* of the channel */
    struct span transport, address, link_port;                /* 3C, 3E; 3C with TRANSPORT_LINK */
    struct span host, agent, uri;                             /* of an HTTP POST: 8A 8B 8C */
    struct span identification;                               /* of a CAT_TP link: 36 */
    struct span name_of_host;                                 /* DNS parameters: D6 of B3 */
    struct span dns[FOUND_DNS_MAX];                           /* … and FA: where to ask */
    size_t dns_count;
};
/* Objects on any level: A5 of the stored parameters may hold 84 and 89, or their objects themselves. */
void found_add(struct found_params *f, struct span objects);
/* After the objects of one source: a name without an address there is not outdone by addresses of later ones. */
void found_source_ends(struct found_params *f);

/* ERR_MISSING: no address, or of another transport; ERR_BAD_LENGTH; ERR_TOO_LONG. */
MUST_USE enum err channel_params_set(const struct found_params *f, uint8_t transport, struct channel_params *ret);
/* Borrows from p. */
struct bip_open channel_params_open(const struct channel_params *p, uint8_t transport);

#endif
