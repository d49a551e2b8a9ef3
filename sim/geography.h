/* sim/geography.h: countries, the networks in them, whose subscribers they take, and what each kind of network means for a
 * device: delays, rates, sleep, silence, prices. Round figures to compare by, nobody's offer. */
#ifndef OSPREY_SIM_GEOGRAPHY_H
#define OSPREY_SIM_GEOGRAPHY_H

#include "world.h"

enum radio_kind { RADIO_2G, RADIO_3G, RADIO_4G, RADIO_5G, RADIO_LTE_M, RADIO_NB_IOT, RADIO_SATELLITE, RADIO_KINDS };
#define RADIO_BIT(kind)  (1u << (kind))
#define RADIO_ALL        ((1u << RADIO_KINDS) - 1)

struct radio {
    const char *name;
    uint32_t air_min_ms, air_max_ms; /* one way, of anything but short messages */
    uint32_t sms_min_ms, sms_max_ms; /* a short message, either way */
    uint32_t octets_per_s;           /* that a module gets */
    uint32_t awake_s, asleep_s;      /* PSM, eDRX: asleep so long when nothing happened for awake_s; 0: never */
    uint32_t view_s, hidden_s;       /* satellites pass: seen so long, not seen so long; 0: always seen */
    double sms_euro, megabyte_euro, awake_ma;
};
extern const struct radio sim_radios[RADIO_KINDS];

#define COUNTRY_NETWORKS_MAX 8u
struct visited { /* a network where a device may be; each has one kind of radio */
    uint8_t plmn[3]; /* TS 24.008 §10.5.1.3; the MCC is the country's */
    enum radio_kind kind;
};
struct country {
    const char *name;
    uint16_t mcc;
    const char *agreements; /* operators (first five digits of the IMSI) whose subscribers its networks take */
    struct visited networks[COUNTRY_NETWORKS_MAX]; /* as many as have a PLMN */
};
/* 0: at home. */
extern const struct country sim_countries[];
extern const unsigned sim_country_count;

/* The first network for a device with these bands; NULL: there is none. */
const struct visited *country_network(const struct country *c, uint32_t bands);
bool country_takes(const struct country *c, const char *imsi);

#endif
