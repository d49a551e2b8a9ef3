/* The object store: transactions, nesting, compaction, damage, and a tear at every octet of every write. */
#include "tests/support/test.h"

#include "euicc/euicc.h"
#include "euicc/nvm/nvm_memory.h"
#include "euicc/nvm/objects.h"

#define IMAGE 8192u
static const uint8_t card_id[16] = { 0x89 };

struct bench {
    struct nvm_memory memory;
    struct arena arena;
    struct objects *o;
};

static void bench_open(struct bench *b)
{
    arena_init(&b->arena, 1 << 20);
    assert_ok(objects_open(&b->arena, &b->memory.nvm, NULL, &b->o));
}

static void bench_close(struct bench *b)
{
    objects_close(b->o);
    arena_release(&b->arena);
}

static void bench_new(struct bench *b, size_t size)
{
    assert_ok(nvm_memory_init(&b->memory, size));
    arena_init(&b->arena, 1 << 20);
    assert_ok(objects_format(&b->arena, &b->memory.nvm, NULL, card_id, &b->o));
}

static void bench_done(struct bench *b)
{
    bench_close(b);
    nvm_memory_done(&b->memory);
}

static void assert_object(struct objects *o, object_key key, const char *want)
{
    uint8_t out[4096];
    size_t len;
    if (!want) {
        assert_fails(objects_get(o, key, out, sizeof out, &len), ERR_NOT_FOUND);
        return;
    }
    assert_ok(objects_get(o, key, out, sizeof out, &len));
    assert_span_equal(((struct span){ out, len }), span_text(want));
}

static void put_text(struct objects *o, object_key key, const char *text)
{
    assert_ok(objects_put(o, key, span_text(text)));
}

static void what_is_committed_is_there_after_opening_again(void **state)
{
    (void)state;
    struct bench b;
    bench_new(&b, IMAGE);
    uint32_t syncs = objects_counts(b.o).syncs;
    objects_begin(b.o);
    put_text(b.o, OBJECT_KEY(1, OBJ_FILE, 7), "seven");
    put_text(b.o, OBJECT_KEY(0, OBJ_CARD, 1), "card");
    assert_ok(objects_put2(b.o, OBJECT_KEY(1, OBJ_FILE, 8), span_text("ei"), span_text("ght")));
    assert_ok(objects_patch(b.o, OBJECT_KEY(1, OBJ_FILE, 7), 1, span_text("XX")));
    assert_ok(objects_commit(b.o));
    assert_int_equal(objects_counts(b.o).syncs, syncs + 1);
    bench_close(&b);
    bench_open(&b);
    assert_object(b.o, OBJECT_KEY(1, OBJ_FILE, 7), "sXXen");
    assert_object(b.o, OBJECT_KEY(1, OBJ_FILE, 8), "eight");
    assert_object(b.o, OBJECT_KEY(0, OBJ_CARD, 1), "card");
    assert_object(b.o, OBJECT_KEY(0, OBJ_CARD, 2), NULL);
    assert_int_equal(objects_used_by(b.o, 1), 2 * (5 + OBJECT_OVERHEAD));
    objects_begin(b.o);
    assert_ok(objects_delete_profile(b.o, 1));
    assert_int_equal(objects_used_by(b.o, 1), 0);
    assert_ok(objects_commit(b.o));
    assert_int_equal(objects_used_by(b.o, 1), 0);
    bench_close(&b);
    bench_open(&b);
    assert_object(b.o, OBJECT_KEY(1, OBJ_FILE, 7), NULL);
    assert_object(b.o, OBJECT_KEY(0, OBJ_CARD, 1), "card");
    bench_done(&b);
}

static void a_rollback_leaves_nothing(void **state)
{
    (void)state;
    struct bench b;
    bench_new(&b, IMAGE);
    objects_begin(b.o);
    put_text(b.o, 5, "old");
    assert_ok(objects_commit(b.o));
    objects_begin(b.o);
    put_text(b.o, 5, "new");
    put_text(b.o, 6, "six");
    assert_object(b.o, 5, "new");
    objects_rollback(b.o);
    assert_object(b.o, 5, "old");
    assert_object(b.o, 6, NULL);
    bench_close(&b);
    bench_open(&b);
    assert_object(b.o, 5, "old");
    assert_fails(objects_put(b.o, 5, span_text("x")), ERR_STATE); /* outside a transaction */
    assert_fails(objects_commit(b.o), ERR_STATE);
    bench_done(&b);
}

static void transactions_nest(void **state)
{
    (void)state;
    struct bench b;
    bench_new(&b, IMAGE);
    uint32_t syncs = objects_counts(b.o).syncs;
    objects_begin(b.o);
    put_text(b.o, 1, "a");
    objects_begin(b.o);
    put_text(b.o, 2, "b");
    assert_ok(objects_commit(b.o));
    assert_int_equal(objects_counts(b.o).syncs, syncs);
    assert_ok(objects_commit(b.o));
    assert_int_equal(objects_counts(b.o).syncs, syncs + 1);
    objects_begin(b.o);
    put_text(b.o, 1, "c");
    objects_begin(b.o);
    put_text(b.o, 2, "d");
    objects_rollback(b.o);
    assert_fails(objects_put(b.o, 3, span_text("x")), ERR_STATE);
    assert_fails(objects_commit(b.o), ERR_STATE);
    assert_false(objects_in_transaction(b.o));
    assert_object(b.o, 1, "a");
    assert_object(b.o, 2, "b");
    objects_begin(b.o); /* usable again */
    put_text(b.o, 3, "e");
    assert_ok(objects_commit(b.o));
    assert_object(b.o, 3, "e");
    bench_done(&b);
}

static void keys_come_in_order_with_the_writes_of_the_transaction(void **state)
{
    (void)state;
    struct bench b;
    bench_new(&b, IMAGE);
    objects_begin(b.o);
    put_text(b.o, 30, "c");
    put_text(b.o, 10, "a");
    put_text(b.o, 20, "b");
    assert_ok(objects_commit(b.o));
    objects_begin(b.o);
    assert_ok(objects_delete(b.o, 20));
    put_text(b.o, 15, "x");
    put_text(b.o, 40, "y");
    object_key key = 0, seen[8];
    size_t n = 0;
    for (; objects_next(b.o, key, 39, &key); key++)
        seen[n++] = key;
    assert_int_equal(n, 3);
    assert_int_equal(seen[0], 10);
    assert_int_equal(seen[1], 15);
    assert_int_equal(seen[2], 30);
    assert_ok(objects_commit(b.o));
    bench_done(&b);
}

static void the_log_is_compacted_and_never_loses_an_object(void **state)
{
    (void)state;
    struct bench b;
    uint8_t big[700];
    uint32_t compactions = 0;
    bench_new(&b, IMAGE);
    for (unsigned i = 0; i < 200; i++) {
        memset(big, (int)i, sizeof big);
        objects_begin(b.o);
        assert_ok(objects_put(b.o, i % 4, SPAN_OF(big)));
        assert_ok(objects_put(b.o, 100, (struct span){ big, 1 }));
        assert_ok(objects_commit(b.o));
        if (i % 37 == 0) {
            compactions += objects_counts(b.o).compactions;
            bench_close(&b);
            bench_open(&b);
        }
        for (unsigned back = 0; back < 4 && back <= i; back++) {
            uint8_t out[700];
            assert_ok(objects_read(b.o, (i - back) % 4, 0, out, sizeof out));
            assert_int_equal(out[0], i - back);
            assert_int_equal(out[699], i - back);
        }
    }
    assert_true(compactions > 20);
    bench_done(&b);
}

static void a_full_store_says_so_and_stays_as_it_was(void **state)
{
    (void)state;
    struct bench b;
    uint8_t big[1000] = { 1 };
    bench_new(&b, IMAGE);
    object_key key = 0;
    enum err err = ERR_NONE;
    while (err == ERR_NONE) {
        objects_begin(b.o);
        err = objects_put(b.o, key, SPAN_OF(big));
        if (err == ERR_NONE) {
            key++;
            assert_ok(objects_commit(b.o));
        } else {
            objects_rollback(b.o);
        }
    }
    assert_int_equal(err, ERR_NO_SPACE);
    assert_int_equal(key, 3); /* of about 4000 octets */
    assert_int_equal(objects_free(b.o), objects_capacity(b.o) - 3 * (1000 + OBJECT_OVERHEAD));
    objects_begin(b.o);
    assert_ok(objects_delete(b.o, 0));
    assert_ok(objects_commit(b.o));
    objects_begin(b.o);
    assert_ok(objects_put(b.o, 9, SPAN_OF(big)));
    assert_ok(objects_commit(b.o));
    bench_close(&b);
    bench_open(&b);
    assert_true(objects_has(b.o, 9));
    assert_false(objects_has(b.o, 0));
    bench_done(&b);
}

/* ---- tears ---- */

#define TEAR_IMAGE 2048u /* small: the script compacts several times */
#define TEAR_STEPS 40u

/* One step of a script: each writes a few objects, some delete and patch too. */
static enum err tear_step(struct objects *o, unsigned n)
{
    uint8_t body[90];
    memset(body, (int)n, sizeof body);
    objects_begin(o);
    enum err err = objects_put(o, n % 3, (struct span){ body, 30 + n % 60 });
    if (err == ERR_NONE)
        err = objects_put(o, 10, (struct span){ body, 4 });
    if (err == ERR_NONE && n % 4 == 3)
        err = objects_delete(o, (n + 1) % 3);
    if (err == ERR_NONE && n % 5 == 4)
        err = objects_patch(o, 10, 2, (struct span){ body, 1 });
    if (err != ERR_NONE) {
        objects_rollback(o);
        return err;
    }
    return objects_commit(o);
}

struct content {
    uint8_t bytes[1024];
    size_t len;
};

/* Everything in the store, to compare states. */
static void store_content(struct objects *o, struct content *ret)
{
    struct writer w = wr_of(ret->bytes, sizeof ret->bytes);
    for (object_key key = 0; objects_next(o, key, UINT32_MAX, &key); key++) {
        uint8_t body[128];
        size_t len;
        assert_ok(objects_get(o, key, body, sizeof body, &len));
        wr_u32(&w, key);
        wr_u8(&w, (uint8_t)len);
        wr_bytes(&w, (struct span){ body, len });
    }
    assert_int_equal(w.err, ERR_NONE);
    ret->len = w.len;
}

static bool content_eq(const struct content *a, const struct content *b)
{
    return span_eq((struct span){ a->bytes, a->len }, (struct span){ b->bytes, b->len });
}

static void a_tear_anywhere_leaves_before_or_after(void **state)
{
    (void)state;
    static struct content states[TEAR_STEPS + 1], now;
    uint64_t ends[TEAR_STEPS + 1];
    struct bench b;
    bench_new(&b, TEAR_IMAGE);
    uint64_t start = b.memory.written;
    for (unsigned n = 0;; n++) {
        store_content(b.o, &states[n]);
        ends[n] = b.memory.written - start;
        if (n == TEAR_STEPS)
            break;
        assert_ok(tear_step(b.o, n));
    }
    assert_true(objects_counts(b.o).compactions >= 3);
    bench_done(&b);

    for (uint64_t cut = 0; cut < ends[TEAR_STEPS]; cut++) {
        bench_new(&b, TEAR_IMAGE);
        nvm_memory_cut_after(&b.memory, cut);
        unsigned done = 0;
        while (tear_step(b.o, done) == ERR_NONE)
            done++;
        assert_true(done < TEAR_STEPS && cut >= ends[done] && cut <= ends[done + 1]);
        bench_close(&b);
        nvm_memory_power_on(&b.memory);
        bench_open(&b);
        store_content(b.o, &now);
        bool after = !content_eq(&now, &states[done]);
        assert_true(!after || content_eq(&now, &states[done + 1]));
        for (unsigned n = done + after; n < TEAR_STEPS; n++) /* life goes on */
            assert_ok(tear_step(b.o, n));
        bench_close(&b);
        bench_open(&b);
        store_content(b.o, &now);
        assert_true(content_eq(&now, &states[TEAR_STEPS]));
        bench_done(&b);
    }
}

static void a_tear_while_formatting_leaves_no_card_or_an_empty_one(void **state)
{
    (void)state;
    enum err err = ERR_IO;
    for (uint64_t cut = 0; err != ERR_NONE; cut++) {
        struct bench b;
        struct objects *o;
        assert_ok(nvm_memory_init(&b.memory, TEAR_IMAGE));
        arena_init(&b.arena, 1 << 20);
        nvm_memory_cut_after(&b.memory, cut);
        err = objects_format(&b.arena, &b.memory.nvm, NULL, card_id, &b.o);
        nvm_memory_power_on(&b.memory);
        enum err open = objects_open(&b.arena, &b.memory.nvm, NULL, &o);
        assert_true(open == ERR_NOT_FOUND || open == ERR_VERIFY || open == ERR_NONE);
        if (err == ERR_NONE)
            assert_int_equal(open, ERR_NONE);
        if (open == ERR_NONE)
            objects_close(o);
        arena_release(&b.arena);
        nvm_memory_done(&b.memory);
    }
}

/* Any octet that changes under committed content is found, or changes nothing that counts. The newest transaction is
 * excepted: damaged, it looks like a torn one. That is the price of one sync a commit. */
static void damage_is_found(void **state)
{
    (void)state;
    static struct content want, before, now;
    struct bench b;
    bench_new(&b, TEAR_IMAGE);
    for (unsigned n = 0; n < 7; n++) {
        store_content(b.o, &before);
        assert_ok(tear_step(b.o, n));
    }
    store_content(b.o, &want);
    bench_close(&b);
    unsigned found = 0;
    for (size_t at = 0; at < TEAR_IMAGE; at++) {
        b.memory.bytes[at] ^= 0x10;
        arena_init(&b.arena, 1 << 20);
        enum err err = objects_open(&b.arena, &b.memory.nvm, NULL, &b.o);
        if (err == ERR_NONE) {
            store_content(b.o, &now);
            assert_true(content_eq(&now, &want) || content_eq(&now, &before));
            objects_close(b.o);
        } else {
            assert_true(err == ERR_VERIFY || err == ERR_NOT_FOUND || err == ERR_UNSUPPORTED);
            found++;
        }
        arena_release(&b.arena);
        b.memory.bytes[at] ^= 0x10;
    }
    assert_true(found > 300);
    nvm_memory_done(&b.memory);
}

static void another_size_or_version_is_refused(void **state)
{
    (void)state;
    struct bench b;
    struct objects *o;
    bench_new(&b, IMAGE);
    b.memory.nvm.size = IMAGE / 2;
    assert_fails(objects_open(&b.arena, &b.memory.nvm, NULL, &o), ERR_UNSUPPORTED);
    b.memory.nvm.size = 100;
    assert_fails(objects_open(&b.arena, &b.memory.nvm, NULL, &o), ERR_NOT_FOUND);
    b.memory.nvm.size = IMAGE;
    memset(b.memory.bytes, 0, 8);
    assert_fails(objects_open(&b.arena, &b.memory.nvm, NULL, &o), ERR_NOT_FOUND);
    bench_done(&b);
}

/* A keystore anyone can see through: XOR with A5, the aad's last octet in front. */
static enum err toy_wrap(struct keys *k, struct span aad, struct span plain, uint8_t *out, size_t cap)
{
    (void)k;
    (void)cap;
    memset(out, 0, KEYS_WRAP_OVERHEAD);
    out[0] = aad.ptr[aad.len - 1];
    for (size_t i = 0; i < plain.len; i++)
        out[KEYS_WRAP_OVERHEAD + i] = plain.ptr[i] ^ 0xA5;
    return ERR_NONE;
}
static enum err toy_unwrap(struct keys *k, struct span aad, struct span wrapped, uint8_t *out, size_t cap)
{
    (void)k;
    (void)cap;
    if (wrapped.ptr[0] != aad.ptr[aad.len - 1])
        return ERR_VERIFY;
    for (size_t i = KEYS_WRAP_OVERHEAD; i < wrapped.len; i++)
        out[i - KEYS_WRAP_OVERHEAD] = wrapped.ptr[i] ^ 0xA5;
    return ERR_NONE;
}

static void secrets_are_wrapped_under_the_keystore(void **state)
{
    (void)state;
    struct keys toy = { toy_wrap, toy_unwrap, NULL };
    struct bench b;
    struct objects *o;
    size_t len;
    uint8_t out[64];
    assert_ok(nvm_memory_init(&b.memory, IMAGE));
    arena_init(&b.arena, 1 << 20);
    assert_ok(objects_format(&b.arena, &b.memory.nvm, &toy, card_id, &b.o));
    objects_begin(b.o);
    assert_ok(objects_put_secret(b.o, 77, span_text("very secret key!")));
    assert_ok(objects_commit(b.o));
    assert_null(memmem(b.memory.bytes, IMAGE, "very secret", 11));
    assert_ok(objects_read_secret(b.o, 77, out, sizeof out, &len));
    assert_span_equal(((struct span){ out, len }), span_text("very secret key!"));
    assert_ok(objects_len(b.o, 77, &len));
    assert_int_equal(len, 16);
    assert_fails(objects_read_secret(b.o, 77, out, 15, &len), ERR_TOO_LONG);
    assert_fails(objects_read(b.o, 77, 0, out, 4), ERR_STATE);
    objects_close(b.o);
    assert_fails(objects_open(&b.arena, &b.memory.nvm, NULL, &o), ERR_DENIED);
    bench_done(&b);
}

static void the_edge_is_exact_and_a_full_store_can_be_emptied(void **state)
{
    (void)state;
    struct bench b;
    uint8_t octets[IMAGE] = { 0 };
    bench_new(&b, IMAGE);
    object_key key = 0;
    for (; objects_free(b.o) >= 2 * (5 + OBJECT_OVERHEAD); key++) { /* small ones: a record for each when they go */
        objects_begin(b.o);
        assert_ok(objects_put(b.o, OBJECT_KEY(1, 2, key), (struct span){ octets, 5 }));
        assert_ok(objects_commit(b.o));
    }
    size_t left = objects_free(b.o) - OBJECT_OVERHEAD;
    objects_begin(b.o);
    assert_fails(objects_put(b.o, OBJECT_KEY(1, 2, key), (struct span){ octets, left + 1 }), ERR_NO_SPACE);
    assert_ok(objects_put(b.o, OBJECT_KEY(1, 2, key), (struct span){ octets, left }));
    assert_int_equal(objects_free(b.o), 0);
    assert_ok(objects_commit(b.o));
    assert_int_equal(objects_used(b.o), objects_capacity(b.o));
    objects_begin(b.o);
    assert_fails(objects_put(b.o, OBJECT_KEY(1, 3, 0), SPAN_NONE), ERR_NO_SPACE);
    assert_ok(objects_put(b.o, OBJECT_KEY(1, 2, 0), (struct span){ octets, 5 })); /* what is there may be changed */
    assert_ok(objects_patch(b.o, OBJECT_KEY(1, 2, 1), 1, (struct span){ octets, 3 }));
    assert_ok(objects_commit(b.o));
    objects_begin(b.o);
    assert_ok(objects_delete(b.o, OBJECT_KEY(1, 2, 3)));
    assert_int_equal(objects_free(b.o), 5 + OBJECT_OVERHEAD);
    objects_rollback(b.o);
    assert_int_equal(objects_free(b.o), 0);
    for (object_key last = 0; last <= key; last += 16) { /* a transaction of a few at a time: the reserve is small here */
        objects_begin(b.o);
        assert_ok(objects_delete_range(b.o, OBJECT_KEY(1, 2, last), OBJECT_KEY(1, 2, last + 15)));
        assert_ok(objects_commit(b.o));
    }
    assert_int_equal(objects_used(b.o), 0);
    assert_int_equal(objects_free(b.o), objects_capacity(b.o));
    bench_done(&b);
}

/* The card's own image: a profile of as many files as fit is deleted at once. */
static void a_full_card_gives_a_profile_back_at_once(void **state)
{
    (void)state;
    struct bench b;
    static const uint8_t octets[480] = { 1 };
    bench_new(&b, EUICC_NVM_DEFAULT);
    assert_true(objects_capacity(b.o) >= 512 * 1024);
    enum err err = ERR_NONE;
    for (object_key key = 0; err == ERR_NONE; key++) {
        objects_begin(b.o);
        err = objects_put(b.o, OBJECT_KEY(1, 2, key), SPAN_OF(octets));
        if (err == ERR_NONE)
            err = objects_commit(b.o);
        else
            objects_rollback(b.o);
    }
    assert_int_equal(err, ERR_NO_SPACE);
    assert_in_range(objects_free(b.o), 0, sizeof octets + OBJECT_OVERHEAD - 1);
    objects_begin(b.o);
    assert_ok(objects_delete_profile(b.o, 1));
    assert_ok(objects_commit(b.o));
    assert_int_equal(objects_free(b.o), objects_capacity(b.o));
    bench_done(&b);
}

/* ---- images on one base ---- */

static void fill_card(struct objects *o, const char *name, unsigned count)
{
    char text[40];
    objects_begin(o);
    put_text(o, 1, name);
    for (unsigned i = 2; i < count; i++) {
        snprintf(text, sizeof text, "what all cards have, number %u", i);
        put_text(o, i, text);
    }
    assert_ok(objects_commit(o));
}

static void a_card_on_the_base_of_another_holds_only_what_is_different(void **state)
{
    (void)state;
    struct bench model, other, shared = { 0 };
    static const uint8_t other_id[16] = { 0x77 };
    bench_new(&model, IMAGE);
    fill_card(model.o, "the first card", 60);
    bench_close(&model);
    assert_ok(nvm_memory_init(&other.memory, IMAGE));
    arena_init(&other.arena, 1 << 20);
    assert_ok(objects_format(&other.arena, &other.memory.nvm, NULL, other_id, &other.o));
    fill_card(other.o, "the second card", 58); /* two objects fewer, one different */
    bench_close(&other);

    assert_ok(nvm_memory_init_on(&shared.memory, IMAGE, nvm_memory_content(&model.memory)));
    assert_ok(objects_transfer(&other.memory.nvm, &shared.memory.nvm));
    assert_in_range(nvm_memory_own(&shared.memory), 1, 3 * (NVM_PAGE + 2));
    assert_in_range(nvm_memory_content(&model.memory).len, 2000, 4000);
    uint8_t header[64], wanted[64];
    assert_ok(shared.memory.nvm.read(&shared.memory.nvm, 0, header, sizeof header));
    assert_ok(other.memory.nvm.read(&other.memory.nvm, 0, wanted, sizeof wanted));
    assert_memory_equal(header, wanted, sizeof header);

    bench_open(&shared);
    assert_object(shared.o, 1, "the second card");
    assert_object(shared.o, 57, "what all cards have, number 57");
    assert_object(shared.o, 58, NULL);
    bench_close(&shared);
    bench_open(&model); /* the base is what it was */
    assert_object(model.o, 1, "the first card");
    assert_object(model.o, 59, "what all cards have, number 59");
    bench_done(&model);
    nvm_memory_done(&shared.memory);
    nvm_memory_done(&other.memory);
}

static void a_transfer_refuses_what_it_cannot_do(void **state)
{
    (void)state;
    struct bench a, b;
    struct nvm_memory nothing;
    bench_new(&a, IMAGE);
    bench_close(&a);
    bench_new(&b, 2 * IMAGE);
    bench_close(&b);
    assert_fails(objects_transfer(&a.memory.nvm, &b.memory.nvm), ERR_UNSUPPORTED);
    assert_ok(nvm_memory_init(&nothing, IMAGE));
    assert_fails(objects_transfer(&nothing.nvm, &a.memory.nvm), ERR_NOT_FOUND);
    assert_fails(objects_transfer(&a.memory.nvm, &nothing.nvm), ERR_NOT_FOUND);
    assert_fails(nvm_memory_init_on(&nothing, 16, (struct span){ a.memory.bytes, 17 }), ERR_TOO_LONG);
    nvm_memory_done(&nothing);
    nvm_memory_done(&a.memory);
    nvm_memory_done(&b.memory);
}

/* The same life on a flat memory and over a base: the same octets, also where the power fails. */
static void a_memory_on_a_base_is_a_memory(void **state)
{
    (void)state;
    struct nvm_memory flat, paged;
    uint8_t base[700], a[4096], b[4096];
    uint32_t seed = 7;
    memset(base, 0x5B, sizeof base);
    assert_ok(nvm_memory_init(&flat, sizeof a));
    assert_ok(nvm_memory_init_on(&paged, sizeof b, SPAN_OF(base)));
    memcpy(flat.bytes, base, sizeof base);
    for (unsigned i = 0; i < 400; i++) {
        uint8_t bytes[600];
        seed = seed * 1103515245u + 12345u;
        size_t len = seed >> 8 & 0x1FF, at = (seed >> 17) % (sizeof a - len);
        memset(bytes, (int)i, len);
        if (i == 300) {
            nvm_memory_cut_after(&flat, 100);
            nvm_memory_cut_after(&paged, 100);
        }
        assert_int_equal(flat.nvm.write(&flat.nvm, at, (struct span){ bytes, len }),
                         paged.nvm.write(&paged.nvm, at, (struct span){ bytes, len }));
        if (i == 310) {
            nvm_memory_power_on(&flat);
            nvm_memory_power_on(&paged);
        }
        if (i < 300 || i > 310) {
            assert_ok(flat.nvm.read(&flat.nvm, 0, a, sizeof a));
            assert_ok(paged.nvm.read(&paged.nvm, 0, b, sizeof b));
            assert_memory_equal(a, b, sizeof a);
        }
    }
    assert_int_equal(flat.written, paged.written);
    assert_int_equal(paged.nvm.read(&paged.nvm, sizeof b - 1, b, 2), ERR_IO);
    nvm_memory_done(&flat);
    nvm_memory_done(&paged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_committed_is_there_after_opening_again),
        cmocka_unit_test(a_rollback_leaves_nothing),
        cmocka_unit_test(transactions_nest),
        cmocka_unit_test(keys_come_in_order_with_the_writes_of_the_transaction),
        cmocka_unit_test(the_log_is_compacted_and_never_loses_an_object),
        cmocka_unit_test(a_full_store_says_so_and_stays_as_it_was),
        cmocka_unit_test(a_tear_anywhere_leaves_before_or_after),
        cmocka_unit_test(a_tear_while_formatting_leaves_no_card_or_an_empty_one),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(another_size_or_version_is_refused),
        cmocka_unit_test(secrets_are_wrapped_under_the_keystore),
        cmocka_unit_test(the_edge_is_exact_and_a_full_store_can_be_emptied),
        cmocka_unit_test(a_full_card_gives_a_profile_back_at_once),
        cmocka_unit_test(a_card_on_the_base_of_another_holds_only_what_is_different),
        cmocka_unit_test(a_transfer_refuses_what_it_cannot_do),
        cmocka_unit_test(a_memory_on_a_base_is_a_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
