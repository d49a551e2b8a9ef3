#include "config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "channel/pace.h"
#include "lib/codec/hex.h"
#include "lib/io/file.h"
#include "lib/role/keys.h"
#include "lib/role/reading.h"
#include "lib/wire/dns.h"

const struct config_option smsr_options[] = {
    { "sm-sr", "oid", CONFIG_TEXT, NULL, true, "our own OID: Smsr-id of every EIS here" },
    { "sm-sr", "url", CONFIG_TEXT, NULL, true, "how partners reach us: https://host:port" },
    { "sm-sr", "listen", CONFIG_ADDRESS, "127.0.0.1:8443", false, "where ES1, ES3 and ES4 are served" },
    { "sm-sr", "database", CONFIG_PATH, "sm-sr.db", false, "the SQLite file, made when it does not exist; or postgresql://host/name" },
    { "sm-sr", "node", CONFIG_TEXT, "", false, "PostgreSQL: the name of this process among those on the database; nothing: host and listen" },
    { "sm-sr", "commit_interval_ms", CONFIG_NUMBER, "8", false,
      "pause between commits to the database when much comes in, so that each takes more along" },
    { "sm-sr", "ci", CONFIG_PATH, NULL, true, "the CI's root certificates, PEM" },
    { "sm-sr", "change_s", CONFIG_NUMBER, "86400", false, "the same for SMSRChange" },
    { "sm-sr", "prepared_s", CONFIG_NUMBER, "604800", false, "how long PrepareSMSRChange holds" },
    { "sm-sr", "validity_s", CONFIG_NUMBER, "3600", false, "validity period of calls that give none" },
    { "sm-sr", "onc", CONFIG_BOOL, "yes", false,
      "operators may say which notifications they do not want (SetONC); no: they get all" },
    ROLE_KEY_OPTIONS("sm-sr", "CERT.SR.ECDSA (7F21) that we show to cards that come from another SM-SR; one or several for each curve"),
    { "smsc", "address", CONFIG_ADDRESS, NULL, false, "the SMSC (SMPP 3.4); none: no short messages" },
    { "smsc", "system_id", CONFIG_TEXT, "osprey", false, "who we are there" },
    { "smsc", "password", CONFIG_TEXT, "", false, "the password there" },
    { "smsc", "from", CONFIG_TEXT, "", false, "our own number: where cards send their short messages" },
    { "smsc", "window", CONFIG_NUMBER, "32", false, "unanswered messages at a time" },
    { "smsc", "breaker", CONFIG_NUMBER, "5", false,
      "failures of the SMSC in a row after which it gets nothing for a second, then for two …; 0: never" },
    { "smsc *", "address", CONFIG_ADDRESS, NULL, true, "a further SMSC, for when those before it do not take messages" },
    { "smsc *", "system_id", CONFIG_TEXT, "osprey", false, "who we are there" },
    { "smsc *", "password", CONFIG_TEXT, "", false, "the password there" },
    { "smsc *", "window", CONFIG_NUMBER, "32", false, "unanswered messages at a time" },
    { "smsc *", "breaker", CONFIG_NUMBER, "5", false, "as in [smsc]" },
    { "scp81", "listen", CONFIG_ADDRESS, NULL, false, "where cards reach us by HTTPS; none: not at all" },
    { "scp81", "advertise", CONFIG_ADDRESS, NULL, false,
      "IPv4 address or name, and port, told to the card in each trigger; none: it uses what it has stored" },
    { "scp81", "dns", CONFIG_ADDRESS, NULL, false, "advertise is a name: the DNS server that the card asks for it" },
    { "scp81", "host", CONFIG_TEXT, "", false, "Host told to the card" },
    { "scp81", "uri", CONFIG_TEXT, "/gsma/adminagent", false, "the URI of administration sessions" },
    { "scp81", "hold_ms", CONFIG_NUMBER, "10000", false,
      "how long a session, or a CAT_TP link, waits for the next command of a download" },
    { "scp81", "tries", CONFIG_NUMBER, "3", false, "triggers without effect before a script goes the next way" },
    { "scp81", "script_max", CONFIG_NUMBER, "32768", false, "octets of one script" },
    { "cat_tp", "listen", CONFIG_ADDRESS, NULL, false, "where cards reach us by CAT_TP (UDP); none: not at all" },
    { "cat_tp", "advertise", CONFIG_ADDRESS, NULL, false,
      "IPv4 address and UDP port told to the card in each PUSH; none: it uses what it has stored" },
    { "cat_tp", "port", CONFIG_NUMBER, "9000", false, "the port of CAT_TP inside of UDP" },
    { "cat_tp", "script_max", CONFIG_NUMBER, "4096", false, "octets of one script" },
    { "channel", "bearer", CONFIG_TEXT, "auto", false,
      "auto: short work by SMS, the rest as prefer says; or sms, https, cat_tp: that one whenever a card has it" },
    { "channel", "prefer", CONFIG_TEXT, "https cat_tp", false,
      "auto: what carries that which is too long for short messages, best first, as far as card and server have it" },
    { "channel", "sms_script_max", CONFIG_NUMBER, "1300", false, "octets of a script that goes by SMS" },
    { "channel", "resend_s", CONFIG_NUMBER, "20", false,
      "pause before a packet without answer leaves again; doubled each time" },
    { "channel", "resend_max_s", CONFIG_NUMBER, "600", false, "the longest such pause" },
    { "channel", "tries", CONFIG_NUMBER, "0", false,
      "a packet that left so often waits until the card is heard of again; 0: it leaves on and on" },
    { "channel", "delivery", CONFIG_TEXT, "until", false,
      "until: at once, and again until the call's validity is over; now: no longer than now_s; event: when the card is next "
      "heard of" },
    { "channel", "now_s", CONFIG_NUMBER, "60", false, "how long a call lasts at most whose delivery is now" },
    { "network *", "numbers", CONFIG_TEXT, "", false, "the first digits of its numbers, with blanks between; none: all numbers" },
    { "network *", "retries_per_minute", CONFIG_NUMBER, NULL, true, "messages to them that may leave again in a minute" },
    { "network *", "burst", CONFIG_NUMBER, "0", false, "so many at once; 0: as many as in a second" },
    { "lab", "trace_dir", CONFIG_PATH, NULL, false, "for labs only: every SOAP message is written to soap/ in it" },
    { "partner *", "oid", CONFIG_TEXT, NULL, true, "its OID: EntityId of its messages" },
    { "partner *", "kinds", CONFIG_TEXT, NULL, true,
      "what it is: eum, sm-dp, operator, m2m-sp, sm-sr, admin (sees all of the administration); several with blanks between" },
    { "partner *", "common_name", CONFIG_TEXT, "", false, "CN of its TLS certificate, when that has no OID" },
    { "partner *", "es3_url", CONFIG_TEXT, "", false, "SM-DP: where it takes callbacks and notifications" },
    { "partner *", "es4_url", CONFIG_TEXT, "", false, "operator: the same; none: it is told through its SM-DP" },
    { "partner *", "es7_url", CONFIG_TEXT, "", false, "SM-SR: where it takes ES7 (SM-SR change)" },
    { "partner *", "reply_hosts", CONFIG_TEXT, "", false, "further scheme://host:port that its ReplyTo may name" },
    { "partner *", "acts_for", CONFIG_TEXT, "", false, "SM-DP: OIDs of the operators it acts for" },
    { "partner *", "delivery", CONFIG_TEXT, "default", false,
      "when commands leave that it asks for: until, now, event; default: as [channel] delivery says" },
    { "partner *", "retries_per_minute", CONFIG_NUMBER, "0", false,
      "messages to cards that may leave again for it in a minute; 0: no limit" },
    { "partner *", "campaign_retries_per_minute", CONFIG_NUMBER, "0", false,
      "the same for each of its campaigns: calls whose FunctionCallIdentifier is the same up to the last dot" },
    { "partner *", "ampersand", CONFIG_BOOL, "false", false, "it joins parameters with & (v3)" },
    GUARD_OPTIONS,
    { "partner *", "eis", CONFIG_TEXT, "complete", false,
      "operator, M2M SP: complete, as the schema has it; or reduced to what annex E lets it see" },
    { "partner *", "certificate", CONFIG_PATH, NULL, false, "EUM: its certificate, PEM" },
    { "partner *", "transport_key", CONFIG_PATH, NULL, false,
      "EUM: file with the key (hex) that protects keys in its EIS" },
};
const size_t smsr_option_count = ARRAY_LEN(smsr_options);

static enum err read_kinds(const struct reading *r, struct smsr_partner *p)
{
    struct span rest = span_text(reading_of(r, "kinds")), word;
    while (reading_word(&rest, &word)) {
        if (span_eq(word, SPAN_LIT("eum")))
            p->kinds |= SMSR_EUM;
        else if (span_eq(word, SPAN_LIT("sm-dp")))
            p->kinds |= SMSR_SMDP;
        else if (span_eq(word, SPAN_LIT("operator")))
            p->kinds |= SMSR_OPERATOR;
        else if (span_eq(word, SPAN_LIT("sm-sr")))
            p->kinds |= SMSR_SMSR;
        else if (span_eq(word, SPAN_LIT("m2m-sp")))
            p->kinds |= SMSR_M2MSP;
        else if (span_eq(word, SPAN_LIT("admin")))
            p->kinds |= SMSR_ADMIN;
        else
            return reading_wrong(r, "kinds", "eum, sm-dp, operator, m2m-sp, sm-sr or admin");
    }
    return p->kinds ? ERR_NONE : reading_wrong(r, "kinds", "none given");
}

static enum err read_acts_for(const struct reading *r, struct smsr_partner *p)
{
    struct span rest = span_text(reading_of(r, "acts_for")), word;
    while (reading_word(&rest, &word)) {
        if (p->acts_for_count == SMSR_ACTS_FOR_MAX)
            return reading_wrong(r, "acts_for", "too many");
        if (oid_from_text(word, &p->acts_for[p->acts_for_count++]) != ERR_NONE)
            return reading_wrong(r, "acts_for", "not an OID");
    }
    return ERR_NONE;
}

static enum err read_kek(const struct reading *r, struct smsr_partner *p)
{
    const char *path = config_text(r->file, r->section, "transport_key");
    struct arena a;
    struct span file;
    if (!path)
        return reading_wrong(r, "transport_key", "an EUM needs one");
    arena_init(&a, 8192);
    enum err err = file_read(path, 1024, &a, &file);
    while (err == ERR_NONE && file.len && file.ptr[file.len - 1] <= ' ')
        file.len--;
    if (err == ERR_NONE)
        err = hex_read(file, p->kek, sizeof p->kek, &p->kek_len);
    arena_release(&a);
    if (err != ERR_NONE || (p->kek_len != 16 && p->kek_len != 24 && p->kek_len != 32))
        return reading_wrong(r, "transport_key", "no readable file with 32, 48 or 64 hex digits");
    return ERR_NONE;
}

static enum err read_eum(const struct reading *r, struct smsr_partner *p)
{
    const char *path = config_text(r->file, r->section, "certificate");
    if (!(p->kinds & SMSR_EUM))
        return ERR_NONE;
    if (!path || x509_load(path, &p->eum_certificate) != ERR_NONE)
        return reading_wrong(r, "certificate", "an EUM needs a readable certificate");
    return read_kek(r, p);
}

static enum err read_delivery(const struct reading *r, enum smsr_delivery *ret)
{
    const char *text = reading_of(r, "delivery");
    bool is_default = !strcmp(text, "default") && strcmp(r->section, "channel") != 0;
    return is_default || smsr_delivery_from(text, ret) ? ERR_NONE : reading_wrong(r, "delivery", "until, now or event");
}

static enum err read_pace(const struct reading *r, struct smsr_partner *p)
{
    enum err err = read_delivery(r, &p->delivery);
    if (err == ERR_NONE)
        err = reading_number(r, "retries_per_minute", BUCKET_RATE_MAX, &p->retries.per_minute);
    if (err == ERR_NONE)
        err = reading_number(r, "campaign_retries_per_minute", BUCKET_RATE_MAX, &p->campaign_retries.per_minute);
    return err;
}

static enum err read_partner(const struct reading *r, struct smsr_partner *p)
{
    *p = (struct smsr_partner){ .ampersand = config_bool(r->file, r->section, "ampersand") };
    snprintf(p->name, sizeof p->name, "%s", config_section_name(r->section));
    enum err err = reading_oid(r, "oid", &p->oid);
    if (err == ERR_NONE)
        err = read_kinds(r, p);
    if (err == ERR_NONE)
        err = reading_text(r, "common_name", p->common_name, sizeof p->common_name);
    if (err == ERR_NONE)
        err = reading_text(r, "es3_url", p->es3_url, sizeof p->es3_url);
    if (err == ERR_NONE)
        err = reading_text(r, "es4_url", p->es4_url, sizeof p->es4_url);
    if (err == ERR_NONE)
        err = reading_text(r, "es7_url", p->es7_url, sizeof p->es7_url);
    if (err == ERR_NONE)
        err = reading_words(r, "reply_hosts", p->hosts[0], sizeof p->hosts[0], SMSR_HOSTS_MAX, &p->host_count);
    if (err == ERR_NONE)
        err = read_acts_for(r, p);
    if (err == ERR_NONE)
        err = guard_read(r->file, r->section, &p->guard, r->detail, r->cap);
    if (err == ERR_NONE)
        err = reading_either(r, "eis", "complete", "reduced", &p->reduced_eis);
    if (err == ERR_NONE)
        err = read_pace(r, p);
    return err == ERR_NONE ? read_eum(r, p) : err;
}

static enum err read_partners(struct reading *r, struct smsr_config *c)
{
    const char *section = NULL;
    while ((section = config_next(r->file, "partner", section))) {
        struct smsr_partner *p = &c->partners[c->partner_count];
        r->section = section;
        if (c->partner_count == SMSR_PARTNERS_MAX)
            return reading_wrong(r, "oid", "too many partners");
        c->partner_count++;
        enum err err = read_partner(r, p);
        if (err != ERR_NONE)
            return err;
        for (size_t i = 0; i + 1 < c->partner_count; i++)
            if (oid_eq(&c->partners[i].oid, &p->oid))
                return reading_wrong(r, "oid", "another partner has it");
    }
    return ERR_NONE;
}

static enum err read_network(const struct reading *r, struct smsr_network *n)
{
    struct span rest = span_text(reading_of(r, "numbers")), word;
    snprintf(n->name, sizeof n->name, "%s", config_section_name(r->section));
    while (reading_word(&rest, &word)) {
        if (n->prefix_count == SMSR_PREFIXES_MAX || word.len >= sizeof n->prefixes[0] ||
            strspn((const char *)word.ptr, "0123456789") < word.len)
            return reading_wrong(r, "numbers", "first digits of numbers, at most 16 of them");
        memcpy(n->prefixes[n->prefix_count++], word.ptr, word.len);
    }
    enum err err = reading_number(r, "retries_per_minute", BUCKET_RATE_MAX, &n->retries.per_minute);
    if (err == ERR_NONE && !n->retries.per_minute)
        err = reading_wrong(r, "retries_per_minute", "at least 1");
    return err == ERR_NONE ? reading_number(r, "burst", BUCKET_RATE_MAX / 60, &n->retries.burst) : err;
}

static enum err read_networks(struct reading *r, struct smsr_config *c)
{
    const char *section = NULL;
    while ((section = config_next(r->file, "network", section))) {
        r->section = section;
        if (c->network_count == SMSR_NETWORKS_MAX)
            return reading_wrong(r, "numbers", "too many networks");
        enum err err = read_network(r, &c->networks[c->network_count++]);
        if (err != ERR_NONE)
            return err;
    }
    return ERR_NONE;
}

/* An address, or a name and where it is asked for. */
static enum err read_advertised(struct reading *r, struct smsr_config *c)
{
    char host[SMSR_NAME_MAX + 1], dns[64];
    if (!config_text(r->file, "scp81", "advertise"))
        return ERR_NONE;
    if (config_address(r->file, "scp81", "advertise", host, sizeof host, &c->admin_port) != ERR_NONE)
        return reading_wrong(r, "advertise", "an IPv4 address or a name of at most 100 characters, and a port");
    if (inet_pton(AF_INET, host, c->admin_ipv4) == 1)
        return ERR_NONE;
    if (!config_text(r->file, "scp81", "dns") || !dns_name_is_good(span_text(host)))
        return reading_wrong(r, "advertise", "an IPv4 address and a port; or a name, and dns says where it is asked for");
    if (config_address(r->file, "scp81", "dns", dns, sizeof dns, &c->dns_port) != ERR_NONE ||
        inet_pton(AF_INET, dns, c->dns_ipv4) != 1)
        return reading_wrong(r, "dns", "an IPv4 address and a port");
    snprintf(c->admin_name, sizeof c->admin_name, "%s", host);
    return ERR_NONE;
}

static enum err read_admin(struct reading *r, struct smsr_config *c)
{
    r->section = "scp81";
    enum err err = reading_text(r, "host", c->admin_host, sizeof c->admin_host);
    if (err == ERR_NONE)
        err = reading_text(r, "uri", c->admin_uri, sizeof c->admin_uri);
    c->hold_ms = (uint32_t)config_number(r->file, "scp81", "hold_ms");
    c->https_tries = (uint32_t)config_number(r->file, "scp81", "tries");
    c->https_script_max = (uint32_t)config_number(r->file, "scp81", "script_max");
    return err == ERR_NONE ? read_advertised(r, c) : err;
}

static enum err read_link(struct reading *r, struct smsr_config *c)
{
    char host[64];
    uint64_t port = config_number(r->file, "cat_tp", "port"), room = config_number(r->file, "cat_tp", "script_max");
    r->section = "cat_tp";
    if (!config_text(r->file, "cat_tp", "listen"))
        return ERR_NONE;
    if (port == 0 || port > UINT16_MAX)
        return reading_wrong(r, "port", "1 … 65535");
    if (room == 0 || room > SMSR_CAT_TP_SCRIPT_MAX)
        return reading_wrong(r, "script_max", "1 … 8192");
    c->cat_tp_port = (uint16_t)port;
    c->cat_tp_script_max = (uint32_t)room;
    if (!config_text(r->file, "cat_tp", "advertise"))
        return ERR_NONE;
    if (config_address(r->file, "cat_tp", "advertise", host, sizeof host, &c->cat_tp_udp_port) != ERR_NONE ||
        inet_pton(AF_INET, host, c->cat_tp_ipv4) != 1)
        return reading_wrong(r, "advertise", "an IPv4 address and a port");
    return ERR_NONE;
}

/* auto, or one alone; without its listener it is not there. */
static enum err read_bearer(struct reading *r, struct smsr_config *c)
{
    static const char *const names[] = { [SMSR_BEARER_AUTO] = "auto", [SMSR_BEARER_SMS] = "sms",
                                         [SMSR_BEARER_HTTPS] = "https", [SMSR_BEARER_CAT_TP] = "cat_tp" };
    const char *bearer = config_text(r->file, "channel", "bearer"), *prefer = config_text(r->file, "channel", "prefer");
    size_t i = 0;
    while (i < ARRAY_LEN(names) && strcmp(bearer, names[i]) != 0)
        i++;
    if (i == ARRAY_LEN(names))
        return reading_wrong(r, "bearer", "auto, sms, https or cat_tp");
    c->cat_tp_first = !strcmp(prefer, "cat_tp https");
    if (!c->cat_tp_first && strcmp(prefer, "https cat_tp") != 0)
        return reading_wrong(r, "prefer", "https cat_tp, or cat_tp https");
    c->no_https = !config_text(r->file, "scp81", "listen");
    c->bearer = (enum smsr_bearer_choice)i;
    if ((c->bearer == SMSR_BEARER_HTTPS && c->no_https) || (c->bearer == SMSR_BEARER_CAT_TP && !c->cat_tp_port) ||
        (c->no_https && !c->cat_tp_port))
        c->bearer = SMSR_BEARER_SMS;
    return ERR_NONE;
}

static enum err read_channel(struct reading *r, struct smsr_config *c)
{
    r->section = "channel";
    enum err err = read_bearer(r, c);
    c->sms_script_max = (uint32_t)config_number(r->file, "channel", "sms_script_max");
    c->resend_s = (uint32_t)config_number(r->file, "channel", "resend_s");
    c->resend_max_s = (uint32_t)config_number(r->file, "channel", "resend_max_s");
    c->commit_interval_ms = (uint32_t)config_number(r->file, "sm-sr", "commit_interval_ms");
    c->tries_max = (uint32_t)config_number(r->file, "channel", "tries");
    c->now_s = (uint32_t)config_number(r->file, "channel", "now_s");
    return err == ERR_NONE ? read_delivery(r, &c->delivery) : err;
}

enum err smsr_config_read(const struct config *file, struct smsr_partner *partners, struct trust *trust,
                          struct smsr_config *ret, char *detail, size_t cap)
{
    struct reading r = { .file = file, .section = "sm-sr", .detail = detail, .cap = cap };
    *ret = (struct smsr_config){ .partners = partners, .trust = trust };
    ret->validity_s = (uint32_t)config_number(file, "sm-sr", "validity_s");
    ret->no_onc = !config_bool(file, "sm-sr", "onc");
    ret->change_s = (uint32_t)config_number(file, "sm-sr", "change_s");
    ret->prepared_s = (uint32_t)config_number(file, "sm-sr", "prepared_s");
    snprintf(ret->number, sizeof ret->number, "%s", config_text(file, "smsc", "from"));
    enum err err = reading_oid(&r, "oid", &ret->oid);
    if (err == ERR_NONE)
        err = reading_text(&r, "url", ret->url, sizeof ret->url);
    if (err == ERR_NONE)
        err = role_trust_read(file, r.section, trust, detail, cap);
    if (err == ERR_NONE)
        err = read_admin(&r, ret);
    if (err == ERR_NONE)
        err = read_link(&r, ret);
    if (err == ERR_NONE)
        err = read_channel(&r, ret);
    if (err == ERR_NONE)
        err = role_certificates_read(file, GP_ROLE_SM_SR, &ret->certificates, detail, cap);
    if (err == ERR_NONE)
        err = read_networks(&r, ret);
    if (err == ERR_NONE)
        err = read_partners(&r, ret);
    if (err != ERR_NONE)
        smsr_config_done(ret);
    return err;
}

void smsr_config_done(struct smsr_config *config)
{
    for (size_t i = 0; i < config->partner_count; i++) {
        x509_free(config->partners[i].eum_certificate);
        guard_done(&config->partners[i].guard);
        wipe(config->partners[i].kek, sizeof config->partners[i].kek);
    }
    config->partner_count = 0;
    trust_done(config->trust);
}
