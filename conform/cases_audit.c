/* eUICCCapabilityAudit: SGP.02 4.1.1.7; fact book 4.6. And what a terminal may do locally. */
#include "cases.h"

#define STATUS_MANY 14u

static void status_one(struct bed *b)
{
    struct aid aid = isdp_make(b);
    char *hex = hex_of(b, aid_span(&aid));
    struct rapdu r = isdr(b, hexf(b, "80F2400217 4F10%s 5C034F9F70 00", hex));
    need_sw(b, r.sw, 0x9000, "GET STATUS");
    need(b,
         span_eq(r.data, hexf(b, "E316 4F10%s 9F700107", hex)) || span_eq(r.data, hexf(b, "E316 4F10%s 9F70010F", hex)),
         "GET STATUS: %s", hex_of(b, r.data));
}

static void status_continues(struct bed *b)
{
    size_t seen = 0;
    for (unsigned i = 0; i < STATUS_MANY && b->isdp_count + i < EUICC_PROFILES_MAX - 1; i++)
        (void)isdp_make(b);
    struct writer w = room(b, 200);
    struct ram_script s;
    ram_script_open(&s, &w, RAM_DEFINITE);
    ram_script_capdu(&s, hexf(b, "80F2400208 4F00 5C044F9F7053 00"));
    ram_script_capdu(&s, hexf(b, "80F2400308 4F00 5C044F9F7053 00"));
    ram_script_close(&s);
    struct span answer = script_sms(b, TAR_ISDR, wr_span(&w));
    struct rapdu first = result_at(b, answer, 0), next;
    need_sw(b, first.sw, 0x6310, "GET STATUS of many");
    next = result_at(b, answer, 1);
    need_sw(b, next.sw, 0x9000, "the next occurrence");
    struct es5_isdp_status status;
    for (int i = 0; i < 2; i++) {
        struct reader r = rd_of(i ? next.data : first.data);
        while (es5_isdp_status_next(&r, &status))
            seen++;
    }
    need(b, seen == b->isdp_count + b->made_count, "%zu of %zu ISD-Ps", seen, (size_t)b->isdp_count + b->made_count);
}

static void status_memory(struct bed *b)
{
    struct aid aid = isdp_next(b);
    struct es5_isdp_status status;
    need_sw(b, isdr_sw(b, create_command(b, &aid, "EF06 8304 00008000 C90481020370")), 0x9000, "CreateISDP of 32 KiB");
    struct rapdu r = isdr(b, hexf(b, "80F240021A 4F10%s 5C064F9F70538F91 00", hex_of(b, aid_span(&aid))));
    need_sw(b, r.sw, 0x9000, "GET STATUS");
    struct reader in = rd_of(r.data);
    need(b, es5_isdp_status_next(&in, &status) && status.has_memory && status.has_memory_left,
         "8F or 91 is missing: %s", hex_of(b, r.data));
    need(b, status.memory == 0x8000, "8F is %u", status.memory);
    need(b, status.memory_left <= 0x8000, "91 is %u", status.memory_left);
}

static void status_no_le(struct bed *b)
{
    struct rapdu r = isdr(b, hexf(b, "80F2400207 4F00 5C034F9F70"));
    need_sw(b, r.sw, 0x9000, "GET STATUS without Le");
    need(b, r.data.len == 0, "it has data: %s", hex_of(b, r.data));
}

static void data_memory(struct bed *b)
{
    struct rapdu r = isdr(b, hexf(b, "80CAFF2100"));
    struct span ff21, n, nv, v;
    need_sw(b, r.sw, 0x9000, "GET DATA FF21");
    need(b,
         tlv_find(r.data, 0xFF21, &ff21) && tlv_find(ff21, 0x81, &n) && tlv_find(ff21, 0x82, &nv) &&
             tlv_find(ff21, 0x83, &v),
         "FF21 without 81, 82 or 83: %s", hex_of(b, r.data));
    struct es5_memory m = memory_audit(b);
    need(b, m.applications >= b->isdp_count, "%u applications, and %u ISD-Ps", m.applications, b->isdp_count);
    need(b, m.free_non_volatile > 0 && m.free_volatile > 0, "no memory is free: %s", hex_of(b, r.data));
    note(b, "%u octets free", m.free_non_volatile);
}

static void data_certificate(struct bed *b)
{
    struct rapdu r = isdr(b, hexf(b, "80CABF30045C027F2100"));
    struct span bf30, cert, signature, subject;
    need_sw(b, r.sw, 0x9000, "GET DATA BF30 7F21");
    need(b,
         tlv_find(r.data, 0xBF30, &bf30) && tlv_find(bf30, 0x7F21, &cert) && tlv_find(cert, 0x5F37, &signature) &&
             tlv_find(cert, 0x5F20, &subject),
         "no certificate: %s", hex_of(b, r.data));
    need(b, span_eq(subject, SPAN_OF(b->keys->eid.octets)), "its subject is not the EID");
    if (!b->keys->eum)
        skip(b, "the keys file has no EUM key");
    struct span signed_part = span_sub(cert, 0, (size_t)(signature.ptr - cert.ptr) - 3);
    need_ok(b, ec_verify(b->keys->eum, signed_part, signature), "the EUM's signature");
}

static void data_recognition(struct bed *b)
{
    struct rapdu r = isdr(b, hexf(b, "80CABF30035C016600"));
    bool scp80 = false, scp81 = false;
    need_sw(b, r.sw, 0x9000, "GET DATA BF30 66");
    struct span scp = hexf(b, "640B06092A864886FC6B04");
    for (size_t i = 0; i + scp.len < r.data.len; i++) {
        if (!span_eq(span_sub(r.data, i, scp.len), scp))
            continue;
        scp80 = scp80 || r.data.ptr[i + scp.len] == 0x80;
        scp81 = scp81 || r.data.ptr[i + scp.len] == 0x81;
    }
    need(b, scp80 && scp81, "SCP80 or SCP81 is missing: %s", hex_of(b, r.data));
}

static void data_unknown(struct bed *b)
{
    need_sw(b, isdr_sw(b, hexf(b, "80CABF30045C025FFE00")), 0x6A88, "BF30 with an unknown tag");
    need_sw(b, isdr_sw(b, hexf(b, "80CA5FFE00")), 0x6A88, "an unknown tag");
}

static void wrong_addressee(struct bed *b)
{
    struct aid aid = isdp_make(b);
    need_sw(b, isdr_sw(b, hexf(b, "8050300008 0102030405060708 00")), 0x6A80, "INITIALIZE UPDATE to the ISD-R");
    struct span script = script_of(b, RAM_DEFINITE, hexf(b, "80F2400207 4F00 5C034F9F70 00"));
    need_sw(b, result_at(b, script_sms(b, aid_tar(&aid), script), 0).sw, 0x6A80, "GET STATUS to an ISD-P");
    need_sw(b, isdr_sw(b, hexf(b, "80CABF3000")), 0x6A80, "BF30 without tag list");
}

/* ---- FinaliseISDRhandover ---- */

static struct bed_key third_set(struct bed *b, uint8_t kvn)
{
    struct agreement a = { .scenario = 0x0A, .usage = 0x10, .type = 0x88, .kid = 0x01, .kvn = kvn };
    struct bed_key key = { .kvn = kvn };
    need_sw(b, isdr_agree(b, &a), 0x9000, "3A02 to the ISD-R");
    memcpy(key.kic, a.keys[0], 16);
    memcpy(key.kid, a.keys[1], 16);
    return key;
}

static uint16_t sw_under(struct bed *b, struct bed_key *key, struct span capdu, bool *ret_silent)
{
    struct scp80_header h = packet_header(b, key, TAR_ISDR);
    uint8_t status;
    struct span answer = packet_send(b, key, &h, script_of(b, RAM_DEFINITE, capdu), &status);
    *ret_silent = status == NO_POR;
    return status == SCP80_OK ? result_at(b, answer, 0).sw : 0;
}

/* Two further sets, so that the card's own stays: 03 deletes 02, may not delete itself, and goes at the end. */
static void finalise(struct bed *b)
{
    struct bed_key old = third_set(b, 0x02), new = third_set(b, 0x03);
    bool silent;
    need_sw(b, sw_under(b, &old, hexf(b, "80CAFF2100"), &silent), 0x9000, "KVN 02 before");
    need_sw(b, sw_under(b, &new, hexf(b, "80E4000005 F203020103 00"), &silent), 0x9000, "F2 020103");
    (void)sw_under(b, &old, hexf(b, "80CAFF2100"), &silent);
    need(b, silent, "KVN 02 still works");
    need_sw(b, sw_under(b, &new, hexf(b, "80E4000005 F203030103 00"), &silent), 0x6985, "the current set");
    need_sw(b, sw_under(b, &new, hexf(b, "80E4000005 F203020103 00"), &silent), 0x6A88, "F2 020103 again");
    need_sw(b, isdr_sw(b, hexf(b, "80E4000005 F203030103 00")), 0x9000, "F2 030103 under the card's own set");
}

/* ---- locally ---- */

static void select_isdr(struct bed *b)
{
    WRITER_ON_STACK(ret, TARGET_RAPDU_MAX);
    uint16_t sw = terminal_apdu(b, hexf(b, "00A4040010 A0000005591010FFFFFFFF8900000100 00"), &ret);
    need_sw2(b, sw, 0x9000, 0x6A82, "SELECT ISD-R");
    if (sw == 0x9000) { /* allowed: but not to rule the card */
        sw = terminal_apdu(b, create_command(b, &(struct aid){ { 0 }, 16 }, "C90481020370"), &ret);
        need(b, sw != 0x9000, "CreateISDP from the terminal is carried out");
        sw = terminal_apdu(b, profile_command(b, 0x3A05, &b->enabled), &ret);
        need(b, sw != 0x9000, "SetFallbackAttribute from the terminal is carried out");
        sw = terminal_apdu(b, delete_command(b, &b->enabled), &ret);
        need(b, sw != 0x9000 && sw != 0x6985, "DELETE from the terminal is looked at: %04X", sw);
    }
    note(b, sw == 0x6A82 ? "not selectable" : "selectable, rules nothing");
}

static uint16_t local(struct bed *b, uint16_t dgi)
{
    WRITER_ON_STACK(ret, TARGET_RAPDU_MAX);
    if (terminal_apdu(b, hexf(b, "00A4040010 A0000005591010FFFFFFFF8900000100 00"), &ret) != 0x9000)
        skip(b, "the ISD-R is not selectable by the device");
    return terminal_apdu(b, hexf(b, "80E2880003 %04X00", dgi), &ret);
}

static void emergency_prepare(struct bed *b)
{
    if (b->emergency.len)
        return;
    if (!b->target->restore && !b->keys->disposable)
        skip(b, "no command takes the emergency attribute back, and the card is not disposable");
    struct aid aid = profile_make(b, 0, NULL);
    uint16_t sw = isdr_sw(b, profile_command(b, 0x3A09, &aid));
    if (sw != 0x9000)
        skip(b, "SetEmergencyProfileAttribute gives %04X", sw);
}

static void test_while_emergency(struct bed *b)
{
    emergency_prepare(b);
    uint16_t sw = local(b, 0x3A0A);
    if (sw != 0x9000)
        skip(b, "the card takes no ESx commands from the device: enabling the emergency profile gives %04X", sw);
    terminal_run(b);
    need_sw(b, confirm_sw(b, notification(b).sequence), 0x9000, "HandleNotificationConfirmation");
    need_sw(b, local(b, 0x3A0C), 0x6985, "the test profile while the emergency profile is enabled");
    need_sw(b, local(b, 0x3A0B), 0x9000, "disabling the emergency profile");
    terminal_run(b);
}

static const struct case_def audit_cases[] = {
    { 71, "audit", "GET STATUS of one", "4.6", status_one },
    { 72, "audit", "GET STATUS of more than fits", "4.6", status_continues },
    { 73, "audit", "GET STATUS with 8F and 91", "4.6", status_memory },
    { 74, "audit", "GET DATA FF21", "4.6", data_memory },
    { 75, "audit", "GET DATA BF30 7F21 verifies", "4.6", data_certificate },
    { 76, "audit", "GET DATA BF30 66", "1.7", data_recognition },
    { 77, "audit", "GET DATA unknown tag", "4.6", data_unknown },
    { 118, "audit", "GET STATUS without Le", "4.6", status_no_le },
    { 119, "audit", "wrong addressee, missing data", "4.6", wrong_addressee },
};
static const struct case_def handover_cases[] = {
    { 103, "handover", "FinaliseISDRhandover", "4.9", finalise },
};
static const struct case_def local_cases[] = {
    { 106, "local", "SELECT ISD-R on the basic channel", "10.4", select_isdr },
    { 107, "local", "test profile while emergency is active", "10.4", test_while_emergency },
};
const struct case_group audit_group = { audit_cases, ARRAY_LEN(audit_cases) };
const struct case_group handover_group = { handover_cases, ARRAY_LEN(handover_cases) };
const struct case_group local_group = { local_cases, ARRAY_LEN(local_cases) };
