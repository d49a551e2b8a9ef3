#include "writer.h"

#include <stdarg.h>
#include <stdio.h>

struct writer wr_arena(struct arena *a, size_t cap)
{
    uint8_t *buf = arena_alloc(a, cap);
    return (struct writer){ buf, 0, buf ? cap : 0, buf || !cap ? ERR_NONE : ERR_NO_SPACE };
}

static void put_number(struct writer *w, uint64_t v, size_t n)
{
    uint8_t *room = wr_room(w, n);
    for (size_t i = 0; room && i < n; i++)
        room[i] = (uint8_t)(v >> 8 * (n - 1 - i));
}

void wr_u24(struct writer *w, uint32_t v) { put_number(w, v, 3); }
void wr_u32(struct writer *w, uint32_t v) { put_number(w, v, 4); }
void wr_u40(struct writer *w, uint64_t v) { put_number(w, v, 5); }

void wr_bytes(struct writer *w, struct span s)
{
    uint8_t *room = s.len ? wr_room(w, s.len) : NULL;
    if (room)
        memmove(room, s.ptr, s.len);
}

void wr_fill(struct writer *w, uint8_t v, size_t count)
{
    uint8_t *room = count ? wr_room(w, count) : NULL;
    if (room)
        memset(room, v, count);
}

void wr_text(struct writer *w, const char *text) { wr_bytes(w, span_text(text)); }

void wr_printf(struct writer *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t room = w->cap - w->len;
    int n = w->err == ERR_NONE ? vsnprintf(w->buf ? (char *)w->buf + w->len : NULL, room, format, args) : 0;
    va_end(args);
    if (n < 0 || (size_t)n >= room) /* vsnprintf needs one octet more for its NUL */
        wr_fail(w, w->err == ERR_NONE && n == 0 ? ERR_NONE : ERR_NO_SPACE);
    else
        w->len += (size_t)n;
}

void wr_insert(struct writer *w, size_t at, struct span s)
{
    size_t tail = w->len - at;
    if (!s.len || !wr_room(w, s.len))
        return;
    memmove(w->buf + at + s.len, w->buf + at, tail);
    memcpy(w->buf + at, s.ptr, s.len);
}
