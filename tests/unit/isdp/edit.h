/* tests/unit/isdp/edit.h: packages edited as values and encoded anew. */
#ifndef OSPREY_TESTS_ISDP_EDIT_H
#define OSPREY_TESTS_ISDP_EDIT_H

#include "lib/profile/package.h"
#include "rig.h"

#define ELEMENTS_MAX 64u

struct edited {
    struct arena a;
    struct profile_element elements[ELEMENTS_MAX];
    struct span raw[ELEMENTS_MAX]; /* when set, goes out instead of the element */
    size_t count;
};

struct edited *edit_load(const char *file);
void edit_unload(struct edited *e);
struct span edit_encoded(struct edited *e);
size_t edit_first_of(const struct edited *e, enum pe_kind kind);
void edit_drop(struct edited *e, size_t at);
void edit_insert_raw(struct edited *e, size_t at, struct span raw);
struct pe_file *edit_member(struct edited *e, enum pe_kind kind, const char *name);

#endif
