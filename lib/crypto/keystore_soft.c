#include "keystore_soft.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "gcm.h"
#include "key_file.h"
#include "lib/base/mutant.h"
#include "lib/codec/hex.h"
#include "lib/codec/reader.h"
#include "openssl.h"
#include "token.h"

#define WRAPPED_HEAD       "OSPREY-WRAPPED-KEY 1\n"
#define WRAPPED_PLAIN_LEN  (1 + EC_FIELD_LEN) /* curve, scalar */
#define WRAPPED_OCTETS_LEN (WRAPPED_PLAIN_LEN + KEYS_WRAP_OVERHEAD)
#define KEY_FILE_TEXT_MAX  (sizeof WRAPPED_HEAD + KEYSTORE_NAME_MAX + 2 * WRAPPED_OCTETS_LEN + 2)
#define WRAP_AAD_MAX       (KEYSTORE_NAME_MAX + 16)
#define ID_LEN             4u /* of the master key: the first octets of the nonce, the others are drawn */

struct named_key {
    char name[KEYSTORE_NAME_MAX];
    struct ec_key *key;
};

struct key_ring {
    struct master_key masters[KEYSTORE_MASTERS_MAX]; /* the present one first */
    size_t master_count;
    struct named_key named[KEYSTORE_KEYS_MAX];
    size_t count;
};

struct keystore_soft {
    struct keys keys; /* first: the seam leads back to the whole */
    struct rng *rng;
    struct key_ring ring;
};

static struct keystore_soft *store_of(struct keys *keys) { return (struct keystore_soft *)keys; }

static bool random_fill(struct rng *rng, uint8_t *out, size_t len)
{
    if (!rng)
        return RAND_bytes(out, (int)len) == 1;
    rng->fill(rng, out, len);
    return true;
}

/* ---- wrapping */

static void id_write(uint32_t id, uint8_t out[ID_LEN])
{
    for (size_t i = 0; i < ID_LEN; i++)
        out[i] = (uint8_t)(id >> (24 - 8 * i));
}

static uint32_t id_of(struct span wrapped)
{
    struct reader r = rd_of(wrapped);
    return rd_u32(&r);
}

static enum err soft_wrap(struct keys *keys, struct span aad, struct span plain, uint8_t *out, size_t out_cap)
{
    struct keystore_soft *ks = store_of(keys);
    const struct master_key *master = &ks->ring.masters[0];
    uint8_t row[MASTER_KEY_LEN], *cipher = out + GCM_NONCE_LEN;
    if (out_cap < plain.len + KEYS_WRAP_OVERHEAD)
        return ERR_NO_SPACE;
    if (!random_fill(ks->rng, out, GCM_NONCE_LEN))
        return ERR_CRYPTO;
    id_write(master->id, out);
    enum err err = master_key_of_row(master, aad, row);
    if (err == ERR_NONE)
        err = gcm_seal(row, out, aad, plain, cipher, cipher + plain.len);
    if (MUTANT(wraps_nothing))
        memcpy(cipher, plain.ptr, plain.len);
    wipe(row, sizeof row);
    return err;
}

static enum err open_with(const uint8_t key[MASTER_KEY_LEN], struct span aad, struct span wrapped, uint8_t *out)
{
    struct span cipher = span_sub(wrapped, GCM_NONCE_LEN, wrapped.len - KEYS_WRAP_OVERHEAD);
    return gcm_open(key, wrapped.ptr, aad, cipher, cipher.ptr + cipher.len, out);
}

static enum err open_row(const struct master_key *master, struct span aad, struct span wrapped, uint8_t *out)
{
    uint8_t row[MASTER_KEY_LEN];
    enum err err = master_key_of_row(master, aad, row);
    if (err == ERR_NONE)
        err = open_with(row, aad, wrapped, out);
    wipe(row, sizeof row);
    return err;
}

/* Values of before key ids were wrapped under the master key itself, with a nonce drawn whole: whether one is of that
 * form only its tag can tell. *ret_present: it is under the present master key, in the form of today. */
static enum err ring_open(const struct key_ring *ring, struct span aad, struct span wrapped, uint8_t *out,
                          bool *ret_present)
{
    enum err err = ERR_VERIFY;
    for (size_t i = 0; err == ERR_VERIFY && i < ring->master_count; i++)
        if (ring->masters[i].id == id_of(wrapped)) {
            err = open_row(&ring->masters[i], aad, wrapped, out);
            *ret_present = i == 0;
        }
    for (size_t i = 0; err == ERR_VERIFY && i < ring->master_count; i++) {
        err = open_with(ring->masters[i].key, aad, wrapped, out);
        *ret_present = false;
    }
    return err;
}

static enum err soft_unwrap(struct keys *keys, struct span aad, struct span wrapped, uint8_t *out, size_t out_cap)
{
    bool present;
    if (wrapped.len < KEYS_WRAP_OVERHEAD)
        return ERR_TRUNCATED;
    if (out_cap < wrapped.len - KEYS_WRAP_OVERHEAD)
        return ERR_NO_SPACE;
    if (MUTANT(wraps_nothing)) {
        memcpy(out, wrapped.ptr + GCM_NONCE_LEN, wrapped.len - KEYS_WRAP_OVERHEAD);
        return ERR_NONE;
    }
    return ring_open(&store_of(keys)->ring, aad, wrapped, out, &present);
}

static enum err soft_rewrap(struct keys *keys, struct span aad, struct span wrapped, uint8_t *out, bool *ret_changed)
{
    bool present = true;
    size_t len = wrapped.len - KEYS_WRAP_OVERHEAD;
    if (wrapped.len < KEYS_WRAP_OVERHEAD)
        return ERR_TRUNCATED;
    uint8_t *plain = malloc(len + 1);
    if (!plain)
        return ERR_NO_MEMORY;
    enum err err = ring_open(&store_of(keys)->ring, aad, wrapped, plain, &present);
    if (err == ERR_NONE && !present)
        err = soft_wrap(keys, aad, (struct span){ plain, len }, out, wrapped.len);
    if (err == ERR_NONE)
        *ret_changed = !present;
    wipe(plain, len);
    free(plain);
    return err;
}

static uint32_t soft_master_id(struct keys *keys) { return store_of(keys)->ring.masters[0].id; }

static bool soft_master_known(struct keys *keys, uint32_t id)
{
    const struct key_ring *ring = &store_of(keys)->ring;
    for (size_t i = 0; i < ring->master_count; i++)
        if (ring->masters[i].id == id)
            return true;
    return false;
}

static enum err soft_sign(struct keys *keys, const char *name, struct span message, uint8_t *out, size_t out_cap,
                          size_t *ret_len)
{
    struct ec_key *key = keystore_soft_key(store_of(keys), name);
    if (!key)
        return ERR_NOT_FOUND;
    if (out_cap < EC_SIGNATURE_LEN)
        return ERR_NO_SPACE;
    enum err err = ec_sign(key, message, out);
    if (err == ERR_NONE)
        *ret_len = EC_SIGNATURE_LEN;
    return err;
}

/* ---- life */

/* Pages of its own: neither swapped nor dumped, where the system allows that. */
static struct keystore_soft *memory_new(void)
{
    struct keystore_soft *ks = mmap(NULL, sizeof *ks, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ks == MAP_FAILED)
        return NULL;
    (void)!mlock(ks, sizeof *ks);
    (void)!madvise(ks, sizeof *ks, MADV_DONTDUMP);
    return ks;
}

enum err keystore_soft_of(const struct master_key *master, struct rng *rng, struct keystore_soft **ret)
{
    struct keystore_soft *ks = memory_new();
    if (!ks)
        return ERR_NO_MEMORY;
    ks->keys = (struct keys){ soft_wrap, soft_unwrap, soft_sign, soft_rewrap, soft_master_id, soft_master_known };
    ks->rng = rng;
    ks->ring.masters[ks->ring.master_count++] = *master;
    *ret = ks;
    return ERR_NONE;
}

enum err keystore_soft_new(struct span master, struct rng *rng, struct keystore_soft **ret)
{
    struct master_key made;
    if (master.len != KEYSTORE_MASTER_LEN)
        return ERR_BAD_LENGTH;
    enum err err = master_key_set(&made, master.ptr);
    if (err == ERR_NONE)
        err = keystore_soft_of(&made, rng, ret);
    wipe(&made, sizeof made);
    return err;
}

enum err keystore_soft_add_master(struct keystore_soft *ks, const struct master_key *master)
{
    struct key_ring *ring = &ks->ring;
    if (soft_master_known(&ks->keys, master->id))
        return ERR_NONE;
    if (ring->master_count == KEYSTORE_MASTERS_MAX)
        return ERR_NO_SPACE;
    ring->masters[ring->master_count++] = *master;
    return ERR_NONE;
}

void keystore_soft_exchange(struct keystore_soft *a, struct keystore_soft *b)
{
    struct key_ring ring = a->ring;
    a->ring = b->ring;
    b->ring = ring;
    wipe(&ring, sizeof ring);
}

void keystore_soft_free(struct keystore_soft *ks)
{
    if (!ks)
        return;
    for (size_t i = 0; i < ks->ring.count; i++)
        ec_key_free(ks->ring.named[i].key);
    wipe(ks, sizeof *ks);
    munmap(ks, sizeof *ks);
}

struct keys *keystore_soft_keys(struct keystore_soft *ks) { return &ks->keys; }

enum err keystore_soft_open(const char *master_path, bool create, struct rng *rng, struct keystore_soft **ret)
{
    struct master_key master;
    enum err err = master_key_read(master_path, &master, NULL);
    if (err == ERR_NOT_FOUND && create)
        err = master_key_create(master_path, NULL, rng, &master, NULL);
    if (err == ERR_NONE)
        err = keystore_soft_of(&master, rng, ret);
    wipe(&master, sizeof master);
    return err;
}

/* ---- keys by name ---- */

struct ec_key *keystore_soft_key(struct keystore_soft *ks, const char *name)
{
    for (size_t i = 0; i < ks->ring.count; i++)
        if (strcmp(ks->ring.named[i].name, name) == 0)
            return ks->ring.named[i].key;
    return NULL;
}

static enum err may_add(struct keystore_soft *ks, const char *name)
{
    if (strlen(name) >= KEYSTORE_NAME_MAX)
        return ERR_TOO_LONG;
    if (keystore_soft_key(ks, name))
        return ERR_EXISTS;
    return ks->ring.count < KEYSTORE_KEYS_MAX ? ERR_NONE : ERR_NO_SPACE;
}

enum err keystore_soft_add(struct keystore_soft *ks, const char *name, struct ec_key *key)
{
    enum err err = may_add(ks, name);
    if (err != ERR_NONE) {
        ec_key_free(key);
        return err;
    }
    struct named_key *row = &ks->ring.named[ks->ring.count++];
    memcpy(row->name, name, strlen(name) + 1);
    row->key = key;
    return ERR_NONE;
}

static struct span wrap_aad(struct span name, uint8_t out[WRAP_AAD_MAX])
{
    struct writer w = wr_of(out, WRAP_AAD_MAX);
    wr_text(&w, "private-key/");
    wr_bytes(&w, name);
    return wr_span(&w);
}

/* ---- key files: the head, the name, the wrapped key in hexadecimal digits */

static void file_text(struct writer *w, struct span name, const uint8_t wrapped[WRAPPED_OCTETS_LEN])
{
    wr_text(w, WRAPPED_HEAD);
    wr_bytes(w, name);
    wr_u8(w, '\n');
    wr_hex(w, (struct span){ wrapped, WRAPPED_OCTETS_LEN });
    wr_u8(w, '\n');
}

static bool is_wrapped(struct span text)
{
    struct span head = SPAN_LIT(WRAPPED_HEAD);
    return span_eq(span_sub(text, 0, head.len), head);
}

static enum err file_parse(struct span text, struct span *ret_name, uint8_t wrapped[WRAPPED_OCTETS_LEN])
{
    text = span_from(text, strlen(WRAPPED_HEAD));
    *ret_name = key_file_line(&text);
    if (ret_name->len >= KEYSTORE_NAME_MAX ||
        hex_read_exact(key_file_trimmed(text), wrapped, WRAPPED_OCTETS_LEN) != ERR_NONE)
        return ERR_BAD_VALUE;
    return ERR_NONE;
}

enum err keystore_soft_save(struct keystore_soft *ks, const char *name, const char *path)
{
    uint8_t plain[WRAPPED_PLAIN_LEN], wrapped[WRAPPED_OCTETS_LEN], aad[WRAP_AAD_MAX];
    WRITER_ON_STACK(text, KEY_FILE_TEXT_MAX);
    struct ec_key *key = keystore_soft_key(ks, name);
    if (!key)
        return ERR_NOT_FOUND;
    plain[0] = (uint8_t)ec_key_curve(key);
    enum err err = ec_key_scalar(key, plain + 1);
    if (err == ERR_NONE)
        err = soft_wrap(&ks->keys, wrap_aad(span_text(name), aad), SPAN_OF(plain), wrapped, sizeof wrapped);
    wipe(plain, sizeof plain);
    if (err != ERR_NONE)
        return err;
    file_text(&text, span_text(name), wrapped);
    return text.err == ERR_NONE ? key_file_create(path, wr_span(&text)) : text.err;
}

static enum err wrapped_key_read(struct keystore_soft *ks, struct span text, struct ec_key **ret)
{
    uint8_t wrapped[WRAPPED_OCTETS_LEN], plain[WRAPPED_PLAIN_LEN], aad[WRAP_AAD_MAX];
    struct span name;
    enum err err = file_parse(text, &name, wrapped);
    if (err == ERR_NONE)
        err = soft_unwrap(&ks->keys, wrap_aad(name, aad), SPAN_OF(wrapped), plain, sizeof plain);
    if (err == ERR_NONE)
        err = ec_private_new((enum ec_curve)plain[0], span_from(SPAN_OF(plain), 1), ret);
    wipe(plain, sizeof plain);
    return err;
}

static enum err file_rewrap(struct keystore_soft *ks, const char *path, struct span text, bool *ret_changed)
{
    uint8_t wrapped[WRAPPED_OCTETS_LEN], again[WRAPPED_OCTETS_LEN], aad[WRAP_AAD_MAX];
    WRITER_ON_STACK(next, KEY_FILE_TEXT_MAX);
    struct span name;
    enum err err = file_parse(text, &name, wrapped);
    if (err == ERR_NONE)
        err = soft_rewrap(&ks->keys, wrap_aad(name, aad), SPAN_OF(wrapped), again, ret_changed);
    if (err != ERR_NONE || !*ret_changed)
        return err;
    file_text(&next, name, again);
    return next.err == ERR_NONE ? key_file_replace(path, wr_span(&next)) : next.err;
}

enum err keystore_soft_rewrap_file(struct keystore_soft *ks, const char *path, bool *ret_changed)
{
    uint8_t text[KEY_FILE_MAX];
    size_t len = 0;
    bool changed = false;
    enum err err = token_uri_is(path) ? ERR_NONE : key_file_read(path, false, text, &len);
    if (err == ERR_NONE && is_wrapped((struct span){ text, len }))
        err = file_rewrap(ks, path, (struct span){ text, len }, &changed);
    wipe(text, sizeof text);
    if (err == ERR_NONE)
        *ret_changed = changed;
    return err;
}

bool keystore_soft_is_wrapped(const char *path)
{
    uint8_t text[KEY_FILE_MAX];
    size_t len = 0;
    bool wrapped = key_file_read(path, false, text, &len) == ERR_NONE && is_wrapped((struct span){ text, len });
    wipe(text, sizeof text);
    return wrapped;
}

static enum err file_read_key(struct keystore_soft *ks, const char *path, struct ec_key **ret)
{
    uint8_t text[KEY_FILE_MAX];
    size_t len = 0;
    enum err err = key_file_read(path, false, text, &len);
    struct span whole = { text, len };
    if (err == ERR_NONE)
        err = is_wrapped(whole) ? wrapped_key_read(ks, whole, ret) : ec_private_read_pem(whole, ret);
    wipe(text, sizeof text);
    return err;
}

enum err keystore_soft_read(struct keystore_soft *ks, const char *path, struct ec_key **ret, char *ret_detail)
{
    if (token_uri_is(path))
        return token_private_key(path, ret, ret_detail);
    enum err err = file_read_key(ks, path, ret);
    if (err != ERR_NONE && ret_detail)
        snprintf(ret_detail, TOKEN_DETAIL_MAX, "%s: %s", path, err_text(err));
    return err;
}

enum err keystore_soft_load(struct keystore_soft *ks, const char *name, const char *path, char *ret_detail)
{
    struct ec_key *key = NULL;
    enum err err = keystore_soft_read(ks, path, &key, ret_detail);
    if (err == ERR_NONE && (err = keystore_soft_add(ks, name, key)) != ERR_NONE && ret_detail)
        snprintf(ret_detail, TOKEN_DETAIL_MAX, "%s: %s", name, err_text(err));
    return err;
}
