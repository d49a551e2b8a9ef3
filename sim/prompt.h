/* sim/prompt.h: several processes on one database: is what is due, or was left by the dead, taken up soon ("taken-up")? Repeats and
 * long leases would make it good in the end, so nothing else sees it. */
#ifndef OSPREY_SIM_PROMPT_H
#define OSPREY_SIM_PROMPT_H

#define PROMPT_QUESTIONS 4u

struct ecosystem;

/* Looks every few seconds, from now on. Does nothing where the SM-SR is one process. */
void prompt_begin(struct ecosystem *e);

#endif
