/* lib/pki/oid_octets.h: object identifiers between text (lib/model/oid.h) and the value octets of DER, without 06 LL,
 * as they stand in 42 and 5F20 of GlobalPlatform certificates. */
#ifndef OSPREY_PKI_OID_OCTETS_H
#define OSPREY_PKI_OID_OCTETS_H

#include "lib/codec/writer.h"
#include "lib/model/oid.h"

#define OID_OCTETS_MAX 32u

/* Appends the octets. At least two arcs, the first 0 … 2, arcs up to 2^32 - 1: else ERR_BAD_VALUE. */
MUST_USE enum err oid_to_octets(const struct oid *oid, struct writer *out);
/* ERR_BAD_LENGTH (empty), ERR_BAD_VALUE, ERR_TRUNCATED, ERR_TOO_LONG (over OID_TEXT_MAX characters). */
MUST_USE enum err oid_from_octets(struct span octets, struct oid *ret);

#endif
