/* lib/daemon/config.h: one INI-style file per program. Every option is described once, in a table of struct
 * config_option, from which the check, the example and the help are made.
 *
 *   # comment                      sections: [name], or [kind name] for those that may come several times
 *   [es3]                          option = value      blanks around = and at the ends do not count; an option that must
 *                                  be given may not be empty
 *   listen = 127.0.0.1:8443        paths are relative to the file's own folder */
#ifndef OSPREY_DAEMON_CONFIG_H
#define OSPREY_DAEMON_CONFIG_H

#include <stdio.h>

#include "lib/base/err.h"
#include "lib/base/span.h"

#define CONFIG_FILE_MAX   (256u * 1024u)
#define CONFIG_DETAIL_MAX 300u

enum config_type { CONFIG_TEXT, CONFIG_NUMBER, CONFIG_BOOL, CONFIG_PATH, CONFIG_ADDRESS /* host:port */, CONFIG_HEX };

struct config_option {
    const char *section;  /* "es3", or "partner *" for [partner NAME] */
    const char *name;     /* or "code.*" for code.NAME, any number of them: config_next_option */
    enum config_type type;
    const char *fallback; /* value when it is not given; NULL: none */
    bool mandatory;
    const char *help;     /* one sentence */
};

struct config;

/* detail (CONFIG_DETAIL_MAX octets, may be NULL) says file, line and what is wrong. ERR_IO, ERR_TOO_LONG,
 * ERR_BAD_VALUE, ERR_MISSING, ERR_NO_MEMORY. */
MUST_USE enum err config_load(const char *path, const struct config_option *options, size_t count, struct config **ret,
                              char *detail);
void config_free(struct config *config);

/* The value, its fallback, or NULL. A path comes made absolute or relative to the working folder. section is "es3" or
 * "partner NAME". Asking for an option that is not in the table is a fault of ours (assert). */
const char *config_text(const struct config *config, const char *section, const char *name);
uint64_t config_number(const struct config *config, const char *section, const char *name);
bool config_bool(const struct config *config, const char *section, const char *name);
bool config_has(const struct config *config, const char *section);
/* Splits "host:port"; host has cap octets. ERR_MISSING when there is no value. */
MUST_USE enum err config_address(const struct config *config, const char *section, const char *name, char *host,
                                 size_t cap, uint16_t *ret_port);
/* The next section of that kind ("partner"): its full name "partner NAME"; NULL at the end. Start with previous NULL. */
const char *config_next(const struct config *config, const char *kind, const char *previous);
/* The next option of a section that stands in the file and begins with prefix ("code."): its full name; NULL at the end. Start
 * with previous NULL. */
const char *config_next_option(const struct config *config, const char *section, const char *prefix, const char *previous);
/* "NAME" of "partner NAME". */
const char *config_section_name(const char *section);

/* An example file with every option, its fallback and its sentence. Only what must be given is no comment. */
void config_print_example(FILE *out, const struct config_option *options, size_t count);

#endif
