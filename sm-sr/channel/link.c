#include "link.h"

#include <stdio.h>
#include <stdlib.h>

#include "admin.h"
#include "lib/scp/scp80.h"
#include "lib/wire/cat_tp.h"

#define PDU_MAX 1200u
#define RETRIES 5u

struct smsr_link {
    struct smsr *smsr;
    struct smsr_link *next;
    struct smsr_address peer;
    struct cat_tp machine;
    uint16_t first; /* sequence of the peer's SYN */
    struct eid eid;
    char eid_text[EID_TEXT_SIZE];
    uint32_t slot, generation;
    unsigned asked;         /* events that are with the engine */
    bool dead, busy, heard; /* busy: the card has a packet; heard: it said something on this link */
    uint64_t since_ms;      /* the latest service data unit */
    uint64_t alive_ms;      /* the latest datagram */
    uint64_t held_ms;       /* it waits for the next command until then; 0: it does not */
    uint64_t kept_ms;       /* a download keeps it until then, whatever else is done meanwhile */
    uint8_t tx[SMSR_LINK_SDU_MAX], rx[SMSR_LINK_SDU_MAX];
};

static uint64_t now(const struct smsr *s) { return s->env.clock->now_ms(s->env.clock); }

static void send_to(struct smsr *s, const struct smsr_address *to, struct span datagram)
{
    if (s->datagrams.send)
        s->datagrams.send(s->datagrams.context, to, datagram);
}

/* ---- life of a link */

static bool address_eq(const struct smsr_address *a, const struct smsr_address *b)
{
    return span_eq((struct span){ a->octets, a->len }, (struct span){ b->octets, b->len });
}

static struct smsr_link *link_of(const struct smsr *s, const struct smsr_address *peer)
{
    for (struct smsr_link *l = s->links; l; l = l->next)
        if (address_eq(&l->peer, peer))
            return l;
    return NULL;
}

static void wake_at(struct smsr *s, uint64_t at_ms)
{
    if (at_ms >= s->link_tick_ms)
        return;
    s->link_tick_ms = at_ms;
    s->env.clock->wake_at(s->env.clock, at_ms);
}

static void link_free(struct smsr_link *l)
{
    struct smsr *s = l->smsr;
    struct smsr_link **at = &s->links;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    s->link_slots[l->slot] = NULL;
    s->link_count--;
    wipe(l, sizeof *l);
    free(l);
}

static void link_end(struct smsr_link *l)
{
    cat_tp_close(&l->machine);
    l->dead = true;
}

void smsr_link_close_all(struct smsr *s)
{
    while (s->links) {
        cat_tp_close(&s->links->machine);
        link_free(s->links);
    }
}

/* A request of the card, or its arrival: the reply says what comes next. */
static struct event *link_event(struct smsr_link *l, int kind)
{
    struct event *event = engine_event(l->smsr->engine, kind, l->eid_text);
    if (event)
        event->reply = (struct reply_ref){ SMSR_NODE_LINK, l->slot, l->generation };
    return event;
}

static void link_ask(struct smsr_link *l, struct event *event)
{
    l->held_ms = 0;
    l->since_ms = now(l->smsr);
    if (event && engine_post(l->smsr->engine, event) == ERR_NONE)
        l->asked++;
    else
        log_fact(l->smsr->env.log, LOG_WARN_, l->eid_text, "too busy for a link");
}

/* ---- what the machine says */

static void on_datagram(void *context, struct span bytes)
{
    struct smsr_link *l = context;
    send_to(l->smsr, &l->peer, bytes);
}

static void on_opened(void *context, struct span ident)
{
    struct smsr_link *l = context;
    if (eid_from_octets(ident, &l->eid) != ERR_NONE) {
        log_fact(l->smsr->env.log, LOG_WARN_, NULL, "a CAT_TP link with an identification that is no EID: refused");
        link_end(l);
        return;
    }
    eid_text(&l->eid, l->eid_text);
    l->smsr->counts.links++;
    log_fact(l->smsr->env.log, LOG_DEBUG_, l->eid_text, "CAT_TP link");
    link_ask(l, link_event(l, SMSR_EVENT_LINK));
}

static void on_sdu(void *context, struct span sdu)
{
    struct smsr_link *l = context;
    struct event *event = link_event(l, SMSR_EVENT_PACKET);
    struct packet_event *p = event ? ARENA_NEW(event->arena, struct packet_event) : NULL;
    l->heard = true;
    if (!p) {
        engine_event_free(event);
        return;
    }
    p->form = SCP80_CAT_TP;
    p->response = scp80_is_response(sdu);
    p->packet = arena_copy(event->arena, sdu);
    l->busy &= !p->response;
    event->data = p;
    link_ask(l, event);
}

static void on_closed(void *context, uint8_t reason)
{
    struct smsr_link *l = context;
    l->dead = true;
    if (reason != CAT_TP_NORMAL)
        log_fact(l->smsr->env.log, LOG_INFO_, *l->eid_text ? l->eid_text : NULL, "CAT_TP link ends: %s",
                 reason == CAT_TP_RETRIES ? "no answer any more" : "reset by the card");
}

/* ---- datagrams */

/* What belongs to no link: the card shall open a new one. */
static void refuse(struct smsr *s, const struct smsr_address *from, const struct cat_tp_pdu *p, uint8_t reason)
{
    WRITER_ON_STACK(w, CAT_TP_HEADER_LEN + 1);
    struct cat_tp_pdu rst = { .flags = CAT_TP_RST | CAT_TP_ACK,
                              .source = p->destination,
                              .destination = p->source,
                              .sequence = p->ack,
                              .ack = p->sequence,
                              .reason = reason };
    cat_tp_pdu_write(&w, &rst);
    if (!(p->flags & CAT_TP_RST))
        send_to(s, from, wr_span(&w));
}

static bool slot_take(struct smsr *s, struct smsr_link *l)
{
    for (uint32_t i = 0; i < SMSR_LINKS_MAX; i++) {
        uint32_t slot = (s->next_generation + i) % SMSR_LINKS_MAX;
        if (!s->link_slots[slot]) {
            s->link_slots[slot] = l;
            l->slot = slot;
            return true;
        }
    }
    return false;
}

/* In a crowd the oldest that has not said who it is makes room. */
static void make_room(struct smsr *s)
{
    struct smsr_link *oldest = NULL;
    for (struct smsr_link *l = s->links; l; l = l->next)
        if (!*l->eid_text)
            oldest = l; /* new ones are put in front */
    if (s->link_count >= SMSR_LINKS_MAX && oldest)
        link_free(oldest);
}

static struct smsr_link *link_new(struct smsr *s, const struct smsr_address *from, const struct cat_tp_pdu *syn)
{
    make_room(s);
    struct smsr_link *l = s->link_count < SMSR_LINKS_MAX ? calloc(1, sizeof *l) : NULL;
    uint8_t chance[2];
    if (!l || !slot_take(s, l)) {
        free(l);
        return NULL;
    }
    s->env.rng->fill(s->env.rng, chance, sizeof chance);
    l->smsr = s;
    l->next = s->links;
    l->peer = *from;
    l->first = syn->sequence;
    l->generation = ++s->next_generation;
    l->since_ms = l->alive_ms = now(s);
    struct cat_tp_config c = { .source = s->config.cat_tp_port,
                               .max_pdu = PDU_MAX,
                               .retries = RETRIES,
                               .first_sequence = (uint16_t)(chance[0] << 8 | chance[1]),
                               .tx = l->tx,
                               .rx = l->rx,
                               .tx_cap = sizeof l->tx,
                               .rx_cap = sizeof l->rx,
                               .context = l,
                               .datagram = on_datagram,
                               .opened = on_opened,
                               .sdu = on_sdu,
                               .closed = on_closed };
    s->links = l;
    s->link_count++;
    if (cat_tp_init(&l->machine, &c) == ERR_NONE)
        cat_tp_listen(&l->machine);
    return l;
}

static void link_step(struct smsr_link *l)
{
    struct smsr *s = l->smsr;
    uint64_t due = l->dead ? 0 : cat_tp_tick(&l->machine, now(s));
    if (l->dead)
        link_free(l);
    else
        wake_at(s, due);
}

void smsr_datagram(struct smsr *s, const struct smsr_address *from, struct span datagram)
{
    struct cat_tp_pdu p;
    if (cat_tp_pdu_read(datagram, &p) != ERR_NONE)
        return;
    bool syn = (p.flags & (CAT_TP_SYN | CAT_TP_ACK)) == CAT_TP_SYN;
    struct smsr_link *l = link_of(s, from);
    if (p.destination != s->config.cat_tp_port) {
        refuse(s, from, &p, CAT_TP_NO_PORT);
        return;
    }
    if (l && syn && (l->machine.c.destination != p.source || l->first != p.sequence)) {
        link_free(l); /* the card begins anew */
        l = NULL;
    }
    if (!l && syn)
        l = link_new(s, from, &p);
    if (!l) {
        refuse(s, from, &p, syn ? CAT_TP_TEMPORARY : CAT_TP_UNEXPECTED);
        return;
    }
    l->alive_ms = now(s);
    cat_tp_receive(&l->machine, now(s), datagram);
    wake_at(s, now(s) + SMSR_LINK_OPEN_MS);
    link_step(l);
}

void smsr_datagrams_use(struct smsr *s, const struct smsr_datagrams *line) { s->datagrams = *line; }

/* ---- answers */

static void hold(struct smsr_link *l, uint64_t until_ms)
{
    l->held_ms = until_ms;
    wake_at(l->smsr, until_ms);
}

/* The card's SYN says how much it takes at a time. The link is of no use for this script, so it ends. */
static void too_long(struct smsr_link *l)
{
    struct event *event = engine_event(l->smsr->engine, SMSR_EVENT_TOO_LONG, l->eid_text);
    size_t *room = event ? ARENA_NEW(event->arena, size_t) : NULL;
    link_end(l);
    if (!room) {
        engine_event_free(event);
        return;
    }
    *room = l->machine.peer_sdu && l->machine.peer_sdu < sizeof l->tx ? l->machine.peer_sdu : sizeof l->tx;
    event->data = room;
    if (engine_post(l->smsr->engine, event) != ERR_NONE)
        log_fact(l->smsr->env.log, LOG_WARN_, l->eid_text, "too busy");
}

static void give(struct smsr_link *l, const struct effect *effect)
{
    enum err err = cat_tp_send(&l->machine, now(l->smsr), effect->body);
    l->since_ms = now(l->smsr);
    l->held_ms = 0;
    l->busy = err == ERR_NONE;
    if (err == ERR_NONE) {
        wake_at(l->smsr, now(l->smsr) + SMSR_LINK_PROBE_MS);
        return;
    }
    log_fact(l->smsr->env.log, LOG_WARN_, l->eid_text, "a packet of %zu octets cannot go over the link: %s",
             effect->body.len, err_text(err));
    if (err == ERR_TOO_LONG)
        too_long(l);
    else
        smsr_script_lost(l->smsr, effect->line);
}

/* A card that has just come may want to say something first. */
static void nothing_more(struct smsr_link *l)
{
    uint64_t at = now(l->smsr);
    if (l->asked)
        return;
    if (!l->heard)
        hold(l, at + l->smsr->config.hold_ms);
    else if (at < l->kept_ms)
        hold(l, l->kept_ms);
    else
        link_end(l);
}

void smsr_link_reply(struct smsr *s, const struct effect *effect)
{
    struct smsr_link *l = effect->reply.slot < SMSR_LINKS_MAX ? s->link_slots[effect->reply.slot] : NULL;
    if (!l || l->generation != effect->reply.generation) {
        if (effect->status == 200)
            smsr_script_lost(s, effect->line);
        return;
    }
    l->asked -= l->asked > 0;
    if (effect->status == 200)
        give(l, effect);
    else if (effect->status == SMSR_ADMIN_HOLD)
        hold(l, l->kept_ms = now(s) + s->config.hold_ms);
    else if (effect->status == SMSR_ADMIN_DONE)
        nothing_more(l);
    else
        link_end(l);
    link_step(l);
}

struct reply_ref smsr_link_waiting(const struct smsr *s, const struct eid *eid)
{
    for (const struct smsr_link *l = s->links; l; l = l->next)
        if (l->held_ms && !l->busy && eid_eq(&l->eid, eid))
            return (struct reply_ref){ SMSR_NODE_LINK, l->slot, l->generation };
    return (struct reply_ref){ 0 };
}

bool smsr_link_works(const struct smsr *s, const struct eid *eid)
{
    for (const struct smsr_link *l = s->links; l; l = l->next)
        if (l->busy && now(s) - l->alive_ms < 3 * SMSR_LINK_PROBE_MS && eid_eq(&l->eid, eid))
            return true;
    return false;
}

/* ---- time */

static uint64_t limit_of(const struct smsr_link *l)
{
    if (l->machine.state != CAT_TP_OPEN)
        return l->since_ms + SMSR_LINK_OPEN_MS;
    return l->held_ms ? l->held_ms : l->since_ms + SMSR_LINK_IDLE_MS;
}

static void probe(struct smsr_link *l, uint64_t at)
{
    if (!l->busy)
        return;
    if (at - l->alive_ms >= SMSR_LINK_PROBE_MS)
        cat_tp_probe(&l->machine);
    wake_at(l->smsr, at + SMSR_LINK_PROBE_MS);
}

void smsr_link_tick(struct smsr *s)
{
    uint64_t at = now(s);
    if (!s->links || at < s->link_tick_ms)
        return;
    s->link_tick_ms = UINT64_MAX;
    for (struct smsr_link *l = s->links, *next; l; l = next) {
        next = l->next;
        if (limit_of(l) <= at)
            link_end(l);
        else
            wake_at(s, limit_of(l));
        probe(l, at);
        link_step(l);
    }
}
