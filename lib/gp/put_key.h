/* lib/gp/put_key.h: PUT KEY (GlobalPlatform 2.2 §11.8). Key values are as they travel (encrypted under the DEK): who
 * holds the keys encrypts and checks. */
#ifndef OSPREY_GP_PUT_KEY_H
#define OSPREY_GP_PUT_KEY_H

#include "apdu.h"

#define PUT_KEY_KEYS_MAX 3u
#define KEY_TYPE_AES     0x88u
#define KEY_TYPE_PSK_TLS 0x85u
#define KEY_TYPE_DES     0x80u

struct put_key_item {
    uint8_t type;
    struct span value; /* encrypted key, 1 … 255 octets */
    struct span kcv;   /* 3 octets, or empty */
};

struct put_key {
    uint8_t replaces; /* P1 b7-b1: the KVN that is replaced, 00: added */
    uint8_t kid;      /* P2 b7-b1: identifier of the first key */
    uint8_t kvn;
    struct put_key_item keys[PUT_KEY_KEYS_MAX];
    size_t count;
};

/* ERR_BAD_VALUE, ERR_TRUNCATED, ERR_TOO_LONG (more than 3 keys). */
MUST_USE enum err put_key_parse(const struct capdu *c, struct put_key *ret);
void put_key_write(struct writer *w, const struct put_key *p, uint32_t le);

#endif
