/* operator/listen.c: `osprey listen` and `osprey inbox`. */
#include <signal.h>
#include <stdio.h>

#include "commands.h"
#include "hook.h"
#include "poll.h"
#include "show.h"

#define TICK_MS  100u
#define LINGER_S 90u /* for what is still to be handed on */

struct listening {
    struct op_session *s;
    struct hook *hook; /* NULL: nothing is handed on */
    struct poller *poller; /* NULL: everything comes to the endpoint */
    uint32_t left;     /* 0: no end */
    bool over, failed;
};

static void on_message(void *context, const struct es_message *m, struct span soap)
{
    struct listening *l = context;
    (void)soap;
    op_show_message(l->s, m);
    if (l->hook)
        hook_message(l->hook, m);
    if (l->left && --l->left == 0)
        l->over = true;
}

static void on_signal(void *context, int number)
{
    struct listening *l = context;
    (void)number;
    l->over = true;
}

static void listen_until_over(struct listening *l)
{
    struct clock *clock = loop_clock(l->s->loop);
    uint64_t end = 0;
    while (!l->over || (l->hook && !hook_idle(l->hook) && clock->now_ms(clock) < end)) {
        loop_round(l->s->loop, TICK_MS);
        if (l->poller && !l->over && poller_tick(l->poller) != ERR_NONE)
            l->over = l->failed = true;
        if (l->hook)
            hook_tick(l->hook);
        if (l->over && !end)
            end = clock->now_ms(clock) + 1000 * LINGER_S;
    }
    if (!l->failed)
        poller_last(l->poller);
    for (int i = 0; i < 5; i++) /* the last acknowledgement leaves */
        loop_round(l->s->loop, 10);
}

enum op_exit op_listen(struct op_session *s, const struct op_arguments *a)
{
    struct listening l = { .s = s, .left = a->count };
    bool poll = a->given & OPT(POLL);
    if (!poll && op_session_endpoint(s) != ERR_NONE)
        return OP_LOCAL;
    if (!poll && !s->server) {
        snprintf(s->detail, sizeof s->detail, "%s:%u is taken: another `osprey listen` runs, or another program",
                 s->config.address, s->config.port);
        return OP_LOCAL;
    }
    s->on_message = on_message;
    s->context = &l;
    if (loop_on_signal(s->loop, SIGTERM, on_signal, &l) != ERR_NONE ||
        loop_on_signal(s->loop, SIGINT, on_signal, &l) != ERR_NONE)
        return OP_LOCAL;
    if ((a->webhook || a->exec) && !(l.hook = hook_new(s, a->webhook, a->secret, a->exec)))
        return OP_LOCAL;
    if (poll && !(l.poller = poller_new(s, NULL, 0)))
        return OP_LOCAL;
    if (poll && !poller_count(l.poller)) {
        snprintf(s->detail, sizeof s->detail, "no partner has poll in the configuration: there is nothing to fetch");
        return OP_USAGE;
    }
    if (s->json)
        printf("{\"listening\":\"%s\"}\n", poll ? "poll" : s->url);
    else
        printf("osprey: ready, %s %s\n", poll ? "fetching" : "listening at", poll ? "what partners say" : s->url);
    fflush(stdout);
    listen_until_over(&l);
    s->on_message = NULL;
    hook_free(l.hook);
    return l.failed ? OP_LOCAL : OP_OK;
}

struct reading {
    struct op_session *s;
    uint64_t last;
    uint32_t left;
    bool counted;
};

static bool on_row(void *context, const struct inbox_row *row)
{
    struct reading *r = context;
    r->last = row->number;
    op_show_row(r->s, row);
    return !r->counted || --r->left;
}

enum op_exit op_inbox(struct op_session *s, const struct op_arguments *a)
{
    struct reading r = { s, 0, a->count, a->count };
    if (!s->inbox) {
        snprintf(s->detail, sizeof s->detail, "there is no inbox in [operator] of the configuration");
        return OP_LOCAL;
    }
    do {
        if (inbox_each(s->inbox, r.last, on_row, &r) != ERR_NONE) {
            snprintf(s->detail, sizeof s->detail, "the inbox cannot be read");
            return OP_LOCAL;
        }
        if (a->given & OPT(FOLLOW) && (!r.counted || r.left))
            loop_round(s->loop, 200);
    } while (a->given & OPT(FOLLOW) && (!r.counted || r.left));
    return OP_OK;
}
