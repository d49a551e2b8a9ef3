/* The connection to PostgreSQL behind a relay that stands still, cuts, or keeps answers back: the loop never waits for it.
 * OSPREY_STORE_TEST names the server (tests/support/postgres_server.py). */
#include "tests/support/test.h"
#include "lib/io/loop.h"
#include "lib/io/database.h"
#include "lib/io/postgres.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAIRS_MAX 8
#define SOON_MS   1500 /* an attempt to connect may take 2 s, an answer 3: who waits for one takes longer than this */

/* ---- the relay, a process of its own */

enum order {
    PASS = 'p',
    CUT = 'c',      /* ends all connections, then takes none */
    STILL = 's',    /* takes connections, and carries nothing */
    KEEP = 'k',     /* carries COMMIT, and no answer from then on */
    SWALLOW = 'w',  /* does not carry COMMIT: it cuts instead */
};

struct pair {
    int client, server;
};

struct relay {
    int listener, orders, port;
    enum order order;
    struct pair pairs[PAIRS_MAX];
};

static void pair_close(struct pair *p)
{
    close(p->client);
    close(p->server);
    *p = (struct pair){ -1, -1 };
}

static int connected(int port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof to) ? fd : -1;
}

static void take_client(struct relay *r)
{
    int client = accept(r->listener, NULL, NULL);
    for (int i = 0; i < PAIRS_MAX; i++)
        if (r->pairs[i].client < 0) {
            r->pairs[i] = (struct pair){ client, connected(r->port) };
            return;
        }
    close(client);
}

static void cut(struct relay *r)
{
    for (int i = 0; i < PAIRS_MAX; i++)
        if (r->pairs[i].client >= 0)
            pair_close(&r->pairs[i]);
}

static void carry(struct relay *r, struct pair *p, bool from_client)
{
    char octets[65536];
    ssize_t len = read(from_client ? p->client : p->server, octets, sizeof octets);
    bool commit = from_client && len > 0 && memmem(octets, (size_t)len, "COMMIT", 6);
    if (len <= 0) {
        pair_close(p);
    } else if (commit && r->order == SWALLOW) {
        r->order = STILL;
        cut(r);
    } else if (write(from_client ? p->server : p->client, octets, (size_t)len) != len) {
        pair_close(p);
    }
    if (commit && r->order == KEEP)
        r->order = STILL;
}

static void take_order(struct relay *r)
{
    char order;
    if (read(r->orders, &order, 1) != 1)
        _exit(0);
    r->order = (enum order)order;
    if (r->order == CUT)
        cut(r);
}

static void relay_run(struct relay *r)
{
    for (;;) {
        struct pollfd fds[2 + 2 * PAIRS_MAX] = { { .fd = r->orders, .events = POLLIN } };
        bool carries = r->order != CUT && r->order != STILL;
        fds[1] = (struct pollfd){ .fd = carries ? r->listener : -1, .events = POLLIN };
        for (int i = 0; i < PAIRS_MAX; i++) {
            fds[2 + 2 * i] = (struct pollfd){ .fd = carries ? r->pairs[i].client : -1, .events = POLLIN };
            fds[3 + 2 * i] = (struct pollfd){ .fd = carries ? r->pairs[i].server : -1, .events = POLLIN };
        }
        poll(fds, ARRAY_LEN(fds), -1);
        if (fds[0].revents)
            take_order(r);
        else if (fds[1].revents)
            take_client(r);
        else
            for (int i = 0; i < 2 * PAIRS_MAX; i++)
                if (fds[2 + i].revents && r->pairs[i / 2].client >= 0)
                    carry(r, &r->pairs[i / 2], i % 2 == 0);
    }
}

static int orders, port;
static pid_t relay;

static int bound(int *ret_port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_return_code(bind(fd, (struct sockaddr *)&at, len), 0);
    getsockname(fd, (struct sockaddr *)&at, &len);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

static int relay_start(void **state)
{
    (void)state;
    int ends[2];
    struct relay r = { .order = PASS };
    sscanf(strrchr(getenv("OSPREY_STORE_TEST"), ':'), ":%d", &r.port);
    for (int i = 0; i < PAIRS_MAX; i++)
        r.pairs[i] = (struct pair){ -1, -1 };
    r.listener = bound(&port);
    assert_return_code(listen(r.listener, 8), 0);
    assert_return_code(pipe(ends), 0);
    relay = fork();
    if (!relay) {
        close(ends[1]);
        r.orders = ends[0];
        relay_run(&r);
    }
    close(ends[0]);
    close(r.listener);
    orders = ends[1];
    return 0;
}

static int relay_stop(void **state)
{
    (void)state;
    close(orders);
    waitpid(relay, NULL, 0);
    return 0;
}

static void order(enum order o)
{
    char octet = (char)o;
    assert_int_equal(write(orders, &octet, 1), 1);
}

/* ---- the store before it */

static const struct migration MIGRATIONS[] = { { "0001", "CREATE TABLE tally (n INTEGER NOT NULL);", false } };
static const struct statement ADD = { "add", "INSERT INTO tally (n) VALUES (?1)", NULL };
static const struct statement COUNT = { "count", "SELECT count(*) FROM tally WHERE n=?1", NULL };

static struct loop *loop;
static struct postgres_store *store;
static int64_t used; /* each test has numbers of its own */

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static void note(void *context, enum err err) { *(enum err *)context = err; }

static void opened(const char *conninfo)
{
    enum err err;
    char detail[SQLITE_DETAIL_MAX] = "";
    store = postgres_store_open(&(struct postgres_options){ conninfo, MIGRATIONS, ARRAY_LEN(MIGRATIONS), "one" }, &err, detail);
    if (!store)
        fail_msg("%s: %s", err_text(err), detail);
    loop = loop_new();
    postgres_store_watch(store, loop);
}

static void open_here(void)
{
    char conninfo[200];
    snprintf(conninfo, sizeof conninfo, "postgresql://postgres@127.0.0.1:%d/relay?connect_timeout=2", port);
    order(PASS);
    opened(conninfo);
}

static void close_here(void)
{
    order(PASS);
    postgres_store_close(store);
    loop_free(loop);
}

/* Each of these is one call, and must be back soon. */
static enum err soon(uint64_t began, enum err err)
{
    assert_true(now_ms() - began < SOON_MS);
    return err;
}

static enum err found(int64_t n, int64_t *ret)
{
    struct arena arena;
    uint64_t began = now_ms();
    struct store *s = postgres_store_seam(store);
    enum err err = ERR_COUNT;
    const struct value number = value_int(n);
    arena_init(&arena, 65536);
    struct rowset rows = { .arena = &arena };
    rowset_want(&rows, &COUNT, &number, 1);
    s->load(s, &rows, note, &err);
    if (err == ERR_NONE)
        *ret = row_int(&rows.queries[0].rows[0], 0);
    arena_release(&arena);
    return soon(began, err);
}

static enum err add(int64_t n)
{
    static const char *const line[] = { "line" };
    struct store *s = postgres_store_seam(store);
    enum err err = ERR_COUNT;
    bool mine = false;
    const struct value number = value_int(n);
    const struct write write = { .statement = &ADD, .params = &number, .param_count = 1, .expect_rows = 1 };
    uint64_t began = now_ms();
    s->nodes->claim(s, line, 1, &mine, note, &err);
    if (err != ERR_NONE)
        return soon(began, err);
    assert_true(mine);
    s->commit(s, &write, 1, note, &err);
    return soon(began, err);
}

static enum err settled(void)
{
    struct store *s = postgres_store_seam(store);
    enum err err = ERR_COUNT;
    uint64_t began = now_ms();
    s->nodes->settle(s, note, &err);
    return soon(began, err);
}

static void rounds(uint64_t ms)
{
    for (uint64_t until = now_ms() + ms, began; (began = now_ms()) < until;) {
        loop_round(loop, 20);
        (void)!soon(began, ERR_NONE);
    }
}

/* What a call says once it says something else than "not now". */
static enum err in_time(enum err (*call)(void))
{
    enum err err = ERR_CLOSED;
    for (uint64_t until = now_ms() + 20000; err == ERR_CLOSED && now_ms() < until; err = call())
        rounds(50);
    return err;
}

static enum err is_there(void)
{
    int64_t n;
    return found(0, &n);
}

static int64_t count_of(int64_t n)
{
    int64_t count = -1;
    assert_ok(in_time(is_there));
    assert_ok(found(n, &count));
    return count;
}

/* ---- tests */

static void a_new_connection_is_made_beside_the_work(void **state)
{
    (void)state;
    open_here();
    uint32_t life = postgres_store_seam(store)->nodes->life;
    order(CUT);
    order(STILL);
    rounds(100);
    for (int i = 0; i < 25; i++) { /* longer than an attempt lasts */
        assert_fails(is_there(), ERR_CLOSED);
        assert_fails(add(++used), ERR_CLOSED);
        rounds(100);
    }
    assert_non_null(strstr(postgres_store_detail(store), "no answer in time"));
    order(PASS);
    assert_ok(in_time(is_there));
    assert_true(postgres_store_seam(store)->nodes->life > life);
    assert_ok(add(++used));
    assert_int_equal(count_of(used), 1);
    close_here();
}

static void a_late_commit_is_waited_for_in_the_loop(void **state)
{
    (void)state;
    open_here();
    order(KEEP);
    assert_fails(add(++used), ERR_IO);
    for (int i = 0; i < 10; i++) {
        assert_fails(settled(), ERR_CLOSED);
        assert_fails(is_there(), ERR_CLOSED);
        assert_fails(add(used + 1), ERR_CLOSED);
        rounds(50);
    }
    order(PASS);
    assert_ok(in_time(settled));
    assert_int_equal(count_of(used), 1);
    assert_ok(add(++used));
    close_here();
}

static void a_commit_whose_answer_is_lost_was_done(void **state)
{
    (void)state;
    open_here();
    order(KEEP);
    assert_fails(add(++used), ERR_IO);
    order(CUT);
    order(PASS);
    assert_ok(in_time(settled));
    assert_int_equal(count_of(used), 1);
    close_here();
}

static void a_commit_that_did_not_come_there_was_not(void **state)
{
    (void)state;
    open_here();
    order(SWALLOW);
    assert_fails(add(++used), ERR_IO);
    assert_fails(settled(), ERR_CLOSED);
    order(PASS);
    assert_fails(in_time(settled), ERR_CONFLICT);
    assert_int_equal(count_of(used), 0);
    assert_ok(add(used));
    close_here();
}

/* One host is silent, one refuses, one answers; and the same when the connection is made anew, with another host first. */
static void the_host_that_answers_is_found(void **state)
{
    (void)state;
    char conninfo[300];
    int dead, silent;
    close(bound(&dead));
    int listener = bound(&silent);
    assert_return_code(listen(listener, 8), 0);
    order(PASS);
    snprintf(conninfo, sizeof conninfo, "postgresql://postgres@127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d/relay?connect_timeout=1", silent, dead,
             port);
    opened(conninfo);
    for (int i = 0; i < 2; i++) {
        order(CUT);
        order(PASS);
        rounds(50);
        assert_ok(in_time(is_there));
    }
    close(listener);
    close_here();
}

/* ---- programs of several ages on one schema */

static const struct migration AGES[] = { { "0001", "CREATE TABLE tally (n INTEGER NOT NULL);", false },
                                         { "0002", "ALTER TABLE tally ADD COLUMN m INTEGER;", false },
                                         { "0003", "ALTER TABLE tally DROP COLUMN m;", true },
                                         { "0004", "ALTER TABLE tally ADD COLUMN k INTEGER;", false } };

static struct postgres_store *of_age(size_t count, const char *name, enum err want, const char *why)
{
    char conninfo[200], detail[SQLITE_DETAIL_MAX] = "";
    enum err err;
    snprintf(conninfo, sizeof conninfo, "%s/ages", getenv("OSPREY_STORE_TEST"));
    struct postgres_store *s = postgres_store_open(&(struct postgres_options){ conninfo, AGES, count, name }, &err, detail);
    assert_int_equal(err, want);
    assert_non_null(strstr(detail, why));
    return s;
}

static int64_t version_of(struct postgres_store *s)
{
    static const struct statement version = { "version", "SELECT version FROM osprey_schema", NULL };
    struct store *seam = postgres_store_seam(s);
    struct arena arena;
    enum err err = ERR_COUNT;
    arena_init(&arena, 65536);
    struct rowset rows = { .arena = &arena };
    rowset_want(&rows, &version, NULL, 0);
    seam->load(seam, &rows, note, &err);
    assert_ok(err);
    int64_t n = row_int(&rows.queries[0].rows[0], 0);
    arena_release(&arena);
    return n;
}

/* What a program of so many migrations hears before it starts, and that the visit leaves nothing. */
static void would_open(size_t count, enum err want, const char *why)
{
    char conninfo[200], detail[DATABASE_DETAIL_MAX] = "";
    snprintf(conninfo, sizeof conninfo, "%s/ages", getenv("OSPREY_STORE_TEST"));
    assert_int_equal(database_check(conninfo, AGES, count, detail), want);
    assert_non_null(strstr(detail, why));
}

/* A node ends as an engine does: it takes itself off the list. */
static void leave(struct postgres_store *s)
{
    static const struct statement nothing = { "nothing", "UPDATE tally SET n=n WHERE n=?1", NULL };
    enum err err = ERR_COUNT;
    struct store *seam = postgres_store_seam(s);
    seam->nodes->leave(seam, &nothing, note, &err);
    assert_ok(err);
    postgres_store_close(s);
}

static void what_is_taken_away_waits_for_the_old(void **state)
{
    (void)state;
    would_open(1, ERR_NONE, ""); /* there is no schema yet, and stays none */
    struct postgres_store *old = of_age(1, "old", ERR_NONE, "");
    struct postgres_store *new = of_age(3, "new", ERR_NONE, "");
    assert_int_equal(version_of(new), 2);
    of_age(4, "newest", ERR_BUSY, "1 nodes still run a program that does not know it"); /* what it needs stands behind that */
    leave(of_age(1, "old-too", ERR_NONE, ""));
    leave(old);
    assert_int_equal(version_of(new), 2);
    struct postgres_store *another = of_age(3, "another", ERR_NONE, "");
    assert_int_equal(version_of(new), 3);
    of_age(1, "old", ERR_UNSUPPORTED, "newer than this program");
    would_open(1, ERR_UNSUPPORTED, "newer than this program");
    would_open(3, ERR_NONE, "");
    leave(of_age(4, "newest", ERR_NONE, ""));
    leave(another);
    leave(new);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_connection_is_made_beside_the_work), cmocka_unit_test(a_late_commit_is_waited_for_in_the_loop),
        cmocka_unit_test(a_commit_whose_answer_is_lost_was_done),   cmocka_unit_test(a_commit_that_did_not_come_there_was_not),
        cmocka_unit_test(the_host_that_answers_is_found),           cmocka_unit_test(what_is_taken_away_waits_for_the_old),
    };
    return cmocka_run_group_tests(tests, relay_start, relay_stop);
}
