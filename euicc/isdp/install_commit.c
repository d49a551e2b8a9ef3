/* The end of a package: the last checks, and one transaction that puts everything into the card. */
#include "installation.h"

#include "euicc/imsi/imsi.h"
#include "euicc/isdr/rules.h"

#define FID_ICCID 0x2FE2u
#define FID_DIR   0x2F00u
#define FID_IMSI  0x6F07u

/* ---- checks ---- */

static bool has_pin(const struct installation *in, uint8_t reference)
{
    for (size_t i = 0; i < in->now.pin_count; i++)
        if (!in->pins[i].shared && in->pins[i].pin.reference == reference)
            return true;
    return false;
}

/* [?] A DF may name PINs that nobody can verify there: a real card took a package whose DF.TELECOM and ADF name local
 * PINs of one another and an ADM without a code. What no element defines anywhere is missing. */
static bool resolves(const struct installation *in, uint8_t reference)
{
    return pin_is_adm(reference) || has_pin(in, reference);
}

static bool check_pin_references(const struct installation *in, uint32_t *ret_owner)
{
    for (uint16_t i = 0; i < in->now.node_count; i++) {
        const struct fs_file *f = &in->nodes[i].file;
        for (size_t k = 0; fs_is_df(f) && f->link == FS_NONE && k < f->pin_count; k++)
            if (!resolves(in, f->pins[k])) {
                *ret_owner = in->nodes[i].owner;
                return false;
            }
    }
    return true;
}

static bool has_basics(const struct installation *in)
{
    return node_child(in, FS_MF, FID_ICCID) != NO_NODE && node_child(in, FS_MF, FID_DIR) != NO_NODE &&
           node_child(in, FS_MF, FID_ARR_MF) != NO_NODE;
}

enum pe_status_code install_end(struct installation *in, const struct profile_element *pe)
{
    (void)pe;
    uint32_t owner = in->pe.identification;
    if (!has_basics(in))
        return PE_STATUS_BAD_VALUES;
    enum pe_status_code status = in->iot_pix.len ? iot_default_pin(in) : PE_STATUS_OK;
    if (status != PE_STATUS_OK)
        return status;
    status = PE_STATUS_PIN_CODE_MISSING;
    if (check_pin_references(in, &owner))
        status = install_commit(in, &owner);
    in->pe.identification = owner;
    return status;
}

/* ---- writing ---- */

struct commit_run {
    struct installation *in;
    struct objects *store;
    uint8_t slot;
    struct fs *fs;
    fs_number *numbers; /* file number of each node */
    uint32_t owner;
};

static enum err write_files(struct commit_run *run)
{
    const struct installation *in = run->in;
    for (size_t i = 0; i < in->now.node_count; i++) {
        const struct node *node = &in->nodes[i];
        struct fs_file file = node->file;
        if (file.parent != FS_NONE)
            file.parent = run->numbers[file.parent];
        if (file.link != FS_NONE)
            file.link = run->numbers[file.link];
        run->owner = node->owner;
        enum err err =
            fs_create(run->fs, &file, (struct span){ node->body, node->body ? node->body_len : 0 }, &run->numbers[i]);
        if (err != ERR_NONE)
            return err;
    }
    return ERR_NONE;
}

static enum err write_pins(struct commit_run *run)
{
    const struct installation *in = run->in;
    enum err err = ERR_NONE;
    for (size_t i = 0; err == ERR_NONE && i < in->now.pin_count; i++) {
        const struct staged_pin *p = &in->pins[i];
        fs_number context = run->numbers[p->context];
        run->owner = p->owner;
        err = p->shared ? pin_share(run->store, run->slot, context, run->numbers[p->with])
                        : pin_put(run->store, run->slot, context, &p->pin);
    }
    for (size_t i = 0; err == ERR_NONE && i < in->now.puk_count; i++)
        err = puk_put(run->store, run->slot, &in->puks[i]);
    return err;
}

static enum err write_naas(struct commit_run *run)
{
    const struct installation *in = run->in;
    enum err err = ERR_NONE;
    for (size_t i = 0; err == ERR_NONE && i < in->now.naa_count; i++) {
        struct staged_naa *s = &in->naas[i];
        run->owner = s->owner;
        if (s->naa.mapped_to != FS_NONE)
            s->naa.mapped_to = run->numbers[s->naa.mapped_to];
        err = naa_put(run->store, run->slot, run->numbers[s->adf], &s->naa, s->sqn);
    }
    for (size_t i = 0; err == ERR_NONE && i < in->cdma_count; i++)
        err = objects_put_secret(run->store, OBJECT_KEY(run->slot, OBJ_MNOSD, APP_CDMA(run->numbers[in->cdma[i].adf])),
                                 in->cdma[i].raw);
    return err;
}

static enum err write_sd(struct commit_run *run, unsigned number, const struct staged_sd *sd)
{
    run->owner = sd->owner;
    enum err err = application_sd_put(run->store, run->slot, number, &sd->info);
    for (size_t i = 0; err == ERR_NONE && i < sd->set_count; i++)
        err = application_keyset_put(run->store, run->slot, number, &sd->sets[i], sd->counters[i]);
    for (size_t i = 0; err == ERR_NONE && i < sd->other_key_count; i++)
        err = objects_put_secret(run->store, OBJECT_KEY(run->slot, OBJ_MNOSD, APP_OTHER_KEY(number, i)),
                                 sd->other_keys[i]);
    for (size_t i = 0; err == ERR_NONE && i < sd->data_count; i++)
        err = objects_put(run->store, OBJECT_KEY(run->slot, OBJ_MNOSD, APP_DATA(number, i)), sd->data[i]);
    return err;
}

static enum err write_applications(struct commit_run *run)
{
    const struct installation *in = run->in;
    enum err err = ERR_NONE;
    for (unsigned i = 0; err == ERR_NONE && i < in->now.sd_count; i++)
        err = write_sd(run, i, in->sds[i]);
    for (unsigned i = 0; err == ERR_NONE && i < in->now.rfm_count; i++) {
        run->owner = in->rfm_owner[i];
        err = application_rfm_put(run->store, run->slot, i, &in->rfms[i]);
    }
    return err;
}

static enum err write_own_rules(struct commit_run *run)
{
    struct multi_imsi m;
    enum err err = ERR_NONE;
    if (run->in->multi_imsi.len)
        err = multi_imsi_parse(run->in->multi_imsi, &m);
    if (run->in->multi_imsi.len && err == ERR_NONE)
        err = imsi_rules_put(run->store, run->slot, &m);
    if (run->in->local_switch.len && err == ERR_NONE)
        err = rules_put(run->store, run->slot, run->in->local_switch);
    return err;
}

static void copy_imsi(const struct installation *in, struct isdp *isdp)
{
    uint16_t adf = in->now.adf[ADF_USIM], imsi = adf == NO_NODE ? NO_NODE : node_child(in, adf, FID_IMSI);
    memset(isdp->imsi, 0, sizeof isdp->imsi);
    if (imsi != NO_NODE && in->nodes[imsi].body && in->nodes[imsi].body_len >= sizeof isdp->imsi)
        memcpy(isdp->imsi, in->nodes[imsi].body, sizeof isdp->imsi);
}

static enum err write_isdp(struct commit_run *run)
{
    const struct installation *in = run->in;
    struct isdp *isdp = registry_by_slot(in->card, in->slot);
    if (!isdp)
        return ERR_NOT_FOUND;
    isdp->state = ISDP_DISABLED;
    isdp->pol1 = in->pol1;
    isdp->has_iccid = true;
    memcpy(isdp->iccid, in->iccid, sizeof isdp->iccid);
    isdp->connectivity_len = (uint8_t)in->connectivity.len;
    if (in->connectivity.len)
        memcpy(isdp->connectivity, in->connectivity.ptr, in->connectivity.len);
    isdp->used = (uint32_t)objects_used_by(run->store, run->slot);
    copy_imsi(in, isdp);
    enum err err = registry_store(in->card, isdp);
    return err == ERR_NONE && !isdp_in_bounds(in->card, isdp) ? ERR_NO_SPACE : err;
}

static enum err write_all(struct commit_run *run)
{
    static enum err (*const writers[])(struct commit_run *) = { write_files, write_pins, write_naas, write_applications, write_own_rules,
                                                                write_isdp };
    enum err err = fs_mount(run->fs, run->store, run->slot, &run->in->arena);
    if (err == ERR_NONE && run->fs->count)
        err = ERR_STATE; /* a profile is there already */
    for (size_t i = 0; err == ERR_NONE && i < ARRAY_LEN(writers); i++)
        err = writers[i](run);
    return err;
}

enum pe_status_code install_commit(struct installation *in, uint32_t *ret_owner)
{
    struct commit_run run = { .in = in, .store = in->card->objects, .slot = (uint8_t)in->slot, .owner = *ret_owner };
    run.fs = ARENA_NEW(&in->arena, struct fs);
    run.numbers = ARENA_ARRAY(&in->arena, fs_number, in->now.node_count);
    if (!run.fs || !run.numbers)
        return PE_STATUS_NOT_ENOUGH_MEMORY;

    card_begin(in->card);
    enum err err = write_all(&run);
    fs_unmount(run.fs);
    if (err == ERR_NONE)
        err = card_commit(in->card);
    else
        card_rollback(in->card);
    if (err == ERR_NONE)
        return PE_STATUS_OK;
    *ret_owner = run.owner;
    enum err reload = registry_load(in->card);
    return reload == ERR_NONE ? status_of_err(err) : PE_STATUS_MEMORY_FAILURE;
}
