/* lib/profile/build.h: makes a profile package out of a readable text, the source of a profile. One section for each
 * element, in their order; one line for each file, PIN, key. profiles/README.md shows the whole language.
 *
 *   [variables]                          names for {…}; settings given by the caller come first
 *   iccid = 8988211000000000019
 *   [usim]                               an element, by its ASN.1 name
 *   adf-usim fid=7FD0 aid={usim-aid} pins=01810A
 *   ef-imsi = {imsi}                     a file: options before the =, content behind it
 *   ef-dir records=2x38 = <61 <4F {usim-aid}> <50 "USIM">> | FF
 */
#ifndef OSPREY_PROFILE_BUILD_H
#define OSPREY_PROFILE_BUILD_H

#include "package.h"

#define BUILD_TEXT_MAX      0x40000u /* octets of a source */
#define BUILD_LINE_MAX      4096u    /* octets of a line, expanded */
#define BUILD_VARIABLES_MAX 128u
#define BUILD_ELEMENTS_MAX  64u
#define BUILD_ARENA_MIN     ((size_t)2 * 1024 * 1024)

struct build_setting {
    struct span name, value;
};

struct build_fault {
    unsigned line; /* of the source, from 1; 0: the source as a whole */
    char text[160];
};

/* Settings override the variables of the source. The package lies in the arena (BUILD_ARENA_MIN of room).
 * Errors: ERR_BAD_VALUE, ERR_MISSING, ERR_TOO_LONG, ERR_NO_SPACE; fault tells people where and what. */
MUST_USE enum err profile_build(struct span source, const struct build_setting *settings, size_t setting_count,
                                struct arena *a, struct span *ret_package, struct build_fault *fault);

/* The value a variable will have, before anything is built; SPAN_NONE when it has none. */
struct span profile_build_variable(struct span source, const struct build_setting *settings, size_t setting_count,
                                   const char *name);
/* Does the source have a use for a setting of this name? A name that is misspelt has none. */
bool profile_build_knows(struct span source, const char *name);

#endif
