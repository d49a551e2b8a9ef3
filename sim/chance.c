#include "chance.h"

#define OPENSSL_SUPPRESS_DEPRECATED
#include "lib/crypto/openssl.h"
#include <openssl/rand.h>

static struct chance *openssl_source;

static uint64_t rotate(uint64_t v, int by) { return v << by | v >> (64 - by); }

/* xoshiro256** (Blackman and Vigna, public domain algorithm) */
uint64_t chance_draw(struct chance *c)
{
    uint64_t *s = c->state, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

static void fill(struct rng *rng, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(chance_draw((struct chance *)rng) >> 32);
}

void chance_init(struct chance *c, uint64_t seed)
{
    c->seam.fill = fill;
    for (int i = 0; i < 4; i++) { /* SplitMix64 spreads the seed */
        uint64_t z = seed += 0x9E3779B97F4A7C15u;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
        z = (z ^ z >> 27) * 0x94D049BB133111EBu;
        c->state[i] = z ^ z >> 31;
    }
}

uint32_t chance_below(struct chance *c, uint32_t limit) { return limit ? (uint32_t)(chance_draw(c) >> 32) % limit : 0; }
bool chance_permille(struct chance *c, uint32_t permille) { return chance_below(c, 1000) < permille; }

static int openssl_bytes(unsigned char *out, int len)
{
    if (len > 0)
        fill(&openssl_source->seam, out, (size_t)len);
    return 1;
}

static int openssl_status(void) { return 1; }

void chance_feed_openssl(struct chance *c)
{
    static const RAND_METHOD method = { .bytes = openssl_bytes, .pseudorand = openssl_bytes, .status = openssl_status };
    openssl_source = c;
    RAND_set_rand_method(&method);
}
