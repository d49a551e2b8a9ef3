/* euicc/main.h: shared by main.c (one card, one question) and main_serve.c (cards in readers). */
#ifndef OSPREY_EUICC_MAIN_H
#define OSPREY_EUICC_MAIN_H

#include "euicc/euicc.h"
#include "lib/io/card_trace.h"

#define SLOTS_MAX       64u
#define CLOCK_SPEED_MAX 10000u

enum { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct option_list {
    const char *values[SLOTS_MAX];
    size_t count;
};

struct options {
    const char *command, *cards, *count, *key, *log_level, *trace, *pcap, *secrets, *clock_speed, *follow;
    struct option_list states, vpcds;
    char **rest;
    int rest_count;
};

/* One card with its image. */
struct slot {
    int number; /* for traces; -1: the only one */
    struct nvm_file *file;
    struct arena arena;
    struct euicc *card;
};

struct tool {
    struct options o;
    struct env env;
    struct log *log;
    struct keystore_soft *keystore;
    struct card_trace trace;
    unsigned clock_speed; /* how many times faster than ours the cards' time runs */
    struct slot slot;     /* of commands about one card */
};

/* Says what failed on stderr; EXIT_FAILED. */
int tool_failed(const char *what, enum err err);
int tool_card_open(struct tool *p, const char *state, struct slot *s); /* EXIT_… */
void tool_card_close(struct slot *s);
/* euicc_reset and euicc_transmit, traced. */
void tool_reset(struct tool *p, struct slot *s, struct writer *atr);
void tool_transmit(struct tool *p, struct slot *s, struct span command, struct writer *answer);
int tool_serve(struct tool *p);

#endif
