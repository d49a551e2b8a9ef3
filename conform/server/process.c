#include "process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/span.h"

#define READY_MS  20000
#define STOP_MS   8000
#define LOOK_MS   5

static void pause_ms(long ms) { nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL); }

void process_find(const char *name, char out[PROCESS_PATH_MAX])
{
    static const char *const places[] = { "", "../eum/", "../sm-sr/", "../sm-dp/", "../device/", "../device/smsc/",
                                          "../device/hlr/" };
    char self[PROCESS_PATH_MAX - 128];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    self[len > 0 ? len : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash)
        slash[1] = '\0';
    for (size_t i = 0; slash && i < ARRAY_LEN(places); i++) {
        snprintf(out, PROCESS_PATH_MAX, "%s%s%s", self, places[i], name);
        if (access(out, X_OK) == 0)
            return;
    }
    snprintf(out, PROCESS_PATH_MAX, "%s", name);
}

/* In the child: never returns. */
static void become(const char *folder, const char *const *arguments, int out)
{
    char path[PROCESS_PATH_MAX];
    char *list[PROCESS_ARGS_MAX + 1];
    size_t n = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* nothing of a lab outlives the runner */
    process_find(arguments[0], path);
    list[n++] = path;
    for (size_t i = 1; arguments[i] && n < PROCESS_ARGS_MAX; i++)
        list[n++] = (char *)(uintptr_t)arguments[i];
    list[n] = NULL;
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    if (chdir(folder) == 0)
        execvp(path, list);
    _exit(127);
}

bool process_run(const char *folder, const char *const *arguments, char *output)
{
    int ends[2], status = 0;
    size_t len = 0;
    if (pipe(ends) != 0)
        return false;
    pid_t pid = fork();
    if (pid == 0)
        become(folder, arguments, ends[1]);
    close(ends[1]);
    for (ssize_t n; pid > 0 && len < PROCESS_OUTPUT_MAX - 1 && (n = read(ends[0], output + len, PROCESS_OUTPUT_MAX - 1 - len)) > 0;)
        len += (size_t)n;
    output[len] = '\0';
    close(ends[0]);
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Did it say so since it was started? */
static bool said_ready(const char *path, off_t from)
{
    char text[2048];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = file < 0 ? -1 : pread(file, text, sizeof text - 1, from);
    if (file >= 0)
        close(file);
    text[n > 0 ? n : 0] = '\0';
    return strstr(text, "ready") != NULL;
}

bool process_start(struct process *p, const char *label)
{
    char path[PROCESS_PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/logs/%s.out", p->folder, label);
    int out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (out < 0)
        return false;
    off_t from = lseek(out, 0, SEEK_END);
    const char *const arguments[] = { p->name, "--config", p->config, NULL };
    p->pid = fork();
    if (p->pid == 0)
        become(p->folder, arguments, out);
    close(out);
    for (int waited = 0; p->pid > 0 && waited < READY_MS; waited += LOOK_MS) {
        if (said_ready(path, from))
            return true;
        if (waitpid(p->pid, NULL, WNOHANG) == p->pid)
            break;
        pause_ms(LOOK_MS);
    }
    if (p->pid > 0)
        process_kill(p);
    p->pid = 0;
    return false;
}

void process_kill(struct process *p)
{
    if (p->pid <= 0)
        return;
    kill(p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
    p->pid = 0;
}

void process_stop(struct process *p)
{
    if (p->pid <= 0)
        return;
    kill(p->pid, SIGTERM);
    for (int waited = 0; waited < STOP_MS; waited += LOOK_MS) {
        if (waitpid(p->pid, NULL, WNOHANG) == p->pid) {
            p->pid = 0;
            return;
        }
        pause_ms(LOOK_MS);
    }
    process_kill(p);
}

void process_signal(const struct process *p, int signal)
{
    if (p->pid > 0)
        kill(p->pid, signal);
}
