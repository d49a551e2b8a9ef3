/* osprey-conform: is this card what SGP.02 says? */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/world.h"
#include "lib/io/file.h"
#include "runner.h"

static const char help[] =
    "osprey-conform: runs the numbered on-card tests of SGP.02 against a card\n"
    "\n"
    "  osprey-conform card --target soft [options]             a lab card made for the run, in this process\n"
    "  osprey-conform card --target soft:FILE --keys FILE      a copy of a card image, in this process\n"
    "  osprey-conform card --target vpcd:PORT --keys FILE      plays the reader for `osprey-euicc serve --vpcd`\n"
    "  osprey-conform card --target pcsc:N --keys FILE         reader N of the PC/SC service\n"
    "  osprey-conform list                                     the cases\n"
    "  osprey-conform make-card --out FOLDER                   a lab card: card.nvm and its keys.ini\n"
    "\n"
    "options\n"
    "  --group NAME   only that group     --case N   only that one      --quiet        no line while it runs\n"
    "  --json         JSON on stdout      --junit FILE   JUnit XML      --curve CURVE  of a lab card's ECASD\n"
    "\n"
    "The keys file names the card's ISD-R keys and the private key of its CI; docs/conform.md has the list.\n"
    "Exit status: 0 no case failed, 1 some did, 2 wrong use, 3 the card could not be tested.\n";

enum { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_NO_CARD = 3 };

struct options {
    const char *target, *keys, *group, *number, *junit, *out, *curve;
    bool json, quiet;
};

static const char **value_slot(struct options *o, const char *name)
{
    const struct {
        const char *name;
        const char **slot;
    } slots[] = { { "--target", &o->target }, { "--keys", &o->keys },   { "--group", &o->group },
                  { "--case", &o->number },   { "--junit", &o->junit }, { "--out", &o->out },
                  { "--curve", &o->curve } };
    for (size_t i = 0; i < ARRAY_LEN(slots); i++)
        if (!strcmp(slots[i].name, name))
            return slots[i].slot;
    return NULL;
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
    if (!o->out || !curve_read(o, &curve)) {
        fputs(o->out ? "" : "osprey-conform: --out FOLDER is missing\n", stderr);
        return EXIT_USAGE;
    }
    enum err err = file_make_folder(o->out);
    if (err == ERR_NONE)
        err = keys_lab(&keys, (uint8_t)curve);
    if (err != ERR_NONE)
        return failed(o->out, err);
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

static enum err target_open(const struct options *o, struct card_keys *keys, struct target **ret)
{
    enum ec_curve curve;
    if (!curve_read(o, &curve))
        return ERR_BAD_VALUE;
    if (!strcmp(o->target, "soft"))
        return target_soft_new(NULL, keys, (uint8_t)curve, ret);
    if (!strncmp(o->target, "soft:", 5))
        return target_soft_new(o->target + 5, keys, 0, ret);
    if (!strncmp(o->target, "vpcd:", 5))
        return target_vpcd_new((uint16_t)strtoul(o->target + 5, NULL, 10), ret);
    if (!strncmp(o->target, "pcsc:", 5))
        return target_pcsc_new((unsigned)strtoul(o->target + 5, NULL, 10), ret);
    return ERR_UNSUPPORTED;
}

static int report_all(const struct options *o, const struct report *r)
{
    if (o->json)
        report_json(r, stdout);
    else
        report_table(r, stdout);
    enum err err = o->junit ? report_junit(r, o->junit) : ERR_NONE;
    if (err != ERR_NONE)
        return failed(o->junit, err);
    return report_count(r, VERDICT_FAIL) ? EXIT_FAILED : EXIT_GOOD;
}

static int test_card(const struct options *o, struct target *target, struct card_keys *keys)
{
    static struct verdict_row rows[RUNNER_CASES_MAX];
    struct bed *b;
    struct report r = { .target = o->target, .rows = rows };
    struct runner_wish wish = { .group = o->group,
                                .number = o->number ? (unsigned)strtoul(o->number, NULL, 10) : 0,
                                .progress = !o->quiet && isatty(STDERR_FILENO) };
    enum err err = bed_new(target, keys, &b);
    if (err != ERR_NONE)
        return failed("test bed", err);
    int code = EXIT_NO_CARD;
    if (!runner_run(b, &wish, rows, &r.count))
        fprintf(stderr, "osprey-conform: the card is not fit for the tests: %s\n", b->detail);
    else
        code = report_all(o, &r);
    bed_free(b);
    return code;
}

static int run_card(const struct options *o)
{
    char detail[KEYS_DETAIL_MAX] = "";
    struct card_keys keys = { .ci = NULL };
    struct target *target;
    if (!o->target || (strcmp(o->target, "soft") != 0) != (o->keys != NULL)) {
        fputs("osprey-conform: card wants --target, and --keys for any card but its own\n", stderr);
        return EXIT_USAGE;
    }
    enum err err = o->keys ? keys_load(o->keys, &keys, detail) : ERR_NONE;
    if (err != ERR_NONE) {
        fprintf(stderr, "osprey-conform: %s: %s\n", o->keys, detail);
        return EXIT_USAGE;
    }
    err = target_open(o, &keys, &target);
    if (err != ERR_NONE) {
        keys_done(&keys);
        return failed(o->target, err);
    }
    int code = test_card(o, target, &keys);
    target->free(target);
    keys_done(&keys);
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
    if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "help")) {
        fputs(help, argc < 2 ? stderr : stdout);
        return argc < 2 ? EXIT_USAGE : EXIT_GOOD;
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (!strcmp(commands[i].name, argv[1]))
            return options_read(argc, argv, &o) ? commands[i].run(&o) : EXIT_USAGE;
    fprintf(stderr, "osprey-conform: %s: no such command; --help tells which there are\n", argv[1]);
    return EXIT_USAGE;
}
