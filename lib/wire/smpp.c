#include "smpp.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define HEADER_LEN 16u
#define TLV_MESSAGE_PAYLOAD 0x0424
#define VALIDITY_MAX 17u
#define SYSTEM_TYPE_MAX 13u
#define SERVICE_TYPE_MAX 6u

enum err smpp_frame(struct span in, size_t *ret_len)
{
    struct reader r = rd_of(in);
    *ret_len = 0;
    if (in.len < 4)
        return ERR_NONE;
    uint32_t len = rd_u32(&r);
    if (len < HEADER_LEN)
        return ERR_BAD_LENGTH;
    if (len > SMPP_PDU_MAX)
        return ERR_TOO_LONG;
    *ret_len = len;
    return ERR_NONE;
}

/* C-octet string: at most cap octets with its NUL. */
static void rd_text(struct reader *r, char *out, size_t cap)
{
    const uint8_t *end = rd_left(r) ? memchr(r->pos, 0, rd_left(r)) : NULL;
    out[0] = '\0';
    if (r->err != ERR_NONE)
        return;
    if (end == NULL) {
        rd_fail(r, ERR_TRUNCATED);
        return;
    }
    struct span text = rd_span(r, (size_t)(end - r->pos) + 1);
    if (text.len > cap)
        rd_fail(r, ERR_TOO_LONG);
    else
        memcpy(out, text.ptr, text.len);
}

static void rd_skip_text(struct reader *r, size_t cap)
{
    char skipped[32];
    rd_text(r, skipped, cap);
}

static void rd_address(struct reader *r, struct smpp_address *a)
{
    a->ton = rd_u8(r);
    a->npi = rd_u8(r);
    rd_text(r, a->text, sizeof a->text);
}

static void rd_bind(struct reader *r, struct smpp_bind *b)
{
    rd_text(r, b->system_id, sizeof b->system_id);
    rd_text(r, b->password, sizeof b->password);
    rd_text(r, b->system_type, sizeof b->system_type);
    b->version = rd_u8(r);
    b->range.ton = rd_u8(r);
    b->range.npi = rd_u8(r);
    /* An address range may have 41 octets; ours are addresses. */
    rd_text(r, b->range.text, sizeof b->range.text);
}

/* Optional parameters; the only one of interest here carries the message itself. */
static void rd_options(struct reader *r, struct span *message)
{
    while (r->err == ERR_NONE && !rd_at_end(r)) {
        uint16_t tag = rd_u16(r);
        size_t len = rd_u16(r);
        struct span value = rd_span(r, len);
        if (r->err == ERR_NONE && tag == TLV_MESSAGE_PAYLOAD && message != NULL && message->len == 0)
            *message = value;
    }
}

static void rd_sm(struct reader *r, struct smpp_sm *m)
{
    rd_skip_text(r, SERVICE_TYPE_MAX);
    rd_address(r, &m->from);
    rd_address(r, &m->to);
    m->esm_class = rd_u8(r);
    m->pid = rd_u8(r);
    m->priority = rd_u8(r);
    rd_skip_text(r, VALIDITY_MAX); /* schedule_delivery_time */
    rd_text(r, m->validity, sizeof m->validity);
    m->registered_delivery = rd_u8(r);
    rd_u8(r); /* replace_if_present_flag */
    m->dcs = rd_u8(r);
    rd_u8(r); /* sm_default_msg_id */
    size_t len = rd_u8(r);
    if (r->err == ERR_NONE && len > SMPP_MESSAGE_MAX)
        rd_fail(r, ERR_TOO_LONG);
    m->message = rd_span(r, len);
    rd_options(r, &m->message);
}

static void rd_alert(struct reader *r, struct smpp_pdu *p)
{
    rd_address(r, &p->source);
    rd_address(r, &p->esme);
    rd_options(r, NULL);
}

/* A refusal may come without its body. */
static void rd_answer_text(struct reader *r, char *out, size_t cap)
{
    if (!rd_at_end(r))
        rd_text(r, out, cap);
    rd_options(r, NULL);
}

static void rd_body(struct reader *r, struct smpp_pdu *p)
{
    switch (p->command) {
    case SMPP_BIND_RECEIVER:
    case SMPP_BIND_TRANSMITTER:
    case SMPP_BIND_TRANSCEIVER:
        rd_bind(r, &p->bind);
        break;
    case SMPP_BIND_RECEIVER | SMPP_RESPONSE:
    case SMPP_BIND_TRANSMITTER | SMPP_RESPONSE:
    case SMPP_BIND_TRANSCEIVER | SMPP_RESPONSE:
        rd_answer_text(r, p->system_id, sizeof p->system_id);
        break;
    case SMPP_SUBMIT_SM:
    case SMPP_DELIVER_SM:
        rd_sm(r, &p->sm);
        break;
    case SMPP_SUBMIT_SM | SMPP_RESPONSE:
    case SMPP_DELIVER_SM | SMPP_RESPONSE:
        rd_answer_text(r, p->message_id, sizeof p->message_id);
        break;
    case SMPP_ALERT_NOTIFICATION:
        rd_alert(r, p);
        break;
    case SMPP_UNBIND:
    case SMPP_ENQUIRE_LINK:
    case SMPP_UNBIND | SMPP_RESPONSE:
    case SMPP_ENQUIRE_LINK | SMPP_RESPONSE:
    case SMPP_GENERIC_NACK | SMPP_RESPONSE:
        break;
    default:
        rd_fail(r, ERR_UNSUPPORTED);
    }
}

enum err smpp_read(struct span pdu, struct smpp_pdu *ret)
{
    struct reader r = rd_of(pdu);
    struct smpp_pdu p = { 0 };
    uint32_t len = rd_u32(&r);
    p.command = rd_u32(&r);
    p.status = rd_u32(&r);
    p.sequence = rd_u32(&r);
    if (r.err == ERR_NONE && (len != pdu.len || len > SMPP_PDU_MAX))
        return ERR_BAD_LENGTH;
    if (r.err != ERR_NONE)
        return r.err;
    rd_body(&r, &p);
    if (r.err == ERR_NONE || r.err == ERR_UNSUPPORTED) {
        enum err err = r.err;
        r.err = ERR_NONE;
        if (err == ERR_NONE)
            err = rd_finish(&r);
        if (err == ERR_NONE || err == ERR_UNSUPPORTED)
            *ret = p;
        return err;
    }
    /* The header tells whom to refuse. */
    ret->command = p.command, ret->status = p.status, ret->sequence = p.sequence;
    return r.err;
}

/* ---- building ---- */

static void wr_cstring(struct writer *w, const char *text, size_t cap)
{
    size_t len = strlen(text);
    if (len >= cap)
        wr_fail(w, ERR_TOO_LONG);
    wr_bytes(w, (struct span){ (const uint8_t *)text, len + 1 });
}

static void wr_address(struct writer *w, const struct smpp_address *a)
{
    wr_u8(w, a->ton);
    wr_u8(w, a->npi);
    wr_cstring(w, a->text, sizeof a->text);
}

static void wr_bind(struct writer *w, const struct smpp_bind *b)
{
    wr_cstring(w, b->system_id, sizeof b->system_id);
    wr_cstring(w, b->password, sizeof b->password);
    wr_cstring(w, b->system_type, SYSTEM_TYPE_MAX);
    wr_u8(w, b->version ? b->version : 0x34);
    wr_address(w, &b->range);
}

static void wr_sm(struct writer *w, const struct smpp_sm *m)
{
    bool payload = m->message.len > SMPP_MESSAGE_MAX;
    wr_cstring(w, "", SERVICE_TYPE_MAX);
    wr_address(w, &m->from);
    wr_address(w, &m->to);
    wr_u8(w, m->esm_class);
    wr_u8(w, m->pid);
    wr_u8(w, m->priority);
    wr_cstring(w, "", VALIDITY_MAX);
    wr_cstring(w, m->validity, VALIDITY_MAX);
    wr_u8(w, m->registered_delivery);
    wr_u8(w, 0);
    wr_u8(w, m->dcs);
    wr_u8(w, 0);
    wr_u8(w, payload ? 0 : (uint8_t)m->message.len);
    if (payload) {
        wr_u16(w, TLV_MESSAGE_PAYLOAD);
        wr_u16(w, (uint16_t)m->message.len);
    }
    wr_bytes(w, m->message);
}

static void wr_pdu_body(struct writer *w, const struct smpp_pdu *p)
{
    switch (p->command) {
    case SMPP_BIND_RECEIVER:
    case SMPP_BIND_TRANSMITTER:
    case SMPP_BIND_TRANSCEIVER:
        wr_bind(w, &p->bind);
        break;
    case SMPP_BIND_RECEIVER | SMPP_RESPONSE:
    case SMPP_BIND_TRANSMITTER | SMPP_RESPONSE:
    case SMPP_BIND_TRANSCEIVER | SMPP_RESPONSE:
        wr_cstring(w, p->system_id, sizeof p->system_id);
        break;
    case SMPP_SUBMIT_SM:
    case SMPP_DELIVER_SM:
        wr_sm(w, &p->sm);
        break;
    case SMPP_SUBMIT_SM | SMPP_RESPONSE:
    case SMPP_DELIVER_SM | SMPP_RESPONSE:
        wr_cstring(w, p->message_id, sizeof p->message_id);
        break;
    case SMPP_ALERT_NOTIFICATION:
        wr_address(w, &p->source);
        wr_address(w, &p->esme);
        break;
    default:
        break;
    }
}

void wr_smpp(struct writer *w, const struct smpp_pdu *p)
{
    size_t mark = w->len;
    wr_u32(w, 0);
    wr_u32(w, p->command);
    wr_u32(w, p->status);
    wr_u32(w, p->sequence);
    wr_pdu_body(w, p);
    if (w->err != ERR_NONE)
        return;
    struct writer length = wr_of(w->buf + mark, 4);
    if (w->len - mark > SMPP_PDU_MAX)
        wr_fail(w, ERR_TOO_LONG);
    wr_u32(&length, (uint32_t)(w->len - mark));
}

static const struct {
    uint32_t command;
    const char *name, *answer;
} commands[] = {
    { SMPP_GENERIC_NACK, "generic_nack", "generic_nack" },
    { SMPP_BIND_RECEIVER, "bind_receiver", "bind_receiver_resp" },
    { SMPP_BIND_TRANSMITTER, "bind_transmitter", "bind_transmitter_resp" },
    { SMPP_BIND_TRANSCEIVER, "bind_transceiver", "bind_transceiver_resp" },
    { SMPP_SUBMIT_SM, "submit_sm", "submit_sm_resp" },
    { SMPP_DELIVER_SM, "deliver_sm", "deliver_sm_resp" },
    { SMPP_UNBIND, "unbind", "unbind_resp" },
    { SMPP_ENQUIRE_LINK, "enquire_link", "enquire_link_resp" },
    { SMPP_ALERT_NOTIFICATION, "alert_notification", "" },
};

const char *smpp_command_name(uint32_t command)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (commands[i].command == (command & ~SMPP_RESPONSE))
            return command & SMPP_RESPONSE ? commands[i].answer : commands[i].name;
    return "unknown command";
}

/* ---- times: "YYMMDDhhmmsstnnp", p is R (relative), + or - (offset in quarter hours) ---- */

static int two_digits(const char *text) { return (text[0] - '0') * 10 + text[1] - '0'; }

static uint64_t absolute_s(const char *text, uint64_t now_ms, uint64_t fallback_s)
{
    struct tm t = { .tm_year = two_digits(text) + 100,
                    .tm_mon = two_digits(text + 2) - 1,
                    .tm_mday = two_digits(text + 4),
                    .tm_hour = two_digits(text + 6),
                    .tm_min = two_digits(text + 8),
                    .tm_sec = two_digits(text + 10) };
    int64_t offset_s = two_digits(text + 13) * 900;
    int64_t at = (int64_t)timegm(&t) + (text[15] == '+' ? -offset_s : offset_s), now = (int64_t)(now_ms / 1000u);
    if (at < 0)
        return fallback_s;
    return at > now ? (uint64_t)(at - now) : 0;
}

uint64_t smpp_validity_s(const char *text, uint64_t now_ms, uint64_t fallback_s)
{
    if (strlen(text) != 16 || strspn(text, "0123456789") != 15)
        return fallback_s;
    if (text[15] == '+' || text[15] == '-')
        return absolute_s(text, now_ms, fallback_s);
    if (text[15] != 'R')
        return fallback_s;
    uint64_t days =
        (uint64_t)two_digits(text) * 365 + (uint64_t)two_digits(text + 2) * 30 + (uint64_t)two_digits(text + 4);
    return ((days * 24 + (uint64_t)two_digits(text + 6)) * 60 + (uint64_t)two_digits(text + 8)) * 60 +
           (uint64_t)two_digits(text + 10);
}

void smpp_validity_text(uint64_t seconds, char out[17])
{
    uint64_t days = seconds / 86400;
    if (days > 99)
        days = 99, seconds = 99 * 86400;
    unsigned d = (unsigned)(days % 100), h = (unsigned)(seconds / 3600 % 24), m = (unsigned)(seconds / 60 % 60),
             s = (unsigned)(seconds % 60);
    snprintf(out, 17, "0000%02u%02u%02u%02u000R", d % 100, h % 24, m % 60, s % 60);
}
