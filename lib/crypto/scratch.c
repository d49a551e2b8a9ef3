#include "scratch.h"

#include <pthread.h>
#include <stdlib.h>

#define SLOTS 4u /* keys kept for each mode, direction and key length */

struct scratch {
    struct aes_slot aes[MODE_COUNT][2][3][SLOTS];
    uint32_t turn;
    EVP_MD_CTX *digest[DIGEST_COUNT];
};

static struct {
    EVP_CIPHER *aes[MODE_COUNT][3], *des3[2];
    EVP_MD *digest[DIGEST_COUNT];
    pthread_key_t at_thread_end;
} fetched;

static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;
static __thread struct scratch *own_scratch;

static int size_index(size_t key_len) { return key_len == 16 ? 0 : key_len == 24 ? 1 : key_len == 32 ? 2 : -1; }

static void scratch_free(void *memory)
{
    struct scratch *s = memory;
    struct aes_slot *slots = &s->aes[0][0][0][0];
    for (size_t i = 0; i < sizeof s->aes / sizeof *slots; i++)
        EVP_CIPHER_CTX_free(slots[i].context);
    for (int i = 0; i < DIGEST_COUNT; i++)
        EVP_MD_CTX_free(s->digest[i]);
    wipe(s, sizeof *s);
    free(s);
}

static void fetch_all(void)
{
    static const char *const aes[MODE_COUNT][3] = {
        [MODE_ECB] = { "AES-128-ECB", "AES-192-ECB", "AES-256-ECB" },
        [MODE_CBC] = { "AES-128-CBC", "AES-192-CBC", "AES-256-CBC" },
        [MODE_CTR] = { "AES-128-CTR", "AES-192-CTR", "AES-256-CTR" },
        [MODE_GCM] = { "AES-128-GCM", "AES-192-GCM", "AES-256-GCM" },
    };
    for (int mode = 0; mode < MODE_COUNT; mode++)
        for (int size = 0; size < 3; size++)
            fetched.aes[mode][size] = EVP_CIPHER_fetch(NULL, aes[mode][size], NULL);
    fetched.des3[0] = EVP_CIPHER_fetch(NULL, "DES-EDE-CBC", NULL);
    fetched.des3[1] = EVP_CIPHER_fetch(NULL, "DES-EDE3-CBC", NULL);
    fetched.digest[DIGEST_SHA1] = EVP_MD_fetch(NULL, "SHA1", NULL);
    fetched.digest[DIGEST_SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (pthread_key_create(&fetched.at_thread_end, scratch_free) != 0)
        abort();
}

const EVP_CIPHER *algorithm_aes(enum cipher_mode mode, size_t key_len)
{
    pthread_once(&fetch_once, fetch_all);
    int size = size_index(key_len);
    return size < 0 ? NULL : fetched.aes[mode][size];
}

const EVP_CIPHER *algorithm_des3(size_t key_len)
{
    pthread_once(&fetch_once, fetch_all);
    return key_len == 16 ? fetched.des3[0] : key_len == 24 ? fetched.des3[1] : NULL;
}

const EVP_MD *algorithm_digest(enum digest_kind kind)
{
    pthread_once(&fetch_once, fetch_all);
    return fetched.digest[kind];
}

static struct scratch *scratch(void)
{
    if (own_scratch)
        return own_scratch;
    pthread_once(&fetch_once, fetch_all);
    own_scratch = calloc(1, sizeof *own_scratch);
    if (own_scratch)
        pthread_setspecific(fetched.at_thread_end, own_scratch);
    return own_scratch;
}

static bool slot_open(struct aes_slot *slot, const EVP_CIPHER *cipher, bool encrypts)
{
    if (slot->context)
        return true;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (!context || EVP_CipherInit_ex2(context, cipher, NULL, NULL, encrypts, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(context, 0) != 1) {
        EVP_CIPHER_CTX_free(context);
        return false;
    }
    slot->context = context;
    return true;
}

/* The slot that has the key, else the one not used for longest. */
static struct aes_slot *slot_for(struct aes_slot slots[SLOTS], struct span key, bool *ret_same)
{
    struct aes_slot *oldest = &slots[0];
    for (size_t i = 0; i < SLOTS; i++) {
        if (slots[i].keyed && span_eq_ct((struct span){ slots[i].key, key.len }, key)) {
            *ret_same = true;
            return &slots[i];
        }
        if (slots[i].used < oldest->used)
            oldest = &slots[i];
    }
    *ret_same = false;
    return oldest;
}

static bool slot_start(struct aes_slot *slot, struct span key, bool same, const uint8_t *iv)
{
    if (same && (!iv || (slot->chained && memcmp(slot->chain, iv, sizeof slot->chain) == 0)))
        return true;
    slot->keyed = EVP_CipherInit_ex2(slot->context, NULL, same ? NULL : key.ptr, iv, -1, NULL) == 1;
    slot->chained = false;
    if (!same) {
        slot->has_subkeys = false;
        memcpy(slot->key, key.ptr, key.len);
    }
    return slot->keyed;
}

struct aes_slot *scratch_aes(enum cipher_mode mode, bool encrypts, struct span key, const uint8_t *iv)
{
    struct scratch *s = scratch();
    const EVP_CIPHER *cipher = algorithm_aes(mode, key.len);
    bool same = false;
    if (!s || !cipher)
        return NULL;
    struct aes_slot *slot = slot_for(s->aes[mode][encrypts][size_index(key.len)], key, &same);
    slot->used = ++s->turn;
    return slot_open(slot, cipher, encrypts) && slot_start(slot, key, same, iv) ? slot : NULL;
}

EVP_MD_CTX *scratch_digest(enum digest_kind kind)
{
    struct scratch *s = scratch();
    if (!s)
        return NULL;
    if (!s->digest[kind])
        s->digest[kind] = EVP_MD_CTX_new();
    EVP_MD_CTX *context = s->digest[kind];
    return context && EVP_DigestInit_ex2(context, algorithm_digest(kind), NULL) == 1 ? context : NULL;
}

void scratch_forget(void)
{
    if (!own_scratch)
        return;
    pthread_setspecific(fetched.at_thread_end, NULL);
    scratch_free(own_scratch);
    own_scratch = NULL;
}
