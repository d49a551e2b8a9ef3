/* euicc/isdp/applications.h: what a profile holds beside its files: security domains (the first one is the MNO-SD) with
 * their key sets and data, and remote file management instances. Written by the interpreter, read by the MNO-SD's side
 * and by the dispatch of remote messages. All of it lies under the profile's slot, class OBJ_MNOSD, and goes with the
 * profile. */
#ifndef OSPREY_EUICC_ISDP_APPLICATIONS_H
#define OSPREY_EUICC_ISDP_APPLICATIONS_H

#include "euicc/isdr/keyset.h"
#include "euicc/nvm/objects.h"
#include "lib/base/arena.h"
#include "lib/codec/ber_tlv.h"
#include "lib/model/aid.h"

#define APPLICATION_SDS_MAX        8u /* security domains of one profile */
#define APPLICATION_RFMS_MAX       16u
#define APPLICATION_TARS_MAX       8u
#define APPLICATION_DATA_MAX       64u /* data objects of one profile */
#define APPLICATION_OTHER_KEYS_MAX 32u
#define ACCESS_DOMAIN_MAX          4u

/* Numbers of the objects of OBJ_MNOSD. sd: 0 the MNO-SD, 1 … the others. */
#define APP_SD(sd)     (0x010u + (sd))
#define APP_RFM(index) (0x040u + (index))
#define APP_KEYS(sd, kvn)                                                                                              \
    (0x100u + ((uint32_t)(sd) << 12) + (kvn)) /* secret: count, then kid, type, len, value each                        \
                                               */
#define APP_COUNTERS(sd, kvn) (0x200u + ((uint32_t)(sd) << 12) + (kvn)) /* received (5 octets), sent (5 octets) */
#define APP_OTHER_KEY(sd, n)                                                                                           \
    (0x280u + ((uint32_t)(sd) << 12) + (n)) /* secret: a KeyObject as it came (RSA, EC, …): kept, not used */
#define APP_CDMA(adf)   (0x10000u + (adf))  /* secret: the CDMA parameters, as they came */
#define APP_DATA(sd, n) (0x300u + ((uint32_t)(sd) << 12) + (n)) /* a BER-TLV or a whole DGI */

struct application_sd {
    struct aid aid;
    uint8_t privileges[3];
    uint8_t life_cycle;
    uint8_t minimum_security; /* SPI1 coding; 0: none demanded */
    uint8_t tar_count;
    uint8_t tars[APPLICATION_TARS_MAX][TAR_LEN]; /* as the toolkit parameters list them; else from the AID */
};

struct access_domain {
    uint8_t len,
        octets[ACCESS_DOMAIN_MAX]; /* 00: everything but NEVER; 02 and three octets: key references; FF: nothing */
};

struct application_rfm {
    struct aid aid;
    struct aid sd; /* whose keys; len 0: the MNO-SD */
    uint8_t minimum_security;
    uint8_t tar_count;
    uint8_t tars[APPLICATION_TARS_MAX][TAR_LEN];
    struct access_domain access, admin;
    struct aid adf; /* selected at the start of a script; len 0: the MF */
    struct access_domain adf_access, adf_admin;
};

MUST_USE enum err application_sd_put(struct objects *o, uint8_t slot, unsigned sd, const struct application_sd *value);
MUST_USE enum err application_sd_get(const struct objects *o, uint8_t slot, unsigned sd, struct application_sd *ret);
MUST_USE enum err application_rfm_put(struct objects *o, uint8_t slot, unsigned index,
                                      const struct application_rfm *value);
MUST_USE enum err application_rfm_get(const struct objects *o, uint8_t slot, unsigned index,
                                      struct application_rfm *ret);
/* The one that answers to this TAR. ERR_NOT_FOUND. */
MUST_USE enum err application_sd_by_tar(const struct objects *o, uint8_t slot, struct span tar, unsigned *ret_sd);
MUST_USE enum err application_sd_by_aid(const struct objects *o, uint8_t slot, struct span aid, unsigned *ret_sd);
MUST_USE enum err application_rfm_by_tar(const struct objects *o, uint8_t slot, struct span tar,
                                         struct application_rfm *ret);

/* Key sets of a security domain of the profile; wipe after use. ERR_NOT_FOUND. */
MUST_USE enum err application_keyset_put(struct objects *o, uint8_t slot, unsigned sd, const struct keyset *set,
                                         uint64_t received);
MUST_USE enum err application_keyset_get(const struct objects *o, uint8_t slot, unsigned sd, uint8_t kvn,
                                         struct keyset *ret);
/* With its counters. */
MUST_USE enum err application_keyset_delete(struct objects *o, uint8_t slot, unsigned sd, uint8_t kvn);
MUST_USE enum err application_counters_get(const struct objects *o, uint8_t slot, unsigned sd, uint8_t kvn,
                                           struct keyset_counters *ret);
/* In the transaction the caller has open. */
MUST_USE enum err application_counters_put(struct objects *o, uint8_t slot, unsigned sd, uint8_t kvn,
                                           const struct keyset_counters *counters);

/* A data object of a security domain by its tag (66, 42, 84 …), whole TLV, copied into the arena. ERR_NOT_FOUND. */
MUST_USE enum err application_data_get(const struct objects *o, uint8_t slot, unsigned sd, uint32_t tag,
                                       struct arena *a, struct span *ret_tlv);

#endif
