#include "rig_files.h"

#include "lib/codec/ber_tlv.h"

/* The application (FS_NONE: the MF), and the path below it. */
static fs_number path_split(struct card *card, const char *text, struct writer *path)
{
    fs_number top = FS_NONE;
    const char *rest = strchr(text, '/');
    if (!strncmp(text, "adf:", 4)) {
        size_t len = rest ? (size_t)(rest - text) - 4 : strlen(text) - 4;
        struct aid aid;
        assert_ok(aid_from_text((struct span){ (const uint8_t *)text + 4, len }, &aid));
        top = fs_by_aid(&card->fs, aid_span(&aid), 0);
        assert_int_not_equal(top, FS_NONE);
        wr_u16(path, FID_ADF);
    }
    for (; rest; rest = strchr(rest + 1, '/'))
        wr_u16(path, (uint16_t)strtoul(rest + 1, NULL, 16));
    return top;
}

static uint16_t script(struct rig *r, struct channel *ch, struct span command, struct writer *rsp)
{
    rsp->len = 0;
    return card_script_command(rig_card(r), ch, command, ACCESS_ALL, rsp);
}

struct span rig_select_path(struct rig *r, struct channel *ch, const char *text, struct writer *rsp)
{
    WRITER_ON_STACK(path, 32);
    WRITER_ON_STACK(command, 64);
    struct span fcp = SPAN_NONE;
    card_script_channel(rig_card(r), ch, path_split(rig_card(r), text, &path));
    wr_bytes(&command, path.len ? hex_lit("00A40804") : hex_lit("00A40004"));
    if (path.len == 0)
        wr_u16(&path, FID_MF);
    wr_u8(&command, (uint8_t)path.len);
    wr_bytes(&command, wr_span(&path));
    assert_int_equal(script(r, ch, wr_span(&command), rsp), 0x9000);
    assert_true(tlv_find(wr_span(rsp), 0x62, &fcp));
    return fcp;
}

bool rig_read_body(struct rig *r, struct channel *ch, bool records, size_t size, struct writer *body)
{
    WRITER_ON_STACK(rsp, CARD_RESPONSE_MAX);
    for (unsigned n = 1; body->len < size; n++) {
        const uint8_t read_record[] = { 0x00, 0xB2, (uint8_t)n, 0x04, 0x00 };
        const uint8_t read_binary[] = { 0x00, 0xB0, (uint8_t)(body->len >> 8), (uint8_t)body->len, 0x00 };
        uint16_t sw = script(r, ch, records ? SPAN_OF(read_record) : SPAN_OF(read_binary), &rsp);
        if (sw == SW_SECURITY_STATUS)
            return false;
        assert_int_equal(sw, 0x9000);
        wr_bytes(body, wr_span(&rsp));
    }
    return true;
}
