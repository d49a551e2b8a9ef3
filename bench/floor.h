/* bench/floor.h: what an operation of the servers cannot do without: its cryptography, TLS and TCP, XML, short messages and
 * durable changes, each measured alone through the bare library, and added up. */
#ifndef OSPREY_BENCH_FLOOR_H
#define OSPREY_BENCH_FLOOR_H

#include "bench.h"

enum floor_unit {
    FLOOR_SIGN, FLOOR_VERIFY, FLOOR_ECKA, FLOOR_KDF, FLOOR_CMAC, FLOOR_GCM, FLOOR_SHA_1K, FLOOR_SCP80, FLOOR_SCP03T,
    FLOOR_WALK,     /* DER walk and copy of the package */
    FLOOR_SMS,      /* a short message over a socket and its answer, ten at a time: a server's side, as all below */
    FLOOR_PSK,      /* a PSK-TLS connection with one exchange, from accept to close, 32 in flight */
    FLOOR_PSK_EXCHANGE, FLOOR_PSK_EXCHANGE_14K,       /* on such a connection */
    FLOOR_SOAP, FLOOR_SOAP_7K, FLOOR_SOAP_27K,        /* on a kept TLS 1.3 connection, 32 ready at once */
    FLOOR_SCAN, FLOOR_SCAN_EIS, FLOOR_SCAN_27K,       /* a bare scanner over a message */
    FLOOR_EMIT, FLOOR_EMIT_EIS,                       /* the same octets written piece by piece */
    FLOOR_HEX,      /* 12.5 kB of octets from hexadecimal text */
    FLOOR_CHANGE,   /* one row changed durably, in groups of 100 */
    FLOOR_UNIT_COUNT
};

/* Microseconds of CPU. Each fills in its own units. */
void floor_crypto(double cost_us[FLOOR_UNIT_COUNT]);
void floor_wire(double cost_us[FLOOR_UNIT_COUNT]);
void floor_text(double cost_us[FLOOR_UNIT_COUNT], struct span eis, struct span package);

/* A server of ours under the clients of floor_wire: 32 of them, a request of each on the way at once. */
enum wire_kind {
    WIRE_SOAP,   /* kept connections; TLS with a certificate */
    WIRE_SESSION /* a connection for each request; TLS 1.2 with WIRE_PSK_KEY */
};
#define WIRE_PSK_KEY { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 }
struct wire_server {
    uint16_t port;
    void (*serve)(struct wire_server *s); /* waits for what is ready and works it off */
    size_t answered, closed;              /* requests and connections: the server counts */
    struct span request;                  /* what a client says; lives as long as the measurement */
    size_t answer_len;                    /* octets that it waits for */
};
struct ssl_ctx_st *wire_begin(enum wire_kind kind); /* the server's context, borrowed until wire_end */
double wire_cost_us(struct wire_server *server);    /* of the server, for one request */
void wire_end(void);

/* Measures everything and prints a line for each operation. eis: a message that registers an eUICC. */
void bench_floor(struct span eis, struct span package);

#endif
