/* eum/factory.h: an eUICC is made: keys and certificate of its ECASD, OTA key sets of its ISD-R, the memory image with
 * the enabled bootstrap profile, and the signed EIS that says so (SGP.02 §2.2, §5.1.1.3; offcard fact book 4.8, 8.1).
 * What the EIS says of profile and memory is read back from the finished card. */
#ifndef OSPREY_EUM_FACTORY_H
#define OSPREY_EUM_FACTORY_H

#include "authority.h"
#include "euicc/euicc.h"
#include "lib/model/eis.h"

#define EUM_KEK_MAX           32u
#define EUM_ARENA_MAX         ((size_t)4 * 1024 * 1024) /* ceiling that fits any order */
#define EUM_PROPERTIES_MAX    16u
#define EUM_CARD_CURVE(curve) ((uint8_t)(curve))

struct eum_order {
    struct eid eid;
    struct eum_authority eum;
    struct oid eum_id;
    const struct trust *cis;      /* the roots the card knows; the EUM's own among them */
    enum ec_curve curve;          /* of the ECASD's key */
    struct eum_validity validity; /* of the ECASD's certificate */
    uint64_t production_ms;
    struct { /* the SM-SR in charge */
        struct oid oid;
        const char *sms_number; /* digits, international, without +; NULL: no SMS to it */
        const char *https_host; /* NULL: no HTTPS to it */
        uint8_t https_ipv4[4];
        uint16_t https_port;
        const char *https_uri;
        uint8_t cat_tp_ipv4[4];
        uint16_t cat_tp_udp_port, cat_tp_port; /* 0: no CAT_TP to it */
    } smsr;
    struct span kek; /* transport key for the OTA keys in the EIS: 16 or 32 octets; AES-CBC, zero IV */
    struct {
        struct span package; /* profile package, DER; empty: the card has no profile */
        struct oid mno_id;
        const char *msisdn;       /* NULL: unknown */
        const char *profile_type; /* NULL: none */
    } bootstrap;
    struct span test_package, emergency_package; /* for the device alone to enable (ESx); empty: none */
    struct euicc_timing timing;
    struct eis_property *properties; /* AdditionalProperties of the EIS */
    size_t property_count;
    /* For tests of those who verify: other keys than the EUM's. NULL: the EUM's. */
    struct ec_key *ecasd_signer, *eis_signer;
};

struct eum_product {
    struct eis eis;      /* signed */
    struct span eis_xml; /* the element Eis */
    struct span ecasd_certificate;
};

/* Makes the card in env->nvm (env: nvm, rng, clock; keys: NULL or what wraps the image's secrets) and its EIS; the
 * product lives in the arena (growing, EUM_ARENA_MAX). The OTA keys are in the card and, encrypted, in the EIS, nowhere
 * else. detail (EUM_DETAIL_MAX octets) says which step failed.
 * ERR_BAD_LENGTH, ERR_BAD_VALUE (the order), ERR_MISSING, what the card's interpreter says of the package, ERR_IO … */
#define EUM_DETAIL_MAX 200u
MUST_USE enum err eum_make(const struct eum_order *order, const struct env *env, struct arena *arena,
                           struct eum_product *ret, char detail[EUM_DETAIL_MAX]);

/* EID number `serial` of a range: the prefix (1 … 29 digits) and the serial fill 30 digits, then the check digits.
 * ERR_BAD_VALUE, ERR_TOO_LONG (the serial has no room behind the prefix). */
MUST_USE enum err eum_eid(const char *prefix, uint64_t serial, struct eid *ret);

#endif
