#include "scp03.h"

#include "lib/crypto/kdf.h"
#include "scp03_internal.h"

/* Derivation constants, Amendment D table 4-1. */
enum {
    KDF_CARD_CRYPTOGRAM = 0x00,
    KDF_HOST_CRYPTOGRAM = 0x01,
    KDF_CARD_CHALLENGE = 0x02,
    KDF_S_ENC = 0x04,
    KDF_S_MAC = 0x06,
    KDF_S_RMAC = 0x07
};

#define STORED_VERSION  1u
#define STORED_KEYS_LEN (4 * SCP03_KEY_MAX)

void scp03_session_close(struct scp03_session *s) { wipe(s, sizeof *s); }

void scp03_session_write(struct writer *w, const struct scp03_session *s)
{
    const uint8_t head[] = { STORED_VERSION, s->state, s->level, s->kvn, s->key_len };
    wr_bytes(w, SPAN_OF(head));
    wr_bytes(w, SPAN_OF(s->s_enc));
    wr_bytes(w, SPAN_OF(s->s_mac));
    wr_bytes(w, SPAN_OF(s->s_rmac));
    wr_bytes(w, SPAN_OF(s->dek));
    wr_bytes(w, SPAN_OF(s->chain));
    wr_u32(w, (uint32_t)(s->counter >> 32));
    wr_u32(w, (uint32_t)s->counter);
    wr_bytes(w, SPAN_OF(s->host_challenge));
    wr_bytes(w, SPAN_OF(s->card_challenge));
    wr_bytes(w, SPAN_OF(s->card_cryptogram));
    wr_bytes(w, SPAN_OF(s->host_cryptogram));
}

enum err scp03_session_read(struct span stored, struct scp03_session *ret)
{
    struct reader r = rd_of(stored);
    struct scp03_session s = { 0 };
    uint8_t version = rd_u8(&r);
    s.state = rd_u8(&r);
    s.level = rd_u8(&r);
    s.kvn = rd_u8(&r);
    s.key_len = rd_u8(&r);
    rd_copy(&r, s.s_enc, sizeof s.s_enc);
    rd_copy(&r, s.s_mac, sizeof s.s_mac);
    rd_copy(&r, s.s_rmac, sizeof s.s_rmac);
    rd_copy(&r, s.dek, sizeof s.dek);
    rd_copy(&r, s.chain, sizeof s.chain);
    s.counter = (uint64_t)rd_u32(&r) << 32;
    s.counter |= rd_u32(&r);
    rd_copy(&r, s.host_challenge, sizeof s.host_challenge);
    rd_copy(&r, s.card_challenge, sizeof s.card_challenge);
    rd_copy(&r, s.card_cryptogram, sizeof s.card_cryptogram);
    rd_copy(&r, s.host_cryptogram, sizeof s.host_cryptogram);
    if (r.err == ERR_NONE && (version != STORED_VERSION || s.state > SCP03_OPEN || s.key_len > SCP03_KEY_MAX))
        r.err = ERR_BAD_VALUE;
    enum err err = rd_finish(&r);
    if (err == ERR_NONE)
        *ret = s;
    wipe(&s, sizeof s);
    return err;
}

enum err scp03_card_challenge(const struct scp03_keys *k, uint32_t sequence_counter, struct span aid,
                              uint8_t ret[SCP03_CHALLENGE_LEN])
{
    WRITER_ON_STACK(context, 3 + 16);
    wr_u24(&context, sequence_counter);
    wr_bytes(&context, aid);
    struct cmac_key key;
    enum err err = context.err;
    if (err == ERR_NONE)
        err = cmac_key_set(&key, (struct span){ k->enc, k->key_len });
    if (err == ERR_NONE)
        err = kdf_scp03(&key, KDF_CARD_CHALLENGE, wr_span(&context), ret, SCP03_CHALLENGE_LEN);
    wipe(&key, sizeof key);
    return err;
}

static enum err derive_keys(const struct scp03_keys *k, struct span context, struct scp03_session *s)
{
    struct cmac_key enc, mac, s_mac;
    enum err err = cmac_key_set(&enc, (struct span){ k->enc, k->key_len });
    if (err == ERR_NONE)
        err = cmac_key_set(&mac, (struct span){ k->mac, k->key_len });
    if (err == ERR_NONE)
        err = kdf_scp03(&enc, KDF_S_ENC, context, s->s_enc, k->key_len);
    if (err == ERR_NONE)
        err = kdf_scp03(&mac, KDF_S_MAC, context, s->s_mac, k->key_len);
    if (err == ERR_NONE)
        err = kdf_scp03(&mac, KDF_S_RMAC, context, s->s_rmac, k->key_len);
    if (err == ERR_NONE)
        err = cmac_key_set(&s_mac, (struct span){ s->s_mac, k->key_len });
    if (err == ERR_NONE)
        err = kdf_scp03(&s_mac, KDF_CARD_CRYPTOGRAM, context, s->card_cryptogram, 8);
    if (err == ERR_NONE)
        err = kdf_scp03(&s_mac, KDF_HOST_CRYPTOGRAM, context, s->host_cryptogram, 8);
    wipe(&enc, sizeof enc);
    wipe(&mac, sizeof mac);
    wipe(&s_mac, sizeof s_mac);
    return err;
}

enum err scp03_session_derive(const struct scp03_keys *k, const uint8_t host_challenge[8],
                              const uint8_t card_challenge[8], struct scp03_session *ret)
{
    if (k->key_len != 16 && k->key_len != 24 && k->key_len != 32)
        return ERR_BAD_LENGTH;
    struct scp03_session s = { .state = SCP03_INITIALIZED, .kvn = k->kvn, .key_len = k->key_len };
    memcpy(s.host_challenge, host_challenge, 8);
    memcpy(s.card_challenge, card_challenge, 8);
    memcpy(s.dek, k->dek, sizeof s.dek);
    WRITER_ON_STACK(context, 16);
    wr_bytes(&context, (struct span){ host_challenge, 8 });
    wr_bytes(&context, (struct span){ card_challenge, 8 });
    enum err err = derive_keys(k, wr_span(&context), &s);
    if (err == ERR_NONE)
        *ret = s;
    wipe(&s, sizeof s);
    return err;
}

void scp03_initiation_write(struct writer *w, const struct scp03_initiation *i)
{
    wr_bytes(w, SPAN_OF(i->diversification));
    wr_u8(w, i->kvn);
    wr_u8(w, i->scp);
    wr_u8(w, i->i);
    wr_bytes(w, SPAN_OF(i->card_challenge));
    wr_bytes(w, SPAN_OF(i->card_cryptogram));
    if (i->has_sequence_counter)
        wr_u24(w, i->sequence_counter);
}

enum err scp03_initiation_parse(struct span data, struct scp03_initiation *ret)
{
    struct reader r = rd_of(data);
    struct scp03_initiation i = { 0 };
    rd_copy(&r, i.diversification, sizeof i.diversification);
    i.kvn = rd_u8(&r);
    i.scp = rd_u8(&r);
    i.i = rd_u8(&r);
    rd_copy(&r, i.card_challenge, sizeof i.card_challenge);
    rd_copy(&r, i.card_cryptogram, sizeof i.card_cryptogram);
    i.has_sequence_counter = r.err == ERR_NONE && !rd_at_end(&r);
    if (i.has_sequence_counter)
        i.sequence_counter = rd_u24(&r);
    enum err err = rd_finish(&r);
    if (err == ERR_NONE)
        *ret = i;
    return err;
}

/* ---- protection, shared with SCP03t */

static enum err icv_of(const struct scp03_session *s, uint8_t direction, uint64_t counter, uint8_t ret[16])
{
    uint8_t block[16] = { direction };
    for (int i = 0; i < 8; i++)
        block[15 - i] = (uint8_t)(counter >> 8 * i);
    return aes_ecb_encrypt(scp03_s_enc(s), SPAN_OF(block), ret);
}

enum err scp03_encrypt(const struct scp03_session *s, uint8_t direction, uint64_t counter, struct span data,
                       struct writer *w)
{
    uint8_t icv[16];
    enum err err = icv_of(s, direction, counter, icv);
    size_t at = w->len, len = scp03_padded_len(data.len);
    wr_bytes(w, data);
    wr_u8(w, 0x80);
    wr_fill(w, 0, len - data.len - 1);
    if (w->err != ERR_NONE)
        return w->err;
    if (err == ERR_NONE)
        err = aes_cbc_encrypt(scp03_s_enc(s), icv, (struct span){ w->buf + at, len }, w->buf + at);
    return err;
}

enum err scp03_decrypt(const struct scp03_session *s, uint8_t direction, uint64_t counter, struct span enc,
                       struct writer *plain, struct span *ret)
{
    uint8_t icv[16];
    if (enc.len == 0 || enc.len % 16)
        return ERR_BAD_LENGTH;
    uint8_t *room = wr_room(plain, enc.len);
    if (!room)
        return plain->err == ERR_NONE ? ERR_NO_SPACE : plain->err;
    enum err err = icv_of(s, direction, counter, icv);
    if (err == ERR_NONE)
        err = aes_cbc_decrypt(scp03_s_enc(s), icv, enc, room);
    if (err != ERR_NONE)
        return err;
    size_t len = enc.len;
    while (len > 0 && room[len - 1] == 0)
        len--;
    if (len == 0 || room[len - 1] != 0x80 || enc.len - len >= 16)
        return ERR_VERIFY;
    *ret = (struct span){ room, len - 1 };
    return ERR_NONE;
}

enum err scp03_mac(const struct scp03_session *s, struct span key, struct span head, struct span body, uint8_t ret[16])
{
    const struct span parts[] = { SPAN_OF(s->chain), head, body };
    return cmac_parts(key, parts, ARRAY_LEN(parts), ret);
}

enum err scp03_dek_encrypt(const struct scp03_session *s, struct span key, uint8_t *out)
{
    return aes_cbc_encrypt((struct span){ s->dek, s->key_len }, NULL, key, out);
}

enum err scp03_dek_decrypt(const struct scp03_session *s, struct span wrapped, uint8_t *out)
{
    return aes_cbc_decrypt((struct span){ s->dek, s->key_len }, NULL, wrapped, out);
}

/* ---- off-card */

void scp03_initialize_update_write(struct writer *w, uint8_t kvn, const uint8_t host_challenge[8])
{
    capdu_write(w, &(struct capdu){ CLA_GP, INS_INITIALIZE_UPDATE, kvn, 0, { host_challenge, 8 }, 256, false });
}

enum err scp03_open_host(const struct scp03_keys *k, const uint8_t host_challenge[8], struct span data, struct span aid,
                         struct scp03_session *ret)
{
    struct scp03_initiation i;
    enum err err = scp03_initiation_parse(data, &i);
    if (err != ERR_NONE)
        return err;
    if (i.scp != 0x03 || i.i != SCP03_I_PARAMETER)
        return ERR_UNSUPPORTED;
    if (aid.len && i.has_sequence_counter) {
        uint8_t want[SCP03_CHALLENGE_LEN];
        err = scp03_card_challenge(k, i.sequence_counter, aid, want);
        if (err == ERR_NONE && !span_eq_ct(SPAN_OF(want), SPAN_OF(i.card_challenge)))
            err = ERR_VERIFY;
    }
    struct scp03_session s;
    if (err == ERR_NONE)
        err = scp03_session_derive(k, host_challenge, i.card_challenge, &s);
    if (err != ERR_NONE)
        return err;
    if (span_eq_ct(SPAN_OF(s.card_cryptogram), SPAN_OF(i.card_cryptogram)))
        *ret = s;
    else
        err = ERR_VERIFY;
    wipe(&s, sizeof s);
    return err;
}

/* CLA INS P1 P2 Lc as the C-MAC covers it. */
static void mac_head(struct writer *w, const struct capdu *c, size_t lc)
{
    wr_u8(w, c->cla | 0x04);
    wr_u8(w, c->ins);
    wr_u8(w, c->p1);
    wr_u8(w, c->p2);
    if (lc > APDU_SHORT_DATA_MAX || c->extended)
        wr_u24(w, (uint32_t)lc);
    else
        wr_u8(w, (uint8_t)lc);
}

enum err scp03_external_authenticate_write(struct scp03_session *s, uint8_t level, struct writer *w)
{
    if (s->state != SCP03_INITIALIZED)
        return ERR_STATE;
    struct capdu c = { CLA_GP_SECURE, INS_EXTERNAL_AUTHENTICATE, level, 0, SPAN_NONE, 0, false };
    WRITER_ON_STACK(head, 8);
    WRITER_ON_STACK(body, 16);
    uint8_t mac[16];
    mac_head(&head, &c, 16);
    wr_bytes(&body, SPAN_OF(s->host_cryptogram));
    enum err err = scp03_mac(s, scp03_s_mac(s), wr_span(&head), wr_span(&body), mac);
    if (err != ERR_NONE)
        return err;
    wr_bytes(&body, (struct span){ mac, SCP03_MAC_LEN });
    c.data = wr_span(&body);
    capdu_write(w, &c);
    if (w->err != ERR_NONE)
        return w->err;
    memcpy(s->chain, mac, sizeof mac);
    s->level = level;
    s->counter = 0;
    s->state = SCP03_OPEN;
    return ERR_NONE;
}

enum err scp03_wrap(struct scp03_session *s, const struct capdu *plain, struct writer *w)
{
    if (s->state != SCP03_OPEN)
        return ERR_CLOSED;
    bool enc = (s->level & SCP03_C_ENC) && plain->data.len;
    size_t body_len = enc ? scp03_padded_len(plain->data.len) : plain->data.len;
    size_t lc = body_len + SCP03_MAC_LEN, start = w->len;
    if (lc > APDU_EXTENDED_DATA_MAX)
        return ERR_TOO_LONG;
    struct capdu c = *plain;
    c.cla |= 0x04;
    c.extended = plain->extended || lc > APDU_SHORT_DATA_MAX;
    WRITER_ON_STACK(head, 8);
    mac_head(&head, &c, lc);
    wr_bytes(w, wr_span(&head));
    size_t body_at = w->len;
    enum err err = ERR_NONE;
    if (enc)
        err = scp03_encrypt(s, SCP03_COMMAND, s->counter + 1, plain->data, w);
    else
        wr_bytes(w, plain->data);
    uint8_t mac[16];
    if (err == ERR_NONE && (err = w->err) == ERR_NONE)
        err = scp03_mac(s, scp03_s_mac(s), wr_span(&head), (struct span){ w->buf + body_at, body_len }, mac);
    if (err != ERR_NONE) {
        w->len = start;
        return err;
    }
    wr_bytes(w, (struct span){ mac, SCP03_MAC_LEN });
    if (c.le && c.extended)
        wr_u16(w, (uint16_t)c.le);
    else if (c.le)
        wr_u8(w, (uint8_t)c.le);
    if (w->err != ERR_NONE)
        return w->err;
    memcpy(s->chain, mac, sizeof mac);
    s->counter++;
    return ERR_NONE;
}

/* 9000, 62xx and 63xx carry an R-MAC. */
static bool has_rmac(const struct scp03_session *s, uint16_t sw)
{
    return (s->level & SCP03_R_MAC) && (sw == SW_OK || sw >> 8 == 0x62 || sw >> 8 == 0x63);
}

enum err scp03_response_unwrap(struct scp03_session *s, struct span rapdu, struct writer *plain, struct rapdu *ret)
{
    struct rapdu r;
    enum err err = rapdu_parse(rapdu, &r);
    if (err != ERR_NONE)
        return err;
    if (has_rmac(s, r.sw)) {
        if (r.data.len < SCP03_MAC_LEN)
            return ERR_VERIFY;
        struct span body = span_sub(r.data, 0, r.data.len - SCP03_MAC_LEN);
        uint8_t mac[16];
        err = scp03_mac(s, scp03_s_rmac(s), body, span_from(rapdu, rapdu.len - 2), mac);
        if (err == ERR_NONE && !span_eq_ct((struct span){ mac, SCP03_MAC_LEN }, span_from(r.data, body.len)))
            err = ERR_VERIFY;
        r.data = body;
        if (err == ERR_NONE && (s->level & SCP03_R_ENC) && body.len)
            err = scp03_decrypt(s, SCP03_RESPONSE, s->counter, body, plain, &r.data);
    }
    if (err == ERR_NONE)
        *ret = r;
    return err;
}
