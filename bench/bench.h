/* bench/bench.h: measures a piece of work, and where there is one its floor (the same bytes through the bare library),
 * in turns, so that the ratio holds when the machine's speed drifts. Results are JSON lines on stdout:
 *   {"name": …, "value": …, "unit": …, "ratio": …, "ratio_is": …, "gate": "P5", "limit": …, "holds": true}
 * A figure with a gate (docs/speed.md) holds when its ratio, or its value where there is no ratio, is at most the limit. */
#ifndef OSPREY_BENCH_H
#define OSPREY_BENCH_H

#include "lib/base/arena.h"

typedef void bench_work(void *context, unsigned repeats);

struct bench {
    const char *name;     /* "scp80 wrap, 64 octets" */
    const char *unit;     /* "packets/s", "MB/s" … */
    double per_repeat;    /* units one repeat counts for */
    bench_work *ours;
    bench_work *floor;    /* NULL: none */
    const char *ratio_is; /* "ours / kept EVP CBC+CMAC of the same bytes" */
    void *context;
    const char *gate; /* "P5"; NULL: none */
    double limit;     /* of the ratio */
};
void bench_run(const struct bench *b);
void bench_value(const char *name, double value, const char *unit);
void bench_gate(const char *name, double value, const char *unit, const char *gate, double limit);
/* CPU time of one repeat, the median of some rounds. */
double bench_cost_us(bench_work *work, void *context);
/* A fault in a measurement ends the program: a wrong figure is worse than none. */
void bench_must(enum err err, const char *what);
#define BENCH_MUST(expression) bench_must((expression), #expression)
/* Keeps the compiler from throwing the work away. */
void bench_keep(const void *p);

/* A span for tables. */
#define BENCH_OCTETS(text) { (const uint8_t *)(text), sizeof(text) - 1 }

void bench_scp(void);
void bench_profile(struct span package);
void bench_store(void);
void bench_xml(struct span eis, struct span package);
void bench_card(struct span image);
void bench_install(struct span package);
/* Many cards in one process: that many asleep, and at most 10,000 open. */
void bench_fleet(struct span package, size_t count);
/* Device-days that a CPU second simulates. profiles: folder of the profile sources. */
void bench_days(const char *profiles);
void bench_tls(void);
void bench_wire(void);
/* The same package through a bare DER walk; one change of the bare store in groups of 100. */
double bench_walk_us(struct span package);
double bench_change_us(void);

#endif
