#include "profile.h"

#include <stdio.h>

#include "sm-dp/turn.h"

enum { C_ICCID, C_OWNER, C_TYPE, C_IMSI, C_MSISDN, C_POL2, C_SIZE, C_MEMORY, C_STATE, C_EID, C_SMSR, C_ISDP, C_CONNECTIVITY, C_KEYS,
       C_TOKEN_STATE, C_TOKEN, C_TOKEN_NUMBER };

void smdp_profile_read(const struct query *q, struct stored_profile *p)
{
    *p = (struct stored_profile){ .known = q->row_count > 0 };
    if (!p->known)
        return;
    const struct row *row = &q->rows[0];
    row_text(row, C_ICCID, p->iccid.digits, sizeof p->iccid.digits);
    row_text(row, C_OWNER, p->owner.text, sizeof p->owner.text);
    row_text(row, C_TYPE, p->type, sizeof p->type);
    row_text(row, C_IMSI, p->address.imsi, sizeof p->address.imsi);
    row_text(row, C_MSISDN, p->address.msisdn, sizeof p->address.msisdn);
    p->pol2.rules = (uint8_t)row_int(row, C_POL2);
    p->size = (uint32_t)row_int(row, C_SIZE);
    p->memory = (uint32_t)row_int(row, C_MEMORY);
    p->state = (enum smdp_profile_state)row_int(row, C_STATE);
    row_text(row, C_EID, p->eid, sizeof p->eid);
    row_text(row, C_SMSR, p->smsr.text, sizeof p->smsr.text);
    if (!aid_set(&p->isdp, row_bytes(row, C_ISDP)))
        p->isdp.len = 0;
    p->connectivity = row_bytes(row, C_CONNECTIVITY);
    p->keys = row_bytes(row, C_KEYS);
    p->token_state = (enum smdp_token_state)row_int(row, C_TOKEN_STATE);
    p->token = row_bytes(row, C_TOKEN);
    p->token_number = (uint32_t)row_int(row, C_TOKEN_NUMBER);
}

bool smdp_profile_load(struct turn *t, const struct iccid *iccid, struct stored_profile *ret)
{
    const struct query *q = SMDP_ASK(t, &SMDP_PROFILE_LOAD, value_text(iccid->digits));
    if (q)
        smdp_profile_read(q, ret);
    return q != NULL;
}

bool smdp_profile_of_type(struct turn *t, struct span type, const struct oid *owner, struct stored_profile *ret)
{
    const struct query *q = SMDP_ASK(t, &SMDP_PROFILE_OF_TYPE, value_span_text(type), value_text(owner->text));
    if (q)
        smdp_profile_read(q, ret);
    return q != NULL;
}

static struct span aad_of(const char *what, const char *iccid, char out[SMDP_AAD_SIZE])
{
    snprintf(out, SMDP_AAD_SIZE, "%s:%s", what, iccid);
    return span_text(out);
}

struct span smdp_package_aad(const char *iccid, char out[SMDP_AAD_SIZE]) { return aad_of("package", iccid, out); }
struct span smdp_keys_aad(const char *iccid, char out[SMDP_AAD_SIZE]) { return aad_of("keys", iccid, out); }
struct span smdp_token_aad(const char *iccid, char out[SMDP_AAD_SIZE]) { return aad_of("token", iccid, out); }

enum err smdp_package_load(struct turn *t, const struct iccid *iccid, struct span *ret)
{
    char aad[SMDP_AAD_SIZE];
    const struct query *q = SMDP_ASK(t, &SMDP_PACKAGE_LOAD, value_text(iccid->digits));
    if (!q)
        return ERR_BUSY;
    if (!q->row_count)
        return ERR_NOT_FOUND;
    struct span wrapped = row_bytes(&q->rows[0], 0);
    if (wrapped.len < KEYS_WRAP_OVERHEAD)
        return ERR_VERIFY;
    size_t len = wrapped.len - KEYS_WRAP_OVERHEAD;
    uint8_t *out = arena_alloc(t->arena, len + 1);
    if (!out)
        return ERR_NO_SPACE;
    enum err err = t->env->keys->unwrap(t->env->keys, smdp_package_aad(iccid->digits, aad), wrapped, out, len);
    if (err == ERR_NONE)
        *ret = (struct span){ out, len };
    return err;
}
