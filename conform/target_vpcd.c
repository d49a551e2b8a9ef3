/* Plays the reader of vsmartcard: listens where vpcd would, and the card (osprey-euicc serve --vpcd) comes to it. Each
 * message is two octets of length and, towards the card, one octet of control or a command; real time. */
#include "target.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define ACCEPT_MS 30000
#define ANSWER_MS 20000
#define ATR_MAX   64u
enum { VPCD_OFF = 0, VPCD_ON = 1, VPCD_RESET = 2, VPCD_ATR = 4 };

struct vpcd {
    struct target target;
    int fd;
};

static struct vpcd *vpcd_of(struct target *t) { return (struct vpcd *)t; }

static enum err send_message(struct vpcd *v, struct span message)
{
    WRITER_ON_STACK(w, 2 + EUICC_CAPDU_MAX);
    wr_u16(&w, (uint16_t)message.len);
    wr_bytes(&w, message);
    if (w.err != ERR_NONE)
        return w.err;
    return write(v->fd, w.buf, w.len) == (ssize_t)w.len ? ERR_NONE : ERR_IO;
}

static enum err read_exactly(struct vpcd *v, uint8_t *out, size_t len)
{
    while (len) {
        struct pollfd p = { .fd = v->fd, .events = POLLIN };
        if (poll(&p, 1, ANSWER_MS) != 1)
            return ERR_CLOSED;
        ssize_t n = read(v->fd, out, len);
        if (n <= 0)
            return ERR_CLOSED;
        out += n;
        len -= (size_t)n;
    }
    return ERR_NONE;
}

static enum err receive(struct vpcd *v, struct writer *ret)
{
    uint8_t head[2];
    enum err err = read_exactly(v, head, 2);
    if (err != ERR_NONE)
        return err;
    size_t len = (size_t)(head[0] << 8 | head[1]);
    uint8_t *to = wr_room(ret, len);
    return to || len == 0 ? read_exactly(v, to, len) : ERR_TOO_LONG;
}

static enum err control(struct vpcd *v, uint8_t what) { return send_message(v, (struct span){ &what, 1 }); }

/* Asks for the ATR: the answer says that everything before it is done. */
static enum err settle(struct vpcd *v)
{
    WRITER_ON_STACK(atr, ATR_MAX);
    enum err err = control(v, VPCD_ATR);
    return err == ERR_NONE ? receive(v, &atr) : err;
}

static enum err vpcd_reset(struct target *t)
{
    enum err err = control(vpcd_of(t), VPCD_RESET);
    return err == ERR_NONE ? settle(vpcd_of(t)) : err;
}

static enum err vpcd_power_cycle(struct target *t)
{
    enum err err = control(vpcd_of(t), VPCD_OFF);
    if (err == ERR_NONE)
        err = control(vpcd_of(t), VPCD_ON);
    return err == ERR_NONE ? settle(vpcd_of(t)) : err;
}

static enum err vpcd_transmit(struct target *t, struct span capdu, struct writer *ret)
{
    enum err err = send_message(vpcd_of(t), capdu);
    return err == ERR_NONE ? receive(vpcd_of(t), ret) : err;
}

static void vpcd_free(struct target *t)
{
    if (vpcd_of(t)->fd >= 0)
        close(vpcd_of(t)->fd);
    free(t);
}

static enum err accept_card(uint16_t port, int *ret_fd)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    enum err err = ERR_IO;
    if (listener < 0)
        return ERR_IO;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct pollfd p = { .fd = listener, .events = POLLIN };
    if (bind(listener, (struct sockaddr *)&a, sizeof a) == 0 && listen(listener, 1) == 0) {
        *ret_fd = poll(&p, 1, ACCEPT_MS) == 1 ? accept(listener, NULL, NULL) : -1;
        err = *ret_fd >= 0 ? ERR_NONE : ERR_NOT_FOUND;
    }
    close(listener);
    if (err == ERR_NONE)
        setsockopt(*ret_fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return err;
}

enum err target_vpcd_new(uint16_t port, unsigned speed, struct target **ret)
{
    struct vpcd *v = calloc(1, sizeof *v);
    if (!v)
        return ERR_NO_MEMORY;
    v->fd = -1;
    v->target = (struct target){
        .free = vpcd_free, .reset = vpcd_reset, .power_cycle = vpcd_power_cycle, .transmit = vpcd_transmit
    };
    target_real_begin(&v->target, speed);
    enum err err = accept_card(port, &v->fd);
    if (err == ERR_NONE)
        err = vpcd_power_cycle(&v->target);
    if (err == ERR_NONE)
        *ret = &v->target;
    else
        vpcd_free(&v->target);
    return err;
}
