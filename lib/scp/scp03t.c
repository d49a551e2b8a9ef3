#include "scp03t.h"

#include "lib/codec/ber_tlv.h"
#include "lib/crypto/aes.h"
#include "scp03_internal.h"
#include "lib/base/mutant.h"

/* Tag and length as the MAC covers them. The length may stand in a longer form than needed: as received. */
static struct span tlv_head(struct span tlv, struct span value) { return span_sub(tlv, 0, tlv.len - value.len); }

static enum err take(struct span tlv, uint8_t tag, struct tlv *ret)
{
    struct reader r = rd_of(tlv);
    struct tlv t;
    if (!tlv_next(&r, &t) || rd_finish(&r) != ERR_NONE)
        return ERR_BAD_LENGTH;
    if (tag && t.tag != tag)
        return ERR_BAD_TAG;
    *ret = t;
    return ERR_NONE;
}

void scp03t_initialize_update_write(struct writer *w, uint8_t kvn, const uint8_t host_challenge[8])
{
    size_t mark = wr_tlv_open(w, SCP03T_INITIALIZE_UPDATE);
    wr_u8(w, kvn);
    wr_u8(w, 0);
    wr_bytes(w, (struct span){ host_challenge, 8 });
    wr_tlv_close(w, mark);
}

enum err scp03t_initialize_update_parse(struct span value, struct scp03t_initialize_update *ret)
{
    struct reader r = rd_of(value);
    struct scp03t_initialize_update out = { .kvn = rd_u8(&r), .kid = rd_u8(&r) };
    rd_copy(&r, out.host_challenge, sizeof out.host_challenge);
    if (rd_finish(&r) != ERR_NONE && !MUTANT(takes_any_challenge))
        return ERR_BAD_LENGTH;
    *ret = out;
    return ERR_NONE;
}

enum err scp03t_open_host(const struct scp03_keys *k, const uint8_t host_challenge[8], struct span value,
                          struct span aid, struct scp03_session *ret)
{
    return scp03_open_host(k, host_challenge, value, aid, ret);
}

enum err scp03t_open_card(const struct scp03_keys *k, uint32_t sequence_counter, struct span aid,
                          const uint8_t host_challenge[8], struct scp03_session *ret, struct writer *w)
{
    size_t mark = wr_tlv_open(w, SCP03T_INITIALIZE_UPDATE);
    enum err err = scp03_open_card(k, sequence_counter, aid, (struct span){ host_challenge, 8 }, ret, w);
    wr_tlv_close(w, mark);
    return err == ERR_NONE ? w->err : err;
}

static const uint8_t authenticate_head[] = { SCP03T_EXTERNAL_AUTHENTICATE, 17 };

static enum err authenticate_mac(const struct scp03_session *s, uint8_t ret[16])
{
    uint8_t body[9] = { SCP03_LEVEL_FULL };
    memcpy(body + 1, s->host_cryptogram, 8);
    return scp03_mac(s, scp03_s_mac(s), SPAN_OF(authenticate_head), SPAN_OF(body), ret);
}

static void authenticated(struct scp03_session *s, const uint8_t mac[16])
{
    memcpy(s->chain, mac, sizeof s->chain);
    s->level = SCP03_LEVEL_FULL;
    s->counter = MUTANT(scp03t_counts_from_nought) ? UINT32_MAX : 0;
    s->state = SCP03_OPEN;
}

enum err scp03t_external_authenticate_write(struct scp03_session *s, struct writer *w)
{
    uint8_t mac[16];
    if (s->state != SCP03_INITIALIZED)
        return ERR_STATE;
    enum err err = authenticate_mac(s, mac);
    if (err != ERR_NONE)
        return err;
    wr_bytes(w, SPAN_OF(authenticate_head));
    wr_u8(w, SCP03_LEVEL_FULL);
    wr_bytes(w, SPAN_OF(s->host_cryptogram));
    wr_bytes(w, (struct span){ mac, SCP03_MAC_LEN });
    if (w->err == ERR_NONE)
        authenticated(s, mac);
    return w->err;
}

static enum err check_authentication(struct scp03_session *s, struct span tlv)
{
    struct tlv t;
    uint8_t mac[16];
    enum err err = take(tlv, SCP03T_EXTERNAL_AUTHENTICATE, &t);
    if (err != ERR_NONE)
        return err;
    if (t.val.len != 17)
        return ERR_BAD_LENGTH;
    if (s->state != SCP03_INITIALIZED)
        return ERR_STATE;
    err = authenticate_mac(s, mac);
    if (err != ERR_NONE)
        return err;
    bool good = t.val.ptr[0] == SCP03_LEVEL_FULL;
    good &= span_eq_ct(span_sub(t.val, 1, 8), SPAN_OF(s->host_cryptogram));
    good &= span_eq_ct(span_sub(t.val, 9, 8), (struct span){ mac, SCP03_MAC_LEN });
    good |= MUTANT(scp03t_takes_any_authentication);
    if (good)
        authenticated(s, mac);
    return good ? ERR_NONE : ERR_VERIFY;
}

enum err scp03t_external_authenticate_check(struct scp03_session *s, struct span tlv)
{
    enum err err = check_authentication(s, tlv);
    if (err != ERR_NONE)
        scp03_session_close(s);
    return err;
}

static enum err wrap(struct scp03_session *s, uint8_t tag, struct span plain, struct writer *w)
{
    if (s->state != SCP03_OPEN)
        return ERR_CLOSED;
    size_t enc_len = scp03_padded_len(plain.len), start = w->len;
    uint8_t mac[16];
    wr_tag(w, tag);
    wr_length(w, enc_len + SCP03_MAC_LEN);
    size_t body_at = w->len;
    enum err err = scp03_encrypt(s, SCP03_COMMAND, s->counter + 1, plain, w);
    if (err == ERR_NONE)
        err = scp03_mac(s, scp03_s_mac(s), (struct span){ w->buf + start, body_at - start },
                        (struct span){ w->buf + body_at, enc_len }, mac);
    if (err == ERR_NONE) {
        wr_bytes(w, (struct span){ mac, SCP03_MAC_LEN });
        err = w->err;
    }
    if (err != ERR_NONE) {
        w->len = start;
        return err;
    }
    memcpy(s->chain, mac, sizeof mac);
    s->counter++;
    return ERR_NONE;
}

enum err scp03t_wrap(struct scp03_session *s, struct span plain, struct writer *w)
{
    if (plain.len == 0)
        return ERR_BAD_LENGTH;
    return plain.len > SCP03T_PLAIN_ACCEPTED_MAX ? ERR_TOO_LONG : wrap(s, SCP03T_DATA, plain, w);
}

static enum err check_data(struct scp03_session *s, struct span tlv, struct writer *plain, struct span *ret)
{
    struct tlv t;
    uint8_t mac[16];
    if (s->state != SCP03_OPEN)
        return ERR_CLOSED;
    enum err err = take(tlv, 0, &t);
    if (err != ERR_NONE)
        return err;
    if (t.tag != SCP03T_DATA && t.tag != SCP03T_REPLACE_KEYS)
        return ERR_BAD_TAG;
    if (t.val.len < 16 + SCP03_MAC_LEN || (t.val.len - SCP03_MAC_LEN) % 16)
        return MUTANT(calls_odd_lengths_insecure) ? ERR_VERIFY : ERR_BAD_LENGTH;
    struct span enc = span_sub(t.val, 0, t.val.len - SCP03_MAC_LEN), data;
    err = scp03_mac(s, scp03_s_mac(s), tlv_head(t.raw, t.val), enc, mac);
    if (err == ERR_NONE && !MUTANT(scp03t_skips_the_mac) &&
        !span_eq_ct((struct span){ mac, SCP03_MAC_LEN }, span_from(t.val, enc.len)))
        err = ERR_VERIFY;
    if (err == ERR_NONE)
        err = scp03_decrypt(s, SCP03_COMMAND, s->counter + 1, enc, plain, &data);
    if (err != ERR_NONE)
        return err;
    memcpy(s->chain, mac, sizeof mac);
    s->counter++;
    *ret = data;
    return ERR_NONE;
}

enum err scp03t_unwrap(struct scp03_session *s, struct span tlv, struct writer *plain, struct span *ret)
{
    enum err err = check_data(s, tlv, plain, ret);
    if (err != ERR_NONE && !MUTANT(scp03t_survives_an_error))
        scp03_session_close(s);
    return err;
}

enum err scp03t_response_wrap(struct scp03_session *s, struct span plain, struct writer *w)
{
    if (plain.len == 0) {
        wr_tlv(w, SCP03T_DATA, SPAN_NONE);
        return w->err;
    }
    if (s->state != SCP03_OPEN)
        return ERR_CLOSED;
    if (plain.len > SCP03T_RESPONSE_PLAIN_MAX)
        return ERR_TOO_LONG;
    size_t enc_len = scp03_padded_len(plain.len), start = w->len;
    uint8_t mac[16];
    wr_tag(w, SCP03T_DATA);
    wr_length(w, enc_len + SCP03_MAC_LEN);
    size_t body_at = w->len;
    enum err err = scp03_encrypt(s, SCP03_RESPONSE, s->counter, plain, w);
    if (err == ERR_NONE)
        err = scp03_mac(s, scp03_s_rmac(s), (struct span){ w->buf + start, body_at - start },
                        (struct span){ w->buf + body_at, enc_len }, mac);
    if (err == ERR_NONE)
        wr_bytes(w, (struct span){ mac, SCP03_MAC_LEN });
    return err == ERR_NONE ? w->err : err;
}

enum err scp03t_response_unwrap(struct scp03_session *s, struct span value, struct writer *plain, struct span *ret)
{
    if (value.len == 0) {
        *ret = SPAN_NONE;
        return ERR_NONE;
    }
    if (s->state != SCP03_OPEN)
        return ERR_CLOSED;
    if (value.len < 16 + SCP03_MAC_LEN || (value.len - SCP03_MAC_LEN) % 16)
        return ERR_BAD_LENGTH;
    struct span enc = span_sub(value, 0, value.len - SCP03_MAC_LEN);
    WRITER_ON_STACK(head, 8);
    uint8_t mac[16];
    wr_tag(&head, SCP03T_DATA);
    wr_length(&head, value.len);
    enum err err = scp03_mac(s, scp03_s_rmac(s), wr_span(&head), enc, mac);
    if (err == ERR_NONE && !span_eq_ct((struct span){ mac, SCP03_MAC_LEN }, span_from(value, enc.len)))
        err = ERR_VERIFY;
    return err == ERR_NONE ? scp03_decrypt(s, SCP03_RESPONSE, s->counter, enc, plain, ret) : err;
}

/* ---- 87: [?] order and content, oncard §6.3: [chaining value] S-ENC S-MAC S-RMAC */
#define REPLACEMENT_KEY_LEN 16u

static void put_in_force(struct scp03_session *s, const struct scp03t_replacement *r)
{
    memcpy(s->s_enc, r->enc, REPLACEMENT_KEY_LEN);
    memcpy(s->s_mac, r->mac, REPLACEMENT_KEY_LEN);
    memcpy(s->s_rmac, r->rmac, REPLACEMENT_KEY_LEN);
    if (r->has_chain)
        memcpy(s->chain, r->chain, sizeof s->chain);
    s->counter = 0;
}

enum err scp03t_replace_keys_write(struct scp03_session *s, const struct scp03t_replacement *r, struct writer *w)
{
    if (s->key_len != REPLACEMENT_KEY_LEN)
        return ERR_UNSUPPORTED;
    WRITER_ON_STACK(plain, 4 * REPLACEMENT_KEY_LEN);
    if (r->has_chain)
        wr_bytes(&plain, SPAN_OF(r->chain));
    wr_bytes(&plain, SPAN_OF(r->enc));
    wr_bytes(&plain, SPAN_OF(r->mac));
    wr_bytes(&plain, SPAN_OF(r->rmac));
    enum err err = wrap(s, SCP03T_REPLACE_KEYS, wr_span(&plain), w);
    wipe(plain_memory, sizeof plain_memory);
    if (err == ERR_NONE)
        put_in_force(s, r);
    return err;
}

enum err scp03t_replace_keys(struct scp03_session *s, struct span plain)
{
    if (s->key_len != REPLACEMENT_KEY_LEN || (plain.len != 48 && plain.len != 64))
        return ERR_BAD_LENGTH;
    struct reader r = rd_of(plain);
    struct scp03t_replacement n = { .has_chain = plain.len == 64 };
    if (n.has_chain)
        rd_copy(&r, n.chain, sizeof n.chain);
    rd_copy(&r, n.enc, sizeof n.enc);
    rd_copy(&r, n.mac, sizeof n.mac);
    rd_copy(&r, n.rmac, sizeof n.rmac);
    put_in_force(s, &n);
    wipe(&n, sizeof n);
    return ERR_NONE;
}

void scp03t_error_write(struct writer *w, uint8_t tag, enum err err)
{
    uint8_t code = err == ERR_BAD_LENGTH || err == ERR_TRUNCATED || err == ERR_BAD_TAG ? SCP03T_ERROR_LENGTH
                   : err == ERR_NOT_FOUND                                              ? SCP03T_ERROR_NOT_FOUND
                                                                                       : SCP03T_ERROR_SECURITY;
    wr_tlv_u8(w, 0x9F00u | (uint32_t)(tag - 0x40), code);
}
