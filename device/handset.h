/* device/handset.h: one device of the lab: a software eUICC from its image, or a card in a
 * PC/SC reader, the modem around it, its lines to the network. A
 * process may hold one or a whole fleet of them on one loop. */
#ifndef OSPREY_DEVICE_HANDSET_H
#define OSPREY_DEVICE_HANDSET_H

#include <stdio.h>

#include "lib/io/card_trace.h"
#include "network.h"

#define HANDSET_TICK_MS 100u /* the longest sleep: the lab is impatient, the card may speak after any message */

struct handset_world {
    struct loop *loop;
    struct env env;           /* clock, rng, log; keys NULL: images without master key */
    struct card_trace *apdus; /* of one handset; NULL: none */
    FILE *events;             /* NULL: none; several handsets may share it */
};

struct handset;
/* Opens the image at `state`; the device stays off. The pointers in the three structs are borrowed for its life. Errors:
 * those of nvm_file_open and euicc_open, ERR_NO_MEMORY. */
MUST_USE enum err handset_new(const struct handset_world *world, const char *state, const struct modem_config *modem,
                              const struct network_config *network, struct handset **ret);
/* The same with a card in the PC/SC reader of that number (slot_pcsc.h) in place of an image. */
MUST_USE enum err handset_new_pcsc(const struct handset_world *world, unsigned reader, const struct modem_config *modem,
                                   const struct network_config *network, struct handset **ret);
void handset_free(struct handset *h); /* NULL is fine */
void handset_power_on(struct handset *h, uint64_t delay_ms);
void handset_coverage(struct handset *h, bool coverage);
/* A serial port for host software: AT commands (at.h) on a pseudo terminal that `link` points to. Errors: pty_open's. */
MUST_USE enum err handset_open_port(struct handset *h, const char *link);
/* The last line of a device in `events`: what it carried. */
void handset_write_end(struct handset *h);

#endif
