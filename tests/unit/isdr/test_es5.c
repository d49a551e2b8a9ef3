/* ES5 over SCP80: recorded packets to the octet, and what the ISD-R refuses. Named after the ideas of the fact book. */
#include "lab.h"

#include "euicc/isdr/keyset.h"

#define VECTORS "data/vectors/oncard-es5-scp80.json"

/* An ISD-P that claims a state, without files: enough for the ISD-R's rules. */
static struct isdp *fake(struct lab *lab, uint32_t tar, enum isdp_state state, uint8_t attributes)
{
    struct card *card = lab_card(lab);
    struct aid aid = aid_isdp(tar);
    struct isdp *isdp;
    card_begin(card);
    assert_ok(registry_create(card, aid_span(&aid), 0, &isdp));
    isdp->state = state;
    isdp->attributes = attributes;
    assert_ok(registry_store(card, isdp));
    assert_ok(card_commit(card));
    return lab_isdp(lab, tar);
}

static void store(struct lab *lab, struct isdp *isdp)
{
    card_begin(lab_card(lab));
    assert_ok(registry_store(lab_card(lab), isdp));
    assert_ok(card_commit(lab_card(lab)));
}

static void as_disabled(struct lab *lab)
{
    fake(lab, 0x11, ISDP_ENABLED, ISDP_FALLBACK);
    fake(lab, 0x10, ISDP_DISABLED, 0);
}
static void as_enabled(struct lab *lab)
{
    fake(lab, 0x11, ISDP_DISABLED, ISDP_FALLBACK);
    fake(lab, 0x10, ISDP_ENABLED, 0);
}
static void as_only(struct lab *lab) { fake(lab, 0x10, ISDP_ENABLED, ISDP_FALLBACK); }
static void as_one_disabled(struct lab *lab) { fake(lab, 0x10, ISDP_DISABLED, 0); }
static void as_created(struct lab *lab) { fake(lab, 0x10, ISDP_SELECTABLE, 0); }
static void as_nothing(struct lab *lab) { (void)lab; }
static void as_notifying(struct lab *lab)
{
    as_only(lab);
    struct switch_state *s = &lab_card(lab)->isdr->sw.state;
    s->phase = SWITCH_NOTIFYING;
    s->cause = SWITCH_ENABLE;
    s->sequence = 1;
    s->e1_len = 1;
}
static void as_master(struct lab *lab)
{
    as_disabled(lab);
    struct isdp *isdp = lab_isdp(lab, 0x10);
    struct span key = hex_lit("20212223242526270101010101010101"), sin = hex_lit("4953445001"),
                sdin = hex_lit("495344505344494E01"), provider = hex_lit("47534D4101");
    isdp->token_kvn = 0x70;
    isdp->pol1 = POL1_NO_DELETE;
    memcpy(isdp->token_key, key.ptr, 16);
    memcpy(isdp->sin.bytes, sin.ptr, isdp->sin.len = (uint8_t)sin.len);
    memcpy(isdp->sdin.bytes, sdin.ptr, isdp->sdin.len = (uint8_t)sdin.len);
    memcpy(isdp->provider.bytes, provider.ptr, isdp->provider.len = (uint8_t)provider.len);
    store(lab, isdp);
}

static const struct {
    const char *name;
    void (*prepare)(struct lab *);
} recorded[] = {
    { "CreateISDP", as_nothing },
    { "CreateISDP_mem64K", as_nothing },
    { "EnableProfile", as_disabled },
    { "DisableProfile", as_enabled },
    { "SetFallbackAttribute", as_disabled },
    { "DeleteProfile", as_disabled },
    { "GetStatus_all", as_only },
    { "GetStatus_one", as_one_disabled },
    { "GetData_BF30_66", as_nothing },
    { "UpdateSMSRAddr_SMS", as_nothing },
    { "HandleNotificationConfirmation", as_notifying },
    { "InstallForPerso_ISDP", as_created },
    { "InstallForPerso_ECASD", as_nothing },
    { "MasterDelete", as_master },
    { "SetEmergencyProfileAttribute_UNSURE", as_disabled },
};

/* Packet in, PoR out by SMS-SUBMIT: both as recorded, ciphered and authenticated. */
static void the_recorded_packet_gets_the_recorded_por(void **state)
{
    const json_t *v = vector_of(state);
    for (size_t i = 0; i < ARRAY_LEN(recorded); i++) {
        if (strcmp(recorded[i].name, vec_text(v, "name")) != 0)
            continue;
        struct lab *lab = lab_new(false);
        terminal_boot(lab);
        recorded[i].prepare(lab);
        lab->terminal.ignores_refresh = true;
        assert_int_equal(terminal_sms(lab, vec_hex(v, "ud"), NULL), 0x9000);
        terminal_run(lab);
        assert_int_equal(lab->terminal.sms_count, 1);
        assert_span_equal(((struct span){ lab->terminal.sms[0].ud, lab->terminal.sms[0].len }), vec_hex(v, "por_ud"));
        lab_free(lab);
        return;
    }
    skip();
}

/* Real packets of an older platform: without ciphering or with a bad MAC there is silence, and the counter stays. */
static void a_real_packet_is_answered_or_met_with_silence(void **state)
{
    const json_t *v = vector_of(state);
    struct lab *lab = lab_new(false);
    struct keyset_counters c;
    terminal_boot(lab);
    WRITER_ON_STACK(report, 300);
    struct span spi = vec_hex(v, "SPI"), kic = vec_hex(v, "KIc");
    bool wanted = spi.ptr[0] == 0x16 && kic.ptr[0] == 0x12 && json_is_true(json_object_get(v, "cc_verified")) &&
                  span_eq(vec_hex(v, "TAR"), hex_lit("000001"));
    assert_int_equal(terminal_sms(lab, vec_hex(v, "ud"), &report), 0x9000);
    assert_ok(keyset_counters_read(lab_card(lab), 0x01, &c));
    if (wanted) {
        assert_true(c.received > 0);
        if (spi.ptr[1] == 0x01) /* a bare PoR in the delivery report */
            assert_span_equal(span_sub(wr_span(&report), 0, 3), hex_lit("027100"));
    } else if (spi.ptr[0] != 0x16 && span_eq(vec_hex(v, "TAR"), hex_lit("000001"))) {
        assert_int_equal(report.len, 0);
        assert_int_equal(c.received, 0);
    }
    lab_free(lab);
}

/* ---- refusals and rules, one C-APDU each ---- */

#define AID10                      "A0000005591010FFFFFFFF8900001000"
#define AID11                      "A0000005591010FFFFFFFF8900001100"
#define AID12                      "A0000005591010FFFFFFFF8900001200"
#define CREATE(lf, aid, priv, par) "80E60C00" lf "10A0000005591010FFFFFFFF8900000E0010" aid priv par "0000"
#define LF                         "3F10A0000005591010FFFFFFFF8900000D00"

static struct lab *bench(void (*prepare)(struct lab *))
{
    struct lab *lab = lab_new(false);
    terminal_boot(lab);
    prepare(lab);
    return lab;
}

static const struct rule_case {
    const char *name;
    void (*prepare)(struct lab *);
    const char *capdu;
    const char *answer; /* whole R-APDU */
} rule_cases[] = {
    { "2 CreateISDP same AID twice", as_created, CREATE(LF, AID10, "0380C000", "06C90481020370"), "6985" },
    { "3 CreateISDP unknown load file", as_nothing,
      CREATE("3F10A0000005591010FFFFFFFF8900000D01", AID10, "0380C000", "06C90481020370"), "6A88" },
    { "4 CreateISDP more memory than there is", as_nothing,
      "80E60C004710A0000005591010FFFFFFFF8900000D0010A0000005591010FFFFFFFF8900000E0010" AID10
      "0380C0000EEF0683047F000000C904810203700000",
      "6A84" },
    { "5 CreateISDP without C9", as_nothing,
      "80E60C003910A0000005591010FFFFFFFF8900000D0010A0000005591010FFFFFFFF8900000E0010" AID10 "0380C000000000",
      "6A80" },
    { "8 INSTALL for personalization, unknown AID", as_nothing, "80E62000160000 10" AID12 "00000000", "6A88" },
    { "9 INSTALL for personalization", as_created, "80E62000160000 10" AID10 "00000000", "009000" },
    { "16 3A02 without 3A01", as_created,
      "80E28901A63A0217A615900203099501108001888101108201018301309100"
      "7F4946B04104774C61BF643E4619E92A7FCF2E5587EB04B51D17863473E577872178AD09D6475499E54FBEF9E643034AED0B90B9ADB6AE1A"
      "F592EA79"
      "840158E474300DEA17DDF001005F3740177BD5D17D500574F764B8FF7C2F9BF328AA92361C62A719F7A3E784A2ED03E409575E60816391CD"
      "E0ED96E1"
      "E611E81517654449D16432C544616D342CBDBAA1",
      "6985" },
    { "48 enable what is enabled", as_enabled, "80E28800153A03124F10" AID10, "6985" },
    { "49 enable unknown", as_enabled, "80E28800153A03124F10" AID12, "6A88" },
    { "54 disable the fall-back profile", as_only, "80E28800153A04124F10" AID10, "6985" },
    { "55 disable what is disabled", as_disabled, "80E28800153A04124F10" AID10, "6985" },
    { "59 delete what is enabled", as_enabled, "80E40040124F10" AID10 "00", "6985" },
    { "60 delete the fall-back profile", as_enabled, "80E40040124F10" AID11 "00", "6985" },
    { "delete unknown", as_enabled, "80E40040124F10" AID12 "00", "6A88" },
    { "62 delete what was only created", as_created, "80E40040124F10" AID10 "00", "009000" },
    { "66 fall-back attribute to an ISD-P without profile", as_created, "80E28800153A05124F10" AID10, "6985" },
    { "68 fall-back attribute to nobody", as_only, "80E28800153A05124F10" AID12, "6A88" },
    { "71 GET STATUS one", as_one_disabled, "80F24002174F10" AID10 "5C034F9F7000", "E3164F10" AID10 "9F70011F9000" },
    { "GET STATUS unknown", as_one_disabled, "80F24002174F10" AID12 "5C034F9F7000", "6A88" },
    { "76 GET DATA BF30 66", as_nothing, "80CABF30035C016600",
      "BF3040663E733C06072A864886FC6B01600C060A2A864886FC6B02020101630906072A864886FC6B03640B06092A864886FC6B048000640B"
      "06092A86"
      "4886FC6B0481049000" },
    { "EID through the ISD-R", as_nothing, "80CABF30035C015A00", "BF30125A10890440451130100000000000000000029000" },
    { "77 GET DATA unknown tag", as_nothing, "80CABF30035C014200", "6A88" },
    { "79 addressing without parameters", as_nothing, "80E28800033A0700", "6A80" },
    { "confirmation without a notification", as_only, "80E28900073A08044E02000100", "6985" },
    { "83 confirmation of another number", as_notifying, "80E28900073A08044E02000200", "6A88" },
    { "103 the set of the session is not deleted", as_nothing, "80E4000005F20301010300", "6985" },
    { "delete keys that are not there", as_nothing, "80E4000005F20341010200", "6A88" },
    { "118 GET STATUS without Le", as_only, "80F24002084F005C044F9F7053", "9000" },
    { "119 INITIALIZE UPDATE to the ISD-R", as_nothing, "8050300008010203040506070800", "6A80" },
    { "119 GET DATA BF30 without tag list", as_nothing, "80CABF3000", "6A80" },
    { "unknown instruction", as_nothing, "80AA000000", "6D00" },
    { "unknown class", as_nothing, "22F2400200", "6E00" },
    { "64 MasterDelete with a bad token", as_master,
      "80E40040434F10" AID10 "B61D420549534450014509495344505344494E015F200547534D41019301019E10"
      "EBA978AFC3B346493FD32AC557EA69F500",
      "6A80" },
};

static void the_rule_holds(void **state)
{
    const struct rule_case *c = *state;
    struct lab *lab = bench(c->prepare);
    assert_span_equal(smsr_capdu(lab, hex_lit(c->capdu)), hex_lit(c->answer));
    lab_free(lab);
}

static void pol1_forbids_disabling_and_deleting(void **state)
{
    (void)state;
    struct lab *lab = bench(as_enabled);
    struct isdp *isdp = lab_isdp(lab, 0x10);
    isdp->pol1 = POL1_NO_DISABLE;
    store(lab, isdp);
    assert_int_equal(smsr_sw(lab, hex_lit("80E28800153A04124F10" AID10)), 0x69E1);
    assert_int_equal(smsr_sw(lab, hex_lit("80E28800153A03124F10" AID11)), 0x69E1);
    fake(lab, 0x12, ISDP_DISABLED, 0)->pol1 = POL1_NO_DELETE;
    assert_int_equal(smsr_sw(lab, hex_lit("80E40040124F10" AID12 "00")), 0x69E1);
    assert_int_equal(lab_state(lab, 0x12), ISDP_DISABLED);
    lab_free(lab);
}

static void the_fallback_attribute_moves(void **state)
{
    (void)state;
    struct lab *lab = bench(as_disabled);
    assert_int_equal(smsr_sw(lab, hex_lit("80E28800153A05124F10" AID10)), 0x9000);
    assert_int_equal(lab_isdp(lab, 0x10)->attributes, ISDP_FALLBACK);
    assert_int_equal(lab_isdp(lab, 0x11)->attributes, 0);
    lab_free(lab);
}

static void creating_counts_one_application_more(void **state)
{
    (void)state;
    struct lab *lab = bench(as_nothing);
    struct es5_memory before, after;
    struct rapdu r;
    assert_ok(rapdu_parse(smsr_capdu(lab, hex_lit("80CAFF2100")), &r));
    assert_ok(es5_memory_parse(r.data, &before));
    assert_span_equal(smsr_capdu(lab, hex_lit(CREATE(LF, AID10, "0380C000", "06C90481020370"))), hex_lit("009000"));
    assert_int_equal(lab_state(lab, 0x10), ISDP_SELECTABLE);
    assert_ok(rapdu_parse(smsr_capdu(lab, hex_lit("80CAFF2100")), &r));
    assert_ok(es5_memory_parse(r.data, &after));
    assert_int_equal(after.applications, before.applications + 1);
    assert_true(after.free_non_volatile < before.free_non_volatile);
    lab_free(lab);
}

static void master_delete_ignores_pol1_and_works_once(void **state)
{
    (void)state;
    struct lab *lab = bench(as_master);
    struct span command =
        hex_lit("80E40040434F10" AID10 "B61D420549534450014509495344505344494E015F200547534D41019301019E10"
                "EBA978AFC3B346493FD32AC557EA69F400");
    assert_span_equal(smsr_capdu(lab, command), hex_lit("009000"));
    assert_int_equal(lab_state(lab, 0x10), 0);
    assert_span_equal(smsr_capdu(lab, command), hex_lit("6A88"));
    lab_free(lab);
}

static void get_status_goes_on_with_p2_03(void **state)
{
    (void)state;
    struct lab *lab = bench(as_nothing);
    for (uint32_t tar = 0x10; tar < 0x1F; tar++)
        fake(lab, tar, ISDP_DISABLED, 0);
    struct sd_session s = { .bearer = SD_BY_HTTP };
    sd_session_begin(&s, SD_BY_HTTP, 0x40, (struct sd_target){ SD_ISDR, 0 });
    size_t found = 0;
    struct span command = hex_lit("80F24002084F005C044F9F705300");
    for (int rounds = 0; rounds < 10; rounds++) {
        WRITER_ON_STACK(answer, SD_ANSWER_MAX);
        struct rapdu r;
        struct es5_isdp_status status;
        sd_apdu(lab_card(lab), &s, command, &answer);
        assert_ok(rapdu_parse(wr_span(&answer), &r));
        struct reader in = rd_of(r.data);
        while (es5_isdp_status_next(&in, &status))
            found++;
        assert_ok(in.err);
        if (r.sw == 0x9000)
            break;
        assert_int_equal(r.sw, 0x6310);
        command = hex_lit("80F24003084F005C044F9F705300");
    }
    assert_int_equal(found, 15);
    lab_free(lab);
}

/* ---- packets ---- */

static struct scp80_header header(struct lab *lab, uint8_t spi1, uint8_t spi2, uint32_t tar)
{
    return (struct scp80_header){ .spi1 = spi1,
                                  .spi2 = spi2,
                                  .kic = 0x12,
                                  .kid = 0x12,
                                  .tar = { (uint8_t)(tar >> 16), (uint8_t)(tar >> 8), (uint8_t)tar },
                                  .counter = ++lab->sent_counter };
}

static uint64_t received_counter(struct lab *lab)
{
    struct keyset_counters c;
    assert_ok(keyset_counters_read(lab_card(lab), 0x01, &c));
    return c.received;
}

static void less_security_is_met_with_silence(void **state)
{
    (void)state;
    struct lab *lab = bench(as_nothing);
    struct span script = hex_lit("AA07220580CAFF2100");
    static const uint8_t low[] = { 0x00, 0x02, 0x06, 0x12, 0x0E, 0x10 };
    for (size_t i = 0; i < sizeof low; i++) {
        struct scp80_header h = header(lab, low[i], 0x01, TAR_ISDR);
        uint8_t status;
        (void)smsr_packet(lab, &h, script, &status);
        assert_int_equal(status, 0xFF);
        assert_int_equal(received_counter(lab), 0);
    }
    lab_free(lab);
}

static void a_wrong_mac_is_met_with_silence(void **state)
{
    (void)state;
    struct lab *lab = bench(as_nothing);
    uint8_t ud[140];
    struct span good =
        hex_lit("02700000281516391212000001549A03294890EFBE65CFF504C185646DAD7F2E6443160384440CDB6537BF5B6F");
    memcpy(ud, good.ptr, good.len);
    ud[good.len - 1] ^= 1;
    assert_int_equal(terminal_sms(lab, (struct span){ ud, good.len }, NULL), 0x9000);
    terminal_run(lab);
    assert_int_equal(lab->terminal.sms_count, 0);
    assert_int_equal(received_counter(lab), 0);
    assert_int_equal(terminal_sms(lab, good, NULL), 0x9000);
    terminal_run(lab);
    assert_int_equal(lab->terminal.sms_count, 1);
    assert_int_equal(received_counter(lab), 9);
    lab_free(lab);
}

static void a_replay_is_told_and_not_executed(void **state)
{
    (void)state;
    struct lab *lab = bench(as_nothing);
    struct scp80_header h = header(lab, SCP80_SPI1_FULL, SCP80_SPI2_FULL, TAR_ISDR);
    struct span create = hex_lit("AA472245" CREATE(LF, AID10, "0380C000", "06C90481020370"));
    uint8_t status;
    (void)smsr_packet(lab, &h, create, &status);
    assert_int_equal(status, SCP80_OK);
    assert_int_equal(smsr_sw(lab, hex_lit("80E40040124F10" AID10 "00")), 0x9000);
    (void)smsr_packet(lab, &h, create, &status);
    assert_int_equal(status, SCP80_COUNTER_LOW);
    assert_int_equal(lab_state(lab, 0x10), 0);
    lab_power_cycle(lab);
    (void)smsr_packet(lab, &h, create, &status);
    assert_int_equal(status, SCP80_COUNTER_LOW);
    lab_free(lab);
}

static void an_unknown_tar_is_told(void **state)
{
    (void)state;
    struct lab *lab = bench(as_nothing);
    struct scp80_header h = header(lab, SCP80_SPI1_FULL, 0x01, 0x000099);
    uint8_t status;
    (void)smsr_packet(lab, &h, hex_lit("AA07220580CAFF2100"), &status);
    assert_int_equal(status, SCP80_TAR_UNKNOWN);
    lab_free(lab);
}

static void the_por_takes_every_way(void **state)
{
    (void)state;
    static const struct {
        uint8_t spi2;
        bool wanted;
        size_t submits;
    } ways[] = {
        { 0x00, false, 0 }, { 0x01, true, 0 }, { 0x19, true, 0 },
        { 0x39, true, 1 },  { 0x21, true, 1 }, { 0x02, false, 0 },
    };
    struct lab *lab = bench(as_nothing);
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        struct scp80_header h = header(lab, SCP80_SPI1_FULL, ways[i].spi2, TAR_ISDR);
        size_t before = lab->terminal.submits;
        uint8_t status;
        struct span answer = smsr_packet(lab, &h, hex_lit("AA0B220980CABF30035C016600"), &status);
        assert_int_equal(status, ways[i].wanted ? SCP80_OK : 0xFF);
        assert_true(!ways[i].wanted || answer.len == 76);
        assert_int_equal(lab->terminal.submits - before, ways[i].submits);
    }
    lab_free(lab);
}

static void a_long_answer_comes_in_several_short_messages(void **state)
{
    (void)state;
    struct lab *lab = bench(as_nothing);
    for (uint32_t tar = 0x10; tar < 0x18; tar++)
        fake(lab, tar, ISDP_DISABLED, 0);
    struct rapdu r;
    assert_ok(rapdu_parse(smsr_capdu(lab, hex_lit("80F24002084F005C044F9F705300")), &r));
    assert_int_equal(r.data.len, 8 * 27);
    assert_int_equal(lab->terminal.submits, 2);
    /* into a delivery report it does not fit: announced there, sent by itself */
    struct scp80_header h = header(lab, SCP80_SPI1_FULL, 0x19, TAR_ISDR);
    uint8_t status;
    (void)smsr_packet(lab, &h, hex_lit("AA10220E80F24002084F005C044F9F705300"), &status);
    assert_int_equal(status, SCP80_RESPONSE_BY_SUBMIT);
    assert_int_equal(lab->terminal.submits, 4);
    lab_free(lab);
}

static void scripts_are_answered_in_their_form(void **state)
{
    (void)state;
    static const struct {
        const char *idea, *script, *answer;
    } cases[] = {
        { "120 AE with definite length", "AE0B220980CABF30035C014200", "AF8023026A880000" },
        { "121 compact", "22F2400200", "016E00" },
        { "121 AA inside AE80", "AE80AA07220580CAFF21000000", "AF809001010000" },
        { "91 two commands", "AA16220980CABF30035C015A00220980CABF30035C015A00",
          "AB35800102"
          "2317BF30125A10890440451130100000000000000000029000"
          "2317BF30125A10890440451130100000000000000000029000" },
        { "92 stops at the first error", "AA16220980CABF30035C014200220980CABF30035C015A00", "AB0780010123026A88" },
        { "93 bad tag", "AA03550101", "AB06800100900101" },
    };
    struct lab *lab = bench(as_nothing);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("%s\n", cases[i].idea);
        assert_span_equal(smsr_script(lab, TAR_ISDR, hex_lit(cases[i].script)), hex_lit(cases[i].answer));
    }
    lab_free(lab);
}

/* 83 01 11: STORE DATA in halves, with the power off between them. */
static void a_kept_chain_goes_on_after_a_reset(void **state)
{
    (void)state;
    for (int kept = 0; kept < 2; kept++) {
        struct lab *lab = lab_new(false);
        terminal_boot(lab);
        const char *one = kept ? "AA10 830111 220B 80E2080006 3A070CA30A81"
                               : "AA10 830101 220B 80E2080006 3A070CA30A81";
        assert_span_equal(smsr_script(lab, TAR_ISDR, hex_lit(one)), hex_lit("AB07800101 23029000"));
        lab_power_cycle(lab);
        struct span answer = smsr_script(lab, TAR_ISDR, hex_lit("AA13 830103 220E 80E2880109 080B916499990821F3"));
        if (kept)
            assert_span_equal(answer, hex_lit("AB07800101 23029000"));
        else
            assert_span_equal(answer, hex_lit("AB06 800100 830101"));
        assert_false(objects_has(lab_card(lab)->objects, ISDR_KEY(ISDR_CHAIN)));
        struct sms_address number;
        assert_ok(isdr_smsr_number(lab_card(lab), &number));
        assert_string_equal(number.text, kept ? "46999980123" : "33639980123");
        lab_free(lab);
    }
}

/* A3 with 4F: the number belongs to that profile and goes with it. */
static void a_number_for_one_profile(void **state)
{
    (void)state;
    struct lab *lab = lab_new(true);
    terminal_boot(lab);
    struct card *card = lab_card(lab);
    struct sms_address number;
    assert_int_equal(smsr_sw(lab, hex_lit("80E28800213A071EA31C4F10A0000005591010FFFFFFFF8900001100"
                                          "81080B916499990821F3")), 0x6A88);
    lab_install(lab, 0x11, lab_profile("TS48v2_SAIP2.1_NoBERTLV.der"));
    assert_int_equal(smsr_sw(lab, hex_lit("80E28800213A071EA31C4F10A0000005591010FFFFFFFF8900001100"
                                          "81080B916499990821F3")), 0x9000);
    assert_ok(isdr_smsr_number(card, &number));
    assert_string_equal(number.text, "33639980123");
    card_begin(card);
    assert_ok(registry_switch(card, lab_isdp(lab, 0x11)));
    assert_ok(card_commit(card));
    assert_ok(isdr_smsr_number(card, &number));
    assert_string_equal(number.text, "46999980123");
    card_begin(card);
    assert_ok(registry_switch(card, lab_isdp(lab, 0x10)));
    assert_ok(registry_delete(card, lab_isdp(lab, 0x11)));
    assert_ok(card_commit(card));
    assert_ok(isdr_smsr_number(card, &number));
    assert_string_equal(number.text, "33639980123");
    lab_free(lab);
}

static void chained_scripts_keep_their_context(void **state)
{
    (void)state;
    struct lab *lab = bench(as_created);
    /* alone, INSTALL [for personalization] is forgotten: 3A01 to the ISD-R itself wants an SM-SR certificate */
    struct span install = hex_lit("AA20830101221B80E6200016000010" AID10 "000000");
    assert_span_equal(smsr_script(lab, TAR_ISDR, install), hex_lit("AB08800101230300 9000"));
    assert_true(lab_card(lab)->isdr->sms.chained);
    assert_int_equal(lab_card(lab)->isdr->sms.forward.kind, SD_ISDP);
    (void)smsr_script(lab, TAR_ISDR, hex_lit("AA0C830103220780CABF30025C00"));
    assert_false(lab_card(lab)->isdr->sms.chained);
    assert_int_equal(lab_card(lab)->isdr->sms.forward.kind, SD_NONE);
    assert_span_equal(smsr_script(lab, TAR_ISDR, hex_lit("AA0C830102220780CABF30025C00")), hex_lit("AB06800100830101"));
    lab_free(lab);
}

static void handover_leaves_the_new_keys_only(void **state)
{
    (void)state;
    struct lab *lab = bench(as_nothing);
    struct card *card = lab_card(lab);
    struct keyset set = { .kvn = 0x02, .count = 3 };
    for (uint8_t i = 0; i < 3; i++)
        set.keys[i] = (struct keyset_key){ .kid = (uint8_t)(i + 1), .type = 0x88, .len = 16 };
    card_begin(card);
    assert_ok(keyset_write(card, &set, 0));
    assert_ok(card_commit(card));
    assert_int_equal(smsr_sw(lab, hex_lit("80E400000AF20302010 3F20340010100")), 0x9000);
    assert_false(keyset_exists(card, 0x02));
    assert_false(keyset_exists(card, 0x40));
    assert_true(keyset_exists(card, 0x01));
    lab_free(lab);
}

static int run_rules(void)
{
    struct CMUnitTest tests[ARRAY_LEN(rule_cases)];
    for (size_t i = 0; i < ARRAY_LEN(rule_cases); i++)
        tests[i] = (struct CMUnitTest){ rule_cases[i].name, the_rule_holds, NULL, NULL, (void *)&rule_cases[i] };
    return cmocka_run_group_tests_name("rules of ES5", tests, NULL, NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(pol1_forbids_disabling_and_deleting),
        cmocka_unit_test(the_fallback_attribute_moves),
        cmocka_unit_test(creating_counts_one_application_more),
        cmocka_unit_test(master_delete_ignores_pol1_and_works_once),
        cmocka_unit_test(get_status_goes_on_with_p2_03),
        cmocka_unit_test(less_security_is_met_with_silence),
        cmocka_unit_test(a_wrong_mac_is_met_with_silence),
        cmocka_unit_test(a_replay_is_told_and_not_executed),
        cmocka_unit_test(an_unknown_tar_is_told),
        cmocka_unit_test(the_por_takes_every_way),
        cmocka_unit_test(a_long_answer_comes_in_several_short_messages),
        cmocka_unit_test(scripts_are_answered_in_their_form),
        cmocka_unit_test(chained_scripts_keep_their_context),
        cmocka_unit_test(a_kept_chain_goes_on_after_a_reset),
        cmocka_unit_test(a_number_for_one_profile),
        cmocka_unit_test(handover_leaves_the_new_keys_only),
    };
    int failed = run_rules() + cmocka_run_group_tests(tests, NULL, NULL);
    int vectors = run_vectors(shared_path(VECTORS), "generated", the_recorded_packet_gets_the_recorded_por);
    if (vectors == TEST_SKIPPED)
        return failed;
    return failed + vectors +
           run_vectors(shared_path(VECTORS), "real_sms", a_real_packet_is_answered_or_met_with_silence);
}
