/* euicc/uicc/pin.h: PINs, administrative keys and unblocking keys (ETSI TS 102 221 §9, profile package §8).
 * A PIN belongs to a context DF: the MF for the global ones (01 … 08, 11, 0A … 0E, 8A … 8E), any DF or ADF for local
 * ones (81 … 88), which hold for everything below it. Values and counters are objects; a counter is decremented and
 * durable before a value is compared. Which ones are verified is state of the session, kept in struct card. */
#ifndef OSPREY_EUICC_UICC_PIN_H
#define OSPREY_EUICC_UICC_PIN_H

#include "fs.h"

#define PIN_LEN        8u
#define PIN_ENABLED    0x01u /* pinAttributes */
#define PIN_CHANGEABLE 0x02u
#define PIN_SWITCHABLE 0x04u /* may be enabled and disabled */
#define PIN_NO_UNBLOCK 0u
#define PIN_UNIVERSAL  0x11u

struct pin {
    uint8_t reference;      /* 01 … 08, 0A … 0E, 11, 81 … 88, 8A … 8E */
    uint8_t value[PIN_LEN]; /* padded with FF */
    uint8_t puk;            /* reference of its unblocking key, PIN_NO_UNBLOCK: none */
    uint8_t attributes;
    uint8_t tries_max, tries_left; /* 0 … 15 */
    bool replaced;                 /* disabled, and the universal PIN takes its place */
};
struct puk {
    uint8_t reference; /* 01 … 08, 81 … 88 */
    uint8_t value[PIN_LEN];
    uint8_t tries_max, tries_left;
};

/* For the interpreter: in the open transaction, context is the DF's file number. PUKs live at the MF. ERR_BAD_VALUE. */
MUST_USE enum err pin_put(struct objects *store, uint8_t profile, fs_number context, const struct pin *pin);
MUST_USE enum err puk_put(struct objects *store, uint8_t profile, const struct puk *puk);
/* The DF uses the PINs of another one: the same values and counters. */
MUST_USE enum err pin_share(struct objects *store, uint8_t profile, fs_number context, fs_number with);

/* The context that holds this reference for a file of the mounted file system: the DF itself, then its parents (global
 * references: the MF); FS_NONE when there is none. For the interpreter's check at the end, and for the card. */
fs_number pin_context(const struct fs *fs, fs_number df, uint8_t reference);
MUST_USE enum err pin_get(const struct objects *store, uint8_t profile, fs_number context, uint8_t reference,
                          struct pin *ret);
MUST_USE enum err puk_get(const struct objects *store, uint8_t profile, uint8_t reference, struct puk *ret);

static inline bool pin_is_global(uint8_t reference) { return (reference & 0x7F) >= 0x09 || reference < 0x80; }
static inline bool pin_is_adm(uint8_t reference) { return (reference & 0x7F) >= 0x0A && (reference & 0x7F) <= 0x0E; }

#endif
