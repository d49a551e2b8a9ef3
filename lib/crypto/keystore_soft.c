#include "keystore_soft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gcm.h"
#include "lib/base/mutant.h"
#include "lib/codec/hex.h"
#include "openssl.h"

#define WRAPPED_HEAD       "OSPREY-WRAPPED-KEY 1\n"
#define WRAPPED_PLAIN_LEN  (1 + EC_FIELD_LEN) /* curve, scalar */
#define WRAPPED_OCTETS_LEN (WRAPPED_PLAIN_LEN + KEYS_WRAP_OVERHEAD)
#define WRAP_AAD_MAX       (KEYSTORE_NAME_MAX + 16)

struct named_key {
    char name[KEYSTORE_NAME_MAX];
    struct ec_key *key;
};

struct keystore_soft {
    struct keys keys; /* first: the seam leads back to the whole */
    struct rng *rng;
    uint8_t master[KEYSTORE_MASTER_LEN];
    struct named_key named[KEYSTORE_KEYS_MAX];
    size_t count;
};

static struct keystore_soft *store_of(struct keys *keys) { return (struct keystore_soft *)keys; }

static bool random_fill(struct rng *rng, uint8_t *out, size_t len)
{
    if (!rng)
        return RAND_bytes(out, (int)len) == 1;
    rng->fill(rng, out, len);
    return true;
}

static enum err soft_wrap(struct keys *keys, struct span aad, struct span plain, uint8_t *out, size_t out_cap)
{
    struct keystore_soft *ks = store_of(keys);
    if (out_cap < plain.len + KEYS_WRAP_OVERHEAD)
        return ERR_NO_SPACE;
    if (!random_fill(ks->rng, out, GCM_NONCE_LEN))
        return ERR_CRYPTO;
    uint8_t *cipher = out + GCM_NONCE_LEN;
    enum err err = gcm_seal(ks->master, out, aad, plain, cipher, cipher + plain.len);
    if (MUTANT(wraps_nothing))
        memcpy(cipher, plain.ptr, plain.len);
    return err;
}

static enum err soft_unwrap(struct keys *keys, struct span aad, struct span wrapped, uint8_t *out, size_t out_cap)
{
    if (wrapped.len < KEYS_WRAP_OVERHEAD)
        return ERR_TRUNCATED;
    struct span cipher = span_sub(wrapped, GCM_NONCE_LEN, wrapped.len - KEYS_WRAP_OVERHEAD);
    if (out_cap < cipher.len)
        return ERR_NO_SPACE;
    if (MUTANT(wraps_nothing)) {
        memcpy(out, cipher.ptr, cipher.len);
        return ERR_NONE;
    }
    return gcm_open(store_of(keys)->master, wrapped.ptr, aad, cipher, cipher.ptr + cipher.len, out);
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

enum err keystore_soft_new(struct span master, struct rng *rng, struct keystore_soft **ret)
{
    if (master.len != KEYSTORE_MASTER_LEN)
        return ERR_BAD_LENGTH;
    struct keystore_soft *ks = calloc(1, sizeof *ks);
    if (!ks)
        return ERR_NO_MEMORY;
    ks->keys = (struct keys){ soft_wrap, soft_unwrap, soft_sign };
    ks->rng = rng;
    memcpy(ks->master, master.ptr, KEYSTORE_MASTER_LEN);
    *ret = ks;
    return ERR_NONE;
}

void keystore_soft_free(struct keystore_soft *ks)
{
    if (!ks)
        return;
    for (size_t i = 0; i < ks->count; i++)
        ec_key_free(ks->named[i].key);
    wipe(ks, sizeof *ks);
    free(ks);
}

struct keys *keystore_soft_keys(struct keystore_soft *ks) { return &ks->keys; }

/* ---- files ---- */

static bool read_whole(int fd, uint8_t *buf, size_t cap, size_t *ret_len)
{
    size_t len = 0;
    ssize_t n = 0;
    while (len < cap && (n = read(fd, buf + len, cap - len)) > 0)
        len += (size_t)n;
    *ret_len = len;
    return n >= 0;
}

static enum err file_read(const char *path, bool secret, uint8_t buf[KEYSTORE_FILE_MAX], size_t *ret_len)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    enum err err = ERR_NONE;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        err = ERR_IO;
    else if (secret && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        err = ERR_DENIED;
    else if (st.st_size >= (off_t)KEYSTORE_FILE_MAX)
        err = ERR_TOO_LONG;
    else if (!read_whole(fd, buf, KEYSTORE_FILE_MAX, ret_len))
        err = ERR_IO;
    close(fd);
    return err;
}

static bool write_whole(int fd, struct span bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno != EINTR)
            return false;
        bytes = span_from(bytes, n > 0 ? (size_t)n : 0);
    }
    return fsync(fd) == 0;
}

static enum err file_create(const char *path, struct span bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return errno == EEXIST ? ERR_EXISTS : ERR_IO;
    bool good = write_whole(fd, bytes);
    if (close(fd) != 0 || !good) {
        unlink(path);
        return ERR_IO;
    }
    return ERR_NONE;
}

static bool is_blank(uint8_t c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

static struct span trimmed(struct span s)
{
    while (s.len && is_blank(s.ptr[0]))
        s = span_from(s, 1);
    while (s.len && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

static enum err master_create(const char *path, struct rng *rng, uint8_t master[KEYSTORE_MASTER_LEN])
{
    WRITER_ON_STACK(text, 2 * KEYSTORE_MASTER_LEN + 1);
    if (!random_fill(rng, master, KEYSTORE_MASTER_LEN))
        return ERR_CRYPTO;
    wr_hex(&text, (struct span){ master, KEYSTORE_MASTER_LEN });
    wr_u8(&text, '\n');
    enum err err = file_create(path, wr_span(&text));
    wipe(text_memory, sizeof text_memory);
    return err;
}

static enum err master_read(const char *path, uint8_t master[KEYSTORE_MASTER_LEN])
{
    uint8_t text[KEYSTORE_FILE_MAX];
    size_t len = 0;
    enum err err = file_read(path, true, text, &len);
    if (err == ERR_NONE && hex_read_exact(trimmed((struct span){ text, len }), master, KEYSTORE_MASTER_LEN) != ERR_NONE)
        err = ERR_BAD_VALUE;
    wipe(text, len);
    return err;
}

enum err keystore_soft_open(const char *master_path, bool create, struct rng *rng, struct keystore_soft **ret)
{
    uint8_t master[KEYSTORE_MASTER_LEN];
    enum err err = master_read(master_path, master);
    if (err == ERR_NOT_FOUND && create)
        err = master_create(master_path, rng, master);
    if (err == ERR_NONE)
        err = keystore_soft_new(SPAN_OF(master), rng, ret);
    wipe(master, sizeof master);
    return err;
}

/* ---- keys by name ---- */

struct ec_key *keystore_soft_key(struct keystore_soft *ks, const char *name)
{
    for (size_t i = 0; i < ks->count; i++)
        if (strcmp(ks->named[i].name, name) == 0)
            return ks->named[i].key;
    return NULL;
}

static enum err may_add(struct keystore_soft *ks, const char *name)
{
    if (strlen(name) >= KEYSTORE_NAME_MAX)
        return ERR_TOO_LONG;
    if (keystore_soft_key(ks, name))
        return ERR_EXISTS;
    return ks->count < KEYSTORE_KEYS_MAX ? ERR_NONE : ERR_NO_SPACE;
}

enum err keystore_soft_add(struct keystore_soft *ks, const char *name, struct ec_key *key)
{
    enum err err = may_add(ks, name);
    if (err != ERR_NONE) {
        ec_key_free(key);
        return err;
    }
    struct named_key *row = &ks->named[ks->count++];
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

enum err keystore_soft_save(struct keystore_soft *ks, const char *name, const char *path)
{
    uint8_t plain[WRAPPED_PLAIN_LEN], wrapped[WRAPPED_OCTETS_LEN], aad[WRAP_AAD_MAX];
    WRITER_ON_STACK(text, sizeof WRAPPED_HEAD + KEYSTORE_NAME_MAX + 2 * WRAPPED_OCTETS_LEN + 2);
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
    wr_printf(&text, WRAPPED_HEAD "%s\n", name);
    wr_hex(&text, SPAN_OF(wrapped));
    wr_u8(&text, '\n');
    return text.err == ERR_NONE ? file_create(path, wr_span(&text)) : text.err;
}

static struct span line_of(struct span *text)
{
    const uint8_t *end = text->len ? memchr(text->ptr, '\n', text->len) : NULL;
    size_t len = end ? (size_t)(end - text->ptr) : text->len;
    struct span line = span_sub(*text, 0, len);
    *text = span_from(*text, len + 1);
    return line;
}

static enum err wrapped_key_read(struct keystore_soft *ks, struct span text, struct ec_key **ret)
{
    uint8_t wrapped[WRAPPED_OCTETS_LEN], plain[WRAPPED_PLAIN_LEN], aad[WRAP_AAD_MAX];
    struct span name = line_of(&text);
    if (name.len >= KEYSTORE_NAME_MAX || hex_read_exact(trimmed(text), wrapped, sizeof wrapped) != ERR_NONE)
        return ERR_BAD_VALUE;
    enum err err = soft_unwrap(&ks->keys, wrap_aad(name, aad), SPAN_OF(wrapped), plain, sizeof plain);
    if (err == ERR_NONE)
        err = ec_private_new((enum ec_curve)plain[0], span_from(SPAN_OF(plain), 1), ret);
    wipe(plain, sizeof plain);
    return err;
}

static enum err key_read(struct keystore_soft *ks, struct span text, struct ec_key **ret)
{
    struct span head = SPAN_LIT(WRAPPED_HEAD);
    if (span_eq(span_sub(text, 0, head.len), head))
        return wrapped_key_read(ks, span_from(text, head.len), ret);
    return ec_private_read_pem(text, ret);
}

bool keystore_soft_is_wrapped(const char *path)
{
    uint8_t text[KEYSTORE_FILE_MAX];
    size_t len = 0;
    struct span head = SPAN_LIT(WRAPPED_HEAD);
    bool wrapped = file_read(path, false, text, &len) == ERR_NONE &&
                   span_eq(span_sub((struct span){ text, len }, 0, head.len), head);
    wipe(text, sizeof text);
    return wrapped;
}

enum err keystore_soft_read(struct keystore_soft *ks, const char *path, struct ec_key **ret)
{
    uint8_t text[KEYSTORE_FILE_MAX];
    size_t len = 0;
    enum err err = file_read(path, false, text, &len);
    if (err == ERR_NONE)
        err = key_read(ks, (struct span){ text, len }, ret);
    wipe(text, sizeof text);
    return err;
}

enum err keystore_soft_load(struct keystore_soft *ks, const char *name, const char *path)
{
    struct ec_key *key = NULL;
    enum err err = keystore_soft_read(ks, path, &key);
    return err == ERR_NONE ? keystore_soft_add(ks, name, key) : err;
}
