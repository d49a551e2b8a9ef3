/* osprey-bench: the pieces, each against its floor, and the floors of whole operations. Whole programs under load:
 * tools/bench.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "euicc/euicc.h"
#include "floor.h"
#include "lib/io/file.h"
#include "lib/profile/package.h"

#define EIS_MAX   (1u << 20)
#define FLEET_MAX 1000000ul

static int usage(FILE *out, int code)
{
    fprintf(out, "osprey-bench PACKAGE.der EIS.xml CARD.nvm: measures Osprey's pieces and prints JSON lines; ratios are against\n"
                 "the bare library on the same octets, taken in turns. PACKAGE.der: a profile package; EIS.xml and CARD.nvm: an\n"
                 "eUICC as osprey-eum makes it. tools/bench.py makes all three.\n"
                 "osprey-bench card PACKAGE.der EIS.xml CARD.nvm: the card's part of it alone.\n"
                 "osprey-bench fleet PACKAGE.der COUNT: the memory of so many devices in one process.\n"
                 "osprey-bench days PROFILES: how many days of devices a second simulates; the folder of the profile sources.\n");
    return code;
}

struct inputs {
    struct arena arena;
    struct span package, eis, image;
};

static void inputs_read(struct inputs *in, char **paths)
{
    arena_init(&in->arena, 4 * PACKAGE_MAX + EIS_MAX + EUICC_NVM_MAX);
    bench_must(file_read(paths[0], PACKAGE_MAX, &in->arena, &in->package), paths[0]);
    bench_must(file_read(paths[1], EIS_MAX, &in->arena, &in->eis), paths[1]);
    bench_must(file_read(paths[2], EUICC_NVM_MAX, &in->arena, &in->image), paths[2]);
}

static void card_pieces(const struct inputs *in)
{
    bench_scp();
    bench_profile(in->package);
    bench_card(in->image);
    bench_install(in->package);
}

static void all_pieces(const struct inputs *in)
{
    bench_floor(in->eis, in->package);
    bench_store();
    bench_xml(in->eis, in->package);
    bench_tls();
    bench_wire();
    card_pieces(in);
}

static int pieces(char **paths, void (*run)(const struct inputs *in))
{
    struct inputs in = { 0 };
    inputs_read(&in, paths);
    run(&in);
    arena_release(&in.arena);
    return 0;
}

static int fleet(const char *path, const char *count)
{
    struct arena a;
    struct span package;
    unsigned long devices = strtoul(count, NULL, 10);
    if (devices == 0 || devices > FLEET_MAX)
        return usage(stderr, 2);
    arena_init(&a, 2 * PACKAGE_MAX);
    bench_must(file_read(path, PACKAGE_MAX, &a, &package), path);
    bench_fleet(package, devices);
    arena_release(&a);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--help"))
        return usage(stdout, 0);
    if (argc == 4 && !strcmp(argv[1], "fleet"))
        return fleet(argv[2], argv[3]);
    if (argc == 3 && !strcmp(argv[1], "days")) {
        bench_days(argv[2]);
        return 0;
    }
    if (argc == 5 && !strcmp(argv[1], "card"))
        return pieces(argv + 2, card_pieces);
    return argc == 4 ? pieces(argv + 1, all_pieces) : usage(stderr, 2);
}
