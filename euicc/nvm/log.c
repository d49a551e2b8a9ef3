#include "log.h"

#include "crc32.h"
#include "lib/codec/reader.h"
#include "lib/codec/writer.h"

#define CHUNK 512u

static const uint8_t image_magic[8] = { 'O', 'S', 'P', 'R', 'E', 'Y', '-', 'E' };
static const uint8_t half_magic[4] = { 'H', 'A', 'L', 'F' };

static enum err log_put(struct nvm_log *log, size_t at, struct span bytes)
{
    log->written += bytes.len;
    return log->nvm->write(log->nvm, at, bytes);
}

size_t log_half_len(size_t image_size)
{
    return image_size < LOG_HALVES_AT ? 0 : (image_size - LOG_HALVES_AT) / 2 & ~(size_t)15;
}

static void wr_crc(struct writer *w) { wr_u32(w, crc32_more(0, wr_span(w))); }

/* The octets before the last four have the checksum the last four say. */
static bool crc_is_good(const uint8_t *bytes, size_t len)
{
    struct reader r = rd_of((struct span){ bytes + len - 4, 4 });
    return crc32_more(0, (struct span){ bytes, len - 4 }) == rd_u32(&r);
}

enum err log_write_header(struct nvm_log *log, const struct image_header *h)
{
    WRITER_ON_STACK(w, LOG_HEADER_LEN);
    wr_bytes(&w, SPAN_OF(image_magic));
    wr_u16(&w, h->version);
    wr_u16(&w, h->flags);
    wr_u32(&w, h->size);
    wr_bytes(&w, SPAN_OF(h->card_id));
    wr_crc(&w);
    return log_put(log, 0, wr_span(&w));
}

enum err log_read_header(struct nvm *nvm, struct image_header *ret)
{
    uint8_t bytes[LOG_HEADER_LEN];
    if (nvm->size < LOG_IMAGE_MIN)
        return ERR_NOT_FOUND;
    enum err err = nvm->read(nvm, 0, bytes, sizeof bytes);
    if (err != ERR_NONE)
        return err;
    struct reader r = rd_of(SPAN_OF(bytes));
    if (!span_eq(rd_span(&r, sizeof image_magic), SPAN_OF(image_magic)))
        return ERR_NOT_FOUND;
    if (!crc_is_good(bytes, sizeof bytes))
        return ERR_VERIFY;
    ret->version = rd_u16(&r);
    ret->flags = rd_u16(&r);
    ret->size = rd_u32(&r);
    rd_copy(&r, ret->card_id, sizeof ret->card_id);
    return ERR_NONE;
}

enum err log_write_mark(struct nvm_log *log, const struct log_mark *mark)
{
    WRITER_ON_STACK(w, LOG_MARK_LEN);
    wr_u32(&w, mark->counter);
    wr_u32(&w, mark->generation);
    wr_u32(&w, mark->floor);
    wr_crc(&w);
    return log_put(log, LOG_MARK_AT + (mark->counter & 1) * LOG_MARK_SLOT, wr_span(&w));
}

enum err log_read_mark(struct nvm *nvm, struct log_mark *ret)
{
    bool found = false;
    for (unsigned slot = 0; slot < 2; slot++) {
        uint8_t bytes[LOG_MARK_LEN];
        enum err err = nvm->read(nvm, LOG_MARK_AT + slot * LOG_MARK_SLOT, bytes, sizeof bytes);
        if (err != ERR_NONE)
            return err;
        struct reader r = rd_of(SPAN_OF(bytes));
        struct log_mark mark = { .counter = rd_u32(&r) };
        mark.generation = rd_u32(&r);
        mark.floor = rd_u32(&r);
        if (!crc_is_good(bytes, sizeof bytes) || mark.generation == 0)
            continue;
        if (!found || mark.counter > ret->counter)
            *ret = mark;
        found = true;
    }
    return found ? ERR_NONE : ERR_VERIFY;
}

enum err log_start(struct nvm_log *log, uint8_t half, uint32_t generation)
{
    WRITER_ON_STACK(w, LOG_HALF_HEADER);
    wr_bytes(&w, SPAN_OF(half_magic));
    wr_u32(&w, generation);
    wr_u32(&w, 0);
    log->chain = crc32_more(0, wr_span(&w));
    wr_u32(&w, log->chain);
    log->half = half;
    log->generation = generation;
    log->end = LOG_HALF_HEADER;
    return log_put(log, log_base(log), wr_span(&w));
}

enum err log_half_generation(const struct nvm_log *log, uint8_t half, uint32_t *ret)
{
    uint8_t bytes[LOG_HALF_HEADER];
    enum err err = log->nvm->read(log->nvm, LOG_HALVES_AT + half * log->half_len, bytes, sizeof bytes);
    if (err != ERR_NONE)
        return err;
    if (memcmp(bytes, half_magic, sizeof half_magic) != 0 || !crc_is_good(bytes, sizeof bytes))
        return ERR_NOT_FOUND;
    struct reader r = rd_of((struct span){ bytes + 4, 4 });
    *ret = rd_u32(&r);
    return ERR_NONE;
}

enum err log_rewind(struct nvm_log *log, uint8_t half)
{
    uint8_t bytes[LOG_HALF_HEADER];
    enum err err = log->nvm->read(log->nvm, LOG_HALVES_AT + half * log->half_len, bytes, sizeof bytes);
    if (err != ERR_NONE)
        return err;
    struct reader r = rd_of(SPAN_OF(bytes));
    rd_u32(&r);
    log->half = half;
    log->generation = rd_u32(&r);
    rd_u32(&r);
    log->chain = rd_u32(&r);
    log->end = LOG_HALF_HEADER;
    return ERR_NONE;
}

/* Key, kind and length as they stand in the image, after the chain value they are checked with. */
static uint32_t record_head(struct writer *w, uint32_t chain, object_key key, uint8_t kind, uint32_t len)
{
    WRITER_ON_STACK(seed, 4);
    wr_u32(&seed, chain);
    wr_u32(w, key);
    wr_u8(w, kind);
    wr_u24(w, len);
    return crc32_more(crc32_more(0, wr_span(&seed)), wr_span(w));
}

/* The head goes last: it makes the record. */
static enum err record_finish(struct nvm_log *log, struct writer *head, uint32_t crc, uint32_t len)
{
    wr_u32(head, crc);
    enum err err = log_put(log, log_base(log) + log->end, wr_span(head));
    if (err != ERR_NONE)
        return err;
    log->chain = crc;
    log->end += LOG_RECORD + len;
    return ERR_NONE;
}

enum err log_append(struct nvm_log *log, object_key key, uint8_t kind, struct span head, struct span tail)
{
    WRITER_ON_STACK(w, LOG_RECORD);
    uint32_t len = (uint32_t)(head.len + tail.len);
    size_t at = log_base(log) + log->end + LOG_RECORD;
    uint32_t crc = record_head(&w, log->chain, key, kind, len);
    crc = crc32_more(crc32_more(crc, head), tail);
    enum err err = head.len ? log_put(log, at, head) : ERR_NONE;
    if (err == ERR_NONE && tail.len)
        err = log_put(log, at + head.len, tail);
    return err == ERR_NONE ? record_finish(log, &w, crc, len) : err;
}

/* The octets [offset, offset + len) of chunk that patch covers, where patch stands at `at`. */
static void chunk_patch(uint8_t *chunk, size_t offset, size_t len, size_t at, struct span patch)
{
    size_t from = at > offset ? at : offset;
    size_t to = at + patch.len < offset + len ? at + patch.len : offset + len;
    if (from < to)
        memcpy(chunk + (from - offset), patch.ptr + (from - at), to - from);
}

enum err log_append_copy(struct nvm_log *log, object_key key, uint8_t kind, size_t from, uint32_t len, size_t at,
                         struct span patch)
{
    WRITER_ON_STACK(w, LOG_RECORD);
    uint32_t crc = record_head(&w, log->chain, key, kind, len);
    size_t to = log_base(log) + log->end + LOG_RECORD;
    for (uint32_t done = 0; done < len;) {
        uint8_t chunk[CHUNK];
        size_t n = len - done < CHUNK ? len - done : CHUNK;
        enum err err = log->nvm->read(log->nvm, from + done, chunk, n);
        if (err != ERR_NONE)
            return err;
        chunk_patch(chunk, done, n, at, patch);
        struct span part = { chunk, n };
        crc = crc32_more(crc, part);
        if ((err = log_put(log, to + done, part)) != ERR_NONE)
            return err;
        done += (uint32_t)n;
    }
    return record_finish(log, &w, crc, len);
}

static enum err record_read(const struct nvm_log *log, struct record *ret)
{
    uint8_t bytes[LOG_RECORD];
    if (log_room(log) < LOG_RECORD)
        return ERR_NOT_FOUND;
    enum err err = log->nvm->read(log->nvm, log_base(log) + log->end, bytes, sizeof bytes);
    if (err != ERR_NONE)
        return err;
    struct reader r = rd_of(SPAN_OF(bytes));
    ret->key = rd_u32(&r);
    ret->kind = rd_u8(&r);
    ret->len = rd_u24(&r);
    ret->crc = rd_u32(&r);
    bool good = ret->kind >= RECORD_PUT && ret->kind < RECORD_KIND_COUNT && ret->len <= log_room(log) - LOG_RECORD;
    return good ? ERR_NONE : ERR_NOT_FOUND;
}

enum err log_next(struct nvm_log *log, struct record *ret)
{
    struct record rec;
    enum err err = record_read(log, &rec);
    if (err != ERR_NONE)
        return err;
    WRITER_ON_STACK(w, LOG_RECORD);
    uint32_t crc = record_head(&w, log->chain, rec.key, rec.kind, rec.len);
    size_t at = log_base(log) + log->end + LOG_RECORD;
    for (uint32_t done = 0; done < rec.len;) {
        uint8_t chunk[CHUNK];
        size_t n = rec.len - done < CHUNK ? rec.len - done : CHUNK;
        if ((err = log->nvm->read(log->nvm, at + done, chunk, n)) != ERR_NONE)
            return err;
        crc = crc32_more(crc, (struct span){ chunk, n });
        done += (uint32_t)n;
    }
    if (crc != rec.crc)
        return ERR_NOT_FOUND;
    log->chain = crc;
    log->end += LOG_RECORD + rec.len;
    *ret = rec;
    return ERR_NONE;
}
