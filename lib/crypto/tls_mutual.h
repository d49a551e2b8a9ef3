/* lib/crypto/tls_mutual.h: the contexts of mutual TLS between the servers (SOAP, offcard book 5.10): TLS 1.2 and 1.3,
 * ECDHE with AES-GCM, the peer's certificate required. And the peer's name as SGP.02 knows it: its OID. */
#ifndef OSPREY_CRYPTO_TLS_MUTUAL_H
#define OSPREY_CRYPTO_TLS_MUTUAL_H

#include "ec.h"
#include "lib/codec/writer.h"

#define TLS_OID_MAX 80u /* text of an OID with its NUL */

struct ssl_st; /* OpenSSL's SSL, SSL_CTX, X509 */
struct ssl_ctx_st;
struct x509_st;
struct keystore_soft;

struct tls_mutual_options {
    const char *chain_file;         /* PEM: own certificate, then the intermediate ones */
    const char *key_file;           /* private key: PEM, wrapped (keystore_soft.h), or a URI of token.h; NULL when `key` is given */
    struct keystore_soft *keystore; /* unwraps key_file; where it cannot, or is NULL, the master.key beside that file does */
    struct ec_key *key;             /* or a key of a keystore, borrowed for the call */
    const char *ca_file;            /* PEM: the roots trusted for peers */
    const char *crl_file;           /* PEM: revocation lists of those roots, and of who is below them; NULL: none */
    bool crl_required;              /* who has no list of its issuer that is valid now is refused; else only who is on one */
    struct clock *clock;            /* validity is judged at its time; NULL: the machine's */
    bool server;
};

/* *ret is for SSL_new / bufferevent_openssl; tls_mutual_ctx_free it. ret_detail (may be NULL) gets, on failure, what
 * was wrong with which file, for people. Errors: ERR_IO, ERR_BAD_VALUE (a file's content), ERR_VERIFY (the key is not
 * the certificate's), ERR_CRYPTO. */
MUST_USE enum err tls_mutual_ctx(const struct tls_mutual_options *options, struct ssl_ctx_st **ret, char *ret_detail,
                                 size_t detail_cap);
/* Its own key, borrowed, and its own certificate, DER: to sign with what TLS shows. */
struct evp_pkey_st *tls_mutual_key(const struct ssl_ctx_st *ctx);
void tls_mutual_certificate(const struct ssl_ctx_st *ctx, struct writer *out);
void tls_mutual_ctx_free(struct ssl_ctx_st *ctx); /* NULL is fine; connections made of it live on */

/* The peer's OID, dotted: from subjectAltName registeredID; else a subject serialNumber or CN that is an OID in text.
 * ERR_MISSING: no certificate, or no OID in it. */
MUST_USE enum err tls_peer_oid(struct ssl_st *ssl, char ret_oid[TLS_OID_MAX]);
/* The same of a certificate that is at hand. */
MUST_USE enum err tls_certificate_oid(const struct x509_st *certificate, char ret_oid[TLS_OID_MAX]);
/* Why the peer's certificate was refused, in words ("certificate has expired"); "" when it was not. */
const char *tls_peer_fault(struct ssl_st *ssl);

#endif
