/* eum/bootstrap.h: the profile an eUICC leaves the factory with: a finished package (DER), the same for all, or a
 * source (lib/profile/build.h) that is personalised for each: ICCID and IMSI counted up, keys drawn at random. */
#ifndef OSPREY_EUM_BOOTSTRAP_H
#define OSPREY_EUM_BOOTSTRAP_H

#include "lib/base/arena.h"
#include "lib/base/env.h"

#define BOOTSTRAP_SETTINGS_MAX 48u
#define BOOTSTRAP_DETAIL_MAX   240u
#define BOOTSTRAP_DIGITS_MAX   20u

struct bootstrap {
    struct span content; /* of the file */
    const char *set;     /* "name=value,name=value" for the source; NULL: none */
    const char *iccid;   /* of the first, without its check digit, which is added; NULL: as in the source */
    const char *imsi;    /* of the first; NULL: as in the source */
    bool random_keys;    /* K, OPc and OTA keys of its own for each */
};

/* The package of eUICC number `index` (0 is the first), in the arena (BUILD_ARENA_MIN of room).
 * ERR_BAD_VALUE, ERR_TOO_LONG, ERR_NOT_FOUND (a setting that the source does not know), ERR_UNSUPPORTED (settings for a finished
 * package), what the builder says. */
MUST_USE enum err bootstrap_package(const struct bootstrap *b, uint64_t index, struct rng *rng, struct arena *arena,
                                    struct span *ret_package, char detail[BOOTSTRAP_DETAIL_MAX]);

/* Adds n to a number of digits, in place; false when it has not enough of them. */
bool digits_add(char *digits, uint64_t n);
/* The Luhn digit that belongs behind these. */
char luhn_digit(const char *digits);

#endif
