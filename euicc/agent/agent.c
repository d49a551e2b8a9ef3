#include "agent.h"

#include "link.h"
#include "params.h"

static struct agent *agent_of(struct card *card) { return card->agent; }
static uint64_t in_seconds(struct card *card, uint32_t seconds)
{
    return card_now_ms(card) + (uint64_t)seconds * 1000u;
}

bool agent_is_open(const struct card *card) { return card->agent->phase != AGENT_IDLE; }

static void send_next(struct card *card);
static void session_start(struct card *card);

/* ---- ends ---- */

static void session_end(struct card *card)
{
    struct agent *a = agent_of(card);
    link_free(a->link);
    a->link = NULL;
    a->phase = AGENT_IDLE;
    a->deadline_ms = UINT64_MAX;
    wipe(&a->params, sizeof a->params);
    isdr_bearer_idle(card);
    if (a->has_next && !switch_pending(card)) {
        a->params = a->next;
        session_start(card);
    }
    a->has_next = false;
}

static void session_failed(struct card *card)
{
    bool notified = agent_of(card)->params.notifies;
    session_end(card);
    if (notified)
        switch_notification_failed(card);
}

/* The connection is gone: again, at once when the server had answered on it, else as often as the policy says. */
static void try_again(struct card *card)
{
    struct agent *a = agent_of(card);
    bool at_once = a->link->progress;
    a->link->progress = false;
    if (a->params.dns.name[0] && !at_once)
        a->params.channel.address_len = 0; /* it may have moved */
    link_disconnect(a->link);
    if (at_once) {
        a->phase = AGENT_WAITING;
        a->deadline_ms = card_now_ms(card);
        return;
    }
    if (a->params.retries == 0) {
        session_failed(card);
        return;
    }
    a->params.retries--;
    a->phase = AGENT_WAITING;
    a->deadline_ms = in_seconds(card, a->params.retry_wait_s);
}

static void connection_over(struct card *card)
{
    if (agent_of(card)->for_good)
        session_end(card);
    else
        try_again(card);
}

static void closed(struct card *card, void *context, const struct terminal_response *response)
{
    (void)context;
    if (response->end != PROACTIVE_RESET && agent_of(card)->phase == AGENT_CLOSING)
        connection_over(card);
}

static void channel_close(struct card *card, bool for_good)
{
    struct agent *a = agent_of(card);
    a->phase = AGENT_CLOSING;
    a->for_good = for_good;
    a->link->closing = true;
    a->deadline_ms = in_seconds(card, card->isdr->timing.session_idle_s);
    if (!a->link->channel || proactive_close_channel(card, a->link->channel, closed, NULL) != ERR_NONE)
        connection_over(card);
}

static void broken(struct card *card) { channel_close(card, agent_of(card)->link->closing); }

/* ---- octets ---- */

static bool running(struct card *card) { return agent_of(card)->phase == AGENT_RUNNING; }
static void alive(struct card *card)
{
    agent_of(card)->deadline_ms = in_seconds(card, card->isdr->timing.session_idle_s);
}

/* The server said 204: what is still to be sent goes out, then the channel is closed. */
static void finish(struct card *card)
{
    struct agent *a = agent_of(card);
    if (a->link->sending)
        return; /* sent() comes back here */
    if (a->link->out_sent < a->link->out_len)
        send_next(card);
    else
        channel_close(card, true);
}

static void sent(struct card *card, void *context, const struct terminal_response *response)
{
    (void)context;
    struct agent *a = agent_of(card);
    if (response->end == PROACTIVE_RESET || !a->link || a->phase != AGENT_RUNNING)
        return;
    a->link->sending = false;
    if (!result_is_done(response->result)) {
        broken(card);
        return;
    }
    alive(card);
    a->link->out_sent += a->link->in_flight;
    if (a->link->closing)
        finish(card);
    else
        send_next(card);
}

static void send_next(struct card *card)
{
    struct agent_link *l = agent_of(card)->link;
    size_t left = l->out_len - l->out_sent;
    if (l->sending || left == 0)
        return;
    l->in_flight = left < l->piece_max ? left : l->piece_max;
    struct span piece = { l->out + l->out_sent, l->in_flight };
    if (proactive_send_data(card, l->channel, true, piece, sent, NULL) == ERR_NONE)
        l->sending = true;
    else
        broken(card);
}

static void receive_next(struct card *card, size_t available);

static void received(struct card *card, void *context, const struct terminal_response *response)
{
    (void)context;
    struct agent *a = agent_of(card);
    struct span data = SPAN_NONE, remaining;
    if (response->end == PROACTIVE_RESET || !a->link || a->phase != AGENT_RUNNING)
        return;
    a->link->receiving = false;
    if (!result_is_done(response->result)) {
        broken(card);
        return;
    }
    alive(card);
    (void)ctlv_find(response->body, 0x36, &data);
    enum link_state state = link_feed(card, a->link, &a->params, data);
    if (state == LINK_BROKEN) {
        broken(card);
        return;
    }
    if (state == LINK_DONE) {
        link_goodbye(a->link);
        a->link->closing = true;
        finish(card);
        return;
    }
    send_next(card);
    if (running(card) && ctlv_find(response->body, 0x37, &remaining) && remaining.len == 1 && remaining.ptr[0])
        receive_next(card, remaining.ptr[0]);
}

static void receive_next(struct card *card, size_t available)
{
    struct agent_link *l = agent_of(card)->link;
    if (l->receiving || l->closing || available == 0)
        return;
    uint8_t len = (uint8_t)(available < PROACTIVE_RECEIVE_MAX ? available : PROACTIVE_RECEIVE_MAX);
    if (proactive_receive_data(card, l->channel, len, received, NULL) == ERR_NONE)
        l->receiving = true;
    else
        broken(card);
}

static bool event_channel(struct card *card, struct span body, uint8_t *ret_first)
{
    const struct agent_link *l = card->agent->link;
    return l && card->agent->phase == AGENT_RUNNING && proactive_event_is_of(body, l->channel, ret_first);
}

void agent_data_available(struct card *card, struct span body)
{
    uint8_t status;
    datagrams_available(card, &agent_of(card)->resolver.channel, body);
    if (event_channel(card, body, &status))
        receive_next(card, proactive_octets_waiting(body));
}

void agent_channel_status(struct card *card, struct span body)
{
    uint8_t status;
    datagrams_status(card, &agent_of(card)->resolver.channel, body);
    if (event_channel(card, body, &status) && !(status & 0x80))
        broken(card);
}

/* ---- beginnings ---- */

static void opened(struct card *card, void *context, const struct terminal_response *response)
{
    (void)context;
    struct agent *a = agent_of(card);
    if (response->end == PROACTIVE_RESET || !a->link || a->phase != AGENT_OPENING)
        return;
    a->link->opening = false;
    a->link->channel = result_is_done(response->result) ? proactive_channel_of(response) : 0;
    if (!a->link->channel) {
        try_again(card);
        return;
    }
    a->phase = AGENT_RUNNING;
    a->link->piece_max = proactive_piece_max(response);
    alive(card);
    if (link_connect(card, a->link, &a->params) != ERR_NONE)
        broken(card);
    else
        send_next(card);
}

static void channel_open(struct card *card);

static void resolved(struct card *card, const uint8_t *ipv4)
{
    struct agent *a = agent_of(card);
    if (a->phase != AGENT_RESOLVING)
        return;
    if (!ipv4) {
        try_again(card);
        return;
    }
    a->params.channel.address[0] = 0x21;
    memcpy(a->params.channel.address + 1, ipv4, 4);
    a->params.channel.address_len = 5;
    channel_open(card);
}

static void channel_open(struct card *card)
{
    struct agent *a = agent_of(card);
    if (a->params.channel.address_len == 0) {
        a->phase = AGENT_RESOLVING;
        a->deadline_ms = UINT64_MAX;
        resolver_start(card, &a->params.dns, &a->params.channel, resolved);
        return;
    }
    struct bip_open open = channel_params_open(&a->params.channel, TRANSPORT_TCP);
    a->phase = AGENT_OPENING;
    a->deadline_ms = UINT64_MAX;
    a->link->opening = proactive_open_channel(card, &open, opened, NULL) == ERR_NONE;
    if (!a->link->opening)
        try_again(card);
}

static void session_start(struct card *card)
{
    struct agent *a = agent_of(card);
    a->link = link_new(&a->params);
    if (a->link)
        channel_open(card);
    else
        session_failed(card);
}

static bool terminal_can(struct card *card)
{
    return !terminal_is_ready(card) || (terminal_has(card, 12, 1) && terminal_has(card, 17, 1));
}

enum err agent_open(struct card *card, const struct agent_request *request)
{
    struct agent *a = agent_of(card);
    struct agent_params p;
    if (!terminal_can(card))
        return ERR_UNSUPPORTED;
    enum err err = agent_params_resolve(card, request, &p);
    if (err != ERR_NONE)
        return err;
    if (a->phase != AGENT_IDLE) {
        a->next = p;
        a->has_next = true;
        return ERR_NONE;
    }
    a->params = p;
    session_start(card);
    return ERR_NONE;
}

void agent_reset(struct card *card)
{
    struct agent *a = agent_of(card);
    link_free(a->link);
    a->link = NULL;
    resolver_reset(card);
    *a = (struct agent){ .resolver = a->resolver, .deadline_ms = UINT64_MAX };
}

static void deadline_passed(struct card *card)
{
    struct agent *a = agent_of(card);
    a->deadline_ms = UINT64_MAX;
    if (a->phase == AGENT_WAITING)
        channel_open(card);
    else if (a->phase == AGENT_RUNNING)
        broken(card);
    else if (a->phase == AGENT_CLOSING)
        connection_over(card); /* the terminal never answered CLOSE CHANNEL */
}

uint64_t agent_idle(struct card *card, uint64_t now_ms)
{
    struct agent *a = agent_of(card);
    uint64_t resolver_wake = resolver_idle(card, now_ms);
    if (a->deadline_ms <= now_ms)
        deadline_passed(card);
    return a->deadline_ms < resolver_wake ? a->deadline_ms : resolver_wake;
}
