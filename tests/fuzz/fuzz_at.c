/* Properties: lines cut anywhere give the same answers as in one piece; everything that is taken is answered with text;
 * a card that answers nonsense does no harm. */
#include <assert.h>

#include "device/at.h"

#define OUT_MAX 65536u

struct side {
    struct modem *modem;
    struct at *at;
    uint8_t out[OUT_MAX];
    size_t len;
    uint32_t chance;
};

static uint8_t chance(struct side *s)
{
    s->chance = s->chance * 1664525u + 1013904223u;
    return (uint8_t)(s->chance >> 24);
}

static void slot_reset(void *c, struct writer *atr) { (void)c, wr_u8(atr, 0x3B); }

/* Mostly good status words, random data. */
static void slot_transmit(void *c, struct span in, struct writer *out)
{
    static const uint16_t words[] = { 0x9000, 0x9000, 0x9000, 0x910B, 0x6982, 0x63C2, 0x6A82, 0x6110 };
    struct side *s = c;
    (void)in;
    for (unsigned n = chance(s) % 24; n; n--)
        wr_u8(out, chance(s));
    wr_u16(out, words[chance(s) % ARRAY_LEN(words)]);
}

static uint64_t slot_idle(void *c, uint64_t now) { (void)c, (void)now; return UINT64_MAX; }
static bool slot_has_proactive(void *c) { (void)c; return false; }
static void on_auth(void *c, const char *i, const uint8_t *r, const uint8_t *a) { (void)c, (void)i, (void)r, (void)a; }
static void on_location(void *c, const char *imsi) { (void)c, (void)imsi; }
static void on_registered(void *c, const char *i, const char *m) { (void)c, (void)i, (void)m; }
static void on_submit(void *c, const struct sms_submit *m) { (void)m, modem_sms_sent(((struct side *)c)->modem, 1, true); }
static void on_taken(void *c, uint64_t tag, bool ok) { (void)c, (void)tag, (void)ok; }
static void on_open(void *c, unsigned n, enum modem_transport t, const uint8_t a[4], uint16_t p) { (void)t, (void)c, (void)n, (void)a, (void)p; }
static void on_send(void *c, unsigned n, struct span b) { (void)c, (void)n, (void)b; }
static void on_close(void *c, unsigned n) { (void)c, (void)n; }

static void on_write(void *c, struct span bytes)
{
    struct side *s = c;
    size_t room = OUT_MAX - s->len, len = bytes.len < room ? bytes.len : room;
    memcpy(s->out + s->len, bytes.ptr, len);
    s->len += len;
}

static void start(struct side *s)
{
    struct modem_config config = { .imei = "490154203237518", .mcc_mnc = { 0x00, 0xF1, 0x10 } };
    struct modem_slot slot = { s, slot_reset, slot_transmit, slot_idle, slot_has_proactive };
    struct modem_lines lines = { s, on_auth, on_location, on_registered, on_submit, on_taken, on_open, on_send, on_close, { 0 } };
    struct at_line line = { s, on_write };
    s->chance = 7;
    s->len = 0;
    s->modem = modem_new(&config, &slot, &lines);
    s->at = at_new(s->modem, &line);
    assert(s->modem && s->at);
    modem_power_on(s->modem, 1);
}

static void end(struct side *s)
{
    at_free(s->at);
    modem_free(s->modem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct side whole, pieces;
    if (size > 4096)
        return 0;
    start(&whole);
    start(&pieces);
    assert(at_input(whole.at, 1, (struct span){ data, size }) == size);
    for (size_t i = 0; i < size; i++)
        assert(at_input(pieces.at, 1, (struct span){ data + i, 1 }) == 1);
    assert(whole.len == pieces.len && memcmp(whole.out, pieces.out, whole.len) == 0);
    assert(at_is_ready(whole.at));
    end(&whole);
    end(&pieces);
    return 0;
}
