#include "rig.h"

#include <unistd.h>

static uint64_t rig_now(struct clock *c) { return ((struct rig *)((char *)c - offsetof(struct rig, clock)))->now_ms; }
static void rig_wake_at(struct clock *c, uint64_t at_ms) { (void)c, (void)at_ms; }
static void rig_fill(struct rng *rng, uint8_t *out, size_t len)
{
    struct rig *r = (struct rig *)((char *)rng - offsetof(struct rig, rng));
    for (size_t i = 0; i < len; i++) {
        r->seed = r->seed * 1103515245u + 12345u;
        out[i] = (uint8_t)(r->seed >> 16);
    }
}

static const char *package_path(const char *package)
{
    char relative[256];
    snprintf(relative, sizeof relative, "data/profiles/%s", package);
    return shared_path(relative);
}

bool rig_has_package(const char *package)
{
    const char *path = package_path(package);
    return path && access(path, R_OK) == 0;
}

static void fill_personalisation(struct euicc_personalisation *p, const char *package)
{
    static uint8_t sk[32], ski[20], cert[] = { 0x7F, 0x21, 0x03, 0x5F, 0x20, 0x00 };
    struct span pk = hex_lit("04 6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
                             "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"); /* the generator */
    memset(sk, 0x11, sizeof sk);
    assert_ok(eid_from_text(span_text("89001012012341234012345678901224"), &p->eid));
    p->ecasd.sk = SPAN_OF(sk);
    p->ecasd.cert = SPAN_OF(cert);
    p->ci[0] = (struct euicc_ci){ SPAN_OF(ski), pk, EUICC_CURVE_P256 };
    p->ci_count = 1;
    p->isdr_keys[0] = (struct euicc_key_set){ .kvn = 1, .key_count = 3 };
    for (uint8_t i = 0; i < 3; i++)
        p->isdr_keys[0].keys[i] =
            (struct euicc_key){ .kid = (uint8_t)(i + 1), .type = 0x88, .len = 16, .value = { i } };
    p->isdr_key_set_count = 1;
    p->smsr.sms_tp_da = hex_lit("0B919433999999F9");
    if (package)
        p->bootstrap_package = file_bytes(package_path(package));
}

void rig_make(struct rig *r, const char *package)
{
    *r = (struct rig){ .clock = { rig_now, rig_wake_at }, .rng = { rig_fill }, .now_ms = 1700000000000ull, .seed = 1 };
    assert_ok(nvm_memory_init(&r->memory, EUICC_NVM_DEFAULT));
    r->env = (struct env){ .clock = &r->clock, .rng = &r->rng, .nvm = &r->memory.nvm };
    struct euicc_personalisation p = { 0 };
    fill_personalisation(&p, package);
    arena_init(&r->arena, 2 * EUICC_ARENA_SIZE);
    WRITER_ON_STACK(response, 1024);
    enum err err = euicc_manufacture(&r->env, &p, &r->arena, &response);
    if (err != ERR_NONE) {
        char hex[2049];
        print_error("response of the package: %s\n", hex_text(wr_span(&response), hex, sizeof hex));
    }
    assert_ok(err);
    rig_open(r);
}

void rig_open(struct rig *r)
{
    arena_init(&r->arena, EUICC_ARENA_SIZE);
    assert_ok(euicc_open(&r->arena, &r->env, &r->card));
    euicc_reset(r->card, NULL);
}

void rig_close(struct rig *r)
{
    euicc_close(r->card);
    arena_release(&r->arena);
    r->card = NULL;
}

void rig_done(struct rig *r)
{
    rig_close(r);
    nvm_memory_done(&r->memory);
}

struct card *rig_card(struct rig *r) { return &r->card->card; }

static struct span transmit(struct rig *r, struct span command, uint8_t *out, size_t cap)
{
    struct writer w = wr_of(out, cap);
    euicc_transmit(r->card, command, &w);
    assert_int_equal(w.err, ERR_NONE);
    assert_true(w.len >= 2);
    return wr_span(&w);
}

void rig_apdu(struct rig *r, const char *command, const char *want)
{
    uint8_t out[EUICC_RAPDU_MAX];
    struct span got = transmit(r, hex_lit(command), out, sizeof out);
    if (want[0] == '*')
        got = span_from(got, got.len - 2);
    assert_span_equal(got, hex_lit(want[0] == '*' ? want + 1 : want));
}

struct span rig_exchange(struct rig *r, struct span command, uint16_t *ret_sw)
{
    static uint8_t data[4096];
    uint8_t out[EUICC_RAPDU_MAX], again[EUICC_CAPDU_MAX];
    size_t len = 0;
    struct span got = transmit(r, command, out, sizeof out);
    for (;;) {
        uint8_t sw1 = got.ptr[got.len - 2], sw2 = got.ptr[got.len - 1];
        memcpy(data + len, got.ptr, got.len - 2);
        len += got.len - 2;
        if (sw1 == 0x6C) {
            memcpy(again, command.ptr, command.len);
            again[command.len - 1] = sw2;
            got = transmit(r, (struct span){ again, command.len }, out, sizeof out);
        } else if (sw1 == 0x61) {
            const uint8_t get_response[] = { command.ptr[0] & 0x7F, 0xC0, 0, 0, sw2 };
            got = transmit(r, SPAN_OF(get_response), out, sizeof out);
        } else {
            *ret_sw = (uint16_t)(sw1 << 8 | sw2);
            return (struct span){ data, len };
        }
    }
}

struct span rig_get(struct rig *r, const char *command, uint16_t want_sw)
{
    uint16_t sw;
    struct span data = rig_exchange(r, hex_lit(command), &sw);
    if (sw != want_sw)
        print_error("%s: status word %04X\n", command, sw);
    assert_int_equal(sw, want_sw);
    return data;
}
