#include "link.h"

#define QUEUE_MAX 64u
#define SDU_MAX   10240u

struct queue {
    struct {
        size_t len;
        uint8_t octets[1500];
    } item[QUEUE_MAX];
    size_t count;
};
static struct {
    struct link_client *client;
    struct world *world;
    struct cat_tp machine;
    struct queue up, down;
    uint8_t address; /* of the channel: each has its own */
    uint8_t tx[SDU_MAX], rx[SDU_MAX], command[SDU_MAX], answer[SDU_MAX];
    size_t command_len, answer_len, strays;
    bool owed, again;
} l;

static bool lost(void)
{
    l.client->chance = l.client->chance * 1103515245u + 12345u;
    return (l.client->chance >> 16) % 1000 < l.client->lose_permille;
}

static void put(struct queue *q, struct span bytes)
{
    if (lost() || q->count == QUEUE_MAX)
        return;
    memcpy(q->item[q->count].octets, bytes.ptr, q->item[q->count].len = bytes.len);
    q->count++;
}

static void of_card(void *context, struct span bytes)
{
    (void)context;
    if (!l.client->no_answer)
        put(&l.up, bytes);
}

/* What the SM-SR sends: to the card's channel, or to a stranger. */
static void of_smsr(void *context, const struct smsr_address *to, struct span bytes)
{
    struct world *w = context;
    if (w->crashed)
        return;
    if (to->octets[0] == l.address)
        put(&l.down, bytes);
    else
        l.strays++;
}

static void say(void)
{
    if (l.owed && l.answer_len)
        (void)!cat_tp_send(&l.machine, l.world->now_ms, (struct span){ l.answer, l.answer_len });
}

static void on_opened(void *context, struct span ident)
{
    (void)context, (void)ident;
    l.client->links++;
    say();
}

static void on_sent(void *context)
{
    (void)context;
    l.owed = false;
}

static void on_sdu(void *context, struct span sdu)
{
    (void)context;
    l.client->packets++;
    if (!span_eq(sdu, (struct span){ l.command, l.command_len })) {
        struct writer por = wr_of(l.answer, sizeof l.answer);
        WRITER_ON_STACK(plain, SDU_MAX);
        struct span unused;
        l.client->executed++;
        (void)card_secured(l.world, SCP80_CAT_TP, sdu, &por, &plain, &unused);
        l.answer_len = por.len;
        memcpy(l.command, sdu.ptr, l.command_len = sdu.len);
    }
    l.owed = true;
    say();
}

static void on_closed(void *context, uint8_t reason)
{
    (void)context;
    l.client->open = false;
    l.again = reason != CAT_TP_NORMAL;
}

static void connect_now(void)
{
    struct eid eid = world_eid();
    struct cat_tp_config c = { .source = 0xC000,
                               .destination = 9000,
                               .max_pdu = 600,
                               .first_sequence = 77,
                               .ident = SPAN_OF(eid.octets),
                               .retries = 6,
                               .tx = l.tx,
                               .rx = l.rx,
                               .tx_cap = sizeof l.tx,
                               .rx_cap = l.client->sdu_max ? l.client->sdu_max : SDU_MAX,
                               .datagram = of_card,
                               .opened = on_opened,
                               .sdu = on_sdu,
                               .sent = on_sent,
                               .closed = on_closed };
    assert_ok(cat_tp_init(&l.machine, &c));
    l.address++;
    l.up.count = l.down.count = 0;
    l.again = false;
    l.client->open = true;
    cat_tp_connect(&l.machine, l.world->now_ms);
}

void link_open(struct world *w, struct span packet)
{
    l.world = w;
    l.owed = packet.len > 0;
    if (packet.len)
        memcpy(l.answer, packet.ptr, l.answer_len = packet.len);
    connect_now();
}

void link_stray(struct world *w, uint8_t from, struct span datagram)
{
    struct smsr_address address = { .len = 1, .octets = { from } };
    smsr_datagram(w->smsr, &address, datagram);
}

size_t link_replies(void) { return l.strays; }

static uint16_t on_push(struct world *w, uint8_t p2)
{
    l.world = w;
    if (l.client->no_udp)
        return SW_FUNCTION_UNSUPPORTED;
    if (p2 == 2 && !l.client->open)
        connect_now();
    else if (p2 == 2)
        cat_tp_probe(&l.machine); /* a link that the SM-SR has forgotten is reset */
    return SW_OK;
}

static bool deliver_one(struct world *w)
{
    static struct queue one;
    bool up = l.up.count > 0;
    struct queue *q = up ? &l.up : &l.down;
    one.item[0] = q->item[0];
    q->count--;
    memmove(&q->item[0], &q->item[1], q->count * sizeof q->item[0]);
    struct span bytes = { one.item[0].octets, one.item[0].len };
    if (up)
        link_stray(w, l.address, bytes);
    else
        cat_tp_receive(&l.machine, w->now_ms, bytes);
    return true;
}

static bool pump(struct world *w)
{
    if (l.again)
        connect_now();
    if (l.client->open)
        (void)cat_tp_tick(&l.machine, w->now_ms);
    return l.up.count || l.down.count ? deliver_one(w) : false;
}

void link_install(struct world *w, struct link_client *client)
{
    uint8_t address = l.address;
    memset(&l, 0, sizeof l);
    l.address = address % 100; /* strangers are above */
    l.client = client;
    l.world = w;
    w->on_push = on_push;
    w->pump = pump;
    w->datagrams = (struct smsr_datagrams){ w, of_smsr };
    smsr_datagrams_use(w->smsr, &w->datagrams);
}
