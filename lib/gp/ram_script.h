/* lib/gp/ram_script.h: remote application data: command scripts and response scripts (TS 102 226 §5.2), compact and
 * expanded format, the latter with definite (AA/AB) and indefinite (AE 80/AF 80) coding, and what travels in them:
 * C-APDUs (22), R-APDUs (23), script chaining (83), and SCP03t (84…87, 9F44…9F47).
 *
 * Card:   ram_commands_open, loop ram_commands_next, answer each with ram_answer_…, ram_answer_close.
 * Server: ram_script_open, ram_script_capdu / ram_script_item …, ram_script_close; later ram_results_open/_next. */
#ifndef OSPREY_GP_RAM_SCRIPT_H
#define OSPREY_GP_RAM_SCRIPT_H

#include "lib/codec/ber_tlv.h"
#include "apdu.h"

enum ram_format {
    RAM_COMPACT,    /* C-APDUs one after another; answer: count, SW of the last, its data */
    RAM_DEFINITE,   /* AA … / AB … */
    RAM_INDEFINITE, /* AE 80 … 00 00 / AF 80 … 00 00 (AE with a definite length is read as this one) */
};

enum ram_tag {
    RAM_TAG_COMMANDS_DEFINITE = 0xAA,
    RAM_TAG_COMMANDS_INDEFINITE = 0xAE,
    RAM_TAG_RESULTS_DEFINITE = 0xAB,
    RAM_TAG_RESULTS_INDEFINITE = 0xAF,
    RAM_TAG_CAPDU = 0x22,
    RAM_TAG_RAPDU = 0x23,
    RAM_TAG_COUNT = 0x80,
    RAM_TAG_IMMEDIATE_ACTION = 0x81,
    RAM_TAG_ERROR_ACTION = 0x82,
    RAM_TAG_CHAINING = 0x83,
    RAM_TAG_BAD_FORMAT = 0x90,
    RAM_TAG_SCP03T_INITIALIZE_UPDATE = 0x84,
    RAM_TAG_SCP03T_EXTERNAL_AUTHENTICATE = 0x85,
    RAM_TAG_SCP03T_DATA = 0x86,
    RAM_TAG_SCP03T_REPLACE_KEYS = 0x87,
    RAM_TAG_SCP03T_ERROR = 0x9F00 /* | the tag it answers: 9F44 for 84 */
};

enum ram_bad_format { RAM_BAD_UNKNOWN_TAG = 1, RAM_BAD_LENGTH = 2, RAM_BAD_NO_LENGTH = 3 };

/* Value of 83 in a command script, and in a response script. */
enum ram_chaining {
    RAM_CHAIN_FIRST = 0x01,
    RAM_CHAIN_FIRST_KEPT = 0x11, /* the state survives a reset */
    RAM_CHAIN_NEXT = 0x02,
    RAM_CHAIN_LAST = 0x03
};
enum ram_chaining_error { RAM_CHAIN_NO_PREVIOUS = 1, RAM_CHAIN_UNSUPPORTED = 2, RAM_CHAIN_UNABLE = 3 };

/* One item: a C-APDU or R-APDU (value: the APDU), or another TLV as it stands. */
struct ram_item {
    uint32_t tag;
    struct span value;
    struct span raw; /* tag, length, value as received: SCP03t MACs are over these octets */
};

/* ---- reading, both ends */
struct ram_reader {
    struct reader r;
    enum ram_format format;
    bool ended, results;
    uint8_t bad_format; /* enum ram_bad_format of the first fault, 0 none: what a card answers with 90 01 xx */
    int executed;       /* results, definite form: the count of 80; -1 when there was none */
};

/* Always readable: what is not AA or AE is compact. A broken outer TLV shows at the first next. */
void ram_commands_open(struct ram_reader *s, struct span script);
/* Next item: in compact format every C-APDU comes as tag 22. False at the clean end and on a fault (bad_format != 0;
 * s->r.err says the same for a server). Unknown tags are a fault (01). */
bool ram_commands_next(struct ram_reader *s, struct ram_item *ret);

/* ERR_BAD_TAG when the octets are neither AB nor AF. Compact results: see ram_compact_result_parse. */
MUST_USE enum err ram_results_open(struct ram_reader *s, struct span results);
/* Items 23, 83, 84…87, 90, 9F44…9F47 in order; 80 is swallowed into s->executed. False at the end; s->r.err says
 * whether it was a clean one. */
bool ram_results_next(struct ram_reader *s, struct ram_item *ret);

struct ram_compact_result {
    uint8_t executed;
    struct rapdu last;
};
MUST_USE enum err ram_compact_result_parse(struct span bytes, struct ram_compact_result *ret);

/* ---- writing a command script (server) */
struct ram_script {
    struct writer *w;
    enum ram_format format;
    size_t mark;
};
void ram_script_open(struct ram_script *s, struct writer *w, enum ram_format format);
void ram_script_capdu(struct ram_script *s, struct span capdu);
void ram_script_item(struct ram_script *s, uint32_t tag, struct span value); /* not in compact format */
void ram_script_raw(struct ram_script *s, struct span tlvs);                 /* complete TLVs, e.g. of scp03t_wrap */
void ram_script_close(struct ram_script *s);

/* ---- writing a response script (card) */
struct ram_answer {
    struct writer *w;
    enum ram_format format;
    size_t start, mark;
    uint8_t executed; /* commands so far, stops at 255 */
};
void ram_answer_open(struct ram_answer *a, struct writer *w, enum ram_format format);
/* R-APDU (data || SW) of the next command. Compact format keeps only the last one. */
void ram_answer_rapdu(struct ram_answer *a, struct span rapdu);
void ram_answer_item(struct ram_answer *a, uint32_t tag, struct span value); /* 83, 84…87, 9F4x */
void ram_answer_raw(struct ram_answer *a, struct span tlvs);                 /* complete TLVs */
void ram_answer_bad_format(struct ram_answer *a, enum ram_bad_format code);
void ram_answer_close(struct ram_answer *a);

#endif
