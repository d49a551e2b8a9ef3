/* lib/crypto/ec_device.h: private keys that never come here. Something else (a token) holds the key and makes the
 * signatures; OpenSSL sees an EC key like any other, whose signatures are made there. */
#ifndef OSPREY_CRYPTO_EC_DEVICE_H
#define OSPREY_CRYPTO_EC_DEVICE_H

#include "ec.h"

struct ec_device {
    /* ECDSA over a digest made before, 1 … EC_FIELD_LEN octets; r || s, left-padded. */
    enum err (*sign)(struct ec_device *, struct span digest, uint8_t ret_signature[EC_SIGNATURE_LEN]);
    void (*done)(struct ec_device *); /* nobody needs it any more: release it */
    unsigned users;                   /* kept here: 0 when it is made */
};

/* A key of ec.h that signs through the device; it owns the device afterwards, also on failure. Its scalar is nobody's:
 * ec_key_scalar and ec_private_pem say ERR_DENIED, ec_shared_x ERR_UNSUPPORTED. ERR_BAD_VALUE: no point of the curve. */
MUST_USE enum err ec_device_key(enum ec_curve curve, struct span point, struct ec_device *device, struct ec_key **ret);

/* ---- between ec.c and ec_device.c */
void ec_device_use(struct ec_device *device);
void ec_device_leave(struct ec_device *device); /* NULL is fine */
/* OpenSSL's form of it, which is one more user; NULL when OpenSSL fails. */
struct evp_pkey_st *ec_device_openssl(int curve_nid, const uint8_t point[EC_POINT_LEN], struct ec_device *device);

#endif
