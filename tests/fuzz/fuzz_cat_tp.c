/* Properties: a PDU that reads, writes and reads again the same; datagrams of any content, each with its length in
 * front, leave a connection, of the end that listens or of the one that connects, that never hands out more than it was
 * given, nor more at a time than it has room for. */
#include <assert.h>

#include "lib/wire/cat_tp.h"

#define ROOM 2000u

static size_t handed_out;
static void on_datagram(void *context, struct span bytes) { (void)context, assert(bytes.len <= CAT_TP_PDU_MAX); }
static void on_sdu(void *context, struct span sdu)
{
    (void)context;
    assert(sdu.len <= ROOM);
    handed_out += sdu.len;
}

static void one_pdu(struct span in)
{
    struct cat_tp_pdu p, again;
    WRITER_ON_STACK(w, 70000);
    if (cat_tp_pdu_read(in, &p) != ERR_NONE)
        return;
    cat_tp_pdu_write(&w, &p);
    assert(w.err == ERR_NONE && cat_tp_pdu_read(wr_span(&w), &again) == ERR_NONE);
    assert(p.flags == again.flags && p.sequence == again.sequence && span_eq(p.data, again.data) &&
           span_eq(p.ident, again.ident) && span_eq(p.extended, again.extended));
}

/* The checksum is put right: otherwise nothing gets past it. */
static void one_datagram(struct cat_tp *t, uint64_t now, struct span in)
{
    uint8_t bytes[300];
    memcpy(bytes, in.ptr, in.len);
    if (in.len >= CAT_TP_HEADER_LEN) {
        uint32_t sum = 0;
        bytes[16] = bytes[17] = 0;
        for (size_t i = 0; i < in.len; i++)
            sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
        while (sum >> 16)
            sum = (sum & 0xFFFF) + (sum >> 16);
        bytes[16] = (uint8_t)(~sum >> 8);
        bytes[17] = (uint8_t)~sum;
    }
    one_pdu((struct span){ bytes, in.len });
    cat_tp_receive(t, now, (struct span){ bytes, in.len });
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cat_tp t;
    static uint8_t tx[ROOM], rx[ROOM];
    struct cat_tp_config c = { .source = 0x1111,
                               .destination = 0x2222,
                               .tx = tx,
                               .rx = rx,
                               .tx_cap = sizeof tx,
                               .rx_cap = sizeof rx,
                               .datagram = on_datagram,
                               .sdu = on_sdu };
    uint64_t now = 1000;
    size_t given = 0;
    handed_out = 0;
    one_pdu((struct span){ data, size });
    assert(cat_tp_init(&t, &c) == ERR_NONE);
    if (size && data[size - 1] & 1)
        cat_tp_connect(&t, now);
    else
        cat_tp_listen(&t);
    struct reader r = rd_of((struct span){ data, size });
    while (rd_left(&r)) {
        size_t len = rd_u8(&r);
        struct span one = rd_span(&r, len < rd_left(&r) ? len : rd_left(&r));
        given += one.len;
        if (one.len)
            one_datagram(&t, now += 700, one);
        (void)cat_tp_tick(&t, now);
        if (t.state == CAT_TP_OPEN && len % 3 == 0)
            assert(cat_tp_send(&t, now, (struct span){ data, size < 900 ? size : 900 }) != ERR_STATE);
    }
    assert(handed_out <= given);
    return 0;
}
