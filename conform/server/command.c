#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/span.h"
#include "server.h"

static const char help[] =
    "osprey-conform server: runs the numbered off-card tests of SGP.02 against an SM-SR and an SM-DP; plays all others\n"
    "\n"
    "  osprey-conform server --target lab [options]    our own servers, cards and network, started for the run\n"
    "  osprey-conform server --target FILE [options]   servers that run, and partners, as the file describes them\n"
    "  osprey-conform server --list                    the cases\n"
    "  osprey-conform server --make-target             an example of such a file, on stdout\n"
    "\n"
    "  --group NAME, --case N   only that group; only that case\n"
    "  --quick                  without the cases that wait for a second or more\n"
    "  --ideas                  the numbered ideas of the fact book alone, up to 110\n"
    "  --json, --junit FILE     JSON on stdout in place of the table; JUnit XML into a file\n"
    "  --keep FOLDER            the lab is made in that folder, and stays\n"
    "  --quiet                  no line on stderr while it runs\n"
    "\n"
    "Exit status: 0 no case failed, 1 some did, 2 wrong use, 3 the servers could not be tested.\n";

enum { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_NO_SERVERS = 3 };

struct options {
    const char *target, *group, *number, *junit, *keep;
    bool json, quiet, quick, ideas, list, example, help;
};

static bool option_read(struct options *o, char **argv, int left, int *used)
{
    const struct {
        const char *name, **value;
        bool *flag;
    } rows[] = { { "--target", &o->target, NULL }, { "--group", &o->group, NULL },  { "--case", &o->number, NULL },
                 { "--junit", &o->junit, NULL },   { "--keep", &o->keep, NULL },    { "--json", NULL, &o->json },
                 { "--quiet", NULL, &o->quiet },   { "--quick", NULL, &o->quick }, { "--ideas", NULL, &o->ideas },   { "--list", NULL, &o->list },    { "--make-target", NULL, &o->example },
                 { "--help", NULL, &o->help } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].name, argv[0]) != 0 || (rows[i].value && left < 2))
            continue;
        if (rows[i].flag)
            *rows[i].flag = true;
        else
            *rows[i].value = argv[1];
        *used = rows[i].flag ? 1 : 2;
        return true;
    }
    return false;
}

static int report_all(const struct options *o, const struct report *r)
{
    enum err err = report_write(r, o->json, o->junit);
    if (err != ERR_NONE) {
        fprintf(stderr, "osprey-conform: %s: %s\n", o->junit, err_text(err));
        return EXIT_NO_SERVERS;
    }
    return report_count(r, VERDICT_FAIL) ? EXIT_FAILED : EXIT_GOOD;
}

static void server_help(FILE *out) { fputs(help, out); }

static int run(const struct options *o)
{
    static struct verdict_row rows[SERVER_CASES_MAX];
    char detail[BED_DETAIL_MAX];
    const struct server_wish wish = { .target = o->target,
                                      .group = o->group,
                                      .number = o->number ? (unsigned)strtoul(o->number, NULL, 10) : 0,
                                      .quick = o->quick,
                                      .ideas = o->ideas,
                                      .keep = o->keep,
                                      .progress = !o->quiet };
    struct report r = { .kind = "server", .target = o->target, .rows = rows };
    if (server_run(&wish, rows, &r.count, detail))
        return report_all(o, &r);
    fprintf(stderr, "osprey-conform: the servers are not fit for the tests: %s\n", detail);
    return EXIT_NO_SERVERS;
}

int server_command(int argc, char **argv)
{
    struct options o = { .target = NULL };
    for (int i = 0, used = 0; i < argc; i += used)
        if (!option_read(&o, argv + i, argc - i, &used)) {
            fprintf(stderr, "osprey-conform server: %s: no such option, or its value is missing\n", argv[i]);
            return EXIT_USAGE;
        }
    if (o.list || o.example || o.help) {
        (o.list ? server_list : o.example ? server_example : server_help)(stdout);
        return EXIT_GOOD;
    }
    if (!o.target) {
        server_help(stderr);
        return EXIT_USAGE;
    }
    return run(&o);
}
