#include "tls.h"

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "openssl.h"

#define RECORD_HEADER_LEN 5u
#define RECORD_LEN_MAX    (TLS_RECORD_MAX + 2048u)
#define CONTENT_HANDSHAKE 22
#define MSG_CLIENT_HELLO  1
#define MSG_CLIENT_KEYS   16
#define ERROR_TEXT_MAX    120u

/* The server's look into the clear part of the handshake: it follows the handshake messages over record borders until
 * the ClientKeyExchange, whose body (RFC 4279) is the identity. */
struct scan {
    uint8_t head[4];
    size_t head_len, body_left;
    uint8_t body[2 + TLS_IDENTITY_MAX];
    size_t body_len;
    bool hello_seen, done;
};

struct tls {
    SSL *ssl;
    enum tls_role role;
    enum tls_state state;
    struct span window; /* what the BIO may read in this step */
    struct writer *out; /* where it may write in this step */
    uint8_t *held;      /* input that waits */
    size_t held_len, held_cap;
    size_t cleared; /* of the input: scanned, or past the gate */
    bool gated, refused, closing, more;
    struct scan scan;
    char identity[TLS_IDENTITY_MAX + 1];
    uint8_t psk[TLS_PSK_MAX];
    size_t psk_len;
    enum err err;
    char error[ERROR_TEXT_MAX];
};

struct tls_ctx {
    SSL_CTX *ssl;
    enum tls_role role;
};

/* ---- the BIO: reads from the step's input, writes to the step's output ---- */

static BIO_METHOD *bio_method;
static pthread_once_t bio_once = PTHREAD_ONCE_INIT;

static int bio_read(BIO *bio, char *out, int len)
{
    struct tls *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (t->window.len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    struct span take = span_sub(t->window, 0, (size_t)len);
    memcpy(out, take.ptr, take.len);
    t->window = span_from(t->window, take.len);
    return (int)take.len;
}

static int bio_write(BIO *bio, const char *bytes, int len)
{
    struct tls *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    size_t room = t->out && t->out->err == ERR_NONE ? t->out->cap - t->out->len : 0;
    struct span take = span_sub((struct span){ (const uint8_t *)bytes, (size_t)len }, 0, room);
    if (take.len == 0) {
        BIO_set_retry_write(bio);
        return -1;
    }
    wr_bytes(t->out, take);
    return (int)take.len;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static void bio_make(void)
{
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "osprey tls step");
    if (!bio_method)
        return;
    BIO_meth_set_read(bio_method, bio_read);
    BIO_meth_set_write(bio_method, bio_write);
    BIO_meth_set_ctrl(bio_method, bio_ctrl);
}

static BIO *bio_for(struct tls *t)
{
    pthread_once(&bio_once, bio_make);
    BIO *bio = bio_method ? BIO_new(bio_method) : NULL;
    if (bio) {
        BIO_set_data(bio, t);
        BIO_set_init(bio, 1);
    }
    return bio;
}

/* ---- contexts ---- */

static unsigned psk_of_client(SSL *ssl, const char *hint, char *identity, unsigned identity_cap, unsigned char *psk,
                              unsigned psk_cap)
{
    struct tls *t = SSL_get_app_data(ssl);
    (void)hint;
    if (strlen(t->identity) >= identity_cap || t->psk_len > psk_cap)
        return 0;
    memcpy(identity, t->identity, strlen(t->identity) + 1);
    memcpy(psk, t->psk, t->psk_len);
    return (unsigned)t->psk_len;
}

static unsigned psk_of_server(SSL *ssl, const char *identity, unsigned char *psk, unsigned psk_cap)
{
    struct tls *t = SSL_get_app_data(ssl);
    if (t->refused || t->psk_len > psk_cap || strcmp(identity, t->identity) != 0)
        return 0;
    memcpy(psk, t->psk, t->psk_len);
    return (unsigned)t->psk_len;
}

static bool ctx_configure(SSL_CTX *c, enum tls_role role, unsigned flags)
{
    const char *suites = flags & TLS_ALLOW_CBC_SHA1 ? "PSK-AES128-GCM-SHA256:PSK-AES128-CBC-SHA256:PSK-AES128-CBC-SHA"
                                                    : "PSK-AES128-GCM-SHA256:PSK-AES128-CBC-SHA256";
    SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    if (role == TLS_CLIENT)
        SSL_CTX_set_psk_client_callback(c, psk_of_client);
    else
        SSL_CTX_set_psk_server_callback(c, psk_of_server);
    return SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(c, TLS1_2_VERSION) == 1 && SSL_CTX_set_cipher_list(c, suites) == 1;
}

enum err tls_ctx_new(enum tls_role role, unsigned flags, struct tls_ctx **ret)
{
    struct tls_ctx *ctx = calloc(1, sizeof *ctx);
    if (!ctx)
        return ERR_NO_MEMORY;
    ctx->role = role;
    ctx->ssl = SSL_CTX_new(role == TLS_CLIENT ? TLS_client_method() : TLS_server_method());
    if (!ctx->ssl || !ctx_configure(ctx->ssl, role, flags)) {
        ERR_clear_error();
        tls_ctx_free(ctx);
        return ERR_CRYPTO;
    }
    *ret = ctx;
    return ERR_NONE;
}

void tls_ctx_free(struct tls_ctx *ctx)
{
    if (ctx)
        SSL_CTX_free(ctx->ssl);
    free(ctx);
}

enum err tls_ctx_client(struct tls_ctx **ret)
{
    static _Thread_local struct tls_ctx *shared;
    enum err err = shared ? ERR_NONE : tls_ctx_new(TLS_CLIENT, 0, &shared);
    if (err == ERR_NONE)
        *ret = shared;
    return err;
}

/* ---- connections ---- */

static enum err tls_new(struct tls_ctx *ctx, struct tls **ret)
{
    struct tls *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_NO_MEMORY;
    BIO *bio = bio_for(t);
    t->ssl = bio ? SSL_new(ctx->ssl) : NULL;
    if (!t->ssl) {
        BIO_free(bio);
        free(t);
        ERR_clear_error();
        return ERR_NO_MEMORY;
    }
    SSL_set_bio(t->ssl, bio, bio);
    SSL_set_app_data(t->ssl, t);
    t->role = ctx->role;
    *ret = t;
    return ERR_NONE;
}

enum err tls_client_new(struct tls_ctx *ctx, struct span identity, struct span psk, struct tls **ret)
{
    struct tls *t = NULL;
    if (ctx->role != TLS_CLIENT)
        return ERR_STATE;
    if (identity.len == 0 || identity.len > TLS_IDENTITY_MAX || psk.len == 0 || psk.len > TLS_PSK_MAX)
        return ERR_BAD_LENGTH;
    if (memchr(identity.ptr, 0, identity.len))
        return ERR_BAD_VALUE;
    enum err err = tls_new(ctx, &t);
    if (err != ERR_NONE)
        return err;
    memcpy(t->identity, identity.ptr, identity.len);
    memcpy(t->psk, psk.ptr, psk.len);
    t->psk_len = psk.len;
    SSL_set_connect_state(t->ssl);
    *ret = t;
    return ERR_NONE;
}

enum err tls_server_new(struct tls_ctx *ctx, struct tls **ret)
{
    struct tls *t = NULL;
    if (ctx->role != TLS_SERVER)
        return ERR_STATE;
    enum err err = tls_new(ctx, &t);
    if (err != ERR_NONE)
        return err;
    t->gated = true;
    SSL_set_accept_state(t->ssl);
    *ret = t;
    return ERR_NONE;
}

static void held_drop(struct tls *t)
{
    if (t->held)
        wipe(t->held, t->held_cap);
    free(t->held);
    t->held = NULL;
    t->held_len = t->held_cap = 0;
}

void tls_free(struct tls *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    held_drop(t);
    wipe(t, sizeof *t);
    free(t);
}

/* ---- failures ---- */

static void fail(struct tls *t, enum err err, const char *text)
{
    t->state = TLS_FAILED;
    t->err = err;
    snprintf(t->error, sizeof t->error, "%s", text ? text : err_text(err));
    wipe(t->psk, sizeof t->psk);
}

static enum err err_of_reason(const struct tls *t, int reason)
{
    if (t->refused)
        return ERR_NOT_FOUND;
    if (reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256)
        return ERR_DENIED;
    switch (reason) {
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
    case SSL_R_DIGEST_CHECK_FAILED:
    case SSL_R_DECRYPTION_FAILED:
        return ERR_VERIFY;
    case SSL_R_PSK_IDENTITY_NOT_FOUND:
        return ERR_NOT_FOUND;
    case ERR_R_MALLOC_FAILURE:
        return ERR_NO_MEMORY;
    case ERR_R_INTERNAL_ERROR:
        return ERR_CRYPTO;
    default:
        return ERR_BAD_VALUE;
    }
}

/* What an SSL call that did not succeed means; false when it only wants to go on later. */
static bool failed(struct tls *t, int result)
{
    int kind = SSL_get_error(t->ssl, result);
    if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE)
        return false;
    if (kind == SSL_ERROR_ZERO_RETURN) {
        t->state = TLS_CLOSED;
        return true;
    }
    unsigned long code = ERR_peek_last_error(); /* the first may be a cipher's, the last is what TLS made of it */
    fail(t, code ? err_of_reason(t, ERR_GET_REASON(code)) : ERR_CRYPTO, code ? ERR_reason_error_string(code) : NULL);
    ERR_clear_error();
    return true;
}

/* ---- the gate: nothing of a ClientKeyExchange reaches OpenSSL before its key is there ---- */

static void scan_body_byte(struct scan *s, uint8_t octet)
{
    if (s->body_len < sizeof s->body)
        s->body[s->body_len++] = octet;
}

static void scan_message_end(struct scan *s)
{
    if (s->head[0] == MSG_CLIENT_HELLO)
        s->hello_seen = true;
    else if (s->head[0] == MSG_CLIENT_KEYS)
        s->done = true;
    s->head_len = 0;
}

static void scan_handshake(struct scan *s, struct span bytes)
{
    for (size_t i = 0; i < bytes.len && !s->done; i++) {
        if (s->head_len < sizeof s->head) {
            s->head[s->head_len++] = bytes.ptr[i];
            if (s->head_len < sizeof s->head)
                continue;
            s->body_left = (size_t)s->head[1] << 16 | (size_t)s->head[2] << 8 | s->head[3];
            s->body_len = 0;
        } else {
            scan_body_byte(s, bytes.ptr[i]);
            s->body_left--;
        }
        if (s->body_left == 0)
            scan_message_end(s);
    }
}

/* The identity as text; what no identity of ours can be is left to OpenSSL, with no key. */
static bool identity_take(struct tls *t)
{
    const struct scan *s = &t->scan;
    size_t len = s->body_len >= 2 ? (size_t)s->body[0] << 8 | s->body[1] : 0;
    size_t message_len = (size_t)s->head[1] << 16 | (size_t)s->head[2] << 8 | s->head[3];
    if (!s->hello_seen || len == 0 || len > TLS_IDENTITY_MAX || message_len != len + 2 || memchr(s->body + 2, 0, len))
        return false;
    memcpy(t->identity, s->body + 2, len);
    t->identity[len] = 0;
    return true;
}

static void gate_open(struct tls *t)
{
    t->gated = false;
    if (t->state == TLS_WANT_PSK)
        t->state = TLS_HANDSHAKE;
}

static void gate_scan(struct tls *t, struct span in)
{
    while (t->gated && !t->scan.done && in.len >= t->cleared + RECORD_HEADER_LEN) {
        const uint8_t *record = in.ptr + t->cleared;
        size_t len = (size_t)record[3] << 8 | record[4];
        if (record[1] != 3 || len > RECORD_LEN_MAX) { /* no TLS: OpenSSL says so best */
            gate_open(t);
            break;
        }
        if (in.len - t->cleared < RECORD_HEADER_LEN + len)
            break;
        if (record[0] == CONTENT_HANDSHAKE)
            scan_handshake(&t->scan, (struct span){ record + RECORD_HEADER_LEN, len });
        if (!t->scan.done)
            t->cleared += RECORD_HEADER_LEN + len;
        else if (!identity_take(t)) {
            t->refused = true;
            gate_open(t);
        }
    }
}

/* ---- steps ---- */

static void pump_handshake(struct tls *t)
{
    if (SSL_is_init_finished(t->ssl))
        return;
    int result = SSL_do_handshake(t->ssl);
    if (result != 1) {
        failed(t, result);
        return;
    }
    t->state = TLS_OPEN;
    wipe(t->psk, sizeof t->psk);
    t->psk_len = 0;
}

static void pump_data(struct tls *t, struct writer *plain)
{
    while (t->state == TLS_OPEN && plain && plain->err == ERR_NONE && plain->len < plain->cap) {
        size_t room = plain->cap - plain->len;
        int result = SSL_read(t->ssl, plain->buf + plain->len, room > INT_MAX ? INT_MAX : (int)room);
        if (result > 0)
            plain->len += (size_t)result;
        else if (failed(t, result) || t->window.len == 0 || SSL_want_write(t->ssl))
            break;
    }
}

static bool held_add(struct tls *t, struct span in)
{
    if (t->held_len + in.len > TLS_HELD_MAX) {
        fail(t, ERR_TOO_LONG, "more was sent than can be held back");
        return false;
    }
    if (t->held_len + in.len > t->held_cap) {
        size_t cap = t->held_len + in.len + 512;
        uint8_t *held = malloc(cap);
        if (!held) {
            fail(t, ERR_NO_MEMORY, NULL);
            return false;
        }
        if (t->held_len)
            memcpy(held, t->held, t->held_len);
        size_t len = t->held_len;
        held_drop(t);
        t->held = held;
        t->held_len = len;
        t->held_cap = cap;
    }
    if (in.len)
        memcpy(t->held + t->held_len, in.ptr, in.len);
    t->held_len += in.len;
    return true;
}

/* What the step did not use waits for the next one. */
static void keep_rest(struct tls *t, struct span input, bool from_held)
{
    if (t->state == TLS_FAILED || t->state == TLS_CLOSED || input.len == 0) {
        held_drop(t);
    } else if (from_held) {
        memmove(t->held, input.ptr, input.len);
        t->held_len = input.len;
    } else {
        held_add(t, input);
    }
}

static void step_input(struct tls *t, struct span input, bool from_held, struct writer *out, struct writer *plain)
{
    gate_scan(t, input);
    if (!t->gated)
        t->cleared = input.len;
    t->window = span_sub(input, 0, t->cleared);
    t->out = out;
    ERR_clear_error();
    pump_handshake(t);
    pump_data(t, plain);
    t->out = NULL;
    size_t used = t->cleared - t->window.len;
    t->window = SPAN_NONE;
    t->cleared -= used;
    if (t->state == TLS_HANDSHAKE && t->gated && t->scan.done)
        t->state = TLS_WANT_PSK;
    keep_rest(t, span_from(input, used), from_held);
    bool full = !plain || plain->len == plain->cap; /* otherwise all that makes a whole record was read */
    t->more = t->state == TLS_OPEN && full && (t->held_len != 0 || SSL_has_pending(t->ssl));
}

enum tls_state tls_step(struct tls *t, struct span in, struct writer *out, struct writer *plain)
{
    if (t->state == TLS_FAILED || t->state == TLS_CLOSED)
        return t->state;
    bool from_held = t->held_len != 0;
    if (from_held && !held_add(t, in))
        return t->state;
    if (t->state != TLS_WANT_PSK)
        step_input(t, from_held ? (struct span){ t->held, t->held_len } : in, from_held, out, plain);
    return t->state;
}

bool tls_has_more(const struct tls *t) { return t->more; }

enum tls_state tls_state(const struct tls *t) { return t->state; }

const char *tls_identity(const struct tls *t) { return t->identity; }

enum err tls_psk(struct tls *t, struct span key)
{
    if (t->state != TLS_WANT_PSK)
        return ERR_STATE;
    if (key.len > TLS_PSK_MAX)
        return ERR_BAD_LENGTH;
    t->refused = key.len == 0;
    if (key.len)
        memcpy(t->psk, key.ptr, key.len);
    t->psk_len = key.len;
    gate_open(t);
    return ERR_NONE;
}

size_t tls_write_size(size_t plain_len) { return plain_len + (plain_len / TLS_RECORD_MAX + 1) * TLS_OVERHEAD; }

enum err tls_write(struct tls *t, struct span plain, struct writer *out)
{
    if (t->state != TLS_OPEN || t->closing)
        return ERR_STATE;
    if (plain.len == 0)
        return ERR_NONE;
    if (plain.len > INT_MAX)
        return ERR_TOO_LONG;
    if (out->err != ERR_NONE || out->cap - out->len < tls_write_size(plain.len))
        return ERR_NO_SPACE;
    t->out = out;
    ERR_clear_error();
    int result = SSL_write(t->ssl, plain.ptr, (int)plain.len);
    t->out = NULL;
    if (result == (int)plain.len)
        return ERR_NONE;
    if (!failed(t, result))
        fail(t, ERR_CRYPTO, "a record could not be written whole");
    return t->err == ERR_NONE ? ERR_CLOSED : t->err;
}

void tls_close(struct tls *t, struct writer *out)
{
    if (t->closing || t->state == TLS_FAILED || !SSL_is_init_finished(t->ssl))
        return;
    t->closing = true;
    t->out = out;
    ERR_clear_error();
    SSL_shutdown(t->ssl);
    ERR_clear_error();
    t->out = NULL;
}

enum err tls_err(const struct tls *t) { return t->err; }

const char *tls_error(const struct tls *t) { return t->error; }

const char *tls_suite(const struct tls *t)
{
    return t->state == TLS_OPEN || t->state == TLS_CLOSED ? SSL_get_cipher_name(t->ssl) : "";
}
