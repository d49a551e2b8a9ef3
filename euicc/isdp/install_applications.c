/* Security domains and remote file management. */
#include "installation.h"

#include "lib/profile/local_switch.h"
#include "lib/profile/multi_imsi.h"

/* ---- key sets ---- */

static struct keyset *set_of(struct staged_sd *sd, uint8_t kvn, uint64_t counter)
{
    for (size_t i = 0; i < sd->set_count; i++)
        if (sd->sets[i].kvn == kvn)
            return &sd->sets[i];
    if (sd->set_count == ARRAY_LEN(sd->sets))
        return NULL;
    sd->sets[sd->set_count].kvn = kvn;
    sd->counters[sd->set_count] = counter;
    return &sd->sets[sd->set_count++];
}

/* Keys of several components (RSA, EC) and a fourth key of a set: kept for whoever asks for them one day. */
static enum pe_status_code add_other_key(struct installation *in, struct staged_sd *sd, const struct key_object *k)
{
    WRITER_ON_STACK(w, OBJECT_SECRET_MAX);
    der_encode(&w, &key_object_type, k);
    if (w.err != ERR_NONE || sd->other_key_count == APPLICATION_OTHER_KEYS_MAX)
        return PE_STATUS_NOT_ENOUGH_MEMORY;
    struct span kept = keep(in, wr_span(&w));
    wipe(w.buf, w.cap);
    if (!kept.ptr)
        return PE_STATUS_NOT_ENOUGH_MEMORY;
    sd->other_keys[sd->other_key_count++] = kept;
    return PE_STATUS_OK;
}

static enum pe_status_code add_key(struct installation *in, struct staged_sd *sd, const struct key_object *k)
{
    const struct key_component *c = &k->components.items[0];
    uint64_t counter = 0;
    if (k->counter.ptr && span_uint(k->counter, &counter) != ERR_NONE)
        return PE_STATUS_BAD_VALUES;
    if (k->components.count != 1 || c->data.len > KEYSET_KEY_MAX)
        return add_other_key(in, sd, k);
    struct keyset *set = set_of(sd, k->version.ptr[0], counter);
    if (set && keyset_key(set, k->identifier.ptr[0]).ptr)
        return PE_STATUS_BAD_VALUES;
    if (!set || set->count == KEYSET_KEYS_MAX)
        return add_other_key(in, sd, k);
    struct keyset_key *key = &set->keys[set->count++];
    *key = (struct keyset_key){ .kid = k->identifier.ptr[0], .type = c->type.ptr[0], .len = (uint8_t)c->data.len };
    if (c->data.len)
        memcpy(key->value, c->data.ptr, c->data.len);
    return PE_STATUS_OK;
}

/* ---- toolkit parameters: TS 102 226, 8.2.1.3.2.2.1 ---- */

static void add_tars(struct span tars, uint8_t out[][TAR_LEN], uint8_t *count)
{
    struct reader r = rd_of(tars);
    while (rd_left(&r) >= TAR_LEN && *count < APPLICATION_TARS_MAX)
        rd_copy(&r, out[(*count)++], TAR_LEN);
}

/* The TAR of an application that lists none: octets 13 to 15 of a whole AID. */
static void tar_of_aid(const struct aid *aid, uint8_t out[][TAR_LEN], uint8_t *count)
{
    if (*count == 0 && aid->len == AID_MAX)
        add_tars((struct span){ aid->octets + 12, TAR_LEN }, out, count);
}

static enum pe_status_code read_toolkit(struct span field, struct application_sd *info)
{
    struct reader r = rd_of(field);
    rd_span(&r, 3); /* priority, timers, length of menu texts */
    size_t menus = rd_u8(&r);
    rd_span(&r, 2 * menus);
    rd_u8(&r); /* channels */
    struct span security = rd_span(&r, rd_u8(&r));
    struct span tars = rd_span(&r, rd_u8(&r));
    if (r.err != ERR_NONE || tars.len % TAR_LEN)
        return PE_STATUS_BAD_VALUES;
    if (security.len >= 2 && security.ptr[0] == 0x01)
        info->minimum_security = security.ptr[1];
    add_tars(tars, info->tars, &info->tar_count);
    return PE_STATUS_OK;
}

/* ---- security domains ---- */

static enum pe_status_code read_instance(const struct application_instance *i, struct application_sd *info)
{
    if (!aid_set(&info->aid, i->instance_aid))
        return PE_STATUS_BAD_VALUES;
    memcpy(info->privileges, i->privileges.ptr, i->privileges.len);
    info->life_cycle = i->life_cycle.ptr[0];
    enum pe_status_code status = PE_STATUS_OK;
    if (i->toolkit && i->toolkit->toolkit.len)
        status = read_toolkit(i->toolkit->toolkit, info);
    tar_of_aid(&info->aid, info->tars, &info->tar_count);
    return status;
}

static enum pe_status_code add_data(struct installation *in, struct staged_sd *sd, struct span object)
{
    if (sd->data_count == APPLICATION_DATA_MAX)
        return PE_STATUS_NOT_ENOUGH_MEMORY;
    struct span kept = keep(in, object);
    if (!kept.ptr)
        return PE_STATUS_NOT_ENOUGH_MEMORY;
    sd->data[sd->data_count++] = kept;
    return PE_STATUS_OK;
}

/* One DGI: its TLVs one by one, or whole when it holds none. */
static enum pe_status_code add_dgi(struct installation *in, struct staged_sd *sd, struct span octets)
{
    struct reader r = rd_of(octets);
    struct tlv dgi, inner;
    enum pe_status_code status = PE_STATUS_OK;
    if (!dgi_next(&r, &dgi) || !rd_at_end(&r))
        return PE_STATUS_BAD_VALUES;
    struct reader check = rd_of(dgi.val), values = rd_of(dgi.val);
    while (tlv_next(&check, &inner))
        ;
    if (check.err != ERR_NONE || dgi.val.len == 0)
        return add_data(in, sd, dgi.raw);
    while (status == PE_STATUS_OK && tlv_next(&values, &inner))
        status = add_data(in, sd, inner.raw);
    return status;
}

static bool is_sd(const struct installation *in, const struct aid *aid)
{
    for (size_t i = 0; i < in->now.sd_count; i++)
        if (aid_eq(&in->sds[i]->info.aid, aid))
            return true;
    return false;
}

/* An instance, of whatever kind, has its AID alone. */
static bool aid_taken(const struct installation *in, const struct aid *aid)
{
    for (size_t i = 0; i < in->now.rfm_count; i++)
        if (aid_eq(&in->rfms[i].aid, aid))
            return true;
    return is_sd(in, aid) || node_by_aid(in, aid_span(aid)) != NO_NODE;
}

enum pe_status_code install_sd(struct installation *in, const struct profile_element *pe)
{
    const struct pe_security_domain *d = pe->as.sd;
    struct staged_sd *sd = ARENA_NEW(&in->arena, struct staged_sd);
    if (!sd || in->now.sd_count == APPLICATION_SDS_MAX)
        return PE_STATUS_NOT_ENOUGH_MEMORY;
    sd->owner = in->pe.identification;
    enum pe_status_code status = read_instance(d->instance, &sd->info);
    if (status == PE_STATUS_OK && aid_taken(in, &sd->info.aid))
        status = PE_STATUS_BAD_VALUES;
    for (size_t i = 0; status == PE_STATUS_OK && i < d->keys.count; i++)
        status = add_key(in, sd, &d->keys.items[i]);
    for (size_t i = 0; status == PE_STATUS_OK && i < d->perso_data.count; i++)
        status = add_dgi(in, sd, d->perso_data.items[i]);
    if (status == PE_STATUS_OK)
        in->sds[in->now.sd_count++] = sd;
    return status;
}

/* ---- remote file management ---- */

static bool domain_of(struct span octets, struct access_domain *ret)
{
    if (octets.len > ACCESS_DOMAIN_MAX)
        return false;
    ret->len = (uint8_t)octets.len;
    memcpy(ret->octets, octets.ptr, octets.len);
    return true;
}

static enum pe_status_code read_rfm_adf(const struct installation *in, const struct rfm_adf *adf,
                                        struct application_rfm *r)
{
    if (!adf)
        return PE_STATUS_OK;
    bool good = node_by_aid(in, adf->aid) != NO_NODE && aid_set(&r->adf, adf->aid) &&
                domain_of(adf->access_domain, &r->adf_access) && domain_of(adf->admin_access_domain, &r->adf_admin);
    return good ? PE_STATUS_OK : PE_STATUS_BAD_VALUES;
}

enum pe_status_code install_rfm(struct installation *in, const struct profile_element *pe)
{
    const struct pe_rfm *rfm = pe->as.rfm;
    struct application_rfm r = { .minimum_security = rfm->minimum_security.ptr[0] };
    if (in->now.rfm_count == APPLICATION_RFMS_MAX || rfm->tars.count > APPLICATION_TARS_MAX)
        return PE_STATUS_NOT_ENOUGH_MEMORY;
    if (!aid_set(&r.aid, rfm->instance_aid) || aid_taken(in, &r.aid) || !domain_of(rfm->access_domain, &r.access) ||
        !domain_of(rfm->admin_access_domain, &r.admin))
        return PE_STATUS_BAD_VALUES;
    if (rfm->security_domain_aid.ptr && (!aid_set(&r.sd, rfm->security_domain_aid) || !is_sd(in, &r.sd)))
        return PE_STATUS_BAD_VALUES;
    for (size_t i = 0; i < rfm->tars.count; i++)
        add_tars(rfm->tars.items[i], r.tars, &r.tar_count);
    tar_of_aid(&r.aid, r.tars, &r.tar_count);
    enum pe_status_code status = read_rfm_adf(in, rfm->adf, &r);
    if (status != PE_STATUS_OK)
        return status;
    in->rfm_owner[in->now.rfm_count] = in->pe.identification;
    in->rfms[in->now.rfm_count++] = r;
    return PE_STATUS_OK;
}

/* ---- what the card does by itself: several IMSIs, rules for switching ---- */

static enum pe_status_code keep_once(struct installation *in, struct span content, struct span *ret)
{
    if (ret->len)
        return PE_STATUS_BAD_VALUES;
    *ret = keep(in, content);
    return ret->ptr ? PE_STATUS_OK : PE_STATUS_NOT_ENOUGH_MEMORY;
}

/* The issuer is one of ours, or nobody we know. */
enum pe_status_code install_non_standard(struct installation *in, const struct profile_element *pe)
{
    const struct pe_non_standard *n = pe->as.non_standard;
    struct multi_imsi m;
    struct local_switch s;
    if (span_eq(n->issuer, multi_imsi_issuer))
        return multi_imsi_parse(n->content, &m) == ERR_NONE ? keep_once(in, n->content, &in->multi_imsi)
                                                            : PE_STATUS_BAD_VALUES;
    if (!span_eq(n->issuer, local_switch_issuer))
        return PE_STATUS_PE_NOT_SUPPORTED;
    bool good = n->content.len <= LOCAL_SWITCH_CONTENT_MAX && local_switch_parse(n->content, &s) == ERR_NONE;
    return good ? keep_once(in, n->content, &in->local_switch) : PE_STATUS_BAD_VALUES;
}
