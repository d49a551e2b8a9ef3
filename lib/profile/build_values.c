/* What is made of the subscriber's data: codings of TS 31.102, TS 24.008, TS 23.003 and SGP.02. */
#include "build_private.h"

#include "access_rules.h"

#define SMSP_RECORD_LEN   38u
#define MSISDN_RECORD_LEN 24u
#define SPN_LEN           17u
#define IMSI_DIGITS_MAX   15u
#define NAME_MAX_LEN      255u

static struct span need(struct build *b, const char *name)
{
    struct span value = build_variable(b, name);
    if (!value.ptr)
        build_fail(b, ERR_MISSING, "the variable %s is needed", name);
    return value;
}

static struct span digits_of(struct build *b, const char *name, size_t min, size_t max)
{
    struct span value = need(b, name);
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            build_fail(b, ERR_BAD_VALUE, "%s: digits only", name);
    if (value.len < min || value.len > max)
        build_fail(b, ERR_BAD_LENGTH, "%s: %zu to %zu digits", name, min, max);
    return value;
}

static struct span hexed(struct build *b, struct span octets)
{
    char *text = hex_arena(b->a, octets);
    if (!text)
        build_fail(b, ERR_NO_SPACE, "no memory");
    return text ? span_text(text) : SPAN_LIT("");
}

/* Check digit of the digits before it. */
static uint8_t luhn(struct span digits)
{
    unsigned sum = 0;
    for (size_t i = 0; i < digits.len; i++) {
        unsigned d = digits.ptr[digits.len - 1 - i] - '0';
        d = i % 2 == 0 ? 2 * d : d;
        sum += d > 9 ? d - 9 : d;
    }
    return (uint8_t)('0' + (10 - sum % 10) % 10);
}

/* 18 digits get their check digit; 19 or 20 are taken as they are. */
static struct span bcd_iccid(struct build *b, bool swapped)
{
    struct span digits = digits_of(b, "iccid", 18, 20);
    struct writer text = wr_arena(b->a, 20);
    wr_bytes(&text, digits);
    if (digits.len == 18)
        wr_u8(&text, luhn(digits));
    wr_fill(&text, 'F', 20 - text.len);
    uint8_t *octets = arena_alloc(b->a, PROFILE_ICCID_LEN);
    size_t len = 0;
    if (!octets || bcd_read(wr_span(&text), swapped, octets, PROFILE_ICCID_LEN, &len) != ERR_NONE)
        build_fail(b, ERR_BAD_VALUE, "iccid: not a number of this kind");
    return (struct span){ octets, len };
}

struct span build_iccid(struct build *b) { return bcd_iccid(b, false); }
static struct span ef_iccid(struct build *b) { return hexed(b, bcd_iccid(b, true)); }

/* TS 31.102 4.2.2: length, parity and the first digit, the others swapped. */
static struct span imsi_octets(struct build *b, struct span digits)
{
    WRITER_ON_STACK(text, 18);
    uint8_t octets[9] = { 0 };
    size_t len = 0;
    wr_u8(&text, digits.len % 2 ? '9' : '1');
    wr_bytes(&text, digits);
    wr_fill(&text, 'F', 16 - text.len);
    if (b->err == ERR_NONE && bcd_read(wr_span(&text), true, octets + 1, 8, &len) != ERR_NONE)
        build_fail(b, ERR_BAD_VALUE, "imsi: not a number of this kind");
    octets[0] = (uint8_t)(digits.len / 2 + 1);
    return arena_copy(b->a, SPAN_OF(octets));
}

static struct span ef_imsi(struct build *b)
{
    return hexed(b, imsi_octets(b, digits_of(b, "imsi", 6, IMSI_DIGITS_MAX)));
}

struct span build_imsi(struct build *b, struct span digits)
{
    if (digits.len < 6 || digits.len > IMSI_DIGITS_MAX)
        build_fail(b, ERR_BAD_VALUE, "an IMSI has 6 to %u digits", IMSI_DIGITS_MAX);
    return b->err == ERR_NONE ? imsi_octets(b, digits) : SPAN_NONE;
}

/* The access class is the last digit of the IMSI. */
static struct span ef_acc(struct build *b)
{
    struct span digits = digits_of(b, "imsi", 6, IMSI_DIGITS_MAX);
    unsigned bits = b->err == ERR_NONE ? 1u << (digits.ptr[digits.len - 1] - '0') : 0;
    return hexed(b, (struct span){ (uint8_t[]){ (uint8_t)(bits >> 8), (uint8_t)bits }, 2 });
}

static unsigned mnc_length(struct build *b)
{
    uint32_t len = build_number(b, need(b, "mnc-length"));
    if (len != 2 && len != 3)
        build_fail(b, ERR_BAD_VALUE, "mnc-length: 2 or 3");
    return len == 3 ? 3 : 2;
}

static struct span ef_ad(struct build *b)
{
    return hexed(b, (struct span){ (uint8_t[]){ 0, 0, 0, (uint8_t)mnc_length(b) }, 4 });
}

/* The HPLMN as in PLMN lists (TS 24.008): three octets. */
static struct span hplmn(struct build *b)
{
    struct span imsi = digits_of(b, "imsi", 6, IMSI_DIGITS_MAX);
    unsigned mnc = mnc_length(b);
    if (b->err != ERR_NONE)
        return SPAN_LIT("");
    uint8_t d[6], third = mnc == 3 ? imsi.ptr[5] - '0' : 0x0F;
    for (unsigned i = 0; i < 5; i++)
        d[i] = imsi.ptr[i] - '0';
    return hexed(b, (struct span){ (uint8_t[]){ (uint8_t)(d[1] << 4 | d[0]), (uint8_t)(third << 4 | d[2]),
                                                (uint8_t)(d[4] << 4 | d[3]) },
                                   3 });
}

/* TON and NPI, then swapped digits; a + in front says international. */
static void wr_number(struct build *b, struct writer *w, struct span number, size_t octets)
{
    bool international = number.len && number.ptr[0] == '+';
    struct span digits = span_from(number, international ? 1 : 0);
    uint8_t bcd[10];
    size_t len = 0;
    if (digits.len == 0 || bcd_read(digits, true, bcd, sizeof bcd, &len) != ERR_NONE || len > octets) {
        build_fail(b, ERR_BAD_VALUE, "not a telephone number: %.*s", (int)number.len, (const char *)number.ptr);
        return;
    }
    wr_u8(w, international ? 0x91 : 0x81);
    wr_bytes(w, (struct span){ bcd, len });
    wr_fill(w, 0xFF, octets - len);
}

static size_t number_octets(struct span number)
{
    size_t digits = number.len - (number.len && number.ptr[0] == '+' ? 1 : 0);
    return (digits + 1) / 2;
}

/* EF.SMSP, one record: the service centre's address is there, everything else is not (TS 31.102 4.2.27). */
static struct span ef_smsp(struct build *b)
{
    struct span smsc = need(b, "smsc");
    WRITER_ON_STACK(w, SMSP_RECORD_LEN);
    wr_fill(&w, 0xFF, SMSP_RECORD_LEN - 28);
    wr_u8(&w, 0xFD);
    wr_fill(&w, 0xFF, 12);
    wr_u8(&w, (uint8_t)(number_octets(smsc) + 1));
    wr_number(b, &w, smsc, 10);
    wr_fill(&w, 0xFF, 3);
    return hexed(b, wr_span(&w));
}

static struct span ef_msisdn(struct build *b)
{
    struct span msisdn = need(b, "msisdn");
    WRITER_ON_STACK(w, MSISDN_RECORD_LEN);
    wr_fill(&w, 0xFF, MSISDN_RECORD_LEN - 14);
    wr_u8(&w, (uint8_t)(number_octets(msisdn) + 1));
    wr_number(b, &w, msisdn, 10);
    wr_fill(&w, 0xFF, 2);
    return hexed(b, wr_span(&w));
}

static struct span ef_spn(struct build *b)
{
    struct span name = need(b, "spn");
    WRITER_ON_STACK(w, SPN_LEN);
    wr_u8(&w, 0x01);
    wr_bytes(&w, name);
    wr_fill(&w, 0xFF, w.len < SPN_LEN ? SPN_LEN - w.len : 0);
    if (w.err != ERR_NONE)
        build_fail(b, ERR_TOO_LONG, "spn: at most 16 characters");
    return hexed(b, wr_span(&w));
}

/* SGP.02 connectivity parameters: A0 { 06 service centre }, A2 { 35 bearer, 47 network access name }. */
static struct span connectivity(struct build *b)
{
    struct span smsc = build_variable(b, "smsc"), apn = build_variable(b, "apn");
    WRITER_ON_STACK(w, NAME_MAX_LEN);
    if (smsc.len) {
        size_t outer = wr_tlv_open(&w, 0xA0), inner = wr_tlv_open(&w, 0x06);
        wr_number(b, &w, smsc, number_octets(smsc));
        wr_tlv_close(&w, inner);
        wr_tlv_close(&w, outer);
    }
    if (apn.len) {
        size_t outer = wr_tlv_open(&w, 0xA2);
        wr_tlv_u8(&w, 0x35, 0x03);
        size_t name = wr_tlv_open(&w, 0x47);
        for (struct span rest = apn; rest.len;) { /* DNS labels */
            const uint8_t *dot = memchr(rest.ptr, '.', rest.len);
            size_t len = dot ? (size_t)(dot - rest.ptr) : rest.len;
            wr_u8(&w, (uint8_t)len);
            wr_bytes(&w, span_sub(rest, 0, len));
            rest = span_from(rest, len + 1);
        }
        wr_tlv_close(&w, name);
        wr_tlv_close(&w, outer);
    }
    if (w.err != ERR_NONE)
        build_fail(b, ERR_TOO_LONG, "connectivity parameters are too long");
    return hexed(b, wr_span(&w));
}

/* ims.mnc010.mcc901.3gppnetwork.org, with or without the IMSI in front (TS 23.003 13.2). */
static struct span ims_name(struct build *b, const char *before, bool with_imsi)
{
    struct span imsi = digits_of(b, "imsi", 6, IMSI_DIGITS_MAX);
    unsigned mnc = mnc_length(b);
    if (b->err != ERR_NONE)
        return SPAN_LIT("");
    char *text = arena_printf(b->a, "%s%.*s%sims.mnc%s%.*s.mcc%.3s.3gppnetwork.org", before,
                              with_imsi ? (int)imsi.len : 0, (const char *)imsi.ptr, with_imsi ? "@" : "",
                              mnc == 2 ? "0" : "", (int)mnc, (const char *)imsi.ptr + 3, (const char *)imsi.ptr);
    struct writer w = wr_arena(b->a, NAME_MAX_LEN);
    if (text)
        wr_tlv(&w, 0x80, span_text(text));
    return hexed(b, wr_span(&w));
}

static struct span ef_impi(struct build *b) { return ims_name(b, "", true); }
static struct span ef_impu(struct build *b) { return ims_name(b, "sip:", true); }
static struct span ef_domain(struct build *b) { return ims_name(b, "", false); }
static struct span rules(struct build *b)
{
    (void)b;
    return span_text(access_rules_text);
}

bool build_value(struct build *b, struct span name, struct span *ret_text)
{
    static const struct {
        const char *name;
        struct span (*make)(struct build *);
    } values[] = {
        { "ef-iccid", ef_iccid },   { "ef-imsi", ef_imsi }, { "ef-acc", ef_acc },
        { "ef-ad", ef_ad },         { "hplmn", hplmn },     { "ef-smsp", ef_smsp },
        { "ef-msisdn", ef_msisdn }, { "ef-spn", ef_spn },   { "connectivity", connectivity },
        { "ef-impi", ef_impi },     { "ef-impu", ef_impu }, { "ef-domain", ef_domain },
        { "access-rules", rules },
    };
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        if (text_is(name, values[i].name)) {
            *ret_text = values[i].make(b);
            return true;
        }
    return false;
}

struct span build_pin(struct build *b, struct span text)
{
    struct writer w = wr_arena(b->a, PIN_LEN);
    size_t len = 0;
    if (text.len == 2 * PIN_LEN && w.err == ERR_NONE && hex_read(text, w.buf, PIN_LEN, &len) == ERR_NONE)
        return (struct span){ w.buf, PIN_LEN };
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            build_fail(b, ERR_BAD_VALUE, "a PIN has digits only");
    if (text.len < 4 || text.len > PIN_LEN)
        build_fail(b, ERR_BAD_LENGTH, "a PIN has 4 to 8 digits");
    wr_bytes(&w, text);
    wr_fill(&w, 0xFF, PIN_LEN - (w.len < PIN_LEN ? w.len : PIN_LEN));
    return wr_span(&w);
}
