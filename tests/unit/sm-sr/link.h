/* tests/unit/sm-sr/link.h: the card's end of CAT_TP in the test's world: PUSH opens a link, SCP80 packets on it are
 * executed by the card, over a line that loses datagrams. */
#ifndef OSPREY_TESTS_SMSR_LINK_H
#define OSPREY_TESTS_SMSR_LINK_H

#include "lib/wire/cat_tp.h"
#include "world.h"

struct link_client {
    unsigned links, packets, executed; /* opened; that came; that were executed */
    unsigned lose_permille, chance;
    bool no_udp;    /* PUSH is refused: 6A81 */
    bool no_answer; /* datagrams of the card are lost, all of them */
    bool open;
    uint16_t sdu_max; /* octets the card takes at a time; 0: plenty */
};
/* From now on the card answers PUSH with links, and the SM-SR's datagrams reach it. */
void link_install(struct world *w, struct link_client *client);
/* The card opens one by itself, to say this packet; empty: to say nothing. */
void link_open(struct world *w, struct span packet);
/* A datagram of somebody. */
void link_stray(struct world *w, uint8_t from, struct span datagram);
size_t link_replies(void); /* datagrams to somebody so far */

#endif
