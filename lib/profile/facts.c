#include "facts.h"

#include <stdio.h>

#include "file_body.h"
#include "lib/codec/hex.h"

#define KEY_MAX 32u

/* Where the reading is. */
struct facts {
    struct profile_facts *ret;
    bool in_usim; /* the elements at hand belong to a USIM */
    bool has_end;
};

static enum err read_header(const struct profile_header *h, struct facts *f)
{
    size_t len = h->profile_type.len < PROFILE_TYPE_MAX ? h->profile_type.len : PROFILE_TYPE_MAX;
    if (len)
        memcpy(f->ret->type, h->profile_type.ptr, len);
    f->ret->type[len] = '\0';
    return iccid_from_bcd(h->iccid, &f->ret->iccid);
}

/* EF_IMSI: length, then digits swapped; the first nibble is the parity. */
static void read_imsi(const struct pe_filesystem *files, enum pe_kind kind, struct facts *f)
{
    uint32_t tag = pe_member_by_name(kind, SPAN_LIT("ef-imsi"));
    for (size_t i = 0; tag && !*f->ret->imsi && i < files->files.count; i++) {
        const struct pe_file *file = &files->files.items[i];
        uint8_t body[9];
        uint32_t at = 0;
        char digits[20];
        memset(body, 0xFF, sizeof body);
        for (size_t k = 0; file->tag == tag && k < file->items.count; k++)
            if (file->items.items[k].content.len || file->items.items[k].offset != DER_ABSENT)
                (void)!file_body_write(body, sizeof body, &at, &file->items.items[k]);
        if (file->tag == tag && body[0] <= 8 && body[0] > 1 &&
            bcd_text((struct span){ body + 1, body[0] }, true, digits, sizeof digits) == ERR_NONE &&
            strlen(digits) <= 16)
            snprintf(f->ret->imsi, sizeof f->ret->imsi, "%.15s", digits + 1);
    }
}

static enum err read_element(const struct profile_element *pe, struct facts *f)
{
    switch (pe->kind) {
    case PE_HEADER:
        return read_header(pe->as.header, f);
    case PE_USIM:
        f->in_usim = true;
        read_imsi(pe->as.files, pe->kind, f);
        return ERR_NONE;
    case PE_ISIM:
    case PE_CSIM:
        f->in_usim = false;
        return ERR_NONE;
    case PE_AKA_PARAMETER:
        if (f->in_usim && !f->ret->aka && pe->as.aka->configuration)
            f->ret->aka = pe->as.aka->configuration->algo;
        return ERR_NONE;
    case PE_END:
        f->has_end = true;
        return ERR_NONE;
    default:
        return ERR_NONE;
    }
}

enum err profile_facts_read(struct span package, struct arena *a, struct profile_facts *ret, char *detail)
{
    struct facts of = { .ret = ret }, *f = &of;
    struct package_reader p;
    struct package_element e;
    struct reader segment = rd_of(package);
    struct der d = { .arena = a };
    enum err err = ERR_NONE;
    *ret = (struct profile_facts){ 0 };
    package_init_arena(&p, a);
    for (size_t n = 0; err == ERR_NONE && package_next(&p, &segment, &e); n++) {
        struct profile_element pe;
        enum pe_kind kind;
        if (!pe_kind_of(e.tag, &kind))
            continue;
        err = pe_decode(&d, e.raw, &pe);
        if (err == ERR_NONE)
            err = read_element(&pe, f);
        if (err != ERR_NONE)
            snprintf(detail, PROFILE_FACTS_DETAIL_MAX, "profile element %zu (%s) at octet %u: %s", n, pe_name(kind), e.offset,
                     err_text(err));
    }
    if (err == ERR_NONE && (err = p.err) != ERR_NONE)
        snprintf(detail, PROFILE_FACTS_DETAIL_MAX, "the package is broken at octet %u: %s", p.offset, err_text(err));
    if (err == ERR_NONE && (!*f->ret->iccid.digits || !f->has_end)) {
        err = ERR_MISSING;
        snprintf(detail, PROFILE_FACTS_DETAIL_MAX, "the package has no %s", f->has_end ? "ICCID" : "end");
    }
    return err;
}

/* ---- the subscription */

bool profile_subscription(const struct profile_facts *facts, struct subscription *ret)
{
    static const char *const names[] = { "", "milenage", "tuak", "xor" };
    const struct aka_algo *k = facts->aka;
    if (!k || k->algorithm == 0 || k->algorithm >= ARRAY_LEN(names))
        return false;
    *ret = (struct subscription){ .iccid = facts->iccid, .algorithm = names[k->algorithm], .key = k->key, .opc = k->opc,
                                  .keccak_count = k->keccak_count };
    snprintf(ret->address.imsi, sizeof ret->address.imsi, "%s", facts->imsi);
    return true;
}

void subscription_write(struct writer *w, const struct subscription *u)
{
    char key[2 * KEY_MAX + 1], opc[2 * KEY_MAX + 1];
    if (!*u->address.imsi)
        return;
    wr_printf(w, "# ICCID %s\n[subscriber %s]\nalgorithm = %s\nk = %s\n", u->iccid.digits, u->address.imsi, u->algorithm,
              hex_text(u->key, key, sizeof key));
    if (u->opc.len)
        wr_printf(w, "opc = %s\n", hex_text(u->opc, opc, sizeof opc));
    if (!strcmp(u->algorithm, "tuak"))
        wr_printf(w, "keccak_iterations = %u\n", u->keccak_count);
    if (*u->address.msisdn)
        wr_printf(w, "msisdn = %s\n", u->address.msisdn);
    wr_text(w, "\n");
    wipe(key, sizeof key);
    wipe(opc, sizeof opc);
}
