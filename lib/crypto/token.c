#include "token.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "ec_device.h"
#include "key_file.h"

#define SLOTS_MAX   64u
#define DRIVERS_MAX 32u

/* A session with the one token that the URI names, logged in when it says how. */
struct session {
    P11KitUri *uri;
    CK_FUNCTION_LIST **drivers; /* NULL-terminated, each initialised */
    CK_FUNCTION_LIST *driver;   /* the token's */
    CK_SESSION_HANDLE handle;
    bool open, pin_refused;
    char *detail; /* where to say what is wrong; NULL: nowhere */
};

/* A private key: OpenSSL and ec.h see the device. */
struct token_key {
    struct ec_device device; /* first: the device leads back to the whole */
    struct session session;
    CK_OBJECT_HANDLE object;
};

bool token_uri_is(const char *text) { return strncmp(text, "pkcs11:", 7) == 0; }

static enum err explain(const struct session *s, enum err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum err explain(const struct session *s, enum err err, const char *format, ...)
{
    va_list args;
    if (s->detail) {
        va_start(args, format);
        vsnprintf(s->detail, TOKEN_DETAIL_MAX, format, args);
        va_end(args);
    }
    return err;
}

static enum err token_fault(const struct session *s, const char *what, CK_RV rv)
{
    return explain(s, ERR_IO, "%s: %s", what, p11_kit_strerror(rv));
}

/* ---- the URI */

static enum err uri_read(struct session *s, const char *text)
{
    if (strlen(text) >= TOKEN_URI_MAX)
        return explain(s, ERR_BAD_VALUE, "the URI is too long");
    s->uri = p11_kit_uri_new();
    if (!s->uri)
        return ERR_NO_MEMORY;
    int code = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, s->uri);
    if (code != P11_KIT_URI_OK)
        return explain(s, ERR_BAD_VALUE, "no URI of RFC 7512: %s", p11_kit_uri_message(code));
    if (p11_kit_uri_any_unrecognized(s->uri))
        return explain(s, ERR_BAD_VALUE, "the URI has attributes that are not known");
    if (p11_kit_uri_get_pin_value(s->uri))
        return explain(s, ERR_BAD_VALUE, "pin-value has no place in a URI: name a file with pin-source");
    return ERR_NONE;
}

/* ---- drivers and token */

static void drivers_leave(struct session *s)
{
    for (size_t i = 0; s->drivers && s->drivers[i]; i++) {
        p11_kit_module_finalize(s->drivers[i]);
        p11_kit_module_release(s->drivers[i]);
    }
    free(s->drivers);
    s->drivers = NULL;
}

static enum err driver_load(struct session *s, const char *path)
{
    s->drivers = calloc(2, sizeof *s->drivers);
    CK_FUNCTION_LIST *driver = s->drivers ? p11_kit_module_load(path, 0) : NULL;
    if (!driver)
        return explain(s, ERR_NOT_FOUND, "driver %s: %s", path,
                       p11_kit_message() ? p11_kit_message() : "cannot be loaded");
    CK_RV rv = p11_kit_module_initialize(driver);
    if (rv != CKR_OK) {
        p11_kit_module_release(driver);
        return token_fault(s, path, rv);
    }
    s->drivers[0] = driver;
    return ERR_NONE;
}

static enum err drivers_load(struct session *s)
{
    const char *path = p11_kit_uri_get_module_path(s->uri);
    if (path)
        return driver_load(s, path);
    s->drivers = p11_kit_modules_load_and_initialize(0);
    return s->drivers ? ERR_NONE
                      : explain(s, ERR_NOT_FOUND, "no PKCS#11 driver is installed; name one with module-path");
}

static enum err token_take(struct session *s, CK_FUNCTION_LIST *driver, CK_SLOT_ID *ret)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    if (driver->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
        return ERR_NONE; /* a reader without a token, a driver without its device: not the one */
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;
        if (driver->C_GetTokenInfo(slots[i], &info) != CKR_OK || !p11_kit_uri_match_token_info(s->uri, &info))
            continue;
        if (s->driver)
            return explain(s, ERR_EXISTS, "more than one token fits");
        s->driver = driver;
        *ret = slots[i];
    }
    return ERR_NONE;
}

static enum err token_find(struct session *s, CK_SLOT_ID *ret)
{
    enum err err = ERR_NONE;
    s->driver = NULL;
    for (size_t i = 0; err == ERR_NONE && s->drivers[i]; i++)
        err = token_take(s, s->drivers[i], ret);
    if (err == ERR_NONE && !s->driver)
        err = explain(s, ERR_NOT_FOUND, "no token fits");
    return err;
}

/* ---- logging in */

/* "file:/path" or a path. */
static enum err pin_read(const struct session *s, const char *source, uint8_t buf[KEY_FILE_MAX], struct span *ret)
{
    size_t len = 0;
    const char *path = strncmp(source, "file:", 5) == 0 ? source + 5 : source;
    while (path[0] == '/' && path[1] == '/')
        path++;
    enum err err = key_file_read(path, true, buf, &len);
    if (err == ERR_DENIED)
        return explain(s, err, "PIN file %s: group or others may read it", path);
    if (err != ERR_NONE)
        return explain(s, err, "PIN file %s: %s", path, err_text(err));
    *ret = key_file_trimmed((struct span){ buf, len });
    return ERR_NONE;
}

static enum err log_in_with(struct session *s, struct span pin)
{
    CK_RV rv = s->driver->C_Login(s->handle, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)pin.ptr, pin.len);
    if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
        return ERR_NONE;
    s->pin_refused =
        rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED || rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE;
    if (s->pin_refused)
        return explain(s, ERR_DENIED, "the token refuses the PIN: %s", p11_kit_strerror(rv));
    return token_fault(s, "login", rv);
}

static enum err log_in(struct session *s)
{
    const char *source = p11_kit_uri_get_pin_source(s->uri);
    uint8_t text[KEY_FILE_MAX];
    struct span pin;
    if (!source)
        return ERR_NONE;
    enum err err = pin_read(s, source, text, &pin);
    if (err == ERR_NONE)
        err = log_in_with(s, pin);
    wipe(text, sizeof text);
    return err;
}

static void session_close(struct session *s)
{
    if (s->open)
        s->driver->C_CloseSession(s->handle);
    s->open = false;
}

static void session_done(struct session *s)
{
    session_close(s);
    drivers_leave(s);
    p11_kit_uri_free(s->uri);
    *s = (struct session){ 0 };
}

static enum err session_begin(struct session *s)
{
    CK_SLOT_ID slot = 0;
    enum err err = s->pin_refused ? ERR_DENIED : token_find(s, &slot);
    if (err != ERR_NONE)
        return err;
    CK_RV rv = s->driver->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &s->handle);
    if (rv != CKR_OK)
        return token_fault(s, "session", rv);
    s->open = true;
    err = log_in(s);
    if (err != ERR_NONE)
        session_close(s);
    return err;
}

static enum err session_open(struct session *s, const char *uri)
{
    enum err err = uri_read(s, uri);
    if (err == ERR_NONE)
        err = drivers_load(s);
    if (err == ERR_NONE)
        err = session_begin(s);
    if (err != ERR_NONE)
        session_done(s);
    return err;
}

/* ---- objects */

/* The one object of that class with what the URI says of it, or with that id. */
static enum err object_find(const struct session *s, CK_OBJECT_CLASS class, const CK_ATTRIBUTE *id,
                            CK_OBJECT_HANDLE *ret)
{
    CK_ATTRIBUTE wanted[3] = { { CKA_CLASS, &class, sizeof class } };
    const CK_ATTRIBUTE *given[] = { p11_kit_uri_get_attribute(s->uri, CKA_ID),
                                    p11_kit_uri_get_attribute(s->uri, CKA_LABEL) };
    CK_ULONG count = 1, found = 0;
    CK_OBJECT_HANDLE objects[2];
    if (id)
        wanted[count++] = *id;
    for (size_t i = 0; !id && i < ARRAY_LEN(given); i++)
        if (given[i])
            wanted[count++] = *given[i];
    if (count == 1)
        return explain(s, ERR_BAD_VALUE, "the URI names no key: object or id is missing");
    CK_RV rv = s->driver->C_FindObjectsInit(s->handle, wanted, count);
    if (rv == CKR_OK) {
        rv = s->driver->C_FindObjects(s->handle, objects, ARRAY_LEN(objects), &found);
        s->driver->C_FindObjectsFinal(s->handle);
    }
    if (rv != CKR_OK)
        return token_fault(s, "objects", rv);
    if (found != 1)
        return explain(s, found ? ERR_EXISTS : ERR_NOT_FOUND, "%s",
                       found ? "more than one key fits" : "no such key (or it is private, and there is no pin-source)");
    *ret = objects[0];
    return ERR_NONE;
}

static bool attribute_read(const struct session *s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, uint8_t *buf,
                           size_t cap, struct span *ret)
{
    CK_ATTRIBUTE a = { type, buf, cap };
    if (s->driver->C_GetAttributeValue(s->handle, object, &a, 1) != CKR_OK || a.ulValueLen > cap)
        return false;
    *ret = (struct span){ buf, a.ulValueLen };
    return true;
}

static bool curve_of(struct span params, enum ec_curve *ret)
{
    static const uint8_t p256[] = { 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07 };
    static const uint8_t brainpool[] = { 0x06, 0x09, 0x2B, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07 };
    if (!span_eq(params, SPAN_OF(p256)) && !span_eq(params, SPAN_OF(brainpool)))
        return false;
    *ret = span_eq(params, SPAN_OF(p256)) ? EC_P256 : EC_BRAINPOOL_P256R1;
    return true;
}

/* The point is a DER OCTET STRING; older drivers give it bare. */
static enum err public_part(const struct session *s, CK_OBJECT_HANDLE private, enum ec_curve *ret_curve,
                            uint8_t ret_point[EC_POINT_LEN])
{
    uint8_t id[64], params[64], text[128];
    struct span id_span, params_span, point;
    CK_OBJECT_HANDLE public = 0;
    if (!attribute_read(s, private, CKA_ID, id, sizeof id, &id_span) || !id_span.len)
        return explain(s, ERR_UNSUPPORTED, "the private key has no id, so its public key cannot be found");
    const CK_ATTRIBUTE same = { CKA_ID, id, id_span.len };
    enum err err = object_find(s, CKO_PUBLIC_KEY, &same, &public);
    if (err != ERR_NONE)
        return explain(s, err, "the private key's public key is not beside it, under the same id");
    if (!attribute_read(s, public, CKA_EC_PARAMS, params, sizeof params, &params_span) ||
        !curve_of(params_span, ret_curve) || !attribute_read(s, public, CKA_EC_POINT, text, sizeof text, &point))
        return explain(s, ERR_UNSUPPORTED, "no EC key on P-256 or brainpoolP256r1");
    if (point.len == EC_POINT_LEN + 2)
        point = span_from(point, 2);
    if (point.len != EC_POINT_LEN)
        return explain(s, ERR_UNSUPPORTED, "the public key is no uncompressed point");
    memcpy(ret_point, point.ptr, EC_POINT_LEN);
    return ERR_NONE;
}

/* ---- signing */

static CK_RV sign_once(struct token_key *k, struct span digest, uint8_t signature[EC_SIGNATURE_LEN])
{
    CK_MECHANISM mechanism = { CKM_ECDSA, NULL, 0 };
    CK_ULONG len = EC_SIGNATURE_LEN;
    CK_FUNCTION_LIST *driver = k->session.driver;
    CK_RV rv = driver->C_SignInit(k->session.handle, &mechanism, k->object);
    if (rv == CKR_OK)
        rv = driver->C_Sign(k->session.handle, (CK_BYTE *)(uintptr_t)digest.ptr, digest.len, signature, &len);
    return rv == CKR_OK && len != EC_SIGNATURE_LEN ? CKR_FUNCTION_FAILED : rv;
}

/* The token was away, or its driver began anew. */
static enum err key_again(struct token_key *k)
{
    session_close(&k->session);
    enum err err = session_begin(&k->session);
    return err == ERR_NONE ? object_find(&k->session, CKO_PRIVATE_KEY, NULL, &k->object) : err;
}

static enum err key_sign(struct ec_device *device, struct span digest, uint8_t ret_signature[EC_SIGNATURE_LEN])
{
    struct token_key *k = (struct token_key *)device;
    uint8_t signature[EC_SIGNATURE_LEN];
    CK_RV rv = k->session.open ? sign_once(k, digest, signature) : CKR_SESSION_HANDLE_INVALID;
    if (rv != CKR_OK && key_again(k) == ERR_NONE)
        rv = sign_once(k, digest, signature);
    if (rv != CKR_OK)
        return ERR_CRYPTO;
    memcpy(ret_signature, signature, sizeof signature);
    return ERR_NONE;
}

static void key_done(struct ec_device *device)
{
    struct token_key *k = (struct token_key *)device;
    session_done(&k->session);
    free(k);
}

enum err token_private_key(const char *uri, struct ec_key **ret, char *ret_detail)
{
    struct token_key *k = calloc(1, sizeof *k);
    enum ec_curve curve = EC_P256;
    uint8_t point[EC_POINT_LEN];
    if (!k)
        return ERR_NO_MEMORY;
    k->device = (struct ec_device){ .sign = key_sign, .done = key_done };
    k->session.detail = ret_detail;
    enum err err = session_open(&k->session, uri);
    if (err == ERR_NONE)
        err = object_find(&k->session, CKO_PRIVATE_KEY, NULL, &k->object);
    if (err == ERR_NONE)
        err = public_part(&k->session, k->object, &curve, point);
    k->session.detail = NULL; /* the caller's, for now only */
    if (err != ERR_NONE) {
        key_done(&k->device);
        return err;
    }
    return ec_device_key(curve, SPAN_OF(point), &k->device, ret);
}

/* ---- AES-GCM */

struct gcm_call {
    const uint8_t *nonce;
    struct span aad, in;
    bool seals;
};

/* out has room for in.len + GCM_TAG_LEN: some drivers want that much also for what they open. */
static CK_RV gcm_run(const struct session *s, CK_OBJECT_HANDLE key, const struct gcm_call *c, uint8_t *out,
                     CK_ULONG *ret_len)
{
    CK_GCM_PARAMS params = { .pIv = (CK_BYTE *)(uintptr_t)c->nonce,
                             .ulIvLen = GCM_NONCE_LEN,
                             .ulIvBits = 8 * GCM_NONCE_LEN,
                             .pAAD = (CK_BYTE *)(uintptr_t)c->aad.ptr,
                             .ulAADLen = c->aad.len,
                             .ulTagBits = 8 * GCM_TAG_LEN };
    CK_MECHANISM mechanism = { CKM_AES_GCM, &params, sizeof params };
    CK_BYTE *in = (CK_BYTE *)(uintptr_t)c->in.ptr;
    CK_RV rv = c->seals ? s->driver->C_EncryptInit(s->handle, &mechanism, key)
                        : s->driver->C_DecryptInit(s->handle, &mechanism, key);
    if (rv != CKR_OK)
        return rv;
    return c->seals ? s->driver->C_Encrypt(s->handle, in, c->in.len, out, ret_len)
                    : s->driver->C_Decrypt(s->handle, in, c->in.len, out, ret_len);
}

static enum err gcm_done(const struct session *s, const struct gcm_call *c, CK_RV rv, struct span got, uint8_t *ret_out)
{
    size_t want = c->seals ? c->in.len + GCM_TAG_LEN : c->in.len - GCM_TAG_LEN;
    if (rv == CKR_MECHANISM_INVALID || (rv != CKR_OK && c->seals))
        return token_fault(s, "AES-GCM", rv);
    if (rv != CKR_OK)
        return explain(s, ERR_VERIFY, "the token's key does not open it: %s", p11_kit_strerror(rv));
    if (got.len != want)
        return explain(s, ERR_IO, "AES-GCM: the token gave %zu octets in place of %zu", got.len, want);
    memcpy(ret_out, got.ptr, got.len);
    return ERR_NONE;
}

static enum err gcm_call(const char *uri, const struct gcm_call *c, uint8_t *ret_out, char *ret_detail)
{
    struct session s = { .detail = ret_detail };
    CK_OBJECT_HANDLE key = 0;
    uint8_t out[TOKEN_SECRET_MAX + 2 * GCM_TAG_LEN];
    CK_ULONG len = c->in.len + GCM_TAG_LEN;
    enum err err = session_open(&s, uri);
    if (err != ERR_NONE)
        return err;
    err = object_find(&s, CKO_SECRET_KEY, NULL, &key);
    if (err == ERR_NONE) {
        CK_RV rv = gcm_run(&s, key, c, out, &len);
        err = gcm_done(&s, c, rv, (struct span){ out, len }, ret_out);
    }
    wipe(out, sizeof out);
    session_done(&s);
    return err;
}

enum err token_seal(const char *uri, const uint8_t nonce[GCM_NONCE_LEN], struct span aad, struct span plain,
                    uint8_t *out, char *ret_detail)
{
    const struct gcm_call call = { nonce, aad, plain, true };
    return plain.len > TOKEN_SECRET_MAX ? ERR_TOO_LONG : gcm_call(uri, &call, out, ret_detail);
}

enum err token_open(const char *uri, const uint8_t nonce[GCM_NONCE_LEN], struct span aad, struct span sealed,
                    uint8_t *out, char *ret_detail)
{
    const struct gcm_call call = { nonce, aad, sealed, false };
    if (sealed.len < GCM_TAG_LEN)
        return ERR_TRUNCATED;
    return sealed.len > TOKEN_SECRET_MAX + GCM_TAG_LEN ? ERR_TOO_LONG : gcm_call(uri, &call, out, ret_detail);
}
