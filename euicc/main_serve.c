/* serve: cards in the readers of vpcd. Its protocol: two octets of length, then one octet of control or a command. */
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "card.h"
#include "lib/io/file.h"
#include "lib/io/loop.h"
#include "lib/io/tcp.h"
#include "main.h"

enum vpcd_control { VPCD_OFF = 0, VPCD_ON = 1, VPCD_RESET = 2, VPCD_ATR = 4 };
#define VPCD_AGAIN_MS 1000u
#define VPCD_HOST     "127.0.0.1"
#define VPCD_PORT     35963u
#define PATH_TEXT_MAX 1024u

struct server {
    struct tool *p;
    struct loop *loop;
    size_t count;
    struct reader_slot {
        struct server *server;
        struct slot slot;
        struct loop_timer *connect_timer, *card_timer;
        struct tcp_conn *conn;
        char host[256];
        uint16_t port;
        bool told; /* that vpcd is not there */
        uint8_t atr_memory[EUICC_ATR_MAX];
        struct writer atr; /* of the last reset */
    } readers[SLOTS_MAX];
};

static void card_time(void *context)
{
    struct reader_slot *r = context;
    uint64_t now = card_now_ms(&r->slot.card->card), wake = euicc_idle(r->slot.card, now);
    if (wake != EUICC_NO_WAKE)
        loop_timer_set(r->card_timer, wake > now ? (wake - now) / r->server->p->clock_speed + 1 : 1);
}

static void send_message(struct tcp_conn *conn, struct span message)
{
    WRITER_ON_STACK(w, 2 + EUICC_RAPDU_MAX);
    wr_u16(&w, (uint16_t)message.len);
    wr_bytes(&w, message);
    if (tcp_send(conn, wr_span(&w)) != ERR_NONE)
        tcp_conn_close(conn);
}

static void serve_message(struct reader_slot *r, struct tcp_conn *conn, struct span message)
{
    WRITER_ON_STACK(answer, EUICC_RAPDU_MAX);
    if (message.len == 1) {
        if (message.ptr[0] == VPCD_ON || message.ptr[0] == VPCD_RESET) {
            r->atr.len = 0;
            tool_reset(r->server->p, &r->slot, &r->atr);
        }
        if (message.ptr[0] == VPCD_ATR)
            send_message(conn, wr_span(&r->atr));
    } else {
        tool_transmit(r->server->p, &r->slot, message, &answer);
        send_message(conn, wr_span(&answer));
    }
    card_time(r);
}

static size_t vpcd_bytes(void *context, struct tcp_conn *conn, struct span in)
{
    struct reader r = rd_of(in);
    uint16_t len = rd_u16(&r);
    struct span message = rd_span(&r, len);
    if (r.err != ERR_NONE)
        return 0;
    if (len != 0)
        serve_message(context, conn, message);
    return 2u + len;
}

static void vpcd_open(void *context, struct tcp_conn *conn)
{
    struct reader_slot *r = context;
    r->told = false;
    tcp_conn_quickack(conn);
    printf("osprey-euicc: ready, in the reader at %s\n", tcp_conn_peer(conn));
    fflush(stdout);
}

static void vpcd_closed(void *context, struct tcp_conn *conn, enum err err, const char *why)
{
    struct reader_slot *r = context;
    (void)conn;
    r->conn = NULL;
    if (!r->told)
        log_fact(r->server->p->log, LOG_WARN_, NULL, "vpcd at %s:%u: %s (%s); trying again", r->host, r->port, why,
                 err_text(err));
    r->told = true;
    loop_timer_set(r->connect_timer, VPCD_AGAIN_MS);
}

static const struct tcp_handler vpcd_handler = { vpcd_open, vpcd_bytes, vpcd_closed, NULL };

static void vpcd_connect(void *context)
{
    struct reader_slot *r = context;
    r->conn = tcp_connect(r->server->loop, r->host, r->port, 0, &vpcd_handler, r);
    if (!r->conn)
        loop_timer_set(r->connect_timer, VPCD_AGAIN_MS);
}

static void on_end(void *context, int number)
{
    struct server *s = context;
    log_fact(s->p->log, LOG_INFO_, NULL, "stopping (signal %d)", number);
    loop_stop(s->loop);
}

/* ---- which cards in which readers ---- */

static bool address_split(const char *address, char *host, size_t cap, uint16_t *ret_port)
{
    const char *colon = strrchr(address, ':');
    char *end;
    if (!colon || colon == address || (size_t)(colon - address) >= cap)
        return false;
    unsigned long port = strtoul(colon + 1, &end, 10);
    memcpy(host, address, (size_t)(colon - address));
    host[colon - address] = 0;
    *ret_port = (uint16_t)port;
    return *end == 0 && end != colon + 1 && port >= 1 && port <= 65535;
}

/* The reader of card n: named, or the one after the last. */
static int place(struct server *s, size_t n)
{
    const struct option_list *named = &s->p->o.vpcds;
    struct reader_slot *r = &s->readers[n];
    if (n < named->count) {
        if (address_split(named->values[n], r->host, sizeof r->host, &r->port))
            return EXIT_GOOD;
        fprintf(stderr, "osprey-euicc: %s is not HOST:PORT\n", named->values[n]);
        return EXIT_USAGE;
    }
    memcpy(r->host, n ? s->readers[n - 1].host : VPCD_HOST, n ? sizeof r->host : sizeof VPCD_HOST);
    r->port = (uint16_t)(n ? s->readers[n - 1].port + 1u : VPCD_PORT);
    return EXIT_GOOD;
}

static int add_card(struct server *s, const char *state)
{
    if (s->count == SLOTS_MAX) {
        fprintf(stderr, "osprey-euicc: more than %u cards\n", SLOTS_MAX);
        return EXIT_USAGE;
    }
    struct reader_slot *r = &s->readers[s->count];
    *r = (struct reader_slot){ .server = s, .slot.number = (int)s->count };
    r->atr = wr_of(r->atr_memory, sizeof r->atr_memory);
    int code = place(s, s->count++);
    return code == EXIT_GOOD ? tool_card_open(s->p, state, &r->slot) : code;
}

static int is_visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static int add_folder(struct server *s, const char *folder, size_t most)
{
    struct dirent **entries;
    char state[PATH_TEXT_MAX];
    int code = EXIT_GOOD, found = scandir(folder, &entries, is_visible, alphasort);
    if (found < 0)
        return tool_failed(folder, ERR_NOT_FOUND);
    for (int i = 0; i < found; i++) {
        int len = snprintf(state, sizeof state, "%s/%s/card.nvm", folder, entries[i]->d_name);
        if (code == EXIT_GOOD && s->count < most && len < (int)sizeof state && access(state, F_OK) == 0)
            code = add_card(s, state);
        free(entries[i]);
    }
    free(entries);
    return code;
}

static int add_cards(struct server *s)
{
    const struct options *o = &s->p->o;
    char *end = NULL;
    unsigned long most = o->count ? strtoul(o->count, &end, 10) : SLOTS_MAX;
    int code = EXIT_GOOD;
    if ((o->count && (*end || !most)) || o->rest_count) {
        fprintf(stderr, "osprey-euicc: --count %s: not a number above 0\n", o->count ? o->count : "?");
        return EXIT_USAGE;
    }
    for (size_t i = 0; code == EXIT_GOOD && i < o->states.count; i++)
        code = add_card(s, o->states.values[i]);
    if (code == EXIT_GOOD && o->cards)
        code = add_folder(s, o->cards, most);
    if (code == EXIT_GOOD && s->count == 0) {
        fputs("osprey-euicc: no card: --state FILE or --cards FOLDER is needed\n", stderr);
        code = EXIT_USAGE;
    }
    if (s->count == 1)
        s->readers[0].slot.number = -1;
    return code;
}

/* ---- life ---- */

static void reader_start(struct reader_slot *r)
{
    tool_reset(r->server->p, &r->slot, &r->atr);
    r->connect_timer = loop_timer_new(r->server->loop, vpcd_connect, r);
    r->card_timer = loop_timer_new(r->server->loop, card_time, r);
    vpcd_connect(r);
    card_time(r);
}

static void reader_stop(struct reader_slot *r)
{
    if (r->conn)
        tcp_conn_close(r->conn);
    loop_timer_free(r->connect_timer);
    loop_timer_free(r->card_timer);
}

static enum err run(struct server *s)
{
    signal(SIGPIPE, SIG_IGN);
    enum err err = loop_on_signal(s->loop, SIGTERM, on_end, s);
    if (err == ERR_NONE)
        err = loop_on_signal(s->loop, SIGINT, on_end, s);
    if (err != ERR_NONE)
        return err;
    for (size_t i = 0; i < s->count; i++)
        reader_start(&s->readers[i]);
    loop_run(s->loop);
    for (size_t i = 0; i < s->count; i++)
        reader_stop(&s->readers[i]);
    return ERR_NONE;
}

int tool_serve(struct tool *p)
{
    struct server *s = calloc(1, sizeof *s);
    if (!s)
        return tool_failed("cards", ERR_NO_MEMORY);
    s->p = p;
    int code = add_cards(s);
    s->loop = code == EXIT_GOOD ? loop_new() : NULL;
    enum err err = s->loop ? run(s) : ERR_NO_MEMORY;
    if (code == EXIT_GOOD && err != ERR_NONE)
        code = tool_failed("event loop", err);
    loop_free(s->loop);
    for (size_t i = 0; i < s->count; i++)
        tool_card_close(&s->readers[i].slot);
    free(s);
    return code;
}
