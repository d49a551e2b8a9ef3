/* lib/io/peer.h: who stands at the other end of a connection. */
#ifndef OSPREY_IO_PEER_H
#define OSPREY_IO_PEER_H

#include "lib/base/err.h"
#include "lib/base/span.h"
#include "lib/crypto/tls_mutual.h" /* TLS_OID_MAX, the contexts */

#define IO_DETAIL_MAX 240u /* octets of the texts for people in this folder */

struct peer {
    char address[64];         /* "127.0.0.1:4711" */
    uint64_t connection;      /* at a server: which of its connections, from 1 on, no two alike; else 0 */
    bool authenticated;       /* TLS, and it showed a certificate that chains to a trusted root */
    char oid[TLS_OID_MAX];    /* the entity's OID from the certificate (tls_peer_oid); "" when it has none */
    char common_name[80];     /* of the subject; "" when it has none */
    struct span certificate;  /* DER; lives as long as the connection */
    uint8_t fingerprint[32];  /* SHA-256 of it */
};

#endif
