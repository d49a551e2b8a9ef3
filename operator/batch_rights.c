#include "batch.h"

/* The answer's body; NULL: ret says why. */
static const void *ask(struct op_session *s, const struct op_partner *partner, enum es_function function, void *body,
                       enum op_exit *ret)
{
    struct op_call call = { .partner = partner, .function = function, .body = body };
    struct op_result *result = ARENA_NEW(&s->arena, struct op_result);
    if (!result) {
        *ret = OP_LOCAL;
        return NULL;
    }
    op_call_run(s, &call, result);
    *ret = result->exit;
    if (result->exit == OP_OK)
        return es_response_of(&result->answer);
    const struct es_response *r = result->has_answer ? es_response_of(&result->answer) : NULL;
    snprintf(s->detail, sizeof s->detail, "%s at %s: %s%s%s %s", es_function_info(function)->name, partner->name,
             r ? r->status.subject : "", r ? "/" : "", r ? r->status.code : "", r ? r->status.detail : result->text);
    return NULL;
}

/* An SM-SR without ONC has none to carry. */
static bool unsupported(const struct op_session *s) { return strstr(s->detail, ": 1.6/3.1 ") != NULL; }

static enum op_exit carry_plma(struct op_session *s, const struct op_partner *from, const struct op_partner *to)
{
    enum op_exit exit;
    struct es_get_plma_request get = { .profile_type = SPAN_NONE };
    const struct es_plma_response *r = ask(s, from, ES4A_GET_PLMA, &get, &exit);
    for (size_t i = 0; r && exit == OP_OK && i < r->plma_count; i++) {
        struct es_set_plma_request set = { .plma = r->plma[i] };
        if (oid_eq(&set.plma.mno_id, &s->config.oid))
            ask(s, to, ES4A_SET_PLMA, &set, &exit);
    }
    return exit;
}

static enum op_exit carry_onc(struct op_session *s, const struct op_partner *from, const struct op_partner *to)
{
    enum op_exit exit;
    struct es_get_onc_request get = { .profile_type = SPAN_NONE };
    const struct es_onc_response *r = ask(s, from, ES4A_GET_ONC, &get, &exit);
    for (size_t i = 0; r && exit == OP_OK && i < r->onc_count; i++) {
        struct es_set_onc_request set = { .onc = r->onc[i] };
        ask(s, to, ES4A_SET_ONC, &set, &exit);
    }
    if (exit == OP_FAILED && unsupported(s)) {
        s->detail[0] = '\0';
        return OP_OK;
    }
    return exit;
}

enum op_exit batch_rights(struct op_session *s, const struct op_partner *from, const struct op_partner *to)
{
    enum op_exit exit = carry_plma(s, from, to);
    return exit == OP_OK ? carry_onc(s, from, to) : exit;
}
