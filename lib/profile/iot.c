/* [?] The tables of IoT minimal profiles are not known to us. Members have the rows of those of the same name in PE-MF
 * and PE-USIM (template.c); what those want stated is decided here. */
#include "iot.h"

#include "access_rules.h"
#include "lib/model/aid.h"

#define FID_USIM    "\x7F\xF0"
#define PIN_STATUS  "\x01\x0A"                                                             /* PIN1, ADM1 */
#define UST_DEFAULT "\x00\x00\x00\x08\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" /* 28 SMS-PP download, 33   \
                                                                                            */
#define UMPC_DEFAULT "\x3C\x3C\x02\x00\x00"                                                /* SUSPEND UICC is offered */
#define ECC_DEFAULT  "\xFF\xFF\xFF\xFF"
#define DIR_LABEL    "USIM"
#define DIR_LEN_MAX  32u
#define FIRST_MEMBER 2u

static const uint8_t usim_rid[] = { 0xA0, 0x00, 0x00, 0x00, 0x87 }, usim_application[] = { 0x10, 0x02 };

struct run {
    struct arena *a;
    const struct iot_profile *p;
    struct span aid;
    enum err err;
};

static struct span copy(struct run *run, const struct writer *w)
{
    struct span s = arena_copy(run->a, wr_span(w));
    if (w->err != ERR_NONE || !s.ptr)
        run->err = w->err != ERR_NONE ? w->err : ERR_NO_SPACE;
    return s;
}

/* [?] The PIX is said to follow 1002 and is long enough to hold it itself: taken either way. */
static void make_aid(struct run *run)
{
    WRITER_ON_STACK(w, AID_MAX);
    wr_bytes(&w, SPAN_OF(usim_rid));
    if (!span_eq(span_sub(run->p->pix, 0, sizeof usim_application), SPAN_OF(usim_application)))
        wr_bytes(&w, SPAN_OF(usim_application));
    wr_bytes(&w, run->p->pix);
    if (w.err != ERR_NONE)
        run->err = ERR_BAD_LENGTH;
    run->aid = copy(run, &w);
}

static struct fcp *new_fcp(struct run *run)
{
    struct fcp *fcp = ARENA_NEW(run->a, struct fcp);
    if (fcp)
        fcp->lcsi = SPAN_LIT("\x05");
    else
        run->err = ERR_NO_SPACE;
    return fcp;
}

/* ---- one member ---- */

/* A DF's description, with what it does not say itself. */
static struct fcp *df_fcp(struct run *run, const struct fcp *said, bool adf)
{
    struct fcp *fcp = new_fcp(run);
    if (!fcp)
        return NULL;
    if (said)
        *fcp = *said;
    if (!fcp->pin_status.ptr)
        fcp->pin_status = SPAN_LIT(PIN_STATUS);
    if (adf && !fcp->df_name.ptr)
        fcp->df_name = run->aid;
    if (adf && !fcp->file_id.ptr)
        fcp->file_id = SPAN_LIT(FID_USIM);
    return fcp;
}

static struct fcp *records_fcp(struct run *run, uint8_t record_len, size_t count)
{
    WRITER_ON_STACK(shape, 4);
    WRITER_ON_STACK(size, 2);
    struct fcp *fcp = new_fcp(run);
    wr_bytes(&shape, SPAN_LIT("\x42\x21\x00"));
    wr_u8(&shape, record_len);
    wr_u16(&size, (uint16_t)(record_len * count));
    if (fcp) {
        fcp->descriptor = copy(run, &shape);
        fcp->size = copy(run, &size);
    }
    return fcp;
}

static struct span iccid_content(struct run *run)
{
    WRITER_ON_STACK(w, IOT_ICCID_LEN);
    for (size_t i = 0; i < run->p->iccid.len; i++)
        wr_u8(&w, (uint8_t)(run->p->iccid.ptr[i] << 4 | run->p->iccid.ptr[i] >> 4));
    return copy(run, &w);
}

static struct span dir_content(struct run *run)
{
    WRITER_ON_STACK(w, DIR_LEN_MAX);
    size_t mark = wr_tlv_open(&w, 0x61);
    wr_tlv(&w, 0x4F, run->aid);
    wr_tlv(&w, 0x50, SPAN_LIT(DIR_LABEL));
    wr_tlv_close(&w, mark);
    return copy(run, &w);
}

static struct span rules_content(struct run *run)
{
    WRITER_ON_STACK(w, ACCESS_RULES_COUNT * ACCESS_RULE_LEN);
    wr_access_rules(&w);
    return copy(run, &w);
}

static void put(struct run *run, struct pe_file *file, struct fcp *fcp, struct span content)
{
    struct file_item *items = ARENA_ARRAY(run->a, struct file_item, 2);
    size_t count = 0;
    if (!items) {
        run->err = ERR_NO_SPACE;
        return;
    }
    if (fcp)
        items[count++] = (struct file_item){ .fcp = fcp, .offset = DER_ABSENT };
    if (content.ptr)
        items[count++] = (struct file_item){ .content = content, .offset = DER_ABSENT };
    file->items.items = items;
    file->items.count = count;
}

/* A member that the element does not name. Most have all they need in the template. */
static void make(struct run *run, struct pe_file *file)
{
    const char *name = pe_member_name(PE_IOT, file->tag);
    if (!strcmp(name, "mf") || !strcmp(name, "adf-usim"))
        put(run, file, df_fcp(run, NULL, name[0] == 'a'), SPAN_NONE);
    else if (!strcmp(name, "ef-iccid"))
        put(run, file, NULL, iccid_content(run));
    else if (!strcmp(name, "ef-dir"))
        put(run, file, records_fcp(run, DIR_LEN_MAX, 1), dir_content(run));
    else if (!strcmp(name, "ef-arr") || !strcmp(name, "ef-arr-usim"))
        put(run, file, records_fcp(run, ACCESS_RULE_LEN, ACCESS_RULES_COUNT), rules_content(run));
    else if (!strcmp(name, "ef-ust"))
        put(run, file, NULL, SPAN_LIT(UST_DEFAULT));
    else if (!strcmp(name, "ef-umpc"))
        put(run, file, NULL, SPAN_LIT(UMPC_DEFAULT));
    else if (!strcmp(name, "ef-ecc"))
        put(run, file, NULL, SPAN_LIT(ECC_DEFAULT));
}

/* A DF that the element names: its items with the completed description in front. */
static void complete_df(struct run *run, const struct pe_file *said, struct pe_file *file, bool adf)
{
    bool none = said->items.count && said->items.items[0].do_not_create;
    bool has_fcp = said->items.count && said->items.items[0].fcp;
    *file = *said;
    if (!none)
        put(run, file, df_fcp(run, has_fcp ? said->items.items[0].fcp : NULL, adf), SPAN_NONE);
}

enum err iot_complete(struct arena *a, const struct pe_filesystem *pe, const struct iot_profile *p,
                      struct pe_filesystem *ret)
{
    struct run run = { .a = a, .p = p };
    size_t count = 0, next = 0;
    while (pe_member_name(PE_IOT, pe_member_tag(FIRST_MEMBER + (unsigned)count)))
        count++;
    struct pe_file *files = ARENA_ARRAY(a, struct pe_file, count);
    if (!files)
        return ERR_NO_SPACE;
    make_aid(&run);
    for (unsigned i = 0; i < count && run.err == ERR_NONE; i++) {
        files[i] = (struct pe_file){ .tag = pe_member_tag(FIRST_MEMBER + i) };
        const struct pe_file *said = next < pe->files.count ? &pe->files.items[next] : NULL;
        const char *name = pe_member_name(PE_IOT, files[i].tag);
        bool adf = !strcmp(name, "adf-usim");
        if (!said || said->tag != files[i].tag) {
            make(&run, &files[i]);
            continue;
        }
        next++;
        if (adf || !strcmp(name, "mf"))
            complete_df(&run, said, &files[i], adf);
        else
            files[i] = *said;
    }
    if (run.err != ERR_NONE)
        return run.err;
    *ret = *pe;
    ret->files.items = files;
    ret->files.count = count;
    return next == pe->files.count ? ERR_NONE : ERR_BAD_TAG; /* further members are of a version to come */
}
