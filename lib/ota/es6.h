/* lib/ota/es6.h: what the operator says to its own profile through the MNO-SD (SGP.02 §4.1.2): POL1 and connectivity
 * parameters; the latter with the same coding over ES8 (SCP03) and in the profile's header. */
#ifndef OSPREY_OTA_ES6_H
#define OSPREY_OTA_ES6_H

#include "es5.h"

enum { POL1_NO_DISABLE = 0x01, POL1_NO_DELETE = 0x02, POL1_DELETE_ON_DISABLE = 0x04 };

/* `80 E6 20 00 …` with the alias AID of the profile's own ISD-P, then one of the STORE DATA below. */
void es6_address_isdp_write(struct writer *w);

void es6_update_pol1_write(struct writer *w, uint8_t pol1);
/* value: of DGI 3A06. `81 01 pp`, or the bare octet. ERR_BAD_VALUE: bits that are no rule. */
MUST_USE enum err es6_pol1_parse(struct span value, uint8_t *ret);

/* DGI 3A07 to an ISD-P. Values as they stand: A0 { 06 SMSC address }, A1 and A2 { 35 bearer, 47 network access name,
 * 0D login, 0D password }. Absent parts keep what is there. */
struct es6_connectivity {
    struct span smsc;   /* value of 06 in A0: TON/NPI and swapped digits */
    struct span cat_tp; /* value of A1 */
    struct span https;  /* value of A2 */
};
void es6_update_connectivity_write(struct writer *w, const struct es6_connectivity *c);
MUST_USE enum err es6_connectivity_parse(struct span value, struct es6_connectivity *ret);

#endif
