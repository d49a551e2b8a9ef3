/* lib/io/pty.h: a pseudo terminal that looks like a serial port: its name is a symbolic link at a path of one's choice.
 * Raw: no echo, no line editing. What is written while nobody reads waits up to PTY_WAITING_MAX octets, then is lost, as
 * on a line without a listener. */
#ifndef OSPREY_IO_PTY_H
#define OSPREY_IO_PTY_H

#include "loop.h"

#define PTY_WAITING_MAX 65536u

struct pty;
/* Octets from the other side; returns how many were taken. The rest is offered again with the next ones, or after
 * pty_resume. */
typedef size_t pty_bytes(void *context, struct span in);

/* A link that exists at `link` is replaced, any other file is not: ERR_EXISTS. ERR_IO, ERR_NO_MEMORY. */
MUST_USE enum err pty_open(struct loop *loop, const char *link, pty_bytes *bytes, void *context, struct pty **ret);
void pty_write(struct pty *pty, struct span bytes);
void pty_resume(struct pty *pty);
void pty_close(struct pty *pty); /* removes the link; NULL is fine */

#endif
