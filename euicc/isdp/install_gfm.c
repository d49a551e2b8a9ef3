/* PE-GenericFileManagement: files by their FCP, anywhere. */
#include "installation.h"

struct gfm_run {
    uint16_t directory; /* where files are made; NO_NODE: before there is an MF */
    uint16_t file;      /* what fill commands write to; NO_NODE: none */
    uint32_t position;
    uint16_t first_df; /* the first DF made or selected */
};

static void enter(struct gfm_run *run, uint16_t df)
{
    run->directory = df;
    run->file = NO_NODE;
    run->first_df = run->first_df == NO_NODE ? df : run->first_df;
}

static enum pe_status_code select_path(struct installation *in, struct gfm_run *run, struct span path)
{
    uint16_t node = node_by_path(in, path);
    if (node == NO_NODE)
        return PE_STATUS_BAD_VALUES;
    if (node_is_df(in, node)) {
        enter(run, node);
        return PE_STATUS_OK;
    }
    run->file = node;
    run->position = 0;
    return PE_STATUS_OK;
}

static enum pe_status_code create(struct installation *in, struct gfm_run *run, const struct fcp *fcp)
{
    struct file_spec spec;
    uint16_t node;
    if (file_spec_make(NULL, fcp, &spec) != ERR_NONE)
        return PE_STATUS_BAD_VALUES;
    bool is_mf = spec.fid == FID_MF;
    if (is_mf == in->now.has_mf || (is_mf && spec.structure != FILE_DF))
        return PE_STATUS_BAD_VALUES;
    enum pe_status_code status = node_create(in, is_mf ? NO_NODE : run->directory, &spec, &node);
    if (status != PE_STATUS_OK)
        return status;
    in->now.has_mf = true;
    run->file = node;
    run->position = 0;
    if (spec.structure == FILE_DF)
        enter(run, node);
    return PE_STATUS_OK;
}

static enum pe_status_code command(struct installation *in, struct gfm_run *run, const struct file_command *c)
{
    if (c->path.ptr)
        return select_path(in, run, c->path);
    if (c->create)
        return create(in, run, c->create);
    if (run->file == NO_NODE)
        return PE_STATUS_BAD_VALUES;
    struct file_item item = { .offset = c->offset, .content = c->content };
    return node_write(in, run->file, &run->position, &item);
}

/* The directory stays from one list of commands to the next and starts at the MF with each element. */
enum pe_status_code install_gfm(struct installation *in, const struct profile_element *pe)
{
    const struct pe_generic_file_management *gfm = pe->as.gfm;
    struct gfm_run run = { .directory = in->now.has_mf ? FS_MF : NO_NODE, .file = NO_NODE, .first_df = NO_NODE };
    enum pe_status_code status = PE_STATUS_OK;

    in->made_before = in->now.node_count;
    for (size_t i = 0; status == PE_STATUS_OK && i < gfm->commands.count; i++)
        for (size_t k = 0; status == PE_STATUS_OK && k < gfm->commands.items[i].list.count; k++)
            status = command(in, &run, &gfm->commands.items[i].list.items[k]);
    if (status == PE_STATUS_OK && run.first_df != NO_NODE)
        in->now.pin_context = run.first_df;
    return status;
}
