/* AT commands for short messages (TS 27.005), in PDU mode and in text mode: sending, and what is kept of those that are not
 * the card's own business. */
#include "at_private.h"

#include <stdio.h>

#define LIST_ALL 4u
#define EVERY_STATE (1u << AT_MESSAGE_UNREAD | 1u << AT_MESSAGE_READ | 1u << AT_MESSAGE_UNSENT | 1u << AT_MESSAGE_SENT)

static bool sms_received(void *context, struct span tpdu);
static void sms_sent(void *context, bool ok, uint8_t reference);

void at_sms_start(struct at *at)
{
    struct modem_host host = { at, sms_received, sms_sent };
    at->sms.mode = at->sms.mt = 0;
    at->sms.text = at->sms.details = at->sms.ira = false;
    memset(at->sms.memory, 0, sizeof at->sms.memory);
    at->sms.first = 0x11; /* SMS-SUBMIT, validity a number */
    at->sms.validity = 167;
    at->sms.pid = at->sms.dcs = 0;
    if (!at->sms.centre[0])
        strcpy(at->sms.centre, "+10000000000");
    modem_set_host(at->modem, &host);
}

/* ---- sending ---- */

static void sms_sent(void *context, bool ok, uint8_t reference)
{
    struct at *at = context;
    if (ok)
        at_say(at, "%s: %u", at->sms.from_store ? "+CMSS" : "+CMGS", reference);
    if (ok && at->sms.from_store) {
        struct at_message m;
        enum at_memory memory = store_in_use(at, AT_MEMORY_WRITE);
        if (store_read(at, memory, at->sms.from_store, &m)) {
            m.state = AT_MESSAGE_SENT;
            (void)store_write(at, memory, at->sms.from_store, &m);
        }
    }
    at_finish(at, ok ? AT_OK : AT_CMS | CMS_UNKNOWN);
}

static int submit(struct at *at, struct span tpdu, unsigned from_store)
{
    at->sms.from_store = from_store;
    at->busy = at->in_command = true;
    enum err err = modem_host_submit(at->modem, at->now_ms, tpdu);
    at->in_command = false;
    if (err == ERR_NONE)
        return at->busy ? AT_LATER : at->inside;
    return AT_CMS | (err == ERR_CLOSED ? CMS_NO_NETWORK : err == ERR_BUSY ? CMS_UNKNOWN : CMS_PDU);
}

/* What follows is the message, up to Ctrl-Z: "> ". */
static int ask_for_message(struct at *at)
{
    at->sms.prompt = true;
    at->line.write(at->line.context, SPAN_LIT("\r\n> "));
    return AT_LATER;
}

/* +CMGS=octets, or in text mode +CMGS="number". */
static int message_argument(struct at *at, const struct at_args *a)
{
    unsigned long octets;
    if (at->sms.text)
        return at_text(a, 0, at->sms.to, sizeof at->sms.to) && at->sms.to[0] ? AT_OK : AT_CMS | CMS_PARAMETER;
    if (!at_number(a, 0, 0, &octets) || octets < 8 || octets > SMS_TPDU_MAX)
        return AT_CMS | CMS_PDU;
    at->sms.octets = (unsigned)octets;
    return AT_OK;
}

static int send(struct at *at, const struct at_args *a)
{
    int result = a->form == AT_TEST ? AT_OK : message_argument(at, a);
    if (a->form == AT_TEST || result != AT_OK)
        return result;
    at->sms.write_as = AT_MESSAGE_FREE;
    return ask_for_message(at);
}

static bool state_argument(struct at *at, const struct at_args *a, size_t i, enum at_message_state *ret)
{
    char name[12];
    unsigned long number;
    unsigned states;
    *ret = AT_MESSAGE_UNSENT;
    if (i >= a->count || !a->args[i].len)
        return true;
    if (!at->sms.text) {
        bool good = at_number(a, i, 2, &number) && number < LIST_ALL;
        *ret = (enum at_message_state)(AT_MESSAGE_UNREAD + (good ? number : 0));
        return good;
    }
    if (!at_text(a, i, name, sizeof name) || !sms_text_state(name, &states) || states == EVERY_STATE)
        return false;
    for (*ret = AT_MESSAGE_UNREAD; !(states >> *ret & 1);)
        ++*ret;
    return true;
}

static int write_message(struct at *at, const struct at_args *a)
{
    enum at_message_state state;
    if (a->form == AT_TEST)
        return AT_OK;
    int result = message_argument(at, a);
    if (result != AT_OK || !state_argument(at, a, at->sms.text ? 2 : 1, &state))
        return result != AT_OK ? result : AT_CMS | CMS_PARAMETER;
    if (at->sms.text && state != AT_MESSAGE_UNSENT && state != AT_MESSAGE_SENT)
        return AT_CMS | CMS_PARAMETER; /* what arrived has a sender and a time */
    at->sms.write_as = state;
    return ask_for_message(at);
}

static enum err pdu_read(const struct at *at, const char *hex, struct writer *tpdu)
{
    uint8_t pdu[SMS_TPDU_MAX + 13];
    size_t len;
    if (hex_read(span_text(hex), pdu, sizeof pdu, &len) != ERR_NONE || !len || pdu[0] + 1u > len)
        return ERR_BAD_VALUE;
    wr_bytes(tpdu, span_from((struct span){ pdu, len }, pdu[0] + 1u));
    return tpdu->len == at->sms.octets ? tpdu->err : ERR_BAD_LENGTH;
}

int at_sms_message(struct at *at, const char *text)
{
    WRITER_ON_STACK(tpdu, SMS_TPDU_MAX);
    enum err err = at->sms.text ? sms_text_submit(at, at->sms.to, text, &tpdu) : pdu_read(at, text, &tpdu);
    if (err != ERR_NONE)
        return AT_CMS | (at->sms.text ? CMS_PARAMETER : CMS_PDU);
    if (at->sms.write_as == AT_MESSAGE_FREE)
        return submit(at, wr_span(&tpdu), 0);
    struct at_message m = { .state = at->sms.write_as, .len = (uint8_t)tpdu.len };
    memcpy(m.tpdu, tpdu.buf, tpdu.len);
    unsigned index = store_add(at, store_in_use(at, AT_MEMORY_WRITE), &m);
    if (!index)
        return AT_CMS | CMS_MEMORY_FULL;
    at_say(at, "+CMGW: %u", index);
    return AT_OK;
}

static int send_stored(struct at *at, const struct at_args *a)
{
    unsigned long index;
    struct at_message m;
    if (a->form == AT_TEST)
        return AT_OK;
    bool there = at_number(a, 0, 0, &index) && store_read(at, store_in_use(at, AT_MEMORY_WRITE), index, &m);
    if (!there || (m.state != AT_MESSAGE_UNSENT && m.state != AT_MESSAGE_SENT))
        return AT_CMS | CMS_INDEX;
    return submit(at, (struct span){ m.tpdu, m.len }, (unsigned)index);
}

/* ---- receiving ---- */

static const char *memory_name(enum at_memory memory) { return memory == AT_MEMORY_SM ? "SM" : "ME"; }

static void say_pdu(struct at *at, const struct at_message *m)
{
    char hex[2 * (SMS_TPDU_MAX + 1) + 1] = "00"; /* no service centre in front */
    hex_text((struct span){ m->tpdu, m->len }, hex + 2, sizeof hex - 2);
    at->line.write(at->line.context, span_text(hex));
    at->line.write(at->line.context, SPAN_LIT("\r\n"));
}

static void hand_over(struct at *at, const struct at_message *m)
{
    if (at->sms.text) {
        sms_text_say(at, SMS_TEXT_HANDED_OVER, 0, m);
        return;
    }
    at_say(at, "+CMT: ,%u", m->len);
    say_pdu(at, m);
}

static bool sms_received(void *context, struct span tpdu)
{
    struct at *at = context;
    struct at_message m = { .state = AT_MESSAGE_UNREAD, .len = (uint8_t)tpdu.len };
    bool now = at->sms.mode && !at->busy && !at->sms.prompt;
    memcpy(m.tpdu, tpdu.ptr, tpdu.len);
    if (now && at->sms.mt == 2) {
        hand_over(at, &m);
        return true;
    }
    enum at_memory memory = store_in_use(at, AT_MEMORY_RECEIVED);
    unsigned index = store_add(at, memory, &m);
    if (index && now && at->sms.mt == 1)
        at_say(at, "+CMTI: \"%s\",%u", memory_name(memory), index);
    return index != 0;
}

static void seen(struct at *at, enum at_memory memory, unsigned index, struct at_message *m)
{
    if (m->state != AT_MESSAGE_UNREAD)
        return;
    m->state = AT_MESSAGE_READ;
    (void)store_write(at, memory, index, m);
}

static int read_one(struct at *at, const struct at_args *a)
{
    unsigned long index;
    struct at_message m;
    enum at_memory memory = store_in_use(at, AT_MEMORY_READ);
    if (a->form == AT_TEST)
        return AT_OK;
    if (!at_number(a, 0, 0, &index) || !store_read(at, memory, index, &m) || m.state == AT_MESSAGE_FREE)
        return AT_CMS | CMS_INDEX;
    if (at->sms.text) {
        sms_text_say(at, SMS_TEXT_READ, (unsigned)index, &m);
    } else {
        at_say(at, "+CMGR: %d,,%u", m.state - AT_MESSAGE_UNREAD, m.len);
        say_pdu(at, &m);
    }
    seen(at, memory, (unsigned)index, &m);
    return AT_OK;
}

/* Bits of enum at_message_state; false: not a way to say it. */
static bool list_argument(const struct at *at, const struct at_args *a, unsigned *ret)
{
    unsigned long which;
    char name[12];
    *ret = 1u << AT_MESSAGE_UNREAD;
    if (a->form == AT_DO)
        return true;
    if (at->sms.text)
        return at_text(a, 0, name, sizeof name) && sms_text_state(name, ret);
    if (!at_number(a, 0, 0, &which) || which > LIST_ALL)
        return false;
    *ret = which == LIST_ALL ? EVERY_STATE : 1u << (AT_MESSAGE_UNREAD + which);
    return true;
}

static int list(struct at *at, const struct at_args *a)
{
    unsigned states;
    if (a->form == AT_TEST) {
        at_say(at, at->sms.text ? "+CMGL: (\"REC UNREAD\",\"REC READ\",\"STO UNSENT\",\"STO SENT\",\"ALL\")" : "+CMGL: (0-4)");
        return AT_OK;
    }
    if (!list_argument(at, a, &states))
        return AT_CMS | (at->sms.text ? CMS_PARAMETER : CMS_PDU);
    enum at_memory memory = store_in_use(at, AT_MEMORY_READ);
    unsigned all = store_capacity(at, memory);
    for (unsigned i = 1; i <= all; i++) {
        struct at_message m;
        if (!store_read(at, memory, i, &m) || !(states >> m.state & 1))
            continue;
        if (at->sms.text) {
            sms_text_say(at, SMS_TEXT_LIST, i, &m);
        } else {
            at_say(at, "+CMGL: %u,%d,,%u", i, m.state - AT_MESSAGE_UNREAD, m.len);
            say_pdu(at, &m);
        }
        seen(at, memory, i, &m);
    }
    return AT_OK;
}

static int delete_messages(struct at *at, const struct at_args *a)
{
    static const struct at_message none = { .state = AT_MESSAGE_FREE };
    static const unsigned goes[] = { 0, 1u << AT_MESSAGE_READ, 1u << AT_MESSAGE_READ | 1u << AT_MESSAGE_SENT,
                                     EVERY_STATE & ~(1u << AT_MESSAGE_UNREAD), EVERY_STATE };
    unsigned long flag, index;
    enum at_memory memory = store_in_use(at, AT_MEMORY_READ);
    unsigned all = store_capacity(at, memory);
    if (a->form == AT_TEST) {
        at_say(at, "+CMGD: (1-%u),(0-4)", all);
        return AT_OK;
    }
    if (!at_number(a, 0, 0, &index) || !at_number(a, 1, 0, &flag) || flag >= ARRAY_LEN(goes))
        return AT_CMS | CMS_INDEX;
    if (!flag)
        return index >= 1 && index <= all && store_write(at, memory, (unsigned)index, &none) ? AT_OK : AT_CMS | CMS_INDEX;
    for (unsigned i = 1; i <= all; i++) {
        struct at_message m;
        if (store_read(at, memory, i, &m) && goes[flag] >> m.state & 1 && !store_write(at, memory, i, &none))
            return AT_CMS | CMS_UNKNOWN;
    }
    return AT_OK;
}

/* ---- settings ---- */

static int format(struct at *at, const struct at_args *a)
{
    unsigned long mode;
    if (a->form == AT_TEST)
        at_say(at, "+CMGF: (0,1)");
    if (a->form == AT_READ)
        at_say(at, "+CMGF: %d", at->sms.text);
    if (a->form != AT_SET)
        return AT_OK;
    if (!at_number(a, 0, 0, &mode) || mode > 1)
        return AT_CMS | CMS_NOT_SUPPORTED;
    at->sms.text = mode == 1;
    return AT_OK;
}

static int text_details(struct at *at, const struct at_args *a)
{
    unsigned long show;
    if (a->form == AT_TEST)
        at_say(at, "+CSDH: (0,1)");
    if (a->form == AT_READ)
        at_say(at, "+CSDH: %d", at->sms.details);
    if (a->form != AT_SET)
        return AT_OK;
    if (!at_number(a, 0, 0, &show) || show > 1)
        return AT_CMS | CMS_PARAMETER;
    at->sms.details = show == 1;
    return AT_OK;
}

/* First octet, validity, protocol identifier, data coding scheme of what text mode sends. */
static int text_parameters(struct at *at, const struct at_args *a)
{
    unsigned long first, validity, pid, dcs;
    if (a->form == AT_READ)
        at_say(at, "+CSMP: %u,%u,%u,%u", at->sms.first, at->sms.validity, at->sms.pid, at->sms.dcs);
    if (a->form != AT_SET)
        return AT_OK;
    if (!at_number(a, 0, 17, &first) || !at_number(a, 1, 167, &validity) || !at_number(a, 2, 0, &pid) ||
        !at_number(a, 3, 0, &dcs) || first > 255 || validity > 255 || pid > 255 || dcs > 255 || (first & 0x0B) != 0x01)
        return AT_CMS | CMS_PARAMETER; /* no SMS-SUBMIT, or a validity that is no number */
    at->sms.first = (uint8_t)first;
    at->sms.validity = (uint8_t)validity;
    at->sms.pid = (uint8_t)pid;
    at->sms.dcs = (uint8_t)dcs;
    return AT_OK;
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
    enum at_memory memory[AT_MEMORY_USES];
    unsigned used[AT_MEMORY_USES], all[AT_MEMORY_USES];
    bool card = store_capacity(at, AT_MEMORY_SM) > 0;
    if (a->form == AT_TEST) {
        const char *one = card ? "(\"SM\",\"ME\")" : "(\"ME\")";
        at_say(at, "+CPMS: %s,%s,%s", one, one, one);
        return AT_OK;
    }
    for (size_t i = 0; a->form == AT_SET && i < a->count && i < AT_MEMORY_USES; i++) {
        char name[4];
        bool me = at_text(a, i, name, sizeof name) && !strcmp(name, "ME");
        if (!me && (strcmp(name, "SM") || !card))
            return AT_CMS | CMS_NOT_SUPPORTED;
        at->sms.memory[i] = me ? AT_MEMORY_ME : AT_MEMORY_SM;
    }
    for (size_t i = 0; i < AT_MEMORY_USES; i++) {
        memory[i] = store_in_use(at, (enum at_memory_use)i);
        used[i] = store_used(at, memory[i]);
        all[i] = store_capacity(at, memory[i]);
    }
    if (a->form == AT_SET)
        at_say(at, "+CPMS: %u,%u,%u,%u,%u,%u", used[0], all[0], used[1], all[1], used[2], all[2]);
    else
        at_say(at, "+CPMS: \"%s\",%u,%u,\"%s\",%u,%u,\"%s\",%u,%u", memory_name(memory[0]), used[0], all[0], memory_name(memory[1]),
               used[1], all[1], memory_name(memory[2]), used[2], all[2]);
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
    { "+CMSS", AT_TEST | AT_SET, send_stored },
    { "+CMGW", AT_TEST | AT_SET, write_message },
    { "+CMGR", AT_TEST | AT_SET, read_one },
    { "+CMGL", AT_DO | AT_TEST | AT_SET, list },
    { "+CMGD", AT_TEST | AT_SET, delete_messages },
    { "+CSMS", AT_READ | AT_TEST | AT_SET, service },
    { "+CPMS", AT_READ | AT_TEST | AT_SET, storage },
    { "+CNMI", AT_READ | AT_TEST | AT_SET, indications },
    { "+CSCA", AT_READ | AT_TEST | AT_SET, centre },
    { "+CSDH", AT_READ | AT_TEST | AT_SET, text_details },
    { "+CSMP", AT_READ | AT_TEST | AT_SET, text_parameters },
    { NULL, 0, NULL },
};
