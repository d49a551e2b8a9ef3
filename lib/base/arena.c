#include "arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_BLOCK_MIN 4096u
#define ARENA_BLOCK_BIG 65536u /* what grows, grows by its half, up to here */
#define ARENA_PRINT_FIRST 256u /* octets; what is longer is printed twice */
#define ARENA_ALIGN     _Alignof(max_align_t)

struct arena_block {
    struct arena_block *next;
    size_t size;
    _Alignas(max_align_t) uint8_t memory[];
};

void arena_init_fixed(struct arena *a, void *buf, size_t len)
{
    *a = (struct arena){ .pos = buf, .end = (uint8_t *)buf + len, .own = buf, .ceiling = len };
}

void arena_init(struct arena *a, size_t ceiling)
{
    *a = (struct arena){ .ceiling = ceiling, .grows = true };
}

void arena_init_buffer(struct arena *a, void *buf, size_t len, size_t ceiling)
{
    *a = (struct arena){ .pos = buf, .end = (uint8_t *)buf + len, .own = buf, .ceiling = ceiling, .grows = true };
}

void arena_init_zeroed(struct arena *a, void *buf, size_t len, size_t ceiling)
{
    arena_init_buffer(a, buf, len, ceiling);
    a->zeroed = true;
}

void arena_release(struct arena *a)
{
    if (a->own && !a->blocks) {
        wipe(a->own, (size_t)(a->pos - a->own));
        a->pos = a->own;
        a->used = 0;
        return;
    }
    if (a->own)
        wipe(a->own, a->own_used);
    while (a->blocks) {
        struct arena_block *next = a->blocks->next;
        wipe(a->blocks->memory, a->blocks->size);
        free(a->blocks);
        a->blocks = next;
    }
    arena_init(a, a->ceiling);
}

static bool add_block(struct arena *a, size_t len)
{
    size_t size = a->used / 2 < ARENA_BLOCK_BIG ? a->used / 2 : ARENA_BLOCK_BIG;
    if (size < ARENA_BLOCK_MIN)
        size = ARENA_BLOCK_MIN;
    if (size < len)
        size = len;
    struct arena_block *block = malloc(sizeof *block + size);
    if (!block)
        return false;
    if (a->own && !a->blocks)
        a->own_used = (size_t)(a->pos - a->own);
    block->next = a->blocks;
    block->size = size;
    a->blocks = block;
    a->pos = block->memory;
    a->end = block->memory + size;
    return true;
}

void *arena_alloc(struct arena *a, size_t len)
{
    if (len > a->ceiling)
        return NULL;
    len = (len + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    uintptr_t skew = a->pos ? (ARENA_ALIGN - (uintptr_t)a->pos % ARENA_ALIGN) % ARENA_ALIGN : 0;
    if (len > a->ceiling - a->used)
        return NULL;
    if (!a->pos || len + skew > (size_t)(a->end - a->pos)) {
        if (!a->grows || !add_block(a, len))
            return NULL;
        skew = 0;
    }
    void *memory = a->pos + skew;
    a->pos += skew + len;
    a->used += len;
    return a->zeroed && !a->blocks ? memory : memset(memory, 0, len);
}

size_t arena_room(const struct arena *a)
{
    size_t left = a->pos ? (size_t)(a->end - a->pos) / ARENA_ALIGN * ARENA_ALIGN : 0, below = a->ceiling - a->used;
    size_t room = left > ARENA_ALIGN ? left - ARENA_ALIGN : 0; /* pos may have to be aligned */
    return room < below ? room : below / ARENA_ALIGN * ARENA_ALIGN;
}

void arena_trim(struct arena *a, const void *memory, size_t len)
{
    uint8_t *end = (uint8_t *)memory + (len + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    if (!memory || end < (const uint8_t *)memory || end > a->pos)
        return;
    a->used -= (size_t)(a->pos - end);
    a->pos = end;
}

void *arena_array(struct arena *a, size_t size, size_t count)
{
    if (size && count > a->ceiling / size)
        return NULL;
    return arena_alloc(a, size * count);
}

struct span arena_copy(struct arena *a, struct span s)
{
    uint8_t *copy = s.len ? arena_alloc(a, s.len) : NULL;
    if (copy)
        memcpy(copy, s.ptr, s.len);
    return (struct span){ copy, copy ? s.len : 0 };
}

char *arena_text(struct arena *a, struct span s)
{
    char *text = arena_alloc(a, s.len + 1);
    if (text && s.len)
        memcpy(text, s.ptr, s.len);
    return text;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    char first[ARENA_PRINT_FIRST], *text = NULL;
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(first, sizeof first, format, args);
    if (len >= 0 && (size_t)len < sizeof first)
        text = arena_text(a, (struct span){ (const uint8_t *)first, (size_t)len });
    else if (len >= 0 && (text = arena_alloc(a, (size_t)len + 1)))
        vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    va_end(args);
    wipe(first, len < 0 || (size_t)len >= sizeof first ? sizeof first : (size_t)len);
    return text;
}
