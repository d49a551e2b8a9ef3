#include "token.h"

#include <jansson.h>
#include <stdio.h>

#include "lib/codec/hex.h"
#include "lib/crypto/cmac.h"
#include "procedures/personalize.h"

static struct span last(struct span s) { return s.len > TOKEN_FIELD_MAX ? span_from(s, s.len - TOKEN_FIELD_MAX) : s; }

struct token_identity token_identity_of(const struct oid *smdp, const struct oid *owner, const struct aid *isdp)
{
    return (struct token_identity){ last(oid_span(smdp)), aid_span(isdp), last(oid_span(owner)) };
}

/* ---- the key */

static enum err key_open(const struct env *env, const struct stored_profile *p, uint8_t ret[TOKEN_KEY_LEN])
{
    char aad[SMDP_AAD_SIZE];
    if (p->token.len != TOKEN_KEY_LEN + KEYS_WRAP_OVERHEAD)
        return ERR_NOT_FOUND;
    return env->keys->unwrap(env->keys, smdp_token_aad(p->iccid.digits, aad), p->token, ret, TOKEN_KEY_LEN);
}

enum err token_key_of(struct turn *t, const struct stored_profile *p, uint8_t ret[TOKEN_KEY_LEN])
{
    char aad[SMDP_AAD_SIZE];
    size_t len = TOKEN_KEY_LEN + KEYS_WRAP_OVERHEAD;
    if (p->token.len)
        return key_open(t->env, p, ret);
    uint8_t *wrapped = arena_alloc(t->arena, len);
    if (!wrapped)
        return ERR_NO_SPACE;
    t->env->rng->fill(t->env->rng, ret, TOKEN_KEY_LEN);
    enum err err = t->env->keys->wrap(t->env->keys, smdp_token_aad(p->iccid.digits, aad), (struct span){ ret, TOKEN_KEY_LEN }, wrapped, len);
    if (err == ERR_NONE)
        WRITES_ADD(t->w, &SMDP_PROFILE_TOKEN, 1, value_text(p->iccid.digits), value_blob((struct span){ wrapped, len }));
    return err;
}

/* ---- tokens */

static enum err make_token(const struct smdp *s, const struct stored_profile *p, uint32_t number, struct es5_delete *d,
                           uint8_t ret_id[4], uint8_t ret_token[CMAC_LEN])
{
    WRITER_ON_STACK(input, APDU_SHORT_DATA_MAX + 8);
    struct token_identity who = token_identity_of(&s->config.oid, &p->owner, &p->isdp);
    uint8_t key[TOKEN_KEY_LEN];
    for (size_t i = 0; i < 4; i++)
        ret_id[i] = (uint8_t)(number >> (24 - 8 * i));
    *d = (struct es5_delete){ .kind = ES5_DELETE_MASTER, .isdp = p->isdp };
    d->master = (struct es5_master){ .sin = who.sin, .sdin = who.sdin, .provider = who.provider, .token_id = { ret_id, 4 } };
    es5_token_input_write(&input, d);
    enum err err = input.err != ERR_NONE ? input.err : key_open(&s->env, p, key);
    if (err == ERR_NONE)
        err = cmac(SPAN_OF(key), wr_span(&input), ret_token);
    wipe(key, sizeof key);
    return err;
}

static void put_hex(json_t *o, const char *name, struct span s)
{
    char text[2 * 16 + 1];
    json_object_set_new(o, name, json_string(hex_text(s, text, sizeof text)));
}

static json_t *token_json(const struct stored_profile *p, const struct es5_delete *d, struct span token)
{
    json_t *o = json_pack("{s:s, s:s, s:s}", "eid", p->eid, "iccid", p->iccid.digits, "sm_sr", p->smsr.text);
    put_hex(o, "isdp_aid", aid_span(&d->isdp));
    put_hex(o, "sin", d->master.sin);
    put_hex(o, "sdin", d->master.sdin);
    put_hex(o, "provider", d->master.provider);
    put_hex(o, "token_id", d->master.token_id);
    put_hex(o, "token", token);
    return o;
}

static void note(void *context, enum err err) { *(enum err *)context = err; }

/* Each token has a number of its own, stored before it is given out. */
static enum err number_store(struct smdp *s, const struct iccid *iccid)
{
    const struct value params[] = { value_text(iccid->digits) };
    const struct write write = { .statement = &SMDP_PROFILE_TOKEN_NUMBER, .params = params, .param_count = 1, .expect_rows = 1 };
    enum err err = ERR_BUSY;
    s->env.store->commit(s->env.store, &write, 1, note, &err);
    return err;
}

int token_admin(void *role, const struct admin_request *r, json_t **ret)
{
    struct smdp *s = role;
    struct arena a;
    struct stored_profile p;
    struct es5_delete d;
    uint8_t id[4], token[CMAC_LEN];
    arena_init(&a, 1u << 20);
    int status = smdp_admin_profile(s, r, &a, &p, ret);
    if (status == 200 && p.token_state != SMDP_TOKEN_SET)
        status = admin_refuse(ret, 409, "its ISD-P has no token key: order profiles with token, or load one (personalize)");
    enum err err = status == 200 ? number_store(s, &p.iccid) : ERR_NONE;
    if (err == ERR_NONE && status == 200)
        err = make_token(s, &p, p.token_number + 1, &d, id, token);
    if (err != ERR_NONE)
        status = admin_refuse(ret, 503, err_text(err));
    if (status == 200) {
        *ret = token_json(&p, &d, SPAN_OF(token));
        log_fact(s->env.log, LOG_WARN_, p.eid, "delete token %u for profile %s given to %s", p.token_number + 1, p.iccid.digits, r->name);
    }
    arena_release(&a);
    return status;
}
