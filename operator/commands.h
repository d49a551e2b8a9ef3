/* operator/commands.h: the commands of `osprey`. */
#ifndef OSPREY_OPERATOR_COMMANDS_H
#define OSPREY_OPERATOR_COMMANDS_H

#include "arguments.h"
#include "call.h"

struct op_command {
    const char *noun, *verb; /* "profile" "enable"; verb NULL: one word is enough */
    const char *summary, *example;
    uint64_t allowed, required;          /* OPT bits */
    bool plain;                          /* needs no configuration */
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

/* help.c: what explains itself */
enum op_exit op_status(struct op_session *s, const struct op_arguments *a);     /* osprey status 8.2.3/3.8 */
enum op_exit op_codes(struct op_session *s, const struct op_arguments *a);      /* codes.c: osprey codes */
enum op_exit op_completion(struct op_session *s, const struct op_arguments *a); /* osprey completion bash */
void op_command_help(const struct op_command *c);

/* partner.c */
enum op_exit op_partner_list(struct op_session *s, const struct op_arguments *a);
enum op_exit op_partner_test(struct op_session *s, const struct op_arguments *a);
enum op_exit op_config_check(struct op_session *s, const struct op_arguments *a);

/* ota.c */
enum op_exit op_ota_pol1(struct op_session *s, const struct op_arguments *a);
enum op_exit op_ota_connectivity(struct op_session *s, const struct op_arguments *a);
enum op_exit op_ota_repeat(struct op_session *s, const struct op_arguments *a);
enum op_exit op_ota_script(struct op_session *s, const struct op_arguments *a);

/* The content of a DGI 3A07 from --centre and --apn; in the session's arena. false: detail says why. */
bool op_connectivity_of(struct op_session *s, const struct op_arguments *a, struct span *ret);

/* personal.c */
enum op_exit op_profile_token(struct op_session *s, const struct op_arguments *a);
enum op_exit op_profile_connectivity(struct op_session *s, const struct op_arguments *a);
enum op_exit op_delete_token(struct op_session *s, const struct op_arguments *a);
enum op_exit op_master_delete(struct op_session *s, const struct op_arguments *a);

/* keys.c */
enum op_exit op_keys_show(struct op_session *s, const struct op_arguments *a);
enum op_exit op_keys_rewrap(struct op_session *s, const struct op_arguments *a);
enum op_exit op_keys_rotate(struct op_session *s, const struct op_arguments *a);

/* order.c */
enum op_exit op_order_add(struct op_session *s, const struct op_arguments *a);
enum op_exit op_order_list(struct op_session *s, const struct op_arguments *a);

/* listen.c */
enum op_exit op_listen(struct op_session *s, const struct op_arguments *a);
enum op_exit op_inbox(struct op_session *s, const struct op_arguments *a);

#endif
