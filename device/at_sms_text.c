/* Short messages in text mode (TS 27.005 §3): TPDUs as lines people read, and lines as TPDUs. */
#include "at_private.h"

#include <stdio.h>

#define FIRST_UDHI     0x40u
#define ESCAPE         0x1Bu
#define TIME_TEXT      24u

/* ---- characters: TS 23.038 §6.2.1 and ITU T.50 where they differ; a code behind the escape is 1B00 | code ---- */

static const struct {
    char ascii;
    uint16_t gsm;
} special[] = {
    { '@', 0x00 },   { '$', 0x02 },   { '_', 0x11 },   { '^', 0x1B14 }, { '{', 0x1B28 },  { '}', 0x1B29 },
    { '\\', 0x1B2F }, { '[', 0x1B3C }, { '~', 0x1B3D }, { ']', 0x1B3E }, { '|', 0x1B40 },
};

static uint16_t gsm_of(char ascii)
{
    for (size_t i = 0; i < ARRAY_LEN(special); i++)
        if (special[i].ascii == ascii)
            return special[i].gsm;
    return ascii == '`' ? '\'' : (uint8_t)ascii & 0x7F;
}

static char ascii_of(uint16_t gsm)
{
    for (size_t i = 0; i < ARRAY_LEN(special); i++)
        if (special[i].gsm == gsm)
            return special[i].ascii;
    bool same = gsm == '\n' || gsm == '\r' || (gsm >= 0x20 && gsm < 0x7B && gsm != 0x24 && gsm != 0x40 && (gsm < 0x5B || gsm > 0x60));
    return same ? (char)gsm : '?';
}

static void from_ascii(struct writer *w, const char *text)
{
    for (; *text; text++) {
        uint16_t code = gsm_of(*text);
        if (code >> 8)
            wr_u8(w, ESCAPE);
        wr_u8(w, (uint8_t)code);
    }
}

static void to_ascii(struct writer *w, struct span characters)
{
    for (size_t i = 0; i < characters.len; i++) {
        uint16_t code = characters.ptr[i];
        if (code == ESCAPE && i + 1 < characters.len)
            code = (uint16_t)(ESCAPE << 8 | characters.ptr[++i]);
        wr_u8(w, (uint8_t)ascii_of(code));
    }
}

/* ---- out ---- */

/* What every message has, received or to be sent. */
struct shown {
    struct sms_address who;
    uint8_t first, pid, dcs;
    bool udhi, delivered;
    char when[TIME_TEXT];
    struct span ud;
};

/* "yy/MM/dd,hh:mm:ss+zz", quarters of an hour. */
static void time_text(const uint8_t scts[7], char out[TIME_TEXT])
{
    unsigned f[7];
    for (size_t i = 0; i < 7; i++)
        f[i] = (scts[i] & 15u) * 10u + (scts[i] >> 4);
    unsigned zone = (scts[6] & 7u) * 10u + (scts[6] >> 4);
    snprintf(out, TIME_TEXT, "%02u/%02u/%02u,%02u:%02u:%02u%c%02u", f[0] % 100, f[1] % 100, f[2] % 100, f[3] % 100, f[4] % 100,
             f[5] % 100, scts[6] & 8 ? '-' : '+', zone % 100);
}

static bool show(const struct at_message *m, struct shown *ret)
{
    struct span tpdu = { m->tpdu, m->len };
    struct sms_deliver in;
    struct sms_submit out;
    ret->first = m->tpdu[0];
    ret->delivered = m->state == AT_MESSAGE_UNREAD || m->state == AT_MESSAGE_READ;
    ret->when[0] = '\0';
    if (ret->delivered ? sms_deliver_read(tpdu, &in) != ERR_NONE : sms_submit_read(tpdu, &out) != ERR_NONE)
        return false;
    ret->who = ret->delivered ? in.from : out.to;
    ret->pid = ret->delivered ? in.pid : out.pid;
    ret->dcs = ret->delivered ? in.dcs : out.dcs;
    ret->ud = ret->delivered ? in.ud : out.ud;
    ret->udhi = ret->first & FIRST_UDHI;
    if (ret->delivered)
        time_text(in.scts, ret->when);
    return true;
}

static const char *who_text(const struct sms_address *who, char out[SMS_DIGITS_MAX + 2])
{
    snprintf(out, SMS_DIGITS_MAX + 2, "%s%s", who->ton_npi == 0x91 && who->text[0] != '+' ? "+" : "", who->text);
    return out;
}

/* Characters; octets that are none, and what has a header, in hex. */
static void say_text(struct at *at, const struct shown *s)
{
    uint8_t characters[SMS_CHARACTERS_MAX];
    WRITER_ON_STACK(w, 2 * SMS_CHARACTERS_MAX + 1);
    if (s->udhi || !sms_is_septets(s->dcs)) {
        wr_hex(&w, s->ud);
    } else {
        struct span text = { characters, sms_unpack(s->ud, characters) };
        if (at->sms.ira)
            to_ascii(&w, text);
        else
            wr_bytes(&w, text);
    }
    at->line.write(at->line.context, wr_span(&w));
    at->line.write(at->line.context, SPAN_LIT("\r\n"));
}

static unsigned length_of(const struct shown *s)
{
    uint8_t characters[SMS_CHARACTERS_MAX];
    return (unsigned)(!s->udhi && sms_is_septets(s->dcs) ? sms_unpack(s->ud, characters) : s->ud.len);
}

static const char *const states[] = { "", "REC UNREAD", "REC READ", "STO UNSENT", "STO SENT" };

void sms_text_say(struct at *at, enum sms_text_head head, unsigned index, const struct at_message *m)
{
    struct shown s;
    char who[SMS_DIGITS_MAX + 2], line[200], when[TIME_TEXT + 4] = "";
    if (!show(m, &s)) {
        at_say(at, "%s \"%s\"", head == SMS_TEXT_LIST ? "+CMGL:" : "+CMGR:", states[m->state]);
        at->line.write(at->line.context, SPAN_LIT("\r\n"));
        return;
    }
    who_text(&s.who, who);
    if (s.delivered)
        snprintf(when, sizeof when, ",\"%s\"", s.when);
    int n = head == SMS_TEXT_LIST   ? snprintf(line, sizeof line, "+CMGL: %u,\"%s\",\"%s\",%s", index, states[m->state], who, when)
            : head == SMS_TEXT_READ ? snprintf(line, sizeof line, "+CMGR: \"%s\",\"%s\",%s", states[m->state], who, when)
                                    : snprintf(line, sizeof line, "+CMT: \"%s\",%s", who, when);
    if (at->sms.details && head == SMS_TEXT_LIST)
        snprintf(line + n, sizeof line - (size_t)n, ",%u,%u", s.who.ton_npi, length_of(&s));
    else if (at->sms.details)
        snprintf(line + n, sizeof line - (size_t)n, ",%u,%u,%u,%u%s,\"%s\",145,%u", s.who.ton_npi, s.first, s.pid, s.dcs,
                 s.delivered ? "" : ",", at->sms.centre, length_of(&s));
    at_say(at, "%s", line);
    say_text(at, &s);
}

bool sms_text_state(const char *text, unsigned *ret_states)
{
    *ret_states = 0;
    for (size_t i = AT_MESSAGE_UNREAD; i < ARRAY_LEN(states); i++)
        if (!strcmp(text, states[i]) || !strcmp(text, "ALL"))
            *ret_states |= 1u << i;
    return *ret_states != 0;
}

/* ---- in ---- */

enum err sms_text_submit(const struct at *at, const char *to, const char *text, struct writer *tpdu)
{
    uint8_t octets[SMS_UD_MAX];
    WRITER_ON_STACK(characters, SMS_CHARACTERS_MAX);
    WRITER_ON_STACK(packed, SMS_UD_MAX);
    struct sms_submit m = { .pid = at->sms.pid, .dcs = at->sms.dcs, .vp_format = at->sms.first >> 3 & 3, .udhi = at->sms.first & FIRST_UDHI,
                            .status_report = at->sms.first & 0x20, .validity = { at->sms.validity } };
    enum err err = sms_address_of(to, &m.to);
    if (err != ERR_NONE)
        return err;
    if (m.vp_format != 0 && m.vp_format != 2)
        return ERR_UNSUPPORTED; /* an absolute time has no number */
    if (m.udhi || !sms_is_septets(m.dcs)) {
        size_t len = 0;
        err = hex_read(span_text(text), octets, sizeof octets, &len);
        m.ud = (struct span){ octets, len };
    } else {
        if (at->sms.ira)
            from_ascii(&characters, text);
        else
            wr_text(&characters, text);
        wr_sms_packed(&packed, wr_span(&characters));
        m.ud = wr_span(&packed);
        err = characters.err != ERR_NONE ? ERR_TOO_LONG : packed.err;
    }
    if (err == ERR_NONE) {
        wr_sms_submit(tpdu, &m);
        err = tpdu->err;
    }
    return err;
}
