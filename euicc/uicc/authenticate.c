#include "naa.h"
#include "pin.h"
#include "uicc.h"

/* AUTHENTICATE: 3GPP TS 31.102 §7.1.2, TS 31.103 §7.1.2. */

enum { CONTEXT_GSM = 0x80, CONTEXT_3G = 0x81, CONTEXT_GBA = 0x84, CONTEXT_LOCAL_KEY = 0x86 };
#define TAG_SUCCESS      0xDBu
#define TAG_SYNC_FAILURE 0xDCu
#define FID_UST          0x6F38u
#define UST_GSM_ACCESS   27u
#define UST_GSM_CONTEXT  38u

/* What an ADF is: the application code in the AID (TS 101 220 annex E). */
static const uint8_t usim_code[] = { 0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02 },
                     csim_code[] = { 0xA0, 0x00, 0x00, 0x03, 0x43, 0x10, 0x02 };
static bool adf_is(const struct fs_file *adf, struct span code)
{
    return span_eq(span_sub(aid_span(&adf->aid), 0, code.len), code);
}
static bool adf_is_usim(const struct fs_file *adf) { return adf_is(adf, SPAN_OF(usim_code)); }

static bool ust_has(struct card *card, fs_number adf, unsigned service)
{
    uint8_t octet;
    fs_number ust = fs_child(&card->fs, adf, FID_UST);
    return ust != FS_NONE && fs_read(&card->fs, ust, (service - 1) / 8, &octet, 1) == ERR_NONE &&
           octet >> (service - 1) % 8 & 1;
}

/* The application PIN of the ADF: the first global one its PIN status names. */
bool application_pin_satisfied(struct card *card, const struct fs_file *adf)
{
    for (unsigned i = 0; i < adf->pin_count; i++)
        if (adf->pins[i] >= 0x01 && adf->pins[i] <= 0x08)
            return pin_satisfied(card, adf->number, adf->pins[i]);
    return true;
}

static void wr_field(struct writer *w, const uint8_t *bytes, size_t len)
{
    wr_u8(w, (uint8_t)len);
    wr_bytes(w, (struct span){ bytes, len });
}

static uint16_t sw_of_naa(enum naa_result result)
{
    switch (result) {
    case NAA_OK:
    case NAA_SYNC_FAILURE:
        return SW_OK;
    case NAA_MAC_FAILURE:
        return SW_AUTH_MAC;
    case NAA_BLOCKED:
        return SW_AUTHENTICATION_BLOCKED;
    case NAA_NONE:
        return SW_CONDITIONS;
    default:
        return SW_MEMORY_FAILURE;
    }
}

static void write_success(struct card *card, const struct fs_file *adf, const struct aka_keys *k, struct writer *rsp)
{
    uint8_t sres[4], kc[8];
    wr_u8(rsp, TAG_SUCCESS);
    wr_field(rsp, k->res, k->res_len);
    wr_field(rsp, k->ck, k->ck_len);
    wr_field(rsp, k->ik, k->ik_len);
    if (!adf_is_usim(adf) || !ust_has(card, adf->number, UST_GSM_ACCESS))
        return;
    aka_gsm(k, sres, kc);
    wr_field(rsp, kc, sizeof kc);
    wipe(kc, sizeof kc);
}

/* 10 RAND 10 AUTN. */
static uint16_t context_3g(struct card *card, const struct command *cmd, const struct fs_file *adf, struct writer *rsp)
{
    struct reader r = rd_of(cmd->apdu.data);
    struct naa_answer answer = { 0 };
    struct span rand = rd_span(&r, rd_u8(&r)), autn = rd_span(&r, rd_u8(&r));
    if (rd_finish(&r) != ERR_NONE || rand.len != 16 || autn.len != 16)
        return SW_WRONG_LENGTH;
    enum naa_result result =
        naa_authenticate(card->objects, card->fs.profile, adf->number, rand.ptr, autn.ptr, &answer);
    if (result == NAA_OK)
        write_success(card, adf, &answer.keys, rsp);
    if (result == NAA_SYNC_FAILURE) {
        wr_u8(rsp, TAG_SYNC_FAILURE);
        wr_field(rsp, answer.auts, sizeof answer.auts);
    }
    naa_answer_wipe(&answer);
    return sw_of_naa(result);
}

/* 10 RAND. */
static uint16_t context_gsm(struct card *card, const struct command *cmd, const struct fs_file *adf, struct writer *rsp)
{
    struct span data = cmd->apdu.data;
    struct naa_answer answer = { 0 };
    uint8_t sres[4], kc[8];
    if (!adf_is_usim(adf) || !ust_has(card, adf->number, UST_GSM_CONTEXT))
        return SW_AUTH_CONTEXT;
    if (data.len != 17 || data.ptr[0] != 16)
        return SW_WRONG_LENGTH;
    enum naa_result result = naa_authenticate_gsm(card->objects, card->fs.profile, adf->number, data.ptr + 1, &answer);
    if (result == NAA_OK) {
        aka_gsm(&answer.keys, sres, kc);
        wr_field(rsp, sres, sizeof sres);
        wr_field(rsp, kc, sizeof kc);
        wipe(kc, sizeof kc);
    }
    naa_answer_wipe(&answer);
    return sw_of_naa(result);
}

uint16_t uicc_authenticate(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct fs_file adf;
    fs_number number = fs_adf_of(&card->fs, cmd->channel->df);
    if (number == FS_NONE || fs_stat(&card->fs, number, &adf) != ERR_NONE)
        return SW_CONDITIONS;
    if (!application_pin_satisfied(card, &adf))
        return SW_SECURITY_STATUS;
    if (adf_is(&adf, SPAN_OF(csim_code))) /* its parameters are kept; CAVE is not made here */
        return SW_INCOMPATIBLE_FILE;
    switch (cmd->apdu.p2) {
    case CONTEXT_3G:
        return context_3g(card, cmd, &adf, rsp);
    case CONTEXT_GSM:
        return context_gsm(card, cmd, &adf, rsp);
    case CONTEXT_GBA:
    case CONTEXT_LOCAL_KEY:
        return SW_AUTH_CONTEXT;
    default:
        return SW_WRONG_P1P2;
    }
}

uint16_t uicc_get_challenge(struct card *card, const struct command *cmd, struct writer *rsp)
{
    card_random(card, wr_room(rsp, cmd->apdu.le), cmd->apdu.le);
    return SW_OK;
}
