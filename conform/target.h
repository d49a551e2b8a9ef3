/* conform/target.h: the card under test as the runner sees it: reset, power, one APDU, and time. Nothing else. */
#ifndef OSPREY_CONFORM_TARGET_H
#define OSPREY_CONFORM_TARGET_H

#include "keys.h"

#define TARGET_RAPDU_MAX 258u

struct target {
    void (*free)(struct target *);
    MUST_USE enum err (*reset)(struct target *); /* warm */
    MUST_USE enum err (*power_cycle)(struct target *);
    /* One command, T=0 semantics (61xx, 6Cxx and 91xx come back as they are). Appends data and status word. */
    MUST_USE enum err (*transmit)(struct target *, struct span capdu, struct writer *ret);
    uint64_t (*now_ms)(struct target *);           /* the card's time */
    void (*wait_ms)(struct target *, uint64_t ms); /* lets the card's time pass */
    bool virtual_time;                             /* waiting costs nothing */
    bool is_new;                                   /* made for this run: it has never been in a terminal */
    unsigned speed;                                /* real time: the card's runs so many times faster */
    uint64_t began_ms;                             /* real time: when the target was opened */
    /* Both or none: the card's whole memory is kept, and brought back as it was (with power off and on). */
    void (*snapshot)(struct target *);
    MUST_USE enum err (*restore)(struct target *);
};

/* A card of ours in this process. image NULL: a new lab card is made, and `keys` filled with what it was given; else a
 * copy of that file's content (the file itself is not changed). */
MUST_USE enum err target_soft_new(const char *image, struct card_keys *keys, uint8_t curve, struct target **ret);
/* now_ms and wait_ms of a card in real time, whose own may run faster; target_real_begin sets both. */
void target_real_begin(struct target *t, unsigned speed);
/* Plays the reader: listens on 127.0.0.1:port as vpcd does and waits for `osprey-euicc serve --vpcd` to come. */
MUST_USE enum err target_vpcd_new(uint16_t port, unsigned speed, struct target **ret);
/* Reader number `index` of the PC/SC service; ERR_UNSUPPORTED when built without it. */
MUST_USE enum err target_pcsc_new(unsigned index, unsigned speed, struct target **ret);

#endif
