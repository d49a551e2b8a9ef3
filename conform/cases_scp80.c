/* SCP80 to the ISD-R, scripts in it: fact book 7. */
#include "cases.h"

#include "lib/crypto/cmac.h"

static struct span create_script(struct bed *b, const struct aid *aid)
{
    return script_of(b, RAM_DEFINITE, create_command(b, aid, "C90481020370"));
}

static void need_silence(struct bed *b, const struct bed_key *key, const struct scp80_header *h, const char *what)
{
    struct aid aid = isdp_next(b);
    struct span por = packet_raw(b, packet_wrapped(b, key, h, create_script(b, &aid)));
    need(b, por.len == 0, "%s is answered %.80s", what, hex_of(b, por));
    need(b, isdp_state(b, &aid) == 0, "%s is carried out", what);
}

static void lower_security(struct bed *b)
{
    struct scp80_header h = packet_header(b, &b->key, TAR_ISDR);
    h.spi1 = 0x12; /* not ciphered */
    need_silence(b, &b->key, &h, "SPI 12");
    h = packet_header(b, &b->key, TAR_ISDR);
    h.spi1 = 0x06; /* no counter */
    need_silence(b, &b->key, &h, "SPI 06");
}

static void wrong_cc(struct bed *b)
{
    struct bed_key wrong = b->key;
    struct scp80_header h = packet_header(b, &b->key, TAR_ISDR);
    uint8_t status;
    wrong.kid[3] ^= 0x08;
    h.counter += 5;
    struct aid aid = isdp_next(b);
    struct span por = packet_raw(b, packet_wrapped(b, &wrong, &h, create_script(b, &aid)));
    need(b, por.len == 0, "a wrong CC is answered %.80s", hex_of(b, por));
    h.counter -= 5; /* the counter did not move */
    (void)packet_send(b, &b->key, &h, script_of(b, RAM_DEFINITE, hexf(b, "80CAFF2100")), &status);
    need(b, status == SCP80_OK, "after it the counter gives PoR %02X", status);
    need(b, isdp_state(b, &aid) == 0, "the packet with the wrong CC is carried out");
}

static void counter_replay(struct bed *b)
{
    struct scp80_header h = packet_header(b, &b->key, TAR_ISDR);
    struct aid aid = isdp_next(b);
    uint8_t status;
    (void)packet_send(b, &b->key, &h, script_of(b, RAM_DEFINITE, hexf(b, "80CAFF2100")), &status);
    need(b, status == SCP80_OK, "PoR %02X", status);
    (void)packet_send(b, &b->key, &h, create_script(b, &aid), &status);
    need(b, status == SCP80_COUNTER_LOW || status == NO_POR, "the same counter gives PoR %02X", status);
    h.counter--;
    (void)packet_send(b, &b->key, &h, create_script(b, &aid), &status);
    need(b, status == SCP80_COUNTER_LOW || status == NO_POR, "a lower counter gives PoR %02X", status);
    need(b, isdp_state(b, &aid) == 0, "a replayed packet is carried out");
}

/* The PoR in clear with CC, recomputed by hand over 02 71 00 and all that follows. */
static void por_mac(struct bed *b)
{
    struct scp80_header h = packet_header(b, &b->key, TAR_ISDR);
    uint8_t mac[CMAC_LEN];
    h.spi2 = 0x29; /* always, CC, by SMS-SUBMIT */
    struct span por = packet_raw(b, packet_wrapped(b, &b->key, &h, script_of(b, RAM_DEFINITE, hexf(b, "80CAFF2100"))));
    need(b, por.len > 21 && por.ptr[2] == 0x12, "PoR: %.80s", hex_of(b, por));
    struct span head = span_sub(por, 0, 13), cc = span_sub(por, 13, 8), data = span_from(por, 21);
    const struct span parts[] = { SPAN_LIT("\x02\x71\x00"), head, data };
    need_ok(b, cmac_parts(SPAN_OF(b->key.kid), parts, 3, mac), "CMAC");
    need_span(b, cc, (struct span){ mac, 8 }, "CC of the PoR");
    need(b, por.ptr[12] == SCP80_OK, "status %02X", por.ptr[12]);
}

static void unknown_tar(struct bed *b)
{
    struct scp80_header h = packet_header(b, &b->key, 0xABCDEF);
    struct span por = packet_raw(b, packet_wrapped(b, &b->key, &h, hexf(b, "AA07220580CAFF2100")));
    need(b, por.len >= 13, "no PoR");
    need(b, por.ptr[12] == SCP80_TAR_UNKNOWN, "PoR %.60s", hex_of(b, por));
}

/* ---- scripts ---- */

static void two_commands(struct bed *b)
{
    struct span answer = script_sms(b, TAR_ISDR, hexf(b, "AA0E 220580CAFF2100 220580CAFF2100"));
    need(b, answer.len > 5 && answer.ptr[0] == 0xAB, "answer %.80s", hex_of(b, answer));
    need(b, span_eq(span_sub(answer, 2, 3), hexf(b, "800102")), "count: %.80s", hex_of(b, answer));
}

static void stops_at_error(struct bed *b)
{
    struct aid unknown = aid_isdp(0x00FEDC), third = isdp_next(b);
    struct writer w = room(b, 300);
    struct ram_script s;
    ram_script_open(&s, &w, RAM_DEFINITE);
    ram_script_capdu(&s, hexf(b, "80CAFF2100"));
    ram_script_capdu(&s, profile_command(b, 0x3A03, &unknown));
    ram_script_capdu(&s, create_command(b, &third, "C90481020370"));
    ram_script_close(&s);
    struct span answer = script_sms(b, TAR_ISDR, wr_span(&w));
    need(b, span_eq(span_sub(answer, 2, 3), hexf(b, "800102")), "count: %.80s", hex_of(b, answer));
    need_sw(b, result_at(b, answer, result_count(b, answer) - 1).sw, 0x6A88, "the last answer");
    need(b, isdp_state(b, &third) == 0, "what stands behind the error is carried out");
}

static void bad_tag(struct bed *b)
{
    struct span answer = script_sms(b, TAR_ISDR, hexf(b, "AA03 450100"));
    struct ram_reader r;
    struct ram_item item;
    need_ok(b, ram_results_open(&r, answer), "answer");
    need(b, ram_results_next(&r, &item) && span_eq(item.raw, hexf(b, "900101")), "answer %.80s", hex_of(b, answer));
}

static struct span chained(struct bed *b, uint8_t link, struct span capdu)
{
    struct writer w = room(b, capdu.len + 32);
    struct ram_script s;
    ram_script_open(&s, &w, RAM_DEFINITE);
    ram_script_item(&s, RAM_TAG_CHAINING, (struct span){ &link, 1 });
    if (capdu.len)
        ram_script_capdu(&s, capdu);
    ram_script_close(&s);
    return script_sms(b, TAR_ISDR, wr_span(&w));
}

static void chaining(struct bed *b)
{
    struct aid aid = isdp_make(b);
    struct agreement a = { AGREEMENT_SCP03 };
    struct writer dgi = room(b, 400);
    wr_dgi(&dgi, 0x3A01, certificate_make(b, &(struct certificate_wish){ .role = 0x01 }));
    need_sw(b, result_at(b, chained(b, 0x01, install_perso(b, &aid)), 0).sw, 0x9000, "first script");
    struct rapdu r = result_at(b, chained(b, 0x02, store_data(b, 0x09, 0x00, wr_span(&dgi))), 0);
    struct span dgis = agreement_dgis(b, &a, rc_of(b, r));
    need_sw(b, result_at(b, chained(b, 0x03, store_data(b, 0x89, 0x01, dgis)), 0).sw, 0x9000, "last script");
    need(b, isdp_state(b, &aid) == ISDP_PERSONALIZED, "the keys did not reach the ISD-P");
    struct span late = chained(b, 0x02, SPAN_NONE);
    struct ram_reader reader;
    struct ram_item item;
    need_ok(b, ram_results_open(&reader, late), "answer");
    need(b, ram_results_next(&reader, &item) && span_eq(item.raw, hexf(b, "830101")),
         "a subsequent script alone: %.80s", hex_of(b, late));
}

static void concatenated(struct bed *b)
{
    struct aid first = isdp_next(b), second = isdp_next(b);
    struct scp80_header h = packet_header(b, &b->key, TAR_ISDR);
    struct writer script = room(b, 600), out = room(b, 900), report = room(b, 300);
    struct span parts[SMS_PARTS_MAX];
    struct ram_script s;
    size_t count;
    ram_script_open(&s, &script, RAM_DEFINITE);
    ram_script_capdu(&s, create_command(b, &first, "C90481020370"));
    ram_script_capdu(&s, create_command(b, &second, "C90481020370"));
    ram_script_close(&s);
    struct span packet = packet_wrapped(b, &b->key, &h, wr_span(&script));
    need_ok(b, sms_split(packet, SMS_IEI_COMMAND, ++b->reference, &out, parts, &count), "short messages");
    need(b, count >= 2, "one message only");
    for (size_t i = count; i > 0; i--) /* the last part first */
        (void)terminal_sms(b, parts[i - 1], &report);
    terminal_run(b);
    need(b, isdp_state(b, &first) && isdp_state(b, &second), "not carried out");
}

/* ---- tolerance ---- */

static void ae_definite(struct bed *b)
{
    struct span answer = script_sms(b, TAR_ISDR, hexf(b, "AE07 220580CAFF2100"));
    need(b,
         answer.len > 6 && span_eq(span_sub(answer, 0, 3), hexf(b, "AF8023")) &&
             span_eq(span_from(answer, answer.len - 2), hexf(b, "0000")),
         "answer %.80s", hex_of(b, answer));
}

static void compact(struct bed *b)
{
    need_span(b, script_sms(b, TAR_ISDR, hexf(b, "220580CAFF2100")), hexf(b, "016E00"), "data that start with 22");
    need_span(b, script_sms(b, TAR_ISDR, hexf(b, "AD07220580CAFF2100")), hexf(b, "016E00"), "data that start with AD");
    need_span(b, script_sms(b, TAR_ISDR, hexf(b, "AE80 AA07220580CAFF2100 0000")), hexf(b, "AF809001010000"),
              "AA inside AE80");
}

static void plain_por(struct bed *b)
{
    struct scp80_header h = packet_header(b, &b->key, TAR_ISDR);
    h.spi2 = 0x01;
    struct span por = packet_raw(b, packet_wrapped(b, &b->key, &h, script_of(b, RAM_DEFINITE, hexf(b, "80CAFF2100"))));
    need(b, por.len > 13, "no PoR");
    struct span want = hexf(b, "0A 000001 %010llX 00 00", (unsigned long long)h.counter);
    need_span(b, span_sub(por, 2, 11), want, "header of the PoR");
    need(b, por.ptr[13] == 0xAB, "data of the PoR: %.80s", hex_of(b, por));
}

/* CPL counts 8 octets less than follow: CC over what it counts, then zeros up to a whole block. Made by hand. */
static void too_many_octets(struct bed *b)
{
    struct scp80_header h = packet_header(b, &b->key, TAR_ISDR);
    struct span data =
        hexf(b, "AA07 220580CAFF2100 00"); /* one octet of padding: with 14 in front they fill one block and a half */
    uint8_t mac[CMAC_LEN], clear[32] = { 0 };
    struct span head = hexf(b, "00%02X 15 1639 %02X%02X 000001", (unsigned)(8 + 14 + data.len), h.kic, h.kid);
    struct span count = hexf(b, "%010llX 01", (unsigned long long)h.counter);
    const struct span parts[] = { head, count, data };
    need_ok(b, cmac_parts(SPAN_OF(b->key.kid), parts, 3, mac), "CMAC");
    memcpy(clear, count.ptr, 6);
    memcpy(clear + 6, mac, 8);
    memcpy(clear + 14, data.ptr, data.len);
    need_ok(b, aes_cbc_encrypt(SPAN_OF(b->key.kic), NULL, SPAN_OF(clear), clear), "AES");
    struct span por = packet_raw(b, hexf(b, "%s%s", hex_of(b, head), hex_of(b, SPAN_OF(clear)))), answer;
    need(b, por.len > 0, "no PoR: the packet was not accepted");
    uint8_t status;
    answer = por_open(b, &b->key, &h, por, &status);
    need(b, status == SCP80_OK, "PoR with status %02X", status);
    need_sw(b, result_at(b, answer, 0).sw, 0x9000, "GET DATA");
}

static const struct case_def cases[] = {
    { 86, "scp80", "lower SPI to the ISD-R is silence", "7.1", lower_security },
    { 87, "scp80", "wrong CC is silence, counter unchanged", "7.1", wrong_cc },
    { 88, "scp80", "counter replay", "7.2", counter_replay },
    { 89, "scp80", "CC of the PoR covers 027100", "7.3", por_mac },
    { 90, "scp80", "unknown TAR", "7.3", unknown_tar },
    { 91, "scp80", "script with two commands", "7.4", two_commands },
    { 92, "scp80", "script stops at the first error", "7.4", stops_at_error },
    { 93, "scp80", "bad tag in a script", "7.4", bad_tag },
    { 94, "scp80", "script chaining keeps the context", "7.4", chaining },
    { 95, "scp80", "concatenated messages, last part first", "7.5", concatenated },
    { 120, "scp80", "AE of definite length", "7.4", ae_definite },
    { 121, "scp80", "22, AD and AA where they do not belong", "7.4", compact },
    { 122, "scp80", "plain PoR to a ciphered command", "7.1", plain_por },
    { 123, "scp80", "8 octets more than CPL counts", "7.2", too_many_octets },
};
const struct case_group scp80_group = { cases, ARRAY_LEN(cases) };
