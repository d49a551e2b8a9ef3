/* conform/server/tap.h: the runner between the SM-SR and its SMSC (SMPP 3.4): it sees each short message pass, counts
 * those to cards, keeps back what a case wants lost, and says again, or changed, what a card has said. */
#ifndef OSPREY_CONFORM_SERVER_TAP_H
#define OSPREY_CONFORM_SERVER_TAP_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/span.h"

#define TAP_PDU_MAX  1024u
#define TAP_KEPT_MAX 256u

struct stage;
struct tap;
/* Listens where the target says. detail: BED_DETAIL_MAX octets. */
MUST_USE enum err tap_new(struct stage *s, struct tap **ret, char *detail);
void tap_free(struct tap *t); /* NULL is fine */

struct tap_message {
    bool to_card;
    char number[24]; /* of the card */
    uint64_t ms;
    bool lost;
    size_t len;
    uint8_t pdu[TAP_PDU_MAX];
};
/* The case's tap; skips the case when there is none. */
struct tap *tap_of(struct stage *s);
void tap_forget(struct tap *t);                    /* counts from zero, loses nothing */
size_t tap_sent(const struct tap *t);              /* short messages to cards since then */
size_t tap_heard(const struct tap *t);             /* of cards */
const struct tap_message *tap_last(const struct tap *t, bool to_card); /* NULL: none */
/* The nth (from 0) of the kept ones of cards from that number; NULL: none. */
const struct tap_message *tap_from(const struct tap *t, const char *number, size_t nth);
/* Loses what this sender's number has for cards ("": nothing more). */
void tap_lose_of(struct tap *t, const char *sender);
void tap_lose(struct tap *t, bool to_cards, bool from_cards); /* from now on; the sender believes they arrived */
/* Gives the SM-SR a short message of a card once more, octet `at` from the end changed by `flip`. */
void tap_repeat(struct tap *t, const struct tap_message *m, size_t at, uint8_t flip);
/* The same from another number. */
void tap_repeat_from(struct tap *t, const struct tap_message *m, const char *number);

#endif
