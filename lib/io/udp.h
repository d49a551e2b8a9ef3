/* lib/io/udp.h: datagrams in and out (CAT_TP over BIP). */
#ifndef OSPREY_IO_UDP_H
#define OSPREY_IO_UDP_H

#include <sys/socket.h>

#include "loop.h"

#define UDP_DATAGRAM_MAX 2048u

struct udp;
struct udp_address {
    struct sockaddr_storage storage;
    socklen_t len;
};

typedef void udp_received(void *context, const struct udp_address *from, struct span datagram);

/* A socket bound to address:port (port 0: any). */
struct udp *udp_open(struct loop *loop, const char *address, uint16_t port, udp_received *received, void *context,
                     enum err *ret_err);
uint16_t udp_port(const struct udp *udp);
void udp_close(struct udp *udp);
/* ERR_TOO_LONG, ERR_IO (the datagram is lost, as datagrams are). */
enum err udp_send(struct udp *udp, const struct udp_address *to, struct span datagram);
bool udp_address_eq(const struct udp_address *a, const struct udp_address *b);
/* Numeric addresses only: ERR_BAD_VALUE. */
MUST_USE enum err udp_address_of(const char *address, uint16_t port, struct udp_address *ret);

#endif
