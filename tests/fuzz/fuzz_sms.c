/* Properties: a TPDU that reads, writes and reads again the same; a header never points outside; packets that are cut
 * come together again. */
#include <assert.h>

#include "lib/wire/sms.h"

static bool same_address(const struct sms_address *a, const struct sms_address *b)
{
    return a->ton_npi == b->ton_npi && strcmp(a->text, b->text) == 0;
}

static bool plain_digits(const struct sms_address *a) { return (a->ton_npi & 0x70) != 0x50; }

static void deliver(struct span in)
{
    struct sms_deliver m, again;
    WRITER_ON_STACK(w, 256);
    if (sms_deliver_read(in, &m) != ERR_NONE)
        return;
    assert(m.ud.len <= SMS_UD_MAX && m.ud.ptr + m.ud.len <= in.ptr + in.len);
    wr_sms_deliver(&w, &m);
    assert(w.err == ERR_NONE);
    if (!plain_digits(&m.from))
        return; /* characters outside ASCII are not kept */
    assert(sms_deliver_read(wr_span(&w), &again) == ERR_NONE);
    assert(same_address(&m.from, &again.from) && span_eq(m.ud, again.ud) && m.pid == again.pid && m.dcs == again.dcs);
}

static void submit(struct span in)
{
    struct sms_submit m, again;
    WRITER_ON_STACK(w, 256);
    if (sms_submit_read(in, &m) != ERR_NONE)
        return;
    wr_sms_submit(&w, &m);
    assert(w.err == ERR_NONE);
    if (!plain_digits(&m.to))
        return;
    assert(sms_submit_read(wr_span(&w), &again) == ERR_NONE);
    assert(same_address(&m.to, &again.to) && span_eq(m.ud, again.ud) && m.reference == again.reference);
}

static void envelope(struct span in)
{
    struct sms_address centre;
    struct span tpdu;
    if (sms_envelope_read(in, &centre, &tpdu) == ERR_NONE)
        assert(tpdu.ptr >= in.ptr && tpdu.ptr + tpdu.len <= in.ptr + in.len);
}

/* The input as a row of user data, each with its length before it. */
static void join(struct span in)
{
    static struct sms_reassembly s;
    struct reader r = rd_of(in);
    memset(&s, 0, sizeof s);
    for (uint64_t now = 0; !rd_at_end(&r); now += 1000) {
        struct span packet, ud = rd_span(&r, rd_u8(&r));
        bool complete = false;
        uint8_t iei;
        if (r.err != ERR_NONE)
            return;
        if (sms_reassemble(&s, "1234", now, ud, &complete, &packet, &iei) == ERR_NONE && complete)
            assert(packet.len <= SMS_PACKET_MAX + SMS_UD_MAX * 2);
    }
}

static void cut_and_join(struct span in)
{
    static struct sms_reassembly s;
    struct span parts[SMS_PARTS_MAX], packet = SPAN_NONE;
    WRITER_ON_STACK(w, 4096);
    size_t count = 0;
    uint8_t iei = 0;
    memset(&s, 0, sizeof s);
    if (in.len > 3000 || sms_split(in, SMS_IEI_RESPONSE, 9, &w, parts, &count) != ERR_NONE)
        return;
    bool complete = false;
    for (size_t i = 0; i < count; i++)
        assert(!complete && sms_reassemble(&s, "1", 1, parts[i], &complete, &packet, &iei) == ERR_NONE);
    assert(complete && iei == SMS_IEI_RESPONSE && span_eq(packet, in));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = { data, size };
    deliver(in);
    submit(in);
    envelope(in);
    join(in);
    cut_and_join(in);
    return 0;
}
