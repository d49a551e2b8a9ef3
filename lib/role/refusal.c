#include "refusal.h"

#include "lib/codec/hex.h"

/* A body that is wrong is answered by the function's own response: it is from us and has a MessageID. */
static enum err sign(const struct refusal_self *self, struct arena *a, const struct es_message *m, struct es_message *answer)
{
    uint8_t unique[16];
    struct clock *clock = self->env->clock;
    if (answer->kind != ES_RESPONSE)
        return ERR_NONE;
    self->env->rng->fill(self->env->rng, unique, sizeof unique);
    answer->wsa.from.entity_id = *self->oid;
    if (!answer->wsa.from.address.len)
        answer->wsa.from.address = span_text(self->url);
    return wsa_message_id_make(a, self->oid, span_text(hex_arena(a, SPAN_OF(unique))), m->wsa.message_id.transaction_id,
                               m->wsa.message_id.context_id, clock->now_ms(clock), answer->dialect.ampersand ? '&' : '?',
                               &answer->wsa.message_id);
}

int refusal_write(const struct refusal_self *self, const struct es_message *m, const struct es_fault *fault, struct arena *a,
                  struct span *ret_soap)
{
    struct es_message answer;
    int status = 500;
    *ret_soap = SPAN_NONE;
    if (*fault->text)
        log_fact(self->env->log, LOG_WARN_, NULL, "a message that cannot be taken: %s", fault->text);
    if (es_answer_fault(m, fault, a, &answer, &status) != ERR_NONE || sign(self, a, m, &answer) != ERR_NONE ||
        es_encode(&answer, a, ret_soap) != ERR_NONE)
        *ret_soap = SPAN_NONE;
    return ret_soap->len ? status : 500;
}
