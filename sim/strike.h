/* sim/strike.h: one fault at one place of a history. A history of the same seed without it goes by so many places of each
 * kind; a world for each of them, struck there and nowhere else, tries them all (sweep.h). */
#ifndef OSPREY_SIM_STRIKE_H
#define OSPREY_SIM_STRIKE_H

#include <stdbool.h>
#include <stdint.h>

enum strike_kind {
    STRIKE_NONE,
    STRIKE_SMSR_BEFORE, /* the SM-SR dies, and the commit does not happen */
    STRIKE_SMSR_AFTER,  /* … it does; nothing of it leaves */
    STRIKE_SMSR_SEND,   /* … in front of an effect */
    STRIKE_SMSR_FULL,   /* its store takes nothing for a minute from this commit on */
    STRIKE_SMDP_BEFORE,
    STRIKE_SMDP_AFTER,
    STRIKE_SMDP_SEND,
    STRIKE_SMDP_FULL,
    STRIKE_SMS_LOST,    /* a short message, either way */
    STRIKE_SMS_TWICE,
    STRIKE_SOAP_LOST,   /* a request between servers and operator */
    STRIKE_SOAP_TWICE,
    STRIKE_ANSWER_LOST, /* the HTTP answer to one */
    STRIKE_TCP_CUT,     /* the card's connection, in front of a piece of the stream */
    STRIKE_CARD_OFF,    /* the device loses power in front of an APDU to the card */
    STRIKE_CARD_TORN,   /* … in the middle of a write to the card's memory: a place is an octet */
    STRIKE_KINDS
};

struct strikes {
    enum strike_kind kind; /* STRIKE_NONE: only counts */
    uint32_t at;           /* the first place is 1 */
    bool armed, struck;    /* armed: places count */
    uint32_t places[STRIKE_KINDS]; /* gone by so far */
};

const char *strike_name(enum strike_kind kind); /* "sm-sr-before" */
/* "sm-sr-before:17", or "sm-sr-before" alone (0); false when it is none. */
bool strike_read(const char *text, enum strike_kind *ret_kind, uint32_t *ret_at);
/* The history is at a place of this kind; true when it is the one. */
bool strike_now(struct strikes *s, enum strike_kind kind);

#endif
