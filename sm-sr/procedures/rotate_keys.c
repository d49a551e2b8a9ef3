#include "rotate_keys.h"

#include "change.h"
#include "handover_keys.h"
#include "sm-sr/answer.h"
#include "sm-sr/channel/notification.h"
#include "sm-sr/eis.h"
#include "sm-sr/take_in.h"
#include "switch.h"

/* op->memory, op->data, op->secret: as handover_keys.h has them. */

/* First the SCP80 set, and all that follows goes under it; then the SCP81 set, for a card that has one, in the same way. */
enum { WAITING, AUTHENTICATE, CREATE, REMOVE, HTTPS_AUTHENTICATE, HTTPS_CREATE, HTTPS_REMOVE, STEPS };

static enum keyset_usage usage_of(const struct operation *op)
{
    return op->step - op->procedure->steps < HTTPS_AUTHENTICATE ? KEYSET_SCP80 : KEYSET_SCP81;
}

/* The step of the set that is being changed. */
static int step_of(const struct operation *op, int step)
{
    return usage_of(op) == KEYSET_SCP80 ? step : step + HTTPS_AUTHENTICATE - AUTHENTICATE;
}

static struct status check_eis(struct turn *t, struct operation *op, const struct eis *eis)
{
    const struct smsr_partner *eum = smsr_partner_by_oid(t->smsr, eis->eum_id.text);
    struct ec_key *ecasd = NULL;
    struct status s = smsr_take_in_signatures(t, eum && (eum->kinds & SMSR_EUM) ? eum : NULL, eis, &ecasd);
    if (status_ok(&s) && ecasd) {
        s = smsr_handover_keys_begin(t, op, eis, ecasd);
        op->data_changed = true;
        smsr_operation_changed(op);
    }
    ec_key_free(ecasd);
    return s;
}

static struct status check(struct turn *t, struct operation *op)
{
    if (!t->e->known)
        return status_failed(REASON_EID_UNKNOWN, t->e->eid_text, "not managed here");
    if (smsr_operation_change(t->e))
        return status_failed(REASON_EUICC_BUSY, t->e->eid_text, "an SM-SR change is under way");
    if (*t->e->left_to.text) /* the card may have its keys, under the version that we would take */
        return status_failed(REASON_EUICC_BUSY, t->e->left_to.text, "it is not known whether this SM-SR has taken the eUICC over");
    struct eis *eis = smsr_eis_for(t, ES7_HANDOVER_EUICC, &t->config->oid), *typed = ARENA_NEW(t->arena, struct eis);
    if (eis && typed && eum_signed_info_decode(eis->signed_info, t->arena, typed) == ERR_NONE) {
        eis->ecasd = typed->ecasd;
        return check_eis(t, op, eis);
    }
    return t->need_rows ? status_success() : status_failed(REASON_PROVIDER_ERROR, "", "the EIS cannot be put together");
}

/* ---- the keys */

/* What the key sets say; it holds after a crash, too. */
static int finish(struct turn *t, struct operation *op)
{
    const struct keyset *k = smsr_keyset_of(t->e, KEYSET_SCP81);
    bool left = false;
    for (size_t i = 0; i < t->e->keyset_count; i++)
        left |= t->e->keysets[i].retired && t->e->keysets[i].change != ROW_GONE;
    op->status = status_success();
    if (k && k->kvn != smsr_handover_kvn(op, KEYSET_SCP81))
        op->status = status_warning(REASON_ISDR_FAILED, t->e->eid_text, "the new SCP80 key set is in use; SCP81 has the old one");
    else if (left)
        op->status = status_warning(REASON_ISDR_FAILED, t->e->eid_text, "the new key sets are in use; old ones may still be on the card");
    return NEXT_END;
}

static int failed(struct operation *op, struct turn *t, const char *why)
{
    op->flags &= ~(unsigned)OPERATION_MORE_TO_DO;
    if (usage_of(op) == KEYSET_SCP80)
        return smsr_operation_fail(op, REASON_ISDR_FAILED, t->e->eid_text, why);
    turn_log(t, LOG_WARN_, "the SCP81 key set stays: %s", why);
    return finish(t, op);
}

static int authenticate(struct turn *t, struct operation *op)
{
    struct span dgi = smsr_handover_certificate_dgi(t, op);
    uint8_t block = 0;
    if (!dgi.len && usage_of(op) == KEYSET_SCP80)
        return smsr_operation_fail(op, REASON_PROVIDER_INCAPABLE, t->e->eid_text,
                                   "no certificate on the curve of the card");
    if (!dgi.len)
        return failed(op, t, "no certificate on the curve of the card");
    smsr_handover_try(op, usage_of(op));
    op->flags |= OPERATION_MORE_TO_DO; /* the keys come next: the card must not forget */
    t->e->chain.len = 0;
    return smsr_send_blocks(t, op, dgi, &block, false);
}

static int again(struct turn *t, struct operation *op, const struct card_answer *a)
{
    bool worth = a->outcome == CARD_UNSURE || (a->outcome == CARD_SAID && a->last.sw == SW_CONDITIONS);
    if (worth && smsr_handover_may_try(op, usage_of(op)))
        return step_of(op, AUTHENTICATE);
    if (usage_of(op) == KEYSET_SCP81)
        return failed(op, t, "the card does not make it");
    op->flags &= ~(unsigned)OPERATION_MORE_TO_DO;
    return smsr_card_failed(t, op, a);
}

static int challenged(struct turn *t, struct operation *op, const struct card_answer *a)
{
    struct span rc;
    if (!smsr_said_yes(a))
        return again(t, op, a);
    if (ka_challenge_parse(a->last.data, &rc) != ERR_NONE)
        return failed(op, t, "the card's answer is no challenge");
    op->result = rc;
    return step_of(op, CREATE);
}

static int create(struct turn *t, struct operation *op)
{
    struct span dgis = SPAN_NONE;
    uint8_t block = 0;
    op->flags &= ~(unsigned)OPERATION_MORE_TO_DO;
    enum err err = smsr_handover_key_command(t, op, usage_of(op), op->result, &dgis, &block);
    op->result = SPAN_NONE;
    return err == ERR_NONE ? smsr_send_blocks(t, op, dgis, &block, true) : failed(op, t, err_text(err));
}

static void retire_others(struct turn *t, enum keyset_usage usage, uint8_t but)
{
    for (size_t i = 0; i < t->e->keyset_count; i++)
        if (t->e->keysets[i].usage == usage && t->e->keysets[i].kvn != but) {
            t->e->keysets[i].retired = true;
            smsr_keyset_changed(&t->e->keysets[i]);
        }
}

static int created(struct turn *t, struct operation *op, const struct card_answer *a)
{
    struct span dr = SPAN_NONE, receipt = SPAN_NONE;
    enum keyset_usage usage = usage_of(op);
    if (!smsr_said_yes(a))
        return again(t, op, a);
    enum err err = ka_answer_parse(a->last.data, &dr, &receipt);
    if (err == ERR_NONE)
        err = smsr_handover_key_take(t, op, usage, dr, receipt);
    if (err != ERR_NONE)
        return failed(op, t, err == ERR_VERIFY ? "the card's receipt is wrong" : err_text(err));
    retire_others(t, usage, smsr_handover_kvn(op, usage));
    if (usage == KEYSET_SCP80)
        smsr_notification_rekeyed(t); /* the card is about to lose the keys of what is under way */
    turn_log(t, LOG_INFO_, "key set %02X is in use from now on", smsr_handover_kvn(op, usage));
    return step_of(op, REMOVE);
}

/* ---- the old sets, under the new one */

/* The card does not delete the key of the session it is in: that one ends first. */
static int remove_old(struct turn *t, struct operation *op)
{
    WRITER_ON_STACK(capdu, 128);
    struct es5_delete d = { .kind = ES5_DELETE_KEYS };
    enum keyset_usage usage = usage_of(op);
    for (size_t i = 0; i < t->e->keyset_count && d.range_count < ES5_KEY_RANGES_MAX; i++)
        if (t->e->keysets[i].retired && t->e->keysets[i].usage == usage)
            d.ranges[d.range_count++] = (struct es5_key_range){ .kvn = t->e->keysets[i].kvn,
                                                                .first_kid = 1,
                                                                .last_kid = usage == KEYSET_SCP80 ? 3 : 2 };
    t->release |= usage == KEYSET_SCP81;
    es5_delete_write(&capdu, &d);
    return smsr_send_capdu(t, op, EXCHANGE_COMMAND, wr_span(&capdu), false);
}

static int next_set(struct turn *t, struct operation *op)
{
    const struct keyset *k = smsr_keyset_of(t->e, KEYSET_SCP81);
    uint8_t kvn = smsr_handover_kvn(op, KEYSET_SCP81);
    return usage_of(op) == KEYSET_SCP80 && k && kvn && k->kvn != kvn ? HTTPS_AUTHENTICATE : finish(t, op);
}

/* "Not found" to a repeat: it has been done. */
static int removed(struct turn *t, struct operation *op, const struct card_answer *a)
{
    enum keyset_usage usage = usage_of(op);
    bool said = a->outcome == CARD_SAID;
    bool in_session = said && a->last.sw == SW_CONDITIONS && usage == KEYSET_SCP81 && smsr_handover_may_try(op, usage);
    if (in_session)
        smsr_handover_try(op, usage);
    if (a->outcome == CARD_UNSURE || in_session)
        return step_of(op, REMOVE);
    for (size_t i = 0; (smsr_said_yes(a) || (said && a->last.sw == SW_NOT_FOUND)) && i < t->e->keyset_count; i++)
        if (t->e->keysets[i].retired && t->e->keysets[i].usage == usage)
            t->e->keysets[i].change = ROW_GONE;
    return next_set(t, op);
}

static const struct step steps[STEPS] = {
    [WAITING] = PROCEDURE_WAITS,
    [AUTHENTICATE] = { "authenticate", authenticate, challenged, NULL, TO(AUTHENTICATE) | TO(CREATE), NULL },
    [CREATE] = { "create", create, created, NULL, TO(AUTHENTICATE) | TO(REMOVE), NULL },
    [REMOVE] = { "remove", remove_old, removed, NULL, TO(REMOVE) | TO(HTTPS_AUTHENTICATE), NULL },
    [HTTPS_AUTHENTICATE] = { "https-authenticate", authenticate, challenged, NULL, TO(HTTPS_AUTHENTICATE) | TO(HTTPS_CREATE), NULL },
    [HTTPS_CREATE] = { "https-create", create, created, NULL, TO(HTTPS_AUTHENTICATE) | TO(HTTPS_REMOVE), NULL },
    [HTTPS_REMOVE] = { "https-remove", remove_old, removed, NULL, TO(HTTPS_REMOVE), NULL },
};
const struct procedure SMSR_ROTATE_KEYS = { .name = "rotate-keys",
                                            .steps = steps,
                                            .step_count = STEPS,
                                            .check = check,
                                            .audit = AUDIT_ESTABLISH_ISDR_KEYSET,
                                            .chains = true,
                                            .only_keys = true };

void smsr_rotate_keys_ended(struct turn *t, const struct operation *op)
{
    bool offered = op->secret.len > 0; /* and never taken */
    if (op->procedure == &SMSR_ROTATE_KEYS && smsr_operation_runs(op) && offered)
        smsr_change_neutralise(t, smsr_handover_kvn(op, usage_of(op)));
}

void smsr_rotate_keys(struct turn *t, const struct rotate_keys_event *r)
{
    uint64_t deadline_ms = t->now_ms + 1000ull * r->call.validity_s;
    if (!t->e->known)
        admin_call_refuse(t->out, t->event, 404, "this eUICC is not managed here");
    else if (admin_call_begin(t->rows, t->w, t->out, t->event, &r->call, deadline_ms, &t->need_rows))
        smsr_operation_asked(t, &SMSR_ROTATE_KEYS, &r->call, deadline_ms);
}
