#include "modem_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define POLL_DEFAULT_S   30u
#define ATTACH_DEFAULT_S 60u
#define APDU_TURNS_MAX   8u /* 61xx and 6Cxx answered in a row for one command */

struct modem *modem_new(const struct modem_config *config, const struct modem_slot *slot, const struct modem_lines *lines)
{
    struct modem *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->config = *config;
    m->slot = *slot;
    m->lines = *lines;
    if (!m->config.poll_s)
        m->config.poll_s = POLL_DEFAULT_S;
    if (!m->config.attach_retry_s)
        m->config.attach_retry_s = ATTACH_DEFAULT_S;
    m->coverage = true;
    return m;
}

void modem_free(struct modem *m)
{
    if (!m)
        return;
    for (unsigned i = 1; i <= MODEM_CHANNELS_MAX; i++)
        free(m->channels[i].rx);
    free(m->queue);
    free(m);
}

void modem_fact(struct modem *m, enum log_level level, const char *format, ...)
{
    char text[MODEM_FACT_MAX];
    va_list args;
    if (!m->lines.watch.fact)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    m->lines.watch.fact(m->lines.watch.context, level, text);
}

static uint16_t exchange(struct modem *m, struct span command, struct writer *answer)
{
    WRITER_ON_STACK(raw, MODEM_RAPDU_MAX);
    m->slot.transmit(m->slot.context, command, &raw);
    m->counts.apdus++;
    if (m->lines.watch.apdu)
        m->lines.watch.apdu(m->lines.watch.context, command, wr_span(&raw));
    if (raw.len < 2)
        return 0x6F00; /* a card that says nothing */
    wr_bytes(answer, (struct span){ raw.buf, raw.len - 2 });
    return (uint16_t)(raw.buf[raw.len - 2] << 8 | raw.buf[raw.len - 1]);
}

/* The class of a plain command on the same logical channel. */
static uint8_t channel_class(uint8_t cla) { return cla & 0x40 ? 0x40 | (cla & 0x0F) : cla & 0x03; }

uint16_t modem_apdu(struct modem *m, struct span command, struct writer *ret)
{
    uint8_t again[MODEM_RAPDU_MAX + 5];
    uint16_t sw = exchange(m, command, ret);
    for (unsigned turn = 0; turn < APDU_TURNS_MAX; turn++) {
        if (sw >> 8 == 0x61) {
            uint8_t get_response[] = { channel_class(command.ptr[0]), 0xC0, 0, 0, (uint8_t)sw };
            sw = exchange(m, SPAN_OF(get_response), ret);
        } else if (sw >> 8 == 0x6C && command.len <= 5) {
            memcpy(again, command.ptr, 4);
            again[4] = (uint8_t)sw;
            sw = exchange(m, (struct span){ again, 5 }, ret);
        } else {
            break;
        }
    }
    if (sw >> 8 != 0x91)
        return sw;
    m->fetch_len = sw & 0xFF ? sw & 0xFF : 256;
    return 0x9000;
}

bool modem_input_take(struct modem *m, struct modem_input *ret)
{
    if (!m->queue_count)
        return false;
    *ret = m->queue[m->queue_head];
    m->queue_head = (m->queue_head + 1) % MODEM_QUEUE_MAX;
    if (--m->queue_count == 0) {
        free(m->queue);
        m->queue = NULL;
    }
    return true;
}

struct modem_input *modem_input_room(struct modem *m)
{
    if (!m->queue)
        m->queue = malloc(MODEM_QUEUE_MAX * sizeof *m->queue);
    if (!m->queue || m->queue_count == MODEM_QUEUE_MAX)
        return NULL;
    return &m->queue[(m->queue_head + m->queue_count++) % MODEM_QUEUE_MAX];
}

/* D6 length 99 01 event */
static bool is_of_network(const struct modem_input *input)
{
    return input->kind == INPUT_EVENT && (input->bytes[4] == EVENT_LOCATION_STATUS || input->bytes[4] == EVENT_NETWORK_REJECTION);
}

void modem_forget_network(struct modem *m)
{
    struct modem_input input;
    for (size_t left = m->queue_count; left; left--)
        if (modem_input_take(m, &input) && !is_of_network(&input))
            *modem_input_room(m) = input;
}

static uint16_t envelope(struct modem *m, struct span body)
{
    WRITER_ON_STACK(command, 5 + 255);
    WRITER_ON_STACK(answer, 2 * MODEM_RAPDU_MAX);
    wr_bytes(&command, SPAN_LIT("\x80\xC2\x00\x00"));
    wr_u8(&command, (uint8_t)body.len);
    wr_bytes(&command, body);
    return modem_apdu(m, wr_span(&command), &answer);
}

static void hand_over_sms(struct modem *m, const struct modem_input *input)
{
    static const struct sms_address centre = { 0x91, "10000000000" };
    WRITER_ON_STACK(body, 255);
    wr_sms_envelope(&body, &centre, (struct span){ input->bytes, input->len });
    uint16_t sw = body.err == ERR_NONE ? envelope(m, wr_span(&body)) : 0x6700;
    bool ok = sw == 0x9000 || sw >> 8 == 0x62 || sw >> 8 == 0x63;
    m->counts.sms_mt++;
    if (!ok)
        modem_fact(m, LOG_WARN_, "the card answers a short message with %04X", sw);
    m->lines.sms_taken(m->lines.context, input->tag, ok);
}

static void fetch(struct modem *m)
{
    uint8_t command[] = { 0x80, 0x12, 0, 0, (uint8_t)m->fetch_len };
    WRITER_ON_STACK(answer, 2 * MODEM_RAPDU_MAX);
    m->fetch_len = 0;
    uint16_t sw = modem_apdu(m, SPAN_OF(command), &answer);
    if (sw == 0x9000)
        toolkit_serve(m, wr_span(&answer));
    else
        modem_fact(m, LOG_WARN_, "FETCH is answered with %04X", sw);
}

static void status(struct modem *m)
{
    WRITER_ON_STACK(answer, 2 * MODEM_RAPDU_MAX);
    m->poll_at = m->now_ms + m->poll_ms;
    modem_apdu(m, SPAN_LIT("\x80\xF2\x00\x0C\x00"), &answer);
}

static void start_session(struct modem *m);

void modem_work(struct modem *m)
{
    struct modem_input input;
    if (m->working || !m->on || m->asleep)
        return;
    m->working = true;
    while (!quirks_slow(m)) {
        if (m->reset_wanted)
            start_session(m);
        else if (m->fetch_len && !m->command.waiting)
            fetch(m);
        else if (!m->command.waiting && m->slot.has_proactive(m->slot.context))
            status(m);
        else if (!m->command.waiting && modem_input_take(m, &input)) {
            if (input.kind == INPUT_SMS)
                hand_over_sms(m, &input);
            else
                envelope(m, (struct span){ input.bytes, input.len });
        } else
            break;
        quirks_pace(m);
    }
    m->working = false;
}

bool modem_slot_reset(struct modem *m)
{
    WRITER_ON_STACK(atr, 64);
    m->slot.reset(m->slot.context, &atr);
    m->counts.resets++;
    if (m->lines.watch.apdu)
        m->lines.watch.apdu(m->lines.watch.context, SPAN_NONE, wr_span(&atr));
    return atr.len > 0;
}

/* Power on or REFRESH with UICC reset. Short messages that wait stay; events of the old session do not. */
static void start_session(struct modem *m)
{
    WRITER_ON_STACK(profile, 5 + MODEM_PROFILE_MAX);
    WRITER_ON_STACK(answer, 2 * MODEM_RAPDU_MAX);
    m->reset_wanted = false;
    m->fetch_len = 0;
    m->moved = false;
    m->card = MODEM_CARD_ABSENT;
    toolkit_reset(m);
    attach_end(m, LOCATION_NONE);
    bool there = modem_slot_reset(m);
    m->poll_ms = m->config.poll_s * 1000ull;
    m->poll_at = m->now_ms + m->poll_ms;
    if (!there) {
        modem_fact(m, LOG_WARN_, "no card in the slot");
        return;
    }
    if (card_read_subscription(m) != ERR_NONE)
        modem_fact(m, LOG_WARN_, "the card has no subscription that can be read");
    quirks_profile(m, &profile);
    modem_apdu(m, wr_span(&profile), &answer);
    attach_start(m);
}

void modem_power_on(struct modem *m, uint64_t now_ms)
{
    m->now_ms = now_ms;
    m->on = true;
    m->asleep = m->suspended = false;
    quirks_stay_awake(m);
    m->reset_wanted = true;
    modem_work(m);
}

static uint64_t earliest(uint64_t a, uint64_t b) { return a < b ? a : b; }

uint64_t modem_tick(struct modem *m, uint64_t now_ms)
{
    m->now_ms = now_ms;
    if (!m->on)
        return UINT64_MAX;
    uint64_t wake = quirks_tick(m), next = m->suspended ? UINT64_MAX : m->slot.idle(m->slot.context, now_ms);
    if (m->asleep)
        return wake;
    toolkit_tick(m);
    attach_tick(m);
    if (now_ms >= m->poll_at && !m->command.waiting && !quirks_slow(m)) {
        status(m);
        quirks_pace(m);
    }
    modem_work(m);
    next = earliest(earliest(next, quirks_tick(m)), m->poll_at > now_ms ? m->poll_at : now_ms + 1000);
    if (m->attach_at)
        next = earliest(next, m->attach_at);
    for (unsigned i = 0; i < MODEM_TIMERS_MAX; i++)
        if (m->timers[i].due_ms)
            next = earliest(next, m->timers[i].due_ms);
    return earliest(next, m->slot.idle(m->slot.context, now_ms));
}

void modem_event(struct modem *m, uint8_t event, struct span body, uint8_t source)
{
    if (!(m->events >> event & 1))
        return;
    struct modem_input *input = modem_input_room(m);
    if (!input) {
        modem_fact(m, LOG_WARN_, "event %02X finds no place in the queue", event);
        return;
    }
    struct writer w = wr_of(input->bytes, sizeof input->bytes);
    size_t mark = wr_tlv_open(&w, 0xD6);
    wr_tlv_u8(&w, 0x99, event);
    wr_tlv(&w, 0x82, (struct span){ (const uint8_t[]){ source, 0x81 }, 2 });
    wr_bytes(&w, body);
    wr_tlv_close(&w, mark);
    input->kind = INPUT_EVENT;
    input->len = (uint8_t)w.len;
}

enum err modem_sms_deliver(struct modem *m, uint64_t now_ms, struct span tpdu, uint64_t tag)
{
    if (tpdu.len > SMS_TPDU_MAX)
        return ERR_TOO_LONG;
    if (!m->on || m->queue_count >= MODEM_QUEUE_MAX - MODEM_CHANNELS_MAX - 1) /* events keep some room */
        return ERR_BUSY;
    m->now_ms = now_ms;
    if (m->asleep)
        return quirks_lose_sms(m, tag) ? ERR_NONE : ERR_BUSY;
    quirks_stay_awake(m);
    if (host_takes_sms(m, tpdu, tag))
        return ERR_NONE;
    struct modem_input *input = modem_input_room(m);
    input->kind = INPUT_SMS;
    input->tag = tag;
    input->len = (uint8_t)tpdu.len;
    memcpy(input->bytes, tpdu.ptr, tpdu.len);
    modem_work(m);
    return ERR_NONE;
}

void modem_coverage(struct modem *m, uint64_t now_ms, bool coverage)
{
    m->now_ms = now_ms;
    if (m->coverage == coverage)
        return;
    m->coverage = coverage;
    modem_fact(m, LOG_INFO_, coverage ? "coverage is back" : "coverage is lost");
    if (!m->on)
        return;
    if (coverage)
        attach_start(m);
    else
        attach_end(m, LOCATION_NONE);
    modem_work(m);
}

void modem_move(struct modem *m, const struct modem_place *place)
{
    struct modem_config *c = &m->config;
    memcpy(c->mcc_mnc, place->mcc_mnc, sizeof c->mcc_mnc);
    memcpy(c->lac, place->lac, sizeof c->lac);
    memcpy(c->cell, place->cell, sizeof c->cell);
    c->quirks.awake_s = place->awake_s;
    c->quirks.asleep_s = place->asleep_s;
    quirks_stay_awake(m);
}

struct modem_counts modem_counts(const struct modem *m) { return m->counts; }
const char *modem_imsi(const struct modem *m) { return m->imsi; }
bool modem_is_registered(const struct modem *m) { return m->attach == ATTACH_DONE; }
