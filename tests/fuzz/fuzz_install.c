/* The interpreter on a real card memory: whatever comes, either a whole profile is installed or nothing is changed. The
 * first octet of the input says where the segments are cut. */
#include "euicc/card.h"
#include "euicc/isdp/install.h"
#include "euicc/nvm/nvm_memory.h"

#include <assert.h>

#define NVM_SIZE   ((size_t)256 * 1024)
#define ARENA_SIZE ((size_t)2 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct isdp *prepare(struct card *card, struct nvm_memory *nvm)
{
    static const uint8_t id[OBJECTS_CARD_ID_LEN] = { 0x89 }, key[16] = { 1 };
    struct aid aid = aid_isdp(ISDP_TAR_FIRST);
    struct isdp *isdp = NULL;
    enum err err = objects_format(card->arena, &nvm->nvm, NULL, id, &card->objects);
    if (err == ERR_NONE)
        err = registry_create(card, aid_span(&aid), 0, &isdp);
    if (err == ERR_NONE)
        err = isdp_keyset_set(isdp, ISDP_KVN_DEFAULT, key, key, key);
    if (err == ERR_NONE)
        err = registry_store(card, isdp);
    assert(err == ERR_NONE);
    return isdp;
}

static void check(struct card *card, struct span package, size_t step)
{
    static struct fs fs;
    uint8_t answer[INSTALL_RESPONSE_MAX];
    struct writer w = wr_of(answer, sizeof answer);
    size_t used = objects_used_by(card->objects, 1);
    struct installation *in = install_new(card, registry_by_slot(card, 1));
    enum install_result result = INSTALL_MORE;
    for (size_t at = 0; result == INSTALL_MORE && at < package.len; at += step)
        result = install_feed(in, span_sub(package, at, step), &w);
    install_free(in);
    const struct isdp *isdp = registry_by_slot(card, 1);
    assert(isdp && (result == INSTALL_DONE) == (isdp->state == ISDP_DISABLED));
    assert((result == INSTALL_MORE) == (w.len == 0));
    enum err err = fs_mount(&fs, card->objects, 1, NULL);
    assert(err == ERR_NONE && (result == INSTALL_DONE) == (fs.count > 0));
    assert(result == INSTALL_DONE || objects_used_by(card->objects, 1) == used);
    assert(!objects_in_transaction(card->objects));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nvm_memory nvm;
    struct arena arena;
    if (size < 2)
        return 0;
    arena_init(&arena, ARENA_SIZE);
    struct card card = { .arena = &arena };
    enum err err = nvm_memory_init(&nvm, NVM_SIZE);
    assert(err == ERR_NONE);
    prepare(&card, &nvm);
    check(&card, (struct span){ data + 1, size - 1 }, data[0] ? 8u * data[0] : 1u);
    registry_drop(&card);
    objects_close(card.objects);
    arena_release(&arena);
    nvm_memory_done(&nvm);
    return 0;
}
