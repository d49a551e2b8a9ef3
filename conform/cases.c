#include "cases.h"

#include "lib/crypto/cmac.h"

#define TOKEN_KEY  "20212223242526270101010101010101"
#define TOKEN_SIN  "4205 4953445001"
#define TOKEN_SDIN "4509 495344505344494E01"
#define TOKEN_APP  "5F2005 47534D4101"
#define VIRTUAL_S  (5u * 3600u) /* when a card's timing is not known and time costs nothing */
#define SPARE_S    4u

struct span put_token_key(struct bed *b, const struct scp03_session *s, uint8_t spoil)
{
    struct span key = hexf(b, TOKEN_KEY);
    uint8_t wrapped[16], kcv[KCV_LEN];
    need_ok(b, aes_cbc_encrypt((struct span){ s->dek, 16 }, NULL, key, wrapped), "AES");
    need_ok(b, aes_kcv(key, kcv), "AES");
    kcv[2] = (uint8_t)(kcv[2] + spoil);
    return hexf(b, "80D8000118 70 88 11 10 %s 03 %s 00", hex_of(b, SPAN_OF(wrapped)), hex_of(b, SPAN_OF(kcv)));
}

static void provider_item(struct bed *b, struct download *d, const char *tlv)
{
    struct span value = hexf(b, "%s", tlv);
    bool mac;
    struct rapdu r = scp03_command(
        b, d, hexf(b, "80E28800%02X 0070%02X %s", (unsigned)value.len + 3, (unsigned)value.len, tlv), &mac);
    need_sw(b, r.sw, 0x9000, "STORE DATA 0070");
    need(b, mac, "STORE DATA 0070 is answered without R-MAC");
}

void token_prepare(struct bed *b, struct download *d)
{
    bool mac;
    https_open(b);
    need_sw(b, scp03_open(b, d), 0x9000, "EXTERNAL AUTHENTICATE");
    provider_item(b, d, TOKEN_SIN);
    provider_item(b, d, TOKEN_SDIN);
    provider_item(b, d, TOKEN_APP);
    need_sw(b, scp03_command(b, d, put_token_key(b, &d->session, 0), &mac).sw, 0x9000, "PUT KEY 70");
    https_end(b);
}

struct span master_command(struct bed *b, const struct aid *aid, uint8_t spoil)
{
    uint8_t token[CMAC_LEN];
    struct span tlvs =
        hexf(b, "4F10%s B61D %s %s %s 930101", hex_of(b, aid_span(aid)), TOKEN_SIN, TOKEN_SDIN, TOKEN_APP);
    struct span input = hexf(b, "0040%02X%s", (unsigned)tlvs.len, hex_of(b, tlvs));
    need_ok(b, cmac(hexf(b, TOKEN_KEY), input, token), "CMAC");
    token[15] = (uint8_t)(token[15] + spoil);
    return hexf(b, "80E40040%02X %s 9E10 %s 00", (unsigned)tlvs.len + 18, hex_of(b, tlvs), hex_of(b, SPAN_OF(token)));
}

uint64_t time_limit(struct bed *b, uint64_t known_s)
{
    if (known_s)
        return known_s + SPARE_S + b->target->speed / 4; /* and a quarter of a real second */
    if (!b->target->virtual_time)
        skip(b, "the keys file does not tell the card's timing");
    return VIRTUAL_S;
}

uint16_t isdr_agree(struct bed *b, struct agreement *a)
{
    struct writer dgi = room(b, 400);
    a->by_sr = true;
    b->touched_keys = true;
    https_open(b);
    wr_dgi(&dgi, 0x3A01, certificate_make(b, &(struct certificate_wish){ .role = 0x02 }));
    struct span answer =
        https_script(b, &AID_ISDR, script_of(b, RAM_INDEFINITE, store_data(b, 0x09, 0x00, wr_span(&dgi))));
    struct span dgis = agreement_dgis(b, a, rc_of(b, result_at(b, answer, 0)));
    answer = https_script(b, &AID_ISDR, script_of(b, RAM_INDEFINITE, store_data(b, 0x89, 0x01, dgis)));
    struct rapdu r = result_at(b, answer, 0);
    https_end(b);
    if (r.sw == 0x9000)
        agreement_finish(b, a, r.data);
    return r.sw;
}

const struct case_group *const case_groups[] = { &create_group, &keys_group,   &scp03t_group, &scp03_group,
                                                 &switch_group, &delete_group, &audit_group,  &notify_group,
                                                 &scp80_group,  &scp81_group,  &cattp_group,  &handover_group,
                                                 &local_group,  &server_group };
const size_t case_group_count = ARRAY_LEN(case_groups);
