/* The small profile of rig_make_own:
 *
 *   MF       2F06 EF.ARR   2FE2 EF.ICCID (SFI 2)   2F00 EF.DIR   2F10 transparent, 300 octets   2F11 never   2F12 no
 * rule 7F10   6F3A linear fixed 5 x 10 (SFI 1)   6F39 cyclic 3 x 3   6F50 BER-TLV   6F3B link to 6F3A 5F3A 4F20
 * transparent (rule in the MF's EF.ARR) USIM1    6F07 EF.IMSI (SFI 7)   6F38 EF.UST with 27 and 38   6F05 updated with
 * PIN2; Milenage USIM2    the same keys
 *
 * PIN1 enabled, PIN2 in USIM1, ADM1. Rules: 1 read always, change ADM1; 2 PIN1, INCREASE and RESIZE too; 3 never;
 * 4 read always, update PIN1 or PIN2; 5 DFs: ADM1; 6 always. */
#include "rig.h"

#include "euicc/uicc/naa.h"
#include "euicc/uicc/pin.h"

#define RULE_LEN 48u

static struct fs fs;

static fs_number file(fs_number parent, uint16_t fid, uint8_t fdb, uint16_t record_len, uint32_t size, uint8_t sfi,
                      uint8_t rule, struct span body)
{
    struct fs_file f = { .parent = parent,
                         .link = FS_NONE,
                         .fid = fid,
                         .fdb = fdb,
                         .record_len = record_len,
                         .size = size,
                         .sfi = sfi,
                         .arr_fid = rule ? FID_ARR_MF : 0,
                         .arr_record = rule };
    fs_number number;
    assert_ok(fs_create(&fs, &f, body, &number));
    return number;
}

static fs_number directory(fs_number parent, uint16_t fid, const char *aid, const char *pins)
{
    struct fs_file f = { .parent = parent,
                         .link = FS_NONE,
                         .fid = fid,
                         .fdb = 0x78,
                         .sfi = FS_NO_SFI,
                         .arr_fid = FID_ARR_MF,
                         .arr_record = 5 };
    fs_number number;
    if (aid)
        assert_ok(aid_from_text(span_text(aid), &f.aid));
    struct span refs = hex_lit(pins);
    memcpy(f.pins, refs.ptr, refs.len);
    f.pin_count = (uint8_t)refs.len;
    assert_ok(fs_create(&fs, &f, SPAN_NONE, &number));
    return number;
}

static void access_rules(void)
{
    static const char *const rules[] = {
        "8001019000 80015AA40683010A950108",
        "800103A406830101950108 800158A40683010A950108 840132A406830101950108 8401D49000",
        "80017F9700",
        "8001019000 800102A010A406830101950108A406830181950108",
        "80015FA40683010A950108",
        "80017F9000 8401329000 8401D49000",
    };
    uint8_t body[ARRAY_LEN(rules) * RULE_LEN];
    memset(body, 0xFF, sizeof body);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        struct span rule = hex_lit(rules[i]);
        memcpy(body + i * RULE_LEN, rule.ptr, rule.len);
    }
    file(FS_MF, FID_ARR_MF, 0x42, RULE_LEN, sizeof body, 6, 1, SPAN_OF(body));
}

static void put_pin(struct card *card, uint8_t slot, fs_number context, uint8_t reference, const char *value,
                    uint8_t puk, uint8_t attributes)
{
    struct pin pin = { .reference = reference, .puk = puk, .attributes = attributes, .tries_max = 3, .tries_left = 3 };
    memcpy(pin.value, hex_lit(value).ptr, PIN_LEN);
    assert_ok(pin_put(card->objects, slot, context, &pin));
}

static void keys(struct card *card, uint8_t slot, fs_number adf)
{
    struct naa naa = { .mapped_to = FS_NONE,
                       .algorithm = AKA_MILENAGE,
                       .k_len = 16,
                       .opc_len = 16,
                       .sqn_options = NAA_SQN_DELTA,
                       .sqn_delta = 0x10000000 };
    memcpy(naa.k, hex_lit(RIG_K).ptr, 16);
    memcpy(naa.opc, hex_lit(RIG_OPC).ptr, 16);
    assert_ok(naa_put(card->objects, slot, adf, &naa, NULL));
}

static void usim(struct card *card, uint8_t slot, uint16_t fid, const char *aid)
{
    fs_number adf = directory(FS_MF, fid, aid, "01810A");
    file(adf, 0x6F07, 0x41, 0, 9, 7, 2, hex_lit("082943019134876765"));
    static const uint8_t ust[5] = { 0, 0, 0, 1 << (26 % 8), 1 << (37 % 8) }; /* services 27 and 38 */
    file(adf, 0x6F38, 0x41, 0, sizeof ust, 4, 1, SPAN_OF(ust));
    file(adf, 0x6F05, 0x41, 0, 4, FS_NO_SFI, 4, hex_lit("656E6465"));
    put_pin(card, slot, adf, 0x81, RIG_PIN2, 0, PIN_ENABLED | PIN_CHANGEABLE);
    keys(card, slot, adf);
}

static void telecom(void)
{
    uint8_t records[50];
    for (unsigned i = 0; i < sizeof records; i++)
        records[i] = (uint8_t)(16 * (i / 10 + 1) + i % 10);
    fs_number df = directory(FS_MF, 0x7F10, NULL, "010A");
    fs_number adn = file(df, 0x6F3A, 0x42, 10, 50, 1, 2, SPAN_OF(records));
    file(df, 0x6F39, 0x46, 3, 9, FS_NO_SFI, 2, hex_lit("000003 000002 000001"));
    file(df, 0x6F50, 0x79, 0, 2000, 3, 6, SPAN_NONE);
    struct fs_file link = {
        .parent = df, .link = adn, .fid = 0x6F3B, .fdb = 0x42, .sfi = FS_NO_SFI, .arr_fid = FID_ARR_MF, .arr_record = 6
    };
    fs_number number;
    assert_ok(fs_create(&fs, &link, SPAN_NONE, &number));
    fs_number sub = directory(df, 0x5F3A, NULL, "010A");
    file(sub, 0x4F20, 0x41, 0, 3, FS_NO_SFI, 1, hex_lit("A1A2A3"));
}

static void profile(struct card *card, uint8_t slot)
{
    uint8_t big[300];
    for (unsigned i = 0; i < sizeof big; i++)
        big[i] = (uint8_t)i;
    assert_ok(fs_mount(&fs, card->objects, slot, &card->scratch));
    directory(FS_NONE, FID_MF, NULL, "010A");
    access_rules();
    file(FS_MF, 0x2FE2, 0x41, 0, 10, 2, 1, hex_lit("98001032547698103214"));
    file(FS_MF, 0x2F00, 0x42, 20, 40, 0x1E, 1, hex_lit("610B4F09" RIG_USIM1));
    file(FS_MF, 0x2F08, 0x41, 0, 5, 8, 6, hex_lit("3C3C020000")); /* SUSPEND UICC is offered */
    file(FS_MF, 0x2F10, 0x41, 0, sizeof big, FS_NO_SFI, 6, SPAN_OF(big));
    file(FS_MF, 0x2F11, 0x41, 0, 4, FS_NO_SFI, 3, SPAN_NONE);
    file(FS_MF, 0x2F12, 0x41, 0, 4, FS_NO_SFI, 0, SPAN_NONE);
    put_pin(card, slot, FS_MF, 0x01, RIG_PIN1, 1, PIN_ENABLED | PIN_CHANGEABLE | PIN_SWITCHABLE);
    put_pin(card, slot, FS_MF, 0x0A, RIG_ADM1, 0, PIN_ENABLED);
    struct puk puk = { .reference = 1, .tries_max = 10, .tries_left = 10 };
    memcpy(puk.value, hex_lit(RIG_PUK1).ptr, PIN_LEN);
    assert_ok(puk_put(card->objects, slot, &puk));
    telecom();
    usim(card, slot, 0x7FD0, RIG_USIM1);
    usim(card, slot, 0x7FD1, RIG_USIM2);
}

void rig_make_own(struct rig *r)
{
    struct isdp *isdp;
    struct aid aid = aid_isdp(ISDP_TAR_FIRST);
    rig_make(r, NULL);
    struct card *card = rig_card(r);
    card_begin(card);
    assert_ok(registry_create(card, aid_span(&aid), 0, &isdp));
    isdp->state = ISDP_ENABLED;
    assert_ok(registry_store(card, isdp));
    profile(card, (uint8_t)isdp->slot);
    assert_ok(card_commit(card));
    euicc_reset(r->card, NULL);
}
