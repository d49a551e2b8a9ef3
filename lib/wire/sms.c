#include "sms.h"

#include "lib/codec/comprehension_tlv.h"
#include "lib/codec/hex.h"
#include "lib/base/mutant.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

#define TON_ALPHANUMERIC 0x50
#define TAG_SMS_PP       0xD1
#define TAG_DEVICES      0x02
#define TAG_ADDRESS      0x06
#define TAG_TPDU         0x0B

/* ---- addresses ---- */

static const char digit_of[] = "0123456789*#abc";

static bool is_alphanumeric(uint8_t ton_npi) { return (ton_npi & 0x70) == TON_ALPHANUMERIC; }

enum err sms_address_of(const char *text, struct sms_address *ret)
{
    struct sms_address a = { .ton_npi = text[0] == '+' ? 0x91 : 0x81 };
    text += text[0] == '+';
    size_t len = strlen(text);
    if (len == 0 || strspn(text, digit_of) != len)
        return ERR_BAD_VALUE;
    if (len > SMS_DIGITS_MAX)
        return ERR_TOO_LONG;
    memcpy(a.text, text, len);
    *ret = a;
    return ERR_NONE;
}

static uint8_t nibble_of(char c)
{
    const char *at = strchr(digit_of, c);
    return at && *at ? (uint8_t)(at - digit_of) : 0x0F;
}

static void wr_digits(struct writer *w, const char *text)
{
    for (size_t i = 0, len = strlen(text); i < len; i += 2) {
        uint8_t high = i + 1 < len ? nibble_of(text[i + 1]) : 0x0F;
        wr_u8(w, (uint8_t)(high << 4 | nibble_of(text[i])));
    }
}

/* Seven bits a character; the letters of ASCII that the default alphabet shares. */
static void wr_packed(struct writer *w, const char *text)
{
    unsigned bits = 0, count = 0;
    for (; *text != '\0'; text++) {
        bits |= (unsigned)(*text & 0x7F) << count;
        for (count += 7; count >= 8; count -= 8, bits >>= 8)
            wr_u8(w, (uint8_t)bits);
    }
    if (count != 0)
        wr_u8(w, (uint8_t)bits);
}

static size_t packed_size(size_t characters) { return (characters * 7 + 7) / 8; }

void wr_sms_address(struct writer *w, const struct sms_address *address)
{
    size_t len = strlen(address->text);
    bool letters = is_alphanumeric(address->ton_npi);
    wr_u8(w, (uint8_t)(letters ? (len * 7 + 3) / 4 : len)); /* useful half octets */
    wr_u8(w, address->ton_npi);
    if (letters)
        wr_packed(w, address->text);
    else
        wr_digits(w, address->text);
}

static enum err digits_read(struct span bcd, size_t count, char *out)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t nibble = i % 2 ? bcd.ptr[i / 2] >> 4 : bcd.ptr[i / 2] & 0x0F;
        if (nibble == 0x0F)
            return ERR_BAD_VALUE;
        out[i] = digit_of[nibble];
    }
    out[count] = '\0';
    return ERR_NONE;
}

static void letters_read(struct span packed, size_t count, char *out)
{
    for (size_t i = 0; i < count; i++) {
        size_t bit = i * 7, at = bit / 8;
        unsigned two = packed.ptr[at] | (at + 1 < packed.len ? (unsigned)packed.ptr[at + 1] << 8 : 0);
        char c = (char)(two >> bit % 8 & 0x7F);
        out[i] = c >= ' ' && c < 0x7F ? c : '?';
    }
    out[count] = '\0';
}

enum err rd_sms_address(struct reader *r, struct sms_address *ret)
{
    struct sms_address a = { 0 };
    size_t count = rd_u8(r);
    a.ton_npi = rd_u8(r);
    struct span octets = rd_span(r, (count + 1) / 2);
    size_t letters = count * 4 / 7;
    if (r->err == ERR_NONE && (is_alphanumeric(a.ton_npi) ? letters : count) > SMS_DIGITS_MAX)
        rd_fail(r, ERR_TOO_LONG);
    if (r->err == ERR_NONE && is_alphanumeric(a.ton_npi))
        letters_read(octets, letters, a.text);
    else if (r->err == ERR_NONE && digits_read(octets, count, a.text) != ERR_NONE)
        rd_fail(r, ERR_BAD_VALUE);
    if (r->err == ERR_NONE)
        *ret = a;
    return r->err;
}

void wr_sms_service_centre(struct writer *w, const struct sms_address *address)
{
    wr_u8(w, address->ton_npi);
    wr_digits(w, address->text);
}

enum err sms_service_centre_read(struct span value, struct sms_address *ret)
{
    struct sms_address a = { 0 };
    if (value.len < 1)
        return ERR_TRUNCATED;
    size_t count = (value.len - 1) * 2;
    if (count != 0 && value.ptr[value.len - 1] >> 4 == 0x0F)
        count--;
    if (count > SMS_DIGITS_MAX)
        return ERR_TOO_LONG;
    a.ton_npi = value.ptr[0];
    enum err err = digits_read(span_from(value, 1), count, a.text);
    if (err == ERR_NONE)
        *ret = a;
    return err;
}

/* ---- TPDUs ---- */

enum { MTI_DELIVER = 0, MTI_SUBMIT = 1, FLAG_UDHI = 0x40, FLAG_REPLY_PATH = 0x80, FLAG_REPORT = 0x20 };

/* Data coding scheme of seven-bit text (TS 23.038), where lengths count septets. */
bool sms_is_septets(uint8_t dcs)
{
    if ((dcs & 0xC0) == 0x00)
        return (dcs & 0x0C) == 0x00;
    if ((dcs & 0xF0) == 0xF0)
        return (dcs & 0x04) == 0x00;
    return (dcs & 0xF0) == 0xC0 || (dcs & 0xF0) == 0xD0;
}

void wr_sms_packed(struct writer *w, struct span characters)
{
    unsigned bits = 0, count = 0;
    for (size_t i = 0; i < characters.len; i++) {
        bits |= (unsigned)(characters.ptr[i] & 0x7F) << count;
        for (count += 7; count >= 8; count -= 8, bits >>= 8)
            wr_u8(w, (uint8_t)bits);
    }
    if (count == 1) /* seven bits are free: they would be an @ */
        bits |= '\r' << 1;
    if (count != 0)
        wr_u8(w, (uint8_t)bits);
}

size_t sms_unpack(struct span packed, uint8_t out[SMS_CHARACTERS_MAX])
{
    unsigned bits = 0, count = 0;
    size_t len = 0;
    packed = span_sub(packed, 0, SMS_UD_MAX);
    for (size_t i = 0; i < packed.len; i++) {
        bits |= (unsigned)packed.ptr[i] << count;
        for (count += 8; count >= 7; count -= 7, bits >>= 7)
            out[len++] = bits & 0x7F;
    }
    bool filled = len && len % 8 == 0 && (out[len - 1] == '\r' || out[len - 1] == 0);
    return filled ? len - 1 : len;
}

bool sms_is_usim_download(const struct sms_deliver *m)
{
    bool class_2 = ((m->dcs & 0xD0) == 0x10 || (m->dcs & 0xF0) == 0xF0) && (m->dcs & 3) == 2;
    return m->pid == SMS_PID_USIM_DOWNLOAD && class_2;
}

static void wr_user_data(struct writer *w, uint8_t dcs, struct span ud)
{
    if (ud.len > SMS_UD_MAX)
        wr_fail(w, ERR_TOO_LONG);
    wr_u8(w, (uint8_t)(sms_is_septets(dcs) ? ud.len * 8 / 7 : ud.len));
    wr_bytes(w, ud);
}

static struct span rd_user_data(struct reader *r, uint8_t dcs)
{
    size_t udl = rd_u8(r);
    struct span ud = rd_span(r, sms_is_septets(dcs) ? packed_size(udl) : udl);
    if (r->err == ERR_NONE && ud.len > SMS_UD_MAX)
        rd_fail(r, ERR_TOO_LONG);
    return ud;
}

void wr_sms_deliver(struct writer *w, const struct sms_deliver *m)
{
    wr_u8(w, (uint8_t)(MTI_DELIVER | (m->more_to_send ? 0 : 0x04) | (m->loop_prevention ? 0x08 : 0) |
                       (m->status_report ? FLAG_REPORT : 0) | (m->udhi ? FLAG_UDHI : 0) |
                       (m->reply_path ? FLAG_REPLY_PATH : 0)));
    wr_sms_address(w, &m->from);
    wr_u8(w, m->pid);
    wr_u8(w, m->dcs);
    wr_bytes(w, SPAN_OF(m->scts));
    wr_user_data(w, m->dcs, m->ud);
}

enum err sms_deliver_read(struct span tpdu, struct sms_deliver *ret)
{
    struct reader r = rd_of(tpdu);
    uint8_t first = rd_u8(&r);
    struct sms_deliver m = {
        .more_to_send = !(first & 0x04),
        .loop_prevention = first & 0x08,
        .status_report = first & FLAG_REPORT,
        .udhi = first & FLAG_UDHI,
        .reply_path = first & FLAG_REPLY_PATH,
    };
    if (r.err == ERR_NONE && (first & 3) != MTI_DELIVER)
        return ERR_BAD_TAG;
    enum err err = rd_sms_address(&r, &m.from);
    m.pid = rd_u8(&r);
    m.dcs = rd_u8(&r);
    rd_copy(&r, m.scts, sizeof m.scts);
    m.ud = rd_user_data(&r, m.dcs);
    err = rd_finish(&r);
    if (err == ERR_NONE)
        *ret = m;
    return err;
}

static size_t validity_size(uint8_t format) { return format == 0 ? 0 : format == 2 ? 1 : 7; }

void wr_sms_submit(struct writer *w, const struct sms_submit *m)
{
    wr_u8(w, (uint8_t)(MTI_SUBMIT | (m->reject_duplicates ? 0x04 : 0) | (m->vp_format & 3) << 3 |
                       (m->status_report ? FLAG_REPORT : 0) | (m->udhi ? FLAG_UDHI : 0) |
                       (m->reply_path ? FLAG_REPLY_PATH : 0)));
    wr_u8(w, m->reference);
    wr_sms_address(w, &m->to);
    wr_u8(w, m->pid);
    wr_u8(w, m->dcs);
    wr_bytes(w, (struct span){ m->validity, validity_size(m->vp_format & 3) });
    wr_user_data(w, m->dcs, m->ud);
}

enum err sms_submit_read(struct span tpdu, struct sms_submit *ret)
{
    struct reader r = rd_of(tpdu);
    uint8_t first = rd_u8(&r);
    struct sms_submit m = {
        .reject_duplicates = first & 0x04,
        .vp_format = first >> 3 & 3,
        .status_report = first & FLAG_REPORT,
        .udhi = first & FLAG_UDHI,
        .reply_path = first & FLAG_REPLY_PATH,
    };
    if (r.err == ERR_NONE && (first & 3) != MTI_SUBMIT)
        return ERR_BAD_TAG;
    m.reference = rd_u8(&r);
    enum err err = rd_sms_address(&r, &m.to);
    m.pid = rd_u8(&r);
    m.dcs = rd_u8(&r);
    rd_copy(&r, m.validity, validity_size(m.vp_format));
    m.ud = rd_user_data(&r, m.dcs);
    err = rd_finish(&r);
    if (err == ERR_NONE)
        *ret = m;
    return err;
}

static uint8_t half_octets(int n) { return (uint8_t)((n % 10) << 4 | (n / 10 % 10)); }

void sms_scts(uint64_t now_ms, uint8_t out[7])
{
    time_t seconds = (time_t)(now_ms / 1000u);
    struct tm t;
    gmtime_r(&seconds, &t);
    const int fields[7] = { t.tm_year, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, 0 };
    for (size_t i = 0; i < 7; i++)
        out[i] = half_octets(fields[i]);
}

/* ---- user data header ---- */

static enum err element_read(uint8_t iei, struct span value, struct sms_header *h)
{
    struct reader v = rd_of(value);
    if (iei == SMS_IEI_COMMAND)
        h->command = true;
    else if (iei == SMS_IEI_RESPONSE)
        h->response = true;
    if (iei != SMS_IEI_CONCAT8 && iei != SMS_IEI_CONCAT16)
        return ERR_NONE;
    h->reference = iei == SMS_IEI_CONCAT16 ? rd_u16(&v) : rd_u8(&v);
    h->total = rd_u8(&v);
    h->number = rd_u8(&v);
    h->concatenated = true;
    if (rd_finish(&v) != ERR_NONE)
        return ERR_BAD_LENGTH;
    return h->total != 0 && h->number != 0 && h->number <= h->total ? ERR_NONE : ERR_BAD_VALUE;
}

enum err sms_header_read(struct span ud, struct sms_header *ret)
{
    struct reader r = rd_of(ud);
    struct sms_header h = { 0 };
    size_t len = rd_u8(&r);
    struct reader header = rd_of(rd_span(&r, len));
    h.body = rd_rest(&r);
    if (r.err != ERR_NONE)
        return r.err;
    while (!rd_at_end(&header)) {
        uint8_t iei = rd_u8(&header);
        size_t value_len = rd_u8(&header);
        struct span value = rd_span(&header, value_len);
        if (header.err != ERR_NONE)
            return header.err;
        enum err err = element_read(iei, value, &h);
        if (err != ERR_NONE)
            return err;
    }
    *ret = h;
    return ERR_NONE;
}

/* ---- long packets ---- */

static void wr_part(struct writer *w, uint8_t iei, const uint8_t *concat, struct span piece)
{
    wr_u8(w, (uint8_t)((concat ? 5 : 0) + (iei ? 2 : 0)));
    if (concat != NULL) {
        wr_u16(w, 0x0003);
        wr_bytes(w, (struct span){ concat, 3 });
    }
    if (iei != 0) {
        wr_u8(w, iei);
        wr_u8(w, 0);
    }
    wr_bytes(w, piece);
}

enum err sms_split(struct span packet, uint8_t iei, uint8_t reference, struct writer *out,
                   struct span parts[SMS_PARTS_MAX], size_t *ret_count)
{
    const size_t whole = SMS_UD_MAX - 3, first = SMS_UD_MAX - 8, next = SMS_UD_MAX - 6;
    size_t count = packet.len <= whole ? 1 : packet.len <= first ? 1 : 1 + (packet.len - first + next - 1) / next;
    if (count > SMS_PARTS_MAX)
        return ERR_TOO_LONG;
    for (size_t i = 0, at = 0; i < count; i++) {
        const uint8_t concat[3] = { reference, (uint8_t)count, (uint8_t)(i + 1) };
        struct span piece = count == 1 ? packet : span_sub(packet, at, i == 0 ? first : next);
        size_t mark = out->len;
        wr_part(out, i == 0 ? iei : 0, count == 1 ? NULL : concat, piece);
        at += piece.len;
        if (out->err != ERR_NONE)
            return out->err;
        parts[i] = (struct span){ out->buf + mark, out->len - mark };
    }
    *ret_count = count;
    return ERR_NONE;
}

static struct sms_pending *pending_get(struct sms_reassembly *s, const char *from, const struct sms_header *h,
                                       uint64_t now_ms)
{
    struct sms_pending *oldest = &s->slots[0];
    for (size_t i = 0; i < SMS_REASSEMBLY_SLOTS; i++) {
        struct sms_pending *p = &s->slots[i];
        if (p->used && now_ms >= p->since_ms + SMS_REASSEMBLY_MS)
            p->used = false;
        if (p->used && p->reference == h->reference && p->total == h->total && strcmp(p->from, from) == 0)
            return p;
    }
    for (size_t i = 0; i < SMS_REASSEMBLY_SLOTS; i++) {
        struct sms_pending *p = &s->slots[i];
        if (oldest->used && (!p->used || p->since_ms < oldest->since_ms))
            oldest = p;
    }
    oldest->used = true;
    oldest->have = 0, oldest->iei = 0;
    oldest->reference = h->reference, oldest->total = h->total, oldest->since_ms = now_ms;
    snprintf(oldest->from, sizeof oldest->from, "%s", from);
    return oldest;
}

static uint8_t iei_of(const struct sms_header *h)
{
    return h->command ? SMS_IEI_COMMAND : h->response ? SMS_IEI_RESPONSE : 0;
}

static struct span pending_join(struct sms_reassembly *s, struct sms_pending *p)
{
    struct writer w = wr_of(s->packet, sizeof s->packet);
    for (size_t i = 0; i < p->total; i++)
        wr_bytes(&w, (struct span){ p->parts[i], p->lens[i] });
    p->used = false;
    return wr_span(&w);
}

static_assert(SMS_PARTS_MAX * (SMS_UD_MAX - 6) >= SMS_PACKET_MAX, "the parts hold a packet");
static_assert(SMS_PARTS_MAX <= 32, "sms_pending.have has a bit for each part");

enum err sms_reassemble(struct sms_reassembly *s, const char *from, uint64_t now_ms, struct span ud, bool *ret_complete,
                        struct span *ret_packet, uint8_t *ret_iei)
{
    struct sms_header h;
    enum err err = sms_header_read(ud, &h);
    if (err != ERR_NONE)
        return err;
    if (!h.concatenated || h.total == 1) {
        *ret_complete = true, *ret_packet = h.body, *ret_iei = iei_of(&h);
        return ERR_NONE;
    }
    if (h.total > SMS_PARTS_MAX || h.body.len > SMS_UD_MAX)
        return ERR_TOO_LONG;
    struct sms_pending *p = pending_get(s, from, &h, now_ms);
    size_t at = MUTANT(joins_in_order_of_arrival) ? (size_t)__builtin_popcount(p->have) : h.number - 1u;
    memcpy(p->parts[at], h.body.ptr, h.body.len);
    p->lens[at] = (uint8_t)h.body.len;
    p->have |= 1u << (h.number - 1);
    p->iei = iei_of(&h) ? iei_of(&h) : p->iei;
    *ret_complete = p->have == (uint32_t)((1ull << p->total) - 1);
    if (!*ret_complete)
        return ERR_NONE;
    *ret_iei = p->iei;
    *ret_packet = pending_join(s, p);
    return ret_packet->ptr ? ERR_NONE : ERR_TOO_LONG;
}

/* ---- ENVELOPE ---- */

void wr_sms_envelope(struct writer *w, const struct sms_address *service_centre, struct span tpdu)
{
    size_t outer = wr_tlv_open(w, TAG_SMS_PP);
    wr_tlv(w, 0x80 | TAG_DEVICES, SPAN_LIT("\x83\x81")); /* network to UICC */
    if (service_centre != NULL && service_centre->text[0] != '\0') {
        size_t address = wr_tlv_open(w, TAG_ADDRESS);
        wr_sms_service_centre(w, service_centre);
        wr_tlv_close(w, address);
    }
    wr_tlv(w, 0x80 | TAG_TPDU, tpdu);
    wr_tlv_close(w, outer);
}

enum err sms_envelope_read(struct span envelope, struct sms_address *ret_centre, struct span *ret_tpdu)
{
    struct reader r = rd_of(envelope);
    struct tlv outer;
    struct span tpdu, address;
    struct sms_address centre = { 0 };
    if (!tlv_next(&r, &outer))
        return r.err ? r.err : ERR_MISSING;
    if (outer.tag != TAG_SMS_PP || !rd_at_end(&r))
        return ERR_BAD_TAG;
    if (!ctlv_find(outer.val, TAG_TPDU, &tpdu))
        return ERR_MISSING;
    if (ctlv_find(outer.val, TAG_ADDRESS, &address) && sms_service_centre_read(address, &centre) != ERR_NONE)
        return ERR_BAD_VALUE;
    *ret_centre = centre;
    *ret_tpdu = tpdu;
    return ERR_NONE;
}
