#include "bill.h"

#include <stdio.h>

#include "lib/es/functions.h"

/* Prices in euro and current in mA while awake: round figures to compare bearers by, not offers of anybody. rate: octets a
 * second that an M2M module gets. */
static const struct tariff {
    const char *name;
    double sms, megabyte, awake_ma, rate;
} tariffs[] = {
    { "2G", 0.05, 0.30, 250, 3000 },       { "3G", 0.05, 0.20, 350, 30000 },   { "4G", 0.05, 0.10, 300, 500000 },
    { "5G", 0.05, 0.05, 400, 2000000 },    { "LTE-M", 0.05, 0.20, 180, 40000 }, { "NB-IoT", 0.05, 0.40, 120, 2500 },
    { "satellite", 0.25, 8.00, 600, 300 },
};

static double each(double value, const struct sim_usage *u) { return u->operations ? value / (double)u->operations : value; }

static double price(const struct tariff *t, const struct sim_usage *u)
{
    return (double)(u->sms_up + u->sms_down) * t->sms + (double)(u->octets_up + u->octets_down) / 1e6 * t->megabyte;
}

/* Awake for what was counted, and longer where the octets take longer. */
static double milliamperehours(const struct tariff *t, const struct sim_usage *u)
{
    double seconds = (double)u->awake_ms / 1000 + (double)(u->octets_up + u->octets_down) / t->rate;
    return seconds * t->awake_ma / 3600;
}

static void print_row(const char *name, const struct sim_usage *u)
{
    printf("%-22s %6llu %8.1f %8.1f %10.0f %10.0f %9.1f", name, (unsigned long long)u->operations, each((double)u->sms_down, u),
           each((double)u->sms_up, u), each((double)u->octets_down, u), each((double)u->octets_up, u), each((double)u->awake_ms / 1000, u));
    for (size_t i = 0; i < ARRAY_LEN(tariffs); i++)
        printf(" %8.3f/%-5.2f", each(price(&tariffs[i], u), u), each(milliamperehours(&tariffs[i], u), u));
    printf("\n");
}

void bill_print(const struct sim_usage *usage)
{
    printf("%-22s %6s %8s %8s %10s %10s %9s", "for each operation", "count", "SMS down", "SMS up", "octets dn", "octets up", "s awake");
    for (size_t i = 0; i < ARRAY_LEN(tariffs); i++)
        printf(" %14s", tariffs[i].name);
    printf("   (euro/mAh)\n");
    for (size_t f = 1; f < ES_FUNCTION_COUNT; f++)
        if (usage[f].operations)
            print_row(es_function_info((enum es_function)f)->name, &usage[f]);
    print_row("of nobody's asking, all", &usage[ES_FUNCTION_NONE]);
}
