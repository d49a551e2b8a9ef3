#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/es/wsmc.h"
#include "session.h"

const struct config_option op_options[] = {
    { "operator", "oid", CONFIG_TEXT, NULL, true, "our own OID: EntityId of our messages, Mno-id of our profiles" },
    { "operator", "name", CONFIG_TEXT, "", false, "our name, for people: EntityName of our messages" },
    { "operator", "via", CONFIG_TEXT, NULL, false, "the partner that commands go to when --via does not say" },
    { "operator", "sm_sr", CONFIG_TEXT, NULL, false,
      "the SM-SR in charge of our eUICCs: its section's name, or its OID" },
    { "operator", "validity_s", CONFIG_NUMBER, "3600", false,
      "validity period of commands when --validity does not say" },
    { "operator", "listen", CONFIG_ADDRESS, "127.0.0.1:8453", false, "where callbacks and notifications arrive" },
    { "operator", "url", CONFIG_TEXT, NULL, false,
      "how partners reach that: https://host:port; nothing: as in listen" },
    { "operator", "inbox", CONFIG_PATH, NULL, false,
      "SQLite file that keeps every message received; shared by `osprey listen` and the commands" },
    { "ota", "smsc", CONFIG_ADDRESS, NULL, false, "the SMSC (SMPP 3.4) for `osprey ota`" },
    { "ota", "system_id", CONFIG_TEXT, "osprey-ota", false, "who we are there" },
    { "ota", "password", CONFIG_TEXT, "", false, "the password there" },
    { "ota", "from", CONFIG_TEXT, "", false, "our own number: where cards send their answers" },
    { "ota", "resend_s", CONFIG_NUMBER, "20", false, "pause before a packet without answer leaves again; doubled each time" },
    { "ota", "https", CONFIG_ADDRESS, NULL, false, "where cards reach us for `osprey ota … --https`" },
    { "ota", "https_advertise", CONFIG_ADDRESS, NULL, false, "IPv4 address and port told to them; none: as in https" },
    { "tls", "certificate", CONFIG_PATH, NULL, true, "our TLS certificate and its chain, PEM" },
    { "tls", "key", CONFIG_PATH, NULL, true, "its private key, PEM" },
    { "tls", "trust", CONFIG_PATH, NULL, true, "the roots that partners' TLS certificates must chain to, PEM" },
    { "tls", "crl", CONFIG_PATH, NULL, false, "revocation lists of those roots, PEM" },
    { "tls", "crl_required", CONFIG_BOOL, "false", false,
      "refuse whose issuer has no revocation list that is valid now; else only who is on one is refused" },
    { "lab", "trace_dir", CONFIG_PATH, NULL, false, "for labs only: every SOAP message is written to soap/ in it" },
    { "partner *", "oid", CONFIG_TEXT, NULL, true, "its OID: EntityId of its messages" },
    { "partner *", "kind", CONFIG_TEXT, NULL, true, "sm-dp or sm-sr" },
    { "partner *", "url", CONFIG_TEXT, NULL, true,
      "where it listens: https://host:port, or the whole URL of its service" },
    { "partner *", "ampersand", CONFIG_BOOL, "false", false, "it joins parameters with & (v3)" },
    { "partner *", "v4", CONFIG_BOOL, "false", false, "it understands the elements of v4" },
    GUARD_CODES_OPTION,
    GUARD_SENDER_OPTIONS,
    { "partner *", "poll", CONFIG_TEXT, NULL, false,
      "we have no endpoint for it: what it says is fetched (WS-MakeConnection) under this identifier, any unique text" },
    { "partner *", "poll_s", CONFIG_NUMBER, "5", false, "pause between two requests to fetch" },
};
const size_t op_option_count = ARRAY_LEN(op_options);

static enum err say(char *detail, enum err err, const char *section, const char *what)
{
    snprintf(detail, OP_DETAIL_MAX, "[%s] %s", section, what);
    return err;
}

static bool is_poll_id(const char *text)
{
    WRITER_ON_STACK(uri, sizeof WSMC_ANONYMOUS + WSMC_ID_MAX);
    wr_text(&uri, WSMC_ANONYMOUS);
    wr_text(&uri, text);
    return uri.err == ERR_NONE && wsmc_is_anonymous(wr_span(&uri));
}

static enum err read_partner(struct op_config *c, const char *section, char *detail)
{
    if (c->partner_count == OP_PARTNERS_MAX)
        return say(detail, ERR_TOO_LONG, section, "there are too many partners");
    struct op_partner *p = &c->partners[c->partner_count++];
    const char *kind = config_text(c->file, section, "kind");
    *p = (struct op_partner){ .name = config_section_name(section), .url = config_text(c->file, section, "url") };
    p->dialect.ampersand = config_bool(c->file, section, "ampersand");
    p->dialect.v4 = config_bool(c->file, section, "v4");
    p->poll = config_text(c->file, section, "poll");
    p->poll_s = (uint32_t)config_number(c->file, section, "poll_s");
    p->is_smdp = !strcmp(kind, "sm-dp");
    if (strncmp(p->url, "https://", 8) != 0 && strncmp(p->url, "http://", 7) != 0)
        return say(detail, ERR_BAD_VALUE, section, "url: https://host:port, or the whole URL of the service");
    if (!p->is_smdp && strcmp(kind, "sm-sr"))
        return say(detail, ERR_BAD_VALUE, section, "kind: sm-dp or sm-sr");
    if (oid_from_text(span_text(config_text(c->file, section, "oid")), &p->oid) != ERR_NONE)
        return say(detail, ERR_BAD_VALUE, section, "oid: digits and dots, like 1.3.6.1.4.1.99.1");
    enum err err = guard_sender_read(c->file, section, &p->send, detail, OP_DETAIL_MAX);
    if (err == ERR_NONE)
        err = guard_read_codes(c->file, section, &p->codes, detail, OP_DETAIL_MAX);
    if (err != ERR_NONE)
        return err;
    if (p->poll && !is_poll_id(p->poll))
        return say(detail, ERR_BAD_VALUE, section, "poll: 1 to 128 characters, without blanks, ? and &");
    if (!p->poll_s || p->poll_s > 86400)
        return say(detail, ERR_BAD_VALUE, section, "poll_s: 1 to 86400");
    return strlen(p->url) < HTTP_URL_MAX - 100 ? ERR_NONE : say(detail, ERR_TOO_LONG, section, "url: too long");
}

static enum err read_file(struct op_config *c, char *detail)
{
    if (oid_from_text(span_text(config_text(c->file, "operator", "oid")), &c->oid) != ERR_NONE)
        return say(detail, ERR_BAD_VALUE, "operator", "oid: digits and dots, like 1.3.6.1.4.1.99.1");
    c->name = config_text(c->file, "operator", "name");
    c->via = config_text(c->file, "operator", "via");
    c->sm_sr = config_text(c->file, "operator", "sm_sr");
    c->inbox = config_text(c->file, "operator", "inbox");
    c->url = config_text(c->file, "operator", "url");
    c->trace_dir = config_text(c->file, "lab", "trace_dir");
    uint64_t validity = config_number(c->file, "operator", "validity_s");
    if (validity < 1 || validity > ES_VALIDITY_MAX)
        return say(detail, ERR_BAD_VALUE, "operator", "validity_s: at least 1");
    c->validity_s = (uint32_t)validity;
    enum err err = config_address(c->file, "operator", "listen", c->address, sizeof c->address, &c->port);
    if (err != ERR_NONE)
        return say(detail, err, "operator", "listen: host:port");
    for (const char *section = NULL; err == ERR_NONE && (section = config_next(c->file, "partner", section));)
        err = read_partner(c, section, detail);
    if (err == ERR_NONE && c->via && !op_partner_find(c, c->via))
        return say(detail, ERR_BAD_VALUE, "operator", "via: there is no such [partner …]");
    return err;
}

/* NULL: there is none. */
static const char *default_path(char *buffer, size_t cap)
{
    const char *home = getenv("HOME"), *chosen = getenv("OSPREY_CONFIG");
    if (chosen && *chosen)
        return chosen;
    if (access("osprey.conf", R_OK) == 0)
        return "osprey.conf";
    snprintf(buffer, cap, "%s/.config/osprey/osprey.conf", home ? home : "");
    if (access(buffer, R_OK) != 0)
        snprintf(buffer, cap, "/etc/osprey/osprey.conf");
    return access(buffer, R_OK) == 0 ? buffer : NULL;
}

enum err op_config_read(const char *path, struct op_config *ret, char *detail)
{
    char buffer[1024];
    *ret = (struct op_config){ 0 };
    path = path ? path : default_path(buffer, sizeof buffer);
    if (!path) {
        snprintf(detail, OP_DETAIL_MAX, "there is no configuration: no --config, no $OSPREY_CONFIG, no ./osprey.conf, none in "
                                        "~/.config/osprey/ and /etc/osprey/. `osprey config example > osprey.conf` makes one");
        return ERR_NOT_FOUND;
    }
    enum err err = config_load(path, op_options, op_option_count, &ret->file, detail);
    if (err != ERR_NONE)
        return err;
    err = read_file(ret, detail);
    if (err != ERR_NONE)
        op_config_done(ret);
    return err;
}

void op_config_done(struct op_config *c)
{
    for (size_t i = 0; i < c->partner_count; i++)
        guard_sender_done(&c->partners[i].send);
    config_free(c->file);
    c->file = NULL;
}

const struct op_partner *op_partner_by_oid(const struct op_config *c, const char *oid)
{
    for (size_t i = 0; i < c->partner_count; i++)
        if (oid_is(&c->partners[i].oid, oid))
            return &c->partners[i];
    return NULL;
}

const struct op_partner *op_partner_find(const struct op_config *c, const char *name)
{
    for (size_t i = 0; i < c->partner_count; i++)
        if (!strcmp(c->partners[i].name, name))
            return &c->partners[i];
    return op_partner_by_oid(c, name);
}
