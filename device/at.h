/* device/at.h: the AT commands of a modem (3GPP TS 27.007, 27.005, ITU-T V.250) for the software that drives it: octets of
 * the serial line in, octets out. Pure: it knows the modem (device/modem.h, modem_host.h) and no file, socket or clock. */
#ifndef OSPREY_DEVICE_AT_H
#define OSPREY_DEVICE_AT_H

#include "modem_host.h"

#define AT_LINE_MAX     1200u /* a command line; +CGLA with a whole command in hex fits */
#define AT_MESSAGES_MAX 20u   /* received short messages the modem keeps */

struct at;
struct at_line {
    void *context;
    void (*write)(void *context, struct span bytes);
};

/* The modem is borrowed and gets this as its host (modem_set_host). NULL without memory. */
struct at *at_new(struct modem *modem, const struct at_line *line);
void at_free(struct at *at);

/* Octets from the line. Returns how many were taken: fewer than there are while a command waits for the network; the
 * rest is to be offered again after at_ready. */
size_t at_input(struct at *at, uint64_t now_ms, struct span bytes);
bool at_is_ready(const struct at *at);
/* Says what happened meanwhile (+CREG: …); to be called when the modem may have changed. */
void at_tick(struct at *at, uint64_t now_ms);

#endif
