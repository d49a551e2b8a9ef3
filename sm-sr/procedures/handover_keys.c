#include "handover_keys.h"

#include <stdio.h>

#include "lib/gp/put_key.h"
#include "lib/gp/store_data.h"
#include "lib/model/unconfirmed.h"

#define TRIES_MAX   3u
#define OLD_KEYS_AT (1u + KA_POINT_LEN)
#define OLD_KEY_LEN 3u
_Static_assert(CARD_MARK_LEN % OLD_KEY_LEN != 0, "whether a mark is there can be told");

/* Where a usage has its version and its tries in op->memory. */
static unsigned shift_of(enum keyset_usage usage) { return usage == KEYSET_SCP81 ? 16 : 0; }

uint8_t smsr_handover_kvn(const struct operation *op, enum keyset_usage usage)
{
    return (uint8_t)(op->memory >> shift_of(usage));
}

void smsr_handover_try(struct operation *op, enum keyset_usage usage) { op->memory += 0x100ull << shift_of(usage); }

bool smsr_handover_may_try(const struct operation *op, enum keyset_usage usage)
{
    return (uint8_t)(op->memory >> (shift_of(usage) + 8)) < TRIES_MAX;
}

static struct span pk_ecasd(const struct operation *op) { return span_sub(op->data, 1, KA_POINT_LEN); }

/* The mark stands behind the old key sets; procedures of before that have none. */
static size_t old_keys_len(const struct operation *op)
{
    size_t rest = op->data.len > OLD_KEYS_AT ? op->data.len - OLD_KEYS_AT : 0;
    return rest % OLD_KEY_LEN == CARD_MARK_LEN % OLD_KEY_LEN ? rest - CARD_MARK_LEN : rest;
}

const struct card_certificate *smsr_handover_certificate(const struct turn *t, const struct operation *op)
{
    static const uint8_t none[CARD_MARK_LEN];
    struct span mark = span_from(op->data, OLD_KEYS_AT + old_keys_len(op));
    if (!op->data.len)
        return NULL;
    return card_certificate_shown(&t->config->certificates, op->data.ptr[0], mark.len ? mark.ptr : none, t->now_ms);
}

/* ---- which versions */

static uint8_t free_kvn(const struct eis *eis, uint8_t first, uint8_t last)
{
    for (uint8_t kvn = first; kvn <= last; kvn++) {
        bool taken = false;
        for (size_t i = 0; i < eis->isdr.keyset_count; i++)
            taken |= eis->isdr.keysets[i].version == kvn;
        if (!taken)
            return kvn;
    }
    return 0;
}

static void old_keys_write(struct writer *w, const struct eis *eis)
{
    for (size_t i = 0; i < eis->isdr.keyset_count && i < ES5_KEY_RANGES_MAX; i++) {
        const struct eis_keyset *k = &eis->isdr.keysets[i];
        if (k->usage != KEYSET_SCP80 && k->usage != KEYSET_SCP81)
            continue;
        wr_u8(w, k->version);
        wr_u8(w, 1);
        wr_u8(w, k->usage == KEYSET_SCP80 ? 3 : 2);
    }
}

struct es5_delete smsr_handover_old_keys(const struct operation *op)
{
    struct es5_delete d = { .kind = ES5_DELETE_KEYS };
    struct reader r = rd_of(span_sub(op->data, OLD_KEYS_AT, old_keys_len(op)));
    while (!rd_at_end(&r) && d.range_count < ES5_KEY_RANGES_MAX) {
        struct es5_key_range *range = &d.ranges[d.range_count++];
        range->kvn = rd_u8(&r);
        range->first_kid = rd_u8(&r);
        range->last_kid = rd_u8(&r);
    }
    return d;
}

struct status smsr_handover_keys_begin(struct turn *t, struct operation *op, const struct eis *eis,
                                       const struct ec_key *ecasd)
{
    uint8_t point[EC_POINT_LEN];
    struct writer w = wr_arena(t->arena, OLD_KEYS_AT + OLD_KEY_LEN * ES5_KEY_RANGES_MAX + CARD_MARK_LEN);
    const struct card_certificate *c = card_certificate_for(&t->config->certificates, (uint8_t)ec_key_curve(ecasd), t->now_ms);
    ec_key_point(ecasd, point);
    wr_u8(&w, (uint8_t)ec_key_curve(ecasd));
    wr_bytes(&w, SPAN_OF(point));
    old_keys_write(&w, eis);
    if (c)
        wr_bytes(&w, SPAN_OF(c->mark));
    op->data = wr_span(&w);
    op->memory = free_kvn(eis, 0x01, 0x0F) | (uint64_t)free_kvn(eis, 0x40, 0x4F) << shift_of(KEYSET_SCP81);
    if (!smsr_handover_kvn(op, KEYSET_SCP80) || !c)
        return status_failed(REASON_PROVIDER_INCAPABLE, t->e->eid_text,
                             "no free key version, or no certificate on the curve of the card");
    enum err err = chain_check_own(t->config->trust, (struct span){ c->octets, c->len }, t->now_ms);
    if (err != ERR_NONE)
        return status_failed(chain_reason(CHAIN_SR, err), t->config->oid.text, "our own CERT.SR.ECDSA: %s", err_text(err));
    return status_success();
}

/* ---- the ephemeral key */

struct span smsr_handover_aad(const char *eid, char out[SMSR_AAD_SIZE])
{
    snprintf(out, SMSR_AAD_SIZE, "handover/%s", eid);
    return span_text(out);
}

static enum err secret_keep(struct turn *t, struct operation *op, const struct ka_host *host)
{
    char aad[SMSR_AAD_SIZE];
    WRITER_ON_STACK(plain, KA_HOST_STORED_MAX);
    ka_host_write(&plain, host);
    size_t cap = plain.len + KEYS_WRAP_OVERHEAD;
    uint8_t *out = arena_alloc(t->arena, cap);
    enum err err = plain.err != ERR_NONE ? plain.err : out ? ERR_NONE : ERR_NO_SPACE;
    if (err == ERR_NONE)
        err = t->env->keys->wrap(t->env->keys, smsr_handover_aad(t->e->eid_text, aad), wr_span(&plain), out, cap);
    wipe(plain_memory, sizeof plain_memory);
    op->secret = err == ERR_NONE ? (struct span){ out, cap } : SPAN_NONE;
    return err;
}

static enum err secret_open(struct turn *t, const struct operation *op, struct ka_host *ret)
{
    char aad[SMSR_AAD_SIZE];
    uint8_t plain[KA_HOST_STORED_MAX];
    if (op->secret.len < KEYS_WRAP_OVERHEAD || op->secret.len - KEYS_WRAP_OVERHEAD > sizeof plain)
        return ERR_BAD_LENGTH;
    enum err err = t->env->keys->unwrap(t->env->keys, smsr_handover_aad(t->e->eid_text, aad), op->secret, plain, sizeof plain);
    if (err == ERR_NONE)
        err = ka_host_read((struct span){ plain, op->secret.len - KEYS_WRAP_OVERHEAD }, ret);
    wipe(plain, sizeof plain);
    return err;
}

_Static_assert((int)SMSR_KA_PARAMETERS == (KA_CERTIFICATE_FIRST | KA_WITH_DR | KA_DELETE_OLD_KEYS), "as said there");
_Static_assert((int)SMSR_KA_PSK_USAGE == (int)KA_USAGE_BASE_KEY, "as said there");

static struct ka_parameters parameters_of(const struct operation *op, enum keyset_usage usage)
{
    bool psk = usage == KEYSET_SCP81;
    return (struct ka_parameters){ .parameters = SMSR_KA_PARAMETERS,
                                   .usage = psk ? SMSR_KA_PSK_USAGE : KA_USAGE_THREE_KEYS,
                                   .key_type = psk ? KEY_TYPE_PSK_TLS : KEY_TYPE_AES,
                                   .key_len = KA_KEY_LEN,
                                   .kid = 1,
                                   .kvn = smsr_handover_kvn(op, usage) };
}

static enum err draw(struct turn *t, const struct operation *op, enum keyset_usage usage, struct ka_host *ret)
{
    struct ka_parameters p = parameters_of(op, usage);
    struct ec_key *key = NULL;
    uint8_t scalar[EC_FIELD_LEN], point[EC_POINT_LEN];
    if (!p.kvn)
        return ERR_NO_SPACE;
    enum err err = ec_generate((enum ec_curve)op->data.ptr[0], t->env->rng, &key);
    if (err == ERR_NONE)
        err = ec_key_scalar(key, scalar);
    if (err == ERR_NONE) {
        ec_key_point(key, point);
        err = ka_host_init(&p, op->data.ptr[0], scalar, point, ret);
    }
    wipe(scalar, sizeof scalar);
    ec_key_free(key);
    return err;
}

static enum err sign(struct turn *t, const struct operation *op, const struct ka_host *host, struct span rc,
                     struct span *ret)
{
    const struct card_certificate *c = smsr_handover_certificate(t, op);
    WRITER_ON_STACK(signed_data, KA_COMMAND_MAX);
    uint8_t *out = arena_alloc(t->arena, KA_SIGNATURE_LEN);
    size_t len = 0;
    ka_host_to_be_signed(&signed_data, host, rc);
    if (!c || !out || signed_data.err != ERR_NONE)
        return ERR_NO_SPACE;
    enum err err = t->env->keys->sign(t->env->keys, c->key_name, wr_span(&signed_data), out, KA_SIGNATURE_LEN, &len);
    *ret = (struct span){ out, len };
    return err;
}

enum err smsr_handover_key_offer(struct turn *t, struct operation *op, enum keyset_usage usage, struct span rc,
                                 struct ka_host *ret_host, struct span *ret_signature)
{
    enum err err = draw(t, op, usage, ret_host);
    if (err == ERR_NONE)
        err = sign(t, op, ret_host, rc, ret_signature);
    return err == ERR_NONE ? secret_keep(t, op, ret_host) : err;
}

struct span smsr_handover_certificate_dgi(const struct turn *t, const struct operation *op)
{
    const struct card_certificate *c = smsr_handover_certificate(t, op);
    struct writer w = wr_arena(t->arena, GP_CERTIFICATE_MAX + 8);
    if (c)
        ka_certificate_dgi_write(&w, (struct span){ c->octets, c->len });
    return w.err == ERR_NONE ? wr_span(&w) : SPAN_NONE;
}

enum err smsr_handover_key_command(struct turn *t, struct operation *op, enum keyset_usage usage, struct span rc,
                                   struct span *ret_dgis, uint8_t *ret_block)
{
    struct span certificate = smsr_handover_certificate_dgi(t, op), signature;
    struct writer w = wr_arena(t->arena, KA_COMMAND_MAX);
    struct ka_host host;
    enum err err = certificate.len ? smsr_handover_key_offer(t, op, usage, rc, &host, &signature) : ERR_NOT_FOUND;
    if (err != ERR_NONE)
        return err;
    ka_host_command(&w, &host, signature);
    wipe(&host, sizeof host);
    *ret_dgis = wr_span(&w);
    *ret_block = (uint8_t)store_data_block_count(certificate.len);
    return w.err;
}

/* ---- the key set */

static enum err keyset_keep(struct turn *t, const struct operation *op, enum keyset_usage usage,
                            const struct ka_keys *keys)
{
    char aad[SMSR_AAD_SIZE];
    uint8_t octets[SMSR_SCP_KEYS_MAX];
    struct writer plain = wr_of(octets, sizeof octets);
    struct keyset *k = smsr_keyset_add(t->e);
    uint8_t kvn = smsr_handover_kvn(op, usage), *wrapped = arena_alloc(t->arena, SMSR_SCP_KEYS_MAX + KEYS_WRAP_OVERHEAD);
    if (!k || !wrapped)
        return ERR_NO_SPACE;
    for (size_t i = 0; i < keys->count; i++) {
        wr_u8(&plain, KA_KEY_LEN);
        wr_bytes(&plain, (struct span){ keys->keys[i], KA_KEY_LEN });
    }
    enum err err = t->env->keys->wrap(t->env->keys, smsr_keyset_aad(t->e->eid_text, kvn, aad), wr_span(&plain), wrapped,
                                      SMSR_SCP_KEYS_MAX + KEYS_WRAP_OVERHEAD);
    *k = (struct keyset){ .kvn = kvn,
                          .kid = 1,
                          .usage = usage,
                          .wrapped = { wrapped, plain.len + KEYS_WRAP_OVERHEAD },
                          .change = ROW_NEW };
    wipe(octets, sizeof octets);
    return err;
}

static enum err keys_of(struct turn *t, const struct operation *op, struct span dr, struct span receipt,
                        struct ka_keys *ret)
{
    struct ka_host host;
    WRITER_ON_STACK(answer, 128);
    if (receipt.len != 16)
        return ERR_BAD_LENGTH;
    ka_answer_write(&answer, dr, receipt.ptr);
    enum err err = secret_open(t, op, &host);
    if (err == ERR_NONE)
        err = ka_host_finish(&host, pk_ecasd(op), wr_span(&answer), ret);
    wipe(&host, sizeof host);
    return err;
}

enum err smsr_handover_key_take(struct turn *t, struct operation *op, enum keyset_usage usage, struct span dr,
                                struct span receipt)
{
    struct ka_keys keys = { 0 };
    enum err err = keys_of(t, op, dr, receipt, &keys);
    if (err == ERR_NONE)
        err = keyset_keep(t, op, usage, &keys);
    if (err == ERR_NONE)
        op->secret = SPAN_NONE;
    wipe(&keys, sizeof keys);
    return err;
}
