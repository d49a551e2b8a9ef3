/* The SM-DP's end of SCP03t and SCP03: the off-card half of lib/scp over an open HTTPS session. */
#include "bed.h"

#include "lib/scp/scp03t.h"

static const uint8_t challenge[8] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08 };

struct span tlv_script(struct bed *b, struct span tlvs)
{
    struct writer w = room(b, tlvs.len + 8);
    struct ram_script s;
    ram_script_open(&s, &w, RAM_INDEFINITE);
    ram_script_raw(&s, tlvs);
    ram_script_close(&s);
    return wr_span(&w);
}

size_t scp03t_tlv_count(struct bed *b, struct span results)
{
    struct ram_reader r;
    struct ram_item item;
    size_t count = 0;
    need_ok(b, ram_results_open(&r, results), "response script");
    while (ram_results_next(&r, &item))
        count++;
    return count;
}

struct span scp03t_tlv(struct bed *b, struct span results, size_t n)
{
    struct ram_reader r;
    struct ram_item item;
    need_ok(b, ram_results_open(&r, results), "response script");
    while (ram_results_next(&r, &item))
        if (n-- == 0)
            return item.raw;
    return SPAN_NONE;
}

void download_initialize(struct bed *b, struct download *d)
{
    struct writer w = room(b, 32);
    struct span value;
    scp03t_initialize_update_write(&w, d->keys.kvn, challenge);
    struct span answer = scp03t_tlv(b, https_script(b, &d->aid, tlv_script(b, wr_span(&w))), 0);
    need(b, tlv_find(answer, 0x84, &value), "INITIALIZE UPDATE (84) is answered %s", hex_of(b, answer));
    need_ok(b, scp03t_open_host(&d->keys, challenge, value, aid_span(&d->aid), &d->session), "the answer of 84");
}

struct span download_authenticate_tlv(struct bed *b, struct download *d)
{
    struct writer w = room(b, 32);
    need_ok(b, scp03t_external_authenticate_write(&d->session, &w), "85");
    return wr_span(&w);
}

struct span download_segment_tlv(struct bed *b, struct download *d, struct span plain)
{
    struct writer w = room(b, plain.len + 64);
    need_ok(b, scp03t_wrap(&d->session, plain, &w), "86");
    return wr_span(&w);
}

void download_open(struct bed *b, struct download *d)
{
    download_initialize(b, d);
    struct span answer = https_script(b, &d->aid, tlv_script(b, download_authenticate_tlv(b, d)));
    need_span(b, scp03t_tlv(b, answer, 0), hexf(b, "8500"), "EXTERNAL AUTHENTICATE (85)");
}

struct span download_response(struct bed *b, struct download *d, struct span results)
{
    struct span value, plain, last = scp03t_tlv(b, results, scp03t_tlv_count(b, results) - 1);
    struct writer w = room(b, 1100);
    need(b, tlv_find(last, 0x86, &value), "a segment is answered %s", hex_of(b, last));
    need_ok(b, scp03t_response_unwrap(&d->session, value, &w, &plain), "R-MAC of the answer to 86");
    return plain;
}

struct span download_package(struct bed *b, struct download *d, struct span package)
{
    for (size_t at = 0;; at += SCP03T_PLAIN_MAX) {
        struct span segment = span_sub(package, at, SCP03T_PLAIN_MAX);
        struct span results = https_script(b, &d->aid, tlv_script(b, download_segment_tlv(b, d, segment)));
        if (at + SCP03T_PLAIN_MAX >= package.len)
            return download_response(b, d, results);
        need_span(b, scp03t_tlv(b, results, 0), hexf(b, "8600"), "a segment");
    }
}

/* ---- APDU form ---- */

struct rapdu isdp_apdu(struct bed *b, const struct aid *aid, struct span capdu)
{
    return result_at(b, https_script(b, aid, script_of(b, RAM_INDEFINITE, capdu)), 0);
}

struct span scp03_update(struct bed *b, struct download *d)
{
    struct rapdu r = isdp_apdu(b, &d->aid, hexf(b, "8050%02X00080102030405060708 00", d->keys.kvn));
    need_sw(b, r.sw, 0x9000, "INITIALIZE UPDATE");
    need_ok(b, scp03_open_host(&d->keys, challenge, r.data, aid_span(&d->aid), &d->session), "INITIALIZE UPDATE");
    return r.data;
}

uint16_t scp03_open(struct bed *b, struct download *d)
{
    struct writer w = room(b, 64);
    (void)scp03_update(b, d);
    need_ok(b, scp03_external_authenticate_write(&d->session, SCP03_LEVEL_FULL, &w), "EXTERNAL AUTHENTICATE");
    return isdp_apdu(b, &d->aid, wr_span(&w)).sw;
}

struct rapdu scp03_command(struct bed *b, struct download *d, struct span plain, bool *ret_mac)
{
    struct capdu c;
    struct writer w = room(b, 300), clear = room(b, 300), again = room(b, 300);
    struct rapdu r;
    need_ok(b, capdu_parse(plain, &c), "the runner's command");
    need_ok(b, scp03_wrap(&d->session, &c, &w), "SCP03");
    struct rapdu raw = isdp_apdu(b, &d->aid, wr_span(&w));
    *ret_mac = raw.data.len >= SCP03_MAC_LEN;
    rapdu_write(&again, &raw);
    if (raw.sw != 0x9000)
        return raw;
    need_ok(b, scp03_response_unwrap(&d->session, wr_span(&again), &clear, &r), "R-MAC");
    return r;
}
