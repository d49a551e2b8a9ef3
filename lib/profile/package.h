/* lib/profile/package.h: a profile package is the plain concatenation of profile elements, and arrives in segments that
 * are cut anywhere. The package reader cuts it into elements. No copy when an element lies whole in a segment; one that
 * spans segments is gathered in the caller's buffer. */
#ifndef OSPREY_PROFILE_PACKAGE_H
#define OSPREY_PROFILE_PACKAGE_H

#include "profile_element.h"

#define PE_MAX           0x8000u   /* octets of one element that we take */
#define PACKAGE_MAX      0x100000u /* octets of a whole package */
#define PACKAGE_HEAD_MAX 24u       /* enough to tell tag, length and PEHeader of an element that is too long */

struct package_reader {
    uint8_t *buf; /* of cap octets; NULL until needed when arena is given */
    size_t cap, len, need;
    struct arena *arena;
    uint32_t offset; /* octets of the package before the present element */
    bool ended;      /* the End element has been given out */
    enum err err;
};

struct package_element {
    uint32_t tag;
    uint32_t offset; /* in the package */
    struct span raw; /* tag, length, value; valid until the next call, and as long as the segment */
};

/* The buffer of PE_MAX octets is either the caller's or, when buf is NULL, taken in steps from the arena. */
void package_init(struct package_reader *p, uint8_t *buf, size_t cap);
void package_init_arena(struct package_reader *p, struct arena *arena);

/* Takes the next element from what is buffered and the segment. Call it until it answers false; p->err then says
 * whether the segment is just used up (ERR_NONE) or the stream is broken: ERR_TOO_LONG (an element over PE_MAX;
 * ret->tag and ret->raw then hold its first octets), ERR_BAD_TAG, ERR_BAD_LENGTH, ERR_STATE (octets after the End
 * element). A fault sticks. */
bool package_next(struct package_reader *p, struct reader *segment, struct package_element *ret);

/* Nothing is left half: between two elements. */
static inline bool package_between(const struct package_reader *p) { return p->len == 0; }

#endif
