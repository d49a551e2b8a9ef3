#include "edit.h"

#include <stdlib.h>

#define ARENA_MAX ((size_t)16 * 1024 * 1024)

struct edited *edit_load(const char *file)
{
    struct edited *e = calloc(1, sizeof *e);
    struct package_reader p;
    struct package_element element;
    struct reader segment = rd_of(profile_bytes(file));
    arena_init(&e->a, ARENA_MAX);
    package_init(&p, NULL, 0);
    while (package_next(&p, &segment, &element)) {
        struct der d = { .arena = &e->a };
        assert_ok(pe_decode(&d, element.raw, &e->elements[e->count++]));
    }
    assert_true(p.ended);
    return e;
}

void edit_unload(struct edited *e)
{
    arena_release(&e->a);
    free(e);
}

struct span edit_encoded(struct edited *e)
{
    struct writer w = wr_arena(&e->a, PACKAGE_MAX);
    for (size_t i = 0; i < e->count; i++)
        if (e->raw[i].ptr)
            wr_bytes(&w, e->raw[i]);
        else
            pe_encode(&w, &e->elements[i]);
    assert_int_equal(w.err, ERR_NONE);
    return wr_span(&w);
}

size_t edit_first_of(const struct edited *e, enum pe_kind kind)
{
    for (size_t i = 0; i < e->count; i++)
        if (e->elements[i].kind == kind)
            return i;
    fail_msg("no such element");
    return 0;
}

void edit_drop(struct edited *e, size_t at)
{
    e->count--;
    memmove(&e->elements[at], &e->elements[at + 1], (e->count - at) * sizeof e->elements[0]);
    memmove(&e->raw[at], &e->raw[at + 1], (e->count - at) * sizeof e->raw[0]);
}

void edit_insert_raw(struct edited *e, size_t at, struct span raw)
{
    memmove(&e->elements[at + 1], &e->elements[at], (e->count - at) * sizeof e->elements[0]);
    memmove(&e->raw[at + 1], &e->raw[at], (e->count - at) * sizeof e->raw[0]);
    e->raw[at] = raw;
    e->count++;
}

struct pe_file *edit_member(struct edited *e, enum pe_kind kind, const char *name)
{
    struct pe_filesystem *pe = e->elements[edit_first_of(e, kind)].as.files;
    uint32_t tag = pe_member_by_name(kind, span_text(name));
    for (size_t i = 0; i < pe->files.count; i++)
        if (pe->files.items[i].tag == tag)
            return &pe->files.items[i];
    fail_msg("no member %s", name);
    return NULL;
}
