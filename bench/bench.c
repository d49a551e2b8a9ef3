#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS     7u
#define ROUND_S    0.08

void bench_must(enum err err, const char *what)
{
    if (err == ERR_NONE)
        return;
    fprintf(stderr, "%s: %s\n", what, err_text(err));
    exit(1);
}

void bench_keep(const void *p) { __asm__ volatile("" : : "r"(p) : "memory"); }

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(bench_work *work, void *context, unsigned repeats)
{
    double start = cpu_s();
    work(context, repeats);
    return cpu_s() - start;
}

static unsigned calibrate(bench_work *work, void *context)
{
    unsigned repeats = 1;
    while (repeats < 1u << 24 && seconds(work, context, repeats) < ROUND_S / 2)
        repeats *= 2;
    return repeats;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, by_value);
    return values[ROUNDS / 2];
}

static void end_line(const char *gate, double measured, double limit)
{
    if (gate)
        printf(",\"gate\":\"%s\",\"limit\":%g,\"holds\":%s", gate, limit, measured <= limit ? "true" : "false");
    printf("}\n");
    fflush(stdout);
}

void bench_run(const struct bench *b)
{
    double ours[ROUNDS], ratio[ROUNDS];
    unsigned repeats = calibrate(b->ours, b->context);
    for (unsigned i = 0; i < ROUNDS; i++) {
        ours[i] = seconds(b->ours, b->context, repeats);
        ratio[i] = b->floor ? ours[i] / seconds(b->floor, b->context, repeats) : 0;
    }
    printf("{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"", b->name, b->per_repeat * repeats / median(ours), b->unit);
    if (b->floor)
        printf(",\"ratio\":%.2f,\"ratio_is\":\"%s\"", median(ratio), b->ratio_is);
    end_line(b->gate, median(ratio), b->limit);
}

double bench_cost_us(bench_work *work, void *context)
{
    double cost[ROUNDS];
    unsigned repeats = calibrate(work, context);
    for (unsigned i = 0; i < ROUNDS; i++)
        cost[i] = seconds(work, context, repeats) * 1e6 / repeats;
    return median(cost);
}

void bench_gate(const char *name, double value, const char *unit, const char *gate, double limit)
{
    printf("{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"", name, value, unit);
    end_line(gate, value, limit);
}

void bench_value(const char *name, double value, const char *unit) { bench_gate(name, value, unit, NULL, 0); }
