#include "isdr.h"

#include "euicc/isdp/applications.h"
#include "euicc/isdp/install.h"
#include "lib/scp/key_establishment.h"
#include "lib/base/mutant.h"

void sd_session_end(struct sd_session *s)
{
    install_free(s->install);
    wipe(s, sizeof *s);
}

void sd_session_begin(struct sd_session *s, enum sd_bearer bearer, uint8_t kvn, struct sd_target target)
{
    sd_session_end(s);
    s->bearer = bearer;
    s->kvn = kvn;
    s->target = target;
}

bool sd_same_target(const struct sd_target *a, const struct sd_target *b)
{
    return a->kind == b->kind && a->slot == b->slot && a->tar == b->tar && a->sd == b->sd;
}

void sd_session_target(struct sd_session *s, struct sd_target target)
{
    if (sd_same_target(&s->target, &target))
        return;
    s->target = target;
    s->forward = (struct sd_target){ 0 };
    s->collected_len = 0;
    wipe(&s->establishment, sizeof s->establishment);
}

struct sd_target sd_by_aid(struct card *card, struct span aid)
{
    if (span_eq(aid, aid_span(&AID_ISDR)))
        return (struct sd_target){ SD_ISDR, 0, 0, 0 };
    if (span_eq(aid, aid_span(&AID_ECASD)))
        return (struct sd_target){ SD_ECASD, 0, 0, 0 };
    const struct isdp *isdp = registry_find(card, aid);
    return isdp ? (struct sd_target){ SD_ISDP, isdp->slot, 0, 0 } : (struct sd_target){ 0 };
}

struct sd_target sd_of_rfm(struct card *card, uint16_t slot, const struct application_rfm *rfm,
                           const uint8_t tar[TAR_LEN])
{
    unsigned sd = 0;
    if (rfm->sd.len && application_sd_by_aid(card->objects, (uint8_t)slot, aid_span(&rfm->sd), &sd) != ERR_NONE)
        return (struct sd_target){ 0 };
    return (struct sd_target){ SD_RFM, slot, (uint32_t)tar[0] << 16 | (uint32_t)tar[1] << 8 | tar[2], (uint8_t)sd };
}

/* What the enabled profile has under this TAR: its MNO-SD, which also is the ISD (TAR 000000), another security domain,
 * or an RFM instance. */
static struct sd_target profile_by_tar(struct card *card, uint32_t number, struct span tar)
{
    const struct isdp *isdp = registry_enabled(card);
    struct application_rfm rfm;
    unsigned sd = 0;
    if (!isdp)
        return (struct sd_target){ 0 };
    if (number == TAR_MNOSD || application_sd_by_tar(card->objects, (uint8_t)isdp->slot, tar, &sd) == ERR_NONE)
        return (struct sd_target){ SD_MNOSD, isdp->slot, 0, (uint8_t)sd };
    if (application_rfm_by_tar(card->objects, (uint8_t)isdp->slot, tar, &rfm) == ERR_NONE)
        return sd_of_rfm(card, isdp->slot, &rfm, tar.ptr);
    return (struct sd_target){ 0 };
}

struct sd_target sd_by_tar(struct card *card, const uint8_t tar[TAR_LEN])
{
    uint32_t number = (uint32_t)tar[0] << 16 | (uint32_t)tar[1] << 8 | tar[2];
    const struct isdp *isdp;
    if (number == TAR_ISDR)
        return (struct sd_target){ SD_ISDR, 0, 0, 0 };
    if (number >= ISDP_TAR_FIRST && number <= ISDP_TAR_LAST) {
        isdp = registry_by_tar(card, (struct span){ tar, TAR_LEN });
        return isdp ? (struct sd_target){ SD_ISDP, isdp->slot, 0, 0 } : (struct sd_target){ 0 };
    }
    return profile_by_tar(card, number, (struct span){ tar, TAR_LEN });
}

/* ---- one command ---- */

uint16_t sd_run(const struct sd_rule *rules, struct card *card, struct sd_session *s, const struct capdu *c,
                struct writer *data)
{
    for (; rules->run; rules++)
        if (rules->ins == c->ins)
            return rules->run(card, s, c, data);
    return SW_WRONG_INS;
}

static uint16_t sd_command(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data)
{
    if (s->target.kind == SD_ISDP)
        return isdp_command(card, s, c, data);
    if ((c->cla & 0xFC) != CLA_GP)
        return SW_WRONG_CLA;
    switch (s->target.kind) {
    case SD_ISDR:
        return sd_run(isdr_rules, card, s, c, data);
    case SD_ECASD:
        return sd_run(ecasd_rules, card, s, c, data);
    case SD_MNOSD:
        return sd_run(mnosd_rules, card, s, c, data);
    default:
        return SW_FILE_NOT_FOUND;
    }
}

void sd_apdu(struct card *card, struct sd_session *s, struct span capdu, struct writer *ret)
{
    WRITER_ON_STACK(data, SD_ANSWER_MAX);
    struct capdu c;
    bool known = capdu.len && ((capdu.ptr[0] & 0xFC) == CLA_GP || s->target.kind == SD_RFM);
    uint16_t sw = known ? SW_WRONG_LENGTH : SW_WRONG_CLA; /* the class is looked at before the lengths */
    if (s->target.kind == SD_RFM)
        sw = rfm_command(card, s, capdu, &data);
    else if (capdu_parse(capdu, &c) == ERR_NONE)
        sw = sd_command(card, s, &c, &data);
    if (data.err != ERR_NONE)
        sw = SW_NO_DIAGNOSIS;
    if (sw_is_positive(sw))
        wr_bytes(ret, wr_span(&data));
    wr_u16(ret, sw);
}

/* ---- STORE DATA blocks ---- */

/* Whole DGIs, and for 3A02 also the 7F49 and 5F37 that belong to it. */
static bool dgis_complete(struct span dgis)
{
    struct reader r = rd_of(dgis);
    struct tlv t, last = { 0 };
    bool parameters = false;
    while (dgi_next(&r, &t)) {
        parameters = parameters || t.tag == KA_DGI_PARAMETERS;
        last = t;
    }
    return r.err == ERR_NONE && last.tag && (!parameters || last.tag == 0x5F37);
}

uint16_t sd_collect(struct sd_session *s, const struct capdu *c, struct span *ret_dgis)
{
    struct store_data block;
    *ret_dgis = SPAN_NONE;
    if (store_data_parse(c, &block) != ERR_NONE || !block.dgi)
        return SW_WRONG_P1P2;
    if (block.data.len == 0)
        return SW_WRONG_DATA;
    if (block.data.len > sizeof s->collected - s->collected_len) {
        s->collected_len = 0;
        return SW_NO_MEMORY;
    }
    memcpy(s->collected + s->collected_len, block.data.ptr, block.data.len);
    s->collected_len = (uint16_t)(s->collected_len + block.data.len);
    struct span all = { s->collected, s->collected_len };
    if (dgis_complete(all)) {
        s->collected_len = 0;
        *ret_dgis = all;
        return SW_OK;
    }
    if (!block.last && !MUTANT(takes_whole_blocks_only))
        return SW_OK;
    s->collected_len = 0;
    return SW_WRONG_DATA;
}

/* ---- scripts ---- */

static bool script_stops_at(struct writer *rapdu)
{
    return rapdu->len < 2 || !sw_is_positive((uint16_t)(rapdu->buf[rapdu->len - 2] << 8 | rapdu->buf[rapdu->len - 1]));
}

/* false: the chain is broken and the script is not executed. */
static bool script_chaining(struct sd_session *s, struct span value, struct ram_answer *answer)
{
    uint8_t error = 0, link = value.len == 1 ? value.ptr[0] : 0;
    if (link == RAM_CHAIN_FIRST || link == RAM_CHAIN_FIRST_KEPT) {
        s->chained = !MUTANT(forgets_the_chain);
        s->kept = link == RAM_CHAIN_FIRST_KEPT;
    } else if (link != RAM_CHAIN_NEXT && link != RAM_CHAIN_LAST) {
        error = RAM_CHAIN_UNSUPPORTED;
    } else if (!s->chained) {
        error = RAM_CHAIN_NO_PREVIOUS;
    } else {
        s->chained = link == RAM_CHAIN_NEXT;
    }
    if (error)
        ram_answer_item(answer, RAM_TAG_CHAINING, (struct span){ &error, 1 });
    return error == 0;
}

/* false: the script ends here. */
static bool script_item(struct card *card, struct sd_session *s, const struct ram_item *item, struct ram_answer *answer)
{
    switch (item->tag) {
    case RAM_TAG_CAPDU: {
        WRITER_ON_STACK(rapdu, SD_ANSWER_MAX + 2);
        sd_apdu(card, s, item->value, &rapdu);
        ram_answer_rapdu(answer, wr_span(&rapdu));
        return !script_stops_at(&rapdu) || MUTANT(goes_on_after_an_error);
    }
    case RAM_TAG_CHAINING:
        return script_chaining(s, item->value, answer);
    case RAM_TAG_SCP03T_INITIALIZE_UPDATE:
    case RAM_TAG_SCP03T_EXTERNAL_AUTHENTICATE:
    case RAM_TAG_SCP03T_DATA:
    case RAM_TAG_SCP03T_REPLACE_KEYS:
        return isdp_scp03t(card, s, item, answer);
    default: /* immediate and error actions: nothing to act on */
        return true;
    }
}

/* A script that does not go on with a chain ends it: what the chain had kept is forgotten. */
static void script_leave_chain(struct sd_session *s, struct span script)
{
    struct ram_reader r;
    struct ram_item first;
    ram_commands_open(&r, script);
    bool goes_on = ram_commands_next(&r, &first) && first.tag == RAM_TAG_CHAINING && first.value.len == 1 &&
                   (first.value.ptr[0] == RAM_CHAIN_NEXT || first.value.ptr[0] == RAM_CHAIN_LAST);
    if (s->bearer == SD_BY_SMS && s->chained && !goes_on)
        sd_session_begin(s, s->bearer, s->kvn, s->target);
}

void sd_script(struct card *card, struct sd_session *s, struct span script, struct writer *ret)
{
    struct ram_reader r;
    struct ram_answer answer;
    struct ram_item item;
    script_leave_chain(s, script);
    ram_commands_open(&r, script);
    ram_answer_open(&answer, ret, r.format);
    bool goes_on = true;
    while (goes_on && ram_commands_next(&r, &item))
        goes_on = script_item(card, s, &item, &answer);
    if (goes_on && r.bad_format && !MUTANT(passes_over_bad_tags))
        ram_answer_bad_format(&answer, (enum ram_bad_format)r.bad_format);
    ram_answer_close(&answer);
    if (!s->chained)
        rfm_refresh(card, s);
}
