/* Properties: a name that can be asked for is found in the question again; an answer, whatever it says, gives at most
 * what it has room for, and nothing when it answers another question. The first octet is the length of the name. */
#include <assert.h>

#include "lib/wire/dns.h"

#define ID 0x1234u

static void question(struct span name)
{
    WRITER_ON_STACK(w, DNS_MESSAGE_MAX);
    struct dns_answer a;
    bool good = dns_name_is_good(name);
    assert((dns_query_write(&w, ID, name) == ERR_NONE) == good);
    if (!good)
        return;
    w.buf[2] |= 0x80; /* as an answer without records */
    assert(dns_answer_read(wr_span(&w), ID, name, &a) == ERR_NOT_FOUND);
    assert(dns_answer_read(wr_span(&w), ID + 1, name, &a) == ERR_VERIFY);
}

/* The question is put right: otherwise nothing gets past it. */
static void answer(struct span name, struct span rest)
{
    uint8_t room[2048];
    struct writer w = wr_of(room, sizeof room);
    struct dns_answer a = { .count = 99 };
    if (dns_query_write(&w, ID, name) != ERR_NONE || rest.len < 1 || rest.len > 1500)
        return;
    room[2] |= 0x80;
    room[7] = rest.ptr[0];
    wr_bytes(&w, span_from(rest, 1));
    enum err err = dns_answer_read(wr_span(&w), ID, name, &a);
    assert(err == ERR_NONE ? a.count >= 1 && a.count <= DNS_ADDRESSES_MAX : a.count == 99);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = rd_of((struct span){ data, size });
    struct dns_answer a;
    if (size < 2)
        return 0;
    size_t len = rd_u8(&r);
    struct span name = rd_span(&r, len < rd_left(&r) ? len : rd_left(&r)), rest = rd_rest(&r);
    question(name);
    answer(name, rest);
    (void)!dns_answer_read(rest, ID, name, &a);
    return 0;
}
