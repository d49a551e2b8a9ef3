/* euicc/agent/link.h: one administration session above its channel: TLS client, HTTP client, script execution. Octets
 * in, octets out; who moves them is agent.c. It survives a broken connection: the request that was not answered is made
 * again with X-Admin-Resume. */
#ifndef OSPREY_EUICC_AGENT_LINK_H
#define OSPREY_EUICC_AGENT_LINK_H

#include "agent.h"
#include "euicc/isdr/isdr.h"
#include "lib/crypto/tls.h"
#include "lib/wire/http1.h"

#define LINK_HEAD_MAX    4096u
#define LINK_REQUEST_MAX (SD_SCRIPT_ANSWER_MAX + 2048u)
#define LINK_OUT_MAX     (LINK_REQUEST_MAX + 4096u)

enum link_state {
    LINK_BUSY,  /* goes on */
    LINK_DONE,  /* the server has nothing more: 204 */
    LINK_BROKEN /* TLS, HTTP or the server failed */
};

struct agent_link {
    /* of the session */
    struct sd_session session;
    char uri[AGENT_URI_MAX]; /* of the next or unanswered request */
    bool resumes;            /* this request may have reached the server before: X-Admin-Resume */
    bool progress;           /* the server answered on this connection */
    bool has_answer;         /* the request carries a response script (or a status alone) */
    enum scp81_status status;
    size_t answer_len;
    uint8_t answer[SD_SCRIPT_ANSWER_MAX];
    /* of the connection */
    struct tls *tls;
    bool asked; /* the request is out on this connection */
    struct http1_reader http;
    uint8_t head[LINK_HEAD_MAX];
    size_t body_len, body_cap;
    uint8_t *body;
    /* towards the terminal */
    uint8_t channel;
    bool opening, sending, receiving, closing;
    size_t out_len, out_sent;
    uint8_t out[LINK_OUT_MAX];
    size_t in_flight; /* octets of the SEND DATA that is out */
    size_t piece_max; /* of one SEND DATA: what the terminal has a buffer for */
};

struct agent_link *link_new(const struct agent_params *p); /* NULL: no memory */
void link_free(struct agent_link *l);                      /* wipes */

/* A fresh connection: TLS starts, its first flight is put into out. */
MUST_USE enum err link_connect(struct card *card, struct agent_link *l, const struct agent_params *p);
void link_disconnect(struct agent_link *l);
/* Octets from the peer; what is to be sent is appended to out. Executes scripts. */
MUST_USE enum link_state link_feed(struct card *card, struct agent_link *l, const struct agent_params *p,
                                   struct span in);
/* Says goodbye into out. */
void link_goodbye(struct agent_link *l);

#endif
