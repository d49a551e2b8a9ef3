/* lib/codec/writer.h: the one way to build bytes. The capacity is fixed where the writer is made, by a named limit;
 * overflow sticks in w.err (ERR_NO_SPACE) and later writes do nothing, so a builder checks once, at the end. */
#ifndef OSPREY_CODEC_WRITER_H
#define OSPREY_CODEC_WRITER_H

#include "lib/base/arena.h"

struct writer {
    uint8_t *buf;
    size_t len, cap;
    enum err err;
};

#define WRITER_ON_STACK(name, size)                                                                                   \
    uint8_t name##_memory[size];                                                                                      \
    struct writer name = { name##_memory, 0, (size), ERR_NONE }

static inline struct writer wr_of(uint8_t *buf, size_t cap) { return (struct writer){ buf, 0, cap, ERR_NONE }; }
/* cap octets from the arena; err is ERR_NO_SPACE at once when there is no room. */
struct writer wr_arena(struct arena *a, size_t cap);
static inline struct span wr_span(const struct writer *w)
{
    return w->err == ERR_NONE ? (struct span){ w->buf, w->len } : SPAN_NONE;
}

/* The first fault stays. */
static inline void wr_fail(struct writer *w, enum err err)
{
    if (w->err == ERR_NONE)
        w->err = err;
}

/* Room for len octets that the caller fills in; NULL when there is none. */
static inline uint8_t *wr_room(struct writer *w, size_t len)
{
    if (len > w->cap - w->len)
        wr_fail(w, ERR_NO_SPACE);
    if (w->err != ERR_NONE || !w->buf)
        return NULL;
    uint8_t *room = w->buf + w->len;
    w->len += len;
    return room;
}

static inline void wr_u8(struct writer *w, uint8_t v)
{
    uint8_t *room = wr_room(w, 1);
    if (room)
        room[0] = v;
}

/* Big endian, as all of them. */
static inline void wr_u16(struct writer *w, uint16_t v)
{
    uint8_t *room = wr_room(w, 2);
    if (room) {
        room[0] = (uint8_t)(v >> 8);
        room[1] = (uint8_t)v;
    }
}

void wr_u24(struct writer *w, uint32_t v);
void wr_u32(struct writer *w, uint32_t v);
void wr_u40(struct writer *w, uint64_t v);
void wr_bytes(struct writer *w, struct span s);
void wr_fill(struct writer *w, uint8_t v, size_t count);
void wr_text(struct writer *w, const char *text);
void wr_printf(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Puts s in at octet `at` (<= len) and moves what stands behind. */
void wr_insert(struct writer *w, size_t at, struct span s);

#endif
