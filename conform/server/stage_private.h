/* conform/server/stage_private.h: what stage.c and soap.c share. */
#ifndef OSPREY_CONFORM_SERVER_STAGE_PRIVATE_H
#define OSPREY_CONFORM_SERVER_STAGE_PRIVATE_H

#include "lib/io/http_client.h"
#include "lib/io/http_server.h"
#include "stage.h"

struct actor {
    struct stage *stage;
    enum role role;
    struct ssl_ctx_st *client_tls, *server_tls;
    struct http_client *client;
    struct http_server *server; /* NULL: it does not listen */
};

struct message *stage_message(struct stage *s);
/* Fills in what the octets say. */
void soap_read(struct stage *s, struct message *m);
void soap_forget(struct stage *s);
struct message *post_url(struct stage *s, enum role by, const char *url, struct span octets);
struct message *post_finish(struct stage *s, struct message *m);

#endif
