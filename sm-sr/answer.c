#include "answer.h"

#include <stdio.h>

#include "eis.h"
#include "lib/base/mutant.h"
#include "lib/codec/hex.h"
#include "lib/engine/call.h"
#include "lib/es/wsmc.h"
#include "lib/role/admin_call.h"
#include "lib/scp/key_establishment.h"

#define CONTEXT_MAX  4096u
#define CONTEXTS_MAX 4u /* repeats of one call that are answered each by itself */
#define UNIQUE_LEN  16u

/* ---- context: one value a line */

enum context_line { C_URL, C_TO, C_TO_ENTITY, C_FROM, C_RELATES, C_TRANSACTION, C_CONTEXT, C_DIALECT, C_COUNT };
struct context {
    struct span line[C_COUNT];
};

static void context_put(struct writer *w, struct span value)
{
    for (size_t i = 0; i < value.len; i++)
        wr_u8(w, value.ptr[i] == '\n' ? ' ' : value.ptr[i]);
    wr_u8(w, '\n');
}

struct span smsr_context_of(struct turn *t, const struct es_message *request, const char *callback_url)
{
    struct es_message m = { 0 };
    struct writer w = wr_arena(t->arena, CONTEXT_MAX);
    es_answer(request, &m);
    context_put(&w, span_text(callback_url));
    context_put(&w, m.wsa.to.address);
    context_put(&w, oid_span(&m.wsa.to.entity_id));
    context_put(&w, m.wsa.from.address);
    context_put(&w, m.wsa.relates_to);
    context_put(&w, request->wsa.message_id.transaction_id);
    context_put(&w, request->wsa.message_id.context_id);
    wr_printf(&w, "%d%d%d\n", m.dialect.ns, m.dialect.ampersand, m.dialect.v4);
    arena_trim(t->arena, w.buf, w.len);
    return wr_span(&w);
}

static struct context context_read(struct span text)
{
    struct context c = { 0 };
    for (size_t i = 0; i < C_COUNT && text.len; i++) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        size_t len = end ? (size_t)(end - text.ptr) : text.len;
        c.line[i] = span_sub(text, 0, len);
        text = span_from(text, len + 1);
    }
    return c;
}

/* Those of an operation stand one behind the other: each message that asked for it has its own. */
static struct span context_first(struct span *rest)
{
    size_t at = 0;
    for (unsigned lines = 0; at < rest->len && lines < C_COUNT; at++)
        lines += rest->ptr[at] == '\n';
    struct span first = span_sub(*rest, 0, at);
    *rest = span_from(*rest, at);
    return first;
}

void smsr_context_add(struct turn *t, struct operation *op, const struct es_message *request, const char *callback_url)
{
    unsigned count = 0;
    for (struct span rest = op->context; rest.len; count++) {
        struct context c = context_read(context_first(&rest));
        if (span_eq(c.line[C_RELATES], request->wsa.message_id.raw))
            return; /* the same message again */
    }
    struct span more = smsr_context_of(t, request, callback_url);
    struct writer w = wr_arena(t->arena, op->context.len + more.len);
    wr_bytes(&w, op->context);
    wr_bytes(&w, more);
    if (count >= CONTEXTS_MAX || w.err != ERR_NONE)
        return;
    op->context = wr_span(&w);
    op->context_changed = true;
    smsr_operation_changed(op);
}

/* ---- headers */

static enum err message_id(struct turn *t, struct span transaction, struct span context, bool ampersand,
                           struct wsa_message_id *ret)
{
    uint8_t unique[UNIQUE_LEN];
    t->env->rng->fill(t->env->rng, unique, sizeof unique);
    char *text = hex_arena(t->arena, SPAN_OF(unique));
    return wsa_message_id_make(t->arena, &t->config->oid, span_text(text), transaction, context, t->now_ms,
                               ampersand ? '&' : '?', ret);
}

static struct span encode(struct turn *t, struct es_message *m)
{
    struct span soap = SPAN_NONE;
    enum err err = t->need_rows ? ERR_NONE : es_encode(m, t->arena, &soap); /* the turn is run again: what it says now nobody hears */
    if (err != ERR_NONE)
        turn_log(t, LOG_ERROR_, "%s-%s cannot be written: %s", es_function_info(m->function)->interface,
                 es_function_info(m->function)->name, err_text(err));
    return err == ERR_NONE ? soap : SPAN_NONE;
}

static struct span own_address(struct turn *t, enum es_function function)
{
    const char *path = es_service_path(es_function_info(function)->number, ES_ROLE_SMSR);
    return span_text(arena_printf(t->arena, "%s%s", t->config->url, path ? path : ""));
}

struct span smsr_answer_build(struct turn *t, const struct es_message *request, const struct es_response *response)
{
    struct es_message m = { 0 };
    es_answer(request, &m);
    m.dialect.codes = smsr_codes(t->smsr, &m.wsa.to.entity_id);
    m.body = response;
    if (!m.wsa.from.address.len)
        m.wsa.from.address = own_address(t, request->function);
    m.wsa.from.entity_id = t->config->oid;
    if (message_id(t, request->wsa.message_id.transaction_id, request->wsa.message_id.context_id, m.dialect.ampersand,
                   &m.wsa.message_id) != ERR_NONE)
        return SPAN_NONE;
    return encode(t, &m);
}

struct span smsr_answer_again(struct turn *t, const struct es_message *request, struct span stored)
{
    struct es_message m = { 0 };
    struct es_fault fault;
    if (es_decode(stored, t->arena, &m, &fault) != ERR_NONE || m.kind != ES_RESPONSE ||
        span_eq(m.wsa.relates_to, request->wsa.message_id.raw))
        return stored;
    es_codes_take(&m, smsr_codes(t->smsr, &request->wsa.from.entity_id));
    return smsr_answer_build(t, request, m.body);
}

struct span smsr_callback_build(struct turn *t, struct span context, enum es_function function,
                                const struct es_response *response)
{
    struct context c = context_read(context);
    struct span d = c.line[C_DIALECT];
    struct es_message m = { .function = function, .kind = ES_RESPONSE, .body = response };
    if (d.len == 3)
        m.dialect = (struct es_dialect){ .ns = d.ptr[0] - '0', .ampersand = d.ptr[1] == '1', .v4 = d.ptr[2] == '1' };
    m.wsa.to.address = c.line[C_TO].len ? c.line[C_TO] : c.line[C_URL];
    if (oid_from_text(c.line[C_TO_ENTITY], &m.wsa.to.entity_id) != ERR_NONE)
        return SPAN_NONE;
    m.dialect.codes = smsr_codes(t->smsr, &m.wsa.to.entity_id);
    m.wsa.from.address = c.line[C_FROM].len ? c.line[C_FROM] : own_address(t, function);
    m.wsa.from.entity_id = t->config->oid;
    m.wsa.relates_to = c.line[C_RELATES];
    if (message_id(t, c.line[C_TRANSACTION], c.line[C_CONTEXT], m.dialect.ampersand, &m.wsa.message_id) != ERR_NONE)
        return SPAN_NONE;
    return encode(t, &m);
}

/* ---- callbacks */

static bool origin_allowed(const struct smsr_partner *p, struct span uri)
{
    struct span origin = wsa_origin(uri);
    if (MUTANT(replies_anywhere))
        return true;
    if (!origin.len)
        return false;
    if (span_eq(origin, wsa_origin(span_text(p->es3_url))) || span_eq(origin, wsa_origin(span_text(p->es4_url))))
        return true;
    if (span_eq(origin, wsa_origin(span_text(p->es7_url))))
        return true;
    for (size_t i = 0; i < p->host_count; i++)
        if (span_eq(origin, wsa_origin(span_text(p->hosts[i]))))
            return true;
    return false;
}

/* What is configured may be an anonymous URI too: then the partner fetches it. */
static const char *destination_of(struct turn *t, const struct smsr_partner *p, const char *url)
{
    return wsmc_is_anonymous(span_text(url)) ? wsmc_destination(t->arena, &p->oid, span_text(url)) : url;
}

const char *smsr_callback_url(struct turn *t, const struct smsr_partner *partner, const struct es_message *request)
{
    const struct wsa_header *wsa = &request->wsa;
    bool es3 = es_function_info(request->function)->number == ES_IF_ES3;
    bool es7 = es_function_info(request->function)->number == ES_IF_ES7;
    const char *configured = es3 ? partner->es3_url : es7 ? partner->es7_url : partner->es4_url;
    if (wsmc_is_anonymous(wsa->reply_to.address))
        return wsmc_destination(t->arena, &partner->oid, wsa->reply_to.address);
    if (wsa->reply_to.address.len)
        return origin_allowed(partner, wsa->reply_to.address) ? arena_text(t->arena, wsa->reply_to.address) : NULL;
    if (*configured)
        return destination_of(t, partner, configured);
    return origin_allowed(partner, wsa->from.address) ? arena_text(t->arena, wsa->from.address) : NULL;
}

static void soap_post(struct turn *t, const char *url, const char *ref, struct span soap, uint64_t give_up_ms)
{
    struct effect effect = {
        .kind = SMSR_EFFECT_SOAP, .to = url, .body = soap, .wants = EFFECT_WANTS_CONTENT, .give_up_ms = give_up_ms
    };
    if (t->e)
        snprintf(effect.line, sizeof effect.line, "%s", t->e->eid_text);
    snprintf(effect.ref, sizeof effect.ref, "%s", ref);
    outbox_post(t->out, &effect);
}

static const char *ref_of(struct turn *t, enum es_function function, const char *kind, const char *name)
{
    const struct es_function_info *info = es_function_info(function);
    return arena_printf(t->arena, "%s-%s/%s/%.60s", info->interface, info->name, kind, name);
}

void smsr_callback_post(struct turn *t, struct span context, enum es_function function, const char *call_id,
                        struct span soap)
{
    struct context c = context_read(context);
    const char *url = arena_text(t->arena, c.line[C_URL]);
    const char *ref = ref_of(t, function, "response", call_id);
    if (soap.len && url && *url && ref)
        soap_post(t, url, ref, soap, 0);
}

bool smsr_post(struct turn *t, const struct outgoing *o)
{
    struct es_message m = {
        .function = o->function, .kind = o->kind, .body = o->body, .dialect = smsr_dialect(o->to)
    };
    struct span unique = o->unique ? span_text(o->unique) : SPAN_NONE;
    m.wsa.to = (struct wsa_endpoint){ .address = span_text(o->url), .entity_id = o->to->oid };
    m.wsa.from = (struct wsa_endpoint){ .address = own_address(t, o->function), .entity_id = t->config->oid };
    if (o->kind == ES_REQUEST)
        m.wsa.reply_to.address = m.wsa.from.address;
    enum err err = unique.len ? wsa_message_id_make(t->arena, &t->config->oid, unique, unique, SPAN_NONE, t->now_ms,
                                                    m.dialect.ampersand ? '&' : '?', &m.wsa.message_id)
                              : message_id(t, SPAN_NONE, SPAN_NONE, m.dialect.ampersand, &m.wsa.message_id);
    struct span soap = err == ERR_NONE ? encode(t, &m) : SPAN_NONE;
    const char *ref = ref_of(t, o->function, o->what, o->name);
    if (!soap.len || !ref)
        return false;
    soap_post(t, destination_of(t, o->to, o->url), ref, soap, o->give_up_ms);
    return true;
}

static struct es_response *response_of(struct turn *t, struct operation *op)
{
    struct es_response *r = es_response_new(t->arena, op->function, &op->status, op->started_ms, t->now_ms);
    if (!r)
        return NULL;
    if (op->function == ES3_AUDIT_EIS || op->function == ES4_AUDIT_EIS) {
        if (op->status.exec == EXECUTED_SUCCESS)
            ((struct es_eis_response *)r)->eis = smsr_eis_for_audit(t, op);
        return r;
    }
    if (op->function == ES7_AUTHENTICATE_SMSR) {
        ((struct es7_authenticate_smsr_response *)r)->random_challenge = op->result;
        return r;
    }
    if (op->function == ES7_CREATE_ADDITIONAL_KEY_SET) {
        struct es7_create_additional_keyset_response *k = (struct es7_create_additional_keyset_response *)r;
        if (status_ok(&op->status) && ka_answer_parse(op->result, &k->derivation_random, &k->receipt) != ERR_NONE)
            return NULL;
        return r;
    }
    if (es_body_size(op->function, ES_RESPONSE) < sizeof(struct es_card_response))
        return r; /* the status is all */
    struct es_card_response *card = (struct es_card_response *)r;
    card->euicc_response = op->result;
    if (op->function == ES3_CREATE_ISDP && op->status.exec == EXECUTED_SUCCESS)
        card->isdp_aid = op->isdp;
    return r;
}

void smsr_operation_answer(struct turn *t, struct operation *op)
{
    if (op->function == ES_FUNCTION_NONE) {
        if (*op->call_id)
            admin_call_end(t->w, &op->requester, op->call_id, &op->status);
        return;
    }
    struct es_response *response = response_of(t, op);
    struct span rest = op->context;
    bool first = true;
    do {
        struct span context = context_first(&rest);
        struct span soap = response ? smsr_callback_build(t, context, op->function, response) : SPAN_NONE;
        if (first)
            call_answer(t->w, op->requester.text, op->call_id, 200, soap);
        smsr_callback_post(t, context, op->function, op->call_id, soap);
        first = false;
    } while (rest.len);
}
