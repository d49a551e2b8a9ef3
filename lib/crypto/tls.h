/* lib/crypto/tls.h: one TLS engine without I/O: TLS 1.2 with pre-shared keys (SCP81, GlobalPlatform Amendment B), the
 * client in the card and the server in the SM-SR. Bytes go in, bytes come out; who moves them is not its business.
 *
 * A client:                                        A server:
 *   tls_client_new(ctx, identity, key, &t)           tls_server_new(ctx, &t)
 *   tls_step(t, none, &out, &plain) -> ClientHello   tls_step(t, in, &out, &plain) -> TLS_WANT_PSK
 *   … tls_step with what arrived …                   tls_identity(t) -> look the key up, may take its time
 *   TLS_OPEN: tls_write                              tls_psk(t, key), tls_step(t, none, …) goes on
 */
#ifndef OSPREY_CRYPTO_TLS_H
#define OSPREY_CRYPTO_TLS_H

#include "lib/codec/writer.h"

#define TLS_IDENTITY_MAX 255u /* PSK identity, text */
#define TLS_PSK_MAX      64u
#define TLS_RECORD_MAX   16384u /* plain octets in one record */
#define TLS_OVERHEAD     128u   /* octets a record may add */
#define TLS_HELD_MAX     65536u /* octets held back for later steps */
/* Room that `out` should have for a step: a flight or an alert fits. With less, the rest comes with the next one. */
#define TLS_FLIGHT_MAX 4096u

enum tls_state {
    TLS_HANDSHAKE, /* feed more; nothing can be written yet */
    TLS_WANT_PSK,  /* server: tls_identity is known, tls_psk is due */
    TLS_OPEN,      /* application data may flow both ways */
    TLS_CLOSED,    /* the peer said close_notify; everything it sent before is out */
    TLS_FAILED     /* tls_error says why; `out` may hold an alert that should still be sent */
};

enum tls_role { TLS_CLIENT, TLS_SERVER };
enum {
    TLS_ALLOW_CBC_SHA1 = 1, /* TLS_PSK_WITH_AES_128_CBC_SHA too, for old cards */
};

/* What all connections of one kind share; made once. Suites: PSK-AES128-GCM-SHA256, PSK-AES128-CBC-SHA256. No
 * resumption, no renegotiation, buffers released while idle. */
struct tls_ctx;
MUST_USE enum err tls_ctx_new(enum tls_role role, unsigned flags, struct tls_ctx **ret);
void tls_ctx_free(struct tls_ctx *ctx); /* connections made of it may live on */

/* A client's context without flags that all of this thread share, made at the first call and never given back: making one
 * takes about a millisecond, as much as all the cryptography of a session. Borrowed. */
MUST_USE enum err tls_ctx_client(struct tls_ctx **ret);

struct tls;
/* identity: text without NUL, 1 … TLS_IDENTITY_MAX; psk 1 … TLS_PSK_MAX octets; both copied. */
MUST_USE enum err tls_client_new(struct tls_ctx *ctx, struct span identity, struct span psk, struct tls **ret);
MUST_USE enum err tls_server_new(struct tls_ctx *ctx, struct tls **ret);
void tls_free(struct tls *t); /* wipes; NULL is fine */

/* Takes what arrived (all of it: the engine keeps what it cannot use yet), appends to `out` what shall be sent and to
 * `plain` the decrypted application data. Call with an empty `in` to begin (client), after tls_psk, and when `plain` or
 * `out` was full before (tls_has_more). `plain` may be NULL while no data is wanted. */
enum tls_state tls_step(struct tls *t, struct span in, struct writer *out, struct writer *plain);
bool tls_has_more(const struct tls *t);
enum tls_state tls_state(const struct tls *t);

/* Server, in TLS_WANT_PSK and later: the identity as text, NUL-terminated; "" before. */
const char *tls_identity(const struct tls *t);
/* The key for it; an empty one refuses the identity (alert unknown_psk_identity at the next step).
 * ERR_STATE when not in TLS_WANT_PSK, ERR_BAD_LENGTH. */
MUST_USE enum err tls_psk(struct tls *t, struct span key);

/* Encrypts all of `plain` to `out`, or nothing: ERR_STATE when not open, ERR_NO_SPACE when `out` has less room than
 * tls_write_size(plain.len). */
MUST_USE enum err tls_write(struct tls *t, struct span plain, struct writer *out);
size_t tls_write_size(size_t plain_len);
/* Says close_notify, once; data of the peer may still be read by tls_step. */
void tls_close(struct tls *t, struct writer *out);

/* After TLS_FAILED: ERR_VERIFY (wrong key, tampered record), ERR_DENIED (the peer refused by an alert),
 * ERR_NOT_FOUND (identity refused by tls_psk), ERR_BAD_VALUE (not TLS, no common suite), ERR_TOO_LONG, ERR_CRYPTO. */
enum err tls_err(const struct tls *t);
const char *tls_error(const struct tls *t); /* for people; no secret; "" when all is well */
const char *tls_suite(const struct tls *t); /* "PSK-AES128-GCM-SHA256", "" before the handshake is over */

#endif
