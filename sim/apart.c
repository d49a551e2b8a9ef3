#include "apart.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORLD_SECONDS_MAX 120u /* a world that takes longer hangs */

void sim_run_apart(const struct scenario *s, const struct sim_wish *wish, struct sim_report *ret)
{
    int ends[2], status = 0;
    fflush(stdout);
    memset(ret, 0, sizeof *ret);
    pid_t child = pipe(ends) == 0 ? fork() : -1;
    if (child == 0) {
        struct sim_report r;
        alarm(WORLD_SECONDS_MAX);
        sim_run(s, wish, &r);
        fflush(stdout);
        _exit(write(ends[1], &r, sizeof r) == (ssize_t)sizeof r ? 0 : 1);
    }
    close(ends[1]);
    size_t got = 0;
    ssize_t n = 0;
    while (child > 0 && got < sizeof *ret && (n = read(ends[0], (char *)ret + got, sizeof *ret - got)) > 0)
        got += (size_t)n;
    close(ends[0]);
    bool ended = child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && got == sizeof *ret;
    if (ended)
        return;
    memset(ret, 0, sizeof *ret);
    ret->wrong = 1;
    ret->first_card = -1;
    snprintf(ret->first, sizeof ret->first, WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "world-ends" : "no-crash");
}
