#include "ec.h"

#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

#include "ec_device.h"
#include "lib/codec/ber_tlv.h"
#include "openssl.h"
#include "sha256.h"

#define EC_DER_SIGNATURE_MAX 80u

/* Keys that live for one agreement never need OpenSSL's form of them, which costs more than the agreement's arithmetic. */
struct ec_key {
    enum ec_curve curve;
    bool is_private, has_scalar;
    uint8_t point[EC_POINT_LEN], scalar[EC_FIELD_LEN];
    struct ec_device *device;             /* what signs in our place; NULL: we do */
    EVP_PKEY *pkey;                       /* key_openssl makes it at first use */
    EVP_PKEY_CTX *sign, *verify, *derive; /* made at first use, then kept */
};

static const struct curve_row {
    enum ec_curve curve;
    int nid;
    const char *name, *aliases[2];
} curves[] = {
    { EC_P256, NID_X9_62_prime256v1, "P-256", { "prime256v1", "secp256r1" } },
    { EC_BRAINPOOL_P256R1, NID_brainpoolP256r1, "brainpoolP256r1", { "brainpool", NULL } },
};

static EC_GROUP *groups[ARRAY_LEN(curves)];
static pthread_once_t groups_once = PTHREAD_ONCE_INIT;

static void groups_make(void)
{
    for (size_t i = 0; i < ARRAY_LEN(curves); i++)
        groups[i] = EC_GROUP_new_by_curve_name(curves[i].nid);
}

static const struct curve_row *curve_row(enum ec_curve curve)
{
    for (size_t i = 0; i < ARRAY_LEN(curves); i++)
        if (curves[i].curve == curve)
            return &curves[i];
    return NULL;
}

static const EC_GROUP *curve_group(enum ec_curve curve)
{
    const struct curve_row *row = curve_row(curve);
    pthread_once(&groups_once, groups_make);
    return row ? groups[row - curves] : NULL;
}

bool ec_curve_known(uint8_t reference) { return curve_row((enum ec_curve)reference) != NULL; }

const char *ec_curve_name(enum ec_curve curve)
{
    const struct curve_row *row = curve_row(curve);
    return row ? row->name : "unknown curve";
}

enum err ec_curve_read(const char *name, enum ec_curve *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
        const struct curve_row *row = &curves[i];
        const char *const names[] = { row->name, row->aliases[0], row->aliases[1] };
        for (size_t j = 0; j < ARRAY_LEN(names); j++) {
            if (names[j] && strcasecmp(names[j], name) == 0) {
                *ret = row->curve;
                return ERR_NONE;
            }
        }
    }
    return ERR_UNSUPPORTED;
}

/* A failure of OpenSSL must not stay in its queue: a TLS connection would take it for its own. */
static enum err fault(enum err err)
{
    ERR_clear_error();
    return err;
}

static EVP_PKEY *pkey_from_parts(const struct curve_row *row, const uint8_t *point, const uint8_t *scalar)
{
    uint8_t native[EC_FIELD_LEN]; /* numbers are in the machine's order */
    OSSL_PARAM params[4] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)row->name, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point, EC_POINT_LEN),
        OSSL_PARAM_construct_end(),
        OSSL_PARAM_construct_end(),
    };
    if (scalar) {
        for (size_t i = 0; i < sizeof native; i++)
            native[i] = scalar[__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? sizeof native - 1 - i : i];
        params[2] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native, sizeof native);
    }
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (!context || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &pkey, scalar ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(context);
    wipe(native, sizeof native);
    return pkey;
}

/* NULL when there is no memory. */
static EVP_PKEY *key_openssl(struct ec_key *key)
{
    if (!key->pkey && key->device)
        key->pkey = ec_device_openssl(curve_row(key->curve)->nid, key->point, key->device);
    else if (!key->pkey)
        key->pkey = pkey_from_parts(curve_row(key->curve), key->point, key->has_scalar ? key->scalar : NULL);
    return key->pkey;
}

static enum err key_make(enum ec_curve curve, const uint8_t *point, bool is_private, struct ec_key **ret)
{
    struct ec_key *key = calloc(1, sizeof *key);
    if (!key)
        return ERR_NO_MEMORY;
    key->curve = curve;
    key->is_private = is_private;
    memcpy(key->point, point, EC_POINT_LEN);
    *ret = key;
    return ERR_NONE;
}

/* NULL: not on the curve. */
static EC_POINT *point_read(const EC_GROUP *group, const uint8_t octets[EC_POINT_LEN])
{
    EC_POINT *p = EC_POINT_new(group);
    if (p && EC_POINT_oct2point(group, p, octets, EC_POINT_LEN, NULL) != 1) {
        EC_POINT_free(p);
        p = NULL;
    }
    return p;
}

enum err ec_public_new(enum ec_curve curve, struct span point, struct ec_key **ret)
{
    const struct curve_row *row = curve_row(curve);
    if (!row)
        return ERR_UNSUPPORTED;
    if (point.len != EC_POINT_LEN)
        return ERR_BAD_LENGTH;
    if (point.ptr[0] != 0x04)
        return ERR_BAD_VALUE;
    const EC_GROUP *group = curve_group(curve);
    EC_POINT *p = group ? point_read(group, point.ptr) : NULL;
    EC_POINT_free(p);
    return p ? key_make(curve, point.ptr, false, ret) : fault(ERR_BAD_VALUE);
}

enum err ec_device_key(enum ec_curve curve, struct span point, struct ec_device *device, struct ec_key **ret)
{
    struct ec_key *key = NULL;
    ec_device_use(device);
    enum err err = ec_public_new(curve, point, &key);
    if (err != ERR_NONE) {
        ec_device_leave(device);
        return err;
    }
    key->is_private = true;
    key->device = device;
    *ret = key;
    return ERR_NONE;
}

static bool scalar_in_range(const EC_GROUP *group, const BIGNUM *d)
{
    return !BN_is_zero(d) && BN_cmp(d, EC_GROUP_get0_order(group)) < 0;
}

static bool point_of_scalar(const EC_GROUP *group, const BIGNUM *d, uint8_t ret_point[EC_POINT_LEN])
{
    EC_POINT *p = EC_POINT_new(group);
    bool good =
        p && EC_POINT_mul(group, p, d, NULL, NULL, NULL) == 1 &&
        EC_POINT_point2oct(group, p, POINT_CONVERSION_UNCOMPRESSED, ret_point, EC_POINT_LEN, NULL) == EC_POINT_LEN;
    EC_POINT_free(p);
    return good;
}

static enum err private_from_number(const struct curve_row *row, const BIGNUM *d, struct ec_key **ret)
{
    const EC_GROUP *group = curve_group(row->curve);
    uint8_t point[EC_POINT_LEN];
    struct ec_key *key;
    if (!group)
        return fault(ERR_CRYPTO);
    if (!scalar_in_range(group, d))
        return ERR_BAD_VALUE;
    if (!point_of_scalar(group, d, point))
        return fault(ERR_CRYPTO);
    enum err err = key_make(row->curve, point, true, &key);
    if (err != ERR_NONE)
        return err;
    key->has_scalar = BN_bn2binpad(d, key->scalar, sizeof key->scalar) == sizeof key->scalar;
    *ret = key;
    return ERR_NONE;
}

enum err ec_private_new(enum ec_curve curve, struct span scalar, struct ec_key **ret)
{
    const struct curve_row *row = curve_row(curve);
    if (!row)
        return ERR_UNSUPPORTED;
    if (scalar.len == 0 || scalar.len > EC_FIELD_LEN)
        return ERR_BAD_LENGTH;
    BIGNUM *d = BN_secure_new();
    if (!d || !BN_bin2bn(scalar.ptr, (int)scalar.len, d)) {
        BN_clear_free(d);
        return fault(ERR_NO_MEMORY);
    }
    BN_set_flags(d, BN_FLG_CONSTTIME);
    enum err err = private_from_number(row, d, ret);
    BN_clear_free(d);
    return err;
}

static bool random_scalar(struct rng *rng, uint8_t out[EC_FIELD_LEN])
{
    if (!rng)
        return RAND_priv_bytes(out, EC_FIELD_LEN) == 1;
    rng->fill(rng, out, EC_FIELD_LEN);
    return true;
}

enum err ec_generate(enum ec_curve curve, struct rng *rng, struct ec_key **ret)
{
    uint8_t scalar[EC_FIELD_LEN];
    enum err err = ERR_BAD_VALUE;
    /* out of range once in 2^32 (P-256), once in three (brainpool): draw again */
    for (int tries = 0; err == ERR_BAD_VALUE && tries < 128; tries++)
        err = random_scalar(rng, scalar) ? ec_private_new(curve, SPAN_OF(scalar), ret) : fault(ERR_CRYPTO);
    wipe(scalar, sizeof scalar);
    return err == ERR_BAD_VALUE ? ERR_CRYPTO : err;
}

void ec_key_free(struct ec_key *key)
{
    if (!key)
        return;
    EVP_PKEY_CTX_free(key->sign);
    EVP_PKEY_CTX_free(key->verify);
    EVP_PKEY_CTX_free(key->derive);
    EVP_PKEY_free(key->pkey);
    ec_device_leave(key->device);
    wipe(key, sizeof *key);
    free(key);
}

enum ec_curve ec_key_curve(const struct ec_key *key) { return key->curve; }

bool ec_key_is_private(const struct ec_key *key) { return key->is_private; }

void ec_key_point(const struct ec_key *key, uint8_t ret_point[EC_POINT_LEN])
{
    memcpy(ret_point, key->point, EC_POINT_LEN);
}

static bool number_param(EVP_PKEY *pkey, const char *name, uint8_t out[EC_FIELD_LEN])
{
    BIGNUM *n = NULL;
    bool good = EVP_PKEY_get_bn_param(pkey, name, &n) == 1 && BN_bn2binpad(n, out, EC_FIELD_LEN) == EC_FIELD_LEN;
    BN_clear_free(n);
    return good;
}

enum err ec_key_scalar(const struct ec_key *key, uint8_t ret_scalar[EC_FIELD_LEN])
{
    uint8_t scalar[EC_FIELD_LEN];
    if (!key->is_private)
        return ERR_MISSING;
    if (key->device)
        return ERR_DENIED;
    if (key->has_scalar) {
        memcpy(ret_scalar, key->scalar, EC_FIELD_LEN);
        return ERR_NONE;
    }
    if (!number_param(key->pkey, OSSL_PKEY_PARAM_PRIV_KEY, scalar))
        return fault(ERR_CRYPTO);
    memcpy(ret_scalar, scalar, sizeof scalar);
    wipe(scalar, sizeof scalar);
    return ERR_NONE;
}

/* ---- signatures: DER SEQUENCE { r, s } of OpenSSL against the plain form ---- */

static bool plain_number(struct reader *r, uint8_t out[EC_FIELD_LEN])
{
    struct tlv t;
    if (!tlv_next(r, &t) || t.tag != 0x02)
        return false;
    while (t.val.len > 0 && t.val.ptr[0] == 0)
        t.val = span_from(t.val, 1);
    if (t.val.len > EC_FIELD_LEN)
        return false;
    memset(out, 0, EC_FIELD_LEN);
    if (t.val.len)
        memcpy(out + EC_FIELD_LEN - t.val.len, t.val.ptr, t.val.len);
    return true;
}

static bool plain_signature(struct span der, uint8_t out[EC_SIGNATURE_LEN])
{
    struct span body;
    if (!tlv_find(der, 0x30, &body))
        return false;
    struct reader r = rd_of(body);
    return plain_number(&r, out) && plain_number(&r, out + EC_FIELD_LEN) && rd_at_end(&r);
}

static void wr_der_number(struct writer *w, struct span n)
{
    while (n.len > 1 && n.ptr[0] == 0)
        n = span_from(n, 1);
    bool pad = (n.ptr[0] & 0x80) != 0;
    wr_tag(w, 0x02);
    wr_length(w, n.len + pad);
    if (pad)
        wr_u8(w, 0);
    wr_bytes(w, n);
}

static void der_signature(struct span plain, struct writer *w)
{
    size_t mark = wr_tlv_open(w, 0x30);
    wr_der_number(w, span_sub(plain, 0, EC_FIELD_LEN));
    wr_der_number(w, span_from(plain, EC_FIELD_LEN));
    wr_tlv_close(w, mark);
}

static bool context_ready(EVP_PKEY_CTX **context, struct ec_key *key, int (*init)(EVP_PKEY_CTX *))
{
    if (*context)
        return true;
    EVP_PKEY_CTX *made = key_openssl(key) ? EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL) : NULL;
    if (!made || init(made) != 1) {
        EVP_PKEY_CTX_free(made);
        return false;
    }
    *context = made;
    return true;
}

enum err ec_sign_digest(struct ec_key *key, const uint8_t digest[EC_DIGEST_LEN],
                        uint8_t ret_signature[EC_SIGNATURE_LEN])
{
    uint8_t der[EC_DER_SIGNATURE_MAX];
    size_t len = sizeof der;
    if (!key->is_private)
        return ERR_MISSING;
    if (key->device)
        return key->device->sign(key->device, (struct span){ digest, EC_DIGEST_LEN }, ret_signature);
    if (!context_ready(&key->sign, key, EVP_PKEY_sign_init) ||
        EVP_PKEY_sign(key->sign, der, &len, digest, EC_DIGEST_LEN) != 1 ||
        !plain_signature((struct span){ der, len }, ret_signature))
        return fault(ERR_CRYPTO);
    return ERR_NONE;
}

enum err ec_sign(struct ec_key *key, struct span message, uint8_t ret_signature[EC_SIGNATURE_LEN])
{
    uint8_t digest[EC_DIGEST_LEN];
    enum err err = sha256(message, digest);
    return err == ERR_NONE ? ec_sign_digest(key, digest, ret_signature) : err;
}

enum err ec_verify_digest(struct ec_key *key, const uint8_t digest[EC_DIGEST_LEN], struct span signature)
{
    WRITER_ON_STACK(der, EC_DER_SIGNATURE_MAX);
    if (signature.len != EC_SIGNATURE_LEN)
        return ERR_VERIFY;
    der_signature(signature, &der);
    if (der.err != ERR_NONE || !context_ready(&key->verify, key, EVP_PKEY_verify_init))
        return fault(ERR_CRYPTO);
    if (EVP_PKEY_verify(key->verify, der.buf, der.len, digest, EC_DIGEST_LEN) != 1)
        return fault(ERR_VERIFY);
    return ERR_NONE;
}

enum err ec_verify(struct ec_key *key, struct span message, struct span signature)
{
    uint8_t digest[EC_DIGEST_LEN];
    enum err err = sha256(message, digest);
    return err == ERR_NONE ? ec_verify_digest(key, digest, signature) : err;
}

/* A point times a secret number; OpenSSL's ladder for one point takes the same time for every number. */
static enum err product_x(const EC_GROUP *group, const EC_POINT *point, const BIGNUM *d, uint8_t ret_x[EC_FIELD_LEN])
{
    EC_POINT *product = EC_POINT_new(group);
    BIGNUM *x = BN_secure_new();
    bool good = product && x && EC_POINT_mul(group, product, NULL, point, d, NULL) == 1 &&
                !EC_POINT_is_at_infinity(group, product) &&
                EC_POINT_get_affine_coordinates(group, product, x, NULL, NULL) == 1 &&
                BN_bn2binpad(x, ret_x, EC_FIELD_LEN) == (int)EC_FIELD_LEN;
    EC_POINT_clear_free(product);
    BN_clear_free(x);
    return good ? ERR_NONE : fault(ERR_CRYPTO);
}

static enum err shared_by_openssl(struct ec_key *own, struct ec_key *peer, uint8_t ret_x[EC_FIELD_LEN])
{
    uint8_t x[EC_FIELD_LEN];
    size_t len = sizeof x;
    /* the peer's point was checked when it was loaded, so not again here */
    if (!context_ready(&own->derive, own, EVP_PKEY_derive_init) || !key_openssl(peer) ||
        EVP_PKEY_derive_set_peer_ex(own->derive, peer->pkey, 0) != 1 || EVP_PKEY_derive(own->derive, x, &len) != 1 ||
        len != sizeof x)
        return fault(ERR_CRYPTO);
    memcpy(ret_x, x, sizeof x);
    wipe(x, sizeof x);
    return ERR_NONE;
}

enum err ec_scalar_shared_x(enum ec_curve curve, struct span scalar, struct span peer, uint8_t ret_x[EC_FIELD_LEN])
{
    const EC_GROUP *group = curve_group(curve);
    if (scalar.len != EC_FIELD_LEN || peer.len != EC_POINT_LEN)
        return ERR_BAD_LENGTH;
    EC_POINT *point = group ? point_read(group, peer.ptr) : NULL;
    BIGNUM *d = BN_secure_new();
    enum err err = ERR_BAD_VALUE;
    if (point && d && BN_bin2bn(scalar.ptr, EC_FIELD_LEN, d) && scalar_in_range(group, d)) {
        BN_set_flags(d, BN_FLG_CONSTTIME);
        err = product_x(group, point, d, ret_x);
    }
    BN_clear_free(d);
    EC_POINT_free(point);
    return err == ERR_NONE ? ERR_NONE : fault(err);
}

enum err ec_shared_x(struct ec_key *own, struct ec_key *peer, uint8_t ret_x[EC_FIELD_LEN])
{
    if (!own->is_private)
        return ERR_MISSING;
    if (own->curve != peer->curve)
        return ERR_BAD_VALUE;
    if (own->device)
        return ERR_UNSUPPORTED;
    return own->has_scalar ? ec_scalar_shared_x(own->curve, SPAN_OF(own->scalar), SPAN_OF(peer->point), ret_x)
                           : shared_by_openssl(own, peer, ret_x);
}

/* ---- OpenSSL's keys and PEM ---- */

static enum err curve_of_pkey(EVP_PKEY *pkey, enum ec_curve *ret)
{
    char name[64];
    size_t len = 0;
    if (!EVP_PKEY_is_a(pkey, "EC") || EVP_PKEY_get_group_name(pkey, name, sizeof name, &len) != 1)
        return fault(ERR_UNSUPPORTED);
    return ec_curve_read(name, ret);
}

enum err ec_key_from_openssl(EVP_PKEY *pkey, struct ec_key **ret)
{
    enum ec_curve curve;
    uint8_t point[EC_POINT_LEN] = { 0x04 }, scalar[EC_FIELD_LEN];
    enum err err = curve_of_pkey(pkey, &curve);
    if (err != ERR_NONE)
        return err;
    if (!number_param(pkey, OSSL_PKEY_PARAM_EC_PUB_X, point + 1) ||
        !number_param(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, point + 1 + EC_FIELD_LEN))
        return fault(ERR_BAD_VALUE);
    bool is_private = number_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, scalar);
    wipe(scalar, sizeof scalar);
    if (EVP_PKEY_up_ref(pkey) != 1)
        return fault(ERR_CRYPTO);
    ERR_clear_error();
    struct ec_key *key;
    err = key_make(curve, point, is_private, &key);
    if (err != ERR_NONE) {
        EVP_PKEY_free(pkey);
        return err;
    }
    key->pkey = pkey;
    *ret = key;
    return ERR_NONE;
}

/* Making the other form of a key does not change it. */
EVP_PKEY *ec_key_openssl(const struct ec_key *key) { return key_openssl((struct ec_key *)(uintptr_t)key); }

static int no_password(char *buf, int size, int writing, void *user)
{
    (void)buf, (void)size, (void)writing, (void)user;
    return -1;
}

enum err ec_private_read_pem(struct span pem, struct ec_key **ret)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    BIO_free(bio);
    if (!pkey)
        return fault(ERR_BAD_VALUE);
    struct ec_key *key = NULL;
    enum err err = ec_key_from_openssl(pkey, &key);
    EVP_PKEY_free(pkey);
    if (err == ERR_NONE)
        *ret = key;
    return err;
}

enum err ec_private_pem(const struct ec_key *key, char **ret_pem)
{
    if (!key->is_private)
        return ERR_MISSING;
    if (key->device)
        return ERR_DENIED;
    char *text = NULL, *copy = NULL;
    BIO *bio = BIO_new(BIO_s_secmem());
    if (bio && PEM_write_bio_PKCS8PrivateKey(bio, ec_key_openssl(key), NULL, NULL, 0, NULL, NULL) == 1) {
        long len = BIO_get_mem_data(bio, &text);
        copy = len > 0 ? strndup(text, (size_t)len) : NULL;
    }
    BIO_free(bio);
    if (!copy)
        return fault(ERR_CRYPTO);
    *ret_pem = copy;
    return ERR_NONE;
}

void ec_pem_free(char *pem)
{
    if (pem)
        wipe(pem, strlen(pem));
    free(pem);
}
