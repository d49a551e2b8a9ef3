#include "rig.h"

#include <stdlib.h>

#define NVM_SIZE   ((size_t)1024 * 1024)
#define ARENA_SIZE ((size_t)4 * 1024 * 1024)

static const uint8_t card_id[OBJECTS_CARD_ID_LEN] = { 0x89 };

static void open_card(struct rig *r)
{
    arena_init(&r->arena, ARENA_SIZE);
    r->card = (struct card){ .arena = &r->arena };
}

struct rig *rig_new(uint32_t granted)
{
    static const uint8_t keys[16] = { 1 };
    struct rig *r = calloc(1, sizeof *r);
    struct aid aid = aid_isdp(ISDP_TAR_FIRST);
    assert_ok(nvm_memory_init(&r->nvm, NVM_SIZE));
    open_card(r);
    assert_ok(objects_format(&r->arena, &r->nvm.nvm, NULL, card_id, &r->card.objects));
    assert_ok(registry_load(&r->card));
    assert_ok(registry_create(&r->card, aid_span(&aid), granted, &r->isdp));
    assert_ok(isdp_keyset_set(r->isdp, ISDP_KVN_DEFAULT, keys, keys, keys));
    assert_ok(registry_store(&r->card, r->isdp));
    return r;
}

void rig_power_cycle(struct rig *r)
{
    registry_drop(&r->card);
    objects_close(r->card.objects);
    arena_release(&r->arena);
    nvm_memory_power_on(&r->nvm);
    open_card(r);
    assert_ok(objects_open(&r->arena, &r->nvm.nvm, NULL, &r->card.objects));
    assert_ok(registry_load(&r->card));
    r->isdp = &r->card.registry.items[0];
}

void rig_free(struct rig *r)
{
    registry_drop(&r->card);
    objects_close(r->card.objects);
    arena_release(&r->arena);
    nvm_memory_done(&r->nvm);
    free(r);
}

enum install_result rig_install(struct rig *r, struct span package, size_t segment, struct span *ret_response)
{
    static uint8_t buf[INSTALL_RESPONSE_MAX];
    struct writer response = wr_of(buf, sizeof buf);
    struct installation *in = install_new(&r->card, r->isdp);
    enum install_result result = INSTALL_MORE;
    size_t step = segment ? segment : package.len;

    for (size_t at = 0; result == INSTALL_MORE && at < package.len; at += step)
        result = install_feed(in, span_sub(package, at, step), &response);
    install_free(in);
    *ret_response = wr_span(&response);
    r->isdp = &r->card.registry.items[0];
    return result;
}

struct span profile_bytes(const char *file)
{
    char relative[256];
    snprintf(relative, sizeof relative, "data/profiles/%s", file);
    const char *path = shared_path(relative);
    if (!path)
        skip();
    return file_bytes(path);
}
