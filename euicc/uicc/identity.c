#include "uicc.h"

#include "lib/codec/ber_tlv.h"
#include "lib/crypto/suci.h"

/* GET IDENTITY: the SUCI calculated by the USIM (3GPP TS 31.102 §5.3.48, §7.5; TS 33.501 annex C; the identity as in
 * TS 24.501 §9.11.3.4, the IMSI kind). */

#define IDENTITY_SUCI       0x01u
#define IDENTITY_SUCI_NSWO  0x02u /* 5G NSWO: the same value for an IMSI */
#define TAG_SUCI            0xA1u /* [?] of the answer */
#define TAG_SCHEMES         0xA0u /* EF.SUCI_Calc_Info: scheme and key index, two octets each, best first */
#define TAG_KEYS            0xA1u /* pairs of 80 (home network key identifier) and 81 (public key) */
#define SERVICE_PRIVACY     124u
#define SERVICE_SUCI_BY_USIM 125u
#define CALC_INFO_MAX       512u
#define TYPE_SUCI_IMSI      0x01u
#define IMSI_DIGITS_MAX     15u

static const uint8_t path_ust[] = { 0x6F, 0x38 }, path_imsi[] = { 0x6F, 0x07 }, path_ad[] = { 0x6F, 0xAD },
                     path_routing[] = { 0x5F, 0xC0, 0x4F, 0x0A }, path_calc_info[] = { 0x5F, 0xD0, 0x4F, 0x01 };

/* Up to cap octets of an EF below the ADF. */
static struct span read_below(struct card *card, fs_number adf, struct span path, uint8_t *out, size_t cap)
{
    struct fs_file f;
    fs_number number = fs_by_path(&card->fs, adf, adf, path);
    if (number == FS_NONE || fs_stat(&card->fs, number, &f) != ERR_NONE || fs_is_df(&f))
        return SPAN_NONE;
    size_t len = f.size < cap ? f.size : cap;
    return fs_read(&card->fs, number, 0, out, len) == ERR_NONE ? (struct span){ out, len } : SPAN_NONE;
}

static bool has_service(struct span ust, unsigned service)
{
    size_t at = (service - 1) / 8;
    return at < ust.len && ust.ptr[at] >> ((service - 1) % 8) & 1;
}

/* ---- the scheme ---- */

struct choice {
    uint8_t scheme, key_id;
    struct span key;
};

/* The n-th (1 …) key of the list. */
static bool key_at(struct span keys, unsigned n, struct choice *c)
{
    struct reader r = rd_of(keys);
    struct tlv t;
    unsigned at = 0;
    while (tlv_next(&r, &t)) {
        if (t.tag == 0x80 && t.val.len == 1) {
            at++;
            c->key_id = t.val.ptr[0];
        } else if (t.tag == 0x81 && at == n) {
            c->key = t.val;
            return true;
        }
    }
    return false;
}

/* The first scheme of the list that we know and have the key of. */
static bool choose(struct span info, struct choice *ret)
{
    struct span schemes, keys = SPAN_NONE;
    if (!tlv_find(info, TAG_SCHEMES, &schemes))
        return false;
    (void)tlv_find(info, TAG_KEYS, &keys);
    for (size_t i = 0; i + 1 < schemes.len; i += 2) {
        struct choice c = { .scheme = schemes.ptr[i] };
        bool known = c.scheme == SUCI_NULL || c.scheme == SUCI_PROFILE_A || c.scheme == SUCI_PROFILE_B;
        if (known && (c.scheme == SUCI_NULL || key_at(keys, schemes.ptr[i + 1], &c))) {
            *ret = c;
            return true;
        }
    }
    return false;
}

/* ---- the identity ---- */

/* Digits of EF.IMSI (length, then parity and digits swapped); 0: none. */
static size_t imsi_digits(struct span ef, uint8_t digits[IMSI_DIGITS_MAX])
{
    size_t count = 0;
    if (ef.len < 2 || ef.ptr[0] == 0 || ef.ptr[0] >= ef.len)
        return 0;
    for (size_t i = 1; i < 2u * ef.ptr[0] && count < IMSI_DIGITS_MAX; i++) {
        uint8_t octet = ef.ptr[1 + i / 2], digit = i % 2 ? octet >> 4 : octet & 0x0F;
        if (digit > 9)
            break;
        digits[count++] = digit;
    }
    return count;
}

/* MCC and MNC as in a PLMN, then the routing indicator. */
static void network_write(struct writer *w, const uint8_t *d, size_t mnc_len, struct span routing)
{
    wr_u8(w, (uint8_t)(d[1] << 4 | d[0]));
    wr_u8(w, (uint8_t)((mnc_len == 3 ? d[5] : 0x0F) << 4 | d[2]));
    wr_u8(w, (uint8_t)(d[4] << 4 | d[3]));
    wr_u8(w, routing.len >= 2 ? routing.ptr[0] : 0xF0);
    wr_u8(w, routing.len >= 2 ? routing.ptr[1] : 0xFF);
}

static void msin_write(struct writer *w, const uint8_t *d, size_t count)
{
    for (size_t i = 0; i < count; i += 2)
        wr_u8(w, (uint8_t)((i + 1 < count ? d[i + 1] : 0x0F) << 4 | d[i]));
}

static uint16_t suci_write(struct card *card, fs_number adf, const struct choice *c, struct writer *w)
{
    uint8_t imsi_ef[9], ad[4], routing_ef[4], d[IMSI_DIGITS_MAX];
    size_t count = imsi_digits(read_below(card, adf, SPAN_OF(path_imsi), imsi_ef, sizeof imsi_ef), d);
    struct span about = read_below(card, adf, SPAN_OF(path_ad), ad, sizeof ad);
    size_t mnc_len = about.len == 4 && (about.ptr[3] & 0x0F) == 3 ? 3 : 2;
    if (count < 3 + mnc_len + 1)
        return SW_CONDITIONS;
    WRITER_ON_STACK(msin, SUCI_PLAIN_MAX);
    msin_write(&msin, d + 3 + mnc_len, count - 3 - mnc_len);
    wr_u8(w, TYPE_SUCI_IMSI);
    network_write(w, d, mnc_len, read_below(card, adf, SPAN_OF(path_routing), routing_ef, sizeof routing_ef));
    wr_u8(w, c->scheme);
    wr_u8(w, c->key_id);
    enum err err = suci_conceal((enum suci_scheme)c->scheme, c->key, card->env.rng, wr_span(&msin), w);
    return err == ERR_NONE ? SW_OK : err == ERR_CRYPTO ? SW_MEMORY_FAILURE : SW_CONDITIONS;
}

uint16_t uicc_get_identity(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct fs_file adf;
    uint8_t ust_ef[32], info_ef[CALC_INFO_MAX];
    struct choice choice;
    if (cmd->apdu.p2 != IDENTITY_SUCI && cmd->apdu.p2 != IDENTITY_SUCI_NSWO)
        return SW_WRONG_P1P2;
    if (cmd->apdu.data.len)
        return SW_WRONG_LENGTH;
    fs_number number = fs_adf_of(&card->fs, cmd->channel->df);
    if (number == FS_NONE || fs_stat(&card->fs, number, &adf) != ERR_NONE)
        return SW_CONDITIONS;
    if (!application_pin_satisfied(card, &adf))
        return SW_SECURITY_STATUS;
    struct span ust = read_below(card, number, SPAN_OF(path_ust), ust_ef, sizeof ust_ef);
    if (!has_service(ust, SERVICE_PRIVACY) || !has_service(ust, SERVICE_SUCI_BY_USIM))
        return SW_CONDITIONS;
    struct span info = read_below(card, number, SPAN_OF(path_calc_info), info_ef, sizeof info_ef);
    if (!choose(info, &choice))
        return SW_NOT_FOUND;
    size_t mark = wr_tlv_open(rsp, TAG_SUCI);
    uint16_t sw = suci_write(card, number, &choice, rsp);
    wr_tlv_close(rsp, mark);
    return sw;
}
