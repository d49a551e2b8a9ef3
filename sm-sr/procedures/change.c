#include "change.h"

#include "lib/base/mutant.h"
#include "lib/gp/put_key.h"
#include "lib/gp/store_data.h"
#include "lib/pki/chain.h"
#include "lib/scp/key_establishment.h"
#include "sm-sr/answer.h"
#include "sm-sr/channel/exchange.h"
#include "sm-sr/eis.h"
#include "sm-sr/es7_client.h"
#include "sm-sr/rules.h"
#include "switch.h"

/* The SM-SR change, where the eUICC is: ES4.SMSRChange, and what the new SM-SR asks for over ES7. */

/* ---- SMSR_CHANGE: offer it, and wait */

enum { WAITING, OFFER, STEPS };
/* op->memory: the next STORE DATA block, and the version of the key set that the card may have made. */
#define KVN_MADE(kvn)     ((uint64_t)(kvn) << 8)
#define KVN_MADE_OF(op) ((uint8_t)((op)->memory >> 8))

struct status smsr_fill_change(struct turn *t, const struct call_event *c, struct operation *op)
{
    const struct es_eid_request *r = c->message.body;
    op->peer = r->smsr_id;
    if (!t->e->known)
        return status_failed(REASON_EID_UNKNOWN, t->e->eid_text, "not registered at this SM-SR");
    for (size_t i = 0; i < t->e->operation_count; i++) {
        const struct operation *other = &t->e->operations[i];
        if (other != op && other->n && other->change != ROW_GONE && other->procedure != &SMSR_DELETE_KEYSET)
            return status_failed(REASON_EUICC_BUSY, t->e->eid_text, "%s is under way", other->procedure->name);
    }
    return status_success();
}

/* The owner of the enabled profile, or of the one that holds the fall-back attribute. */
static bool may_initiate(struct turn *t, const struct oid *caller)
{
    const struct profile *enabled = smsr_profile_enabled(t->e), *fallback = smsr_profile_fallback(t->e);
    return (enabled && oid_eq(&enabled->info.mno_id, caller)) || (fallback && oid_eq(&fallback->info.mno_id, caller));
}

static struct status check_change(struct turn *t, struct operation *op)
{
    const struct smsr_partner *peer = smsr_partner_by_oid(t->smsr, op->peer.text);
    if (!may_initiate(t, &op->requester) && !MUTANT(anybody_starts_a_change))
        return status_failed(REASON_EUICC_NOT_ALLOWED, t->e->eid_text,
                             "neither the enabled nor the fall-back profile is the caller's");
    if (!peer || !(peer->kinds & SMSR_SMSR) || !*peer->es7_url)
        return status_failed(REASON_SMSR_UNKNOWN, op->peer.text, "no SM-SR that this one knows");
    return status_success();
}

static int offer(struct turn *t, struct operation *op)
{
    struct es7_handover_euicc *r = ARENA_NEW(t->arena, struct es7_handover_euicc);
    struct eis *eis = r ? smsr_eis_for(t, ES7_HANDOVER_EUICC, &op->peer) : NULL;
    if (!eis)
        return t->need_rows ? NEXT_STAY
                            : smsr_operation_fail(op, REASON_PROVIDER_ERROR, "", "the EIS cannot be put together");
    r->eis = eis;
    op->flags |= *t->e->left_to.text ? OPERATION_IN_DOUBT : 0;
    t->e->left_to = op->peer;
    t->e->changed = true;
    if (smsr_peer_ask(t, op, ES7_HANDOVER_EUICC, &r->base) != ERR_NONE)
        return smsr_operation_fail(op, REASON_PROVIDER_ERROR, "", "the EIS cannot be sent");
    snprintf(t->e->left_asked, sizeof t->e->left_asked, "%s", op->asked);
    turn_log(t, LOG_INFO_, "offered to SM-SR %s", op->peer.text);
    return NEXT_STAY;
}

static int offered(struct turn *t, struct operation *op, const struct es_response *response)
{
    if (!response)
        return smsr_operation_fail(op, REASON_EXTERNAL_UNREACHABLE, op->peer.text, "the other SM-SR does not answer");
    op->status = response->status;
    if (response->status.exec == EXECUTED_FAILED || response->status.exec == EXECUTED_EXPIRED)
        t->e->left_to = (struct oid){ 0 };
    t->e->changed = true;
    return NEXT_END;
}

static const struct step change_steps[STEPS] = {
    [WAITING] = PROCEDURE_WAITS,
    [OFFER] = { .name = "offer", .enter = offer, .told = offered },
};
const struct procedure SMSR_CHANGE = { .name = "smsr-change",
                                       .steps = change_steps,
                                       .step_count = STEPS,
                                       .check = check_change,
                                       .audit = AUDIT_FINALISE_ISDR_HANDOVER,
                                       .only_keys = true };

/* ---- it is theirs */

static void refuse_others(struct turn *t, const struct operation *but)
{
    for (size_t i = 0; i < t->e->operation_count; i++) {
        struct operation *op = &t->e->operations[i];
        if (op == but || !op->n || op->change == ROW_GONE)
            continue;
        op->status = status_failed(REASON_EID_UNKNOWN, t->e->eid_text, "managed by another SM-SR now");
        smsr_operation_answer(t, op);
    }
}

static void leave(struct turn *t, const struct oid *to, const struct operation *but)
{
    refuse_others(t, but);
    WRITES_ADD(t->w, &SMSR_DEPARTED_ADD, 1, value_text(t->e->eid_text), value_text(to->text),
               value_int((int64_t)t->now_ms), value_int((int64_t)t->e->audit_n), value_blob(t->e->audit_hash));
    timer_clear(t->w, t->e->eid_text, "alarm");
    smsr_euicc_remove(t->e);
    turn_log(t, LOG_INFO_, "managed by SM-SR %s now", to->text);
}

static bool taken(const struct status *s) { return s->exec == EXECUTED_SUCCESS || s->exec == EXECUTED_WITH_WARNING; }

void smsr_change_late(struct turn *t, const struct smsr_partner *from, const char *asked, const struct status *status)
{
    if (!t->e->known || !oid_eq(&t->e->left_to, &from->oid))
        return;
    if (*t->e->left_asked && strcmp(t->e->left_asked, asked) != 0) { /* it may be of an earlier stay here */
        turn_log(t, LOG_INFO_, "an answer of %s to an earlier offer of this eUICC: dropped", from->name);
        return;
    }
    turn_log(t, LOG_WARN_, "%s says only now that it %s this eUICC", from->name,
             taken(status) ? "has taken over" : "does not take over");
    t->e->left_to = (struct oid){ 0 };
    t->e->changed = true;
    if (!taken(status))
        return;
    struct operation *change = smsr_operation_change(t->e);
    if (!change || !smsr_operation_runs(change) || !oid_eq(&change->peer, &from->oid)) {
        leave(t, &from->oid, NULL);
        return;
    }
    change->status = *status; /* asked once more meanwhile: this is the answer to that, too */
    smsr_operation_end(t, change);
}

static struct status no_change(const struct turn *t)
{
    return status_failed(REASON_EID_UNKNOWN, t->e->eid_text, "no SM-SR change to the caller is under way");
}

/* ---- it stays ours: the key set that the other one may have on the card goes */

enum { D_WAITING, D_SEND, D_STEPS };

static int send_delete(struct turn *t, struct operation *op)
{
    WRITER_ON_STACK(capdu, 64);
    struct es5_delete d = { .kind = ES5_DELETE_KEYS,
                            .ranges = { { .kvn = (uint8_t)op->memory, .first_kid = 1, .last_kid = 3 } },
                            .range_count = 1 };
    es5_delete_write(&capdu, &d);
    return smsr_send_capdu(t, op, EXCHANGE_COMMAND, wr_span(&capdu), false);
}

/* "Not found": the card had not made it, or a repeat of ours did it. */
static int deleted(struct turn *t, struct operation *op, const struct card_answer *a)
{
    if (a->outcome == CARD_UNSURE)
        return D_SEND;
    if (!smsr_said_yes(a) && a->last.sw != SW_NOT_FOUND)
        return smsr_card_failed(t, op, a);
    op->status = status_success();
    return NEXT_END;
}

static struct status check_delete(struct turn *t, struct operation *op)
{
    if (op->memory && smsr_keyset_by_kvn(t->e, (uint8_t)op->memory))
        return status_failed(REASON_ISDR_FAILED, t->e->eid_text, "the key set of that version is ours by now");
    return op->memory && t->e->known ? status_success() : no_change(t);
}

static const struct step delete_steps[D_STEPS] = {
    [D_WAITING] = PROCEDURE_WAITS,
    [D_SEND] = { "send", send_delete, deleted, NULL, TO(D_SEND) },
};
const struct procedure SMSR_DELETE_KEYSET = { .name = "delete-keyset",
                                              .steps = delete_steps,
                                              .step_count = D_STEPS,
                                              .check = check_delete,
                                              .audit = AUDIT_FINALISE_ISDR_HANDOVER,
                                              .only_keys = true };

void smsr_change_neutralise(struct turn *t, uint8_t kvn)
{
    struct operation *op = smsr_operation_add(t->e);
    if (!op)
        return;
    op->procedure = &SMSR_DELETE_KEYSET;
    op->step = &SMSR_DELETE_KEYSET.steps[0];
    op->memory = kvn;
    op->started_ms = t->now_ms;
    op->deadline_ms = t->now_ms + 1000ull * t->config->validity_s;
    turn_log(t, LOG_WARN_, "key set %02X, whose keys are not ours, shall go from the card", kvn);
}

static void end_handover(struct turn *t, struct operation *op)
{
    bool failed = op->status.exec == EXECUTED_FAILED || op->status.exec == EXECUTED_EXPIRED;
    if (!smsr_operation_runs(op) || !failed || !t->e->known)
        return;
    turn_log(t, LOG_WARN_, "taken over, but: %s", op->status.detail);
    if (op->step->answered)
        op->flags |= OPERATION_UNSURE;
    op->status = status_warning(REASON_ISDR_FAILED, t->e->eid_text, "taken over; keys of the former SM-SR may remain");
}

void smsr_change_ending(struct turn *t, struct operation *op)
{
    if (op->procedure == &SMSR_HANDOVER)
        end_handover(t, op);
}

/* What comes after the commit point has run out of time, and has been answered so. Without it the card tells the former
 * SM-SR when it falls back, and obeys its keys: it is done when the audit has found the card. */
static void go_on_alone(struct turn *t, const struct operation *answered)
{
    smsr_operation_doubt(t);
    struct operation *op = smsr_operation_add(t->e);
    if (!op)
        return;
    op->procedure = &SMSR_HANDOVER;
    op->step = &SMSR_HANDOVER.steps[0];
    op->peer = answered->peer;
    op->data = answered->data;
    op->memory = answered->memory;
    op->started_ms = t->now_ms;
    op->deadline_ms = t->now_ms + 1000ull * t->config->doubt_s;
    turn_log(t, LOG_INFO_, "addresses and keys on the card are set without a hurry");
}

bool smsr_change_is_theirs(const struct operation *op)
{
    return op->procedure == &SMSR_CHANGE && KVN_MADE_OF(op) && *op->asked;
}

/* Who was given no way to the card cannot have taken it, whether it answers or not. */
static void forget_offer(struct turn *t, const struct operation *op)
{
    bool offered = op->procedure == &SMSR_CHANGE && smsr_operation_runs(op) && *t->e->left_to.text;
    if (!offered || taken(&op->status) || KVN_MADE_OF(op) || (op->flags & OPERATION_IN_DOUBT))
        return;
    t->e->left_to = (struct oid){ .text = "" };
    t->e->changed = true;
}

void smsr_change_ended(struct turn *t, const struct operation *op)
{
    forget_offer(t, op);
    if (op->procedure == &SMSR_CHANGE && smsr_operation_runs(op) && taken(&op->status))
        leave(t, &op->peer, op);
    else if (op->procedure == &SMSR_CHANGE && KVN_MADE_OF(op) && !*t->e->left_to.text)
        smsr_change_neutralise(t, KVN_MADE_OF(op));
    if (op->procedure != &SMSR_HANDOVER || !smsr_operation_runs(op))
        return;
    if (t->e->coming) {
        timer_clear(t->w, t->e->eid_text, "alarm");
        smsr_euicc_remove(t->e);
    } else if (taken(&op->status) && op->function != ES_FUNCTION_NONE) {
        smsr_tell_change(t);
        if (op->flags & OPERATION_UNSURE)
            go_on_alone(t, op);
    }
}

/* ---- what the new SM-SR asks for: the card's challenge */

/* The change that lets this SM-SR speak to the card. */
static struct operation *change_to(struct turn *t, const struct oid *requester)
{
    struct operation *change = smsr_operation_change(t->e);
    return change && smsr_operation_runs(change) && oid_eq(&change->peer, requester) ? change : NULL;
}

enum { A_WAITING, A_SEND, A_STEPS };

struct status smsr_fill_authenticate(struct turn *t, const struct call_event *c, struct operation *op)
{
    const struct es7_authenticate_smsr *r = c->message.body;
    (void)t;
    op->data = r->smsr_certificate;
    op->flags |= OPERATION_MORE_TO_DO; /* the keys come next: the card must not forget */
    return status_success();
}

static struct status check_authenticate(struct turn *t, struct operation *op)
{
    if (!t->e->known || !change_to(t, &op->requester))
        return no_change(t);
    enum err err = chain_check_server(t->config->trust, op->data, GP_ROLE_SM_SR, t->now_ms, NULL);
    if (err != ERR_NONE && !MUTANT(takes_any_smsr_certificate))
        return status_failed(chain_reason(CHAIN_SR, err), op->requester.text, "CERT.SR.ECDSA: %s", err_text(err));
    return status_success();
}

int smsr_send_blocks(struct turn *t, struct operation *op, struct span dgis, uint8_t *block, bool last)
{
    WRITER_ON_STACK(items, SMSR_ITEMS_MAX);
    size_t at = 0;
    do {
        WRITER_ON_STACK(capdu, APDU_SHORT_DATA_MAX + 8);
        at = store_data_block_write(&capdu, dgis, at, (*block)++, last, true, 0);
        smsr_item(&items, wr_span(&capdu));
    } while (at < dgis.len);
    enum err err = items.err != ERR_NONE
                       ? items.err
                       : smsr_exchange_send(t, op, EXCHANGE_COMMAND, &AID_ISDR, wr_span(&items), NULL, false);
    return err == ERR_NONE ? NEXT_STAY : smsr_send_failed(op, err);
}

static int send_certificate(struct turn *t, struct operation *op)
{
    WRITER_ON_STACK(dgi, GP_CERTIFICATE_MAX + 8);
    struct operation *change = change_to(t, &op->requester);
    uint8_t block = 0;
    if (!change)
        return smsr_operation_fail(op, REASON_EID_UNKNOWN, t->e->eid_text, "the SM-SR change is over");
    ka_certificate_dgi_write(&dgi, op->data);
    int next = smsr_send_blocks(t, op, wr_span(&dgi), &block, false);
    change->memory = (change->memory & ~0xFFull) | block;
    change->flags &= ~(unsigned)OPERATION_CHALLENGED;
    smsr_operation_changed(change);
    return next;
}

bool smsr_said_yes(const struct card_answer *a)
{
    return a->outcome == CARD_SAID && !a->broken && a->count && a->last.sw == SW_OK;
}

/* Asking for another challenge does no harm: so an answer that is lost is asked for again. */
static int challenged(struct turn *t, struct operation *op, const struct card_answer *a)
{
    struct operation *change = change_to(t, &op->requester);
    struct span rc;
    if (a->outcome == CARD_UNSURE)
        return A_SEND;
    if (!smsr_said_yes(a))
        return smsr_card_failed(t, op, a);
    if (!change || ka_challenge_parse(a->last.data, &rc) != ERR_NONE)
        return smsr_operation_fail(op, REASON_ISDR_FAILED, t->e->eid_text, "the card's answer is no challenge");
    change->flags |= OPERATION_CHALLENGED;
    smsr_operation_changed(change);
    op->result = rc;
    op->status = status_success();
    return NEXT_END;
}

static const struct step authenticate_steps[A_STEPS] = {
    [A_WAITING] = PROCEDURE_WAITS,
    [A_SEND] = { "send", send_certificate, challenged, NULL, TO(A_SEND) },
};
const struct procedure SMSR_AUTHENTICATE = { .name = "authenticate-smsr",
                                             .steps = authenticate_steps,
                                             .step_count = A_STEPS,
                                             .check = check_authenticate,
                                             .chains = true,
                                             .only_keys = true };

/* ---- and its keys */

enum { K_WAITING, K_SEND, K_STEPS };

/* The point alone, on one of the two curves, or the whole 7F49. */
static bool public_key_write(struct writer *w, struct span key)
{
    static const enum ec_curve curves[] = { EC_P256, EC_BRAINPOOL_P256R1 };
    if (key.len > 2 && key.ptr[0] == 0x7F && key.ptr[1] == 0x49) {
        wr_bytes(w, key);
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
        struct ec_key *point = NULL;
        if (ec_public_new(curves[i], key, &point) != ERR_NONE)
            continue;
        ec_key_free(point);
        ka_public_key_write(w, key, (uint8_t)curves[i]);
        return true;
    }
    return false;
}

struct status smsr_fill_create_keyset(struct turn *t, const struct call_event *c, struct operation *op)
{
    const struct es7_create_additional_keyset *r = c->message.body;
    WRITER_ON_STACK(crt, KA_CRT_MAX);
    WRITER_ON_STACK(key, 128);
    struct writer dgis = wr_arena(t->arena, KA_COMMAND_MAX);
    struct ka_parameters p = { .parameters = r->scenario_parameter,
                               .usage = KA_USAGE_THREE_KEYS,
                               .key_type = KEY_TYPE_AES,
                               .key_len = KA_KEY_LEN,
                               .kid = 1,
                               .kvn = r->key_version,
                               .counter = r->initial_counter };
    p.host_id.len = (uint8_t)(r->host_id.len <= KA_ID_MAX ? r->host_id.len : KA_ID_MAX);
    if (p.host_id.len)
        memcpy(p.host_id.value, r->host_id.ptr, p.host_id.len);
    if (r->ecc_key_length != ECC_256 || r->host_id.len > KA_ID_MAX || !public_key_write(&key, r->ephemeral_public_key))
        return status_failed(REASON_FORMAT_INVALID, t->e->eid_text, "not a key on a curve of 256 bits");
    if (p.kvn > 0x0F || smsr_keyset_by_kvn(t->e, p.kvn))
        return status_failed(REASON_FORMAT_INVALID, t->e->eid_text, "key version %u is not free for SCP80", p.kvn);
    ka_crt_write(&crt, &p);
    ka_command_write(&dgis, wr_span(&crt), wr_span(&key), r->signature);
    if (crt.err != ERR_NONE || dgis.err != ERR_NONE)
        return status_failed(REASON_FORMAT_INVALID, t->e->eid_text, "the parameters of the keys are too long");
    op->data = wr_span(&dgis);
    op->memory = p.kvn;
    return status_success();
}

static struct status check_create_keyset(struct turn *t, struct operation *op)
{
    const struct operation *change = t->e->known ? change_to(t, &op->requester) : NULL;
    if (!change)
        return no_change(t);
    if (!(change->flags & OPERATION_CHALLENGED))
        return status_failed(REASON_EID_UNKNOWN, t->e->eid_text, "AuthenticateSMSR comes first");
    return status_success();
}

static int send_keyset(struct turn *t, struct operation *op)
{
    struct operation *change = change_to(t, &op->requester);
    if (!change)
        return smsr_operation_fail(op, REASON_EID_UNKNOWN, t->e->eid_text, "the SM-SR change is over");
    uint8_t block = (uint8_t)change->memory;
    change->memory = KVN_MADE(op->memory) | block;
    change->flags &= ~(unsigned)OPERATION_CHALLENGED; /* a challenge is good for one try */
    smsr_operation_changed(change);
    return smsr_send_blocks(t, op, op->data, &block, true);
}

/* An answer that is lost is lost: the new SM-SR begins again with another challenge. */
static int created(struct turn *t, struct operation *op, const struct card_answer *a)
{
    if (!smsr_said_yes(a))
        return smsr_card_failed(t, op, a);
    struct span dr, receipt;
    if (ka_answer_parse(a->last.data, &dr, &receipt) != ERR_NONE)
        return smsr_operation_fail(op, REASON_ISDR_FAILED, t->e->eid_text, "the card's answer is no receipt");
    op->result = a->last.data;
    op->status = status_success();
    return NEXT_END;
}

static const struct step create_steps[K_STEPS] = {
    [K_WAITING] = PROCEDURE_WAITS,
    [K_SEND] = { "send", send_keyset, created, NULL, 0 },
};
const struct procedure SMSR_CREATE_KEYSET = { .name = "create-keyset",
                                              .steps = create_steps,
                                              .step_count = K_STEPS,
                                              .check = check_create_keyset,
                                              .audit = AUDIT_ESTABLISH_ISDR_KEYSET,
                                              .chains = true,
                                              .only_keys = true };
