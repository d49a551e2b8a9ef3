/* operator/personal.c: what SGP.02 leaves to the parties about a profile that is installed: connectivity parameters through
 * its SM-DP without a download, and Master Delete with the SM-DP's token. Administration of both servers, over HTTPS with
 * our certificate (docs/sm-dp-admin.yaml, docs/sm-sr-admin.yaml). */
#include <jansson.h>
#include <stdio.h>

#include "admin.h"
#include "commands.h"
#include "lib/codec/hex.h"
#include "lib/io/file.h"
#include "show.h"

#define FOLLOW_MS      300u
#define TOKEN_FILE_MAX 4096u

/* ---- a call that takes its time */

static enum op_exit exit_of(const struct status *status)
{
    static const enum op_exit exits[EXEC_STATUS_COUNT] = { OP_OK, OP_WARNING, OP_FAILED, OP_EXPIRED };
    return exits[status->exec];
}

struct status op_outcome(const struct op_session *s, const json_t *done)
{
    enum exec_status exec = EXECUTED_FAILED;
    (void)!exec_status_from_xml(span_text(op_json_text(done, "status")), &exec);
    if (exec == EXECUTED_SUCCESS)
        return status_success();
    struct status status = status_from_codes(exec, span_text(op_json_text(done, "subject")), span_text(op_json_text(done, "reason")),
                                             SPAN_NONE, span_text(op_json_text(done, "message")));
    codes_take(&s->partner->codes, &status);
    return status;
}

static enum op_exit show_end(const struct op_session *s, const json_t *done, const char *what)
{
    struct status status = op_outcome(s, done);
    if (s->json)
        op_show_json(done);
    else if (status_ok(&status))
        printf("done: %s\n", what);
    else
        printf("%s: %s: %s/%s %s\n  next     %s\n", exec_status_xml(status.exec), what, status.subject, status.code, status.detail,
               reason_advice(status.reason));
    return exit_of(&status);
}

/* Asks until it is over, or the time is. */
static enum op_exit follow(struct op_session *s, const struct op_arguments *a, const char *call_id, json_t **ret)
{
    struct clock *clock = loop_clock(s->loop);
    uint64_t wait_s = a->timeout_s ? a->timeout_s : (a->validity_s ? a->validity_s : s->config.validity_s) + 30;
    uint64_t until_ms = clock->now_ms(clock) + 1000 * wait_s;
    char target[160];
    snprintf(target, sizeof target, "/admin/v1/calls/%.80s", call_id);
    while (clock->now_ms(clock) < until_ms) {
        enum op_exit exit = op_admin_ask(s, "GET", target, NULL, ret);
        if (exit != OP_OK || strcmp(op_json_text(*ret, "state"), "running") != 0)
            return exit;
        json_decref(*ret);
        loop_round(s->loop, FOLLOW_MS);
    }
    snprintf(s->detail, sizeof s->detail, "no end in time; ask again with --call-id %s", call_id);
    return OP_NO_ANSWER;
}

enum op_exit op_later(struct op_session *s, const struct op_arguments *a, const char *target, json_t *body, const char *what)
{
    json_t *answer = NULL, *done = NULL;
    json_object_set_new(body, "validity_s", json_integer(a->validity_s ? a->validity_s : s->config.validity_s));
    if (a->call_id)
        json_object_set_new(body, "call_id", json_string(a->call_id));
    if (a->given & OPT(DRY_RUN)) {
        printf("dry run, nothing is sent: POST %s to %s\n", target, s->partner->name);
        return OP_OK;
    }
    enum op_exit exit = op_admin_ask(s, "POST", target, body, &answer);
    if (exit != OP_OK)
        return exit;
    if (a->given & OPT(NO_WAIT)) {
        if (s->json)
            op_show_json(answer);
        else
            printf("accepted: %s, call %s\n", what, op_json_text(answer, "call_id"));
    } else if ((exit = follow(s, a, op_json_text(answer, "call_id"), &done)) == OP_OK) {
        exit = show_end(s, done, what);
    }
    json_decref(answer);
    json_decref(done);
    return exit;
}

/* ---- the SM-DP's part */

static const char *of_profile(struct op_session *s, const char *what, const char *iccid)
{
    const char *text = arena_printf(&s->arena, "%s, profile %s", what, iccid);
    return text ? text : what;
}

static enum op_exit personalize(struct op_session *s, const struct op_arguments *a, json_t *body, const char *what)
{
    char target[80];
    snprintf(target, sizeof target, "/admin/v1/profiles/%s/personalize", a->iccids[0].digits);
    enum op_exit exit = op_admin_choose(s, a, OP_SMDP) ? op_later(s, a, target, body, of_profile(s, what, a->iccids[0].digits)) : OP_USAGE;
    json_decref(body);
    return exit;
}

enum op_exit op_profile_token(struct op_session *s, const struct op_arguments *a)
{
    return personalize(s, a, json_pack("{s:b}", "token", 1), "key for delete tokens");
}

enum op_exit op_profile_connectivity(struct op_session *s, const struct op_arguments *a)
{
    struct span value;
    if (!op_connectivity_of(s, a, &value))
        return OP_USAGE;
    return personalize(s, a, json_pack("{s:s}", "connectivity", hex_arena(&s->arena, value)), "connectivity parameters");
}

static enum op_exit ask_token(struct op_session *s, const struct op_arguments *a, json_t **ret)
{
    char target[80];
    if (!(a->given & OPT(ICCID))) {
        snprintf(s->detail, sizeof s->detail, "--iccid is needed, or --file with a token");
        return OP_USAGE;
    }
    if (!op_admin_choose(s, a, OP_SMDP))
        return OP_USAGE;
    snprintf(target, sizeof target, "/admin/v1/profiles/%s/delete-token", a->iccids[0].digits);
    if (a->given & OPT(DRY_RUN)) {
        printf("dry run, nothing is sent: POST %s to %s\n", target, s->partner->name);
        return OP_OK;
    }
    return op_admin_ask(s, "POST", target, NULL, ret);
}

enum op_exit op_delete_token(struct op_session *s, const struct op_arguments *a)
{
    json_t *token = NULL;
    enum op_exit exit = ask_token(s, a, &token);
    if (token)
        op_show_json(token);
    json_decref(token);
    return exit;
}

/* ---- the SM-SR's part */

static enum op_exit read_token(struct op_session *s, const char *path, json_t **ret)
{
    struct span file;
    if (file_read(path, TOKEN_FILE_MAX, &s->arena, &file) == ERR_NONE)
        *ret = json_loadb((const char *)file.ptr, file.len, 0, NULL);
    if (json_is_object(*ret))
        return OP_OK;
    snprintf(s->detail, sizeof s->detail, "--file: %s is no token as `osprey profile delete-token` prints it", path);
    return OP_LOCAL;
}

static bool choose_smsr(struct op_session *s, const struct op_arguments *a, const json_t *token)
{
    const char *name = a->sm_sr ? a->sm_sr : op_json_text(token, "sm_sr");
    const struct op_partner *p = op_partner_find(&s->config, name);
    if (p && !p->is_smdp)
        s->partner = p;
    else
        snprintf(s->detail, sizeof s->detail, "%s: not an SM-SR of the configuration; --sm-sr says which", name);
    return p && !p->is_smdp;
}

static json_t *request_of(const json_t *token)
{
    static const char *const members[] = { "iccid", "isdp_aid", "sin", "sdin", "provider", "token_id", "token" };
    json_t *body = json_object();
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        json_object_set_new(body, members[i], json_string(op_json_text(token, members[i])));
    return body;
}

enum op_exit op_master_delete(struct op_session *s, const struct op_arguments *a)
{
    json_t *token = NULL;
    char target[120];
    enum op_exit exit = a->file ? read_token(s, a->file, &token) : ask_token(s, a, &token);
    if (exit == OP_OK && token && !choose_smsr(s, a, token))
        exit = OP_USAGE;
    if (exit == OP_OK && token) {
        json_t *body = request_of(token);
        snprintf(target, sizeof target, "/admin/v1/euiccs/%.32s/master-delete", op_json_text(token, "eid"));
        exit = op_later(s, a, target, body, of_profile(s, "master delete", op_json_text(token, "iccid")));
        json_decref(body);
    }
    json_decref(token);
    return exit;
}
