/* lib/role/card_certificate.h: the certificates by which a server shows itself to cards (CERT.DP.ECDSA, CERT.SR.ECDSA:
 * tag 7F21), one or several for each curve: old and new stand side by side while one takes the other's place. */
#ifndef OSPREY_ROLE_CARD_CERTIFICATE_H
#define OSPREY_ROLE_CARD_CERTIFICATE_H

#include "lib/pki/gp_certificate.h"

#define CARD_CERTIFICATES_MAX 4u
#define CARD_MARK_LEN         8u /* names a certificate in what is stored */

struct card_certificate {
    uint8_t octets[GP_CERTIFICATE_MAX];
    size_t len;
    enum ec_curve curve;
    char key_name[64];           /* of its private key in env.keys */
    uint64_t from_ms, to_ms;     /* from_ms 0: it says nothing */
    uint8_t mark[CARD_MARK_LEN]; /* never all zero */
};
struct card_certificates {
    struct card_certificate list[CARD_CERTIFICATES_MAX];
    size_t count;
};

/* One more: octets (7F21) or their hexadecimal digits. ERR_NO_SPACE; ERR_BAD_VALUE: not for that role; those of
 * gp_certificate_decode. */
MUST_USE enum err card_certificates_add(struct card_certificates *c, struct span file, enum gp_role role, const char *key_name);
/* What is shown to a card with keys on that curve: of those that are valid now the one that lasts longest; when none is,
 * the same among all. NULL: none on that curve. */
const struct card_certificate *card_certificate_for(const struct card_certificates *c, uint8_t curve, uint64_t now_ms);
/* The one with that mark, which a card was shown before; when it is gone, or the mark is all zero, as above. */
const struct card_certificate *card_certificate_shown(const struct card_certificates *c, uint8_t curve,
                                                      const uint8_t mark[CARD_MARK_LEN], uint64_t now_ms);

#endif
