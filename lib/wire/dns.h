/* lib/wire/dns.h: DNS as a card needs it (RFC 1035): a question for the IPv4 addresses of a host, and a strict reader
 * of its answer. Pure: bytes in, bytes out; whoever asks draws the identifier and says what it asked for. */
#ifndef OSPREY_WIRE_DNS_H
#define OSPREY_WIRE_DNS_H

#include "lib/codec/reader.h"
#include "lib/codec/writer.h"

#define DNS_NAME_MAX      253u /* characters of a name as text, without the dot at its end */
#define DNS_MESSAGE_MAX   512u /* octets over UDP */
#define DNS_ADDRESSES_MAX 8u   /* more are not looked at */

/* Letters, digits and hyphens in labels of 1 … 63; a dot at the end is allowed. */
bool dns_name_is_good(struct span name);

/* Recursion is asked for. ERR_BAD_VALUE: no such name. */
MUST_USE enum err dns_query_write(struct writer *w, uint16_t id, struct span name);

struct dns_answer {
    uint8_t ipv4[DNS_ADDRESSES_MAX][4];
    size_t count;   /* at least one */
    uint32_t ttl_s; /* the shortest on the way */
};
/* The answer to the query with this identifier and name, aliases (CNAME) followed. ERR_VERIFY: it answers something
 * else; ERR_NOT_FOUND: there is no such name, or it has no IPv4 address; ERR_DENIED: the server cannot or does not want
 * to; ERR_TRUNCATED: cut short, by the server (TC) or on the way; ERR_BAD_VALUE, ERR_BAD_LENGTH: broken. */
MUST_USE enum err dns_answer_read(struct span message, uint16_t id, struct span name, struct dns_answer *ret);

#endif
