#include "lint_private.h"

#include <stdarg.h>
#include <stdio.h>

#define FINDING_MAX 240u

void lint_say(struct lint *l, enum lint_level level, size_t element, const char *format, ...)
{
    char text[FINDING_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    l->failed = l->failed || level == LINT_ERROR;
    l->sink->finding(l->sink, level, element, element < l->count ? l->elements[element].offset : 0, text);
}

static void take(struct lint *l, const struct package_element *e)
{
    struct lint_element *slot = &l->elements[l->count];
    struct der d = { .arena = l->a };
    *slot = (struct lint_element){ .offset = e->offset, .context = LINT_NONE, .adf = LINT_NONE };
    size_t at = l->count++;
    enum err err = pe_decode(&d, e->raw, &slot->pe);
    if (err == ERR_UNSUPPORTED) {
        lint_say(l, LINT_WARNING, at, "no element has the tag %X", e->tag);
        slot->pe.kind = PE_KIND_COUNT;
    } else if (err != ERR_NONE) {
        lint_say(l, LINT_ERROR, at, "%s in %s%s%s", err_text(err), d.type ? d.type : "its encoding",
                 d.member ? "." : "", d.member ? d.member : "");
        slot->pe.kind = PE_KIND_COUNT;
    } else if (d.unknown_tag) {
        lint_say(l, LINT_WARNING, at, "%s: a member with the unknown tag %X", pe_name(slot->pe.kind), d.unknown_tag);
    }
}

static void split(struct lint *l, struct span package)
{
    struct package_reader p;
    struct package_element e;
    struct reader segment = rd_of(package);

    package_init_arena(&p, l->a);
    while (l->count < LINT_ELEMENTS_MAX && package_next(&p, &segment, &e))
        take(l, &e);
    if (p.err == ERR_STATE)
        lint_say(l, LINT_ERROR, l->count, "octets behind the End element");
    else if (p.err != ERR_NONE)
        lint_say(l, LINT_ERROR, l->count, "the package breaks off here: %s", err_text(p.err));
    else if (!package_between(&p))
        lint_say(l, LINT_ERROR, l->count, "the package ends inside an element");
    else if (!p.ended)
        lint_say(l, LINT_ERROR, l->count, "the End element is missing");
}

bool profile_lint(struct span package, struct arena *arena, struct lint_sink *sink)
{
    struct lint *l = ARENA_NEW(arena, struct lint);
    if (l)
        l->files = ARENA_ARRAY(arena, struct lint_file, LINT_FILES_MAX);
    if (!l || !l->files) {
        sink->finding(sink, LINT_ERROR, 0, 0, "no memory to look at it");
        return false;
    }
    l->a = arena;
    l->sink = sink;
    l->adf[0] = l->adf[1] = l->adf[2] = l->last_adf = l->context = LINT_NONE;
    split(l, package);
    lint_tree(l);
    lint_rules(l);
    return !l->failed;
}
