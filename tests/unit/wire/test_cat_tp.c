/* CAT_TP: octets of known PDUs (made and summed up elsewhere), and two ends against each other over a line that loses,
 * doubles, delays and damages datagrams, on a virtual clock. */
#include "tests/support/test.h"

#include "lib/wire/cat_tp.h"

#define EID  "89001012012341234012345678901224"
#define DATA "4400001222221111000300050100000A10ECAABBCC"

/* ---- PDUs ---- */

static void known_pdus(void **state)
{
    (void)state;
    struct cat_tp_pdu p;
    WRITER_ON_STACK(w, 200);
    assert_ok(cat_tp_pdu_read(hex_lit("80000026111122220000 0100 0000 000A 6C5E 00C8 0400" EID), &p));
    assert_int_equal(p.flags, CAT_TP_SYN);
    assert_int_equal(p.source, 0x1111);
    assert_int_equal(p.destination, 0x2222);
    assert_int_equal(p.sequence, 0x0100);
    assert_int_equal(p.window, 10);
    assert_int_equal(p.max_pdu, 200);
    assert_int_equal(p.max_sdu, 1024);
    assert_span_equal(p.ident, hex_lit(EID));
    cat_tp_pdu_write(&w, &p);
    assert_span_equal(wr_span(&w), hex_lit("80000026111122220000 0100 0000 000A 6C5E 00C8 0400" EID));
    assert_ok(cat_tp_pdu_read(hex_lit(DATA), &p));
    assert_int_equal(p.flags, CAT_TP_ACK | CAT_TP_SEG);
    assert_int_equal(p.ack, 0x0100);
    assert_span_equal(p.data, hex_lit("AABBCC"));
}

static void bad_pdus_are_refused(void **state)
{
    (void)state;
    struct cat_tp_pdu p;
    struct span good = hex_lit(DATA);
    uint8_t bytes[64];
    for (size_t len = 0; len < good.len; len++)
        assert_true(cat_tp_pdu_read(span_sub(good, 0, len), &p) != ERR_NONE);
    for (size_t i = 0; i < good.len; i++) {
        memcpy(bytes, good.ptr, good.len);
        bytes[i] ^= 0x10;
        assert_fails(cat_tp_pdu_read((struct span){ bytes, good.len }, &p), ERR_VERIFY);
    }
    WRITER_ON_STACK(w, 64);
    cat_tp_pdu_write(&w, &(struct cat_tp_pdu){ .flags = CAT_TP_ACK | 1 });
    assert_fails(cat_tp_pdu_read(wr_span(&w), &p), ERR_UNSUPPORTED);
    w.len = 0;
    cat_tp_pdu_write(&w, &(struct cat_tp_pdu){ .flags = CAT_TP_NUL, .data = hex_lit("00") });
    assert_fails(cat_tp_pdu_read(wr_span(&w), &p), ERR_BAD_VALUE);
}

/* ---- two ends ---- */

#define LINE_MAX 64u
#define SDU_MAX  9000u

struct world;
struct endpoint {
    struct world *world;
    struct cat_tp t;
    uint8_t tx[SDU_MAX], rx[SDU_MAX];
    uint8_t got[SDU_MAX];
    size_t got_len, sdus, sends, opened, closed;
    uint8_t reason, ident[CAT_TP_IDENT_MAX];
    size_t ident_len;
};
struct world {
    uint64_t now_ms;
    uint32_t seed;
    unsigned loss, doubles, damage; /* per mille */
    struct datagram {
        bool used;
        struct endpoint *to;
        uint64_t at_ms;
        size_t len;
        uint8_t bytes[CAT_TP_PDU_MAX];
    } line[LINE_MAX];
    size_t sent, lost;
    struct endpoint card, server;
};

static uint32_t chance(struct world *w)
{
    w->seed = w->seed * 1664525u + 1013904223u;
    return w->seed >> 8;
}

static void put_on_line(struct world *w, struct endpoint *to, struct span bytes)
{
    if (chance(w) % 1000 < w->loss) {
        w->lost++;
        return;
    }
    for (size_t i = 0; i < LINE_MAX; i++) {
        struct datagram *d = &w->line[i];
        if (d->used)
            continue;
        *d = (struct datagram){ .used = true, .to = to, .at_ms = w->now_ms + 50 + chance(w) % 400, .len = bytes.len };
        memcpy(d->bytes, bytes.ptr, bytes.len);
        if (chance(w) % 1000 < w->damage)
            d->bytes[chance(w) % bytes.len] ^= (uint8_t)(1u << chance(w) % 8);
        return;
    }
}

static void on_datagram(void *context, struct span bytes)
{
    struct endpoint *e = context;
    struct world *w = e->world;
    struct endpoint *to = e == &w->card ? &w->server : &w->card;
    assert_true(bytes.len <= e->t.c.max_pdu || bytes.ptr[0] & CAT_TP_SYN);
    w->sent++;
    put_on_line(w, to, bytes);
    if (chance(w) % 1000 < w->doubles)
        put_on_line(w, to, bytes);
}
static void on_opened(void *context, struct span ident)
{
    struct endpoint *e = context;
    e->opened++;
    e->ident_len = ident.len;
    if (ident.len)
        memcpy(e->ident, ident.ptr, ident.len);
}
static void on_sdu(void *context, struct span sdu)
{
    struct endpoint *e = context;
    e->sdus++;
    e->got_len = sdu.len;
    memcpy(e->got, sdu.ptr, sdu.len);
}
static void on_sent(void *context) { ((struct endpoint *)context)->sends++; }
static void on_closed(void *context, uint8_t reason)
{
    ((struct endpoint *)context)->closed++;
    ((struct endpoint *)context)->reason = reason;
}

static void endpoint_init(struct world *w, struct endpoint *e, uint16_t source, uint16_t destination, uint16_t first,
                          struct span ident)
{
    e->world = w;
    assert_ok(cat_tp_init(&e->t, &(struct cat_tp_config){ .source = source,
                                                          .destination = destination,
                                                          .first_sequence = first,
                                                          .ident = ident,
                                                          .tx = e->tx,
                                                          .rx = e->rx,
                                                          .tx_cap = SDU_MAX,
                                                          .rx_cap = SDU_MAX,
                                                          .context = e,
                                                          .datagram = on_datagram,
                                                          .opened = on_opened,
                                                          .sdu = on_sdu,
                                                          .sent = on_sent,
                                                          .closed = on_closed }));
}

static struct world *world(uint32_t seed, unsigned loss, unsigned doubles, unsigned damage)
{
    struct world *w = calloc(1, sizeof *w);
    *w = (struct world){ .now_ms = 1000, .seed = seed, .loss = loss, .doubles = doubles, .damage = damage };
    endpoint_init(w, &w->card, 0x1111, 0x2222, 0xFFF0, hex_lit(EID)); /* the numbers go over the edge */
    endpoint_init(w, &w->server, 0x2222, 0, 0x8000, SPAN_NONE);
    cat_tp_listen(&w->server.t);
    cat_tp_connect(&w->card.t, w->now_ms);
    return w;
}

/* To the next thing that happens; false: nothing ever will. */
static bool step(struct world *w)
{
    uint64_t a = cat_tp_tick(&w->card.t, w->now_ms), b = cat_tp_tick(&w->server.t, w->now_ms);
    struct datagram *next = NULL;
    uint64_t at = a < b ? a : b;
    for (size_t i = 0; i < LINE_MAX; i++)
        if (w->line[i].used && (!next || w->line[i].at_ms < next->at_ms))
            next = &w->line[i];
    if (next && next->at_ms <= at) {
        w->now_ms = next->at_ms;
        next->used = false;
        cat_tp_receive(&next->to->t, w->now_ms, (struct span){ next->bytes, next->len });
        return true;
    }
    if (at == UINT64_MAX)
        return false;
    w->now_ms = at > w->now_ms ? at : w->now_ms;
    return true;
}

static void carry(struct world *w, struct endpoint *from, struct endpoint *to, size_t len)
{
    uint8_t sdu[SDU_MAX];
    size_t before = to->sdus, sends = from->sends;
    for (size_t i = 0; i < len; i++)
        sdu[i] = (uint8_t)chance(w);
    assert_ok(cat_tp_send(&from->t, w->now_ms, (struct span){ sdu, len }));
    assert_fails(cat_tp_send(&from->t, w->now_ms, (struct span){ sdu, len }), ERR_BUSY);
    for (int i = 0; from->sends == sends && i < 100000; i++)
        assert_true(step(w));
    assert_int_equal(to->sdus, before + 1);
    assert_int_equal(to->got_len, len);
    assert_memory_equal(to->got, sdu, len);
}

static void open_both(struct world *w)
{
    for (int i = 0; !(w->card.opened && w->server.opened) && i < 10000; i++) {
        if (w->card.opened && w->card.t.state == CAT_TP_OPEN)
            cat_tp_probe(&w->card.t); /* its ACK may be lost: it speaks first, as the card does */
        assert_true(step(w));
    }
    assert_int_equal(w->card.opened, 1);
    assert_int_equal(w->server.opened, 1);
    assert_span_equal(((struct span){ w->server.ident, w->server.ident_len }), hex_lit(EID));
}

static void a_perfect_line(void **state)
{
    (void)state;
    struct world *w = world(1, 0, 0, 0);
    open_both(w);
    static const size_t lens[] = { 1, 181, 182, 183, 364, 2000, SDU_MAX };
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        carry(w, &w->card, &w->server, lens[i]);
        carry(w, &w->server, &w->card, lens[i]);
    }
    assert_fails(cat_tp_send(&w->card.t, w->now_ms, (struct span){ w->card.got, 0 }), ERR_TOO_LONG);
    cat_tp_close(&w->card.t);
    while (step(w))
        ;
    assert_int_equal(w->server.closed, 1);
    assert_int_equal(w->server.reason, CAT_TP_NORMAL);
    free(w);
}

static void a_bad_line(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 60; seed++) {
        struct world *w = world(seed, 200, 100, 50);
        open_both(w);
        for (unsigned i = 0; i < 6; i++)
            carry(w, i % 2 ? &w->card : &w->server, i % 2 ? &w->server : &w->card, 1 + chance(w) % 6000);
        assert_true(w->lost > 0 && !w->card.closed && !w->server.closed);
        free(w);
    }
}

static void a_dead_line_is_given_up(void **state)
{
    (void)state;
    struct world *w = world(3, 1000, 0, 0);
    while (step(w))
        assert_true(w->now_ms < 3600000);
    assert_int_equal(w->card.closed, 1);
    assert_int_equal(w->card.reason, CAT_TP_RETRIES);
    assert_int_equal(w->sent, 1 + 10 + 1); /* SYN, ten times again, RST */
    free(w);
    w = world(4, 0, 0, 0);
    open_both(w);
    w->loss = 1000;
    assert_ok(cat_tp_send(&w->card.t, w->now_ms, hex_lit("0102")));
    while (step(w))
        assert_true(w->now_ms < 3600000);
    assert_int_equal(w->card.closed, 1);
    assert_fails(cat_tp_send(&w->card.t, w->now_ms, hex_lit("0102")), ERR_STATE);
    free(w);
}

static void strangers_are_ignored(void **state)
{
    (void)state;
    struct world *w = world(5, 0, 0, 0);
    open_both(w);
    WRITER_ON_STACK(d, 64);
    cat_tp_pdu_write(&d, &(struct cat_tp_pdu){ .flags = CAT_TP_RST, .source = 0x3333, .destination = 0x1111 });
    cat_tp_receive(&w->card.t, w->now_ms, wr_span(&d));
    assert_int_equal(w->card.t.state, CAT_TP_OPEN);
    d.len = 0; /* an acknowledgement of what was never sent, data far outside the window */
    cat_tp_pdu_write(&d, &(struct cat_tp_pdu){ .flags = CAT_TP_ACK, .source = 0x2222, .destination = 0x1111,
                                               .sequence = 0x4000, .ack = 0x4000, .data = hex_lit("FF") });
    cat_tp_receive(&w->card.t, w->now_ms, wr_span(&d));
    assert_int_equal(w->card.sdus, 0);
    carry(w, &w->card, &w->server, 500);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_pdus),         cmocka_unit_test(bad_pdus_are_refused),
        cmocka_unit_test(a_perfect_line),     cmocka_unit_test(a_bad_line),
        cmocka_unit_test(a_dead_line_is_given_up), cmocka_unit_test(strangers_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
