/* euicc/isdr/isdr.h: the SGP.02 side of the card as the rest of the card sees it: what the dispatcher calls when
 * something happens. ISD-R (SGP.02 §2.2.1.1), ECASD, MNO-SD, ISD-P channels, profile switch, notifications and the
 * administration agent stand behind it. */
#ifndef OSPREY_EUICC_ISDR_ISDR_H
#define OSPREY_EUICC_ISDR_ISDR_H

#include "lib/base/arena.h"
#include "lib/codec/writer.h"
#include "lib/gp/apdu.h"
#include "lib/model/aid.h"

struct card;
struct isdr; /* RAM of a session: card->isdr */
struct euicc_personalisation;

/* Takes its RAM from the arena, reads settings and the state of a switch; called once by euicc_open, after the registry
 * was loaded. ERR_NO_MEMORY, and what the object store says. */
MUST_USE enum err isdr_open(struct card *card, struct arena *arena);
/* Wipes keys and closes the TLS session; the card's RAM may then go. */
void isdr_close(struct card *card);

/* Factory: stores ECASD, CI keys, ISD-R key sets, SM-SR addresses and timing, inside the transaction the caller has
 * open. ERR_BAD_VALUE, ERR_BAD_LENGTH, ERR_NO_SPACE. */
MUST_USE enum err isdr_manufacture(struct card *card, const struct euicc_personalisation *p);

/* At every reset, after the registry is loaded and BEFORE the enabled profile's file system is presented: carries out a
 * switch that waits for it. All sessions, channels and RAM state end. */
void isdr_reset(struct card *card);
/* TERMINAL PROFILE was received (its octets): proactive commands may flow from now on. */
void isdr_terminal_profile(struct card *card, struct span profile);
/* STATUS was received: the terminal polls. */
void isdr_status(struct card *card);
/* Timers. Call from euicc_idle and before each command. Returns when it wants to be called again (ms), or
 * UINT64_MAX. */
uint64_t isdr_idle(struct card *card, uint64_t now_ms);

/* ENVELOPE D1: value of D1 taken apart by the caller or not: `envelope` is the whole D1 TLV. Appends the TP-UD of a PoR
 * for the delivery report to `report` (nothing when there is none) and returns the status word. */
uint16_t isdr_sms_pp(struct card *card, struct span envelope, struct writer *report);
/* ENVELOPE D6: its whole value. Events that concern nobody here are passed over. */
void isdr_event(struct card *card, struct span body);

/* Is this the AID of a security domain that may be selected by the terminal: the ISD-R and the ECASD. Partial names
 * do not count. */
bool isdr_selectable(struct card *card, struct span aid);
/* A command on a logical channel on which that AID is selected: appends data and status word. */
void isdr_apdu(struct card *card, const struct aid *selected, const struct capdu *c, struct writer *ret);
/* The channel was closed or another application was selected: the local session ends. */
void isdr_deselect(struct card *card);

/* Settings of the factory's, with defaults for what it left 0. [?] values of SGP.02 that are the card's own. */
struct isdr_timing {
    uint32_t attach_guard_s;          /* from power-up with a new profile to network service */
    uint32_t notification_interval_s; /* between tries of one notification */
    uint32_t notification_tries;      /* before the switch is given up */
    uint32_t fallback_s;              /* without service, before the fall-back profile takes over */
    uint32_t session_idle_s;          /* administration session without a byte */
    uint32_t refresh_retry_s;         /* a REFRESH the terminal was too busy for */
    uint32_t poll_interval_s;         /* proactive polling asked for */
    uint32_t retry_wait_s;            /* between tries of a session or short message, when the trigger says nothing */
};

#endif
