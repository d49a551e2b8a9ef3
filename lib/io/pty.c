#include "pty.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define SLAVE_NAME_MAX 64u
#define INPUT_MAX      8192u /* octets that wait for us; then the line is held */

struct pty {
    int slave; /* kept open, so that a program that closes the port does not hang up */
    char *link;
    struct bufferevent *line;
    pty_bytes *bytes;
    void *context;
};

static void hand_over(struct pty *p)
{
    struct evbuffer *in = bufferevent_get_input(p->line);
    size_t len = evbuffer_get_length(in), taken = 1;
    while (len && taken) {
        taken = p->bytes(p->context, (struct span){ evbuffer_pullup(in, -1), len });
        evbuffer_drain(in, taken);
        len = evbuffer_get_length(in);
    }
}

static void on_read(struct bufferevent *line, void *context)
{
    (void)line;
    hand_over(context);
}

/* A line that fails is tried again with the next octet: the slave end is ours as well. */
static void on_event(struct bufferevent *line, short what, void *context)
{
    (void)what;
    (void)context;
    bufferevent_enable(line, EV_READ | EV_WRITE);
}

static bool make_raw(int fd)
{
    struct termios t;
    if (tcgetattr(fd, &t) != 0)
        return false;
    cfmakeraw(&t);
    return tcsetattr(fd, TCSANOW, &t) == 0;
}

static enum err make_link(struct pty *p, const char *slave, const char *link)
{
    struct stat s;
    if (lstat(link, &s) == 0 && !S_ISLNK(s.st_mode))
        return ERR_EXISTS;
    (void)unlink(link);
    if (symlink(slave, link) != 0)
        return ERR_IO;
    p->link = strdup(link);
    return p->link ? ERR_NONE : ERR_NO_MEMORY;
}

/* The master becomes the bufferevent's. */
static enum err start_line(struct pty *p, struct loop *loop, int master)
{
    p->line = bufferevent_socket_new(loop_base(loop), master, BEV_OPT_CLOSE_ON_FREE);
    if (!p->line) {
        close(master);
        return ERR_NO_MEMORY;
    }
    bufferevent_setcb(p->line, on_read, NULL, on_event, p);
    bufferevent_setwatermark(p->line, EV_READ, 0, INPUT_MAX);
    bufferevent_enable(p->line, EV_READ | EV_WRITE);
    return ERR_NONE;
}

static enum err open_pair(struct pty *p, struct loop *loop, const char *link)
{
    char slave[SLAVE_NAME_MAX];
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (master < 0)
        return ERR_IO;
    bool good = grantpt(master) == 0 && unlockpt(master) == 0 && ptsname_r(master, slave, sizeof slave) == 0;
    p->slave = good ? open(slave, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
    if (p->slave < 0 || !make_raw(p->slave)) {
        close(master);
        return ERR_IO;
    }
    enum err err = start_line(p, loop, master);
    return err == ERR_NONE ? make_link(p, slave, link) : err;
}

enum err pty_open(struct loop *loop, const char *link, pty_bytes *bytes, void *context, struct pty **ret)
{
    struct pty *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NO_MEMORY;
    p->slave = -1;
    p->bytes = bytes;
    p->context = context;
    enum err err = open_pair(p, loop, link);
    if (err == ERR_NONE)
        *ret = p;
    else
        pty_close(p);
    return err;
}

void pty_write(struct pty *p, struct span bytes)
{
    if (evbuffer_get_length(bufferevent_get_output(p->line)) + bytes.len <= PTY_WAITING_MAX)
        bufferevent_write(p->line, bytes.ptr, bytes.len);
}

void pty_resume(struct pty *p) { hand_over(p); }

void pty_close(struct pty *p)
{
    if (!p)
        return;
    if (p->link)
        (void)unlink(p->link);
    free(p->link);
    if (p->line)
        bufferevent_free(p->line);
    if (p->slave >= 0)
        close(p->slave);
    free(p);
}
