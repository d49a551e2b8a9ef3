/* operator/show.h: what people and machines read: results, an EIS, messages that arrive. Text on stdout, or one JSON
 * object a line with --json; what is only for watching goes to stderr. */
#ifndef OSPREY_OPERATOR_SHOW_H
#define OSPREY_OPERATOR_SHOW_H

#include "call.h"

/* The end of a command. request_eid and iccid may be empty texts. */
void op_show_result(const struct op_session *s, const struct op_call *call, const struct op_result *result);
void op_show_eis(const struct op_session *s, const struct eis *eis);
/* A callback or notification that nobody waits for. */
void op_show_message(const struct op_session *s, const struct es_message *m);
void op_show_row(const struct op_session *s, const struct inbox_row *row);
/* A line that is drawn over itself on a terminal; nothing elsewhere. */
void op_show_waiting(const struct op_session *s, uint64_t waited_ms);
void op_show_waiting_over(const struct op_session *s);
/* Something went wrong before there was a call. */
void op_show_error(const struct op_session *s, enum op_exit exit, const char *text);

/* A line "word  what it says", and a line "or" for each other reason with the same numbers. say: reason_text, reason_advice. */
void op_show_reasons(FILE *out, const char *word, enum reason reason, const char *(*say)(enum reason));

/* For machines: one object a line. */
void op_show_status_json(const struct status *status, const char *advice);
void op_show_partner_json(const struct op_partner *partner);
void op_show_check_json(const char *what, const char *side, const char *text);
struct json_t;
void op_show_json(const struct json_t *object); /* borrowed */
/* A message as one line of JSON; to be released with free. NULL: no memory. */
char *op_message_json(const struct es_message *m);

#endif
