/* operator/commands.h: the commands of `osprey`. */
#ifndef OSPREY_OPERATOR_COMMANDS_H
#define OSPREY_OPERATOR_COMMANDS_H

#include "arguments.h"
#include "call.h"

struct op_command {
    const char *noun, *verb; /* "profile" "enable"; verb NULL: one word is enough */
    const char *summary, *example;
    uint32_t allowed, required;          /* OPT bits */
    enum es_function via_smdp, via_smsr; /* ES_FUNCTION_NONE: not possible that way */
    /* A call: fills in the body (of es_body_size of the function). Returns false with detail when it cannot. */
    bool (*fill)(struct op_session *s, const struct op_arguments *a, void *body);
    /* Anything else. */
    enum op_exit (*run)(struct op_session *s, const struct op_arguments *a);
};
extern const struct op_command op_commands[];
extern const size_t op_command_count;

/* The words behind the command's name. */
enum op_exit op_command_run(const struct op_command *c, int argc, char **argv);

/* listen.c */
enum op_exit op_listen(struct op_session *s, const struct op_arguments *a);
enum op_exit op_inbox(struct op_session *s, const struct op_arguments *a);

#endif
