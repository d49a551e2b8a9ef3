/* osprey-bench: the pieces, each against its floor. Whole programs under load: tools/bench.py. */
#include <stdio.h>
#include <string.h>

#include "bench.h"

int main(int argc, char **argv)
{
    if (argc > 1 && (!strcmp(argv[1], "--help") || argc > 2)) {
        printf("osprey-bench [PACKAGE.der]: measures Osprey's pieces and prints JSON lines; ratios are against the bare\n"
               "library on the same bytes, taken in turns. PACKAGE.der: a profile package to decode and install.\n");
        return 0;
    }
    bench_scp();
    bench_store();
    if (argc > 1)
        bench_profile(argv[1]);
    return 0;
}
