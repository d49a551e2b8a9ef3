/* sm-dp/net.h: the SM-DP's sockets: SOAP over mutual TLS, both ways. */
#ifndef OSPREY_SMDP_NET_H
#define OSPREY_SMDP_NET_H

#include "lib/io/http_client.h"
#include "lib/io/http_server.h"
#include "smdp.h"

struct smdp_net_options {
    struct loop *loop;
    struct log *log;
    const char *address;
    uint16_t port;
    struct ssl_ctx_st *server_tls, *client_tls;
    const char *trace_dir; /* NULL: no traces */
};
struct smdp_net;
struct smdp_net *smdp_net_new(const struct smdp_net_options *options);
struct net *smdp_net_seam(struct smdp_net *n);
/* Listens. detail: IO_DETAIL_MAX octets. */
MUST_USE enum err smdp_net_open(struct smdp_net *n, struct smdp *smdp, char *detail);
void smdp_net_free(struct smdp_net *n);

#endif
