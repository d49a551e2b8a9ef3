#include "loop.h"

#include <event2/dns.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

struct hook {
    loop_hook *run;
    void *context;
};

struct watched_signal {
    struct event *event;
    loop_signal *handler;
    void *context;
};

struct loop {
    struct clock clock; /* first: the clock is the loop */
    struct event_base *base;
    struct evdns_base *resolver;
    struct event *wake, *limit;
    uint64_t wake_ms; /* 0: nobody asked */
    struct hook hooks[LOOP_HOOKS_MAX];
    size_t hook_count;
    struct watched_signal signals[LOOP_SIGNALS_MAX];
    size_t signal_count;
    bool stopping;
};

struct loop_timer {
    struct event *event;
    loop_task *task;
    void *context;
};

static uint64_t loop_now_ms(struct clock *clock)
{
    (void)clock;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static struct timeval delay_of(uint64_t ms)
{
    return (struct timeval){ (time_t)(ms / 1000u), (suseconds_t)(ms % 1000u * 1000u) };
}

static void loop_wake_at(struct clock *clock, uint64_t at_ms)
{
    struct loop *loop = (struct loop *)clock;
    if (loop->wake_ms != 0 && loop->wake_ms <= at_ms)
        return;
    uint64_t now = loop_now_ms(clock);
    struct timeval delay = delay_of(at_ms > now ? at_ms - now : 0);
    loop->wake_ms = at_ms ? at_ms : 1;
    event_add(loop->wake, &delay);
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    ((struct loop *)context)->wake_ms = 0;
}

static void on_limit(evutil_socket_t fd, short what, void *context) { (void)fd, (void)what, (void)context; }

struct loop *loop_new(void)
{
    signal(SIGPIPE, SIG_IGN); /* a peer that is gone is an error of a write, in tools as in daemons */
    struct loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL)
        return NULL;
    struct event_config *config = event_config_new();
    if (config != NULL) {
        event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
        event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST); /* on and off in one round costs nothing */
        loop->base = event_base_new_with_config(config);
        event_config_free(config);
    }
    if (loop->base != NULL) {
        loop->wake = event_new(loop->base, -1, 0, on_wake, loop);
        loop->limit = event_new(loop->base, -1, 0, on_limit, loop);
    }
    if (loop->wake == NULL || loop->limit == NULL) {
        loop_free(loop);
        return NULL;
    }
    loop->clock = (struct clock){ loop_now_ms, loop_wake_at };
    return loop;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    for (size_t i = 0; i < loop->signal_count; i++)
        event_free(loop->signals[i].event);
    if (loop->wake != NULL)
        event_free(loop->wake);
    if (loop->limit != NULL)
        event_free(loop->limit);
    if (loop->resolver != NULL)
        evdns_base_free(loop->resolver, 0);
    if (loop->base != NULL)
        event_base_free(loop->base);
    free(loop);
}

static bool run_hooks(struct loop *loop)
{
    bool more = false;
    for (size_t i = 0; i < loop->hook_count; i++)
        more |= loop->hooks[i].run(loop->hooks[i].context);
    return more;
}

void loop_run(struct loop *loop)
{
    bool more = run_hooks(loop); /* what was left over from before the start */
    loop->stopping = false;
    while (!loop->stopping) {
        event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY | (more ? EVLOOP_NONBLOCK : 0));
        more = run_hooks(loop);
    }
}

void loop_round(struct loop *loop, uint64_t wait_ms)
{
    struct timeval delay = delay_of(wait_ms);
    if (wait_ms != 0)
        event_add(loop->limit, &delay);
    event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY | (wait_ms == 0 ? EVLOOP_NONBLOCK : 0));
    event_del(loop->limit);
    run_hooks(loop);
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
    event_base_loopbreak(loop->base);
}

struct clock *loop_clock(struct loop *loop) { return &loop->clock; }

enum err loop_on_batch(struct loop *loop, loop_hook *hook, void *context)
{
    if (loop->hook_count == LOOP_HOOKS_MAX)
        return ERR_NO_SPACE;
    loop->hooks[loop->hook_count++] = (struct hook){ hook, context };
    return ERR_NONE;
}

void loop_off_batch(struct loop *loop, loop_hook *hook, void *context)
{
    for (size_t i = 0; i < loop->hook_count; i++) {
        if (loop->hooks[i].run != hook || loop->hooks[i].context != context)
            continue;
        loop->hook_count--;
        memmove(&loop->hooks[i], &loop->hooks[i + 1], (loop->hook_count - i) * sizeof loop->hooks[0]);
        return;
    }
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    struct loop_timer *timer = context;
    timer->task(timer->context);
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_task *task, void *context)
{
    struct loop_timer *timer = calloc(1, sizeof *timer);
    if (timer == NULL)
        return NULL;
    *timer = (struct loop_timer){ event_new(loop->base, -1, 0, on_timer, timer), task, context };
    if (timer->event == NULL) {
        free(timer);
        return NULL;
    }
    return timer;
}

void loop_timer_set(struct loop_timer *timer, uint64_t delay_ms)
{
    struct timeval delay = delay_of(delay_ms);
    event_add(timer->event, &delay);
}

void loop_timer_cancel(struct loop_timer *timer) { event_del(timer->event); }

void loop_timer_free(struct loop_timer *timer)
{
    if (timer == NULL)
        return;
    event_free(timer->event);
    free(timer);
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
    (void)what;
    struct watched_signal *s = context;
    s->handler(s->context, (int)number);
}

enum err loop_on_signal(struct loop *loop, int number, loop_signal *handler, void *context)
{
    if (loop->signal_count == LOOP_SIGNALS_MAX)
        return ERR_NO_SPACE;
    struct watched_signal *s = &loop->signals[loop->signal_count];
    *s = (struct watched_signal){ evsignal_new(loop->base, number, on_signal, s), handler, context };
    if (s->event == NULL || event_add(s->event, NULL) != 0)
        return ERR_NO_MEMORY;
    loop->signal_count++;
    return ERR_NONE;
}

struct event_base *loop_base(struct loop *loop) { return loop->base; }

struct evdns_base *loop_resolver(struct loop *loop)
{
    int flags = EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE;
    if (loop->resolver == NULL)
        loop->resolver = evdns_base_new(loop->base, flags);
    return loop->resolver;
}
