/* Key establishment of ISD-P and ISD-R: SGP.02 4.1.1.9, 4.1.3.1; fact book 2.6, 3. */
#include "cases.h"

#include "lib/scp/scp81.h"

/* ---- steps, all of them over one HTTPS session ---- */

static void begin(struct bed *b, const struct aid *aid)
{
    https_open(b);
    need_sw(b, isdp_apdu(b, &AID_ISDR, install_perso(b, aid)).sw, 0x9000, "INSTALL [for personalization]");
}

static struct rapdu certificate(struct bed *b, const struct certificate_wish *wish)
{
    struct writer dgi = room(b, 400);
    wr_dgi(&dgi, 0x3A01, certificate_make(b, wish));
    return isdp_apdu(b, &AID_ISDR, store_data(b, 0x09, 0x00, wr_span(&dgi)));
}

static struct span rc_for(struct bed *b, const struct aid *aid)
{
    begin(b, aid);
    return rc_of(b, certificate(b, &(struct certificate_wish){ .role = 0x01 }));
}

static struct rapdu agree(struct bed *b, struct agreement *a, struct span rc)
{
    return isdp_apdu(b, &AID_ISDR, store_data(b, 0x89, 0x01, agreement_dgis(b, a, rc)));
}

static struct scp03_keys keys_of(const struct agreement *a)
{
    struct scp03_keys k = { .kvn = a->kvn, .key_len = 16 };
    memcpy(k.enc, a->keys[0], 16);
    memcpy(k.mac, a->keys[1], 16);
    memcpy(k.dek, a->keys[2], 16);
    return k;
}

/* The whole of it on a new ISD-P; receipt verified, and a channel opens with the keys. */
static struct span establish(struct bed *b, struct agreement *a)
{
    struct download d = { .aid = isdp_make(b) };
    struct span rc = rc_for(b, &d.aid);
    struct rapdu r = agree(b, a, rc);
    need_sw(b, r.sw, 0x9000, "STORE DATA 3A02");
    struct span answer = kept(b, r.data);
    agreement_finish(b, a, answer);
    d.keys = keys_of(a);
    if (a->usage == 0x10)
        download_open(b, &d);
    https_end(b);
    need(b, isdp_state(b, &d.aid) == ISDP_PERSONALIZED, "the ISD-P is not PERSONALIZED");
    return answer;
}

static void refused(struct bed *b, struct agreement *a, uint16_t sw, const char *what)
{
    struct aid aid = isdp_make(b);
    struct span rc = rc_for(b, &aid);
    need_sw(b, agree(b, a, rc).sw, sw, what);
    https_end(b);
    need(b, isdp_state(b, &aid) == ISDP_SELECTABLE, "the ISD-P has keys all the same");
}

static void certificate_refused(struct bed *b, const struct certificate_wish *wish, uint16_t sw, uint16_t other,
                                const char *what)
{
    struct aid aid = isdp_make(b);
    struct agreement a = { AGREEMENT_SCP03 };
    begin(b, &aid);
    struct rapdu r = certificate(b, wish);
    need_sw2(b, r.sw, sw, other, what);
    need(b, r.data.len == 0, "there is an RC all the same");
    need_sw(b, agree(b, &a, hexf(b, "00000000000000000000000000000000")).sw, 0x6985, "3A02 after it");
    https_end(b);
    need(b, isdp_state(b, &aid) == ISDP_SELECTABLE, "the ISD-P is not SELECTABLE any more");
}

/* ---- INSTALL, 3A01 ---- */

static void perso_unknown(struct bed *b)
{
    struct aid aid = aid_isdp(0x00FEDC);
    need_sw2(b, isdr_sw(b, install_perso(b, &aid)), 0x6A88, 0x6A82, "INSTALL for an unknown AID");
}

static void perso_known(struct bed *b)
{
    struct aid aid = isdp_make(b);
    struct rapdu r = isdr(b, install_perso(b, &aid));
    need_sw(b, r.sw, 0x9000, "INSTALL [for personalization]");
    need_span(b, r.data, hexf(b, "00"), "its data");
}

static void challenge_is_fresh(struct bed *b)
{
    struct aid aid = isdp_make(b);
    struct span first = rc_for(b, &aid);
    struct span second = rc_of(b, certificate(b, &(struct certificate_wish){ .role = 0x01 }));
    https_end(b);
    need(b, !span_eq(first, second), "the same RC twice: %s", hex_of(b, first));
}

static void role_of_smsr(struct bed *b)
{
    certificate_refused(b, &(struct certificate_wish){ .role = 0x02 }, 0x6A80, 0x6A80, "C8 02 to an ISD-P");
}

static void bad_certificate_signature(struct bed *b)
{
    certificate_refused(b, &(struct certificate_wish){ .role = 0x01, .bad_signature = true }, 0x6982, 0x6982,
                        "wrong signature");
    certificate_refused(b, &(struct certificate_wish){ .role = 0x01, .short_signature = true }, 0x6982, 0x6982,
                        "signature of 63 octets");
}

static void unknown_ci(struct bed *b)
{
    certificate_refused(b, &(struct certificate_wish){ .role = 0x01, .wrong_authority = true }, 0x6A88, 0x6A80,
                        "C9 of another CI");
}

static void wrong_usage(struct bed *b)
{
    certificate_refused(b, &(struct certificate_wish){ .role = 0x01, .two_octet_usage = true }, 0x6A80, 0x6A80,
                        "key usage 0080");
}

static void expired_is_taken(struct bed *b)
{
    struct aid aid = isdp_make(b);
    begin(b, &aid);
    (void)rc_of(b, certificate(b, &(struct certificate_wish){ .role = 0x01, .expired = true }));
    https_end(b);
}

static void split_in_two(struct bed *b)
{
    struct aid aid = isdp_make(b);
    struct agreement a = { AGREEMENT_SCP03 };
    struct writer dgi = room(b, 400);
    wr_dgi(&dgi, 0x3A01, certificate_make(b, &(struct certificate_wish){ .role = 0x01 }));
    begin(b, &aid);
    struct rapdu r = isdp_apdu(b, &AID_ISDR, store_data(b, 0x09, 0x00, span_sub(wr_span(&dgi), 0, 100)));
    need_sw(b, r.sw, 0x9000, "first block");
    need(b, r.data.len == 0, "RC before the last block");
    struct span rc = rc_of(b, isdp_apdu(b, &AID_ISDR, store_data(b, 0x09, 0x01, span_from(wr_span(&dgi), 100))));
    r = isdp_apdu(b, &AID_ISDR, store_data(b, 0x89, 0x02, agreement_dgis(b, &a, rc)));
    need_sw(b, r.sw, 0x9000, "STORE DATA 3A02");
    agreement_finish(b, &a, kept(b, r.data));
    https_end(b);
}

/* ---- 3A02 ---- */

static void without_certificate(struct bed *b)
{
    struct aid aid = isdp_make(b);
    struct agreement a = { AGREEMENT_SCP03 };
    begin(b, &aid);
    need_sw(b, agree(b, &a, hexf(b, "00000000000000000000000000000000")).sw, 0x6985, "3A02 without 3A01");
    https_end(b);
}

static void wrong_signature(struct bed *b, int signature)
{
    struct aid aid = isdp_make(b);
    struct agreement a = { AGREEMENT_SCP03, .signature = signature }, good = { AGREEMENT_SCP03 };
    struct span rc = rc_for(b, &aid);
    need_sw(b, agree(b, &a, rc).sw, 0x6982, "wrong signature");
    need_sw(b, agree(b, &good, rc).sw, 0x6985, "the RC afterwards");
    https_end(b);
    need(b, isdp_state(b, &aid) == ISDP_SELECTABLE, "the ISD-P has keys all the same");
}

static void wrong_signatures(struct bed *b)
{
    wrong_signature(b, SIGNATURE_WRONG);
    wrong_signature(b, SIGNATURE_63);
}

static void challenge_reused(struct bed *b)
{
    struct aid aid = isdp_make(b);
    struct agreement a = { AGREEMENT_SCP03 }, again = { AGREEMENT_SCP03 };
    struct span rc = rc_for(b, &aid);
    need_sw(b, agree(b, &a, rc).sw, 0x9000, "STORE DATA 3A02");
    need_sw(b, agree(b, &again, rc).sw, 0x6985, "the RC a second time");
    https_end(b);
}

static void no_random(struct bed *b)
{
    struct agreement a = { AGREEMENT_SCP03 };
    struct span answer = establish(b, &a);
    need(b, answer.len == 18 && answer.ptr[0] == 0x86, "the answer is not a receipt alone: %s", hex_of(b, answer));
}

static void with_random(struct bed *b)
{
    struct agreement a = { .scenario = 0x0B, .usage = 0x10, .type = 0x88, .kid = 0x01, .kvn = 0x30 };
    (void)establish(b, &a);
    note(b, "DR of %zu octets", a.dr.len);
}

static void second_replaces_first(struct bed *b)
{
    struct agreement first = { AGREEMENT_SCP03 }, second = { AGREEMENT_SCP03 };
    struct download d = { .aid = isdp_make(b) };
    second.kvn = 0x31;
    struct span rc = rc_for(b, &d.aid);
    struct rapdu r = agree(b, &first, rc);
    need_sw(b, r.sw, 0x9000, "KVN 30");
    rc = rc_of(b, certificate(b, &(struct certificate_wish){ .role = 0x01 }));
    r = agree(b, &second, rc);
    need_sw(b, r.sw, 0x9000, "KVN 31");
    agreement_finish(b, &second, kept(b, r.data));
    d.keys = keys_of(&second);
    struct span answer = https_script(b, &d.aid, tlv_script(b, hexf(b, "840A 3000 0102030405060708")));
    need_span(b, scp03t_tlv(b, answer, 0), hexf(b, "9F440103"), "KVN 30 afterwards");
    download_open(b, &d);
    https_end(b);
}

static void base_key(struct bed *b)
{
    struct agreement a = { .scenario = 0x09, .usage = 0x5C, .type = 0x88, .kid = 0x01, .kvn = 0x30 };
    (void)establish(b, &a);
}

static void host_id(struct bed *b)
{
    struct agreement a = {
        .scenario = 0x0F, .usage = 0x10, .type = 0x88, .kid = 0x01, .kvn = 0x30, .host_id = "484F535431"
    };
    (void)establish(b, &a);
}

static void brainpool_here(struct bed *b)
{
    struct agreement a = { AGREEMENT_SCP03 }, dr = a;
    dr.scenario = 0x0B;
    (void)establish(b, &a);
    (void)establish(b, &dr);
}

/* On the second card, in a bed of its own, which is brought back as it was. */
static void brainpool_there(struct bed *b, struct target *target, struct card_keys *keys)
{
    struct bed *second;
    char detail[BED_DETAIL_MAX];
    need_ok(b, bed_new(target, keys, &second), "a bed for the second card");
    enum case_verdict verdict = bed_guard(second, bed_baseline);
    if (verdict == VERDICT_PASS)
        verdict = bed_guard(second, brainpool_here);
    snprintf(detail, sizeof detail, "%s", second->detail);
    if (bed_guard(second, bed_clean) != VERDICT_PASS && verdict == VERDICT_PASS) {
        verdict = VERDICT_FAIL;
        snprintf(detail, sizeof detail, "afterwards: %.200s", second->detail);
    }
    bed_free(second);
    b->verdict = verdict;
    snprintf(b->detail, sizeof b->detail, "%s%s", verdict == VERDICT_PASS ? "" : "second card: ", detail);
}

static void brainpool(struct bed *b)
{
    struct card_keys keys = { .ci = NULL };
    struct target *other;
    if (b->keys->ecasd_curve == EC_BRAINPOOL_P256R1) {
        brainpool_here(b);
    } else if (b->second.target) {
        need(b, b->second.keys->ecasd_curve == EC_BRAINPOOL_P256R1, "the second card has no brainpool key either");
        brainpool_there(b, b->second.target, b->second.keys);
    } else if (b->target->is_new) {
        need_ok(b, target_soft_new(NULL, &keys, EC_BRAINPOOL_P256R1, &other), "a second card");
        brainpool_there(b, other, &keys);
        other->free(other);
        keys_done(&keys);
    } else {
        skip(b, "the card's ECASD has a P-256 key: give a card with a brainpool key as --second");
    }
}

static void naked_points(struct bed *b)
{
    struct agreement a = { AGREEMENT_SCP03, .point = POINT_NAKED }, bad = { AGREEMENT_SCP03, .point = POINT_NAKED_64 };
    (void)establish(b, &a);
    refused(b, &bad, 0x6982, "7F49 40");
}

static void tag_twice(struct bed *b)
{
    struct agreement a = { AGREEMENT_SCP03, .usage_twice = true };
    refused(b, &a, 0x6A80, "a CRT with 95 twice");
}

static void unknown_key_type(struct bed *b)
{
    struct agreement a = { .scenario = 0x09, .usage = 0x10, .type = 0x77, .kid = 0x01, .kvn = 0x30 };
    refused(b, &a, 0x6A80, "key type 77");
}

static void off_the_curve(struct bed *b)
{
    struct agreement a = { AGREEMENT_SCP03, .point = POINT_OFF_CURVE };
    refused(b, &a, 0x6A80, "a point off the curve");
}

static void point_of_64(struct bed *b)
{
    struct agreement a = { AGREEMENT_SCP03, .point = POINT_64 };
    refused(b, &a, 0x6982, "a point of 64 octets");
}

/* ---- ISD-R ---- */

static void isdr_scp80(struct bed *b)
{
    struct agreement a = { .scenario = 0x0B, .usage = 0x10, .type = 0x88, .kid = 0x01, .kvn = 0x02 };
    struct bed_key key = { .kvn = 0x02 };
    uint8_t status;
    need_sw(b, isdr_agree(b, &a), 0x9000, "3A02 to the ISD-R, KVN 02");
    memcpy(key.kic, a.keys[0], 16);
    memcpy(key.kid, a.keys[1], 16);
    struct scp80_header h = packet_header(b, &key, TAR_ISDR);
    struct span answer = packet_send(b, &key, &h, script_of(b, RAM_DEFINITE, hexf(b, "80CAFF2100")), &status);
    need(b, status == SCP80_OK, "PoR %02X to counter 1 of the new set", status);
    need_sw(b, result_at(b, answer, 0).sw, 0x9000, "GET DATA under the new set");
}

static void isdr_scp81(struct bed *b)
{
    struct agreement a = { .scenario = 0x09, .usage = 0x5C, .type = 0x85, .kid = 0x01, .kvn = 0x41 };
    struct scp81_identity id = { .kid = 0x01, .kvn = 0x41 };
    struct writer text = room(b, SCP81_IDENTITY_MAX), security = room(b, 200), w = room(b, SCP81_TRIGGER_MAX);
    need_sw(b, isdr_agree(b, &a), 0x9000, "3A02 to the ISD-R, KVN 41");
    memcpy(id.eid, b->keys->eid.octets, 16);
    memcpy(id.aid, AID_ISDR.octets, 16);
    scp81_identity_write(&text, &id);
    wr_u8(&security, (uint8_t)text.len);
    wr_bytes(&security, wr_span(&text));
    wr_bytes(&security, hexf(b, "024101"));
    memcpy(b->server.psk, a.keys[0], 16);
    struct scp81_trigger t = { .connection = hexf(b, "350103 39020578 3C03021F9A 3E05210A08288F"),
                               .security = wr_span(&security),
                               .host = SPAN_LIT("sm-sr.example"),
                               .uri = SPAN_LIT("/gsma/adminagent") };
    scp81_trigger_write(&w, &t);
    https_trigger(b, wr_span(&w));
    need(b, b->server.request_count == 1, "no session under KVN 41");
    need(b, strstr(b->server.identity, "820101830141") != NULL, "PSK identity %s", b->server.identity);
    https_end(b);
}

static const struct case_def cases[] = {
    { 8, "keys", "INSTALL for perso, unknown AID", "3.2", perso_unknown },
    { 9, "keys", "INSTALL for perso, valid", "3.2", perso_known },
    { 10, "keys", "3A01 valid, RC fresh each time", "2.6", challenge_is_fresh },
    { 11, "keys", "3A01 certificate of an SM-SR to an ISD-P", "2.6", role_of_smsr },
    { 12, "keys", "3A01 bad signature, 63 octets", "2.6", bad_certificate_signature },
    { 13, "keys", "3A01 unknown CI", "2.6", unknown_ci },
    { 14, "keys", "3A01 expired is accepted", "2.6", expired_is_taken },
    { 15, "keys", "3A01 in two blocks", "3.3", split_in_two },
    { 16, "keys", "3A02 without 3A01", "3.8", without_certificate },
    { 17, "keys", "3A02 wrong signature, 63 octets", "3.8", wrong_signatures },
    { 18, "keys", "3A02 RC reused", "3.8", challenge_reused },
    { 19, "keys", "3A02 without DR", "3.6", no_random },
    { 20, "keys", "3A02 with DR", "3.6", with_random },
    { 21, "keys", "3A02 twice, second KVN replaces first", "3.4", second_replaces_first },
    { 22, "keys", "3A02 base key", "3.6", base_key },
    { 23, "keys", "3A02 brainpoolP256r1", "2.4", brainpool },
    { 24, "keys", "3A02 naked point of 65 and of 64 octets", "3.4", naked_points },
    { 25, "keys", "3A02 Host ID", "3.6", host_id },
    { 26, "keys", "3A02 unknown key type", "3.8", unknown_key_type },
    { 27, "keys", "3A02 to the ISD-R, SCP80 set usable", "3.7", isdr_scp80 },
    { 28, "keys", "3A02 to the ISD-R, PSK usable", "3.7", isdr_scp81 },
    { 115, "keys", "3A02 point off the curve", "3.8", off_the_curve },
    { 116, "keys", "3A02 point of 64 octets", "3.8", point_of_64 },
    { 117, "keys", "3A01 key usage 0080", "2.6", wrong_usage },
    { 127, "keys", "3A02 a tag twice", "3.4", tag_twice },
};
const struct case_group keys_group = { cases, ARRAY_LEN(cases) };
