/* euicc/euicc.h: one software eUICC (SGP.02 §2), a UICC (ETSI TS 102 221) in the first place: C-APDU in, R-APDU out.
 *
 * A card is its memory image (`struct nvm`) and the RAM of a session; nothing of a session survives but what is in the
 * image, and everything in the image changes atomically: power may fail at any octet of any write.
 * No I/O but through env's seams. RAM: about 17 kB from the arena given at open; from the heap the index of objects (12
 * octets each), the directory of files, the registry of ISD-Ps, and what lasts a command, a message or a session:
 * scratch, the blocks of an object, parts of short messages, an installation, and one TLS session while the
 * administration agent has a channel open. A process can hold ten thousand cards; a card that sleeps can be closed and
 * opened again from its image at any time, as a chip loses power.
 *
 * Secrets in the image: with env->keys, every object that holds a secret (network keys, PIN values, OTA and SCP03 keys,
 * the ECASD's private key) is wrapped under that keystore's master key, bound to this card and object; with keys NULL
 * they are plain, as inside a chip (tests, simulator). An image opens only with the kind of keystore it was made with.
 */
#ifndef OSPREY_EUICC_EUICC_H
#define OSPREY_EUICC_EUICC_H

#include "lib/base/arena.h"
#include "lib/base/env.h"
#include "lib/codec/writer.h"
#include "lib/model/aid.h"
#include "lib/model/eid.h"

struct euicc;

/* Image size: 512 KiB of content and the room to change it, twice (log and its successor). */
#define EUICC_NVM_DEFAULT ((size_t)1100 * 1024)
#define EUICC_NVM_MIN     ((size_t)64 * 1024)
#define EUICC_NVM_MAX     ((size_t)16 * 1024 * 1024)
#define EUICC_ARENA_SIZE  ((size_t)64 * 1024) /* enough for euicc_open of any image */
#define EUICC_ATR_MAX     33u
#define EUICC_CAPDU_MAX   261u /* short: 4 + Lc + 255 + Le */
#define EUICC_RAPDU_MAX   258u /* 256 octets and the status word */
#define EUICC_NO_WAKE     UINT64_MAX

/* ---- factory ---- */

#define EUICC_CURVE_P256         0x00u /* key parameter reference (tag F0), GP Amendment E */
#define EUICC_CURVE_BRAINPOOL256 0x03u
#define EUICC_CI_MAX             4u
#define EUICC_KEY_SETS_MAX       8u
#define EUICC_KEYS_PER_SET_MAX   3u
#define EUICC_KEY_LEN_MAX        32u

struct euicc_key {
    uint8_t kid;  /* 01 KIc/PSK, 02 KID/DEK, 03 KIK */
    uint8_t type; /* 88 AES, 85 PSK-TLS */
    uint8_t len;  /* octets of value */
    uint8_t value[EUICC_KEY_LEN_MAX];
};

struct euicc_key_set {
    uint8_t kvn; /* 01…0F SCP80, 40…4F SCP81 */
    uint8_t key_count;
    struct euicc_key keys[EUICC_KEYS_PER_SET_MAX];
    uint64_t counter; /* SCP80: highest counter considered as seen, 40 bits */
};

struct euicc_ci {
    struct span ski;        /* subject key identifier of the CI, 20 octets as a rule */
    struct span public_key; /* PK.CI.ECDSA: 04 || X || Y, 65 octets */
    uint8_t curve;
};

/* Everything the factory puts into the card (SGP.02 §2.2, annex E). Spans are borrowed for the call. */
struct euicc_personalisation {
    struct eid eid;
    struct {
        uint8_t curve;    /* EUICC_CURVE_… */
        struct span sk;   /* SK.ECASD.ECKA, 32 octets */
        struct span cert; /* CERT.ECASD.ECKA: the whole 7F21 TLV */
    } ecasd;
    struct euicc_ci ci[EUICC_CI_MAX];
    size_t ci_count;
    struct euicc_key_set isdr_keys[EUICC_KEY_SETS_MAX];
    size_t isdr_key_set_count;
    struct {                    /* how the card reaches its SM-SR; an empty span: not configured */
        struct span sms_tp_da;  /* number of digits | TON/NPI | swapped BCD (TS 23.040 address) */
        struct span https_host; /* text for the Host header and DNS */
        uint8_t https_ipv4[4];  /* used when https_port is not 0 */
        uint16_t https_port;
        struct span https_uri;           /* "/…" */
        uint8_t cat_tp_ipv4[4];          /* used when cat_tp_udp_port is not 0 */
        uint16_t cat_tp_udp_port, cat_tp_port;
        struct span https_agent_id;      /* X-Admin-From; empty: made from EID and ISD-R AID */
        struct span bearer;              /* value of tag 35; empty: default bearer (03) */
        struct span network_access_name; /* DNS labels, may be empty */
    } smsr;
    bool notify_https_first;     /* notifications go by HTTPS if it is configured, by SMS otherwise; false: SMS first */
    struct euicc_timing {        /* what SGP.02 leaves to the card; 0: the default in euicc/isdr */
        uint32_t attach_guard_s; /* from power-up with a new profile to network service */
        uint32_t notification_interval_s; /* between tries of one notification */
        uint32_t notification_tries;      /* before the switch is given up */
        uint32_t fallback_s;              /* without service, before the fall-back profile takes over */
        uint32_t session_idle_s;          /* administration session without an octet */
        uint32_t refresh_retry_s;         /* a REFRESH the terminal was too busy for */
        uint32_t poll_interval_s;         /* proactive polling asked for */
        uint32_t retry_wait_s;            /* between tries of a session or short message */
    } timing;
    struct span bootstrap_package; /* unprotected profile package (DER), installed, enabled, with fall-back attribute;
                                      empty: the card leaves the factory without a profile */
    struct aid bootstrap_isdp;     /* its ISD-P; len 0: the first free ISD-P AID (TAR 000010) */
    /* Profiles for the device alone to enable (ESx), disabled, on the next free ISD-P AIDs; empty: none. */
    struct span test_package, emergency_package;
    uint8_t bootstrap_scp03_keys[48]; /* ENC, MAC, DEK of its key set 30 (AES-128); all zero: none */
};

/* Formats the image in env->nvm and writes the whole factory state with one commit; nothing of an older image survives.
 *   scratch        at least EUICC_ARENA_SIZE; released and wiped before return
 *   ret_response   NULL, or takes the EUICCResponse of the bootstrap package (up to 256 octets), also on failure
 * Errors: ERR_BAD_VALUE, ERR_BAD_LENGTH (personalisation), ERR_NO_SPACE (image too small), what the package interpreter
 * said, ERR_IO. After an error the image is not a card: euicc_open refuses it. */
MUST_USE enum err euicc_manufacture(const struct env *env, const struct euicc_personalisation *p, struct arena *scratch,
                                    struct writer *ret_response);

/* ---- life ---- */

/* Opens the card in env->nvm: the image's version, its checksums and the consistency of its log are verified; nothing
 * is repaired silently. An unfinished transaction at the end (power failed) is not an error: it never happened. env
 * uses nvm, rng, clock, keys (or NULL), log (or NULL); the seams must live as long as the card arena   fixed or
 * growing, EUICC_ARENA_SIZE left; all of the card's RAM comes from it; release it after euicc_close Errors:
 * ERR_NOT_FOUND (not a card image), ERR_UNSUPPORTED (another version), ERR_VERIFY (damaged), ERR_DENIED (made with a
 * keystore, or another one), ERR_NO_MEMORY (arena), ERR_IO. */
MUST_USE enum err euicc_open(struct arena *arena, const struct env *env, struct euicc **ret);

/* Power on or warm reset: all session state is lost, the enabled profile's file system is presented. Appends the ATR
 * (EUICC_ATR_MAX) to ret_atr, which may be NULL. Must be called before the first euicc_transmit. */
void euicc_reset(struct euicc *card, struct writer *ret_atr);

/* One command, T=0 semantics as a PC/SC host or a modem sees them: response data of a case 4 command is announced with
 * 61xx and collected with GET RESPONSE, a wrong Le is answered with 6Cxx.
 *   capdu   4 … EUICC_CAPDU_MAX octets (header of 4: no P3; then Lc, data and, optionally, Le)
 *   ret     needs EUICC_RAPDU_MAX octets of room; data and status word are appended, always at least the status word */
void euicc_transmit(struct euicc *card, struct span capdu, struct writer *ret);

/* Lets the card's timers run; now_ms is env->clock's time. May leave a proactive command to be announced by the next
 * status word. Returns when it wants to be called again (absolute, ms) or EUICC_NO_WAKE. */
uint64_t euicc_idle(struct euicc *card, uint64_t now_ms);

/* A proactive command waits for a status word to announce it: a polite terminal sends STATUS now instead of at the next
 * poll. */
bool euicc_has_proactive(const struct euicc *card);

void euicc_close(struct euicc *card); /* wipes the card's RAM; free(NULL)-like on NULL */

/* ---- looking inside (tools, tests, the simulator's judge): never changes anything ---- */

void euicc_eid(const struct euicc *card, struct eid *ret);

#define EUICC_PROFILES_MAX 16u
enum euicc_profile_state { EUICC_PROFILE_ENABLED = 0x3F, EUICC_PROFILE_DISABLED = 0x1F };
struct euicc_profile_info {
    struct aid isdp;
    uint8_t state; /* GlobalPlatform life cycle: 07, 0F, 1F disabled, 3F enabled (oncard fact book 1.4) */
    bool fallback, emergency, test; /* attributes */
    uint8_t iccid_ef[10]; /* content of EF.ICCID (swapped digits); all FF: none yet */
    uint8_t imsi_ef[9];   /* content of EF.IMSI of the first ADF.USIM; all FF: none */
    uint32_t nvm_used;    /* octets */
};
size_t euicc_profiles(struct euicc *card, struct euicc_profile_info ret[EUICC_PROFILES_MAX]);

struct euicc_memory_info {
    uint32_t capacity, used, free; /* octets of content; what is granted to an ISD-P and not used is not free */
    uint32_t commits, compactions; /* since open */
};
void euicc_memory(struct euicc *card, struct euicc_memory_info *ret);

/* One line for each security domain of a profile and each object in the image: class, number, length, content. Content that
 * holds keys or PINs only with secrets. */
void euicc_print_objects(struct euicc *card, bool secrets, void (*line)(void *context, const char *text), void *context);

/* Writes a readable tree of the enabled profile's file system (path, name, type, size, access rule, content). */
void euicc_print_files(struct euicc *card, void (*line)(void *context, const char *text), void *context);

#endif
