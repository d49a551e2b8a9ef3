#include <arpa/inet.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conform/package.h"
#include "lab_private.h"
#include "lib/io/file.h"

#define SERVICE "/esim-messaging/3/"
#define TIMING                                                                                                         \
    "attach_guard=4,notification_interval=1,notification_tries=4,fallback=3,session_idle=10,refresh_retry=1,"          \
    "poll_interval=2,retry_wait=1"
#define SMSR_NUMBER  "999710000000"
#define SMSR2_NUMBER "999710000022"
#define SR_OID       "2.999.2"
#define DP_OID       "2.999.4"
#define SR2_OID      "2.999.22"
#define NOBODY_OID   "2.999.98"
#define MEMORY       30000

static const char *const role_oids[ROLE_COUNT] = { "2.999.10", "2.999.11", "2.999.12", "2.999.9", "2.999.13",
                                                   "2.999.3",  "2.999.5",  "2.999.6",  "2.999.7" };
static const char *const role_kinds[ROLE_COUNT] = { "operator", "operator", "operator", "operator", "operator",
                                                    "eum",      "eum",      "sm-dp",    "sm-sr" };
const char *lab_oid(enum role r) { return role_oids[r]; }

static const struct lab_profile card_profiles[CARD_COUNT] = { { "899997000000009001", "999710000000001", "999710000001" },
                                                              { "899997000000009002", "999710000000002", "999710000002" },
                                                              { "899997000000009003", "999710000000003", "999710000003" },
                                                              { "899997000000009004", "999710000000004", "999710000004" },
                                                              { "899997000000009005", "999710000000005", "999710000005" },
                                                              { "899997000000009006", "999710000000006", "999710000006" } };
static const struct lab_profile record_profiles[RECORD_COUNT] = {
    { "899997000000009101", "999710000000101", "999710000101" }, { "899997000000009102", "999710000000102", "999710000102" },
    { "899997000000009103", "999710000000103", "999710000103" }, { "899997000000009104", "999710000000104", "999710000104" },
    { "899997000000009105", "999710000000105", "999710000105" }
};
static const struct {
    struct lab_profile names;
    enum role owner;
    const char *type;
    uint8_t pol1;
    unsigned memory;
    size_t ballast;
} orders[ORDER_COUNT] = {
    [METER] = { { "899997000000000001", "999700000000001", "99970000001" }, OP1, "Meters", 0, MEMORY, 0 },
    [METER2] = { { "899997000000000002", "999700000000002", "99970000002" }, OP1, "Meters", 0, MEMORY, 0 },
    [TRACKER] = { { "899997000000000003", "999700000000003", "99970000003" }, OP2, "Trackers", 0, MEMORY, 0 },
    [RELAYED] = { { "899997000000000004", "999700000000004", "99970000004" }, OP3, "Relayed", 0, MEMORY, 0 },
    [OFFLINE] = { { "899997000000000005", "999700000000005", "99970000005" }, OP1, "Offline", 0, MEMORY, 0 },
    [STAYS] = { { "899997000000000006", "999700000000006", "99970000006" }, OP1, "Stays", 1, MEMORY, 0 },
    [VANISHES] = { { "899997000000000007", "999700000000007", "99970000007" }, OP1, "Vanishes", 4, MEMORY, 0 },
    [KEPT] = { { "899997000000000008", "999700000000008", "99970000008" }, OP1, "Kept", 2, MEMORY, 0 },
    [HUGE_ONE] = { { "899997000000000009", "999700000000009", "99970000009" }, OP1, "Huge", 0, 9000000, 0 },
    [LONG_ONE] = { { "899997000000000010", "999700000000010", "99970000010" }, OP1, "Long", 0, 130000, 41000 },
    [SPARE] = { { "899997000000000011", "999700000000011", "99970000011" }, OP1, "Spares", 0, MEMORY, 0 },
    [BY_SMS] = { { "899997000000000013", "999700000000013", "99970000013" }, OP1, "By SMS", 0, MEMORY, 0 },
    [MOVING] = { { "899997000000000017", "999700000000017", "99970000017" }, OP1, "Moving", 0, MEMORY, 0 },
    [GONE] = { { "899997000000000014", "999700000000014", "99970000014" }, OP1, "Gone", 0, MEMORY, 0 },
    [GONE2] = { { "899997000000000015", "999700000000015", "99970000015" }, OP1, "Gone", 0, MEMORY, 0 },
    [GONE3] = { { "899997000000000016", "999700000000016", "99970000016" }, OP1, "Gone", 0, MEMORY, 0 },
    [GONE4] = { { "899997000000000018", "999700000000018", "99970000018" }, OP1, "Gone", 0, MEMORY, 0 },
    [ELSEWHERE] = { { "899997000000000019", "999700000000019", "99970000019" }, OP1, "Elsewhere", 0, MEMORY, 0 },
    [URGENT] = { { "899997000000000020", "999700000000020", "99970000020" }, OP1, "Urgent", 0, MEMORY, 0 },
    [URGENT2] = { { "899997000000000021", "999700000000021", "99970000021" }, OP1, "Urgent", 0, MEMORY, 0 },
    [SPARE2] = { { "899997000000000012", "999700000000012", "99970000012" }, OP1, "Spares", 0, MEMORY, 0 },
};

const struct lab_profile *lab_card_profile(enum card c) { return &card_profiles[c]; }
const struct lab_profile *lab_order(enum order o) { return &orders[o].names; }
const struct lab_profile *lab_record(enum record r) { return &record_profiles[r]; }

const char *lab_iccid(struct lab *lab, const char *digits)
{
    unsigned sum = 0, len = (unsigned)strlen(digits);
    for (unsigned i = 0; i < len; i++) {
        unsigned value = (unsigned)(digits[len - 1 - i] - '0') * (i % 2 ? 1 : 2);
        sum += value > 9 ? value - 9 : value;
    }
    return arena_printf(&lab->arena, "%s%u", digits, (10 - sum % 10) % 10);
}

enum err lab_write(struct lab *lab, const char *file, const char *format, ...)
{
    char path[PROCESS_PATH_MAX + 128];
    va_list args;
    va_start(args, format);
    char *text = NULL;
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        return ERR_NO_MEMORY;
    snprintf(path, sizeof path, "%s/%s", lab->folder, file);
    enum err err = file_write(path, (struct span){ (const uint8_t *)text, (size_t)len });
    free(text);
    if (err != ERR_NONE)
        snprintf(lab->detail, LAB_DETAIL_MAX, "%.300s: %s", path, err_text(err));
    return err;
}

/* ---- ports ---- */

static bool port_free(uint16_t port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    bool good = fd >= 0 && bind(fd, (const struct sockaddr *)&a, sizeof a) == 0;
    if (fd >= 0)
        close(fd);
    return good;
}

/* Below those that the system gives to outgoing connections, so that a server that is killed finds its own again. */
static void choose_ports(struct lab *lab)
{
    unsigned next = (unsigned)getpid() * 32;
    for (int i = 0; i < PORT_COUNT; i++)
        do
            lab->ports[i] = (uint16_t)(12000 + next++ % 20000);
        while (!port_free(lab->ports[i]));
}

/* ---- factory ---- */

static enum err tool(struct lab *lab, char *output, const char *const *arguments)
{
    static char own[PROCESS_OUTPUT_MAX];
    char *out = output ? output : own;
    if (process_run(lab->folder, arguments, out))
        return ERR_NONE;
    snprintf(lab->detail, LAB_DETAIL_MAX, "%s %s: %.300s", arguments[0], arguments[1], out);
    return ERR_IO;
}
#define TOOL(lab, output, ...) tool((lab), (output), (const char *const[]){ __VA_ARGS__, NULL })

static enum err issue(struct lab *lab, const char *kind, const char *ci, const char *out, const char *oid, const char *from)
{
    return TOOL(lab, NULL, "osprey-eum", "issue", kind, "--ci", ci, "--out", out, "--oid", oid, "--name", out, "--plain-keys",
                from ? "--from" : NULL, from, "--days", "30");
}

static enum err make_authorities(struct lab *lab)
{
    enum err err = TOOL(lab, NULL, "osprey-eum", "ci", "init", "--out", "ci", "--oid", "2.999.1");
    if (err == ERR_NONE)
        err = TOOL(lab, NULL, "osprey-eum", "ci", "init", "--out", "ci-of-others", "--oid", "2.999.1");
    for (int r = 0; err == ERR_NONE && r < ROLE_COUNT; r++)
        err = issue(lab, role_kinds[r], "ci", role_text((enum role)r), role_oids[r], NULL);
    const struct {
        const char *kind, *ci, *out, *oid, *from;
    } others[] = {
        { "sm-sr", "ci", "sm-sr", SR_OID, NULL },
        { "sm-sr", "ci", "sm-sr2", SR2_OID, NULL },
        { "sm-dp", "ci", "sm-dp", DP_OID, NULL },
        { "eum", "ci-of-others", "eum-of-others", role_oids[EUM], NULL },
        { "sm-sr", "ci", "strangers/sr-expired", role_oids[SR], "2020-01-01" },
        { "sm-sr", "ci", "strangers/sr-revoked", role_oids[SR], NULL },
        { "operator", "ci-of-others", "strangers/foreign", role_oids[OP1], NULL },
        { "operator", "ci", "strangers/expired", role_oids[OP1], "2020-01-01" },
        { "operator", "ci", "strangers/unborn", role_oids[OP1], "2090-01-01" },
        { "operator", "ci", "strangers/unknown", "2.999.55", NULL },
        { "operator", "ci", "strangers/revoked", role_oids[OP1], NULL },
    };
    for (size_t i = 0; err == ERR_NONE && i < ARRAY_LEN(others); i++)
        err = issue(lab, others[i].kind, others[i].ci, others[i].out, others[i].oid, others[i].from);
    if (err == ERR_NONE)
        err = TOOL(lab, NULL, "osprey-eum", "revoke", "--ci", "ci", "--out", "revoked.crl", "strangers/revoked/tls.pem",
                   "strangers/sr-revoked/card.7f21", "eum2/eum.pem");
    return err == ERR_NONE ? TOOL(lab, NULL, "osprey-eum", "kek", "--out", "sm-sr.kek") : err;
}

static enum err make_package(struct lab *lab, const char *file, const struct package_wish *wish)
{
    char path[PROCESS_PATH_MAX + 128];
    struct arena a;
    struct span package;
    arena_init(&a, PACKAGE_ARENA_MAX);
    snprintf(path, sizeof path, "%s/%s", lab->folder, file);
    enum err err = package_make(wish, &a, &package);
    if (err == ERR_NONE)
        err = file_write(path, package);
    arena_release(&a);
    return err;
}

static enum err make_packages(struct lab *lab)
{
    enum err err = ERR_NONE;
    for (int o = 0; err == ERR_NONE && o < ORDER_COUNT; o++) {
        const struct package_wish wish = { .iccid = orders[o].names.iccid,
                                           .imsi = orders[o].names.imsi,
                                           .pol1 = orders[o].pol1,
                                           .ballast = orders[o].ballast };
        err = make_package(lab, arena_printf(&lab->arena, "%s.der", order_text((enum order)o)), &wish);
    }
    return err;
}

struct card_order {
    const char *eum, *serial;
    const struct lab_profile *profile;
    const char *https, *from; /* NULL: none; the day from which a 30-day certificate is valid */
};

/* The EID is in the line that the factory says. */
static enum err make_card(struct lab *lab, const struct card_order *o, char eid[LAB_EID_MAX])
{
    char output[PROCESS_OUTPUT_MAX];
    char *package = arena_printf(&lab->arena, "factory-%s.der", o->serial);
    const struct package_wish wish = { .iccid = o->profile->iccid, .imsi = o->profile->imsi };
    enum err err = make_package(lab, package, &wish);
    const char *arguments[PROCESS_ARGS_MAX] = { "osprey-eum", "make-euicc", "--eum", o->eum, "--kek", "sm-sr.kek", "--smsr-oid",
                                                SR_OID, "--smsr-sms", SMSR_NUMBER, "--bootstrap", package, "--mno",
                                                role_oids[START], "--msisdn", o->profile->msisdn, "--profile-type", "Factory",
                                                "--out", "cards", "--timing", TIMING, "--serial", o->serial, "--json" };
    size_t n = 25;
    if (o->https) {
        arguments[n++] = "--smsr-https";
        arguments[n++] = o->https;
    }
    if (o->from) {
        arguments[n++] = "--from";
        arguments[n++] = o->from;
        arguments[n++] = "--days";
        arguments[n++] = "30";
    }
    if (err == ERR_NONE)
        err = tool(lab, output, arguments);
    const char *at = err == ERR_NONE ? strstr(output, "\"eid\"") : NULL;
    at = at ? strchr(at + 5, '"') : NULL;
    if (err == ERR_NONE && (!at || sscanf(at + 1, "%32[0-9]", eid) != 1))
        err = ERR_BAD_VALUE;
    return err;
}

static enum err make_cards(struct lab *lab)
{
    char *https = arena_printf(&lab->arena, "127.0.0.1:%u/gsma/adminagent", lab->ports[PORT_SCP81]);
    enum err err = ERR_NONE;
    for (int c = 0; err == ERR_NONE && c < CARD_COUNT; c++) {
        const struct card_order o = { .eum = "eum",
                                      .serial = arena_printf(&lab->arena, "%d", c + 1),
                                      .profile = &card_profiles[c],
                                      .https = c == CARD_SMS || c >= CARD_MOVES ? NULL : https };
        err = make_card(lab, &o, lab->eids[c]);
    }
    static const char *const eums[RECORD_COUNT] = { "eum", "eum", "eum2", "eum-of-others", "eum" };
    for (int r = 0; err == ERR_NONE && r < RECORD_COUNT; r++) {
        const struct card_order o = { .eum = eums[r],
                                      .serial = arena_printf(&lab->arena, "%d", 101 + r),
                                      .profile = &record_profiles[r],
                                      .from = r == EXPIRED_ECASD ? "2020-01-01" : NULL };
        err = make_card(lab, &o, lab->records[r]);
    }
    return err;
}

enum err lab_make(struct lab *lab)
{
    static const char *const folders[] = { "logs", "strangers", "cards" };
    char path[PROCESS_PATH_MAX + 32];
    enum err err = ERR_NONE;
    for (size_t i = 0; err == ERR_NONE && i < ARRAY_LEN(folders); i++) {
        snprintf(path, sizeof path, "%s/%s", lab->folder, folders[i]);
        err = file_make_folder(path);
    }
    choose_ports(lab);
    if (err == ERR_NONE)
        err = make_authorities(lab);
    if (err == ERR_NONE)
        err = make_packages(lab);
    return err == ERR_NONE ? make_cards(lab) : err;
}

/* ---- configurations ---- */

static char *url_of(struct lab *lab, int port, const char *service)
{
    return arena_printf(&lab->arena, "https://127.0.0.1:%u%s%s", lab->ports[port], service ? SERVICE : "",
                        service ? service : "");
}

static char *smsr_partners(struct lab *lab, const char *others)
{
    char *text = arena_printf(
        &lab->arena,
        "[partner eum]\noid = %s\nkinds = eum\ncertificate = eum/eum.pem\ntransport_key = sm-sr.kek\n\n"
        "[partner eum2]\noid = %s\nkinds = eum\ncertificate = eum2/eum.pem\ntransport_key = sm-sr.kek\n\n"
        "[partner sm-dp]\noid = " DP_OID "\nkinds = sm-dp\nes3_url = %s\nacts_for = %s %s %s %s\n\n"
        "[partner dp]\noid = %s\nkinds = sm-dp\nes3_url = %s\nacts_for = %s %s %s\n\n%s",
        role_oids[EUM], role_oids[EUM2], url_of(lab, PORT_DP, "ES3/ES3SmDpService"), role_oids[OP1], role_oids[OP2],
        role_oids[OP3], role_oids[START], role_oids[DP], url_of(lab, PORT_ROLE + DP, "ES3/ES3SmDpService"), role_oids[OP1],
        role_oids[OP2], role_oids[START], others);
    static const struct {
        enum role role;
        const char *kinds, *option, *service;
    } rows[] = { { OP1, "operator", "es4_url", "ES4/ES4MnoService" },   { OP2, "operator", "es4_url", "ES4/ES4MnoService" },
                 { OP3, "operator", NULL, NULL },                       { START, "operator", "es4_url", "ES4/ES4MnoService" },
                 { M2M, "m2m-sp", "es4_url", "ES4/ES4MnoService" }, { SR, "sm-sr", "es7_url", "ES7/ES7SmSrRequester" } };
    for (size_t i = 0; text && i < ARRAY_LEN(rows); i++)
        text = arena_printf(&lab->arena, "%s[partner %s]\noid = %s\nkinds = %s\n%s%s%s\n\n", text, role_text(rows[i].role),
                            role_oids[rows[i].role], rows[i].kinds, rows[i].option ? rows[i].option : "",
                            rows[i].option ? " = " : "",
                            rows[i].option ? url_of(lab, (int)PORT_ROLE + (int)rows[i].role, rows[i].service) : "");
    return text;
}

static enum err configure_smsr(struct lab *lab, const char *name, const char *oid, int port, const char *number,
                               const char *scp81, const char *card, const char *other)
{
    return lab_write(lab, arena_printf(&lab->arena, "%s.conf", name),
                     "[sm-sr]\noid = %s\nurl = %s\nlisten = 127.0.0.1:%u\ndatabase = %s/sm-sr.db\nmaster_key = %s/master.key\n"
                     "ci = ci/ci.pem\nonc = %s\n\n[tls]\ncertificate = %s/tls.pem\nkey = %s/tls.key\ntrust = ci/ci.pem\ncrl = revoked.crl\n\n"
                     "[smsc]\naddress = 127.0.0.1:%u\nsystem_id = %s\nfrom = %s\n\n%s"
                     "[channel]\nresend_s = 1\nresend_max_s = 2\n\n[lab]\ntrace_dir = %s\n\n"
                     "%s%s[log]\nfile = logs/%s.log\nlevel = debug\n",
                     oid, url_of(lab, port, NULL), lab->ports[port], name, name, *card ? "no" : "yes", name, name, lab->ports[PORT_TAP], name, number,
                     scp81, name, card, smsr_partners(lab, other), name);
}

static enum err configure_smsrs(struct lab *lab)
{
    char *scp81 = arena_printf(&lab->arena, "[scp81]\nlisten = 127.0.0.1:%u\nadvertise = 127.0.0.1:%u\nhold_ms = 2000\n\n",
                               lab->ports[PORT_SCP81], lab->ports[PORT_SCP81]);
    static const char partner[] = "[partner %s]\noid = %s\nkinds = sm-sr\nes7_url = %s\n\n";
    char *first = arena_printf(&lab->arena, partner, "sm-sr", SR_OID, url_of(lab, PORT_SR, "ES7/ES7SmSrProvider"));
    char *second = arena_printf(&lab->arena, partner, "sm-sr2", SR2_OID, url_of(lab, PORT_SR2, "ES7/ES7SmSrProvider"));
    static const char card[] = "[card P-256]\ncertificate = sm-sr2/card.7f21\nkey = sm-sr2/card.key\n\n"; /* only it takes cards over */
    enum err err = configure_smsr(lab, "sm-sr", SR_OID, PORT_SR, SMSR_NUMBER, scp81, "", second);
    return err == ERR_NONE ? configure_smsr(lab, "sm-sr2", SR2_OID, PORT_SR2, SMSR2_NUMBER, "", card, first) : err;
}

static char *ordered_profiles(struct lab *lab)
{
    char *text = arena_printf(&lab->arena, "%s", "");
    for (int o = 0; text && o < ORDER_COUNT; o++)
        text = arena_printf(&lab->arena, "%s[profile %s]\npackage = %s.der\nowner = %s\ntype = %s\nmsisdn = %s\nmemory = %u\n\n",
                            text, order_text((enum order)o), order_text((enum order)o), role_oids[orders[o].owner],
                            orders[o].type, orders[o].names.msisdn, orders[o].memory);
    return text;
}

static char *smdp_partner(struct lab *lab, const char *name, const char *oid, const char *kind, const char *url)
{
    return arena_printf(&lab->arena, "[partner %s]\noid = %s\nkind = %s\nurl = %s\n\n", name, oid, kind, url);
}

static enum err configure_smdp(struct lab *lab)
{
    char *partners = arena_printf(&lab->arena, "%s%s%s%s%s%s%s",
                                  smdp_partner(lab, "op1", role_oids[OP1], "operator", url_of(lab, PORT_ROLE + OP1, "ES2/ES2MnoService")),
                                  smdp_partner(lab, "op2", role_oids[OP2], "operator", url_of(lab, PORT_ROLE + OP2, "ES2/ES2MnoService")),
                                  smdp_partner(lab, "op3", role_oids[OP3], "operator", url_of(lab, PORT_ROLE + OP3, "ES2/ES2MnoService")),
                                  smdp_partner(lab, "sm-sr", SR_OID, "sm-sr", url_of(lab, PORT_SR, "ES3/ES3SmSrService")),
                                  smdp_partner(lab, "sm-sr2", SR2_OID, "sm-sr", url_of(lab, PORT_SR2, "ES3/ES3SmSrService")),
                                  smdp_partner(lab, "sr", role_oids[SR], "sm-sr", url_of(lab, PORT_ROLE + SR, "ES3/ES3SmSrService")),
                                  smdp_partner(lab, "nobody", NOBODY_OID, "sm-sr", url_of(lab, PORT_NOBODY, "ES3/ES3SmSrService")));
    return lab_write(lab, "sm-dp.conf",
                     "[sm-dp]\noid = " DP_OID "\nurl = %s\nlisten = 127.0.0.1:%u\ndatabase = sm-dp/sm-dp.db\n"
                     "master_key = sm-dp/master.key\nci = ci/ci.pem\nresend_s = 2\nsegments_per_call = 48\n\n"
                     "[tls]\ncertificate = sm-dp/tls.pem\nkey = sm-dp/tls.key\ntrust = ci/ci.pem\ncrl = revoked.crl\n\n[lab]\ntrace_dir = sm-dp\n\n"
                     "[card P-256]\ncertificate = sm-dp/card.7f21\nkey = sm-dp/card.key\n\n"
                     "[eum lab]\ncertificate = eum/eum.pem\n\n%s%s[log]\nfile = logs/sm-dp.log\nlevel = debug\n",
                     url_of(lab, PORT_DP, NULL), lab->ports[PORT_DP], partners, ordered_profiles(lab));
}

static char *subscriber(struct lab *lab, char *text, const struct lab_profile *p)
{
    return arena_printf(&lab->arena, "%s[subscriber %s]\nalgorithm = milenage\nk = %s\nopc = %s\nmsisdn = %s\n\n", text, p->imsi,
                        PACKAGE_K, PACKAGE_OPC, p->msisdn);
}

static enum err configure_network(struct lab *lab)
{
    char *text = arena_printf(&lab->arena, "%s", "");
    for (int c = 0; c < CARD_COUNT; c++)
        text = subscriber(lab, text, &card_profiles[c]);
    for (int o = 0; o < ORDER_COUNT; o++)
        if (o != OFFLINE)
            text = subscriber(lab, text, &orders[o].names);
    enum err err = lab_write(lab, "subscribers.conf", "%s", text);
    if (err == ERR_NONE)
        err = lab_write(lab, "smsc.conf", "[smsc]\nlisten = 127.0.0.1:%u\ndatabase = smsc.db\n\n[log]\nfile = logs/smsc.log\n",
                        lab->ports[PORT_SMSC]);
    if (err == ERR_NONE)
        err = lab_write(lab, "hlr.conf",
                        "[gsup]\nlisten = 127.0.0.1:%u\n\n[subscribers]\nfile = subscribers.conf\n\n[store]\nfile = hlr.db\n\n"
                        "[log]\nfile = logs/hlr.log\n",
                        lab->ports[PORT_HLR]);
    for (int c = 0; err == ERR_NONE && c < CARD_COUNT; c++)
        err = lab_write(lab, lab->devices[c].config,
                        "[card]\nstate = cards/%s/card.nvm\n\n[modem]\npoll_s = 2\nattach_retry_s = 1\n\n[network]\n"
                        "hlr = 127.0.0.1:%u\nsmsc = 127.0.0.1:%u\nsystem_id = device%d\n\n[log]\nfile = logs/device-%s.log\n",
                        lab->eids[c], lab->ports[PORT_HLR], lab->ports[PORT_SMSC], c, card_text((enum card)c));
    return err;
}

/* ---- the file that says all this to the runner ---- */

static char *target_things(struct lab *lab)
{
    char *text = arena_printf(&lab->arena, "%s", "");
    for (int r = 0; r < ROLE_COUNT; r++)
        text = arena_printf(&lab->arena, "%s[role %s]\noid = %s\ncertificate = %s/tls.pem\nkey = %s/tls.key\nlisten = 127.0.0.1:%u\n%s\n",
                            text, role_text((enum role)r), role_oids[r], role_text((enum role)r), role_text((enum role)r),
                            lab->ports[PORT_ROLE + r], r == SR   ? "card = sr/card.7f21\n"
                            : r == DP ? "card = dp/card.7f21\ncard_key = dp/card.key\n"
                                      : "");
    for (int c = 0; c < CARD_COUNT; c++)
        text = arena_printf(&lab->arena, "%s[euicc %s]\neid = %s\niccid = %s\nimsi = %s\nmsisdn = %s\n\n", text,
                            card_text((enum card)c), lab->eids[c], lab_iccid(lab, card_profiles[c].iccid),
                            card_profiles[c].imsi, card_profiles[c].msisdn);
    for (int o = 0; o < ORDER_COUNT; o++)
        text = arena_printf(&lab->arena, "%s[profile %s]\niccid = %s\ntype = %s\nimsi = %s\nmsisdn = %s\n\n", text,
                            order_text((enum order)o), lab_iccid(lab, orders[o].names.iccid), orders[o].type,
                            orders[o].names.imsi, orders[o].names.msisdn);
    for (int r = 0; r < RECORD_COUNT; r++)
        text = arena_printf(&lab->arena, "%s[eis %s]\nfile = cards/%s/eis.xml\n\n", text, record_text((enum record)r),
                            lab->records[r]);
    return text;
}

static enum err write_target(struct lab *lab)
{
    const char *shared = getenv("OSPREY_SHARED");
    char schemas[PATH_MAX];
    char *wanted = arena_printf(&lab->arena, "%s/data/esim-messaging/xsd", shared ? shared : "../shared");
    bool has = realpath(wanted, schemas) != NULL;
    return lab_write(lab, "target.ini",
                     "[server sm-sr]\noid = " SR_OID "\nurl = %s\n\n[server sm-dp]\noid = " DP_OID "\nurl = %s\n\n"
                     "[server sm-sr2]\noid = " SR2_OID "\nurl = %s\n\n[server nobody]\noid = " NOBODY_OID "\nurl = %s\n\n%s[trust]\nci = ci/ci.pem\neum = eum/eum.pem\n"
                     "strangers = strangers\n\n%s%s\n\n[sms]\ntap = 127.0.0.1:%u\nsmsc = 127.0.0.1:%u\n",
                     url_of(lab, PORT_SR, NULL), url_of(lab, PORT_DP, NULL), url_of(lab, PORT_SR2, NULL),
                     url_of(lab, PORT_NOBODY, NULL), target_things(lab),
                     has ? "[schemas]\nfolder = " : "", has ? schemas : "", lab->ports[PORT_TAP], lab->ports[PORT_SMSC]);
}

enum err lab_configure(struct lab *lab)
{
    enum err err = configure_smsrs(lab);
    if (err == ERR_NONE)
        err = configure_smdp(lab);
    if (err == ERR_NONE)
        err = configure_network(lab);
    return err == ERR_NONE ? write_target(lab) : err;
}
