#include "daemon.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>

#define LOG_TEXT_MAX 1200
#define LOG_GATHERED_MAX 16384

struct log_sink {
    struct log seam;
    int fd;
    bool gathers;
    time_t second; /* that date is of */
    char date[24];
    size_t len;
    char gathered[LOG_GATHERED_MAX];
};

static const char *const level_names[] = { "debug", "info", "warn", "error" };

void log_sink_flush(struct log *log)
{
    struct log_sink *sink = (struct log_sink *)log;
    if (sink->len && write(sink->fd, sink->gathered, sink->len) < 0) {
        /* nowhere to complain */
    }
    sink->len = 0;
}

void log_sink_gather(struct log *log) { ((struct log_sink *)log)->gathers = true; }

static const char *date_of(struct log_sink *sink, time_t second)
{
    struct tm utc;
    if (second != sink->second && gmtime_r(&second, &utc)) {
        strftime(sink->date, sizeof sink->date, "%Y-%m-%dT%H:%M:%S", &utc);
        sink->second = second;
    }
    return sink->date;
}

/* Whole lines in one write, so that lines of several writers never mix; control characters of a peer become '?'. */
static void line(struct log *log, enum log_level level, const char *text)
{
    struct log_sink *sink = (struct log_sink *)log;
    if (sizeof sink->gathered - sink->len < LOG_TEXT_MAX)
        log_sink_flush(log);
    char *out = sink->gathered + sink->len;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    size_t n = (size_t)snprintf(out, LOG_TEXT_MAX, "%s.%03ldZ %-5s ", date_of(sink, now.tv_sec), now.tv_nsec / 1000000,
                                level_names[level]);
    for (; *text && n < LOG_TEXT_MAX - 1; text++)
        out[n++] = (unsigned char)*text < 0x20 || *text == 0x7F ? '?' : *text;
    out[n++] = '\n';
    sink->len += n;
    if (!sink->gathers || level == LOG_ERROR_)
        log_sink_flush(log);
}

static enum err level_of(const char *name, unsigned *ret)
{
    for (unsigned i = 0; i < ARRAY_LEN(level_names); i++)
        if (!strcmp(name, level_names[i])) {
            *ret = i;
            return ERR_NONE;
        }
    return ERR_BAD_VALUE;
}

struct log *log_sink_open(const char *path, const char *level, enum err *ret_err)
{
    unsigned least = LOG_INFO_;
    *ret_err = level ? level_of(level, &least) : ERR_NONE;
    struct log_sink *sink = *ret_err == ERR_NONE ? calloc(1, sizeof *sink) : NULL;
    if (!sink) {
        *ret_err = *ret_err == ERR_NONE ? ERR_NO_MEMORY : *ret_err;
        return NULL;
    }
    sink->seam.line = line;
    sink->seam.least = (enum log_level)least;
    sink->fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640) : STDERR_FILENO;
    if (sink->fd >= 0)
        return &sink->seam;
    *ret_err = ERR_IO;
    free(sink);
    return NULL;
}

void log_sink_close(struct log *log)
{
    struct log_sink *sink = (struct log_sink *)log;
    if (!sink)
        return;
    log_sink_flush(log);
    if (sink->fd != STDERR_FILENO)
        close(sink->fd);
    free(sink);
}
