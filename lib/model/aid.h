/* lib/model/aid.h: application identifiers (ISO 7816-5) and those of SGP.02 (annex H; oncard fact book 1.2). */
#ifndef OSPREY_MODEL_AID_H
#define OSPREY_MODEL_AID_H

#include "lib/base/err.h"
#include "lib/base/span.h"

#define AID_MIN 5u
#define AID_MAX 16u
#define TAR_LEN 3u

struct aid {
    uint8_t octets[AID_MAX];
    uint8_t len; /* 0: none */
};

static inline struct span aid_span(const struct aid *aid) { return (struct span){ aid->octets, aid->len }; }
static inline bool aid_eq(const struct aid *a, const struct aid *b) { return span_eq(aid_span(a), aid_span(b)); }
/* false: 5…16 octets only; ret untouched. */
MUST_USE bool aid_set(struct aid *ret, struct span octets);
MUST_USE enum err aid_from_text(struct span hex, struct aid *ret);
#define AID_TEXT_SIZE (2 * AID_MAX + 1)
char *aid_text(const struct aid *aid, char out[AID_TEXT_SIZE]);

extern const struct aid AID_ISDR, AID_ECASD, AID_ISDP_OWN /* the alias of ES6 */, AID_ISDP_LOADFILE, AID_ISDP_MODULE;

#define ISDP_TAR_FIRST 0x000010u
#define ISDP_TAR_LAST  0x00FFFFu
#define TAR_ISDR       0x000001u
#define TAR_ECASD      0x000002u
#define TAR_MNOSD      0x000000u
/* The ISD-P instance AID with this TAR (ISDP_TAR_FIRST … ISDP_TAR_LAST). */
struct aid aid_isdp(uint32_t tar);
bool aid_is_isdp(const struct aid *aid);
/* Octets 12…14 of a 16-octet AID; 0xFFFFFFFF for any other. */
uint32_t aid_tar(const struct aid *aid);

#endif
