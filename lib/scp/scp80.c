#include "scp80.h"

#include "scp80_security.h"
#include "lib/base/mutant.h"
#include "lib/codec/ber_tlv.h"

#define IDENTIFIER_COMMAND  0x01u /* CPI, RPI over CAT_TP */
#define IDENTIFIER_RESPONSE 0x02u

/* Both packets are: length(2) · header length(1) · clear part · CNTR(5) PCNTR(1) [STATUS(1)] [RC/CC] · data · padding,
 * and are ciphered from CNTR on. This is what they differ in. */
struct shape {
    uint8_t identifier; /* CAT_TP: it stands in front, and the length behind it is BER; 0: SMS */
    struct span prefix; /* octets in front that the CC covers */
    uint8_t clear[7];   /* behind the header length */
    size_t clear_len;
    uint8_t integrity; /* SPI1_RC, SPI1_CC or 0 */
    bool ciphered;
    uint8_t kic, kid;
    bool has_status;
};

static const uint8_t response_udh[] = { 0x02, 0x71, 0x00 };

static enum err command_shape(const struct scp80_header *h, struct shape *ret)
{
    if ((h->spi1 & SPI1_INTEGRITY_MASK) == SPI1_INTEGRITY_MASK) /* digital signature */
        return ERR_UNSUPPORTED;
    *ret = (struct shape){ .identifier = h->form == SCP80_CAT_TP ? IDENTIFIER_COMMAND : 0,
                           .clear = { h->spi1, h->spi2, h->kic, h->kid, h->tar[0], h->tar[1], h->tar[2] },
                           .clear_len = 7,
                           .integrity = h->spi1 & SPI1_INTEGRITY_MASK,
                           .ciphered = h->spi1 & SPI1_CIPHER,
                           .kic = h->kic,
                           .kid = h->kid };
    return ERR_NONE;
}

static enum err response_shape(const struct scp80_header *h, const uint8_t tar[3], uint8_t spi2, struct shape *ret)
{
    uint8_t integrity = (uint8_t)((spi2 & SPI2_POR_INTEGRITY_MASK) >> 2);
    if (integrity == 3)
        return ERR_UNSUPPORTED;
    bool sms = h->form == SCP80_SMS;
    *ret = (struct shape){ .identifier = sms ? 0 : IDENTIFIER_RESPONSE,
                           .prefix = sms && !MUTANT(por_without_its_header) ? SPAN_OF(response_udh) : SPAN_NONE,
                           .clear = { tar[0], tar[1], tar[2] },
                           .clear_len = 3,
                           .integrity = integrity,
                           .ciphered = spi2 & SPI2_POR_CIPHER || MUTANT(ciphers_every_por),
                           .kic = h->kic,
                           .kid = h->kid,
                           .has_status = true };
    return ERR_NONE;
}

/* The octets up to the header length: how many follow the length. */
static void wr_total(struct writer *w, uint8_t identifier, size_t total)
{
    if (identifier == 0) {
        wr_u16(w, (uint16_t)total);
        return;
    }
    wr_u8(w, identifier);
    wr_length(w, total);
}

static size_t rd_total(struct reader *r, uint8_t identifier)
{
    struct reader at = *r;
    struct tlv t = { 0 };
    if (identifier == 0) {
        size_t total = rd_u16(r);
        if (r->err == ERR_NONE && rd_left(r) < total)
            rd_fail(r, ERR_TRUNCATED);
        return total;
    }
    if (!tlv_next(&at, &t) || t.tag != identifier)
        rd_fail(r, at.err != ERR_NONE ? at.err : ERR_BAD_TAG);
    else
        r->pos = t.val.ptr;
    return t.val.len;
}

/* What stands behind the clear part, in the clear. */
struct content {
    uint64_t counter;
    uint8_t padding, status;
    struct span check, data; /* data without the padding */
};

static enum err cipher_of(const struct shape *s, enum scp80_cipher *ret)
{
    *ret = SCP80_CIPHER_NONE;
    return s->ciphered ? scp80_cipher_of(s->kic, ret) : ERR_NONE;
}

static enum err wrap(const struct shape *s, const struct scp80_keys *k, uint64_t counter, uint8_t status,
                     struct span data, struct writer *w)
{
    enum scp80_cipher cipher;
    enum err err = cipher_of(s, &cipher);
    if (err != ERR_NONE)
        return err;
    if (data.len > SCP80_DATA_MAX || counter > SCP80_COUNTER_MAX)
        return ERR_TOO_LONG;
    size_t check_len = scp80_check_len(s->integrity, s->kid, k), block = scp80_cipher_block(cipher);
    size_t plain_len = 6 + s->has_status + check_len + data.len;
    size_t padding = (block - plain_len % block) % block;
    size_t header_len = s->clear_len + 6 + s->has_status + check_len;
    size_t start = w->len;

    wr_total(w, s->identifier, 1 + header_len + data.len + padding);
    wr_u8(w, (uint8_t)header_len);
    wr_bytes(w, (struct span){ s->clear, s->clear_len });
    size_t ciphered_from = w->len;
    wr_u40(w, counter);
    wr_u8(w, (uint8_t)padding);
    if (s->has_status)
        wr_u8(w, status);
    size_t check_at = w->len;
    wr_fill(w, 0, check_len);
    wr_bytes(w, data);
    wr_fill(w, 0, padding);
    if (w->err != ERR_NONE)
        return w->err;

    struct span parts[] = { s->prefix,
                            { w->buf + start, check_at - start },
                            { w->buf + check_at + check_len, w->len - check_at - check_len } };
    uint8_t check[SCP80_CC_MAX];
    if (check_len)
        err = scp80_check(s->integrity, s->kid, k, parts, ARRAY_LEN(parts), check);
    if (err == ERR_NONE && check_len)
        memcpy(w->buf + check_at, check, check_len);
    if (err == ERR_NONE && cipher != SCP80_CIPHER_NONE)
        err = scp80_encrypt(cipher, k->kic, w->buf + ciphered_from, w->len - ciphered_from);
    if (err != ERR_NONE)
        w->len = start;
    return err;
}

/* The secured part of the packet in the clear: deciphered into `plain`, or where it stands. A card deciphers all that
 * arrived and applies the packet length afterwards. */
static enum err decipher(const struct shape *s, const struct scp80_keys *k, struct span secured, struct writer *plain,
                         struct span *ret)
{
    enum scp80_cipher cipher;
    enum err err = cipher_of(s, &cipher);
    if (err != ERR_NONE || cipher == SCP80_CIPHER_NONE) {
        *ret = secured;
        return err;
    }
    size_t whole = secured.len - secured.len % scp80_cipher_block(cipher);
    uint8_t *room = wr_room(plain, whole);
    if (!room)
        return plain->err == ERR_NONE ? ERR_TRUNCATED : plain->err;
    memcpy(room, secured.ptr, whole);
    *ret = (struct span){ room, whole };
    return scp80_decrypt(cipher, k->kic, room, whole);
}

static enum err verify(const struct shape *s, const struct scp80_keys *k, struct span head, struct span secured,
                       size_t check_at, struct span check)
{
    if (check.len == 0)
        return ERR_NONE;
    uint8_t want[SCP80_CC_MAX];
    struct span parts[] = { s->prefix, head, span_sub(secured, 0, check_at), span_from(secured, check_at + check.len) };
    enum err err = scp80_check(s->integrity, s->kid, k, parts, ARRAY_LEN(parts), want);
    if (err != ERR_NONE)
        return err;
    return MUTANT(scp80_skips_the_cc) || span_eq_ct((struct span){ want, check.len }, check) ? ERR_NONE : ERR_VERIFY;
}

static enum err unwrap(const struct shape *s, const struct scp80_keys *k, struct span packet, struct writer *plain,
                       struct content *ret)
{
    struct reader r = rd_of(packet);
    size_t total = rd_total(&r, s->identifier), header_len = rd_u8(&r);
    size_t check_len = scp80_check_len(s->integrity, s->kid, k);
    if (r.err != ERR_NONE)
        return r.err;
    if (header_len != s->clear_len + 6 + s->has_status + check_len || total < 1 + header_len)
        return ERR_BAD_LENGTH;
    rd_span(&r, s->clear_len);

    struct span head = span_sub(packet, 0, packet.len - rd_left(&r)), secured;
    enum err err = decipher(s, k, rd_rest(&r), plain, &secured);
    if (err != ERR_NONE)
        return err;
    size_t secured_len = MUTANT(reads_beyond_the_length) ? secured.len : total - 1 - s->clear_len;
    if (secured.len < secured_len)
        return ERR_TRUNCATED;
    secured = span_sub(secured, 0, secured_len);

    struct reader in = rd_of(secured);
    struct content c = { .counter = rd_u40(&in), .padding = rd_u8(&in) };
    if (s->has_status)
        c.status = rd_u8(&in);
    size_t check_at = secured.len - rd_left(&in);
    c.check = rd_span(&in, check_len);
    c.data = rd_rest(&in);
    if (in.err != ERR_NONE)
        return in.err;
    err = verify(s, k, head, secured, check_at, c.check);
    if (err != ERR_NONE)
        return err;
    if (c.padding > c.data.len)
        return ERR_BAD_VALUE;
    c.data.len -= c.padding;
    *ret = c;
    return ERR_NONE;
}

enum err scp80_command_wrap(const struct scp80_header *h, const struct scp80_keys *k, struct span data,
                            struct writer *w)
{
    struct shape s;
    enum err err = command_shape(h, &s);
    return err == ERR_NONE ? wrap(&s, k, h->counter, 0, data, w) : err;
}

enum err scp80_command_peek(enum scp80_form form, struct span packet, struct scp80_header *ret)
{
    struct reader r = rd_of(packet);
    size_t total = rd_total(&r, form == SCP80_CAT_TP ? IDENTIFIER_COMMAND : 0), header_len = rd_u8(&r);
    struct scp80_header h = { .form = form, .spi1 = rd_u8(&r), .spi2 = rd_u8(&r), .kic = rd_u8(&r), .kid = rd_u8(&r) };
    rd_copy(&r, h.tar, sizeof h.tar);
    if (r.err != ERR_NONE)
        return r.err;
    if (header_len < 13 || total < 1 + header_len)
        return ERR_BAD_LENGTH;
    if (!(h.spi1 & SPI1_CIPHER))
        h.counter = rd_u40(&r);
    if (r.err == ERR_NONE)
        *ret = h;
    return r.err;
}

enum err scp80_command_unwrap(enum scp80_form form, struct span packet, const struct scp80_keys *k,
                              struct writer *plain, struct scp80_header *ret, struct span *ret_data)
{
    struct scp80_header h;
    struct shape s;
    struct content c;
    enum err err = scp80_command_peek(form, packet, &h);
    if (err == ERR_NONE)
        err = command_shape(&h, &s);
    if (err == ERR_NONE)
        err = unwrap(&s, k, packet, plain, &c);
    if (err != ERR_NONE)
        return err;
    h.counter = c.counter;
    *ret = h;
    *ret_data = c.data;
    return ERR_NONE;
}

enum err scp80_response_wrap(const struct scp80_header *h, const struct scp80_keys *k, const struct scp80_response *r,
                             struct writer *w)
{
    struct shape s;
    enum err err = response_shape(h, r->tar, h->spi2, &s);
    return err == ERR_NONE ? wrap(&s, k, r->counter, r->status, r->data, w) : err;
}

bool scp80_is_response(struct span cat_tp_packet)
{
    return cat_tp_packet.len && cat_tp_packet.ptr[0] == IDENTIFIER_RESPONSE;
}

/* The clear TAR of a PoR. */
static enum err response_peek(enum scp80_form form, struct span packet, uint8_t ret_tar[3])
{
    struct reader r = rd_of(packet);
    (void)rd_total(&r, form == SCP80_CAT_TP ? IDENTIFIER_RESPONSE : 0);
    rd_u8(&r);
    struct span tar = rd_span(&r, 3);
    if (r.err == ERR_NONE)
        memcpy(ret_tar, tar.ptr, 3);
    return r.err;
}

/* A card that could not read the command's security cannot protect its answer: status alone, no data. */
static bool is_bare_refusal(struct span packet, const struct scp80_header *h, struct content *ret)
{
    struct shape s;
    uint8_t tar[3];
    struct writer none = { 0 };
    const struct scp80_keys no_keys = { 0 };
    return response_peek(h->form, packet, tar) == ERR_NONE && packet.len == 13 && packet.ptr[2] == 10 &&
           response_shape(h, tar, 0, &s) == ERR_NONE && unwrap(&s, &no_keys, packet, &none, ret) == ERR_NONE &&
           ret->status != SCP80_OK && ret->data.len == 0;
}

enum err scp80_response_unwrap(const struct scp80_header *h, struct span packet, const struct scp80_keys *k,
                               struct writer *plain, struct scp80_response *ret)
{
    struct shape s;
    struct content c;
    uint8_t tar[3];
    enum err err = response_peek(h->form, packet, tar);
    if (err == ERR_NONE)
        err = response_shape(h, tar, h->spi2, &s);
    if (err == ERR_NONE)
        err = unwrap(&s, k, packet, plain, &c);
    if (err == ERR_BAD_LENGTH && packet.len > 2 && packet.ptr[2] == 10) /* no check although one was asked for */
        err = is_bare_refusal(packet, h, &c) ? ERR_NONE : ERR_DENIED;
    if (err != ERR_NONE)
        return err;
    *ret = (struct scp80_response){ .counter = c.counter, .status = c.status, .data = c.data };
    memcpy(ret->tar, tar, sizeof tar);
    return ERR_NONE;
}

enum scp80_status scp80_counter_check(uint8_t spi1, uint64_t last, uint64_t counter)
{
    uint8_t rule = spi1 & SPI1_COUNTER_MASK;
    if (rule != SPI1_COUNTER_HIGHER && rule != SPI1_COUNTER_NEXT)
        return SCP80_OK;
    if (last >= SCP80_COUNTER_MAX)
        return SCP80_COUNTER_BLOCKED;
    if (counter <= last)
        return SCP80_COUNTER_LOW;
    return rule == SPI1_COUNTER_NEXT && counter != last + 1 ? SCP80_COUNTER_HIGH : SCP80_OK;
}

enum err scp80_policy_isdr(const struct scp80_header *h)
{
    bool integrity = (h->spi1 & SPI1_INTEGRITY_MASK) == SPI1_CC;
    uint8_t rule = h->spi1 & SPI1_COUNTER_MASK;
    bool counter = rule == SPI1_COUNTER_HIGHER || rule == SPI1_COUNTER_NEXT;
    bool aes = (h->kic & 0x0F) == SCP80_AES && (h->kid & 0x0F) == SCP80_AES;
    return integrity && counter && (h->spi1 & SPI1_CIPHER) && aes ? ERR_NONE : ERR_DENIED;
}

const char *scp80_status_text(uint8_t status)
{
    static const char *const text[] = {
        "PoR OK",
        "RC, CC or DS failed",
        "counter low",
        "counter high",
        "counter blocked",
        "ciphering error",
        "unidentified security error",
        "insufficient memory",
        "more time",
        "TAR unknown",
        "insufficient security level",
        "response data by SMS-SUBMIT",
        "response data by USSD",
    };
    return status < ARRAY_LEN(text) ? text[status] : "unknown status";
}
