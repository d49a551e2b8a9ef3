/* The card in process: commands against a card that is nothing but a tree of files in an array (shared figure P16), and the
 * installation of a package (P17). */
#include "bench.h"

#include <string.h>

#include "euicc/card.h"
#include "euicc/euicc.h"
#include "euicc/isdp/install.h"
#include "euicc/nvm/nvm_memory.h"
#include "lib/base/world.h"

#define NVM_SIZE   ((size_t)1024 * 1024)
#define ARENA_SIZE ((size_t)4 * 1024 * 1024)
#define SEGMENT    1007u /* plain octets of an SCP03t segment */

/* ---- commands ---- */

static const uint8_t select_mf[] = { 0x00, 0xA4, 0x00, 0x0C, 0x02, 0x3F, 0x00 };
static const uint8_t select_iccid[] = { 0x00, 0xA4, 0x00, 0x0C, 0x02, 0x2F, 0xE2 };
static const uint8_t read_iccid[] = { 0x00, 0xB0, 0x00, 0x00, 0x0A };
static const struct span commands[] = { { select_mf, sizeof select_mf },
                                        { select_iccid, sizeof select_iccid },
                                        { read_iccid, sizeof read_iccid } };

struct file {
    uint16_t id;
    int parent, first, next; /* -1: none */
    bool folder;
    uint8_t content[64];
    size_t size;
};
/* No access rules, no channels, no applications. */
struct bare_card {
    struct file files[160];
    int count, current, folder;
};

struct card_work {
    struct euicc *card;
    struct bare_card bare;
    uint8_t answer[EUICC_RAPDU_MAX];
};

static void transmit(void *context, unsigned repeats)
{
    struct card_work *w = context;
    while (repeats--) {
        for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
            struct writer answer = wr_of(w->answer, sizeof w->answer);
            euicc_transmit(w->card, commands[i], &answer);
            if (answer.len < 2 || w->answer[answer.len - 2] != 0x90)
                bench_must(ERR_BAD_VALUE, "a command of the card");
        }
    }
}

static int bare_add(struct bare_card *c, int parent, uint16_t id, bool folder, size_t size)
{
    struct file *f = &c->files[c->count];
    *f = (struct file){ .id = id, .parent = parent, .first = -1, .next = -1, .folder = folder, .size = size };
    if (parent >= 0) {
        f->next = c->files[parent].first;
        c->files[parent].first = c->count;
    }
    return c->count++;
}

static int bare_find(const struct bare_card *c, uint16_t id)
{
    if (id == 0x3F00)
        return 0;
    for (int i = c->files[c->folder].first; i >= 0; i = c->files[i].next)
        if (c->files[i].id == id)
            return i;
    return -1;
}

static size_t bare_select(struct bare_card *c, struct span q)
{
    int found = q.len >= 7 ? bare_find(c, (uint16_t)(q.ptr[5] << 8 | q.ptr[6])) : -1;
    if (found < 0)
        return 0;
    c->current = found;
    c->folder = c->files[found].folder ? found : c->files[found].parent;
    return 0;
}

static size_t bare_read(const struct bare_card *c, struct span q, uint8_t *out)
{
    const struct file *f = &c->files[c->current];
    size_t offset = (size_t)(q.ptr[2] << 8 | q.ptr[3]);
    if (f->folder || offset + q.ptr[4] > f->size)
        return 0;
    memcpy(out, f->content + offset, q.ptr[4]);
    return q.ptr[4];
}

static void bare_transmit(void *context, unsigned repeats)
{
    struct card_work *w = context;
    while (repeats--) {
        for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
            size_t len = commands[i].ptr[1] == 0xA4 ? bare_select(&w->bare, commands[i])
                                                    : bare_read(&w->bare, commands[i], w->answer);
            memcpy(w->answer + len, "\x90\x00", 2);
            bench_keep(w->answer);
        }
    }
}

static void bare_make(struct bare_card *c)
{
    int mf = bare_add(c, -1, 0x3F00, true, 0), adf;
    bare_add(c, mf, 0x2FE2, false, 10);
    for (uint16_t i = 0; i < 12; i++)
        bare_add(c, mf, (uint16_t)(0x2F00 + i), false, 64);
    adf = bare_add(c, mf, 0x7FF0, true, 0);
    for (uint16_t i = 0; i < 120; i++)
        bare_add(c, adf, (uint16_t)(0x6F40 + i), false, 64);
}

static void bench_commands(struct span image)
{
    static struct card_work w;
    struct nvm_memory nvm;
    struct arena a;
    struct env env = { .clock = world_clock(), .rng = world_rng() };
    BENCH_MUST(nvm_memory_init(&nvm, image.len));
    memcpy(nvm.bytes, image.ptr, image.len);
    env.nvm = &nvm.nvm;
    arena_init(&a, 4 * EUICC_ARENA_SIZE);
    BENCH_MUST(euicc_open(&a, &env, &w.card));
    euicc_reset(w.card, NULL);
    bare_make(&w.bare);
    bench_run(&(struct bench){ "card: SELECT MF, SELECT EF_ICCID, READ BINARY", "commands/s", ARRAY_LEN(commands), transmit,
                               bare_transmit, "ours / a bare tree of files", &w });
    bench_value("card: memory", (double)a.used / 1024, "kB of its arena");
    euicc_close(w.card);
    arena_release(&a);
    nvm_memory_done(&nvm);
}

/* ---- installation ---- */

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

static void bench_install(struct span package)
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
    bench_value("package installation: card memory written", (double)(w.nvm.written - written), "octets");
    bench_value("package installation: syncs", w.nvm.syncs - syncs, "each");
    BENCH_MUST(registry_delete(&w.card, &card_registry(&w.card)->items[0]));
    bench_value("package installation and deletion", bench_cost_us(install_and_delete, &w), "us of CPU");
    objects_close(w.card.objects);
    arena_release(&w.arena);
    nvm_memory_done(&w.nvm);
}

void bench_card(struct span image, struct span package)
{
    bench_commands(image);
    bench_install(package);
}
