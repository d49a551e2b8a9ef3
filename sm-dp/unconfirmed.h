/* sm-dp/unconfirmed.h: the choices of this SM-DP where SGP.02 was not at hand (the fact books' [?]). Change them here
 * and nowhere else; codes of reasons stand in lib/model/reason.def. */
#ifndef OSPREY_SMDP_UNCONFIRMED_H
#define OSPREY_SMDP_UNCONFIRMED_H

/* Seconds: what is accepted, and what is used when none is given. */
#define SMDP_VALIDITY_MIN_S      3u
#define SMDP_SYNC_VALIDITY_S     60u
#define SMDP_CALLBACK_VALIDITY_S 3600u

/* Key establishment: delete old keys, with DR, certificate first; three AES-128 keys, key version 30. */
#define SMDP_KA_PARAMETERS (KA_DELETE_OLD_KEYS | KA_WITH_DR | KA_CERTIFICATE_FIRST)
#define SMDP_SCP03_KVN     0x30u

/* How often a download begins again when its secure channel was lost on the way; and how often left-over ISD-Ps are
 * cleaned up before one. */
#define SMDP_SEND_ATTEMPTS 3u
#define SMDP_CLEANUPS_MAX  8u
/* Seconds a clean-up has at least; and how long it is tried again and again when the eUICC cannot be reached. */
#define SMDP_UNDO_MIN_S 60u
#define SMDP_UNDO_MAX_S (7u * 24u * 3600u)

/* Octets an ISD-P asks for when the order does not say: the package, and what its files take beside it. */
#define SMDP_MEMORY_FACTOR 2u
#define SMDP_MEMORY_FLOOR  65536u

#endif
