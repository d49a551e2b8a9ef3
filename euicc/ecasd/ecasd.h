/* euicc/ecasd/ecasd.h: the eUICC Controlling Authority Security Domain (SGP.02 §2.2.1.2): the CI's keys, the eUICC's
 * key agreement key and certificate, the EID; it verifies and agrees on keys for the other security domains. */
#ifndef OSPREY_EUICC_ECASD_ECASD_H
#define OSPREY_EUICC_ECASD_ECASD_H

#include "lib/codec/writer.h"
#include "lib/gp/apdu.h"
#include "lib/pki/gp_certificate.h"
#include "lib/scp/key_establishment.h"

struct card;
struct euicc_personalisation;

#define ECASD_CERT_MAX 700u

MUST_USE enum err ecasd_manufacture(struct card *card, const struct euicc_personalisation *p);

/* Checks a 7F21 for a target that wants `role` (oncard fact book 2.6): 9000 and the public key, or the status word. */
uint16_t ecasd_verify_certificate(struct card *card, struct span certificate, enum gp_role role, uint8_t *ret_curve,
                                  uint8_t ret_point[65]);
/* Verifies 5F37 by that key, agrees on keys and makes the receipt (3A02): 9000, keys and answer data, or the word. */
struct ecasd_agreement {
    struct span dgis;     /* 3A02, 7F49, 5F37 */
    uint8_t curve;        /* of the verified certificate */
    const uint8_t *point; /* its public key, 65 octets */
    struct span rc;
    struct span sin, sdin; /* of the security domain; empty: none */
};
uint16_t ecasd_agree(struct card *card, const struct ecasd_agreement *a, struct ka_parameters *ret_parameters,
                     struct ka_keys *ret_keys, struct writer *answer);

/* The objects of GET DATA: tag 7F21, 66, 5A or E0 as a whole TLV; ERR_NOT_FOUND for others. */
MUST_USE enum err ecasd_object(struct card *card, uint32_t tag, struct writer *data);

#endif
