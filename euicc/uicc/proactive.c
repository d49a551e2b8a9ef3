#include "uicc.h"

#include "lib/codec/ber_tlv.h"

#define TERMINAL_PROFILE_MAX 64u

/* Objects, with the comprehension flag where TS 102 223 wants it. */
enum {
    TLV_DETAILS = 0x81,
    TLV_DEVICES = 0x82,
    TLV_DURATION = 0x84,
    TLV_ADDRESS = 0x86,
    TLV_TPDU = 0x8B,
    TLV_EVENTS = 0x99,
    TLV_TIMER_ID = 0xA4,
    TLV_TIMER_VALUE = 0xA5,
    TLV_ALPHA = 0x05,
    TLV_BEARER = 0x35,
    TLV_CHANNEL_DATA = 0xB6,
    TLV_CHANNEL_LEN = 0xB7,
    TLV_BUFFER = 0x39,
    TLV_TRANSPORT = 0x3C,
    TLV_OTHER_ADDRESS = 0x3E,
    TLV_NAN = 0x47,
    TLV_TEXT = 0x0D,
    TLV_CHANNEL_STATUS = 0x38
};

struct command_out {
    uint8_t bytes[PROACTIVE_LEN_MAX];
    uint16_t len;
    uint8_t number, type, qualifier;
    proactive_done *done;
    void *context;
};

struct proactive {
    struct command_out queue[PROACTIVE_QUEUE_MAX]; /* a ring */
    unsigned head, count;
    bool fetched;        /* the head is with the terminal */
    uint8_t last_number; /* 1 … FE */
    uint8_t profile[TERMINAL_PROFILE_MAX];
    size_t profile_len;
    bool ready;
    uint32_t events_wanted, events_asked;
};

enum err proactive_open(struct card *card)
{
    card->proactive = CARD_NEW(card, struct proactive);
    return card->proactive ? ERR_NONE : ERR_NO_MEMORY;
}

static struct command_out *head(struct proactive *p) { return p->count ? &p->queue[p->head] : NULL; }

/* Takes the head out of the queue before its function is called: that may queue the next. */
static struct command_out pop(struct proactive *p)
{
    struct command_out out = p->queue[p->head];
    p->head = (p->head + 1) % PROACTIVE_QUEUE_MAX;
    p->count--;
    p->fetched = false;
    return out;
}

void proactive_reset(struct card *card)
{
    struct proactive *p = card->proactive;
    unsigned waiting = p->count;
    p->ready = false;
    p->profile_len = 0;
    p->events_asked = 0;
    while (waiting--) {
        struct command_out out = pop(p);
        const struct terminal_response r = { .end = PROACTIVE_RESET, .type = out.type, .qualifier = out.qualifier };
        if (out.done)
            out.done(card, out.context, &r);
    }
}

void proactive_suspend(struct card *card, struct writer *w)
{
    const struct proactive *p = card->proactive;
    wr_u8(w, p->ready);
    wr_u8(w, p->last_number);
    wr_u32(w, p->events_asked);
    wr_u8(w, (uint8_t)p->profile_len);
    wr_bytes(w, (struct span){ p->profile, p->profile_len });
    wr_u8(w, card->has_imei);
    wr_bytes(w, SPAN_OF(card->imei));
}

void proactive_resume(struct card *card, struct reader *r)
{
    struct proactive *p = card->proactive;
    p->ready = rd_u8(r) != 0;
    p->last_number = rd_u8(r);
    p->events_asked = rd_u32(r);
    p->profile_len = rd_u8(r) % (TERMINAL_PROFILE_MAX + 1u);
    rd_copy(r, p->profile, p->profile_len);
    card->has_imei = rd_u8(r) != 0;
    rd_copy(r, card->imei, sizeof card->imei);
}

uint16_t proactive_announced_len(const struct card *card)
{
    const struct proactive *p = card->proactive;
    return p->count && !p->fetched && p->ready ? p->queue[p->head].len : 0;
}

bool proactive_is_idle(const struct card *card) { return card->proactive->count == 0; }
bool terminal_is_ready(const struct card *card) { return card->proactive->ready; }

bool terminal_has(const struct card *card, unsigned octet, unsigned bit)
{
    const struct proactive *p = card->proactive;
    return octet >= 1 && octet <= p->profile_len && p->profile[octet - 1] >> (bit - 1) & 1;
}

/* ---- making ---- */

/* The bit of the TERMINAL PROFILE a command needs, TS 102 223 §5.2. */
static bool terminal_can(const struct card *card, uint8_t type)
{
    static const struct {
        uint8_t type, octet, bit;
    } needs[] = {
        { PROACTIVE_REFRESH, 3, 8 },       { PROACTIVE_MORE_TIME, 3, 4 },          { PROACTIVE_POLL_INTERVAL, 3, 6 },
        { PROACTIVE_POLLING_OFF, 3, 7 },   { PROACTIVE_SET_UP_EVENT_LIST, 5, 1 },  { PROACTIVE_SEND_SMS, 4, 2 },
        { PROACTIVE_DISPLAY_TEXT, 3, 1 },  { PROACTIVE_PROVIDE_LOCAL_INFO, 4, 7 }, { PROACTIVE_TIMER, 8, 1 },
        { PROACTIVE_OPEN_CHANNEL, 12, 1 }, { PROACTIVE_CLOSE_CHANNEL, 12, 2 },     { PROACTIVE_RECEIVE_DATA, 12, 3 },
        { PROACTIVE_SEND_DATA, 12, 4 },    { PROACTIVE_CHANNEL_STATUS, 12, 5 },
    };
    for (size_t i = 0; i < ARRAY_LEN(needs); i++)
        if (needs[i].type == type)
            return !card->proactive->ready || terminal_has(card, needs[i].octet, needs[i].bit);
    return false;
}

static void command_write(struct writer *w, const struct command_out *out, uint8_t to, struct span body)
{
    const uint8_t details[] = { TLV_DETAILS, 3, out->number, out->type, out->qualifier };
    const uint8_t devices[] = { TLV_DEVICES, 2, DEVICE_UICC, to };
    size_t mark = wr_tlv_open(w, 0xD0);
    wr_bytes(w, SPAN_OF(details));
    wr_bytes(w, SPAN_OF(devices));
    wr_bytes(w, body);
    wr_tlv_close(w, mark);
}

enum err proactive_push(struct card *card, enum proactive_type type, uint8_t qualifier, uint8_t to, struct span body,
                        proactive_done *done, void *context)
{
    struct proactive *p = card->proactive;
    if (p->count == PROACTIVE_QUEUE_MAX)
        return ERR_BUSY;
    if (!terminal_can(card, type))
        return ERR_UNSUPPORTED;
    struct command_out *out = &p->queue[(p->head + p->count) % PROACTIVE_QUEUE_MAX];
    uint8_t number = p->last_number >= 0xFE ? 1 : (uint8_t)(p->last_number + 1);
    *out = (struct command_out){
        .number = number, .type = type, .qualifier = qualifier, .done = done, .context = context
    };
    struct writer w = wr_of(out->bytes, sizeof out->bytes);
    command_write(&w, out, to, body);
    if (w.err != ERR_NONE)
        return ERR_TOO_LONG;
    out->len = (uint16_t)w.len;
    p->last_number = number;
    p->count++;
    return ERR_NONE;
}

enum err proactive_send_sms(struct card *card, struct span service_centre, struct span tpdu, proactive_done *done,
                            void *context)
{
    WRITER_ON_STACK(w, PROACTIVE_LEN_MAX);
    if (service_centre.len)
        wr_tlv(&w, TLV_ADDRESS, service_centre);
    wr_tlv(&w, TLV_TPDU, tpdu);
    if (w.err != ERR_NONE)
        return ERR_TOO_LONG;
    return proactive_push(card, PROACTIVE_SEND_SMS, 0, DEVICE_NETWORK, wr_span(&w), done, context);
}

enum err proactive_refresh(struct card *card, enum refresh_mode mode, proactive_done *done, void *context)
{
    return proactive_push(card, PROACTIVE_REFRESH, (uint8_t)mode, DEVICE_TERMINAL, SPAN_NONE, done, context);
}

enum err proactive_local_info(struct card *card, uint8_t qualifier, proactive_done *done, void *context)
{
    return proactive_push(card, PROACTIVE_PROVIDE_LOCAL_INFO, qualifier, DEVICE_TERMINAL, SPAN_NONE, done, context);
}

/* Duration: unit 01 seconds, 00 minutes. */
enum err proactive_poll_interval(struct card *card, unsigned seconds, proactive_done *done, void *context)
{
    unsigned minutes = (seconds + 59) / 60;
    bool in_seconds = seconds <= 255;
    const uint8_t body[] = { TLV_DURATION, 2, in_seconds,
                             (uint8_t)(in_seconds      ? seconds
                                       : minutes < 255 ? minutes
                                                       : 255) };
    return proactive_push(card, PROACTIVE_POLL_INTERVAL, 0, DEVICE_TERMINAL, SPAN_OF(body), done, context);
}

static uint8_t swapped_bcd(unsigned n) { return (uint8_t)((n % 10) << 4 | (n / 10) % 10); }

enum err proactive_timer(struct card *card, enum timer_operation op, uint8_t id, unsigned seconds, proactive_done *done,
                         void *context)
{
    WRITER_ON_STACK(w, 16);
    if (id < 1 || id > 8 || seconds >= 24 * 3600)
        return ERR_BAD_VALUE;
    const uint8_t hms[] = { swapped_bcd(seconds / 3600), swapped_bcd(seconds / 60 % 60), swapped_bcd(seconds % 60) };
    wr_tlv_u8(&w, TLV_TIMER_ID, id);
    if (op == TIMER_START)
        wr_tlv(&w, TLV_TIMER_VALUE, SPAN_OF(hms));
    return proactive_push(card, PROACTIVE_TIMER, (uint8_t)op, DEVICE_TERMINAL, wr_span(&w), done, context);
}

#define BIP_BUFFER_DEFAULT 1400u

static void wr_optional(struct writer *w, uint32_t tag, struct span value)
{
    if (value.len)
        wr_tlv(w, tag, value);
}

/* The order tells the destination's address (behind the transport level) from a local one (before it). */
enum err proactive_open_channel(struct card *card, const struct bip_open *open, proactive_done *done, void *context)
{
    static const uint8_t default_bearer[] = { 0x03 };
    WRITER_ON_STACK(w, PROACTIVE_LEN_MAX);
    uint16_t size = open->buffer_size ? open->buffer_size : BIP_BUFFER_DEFAULT;
    const uint8_t buffer[] = { (uint8_t)(size >> 8), (uint8_t)size };
    const uint8_t transport[] = { open->transport, (uint8_t)(open->port >> 8), (uint8_t)open->port };
    if (open->alpha.ptr)
        wr_tlv(&w, TLV_ALPHA, open->alpha);
    wr_tlv(&w, TLV_BEARER, open->bearer.len ? open->bearer : SPAN_OF(default_bearer));
    wr_tlv(&w, TLV_BUFFER, SPAN_OF(buffer));
    wr_optional(&w, TLV_NAN, open->network_access_name);
    wr_optional(&w, TLV_TEXT, open->login);
    wr_optional(&w, TLV_TEXT, open->password);
    wr_tlv(&w, TLV_TRANSPORT, SPAN_OF(transport));
    wr_tlv(&w, TLV_OTHER_ADDRESS, open->address);
    if (w.err != ERR_NONE)
        return ERR_TOO_LONG;
    return proactive_push(card, PROACTIVE_OPEN_CHANNEL, open->immediate, DEVICE_TERMINAL, wr_span(&w), done, context);
}

uint8_t proactive_channel_of(const struct terminal_response *response)
{
    struct span status;
    bool there = response->end == PROACTIVE_ANSWERED && result_is_done(response->result) &&
                 ctlv_find(response->body, TLV_CHANNEL_STATUS, &status) && status.len == 2;
    return there ? status.ptr[0] & 7 : 0;
}

size_t proactive_buffer_of(const struct terminal_response *response)
{
    struct span size;
    uint64_t octets = 0;
    bool told = ctlv_find(response->body, TLV_BUFFER, &size) && span_uint(size, &octets) == ERR_NONE;
    return told ? (size_t)octets : 0;
}

size_t proactive_piece_max(const struct terminal_response *response)
{
    size_t octets = proactive_buffer_of(response);
    return octets && octets < PROACTIVE_SEND_MAX ? octets : PROACTIVE_SEND_MAX;
}

bool proactive_event_is_of(struct span body, uint8_t channel, uint8_t *ret_first)
{
    struct span status;
    if (!ctlv_find(body, TLV_CHANNEL_STATUS, &status) || status.len < 1 || (status.ptr[0] & 7) != channel)
        return false;
    *ret_first = status.ptr[0];
    return true;
}

size_t proactive_octets_waiting(struct span body)
{
    struct span len;
    bool told = ctlv_find(body, TLV_CHANNEL_LEN, &len) && len.len == 1 && len.ptr[0];
    return told ? len.ptr[0] : PROACTIVE_RECEIVE_MAX;
}

static uint8_t channel_device(uint8_t channel) { return (uint8_t)(0x20 | channel); }

enum err proactive_close_channel(struct card *card, uint8_t channel, proactive_done *done, void *context)
{
    return proactive_push(card, PROACTIVE_CLOSE_CHANNEL, 0, channel_device(channel), SPAN_NONE, done, context);
}

enum err proactive_send_data(struct card *card, uint8_t channel, bool immediately, struct span data,
                             proactive_done *done, void *context)
{
    WRITER_ON_STACK(w, PROACTIVE_LEN_MAX);
    if (data.len > PROACTIVE_SEND_MAX)
        return ERR_TOO_LONG;
    wr_tlv(&w, TLV_CHANNEL_DATA, data);
    return proactive_push(card, PROACTIVE_SEND_DATA, immediately, channel_device(channel), wr_span(&w), done, context);
}

enum err proactive_receive_data(struct card *card, uint8_t channel, uint8_t len, proactive_done *done, void *context)
{
    const uint8_t body[] = { TLV_CHANNEL_LEN, 1, len };
    return proactive_push(card, PROACTIVE_RECEIVE_DATA, 0, channel_device(channel), SPAN_OF(body), done, context);
}

/* ---- events ---- */

void proactive_want_events(struct card *card, uint32_t events) { card->proactive->events_wanted |= events; }

void proactive_pump(struct card *card)
{
    struct proactive *p = card->proactive;
    WRITER_ON_STACK(w, 2 + 32);
    if (!p->ready || p->events_wanted == p->events_asked)
        return;
    size_t mark = wr_tlv_open(&w, TLV_EVENTS);
    for (uint8_t event = 0; event < 32; event++)
        if (p->events_wanted >> event & 1)
            wr_u8(&w, event);
    wr_tlv_close(&w, mark);
    enum err err = proactive_push(card, PROACTIVE_SET_UP_EVENT_LIST, 0, DEVICE_TERMINAL, wr_span(&w), NULL, NULL);
    if (err != ERR_BUSY) /* a terminal without event lists is not asked again */
        p->events_asked = p->events_wanted;
}

/* ---- the terminal's commands ---- */

uint16_t uicc_terminal_profile(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct proactive *p = card->proactive;
    (void)rsp;
    struct span profile = span_sub(cmd->apdu.data, 0, sizeof p->profile);
    memcpy(p->profile, profile.ptr, profile.len);
    p->profile_len = profile.len;
    p->ready = true;
    p->events_asked = 0;
    for (const struct card_module *const *m = card_modules; *m; m++)
        if ((*m)->terminal_ready)
            (*m)->terminal_ready(card);
    return SW_OK;
}

uint16_t uicc_fetch(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct proactive *p = card->proactive;
    struct command_out *out = head(p);
    if (!out || p->fetched || !p->ready)
        return SW_CONDITIONS;
    if (cmd->apdu.le != 256 && cmd->apdu.le != out->len)
        return 0x6C00 | (out->len & 0xFF);
    wr_bytes(rsp, (struct span){ out->bytes, out->len });
    p->fetched = true;
    return SW_OK;
}

#define LOCAL_INFO_IMEI 0x01u
#define TLV_IMEI        0x14u

static void remember_imei(struct card *card, const struct terminal_response *r)
{
    struct span imei;
    if (r->type != PROACTIVE_PROVIDE_LOCAL_INFO || r->qualifier != LOCAL_INFO_IMEI || !result_is_done(r->result))
        return;
    if (!ctlv_find(r->body, TLV_IMEI, &imei) || imei.len != sizeof card->imei)
        return;
    memcpy(card->imei, imei.ptr, imei.len);
    card->has_imei = true;
}

/* 01 details, 02 devices, 03 result, and what the command asked for. */
static bool response_parse(struct span body, const struct command_out *out, struct terminal_response *ret)
{
    struct span details, result;
    *ret = (struct terminal_response){ PROACTIVE_ANSWERED, out->type, out->qualifier, 0, SPAN_NONE, body };
    if (!ctlv_find(body, 0x01, &details) || details.len != 3 || !ctlv_find(body, 0x03, &result) || result.len == 0)
        return false;
    ret->result = result.ptr[0];
    ret->additional = span_from(result, 1);
    return details.ptr[0] == out->number && details.ptr[1] == out->type;
}

uint16_t uicc_terminal_response(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct proactive *p = card->proactive;
    struct terminal_response r;
    (void)rsp;
    if (!p->fetched)
        return SW_CONDITIONS;
    if (!response_parse(cmd->apdu.data, head(p), &r))
        return SW_WRONG_DATA;
    struct command_out out = pop(p);
    remember_imei(card, &r);
    if (out.done)
        out.done(card, out.context, &r);
    return SW_OK;
}
