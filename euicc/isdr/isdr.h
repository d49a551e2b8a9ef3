/* euicc/isdr/isdr.h: the SGP.02 side of the card as the rest of the card sees it, and the RAM it keeps. ISD-R (SGP.02
 * §2.2.1.1), ECASD, MNO-SD, ISD-P channels, profile switch, notifications and the administration agent stand behind the
 * one module; the dispatcher (euicc/card.h) calls it when something happens. */
#ifndef OSPREY_EUICC_ISDR_ISDR_H
#define OSPREY_EUICC_ISDR_ISDR_H

#include "euicc/card.h"
#include "lib/wire/sms.h"
#include "rules.h"
#include "session.h"
#include "switch.h"

extern const struct card_module isdr_module;

/* What the factory left 0 in struct euicc_timing. */
extern const struct euicc_timing isdr_timing_default;

/* Numbers of OBJ_ISDR objects, profile 0. */
enum isdr_object {
    ISDR_TIMING = 1,
    ISDR_SWITCH = 2,
    ISDR_ADDRESSING = 3,  /* A3, A4, A5 objects of 3A07, one behind the other */
    ISDR_USED_KVN = 4,    /* last key sets that protected a command: SCP80, SCP81 */
    ISDR_CHAIN = 5,       /* scripts that outlive a reset (chain.c) */
    ISDR_NUMBER = 6,      /* under an ISD-P's slot: the SM-SR's number for that profile */
    ISDR_RULES = 7,       /* under an ISD-P's slot: its profile's rules for switching, and whose turn was last */
    ISDR_RULES_TURN = 8,
    ISDR_KEYSET = 0x100,  /* + KVN, secret */
    ISDR_COUNTERS = 0x200 /* + KVN */
};
#define ISDR_KEY(number) OBJECT_KEY(0, OBJ_ISDR, (number))

struct isdr {
    struct euicc_timing timing;
    bool https_first; /* notifications */
    struct switch_run sw;
    struct switch_rules rules;
    struct sd_session sms, local;
    struct sms_reassembly *reassembly; /* on the heap while parts of a message are missing */
    bool looking; /* a PROVIDE LOCAL INFORMATION (location) is out */
    enum { POLLING_AS_IT_LIKES, POLLING_ASKED, POLLING_OFF } polling; /* what the terminal was told */
};

/* Ends the card's transaction: commits, or, when err is one or the commit fails, gives it up and reads anew what RAM holds of
 * registry and switch. Which error it was; ERR_IO when even that cannot be read. */
MUST_USE enum err isdr_change_end(struct card *card, enum err err);
/* After a transaction was given up. */
MUST_USE enum err isdr_reload(struct card *card);

/* The key set for what the card says by itself: of first … last the one that protected the latest command, else the
 * first; 0: there is none. isdr_note_kvn remembers. */
uint8_t isdr_used_kvn(struct card *card, uint8_t first, uint8_t last);
void isdr_note_kvn(struct card *card, uint8_t kvn);

/* A PoR is out, a session or a link is over: a switch that was asked for meanwhile may come when none is open. */
void isdr_bearer_idle(struct card *card);

/* STORE DATA over the terminal's channel: the functions of ESx (local.c). */
uint16_t isdr_local_command(struct card *card, const struct command *cmd, struct writer *rsp);

/* Addressing parameters of the SM-SR: the value of A3, A4 or A5; ERR_NOT_FOUND. */
#define ISDR_ADDRESSING_MAX 512u
MUST_USE enum err isdr_addressing(struct card *card, uint8_t tag, uint8_t *out, size_t cap, size_t *ret_len);
/* Replaces the parts that are there, keeps the others; inside the caller's transaction. A number with an ISD-P is that
 * profile's alone; ERR_NOT_FOUND: no such ISD-P. */
MUST_USE enum err isdr_addressing_update(struct card *card, const struct es5_addressing *a);
/* The SM-SR's number for the enabled profile; ERR_NOT_FOUND. */
MUST_USE enum err isdr_smsr_number(struct card *card, struct sms_address *ret);

#endif
