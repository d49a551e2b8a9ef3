#include "master_key.h"

#include <stdio.h>
#include <stdlib.h>

#include "cmac.h"
#include "gcm.h"
#include "key_file.h"
#include "lib/codec/hex.h"
#include "lib/codec/writer.h"
#include "openssl.h"
#include "sha256.h"
#include "token.h"

#define TOKEN_HEAD    "OSPREY-TOKEN-MASTER 1\n"
#define SEALED_LEN    (GCM_NONCE_LEN + MASTER_KEY_LEN + GCM_TAG_LEN)
#define TOKEN_AAD     SPAN_LIT("osprey master key")
#define FILE_TEXT_MAX (sizeof TOKEN_HEAD + TOKEN_URI_MAX + 2 * SEALED_LEN + 2)

static enum err derive(const uint8_t from[MASTER_KEY_LEN], uint8_t what, struct span about, uint8_t ret[CMAC_LEN])
{
    const struct span parts[] = { { &what, 1 }, about };
    return cmac_parts((struct span){ from, MASTER_KEY_LEN }, parts, ARRAY_LEN(parts), ret);
}

enum err master_key_of_row(const struct master_key *master, struct span aad, uint8_t ret_key[MASTER_KEY_LEN])
{
    enum err err = derive(master->rows, 1, aad, ret_key);
    return err == ERR_NONE ? derive(master->rows, 2, aad, ret_key + CMAC_LEN) : err;
}

enum err master_key_set(struct master_key *ret, const uint8_t key[MASTER_KEY_LEN])
{
    const struct span parts[] = { SPAN_LIT("osprey keys of rows"), { key, MASTER_KEY_LEN } };
    uint8_t id[CMAC_LEN];
    memcpy(ret->key, key, MASTER_KEY_LEN);
    enum err err = sha256_parts(parts, ARRAY_LEN(parts), ret->rows);
    if (err == ERR_NONE)
        err = derive(ret->rows, 0, SPAN_LIT("id"), id);
    if (err == ERR_NONE)
        ret->id = (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
    return err;
}

/* ---- the file */

static enum err token_read(struct span text, uint8_t ret_key[MASTER_KEY_LEN], char *ret_detail)
{
    char uri[TOKEN_URI_MAX];
    uint8_t sealed[SEALED_LEN];
    struct span line = key_file_trimmed(key_file_line(&text));
    if (line.len >= sizeof uri || hex_read_exact(key_file_trimmed(text), sealed, sizeof sealed) != ERR_NONE)
        return ERR_BAD_VALUE;
    snprintf(uri, sizeof uri, "%.*s", (int)line.len, (const char *)line.ptr);
    enum err err = token_open(uri, sealed, TOKEN_AAD, span_from(SPAN_OF(sealed), GCM_NONCE_LEN), ret_key, ret_detail);
    return err == ERR_NOT_FOUND ? ERR_IO : err; /* the token is not there: the file is */
}

static enum err text_read(struct span text, uint8_t ret_key[MASTER_KEY_LEN], char *ret_detail)
{
    struct span head = SPAN_LIT(TOKEN_HEAD);
    if (span_eq(span_sub(text, 0, head.len), head))
        return token_read(span_from(text, head.len), ret_key, ret_detail);
    return hex_read_exact(key_file_trimmed(text), ret_key, MASTER_KEY_LEN) == ERR_NONE ? ERR_NONE : ERR_BAD_VALUE;
}

/* What is wrong with the file, where no token has said it. */
static const char *trouble(enum err err)
{
    return err == ERR_DENIED      ? "group or others may read it: chmod 600"
           : err == ERR_BAD_VALUE ? "neither 64 hexadecimal digits nor a key that a token sealed"
                                  : err_text(err);
}

enum err master_key_read(const char *path, struct master_key *ret, char *ret_detail)
{
    uint8_t text[KEY_FILE_MAX], key[MASTER_KEY_LEN];
    size_t len = 0;
    if (ret_detail)
        *ret_detail = '\0';
    enum err err = key_file_read(path, true, text, &len);
    if (err == ERR_NONE)
        err = text_read((struct span){ text, len }, key, ret_detail);
    if (err == ERR_NONE)
        err = master_key_set(ret, key);
    if (err != ERR_NONE && ret_detail && !*ret_detail)
        snprintf(ret_detail, TOKEN_DETAIL_MAX, "%s", trouble(err));
    wipe(text, sizeof text);
    wipe(key, sizeof key);
    return err;
}

static enum err seal(const char *uri, const uint8_t key[MASTER_KEY_LEN], struct writer *w, char *ret_detail)
{
    uint8_t sealed[SEALED_LEN];
    if (RAND_bytes(sealed, GCM_NONCE_LEN) != 1)
        return ERR_CRYPTO;
    enum err err =
        token_seal(uri, sealed, TOKEN_AAD, (struct span){ key, MASTER_KEY_LEN }, sealed + GCM_NONCE_LEN, ret_detail);
    if (err == ERR_NONE) {
        wr_printf(w, TOKEN_HEAD "%s\n", uri);
        wr_hex(w, SPAN_OF(sealed));
    }
    return err;
}

enum err master_key_create(const char *path, const char *token_uri, struct rng *rng, struct master_key *ret,
                           char *ret_detail)
{
    WRITER_ON_STACK(text, FILE_TEXT_MAX);
    uint8_t key[MASTER_KEY_LEN];
    enum err err = ERR_NONE;
    if (ret_detail)
        *ret_detail = '\0';
    if (rng)
        rng->fill(rng, key, sizeof key);
    else if (RAND_bytes(key, sizeof key) != 1)
        return ERR_CRYPTO;
    if (token_uri)
        err = seal(token_uri, key, &text, ret_detail);
    else
        wr_hex(&text, SPAN_OF(key));
    wr_u8(&text, '\n');
    if (err == ERR_NONE)
        err = text.err;
    if (err == ERR_NONE)
        err = key_file_create(path, wr_span(&text));
    if (err == ERR_NONE)
        err = master_key_set(ret, key);
    wipe(text_memory, sizeof text_memory);
    wipe(key, sizeof key);
    return err;
}
