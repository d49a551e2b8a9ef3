/* operator/keys.c: what an administrator does about keys: where a server's secrets are, and new OTA keys for an eUICC
 * (docs/keys.md). */
#include <jansson.h>
#include <stdio.h>

#include "admin.h"
#include "batch.h"
#include "commands.h"
#include "show.h"

static long long number_of(const json_t *o, const char *name) { return (long long)json_integer_value(json_object_get(o, name)); }

static void print_keys(const struct op_session *s, const json_t *keys)
{
    const json_t *move = json_object_get(keys, "move");
    printf("%s: master key %s\n", s->partner->name, op_json_text(keys, "master_key"));
    if (json_is_true(json_object_get(move, "running")))
        printf("  secrets move to %s, walk %lld: %lld of %lld looked at, %lld moved; older master keys must stay\n", op_json_text(move, "to"),
               number_of(move, "walk"), number_of(move, "looked_at"), number_of(move, "secrets"), number_of(move, "moved"));
    else if (move)
        printf("  all secrets are under it since %s (%lld moved); older master keys may go\n", op_json_text(move, "ended"),
               number_of(move, "moved"));
    if (number_of(move, "unreadable"))
        printf("  %lld secrets cannot be opened with any key: the log names them\n", number_of(move, "unreadable"));
}

enum op_exit op_keys_show(struct op_session *s, const struct op_arguments *a)
{
    json_t *keys = NULL;
    enum op_exit exit = op_admin_choose(s, a, OP_SMDP | OP_SMSR) ? op_admin_ask(s, "GET", "/admin/v1/keys", NULL, &keys) : OP_USAGE;
    if (exit == OP_OK && s->json)
        op_show_json(keys);
    else if (exit == OP_OK)
        print_keys(s, keys);
    json_decref(keys);
    return exit;
}

enum op_exit op_keys_rewrap(struct op_session *s, const struct op_arguments *a)
{
    json_t *answer = NULL;
    enum op_exit exit = op_admin_choose(s, a, OP_SMDP | OP_SMSR) ? op_admin_ask(s, "POST", "/admin/v1/keys/rewrap", NULL, &answer) : OP_USAGE;
    json_decref(answer);
    if (exit == OP_OK && !s->json)
        printf("it begins; see osprey keys show --via %s\n", s->partner->name);
    return exit;
}

enum op_exit op_keys_rotate(struct op_session *s, const struct op_arguments *a)
{
    char target[100], eid[EID_TEXT_SIZE], what[80];
    if (a->eids)
        return op_batch_keys(s, a);
    json_t *body = json_object();
    eid_text(&a->eid, eid);
    snprintf(target, sizeof target, "/admin/v1/euiccs/%s/rotate-keys", eid);
    snprintf(what, sizeof what, "new OTA keys, eUICC %s", eid);
    enum op_exit exit = op_admin_choose(s, a, OP_SMSR) ? op_later(s, a, target, body, what) : OP_USAGE;
    json_decref(body);
    return exit;
}
