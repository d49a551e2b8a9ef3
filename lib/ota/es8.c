#include "es8.h"

#include "lib/gp/install.h"
#include "lib/gp/store_data.h"

#define CAPDU_ROOM (APDU_SHORT_DATA_MAX + 8)

/* STORE DATA blocks with `data`, an answer expected at the last. Returns the next block number. */
static uint8_t write_blocks(struct ram_script *s, struct span data, uint8_t block, bool last)
{
    size_t at = 0;
    do {
        WRITER_ON_STACK(capdu, CAPDU_ROOM);
        at = store_data_block_write(&capdu, data, at, block++, last, true, 0);
        ram_script_capdu(s, wr_span(&capdu));
    } while (at < data.len);
    return block;
}

void es8_authenticate_write(struct ram_script *s, const struct aid *isdp, struct span first, uint8_t *ret_next_block)
{
    WRITER_ON_STACK(capdu, CAPDU_ROOM);
    install_for_personalization_write(&capdu, aid_span(isdp), 0);
    ram_script_capdu(s, wr_span(&capdu));
    *ret_next_block = write_blocks(s, first, 0, false);
}

void es8_establish_write(struct ram_script *s, struct span dgis, uint8_t next_block)
{
    write_blocks(s, dgis, next_block, true);
}

enum err es8_last_rapdu(struct span results, size_t expected, struct rapdu *ret)
{
    struct ram_reader s;
    struct ram_item item;
    struct rapdu r = { 0 };
    size_t count = 0;
    enum err err = ram_results_open(&s, results);
    while (err == ERR_NONE && ram_results_next(&s, &item)) {
        if (item.tag == RAM_TAG_BAD_FORMAT)
            return ERR_BAD_VALUE;
        if (item.tag != RAM_TAG_RAPDU)
            continue;
        err = rapdu_parse(item.value, &r);
        count++;
        if (err == ERR_NONE && !sw_is_positive(r.sw)) {
            *ret = r;
            return ERR_NONE;
        }
    }
    if (err == ERR_NONE)
        err = s.r.err;
    /* definite form may carry only the last answer, with a count that says how many ran */
    if (err == ERR_NONE && count < expected && (count == 0 || s.executed < (int)expected))
        err = ERR_MISSING;
    if (err == ERR_NONE)
        *ret = r;
    return err;
}

/* ---- EUICCResponse ::= SEQUENCE { peStatus [0] SEQUENCE OF PEStatus, profileInstallationAborted [1] NULL OPTIONAL,
 *                                   statusMessage [2] UTF8String OPTIONAL } */

enum {
    TAG_SEQUENCE = 0x30,
    TAG_PE_STATUS = 0xA0,
    TAG_ABORTED = 0x81,
    TAG_MESSAGE = 0x82,
    TAG_STATUS = 0x80,
    TAG_IDENTIFICATION = 0x81,
    TAG_ADDITIONAL = 0x82
};

/* DER INTEGER content of a value that is not negative. */
static void write_integer(struct writer *w, uint32_t tag, uint16_t value)
{
    size_t mark = wr_tlv_open(w, tag);
    if (value > 0x7FFF)
        wr_u8(w, 0);
    if (value > 0x7F)
        wr_u8(w, (uint8_t)(value >> 8));
    wr_u8(w, (uint8_t)value);
    wr_tlv_close(w, mark);
}

void es8_profile_response_write(struct writer *w, const struct es8_profile_response *r)
{
    size_t outer = wr_tlv_open(w, TAG_SEQUENCE), list = wr_tlv_open(w, TAG_PE_STATUS);
    for (size_t i = 0; i < r->count && i < ES8_PE_STATUS_MAX; i++) {
        const struct es8_pe_status *s = &r->status[i];
        size_t entry = wr_tlv_open(w, TAG_SEQUENCE);
        write_integer(w, TAG_STATUS, s->status);
        if (s->has_identification)
            write_integer(w, TAG_IDENTIFICATION, s->identification);
        if (s->has_additional)
            write_integer(w, TAG_ADDITIONAL, s->additional);
        wr_tlv_close(w, entry);
    }
    wr_tlv_close(w, list);
    if (r->aborted)
        wr_tlv(w, TAG_ABORTED, SPAN_NONE);
    if (r->message.len)
        wr_tlv(w, TAG_MESSAGE, r->message);
    wr_tlv_close(w, outer);
}

static enum err take_integer(struct span v, uint16_t *ret)
{
    uint64_t n;
    if (v.len == 0 || v.len > 3)
        return ERR_BAD_LENGTH;
    enum err err = span_uint(v, &n);
    if (err == ERR_NONE && n > 0xFFFF)
        err = ERR_BAD_VALUE;
    if (err == ERR_NONE)
        *ret = (uint16_t)n;
    return err;
}

static enum err take_pe_status(struct span entry, struct es8_pe_status *ret)
{
    struct reader r = rd_of(entry);
    struct es8_pe_status s = { .status = 0xFF };
    bool has_status = false;
    struct tlv t;
    while (tlv_next(&r, &t)) {
        uint16_t n;
        enum err err = take_integer(t.val, &n);
        if (err != ERR_NONE)
            return err;
        if (t.tag == TAG_STATUS) {
            has_status = true;
            s.status = n > 0xFE ? 0xFE : (uint8_t)n;
        } else if (t.tag == TAG_IDENTIFICATION) {
            s.has_identification = true;
            s.identification = n;
        } else if (t.tag == TAG_ADDITIONAL) {
            s.has_additional = true;
            s.additional = n;
        }
    }
    if (r.err == ERR_NONE && !has_status)
        r.err = ERR_MISSING;
    if (r.err == ERR_NONE)
        *ret = s;
    return r.err;
}

static enum err take_pe_list(struct span list, struct es8_profile_response *out)
{
    struct reader r = rd_of(list);
    struct tlv t;
    while (tlv_next(&r, &t)) {
        if (t.tag != TAG_SEQUENCE)
            return ERR_BAD_TAG;
        if (out->count == ES8_PE_STATUS_MAX)
            return ERR_TOO_LONG;
        enum err err = take_pe_status(t.val, &out->status[out->count++]);
        if (err != ERR_NONE)
            return err;
    }
    return r.err;
}

enum err es8_profile_response_parse(struct span data, struct es8_profile_response *ret)
{
    struct es8_profile_response out = { 0 };
    struct reader r = rd_of(data);
    struct tlv t;
    if (!tlv_next(&r, &t))
        return r.err == ERR_NONE ? ERR_MISSING : r.err;
    if (t.tag != TAG_SEQUENCE)
        return ERR_BAD_TAG;
    r = rd_of(t.val);
    bool has_list = false;
    while (tlv_next(&r, &t)) {
        if (t.tag == TAG_PE_STATUS) {
            has_list = true;
            enum err err = take_pe_list(t.val, &out);
            if (err != ERR_NONE)
                return err;
        } else if (t.tag == TAG_ABORTED) {
            out.aborted = true;
        } else if (t.tag == TAG_MESSAGE) {
            out.message = t.val;
        }
    }
    if (r.err == ERR_NONE && !has_list)
        r.err = ERR_MISSING;
    if (r.err == ERR_NONE)
        *ret = out;
    return r.err;
}

bool es8_profile_response_ok(const struct es8_profile_response *r) { return r->count > 0 && !r->aborted; }

const char *es8_pe_status_text(uint8_t status)
{
    static const char *const text[] = {
        "ok",
        "profile element not supported",
        "memory failure",
        "bad values",
        "not enough memory",
        "invalid request format",
        "invalid parameter",
        "runtime not supported",
        "library not supported",
        "template not supported",
        "feature not supported",
        "PIN code missing",
    };
    if (status == 31)
        return "unsupported profile version";
    return status < ARRAY_LEN(text) ? text[status] : "unknown status";
}

void es8_provider_data_write(struct writer *w, uint32_t tag, struct span value)
{
    WRITER_ON_STACK(object, 32);
    WRITER_ON_STACK(dgi, 40);
    wr_tlv(&object, tag, value);
    wr_dgi(&dgi, 0x0070, wr_span(&object));
    if (object.err != ERR_NONE || dgi.err != ERR_NONE)
        wr_fail(w, ERR_TOO_LONG);
    store_data_block_write(w, wr_span(&dgi), 0, 0, true, false, 0);
}
