/* The SM-SR's end of SCP80 (the off-card half of lib/scp), and the scripts in it. */
#include "bed.h"

static struct scp80_keys keys_of(const struct bed_key *key)
{
    return (struct scp80_keys){ .kic = SPAN_OF(key->kic), .kid = SPAN_OF(key->kid) };
}

struct scp80_header packet_header(struct bed *b, struct bed_key *key, uint32_t tar)
{
    (void)b;
    return (struct scp80_header){ .spi1 = SCP80_SPI1_FULL,
                                  .spi2 = SCP80_SPI2_FULL,
                                  .kic = SCP80_KEY_BYTE(key->kvn),
                                  .kid = SCP80_KEY_BYTE(key->kvn),
                                  .tar = { (uint8_t)(tar >> 16), (uint8_t)(tar >> 8), (uint8_t)tar },
                                  .counter = ++key->counter };
}

/* Takes the packets with that IEI out of what the card sent, the latest one stays: from RPL or CPL on. */
static struct span take(struct bed *b, uint8_t iei)
{
    struct sms_reassembly *r = ARENA_NEW(&b->arena, struct sms_reassembly);
    struct bed_terminal *t = &b->terminal;
    struct span latest = SPAN_NONE;
    size_t keep = 0;
    need(b, r != NULL, "the runner's memory is full");
    for (size_t i = 0; i < t->sms_count; i++) {
        bool complete = false;
        struct span packet;
        uint8_t found;
        struct span ud = { t->sms[i].ud, t->sms[i].len };
        need_ok(b, sms_reassemble(r, "card", 0, ud, &complete, &packet, &found), "the card's short message");
        if (complete && found == iei)
            latest = kept(b, packet);
        else if (complete)
            t->sms[keep++] = t->sms[i];
    }
    t->sms_count = keep;
    return latest;
}

void forget_messages(struct bed *b) { b->terminal.sms_count = 0; }

struct span packet_wrapped(struct bed *b, const struct bed_key *key, const struct scp80_header *h, struct span data)
{
    struct writer w = room(b, data.len + SCP80_OVERHEAD_MAX);
    struct scp80_keys keys = keys_of(key);
    need_ok(b, scp80_command_wrap(h, &keys, data, &w), "SCP80 packet");
    return wr_span(&w);
}

struct span packet_raw(struct bed *b, struct span packet)
{
    struct writer out = room(b, packet.len + SMS_PARTS_MAX * 10u);
    struct writer report = room(b, 300);
    struct span parts[SMS_PARTS_MAX];
    size_t count;
    need_ok(b, sms_split(packet, SMS_IEI_COMMAND, ++b->reference, &out, parts, &count), "short messages");
    (void)take(b, SMS_IEI_RESPONSE);
    for (size_t i = 0; i < count; i++)
        (void)terminal_sms(b, parts[i], &report);
    terminal_run(b);
    return report.len > 3 ? span_from(wr_span(&report), 3) : take(b, SMS_IEI_RESPONSE);
}

struct span por_open(struct bed *b, const struct bed_key *key, const struct scp80_header *h, struct span por,
                     uint8_t *ret_status)
{
    struct scp80_keys keys = keys_of(key);
    struct writer plain = room(b, SMS_PACKET_MAX);
    struct scp80_response r;
    need_ok(b, scp80_response_unwrap(h, por, &keys, &plain, &r), "PoR");
    *ret_status = r.status;
    return r.data;
}

struct span packet_send(struct bed *b, const struct bed_key *key, const struct scp80_header *h, struct span data,
                        uint8_t *ret_status)
{
    struct span por = packet_raw(b, packet_wrapped(b, key, h, data));
    *ret_status = NO_POR;
    return por.len ? por_open(b, key, h, por, ret_status) : SPAN_NONE;
}

struct span script_sms(struct bed *b, uint32_t tar, struct span script)
{
    struct scp80_header h = packet_header(b, &b->key, tar);
    uint8_t status;
    struct span data = packet_send(b, &b->key, &h, script, &status);
    need(b, status != NO_POR, "no PoR");
    need(b, status == SCP80_OK, "PoR with status %02X", status);
    return data;
}

struct span script_of(struct bed *b, enum ram_format format, struct span capdu)
{
    struct writer w = room(b, capdu.len + 32);
    struct ram_script s;
    ram_script_open(&s, &w, format);
    ram_script_capdu(&s, capdu);
    ram_script_close(&s);
    return wr_span(&w);
}

size_t result_count(struct bed *b, struct span results)
{
    struct ram_reader r;
    struct ram_item item;
    size_t count = 0;
    need_ok(b, ram_results_open(&r, results), "response script");
    while (ram_results_next(&r, &item))
        count += item.tag == RAM_TAG_RAPDU;
    need_ok(b, r.r.err, "response script");
    return count;
}

struct rapdu result_at(struct bed *b, struct span results, size_t n)
{
    struct ram_reader r;
    struct ram_item item;
    struct rapdu answer;
    need_ok(b, ram_results_open(&r, results), "response script");
    while (ram_results_next(&r, &item))
        if (item.tag == RAM_TAG_RAPDU && n-- == 0) {
            need_ok(b, rapdu_parse(item.value, &answer), "R-APDU");
            return answer;
        }
    fail(b, "too few R-APDUs: %.120s", hex_of(b, results));
}

struct rapdu isdr(struct bed *b, struct span capdu)
{
    return result_at(b, script_sms(b, TAR_ISDR, script_of(b, RAM_DEFINITE, capdu)), 0);
}

uint16_t isdr_sw(struct bed *b, struct span capdu) { return isdr(b, capdu).sw; }

/* ---- notifications ---- */

struct span notification_raw(struct bed *b)
{
    struct scp80_keys keys = keys_of(&b->key);
    struct scp80_header h;
    struct span e1, packet = take(b, SMS_IEI_COMMAND);
    if (!packet.len)
        return SPAN_NONE;
    struct writer plain = room(b, SMS_PACKET_MAX);
    need_ok(b, scp80_command_unwrap(SCP80_SMS, packet, &keys, &plain, &h, &e1), "the notification's packet");
    need_ok(b, scp80_policy_isdr(&h), "the notification's security");
    return e1;
}

struct span notification_anyhow(struct bed *b)
{
    struct span e1 = notification_raw(b);
    const char *msg = b->terminal.channel && b->server.tls ? strstr(b->server.request.uri, "?msg=E1") : NULL;
    if (msg) {
        e1 = hexf(b, "%s", msg + 5);
        b->server.request.uri[0] = 0;
        https_end(b);
    }
    return e1;
}

struct es5_notification notification(struct bed *b)
{
    struct es5_notification n;
    struct span e1 = notification_raw(b);
    need(b, e1.len > 0, "no notification");
    need_ok(b, es5_notification_parse(e1, &n), "notification");
    return n;
}

uint16_t confirm_sw(struct bed *b, uint16_t sequence)
{
    return isdr_sw(b, hexf(b, "80E28900073A08044E02%04X00", sequence));
}
