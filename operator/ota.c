/* operator/ota.c: ES6 (SGP.02 §4.1.2): the operator speaks to its own enabled profile, with the profile's keys, over SMS.
 * The key file of a profile:
 *
 *     [profile]
 *     kvn = 2               key version of the SCP80 set, 1 … 15
 *     kic = 0011…           AES keys, hexadecimal digits
 *     kid = 0011…
 *     tar = B20100          of the MNO-SD
 *
 * Beside it FILE.counter holds the counter used last: it is written before a packet leaves, so that none is used twice. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "lib/codec/hex.h"
#include "lib/gp/apdu.h"
#include "lib/gp/ram_script.h"
#include "lib/io/file.h"
#include "lib/ota/es6.h"
#include "lib/scp/scp80.h"
#include "ota_sms.h"
#include "show.h"

#define SCRIPT_MAX  2800u
#define WAIT_S      120u
#define COUNTER_MAX 32u /* octets of the file */

static const struct config_option key_options[] = {
    { "profile", "kvn", CONFIG_NUMBER, NULL, true, "key version of the profile's SCP80 keys" },
    { "profile", "kic", CONFIG_HEX, NULL, true, "key for ciphering" },
    { "profile", "kid", CONFIG_HEX, NULL, true, "key for the checksum" },
    { "profile", "tar", CONFIG_HEX, "B20100", false, "TAR of the MNO-SD" },
};

struct ota {
    struct op_session *s;
    struct scp80_header header;
    uint8_t kic[SCP80_KEY_MAX], kid[SCP80_KEY_MAX];
    struct scp80_keys keys;
    char counter_path[1024];
    struct scp80_response response; /* the card's; data in the arena */
};

/* ---- keys and counter */

static bool say(struct op_session *s, const char *what, const char *why)
{
    snprintf(s->detail, sizeof s->detail, "%s: %s", what, why);
    return false;
}

static bool read_key(struct ota *o, const struct config *file, const char *name, uint8_t *out, struct span *ret)
{
    struct span text = span_text(config_text(file, "profile", name));
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
    if (good) {
        o->header = (struct scp80_header){ .spi1 = SCP80_SPI1_FULL, .spi2 = SCP80_SPI2_FULL,
                                           .kic = SCP80_KEY_BYTE(kvn), .kid = SCP80_KEY_BYTE(kvn) };
        memcpy(o->header.tar, tar.ptr, sizeof o->header.tar);
        snprintf(o->counter_path, sizeof o->counter_path, "%s.counter", path);
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
    return true;
}

static enum op_exit show_script_results(struct ota *o, json_t *commands)
{
    struct ram_reader r;
    struct ram_item item;
    enum op_exit exit = OP_OK;
    unsigned n = 0;
    enum err err = ram_results_open(&r, o->response.data);
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
    bool good = o->response.status == SCP80_OK;
    const char *text = scp80_status_text(o->response.status);
    json_t *commands = o->s->json ? json_array() : NULL;
    if (!o->s->json)
        printf("%s: the card of %s answers to counter %llu: %s (%02X)\n", good ? "done" : "FAILED", a->address.msisdn,
               (unsigned long long)o->header.counter, text, o->response.status);
    enum op_exit exit = good ? show_script_results(o, commands) : OP_FAILED;
    if (o->s->json) {
        json_t *answer = json_pack("{s:s, s:i, s:s, s:I, s:o}", "result", exit == OP_OK ? "ok" : "failed", "por",
                                   (int)o->response.status, "por_text", text, "counter", (json_int_t)o->header.counter,
                                   "commands", commands);
        op_show_json(answer);
        json_decref(answer);
    }
    return exit;
}

/* ---- commands */

static enum op_exit send_script(struct ota *o, const struct op_arguments *a, struct span script)
{
    struct writer packet = wr_arena(&o->s->arena, SCRIPT_MAX + SCP80_OVERHEAD_MAX);
    char hex[2 * 200 + 1];
    if (a->given & OPT(DRY_RUN)) {
        printf("dry run, nothing is sent: script %s%s\n", hex_text(span_sub(script, 0, 200), hex, sizeof hex),
               script.len > 200 ? "…" : "");
        return OP_OK;
    }
    if (!next_counter(o))
        return OP_LOCAL;
    enum err err = scp80_command_wrap(&o->header, &o->keys, script, &packet);
    if (err != ERR_NONE) {
        say(o->s, "the secured packet", err_text(err));
        return OP_LOCAL;
    }
    enum op_exit exit = op_ota_sms(o->s, a->address.msisdn, wr_span(&packet), a->timeout_s ? a->timeout_s : WAIT_S,
                                   accept_response, o);
    return exit == OP_OK ? show(o, a) : exit;
}

static enum op_exit run(struct op_session *s, const struct op_arguments *a, ota_script *fill)
{
    struct ota o = { .s = s };
    struct ram_script script;
    struct writer w = wr_arena(&s->arena, SCRIPT_MAX);
    enum op_exit exit = OP_USAGE;
    ram_script_open(&script, &w, RAM_DEFINITE);
    if (fill(s, a, &script)) {
        ram_script_close(&script);
        if (w.err != ERR_NONE)
            say(s, "the script", err_text(w.err));
        else
            exit = read_keys(&o, a->keys) ? send_script(&o, a, wr_span(&w)) : OP_LOCAL;
    }
    wipe(o.kic, sizeof o.kic);
    wipe(o.kid, sizeof o.kid);
    return exit;
}

enum op_exit op_ota_pol1(struct op_session *s, const struct op_arguments *a) { return run(s, a, pol1_script); }
enum op_exit op_ota_connectivity(struct op_session *s, const struct op_arguments *a)
{
    return run(s, a, connectivity_script);
}
enum op_exit op_ota_script(struct op_session *s, const struct op_arguments *a) { return run(s, a, free_script); }
