/* The installation of a package by the card's interpreter, segment by segment as SCP03t brings it. */
#include "bench.h"

#include "euicc/card.h"
#include "euicc/isdp/install.h"
#include "euicc/nvm/nvm_memory.h"

#define NVM_SIZE   ((size_t)1024 * 1024)
#define ARENA_SIZE ((size_t)4 * 1024 * 1024)
#define SEGMENT    1007u /* plain octets of an SCP03t segment */

struct install_work {
    struct nvm_memory nvm;
    struct arena arena;
    struct card card;
    struct span package;
};

static struct isdp *isdp_new(struct install_work *w)
{
    static const uint8_t keys[16] = { 1 };
    struct aid aid = aid_isdp(ISDP_TAR_FIRST);
    struct isdp *isdp;
    BENCH_MUST(registry_create(&w->card, aid_span(&aid), 0, &isdp));
    BENCH_MUST(isdp_keyset_set(isdp, ISDP_KVN_DEFAULT, keys, keys, keys));
    BENCH_MUST(registry_store(&w->card, isdp));
    return isdp;
}

static void feed(struct install_work *w, struct isdp *isdp)
{
    WRITER_ON_STACK(response, INSTALL_RESPONSE_MAX);
    struct installation *in = install_new(&w->card, isdp);
    enum install_result result = INSTALL_MORE;
    for (size_t at = 0; in && result == INSTALL_MORE && at < w->package.len; at += SEGMENT)
        result = install_feed(in, span_sub(w->package, at, SEGMENT), &response);
    install_free(in);
    bench_must(in && result == INSTALL_DONE ? ERR_NONE : ERR_BAD_VALUE, "the package's installation");
}

static void install_and_delete(void *context, unsigned repeats)
{
    struct install_work *w = context;
    while (repeats--) {
        feed(w, isdp_new(w));
        BENCH_MUST(registry_delete(&w->card, &card_registry(&w->card)->items[0]));
    }
}

void bench_install(struct span package)
{
    static struct install_work w;
    static const uint8_t card_id[OBJECTS_CARD_ID_LEN] = { 0x89 };
    BENCH_MUST(nvm_memory_init(&w.nvm, NVM_SIZE));
    arena_init(&w.arena, ARENA_SIZE);
    w.card = (struct card){ .arena = &w.arena };
    w.package = package;
    BENCH_MUST(objects_format(&w.arena, &w.nvm.nvm, NULL, card_id, &w.card.objects));
    BENCH_MUST(registry_load(&w.card));
    struct isdp *isdp = isdp_new(&w);
    uint64_t written = w.nvm.written;
    uint32_t syncs = w.nvm.syncs;
    feed(&w, isdp);
    bench_gate("package installation: card memory written", (double)(w.nvm.written - written), "octets", "P17", 65536);
    bench_gate("package installation: syncs", w.nvm.syncs - syncs, "each", "P17", 1);
    bench_value("card memory of an installed package", isdp_used(&w.card, isdp), "octets");
    BENCH_MUST(registry_delete(&w.card, &card_registry(&w.card)->items[0]));
    bench_gate("package installation, with its deletion", bench_cost_us(install_and_delete, &w), "us of CPU", "P17", 400);
    registry_drop(&w.card);
    objects_close(w.card.objects);
    arena_release(&w.arena);
    nvm_memory_done(&w.nvm);
}
