#include "lab.h"

#include <stdlib.h>

#include "lib/ota/es5.h"
#include "lib/pki/gp_certificate.h"
#include "lib/scp/scp03t.h"

const uint8_t LAB_KEY[16] = { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
                              0x99, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16 };
const uint8_t LAB_PSK[16] = { 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47,
                              0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F };
#define LAB_EID       "89044045113010000000000000000002"
#define LAB_BOOTSTRAP "TS48v3_SAIP2.3_NoBERTLV.der"

/* ---- seams ---- */

static uint64_t clock_now(struct clock *clock)
{
    return ((struct lab *)((char *)clock - offsetof(struct lab, clock)))->clock.now_ms;
}
static void clock_wake(struct clock *clock, uint64_t at_ms) { (void)clock, (void)at_ms; }

/* What the test dictated, as long as the length fits; else a counter's hash, good enough for a bench. */
static void rng_fill(struct rng *rng, uint8_t *out, size_t len)
{
    struct lab *lab = (struct lab *)((char *)rng - offsetof(struct lab, rng));
    if (lab->rng.count && lab->rng.queue[0].len == len) {
        memcpy(out, lab->rng.queue[0].ptr, len);
        memmove(lab->rng.queue, lab->rng.queue + 1, --lab->rng.count * sizeof lab->rng.queue[0]);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        lab->rng.seed = lab->rng.seed * 6364136223846793005u + 1442695040888963407u;
        out[i] = (uint8_t)(lab->rng.seed >> 33);
    }
}

void lab_random(struct lab *lab, struct span octets)
{
    assert_true(lab->rng.count < LAB_RANDOM_MAX);
    lab->rng.queue[lab->rng.count++] = octets;
}

/* ---- factory ---- */

struct span lab_profile(const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "data/profiles/%s", name);
    const char *found = shared_path(path);
    if (!found)
        skip();
    return file_bytes(found);
}

static void key_set(struct euicc_key_set *set, uint8_t kvn, uint8_t type, size_t count, const uint8_t *value)
{
    *set = (struct euicc_key_set){ .kvn = kvn, .key_count = (uint8_t)count };
    for (size_t i = 0; i < count; i++) {
        set->keys[i] = (struct euicc_key){ .kid = (uint8_t)(i + 1), .type = type, .len = 16 };
        memcpy(set->keys[i].value, value, 16);
    }
}

void lab_init(struct lab *lab)
{
    memset(lab, 0, sizeof *lab);
    lab->clock.seam = (struct clock){ clock_now, clock_wake };
    lab->clock.now_ms = 1700000000000u;
    lab->rng.seam.fill = rng_fill;
    lab->rng.seed = 42;
    lab->key = LAB_KEY;
    assert_ok(nvm_memory_init(&lab->memory, EUICC_NVM_DEFAULT));
    lab->env = (struct env){ .clock = &lab->clock.seam, .rng = &lab->rng.seam, .nvm = &lab->memory.nvm };
    arena_init(&lab->arena, 4 * EUICC_ARENA_SIZE);
    lab->server.out = malloc(LAB_SCRIPT_MAX);
    struct euicc_personalisation *p = &lab->p;
    assert_ok(eid_from_text(span_text(LAB_EID), &p->eid));
    p->ecasd.curve = EUICC_CURVE_P256;
    p->ecasd.sk = hex_lit("36FAD76C284CD5C227CF50252EAA93FA75C5FCBF73C2AC9F4B42DD488E639E9E");
    p->ecasd.cert = hex_lit("7F2103930101");
    p->ci[0] = (struct euicc_ci){
        .ski = hex_lit("C6E7352D42488A7E1ADC6BCC9CE1D6FCCBB864AB"),
        .public_key =
            hex_lit("04C3B6B4CFE8C896A54BD96BEA23E37A47C90CE9B0014BF67DFFB186E32CA921C0DFB0D080CF92DEC73AA3773C"
                    "85FC9D12FFD0B59FA601CA998531B3BDEFB25AC6"),
        .curve = EUICC_CURVE_P256,
    };
    p->ci_count = 1;
    key_set(&p->isdr_keys[0], 0x01, 0x88, 3, LAB_KEY);
    key_set(&p->isdr_keys[1], 0x40, 0x85, 1, LAB_PSK);
    p->isdr_key_set_count = 2;
    p->smsr.sms_tp_da = hex_lit("0B913336990821F3");
    p->timing = (struct euicc_timing){ .attach_guard_s = 300,
                                       .notification_interval_s = 60,
                                       .notification_tries = 3,
                                       .fallback_s = 600,
                                       .session_idle_s = 30,
                                       .refresh_retry_s = 10,
                                       .poll_interval_s = 30,
                                       .retry_wait_s = 5 };
}

static void open_card(struct lab *lab)
{
    assert_ok(euicc_open(&lab->arena, &lab->env, &lab->euicc));
    euicc_reset(lab->euicc, NULL);
}

void lab_make(struct lab *lab)
{
    assert_ok(euicc_manufacture(&lab->env, &lab->p, &lab->arena, NULL));
    open_card(lab);
}

struct lab *lab_new_with(const char *bootstrap)
{
    struct lab *lab = malloc(sizeof *lab);
    lab_init(lab);
    if (bootstrap)
        lab->p.bootstrap_package = lab_profile(bootstrap);
    lab_make(lab);
    return lab;
}

struct lab *lab_new(bool with_profile) { return lab_new_with(with_profile ? LAB_BOOTSTRAP : NULL); }

void lab_free(struct lab *lab)
{
    server_close(&lab->server);
    free(lab->server.out);
    euicc_close(lab->euicc);
    arena_release(&lab->arena);
    nvm_memory_done(&lab->memory);
    free(lab);
}

void lab_power_cycle(struct lab *lab)
{
    euicc_close(lab->euicc);
    arena_release(&lab->arena);
    nvm_memory_power_on(&lab->memory);
    server_close(&lab->server);
    lab->terminal.channel = false;
    open_card(lab);
    terminal_boot(lab);
}

struct card *lab_card(struct lab *lab) { return &lab->euicc->card; }

uint8_t lab_phase(struct lab *lab) { return lab_card(lab)->isdr->sw.state.phase; }

void lab_expect_one_enabled(struct lab *lab)
{
    const struct isdp_registry *r = card_registry(lab_card(lab));
    size_t enabled = 0, holders = 0;
    for (size_t i = 0; i < r->count; i++) {
        enabled += r->items[i].state == ISDP_ENABLED;
        holders += (r->items[i].attributes & ISDP_FALLBACK) != 0;
    }
    assert_int_equal(enabled, 1);
    assert_int_equal(holders, 1);
}

void lab_restore(struct lab *lab, const uint8_t *image, uint64_t counter)
{
    euicc_close(lab->euicc);
    arena_release(&lab->arena);
    nvm_memory_power_on(&lab->memory);
    memcpy(lab->memory.bytes, image, lab->memory.nvm.size);
    lab->sent_counter = counter;
    lab->terminal.sms_count = 0;
    lab->terminal.no_power = false;
    assert_ok(euicc_open(&lab->arena, &lab->env, &lab->euicc));
    terminal_boot(lab);
}

void lab_wait(struct lab *lab, uint64_t seconds)
{
    static const uint8_t status[] = { 0x80, 0xF2, 0x00, 0x0C };
    for (; seconds; seconds--) {
        lab->clock.now_ms += 1000;
        (void)euicc_idle(lab->euicc, lab->clock.now_ms);
        WRITER_ON_STACK(ret, EUICC_RAPDU_MAX);
        (void)terminal_apdu(lab, SPAN_OF(status), &ret);
        terminal_run(lab);
    }
}

/* ---- ES8 ---- */

struct isdp *lab_isdp(struct lab *lab, uint32_t tar)
{
    struct aid aid = aid_isdp(tar);
    return registry_find(lab_card(lab), aid_span(&aid));
}

uint8_t lab_state(struct lab *lab, uint32_t tar)
{
    const struct isdp *isdp = lab_isdp(lab, tar);
    return isdp ? (uint8_t)isdp->state : 0;
}

void lab_install(struct lab *lab, uint32_t tar, struct span package)
{
    struct card *card = lab_card(lab);
    struct scp03_keys keys = { .kvn = 0x30, .key_len = 16 };
    memset(keys.enc, 0xE1, 16);
    memset(keys.mac, 0xE2, 16);
    memset(keys.dek, 0xE3, 16);
    struct aid aid = aid_isdp(tar);
    struct isdp *isdp;
    card_begin(card);
    assert_ok(registry_create(card, aid_span(&aid), 0, &isdp));
    assert_ok(isdp_keyset_set(isdp, 0x30, keys.enc, keys.mac, keys.dek));
    assert_ok(registry_store(card, isdp));
    assert_ok(card_commit(card));
    struct scp03_session host;
    struct sd_session session = { .bearer = SD_BY_HTTP };
    sd_session_begin(&session, SD_BY_HTTP, 0x40, (struct sd_target){ SD_ISDP, isdp->slot });
    static const uint8_t challenge[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    WRITER_ON_STACK(script, 2000);
    WRITER_ON_STACK(answer, 2000);
    struct ram_script s;
    ram_script_open(&s, &script, RAM_INDEFINITE);
    WRITER_ON_STACK(tlv, 1100);
    scp03t_initialize_update_write(&tlv, 0x30, challenge);
    ram_script_raw(&s, wr_span(&tlv));
    ram_script_close(&s);
    sd_script(card, &session, wr_span(&script), &answer);
    struct ram_reader r;
    struct ram_item item;
    assert_ok(ram_results_open(&r, wr_span(&answer)));
    assert_true(ram_results_next(&r, &item) && item.tag == 0x84);
    assert_ok(scp03t_open_host(&keys, challenge, item.value, aid_span(&aid), &host));
    for (size_t at = 0, first = 1; at < package.len || first; first = 0) {
        script.len = answer.len = tlv.len = 0;
        ram_script_open(&s, &script, RAM_INDEFINITE);
        if (first)
            assert_ok(scp03t_external_authenticate_write(&host, &tlv));
        else {
            assert_ok(scp03t_wrap(&host, span_sub(package, at, SCP03T_PLAIN_MAX), &tlv));
            at += SCP03T_PLAIN_MAX;
        }
        ram_script_raw(&s, wr_span(&tlv));
        ram_script_close(&s);
        sd_script(card, &session, wr_span(&script), &answer);
        assert_ok(ram_results_open(&r, wr_span(&answer)));
        assert_true(ram_results_next(&r, &item));
        assert_int_equal(item.tag, first ? 0x85 : 0x86);
    }
    uint8_t plain_memory[1100];
    struct writer plain = wr_of(plain_memory, sizeof plain_memory);
    struct span response;
    assert_ok(scp03t_response_unwrap(&host, item.value, &plain, &response));
    assert_span_equal(response, hex_lit("3007A0053003800100"));
    sd_session_end(&session);
    assert_int_equal(lab_state(lab, tar), ISDP_DISABLED);
}
