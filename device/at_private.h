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
    CMS_NOT_SUPPORTED = 303, CMS_PDU = 304, CMS_PARAMETER = 305, CMS_INDEX = 321, CMS_MEMORY_FULL = 322,
    CMS_NO_NETWORK = 331, CMS_UNKNOWN = 500
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

/* The last four are 0 … 3 in PDU mode. */
enum at_message_state { AT_MESSAGE_FREE, AT_MESSAGE_UNREAD, AT_MESSAGE_READ, AT_MESSAGE_UNSENT, AT_MESSAGE_SENT };
struct at_message {
    enum at_message_state state;
    uint8_t len, tpdu[SMS_TPDU_MAX]; /* SMS-DELIVER, or SMS-SUBMIT in the last two states */
};

/* +CPMS: DEFAULT is the card when it has EF_SMS, else the modem. */
enum at_memory { AT_MEMORY_DEFAULT, AT_MEMORY_ME, AT_MEMORY_SM };
enum at_memory_use { AT_MEMORY_READ, AT_MEMORY_WRITE, AT_MEMORY_RECEIVED, AT_MEMORY_USES };

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
        bool prompt;                 /* the line is the message of +CMGS or +CMGW */
        bool text;                   /* +CMGF */
        bool details, ira;           /* +CSDH; +CSCS is IRA */
        unsigned octets;             /* as +CMGS said, in PDU mode */
        char to[SMS_DIGITS_MAX + 2]; /* in text mode */
        enum at_message_state write_as; /* +CMGW; FREE: +CMGS */
        unsigned from_store;         /* +CMSS: where it is; 0: +CMGS */
        uint8_t first, validity, pid, dcs; /* +CSMP */
        char centre[24];             /* +CSCA */
        enum at_memory memory[AT_MEMORY_USES];
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
int at_sms_message(struct at *at, const char *text); /* what came behind "> " */

/* at_sms_text.c: a message as text mode shows it: the line of information, then the text. */
enum sms_text_head { SMS_TEXT_LIST, SMS_TEXT_READ, SMS_TEXT_HANDED_OVER };
void sms_text_say(struct at *at, enum sms_text_head head, unsigned index, const struct at_message *m);
/* "REC READ" … "ALL" as bits of enum at_message_state; false: no such word. */
bool sms_text_state(const char *text, unsigned *ret_states);
/* A SMS-SUBMIT of a text, or of hex when +CSMP says so. What sms_address_of and hex_read say; ERR_TOO_LONG. */
MUST_USE enum err sms_text_submit(const struct at *at, const char *to, const char *text, struct writer *tpdu);

/* at_store.c. Places count from 1; read and write: false when there is no such place or the card refuses. */
enum at_memory store_in_use(struct at *at, enum at_memory_use use); /* never DEFAULT */
unsigned store_capacity(struct at *at, enum at_memory memory);
unsigned store_used(struct at *at, enum at_memory memory);
bool store_read(struct at *at, enum at_memory memory, unsigned long index, struct at_message *ret);
bool store_write(struct at *at, enum at_memory memory, unsigned index, const struct at_message *m);
unsigned store_add(struct at *at, enum at_memory memory, const struct at_message *m); /* 0: no room */

#endif
