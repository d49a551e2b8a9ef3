#include "uicc.h"

/* READ, UPDATE, SEARCH RECORD, INCREASE: TS 102 221 §11.1.5 … 11.1.8. */

enum record_mode { RECORD_NEXT = 2, RECORD_PREVIOUS = 3, RECORD_ABSOLUTE = 4 };

/* Kind, life cycle and right, for either kind of record file. */
static uint16_t record_file(struct card *card, const struct command *cmd, uint8_t sfi, uint8_t right,
                            struct fs_file *ret)
{
    uint16_t sw = ef_current(card, cmd, sfi, ret);
    if (sw != SW_OK)
        return sw;
    enum fs_kind kind = fs_kind(ret) == FS_CYCLIC ? FS_CYCLIC : FS_LINEAR;
    return ef_usable(card, cmd, ret, kind, right);
}

static uint32_t record_offset(const struct fs_file *f, uint32_t record) { return (record - 1) * f->record_len; }

/* Which record mode and P1 name; SW_RECORD_NOT_FOUND. Next and previous move the pointer, wrapping only in cyclic
 * files. */
static uint16_t record_named(const struct command *cmd, const struct fs_file *f, uint32_t *ret)
{
    uint32_t count = fs_record_count(f), now = cmd->channel->record, named = 0;
    bool cyclic = fs_kind(f) == FS_CYCLIC;
    switch (cmd->apdu.p2 & 7) {
    case RECORD_ABSOLUTE:
        named = cmd->apdu.p1 ? cmd->apdu.p1 : now;
        break;
    case RECORD_NEXT:
        named = now == count && cyclic ? 1 : now + 1;
        break;
    case RECORD_PREVIOUS:
        named = now > 1 ? now - 1 : now == 0 || cyclic ? count : 0;
        break;
    default:
        return SW_WRONG_P1P2;
    }
    if (named == 0 || named > count)
        return SW_RECORD_NOT_FOUND;
    *ret = named;
    return SW_OK;
}

static bool mode_is_good(const struct command *cmd)
{
    uint8_t mode = cmd->apdu.p2 & 7;
    return mode == RECORD_ABSOLUTE || ((mode == RECORD_NEXT || mode == RECORD_PREVIOUS) && cmd->apdu.p1 == 0);
}

static void pointer_follow(const struct command *cmd, uint32_t record)
{
    if ((cmd->apdu.p2 & 7) != RECORD_ABSOLUTE)
        cmd->channel->record = (uint16_t)record;
}

uint16_t uicc_read_record(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct fs_file f;
    uint32_t record;
    if (!mode_is_good(cmd))
        return SW_WRONG_P1P2;
    uint16_t sw = record_file(card, cmd, cmd->apdu.p2 >> 3, ACCESS_READ, &f);
    if (sw == SW_OK)
        sw = record_named(cmd, &f, &record);
    if (sw != SW_OK)
        return sw;
    if (cmd->apdu.le != 256 && cmd->apdu.le != f.record_len)
        return 0x6C00 | (f.record_len & 0xFF);
    sw = sw_of_err(fs_read_file(&card->fs, &f, record_offset(&f, record), wr_room(rsp, f.record_len), f.record_len));
    if (sw == SW_OK)
        pointer_follow(cmd, record);
    return sw;
}

static uint16_t update_cyclic(struct card *card, const struct command *cmd, const struct fs_file *f)
{
    if ((cmd->apdu.p2 & 7) != RECORD_PREVIOUS)
        return SW_WRONG_P1P2;
    uint16_t sw = sw_of_err(fs_write_cyclic(&card->fs, f->number, cmd->apdu.data));
    if (sw == SW_OK)
        cmd->channel->record = 1;
    return sw;
}

uint16_t uicc_update_record(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct fs_file f;
    uint32_t record;
    (void)rsp;
    if (!mode_is_good(cmd))
        return SW_WRONG_P1P2;
    uint16_t sw = record_file(card, cmd, cmd->apdu.p2 >> 3, ACCESS_UPDATE, &f);
    if (sw != SW_OK)
        return sw;
    if (cmd->apdu.data.len != f.record_len)
        return SW_WRONG_LENGTH;
    if (fs_kind(&f) == FS_CYCLIC)
        return update_cyclic(card, cmd, &f);
    sw = record_named(cmd, &f, &record);
    if (sw != SW_OK)
        return sw;
    sw = sw_of_err(fs_write(&card->fs, f.number, record_offset(&f, record), cmd->apdu.data));
    if (sw == SW_OK)
        pointer_follow(cmd, record);
    return sw;
}

/* ---- SEARCH RECORD ---- */

struct search {
    bool backward;
    uint32_t from;        /* record it starts at */
    bool after_character; /* enhanced: the pattern is looked for from the first occurrence of `character` */
    uint8_t character, offset;
    struct span pattern;
};

enum { SEARCH_FORWARD = 4, SEARCH_BACKWARD = 5, SEARCH_ENHANCED = 6 };

/* Enhanced: mode octet, then offset or character, then the pattern. */
static uint16_t search_enhanced(const struct command *cmd, struct search *s)
{
    struct reader r = rd_of(cmd->apdu.data);
    uint8_t mode = rd_u8(&r), where = rd_u8(&r);
    uint32_t now = cmd->channel->record;
    s->pattern = rd_rest(&r);
    s->after_character = mode & 0x08;
    *(s->after_character ? &s->character : &s->offset) = where;
    switch (mode & 7) {
    case 4:
    case 5:
        s->from = cmd->apdu.p1 ? cmd->apdu.p1 : now;
        break;
    case 6:
        s->from = now + 1;
        break;
    case 7:
        s->from = now - 1; /* of an undefined pointer: the last, below */
        break;
    default:
        return SW_WRONG_DATA;
    }
    s->backward = mode & 1;
    return r.err == ERR_NONE && !(mode & 0xF0) ? SW_OK : SW_WRONG_DATA;
}

static uint16_t search_of(const struct command *cmd, uint32_t count, struct search *s)
{
    uint8_t how = cmd->apdu.p2 & 7;
    *s = (struct search){ .backward = how == SEARCH_BACKWARD, .pattern = cmd->apdu.data };
    s->from = cmd->apdu.p1 ? cmd->apdu.p1 : cmd->channel->record;
    uint16_t sw = how == SEARCH_ENHANCED ? search_enhanced(cmd, s) : SW_OK;
    if (s->from == UINT32_MAX || (s->from == 0 && s->backward))
        s->from = count;
    if (s->from == 0)
        s->from = 1;
    return sw == SW_OK && s->pattern.len == 0 ? SW_WRONG_LENGTH : sw;
}

static bool record_matches(const struct search *s, struct span record)
{
    size_t at = s->offset;
    if (s->after_character) {
        const uint8_t *c = memchr(record.ptr, s->character, record.len);
        if (!c)
            return false;
        at = (size_t)(c - record.ptr) + 1;
    }
    struct span rest = span_from(record, at);
    return s->pattern.len <= rest.len && memmem(rest.ptr, rest.len, s->pattern.ptr, s->pattern.len) != NULL;
}

uint16_t uicc_search_record(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct fs_file f;
    struct search s;
    uint8_t how = cmd->apdu.p2 & 7, bytes[FS_RECORD_MAX];
    if (how < SEARCH_FORWARD || how > SEARCH_ENHANCED)
        return SW_WRONG_P1P2;
    uint16_t sw = record_file(card, cmd, cmd->apdu.p2 >> 3, ACCESS_READ, &f);
    if (sw == SW_OK)
        sw = search_of(cmd, fs_record_count(&f), &s);
    if (sw != SW_OK)
        return sw;
    if (s.from > fs_record_count(&f))
        return SW_RECORD_NOT_FOUND;
    size_t before = rsp->len;
    for (uint32_t n = s.from; n >= 1 && n <= fs_record_count(&f); n += s.backward ? UINT32_MAX : 1) {
        if (fs_read_file(&card->fs, &f, record_offset(&f, n), bytes, f.record_len) != ERR_NONE)
            return SW_MEMORY_FAILURE;
        if (record_matches(&s, (struct span){ bytes, f.record_len }))
            wr_u8(rsp, (uint8_t)n);
    }
    if (rsp->len == before)
        return SW_END_OF_FILE;
    cmd->channel->record = rsp->buf[before];
    return SW_OK;
}

/* ---- INCREASE ---- */

/* sum = record + value, both big endian; false: it does not fit. */
static bool add(uint8_t *record, size_t len, struct span value)
{
    unsigned carry = 0;
    for (size_t i = 0; i < len; i++) {
        size_t at = len - 1 - i;
        unsigned sum = record[at] + carry + (i < value.len ? value.ptr[value.len - 1 - i] : 0);
        record[at] = (uint8_t)sum;
        carry = sum >> 8;
    }
    return carry == 0;
}

uint16_t uicc_increase(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct fs_file f;
    uint8_t record[FS_RECORD_MAX], p1 = cmd->apdu.p1;
    struct span value = cmd->apdu.data;
    if (cmd->apdu.p2 != 0 || (p1 & 0x80 ? p1 & 0x60 : p1 != 0))
        return SW_WRONG_P1P2;
    uint16_t sw = ef_current(card, cmd, p1 & 0x1F, &f);
    if (sw == SW_OK)
        sw = ef_usable(card, cmd, &f, FS_CYCLIC, ACCESS_BY_INS);
    if (sw != SW_OK)
        return sw;
    if (value.len > f.record_len || value.len > 127)
        return SW_WRONG_LENGTH;
    if (fs_read(&card->fs, f.number, 0, record, f.record_len) != ERR_NONE)
        return SW_MEMORY_FAILURE;
    if (!add(record, f.record_len, value))
        return SW_INCREASE_MAXIMUM;
    sw = sw_of_err(fs_write_cyclic(&card->fs, f.number, (struct span){ record, f.record_len }));
    wr_bytes(rsp, (struct span){ record, f.record_len });
    wr_bytes(rsp, value);
    if (sw == SW_OK)
        cmd->channel->record = 1;
    return sw;
}
