/* A session of commands, each with its length in front, on a card with a file of every kind. Properties: every answer
 * has a status word and fits; no transaction stays open; what is stored afterwards is what a card opened anew finds. */
#include <assert.h>
#include <stdlib.h>

#include "euicc/card.h"
#include "euicc/nvm/nvm_memory.h"
#include "euicc/uicc/naa.h"
#include "euicc/uicc/pin.h"
#include "lib/codec/hex.h"

static struct nvm_memory memory;
static uint8_t image[EUICC_NVM_MIN];
static _Alignas(max_align_t) uint8_t ram[2 * EUICC_ARENA_SIZE];

static uint64_t now_ms(struct clock *c)
{
    (void)c;
    return 1700000000000ull;
}
static void wake_at(struct clock *c, uint64_t at) { (void)c, (void)at; }
static void fill(struct rng *r, uint8_t *out, size_t len)
{
    (void)r;
    memset(out, 0x5A, len);
}
static struct clock fixed_clock = { now_ms, wake_at };
static struct rng fixed_rng = { fill };
static struct env env = { .clock = &fixed_clock, .rng = &fixed_rng, .nvm = &memory.nvm };

static void must(enum err err)
{
    if (err != ERR_NONE)
        abort();
}

static fs_number make(struct fs *fs, fs_number parent, uint16_t fid, uint8_t fdb, uint16_t record_len, uint32_t size,
                      const char *aid)
{
    static const uint8_t rule[] = { 0x80, 0x01, 0x7F, 0x90, 0x00, 0x84, 0x02, 0x32, 0xD4, 0x90, 0x00 };
    struct fs_file f = { .parent = parent,
                         .link = FS_NONE,
                         .fid = fid,
                         .fdb = fdb,
                         .record_len = record_len,
                         .size = size,
                         .sfi = fid & 0x1F ? fid & 0x1F : FS_NO_SFI,
                         .arr_fid = FID_ARR_MF,
                         .arr_record = 1,
                         .pin_count = fdb == 0x78,
                         .pins = { 1 } };
    fs_number number;
    if (fdb == 0x78 || f.sfi > 30)
        f.sfi = FS_NO_SFI;
    if (aid)
        must(aid_from_text(span_text(aid), &f.aid));
    must(fs_create(fs, &f, fid == FID_ARR_MF ? SPAN_OF(rule) : SPAN_NONE, &number));
    return number;
}

static void make_profile(struct card *card)
{
    struct isdp *isdp;
    struct aid aid = aid_isdp(ISDP_TAR_FIRST);
    struct fs *fs = &card->fs;
    card_begin(card);
    must(registry_create(card, aid_span(&aid), 0, &isdp));
    isdp->state = ISDP_ENABLED;
    must(registry_store(card, isdp));
    must(fs_mount(fs, card->objects, (uint8_t)isdp->slot, &card->scratch));
    make(fs, FS_NONE, FID_MF, 0x78, 0, 0, NULL);
    make(fs, FS_MF, FID_ARR_MF, 0x42, 16, 16, NULL);
    make(fs, FS_MF, 0x2F01, 0x41, 0, 300, NULL);
    fs_number df = make(fs, FS_MF, 0x7F10, 0x78, 0, 0, NULL);
    make(fs, df, 0x6F02, 0x42, 10, 50, NULL);
    make(fs, df, 0x6F03, 0x46, 3, 9, NULL);
    make(fs, df, 0x6F04, 0x79, 0, 600, NULL);
    fs_number adf = make(fs, FS_MF, 0x7FD0, 0x78, 0, 0, "A0000000871002FF01");
    make(fs, adf, 0x6F38, 0x41, 0, 5, NULL);
    struct pin pin = { 1, "1234\xFF\xFF\xFF\xFF", 1, PIN_CHANGEABLE | PIN_SWITCHABLE, 3, 3, false };
    struct puk puk = { 1, "12345678", 10, 10 };
    struct naa naa = { .mapped_to = FS_NONE, .algorithm = AKA_XOR_TEST, .k_len = 16 };
    must(pin_put(card->objects, card->fs.profile, FS_MF, &pin));
    must(puk_put(card->objects, card->fs.profile, &puk));
    must(naa_put(card->objects, card->fs.profile, adf, &naa, NULL));
    must(card_commit(card));
}

/* Once: the factory and the profile; every run starts from that image. */
static void make_card(void)
{
    struct arena arena;
    struct euicc *card;
    struct euicc_personalisation p = { 0 };
    static uint8_t sk[32], cert[] = { 0x7F, 0x21, 0x00 };
    memset(sk, 0x11, sizeof sk);
    must(nvm_memory_init(&memory, EUICC_NVM_MIN));
    must(eid_from_text(span_text("89001012012341234012345678901224"), &p.eid));
    p.ecasd.sk = SPAN_OF(sk);
    p.ecasd.cert = SPAN_OF(cert);
    arena_init_fixed(&arena, ram, sizeof ram);
    must(euicc_manufacture(&env, &p, &arena, NULL));
    arena_init_fixed(&arena, ram, sizeof ram);
    must(euicc_open(&arena, &env, &card));
    make_profile(&card->card);
    euicc_close(card);
    memcpy(image, memory.bytes, sizeof image);
}

static struct euicc *power_on(struct arena *arena)
{
    struct euicc *card;
    arena_init_fixed(arena, ram, sizeof ram);
    must(euicc_open(arena, &env, &card));
    euicc_reset(card, NULL);
    return card;
}

static size_t stored(const struct euicc *card, uint64_t *ret_sum)
{
    size_t count = 0, len;
    *ret_sum = 0;
    for (object_key key = 0; objects_next(card->card.objects, key, UINT32_MAX, &key); key++, count++) {
        must(objects_len(card->card.objects, key, &len));
        *ret_sum = *ret_sum * 31 + key * 7 + len;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct reader r = rd_of((struct span){ data, size });
    uint64_t sum, again;
    if (!memory.bytes)
        make_card();
    memcpy(memory.bytes, image, sizeof image);
    struct euicc *card = power_on(&arena);
    for (unsigned n = 0; n < 64 && !rd_at_end(&r); n++) {
        struct span command = rd_span(&r, rd_u8(&r));
        WRITER_ON_STACK(answer, EUICC_RAPDU_MAX);
        if (r.err != ERR_NONE)
            break;
        euicc_transmit(card, command, &answer);
        assert(answer.err == ERR_NONE && answer.len >= 2 && answer.len <= EUICC_RAPDU_MAX);
        uint8_t sw1 = answer.buf[answer.len - 2];
        assert((sw1 & 0xF0) == 0x60 || (sw1 & 0xF0) == 0x90);
        assert(answer.len == 2 || sw1 == 0x90 || sw1 == 0x91 || sw1 == 0x61 || sw1 == 0x62);
        assert(!objects_in_transaction(card->card.objects));
    }
    size_t count = stored(card, &sum);
    euicc_close(card);
    card = power_on(&arena);
    assert(stored(card, &again) == count && again == sum);
    euicc_close(card);
    return 0;
}
