/* Every operation that writes, torn at every octet: the card shows the state before or the state after, never a third,
 * and its counters only grow. */
#include "lab.h"

#include "euicc/isdr/keyset.h"
#include "lib/scp/scp03t.h"

#define AID10 "A0000005591010FFFFFFFF8900001000"
#define AID11 "A0000005591010FFFFFFFF8900001100"

static struct isdp *fake(struct lab *lab, uint32_t tar, enum isdp_state state, uint8_t attributes)
{
    struct card *card = lab_card(lab);
    struct aid aid = aid_isdp(tar);
    struct isdp *isdp;
    card_begin(card);
    assert_ok(registry_create(card, aid_span(&aid), 0, &isdp));
    isdp->state = state;
    isdp->attributes = attributes;
    assert_ok(isdp_keyset_set(isdp, 0x30, LAB_KEY, LAB_KEY, LAB_KEY));
    isdp->state = state;
    assert_ok(registry_store(card, isdp));
    assert_ok(card_commit(card));
    return lab_isdp(lab, tar);
}

/* What of the card the operations change, as one line of octets. */
static void digest(struct lab *lab, struct writer *w)
{
    const struct isdp_registry *r = card_registry(lab_card(lab));
    uint8_t addressing[64];
    size_t len;
    for (size_t i = 0; i < r->count; i++) {
        const struct isdp *p = &r->items[i];
        wr_bytes(w, isdp_aid(p));
        wr_u8(w, (uint8_t)p->state);
        wr_u8(w, p->attributes);
        wr_u8(w, p->keys[0].kvn);
        wr_u24(w, p->keys[0].counter);
        wr_u8(w, p->connectivity_len);
    }
    for (unsigned kvn = 1; kvn < 0x50; kvn++)
        wr_u8(w, keyset_exists(lab_card(lab), (uint8_t)kvn));
    if (isdr_addressing(lab_card(lab), 0xA3, addressing, sizeof addressing, &len) == ERR_NONE)
        wr_bytes(w, (struct span){ addressing, len });
    assert_ok(w->err);
}

static const struct operation {
    const char *name, *capdu;
} operations[] = {
    { "CreateISDP",
      "80E60C003F10A0000005591010FFFFFFFF8900000D0010A0000005591010FFFFFFFF8900000E0010A0000005591010FFFFFFFF890000"
      "12000380C00006C904810203700000" },
    { "SetFallbackAttribute", "80E28800153A05124F10" AID11 },
    { "DeleteProfile", "80E40040124F10" AID11 "00" },
    { "UpdateSMSRAddressingParameters", "80E288000F3A070CA30A81080B916499990821F3" },
    { "FinaliseISDRhandover", "80E4000005F20340010100" },
};

/* The operation itself, not by SMS: its counter would hide whether it happened. */
static uint16_t run(struct lab *lab, struct span capdu)
{
    struct sd_session s = { .bearer = SD_BY_HTTP };
    WRITER_ON_STACK(answer, SD_ANSWER_MAX);
    struct rapdu r;
    sd_session_begin(&s, SD_BY_HTTP, 0x41, (struct sd_target){ SD_ISDR, 0, 0 });
    sd_apdu(lab_card(lab), &s, capdu, &answer);
    sd_session_end(&s);
    assert_ok(rapdu_parse(wr_span(&answer), &r));
    return r.sw;
}

static void is_done_whole_or_not_at_all(void **state)
{
    const struct operation *op = *state;
    struct lab *lab = lab_new(false);
    struct span capdu = hex_lit(op->capdu);
    fake(lab, 0x10, ISDP_ENABLED, ISDP_FALLBACK);
    fake(lab, 0x11, ISDP_DISABLED, 0);
    WRITER_ON_STACK(before, 1000);
    WRITER_ON_STACK(after, 1000);
    digest(lab, &before);
    size_t size = lab->memory.nvm.size;
    uint8_t *image = malloc(size);
    memcpy(image, lab->memory.bytes, size);
    uint64_t begin = lab->memory.written;
    assert_int_equal(run(lab, capdu), 0x9000);
    digest(lab, &after);
    uint64_t total = lab->memory.written - begin;
    assert_true(total > 0 && !span_eq(wr_span(&before), wr_span(&after)));
    size_t done = 0;
    for (uint64_t at = 0; at <= total; at++) {
        euicc_close(lab->euicc);
        arena_release(&lab->arena);
        nvm_memory_power_on(&lab->memory);
        memcpy(lab->memory.bytes, image, size);
        assert_ok(euicc_open(&lab->arena, &lab->env, &lab->euicc));
        euicc_reset(lab->euicc, NULL);
        nvm_memory_cut_after(&lab->memory, at);
        uint16_t sw = run(lab, capdu);
        euicc_close(lab->euicc);
        arena_release(&lab->arena);
        nvm_memory_power_on(&lab->memory);
        assert_ok(euicc_open(&lab->arena, &lab->env, &lab->euicc));
        WRITER_ON_STACK(now, 1000);
        digest(lab, &now);
        bool is_after = span_eq(wr_span(&now), wr_span(&after));
        assert_true(is_after || span_eq(wr_span(&now), wr_span(&before)));
        assert_true(is_after || sw != 0x9000); /* what was answered 9000 is there to stay */
        done += is_after;
    }
    assert_in_range(done, 1, total);
    free(image);
    lab_free(lab);
}

/* Key establishment's end and INITIALIZE UPDATE: a counter that was used is never used again. */
static void a_sequence_counter_is_never_used_twice(void **state)
{
    (void)state;
    struct lab *lab = lab_new(false);
    fake(lab, 0x10, ISDP_PERSONALIZED, 0);
    uint32_t highest = 0;
    for (uint64_t at = 0; at < 400; at += 3) {
        struct sd_session s = { .bearer = SD_BY_HTTP };
        WRITER_ON_STACK(answer, SD_ANSWER_MAX);
        struct rapdu r;
        sd_session_begin(&s, SD_BY_HTTP, 0x40, (struct sd_target){ SD_ISDP, lab_isdp(lab, 0x10)->slot, 0 });
        nvm_memory_cut_after(&lab->memory, at);
        sd_apdu(lab_card(lab), &s, hex_lit("8050300008010203040506070800"), &answer);
        sd_session_end(&s);
        assert_ok(rapdu_parse(wr_span(&answer), &r));
        if (r.sw == 0x9000) {
            struct scp03_initiation i;
            assert_ok(scp03_initiation_parse(r.data, &i));
            assert_true(i.sequence_counter > highest);
            highest = i.sequence_counter;
        }
        euicc_close(lab->euicc);
        arena_release(&lab->arena);
        nvm_memory_power_on(&lab->memory);
        assert_ok(euicc_open(&lab->arena, &lab->env, &lab->euicc));
        assert_true(lab_isdp(lab, 0x10)->keys[0].counter >= highest);
    }
    assert_true(highest > 10);
    lab_free(lab);
}

static void an_scp80_counter_is_never_taken_twice(void **state)
{
    (void)state;
    struct lab *lab = lab_new(false);
    terminal_boot(lab);
    size_t answered = 0;
    for (uint64_t at = 0; at < 200; at += 3) {
        struct scp80_header h = { .spi1 = SCP80_SPI1_FULL,
                                  .spi2 = 0x19,
                                  .kic = 0x12,
                                  .kid = 0x12,
                                  .tar = { 0, 0, 1 },
                                  .counter = ++lab->sent_counter };
        struct span script = hex_lit("AA0B220980CABF30035C015A00");
        uint8_t status;
        nvm_memory_cut_after(&lab->memory, at);
        (void)smsr_packet(lab, &h, script, &status);
        bool executed = status == SCP80_OK;
        answered += executed;
        nvm_memory_power_on(&lab->memory);
        lab->terminal.no_power = false;
        lab_power_cycle(lab);
        (void)smsr_packet(lab, &h, script, &status);
        if (executed)
            assert_int_equal(status, SCP80_COUNTER_LOW);
        else
            assert_true(status == SCP80_OK || status == SCP80_COUNTER_LOW);
    }
    assert_true(answered > 10);
    lab_free(lab);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(operations) + 2];
    for (size_t i = 0; i < ARRAY_LEN(operations); i++)
        tests[i] =
            (struct CMUnitTest){ operations[i].name, is_done_whole_or_not_at_all, NULL, NULL, (void *)&operations[i] };
    tests[ARRAY_LEN(operations)] = (struct CMUnitTest)cmocka_unit_test(a_sequence_counter_is_never_used_twice);
    tests[ARRAY_LEN(operations) + 1] = (struct CMUnitTest)cmocka_unit_test(an_scp80_counter_is_never_taken_twice);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
