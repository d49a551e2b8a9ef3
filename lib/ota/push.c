#include "push.h"

#include "lib/gp/apdu.h"

#define BIP          0x01u
#define OPEN_CHANNEL 0x01u
#define OPEN_LINK    0x02u

static void command(struct writer *w, uint8_t p2, struct span objects)
{
    const uint8_t head[] = { CLA_GP, INS_PUSH, BIP, p2, (uint8_t)objects.len };
    wr_bytes(w, SPAN_OF(head));
    wr_bytes(w, objects);
    wr_u8(w, 0x00);
}

static void transport(struct writer *w, uint8_t kind, uint16_t port)
{
    const uint8_t value[] = { kind, (uint8_t)(port >> 8), (uint8_t)port };
    wr_tlv(w, 0x3C, SPAN_OF(value));
}

void push_channel_write(struct writer *w, const struct push_channel *c)
{
    WRITER_ON_STACK(objects, 64);
    const uint8_t address[] = { 0x21, c->ipv4[0], c->ipv4[1], c->ipv4[2], c->ipv4[3] };
    wr_bytes(&objects, SPAN_LIT("\x35\x01\x03\x39\x02\x05\x78")); /* default bearer, 1400 octets */
    if (c->has_address) {
        transport(&objects, 0x01, c->port);
        wr_tlv(&objects, 0x3E, SPAN_OF(address));
    }
    command(w, OPEN_CHANNEL, wr_span(&objects));
}

void push_link_write(struct writer *w, uint16_t port, struct span identification)
{
    WRITER_ON_STACK(objects, 96);
    transport(&objects, 0x00, port);
    wr_tlv(&objects, 0x36, identification);
    if (objects.err != ERR_NONE)
        wr_fail(w, objects.err);
    command(w, OPEN_LINK, wr_span(&objects));
}
