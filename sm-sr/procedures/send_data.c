#include "send_data.h"

#include "lib/gp/ram_script.h"
#include "sm-sr/channel/exchange.h"
#include "sm-sr/rules.h"
#include "sm-sr/turn.h"
#include "switch.h"

enum { WAITING, SEND, STEPS };

static bool is_item(uint32_t tag)
{
    return tag == RAM_TAG_CAPDU || tag == RAM_TAG_CHAINING ||
           (tag >= RAM_TAG_SCP03T_INITIALIZE_UPDATE && tag <= RAM_TAG_SCP03T_REPLACE_KEYS);
}

static bool all_items(struct span data)
{
    struct reader r = rd_of(data);
    struct tlv tlv;
    bool good = data.len > 0;
    while (good && tlv_next(&r, &tlv))
        good = is_item(tlv.tag);
    return good && r.err == ERR_NONE;
}

/* Octets of the C-APDU that begins here: a 00 behind the data is its Le when another command or nothing follows it. */
static size_t capdu_len(struct span s)
{
    if (s.len < 5)
        return s.len == 4 ? 4 : 0;
    size_t len = 5u + s.ptr[4];
    if (len > s.len)
        return 0;
    bool le = s.len > len && s.ptr[len] == 0x00 && s.ptr[4] && (s.len == len + 1 || (s.ptr[len + 1] & 0xF0) == 0x80);
    return le ? len + 1 : len;
}

static enum err apdus_to_items(struct span data, struct arena *a, struct span *ret)
{
    struct writer w = wr_arena(a, 2 * data.len + 16);
    while (data.len) {
        size_t len = capdu_len(data);
        if (!len || (data.ptr[0] & 0xF0) == 0x90)
            return ERR_BAD_VALUE;
        wr_tlv(&w, RAM_TAG_CAPDU, span_sub(data, 0, len));
        data = span_from(data, len);
    }
    if (w.err == ERR_NONE)
        *ret = wr_span(&w);
    return w.err;
}

enum err smsr_items_of(struct span data, struct arena *a, struct span *ret_items, bool *ret_apdus)
{
    *ret_apdus = false;
    if (all_items(data)) {
        *ret_items = data;
        return ERR_NONE;
    }
    *ret_apdus = true;
    return data.len ? apdus_to_items(data, a, ret_items) : ERR_BAD_VALUE;
}

struct span smsr_items_cut(struct span items, size_t room)
{
    struct reader r = rd_of(items);
    struct tlv tlv;
    size_t len = 0;
    while (tlv_next(&r, &tlv) && (len == 0 || len + tlv.raw.len <= room))
        len += tlv.raw.len;
    return span_sub(items, 0, len);
}

struct aid smsr_items_target(struct span items, const struct aid *sd)
{
    struct reader r = rd_of(items);
    struct tlv tlv;
    struct capdu c;
    while (tlv_next(&r, &tlv))
        if (tlv.tag == RAM_TAG_CAPDU)
            return capdu_parse(tlv.val, &c) == ERR_NONE && c.cla == CLA_GP &&
                           (c.ins == INS_INSTALL || c.ins == INS_STORE_DATA)
                       ? AID_ISDR
                       : *sd;
        else if (tlv.tag != RAM_TAG_CHAINING)
            return *sd;
    return *sd;
}

static int send(struct turn *t, struct operation *op)
{
    struct span items = smsr_items_cut(op->data, smsr_script_room(t) - 16);
    struct aid target = smsr_items_target(items, &op->isdp);
    op->data = span_from(op->data, items.len);
    op->data_changed = true;
    enum err err = smsr_exchange_send(t, op, EXCHANGE_COMMAND, &target, items, NULL, true);
    return err == ERR_NONE ? NEXT_STAY : smsr_send_failed(op, err);
}

static bool item_failed(const struct ram_item *item)
{
    struct rapdu rapdu;
    if (item->tag == RAM_TAG_RAPDU)
        return rapdu_parse(item->value, &rapdu) != ERR_NONE || !sw_is_positive(rapdu.sw);
    return item->tag == RAM_TAG_BAD_FORMAT || item->tag == RAM_TAG_CHAINING ||
           (item->tag & 0xFF00) == RAM_TAG_SCP03T_ERROR;
}

/* The card's items behind what came before; true when one of them says that it failed. */
static bool collect(struct turn *t, struct operation *op, const struct card_answer *a)
{
    struct writer w = wr_arena(t->arena, op->result.len + a->script.len);
    struct ram_reader r;
    struct ram_item item;
    bool failed = a->broken;
    wr_bytes(&w, op->result);
    if (ram_results_open(&r, a->script) == ERR_NONE)
        while (ram_results_next(&r, &item)) {
            failed = failed || item_failed(&item);
            wr_bytes(&w, op->flags & OPERATION_APDUS ? item.value : item.raw);
        }
    op->result = wr_span(&w);
    smsr_operation_changed(op);
    return failed;
}

/* What the chain held is not to be relied on any more. */
static int failed(struct turn *t, struct operation *op, enum reason reason, const char *why)
{
    t->e->chain.len = 0;
    t->e->changed = true;
    return smsr_operation_fail(op, reason, "", why);
}

static int sent(struct turn *t, struct operation *op, const struct card_answer *a)
{
    if (a->outcome == CARD_UNSURE)
        return failed(t, op, REASON_NO_RESPONSE, "the answer of the card is lost");
    if (a->outcome == CARD_REFUSED)
        return failed(t, op, REASON_ISDR_FAILED, a->why);
    if (collect(t, op, a))
        return failed(t, op, REASON_ISDP_FAILED, "the card answered with an error: see its response");
    if (op->data.len)
        return SEND;
    op->status = status_success();
    return NEXT_END;
}

static const struct step steps[STEPS] = {
    [WAITING] = PROCEDURE_WAITS,
    [SEND] = { "send", send, sent, NULL, TO(SEND) },
};

static struct status sd_unknown(struct turn *t, const struct aid *sd)
{
    char text[AID_TEXT_SIZE];
    const struct query *q = SMSR_ASK(t, &SMSR_FIND_BY_AID, value_blob(aid_span(sd)));
    if (q && q->row_count && row_int(&q->rows[0], 0))
        return status_failed(REASON_SD_WRONG_EUICC, aid_text(sd, text), "not a security domain of this eUICC");
    return status_failed(REASON_SD_UNKNOWN, aid_text(sd, text), "no such security domain");
}

static struct status check(struct turn *t, struct operation *op)
{
    char text[AID_TEXT_SIZE];
    if (aid_eq(&op->isdp, &AID_ISDR))
        return smsr_may_see(t, op->function, &op->requester)
                   ? status_success()
                   : status_failed(REASON_SEND_NOT_ALLOWED, "", "not yours");
    const struct profile *p = smsr_profile_by_aid(t->e, &op->isdp);
    if (!p || p->info.state == PROFILE_IN_CREATION)
        return sd_unknown(t, &op->isdp);
    if (!smsr_may_manage(t, op->function, &op->requester, p))
        return status_failed(REASON_SEND_NOT_ALLOWED, aid_text(&op->isdp, text), "the ISD-P is another SM-DP's");
    op->iccid = p->info.iccid;
    return status_success();
}

const struct procedure SMSR_SEND_DATA = {
    .name = "send-data", .steps = steps, .step_count = STEPS, .check = check, .chains = true
};
