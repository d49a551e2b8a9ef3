/* Properties: a message that reads, writes and reads again the same; a link takes the same frames however they are cut.
 */
#include <assert.h>

#include "lib/wire/gsup.h"

static void one_message(struct span in)
{
    struct gsup_message m, again;
    WRITER_ON_STACK(w, 4096);
    if (gsup_read(in, &m) != ERR_NONE)
        return;
    wr_gsup(&w, &m);
    assert(w.err == ERR_NONE);
    assert(gsup_read(wr_span(&w), &again) == ERR_NONE);
    assert(m.type == again.type && strcmp(m.imsi, again.imsi) == 0 && strcmp(m.msisdn, again.msisdn) == 0);
    assert(m.vector_count == again.vector_count && m.resync == again.resync && m.has_cause == again.has_cause);
    for (size_t i = 0; i < m.vector_count; i++)
        assert(m.vectors[i].res_len <= 16 && m.vectors[i].has_3g == again.vectors[i].has_3g);
}

struct sink {
    size_t sent, messages;
};
static void on_send(void *context, struct span bytes) { ((struct sink *)context)->sent += bytes.len; }
static void on_message(void *context, const struct gsup_message *m)
{
    assert(m->imsi[0] != '\0');
    ((struct sink *)context)->messages++;
}

static struct sink feed(struct span in, bool server, size_t step)
{
    struct sink sink = { 0 };
    struct gsup_link link = {
        .server = server, .name = "n", .send = on_send, .on_message = on_message, .context = &sink
    };
    size_t taken = 0;
    enum err err = ERR_NONE;
    gsup_link_start(&link);
    for (size_t shown = step;; shown += step) {
        struct span window = span_sub(in, taken, (shown < in.len ? shown : in.len) - taken);
        size_t n = gsup_link_input(&link, window, &err);
        assert(n <= window.len);
        taken += n;
        if (err != ERR_NONE || shown >= in.len)
            return sink;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = { data, size };
    one_message(in);
    for (int server = 0; server < 2; server++) {
        struct sink whole = feed(in, server, size ? size : 1), bits = feed(in, server, 5);
        assert(whole.sent == bits.sent && whole.messages == bits.messages);
    }
    return 0;
}
