#include "build_private.h"

#include <stdio.h>

static void add_variable(struct build *b, struct span name, struct span value)
{
    if (b->variable_count == BUILD_VARIABLES_MAX)
        build_fail(b, ERR_TOO_LONG, "too many variables");
    else
        b->variables[b->variable_count++] = (struct build_setting){ name, value };
}

/* name = value */
static void take_variable(struct build *b, struct span line)
{
    const uint8_t *is = memchr(line.ptr, '=', line.len);
    if (!is) {
        build_fail(b, ERR_BAD_VALUE, "name = value is wanted");
        return;
    }
    size_t at = (size_t)(is - line.ptr);
    struct span value = text_trim(span_from(line, at + 1));
    add_variable(b, text_trim(span_sub(line, 0, at)), value.ptr ? value : SPAN_LIT(""));
}

static bool section_of(struct span line, struct span *ret_name)
{
    if (line.len < 3 || line.ptr[0] != '[' || line.ptr[line.len - 1] != ']')
        return false;
    *ret_name = text_trim(span_sub(line, 1, line.len - 2));
    return true;
}

static void open_section(struct build *b, struct span name, bool *variables)
{
    if (b->section)
        build_finish(b);
    b->section = NULL;
    *variables = text_is(name, "variables");
    if (*variables)
        return;
    for (unsigned kind = 0; kind < PE_KIND_COUNT; kind++)
        if (pe_type((enum pe_kind)kind) && kind != PE_END && text_is(name, pe_name((enum pe_kind)kind))) {
            if ((kind == PE_HEADER) != (b->element_count == 0))
                build_fail(b, ERR_BAD_VALUE, "[header] comes first, once");
            else
                build_begin(b, (enum pe_kind)kind);
            return;
        }
    build_fail(b, ERR_BAD_VALUE, "no element [%.*s]", (int)name.len, (const char *)name.ptr);
}

/* Variables first, wherever they stand: any line may use them. */
static void read_variables(struct build *b, struct span source)
{
    struct span line, name;
    bool inside = false;
    for (b->line = 1; b->err == ERR_NONE && text_next_line(&source, &line); b->line++)
        if (section_of(line, &name))
            inside = text_is(name, "variables");
        else if (inside && line.len)
            take_variable(b, line);
}

static void read_elements(struct build *b, struct span source)
{
    struct span line, name;
    bool variables = false;
    for (b->line = 1; b->err == ERR_NONE && text_next_line(&source, &line); b->line++) {
        struct build_line l;
        if (section_of(line, &name)) {
            open_section(b, name, &variables);
        } else if (line.len && !variables) {
            if (!b->section) {
                build_fail(b, ERR_BAD_VALUE, "a line before the first section");
                break;
            }
            build_split(b, line, &l);
            if (b->err == ERR_NONE)
                build_take(b, &l);
        }
    }
    if (b->section)
        build_finish(b);
}

static void list_templates(struct build *b, struct profile_header *h)
{
    struct span *oids = ARENA_ARRAY(b->a, struct span, BUILD_ELEMENTS_MAX);
    size_t count = 0;
    for (size_t i = 0; oids && i < b->element_count; i++) {
        bool known = b->elements[i].kind < PE_FIRST_FILESYSTEM;
        for (size_t k = 0; !known && k < count; k++)
            known = span_eq(oids[k], b->elements[i].as.files->template_id);
        if (!known)
            oids[count++] = b->elements[i].as.files->template_id;
    }
    h->templates.items = oids;
    h->templates.count = count;
}

static void complete(struct build *b)
{
    if (b->element_count == 0) {
        b->line = 0;
        build_fail(b, ERR_MISSING, "there is no [header]");
        return;
    }
    struct profile_header *h = b->elements[0].as.header;
    h->iccid = build_iccid(b);
    h->services = ARENA_NEW(b->a, struct services);
    for (unsigned i = 0; h->services && i < SERVICE_COUNT; i++)
        h->services->has[i] = b->services >> i & 1;
    list_templates(b, h);
    build_begin(b, PE_END);
}

static struct span encode_all(struct build *b)
{
    struct writer w = wr_arena(b->a, PE_ENCODED_MAX);
    for (size_t i = 0; b->err == ERR_NONE && i < b->element_count; i++)
        pe_encode(&w, &b->elements[i]);
    if (w.err != ERR_NONE)
        build_fail(b, w.err, "an element is not complete, or the package too long");
    return wr_span(&w);
}

static struct build *build_new(struct span source, const struct build_setting *settings, size_t count, struct arena *a,
                               struct build_fault *fault)
{
    struct build *b = ARENA_NEW(a, struct build);
    if (!b)
        return NULL;
    b->a = a;
    b->fault = fault;
    for (size_t i = 0; i < count; i++)
        add_variable(b, settings[i].name, settings[i].value);
    if (source.len > BUILD_TEXT_MAX)
        build_fail(b, ERR_TOO_LONG, "the source is too long");
    read_variables(b, source);
    return b;
}

enum err profile_build(struct span source, const struct build_setting *settings, size_t setting_count, struct arena *a,
                       struct span *ret_package, struct build_fault *fault)
{
    *fault = (struct build_fault){ 0 };
    struct build *b = build_new(source, settings, setting_count, a, fault);
    if (!b)
        return ERR_NO_SPACE;
    if (b->err == ERR_NONE)
        read_elements(b, source);
    if (b->err == ERR_NONE)
        complete(b);
    struct span package = b->err == ERR_NONE ? encode_all(b) : SPAN_NONE;
    if (b->err == ERR_NONE)
        *ret_package = package;
    return b->err;
}

struct span profile_build_variable(struct span source, const struct build_setting *settings, size_t setting_count,
                                   const char *name)
{
    struct build_fault fault;
    struct arena a;
    arena_init(&a, BUILD_ARENA_MIN);
    struct build *b = build_new(source, settings, setting_count, &a, &fault);
    struct span value = b ? build_variable(b, name) : SPAN_NONE; /* lies in the source or in the settings */
    arena_release(&a);
    return value;
}

/* Has it a value, does it stand in braces, or is it one that lines ask for by themselves (ef-msisdn, ef-spn …)? */
bool profile_build_knows(struct span source, const char *name)
{
    static const char *const implied[] = { "iccid", "imsi", "mnc-length", "msisdn", "spn", "smsc", "apn" };
    char braced[80];
    int len = snprintf(braced, sizeof braced, "{%s}", name);
    for (size_t i = 0; i < ARRAY_LEN(implied); i++)
        if (!strcmp(name, implied[i]))
            return true;
    return profile_build_variable(source, NULL, 0, name).ptr ||
           ((size_t)len < sizeof braced && source.len && memmem(source.ptr, source.len, braced, (size_t)len));
}
