#include "floor.h"

#include <stdio.h>

struct part {
    enum floor_unit unit;
    unsigned count;
};
#define PARTS_MAX 24u

/* The least that SGP.02 demands of SM-DP and SM-SR together. */
static const struct operation {
    const char *name;
    struct part parts[PARTS_MAX];
} operations[] = {
    { "download + enable", /* signature, certificate of the ECASD, keys; the package; 29 sides of SOAP; two sessions */
      { { FLOOR_SIGN, 1 }, { FLOOR_VERIFY, 1 }, { FLOOR_ECKA, 1 }, { FLOOR_KDF, 1 }, { FLOOR_CMAC, 8 }, { FLOOR_SCP03T, 1 },
        { FLOOR_GCM, 12 }, { FLOOR_WALK, 1 }, { FLOOR_SCP80, 12 }, { FLOOR_SMS, 12 }, { FLOOR_PSK, 2 }, { FLOOR_PSK_EXCHANGE, 6 },
        { FLOOR_PSK_EXCHANGE_14K, 1 }, { FLOOR_SOAP, 29 }, { FLOOR_SOAP_27K, 2 }, { FLOOR_SCAN, 15 }, { FLOOR_SCAN_27K, 1 },
        { FLOOR_SCAN_EIS, 1 }, { FLOOR_EMIT, 17 }, { FLOOR_HEX, 2 }, { FLOOR_CHANGE, 20 } } },
    { "enable over SMS",
      { { FLOOR_SOAP, 4 }, { FLOOR_SCAN, 1 }, { FLOOR_EMIT, 3 }, { FLOOR_SCP80, 5 }, { FLOOR_SMS, 5 }, { FLOOR_GCM, 2 },
        { FLOOR_CHANGE, 6 } } },
    { "audit over SMS",
      { { FLOOR_SOAP, 2 }, { FLOOR_SCAN, 1 }, { FLOOR_EMIT_EIS, 1 }, { FLOOR_SCP80, 3 }, { FLOOR_SMS, 3 }, { FLOOR_GCM, 2 },
        { FLOOR_CHANGE, 4 } } },
    { "registration",
      { { FLOOR_SOAP_7K, 1 }, { FLOOR_SCAN_EIS, 1 }, { FLOOR_EMIT_EIS, 1 }, { FLOOR_SHA_1K, 4 }, { FLOOR_VERIFY, 2 },
        { FLOOR_GCM, 5 }, { FLOOR_CHANGE, 6 } } },
};

static double sum(const struct operation *o, const double cost_us[FLOOR_UNIT_COUNT])
{
    double total = 0;
    for (size_t i = 0; i < PARTS_MAX && o->parts[i].count; i++)
        total += o->parts[i].count * cost_us[o->parts[i].unit];
    return total;
}

static const struct {
    enum floor_unit unit;
    const char *name;
} shown[] = {
    { FLOOR_SIGN, "floor: P-256 signature" },
    { FLOOR_VERIFY, "floor: P-256 verification" },
    { FLOOR_ECKA, "floor: ECKA-EG, fresh key and product" },
    { FLOOR_SOAP, "floor: SOAP exchange of 2 kB, kept TLS, 32 at once, a side" },
    { FLOOR_PSK, "floor: PSK-TLS connection, 32 in flight, a side" },
    { FLOOR_SMS, "floor: short message over a socket, ten at a time, a side" },
    { FLOOR_CHANGE, "floor: durable change, groups of 100" },
};

void bench_floor(struct span eis, struct span package)
{
    double cost_us[FLOOR_UNIT_COUNT] = { 0 };
    char name[80];
    floor_crypto(cost_us);
    floor_text(cost_us, eis, package);
    floor_wire(cost_us);
    cost_us[FLOOR_WALK] = bench_walk_us(package);
    cost_us[FLOOR_CHANGE] = bench_change_us();
    for (size_t i = 0; i < ARRAY_LEN(shown); i++)
        bench_value(shown[i].name, cost_us[shown[i].unit], "us of CPU");
    for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
        snprintf(name, sizeof name, "floor: %s", operations[i].name);
        bench_value(name, sum(&operations[i], cost_us), "us of CPU");
    }
}
