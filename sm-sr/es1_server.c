#include "lib/base/mutant.h"
#include "lib/es/es1.h"

#include <stdio.h>

#include "lib/crypto/aes.h"
#include "lib/crypto/sha256.h"
#include "rules.h"
#include "server.h"
#include "take_in.h"

/* ES1, EUM to SM-SR (SGP.02 §5.2; fact book 7.1): an eUICC comes into our care. Nothing is stored before all is
 * checked. */

static struct status eis_invalid(const struct turn *t, const char *detail)
{
    return status_failed(REASON_EIS_INVALID, t->e->eid_text, "%s", detail);
}

static struct status check_identity(struct turn *t, const struct call_event *c, const struct eis *eis)
{
    if (!oid_eq(&eis->eum_id, &c->partner->oid) && !MUTANT(takes_eis_of_another_eum))
        return status_failed(REASON_REQUESTER_NOT_ALLOWED, eis->eum_id.text, "the EIS names another EUM");
    if (!oid_eq(&eis->smsr_id, &t->config->oid))
        return status_failed(REASON_SMSR_WRONG, eis->smsr_id.text, "the EIS names another SM-SR");
    if (t->e->present)
        return status_failed(REASON_EID_IN_USE, t->e->eid_text, "registered already");
    return status_success();
}

/* ---- the keys of the ISD-R */

/* AES: E(key, 16 x 01); for a PSK the check value is not settled: that, or the beginning of its SHA-256. */
static bool kcv_fits(struct span key, uint8_t type, struct span kcv)
{
    uint8_t ones[KCV_LEN], digest[SHA256_LEN];
    if (!kcv.len)
        return true;
    if (aes_kcv(key, ones) == ERR_NONE && span_eq(kcv, SPAN_OF(ones)))
        return true;
    return type == 0x85 && sha256(key, digest) == ERR_NONE && span_eq(kcv, span_sub(SPAN_OF(digest), 0, KCV_LEN));
}

static bool open_key(const struct smsr_partner *eum, const struct eis_key *key, struct writer *plain)
{
    uint8_t value[AES_KEY_MAX];
    if (key->component_count != 1 || !key->components[0].value.len || key->components[0].value.len > sizeof value)
        return false;
    struct span in = key->components[0].value, opened = { value, in.len };
    bool good = aes_cbc_decrypt((struct span){ eum->kek, eum->kek_len }, NULL, in, value) == ERR_NONE &&
                kcv_fits(opened, key->components[0].type, key->kcv);
    wr_u8(plain, (uint8_t)in.len);
    wr_bytes(plain, opened);
    wipe(value, sizeof value);
    return good && plain->err == ERR_NONE;
}

static const struct eis_key *key_by_index(const struct eis_keyset *k, uint8_t index)
{
    for (size_t i = 0; i < k->key_count; i++)
        if (k->keys[i].index == index)
            return &k->keys[i];
    return NULL;
}

/* KIc, KID, DEK of SCP80; PSK, DEK of SCP81: indices in order from 1. */
static bool open_keyset(const struct smsr_partner *eum, const struct eis_keyset *k, struct writer *plain)
{
    size_t wanted = k->usage == KEYSET_SCP80 ? 2 : 1, found = 0;
    for (uint8_t index = 1; index <= 3; index++) {
        const struct eis_key *key = key_by_index(k, index);
        if (!key)
            break;
        if (!open_key(eum, key, plain))
            return false;
        found++;
    }
    return found >= wanted;
}

static bool keep_keyset(struct turn *t, const struct smsr_partner *eum, const struct eis_keyset *k)
{
    char aad[SMSR_AAD_SIZE];
    uint8_t plain_octets[SMSR_SCP_KEYS_MAX];
    struct writer plain = wr_of(plain_octets, sizeof plain_octets);
    uint8_t *wrapped = arena_alloc(t->arena, SMSR_SCP_KEYS_MAX + KEYS_WRAP_OVERHEAD);
    bool good = wrapped && open_keyset(eum, k, &plain) &&
                t->env->keys->wrap(t->env->keys, smsr_keyset_aad(t->e->eid_text, k->version, aad), wr_span(&plain),
                                   wrapped, SMSR_SCP_KEYS_MAX + KEYS_WRAP_OVERHEAD) == ERR_NONE;
    if (good)
        WRITES_ADD(t->w, &SMSR_KEYSET_ADD, 1, value_text(t->e->eid_text), value_int(k->version), value_int(k->usage),
                   value_int(1), value_int((int64_t)k->counter),
                   value_blob((struct span){ wrapped, plain.len + KEYS_WRAP_OVERHEAD }));
    wipe(plain_octets, sizeof plain_octets);
    return good;
}

static struct status keep_keys(struct turn *t, const struct call_event *c, const struct eis *eis, bool *ret_https)
{
    size_t scp80 = 0;
    *ret_https = false;
    for (size_t i = 0; i < eis->isdr.keyset_count; i++) {
        const struct eis_keyset *k = &eis->isdr.keysets[i];
        if (k->usage != KEYSET_SCP80 && k->usage != KEYSET_SCP81)
            continue;
        if (k->usage == KEYSET_SCP80 && (k->version < 0x01 || k->version > 0x0F))
            return eis_invalid(t, "an SCP80 key set outside 01 to 0F");
        if (!keep_keyset(t, c->partner, k))
            return eis_invalid(t, "a key of the ISD-R cannot be opened, or its check value is wrong");
        scp80 += k->usage == KEYSET_SCP80;
        *ret_https |= k->usage == KEYSET_SCP81;
    }
    return scp80 ? status_success() : eis_invalid(t, "the ISD-R has no SCP80 key set");
}

static struct status register_eis(struct turn *t, const struct call_event *c, struct es_response **ret_body)
{
    const struct es1_register_eis *r = c->message.body;
    bool https;
    (void)ret_body;
    struct status s = check_identity(t, c, r->eis);
    if (status_ok(&s))
        s = smsr_take_in_profiles(t, r->eis);
    if (t->need_rows) /* the costly checks run once, when all rows are there */
        return s;
    if (status_ok(&s))
        s = smsr_take_in_signatures(t, c->partner, r->eis, NULL);
    size_t before = t->w->count;
    if (status_ok(&s))
        s = keep_keys(t, c, r->eis, &https);
    if (!status_ok(&s)) {
        t->w->count = before;
        return s;
    }
    smsr_take_in_keep(t, r->eis, https);
    turn_log(t, LOG_INFO_, "registered by %s", c->partner->name);
    return s;
}

static struct status update_properties(struct turn *t, const struct call_event *c, struct es_response **ret_body)
{
    const struct es1_update_additional_properties *r = c->message.body;
    (void)ret_body;
    if (!t->e->known)
        return status_failed(REASON_EID_UNKNOWN, t->e->eid_text, "not registered at this SM-SR");
    if (!oid_eq(&t->e->eum_id, &c->partner->oid))
        return status_failed(REASON_EUICC_NOT_ALLOWED, t->e->eid_text, "another EUM made it");
    if (r->property_count > 64)
        return eis_invalid(t, "too many properties at a time");
    for (size_t i = 0; i < r->property_count; i++) {
        if (!r->properties[i].key.len)
            return eis_invalid(t, "a property without key");
        WRITES_ADD(t->w, &SMSR_PROPERTY_PUT, 1, value_text(t->e->eid_text), value_span_text(r->properties[i].key),
                   value_span_text(r->properties[i].value));
    }
    return status_success();
}

static const struct server_row rows[] = {
    { ES1_REGISTER_EIS, register_eis, NULL, NULL, false },
    { ES1_UPDATE_EIS_ADDITIONAL_PROPERTIES, update_properties, NULL, NULL, false },
};

const struct server smsr_es1_server = { ES_IF_ES1, SMSR_EUM, rows, ARRAY_LEN(rows) };
