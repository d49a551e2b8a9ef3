/* AT commands for short messages, in PDU mode (TS 27.005): sending, and a small store in the modem for those that are not
 * the card's. */
#include "at_private.h"

#include <stdio.h>

#define LIST_ALL 4u

static bool sms_received(void *context, struct span tpdu);
static void sms_sent(void *context, bool ok, uint8_t reference);

void at_sms_start(struct at *at)
{
    struct modem_host host = { at, sms_received, sms_sent };
    at->sms.mode = at->sms.mt = 0;
    if (!at->sms.centre[0])
        strcpy(at->sms.centre, "+10000000000");
    modem_set_host(at->modem, &host);
}

/* ---- sending ---- */

static void sms_sent(void *context, bool ok, uint8_t reference)
{
    struct at *at = context;
    if (ok)
        at_say(at, "+CMGS: %u", reference);
    at_finish(at, ok ? AT_OK : AT_CMS | CMS_UNKNOWN);
}

static int send(struct at *at, const struct at_args *a)
{
    unsigned long octets;
    if (a->form == AT_TEST)
        return AT_OK;
    if (!at_number(a, 0, 0, &octets) || octets < 8 || octets > SMS_TPDU_MAX)
        return AT_CMS | CMS_PDU;
    at->sms.octets = (unsigned)octets;
    at->sms.pdu = true;
    at->line.write(at->line.context, SPAN_LIT("\r\n> "));
    return AT_LATER;
}

int at_sms_pdu(struct at *at, const char *hex)
{
    uint8_t pdu[SMS_TPDU_MAX + 13];
    size_t len;
    if (hex_read(span_text(hex), pdu, sizeof pdu, &len) != ERR_NONE || !len || pdu[0] + 1u > len)
        return AT_CMS | CMS_PDU;
    struct span tpdu = span_from((struct span){ pdu, len }, pdu[0] + 1u);
    if (tpdu.len != at->sms.octets)
        return AT_CMS | CMS_PDU;
    at->busy = at->in_command = true;
    enum err err = modem_host_submit(at->modem, at->now_ms, tpdu);
    at->in_command = false;
    if (err == ERR_NONE)
        return at->busy ? AT_LATER : at->inside;
    return AT_CMS | (err == ERR_CLOSED ? CMS_NO_NETWORK : err == ERR_BUSY ? CMS_UNKNOWN : CMS_PDU);
}

/* ---- receiving ---- */

static void say_pdu(struct at *at, const struct at_message *m)
{
    char hex[2 * (SMS_TPDU_MAX + 1) + 1] = "00"; /* no service centre in front */
    hex_text((struct span){ m->tpdu, m->len }, hex + 2, sizeof hex - 2);
    at->line.write(at->line.context, span_text(hex));
    at->line.write(at->line.context, SPAN_LIT("\r\n"));
}

static bool sms_received(void *context, struct span tpdu)
{
    struct at *at = context;
    bool now = at->sms.mode && !at->busy && !at->sms.pdu;
    for (unsigned i = 0; i < AT_MESSAGES_MAX; i++) {
        struct at_message *m = &at->sms.kept[i];
        if (m->state != AT_MESSAGE_FREE)
            continue;
        m->len = (uint8_t)tpdu.len;
        memcpy(m->tpdu, tpdu.ptr, tpdu.len);
        m->state = AT_MESSAGE_UNREAD;
        if (now && at->sms.mt == 1)
            at_say(at, "+CMTI: \"ME\",%u", i + 1);
        if (now && at->sms.mt == 2) {
            at_say(at, "+CMT: ,%u", m->len);
            say_pdu(at, m);
            m->state = AT_MESSAGE_FREE;
        }
        return true;
    }
    return false;
}

static struct at_message *message_of(struct at *at, const struct at_args *a)
{
    unsigned long index;
    if (!at_number(a, 0, 0, &index) || index < 1 || index > AT_MESSAGES_MAX)
        return NULL;
    struct at_message *m = &at->sms.kept[index - 1];
    return m->state == AT_MESSAGE_FREE ? NULL : m;
}

static int read_one(struct at *at, const struct at_args *a)
{
    if (a->form == AT_TEST)
        return AT_OK;
    struct at_message *m = message_of(at, a);
    if (!m)
        return AT_CMS | CMS_INDEX;
    at_say(at, "+CMGR: %d,,%u", m->state == AT_MESSAGE_READ, m->len);
    say_pdu(at, m);
    m->state = AT_MESSAGE_READ;
    return AT_OK;
}

static int list(struct at *at, const struct at_args *a)
{
    unsigned long which = 0;
    if (a->form == AT_TEST) {
        at_say(at, "+CMGL: (0-4)");
        return AT_OK;
    }
    if ((a->form == AT_SET && !at_number(a, 0, 0, &which)) || which > LIST_ALL)
        return AT_CMS | CMS_PDU;
    for (unsigned i = 0; i < AT_MESSAGES_MAX; i++) {
        struct at_message *m = &at->sms.kept[i];
        bool read = m->state == AT_MESSAGE_READ;
        if (m->state == AT_MESSAGE_FREE || (which != LIST_ALL && which != read))
            continue;
        at_say(at, "+CMGL: %u,%d,,%u", i + 1, read, m->len);
        say_pdu(at, m);
        m->state = AT_MESSAGE_READ;
    }
    return AT_OK;
}

static int delete_messages(struct at *at, const struct at_args *a)
{
    unsigned long flag;
    if (a->form == AT_TEST) {
        at_say(at, "+CMGD: (1-%u),(0-4)", AT_MESSAGES_MAX);
        return AT_OK;
    }
    if (!at_number(a, 1, 0, &flag) || flag > 4)
        return AT_CMS | CMS_INDEX;
    if (!flag) {
        unsigned long index;
        if (!at_number(a, 0, 0, &index) || index < 1 || index > AT_MESSAGES_MAX)
            return AT_CMS | CMS_INDEX;
        at->sms.kept[index - 1].state = AT_MESSAGE_FREE;
        return AT_OK;
    }
    for (unsigned i = 0; i < AT_MESSAGES_MAX; i++)
        if (flag == 4 || at->sms.kept[i].state == AT_MESSAGE_READ)
            at->sms.kept[i].state = AT_MESSAGE_FREE;
    return AT_OK;
}

/* ---- settings ---- */

static int format(struct at *at, const struct at_args *a)
{
    unsigned long mode;
    if (a->form != AT_SET) {
        at_say(at, a->form == AT_TEST ? "+CMGF: (0)" : "+CMGF: 0");
        return AT_OK;
    }
    return at_number(a, 0, 0, &mode) && mode == 0 ? AT_OK : AT_CMS | CMS_NOT_SUPPORTED;
}

static int service(struct at *at, const struct at_args *a)
{
    if (a->form == AT_TEST)
        at_say(at, "+CSMS: (0,1)");
    else
        at_say(at, a->form == AT_READ ? "+CSMS: 0,1,1,0" : "+CSMS: 1,1,0");
    return AT_OK;
}

static int storage(struct at *at, const struct at_args *a)
{
    unsigned used = 0;
    for (unsigned i = 0; i < AT_MESSAGES_MAX; i++)
        used += at->sms.kept[i].state != AT_MESSAGE_FREE;
    unsigned all = AT_MESSAGES_MAX;
    if (a->form == AT_TEST)
        at_say(at, "+CPMS: (\"ME\"),(\"ME\"),(\"ME\")");
    else if (a->form == AT_READ)
        at_say(at, "+CPMS: \"ME\",%u,%u,\"ME\",%u,%u,\"ME\",%u,%u", used, all, used, all, used, all);
    else {
        char name[4];
        for (size_t i = 0; i < a->count; i++)
            if (!at_text(a, i, name, sizeof name) || strcmp(name, "ME"))
                return AT_CMS | CMS_NOT_SUPPORTED;
        at_say(at, "+CPMS: %u,%u,%u,%u,%u,%u", used, all, used, all, used, all);
    }
    return AT_OK;
}

static int indications(struct at *at, const struct at_args *a)
{
    unsigned long mode, mt;
    if (a->form == AT_TEST) {
        at_say(at, "+CNMI: (0-2),(0-2),(0),(0),(0)");
        return AT_OK;
    }
    if (a->form == AT_READ) {
        at_say(at, "+CNMI: %u,%u,0,0,0", at->sms.mode, at->sms.mt);
        return AT_OK;
    }
    if (!at_number(a, 0, 0, &mode) || !at_number(a, 1, 0, &mt) || mode > 2 || mt > 2)
        return AT_CMS | CMS_NOT_SUPPORTED;
    at->sms.mode = (uint8_t)mode;
    at->sms.mt = (uint8_t)mt;
    return AT_OK;
}

static int centre(struct at *at, const struct at_args *a)
{
    char number[sizeof at->sms.centre];
    if (a->form == AT_READ)
        at_say(at, "+CSCA: \"%s\",%d", at->sms.centre, at->sms.centre[0] == '+' ? 145 : 129);
    if (a->form != AT_SET)
        return AT_OK;
    if (!at_text(a, 0, number, sizeof number) || strspn(number, "+0123456789") != strlen(number))
        return AT_CMS | CMS_PDU;
    strcpy(at->sms.centre, number);
    return AT_OK;
}

const struct at_command at_sms_commands[] = {
    { "+CMGF", AT_READ | AT_TEST | AT_SET, format },
    { "+CMGS", AT_TEST | AT_SET, send },
    { "+CMGR", AT_TEST | AT_SET, read_one },
    { "+CMGL", AT_DO | AT_TEST | AT_SET, list },
    { "+CMGD", AT_TEST | AT_SET, delete_messages },
    { "+CSMS", AT_READ | AT_TEST | AT_SET, service },
    { "+CPMS", AT_READ | AT_TEST | AT_SET, storage },
    { "+CNMI", AT_READ | AT_TEST | AT_SET, indications },
    { "+CSCA", AT_READ | AT_TEST | AT_SET, centre },
    { NULL, 0, NULL },
};
