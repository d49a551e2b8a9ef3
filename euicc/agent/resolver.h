/* euicc/agent/resolver.h: the card asks a DNS server for the address of its SM-SR, over a UDP channel of the terminal
 * (GP Amendment B, DNS parameters; SGP.02 v3.2). A server that does not answer is asked again, then the next one. */
#ifndef OSPREY_EUICC_AGENT_RESOLVER_H
#define OSPREY_EUICC_AGENT_RESOLVER_H

#include "channel_params.h"
#include "datagrams.h"
#include "lib/wire/dns.h"

#define RESOLVER_TRIES     3u /* of one server [?] */
#define RESOLVER_ANSWER_MS 4000u

struct resolver_params {
    char name[DNS_NAME_MAX + 1]; /* empty: there is an address */
    struct dns_server {
        uint8_t address[5]; /* value of 3E: 21 and four octets */
        uint16_t port;
    } servers[FOUND_DNS_MAX];
    size_t server_count;
};
/* ERR_MISSING: a name and nobody to ask; ERR_BAD_VALUE: no host's name, a server that is no IPv4 address. */
MUST_USE enum err resolver_params_set(const struct found_params *f, struct resolver_params *ret);

/* One of a card, in its agent. */
struct resolver {
    struct datagrams channel;
    struct resolver_params params;
    struct channel_params bearer;                         /* how the terminal gets to the network */
    void (*done)(struct card *card, const uint8_t *ipv4); /* NULL: nobody knows */
    bool asked, found;                                    /* asked: a question is out on this channel */
    uint8_t ipv4[4];
    size_t server;
    unsigned tries; /* of this server */
    uint16_t id;
    uint64_t deadline_ms; /* UINT64_MAX: none */
};

/* done is called once, maybe from inside. */
void resolver_start(struct card *card, const struct resolver_params *params, const struct channel_params *bearer,
                    void (*done)(struct card *card, const uint8_t *ipv4));
void resolver_open(struct card *card);  /* its state */
void resolver_reset(struct card *card); /* the card was reset: nothing is called */
uint64_t resolver_idle(struct card *card, uint64_t now_ms);

#endif
