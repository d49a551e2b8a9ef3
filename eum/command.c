#include "command.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/version.h"

#define OPTION_WIDTH 30

static size_t option_row(const struct command *c, const char *name, size_t len)
{
    size_t i = 0;
    while (i < c->option_count && (strlen(c->options[i].name) != len || strncmp(c->options[i].name, name, len) != 0))
        i++;
    return i;
}

static size_t known_row(const struct call *call, const char *option)
{
    size_t i = option_row(call->command, option, strlen(option));
    assert(i < call->command->option_count);
    return i;
}

const char *call_text(const struct call *call, const char *option)
{
    size_t i = known_row(call, option);
    return call->values[i] ? call->values[i] : call->command->options[i].fallback;
}

bool call_has(const struct call *call, const char *option) { return call->values[known_row(call, option)] != NULL; }

static int complain(const struct call *call, int code, const char *format, va_list args)
{
    fprintf(stderr, "%s %s: ", call->program, call->command->name);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    if (code == EXIT_USAGE)
        fprintf(stderr, "See %s %s --help\n", call->program, call->command->name);
    return code;
}

int call_failed(const struct call *call, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int code = complain(call, EXIT_FAILED, format, args);
    va_end(args);
    return code;
}

int call_misused(const struct call *call, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int code = complain(call, EXIT_USAGE, format, args);
    va_end(args);
    return code;
}

bool call_number(const struct call *call, const char *option, uint64_t max, uint64_t *ret)
{
    const char *text = call_text(call, option);
    char *end = NULL;
    unsigned long long n = text && text[0] >= '0' && text[0] <= '9' ? strtoull(text, &end, 10) : 0;
    if (!end || *end || n > max) {
        call_misused(call, "--%s takes a number up to %llu, not %s", option, (unsigned long long)max,
                     text ? text : "nothing");
        return false;
    }
    *ret = n;
    return true;
}

bool call_date(const struct call *call, const char *option, uint64_t now_ms, uint64_t *ret)
{
    const char *text = call_text(call, option);
    struct tm tm = { 0 };
    *ret = now_ms;
    if (!text)
        return true;
    const char *end = strptime(text, "%Y-%m-%d", &tm);
    time_t at = end && !*end ? timegm(&tm) : -1;
    if (at < 0) {
        call_misused(call, "--%s takes a date like 2026-01-31, not %s", option, text);
        return false;
    }
    *ret = (uint64_t)at * 1000;
    return true;
}

/* ---- help ---- */

static void print_option(const struct command_option *o)
{
    char left[64];
    int len = snprintf(left, sizeof left, "--%s%s%s", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
    for (const char *c = left; *c; c++)
        len -= ((unsigned char)*c & 0xC0) == 0x80; /* one column for each character */
    printf("  %s%*s %s", left, len < OPTION_WIDTH ? OPTION_WIDTH - len : 0, "", o->help);
    if (o->fallback)
        printf(" [%s]", o->fallback);
    printf("%s\n", o->mandatory ? " (needed)" : "");
}

static int command_help(const char *program, const struct command *c)
{
    printf("%s %s%s%s: %s\n\n%s\nOptions:\n", program, c->name, c->arguments ? " " : "",
           c->arguments ? c->arguments : "", c->summary, c->help);
    for (size_t i = 0; i < c->option_count; i++)
        print_option(&c->options[i]);
    return EXIT_GOOD;
}

static int program_help(FILE *out, const char *program, const char *about, const struct command *const *commands,
                        size_t count)
{
    fprintf(out, "%s: %s\nCommands:\n", program, about);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "  %-14s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(out, "\n%s COMMAND --help tells what a command does, writes and takes.\n", program);
    return out == stdout ? EXIT_GOOD : EXIT_USAGE;
}

/* ---- parsing ---- */

/* One "--name value", "--name=value" or "--switch"; *at moves over what was used. */
static int option_read(struct call *call, int argc, char **argv, int *at)
{
    const char *name = argv[*at] + 2, *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    size_t i = option_row(call->command, name, len);
    if (i == call->command->option_count)
        return call_misused(call, "no such option: --%.*s", (int)len, name);
    const struct command_option *o = &call->command->options[i];
    if (call->values[i])
        return call_misused(call, "--%s is given twice", o->name);
    if (!o->argument && equals)
        return call_misused(call, "--%s takes no value", o->name);
    if (!o->argument)
        call->values[i] = "";
    else if (equals)
        call->values[i] = equals + 1;
    else if (*at + 1 < argc)
        call->values[i] = argv[++*at];
    else
        return call_misused(call, "--%s needs %s behind it", o->name, o->argument);
    return EXIT_GOOD;
}

static int call_check(const struct call *call)
{
    const struct command *c = call->command;
    for (size_t i = 0; i < c->option_count; i++)
        if (c->options[i].mandatory && !call->values[i])
            return call_misused(call, "--%s %s is needed: %s", c->options[i].name, c->options[i].argument,
                                c->options[i].help);
    if (call->argument_count < c->arguments_min)
        return call_misused(call, "%s is missing", c->arguments);
    if (call->argument_count > c->arguments_max)
        return call_misused(call, "%s is one argument too many", call->arguments[c->arguments_max]);
    return EXIT_GOOD;
}

static int command_run(const char *program, const struct command *c, int argc, char **argv)
{
    static const char *arguments[COMMAND_ARGUMENTS_MAX];
    struct call call = { .program = program, .command = c, .arguments = arguments };
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return command_help(program, c);
        if (strncmp(argv[i], "--", 2) == 0) {
            int code = option_read(&call, argc, argv, &i);
            if (code != EXIT_GOOD)
                return code;
        } else if (call.argument_count < COMMAND_ARGUMENTS_MAX) {
            arguments[call.argument_count++] = argv[i];
        }
    }
    int code = call_check(&call);
    return code == EXIT_GOOD ? c->run(&call) : code;
}

int command_main(const char *program, const char *about, const struct command *const *commands, size_t count, int argc,
                 char **argv)
{
    if (argc < 2)
        return program_help(stderr, program, about, commands, count);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
        return program_help(stdout, program, about, commands, count);
    if (strcmp(argv[1], "--version") == 0)
        return printf("%s %s\n", program, osprey_version) < 0 ? EXIT_FAILED : EXIT_GOOD;
    for (size_t i = 0; i < count; i++)
        if (strcmp(commands[i]->name, argv[1]) == 0)
            return command_run(program, commands[i], argc - 2, argv + 2);
    fprintf(stderr, "%s: no such command: %s\n(%s --help lists them)\n", program, argv[1], program);
    return EXIT_USAGE;
}
