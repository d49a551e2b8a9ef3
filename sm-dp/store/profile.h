/* sm-dp/store/profile.h: an ordered profile as it is stored. */
#ifndef OSPREY_SMDP_PROFILE_H
#define OSPREY_SMDP_PROFILE_H

#include "lib/engine/engine.h"
#include "lib/model/aid.h"
#include "lib/model/eid.h"
#include "lib/model/iccid.h"
#include "lib/model/oid.h"
#include "lib/model/pol2.h"
#include "lib/model/subscription_address.h"
#include "sm-dp/smdp.h"
#include "schema.h"

struct stored_profile {
    bool known;
    struct iccid iccid;
    struct oid owner;
    char type[SMDP_TYPE_MAX + 1];
    struct subscription_address address;
    struct pol2 pol2;
    uint32_t size, memory;
    enum smdp_profile_state state;
    char eid[EID_TEXT_SIZE];
    struct oid smsr;
    struct aid isdp;
    struct span connectivity; /* of DGI 3A07, to be set once it is installed; borrows from the rows, like what follows */
    struct span keys;         /* of its ISD-P, wrapped */
    enum smdp_token_state token_state;
    struct span token; /* the key for delete tokens, wrapped */
    uint32_t token_number; /* of the last token that was given out */
};

#define SMDP_AAD_SIZE 48u
struct turn;
/* false while it is not loaded. */
bool smdp_profile_load(struct turn *t, const struct iccid *iccid, struct stored_profile *ret);
void smdp_profile_read(const struct query *q, struct stored_profile *ret); /* of SMDP_PROFILE_LOAD */
bool smdp_profile_of_type(struct turn *t, struct span type, const struct oid *owner, struct stored_profile *ret);
/* The package in the clear, in the turn's arena. ERR_BUSY while it is not loaded; ERR_NOT_FOUND, ERR_VERIFY. */
enum err smdp_package_load(struct turn *t, const struct iccid *iccid, struct span *ret);
/* Identity of the row a package is wrapped for. */
struct span smdp_package_aad(const char *iccid, char out[SMDP_AAD_SIZE]);
/* The same of the keys of its ISD-P, and of the key for delete tokens. */
struct span smdp_keys_aad(const char *iccid, char out[SMDP_AAD_SIZE]);
struct span smdp_token_aad(const char *iccid, char out[SMDP_AAD_SIZE]);

#endif
