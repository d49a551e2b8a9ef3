#include "lib/crypto/aes.h"
#include "scp03_internal.h"
#include "lib/base/mutant.h"

enum err scp03_open_card(const struct scp03_keys *k, uint32_t sequence_counter, struct span aid,
                         struct span host_challenge, struct scp03_session *ret, struct writer *w)
{
    if (host_challenge.len != SCP03_CHALLENGE_LEN)
        return ERR_BAD_LENGTH;
    struct scp03_initiation i = { .kvn = k->kvn,
                                  .scp = 0x03,
                                  .i = SCP03_I_PARAMETER,
                                  .sequence_counter = sequence_counter,
                                  .has_sequence_counter = true };
    struct scp03_session s;
    enum err err = scp03_card_challenge(k, sequence_counter, aid, i.card_challenge);
    if (err == ERR_NONE)
        err = scp03_session_derive(k, host_challenge.ptr, i.card_challenge, &s);
    if (err != ERR_NONE)
        return err;
    memcpy(i.card_cryptogram, s.card_cryptogram, sizeof i.card_cryptogram);
    scp03_initiation_write(w, &i);
    if (w->err == ERR_NONE)
        *ret = s;
    wipe(&s, sizeof s);
    return w->err;
}

/* The last 8 octets of data against the MAC over the header and the rest. */
static enum err check_mac(const struct scp03_session *s, const struct capdu *c, uint8_t ret_mac[16])
{
    if (c->data.len < SCP03_MAC_LEN)
        return ERR_VERIFY;
    size_t body_len = c->data.len - SCP03_MAC_LEN;
    WRITER_ON_STACK(head, 8);
    wr_u8(&head, c->cla);
    wr_u8(&head, c->ins);
    wr_u8(&head, c->p1);
    wr_u8(&head, c->p2);
    if (c->extended)
        wr_u24(&head, (uint32_t)c->data.len);
    else
        wr_u8(&head, (uint8_t)c->data.len);
    uint8_t mac[16];
    enum err err = scp03_mac(s, scp03_s_mac(s), wr_span(&head), span_sub(c->data, 0, body_len), mac);
    if (err == ERR_NONE && !MUTANT(scp03_skips_the_mac) &&
        !span_eq_ct((struct span){ mac, SCP03_MAC_LEN }, span_from(c->data, body_len)))
        err = ERR_VERIFY;
    if (err == ERR_NONE)
        memcpy(ret_mac, mac, sizeof mac);
    return err;
}

static enum err check_authentication(struct scp03_session *s, const struct capdu *c)
{
    uint8_t mac[16];
    if (s->state != SCP03_INITIALIZED)
        return ERR_STATE;
    if (c->data.len != 16)
        return ERR_BAD_LENGTH;
    enum err err = check_mac(s, c, mac);
    if (err == ERR_NONE && !MUTANT(scp03_skips_the_cryptogram) &&
        !span_eq_ct(span_sub(c->data, 0, 8), SPAN_OF(s->host_cryptogram)))
        err = ERR_VERIFY;
    if (err != ERR_NONE)
        return err;
    memcpy(s->chain, mac, sizeof mac);
    s->level = c->p1;
    s->counter = 0;
    s->state = SCP03_OPEN;
    return ERR_NONE;
}

enum err scp03_external_authenticate_check(struct scp03_session *s, const struct capdu *c)
{
    enum err err = check_authentication(s, c);
    if (err != ERR_NONE)
        scp03_session_close(s);
    return err;
}

enum err scp03_unwrap(struct scp03_session *s, const struct capdu *c, struct writer *plain, struct capdu *ret)
{
    if (s->state != SCP03_OPEN)
        return ERR_STATE;
    uint8_t mac[16];
    struct capdu out = *c;
    enum err err = check_mac(s, c, mac);
    if (err == ERR_NONE)
        out.data.len -= SCP03_MAC_LEN;
    if (err == ERR_NONE && (s->level & SCP03_C_ENC) && out.data.len)
        err = scp03_decrypt(s, SCP03_COMMAND, s->counter + 1, out.data, plain, &out.data);
    if (err != ERR_NONE) {
        if (!MUTANT(scp03_survives_a_wrong_mac))
            scp03_session_close(s);
        return err;
    }
    memcpy(s->chain, mac, sizeof mac);
    s->counter++;
    out.cla &= 0xFB;
    *ret = out;
    return ERR_NONE;
}

enum err scp03_response_wrap(struct scp03_session *s, const struct rapdu *r, struct writer *w)
{
    bool protect = s->state == SCP03_OPEN && (s->level & SCP03_R_MAC) &&
                   (r->sw == SW_OK || r->sw >> 8 == 0x62 || r->sw >> 8 == 0x63) &&
                   (r->data.len || !MUTANT(forgets_the_r_mac_without_data));
    if (!protect) {
        rapdu_write(w, r);
        return w->err;
    }
    size_t at = w->len;
    enum err err = ERR_NONE;
    if ((s->level & SCP03_R_ENC) && r->data.len)
        err = scp03_encrypt(s, SCP03_RESPONSE, s->counter, r->data, w);
    else
        wr_bytes(w, r->data);
    uint8_t mac[16], sw[2] = { (uint8_t)(r->sw >> 8), (uint8_t)(r->sw | MUTANT(r_mac_over_another_word)) };
    if (err == ERR_NONE && (err = w->err) == ERR_NONE)
        err = scp03_mac(s, scp03_s_rmac(s), (struct span){ w->buf + at, w->len - at }, SPAN_OF(sw), mac);
    if (err != ERR_NONE)
        return err;
    wr_bytes(w, (struct span){ mac, SCP03_MAC_LEN });
    wr_u16(w, r->sw);
    return w->err;
}
