#include "change.h"

#include <stdio.h>

#include "lib/crypto/aes.h"
#include "lib/gp/put_key.h"
#include "lib/scp/key_establishment.h"
#include "sm-sr/channel/exchange.h"
#include "sm-sr/es7_client.h"
#include "sm-sr/rules.h"
#include "sm-sr/take_in.h"
#include "sm-sr/unconfirmed.h"
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
    if (!t->config->certificate_count)
        return status_failed(REASON_PROVIDER_INCAPABLE, t->e->eid_text,
                             "this SM-SR has no certificate to show to a card");
    WRITES_ADD(t->w, &SMSR_PREPARED_PUT, 1, value_text(t->e->eid_text), value_text(r->smsr_id.text),
               value_text(op->requester.text), value_int((int64_t)(t->now_ms + 1000ull * t->config->prepared_s)));
    return status_success();
}

/* ---- SMSR_HANDOVER */

enum { WAITING, AUTHENTICATE, CREATE, ADDRESS, FINALISE, STEPS };

#define TRIES_MAX 3u
/* op->memory: the version of the new key set, and how often it was asked for; op->data: curve, point of the ECASD, and
 * what is to be deleted at the end: three octets for each old key set. */
#define OLD_KEYS_AT (1u + KA_POINT_LEN)

static uint8_t kvn_of(const struct operation *op) { return (uint8_t)op->memory; }
static struct span pk_ecasd(const struct operation *op) { return span_sub(op->data, 1, KA_POINT_LEN); }

static const struct smsr_certificate *certificate_for(const struct turn *t, const struct operation *op)
{
    for (size_t i = 0; i < t->config->certificate_count; i++)
        if (op->data.len && (uint8_t)t->config->certificates[i].curve == op->data.ptr[0])
            return &t->config->certificates[i];
    return NULL;
}

/* ---- may it come? */

static struct status check_prepared(struct turn *t, const struct oid *from)
{
    const struct query *q = SMSR_ASK(t, &SMSR_PREPARED_LOAD, value_text(t->e->eid_text));
    struct oid prepared = { 0 };
    if (q && q->row_count)
        row_text(&q->rows[0], 0, prepared.text, sizeof prepared.text);
    if (!q || !q->row_count || !oid_eq(&prepared, from) || (uint64_t)row_int(&q->rows[0], 2) < t->now_ms)
        return status_failed(REASON_EID_UNKNOWN, t->e->eid_text, "PrepareSMSRChange from there was not asked for");
    return status_success();
}

static uint8_t free_kvn(const struct eis *eis)
{
    for (uint8_t kvn = 1; kvn <= 0x0F; kvn++) {
        bool taken = false;
        for (size_t i = 0; i < eis->isdr.keyset_count; i++)
            taken |= eis->isdr.keysets[i].version == kvn;
        if (!taken)
            return kvn;
    }
    return 0;
}

static void old_keys_write(struct writer *w, const struct eis *eis)
{
    for (size_t i = 0; i < eis->isdr.keyset_count && i < ES5_KEY_RANGES_MAX; i++) {
        const struct eis_keyset *k = &eis->isdr.keysets[i];
        if (k->usage != KEYSET_SCP80 && k->usage != KEYSET_SCP81)
            continue;
        wr_u8(w, k->version);
        wr_u8(w, 1);
        wr_u8(w, k->usage == KEYSET_SCP80 ? 3 : 2);
    }
}

static struct status note_keys(struct turn *t, struct operation *op, const struct eis *eis, const struct ec_key *ecasd)
{
    uint8_t point[EC_POINT_LEN];
    struct writer w = wr_arena(t->arena, OLD_KEYS_AT + 3 * ES5_KEY_RANGES_MAX);
    ec_key_point(ecasd, point);
    wr_u8(&w, (uint8_t)ec_key_curve(ecasd));
    wr_bytes(&w, SPAN_OF(point));
    old_keys_write(&w, eis);
    op->data = wr_span(&w);
    op->memory = free_kvn(eis);
    if (!kvn_of(op) || !certificate_for(t, op))
        return status_failed(REASON_PROVIDER_INCAPABLE, t->e->eid_text,
                             "no free key version, or no certificate on the curve of the card");
    return status_success();
}

static void come_in(struct turn *t, const struct eis *eis)
{
    struct euicc *e = t->e;
    smsr_take_in_keep(t, eis, false);
    e->present = e->coming = e->changed = true;
    e->version = 1;
    e->eum_id = eis->eum_id;
    e->remaining_memory = eis->remaining_memory;
    e->available_memory = eis->available_memory;
    e->last_audit_ms = eis->last_audit_ms;
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
        s = note_keys(t, op, eis, ecasd);
    ec_key_free(ecasd);
    return s;
}

struct status smsr_fill_handover(struct turn *t, const struct call_event *c, struct operation *op)
{
    const struct es7_handover_euicc *r = c->message.body;
    op->peer = op->requester;
    if (t->e->known) /* the other side lost our answer: it may forget it now */
        return status_warning(REASON_EID_IN_USE, t->e->eid_text, "managed here already");
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
    (void)op;
    return t->e->coming ? status_success() : status_failed(REASON_EID_UNKNOWN, t->e->eid_text, "it did not come");
}

/* ---- the card's challenge */

static int authenticate(struct turn *t, struct operation *op)
{
    const struct smsr_certificate *c = certificate_for(t, op);
    struct es7_authenticate_smsr *r = ARENA_NEW(t->arena, struct es7_authenticate_smsr);
    if (!c || !r)
        return smsr_operation_fail(op, REASON_PROVIDER_INCAPABLE, t->e->eid_text, "no certificate for this card");
    r->has_eid = true;
    r->eid = t->e->eid;
    r->smsr_certificate = (struct span){ c->octets, c->len };
    op->memory += 0x100;
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

static struct span secret_aad(const struct turn *t, char out[SMSR_AAD_SIZE])
{
    snprintf(out, SMSR_AAD_SIZE, "handover/%s", t->e->eid_text);
    return span_text(out);
}

static enum err secret_keep(struct turn *t, struct operation *op, const struct ka_host *host)
{
    char aad[SMSR_AAD_SIZE];
    WRITER_ON_STACK(plain, KA_HOST_STORED_MAX);
    ka_host_write(&plain, host);
    size_t cap = plain.len + KEYS_WRAP_OVERHEAD;
    uint8_t *out = arena_alloc(t->arena, cap);
    enum err err = plain.err != ERR_NONE ? plain.err : out ? ERR_NONE : ERR_NO_SPACE;
    if (err == ERR_NONE)
        err = t->env->keys->wrap(t->env->keys, secret_aad(t, aad), wr_span(&plain), out, cap);
    wipe(plain_memory, sizeof plain_memory);
    op->secret = err == ERR_NONE ? (struct span){ out, cap } : SPAN_NONE;
    return err;
}

static enum err secret_open(struct turn *t, const struct operation *op, struct ka_host *ret)
{
    char aad[SMSR_AAD_SIZE];
    uint8_t plain[KA_HOST_STORED_MAX];
    if (op->secret.len < KEYS_WRAP_OVERHEAD || op->secret.len - KEYS_WRAP_OVERHEAD > sizeof plain)
        return ERR_BAD_LENGTH;
    enum err err = t->env->keys->unwrap(t->env->keys, secret_aad(t, aad), op->secret, plain, sizeof plain);
    if (err == ERR_NONE)
        err = ka_host_read((struct span){ plain, op->secret.len - KEYS_WRAP_OVERHEAD }, ret);
    wipe(plain, sizeof plain);
    return err;
}

static enum err draw(struct turn *t, const struct operation *op, struct ka_host *ret)
{
    struct ka_parameters p = { .parameters = SMSR_KA_PARAMETERS,
                               .usage = KA_USAGE_THREE_KEYS,
                               .key_type = KEY_TYPE_AES,
                               .key_len = KA_KEY_LEN,
                               .kid = 1,
                               .kvn = kvn_of(op) };
    struct ec_key *key = NULL;
    uint8_t scalar[EC_FIELD_LEN], point[EC_POINT_LEN];
    enum err err = ec_generate((enum ec_curve)op->data.ptr[0], t->env->rng, &key);
    if (err == ERR_NONE)
        err = ec_key_scalar(key, scalar);
    if (err == ERR_NONE) {
        ec_key_point(key, point);
        err = ka_host_init(&p, op->data.ptr[0], scalar, point, ret);
    }
    wipe(scalar, sizeof scalar);
    ec_key_free(key);
    return err;
}

static enum err sign(struct turn *t, const struct operation *op, const struct ka_host *host, struct span *ret)
{
    const struct smsr_certificate *c = certificate_for(t, op);
    WRITER_ON_STACK(signed_data, KA_COMMAND_MAX);
    uint8_t *out = arena_alloc(t->arena, KA_SIGNATURE_LEN);
    size_t len = 0;
    ka_host_to_be_signed(&signed_data, host, op->result);
    if (!c || !out || signed_data.err != ERR_NONE)
        return ERR_NO_SPACE;
    enum err err = t->env->keys->sign(t->env->keys, c->key_name, wr_span(&signed_data), out, KA_SIGNATURE_LEN, &len);
    *ret = (struct span){ out, len };
    return err;
}

static int create(struct turn *t, struct operation *op)
{
    struct es7_create_additional_keyset *r = ARENA_NEW(t->arena, struct es7_create_additional_keyset);
    struct ka_host host;
    enum err err = r ? draw(t, op, &host) : ERR_NO_MEMORY;
    if (err == ERR_NONE)
        err = sign(t, op, &host, &r->signature);
    if (err == ERR_NONE)
        err = secret_keep(t, op, &host);
    if (err == ERR_NONE) {
        r->eid = t->e->eid;
        r->key_version = kvn_of(op);
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

static enum err keyset_keep(struct turn *t, const struct operation *op, const struct ka_keys *keys)
{
    char aad[SMSR_AAD_SIZE];
    uint8_t octets[SMSR_SCP_KEYS_MAX];
    struct writer plain = wr_of(octets, sizeof octets);
    struct keyset *k = smsr_keyset_add(t->e);
    uint8_t *wrapped = arena_alloc(t->arena, SMSR_SCP_KEYS_MAX + KEYS_WRAP_OVERHEAD);
    if (!k || !wrapped)
        return ERR_NO_SPACE;
    for (size_t i = 0; i < keys->count; i++) {
        wr_u8(&plain, KA_KEY_LEN);
        wr_bytes(&plain, (struct span){ keys->keys[i], KA_KEY_LEN });
    }
    enum err err = t->env->keys->wrap(t->env->keys, smsr_keyset_aad(t->e->eid_text, kvn_of(op), aad), wr_span(&plain),
                                      wrapped, SMSR_SCP_KEYS_MAX + KEYS_WRAP_OVERHEAD);
    *k = (struct keyset){ .kvn = kvn_of(op),
                          .kid = 1,
                          .usage = KEYSET_SCP80,
                          .wrapped = { wrapped, plain.len + KEYS_WRAP_OVERHEAD },
                          .change = ROW_NEW };
    wipe(octets, sizeof octets);
    return err;
}

static enum err keys_of(struct turn *t, const struct operation *op,
                        const struct es7_create_additional_keyset_response *r, struct ka_keys *ret)
{
    struct ka_host host;
    WRITER_ON_STACK(answer, 128);
    if (r->receipt.len != 16)
        return ERR_BAD_LENGTH;
    ka_answer_write(&answer, r->derivation_random, r->receipt.ptr);
    enum err err = secret_open(t, op, &host);
    if (err == ERR_NONE)
        err = ka_host_finish(&host, pk_ecasd(op), wr_span(&answer), ret);
    wipe(&host, sizeof host);
    return err;
}

/* The receipt is right: the card has keys that only we know. */
static int commit(struct turn *t, struct operation *op)
{
    t->e->coming = false;
    t->e->known = t->e->changed = true;
    op->secret = SPAN_NONE;
    WRITES_ADD(t->w, &SMSR_PREPARED_DROP, -1, value_text(t->e->eid_text));
    turn_log(t, LOG_INFO_, "the receipt is right: managed here from now on, key set %02X", kvn_of(op));
    return ADDRESS;
}

/* The card's answer was lost, or something came between challenge and keys. */
static bool may_try_again(const struct operation *op, const struct status *s)
{
    bool worth = s->reason == REASON_NO_RESPONSE || s->reason == REASON_ISDR_FAILED;
    return worth && s->exec == EXECUTED_FAILED && op->memory < 0x100 * (TRIES_MAX + 1);
}

static int created(struct turn *t, struct operation *op, const struct es_response *response)
{
    struct ka_keys keys = { 0 };
    if (response && may_try_again(op, &response->status))
        return AUTHENTICATE;
    if (!response || !status_ok(&response->status))
        return refused(op, response);
    enum err err = keys_of(t, op, (const struct es7_create_additional_keyset_response *)response, &keys);
    if (err == ERR_NONE)
        err = keyset_keep(t, op, &keys);
    wipe(&keys, sizeof keys);
    if (err == ERR_NONE)
        return commit(t, op);
    return smsr_operation_fail(op, REASON_ISDR_FAILED, t->e->eid_text,
                               err == ERR_VERIFY ? "the card's receipt is wrong" : err_text(err));
}

/* ---- what comes after: nothing of it can undo the change */

static int finish(struct operation *op)
{
    op->status = op->flags & OPERATION_UNFINISHED ? status_warning(REASON_ISDR_FAILED, op->peer.text,
                                                                   "taken over, but keys or addresses of the "
                                                                   "former SM-SR may remain on the card")
                                                  : status_success();
    return NEXT_END;
}

static int finalise(struct turn *t, struct operation *op)
{
    WRITER_ON_STACK(capdu, 128);
    struct es5_delete d = { .kind = ES5_DELETE_KEYS };
    struct reader r = rd_of(span_from(op->data, OLD_KEYS_AT));
    while (!rd_at_end(&r) && d.range_count < ES5_KEY_RANGES_MAX) {
        struct es5_key_range *range = &d.ranges[d.range_count++];
        range->kvn = rd_u8(&r);
        range->first_kid = rd_u8(&r);
        range->last_kid = rd_u8(&r);
    }
    es5_delete_write(&capdu, &d);
    return smsr_send_capdu(t, op, EXCHANGE_COMMAND, wr_span(&capdu), false);
}

static int next_after(struct turn *t, struct operation *op, const struct card_answer *a, int again, int next)
{
    bool said = a->outcome == CARD_SAID && !a->broken && a->count;
    if (a->outcome == CARD_UNSURE)
        return again;
    /* "not found" to a repeat: it has been done */
    if (!said || (a->last.sw != SW_OK && !(a->last.sw == SW_NOT_FOUND && again == FINALISE))) {
        turn_log(t, LOG_WARN_, "after the change, %s: %s %04X", op->step->name, a->why, a->last.sw);
        op->flags |= OPERATION_UNFINISHED;
        smsr_operation_changed(op);
    }
    return next == NEXT_END ? finish(op) : next;
}

static int finalised(struct turn *t, struct operation *op, const struct card_answer *a)
{
    return next_after(t, op, a, FINALISE, NEXT_END);
}

/* First of all: a card may send even the answers to our commands to the number that it has stored. */
static int address(struct turn *t, struct operation *op)
{
    WRITER_ON_STACK(capdu, 128);
    struct es5_addressing a = { 0 };
    if (!*t->config->number || tp_address_from_text(t->config->number, &a.sms) != ERR_NONE)
        return FINALISE;
    es5_update_addressing_write(&capdu, &a);
    return smsr_send_capdu(t, op, EXCHANGE_COMMAND, wr_span(&capdu), false);
}

static int addressed(struct turn *t, struct operation *op, const struct card_answer *a)
{
    return next_after(t, op, a, ADDRESS, FINALISE);
}

static const struct step steps[STEPS] = {
    [WAITING] = PROCEDURE_WAITS,
    [AUTHENTICATE] = { "authenticate", authenticate, NULL, NULL, TO(CREATE), authenticated },
    [CREATE] = { "create", create, NULL, NULL, TO(AUTHENTICATE) | TO(ADDRESS), created },
    [ADDRESS] = { "address", address, addressed, NULL, TO(ADDRESS) | TO(FINALISE), NULL },
    [FINALISE] = { "finalise", finalise, finalised, NULL, TO(FINALISE), NULL },
};
const struct procedure SMSR_HANDOVER = { .name = "handover",
                                         .steps = steps,
                                         .step_count = STEPS,
                                         .check = check_handover,
                                         .audit = AUDIT_FINALISE_ISDR_HANDOVER,
                                         .only_keys = true };
