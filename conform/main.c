/* osprey-conform: is this card, are these servers what SGP.02 says? */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/version.h"
#include "lib/base/world.h"
#include "lib/io/file.h"
#include "runner.h"
#include "server/command.h"

static const char help[] =
    "osprey-conform: runs the numbered tests of SGP.02 against a card, or the off-card ones against servers\n"
    "\n"
    "  osprey-conform card --target TARGET [--keys FILE] [options]   tests a card, and leaves it as it was\n"
    "  osprey-conform list                                           the cases\n"
    "  osprey-conform make-card --out FOLDER [options]               a lab card: card.nvm and its keys.ini\n"
    "  osprey-conform server …                                       tests SM-SR and SM-DP: osprey-conform server "
    "--help\n"
    "\n"
    "targets\n"
    "  soft         a lab card made for the run, in this process; the only one that needs no --keys\n"
    "  soft:FILE    a copy of a card image, in this process\n"
    "  vpcd:PORT    plays the reader; `osprey-euicc serve --state FILE --vpcd 127.0.0.1:PORT` comes to it\n"
    "  pcsc:N       reader N of the PC/SC service: a chip, or a card behind vpcd\n"
    "\n"
    "options of card\n"
    "  --group NAME, --case N     only that group; only that case\n"
    "  --json, --junit FILE       JSON on stdout in place of the table; JUnit XML into a file\n"
    "  --patience SECONDS         a case that would wait longer is skipped (default 60); a card in vpcd may have a\n"
    "                             faster clock, which the keys file tells (clock-speed)\n"
    "  --second TARGET, --second-keys FILE   a card with a brainpool key, for the case about it\n"
    "  --quiet                    no line on stderr while it runs\n"
    "\n"
    "options of make-card\n"
    "  --curve CURVE              of the ECASD's key: P-256 (default) or brainpoolP256r1; for the target soft too\n"
    "  --times lab|field          seconds (default), or the minutes and hours of a card in the field\n"
    "  --clock-speed N            written into keys.ini, for a card that is served with the same --clock-speed\n"
    "\n"
    "The keys file names the card's ISD-R keys and the private key of its CI; docs/conform.md has the list.\n"
    "Exit status: 0 no case failed, 1 some did, 2 wrong use, 3 the card could not be tested. Try:\n"
    "\n"
    "  osprey-conform card --target soft\n"
    "  osprey-conform make-card --out lab --clock-speed 4\n"
    "  osprey-euicc serve --state lab/card.nvm --vpcd 127.0.0.1:35963 --clock-speed 4 &\n"
    "  osprey-conform card --target vpcd:35963 --keys lab/keys.ini\n";

enum { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_NO_CARD = 3 };

struct options {
    const char *target, *keys, *second, *second_keys, *group, *number, *junit, *out, *curve, *patience, *times, *speed;
    bool json, quiet;
};

static const char **value_slot(struct options *o, const char *name)
{
    const struct {
        const char *name;
        const char **slot;
    } slots[] = { { "--target", &o->target }, { "--keys", &o->keys },         { "--group", &o->group },
                  { "--case", &o->number },   { "--junit", &o->junit },       { "--out", &o->out },
                  { "--curve", &o->curve },   { "--second", &o->second },     { "--second-keys", &o->second_keys },
                  { "--times", &o->times },   { "--clock-speed", &o->speed }, { "--patience", &o->patience } };
    for (size_t i = 0; i < ARRAY_LEN(slots); i++)
        if (!strcmp(slots[i].name, name))
            return slots[i].slot;
    return NULL;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 2; i < argc; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return true;
    return false;
}

static bool options_read(int argc, char **argv, struct options *o)
{
    for (int i = 2; i < argc; i++) {
        const char **slot = value_slot(o, argv[i]);
        if (!strcmp(argv[i], "--json"))
            o->json = true;
        else if (!strcmp(argv[i], "--quiet"))
            o->quiet = true;
        else if (slot && i + 1 < argc)
            *slot = argv[++i];
        else {
            fprintf(stderr, "osprey-conform: %s: %s\n", argv[i], slot ? "its value is missing" : "no such option");
            return false;
        }
    }
    return true;
}

static bool curve_read(const struct options *o, enum ec_curve *ret)
{
    *ret = EC_P256;
    if (!o->curve || ec_curve_read(o->curve, ret) == ERR_NONE)
        return true;
    fprintf(stderr, "osprey-conform: --curve takes P-256 or brainpoolP256r1\n");
    return false;
}

/* An option that is a number; absent: usual. */
static bool number_read(const char *name, const char *text, unsigned most, unsigned usual, unsigned *ret)
{
    char *end;
    unsigned long value = text ? strtoul(text, &end, 10) : usual;
    if (text && (end == text || *end || value < 1 || value > most)) {
        fprintf(stderr, "osprey-conform: %s %s: not a number from 1 to %u\n", name, text, most);
        return false;
    }
    *ret = (unsigned)value;
    return true;
}

static int failed(const char *what, enum err err)
{
    fprintf(stderr, "osprey-conform: %s: %s\n", what, err_text(err));
    return EXIT_NO_CARD;
}

/* ---- make-card ---- */

static enum err card_file(const char *path, const struct card_keys *keys)
{
    enum err err;
    if (access(path, F_OK) == 0)
        return ERR_EXISTS;
    struct nvm_file *file = nvm_file_open(path, EUICC_NVM_DEFAULT, &err);
    if (!file)
        return err;
    struct env env = { .nvm = nvm_file_seam(file), .rng = world_rng(), .clock = world_clock() };
    err = keys_make_card(keys, &env);
    nvm_file_close(file);
    return err;
}

static int run_make_card(const struct options *o)
{
    char path[4096];
    struct card_keys keys;
    enum ec_curve curve;
    unsigned speed;
    bool field = o->times && !strcmp(o->times, "field");
    if (!o->out || (o->times && !field && strcmp(o->times, "lab") != 0)) {
        fprintf(stderr, "osprey-conform: %s\n", o->out ? "--times takes lab or field" : "--out FOLDER is missing");
        return EXIT_USAGE;
    }
    if (!curve_read(o, &curve) || !number_read("--clock-speed", o->speed, KEYS_SPEED_MAX, 1, &speed))
        return EXIT_USAGE;
    enum err err = file_make_folder(o->out);
    if (err == ERR_NONE)
        err = keys_lab(&keys, (uint8_t)curve);
    if (err != ERR_NONE)
        return failed(o->out, err);
    keys.clock_speed = speed;
    if (field)
        keys_field_times(&keys);
    snprintf(path, sizeof path, "%s/card.nvm", o->out);
    err = card_file(path, &keys);
    if (err == ERR_NONE) {
        snprintf(path, sizeof path, "%s/keys.ini", o->out);
        err = keys_save(path, &keys);
    }
    keys_done(&keys);
    return err == ERR_NONE ? EXIT_GOOD : failed(path, err);
}

/* ---- list ---- */

static int run_list(const struct options *o)
{
    char name[CASE_NAME_SIZE];
    (void)o;
    for (size_t g = 0; g < case_group_count; g++)
        for (size_t i = 0; i < case_groups[g]->count; i++)
            printf("%s\n", case_name(&case_groups[g]->cases[i], name));
    return EXIT_GOOD;
}

/* ---- card ---- */

static enum err target_open(const char *name, uint8_t curve, struct card_keys *keys, struct target **ret)
{
    if (!strcmp(name, "soft"))
        return target_soft_new(NULL, keys, curve, ret);
    if (!strncmp(name, "soft:", 5))
        return target_soft_new(name + 5, keys, 0, ret);
    if (!strncmp(name, "vpcd:", 5))
        return target_vpcd_new((uint16_t)strtoul(name + 5, NULL, 10), keys->clock_speed, ret);
    if (!strncmp(name, "pcsc:", 5))
        return target_pcsc_new((unsigned)strtoul(name + 5, NULL, 10), keys->clock_speed, ret);
    return ERR_UNSUPPORTED;
}

#define TARGETS "soft, soft:FILE, vpcd:PORT or pcsc:N"

/* NULL: a target, and keys with it when it needs them. */
static const char *target_misused(const char *name, const char *keys)
{
    if (!name)
        return "which card? --target " TARGETS;
    if (!strcmp(name, "soft"))
        return keys ? "the card of --target soft is made for the run, and its keys with it: no --keys" : NULL;
    if (strncmp(name, "soft:", 5) != 0 && strncmp(name, "vpcd:", 5) != 0 && strncmp(name, "pcsc:", 5) != 0)
        return "--target is " TARGETS;
    return keys ? NULL : "the keys of this card are needed: --keys FILE (osprey-conform make-card writes one)";
}

/* Why a target cannot be had, in words for the one who named it. */
static const char *target_trouble(const char *name, enum err err)
{
    if (!strncmp(name, "soft", 4))
        return err == ERR_DENIED ? "its secrets are wrapped: serve it with its --key, and test it as vpcd:PORT"
                                 : "no such file, not a card image, or a damaged one";
    if (!strncmp(name, "vpcd:", 5))
        return err == ERR_NOT_FOUND ? "no card came to this port in 30 s: osprey-euicc serve --vpcd 127.0.0.1:PORT"
                                    : "the port cannot be had, or the card left";
    if (!strncmp(name, "pcsc:", 5))
        return err == ERR_CLOSED        ? "no PC/SC service: is pcscd running?"
               : err == ERR_NOT_FOUND   ? "no such reader: opensc-tool --list-readers"
               : err == ERR_UNSUPPORTED ? "built without PC/SC"
                                        : "no card in this reader, or somebody else has it";
    return "not a target: " TARGETS;
}

/* A card under test: its keys, and the way to it. */
struct card {
    struct card_keys keys;
    struct target *target; /* NULL: none */
};

static void card_close(struct card *c)
{
    if (c->target)
        c->target->free(c->target);
    keys_done(&c->keys);
}

static int card_open(const char *name, const char *keys, uint8_t curve, struct card *ret)
{
    char detail[KEYS_DETAIL_MAX] = "";
    const char *wrong = target_misused(name, keys);
    if (wrong) {
        fprintf(stderr, "osprey-conform: %s\n", wrong);
        return EXIT_USAGE;
    }
    enum err err = keys ? keys_load(keys, &ret->keys, detail) : ERR_NONE;
    if (err != ERR_NONE) {
        fprintf(stderr, "osprey-conform: %s\n", detail);
        return EXIT_USAGE;
    }
    err = target_open(name, curve, &ret->keys, &ret->target);
    if (err != ERR_NONE)
        fprintf(stderr, "osprey-conform: %s: %s (%s)\n", name, target_trouble(name, err), err_text(err));
    return err == ERR_NONE ? EXIT_GOOD : err == ERR_UNSUPPORTED ? EXIT_USAGE : EXIT_NO_CARD;
}

static int report_all(const struct options *o, const struct report *r)
{
    if (r->count == 0) {
        fputs("osprey-conform: no such case; osprey-conform list has them all, NUMBER-GROUP-NAME\n", stderr);
        return EXIT_USAGE;
    }
    enum err err = report_write(r, o->json, o->junit);
    if (err != ERR_NONE)
        return failed(o->junit, err);
    return report_count(r, VERDICT_FAIL) ? EXIT_FAILED : EXIT_GOOD;
}

static int test_card(const struct options *o, unsigned patience, struct card *card, struct card *second)
{
    static struct verdict_row rows[RUNNER_CASES_MAX];
    struct bed *b;
    struct report r = { .kind = "card", .target = o->target, .rows = rows };
    struct runner_wish wish = { .group = o->group,
                                .number = o->number ? (unsigned)strtoul(o->number, NULL, 10) : 0,
                                .progress = !o->quiet && isatty(STDERR_FILENO) };
    enum err err = bed_new(card->target, &card->keys, &b);
    if (err != ERR_NONE)
        return failed("test bed", err);
    b->patience_s = patience;
    b->second.target = second->target;
    b->second.keys = &second->keys;
    int code = EXIT_NO_CARD;
    if (!runner_run(b, &wish, rows, &r.count))
        fprintf(stderr, "osprey-conform: %s: %s\n", o->target, b->detail);
    else
        code = report_all(o, &r);
    bed_free(b);
    return code;
}

static int run_card(const struct options *o)
{
    struct card card = { .target = NULL }, second = { .target = NULL };
    enum ec_curve curve;
    unsigned patience;
    if (!curve_read(o, &curve) || !number_read("--patience", o->patience, 86400, BED_PATIENCE_S, &patience))
        return EXIT_USAGE;
    int code = card_open(o->target, o->keys, (uint8_t)curve, &card);
    if (code == EXIT_GOOD && o->second)
        code = card_open(o->second, o->second_keys, (uint8_t)curve, &second);
    if (code == EXIT_GOOD)
        code = test_card(o, patience, &card, &second);
    card_close(&second);
    card_close(&card);
    return code;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(const struct options *);
    } commands[] = { { "card", run_card }, { "list", run_list }, { "make-card", run_make_card } };
    struct options o = { .target = NULL };
    signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && !strcmp(argv[1], "--version"))
        return printf("osprey-conform %s\n", osprey_version) < 0;
    if (argc > 1 && !strcmp(argv[1], "server"))
        return server_command(argc - 2, argv + 2);
    if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "help") || asks_for_help(argc, argv)) {
        fputs(help, argc < 2 ? stderr : stdout);
        return argc < 2 ? EXIT_USAGE : EXIT_GOOD;
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (!strcmp(commands[i].name, argv[1]))
            return options_read(argc, argv, &o) ? commands[i].run(&o) : EXIT_USAGE;
    fprintf(stderr, "osprey-conform: %s: no such command; --help tells which there are\n", argv[1]);
    return EXIT_USAGE;
}
