/* device/at_private.h: shared by at.c (lines, commands of V.250), at_card.c, at_network.c and at_sms.c. A command is a row:
 * its name, the forms it has, its handler. */
#ifndef OSPREY_DEVICE_AT_PRIVATE_H
#define OSPREY_DEVICE_AT_PRIVATE_H

#include "at.h"
#include "lib/codec/hex.h"
#include "lib/wire/sms.h"

#define AT_ARGS_MAX 10u
#define AT_TEXT_MAX 1100u /* of one line that goes out */

enum at_form { AT_DO = 1, AT_READ = 2, AT_TEST = 4, AT_SET = 8 }; /* +X, +X?, +X=?, +X=… */

/* What a handler says. */
enum {
    AT_OK = 0,
    AT_LATER = -1, /* the final result comes from the network */
    AT_QUIET = -2, /* nothing more is said */
    AT_ERROR = -3,
    AT_CME = 0x1000, /* | number of +CME ERROR */
    AT_CMS = 0x2000
};
enum { /* TS 27.007 §9.2 */
    CME_NOT_ALLOWED = 3, CME_NOT_SUPPORTED = 4, CME_NO_SIM = 10, CME_SIM_PIN = 11, CME_SIM_PUK = 12, CME_SIM_FAILURE = 13,
    CME_SIM_WRONG = 15, CME_WRONG_PASSWORD = 16, CME_INDEX = 21, CME_NOT_FOUND = 22, CME_NO_NETWORK = 30, CME_PARAMETERS = 50,
    CME_UNKNOWN = 100
};
enum { /* TS 27.005 §3.2.5 */
    CMS_NOT_SUPPORTED = 303, CMS_PDU = 304, CMS_SIM_PIN = 311, CMS_INDEX = 321, CMS_NO_NETWORK = 331, CMS_UNKNOWN = 500
};

struct at_args {
    enum at_form form;
    struct span args[AT_ARGS_MAX]; /* without quotes; ptr NULL: left out */
    bool quoted[AT_ARGS_MAX];
    size_t count;
};

typedef int at_handler(struct at *at, const struct at_args *args);
struct at_command {
    const char *name; /* "+CSIM"; upper case */
    unsigned forms;
    at_handler *handler;
};
extern const struct at_command at_card_commands[], at_network_commands[], at_sms_commands[]; /* end with name NULL */

enum { REG_CS, REG_GPRS, REG_EPS, REG_COUNT };

struct at_message {
    enum { AT_MESSAGE_FREE, AT_MESSAGE_UNREAD, AT_MESSAGE_READ } state;
    uint8_t len, tpdu[SMS_TPDU_MAX];
};

struct at {
    struct modem *modem;
    struct at_line line;
    uint64_t now_ms;
    bool echo, verbose, quiet, busy, in_command; /* busy: AT_LATER */
    int inside;                      /* the result when it came while the handler ran */
    uint8_t cme;                     /* 0 ERROR, 1 numbers, 2 words */
    char text[AT_LINE_MAX + 1], last[AT_LINE_MAX + 1];
    size_t len;
    bool too_long;
    const char *rest;                /* commands of the line still to come */
    uint8_t reg_mode[REG_COUNT];
    enum modem_registration told;
    uint8_t cops_format;
    struct {
        bool pdu;                    /* the line is the message of +CMGS */
        unsigned octets;             /* as +CMGS said */
        char centre[24];             /* +CSCA */
        uint8_t mode, mt;            /* +CNMI */
        struct at_message kept[AT_MESSAGES_MAX];
    } sms;
};

/* One line of information. */
void at_say(struct at *at, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "name: " and hex in quotes behind the text of format. */
void at_say_hex(struct at *at, struct span bytes, const char *format, ...) __attribute__((format(printf, 3, 4)));
void at_finish(struct at *at, int result); /* of a command that waited */

/* Arguments. text: false when left out or longer than cap - 1. number: `otherwise` when left out, false when no number. */
bool at_text(const struct at_args *args, size_t i, char *out, size_t cap);
bool at_number(const struct at_args *args, size_t i, unsigned long otherwise, unsigned long *ret);
bool at_hex(const struct at_args *args, size_t i, uint8_t *out, size_t cap, size_t *ret_len);
int at_card_error(struct at *at); /* AT_OK when the card can be used, else what is wrong with it */

void at_network_tick(struct at *at);
void at_sms_start(struct at *at);
int at_sms_pdu(struct at *at, const char *hex); /* the message behind "> " */

#endif
