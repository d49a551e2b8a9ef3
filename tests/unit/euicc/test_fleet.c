/* Many cards in one process, each with an installed profile of its own memory, all open at once: what one costs. The
 * number of cards is the first argument (10,000 in the soak). */
#include "rig.h"

#include <stdlib.h>
#include <unistd.h>

#define CARD_BYTES_MAX (200u * 1024u) /* RAM and card memory: 10,000 cards in less than 2 GiB */
#define PAGE           4096u
#define PACKAGE        "TS48v3_SAIP2.3_NoBERTLV.der"

struct one {
    struct nvm_memory memory;
    struct env env;
    struct arena arena;
    struct euicc *euicc;
};
static struct one *cards;
static unsigned long card_count = 100;

static size_t resident_octets(void)
{
    unsigned long total, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%lu %lu", &total, &pages) != 2)
        pages = 0;
    if (f)
        fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* The image as the factory left it; pages that were never written stay so. */
static void copy_image(struct nvm_memory *to, const struct nvm_memory *from)
{
    static const uint8_t nothing[PAGE];
    assert_ok(nvm_memory_init(to, from->nvm.size));
    for (size_t at = 0; at + PAGE <= from->nvm.size; at += PAGE)
        if (memcmp(from->bytes + at, nothing, PAGE) != 0)
            memcpy(to->bytes + at, from->bytes + at, PAGE);
}

static void card_open(struct one *c, const struct rig *model)
{
    copy_image(&c->memory, &model->memory);
    c->env = model->env;
    c->env.nvm = &c->memory.nvm;
    arena_init(&c->arena, EUICC_ARENA_SIZE);
    assert_ok(euicc_open(&c->arena, &c->env, &c->euicc));
    euicc_reset(c->euicc, NULL);
}

/* 9000, or 91xx: a proactive command waits too. */
static void apdu(struct one *c, const char *hex)
{
    WRITER_ON_STACK(w, EUICC_RAPDU_MAX);
    euicc_transmit(c->euicc, hex_lit(hex), &w);
    assert_true(w.len >= 2);
    assert_true(w.buf[w.len - 2] == 0x90 || w.buf[w.len - 2] == 0x91);
}

/* What a terminal does at power-up: TERMINAL PROFILE, reading the ICCID, the USIM, a written file. */
static void card_use(struct one *c)
{
    apdu(c, "80100000 20 FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF");
    apdu(c, "00A4000C 02 2FE2");
    apdu(c, "00B00000 0A");
}

static void many_cards_are_open_at_once(void **state)
{
    (void)state;
    struct rig model;
    if (!rig_has_package(PACKAGE))
        skip();
    rig_make(&model, PACKAGE);
    size_t before = resident_octets();
    cards = calloc(card_count, sizeof *cards);
    assert_non_null(cards);
    for (size_t i = 0; i < card_count; i++) {
        card_open(&cards[i], &model);
        card_use(&cards[i]);
    }
    size_t each = (resident_octets() - before) / card_count;
    print_message("%lu cards with a profile open: %zu octets of RAM each, %zu MiB in all\n", card_count, each,
                  resident_octets() >> 20);
    for (size_t i = 0; i < card_count; i++) { /* all of them still answer */
        apdu(&cards[i], "00B00000 0A");
        euicc_close(cards[i].euicc);
        arena_release(&cards[i].arena);
        nvm_memory_done(&cards[i].memory);
    }
    free(cards);
    rig_done(&model);
#ifndef __SANITIZE_ADDRESS__
    assert_true(each < CARD_BYTES_MAX);
#endif
}

int main(int argc, char **argv)
{
    if (argc > 1)
        card_count = strtoul(argv[1], NULL, 10);
    const struct CMUnitTest tests[] = { cmocka_unit_test(many_cards_are_open_at_once) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
