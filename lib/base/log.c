#include "env.h"

#include <stdarg.h>
#include <stdio.h>

#define LOG_LINE_MAX 1024

void log_fact(struct log *log, enum log_level level, const char *about, const char *format, ...)
{
    if (!log_wants(log, level))
        return;
    char line[LOG_LINE_MAX];
    int at = about && *about ? snprintf(line, sizeof line, "[%s] ", about) : 0;
    if (at < 0 || at >= (int)sizeof line)
        at = 0;
    va_list args;
    va_start(args, format);
    vsnprintf(line + at, sizeof line - (size_t)at, format, args);
    va_end(args);
    log->line(log, level, line);
}
