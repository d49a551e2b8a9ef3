/* osprey-device: modems with software eUICCs in their slots, on the lab's network: one device, or a fleet of them. */
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "handset.h"
#include "lib/codec/hex.h"
#include "lib/crypto/keystore_soft.h"
#include "lib/daemon/daemon.h"

#define PATH_TEXT_MAX 1024u
#define IMEI_DIGITS   15u

static const struct config_option options[] = {
    { "card", "state", CONFIG_PATH, NULL, false, "the card: its memory image, made by osprey-eum" },
    { "card", "pcsc", CONFIG_NUMBER, NULL, false, "or a card in a PC/SC reader: its place in the list of readers, from 0" },
    { "card", "master_key", CONFIG_PATH, NULL, false, "the key that wraps the secrets in the images, when they have one" },
    { "fleet", "cards", CONFIG_PATH, NULL, false, "in place of one card: a folder of osprey-eum, a device for each card in it" },
    { "fleet", "count", CONFIG_NUMBER, "0", false, "so many of them at most; 0: all" },
    { "fleet", "interval_ms", CONFIG_NUMBER, "0", false, "pause between powering one device and the next" },
    { "modem", "imei", CONFIG_TEXT, "350000000000006", false, "15 digits; of a fleet's first, each next device has the next one" },
    { "modem", "pin", CONFIG_TEXT, NULL, false, "PIN1, when the card asks for it" },
    { "modem", "poll_s", CONFIG_NUMBER, "30", false, "seconds between STATUS commands" },
    { "modem", "attach_retry_s", CONFIG_NUMBER, "60", false, "pause after a refused attach" },
    { "quirks", "no_bip", CONFIG_BOOL, "no", false, "what is wrong with the modem: it has no channels" },
    { "quirks", "bip_buffer", CONFIG_NUMBER, "0", false, "octets of a channel's buffers; 0: as many as the card asks for" },
    { "quirks", "refresh_ignored", CONFIG_BOOL, "no", false, "it answers REFRESH and does nothing" },
    { "quirks", "no_location_event", CONFIG_BOOL, "no", false, "it never reports a location status" },
    { "quirks", "no_rejection_event", CONFIG_BOOL, "no", false, "it never reports that the network refused it" },
    { "quirks", "answer_ms", CONFIG_NUMBER, "0", false, "pause before each command the card hears from it" },
    { "quirks", "awake_s", CONFIG_NUMBER, "0", false, "it falls asleep when nothing happened so long; 0: never" },
    { "quirks", "asleep_s", CONFIG_NUMBER, "0", false, "and sleeps so long (PSM, eDRX)" },
    { "quirks", "suspends", CONFIG_BOOL, "no", false, "a sleeping modem takes the card's power away (SUSPEND UICC)" },
    { "quirks", "loses_sms", CONFIG_BOOL, "no", false, "short messages for a sleeping modem are lost; otherwise they come later" },
    { "quirks", "profile", CONFIG_HEX, NULL, false, "TERMINAL PROFILE in place of the true one" },
    { "quirks", "profile_clear", CONFIG_TEXT, NULL, false, "bits taken out of it: octet.bit, both from 1, as in 12.1 17.7" },
    { "at", "pty", CONFIG_PATH, NULL, false, "AT commands on a pseudo terminal; this path becomes a link to it; one device" },
    { "network", "hlr", CONFIG_ADDRESS, "127.0.0.1:4222", false, "HLR that speaks GSUP" },
    { "network", "smsc", CONFIG_ADDRESS, "127.0.0.1:2775", false, "SMSC that speaks SMPP 3.4" },
    { "network", "system_id", CONFIG_TEXT, "device", false, "who we are at the SMSC" },
    { "network", "password", CONFIG_TEXT, "", false, "our password there, at most 8 characters" },
    { "subscriber *", "msisdn", CONFIG_TEXT, NULL, false, "number of this IMSI when the HLR does not say it" },
    { "lab", "apdu_trace", CONFIG_PATH, NULL, false, "writes every command and response of the one card into this file" },
    { "lab", "pcap", CONFIG_PATH, NULL, false, "the same as a GSMTAP capture for Wireshark" },
    { "lab", "events", CONFIG_PATH, NULL, false, "writes one JSON line per attach into this file" },
};

static const char help[] =
    "  Powers the card, attaches with it (GSUP), serves its short messages (SMPP) and channels (TCP).\n"
    "  [fleet] does so for all cards of a folder in one process.\n"
    "  Signals: USR1 takes the coverage away, USR2 gives it back; TERM switches off.\n"
    "  Cards are made with osprey-eum; see what is on one with osprey-euicc fs --state FILE.\n";

struct device {
    struct daemon *daemon;
    struct keystore_soft *keys;
    struct handset_world world;
    struct card_trace apdus;
    struct modem_config modem;
    struct network_config network;
    struct handset **handsets;
    size_t count;
};

static const char *msisdn_of(void *context, const char *imsi)
{
    struct device *d = context;
    for (const char *s = NULL; (s = config_next(d->daemon->config, "subscriber", s));)
        if (!strcmp(config_section_name(s), imsi))
            return config_text(d->daemon->config, s, "msisdn");
    return "";
}

static void on_signal(void *context, int number)
{
    struct device *d = context;
    for (size_t i = 0; i < d->count; i++)
        handset_coverage(d->handsets[i], number == SIGUSR2);
}

static enum err complain(struct daemon *d, enum err err, const char *what, const char *about)
{
    snprintf(d->detail, sizeof d->detail, "%s%s%s: %s", what, about ? " " : "", about ? about : "",
             err == ERR_BUSY ? "another process has it open" : err_text(err));
    return err;
}

static void device_close(void *role)
{
    struct device *d = role;
    for (size_t i = 0; i < d->count; i++) {
        handset_write_end(d->handsets[i]);
        handset_free(d->handsets[i]);
    }
    card_trace_close(&d->apdus);
    if (d->world.events)
        fclose(d->world.events);
    keystore_soft_free(d->keys);
    free(d->handsets);
    free(d);
}

/* ---- configuration ---- */

static enum err open_file(struct daemon *d, const char *option, FILE **ret)
{
    const char *path = config_text(d->config, "lab", option);
    if (!path || d->check)
        return ERR_NONE;
    *ret = fopen(path, "ae");
    return *ret ? ERR_NONE : complain(d, ERR_IO, "cannot write", path);
}

static enum err open_trace(struct device *d)
{
    const char *text = config_text(d->daemon->config, "lab", "apdu_trace"), *pcap = config_text(d->daemon->config, "lab", "pcap");
    if ((!text && !pcap) || d->daemon->check)
        return ERR_NONE;
    d->world.apdus = &d->apdus;
    enum err err = card_trace_open(&d->apdus, text, pcap);
    return err == ERR_NONE ? ERR_NONE : complain(d->daemon, err, "cannot write [lab] apdu_trace or pcap", NULL);
}

static enum err open_world(struct device *d)
{
    struct daemon *daemon = d->daemon;
    const char *master = config_text(daemon->config, "card", "master_key");
    d->world.loop = daemon->loop;
    d->world.env = (struct env){ .clock = daemon->clock, .rng = daemon->rng, .log = daemon->log };
    enum err err = master ? keystore_soft_open(master, false, daemon->rng, &d->keys) : ERR_NONE;
    if (err != ERR_NONE)
        return complain(daemon, err, "the master key", master);
    d->world.env.keys = d->keys ? keystore_soft_keys(d->keys) : NULL;
    err = open_trace(d);
    return err == ERR_NONE ? open_file(daemon, "events", &d->world.events) : err;
}

static enum err read_modem(struct device *d)
{
    struct config *c = d->daemon->config;
    d->modem = (struct modem_config){ .mcc_mnc = { 0x00, 0xF1, 0x10 }, .lac = { 0, 1 }, .cell = { 0, 1 } };
    snprintf(d->modem.imei, sizeof d->modem.imei, "%s", config_text(c, "modem", "imei"));
    if (strspn(d->modem.imei, "0123456789") != IMEI_DIGITS || strlen(config_text(c, "modem", "imei")) != IMEI_DIGITS)
        return complain(d->daemon, ERR_BAD_VALUE, "[modem] imei", config_text(c, "modem", "imei"));
    d->modem.poll_s = (uint32_t)config_number(c, "modem", "poll_s");
    d->modem.attach_retry_s = (uint32_t)config_number(c, "modem", "attach_retry_s");
    d->modem.pin = config_text(c, "modem", "pin");
    return ERR_NONE;
}

/* "12.1 17.7" */
static enum err read_bits(const char *text, uint8_t bits[MODEM_PROFILE_MAX])
{
    while (*text) {
        unsigned octet, bit;
        int len = 0;
        if (sscanf(text, " %3u.%1u %n", &octet, &bit, &len) < 2 || octet < 1 || octet > MODEM_PROFILE_MAX || bit < 1 || bit > 8)
            return ERR_BAD_VALUE;
        bits[octet - 1] |= (uint8_t)(1u << (bit - 1));
        text += len;
    }
    return ERR_NONE;
}

static enum err read_quirks(struct device *d)
{
    struct config *c = d->daemon->config;
    struct modem_quirks *q = &d->modem.quirks;
    const char *profile = config_text(c, "quirks", "profile"), *bits = config_text(c, "quirks", "profile_clear");
    size_t len = 0;
    *q = (struct modem_quirks){
        .no_bip = config_bool(c, "quirks", "no_bip"),
        .refresh_ignored = config_bool(c, "quirks", "refresh_ignored"),
        .no_location_event = config_bool(c, "quirks", "no_location_event"),
        .no_rejection_event = config_bool(c, "quirks", "no_rejection_event"),
        .suspends = config_bool(c, "quirks", "suspends"),
        .loses_sms = config_bool(c, "quirks", "loses_sms"),
        .bip_buffer = (uint16_t)config_number(c, "quirks", "bip_buffer"),
        .answer_ms = (uint32_t)config_number(c, "quirks", "answer_ms"),
        .awake_s = (uint32_t)config_number(c, "quirks", "awake_s"),
        .asleep_s = (uint32_t)config_number(c, "quirks", "asleep_s"),
    };
    if (profile && hex_read(span_text(profile), q->profile, sizeof q->profile, &len) != ERR_NONE)
        return complain(d->daemon, ERR_BAD_VALUE, "[quirks] profile", profile);
    q->profile_len = (uint8_t)len;
    if (bits && read_bits(bits, q->profile_clear) != ERR_NONE)
        return complain(d->daemon, ERR_BAD_VALUE, "[quirks] profile_clear", bits);
    return ERR_NONE;
}

static enum err read_network(struct device *d)
{
    struct config *c = d->daemon->config;
    struct network_config *n = &d->network;
    *n = (struct network_config){ .msisdn_of = msisdn_of, .context = d };
    snprintf(n->system_id, sizeof n->system_id, "%s", config_text(c, "network", "system_id"));
    snprintf(n->password, sizeof n->password, "%s", config_text(c, "network", "password"));
    enum err err = config_address(c, "network", "hlr", n->hlr_host, sizeof n->hlr_host, &n->hlr_port);
    if (err == ERR_NONE)
        err = config_address(c, "network", "smsc", n->smsc_host, sizeof n->smsc_host, &n->smsc_port);
    return err == ERR_NONE ? ERR_NONE : complain(d->daemon, err, "[network] hlr, smsc", NULL);
}

/* ---- the devices ---- */

/* 14 digits count up, the 15th is their Luhn digit (TS 23.003 annex B). */
static void next_imei(char imei[IMEI_DIGITS + 1])
{
    unsigned sum = 0;
    for (int i = IMEI_DIGITS - 2; i >= 0; i--) {
        bool carry = imei[i] == '9';
        imei[i] = carry ? '0' : (char)(imei[i] + 1);
        if (!carry)
            break;
    }
    for (unsigned i = 0; i < IMEI_DIGITS - 1; i++) {
        unsigned digit = (unsigned)(imei[i] - '0') * (i % 2 ? 2 : 1);
        sum += digit / 10 + digit % 10;
    }
    imei[IMEI_DIGITS - 1] = (char)('0' + (10 - sum % 10) % 10);
}

/* state NULL: the card is in a PC/SC reader */
static enum err add_handset(struct device *d, const char *state)
{
    struct handset **ret = &d->handsets[d->count];
    snprintf(d->network.name, sizeof d->network.name, "device-%s", d->modem.imei);
    enum err err = state ? handset_new(&d->world, state, &d->modem, &d->network, ret)
                         : handset_new_pcsc(&d->world, (unsigned)config_number(d->daemon->config, "card", "pcsc"), &d->modem,
                                            &d->network, ret);
    if (err != ERR_NONE)
        return complain(d->daemon, err, state ? "the card image" : "the PC/SC reader", state);
    d->count++;
    next_imei(d->modem.imei);
    return ERR_NONE;
}

static int has_card(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static enum err add_fleet(struct device *d, const char *folder, size_t most)
{
    struct dirent **entries;
    char state[PATH_TEXT_MAX];
    enum err err = ERR_NONE;
    int found = scandir(folder, &entries, has_card, alphasort);
    if (found < 0)
        return complain(d->daemon, ERR_NOT_FOUND, "the folder of cards", folder);
    d->handsets = calloc((size_t)found + 1, sizeof *d->handsets);
    for (int i = 0; i < found; i++) {
        int len = snprintf(state, sizeof state, "%s/%s/card.nvm", folder, entries[i]->d_name);
        bool wanted = d->handsets && err == ERR_NONE && len < (int)sizeof state && (!most || d->count < most);
        if (wanted && access(state, F_OK) == 0)
            err = add_handset(d, state);
        free(entries[i]);
    }
    free(entries);
    if (!d->handsets)
        return ERR_NO_MEMORY;
    return err == ERR_NONE && !d->count ? complain(d->daemon, ERR_NOT_FOUND, "no card.nvm in the folders of", folder) : err;
}

/* A device has a card image and up to nine sockets open. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static enum err add_handsets(struct device *d)
{
    struct config *c = d->daemon->config;
    const char *state = config_text(c, "card", "state"), *cards = config_text(c, "fleet", "cards");
    bool pcsc = config_text(c, "card", "pcsc") != NULL;
    if ((state != NULL) + (cards != NULL) + pcsc != 1) {
        snprintf(d->daemon->detail, sizeof d->daemon->detail, "one of [card] state, [card] pcsc and [fleet] cards must be given, no more");
        return ERR_MISSING;
    }
    if (pcsc && d->daemon->check)
        return ERR_NONE; /* somebody else may have it now */
    if (cards && d->world.apdus)
        return complain(d->daemon, ERR_BAD_VALUE, "[lab] apdu_trace and pcap are for one card, not for", "[fleet]");
    if (cards) {
        raise_file_limit();
        return add_fleet(d, cards, (size_t)config_number(c, "fleet", "count"));
    }
    d->handsets = calloc(1, sizeof *d->handsets);
    return d->handsets ? add_handset(d, state) : ERR_NO_MEMORY;
}

static enum err open_port(struct device *d)
{
    const char *link = config_text(d->daemon->config, "at", "pty");
    if (!link)
        return ERR_NONE;
    if (d->count != 1)
        return complain(d->daemon, ERR_UNSUPPORTED, "[at] pty with a fleet:", link);
    enum err err = handset_open_port(d->handsets[0], link);
    return err == ERR_NONE ? ERR_NONE : complain(d->daemon, err, "[at] pty", link);
}

static enum err switch_on(struct device *d)
{
    uint64_t interval_ms = config_number(d->daemon->config, "fleet", "interval_ms");
    enum err err = loop_on_signal(d->daemon->loop, SIGUSR1, on_signal, d);
    if (err == ERR_NONE)
        err = loop_on_signal(d->daemon->loop, SIGUSR2, on_signal, d);
    for (size_t i = 0; err == ERR_NONE && i < d->count; i++)
        handset_power_on(d->handsets[i], i * interval_ms);
    return err;
}

static enum err device_open(struct daemon *daemon, void **ret_role)
{
    struct device *d = calloc(1, sizeof *d);
    if (!d)
        return ERR_NO_MEMORY;
    d->daemon = daemon;
    enum err err = open_world(d);
    if (err == ERR_NONE)
        err = read_modem(d);
    if (err == ERR_NONE)
        err = read_quirks(d);
    if (err == ERR_NONE)
        err = read_network(d);
    if (err == ERR_NONE)
        err = add_handsets(d);
    if (err == ERR_NONE && !daemon->check)
        err = open_port(d);
    if (err == ERR_NONE && !daemon->check)
        err = switch_on(d);
    if (err == ERR_NONE)
        *ret_role = d;
    else
        device_close(d);
    return err;
}

int main(int argc, char **argv)
{
    static const struct program program = {
        .name = "osprey-device", .summary = "modems with software eUICCs, on the lab's network", .help = help,
        .options = options, .option_count = ARRAY_LEN(options), .open = device_open, .close = device_close,
    };
    return daemon_main(&program, argc, argv);
}
