#include "keys.h"

#include <stdio.h>
#include <stdlib.h>

#include "euicc/isdr/isdr.h"
#include "lib/base/world.h"
#include "lib/codec/ber_tlv.h"
#include "lib/codec/hex.h"
#include "lib/daemon/config.h"
#include "lib/io/file.h"
#include "lib/ota/es5.h"
#include "lib/pki/gp_certificate.h"
#include "package.h"

#define LAB_NUMBER "+33699082113"
#define FILE_MAX   8192u

static const struct config_option options[] = {
    { "card", "eid", CONFIG_TEXT, NULL, true, "32 digits" },
    { "card", "ecasd-curve", CONFIG_TEXT, "P-256", false, "curve of the ECASD's key: P-256 or brainpoolP256r1" },
    { "card", "disposable", CONFIG_BOOL, "no", false, "cases may leave marks that no command takes back" },
    { "scp80", "kvn", CONFIG_HEX, "01", false, "key version of the ISD-R's SCP80 set" },
    { "scp80", "kic", CONFIG_HEX, NULL, true, "AES-128" },
    { "scp80", "kid", CONFIG_HEX, NULL, true, "AES-128" },
    { "scp80", "kik", CONFIG_HEX, "00000000000000000000000000000000", false, "AES-128" },
    { "scp81", "kvn", CONFIG_HEX, "40", false, "key version of the ISD-R's SCP81 set" },
    { "scp81", "kid", CONFIG_HEX, "01", false, "key identifier of the PSK" },
    { "scp81", "psk", CONFIG_HEX, NULL, true, "16 octets" },
    { "ci", "curve", CONFIG_TEXT, "P-256", false, "curve of the CI's key" },
    { "ci", "private", CONFIG_HEX, NULL, true, "SK.CI.ECDSA, 32 octets" },
    { "eum", "curve", CONFIG_TEXT, "P-256", false, "curve of the EUM's key" },
    { "eum", "public", CONFIG_HEX, NULL, false, "PK.EUM.ECDSA, 04 X Y; without it one case is skipped" },
    { "smsr", "number", CONFIG_TEXT, NULL, true, "where the card sends notifications" },
    { "smsr", "https", CONFIG_HEX, NULL, false, "value of A5 as the card has it" },
    { "timing", "attach-guard", CONFIG_NUMBER, "0", false, "seconds to network service after a switch" },
    { "timing", "notification-interval", CONFIG_NUMBER, "0", false, "seconds between tries of a notification" },
    { "timing", "notification-tries", CONFIG_NUMBER, "0", false, "tries of a notification" },
    { "timing", "fallback", CONFIG_NUMBER, "0", false, "seconds without service to the fall-back" },
    { "timing", "retry-wait", CONFIG_NUMBER, "0", false, "seconds between tries of a session" },
    { "timing", "clock-speed", CONFIG_NUMBER, "1", false, "the card's time runs so many times faster than ours" },
};

/* ---- the file ---- */

static enum err octets(const struct config *c, const char *section, const char *name, uint8_t *out, size_t len)
{
    const char *text = config_text(c, section, name);
    return text ? hex_read_exact(span_text(text), out, len) : ERR_MISSING;
}

static enum err read_curve(const struct config *c, const char *section, const char *name, enum ec_curve *ret)
{
    return ec_curve_read(config_text(c, section, name), ret);
}

static enum err read_card(const struct config *c, struct card_keys *k)
{
    enum ec_curve curve = EC_P256;
    enum err err = eid_from_text(span_text(config_text(c, "card", "eid")), &k->eid);
    if (err == ERR_NONE)
        err = read_curve(c, "card", "ecasd-curve", &curve);
    k->ecasd_curve = (uint8_t)curve;
    k->disposable = config_bool(c, "card", "disposable");
    return err;
}

static enum err read_isdr(const struct config *c, struct card_keys *k)
{
    const struct {
        const char *section, *name;
        uint8_t *out;
        size_t len;
    } items[] = { { "scp80", "kvn", &k->scp80.kvn, 1 }, { "scp80", "kic", k->scp80.kic, 16 },
                  { "scp80", "kid", k->scp80.kid, 16 }, { "scp80", "kik", k->scp80.kik, 16 },
                  { "scp81", "kvn", &k->scp81.kvn, 1 }, { "scp81", "kid", &k->scp81.kid, 1 },
                  { "scp81", "psk", k->scp81.psk, 16 } };
    enum err err = ERR_NONE;
    for (size_t i = 0; err == ERR_NONE && i < ARRAY_LEN(items); i++)
        err = octets(c, items[i].section, items[i].name, items[i].out, items[i].len);
    return err;
}

static enum err read_authorities(const struct config *c, struct card_keys *k)
{
    uint8_t scalar[EC_FIELD_LEN], point[EC_POINT_LEN];
    enum ec_curve curve;
    enum err err = read_curve(c, "ci", "curve", &curve);
    if (err == ERR_NONE)
        err = octets(c, "ci", "private", scalar, sizeof scalar);
    if (err == ERR_NONE)
        err = ec_private_new(curve, SPAN_OF(scalar), &k->ci);
    wipe(scalar, sizeof scalar);
    if (err != ERR_NONE || !config_text(c, "eum", "public"))
        return err;
    err = read_curve(c, "eum", "curve", &curve);
    if (err == ERR_NONE)
        err = octets(c, "eum", "public", point, sizeof point);
    return err == ERR_NONE ? ec_public_new(curve, SPAN_OF(point), &k->eum) : err;
}

static enum err read_behaviour(const struct config *c, struct card_keys *k)
{
    const char *https = config_text(c, "smsr", "https");
    snprintf(k->smsr_number, sizeof k->smsr_number, "%s", config_text(c, "smsr", "number"));
    k->timing.attach_guard_s = (uint32_t)config_number(c, "timing", "attach-guard");
    k->timing.notification_interval_s = (uint32_t)config_number(c, "timing", "notification-interval");
    k->timing.notification_tries = (uint32_t)config_number(c, "timing", "notification-tries");
    k->timing.fallback_s = (uint32_t)config_number(c, "timing", "fallback");
    k->timing.retry_wait_s = (uint32_t)config_number(c, "timing", "retry-wait");
    uint64_t speed = config_number(c, "timing", "clock-speed");
    if (speed < 1 || speed > KEYS_SPEED_MAX)
        return ERR_BAD_VALUE;
    k->clock_speed = (unsigned)speed;
    return https ? hex_read(span_text(https), k->https, sizeof k->https, &k->https_len) : ERR_NONE;
}

enum err keys_load(const char *path, struct card_keys *ret, char *detail)
{
    struct config *c;
    enum err err = config_load(path, options, ARRAY_LEN(options), &c, detail);
    if (err != ERR_NONE)
        return err;
    *ret = (struct card_keys){ .eum = NULL };
    err = read_card(c, ret);
    if (err == ERR_NONE)
        err = read_isdr(c, ret);
    if (err == ERR_NONE)
        err = read_authorities(c, ret);
    if (err == ERR_NONE)
        err = read_behaviour(c, ret);
    config_free(c);
    if (err != ERR_NONE) {
        snprintf(detail, KEYS_DETAIL_MAX, "%s: a value in it is not what it should be: %s", path, err_text(err));
        keys_done(ret);
    }
    return err;
}

static void line(struct writer *w, const char *name, struct span value)
{
    wr_printf(w, "%s = ", name);
    wr_hex(w, value);
    wr_text(w, "\n");
}

static void timing_write(struct writer *w, const struct card_keys *k)
{
    const struct euicc_timing *t = &k->timing;
    wr_printf(w,
              "\n[timing]\nattach-guard = %u\nnotification-interval = %u\nnotification-tries = %u\nfallback = %u\n"
              "retry-wait = %u\nclock-speed = %u\n",
              t->attach_guard_s, t->notification_interval_s, t->notification_tries, t->fallback_s, t->retry_wait_s,
              k->clock_speed);
}

static enum err text_write(struct writer *w, const struct card_keys *k)
{
    uint8_t scalar[EC_FIELD_LEN], point[EC_POINT_LEN];
    char eid[EID_TEXT_SIZE];
    wr_printf(w, "# Keys of one lab card: secret.\n[card]\neid = %s\necasd-curve = %s\ndisposable = %s\n\n[scp80]\n",
              eid_text(&k->eid, eid), ec_curve_name((enum ec_curve)k->ecasd_curve), k->disposable ? "yes" : "no");
    line(w, "kvn", (struct span){ &k->scp80.kvn, 1 });
    line(w, "kic", SPAN_OF(k->scp80.kic));
    line(w, "kid", SPAN_OF(k->scp80.kid));
    line(w, "kik", SPAN_OF(k->scp80.kik));
    wr_text(w, "\n[scp81]\n");
    line(w, "kvn", (struct span){ &k->scp81.kvn, 1 });
    line(w, "kid", (struct span){ &k->scp81.kid, 1 });
    line(w, "psk", SPAN_OF(k->scp81.psk));
    wr_printf(w, "\n[ci]\ncurve = %s\n", ec_curve_name(ec_key_curve(k->ci)));
    enum err err = ec_key_scalar(k->ci, scalar);
    line(w, "private", SPAN_OF(scalar));
    wipe(scalar, sizeof scalar);
    if (k->eum) {
        ec_key_point(k->eum, point);
        wr_printf(w, "\n[eum]\ncurve = %s\n", ec_curve_name(ec_key_curve(k->eum)));
        line(w, "public", SPAN_OF(point));
    }
    wr_printf(w, "\n[smsr]\nnumber = %s\n", k->smsr_number);
    if (k->https_len)
        line(w, "https", (struct span){ k->https, k->https_len });
    timing_write(w, k);
    return err == ERR_NONE ? w->err : err;
}

enum err keys_save(const char *path, const struct card_keys *k)
{
    WRITER_ON_STACK(w, FILE_MAX);
    enum err err = text_write(&w, k);
    if (err == ERR_NONE)
        err = file_write(path, wr_span(&w));
    wipe(w_memory, sizeof w_memory);
    return err;
}

void keys_done(struct card_keys *k)
{
    ec_key_free(k->ci);
    ec_key_free(k->eum);
    wipe(k, sizeof *k);
}

/* ---- a lab card ---- */

static void draw(uint8_t *out, size_t len) { world_rng()->fill(world_rng(), out, len); }

/* A5: bearer, port and address, host and URI. Nobody listens there: the runner is the terminal too. */
static const char lab_https[] = "840F 350103 3C030220FB 3E05217F000001"
                                "8921 8A0D736D2D73722E6578616D706C65 8C10 2F67736D612F61646D696E6167656E74";

static enum err hex_squeezed(const char *text, uint8_t *out, size_t cap, size_t *ret_len)
{
    char tight[2 * KEYS_HTTPS_MAX + 1];
    size_t n = 0;
    for (; *text && n + 1 < sizeof tight; text++)
        if (*text != ' ')
            tight[n++] = *text;
    return hex_read((struct span){ (const uint8_t *)tight, n }, out, cap, ret_len);
}

enum err keys_lab(struct card_keys *ret, uint8_t curve)
{
    struct card_keys k = { .scp80.kvn = 0x01,
                           .scp81 = { .kvn = 0x40, .kid = 0x01 },
                           .ecasd_curve = curve,
                           .disposable = true,
                           .clock_speed = 1 };
    enum err err = eid_from_text(span_text("89001012012341234012345678901224"), &k.eid);
    draw(k.scp80.kic, 16);
    draw(k.scp80.kid, 16);
    draw(k.scp80.kik, 16);
    draw(k.scp81.psk, 16);
    snprintf(k.smsr_number, sizeof k.smsr_number, "%s", LAB_NUMBER);
    k.timing = (struct euicc_timing){ .attach_guard_s = 4,
                                      .notification_interval_s = 2,
                                      .notification_tries = 2,
                                      .fallback_s = 4,
                                      .session_idle_s = 10,
                                      .refresh_retry_s = 2,
                                      .poll_interval_s = 1,
                                      .retry_wait_s = 1 };
    if (err == ERR_NONE)
        err = hex_squeezed(lab_https, k.https, sizeof k.https, &k.https_len);
    if (err == ERR_NONE)
        err = ec_generate((enum ec_curve)curve, NULL, &k.ci);
    if (err == ERR_NONE)
        err = ec_generate((enum ec_curve)curve, NULL, &k.eum);
    if (err == ERR_NONE)
        *ret = k;
    else
        keys_done(&k);
    return err;
}

void keys_field_times(struct card_keys *k) { k->timing = isdr_timing_default; }

static enum err ecasd_certificate(const struct card_keys *k, struct ec_key *own, struct writer *w)
{
    uint8_t point[EC_POINT_LEN];
    ec_key_point(own, point);
    struct gp_certificate c = { .serial = SPAN_LIT("\x01"),
                                .ca_id = SPAN_LIT("\x88\x37\x09"),
                                .subject_id = eid_span(&k->eid),
                                .key_usage = GP_USAGE_AGREEMENT,
                                .key_usage_len = 2,
                                .expiration = { 0x20, 0x50, 0x01, 0x01 },
                                .curve = ec_key_curve(own),
                                .point = SPAN_OF(point) };
    return gp_certificate_issue(&c, k->eum, w);
}

static void key_set(struct euicc_key_set *set, uint8_t kvn, uint8_t type, size_t count, const uint8_t *values[3])
{
    *set = (struct euicc_key_set){ .kvn = kvn, .key_count = (uint8_t)count };
    for (size_t i = 0; i < count; i++) {
        set->keys[i] = (struct euicc_key){ .kid = (uint8_t)(i + 1), .type = type, .len = 16 };
        memcpy(set->keys[i].value, values[i], 16);
    }
}

static void smsr_fill(const struct card_keys *k, struct euicc_personalisation *p, struct tp_address *number)
{
    if (tp_address_from_text(k->smsr_number, number) == ERR_NONE)
        p->smsr.sms_tp_da = (struct span){ number->octets, number->len };
    p->smsr.https_host = SPAN_LIT("sm-sr.example");
    p->smsr.https_uri = SPAN_LIT("/gsma/adminagent");
    p->smsr.https_port = 8443;
    memcpy(p->smsr.https_ipv4, "\x7F\x00\x00\x01", 4);
}

static enum err manufacture(const struct card_keys *k, const struct env *env, struct ec_key *own, struct span cert,
                            struct span package, struct span test)
{
    struct euicc_personalisation p = {
        .eid = k->eid, .timing = k->timing, .bootstrap_package = package, .test_package = test
    };
    struct tp_address number;
    struct arena scratch;
    uint8_t scalar[EC_FIELD_LEN], ci_point[EC_POINT_LEN], ski[GP_SKI_LEN];
    const uint8_t *scp80[3] = { k->scp80.kic, k->scp80.kid, k->scp80.kik }, *scp81[3] = { k->scp81.psk };
    enum err err = ec_key_scalar(own, scalar);
    if (err == ERR_NONE)
        err = gp_ski(k->ci, ski);
    if (err != ERR_NONE)
        return err;
    ec_key_point(k->ci, ci_point);
    p.ecasd.curve = k->ecasd_curve;
    p.ecasd.sk = SPAN_OF(scalar);
    p.ecasd.cert = cert;
    p.ci[0] = (struct euicc_ci){ .ski = SPAN_OF(ski),
                                 .public_key = SPAN_OF(ci_point),
                                 .curve = (uint8_t)ec_key_curve(k->ci) };
    p.ci_count = 1;
    key_set(&p.isdr_keys[0], k->scp80.kvn, 0x88, 3, scp80);
    key_set(&p.isdr_keys[1], k->scp81.kvn, 0x85, 1, scp81);
    p.isdr_key_set_count = 2;
    smsr_fill(k, &p, &number);
    arena_init(&scratch, 4 * EUICC_ARENA_SIZE);
    err = euicc_manufacture(env, &p, &scratch, NULL);
    arena_release(&scratch);
    wipe(&p, sizeof p);
    wipe(scalar, sizeof scalar);
    return err;
}

enum err keys_make_card(const struct card_keys *k, const struct env *env)
{
    struct arena arena;
    struct ec_key *own = NULL;
    struct span package, test;
    WRITER_ON_STACK(cert, GP_CERTIFICATE_MAX);
    arena_init(&arena, PACKAGE_ARENA_MAX);
    enum err err = ec_generate((enum ec_curve)k->ecasd_curve, NULL, &own);
    if (err == ERR_NONE)
        err = ecasd_certificate(k, own, &cert);
    if (err == ERR_NONE)
        err = package_make(&(struct package_wish){ .iccid = "899997000000009001", .pol1 = 0 }, &arena, &package);
    if (err == ERR_NONE)
        err = package_make(&(struct package_wish){ .iccid = "899997000000009002", .pol1 = 0 }, &arena, &test);
    if (err == ERR_NONE)
        err = manufacture(k, env, own, wr_span(&cert), package, test);
    ec_key_free(own);
    arena_release(&arena);
    return err;
}
