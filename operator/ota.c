/* operator/ota.c: ES6 (SGP.02 §4.1.2): the operator speaks to its own enabled profile, with the profile's keys, over SMS,
 * or in an administration session over HTTPS to which an SMS invites it.
 * The key file of a profile:
 *
 *     [profile]
 *     kvn = 2               key version of the SCP80 set, 1 … 15
 *     kic = 0011…           AES keys, hexadecimal digits
 *     kid = 0011…
 *     tar = B20100          of the MNO-SD
 *
 *     psk = 0011…           key 01 of the SCP81 set, for --https
 *     psk_kvn = 64          its version
 *
 * Beside it FILE.counter holds the counter used last: it is written before a packet leaves, so that none is used twice.
 * FILE.pending holds a packet whose answer has not come: the same octets leave again (ota repeat) before anything new does,
 * since nobody knows whether the card has taken it. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "commands.h"
#include "lib/codec/hex.h"
#include "lib/gp/apdu.h"
#include "lib/gp/ram_script.h"
#include "lib/io/file.h"
#include "lib/ota/es6.h"
#include "lib/scp/scp80.h"
#include "lib/scp/scp81.h"
#include "ota_https.h"
#include "ota_sms.h"
#include "show.h"

#define SCRIPT_MAX  2800u
#define WAIT_S      120u
#define COUNTER_MAX 32u /* octets of the file */
#define PENDING_MAX (2 * (SCRIPT_MAX + SCP80_OVERHEAD_MAX) + 64)

static const struct config_option key_options[] = {
    { "profile", "kvn", CONFIG_NUMBER, NULL, true, "key version of the profile's SCP80 keys" },
    { "profile", "kic", CONFIG_HEX, NULL, true, "key for ciphering" },
    { "profile", "kid", CONFIG_HEX, NULL, true, "key for the checksum" },
    { "profile", "tar", CONFIG_HEX, "B20100", false, "TAR of the MNO-SD" },
    { "profile", "psk", CONFIG_HEX, NULL, false, "pre-shared key of administration sessions" },
    { "profile", "psk_kvn", CONFIG_NUMBER, "64", false, "key version of its set, 64 to 79" },
};

struct ota {
    struct op_session *s;
    struct scp80_header header;
    uint8_t kic[SCP80_KEY_MAX], kid[SCP80_KEY_MAX];
    struct scp80_keys keys;
    uint8_t psk[SCP80_KEY_MAX];
    struct ota_https https;     /* psk.len 0: none in the key file */
    struct ota_server *server;  /* --https */
    char counter_path[1024], pending_path[1024];
    bool repeats;               /* the packet has left in an earlier run */
    struct scp80_response response; /* the card's; data in the arena */
    struct ota_sms sms;
};

/* ---- keys and counter */

static bool say(struct op_session *s, const char *what, const char *why)
{
    snprintf(s->detail, sizeof s->detail, "%s: %s", what, why);
    return false;
}

static bool read_key(struct ota *o, const struct config *file, const char *name, uint8_t *out, struct span *ret)
{
    const char *value = config_text(file, "profile", name);
    struct span text = span_text(value ? value : "");
    size_t len = text.len / 2;
    enum err err;
    struct span octets = hex_to_arena(&o->s->arena, text, &err);
    if (err != ERR_NONE || (len != 16 && len != 24 && len != 32))
        return say(o->s, name, "an AES key of 32, 48 or 64 hexadecimal digits");
    memcpy(out, octets.ptr, len);
    wipe((void *)(uintptr_t)octets.ptr, len);
    *ret = (struct span){ out, len };
    return true;
}

static bool read_psk(struct ota *o, const struct config *file)
{
    uint64_t kvn = config_number(file, "profile", "psk_kvn");
    o->https.kvn = (uint8_t)kvn;
    return ((kvn >= 0x40 && kvn <= 0x4F) || say(o->s, "psk_kvn", "64 to 79")) && read_key(o, file, "psk", o->psk, &o->https.psk);
}

static bool read_keys(struct ota *o, const char *path)
{
    char detail[CONFIG_DETAIL_MAX];
    struct config *file;
    enum err err = config_load(path, key_options, ARRAY_LEN(key_options), &file, detail);
    if (err != ERR_NONE)
        return say(o->s, "--keys", detail);
    uint64_t kvn = config_number(file, "profile", "kvn");
    struct span tar = hex_to_arena(&o->s->arena, span_text(config_text(file, "profile", "tar")), &err);
    bool good = (kvn >= 1 && kvn <= 15) || say(o->s, "kvn", "1 to 15");
    good = good && ((err == ERR_NONE && tar.len == 3) || say(o->s, "tar", "six hexadecimal digits"));
    good = good && read_key(o, file, "kic", o->kic, &o->keys.kic) && read_key(o, file, "kid", o->kid, &o->keys.kid);
    if (good && config_text(file, "profile", "psk"))
        good = read_psk(o, file);
    if (good) {
        o->header = (struct scp80_header){ .spi1 = SCP80_SPI1_FULL, .spi2 = SCP80_SPI2_FULL,
                                           .kic = SCP80_KEY_BYTE(kvn), .kid = SCP80_KEY_BYTE(kvn) };
        memcpy(o->header.tar, tar.ptr, sizeof o->header.tar);
        snprintf(o->counter_path, sizeof o->counter_path, "%s.counter", path);
        snprintf(o->pending_path, sizeof o->pending_path, "%s.pending", path);
    }
    config_free(file);
    return good;
}

/* The next counter, once it is on disk. */
static bool next_counter(struct ota *o)
{
    struct span file;
    char text[COUNTER_MAX];
    enum err err = file_read(o->counter_path, COUNTER_MAX, &o->s->arena, &file);
    if (err != ERR_NONE && err != ERR_NOT_FOUND)
        return say(o->s, o->counter_path, "cannot be read: a counter must never be used twice");
    uint64_t last = err == ERR_NONE ? strtoull((const char *)file.ptr, NULL, 10) : 0;
    if (last >= SCP80_COUNTER_MAX || (err == ERR_NONE && (*file.ptr < '0' || *file.ptr > '9')))
        return say(o->s, o->counter_path, "no counter, or used up");
    o->header.counter = last + 1;
    snprintf(text, sizeof text, "%llu\n", (unsigned long long)o->header.counter);
    return file_write(o->counter_path, span_text(text)) == ERR_NONE || say(o->s, o->counter_path, "cannot be written");
}

/* ---- a packet whose answer has not come: "COUNTER HEX" */

static bool pending_store(struct ota *o, struct span packet)
{
    struct writer w = wr_arena(&o->s->arena, 2 * packet.len + 64);
    wr_printf(&w, "%llu %s\n", (unsigned long long)o->header.counter, hex_arena(&o->s->arena, packet));
    return (w.err == ERR_NONE && file_write(o->pending_path, wr_span(&w)) == ERR_NONE) ||
           say(o->s, o->pending_path, "cannot be written");
}

/* ERR_NOT_FOUND: there is none. */
static enum err pending_read(struct ota *o, struct span *ret)
{
    struct span file;
    enum err err = file_read(o->pending_path, PENDING_MAX, &o->s->arena, &file);
    const uint8_t *blank = err == ERR_NONE && file.len ? memchr(file.ptr, ' ', file.len) : NULL;
    if (err != ERR_NONE)
        return err;
    if (!blank || *file.ptr < '0' || *file.ptr > '9')
        return ERR_BAD_VALUE;
    o->header.counter = strtoull((const char *)file.ptr, NULL, 10);
    struct span hex = span_from(file, (size_t)(blank - file.ptr) + 1);
    while (hex.len && hex.ptr[hex.len - 1] <= ' ')
        hex.len--;
    *ret = hex_to_arena(&o->s->arena, hex, &err);
    return err;
}

static void pending_forget(struct ota *o) { (void)!unlink(o->pending_path); }

/* Nothing new before the last one is answered. */
static bool nothing_pends(struct ota *o)
{
    if (access(o->pending_path, F_OK) != 0)
        return true;
    return say(o->s, o->pending_path,
               "the answer to the last packet has not come, so whether the card took it is not known: `osprey ota repeat` sends the "
               "same octets again; remove the file if the card is no more");
}

/* ---- scripts */

typedef bool ota_script(struct op_session *s, const struct op_arguments *a, struct ram_script *script);

static void add(struct ram_script *script, void (*write)(struct writer *, const void *), const void *what)
{
    WRITER_ON_STACK(capdu, 300);
    write(&capdu, what);
    ram_script_capdu(script, wr_span(&capdu));
    wr_fail(script->w, capdu.err);
}

static void write_address(struct writer *w, const void *what)
{
    (void)what;
    es6_address_isdp_write(w);
}
static void write_pol1(struct writer *w, const void *pol1) { es6_update_pol1_write(w, *(const uint8_t *)pol1); }
static void write_connectivity(struct writer *w, const void *c) { es6_update_connectivity_write(w, c); }

static bool pol1_script(struct op_session *s, const struct op_arguments *a, struct ram_script *script)
{
    uint8_t pol1 = 0;
    (void)s;
    if (pol2_has(a->rules, POL2_DISABLE, POL2_NOT_ALLOWED))
        pol1 |= POL1_NO_DISABLE;
    if (pol2_has(a->rules, POL2_DELETE, POL2_NOT_ALLOWED))
        pol1 |= POL1_NO_DELETE;
    if (pol2_has(a->rules, POL2_DISABLE, POL2_AUTO_DELETE))
        pol1 |= POL1_DELETE_ON_DISABLE;
    add(script, write_address, NULL);
    add(script, write_pol1, &pol1);
    return true;
}

/* 35: the bearer for packets; 47: the access point's name, each label with its length. */
static bool write_apn(struct writer *w, const char *apn)
{
    WRITER_ON_STACK(labels, 100);
    for (const char *at = apn; *at; at += *at == '.') {
        size_t len = strcspn(at, ".");
        if (!len || len > 63)
            return false;
        wr_u8(&labels, (uint8_t)len);
        wr_bytes(&labels, (struct span){ (const uint8_t *)at, len });
        at += len;
    }
    wr_tlv_u8(w, 0x35, 0x03);
    wr_tlv(w, 0x47, wr_span(&labels));
    return labels.err == ERR_NONE && w->err == ERR_NONE;
}

/* The command to the profile; its values stand in the writers. */
static bool read_connectivity(struct op_session *s, const struct op_arguments *a, struct writer *centre, struct writer *https,
                              struct es6_connectivity *ret)
{
    struct sms_address address;
    *ret = (struct es6_connectivity){ 0 };
    if (!a->centre && !a->apn)
        return say(s, "what shall change?", "give --centre, --apn or both");
    if (a->centre) {
        if (sms_address_of(a->centre, &address) != ERR_NONE)
            return say(s, "--centre", "a number like +4917…");
        wr_sms_service_centre(centre, &address);
        ret->smsc = wr_span(centre);
    }
    if (a->apn && !write_apn(https, a->apn))
        return say(s, "--apn", "a name like internet.example");
    ret->https = wr_span(https);
    return true;
}

/* The command without its header and that of the DGI: one octet of length is enough. */
bool op_connectivity_of(struct op_session *s, const struct op_arguments *a, struct span *ret)
{
    WRITER_ON_STACK(centre, 16);
    WRITER_ON_STACK(https, 128);
    struct writer capdu = wr_arena(&s->arena, 300);
    struct es6_connectivity c;
    if (!read_connectivity(s, a, &centre, &https, &c))
        return false;
    es6_update_connectivity_write(&capdu, &c);
    *ret = span_from(wr_span(&capdu), 5 + 2 + 1);
    return capdu.err == ERR_NONE;
}

static bool connectivity_script(struct op_session *s, const struct op_arguments *a, struct ram_script *script)
{
    WRITER_ON_STACK(centre, 16);
    WRITER_ON_STACK(https, 128);
    struct es6_connectivity c;
    if (!read_connectivity(s, a, &centre, &https, &c))
        return false;
    add(script, write_address, NULL);
    add(script, write_connectivity, &c);
    return true;
}

static bool free_script(struct op_session *s, const struct op_arguments *a, struct ram_script *script)
{
    for (const char *at = a->script; *at;) {
        size_t len = strcspn(at, ", ");
        enum err err = ERR_NONE;
        struct span capdu = len ? hex_to_arena(&s->arena, (struct span){ (const uint8_t *)at, len }, &err) : SPAN_NONE;
        if (err != ERR_NONE || (len && capdu.len < 4))
            return say(s, "--script", "C-APDUs in hexadecimal digits, with commas between");
        if (len)
            ram_script_capdu(script, capdu);
        at += len + (at[len] != '\0');
    }
    return true;
}

/* ---- the answer */

static bool accept_response(void *context, struct span packet)
{
    struct ota *o = context;
    struct writer plain = wr_arena(&o->s->arena, packet.len + 64);
    struct scp80_response r;
    if (scp80_response_unwrap(&o->header, packet, &o->keys, &plain, &r) != ERR_NONE || r.counter != o->header.counter)
        return false; /* another one's, or an older command's */
    o->response = r;
    if (!o->server)
        return true;
    o->sms.taken = r.status == SCP80_OK || (r.status == SCP80_COUNTER_LOW && o->sms.tries > 1);
    return !o->sms.taken; /* over HTTPS the answer to the trigger is not the script's */
}

static bool session_over(void *context)
{
    struct ota *o = context;
    o->sms.taken |= op_ota_given(o->server);
    return op_ota_done(o->server);
}

static enum op_exit show_script_results(struct span results, json_t *commands)
{
    struct ram_reader r;
    struct ram_item item;
    enum op_exit exit = OP_OK;
    unsigned n = 0;
    enum err err = ram_results_open(&r, results);
    while (err == ERR_NONE && ram_results_next(&r, &item)) {
        struct rapdu rapdu;
        char hex[2 * 256 + 1] = "", sw[5];
        if (item.tag != RAM_TAG_RAPDU || rapdu_parse(item.value, &rapdu) != ERR_NONE) {
            exit = OP_FAILED;
            continue;
        }
        hex_text(span_sub(rapdu.data, 0, 256), hex, sizeof hex);
        snprintf(sw, sizeof sw, "%04X", rapdu.sw);
        if (!sw_is_positive(rapdu.sw))
            exit = OP_FAILED;
        if (commands)
            json_array_append_new(commands, json_pack("{s:s, s:s, s:s}", "data", hex, "sw", sw, "text", sw_text(rapdu.sw)));
        else
            printf("  command %-3u %s  %s%s%s\n", ++n, sw, sw_text(rapdu.sw), *hex ? "  " : "", hex);
    }
    return err == ERR_NONE && r.r.err == ERR_NONE ? exit : OP_PROTOCOL;
}

static enum op_exit show(struct ota *o, const struct op_arguments *a)
{
    bool taken_before = o->response.status == SCP80_COUNTER_LOW && (o->repeats || o->sms.tries > 1);
    bool good = o->response.status == SCP80_OK;
    const char *text = taken_before ? "taken before, what it answered then is lost" : scp80_status_text(o->response.status);
    json_t *commands = o->s->json ? json_array() : NULL;
    if (!o->s->json)
        printf("%s: the card of %s answers to counter %llu: %s (%02X)\n", good ? "done" : taken_before ? "unknown" : "FAILED", a->address.msisdn,
               (unsigned long long)o->header.counter, text, o->response.status);
    enum op_exit exit = good ? show_script_results(o->response.data, commands) : taken_before ? OP_WARNING : OP_FAILED;
    if (o->s->json) {
        json_t *answer = json_pack("{s:s, s:i, s:s, s:I, s:o}", "result", exit == OP_OK ? "ok" : taken_before ? "unknown" : "failed", "por",
                                   (int)o->response.status, "por_text", text, "counter", (json_int_t)o->header.counter,
                                   "commands", commands);
        op_show_json(answer);
        json_decref(answer);
    }
    return exit;
}

/* ---- commands */

static enum op_exit send_packet(struct ota *o, const struct op_arguments *a, struct span packet)
{
    uint64_t resend_s = config_number(o->s->config.file, "ota", "resend_s");
    o->sms = (struct ota_sms){ .msisdn = a->address.msisdn,
                               .packet = packet,
                               .wait_s = a->timeout_s ? a->timeout_s : WAIT_S,
                               .resend_s = resend_s ? (uint32_t)resend_s : 1,
                               .accept = accept_response,
                               .over = o->server ? session_over : NULL,
                               .context = o };
    return op_ota_sms(o->s, &o->sms);
}

/* Over HTTPS: what the card posted; the packet was only the invitation. */
static enum op_exit show_session(struct ota *o, const struct op_arguments *a)
{
    bool posted = op_ota_done(o->server);
    json_t *commands = o->s->json ? json_array() : NULL;
    if (!posted) /* the answer to the trigger */
        return show(o, a);
    bool good = !strcmp(o->https.status, "ok") || !*o->https.status;
    if (!o->s->json)
        printf("%s: the card of %s came and answers: %s\n", good ? "done" : "FAILED", a->address.msisdn, o->https.status);
    enum op_exit exit = good ? show_script_results(o->https.response, commands) : OP_FAILED;
    if (o->s->json) {
        json_t *answer = json_pack("{s:s, s:s, s:o}", "result", exit == OP_OK ? "ok" : "failed", "script_status", o->https.status,
                                   "commands", commands);
        op_show_json(answer);
        json_decref(answer);
    }
    return exit;
}

static enum op_exit send_session(struct ota *o, const struct op_arguments *a, struct span script)
{
    WRITER_ON_STACK(trigger, SCP81_TRIGGER_MAX);
    struct writer packet = wr_arena(&o->s->arena, SCP81_TRIGGER_MAX + SCP80_OVERHEAD_MAX);
    if (!o->https.psk.len) {
        say(o->s, "psk", "the key file has none: --https needs it");
        return OP_LOCAL;
    }
    o->https.script = script;
    if (op_ota_trigger(o->s, &o->https, &trigger) != ERR_NONE) {
        say(o->s, "[ota] https_advertise", "an IPv4 address and a port that cards reach");
        return OP_LOCAL;
    }
    if (!(o->server = op_ota_listen(o->s, &o->https)))
        return OP_LOCAL;
    enum op_exit exit = next_counter(o) ? OP_OK : OP_LOCAL;
    if (exit == OP_OK && scp80_command_wrap(&o->header, &o->keys, wr_span(&trigger), &packet) != ERR_NONE)
        exit = OP_LOCAL;
    if (exit == OP_OK)
        exit = send_packet(o, a, wr_span(&packet));
    if (exit == OP_OK)
        exit = show_session(o, a);
    else if (op_ota_given(o->server))
        say(o->s, "the card got the script", "what it did with it is not known");
    op_ota_close(o->server);
    return exit;
}

/* An answer ends the doubt, whatever it says; what has not left begins none. */
static enum op_exit send_pending(struct ota *o, const struct op_arguments *a, struct span packet)
{
    enum op_exit exit = send_packet(o, a, packet);
    if (exit == OP_OK || (!o->sms.left && !o->repeats))
        pending_forget(o);
    return exit == OP_OK ? show(o, a) : exit;
}

static enum op_exit send_script(struct ota *o, const struct op_arguments *a, struct span script)
{
    struct writer packet = wr_arena(&o->s->arena, SCRIPT_MAX + SCP80_OVERHEAD_MAX);
    char hex[2 * 200 + 1];
    if (a->given & OPT(DRY_RUN)) {
        printf("dry run, nothing is sent: script %s%s\n", hex_text(span_sub(script, 0, 200), hex, sizeof hex),
               script.len > 200 ? "…" : "");
        return OP_OK;
    }
    if (!nothing_pends(o))
        return OP_LOCAL;
    if (a->given & OPT(HTTPS))
        return send_session(o, a, script);
    if (!next_counter(o))
        return OP_LOCAL;
    enum err err = scp80_command_wrap(&o->header, &o->keys, script, &packet);
    if (err != ERR_NONE) {
        say(o->s, "the secured packet", err_text(err));
        return OP_LOCAL;
    }
    return pending_store(o, wr_span(&packet)) ? send_pending(o, a, wr_span(&packet)) : OP_LOCAL;
}

enum op_exit op_ota_repeat(struct op_session *s, const struct op_arguments *a)
{
    struct ota o = { .s = s, .repeats = true };
    struct span packet = SPAN_NONE;
    enum op_exit exit = OP_LOCAL;
    enum err err = read_keys(&o, a->keys) ? pending_read(&o, &packet) : ERR_DENIED;
    if (err == ERR_NONE && (a->given & OPT(DRY_RUN))) {
        printf("dry run, nothing is sent: counter %llu, %zu octets\n", (unsigned long long)o.header.counter, packet.len);
        exit = OP_OK;
    } else if (err == ERR_NONE) {
        exit = send_pending(&o, a, packet);
    } else if (err != ERR_DENIED) {
        say(s, o.pending_path, err == ERR_NOT_FOUND ? "nothing waits for an answer" : "is no packet");
    }
    wipe(&o, sizeof o);
    return exit;
}

static enum op_exit run(struct op_session *s, const struct op_arguments *a, ota_script *fill)
{
    struct ota o = { .s = s };
    struct ram_script script;
    struct writer w = wr_arena(&s->arena, SCRIPT_MAX);
    enum op_exit exit = OP_USAGE;
    ram_script_open(&script, &w, a->given & OPT(HTTPS) ? RAM_INDEFINITE : RAM_DEFINITE);
    if (fill(s, a, &script)) {
        ram_script_close(&script);
        if (w.err != ERR_NONE)
            say(s, "the script", err_text(w.err));
        else
            exit = read_keys(&o, a->keys) ? send_script(&o, a, wr_span(&w)) : OP_LOCAL;
    }
    wipe(o.kic, sizeof o.kic);
    wipe(o.kid, sizeof o.kid);
    wipe(o.psk, sizeof o.psk);
    return exit;
}

enum op_exit op_ota_pol1(struct op_session *s, const struct op_arguments *a) { return run(s, a, pol1_script); }
enum op_exit op_ota_connectivity(struct op_session *s, const struct op_arguments *a)
{
    return run(s, a, connectivity_script);
}
enum op_exit op_ota_script(struct op_session *s, const struct op_arguments *a) { return run(s, a, free_script); }
