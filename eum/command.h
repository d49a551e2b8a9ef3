/* eum/command.h: the commands of osprey-eum and their options, each described once: parsing, checks and help come from
 * the same rows. */
#ifndef OSPREY_EUM_COMMAND_H
#define OSPREY_EUM_COMMAND_H

#include <stdio.h>

#include "lib/base/env.h"

#define COMMAND_OPTIONS_MAX   32u
#define COMMAND_ARGUMENTS_MAX 4096u

enum exit_code { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct command_option {
    const char *name;     /* without the dashes */
    const char *argument; /* what stands behind it, in capitals; NULL: a switch */
    const char *fallback; /* NULL: none */
    bool mandatory;
    const char *help; /* one line */
};

struct call;
struct command {
    const char *name;      /* "issue" */
    const char *arguments; /* "KIND", "FILE…"; NULL: none */
    size_t arguments_min, arguments_max;
    const char *summary; /* one line */
    const char *help;    /* what it does, what it writes, an example */
    const struct command_option *options;
    size_t option_count;
    int (*run)(const struct call *call); /* exit code */
};

struct call {
    const char *program;
    const struct command *command;
    const char *values[COMMAND_OPTIONS_MAX]; /* by row; a given switch is "" */
    const char *const *arguments;
    size_t argument_count;
};

/* The whole main(): finds the command, reads its options, runs it, or explains. */
int command_main(const char *program, const char *about, const struct command *const *commands, size_t count, int argc,
                 char **argv);

const char *call_text(const struct call *call, const char *option); /* NULL: not given and no fallback */
bool call_has(const struct call *call, const char *option);
/* false after saying why on stderr. */
MUST_USE bool call_number(const struct call *call, const char *option, uint64_t max, uint64_t *ret);
/* Milliseconds of "2026-01-31" (UTC); now_ms when the option is absent. */
MUST_USE bool call_date(const struct call *call, const char *option, uint64_t now_ms, uint64_t *ret);

/* Says "osprey-eum issue: …" on stderr; returns EXIT_FAILED (call_failed), EXIT_USAGE (call_misused). */
int call_failed(const struct call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
int call_misused(const struct call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
