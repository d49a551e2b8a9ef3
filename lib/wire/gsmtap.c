#include "gsmtap.h"

#define PCAP_MAGIC        0xA1B2C3D4u
#define PCAP_SNAPLEN      65535u
#define PCAP_LINK_IPV4    228u
#define LOOPBACK          0x7F000001u
#define PORT_GSMTAP       4729u
#define IP_HEADER_SIZE    20u
#define UDP_HEADER_SIZE   8u
#define GSMTAP_SIZE       16u
enum { SUBTYPE_APDU = 0, SUBTYPE_ATR = 1 };

void wr_gsmtap_file_header(struct writer *w)
{
    wr_u32(w, PCAP_MAGIC);
    wr_u16(w, 2); /* version 2.4 */
    wr_u16(w, 4);
    wr_fill(w, 0, 8); /* UTC, exact */
    wr_u32(w, PCAP_SNAPLEN);
    wr_u32(w, PCAP_LINK_IPV4);
}

static uint16_t ip_checksum(const uint8_t *header)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < IP_HEADER_SIZE; i += 2)
        sum += (uint32_t)(header[i] << 8 | header[i + 1]);
    while (sum >> 16)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return (uint16_t)~sum;
}

static void wr_ip(struct writer *w, uint16_t total)
{
    size_t at = w->len;
    wr_u16(w, 0x4500);
    wr_u16(w, total);
    wr_u32(w, 0x00004000); /* no id, do not fragment */
    wr_u16(w, 0x4011);     /* TTL, UDP */
    wr_u16(w, 0);
    wr_u32(w, LOOPBACK);
    wr_u32(w, LOOPBACK);
    if (w->err != ERR_NONE)
        return;
    uint16_t sum = ip_checksum(w->buf + at);
    w->buf[at + 10] = (uint8_t)(sum >> 8);
    w->buf[at + 11] = (uint8_t)sum;
}

static void wr_udp(struct writer *w, uint16_t len)
{
    wr_u16(w, PORT_GSMTAP);
    wr_u16(w, PORT_GSMTAP);
    wr_u16(w, len);
    wr_u16(w, 0); /* no checksum */
}

static void wr_gsmtap(struct writer *w, uint8_t slot, uint8_t subtype)
{
    wr_u32(w, 0x02040400u | slot); /* version 2, 4 words, SIM */
    wr_fill(w, 0, 8);
    wr_u8(w, subtype);
    wr_fill(w, 0, 3);
}

void wr_gsmtap_record(struct writer *w, uint64_t at_ms, uint8_t slot, struct span command, struct span answer)
{
    if (command.len > 5 && command.len == 6u + command.ptr[4])
        command.len--;
    uint16_t udp = (uint16_t)(UDP_HEADER_SIZE + GSMTAP_SIZE + command.len + answer.len);
    uint16_t total = (uint16_t)(IP_HEADER_SIZE + udp);
    wr_u32(w, (uint32_t)(at_ms / 1000));
    wr_u32(w, (uint32_t)(at_ms % 1000) * 1000);
    wr_u32(w, total);
    wr_u32(w, total);
    wr_ip(w, total);
    wr_udp(w, udp);
    wr_gsmtap(w, slot, command.len ? SUBTYPE_APDU : SUBTYPE_ATR);
    wr_bytes(w, command);
    wr_bytes(w, answer);
}
