/* lib/io/tls_context.h: mutual TLS for SOAP (offcard.md §5.9: TLS 1.2 or 1.3, ECDHE with AES-GCM, both sides show a
 * certificate). The keys are read and parsed once; every connection shares them. PSK-TLS of SCP81 is not this: see
 * lib/crypto/tls.h. */
#ifndef OSPREY_IO_TLS_CONTEXT_H
#define OSPREY_IO_TLS_CONTEXT_H

#include "lib/base/env.h"

struct ssl_ctx_st;
struct ssl_st;

struct tls_options {
    const char *certificate_file; /* PEM: the own certificate, then its chain */
    const char *key_file;         /* PEM */
    const char *trust_file;       /* PEM: roots (and intermediates) that peers must chain to */
    const char *crl_file;         /* PEM, or NULL: revocation is not checked */
    bool server;                  /* the side that accepts */
    bool peer_optional;           /* server: a client without certificate gets in (as nobody) */
    struct clock *clock;          /* validity is checked at its time; NULL: the machine's */
};

struct tls_context;

#define TLS_DETAIL_MAX 200u
/* detail: text for people about what is wrong, TLS_DETAIL_MAX octets, may be NULL.
 * ERR_IO a file is not readable, ERR_BAD_VALUE not PEM, ERR_VERIFY key and certificate do not belong together. */
struct tls_context *tls_context_new(const struct tls_options *options, enum err *ret_err, char *detail);
void tls_context_free(struct tls_context *context);
struct ssl_ctx_st *tls_context_ssl(struct tls_context *context);

/* Who stands at the other end of a TLS connection. All empty on plain connections. */
#define PEER_OIDS_MAX 4u
struct peer {
    bool authenticated;                  /* showed a certificate that chains to the trust file */
    struct span certificate;             /* DER; lives as long as the connection */
    char common_name[80];
    char oids[PEER_OIDS_MAX][64];        /* subjectAltName registeredID, dotted: the entity's OID */
    size_t oid_count;
    char dns_names[PEER_OIDS_MAX][64];   /* subjectAltName dNSName */
    size_t dns_count;
    uint8_t fingerprint[32];             /* SHA-256 of the certificate */
    char address[64];                    /* remote address and port, as text: "127.0.0.1:4711" */
};
bool peer_has_oid(const struct peer *peer, const char *dotted);

#endif
