#include "bill.h"

#include <stdio.h>

#include "lib/es/functions.h"

static double each(double value, const struct sim_usage *u) { return u->operations ? value / (double)u->operations : value; }

static double price(const struct radio *r, const struct sim_usage *u)
{
    return (double)(u->sms_up + u->sms_down) * r->sms_euro + (double)(u->octets_up + u->octets_down) / 1e6 * r->megabyte_euro;
}

/* Awake for what was counted, and longer where the octets take longer. */
static double milliamperehours(const struct radio *r, const struct sim_usage *u)
{
    double seconds = (double)u->awake_ms / 1000 + (double)(u->octets_up + u->octets_down) / r->octets_per_s;
    return seconds * r->awake_ma / 3600;
}

static void print_row(const char *name, const struct sim_usage *u)
{
    printf("%-22s %6llu %8.1f %8.1f %10.0f %10.0f %9.1f", name, (unsigned long long)u->operations, each((double)u->sms_down, u),
           each((double)u->sms_up, u), each((double)u->octets_down, u), each((double)u->octets_up, u), each((double)u->awake_ms / 1000, u));
    for (size_t i = 0; i < RADIO_KINDS; i++)
        printf(" %8.3f/%-5.2f", each(price(&sim_radios[i], u), u), each(milliamperehours(&sim_radios[i], u), u));
    printf("\n");
}

/* On the radio it was done on: what was counted is all there was. */
static void print_actual(const char *name, const struct radio *r, const struct sim_usage *u)
{
    printf("%-22s %-10s %6llu %8.1f %8.1f %10.0f %10.0f %9.1f %8.3f %8.2f\n", name, r->name, (unsigned long long)u->operations,
           each((double)u->sms_down, u), each((double)u->sms_up, u), each((double)u->octets_down, u), each((double)u->octets_up, u),
           each((double)u->awake_ms / 1000, u), each(price(r, u), u), each((double)u->awake_ms / 1000 * r->awake_ma / 3600, u));
}

void bill_print_radios(struct sim_usage (*usage)[RADIO_KINDS])
{
    bool begun = false;
    for (size_t f = 1; f < ES_FUNCTION_COUNT; f++)
        for (size_t i = 0; i < RADIO_KINDS; i++) {
            if (!usage[f][i].operations)
                continue;
            if (!begun)
                printf("%-22s %-10s %6s %8s %8s %10s %10s %9s %8s %8s\n", "for each operation", "on", "count", "SMS down", "SMS up", "octets dn",
                       "octets up", "s awake", "euro", "mAh");
            begun = true;
            print_actual(es_function_info((enum es_function)f)->name, &sim_radios[i], &usage[f][i]);
        }
}

void bill_print(const struct sim_usage *usage)
{
    printf("%-22s %6s %8s %8s %10s %10s %9s", "for each operation", "count", "SMS down", "SMS up", "octets dn", "octets up", "s awake");
    for (size_t i = 0; i < RADIO_KINDS; i++)
        printf(" %14s", sim_radios[i].name);
    printf("   (euro/mAh)\n");
    for (size_t f = 1; f < ES_FUNCTION_COUNT; f++)
        if (usage[f].operations)
            print_row(es_function_info((enum es_function)f)->name, &usage[f]);
    print_row("of nobody's asking, all", &usage[ES_FUNCTION_NONE]);
}
