/* sm-dp/net.h: the SM-DP's sockets: SOAP over mutual TLS, both ways. */
#ifndef OSPREY_SMDP_NET_H
#define OSPREY_SMDP_NET_H

#include "lib/role/soap_net.h"
#include "smdp.h"

struct smdp_net_options {
    struct soap_net_options soap; /* loop, log, address, port, TLS, trace_dir; the rest is filled in */
};
struct smdp_net;
struct smdp_net *smdp_net_new(const struct smdp_net_options *options);
void smdp_net_set_tls(struct smdp_net *n, struct ssl_ctx_st *server, struct ssl_ctx_st *client);
struct net *smdp_net_seam(struct smdp_net *n);
/* Listens. detail: IO_DETAIL_MAX octets. */
MUST_USE enum err smdp_net_open(struct smdp_net *n, struct smdp *smdp, char *detail);
/* No new connections, and those that are open end with what is under way on them. */
void smdp_net_drain(struct smdp_net *n);
void smdp_net_free(struct smdp_net *n);

#endif
