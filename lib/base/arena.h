/* lib/base/arena.h: memory that is released all at once: one arena for a request, an event or an APDU.
 * A fixed arena lives in the caller's buffer and answers NULL when it is full (the card);
 * a growing one takes blocks from the heap up to its ceiling (the servers). */
#ifndef OSPREY_BASE_ARENA_H
#define OSPREY_BASE_ARENA_H

#include "err.h"
#include "span.h"

struct arena_block;

struct arena {
    uint8_t *pos, *end;
    size_t used, ceiling;       /* octets handed out; ceiling is named by who makes the arena */
    struct arena_block *blocks; /* NULL for a fixed arena */
    uint8_t *own;               /* start of the caller's buffer, or NULL */
    size_t own_used;            /* of it, once blocks were added */
    bool grows, zeroed;         /* zeroed: what is left of own is */
};

void arena_init_fixed(struct arena *a, void *buf, size_t len);
void arena_init(struct arena *a, size_t ceiling);
/* A growing arena whose first octets are the caller's buffer: no block is taken while they last. Start over after
 * arena_release with this call again. */
void arena_init_buffer(struct arena *a, void *buf, size_t len, size_t ceiling);

/* The same with a buffer that is all zero, which saves clearing it; it is all zero again after arena_release. */
void arena_init_zeroed(struct arena *a, void *buf, size_t len, size_t ceiling);

/* Gives everything back; a growing arena can be used again, a fixed one starts over. Contents are wiped. */
void arena_release(struct arena *a);

/* Zeroed memory, aligned for any type; NULL when the ceiling is reached. */
void *arena_alloc(struct arena *a, size_t len);
/* Octets that an allocation may have without a further block. */
size_t arena_room(const struct arena *a);
/* Gives back all but the first len octets of the newest allocation. What is given back must still be zero. */
void arena_trim(struct arena *a, const void *memory, size_t len);
#define ARENA_NEW(arena, type)           ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count)  ((type *)arena_array((arena), sizeof(type), (count)))
void *arena_array(struct arena *a, size_t size, size_t count);

/* Copies; .ptr is NULL when there was no room and len was not 0. arena_text gives a NUL-terminated copy, or NULL. */
struct span arena_copy(struct arena *a, struct span s);
char *arena_text(struct arena *a, struct span s);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define ARENA_ON_STACK(name, size)                                                                                    \
    _Alignas(max_align_t) uint8_t name##_memory[size];                                                                \
    struct arena name;                                                                                                \
    arena_init_fixed(&name, name##_memory, sizeof name##_memory)

#endif
