#include "change.h"

#include "handover_keys.h"
#include "lib/base/mutant.h"
#include "lib/gp/store_data.h"
#include "lib/model/unconfirmed.h"
#include "sm-sr/channel/exchange.h"
#include "sm-sr/channel/packet.h"
#include "sm-sr/es7_client.h"
#include "sm-sr/record.h"
#include "sm-sr/rules.h"
#include "sm-sr/take_in.h"
#include "switch.h"

/* The SM-SR change, where the eUICC goes: ES4.PrepareSMSRChange and ES7.HandoverEUICC. */

/* ---- SMSR_PREPARE: done as soon as it is asked */

static const struct step prepare_steps[1] = { { .name = "waiting" } };
static struct status check_nothing(struct turn *t, struct operation *op)
{
    (void)t;
    (void)op;
    return status_success();
}
const struct procedure SMSR_PREPARE = {
    .name = "prepare-change", .steps = prepare_steps, .step_count = 1, .check = check_nothing, .only_keys = true
};

struct status smsr_fill_prepare(struct turn *t, const struct call_event *c, struct operation *op)
{
    const struct es_eid_request *r = c->message.body;
    const struct smsr_partner *peer = smsr_partner_by_oid(t->smsr, r->smsr_id.text);
    const struct smsr_partner *caller = smsr_partner_by_oid(t->smsr, op->requester.text);
    if (!caller || !(caller->kinds & SMSR_OPERATOR))
        return status_failed(REASON_EUICC_NOT_ALLOWED, t->e->eid_text, "only an operator may ask for it");
    if (!peer || !(peer->kinds & SMSR_SMSR) || !*peer->es7_url)
        return status_failed(REASON_SMSR_UNKNOWN, r->smsr_id.text, "no SM-SR that this one knows");
    if (t->e->known)
        return status_failed(REASON_EID_IN_USE, t->e->eid_text, "managed here already");
    if (!t->config->certificates.count)
        return status_failed(REASON_PROVIDER_INCAPABLE, t->e->eid_text,
                             "this SM-SR has no certificate to show to a card");
    WRITES_ADD(t->w, &SMSR_PREPARED_PUT, 1, value_text(t->e->eid_text), value_text(r->smsr_id.text),
               value_text(op->requester.text), value_int((int64_t)(t->now_ms + 1000ull * t->config->prepared_s)));
    return status_success();
}

/* ---- SMSR_HANDOVER */

enum { WAITING, AUTHENTICATE, CREATE, ADDRESS, FINALISE, HTTPS_AUTHENTICATE, HTTPS_CREATE, HTTPS_ADDRESS, STEPS };

/* ---- may it come? */

static struct status check_prepared(struct turn *t, const struct oid *from)
{
    const struct query *q = SMSR_ASK(t, &SMSR_PREPARED_LOAD, value_text(t->e->eid_text));
    struct oid prepared = { 0 };
    if (q && q->row_count)
        row_text(&q->rows[0], 0, prepared.text, sizeof prepared.text);
    if (MUTANT(takes_over_unprepared))
        return status_success();
    if (!q || !q->row_count || !oid_eq(&prepared, from) || (uint64_t)row_int(&q->rows[0], 2) < t->now_ms)
        return status_failed(REASON_EID_UNKNOWN, t->e->eid_text, "PrepareSMSRChange from there was not asked for");
    return status_success();
}

static void come_in(struct turn *t, const struct eis *eis)
{
    struct euicc *e = t->e;
    smsr_take_in_keep(t, eis, true);
    e->present = e->coming = e->changed = true;
    e->version = 1;
    e->eum_id = eis->eum_id;
    e->remaining_memory = eis->remaining_memory;
    e->available_memory = eis->available_memory;
    e->last_audit_ms = eis->last_audit_ms;
    e->http = eis->capabilities.http;
}

static struct status check_eis(struct turn *t, struct operation *op, const struct eis *eis)
{
    const struct smsr_partner *eum = smsr_partner_by_oid(t->smsr, eis->eum_id.text);
    struct ec_key *ecasd = NULL;
    struct status s = smsr_take_in_profiles(t, eis);
    if (status_ok(&s) && !oid_eq(&eis->smsr_id, &op->requester))
        s = status_failed(REASON_SMSR_WRONG, eis->smsr_id.text, "the EIS names another SM-SR than the caller");
    if (status_ok(&s) && !t->need_rows)
        s = smsr_take_in_signatures(t, eum && (eum->kinds & SMSR_EUM) ? eum : NULL, eis, &ecasd);
    if (status_ok(&s) && ecasd)
        s = smsr_handover_keys_begin(t, op, eis, ecasd);
    ec_key_free(ecasd);
    return s;
}

struct status smsr_fill_handover(struct turn *t, const struct call_event *c, struct operation *op)
{
    const struct es7_handover_euicc *r = c->message.body;
    op->peer = op->requester;
    if (t->e->known) /* the other side lost our answer: it may forget it now */
        return status_warning(REASON_ALREADY_MANAGED, t->e->eid_text, "managed here already");
    if (t->e->present)
        return status_failed(REASON_EUICC_BUSY, t->e->eid_text, "a hand-over of it is under way");
    struct status s = check_prepared(t, &op->requester);
    if (status_ok(&s) && !t->need_rows)
        s = check_eis(t, op, r->eis);
    if (status_ok(&s) && !t->need_rows)
        come_in(t, r->eis);
    return s;
}

static struct status check_handover(struct turn *t, struct operation *op)
{
    bool goes_on = t->e->known && op->function == ES_FUNCTION_NONE;
    return t->e->coming || goes_on ? status_success()
                                   : status_failed(REASON_EID_UNKNOWN, t->e->eid_text, "it did not come");
}

/* ---- the card's challenge */

static int authenticate(struct turn *t, struct operation *op)
{
    const struct card_certificate *c = smsr_handover_certificate(t, op);
    struct es7_authenticate_smsr *r = ARENA_NEW(t->arena, struct es7_authenticate_smsr);
    if (t->e->known) /* it is ours, and what comes after was not finished in time */
        return ADDRESS;
    if (!c || !r)
        return smsr_operation_fail(op, REASON_PROVIDER_INCAPABLE, t->e->eid_text, "no certificate for this card");
    r->has_eid = true;
    r->eid = t->e->eid;
    r->smsr_certificate = (struct span){ c->octets, c->len };
    smsr_handover_try(op, KEYSET_SCP80);
    if (smsr_peer_ask(t, op, ES7_AUTHENTICATE_SMSR, &r->base) != ERR_NONE)
        return smsr_operation_fail(op, REASON_PROVIDER_ERROR, "", "AuthenticateSMSR cannot be sent");
    return NEXT_STAY;
}

static int refused(struct operation *op, const struct es_response *response)
{
    if (!response)
        return smsr_operation_fail(op, REASON_EXTERNAL_UNREACHABLE, op->peer.text, "the other SM-SR does not answer");
    op->status = response->status;
    return NEXT_END;
}

static int authenticated(struct turn *t, struct operation *op, const struct es_response *response)
{
    const struct es7_authenticate_smsr_response *r = (const struct es7_authenticate_smsr_response *)response;
    if (!response || !status_ok(&response->status))
        return refused(op, response);
    if (r->random_challenge.len != 16 && r->random_challenge.len != 32)
        return smsr_operation_fail(op, REASON_ISDR_FAILED, t->e->eid_text, "the challenge has a wrong length");
    op->result = r->random_challenge;
    return CREATE;
}

/* ---- the keys */

static int create(struct turn *t, struct operation *op)
{
    struct es7_create_additional_keyset *r = ARENA_NEW(t->arena, struct es7_create_additional_keyset);
    struct ka_host host;
    enum err err = r ? smsr_handover_key_offer(t, op, KEYSET_SCP80, op->result, &host, &r->signature) : ERR_NO_MEMORY;
    if (err == ERR_NONE) {
        r->eid = t->e->eid;
        r->key_version = smsr_handover_kvn(op, KEYSET_SCP80);
        r->ecc_key_length = ECC_256;
        r->scenario_parameter = SMSR_KA_PARAMETERS;
        r->ephemeral_public_key = arena_copy(t->arena, SPAN_OF(host.point));
        err = smsr_peer_ask(t, op, ES7_CREATE_ADDITIONAL_KEY_SET, &r->base);
    }
    wipe(&host, sizeof host);
    op->result = SPAN_NONE;
    return err == ERR_NONE ? NEXT_STAY : smsr_operation_fail(op, REASON_PROVIDER_ERROR, "", err_text(err));
}

/* ---- the commit point */

/* The receipt is right: the card has keys that only we know. */
static int commit(struct turn *t, struct operation *op)
{
    t->e->coming = false;
    t->e->known = t->e->changed = true;
    smsr_record_taken_over(t, op);
    WRITES_ADD(t->w, &SMSR_PREPARED_DROP, -1, value_text(t->e->eid_text));
    turn_log(t, LOG_INFO_, "the receipt is right: managed here from now on, key set %02X",
             smsr_handover_kvn(op, KEYSET_SCP80));
    return ADDRESS;
}

/* The card's answer was lost, or something came between challenge and keys. */
static bool may_try_again(const struct operation *op, const struct status *s)
{
    bool worth = s->reason == REASON_NO_RESPONSE || s->reason == REASON_ISDR_FAILED;
    return worth && s->exec == EXECUTED_FAILED && smsr_handover_may_try(op, KEYSET_SCP80);
}

static int created(struct turn *t, struct operation *op, const struct es_response *response)
{
    const struct es7_create_additional_keyset_response *r = (const struct es7_create_additional_keyset_response *)response;
    if (response && may_try_again(op, &response->status))
        return AUTHENTICATE;
    if (!response || !status_ok(&response->status))
        return refused(op, response);
    enum err err = smsr_handover_key_take(t, op, KEYSET_SCP80, r->derivation_random, r->receipt);
    if (err == ERR_NONE)
        return commit(t, op);
    return smsr_operation_fail(op, REASON_ISDR_FAILED, t->e->eid_text,
                               err == ERR_VERIFY ? "the card's receipt is wrong" : err_text(err));
}

/* ---- what comes after: nothing of it can undo the change */

static int finish(struct operation *op)
{
    op->status = op->flags & OPERATION_UNFINISHED
                     ? status_warning(REASON_ISDR_FAILED, op->peer.text,
                                      "taken over, but addresses or keys on the card are not all as they should be")
                     : status_success();
    return NEXT_END;
}

static void unfinished(struct turn *t, struct operation *op, const struct card_answer *a, const char *why)
{
    turn_log(t, LOG_WARN_, "after the change, %s: %s%s %04X", op->step->name, a->why, why, a->last.sw);
    op->flags |= OPERATION_UNFINISHED;
    smsr_operation_changed(op);
}

static int next_after(struct turn *t, struct operation *op, const struct card_answer *a, int again, int next)
{
    bool said = a->outcome == CARD_SAID && !a->broken && a->count;
    if (a->outcome == CARD_UNSURE)
        return again;
    /* "not found" to a repeat: it has been done */
    if (!said || (a->last.sw != SW_OK && !(a->last.sw == SW_NOT_FOUND && again == FINALISE)))
        unfinished(t, op, a, "");
    return next == NEXT_END ? finish(op) : next;
}

static int finalise(struct turn *t, struct operation *op)
{
    WRITER_ON_STACK(capdu, 128);
    struct es5_delete d = smsr_handover_old_keys(op);
    es5_delete_write(&capdu, &d);
    return smsr_send_capdu(t, op, EXCHANGE_COMMAND, wr_span(&capdu), false);
}

/* Over HTTPS too, when card and SM-SR both can. */
static int finalised(struct turn *t, struct operation *op, const struct card_answer *a)
{
    bool https = t->e->http && t->config->admin_port && t->config->bearer != SMSR_BEARER_SMS;
    return next_after(t, op, a, FINALISE, https ? HTTPS_AUTHENTICATE : NEXT_END);
}

/* First of all: a card may send even the answers to our commands to the number that it has stored. */
static int address(struct turn *t, struct operation *op)
{
    WRITER_ON_STACK(capdu, 128);
    WRITER_ON_STACK(cat_tp, 32);
    struct es5_addressing a = { 0 };
    if (!*t->config->number || tp_address_from_text(t->config->number, &a.sms) != ERR_NONE)
        return FINALISE;
    if (t->e->cat_tp && t->config->cat_tp_udp_port)
        smsr_cat_tp_parameters_write(&cat_tp, t->config);
    a.cat_tp = wr_span(&cat_tp);
    es5_update_addressing_write(&capdu, &a);
    return smsr_send_capdu(t, op, EXCHANGE_COMMAND, wr_span(&capdu), false);
}

static int addressed(struct turn *t, struct operation *op, const struct card_answer *a)
{
    return next_after(t, op, a, ADDRESS, FINALISE);
}

/* ---- an SCP81 key set: the same as before the commit point, but we speak to the card ourselves */

/* Without it the eUICC is reached by short messages only. */
static int without_https(struct turn *t, struct operation *op, const struct card_answer *a, const char *why)
{
    op->flags &= ~(unsigned)OPERATION_MORE_TO_DO;
    unfinished(t, op, a, why);
    return finish(op);
}

static int https_authenticate(struct turn *t, struct operation *op)
{
    struct span dgi = smsr_handover_certificate_dgi(t, op);
    uint8_t block = 0;
    if (!dgi.len)
        return without_https(t, op, &(struct card_answer){ 0 }, "no certificate");
    smsr_handover_try(op, KEYSET_SCP81);
    op->flags |= OPERATION_MORE_TO_DO; /* the keys come next: the card must not forget */
    t->e->chain.len = 0;
    return smsr_send_blocks(t, op, dgi, &block, false);
}

static int https_again(struct turn *t, struct operation *op, const struct card_answer *a)
{
    bool worth = a->outcome == CARD_UNSURE || (a->outcome == CARD_SAID && a->last.sw == SW_CONDITIONS);
    return worth && smsr_handover_may_try(op, KEYSET_SCP81) ? HTTPS_AUTHENTICATE : without_https(t, op, a, "");
}

static int https_challenged(struct turn *t, struct operation *op, const struct card_answer *a)
{
    struct span rc;
    if (!smsr_said_yes(a))
        return https_again(t, op, a);
    if (ka_challenge_parse(a->last.data, &rc) != ERR_NONE)
        return without_https(t, op, a, "the card's answer is no challenge");
    op->result = rc;
    return HTTPS_CREATE;
}

static int https_create(struct turn *t, struct operation *op)
{
    struct span dgis = SPAN_NONE;
    uint8_t block = 0;
    op->flags &= ~(unsigned)OPERATION_MORE_TO_DO;
    enum err err = smsr_handover_key_command(t, op, KEYSET_SCP81, op->result, &dgis, &block);
    op->result = SPAN_NONE;
    if (err != ERR_NONE)
        return without_https(t, op, &(struct card_answer){ 0 }, err_text(err));
    return smsr_send_blocks(t, op, dgis, &block, true);
}

static int https_created(struct turn *t, struct operation *op, const struct card_answer *a)
{
    struct span dr = SPAN_NONE, receipt = SPAN_NONE;
    if (!smsr_said_yes(a))
        return https_again(t, op, a);
    enum err err = ka_answer_parse(a->last.data, &dr, &receipt);
    if (err == ERR_NONE)
        err = smsr_handover_key_take(t, op, KEYSET_SCP81, dr, receipt);
    if (err != ERR_NONE)
        return without_https(t, op, a, err == ERR_VERIFY ? "the card's receipt is wrong" : err_text(err));
    turn_log(t, LOG_INFO_, "reached over HTTPS too, key set %02X", smsr_handover_kvn(op, KEYSET_SCP81));
    return HTTPS_ADDRESS;
}

static int https_address(struct turn *t, struct operation *op)
{
    WRITER_ON_STACK(capdu, APDU_SHORT_DATA_MAX + 8);
    WRITER_ON_STACK(https, 192);
    smsr_https_parameters_write(&https, t->config);
    struct es5_addressing a = { .https = wr_span(&https) };
    es5_update_addressing_write(&capdu, &a);
    return smsr_send_capdu(t, op, EXCHANGE_COMMAND, wr_span(&capdu), false);
}

static int https_addressed(struct turn *t, struct operation *op, const struct card_answer *a)
{
    return next_after(t, op, a, HTTPS_ADDRESS, NEXT_END);
}

static const struct step steps[STEPS] = {
    [WAITING] = PROCEDURE_WAITS,
    [AUTHENTICATE] = { "authenticate", authenticate, NULL, NULL, TO(CREATE) | TO(ADDRESS), authenticated },
    [CREATE] = { "create", create, NULL, NULL, TO(AUTHENTICATE) | TO(ADDRESS), created },
    [ADDRESS] = { "address", address, addressed, NULL, TO(ADDRESS) | TO(FINALISE), NULL },
    [FINALISE] = { "finalise", finalise, finalised, NULL, TO(FINALISE) | TO(HTTPS_AUTHENTICATE), NULL },
    [HTTPS_AUTHENTICATE] = { "https-authenticate", https_authenticate, https_challenged, NULL,
                             TO(HTTPS_AUTHENTICATE) | TO(HTTPS_CREATE), NULL },
    [HTTPS_CREATE] = { "https-create", https_create, https_created, NULL,
                       TO(HTTPS_AUTHENTICATE) | TO(HTTPS_ADDRESS), NULL },
    [HTTPS_ADDRESS] = { "https-address", https_address, https_addressed, NULL, TO(HTTPS_ADDRESS), NULL },
};
const struct procedure SMSR_HANDOVER = { .name = "handover",
                                         .steps = steps,
                                         .step_count = STEPS,
                                         .check = check_handover,
                                         .audit = AUDIT_FINALISE_ISDR_HANDOVER,
                                         .chains = true,
                                         .only_keys = true };
