/* lib/pki/revocation.h: revocation lists (RFC 5280), of the CI for what it certifies (EUM, SM-DP, SM-SR; X.509 and GlobalPlatform
 * certificates alike, by serial number), of an EUM for its eUICCs. A list counts when its issuer's key signed it. */
#ifndef OSPREY_PKI_REVOCATION_H
#define OSPREY_PKI_REVOCATION_H

#include "x509.h"

#define REVOCATION_LISTS_MAX 32u

struct revocation;

/* All lists of a PEM file. ERR_IO, ERR_BAD_VALUE (no list, or one that cannot be read), ERR_NO_SPACE. */
MUST_USE enum err revocation_load(const char *path, struct revocation **ret);
MUST_USE enum err revocation_read(struct span pem, struct revocation **ret); /* the same of a text */
void revocation_free(struct revocation *r);

/* A certificate with that serial number (octets, leading zeros do not count), of that issuer. ERR_REVOKED: a list has it, be the
 * list of today or not. ERR_UNLISTED: a list is required, and the issuer has none that is valid at that time. r NULL: no lists. */
MUST_USE enum err revocation_check(struct revocation *r, const struct x509 *issuer, struct span serial, bool required, uint64_t now_ms);

/* A list of its own making, as PEM text. ERR_CRYPTO (also: `former` is no list), ERR_NO_SPACE. */
struct revocation_request {
    const struct x509 *issuer;
    struct ec_key *issuer_key;
    const struct span *serials;
    size_t serial_count;
    const char *former; /* path of an earlier list, whose entries stay; NULL, or no such file: none */
    uint64_t from_ms, to_ms;
};
MUST_USE enum err revocation_issue(const struct revocation_request *request, struct writer *ret_pem);

#endif
