/* The proactive commands of the card (TS 102 223 §6.4, §6.6): one row each. A handler answers at once with
 * toolkit_respond, or leaves command.waiting set and the network's answer does. */
#include "modem_private.h"

#include <stdlib.h>

#include "lib/codec/comprehension_tlv.h"
#include "lib/codec/hex.h"

enum {
    RESULT_OK = 0x00,
    RESULT_LIMITED_SERVICE = 0x06,
    RESULT_MODIFIED = 0x07,
    RESULT_TERMINAL_BUSY = 0x20,
    RESULT_NETWORK_BUSY = 0x21,
    RESULT_BEYOND = 0x30,
    RESULT_NOT_UNDERSTOOD = 0x32,
    RESULT_VALUES_MISSING = 0x36,
    RESULT_BIP = 0x3A,
    BIP_NO_CHANNEL = 0x01,
    BIP_CHANNEL_CLOSED = 0x02,
    BIP_CHANNEL_INVALID = 0x03,
    BIP_NOT_REACHABLE = 0x07,
    NO_MORE = -1,
};
#define RECEIVE_CHUNK_MAX 200u /* a TERMINAL RESPONSE has 255 octets */

void toolkit_respond(struct modem *m, uint8_t result, int additional, struct span more)
{
    WRITER_ON_STACK(command, 5 + 255);
    WRITER_ON_STACK(answer, 2 * MODEM_RAPDU_MAX);
    uint8_t details[] = { m->command.number, m->command.type, m->command.qualifier };
    wr_bytes(&command, SPAN_LIT("\x80\x14\x00\x00\x00"));
    wr_tlv(&command, 0x81, SPAN_OF(details));
    wr_tlv(&command, 0x82, SPAN_LIT("\x82\x81"));
    size_t mark = wr_tlv_open(&command, 0x83);
    wr_u8(&command, result);
    if (additional != NO_MORE)
        wr_u8(&command, (uint8_t)additional);
    wr_tlv_close(&command, mark);
    wr_bytes(&command, more);
    m->command.waiting = false;
    if (command.err != ERR_NONE)
        return;
    command.buf[4] = (uint8_t)(command.len - 5);
    uint16_t sw = modem_apdu(m, wr_span(&command), &answer);
    if (sw != 0x9000)
        modem_fact(m, LOG_WARN_, "TERMINAL RESPONSE is answered with %04X", sw);
}

static void respond_ok(struct modem *m) { toolkit_respond(m, RESULT_OK, NO_MORE, SPAN_NONE); }

static void refresh(struct modem *m, struct span body)
{
    (void)body;
    modem_fact(m, LOG_INFO_, "REFRESH, mode %02X%s", m->command.qualifier, m->config.quirks.refresh_ignored ? ", ignored" : "");
    if (m->config.quirks.refresh_ignored) {
        respond_ok(m);
        return;
    }
    if (m->command.qualifier < 4) { /* initialisation and file changes: read again, the session goes on */
        respond_ok(m);
        modem_forget_network(m);
        if (card_read_subscription(m) == ERR_NONE)
            attach_start(m);
        return;
    }
    m->reset_wanted = true; /* no TERMINAL RESPONSE: the card loses power */
}

static void more_time(struct modem *m, struct span body)
{
    (void)body;
    respond_ok(m);
}

static void poll_interval(struct modem *m, struct span body)
{
    static const uint64_t unit_ms[] = { 60000, 1000, 100 };
    struct span value;
    if (!ctlv_find(body, 0x04, &value) || value.len != 2 || value.ptr[0] > 2 || !value.ptr[1]) {
        toolkit_respond(m, RESULT_VALUES_MISSING, NO_MORE, SPAN_NONE);
        return;
    }
    WRITER_ON_STACK(more, 8);
    m->poll_ms = unit_ms[value.ptr[0]] * value.ptr[1];
    m->poll_at = m->now_ms + m->poll_ms;
    wr_tlv(&more, 0x84, value);
    toolkit_respond(m, RESULT_OK, NO_MORE, wr_span(&more));
}

static void polling_off(struct modem *m, struct span body)
{
    (void)body;
    m->poll_ms = m->config.poll_s * 1000ull;
    respond_ok(m);
}

static void set_up_event_list(struct modem *m, struct span body)
{
    struct span list;
    if (!ctlv_find(body, 0x19, &list)) {
        toolkit_respond(m, RESULT_VALUES_MISSING, NO_MORE, SPAN_NONE);
        return;
    }
    m->events = 0;
    for (size_t i = 0; i < list.len; i++)
        if (list.ptr[i] < 32)
            m->events |= 1u << list.ptr[i];
    respond_ok(m);
    tell_location(m); /* what is so already when the card begins to ask */
}

static void send_short_message(struct modem *m, struct span body)
{
    struct span tpdu;
    struct sms_submit sms;
    if (!ctlv_find(body, 0x0B, &tpdu) || sms_submit_read(tpdu, &sms) != ERR_NONE) {
        toolkit_respond(m, RESULT_NOT_UNDERSTOOD, NO_MORE, SPAN_NONE);
        return;
    }
    if (m->attach != ATTACH_DONE) {
        toolkit_respond(m, RESULT_TERMINAL_BUSY, 0x04, SPAN_NONE); /* no service */
        return;
    }
    m->command.waiting = true;
    if (!m->host_sends) {
        m->lines.sms_submit(m->lines.context, &sms);
        return;
    }
    m->held = sms;
    memcpy(m->held_ud, sms.ud.ptr, sms.ud.len);
    m->held.ud = (struct span){ m->held_ud, sms.ud.len };
    m->card_waits = true;
}

static void host_sms_sent(struct modem *m, bool ok)
{
    bool card_waits = m->card_waits;
    m->host_sends = m->card_waits = false;
    if (m->host.sms_sent)
        m->host.sms_sent(m->host.context, ok, m->reference);
    if (card_waits)
        m->lines.sms_submit(m->lines.context, &m->held);
}

void modem_sms_sent(struct modem *m, uint64_t now_ms, bool ok)
{
    m->now_ms = now_ms;
    if (m->host_sends) {
        host_sms_sent(m, ok);
        return;
    }
    if (!m->command.waiting || m->command.type != 0x13)
        return;
    m->counts.sms_mo += ok;
    toolkit_respond(m, ok ? RESULT_OK : RESULT_NETWORK_BUSY, ok ? NO_MORE : 0, SPAN_NONE);
    modem_work(m);
}

static void write_date_time(struct writer *w, uint64_t now_ms)
{
    uint8_t scts[7];
    sms_scts(now_ms, scts);
    wr_tlv(w, 0xA6, SPAN_OF(scts));
}

static void write_imei(struct writer *w, const char *imei)
{
    char digits[17] = "A"; /* first nibble: A with an odd number of digits */
    uint8_t octets[8];
    size_t len;
    memcpy(digits + 1, imei, 15);
    enum err err = bcd_read(span_text(imei), false, octets, sizeof octets, &len);
    if (err != ERR_NONE)
        return;
    for (size_t i = 0; i < 8; i++) {
        uint8_t low = i ? (uint8_t)(digits[2 * i] - '0') : 0x0A, high = (uint8_t)(digits[2 * i + 1] - '0');
        octets[i] = (uint8_t)(high << 4 | low);
    }
    wr_tlv(w, 0x94, SPAN_OF(octets));
}

static void provide_local_information(struct modem *m, struct span body)
{
    WRITER_ON_STACK(more, 32);
    (void)body;
    switch (m->command.qualifier) {
    case 0x00:
        if (m->location == LOCATION_NONE) {
            toolkit_respond(m, RESULT_TERMINAL_BUSY, 0x04, SPAN_NONE); /* no service */
            return;
        }
        write_location(m, &more);
        break;
    case 0x01: write_imei(&more, m->config.imei); break;
    case 0x03: write_date_time(&more, m->now_ms); break;
    case 0x06: wr_tlv_u8(&more, 0xBF, 0x08); break; /* E-UTRAN */
    default: toolkit_respond(m, RESULT_BEYOND, NO_MORE, SPAN_NONE); return;
    }
    bool limited = m->command.qualifier == 0x00 && m->location == LOCATION_LIMITED;
    toolkit_respond(m, limited ? RESULT_LIMITED_SERVICE : RESULT_OK, NO_MORE, wr_span(&more));
}

/* hhmmss in swapped digits */
static uint64_t timer_ms(const uint8_t value[3])
{
    uint64_t seconds = 0;
    for (int i = 0; i < 3; i++)
        seconds = seconds * 60 + (uint64_t)(value[i] & 15) * 10 + (value[i] >> 4);
    return seconds * 1000;
}

static void timer_management(struct modem *m, struct span body)
{
    struct span id, value;
    if (!ctlv_find(body, 0x24, &id) || id.len != 1 || id.ptr[0] < 1 || id.ptr[0] > MODEM_TIMERS_MAX) {
        toolkit_respond(m, RESULT_NOT_UNDERSTOOD, NO_MORE, SPAN_NONE);
        return;
    }
    unsigned i = id.ptr[0] - 1u;
    WRITER_ON_STACK(more, 8);
    wr_tlv(&more, 0xA4, id);
    if ((m->command.qualifier & 3) == 0) {
        if (!ctlv_find(body, 0x25, &value) || value.len != 3) {
            toolkit_respond(m, RESULT_VALUES_MISSING, NO_MORE, SPAN_NONE);
            return;
        }
        memcpy(m->timers[i].value, value.ptr, 3);
        m->timers[i].due_ms = m->now_ms + timer_ms(value.ptr);
    } else if ((m->command.qualifier & 3) == 1) {
        m->timers[i].due_ms = 0;
    }
    toolkit_respond(m, RESULT_OK, NO_MORE, wr_span(&more));
}

static void timer_expired(struct modem *m, unsigned i)
{
    uint8_t body[] = { 0xD7, 12, 0x82, 2, 0x82, 0x81, 0xA4, 1, (uint8_t)(i + 1), 0xA5, 3, 0, 0, 0 };
    struct modem_input *input = modem_input_room(m);
    if (!input)
        return; /* at the next tick */
    memcpy(body + 11, m->timers[i].value, 3);
    m->timers[i].due_ms = 0;
    input->kind = INPUT_EVENT;
    input->len = sizeof body;
    memcpy(input->bytes, body, sizeof body);
}

void toolkit_tick(struct modem *m)
{
    for (unsigned i = 0; i < MODEM_TIMERS_MAX; i++)
        if (m->timers[i].due_ms && m->now_ms >= m->timers[i].due_ms)
            timer_expired(m, i);
}

/* ---- Bearer Independent Protocol ---- */

static unsigned channel_free(const struct modem *m)
{
    for (unsigned i = 1; i <= MODEM_CHANNELS_MAX; i++)
        if (!m->channels[i].open && !m->channels[i].opening)
            return i;
    return 0;
}

static uint16_t buffer_size(const struct modem *m, uint16_t asked)
{
    uint16_t limit = m->config.quirks.bip_buffer;
    return limit && limit < asked ? limit : asked;
}

/* What fits into the buffer for data on its way up. */
static size_t tx_cap(const struct modem_channel *c)
{
    return c->buffer_size && c->buffer_size < MODEM_CHANNEL_TX_MAX ? c->buffer_size : MODEM_CHANNEL_TX_MAX;
}

static void open_channel(struct modem *m, struct span body)
{
    struct span bearer, size, transport, address;
    bool whole = ctlv_find(body, 0x35, &bearer) && ctlv_find(body, 0x39, &size) && ctlv_find(body, 0x3C, &transport) &&
                 ctlv_find(body, 0x3E, &address);
    unsigned id = channel_free(m);
    if (m->config.quirks.no_bip) {
        toolkit_respond(m, RESULT_BEYOND, NO_MORE, SPAN_NONE);
    } else if (!whole || size.len != 2 || transport.len != 3 || bearer.len < 1 || bearer.len > sizeof m->channels[0].bearer) {
        toolkit_respond(m, RESULT_VALUES_MISSING, NO_MORE, SPAN_NONE);
    } else if ((transport.ptr[0] != MODEM_TCP && transport.ptr[0] != MODEM_UDP) || address.len != 5 ||
               address.ptr[0] != 0x21) {
        toolkit_respond(m, RESULT_BEYOND, NO_MORE, SPAN_NONE); /* TCP and UDP over IPv4 is what we have */
    } else if (m->attach != ATTACH_DONE) {
        toolkit_respond(m, RESULT_TERMINAL_BUSY, 0x04, SPAN_NONE);
    } else if (!id) {
        toolkit_respond(m, RESULT_BIP, BIP_NO_CHANNEL, SPAN_NONE);
    } else {
        struct modem_channel *c = &m->channels[id];
        memcpy(c->bearer, bearer.ptr, bearer.len);
        c->bearer_len = (uint8_t)bearer.len;
        c->asked_size = (uint16_t)(size.ptr[0] << 8 | size.ptr[1]);
        c->buffer_size = buffer_size(m, c->asked_size);
        c->opening = true;
        c->datagrams = transport.ptr[0] == MODEM_UDP;
        c->tx_len = c->rx_len = 0;
        m->command.waiting = true;
        m->command.channel = id;
        m->lines.channel_open(m->lines.context, id, (enum modem_transport)transport.ptr[0], address.ptr + 1,
                              (uint16_t)(transport.ptr[1] << 8 | transport.ptr[2]));
    }
}

static void write_channel_status(struct writer *w, const struct modem *m, unsigned id)
{
    uint8_t status[] = { (uint8_t)((m->channels[id].open ? 0x80 : 0) | id), 0 };
    wr_tlv(w, 0xB8, SPAN_OF(status));
}

void modem_channel_opened(struct modem *m, uint64_t now_ms, unsigned id, bool ok)
{
    struct modem_channel *c = &m->channels[id];
    m->now_ms = now_ms;
    if (!c->opening)
        return;
    c->opening = false;
    if (ok && !c->rx)
        c->rx = malloc(MODEM_CHANNEL_RX_MAX + MODEM_CHANNEL_TX_MAX);
    c->open = ok && c->rx;
    c->tx = c->open ? c->rx + MODEM_CHANNEL_RX_MAX : NULL;
    if (!m->command.waiting || m->command.channel != id)
        return;
    if (c->open) {
        WRITER_ON_STACK(more, 40);
        uint8_t size[] = { (uint8_t)(c->buffer_size >> 8), (uint8_t)c->buffer_size };
        m->counts.channels++;
        write_channel_status(&more, m, id);
        wr_tlv(&more, 0xB5, (struct span){ c->bearer, c->bearer_len });
        wr_tlv(&more, 0xB9, SPAN_OF(size));
        toolkit_respond(m, c->buffer_size < c->asked_size ? RESULT_MODIFIED : RESULT_OK, NO_MORE, wr_span(&more));
    } else {
        toolkit_respond(m, RESULT_BIP, BIP_NOT_REACHABLE, SPAN_NONE);
    }
    modem_work(m);
}

/* The channel a command is for: device identity 2c. NULL: answered with an error already. */
static struct modem_channel *channel_of_command(struct modem *m, unsigned *ret_id)
{
    unsigned id = m->command.destination & 15u;
    if (m->command.destination >> 4 != 2 || id < 1 || id > MODEM_CHANNELS_MAX) {
        toolkit_respond(m, RESULT_BIP, BIP_CHANNEL_INVALID, SPAN_NONE);
        return NULL;
    }
    *ret_id = id;
    return &m->channels[id];
}

void channel_drop(struct modem *m, unsigned id)
{
    struct modem_channel *c = &m->channels[id];
    c->open = c->opening = c->told = false;
    c->rx_len = c->tx_len = 0;
    free(c->rx);
    c->rx = c->tx = NULL;
}

static void close_channel(struct modem *m, struct span body)
{
    unsigned id;
    struct modem_channel *c = channel_of_command(m, &id);
    (void)body;
    if (!c)
        return;
    if (!c->open) {
        toolkit_respond(m, RESULT_BIP, BIP_CHANNEL_CLOSED, SPAN_NONE);
        return;
    }
    m->lines.channel_close(m->lines.context, id);
    channel_drop(m, id);
    respond_ok(m);
}

static void send_data(struct modem *m, struct span body)
{
    unsigned id;
    struct span data;
    struct modem_channel *c = channel_of_command(m, &id);
    if (!c)
        return;
    if (!c->open) {
        toolkit_respond(m, RESULT_BIP, BIP_CHANNEL_CLOSED, SPAN_NONE);
        return;
    }
    if (!ctlv_find(body, 0x36, &data) || data.len > tx_cap(c) - c->tx_len) {
        toolkit_respond(m, RESULT_VALUES_MISSING, NO_MORE, SPAN_NONE);
        return;
    }
    memcpy(c->tx + c->tx_len, data.ptr, data.len);
    c->tx_len += data.len;
    if (m->command.qualifier & 1) {
        m->counts.bytes_up += c->tx_len;
        m->lines.channel_send(m->lines.context, id, (struct span){ c->tx, c->tx_len });
        c->tx_len = 0;
    }
    size_t room = tx_cap(c) - c->tx_len;
    WRITER_ON_STACK(more, 4);
    wr_tlv_u8(&more, 0xB7, room > 255 ? 0xFF : (uint8_t)room);
    toolkit_respond(m, RESULT_OK, NO_MORE, wr_span(&more));
}

#define DATAGRAM_HEAD 2u

/* What the card can fetch now: all that came, or the rest of the first datagram. */
static struct span rx_first(const struct modem_channel *c)
{
    if (!c->datagrams || !c->rx_len)
        return (struct span){ c->rx, c->rx_len };
    return (struct span){ c->rx + DATAGRAM_HEAD, (size_t)c->rx[0] << 8 | c->rx[1] };
}

static void rx_drop(struct modem_channel *c, size_t at, size_t len)
{
    c->rx_len -= len;
    memmove(c->rx + at, c->rx + at + len, c->rx_len - at);
}

static void rx_take(struct modem_channel *c, size_t len)
{
    size_t left = rx_first(c).len - len;
    if (!len)
        return;
    if (!c->datagrams) {
        rx_drop(c, 0, len);
    } else if (!left) {
        rx_drop(c, 0, DATAGRAM_HEAD + len);
    } else {
        rx_drop(c, DATAGRAM_HEAD, len);
        c->rx[0] = (uint8_t)(left >> 8);
        c->rx[1] = (uint8_t)left;
    }
}

/* How many of the octets were taken. */
static size_t rx_add(struct modem_channel *c, struct span bytes)
{
    size_t head = c->datagrams ? DATAGRAM_HEAD : 0, room = MODEM_CHANNEL_RX_MAX - c->rx_len;
    if (c->datagrams && (bytes.len + head > room || bytes.len > UINT16_MAX || !bytes.len))
        return bytes.len; /* lost */
    size_t len = bytes.len < room ? bytes.len : room;
    if (c->datagrams) {
        c->rx[c->rx_len++] = (uint8_t)(len >> 8);
        c->rx[c->rx_len++] = (uint8_t)len;
    }
    if (len)
        memcpy(c->rx + c->rx_len, bytes.ptr, len);
    c->rx_len += len;
    return len;
}

static void receive_data(struct modem *m, struct span body)
{
    unsigned id;
    struct span wanted;
    struct modem_channel *c = channel_of_command(m, &id);
    if (!c)
        return;
    if (!c->open && !c->rx_len) {
        toolkit_respond(m, RESULT_BIP, BIP_CHANNEL_CLOSED, SPAN_NONE);
        return;
    }
    size_t len = ctlv_find(body, 0x37, &wanted) && wanted.len == 1 ? wanted.ptr[0] : 0;
    if (len > RECEIVE_CHUNK_MAX)
        len = RECEIVE_CHUNK_MAX;
    if (len > c->buffer_size && m->config.quirks.bip_buffer)
        len = c->buffer_size;
    struct span first = rx_first(c);
    if (len > first.len)
        len = first.len;
    WRITER_ON_STACK(more, 255);
    size_t left = first.len - len;
    wr_tlv(&more, 0xB6, span_sub(first, 0, len));
    rx_take(c, len);
    c->told = left > 0; /* the card knows from the length that more waits; the next datagram is an event of its own */
    m->counts.bytes_down += len;
    wr_tlv_u8(&more, 0xB7, left > 255 ? 0xFF : (uint8_t)left);
    toolkit_respond(m, RESULT_OK, NO_MORE, wr_span(&more));
    toolkit_data_available(m, id);
}

static void get_channel_status(struct modem *m, struct span body)
{
    WRITER_ON_STACK(more, 4 * MODEM_CHANNELS_MAX + 4);
    (void)body;
    for (unsigned id = 1; id <= MODEM_CHANNELS_MAX; id++)
        if (m->channels[id].open)
            write_channel_status(&more, m, id);
    if (!more.len)
        wr_tlv(&more, 0xB8, SPAN_LIT("\x00\x00"));
    toolkit_respond(m, RESULT_OK, NO_MORE, wr_span(&more));
}

void toolkit_data_available(struct modem *m, unsigned id)
{
    struct modem_channel *c = &m->channels[id];
    WRITER_ON_STACK(body, 16);
    if (c->told || !c->rx_len)
        return;
    c->told = true;
    write_channel_status(&body, m, id);
    size_t len = rx_first(c).len;
    wr_tlv_u8(&body, 0xB7, len > 255 ? 0xFF : (uint8_t)len);
    modem_event(m, EVENT_DATA_AVAILABLE, wr_span(&body), 0x82);
}

size_t modem_channel_data(struct modem *m, uint64_t now_ms, unsigned id, struct span bytes, size_t *ret_taken)
{
    struct modem_channel *c = &m->channels[id];
    m->now_ms = now_ms;
    *ret_taken = 0;
    if (!c->open)
        return 0;
    *ret_taken = rx_add(c, bytes);
    toolkit_data_available(m, id);
    modem_work(m);
    return MODEM_CHANNEL_RX_MAX - c->rx_len;
}

void modem_channel_closed(struct modem *m, uint64_t now_ms, unsigned id)
{
    WRITER_ON_STACK(body, 8);
    uint8_t dropped[] = { (uint8_t)id, 0x05 };
    m->now_ms = now_ms;
    if (m->channels[id].opening) {
        modem_channel_opened(m, now_ms, id, false);
        return;
    }
    if (!m->channels[id].open)
        return;
    m->channels[id].open = false; /* what arrived before may still be fetched */
    wr_tlv(&body, 0xB8, SPAN_OF(dropped));
    modem_event(m, EVENT_CHANNEL_STATUS, wr_span(&body), 0x82);
    modem_work(m);
}

/* ---- dispatch ---- */

static const struct {
    uint8_t type;
    void (*serve)(struct modem *m, struct span body);
} commands[] = {
    { 0x01, refresh },           { 0x02, more_time },          { 0x03, poll_interval },
    { 0x04, polling_off },       { 0x05, set_up_event_list },  { 0x13, send_short_message },
    { 0x26, provide_local_information }, { 0x27, timer_management }, { 0x40, open_channel },
    { 0x41, close_channel },     { 0x42, receive_data },       { 0x43, send_data },
    { 0x44, get_channel_status },
};

void toolkit_serve(struct modem *m, struct span command)
{
    struct span body, details, devices;
    bool whole = tlv_find(command, 0xD0, &body) && ctlv_find(body, 0x01, &details) && details.len == 3;
    memset(&m->command, 0, sizeof m->command);
    if (!whole) {
        modem_fact(m, LOG_WARN_, "a proactive command that cannot be read");
        toolkit_respond(m, RESULT_NOT_UNDERSTOOD, NO_MORE, SPAN_NONE);
        return;
    }
    m->command.number = details.ptr[0];
    m->command.type = details.ptr[1];
    m->command.qualifier = details.ptr[2];
    if (ctlv_find(body, 0x02, &devices) && devices.len == 2)
        m->command.destination = devices.ptr[1];
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (commands[i].type == m->command.type) {
            commands[i].serve(m, body);
            return;
        }
    toolkit_respond(m, RESULT_BEYOND, NO_MORE, SPAN_NONE);
}

static void drop_events(struct modem *m)
{
    struct modem_input input, *again;
    for (size_t count = m->queue_count; count && modem_input_take(m, &input); count--)
        if (input.kind == INPUT_SMS && (again = modem_input_room(m)) != NULL)
            *again = input;
}

void toolkit_reset(struct modem *m)
{
    for (unsigned id = 1; id <= MODEM_CHANNELS_MAX; id++) {
        if (m->channels[id].open || m->channels[id].opening)
            m->lines.channel_close(m->lines.context, id);
        channel_drop(m, id);
    }
    drop_events(m);
    m->card_waits = false;
    memset(m->timers, 0, sizeof m->timers);
    memset(&m->command, 0, sizeof m->command);
    m->events = 0;
}
