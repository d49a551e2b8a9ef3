#include "uicc.h"

#include "lib/codec/ber_tlv.h"

/* File control parameters, TS 102 221 §11.1.1.3: the objects stand in the order of its tables. */

#define UICC_CHARACTERISTICS 0x71u /* clock stop allowed, no preferred level */
#define SUPPORTED_COMMANDS   0x01u /* TERMINAL CAPABILITY */
#define DATA_CODING          0x21u

static void write_descriptor(const struct fs_file *f, struct writer *w)
{
    size_t mark = wr_tlv_open(w, 0x82);
    wr_u8(w, f->fdb);
    wr_u8(w, DATA_CODING);
    if (f->record_len != 0) {
        wr_u16(w, f->record_len);
        wr_u8(w, (uint8_t)fs_record_count(f));
    }
    wr_tlv_close(w, mark);
}

static void write_u16(struct writer *w, uint32_t tag, uint32_t value)
{
    size_t mark = wr_tlv_open(w, tag);
    wr_u16(w, (uint16_t)value);
    wr_tlv_close(w, mark);
}

/* For files of this profile. Reckoning goes over all objects, and every FCP of a DF asks. */
static uint32_t memory_left(struct card *card)
{
    uint32_t changes = objects_changes(card->objects);
    const struct isdp *isdp;
    if (card->memory_told.changes == changes && card->memory_told.profile == card->profile)
        return card->memory_told.octets;
    isdp = registry_by_slot(card, card->profile);
    card->memory_told.changes = changes;
    card->memory_told.profile = card->profile;
    return card->memory_told.octets = isdp ? isdp_left(card, isdp) : registry_free(card);
}

static void write_df_proprietary(struct card *card, const struct fs_file *f, struct writer *w)
{
    size_t mark = wr_tlv_open(w, 0xA5);
    wr_tlv_u8(w, 0x80, UICC_CHARACTERISTICS);
    size_t memory = wr_tlv_open(w, 0x83);
    wr_u32(w, memory_left(card));
    wr_tlv_close(w, memory);
    if (f->number == FS_MF)
        wr_tlv_u8(w, 0x87, SUPPORTED_COMMANDS);
    wr_tlv_close(w, mark);
}

static void write_ef_proprietary(const struct fs_file *f, struct writer *w)
{
    bool ber = fs_kind(f) == FS_BER_TLV;
    if (!ber && f->special == 0)
        return;
    size_t mark = wr_tlv_open(w, 0xA5);
    if (ber) {
        wr_tlv_u8(w, 0x84, f->file_details ? f->file_details : 0x01);
        write_u16(w, 0x85, f->size);
        write_u16(w, 0x86, f->max_size ? f->max_size : f->size);
    }
    if (f->special)
        wr_tlv_u8(w, 0xC0, f->special);
    wr_tlv_close(w, mark);
}

/* C6: a bit a reference, set when it is enabled (administrative keys: when it is there), then the references. */
static void write_pin_status(struct card *card, const struct fs_file *f, struct writer *w)
{
    uint8_t bits[(FS_PINS_MAX + 7) / 8] = { 0 };
    for (unsigned i = 0; i < f->pin_count; i++)
        if (pin_is_enabled(card, f->number, f->pins[i]))
            bits[i / 8] |= (uint8_t)(0x80 >> i % 8);
    size_t mark = wr_tlv_open(w, 0xC6);
    wr_tlv(w, 0x90, (struct span){ bits, f->pin_count ? (f->pin_count + 7u) / 8u : 1 });
    for (unsigned i = 0; i < f->pin_count; i++) {
        if (f->pins[i] == 0x11)
            wr_tlv_u8(w, 0x95, 0x08);
        wr_tlv_u8(w, 0x83, f->pins[i]);
    }
    wr_tlv_close(w, mark);
}

static void write_security(const struct fs_file *f, struct writer *w)
{
    if (f->arr_fid == 0)
        return;
    size_t mark = wr_tlv_open(w, 0x8B);
    wr_u16(w, f->arr_fid);
    wr_u8(w, f->arr_record);
    wr_tlv_close(w, mark);
}

void fcp_write(struct card *card, const struct fs_file *f, struct writer *w)
{
    bool df = fs_is_df(f);
    size_t mark = wr_tlv_open(w, 0x62);
    write_descriptor(f, w);
    write_u16(w, 0x83, f->fid);
    if (f->aid.len)
        wr_tlv(w, 0x84, aid_span(&f->aid));
    if (df)
        write_df_proprietary(card, f, w);
    else
        write_ef_proprietary(f, w);
    wr_tlv_u8(w, 0x8A, f->lcsi);
    write_security(f, w);
    if (df) {
        write_pin_status(card, f, w);
    } else {
        write_u16(w, 0x80, f->size);
        uint8_t sfi = (uint8_t)(f->sfi << 3);
        wr_tlv(w, 0x88, f->sfi == FS_NO_SFI ? SPAN_NONE : (struct span){ &sfi, 1 });
    }
    wr_tlv_close(w, mark);
}
