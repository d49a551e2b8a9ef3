/* lib/io/loop.h: the one event loop of a program: sockets (through the other headers of this folder), timers, signals,
 * and a clock whose wake_at works. One thread; nothing here may be called from another one.
 *
 * A round of the loop: sleep until something is ready, run everything that is ready, then call the batch hooks. An
 * engine gathers events while handlers run and works them off in its hook: one commit per round, however many
 * messages came in. */
#ifndef OSPREY_IO_LOOP_H
#define OSPREY_IO_LOOP_H

#include "lib/base/env.h"

struct event_base;
struct evdns_base;
struct loop;
struct loop_timer;

#define LOOP_HOOKS_MAX 16u
#define LOOP_SIGNALS_MAX 8u

/* NULL when the machine has no memory or no descriptors. */
struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* Runs until loop_stop. Everything that was ready before the stop is still handled, the hooks included. */
void loop_run(struct loop *loop);
/* One round; sleeps at most wait_ms (0: not at all). For tests and for programs that wait for one thing. */
void loop_round(struct loop *loop, uint64_t wait_ms);
void loop_stop(struct loop *loop);

/* Real time. wake_at ends the sleep at that time, so that the hooks run; only the earliest time asked for counts and
 * it is forgotten when it has come. */
struct clock *loop_clock(struct loop *loop);

/* Called after everything that was ready has been handled, before the loop sleeps, in the order of registration.
 * A hook that returns true has more to do: the loop looks for ready sockets and calls again without sleeping.
 * ERR_NO_SPACE over LOOP_HOOKS_MAX. */
typedef bool loop_hook(void *context);
MUST_USE enum err loop_on_batch(struct loop *loop, loop_hook *hook, void *context);
/* Takes a hook out again; unknown ones are ignored. */
void loop_off_batch(struct loop *loop, loop_hook *hook, void *context);

/* A timer fires once per set; setting it again moves it. */
typedef void loop_task(void *context);
struct loop_timer *loop_timer_new(struct loop *loop, loop_task *task, void *context);
void loop_timer_set(struct loop_timer *timer, uint64_t delay_ms);
void loop_timer_cancel(struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer); /* NULL is fine */

/* The handler runs in the loop, not in the signal. */
typedef void loop_signal(void *context, int number);
MUST_USE enum err loop_on_signal(struct loop *loop, int number, loop_signal *handler, void *context);

/* For the rest of this folder. */
struct event_base *loop_base(struct loop *loop);
/* The resolver: the hosts file and the name servers of resolv.conf; made at the first name. NULL: no memory. */
struct evdns_base *loop_resolver(struct loop *loop);

#endif
