#include "install.h"

#include "installation.h"
#include "lib/base/mutant.h"

#include <stdlib.h>

/* The order of elements, as a set of what must have been before. */
enum { AFTER_MF = 1, AFTER_USIM = 2, AFTER_ISIM = 4, AFTER_CSIM = 8, AFTER_ADF = 16, AFTER_SD = 32 };

static const struct {
    install_handler *handler;
    uint8_t after;
} handlers[PE_KIND_COUNT] = {
    [PE_HEADER] = { install_header, 0 },
    [PE_MF] = { install_filesystem, 0 },
    [PE_GENERIC_FILE_MANAGEMENT] = { install_gfm, 0 },
    [PE_CD] = { install_filesystem, AFTER_MF },
    [PE_TELECOM] = { install_filesystem, AFTER_MF },
    [PE_USIM] = { install_filesystem, AFTER_MF },
    [PE_ISIM] = { install_filesystem, AFTER_MF },
    [PE_CSIM] = { install_filesystem, AFTER_MF },
    [PE_OPT_USIM] = { install_filesystem, AFTER_USIM },
    [PE_PHONEBOOK] = { install_filesystem, AFTER_USIM },
    [PE_GSM_ACCESS] = { install_filesystem, AFTER_USIM },
    [PE_DF_5GS] = { install_filesystem, AFTER_USIM },
    [PE_DF_SAIP] = { install_filesystem, AFTER_USIM },
    [PE_DF_SNPN] = { install_filesystem, AFTER_USIM },
    [PE_DF_5GPROSE] = { install_filesystem, AFTER_USIM },
    [PE_OPT_ISIM] = { install_filesystem, AFTER_ISIM },
    [PE_OPT_CSIM] = { install_filesystem, AFTER_CSIM },
    [PE_IOT] = { install_iot, 0 },
    [PE_OPT_IOT] = { install_filesystem, AFTER_USIM },
    [PE_EAP] = { install_filesystem, AFTER_ADF },
    [PE_PIN_CODES] = { install_pins, AFTER_MF },
    [PE_PUK_CODES] = { install_puks, AFTER_MF },
    [PE_AKA_PARAMETER] = { install_aka, AFTER_ADF },
    [PE_CDMA_PARAMETER] = { install_cdma, AFTER_CSIM },
    [PE_SECURITY_DOMAIN] = { install_sd, AFTER_MF },
    [PE_RFM] = { install_rfm, AFTER_SD },
    [PE_NON_STANDARD] = { install_non_standard, 0 },
    [PE_END] = { install_end, AFTER_MF },
};

enum pe_status_code status_of_err(enum err err)
{
    switch (err) {
    case ERR_NONE:
        return PE_STATUS_OK;
    case ERR_NO_SPACE:
    case ERR_NO_MEMORY:
        return PE_STATUS_NOT_ENOUGH_MEMORY;
    case ERR_IO:
        return PE_STATUS_MEMORY_FAILURE;
    case ERR_UNSUPPORTED:
        return PE_STATUS_FEATURE_NOT_SUPPORTED;
    default:
        return PE_STATUS_BAD_VALUES;
    }
}

/* The octets themselves are not in order, as against values that are out of range. */
static enum pe_status_code status_of_format(enum err err)
{
    switch (err) {
    case ERR_BAD_VALUE:
        return PE_STATUS_BAD_VALUES;
    case ERR_NO_SPACE:
        return PE_STATUS_NOT_ENOUGH_MEMORY;
    case ERR_UNSUPPORTED:
        return PE_STATUS_PE_NOT_SUPPORTED;
    default:
        return PE_STATUS_INVALID_REQUEST_FORMAT;
    }
}

struct span keep(struct installation *in, struct span s) { return arena_copy(&in->arena, s); }

struct installation *install_new(struct card *card, const struct isdp *isdp)
{
    struct installation *in = calloc(1, sizeof *in);
    void *element = malloc(INSTALL_ELEMENT_MAX); /* one buffer for all elements: only what they use is touched */
    if (!in || !element) {
        free(in);
        free(element);
        return NULL;
    }
    arena_init(&in->arena, INSTALL_RAM_MAX);
    in->element_memory = element;
    arena_init_fixed(&in->element, element, INSTALL_ELEMENT_MAX);
    in->card = card;
    in->slot = isdp ? isdp->slot : 0;
    in->quota = isdp ? isdp->granted : 0;
    in->now =
        (struct install_marks){ .adf = { NO_NODE, NO_NODE, NO_NODE }, .last_adf = NO_NODE, .pin_context = NO_NODE };
    package_init_arena(&in->package, &in->arena);
    return in;
}

void install_free(struct installation *in)
{
    if (!in)
        return;
    arena_release(&in->element);
    arena_release(&in->arena);
    free(in->element_memory);
    wipe(in, sizeof *in);
    free(in);
}

/* ---- the answer ---- */

static void note_status(struct installation *in, enum pe_status_code status)
{
    if (in->status_count == INSTALL_STATUSES_MAX)
        return;
    in->statuses[in->status_count++] = (struct pe_status){ status, in->pe.identification, in->additional, in->at };
}

static enum install_result finish(struct installation *in, enum install_result result)
{
    struct euicc_response response = { .aborted = result == INSTALL_FAILED };
    if (in->status_count == 0 && !MUTANT(says_nothing_of_a_success))
        in->statuses[in->status_count++] = (struct pe_status){ PE_STATUS_OK, DER_ABSENT, DER_ABSENT, DER_ABSENT };
    response.statuses.items = in->statuses;
    response.statuses.count = in->status_count;

    struct writer w = wr_of(in->response, sizeof in->response);
    euicc_response_encode(&w, &response);
    in->response_len = wr_span(&w).len;
    in->result = result;
    arena_release(&in->element);
    arena_release(&in->arena); /* secrets of what was staged do not stay */
    return result;
}

static enum install_result abort_with(struct installation *in, enum pe_status_code status)
{
    note_status(in, status);
    return finish(in, INSTALL_FAILED);
}

/* ---- one element ---- */

static uint8_t reached(const struct installation *in)
{
    const struct install_marks *m = &in->now;
    return (uint8_t)((m->has_mf ? AFTER_MF : 0) | (m->adf[ADF_USIM] != NO_NODE ? AFTER_USIM : 0) |
                     (m->adf[ADF_ISIM] != NO_NODE ? AFTER_ISIM : 0) | (m->adf[ADF_CSIM] != NO_NODE ? AFTER_CSIM : 0) |
                     (m->last_adf != NO_NODE ? AFTER_ADF : 0) | (m->sd_count ? AFTER_SD : 0));
}

static bool in_order(const struct installation *in, enum pe_kind kind)
{
    bool makes_mf = kind == PE_MF || kind == PE_IOT;
    if ((kind == PE_HEADER) == in->has_header || (makes_mf && in->now.has_mf))
        return false;
    if (makes_mf && (kind == PE_IOT) != (in->iot_pix.len != 0)) /* one of them, as the header says */
        return false;
    return (handlers[kind].after & ~reached(in)) == 0;
}

static void undo_element(struct installation *in, const struct install_marks *before)
{
    in->now = *before;
    for (struct undo *u = in->undo; u; u = u->next) {
        in->nodes[u->node].body = u->body;
        in->nodes[u->node].body_len = u->body_len;
    }
}

static enum pe_status_code check_unknown(struct installation *in, const struct der *d, struct span raw)
{
    if (!d->unknown_tag)
        return PE_STATUS_OK;
    if (d->unknown_at)
        in->at = (uint32_t)(d->unknown_at - raw.ptr);
    return PE_STATUS_INVALID_PARAMETER;
}

/* A service that is not in our list cannot be one we have. */
static enum pe_status_code header_unknown(struct installation *in, const struct der *d, struct span raw)
{
    struct reader r = rd_of(raw);
    struct tlv header;
    struct span services;
    enum pe_status_code status = check_unknown(in, d, raw);
    if (status == PE_STATUS_OK || !tlv_next(&r, &header) || !tlv_find(header.val, 0xA5, &services))
        return status;
    bool inside = d->unknown_at >= services.ptr && d->unknown_at < services.ptr + services.len;
    if (inside)
        in->additional = d->unknown_tag & 0x1F;
    return inside ? PE_STATUS_FEATURE_NOT_SUPPORTED : status;
}

static enum pe_status_code process(struct installation *in, enum pe_kind kind, struct span raw)
{
    struct der d = { .arena = &in->element };
    struct profile_element pe;
    enum err err = pe_decode(&d, raw, &pe);

    if (err != ERR_NONE) {
        if (d.at)
            in->at = (uint32_t)(d.at - raw.ptr);
        return status_of_format(err);
    }
    enum pe_status_code status = kind == PE_HEADER ? header_unknown(in, &d, raw) : check_unknown(in, &d, raw);
    if (status == PE_STATUS_FEATURE_NOT_SUPPORTED || (status != PE_STATUS_OK && in->pe.mandated))
        return status; /* in an element that is not mandated they are left out without a word, as real cards do */
    in->at = DER_ABSENT;
    return handlers[kind].handler(in, &pe);
}

/* An application is refused even when its element is not mandated: who sends one counts on it. */
static bool is_fatal(const struct installation *in, enum pe_kind kind, enum pe_status_code status)
{
    return in->pe.mandated || kind == PE_HEADER || kind == PE_END || kind == PE_APPLICATION ||
           status == PE_STATUS_INVALID_REQUEST_FORMAT || status == PE_STATUS_MEMORY_FAILURE ||
           status == PE_STATUS_NOT_ENOUGH_MEMORY;
}

static enum pe_status_code one_element(struct installation *in, const struct package_element *e, enum pe_kind *ret_kind)
{
    *ret_kind = PE_KIND_COUNT;
    if (!pe_kind_of(e->tag, ret_kind) && MUTANT(leaves_out_what_it_does_not_know))
        return PE_STATUS_OK;
    if (!pe_kind_of(e->tag, ret_kind))
        return in->has_header ? PE_STATUS_PE_NOT_SUPPORTED : PE_STATUS_INVALID_REQUEST_FORMAT;
    if (*ret_kind == PE_APPLICATION)
        return PE_STATUS_RUNTIME_NOT_SUPPORTED;
    if (!handlers[*ret_kind].handler) /* reserved ones */
        return in->has_header ? PE_STATUS_PE_NOT_SUPPORTED : PE_STATUS_INVALID_REQUEST_FORMAT;
    if (!in_order(in, *ret_kind))
        return PE_STATUS_INVALID_REQUEST_FORMAT;
    return process(in, *ret_kind, e->raw);
}

static enum install_result take_element(struct installation *in, const struct package_element *e, bool more_behind)
{
    struct install_marks before = in->now;
    enum pe_kind kind = PE_END;

    in->pe = (struct pe_header){ .mandated = false, .identification = DER_ABSENT };
    in->at = DER_ABSENT;
    in->additional = DER_ABSENT;
    in->undo = NULL;
    pe_peek(e->raw, &in->pe);
    bool early = e->tag == pe_tag(PE_END) && more_behind; /* octets behind the End element */
    enum pe_status_code status = early ? PE_STATUS_INVALID_REQUEST_FORMAT : one_element(in, e, &kind);
    if (status == PE_STATUS_OK && kind == PE_END)
        return finish(in, INSTALL_DONE);
    if (status != PE_STATUS_OK) {
        if (is_fatal(in, kind, status))
            return abort_with(in, status);
        undo_element(in, &before);
        note_status(in, status);
    }
    arena_release(&in->element);
    return INSTALL_MORE;
}

/* The stream itself is broken: an element over the limit, or octets that begin none. */
static enum install_result stream_broken(struct installation *in, const struct package_element *e)
{
    in->pe = (struct pe_header){ .mandated = true, .identification = DER_ABSENT };
    in->at = DER_ABSENT;
    in->additional = DER_ABSENT;
    pe_peek(e->raw, &in->pe);
    enum pe_kind kind;
    if (pe_kind_of(e->tag, &kind) && kind == PE_APPLICATION)
        return abort_with(in, PE_STATUS_RUNTIME_NOT_SUPPORTED);
    bool room = in->package.err == ERR_TOO_LONG || in->package.err == ERR_NO_SPACE;
    return abort_with(in, room ? PE_STATUS_NOT_ENOUGH_MEMORY : PE_STATUS_INVALID_REQUEST_FORMAT);
}

static bool may_install(struct installation *in)
{
    const struct isdp *isdp = registry_by_slot(in->card, in->slot);
    return isdp && isdp->state == ISDP_PERSONALIZED;
}

enum install_result install_feed(struct installation *in, struct span segment, struct writer *response)
{
    struct reader r = rd_of(segment);
    struct package_element e;

    if (in->result == INSTALL_MORE && !may_install(in))
        abort_with(in, PE_STATUS_BAD_VALUES);
    bool was_over = in->result != INSTALL_MORE;
    while (in->result == INSTALL_MORE && package_next(&in->package, &r, &e))
        take_element(in, &e, !rd_at_end(&r));
    if (in->result == INSTALL_MORE && in->package.err != ERR_NONE)
        stream_broken(in, &e);
    if (in->result != INSTALL_MORE)
        wr_bytes(response, (struct span){ in->response, in->response_len });
    return was_over ? INSTALL_FAILED : in->result;
}
