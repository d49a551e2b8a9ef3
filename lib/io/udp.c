#include "udp.h"

#include "inside.h"

#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#define DATAGRAMS_PER_ROUND 64

struct udp {
    int fd;
    struct event *event;
    udp_received *received;
    void *context;
    bool closed, working;
};

static void udp_free(struct udp *u)
{
    if (u->event != NULL)
        event_free(u->event);
    if (u->fd >= 0)
        close(u->fd);
    free(u);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    (void)what;
    struct udp *u = context;
    uint8_t datagram[UDP_DATAGRAM_MAX];
    u->working = true;
    for (int i = 0; i < DATAGRAMS_PER_ROUND && !u->closed; i++) {
        struct udp_address from = { .len = sizeof from.storage };
        ssize_t n = recvfrom(fd, datagram, sizeof datagram, 0, (struct sockaddr *)&from.storage, &from.len);
        if (n < 0)
            break;
        u->received(u->context, &from, (struct span){ datagram, (size_t)n });
    }
    u->working = false;
    if (u->closed)
        udp_free(u);
}

static bool udp_bind(struct udp *u, struct loop *loop, const struct udp_address *a)
{
    u->fd = socket(a->storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (u->fd < 0 || bind(u->fd, (const struct sockaddr *)&a->storage, a->len) != 0)
        return false;
    u->event = event_new(loop_base(loop), u->fd, EV_READ | EV_PERSIST, on_readable, u);
    return u->event != NULL && event_add(u->event, NULL) == 0;
}

enum err udp_address_of(const char *address, uint16_t port, struct udp_address *ret)
{
    struct udp_address a;
    if (strspn(address, "0123456789abcdefABCDEF.:") != strlen(address))
        return ERR_BAD_VALUE;
    if (address_of(address, port, &a.storage, &a.len) != ERR_NONE)
        return ERR_BAD_VALUE;
    *ret = a;
    return ERR_NONE;
}

struct udp *udp_open(struct loop *loop, const char *address, uint16_t port, udp_received *received, void *context,
                     enum err *ret_err)
{
    struct udp_address a;
    *ret_err = udp_address_of(address, port, &a);
    struct udp *u = *ret_err == ERR_NONE ? calloc(1, sizeof *u) : NULL;
    if (u == NULL) {
        *ret_err = *ret_err != ERR_NONE ? *ret_err : ERR_NO_MEMORY;
        return NULL;
    }
    *u = (struct udp){ .fd = -1, .received = received, .context = context };
    if (!udp_bind(u, loop, &a)) {
        *ret_err = ERR_IO;
        udp_free(u);
        return NULL;
    }
    return u;
}

bool udp_address_eq(const struct udp_address *a, const struct udp_address *b)
{
    const struct sockaddr_in *a4 = (const struct sockaddr_in *)&a->storage, *b4 = (const struct sockaddr_in *)&b->storage;
    const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)&a->storage,
                              *b6 = (const struct sockaddr_in6 *)&b->storage;
    if (a->storage.ss_family != b->storage.ss_family)
        return false;
    if (a->storage.ss_family == AF_INET)
        return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
    return a6->sin6_port == b6->sin6_port && memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof a6->sin6_addr) == 0;
}

uint16_t udp_port(const struct udp *udp)
{
    struct sockaddr_storage sa = { 0 };
    socklen_t len = sizeof sa;
    if (getsockname(udp->fd, (struct sockaddr *)&sa, &len) != 0)
        return 0;
    return ntohs(sa.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&sa)->sin6_port
                                          : ((struct sockaddr_in *)&sa)->sin_port);
}

void udp_close(struct udp *udp)
{
    if (udp == NULL || udp->closed)
        return;
    udp->closed = true;
    if (!udp->working)
        udp_free(udp);
}

enum err udp_send(struct udp *udp, const struct udp_address *to, struct span datagram)
{
    if (datagram.len > UDP_DATAGRAM_MAX)
        return ERR_TOO_LONG;
    ssize_t n = sendto(udp->fd, datagram.ptr, datagram.len, 0, (const struct sockaddr *)&to->storage, to->len);
    return n == (ssize_t)datagram.len ? ERR_NONE : ERR_IO;
}
