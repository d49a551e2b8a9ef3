#include "geography.h"

const struct radio sim_radios[RADIO_KINDS] = {
    /*                  name         air          short message  octets/s  sleep      view        SMS   MB    mA */
    [RADIO_2G] =        { "2G",        150, 700,    1500, 6000,  3000,     0, 0,      0, 0,       0.05, 0.30, 250 },
    [RADIO_3G] =        { "3G",        60, 250,     1000, 5000,  30000,    0, 0,      0, 0,       0.05, 0.20, 350 },
    [RADIO_4G] =        { "4G",        20, 80,      500, 3000,   500000,   0, 0,      0, 0,       0.05, 0.10, 300 },
    [RADIO_5G] =        { "5G",        8, 30,       500, 3000,   2000000,  0, 0,      0, 0,       0.05, 0.05, 400 },
    [RADIO_LTE_M] =     { "LTE-M",     50, 200,     1000, 5000,  40000,    20, 82,    0, 0,       0.05, 0.20, 180 }, /* eDRX */
    [RADIO_NB_IOT] =    { "NB-IoT",    300, 3000,   2000, 10000, 2500,     20, 600,   0, 0,       0.05, 0.40, 120 }, /* PSM */
    [RADIO_SATELLITE] = { "satellite", 600, 2500,   3000, 20000, 300,      0, 0,      600, 1200,  0.25, 8.00, 600 },
};

#define NETWORKS(a, b, c)                                                                                              \
    {                                                                                                                  \
        { { a, b, (c) }, RADIO_2G },          { { a, b, (c) }, RADIO_3G },    { { a, b, (c) }, RADIO_4G },             \
        { { a, b, (c) + 0x10 }, RADIO_5G },   { { a, b, (c) + 0x10 }, RADIO_LTE_M }, { { a, b, (c) + 0x10 }, RADIO_NB_IOT }, \
        { { a, b, (c) + 0x20 }, RADIO_SATELLITE },                                                                     \
    }

/* 99971 26201 90128: the IMSIs of the multi-IMSI bootstrap profile; 99970: the operator's. 90128 is taken everywhere. */
const struct country sim_countries[] = {
    { "home", 999, "99971 99970 90128", NETWORKS(0x99, 0xF9, 0x10) },
    { "its neighbour", 262, "26201 99970 90128", NETWORKS(0x62, 0xF2, 0x10) },
    { "across the river", 208, "99970 90128", NETWORKS(0x02, 0xF8, 0x10) },
    { "far away", 222, "99971 90128", { { { 0x22, 0xF2, 0x10 }, RADIO_2G }, { { 0x22, 0xF2, 0x10 }, RADIO_4G },
                                        { { 0x22, 0xF2, 0x20 }, RADIO_LTE_M } } },
};
const unsigned sim_country_count = ARRAY_LEN(sim_countries);

const struct visited *country_network(const struct country *c, uint32_t bands)
{
    for (size_t i = 0; i < COUNTRY_NETWORKS_MAX && c->networks[i].plmn[0]; i++)
        if (bands >> c->networks[i].kind & 1)
            return &c->networks[i];
    return NULL;
}

bool country_takes(const struct country *c, const char *imsi)
{
    char operator_digits[6];
    strncpy(operator_digits, imsi, 5);
    operator_digits[5] = 0;
    return strlen(operator_digits) == 5 && strstr(c->agreements, operator_digits) != NULL;
}
