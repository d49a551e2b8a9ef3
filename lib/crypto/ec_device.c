/* OpenSSL 3 marks the methods of EC keys as old; what it has in their place is a provider, which is a hundred times
 * this. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "ec_device.h"

#include <pthread.h>

#include "openssl.h"

void ec_device_use(struct ec_device *device) { device->users++; }

void ec_device_leave(struct ec_device *device)
{
    if (device && --device->users == 0)
        device->done(device);
}

static EC_KEY_METHOD *method;
static int device_index = -1; /* where an EC_KEY keeps its device */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static ECDSA_SIG *signature_of(const uint8_t octets[EC_SIGNATURE_LEN])
{
    ECDSA_SIG *s = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(octets, EC_FIELD_LEN, NULL), *t = BN_bin2bn(octets + EC_FIELD_LEN, EC_FIELD_LEN, NULL);
    if (s && r && t && ECDSA_SIG_set0(s, r, t) == 1)
        return s;
    BN_free(r);
    BN_free(t);
    ECDSA_SIG_free(s);
    return NULL;
}

static ECDSA_SIG *sign(const unsigned char *digest, int len, const BIGNUM *inverse, const BIGNUM *r, EC_KEY *key)
{
    struct ec_device *device = EC_KEY_get_ex_data(key, device_index);
    struct span left = { digest, len > (int)EC_FIELD_LEN ? EC_FIELD_LEN
                                                         : (size_t)len }; /* of a longer digest its left part counts */
    uint8_t signature[EC_SIGNATURE_LEN];
    (void)inverse, (void)r;
    return device && device->sign(device, left, signature) == ERR_NONE ? signature_of(signature) : NULL;
}

static void on_free(void *parent, void *device, CRYPTO_EX_DATA *all, int index, long argl, void *argp)
{
    (void)parent, (void)all, (void)index, (void)argl, (void)argp;
    ec_device_leave(device);
}

static int on_copy(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, void **device, int index, long argl, void *argp)
{
    (void)to, (void)from, (void)index, (void)argl, (void)argp;
    if (*device)
        ec_device_use(*device);
    return 1;
}

static void method_make(void)
{
    int (*make)(int, const unsigned char *, int, unsigned char *, unsigned int *, const BIGNUM *, const BIGNUM *,
                EC_KEY *);
    method = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
    device_index = EC_KEY_get_ex_new_index(0, NULL, NULL, on_copy, on_free);
    if (!method)
        return;
    EC_KEY_METHOD_get_sign(method, &make, NULL, NULL);
    EC_KEY_METHOD_set_sign(method, make, NULL, sign);
}

static bool point_set(EC_KEY *key, const uint8_t octets[EC_POINT_LEN])
{
    const EC_GROUP *group = EC_KEY_get0_group(key);
    EC_POINT *point = EC_POINT_new(group);
    bool good = point && EC_POINT_oct2point(group, point, octets, EC_POINT_LEN, NULL) == 1 &&
                EC_KEY_set_public_key(key, point) == 1;
    EC_POINT_free(point);
    return good;
}

struct evp_pkey_st *ec_device_openssl(int curve_nid, const uint8_t point[EC_POINT_LEN], struct ec_device *device)
{
    pthread_once(&once, method_make);
    EC_KEY *key = method && device_index >= 0 ? EC_KEY_new_by_curve_name(curve_nid) : NULL;
    EVP_PKEY *pkey = NULL;
    if (key && point_set(key, point) && EC_KEY_set_method(key, method) == 1 &&
        EC_KEY_set_ex_data(key, device_index, device) == 1) {
        ec_device_use(device); /* what the key gives back when it goes */
        pkey = EVP_PKEY_new();
        if (pkey && EVP_PKEY_set1_EC_KEY(pkey, key) != 1) {
            EVP_PKEY_free(pkey);
            pkey = NULL;
        }
    }
    EC_KEY_free(key);
    return pkey;
}
