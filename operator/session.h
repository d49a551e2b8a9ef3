/* operator/session.h: one run of the operator's command line: configuration, TLS, the endpoint for callbacks and
 * notifications, the inbox. Symbols carry op_. */
#ifndef OSPREY_OPERATOR_SESSION_H
#define OSPREY_OPERATOR_SESSION_H

#include "inbox.h"
#include "lib/daemon/config.h"
#include "lib/es/message.h"
#include "lib/io/http_client.h"
#include "lib/io/http_server.h"
#include "lib/role/guard.h"

#define OP_PARTNERS_MAX 256u
#define OP_ARENA_MAX    (256u * 1024 * 1024) /* of one command */
#define OP_DETAIL_MAX   400u

/* What the program ends with; --help lists them. */
enum op_exit {
    OP_OK = 0,
    OP_LOCAL = 1, /* configuration, files, our own endpoint */
    OP_USAGE = 2,
    OP_WARNING = 3,     /* EXECUTED_WITHWARNING */
    OP_FAILED = 4,      /* FAILED */
    OP_EXPIRED = 5,     /* EXPIRED: the outcome is not known */
    OP_NO_ANSWER = 6,   /* accepted, but no answer came in time: the outcome is not known */
    OP_UNREACHABLE = 7, /* the partner cannot be reached or refuses our certificate */
    OP_PROTOCOL = 8     /* a SOAP fault, or an answer that is none */
};

struct op_partner {
    const char *name, *url; /* of its section */
    struct oid oid;
    bool is_smdp; /* else an SM-SR */
    struct es_dialect dialect;
    const char *poll; /* what it says is fetched under this identifier; NULL: it comes to our endpoint */
    uint32_t poll_s;
    struct guard_sender send;
    struct codes codes; /* its own numbers for statuses */
};

struct op_config {
    struct config *file;
    struct oid oid;
    const char *name;                                  /* EntityName, may be empty */
    const char *via, *sm_sr, *inbox, *url, *trace_dir; /* NULL: not given */
    char address[64];
    uint16_t port;
    uint32_t validity_s;
    struct op_partner partners[OP_PARTNERS_MAX];
    size_t partner_count;
};
extern const struct config_option op_options[];
extern const size_t op_option_count;
/* path NULL: $OSPREY_CONFIG, ./osprey.conf, ~/.config/osprey/osprey.conf, /etc/osprey/osprey.conf. detail gets the
 * reason in words (OP_DETAIL_MAX). */
MUST_USE enum err op_config_read(const char *path, struct op_config *ret, char *detail);
void op_config_done(struct op_config *c);
/* By name of its section, or by OID text; NULL: none. */
const struct op_partner *op_partner_find(const struct op_config *c, const char *name);
const struct op_partner *op_partner_by_oid(const struct op_config *c, const char *oid);

struct op_session {
    struct op_config config;
    struct loop *loop;
    struct rng *rng;
    struct ssl_ctx_st *client_tls, *server_tls;
    struct http_client *client;
    struct http_server *server; /* NULL: another process has the endpoint */
    struct inbox *inbox;        /* NULL: none configured */
    struct arena arena;
    char url[HTTP_URL_MAX]; /* of the endpoint, without path */
    const struct op_partner *partner; /* who is asked by the present command */
    bool json, explain;               /* how to talk */
    bool shared;                      /* a copy: endpoint and polling are another one's matter */
    char detail[OP_DETAIL_MAX];
    /* Called for each message that arrives at the endpoint, once; spans live as long as `arena` of the call. */
    void (*on_message)(void *context, const struct es_message *m, struct span soap);
    void *context;
};

/* On failure detail says why. */
MUST_USE enum err op_session_open(struct op_session *s, const char *config_path);
/* Opens the server too; when the address is taken and there is an inbox, `osprey listen` is believed to have it. */
MUST_USE enum err op_session_endpoint(struct op_session *s);
void op_session_drain(struct op_session *s); /* what closed connections still owe leaves */
void op_session_close(struct op_session *s);
/* Opens the endpoint if it is not open; false: somebody else still has the address. */
bool op_session_listen(struct op_session *s);

/* 16 random octets as hex text in the arena: identifiers of calls and messages. */
struct span op_unique(struct op_session *s);
/* A FunctionCallIdentifier: the same, behind the campaign's name and a dot when there is one (NULL: none). */
struct span op_call_id(struct op_session *s, const char *campaign);
/* Writes a message of the wire into the lab's trace, if there is one. way: "in" or "out". */
void op_trace(struct op_session *s, const char *way, struct span soap);

/* endpoint.c: what partners say. Is it from one that we know, by its certificate and by its own word? */
bool op_is_partner(const struct op_session *s, const struct peer *peer, const struct es_message *m);
/* Keeps it in the inbox and tells on_message. ERR_EXISTS: it was here before; ERR_IO: it is not kept, and must come again. */
enum err op_take(struct op_session *s, const struct es_message *m, struct span soap);
/* Takes requests of partners at our endpoint. */
void op_on_request(void *session, const struct http_request *request, struct reply_ref ref);

#endif
