#include "messages.h"

#include <stdio.h>

#include "lib/codec/hex.h"
#include "lib/engine/call.h"
#include "lib/es/es2.h"
#include "lib/es/wsmc.h"
#include "lib/role/admin_call.h"

#define UNIQUE_LEN 16u

static char separator(bool ampersand) { return ampersand ? '&' : '?'; }

static enum err make_id(struct turn *t, struct span transaction, struct span context, bool ampersand,
                        struct wsa_message_id *ret)
{
    uint8_t unique[UNIQUE_LEN];
    t->env->rng->fill(t->env->rng, unique, sizeof unique);
    char *text = hex_arena(t->arena, SPAN_OF(unique));
    return wsa_message_id_make(t->arena, &t->config->oid, span_text(text), transaction, context, t->now_ms,
                               separator(ampersand), ret);
}

struct span smdp_message_id(struct turn *t, struct span transaction, struct span context, bool ampersand)
{
    struct wsa_message_id id;
    return make_id(t, transaction, context, ampersand, &id) == ERR_NONE ? id.raw : SPAN_NONE;
}

static struct span encode(struct turn *t, struct es_message *m)
{
    struct span soap = SPAN_NONE;
    enum err err = es_encode(m, t->arena, &soap);
    if (err != ERR_NONE)
        turn_log(t, LOG_ERROR_, "%s-%s cannot be written: %s", es_function_info(m->function)->interface,
                 es_function_info(m->function)->name, err_text(err));
    return err == ERR_NONE ? soap : SPAN_NONE;
}

static struct span own_address(struct turn *t, enum es_interface number)
{
    const char *path = es_service_path(number, ES_ROLE_SMDP);
    return span_text(arena_printf(t->arena, "%s%s", t->config->url, path ? path : ""));
}

static struct wsa_endpoint self(struct turn *t, enum es_interface number)
{
    return (struct wsa_endpoint){ .address = own_address(t, number), .entity_id = t->config->oid };
}

void smdp_soap_post(struct turn *t, const char *url, const char *ref, struct span soap, enum effect_wants wants,
                    uint64_t give_up_ms)
{
    struct effect effect = {
        .kind = SMDP_EFFECT_SOAP, .to = url, .body = soap, .wants = wants, .give_up_ms = give_up_ms
    };
    if (t->eid)
        snprintf(effect.line, sizeof effect.line, "%s", t->eid);
    snprintf(effect.ref, sizeof effect.ref, "%s", ref);
    outbox_post(t->out, &effect);
}

/* ---- answers to operators */

static bool origin_allowed(const struct smdp_partner *p, struct span uri)
{
    struct span origin = wsa_origin(uri);
    if (!origin.len)
        return false;
    if (span_eq(origin, wsa_origin(span_text(p->url))))
        return true;
    for (size_t i = 0; i < p->host_count; i++)
        if (span_eq(origin, wsa_origin(span_text(p->hosts[i]))))
            return true;
    return false;
}

/* What is configured may be an anonymous URI too: then the partner fetches it. */
static const char *destination_of(struct turn *t, const struct smdp_partner *p, const char *url)
{
    return wsmc_is_anonymous(span_text(url)) ? wsmc_destination(t->arena, &p->oid, span_text(url)) : url;
}

const char *smdp_callback_url(struct turn *t, const struct smdp_partner *partner, const struct es_message *request)
{
    const struct wsa_header *wsa = &request->wsa;
    if (wsmc_is_anonymous(wsa->reply_to.address))
        return wsmc_destination(t->arena, &partner->oid, wsa->reply_to.address);
    if (wsa->reply_to.address.len)
        return origin_allowed(partner, wsa->reply_to.address) ? arena_text(t->arena, wsa->reply_to.address) : NULL;
    if (*partner->url)
        return destination_of(t, partner, partner->url);
    return origin_allowed(partner, wsa->from.address) ? arena_text(t->arena, wsa->from.address) : NULL;
}

struct span smdp_answer_build(struct turn *t, const struct es_message *request, const struct es_response *response)
{
    struct es_message m = { 0 };
    es_answer(request, &m);
    m.dialect.codes = smdp_codes(t->smdp, &m.wsa.to.entity_id);
    m.body = response;
    m.wsa.from = self(t, ES_IF_ES2);
    if (make_id(t, request->wsa.message_id.transaction_id, request->wsa.message_id.context_id, m.dialect.ampersand,
                &m.wsa.message_id) != ERR_NONE)
        return SPAN_NONE;
    return encode(t, &m);
}

struct span smdp_answer_again(struct turn *t, const struct es_message *request, struct span stored)
{
    struct es_message m = { 0 };
    struct es_fault fault;
    if (es_decode(stored, t->arena, &m, &fault) != ERR_NONE || m.kind != ES_RESPONSE ||
        span_eq(m.wsa.relates_to, request->wsa.message_id.raw))
        return stored;
    es_codes_take(&m, smdp_codes(t->smdp, &request->wsa.from.entity_id));
    return smdp_answer_build(t, request, m.body);
}

static struct es_response *response_of(struct turn *t, const struct job *j)
{
    struct es_response *r = es_response_new(t->arena, j->function, &j->status, j->started_ms, t->now_ms);
    if (!r)
        return NULL;
    if (es_body_size(j->function, ES_RESPONSE) == sizeof(struct es_card_response)) {
        struct es_card_response *card = (struct es_card_response *)r;
        card->euicc_response = j->euicc_response;
        if (j->function == ES2_DOWNLOAD_PROFILE && j->status.exec != EXECUTED_FAILED &&
            j->status.exec != EXECUTED_EXPIRED)
            card->iccid = j->iccid;
    }
    return r;
}

void smdp_callback_post(struct turn *t, const char *url, enum es_function function, const char *call_id,
                        struct span soap)
{
    const struct es_function_info *info = es_function_info(function);
    const char *ref = arena_printf(t->arena, "%s-%s/response/%.60s", info->interface, info->name, call_id);
    if (soap.len && url && ref)
        smdp_soap_post(t, url, ref, soap, EFFECT_WANTS_NOTHING, 0);
}

static void post(struct turn *t, struct job *j, const struct es_message *request, struct span soap, bool own)
{
    const struct smdp_partner *partner = smdp_partner_by_oid(t->smdp, j->requester.text);
    if (own)
        call_answer(t->w, j->requester.text, j->call_id, soap.len ? 200 : 500, soap);
    if (es_function_info(j->function)->pattern == ES_SYNC)
        outbox_reply(t->out, j->reply, soap.len ? 200 : 500, soap);
    else if (partner)
        smdp_callback_post(t, smdp_callback_url(t, partner, request), j->function, j->call_id, soap);
}

void smdp_answer_post(struct turn *t, struct job *j, bool own)
{
    struct es_message request;
    struct es_fault fault;
    if (j->function == ES_FUNCTION_NONE) {
        admin_call_end(t->w, &j->requester, j->call_id, &j->status);
        return;
    }
    struct es_response *r = response_of(t, j);
    if (r && t->relayed && status_ok(&j->status)) { /* twins share their struct */
        struct es_response base = *r;
        memcpy(r, t->relayed, es_body_size(j->function, ES_RESPONSE));
        *r = base;
    }
    if (!r || es_decode(j->request, t->arena, &request, &fault) != ERR_NONE)
        turn_log(t, LOG_ERROR_, "the answer to call %s cannot be made", j->call_id);
    else
        post(t, j, &request, smdp_answer_build(t, &request, r), own);
}

/* ---- requests and notifications */

struct span smdp_request_build(struct turn *t, const struct smdp_partner *smsr, enum es_function function,
                               struct span message_id, const void *body)
{
    struct es_message m = {
        .function = function, .kind = ES_REQUEST, .body = body, .dialect = smdp_dialect(smsr)
    };
    m.wsa.from = self(t, ES_IF_ES3);
    m.wsa.to = (struct wsa_endpoint){ .address = span_text(smsr->url), .entity_id = smsr->oid };
    if (es_function_info(function)->pattern == ES_CALLBACK)
        m.wsa.reply_to = (struct wsa_endpoint){ .address = m.wsa.from.address };
    m.wsa.message_id.raw = message_id;
    return encode(t, &m);
}

void smdp_notify(struct turn *t, const struct smdp_partner *operator_, enum es_function function, const void *body,
                 const char *name)
{
    const struct es_function_info *info = es_function_info(function);
    struct es_message m = {
        .function = function, .kind = ES_NOTIFICATION, .body = body, .dialect = smdp_dialect(operator_)
    };
    m.wsa.from = self(t, ES_IF_ES2);
    m.wsa.to = (struct wsa_endpoint){ .address = span_text(operator_->url), .entity_id = operator_->oid };
    if (make_id(t, SPAN_NONE, SPAN_NONE, m.dialect.ampersand, &m.wsa.message_id) != ERR_NONE)
        return;
    struct span soap = encode(t, &m);
    const char *ref = arena_printf(t->arena, "%s-%s/notification/%.40s", info->interface, info->name, name);
    if (soap.len && ref)
        smdp_soap_post(t, destination_of(t, operator_, operator_->url), ref, soap, EFFECT_WANTS_NOTHING, 0);
}
