#include "uicc/fs_object.h"
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
                                         .emergency = isdp->attributes & ISDP_EMERGENCY,
                                         .test = isdp->attributes & ISDP_TEST,
                                         .nvm_used = (uint32_t)objects_used_by(card->objects, (uint8_t)isdp->slot) };
        if (!aid_set(&info->isdp, isdp_aid(isdp)))
            info->isdp.len = 0;
        read_or_ff(card, (uint8_t)isdp->slot, false, 0x2FE2, info->iccid_ef, sizeof info->iccid_ef);
        read_or_ff(card, (uint8_t)isdp->slot, true, 0x6F07, info->imsi_ef, sizeof info->imsi_ef);
    }
    return count;
}

void euicc_memory(struct euicc *euicc, struct euicc_memory_info *ret)
{
    const struct objects *o = euicc->card.objects;
    struct objects_counts counts = objects_counts(o);
    *ret = (struct euicc_memory_info){ (uint32_t)objects_capacity(o), (uint32_t)objects_used(o), registry_free(&euicc->card),
                                       counts.commits, counts.compactions };
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
#define PRINT_PREFIX_MAX  64u

/* ---- what a content means ---- */

typedef void meaning(struct span content, struct writer *w);

static void swapped_digits(struct span content, struct writer *w)
{
    char digits[2 * PRINT_CONTENT_MAX + 1];
    if (bcd_text(content, true, digits, sizeof digits) == ERR_NONE && digits[0])
        wr_printf(w, "  = %s", digits);
}

/* Length, then digits; the first nibble is the parity. */
static void imsi_digits(struct span content, struct writer *w)
{
    char digits[2 * PRINT_CONTENT_MAX + 1];
    if (content.len == 9 && content.ptr[0] >= 1 && content.ptr[0] <= 8 &&
        bcd_text(span_sub(content, 1, content.ptr[0]), true, digits, sizeof digits) == ERR_NONE && digits[0])
        wr_printf(w, "  = %s", digits + 1);
}

static void text_of(struct span content, struct writer *w)
{
    wr_text(w, "  = \"");
    for (size_t i = 0; i < content.len && content.ptr[i] != 0xFF; i++)
        wr_u8(w, content.ptr[i] >= 0x20 && content.ptr[i] < 0x7F ? content.ptr[i] : '.');
    wr_text(w, "\"");
}

static void name_text(struct span content, struct writer *w) { text_of(span_from(content, 1), w); }

static void mnc_length(struct span content, struct writer *w)
{
    if (content.len >= 4)
        wr_printf(w, "  = MNC of %u digits", content.ptr[3] & 15u);
}

static void label_text(struct span content, struct writer *w)
{
    struct span template, label;
    if (tlv_find(content, 0x61, &template) && tlv_find(template, 0x50, &label))
        text_of(label, w);
}

static void language(struct span content, struct writer *w)
{
    if (content.len >= 2 && content.ptr[0] != 0xFF)
        text_of(span_sub(content, 0, 2), w);
}

/* Emergency number: three octets of digits, then text and category. */
static void emergency_number(struct span content, struct writer *w) { swapped_digits(span_sub(content, 0, 3), w); }

/* MCC and MNC of three octets: "262-01". */
static void wr_plmn(struct span p, struct writer *w)
{
    wr_printf(w, "%u%u%u-%u%u", p.ptr[0] & 15u, p.ptr[0] >> 4, p.ptr[1] & 15u, p.ptr[2] & 15u, p.ptr[2] >> 4);
    if (p.ptr[1] >> 4 != 15)
        wr_printf(w, "%u", p.ptr[1] >> 4);
}

static void networks(struct span content, struct writer *w)
{
    const char *before = "  = ";
    for (size_t at = 0; at + 3 <= content.len; at += 3)
        if (content.ptr[at] != 0xFF) {
            wr_text(w, before);
            wr_plmn(span_sub(content, at, 3), w);
            before = " ";
        }
}

/* TMSI, then the location area. */
static void location_area(struct span content, struct writer *w)
{
    if (content.len < 9 || content.ptr[4] == 0xFF)
        return;
    wr_text(w, "  = ");
    wr_plmn(span_sub(content, 4, 3), w);
    wr_printf(w, " LAC %02X%02X", content.ptr[7], content.ptr[8]);
}

static const struct {
    const char *name;
    meaning *say;
} meanings[] = { { "EF.ICCID", swapped_digits }, { "EF.IMSI", imsi_digits }, { "EF.SPN", name_text }, { "EF.AD", mnc_length },
                 { "EF.DIR", label_text },       { "EF.PL", language },      { "EF.LI", language },    { "EF.ECC", emergency_number },
                 { "EF.LOCI", location_area },   { "EF.FPLMN", networks },   { "EF.EHPLMN", networks } };

static void say_meaning(const char *name, struct span content, struct writer *w)
{
    for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
        if (!strcmp(meanings[i].name, name))
            meanings[i].say(content, w);
}

/* ---- lines ---- */

static void wr_content(const struct printer *p, const struct fs_file *f, const char *name, struct writer *w)
{
    uint8_t content[64];
    char hex[2 * PRINT_CONTENT_MAX + 1];
    size_t len = f->record_len ? f->record_len : f->size;
    if (len > sizeof content)
        len = sizeof content;
    size_t shown = len < PRINT_CONTENT_MAX ? len : PRINT_CONTENT_MAX;
    if (fs_is_df(f) || fs_kind(f) == FS_BER_TLV || !len || fs_read(&p->card->fs, f->number, 0, content, len) != ERR_NONE)
        return;
    bool empty = true;
    for (size_t i = 0; i < len; i++)
        empty &= content[i] == 0xFF;
    if (empty) {
        wr_text(w, "  empty");
        return;
    }
    wr_printf(w, "  %s%s", hex_text((struct span){ content, shown }, hex, sizeof hex), shown < f->size ? "..." : "");
    say_meaning(name, (struct span){ content, len }, w);
}

static void print_file(const struct printer *p, const struct fs_file *f, const char *prefix, const char *branch)
{
    WRITER_ON_STACK(w, 512);
    char aid[AID_TEXT_SIZE];
    const char *name = file_name(&p->card->fs, f);
    wr_printf(&w, "%s%s%04X %s", prefix, branch, f->fid, name);
    if (f->aid.len)
        wr_printf(&w, " %s", aid_text(&f->aid, aid));
    if (!fs_is_df(f))
        wr_printf(&w, "  %s %u", kind_text(f), f->size);
    if (f->record_len)
        wr_printf(&w, " (%u x %u)", fs_record_count(f), f->record_len);
    if (!fs_is_df(f) && f->sfi != FS_NO_SFI)
        wr_printf(&w, "  SFI %02X", f->sfi);
    wr_printf(&w, "  rule %04X/%u", f->arr_fid, f->arr_record);
    if (f->link != FS_NONE)
        wr_printf(&w, "  link");
    if (f->lcsi != FS_ACTIVATED)
        wr_printf(&w, "  %s", fs_is_terminated(f) ? "terminated" : fs_is_deactivated(f) ? "deactivated" : "not activated yet");
    wr_content(p, f, name, &w);
    wr_u8(&w, 0);
    p->line(p->context, w.err == ERR_NONE ? (const char *)w.buf : "?");
}

/* The next file below df from entry i on; fs->count: none. */
static uint16_t child_from(const struct fs *fs, fs_number df, uint16_t i)
{
    while (i < fs->count && fs->entries[i].parent != df)
        i++;
    return i;
}

static void print_below(const struct printer *p, fs_number df, const char *prefix, unsigned depth)
{
    const struct fs *fs = &p->card->fs;
    char below[PRINT_PREFIX_MAX];
    for (uint16_t i = child_from(fs, df, 0), next; i < fs->count && depth <= FS_PATH_DEPTH_MAX; i = next) {
        struct fs_file f;
        next = child_from(fs, df, (uint16_t)(i + 1));
        bool last = next == fs->count, top = df == FS_NONE;
        if (fs_stat(fs, fs->entries[i].number, &f) != ERR_NONE)
            continue;
        print_file(p, &f, prefix, top ? "" : last ? "└─ " : "├─ ");
        struct writer w = wr_of((uint8_t *)below, sizeof below);
        wr_printf(&w, "%s%s", prefix, top ? "" : last ? "   " : "│  ");
        wr_u8(&w, 0);
        if (fs_is_df(&f) && w.err == ERR_NONE)
            print_below(p, f.number, below, depth + 1);
    }
}

void euicc_print_files(struct euicc *euicc, void (*line)(void *context, const char *text), void *context)
{
    const struct printer p = { &euicc->card, line, context };
    print_below(&p, FS_NONE, "", 0);
}

/* ---- the whole image ---- */

static const struct {
    uint8_t class;
    bool secret; /* keys or PINs are in it */
    const char *name;
} object_classes[] = {
    { OBJ_CARD, false, "card" },         { OBJ_FILE, false, "file" },       { OBJ_PIN, true, "PIN" },
    { OBJ_PUK, true, "PUK" },            { OBJ_PIN_SHARE, false, "PINs shared" }, { OBJ_NAA, true, "network keys" },
    { OBJ_NAA_SQN, false, "sequence numbers" }, { OBJ_ISDP, true, "ISD-P" }, { OBJ_ISDR, true, "ISD-R" },
    { OBJ_ECASD, true, "ECASD" },        { OBJ_MNOSD, true, "MNO-SD" },     { OBJ_NOTIFY, false, "notification" },
    { OBJ_AGENT, true, "agent" },
};

/* A file of any profile: its FID. */
static void wr_file_id(const struct printer *p, object_key key, struct writer *w)
{
    uint8_t fid[2];
    bool is_file = OBJECT_CLASS(key) == OBJ_FILE;
    if (is_file && objects_read(p->card->objects, key, FS_HEADER_FID, fid, sizeof fid) == ERR_NONE)
        wr_printf(w, " %02X%02X", fid[0], fid[1]);
    else if (is_file)
        wr_text(w, "     ");
}

static void print_object(const struct printer *p, object_key key, bool secrets)
{
    WRITER_ON_STACK(w, 4096);
    uint8_t content[OBJECT_SECRET_MAX];
    char hex[2 * OBJECT_SECRET_MAX + 1];
    const char *name = "other";
    bool secret = true;
    size_t len = 0, got = 0;
    for (size_t i = 0; i < ARRAY_LEN(object_classes); i++)
        if (object_classes[i].class == OBJECT_CLASS(key)) {
            name = object_classes[i].name;
            secret = object_classes[i].secret;
        }
    if (objects_len(p->card->objects, key, &len) != ERR_NONE)
        return;
    wr_printf(&w, "object  %2u  %-16s %05X", OBJECT_PROFILE(key), name, OBJECT_NUMBER(key));
    wr_file_id(p, key, &w);
    wr_printf(&w, "  %5zu octets", len);
    if (secret && !secrets)
        wr_text(&w, "  secret");
    else if (objects_get(p->card->objects, key, content, sizeof content, &got) == ERR_NONE)
        wr_printf(&w, "  %s", hex_text((struct span){ content, got }, hex, sizeof hex));
    else
        wr_text(&w, "  too long to show");
    wr_u8(&w, 0);
    p->line(p->context, w.err == ERR_NONE ? (const char *)w.buf : "?");
    wipe(content, sizeof content);
    wipe(hex, sizeof hex);
    wipe(w.buf, w.len);
}

static void print_domain(const struct printer *p, const struct isdp *isdp)
{
    WRITER_ON_STACK(w, 256);
    char hex[2 * ISDP_AID_LEN + 1];
    wr_printf(&w, "domain  %2u  %s  state %02X  attributes %02X  POL1 %02X  %u octets granted, %u used  key sets",
              isdp->slot, hex_text(isdp_aid(isdp), hex, sizeof hex), isdp->state, isdp->attributes, isdp->pol1, isdp->granted,
              isdp->used);
    for (size_t i = 0; i < ISDP_KEYSETS_MAX; i++)
        if (isdp->keys[i].kvn)
            wr_printf(&w, " %02X", isdp->keys[i].kvn);
    if (isdp->token_kvn)
        wr_printf(&w, " %02X", isdp->token_kvn);
    wr_u8(&w, 0);
    p->line(p->context, w.err == ERR_NONE ? (const char *)w.buf : "?");
}

void euicc_print_objects(struct euicc *euicc, bool secrets, void (*line)(void *context, const char *text), void *context)
{
    const struct printer p = { &euicc->card, line, context };
    const struct isdp_registry *registry = &euicc->card.registry;
    for (size_t i = 0; i < registry->count; i++)
        print_domain(&p, &registry->items[i]);
    for (object_key key = 0; objects_next(euicc->card.objects, key, UINT32_MAX, &key); key++) {
        print_object(&p, key, secrets);
        if (key == UINT32_MAX)
            break;
    }
}
