#include "kek.h"

#include <sys/stat.h>

#include "lib/codec/hex.h"
#include "lib/io/file.h"

#define KEK_FILE_MAX 256u

static struct span without_line_end(struct span s)
{
    while (s.len && (s.ptr[s.len - 1] == '\n' || s.ptr[s.len - 1] == '\r' || s.ptr[s.len - 1] == ' '))
        s.len--;
    return s;
}

enum err kek_read(const char *path, struct kek *ret)
{
    ARENA_ON_STACK(arena, 2 * KEK_FILE_MAX);
    struct stat st;
    struct span text;
    struct kek kek;
    if (stat(path, &st) != 0)
        return ERR_NOT_FOUND;
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return ERR_DENIED;
    enum err err = file_read(path, KEK_FILE_MAX, &arena, &text);
    if (err == ERR_NONE && (hex_read(without_line_end(text), kek.octets, KEK_MAX, &kek.len) != ERR_NONE ||
                            (kek.len != 16 && kek.len != 32)))
        err = ERR_BAD_VALUE;
    if (err == ERR_NONE)
        *ret = kek;
    wipe(&kek, sizeof kek);
    arena_release(&arena);
    return err;
}

enum err kek_create(const char *path, struct rng *rng)
{
    uint8_t octets[KEK_MAX];
    struct stat st;
    WRITER_ON_STACK(text, 2 * KEK_MAX + 1);
    if (stat(path, &st) == 0)
        return ERR_EXISTS;
    rng->fill(rng, octets, sizeof octets);
    wr_hex(&text, SPAN_OF(octets));
    wr_u8(&text, '\n');
    enum err err = file_write(path, wr_span(&text));
    wipe(octets, sizeof octets);
    wipe(text_memory, sizeof text_memory);
    return err;
}
