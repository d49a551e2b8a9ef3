/* The UICC's commands on a small known profile: selection in every form, files, records, status words to the letter. */
#include "rig.h"

#include "lib/codec/ber_tlv.h"

static struct rig rig;

static int with_card(void **state)
{
    (void)state;
    rig_make_own(&rig);
    return 0;
}
static int without_card(void **state)
{
    (void)state;
    rig_done(&rig);
    return 0;
}
static void apdu(const char *command, const char *want) { rig_apdu(&rig, command, want); }

/* A script: command and answer by turns. */
struct line {
    const char *command, *want;
};
static void script(const struct line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t out[EUICC_RAPDU_MAX];
        struct writer w = wr_of(out, sizeof out);
        struct span want = hex_lit(lines[i].want[0] == '*' ? lines[i].want + 1 : lines[i].want);
        euicc_transmit(rig.card, hex_lit(lines[i].command), &w);
        struct span got = lines[i].want[0] == '*' ? span_from(wr_span(&w), w.len - 2) : wr_span(&w);
        if (!span_eq(got, want))
            print_error("line %zu: %s\n", i + 1, lines[i].command);
        assert_span_equal(got, want);
    }
}
#define SCRIPT(...)                                                                                                    \
    do {                                                                                                               \
        static const struct line lines[] = { __VA_ARGS__ };                                                            \
        script(lines, ARRAY_LEN(lines));                                                                               \
    } while (0)

/* clang-format off */
static void selection_in_every_form(void **state)
{
    (void)state;
    SCRIPT({ "00A4000C023F00", "9000" }, { "00A4000C", "9000" }, { "00A4000C00", "9000" },
           /* child, and back up */
           { "00A4000C027F10", "9000" }, { "00A4000C026F3A", "9000" }, { "00A4000C025F3A", "9000" },
           { "00A4000C024F20", "9000" }, { "00B0000000", "A1A2A3 9000" },
           { "00A4000C027F10", "9000" }, /* the parent, from its child */
           { "00A4000C025F3A", "9000" }, { "00A4030C", "9000" }, { "80F2000000", "*9000" },
           { "00A4000C026F3A", "9000" },                                  /* we are in 7F10 again */
           { "00A4000C022FE2", "6A82" },                                  /* not visible from here */
           { "00A4000C023F00", "9000" }, { "00A4000C024F20", "6A82" },    /* two levels down */
           /* siblings: a DF beside the current one, not an EF */
           { "00A4080C047F105F3A", "9000" }, { "00A4000C025F3A", "9000" }, { "00A4000C026F3A", "6A82" },
           /* by path */
           { "00A4080C067F105F3A4F20", "9000" }, { "00B0000001", "A1 9000" },
           { "00A4080C047F107777", "6A82" }, { "00A4080C037F1000", "6700" }, { "00A4080C", "6700" },
           { "00A4000C023F00", "9000" }, { "00A4090C047F106F3A", "9000" }, { "00A4090C025F3A", "9000" },
           { "00A4090C047F106F3A", "6A82" },
           /* child DF */
           { "00A4010C025F3A", "6A82" }, { "00A4000C023F00", "9000" }, { "00A4010C027F10", "9000" },
           { "00A4010C026F3A", "6A82" },
           /* nothing of the kind */
           { "00A4020C023F00", "6A86" }, { "00A4000D023F00", "6A86" }, { "00A400A4023F00", "6A86" },
           { "00A4000C033F0000", "6700" }, { "00A4030C023F00", "6700" });
}

static void applications_by_name(void **state)
{
    (void)state;
    SCRIPT({ "00A4000C027FFF", "6A82" },                                /* no ADF is active yet */
           { "00A4040C09" RIG_USIM2, "9000" }, { "00A4000C026F07", "9000" }, { "00A4000C027FFF", "9000" },
           { "80F2000100", "8409" RIG_USIM2 "9000" },
           { "00A4000C023F00", "9000" }, { "00A4080C047FFF6F07", "9000" }, /* 7FFF remembers it */
           { "00A4040C07A0000000871002", "9000" }, { "80F2000100", "8409" RIG_USIM1 "9000" },
           { "00A4040E07A0000000871002", "9000" }, { "80F2000100", "8409" RIG_USIM2 "9000" }, /* next */
           { "00A4040E07A0000000871002", "6A82" },
           { "00A4040F07A0000000871002", "9000" }, { "80F2000100", "8409" RIG_USIM1 "9000" }, /* previous */
           { "00A4040F07A0000000871002", "6A82" },
           { "00A4040D07A0000000871002", "9000" }, { "80F2000100", "8409" RIG_USIM2 "9000" }, /* last */
           { "00A4044C09" RIG_USIM2, "9000" },                          /* terminated: the MF again */
           { "80F2000100", "6A88" }, { "00A4000C022FE2", "9000" },
           { "00A4040C08A000000003000000", "6A82" }, { "00A4040C0AA0000000871002FF0100", "6A82" },
           { "00A4000C027FD0", "6A82" });                               /* an ADF has no FID of its own */
}

static void what_an_fcp_says(void **state)
{
    (void)state;
    SCRIPT({ "00A40004022FE2", "6119" },
           { "00C0000019", "6217 82024121 83022FE2 8A0105 8B032F0601 8002000A 880110 9000" },
           { "00A40804047F106F3A", "611C" },
           { "00C0000000", "621A 82054221000A05 83026F3A 8A0105 8B032F0602 80020032 880108 9000" },
           { "00A40804047F106F39", "611B" },
           { "00C000001B", "6219 82054621000303 83026F39 8A0105 8B032F0602 80020009 8800 9000" });
    struct span fcp = rig_get(&rig, "00A4000400", 0x9000), body, value;
    assert_true(tlv_find(fcp, 0x62, &body));
    assert_true(tlv_find(body, 0x82, &value));
    assert_span_equal(value, hex_lit("7821"));
    assert_true(tlv_find(body, 0xC6, &value));
    assert_span_equal(value, hex_lit("9001C0 830101 83010A"));
    assert_true(tlv_find(body, 0xA5, &value));
    struct span part;
    assert_true(tlv_find(value, 0x87, &part));
    assert_true(tlv_find(value, 0x83, &part) && part.len == 4);
    fcp = rig_get(&rig, "00A4040409" RIG_USIM1, 0x9000);
    assert_true(tlv_find(fcp, 0x62, &body) && tlv_find(body, 0x84, &value));
    assert_span_equal(value, hex_lit(RIG_USIM1));
}

static void response_and_its_length(void **state)
{
    (void)state;
    SCRIPT({ "00A40004022FE2", "6119" }, { "00C0000020", "6C19" }, { "00C0000005", "6217820241 6114" },
           { "00C0000014", "* 9000" }, { "00C0000000", "6985" },
           { "00A40004022FE2", "6119" }, { "80C0000019", "* 9000" },
           { "00A40004022FE2", "6119" }, { "00B0000001", "98 9000" }, { "00C0000019", "6985" }, /* lost */
           { "00A40004022FE2", "6119" }, { "01C0000019", "6881" }, { "00A40004022FE2", "6119" }, { "00C0010019", "6A86" },
           { "80F2000005", "6C2B" }, { "00A4000C022F10", "9000" }, { "00B0000000", "*9000" }, { "00B000FF00", "*9000" },
           { "00B000FF2E", "6C2D" }, { "00B0012B01", "2B 9000" }, { "00B0012C01", "6B00" }, { "00B07FFF01", "6B00" });
}

static void transparent_files(void **state)
{
    (void)state;
    SCRIPT({ "00B0000000", "6986" }, { "00B0820000", "98001032547698103214 9000" }, { "00B0000203", "103254 9000" },
           { "00B0820902", "6C01" }, { "00B0820A01", "6B00" }, { "00B09F0000", "6A82" }, { "00B0E20000", "6A86" },
           { "00B0800000", "6A86" }, { "00D682000100", "6982" },  /* ADM1 */
           { "00B2010400", "6981" }, { "80CB008001AA", "6981" }, { "00A4000C022F11", "9000" }, { "00B0000000", "6982" },
           { "00A4000C022F12", "9000" }, { "00B0000000", "6982" }, { "00A4000C022F10", "9000" },
           { "00D6000003AABBCC", "9000" }, { "00B0000004", "AABBCC03 9000" }, { "00D6012A02DDEE", "9000" },
           { "00B0012A02", "DDEE 9000" }, { "00D6012B02DDEE", "6700" }, { "00D6012C01DD", "6B00" }, { "00D60000", "6700" },
           { "00B00000", "6700" }, { "00B0000002AABB00", "6700" });
    euicc_reset(rig.card, NULL);
    SCRIPT({ "00A4000C022F10", "9000" }, { "00B0000003", "AABBCC 9000" });
}

static void records(void **state)
{
    (void)state;
    SCRIPT({ "00200001 08" RIG_PIN1, "9000" }, { "00A4000C027F10", "9000" }, { "00B2010C0A", "10111213141516171819 9000" },
           { "00B2030400", "30313233343536373839 9000" }, { "00B203040B", "6C0A" }, { "00B2060400", "6A83" },
           { "00B2000400", "6A83" },                                   /* no current record */
           { "00B200020A", "10111213141516171819 9000" }, { "00B200020A", "20212223242526272829 9000" },
           { "00B2000400", "20212223242526272829 9000" }, { "00B2050400", "50515253545556575859 9000" },
           { "00B2000200", "30313233343536373839 9000" },              /* absolute did not move the pointer */
           { "00B2000300", "20212223242526272829 9000" }, { "00B2000300", "10111213141516171819 9000" },
           { "00B2000300", "6A83" }, { "00B2010200", "6A86" }, { "00B2000500", "6A86" },
           { "00A4000C026F3A", "9000" }, { "00B2000300", "50515253545556575859 9000" }, { "00B2000200", "6A83" },
           { "00DC02040A00112233445566778899", "9000" }, { "00B2020400", "00112233445566778899 9000" },
           { "00DC020409001122334455667788", "6700" }, { "00DC06040A00112233445566778899", "6A83" },
           { "00A4000C026F3B", "9000" }, { "00B2020400", "00112233445566778899 9000" }, /* the link shows it */
           { "00DC01040AEEEEEEEEEEEEEEEEEEEE", "9000" }, { "00A4000C026F3A", "9000" },
           { "00B2010400", "EEEEEEEEEEEEEEEEEEEE 9000" });
}

static void searching(void **state)
{
    (void)state;
    SCRIPT({ "00200001 08" RIG_PIN1, "9000" }, { "00A4080C047F106F3A", "9000" }, { "00A2010402 3132", "6101" },
           { "00C0000001", "03 9000" }, { "00B2000400", "30313233343536373839 9000" }, /* the pointer follows */
           { "00A2010402 3132 00", "6101" }, { "00A20104013F", "6282" }, { "00A2040402 3132", "6282" },
           { "00DC05040A31320000000000000000", "9000" }, { "00A2010402 3132", "6102" }, { "00C0000000", "0305 9000" },
           { "00A2050502 3132", "6102" }, { "00C0000000", "0503 9000" },
           { "00A2010603 0401 32", "6102" }, { "00C0000002", "0305 9000" },  /* enhanced: offset 1 */
           { "00A2010603 0403 32", "6282" }, { "00A2010603 0C31 32", "6102" }, /* behind the character 31 */
           { "00A2010603 1400 32", "6A80" }, { "00A2010403", "6700" }, { "00A2060401 31", "6A83" }, { "00A2010101 31", "6A86" });
}

static void cyclic_files(void **state)
{
    (void)state;
    SCRIPT({ "00200001 08" RIG_PIN1, "9000" }, { "00A4080C047F106F39", "9000" }, { "00B2010400", "000003 9000" },
           { "00DC000303 AABBCC", "9000" }, { "00B2010400", "AABBCC 9000" }, { "00B2020400", "000003 9000" },
           { "00B2030400", "000002 9000" }, { "00B2000200", "000003 9000" }, { "00B2000200", "000002 9000" },
           { "00B2000200", "AABBCC 9000" },                             /* round */
           { "00DC010403 000000", "6A86" }, { "00DC000203 000000", "6A86" }, { "00DC000302 0000", "6700" },
           { "00DC000303 000010", "9000" }, { "8032000003 000005", "6106" }, { "00C0000006", "000015 000005 9000" },
           { "00B2010400", "000015 9000" }, { "8032000001 FF", "6104" }, { "00B2010400", "000114 9000" },
           { "8032000003 FFFFFF", "9850" }, { "00B2010400", "000114 9000" }, { "8032000004 00000001", "6700" },
           { "00A4080C047F106F3A", "9000" }, { "8032000001 01", "6981" }, { "0032000001 01", "6E00" });
}

static void data_objects(void **state)
{
    (void)state;
    SCRIPT({ "00A4080C047F106F50", "9000" }, { "80CB0080015C", "6102" }, { "00C0000002", "5C00 9000" },
           { "80CB00800180", "6A88" }, { "80DB008005 8003010203", "9000" }, { "80DB008004 81020405", "9000" },
           { "80CB0080015C", "6104" }, { "00C0000004", "5C028081 9000" }, { "80CB00800180", "6105" },
           { "00C0000005", "8003010203 9000" }, { "80DB008003 80010A", "9000" }, { "80CB00800180", "6103" },
           { "00C0000003", "80010A 9000" }, { "80DB0080 0181", "9000" }, { "80CB00800181", "6A88" },
           { "80DB0080 0181", "6A88" },
           /* in blocks */
           { "80DB008006 8004AABB CCDD", "9000" }, { "80DB008004 82060102", "63F1" }, { "80DB000002 0304", "63F1" },
           { "80DB000002 0506", "9000" }, { "80CB00800182", "6108" }, { "00C0000008", "8206010203040506 9000" },
           { "80DB008003 840401", "63F1" }, { "80DB000004 02030405", "6A80" }, { "80DB000001 02", "6985" },
           { "80DB008004 8482FFFF", "6A84" }, { "80DB008003 848001", "6A80" }, { "80DB008003 848401", "6A80" }, { "80CB000000", "6985" }, { "80CB00C00180", "6A86" });
    uint8_t first[5 + 200] = { 0x80, 0xDB, 0x00, 0x80, 200, 0x86, 0x82, 0x01, 0x90 }, more[5 + 204] = { 0x80, 0xDB, 0, 0, 204 };
    uint16_t sw;
    memset(first + 9, 0x11, sizeof first - 9);
    memset(more + 5, 0x22, sizeof more - 5);
    rig_exchange(&rig, SPAN_OF(first), &sw);
    assert_int_equal(sw, 0x63F1);
    rig_exchange(&rig, SPAN_OF(more), &sw);
    assert_int_equal(sw, 0x9000);
    SCRIPT({ "80CB00800186", "62F1" }, { "00C00000FF", "*9000" }, { "80CB000000", "*9000" }, { "80CB004000", "*9000" });
    SCRIPT({ "8010000004 FFFFFFFF", "910F" }, /* and with a proactive command that waits */
           { "80DB008004 82060102", "63F2" }, { "80DB000004 03040506", "910F" }, { "80CB00800186", "62F2" },
           { "00C00000FF", "*910F" }, { "80CB000000", "*910F" });
    struct span last = rig_get(&rig, "80CB004000", 0x910F);
    assert_int_equal(last.len, 404 - 255);
    assert_int_equal(last.ptr[0], 0x22);
}

static void logical_channels(void **state)
{
    (void)state;
    SCRIPT({ "0070000001", "01 9000" }, { "01A4040C09" RIG_USIM1, "9000" }, { "01A4000C026F07", "9000" },
           { "00A4000C022FE2", "9000" },                                 /* the basic one stands elsewhere */
           { "02A4000C023F00", "6881" }, { "0170000001", "02 9000" }, { "82F2000100", "8409" RIG_USIM1 "9000" },
           { "00700004", "9000" }, { "40A4000C022FE2", "9000" }, { "40B0000001", "98 9000" }, { "007000 04", "6881" },
           { "00708001", "9000" }, { "01A4000C023F00", "6881" }, { "00708001", "6881" }, { "00708000", "6A86" },
           { "00704000", "6A86" }, { "0070000000", "01 9000" }, { "00708014", "6A86" }, { "007000 14", "6A86" });
    for (int i = 3; i < 20; i++)
        if (i != 4)
            apdu("0070000001", "*9000");
    apdu("0070000001", "6A81");
    euicc_reset(rig.card, NULL);
    apdu("01A4000C023F00", "6881");
}

static void status_words_to_the_letter(void **state)
{
    (void)state;
    SCRIPT({ "0070000001", "01 9000" }, { "8112000000", "6881" }, { "8114000001 00", "6881" }, { "81C2000001 00", "6881" },
           { "8110000001 FF", "6881" }, { "81AA000004 A9028100", "9000" }, /* the terminal's own: on the basic channel */
           { "00840100", "6A86" }, { "00E4010001 6F", "6A86" },            /* P1 and P2 before the lengths */
           { "0020000207 31323334FFFFFF", "6700" }, { "0020000208" RIG_PIN1, "6A88" });
    SCRIPT({ "A0A40000023F00", "6E00" }, { "FFA40000023F00", "6E00" }, { "10A40000023F00", "6E00" },
           { "04A40000023F00", "6882" }, { "60A40000023F00", "6881" }, { "00010000", "6D00" }, { "80FE0000", "6D00" },
           { "80A40000023F00", "6E00" }, { "00F2000000", "6E00" }, { "00A400", "6700" }, { "00A4000002 3F", "6700" },
           { "80F2030000", "6A86" }, { "80F2000200", "6A86" }, { "80F2000C", "9000" }, { "80F2000000", "*9000" },
           { "8078000100", "6985" }, { "8078000101 00", "6700" }, { "8078000300", "6A86" },
           { "0084000008", "*9000" }, { "0084010008", "6A86" }, { "00730000 00", "6D00" },
           { "80AA000005 A903800101", "9000" }, { "80AA000002 8000", "6A80" }, { "80AA000003 A90380", "6A80" }, { "80AA000004 A9028005", "6A80" },
           { "80E2000000", "6D00" },                                    /* of a security domain; none is selected */
           { "00880081 22 10 00000000000000000000000000000000 10 00000000000000000000000000000000", "6985" });
}

static void security_domains_on_a_channel(void **state)
{
    (void)state;
    SCRIPT({ "00A4040010A0000005591010FFFFFFFF8900000200", "611A" }, { "80CA005A00", "5A1089001012012341234012345678901224 9000" },
           { "00B0000000", "6D00" }, { "80F2000C", "9000" }, { "00A4000C022FE2", "9000" }, { "00B0000001", "98 9000" },
           { "80CA005A00", "6D00" });
}

static void creating_and_deleting(void **state)
{
    (void)state;
    SCRIPT({ "00E0000019 6217 82024121 83026F77 8A0105 8B032F0606 80020004 880138", "6982" },
           { "0020000A08" RIG_ADM1, "9000" }, { "00A4000C027F10", "9000" },
           { "00E0000019 6217 82024121 83026F77 8A0105 8B032F0606 80020004 880138", "9000" },
           { "00B0000000", "FFFFFFFF 9000" }, { "00D6000002 0102", "9000" }, { "00B0870000", "0102FFFF 9000" },
           { "00E0000019 6217 82024121 83026F77 8A0105 8B032F0606 80020004 880138", "6A89" },
           { "80D400000A 6208 83026F77 80020006", "9000" }, { "00B0000000", "0102FFFFFFFF 9000" },
           { "80D400000A 6208 83026F77 80020001", "9000" }, { "00B0000000", "01 9000" },
           { "80D401000A 6208 83026F3A 8002001E", "9000" }, { "00A40004026F3B", "611B" }, /* its link has the new size */
           { "00C0000000", "6219 82054221000A03 83026F3B 8A0105 8B032F0606 8002001E 8800 9000" },
           { "00B2030400", "*9000" }, { "00B2040400", "6A83" }, { "00A4000C026F77", "9000" },
           { "00E000001B 6219 82027821 83025F56 8409" RIG_USIM2 "8A0105 8B01 05", "6A8A" },
           { "00E000001F 621D 82044221 0003 83026F78 8A0105 8B032F0606 80020006 8800 A5 03 C1 01 05", "9000" },
           { "00B2020400", "050505 9000" },
           { "00E0000017 6215 82024121 83026F79 8A0105 8B032F0606 8003FFFFFF", "6A80" },
           { "00E000000A 6208 82024121 83026F79", "6A80" }, { "00E0000003 620182", "6A80" },
           { "00E000001A 6218 82027821 83025F55 8A0105 8B032F0605 C606 900180830101", "9000" }, /* and we are in it */
           { "00E0000016 6214 82024121 83024F01 8A0105 8B032F0606 80020004", "9000" },
           { "00A4080C067F105F554F01", "9000" }, { "00A4000C027F10", "9000" }, { "00E40000025F55", "9000" },
           { "00A4080C047F105F55", "6A82" }, { "00E4000002 6F3A", "6985" }, /* a link shows it */
           { "00E40000026F3B", "9000" }, { "00E40000026F3A", "9000" }, { "00E40000026F3A", "6A82" }, { "00A4000C026F3A", "6A82" });
    euicc_reset(rig.card, NULL);
    apdu("00A4080C047F106F3A", "6A82");
    apdu("00A4080C047F106F77", "9000");
}

static void a_quota_limits_what_is_created(void **state)
{
    (void)state;
    struct card *card = rig_card(&rig);
    struct isdp *isdp = registry_enabled(card);
    isdp->granted = isdp_used(card, isdp) + 400;
    SCRIPT({ "0020000A08" RIG_ADM1, "9000" }, { "00A4000C027F10", "9000" },
           { "00E0000016 6214 82024121 83026F70 8A0105 8B032F0606 80020180", "6A84" },
           { "00E0000016 6214 82024121 83026F71 8A0105 8B032F0606 80020100", "9000" },
           { "80D400000A 6208 83026F71 80020200", "6A84" }, { "00E40000026F71", "9000" },
           { "00E0000016 6214 82024121 83026F72 8A0105 8B032F0606 80020100", "9000" });
}

static void deactivation(void **state)
{
    (void)state;
    SCRIPT({ "00200001 08" RIG_PIN1, "9000" }, { "00A4080C047F106F3A", "9000" }, { "00040000", "6982" },
           { "0020000A08" RIG_ADM1, "9000" }, { "00040000", "9000" }, { "00B2010400", "6984" }, { "00A4000C026F3A", "6283" },
           { "00A40004026F3A", "6283" }, { "00C0000000", "*9000" }, { "00440000", "9000" }, { "00B2010400", "*9000" },
           { "00040000026F39", "9000" }, { "00440800047F106F39", "9000" }, { "00E80000", "6982" }, { "00040100", "6A86" },
           { "00A4000C027F10", "9000" }, { "00040000", "6986" },
           /* made so, by either word for it */
           { "00E0000019 6217 82024121 83026F77 8A0106 8B032F0606 80020004 880138", "9000" }, { "00B0000000", "6984" },
           { "00A4000C026F77", "6283" }, { "00440000", "9000" }, { "00B0000000", "FFFFFFFF 9000" },
           { "00E0000019 6217 82024121 83026F78 8A0108 8B032F0606 80020004 880138", "6A80" },
           { "00E0000019 6217 82024121 83026F78 8A010C 8B032F0606 80020004 880138", "6A80" },
           /* for good */
           { "00E80000", "9000" }, { "00A4000C026F77", "6284" }, { "00B0000000", "6984" }, { "00440000", "6985" });
}

/* clang-format on */
static void without_a_profile_there_is_a_master_file(void **state)
{
    (void)state;
    struct rig bare;
    rig_make(&bare, NULL);
    rig_apdu(&bare, "00A4000C023F00", "9000");
    rig_apdu(&bare, "00A4000C022FE2", "6A82");
    rig_apdu(&bare, "00A4000C022F00", "9000");
    rig_apdu(&bare, "00B2010404", "6C21");
    rig_apdu(&bare, "00A4040C07A0000000871002", "6A82");
    rig_done(&bare);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, with_card, without_card)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(selection_in_every_form),
        TEST(applications_by_name),
        TEST(what_an_fcp_says),
        TEST(response_and_its_length),
        TEST(transparent_files),
        TEST(records),
        TEST(searching),
        TEST(cyclic_files),
        TEST(data_objects),
        TEST(logical_channels),
        TEST(status_words_to_the_letter),
        TEST(security_domains_on_a_channel),
        TEST(creating_and_deleting),
        TEST(a_quota_limits_what_is_created),
        TEST(deactivation),
        cmocka_unit_test(without_a_profile_there_is_a_master_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
