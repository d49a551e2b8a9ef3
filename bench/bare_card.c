#include "bare_card.h"

#include <stdlib.h>
#include <string.h>

#define FILES_MAX 160
#define FCP_MAX   48u
#define BODY_MAX  16384u

struct bare_file {
    uint16_t id;
    int parent, first, next; /* -1: none */
    bool folder;
    uint32_t at, size; /* of its content */
    uint8_t fcp_len, fcp[FCP_MAX];
};

struct bare_card {
    struct bare_file files[FILES_MAX];
    int count, current, folder;
    uint32_t used;
    uint8_t body[BODY_MAX];
};

static void fcp_make(struct bare_file *f)
{
    const uint8_t fcp[] = { 0x62, 0x16, 0x82, 0x02, f->folder ? 0x78 : 0x41, 0x21, 0x83, 0x02, (uint8_t)(f->id >> 8),
                            (uint8_t)f->id, 0x8A, 0x01, 0x05, 0x8B, 0x03, 0x2F, 0x06, 0x02, 0x80, 0x02,
                            (uint8_t)(f->size >> 8), (uint8_t)f->size, 0x88, 0x00 };
    memcpy(f->fcp, fcp, sizeof fcp);
    f->fcp_len = sizeof fcp;
}

static int add(struct bare_card *c, int parent, uint16_t id, bool folder, uint32_t size)
{
    struct bare_file *f = &c->files[c->count];
    *f = (struct bare_file){ .id = id, .parent = parent, .first = -1, .next = -1, .folder = folder, .at = c->used, .size = size };
    c->used += size;
    fcp_make(f);
    if (parent >= 0) {
        f->next = c->files[parent].first;
        c->files[parent].first = c->count;
    }
    return c->count++;
}

struct bare_card *bare_card_new(void)
{
    struct bare_card *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    int mf = add(c, -1, 0x3F00, true, 0);
    add(c, mf, 0x2FE2, false, 10);
    for (uint16_t i = 0; i < 12; i++)
        add(c, mf, (uint16_t)(0x2F00 + i), false, 64);
    int adf = add(c, mf, 0x7FF0, true, 0);
    add(c, adf, 0x6F07, false, 9);
    for (uint16_t i = 0; i < 120; i++)
        add(c, adf, (uint16_t)(0x6F40 + i), false, 80);
    return c;
}

static int child(const struct bare_card *c, int folder, uint16_t id)
{
    for (int i = c->files[folder].first; i >= 0; i = c->files[i].next)
        if (c->files[i].id == id)
            return i;
    return -1;
}

static size_t status(uint8_t *out, size_t len, unsigned sw)
{
    out[len] = (uint8_t)(sw >> 8);
    out[len + 1] = (uint8_t)sw;
    return len + 2;
}

static size_t show(const struct bare_file *f, uint8_t *out)
{
    memcpy(out, f->fcp, f->fcp_len);
    return status(out, f->fcp_len, 0x9000);
}

static size_t select_file(struct bare_card *c, struct span q, uint8_t *out)
{
    uint16_t id = q.len >= 7 ? (uint16_t)(q.ptr[5] << 8 | q.ptr[6]) : 0;
    int found = id == 0x3F00 ? 0 : child(c, c->folder, id), parent = c->files[c->folder].parent;
    if (found < 0 && parent >= 0)
        found = child(c, parent, id);
    if (found < 0)
        return status(out, 0, 0x6A82);
    c->current = found;
    c->folder = c->files[found].folder ? found : c->files[found].parent;
    return (q.ptr[3] & 0x0C) == 0x0C ? status(out, 0, 0x9000) : show(&c->files[found], out);
}

static size_t read_binary(const struct bare_card *c, struct span q, uint8_t *out)
{
    const struct bare_file *f = &c->files[c->current];
    uint32_t offset = (uint32_t)(q.ptr[2] << 8 | q.ptr[3]), len = q.len > 4 && q.ptr[4] ? q.ptr[4] : 256;
    if (f->folder)
        return status(out, 0, 0x6986);
    if (offset > f->size || len > f->size - offset)
        return status(out, 0, 0x6B00);
    memcpy(out, c->body + f->at + offset, len);
    return status(out, len, 0x9000);
}

size_t bare_card_transmit(struct bare_card *c, struct span command, uint8_t *out)
{
    if (command.len < 4)
        return status(out, 0, 0x6700);
    switch (command.ptr[1]) {
    case 0xA4:
        return select_file(c, command, out);
    case 0xB0:
        return read_binary(c, command, out);
    case 0xF2:
        return show(&c->files[c->folder], out);
    }
    return status(out, 0, 0x6D00);
}
