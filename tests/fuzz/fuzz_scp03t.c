/* Property: only the server's own next segment passes; a refusal closes the channel; what passes is what was sent. */
#include <assert.h>

#include "lib/scp/scp03t.h"

static struct scp03_session open_session(void)
{
    struct scp03_session s = {
        .state = SCP03_OPEN, .level = SCP03_LEVEL_FULL, .key_len = 16, .s_enc = { 1 }, .s_mac = { 2 }, .s_rmac = { 3 }
    };
    return s;
}

static void own_segment_passes(struct span plain)
{
    static uint8_t room[4096], scratch[4096];
    struct writer w = wr_of(room, sizeof room), p = wr_of(scratch, sizeof scratch);
    struct scp03_session host = open_session(), card = open_session();
    struct span got;
    if (scp03t_wrap(&host, plain, &w) != ERR_NONE) {
        assert(plain.len == 0 || plain.len > SCP03T_PLAIN_ACCEPTED_MAX);
        return;
    }
    assert(scp03t_unwrap(&card, wr_span(&w), &p, &got) == ERR_NONE && span_eq(got, plain));
    assert(card.counter == host.counter);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static uint8_t scratch[70000];
    struct span in = { bytes, size };
    struct writer p = wr_of(scratch, sizeof scratch);
    struct span got;
    if (size > 65536)
        return 0;
    own_segment_passes(in);
    struct scp03_session card = open_session();
    enum err err = scp03t_unwrap(&card, in, &p, &got);
    assert(err == ERR_NONE || card.state == SCP03_CLOSED);
    struct scp03_session server = open_session();
    p.len = 0;
    if (scp03t_response_unwrap(&server, in, &p, &got) == ERR_NONE)
        assert(got.len <= in.len);
    struct scp03_session stored;
    if (scp03_session_read(in, &stored) == ERR_NONE) { /* what is read is written back the same */
        uint8_t again[SCP03_SESSION_STORED_MAX];
        struct writer w = wr_of(again, sizeof again);
        scp03_session_write(&w, &stored);
        assert(span_eq(wr_span(&w), in));
    }
    return 0;
}
