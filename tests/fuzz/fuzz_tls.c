/* Property: whatever arrives, and however it is cut, the server gives no plain data without a key, asks for a key at
 * most once, and once it has failed it stays so. */
#include <assert.h>
#include <stdlib.h>

#include "lib/crypto/tls.h"

static struct tls *server(void)
{
    static struct tls_ctx *ctx;
    struct tls *t = NULL;
    if (!ctx && tls_ctx_new(TLS_SERVER, TLS_ALLOW_CBC_SHA1, &ctx) != ERR_NONE)
        abort();
    if (tls_server_new(ctx, &t) != ERR_NONE)
        abort();
    return t;
}

static void feed(struct span in, size_t piece)
{
    struct tls *t = server();
    WRITER_ON_STACK(plain, 4096);
    static const uint8_t key[16] = { 7 };
    bool asked = false, failed = false;
    for (size_t at = 0; at < in.len; at += piece) {
        WRITER_ON_STACK(out, TLS_FLIGHT_MAX);
        enum tls_state state = tls_step(t, span_sub(in, at, piece), &out, &plain);
        assert(!failed || state == TLS_FAILED);
        failed = state == TLS_FAILED;
        assert(!failed || tls_err(t) != ERR_NONE);
        if (state == TLS_WANT_PSK) {
            assert(!asked && tls_identity(t)[0]);
            asked = true;
            assert(tls_psk(t, SPAN_OF(key)) == ERR_NONE);
        }
        assert(plain.len == 0 && state != TLS_OPEN); /* nobody guesses the random octets of a handshake */
    }
    tls_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = { data, size };
    feed(in, size ? size : 1);
    feed(in, 3);
    return 0;
}
