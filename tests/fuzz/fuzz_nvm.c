/* An image with damage in it: offset (2), octet (1), as often as there is input. Properties: it is refused, or all of
 * it can be read and written, and opens again with what was written. */
#include <assert.h>

#include "euicc/nvm/nvm_memory.h"
#include "euicc/nvm/objects.h"
#include "lib/codec/reader.h"

#define IMAGE 4096u

static struct nvm_memory memory;
static uint8_t image[IMAGE];

static void make_image(void)
{
    static const uint8_t id[OBJECTS_CARD_ID_LEN] = { 0x89 };
    uint8_t body[120];
    struct arena arena;
    struct objects *o;
    arena_init(&arena, 1 << 20);
    assert(nvm_memory_init(&memory, IMAGE) == ERR_NONE);
    assert(objects_format(&arena, &memory.nvm, NULL, id, &o) == ERR_NONE);
    for (unsigned i = 0; i < 30; i++) {
        memset(body, (int)i, sizeof body);
        objects_begin(o);
        assert(objects_put(o, i % 7, (struct span){ body, 20 + 3 * i }) == ERR_NONE);
        assert(objects_commit(o) == ERR_NONE);
    }
    objects_close(o);
    arena_release(&arena);
    memcpy(image, memory.bytes, IMAGE);
}

static void write_and_read(struct objects *o)
{
    uint8_t body[OBJECT_LEN_MAX];
    size_t len;
    for (object_key key = 0; objects_next(o, key, UINT32_MAX, &key); key++)
        assert(objects_get(o, key, body, sizeof body, &len) == ERR_NONE);
    objects_begin(o);
    enum err err = objects_put(o, 99, SPAN_LIT("new"));
    if (err == ERR_NONE)
        assert(objects_commit(o) == ERR_NONE);
    else
        objects_rollback(o);
    assert(err == ERR_NONE || err == ERR_NO_SPACE);
    objects_close(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = rd_of((struct span){ data, size });
    struct arena arena;
    struct objects *o;
    uint8_t got[3];
    size_t len;
    if (!memory.bytes)
        make_image();
    memcpy(memory.bytes, image, IMAGE);
    while (rd_left(&r) >= 3) {
        uint16_t at = rd_u16(&r);
        memory.bytes[at % IMAGE] ^= rd_u8(&r);
    }
    arena_init(&arena, 1 << 20);
    if (objects_open(&arena, &memory.nvm, NULL, &o) == ERR_NONE) {
        write_and_read(o);
        arena_release(&arena);
        arena_init(&arena, 1 << 20);
        assert(objects_open(&arena, &memory.nvm, NULL, &o) == ERR_NONE);
        if (objects_has(o, 99))
            assert(objects_get(o, 99, got, sizeof got, &len) == ERR_NONE && len == 3 && !memcmp(got, "new", 3));
        objects_close(o);
    }
    arena_release(&arena);
    return 0;
}
