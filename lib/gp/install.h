/* lib/gp/install.h: INSTALL (GlobalPlatform 2.2 §11.5) [for install and make selectable] as ES5.CreateISDP, and
 * [for personalization]. */
#ifndef OSPREY_GP_INSTALL_H
#define OSPREY_GP_INSTALL_H

#include "apdu.h"

enum { INSTALL_FOR_INSTALL_AND_MAKE_SELECTABLE = 0x0C, INSTALL_FOR_PERSONALIZATION = 0x20 };

struct install {
    uint8_t p1;
    struct span load_file, module, application; /* AIDs; empty when the length octet is 00 */
    struct span privileges, parameters, token;
};

/* ERR_BAD_VALUE (not INSTALL, P2 not 00), ERR_TRUNCATED, ERR_TOO_LONG (octets behind the token). */
MUST_USE enum err install_parse(const struct capdu *c, struct install *ret);
/* Privileges empty are written as 00 (no privileges octets). le: 0 or 256. */
void install_write(struct writer *w, const struct install *i, uint32_t le);

/* `80 E6 20 00 …` naming the security domain that the following STORE DATA are for. */
void install_for_personalization_write(struct writer *w, struct span aid, uint32_t le);

#endif
