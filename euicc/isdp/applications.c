#include "applications.h"

#define KEYSET_STORED_MAX (1u + KEYSET_KEYS_MAX * (3u + KEYSET_KEY_MAX))
#define COUNTERS_STORED   10u
#define SD_STORED_MAX     64u
#define RFM_STORED_MAX    160u

static object_key key_of(uint8_t slot, uint32_t number) { return OBJECT_KEY(slot, OBJ_MNOSD, number); }

/* ---- small values ---- */

static void wr_counted(struct writer *w, const uint8_t *octets, uint8_t len)
{
    wr_u8(w, len);
    wr_bytes(w, (struct span){ octets, len });
}

static uint8_t rd_counted(struct reader *r, uint8_t *out, uint8_t max)
{
    uint8_t len = rd_u8(r);
    if (len > max)
        rd_fail(r, ERR_BAD_LENGTH);
    rd_copy(r, out, r->err == ERR_NONE ? len : 0);
    return len;
}

static void wr_tars(struct writer *w, const uint8_t (*tars)[TAR_LEN], uint8_t count)
{
    wr_u8(w, count);
    for (uint8_t i = 0; i < count; i++)
        wr_bytes(w, (struct span){ tars[i], TAR_LEN });
}

static uint8_t rd_tars(struct reader *r, uint8_t tars[][TAR_LEN])
{
    uint8_t count = rd_u8(r);
    if (count > APPLICATION_TARS_MAX)
        rd_fail(r, ERR_BAD_LENGTH);
    for (uint8_t i = 0; r->err == ERR_NONE && i < count; i++)
        rd_copy(r, tars[i], TAR_LEN);
    return count;
}

static bool has_tar(uint8_t tars[][TAR_LEN], uint8_t count, struct span tar)
{
    for (uint8_t i = 0; i < count; i++)
        if (span_eq((struct span){ tars[i], TAR_LEN }, tar))
            return true;
    return false;
}

static enum err read_small(const struct objects *o, object_key key, uint8_t *buf, size_t cap, struct reader *ret)
{
    size_t len = 0;
    enum err err = objects_get(o, key, buf, cap, &len);
    *ret = rd_of((struct span){ buf, len });
    return err;
}

/* ---- security domains ---- */

enum err application_sd_put(struct objects *o, uint8_t slot, unsigned sd, const struct application_sd *v)
{
    WRITER_ON_STACK(w, SD_STORED_MAX);
    wr_counted(&w, v->aid.octets, v->aid.len);
    wr_bytes(&w, SPAN_OF(v->privileges));
    wr_u8(&w, v->life_cycle);
    wr_u8(&w, v->minimum_security);
    wr_tars(&w, v->tars, v->tar_count);
    return w.err != ERR_NONE ? w.err : objects_put(o, key_of(slot, APP_SD(sd)), wr_span(&w));
}

enum err application_sd_get(const struct objects *o, uint8_t slot, unsigned sd, struct application_sd *ret)
{
    uint8_t buf[SD_STORED_MAX];
    struct application_sd v = { 0 };
    struct reader r;
    if (sd >= APPLICATION_SDS_MAX)
        return ERR_NOT_FOUND;
    enum err err = read_small(o, key_of(slot, APP_SD(sd)), buf, sizeof buf, &r);
    if (err != ERR_NONE)
        return err;
    v.aid.len = rd_counted(&r, v.aid.octets, AID_MAX);
    rd_copy(&r, v.privileges, sizeof v.privileges);
    v.life_cycle = rd_u8(&r);
    v.minimum_security = rd_u8(&r);
    v.tar_count = rd_tars(&r, v.tars);
    err = rd_finish(&r);
    if (err == ERR_NONE)
        *ret = v;
    return err;
}

enum err application_sd_by_tar(const struct objects *o, uint8_t slot, struct span tar, unsigned *ret_sd)
{
    struct application_sd v;
    for (unsigned sd = 0; application_sd_get(o, slot, sd, &v) == ERR_NONE; sd++)
        if (has_tar(v.tars, v.tar_count, tar)) {
            *ret_sd = sd;
            return ERR_NONE;
        }
    return ERR_NOT_FOUND;
}

enum err application_sd_by_aid(const struct objects *o, uint8_t slot, struct span aid, unsigned *ret_sd)
{
    struct application_sd v;
    for (unsigned sd = 0; application_sd_get(o, slot, sd, &v) == ERR_NONE; sd++)
        if (span_eq(aid_span(&v.aid), aid)) {
            *ret_sd = sd;
            return ERR_NONE;
        }
    return ERR_NOT_FOUND;
}

/* ---- remote file management ---- */

enum err application_rfm_put(struct objects *o, uint8_t slot, unsigned index, const struct application_rfm *v)
{
    WRITER_ON_STACK(w, RFM_STORED_MAX);
    wr_counted(&w, v->aid.octets, v->aid.len);
    wr_counted(&w, v->sd.octets, v->sd.len);
    wr_u8(&w, v->minimum_security);
    wr_tars(&w, v->tars, v->tar_count);
    wr_counted(&w, v->access.octets, v->access.len);
    wr_counted(&w, v->admin.octets, v->admin.len);
    wr_counted(&w, v->adf.octets, v->adf.len);
    wr_counted(&w, v->adf_access.octets, v->adf_access.len);
    wr_counted(&w, v->adf_admin.octets, v->adf_admin.len);
    return w.err != ERR_NONE ? w.err : objects_put(o, key_of(slot, APP_RFM(index)), wr_span(&w));
}

enum err application_rfm_get(const struct objects *o, uint8_t slot, unsigned index, struct application_rfm *ret)
{
    uint8_t buf[RFM_STORED_MAX];
    struct application_rfm v = { 0 };
    struct reader r;
    if (index >= APPLICATION_RFMS_MAX)
        return ERR_NOT_FOUND;
    enum err err = read_small(o, key_of(slot, APP_RFM(index)), buf, sizeof buf, &r);
    if (err != ERR_NONE)
        return err;
    v.aid.len = rd_counted(&r, v.aid.octets, AID_MAX);
    v.sd.len = rd_counted(&r, v.sd.octets, AID_MAX);
    v.minimum_security = rd_u8(&r);
    v.tar_count = rd_tars(&r, v.tars);
    v.access.len = rd_counted(&r, v.access.octets, ACCESS_DOMAIN_MAX);
    v.admin.len = rd_counted(&r, v.admin.octets, ACCESS_DOMAIN_MAX);
    v.adf.len = rd_counted(&r, v.adf.octets, AID_MAX);
    v.adf_access.len = rd_counted(&r, v.adf_access.octets, ACCESS_DOMAIN_MAX);
    v.adf_admin.len = rd_counted(&r, v.adf_admin.octets, ACCESS_DOMAIN_MAX);
    err = rd_finish(&r);
    if (err == ERR_NONE)
        *ret = v;
    return err;
}

enum err application_rfm_by_tar(const struct objects *o, uint8_t slot, struct span tar, struct application_rfm *ret)
{
    struct application_rfm v;
    for (unsigned i = 0; application_rfm_get(o, slot, i, &v) == ERR_NONE; i++)
        if (has_tar(v.tars, v.tar_count, tar)) {
            *ret = v;
            return ERR_NONE;
        }
    return ERR_NOT_FOUND;
}

/* ---- keys ---- */

enum err application_counters_put(struct objects *o, uint8_t slot, unsigned sd, uint8_t kvn,
                                  const struct keyset_counters *counters)
{
    WRITER_ON_STACK(w, COUNTERS_STORED);
    wr_u40(&w, counters->received);
    wr_u40(&w, counters->sent);
    return objects_put(o, key_of(slot, APP_COUNTERS(sd, kvn)), wr_span(&w));
}

enum err application_counters_get(const struct objects *o, uint8_t slot, unsigned sd, uint8_t kvn,
                                  struct keyset_counters *ret)
{
    uint8_t buf[COUNTERS_STORED];
    struct reader r;
    enum err err = read_small(o, key_of(slot, APP_COUNTERS(sd, kvn)), buf, sizeof buf, &r);
    struct keyset_counters v = { rd_u40(&r), rd_u40(&r) };
    if (err == ERR_NONE)
        err = rd_finish(&r);
    if (err == ERR_NONE)
        *ret = v;
    return err;
}

enum err application_keyset_put(struct objects *o, uint8_t slot, unsigned sd, const struct keyset *set,
                                uint64_t received)
{
    WRITER_ON_STACK(w, KEYSET_STORED_MAX);
    wr_u8(&w, set->count);
    for (size_t i = 0; i < set->count; i++) {
        wr_u8(&w, set->keys[i].kid);
        wr_u8(&w, set->keys[i].type);
        wr_counted(&w, set->keys[i].value, set->keys[i].len);
    }
    enum err err = w.err;
    if (err == ERR_NONE)
        err = objects_put_secret(o, key_of(slot, APP_KEYS(sd, set->kvn)), wr_span(&w));
    wipe(w.buf, w.cap);
    struct keyset_counters fresh = { received, 0 };
    return err == ERR_NONE ? application_counters_put(o, slot, sd, set->kvn, &fresh) : err;
}

static enum err decode_keyset(struct span stored, uint8_t kvn, struct keyset *ret)
{
    struct reader r = rd_of(stored);
    struct keyset set = { .kvn = kvn, .count = rd_u8(&r) };
    if (set.count > KEYSET_KEYS_MAX)
        return ERR_BAD_LENGTH;
    for (size_t i = 0; i < set.count; i++) {
        set.keys[i].kid = rd_u8(&r);
        set.keys[i].type = rd_u8(&r);
        set.keys[i].len = rd_counted(&r, set.keys[i].value, KEYSET_KEY_MAX);
    }
    enum err err = rd_finish(&r);
    if (err == ERR_NONE)
        *ret = set;
    wipe(&set, sizeof set);
    return err;
}

enum err application_keyset_get(const struct objects *o, uint8_t slot, unsigned sd, uint8_t kvn, struct keyset *ret)
{
    uint8_t buf[KEYSET_STORED_MAX];
    size_t len = 0;
    enum err err = objects_read_secret(o, key_of(slot, APP_KEYS(sd, kvn)), buf, sizeof buf, &len);
    if (err == ERR_NONE)
        err = decode_keyset((struct span){ buf, len }, kvn, ret);
    wipe(buf, sizeof buf);
    return err;
}

enum err application_keyset_delete(struct objects *o, uint8_t slot, unsigned sd, uint8_t kvn)
{
    if (!objects_has(o, key_of(slot, APP_KEYS(sd, kvn))))
        return ERR_NOT_FOUND;
    enum err err = objects_delete(o, key_of(slot, APP_KEYS(sd, kvn)));
    return err == ERR_NONE ? objects_delete(o, key_of(slot, APP_COUNTERS(sd, kvn))) : err;
}

/* ---- data ---- */

static uint32_t first_tag(struct span tlv)
{
    struct reader r = rd_of(tlv);
    struct tlv t;
    return tlv_next(&r, &t) ? t.tag : 0;
}

enum err application_data_get(const struct objects *o, uint8_t slot, unsigned sd, uint32_t tag, struct arena *a,
                              struct span *ret_tlv)
{
    for (unsigned n = 0; n < APPLICATION_DATA_MAX; n++) {
        object_key key = key_of(slot, APP_DATA(sd, n));
        size_t len = 0, got = 0;
        if (objects_len(o, key, &len) != ERR_NONE)
            return ERR_NOT_FOUND;
        uint8_t *copy = arena_alloc(a, len);
        if (!copy)
            return ERR_NO_SPACE;
        enum err err = objects_get(o, key, copy, len, &got);
        if (err != ERR_NONE)
            return err;
        if (first_tag((struct span){ copy, got }) == tag) {
            *ret_tlv = (struct span){ copy, got };
            return ERR_NONE;
        }
    }
    return ERR_NOT_FOUND;
}
