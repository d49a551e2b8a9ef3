/* Commands to the card in process, access rules on, against the same commands to a card that is nothing but a tree of files
 * in an array. T=0 as a modem sees it: what SELECT answers is fetched with GET RESPONSE, a command more that counts. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#include "bare_card.h"
#include "euicc/euicc.h"
#include "euicc/nvm/nvm_memory.h"
#include "lib/base/world.h"

#define COMMANDS_MAX 3u

struct sequence {
    const char *name, *gate;
    double limit;
    size_t count;
    struct span commands[COMMANDS_MAX];
};

static const struct sequence sequences[] = {
    { "card: SELECT MF, SELECT EF_ICCID with FCP, READ BINARY", "P16", 5, 3,
      { BENCH_OCTETS("\x00\xA4\x00\x04\x02\x3F\x00\x00"), BENCH_OCTETS("\x00\xA4\x00\x04\x02\x2F\xE2\x00"),
        BENCH_OCTETS("\x00\xB0\x00\x00\x0A") } },
    { "card: SELECT MF, SELECT EF_ICCID without FCP, READ BINARY", NULL, 0, 3,
      { BENCH_OCTETS("\x00\xA4\x00\x0C\x02\x3F\x00"), BENCH_OCTETS("\x00\xA4\x00\x0C\x02\x2F\xE2"),
        BENCH_OCTETS("\x00\xB0\x00\x00\x0A") } },
    { "card: READ BINARY of the selected file", NULL, 0, 1, { BENCH_OCTETS("\x00\xB0\x00\x00\x0A") } },
    { "card: STATUS", NULL, 0, 1, { BENCH_OCTETS("\x80\xF2\x00\x00\x00") } },
};

struct card_work {
    struct euicc *card;
    struct bare_card *bare;
    const struct sequence *sequence;
    uint8_t answer[EUICC_RAPDU_MAX];
};

/* One command; a length that does not fit is asked for again, announced data are fetched. */
static void card_command(struct card_work *w, struct span command)
{
    uint8_t again[5] = { 0x00, 0xC0 };
    struct writer answer = wr_of(w->answer, sizeof w->answer);
    euicc_transmit(w->card, command, &answer);
    uint8_t sw1 = w->answer[answer.len - 2];
    if (sw1 == 0x61 || sw1 == 0x6C) {
        if (sw1 == 0x6C)
            memcpy(again, command.ptr, 4);
        again[4] = w->answer[answer.len - 1];
        answer.len = 0;
        euicc_transmit(w->card, SPAN_OF(again), &answer);
        sw1 = w->answer[answer.len - 2];
    }
    if (sw1 != 0x90)
        bench_must(ERR_BAD_VALUE, w->sequence->name);
}

static void transmit(void *context, unsigned repeats)
{
    struct card_work *w = context;
    while (repeats--)
        for (size_t i = 0; i < w->sequence->count; i++)
            card_command(w, w->sequence->commands[i]);
}

static void bare_transmit(void *context, unsigned repeats)
{
    struct card_work *w = context;
    while (repeats--)
        for (size_t i = 0; i < w->sequence->count; i++) {
            bare_card_transmit(w->bare, w->sequence->commands[i], w->answer);
            bench_keep(w->answer);
        }
}

void bench_card(struct span image)
{
    static struct card_work w;
    struct nvm_memory nvm;
    struct arena a;
    struct env env = { .clock = world_clock(), .rng = world_rng(), .nvm = &nvm.nvm };
    BENCH_MUST(nvm_memory_init(&nvm, image.len));
    memcpy(nvm.bytes, image.ptr, image.len);
    arena_init(&a, EUICC_ARENA_SIZE);
    BENCH_MUST(euicc_open(&a, &env, &w.card));
    euicc_reset(w.card, NULL);
    w.bare = bare_card_new();
    bench_must(w.bare ? ERR_NONE : ERR_NO_MEMORY, "a bare card");
    for (size_t i = 0; i < ARRAY_LEN(sequences); i++) {
        w.sequence = &sequences[i];
        bench_run(&(struct bench){ w.sequence->name, "commands/s", (double)w.sequence->count, transmit, bare_transmit,
                                   "ours / a bare tree of files", &w, w.sequence->gate, w.sequence->limit });
    }
    euicc_close(w.card);
    free(w.bare);
    arena_release(&a);
    nvm_memory_done(&nvm);
}
