/* osprey-euicc: one software eUICC from its image file: in a PC/SC reader (vpcd), or for one question at a time. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "card.h"
#include "main.h"
#include "lib/base/version.h"
#include "lib/base/world.h"
#include "lib/codec/hex.h"
#include "lib/crypto/keystore_soft.h"
#include "lib/daemon/daemon.h"
#include "lib/io/file.h"

static const char help[] =
    "osprey-euicc: software eUICCs (SGP.02) in image files\n"
    "\n"
    "  osprey-euicc serve --state FILE ... [--vpcd HOST:PORT ...]   puts cards into PC/SC readers until TERM\n"
    "  osprey-euicc info  --state FILE                  EID, memory and profiles\n"
    "  osprey-euicc fs    --state FILE                  the files of the enabled profile\n"
    "  osprey-euicc dump  --state FILE [--secrets yes]  everything in the image: security domains and objects\n"
    "  osprey-euicc apdu  --state FILE [--follow yes] [HEX ...]     sends commands; without HEX, reads them line by line\n"
    "\n"
    "options\n"
    "  --state FILE    the card's memory, as osprey-eum make-euicc wrote it; locked while it is in use\n"
    "  --cards FOLDER  for serve: the cards of this folder of osprey-eum; --count NUMBER: so many of them at most\n"
    "  --key FILE      the master key the images' secrets are wrapped under, if they were made with one\n"
    "  --vpcd ADDRESS  where vpcd waits for a card: 127.0.0.1:35963 for its first reader (default); a card without\n"
    "                  an address of its own takes the port after that of the card before it\n"
    "  --trace FILE    writes commands and answers as text; --pcap FILE: as a GSMTAP capture for Wireshark.\n"
    "                  Traces hold what was sent, PINs and keys too\n"
    "  --clock-speed N for serve: the cards' own time runs N times faster than ours (1 to 10000), for labs that cannot "
    "wait\n"
    "  --secrets yes   for dump: the content of every object; without it none that holds keys or PINs\n"
    "  --follow yes    for apdu: fetches what 61xx announces and repeats what 6Cxx corrects; at a prompt it is yes\n"
    "  --log LEVEL     debug, info (default), warn, error; on stderr\n"
    "\n"
    "A line for apdu is a command in hex (blanks do not count), \"reset\", \"quit\", or a comment behind #; with \"= 90xx\" behind\n"
    "it the script ends with exit status 1 when the status word is another one. Each answer is one line:\n"
    "data, status word and what the word means. A card in a reader:\n"
    "\n"
    "  pcscd --foreground &                      (with the package vsmartcard-vpcd)\n"
    "  osprey-euicc serve --state card.nvm &\n"
    "  opensc-tool --reader 0 --atr\n";

/* ---- options ---- */

static bool list_add(struct option_list *list, const char *value)
{
    if (list->count == SLOTS_MAX) {
        fprintf(stderr, "osprey-euicc: more than %u cards\n", SLOTS_MAX);
        return false;
    }
    list->values[list->count++] = value;
    return true;
}

static const char **option_slot(struct options *o, const char *name)
{
    const struct {
        const char *name;
        const char **slot;
    } slots[] = { { "--cards", &o->cards },     { "--count", &o->count },
                  { "--key", &o->key },         { "--log", &o->log_level },
                  { "--trace", &o->trace },     { "--pcap", &o->pcap },
                  { "--secrets", &o->secrets }, { "--clock-speed", &o->clock_speed },
                  { "--follow", &o->follow } };
    for (size_t i = 0; i < ARRAY_LEN(slots); i++)
        if (!strcmp(slots[i].name, name))
            return slots[i].slot;
    return NULL;
}

static bool option_take(struct options *o, const char *name, const char *value)
{
    if (!strcmp(name, "--state") || !strcmp(name, "--vpcd"))
        return value && list_add(name[2] == 's' ? &o->states : &o->vpcds, value);
    const char **slot = option_slot(o, name);
    bool choice = slot == &o->secrets || slot == &o->follow;
    if (!slot || !value || (choice && strcmp(value, "yes") != 0 && strcmp(value, "no") != 0))
        return false;
    *slot = value;
    return true;
}

static bool options_read(int argc, char **argv, struct options *o)
{
    *o = (struct options){ .log_level = "info" };
    o->command = argv[1];
    int i = 2;
    for (; i < argc && !strncmp(argv[i], "--", 2); i += 2)
        if (!option_take(o, argv[i], i + 1 < argc ? argv[i + 1] : NULL)) {
            fprintf(stderr, "osprey-euicc: %s: no such option, or no value that it can have; --help tells which there are\n", argv[i]);
            return false;
        }
    o->rest = argv + i;
    o->rest_count = argc - i;
    return true;
}

/* ---- the card ---- */

int tool_failed(const char *what, enum err err)
{
    fprintf(stderr, "osprey-euicc: %s: %s\n", what, err_text(err));
    return EXIT_FAILED;
}

static bool clock_choose(struct tool *p)
{
    const char *text = p->o.clock_speed ? p->o.clock_speed : "1";
    char *end;
    unsigned long speed = strtoul(text, &end, 10);
    if (end == text || *end || speed < 1 || speed > CLOCK_SPEED_MAX) {
        fprintf(stderr, "osprey-euicc: --clock-speed %s: not a number from 1 to %u\n", text, CLOCK_SPEED_MAX);
        return false;
    }
    p->clock_speed = (unsigned)speed;
    p->env.clock = speed > 1 ? world_clock_fast(p->clock_speed) : world_clock();
    return true;
}

static int tool_open(struct tool *p)
{
    enum err err = ERR_NONE;
    if (!clock_choose(p))
        return EXIT_USAGE;
    p->log = log_sink_open(NULL, p->o.log_level, &err);
    if (!p->log)
        return tool_failed("--log", err);
    if (p->o.key && (err = keystore_soft_open(p->o.key, false, NULL, &p->keystore)) != ERR_NONE)
        return tool_failed(p->o.key, err);
    if ((err = card_trace_open(&p->trace, p->o.trace, p->o.pcap)) != ERR_NONE)
        return tool_failed("--trace, --pcap", err);
    p->env.rng = world_rng();
    p->env.log = p->log;
    p->env.keys = p->keystore ? keystore_soft_keys(p->keystore) : NULL;
    return EXIT_GOOD;
}

int tool_card_open(struct tool *p, const char *state, struct slot *s)
{
    struct env env = p->env;
    enum err err = ERR_NONE;
    s->file = nvm_file_open(state, 0, &err);
    if (!s->file)
        return tool_failed(state, err);
    env.nvm = nvm_file_seam(s->file);
    arena_init(&s->arena, EUICC_ARENA_SIZE);
    err = euicc_open(&s->arena, &env, &s->card);
    static const struct {
        enum err err;
        const char *text;
    } refusals[] = { { ERR_NOT_FOUND, "no card image" },
                     { ERR_UNSUPPORTED, "a card image of another version" },
                     { ERR_VERIFY, "a damaged card image" } };
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        if (err == refusals[i].err) {
            fprintf(stderr, "osprey-euicc: %s: %s\n", state, refusals[i].text);
            return EXIT_FAILED;
        }
    if (err == ERR_DENIED)
        fprintf(stderr, "osprey-euicc: %s\n",
                p->o.key ? "this is not the key the image's secrets are wrapped under"
                         : "this image's secrets are wrapped: give its --key");
    if (err != ERR_NONE)
        return tool_failed(state, err);
    return EXIT_GOOD;
}

void tool_card_close(struct slot *s)
{
    euicc_close(s->card);
    arena_release(&s->arena);
    nvm_file_close(s->file);
    *s = (struct slot){ 0 };
}

void tool_reset(struct tool *p, struct slot *s, struct writer *atr)
{
    WRITER_ON_STACK(own, EUICC_ATR_MAX);
    struct writer *to = atr ? atr : &own;
    euicc_reset(s->card, to);
    card_trace_write(&p->trace, card_now_ms(&s->card->card), s->number, SPAN_NONE, wr_span(to));
}

void tool_transmit(struct tool *p, struct slot *s, struct span command, struct writer *answer)
{
    euicc_transmit(s->card, command, answer);
    card_trace_write(&p->trace, card_now_ms(&s->card->card), s->number, command, wr_span(answer));
}

static void tool_close(struct tool *p)
{
    card_trace_close(&p->trace);
    keystore_soft_free(p->keystore);
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

static const char *attribute_text(const struct euicc_profile_info *info)
{
    return info->fallback ? "fall-back" : info->emergency ? "emergency" : info->test ? "test     " : "         ";
}

static int run_info(struct tool *p)
{
    struct euicc_profile_info info[EUICC_PROFILES_MAX];
    struct euicc_memory_info memory;
    struct eid eid;
    char text[EID_TEXT_SIZE], aid[AID_TEXT_SIZE], iccid[24], imsi[20];
    euicc_eid(p->slot.card, &eid);
    euicc_memory(p->slot.card, &memory);
    uint32_t promised = memory.capacity - memory.used - memory.free;
    printf("EID     %s\nmemory  %u octets, %u used, %u free, %u granted or kept for the card itself\n", eid_text(&eid, text),
           memory.capacity, memory.used, memory.free, promised);
    size_t count = euicc_profiles(p->slot.card, info);
    for (size_t i = 0; i < count; i++)
        printf("ISD-P   %s  %-8s %s  ICCID %s  IMSI %s  %u octets\n", aid_text(&info[i].isdp, aid),
               state_text(info[i].state), attribute_text(&info[i]),
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
    euicc_print_files(p->slot.card, print_line, NULL);
    return EXIT_GOOD;
}

/* ---- dump ---- */

static int run_dump(struct tool *p)
{
    bool secrets = p->o.secrets && !strcmp(p->o.secrets, "yes");
    run_info(p);
    euicc_print_objects(p->slot.card, secrets, print_line, NULL);
    return EXIT_GOOD;
}

/* ---- apdu ---- */

static uint16_t print_answer(struct span answer)
{
    char hex[2 * EUICC_RAPDU_MAX + 1];
    uint16_t sw = (uint16_t)(answer.ptr[answer.len - 2] << 8 | answer.ptr[answer.len - 1]);
    struct span data = span_sub(answer, 0, answer.len - 2);
    printf("%s%s%04X  %s\n", hex_text(data, hex, sizeof hex), data.len ? " " : "", sw, sw_text(sw));
    return sw;
}

/* The status word a line asks for: four hexadecimal digits, x for any. */
static bool is_as_wanted(uint16_t sw, const char *want)
{
    char is[5];
    snprintf(is, sizeof is, "%04X", sw);
    bool good = strlen(want) == 4;
    for (size_t i = 0; good && i < 4; i++)
        good = tolower((unsigned char)want[i]) == 'x' || toupper((unsigned char)want[i]) == is[i];
    if (!good)
        fprintf(stderr, "osprey-euicc: %s is wanted\n", want);
    return good;
}

/* Le of the command becomes what the card says. */
static void repeat_with(struct tool *p, uint8_t *command, size_t len, uint8_t le, struct writer *answer)
{
    size_t at = len == 4 ? len++ : len - 1;
    command[at] = le;
    answer->len = 0;
    tool_transmit(p, &p->slot, (struct span){ command, len }, answer);
}

/* 61xx and 6Cxx as a terminal takes them: every answer is a line. */
static uint16_t follow(struct tool *p, uint8_t *command, size_t len, uint16_t sw, struct writer *answer)
{
    uint8_t fetch[5] = { command[0], 0xC0, 0x00, 0x00, 0x00 };
    if (sw >> 8 == 0x6C) {
        repeat_with(p, command, len, (uint8_t)sw, answer);
        sw = print_answer(wr_span(answer));
    }
    while (sw >> 8 == 0x61) {
        repeat_with(p, fetch, sizeof fetch, (uint8_t)sw, answer);
        sw = print_answer(wr_span(answer));
    }
    return sw;
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
    char *want = strchr(line, '=');
    if (want)
        *want++ = '\0';
    if (*hex == 0)
        return true;
    if (!strcasecmp(hex, "reset")) {
        tool_reset(p, &p->slot, &answer);
        char text[2 * EUICC_ATR_MAX + 1];
        printf("%s  ATR\n", hex_text(wr_span(&answer), text, sizeof text));
        return true;
    }
    enum err err = hex_read(span_text(hex), command, sizeof command - 1, &len);
    if (err != ERR_NONE) {
        fprintf(stderr, "osprey-euicc: %s: neither a command in hexadecimal nor \"reset\" or \"quit\"\n", hex);
        return false;
    }
    tool_transmit(p, &p->slot, (struct span){ command, len }, &answer);
    uint16_t sw = print_answer(wr_span(&answer));
    if (p->o.follow && !strcmp(p->o.follow, "yes") && len >= 4)
        sw = follow(p, command, len, sw, &answer);
    return !want || is_as_wanted(sw, want);
}

static int run_apdu(struct tool *p)
{
    char line[2048];
    bool good = true;
    for (int i = 0; i < p->o.rest_count && good; i++)
        good = send_line(p, p->o.rest[i]);
    bool person = p->o.rest_count == 0 && isatty(STDIN_FILENO); /* who may try again */
    if (person && !p->o.follow)
        p->o.follow = "yes";
    for (bool more = p->o.rest_count == 0; more && (good || person);) {
        if (person)
            fputs("> ", stdout);
        fflush(stdout);
        more = fgets(line, sizeof line, stdin) != NULL && strncasecmp(line, "quit", 4) != 0;
        if (more)
            good = send_line(p, line);
    }
    return good ? EXIT_GOOD : EXIT_FAILED;
}

/* ---- main ---- */

/* A command about one card, which is reset before. */
static int with_card(struct tool *p, int (*run)(struct tool *))
{
    if (p->o.states.count != 1) {
        fputs("osprey-euicc: one --state FILE is needed\n", stderr);
        return EXIT_USAGE;
    }
    p->slot.number = -1;
    int code = tool_card_open(p, p->o.states.values[0], &p->slot);
    if (code == EXIT_GOOD) {
        tool_reset(p, &p->slot, NULL);
        code = run(p);
    }
    tool_card_close(&p->slot);
    return code;
}

static const struct {
    const char *name;
    int (*run)(struct tool *);
} commands[] = { { "info", run_info }, { "fs", run_fs }, { "dump", run_dump }, { "apdu", run_apdu } };

static int run_command(struct tool *p)
{
    if (!strcmp(p->o.command, "serve"))
        return tool_serve(p);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (!strcmp(commands[i].name, p->o.command))
            return with_card(p, commands[i].run);
    fprintf(stderr, "osprey-euicc: %s: no such command; --help tells which there are\n", p->o.command);
    return EXIT_USAGE;
}

/* In place of the command, or anywhere behind it. */
static bool asks_for_help(int argc, char **argv)
{
    if (argc >= 2 && !strcmp(argv[1], "help"))
        return true;
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return true;
    return false;
}

int main(int argc, char **argv)
{
    struct tool p = { 0 };
    world_forbid_dumps();
    if (asks_for_help(argc, argv)) {
        fputs(help, stdout);
        return EXIT_GOOD;
    }
    if (argc >= 2 && !strcmp(argv[1], "--version")) {
        printf("osprey-euicc %s\n", osprey_version);
        return EXIT_GOOD;
    }
    if (argc < 2) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    if (!options_read(argc, argv, &p.o))
        return EXIT_USAGE;
    int code = tool_open(&p);
    if (code == EXIT_GOOD)
        code = run_command(&p);
    tool_close(&p);
    return code;
}
