/* lib/role/reading.h: one section of a configuration file on its way into a struct. What is wrong is said with the names of section
 * and option, and is ERR_BAD_VALUE. */
#ifndef OSPREY_ROLE_READING_H
#define OSPREY_ROLE_READING_H

#include "lib/daemon/config.h"
#include "lib/model/oid.h"

struct reading {
    const struct config *file;
    const char *section;
    char *detail; /* of cap octets: what is wrong, for people */
    size_t cap;
};

enum err reading_wrong(const struct reading *r, const char *name, const char *why);
/* The option's text; "" when there is none. */
const char *reading_of(const struct reading *r, const char *name);
/* ERR_BAD_VALUE over cap-1 characters. */
MUST_USE enum err reading_text(const struct reading *r, const char *name, char *out, size_t cap);
MUST_USE enum err reading_oid(const struct reading *r, const char *name, struct oid *ret);
MUST_USE enum err reading_number(const struct reading *r, const char *name, uint32_t most, uint32_t *ret);
/* One of two words: true for the second. */
MUST_USE enum err reading_either(const struct reading *r, const char *name, const char *first, const char *second, bool *ret);
/* The next word of a list with blanks or commas between; false at the end. */
bool reading_word(struct span *rest, struct span *ret);
/* A list of words, each into a place of each octets with its NUL, at most most of them. */
MUST_USE enum err reading_words(const struct reading *r, const char *name, char *out, size_t each, size_t most, size_t *ret_count);

#endif
