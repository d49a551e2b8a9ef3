#include "uicc/uicc.h"

#include "lib/codec/hex.h"

/* What tools, tests and the simulator's judge see of a card. Nothing here changes it. */

void euicc_eid(const struct euicc *euicc, struct eid *ret) { *ret = euicc->card.eid; }

static void read_or_ff(struct card *card, uint8_t slot, bool in_usim, uint16_t fid, uint8_t *out, size_t len)
{
    const uint8_t path[] = { (uint8_t)(fid >> 8), (uint8_t)fid };
    size_t got;
    if (card_read_profile_file(card, slot, in_usim, SPAN_OF(path), out, len, &got) != ERR_NONE || got != len)
        memset(out, 0xFF, len);
}

size_t euicc_profiles(struct euicc *euicc, struct euicc_profile_info ret[EUICC_PROFILES_MAX])
{
    struct card *card = &euicc->card;
    size_t count = card->registry.count < EUICC_PROFILES_MAX ? card->registry.count : EUICC_PROFILES_MAX;
    for (size_t i = 0; i < count; i++) {
        const struct isdp *isdp = &card->registry.items[i];
        struct euicc_profile_info *info = &ret[i];
        *info =
            (struct euicc_profile_info){ .state = isdp->state,
                                         .fallback = isdp->attributes & ISDP_FALLBACK,
                                         .nvm_used = (uint32_t)objects_used_by(card->objects, (uint8_t)isdp->slot) };
        if (!aid_set(&info->isdp, isdp_aid(isdp)))
            info->isdp.len = 0;
        read_or_ff(card, (uint8_t)isdp->slot, false, 0x2FE2, info->iccid_ef, sizeof info->iccid_ef);
        read_or_ff(card, (uint8_t)isdp->slot, true, 0x6F07, info->imsi_ef, sizeof info->imsi_ef);
    }
    return count;
}

void euicc_memory(const struct euicc *euicc, struct euicc_memory_info *ret)
{
    const struct objects *o = euicc->card.objects;
    struct objects_counts counts = objects_counts(o);
    *ret = (struct euicc_memory_info){ (uint32_t)objects_capacity(o), (uint32_t)objects_used(o),
                                       (uint32_t)objects_free(o), counts.commits, counts.compactions };
}

/* ---- the tree ---- */

/* clang-format off */
/* Names of files people look for (TS 102 221, 31.102, 31.103); a FID below an ADF means another file than below the MF. */
static const struct {
    uint16_t fid;
    char place; /* M below the MF, T below DF.TELECOM or another DF, U below an ADF.USIM, I below an ADF.ISIM */
    const char *name;
} file_names[] = {
    { 0x3F00, 'M', "MF" }, { 0x2F00, 'M', "EF.DIR" }, { 0x2F05, 'M', "EF.PL" }, { 0x2F06, 'M', "EF.ARR" },
    { 0x2F08, 'M', "EF.UMPC" }, { 0x2FE2, 'M', "EF.ICCID" }, { 0x7F10, 'M', "DF.TELECOM" }, { 0x7F11, 'M', "DF.CD" },
    { 0x6F06, 'T', "EF.ARR" }, { 0x5F3A, 'T', "DF.PHONEBOOK" }, { 0x5F50, 'T', "DF.GRAPHICS" },
    { 0x5F3B, 'U', "DF.GSM-ACCESS" }, { 0x5F3A, 'U', "DF.PHONEBOOK" }, { 0x5FC0, 'U', "DF.5GS" }, { 0x5FD0, 'U', "DF.SAIP" },
    { 0x6F05, 'U', "EF.LI" }, { 0x6F06, 'U', "EF.ARR" }, { 0x6F07, 'U', "EF.IMSI" }, { 0x6F08, 'U', "EF.Keys" },
    { 0x6F09, 'U', "EF.KeysPS" }, { 0x6F31, 'U', "EF.HPPLMN" }, { 0x6F38, 'U', "EF.UST" }, { 0x6F3B, 'U', "EF.FDN" },
    { 0x6F3C, 'U', "EF.SMS" }, { 0x6F3E, 'U', "EF.GID1" }, { 0x6F3F, 'U', "EF.GID2" }, { 0x6F40, 'U', "EF.MSISDN" },
    { 0x6F42, 'U', "EF.SMSP" }, { 0x6F43, 'U', "EF.SMSS" }, { 0x6F46, 'U', "EF.SPN" }, { 0x6F56, 'U', "EF.EST" },
    { 0x6F5B, 'U', "EF.START-HFN" }, { 0x6F5C, 'U', "EF.THRESHOLD" }, { 0x6F60, 'U', "EF.PLMNwAcT" },
    { 0x6F61, 'U', "EF.OPLMNwAcT" }, { 0x6F62, 'U', "EF.HPLMNwAcT" }, { 0x6F73, 'U', "EF.PSLOCI" },
    { 0x6F78, 'U', "EF.ACC" }, { 0x6F7B, 'U', "EF.FPLMN" }, { 0x6F7E, 'U', "EF.LOCI" }, { 0x6FAD, 'U', "EF.AD" },
    { 0x6FB7, 'U', "EF.ECC" }, { 0x6FC4, 'U', "EF.NETPAR" }, { 0x6FC5, 'U', "EF.PNN" }, { 0x6FC6, 'U', "EF.OPL" },
    { 0x6FC7, 'U', "EF.MBDN" }, { 0x6FD9, 'U', "EF.EHPLMN" }, { 0x6FE3, 'U', "EF.EPSLOCI" }, { 0x6FE4, 'U', "EF.EPSNSC" },
    { 0x6F02, 'I', "EF.IMPI" }, { 0x6F03, 'I', "EF.DOMAIN" }, { 0x6F04, 'I', "EF.IMPU" }, { 0x6F06, 'I', "EF.ARR" },
    { 0x6F07, 'I', "EF.IST" }, { 0x6F09, 'I', "EF.P-CSCF" }, { 0x6FAD, 'I', "EF.AD" },
};
/* clang-format on */

struct printer {
    struct card *card;
    void (*line)(void *context, const char *text);
    void *context;
};

static char place_of(const struct fs *fs, const struct fs_file *f)
{
    struct fs_file adf;
    fs_number top = fs_adf_of(fs, f->number);
    if (top == FS_NONE || fs_stat(fs, top, &adf) != ERR_NONE)
        return f->parent == FS_NONE || f->parent == FS_MF ? 'M' : 'T';
    return adf.aid.len > 6 && adf.aid.octets[6] == 0x02   ? 'U'
           : adf.aid.len > 6 && adf.aid.octets[6] == 0x04 ? 'I'
                                                          : 'C';
}

static const char *file_name(const struct fs *fs, const struct fs_file *f)
{
    char place = place_of(fs, f);
    if (f->aid.len)
        return place == 'U' ? "ADF.USIM" : place == 'I' ? "ADF.ISIM" : "ADF";
    for (size_t i = 0; i < ARRAY_LEN(file_names); i++)
        if (file_names[i].fid == f->fid && file_names[i].place == place)
            return file_names[i].name;
    return fs_is_df(f) ? "DF" : "EF";
}

static const char *kind_text(const struct fs_file *f)
{
    switch (fs_kind(f)) {
    case FS_DF:
        return "directory";
    case FS_TRANSPARENT:
        return "transparent";
    case FS_LINEAR:
        return "linear fixed";
    case FS_CYCLIC:
        return "cyclic";
    case FS_BER_TLV:
        return "BER-TLV";
    }
    return "?";
}

#define PRINT_CONTENT_MAX 24u

static void print_file(const struct printer *p, const struct fs_file *f, unsigned depth)
{
    WRITER_ON_STACK(w, 512);
    uint8_t content[PRINT_CONTENT_MAX];
    char hex[2 * PRINT_CONTENT_MAX + 1], aid[AID_TEXT_SIZE];
    size_t len = f->size < sizeof content ? f->size : sizeof content;
    wr_printf(&w, "%*s%04X %s", (int)(2 * depth), "", f->fid, file_name(&p->card->fs, f));
    if (f->aid.len)
        wr_printf(&w, " %s", aid_text(&f->aid, aid));
    if (!fs_is_df(f))
        wr_printf(&w, "  %s %u", kind_text(f), f->size);
    if (f->record_len)
        wr_printf(&w, " (%u x %u)", fs_record_count(f), f->record_len);
    wr_printf(&w, "  rule %04X/%u", f->arr_fid, f->arr_record);
    if (f->link != FS_NONE)
        wr_printf(&w, "  link");
    if (!fs_is_df(f) && fs_kind(f) != FS_BER_TLV && fs_read(&p->card->fs, f->number, 0, content, len) == ERR_NONE)
        wr_printf(&w, "  %s%s", hex_text((struct span){ content, len }, hex, sizeof hex), len < f->size ? "..." : "");
    wr_u8(&w, 0);
    p->line(p->context, w.err == ERR_NONE ? (const char *)w.buf : "?");
}

static void print_below(const struct printer *p, fs_number df, unsigned depth)
{
    const struct fs *fs = &p->card->fs;
    for (uint16_t i = 0; i < fs->count && depth <= FS_PATH_DEPTH_MAX; i++) {
        struct fs_file f;
        if (fs->entries[i].parent != df || fs_stat(fs, fs->entries[i].number, &f) != ERR_NONE)
            continue;
        print_file(p, &f, depth);
        if (fs_is_df(&f))
            print_below(p, f.number, depth + 1);
    }
}

void euicc_print_files(struct euicc *euicc, void (*line)(void *context, const char *text), void *context)
{
    const struct printer p = { &euicc->card, line, context };
    print_below(&p, FS_NONE, 0);
}
