/* Properties: a PDU that reads, writes and reads again the same; a session fed anything stays within its input and its
 * window, and however the bytes are cut they come to the same. */
#include <assert.h>

#include "lib/wire/smpp.h"

struct sink {
    size_t sent, messages, ended;
};

static void on_send(void *context, struct span bytes) { ((struct sink *)context)->sent += bytes.len; }
static uint32_t on_bind(void *context, const struct smpp_pdu *p) { return (void)context, (void)p, SMPP_OK; }
static void on_message(void *context, uint32_t sequence, const struct smpp_sm *sm)
{
    (void)sequence;
    assert(sm->message.len <= SMPP_PDU_MAX);
    ((struct sink *)context)->messages++;
}
static void on_answer(void *context, uint64_t tag, uint32_t status, const char *id)
{
    (void)context, (void)tag, (void)status;
    assert(memchr(id, 0, SMPP_MESSAGE_ID_MAX) != NULL);
}
static void on_end(void *context, const char *why)
{
    (void)why;
    assert(++((struct sink *)context)->ended == 1);
}
static const struct smpp_events events = { on_send, on_bind, on_message, on_answer, NULL, on_end };

static void one_pdu(struct span in)
{
    struct smpp_pdu p, again;
    WRITER_ON_STACK(w, SMPP_PDU_MAX + 64);
    if (smpp_read(in, &p) != ERR_NONE)
        return;
    wr_smpp(&w, &p);
    if (w.err != ERR_NONE)
        return; /* a payload that fills the PDU may not fit beside our fields */
    assert(smpp_read(wr_span(&w), &again) == ERR_NONE);
    assert(again.command == p.command && again.status == p.status && again.sequence == p.sequence);
    assert(span_eq(again.sm.message, p.sm.message) && strcmp(again.sm.to.text, p.sm.to.text) == 0);
    assert(again.sm.esm_class == p.sm.esm_class && again.sm.dcs == p.sm.dcs && again.sm.pid == p.sm.pid);
}

static struct sink feed(struct span in, bool smsc, size_t step)
{
    struct sink sink = { 0 };
    struct smpp_session s;
    struct smpp_options o = { .smsc = smsc, .bind_command = SMPP_BIND_TRANSCEIVER };
    size_t taken = 0;
    smpp_session_start(&s, &o, &events, &sink, 1000);
    for (size_t shown = step; taken < in.len; shown += step) {
        struct span window = span_sub(in, taken, (shown < in.len ? shown : in.len) - taken);
        size_t n = smpp_session_input(&s, 1000, window);
        assert(n <= window.len);
        taken += n;
        if (shown >= in.len)
            break;
    }
    smpp_session_tick(&s, 1000000);
    smpp_session_lost(&s);
    return sink;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = { data, size };
    one_pdu(in);
    for (int smsc = 0; smsc < 2; smsc++) {
        struct sink whole = feed(in, smsc, size ? size : 1), bits = feed(in, smsc, 7);
        assert(whole.messages == bits.messages && whole.sent == bits.sent && whole.ended == bits.ended);
    }
    return 0;
}
