/* sm-sr/net.h: the world around the SM-SR, as the program has it: SOAP over mutual TLS both ways, the SMSC, the cards'
 * administration sessions and CAT_TP links, on one loop. */
#ifndef OSPREY_SMSR_NET_H
#define OSPREY_SMSR_NET_H

#include "lib/role/soap_net.h"
#include "smsc.h"

struct smsr_net_options {
    struct soap_net_options soap; /* loop, log, address, port, TLS, trace_dir; the rest is filled in */
    const char *admin_address;
    uint16_t admin_port;           /* no listener when admin_address is NULL */
    const char *cat_tp_address;    /* UDP; none when NULL */
    uint16_t cat_tp_port;
    struct smsr_smsc_options smscs[SMSR_SMSCS_MAX];
    size_t smsc_count;
};

struct smsr_net;
/* First the seam, then the SM-SR on it, then the sockets. */
struct smsr_net *smsr_net_new(const struct smsr_net_options *options);
void smsr_net_set_tls(struct smsr_net *n, struct ssl_ctx_st *server, struct ssl_ctx_st *client);
struct net *smsr_net_seam(struct smsr_net *n);
/* detail: IO_DETAIL_MAX octets. */
MUST_USE enum err smsr_net_open(struct smsr_net *n, struct smsr *smsr, char *detail);
/* No new connections, and those that are open end with what is under way on them. */
void smsr_net_drain(struct smsr_net *n);
void smsr_net_free(struct smsr_net *n);

#endif
