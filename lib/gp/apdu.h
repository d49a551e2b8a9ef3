/* lib/gp/apdu.h: command and response APDUs (ISO 7816-4 §5.1), all cases, short and extended lengths, and the one list
 * of status words. Pure; spans point into the input. */
#ifndef OSPREY_GP_APDU_H
#define OSPREY_GP_APDU_H

#include "lib/codec/reader.h"
#include "lib/codec/writer.h"

#define APDU_SHORT_DATA_MAX    255u
#define APDU_EXTENDED_DATA_MAX 65535u
#define CAPDU_MAX              (4u + 3u + APDU_EXTENDED_DATA_MAX + 2u)

struct capdu {
    uint8_t cla, ins, p1, p2;
    struct span data; /* empty: case 1 or 2 */
    uint32_t le;      /* octets expected: 0 none (case 1, 3), 256 for a short Le of 00, 65536 for an extended 0000 */
    bool extended;    /* lengths are, or shall be, in the extended form */
};

struct rapdu {
    struct span data;
    uint16_t sw;
};

/* ERR_TRUNCATED (less than CLA INS P1 P2, or Lc says more than there is), ERR_BAD_LENGTH (what follows fits no case).
 */
MUST_USE enum err capdu_parse(struct span bytes, struct capdu *ret);
/* Shortest form that holds it: extended when .extended is set, data is over 255 octets or le over 256. */
void capdu_write(struct writer *w, const struct capdu *c);

/* ERR_TRUNCATED below two octets. */
MUST_USE enum err rapdu_parse(struct span bytes, struct rapdu *ret);
void rapdu_write(struct writer *w, const struct rapdu *r);

/* CLA, GlobalPlatform and ISO. */
enum { CLA_ISO = 0x00, CLA_GP = 0x80, CLA_GP_SECURE = 0x84 };

enum ins {
    INS_DEACTIVATE_FILE = 0x04,
    INS_ACTIVATE_FILE = 0x44,
    INS_INITIALIZE_UPDATE = 0x50,
    INS_EXTERNAL_AUTHENTICATE = 0x82,
    INS_SELECT = 0xA4,
    INS_GET_RESPONSE = 0xC0,
    INS_ENVELOPE = 0xC2,
    INS_GET_DATA = 0xCA,
    INS_PUT_KEY = 0xD8,
    INS_STORE_DATA = 0xE2,
    INS_DELETE = 0xE4,
    INS_INSTALL = 0xE6,
    INS_LOAD = 0xE8,
    INS_PUSH = 0xEC,
    INS_SET_STATUS = 0xF0,
    INS_GET_STATUS = 0xF2
};

/* SW(name, value, text): the only list of status words. */
#define STATUS_WORDS(SW)                                                                                               \
    SW(SW_OK, 0x9000, "done")                                                                                          \
    SW(SW_MORE_DATA, 0x6310, "more data available")                                                                    \
    SW(SW_AUTHENTICATION_FAILED, 0x6300, "authentication failed")                                                      \
    SW(SW_EXECUTION_ERROR, 0x6400, "execution error, state unchanged")                                                 \
    SW(SW_MEMORY_FAILURE, 0x6581, "memory failure")                                                                    \
    SW(SW_WRONG_LENGTH, 0x6700, "wrong length")                                                                        \
    SW(SW_CHANNEL_UNSUPPORTED, 0x6881, "logical channel not supported")                                                \
    SW(SW_SM_UNSUPPORTED, 0x6882, "secure messaging not supported")                                                    \
    SW(SW_INCOMPATIBLE_FILE, 0x6981, "command incompatible with the file structure")                                   \
    SW(SW_SECURITY_STATUS, 0x6982, "security status not satisfied")                                                    \
    SW(SW_AUTHENTICATION_BLOCKED, 0x6983, "authentication method blocked")                                             \
    SW(SW_REFERENCE_DATA_INVALIDATED, 0x6984, "referenced data invalidated")                                           \
    SW(SW_CONDITIONS, 0x6985, "conditions of use not satisfied")                                                       \
    SW(SW_NO_EF, 0x6986, "no file selected")                                                                           \
    SW(SW_POL1, 0x69E1, "POL1 of a concerned profile forbids it")                                                      \
    SW(SW_WRONG_DATA, 0x6A80, "incorrect values in the command data")                                                  \
    SW(SW_FUNCTION_UNSUPPORTED, 0x6A81, "function not supported")                                                      \
    SW(SW_FILE_NOT_FOUND, 0x6A82, "file or application not found")                                                     \
    SW(SW_RECORD_NOT_FOUND, 0x6A83, "record not found")                                                                \
    SW(SW_NO_MEMORY, 0x6A84, "not enough memory")                                                                      \
    SW(SW_WRONG_P1P2, 0x6A86, "incorrect P1 P2")                                                                       \
    SW(SW_WRONG_LC, 0x6A87, "Lc inconsistent with P1 P2")                                                              \
    SW(SW_NOT_FOUND, 0x6A88, "referenced data not found")                                                              \
    SW(SW_WRONG_OFFSET, 0x6B00, "offset outside the file")                                                             \
    SW(SW_WRONG_INS, 0x6D00, "instruction not supported")                                                              \
    SW(SW_WRONG_CLA, 0x6E00, "class not supported")                                                                    \
    SW(SW_NO_DIAGNOSIS, 0x6F00, "no precise diagnosis")                                                                \
    SW(SW_TOOLKIT_BUSY, 0x9300, "toolkit busy")                                                                        \
    SW(SW_ALGORITHM_UNSUPPORTED, 0x9484, "algorithm not supported")                                                    \
    SW(SW_WRONG_KCV, 0x9485, "invalid key check value")                                                                \
    SW(SW_AUTH_MAC, 0x9862, "authentication error, incorrect MAC")                                                     \
    SW(SW_AUTH_CONTEXT, 0x9864, "authentication error, security context not supported")

enum sw {
#define SW_ENUM(name, value, text) name = value,
    STATUS_WORDS(SW_ENUM)
#undef SW_ENUM
};

/* Lower-case English for people; the family for a word that is not in the list, never NULL. */
const char *sw_text(uint16_t sw);
/* Whether a script goes on behind this word (TS 102 226 §5.2.1): 9000, 62xx, 63xx, 91xx, 61xx, 9Fxx. */
bool sw_is_positive(uint16_t sw);

#endif
