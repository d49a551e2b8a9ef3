#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "lib/base/arena.h"

#define CONFIG_ENTRIES_MAX  4096u
#define CONFIG_SECTION_MAX  128u
#define CONFIG_LINE_MAX     4096u

struct entry {
    const char *section, *name, *value;
};

struct config {
    const struct config_option *options;
    size_t option_count;
    struct arena arena;
    struct entry *entries;
    size_t entry_count;
    const char **sections;
    size_t section_count;
    const char *path;
    char *folder;
};

static enum err complain(char *detail, enum err err, const char *path, unsigned line, const char *what, const char *about)
{
    char at[16] = "";
    if (line)
        snprintf(at, sizeof at, ":%u", line);
    if (detail)
        snprintf(detail, CONFIG_DETAIL_MAX, "%s%s: %s%s%s", path, at, what, about ? ": " : "", about ? about : "");
    return err;
}

static enum err missing(const struct config *c, const char *section, const struct config_option *o, char *detail)
{
    if (detail)
        snprintf(detail, CONFIG_DETAIL_MAX, "%s: [%s] %s is missing: %s", c->path, section, o->name, o->help);
    return ERR_MISSING;
}

/* "partner *" is any of the kind; so with the names of options. */
static bool name_matches(const char *pattern, const char *name)
{
    size_t len = strlen(pattern);
    if (len < 2 || pattern[len - 1] != '*')
        return !strcmp(pattern, name);
    return !strncmp(pattern, name, len - 1) && name[len - 1];
}

static const struct config_option *option_find(const struct config *c, const char *section, const char *name)
{
    for (size_t i = 0; i < c->option_count; i++)
        if (name_matches(c->options[i].section, section) && (!name || name_matches(c->options[i].name, name)))
            return &c->options[i];
    return NULL;
}

static const struct entry *entry_find(const struct config *c, const char *section, const char *name)
{
    for (size_t i = 0; i < c->entry_count; i++)
        if (!strcmp(c->entries[i].section, section) && !strcmp(c->entries[i].name, name))
            return &c->entries[i];
    return NULL;
}

static char *trim(char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    size_t len = strlen(text);
    while (len && strchr(" \t\r\n", text[len - 1]))
        text[--len] = '\0';
    return text;
}

static bool number_ok(const char *value)
{
    char *end;
    errno = 0;
    strtoull(value, &end, 0);
    return *value >= '0' && *value <= '9' && !*end && !errno;
}

static bool bool_ok(const char *value)
{
    return !strcmp(value, "yes") || !strcmp(value, "no") || !strcmp(value, "true") || !strcmp(value, "false");
}

static bool address_ok(const char *value)
{
    const char *colon = strrchr(value, ':');
    return colon && colon != value && number_ok(colon + 1) && strtoul(colon + 1, NULL, 10) <= 65535;
}

static bool hex_ok(const char *value) { return strlen(value) % 2 == 0 && strspn(value, "0123456789abcdefABCDEF") == strlen(value); }

static const char *type_error(enum config_type type, const char *value)
{
    switch (type) {
    case CONFIG_NUMBER: return number_ok(value) ? NULL : "not a number";
    case CONFIG_BOOL: return bool_ok(value) ? NULL : "not yes or no";
    case CONFIG_ADDRESS: return address_ok(value) ? NULL : "not host:port";
    case CONFIG_HEX: return hex_ok(value) ? NULL : "not hexadecimal";
    case CONFIG_TEXT:
    case CONFIG_PATH: break;
    }
    return NULL;
}

static const char *path_value(struct config *c, const char *value)
{
    bool is_uri = strstr(value, "://") || strncmp(value, "pkcs11:", 7) == 0;
    return *value == '/' || !*value || is_uri ? value : arena_printf(&c->arena, "%s/%s", c->folder, value);
}

static enum err add_section(struct config *c, char *name, unsigned line, char *detail)
{
    size_t len = strlen(name);
    if (len < 2 || name[len - 1] != ']' || len > CONFIG_SECTION_MAX)
        return complain(detail, ERR_BAD_VALUE, c->path, line, "a section is written [name]", name);
    name[len - 1] = '\0';
    name = trim(name + 1);
    if (!option_find(c, name, NULL))
        return complain(detail, ERR_BAD_VALUE, c->path, line, "no such section", name);
    if (config_has(c, name))
        return complain(detail, ERR_BAD_VALUE, c->path, line, "this section is there already", name);
    c->sections[c->section_count++] = arena_text(&c->arena, span_text(name));
    return ERR_NONE;
}

static enum err add_option(struct config *c, char *text, unsigned line, char *detail)
{
    char *equals = strchr(text, '=');
    if (!equals)
        return complain(detail, ERR_BAD_VALUE, c->path, line, "an option is written name = value", text);
    if (!c->section_count)
        return complain(detail, ERR_BAD_VALUE, c->path, line, "an option before the first [section]", text);
    *equals = '\0';
    const char *section = c->sections[c->section_count - 1], *name = trim(text), *value = trim(equals + 1);
    const struct config_option *option = option_find(c, section, name);
    if (!option)
        return complain(detail, ERR_BAD_VALUE, c->path, line, arena_printf(&c->arena, "no such option in [%s]", section), name);
    if (entry_find(c, section, name))
        return complain(detail, ERR_BAD_VALUE, c->path, line, "given twice", name);
    if (option->mandatory && !*value)
        return missing(c, section, option, detail);
    const char *wrong = type_error(option->type, value);
    if (wrong)
        return complain(detail, ERR_BAD_VALUE, c->path, line, wrong, name);
    const char *kept = arena_text(&c->arena, span_text(value));
    if (option->type == CONFIG_PATH)
        kept = path_value(c, kept);
    c->entries[c->entry_count++] = (struct entry){ section, arena_text(&c->arena, span_text(name)), kept };
    return ERR_NONE;
}

static enum err parse(struct config *c, FILE *file, char *detail)
{
    char text[CONFIG_LINE_MAX + 2];
    unsigned line = 0;
    enum err err = ERR_NONE;
    while (err == ERR_NONE && fgets(text, sizeof text, file)) {
        bool whole = strlen(text) <= CONFIG_LINE_MAX || text[CONFIG_LINE_MAX] == '\n';
        char *start = trim(text);
        line++;
        if (!whole)
            err = complain(detail, ERR_TOO_LONG, c->path, line, "the line is too long", NULL);
        else if (c->entry_count == CONFIG_ENTRIES_MAX || c->section_count == CONFIG_ENTRIES_MAX || line > CONFIG_FILE_MAX)
            err = complain(detail, ERR_TOO_LONG, c->path, line, "the file is too long", NULL);
        else if (*start == '[')
            err = add_section(c, start, line, detail);
        else if (*start && *start != '#' && *start != ';')
            err = add_option(c, start, line, detail);
    }
    return err == ERR_NONE && ferror(file) ? complain(detail, ERR_IO, c->path, 0, strerror(errno), NULL) : err;
}

static enum err check_mandatory(const struct config *c, char *detail)
{
    for (size_t i = 0; i < c->option_count; i++) {
        const struct config_option *o = &c->options[i];
        bool repeats = strchr(o->section, '*') != NULL;
        if (o->mandatory && !repeats && !entry_find(c, o->section, o->name))
            return missing(c, o->section, o, detail);
        for (size_t s = 0; o->mandatory && repeats && s < c->section_count; s++)
            if (name_matches(o->section, c->sections[s]) && !entry_find(c, c->sections[s], o->name))
                return missing(c, c->sections[s], o, detail);
    }
    return ERR_NONE;
}

static char *folder_of(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? arena_text(a, (struct span){ (const uint8_t *)path, (size_t)(slash - path) }) : arena_text(a, SPAN_LIT("."));
}

enum err config_load(const char *path, const struct config_option *options, size_t count, struct config **ret, char *detail)
{
    struct config *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NO_MEMORY;
    arena_init(&c->arena, 4 * CONFIG_FILE_MAX);
    c->options = options;
    c->option_count = count;
    c->path = arena_text(&c->arena, span_text(path));
    c->folder = folder_of(&c->arena, path);
    c->entries = ARENA_ARRAY(&c->arena, struct entry, CONFIG_ENTRIES_MAX);
    c->sections = ARENA_ARRAY(&c->arena, const char *, CONFIG_ENTRIES_MAX);
    FILE *file = fopen(path, "r");
    enum err err = ERR_NONE;
    if (!c->path || !c->folder || !c->entries || !c->sections)
        err = ERR_NO_MEMORY;
    else if (!file)
        err = complain(detail, ERR_IO, path, 0, strerror(errno), NULL);
    if (err == ERR_NONE)
        err = parse(c, file, detail);
    if (err == ERR_NONE)
        err = check_mandatory(c, detail);
    if (file)
        fclose(file);
    if (err == ERR_NONE)
        *ret = c;
    else
        config_free(c);
    return err;
}

void config_free(struct config *c)
{
    if (!c)
        return;
    arena_release(&c->arena);
    free(c);
}

const char *config_text(const struct config *c, const char *section, const char *name)
{
    const struct config_option *option = option_find(c, section, name);
    assert(option);
    const struct entry *entry = entry_find(c, section, name);
    if (entry)
        return entry->value;
    if (option->type == CONFIG_PATH && option->fallback)
        return path_value((struct config *)c, option->fallback);
    return option->fallback;
}

uint64_t config_number(const struct config *c, const char *section, const char *name)
{
    const char *value = config_text(c, section, name);
    return value ? strtoull(value, NULL, 0) : 0;
}

bool config_bool(const struct config *c, const char *section, const char *name)
{
    const char *value = config_text(c, section, name);
    return value && (!strcmp(value, "yes") || !strcmp(value, "true"));
}

bool config_has(const struct config *c, const char *section)
{
    for (size_t i = 0; i < c->section_count; i++)
        if (!strcmp(c->sections[i], section))
            return true;
    return false;
}

enum err config_address(const struct config *c, const char *section, const char *name, char *host, size_t cap,
                        uint16_t *ret_port)
{
    const char *value = config_text(c, section, name);
    if (!value)
        return ERR_MISSING;
    const char *colon = strrchr(value, ':');
    size_t len = colon ? (size_t)(colon - value) : 0;
    if (!address_ok(value) || len >= cap)
        return ERR_BAD_VALUE;
    memcpy(host, value, len);
    host[len] = '\0';
    *ret_port = (uint16_t)strtoul(colon + 1, NULL, 10);
    return ERR_NONE;
}

const char *config_next(const struct config *c, const char *kind, const char *previous)
{
    size_t len = strlen(kind);
    bool seen = previous == NULL;
    for (size_t i = 0; i < c->section_count; i++) {
        if (seen && !strncmp(c->sections[i], kind, len) && c->sections[i][len] == ' ')
            return c->sections[i];
        seen = seen || c->sections[i] == previous || (previous && !strcmp(c->sections[i], previous));
    }
    return NULL;
}

const char *config_next_option(const struct config *c, const char *section, const char *prefix, const char *previous)
{
    bool seen = previous == NULL;
    for (size_t i = 0; i < c->entry_count; i++) {
        const struct entry *e = &c->entries[i];
        if (strcmp(e->section, section) != 0)
            continue;
        if (seen && !strncmp(e->name, prefix, strlen(prefix)))
            return e->name;
        seen = seen || !strcmp(e->name, previous);
    }
    return NULL;
}

const char *config_section_name(const char *section)
{
    const char *blank = strchr(section, ' ');
    return blank ? blank + 1 : section;
}

/* "[es3]", or "#[partner NAME]": what may come several times need not come at all. */
static void print_heading(FILE *out, const char *section)
{
    const char *star = strchr(section, '*');
    if (star)
        fprintf(out, "#[%.*sNAME]\n", (int)(star - section), section);
    else
        fprintf(out, "[%s]\n", section);
}

void config_print_example(FILE *out, const struct config_option *options, size_t count)
{
    const char *section = "";
    for (size_t i = 0; i < count; i++) {
        const struct config_option *o = &options[i];
        bool given = o->mandatory && !strchr(o->section, '*');
        if (strcmp(section, o->section)) {
            fputs(*section ? "\n" : "", out);
            print_heading(out, o->section);
            section = o->section;
        }
        fprintf(out, "# %s%s\n", o->help, o->mandatory ? " (must be given)" : "");
        size_t len = strcspn(o->name, "*"); /* code.* is written code.NAME */
        fprintf(out, "%s%.*s%s = %s\n", given ? "" : "#", (int)len, o->name, o->name[len] ? "NAME" : "", o->fallback ? o->fallback : "");
    }
}
