#include "isdr.h"

#include "euicc/agent/agent.h"
#include "euicc/agent/cat_tp_agent.h"
#include "euicc/ecasd/ecasd.h"
#include "euicc/imsi/imsi.h"
#include "euicc/notify/notify.h"
#include "keyset.h"
#include "sms.h"

/* [?] SGP.02 leaves all of these to the implementation. */
const struct euicc_timing isdr_timing_default = {
    .attach_guard_s = 20 * 60,
    .notification_interval_s = 60 * 60,
    .notification_tries = 3,
    .fallback_s = 5 * 60,
    .session_idle_s = 2 * 60,
    .refresh_retry_s = 30,
    .poll_interval_s = 30,
    .retry_wait_s = 30,
};

#define TIMING_FIELDS 8u
#define NOTED_KVNS    2u /* SCP80, SCP81 */

/* ---- timing ---- */

static void timing_fields(struct euicc_timing *t, uint32_t *fields[TIMING_FIELDS])
{
    fields[0] = &t->attach_guard_s;
    fields[1] = &t->notification_interval_s;
    fields[2] = &t->notification_tries;
    fields[3] = &t->fallback_s;
    fields[4] = &t->session_idle_s;
    fields[5] = &t->refresh_retry_s;
    fields[6] = &t->poll_interval_s;
    fields[7] = &t->retry_wait_s;
}

static enum err timing_store(struct card *card, const struct euicc_personalisation *p)
{
    struct euicc_timing asked = p->timing, filled = isdr_timing_default;
    uint32_t *from[TIMING_FIELDS], *to[TIMING_FIELDS];
    WRITER_ON_STACK(w, 4u * TIMING_FIELDS + 1u);
    timing_fields(&asked, from);
    timing_fields(&filled, to);
    for (size_t i = 0; i < TIMING_FIELDS; i++)
        wr_u32(&w, *from[i] ? *from[i] : *to[i]);
    wr_u8(&w, p->notify_https_first);
    return objects_put(card->objects, ISDR_KEY(ISDR_TIMING), wr_span(&w));
}

static enum err timing_load(struct card *card)
{
    struct isdr *isdr = card->isdr;
    uint8_t stored[4u * TIMING_FIELDS + 1u];
    uint32_t *fields[TIMING_FIELDS];
    isdr->timing = isdr_timing_default;
    enum err err = objects_read(card->objects, ISDR_KEY(ISDR_TIMING), 0, stored, sizeof stored);
    if (err == ERR_NOT_FOUND)
        return ERR_NONE;
    if (err != ERR_NONE)
        return err;
    struct reader r = rd_of(SPAN_OF(stored));
    timing_fields(&isdr->timing, fields);
    for (size_t i = 0; i < TIMING_FIELDS; i++)
        *fields[i] = rd_u32(&r);
    isdr->https_first = rd_u8(&r) != 0;
    return r.err;
}

/* ---- which key set the card uses by itself ---- */

static bool noted_kvns(struct card *card, uint8_t kvns[NOTED_KVNS])
{
    memset(kvns, 0, NOTED_KVNS);
    return objects_read(card->objects, ISDR_KEY(ISDR_USED_KVN), 0, kvns, NOTED_KVNS) == ERR_NONE;
}

uint8_t isdr_used_kvn(struct card *card, uint8_t first, uint8_t last)
{
    uint8_t kvns[NOTED_KVNS];
    if (noted_kvns(card, kvns))
        for (size_t i = 0; i < NOTED_KVNS; i++)
            if (kvns[i] >= first && kvns[i] <= last && keyset_exists(card, kvns[i]))
                return kvns[i];
    return keyset_next(card, first, last);
}

void isdr_note_kvn(struct card *card, uint8_t kvn)
{
    uint8_t kvns[NOTED_KVNS];
    size_t place = kvn_is_scp80(kvn) ? 0 : 1;
    if (noted_kvns(card, kvns) && kvns[place] == kvn)
        return;
    kvns[place] = kvn;
    card_begin(card);
    if (objects_put(card->objects, ISDR_KEY(ISDR_USED_KVN), SPAN_OF(kvns)) != ERR_NONE)
        card_rollback(card);
    else if (card_commit(card) != ERR_NONE)
        log_fact(card->env.log, LOG_WARN_, NULL, "the key set in use could not be noted");
}

/* ---- factory ---- */

static enum err keys_store(struct card *card, const struct euicc_key_set *from)
{
    struct keyset set = { .kvn = from->kvn, .count = from->key_count };
    if (from->key_count > KEYSET_KEYS_MAX || !(kvn_is_scp80(from->kvn) || kvn_is_scp81(from->kvn)))
        return ERR_BAD_VALUE;
    for (size_t i = 0; i < set.count; i++) {
        const struct euicc_key *k = &from->keys[i];
        if (k->len != 16 && k->len != 24 && k->len != 32)
            return ERR_BAD_LENGTH;
        set.keys[i] = (struct keyset_key){ .kid = k->kid, .type = k->type, .len = k->len };
        memcpy(set.keys[i].value, k->value, k->len);
    }
    enum err err = keyset_write(card, &set, from->counter);
    wipe(&set, sizeof set);
    return err;
}

static void transport_write(struct writer *w, uint8_t kind, uint16_t port)
{
    const uint8_t transport[3] = { kind, (uint8_t)(port >> 8), (uint8_t)port };
    wr_tlv(w, 0x3C, SPAN_OF(transport));
}

/* The objects of OPEN CHANNEL. */
static void connection_write(struct writer *w, const struct euicc_personalisation *p, uint8_t kind, uint16_t port,
                             const uint8_t ipv4[4])
{
    const uint8_t address[5] = { 0x21, ipv4[0], ipv4[1], ipv4[2], ipv4[3] };
    wr_tlv(w, 0x35, p->smsr.bearer.len ? p->smsr.bearer : SPAN_LIT("\x03"));
    if (p->smsr.network_access_name.len)
        wr_tlv(w, 0x47, p->smsr.network_access_name);
    transport_write(w, kind, port);
    wr_tlv(w, 0x3E, SPAN_OF(address));
}

/* A4: the UDP channel, and the port of the link. */
static void cat_tp_write(struct writer *w, const struct euicc_personalisation *p)
{
    connection_write(w, p, TRANSPORT_UDP, p->smsr.cat_tp_udp_port, p->smsr.cat_tp_ipv4);
    transport_write(w, TRANSPORT_LINK, p->smsr.cat_tp_port);
}

/* A5: connection parameters as in a trigger's 84, and the HTTP POST parameters of its 89. */
static void https_write(struct writer *w, const struct euicc_personalisation *p)
{
    size_t mark = wr_tlv_open(w, 0x84);
    connection_write(w, p, TRANSPORT_TCP, p->smsr.https_port, p->smsr.https_ipv4);
    wr_tlv_close(w, mark);
    mark = wr_tlv_open(w, 0x89);
    if (p->smsr.https_host.len)
        wr_tlv(w, 0x8A, p->smsr.https_host);
    if (p->smsr.https_agent_id.len)
        wr_tlv(w, 0x8B, p->smsr.https_agent_id);
    if (p->smsr.https_uri.len)
        wr_tlv(w, 0x8C, p->smsr.https_uri);
    wr_tlv_close(w, mark);
}

static enum err addresses_store(struct card *card, const struct euicc_personalisation *p)
{
    WRITER_ON_STACK(https, ISDR_ADDRESSING_MAX);
    WRITER_ON_STACK(cat_tp, ISDR_ADDRESSING_MAX);
    struct es5_addressing a = { .sms = { .len = 0 } };
    struct span number = p->smsr.sms_tp_da;
    if (number.len > TP_ADDRESS_MAX)
        return ERR_TOO_LONG;
    a.sms.len = (uint8_t)number.len;
    if (number.len)
        memcpy(a.sms.octets, number.ptr, number.len);
    if (p->smsr.https_port) {
        https_write(&https, p);
        if (https.err != ERR_NONE)
            return https.err;
        a.https = wr_span(&https);
    }
    if (p->smsr.cat_tp_udp_port) {
        cat_tp_write(&cat_tp, p);
        if (cat_tp.err != ERR_NONE)
            return cat_tp.err;
        a.cat_tp = wr_span(&cat_tp);
    }
    return isdr_addressing_update(card, &a);
}

static enum err module_manufacture(struct card *card, const struct euicc_personalisation *p, struct writer *response)
{
    (void)response;
    enum err err = timing_store(card, p);
    if (err == ERR_NONE)
        err = ecasd_manufacture(card, p);
    for (size_t i = 0; err == ERR_NONE && i < p->isdr_key_set_count; i++)
        err = keys_store(card, &p->isdr_keys[i]);
    return err == ERR_NONE ? addresses_store(card, p) : err;
}

/* ---- life ---- */

enum err isdr_reload(struct card *card)
{
    enum err err = registry_load(card);
    return err == ERR_NONE ? switch_load(card) : err;
}

enum err isdr_change_end(struct card *card, enum err err)
{
    if (err == ERR_NONE)
        err = card_commit(card);
    else
        card_rollback(card);
    if (err == ERR_NONE || isdr_reload(card) == ERR_NONE)
        return err;
    log_fact(card->env.log, LOG_ERROR_, NULL, "card memory cannot be read");
    return ERR_IO;
}

static enum err module_open(struct card *card)
{
    card->isdr = CARD_NEW(card, struct isdr);
    card->notify = CARD_NEW(card, struct notify);
    card->agent = CARD_NEW(card, struct agent);
    if (!card->isdr || !card->notify || !card->agent)
        return ERR_NO_MEMORY;
    card->agent->deadline_ms = card->notify->sms.again_ms = UINT64_MAX;
    card->isdr->rules.after_ms = UINT64_MAX;
    resolver_open(card);
    card->isdr->sw.deadline_ms = card->isdr->sw.lost_since_ms = SWITCH_NEVER;
    enum err err = cat_tp_agent_open(card);
    if (err == ERR_NONE)
        err = timing_load(card);
    return err == ERR_NONE ? switch_load(card) : err;
}

static void sessions_end(struct card *card)
{
    sd_session_end(&card->isdr->sms);
    sd_session_end(&card->isdr->local);
    isdr_sms_forget(card);
    card->isdr->looking = false;
    card->isdr->rules = (struct switch_rules){ .after_ms = UINT64_MAX };
    card->isdr->polling = POLLING_AS_IT_LIKES;
    sms_out_reset(card);
    agent_reset(card);
    cat_tp_agent_reset(card);
}

static void module_power_on(struct card *card)
{
    sessions_end(card);
    chain_resume(card, &card->isdr->sms);
    switch_reset(card);
}

static void module_close(struct card *card)
{
    if (!card->isdr || !card->notify || !card->agent || !card->cat_tp)
        return;
    sessions_end(card);
    wipe(card->isdr, sizeof *card->isdr);
}

/* ---- the terminal ---- */

static void imei_told(struct card *card, void *context, const struct terminal_response *response)
{
    (void)context;
    struct span imei;
    if (response->end == PROACTIVE_ANSWERED && result_is_done(response->result) &&
        ctlv_find(response->body, 0x14, &imei) && imei.len == sizeof card->imei) {
        memcpy(card->imei, imei.ptr, sizeof card->imei);
        card->has_imei = true;
    }
}

static void location_told(struct card *card, void *context, const struct terminal_response *response)
{
    (void)context;
    struct span location;
    if (response->end == PROACTIVE_RESET)
        return;
    card->isdr->looking = false;
    bool told = result_is_done(response->result) && ctlv_find(response->body, 0x13, &location);
    bool normal = told && response->result == RESULT_OK;
    if (normal)
        switch_service(card, true);
    imsi_location(card, normal ? IMSI_SERVED : told ? IMSI_REFUSED : IMSI_NO_SERVICE, told ? location : SPAN_NONE);
}

static void look_at_network(struct card *card)
{
    struct isdr *isdr = card->isdr;
    if (!isdr->looking && !isdr->sw.serviced)
        isdr->looking = proactive_local_info(card, 0x00, location_told, NULL) == ERR_NONE;
}

/* Polling is for what no event tells: while we wait for a time of our own, or for the network from a terminal that does
 * not report it. Otherwise the device may sleep. */
static void polling_adjust(struct card *card, uint64_t wake_ms)
{
    struct isdr *isdr = card->isdr;
    bool wanted = wake_ms != UINT64_MAX || !isdr->sw.serviced;
    if (!terminal_is_ready(card) || isdr->polling == (wanted ? POLLING_ASKED : POLLING_OFF) || !proactive_is_idle(card))
        return;
    enum err err = wanted ? proactive_poll_interval(card, isdr->timing.poll_interval_s, NULL, NULL)
                          : proactive_push(card, PROACTIVE_POLLING_OFF, 0, DEVICE_TERMINAL, SPAN_NONE, NULL, NULL);
    if (err != ERR_BUSY) /* a terminal without polling is not asked again */
        isdr->polling = wanted ? POLLING_ASKED : POLLING_OFF;
}

static void module_terminal_ready(struct card *card)
{
    uint32_t rejection = imsi_has_several(card) ? 1u << EVENT_NETWORK_REJECTION : 0;
    proactive_want_events(card, 1u << EVENT_LOCATION_STATUS | 1u << EVENT_DATA_AVAILABLE | 1u << EVENT_CHANNEL_STATUS |
                                    rejection);
    polling_adjust(card, 0);
    enum err err = proactive_local_info(card, 0x01, imei_told, NULL);
    if (err != ERR_NONE)
        log_fact(card->env.log, LOG_DEBUG_, NULL, "terminal tells no IMEI: %s", err_text(err));
    switch_terminal_ready(card);
    rules_start(card);
    look_at_network(card);
}

static void module_status(struct card *card) { look_at_network(card); }

static void module_event(struct card *card, enum cat_event event, struct span body)
{
    struct span status;
    if (event == EVENT_DATA_AVAILABLE || event == EVENT_CHANNEL_STATUS)
        cat_tp_agent_event(card, event, body);
    if (event == EVENT_DATA_AVAILABLE)
        agent_data_available(card, body);
    else if (event == EVENT_CHANNEL_STATUS)
        agent_channel_status(card, body);
    else if (event == EVENT_LOCATION_STATUS && ctlv_find(body, 0x1B, &status) && status.len == 1)
        switch_service(card, status.ptr[0] == 0x00);
}

/* Short messages on their way, parts of one, a session and its next try, a question to the terminal: not now. */
static bool module_may_suspend(struct card *card)
{
    const struct isdr *isdr = card->isdr;
    return switch_may_suspend(card) && !isdr->looking && !isdr->reassembly && card->notify->sms.count == 0 &&
           card->agent->deadline_ms == UINT64_MAX && !agent_is_open(card) && !cat_tp_is_busy(card);
}

static void module_suspend(struct card *card, struct writer *w)
{
    wr_u8(w, (uint8_t)card->isdr->polling);
    switch_suspend(card, w);
    rules_suspend(card, w);
}

static void module_resume(struct card *card, struct reader *r)
{
    card->isdr->polling = rd_u8(r);
    switch_resume(card, r);
    rules_resume(card, r);
}

static uint64_t module_idle(struct card *card, uint64_t now_ms)
{
    uint64_t wake = switch_idle(card, now_ms), other = sms_out_idle(card, now_ms);
    if (other < wake)
        wake = other;
    other = agent_idle(card, now_ms);
    wake = other < wake ? other : wake;
    other = cat_tp_agent_idle(card, now_ms);
    wake = other < wake ? other : wake;
    polling_adjust(card, wake);
    other = rules_idle(card, now_ms);
    return other < wake ? other : wake;
}

static void module_timer(struct card *card, uint8_t id, struct span body)
{
    (void)body;
    cat_tp_agent_timer(card, id);
}

void isdr_bearer_idle(struct card *card)
{
    if (!agent_is_open(card) && !cat_tp_is_busy(card))
        switch_release(card);
}

/* ---- SELECT and commands on the terminal's channels ---- */

static uint16_t applet_select(struct card *card, struct channel *channel, const struct command *cmd, struct writer *rsp)
{
    struct sd_target t = sd_by_aid(card, aid_span(&channel->selected));
    sd_session_begin(&card->isdr->local, SD_BY_TERMINAL, 0, t);
    if ((cmd->apdu.p2 & 0x0C) == 0x0C) /* no data wanted */
        return SW_OK;
    size_t fci = wr_tlv_open(rsp, 0x6F);
    wr_tlv(rsp, 0x84, aid_span(&channel->selected));
    wr_tlv(rsp, 0xA5, SPAN_LIT("\x9F\x65\x01\xFF"));
    wr_tlv_close(rsp, fci);
    return SW_OK;
}

static void applet_deselect(struct card *card, struct channel *channel)
{
    (void)channel;
    sd_session_end(&card->isdr->local);
}

/* Local access is for reading public data only: everything else wants a secure channel. */
static uint16_t applet_get_data(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct sd_session *s = &card->isdr->local;
    s->target = sd_by_aid(card, aid_span(&cmd->channel->selected));
    return sd_run(s->target.kind == SD_ECASD ? ecasd_rules : isdr_rules, card, s, &cmd->apdu, rsp);
}

static uint16_t applet_refuse(struct card *card, const struct command *cmd, struct writer *rsp)
{
    (void)card, (void)cmd, (void)rsp;
    return SW_SECURITY_STATUS;
}

/* The ECASD takes nothing from the terminal. */
static uint16_t applet_store_data(struct card *card, const struct command *cmd, struct writer *rsp)
{
    bool isdr = span_eq(aid_span(&cmd->channel->selected), aid_span(&AID_ISDR));
    return isdr ? isdr_local_command(card, cmd, rsp) : SW_SECURITY_STATUS;
}

static const struct apdu_rule sd_rules[] = {
    { 0x80, INS_GET_DATA, CASE_2 | CASE_4, SEC_NONE, applet_get_data },
    { 0x80, INS_STORE_DATA, CASE_ANY, SEC_NONE, applet_store_data },
    { 0x80, INS_INSTALL, CASE_ANY, SEC_NONE, applet_refuse },
    { 0x80, INS_DELETE, CASE_ANY, SEC_NONE, applet_refuse },
    { 0x80, INS_GET_STATUS, CASE_ANY, SEC_NONE, applet_refuse },
};
static const struct applet isdr_applet = { "ISD-R", sd_rules, ARRAY_LEN(sd_rules), applet_select, applet_deselect };
static const struct applet ecasd_applet = { "ECASD", sd_rules, ARRAY_LEN(sd_rules), applet_select, applet_deselect };

/* The full names only: a partial one would hide the profile's applications. */
static const struct applet *module_find(struct card *card, struct span aid, unsigned nth, struct aid *ret_full)
{
    (void)card;
    bool isdr = span_eq(aid, aid_span(&AID_ISDR)), ecasd = span_eq(aid, aid_span(&AID_ECASD));
    if (nth > 0 || !(isdr || ecasd))
        return NULL;
    *ret_full = isdr ? AID_ISDR : AID_ECASD;
    return isdr ? &isdr_applet : &ecasd_applet;
}

const struct card_module isdr_module = {
    .name = "isdr",
    .open = module_open,
    .manufacture = module_manufacture,
    .power_on = module_power_on,
    .find = module_find,
    .terminal_ready = module_terminal_ready,
    .status = module_status,
    .sms_pp = isdr_sms_pp,
    .event = module_event,
    .timer = module_timer,
    .idle = module_idle,
    .may_suspend = module_may_suspend,
    .suspend = module_suspend,
    .resume = module_resume,
    .close = module_close,
};
