/* eUICCCapabilityAudit: GET STATUS and GET DATA. */
#include "es5.h"
#include "lib/base/mutant.h"

enum {
    TAG_AID = 0x4F,
    TAG_STATE = 0x9F70,
    TAG_ATTRIBUTES = 0x53,
    TAG_MEMORY = 0x8F,
    TAG_MEMORY_LEFT = 0x91,
    TAG_LIST = 0x5C,
    TAG_ENTRY = 0xE3
};
enum { STATUS_P1_APPLICATIONS = 0x40, STATUS_P2_FIRST = 0x02, STATUS_P2_NEXT = 0x03 };

static void write_tag_list(struct writer *w, const uint32_t *tags, size_t count)
{
    size_t mark = wr_tlv_open(w, TAG_LIST);
    for (size_t i = 0; i < count; i++)
        wr_tag(w, tags[i]);
    wr_tlv_close(w, mark);
}

static enum err take_tag_list(struct span list, uint32_t *tags, size_t *count)
{
    struct reader r = rd_of(list);
    while (!rd_at_end(&r) && r.err == ERR_NONE) {
        if (*count == ES5_TAGS_MAX)
            return ERR_TOO_LONG;
        uint32_t tag = rd_u8(&r);
        if ((tag & 0x1F) == 0x1F)
            tag = tag << 8 | rd_u8(&r);
        tags[(*count)++] = tag;
    }
    return r.err;
}

void es5_get_status_write(struct writer *w, const struct es5_get_status *g)
{
    WRITER_ON_STACK(body, APDU_SHORT_DATA_MAX);
    uint32_t tags[ES5_TAGS_MAX];
    for (size_t i = 0; i < g->tag_count && i < ES5_TAGS_MAX; i++)
        tags[i] = g->tags[i];
    wr_tlv(&body, TAG_AID, g->isdp);
    if (g->tag_count)
        write_tag_list(&body, tags, g->tag_count);
    uint8_t p2 = g->next ? STATUS_P2_NEXT : STATUS_P2_FIRST;
    capdu_write(w, &(struct capdu){ CLA_GP, INS_GET_STATUS, STATUS_P1_APPLICATIONS, p2, wr_span(&body), g->le ? 256 : 0,
                                    false });
}

enum err es5_get_status_parse(const struct capdu *c, struct es5_get_status *ret)
{
    struct es5_get_status g = { .next = c->p2 == STATUS_P2_NEXT, .le = c->le != 0 };
    if (c->ins != INS_GET_STATUS || c->p1 != STATUS_P1_APPLICATIONS ||
        (c->p2 != STATUS_P2_FIRST && c->p2 != STATUS_P2_NEXT))
        return ERR_BAD_VALUE;
    struct reader r = rd_of(c->data);
    struct tlv t;
    bool has_aid = false;
    while (tlv_next(&r, &t)) {
        uint32_t tags[ES5_TAGS_MAX];
        enum err err = ERR_NONE;
        if (t.tag == TAG_AID && !has_aid) {
            g.isdp = t.val;
            has_aid = true;
        } else if (t.tag == TAG_LIST && !g.tag_count) {
            err = take_tag_list(t.val, tags, &g.tag_count);
            for (size_t i = 0; err == ERR_NONE && i < g.tag_count; i++)
                g.tags[i] = (uint16_t)tags[i];
        } else {
            err = ERR_BAD_TAG;
        }
        if (err != ERR_NONE)
            return err;
    }
    if (r.err == ERR_NONE && !has_aid)
        r.err = ERR_MISSING;
    if (r.err == ERR_NONE)
        *ret = g;
    return r.err;
}

static bool asks_for(const struct es5_get_status *g, uint16_t tag)
{
    if (g->tag_count == 0)
        return tag == TAG_AID || tag == TAG_STATE;
    for (size_t i = 0; i < g->tag_count; i++)
        if (g->tags[i] == tag)
            return true;
    return false;
}

static void write_number(struct writer *w, uint32_t tag, uint32_t value, size_t len)
{
    size_t mark = wr_tlv_open(w, tag);
    for (size_t i = 0; i < len; i++)
        wr_u8(w, (uint8_t)(value >> 8 * (len - 1 - i)));
    wr_tlv_close(w, mark);
}

void es5_isdp_status_write(struct writer *w, const struct es5_isdp_status *s, const struct es5_get_status *asked)
{
    size_t mark = wr_tlv_open(w, TAG_ENTRY);
    if (asks_for(asked, TAG_AID))
        wr_tlv(w, TAG_AID, aid_span(&s->aid));
    if (asks_for(asked, TAG_STATE))
        wr_tlv_u8(w, TAG_STATE, s->state);
    if ((asks_for(asked, TAG_ATTRIBUTES) || MUTANT(tells_more_than_asked)) && s->has_attributes)
        wr_tlv_u8(w, TAG_ATTRIBUTES, s->attributes);
    if (asks_for(asked, TAG_MEMORY) && s->has_memory)
        write_number(w, TAG_MEMORY, s->memory, 4);
    if (asks_for(asked, TAG_MEMORY_LEFT) && s->has_memory_left)
        write_number(w, TAG_MEMORY_LEFT, s->memory_left, 4);
    wr_tlv_close(w, mark);
}

static enum err take_number(struct span v, uint32_t *ret)
{
    uint64_t n;
    enum err err = v.len ? span_uint(v, &n) : ERR_BAD_LENGTH;
    if (err == ERR_NONE)
        *ret = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
    return err;
}

static enum err take_entry_part(const struct tlv *t, struct es5_isdp_status *s)
{
    switch (t->tag) {
    case TAG_AID:
        return aid_set(&s->aid, t->val) ? ERR_NONE : ERR_BAD_LENGTH;
    case TAG_STATE:
        if (t->val.len == 0)
            return ERR_BAD_LENGTH;
        s->state = t->val.ptr[0];
        return ERR_NONE;
    case TAG_ATTRIBUTES:
        if (t->val.len != 1)
            return ERR_BAD_LENGTH;
        s->has_attributes = true;
        s->attributes = t->val.ptr[0];
        return ERR_NONE;
    case TAG_MEMORY:
        s->has_memory = true;
        return take_number(t->val, &s->memory);
    case TAG_MEMORY_LEFT:
        s->has_memory_left = true;
        return take_number(t->val, &s->memory_left);
    default:
        return ERR_NONE;
    }
}

bool es5_isdp_status_next(struct reader *r, struct es5_isdp_status *ret)
{
    struct es5_isdp_status s = { 0 };
    struct tlv entry, t;
    if (!tlv_next(r, &entry))
        return false;
    if (entry.tag != TAG_ENTRY) {
        rd_fail(r, ERR_BAD_TAG);
        return false;
    }
    struct reader in = rd_of(entry.val);
    while (tlv_next(&in, &t)) {
        enum err err = take_entry_part(&t, &s);
        if (err != ERR_NONE)
            rd_fail(&in, err);
    }
    if (in.err != ERR_NONE) {
        rd_fail(r, in.err);
        return false;
    }
    *ret = s;
    return true;
}

/* ---- GET DATA */

void es5_get_data_write(struct writer *w, const struct es5_get_data *g)
{
    WRITER_ON_STACK(body, 64);
    if (g->tag_count)
        write_tag_list(&body, g->tags, g->tag_count);
    capdu_write(w, &(struct capdu){ CLA_GP, INS_GET_DATA, (uint8_t)(g->object >> 8), (uint8_t)g->object, wr_span(&body),
                                    256, false });
}

enum err es5_get_data_parse(const struct capdu *c, struct es5_get_data *ret)
{
    struct es5_get_data g = { .object = (uint16_t)(c->p1 << 8 | c->p2) };
    struct span list;
    if (c->ins != INS_GET_DATA)
        return ERR_BAD_VALUE;
    enum err err = ERR_NONE;
    if (c->data.len && !tlv_find(c->data, TAG_LIST, &list))
        err = ERR_BAD_TAG;
    else if (c->data.len)
        err = take_tag_list(list, g.tags, &g.tag_count);
    if (err == ERR_NONE)
        *ret = g;
    return err;
}

enum {
    OBJECT_MEMORY = 0xFF21,
    OBJECT_ECASD = 0xBF30,
    MEMORY_APPLICATIONS = 0x81,
    MEMORY_FREE = 0x82,
    MEMORY_FREE_VOLATILE = 0x83,
    ECASD_CERTIFICATE = 0x7F21,
    ECASD_RECOGNITION = 0x66,
    ECASD_EID = 0x5A,
    ECASD_KEYS = 0xE0
};

void es5_memory_write(struct writer *w, const struct es5_memory *m)
{
    size_t mark = wr_tlv_open(w, OBJECT_MEMORY);
    write_number(w, MEMORY_APPLICATIONS, m->applications, m->applications > 0xFF ? 2 : 1);
    write_number(w, MEMORY_FREE, m->free_non_volatile, 4);
    write_number(w, MEMORY_FREE_VOLATILE, m->free_volatile, m->free_volatile > 0xFFFF ? 4 : 2);
    wr_tlv_close(w, mark);
}

enum err es5_memory_parse(struct span data, struct es5_memory *ret)
{
    struct span body, v;
    struct es5_memory m = { 0 };
    if (!tlv_find(data, OBJECT_MEMORY, &body))
        return ERR_MISSING;
    if (!tlv_find(body, MEMORY_FREE, &v))
        return ERR_MISSING;
    enum err err = take_number(v, &m.free_non_volatile);
    if (err == ERR_NONE && tlv_find(body, MEMORY_APPLICATIONS, &v))
        err = take_number(v, &m.applications);
    if (err == ERR_NONE && tlv_find(body, MEMORY_FREE_VOLATILE, &v))
        err = take_number(v, &m.free_volatile);
    if (err == ERR_NONE)
        *ret = m;
    return err;
}

void es5_ecasd_write(struct writer *w, const struct es5_ecasd *e)
{
    size_t mark = wr_tlv_open(w, OBJECT_ECASD);
    wr_bytes(w, e->certificate);
    if (e->recognition.len)
        wr_tlv(w, ECASD_RECOGNITION, e->recognition);
    if (e->eid.len)
        wr_tlv(w, ECASD_EID, e->eid);
    if (e->key_information.len)
        wr_tlv(w, ECASD_KEYS, e->key_information);
    wr_tlv_close(w, mark);
}

enum err es5_ecasd_parse(struct span data, struct es5_ecasd *ret)
{
    struct span body;
    struct es5_ecasd e = { 0 };
    if (!tlv_find(data, OBJECT_ECASD, &body))
        return ERR_MISSING;
    struct reader r = rd_of(body);
    struct tlv t;
    while (tlv_next(&r, &t)) {
        if (t.tag == ECASD_CERTIFICATE)
            e.certificate = t.raw;
        else if (t.tag == ECASD_RECOGNITION)
            e.recognition = t.val;
        else if (t.tag == ECASD_EID)
            e.eid = t.val;
        else if (t.tag == ECASD_KEYS)
            e.key_information = t.val;
    }
    if (r.err == ERR_NONE)
        *ret = e;
    return r.err;
}
