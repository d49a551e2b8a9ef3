/* The SM-DP and its ISD-P over SCP03 with APDUs (SGP.02 §4.1.3.4; fact book on-card 6.5): connectivity parameters, and what
 * delete tokens need. */
#include "es8_client.h"

#include "lib/crypto/aes.h"
#include "lib/gp/put_key.h"

#define SCRIPT_MAX 1024u

struct span es8_channel_data(struct turn *t, struct es8_state *s)
{
    WRITER_ON_STACK(capdu, 32);
    struct writer w = wr_arena(t->arena, 40);
    if (!t->again)
        t->env->rng->fill(t->env->rng, s->host_challenge, sizeof s->host_challenge);
    scp03_initialize_update_write(&capdu, s->keys.kvn, s->host_challenge);
    wr_tlv(&w, RAM_TAG_CAPDU, wr_span(&capdu));
    return wr_span(&w);
}

/* A script begins with EXTERNAL AUTHENTICATE. */
static enum err script_begin(struct es8_state *s, struct writer *w)
{
    WRITER_ON_STACK(authenticate, 32);
    s->end = s->start;
    enum err err = scp03_external_authenticate_write(&s->end, SCP03_LEVEL_FULL, &authenticate);
    wr_tlv(w, RAM_TAG_CAPDU, wr_span(&authenticate));
    return err;
}

static enum err script_add(struct es8_state *s, struct span plain, struct writer *w)
{
    WRITER_ON_STACK(wrapped, APDU_SHORT_DATA_MAX + SCP03_OVERHEAD_MAX + 8);
    struct capdu capdu;
    enum err err = capdu_parse(plain, &capdu);
    if (err == ERR_NONE)
        err = scp03_wrap(&s->end, &capdu, &wrapped);
    wr_tlv(w, RAM_TAG_CAPDU, wr_span(&wrapped));
    return err;
}

enum err es8_connectivity_data(struct turn *t, struct es8_state *s, struct span parameters, struct span *ret)
{
    WRITER_ON_STACK(plain, APDU_SHORT_DATA_MAX + 8);
    struct writer w = wr_arena(t->arena, SCRIPT_MAX);
    struct es6_connectivity c;
    enum err err = es6_connectivity_parse(parameters, &c);
    if (err != ERR_NONE)
        return err;
    es6_update_connectivity_write(&plain, &c);
    err = script_begin(s, &w);
    if (err == ERR_NONE)
        err = script_add(s, wr_span(&plain), &w);
    *ret = wr_span(&w);
    return err != ERR_NONE ? err : w.err;
}

static enum err provider_add(struct es8_state *s, uint32_t tag, struct span value, struct writer *w)
{
    WRITER_ON_STACK(plain, 64);
    es8_provider_data_write(&plain, tag, value);
    return plain.err == ERR_NONE ? script_add(s, wr_span(&plain), w) : plain.err;
}

static enum err key_add(struct es8_state *s, const struct es8_token *token, struct writer *w)
{
    WRITER_ON_STACK(plain, 64);
    uint8_t wrapped[1 + TOKEN_KEY_LEN] = { TOKEN_KEY_LEN }, kcv[KCV_LEN]; /* the clear key's length in front */
    struct put_key p = { .replaces = token->replaces ? TOKEN_KVN : 0, .kid = 1, .kvn = TOKEN_KVN, .count = 1 };
    p.keys[0] = (struct put_key_item){ KEY_TYPE_AES, SPAN_OF(wrapped), SPAN_OF(kcv) };
    enum err err = scp03_dek_encrypt(&s->end, SPAN_OF(token->key), wrapped + 1);
    if (err == ERR_NONE)
        err = aes_kcv(SPAN_OF(token->key), kcv);
    if (err != ERR_NONE)
        return err;
    put_key_write(&plain, &p, 256);
    return plain.err == ERR_NONE ? script_add(s, wr_span(&plain), w) : plain.err;
}

enum err es8_token_data(struct turn *t, struct es8_state *s, const struct es8_token *token, struct span *ret)
{
    struct writer w = wr_arena(t->arena, SCRIPT_MAX);
    enum err err = script_begin(s, &w);
    if (err == ERR_NONE)
        err = provider_add(s, 0x42, token->who.sin, &w);
    if (err == ERR_NONE)
        err = provider_add(s, 0x45, token->who.sdin, &w);
    if (err == ERR_NONE)
        err = provider_add(s, 0x5F20, token->who.provider, &w);
    if (err == ERR_NONE)
        err = key_add(s, token, &w);
    *ret = wr_span(&w);
    return err != ERR_NONE ? err : w.err;
}

bool es8_channel_of(struct span answer, const struct job *j, struct es8_state *s, struct status *ret_status)
{
    struct span data;
    if (!es8_last_answer_data(answer, "secure channel", &data, ret_status))
        return false;
    enum err err = scp03_open_host(&s->keys, s->host_challenge, data, aid_span(&j->isdp), &s->start);
    return err == ERR_NONE || es8_refuse(ret_status, "secure channel", err_text(err));
}

bool es8_channel_answered(struct turn *t, struct span answer, struct es8_state *s, const char *what, struct status *ret_status)
{
    struct span last;
    struct rapdu rapdu;
    if (!es8_last_answer(answer, what, &last, ret_status))
        return false;
    struct writer plain = wr_arena(t->arena, last.len + SCP03_OVERHEAD_MAX);
    enum err err = scp03_response_unwrap(&s->end, last, &plain, &rapdu);
    return err == ERR_NONE || es8_refuse(ret_status, what, err_text(err));
}
