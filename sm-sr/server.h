/* sm-sr/server.h: how a call of a partner becomes an answer or an operation (SGP.02 §5.1; order of checks: fact book
 * 2.5). One table of rows for each interface: es1_server.c, es3_server.c, es4_server.c. */
#ifndef OSPREY_SMSR_SERVER_H
#define OSPREY_SMSR_SERVER_H

#include "turn.h"

struct server_row {
    enum es_function function;
    /* SYNC: does it at once. *ret_body may be set to a response of the right struct; its status is filled in. */
    struct status (*run)(struct turn *t, const struct call_event *c, struct es_response **ret_body);
    /* CALLBACK: what the operation needs of the request. A status that is not success refuses the call. */
    const struct procedure *procedure;
    struct status (*fill)(struct turn *t, const struct call_event *c, struct operation *op);
    bool only_reads; /* not remembered: asked again it is answered anew */
    bool of_change;  /* part of an SM-SR change: the eUICC need not be known, or is locked for all others */
};
struct server {
    enum es_interface number;
    unsigned kinds; /* of partners that may call: enum smsr_partner_kind */
    const struct server_row *rows;
    size_t row_count;
};
extern const struct server smsr_es1_server, smsr_es3_server, smsr_es4_server, smsr_es4a_server, smsr_es7_server;

/* Asks for the rows that the call will surely need, before its eUICC is known: each more round runs the turn again. */
void smsr_call_foresee(struct turn *t, const struct call_event *c);
/* One call, in its turn. */
void smsr_call(struct turn *t, const struct call_event *c);

/* ---- what ES3 and ES4 have in common: manage.c */
struct status smsr_get_eis(struct turn *t, const struct call_event *c, struct es_response **ret_body);
struct status smsr_update_pol2(struct turn *t, const struct call_event *c, struct es_response **ret_body);
struct status smsr_update_address(struct turn *t, const struct call_event *c, struct es_response **ret_body);
struct status smsr_fill_profile(struct turn *t, const struct call_event *c, struct operation *op);
struct status smsr_fill_audit(struct turn *t, const struct call_event *c, struct operation *op);

#endif
