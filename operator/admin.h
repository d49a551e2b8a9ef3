/* operator/admin.h: the administration of SM-SR and SM-DP (docs/sm-sr-admin.yaml, docs/sm-dp-admin.yaml), over HTTPS with our
 * certificate. */
#ifndef OSPREY_OPERATOR_ADMIN_H
#define OSPREY_OPERATOR_ADMIN_H

#include "arguments.h"
#include "session.h"

struct json_t;
enum op_server { OP_SMDP = 1, OP_SMSR = 2 };
/* --via, `via` of the configuration, or the first partner that is one of `servers`. false: detail says why. */
bool op_admin_choose(struct op_session *s, const struct op_arguments *a, unsigned servers);
/* One request; body may be NULL. *ret: the answer, to be released; not OP_OK: detail says why, and *ret is NULL. */
enum op_exit op_admin_ask(struct op_session *s, const char *method, const char *target, struct json_t *body, struct json_t **ret);

/* The text under this name; "" when there is none. */
const char *op_json_text(const struct json_t *object, const char *name);

/* A list: page after page of the array rows_name at target is printed, a line each, with a heading. name NULL ends the columns.
 * key: how the last row of a page is named to get the next one. */
struct op_column {
    const char *name;
    int width;
};
typedef const char *op_row_key(struct json_t *row, char *out, size_t cap);
enum op_exit op_admin_list(struct op_session *s, const char *target, const char *rows_name, const struct op_column *columns,
                           op_row_key *key);

/* commands */
enum op_exit op_euicc_list(struct op_session *s, const struct op_arguments *a);
enum op_exit op_procedure_list(struct op_session *s, const struct op_arguments *a);
enum op_exit op_procedure_show(struct op_session *s, const struct op_arguments *a);
enum op_exit op_outbox_list(struct op_session *s, const struct op_arguments *a);
enum op_exit op_undelivered_list(struct op_session *s, const struct op_arguments *a);
enum op_exit op_undelivered_retry(struct op_session *s, const struct op_arguments *a);
enum op_exit op_undelivered_forget(struct op_session *s, const struct op_arguments *a);
enum op_exit op_server_partners(struct op_session *s, const struct op_arguments *a);

/* personal.c: what GET calls/{call_id} says of one that is done. */
struct status op_outcome(const struct op_session *s, const struct json_t *done);
/* personal.c: begins something that takes its time, and waits for its end (or does not: --no-wait). what: for people. */
enum op_exit op_later(struct op_session *s, const struct op_arguments *a, const char *target, struct json_t *body, const char *what);

#endif
