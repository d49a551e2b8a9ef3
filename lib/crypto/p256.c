#include "p256.h"

#include <pthread.h>
#include <stdlib.h>

/* Numbers are four words, the least first. Those of the field are kept as a x 2^256 mod p (Montgomery's form). */

#ifdef __SIZEOF_INT128__

#define WORDS        4u
#define WINDOW_BITS  7u
#define WINDOWS      37u /* 37 x 7 bits hold a number and its carry */
#define WINDOW_STEPS 64u /* multiples in a window; the negative ones need no place */

__extension__ typedef unsigned __int128 wide;
typedef uint64_t number[WORDS];
#define EACH_WORD(i) _Pragma("GCC unroll 4") for (unsigned i = 0; i < WORDS; i++)

struct modulus {
    number m, square; /* 2^512 mod m */
    uint64_t inverse; /* -1/m mod 2^64 */
};
static const struct modulus field = {
    { 0xffffffffffffffff, 0x00000000ffffffff, 0x0000000000000000, 0xffffffff00000001 },
    { 0x0000000000000003, 0xfffffffbffffffff, 0xfffffffffffffffe, 0x00000004fffffffd },
    1,
};
static const struct modulus order = {
    { 0xf3b9cac2fc632551, 0xbce6faada7179e84, 0xffffffffffffffff, 0xffffffff00000000 },
    { 0x83244c95be79eea2, 0x4699799c49bd6fa6, 0x2845b2392b6bec59, 0x66e12d94f3d95620 },
    0xccd1c8aaee00bc4f,
};
static const number field_one = { 0x0000000000000001, 0xffffffff00000000, 0xffffffffffffffff, 0x00000000fffffffe };

struct affine {
    number x, y;
};
struct jacobian {
    number x, y, z; /* x/z^2, y/z^3; z = 0: the point at infinity */
};
struct p256_key {
    struct affine multiples[WINDOWS][WINDOW_STEPS]; /* [i][k]: (k + 1) x 2^(7 i) x point */
};

/* ---- numbers ---- */

static inline void copy(number out, const number a) { memcpy(out, a, sizeof(number)); }

static inline bool is_zero(const number a) { return !(a[0] | a[1] | a[2] | a[3]); }

static inline bool equal(const number a, const number b)
{
    return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]));
}

/* out = a - b; tells whether it was negative. */
static inline bool subtract(number out, const number a, const number b)
{
    uint64_t borrow = 0;
    EACH_WORD(i)
    {
        wide d = (wide)a[i] - b[i] - borrow;
        out[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
    return borrow;
}

static inline uint64_t plus(number out, const number a, const number b)
{
    wide sum = 0;
    EACH_WORD(i)
    {
        sum += (wide)a[i] + b[i];
        out[i] = (uint64_t)sum;
        sum >>= 64;
    }
    return (uint64_t)sum;
}

/* a and the carry above it, which are less than 2 m, less m where they are not less than m. */
static inline void reduce(number out, const number a, uint64_t carry, const struct modulus *m)
{
    number less;
    uint64_t keep = 0 - (uint64_t)(subtract(less, a, m->m) && !carry);
    EACH_WORD(i)
    out[i] = (a[i] & keep) | (less[i] & ~keep);
}

/* t += a n in five words; returns the sixth. */
static inline uint64_t add_row(uint64_t t[WORDS + 1], const number a, uint64_t n)
{
    wide w = (wide)a[0] * n + t[0];
    t[0] = (uint64_t)w;
    w = (wide)a[1] * n + t[1] + (uint64_t)(w >> 64);
    t[1] = (uint64_t)w;
    w = (wide)a[2] * n + t[2] + (uint64_t)(w >> 64);
    t[2] = (uint64_t)w;
    w = (wide)a[3] * n + t[3] + (uint64_t)(w >> 64);
    t[3] = (uint64_t)w;
    w = (wide)t[4] + (uint64_t)(w >> 64);
    t[4] = (uint64_t)w;
    return (uint64_t)(w >> 64);
}

/* t = (t + k m) / 2^64 with the k that leaves nothing of t[0]. */
static inline void drop_word(uint64_t t[WORDS + 1], uint64_t above, const struct modulus *m)
{
    above += add_row(t, m->m, t[0] * m->inverse);
    memmove(t, t + 1, WORDS * sizeof *t);
    t[WORDS] = above;
}

/* The same for p, which is 2^96 - 1 and its last word; -1/p is 1. */
static inline void drop_word_of_field(uint64_t t[WORDS + 1], uint64_t above)
{
    uint64_t n = t[0];
    wide w = (wide)t[1] + (n << 32);
    t[0] = (uint64_t)w;
    w = (wide)t[2] + (n >> 32) + (uint64_t)(w >> 64);
    t[1] = (uint64_t)w;
    w = (wide)n * 0xffffffff00000001 + t[3] + (uint64_t)(w >> 64);
    t[2] = (uint64_t)w;
    w = (wide)t[4] + (uint64_t)(w >> 64);
    t[3] = (uint64_t)w;
    t[4] = above + (uint64_t)(w >> 64);
}

/* a b / 2^256 mod p */
static void mul(number out, const number a, const number b)
{
    uint64_t t[WORDS + 1] = { 0 };
    drop_word_of_field(t, add_row(t, a, b[0]));
    drop_word_of_field(t, add_row(t, a, b[1]));
    drop_word_of_field(t, add_row(t, a, b[2]));
    drop_word_of_field(t, add_row(t, a, b[3]));
    reduce(out, t, t[WORDS], &field);
}
static void sqr(number out, const number a) { mul(out, a, a); }

/* The same for either modulus. */
static void multiply(number out, const number a, const number b, const struct modulus *m)
{
    uint64_t t[WORDS + 1] = { 0 };
    EACH_WORD(i)
    drop_word(t, add_row(t, a, b[i]), m);
    reduce(out, t, t[WORDS], m);
}

static inline void add(number out, const number a, const number b)
{
    number sum;
    uint64_t carry = plus(sum, a, b);
    reduce(out, sum, carry, &field);
}

static inline void minus(number out, const number a, const number b, const struct modulus *m)
{
    number d, again;
    uint64_t negative = 0 - (uint64_t)subtract(d, a, b);
    EACH_WORD(i)
    again[i] = m->m[i] & negative;
    plus(out, d, again);
}

static inline void sub(number out, const number a, const number b) { minus(out, a, b, &field); }

/* a / 2 mod m */
static inline void halve(number a, const struct modulus *m)
{
    number sum;
    uint64_t carry = 0;
    if (a[0] & 1) {
        carry = plus(sum, a, m->m);
        copy(a, sum);
    }
    for (unsigned i = 0; i + 1 < WORDS; i++)
        a[i] = a[i] >> 1 | a[i + 1] << 63;
    a[WORDS - 1] = a[WORDS - 1] >> 1 | carry << 63;
}

/* u and its factor, until u is odd. */
static inline void make_odd(number u, number factor, const struct modulus *m)
{
    while (!(u[0] & 1)) {
        for (unsigned i = 0; i + 1 < WORDS; i++)
            u[i] = u[i] >> 1 | u[i + 1] << 63;
        u[WORDS - 1] >>= 1;
        halve(factor, m);
    }
}

/* 1/a: the binary extended algorithm of Euclid, with u = x a and v = y a mod m. */
static void invert(number out, const number a, const struct modulus *m)
{
    static const number one = { 1 };
    number u, v, d, x = { 1 }, y = { 0 };
    copy(u, a);
    copy(v, m->m);
    make_odd(u, x, m);
    while (!equal(u, one)) {
        if (!subtract(d, u, v)) {
            copy(u, d);
            minus(x, x, y, m);
        } else {
            number swap;
            copy(swap, u);
            subtract(u, v, u);
            copy(v, swap);
            copy(swap, x);
            minus(x, y, x, m);
            copy(y, swap);
        }
        make_odd(u, x, m);
    }
    copy(out, x);
}

static void number_read(number out, const uint8_t octets[EC_FIELD_LEN])
{
    EACH_WORD(i)
    {
        uint64_t word = 0;
        for (unsigned k = 0; k < 8; k++)
            word = word << 8 | octets[8 * (WORDS - 1 - i) + k];
        out[i] = word;
    }
}

/* ---- points ---- */

static void twice(struct jacobian *r, const struct jacobian *p)
{
    number delta, gamma, beta, alpha, t, u;
    sqr(delta, p->z);
    sqr(gamma, p->y);
    mul(beta, p->x, gamma);
    sub(t, p->x, delta);
    add(u, p->x, delta);
    mul(t, t, u);
    add(alpha, t, t);
    add(alpha, alpha, t);
    add(t, p->y, p->z);
    sqr(t, t);
    sub(t, t, gamma);
    sub(r->z, t, delta);
    add(beta, beta, beta);
    add(beta, beta, beta);
    sqr(t, alpha);
    sub(t, t, beta);
    sub(r->x, t, beta);
    sub(t, beta, r->x);
    mul(t, alpha, t);
    sqr(gamma, gamma);
    add(gamma, gamma, gamma);
    add(gamma, gamma, gamma);
    add(gamma, gamma, gamma);
    sub(r->y, t, gamma);
}

static void start(struct jacobian *r, const struct affine *p)
{
    copy(r->x, p->x);
    copy(r->y, p->y);
    copy(r->z, field_one);
}

/* r += p, also where the two are equal, or the opposite of each other. */
static void accumulate(struct jacobian *r, const struct affine *p)
{
    number zz, h, s, hh, v, t;
    if (is_zero(r->z)) {
        start(r, p);
        return;
    }
    sqr(zz, r->z);
    mul(h, p->x, zz);
    sub(h, h, r->x);
    mul(s, p->y, zz);
    mul(s, s, r->z);
    sub(s, s, r->y);
    if (is_zero(h)) {
        struct jacobian same = *r;
        if (is_zero(s))
            twice(r, &same);
        else
            memset(r, 0, sizeof *r);
        return;
    }
    sqr(hh, h);
    mul(v, r->x, hh);
    mul(hh, hh, h);
    mul(r->z, r->z, h);
    sqr(t, s);
    sub(t, t, hh);
    sub(t, t, v);
    sub(r->x, t, v);
    sub(v, v, r->x);
    mul(v, v, s);
    mul(t, r->y, hh);
    sub(r->y, v, t);
}

/* One inversion for all of them. */
static void make_affine(struct affine *out, const struct jacobian *in, size_t count)
{
    number before[WINDOW_STEPS + 1], inverse, zi, zz;
    copy(before[0], in[0].z);
    for (size_t i = 1; i < count; i++)
        mul(before[i], before[i - 1], in[i].z);
    invert(inverse, before[count - 1], &field);
    mul(inverse, inverse, field.square);
    mul(inverse, inverse, field.square); /* of a x 2^256 it was the inverse */
    for (size_t i = count; i-- > 0;) {
        if (i)
            mul(zi, inverse, before[i - 1]);
        else
            copy(zi, inverse);
        mul(inverse, inverse, in[i].z);
        sqr(zz, zi);
        mul(out[i].x, in[i].x, zz);
        mul(zz, zz, zi);
        mul(out[i].y, in[i].y, zz);
    }
}

static void multiples_make(struct p256_key *key, const uint8_t point[EC_POINT_LEN])
{
    struct jacobian steps[WINDOW_STEPS + 1];
    struct affine made[WINDOW_STEPS + 1], base;
    number_read(base.x, point + 1);
    number_read(base.y, point + 1 + EC_FIELD_LEN);
    mul(base.x, base.x, field.square);
    mul(base.y, base.y, field.square);
    for (size_t i = 0; i < WINDOWS; i++) {
        start(&steps[0], &base);
        for (size_t k = 1; k < WINDOW_STEPS; k++) {
            steps[k] = steps[k - 1];
            accumulate(&steps[k], &base);
        }
        twice(&steps[WINDOW_STEPS], &steps[WINDOW_STEPS - 1]);
        make_affine(made, steps, WINDOW_STEPS + 1);
        memcpy(key->multiples[i], made, sizeof key->multiples[i]);
        base = made[WINDOW_STEPS];
    }
}

struct p256_key *p256_key_new(const uint8_t point[EC_POINT_LEN])
{
    struct p256_key *key = malloc(sizeof *key);
    if (key)
        multiples_make(key, point);
    return key;
}

void p256_key_free(struct p256_key *key) { free(key); }

static struct p256_key *generator;
static pthread_once_t generator_once = PTHREAD_ONCE_INIT;

static void generator_make(void)
{
    static const uint8_t point[EC_POINT_LEN] = {
        0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
        0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f,
        0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce,
        0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
    };
    generator = p256_key_new(point);
}

/* sum += n x the point of key: a digit of -63 to 64 for each window. */
static void add_product(struct jacobian *sum, const struct p256_key *key, const number n)
{
    int carry = 0;
    for (unsigned i = 0; i < WINDOWS; i++) {
        unsigned at = i * WINDOW_BITS, word = at / 64, shift = at % 64;
        uint64_t bits = n[word] >> shift;
        if (shift > 64 - WINDOW_BITS && word + 1 < WORDS)
            bits |= n[word + 1] << (64 - shift);
        int digit = (int)(bits & ((1u << WINDOW_BITS) - 1)) + carry;
        carry = digit > (int)WINDOW_STEPS;
        digit -= carry << WINDOW_BITS;
        if (digit > 0) {
            accumulate(sum, &key->multiples[i][digit - 1]);
        } else if (digit < 0) {
            struct affine negative = key->multiples[i][-digit - 1];
            sub(negative.y, field.m, negative.y);
            accumulate(sum, &negative);
        }
    }
}

/* ---- signatures ---- */

static bool in_range(const number n)
{
    number ignored;
    return !is_zero(n) && subtract(ignored, n, order.m);
}

/* Is x, a number of the field, that of the sum? */
static bool x_is(const struct jacobian *sum, const number x)
{
    number zz, form;
    mul(form, x, field.square);
    sqr(zz, sum->z);
    mul(form, form, zz);
    return equal(form, sum->x);
}

/* Is r what x of the sum leaves when divided by the order? x may be r, or r and the order once. */
static bool leaves(const struct jacobian *sum, const number r)
{
    number more, ignored;
    if (is_zero(sum->z))
        return false;
    if (x_is(sum, r))
        return true;
    return !plus(more, r, order.m) && subtract(ignored, more, field.m) && x_is(sum, more);
}

bool p256_verify(const struct p256_key *key, const uint8_t digest[EC_DIGEST_LEN],
                 const uint8_t signature[EC_SIGNATURE_LEN])
{
    number e, r, s, u1, u2;
    struct jacobian sum = { 0 };
    pthread_once(&generator_once, generator_make);
    number_read(r, signature);
    number_read(s, signature + EC_FIELD_LEN);
    if (!generator || !in_range(r) || !in_range(s))
        return false;
    number_read(e, digest);
    reduce(e, e, 0, &order);
    invert(s, s, &order);
    multiply(s, s, order.square, &order);
    multiply(u1, e, s, &order);
    multiply(u2, r, s, &order);
    add_product(&sum, generator, u1);
    add_product(&sum, key, u2);
    return leaves(&sum, r);
}

#else

struct p256_key *p256_key_new(const uint8_t point[EC_POINT_LEN])
{
    (void)point;
    return NULL;
}

void p256_key_free(struct p256_key *key) { (void)key; }

bool p256_verify(const struct p256_key *key, const uint8_t digest[EC_DIGEST_LEN],
                 const uint8_t signature[EC_SIGNATURE_LEN])
{
    (void)key, (void)digest, (void)signature;
    return false;
}

#endif
