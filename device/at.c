#include "at_private.h"
#include "lib/base/version.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHAR_CR = 0x0D, CHAR_LF = 0x0A, CHAR_BS = 0x08, CHAR_ESC = 0x1B, CHAR_CTRL_Z = 0x1A };

/* ---- out ---- */

static void put(struct at *at, const char *text) { at->line.write(at->line.context, span_text(text)); }

static void put_line(struct at *at, const char *text)
{
    if (at->verbose)
        put(at, "\r\n");
    put(at, text);
    put(at, "\r\n");
}

void at_say(struct at *at, const char *format, ...)
{
    char text[AT_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put_line(at, text);
}

void at_say_hex(struct at *at, struct span bytes, const char *format, ...)
{
    char text[AT_TEXT_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, 64, format, args);
    va_end(args);
    text[len++] = '"';
    hex_text(span_sub(bytes, 0, (AT_TEXT_MAX - 70) / 2), text + len, sizeof text - (size_t)len - 1);
    strcat(text, "\"");
    put_line(at, text);
}

static const struct {
    int number;
    const char *text;
} cme_texts[] = {
    { CME_NOT_ALLOWED, "operation not allowed" }, { CME_NOT_SUPPORTED, "operation not supported" },
    { CME_NO_SIM, "SIM not inserted" },           { CME_SIM_PIN, "SIM PIN required" },
    { CME_SIM_PUK, "SIM PUK required" },          { CME_SIM_FAILURE, "SIM failure" },
    { CME_SIM_WRONG, "SIM wrong" },               { CME_WRONG_PASSWORD, "incorrect password" },
    { CME_INDEX, "invalid index" },               { CME_NOT_FOUND, "not found" },
    { CME_NO_NETWORK, "no network service" },     { CME_PARAMETERS, "Incorrect parameters" },
    { CME_UNKNOWN, "unknown" },
};

static const char *cme_text(int number)
{
    for (size_t i = 0; i < ARRAY_LEN(cme_texts); i++)
        if (cme_texts[i].number == number)
            return cme_texts[i].text;
    return "unknown";
}

static void say_result(struct at *at, int result)
{
    char text[80];
    if (at->quiet || result == AT_QUIET)
        return;
    if (result == AT_OK) {
        if (at->verbose)
            put_line(at, "OK");
        else
            put(at, "0\r");
        return;
    }
    if (result >= AT_CMS)
        snprintf(text, sizeof text, "+CMS ERROR: %d", result - AT_CMS);
    else if (result >= AT_CME && at->cme == 2)
        snprintf(text, sizeof text, "+CME ERROR: %s", cme_text(result - AT_CME));
    else if (result >= AT_CME && at->cme == 1)
        snprintf(text, sizeof text, "+CME ERROR: %d", result - AT_CME);
    else
        snprintf(text, sizeof text, "%s", at->verbose ? "ERROR" : "4");
    put_line(at, text);
}

/* ---- arguments ---- */

bool at_text(const struct at_args *args, size_t i, char *out, size_t cap)
{
    if (i >= args->count || !args->args[i].ptr || args->args[i].len >= cap)
        return false;
    memcpy(out, args->args[i].ptr, args->args[i].len);
    out[args->args[i].len] = '\0';
    return true;
}

bool at_number(const struct at_args *args, size_t i, unsigned long otherwise, unsigned long *ret)
{
    char text[11];
    if (i >= args->count || !args->args[i].ptr || !args->args[i].len) {
        *ret = otherwise;
        return true;
    }
    if (!at_text(args, i, text, sizeof text) || strspn(text, "0123456789") != strlen(text))
        return false;
    *ret = strtoul(text, NULL, 10);
    return true;
}

bool at_hex(const struct at_args *args, size_t i, uint8_t *out, size_t cap, size_t *ret_len)
{
    return i < args->count && args->args[i].ptr && hex_read(args->args[i], out, cap, ret_len) == ERR_NONE;
}

/* The arguments of one command: up to a semicolon outside quotes. Returns where the next command begins; NULL: cannot be
 * read. */
static const char *read_args(const char *at_text_, struct at_args *ret)
{
    const char *p = at_text_;
    while (true) {
        if (ret->count == AT_ARGS_MAX)
            return NULL;
        while (*p == ' ')
            p++;
        struct span *arg = &ret->args[ret->count];
        bool quoted = *p == '"';
        const char *from = quoted ? ++p : p;
        while (*p && (quoted ? *p != '"' : *p != ',' && *p != ';'))
            p++;
        if (quoted && *p != '"')
            return NULL;
        *arg = (struct span){ quoted || p > from ? (const uint8_t *)from : NULL, (size_t)(p - from) };
        while (!quoted && arg->len && from[arg->len - 1] == ' ')
            arg->len--;
        ret->quoted[ret->count++] = quoted;
        p += quoted;
        while (*p == ' ')
            p++;
        if (*p == ',')
            p++;
        else
            return *p == ';' ? p + 1 : *p ? NULL : p;
    }
}

/* ---- commands of V.250, and who we are ---- */

static int say_text(struct at *at, const char *text)
{
    at_say(at, "%s", text);
    return AT_OK;
}

static int manufacturer(struct at *at, const struct at_args *a) { return a->form == AT_TEST ? AT_OK : say_text(at, "Osprey"); }
static int model(struct at *at, const struct at_args *a) { return a->form == AT_TEST ? AT_OK : say_text(at, "osprey-device"); }
static int revision(struct at *at, const struct at_args *a) { return a->form == AT_TEST ? AT_OK : say_text(at, osprey_version); }
static int serial(struct at *at, const struct at_args *a) { return a->form == AT_TEST ? AT_OK : say_text(at, modem_imei(at->modem)); }
static int capabilities(struct at *at, const struct at_args *a) { return a->form == AT_TEST ? AT_OK : say_text(at, "+GCAP: +CGSM"); }

static int error_reports(struct at *at, const struct at_args *a)
{
    unsigned long mode;
    if (a->form == AT_TEST)
        return say_text(at, "+CMEE: (0-2)");
    if (a->form == AT_READ) {
        at_say(at, "+CMEE: %u", at->cme);
        return AT_OK;
    }
    if (!at_number(a, 0, 0, &mode) || mode > 2)
        return AT_CME | CME_PARAMETERS;
    at->cme = (uint8_t)mode;
    return AT_OK;
}

static int character_set(struct at *at, const struct at_args *a)
{
    char name[8];
    if (a->form == AT_TEST)
        return say_text(at, "+CSCS: (\"GSM\",\"IRA\")");
    if (a->form == AT_READ)
        return say_text(at, at->sms.ira ? "+CSCS: \"IRA\"" : "+CSCS: \"GSM\"");
    bool known = at_text(a, 0, name, sizeof name) && (!strcmp(name, "GSM") || !strcmp(name, "IRA"));
    if (known)
        at->sms.ira = name[0] == 'I';
    return known ? AT_OK : AT_CME | CME_NOT_SUPPORTED;
}

static int list_commands(struct at *at, const struct at_args *a);

static const struct at_command own_commands[] = {
    { "+CGMI", AT_DO | AT_TEST, manufacturer },
    { "+GMI", AT_DO | AT_TEST, manufacturer },
    { "+CGMM", AT_DO | AT_TEST, model },
    { "+GMM", AT_DO | AT_TEST, model },
    { "+CGMR", AT_DO | AT_TEST, revision },
    { "+GMR", AT_DO | AT_TEST, revision },
    { "+CGSN", AT_DO | AT_TEST, serial },
    { "+GSN", AT_DO | AT_TEST, serial },
    { "+GCAP", AT_DO | AT_TEST, capabilities },
    { "+CMEE", AT_READ | AT_TEST | AT_SET, error_reports },
    { "+CSCS", AT_READ | AT_TEST | AT_SET, character_set },
    { "+CLAC", AT_DO | AT_TEST, list_commands },
    { NULL, 0, NULL },
};

static const struct at_command *const tables[] = { own_commands, at_card_commands, at_network_commands, at_sms_commands };

static int list_commands(struct at *at, const struct at_args *a)
{
    for (size_t t = 0; a->form == AT_DO && t < ARRAY_LEN(tables); t++)
        for (const struct at_command *c = tables[t]; c->name; c++)
            at_say(at, "AT%s", c->name);
    return AT_OK;
}

static void reset_settings(struct at *at)
{
    at->echo = at->verbose = true;
    at->quiet = false;
    at->cme = 0;
    memset(at->reg_mode, 0, sizeof at->reg_mode);
    at_sms_start(at);
}

/* A letter and a number; *p is moved behind it. */
static int basic_command(struct at *at, const char **p)
{
    char letter = (char)toupper((unsigned char)**p);
    (*p)++;
    if (letter == '&') {
        letter = (char)tolower((unsigned char)**p); /* &F: as 'f' */
        *p += **p != '\0';
    }
    char *end;
    unsigned long value = isdigit((unsigned char)**p) ? strtoul(*p, &end, 10) : (end = (char *)*p, 0);
    *p = end;
    switch (letter) {
    case 'E': at->echo = value; return value > 1 ? AT_ERROR : AT_OK;
    case 'V': at->verbose = value; return value > 1 ? AT_ERROR : AT_OK;
    case 'Q': at->quiet = value; return value > 1 ? AT_ERROR : AT_OK;
    case 'I': at_say(at, "Osprey osprey-device %s", osprey_version); return AT_OK;
    case 'Z': case 'f': reset_settings(at); return AT_OK;
    case 'H': case 'X': case 'L': case 'M': case 'c': case 'd': case 'k': case 'w': return AT_OK;
    case 'S': /* Sn=v, Sn? */
        if (**p == '?')
            at_say(at, "000");
        while (**p == '=' || **p == '?' || isdigit((unsigned char)**p))
            (*p)++;
        return AT_OK;
    case 'D':
        *p += strlen(*p);
        put_line(at, at->verbose ? "NO CARRIER" : "3"); /* no calls */
        return AT_QUIET;
    default: *p += strlen(*p); return AT_ERROR;
    }
}

/* ---- a line ---- */

static const struct at_command *command_find(struct span name)
{
    for (size_t t = 0; t < ARRAY_LEN(tables); t++)
        for (const struct at_command *c = tables[t]; c->name; c++)
            if (strlen(c->name) == name.len && !strncasecmp(c->name, (const char *)name.ptr, name.len))
                return c;
    return NULL;
}

static int extended_command(struct at *at, const char **p)
{
    struct at_args args = { .form = AT_DO };
    const char *from = *p, *q = from + 1;
    while (isalnum((unsigned char)*q))
        q++;
    const struct at_command *command = command_find((struct span){ (const uint8_t *)from, (size_t)(q - from) });
    if (*q == '?' || (q[0] == '=' && q[1] == '?')) {
        args.form = *q == '?' ? AT_READ : AT_TEST;
        q += args.form == AT_READ ? 1 : 2;
    } else if (*q == '=') {
        args.form = AT_SET;
        if (!(q = read_args(q + 1, &args)))
            return AT_CME | CME_PARAMETERS;
    }
    *p = *q == ';' ? q + 1 : q;
    if (args.form != AT_SET && *q && *q != ';')
        return AT_ERROR;
    if (!command || !(command->forms & args.form))
        return command ? AT_CME | CME_NOT_SUPPORTED : AT_ERROR;
    return command->handler(at, &args);
}

/* Runs what is left of the line; ends when a command has to wait. */
static void run_rest(struct at *at)
{
    int result = AT_OK;
    while (result == AT_OK && *at->rest) {
        while (*at->rest == ' ' || *at->rest == ';')
            at->rest++;
        if (*at->rest == '+')
            result = extended_command(at, &at->rest);
        else if (*at->rest)
            result = basic_command(at, &at->rest);
    }
    at->busy = result == AT_LATER && !at->sms.prompt;
    if (result != AT_LATER)
        say_result(at, result);
}

void at_finish(struct at *at, int result)
{
    if (at->in_command) { /* answered from inside: its handler says so */
        at->busy = false;
        at->inside = result;
        return;
    }
    if (!at->busy)
        return;
    at->busy = false;
    if (result == AT_OK)
        run_rest(at);
    else
        say_result(at, result);
}

static void run_line(struct at *at)
{
    char *text = at->text;
    bool too_long = at->too_long;
    at->text[at->len] = '\0';
    at->len = 0;
    at->too_long = false;
    while (*text == ' ')
        text++;
    if (!strcasecmp(text, "A/"))
        strcpy(text = at->text, at->last);
    if (strncasecmp(text, "AT", 2))
        return;
    if (too_long) {
        say_result(at, AT_ERROR);
        return;
    }
    if (text != at->last)
        memmove(at->last, text, strlen(text) + 1);
    at->rest = at->last + 2;
    run_rest(at);
}

/* The end of a message behind "> ": Ctrl-Z sends it, Escape drops it. */
static void run_message(struct at *at, uint8_t end)
{
    bool too_long = at->too_long;
    at->text[at->len] = '\0';
    at->len = 0;
    at->too_long = at->sms.prompt = false;
    int result = end == CHAR_ESC ? AT_OK : too_long ? AT_CMS | CMS_PDU : at_sms_message(at, at->text);
    at->busy = result == AT_LATER;
    if (result != AT_LATER)
        say_result(at, result);
}

/* A message of several lines. */
static void next_line(struct at *at)
{
    if (at->len < AT_LINE_MAX)
        at->text[at->len++] = CHAR_LF;
    at->line.write(at->line.context, SPAN_LIT("\r\n> "));
}

static void take(struct at *at, uint8_t octet)
{
    bool ends = at->sms.prompt ? octet == CHAR_CTRL_Z || octet == CHAR_ESC : octet == CHAR_CR;
    if (at->echo && octet != CHAR_LF)
        at->line.write(at->line.context, (struct span){ &octet, 1 });
    if (ends && at->sms.prompt)
        run_message(at, octet);
    else if (ends)
        run_line(at);
    else if (octet == CHAR_BS || octet == 0x7F)
        at->len -= at->len > 0;
    else if (at->sms.prompt && at->sms.text && octet == CHAR_CR)
        next_line(at);
    else if (octet < 0x20)
        return;
    else if (at->len < AT_LINE_MAX)
        at->text[at->len++] = (char)octet;
    else
        at->too_long = true;
}

size_t at_input(struct at *at, uint64_t now_ms, struct span bytes)
{
    size_t taken = 0;
    at->now_ms = now_ms;
    while (taken < bytes.len && !at->busy)
        take(at, bytes.ptr[taken++]);
    return taken;
}

bool at_is_ready(const struct at *at) { return !at->busy; }

void at_tick(struct at *at, uint64_t now_ms)
{
    at->now_ms = now_ms;
    at_network_tick(at);
}

struct at *at_new(struct modem *modem, const struct at_line *line)
{
    struct at *at = calloc(1, sizeof *at);
    if (!at)
        return NULL;
    at->modem = modem;
    at->line = *line;
    at->rest = "";
    reset_settings(at);
    return at;
}

void at_free(struct at *at)
{
    if (!at)
        return;
    modem_set_host(at->modem, &(struct modem_host){ 0 });
    wipe(at, sizeof *at); /* a PIN may be in a line */
    free(at);
}
