/* AT commands about the network and the radio. */
#include "at_private.h"

#include <stdio.h>

#define OPERATOR_LONG  "Osprey Lab"
#define OPERATOR_SHORT "Osprey"
#define ACT_EUTRAN     7
#define SIGNAL_GOOD    23 /* of 0 … 31 */
#define SIGNAL_NONE    99

static const char *const registration_names[REG_COUNT] = { "+CREG", "+CGREG", "+CEREG" };

static bool is_registered(struct at *at)
{
    enum modem_registration r = modem_registration(at->modem);
    return r == MODEM_HOME || r == MODEM_ROAMING;
}

/* mode < 0: unsolicited */
static void say_registration(struct at *at, int which, int mode)
{
    char n[4] = "", place[40] = "";
    if (mode >= 0)
        snprintf(n, sizeof n, "%d,", mode);
    if (at->reg_mode[which] == 2 && is_registered(at))
        snprintf(place, sizeof place, ",\"%04X\",\"%08X\",%d", modem_area(at->modem), modem_cell(at->modem), ACT_EUTRAN);
    at_say(at, "%s: %s%d%s", registration_names[which], n, modem_registration(at->modem), place);
}

static int registration(struct at *at, const struct at_args *a, int which)
{
    unsigned long mode;
    if (a->form == AT_TEST) {
        at_say(at, "%s: (0-2)", registration_names[which]);
        return AT_OK;
    }
    if (a->form == AT_READ) {
        say_registration(at, which, at->reg_mode[which]);
        return AT_OK;
    }
    if (!at_number(a, 0, 0, &mode) || mode > 2)
        return AT_CME | CME_PARAMETERS;
    at->reg_mode[which] = (uint8_t)mode;
    return AT_OK;
}

static int creg(struct at *at, const struct at_args *a) { return registration(at, a, REG_CS); }
static int cgreg(struct at *at, const struct at_args *a) { return registration(at, a, REG_GPRS); }
static int cereg(struct at *at, const struct at_args *a) { return registration(at, a, REG_EPS); }

void at_network_tick(struct at *at)
{
    enum modem_registration now = modem_registration(at->modem);
    if (now == at->told || at->busy || at->sms.prompt)
        return;
    at->told = now;
    for (int which = 0; which < REG_COUNT; which++)
        if (at->reg_mode[which])
            say_registration(at, which, -1);
}

/* ---- operator ---- */

static void say_operator(struct at *at)
{
    char plmn[7];
    const char *name = at->cops_format == 0 ? OPERATOR_LONG : at->cops_format == 1 ? OPERATOR_SHORT : plmn;
    modem_plmn(at->modem, plmn);
    if (is_registered(at))
        at_say(at, "+COPS: 0,%u,\"%s\",%d", at->cops_format, name, ACT_EUTRAN);
    else
        at_say(at, "+COPS: %d", modem_radio_is_on(at->modem) ? 0 : 2);
}

static int operator_named(struct at *at, const struct at_args *a)
{
    char name[24], plmn[7];
    modem_plmn(at->modem, plmn);
    if (!at_text(a, 2, name, sizeof name))
        return AT_CME | CME_PARAMETERS;
    if (strcmp(name, plmn) && strcmp(name, OPERATOR_LONG) && strcmp(name, OPERATOR_SHORT))
        return AT_CME | CME_NO_NETWORK;
    modem_radio(at->modem, at->now_ms, true);
    return AT_OK;
}

static int operators(struct at *at, const struct at_args *a)
{
    unsigned long mode, format;
    char plmn[7];
    if (a->form == AT_READ) {
        say_operator(at);
        return AT_OK;
    }
    if (a->form == AT_TEST) {
        modem_plmn(at->modem, plmn);
        at_say(at, "+COPS: (%d,\"%s\",\"%s\",\"%s\",%d),,(0-4),(0-2)", is_registered(at) ? 2 : 1, OPERATOR_LONG, OPERATOR_SHORT,
               plmn, ACT_EUTRAN);
        return AT_OK;
    }
    if (!at_number(a, 0, 0, &mode) || !at_number(a, 1, at->cops_format, &format) || mode > 4 || format > 2)
        return AT_CME | CME_PARAMETERS;
    if (mode == 1 || mode == 4)
        return operator_named(at, a);
    if (mode == 3)
        at->cops_format = (uint8_t)format;
    else
        modem_radio(at->modem, at->now_ms, mode == 0);
    return AT_OK;
}

/* ---- radio ---- */

static int signal_quality(struct at *at, const struct at_args *a)
{
    if (a->form == AT_TEST)
        at_say(at, "+CSQ: (0-31,99),(0-7,99)");
    else
        at_say(at, "+CSQ: %d,%d", is_registered(at) ? SIGNAL_GOOD : SIGNAL_NONE, is_registered(at) ? 0 : SIGNAL_NONE);
    return AT_OK;
}

static int functionality(struct at *at, const struct at_args *a)
{
    unsigned long mode, reset;
    if (a->form == AT_TEST) {
        at_say(at, "+CFUN: (0,1,4),(0,1)");
        return AT_OK;
    }
    if (a->form == AT_READ) {
        at_say(at, "+CFUN: %d", !modem_is_powered(at->modem) ? 0 : modem_radio_is_on(at->modem) ? 1 : 4);
        return AT_OK;
    }
    if (!at_number(a, 0, 1, &mode) || !at_number(a, 1, 0, &reset) || reset > 1 || (mode != 0 && mode != 1 && mode != 4))
        return AT_CME | CME_PARAMETERS;
    if (mode == 0 || reset)
        modem_power_off(at->modem, at->now_ms);
    if (mode == 0)
        return AT_OK;
    modem_radio(at->modem, at->now_ms, mode == 1);
    if (!modem_is_powered(at->modem))
        modem_power_on(at->modem, at->now_ms);
    return AT_OK;
}

static int attachment(struct at *at, const struct at_args *a)
{
    unsigned long on;
    if (a->form == AT_TEST)
        at_say(at, "+CGATT: (0,1)");
    else if (a->form == AT_READ)
        at_say(at, "+CGATT: %d", is_registered(at));
    else if (!at_number(a, 0, 9, &on) || on > 1)
        return AT_CME | CME_PARAMETERS;
    else
        modem_radio(at->modem, at->now_ms, on);
    return AT_OK;
}

static int activity(struct at *at, const struct at_args *a)
{
    if (a->form == AT_TEST)
        at_say(at, "+CPAS: (0)");
    else
        at_say(at, "+CPAS: 0");
    return AT_OK;
}

const struct at_command at_network_commands[] = {
    { "+CREG", AT_READ | AT_TEST | AT_SET, creg },
    { "+CGREG", AT_READ | AT_TEST | AT_SET, cgreg },
    { "+CEREG", AT_READ | AT_TEST | AT_SET, cereg },
    { "+COPS", AT_READ | AT_TEST | AT_SET, operators },
    { "+CSQ", AT_DO | AT_TEST, signal_quality },
    { "+CFUN", AT_READ | AT_TEST | AT_SET, functionality },
    { "+CGATT", AT_READ | AT_TEST | AT_SET, attachment },
    { "+CPAS", AT_DO | AT_TEST, activity },
    { NULL, 0, NULL },
};
