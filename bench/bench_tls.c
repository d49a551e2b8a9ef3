/* What an idle administration session costs the SM-SR in memory (shared figure P15). */
#include "bench.h"

#include <malloc.h>
#include <stdlib.h>

#include "lib/crypto/tls.h"

#define CONNECTIONS 200u
#define FLIGHT      16384u

static const uint8_t key[16] = { 1, 2, 3 };

struct pair {
    struct tls *server, *client;
};

static void shake(struct pair *p)
{
    static uint8_t up_octets[FLIGHT], down_octets[FLIGHT], plain_octets[FLIGHT];
    struct span up = SPAN_NONE, down = SPAN_NONE;
    for (unsigned turn = 0; tls_state(p->server) != TLS_OPEN || tls_state(p->client) != TLS_OPEN; turn++) {
        struct writer to_server = wr_of(up_octets, sizeof up_octets), to_client = wr_of(down_octets, sizeof down_octets);
        struct writer plain = wr_of(plain_octets, sizeof plain_octets);
        bench_must(turn < 16 ? ERR_NONE : ERR_STATE, "a handshake that ends");
        tls_step(p->client, down, &to_server, &plain);
        up = wr_span(&to_server);
        if (tls_step(p->server, up, &to_client, &plain) == TLS_WANT_PSK) {
            BENCH_MUST(tls_psk(p->server, SPAN_OF(key)));
            tls_step(p->server, SPAN_NONE, &to_client, &plain);
        }
        down = wr_span(&to_client);
    }
}

void bench_tls(void)
{
    static struct pair pairs[CONNECTIONS];
    struct tls_ctx *server, *client;
    size_t servers = 0;
    BENCH_MUST(tls_ctx_new(TLS_SERVER, 0, &server));
    BENCH_MUST(tls_ctx_new(TLS_CLIENT, 0, &client));
    for (size_t i = 0; i < CONNECTIONS; i++) {
        BENCH_MUST(tls_server_new(server, &pairs[i].server));
        BENCH_MUST(tls_client_new(client, SPAN_LIT("8001028120"), SPAN_OF(key), &pairs[i].client));
        shake(&pairs[i]);
    }
    for (size_t i = 0; i < CONNECTIONS; i++)
        tls_free(pairs[i].client);
    servers = mallinfo2().uordblks;
    for (size_t i = 0; i < CONNECTIONS; i++)
        tls_free(pairs[i].server);
    servers -= mallinfo2().uordblks;
    bench_gate("PSK-TLS session of the SM-SR, idle", (double)servers / CONNECTIONS / 1024, "kB of heap", "P15", 18);
    tls_ctx_free(server);
    tls_ctx_free(client);
}
