/* bench/bare_card.h: what answering a command cannot do without: a tree of files in one array, each with its FCP ready.
 * No access rules, no channels, no applications, no memory that lasts: a measure, not a card. */
#ifndef OSPREY_BENCH_BARE_CARD_H
#define OSPREY_BENCH_BARE_CARD_H

#include "lib/base/span.h"

struct bare_card;

struct bare_card *bare_card_new(void); /* 136 files; NULL: no memory. Given back with free. */
/* SELECT by FID with FCP, READ BINARY, STATUS; data and status word to out (258 octets), their number returned. */
size_t bare_card_transmit(struct bare_card *c, struct span command, uint8_t *out);

#endif
