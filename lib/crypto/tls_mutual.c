#include "tls_mutual.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#include "keystore_soft.h"
#include "openssl.h"
#include "token.h"

struct detail {
    char *text;
    size_t cap;
};

static enum err explain(struct detail d, enum err err, const char *format, ...) __attribute__((format(printf, 3, 4)));

static enum err explain(struct detail d, enum err err, const char *format, ...)
{
    va_list args;
    if (d.text && d.cap) {
        va_start(args, format);
        vsnprintf(d.text, d.cap, format, args);
        va_end(args);
    }
    ERR_clear_error();
    return err;
}

static const char *openssl_reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    return text ? text : "unknown reason";
}

/* Without a list that is valid now nothing can be said about revocation, and nothing is held against the peer. */
static int without_list(int good, X509_STORE_CTX *context)
{
    switch (X509_STORE_CTX_get_error(context)) {
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
        return 1;
    default:
        return good;
    }
}

/* Certificates are judged at the clock's time, which in the simulator is not the machine's. */
static int verify_at_clock(X509_STORE_CTX *context, void *arg)
{
    struct clock *clock = arg;
    if (clock)
        X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context), (time_t)(clock->now_ms(clock) / 1000));
    int good = X509_verify_cert(context);
    if (good > 0) /* what was passed over is no fault of the peer */
        X509_STORE_CTX_set_error(context, X509_V_OK);
    return good;
}

static bool ctx_configure(SSL_CTX *c, const struct tls_mutual_options *o)
{
    static const char suites[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
                                 "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384";
    SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(c, SSL_MODE_AUTO_RETRY | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(c, verify_at_clock, o->clock);
    return SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) == 1 && SSL_CTX_set_cipher_list(c, suites) == 1 &&
           SSL_CTX_set1_groups_list(c, "P-256:brainpoolP256r1:X25519") == 1 && SSL_CTX_set_num_tickets(c, 0) == 1;
}

/* key NULL: from the PEM file */
static enum err use_key(SSL_CTX *c, struct ec_key *key, const struct tls_mutual_options *o, struct detail d)
{
    int good = key ? SSL_CTX_use_PrivateKey(c, ec_key_openssl(key))
                   : SSL_CTX_use_PrivateKey_file(c, o->key_file, SSL_FILETYPE_PEM);
    const char *key_name = o->key ? "from the key store" : o->key_file;
    if (good != 1 && ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH)
        return explain(d, ERR_VERIFY, "key %s is not the one of certificate %s", key_name, o->chain_file);
    if (good != 1)
        return explain(d, ERR_BAD_VALUE, "key %s: %s", key_name, openssl_reason());
    if (SSL_CTX_check_private_key(c) != 1)
        return explain(d, ERR_VERIFY, "key %s is not the one of certificate %s", key_name, o->chain_file);
    return ERR_NONE;
}

/* The key store of the folder the key lies in. */
static enum err open_beside(const char *path, struct keystore_soft **ret, struct detail d)
{
    char master[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int len = snprintf(master, sizeof master, "%.*smaster.key", slash ? (int)(slash - path + 1) : 0, path);
    struct master_key key = { 0 };
    char why[TOKEN_DETAIL_MAX] = "its name is too long";
    enum err err = len < (int)sizeof master ? master_key_read(master, &key, why) : ERR_TOO_LONG;
    if (err == ERR_NONE)
        err = keystore_soft_of(&key, NULL, ret);
    wipe(&key, sizeof key);
    return err == ERR_NONE ? err : explain(d, err, "master key %s of key %s: %s", master, path, *why ? why : err_text(err));
}

static enum err read_beside(const char *path, struct ec_key **ret, struct detail d)
{
    struct keystore_soft *own = NULL;
    enum err err = open_beside(path, &own, d);
    if (err != ERR_NONE)
        return err;
    err = keystore_soft_read(own, path, ret, NULL);
    keystore_soft_free(own);
    return err == ERR_NONE ? err : explain(d, err, "key %s: %s", path, err_text(err));
}

/* A wrapped key, by the key store we were given or by the one beside it; or a key in a token. */
static enum err read_key(const struct tls_mutual_options *o, struct ec_key **ret, struct detail d)
{
    char why[TOKEN_DETAIL_MAX] = "";
    if (token_uri_is(o->key_file)) {
        enum err err = token_private_key(o->key_file, ret, why);
        return err == ERR_NONE ? err : explain(d, err, "key in the token: %s", *why ? why : err_text(err));
    }
    enum err err = o->keystore ? keystore_soft_read(o->keystore, o->key_file, ret, NULL) : ERR_NOT_FOUND;
    if (err == ERR_NONE)
        return err;
    enum err beside = read_beside(o->key_file, ret, d);
    if (beside == ERR_NOT_FOUND && o->keystore)
        return explain(d, err, "key %s: %s", o->key_file, err_text(err));
    return beside;
}

static enum err load_own(SSL_CTX *c, const struct tls_mutual_options *o, struct detail d)
{
    struct ec_key *key = NULL;
    if (SSL_CTX_use_certificate_chain_file(c, o->chain_file) != 1)
        return explain(d, ERR_BAD_VALUE, "certificate %s: %s", o->chain_file, openssl_reason());
    if (o->key || (!token_uri_is(o->key_file) && !keystore_soft_is_wrapped(o->key_file)))
        return use_key(c, o->key, o, d);
    enum err err = read_key(o, &key, d);
    if (err == ERR_NONE)
        err = use_key(c, key, o, d);
    ec_key_free(key);
    return err;
}

static enum err load_trusted(SSL_CTX *c, const struct tls_mutual_options *o, struct detail d)
{
    if (SSL_CTX_load_verify_file(c, o->ca_file) != 1)
        return explain(d, ERR_BAD_VALUE, "trusted certificates %s: %s", o->ca_file, openssl_reason());
    if (!o->server)
        return ERR_NONE;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(o->ca_file);
    if (!names)
        return explain(d, ERR_BAD_VALUE, "trusted certificates %s: %s", o->ca_file, openssl_reason());
    SSL_CTX_set_client_CA_list(c, names);
    return ERR_NONE;
}

static enum err load_lists(SSL_CTX *c, const struct tls_mutual_options *o, struct detail d)
{
    X509_STORE *store = SSL_CTX_get_cert_store(c);
    X509_LOOKUP *file = o->crl_file ? X509_STORE_add_lookup(store, X509_LOOKUP_file()) : NULL;
    if (!o->crl_file)
        return o->crl_required ? explain(d, ERR_MISSING, "revocation lists are required, and no file is named") : ERR_NONE;
    if (!file || X509_load_crl_file(file, o->crl_file, X509_FILETYPE_PEM) < 1)
        return explain(d, ERR_BAD_VALUE, "revocation lists %s: %s", o->crl_file, openssl_reason());
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    if (!o->crl_required)
        X509_STORE_set_verify_cb(store, without_list);
    return ERR_NONE;
}

static enum err readable(const char *path, struct detail d)
{
    FILE *f = path ? fopen(path, "rb") : NULL;
    if (!f)
        return explain(d, ERR_IO, "cannot read %s", path ? path : "(no file named)");
    fclose(f);
    return ERR_NONE;
}

static enum err files_readable(const struct tls_mutual_options *o, struct detail d)
{
    enum err err = readable(o->chain_file, d);
    if (err == ERR_NONE && !o->key && !(o->key_file && token_uri_is(o->key_file)))
        err = readable(o->key_file, d);
    if (err == ERR_NONE && o->crl_file)
        err = readable(o->crl_file, d);
    return err == ERR_NONE ? readable(o->ca_file, d) : err;
}

enum err tls_mutual_ctx(const struct tls_mutual_options *options, SSL_CTX **ret, char *ret_detail, size_t detail_cap)
{
    struct detail d = { ret_detail, detail_cap };
    enum err err = files_readable(options, d);
    if (err != ERR_NONE)
        return err;
    SSL_CTX *c = SSL_CTX_new(options->server ? TLS_server_method() : TLS_client_method());
    if (!c || !ctx_configure(c, options))
        err = explain(d, ERR_CRYPTO, "TLS could not be set up: %s", openssl_reason());
    if (err == ERR_NONE)
        err = load_own(c, options, d);
    if (err == ERR_NONE)
        err = load_trusted(c, options, d);
    if (err == ERR_NONE)
        err = load_lists(c, options, d);
    if (err != ERR_NONE) {
        SSL_CTX_free(c);
        return err;
    }
    *ret = c;
    return ERR_NONE;
}

EVP_PKEY *tls_mutual_key(const SSL_CTX *ctx) { return SSL_CTX_get0_privatekey(ctx); }

void tls_mutual_certificate(const SSL_CTX *ctx, struct writer *out)
{
    unsigned char *der = NULL;
    int len = i2d_X509(SSL_CTX_get0_certificate(ctx), &der);
    if (len > 0)
        wr_bytes(out, (struct span){ der, (size_t)len });
    else
        wr_fail(out, ERR_CRYPTO);
    OPENSSL_free(der);
}

void tls_mutual_ctx_free(SSL_CTX *ctx) { SSL_CTX_free(ctx); }

/* ---- the peer's name ---- */

static bool looks_like_oid(const char *text)
{
    size_t dots = 0;
    for (const char *p = text; *p; p++) {
        bool dot = *p == '.';
        if ((!dot && (*p < '0' || *p > '9')) || (dot && (p == text || p[1] == '.' || p[1] == 0)))
            return false;
        dots += dot;
    }
    return dots >= 2;
}

static bool oid_of_alternative_name(const X509 *x, char ret_oid[TLS_OID_MAX])
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    bool found = false;
    for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        char text[TLS_OID_MAX];
        if (name->type != GEN_RID)
            continue;
        int len = OBJ_obj2txt(text, sizeof text, name->d.registeredID, 1);
        found = len > 0 && len < (int)sizeof text;
        if (found)
            memcpy(ret_oid, text, sizeof text);
    }
    GENERAL_NAMES_free(names);
    return found;
}

static bool oid_of_subject(const X509 *x, int nid, char ret_oid[TLS_OID_MAX])
{
    char text[TLS_OID_MAX];
    int len = X509_NAME_get_text_by_NID(X509_get_subject_name(x), nid, text, sizeof text);
    if (len <= 0 || strlen(text) != (size_t)len || len >= (int)sizeof text - 1 || !looks_like_oid(text))
        return false;
    memcpy(ret_oid, text, (size_t)len + 1);
    return true;
}

enum err tls_certificate_oid(const X509 *certificate, char ret_oid[TLS_OID_MAX])
{
    bool found = oid_of_alternative_name(certificate, ret_oid) ||
                 oid_of_subject(certificate, NID_serialNumber, ret_oid) ||
                 oid_of_subject(certificate, NID_commonName, ret_oid);
    ERR_clear_error();
    return found ? ERR_NONE : ERR_MISSING;
}

enum err tls_peer_oid(SSL *ssl, char ret_oid[TLS_OID_MAX])
{
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    return certificate ? tls_certificate_oid(certificate, ret_oid) : ERR_MISSING;
}

const char *tls_peer_fault(SSL *ssl)
{
    long result = SSL_get_verify_result(ssl);
    return result == X509_V_OK ? "" : X509_verify_cert_error_string(result);
}
