#include "resolver.h"

#include "agent.h"
#include "euicc/card.h"

#define DNS_PORT 53u

/* ---- parameters ---- */

/* [?] FA: objects 3E and, for a port other than 53, 3C; or the four octets of the address alone. */
static enum err server_set(struct span value, struct dns_server *ret)
{
    struct span address, transport;
    struct dns_server s = { .address = { 0x21 }, .port = DNS_PORT };
    if (value.len == 4)
        address = value;
    else if (ctlv_find(value, 0x3E, &address) && address.len == 5 && address.ptr[0] == 0x21)
        address = span_from(address, 1);
    else
        return ERR_BAD_VALUE;
    memcpy(s.address + 1, address.ptr, 4);
    if (value.len != 4 && ctlv_find(value, 0x3C, &transport) && transport.len == 3)
        s.port = (uint16_t)(transport.ptr[1] << 8 | transport.ptr[2]);
    *ret = s;
    return ERR_NONE;
}

enum err resolver_params_set(const struct found_params *f, struct resolver_params *ret)
{
    struct resolver_params p = { .server_count = f->dns_count };
    if (!dns_name_is_good(f->name_of_host))
        return ERR_BAD_VALUE;
    if (f->dns_count == 0)
        return ERR_MISSING;
    memcpy(p.name, f->name_of_host.ptr, f->name_of_host.len < DNS_NAME_MAX ? f->name_of_host.len : DNS_NAME_MAX);
    for (size_t i = 0; i < f->dns_count; i++) {
        enum err err = server_set(f->dns[i], &p.servers[i]);
        if (err != ERR_NONE)
            return err;
    }
    *ret = p;
    return ERR_NONE;
}

/* ---- asking ---- */

static struct resolver *resolver_of(struct card *card) { return &card->agent->resolver; }

static void question_send(struct card *card)
{
    struct resolver *r = resolver_of(card);
    uint8_t chance[2];
    WRITER_ON_STACK(query, DNS_MESSAGE_MAX);
    card_random(card, chance, sizeof chance);
    r->id = (uint16_t)(chance[0] << 8 | chance[1]);
    r->tries++;
    r->asked = true;
    r->deadline_ms = card_now_ms(card) + RESOLVER_ANSWER_MS;
    if (dns_query_write(&query, r->id, span_text(r->params.name)) == ERR_NONE)
        datagrams_send(card, &r->channel, wr_span(&query));
}

static void server_ask(struct card *card)
{
    struct resolver *r = resolver_of(card);
    r->asked = false;
    r->tries = 0;
    r->deadline_ms = UINT64_MAX;
    for (; r->server < r->params.server_count; r->server++) {
        struct bip_open open = channel_params_open(&r->bearer, TRANSPORT_UDP);
        open.address = SPAN_OF(r->params.servers[r->server].address);
        open.port = r->params.servers[r->server].port;
        if (datagrams_open(card, &r->channel, &open) == ERR_NONE)
            return;
    }
    r->done(card, NULL);
}

/* The terminal may never say that the channel is closed: the deadline goes on. */
static void server_leave(struct card *card)
{
    struct resolver *r = resolver_of(card);
    r->deadline_ms = card_now_ms(card) + RESOLVER_ANSWER_MS;
    datagrams_close(card, &r->channel);
}

static void channel_closed(struct card *card)
{
    struct resolver *r = resolver_of(card);
    r->deadline_ms = UINT64_MAX;
    if (r->found) {
        r->done(card, r->ipv4);
        return;
    }
    r->server++;
    server_ask(card);
}

/* What answers another question is not for us: somebody guesses. */
static void channel_received(struct card *card, struct span datagram)
{
    struct resolver *r = resolver_of(card);
    struct dns_answer answer;
    enum err err = dns_answer_read(datagram, r->id, span_text(r->params.name), &answer);
    if (!r->asked || r->found || err == ERR_VERIFY)
        return;
    if (err != ERR_NONE)
        log_fact(card->env.log, LOG_WARN_, NULL, "DNS says nothing of %s: %s", r->params.name, err_text(err));
    if (err == ERR_NOT_FOUND)
        r->server = r->params.server_count; /* the others know no more */
    r->found = err == ERR_NONE;
    if (r->found)
        memcpy(r->ipv4, answer.ipv4[0], sizeof r->ipv4);
    server_leave(card);
}

void resolver_start(struct card *card, const struct resolver_params *params, const struct channel_params *bearer,
                    void (*done)(struct card *card, const uint8_t *ipv4))
{
    struct resolver *r = resolver_of(card);
    r->params = *params;
    r->bearer = *bearer;
    r->done = done;
    r->found = false;
    r->server = 0;
    server_ask(card);
}

uint64_t resolver_idle(struct card *card, uint64_t now_ms)
{
    struct resolver *r = resolver_of(card);
    if (r->deadline_ms > now_ms)
        return r->deadline_ms;
    r->deadline_ms = UINT64_MAX;
    if (r->channel.state == DATAGRAMS_OPEN && !r->found && r->tries < RESOLVER_TRIES) {
        question_send(card);
    } else if (r->channel.state == DATAGRAMS_OPEN) {
        server_leave(card);
    } else if (r->channel.state == DATAGRAMS_CLOSING) {
        datagrams_reset(&r->channel);
        channel_closed(card);
    }
    return r->deadline_ms;
}

void resolver_open(struct card *card)
{
    struct resolver *r = resolver_of(card);
    r->channel = (struct datagrams){ .opened = question_send, .received = channel_received, .closed = channel_closed };
    r->deadline_ms = UINT64_MAX;
}

void resolver_reset(struct card *card)
{
    datagrams_reset(&resolver_of(card)->channel);
    resolver_open(card);
}
