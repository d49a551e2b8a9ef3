/* osprey-bench: the pieces, each against its floor, and the floors of whole operations. Whole programs under load:
 * tools/bench.py. */
#include <stdio.h>
#include <string.h>

#include "euicc/euicc.h"
#include "floor.h"
#include "lib/io/file.h"
#include "lib/profile/package.h"

#define EIS_MAX (1u << 20)

static int usage(FILE *out, int code)
{
    fprintf(out, "osprey-bench PACKAGE.der EIS.xml CARD.nvm: measures Osprey's pieces and prints JSON lines; ratios are against\n"
                 "the bare library on the same octets, taken in turns. PACKAGE.der: a profile package; EIS.xml and CARD.nvm: an\n"
                 "eUICC as osprey-eum makes it. tools/bench.py makes all three.\n");
    return code;
}

int main(int argc, char **argv)
{
    struct arena a;
    struct span package, eis, image;
    if (argc == 2 && !strcmp(argv[1], "--help"))
        return usage(stdout, 0);
    if (argc != 4)
        return usage(stderr, 2);
    arena_init(&a, 4 * PACKAGE_MAX + EIS_MAX + EUICC_NVM_MAX);
    bench_must(file_read(argv[1], PACKAGE_MAX, &a, &package), argv[1]);
    bench_must(file_read(argv[2], EIS_MAX, &a, &eis), argv[2]);
    bench_must(file_read(argv[3], EUICC_NVM_MAX, &a, &image), argv[3]);
    bench_floor(eis, package);
    bench_scp();
    bench_store();
    bench_profile(package);
    bench_xml(eis, package);
    bench_tls();
    bench_card(image, package);
    arena_release(&a);
    return 0;
}
