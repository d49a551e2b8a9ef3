/* lib/pki/oid.h: object identifiers between text ("1.3.6.1.4.1.31746.1") and the value octets of DER, without 06 LL,
 * as they stand in 42 and 5F20 of GlobalPlatform certificates. */
#ifndef OSPREY_PKI_OID_H
#define OSPREY_PKI_OID_H

#include "lib/base/err.h"
#include "lib/base/span.h"

#define OID_OCTETS_MAX 32u
#define OID_TEXT_MAX   80u

/* ERR_BAD_VALUE, ERR_TOO_LONG. Arcs up to 2^32 - 1. */
MUST_USE enum err oid_octets(const char *text, uint8_t *out, size_t cap, size_t *ret_len);
MUST_USE enum err oid_text(struct span octets, char *out, size_t cap);

#endif
