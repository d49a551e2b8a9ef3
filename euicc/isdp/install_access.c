/* PINs, PUKs and the keys of network applications. */
#include "installation.h"

#include "lib/profile/iot.h"

/* ---- PINs ---- */

static struct staged_pin *new_pin(struct installation *in)
{
    if (!in->pins)
        in->pins = ARENA_ARRAY(&in->arena, struct staged_pin, INSTALL_PINS_MAX);
    if (!in->pins || in->now.pin_count == INSTALL_PINS_MAX)
        return NULL;
    struct staged_pin *p = &in->pins[in->now.pin_count++];
    *p = (struct staged_pin){ .context = in->now.pin_context, .owner = in->pe.identification };
    return p;
}

static struct pin pin_of(const struct pin_configuration *c)
{
    struct pin pin = {
        .reference = (uint8_t)c->key_reference,
        .puk = c->puk_reference == DER_ABSENT ? PIN_NO_UNBLOCK : (uint8_t)c->puk_reference,
        .attributes = (uint8_t)c->attributes,
        .tries_max = (uint8_t)(c->tries >> 4),
        .tries_left = c->tries & 0x0F,
    };
    memcpy(pin.value, c->value.ptr, PIN_LEN);
    return pin;
}

static bool is_local(uint32_t reference) { return reference >= 0x81 && reference <= 0x88; }

/* The same reference twice in one context. */
static bool defined(const struct installation *in, uint16_t context, uint32_t reference)
{
    for (size_t i = 0; i < in->now.pin_count; i++)
        if (!in->pins[i].shared && in->pins[i].context == context && in->pins[i].pin.reference == reference)
            return true;
    return false;
}

static enum pe_status_code add_pin(struct installation *in, const struct pin_configuration *c)
{
    uint32_t most = c->tries >> 4;
    if (is_local(c->key_reference) == (in->now.pin_context == FS_MF) || most == 0 || (c->tries & 0x0F) > most ||
        defined(in, in->now.pin_context, c->key_reference))
        return PE_STATUS_BAD_VALUES;
    struct staged_pin *p = new_pin(in);
    if (!p)
        return PE_STATUS_NOT_ENOUGH_MEMORY;
    p->pin = pin_of(c);
    return PE_STATUS_OK;
}

static enum pe_status_code share_pins(struct installation *in, struct span path)
{
    uint16_t with = node_by_path(in, path);
    if (with == NO_NODE || !node_is_df(in, with) || with == in->now.pin_context)
        return PE_STATUS_BAD_VALUES;
    struct staged_pin *p = new_pin(in);
    if (!p)
        return PE_STATUS_NOT_ENOUGH_MEMORY;
    p->shared = true;
    p->with = with;
    return PE_STATUS_OK;
}

enum pe_status_code install_pins(struct installation *in, const struct profile_element *pe)
{
    const struct pin_codes *codes = pe->as.pins->codes;
    enum pe_status_code status = PE_STATUS_OK;
    if (codes->same_as.ptr)
        return share_pins(in, codes->same_as);
    for (size_t i = 0; status == PE_STATUS_OK && i < codes->pins.count; i++)
        status = add_pin(in, &codes->pins.items[i]);
    return status;
}

enum pe_status_code iot_default_pin(struct installation *in)
{
    struct pin_configuration c = { .key_reference = 1,
                                   .value = SPAN_LIT(IOT_PIN1 "\xFF\xFF\xFF\xFF"),
                                   .puk_reference = DER_ABSENT,
                                   .attributes = PIN_CHANGEABLE | PIN_SWITCHABLE,
                                   .tries = 0x33 };
    in->now.pin_context = FS_MF;
    return defined(in, FS_MF, c.key_reference) ? PE_STATUS_OK : add_pin(in, &c);
}

enum pe_status_code install_puks(struct installation *in, const struct profile_element *pe)
{
    const struct pe_puk_codes *codes = pe->as.puks;
    for (size_t i = 0; i < codes->puks.count; i++) {
        const struct puk_configuration *c = &codes->puks.items[i];
        if ((c->tries >> 4) == 0 || (c->tries & 0x0F) > c->tries >> 4)
            return PE_STATUS_BAD_VALUES;
        if (in->now.puk_count == INSTALL_PUKS_MAX)
            return PE_STATUS_NOT_ENOUGH_MEMORY;
        struct puk *puk = &in->puks[in->now.puk_count++];
        *puk = (struct puk){ .reference = (uint8_t)c->key_reference,
                             .tries_max = (uint8_t)(c->tries >> 4),
                             .tries_left = c->tries & 0x0F };
        memcpy(puk->value, c->value.ptr, PIN_LEN);
    }
    return PE_STATUS_OK;
}

/* ---- network applications ---- */

/* [?] algorithmOptions: bits 2 and 1 are the length of RES; the test algorithm takes everything else as 128 bits, TUAK
 * must have MAC 64, CK and IK 128 bits, which are the zero bits. */
static enum pe_status_code response_length(const struct aka_algo *a, uint8_t *ret)
{
    static const uint8_t lengths[] = { 4, 8, 16 };
    uint8_t options = a->options.ptr[0];
    if (a->algorithm == ALGORITHM_MILENAGE)
        *ret = 8;
    else if (options < ARRAY_LEN(lengths))
        *ret = lengths[options];
    else if (a->algorithm == ALGORITHM_TEST)
        *ret = 16;
    else
        return PE_STATUS_FEATURE_NOT_SUPPORTED;
    return PE_STATUS_OK;
}

static void copy_constants(struct naa *naa, const struct aka_algo *a)
{
    memcpy(naa->r, a->rotations.ptr, sizeof naa->r);
    for (unsigned i = 0; i < 5; i++)
        if (a->constants.ptr)
            memcpy(naa->c[i], a->constants.ptr + 16 * i, 16);
        else
            naa->c[i][15] = i ? (uint8_t)(1u << (i - 1)) : 0; /* 0, 1, 2, 4, 8 */
}

static enum pe_status_code set_algorithm(struct naa *naa, const struct aka_algo *a)
{
    uint64_t uses = 0;
    naa->algorithm = (uint8_t)a->algorithm;
    naa->k_len = (uint8_t)a->key.len;
    memcpy(naa->k, a->key.ptr, a->key.len);
    naa->opc_len = (uint8_t)a->opc.len;
    if (a->opc.len)
        memcpy(naa->opc, a->opc.ptr, a->opc.len);
    copy_constants(naa, a);
    naa->keccak_iterations = (uint8_t)a->keccak_count;
    if (a->auth_count_max.ptr && span_uint(a->auth_count_max, &uses) != ERR_NONE)
        return PE_STATUS_BAD_VALUES;
    naa->uses_max = (uint32_t)uses;
    return response_length(a, &naa->res_len);
}

static bool sequence(struct span octets, uint64_t *ret)
{
    return span_uint(octets, ret) == ERR_NONE && *ret <= NAA_SEQ_MAX;
}

static enum pe_status_code set_sequence(struct staged_naa *s, const struct pe_aka *aka)
{
    s->naa.sqn_options = aka->sqn_options.ptr[0];
    if (!sequence(aka->sqn_delta, &s->naa.sqn_delta) || !sequence(aka->sqn_age_limit, &s->naa.sqn_age_limit))
        return PE_STATUS_BAD_VALUES;
    for (size_t i = 0; i < aka->sqn_init.count; i++)
        if (!sequence(aka->sqn_init.items[i], &s->sqn[i]))
            return PE_STATUS_BAD_VALUES;
    return PE_STATUS_OK;
}

static const struct staged_naa *naa_of(const struct installation *in, uint16_t adf)
{
    for (size_t i = 0; i < in->now.naa_count; i++)
        if (in->naas[i].adf == adf)
            return &in->naas[i];
    return NULL;
}

/* [?] mappingOptions: whatever they are, keys and sequence numbers are those of the source. */
static enum pe_status_code set_mapping(const struct installation *in, struct naa *naa, const struct aka_mapping *m)
{
    uint16_t source = node_by_aid(in, m->source);
    if (source == NO_NODE || !naa_of(in, source))
        return PE_STATUS_BAD_VALUES;
    naa->mapped_to = source;
    return PE_STATUS_OK;
}

enum pe_status_code install_aka(struct installation *in, const struct profile_element *pe)
{
    const struct pe_aka *aka = pe->as.aka;
    if (!in->naas)
        in->naas = ARENA_ARRAY(&in->arena, struct staged_naa, INSTALL_NAAS_MAX);
    if (!in->naas || in->now.naa_count == INSTALL_NAAS_MAX)
        return PE_STATUS_NOT_ENOUGH_MEMORY;

    struct staged_naa s = { .adf = in->now.last_adf, .naa.mapped_to = FS_NONE, .owner = in->pe.identification };
    enum pe_status_code status = aka->configuration->algo ? set_algorithm(&s.naa, aka->configuration->algo)
                                                          : set_mapping(in, &s.naa, aka->configuration->mapping);
    if (status == PE_STATUS_OK)
        status = set_sequence(&s, aka);
    if (status == PE_STATUS_OK)
        in->naas[in->now.naa_count++] = s; /* of several for one ADF the last is written last */
    wipe(&s, sizeof s);
    return status;
}

enum pe_status_code install_cdma(struct installation *in, const struct profile_element *pe)
{
    WRITER_ON_STACK(w, OBJECT_SECRET_MAX);
    der_encode(&w, &pe_cdma_type, pe->as.cdma);
    if (w.err != ERR_NONE || in->cdma_count == ARRAY_LEN(in->cdma))
        return PE_STATUS_NOT_ENOUGH_MEMORY;
    struct span raw = keep(in, wr_span(&w));
    wipe(w.buf, w.cap);
    if (!raw.ptr)
        return PE_STATUS_NOT_ENOUGH_MEMORY;
    in->cdma[in->cdma_count].adf = in->now.adf[ADF_CSIM];
    in->cdma[in->cdma_count++].raw = raw;
    return PE_STATUS_OK;
}
