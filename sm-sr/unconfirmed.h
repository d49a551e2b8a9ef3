/* sm-sr/unconfirmed.h: the choices of this SM-SR where SGP.02 was not at hand (the fact book's [?]). Change them here
 * and nowhere else; codes of reasons stand in lib/model/reason.def. */
#ifndef OSPREY_SMSR_UNCONFIRMED_H
#define OSPREY_SMSR_UNCONFIRMED_H

#include "lib/model/status.h"

/* Wrong state of a profile: 8.2.1/1.2; 8.2.1/3.5 (ICCID_TRANSITION) would read better. */
#define SMSR_REASON_STATE REASON_ICCID_NOT_ALLOWED
/* Deleting the profile with the fall-back attribute. */
#define SMSR_REASON_DELETE_FALLBACK REASON_FALLBACK_REFUSED
/* The new profile gave no connectivity: the card rolled back. */
#define SMSR_REASON_ROLLED_BACK REASON_ISDR_FAILED
/* An SM-DP that may not act for an operator, or not for this security domain. */
#define SMSR_REASON_CREATE_NOT_ALLOWED REASON_EIS_NOT_ALLOWED
#define SMSR_REASON_SEND_NOT_ALLOWED   REASON_ICCID_NOT_ALLOWED
/* Rules without meaning (ENABLE Not-Allowed) are refused. */
#define SMSR_POL2_STRICT true
/* Validity periods, seconds: what is used when none is given, and what is accepted. */
#define SMSR_VALIDITY_DEFAULT_S 3600u
#define SMSR_VALIDITY_MIN_S     2u
#define SMSR_VALIDITY_MAX_S     (30u * 24 * 3600)
/* Security of command packets to the card. */
#define SMSR_SPI1 0x16u
#define SMSR_SPI2 0x39u
/* Parameters of the keys an SM-SR change creates: what the card had under that version goes, with DR. */
#define SMSR_KA_PARAMETERS (KA_CERTIFICATE_FIRST | KA_WITH_DR | KA_DELETE_OLD_KEYS)
/* Key usage of the SCP81 set after an SM-SR change: one key, the PSK; no DEK. */
#define SMSR_KA_PSK_USAGE KA_USAGE_BASE_KEY
/* A PoR "counter low" to a packet that left once: the card's counter is ahead of ours. How far we jump, how often. */
#define SMSR_COUNTER_JUMP      256u
#define SMSR_COUNTER_JUMPS_MAX 3u
#define SMSR_CONFIRMATIONS_MAX 20u
/* Counters below that of a packet for a CAT_TP link, for the triggers that follow it. */
#define SMSR_LINK_RESERVE 16u

#endif
