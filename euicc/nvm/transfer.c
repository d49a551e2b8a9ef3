#include "log.h"
#include "objects.h"

#define TRANSFER_ARENA ((size_t)256 * 1024) /* two stores, two objects */

struct transfer {
    struct arena arena;
    struct objects *from, *to;
    uint8_t *news, *olds; /* OBJECT_LEN_MAX octets each */
};

static enum err transfer_open(struct transfer *t, struct nvm *from, struct nvm *to)
{
    t->news = arena_alloc(&t->arena, OBJECT_LEN_MAX);
    t->olds = arena_alloc(&t->arena, OBJECT_LEN_MAX);
    enum err err = t->news && t->olds ? objects_open(&t->arena, from, NULL, &t->from) : ERR_NO_MEMORY;
    return err == ERR_NONE ? objects_open(&t->arena, to, NULL, &t->to) : err;
}

static enum err delete_what_is_gone(struct transfer *t)
{
    enum err err = ERR_NONE;
    object_key key = 0;
    for (; err == ERR_NONE && objects_next(t->to, key, UINT32_MAX, &key); key++)
        if (!objects_has(t->from, key))
            err = objects_delete(t->to, key);
    return err;
}

static enum err put_if_different(struct transfer *t, object_key key)
{
    size_t len, old_len;
    enum err err = objects_get(t->from, key, t->news, OBJECT_LEN_MAX, &len);
    if (err != ERR_NONE)
        return err;
    bool same = objects_get(t->to, key, t->olds, OBJECT_LEN_MAX, &old_len) == ERR_NONE && len == old_len &&
                memcmp(t->news, t->olds, len) == 0;
    return same ? ERR_NONE : objects_put(t->to, key, (struct span){ t->news, len });
}

static enum err put_what_is_different(struct transfer *t)
{
    enum err err = ERR_NONE;
    object_key key = 0;
    for (; err == ERR_NONE && objects_next(t->from, key, UINT32_MAX, &key); key++)
        err = put_if_different(t, key);
    return err;
}

static enum err header_follows(struct nvm *from, struct nvm *to)
{
    struct image_header h;
    struct nvm_log log = { .nvm = to };
    enum err err = log_read_header(from, &h);
    if (err == ERR_NONE)
        err = log_write_header(&log, &h);
    return err == ERR_NONE ? to->sync(to) : err;
}

enum err objects_transfer(struct nvm *from, struct nvm *to)
{
    struct transfer t = { 0 };
    if (from->size != to->size)
        return ERR_UNSUPPORTED;
    arena_init(&t.arena, TRANSFER_ARENA);
    enum err err = transfer_open(&t, from, to);
    if (err == ERR_NONE) {
        objects_begin(t.to);
        err = delete_what_is_gone(&t);
        if (err == ERR_NONE)
            err = put_what_is_different(&t);
        if (err == ERR_NONE)
            err = objects_commit(t.to);
    }
    objects_close(t.from);
    objects_close(t.to);
    arena_release(&t.arena);
    return err == ERR_NONE ? header_follows(from, to) : err;
}
