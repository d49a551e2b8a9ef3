#include "response.h"

static const struct der_field status_fields[] = {
    DER_NUM(struct pe_status, status, "status", 0x80, 0, 0xFFFF),
    DER_NUM_OPT(struct pe_status, identification, "identification", 0x81, 0, 32767),
    DER_NUM_OPT(struct pe_status, additional, "additional-information", 0x82, 0, 255),
    DER_NUM_OPT(struct pe_status, offset, "offset", 0x83, 0, DER_UINT31_MAX),
};
static const struct der_type status_type = DER_TYPE(struct pe_status, "PEStatus", status_fields);

static const struct der_field response_fields[] = {
    DER_MANY(struct euicc_response, statuses, "peStatus", 0xA0, 0, PE_STATUS_COUNT_MAX, 0x30, &status_type),
    DER_NULL(struct euicc_response, aborted, "profileInstallationAborted", 0x81),
    DER_OCT_OPT(struct euicc_response, message, "statusMessage", 0x82, 2, RESPONSE_MESSAGE_MAX),
};
const struct der_type euicc_response_type = DER_TYPE(struct euicc_response, "EUICCResponse", response_fields);

enum err euicc_response_decode(struct arena *a, struct span in, struct euicc_response *ret)
{
    struct der d = { .arena = a };
    struct euicc_response out;
    struct reader r = rd_of(in);
    struct tlv t;

    if (!tlv_next(&r, &t))
        return r.err == ERR_NONE ? ERR_TRUNCATED : r.err;
    if (t.tag != 0x30)
        return ERR_BAD_TAG;
    if (!rd_at_end(&r))
        return ERR_TOO_LONG;
    enum err err = der_decode(&d, &euicc_response_type, t.val, &out);
    if (err == ERR_NONE)
        *ret = out;
    return err;
}

void euicc_response_encode(struct writer *w, const struct euicc_response *response)
{
    size_t mark = wr_tlv_open(w, 0x30);
    der_encode(w, &euicc_response_type, response);
    wr_tlv_close(w, mark);
}

bool euicc_response_ok(const struct euicc_response *response)
{
    for (size_t i = 0; i < response->statuses.count; i++)
        if (response->statuses.items[i].status != PE_STATUS_OK)
            return false;
    return !response->aborted && response->statuses.count > 0;
}

const char *pe_status_text(uint32_t status)
{
    switch (status) {
#define PE_STATUS(name, value, text)                                                                                   \
    case value:                                                                                                        \
        return text;
        PE_STATUS_TABLE(PE_STATUS)
#undef PE_STATUS
    }
    return status >= 0x6000 && status <= 0x9FFF ? "status word" : "unknown status";
}
