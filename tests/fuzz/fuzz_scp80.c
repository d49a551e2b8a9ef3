/* Property: what unwraps, wraps again to the same packet (padding octets aside, and octets behind CPL); every other
 * input is refused without harm. The first octet chooses: command or response, by SMS or CAT_TP, or a good packet with damage. */
#include <assert.h>
#include <stdlib.h>

#include "lib/scp/scp80.h"

static const uint8_t key[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
static const struct scp80_keys keys = { { key, 16 }, { key, 16 }, 0 };

static void command(enum scp80_form form, struct span packet)
{
    static uint8_t plain_memory[70000], again_memory[70000];
    struct writer plain = wr_of(plain_memory, sizeof plain_memory), again = wr_of(again_memory, sizeof again_memory);
    struct scp80_header h;
    struct span data;
    if (scp80_command_unwrap(form, packet, &keys, &plain, &h, &data) != ERR_NONE)
        return;
    assert(data.len <= packet.len && h.counter <= SCP80_COUNTER_MAX);
    if (scp80_command_wrap(&h, &keys, data, &again) != ERR_NONE)
        return;
    struct scp80_header h2;
    struct span data2;
    plain.len = 0;
    assert(scp80_command_unwrap(form, wr_span(&again), &keys, &plain, &h2, &data2) == ERR_NONE);
    assert(h2.counter == h.counter && data2.len == data.len);
}

static void response(enum scp80_form form, struct span packet, uint8_t spi2)
{
    static uint8_t plain_memory[70000];
    struct writer plain = wr_of(plain_memory, sizeof plain_memory);
    struct scp80_header h = { .form = form, .spi1 = 0x16, .spi2 = spi2, .kic = 0x12, .kid = 0x12 };
    struct scp80_response r;
    if (scp80_response_unwrap(&h, packet, &keys, &plain, &r) == ERR_NONE)
        assert(r.data.len <= packet.len);
}

/* A good packet with the input as damage never passes for another. */
static void damaged(struct span damage)
{
    uint8_t plain_memory[128];
    struct writer plain = wr_of(plain_memory, sizeof plain_memory);
    const struct scp80_header full = { 0x16, 0x39, 0x12, 0x12, { 0, 0, 1 }, 5 };
    uint8_t packet[96];
    struct writer w = wr_of(packet, sizeof packet);
    assert(scp80_command_wrap(&full, &keys, SPAN_LIT("the one true command"), &w) == ERR_NONE);
    bool same = true;
    for (size_t i = 0; i < damage.len && i < w.len; i++) {
        packet[i] ^= damage.ptr[i];
        same &= damage.ptr[i] == 0;
    }
    struct scp80_header h;
    struct span data;
    if (scp80_command_unwrap(SCP80_SMS, wr_span(&w), &keys, &plain, &h, &data) == ERR_NONE)
        assert(same || scp80_policy_isdr(&h) != ERR_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 2 || size > 65536)
        return 0;
    struct span rest = { bytes + 1, size - 1 };
    if (bytes[0] & 0x80)
        damaged(rest);
    else if (bytes[0] & 0x40)
        response(bytes[0] & 0x20 ? SCP80_CAT_TP : SCP80_SMS, rest, bytes[0] & 0x1F);
    else
        command(bytes[0] & 0x20 ? SCP80_CAT_TP : SCP80_SMS, rest);
    return 0;
}
