/* euicc/card.h: the inside of a card, for the code under euicc/ only: its state, its dispatch tables, and the hooks by
 * which the modules (isdr, ecasd, mnosd, notify, agent, isdp) take part.
 *
 * The way of a command: euicc_transmit → T=0 rules (GET RESPONSE, 61xx, 6Cxx) → card_command: class, channel, then the
 * rules of the selected application (a security domain's) or of the file system, then those of the whole card →
 * handler. An APDU is a row (struct apdu_rule): the row says what is allowed, the handler does the work and returns the
 * status word.
 *
 * Card memory changes inside card_begin … card_commit; they nest, the outermost pair counts. */
#ifndef OSPREY_EUICC_CARD_H
#define OSPREY_EUICC_CARD_H

#include "euicc/euicc.h"
#include "euicc/isdp/registry.h"
#include "euicc/nvm/objects.h"
#include "euicc/uicc/fs.h"
#include "euicc/uicc/proactive.h"
#include "lib/gp/apdu.h"

struct card;
struct isdr;
struct ecasd;
struct mnosd;
struct notify;
struct agent;
struct cat_tp_agent;
struct imsi;

#define CARD_CHANNELS     20u           /* logical channels 0 … 19 */
#define CARD_RESPONSE_MAX 2048u         /* octets a command may answer with before the T=0 rules cut it */
#define CARD_VERIFIED_MAX 32u           /* PINs verified in a session */
#define CARD_SCRATCH_SIZE (96u * 1024u) /* arena of one command, on the heap: a file's whole body fits */

/* ---- commands ---- */

/* How the command came: over the reader's contacts, or in a script whose secure packet was checked (SCP80, SCP81,
 * SCP03). */
enum command_origin { ORIGIN_TERMINAL, ORIGIN_OTA };
enum command_security { SEC_NONE = 0, SEC_MAC = 1, SEC_MAC_ENC = 3 };

struct channel;

struct command {
    struct capdu apdu;       /* le 0: none asked for; 256 for 00 */
    uint8_t cla;             /* class without channel number and secure messaging bits: 00, 80; A0 and FF as they are */
    struct channel *channel; /* never NULL; an OTA script has one of its own */
    enum command_origin origin;
    enum command_security security;
    uint32_t access; /* ORIGIN_OTA: ACCESS_… below; what the script's access domain opens */
};
#define ACCESS_ALL                                                                                                     \
    0x80000000u /* everything but NEVER; otherwise bits as in the access domain parameter, octet 1 highest */

/* Appends response data to rsp (at most CARD_RESPONSE_MAX) and returns the status word; on an error status what it
 * appended is dropped. It may use card->scratch, which is released after the command. */
typedef uint16_t command_handler(struct card *card, const struct command *cmd, struct writer *rsp);

enum apdu_case { CASE_1 = 1, CASE_2 = 2, CASE_3 = 4, CASE_4 = 8, CASE_ANY = 15 };

enum apdu_need {
    NEED_P1_ZERO = 1, /* otherwise 6A86 */
    NEED_P2_ZERO = 2,
    NEED_P1P2_ZERO = NEED_P1_ZERO | NEED_P2_ZERO,
    NEED_BASIC_CHANNEL = 4, /* 6881 on others */
    NEED_TERMINAL = 8       /* not in a script over the air: 6982 */
};

/* The checks are made in the order of TS 102 221 §10.2: channel, P1 and P2, lengths, then security. */
struct apdu_rule {
    uint8_t cla; /* 00 or 80, of the class without channel and secure messaging */
    uint8_t ins;
    uint8_t cases;    /* enum apdu_case bits that are allowed; others: 6700. Le may always be absent in case 4 */
    uint8_t at_least; /* enum command_security; below it: 6982 */
    command_handler *handler;
    uint8_t needs; /* enum apdu_need bits */
};

/* Looks the command up and runs it. No row of that INS: SW_WRONG_INS; a row with another CLA only: SW_WRONG_CLA. */
uint16_t card_dispatch(struct card *card, const struct apdu_rule *rules, size_t rule_count, const struct command *cmd,
                       struct writer *rsp);
/* Runs one command of a script that came over the air, in the file system of the enabled profile (RFM): `channel`
 * starts as card_script_channel made it and keeps its selection between the commands of the script. */
void card_script_channel(struct card *card, struct channel *channel, fs_number adf /* FS_NONE: the MF */);
uint16_t card_script_command(struct card *card, struct channel *channel, struct span capdu, uint32_t access,
                             struct writer *rsp);

/* ---- selectable applications that are not file systems ---- */

struct applet {
    const char *name;
    const struct apdu_rule *rules; /* looked at first while it is selected; what it does not have goes to the card */
    size_t rule_count;
    /* Answers SELECT by AID: appends the FCI (6F …), returns the status word; other than 9000: not selected. */
    uint16_t (*select)(struct card *card, struct channel *channel, const struct command *cmd, struct writer *rsp);
    void (*deselect)(struct card *card, struct channel *channel); /* may be NULL */
};

struct channel {
    bool open;
    uint8_t number;
    const struct applet *applet; /* NULL: the file system */
    struct aid selected;         /* of the applet: the AID it was found under */
    fs_number df, ef, adf;       /* current; FS_NONE: none. adf: the active application of the channel */
    uint16_t record;             /* pointer; 0: undefined */
    struct {                     /* RETRIEVE DATA, SET DATA in several blocks */
        fs_number ef;
        bool writing;
        uint32_t tag, offset, last_offset, total;
    } tlv;
};

/* ---- modules ---- */

/* A part of the card that is more than its file system. All functions may be NULL. Called in the order of card_modules.
 */
struct card_module {
    const char *name;
    /* At open, before anything else: takes its RAM from card->arena (card_alloc), reads its objects. */
    enum err (*open)(struct card *card);
    /* In the factory: writes its part of the personalisation, inside the transaction that is committed at the end. */
    enum err (*manufacture)(struct card *card, const struct euicc_personalisation *p, struct writer *response);
    /* Cold or warm reset, before the enabled profile's files are mounted: the place to finish or undo a switch. */
    void (*power_on)(struct card *card);
    /* The application of this AID (full or right-truncated); NULL: not mine. nth: 0 first or only, 1 … next ones. */
    const struct applet *(*find)(struct card *card, struct span aid, unsigned nth, struct aid *ret_full);
    void (*terminal_ready)(struct card *card); /* TERMINAL PROFILE came */
    void (*status)(struct card *card);         /* STATUS came: the terminal polls */
    /* ENVELOPE D1, whole: the TPDU; false: not for me. The status word and the response data (user data of a delivery
     * report) when it is. */
    bool (*sms_pp)(struct card *card, struct span service_centre, struct span tpdu, struct writer *rsp,
                   uint16_t *ret_sw);
    void (*event)(struct card *card, enum cat_event event, struct span body); /* ENVELOPE D6; body: its value */
    void (*timer)(struct card *card, uint8_t id, struct span body);           /* ENVELOPE D7 */
    /* From euicc_idle and before each command; returns when it wants to be called again, or EUICC_NO_WAKE. At time 0
     * nothing is due yet: then it only says when. */
    uint64_t (*idle)(struct card *card, uint64_t now_ms);
    /* SUSPEND UICC: false: not now. Then what RAM has to find again when the power is back, read after the reset in the
     * order of writing; times as what is left of them (card_left_ms, card_due_ms). */
    bool (*may_suspend)(struct card *card);
    void (*suspend)(struct card *card, struct writer *w);
    void (*resume)(struct card *card, struct reader *r);
    void (*close)(struct card *card); /* wipes, frees a TLS session */
};
extern const struct card_module *const card_modules[]; /* euicc/modules.c; ends with NULL */

/* ---- the card ---- */

enum card_object { CARD_EID = 1, CARD_MANUFACTURED = 2, CARD_SUSPENSION = 3 }; /* numbers of OBJ_CARD */

struct verified_pin {
    fs_number context;
    uint8_t reference;
};

struct proactive; /* uicc/proactive.c */

/* SUSPEND UICC: answered and the power still on; or kept over a loss of power, for RESUME as the first command. */
enum card_suspension { SUSPENSION_NONE, SUSPENSION_ANSWERED, SUSPENSION_KEPT };

struct card {
    struct env env;       /* a copy; clock, rng, keys, log */
    struct arena *arena;  /* of euicc_open; everything lives until close */
    struct arena scratch; /* of one command */
    struct objects *objects;
    struct eid eid;

    uint8_t profile; /* slot whose files are presented since the last reset; 0: the card's own few */
    struct fs fs;
    struct channel channels[CARD_CHANNELS];
    struct verified_pin verified[CARD_VERIFIED_MAX];
    size_t verified_count;

    struct { /* free memory as FCPs tell it: for the profile and the state of the objects it was reckoned for */
        uint32_t changes, octets;
        uint8_t profile;
    } memory_told;
    struct writer response; /* what GET RESPONSE still can fetch */
    size_t response_sent;
    uint16_t response_sw;
    uint8_t response_channel;
    struct writer set_data; /* the blocks of a SET DATA in several commands, on the heap meanwhile */
    struct proactive *proactive;

    enum card_suspension suspension;

    uint8_t imei[8]; /* as PROVIDE LOCAL INFORMATION gave it; has_imei */
    bool has_imei;

    struct isdp_registry registry;
    struct isdr *isdr; /* the modules' own, from card_alloc */
    struct ecasd *ecasd;
    struct mnosd *mnosd;
    struct notify *notify;
    struct agent *agent;
    struct cat_tp_agent *cat_tp;
    struct imsi *imsi;
};
struct euicc {
    struct card card;
};

/* Zeroed memory until euicc_close; NULL: EUICC_ARENA_SIZE is used up. */
void *card_alloc(struct card *card, size_t len);
#define CARD_NEW(card, type) ((type *)card_alloc((card), sizeof(type)))

static inline uint64_t card_now_ms(struct card *card) { return card->env.clock->now_ms(card->env.clock); }
/* What is left until then, and back; the greatest numbers are never. */
static inline uint32_t card_left_ms(struct card *card, uint64_t due_ms)
{
    uint64_t now = card_now_ms(card), left = due_ms > now ? due_ms - now : 0;
    return left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
}
static inline uint64_t card_due_ms(struct card *card, uint32_t left_ms)
{
    return left_ms == UINT32_MAX ? UINT64_MAX : card_now_ms(card) + left_ms;
}
static inline void card_random(struct card *card, uint8_t *out, size_t len)
{
    card->env.rng->fill(card->env.rng, out, len);
}

/* card.c: what open and the factory share. */
MUST_USE enum err card_start(struct card *card);
void card_stop(struct card *card);

/* Lets the modules' timers run; the earliest time one wants to be called again. */
uint64_t card_idle(struct card *card, uint64_t now_ms);

/* objects_begin and its companions on card->objects. */
void card_begin(struct card *card);
/* Also ERR_NO_SPACE: somebody would take room that is granted to another. */
MUST_USE enum err card_commit(struct card *card);
void card_rollback(struct card *card);

/* SW_OK for ERR_NONE; SW_NO_MEMORY, SW_MEMORY_FAILURE, SW_WRONG_DATA … for the rest. */
uint16_t sw_of_err(enum err err);

/* File contents of the enabled profile by path below the MF ("2FE2") or, with in_usim, below the first ADF.USIM: up to
 * cap octets of the body. ERR_NOT_FOUND. */
MUST_USE enum err card_read_file(struct card *card, bool in_usim, struct span path, uint8_t *out, size_t cap,
                                 size_t *ret_len);
/* The same of any profile's slot, mounted or not (GET STATUS, audits, euicc_profiles). */
MUST_USE enum err card_read_profile_file(struct card *card, uint8_t slot, bool in_usim, struct span path, uint8_t *out,
                                         size_t cap, size_t *ret_len);

#endif
