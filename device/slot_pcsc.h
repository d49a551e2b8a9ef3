/* device/slot_pcsc.h: a real card, or any other, in a PC/SC reader, as the modem's slot. A command takes as long as the card
 * takes; the card's proactive commands are found when the modem polls. */
#ifndef OSPREY_DEVICE_SLOT_PCSC_H
#define OSPREY_DEVICE_SLOT_PCSC_H

#include "modem.h"

struct slot_pcsc;

/* The reader by its place in the list of readers, from 0. The card may be absent: it is looked for at each reset.
 * ERR_UNSUPPORTED: built without PC/SC; ERR_NOT_FOUND: no such reader; ERR_IO: no PC/SC daemon. log is borrowed. */
MUST_USE enum err slot_pcsc_open(unsigned reader, struct log *log, struct slot_pcsc **ret, struct modem_slot *ret_slot);
const char *slot_pcsc_reader(const struct slot_pcsc *slot);
void slot_pcsc_close(struct slot_pcsc *slot); /* powers the card down; NULL is fine */

#endif
