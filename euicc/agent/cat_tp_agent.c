#include "cat_tp_agent.h"

#include <stdlib.h>

#include "euicc/isdr/isdr.h"
#include "euicc/isdr/packet.h"
#include "lib/crypto/sha256.h"
#include "lib/base/mutant.h"

#define PDU_MAX    1200u /* of a datagram: it fits through any network */
#define WAKE_MAX_S 60u
#define FIRST_PORT 0xC000u

static struct cat_tp_agent *agent_of(struct card *card) { return card->cat_tp; }
static uint64_t in_seconds(struct card *card, uint32_t seconds)
{
    return card_now_ms(card) + (uint64_t)seconds * 1000u;
}

bool cat_tp_is_busy(const struct card *card) { return card->cat_tp->phase != CAT_TP_IDLE; }

static void session_start(struct card *card);
static void channel_open(struct card *card);

/* ---- ends ---- */

static void session_free(struct cat_tp_agent *a)
{
    if (!a->session)
        return;
    sd_session_end(&a->session->scripts);
    wipe(a->session, sizeof *a->session);
    free(a->session);
    a->session = NULL;
}

static void session_end(struct card *card)
{
    struct cat_tp_agent *a = agent_of(card);
    session_free(a);
    a->phase = CAT_TP_IDLE;
    a->deadline_ms = a->tick_ms = UINT64_MAX;
    isdr_bearer_idle(card);
    if (a->has_next && !switch_pending(card)) {
        a->params = a->next;
        session_start(card);
    }
    a->has_next = false;
}

static void session_failed(struct card *card)
{
    bool notified = agent_of(card)->session && agent_of(card)->session->notifies;
    session_end(card);
    if (notified)
        switch_notification_failed(card);
}

/* At once when commands came over the broken link, else as often as the policy says. */
static void try_again(struct card *card)
{
    struct cat_tp_agent *a = agent_of(card);
    bool at_once = a->session->progress;
    a->session->progress = false;
    if (a->has_next) {
        a->params = a->next;
        a->has_next = false;
        channel_open(card);
        return;
    }
    if (!at_once && a->params.retries == 0) {
        session_failed(card);
        return;
    }
    a->params.retries -= !at_once;
    a->phase = CAT_TP_WAITING;
    a->tick_ms = UINT64_MAX;
    a->deadline_ms = in_seconds(card, at_once ? 0 : card->isdr->timing.retry_wait_s);
}

static void channel_gone(struct card *card)
{
    if (agent_of(card)->phase == CAT_TP_IDLE)
        return;
    if (agent_of(card)->for_good)
        session_end(card);
    else
        try_again(card);
}

static void close_channel(struct card *card, bool for_good)
{
    struct cat_tp_agent *a = agent_of(card);
    a->phase = CAT_TP_CLOSING;
    a->for_good = for_good;
    a->tick_ms = UINT64_MAX;
    a->deadline_ms = in_seconds(card, card->isdr->timing.session_idle_s);
    datagrams_close(card, &a->channel);
}

/* ---- the link ---- */

static void alive(struct card *card)
{
    agent_of(card)->deadline_ms = in_seconds(card, card->isdr->timing.session_idle_s);
}

static void link_datagram(void *context, struct span bytes)
{
    struct card *card = context;
    datagrams_send(card, &agent_of(card)->channel, bytes);
}

/* The terminal's timer wakes a card that nobody asks anything meanwhile. */
static void wake_set(struct card *card, uint64_t now_ms)
{
    struct cat_tp_agent *a = agent_of(card);
    if (a->wake_set || a->tick_ms == UINT64_MAX)
        return;
    uint64_t wait_s = a->tick_ms > now_ms ? (a->tick_ms - now_ms + 999) / 1000 : 1;
    unsigned seconds = wait_s < WAKE_MAX_S ? (unsigned)wait_s : WAKE_MAX_S;
    a->wake_set = proactive_timer(card, TIMER_START, CAT_TP_WAKE_TIMER, seconds, NULL, NULL) == ERR_NONE;
}

static void tick(struct card *card)
{
    struct cat_tp_agent *a = agent_of(card);
    uint64_t now_ms = card_now_ms(card);
    if (a->phase != CAT_TP_RUNNING)
        return;
    uint64_t due = cat_tp_tick(&a->session->link, now_ms);
    a->tick_ms = a->phase == CAT_TP_RUNNING ? due : UINT64_MAX;
    wake_set(card, now_ms);
}

static void owed_send(struct card *card)
{
    struct cat_tp_session *s = agent_of(card)->session;
    struct span out = { s->out, s->out_len };
    enum err err = s->owed ? cat_tp_send(&s->link, card_now_ms(card), out) : ERR_NONE;
    if (err == ERR_TOO_LONG) {
        log_fact(card->env.log, LOG_WARN_, NULL, "an answer of %zu octets is too long for the link", s->out_len);
        s->owed = false;
    }
}

static void link_end(struct card *card, bool for_good)
{
    cat_tp_close(&agent_of(card)->session->link);
    close_channel(card, for_good);
}

static void link_opened(void *context, struct span ident)
{
    struct card *card = context;
    (void)ident;
    owed_send(card);
}

/* The SM-SR has what we said. A switch that it asked for waits for the end of the link. */
static void link_sent(void *context)
{
    struct card *card = context;
    agent_of(card)->session->owed = false;
    if (switch_pending(card))
        link_end(card, true);
}

static void link_closed(void *context, uint8_t reason)
{
    struct card *card = context;
    close_channel(card, reason == CAT_TP_NORMAL);
}

static void command_run(struct card *card, struct cat_tp_session *s, struct span packet)
{
    struct writer answer = wr_of(s->out, sizeof s->out);
    struct packet_way way = { .form = SCP80_CAT_TP, .session = &s->scripts, .answer = &answer };
    s->notifies = false;
    isdr_packet_receive(card, packet, &way);
    s->out_len = answer.err == ERR_NONE ? answer.len : 0;
}

/* A command that came before is not executed again: the SM-SR did not hear the answer. */
static void link_sdu(void *context, struct span packet)
{
    struct card *card = context;
    struct cat_tp_session *s = agent_of(card)->session;
    uint8_t digest[32];
    s->progress = true;
    if (sha256(packet, digest) != ERR_NONE)
        return;
    if (!s->heard || memcmp(digest, s->digest, sizeof digest) != 0)
        command_run(card, s, packet);
    memcpy(s->digest, digest, sizeof digest);
    s->heard = true;
    s->owed = s->out_len > 0;
    if (s->owed)
        owed_send(card);
    else if (switch_pending(card))
        link_end(card, true);
}

static void link_connect(struct card *card)
{
    struct cat_tp_agent *a = agent_of(card);
    struct cat_tp_session *s = a->session;
    uint8_t chance[4];
    card_random(card, chance, sizeof chance);
    size_t pdu = a->channel.buffer_size < PDU_MAX ? a->channel.buffer_size : PDU_MAX;
    struct cat_tp_config c = { .source = (uint16_t)(FIRST_PORT | chance[0] << 8 | chance[1]),
                               .destination = a->params.port,
                               .max_pdu = (uint16_t)pdu,
                               .first_sequence = (uint16_t)(chance[2] << 8 | chance[3]),
                               .ident = { a->params.ident, a->params.ident_len },
                               .tx = s->tx,
                               .rx = s->rx,
                               .tx_cap = sizeof s->tx,
                               .rx_cap = sizeof s->rx,
                               .context = card,
                               .datagram = link_datagram,
                               .opened = link_opened,
                               .sdu = link_sdu,
                               .sent = link_sent,
                               .closed = link_closed };
    if (cat_tp_init(&s->link, &c) != ERR_NONE) {
        close_channel(card, false);
        return;
    }
    cat_tp_connect(&s->link, card_now_ms(card));
    tick(card);
}

/* ---- the channel ---- */

static void channel_opened(struct card *card)
{
    struct cat_tp_agent *a = agent_of(card);
    a->phase = CAT_TP_RUNNING;
    alive(card);
    if (a->params.linked)
        link_connect(card);
}

static void channel_received(struct card *card, struct span datagram)
{
    struct cat_tp_agent *a = agent_of(card);
    if (a->phase != CAT_TP_RUNNING)
        return;
    cat_tp_receive(&a->session->link, card_now_ms(card), datagram);
    if (a->phase == CAT_TP_RUNNING && a->session->link.state == CAT_TP_OPEN) {
        a->has_next = false;
        alive(card);
    }
    tick(card);
}

static void channel_open(struct card *card)
{
    struct cat_tp_agent *a = agent_of(card);
    struct bip_open open = channel_params_open(&a->params.channel, TRANSPORT_UDP);
    a->phase = CAT_TP_OPENING;
    a->for_good = false;
    a->deadline_ms = a->tick_ms = UINT64_MAX;
    if (datagrams_open(card, &a->channel, &open) != ERR_NONE)
        try_again(card);
}

static void session_start(struct card *card)
{
    struct cat_tp_agent *a = agent_of(card);
    if (!a->session)
        a->session = calloc(1, sizeof *a->session);
    if (a->session)
        channel_open(card);
    else
        session_failed(card);
}

/* ---- PUSH, notifications ---- */

static bool terminal_can(const struct card *card)
{
    return !terminal_is_ready(card) || (terminal_has(card, 12, 1) && terminal_has(card, 17, 2));
}

/* The objects of a PUSH over those of the enabled profile (A1) and the stored ones (A4). */
static void params_find(struct card *card, struct span objects, uint8_t *stored, struct found_params *ret)
{
    const struct isdp *enabled = registry_enabled(card);
    struct span a1;
    size_t len;
    found_add(ret, objects);
    if (enabled && tlv_find((struct span){ enabled->connectivity, enabled->connectivity_len }, 0xA1, &a1))
        found_add(ret, a1);
    if (isdr_addressing(card, 0xA4, stored, ISDR_ADDRESSING_MAX, &len) == ERR_NONE)
        found_add(ret, (struct span){ stored, len });
}

/* [?] a link without a port of its own has that of the channel. */
static enum err link_set(const struct found_params *f, struct span ident, struct cat_tp_params *p)
{
    struct reader r = rd_of(f->link_port);
    (void)rd_u8(&r);
    uint16_t port = rd_u16(&r);
    if (f->link_port.len && rd_finish(&r) != ERR_NONE)
        return ERR_BAD_LENGTH;
    if (ident.len > sizeof p->ident)
        return ERR_TOO_LONG;
    p->port = f->link_port.len ? port : p->channel.port;
    p->ident_len = (uint8_t)ident.len;
    if (ident.len)
        memcpy(p->ident, ident.ptr, ident.len);
    p->linked = true;
    return ERR_NONE;
}

enum err cat_tp_push_channel(struct card *card, struct span objects)
{
    struct cat_tp_agent *a = agent_of(card);
    struct cat_tp_params p = { .retries = CAT_TP_AGENT_TRIES };
    struct found_params f = { .bearer = SPAN_NONE };
    uint8_t stored[ISDR_ADDRESSING_MAX];
    if (!terminal_can(card))
        return ERR_UNSUPPORTED;
    params_find(card, objects, stored, &f);
    enum err err = channel_params_set(&f, TRANSPORT_UDP, &p.channel);
    if (err != ERR_NONE)
        return err;
    if (a->phase == CAT_TP_IDLE || a->phase == CAT_TP_WAITING) {
        a->params = p;
        session_start(card);
    } else {
        a->next = p;
        a->has_next = true;
    }
    return ERR_NONE;
}

enum err cat_tp_push_link(struct card *card, struct span objects)
{
    struct cat_tp_agent *a = agent_of(card);
    struct found_params f = { .bearer = SPAN_NONE };
    uint8_t stored[ISDR_ADDRESSING_MAX], iccid[10];
    size_t len;
    if (a->phase == CAT_TP_IDLE)
        return ERR_STATE;
    params_find(card, objects, stored, &f);
    struct span ident = f.identification;
    if (MUTANT(names_itself_by_iccid))
        ident = SPAN_NONE;
    if (!ident.ptr && card_read_file(card, false, SPAN_LIT("\x2F\xE2"), iccid, sizeof iccid, &len) == ERR_NONE)
        ident = (struct span){ iccid, len };
    enum err err = link_set(&f, ident, a->has_next ? &a->next : &a->params);
    if (err != ERR_NONE)
        return err;
    if (a->phase == CAT_TP_RUNNING && a->session->link.state == CAT_TP_CLOSED && !a->has_next)
        link_connect(card);
    else if (a->phase == CAT_TP_RUNNING && a->has_next)
        cat_tp_probe(&a->session->link); /* does the SM-SR still know the link that is open? */
    return ERR_NONE;
}

static enum err notify_over(struct card *card, struct cat_tp_session *s, struct span packet)
{
    if (s->owed || packet.len > sizeof s->out)
        return ERR_BUSY;
    memcpy(s->out, packet.ptr, packet.len);
    s->out_len = packet.len;
    s->owed = s->notifies = true;
    s->heard = false;
    if (agent_of(card)->phase == CAT_TP_RUNNING) {
        owed_send(card);
        tick(card);
    }
    return ERR_NONE;
}

enum err cat_tp_notify(struct card *card, struct span packet)
{
    struct cat_tp_agent *a = agent_of(card);
    struct cat_tp_params p = { .retries = CAT_TP_AGENT_TRIES };
    struct found_params f = { .bearer = SPAN_NONE };
    uint8_t stored[ISDR_ADDRESSING_MAX];
    if (a->session && a->phase != CAT_TP_CLOSING)
        return notify_over(card, a->session, packet);
    if (a->phase != CAT_TP_IDLE)
        return ERR_BUSY;
    if (!terminal_can(card))
        return ERR_UNSUPPORTED;
    params_find(card, SPAN_NONE, stored, &f);
    enum err err = channel_params_set(&f, TRANSPORT_UDP, &p.channel);
    if (err == ERR_NONE)
        err = link_set(&f, SPAN_OF(card->eid.octets), &p);
    if (err != ERR_NONE)
        return err;
    a->params = p;
    a->session = calloc(1, sizeof *a->session);
    if (!a->session)
        return ERR_NO_MEMORY;
    err = notify_over(card, a->session, packet);
    if (err == ERR_NONE)
        channel_open(card);
    else
        session_free(a);
    return err;
}

/* ---- life ---- */

enum err cat_tp_agent_open(struct card *card)
{
    card->cat_tp = CARD_NEW(card, struct cat_tp_agent);
    if (!card->cat_tp)
        return ERR_NO_MEMORY;
    card->cat_tp->channel =
        (struct datagrams){ .opened = channel_opened, .received = channel_received, .closed = channel_gone };
    card->cat_tp->deadline_ms = card->cat_tp->tick_ms = UINT64_MAX;
    return ERR_NONE;
}

void cat_tp_agent_reset(struct card *card)
{
    struct cat_tp_agent *a = agent_of(card);
    session_free(a);
    datagrams_reset(&a->channel);
    *a = (struct cat_tp_agent){ .channel = a->channel, .deadline_ms = UINT64_MAX, .tick_ms = UINT64_MAX };
}

static void deadline_passed(struct card *card)
{
    struct cat_tp_agent *a = agent_of(card);
    a->deadline_ms = UINT64_MAX;
    if (a->phase == CAT_TP_WAITING) {
        channel_open(card);
    } else if (a->phase == CAT_TP_RUNNING) { /* nothing is said any more, or nothing was ever */
        link_end(card, a->session->link.state == CAT_TP_OPEN && !a->session->owed);
    } else if (a->phase == CAT_TP_CLOSING) { /* the terminal never answered CLOSE CHANNEL */
        datagrams_reset(&a->channel);
        channel_gone(card);
    }
}

uint64_t cat_tp_agent_idle(struct card *card, uint64_t now_ms)
{
    struct cat_tp_agent *a = agent_of(card);
    if (a->tick_ms <= now_ms)
        tick(card);
    if (a->deadline_ms <= now_ms)
        deadline_passed(card);
    return a->deadline_ms < a->tick_ms ? a->deadline_ms : a->tick_ms;
}

void cat_tp_agent_event(struct card *card, enum cat_event event, struct span body)
{
    if (event == EVENT_DATA_AVAILABLE)
        datagrams_available(card, &agent_of(card)->channel, body);
    else
        datagrams_status(card, &agent_of(card)->channel, body);
}

void cat_tp_agent_timer(struct card *card, uint8_t id)
{
    if (id == CAT_TP_WAKE_TIMER) {
        agent_of(card)->wake_set = false;
        tick(card);
    }
}
