/* osprey-eum make-euicc: one eUICC, or a batch of them. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bootstrap.h"
#include "commands.h"
#include "factory.h"
#include "folder.h"
#include "kek.h"
#include "lib/base/world.h"
#include "lib/io/file.h"
#include "lib/profile/build.h"
#include "lib/profile/facts.h"

#define DAY_MS      86400000ull
#define DAYS_MAX    36500u
#define COUNT_MAX   1000000u
#define ARENA_MAX   (EUM_ARENA_MAX + BUILD_ARENA_MIN)
#define HOST_MAX    64u
#define URI_MAX     128u
#define MSISDN_SIZE 16u
#define TIMING_MAX  200u
#define SUBSCRIPTION_TEXT_MAX 512u

_Static_assert(FOLDER_DETAIL_MAX >= PROFILE_FACTS_DETAIL_MAX, "what a package says fits");

static const struct command_option options[] = {
    { "eum", "DIR", NULL, true, "folder of the EUM (osprey-eum issue eum)" },
    { "out", "DIR", NULL, true, "where the eUICCs go, each in a folder named by its EID" },
    { "kek", "FILE", NULL, true, "transport key shared with the SM-SR (osprey-eum kek)" },
    { "smsr-oid", "OID", NULL, true, "the SM-SR in charge" },
    { "smsr-sms", "DIGITS", NULL, false, "its number for short messages, international" },
    { "smsr-https", "IPV4:PORT/URI", NULL, false, "where its HTTPS server is" },
    { "smsr-cat-tp", "IPV4:PORT/PORT", NULL, false, "where its CAT_TP end is: UDP, and the port inside" },
    { "smsr-host", "NAME", NULL, false, "name in the Host header; the address when not given" },
    { "eid", "DIGITS", NULL, false, "the whole EID, check digits included" },
    { "eid-prefix", "DIGITS", "890010120123412340", false, "or its beginning, followed by the serial number" },
    { "serial", "N", "1", false, "serial number of the first" },
    { "count", "N", "1", false, "how many" },
    { "bootstrap", "FILE", NULL, false, "profile it leaves with, enabled: a package (DER) or a source" },
    { "test-profile", "FILE", NULL, false, "profile for the device alone to enable (ESx): a package or a source" },
    { "emergency-profile", "FILE", NULL, false, "the same with the emergency attribute" },
    { "set", "NAME=VALUE,…", NULL, false, "variables of the bootstrap profile's source" },
    { "iccid", "DIGITS", NULL, false, "of the first, without check digit; each next eUICC has the next one" },
    { "imsi", "DIGITS", NULL, false, "of the first; each next eUICC has the next one" },
    { "random-keys", NULL, NULL, false, "K, OPc and OTA keys of the profile are drawn for each" },
    { "subscribers", "FILE", NULL, false, "appends each subscription, for osprey-hlr; the file holds secrets" },
    { "mno", "OID", "2.999.9", false, "owner of the bootstrap profile" },
    { "msisdn", "DIGITS", NULL, false, "its number; each next eUICC has the next one" },
    { "profile-type", "TEXT", NULL, false, "its profile type" },
    { "curve", "CURVE", NULL, false, "of the ECASD's key; the EUM's when not given" },
    { "from", "DATE", NULL, false, "certificate valid from that day; now when not given" },
    { "days", "N", "9125", false, "how long the certificate is valid" },
    { "card-master", "FILE", NULL, false,
      "wraps the secrets in the card images; made if absent. Without: as in a chip" },
    { "nvm-kib", "N", "1100", false, "size of a card image" },
    { "timing", "NAME=S,…", NULL, false, "the card's times in seconds, see below" },
    { "json", NULL, NULL, false, "one JSON line for each eUICC" },
};

struct production {
    const struct call *call;
    struct folder_authority eum;
    struct keystore_soft *card_keys;
    struct kek kek;
    struct eum_order order;
    struct env env;
    struct arena shared; /* what all of them have in common */
    struct bootstrap bootstrap;
    uint64_t serial, index, count, nvm_kib;
    char https_host[HOST_MAX], https_uri[URI_MAX], msisdn[MSISDN_SIZE];
    char detail[FOLDER_DETAIL_MAX];
};

/* ---- options ---- */

static const struct {
    const char *name;
    size_t at;
} timings[] = {
    { "attach_guard", offsetof(struct euicc_timing, attach_guard_s) },
    { "notification_interval", offsetof(struct euicc_timing, notification_interval_s) },
    { "notification_tries", offsetof(struct euicc_timing, notification_tries) },
    { "fallback", offsetof(struct euicc_timing, fallback_s) },
    { "session_idle", offsetof(struct euicc_timing, session_idle_s) },
    { "refresh_retry", offsetof(struct euicc_timing, refresh_retry_s) },
    { "poll_interval", offsetof(struct euicc_timing, poll_interval_s) },
    { "retry_wait", offsetof(struct euicc_timing, retry_wait_s) },
};

static bool read_one_timing(struct production *p, char *text)
{
    char *value = strchr(text, '='), *end = NULL;
    if (!value)
        return false;
    *value++ = 0;
    unsigned long seconds = strtoul(value, &end, 10);
    for (size_t i = 0; i < ARRAY_LEN(timings); i++) {
        if (strcmp(timings[i].name, text) == 0 && *value && !*end && seconds <= UINT32_MAX) {
            *(uint32_t *)((uint8_t *)&p->order.timing + timings[i].at) = (uint32_t)seconds;
            return true;
        }
    }
    return false;
}

static bool read_timing(struct production *p)
{
    char text[TIMING_MAX], *rest = text;
    const char *given = call_text(p->call, "timing");
    if (!given)
        return true;
    snprintf(text, sizeof text, "%s", given);
    for (char *each; (each = strsep(&rest, ",")) != NULL;) {
        if (!read_one_timing(p, each)) {
            call_misused(p->call, "--timing: %s is not one of the times", each);
            return false;
        }
    }
    return true;
}

static bool read_cat_tp(struct production *p)
{
    const char *text = call_text(p->call, "smsr-cat-tp");
    char address[64];
    unsigned udp, port;
    int end = 0;
    if (!text)
        return true;
    if (sscanf(text, "%63[^:]:%u/%u%n", address, &udp, &port, &end) != 3 || text[end] || udp == 0 || udp > 65535 ||
        port == 0 || port > 65535 || inet_pton(AF_INET, address, p->order.smsr.cat_tp_ipv4) != 1) {
        call_misused(p->call, "--smsr-cat-tp takes 192.0.2.1:8444/9000, not %s", text);
        return false;
    }
    p->order.smsr.cat_tp_udp_port = (uint16_t)udp;
    p->order.smsr.cat_tp_port = (uint16_t)port;
    return true;
}

static bool read_https(struct production *p)
{
    const char *text = call_text(p->call, "smsr-https"), *host = call_text(p->call, "smsr-host");
    unsigned port = 0;
    char address[HOST_MAX];
    if (!text)
        return true;
    if (sscanf(text, "%63[^:]:%u%127s", address, &port, p->https_uri) != 3 || port == 0 || port > 65535 ||
        p->https_uri[0] != '/' || inet_pton(AF_INET, address, p->order.smsr.https_ipv4) != 1) {
        call_misused(p->call, "--smsr-https takes 192.0.2.1:8443/path, not %s", text);
        return false;
    }
    snprintf(p->https_host, sizeof p->https_host, "%s", host ? host : address);
    p->order.smsr.https_host = p->https_host;
    p->order.smsr.https_port = (uint16_t)port;
    p->order.smsr.https_uri = p->https_uri;
    return true;
}

static bool read_oid(const struct call *call, const char *option, struct oid *ret)
{
    if (oid_from_text(span_text(call_text(call, option)), ret) == ERR_NONE)
        return true;
    call_misused(call, "--%s %s is not an object identifier", option, call_text(call, option));
    return false;
}

static bool read_validity(struct production *p)
{
    uint64_t now_ms = p->env.clock->now_ms(p->env.clock), days = 0;
    struct eum_validity *v = &p->order.validity;
    if (!call_date(p->call, "from", now_ms, &v->from_ms) || !call_number(p->call, "days", DAYS_MAX, &days))
        return false;
    v->to_ms = v->from_ms + days * DAY_MS;
    p->order.production_ms = now_ms / 1000 * 1000;
    return true;
}

static bool read_options(struct production *p)
{
    const struct call *call = p->call;
    if (!read_oid(call, "smsr-oid", &p->order.smsr.oid) || !read_oid(call, "mno", &p->order.bootstrap.mno_id) ||
        !read_https(p) || !read_cat_tp(p) || !read_timing(p) || !read_validity(p) ||
        !call_number(call, "serial", UINT64_MAX, &p->serial) || !call_number(call, "count", COUNT_MAX, &p->count) ||
        !call_number(call, "nvm-kib", EUICC_NVM_MAX / 1024, &p->nvm_kib))
        return false;
    if (call_has(call, "eid") && p->count != 1) {
        call_misused(call, "--eid is for one eUICC; for more, --eid-prefix and --serial");
        return false;
    }
    snprintf(p->msisdn, sizeof p->msisdn, "%s", call_text(call, "msisdn") ? call_text(call, "msisdn") : "");
    p->order.smsr.sms_number = call_text(call, "smsr-sms");
    p->order.bootstrap.profile_type = call_text(call, "profile-type");
    return true;
}

/* ---- what all of them share ---- */

static enum err open_keys(struct production *p)
{
    const char *kek = call_text(p->call, "kek"), *master = call_text(p->call, "card-master");
    enum err err = kek_read(kek, &p->kek);
    if (err != ERR_NONE)
        snprintf(p->detail, sizeof p->detail, "transport key %s: %s", kek, err_text(err));
    p->order.kek = (struct span){ p->kek.octets, p->kek.len };
    if (err != ERR_NONE || !master)
        return err;
    err = keystore_soft_open(master, true, p->env.rng, &p->card_keys);
    if (err != ERR_NONE)
        snprintf(p->detail, sizeof p->detail, "master key %s: %s", master, err_text(err));
    else
        p->env.keys = keystore_soft_keys(p->card_keys);
    return err;
}

static enum err open_eum(struct production *p)
{
    const char *curve = call_text(p->call, "curve");
    enum err err = folder_authority_open(call_text(p->call, "eum"), "eum", &p->eum, p->detail);
    if (err != ERR_NONE)
        return err;
    p->order.eum = p->eum.authority;
    p->order.eum_id = p->eum.oid;
    p->order.cis = &p->eum.trust;
    p->order.curve = ec_key_curve(p->eum.authority.key);
    return curve ? ec_curve_read(curve, &p->order.curve) : ERR_NONE;
}

/* ---- one of them ---- */

static enum err open_bootstrap(struct production *p)
{
    const char *path = call_text(p->call, "bootstrap");
    p->bootstrap = (struct bootstrap){ .set = call_text(p->call, "set"),
                                       .iccid = call_text(p->call, "iccid"),
                                       .imsi = call_text(p->call, "imsi"),
                                       .random_keys = call_has(p->call, "random-keys") };
    enum err err = path ? file_read(path, PACKAGE_MAX, &p->shared, &p->bootstrap.content) : ERR_NONE;
    if (err != ERR_NONE)
        snprintf(p->detail, sizeof p->detail, "bootstrap profile %s: %s", path, err_text(err));
    return err;
}

/* A profile that is the same in all of them. */
static enum err open_local(struct production *p, const char *option, struct span *ret)
{
    const char *path = call_text(p->call, option);
    struct bootstrap profile = { .content = SPAN_NONE };
    char why[BOOTSTRAP_DETAIL_MAX] = "";
    enum err err = path ? file_read(path, PACKAGE_MAX, &p->shared, &profile.content) : ERR_NONE;
    if (path && err == ERR_NONE)
        err = bootstrap_package(&profile, 0, p->env.rng, &p->shared, ret, why);
    if (err != ERR_NONE)
        snprintf(p->detail, sizeof p->detail, "--%s %s: %s", option, path, why[0] ? why : err_text(err));
    return err;
}

static enum err make_package(struct production *p, struct arena *arena)
{
    char why[BOOTSTRAP_DETAIL_MAX] = "";
    if (!p->bootstrap.content.len)
        return ERR_NONE;
    enum err err =
        bootstrap_package(&p->bootstrap, p->index, p->env.rng, arena, &p->order.bootstrap.package, why);
    if (err != ERR_NONE)
        snprintf(p->detail, sizeof p->detail, "bootstrap profile %s: %s", call_text(p->call, "bootstrap"), why);
    return err;
}

/* As osprey-hlr reads it. */
static enum err export_subscriber(struct production *p, struct arena *arena)
{
    const char *path = call_text(p->call, "subscribers");
    struct profile_facts facts;
    struct subscription s;
    WRITER_ON_STACK(text, SUBSCRIPTION_TEXT_MAX);
    if (!path)
        return ERR_NONE;
    enum err err = profile_facts_read(p->order.bootstrap.package, arena, &facts, p->detail);
    if (err != ERR_NONE)
        return err;
    if (!profile_subscription(&facts, &s)) {
        snprintf(p->detail, sizeof p->detail, "--subscribers: the bootstrap profile has no USIM with keys");
        return ERR_MISSING;
    }
    snprintf(s.address.msisdn, sizeof s.address.msisdn, "%s", p->msisdn);
    subscription_write(&text, &s);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
    bool good = fd >= 0 && text.err == ERR_NONE && write(fd, text.buf, text.len) == (ssize_t)text.len;
    if (fd >= 0)
        good = close(fd) == 0 && good;
    if (!good)
        snprintf(p->detail, sizeof p->detail, "--subscribers %s: %s", path, strerror(errno));
    wipe(text.buf, text.len);
    return good ? ERR_NONE : ERR_IO;
}

static enum err next_eid(struct production *p)
{
    const char *eid = call_text(p->call, "eid");
    enum err err = eid ? eid_from_text(span_text(eid), &p->order.eid)
                       : eum_eid(call_text(p->call, "eid-prefix"), p->serial, &p->order.eid);
    if (err != ERR_NONE)
        snprintf(p->detail, sizeof p->detail, "the EID (serial %llu): %s", (unsigned long long)p->serial,
                 err_text(err));
    return err;
}

static enum err finish(struct production *p, const char *folder, const struct eum_product *product, struct arena *arena)
{
    enum err err = folder_put(folder, "eis.xml", product->eis_xml, p->detail);
    return err == ERR_NONE ? export_subscriber(p, arena) : err;
}

/* The card image, then the EIS: an EIS on disk means a finished card. */
static enum err make_in(struct production *p, const char *folder, struct arena *arena, struct eum_product *product)
{
    char path[FOLDER_PATH_MAX];
    enum err err = ERR_NONE;
    if (!folder_path(folder, "card.nvm", path))
        return ERR_TOO_LONG;
    if (access(path, F_OK) == 0)
        return ERR_EXISTS;
    struct nvm_file *file = nvm_file_open(path, p->nvm_kib * 1024, &err);
    if (!file)
        return err;
    p->env.nvm = nvm_file_seam(file);
    err = eum_make(&p->order, &p->env, arena, product, p->detail);
    nvm_file_close(file);
    if (err == ERR_NONE)
        err = finish(p, folder, product, arena);
    if (err != ERR_NONE)
        unlink(path);
    return err;
}

static void report(const struct production *p, const struct eum_product *product, const char *folder)
{
    char eid[EID_TEXT_SIZE];
    const struct profile_info *profile = product->eis.profile_count ? &product->eis.profiles[0] : NULL;
    const char *iccid = profile ? profile->iccid.digits : "", *imsi = profile ? profile->address.imsi : "";
    eid_text(&p->order.eid, eid);
    if (call_has(p->call, "json"))
        printf("{\"eid\":\"%s\",\"iccid\":\"%s\",\"imsi\":\"%s\",\"msisdn\":\"%s\",\"folder\":\"%s\"}\n", eid, iccid,
               imsi, p->msisdn, folder);
    else
        printf("eUICC %s  bootstrap ICCID %-20s IMSI %-15s in %s\n", eid, iccid, imsi, folder);
}

static enum err make_one(struct production *p)
{
    char eid[EID_TEXT_SIZE], folder[FOLDER_PATH_MAX];
    struct arena arena;
    struct eum_product product;
    enum err err = next_eid(p);
    if (err != ERR_NONE)
        return err;
    arena_init(&arena, ARENA_MAX);
    p->order.bootstrap.msisdn = p->msisdn[0] ? p->msisdn : NULL;
    if (!folder_path(call_text(p->call, "out"), eid_text(&p->order.eid, eid), folder))
        err = ERR_TOO_LONG;
    if (err == ERR_NONE)
        err = make_package(p, &arena);
    if (err == ERR_NONE)
        err = file_make_folder(folder);
    if (err == ERR_NONE)
        err = make_in(p, folder, &arena, &product);
    if (err == ERR_NONE)
        report(p, &product, folder);
    else
        rmdir(folder); /* only when nothing is in it */
    if (err != ERR_NONE && !p->detail[0])
        snprintf(p->detail, sizeof p->detail, "%s: %s", folder, err_text(err));
    arena_release(&arena);
    return err;
}

static enum err make_all(struct production *p)
{
    enum err err = open_eum(p);
    if (err == ERR_NONE)
        err = open_keys(p);
    if (err == ERR_NONE)
        err = open_bootstrap(p);
    if (err == ERR_NONE)
        err = open_local(p, "test-profile", &p->order.test_package);
    if (err == ERR_NONE)
        err = open_local(p, "emergency-profile", &p->order.emergency_package);
    for (; p->index < p->count && err == ERR_NONE; p->index++) {
        err = make_one(p);
        p->serial++;
        digits_add(p->msisdn, 1);
    }
    return err;
}

static int run(const struct call *call)
{
    struct production p = { .call = call, .env = { .clock = world_clock(), .rng = world_rng() } };
    if (!read_options(&p))
        return EXIT_USAGE;
    if (p.count > 1 && call_has(call, "bootstrap") && !call_has(call, "iccid"))
        fprintf(stderr, "osprey-eum make-euicc: note: all %llu have the same bootstrap profile; --iccid and --imsi count up\n",
                (unsigned long long)p.count);
    arena_init(&p.shared, 3 * PACKAGE_MAX + 2 * BUILD_ARENA_MIN);
    enum err err = make_all(&p);
    arena_release(&p.shared);
    wipe(&p.kek, sizeof p.kek);
    keystore_soft_free(p.card_keys);
    folder_authority_done(&p.eum);
    return err == ERR_NONE ? EXIT_GOOD : call_failed(call, "%s", *p.detail ? p.detail : err_text(err));
}

const struct command command_make_euicc = {
    "make-euicc",
    NULL,
    0,
    0,
    "makes eUICCs: card image and signed EIS",
    "  For each eUICC a folder OUT/EID with\n"
    "    card.nvm   the card: ECASD key and certificate, CI keys, ISD-R with SCP80 and SCP81 key sets, SM-SR address,\n"
    "               and the bootstrap profile, enabled, with the fall-back attribute\n"
    "               (beside it, if asked for: a test profile and an emergency profile, disabled)\n"
    "    eis.xml    its EIS, signed by the EUM; the OTA keys in it are encrypted under the transport key\n"
    "  An existing card is never overwritten. Times of the card for --timing: attach_guard, notification_interval,\n"
    "  notification_tries (a number), fallback, session_idle, refresh_retry, poll_interval, retry_wait.\n\n"
    "  osprey-eum make-euicc --eum eum --kek eum/sm-sr.kek --smsr-oid 2.999.3 --smsr-sms 491710000001 \\\n"
    "      --smsr-https 127.0.0.1:8443/gsma/adminagent --bootstrap profiles/bootstrap.profile --out cards \\\n"
    "      --count 100 --iccid 89999700000001000 --imsi 999710000001000 --msisdn 882100001000 --random-keys \\\n"
    "      --subscribers hlr/subscribers.ini\n",
    options,
    ARRAY_LEN(options),
    run
};
