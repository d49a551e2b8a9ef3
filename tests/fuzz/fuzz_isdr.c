/* What reaches the security domains behind a good MAC: scripts for the ISD-R, an ISD-P, the MNO-SD; triggers; and short
 * messages before any MAC was checked. Properties: no transaction stays open, never two profiles enabled or two
 * fall-back profiles, and a card opened anew knows the same ISD-Ps in the same states. */
#include <assert.h>
#include <stdlib.h>

#include "euicc/isdp/applications.h"
#include "euicc/agent/params.h"
#include "euicc/isdr/isdr.h"
#include "euicc/isdr/keyset.h"
#include "euicc/isdr/sms.h"
#include "euicc/nvm/nvm_memory.h"

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

static void make_isdp(struct card *card, uint32_t tar, enum isdp_state state, uint8_t attributes)
{
    struct aid aid = aid_isdp(tar);
    struct isdp *isdp;
    uint8_t key[16];
    memset(key, 0x11, sizeof key);
    must(registry_create(card, aid_span(&aid), 0, &isdp));
    must(isdp_keyset_set(isdp, 0x30, key, key, key));
    isdp->state = state;
    isdp->attributes = attributes;
    must(registry_store(card, isdp));
}

/* The security domain of the enabled profile, with keys that can be changed. */
static void make_operator(struct card *card)
{
    static const struct keyset set = { .kvn = 0x40, .count = 2, .keys = { { 1, 0x85, 16, { 1 } }, { 2, 0x88, 16, { 2 } } } };
    struct application_sd sd = { .life_cycle = 0x0F, .tar_count = 1, .tars = { { 0xB2, 0x01, 0x00 } } };
    struct application_rfm rfm = { .tar_count = 1, .tars = { { 0xB0, 0x01, 0x20 } } };
    struct aid aid = aid_isdp(0x10);
    uint8_t slot = (uint8_t)registry_find(card, aid_span(&aid))->slot;
    if (!aid_set(&sd.aid, SPAN_LIT("\xA0\x00\x00\x01\x51\x00\x00\x00")) ||
        !aid_set(&rfm.aid, SPAN_LIT("\xA0\x00\x00\x05\x59\x10\x10\x00\x01")))
        abort();
    must(application_sd_put(card->objects, slot, 0, &sd));
    must(application_keyset_put(card->objects, slot, 0, &set, 0));
    must(application_rfm_put(card->objects, slot, 0, &rfm));
}

static void make_card(void)
{
    struct arena arena;
    struct euicc *card;
    struct euicc_personalisation p = { .isdr_key_set_count = 2 };
    static uint8_t sk[32], cert[] = { 0x7F, 0x21, 0x00 }, number[] = { 0x02, 0x91, 0x21 };
    memset(sk, 0x11, sizeof sk);
    must(nvm_memory_init(&memory, EUICC_NVM_MIN));
    must(eid_from_text(span_text("89001012012341234012345678901224"), &p.eid));
    p.ecasd.sk = SPAN_OF(sk);
    p.ecasd.cert = SPAN_OF(cert);
    p.smsr.sms_tp_da = SPAN_OF(number);
    p.isdr_keys[0] =
        (struct euicc_key_set){ .kvn = 0x01, .key_count = 2, .keys = { { 1, 0x88, 16 }, { 2, 0x88, 16 } } };
    p.isdr_keys[1] = (struct euicc_key_set){ .kvn = 0x40, .key_count = 1, .keys = { { 1, 0x85, 16 } } };
    arena_init_fixed(&arena, ram, sizeof ram);
    must(euicc_manufacture(&env, &p, &arena, NULL));
    arena_init_fixed(&arena, ram, sizeof ram);
    must(euicc_open(&arena, &env, &card));
    card_begin(&card->card);
    make_isdp(&card->card, 0x10, ISDP_ENABLED, ISDP_FALLBACK);
    make_operator(&card->card);
    make_isdp(&card->card, 0x11, ISDP_DISABLED, 0);
    make_isdp(&card->card, 0x12, ISDP_PERSONALIZED, 0);
    must(card_commit(&card->card));
    euicc_close(card);
    memcpy(image, memory.bytes, sizeof image);
}

static void run_script(struct card *card, enum sd_kind kind, uint32_t tar, struct span script)
{
    static uint8_t answer_memory[SD_SCRIPT_ANSWER_MAX];
    struct writer answer = wr_of(answer_memory, sizeof answer_memory);
    struct sd_session s = { .bearer = SD_BY_HTTP };
    struct aid aid = aid_isdp(tar);
    const struct isdp *isdp = registry_find(card, aid_span(&aid));
    sd_session_begin(&s, SD_BY_HTTP, 0x40, (struct sd_target){ kind, kind == SD_ISDR ? 0 : isdp->slot, 0 });
    sd_script(card, &s, script, &answer);
    sd_session_end(&s);
}

static void run_trigger(struct card *card, struct span bytes)
{
    struct scp81_trigger t;
    struct agent_params p;
    struct agent_request request = { .trigger = &t };
    if (scp81_trigger_parse(bytes, &t) == ERR_NONE && agent_params_resolve(card, &request, &p) == ERR_NONE)
        assert(strlen(p.uri) < AGENT_URI_MAX && p.channel.address_len >= 5 && p.identity_len > 0);
}

static void run_sms(struct card *card, struct span tpdu)
{
    WRITER_ON_STACK(report, 256);
    uint16_t sw = SW_OK;
    if (isdr_sms_pp(card, SPAN_NONE, tpdu, &report, &sw))
        assert(sw == SW_OK && report.err == ERR_NONE);
}

static void judge(const struct isdp_registry *r)
{
    size_t enabled = 0, holders = 0;
    for (size_t i = 0; i < r->count; i++) {
        enabled += r->items[i].state == ISDP_ENABLED;
        holders += (r->items[i].attributes & ISDP_FALLBACK) != 0;
    }
    assert(enabled == 1 && holders == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct euicc *euicc;
    if (size == 0 || size > 4096)
        return 0;
    if (!memory.bytes)
        make_card();
    memcpy(memory.bytes, image, sizeof image);
    arena_init_fixed(&arena, ram, sizeof ram);
    must(euicc_open(&arena, &env, &euicc));
    euicc_reset(euicc, NULL);
    struct card *card = &euicc->card;
    struct span input = { data + 1, size - 1 };
    switch (data[0] % 5) {
    case 0:
        run_script(card, SD_ISDR, 0, input);
        break;
    case 1:
        run_script(card, SD_ISDP, 0x12, input);
        break;
    case 2:
        run_script(card, SD_MNOSD, 0x10, input);
        break;
    case 3:
        run_trigger(card, input);
        break;
    default:
        run_sms(card, input);
        break;
    }
    assert(!objects_in_transaction(card->objects));
    judge(&card->registry);
    struct isdp before[ISDP_MAX];
    size_t count = card->registry.count;
    memcpy(before, card->registry.items, count * sizeof *before);
    euicc_close(euicc);
    arena_init_fixed(&arena, ram, sizeof ram);
    must(euicc_open(&arena, &env, &euicc));
    assert(euicc->card.registry.count == count);
    for (size_t i = 0; i < count; i++)
        assert(registry_by_slot(&euicc->card, before[i].slot)->state == before[i].state);
    euicc_close(euicc);
    return 0;
}
