#include "lib/io/tcp.h"
#include "lib/io/udp.h"
#include "tests/support/test.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static struct loop *loop;

struct side {
    size_t opened, closed, drained, shown;
    uint8_t bytes[300000];
    size_t len, unit; /* takes whole units only */
    enum err err;
    bool close_on_bytes, echo;
    struct tcp_conn *conn;
};
static struct side accepted, dialled;

static void on_open(void *context, struct tcp_conn *conn)
{
    struct side *s = context;
    s->opened++;
    s->conn = conn;
}

static size_t on_bytes(void *context, struct tcp_conn *conn, struct span in)
{
    struct side *s = context;
    size_t take = s->unit ? in.len / s->unit * s->unit : in.len;
    s->shown++;
    memcpy(s->bytes + s->len, in.ptr, take);
    s->len += take;
    if (s->echo)
        assert_ok(tcp_send(conn, span_sub(in, 0, take)));
    if (s->close_on_bytes) {
        tcp_conn_close(conn);
        s->conn = NULL;
    }
    return take;
}

static void on_closed(void *context, struct tcp_conn *conn, enum err err, const char *why)
{
    struct side *s = context;
    assert_non_null(why);
    assert_true(conn == s->conn || s->conn == NULL);
    s->closed++;
    s->conn = NULL;
    s->err = err;
}

static void on_drained(void *context, struct tcp_conn *conn)
{
    (void)conn;
    ((struct side *)context)->drained++;
}

static const struct tcp_handler handler = { on_open, on_bytes, on_closed, on_drained };

static struct tcp_server *begin(void)
{
    enum err err;
    memset(&accepted, 0, sizeof accepted);
    memset(&dialled, 0, sizeof dialled);
    struct tcp_server *s = tcp_server_new(loop, "127.0.0.1", 0, &handler, &accepted, &err, NULL);
    assert_ok(err);
    dialled.conn = tcp_connect(loop, "127.0.0.1", tcp_server_port(s), 0, &handler, &dialled);
    return s;
}

static void rounds(int n)
{
    while (n-- != 0)
        loop_round(loop, 5);
}

static void end(struct tcp_server *s)
{
    if (dialled.conn != NULL)
        tcp_conn_close(dialled.conn);
    if (accepted.conn != NULL)
        tcp_conn_close(accepted.conn);
    tcp_server_free(s);
    rounds(3);
}

static void bytes_go_there_and_back(void **state)
{
    (void)state;
    static uint8_t large[200000];
    struct tcp_server *s = begin();
    accepted.echo = true;
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (uint8_t)(i * 31 >> 3);
    assert_ok(tcp_send(dialled.conn, SPAN_OF(large)));
    rounds(60);
    assert_int_equal(dialled.len, sizeof large);
    assert_memory_equal(dialled.bytes, large, sizeof large);
    assert_true(dialled.drained >= 1);
    assert_int_equal(dialled.opened, 1);
    assert_int_equal(strncmp(tcp_conn_peer(accepted.conn), "127.0.0.1:", 10), 0);
    end(s);
}

static void what_is_left_is_shown_again(void **state)
{
    (void)state;
    struct tcp_server *s = begin();
    accepted.unit = 4;
    assert_ok(tcp_send(dialled.conn, SPAN_LIT("abcdef")));
    rounds(5);
    assert_int_equal(accepted.len, 4);
    assert_ok(tcp_send(dialled.conn, SPAN_LIT("ghi")));
    rounds(5);
    assert_int_equal(accepted.len, 8);
    assert_memory_equal(accepted.bytes, "abcdefgh", 8);
    end(s);
}

static void a_pause_holds_bytes_back(void **state)
{
    (void)state;
    struct tcp_server *s = begin();
    rounds(5);
    tcp_conn_pause(accepted.conn, true);
    assert_ok(tcp_send(dialled.conn, SPAN_LIT("abc")));
    rounds(5);
    assert_int_equal(accepted.len, 0);
    tcp_conn_pause(accepted.conn, false);
    rounds(5);
    assert_int_equal(accepted.len, 3);
    end(s);
}

static void closing_sends_what_waits_and_tells_the_other(void **state)
{
    (void)state;
    struct tcp_server *s = begin();
    rounds(5);
    assert_ok(tcp_send(dialled.conn, SPAN_LIT("last words")));
    tcp_conn_close(dialled.conn);
    dialled.conn = NULL;
    rounds(5);
    assert_int_equal(accepted.len, 10);
    assert_int_equal(accepted.closed, 1);
    assert_fails(accepted.err, ERR_CLOSED);
    assert_int_equal(dialled.closed, 0);
    end(s);
}

static void a_handler_may_close(void **state)
{
    (void)state;
    struct tcp_server *s = begin();
    accepted.close_on_bytes = true;
    assert_ok(tcp_send(dialled.conn, SPAN_LIT("x")));
    rounds(8);
    assert_int_equal(accepted.closed, 0);
    assert_int_equal(dialled.closed, 1);
    end(s);
}

/* The hosts file answers; nothing of the loop waits for it. */
static void a_name_is_looked_up_while_the_loop_runs(void **state)
{
    (void)state;
    enum err err;
    memset(&accepted, 0, sizeof accepted);
    memset(&dialled, 0, sizeof dialled);
    struct tcp_server *s = tcp_server_new(loop, "127.0.0.1", 0, &handler, &accepted, &err, NULL);
    assert_ok(err);
    dialled.conn = tcp_connect(loop, "localhost", tcp_server_port(s), 0, &handler, &dialled);
    assert_int_equal(dialled.opened, 0);
    for (int i = 0; i < 200 && !dialled.opened && !dialled.closed; i++)
        rounds(1);
    assert_int_equal(dialled.opened, 1);
    assert_memory_equal(tcp_conn_peer(dialled.conn), "127.0.0.1:", 10);
    rounds(5);
    end(s);
}

static void nobody_there(void **state)
{
    (void)state;
    memset(&dialled, 0, sizeof dialled);
    dialled.conn = tcp_connect(loop, "127.0.0.1", 1, 0, &handler, &dialled);
    assert_int_equal(dialled.closed, 0);
    rounds(5);
    assert_int_equal(dialled.closed, 1);
    assert_int_equal(dialled.opened, 0);
    enum err err;
    char detail[300];
    assert_null(tcp_server_new(loop, "203.0.113.7", 80, &handler, NULL, &err, detail));
    assert_fails(err, ERR_IO);
    assert_non_null(strstr(detail, "203.0.113.7"));
}

/* ---- the loop itself ---- */

static int hooks, timers, signals;
static bool again;
static bool hook(void *context)
{
    (void)context;
    hooks++;
    bool more = again;
    again = false;
    return more;
}
static void task(void *context) { (*(int *)context)++; }
static void on_signal(void *context, int number)
{
    (void)context;
    assert_int_equal(number, SIGUSR1);
    signals++;
}
static void stop(void *context) { loop_stop(context); }

static void the_loop_wakes_batches_and_signals(void **state)
{
    (void)state;
    struct clock *clock = loop_clock(loop);
    assert_ok(loop_on_batch(loop, hook, NULL));
    assert_ok(loop_on_signal(loop, SIGUSR1, on_signal, NULL));
    uint64_t start = clock->now_ms(clock);
    clock->wake_at(clock, start + 500);
    clock->wake_at(clock, start + 30); /* the earlier one counts */
    loop_round(loop, 2000);
    uint64_t woke = clock->now_ms(clock);
    assert_in_range(woke - start, 29, 300);
    assert_int_equal(hooks, 1);

    struct loop_timer *t = loop_timer_new(loop, task, &timers), *never = loop_timer_new(loop, task, &timers);
    loop_timer_set(t, 10);
    loop_timer_set(never, 10);
    loop_timer_cancel(never);
    kill(getpid(), SIGUSR1);
    rounds(8);
    assert_int_equal(timers, 1);
    assert_int_equal(signals, 1);
    loop_timer_free(never);
    loop_timer_free(t);

    struct loop_timer *end_timer = loop_timer_new(loop, stop, loop);
    hooks = 0;
    again = true; /* the hook has more to do: called again without sleeping */
    loop_timer_set(end_timer, 20);
    loop_run(loop);
    assert_int_equal(hooks, 3);
    loop_timer_free(end_timer);
    loop_off_batch(loop, hook, NULL);
    hooks = 0;
    loop_round(loop, 0);
    assert_int_equal(hooks, 0);
}

static size_t datagrams;
static struct udp *echo_socket;
static void udp_echo(void *context, const struct udp_address *from, struct span datagram)
{
    (void)context;
    assert_ok(udp_send(echo_socket, from, datagram));
}
static void udp_count(void *context, const struct udp_address *from, struct span datagram)
{
    (void)context, (void)from;
    assert_span_equal(datagram, SPAN_LIT("ping"));
    datagrams++;
}

static void datagrams_go_there_and_back(void **state)
{
    (void)state;
    enum err err;
    struct udp_address to;
    echo_socket = udp_open(loop, "127.0.0.1", 0, udp_echo, NULL, &err);
    assert_ok(err);
    struct udp *own = udp_open(loop, "127.0.0.1", 0, udp_count, NULL, &err);
    assert_ok(err);
    assert_ok(udp_address_of("127.0.0.1", udp_port(echo_socket), &to));
    assert_fails(udp_address_of("example.org", 1, &to), ERR_BAD_VALUE);
    assert_ok(udp_send(own, &to, SPAN_LIT("ping")));
    rounds(5);
    assert_int_equal(datagrams, 1);
    udp_close(own);
    udp_close(echo_socket);
}

static int make_loop(void **state)
{
    (void)state;
    return (loop = loop_new()) == NULL;
}
static int drop_loop(void **state)
{
    (void)state;
    loop_free(loop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_there_and_back),
        cmocka_unit_test(what_is_left_is_shown_again),
        cmocka_unit_test(a_pause_holds_bytes_back),
        cmocka_unit_test(closing_sends_what_waits_and_tells_the_other),
        cmocka_unit_test(a_handler_may_close),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(a_name_is_looked_up_while_the_loop_runs),
        cmocka_unit_test(the_loop_wakes_batches_and_signals),
        cmocka_unit_test(datagrams_go_there_and_back),
    };
    return cmocka_run_group_tests(tests, make_loop, drop_loop);
}
