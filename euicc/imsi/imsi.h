/* euicc/imsi/imsi.h: the enabled profile has several IMSIs (lib/profile/multi_imsi.h): the card changes from one to the
 * next by itself, without any server.
 *
 * When: the network rejects the registration, or there is a network and no registration for the rules' time: the next IMSI of
 * the list. The country is another one (MCC of the location information) and an IMSI is meant for it, the present one not: that one.
 * First those that name the country, then those for everywhere; each once until the country changes or all were tried.
 * How: EF.IMSI, keys, sequence numbers (each IMSI keeps its own), location files and the registry in one transaction, then
 * REFRESH (initialisation and full file change). */
#ifndef OSPREY_EUICC_IMSI_IMSI_H
#define OSPREY_EUICC_IMSI_IMSI_H

#include "euicc/card.h"
#include "lib/profile/multi_imsi.h"

extern const struct card_module imsi_module;

#define IMSI_NONE       0xFFu
#define IMSI_NO_COUNTRY 0xFFFFu

struct imsi_rule {
    uint8_t country_count;
    uint16_t countries[MULTI_IMSI_COUNTRIES]; /* none: everywhere */
};
struct imsi_rules {
    uint16_t timer_s;
    uint8_t count; /* 0: the profile has one IMSI */
    struct imsi_rule rules[MULTI_IMSI_MAX];
};
struct imsi { /* RAM: card->imsi */
    struct imsi_rules rules;
    uint8_t active;
    uint8_t tried; /* a bit each, in this country */
    uint16_t country;
    bool serviced;
    bool refreshing; /* the terminal has not taken the last change yet: what it reports is of the IMSI before */
    uint64_t deadline_ms; /* UINT64_MAX: none */
};

enum imsi_service { IMSI_SERVED, IMSI_REFUSED, IMSI_NO_SERVICE }; /* location status 00, 01 (limited service), 02 */

/* The terminal told where we are: an answer to PROVIDE LOCAL INFORMATION or the event; location: value of tag 13, may be
 * empty. */
void imsi_location(struct card *card, enum imsi_service service, struct span location);
bool imsi_has_several(const struct card *card);

/* ---- rules.c: in card memory, under the profile's slot ---- */

/* In the transaction of the installation. */
MUST_USE enum err imsi_rules_put(struct objects *store, uint8_t slot, const struct multi_imsi *m);
/* ERR_NOT_FOUND: the profile has one IMSI. */
MUST_USE enum err imsi_rules_get(const struct objects *store, uint8_t slot, struct imsi_rules *ret);
/* The one in use; at first the one EF.IMSI says. */
uint8_t imsi_active(struct card *card, const struct imsi_rules *rules);
/* Everything of the profile is that IMSI's afterwards, or nothing is changed. */
MUST_USE enum err imsi_change(struct card *card, uint8_t from, uint8_t to);

#endif
