/* eum/kek.h: the transport key that protects OTA keys in an EIS between an EUM and an SM-SR (offcard fact book 4.8):
 * a file of 32 or 64 hex digits, 0600. */
#ifndef OSPREY_EUM_KEK_H
#define OSPREY_EUM_KEK_H

#include "lib/base/env.h"

#define KEK_MAX 32u

struct kek {
    uint8_t octets[KEK_MAX];
    size_t len;
};

/* ERR_IO, ERR_NOT_FOUND, ERR_DENIED (others may read it), ERR_BAD_VALUE. */
MUST_USE enum err kek_read(const char *path, struct kek *ret);
/* A new one of 32 octets; ERR_EXISTS. */
MUST_USE enum err kek_create(const char *path, struct rng *rng);

#endif
