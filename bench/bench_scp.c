/* SCP80 and SCP03t against the same bytes through kept EVP contexts (shared figures P5, P6). */
#include "bench.h"

#include "lib/crypto/openssl.h"

#include "lib/scp/scp03t.h"
#include "lib/scp/scp80.h"

#define SCRIPT_LEN  64u
#define PACKAGE_LEN 12384u
#define SEGMENT_LEN 1000u

struct scp_work {
    uint8_t key[16], data[PACKAGE_LEN], out[2 * PACKAGE_LEN];
    EVP_CIPHER_CTX *cbc;
    uint64_t counter;
    struct scp03_session session, fresh;
};

static void wrap_scp80(void *context, unsigned repeats)
{
    struct scp_work *w = context;
    struct scp80_keys keys = { SPAN_OF(w->key), SPAN_OF(w->key), 8 };
    while (repeats--) {
        struct writer out = wr_of(w->out, sizeof w->out);
        struct scp80_header h = { SCP80_SPI1_FULL, SCP80_SPI2_FULL, 0x12, 0x12, { 0, 0, 1 }, ++w->counter };
        BENCH_MUST(scp80_command_wrap(&h, &keys, (struct span){ w->data, SCRIPT_LEN }, &out));
        bench_keep(w->out);
    }
}

static void cbc(struct scp_work *w, const uint8_t *in, size_t len)
{
    static const uint8_t iv[16];
    int n;
    if (!EVP_EncryptInit_ex2(w->cbc, NULL, w->key, iv, NULL) || !EVP_EncryptUpdate(w->cbc, w->out, &n, in, (int)len))
        bench_must(ERR_CRYPTO, "EVP");
    bench_keep(w->out);
}

/* One CBC pass for the MAC over everything, one for the cipher. */
static void floor_scp80(void *context, unsigned repeats)
{
    size_t len = (SCRIPT_LEN + 30 + 15) / 16 * 16;
    while (repeats--) {
        cbc(context, ((struct scp_work *)context)->data, len);
        cbc(context, ((struct scp_work *)context)->data, len);
    }
}

static void wrap_scp03t(void *context, unsigned repeats)
{
    struct scp_work *w = context;
    while (repeats--) {
        w->session = w->fresh;
        for (size_t at = 0; at < PACKAGE_LEN; at += SEGMENT_LEN) {
            struct writer out = wr_of(w->out, sizeof w->out);
            BENCH_MUST(scp03t_wrap(&w->session, span_sub(SPAN_OF(w->data), at, SEGMENT_LEN), &out));
        }
        bench_keep(w->out);
    }
}

static void floor_scp03t(void *context, unsigned repeats)
{
    while (repeats--) {
        cbc(context, ((struct scp_work *)context)->data, PACKAGE_LEN);
        cbc(context, ((struct scp_work *)context)->data, PACKAGE_LEN);
    }
}

/* A session as an SM-DP has it after 84 and 85, with the card's side answering. */
static void open_session(struct scp_work *w)
{
    struct scp03_keys keys = { .kvn = 0x30, .key_len = 16 };
    struct scp03_session card;
    uint8_t challenge[8] = { 1 };
    WRITER_ON_STACK(answer, 64);
    WRITER_ON_STACK(authenticate, 64);
    struct span aid = SPAN_LIT("\xA0\x00\x00\x05\x59\x10\x10\xFF\xFF\xFF\xFF\x89\x00\x00\x10\x00");
    BENCH_MUST(scp03t_open_card(&keys, 1, aid, challenge, &card, &answer));
    BENCH_MUST(scp03t_open_host(&keys, challenge, span_from(wr_span(&answer), 2), aid, &w->fresh));
    BENCH_MUST(scp03t_external_authenticate_write(&w->fresh, &authenticate));
}

void bench_scp(void)
{
    static struct scp_work w;
    RAND_bytes(w.data, sizeof w.data);
    w.cbc = EVP_CIPHER_CTX_new();
    if (!w.cbc || !EVP_EncryptInit_ex(w.cbc, EVP_aes_128_cbc(), NULL, w.key, NULL))
        bench_must(ERR_CRYPTO, "EVP");
    EVP_CIPHER_CTX_set_padding(w.cbc, 0);
    open_session(&w);
    bench_run(&(struct bench){ "SCP80 wrap of a 64-octet script", "packets/s", 1, wrap_scp80, floor_scp80,
                               "ours / two kept EVP CBC passes over the same bytes", &w, "P5", 1.5 });
    bench_run(&(struct bench){ "SCP03t of a 12384-octet package", "packages/s", 1, wrap_scp03t, floor_scp03t,
                               "ours / two kept EVP CBC passes over the same bytes", &w, "P6", 3.2 });
    EVP_CIPHER_CTX_free(w.cbc);
}
