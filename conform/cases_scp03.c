/* SCP03t and SCP03 to the ISD-P: SGP.02 4.1.3; fact book 6. */
#include "cases.h"

#include "lib/crypto/cmac.h"
#include "lib/scp/scp03t.h"

#define CHALLENGE "0102030405060708"

static struct download fresh(struct bed *b)
{
    struct download d;
    d.aid = isdp_with_keys(b, &d.keys);
    https_open(b);
    return d;
}

static struct span run(struct bed *b, const struct download *d, struct span tlvs)
{
    return https_script(b, &d->aid, tlv_script(b, tlvs));
}

static struct span join(struct bed *b, struct span first, struct span second)
{
    struct writer w = room(b, first.len + second.len);
    wr_bytes(&w, first);
    wr_bytes(&w, second);
    return wr_span(&w);
}

/* Our side of a session that the card has not answered yet: the challenge follows from the counter. */
static void foretell(struct bed *b, struct download *d, uint32_t counter)
{
    uint8_t challenge[8];
    struct span host = hexf(b, CHALLENGE);
    need_ok(b, scp03_card_challenge(&d->keys, counter, aid_span(&d->aid), challenge), "card challenge");
    need_ok(b, scp03_session_derive(&d->keys, host.ptr, challenge, &d->session), "session keys");
}

static void need_item(struct bed *b, struct span results, size_t n, const char *hex, const char *what)
{
    need_span(b, scp03t_tlv(b, results, n), hexf(b, "%s", hex), what);
}

/* What any error of SCP03t does: the channel is closed, a good 86 comes too late. */
static void need_dead(struct bed *b, struct download *d)
{
    struct span package = test_package(b, 0, 0);
    need_item(b, run(b, d, download_segment_tlv(b, d, span_sub(package, 0, 500))), 0, "9F460102", "a good 86 after it");
}

static struct span spoiled(struct bed *b, struct span s, size_t at)
{
    struct writer w = room(b, s.len);
    wr_bytes(&w, s);
    w.buf[at] ^= 0x01;
    return wr_span(&w);
}

/* ---- 84, 85 ---- */

static void without_keys(struct bed *b)
{
    struct download d = { .aid = isdp_make(b) };
    https_open(b);
    struct span answer = run(b, &d, hexf(b, "840A 3000 " CHALLENGE "8511 33 0000000000000000 0000000000000000"));
    need_item(b, answer, 0, "9F440103", "84 to an ISD-P without keys");
    need(b, scp03t_tlv_count(b, answer) == 1, "the 85 behind it is answered");
    https_end(b);
    struct download e = fresh(b);
    answer = run(b, &e, hexf(b, "840A 3100 " CHALLENGE "8511 33 0000000000000000 0000000000000000"));
    need_item(b, answer, 0, "9F440103", "84 for KVN 31");
    need(b, scp03t_tlv_count(b, answer) == 1, "the 85 behind it is answered");
}

static void update_too_short(struct bed *b)
{
    struct download d = fresh(b);
    need_item(b, run(b, &d, hexf(b, "8409 3000 01020304050607")), 0, "9F440101", "84 of 9 octets");
}

static void wrong_cryptogram(struct bed *b)
{
    struct download d = fresh(b);
    foretell(b, &d, 1);
    d.session.host_cryptogram[3] ^= 0x10;
    struct span ea = download_authenticate_tlv(b, &d);
    struct span answer = run(b, &d, join(b, hexf(b, "840A 3000 " CHALLENGE), ea));
    need(b, scp03t_tlv(b, answer, 0).len && scp03t_tlv(b, answer, 0).ptr[0] == 0x84, "84 is not answered");
    need_item(b, answer, 1, "9F450102", "85 with a wrong cryptogram");
    need_item(b, run(b, &d, download_segment_tlv(b, &d, hexf(b, "A000"))), 0, "9F460102", "an 86 after it");
}

/* 85 with another security level, its MAC right. */
static void wrong_level(struct bed *b)
{
    struct download d = fresh(b);
    uint8_t mac[CMAC_LEN];
    download_initialize(b, &d);
    struct span head = hexf(b, "8511 01 %s", hex_of(b, SPAN_OF(d.session.host_cryptogram)));
    struct span input = hexf(b, "00000000000000000000000000000000 %s", hex_of(b, head));
    need_ok(b, cmac((struct span){ d.session.s_mac, 16 }, input, mac), "CMAC");
    struct span answer = run(b, &d, join(b, head, (struct span){ mac, 8 }));
    struct span got = scp03t_tlv(b, answer, 0);
    need(b, span_eq(got, hexf(b, "9F450102")) || span_eq(got, hexf(b, "9F450101")), "85 of level 01 is answered %s",
         hex_of(b, got));
    (void)download_authenticate_tlv(b, &d); /* our side goes on as if it had been right */
    need_dead(b, &d);
}

static void precomputed(struct bed *b)
{
    struct download d = fresh(b);
    foretell(b, &d, 1);
    struct span answer = run(b, &d, join(b, hexf(b, "840A 3000 " CHALLENGE), download_authenticate_tlv(b, &d)));
    need(b, scp03t_tlv_count(b, answer) == 2, "%zu answers instead of 2", scp03t_tlv_count(b, answer));
    need(b, scp03t_tlv(b, answer, 0).len == 34, "84 is answered %s", hex_of(b, scp03t_tlv(b, answer, 0)));
    need_item(b, answer, 1, "8500", "85");
}

/* ---- 86 ---- */

static void wrong_mac(struct bed *b)
{
    struct download d = fresh(b);
    struct span package = test_package(b, 0, 0);
    download_open(b, &d);
    struct span tlv = download_segment_tlv(b, &d, span_sub(package, 0, 500));
    need_item(b, run(b, &d, spoiled(b, tlv, tlv.len - 1)), 0, "9F460102", "86 with a wrong MAC");
    need_item(b, run(b, &d, tlv), 0, "9F460102", "the right one after it");
}

static void replayed(struct bed *b)
{
    struct download d = fresh(b);
    struct span package = test_package(b, 0, 0);
    download_open(b, &d);
    struct span tlv = download_segment_tlv(b, &d, span_sub(package, 0, 500));
    need_item(b, run(b, &d, tlv), 0, "8600", "86");
    need_item(b, run(b, &d, tlv), 0, "9F460102", "the same 86 again");
}

/* The first 86 made by hand: ICV = AES(S-ENC, 1), CBC, MAC over the chain that 85 left. */
static void first_segment(struct bed *b)
{
    struct download d = fresh(b);
    struct span package = test_package(b, 0, 0), s_enc = { d.session.s_enc, 16 };
    uint8_t icv[16], counter[16] = { [15] = 1 }, mac[CMAC_LEN];
    uint8_t enc[512] = { 0 };
    download_open(b, &d);
    s_enc.ptr = d.session.s_enc;
    need_ok(b, aes_ecb_encrypt(s_enc, SPAN_OF(counter), icv), "AES");
    memcpy(enc, package.ptr, 500);
    enc[500] = 0x80;
    need_ok(b, aes_cbc_encrypt(s_enc, icv, SPAN_OF(enc), enc), "AES");
    struct writer tlv = room(b, 600);
    wr_bytes(&tlv, hexf(b, "86820208"));
    wr_bytes(&tlv, SPAN_OF(enc));
    const struct span parts[] = { SPAN_OF(d.session.chain), wr_span(&tlv) };
    need_ok(b, cmac_parts((struct span){ d.session.s_mac, 16 }, parts, 2, mac), "CMAC");
    wr_bytes(&tlv, (struct span){ mac, 8 });
    need_item(b, run(b, &d, wr_span(&tlv)), 0, "8600", "the first 86, made by hand");
    memcpy(d.session.chain, mac, 16);
    d.session.counter = 1;
    need_span(b, download_package(b, &d, span_from(package, 500)), hexf(b, "3007A0053003800100"), "EUICCResponse");
}

static void long_segments(struct bed *b)
{
    struct download d = fresh(b);
    struct span package = test_package(b, 0, 2000);
    download_open(b, &d);
    struct span first = download_segment_tlv(b, &d, span_sub(package, 0, 1007));
    need(b, first.len == 1020, "the runner's segment has %zu octets", first.len);
    need_item(b, run(b, &d, first), 0, "8600", "86 of 1020 octets");
    struct span second = download_segment_tlv(b, &d, span_sub(package, 1007, 1039));
    need(b, second.len == 1052, "the runner's segment has %zu octets", second.len);
    need_item(b, run(b, &d, second), 0, "8600", "86 82 0418");
    need_span(b, download_package(b, &d, span_from(package, 2046)), hexf(b, "3007A0053003800100"), "EUICCResponse");
}

static void odd_length(struct bed *b)
{
    struct download d = fresh(b);
    download_open(b, &d);
    struct span answer = run(b, &d, hexf(b, "8614 000102030405060708090A0B 1011121314151617"));
    need_item(b, answer, 0, "9F460101", "86 of 12 + 8 octets");
    need_dead(b, &d);
}

static uint32_t counter_shown(struct bed *b, struct download *d)
{
    struct span answer = scp03t_tlv(b, run(b, d, hexf(b, "840A 3000 " CHALLENGE)), 0), value;
    need(b, tlv_find(answer, 0x84, &value) && value.len == 32, "84 is answered %s", hex_of(b, answer));
    return (uint32_t)value.ptr[29] << 16 | (uint32_t)value.ptr[30] << 8 | value.ptr[31];
}

static void sequence_counter(struct bed *b)
{
    struct download d = fresh(b);
    need(b, counter_shown(b, &d) == 1, "the first session does not show 000001");
    foretell(b, &d, 2);
    d.session.host_cryptogram[0] ^= 1;
    (void)run(b, &d, join(b, hexf(b, "840A 3000 " CHALLENGE), download_authenticate_tlv(b, &d)));
    https_end(b);
    terminal_power_cycle(b);
    https_open(b);
    struct span data = scp03_update(b, &d); /* 80 50 */
    need(b, data.len == 32 && data.ptr[31] == 3, "80 50 shows %s after two sessions",
         hex_of(b, span_from(data, data.len - 3)));
    need(b, counter_shown(b, &d) == 4, "84 after 80 50 does not show 000004");
    https_end(b);
    d.keys = isdp_keys(b, &d.aid);
    https_open(b);
    need(b, counter_shown(b, &d) == 1, "new keys do not begin with 000001");
}

static void whole_profile(struct bed *b)
{
    struct download d = fresh(b);
    struct span package = test_package(b, 0, 0);
    download_open(b, &d);
    need_span(b, download_package(b, &d, package), hexf(b, "3007A0053003800100"), "EUICCResponse");
    https_end(b);
    need(b, isdp_state(b, &d.aid) == ISDP_DISABLED, "the profile is not DISABLED");
}

/* An element nobody knows, marked as mandatory, in front of the End. */
static void unsupported_element(struct bed *b)
{
    struct download d = fresh(b);
    struct span package = test_package(b, 0, 0);
    struct span most = span_sub(package, 0, package.len - 9); /* the End: AA 07 A0 05 80 00 81 01 nn */
    need(b, package.ptr[most.len] == 0xAA, "the runner's profile has no End");
    struct span unknown = hexf(b, "BF6E07 A005 8000 810150");
    struct span whole = join(b, join(b, most, unknown), span_from(package, most.len));
    download_open(b, &d);
    struct span response = SPAN_NONE;
    for (size_t at = 0; at < whole.len && !response.len; at += SCP03T_PLAIN_MAX) {
        struct span tlv = download_segment_tlv(b, &d, span_sub(whole, at, SCP03T_PLAIN_MAX));
        response = download_response(b, &d, run(b, &d, tlv));
    }
    https_end(b);
    struct span statuses, one, status;
    need(b, tlv_find(response, 0x30, &statuses), "no EUICCResponse: %s", hex_of(b, response));
    bool told = false;
    if (tlv_find(statuses, 0xA0, &one)) {
        struct reader r = rd_of(one);
        struct tlv t;
        while (tlv_next(&r, &t))
            told = told || (tlv_find(t.val, 0x80, &status) && status.len == 1 && status.ptr[0] == 1);
    }
    need(b, told, "no PEStatus 1: %s", hex_of(b, response));
    need(b, isdp_state(b, &d.aid) == ISDP_PERSONALIZED, "the ISD-P is not PERSONALIZED any more");
}

/* ---- 87 ---- */

static void replace_keys(struct bed *b)
{
    struct download d = fresh(b);
    struct span package = test_package(b, 0, 0);
    struct scp03t_replacement r = { .has_chain = true };
    struct writer w = room(b, 128);
    memset(r.chain, 0xC0, 16);
    memset(r.enc, 0xC1, 16);
    memset(r.mac, 0xC2, 16);
    memset(r.rmac, 0xC3, 16);
    download_open(b, &d);
    need_ok(b, scp03t_replace_keys_write(&d.session, &r, &w), "87");
    need_item(b, run(b, &d, wr_span(&w)), 0, "8700", "87");
    need_span(b, download_package(b, &d, package), hexf(b, "3007A0053003800100"), "EUICCResponse under the new keys");
}

/* A good 87 by form, its content 40 octets: no set of keys. */
static void replace_keys_wrong_length(struct bed *b)
{
    struct download d = fresh(b);
    uint8_t counter[16] = { [15] = 1 }, icv[16], mac[CMAC_LEN], enc[48];
    struct writer tlv = room(b, 80);
    memset(enc, 0x5A, sizeof enc);
    enc[40] = 0x80;
    memset(enc + 41, 0, 7);
    download_open(b, &d);
    struct span s_enc = { d.session.s_enc, 16 };
    need_ok(b, aes_ecb_encrypt(s_enc, SPAN_OF(counter), icv), "AES");
    need_ok(b, aes_cbc_encrypt(s_enc, icv, SPAN_OF(enc), enc), "AES");
    wr_bytes(&tlv, hexf(b, "8738"));
    wr_bytes(&tlv, SPAN_OF(enc));
    const struct span parts[] = { SPAN_OF(d.session.chain), wr_span(&tlv) };
    need_ok(b, cmac_parts((struct span){ d.session.s_mac, 16 }, parts, 2, mac), "CMAC");
    wr_bytes(&tlv, (struct span){ mac, 8 });
    need_item(b, run(b, &d, wr_span(&tlv)), 0, "9F470101", "87 with keys of another length");
    memcpy(d.session.chain, mac, sizeof mac);
    d.session.counter = 1;
    need_dead(b, &d);
}

/* ---- SCP03 with APDUs ---- */

static void put_key(struct bed *b)
{
    struct download d = fresh(b);
    bool mac;
    need_sw(b, scp03_open(b, &d), 0x9000, "EXTERNAL AUTHENTICATE");
    struct span command = put_token_key(b, &d.session, 0);
    struct rapdu r = scp03_command(b, &d, command, &mac);
    need_sw(b, r.sw, 0x9000, "PUT KEY");
    need(b, mac, "no R-MAC");
    need_span(b, r.data, hexf(b, "70 %s", hex_of(b, span_sub(command, 5 + 21, 3))), "KVN and check value");
}

static void connectivity(struct bed *b)
{
    struct download d;
    bool mac, seen = false;
    d.aid = profile_make(b, 0, &d.keys);
    https_open(b);
    need_sw(b, scp03_open(b, &d), 0x9000, "EXTERNAL AUTHENTICATE");
    struct rapdu r = scp03_command(b, &d, hexf(b, "80E288000E 3A070B A009 0607 913336990821F3"), &mac);
    need_sw(b, r.sw, 0x9000, "STORE DATA 3A07");
    need(b, mac && r.data.len == 0, "the answer is not an R-MAC alone");
    https_end(b);
    b->terminal.serviced = true;
    forget_messages(b);
    need_sw(b, isdr_sw(b, profile_command(b, 0x3A03, &d.aid)), 0x9000, "EnableProfile");
    for (size_t i = 0; i < b->terminal.sms_count; i++)
        seen = seen || span_eq((struct span){ b->terminal.sms[i].centre, b->terminal.sms[i].centre_len },
                               hexf(b, "913336990821F3"));
    need(b, seen, "no message goes through the new service centre");
}

static void wrong_c_mac(struct bed *b)
{
    struct download d = fresh(b);
    struct span command = hexf(b, "80E288000E 3A070B A009 0607 913336990821F3");
    struct capdu c;
    struct writer w = room(b, 100);
    bool mac;
    need_sw(b, scp03_open(b, &d), 0x9000, "EXTERNAL AUTHENTICATE");
    struct scp03_session before = d.session;
    need_ok(b, capdu_parse(command, &c), "command");
    need_ok(b, scp03_wrap(&before, &c, &w), "SCP03");
    need_sw(b, isdp_apdu(b, &d.aid, spoiled(b, wr_span(&w), w.len - 1)).sw, 0x6982, "a wrong C-MAC");
    need_sw(b, scp03_command(b, &d, command, &mac).sw, 0x6985, "the right one after it");
}

static void authenticate_wrong(struct bed *b)
{
    struct download d = fresh(b);
    struct writer w = room(b, 64);
    bool mac;
    (void)scp03_update(b, &d);
    d.session.host_cryptogram[5] ^= 0x20;
    need_ok(b, scp03_external_authenticate_write(&d.session, SCP03_LEVEL_FULL, &w), "EXTERNAL AUTHENTICATE");
    need_sw(b, isdp_apdu(b, &d.aid, wr_span(&w)).sw, 0x6982, "a wrong host cryptogram");
    need_sw(b, scp03_command(b, &d, hexf(b, "80E288000E 3A070B A009 0607 913336990821F3"), &mac).sw, 0x6985,
            "a wrapped command after it");
}

static void authenticate_first(struct bed *b)
{
    struct download d = fresh(b);
    struct span ea = hexf(b, "8482330010 0000000000000000 0000000000000000");
    need_sw(b, isdp_apdu(b, &d.aid, ea).sw, 0x6A86, "EXTERNAL AUTHENTICATE alone");
}

static uint16_t by_sms(struct bed *b, const struct aid *aid, struct span capdu)
{
    return result_at(b, script_sms(b, aid_tar(aid), script_of(b, RAM_DEFINITE, capdu)), 0).sw;
}

static void three_messages(struct bed *b)
{
    struct download d;
    struct capdu c;
    struct writer ea = room(b, 64), w = room(b, 100);
    d.aid = isdp_with_keys(b, &d.keys);
    foretell(b, &d, 1);
    need_ok(b, scp03_external_authenticate_write(&d.session, SCP03_LEVEL_FULL, &ea), "EXTERNAL AUTHENTICATE");
    need_ok(b, capdu_parse(hexf(b, "80E288000E 3A070B A009 0607 913336990821F3"), &c), "command");
    need_ok(b, scp03_wrap(&d.session, &c, &w), "SCP03");
    need_sw(b, by_sms(b, &d.aid, hexf(b, "8050300008 " CHALLENGE "00")), 0x9000, "INITIALIZE UPDATE");
    need_sw(b, by_sms(b, &d.aid, wr_span(&ea)), 0x6A86, "EXTERNAL AUTHENTICATE in the second message");
    need_sw(b, by_sms(b, &d.aid, wr_span(&w)), 0x6985, "STORE DATA in the third");
}

static void one_session(struct bed *b)
{
    struct download d = fresh(b);
    struct writer ea = room(b, 64), w = room(b, 200);
    struct ram_script s;
    bool mac;
    foretell(b, &d, 1);
    need_ok(b, scp03_external_authenticate_write(&d.session, SCP03_LEVEL_FULL, &ea), "EXTERNAL AUTHENTICATE");
    ram_script_open(&s, &w, RAM_INDEFINITE);
    ram_script_capdu(&s, hexf(b, "8050300008 " CHALLENGE "00"));
    ram_script_capdu(&s, wr_span(&ea));
    ram_script_close(&s);
    struct span answer = https_script(b, &d.aid, wr_span(&w));
    need_sw(b, result_at(b, answer, 1).sw, 0x9000, "EXTERNAL AUTHENTICATE");
    need_sw(b, scp03_command(b, &d, hexf(b, "80E288000E 3A070B A009 0607 913336990821F3"), &mac).sw, 0x9000,
            "STORE DATA in the next script");
}

static void put_key_refused(struct bed *b)
{
    struct download d = fresh(b);
    bool mac;
    need_sw(b, scp03_open(b, &d), 0x9000, "EXTERNAL AUTHENTICATE");
    struct rapdu r = scp03_command(b, &d, put_token_key(b, &d.session, 1), &mac);
    need_sw(b, r.sw, 0x9485, "a wrong check value");
    need(b, r.data.len == 0, "the refusal has data");
    https_end(b);
    https_open(b);
    need_sw(b, scp03_open(b, &d), 0x9000, "EXTERNAL AUTHENTICATE");
    need_sw(b, scp03_command(b, &d, put_token_key(b, &d.session, 0), &mac).sw, 0x9000, "PUT KEY");
    r = scp03_command(b, &d, put_token_key(b, &d.session, 0), &mac);
    need_sw(b, r.sw, 0x6A80, "the same KVN added again");
    need(b, r.data.len == 0, "the refusal has data");
}

static const struct case_def scp03t_cases[] = {
    { 29, "scp03t", "INITIALIZE UPDATE for keys that are not there", "6.3", without_keys },
    { 30, "scp03t", "INITIALIZE UPDATE of 9 octets", "6.3", update_too_short },
    { 31, "scp03t", "EXTERNAL AUTHENTICATE wrong cryptogram", "6.3", wrong_cryptogram },
    { 32, "scp03t", "EXTERNAL AUTHENTICATE level 01", "6.3", wrong_level },
    { 33, "scp03t", "86 wrong MAC", "6.3", wrong_mac },
    { 34, "scp03t", "86 replayed", "6.3", replayed },
    { 35, "scp03t", "86 first command: counter 1, ICV, chain", "6.3", first_segment },
    { 36, "scp03t", "86 of 1020 and of 1052 octets", "6.3", long_segments },
    { 37, "scp03t", "86 not whole blocks", "6.3", odd_length },
    { 38, "scp03t", "84 and 85 computed beforehand in one script", "6.2", precomputed },
    { 39, "scp03t", "sequence counter", "1.5", sequence_counter },
    { 40, "scp03t", "whole profile", "6.3", whole_profile },
    { 41, "scp03t", "unsupported mandatory element", "6.3", unsupported_element },
    { 42, "scp03t", "87 new session keys", "6.3", replace_keys },
    { 43, "scp03t", "87 wrong length", "6.3", replace_keys_wrong_length },
};
static const struct case_def scp03_cases[] = {
    { 44, "scp03", "PUT KEY of the token key", "6.5", put_key },
    { 45, "scp03", "UpdateConnectivityParameters changes the SMSC", "6.5", connectivity },
    { 46, "scp03", "wrong C-MAC closes the channel", "6.5", wrong_c_mac },
    { 109, "scp03", "EXTERNAL AUTHENTICATE wrong cryptogram", "6.5", authenticate_wrong },
    { 110, "scp03", "EXTERNAL AUTHENTICATE without INITIALIZE UPDATE", "6.5", authenticate_first },
    { 111, "scp03", "three unchained messages", "6.5", three_messages },
    { 112, "scp03", "channel lives in an HTTPS session", "6.5", one_session },
    { 113, "scp03", "PUT KEY wrong check value, existing KVN", "4.5", put_key_refused },
};
const struct case_group scp03t_group = { scp03t_cases, ARRAY_LEN(scp03t_cases) };
const struct case_group scp03_group = { scp03_cases, ARRAY_LEN(scp03_cases) };
