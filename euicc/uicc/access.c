#include "pin.h"
#include "uicc.h"

#include "lib/codec/ber_tlv.h"

/* ---- security conditions ---- */

/* Bits of the access domain parameter of an RFM application, as struct command's access has them; [?] in the profile
 * package's fact book §12. */
static const struct {
    uint8_t first, last, shift;
} domain_bits[] = {
    { 0x01, 0x08, 16 }, /* octet 1: application PINs */
    { 0x81, 0x88, 16 }, /* local PINs go with them */
    { 0x0A, 0x0E, 8 },  /* octet 2: ADM1 … ADM5 */
    { 0x8A, 0x8E, 0 },  /* octet 3: ADM6 … ADM10 */
};

static bool domain_has(uint32_t access, uint8_t reference)
{
    if (access & ACCESS_ALL)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(domain_bits); i++)
        if (reference >= domain_bits[i].first && reference <= domain_bits[i].last)
            return access >> (domain_bits[i].shift + reference - domain_bits[i].first) & 1;
    return false;
}

struct asker {
    struct card *card;
    const struct command *cmd;
    fs_number context; /* the DF local references are looked up from */
};

static bool reference_satisfied(const struct asker *a, uint8_t reference)
{
    if (a->cmd->origin == ORIGIN_OTA)
        return domain_has(a->cmd->access, reference);
    return pin_satisfied(a->card, a->context, reference);
}

/* A4: 83 key reference, 95 usage (08: user authentication). */
static bool authentication_satisfied(const struct asker *a, struct span value)
{
    struct span reference;
    return tlv_find(value, 0x83, &reference) && reference.len == 1 && reference_satisfied(a, reference.ptr[0]);
}

#define SC_DEPTH_MAX 4u
static bool condition_holds(const struct asker *a, const struct tlv *sc, unsigned depth);

/* A0 any of, AF all of, A7 not. */
static bool composite_holds(const struct asker *a, const struct tlv *sc, unsigned depth)
{
    struct reader r = rd_of(sc->val);
    struct tlv part;
    bool any = false, all = true;
    while (tlv_next(&r, &part)) {
        bool holds = condition_holds(a, &part, depth + 1);
        any |= holds;
        all &= holds;
    }
    if (r.err != ERR_NONE || sc->val.len == 0)
        return false;
    return sc->tag == 0xA0 ? any : sc->tag == 0xAF ? all : !any;
}

static bool condition_holds(const struct asker *a, const struct tlv *sc, unsigned depth)
{
    if (depth > SC_DEPTH_MAX)
        return false;
    switch (sc->tag) {
    case 0x90:
        return true;
    case 0xA4:
        return authentication_satisfied(a, sc->val);
    case 0xA0:
    case 0xAF:
    case 0xA7:
        return composite_holds(a, sc, depth);
    default: /* 97 never, and what we do not know */
        return false;
    }
}

/* ---- access modes ---- */

static bool is_access_mode(uint32_t tag) { return tag >= 0x80 && tag <= 0x8F; }

/* 81 … 8F: a list of command headers; the low bits say which octets of the header are given. */
static bool header_matches(const struct capdu *c, const struct tlv *am)
{
    const uint8_t header[4] = { c->cla, c->ins, c->p1, c->p2 };
    size_t width = (size_t)__builtin_popcount(am->tag & 0x0F);
    for (size_t at = 0; at + width <= am->val.len; at += width) {
        bool same = true;
        size_t n = 0;
        for (unsigned i = 0; i < 4; i++)
            if (am->tag & (8u >> i))
                same &= am->val.ptr[at + n++] == header[i];
        if (same)
            return true;
    }
    return false;
}

static bool mode_matches(const struct command *cmd, const struct tlv *am, uint8_t right)
{
    if (am->tag == 0x80)
        return am->val.len == 1 && (am->val.ptr[0] & right) != 0;
    return header_matches(&cmd->apdu, am);
}

bool access_rule_allows(struct card *card, const struct command *cmd, fs_number context, struct span rule,
                        uint8_t right)
{
    const struct asker a = { card, cmd, context };
    struct reader r = rd_of(rule);
    struct tlv t;
    bool found = false, after_mode = false;
    while (!rd_at_end(&r) && *r.pos != 0xFF && tlv_next(&r, &t)) {
        if (is_access_mode(t.tag)) {
            if (found && !after_mode) /* the next rule begins: nothing of ours held */
                return false;
            found |= mode_matches(cmd, &t, right);
            after_mode = true;
        } else {
            if (found && condition_holds(&a, &t, 0))
                return true;
            after_mode = false;
        }
    }
    return false;
}

/* ---- EF.ARR ---- */

/* The EF.ARR a file refers to: looked for from its DF upwards. */
static fs_number arr_find(const struct fs *fs, const struct fs_file *f)
{
    fs_number df = fs_is_df(f) ? f->number : f->parent;
    for (unsigned depth = 0; depth <= FS_PATH_DEPTH_MAX && df != FS_NONE; depth++) {
        fs_number arr = fs_child(fs, df, f->arr_fid);
        if (arr != FS_NONE)
            return arr;
        if (df == FS_MF)
            break;
        df = fs_parent(fs, df);
    }
    return FS_NONE;
}

bool access_allowed(struct card *card, const struct command *cmd, const struct fs_file *f, uint8_t right)
{
    uint8_t record[FS_RECORD_MAX];
    struct fs_file arr;
    fs_number number = arr_find(&card->fs, f);
    if (number == FS_NONE || f->arr_record == 0 || fs_stat(&card->fs, number, &arr) != ERR_NONE || arr.record_len == 0)
        return false;
    uint32_t offset = (uint32_t)(f->arr_record - 1) * arr.record_len;
    if (fs_read_file(&card->fs, &arr, offset, record, arr.record_len) != ERR_NONE)
        return false;
    fs_number context = fs_is_df(f) ? f->number : f->parent;
    return access_rule_allows(card, cmd, context, (struct span){ record, arr.record_len }, right);
}
