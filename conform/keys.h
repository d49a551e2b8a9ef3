/* conform/keys.h: what the runner must know of the card: its identity, the keys of its ISD-R, and the private keys of
 * the authorities that it trusts. Read from an INI file; docs/conform.md lists the options. */
#ifndef OSPREY_CONFORM_KEYS_H
#define OSPREY_CONFORM_KEYS_H

#include "euicc/euicc.h"
#include "lib/crypto/ec.h"

#define KEYS_DETAIL_MAX 320u
#define KEYS_HTTPS_MAX  160u
#define KEYS_SPEED_MAX  10000u

struct card_keys {
    struct eid eid;
    struct {
        uint8_t kvn, kic[16], kid[16], kik[16];
    } scp80;
    struct {
        uint8_t kvn, kid, psk[16];
    } scp81;
    struct ec_key *ci;             /* private: signs CERT.DP and CERT.SR */
    struct ec_key *eum;            /* public is enough: verifies CERT.ECASD; NULL: not known */
    bool disposable;               /* cases may leave what no command takes back (the emergency attribute) */
    uint8_t ecasd_curve;           /* key parameter reference of the ECASD's key */
    char smsr_number[24];          /* "+4917…": where notifications go; brought back after the cases that change it */
    uint8_t https[KEYS_HTTPS_MAX]; /* value of A5 that the card has, likewise */
    size_t https_len;
    struct euicc_timing timing; /* what the card does by itself, in seconds; 0: not known */
    unsigned clock_speed;       /* the card's time runs so many times faster than ours; 1 for a chip */
};

/* detail (KEYS_DETAIL_MAX octets): which line is wrong. */
MUST_USE enum err keys_load(const char *path, struct card_keys *ret, char *detail);
/* Writes such a file, 0600. It holds secrets. */
MUST_USE enum err keys_save(const char *path, const struct card_keys *k);
void keys_done(struct card_keys *k); /* wipes */
/* Draws the keys of a lab card and its authorities. */
MUST_USE enum err keys_lab(struct card_keys *ret, uint8_t curve);
/* The minutes and hours of a card in the field in place of the lab card's seconds. */
void keys_field_times(struct card_keys *k);
/* Makes the card of these keys (ECASD and its certificate are drawn here) in env->nvm, with the runner's own profile
 * on ISD-P 0010, and once more as the test profile of the device. */
MUST_USE enum err keys_make_card(const struct card_keys *k, const struct env *env);

#endif
