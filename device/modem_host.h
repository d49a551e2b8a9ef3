/* device/modem_host.h: what a modem does for the software that drives it (device/at.h): commands to the card, files, PIN,
 * radio on and off, short messages that are not the card's. Nothing here waits. */
#ifndef OSPREY_DEVICE_MODEM_HOST_H
#define OSPREY_DEVICE_MODEM_HOST_H

#include "modem.h"

enum modem_card {
    MODEM_CARD_ABSENT, /* off, or nothing in the slot */
    MODEM_CARD_READY,
    MODEM_CARD_PIN,    /* PIN1 has to be verified before the subscription can be read */
    MODEM_CARD_PUK     /* PIN1 is blocked */
};
enum modem_registration { MODEM_NOT_SEARCHING = 0, MODEM_HOME = 1, MODEM_SEARCHING = 2, MODEM_DENIED = 3, MODEM_ROAMING = 5 };

struct modem_host {
    void *context;
    /* A SMS-DELIVER that is not for the card (for it are PID 7F and class 2, TS 31.111 §7.1); false: no room, the
     * network keeps it. NULL: every message goes to the card. */
    bool (*sms_received)(void *context, struct span tpdu);
    /* The answer to modem_host_submit; may come from inside it. */
    void (*sms_sent)(void *context, bool ok, uint8_t reference);
};
void modem_set_host(struct modem *m, const struct modem_host *host);

enum modem_card modem_card_state(const struct modem *m);
enum modem_registration modem_registration(const struct modem *m);
/* The serving network as digits, its area and cell; the number of the subscription ("": not known). */
void modem_plmn(const struct modem *m, char ret_digits[7]);
uint16_t modem_area(const struct modem *m);
uint16_t modem_cell(const struct modem *m);
const char *modem_imei(const struct modem *m);
const char *modem_msisdn(const struct modem *m);

/* One command to the card as the host wants it; 61xx and 6Cxx are followed, a proactive command that is announced is the
 * modem's business. Data in ret (MODEM_HOST_ANSWER_MAX), status word returned. 0: refused, because the command belongs
 * to the modem (TERMINAL PROFILE, FETCH, TERMINAL RESPONSE) or there is no card. */
#define MODEM_HOST_ANSWER_MAX 520u
uint16_t modem_host_apdu(struct modem *m, uint64_t now_ms, struct span capdu, struct writer *ret);
/* SELECT by path: from the MF, or from the ADF of the USIM in use; empty: MF or ADF itself. fcp: NULL or takes the FCP. */
uint16_t modem_host_select(struct modem *m, uint64_t now_ms, bool in_usim, struct span path, struct writer *fcp);
/* A logical channel with the application of this AID selected; ret_channel 1 … 19. The status word of what failed. */
uint16_t modem_host_open_channel(struct modem *m, uint64_t now_ms, struct span aid, unsigned *ret_channel);
uint16_t modem_host_close_channel(struct modem *m, uint64_t now_ms, unsigned channel);
uint8_t modem_host_class(uint8_t cla, unsigned channel); /* cla on that logical channel */

/* PIN1. Texts of 4 to 8 digits; the second is the new PIN, NULL where there is none. Returns the status word (0: no card).
 * The subscription is read when it becomes readable by it. */
enum modem_pin_action { MODEM_PIN_VERIFY = 0x20, MODEM_PIN_CHANGE = 0x24, MODEM_PIN_DISABLE = 0x26, MODEM_PIN_ENABLE = 0x28,
                        MODEM_PIN_UNBLOCK = 0x2C };
uint16_t modem_host_pin(struct modem *m, uint64_t now_ms, enum modem_pin_action action, const char *value, const char *new_value);
/* Tries left, -1: not told. */
int modem_host_pin_tries(struct modem *m, uint64_t now_ms, bool puk);
/* Whether PIN1 is asked for (the PIN status template of the ADF's FCP); false also when the card does not say. */
bool modem_host_pin_enabled(struct modem *m, uint64_t now_ms);

/* Radio off: detached, the card stays. Power: the card too. A reset is both, one after the other. */
void modem_radio(struct modem *m, uint64_t now_ms, bool on);
bool modem_radio_is_on(const struct modem *m);
bool modem_is_powered(const struct modem *m);
void modem_power_off(struct modem *m, uint64_t now_ms);

/* A SMS-SUBMIT of the host; its reference is set here. ERR_BUSY: one is on its way; ERR_CLOSED: not registered; what
 * sms_submit_read says. */
MUST_USE enum err modem_host_submit(struct modem *m, uint64_t now_ms, struct span tpdu);

#endif
