/* Key establishment, GlobalPlatform Amendment E scenario #3, seen from the SM-DP and the SM-SR; written from the fact
 * book (oncard 2, 3) on AES-CMAC, SHA-256 and ECDSA alone: it shares no code with the card's end in lib/scp, lib/pki.
 */
#include "bed.h"

#include "lib/crypto/cmac.h"
#include "lib/crypto/sha256.h"

#define CERTIFICATE_ROOM 400u

/* ---- certificates ---- */

static void ski_of(struct bed *b, struct ec_key *key, uint8_t out[20])
{
    uint8_t point[EC_POINT_LEN];
    ec_key_point(key, point);
    need_ok(b, sha1(SPAN_OF(point), out), "SHA-1");
}

static void discretionary(struct bed *b, const struct certificate_wish *wish, struct writer *w)
{
    uint8_t ski[20];
    size_t mark = wr_tlv_open(w, 0x73);
    ski_of(b, b->keys->ci, ski);
    if (wish->wrong_authority)
        ski[7] ^= 0x55;
    wr_tlv_u8(w, 0xC8, wish->role);
    if (!wish->no_authority)
        wr_tlv(w, 0xC9, SPAN_OF(ski));
    wr_tlv_close(w, mark);
}

static void certificate_body(struct bed *b, const struct certificate_wish *wish, struct writer *w)
{
    struct ec_key *subject = wish->role == 0x02 ? b->sr : b->dp;
    uint8_t point[EC_POINT_LEN];
    ec_key_point(subject, point);
    wr_bytes(w, hexf(b, "9302 0147 4203 883709 5F2004 88370A01"));
    if (wish->two_octet_usage)
        wr_bytes(w, hexf(b, "9502 00%02X", wish->usage ? wish->usage : 0x80));
    else
        wr_bytes(w, hexf(b, "9501 %02X", wish->usage ? wish->usage : 0x82));
    wr_bytes(w, hexf(b, wish->expired ? "5F2504 20010101 5F2404 20020101" : "5F2504 20200101 5F2404 20500101"));
    discretionary(b, wish, w);
    wr_bytes(w, hexf(b, "7F4946 B041"));
    wr_bytes(w, SPAN_OF(point));
    wr_bytes(w, hexf(b, "F001 %02X", (unsigned)ec_key_curve(subject)));
}

struct span certificate_make(struct bed *b, const struct certificate_wish *wish)
{
    struct writer body = room(b, CERTIFICATE_ROOM), w = room(b, CERTIFICATE_ROOM);
    uint8_t signature[EC_SIGNATURE_LEN];
    certificate_body(b, wish, &body);
    need_ok(b, ec_sign(b->keys->ci, wr_span(&body), signature), "CI signature");
    if (wish->bad_signature)
        signature[20] ^= 0x01;
    wr_tlv(&body, 0x5F37, (struct span){ signature, wish->short_signature ? 63u : 64u });
    wr_tlv(&w, 0x7F21, wr_span(&body));
    need_ok(b, w.err, "certificate");
    return wr_span(&w);
}

/* ---- 3A02 7F49 5F37 ---- */

static struct span crt_make(struct bed *b, const struct agreement *a)
{
    const char *host = a->host_id ? a->host_id : "";
    struct span inner = hexf(b, "9002 03%02X %s 9501 %02X 8001 %02X 8101 10 8201 %02X 8301 %02X 9100", a->scenario,
                             a->usage_twice ? "95015C" : "", a->usage, a->type, a->kid, a->kvn);
    struct writer w = room(b, 96);
    size_t mark = wr_tlv_open(&w, 0xA6);
    wr_bytes(&w, inner);
    if (a->host_id)
        wr_tlv(&w, 0x84, hexf(b, "%s", host));
    wr_tlv_close(&w, mark);
    return wr_span(&w);
}

static struct span key_tlv(struct bed *b, const struct agreement *a)
{
    uint8_t point[EC_POINT_LEN];
    unsigned curve = (unsigned)ec_key_curve(a->ephemeral);
    ec_key_point(a->ephemeral, point);
    if (a->point == POINT_OFF_CURVE)
        point[40] ^= 0x01;
    char *hex = hex_of(b, SPAN_OF(point)), *shorter = hex_of(b, span_sub(SPAN_OF(point), 0, 64));
    switch (a->point) {
    case POINT_NAKED:
        return hexf(b, "7F4941 %s", hex);
    case POINT_NAKED_64:
        return hexf(b, "7F4940 %s", shorter);
    case POINT_64:
        return hexf(b, "7F4945 B040 %s F001 %02X", shorter, curve);
    default:
        return hexf(b, "7F4946 B041 %s F001 %02X", hex, curve);
    }
}

static void agreement_signature(struct bed *b, const struct agreement *a, struct span dgis, struct span rc,
                                uint8_t ret[EC_SIGNATURE_LEN])
{
    struct writer w = room(b, dgis.len + rc.len + 8);
    wr_bytes(&w, dgis);
    wr_bytes(&w, hexf(b, "0085 %02X %s", (unsigned)rc.len, hex_of(b, rc)));
    need_ok(b, ec_sign(a->by_sr ? b->sr : b->dp, wr_span(&w), ret), "signature");
    if (a->signature == SIGNATURE_WRONG)
        ret[11] ^= 0x80;
}

struct span agreement_dgis(struct bed *b, struct agreement *a, struct span rc)
{
    uint8_t signature[EC_SIGNATURE_LEN];
    struct writer w = room(b, 400);
    a->ephemeral = bed_ephemeral(b);
    a->crt = crt_make(b, a);
    wr_u16(&w, 0x3A02);
    wr_u8(&w, (uint8_t)a->crt.len);
    wr_bytes(&w, a->crt);
    wr_bytes(&w, key_tlv(b, a));
    agreement_signature(b, a, wr_span(&w), rc, signature);
    wr_tlv(&w, 0x5F37, (struct span){ signature, a->signature == SIGNATURE_63 ? 63u : 64u });
    need_ok(b, w.err, "3A02");
    return wr_span(&w);
}

/* ---- derivation ---- */

/* KeyData = SHA-256(ShS || counter || SharedInfo) …: receipt key, then the keys. */
static void derive(struct bed *b, struct span shs, struct span info, uint8_t out[64])
{
    for (uint8_t i = 1; i <= 2; i++) {
        const uint8_t counter[4] = { 0, 0, 0, i };
        const struct span parts[] = { shs, SPAN_OF(counter), info };
        need_ok(b, sha256_parts(parts, 3, out + 32 * (i - 1)), "SHA-256");
    }
}

static struct span shared_info(struct bed *b, const struct agreement *a)
{
    struct writer w = room(b, 120);
    wr_u8(&w, a->usage);
    wr_u8(&w, a->type);
    wr_u8(&w, 0x10);
    wr_bytes(&w, a->dr);
    if (a->host_id) {
        struct span host = hexf(b, "%s", a->host_id);
        wr_u8(&w, (uint8_t)host.len);
        wr_bytes(&w, host);
        wr_u16(&w, 0x0000); /* neither SIN nor SDIN */
    }
    return wr_span(&w);
}

static void receipt_check(struct bed *b, const struct agreement *a, const uint8_t key[16], struct span receipt)
{
    uint8_t mac[CMAC_LEN];
    struct writer w = room(b, 160);
    wr_bytes(&w, a->crt);
    if (a->dr.len)
        wr_tlv(&w, 0x85, a->dr);
    need_ok(b, cmac((struct span){ key, 16 }, wr_span(&w), mac), "CMAC");
    need(b, span_eq(receipt, SPAN_OF(mac)), "the receipt is wrong");
}

struct span ecasd_point(struct bed *b)
{
    struct rapdu r = isdr(b, hexf(b, "80CABF30045C027F2100"));
    struct span bf30, cert, key, point;
    need_sw(b, r.sw, 0x9000, "GET DATA BF30 7F21");
    need(b,
         tlv_find(r.data, 0xBF30, &bf30) && tlv_find(bf30, 0x7F21, &cert) && tlv_find(cert, 0x7F49, &key) &&
             tlv_find(key, 0xB0, &point),
         "CERT.ECASD has no public key");
    return kept(b, point);
}

void agreement_finish(struct bed *b, struct agreement *a, struct span answer)
{
    struct span receipt = SPAN_NONE;
    struct ec_key *ecasd;
    uint8_t shs[EC_FIELD_LEN], data[64];
    a->dr = SPAN_NONE;
    (void)tlv_find(answer, 0x85, &a->dr);
    need(b, (a->dr.len != 0) == ((a->scenario & 0x02) != 0), "DR is there or not against the wish: %s",
         hex_of(b, answer));
    need(b, tlv_find(answer, 0x86, &receipt) && receipt.len == 16, "no receipt: %s", hex_of(b, answer));
    need_ok(b, ec_public_new((enum ec_curve)b->keys->ecasd_curve, ecasd_point(b), &ecasd), "PK.ECASD.ECKA");
    enum err err = ec_shared_x(a->ephemeral, ecasd, shs);
    ec_key_free(ecasd);
    need_ok(b, err, "ECKA");
    derive(b, SPAN_OF(shs), shared_info(b, a), data);
    memcpy(a->keys, data + 16, 48);
    receipt_check(b, a, data, receipt);
}

/* ---- commands ---- */

struct span store_data(struct bed *b, uint8_t p1, uint8_t p2, struct span data)
{
    need(b, data.len <= 255, "STORE DATA is too long");
    return hexf(b, "80E2%02X%02X %02X %s 00", p1, p2, (unsigned)data.len, hex_of(b, data));
}

struct span install_perso(struct bed *b, const struct aid *aid)
{
    return hexf(b, "80E6200016 0000 10%s 000000 00", hex_of(b, aid_span(aid)));
}

struct span rc_of(struct bed *b, struct rapdu r)
{
    struct span rc;
    need_sw(b, r.sw, 0x9000, "STORE DATA 3A01");
    need(b, tlv_find(r.data, 0x85, &rc) && (rc.len == 16 || rc.len == 32), "no RC: %s", hex_of(b, r.data));
    return kept(b, rc);
}
