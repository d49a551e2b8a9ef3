/* osprey-euicc: one software eUICC from its image file: in a PC/SC reader (vpcd), or for one question at a time. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "card.h"
#include "lib/base/world.h"
#include "lib/codec/hex.h"
#include "lib/crypto/keystore_soft.h"
#include "lib/daemon/daemon.h"
#include "lib/io/file.h"
#include "lib/io/loop.h"
#include "lib/io/tcp.h"

static const char help[] =
    "osprey-euicc: a software eUICC (SGP.02) in an image file\n"
    "\n"
    "  osprey-euicc serve --state FILE --vpcd HOST:PORT   puts the card into a PC/SC reader until TERM\n"
    "  osprey-euicc info  --state FILE                    EID, memory and profiles\n"
    "  osprey-euicc fs    --state FILE                    the files of the enabled profile\n"
    "  osprey-euicc apdu  --state FILE [HEX ...]          sends commands; without HEX, reads them line by line\n"
    "\n"
    "options\n"
    "  --state FILE    the card's memory, as osprey-eum make-euicc wrote it; locked while it is in use\n"
    "  --key FILE      the master key the image's secrets are wrapped under, if it was made with one\n"
    "  --vpcd ADDRESS  where vpcd waits for a card: 127.0.0.1:35963 for its first reader (default)\n"
    "  --log LEVEL     debug, info (default), warn, error; on stderr\n"
    "\n"
    "A line for apdu is a command in hex (blanks do not count), \"reset\", or a comment behind #. Each answer is one "
    "line:\n"
    "data, status word and what the word means. A card in a reader:\n"
    "\n"
    "  pcscd --foreground &                      (with the package vsmartcard-vpcd)\n"
    "  osprey-euicc serve --state card.nvm &\n"
    "  opensc-tool --reader 0 --atr\n";

enum { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct options {
    const char *command, *state, *key, *vpcd, *log_level;
    char **rest;
    int rest_count;
};

struct tool {
    struct options o;
    struct env env;
    struct log *log;
    struct nvm_file *file;
    struct keystore_soft *keystore;
    struct arena arena;
    struct euicc *card;
};

/* ---- options ---- */

static const char **option_slot(struct options *o, const char *name)
{
    const struct {
        const char *name;
        const char **slot;
    } slots[] = { { "--state", &o->state }, { "--key", &o->key }, { "--vpcd", &o->vpcd }, { "--log", &o->log_level } };
    for (size_t i = 0; i < ARRAY_LEN(slots); i++)
        if (!strcmp(slots[i].name, name))
            return slots[i].slot;
    return NULL;
}

static bool options_read(int argc, char **argv, struct options *o)
{
    *o = (struct options){ .vpcd = "127.0.0.1:35963", .log_level = "info" };
    if (argc < 2)
        return false;
    o->command = argv[1];
    int i = 2;
    for (; i < argc && !strncmp(argv[i], "--", 2); i += 2) {
        const char **slot = option_slot(o, argv[i]);
        if (!slot || i + 1 == argc) {
            fprintf(stderr, "osprey-euicc: %s: %s\n", argv[i], slot ? "its value is missing" : "no such option");
            return false;
        }
        *slot = argv[i + 1];
    }
    o->rest = argv + i;
    o->rest_count = argc - i;
    return true;
}

/* ---- the card ---- */

static int failed(const char *what, enum err err)
{
    fprintf(stderr, "osprey-euicc: %s: %s\n", what, err_text(err));
    return EXIT_FAILED;
}

static int tool_open(struct tool *p)
{
    enum err err = ERR_NONE;
    p->log = log_sink_open(NULL, p->o.log_level, &err);
    if (!p->log)
        return failed("log", err);
    p->file = nvm_file_open(p->o.state, 0, &err);
    if (!p->file)
        return failed(p->o.state, err);
    if (p->o.key && (err = keystore_soft_open(p->o.key, false, NULL, &p->keystore)) != ERR_NONE)
        return failed(p->o.key, err);
    p->env.nvm = nvm_file_seam(p->file);
    p->env.rng = world_rng();
    p->env.log = p->log;
    p->env.keys = p->keystore ? keystore_soft_keys(p->keystore) : NULL;
    if (!p->env.clock)
        p->env.clock = world_clock();
    arena_init(&p->arena, EUICC_ARENA_SIZE);
    err = euicc_open(&p->arena, &p->env, &p->card);
    if (err == ERR_DENIED)
        fprintf(stderr, "osprey-euicc: %s\n",
                p->o.key ? "this is not the key the image's secrets are wrapped under"
                         : "this image's secrets are wrapped: give its --key");
    if (err != ERR_NONE)
        return failed(p->o.state, err);
    euicc_reset(p->card, NULL);
    return EXIT_GOOD;
}

static void tool_close(struct tool *p)
{
    euicc_close(p->card);
    arena_release(&p->arena);
    keystore_soft_free(p->keystore);
    nvm_file_close(p->file);
    log_sink_close(p->log);
}

/* ---- info ---- */

static const char *state_text(uint8_t state)
{
    switch (state) {
    case ISDP_SELECTABLE:
    case ISDP_PERSONALIZED:
        return "created";
    case ISDP_DISABLED:
        return "disabled";
    case ISDP_ENABLED:
        return "enabled";
    default:
        return "?";
    }
}

static const char *swapped_text(const uint8_t *ef, size_t len, char *out, size_t cap)
{
    if (len == 0 || ef[0] == 0xFF || bcd_text((struct span){ ef, len }, true, out, cap) != ERR_NONE)
        return "-";
    return out;
}

/* EF.IMSI: length, then digits; the first nibble is the parity. */
static const char *imsi_text(const uint8_t ef[9], char out[20])
{
    const char *digits = ef[0] >= 1 && ef[0] <= 8 ? swapped_text(ef + 1, ef[0], out, 20) : "-";
    return *digits == '-' ? digits : digits + 1;
}

static int run_info(struct tool *p)
{
    struct euicc_profile_info info[EUICC_PROFILES_MAX];
    struct euicc_memory_info memory;
    struct eid eid;
    char text[EID_TEXT_SIZE], aid[AID_TEXT_SIZE], iccid[24], imsi[20];
    euicc_eid(p->card, &eid);
    euicc_memory(p->card, &memory);
    printf("EID     %s\nmemory  %u octets, %u used, %u free\n", eid_text(&eid, text), memory.capacity, memory.used,
           memory.free);
    size_t count = euicc_profiles(p->card, info);
    for (size_t i = 0; i < count; i++)
        printf("ISD-P   %s  %-8s %s  ICCID %s  IMSI %s  %u octets\n", aid_text(&info[i].isdp, aid),
               state_text(info[i].state), info[i].fallback ? "fall-back" : "         ",
               swapped_text(info[i].iccid_ef, sizeof info[i].iccid_ef, iccid, sizeof iccid),
               imsi_text(info[i].imsi_ef, imsi), info[i].nvm_used);
    return EXIT_GOOD;
}

/* ---- fs ---- */

static void print_line(void *context, const char *text)
{
    (void)context;
    puts(text);
}

static int run_fs(struct tool *p)
{
    euicc_print_files(p->card, print_line, NULL);
    return EXIT_GOOD;
}

/* ---- apdu ---- */

static void print_answer(struct span answer)
{
    char hex[2 * EUICC_RAPDU_MAX + 1];
    uint16_t sw = (uint16_t)(answer.ptr[answer.len - 2] << 8 | answer.ptr[answer.len - 1]);
    struct span data = span_sub(answer, 0, answer.len - 2);
    printf("%s%s%04X  %s\n", hex_text(data, hex, sizeof hex), data.len ? " " : "", sw, sw_text(sw));
}

/* The line without blanks and comment, in place. */
static char *line_squeeze(char *line)
{
    char *to = line;
    for (const char *from = line; *from && *from != '#'; from++)
        if (*from != ' ' && *from != '\t' && *from != '\r' && *from != '\n')
            *to++ = *from;
    *to = 0;
    return line;
}

static bool send_line(struct tool *p, char *line)
{
    uint8_t command[EUICC_CAPDU_MAX];
    WRITER_ON_STACK(answer, EUICC_RAPDU_MAX);
    size_t len;
    const char *hex = line_squeeze(line);
    if (*hex == 0)
        return true;
    if (!strcasecmp(hex, "reset")) {
        euicc_reset(p->card, &answer);
        char text[2 * EUICC_ATR_MAX + 1];
        printf("%s  ATR\n", hex_text(wr_span(&answer), text, sizeof text));
        return true;
    }
    enum err err = hex_read(span_text(hex), command, sizeof command, &len);
    if (err != ERR_NONE) {
        fprintf(stderr, "osprey-euicc: %s: %s\n", hex, err_text(err));
        return false;
    }
    euicc_transmit(p->card, (struct span){ command, len }, &answer);
    print_answer(wr_span(&answer));
    return true;
}

static int run_apdu(struct tool *p)
{
    char line[2048];
    bool good = true;
    for (int i = 0; i < p->o.rest_count && good; i++)
        good = send_line(p, p->o.rest[i]);
    if (p->o.rest_count == 0)
        while (good && fgets(line, sizeof line, stdin)) {
            good = send_line(p, line);
            fflush(stdout);
        }
    return good ? EXIT_GOOD : EXIT_FAILED;
}

/* ---- serve: the protocol of vpcd: two octets of length, then one octet of control or a command ---- */

enum vpcd_control { VPCD_OFF = 0, VPCD_ON = 1, VPCD_RESET = 2, VPCD_ATR = 4 };
#define VPCD_AGAIN_MS 1000u

struct server {
    struct tool *p;
    struct loop *loop;
    struct loop_timer *connect_timer, *card_timer;
    struct tcp_conn *conn;
    char host[256];
    uint16_t port;
    bool told;         /* that vpcd is not there */
    struct writer atr; /* of the last reset */
};

static void card_time(void *context)
{
    struct server *s = context;
    uint64_t now = card_now_ms(&s->p->card->card), wake = euicc_idle(s->p->card, now);
    if (wake != EUICC_NO_WAKE)
        loop_timer_set(s->card_timer, wake > now ? wake - now : 1);
}

static void send_message(struct tcp_conn *conn, struct span message)
{
    WRITER_ON_STACK(w, 2 + EUICC_RAPDU_MAX);
    wr_u16(&w, (uint16_t)message.len);
    wr_bytes(&w, message);
    if (tcp_send(conn, wr_span(&w)) != ERR_NONE)
        tcp_conn_close(conn);
}

static void serve_message(struct server *s, struct tcp_conn *conn, struct span message)
{
    WRITER_ON_STACK(answer, EUICC_RAPDU_MAX);
    if (message.len == 1) {
        if (message.ptr[0] == VPCD_ON || message.ptr[0] == VPCD_RESET) {
            s->atr.len = 0;
            euicc_reset(s->p->card, &s->atr);
        }
        if (message.ptr[0] == VPCD_ATR)
            send_message(conn, wr_span(&s->atr));
    } else {
        euicc_transmit(s->p->card, message, &answer);
        send_message(conn, wr_span(&answer));
    }
    card_time(s);
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
    struct server *s = context;
    s->told = false;
    tcp_conn_quickack(conn);
    printf("osprey-euicc: ready, in the reader at %s\n", tcp_conn_peer(conn));
    fflush(stdout);
}

static void vpcd_closed(void *context, struct tcp_conn *conn, enum err err, const char *why)
{
    struct server *s = context;
    (void)conn;
    s->conn = NULL;
    if (!s->told)
        log_fact(s->p->log, LOG_WARN_, NULL, "vpcd at %s:%u: %s (%s); trying again", s->host, s->port, why,
                 err_text(err));
    s->told = true;
    loop_timer_set(s->connect_timer, VPCD_AGAIN_MS);
}

static const struct tcp_handler vpcd_handler = { vpcd_open, vpcd_bytes, vpcd_closed, NULL };

static void vpcd_connect(void *context)
{
    struct server *s = context;
    s->conn = tcp_connect(s->loop, s->host, s->port, 0, &vpcd_handler, s);
}

static void on_end(void *context, int number)
{
    struct server *s = context;
    log_fact(s->p->log, LOG_INFO_, NULL, "stopping (signal %d)", number);
    loop_stop(s->loop);
}

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

static void server_run(struct server *s)
{
    WRITER_ON_STACK(atr, EUICC_ATR_MAX);
    s->atr = atr;
    euicc_reset(s->p->card, &s->atr);
    s->connect_timer = loop_timer_new(s->loop, vpcd_connect, s);
    s->card_timer = loop_timer_new(s->loop, card_time, s);
    vpcd_connect(s);
    card_time(s);
    loop_run(s->loop);
    if (s->conn)
        tcp_conn_close(s->conn);
    loop_timer_free(s->connect_timer);
    loop_timer_free(s->card_timer);
}

static int run_serve(struct tool *p)
{
    struct server s = { .p = p };
    if (!address_split(p->o.vpcd, s.host, sizeof s.host, &s.port)) {
        fprintf(stderr, "osprey-euicc: %s is not HOST:PORT\n", p->o.vpcd);
        return EXIT_USAGE;
    }
    signal(SIGPIPE, SIG_IGN);
    s.loop = loop_new();
    if (!s.loop)
        return failed("event loop", ERR_NO_MEMORY);
    enum err err = loop_on_signal(s.loop, SIGTERM, on_end, &s);
    if (err == ERR_NONE)
        err = loop_on_signal(s.loop, SIGINT, on_end, &s);
    if (err == ERR_NONE)
        server_run(&s);
    loop_free(s.loop);
    return err == ERR_NONE ? EXIT_GOOD : failed("signals", err);
}

/* ---- main ---- */

static const struct {
    const char *name;
    int (*run)(struct tool *);
} commands[] = { { "serve", run_serve }, { "info", run_info }, { "fs", run_fs }, { "apdu", run_apdu } };

static int run_command(struct tool *p)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i].name, p->o.command) != 0)
            continue;
        if (!p->o.state) {
            fputs("osprey-euicc: --state FILE is missing\n", stderr);
            return EXIT_USAGE;
        }
        int code = tool_open(p);
        if (code == EXIT_GOOD)
            code = commands[i].run(p);
        tool_close(p);
        return code;
    }
    fprintf(stderr, "osprey-euicc: %s: no such command; --help tells which there are\n", p->o.command);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct tool p = { 0 };
    if (argc >= 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))) {
        fputs(help, stdout);
        return EXIT_GOOD;
    }
    if (argc >= 2 && !strcmp(argv[1], "--version")) {
        puts("osprey-euicc 0.1.0");
        return EXIT_GOOD;
    }
    if (!options_read(argc, argv, &p.o)) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    return run_command(&p);
}
