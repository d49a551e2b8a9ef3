/* conform/server/process.h: other programs of the project: found beside this one, run to their end or kept running. */
#ifndef OSPREY_CONFORM_SERVER_PROCESS_H
#define OSPREY_CONFORM_SERVER_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/err.h"

#define PROCESS_PATH_MAX   1024u
#define PROCESS_ARGS_MAX   40u
#define PROCESS_OUTPUT_MAX 8192u

/* The program of that name ("osprey-sm-sr"): beside this one, or where a build folder has it, else by PATH. */
void process_find(const char *name, char out[PROCESS_PATH_MAX]);

/* Runs it to its end in that folder; arguments end with NULL. output (PROCESS_OUTPUT_MAX octets) gets what it says.
 * false: it could not be run, or its exit status is not 0. */
bool process_run(const char *folder, const char *const *arguments, char *output);

struct process {
    pid_t pid; /* 0: it does not run */
    const char *name;
    char folder[PROCESS_PATH_MAX], config[PROCESS_PATH_MAX];
};
/* Starts a program that says when it is ready, and waits for that. What it says goes to folder/logs/LABEL.out. */
MUST_USE bool process_start(struct process *p, const char *label);
void process_stop(struct process *p); /* TERM, and KILL when it takes too long */
void process_kill(struct process *p);
void process_signal(const struct process *p, int signal);

#endif
