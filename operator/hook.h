/* operator/hook.h: messages that arrived are handed on: POSTed as JSON to a webhook (signed), or to a command's standard
 * input. What cannot be handed on is told on stderr; it is in the inbox. */
#ifndef OSPREY_OPERATOR_HOOK_H
#define OSPREY_OPERATOR_HOOK_H

#include "session.h"

#define HOOK_TRIES_MAX   6u   /* pauses of 1, 2, 4, 8, 16 s between */
#define HOOK_WAITING_MAX 1024u
#define HOOK_SECRET_MAX  4096u
#define HOOK_CHILDREN_MAX 16u

struct hook;
/* url, secret_path and command may be NULL. detail: OP_DETAIL_MAX. NULL: detail says why. */
struct hook *hook_new(struct op_session *s, const char *url, const char *secret_path, const char *command);
void hook_message(struct hook *h, const struct es_message *m);
/* Repeats what is due, starts what waits, buries what ended. Call it a few times a second. */
void hook_tick(struct hook *h);
bool hook_idle(const struct hook *h);
void hook_free(struct hook *h); /* NULL is fine */

#endif
