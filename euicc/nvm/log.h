/* euicc/nvm/log.h: the image's format: header, marks, the two halves, records. Private to the object store.
 *
 *   0    header   magic(8) version(2) flags(2) size(4) card id(16) crc(4)
 *   64   marks    two slots of 32: counter(4) generation(4) floor(4) crc(4): every commit up to floor was durable when
 * the mark was written; the slots alternate, so a torn one leaves the other 128  half 0, then half 1: header(16) =
 * magic(4) generation(4) zero(4) crc(4), then records
 *
 * Record: key(4) kind(1) length(3) crc(4), then length octets. The crc covers the crc of the record before (the half
 * header's for the first), the eight octets and the content: a record left over from before cannot follow a new one. */
#ifndef OSPREY_EUICC_NVM_LOG_H
#define OSPREY_EUICC_NVM_LOG_H

#include "objects.h"

#define LOG_HEADER_LEN  36u
#define LOG_MARK_AT     64u
#define LOG_MARK_SLOT   32u
#define LOG_MARK_LEN    16u
#define LOG_HALVES_AT   128u
#define LOG_IMAGE_MIN   1024u
#define LOG_HALF_HEADER 16u
#define LOG_RECORD      OBJECT_OVERHEAD

#define LOG_FLAG_KEYS 0x0001u /* secrets are wrapped */

enum record_kind {
    RECORD_PUT = 1,
    RECORD_SECRET = 2, /* content is wrapped */
    RECORD_DELETE = 3,
    RECORD_COMMIT = 4,
    RECORD_SNAPSHOT = 5, /* ends the live objects a half starts with */
    RECORD_KIND_COUNT
};

struct record {
    object_key key;
    uint8_t kind;
    uint32_t len;
    uint32_t crc;
};

struct image_header {
    uint16_t version, flags;
    uint32_t size;
    uint8_t card_id[OBJECTS_CARD_ID_LEN];
};

struct log_mark {
    uint32_t counter, generation, floor; /* floor: offset in that generation's half */
};

struct nvm_log {
    struct nvm *nvm;
    size_t half_len;
    uint8_t half; /* 0, 1 */
    uint32_t generation;
    uint32_t end;     /* offset in the half where the next record goes */
    uint32_t chain;   /* crc of the last record */
    uint64_t written; /* octets, for the counts */
};

static inline size_t log_base(const struct nvm_log *log) { return LOG_HALVES_AT + log->half * log->half_len; }
static inline size_t log_room(const struct nvm_log *log) { return log->half_len - log->end; }
size_t log_half_len(size_t image_size);

enum err log_write_header(struct nvm_log *log, const struct image_header *h);
enum err log_read_header(struct nvm *nvm, struct image_header *ret);
enum err log_write_mark(struct nvm_log *log, const struct log_mark *mark);
enum err log_read_mark(struct nvm *nvm, struct log_mark *ret); /* the newest good one; ERR_VERIFY: none */

/* Starts the half `half` with this generation. */
enum err log_start(struct nvm_log *log, uint8_t half, uint32_t generation);
/* The generation of a half; ERR_NOT_FOUND: it was never started or its header is torn. */
enum err log_half_generation(const struct nvm_log *log, uint8_t half, uint32_t *ret);
/* Stands before the first record of a half that has a generation. */
enum err log_rewind(struct nvm_log *log, uint8_t half);

/* Appends; the caller has checked the room. Content comes as two parts. */
enum err log_append(struct nvm_log *log, object_key key, uint8_t kind, struct span head, struct span tail);
/* Appends a record whose content is `len` octets of the image from `from`, with `patch` over it at `at`. */
enum err log_append_copy(struct nvm_log *log, object_key key, uint8_t kind, size_t from, uint32_t len, size_t at,
                         struct span patch);
/* Reads and checks the record at log->end and moves behind it; ERR_NOT_FOUND: no good record stands there. ERR_IO. */
enum err log_next(struct nvm_log *log, struct record *ret);

#endif
